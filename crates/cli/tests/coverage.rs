//! What each judgement could not see, on captures that lack something: a direction, packets, the ends of packets, keys,
//! the link layer. What can still be judged is; what cannot is said.

use sekisho_testkit::{Conversation, Endian, Frame, Timestamp, ip_proto, pcap, pcap_with};
use sekisho_types::{Dir, Interval};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

const ETHERNET: u32 = 1;
/// IP without a link layer (LINKTYPE_RAW).
const RAW: u32 = 101;

type Frames = Vec<(Timestamp, Vec<u8>)>;

const MAIL: &str = "Received: from mail.partnner.test ([203.0.113.25]) by mx.office.test\r\n\
    From: Billing <billing@partnner.test>\r\nTo: dana@office.test\r\nSubject: Invoice\r\nMIME-Version: 1.0\r\n\
    Content-Type: text/html\r\n\r\n\
    <p>Pay <a href=\"http://203.0.113.25/login\">https://www.partner.test/login</a></p>\r\n";

/// A mail with a link that misleads, from a name like a partner's; with a direction left out if `only` is the other.
fn mail(only: Option<Dir>, lose: Option<&str>) -> Frames {
    let mut c = Conversation::new("203.0.113.25:40000", "10.30.0.25:25").every(Interval::from_millis(3)).mss(400).syn();
    let lines: [(Dir, &str); 14] = [
        (Dir::Resp, "220 mx.office.test ESMTP\r\n"),
        (Dir::Orig, "EHLO mail.partnner.test\r\n"),
        (Dir::Resp, "250 mx.office.test\r\n"),
        (Dir::Orig, "MAIL FROM:<billing@partnner.test>\r\n"),
        (Dir::Resp, "250 ok\r\n"),
        (Dir::Orig, "RCPT TO:<dana@office.test>\r\n"),
        (Dir::Resp, "250 ok\r\n"),
        (Dir::Orig, "DATA\r\n"),
        (Dir::Resp, "354 go\r\n"),
        (Dir::Orig, MAIL),
        (Dir::Orig, ".\r\n"),
        (Dir::Resp, "250 taken\r\n"),
        (Dir::Orig, "QUIT\r\n"),
        (Dir::Resp, "221 bye\r\n"),
    ];
    for (dir, line) in lines {
        let lost = lose.is_some_and(|lost| line.starts_with(lost));
        c = if lost { c.lose(dir, line.len() as u32) } else { c.send(dir, line.as_bytes()) };
    }
    kept(c.fin().frames(), only, [203, 0, 113, 25])
}

/// A Redis that tells a host outside everything.
fn store(only: Option<Dir>) -> Frames {
    let frames = Conversation::new("203.0.113.9:40001", "10.30.0.40:6379")
        .at(Timestamp::from_parts(1_700_000_001, 0))
        .syn()
        .send(Dir::Orig, b"*1\r\n$4\r\nINFO\r\n")
        .send(Dir::Resp, b"$19\r\nredis_version:7.2.4\r\n")
        .fin()
        .frames();
    kept(frames, only, [203, 0, 113, 9])
}

/// A page, in clear.
fn page() -> Frames {
    let at = Timestamp::from_parts(1_700_000_002, 0);
    let response = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<p>hello</p>\n";
    let c = Conversation::new("10.30.0.7:40002", "198.51.100.80:80").at(at).syn();
    c.send(Dir::Orig, b"GET / HTTP/1.1\r\nHost: www.example.test\r\n\r\n")
        .send(Dir::Resp, response.as_bytes())
        .fin()
        .frames()
}

/// Questions of a client and their answers.
fn names() -> Frames {
    let (client, server) = ("10.30.0.7:40003", "10.30.0.53:53");
    let question = b"\x01a\x04test\0\0\x01\0\x01";
    let query = [&b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0"[..], question].concat();
    let answer = [
        &b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0"[..],
        question,
        b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc6\x33\x64\x50",
    ];
    let packet = |from: &str, to: &str, bytes: &[u8]| Frame::udp(from, to, bytes).frame();
    let at = |ms: u32| Timestamp::from_parts(1_700_000_003, ms * 1_000_000);
    vec![(at(0), packet(client, server, &query)), (at(5), packet(server, client, &answer.concat()))]
}

/// Frames that one end sent; the one with this address is the originator.
fn kept(frames: Frames, only: Option<Dir>, orig: [u8; 4]) -> Frames {
    let is_kept = |frame: &[u8]| only.is_none_or(|dir| (frame[26..30] == orig) == dir.is_orig());
    frames.into_iter().filter(|(_, frame)| is_kept(frame)).collect()
}

/// The page's JSON and text of a capture.
fn audit(capture: &[u8], more: &[&str]) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pcap");
    fs::write(&path, capture).unwrap();
    audit_file(&path, more)
}

fn audit_file(path: &Path, more: &[&str]) -> (Value, String) {
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        let out = command.args(["audit", "-q", "--color", "never"]).args(args).args(more).arg(path).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    // Lines end where the page's width says.
    let text = run(&[]).split_whitespace().collect::<Vec<_>>().join(" ");
    (serde_json::from_str(&run(&["--json", "-"])).unwrap(), text)
}

/// How well each judgement could be made: the sight and the causes' codes.
fn sights(page: &Value) -> BTreeMap<String, (String, Vec<String>)> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let all = page["coverage"].as_array().unwrap().iter();
    let sight = |c: &Value| {
        let causes = c["causes"].as_array().unwrap().iter().map(|cause| text(&cause["code"])).collect();
        (text(&c["judgement"]), (text(&c["sight"]), causes))
    };
    all.map(sight).collect()
}

fn has_finding(page: &Value, code: &str) -> bool {
    page["findings"].as_array().unwrap().iter().any(|f| f["code"].as_str().unwrap().starts_with(code))
}

/// The judgements that a capture leaves weakened or blind, apart from those that take days or options.
fn affected(page: &Value) -> BTreeMap<String, (String, Vec<String>)> {
    let other = |causes: &[String]| causes.iter().all(|c| !matches!(c.as_str(), "too-short" | "not-given"));
    let mut all = sights(page);
    all.retain(|_, (sight, causes)| matches!(sight.as_str(), "weakened" | "blind") && other(causes));
    all
}

const LINK: &str = "mail-link-mismatch/text-target";
const RESOLVER_SIDE: [&str; 4] =
    ["dns-poison-birthday", "dns-poison-kaminsky", "dns-poison-kashpureff", "dns-resolver-weak-entropy"];

#[test]
fn a_whole_capture_leaves_nothing_weakened_but_what_it_stands_too_far_for() {
    let frames = [mail(None, None), store(None), page(), names()].concat();
    let (page, text) = audit(&pcap(ETHERNET, &frames), &[]);
    assert!(has_finding(&page, LINK) && has_finding(&page, "exposed-service/redis/data"), "{text}");
    // Only a client's questions are there, none of a resolver's.
    let affected = affected(&page);
    assert_eq!(affected.keys().collect::<Vec<_>>(), RESOLVER_SIDE, "{affected:?}");
    let all = sights(&page);
    assert_eq!(all.len(), sekisho_detect::abouts().len());
    for (id, sight) in [("tls-cert-dates", "idle"), ("exposed-service", "working"), ("web-weak-headers", "working")] {
        assert_eq!(all[id].0, sight, "{id}");
    }
    assert_eq!(all["intel-contact"], ("blind".to_owned(), vec!["not-given".to_owned()]));
    assert!(text.contains("What could not be judged here") && text.contains("intel-contact (--intel)"), "{text}");
}

#[test]
fn mails_are_whole_from_the_side_that_sends_them() {
    let (sent, _) = audit(&pcap(ETHERNET, &mail(Some(Dir::Orig), None)), &[]);
    assert!(has_finding(&sent, LINK));
    assert_eq!(sights(&sent)["mail-link-mismatch"].0, "working");
    let (taken, text) = audit(&pcap(ETHERNET, &mail(Some(Dir::Resp), None)), &[]);
    assert!(!has_finding(&taken, LINK));
    assert_eq!(sights(&taken)["mail-link-mismatch"], ("blind".to_owned(), vec!["mails-unseen".to_owned()]));
    assert!(text.contains("the side that hands over mails was not seen (1 of 1"), "{text}");
}

#[test]
fn services_are_told_by_their_answers() {
    let (answers, _) = audit(&pcap(ETHERNET, &store(Some(Dir::Resp))), &[]);
    let finding = answers["findings"].as_array().unwrap().iter().find(|f| f["id"] == "exposed-service").unwrap();
    assert_eq!((&finding["code"], &finding["confidence"]), (&"exposed-service/redis/data".into(), &0.6.into()));
    assert_eq!(finding["quality"][0], "only one direction was seen");
    assert_eq!(sights(&answers)["exposed-service"], ("weakened".to_owned(), vec!["requests-unseen".to_owned()]));
    let (requests, _) = audit(&pcap(ETHERNET, &store(Some(Dir::Orig))), &[]);
    assert!(!has_finding(&requests, "exposed-service"));
    assert_eq!(sights(&requests)["exposed-service"], ("blind".to_owned(), vec!["answers-unseen".to_owned()]));
}

#[test]
fn a_mail_with_a_hole_is_judged_as_far_as_it_goes() {
    // The command that begins it, which also tells where; then a part of the dialogue that matters to nobody.
    for lost in ["DATA", "354", "MAIL", "QUIT"] {
        let (page, text) = audit(&pcap(ETHERNET, &mail(None, Some(lost))), &[]);
        assert!(has_finding(&page, LINK), "{lost}: {text}");
        let (sight, causes) = &sights(&page)["mail-link-mismatch"];
        assert_eq!((sight.as_str(), causes[0].as_str()), ("weakened", "holes"), "{lost}");
        assert!(text.contains("mail: bytes are missing (1 of 1 flows, "), "{text}");
    }
}

#[test]
fn cut_packets_leave_contents_blind() {
    let frames = [mail(None, None), page()].concat();
    let cut = pcap_with(ETHERNET, &frames, Endian::Little, true, 70);
    let (page, text) = audit(&cut, &[]);
    assert!(!has_finding(&page, LINK));
    for id in ["mail-link-mismatch", "web-weak-headers"] {
        assert_eq!(sights(&page)[id], ("blind".to_owned(), vec!["cut-packets".to_owned()]), "{id}: {text}");
    }
    assert_eq!(sights(&page)["web-attack-request"].0, "weakened");
    // Long enough for all there is: nothing is cut, and nothing is said.
    let (page, _) = audit(&pcap_with(ETHERNET, &frames, Endian::Little, true, 2_000), &[]);
    assert_eq!(sights(&page)["web-weak-headers"], ("working".to_owned(), vec![]));
}

#[test]
fn without_a_link_layer_announcements_are_no_judgement() {
    let announcement =
        [&b"\0\0\x84\0\0\0\0\x01\0\0\0\0"[..], b"\x04_ipp\x04_tcp\x05local\0\0\x0c\0\x01\0\0\0\x78\0\x04\x01x\xc0\x0c"]
            .concat();
    let frame = Frame::udp("10.30.0.9:5353", "224.0.0.251:5353", &announcement).frame();
    let at = Timestamp::from_parts(1_700_000_004, 0);
    assert_eq!(frame[23], ip_proto::UDP, "an Ethernet frame with IPv4");
    let id = "audit-advertised-services";
    let (with, _) = audit(&pcap(ETHERNET, &[(at, frame.clone())]), &[]);
    assert_eq!(sights(&with)[id].0, "working");
    let (without, _) = audit(&pcap(RAW, &[(at, frame[14..].to_vec())]), &[]);
    assert_eq!(sights(&without)[id], ("blind".to_owned(), vec!["no-link-layer".to_owned()]));
}

#[test]
fn certificates_are_hidden_by_tls_13_alone() {
    let golden = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../goldens/tls").join(name);
    let (old, _) = audit_file(&golden("tls12.pcap"), &[]);
    assert_eq!(sights(&old)["tls-cert-trust"].0, "working");
    let (new, text) = audit_file(&golden("tls13.pcap"), &[]);
    let (sight, causes) = &sights(&new)["tls-cert-trust"];
    assert_eq!((sight.as_str(), causes[0].as_str()), ("blind", "certificates-encrypted"), "{text}");
}

#[test]
fn the_page_tells_it_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pcap");
    fs::write(&path, pcap(ETHERNET, &mail(Some(Dir::Resp), None))).unwrap();
    for (lang, words) in [
        ("en", ["What could not be judged", "blind", "the side that hands over mails was not seen"]),
        ("ja", ["判定できなかったこと", "判定不能", "メールを渡す側が観測されていません"]),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        let out = command.args(["audit", "-q", "--html", "-", "--lang", lang]).arg(&path).output().unwrap();
        let html = String::from_utf8(out.stdout).unwrap();
        assert!(html.contains("<section id=\"coverage\""));
        words.iter().for_each(|word| assert!(html.contains(word), "{lang}: {word}"));
    }
}
