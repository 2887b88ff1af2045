use super::*;
use crate::testing::Bench;
use crate::{ProtoId, Transport};
use sekisho_types::Dir::{self, Orig, Resp};

#[test]
fn secrets_are_covered() {
    for (bytes, masked) in [
        (&b"DB_PASSWORD=hunter2\nDB_HOST=db"[..], &b"DB_PASSWORD=*******\nDB_HOST=db"[..]),
        (b"{\"password\": \"hunter2\", \"n\": 1}", b"{\"password\": \"*******\", \"n\": 1}"),
        (b"[requirepass, hunter2]", b"[requirepass, *******]"),
        (b"a=1&token=abc&b=2", b"a=1&token=***&b=2"),
        (b"passwd", b"passwd"),
        (b"compass north", b"compass north"),
        (b"", b""),
    ] {
        assert_eq!(mask(bytes).escape_ascii().to_string(), masked.escape_ascii().to_string());
    }
}

#[test]
fn each_answer_is_told_once() {
    let mut once = Once::default();
    assert!(once.is_first(Answer::Open) && !once.is_first(Answer::Open) && once.is_first(Answer::Data));
    assert!(once.is_first(Answer::Login) && !once.is_first(Answer::Data) && once.is_first(Answer::Refused));
}

/// What detectors are told of the logins of a dialogue, one a row: protocol, method, user, length, verdict.
fn logins(id: ProtoId, port: u16, steps: &[(Dir, &[u8])]) -> Vec<String> {
    let mut bench = Bench::new(id, Transport::Tcp, port);
    bench.out.judged = true;
    for (dir, bytes) in steps {
        bench.data(*dir, bytes);
    }
    bench.end();
    let rows = bench.rows("credential");
    assert!(!rows.concat().contains("hunter2"), "{rows:?}");
    let short = |row: &String| {
        row.split(' ')
            .filter(|p| !p.starts_with("clear=") && !p.starts_with("packet="))
            .filter_map(|p| p.split_once('(').map(|p| p.1.trim_end_matches(')').trim_matches('"').to_owned()))
            .collect::<Vec<_>>()
            .join(" ")
    };
    rows.iter().map(short).collect()
}

#[test]
fn mail_and_files() {
    let steps: &[(Dir, &[u8])] = &[
        (Resp, b"220 ready\r\n"),
        (Orig, b"USER ada\r\n"),
        (Resp, b"331 password\r\n"),
        (Orig, b"PASS hunter2\r\n"),
        (Resp, b"230 in\r\n"),
    ];
    assert_eq!(logins(ProtoId::Ftp, 21, steps), ["ftp PASS ada 7", "ftp true"]);
    let steps: &[(Dir, &[u8])] = &[
        (Resp, b"+OK ready\r\n"),
        (Orig, b"USER ada\r\n"),
        (Resp, b"+OK\r\n"),
        (Orig, b"PASS hunter2\r\n"),
        (Resp, b"-ERR no\r\n"),
    ];
    assert_eq!(logins(ProtoId::Pop3, 110, steps), ["pop3 USER ada 7", "pop3 false"]);
    let steps: &[(Dir, &[u8])] =
        &[(Resp, b"* OK ready\r\n"), (Orig, b"a1 LOGIN ada hunter2\r\n"), (Resp, b"a1 OK in\r\n")];
    assert_eq!(logins(ProtoId::Imap, 143, steps), ["imap LOGIN ada 7", "imap true"]);
    let steps: &[(Dir, &[u8])] = &[
        (Resp, b"220 ready\r\n"),
        (Orig, b"EHLO a\r\n"),
        (Resp, b"250 AUTH PLAIN\r\n"),
        (Orig, b"AUTH PLAIN AGFkYQBodW50ZXIy\r\n"),
        (Resp, b"235 in\r\n"),
    ];
    assert_eq!(logins(ProtoId::Smtp, 25, steps), ["smtp PLAIN ada 7", "smtp true"]);
    let steps: &[(Dir, &[u8])] = &[
        (Resp, b"220 ready\r\n"),
        (Orig, b"EHLO a\r\n"),
        (Resp, b"250 AUTH CRAM-MD5\r\n"),
        (Orig, b"AUTH CRAM-MD5\r\n"),
        (Resp, b"334 PDE+\r\n"),
        (Orig, b"YWRhIDAxMjM=\r\n"),
        (Resp, b"535 no\r\n"),
    ];
    // A proof, no password; SCRAM tells nothing.
    assert_eq!(logins(ProtoId::Smtp, 25, steps), ["smtp CRAM-MD5 ada", "smtp false"]);
    let steps: &[(Dir, &[u8])] = &[
        (Resp, b"220 ready\r\n"),
        (Orig, b"EHLO a\r\nAUTH SCRAM-SHA-1 biwsbj1ib2Iscj1hYmM=\r\n"),
        (Resp, b"250 AUTH\r\n"),
    ];
    assert_eq!(logins(ProtoId::Smtp, 25, steps).len(), 0);
}

#[test]
fn shells_directories_and_proxies() {
    let steps: &[(Dir, &[u8])] =
        &[(Orig, b"\x05\x01\x02"), (Resp, b"\x05\x02"), (Orig, b"\x01\x03ada\x07hunter2"), (Resp, b"\x01\x00")];
    assert_eq!(logins(ProtoId::Socks, 1080, steps), ["socks password ada 7", "socks true"]);
    let bind = b"0\x17\x02\x01\x01`\x12\x02\x01\x03\x04\x04cn=a\x80\x07hunter2";
    let steps: &[(Dir, &[u8])] = &[(Orig, bind), (Resp, b"0\x0c\x02\x01\x01a\x07\x0a\x01\x31\x04\x00\x04\x00")];
    assert_eq!(logins(ProtoId::Ldap, 389, steps), ["ldap simple cn=a 7", "ldap false"]);
    let anonymous = b"0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\x00\x80\x00";
    assert_eq!(logins(ProtoId::Ldap, 389, &[(Orig, anonymous)]).len(), 0);
    let steps: &[(Dir, &[u8])] = &[
        (Resp, b"\xff\xfd\x18login: "),
        (Orig, b"ada\r\n"),
        (Resp, b"Password: "),
        (Orig, b"hunter2\r\n"),
        (Resp, b"\r\nLogin incorrect\r\nlogin: "),
    ];
    assert_eq!(logins(ProtoId::Telnet, 23, steps), ["telnet prompt ada 7", "telnet false"]);
    let steps: &[(Dir, &[u8])] = &[(Orig, b"PASS hunter2\r\nNICK ada\r\nUSER ada 0 * :A\r\n")];
    assert_eq!(logins(ProtoId::Irc, 6667, steps), ["irc PASS 7"]);
}
