//! `sekisho hunt` on captures made here: what is found, where it is said to be, and what is said when nothing is.

mod common;

use common::{root, sekisho};
use sekisho_inflate::{Coding, Inflater, Limits};
use sekisho_testkit::{Conversation, Dir, Frame, Timestamp, dns, eth, pcap};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const FLAG: &str = "flag{n3sted_and_f0und}";
const FLAG_BASE64: &[u8] = b"ZmxhZ3tuM3N0ZWRfYW5kX2YwdW5kfQ==\n";

fn at(millis: i64) -> Timestamp {
    Timestamp(1_700_000_000_000_000_000 + millis * 1_000_000)
}

/// A folder with a capture of `frames`.
fn capture(frames: &[(Timestamp, Vec<u8>)]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("tempdir");
    let path = dir.path().join("x.pcap");
    fs::write(&path, pcap(1, frames)).expect("written");
    (dir, path)
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in members {
        let mut head = [0u8; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[100..108].copy_from_slice(b"0000644\0");
        head[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        head[136..148].copy_from_slice(b"00000000000\0");
        head[148..156].copy_from_slice(b"        ");
        head[156] = b'0';
        head[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn nested() -> Vec<u8> {
    tar(&[("inner.tar", &tar(&[("readme.txt", b"not here"), ("secret.txt", FLAG_BASE64)]))])
}

/// gzip of `content`, stored.
fn gzip(content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).expect("short");
    let mut crc = !0u32;
    for byte in content {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x01".to_vec();
    out.extend(len.to_le_bytes());
    out.extend((!len).to_le_bytes());
    out.extend_from_slice(content);
    out.extend((!crc).to_le_bytes());
    out.extend(u32::from(len).to_le_bytes());
    let mut clear = Vec::new();
    Inflater::new(Coding::Gzip, Limits::default()).push(&out, &mut |b| clear.extend_from_slice(b));
    assert_eq!(clear, content, "the test's gzip is one");
    out
}

/// Exit code and standard output.
fn hunt(args: &[&str], path: &Path) -> (i32, String) {
    let mut all = vec!["hunt"];
    let path = path.to_str().expect("UTF-8");
    all.extend(args.iter().map(|a| if *a == "CAPTURE" { path } else { a }));
    let out = sekisho::<&str>(&all, &[]);
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(matches!(out.status.code(), Some(0 | 1 | 3)), "{err}");
    (out.status.code().unwrap_or(-1), String::from_utf8(out.stdout).expect("UTF-8"))
}

fn objects(args: &[&str], path: &Path) -> Vec<Value> {
    let (_, text) = hunt(&[args, &["--json"]].concat(), path);
    text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect()
}

/// Source, path, match and packet of each hit.
fn summary(args: &[&str], path: &Path) -> Vec<(String, String, String, u64)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let path_of = |v: &Value| v.as_array().expect("a list").iter().map(text).collect::<Vec<_>>().join(" → ");
    objects(args, path)
        .iter()
        .map(|o| (text(&o["source"]), path_of(&o["path"]), text(&o["match"]), o["packet"].as_u64().unwrap_or(0)))
        .collect()
}

fn row(source: &str, path: &str, text: &str, packet: u64) -> (String, String, String, u64) {
    (source.to_owned(), path.to_owned(), text.to_owned(), packet)
}

/// A login and a download of which only the server's side of the control connection was seen.
fn ftp() -> Vec<(Timestamp, Vec<u8>)> {
    let control = [
        "220 ready",
        "331 Password please",
        "230 Logged in",
        "227 Entering Passive Mode (192,0,2,21,195,80)",
        "150 Opening BINARY mode data connection for flag.tar (4096 bytes).",
        "226 Done",
    ];
    let mut c = Conversation::new("10.0.0.1:40000", "192.0.2.21:21").at(at(0)).syn();
    for line in control {
        c = c.send(Dir::Resp, format!("{line}\r\n").as_bytes());
    }
    let mut frames = c.fin().only(Dir::Resp).frames();
    let data = Conversation::new("10.0.0.1:40001", "192.0.2.21:50000").at(at(6)).syn().send(Dir::Resp, &nested()).fin();
    frames.extend(data.frames());
    frames.sort_by_key(|f| f.0);
    frames
}

#[test]
fn a_flag_in_an_archive_in_an_archive_is_found_with_its_path() {
    let (_dir, path) = capture(&ftp());
    let (code, text) = hunt(&["--flag", "CAPTURE"], &path);
    assert_eq!(code, 0);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].contains(" 10.0.0.1:40001 → 192.0.2.21:50000 tcp ftp-data  packet "), "{text}");
    assert!(lines[0].ends_with("  offset 2048"), "{text}");
    assert_eq!(lines[1], "  file flag.tar from 192.0.2.21 → tar:inner.tar → tar:secret.txt → base64");
    assert_eq!(lines[2], format!("  {FLAG}"));
}

#[test]
fn an_archive_sent_by_netcat_is_unpacked() {
    let session = Conversation::new("10.0.0.1:40000", "10.0.0.2:4444").at(at(0)).syn().send(Dir::Orig, &nested()).fin();
    let (_dir, path) = capture(&session.frames());
    let got = summary(&["--flag", "CAPTURE"], &path);
    assert_eq!(got.len(), 1, "{got:?}");
    assert_eq!((got[0].0.as_str(), got[0].2.as_str()), ("member", FLAG));
    assert_eq!(got[0].1, "tar:inner.tar → tar:secret.txt → base64");
}

#[test]
fn what_is_packed_behind_a_header_of_its_own_is_unpacked() {
    let packed = [&b"\x01\x02HELO\x00\x00"[..], &gzip(FLAG.as_bytes()), b"\x09\x09\x09\x09"].concat();
    let session = Conversation::new("10.0.0.1:40000", "10.0.0.2:4444").at(at(0)).syn().send(Dir::Orig, &packed).fin();
    let (_dir, path) = capture(&session.frames());
    let hidden: Vec<u8> = packed.clone();
    assert!(hidden.windows(5).any(|w| w == b"flag{"), "stored, so the stream shows it as well");
    let got = summary(&["--flag", "CAPTURE"], &path);
    assert_eq!(got, [row("member", "at 8 → gzip", FLAG, 4)]);
}

#[test]
fn names_of_a_domain_are_joined() {
    // base32 of the flag, in pieces over three names.
    let parts = ["mzwgcz33nyzxg5dfmrpw", "c3tel5tda5lomrptgnzr", "mzw7mzwgczzam5lomr6q"];
    let mut frames = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let question = dns::question(i as u16 + 1, &format!("{part}.t.example.org"), 16);
        let port = 40_000 + i as u16;
        let query = Frame::udp(format!("10.0.0.1:{port}").as_str(), "10.0.0.53:53", &question).frame();
        frames.push((at(i as i64 * 10), query));
    }
    let (_dir, path) = capture(&frames);
    let got = objects(&["CAPTURE", "sted_and_"], &path);
    assert_eq!(got.len(), 1, "{got:?}");
    assert_eq!(got[0]["of"], "names below example.org");
    assert_eq!((&got[0]["path"][0], &got[0]["fields"][0]), (&"base32".into(), &"dns.query".into()));
}

#[test]
fn the_same_bytes_are_told_once_and_fields_are_labels() {
    let request = b"GET /swordfish HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\nContent-Type: text/plain\r\n\r\na swordfish in the water";
    let session = Conversation::new("10.0.0.1:40000", "10.0.0.2:80").at(at(0)).syn();
    let session = session.send(Dir::Orig, request).send(Dir::Resp, reply).fin();
    let (_dir, path) = capture(&session.frames());
    let got = objects(&["CAPTURE", "swordfish"], &path);
    let about: Vec<_> = got.iter().map(|o| (o["source"].clone(), o["dir"].clone(), o["offset"].clone())).collect();
    assert_eq!(about, [("stream".into(), "orig".into(), 5.into()), ("file".into(), "resp".into(), 2.into())]);
    assert_eq!(got[0]["fields"], serde_json::json!(["files.name", "http.uri"]));
    assert_eq!((&got[0]["before"], &got[0]["service"]), (&"GET /".into(), &"http".into()));
}

#[test]
fn what_keys_open_is_searched() {
    let example = root().join("examples/keys.pcapng");
    let truth: Value = common::json(&root().join("examples/keys.truth.json"));
    let host = truth["http"][0]["host"].as_str().expect("a host").to_owned();
    let got = objects(&["CAPTURE", &format!("Host: {host}")], &example);
    assert!(!got.is_empty() && got.iter().all(|o| o["source"] == "decrypted"), "{got:?}");
}

#[test]
fn frames_of_no_flow_are_searched() {
    let mac = sekisho_testkit::MacAddr([2, 0, 0, 0, 0, 1]);
    let (_dir, path) = capture(&[(at(0), eth(mac, mac, 0x88b5, b"..ZmxhZ3tuM3N0ZWRfYW5kX2YwdW5kfQ==.."))]);
    assert_eq!(summary(&["--flag", "CAPTURE"], &path), [row("frame", "base64", FLAG, 1)]);
}

#[test]
fn forms_of_output() {
    let chat = Conversation::new("10.0.0.1:40000", "10.0.0.2:4444").at(at(0)).syn();
    let chat = chat.send(Dir::Orig, b"one \x1b[2Jneedle\x07 two").send(Dir::Resp, b"a Needle, a needle").fin();
    let (_dir, path) = capture(&chat.frames());
    assert_eq!(hunt(&["-c", "CAPTURE", "needle"], &path), (0, "2\n".to_owned()));
    assert_eq!(hunt(&["-c", "-i", "CAPTURE", "needle"], &path), (0, "3\n".to_owned()));
    assert_eq!(hunt(&["-o", "-i", "CAPTURE", "needle"], &path), (0, "needle\nNeedle\nneedle\n".to_owned()));
    assert_eq!(hunt(&["-o", "-m", "1", "--regex", "CAPTURE", "[Nn]eed"], &path), (0, "need\n".to_owned()));
    assert_eq!(hunt(&["-o", "--hex", "CAPTURE", "1b 5b 3? 4a"], &path), (0, "\\x1b[2J\n".to_owned()));
    let (code, text) = hunt(&["CAPTURE", "-e", "two", "-C", "20"], &path);
    assert!(code == 0 && text.ends_with("\n  one \\x1b[2Jneedle\\x07 two\n"), "{text}");
    let (_, text) = hunt(&["-l", "CAPTURE", "needle"], &path);
    assert!(text.ends_with(" 10.0.0.1:40000 → 10.0.0.2:4444 tcp  2 hits\n") && text.lines().count() == 1, "{text}");
    let (_, text) = hunt(&["--color", "always", "CAPTURE", "two"], &path);
    assert!(text.contains("\x1b[1;31mtwo\x1b[0m"), "{text:?}");
    // As grep's users write it.
    assert_eq!(hunt(&["-c", "needle", "CAPTURE"], &path), (0, "2\n".to_owned()));
    assert_eq!(hunt(&["CAPTURE", "nowhere"], &path), (1, String::new()));
}

#[test]
fn decodings_can_be_left_out() {
    let hidden: Vec<u8> = b"the password is swordfish".iter().map(|b| b ^ 0x21).collect();
    let chat = Conversation::new("10.0.0.1:40000", "10.0.0.2:4444").at(at(0)).syn();
    let chat = chat.send(Dir::Orig, &hidden).send(Dir::Resp, b"c3dvcmRmaXNo").fin();
    let (_dir, path) = capture(&chat.frames());
    let args = ["CAPTURE", "swordfish"];
    assert_eq!(summary(&args, &path), [row("stream", "base64", "swordfish", 5)]);
    let got = summary(&["--xor", "CAPTURE", "swordfish"], &path);
    assert_eq!(got, [row("stream", "xor 0x21", "swordfish", 4), row("stream", "base64", "swordfish", 5)]);
    assert_eq!(hunt(&["--no-decode", "CAPTURE", "swordfish"], &path), (1, String::new()));
}

#[test]
fn wrong_use_is_told_in_one_line() {
    let (_dir, path) = capture(&[]);
    let path = path.to_str().expect("UTF-8");
    for (args, error) in [
        (&[path][..], "sekisho: hunt: give a PATTERN after the captures, or -e PATTERN, or --flag\n"),
        (&["--regex", path, "a("], "sekisho: the expression \"a(\" is wrong: unclosed group\n"),
        (&["--hex", path, "xy"], "sekisho: \"xy\" are no bytes in hexadecimal"),
        (&["--flag", "/nonexistent.pcap"], "sekisho: /nonexistent.pcap: "),
    ] {
        let out = sekisho::<&str>(&[&["hunt"], args].concat(), &[]);
        let err = String::from_utf8_lossy(&out.stderr);
        assert_eq!((out.status.code(), err.lines().count()), (Some(2), 1), "{err}");
        assert!(err.starts_with(error), "{err}");
    }
}

#[test]
fn a_damaged_capture_is_told_if_nothing_was_found() {
    let (_dir, path) = capture(&ftp());
    let mut bytes = fs::read(&path).expect("readable");
    bytes.truncate(bytes.len() - 7);
    fs::write(&path, bytes).expect("written");
    assert_eq!(hunt(&["-c", "--flag", "CAPTURE"], &path), (0, "1\n".to_owned()));
    assert_eq!(hunt(&["CAPTURE", "nowhere"], &path), (3, String::new()));
}
