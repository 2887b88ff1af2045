use super::message::{response_error, user};
use super::*;
use crate::ProtoId;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use Dir::{Orig, Resp};
use sekisho_types::FlowInfo;

fn framed(content: &[u8]) -> Vec<u8> {
    [&u32::try_from(content.len()).unwrap().to_be_bytes()[..], content].concat()
}

fn request(key: u16, version: u16, id: u32, body: &[u8]) -> Vec<u8> {
    let head = [&key.to_be_bytes()[..], &version.to_be_bytes(), &id.to_be_bytes(), b"\0\x04demo"].concat();
    framed(&[&head[..], body].concat())
}

fn response(id: u32, body: &[u8]) -> Vec<u8> {
    framed(&[&id.to_be_bytes()[..], body].concat())
}

fn session() -> Vec<(Dir, Vec<u8>)> {
    let old_topics = b"\0\0\0\x02\0\x01a\0\0\0\x01\0\0\0\0\0\0\0\x03xyz\0\x01b\0\0\0\0";
    let fetch = [&[0xff; 4][..], &[0; 13], b"\0\0\0\0\0\0\0\0", b"\x03\x02a\x02"].concat();
    // Partition: number, epochs, offsets, size; no tags. Then a second topic without partitions.
    let fetch = [&fetch[..], &[0; 32], b"\0\0\x02c\x01\0"].concat();
    vec![
        (Orig, request(18, 3, 1, b"\0\x05java\x043.0\0")),
        (Resp, response(1, b"\0\x23\x01")),
        (Orig, request(17, 1, 2, b"\0\x05PLAIN")),
        (Resp, response(2, b"\0\0\0\0\0\x01\0\x05PLAIN")),
        (Orig, request(36, 2, 3, b"\0\x08\0ada\0pw\0")),
        (Resp, response(3, b"\0\0\0\x01\x01\0\0\0\0\0\0\0\0\0")),
        (Orig, request(3, 9, 4, b"\0\x03\x02a\0\x03bc\0\0\0\0\0")),
        (Orig, request(0, 2, 5, &[b"\0\x01\0\0\x03\xe8", &old_topics[..]].concat())),
        (Resp, [response(5, b"\0\0\0\x01\0\x01a\0\0\0\x01\0\0\0\0\0\x03"), response(4, b"\0\0\0\0\0")].concat()),
        (Orig, request(0, 2, 6, &[b"\0\0\0\0\x03\xe8", &old_topics[..]].concat())),
        (Orig, request(1, 12, 7, &[b"\0", &fetch[..]].concat())),
        (Orig, request(12, 0, 8, b"\0\x02g1\0\0\0\x01\0\x01m")),
        (Resp, response(8, b"\0\x1b")),
    ]
}

#[test]
fn logs_a_session_however_it_is_split() {
    let session = session();
    let steps: Vec<Step<'_>> = session.iter().map(|(dir, bytes)| Step::Data(*dir, bytes)).collect();
    let rows = check_splits(ProtoId::Kafka, 9092, &steps).rows;
    let short = |row: &String| {
        row.split(" request_len").next().unwrap().replace("kafka: api=", "").replace(" client_id=Str(\"demo\")", "")
    };
    let want = [
        "Str(\"ApiVersions\") version=Count(3) correlation_id=Count(1) error=Str(\"UNSUPPORTED_VERSION\")",
        "Str(\"SaslHandshake\") version=Count(1) correlation_id=Count(2) mechanism=Str(\"PLAIN\")",
        "Str(\"SaslAuthenticate\") version=Count(2) correlation_id=Count(3) mechanism=Str(\"PLAIN\") user=Str(\"ada\")",
        "Str(\"Produce\") version=Count(2) correlation_id=Count(5) topics=[Str(\"a\"), Str(\"b\")] error=Str(\"UNKNOWN_TOPIC_OR_PARTITION\") user=Str(\"ada\")",
        "Str(\"Metadata\") version=Count(9) correlation_id=Count(4) topics=[Str(\"a\"), Str(\"bc\")] user=Str(\"ada\")",
        "Str(\"Produce\") version=Count(2) correlation_id=Count(6) topics=[Str(\"a\"), Str(\"b\")] user=Str(\"ada\")",
        "Str(\"Heartbeat\") version=Count(0) correlation_id=Count(8) group=Str(\"g1\") error=Str(\"REBALANCE_IN_PROGRESS\") user=Str(\"ada\")",
        "Str(\"Fetch\") version=Count(12) correlation_id=Count(7) topics=[Str(\"a\"), Str(\"c\")] user=Str(\"ada\")",
    ];
    assert_eq!(rows.iter().map(short).collect::<Vec<_>>(), want);
    check_truncations(ProtoId::Kafka, 9092, &steps);
    check_damage(ProtoId::Kafka, 9092, &steps, 300);
}

#[test]
fn parses_users_and_errors() {
    assert_eq!(user(b"\0ada\0pw"), Some(&b"ada"[..]));
    assert_eq!(user(b"n,,n=ada,r=x"), Some(&b"ada"[..]));
    assert_eq!(user(b"nothing"), None);
    assert_eq!(response_error(key::JOIN_GROUP, 5, b"\0\0\0\x01\0\0\0\0\0\x4f"), Some(79));
    assert_eq!(response_error(key::METADATA, 5, b"\0\0\0\x01\0\0\0\0\0\x4f"), None);
    assert_eq!(api::error(-1), "UNKNOWN_SERVER_ERROR".into());
    assert_eq!(api::error(1234), "1234".into());
}

#[test]
fn rejects_unknown_requests_and_lengths() {
    for (bytes, why) in [(&b"\x7f\0\0\0"[..], "kafka_broken_length"), (&framed(&[0xff; 12]), "kafka_unknown_api")] {
        let mut b = Bench::new(ProtoId::Kafka, Transport::Tcp, 9092);
        b.data(Orig, bytes);
        assert_eq!(b.out.rejected, Some(why));
    }
}

#[test]
fn limits_what_waits() {
    let mut b = Bench::new(ProtoId::Kafka, Transport::Tcp, 9092);
    let topics: Vec<u8> = (0..1000u16).flat_map(|_| *b"\0\x03abc").collect();
    for id in 0..1000 {
        b.data(Orig, &request(3, 1, id, &[&1000u32.to_be_bytes()[..], &topics].concat()));
    }
    assert!(b.held_len() < MAX_PENDING * 2048, "{}", b.held_len());
    assert!(b.rows("kafka")[0].matches("abc").count() == MAX_TOPICS);
    assert!(b.out.weirds.iter().any(|w| w.name == "kafka_too_many_pending"));
}

#[test]
fn recognises_by_request() {
    let flow = FlowInfo::default();
    let guess = |orig: &[u8], resp: &[u8], port_match| {
        (Parser::DESCRIPTOR.probe)(&Probe { transport: Transport::Tcp, orig, resp, port_match, flow: &flow })
    };
    let versions = request(18, 3, 1, b"\0\x05java\x043.0\0");
    assert_eq!(guess(&versions, b"", false), Guess::Yes);
    assert_eq!(guess(&versions[..12], b"", false), Guess::More);
    assert_eq!(guess(b"\0\0\0\x2d\0\x03\0\0user\0user\0database\0plant_service_db\0\0", b"", false), Guess::No);
    assert_eq!(guess(b"\0\0\0\x85\xffSMBr\0\0\0\0", b"", false), Guess::No);
    assert_eq!(guess(b"", b"\0\0\0\x10", true), Guess::No);
    assert_eq!(guess(b"GET / HTTP/1.1\r\n", b"", true), Guess::No);
}
