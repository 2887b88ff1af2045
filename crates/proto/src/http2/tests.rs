//! Whole connections from frames made here.

use super::frame::{flag, kind};
use super::{MAX_CONTINUATIONS, PREFACE};
use crate::testing::{Bench, Outcome, Step, check_damage, check_splits, check_truncations};
use crate::web::{MAX_STREAMS, MAX_UNANSWERED_RESETS};
use crate::{ProtoId, Transport};
use sekisho_types::Dir::{Orig, Resp};

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes()[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A block of literals that stay out of the table.
fn literals(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |s: &str| [&[s.len() as u8][..], s.as_bytes()].concat();
    fields.iter().flat_map(|(n, v)| [vec![0], text(n), text(v)].concat()).collect()
}

fn headers(stream: u32, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(kind::HEADERS, flags | flag::END_HEADERS, stream, &literals(fields))
}

const SETTINGS: u8 = 4;

fn request(stream: u32, flags: u8, path: &str) -> Vec<u8> {
    headers(
        stream,
        flags,
        &[(":method", "GET"), (":scheme", "http"), (":authority", "h.test"), (":path", path), ("user-agent", "ua/1")],
    )
}

fn check(client: &[u8], server: &[u8]) -> Outcome {
    let steps = [Step::Data(Orig, client), Step::Data(Resp, server)];
    check_truncations(ProtoId::Http2, 80, &steps);
    check_splits(ProtoId::Http2, 80, &steps)
}

fn has(row: &str, want: &[&str]) {
    for column in want {
        assert!(row.contains(column), "{row} lacks {column}");
    }
}

#[test]
fn parses_streams_that_interleave() {
    let client = [
        PREFACE.to_vec(),
        frame(SETTINGS, 0, 0, &[]),
        request(1, flag::END_STREAM, "/a%20b?x"),
        headers(3, 0, &[(":method", "POST"), (":path", "/form"), ("host", "other"), ("content-type", "text/plain")]),
        frame(kind::DATA, flag::PADDED | flag::END_STREAM, 3, b"\x03sent___"),
    ]
    .concat();
    let server = [
        frame(SETTINGS, 0, 0, &[0, 1, 0, 0, 16, 0]),
        headers(3, 0, &[(":status", "103"), ("link", "x")]),
        headers(3, 0, &[(":status", "404"), ("content-length", "4")]),
        headers(1, 0, &[(":status", "200"), ("content-type", "text/html")]),
        frame(kind::DATA, 0, 1, b"first "),
        frame(kind::DATA, flag::END_STREAM, 3, b"gone"),
        frame(kind::DATA, flag::END_STREAM, 1, b"second"),
    ]
    .concat();
    let o = check(&client, &server);
    assert_eq!(o.rows.len(), 2);
    has(&o.rows[0], &["trans_depth=Count(2)", "method=Str(\"POST\")", "host=Str(\"other\")", "status_code=Count(404)"]);
    has(&o.rows[0], &["info_code=Count(103)", "request_body_len=Count(4)", "stream_id=Count(3)", "version=Str(\"2\")"]);
    has(
        &o.rows[1],
        &["trans_depth=Count(1)", "uri=Str(\"/a b?x\")", "host=Str(\"h.test\")", "user_agent=Str(\"ua/1\")"],
    );
    has(&o.rows[1], &["response_body_len=Count(12)", "status_code=Count(200)", "resp_fuids"]);
    assert!(
        o.files.iter().any(|f| f.ends_with("\"first second\"") && f.contains("closed=Some(true)")),
        "{:?}",
        o.files
    );
    assert!(o.files.iter().any(|f| f.contains("total=Some(4)") && f.ends_with("\"gone\"")), "{:?}", o.files);
    assert!(o.weirds.is_empty());
}

#[test]
fn parses_ranges() {
    let part = [(":status", "206"), ("etag", "e"), ("content-range", "bytes 2-4/10"), ("content-length", "3")];
    // A range of something else than a part is none.
    let whole = [(":status", "200"), ("content-range", "bytes 2-4/10"), ("content-length", "3")];
    let client = [PREFACE.to_vec(), request(1, flag::END_STREAM, "/f"), request(3, flag::END_STREAM, "/g")].concat();
    let server = [
        headers(1, 0, &part),
        headers(3, 0, &whole),
        frame(kind::DATA, flag::END_STREAM, 1, b"cde"),
        frame(kind::DATA, flag::END_STREAM, 3, b"all"),
    ]
    .concat();
    let o = check(&client, &server);
    let range = "total=Some(10) range=Some(Range { start: 2, total: Some(10), key: \"h.test /f e\" })";
    assert!(o.files[0].contains(range) && o.files[0].ends_with("\"cde\""), "{:?}", o.files);
    assert!(o.files[1].contains("total=Some(3) range=None"), "{:?}", o.files);
}

#[test]
fn parses_grpc_and_pushes() {
    let client = [
        PREFACE.to_vec(),
        headers(1, 0, &[(":method", "POST"), (":path", "/pkg.Service/Call"), ("content-type", "application/grpc")]),
        frame(kind::DATA, flag::END_STREAM, 1, &[0, 0, 0, 0, 2, 8, 1]),
    ]
    .concat();
    let promise = [&2u32.to_be_bytes()[..], &literals(&[(":method", "GET"), (":path", "/pushed.css")])].concat();
    let server = [
        headers(1, 0, &[(":status", "200"), ("content-type", "application/grpc")]),
        frame(kind::PUSH_PROMISE, flag::END_HEADERS, 1, &promise),
        frame(kind::DATA, 0, 1, &[0, 0, 0, 0, 1, 9]),
        headers(1, flag::END_STREAM, &[("grpc-status", "5"), ("grpc-message", "not there")]),
        headers(2, flag::END_STREAM, &[(":status", "200")]),
    ]
    .concat();
    let o = check(&client, &server);
    has(&o.rows[0], &["uri=Str(\"/pkg.Service/Call\")", "grpc_status=Count(5)", "grpc_message=Str(\"not there\")"]);
    has(&o.rows[1], &["uri=Str(\"/pushed.css\")", "stream_id=Count(2)", "status_code=Count(200)"]);
}

#[test]
fn parses_blocks_in_pieces() {
    let block = literals(&[(":method", "GET"), (":path", "/pieces")]);
    let (one, two) = block.split_at(7);
    let first = [&[2, 0, 0, 0, 0, 9][..], one, &[0, 0]].concat();
    let client = [
        PREFACE.to_vec(),
        frame(kind::HEADERS, flag::PADDED | flag::PRIORITY | flag::END_STREAM, 1, &first),
        frame(kind::CONTINUATION, flag::END_HEADERS, 1, two),
    ]
    .concat();
    has(&check(&client, &headers(1, flag::END_STREAM, &[(":status", "204")])).rows[0], &["uri=Str(\"/pieces\")"]);
}

#[test]
fn parses_an_upgrade_from_http_1() {
    let mut http = Bench::new(ProtoId::Http, Transport::Tcp, 80);
    http.data(Orig, b"GET /up HTTP/1.1\r\nHost: h.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n");
    http.data(
        Resp,
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    );
    let hand = http.out.hand_over.take().unwrap();
    assert_eq!((hand.to, hand.unconsumed), (Some(ProtoId::Http2), 9));
    let mut b = Bench::handed_over(ProtoId::Http2, &hand.begun.unwrap());
    b.data(Resp, &[headers(1, 0, &[(":status", "200")]), frame(kind::DATA, flag::END_STREAM, 1, b"ok")].concat());
    b.data(Orig, &[PREFACE, &request(3, flag::END_STREAM, "/next")].concat()).end();
    let rows = b.rows("http");
    has(&rows[0], &["trans_depth=Count(1)", "uri=Str(\"/up\")", "host=Str(\"h.test\")", "stream_id=Count(1)"]);
    has(&rows[0], &["status_code=Count(200)", "response_body_len=Count(2)", "version=Str(\"2\")"]);
    assert!(!rows[0].contains("info_code"));
    has(&rows[1], &["trans_depth=Count(2)", "uri=Str(\"/next\")"]);
}

#[test]
fn parses_tunnels_and_holes() {
    let mut b = Bench::new(ProtoId::Http2, Transport::Tcp, 80);
    b.data(
        Orig,
        &[PREFACE, &headers(1, 0, &[(":method", "CONNECT"), (":authority", "h:443")]), &frame(0, 0, 1, b"tls")]
            .concat(),
    );
    b.data(Resp, &headers(1, 0, &[(":status", "200")]));
    let data = frame(kind::DATA, flag::END_STREAM, 3, b"0123456789");
    b.data(Orig, &request(3, flag::END_STREAM, "/hole"));
    b.data(Resp, &[headers(3, 0, &[(":status", "200")]), data[..11].to_vec()].concat());
    b.gap(Resp, 4).data(Resp, &data[15..]);
    b.gap(Orig, 3).data(Orig, &request(5, flag::END_STREAM, "/lost")).end();
    let rows = b.rows("http");
    assert_eq!(rows.len(), 2);
    has(&rows[0], &["uri=Str(\"/hole\")", "response_body_len=Count(10)"]);
    has(&rows[1], &["method=Str(\"CONNECT\")", "uri=Str(\"h:443\")", "request_body_len=Count(3)"]);
    assert_eq!((b.files.0.len(), b.files.0[0].missing), (1, 4));
}

#[test]
fn rejects_another_preface() {
    let mut b = Bench::new(ProtoId::Http2, Transport::Tcp, 80);
    b.data(Orig, b"PRI * HTTP/2.1");
    assert_eq!(b.out.rejected, Some("http2_bad_preface"));
}

#[test]
fn limits_streams_resets_and_continuations() {
    let mut b = Bench::new(ProtoId::Http2, Transport::Tcp, 80);
    b.data(Orig, PREFACE);
    for i in 0..MAX_STREAMS as u32 + 10 {
        b.data(Orig, &request(2 * i + 1, flag::END_STREAM, "/many"));
    }
    assert_eq!(b.rows("http").len(), 10);
    assert_eq!(b.out.weirds[0].name, "HTTP2_too_many_streams");
    assert!(b.held_len() < 2 << 20);
    let mut b = Bench::new(ProtoId::Http2, Transport::Tcp, 80);
    b.data(Orig, PREFACE);
    for i in 0..MAX_UNANSWERED_RESETS {
        b.data(
            Orig,
            &[request(2 * i + 1, flag::END_STREAM, "/"), frame(kind::RST_STREAM, 0, 2 * i + 1, &[0, 0, 0, 8])].concat(),
        );
    }
    assert_eq!(b.out.weirds[0].name, "HTTP2_rapid_reset");
    assert_eq!(b.rows("http").len(), MAX_UNANSWERED_RESETS as usize);
    let mut b = Bench::new(ProtoId::Http2, Transport::Tcp, 80);
    b.data(Orig, &[PREFACE, &frame(kind::HEADERS, 0, 1, b"")].concat());
    for _ in 0..=MAX_CONTINUATIONS {
        b.data(Orig, &frame(kind::CONTINUATION, 0, 1, b""));
    }
    assert_eq!(b.out.weirds[0].name, "HTTP2_header_block_over_limit");
    b.data(Orig, &request(3, flag::END_STREAM, "/")).end();
    assert!(b.rows("http").is_empty());
}

#[test]
fn damage_parses_the_same_in_any_split() {
    let client =
        [PREFACE, &request(1, flag::END_STREAM, "/"), &request(3, 0, "/b"), &frame(0, 1, 3, b"content")].concat();
    let server = [headers(1, 0, &[(":status", "200")]), frame(0, 1, 1, b"x"), frame(SETTINGS, 0, 0, &[0; 6])].concat();
    check_damage(ProtoId::Http2, 80, &[Step::Data(Orig, &client), Step::Data(Resp, &server)], 400);
}

#[test]
fn shows_streams_to_rules_and_eve() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Http2, Transport::Tcp, 80);
    let window = frame(kind::WINDOW_UPDATE, 0, 1, &[0, 0, 1, 0]);
    let settings = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]);
    b.data(Orig, &[PREFACE, &settings, &request(1, flag::END_STREAM, "/a"), &window].concat());
    let answer = [headers(1, 0, &[(":status", "200")]), frame(kind::DATA, flag::END_STREAM, 1, b"hi")].concat();
    b.data(Resp, &answer).data(Resp, &frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 2])).end();
    let [settings, stream, goaway] = [0, 1, 2].map(|at| b.exchanges()[at].clone());
    assert!(settings.json.contains("\"settings_id\":\"SETTINGSMAXCONCURRENTSTREAMS\",\"settings_value\":100"));
    assert_eq!(settings.fact(Fact::Http2Settings), [(3u64 << 32 | 100).to_string()]);
    assert_eq!(
        stream.json,
        "{\"http\":{\"version\":\"2\",\"request_headers\":[{\"name\":\":method\",\"value\":\"GET\"},\
         {\"name\":\":scheme\",\"value\":\"http\"},{\"name\":\":authority\",\"value\":\"h.test\"},\
         {\"name\":\":path\",\"value\":\"/a\"},{\"name\":\"user-agent\",\"value\":\"ua/1\"}],\
         \"response_headers\":[{\"name\":\":status\",\"value\":\"200\"}],\"http_method\":\"GET\",\"url\":\"/a\",\
         \"http_user_agent\":\"ua/1\",\"status\":200,\"http2\":{\"stream_id\":1}}}"
    );
    assert!(stream.over && stream.reached(Resp, 3) && stream.files.len() == 1);
    assert_eq!(stream.fact(Fact::HttpHost), ["h.test"]);
    assert_eq!(goaway.fact(Fact::Http2Errorcode), ["2"]);
    assert!(goaway.json.contains("\"response\":{\"error_code\":\"INTERNALERROR\"}"));
}
