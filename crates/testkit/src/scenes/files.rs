//! What is collected, sent away and destroyed: S-33 to S-37.

use super::stage::{Ask, Stage};
use super::{DAY, HOUR, MINUTE, SECOND, Scene, scene};
use crate::Dir::{Orig, Resp};
use crate::tls::{self, BROWSER};
use crate::windows::{Login, Smb};
use sekisho_types::Interval;

pub(super) const ALL: &[Scene] = &[
    scene("S-33", "28 days of 5 MB an hour, then 300 MB at three o'clock at night", surge),
    scene("S-33-backup", "the same with a back-up each Sunday", backup),
    scene("S-33-drip", "28 days of 5 MB an hour, then 8 % more each day for 12 days", drip),
    scene("S-34", "45 MB to a storage service never used before, in two flows", storage),
    scene("S-34-direct", "45 MB to an address that no name leads to", direct),
    scene("S-35", "600 files in 250 directories within 8 minutes over SMB 2", mass_read),
    scene("S-36", "40 files of a share rewritten and renamed, a note in six directories", ransom),
    scene("S-36-sealed", "40 files read and rewritten over an encrypted session", sealed),
    scene("S-36-photos", "pictures of a share made smaller", photos),
    scene("S-37", "six card numbers in a form by HTTP; a private key by FTP", in_clear),
    scene("S-37-numbers", "100 random numbers of 16 digits", numbers),
];

const HOST: &str = "10.0.1.17";
const FILES: &str = "10.0.0.20";
const MORNING: i64 = 9 * HOUR;

/// An upload by TLS of which only headers were captured.
pub(super) fn upload(s: &mut Stage, ms: i64, from: &str, (name, to): (&str, &str), len: u64, rate: u64) {
    let mut c = s.tls_open(ms, from, &format!("{to}:443"), name, &BROWSER);
    c.say(Orig, &tls::record(23, &[7; 900]));
    s.bulk(&mut c, Orig, len, rate);
    c.say(Resp, &tls::record(23, &[8; 300]));
    s.add(&mut c.fin());
}

/// 5 MB each hour, a fifth more or less, for so many days, to sites that the office uses; `more` is by how much a day has more.
fn usual(s: &mut Stage, days: i64, more: fn(i64) -> f64) {
    s.by_calendar();
    s.office(0, days * DAY);
    for hour in 0..days * 24 {
        let len = ((4_000_000 + s.random.below(2_000_000)) as f64 * more(hour / 24)) as u64;
        let (site, ms) = (s.random.below(8), hour * HOUR + s.random.below(50 * MINUTE as u64) as i64);
        let (name, to) = (format!("www.site{site}.example"), format!("198.51.100.{}", 10 + site));
        s.resolve(ms - SECOND, HOST, &name, &to);
        upload(s, ms, HOST, (&name, &to), len, 50_000);
    }
}

fn surge(s: &mut Stage) {
    usual(s, 29, |_| 1.0);
    let begin = 28 * DAY + 3 * HOUR + 20 * MINUTE;
    s.resolve(begin - SECOND, HOST, "box.storage.example", "203.0.113.40");
    upload(s, begin, HOST, ("box.storage.example", "203.0.113.40"), 300_000_000, 400_000);
    s.expect("exfil-volume/hour", HOST, begin - HOUR, begin + 2 * HOUR);
}

/// Behind 28 days each of twelve has eight percent more than the one before.
fn drip(s: &mut Stage) {
    usual(s, 40, |day| 1.08f64.powi((day as i32 - 27).max(0)));
    s.expect("exfil-volume/drip", HOST, 28 * DAY, 40 * DAY);
}

fn backup(s: &mut Stage) {
    usual(s, 36, |_| 1.0);
    for week in 0..5 {
        let begin = week * 7 * DAY + 6 * DAY + 3 * HOUR + 20 * MINUTE;
        s.resolve(begin - SECOND, HOST, "vault.backup.example", "198.51.100.81");
        upload(s, begin, HOST, ("vault.backup.example", "198.51.100.81"), 300_000_000, 400_000);
    }
}

fn storage(s: &mut Stage) {
    s.by_calendar();
    s.office(0, 31 * DAY);
    let begin = 30 * DAY + 10 * HOUR;
    s.resolve(begin - SECOND, HOST, "drop.storage.example", "203.0.113.40");
    for k in 0..2 {
        upload(s, begin + k * 5 * MINUTE, HOST, ("drop.storage.example", "203.0.113.40"), 22_500_000, 400_000);
    }
    s.expect("exfil-new-destination/new", HOST, begin, begin + HOUR);
}

fn direct(s: &mut Stage) {
    s.by_calendar();
    s.office(0, 31 * DAY);
    let begin = 30 * DAY + 10 * HOUR;
    for k in 0..2 {
        let mut c = s.open(begin + k * 5 * MINUTE, HOST, "203.0.113.41:8443");
        c.say(Orig, b"\x01\x07PUT");
        s.bulk(&mut c, Orig, 22_500_000, 400_000);
        c.say(Resp, b"\x02ok");
        s.add(&mut c.fin());
    }
    s.expect("exfil-new-destination/direct-ip", HOST, begin, begin + HOUR);
}

/// 600 files in 250 directories within eight minutes.
pub(super) fn crawl(s: &mut Stage, ms: i64, from: &str, user: &str) {
    let login = Login::new("OFFICE", user, "PC", "FILES", s.random.draw());
    let c = s.open(ms, from, &format!("{FILES}:445"));
    let mut smb = Smb::new(c).login(&login).share(r"\\FILES\projects");
    let text = b"Figures of the third quarter, by product and region.\r\n".repeat(400);
    for dir in 0..250 {
        smb = smb.list(&format!("p{}\\d{dir}", dir / 25), &[0; 400]).wait(Interval::from_millis(700));
        for k in 0..if dir % 5 < 2 { 3 } else { 2 } {
            smb = smb.read(&format!("p{}\\d{dir}\\plan{k}.docx", dir / 25), &text).wait(Interval::from_millis(300));
        }
    }
    s.add(&mut smb.done().fin());
}

fn mass_read(s: &mut Stage) {
    s.office(8 * HOUR, 12 * HOUR);
    crawl(s, MORNING, HOST, "user7");
    // Four fifths of 13 MB go out.
    s.resolve(MORNING + 30 * MINUTE, HOST, "drop.storage.example", "203.0.113.40");
    upload(s, MORNING + 31 * MINUTE, HOST, ("drop.storage.example", "203.0.113.40"), 10_600_000, 400_000);
    s.expect("smb-mass-read/files", HOST, MORNING, MORNING + 12 * MINUTE);
    s.expect("smb-mass-read/crawl", HOST, MORNING, MORNING + 12 * MINUTE);
}

fn document(k: usize) -> Vec<u8> {
    format!("Minutes of meeting {k}: plans, figures, who does what until when.\r\n").repeat(120).into_bytes()
}

fn ransom(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let login = Login::new("OFFICE", "user7", "PC7", "FILES", s.random.draw());
    let c = s.open(MORNING, HOST, &format!("{FILES}:445"));
    let mut smb = Smb::new(c).login(&login).share(r"\\FILES\office");
    let note = b"Your files are encrypted. Write to us and pay, or they are lost.\r\n".repeat(4);
    for k in 0..40usize {
        let (before, name) = (document(k), format!("dir{}\\minutes{k}.txt", k % 6));
        let after = s.random.bytes(before.len());
        smb = smb.rewrite(&name, &before, &after, Some(&format!("{name}.xyz1")));
        if k < 6 {
            smb = smb.write(&format!("dir{k}\\READ_ME.txt"), &note);
        }
        smb = smb.wait(Interval::from_millis(300));
    }
    s.add(&mut smb.done().fin());
    for reason in ["smb-mass-modify/encrypt", "smb-mass-modify/rename-ext", "smb-mass-modify/note"] {
        s.expect(reason, HOST, MORNING, MORNING + MINUTE);
    }
}

fn sealed(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let login = Login::new("OFFICE", "user7", "PC7", "FILES", s.random.draw());
    let c = s.open(MORNING, HOST, &format!("{FILES}:445"));
    let mut smb = Smb::new(c).login(&login);
    for _ in 0..40 {
        let len = 4_000 + s.random.below(50_000) as usize;
        smb = smb.sealed_rewrite(&s.random.bytes(len)).wait(Interval::from_millis(300));
    }
    s.add(&mut smb.done().fin());
    s.expect("smb-mass-modify/encrypt", HOST, MORNING, MORNING + MINUTE);
}

fn photos(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let login = Login::new("OFFICE", "user7", "PC7", "FILES", s.random.draw());
    let c = s.open(MORNING, HOST, &format!("{FILES}:445"));
    let mut smb = Smb::new(c).login(&login).share(r"\\FILES\photos");
    for k in 0..60usize {
        let mut jpeg =
            |len| [b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec(), s.random.bytes(len)].concat();
        let (before, after) = (jpeg(40_000), jpeg(9_000));
        smb = smb.rewrite(&format!("trip\\img{k}.jpg"), &before, &after, None).wait(Interval::from_millis(200));
    }
    s.add(&mut smb.done().fin());
}

/// A number of 16 digits with this beginning that passes Luhn's check (ISO/IEC 7812-1).
fn card(prefix: u64, n: u64) -> String {
    let digits = format!("{prefix}{:0width$}", n, width = 15 - prefix.to_string().len());
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let d = u32::from(b - b'0') * if i % 2 == 0 { 2 } else { 1 };
            if d > 9 { d - 9 } else { d }
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

fn in_clear(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let mut form = String::from("customer=Ada");
    for k in 0..6 {
        form += &format!("&card{k}={}", card(4_539 + 11 * k, 1_234_567 + s.random.below(80_000_000)));
    }
    s.resolve(MORNING - SECOND, HOST, "shop.partner.example", "198.51.100.70");
    let head = "User-Agent: Mozilla/5.0\r\nContent-Type: application/x-www-form-urlencoded\r\n".to_owned();
    let ask = Ask {
        method: "POST",
        host: "shop.partner.example",
        path: "/import",
        head,
        body: form.into_bytes(),
        status: "200 OK",
        kind: "text/plain",
        answer: b"thank you".to_vec(),
    };
    s.http(MORNING, HOST, "198.51.100.70:80", &ask);
    s.expect("cleartext-sensitive-data/card", HOST, MORNING, MORNING + MINUTE);
    private_key(s, MORNING + 10 * MINUTE, "10.0.1.18");
    s.expect("cleartext-sensitive-data/private-key", "10.0.1.18", MORNING, MORNING + 11 * MINUTE);
}

/// A private key stored by FTP in passive mode.
fn private_key(s: &mut Stage, ms: i64, from: &str) {
    let lines: [(crate::Dir, &str); 11] = [
        (Resp, "220 ready\r\n"),
        (Orig, "USER anonymous\r\n"),
        (Resp, "331 any password\r\n"),
        (Orig, "PASS guest@\r\n"),
        (Resp, "230 welcome\r\n"),
        (Orig, "PASV\r\n"),
        (Resp, "227 Entering Passive Mode (198,51,100,71,195,80)\r\n"),
        (Orig, "STOR server.pem\r\n"),
        (Resp, "150 go on\r\n"),
        (Resp, "226 done\r\n"),
        (Orig, "QUIT\r\n"),
    ];
    let mut c = s.open(ms, from, "198.51.100.71:21");
    for (k, (dir, line)) in lines.iter().enumerate() {
        if k == 9 {
            let body: String = (0..24).map(|_| s.random.letters(64) + "\n").collect();
            let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----\n");
            let begin = (c.now().0 - super::stage::at(0).0) / 1_000_000;
            s.talk(begin, from, "198.51.100.71:50000", &[(Orig, key.as_bytes())]);
            c.pause(Interval::from_millis(200));
        }
        c.say(*dir, line.as_bytes());
    }
    s.add(&mut c.fin());
}

fn numbers(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let list: String = (0..100).map(|_| format!("<li>{:016}</li>", s.random.below(10_000_000_000_000_000))).collect();
    s.resolve(MORNING - SECOND, HOST, "parts.vendor.example", "198.51.100.70");
    let ask = Ask {
        method: "GET",
        host: "parts.vendor.example",
        path: "/list",
        head: "User-Agent: Mozilla/5.0\r\nAccept: text/html\r\n".to_owned(),
        body: Vec::new(),
        status: "200 OK",
        kind: "text/html",
        answer: format!("<html><ul>{list}</ul></html>").into_bytes(),
    };
    s.http(MORNING, HOST, "198.51.100.70:80", &ask);
}
