use super::*;
use crate::testing::{Bench, Step, check_damage, check_splits, check_truncations};
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

const OLD: &[u8] = b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8";

#[test]
fn parses_datagrams() {
    let mut b = Bench::new(ProtoId::Syslog, Transport::Udp, 514);
    b.data(Dir::Orig, OLD).data(Dir::Orig, b"no priority").data(Dir::Orig, b"<999>x").data(Dir::Orig, b"<1234>x").end();
    let rows = b.rows("syslog");
    assert!(
        rows[0].starts_with("proto=Enum(udp) facility=Str(\"AUTH\") severity=Str(\"CRIT\") message=Str(\"Oct 11"),
        "{rows:?}"
    );
    assert!(
        rows[1].contains("facility=Str(\"UNSPECIFIED\") severity=Str(\"UNSPECIFIED\") message=Str(\"no priority\")")
    );
    assert!(rows[2].contains("facility=Str(\"?-124\") severity=Str(\"DEBUG\") message=Str(\"x\")"), "{}", rows[2]);
    assert!(rows[3].contains("message=Str(\"<1234>x\")"));
    assert!(b.out.confirmed.is_empty() && b.out.recognized == ["syslog"]);
}

#[test]
fn parses_streams_of_lines_and_of_lengths() {
    let steps =
        [Step::Data(Dir::Orig, b"<13>first line\n<14>second line\r\n<15>without an end"), Step::Close(Dir::Orig)];
    let lines = check_splits(ProtoId::Syslog, 514, &steps);
    assert_eq!(lines.rows.len(), 3);
    assert!(lines.rows[1].contains("proto=Enum(tcp)") && lines.rows[1].ends_with("message=Str(\"second line\")"));
    let steps = [Step::Data(Dir::Orig, b"13 <13>1 - a\nb -13 <14>1 - c - -")];
    let lengths = check_splits(ProtoId::Syslog, 514, &steps);
    assert_eq!(lengths.rows.len(), 2);
    assert!(lengths.rows[0].contains("a\\nb"), "{:?}", lengths.rows);
    check_truncations(ProtoId::Syslog, 514, &steps);
    check_damage(ProtoId::Syslog, 514, &steps, 300);
}

#[test]
fn limits_messages_of_a_stream() {
    let mut b = Bench::new(ProtoId::Syslog, Transport::Tcp, 514);
    b.data(Dir::Orig, b"<13>").data_split(Dir::Orig, &[b'x'; MAX_MESSAGE_LEN + 1], 1000);
    assert_eq!(b.out.rejected, Some("syslog_message_limit"));
    let mut b = Bench::new(ProtoId::Syslog, Transport::Tcp, 514);
    b.data(Dir::Orig, b"<13>whole\nlost\n<13>found\n<13>half").gap(Dir::Orig, 9).data(Dir::Orig, b"rest\n<13>next\n");
    assert_eq!((b.rows("syslog").len(), b.out.rejected), (3, None));
    b.data(Dir::Orig, &b"lost\n".repeat(usize::from(MAX_LOSSES)));
    assert_eq!(b.out.rejected, Some("syslog_frame"));
}

#[test]
fn recognised_by_content() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Syslog).unwrap().1.probe;
    let guess = |transport, orig: &[u8], port: u16| {
        let mut flow = FlowInfo::default();
        flow.tuple.resp_port = port;
        probe(&Probe { transport, orig, resp: &[], port_match: port == 514, flow: &flow })
    };
    assert_eq!(guess(Transport::Udp, OLD, 9), Guess::Yes);
    assert_eq!(guess(Transport::Udp, b"anything", 514), Guess::Yes);
    assert_eq!(guess(Transport::Udp, b"anything", 9), Guess::No);
    assert_eq!(guess(Transport::Udp, b"<999>anything", 9), Guess::No);
    assert_eq!(guess(Transport::Tcp, OLD, 9), Guess::Yes);
    assert_eq!(guess(Transport::Tcp, b"<34>", 9), Guess::More);
    assert_eq!(guess(Transport::Tcp, b"<html><body>hello", 514), Guess::No);
    assert_eq!(guess(Transport::Tcp, b"76 <34>1 2003", 514), Guess::More);
    assert_eq!(guess(Transport::Tcp, b"200 OK and something", 514), Guess::No);
}
