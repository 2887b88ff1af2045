//! What the states of parsers take: a table for whoever looks for savings, and bounds that hold them there.

use crate::testing::Bench;
use crate::{PROTOCOLS, Parser, ProtoId, Transport};
use sekisho_types::Dir::{Orig, Resp};

/// Bytes of an idle state after a whole exchange, at most.
const IDLE_MAX: &[(ProtoId, usize)] = &[
    (ProtoId::Amqp, 512),
    (ProtoId::Bacnet, 256),
    (ProtoId::Bittorrent, 128),
    (ProtoId::DceRpc, 512),
    (ProtoId::Dhcp, 64),
    (ProtoId::Dhcpv6, 64),
    (ProtoId::Dnp3, 512),
    (ProtoId::Dns, 128),
    (ProtoId::Enip, 512),
    (ProtoId::Finger, 256),
    (ProtoId::Ftp, 1024),
    (ProtoId::FtpData, 192),
    (ProtoId::Http, 1056),
    (ProtoId::Http2, 1024),
    (ProtoId::Iec104, 256),
    (ProtoId::Ike, 64),
    (ProtoId::Imap, 1024),
    (ProtoId::Irc, 1024),
    (ProtoId::IrcDcc, 192),
    (ProtoId::Kafka, 512),
    (ProtoId::Krb, 192),
    (ProtoId::L2tp, 64),
    (ProtoId::Ldap, 256),
    (ProtoId::Memcached, 512),
    (ProtoId::Modbus, 512),
    (ProtoId::Mongodb, 512),
    (ProtoId::Mqtt, 512),
    (ProtoId::Mysql, 512),
    (ProtoId::Ntp, 64),
    (ProtoId::Oncrpc, 512),
    (ProtoId::Opcua, 768),
    (ProtoId::Openvpn, 128),
    (ProtoId::Pop3, 768),
    (ProtoId::Postgresql, 512),
    (ProtoId::Pptp, 128),
    (ProtoId::Quic, 1536),
    (ProtoId::Radius, 64),
    (ProtoId::Rdp, 128),
    (ProtoId::Rdpeudp, 32),
    (ProtoId::Redis, 512),
    (ProtoId::Rfb, 512),
    (ProtoId::Rlogin, 512),
    (ProtoId::Rtp, 192),
    (ProtoId::Rtsp, 1024),
    (ProtoId::S7comm, 512),
    (ProtoId::Sip, 192),
    (ProtoId::Smb, 1024),
    (ProtoId::Smtp, 1024),
    (ProtoId::Snmp, 64),
    (ProtoId::Socks, 512),
    (ProtoId::Ssdp, 64),
    (ProtoId::Ssh, 1024),
    (ProtoId::Stun, 128),
    (ProtoId::Syslog, 128),
    (ProtoId::Telnet, 768),
    (ProtoId::Tftp, 192),
    (ProtoId::Tls, 1536),
    (ProtoId::Websocket, 256),
    (ProtoId::Wireguard, 64),
    (ProtoId::Xmpp, 1024),
];

#[test]
fn empty_states_are_small() {
    for (id, _) in PROTOCOLS {
        println!("{id:?}: {} bytes empty", Parser::empty_len(*id));
    }
    for (id, max) in IDLE_MAX {
        assert!(Parser::empty_len(*id) <= *max, "{id:?}: {}", Parser::empty_len(*id));
    }
    assert_eq!(IDLE_MAX.len(), PROTOCOLS.len(), "a protocol without a bound");
}

/// Header fields that fill several segments.
fn long_header(first: &str) -> Vec<u8> {
    format!("{first}\r\nHost: example.org\r\nUser-Agent: {0}\r\nX: {0}\r\nETag: {0}\r\n\r\n", "x".repeat(4000))
        .into_bytes()
}

#[test]
fn idle_states_are_small() {
    let max = |id| IDLE_MAX.iter().find(|m| m.0 == id).unwrap().1;
    let idle = |id, bench: &Bench| {
        println!("{id:?}: {} bytes idle", bench.held_len());
        assert!(bench.is_open() && bench.held_len() <= max(id), "{id:?}: {}", bench.held_len());
    };
    let mut http = Bench::new(ProtoId::Http, Transport::Tcp, 80);
    for _ in 0..3 {
        http.data_split(Orig, &long_header("GET /a HTTP/1.1"), 1400);
        let held = http.held_len();
        assert!((4_500..20_000).contains(&held), "an open request has a row: {held}");
        http.data_split(Resp, &long_header("HTTP/1.1 200 OK\r\nContent-Length: 5"), 1400).data(Resp, b"hello");
        idle(ProtoId::Http, &http);
    }
    for _ in 0..200 {
        http.data(Orig, b"GET /b HTTP/1.1\r\n\r\n");
    }
    assert!(http.held_len() < 1 << 20, "{}", http.held_len());
    for _ in 0..200 {
        http.data(Resp, b"HTTP/1.1 304 Not Modified\r\n\r\n");
    }
    idle(ProtoId::Http, &http);

    let mut smtp = Bench::new(ProtoId::Smtp, Transport::Tcp, 25);
    smtp.data(Resp, b"220 mail.example.org\r\n").data(Orig, b"EHLO me\r\n").data(Resp, b"250 ok\r\n");
    smtp.data(Orig, b"MAIL FROM:<a@e>\r\nRCPT TO:<b@e>\r\nDATA\r\n").data(Resp, b"250 ok\r\n250 ok\r\n354 go\r\n");
    smtp.data_split(Orig, &long_header("Subject: hello"), 1400).data_split(Orig, &[b'a'; 9000], 1400);
    assert!(smtp.held_len() > 1500, "{}", smtp.held_len());
    smtp.data(Orig, b"\r\n.\r\n").data(Resp, b"250 queued\r\n");
    idle(ProtoId::Smtp, &smtp);

    let mut ftp = Bench::new(ProtoId::Ftp, Transport::Tcp, 21);
    ftp.data(Resp, b"220 ready\r\n").data(Orig, b"USER anonymous\r\n").data(Resp, b"331 password\r\n");
    ftp.data(Orig, b"PASS me\r\n").data(Resp, b"230 in\r\n");
    ftp.data_split(Resp, &[b"200 ".as_slice(), &[b'r'; 7000], b"\r\n"].concat(), 1400);
    ftp.data(Orig, b"NOOP\r\n").data(Resp, b"200 ok\r\n");
    idle(ProtoId::Ftp, &ftp);
}
