use super::*;
use crate::PROTOCOLS;
use crate::testing::Bench;
use sekisho_types::FlowInfo;

fn data(block: u16, content: &[u8]) -> Vec<u8> {
    [&[0, 3][..], &block.to_be_bytes(), content].concat()
}

fn asked(request: &[u8]) -> (Bench, Expectation) {
    let mut b = Bench::new(ProtoId::Tftp, Transport::Udp, 69);
    b.data(Dir::Orig, request);
    let expectation = b.out.expectations[0].clone();
    (b, expectation)
}

#[test]
fn parses_a_file_in_its_own_flow() {
    let (mut request, expectation) = asked(b"\0\x01boot/kernel\0octet\0blksize\x001024\0tsize\x000\0");
    assert_eq!((expectation.host, expectation.port), (request.flow.tuple.orig, Some(40000)));
    let mut b = Bench::expected(&expectation);
    b.data(Dir::Orig, b"\0\x06blksize\x001024\0tsize\x001500\0").data(Dir::Resp, &[0, 4, 0, 0]);
    b.data(Dir::Orig, &data(1, &[b'a'; 1024])).data(Dir::Orig, &data(1, &[b'a'; 1024])).data(Dir::Resp, &[0, 4, 0, 1]);
    b.data(Dir::Orig, &data(2, &[b'b'; 476])).data(Dir::Orig, &data(3, b"late")).end();
    let file = &b.files.0[0];
    assert_eq!((file.content.len(), file.closed, file.meta.total_len), (1500, Some(true), Some(1500)));
    assert_eq!(file.meta.filename, Some("boot/kernel".into()));
    let row = &b.rows("tftp")[0];
    for part in [
        "operation=Enum(read) filename=Str(\"boot/kernel\") mode=Enum(octet) block_size=Count(1024) announced_size=Count(1500)",
        "size=Count(1500) complete=Bool(true)",
    ] {
        assert!(row.contains(part), "{part}: {row}");
    }
    request.end();
    assert!(request.rows("tftp").is_empty(), "told by the data's flow");
}

#[test]
fn parses_refusals_and_silence() {
    let (mut b, _) = asked(b"\0\x02up.bin\0NETASCII\0");
    b.data(Dir::Orig, b"\0\x02up.bin\0NETASCII\0").data(Dir::Resp, b"\0\x05\0\x02Access violation\0").end();
    assert_eq!(
        b.rows("tftp"),
        ["operation=Enum(write) filename=Str(\"up.bin\") mode=Enum(netascii) block_size=Count(512) size=Count(0) \
          complete=Bool(false) error_code=Count(2) error_message=Str(\"Access violation\")"]
    );
}

#[test]
fn parses_a_server_that_keeps_its_port() {
    let (mut b, _) = asked(b"\0\x01a\0octet\0");
    b.data(Dir::Resp, &data(1, &[1; 512])).data(Dir::Resp, &data(3, &[3; 100]));
    b.data(Dir::Orig, b"\0\x01b\0octet\0").data(Dir::Resp, &data(1, b"short")).end();
    let rows = b.rows("tftp");
    assert!(
        rows.len() == 2 && rows[1].contains("filename=Str(\"b\")") && rows[1].contains("size=Count(5)"),
        "{rows:?}"
    );
    assert_eq!((b.files.0[0].content.len(), b.files.0[0].missing), (612, 512));
    assert_eq!(b.files.0[1].content, b"short");
}

#[test]
fn recognised_by_requests_only() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Tftp).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess =
        |orig: &[u8]| probe(&Probe { transport: Transport::Udp, orig, resp: b"", port_match: true, flow: &flow });
    assert_eq!(guess(b"\0\x01name\0octet\0"), Guess::Yes);
    assert_eq!(guess(b"\0\x01name\0octets\0"), Guess::No);
    assert_eq!(guess(b"\0\x01\0\0\0octet\0"), Guess::No);
    assert_eq!(guess(&data(1, b"abc")), Guess::No);
}

#[test]
fn limits_rubbish_and_cuts() {
    let (mut b, expectation) = asked(b"\0\x01name\0octet\0");
    for _ in 0..MAX_BAD {
        b.data(Dir::Resp, b"\0\x09what");
    }
    assert_eq!(b.out.rejected, Some("tftp_malformed"));
    let whole = b"\0\x06blksize\x001024\0tsize\x001500\0";
    for cut in 0..whole.len() {
        Bench::expected(&expectation).data(Dir::Orig, &whole[..cut]).end();
    }
    // Numbers wrap in long files.
    let mut b = Bench::expected(&expectation);
    for n in 1..=70_000u32 {
        b.data(Dir::Orig, &data((n & 0xffff) as u16, &[7; 512]));
    }
    b.end();
    assert!(b.rows("tftp")[0].contains("size=Count(35840000)"), "{:?}", b.rows("tftp"));
}

#[test]
fn rules_and_eve_see_requests() {
    let mut b = Bench::watched(ProtoId::Tftp, Transport::Udp, 69);
    b.data(Dir::Orig, b"\0\x02dir/\"a\".cfg\0netascii\0").end();
    let [write] = b.exchanges() else { panic!("{:?}", b.exchanges()) };
    assert_eq!(write.json, r#"{"tftp":{"packet":"write","file":"dir/\"a\".cfg","mode":"netascii"}}"#);
    assert!(write.over && write.reached(Dir::Orig, 0));
    let mut b = Bench::watched(ProtoId::Tftp, Transport::Udp, 69);
    b.data(Dir::Orig, b"\0\x01boot").end();
    assert!(b.exchanges().is_empty(), "no request without its ends");
}
