use super::message::{MAX_ADDRS, Message, begins};
use super::*;
use crate::testing::{Bench, row_text};
use crate::{Event, PROTOCOLS, ProtoId};
use sekisho_types::{Addr, FlowInfo, Interval};

const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACK: u8 = 5;

/// A message of type `kind` with further options.
fn message(op: u8, xid: u32, yours: [u8; 4], kind: u8, options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut m = vec![op, 1, 6, 0];
    m.extend(xid.to_be_bytes());
    m.extend([0; 8]);
    m.extend(yours);
    m.extend([0; 8]);
    m.extend([2, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    m.extend([0; 192]);
    m.extend([0x63, 0x82, 0x53, 0x63, 53, 1, kind]);
    for (code, value) in options {
        m.push(*code);
        m.push(u8::try_from(value.len()).unwrap());
        m.extend(*value);
    }
    m.push(255);
    m
}

fn bench() -> Bench {
    let mut b = Bench::new(ProtoId::Dhcp, Transport::Udp, 67);
    (b.flow.tuple.orig, b.flow.tuple.orig_port) = (Addr::v4([0; 4]), 68);
    b
}

/// Rows that a look at `b`'s table after `secs` more seconds gives.
fn look(b: &mut Bench, secs: i64) -> Vec<String> {
    b.ts = b.ts + Interval::from_secs(secs);
    let mut events = Vec::new();
    b.out.across.advance(b.ts, &mut events);
    events.iter().map(Event::record).map(row_text).collect()
}

#[test]
fn parses_an_exchange_over_several_flows() {
    let server = [10, 0, 0, 2];
    let mut b = bench();
    let wishes: &[(u8, &[u8])] =
        &[(55, &[1, 3, 6, 15]), (60, b"golden"), (12, b"desk"), (50, &[10, 0, 0, 7]), (61, &[1, 2, 0, 0, 0, 0, 9])];
    b.data(Dir::Orig, &message(1, 7, [0; 4], DISCOVER, wishes));
    let offers: &[(u8, &[u8])] = &[
        (54, &server),
        (51, &[0, 0, 14, 16]),
        (3, &[10, 0, 0, 1]),
        (6, &[10, 0, 0, 3, 10, 0, 0, 4]),
        (15, b"example.org\0"),
        (252, b"http://wpad/\n"),
    ];
    // The server's flow: from its address to everybody.
    let uid = b.flow.uid;
    b.flow.uid = sekisho_types::Uid::from_key(b'C', 0, b"other");
    let client = (b.flow.tuple.orig, b.flow.tuple.orig_port);
    (b.flow.tuple.orig, b.flow.tuple.orig_port) = (Addr::v4(server), 67);
    b.data(Dir::Orig, &message(2, 7, [10, 0, 0, 7], OFFER, offers));
    (b.flow.tuple.orig, b.flow.tuple.orig_port) = client;
    b.flow.uid = uid;
    b.data(Dir::Orig, &message(1, 7, [0; 4], REQUEST, wishes))
        .data(Dir::Resp, &message(2, 7, [10, 0, 0, 7], ACK, offers))
        .end();
    assert!(b.out.events.is_empty() && b.out.confirmed == ["dhcp"]);
    let rows = look(&mut b, 11);
    assert_eq!(rows.len(), 1);
    for part in [
        "client_addr=Addr(10.0.0.7) server_addr=Addr(10.0.0.2) mac=Str(\"02:00:00:00:00:09\") host_name=Str(\"desk\")",
        "domain=Str(\"example.org\") requested_addr=Addr(10.0.0.7) assigned_addr=Addr(10.0.0.7)",
        "lease_time=Interval(3600000000000)",
        "msg_types=[Str(\"DISCOVER\"), Str(\"OFFER\"), Str(\"REQUEST\"), Str(\"ACK\")] duration=Interval(3000000)",
        "server_ids=[Addr(10.0.0.2)] routers=[Addr(10.0.0.1)] dns_servers=[Addr(10.0.0.3), Addr(10.0.0.4)]",
        "proxy_config=Str(\"http://wpad/\") vendor_class=Str(\"golden\")",
        "parameters=[Count(1), Count(3), Count(6), Count(15)]",
    ] {
        assert!(rows[0].contains(part), "{part}: {}", rows[0]);
    }
}

#[test]
fn looks_as_often_as_zeek() {
    let discover = message(1, 9, [0; 4], DISCOVER, &[]);
    let mut b = bench();
    b.out.across.lead();
    assert!(look(&mut b, 0).is_empty());
    b.ts = b.ts + Interval::from_secs(5);
    b.data(Dir::Orig, &discover);
    assert!(look(&mut b, 5).is_empty(), "younger than ten seconds");
    b.data(Dir::Orig, &discover);
    assert!(look(&mut b, 4).is_empty(), "no look is due");
    b.data(Dir::Orig, &discover);
    assert!(look(&mut b, 6).len() == 1, "quiet for six seconds");
    assert!(b.out.across.held_len() == 0);
    b.data(Dir::Orig, &discover).data(Dir::Orig, &message(1, 10, [0; 4], 77, &[]));
    let mut events = Vec::new();
    b.out.across.finish(&mut events);
    assert_eq!(events.len(), 2);
    assert!(row_text(events[1].record()).contains("unknown-message-type-77"));
}

#[test]
fn parses_relay_and_names() {
    let options: &[(u8, &[u8])] =
        &[(82, &[1, 3, b'v', b'1', b'9', 2, 1, 0]), (81, b"\0\0\0desk.example.org"), (56, b"no")];
    let m = Message::parse(&message(1, 1, [0; 4], 4, options)).unwrap();
    assert_eq!(m.options.circuit_id, Some("v19".into()));
    assert_eq!(m.options.client_fqdn, Some("desk.example.org".into()));
    assert_eq!(m.options.message, Some("no".into()));
    assert_eq!(m.hardware_addr, "02:00:00:00:00:09");
}

#[test]
fn rejects_what_is_not_dhcp() {
    let m = message(1, 1, [0; 4], DISCOVER, &[(12, b"desk")]);
    for cut in 0..m.len() - 1 {
        let mut b = bench();
        b.data(Dir::Orig, &m[..cut]).end();
    }
    assert!(begins(&m) && !begins(&m[..239]) && !begins(&[1; 300]));
    let mut b = bench();
    b.data(Dir::Orig, &m[..m.len() - 3]);
    assert_eq!(b.out.weirds[0].name, "dhcp_malformed");
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Dhcp).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess = |transport, orig| probe(&Probe { transport, orig, resp: &[], port_match: true, flow: &flow });
    assert_eq!(guess(Transport::Udp, &m), Guess::Yes);
    assert_eq!(guess(Transport::Tcp, &m), Guess::No);
    assert_eq!(guess(Transport::Udp, &m[..100]), Guess::No);
}

#[test]
fn limits_rows_and_table() {
    let mut b = bench();
    for _ in 0..MAX_MESSAGES {
        b.data(Dir::Orig, &message(1, 5, [0; 4], DISCOVER, &[]));
    }
    assert_eq!(b.rows("dhcp").len(), 1, "a full row is written at once");
    let routers = [9; 4 * (MAX_ADDRS + 5)];
    let m = Message::parse(&message(2, 5, [0; 4], OFFER, &[(3, &routers)])).unwrap();
    assert_eq!(m.options.routers.len(), MAX_ADDRS);
    for xid in 0..9000 {
        b.data(Dir::Orig, &message(1, xid, [0; 4], DISCOVER, &[(12, &[b'x'; 255])]));
        assert!(b.out.across.held_len() <= MAX_HELD_LEN, "{}", b.out.across.held_len());
    }
    assert!(b.rows("dhcp").len() > 9000 - MAX_EXCHANGES);
    assert!(b.out.weirds.iter().any(|w| w.name == "dhcp_exchange_limit"));
}

#[test]
fn rules_and_eve_see_every_message() {
    use sekisho_transaction::Fact;
    let mut b = Bench::watched(ProtoId::Dhcp, Transport::Udp, 67);
    let wishes: &[(u8, &[u8])] =
        &[(55, &[1, 3, 77]), (12, b"de\xffsk"), (50, &[10, 0, 0, 7]), (61, &[1, 2, 0, 0, 0, 0, 9])];
    let offers: &[(u8, &[u8])] = &[(51, &[0, 0, 14, 16]), (3, &[10, 0, 0, 1]), (6, &[10, 0, 0, 3, 10, 0, 0, 4, 9])];
    b.data(Dir::Orig, &message(1, 7, [0; 4], DISCOVER, wishes));
    b.data(Dir::Resp, &message(2, 7, [10, 0, 0, 7], OFFER, offers));
    let mut cut = message(1, 8, [0; 4], REQUEST, &[(12, b"x")]);
    cut.truncate(cut.len() - 2);
    b.data(Dir::Orig, &cut).end();
    let all = b.exchanges();
    assert_eq!(all.len(), 3);
    for part in [
        r#""type":"request","id":7,"client_mac":"02:00:00:00:00:09","assigned_ip":"0.0.0.0","dhcp_type":"discover""#,
        r#""client_id":"02:00:00:00:00:09""#,
        r#""requested_ip":"10.0.0.7""#,
        r#""params":["subnet_mask","router"]"#,
    ] {
        assert!(all[0].json.contains(part), "{part}: {}", all[0].json);
    }
    for part in [
        r#""type":"reply","#,
        r#""assigned_ip":"10.0.0.7","dhcp_type":"offer""#,
        r#""lease_time":3600"#,
        r#""dns_servers":["10.0.0.3","10.0.0.4"],"routers":["10.0.0.1"]"#,
    ] {
        assert!(all[1].json.contains(part), "{part}: {}", all[1].json);
    }
    assert_eq!((all[0].fact(Fact::DhcpLeasetime).len(), all[1].fact(Fact::DhcpLeasetime)), (0, &["3600".into()][..]));
    assert_eq!((&all[0].events[..], &all[2].events[..]), (&[][..], &["truncated_options"][..]));
}
