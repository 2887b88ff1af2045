use super::*;
use crate::testing::{Cell, Line, addr, judge, judge_in, line, of};
use sekisho_finding::Finding;

fn asks_as(client: &str, at: f64, name: &str, qtype: u64, answers: &[&str]) -> Line {
    asks_raw(client, at, name.into(), qtype, answers)
}

fn asks_raw(client: &str, at: f64, name: Vec<u8>, qtype: u64, answers: &[&str]) -> Line {
    let columns = [
        ("ts", Cell::Time(1_772_409_600.0 + at)),
        ("uid", Cell::Uid(at as u64)),
        ("id.orig_h", Cell::Addr(addr(client))),
        ("id.resp_h", Cell::Addr(addr("198.51.100.53"))),
        ("id.resp_p", Cell::Port(53)),
        ("query", Cell::Text(name)),
        ("qtype", Cell::Count(qtype)),
        ("rcode", Cell::Count(0)),
        ("answers", Cell::Texts(answers.iter().map(|a| (*a).to_owned()).collect())),
    ];
    line("dns", at as u64 + 1, &columns)
}

fn asks(at: f64, name: &str, qtype: u64, answers: &[&str]) -> Line {
    asks_as("10.0.0.5", at, name, qtype, answers)
}

/// 32 characters of Base32 that differ with `n`.
fn data(n: u64) -> String {
    let digit = |k: u64| b"abcdefghijklmnopqrstuvwxyz234567"[(sekisho_types::seeded_hash(n, &[k as u8]) % 32) as usize];
    (0..32).map(|k| char::from(digit(k))).collect()
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "c2-dns-tunnel")
}

fn codes(lines: &[Line]) -> Vec<String> {
    found(lines).iter().map(|f| f.reason.code.to_owned()).collect()
}

#[test]
fn many_long_names_in_minutes() {
    let lines = |n: u64| {
        (0..n).map(|k| asks(k as f64, &format!("{}.t.evil.test", data(k)), 1, &["203.0.113.9"])).collect::<Vec<_>>()
    };
    let all = found(&lines(130));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("c2-dns-tunnel/fast", Severity::High));
    assert_eq!((finding.subject, finding.key.as_str()), (addr("10.0.0.5"), "evil.test"));
    assert!(finding.quotes[0].text.ends_with(".t.evil.test"));
    // Just under: too few names; too short ones; the same ones again.
    assert_eq!(codes(&lines(105)).len(), 0);
    let short =
        (0..400u64).map(|k| asks(k as f64, &format!("{}.evil.test", &data(k)[..20]), 1, &[])).collect::<Vec<_>>();
    assert_eq!(codes(&short).len(), 0);
    let again =
        (0..400u64).map(|k| asks(k as f64, &format!("{}.evil.test", data(k * 3 / 4)), 1, &[])).collect::<Vec<_>>();
    assert_eq!(codes(&again).len(), 0);
}

#[test]
fn slowly_over_a_day() {
    let every = |gap: f64, n: u32| {
        (0..n)
            .map(|k| asks(f64::from(k) * gap, &format!("{}.evil.test", data(u64::from(k))), 16, &["\"ok\""]))
            .collect::<Vec<_>>()
    };
    // S-09: 32 bytes each 32 seconds. TXT alone is odd.
    assert_eq!(codes(&every(32.0, 2700)), ["odd-type", "slow"]);
    let a = |gap: f64, n: u32| {
        (0..n)
            .map(|k| asks(f64::from(k) * gap, &format!("{}.evil.test", data(u64::from(k))), 1, &["203.0.113.9"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(&a(32.0, 2700)), ["slow"]);
    assert_eq!(found(&a(32.0, 2700))[0].severity, Severity::Medium);
    assert_eq!(codes(&a(50.0, 1700)).len(), 0, "half a byte a second");
}

#[test]
fn types_that_nobody_needs() {
    let nulls = |n: u32| {
        (0..n).map(|k| asks(f64::from(k), &format!("{}.evil.test", data(u64::from(k))), 10, &[])).collect::<Vec<_>>()
    };
    assert!(codes(&nulls(20)).contains(&"odd-type".to_owned()));
    assert_eq!((codes(&nulls(5)).len(), codes(&nulls(4)).len()), (1, 0));
    let mixed = |n: u32| {
        (0..n)
            .map(|k| asks(f64::from(k), &format!("{}.evil.test", data(u64::from(k))), [15, 16, 5][k as usize % 3], &[]))
            .collect::<Vec<_>>()
    };
    assert!(codes(&mixed(70)).contains(&"odd-type".to_owned()));
    assert_eq!(codes(&mixed(30)).len(), 0);
}

#[test]
fn what_resolvers_tell_of_their_keys_carries_nothing() {
    let nulls = |names: &[&str]| -> Vec<Line> {
        (0..12).map(|k| asks(f64::from(k), names[k as usize % names.len()], 10, &[])).collect()
    };
    assert_eq!(codes(&nulls(&["_ta-dbf1.evil.test", "_TA-4a5c-4f66.evil.test"])).len(), 0);
    for other in
        ["_ta-dbf.evil.test", "_ta-.evil.test", "_ta-dbf1x.evil.test", "_ta-dbfg.evil.test", "_tb-dbf1.evil.test"]
    {
        assert_eq!(codes(&nulls(&[other])), ["odd-type"], "{other}");
    }
}

#[test]
fn names_of_all_bytes() {
    // iodine's Base128, where the way lets it through.
    let name = |k: u64| -> Vec<u8> {
        let label = data(k).bytes().map(|b| b | if b % 2 == 0 { 0x80 } else { 0 }).collect::<Vec<_>>();
        [&label, &b".t.evil.test"[..]].concat()
    };
    assert!(std::str::from_utf8(&name(1)).is_err());
    let lines: Vec<Line> = (0..130).map(|k| asks_raw("10.0.0.5", k as f64, name(k), 1, &[])).collect();
    let all = found(&lines);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.key.as_str()), ("c2-dns-tunnel/fast", "evil.test"));
}

#[test]
fn much_in_answers() {
    let text = "x".repeat(240);
    let lines: Vec<Line> = (0..600)
        .map(|k| asks(f64::from(k) * 100.0, &format!("chunk-number-{}.evil.test", k % 20), 16, &[text.as_str()]))
        .collect();
    assert_eq!(codes(&lines), ["downstream"]);
    let few: Vec<Line> = (0..300)
        .map(|k| asks(f64::from(k) * 100.0, &format!("chunk-number-{}.evil.test", k % 20), 16, &[text.as_str()]))
        .collect();
    assert_eq!(codes(&few).len(), 0);
}

#[test]
fn ordinary() {
    // S-10: block lists by reversed addresses, by answers, reputation services, a content network with hashed names, reverse
    // zones, service discovery, mail policies.
    let mut lines = Vec::new();
    for k in 0..2000u32 {
        let at = f64::from(k) * 2.0;
        lines.push(asks(at, &format!("{}.{}.113.203.list.blocked.test", k % 250, k / 250), 16, &["listed"]));
        lines.push(asks(at, &format!("{}.hashes.listed.test", data(u64::from(k))), 1, &["127.0.0.2"]));
        lines.push(asks(at, &format!("{}.sophosxl.net", data(u64::from(k))), 16, &["w"]));
        lines.push(asks(at, &format!("{}.{}.168.192.in-addr.arpa", k % 250, k / 250), 12, &["host"]));
        lines.push(asks(at * 20.0, &format!("{}.cdn.example", data(u64::from(k % 500))), 1, &["203.0.113.7"]));
        lines.push(asks(at, &format!("{}.printers.local", data(u64::from(k))), 16, &[]));
        lines.push(asks(at, &format!("_dmarc.sender{k}.example"), 16, &["v=DMARC1"]));
        lines.push(asks(at, "selector-number-1._domainkey.partner.example", 16, &["v=DKIM1"]));
    }
    lines.sort_by(|a, b| a.ts().total_cmp(&b.ts()));
    assert_eq!(codes(&lines), Vec::<String>::new());
    // Strangers who ask a server at home.
    let strangers: Vec<Line> =
        (0..300u64).map(|k| asks_as("203.0.113.1", k as f64, &format!("{}.evil.test", data(k)), 1, &[])).collect();
    assert_eq!(codes(&strangers).len(), 0);
}

#[test]
fn stays_within_bounds() {
    let scope = Scope { memory_len: Some(8 << 20), ..Scope::new(&[], 0) };
    let lines: Vec<Line> = (0..60_000u32)
        .map(|k| asks(f64::from(k) / 50.0, &format!("{}.d{}.test", data(u64::from(k)), k / 15), 1, &[]))
        .collect();
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-dns-tunnel").unwrap();
    assert!(spent.held_len < 1 << 20 && spent.forgotten > 3_000, "{spent:?}");
    let odd = [
        asks(1.0, "", 10, &[]),
        asks(2.0, &"a.".repeat(200), 10, &[]),
        asks(3.0, ".", 10, &[]),
        asks(4.0, "..", 16, &[]),
    ];
    assert_eq!(codes(&odd).len(), 0);
}
