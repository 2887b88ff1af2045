//! Which frames parsers tell of, from bytes, whatever the split.

use crate::testing::{Bench, Step, check_splits};
use crate::{ProtoId, Transport};
use sekisho_types::Dir::{self, Orig, Resp};

/// The frames of a conversation, without their bytes: `server tls.pdu 0+7`.
fn frames(id: ProtoId, port: u16, steps: &[(Dir, &[u8])]) -> Vec<String> {
    let steps: Vec<Step<'_>> = steps.iter().map(|(dir, bytes)| Step::Data(*dir, bytes)).collect();
    let lines = check_splits(id, port, &steps).frames;
    assert!(!lines.is_empty(), "{id:?}");
    short(&lines)
}

fn short(lines: &[String]) -> Vec<String> {
    let bare = |line: &String| line.split(" \"").next().unwrap_or_default().trim_start_matches("to ").to_owned();
    lines.iter().map(bare).collect()
}

#[test]
fn rfb_has_its_messages() {
    let init = [&[2, 0, 1, 0][..], &[0; 16], &[0, 0, 0, 4], b"desk"].concat();
    let got = frames(
        ProtoId::Rfb,
        5900,
        &[
            (Resp, b"RFB 003.008\n"),
            (Orig, b"RFB 003.008\n"),
            (Resp, &[1, 1]),
            (Orig, &[1]),
            (Resp, &[0; 4]),
            (Orig, &[1]),
            (Resp, &init),
        ],
    );
    assert_eq!(
        got,
        [
            "server rfb.pdu 0+12 tx=0",
            "server rfb.pdu 12+1 tx=0",
            "server rfb.pdu 13+1 tx=0",
            "client rfb.pdu 0+12 tx=0",
            "client rfb.pdu 12+2 tx=0",
            "client rfb.pdu 14+4 tx=0",
            "client rfb.pdu 18+28 tx=0",
        ]
    );
}

#[test]
fn mqtt_has_packets_of_header_and_data() {
    let got = frames(ProtoId::Mqtt, 1883, &[(Orig, b"\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02c1\xc0\0")]);
    assert_eq!(
        got,
        [
            "server mqtt.header 0+2",
            "server mqtt.pdu 0+16",
            "server mqtt.data 2+14",
            "server mqtt.header 16+2",
            "server mqtt.pdu 16+2",
            "server mqtt.data 18+0",
        ]
    );
}

const QUESTION: &[u8] = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x01a\x02bc\0\0\x01\0\x01";

#[test]
fn dns_has_messages_over_streams_and_datagrams() {
    let len = u8::try_from(QUESTION.len()).unwrap();
    let framed = [&[0, len][..], QUESTION].concat();
    let got = frames(ProtoId::Dns, 53, &[(Orig, &[&framed[..], &framed].concat())]);
    assert_eq!(got, [format!("server dns.pdu 2+{len} tx=0"), format!("server dns.pdu {}+{len} tx=1", len + 4)]);
    for (port, want) in [(53, "server dns.pdu 0+22 tx=0"), (5353, "server mdns.pdu 0+22 tx=0")] {
        let mut b = Bench::watched(ProtoId::Dns, Transport::Udp, port);
        b.data(Orig, QUESTION);
        assert_eq!(short(&b.frames()), [want]);
    }
    let mut b = Bench::watched(ProtoId::Dns, Transport::Udp, 5355);
    assert!(b.data(Orig, QUESTION).frames().is_empty(), "Suricata has none for LLMNR");
}

#[test]
fn http_has_requests_and_responses() {
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
    let response =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nHTTP/1.0 200 OK\r\n\r\nto the end";
    let got = frames(ProtoId::Http, 80, &[(Orig, request.as_bytes()), (Resp, response.as_bytes())]);
    assert_eq!(
        got,
        [
            "server http1.request 0+27 tx=0",
            "server http1.request 27+42 tx=1",
            "client http1.response 0+59 tx=0",
            "client http1.response 59+? tx=1",
        ]
    );
}

#[test]
fn smtp_has_lines_with_their_ends_and_mails() {
    let got = frames(
        ProtoId::Smtp,
        25,
        &[
            (Resp, b"220 a\r\n"),
            (Orig, b"EHLO me\r\n"),
            (Resp, b"250-a\r\n250 b\r\n"),
            (Orig, b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
            (Resp, b"250 ok\r\n250 ok\r\n354 go\r\n"),
            (Orig, b"Subject: x\r\n\r\n..y\r\n.\r\nQUIT\n"),
        ],
    );
    assert_eq!(
        got,
        [
            "server smtp.command_line 0+9 tx=0",
            "server smtp.command_line 9+17 tx=0",
            "server smtp.command_line 26+15 tx=0",
            "server smtp.command_line 41+6 tx=0",
            "server smtp.data 47+22 tx=0",
            "server smtp.command_line 69+5 tx=0",
            "client smtp.response_line 0+7",
            "client smtp.response_line 7+7 tx=0",
            "client smtp.response_line 14+7 tx=0",
            "client smtp.response_line 21+8 tx=0",
            "client smtp.response_line 29+8 tx=0",
            "client smtp.response_line 37+8 tx=0",
        ]
    );
}

#[test]
fn ssh_has_packets_until_they_are_encrypted() {
    let new_keys = [&[0, 0, 0, 12, 10, 21][..], &[0; 10]].concat();
    let got = frames(ProtoId::Ssh, 22, &[(Orig, b"SSH-2.0-a\r\n"), (Orig, &new_keys), (Orig, b"encrypted")]);
    assert_eq!(
        got,
        ["server ssh.record.hdr 11+6 tx=0", "server ssh.record.pdu 11+16 tx=0", "server ssh.record.data 17+10 tx=0"]
    );
}

#[test]
fn smb_has_those_of_netbios_and_of_each_message() {
    let header = |next: u8| {
        let mut header = vec![0; 64];
        header[..4].copy_from_slice(b"\xfeSMB");
        (header[4], header[12], header[20]) = (64, 13, next);
        header
    };
    // An echo, and behind it in the same frame another one.
    let echo = [&header(72)[..], &[4, 0, 0, 0, 0, 0, 0, 0], &header(0), &[4, 0, 0, 0]].concat();
    let whole = [&[0, 0, 0, u8::try_from(echo.len()).unwrap()][..], &echo].concat();
    assert_eq!(
        frames(ProtoId::Smb, 445, &[(Orig, &whole)]),
        [
            "server smb.nbss.hdr 0+4",
            "server smb.nbss.pdu 0+144",
            "server smb.nbss.data 4+140",
            "server smb.smb2.hdr 4+64",
            "server smb.smb2.pdu 4+72",
            "server smb.smb2.data 68+8",
            "server smb.smb2.hdr 76+64",
            "server smb.smb2.pdu 76+68",
            "server smb.smb2.data 140+4",
        ]
    );
}

#[test]
fn dcerpc_has_units() {
    let fault = b"\x05\0\x03\x03\x10\0\0\0\x20\0\0\0\x01\0\0\0\x20\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0";
    assert_eq!(
        frames(ProtoId::DceRpc, 135, &[(Resp, fault)]),
        ["client dcerpc.hdr 0+16", "client dcerpc.pdu 0+32", "client dcerpc.data 16+16"]
    );
}

#[test]
fn tls_has_records_and_alerts() {
    assert_eq!(
        frames(ProtoId::Tls, 443, &[(Orig, b"\x15\x03\x01\0\x02\x02\x28")]),
        ["server tls.hdr 0+5", "server tls.pdu 0+7", "server tls.alert 5+2", "server tls.data 5+2"]
    );
}

#[test]
fn http2_has_frames_behind_the_preface() {
    let settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";
    assert_eq!(
        frames(ProtoId::Http2, 80, &[(Orig, settings)]),
        ["server http2.hdr 24+9", "server http2.pdu 24+15", "server http2.data 33+6"]
    );
}

#[test]
fn sip_has_line_header_and_body() {
    let request = b"\r\nINVITE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 2\r\n\r\nhi";
    let want = [
        "server sip.pdu 2+59 tx=0",
        "server sip.request.line 2+24 tx=0",
        "server sip.request.headers 26+31 tx=0",
        "server sip.request.body 59+2 tx=0",
    ];
    let mut b = Bench::watched(ProtoId::Sip, Transport::Udp, 5060);
    assert_eq!(short(&b.data(Orig, request).frames()), want);
    assert_eq!(frames(ProtoId::Sip, 5060, &[(Orig, request)]), want);
    assert_eq!(
        frames(ProtoId::Sip, 5060, &[(Resp, b"SIP/2.0 200 OK\r\nCall-ID: 1\r\n\r\n")]),
        ["client sip.pdu 0+30 tx=0", "client sip.response.line 0+16 tx=0", "client sip.response.headers 16+12 tx=0"]
    );
}

#[test]
fn ldap_and_postgresql_have_messages() {
    let bind = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0";
    assert_eq!(
        frames(ProtoId::Ldap, 389, &[(Orig, &[&bind[..], bind].concat())]),
        ["server ldap.pdu 0+14", "server ldap.pdu 14+14"]
    );
    let mut b = Bench::watched(ProtoId::Ldap, Transport::Udp, 389);
    assert_eq!(short(&b.data(Orig, bind).frames()), ["server ldap.pdu 0+14"]);
    assert_eq!(
        frames(ProtoId::Postgresql, 5432, &[(Orig, b"\0\0\0\x0e\0\x03\0\0user\0\0"), (Orig, b"Q\0\0\0\x06a\0")]),
        ["server pgsql.pdu 0+14", "server pgsql.pdu 14+7"]
    );
}

#[test]
fn nfs_has_those_of_rpc_and_its_own() {
    let words = |words: &[u32]| words.iter().copied().flat_map(u32::to_be_bytes).collect::<Vec<u8>>();
    // NULL of version 3, with eight bytes of credentials; and GETATTR of a handle of four.
    let call = words(&[7, 0, 2, 100_003, 3, 1, 0, 8, 1, 1, 0, 0, 4, 0x6162_6364]);
    let reply = words(&[7, 1, 0, 0, 0, 0, 2]);
    let mark = |bytes: &[u8]| [&words(&[1 << 31 | u32::try_from(bytes.len()).unwrap()])[..], bytes].concat();
    let mut b = Bench::watched(ProtoId::Oncrpc, Transport::Udp, 2049);
    b.data(Orig, &call).data(Resp, &reply);
    assert_eq!(
        short(&b.frames()),
        [
            "server nfs.rpc.pdu 0+56",
            "server nfs.rpc.creds 24+16",
            "server nfs.nfs.pdu 48+8",
            "client nfs.rpc.hdr 0+8",
            "client nfs.rpc.pdu 0+28",
            "client nfs.rpc.data 8+20",
            "client nfs.nfs.pdu 24+4",
            "client nfs.nfs.status 24+4",
        ]
    );
    assert_eq!(
        frames(ProtoId::Oncrpc, 2049, &[(Orig, &mark(&call)), (Resp, &mark(&reply))]),
        [
            "server nfs.rpc.pdu 0+60",
            "server nfs.rpc.creds 28+16",
            "server nfs.nfs.pdu 52+8",
            "client nfs.rpc.hdr 0+12",
            "client nfs.rpc.pdu 0+32",
            "client nfs.rpc.data 12+20",
            "client nfs.nfs.pdu 28+4",
            "client nfs.nfs.status 28+4",
        ]
    );
    let compound = words(&[7, 0, 2, 100_003, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        frames(ProtoId::Oncrpc, 2049, &[(Orig, &mark(&compound))])[2..],
        ["server nfs.nfs4.hdr 44+8", "server nfs.nfs4.pdu 44+16", "server nfs.nfs4.ops 52+8"]
    );
}

#[test]
fn nobody_who_wants_frames_costs_nothing() {
    let mut b = Bench::new(ProtoId::Tls, Transport::Tcp, 443);
    b.data(Orig, b"\x15\x03\x01\0\x02\x02\x28");
    assert!(b.frames().is_empty());
    // What is decrypted, or within another stream, is nowhere on the wire.
    let mut b = Bench::watched(ProtoId::Http, Transport::Tcp, 80);
    b.depth = 1;
    b.data(Orig, b"GET / HTTP/1.1\r\n\r\n");
    assert!(b.frames().is_empty());
}
