use super::*;
use crate::testing::Bench;
use crate::{PROTOCOLS, ProtoId};
use sekisho_types::FlowInfo;

const NOTIFY: &[u8] = b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=1800\r\n\
    LOCATION: http://10.0.0.1:5000/root.xml\r\nSERVER: Linux UPnP/1.1 golden/1\r\nNT: upnp:rootdevice\r\n\
    USN: uuid:1::upnp:rootdevice\r\nNTS: ssdp:alive\r\n\r\n";

#[test]
fn parses_and_tells_repetitions() {
    let mut b = Bench::new(ProtoId::Ssdp, Transport::Udp, 1900);
    b.data(Dir::Orig, NOTIFY)
        .data(Dir::Orig, NOTIFY)
        .data(Dir::Orig, b"M-SEARCH * HTTP/1.1\r\nst: ssdp:all\r\nUser-Agent: me\r\n\r\n")
        .end();
    assert_eq!(
        b.rows("ssdp"),
        [
            "method=Enum(NOTIFY) target=Str(\"upnp:rootdevice\") usn=Str(\"uuid:1::upnp:rootdevice\") \
             notification=Str(\"ssdp:alive\") location=Str(\"http://10.0.0.1:5000/root.xml\") \
             server=Str(\"Linux UPnP/1.1 golden/1\") max_age=Interval(1800000000000)",
            "method=Enum(M-SEARCH) target=Str(\"ssdp:all\") user_agent=Str(\"me\")"
        ]
    );
    for cut in 0..NOTIFY.len() {
        Bench::new(ProtoId::Ssdp, Transport::Udp, 1900).data(Dir::Orig, &NOTIFY[..cut]).end();
    }
}

#[test]
fn rejects_other_http() {
    let probe = PROTOCOLS.iter().find(|(id, _)| *id == ProtoId::Ssdp).unwrap().1.probe;
    let flow = FlowInfo::default();
    let guess =
        |orig: &[u8], port_match| probe(&Probe { transport: Transport::Udp, orig, resp: b"", port_match, flow: &flow });
    assert_eq!(guess(NOTIFY, false), Guess::Yes);
    assert_eq!(guess(b"NOTIFY sip:me SIP/2.0\r\n", true), Guess::No);
    assert_eq!(guess(b"HTTP/1.1 200 OK\r\n\r\n", false), Guess::No);
    assert_eq!(guess(b"HTTP/1.1 200 OK\r\nST: x\r\nUSN: y\r\n\r\n", false), Guess::Yes);
}

#[test]
fn limits_what_is_remembered() {
    let mut b = Bench::new(ProtoId::Ssdp, Transport::Udp, 1900);
    for n in 0..1000 {
        b.data(Dir::Orig, format!("M-SEARCH * HTTP/1.1\r\nST: {n}\r\n\r\n").as_bytes());
    }
    assert!(b.rows("ssdp").len() == 1000 && b.held_len() <= 1024, "{}", b.held_len());
    b.data(
        Dir::Orig,
        &[b"M-SEARCH * HTTP/1.1\r\n".as_slice(), &b"A: b\r\n".repeat(MAX_HEADER_FIELDS), b"ST: late\r\n"].concat(),
    );
    assert_eq!(b.rows("ssdp")[1000], "method=Enum(M-SEARCH)");
}
