use crate::testing::{Cell, Line, addr, judge, line};
use sekisho_finding::Fetched;

const PROGRAM: &str = "application/x-dosexec";

fn fetched(lines: &[Line]) -> Vec<Fetched> {
    judge(lines).fetched
}

fn file(client: &str, server: &str, uid: u64, mime: &str, more: &[(&'static str, Cell)]) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(10.0)),
        ("uid", Cell::Uid(uid)),
        ("id.orig_h", Cell::Addr(addr(client))),
        ("id.resp_h", Cell::Addr(addr(server))),
        ("source", Cell::Text(b"HTTP".to_vec())),
        ("mime_type", Cell::Text(mime.into())),
        ("seen_bytes", Cell::Count(60_000)),
        ("sha256", Cell::Text(format!("{uid:064x}").into_bytes())),
        ("is_orig", Cell::Flag(false)),
    ];
    columns.retain(|c| more.iter().all(|m| m.0 != c.0));
    columns.extend(more.iter().cloned());
    line("files", 7, &columns)
}

fn asked(client: &str, server: &str, uid: u64, host: &str, uri: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(9.0)),
        ("uid", Cell::Uid(uid)),
        ("id.orig_h", Cell::Addr(addr(client))),
        ("id.resp_h", Cell::Addr(addr(server))),
        ("host", Cell::Text(host.into())),
        ("uri", Cell::Text(uri.into())),
    ];
    line("http", 8, &columns)
}

#[test]
fn programs_that_come_are_facts_with_their_place_and_name() {
    let all = fetched(&[
        file("10.0.1.17", "203.0.113.9", 1, PROGRAM, &[]),
        asked("10.0.1.17", "203.0.113.9", 1, "files.evil.test:80", "/a/invoice.exe?x=1"),
        // Again, by another flow.
        file("10.0.1.17", "203.0.113.9", 2, PROGRAM, &[("sha256", Cell::Text(format!("{:064x}", 1).into_bytes()))]),
        file("10.0.1.18", "203.0.113.9", 3, "text/x-shellscript", &[("filename", Cell::Text(b"run.sh".to_vec()))]),
    ]);
    let told: Vec<_> =
        all.iter().map(|f| (f.host, f.from, f.place.as_str(), f.name.as_str(), f.len, f.packet)).collect();
    let from = addr("203.0.113.9");
    assert_eq!(
        told,
        [
            (addr("10.0.1.17"), from, "files.evil.test", "invoice.exe", 60_000, 7),
            (addr("10.0.1.18"), from, "", "run.sh", 60_000, 7),
        ]
    );
    let raw = fetched(&[file("10.0.1.17", "203.0.113.9", 1, PROGRAM, &[("sha256", Cell::Text(vec![0xab; 32]))])]);
    assert_eq!(raw[0].sha256, "ab".repeat(32));
    assert!(all[0].tie().is_some() && raw[0].tie().is_some());
}

#[test]
fn other_files_and_uploads_are_none() {
    let way = |way: &str| ("source", Cell::Text(way.into()));
    let from_orig = ("is_orig", Cell::Flag(true));
    let all = fetched(&[
        file("10.0.1.17", "203.0.113.9", 1, "image/png", &[]),
        file("10.0.1.17", "203.0.113.9", 2, PROGRAM, &[way("SMB")]),
        file("203.0.113.9", "10.0.0.80", 3, PROGRAM, std::slice::from_ref(&from_orig)),
        file("203.0.113.9", "10.0.0.80", 4, PROGRAM, &[]),
        file("203.0.113.9", "10.0.1.19", 5, PROGRAM, &[way("FTP_DATA"), from_orig]),
    ]);
    assert_eq!(all.iter().map(|f| (f.host, f.over)).collect::<Vec<_>>(), [(addr("10.0.1.19"), "FTP_DATA")]);
}

#[test]
fn limits_programs() {
    let many: Vec<Line> = (0..10_000).map(|n| file("10.0.1.17", "203.0.113.9", n, PROGRAM, &[])).collect();
    let all = fetched(&many);
    assert!((2_000..=super::MAX_FETCHED).contains(&all.len()), "{}", all.len());
}
