use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{ProtoId, Transport};
use Dir::{Orig, Resp};

const FETCHED: &[u8] =
    b"* 1 FETCH (UID 7 BODY[] {75}\r\nSubject: x\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\n\
some content FLAGS (\\Seen))\r\n* 1 FETCH (BODY[TEXT] {3}\r\nabc)\r\na4 OK done\r\n";

const SESSION: &[Step<'_>] = &[
    Step::Data(Resp, b"* OK [CAPABILITY IMAP4rev1] ready\r\n"),
    Step::Data(Orig, b"a0 ID (\"name\" \"golden\")\r\na1 LOGIN {3}\r\n"),
    Step::Data(Resp, b"* ID NIL\r\na0 OK\r\n+ go\r\n"),
    Step::Data(Orig, b"bob {6+}\r\nsecret\r\n"),
    Step::Data(Resp, b"a1 NO [AUTHENTICATIONFAILED] wrong\r\n"),
    Step::Data(Orig, b"a2 AUTHENTICATE PLAIN\r\n"),
    Step::Data(Resp, b"+\r\n"),
    Step::Data(Orig, b"AGFsaWNlAHNlY3JldA==\r\n"),
    Step::Data(Resp, b"a2 OK in\r\n"),
    Step::Data(Orig, b"a3 SELECT \"My box\"\r\n"),
    Step::Data(Resp, b"* 18 EXISTS\r\na3 OK [READ-WRITE] selected\r\n"),
    Step::Data(Orig, b"a4 UID FETCH 7 (BODY.PEEK[] FLAGS)\r\n"),
    Step::Data(Resp, FETCHED),
    Step::Data(Orig, b"a5 APPEND Sent (\\Seen) {20+}\r\nSubject: y\r\n\r\nhello\n\r\n"),
    Step::Data(Resp, b"a5 OK\r\n"),
];

#[test]
fn parses_a_session() {
    let out = check_splits(ProtoId::Imap, 143, SESSION);
    assert_eq!(out.rows.len(), 1);
    let row = &out.rows[0];
    assert!(
        row.starts_with(
            "imap: greeting=Str(\"[CAPABILITY IMAP4rev1] ready\") client=Str(\"(\\\"name\\\" \\\"golden\\\")\") \
             user=Str(\"alice\") auth_method=Str(\"PLAIN\") auth_success=Bool(true) auth_attempts=Count(2) \
             commands=Count(6) mailbox=Str(\"My box\") mailbox_count=Count(18) fetched=Count(2) appended=Count(1) \
             errors=Count(1) last_error=Str(\"[AUTHENTICATIONFAILED] wrong\") tls=Bool(false) fuids=["
        ),
        "{row}"
    );
    assert!(!row.contains("secret"));
    assert_eq!(out.files.len(), 2, "{:?}", out.files);
    assert!(out.files[0].contains("a.txt") && out.files[0].ends_with("\"some content\""), "{:?}", out.files);
    assert!(out.files[1].contains("orig=true") && out.files[1].ends_with("\"hello\\n\""), "{:?}", out.files);
}

#[test]
fn damage_and_truncation_are_survived() {
    check_truncations(ProtoId::Imap, 143, SESSION);
    check_damage(ProtoId::Imap, 143, SESSION, 100);
}

#[test]
fn starttls_hands_over() {
    let mut b = Bench::new(ProtoId::Imap, Transport::Tcp, 143);
    b.data(Resp, b"* OK hi\r\n").data(Orig, b". STARTTLS\r\n").data(Resp, b". OK go\r\n").end();
    assert!(b.out.hand_over.is_some() && b.rows("imap")[0].contains("tls=Bool(true)"));
    assert_eq!(b.out.confirmed, ["imap"]);
}

#[test]
fn a_hole_in_a_message_is_marked() {
    let mut b = Bench::new(ProtoId::Imap, Transport::Tcp, 143);
    b.data(Resp, b"* OK hi\r\n* 1 FETCH (RFC822 {30}\r\nA: b\r\n\r\nabc").gap(Resp, 10).data(Resp, b"def");
    b.data(Resp, b"xxxxxxx)\r\n").end();
    assert_eq!(b.files.0[0].missing, 10);
}

#[test]
fn limits_lines_literals_and_pending_commands() {
    let mut b = Bench::new(ProtoId::Imap, Transport::Tcp, 143);
    b.data(Resp, b"* OK hi\r\n");
    for i in 0..500 {
        b.data(Orig, format!("a{i} NOOP {{5}}\r\n12345 {{400}}\r\n").as_bytes()).data(Orig, &[b'y'; 402]);
    }
    b.data(Orig, &[b'x'; 100_000]).data(Resp, b"* X {99999999999}\r\n");
    assert!(b.held_len() < 32 * 1024, "{}", b.held_len());
}
