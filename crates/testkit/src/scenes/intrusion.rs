//! An intrusion of five days, from a mail to an upload: S-84.

use super::channels::{program, report};
use super::directory::relayed;
use super::files::{crawl, upload};
use super::lateral::psexec;
use super::recon::lie;
use super::sessions::DC;
use super::stage::{Ask, Stage};
use super::{DAY, HOUR, MINUTE, SECOND, Scene, scene};
use crate::Dir::{Orig, Resp};
use crate::windows::Login;

pub(super) const ALL: &[Scene] = &[scene(
    "intrusion",
    "S-84: mail, download, C2, scan, poisoned names and a relayed login, three times psexec, a file server read, an upload; five days",
    intrusion,
)];

/// Whom the mail reaches, and the machines that are taken from there.
const TAKEN: [&str; 4] = ["10.0.1.17", "10.0.1.20", "10.0.1.21", "10.0.1.24"];
/// Whose login is passed on.
const VICTIM: &str = "10.0.1.22";
const OUTSIDE: &str = "203.0.113.9";

/// A mail with a link that shows one name and leads to another.
const MAIL: &str = "From: Accounts <accounts@supplier.example>\r\nTo: ada@office.example\r\nSubject: Invoice 4711\r\n\
    Message-ID: <4711@supplier.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <html><body><p>Please see the invoice: <a href=\"http://files.telemetry-sync.example/invoice.exe\">\
    https://portal.supplier.example/invoice</a></p></body></html>\r\n.\r\n";

fn mail(s: &mut Stage, ms: i64) {
    let lines: [(crate::Dir, &str); 11] = [
        (Resp, "220 mail.office.example ESMTP\r\n"),
        (Orig, "EHLO out.supplier.example\r\n"),
        (Resp, "250 mail.office.example\r\n"),
        (Orig, "MAIL FROM:<accounts@supplier.example>\r\n"),
        (Resp, "250 Ok\r\n"),
        (Orig, "RCPT TO:<ada@office.example>\r\n"),
        (Resp, "250 Ok\r\n"),
        (Orig, "DATA\r\n"),
        (Resp, "354 go on\r\n"),
        (Orig, MAIL),
        (Resp, "250 queued\r\n"),
    ];
    let says: Vec<_> = lines.iter().map(|(dir, line)| (*dir, line.as_bytes())).collect();
    s.talk(ms, "203.0.113.25", "10.0.0.25:25", &says);
}

fn intrusion(s: &mut Stage) {
    s.by_calendar();
    s.office(0, 5 * DAY);
    for day in 0..5 {
        s.domain(day * DAY + 8 * HOUR);
    }
    s.agents(9 * HOUR);
    // Monday: the mail, the click, the implant, which then reports each minute.
    let [first, second, third, last] = TAKEN;
    mail(s, 10 * HOUR);
    s.involve("10.0.0.25");
    let click = 10 * HOUR + 25 * MINUTE;
    s.resolve(click - SECOND, first, "files.telemetry-sync.example", OUTSIDE);
    let invoice = Ask {
        host: "files.telemetry-sync.example",
        path: "/invoice.exe",
        kind: "application/octet-stream",
        answer: program(s, 60_000),
        method: "GET",
        head:
            "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64)\r\nAccept: */*\r\nReferer: http://start.example/\r\n"
                .into(),
        body: Vec::new(),
        status: "200 OK",
    };
    s.http(click, first, &format!("{OUTSIDE}:80"), &invoice);
    let calls = click + 3 * MINUTE;
    s.resolve(calls - SECOND, first, "update.telemetry-sync.example", OUTSIDE);
    for k in 0..(5 * DAY - calls) / MINUTE - 60 {
        let mut ask = report(s);
        if k == 3 {
            (ask.kind, ask.answer) = ("image/png", program(s, 20_000));
        }
        s.http(calls + k * MINUTE, first, &format!("{OUTSIDE}:80"), &ask);
    }
    s.expect("c2-beacon/regular", first, calls, DAY);
    s.expect("c2-http-traits/payload", first, calls, DAY);
    s.step("c2-beacon", first);
    // Tuesday: who is there?
    let scan = DAY + 14 * HOUR;
    for i in 0..254 {
        let to = format!("10.0.7.{}:445", i + 1);
        match i % 25 {
            3 => s.talk(scan + i * SECOND, first, &to, &[(Orig, b"\0"), (Resp, b"\0")]),
            n => s.attempt(scan + i * SECOND, first, &to, n % 2 == 0),
        }
    }
    s.expect("scan-horizontal/fast", first, scan, scan + 5 * MINUTE);
    s.step("scan-horizontal", first);
    // Wednesday: names that nobody has; who falls for it is passed on to the directory.
    let lies = 2 * DAY + 9 * HOUR + 40 * MINUTE;
    for (k, text) in ["filesrvv", "wpad", "printr1"].iter().enumerate() {
        lie(s, lies + k as i64 * 30 * SECOND, VICTIM, first, 5355, text);
    }
    let login = Login::new("OFFICE", "admin", "PC12", "DC1", s.random.draw());
    relayed(s, lies + 63 * SECOND, (VICTIM, first, DC), &login);
    s.involve(VICTIM);
    s.involve(DC);
    s.expect("name-poisoning/captured", first, lies, lies + 5 * MINUTE);
    s.expect("ntlm-relay/challenge-reuse/used", first, lies, lies + 5 * MINUTE);
    s.step("name-poisoning", first);
    s.step("ntlm-relay", first);
    // Thursday: from machine to machine.
    let hops = 3 * DAY + 11 * HOUR;
    let bytes = program(s, 40_000);
    for (k, (from, to)) in [(first, second), (second, third), (third, last)].into_iter().enumerate() {
        psexec(s, hops + k as i64 * 9 * MINUTE, from, to, "svchelper.exe", &bytes);
        s.expect("rpc-remote-exec/psexec-like", from, hops, hops + 30 * MINUTE);
        s.step("rpc-remote-exec", from);
    }
    s.expect("lateral-chain/hop", first, hops, hops + 30 * MINUTE);
    // Friday: what is worth something is collected and sent away.
    let reads = 4 * DAY + 15 * HOUR;
    crawl(s, reads, last, "admin");
    s.expect("smb-mass-read/files", last, reads, reads + 15 * MINUTE);
    s.step("smb-mass-read", last);
    // S-33 needs 28 days of history and S-84 has five: the upload is told as one to a place never used before.
    let sends = reads + 40 * MINUTE;
    s.resolve(sends - SECOND, last, "drop.storage.example", "203.0.113.40");
    upload(s, sends, last, ("drop.storage.example", "203.0.113.40"), 60_000_000, 500_000);
    s.expect("exfil-new-destination/new", last, sends, sends + 2 * HOUR);
    s.step("exfil-new-destination", last);
}
