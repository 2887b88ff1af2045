//! Passwords that cross in clear are heard where somebody listens, and nowhere else.

use sekisho_capture::{Batch, Captures};
use sekisho_engine::{Settings, Worker};
use sekisho_files::NoStore;
use sekisho_proto::Passwords;
use sekisho_record::{Record, for_each};
use sekisho_testkit::{Conversation, Dir, pcap};
use std::sync::Arc;

const ETHERNET: u32 = 1;

/// What is heard in a conversation with `port`, and every row as text; lines that begin with `>` are the client's.
fn run(port: u16, lines: &[&str], listen: bool) -> (Vec<String>, String) {
    let mut talk = Conversation::new("10.0.0.1:40000", format!("192.0.2.21:{port}").as_str()).syn();
    for line in lines {
        let (who, text) = line.split_at(1);
        talk = talk.send(if who == ">" { Dir::Orig } else { Dir::Resp }, text.as_bytes());
    }
    let mut captures = Captures::from_bytes("heard", pcap(ETHERNET, &talk.fin().frames()));
    let passwords = listen.then(|| Arc::new(Passwords::default()));
    let mut worker = Worker::new(Settings { passwords: passwords.clone(), ..Settings::default() });
    let (mut batch, mut text) = (Batch::new(), String::new());
    let mut rows = |row: &dyn Record| {
        text += row.schema().log;
        for_each(row, &mut |field, value| text += &format!(" {}={value:?}", field.name));
        text.push('\n');
    };
    while captures.fill(&mut batch) {
        worker.batch(batch.frames(), &mut rows, &mut NoStore);
    }
    worker.finish(&mut rows, &mut NoStore);
    assert_eq!(passwords.map(|p| p.list()).unwrap_or_default(), worker.passwords());
    let heard = worker.passwords().into_iter().map(|p| String::from_utf8_lossy(&p).into_owned()).collect();
    (heard, text)
}

/// The conversations, and what is to be heard in each.
const TALKS: [(u16, &[&str], &str); 12] = [
    (21, &["<220 hi\r\n", ">USER bob\r\n", "<331 go on\r\n", ">PASS tell-ftp\r\n", "<230 in\r\n"], "tell-ftp"),
    (110, &["<+OK hi\r\n", ">USER bob\r\n", "<+OK\r\n", ">PASS tell-pop\r\n", "<+OK\r\n"], "tell-pop"),
    // AUTH PLAIN with "\0bob\0tell-plain"
    (110, &["<+OK hi\r\n", ">AUTH PLAIN AGJvYgB0ZWxsLXBsYWlu\r\n", "<+OK\r\n"], "tell-plain"),
    (143, &["<* OK hi\r\n", ">a LOGIN bob \"tell imap\"\r\n", "<a OK in\r\n"], "tell imap"),
    (
        143,
        &["<* OK hi\r\n", ">a AUTHENTICATE PLAIN\r\n", "<+ \r\n", ">AGJvYgB0ZWxsLXBsYWlu\r\n", "<a OK in\r\n"],
        "tell-plain",
    ),
    // LOGIN: "bob", "tell-login"
    (
        25,
        &[
            "<220 hi ESMTP\r\n",
            ">EHLO me\r\n",
            "<250-hi\r\n250 AUTH LOGIN\r\n",
            ">AUTH LOGIN\r\n",
            "<334 VXNlcm5hbWU6\r\n",
            ">Ym9i\r\n",
            "<334 UGFzc3dvcmQ6\r\n",
            ">dGVsbC1sb2dpbg==\r\n",
            "<235 in\r\n",
        ],
        "tell-login",
    ),
    // A mail in quoted-printable.
    (
        25,
        &[
            "<220 hi ESMTP\r\n",
            ">EHLO me\r\n",
            "<250 hi\r\n",
            ">MAIL FROM:<a@b.example>\r\n",
            "<250 ok\r\n",
            ">RCPT TO:<c@d.example>\r\n",
            "<250 ok\r\n",
            ">DATA\r\n",
            "<354 go\r\n",
            ">Subject: x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nThe password for the zip is tell=2Dmail.\r\n.\r\n",
            "<250 ok\r\n",
        ],
        "tell-mail",
    ),
    // Basic "bob:tell:basic"
    (
        80,
        &[
            ">GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic Ym9iOnRlbGw6YmFzaWM=\r\n\r\n",
            "<HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ],
        "tell:basic",
    ),
    (
        80,
        &[
            ">POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\nuser=bob&password=tell%26form",
            "<HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ],
        "tell&form",
    ),
    (6379, &[">*2\r\n$4\r\nAUTH\r\n$10\r\ntell-redis\r\n", "<+OK\r\n"], "tell-redis"),
    (6667, &[">PASS tell-irc\r\nNICK bob\r\nUSER bob 0 * :Bob\r\n", "<:x 001 bob :Welcome\r\n"], "tell-irc"),
    (
        6667,
        &[
            ">NICK bob\r\nUSER bob 0 * :Bob\r\n",
            "<:x 001 bob :Welcome\r\n",
            "<:eve!e@h PRIVMSG bob :pw is tell-chat ok\r\n",
        ],
        "tell-chat",
    ),
];

#[test]
fn hears_what_logs_in_and_what_is_written() {
    for (port, lines, want) in TALKS {
        let (heard, rows) = run(port, lines, true);
        assert!(heard.iter().any(|p| p == want), "{port} {want}: {heard:?}\n{rows}");
        assert!(!rows.contains(want), "{rows}");
    }
}

#[test]
fn listening_changes_no_row() {
    for (port, lines, _) in TALKS {
        let (heard, unheard) = run(port, lines, false);
        assert!(heard.is_empty());
        assert_eq!(run(port, lines, true).1, unheard);
    }
}
