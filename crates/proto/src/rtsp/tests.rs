use super::*;
use crate::ProtoId;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use Dir::{Orig, Resp};

const SESSION: &[Step<'_>] = &[
    Step::Data(Orig, b"DESCRIBE rtsp://cam/1 RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: player\r\nAuthorization: Basic Ym9iOnNlY3JldA==\r\n\r\n"),
    Step::Data(
        Resp,
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: cam\r\nContent-Type: application/sdp\r\nContent-Length: 44\r\n\r\n\
v=0\r\nc=IN IP4 10.0.0.2\r\nm=video 0 RTP/AVP 96",
    ),
    Step::Data(Orig, b"PLAY rtsp://cam/1 RTSP/1.0\r\nCSeq: 2\r\nSession: 12;timeout=60\r\n\r\n"),
    Step::Data(Resp, b"$\0\0\x04abcdRTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n$\0\0\x08xx"),
    Step::Gap(Resp, 6),
    Step::Data(Resp, b"RTSP/1.0 404 Gone\r\nCSeq: 9\r\n\r\n"),
    Step::Data(Orig, b"TEARDOWN rtsp://cam/1 RTSP/1.0\r\nCSeq: 3\r\n\r\n"),
];

#[test]
fn parses_a_session() {
    let out = check_splits(ProtoId::Rtsp, 554, SESSION);
    assert_eq!(out.rows.len(), 4);
    assert_eq!(
        out.rows[0],
        "rtsp: method=Str(\"DESCRIBE\") uri=Str(\"rtsp://cam/1\") version=Str(\"1.0\") cseq=Count(1) reversed=Bool(false) \
         user_agent=Str(\"player\") auth_user=Str(\"bob\") auth_method=Str(\"Basic\") status_code=Count(200) \
         status_msg=Str(\"OK\") server=Str(\"cam\") content_type=Str(\"application/sdp\") \
         media=[Str(\"video 10.0.0.2:0 RTP/AVP\")]"
    );
    assert!(out.rows[1].contains("method=Str(\"PLAY\")") && out.rows[1].contains("session=Str(\"12\")"));
    assert!(out.rows[2].contains("status_code=Count(404)") && !out.rows[2].contains("method"));
    assert!(out.rows[3].contains("TEARDOWN") && !out.rows[3].contains("status_code"));
    check_truncations(ProtoId::Rtsp, 554, SESSION);
    check_damage(ProtoId::Rtsp, 554, SESSION, 100);
}

#[test]
fn probes_by_content() {
    assert_eq!(side(b"OPTIONS rtsp://h RTSP/1.0\r\n"), Guess::Yes);
    assert_eq!(side(b"RTSP/1.0 200 OK\r\n"), Guess::Yes);
    assert_eq!(side(b"OPTIONS rts"), Guess::More);
    for other in [&b"OPTIONS * HTTP/1.1\r\n"[..], b"GET / HTTP/1.1\r\n", b"SSH-2.0-x\r\n", b"POST /", b"\x16\x03"] {
        assert_eq!(side(other), Guess::No, "{other:?}");
    }
}

#[test]
fn limits_messages_and_requests() {
    let mut b = Bench::new(ProtoId::Rtsp, Transport::Tcp, 554);
    for _ in 0..100 {
        b.data(Orig, b"OPTIONS rtsp://h RTSP/1.0\r\n\r\n");
    }
    assert_eq!(b.rows("rtsp").len(), 100 - MAX_PENDING);
    b.data(Resp, b"RTSP/1.0 200 OK\r\nX: ").data_split(Resp, &[b'x'; 70_000], 1400);
    assert_eq!(b.out.rejected, Some("rtsp_message_too_long"));
}

/// Parsed anew with each byte, this would take minutes.
#[test]
fn a_header_that_comes_byte_by_byte_is_parsed_once() {
    let mut b = Bench::new(ProtoId::Rtsp, Transport::Tcp, 554);
    b.data(Orig, b"OPTIONS rtsp://h RTSP/1.0\r\n").data_split(Orig, &b"a\n".repeat(MAX_MESSAGE_LEN / 2 - 64), 1);
    assert!(b.is_open() && b.held_len() > MAX_MESSAGE_LEN / 2, "{:?}", b.out.rejected);
    b.data_split(Orig, &[b'\n'; 200], 1);
    assert!(b.is_open() && b.held_len() < MAX_MESSAGE_LEN / 2, "{:?}", b.out.rejected);
    // A body that is announced and comes byte by byte.
    b.data(Orig, b"OPTIONS rtsp://h RTSP/1.0\r\n").data_split(Orig, &b"a: b\n".repeat(8000), 1000);
    b.data(Orig, b"Content-Length: 20000\n\n").data_split(Orig, &[b'x'; 19_999], 1);
    assert!(b.is_open() && b.held_len() > 50_000);
    b.data(Orig, b"x");
    assert!(b.is_open() && b.held_len() < 50_000);
}
