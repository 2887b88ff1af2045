//! Streams of HTTP/3 as they come out of a connection.

use super::*;
use crate::testing::{TestFiles, row_text};
use crate::{Outbox, Transport};
use sekisho_types::{FlowInfo, Timestamp};

const GET: u8 = 0xd1;
const HTTPS: u8 = 0xd7;
const OK: u8 = 0xd9;
const SETTINGS: &[u8] = &[0, 4, 5, 1, 0x50, 0, 7, 16];

#[derive(Default)]
struct Host {
    out: Outbox,
    files: TestFiles,
    http3: Http3,
}

impl Host {
    fn call(&mut self, f: impl FnOnce(&mut Http3, &mut Cx<'_>)) -> &mut Self {
        let flow = FlowInfo::default();
        let mut cx = Cx::new(Timestamp(0), 1, &flow, Transport::Udp, &mut self.out, &mut self.files);
        f(&mut self.http3, &mut cx);
        self
    }

    fn data(&mut self, id: u64, dir: Dir, bytes: &[u8]) -> &mut Self {
        self.call(|h, cx| h.data(id, dir, bytes, cx))
    }

    fn end(&mut self, id: u64, dir: Dir) -> &mut Self {
        self.call(|h, cx| h.end(id, dir, true, cx))
    }

    fn close(&mut self, id: u64) -> &mut Self {
        self.end(id, Dir::Orig).end(id, Dir::Resp).call(|h, _| h.close(id))
    }

    fn rows(&self) -> Vec<String> {
        self.out.events.iter().map(|e| row_text(e.record())).collect()
    }

    fn weirds(&self) -> Vec<&'static str> {
        self.out.weirds.iter().map(|w| w.name).collect()
    }
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 0x40 | (payload.len() >> 8) as u8, payload.len() as u8][..], payload].concat()
}

/// A field whose name is in the static table.
fn named(name: u8, value: &str) -> Vec<u8> {
    let head = if name < 15 { vec![0x50 | name] } else { vec![0x5f, name - 15] };
    [&head[..], &[value.len() as u8], value.as_bytes()].concat()
}

/// A field that is in no table.
fn literal(name: &str, value: &str) -> Vec<u8> {
    [&[0x27, name.len() as u8 - 7][..], name.as_bytes(), &[value.len() as u8], value.as_bytes()].concat()
}

fn request(path: &str) -> Vec<u8> {
    frame(1, &[&[0, 0, GET, HTTPS][..], &named(0, "h.test"), &named(1, path), &named(95, "unit/1")].concat())
}

/// A request and its answer with content in two frames, something unknown between, and trailers.
fn exchange() -> [Vec<u8>; 2] {
    let answer = [
        frame(1, &[0, 0, 0xff, 0]),
        frame(1, &[&[0, 0, OK, 0xf5][..], &named(4, "10")].concat()),
        frame(0, b"hello"),
        frame(0x21, b"grease"),
        frame(0, b"world"),
        frame(1, &[&[0, 0][..], &literal("grpc-status", "5"), &literal("grpc-message", "none")].concat()),
    ];
    [[request("/a%41?b"), frame(0, b"ping")].concat(), answer.concat()]
}

#[test]
fn parses_an_exchange_however_it_is_split() {
    let [ask, answer] = exchange();
    let mut want = Vec::new();
    for len in [10_000, 1, 2, 3, 7, 50] {
        let mut host = Host::default();
        for piece in ask.chunks(len) {
            host.data(0, Dir::Orig, piece);
        }
        host.end(0, Dir::Orig);
        for piece in answer.chunks(len) {
            host.data(0, Dir::Resp, piece);
        }
        assert!(host.out.events.is_empty());
        host.close(0);
        let rows = host.rows();
        let row = rows.first().unwrap();
        for part in ["method=Str(\"GET\")", "h.test", "/aA?b", "unit/1", "version=Str(\"3\")", "status_code=Count(200)"]
        {
            assert!(row.contains(part), "{part} in {row}");
        }
        for part in [
            "request_body_len=Count(4)",
            "response_body_len=Count(10)",
            "grpc_status=Count(5)",
            "none",
            "info_code=Count(100)",
        ] {
            assert!(row.contains(part), "{part} in {row}");
        }
        assert!(row.contains("stream_id=Count(0)") && host.weirds().is_empty(), "{row}");
        let contents: Vec<&[u8]> = host.files.0.iter().map(|f| &f.content[..]).collect();
        assert_eq!(contents, [&b"ping"[..], b"helloworld"]);
        assert!(host.files.0.iter().all(|f| f.closed == Some(true)));
        assert_eq!(host.http3.waiting_len, 0);
        assert!(host.http3.lanes.is_empty());
        if want.is_empty() {
            want = rows;
        } else {
            assert_eq!(rows, want, "{len}");
        }
    }
}

/// The second entry of the table is `:path: /sample/path` (RFC 9204 §B.2).
const INSTRUCTIONS: &[u8] = b"\x02\x3f\xbd\x01\xc0\x0fwww.example.com\xc1\x0c/sample/path";
const SECTION: &[u8] = &[3, 0x81, 0x10, 0x11, GET];

#[test]
fn a_section_waits_for_its_table() {
    for early in [false, true] {
        let mut host = Host::default();
        host.data(3, Dir::Resp, SETTINGS).data(2, Dir::Orig, SETTINGS);
        if early {
            host.data(6, Dir::Orig, INSTRUCTIONS);
        }
        host.data(0, Dir::Orig, &[frame(1, SECTION), frame(0, b"con")].concat());
        host.data(0, Dir::Orig, &frame(0, b"tent")).data(0, Dir::Resp, &frame(1, &[0, 0, OK])).close(0);
        assert_eq!(host.out.events.len(), usize::from(early));
        host.data(6, Dir::Orig, &INSTRUCTIONS[..20]);
        if !early {
            assert!(host.http3.waiting_len > 0);
            host.data(6, Dir::Orig, &INSTRUCTIONS[20..]);
        }
        let rows = host.rows();
        assert_eq!(rows.len(), 1, "{:?}", host.weirds());
        assert!(rows[0].contains("www.example.com") && rows[0].contains("/sample/path") && rows[0].contains("GET"));
        assert!(rows[0].contains("request_body_len=Count(7)"), "{}", rows[0]);
        assert!(host.http3.blocked.is_empty() && !host.http3.lanes.contains_key(&0));
    }
}

#[test]
fn what_was_lost_costs_no_more_than_itself() {
    let mut host = Host::default();
    host.data(3, Dir::Resp, SETTINGS).data(2, Dir::Orig, SETTINGS).data(6, Dir::Orig, &INSTRUCTIONS[..9]);
    host.data(0, Dir::Orig, &frame(1, SECTION)).end(0, Dir::Orig);
    host.call(|h, cx| h.gap(6, Dir::Orig, 10, cx));
    host.data(4, Dir::Orig, &frame(1, SECTION)).end(4, Dir::Orig);
    for id in [0, 4] {
        host.data(id, Dir::Resp, &[frame(1, &[0, 0, OK]), vec![0, 0x0a, b'0', b'1']].concat());
        host.call(|h, cx| h.gap(id, Dir::Resp, 6, cx)).data(id, Dir::Resp, b"89").close(id);
    }
    let rows = host.rows();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert!(row.contains("GET") && !row.contains("sample") && row.contains("status_code=Count(200)"), "{row}");
        assert!(row.contains("response_body_len=Count(10)"), "{row}");
    }
    assert_eq!(host.weirds(), ["HTTP3_encoder_stream_incomplete"]);
    assert_eq!((host.files.0[0].missing, &host.files.0[0].content[..]), (6, &b"0189"[..]));
    // A hole over a frame's end: nobody knows where the next one begins.
    host.data(8, Dir::Orig, &request("/x")).data(8, Dir::Resp, &[0, 5, b'x']);
    host.call(|h, cx| h.gap(8, Dir::Resp, 20, cx)).data(8, Dir::Resp, &frame(1, &[0, 0, OK])).close(8);
    assert!(!host.rows()[2].contains("status_code"));
}

#[test]
fn pushed_responses_belong_to_what_was_promised() {
    let mut host = Host::default();
    let promise = frame(5, &[&[7, 0, 0, GET, HTTPS][..], &named(0, "h.test"), &named(1, "/pushed.css")].concat());
    host.data(0, Dir::Orig, &request("/")).end(0, Dir::Orig);
    host.data(0, Dir::Resp, &[promise, frame(1, &[0, 0, OK])].concat());
    host.data(15, Dir::Resp, &[1]).data(15, Dir::Resp, &[7]).data(15, Dir::Resp, &frame(1, &[0, 0, OK]));
    host.data(15, Dir::Resp, &frame(0, b"body")).end(15, Dir::Resp).call(|h, _| h.close(15));
    let rows = host.rows();
    assert_eq!(rows.len(), 1);
    assert!(rows[0].contains("/pushed.css") && rows[0].contains("stream_id=Count(15)"), "{}", rows[0]);
    host.close(0);
    assert_eq!(host.rows().len(), 2);
}

#[test]
fn limits_what_waits() {
    let mut host = Host::default();
    host.data(3, Dir::Resp, SETTINGS);
    for i in 0..MAX_BLOCKED_STREAMS as u64 + 10 {
        host.data(4 * i, Dir::Orig, &frame(1, SECTION));
        assert!(host.http3.blocked.len() <= MAX_BLOCKED_STREAMS);
    }
    assert_eq!(host.weirds(), ["HTTP3_waiting_over_limit"; 10]);
    let mut host = Host::default();
    host.data(3, Dir::Resp, SETTINGS).data(0, Dir::Orig, &frame(1, SECTION));
    for _ in 0..200 {
        host.data(0, Dir::Orig, &[0; 10_000]);
        assert!(host.http3.heap_len() < 2 * MAX_WAITING_LEN);
    }
    assert!(host.http3.blocked.is_empty());
    let mut host = Host::default();
    for i in 0..100 {
        host.data(4 * i, Dir::Orig, &[&[1, 0x80, 1, 0xff, 0xff][..], &[0; 100_000]].concat());
        assert!(host.http3.waiting_len <= MAX_WAITING_LEN + 200_000, "{}", host.http3.waiting_len);
    }
    assert!(host.weirds().contains(&"HTTP3_waiting_over_limit"));
}

#[test]
fn no_bytes_break_it() {
    let [ask, answer] = exchange();
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..2000 {
        let mut host = Host::default();
        for id in [2, 3, 0, 6, 0, 7, 0, 15] {
            let mut bytes = [SETTINGS, INSTRUCTIONS, &ask, &answer][random(4)].to_vec();
            for _ in 0..random(4) {
                let at = random(bytes.len());
                bytes[at] ^= 1 << random(8);
            }
            let dir = if random(2) == 0 { Dir::Orig } else { Dir::Resp };
            host.data(id, dir, &bytes);
            match random(8) {
                0 => host.call(|h, cx| h.gap(id, dir, 3, cx)),
                1 => host.call(|h, cx| h.end(id, dir, false, cx)),
                2 => host.close(id),
                _ => &mut host,
            };
        }
        host.call(|h, cx| h.finish(cx));
        assert!(host.http3.blocked.is_empty() && host.http3.waiting_len < MAX_WAITING_LEN);
    }
}
