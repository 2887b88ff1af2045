use super::message::{Greeting, Login, after_attributes, capability};
use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{Guess, Probe, ProtoId, Transport};
use Dir::{Orig, Resp};
use sekisho_types::FlowInfo;

fn packet(seq: u8, content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&len[..3], &[seq], content].concat()
}

fn greeting(capabilities: u32) -> Vec<u8> {
    let caps = capabilities.to_le_bytes();
    let after =
        [&caps[..2], &[0x21, 2, 0], &caps[2..], &[21], &[0; 10], b"abcdefghijkl\0mysql_native_password\0"].concat();
    packet(0, &[b"\x0a8.0.99-test\0\x07\0\0\0saltsalt\0", &after[..]].concat())
}

/// CLIENT_PROTOCOL_41, CLIENT_SECURE_CONNECTION, CLIENT_CONNECT_WITH_DB, and `more`.
fn login(more: u32) -> Vec<u8> {
    let caps = capability::PROTOCOL_41 | capability::SECURE_CONNECTION | capability::CONNECT_WITH_DB | more;
    let mut content = [&caps.to_le_bytes()[..], &[0, 0, 0, 1, 33], &[0; 23], b"ada\0\x02pwshop\0"].concat();
    if more & capability::PLUGIN_AUTH != 0 {
        content.extend_from_slice(b"mysql_native_password\0");
    }
    if more & capability::CONNECT_ATTRS != 0 {
        content.extend_from_slice(b"\x1c\x0cprogram_name\x02py\x03_os\x05Linux");
    }
    packet(1, &content)
}

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

fn error() -> Vec<u8> {
    [b"\xff\x15\x04#28000", &b"Access denied"[..]].concat()
}

#[test]
fn parses_greeting_and_login() {
    let bytes = greeting(0x81ff_f7ff);
    let parsed = Greeting::parse(&bytes[4..]).unwrap();
    assert_eq!((parsed.version, parsed.capabilities), (&b"8.0.99-test"[..], 0x81ff_f7ff));
    let bytes = login(capability::PLUGIN_AUTH | capability::CONNECT_ATTRS);
    let parsed = Login::parse(&bytes[4..]).unwrap();
    assert_eq!((parsed.user, parsed.database, parsed.client), (&b"ada"[..], Some(&b"shop"[..]), Some(&b"py"[..])));
    assert!(!parsed.tls);
}

#[test]
fn rejects_what_is_no_greeting() {
    assert!(Greeting::parse(b"\x0a\0").is_err());
    assert!(Greeting::parse(b"\x0a8.0\x01\0\x07\0\0\0saltsalt\0").is_err());
    assert!(Greeting::parse(b"\x0a8.0\0\x07\0\0\0saltsaltX\0\0").is_err());
    assert!(Login::parse(&[0, 2, 0, 0, 0, 0, 0, 1, 33, 1]).is_err());
}

#[test]
fn parses_query_attributes() {
    assert_eq!(after_attributes(b"\0\x01SELECT 1").unwrap(), b"SELECT 1");
    // Two attributes: a string, and a null.
    let two = b"\x02\x01\x02\x01\x0f\0\x01a\x03\0\x01b\x03xyzSELECT 2";
    assert_eq!(after_attributes(two).unwrap(), b"SELECT 2");
    assert!(after_attributes(b"\x02\x01\x02\0").is_err());
    assert!(after_attributes(b"\xfd\xff\xff\xff\x01").is_err());
}

fn session() -> Vec<(Dir, Vec<u8>)> {
    let column = packet(2, b"\x03def\0\0\0\x01a\0\x0c\x3f\0\x01\0\0\0\x08\x81\0\0\0\0");
    vec![
        (Resp, greeting(0x81ff_f7ff)),
        (Orig, login(capability::PLUGIN_AUTH | capability::CONNECT_ATTRS)),
        (Resp, packet(2, b"\xfemysql_native_password\0saltsaltsaltsaltsalt\0")),
        (Orig, packet(3, b"01234567890123456789")),
        (Resp, packet(4, OK)),
        (Orig, packet(0, b"\x03SELECT a FROM t")),
        (
            Resp,
            [packet(1, &[1]), column, packet(3, b"\xfe\0\0\x22\0"), packet(4, b"\x0142"), packet(5, b"\xfb")].concat(),
        ),
        (Resp, packet(6, b"\xfe\0\0\x22\0")),
        (Orig, packet(0, b"\x03UPDATE t SET a = 1")),
        (Resp, packet(1, &[0, 7, 0, 2, 0, 0, 0])),
        (Orig, packet(0, b"\x16SELECT ?")),
        (
            Resp,
            [packet(1, b"\0\x05\0\0\0\x01\0\x01\0\0\0\0"), packet(2, b"\x03def"), packet(3, b"\xfe\0\0\x22\0")]
                .concat(),
        ),
        (Orig, packet(0, b"\x17\x05\0\0\0\0\x01\0\0\0")),
        (Resp, packet(1, &error())),
        (Orig, [packet(0, b"\x19\x05\0\0\0"), packet(0, b"\x04t\0"), packet(0, b"\x09")].concat()),
        (Resp, packet(1, b"Uptime: 1")),
        (Orig, packet(0, b"\x03LOAD DATA LOCAL INFILE 'x'")),
        (Resp, packet(1, b"\xfb/etc/passwd")),
        (Orig, [packet(2, b"root:x:0:0"), packet(3, b"")].concat()),
        (Resp, packet(4, OK)),
        (Orig, packet(0, b"\x01")),
    ]
}

#[test]
fn logs_a_session_however_it_is_split() {
    let session = session();
    let steps: Vec<Step<'_>> = session.iter().map(|(dir, bytes)| Step::Data(*dir, bytes)).collect();
    let outcome = check_splits(ProtoId::Mysql, 3306, &steps);
    let common = "user=Str(\"ada\") database=Str(\"shop\") server_version=Str(\"8.0.99-test\") client=Str(\"py\")";
    let want = [
        format!("cmd=Str(\"login\") arg=Str(\"ada\") success=Bool(true) rows=Count(0) {common}"),
        format!(
            "cmd=Str(\"query\") arg=Str(\"SELECT a FROM t\") success=Bool(true) rows=Count(0) {common} result_rows=Count(2)"
        ),
        format!("cmd=Str(\"query\") arg=Str(\"UPDATE t SET a = 1\") success=Bool(true) rows=Count(7) {common}"),
        format!("cmd=Str(\"stmt_prepare\") arg=Str(\"SELECT ?\") success=Bool(true) rows=Count(0) {common}"),
        format!(
            "cmd=Str(\"stmt_execute\") arg=Str(\"\\u{{5}}\\0\\0\\0\\0\\u{{1}}\\0\\0\") success=Bool(false) response=Str(\"Access denied\") {common} error_code=Count(1045) statement=Str(\"SELECT ?\")"
        ),
        format!("cmd=Str(\"stmt_close\") arg=Str(\"\\u{{5}}\\0\\0\") {common}"),
        format!("cmd=Str(\"field_list\") arg=Str(\"t\") {common}"),
        format!("cmd=Str(\"statistics\") arg=Str(\"\") {common}"),
        format!("cmd=Str(\"query\") arg=Str(\"LOAD DATA LOCAL INFILE 'x'\") success=Bool(true) rows=Count(0) {common}"),
        format!("cmd=Str(\"quit\") arg=Str(\"\") {common}"),
    ];
    let got: Vec<&str> = outcome.rows.iter().map(|r| r.trim_start_matches("mysql: ")).collect();
    assert_eq!(got, want);
    check_truncations(ProtoId::Mysql, 3306, &steps);
    check_damage(ProtoId::Mysql, 3306, &steps, 200);
}

#[test]
fn a_client_alone_gives_its_commands() {
    let mut b = Bench::new(ProtoId::Mysql, Transport::Tcp, 3306);
    b.data(Orig, &login(0)).data(Orig, &packet(3, b"more")).data(Orig, &packet(0, b"\x03SELECT 1"));
    b.data(Orig, &packet(0, b"\x01")).end();
    let rows = b.rows("mysql");
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows[1].starts_with("cmd=Str(\"query\") arg=Str(\"SELECT 1\") user=Str(\"ada\")"), "{rows:?}");
}

#[test]
fn tls_is_handed_over() {
    let mut b = Bench::new(ProtoId::Mysql, Transport::Tcp, 3306);
    let request = packet(1, &[&0x000a_ae05u32.to_le_bytes()[..], &[0, 0, 0, 1, 33], &[0; 23]].concat());
    b.data(Resp, &greeting(0x81ff_f7ff)).data(Orig, &[&request[..], b"\x16\x03\x01"].concat());
    assert_eq!(b.out.hand_over.as_ref().map(|h| h.unconsumed), Some(3));
    assert_eq!(b.out.confirmed, ["mysql"]);
}

#[test]
fn limits_arguments_and_statements() {
    let mut b = Bench::new(ProtoId::Mysql, Transport::Tcp, 3306);
    b.data(Resp, &greeting(0xf7ff)).data(Orig, &login(0)).data(Resp, &packet(2, OK));
    b.data(Orig, &packet(0, &[&b"\x03"[..], &[b'x'; 3 * MAX_ARG_LEN]].concat())).data(Resp, &packet(1, OK));
    assert_eq!(b.out.weirds.first().map(|w| w.name), Some("mysql_arg_too_long"));
    for i in 0..200u8 {
        b.data(Orig, &packet(0, &[&b"\x16"[..], &[b'x'; 2000]].concat()));
        b.data(Resp, &packet(1, &[0, i, 0, 0, 0, 0, 0, 0, 0]));
    }
    assert!(b.held_len() < 2 * MAX_STATEMENTS * MAX_STATEMENT_LEN, "{}", b.held_len());
}

#[test]
fn recognises_by_greeting_and_login() {
    let flow = FlowInfo::default();
    let guess = |orig: &[u8], resp: &[u8], port_match| {
        (Parser::DESCRIPTOR.probe)(&Probe { transport: Transport::Tcp, orig, resp, port_match, flow: &flow })
    };
    let server = greeting(0xf7ff);
    assert_eq!(guess(b"", &server, false), Guess::Yes);
    assert_eq!(guess(b"", &server[..20], false), Guess::More);
    assert_eq!(guess(&login(0), b"", false), Guess::Yes);
    assert_eq!(guess(b"", &packet(0, &error()), false), Guess::No);
    assert_eq!(guess(b"", &packet(0, &error()), true), Guess::Yes);
    assert_eq!(guess(&packet(0, b"\x03select 1"), b"", true), Guess::Yes);
    assert_eq!(guess(&packet(0, b"\x03select 1"), b"", false), Guess::No);
    assert_eq!(guess(b"GET / HTTP/1.1\r\n", b"", true), Guess::No);
    assert_eq!(guess(b"", b"220 smtp\r\n", true), Guess::No);
}
