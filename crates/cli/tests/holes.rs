//! Captures that lack packets: what was seen of a file lies where it belongs, and the index tells where nothing is.

mod common;

use common::sekisho;
use sekisho_testkit::{Conversation, Timestamp, pcap};
use sekisho_types::{Dir, Interval};
use serde_json::Value;
use std::fs;
use std::path::Path;

const ETHERNET: u32 = 1;

/// No two pieces of it are alike.
fn content(len: usize) -> Vec<u8> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 | 1).collect()
}

/// The files in a capture: lines of the index with what was stored.
fn files(frames: &[(Timestamp, Vec<u8>)]) -> Vec<(Value, Vec<u8>)> {
    let dir = tempfile::tempdir().expect("tempdir");
    let capture = dir.path().join("holes.pcap");
    fs::write(&capture, pcap(ETHERNET, frames)).expect("written");
    let out = dir.path().join("out");
    let ran = sekisho(&["files", "-q", "-o"], &[&out, &capture]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    read(&out)
}

fn read(out: &Path) -> Vec<(Value, Vec<u8>)> {
    let index = fs::read_to_string(out.join("index.ndjson")).expect("index");
    let entry = |line: &str| {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        let bytes = fs::read(out.join(entry["path"].as_str().expect("a path"))).expect("is there");
        (entry, bytes)
    };
    index.lines().map(entry).collect()
}

/// `content` with zeros in the holes.
fn holed(mut content: Vec<u8>, holes: &[(usize, usize)]) -> Vec<u8> {
    holes.iter().for_each(|&(from, to)| content[from..to].fill(0));
    content
}

#[test]
fn http_bodies_keep_their_offsets() {
    let body = content(10_000);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: {}\r\n\r\n", body.len());
    let frames = Conversation::new("10.0.0.1:40000", "10.0.0.2:80")
        .mss(1000)
        .syn()
        .send(Dir::Orig, b"GET /a.zip HTTP/1.1\r\nHost: example.org\r\n\r\n")
        .send(Dir::Resp, head.as_bytes())
        .send(Dir::Resp, &body[..2000])
        .lose(Dir::Resp, 1500)
        .ack(Dir::Orig)
        .send(Dir::Resp, &body[3500..7000])
        .lose(Dir::Resp, 500)
        .send(Dir::Resp, &body[7500..])
        .ack(Dir::Orig)
        .fin()
        .frames();
    let [(entry, bytes)] = &files(&frames)[..] else { panic!("one file") };
    assert!(*bytes == holed(body, &[(2000, 3500), (7000, 7500)]));
    assert_eq!(entry["holes"], "2000-3500,7000-7500", "{entry}");
    assert_eq!((&entry["complete"], &entry["missing"], &entry["size"]), (&false.into(), &2000.into(), &10_000.into()));
    // Three of the handshake, request, header; then two of the body, an acknowledgement, four, and three.
    assert_eq!((&entry["first_packet"], &entry["last_packet"]), (&6.into(), &15.into()), "{entry}");
}

/// The frames of an FTP session, with a data connection as `data` makes it.
fn ftp(data: impl FnOnce(Conversation) -> Conversation) -> Vec<(Timestamp, Vec<u8>)> {
    let mut session = Conversation::new("10.0.0.1:40000", "192.0.2.21:21").every(Interval::from_millis(10)).syn();
    let lines = [
        (Dir::Resp, "220 holes\r\n"),
        (Dir::Orig, "USER bob\r\n"),
        (Dir::Resp, "331 Password please\r\n"),
        (Dir::Orig, "PASS builder\r\n"),
        (Dir::Resp, "230 Logged in\r\n"),
        (Dir::Orig, "PASV\r\n"),
        (Dir::Resp, "227 Entering Passive Mode (192,0,2,21,195,90)\r\n"),
        (Dir::Orig, "RETR data.bin\r\n"),
        (Dir::Resp, "150 Opening BINARY mode data connection for data.bin (6000 bytes).\r\n"),
    ];
    for (dir, line) in lines {
        session = session.send(dir, line.as_bytes());
    }
    let start = Timestamp::from_parts(1_700_000_000, 500_000_000);
    let data = data(Conversation::new("10.0.0.1:40001", "192.0.2.21:50010").at(start).mss(1000).syn());
    let end = session.wait(Interval::from_secs(10)).send(Dir::Resp, b"226 Transfer complete\r\n").fin();
    let mut frames = [end.frames(), data.frames()].concat();
    frames.sort_by_key(|f| f.0);
    frames
}

#[test]
fn ftp_transfers_keep_their_offsets() {
    let body = content(6000);
    let frames = ftp(|c| {
        c.lose(Dir::Resp, 1000)
            .send(Dir::Resp, &body[1000..3000])
            .lose(Dir::Resp, 700)
            .send(Dir::Resp, &body[3700..])
            .ack(Dir::Orig)
            .fin_from(Dir::Resp)
    });
    let [(entry, bytes)] = &files(&frames)[..] else { panic!("one file") };
    assert!(*bytes == holed(body, &[(0, 1000), (3000, 3700)]));
    assert_eq!((&entry["holes"], &entry["name"]), (&"0-1000,3000-3700".into(), &"data.bin".into()), "{entry}");
    assert_eq!((&entry["missing"], &entry["size"]), (&1700.into(), &6000.into()));
}

#[test]
fn a_capture_that_ends_early_tells_what_is_lacking() {
    let body = content(6000);
    let frames = ftp(|c| c.send(Dir::Resp, &body[..2500]));
    let [(entry, bytes)] = &files(&frames)[..] else { panic!("one file") };
    assert!(*bytes == body[..2500]);
    assert_eq!((&entry["holes"], &entry["complete"]), (&"2500-6000".into(), &false.into()), "{entry}");
}

#[test]
fn disorder_leaves_no_holes() {
    let body = content(6000);
    let frames = ftp(|c| c.send(Dir::Resp, &body).swap(3, 8).swap(4, 6).fin_from(Dir::Resp));
    let [(entry, bytes)] = &files(&frames)[..] else { panic!("one file") };
    assert!(*bytes == body);
    assert_eq!((&entry["holes"], &entry["complete"]), (&Value::Null, &true.into()), "{entry}");
    let (first, last) = (entry["first_packet"].as_u64(), entry["last_packet"].as_u64());
    assert_eq!(last.zip(first).map(|(last, first)| last - first), Some(5), "six segments: {entry}");
}
