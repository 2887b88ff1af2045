use super::*;
use crate::testing::{Cell, Line, addr, between, judge, of};
use crate::testing_flow::Flow;
use sekisho_finding::Finding;

const ENDS: (&str, &str) = ("10.0.0.5", "10.0.0.2");
const DAY_SECS: f64 = 86_400.0;

fn read(at: f64, ends: (&str, &str), name: &str, len: u64) -> Line {
    let columns = [
        ("until", Cell::Time(at + 0.1)),
        ("path", Cell::Text(b"\\\\fs\\data".to_vec())),
        ("name", Cell::Text(name.into())),
        ("size", Cell::Count(len)),
        ("read_len", Cell::Count(len)),
        ("packet", Cell::Count(7)),
    ];
    between("smb_use", at, ends, &columns)
}

fn listed(at: f64, name: &str) -> Line {
    let columns = [
        ("until", Cell::Time(at + 0.1)),
        ("path", Cell::Text(b"\\\\fs\\data".to_vec())),
        ("name", Cell::Text(name.into())),
        ("is_dir", Cell::Flag(true)),
        ("listed", Cell::Flag(true)),
        ("packet", Cell::Count(7)),
    ];
    between("smb_use", at, ENDS, &columns)
}

/// So many files of 100 kB within `span` seconds.
fn files(from: f64, count: u32, span: f64) -> Vec<Line> {
    let at = |n: u32| from + f64::from(n) * span / f64::from(count);
    (0..count).map(|n| read(at(n), ENDS, &format!("dir{}\\file{n}.doc", n / 10), 100_000)).collect()
}

/// Directories in the order of the tree: ten below each of others.
fn crawl(from: f64, count: u32) -> Vec<Line> {
    let name = |n: u32| if n.is_multiple_of(10) { format!("d{n}") } else { format!("d{}\\e{n}", n / 10 * 10) };
    let mut all = vec![listed(from, "<share_root>")];
    all.extend((1..count).map(|n| listed(from + f64::from(n), &name(n - 1))));
    all
}

fn judged(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "smb-mass-read")
}

fn codes(all: &[Finding]) -> Vec<(String, Severity)> {
    all.iter().map(|f| (f.code(), f.severity)).collect()
}

/// S-35: 600 files and 250 directories in eight minutes.
fn collection(from: f64) -> Vec<Line> {
    let mut all = files(from, 600, 480.0);
    all.extend(crawl(from, 250));
    all.sort_by(|a, b| a.ts().total_cmp(&b.ts()));
    all
}

#[test]
fn a_server_is_copied() {
    let all = judged(&collection(1_000.0));
    assert_eq!(
        codes(&all),
        [("smb-mass-read/crawl".into(), Severity::Medium), ("smb-mass-read/files".into(), Severity::Info)]
    );
    assert_eq!((all[0].subject, all[0].key.as_str(), all[0].stage), (addr(ENDS.0), ENDS.1, Stage::Exfil));
    // Many are estimated.
    assert!((240.0..=260.0).contains(&all[0].measures[0].value()), "{:?}", all[0].measures);
    // Four fifths of it leave the network.
    let mut lines = collection(1_000.0);
    lines.push(Flow::used(2_000.0, ENDS.0, "203.0.113.9", 443).sized(60.0, 48_000_000, 90_000).line(9_000));
    let all = judged(&lines);
    assert!(all.iter().all(|f| f.severity == Severity::High) && all.len() == 2, "{:?}", codes(&all));
    assert!(all[0].peers.named().contains(&addr("203.0.113.9")));
    // As much, but a fifth, or to another host inside, or two days later.
    for flow in [
        Flow::used(2_000.0, ENDS.0, "203.0.113.9", 443).sized(60.0, 12_000_000, 90_000),
        Flow::used(2_000.0, ENDS.0, "10.0.0.9", 443).sized(60.0, 48_000_000, 90_000),
        Flow::used(2_000.0 + 2.0 * DAY_SECS, ENDS.0, "203.0.113.9", 443).sized(60.0, 48_000_000, 90_000),
    ] {
        let mut lines = collection(1_000.0);
        lines.push(flow.line(9_000));
        assert!(judged(&lines).iter().all(|f| f.severity < Severity::High));
    }
}

/// Fifteen days with twenty to forty files each, then so many.
fn after_history(count: u32) -> Vec<Line> {
    let mut all: Vec<Line> =
        (0..15).flat_map(|day| files(f64::from(day) * DAY_SECS + 1_000.0, 20 + day % 5 * 5, 480.0)).collect();
    all.extend(files(15.0 * DAY_SECS + 1_000.0, count, 250.0));
    all
}

#[test]
fn more_than_ever() {
    let all = judged(&after_history(400));
    assert_eq!(codes(&all), [("smb-mass-read/files".into(), Severity::Medium)]);
    assert!(all[0].measures.iter().any(|m| m.name.starts_with("robust") && m.value() > 6.0), "{:?}", all[0].measures);
    assert!(judged(&after_history(299)).is_empty());
    // It always reads so much.
    let usual: Vec<Line> =
        (0..17).flat_map(|day| files(f64::from(day) * DAY_SECS + 1_000.0, 380 + day % 3, 250.0)).collect();
    assert!(judged(&usual).iter().all(|f| f.severity == Severity::Info));
}

#[test]
fn names_that_promise_something() {
    let open = |n: u32, name: &str| {
        let columns = [
            ("action", Cell::Word("SMB::FILE_OPEN")),
            ("path", Cell::Text(b"\\\\fs\\data".to_vec())),
            ("name", Cell::Text(name.into())),
        ];
        between("smb_files", 1_000.0 + f64::from(n), ENDS, &columns)
    };
    let names = [
        "Passwords.xlsx",
        "it\\id_rsa",
        "hr\\Salary2026.xlsx",
        "a.kdbx",
        "b.KDBX",
        "c.pst",
        "vm\\dc.vmdk",
        "ntds.dit",
        "topsecret.txt",
        "d.pst",
    ];
    let lines: Vec<Line> = (0..).zip(names).map(|(n, name)| open(n, name)).collect();
    assert_eq!(codes(&judged(&lines)), [("smb-mass-read/sensitive-names".into(), Severity::Medium)]);
    assert!(judged(&lines[1..]).is_empty(), "nine");
    let same: Vec<Line> = (0..40).map(|n| open(n, "Passwords.xlsx")).collect();
    assert!(judged(&same).is_empty(), "one file");
    let spread: Vec<Line> = (0..).zip(names).map(|(n, name)| open(n * 1_000, name)).collect();
    assert!(judged(&spread).is_empty(), "not within an hour");
}

#[test]
fn nearly() {
    assert!(judged(&crawl(1_000.0, 199)).is_empty());
    // Here and there, not along the tree.
    let scattered: Vec<Line> =
        (0..250).map(|n| listed(1_000.0 + f64::from(n), &format!("a{}\\b{n}\\c", n % 50))).collect();
    assert!(judged(&scattered).is_empty());
    // So many, but over hours.
    assert!(judged(&files(1_000.0, 600, 36_000.0)).is_empty());
}

#[test]
fn ordinary() {
    // One file again and again; a hundred small files; names of a project.
    let same: Vec<Line> = (0..900).map(|n| read(1_000.0 + f64::from(n) / 4.0, ENDS, "db.mdb", 65_536)).collect();
    assert!(judged(&same).is_empty());
    assert!(judged(&files(1_000.0, 100, 60.0)).is_empty());
    // A server that copies another: one step less.
    let mut lines: Vec<Line> =
        (0..6u32).map(|n| Flow::used(f64::from(n), &format!("10.0.1.{n}"), ENDS.0, 443).line(n.into())).collect();
    lines.extend(collection(1_000.0));
    assert!(judged(&lines).iter().all(|f| f.severity <= Severity::Low));
}

#[test]
fn limits_what_is_kept() {
    let mut detector = MassRead::new(&Scope::default());
    for n in 0..20_000u32 {
        let pair = detector.pairs.at((Addr::v4(n.to_be_bytes()), addr(ENDS.1)), Box::default);
        for k in 0..200u64 {
            let hash = SeededState(1).hash_one(k);
            pair.now.files.add(hash);
            pair.before.dirs.add(hash);
        }
        (0..60).for_each(|day| pair.history.add(day, day));
        assert!(pair.held_len() < 4 << 10);
    }
    assert!(detector.held_len() < 20 << 20, "{}", detector.held_len());
    assert!(detector.forgotten() >= 14_000);
}
