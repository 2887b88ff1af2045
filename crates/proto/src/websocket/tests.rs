use crate::testing::{Bench, Step, check_splits};
use crate::{Event, ProtoId};
use sekisho_types::Dir::{Orig, Resp};

/// The row that HTTP hands over, after the upgrade in `head`s of request and response.
fn upgraded() -> Event {
    let mut http = Bench::new(ProtoId::Http, crate::Transport::Tcp, 80);
    http.data(
        Orig,
        b"GET /chat HTTP/1.1\r\nHost: h.test\r\nUser-Agent: ua/1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, superchat\r\n\
          Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
    );
    http.data(
        Resp,
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n\x81\x02hi",
    );
    let hand = http.out.hand_over.take().unwrap();
    assert_eq!((hand.to, hand.unconsumed), (Some(ProtoId::Websocket), 4));
    assert!(http.out.weirds.is_empty());
    hand.begun.unwrap()
}

#[test]
fn parses_what_http_began() {
    let mut b = Bench::handed_over(ProtoId::Websocket, &upgraded());
    b.data(Resp, b"\x81\x02hi\x01\x01x")
        .data(Orig, b"\x82\x83mask\x01\x02\x03")
        .data(Resp, b"\x80\x01y\x88\x02\x03\xe9")
        .end();
    let rows = b.rows("websocket");
    for column in [
        "host=Str(\"h.test\")",
        "uri=Str(\"/chat\")",
        "user_agent=Str(\"ua/1\")",
        "subprotocol=Str(\"chat\")",
        "client_protocols=[Str(\"chat\"), Str(\"superchat\")]",
        "client_extensions=[Str(\"permessage-deflate; client_max_window_bits\")]",
        "orig_messages=Count(1)",
        "resp_messages=Count(2)",
        "orig_message_bytes=Count(3)",
        "resp_message_bytes=Count(4)",
        "close_code=Count(1001)",
    ] {
        assert!(rows[0].contains(column), "{} lacks {column}", rows[0]);
    }
    assert_eq!(b.out.confirmed, ["websocket"]);
}

#[test]
fn rejects_a_wrong_answer_to_the_key() {
    let request = "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: aaaa\r\n\r\n";
    let response = "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: bbbb\r\n\r\n";
    let steps = [Step::Data(Orig, request.as_bytes()), Step::Data(Resp, response.as_bytes())];
    assert_eq!(check_splits(ProtoId::Http, 80, &steps).weirds, ["websocket_wrong_accept_header"]);
}

#[test]
fn a_flow_without_a_row_gives_none() {
    let mut b = Bench::new(ProtoId::Websocket, crate::Transport::Tcp, 80);
    b.data(Orig, b"\x81\x02hi").end();
    assert!(b.rows("websocket").is_empty());
}

#[test]
fn parses_what_the_messages_carry() {
    let mut b = Bench::handed_over(ProtoId::Websocket, &upgraded());
    b.data(Orig, b"\x82\x0fGET /a HTTP/1.1").data(Orig, b"\x82\x84mask\x60\x6b\x7e\x61");
    b.data(Resp, b"\x82\x13HTTP/1.1 404 None\r\n\x82\x02\r\n").end();
    let rows = b.rows("http");
    assert!(rows[0].contains("uri=Str(\"/a\")") && rows[0].contains("status_code=Count(404)"), "{rows:?}");
    assert_eq!(b.out.confirmed, ["websocket", "http"]);
}

#[test]
fn takes_back_what_the_messages_violate() {
    let mut b = Bench::handed_over(ProtoId::Websocket, &upgraded());
    b.data(Orig, b"\x82\x13GET /a HTTP/1.1\r\n\r\n").data(Resp, b"\x82\x08no HTTP\n");
    // A status line might make up for it yet.
    assert!(b.out.retracted.is_empty());
    b.data(Resp, b"\x82\x08no HTTP\n");
    assert_eq!(b.out.retracted, ["http"]);
}

#[test]
fn compressed_messages_are_not_looked_into() {
    let mut b = Bench::handed_over(ProtoId::Websocket, &upgraded());
    b.data(Orig, b"\xc2\x13GET /a HTTP/1.1\r\n\r\n").data(Orig, b"\x82\x13GET /a HTTP/1.1\r\n\r\n").end();
    assert!(b.rows("http").is_empty());
    assert_eq!(b.out.confirmed, ["websocket"]);
}

#[test]
fn shows_frames_to_rules_and_eve() {
    use sekisho_transaction::Fact;
    // "aaaaaaaaaa" by raw deflate, without the end that is not sent.
    const PACKED: &[u8] = &[0xc1, 0x05, 0x4a, 0x4c, 0x84, 0x01, 0x00];
    let mut b = Bench::handed_over(ProtoId::Websocket, &upgraded());
    b.out.watched = Some(std::sync::Arc::default());
    b.data(Orig, b"\x01\x82\0\0\0\x01ab").data(Orig, b"\x89\x01p\x80\x01c").data(Resp, PACKED).end();
    let shown: Vec<&str> = b.exchanges().iter().map(|e| &*e.json).collect();
    assert_eq!(
        shown,
        [
            "{\"websocket\":{\"fin\":false,\"mask\":1,\"opcode\":\"text\"}}",
            "{\"websocket\":{\"fin\":true,\"opcode\":\"ping\"}}",
            "{\"websocket\":{\"fin\":true,\"opcode\":\"continuation\"}}",
            "{\"websocket\":{\"fin\":true,\"opcode\":\"text\"}}",
        ]
    );
    let payloads: Vec<_> = b.exchanges().iter().map(|e| e.fact(Fact::WebsocketPayload)[0].clone()).collect();
    assert_eq!(payloads, ["", "p", "abc", "aaaaaaaaaa"]);
}

#[test]
fn frames_are_header_and_data() {
    for cut in 1..9 {
        let mut b = Bench::handed_over(ProtoId::Websocket, &upgraded());
        b.out.watched = Some(crate::testing::all_facts());
        b.out.frames = sekisho_transaction::FrameSet::all();
        b.data_split(Orig, b"\x82\x83mask\x01\x02\x03\x89\0", cut);
        let lines = b.frames();
        let places: Vec<&str> = lines.iter().map(|line| line.split(" \"").next().unwrap()).collect();
        assert_eq!(
            places,
            [
                "to server websocket.header 0+6 tx=0",
                "to server websocket.pdu 0+9 tx=0",
                "to server websocket.data 6+3 tx=0",
                "to server websocket.header 9+2 tx=1",
                "to server websocket.pdu 9+2 tx=1",
                "to server websocket.data 11+0 tx=1",
            ],
            "{cut}"
        );
    }
}
