use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{ProtoId, Transport};
use Dir::{Orig, Resp};

const MAIL: &[u8] = b"+OK 120 octets\r\nFrom: a@b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nHello\r\n..dot\r\n--x\r\n\
Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"a.bin\"\r\n\r\nAAEC\r\n--x--\r\n.\r\n";

const SESSION: &[Step<'_>] = &[
    Step::Data(Resp, b"+OK ready <1@x>\r\n"),
    Step::Data(Orig, b"CAPA\r\n"),
    Step::Data(Resp, b"+OK\r\nTOP\r\nSTLS\r\n.\r\n"),
    Step::Data(Orig, b"USER bob\r\n"),
    Step::Data(Resp, b"+OK\r\n"),
    Step::Data(Orig, b"PASS secret\r\n"),
    Step::Data(Resp, b"-ERR no\r\n"),
    Step::Data(Orig, b"AUTH PLAIN\r\n"),
    Step::Data(Resp, b"+ \r\n"),
    Step::Data(Orig, b"AGJvYgBzZWNyZXQ=\r\n"),
    Step::Data(Resp, b"+OK in\r\n"),
    Step::Data(Orig, b"STAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n"),
    Step::Data(Resp, b"+OK 2 320\r\n"),
    Step::Data(Resp, MAIL),
    Step::Data(Resp, b"+OK gone\r\n+OK bye\r\n"),
];

#[test]
fn parses_a_session() {
    let out = check_splits(ProtoId::Pop3, 110, SESSION);
    assert_eq!(out.rows.len(), 1);
    let row = &out.rows[0];
    assert!(
        row.starts_with(
            "pop3: greeting=Str(\"ready <1@x>\") user=Str(\"bob\") auth_method=Str(\"PLAIN\") auth_success=Bool(true) \
             auth_attempts=Count(2) commands=Count(8) mailbox_count=Count(2) mailbox_len=Count(320) retrieved=Count(1) \
             previewed=Count(0) deleted=Count(1) errors=Count(1) last_error=Str(\"no\") tls=Bool(false) fuids=["
        ),
        "{row}"
    );
    assert!(!row.contains("secret"));
    assert_eq!(out.files.len(), 2);
    assert!(out.files[0].contains("POP3") && out.files[0].ends_with("\"Hello\\r\\n.dot\""), "{:?}", out.files);
    assert!(out.files[1].contains("a.bin"), "{:?}", out.files);
}

#[test]
fn damage_and_truncation_are_survived() {
    check_truncations(ProtoId::Pop3, 110, SESSION);
    check_damage(ProtoId::Pop3, 110, SESSION, 100);
}

#[test]
fn stls_hands_over() {
    let mut b = Bench::new(ProtoId::Pop3, Transport::Tcp, 110);
    b.data(Resp, b"+OK hi\r\n").data(Orig, b"STLS\r\n").data(Resp, b"+OK go\r\n").end();
    assert!(b.out.hand_over.is_some() && b.rows("pop3")[0].contains("tls=Bool(true)"));
    assert_eq!(b.out.confirmed, ["pop3"]);
}

#[test]
fn nobody_greets_behind_stls() {
    let mut b = Bench::new(ProtoId::Pop3, Transport::Tcp, 110);
    b.depth = 1;
    b.data(Orig, b"USER bob\r\n").data(Resp, b"+OK go on\r\n");
    b.data(Orig, b"PASS secret\r\n").data(Resp, b"+OK\r\n");
    b.data(Orig, b"STAT\r\n").data(Resp, b"+OK 3 456\r\n").end();
    let row = &b.rows("pop3")[0];
    assert!(row.contains("auth_success=Bool(true)") && row.contains("mailbox_count=Count(3)"), "{row}");
    assert!(!row.contains("go on"), "{row}");
}

#[test]
fn a_hole_in_a_message_is_marked() {
    let mut b = Bench::new(ProtoId::Pop3, Transport::Tcp, 110);
    b.data(Resp, b"+OK hi\r\n").data(Orig, b"RETR 1\r\n").data(Resp, b"+OK\r\nSubject: x\r\n\r\nabc\r\n");
    b.gap(Resp, 5).data(Resp, b"def\r\n.\r\n").end();
    assert_eq!(b.files.0[0].missing, 5);
}

#[test]
fn limits_pending_commands_and_lines() {
    let mut b = Bench::new(ProtoId::Pop3, Transport::Tcp, 110);
    for _ in 0..1000 {
        b.data(Orig, b"NOOP\r\n");
    }
    b.data(Orig, &[b'x'; 100_000]);
    assert!(b.held_len() < 8 * 1024, "{}", b.held_len());
    let mut b = Bench::new(ProtoId::Pop3, Transport::Tcp, 110);
    b.data(Resp, b"HTTP/1.1 200\r\n");
    assert_eq!(b.out.rejected, Some("pop3_server_command_unknown"));
    // Once it is known, an odd line only costs it Zeek's word for it.
    let mut b = Bench::new(ProtoId::Pop3, Transport::Tcp, 110);
    b.data(Resp, b"+OK ready\r\n").data(Orig, b"STAT\r\n");
    assert!(!b.out.violated);
    b.data(Resp, b"+ 1 236\r\n").data(Resp, b"what?\r\n");
    assert!(b.out.violated && b.is_open());
}

#[test]
fn rules_and_eve_see_commands_with_their_replies() {
    use sekisho_transaction::Fact;
    let run = |piece| {
        let mut b = Bench::watched(ProtoId::Pop3, Transport::Tcp, 110);
        b.data_split(Resp, b"+OK ready\r\n", piece).data_split(Orig, b"USER bob\r\n", piece);
        b.data_split(Resp, b"+OK\r\n", piece).data_split(Orig, b"PASS secret\r\n", piece);
        b.data_split(Resp, b"-ERR no\r\n", piece).data_split(Orig, b"uidl\r\nQUIT\r\n", piece);
        b.data_split(Resp, b"+OK two\r\n1 aaa\r\n2 bbb\r\n.\r\n", piece).end();
        b
    };
    let whole = run(usize::MAX);
    let all = whole.exchanges();
    let by = |command: &str| all.iter().find(|x| x.fact(Fact::Pop3Command) == [command]).expect(command);
    assert!(
        by("USER")
            .json
            .contains(r#""request":{"command":"USER","args":["bob"]},"response":{"success":true,"status":"OK""#)
    );
    // The bench shows passwords.
    assert!(
        by("PASS").json.contains(r#""args":["secret"]},"response":{"success":false,"status":"ERR","header":"no"}"#)
    );
    assert!(by("UIDL").json.contains(r#""header":"two","data":["1 aaa","2 bbb"]"#), "{}", by("UIDL").json);
    let quit = by("QUIT");
    assert!(quit.over && !quit.json.contains("response"), "never answered: {}", quit.json);
    assert_eq!(run(1).files.1.lines(), whole.files.1.lines());
}
