use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{Guess, Probe, ProtoId};
use Dir::{Orig, Resp};
use sekisho_types::FlowInfo;

fn rows(steps: &[(Dir, &[u8])]) -> Vec<String> {
    let steps: Vec<Step<'_>> = steps.iter().map(|(dir, bytes)| Step::Data(*dir, bytes)).collect();
    let outcome = check_splits(ProtoId::Memcached, 11211, &steps);
    check_truncations(ProtoId::Memcached, 11211, &steps);
    check_damage(ProtoId::Memcached, 11211, &steps, 200);
    outcome.rows.iter().map(|r| r.split_once("encoding=").unwrap().1.to_owned()).collect()
}

#[test]
fn parses_text() {
    let got = rows(&[
        (Orig, b"set k 0 60 5\r\nVALUE\r\nadd k 0 0 1 noreply\r\nx\r\nget a k\r\n"),
        (Resp, b"STORED\r\nVALUE k 0 5\r\nEND\r\n\r\nEND\r\n"),
        (Orig, b"get b\r\nincr n 1\r\nmg k v\r\nstats\r\nquit\r\n"),
        (Resp, b"END\r\n42\r\nVA 3\r\nabc\r\nSTAT pid 1\r\nSTAT uptime 2\r\nEND\r\n"),
    ]);
    let want = [
        "Str(\"text\") command=Str(\"set\") key=Str(\"k\") key_count=Count(1) value_len=Count(5) status=Str(\"STORED\") success=Bool(true)",
        "Str(\"text\") command=Str(\"add\") key=Str(\"k\") key_count=Count(1) value_len=Count(1)",
        "Str(\"text\") command=Str(\"get\") key=Str(\"a\") key_count=Count(2) status=Str(\"END\") success=Bool(true) item_count=Count(1) item_len=Count(5)",
        "Str(\"text\") command=Str(\"get\") key=Str(\"b\") key_count=Count(1) status=Str(\"END\") success=Bool(false)",
        "Str(\"text\") command=Str(\"incr\") key=Str(\"n\") key_count=Count(1) status=Str(\"42\") success=Bool(true)",
        "Str(\"text\") command=Str(\"mg\") key=Str(\"k\") key_count=Count(1) status=Str(\"VA\") success=Bool(true) item_count=Count(1) item_len=Count(3)",
        "Str(\"text\") command=Str(\"stats\") status=Str(\"END\") success=Bool(true) item_count=Count(2) item_len=Count(23)",
        "Str(\"text\") command=Str(\"quit\")",
    ];
    assert_eq!(got, want);
}

fn message(magic: u8, op: u8, extras: usize, key: &[u8], value: &[u8], status: u16, opaque: u32) -> Vec<u8> {
    let body_len = u32::try_from(extras + key.len() + value.len()).unwrap().to_be_bytes();
    let key_len = u16::try_from(key.len()).unwrap().to_be_bytes();
    let head = [&[magic, op][..], &key_len, &[u8::try_from(extras).unwrap(), 0], &status.to_be_bytes(), &body_len];
    [&head.concat()[..], &opaque.to_be_bytes(), &[0; 8], &vec![0; extras], key, value].concat()
}

#[test]
fn parses_binary() {
    let login = message(0x80, 0x21, 0, b"PLAIN", b"\0ada\0pw", 0, 1);
    let got = rows(&[
        (Orig, &login),
        (Resp, &message(0x81, 0x21, 0, b"", b"Authenticated", 0, 1)),
        (Orig, &[message(0x80, 1, 8, b"k", b"value", 0, 2), message(0x80, 9, 0, b"miss", b"", 0, 3)].concat()),
        (Orig, &message(0x80, 0, 0, b"none", b"", 0, 4)),
        (Resp, &message(0x81, 1, 0, b"", b"", 0, 2)),
        (Resp, &message(0x81, 0, 0, b"", b"Not found", 1, 4)),
        (Orig, &message(0x80, 0x10, 0, b"", b"", 0, 5)),
        (Resp, &[message(0x81, 0x10, 0, b"pid", b"1", 0, 5), message(0x81, 0x10, 0, b"", b"", 0, 5)].concat()),
    ]);
    let want = [
        "Str(\"binary\") command=Str(\"sasl_auth\") key=Str(\"PLAIN\") key_count=Count(1) value_len=Count(7) status=Str(\"no error\") success=Bool(true) item_len=Count(13) user=Str(\"ada\")",
        "Str(\"binary\") command=Str(\"set\") key=Str(\"k\") key_count=Count(1) value_len=Count(5) status=Str(\"no error\") success=Bool(true)",
        "Str(\"binary\") command=Str(\"getq\") key=Str(\"miss\") key_count=Count(1)",
        "Str(\"binary\") command=Str(\"get\") key=Str(\"none\") key_count=Count(1) status=Str(\"key not found\") success=Bool(false)",
        "Str(\"binary\") command=Str(\"stat\") status=Str(\"no error\") success=Bool(true) item_count=Count(1) item_len=Count(4)",
    ];
    assert_eq!(got, want);
}

#[test]
fn reflected_statistics_show_without_the_request() {
    let mut b = Bench::new(ProtoId::Memcached, Transport::Udp, 11211);
    b.flow.seen.orig = false;
    b.data(Resp, b"\0\x01\0\0\0\x02\0\0STAT pid 1\r\nSTAT uptime 22\r\nEND\r\n")
        .data(Resp, b"\0\x01\0\x01\0\x02\0\0rest")
        .end();
    let rows = b.rows("memcached");
    assert!(
        rows.len() == 1 && rows[0].contains("status=Str(\"END\") success=Bool(true) item_count=Count(2)"),
        "{rows:?}"
    );
}

#[test]
fn rejects_what_is_neither() {
    let rejected = |dir, bytes: &[u8]| {
        let mut b = Bench::new(ProtoId::Memcached, Transport::Tcp, 11211);
        b.data(dir, bytes);
        b.out.rejected
    };
    assert_eq!(rejected(Orig, b"fetch k\r\n"), Some("memcached_unknown_command"));
    assert_eq!(rejected(Orig, b"set k 0 0 99999999999\r\n"), Some("memcached_value_too_long"));
    assert_eq!(rejected(Resp, b"HTTP/1.1 200\r\n"), Some("memcached_unknown_answer"));
    assert_eq!(
        rejected(Orig, &[0x80, 1, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        Some("memcached_broken_message")
    );
}

#[test]
fn limits_what_waits() {
    let mut b = Bench::new(ProtoId::Memcached, Transport::Tcp, 11211);
    let get = format!("get {}\r\n", "k".repeat(5000));
    for _ in 0..2 * MAX_PENDING {
        b.data(Orig, get.as_bytes());
    }
    assert!(b.held_len() < MAX_PENDING * 1024, "{}", b.held_len());
    assert!(b.out.weirds.iter().any(|w| w.name == "memcached_too_many_pending"));
}

#[test]
fn recognises_by_storage_or_by_command_with_answer() {
    let flow = FlowInfo::default();
    let guess = |orig: &[u8], resp: &[u8], port_match, transport| {
        (Parser::DESCRIPTOR.probe)(&Probe { transport, orig, resp, port_match, flow: &flow })
    };
    let tcp = |orig: &[u8], resp: &[u8], port_match| guess(orig, resp, port_match, Transport::Tcp);
    assert_eq!(tcp(b"set k 0 0 5\r\n", b"", false), Guess::Yes);
    assert_eq!(tcp(b"set k v\r\n", b"", false), Guess::No);
    assert_eq!(tcp(b"get k\r\n", b"", false), Guess::More);
    assert_eq!(tcp(b"get k\r\n", b"END\r\n", false), Guess::Yes);
    assert_eq!(tcp(b"get k\r\n", b"$-1\r\n", false), Guess::No);
    assert_eq!(tcp(b"version\r\n", b"", true), Guess::Yes);
    assert_eq!(tcp(b"", b"STAT pid 1\r\n", true), Guess::Yes);
    assert_eq!(tcp(&message(0x80, 0, 0, b"k", b"", 0, 1), b"", false), Guess::Yes);
    assert_eq!(tcp(b"\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", b"", false), Guess::No);
    assert_eq!(tcp(b"GET / HTTP/1.1\r\n", b"", true), Guess::No);
    let stats = b"\0\0\0\0\0\x01\0\0stats\r\n";
    assert_eq!(guess(stats, b"", true, Transport::Udp), Guess::Yes);
    assert_eq!(guess(stats, b"", false, Transport::Udp), Guess::No);
    assert_eq!(guess(b"\0\0\0\0\0\x01\0\x07stats\r\n", b"", true, Transport::Udp), Guess::No);
}
