use super::*;
use crate::testing::{Cell, Line, addr, judge, judge_in, line, of};
use sekisho_finding::Finding;

/// Monday 2026-03-02, 00:00 UTC.
const START: f64 = 1_772_409_600.0;
const HOST: &str = "10.0.0.5";

fn flow(at: f64, host: &str, peer: &str, size: u64, uid: u64) -> Line {
    let columns = [
        ("ts", Cell::Time(START + at)),
        ("uid", Cell::Uid(uid)),
        ("id.orig_h", Cell::Addr(addr(host))),
        ("id.resp_h", Cell::Addr(addr(peer))),
        ("id.resp_p", Cell::Port(443)),
        ("proto", Cell::Word("tcp")),
        ("conn_state", Cell::Word("SF")),
        ("orig_pkts", Cell::Count(5)),
        ("resp_pkts", Cell::Count(5)),
        ("orig_ip_bytes", Cell::Count(size)),
    ];
    line("conn", uid, &columns)
}

/// Days of four weeks, and what host `host` says in each hour of them: something at home every ten minutes.
fn background(host: &str, days: impl IntoIterator<Item = u32>, up: impl Fn(u32) -> bool) -> Vec<Line> {
    let hours = days.into_iter().flat_map(|day| (0..24).map(move |hour| (day, hour))).filter(|(_, hour)| up(*hour));
    hours
        .flat_map(|(day, hour)| (0..6).map(move |k| f64::from(day * 86_400 + hour * 3_600 + k * 600 + 7)))
        .map(|at| flow(at, host, "10.0.0.1", 200, at as u64 + 50_000_000))
        .collect()
}

/// Calls every five minutes in these hours of UTC on these days.
fn calls(days: impl IntoIterator<Item = u32>, hours: impl Fn(u32) -> bool) -> Vec<Line> {
    let mut lines = Vec::new();
    for day in days {
        for k in (0..288u32).filter(|k| hours(k / 12)) {
            let at = f64::from(day * 86_400 + k * 300 + 30);
            lines.push(flow(at, HOST, "203.0.113.9", 400, at as u64 + 1));
        }
    }
    lines
}

fn workdays() -> impl Iterator<Item = u32> {
    (0..28).filter(|day| day % 7 < 5)
}

fn judged(scope: &Scope, lines: [Vec<Line>; 2]) -> Vec<Finding> {
    let mut lines: Vec<Line> = lines.into_iter().flatten().collect();
    lines.sort_by(|a, b| a.ts().total_cmp(&b.ts()));
    of(&judge_in(scope, &lines), "c2-beacon-scheduled")
}

fn found(calls: Vec<Line>, background: Vec<Line>) -> Vec<Finding> {
    judged(&Scope::new(&[], 0), [calls, background])
}

fn all_day() -> Vec<Line> {
    background(HOST, 0..28, |_| true)
}

const OFFICE: fn(u32) -> bool = |hour| (9..18).contains(&hour);

#[test]
fn keeps_office_hours_on_a_host_that_is_always_on() {
    let all = found(calls(workdays(), OFFICE), all_day());
    let [finding] = &all[..] else { panic!("{} findings", all.len()) };
    assert_eq!((finding.code().as_str(), finding.severity), ("c2-beacon-scheduled/office-hours", Severity::Medium));
    assert_eq!((finding.subject, finding.key.as_str()), (addr(HOST), "203.0.113.9"));
    let measure = |name: &str| finding.measures.iter().find(|m| m.name == name).unwrap().value();
    assert_eq!((measure("regular in time"), measure("regular in size"), measure("period")), (1.0, 1.0, 300.0));
    assert_eq!(measure("off hours that are silent"), 1.0);
    let quote = |label: &str| &finding.quotes.iter().find(|q| q.label == label).unwrap().text;
    assert!(quote("time zone").contains("best UTC"), "{}", quote("time zone"));
    assert!(quote("week in UTC").starts_with("Mon .........#########......|"), "{}", quote("week in UTC"));
}

#[test]
fn keeps_the_office_hours_of_another_zone_and_over_version_six() {
    // 9 to 17 o'clock in Tokyo.
    let lines = calls(workdays(), |hour| hour < 9);
    let all = found(lines, all_day());
    let zone = &all[0].quotes.iter().find(|q| q.label == "time zone").unwrap().text;
    assert!(zone.contains("fitting UTC+7 to UTC+1"), "{zone}");
    let six = |at: f64, peer| flow(at, "fd00::5", peer, 400, at as u64 + 1);
    let calls = workdays().flat_map(|day| (108..216).map(move |k| f64::from(day * 86_400 + k * 300 + 30)));
    let calls = calls.map(|at| six(at, "2001:db8::9")).collect();
    let up = background("fd00::5", 0..28, |_| true);
    assert_eq!(found(calls, up).len(), 1);
}

#[test]
fn at_night_only() {
    let nights = |day: u32, hour: u32| !(7..20).contains(&hour) || day % 7 >= 5;
    let mut lines = Vec::new();
    for day in 0..28 {
        lines.extend(calls([day], |hour| nights(day, hour)));
    }
    let all = found(lines, all_day());
    assert_eq!(all.iter().map(|f| f.reason.code).collect::<Vec<_>>(), ["night-only"]);
}

#[test]
fn resumes_after_a_holiday() {
    // All day long but at night, every day; silent from Friday the 13th to Monday the 16th, a holiday.
    let scope = Scope { holidays: vec![Day::new(2026, 3, 16).unwrap()].into(), ..Scope::new(&[], 0) };
    let days = || (0..28).filter(|day| !(11..15).contains(day));
    let hours = |hour| (1..19).contains(&hour);
    let resumed = |scope: &Scope, days: Vec<u32>| {
        let all = judged(scope, [calls(days, hours), all_day()]);
        all.iter().map(|f| f.reason.code).collect::<Vec<_>>()
    };
    assert_eq!(resumed(&scope, days().collect()), ["resumes-after-holiday"]);
    assert!(resumed(&Scope::new(&[], 0), days().collect()).is_empty(), "no holiday");
    assert!(resumed(&scope, (0..28).filter(|day| *day != 14).collect()).is_empty(), "one silent day");
}

#[test]
fn nearly() {
    // Four days; a host that is off at night and at weekends.
    assert_eq!(found(calls(0..4, OFFICE), background(HOST, 0..28, |_| true)).len(), 0);
    assert_eq!(found(calls(workdays(), OFFICE), background(HOST, workdays(), |hour| (8..20).contains(&hour))).len(), 0);
    assert_eq!(found(calls(0..28, |_| true), all_day()).len(), 0, "never silent");
    assert_eq!(found(calls(workdays(), |hour| (4..23).contains(&hour)), all_day()).len(), 0, "into the night");
    assert_eq!(found(calls(workdays(), |hour| (11..13).contains(&hour)), all_day()).len(), 0, "for two hours only");
}

#[test]
fn ordinary() {
    // A mail client of a person: irregular gaps in office hours of a host that is off otherwise, and on one that is on.
    let random = |n: u64| (2_654_435_761u64.wrapping_mul(n) >> 7) % 1024;
    let mail = || -> Vec<Line> {
        let mut lines = Vec::new();
        for day in workdays() {
            let mut at = f64::from(day * 86_400 + 9 * 3_600);
            for k in 0..60 {
                at += 60.0 + (random(u64::from(day) * 77 + k) % 841) as f64;
                if at < f64::from(day * 86_400 + 18 * 3_600) {
                    lines.push(flow(at, HOST, "203.0.113.9", 300 + random(k) * 4, at as u64 + 1));
                }
            }
        }
        lines
    };
    assert_eq!(found(mail(), background(HOST, workdays(), OFFICE)).len(), 0);
    assert_eq!(found(mail(), all_day()).len(), 0);
    // Somebody asks for many names whenever the calls come.
    let mut browsing = calls(workdays(), OFFICE);
    for day in workdays() {
        for (n, hour) in (9..18).flat_map(|hour| (0..12u32).map(move |n| (n, hour))) {
            let at = f64::from(day * 86_400 + hour * 3_600 + n * 200 + 11);
            let uid = at as u64 + 90_000_000;
            let name = [
                ("ts", Cell::Time(START + at)),
                ("uid", Cell::Uid(uid)),
                ("id.orig_h", Cell::Addr(addr(HOST))),
                ("id.resp_h", Cell::Addr(addr("198.51.100.7"))),
                ("server_name", Cell::Text(format!("www{n}.example").into_bytes())),
            ];
            browsing.push(line("ssl", uid, &name));
            browsing.push(flow(at, HOST, "198.51.100.7", 900, uid));
        }
    }
    assert_eq!(found(browsing, all_day()).len(), 0);
    // Five hosts have the program.
    let mut fleet = calls(workdays(), OFFICE);
    fleet.extend((0..5).map(|n| flow(f64::from(n), &format!("10.0.0.{}", n + 10), "203.0.113.9", 400, 7 + n as u64)));
    assert_eq!(found(fleet, all_day()).len(), 0);
    assert_eq!(of(&judge(&calls(workdays(), OFFICE)), "c2-beacon-scheduled").len(), 0, "on only when it calls");
}

#[test]
fn stays_within_bounds() {
    let scope = Scope { memory_len: Some(4 << 20), ..Scope::new(&[], 0) };
    let mut lines: Vec<Line> = Vec::new();
    for n in 0..60_000u32 {
        let (host, peer) = (format!("10.{}.{}.7", n >> 8 & 255, n & 255), format!("203.0.{}.9", n / 40 % 250));
        lines.push(flow(f64::from(n), if n % 2 == 0 { HOST } else { &host }, &peer, 60, u64::from(n) + 1));
    }
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-beacon-scheduled").unwrap();
    assert!(spent.held_len < 700 << 10 && spent.forgotten > 20_000, "{spent:?}");
    // Times that no packet has.
    let far = [-1e9, 9e9].map(|at| flow(at, HOST, "203.0.113.9", 60, 5));
    assert_eq!(of(&judge(&far), "c2-beacon-scheduled").len(), 0);
}
