use super::*;
use crate::testing::{Cell, Line, addr, judge_in, line, of};
use sekisho_finding::Finding;

const HOUR: f64 = 3600.0;
const DAY_LEN: f64 = 86_400.0;
/// Monday 2026-03-02, 00:00 UTC.
const START: f64 = 1_772_409_600.0;

fn contact(at: f64, to: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(START + at)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr("10.0.0.5"))),
        ("id.resp_h", Cell::Addr(addr(to))),
        ("orig_pkts", Cell::Count(3)),
    ];
    line("conn", 4, &columns)
}

fn found(times: &[f64], holidays: &[&str]) -> Vec<Finding> {
    let lines: Vec<Line> = times.iter().map(|t| contact(*t, "203.0.113.9")).collect();
    let holidays = holidays.iter().map(|d| d.parse().unwrap()).collect();
    let scope = Scope { holidays, ..Scope::new(&[], 0) };
    of(&judge_in(&scope, &lines), "audit-periodicity")
}

fn codes(times: &[f64], holidays: &[&str]) -> Vec<&'static str> {
    found(times, holidays).iter().map(|f| f.reason.code).collect()
}

/// The times of day `of`, on those of `days` days that are `on`.
fn daily(days: u32, of: &[f64], on: impl Fn(u32) -> bool) -> Vec<f64> {
    let days = (0..days).filter(|d| on(*d));
    days.flat_map(|d| of.iter().map(move |t| f64::from(d) * DAY_LEN + t)).collect()
}

#[test]
fn by_the_clock_each_hour() {
    let hours = |n: u32, off: fn(u32) -> f64| (0..n).map(|h| f64::from(h) * HOUR + off(h)).collect::<Vec<_>>();
    let all = found(&hours(24, |h| 17.0 * 60.0 + f64::from(h % 4) * 20.0), &[]);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.key.as_str()), ("audit-periodicity/hourly", "203.0.113.0/24"));
    assert_eq!(finding.quotes[0].text, "17");
    assert_eq!(finding.quotes[1].text, "2026-03-03T00:17:00Z");
    // Too short; scattered; every ten minutes; only now and then.
    assert_eq!(codes(&hours(11, |_| 0.0), &[]).len(), 0);
    assert_eq!(codes(&hours(48, |h| f64::from(h * 17 % 60) * 60.0), &[]).len(), 0);
    let often: Vec<f64> = (0..300).map(|n| f64::from(n) * 600.0).collect();
    assert_eq!(codes(&often, &[]).len(), 0);
    let rare: Vec<f64> = (0..14).map(|n| f64::from(n) * 5.0 * HOUR).collect();
    assert_eq!(codes(&rare, &[]).len(), 0);
}

#[test]
fn at_the_same_hour_each_day() {
    // At about half past three.
    let at = [3.5 * HOUR];
    let all = found(&daily(14, &at, |_| true), &[]);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.reason.code, finding.confidence.thousandths()), ("daily", 600));
    assert_eq!(finding.quotes[0].text, "03");
    assert_eq!(found(&daily(16, &at, |_| true), &[])[0].confidence.thousandths(), 800);
    assert_eq!(codes(&daily(6, &at, |_| true), &[]).len(), 0, "too short");
    // Each day at another hour.
    let other: Vec<f64> = (0..20).map(|d| f64::from(d) * DAY_LEN + f64::from(d * 7 % 24) * HOUR).collect();
    assert_eq!(codes(&other, &[]).len(), 0);
}

#[test]
fn on_days_of_work() {
    let work = [8.0, 9.1, 10.3, 11.0, 14.2, 15.9].map(|h| h * HOUR);
    let weeks = daily(28, &work, |d| d % 7 < 5);
    assert_eq!(codes(&weeks, &[]), ["daily", "weekday"]);
    let all = found(&weeks, &[]);
    assert_eq!(all[1].quotes[0].text, "days of work");
    assert_eq!(found(&daily(28, &work, |d| d % 7 >= 5), &[]).last().unwrap().quotes[0].text, "weekends");
    assert_eq!(codes(&daily(28, &work, |_| true), &[]), ["daily"], "every day");
    assert_eq!(codes(&daily(20, &work, |d| d % 7 < 5), &[]), ["daily"], "too short");
}

#[test]
fn on_holidays() {
    let work = [8.0, 9.0, 10.0].map(|h| h * HOUR);
    let free = |d: u32| d == 9 || d == 17;
    let holidays = ["2026-03-11", "2026-03-19"];
    let silent = daily(28, &work, |d| d % 7 < 5 && !free(d));
    assert!(codes(&silent, &holidays).contains(&"holiday-silent"));
    assert!(!codes(&silent, &holidays[..1]).contains(&"holiday-silent"), "one holiday is too few");
    assert!(!codes(&daily(28, &work, |d| d % 7 < 5), &holidays).contains(&"holiday-silent"));
    let often: Vec<f64> = (0..40).map(|n| f64::from(n) * 0.5 * HOUR).collect();
    let feasts = [daily(28, &work[..1], |d| !free(d)), daily(28, &often, free)].concat();
    assert!(codes(&feasts, &holidays).contains(&"holiday-active"));
}

#[test]
fn ordinary() {
    // Contacts by chance: an arithmetic sequence without a rhythm of hours.
    let chance: Vec<f64> = (0..600u64)
        .scan(1u64, |state, _| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            Some((*state >> 33) as f64 / f64::from(1u32 << 31) * 28.0 * DAY_LEN)
        })
        .collect();
    assert_eq!(codes(&chance, &["2026-03-11", "2026-03-19"]), Vec::<&str>::new());
    assert_eq!(codes(&[], &[]).len(), 0);
}

#[test]
fn rows_out_of_order_and_far_apart_stay_within_bounds() {
    let mut times = daily(16, &[3.5 * HOUR], |_| true);
    times.reverse();
    assert_eq!(codes(&times, &[]), ["daily"]);
    times.push(-1e9);
    times.push(1e9);
    assert_eq!(codes(&times, &[]), ["daily"]);
    let lines: Vec<Line> =
        (0..40_000u32).map(|n| contact(f64::from(n), &format!("203.{}.{}.1", n >> 8 & 255, n & 255))).collect();
    let verdict = judge_in(&Scope::new(&[], 0), &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "audit-periodicity").unwrap();
    assert!(spent.forgotten > 20_000 && spent.held_len < 64 << 20, "{spent:?}");
}
