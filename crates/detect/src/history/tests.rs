use super::*;
use crate::testing::{Cell, Line, between, judge_in};
use crate::testing_flow::Flow;
use crate::{Detection, Scope, Verdict};
use proptest::prelude::*;
use std::collections::BTreeMap;

const DAY: f64 = 86_400.0;

fn scope() -> Scope {
    Scope::new(&[], 0)
}

/// One run with the state of those before; what it found, and the state after.
fn run(state: &History, lines: &[Line]) -> (Verdict, History) {
    let mut detection = Detection::new(&scope());
    detection.carry(state).unwrap();
    lines.iter().for_each(|line| detection.add(9, line));
    let history = detection.history();
    (detection.finish(), History::read(&history.bytes()).unwrap())
}

fn ssh(at: f64, from: &str, to: &str) -> Line {
    between("ssh", at, (from, to), &[("auth_success", Cell::Flag(true))])
}

/// A month in which an administrator goes to one machine each day.
fn month() -> Vec<Line> {
    let days = (0..30).flat_map(|day| {
        let at = f64::from(day) * DAY + 1000.0;
        [Flow::used(at, "10.0.0.9", "10.0.0.1", 22).line(3), ssh(at, "10.0.0.9", "10.0.0.1")]
    });
    days.collect()
}

/// What is told, without how often.
fn facts(verdict: &Verdict) -> Vec<String> {
    let wanted = ["admin-path-first-seen", "audit-new-destination", "rogue-gateway"];
    let joined = verdict.findings.iter().filter(|f| wanted.contains(&f.about.id));
    let mut all: Vec<String> = joined
        .map(|f| format!("{} {} {} {:?} since {:020}", f.code(), f.subject, f.key, f.severity, f.first.0))
        .collect();
    all.sort();
    all
}

#[test]
fn what_earlier_runs_knew_is_not_new() {
    let (first, state) = run(&History::new(0), &month());
    assert_eq!(facts(&first).len(), 1, "while nothing is known, all is new: one fact");
    let later = [ssh(31.0 * DAY, "10.0.0.9", "10.0.0.1"), ssh(31.0 * DAY + 1.0, "10.0.0.9", "10.0.0.2")];
    let (second, _) = run(&state, &later);
    let told = facts(&second);
    assert!(told.len() == 1 && told[0].contains("10.0.0.2 by ssh Low"), "{told:?}");
    // Without the state nobody knows.
    assert!(facts(&judge_in(&scope(), &later))[0].contains("ssh Info"));
}

#[test]
fn a_jump_host_of_earlier_runs_is_none_that_was_taken() {
    let exec = |at: f64, from: &str, to: &str| {
        between("dce_rpc", at, (from, to), &[("endpoint", Cell::Text(b"svcctl".to_vec())), ("opnum", Cell::Count(12))])
    };
    let chains = |v: &Verdict| v.findings.iter().filter(|f| f.about.id == "lateral-chain").count();
    let (_, state) = run(&History::new(0), &[exec(1000.0, "10.0.0.2", "10.0.0.3")]);
    let later = |day: f64| [exec(day * DAY, "10.0.0.1", "10.0.0.2"), exec(day * DAY + 60.0, "10.0.0.2", "10.0.0.3")];
    let (known, next) = run(&state, &later(20.0));
    assert_eq!((chains(&known), chains(&judge_in(&scope(), &later(20.0)))), (0, 1));
    assert_eq!(chains(&run(&state, &later(40.0)).0), 1, "a month later");
    // Judged again, and an older capture judged later, find the same.
    assert_eq!(chains(&run(&next, &later(20.0)).0), 0);
    let (first, of_it) = run(&History::new(0), &later(20.0));
    assert_eq!((chains(&first), chains(&run(&of_it, &later(20.0)).0)), (1, 1));
    assert_eq!(chains(&run(&of_it, &later(10.0)).0), 1);
}

#[test]
fn a_place_is_new_after_weeks_of_which_no_run_saw_more_than_one() {
    let mut state = History::new(0);
    let call = |day: u32, to: &str| Flow::used(f64::from(day) * DAY + 1000.0, "10.0.0.5", to, 443).line(3);
    for week in 0..4 {
        let (verdict, after) = run(&state, &(0..7).map(|day| call(week * 7 + day, "203.0.113.7")).collect::<Vec<_>>());
        assert_eq!(facts(&verdict).len(), 0);
        state = after;
    }
    let (verdict, after) = run(&state, &[call(29, "203.0.113.7"), call(29, "198.51.100.9")]);
    let told = facts(&verdict);
    assert!(told.len() == 1 && told[0].contains("new-for-network 10.0.0.5 198.51.100.0/24 Medium"), "{told:?}");
    // Once told, it is known.
    assert_eq!(facts(&run(&after, &[call(30, "198.51.100.9")]).0).len(), 0);
}

#[test]
fn a_capture_judged_again_finds_the_same_and_changes_nothing() {
    let (_, state) = run(&History::new(0), &month());
    let more = || [ssh(31.0 * DAY, "10.0.0.8", "10.0.0.2"), ssh(31.0 * DAY + 60.0, "10.0.0.8", "10.0.0.2")];
    let (once, after) = run(&state, &more());
    let (twice, again) = run(&after, &more());
    assert!(!facts(&once).is_empty());
    assert_eq!(facts(&once), facts(&twice));
    assert_eq!(after.bytes(), again.bytes());
}

#[test]
fn what_was_first_seen_later_is_not_known_to_an_older_capture() {
    let (_, state) = run(&History::new(0), &month());
    let (_, state) = run(&state, &[ssh(40.0 * DAY, "10.0.0.8", "10.0.0.2")]);
    let (older, after) = run(&state, &[ssh(35.0 * DAY, "10.0.0.8", "10.0.0.2")]);
    assert!(facts(&older)[0].contains("10.0.0.2 by ssh Low"), "{:?}", facts(&older));
    // And the fact begins earlier now.
    let (younger, _) = run(&after, &[ssh(36.0 * DAY, "10.0.0.8", "10.0.0.2")]);
    assert_eq!(facts(&younger).len(), 0);
}

#[test]
fn damaged_foreign_and_newer_states_are_refused() {
    let (_, state) = run(&History::new(0), &month());
    let bytes = state.bytes();
    assert_eq!(History::read(&bytes).unwrap(), state);
    assert_eq!(state.count(), state.bytes().iter().filter(|b| **b == b'\n').count() - 2);
    assert_eq!(state.span().map(|s| s.0), Some(Timestamp(1_000_000_000_000)));
    for foreign in [&b""[..], b"\n", b"{}\n", b"PK\x03\x04", b"{\"format\":\"other\"}\n", &[b'x'; 100_000]] {
        assert_eq!(History::read(foreign), Err(HistoryError::Foreign), "{foreign:?}");
    }
    for cut in [bytes.len() - 1, bytes.len() - 17, bytes.len() - 40] {
        assert!(matches!(History::read(&bytes[..cut]), Err(HistoryError::Damaged(_))), "{cut}");
    }
    let text = String::from_utf8(bytes.clone()).unwrap();
    let changed = text.replacen("10.0.0.9", "10.0.0.8", 1);
    assert!(matches!(History::read(changed.as_bytes()), Err(HistoryError::Damaged(_))));
    let newer = text.replacen("\"version\":1", "\"version\":2", 1);
    assert!(matches!(History::read(newer.as_bytes()), Err(HistoryError::Newer(_))));
    // A section that nobody knows, a version of one that is newer, and rows that are none.
    let signed = |text: &str| {
        let told = &text[..text.trim_end().rfind('\n').unwrap() + 1];
        History::read(format!("{told}{}", digest_of(told.as_bytes())).as_bytes()).unwrap()
    };
    let carried = |history: &History| Detection::new(&scope()).carry(history);
    let other = signed(&text.replacen("\"admin-paths\",1", "\"fancy-paths\",1", 1));
    assert!(matches!(carried(&other), Err(HistoryError::Newer(_))));
    let other = signed(&text.replacen("\"admin-paths\",1", "\"admin-paths\",2", 1));
    assert!(matches!(carried(&other), Err(HistoryError::Newer(_))));
    let other = signed(&text.replacen("\"ssh\"", "\"fly\"", 1));
    assert!(matches!(carried(&other), Err(HistoryError::Damaged(_))));
    assert_eq!(Detection::new(&Scope::new(&[], 7)).carry(&state), Err(HistoryError::Seed(0)));
    assert_eq!(carried(&state), Ok(()));
}

#[test]
fn the_oldest_leave_first_and_are_counted() {
    let mut table: Recent<u64, i64> = Recent::of(&scope(), 2_000_000);
    let most = i64::try_from(MAX_HISTORY_FACTS).unwrap();
    (0..most + 1_000).for_each(|n| *table.at(n.unsigned_abs(), || 0) = n);
    let save = |table: &mut Recent<u64, i64>, left_out| {
        let mut carrier = Carrier::save();
        let row = |key: &u64, n: &i64| Some((Timestamp(*n), (*key, *n)));
        carrier.table(("numbers", 1), table, row, |(key, n)| Some((key, n)));
        carrier.saved(0, None, left_out)
    };
    let history = save(&mut table, 5);
    assert_eq!((history.count(), history.left_out()), (MAX_HISTORY_FACTS, 1_005));
    assert!(history.text.starts_with(b"[1000,1000]\n"), "the oldest have left, and of the others the oldest are first");
    assert!(history.bytes().len() < MAX_HISTORY_LEN);
    // What was not seen for ninety days is of no use; a clock that is wrong makes nothing old.
    let mut table: Recent<u64, i64> = Recent::of(&scope(), 2_000);
    let day = 86_400_000_000_000;
    (0..200i64).for_each(|n| *table.at(n.unsigned_abs(), || 0) = 40_000 * day + n * day);
    *table.at(999, || 0) = 70_000 * day;
    let history = save(&mut table, 0);
    // Ninety days before the third of 201, and the one of the wrong clock.
    assert_eq!((history.count(), history.left_out()), (93, 0));
}

#[test]
fn long_rows_stop_at_the_longest_state() {
    let mut table: Recent<u64, String> = Recent::of(&scope(), 2_000);
    (0..700).for_each(|n| *table.at(n, String::new) = "x".repeat(100_000));
    let mut carrier = Carrier::save();
    let row = |key: &u64, text: &String| Some((Timestamp(i64::try_from(*key).unwrap()), (*key, text.clone())));
    carrier.table(("texts", 1), &mut table, row, |(key, text)| Some((key, text)));
    let history = carrier.saved(0, None, 0);
    assert_eq!(history.count() as u64 + history.left_out(), 700);
    assert!(history.left_out() > 20 && History::read(&history.bytes()).is_ok());
}

#[test]
fn an_older_section_begins_anew() {
    let mut table: Recent<u64, i64> = Recent::of(&scope(), 100);
    table.at(1, || 1);
    let mut carrier = Carrier::save();
    carrier.table(("numbers", 1), &mut table, |k, n| Some((UNDATED, (*k, *n))), |(k, n)| Some((k, n)));
    let history = carrier.saved(0, None, 0);
    let load = |version| {
        let mut table: Recent<u64, i64> = Recent::of(&scope(), 100);
        let mut carrier = Carrier::load(&history);
        carrier.table(("numbers", version), &mut table, |k, n| Some((UNDATED, (*k, *n))), |(k, n)| Some((k, n)));
        (carrier.loaded(), table.len())
    };
    assert_eq!((load(1), load(2)), ((Ok(()), 1), (Ok(()), 0)));
}

/// A session of an administrator, a contact of a device outside, or the word of a DHCP server.
#[derive(Clone, Debug)]
struct Step {
    hours: u8,
    kind: u8,
    who: u8,
    whom: u8,
}

/// Within the 90 days after which a state forgets.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (2u8..18, 0u8..8, 0u8..3, 0u8..4).prop_map(|(hours, kind, who, whom)| Step { hours, kind, who, whom });
    prop::collection::vec(step, 1..120)
}

/// Each step in rows of its own; hours lie between.
fn lines(steps: &[Step]) -> Vec<Vec<Line>> {
    let mut at = 1_000_000.0;
    let line = |step: &Step| {
        at += f64::from(step.hours) * 3_600.0;
        let who = format!("10.0.{}.5", step.who);
        match step.kind {
            0 | 1 => {
                let to = format!("10.0.9.{}", step.whom);
                vec![Flow::used(at, &who, &to, 22).line(3), ssh(at, &who, &to)]
            }
            2 => {
                let server = format!("10.0.8.{}", step.whom);
                let routers = vec![crate::testing::addr(&format!("10.0.8.{}", 100 + step.who))];
                let columns = [
                    ("ts", Cell::Time(at)),
                    ("client_addr", Cell::Addr(crate::testing::addr(&who))),
                    ("msg_types", Cell::Texts(vec!["OFFER".into()])),
                    ("server_ids", Cell::Addrs(vec![crate::testing::addr(&server)])),
                    ("routers", Cell::Addrs(routers)),
                ];
                vec![crate::testing::line("dhcp", 9, &columns)]
            }
            // As days pass, there are places that nobody knows.
            7 => vec![Flow::used(at, &who, &format!("203.1.{}.7", (at / 500_000.0) as u8), 443).line(3)],
            _ => vec![Flow::used(at, &who, &format!("203.0.{}.7", step.whom), 443).line(3)],
        }
    };
    steps.iter().map(line).collect()
}

/// Facts that several runs tell are one: as severe as the worst of them, from the first time on.
fn joined(facts: &[String]) -> BTreeMap<String, (usize, String)> {
    let mut all = BTreeMap::new();
    for fact in facts {
        let (what, since) = fact.rsplit_once(" since ").unwrap();
        let (what, severity) = what.rsplit_once(' ').unwrap();
        let rank = ["Info", "Low", "Medium", "High", "Critical"].iter().position(|s| *s == severity).unwrap();
        let known = all.entry(what.to_owned()).or_insert((rank, since.to_owned()));
        *known = (known.0.max(rank), since.to_owned().min(known.1.clone()));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Captures judged one after the other find together what they find as one, each thing once. Not so
    /// `audit-new-destination`: whether a place is one of many that a device goes to is known by its whole time.
    #[test]
    fn runs_with_a_state_find_what_one_run_finds(steps in steps(), cuts in prop::collection::vec(0usize..120, 0..5)) {
        let whole: Vec<Line> = lines(&steps).into_iter().flatten().collect();
        let told = |verdict: &Verdict| {
            let all = facts(verdict).into_iter();
            all.filter(|fact| !fact.starts_with("audit-new-destination")).collect::<Vec<_>>()
        };
        let want = joined(&told(&run(&History::new(0), &whole).0));
        let mut found = Vec::new();
        let mut state = History::new(0);
        let mut part = Vec::new();
        let last = steps.len();
        for (i, rows) in lines(&steps).into_iter().enumerate() {
            part.extend(rows);
            if cuts.contains(&i) || i + 1 == last {
                let (verdict, after) = run(&state, &part);
                found.extend(told(&verdict));
                state = after;
                part.clear();
            }
        }
        let found = joined(&found);
        prop_assert_eq!(found, want);
    }

    /// Whatever stands there, reading it and judging with it ends well.
    #[test]
    fn any_change_is_refused_or_harmless(at in 0usize..4_000, byte in any::<u8>()) {
        let (_, state) = run(&History::new(0), &month());
        let mut bytes = state.bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let Ok(read) = History::read(&bytes) else { return Ok(()) };
        prop_assert_eq!(read, state, "a digest that fits by chance");
    }
}
