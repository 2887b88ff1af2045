//! What hosts of a local network say to everybody: who gives addresses, what time it is, what happened, who is there.

use crate::{Capture, Timed, addr, at, at_ms};
use sekisho_testkit::Frame;
use sekisho_testkit::lan::{dhcp_message, option6};

pub fn all() -> Vec<Capture> {
    vec![
        Capture::ethernet("dhcp/exchanges", dhcp()),
        Capture::ethernet("dhcpv6/lease", dhcpv6()),
        Capture::ethernet("ntp/time", ntp()),
        Capture::ethernet("ssdp/devices", ssdp()),
        Capture::ethernet("syslog/messages", syslog()),
        Capture::ethernet("tftp/transfers", tftp()),
    ]
}

fn udp(ms: i64, from: &str, to: &str, payload: &[u8]) -> Timed {
    (at_ms(ms), Frame::udp(from, to, payload).frame())
}

/// A lease (four messages in three flows), its renewal and release, a refusal, a relay, a rogue server, and a client that
/// nobody answers and that asks again after pauses.
fn dhcp() -> Vec<Timed> {
    const NOBODY: &str = "0.0.0.0:68";
    const ALL: &str = "255.255.255.255:67";
    const ALL_CLIENTS: &str = "255.255.255.255:68";
    const SERVER: &str = "10.0.0.2:67";
    let server: (u8, &[u8]) = (54, &[10, 0, 0, 2]);
    let wishes: Vec<(u8, &[u8])> = vec![
        (55, &[1, 3, 6, 15, 252]),
        (60, b"golden 1.0"),
        (12, b"desk"),
        (50, &[10, 0, 0, 7]),
        (61, &[1, 2, 0, 0, 0, 0, 9]),
        (81, b"\0\0\0desk.example.org"),
    ];
    let grants: Vec<(u8, &[u8])> = vec![
        server,
        (51, &[0, 0, 14, 16]),
        (3, &[10, 0, 0, 1]),
        (6, &[10, 0, 0, 3, 10, 0, 0, 4]),
        (15, b"example.org\0"),
        (252, b"http://wpad.example.org/\n"),
    ];
    let lease = [10, 0, 0, 7];
    let mut out = vec![
        udp(0, NOBODY, ALL, &dhcp_message(1, 1, [0; 4], 9, 1, &wishes)),
        udp(10, SERVER, ALL_CLIENTS, &dhcp_message(2, 1, lease, 9, 2, &grants)),
        udp(15, "10.0.0.66:67", ALL_CLIENTS, &dhcp_message(2, 1, lease, 9, 2, &[(54, &[10, 0, 0, 66])])),
        udp(20, NOBODY, ALL, &dhcp_message(1, 1, [0; 4], 9, 3, &wishes)),
        udp(30, SERVER, "10.0.0.7:68", &dhcp_message(2, 1, lease, 9, 5, &grants)),
        // Renewal between the two alone, and the end of the lease.
        udp(1_800_000, "10.0.0.7:68", SERVER, &dhcp_message(1, 2, [0; 4], 9, 3, &[(12, b"desk")])),
        udp(1_800_010, SERVER, "10.0.0.7:68", &dhcp_message(2, 2, lease, 9, 5, &grants)),
        udp(3_000_000, "10.0.0.7:68", SERVER, &dhcp_message(1, 3, [0; 4], 9, 7, &[server])),
        // Refused, with a reason.
        udp(3_100_000, NOBODY, ALL, &dhcp_message(1, 4, [0; 4], 10, 3, &[(50, &[192, 0, 2, 1])])),
        udp(3_100_010, SERVER, ALL_CLIENTS, &dhcp_message(2, 4, [0; 4], 10, 6, &[server, (56, b"wrong network")])),
        // A request without end of options, and one without its cookie.
        udp(3_300_000, NOBODY, ALL, &dhcp_message(1, 6, [0; 4], 12, 1, &[(12, b"cut")])[..246]),
        udp(3_300_100, NOBODY, ALL, &[1; 300]),
    ];
    let mut relayed = dhcp_message(1, 5, [0; 4], 11, 1, &[(82, b"\x01\x04eth7")]);
    relayed[24..28].copy_from_slice(&[10, 1, 0, 1]);
    out.push(udp(3_200_000, "10.1.0.1:67", SERVER, &relayed));
    for secs in [3_400, 3_404, 3_412, 3_428] {
        out.push(udp(secs * 1000, NOBODY, ALL, &dhcp_message(1, 7, [0; 4], 13, 1, &[(12, b"lonely")])));
    }
    out
}

/// RFC 8415 §5.1 and §5.2: asked, offered, requested, granted; once by way of a relay.
fn dhcpv6() -> Vec<Timed> {
    let client = "[fe80::9]:546";
    let group = "[ff02::1:2]:547";
    let server = "[fe80::1]:547";
    let (client_id, server_id) = (option6(1, &[0, 3, 0, 1, 2, 0, 0, 0, 0, 9]), option6(2, &[0, 2, 0, 0, 1, 55, 7]));
    let lease = option6(5, &[addr("2001:db8::7").octets(), &[0, 0, 14, 16, 0, 0, 28, 32][..]].concat());
    let granted = option6(3, &[&[0, 0, 0, 1, 0, 0, 7, 8, 0, 0, 11, 64][..], &lease].concat());
    let wanted = option6(3, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    let wishes = [option6(6, &[0, 23, 0, 24]), option6(39, b"\0\x04desk\x07example\x03org\0")].concat();
    let dns = option6(23, addr("2001:db8::35").octets());
    let message = |kind: u8, parts: &[&[u8]]| [&[kind, 0, 0, 5][..], &parts.concat()].concat();
    let solicit = message(1, &[&client_id, &wishes, &wanted]);
    let reply = message(7, &[&client_id, &server_id, &granted, &dns, &option6(13, b"\0\0granted")]);
    let relayed =
        [&[12, 0][..], addr("2001:db8:1::1").octets(), addr("fe80::9").octets(), &option6(9, &solicit)].concat();
    vec![
        udp(0, client, group, &solicit),
        udp(5, server, client, &message(2, &[&client_id, &server_id, &granted, &dns])),
        udp(10, client, group, &message(3, &[&client_id, &server_id, &granted, &wishes])),
        udp(15, server, client, &reply),
        udp(1000, "[2001:db8:1::1]:547", "[2001:db8::1]:547", &relayed),
        udp(2000, client, group, &solicit[..20]),
    ]
}

/// A message of RFC 5905 §7.3; times are 2023-11-14 22:13:20 UTC and a quarter.
fn time(first: u8, stratum: u8, id: [u8; 4]) -> Vec<u8> {
    const TIME: [u8; 8] = [0xe8, 0xfe, 0x6f, 0x80, 0x40, 0, 0, 0];
    let mut m = vec![first, stratum, 6, 0xec, 0, 0, 0x40, 0, 0, 0, 0x80, 0];
    m.extend(id);
    if stratum > 0 {
        m.extend(TIME.repeat(3));
    } else {
        m.extend([0; 24]);
    }
    m.extend(TIME);
    m
}

/// A client and a server, a kiss of death, a key and an extension, another port, a list of callers, and rubbish.
fn ntp() -> Vec<Timed> {
    let keyed = [time(0x24, 1, *b"GPS\0"), [&[1, 4, 0, 20][..], &[7; 16], &[0, 0, 0, 5], &[9; 16]].concat()].concat();
    vec![
        udp(0, "10.0.0.1:123", "192.0.2.123:123", &time(0xe3, 0, [0; 4])),
        udp(20, "192.0.2.123:123", "10.0.0.1:123", &time(0x24, 2, [198, 51, 100, 1])),
        udp(1000, "10.0.0.1:40000", "192.0.2.124:123", &time(0x1b, 0, [0; 4])),
        udp(1020, "192.0.2.124:123", "10.0.0.1:40000", &time(0x1c, 0, *b"RATE")),
        udp(2000, "192.0.2.125:123", "10.0.0.1:40001", &keyed),
        udp(3000, "10.0.0.1:40002", "192.0.2.126:9123", &time(0x23, 0, [0; 4])),
        udp(4000, "10.0.0.1:40003", "192.0.2.127:123", &[0x17, 0, 3, 42, 0, 0, 0, 0]),
        udp(4020, "192.0.2.127:123", "10.0.0.1:40003", &[&[0xd7, 0, 3, 42, 0, 6, 0, 72][..], &[0; 432]].concat()),
        udp(4021, "192.0.2.127:123", "10.0.0.1:40003", &[&[0xd7, 1, 3, 42, 0, 6, 0, 72][..], &[0; 432]].concat()),
        udp(5000, "10.0.0.1:40004", "192.0.2.128:123", &[0x16, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        udp(6000, "10.0.0.1:40005", "192.0.2.129:123", b"not the time"),
    ]
}

/// A device announces itself, three times the same; a client looks and is answered.
fn ssdp() -> Vec<Timed> {
    let notify = b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=1800\r\n\
        LOCATION: http://10.0.0.1:5000/root.xml\r\nSERVER: Linux UPnP/1.1 golden/1\r\nNT: upnp:rootdevice\r\n\
        USN: uuid:1::upnp:rootdevice\r\nNTS: ssdp:alive\r\n\r\n";
    let search =
        b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\
        USER-AGENT: golden/2\r\n\r\n";
    let reply =
        b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age = 60\r\nEXT:\r\nLOCATION: http://10.0.0.1:5000/root.xml\r\n\
        SERVER: Linux UPnP/1.1 golden/1\r\nST: upnp:rootdevice\r\nUSN: uuid:1::upnp:rootdevice\r\n\r\n";
    let group = "239.255.255.250:1900";
    let mut out: Vec<Timed> = (0..3).map(|i| udp(i * 100, "10.0.0.1:50000", group, notify)).collect();
    out.push(udp(1000, "10.0.0.2:50001", group, search));
    out.push(udp(1100, "10.0.0.1:1900", "10.0.0.2:50001", reply));
    out
}

/// Old and new form, without priority, on another port; and over TCP in both framings.
fn syslog() -> Vec<Timed> {
    use sekisho_testkit::{Conversation, Dir};
    let old = b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8";
    let new = "<165>1 2003-10-11T22:14:15.003Z host.example.org evntslog - ID47 - caf\u{e9}".as_bytes();
    let mut out = vec![
        udp(0, "10.0.0.1:50000", "10.0.0.2:514", old),
        udp(10, "10.0.0.1:50000", "10.0.0.2:514", new),
        udp(20, "10.0.0.1:50000", "10.0.0.2:514", b"just text\0"),
        udp(1000, "10.0.0.1:50001", "10.0.0.2:5140", old),
    ];
    let tcp = |n: u16, text: &[u8]| {
        let client = format!("10.0.0.1:{}", 40000 + n);
        let conn = Conversation::new(client.as_str(), "10.0.0.2:514").at(at(2 + i64::from(n))).syn();
        conn.send_split(Dir::Orig, text, &[10, 60]).fin().frames()
    };
    out.extend(tcp(0, &[&old[..], b"\n", old, b"\n<13>unfinished"].concat()));
    out.extend(tcp(1, &[b"77 ".as_slice(), old, b"\n", b"77 ", old, b"\n"].concat()));
    out
}

/// A read with options, a write to a server that keeps its port, a refusal, and nobody at home.
fn tftp() -> Vec<Timed> {
    let (client, server) = ("10.0.0.1:50000", "10.0.0.2:69");
    let data = |block: u16, content: &[u8]| [&[0, 3][..], &block.to_be_bytes(), content].concat();
    let ack = |block: u16| [&[0, 4][..], &block.to_be_bytes()].concat();
    let text = b"#!/bin/sh\necho golden\n".repeat(60);
    let (first, second) = text.split_at(1024);
    vec![
        udp(0, client, server, b"\0\x01boot/start.sh\0octet\0blksize\x001024\0tsize\x000\0"),
        udp(10, "10.0.0.2:32000", client, format!("\0\x06blksize\x001024\0tsize\0{}\0", text.len()).as_bytes()),
        udp(20, client, "10.0.0.2:32000", &ack(0)),
        udp(30, "10.0.0.2:32000", client, &data(1, first)),
        udp(35, "10.0.0.2:32000", client, &data(1, first)),
        udp(40, client, "10.0.0.2:32000", &ack(1)),
        udp(50, "10.0.0.2:32000", client, &data(2, second)),
        udp(60, client, "10.0.0.2:32000", &ack(2)),
        udp(1000, "10.0.0.1:50001", server, b"\0\x02up.txt\0netascii\0"),
        udp(1010, server, "10.0.0.1:50001", &ack(0)),
        udp(1020, "10.0.0.1:50001", server, &data(1, b"line\r\n")),
        udp(1030, server, "10.0.0.1:50001", &ack(1)),
        udp(2000, "10.0.0.1:50002", server, b"\0\x01secret\0octet\0"),
        udp(2010, "10.0.0.2:32001", "10.0.0.1:50002", b"\0\x05\0\x01File not found\0"),
        udp(3000, "10.0.0.1:50003", "10.0.0.3:69", b"\0\x01anybody\0octet\0"),
    ]
}
