use super::*;
use crate::ProtoId;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use Dir::{Orig, Resp};
use sekisho_types::FlowInfo;

const OLD: &[u8] = b"AMQP\0\0\x09\x01";
const NEW: &[u8] = b"AMQP\0\x01\0\0";
const SASL: &[u8] = b"AMQP\x03\x01\0\0";
const TLS: &[u8] = b"AMQP\x02\x01\0\0";

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 0, 0][..], &u32::try_from(payload.len()).unwrap().to_be_bytes(), payload, &[0xce]].concat()
}

fn call(class: u16, number: u16, arguments: &[u8]) -> Vec<u8> {
    frame(1, &[&class.to_be_bytes()[..], &number.to_be_bytes(), arguments].concat())
}

fn table(fields: &[u8]) -> Vec<u8> {
    [&u32::try_from(fields.len()).unwrap().to_be_bytes()[..], fields].concat()
}

fn content(len: u64) -> Vec<u8> {
    [frame(2, &[b"\0\x3c\0\0", &len.to_be_bytes()[..], &[0, 0]].concat()), frame(3, &vec![b'm'; len as usize])].concat()
}

fn old_session() -> Vec<(Dir, Vec<u8>)> {
    let server = table(b"\x0ccapabilitiesF\0\0\0\0\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0\x043.12");
    let start = [b"\0\x09", &server[..], b"\0\0\0\x05PLAIN\0\0\0\x05en_US"].concat();
    let client = table(b"\x07productS\0\0\0\x04demo");
    let start_ok = [&client[..], b"\x05PLAIN\0\0\0\x07\0ada\0pw\x05en_US"].concat();
    vec![
        (Orig, OLD.to_vec()),
        (Resp, call(10, 10, &start)),
        (Orig, call(10, 11, &start_ok)),
        (Resp, call(10, 30, &[0; 8])),
        (Orig, [call(10, 31, &[0; 8]), call(10, 40, b"\x05/shop\0\0")].concat()),
        (Resp, call(10, 41, b"\0")),
        (Orig, call(40, 10, b"\0\0\x05sales\x06direct\0\0\0\0\0")),
        (Orig, call(50, 20, b"\0\0\x06orders\x05sales\0\0\0\0\0\0")),
        (Orig, [call(60, 40, b"\0\0\x05sales\x01k\0"), content(5000)].concat()),
        (Resp, [call(60, 60, b"\x01t\0\0\0\0\0\0\0\x01\0\x05sales\x01k"), content(7)].concat()),
        (Resp, call(20, 40, b"\x01\x94\x08no queue\0\x32\0\x0a")),
        (Orig, call(10, 50, b"\0\xc8\x03bye\0\0\0\0")),
    ]
}

fn new_frame(kind: u8, number: u8, fields: &[u8], payload: &[u8]) -> Vec<u8> {
    let list = [&[0xc0, u8::try_from(fields.len() + 1).unwrap(), 9][..], fields].concat();
    let body = [&[0, 0x53, number][..], &list, payload].concat();
    [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], &[2, kind, 0, 0], &body].concat()
}

fn new_session() -> Vec<(Dir, Vec<u8>)> {
    let target = b"\0\x53\x29\xc0\x09\x01\xa1\x06orders";
    let source = b"\0\x53\x28\xc0\x07\x01\xa1\x04news";
    vec![
        (Orig, SASL.to_vec()),
        (Resp, SASL.to_vec()),
        (Orig, new_frame(1, 0x41, b"\xa3\x05PLAIN\xa0\x07\0ada\0pw", b"")),
        (Resp, new_frame(1, 0x44, b"\x50\0", b"")),
        (Orig, [NEW, &new_frame(0, 0x10, b"\xa1\x02c1\xa1\x04host", b"")].concat()),
        (Resp, [NEW, &new_frame(0, 0x10, b"\xa1\x02s1", b"")].concat()),
        (Orig, new_frame(0, 0x12, &[b"\xa1\x01n\x43\x42\x40\x40\x40", &target[..]].concat(), b"")),
        (Orig, new_frame(0, 0x12, &[b"\xa1\x01m\x43\x41\x40\x40", &source[..], b"\x40"].concat(), b"")),
        (Orig, new_frame(0, 0x14, b"\x43\x43", b"content")),
        (Orig, b"\0\0\0\x08\x02\0\0\0".to_vec()),
        (Resp, new_frame(0, 0x18, b"\0\x53\x1d\xc0\x13\x02\xa3\x08amqp:bad\xa1\x06reason", b"")),
    ]
}

fn rows(session: &[(Dir, Vec<u8>)]) -> Vec<String> {
    let steps: Vec<Step<'_>> = session.iter().map(|(dir, bytes)| Step::Data(*dir, bytes)).collect();
    let outcome = check_splits(ProtoId::Amqp, 5672, &steps);
    check_truncations(ProtoId::Amqp, 5672, &steps);
    check_damage(ProtoId::Amqp, 5672, &steps, 200);
    outcome.rows
}

#[test]
fn parses_0_9_1() {
    let want = "amqp: version=Str(\"0-9-1\") server=Str(\"RabbitMQ 3.12\") client=Str(\"demo\") mechanism=Str(\"PLAIN\") \
                user=Str(\"ada\") login_success=Bool(true) vhost=Str(\"/shop\") exchanges=[Str(\"sales\")] \
                queues=[Str(\"orders\")] published=Count(1) published_len=Count(5000) delivered=Count(1) \
                delivered_len=Count(7) close_code=Count(404) close_text=Str(\"no queue\")";
    assert_eq!(rows(&old_session()), [want]);
}

#[test]
fn parses_1_0() {
    let rows = rows(&new_session());
    let want = "amqp: version=Str(\"1.0\") server=Str(\"s1\") client=Str(\"c1\") mechanism=Str(\"PLAIN\") \
                user=Str(\"ada\") login_success=Bool(true) vhost=Str(\"host\") exchanges=[Str(\"orders\")] \
                queues=[Str(\"news\")] published=Count(1) published_len=Count(15) delivered=Count(0) \
                delivered_len=Count(0) close_text=Str(\"amqp:bad: reason\")";
    assert_eq!(rows, [want]);
}

#[test]
fn half_conversations_give_what_they_can() {
    for (only, has) in [(Orig, "user=Str(\"ada\")"), (Resp, "server=Str(\"RabbitMQ 3.12\")")] {
        let mut b = Bench::new(ProtoId::Amqp, Transport::Tcp, 5672);
        old_session().iter().filter(|s| s.0 == only).for_each(|s| _ = b.data(only, &s.1));
        b.end();
        assert!(b.rows("amqp").len() == 1 && b.rows("amqp")[0].contains(has), "{:?}", b.rows("amqp"));
    }
}

#[test]
fn a_refused_login_is_no_success() {
    let mut b = Bench::new(ProtoId::Amqp, Transport::Tcp, 5672);
    for (dir, bytes) in &old_session()[..3] {
        b.data(*dir, bytes);
    }
    b.data(Resp, &call(10, 50, b"\x01\x93\x06denied\0\0\0\0")).end();
    assert!(b.rows("amqp")[0].contains("login_success=Bool(false)"));
}

#[test]
fn tls_is_handed_over() {
    let mut b = Bench::new(ProtoId::Amqp, Transport::Tcp, 5672);
    b.data(Orig, TLS).data(Resp, TLS);
    assert_eq!(b.out.hand_over.as_ref().map(|h| h.unconsumed), Some(0));
}

#[test]
fn rejects_broken_frames_and_versions() {
    for (bytes, why) in [(&b"AMQPxxxx"[..], "amqp_unknown_version"), (b"AMQP\0\0\x09\x01\x09", "amqp_broken_frame")] {
        let mut b = Bench::new(ProtoId::Amqp, Transport::Tcp, 5672);
        b.data(Orig, bytes);
        assert_eq!(b.out.rejected, Some(why));
    }
}

#[test]
fn limits_names() {
    let mut b = Bench::new(ProtoId::Amqp, Transport::Tcp, 5672);
    b.data(Orig, OLD);
    for i in 0..1000 {
        let name = format!("queue-{i:0>200}");
        b.data(Orig, &call(50, 10, &[b"\0\0", &[u8::try_from(name.len()).unwrap()][..], name.as_bytes()].concat()));
    }
    assert!(b.held_len() < MAX_NAMES * 2 * MAX_TEXT_LEN, "{}", b.held_len());
    assert!(b.out.weirds.iter().any(|w| w.name == "amqp_too_many_names"));
}

#[test]
fn recognises_by_header() {
    let flow = FlowInfo::default();
    let guess = |orig: &[u8], resp: &[u8], port_match| {
        (Parser::DESCRIPTOR.probe)(&Probe { transport: Transport::Tcp, orig, resp, port_match, flow: &flow })
    };
    assert_eq!(guess(OLD, b"", false), Guess::Yes);
    assert_eq!(guess(SASL, b"", false), Guess::Yes);
    assert_eq!(guess(b"AMQ", b"", false), Guess::More);
    assert_eq!(guess(b"AMQPxxxx", b"", false), Guess::No);
    assert_eq!(guess(b"", &call(10, 10, b"\0\x09"), true), Guess::Yes);
    assert_eq!(guess(b"", &call(10, 10, b"\0\x09"), false), Guess::No);
}
