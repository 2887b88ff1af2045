use super::message::{Properties, subscribe};
use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{Guess, Probe, ProtoId, Transport};
use Dir::{Orig, Resp};
use sekisho_types::FlowInfo;

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut len = body.len();
    let mut head = vec![first];
    loop {
        let more = len > 127;
        head.push(u8::try_from(len & 127).unwrap() | if more { 128 } else { 0 });
        len >>= 7;
        if !more {
            return [&head[..], body].concat();
        }
    }
}

fn connect() -> Vec<u8> {
    packet(0x10, b"\0\x04MQTT\x04\xc6\0\x3c\0\x02c1\0\x03w/t\0\x04gone\0\x03ada\0\x02pw")
}

fn outcome(steps: &[(Dir, Vec<u8>)]) -> Vec<String> {
    let steps: Vec<Step<'_>> = steps.iter().map(|(dir, bytes)| Step::Data(*dir, bytes)).collect();
    let outcome = check_splits(ProtoId::Mqtt, 1883, &steps);
    check_truncations(ProtoId::Mqtt, 1883, &steps);
    check_damage(ProtoId::Mqtt, 1883, &steps, 200);
    outcome.rows
}

#[test]
fn parses_a_session_of_3_1_1() {
    let got = outcome(&[
        (Orig, connect()),
        (Resp, packet(0x20, b"\0\0")),
        (Orig, packet(0x82, b"\0\x01\0\x01a\x01\0\x01#\x02")),
        (Resp, packet(0x90, b"\0\x01\x01\x80")),
        (Orig, packet(0x3b, b"\0\x01t\0\x05")),
        (Orig, packet(0x34, &[&b"\0\x02t2\0\x06"[..], &[b'p'; 300]].concat())),
        (Resp, packet(0x40, b"\0\x05")),
        (Resp, packet(0x30, b"\0\x01thello")),
        (Resp, packet(0x50, b"\0\x06")),
        (Orig, packet(0x62, b"\0\x06")),
        (Resp, packet(0x70, b"\0\x06")),
        (Orig, packet(0x32, b"\0\x01t\0\x07lost")),
        (Orig, packet(0xa2, b"\0\x08\0\x01a")),
        (Resp, packet(0xb0, b"\0\x08")),
        (Orig, packet(0xc0, b"")),
    ]);
    let publish = |values: &str| {
        let names = ["from_client", "retain", "qos", "status", "topic", "payload", "payload_len"];
        let columns: Vec<String> = names.iter().zip(values.split('|')).map(|(n, v)| format!("{n}={v}")).collect();
        format!("mqtt_publish: {} client_id=Str(\"c1\")", columns.join(" "))
    };
    let p = "p".repeat(100);
    let want = [
        "mqtt_connect: proto_name=Str(\"MQTT\") proto_version=Str(\"3.1.1\") client_id=Str(\"c1\") \
         connect_status=Str(\"Connection Accepted\") will_topic=Str(\"w/t\") will_payload=Str(\"gone\") \
         user=Str(\"ada\") password_seen=Bool(true) keep_alive=Count(60) clean_session=Bool(true)"
            .to_owned(),
        "mqtt_subscribe: action=Enum(MQTT::SUBSCRIBE) topics=[Str(\"a\"), Str(\"#\")] \
         qos_levels=[Count(1), Count(2)] granted_qos_level=Count(1) ack=Bool(true) client_id=Str(\"c1\")"
            .to_owned(),
        publish("Bool(true)|Bool(true)|Str(\"exactly once\")|Str(\"ok\")|Str(\"t\")|Str(\"\")|Count(0) dup=Bool(true)")
            .replace("exactly", "at least"),
        publish("Bool(false)|Bool(false)|Str(\"at most once\")|Str(\"ok\")|Str(\"t\")|Str(\"hello\")|Count(5)"),
        publish(&format!(
            "Bool(true)|Bool(false)|Str(\"exactly once\")|Str(\"ok\")|Str(\"t2\")|Str(\"{p}\")|Count(300)"
        )),
        "mqtt_subscribe: action=Enum(MQTT::UNSUBSCRIBE) topics=[Str(\"a\")] ack=Bool(true) client_id=Str(\"c1\")"
            .to_owned(),
        publish(
            "Bool(true)|Bool(false)|Str(\"at least once\")|Str(\"incomplete_qos\")|Str(\"t\")|Str(\"lost\")|Count(4)",
        ),
    ];
    assert_eq!(got, want);
}

#[test]
fn parses_properties_of_5() {
    let got = outcome(&[
        // A method of authentication and a pair of the user's own.
        (Orig, packet(0x10, b"\0\x04MQTT\x05\x02\0\x05\x0d\x15\0\x02m1\x26\0\x01k\0\x02vv\0\0")),
        (Resp, packet(0x20, b"\0\0\x08\x12\0\x05srv-1")),
        // A topic with an alias, then the alias alone.
        (Orig, packet(0x30, b"\0\x03a/b\x03\x23\0\x01one")),
        (Orig, packet(0x30, b"\0\0\x03\x23\0\x01two")),
        (Orig, packet(0x32, b"\0\x01q\0\x09\0x")),
        (Resp, packet(0x40, b"\0\x09\x87\0")),
        (Orig, packet(0x82, b"\0\x01\0\0\x01s\x29")),
        (Resp, packet(0x90, b"\0\x01\0\x01")),
    ]);
    assert!(got[0].contains("client_id=Str(\"\") connect_status=Str(\"Connection Accepted\")"), "{got:?}");
    assert!(got[0].contains("assigned_client_id=Str(\"srv-1\") auth_method=Str(\"m1\")"), "{got:?}");
    assert!(got[2].contains("topic=Str(\"a/b\") payload=Str(\"two\")"), "{got:?}");
    assert!(got[3].contains("status=Str(\"ok\")") && got[3].contains("reason_code=Count(135)"), "{got:?}");
    assert!(got[4].contains("qos_levels=[Count(1)] granted_qos_level=Count(1)"), "{got:?}");
}

#[test]
fn rejects_what_is_no_packet() {
    let mut b = Bench::new(ProtoId::Mqtt, Transport::Tcp, 1883);
    b.data(Orig, b"\x10\x08\0\x04HTTP\x01\0");
    assert_eq!(b.out.rejected, Some("protocol name"));
    let mut b = Bench::new(ProtoId::Mqtt, Transport::Tcp, 1883);
    b.data(Orig, b"\x30\xff\xff\xff\xff\x01");
    assert_eq!(b.out.rejected, Some("mqtt_broken_length"));
    assert!(subscribe(b"\0\x01", 4, true, 5).is_err());
    assert_eq!(Properties::default().topic_alias, None);
}

#[test]
fn half_conversations_give_what_they_can() {
    let mut b = Bench::new(ProtoId::Mqtt, Transport::Tcp, 1883);
    b.data(Orig, &connect()).data(Orig, &packet(0x82, b"\0\x01\0\x01a\0")).end();
    assert_eq!((b.rows("mqtt_connect").len(), b.rows("mqtt_subscribe").len()), (1, 1));
    let mut b = Bench::new(ProtoId::Mqtt, Transport::Tcp, 1883);
    b.data(Resp, &packet(0x20, b"\0\x05")).end();
    assert_eq!(b.rows("mqtt_connect"), ["connect_status=Str(\"Refused: not authorized\")"]);
}

#[test]
fn limits_what_is_in_flight() {
    let mut b = Bench::new(ProtoId::Mqtt, Transport::Tcp, 1883);
    b.data(Orig, &connect());
    for id in 0..1000u16 {
        let body = [&[0x0f, 0][..], &[b't'; 0x0f00], &id.to_be_bytes(), &[b'x'; 500]].concat();
        b.data(Orig, &packet(0x32, &body)).data(Orig, &packet(0x82, &[&id.to_be_bytes()[..], b"\0\x01a\0"].concat()));
        b.data(Orig, &packet(0x30, &[&b"\0\x01t\x03\x23"[..], &id.to_be_bytes()].concat()));
    }
    assert!(b.held_len() < 200 << 10, "{}", b.held_len());
    let names: Vec<&str> = b.out.weirds.iter().map(|w| w.name).collect();
    assert!(names.contains(&"mqtt_too_many_in_flight"), "{names:?}");
}

#[test]
fn recognises_by_connect() {
    let flow = FlowInfo::default();
    let guess = |orig: &[u8], resp: &[u8], port_match| {
        (Parser::DESCRIPTOR.probe)(&Probe { transport: Transport::Tcp, orig, resp, port_match, flow: &flow })
    };
    assert_eq!(guess(&connect(), b"", false), Guess::Yes);
    assert_eq!(guess(&connect()[..5], b"", false), Guess::More);
    assert_eq!(guess(b"\x10\x10\0\x04HTTP", b"", false), Guess::No);
    assert_eq!(guess(b"\x30\x05\0\x01txy", b"", true), Guess::Yes);
    assert_eq!(guess(b"\x30\x05\0\x01txy", b"", false), Guess::No);
    assert_eq!(guess(b"", b"\x20\x02\0\0", true), Guess::Yes);
}

#[test]
fn shows_exchanges_to_rules_and_eve() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Mqtt, Transport::Tcp, 1883);
    let login = packet(0x10, b"\0\x04MQTT\x05\xc2\0\x3c\x03\x21\0\x14\0\x01c\0\x01u\0\x02pw");
    b.data(Orig, &login).data(Resp, &packet(0x20, b"\0\0\x03\x22\0\x0a"));
    b.data(Orig, &packet(0x34, b"\0\x01t\0\x07\0hi")).data(Resp, &packet(0x50, b"\0\x07"));
    b.data(Orig, &packet(0x62, b"\0\x07")).data(Resp, &packet(0x70, b"\0\x07\x10"));
    b.data(Orig, &packet(0x82, b"\0\x08\0\0\x01a\x01")).data(Resp, &packet(0x40, b"\0\x63")).end();
    let [login, message, unasked, subscription] = [0, 1, 2, 3].map(|at| b.exchanges()[at].clone());
    assert_eq!(
        login.json,
        "{\"mqtt\":{\"connect\":{\"qos\":0,\"retain\":false,\"dup\":false,\"protocol_string\":\"MQTT\",\
         \"protocol_version\":5,\"client_id\":\"c\",\"flags\":{\"username\":true,\"password\":true,\"will_retain\":false,\
         \"will\":false,\"clean_session\":true},\"username\":\"u\",\"password\":\"pw\",\
         \"properties\":{\"receive_maximum\":20}},\"connack\":{\"qos\":0,\"retain\":false,\"dup\":false,\
         \"session_present\":false,\"return_code\":0,\"properties\":{\"topic_alias_maximum\":10}}}}"
    );
    assert_eq!(login.fact(Fact::MqttConnectPassword), ["pw"]);
    assert_eq!(message.fact(Fact::MqttType), ["3", "5", "6", "7"]);
    assert_eq!(message.fact(Fact::MqttReasonCode), ["0", "0", "16"]);
    assert_eq!(message.fact(Fact::MqttPublishMessage), ["hi"]);
    assert!(message.over && message.events.is_empty());
    assert_eq!((unasked.events, subscription.over), (vec!["missing_publish"], true));
}

#[test]
fn broken_properties_end_the_exchanges() {
    let mut b = Bench::watched(ProtoId::Mqtt, Transport::Tcp, 1883);
    b.data(Orig, &packet(0x10, b"\0\x04MQTT\x05\x02\0\x3c\x7f\x21\0\x14\0\x01c")).data(Orig, &packet(0xc0, b"")).end();
    assert_eq!(b.exchanges().len(), 1);
    assert_eq!((&b.exchanges()[0].events, &*b.exchanges()[0].json), (&vec!["malformed_traffic"], "{\"mqtt\":{}}"));
}
