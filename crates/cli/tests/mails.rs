//! Mails given to `audit` as files or on standard input, and on the wire: the same judgements.

mod common;

use common::sekisho;
use sekisho_testkit::{Conversation, Dir, pcap};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

/// A mail whose link leads elsewhere than it shows, and that brings a program.
const MAIL: &str = "From: \"Partner\" <billing@partnner.test>\r\nTo: dana@office.test\r\nSubject: overdue\r\n\
    Date: Mon, 02 Mar 2026 09:00:00 +0000\r\nMessage-ID: <1@partnner.test>\r\n\
    Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/html\r\n\r\n\
    <a href=\"http://203.0.113.25/x\">https://www.partner.test/login</a>\r\n--B\r\n\
    Content-Type: application/octet-stream; name=\"a.exe\"\r\nContent-Transfer-Encoding: base64\r\n\r\n\
    TVqQAAMAAAAEAAAA//8AALgAAAA=\r\n--B--\r\n";

const HARMLESS: &str = "From: carol@partner.test\r\nTo: dana@office.test\r\nSubject: minutes\r\n\
    Date: Mon, 02 Mar 2026 09:00:00 +0000\r\nMessage-ID: <2@partner.test>\r\n\r\nsee https://www.partner.test/minutes\r\n";

const EXPECTED: [&str; 3] =
    ["mail-dangerous-attachment/executable", "mail-link-mismatch/text-target", "mail-lookalike-sender/edit"];

/// The codes of the findings about mails, each once, and the page.
fn judged(json: &[u8]) -> (Vec<String>, Value) {
    let page: Value = serde_json::from_slice(json).expect("JSON");
    let findings = page["findings"].as_array().expect("a list");
    let mut codes: Vec<String> = findings.iter().map(|f| f["code"].as_str().expect("a code").to_owned()).collect();
    codes.retain(|c| c.starts_with("mail-"));
    codes.sort();
    codes.dedup();
    (codes, page)
}

#[test]
fn mails_in_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        path
    };
    // Told by content, whatever it is called.
    let out = sekisho(&["audit", "-q", "--fail-on", "high", "--json", "-"], &[path("mail.bin", MAIL)]);
    let (codes, page) = judged(&out.stdout);
    assert_eq!((codes, out.status.code()), (EXPECTED.map(str::to_owned).to_vec(), Some(3)));
    assert_eq!(
        (page["completeness"]["mails"].as_u64(), page["completeness"]["complete"].as_bool()),
        (Some(1), Some(true))
    );
    let out = sekisho(&["audit", "-q", "--fail-on", "info", "--json", "-"], &[path("b.eml", HARMLESS)]);
    assert_eq!((judged(&out.stdout).0.len(), out.status.code()), (0, Some(0)));
    // Both in a mailbox.
    let mbox =
        format!("From a@b Mon Mar  2 09:00:00 2026\r\n{MAIL}\r\nFrom c@d Mon Mar  2 09:00:00 2026\r\n{HARMLESS}\r\n");
    let out = sekisho(&["audit", "-q", "--json", "-"], &[path("box", &mbox)]);
    let (codes, page) = judged(&out.stdout);
    assert_eq!((codes, page["completeness"]["mails"].as_u64()), (EXPECTED.map(str::to_owned).to_vec(), Some(2)));
    // Cut within the attachment.
    let out = sekisho(&["audit", "-q", "--json", "-"], &[path("cut.eml", &MAIL[..MAIL.len() - 10])]);
    let (_, page) = judged(&out.stdout);
    assert_eq!(
        (page["completeness"]["cut_mails"].as_u64(), page["completeness"]["complete"].as_bool()),
        (Some(1), Some(false))
    );
}

#[test]
fn a_mail_on_standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(["audit", "-q", "--json", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sekisho starts");
    child.stdin.take().expect("piped").write_all(MAIL.as_bytes()).expect("written");
    let out = child.wait_with_output().expect("ends");
    assert_eq!(judged(&out.stdout).0, EXPECTED);
}

#[test]
fn the_same_mail_on_the_wire() {
    let dir = tempfile::tempdir().expect("a folder");
    let capture = dir.path().join("smtp.pcap");
    let mail = [MAIL, ".\r\n"].concat();
    let steps: [(Dir, &[u8]); 11] = [
        (Dir::Resp, b"220 mail ready\r\n"),
        (Dir::Orig, b"EHLO mail.partnner.test\r\n"),
        (Dir::Resp, b"250 hi\r\n"),
        (Dir::Orig, b"MAIL FROM:<billing@partnner.test>\r\n"),
        (Dir::Resp, b"250 ok\r\n"),
        (Dir::Orig, b"RCPT TO:<dana@office.test>\r\n"),
        (Dir::Resp, b"250 ok\r\n"),
        (Dir::Orig, b"DATA\r\n"),
        (Dir::Resp, b"354 go\r\n"),
        (Dir::Orig, mail.as_bytes()),
        (Dir::Resp, b"250 taken\r\n"),
    ];
    let begun = Conversation::new("203.0.113.25:40000", "10.30.0.25:25").syn();
    let whole = steps.iter().fold(begun, |flow, (dir, bytes)| flow.send(*dir, bytes)).fin();
    fs::write(&capture, pcap(1, &whole.frames())).expect("written");
    for jobs in ["1", "4"] {
        let out = sekisho(&["audit", "-q", "--jobs", jobs, "--json", "-"], &[&capture]);
        let (codes, page) = judged(&out.stdout);
        assert_eq!(codes, EXPECTED);
        let finding = page["findings"].as_array().expect("a list").iter().find(|f| f["id"] == "mail-link-mismatch");
        let text = finding.expect("found").to_string();
        assert!(
            text.contains("10.30.0.25")
                && text.contains("203.0.113.25")
                && text.contains("https://www.partner.test/login"),
            "{text}"
        );
    }
}
