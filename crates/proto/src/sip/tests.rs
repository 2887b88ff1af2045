use super::*;
use crate::ProtoId;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use Dir::{Orig, Resp};

const INVITE: &[u8] =
    b"INVITE sip:bob@b SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9\r\nFrom: <sip:alice@a>;tag=1\r\n\
To: <sip:bob@b>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\nAuthorization: Digest username=\"alice\", response=\"x\"\r\n\
Content-Type: application/sdp\r\nContent-Length: 50\r\n\r\nv=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n...";
const RINGING: &[u8] =
    b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9\r\nTo: <sip:bob@b>;tag=2\r\nContent-Length: 0\r\n\r\n";
const BUSY: &[u8] = b"SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9\r\nServer: pbx\r\nl: 0\r\n\r\n";

#[test]
fn parses_a_call_as_zeek_logs_it() {
    let mut b = Bench::new(ProtoId::Sip, Transport::Udp, 5060);
    b.data(Orig, b"hello").data(Orig, INVITE).data(Resp, b"\r\n\r\n").data(Resp, RINGING).data(Resp, BUSY);
    let rows = b.rows("sip");
    assert_eq!(rows.len(), 2, "one per response");
    assert_eq!(
        rows[1],
        "trans_depth=Count(0) method=Str(\"INVITE\") uri=Str(\"sip:bob@b\") request_from=Str(\"<sip:alice@a>\") \
         request_to=Str(\"<sip:bob@b>\") response_to=Str(\"<sip:bob@b>;tag=2\") call_id=Str(\"c1\") seq=Str(\"1 INVITE\") \
         request_path=[Str(\"SIP/2.0/UDP 10.0.0.1:5060\")] \
         response_path=[Str(\"SIP/2.0/UDP 10.0.0.1:5060\"), Str(\"SIP/2.0/UDP 10.0.0.1:5060\")] status_code=Count(486) \
         status_msg=Str(\"Busy Here\") request_body_len=Count(50) response_body_len=Count(0) auth_user=Str(\"alice\") \
         server=Str(\"pbx\") request_media=[Str(\"audio 10.0.0.1:4000 RTP/AVP\")]"
    );
    assert_eq!(b.out.confirmed, ["sip"]);
    b.end();
    assert_eq!(b.rows("sip").len(), 2);
}

#[test]
fn an_unanswered_request_is_logged_at_the_end() {
    let mut b = Bench::new(ProtoId::Sip, Transport::Udp, 5060);
    b.data(Resp, b"OPTIONS sip:a SIP/2.0\r\n\r\n").end();
    assert_eq!(b.rows("sip").len(), 1);
    assert!(b.out.confirmed.is_empty());
}

#[test]
fn any_split_gives_the_same_rows() {
    let steps = [Step::Data(Orig, INVITE), Step::Data(Resp, RINGING), Step::Data(Resp, BUSY), Step::Data(Orig, INVITE)];
    assert_eq!(check_splits(ProtoId::Sip, 5060, &steps).rows.len(), 3);
    check_truncations(ProtoId::Sip, 5060, &steps);
    check_damage(ProtoId::Sip, 5060, &steps, 60);
}

#[test]
fn limits_messages_and_paths() {
    let mut b = Bench::new(ProtoId::Sip, Transport::Tcp, 5060);
    b.data(Orig, b"INVITE sip:b SIP/2.0\r\nX: ").data_split(Orig, &[b'a'; 70_000], 1400);
    assert_eq!(b.out.rejected, Some("sip_message_too_long"));
    let mut b = Bench::new(ProtoId::Sip, Transport::Udp, 5060);
    for _ in 0..40 {
        b.data(Orig, INVITE);
    }
    assert!(b.held_len() < 8192, "{}", b.held_len());
    assert_eq!(b.out.weirds[0].name, "sip_path_too_long");
}

/// Parsed anew with each byte, this would take minutes.
#[test]
fn a_header_that_comes_byte_by_byte_is_parsed_once() {
    let mut b = Bench::new(ProtoId::Sip, Transport::Tcp, 5060);
    b.data(Orig, b"OPTIONS sip:b SIP/2.0\r\n").data_split(Orig, &b"a\n".repeat(MAX_MESSAGE_LEN / 2 - 64), 1);
    assert!(b.is_open() && b.held_len() > MAX_MESSAGE_LEN / 2, "{:?}", b.out.rejected);
    b.data_split(Orig, &[b'\n'; 200], 1);
    assert!(b.is_open() && b.held_len() < MAX_MESSAGE_LEN / 2, "{:?}", b.out.rejected);
    // A body that is announced and comes byte by byte.
    b.data(Orig, b"OPTIONS sip:b SIP/2.0\r\n").data_split(Orig, &b"a: b\n".repeat(8000), 1000);
    b.data(Orig, b"Content-Length: 20000\n\n").data_split(Orig, &[b'x'; 19_999], 1);
    assert!(b.is_open() && b.held_len() > 50_000);
    b.data(Orig, b"x");
    assert!(b.is_open() && b.held_len() < 50_000);
}

#[test]
fn shows_messages_to_rules_and_eve() {
    use sekisho_transaction::Fact;
    const CALL: &[u8] = b"INVITE sip:bob@b SIP/2.0\r\nf: <sip:a@a>\r\nt: <sip:b@b>\r\nc: application/sdp\r\n\r\n\
v=0\r\no=a 1 1 IN IP4 10.0.0.9\r\ns=-\r\nt=0 0\r\nr=7d\r\nm=audio 4000 RTP/AVP 0\r\na=x:1\r\n";
    let mut b = Bench::watched(ProtoId::Sip, Transport::Udp, 5060);
    b.data(Orig, CALL).data(Resp, BUSY).end();
    let [call, busy] = [0, 1].map(|at| b.exchanges()[at].clone());
    assert_eq!(
        call.json,
        "{\"sip\":{\"method\":\"INVITE\",\"uri\":\"sip:bob@b\",\"version\":\"SIP/2.0\",\
         \"request_line\":\"INVITE sip:bob@b SIP/2.0\",\"sdp\":{\"version\":0,\"origin\":\"a 1 1 IN IP4 10.0.0.9\",\
         \"session_name\":\"-\",\"time_descriptions\":[{\"time\":\"0 0\",\"repeat_time\":\"7d\"}],\
         \"media_descriptions\":[{\"media\":\"audio 4000 RTP/AVP 0\",\"attributes\":[\"x:1\"]}]}}}"
    );
    assert_eq!((call.fact(Fact::SipFrom), call.fact(Fact::SdpTime)), (&["<sip:a@a>".into()][..], &["0 0".into()][..]));
    assert_eq!(
        busy.json,
        "{\"sip\":{\"version\":\"SIP/2.0\",\"code\":\"486\",\"reason\":\"Busy Here\",\
         \"response_line\":\"SIP/2.0 486 Busy Here\"}}"
    );
    assert_eq!(busy.fact(Fact::SipStatCode), ["486"]);
}
