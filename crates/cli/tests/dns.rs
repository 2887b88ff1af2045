//! Captures of DNS judged by `sekisho audit`: smuggled records, and signed answers as the laboratory recorded them
//! (`cargo xtask dnssec`).

use sekisho_testkit::dns::{TO_QUESTION, header, kind, name, question, record};
use sekisho_testkit::{Frame, Timestamp, pcap};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Link type of Ethernet.
const ETHERNET: u32 = 1;
/// An answer with authority.
const AUTHORITY: u16 = 0x8400;

type Frames = Vec<(Timestamp, Vec<u8>)>;

fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The page on a capture of these frames.
fn audited(frames: &Frames, args: &[&str]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dns.pcap");
    fs::write(&path, pcap(ETHERNET, frames)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    let out = command.args(["audit", "-q", "--json", "-"]).args(args).arg(&path).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Codes and severities of the findings of some judgements.
fn found(page: &Value, judgement: &str) -> Vec<(String, String)> {
    let text = |f: &Value, name: &str| f[name].as_str().unwrap().to_owned();
    let all = page["findings"].as_array().unwrap().iter().filter(|f| f["id"].as_str().unwrap().starts_with(judgement));
    all.map(|f| (text(f, "code"), text(f, "severity"))).collect()
}

fn udp(at_ms: i64, from: &str, to: &str, payload: &[u8]) -> (Timestamp, Vec<u8>) {
    (Timestamp(at_ms * 1_000_000), Frame::udp(from, to, payload).frame())
}

/// The resolver 10.0.0.53 asks a server for an address; the answer has records of three sections.
fn exchange(n: u16, server: &str, text: &str, flags: u16, sections: [&[Vec<u8>]; 3]) -> Frames {
    let (client, server) = (format!("10.0.0.53:{}", 30_000 + n), format!("{server}:53"));
    let at = 1_700_000_000_000 + i64::from(n) * 1_000;
    let counts = sections.map(|s| u16::try_from(s.len()).unwrap());
    let mut reply = header(n, flags, [1, counts[0], counts[1], counts[2]]);
    reply.extend_from_slice(&question(n, text, kind::A)[12..]);
    reply.extend(sections.iter().flat_map(|s| s.concat()));
    vec![udp(at, &client, &server, &question(n, text, kind::A)), udp(at + 20, &server, &client, &reply)]
}

fn address(owner: &str, octets: [u8; 4]) -> Vec<u8> {
    record(&name(owner), kind::A, 3_600, &octets)
}

const NS: u16 = 2;

#[test]
fn records_smuggled_into_an_answer() {
    let own = [record(TO_QUESTION, kind::A, 60, &[203, 0, 113, 66])];
    let server = [record(&name("evil.test"), NS, 300, &name("ns.evil.test"))];
    let smuggled = |owner: &str| {
        exchange(2, "203.0.113.66", "x.evil.test", AUTHORITY, [&own, &server, &[address(owner, [203, 0, 113, 66])]])
    };
    let real = [record(TO_QUESTION, kind::A, 3_600, &[198, 51, 100, 9])];
    let before = exchange(1, "198.51.100.80", "www.victim.test", AUTHORITY, [&real, &[], &[]]);
    let kashpureff = |frames: &[Frames]| found(&audited(&frames.concat(), &[]), "dns-poison-kashpureff");
    let finding = |severity: &str| vec![("dns-poison-kashpureff/unrelated-additional".to_owned(), severity.to_owned())];
    assert_eq!(kashpureff(&[smuggled("www.victim.test")]), finding("low"));
    assert_eq!(kashpureff(&[before.clone(), smuggled("www.victim.test")]), finding("high"));
    // A client is told the planted address afterwards.
    let (client, resolver) = ("10.0.0.7:4000", "10.0.0.53:53");
    let at = 1_700_000_010_000;
    let mut told = header(7, 0x8180, [1, 1, 0, 0]);
    told.extend_from_slice(&question(7, "www.victim.test", kind::A)[12..]);
    told.extend(record(TO_QUESTION, kind::A, 3_590, &[203, 0, 113, 66]));
    let asks =
        vec![udp(at, client, resolver, &question(7, "www.victim.test", kind::A)), udp(at + 1, resolver, client, &told)];
    let accepted = kashpureff(&[before.clone(), smuggled("www.victim.test"), asks.clone()]);
    assert_eq!(accepted, [("dns-poison-kashpureff/unrelated-additional/accepted".to_owned(), "critical".to_owned())]);
    // Nearly: glue of the zone's own server. Ordinary: both answers without anything foreign.
    assert!(kashpureff(&[before.clone(), smuggled("ns.evil.test")]).is_empty());
    assert!(kashpureff(&[before, asks]).is_empty());
}

/// The laboratory's recording of a case, each response with its question, between a client and a server at home.
fn recorded(case: &str, days: i64) -> Frames {
    let messages = fs::read(in_tree("crates/dnssec/tests/data/messages.bin")).unwrap();
    let mut all: Vec<&[u8]> = Vec::new();
    let mut rest = &messages[..];
    while let Some((len, behind)) = rest.split_first_chunk::<2>() {
        let (message, next) = behind.split_at(usize::from(u16::from_be_bytes(*len)));
        all.push(message);
        rest = next;
    }
    let text = fs::read_to_string(in_tree("crates/dnssec/tests/data/cases.txt")).unwrap();
    let mut frames = Frames::new();
    let lines = text.lines().skip_while(|l| !l.starts_with(case)).skip(1).take_while(|l| l.starts_with(' '));
    for (n, line) in lines.enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at: f64 = words[0].parse().unwrap();
        let at = (at * 1_000.0).round() as i64 + days * 86_400_000;
        let reply = all[words[2].parse::<usize>().unwrap()];
        let end = 12 + reply[12..].iter().position(|b| *b == 0).unwrap() + 5;
        let mut query = header(0, 0, [1, 0, 0, 1]);
        query.extend_from_slice(&reply[12..end]);
        query.extend_from_slice(b"\x00\x00\x29\x10\x00\x00\x00\x80\x00\x00\x00");
        let client = format!("10.0.0.7:{}", 40_000 + n);
        frames.push(udp(at, &client, "10.0.0.53:53", &query));
        frames.push(udp(at, "10.0.0.53:53", &client, reply));
    }
    assert!(frames.len() >= 4, "{case}");
    frames
}

#[test]
fn signed_answers() {
    let anchors = in_tree("crates/dnssec/tests/data/anchors");
    let with = ["--trust-anchors", anchors.to_str().unwrap()];
    let dnssec = |case: &str, days: i64| {
        let page = audited(&recorded(case, days), &with);
        let verdict = |v: &Value| (v["status"].as_str().unwrap().to_owned(), v["reason"].as_str().unwrap().to_owned());
        let verdicts: Vec<_> = page["dnssec"]["verdicts"].as_array().unwrap().iter().map(verdict).collect();
        (found(&page, "dnssec-"), verdicts)
    };
    for (case, code, reason) in [
        ("client tampered ", "dnssec-bogus/sig-invalid", "sig-invalid"),
        ("client expired ", "dnssec-bogus/sig-expired", "sig-expired"),
        ("client ds-wrong ", "dnssec-bogus/ds-mismatch", "ds-mismatch"),
        ("client key-withdrawn ", "dnssec-bogus/key-missing", "key-missing"),
        ("client nsec-missing ", "dnssec-bogus/denial-missing", "denial-missing"),
    ] {
        let (findings, verdicts) = dnssec(case, 0);
        assert!(findings.contains(&(code.to_owned(), "high".to_owned())), "{case}: {findings:?}");
        assert!(verdicts.contains(&("bogus".to_owned(), reason.to_owned())), "{case}: {verdicts:?}");
    }
    // Ordinary; nearly expired; unsigned as its parent proves.
    let (findings, verdicts) = dnssec("client algorithm-13 ", 0);
    assert!(findings.is_empty() && verdicts.iter().all(|v| v.0 == "secure"), "{findings:?} {verdicts:?}");
    let (findings, _) = dnssec("client algorithm-13 ", 12);
    assert!(
        !findings.is_empty() && findings.iter().all(|f| f.0 == "dnssec-hygiene/expiring" && f.1 == "high"),
        "{findings:?}"
    );
    let (findings, verdicts) = dnssec("client unsigned ", 0);
    assert!(findings.is_empty() && verdicts.contains(&("insecure".to_owned(), "unsigned".to_owned())), "{verdicts:?}");
    // With the root's own keys nothing of a laboratory's root can be said; without DNSSEC nothing is.
    let page = audited(&recorded("client tampered ", 0), &[]);
    assert_eq!(page["dnssec"]["secure"], 0);
    let plain = exchange(1, "198.51.100.80", "www.victim.test", AUTHORITY, [&[], &[], &[]]);
    assert_eq!(audited(&plain, &with)["dnssec"], Value::Null);
    // `diff` starts from them, too: with the root's own keys the laboratory's signatures lead nowhere.
    let dir = tempfile::tempdir().unwrap();
    let tampered = dir.path().join("tampered.pcap");
    fs::write(&tampered, pcap(ETHERNET, &recorded("client tampered ", 0))).unwrap();
    let compared = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        let out = command.args(["diff", "-q", "--json", "-"]).args(args).args([&tampered, &tampered]).output().unwrap();
        String::from_utf8(out.stdout).unwrap().contains("dnssec-bogus/sig-invalid")
    };
    assert_eq!([compared(&with), compared(&[])], [true, false]);
}

#[test]
fn anchors_that_cannot_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("anchors");
    let capture = in_tree("goldens/dns/lookups.pcap");
    for text in ["", ". IN DS 1 8 9 00\n", "\u{fffd}"] {
        fs::write(&bad, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        let out = command.args(["audit", "-q", "--trust-anchors"]).args([&bad, &capture]).output().unwrap();
        let said = String::from_utf8(out.stderr).unwrap();
        assert_eq!((out.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains("--trust-anchors"), "{said}");
    }
}
