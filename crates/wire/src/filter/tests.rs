use super::*;
use crate::LinkType;
use crate::tests::{cat, eth, ip4, ip6, udp, whole};

/// 10.0.0.1:1000 to 10.0.0.2:53, UDP, VLAN 5, 02:…:01 to 02:…:02.
fn v4() -> Decoded {
    whole(LinkType::ETHERNET, &eth(0x8100, &cat(&[&[0, 5, 8, 0], &ip4(17, &udp(1000, 53, b"x"))])))
}

/// fd00::1 to fd00::2, TCP, 4000 to 443.
fn v6() -> Decoded {
    let seg = [0x0f, 0xa0, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 2, 0, 0, 0, 0, 0, 0];
    whole(LinkType::RAW, &ip6(6, &seg))
}

fn arp() -> Decoded {
    whole(LinkType::ETHERNET, &eth(0x0806, &[0; 28]))
}

/// Which of the three packets, each 100 bytes, the filter lets through.
#[track_caller]
fn check(text: &str, expected: [bool; 3]) {
    let f = Filter::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!([v4(), v6(), arp()].map(|d| f.matches(&d, 100)), expected, "{text}");
}

const V4: [bool; 3] = [true, false, false];
const V6: [bool; 3] = [false, true, false];
const ARP: [bool; 3] = [false, false, true];
const IP: [bool; 3] = [true, true, false];
const ALL: [bool; 3] = [true; 3];
const NONE: [bool; 3] = [false; 3];

#[test]
fn matches_addresses() {
    check("host 10.0.0.1", V4);
    check("10.0.0.2", V4);
    check("src host 10.0.0.2", NONE);
    check("dst 10.0.0.2", V4);
    check("src or dst host fd00::2", V6);
    check("src and dst net 10.0.0.0/24", V4);
    check("net 10.0.0.0/8", V4);
    check("net 10", V4);
    check("net 10.0.1", NONE);
    check("net 10.0.0.0 mask 255.255.255.0", V4);
    check("src net fd00::/8", V6);
    check("net 0.0.0.0/0", V4);
    check("net ::/0", IP);
    check("ip6 net ::/0", V6);
    check("ip host fd00::1", NONE);
}

#[test]
fn matches_ports_and_protocols() {
    check("port 53", V4);
    check("port domain", V4);
    check("src port 53", NONE);
    check("tcp port 53", NONE);
    check("tcp dst port https", V6);
    check("portrange 440-450", V6);
    check("udp portrange 1-99", V4);
    check("tcp", V6);
    check("udp", V4);
    check("icmp or icmp6 or sctp or gre", NONE);
    check("ip", V4);
    check("ip6", V6);
    check("arp", ARP);
    check("proto 17", V4);
    check("ip proto \\udp", V4);
    check("ip6 proto tcp", V6);
    check("ether proto 0x0806", ARP);
    check("ether proto arp", ARP);
}

#[test]
fn matches_link_fields_and_lengths() {
    check("vlan", V4);
    check("vlan 5", V4);
    check("vlan 6", NONE);
    check("ether host 02:00:00:00:00:01", [true, false, true]);
    check("ether dst 02-00-00-00-00-01", NONE);
    check("ether multicast or broadcast", NONE);
    check("greater 100", ALL);
    check("less 99", NONE);
    check("", ALL);
    check("  ", ALL);
}

#[test]
fn joins_from_left_to_right() {
    check("udp or tcp and port 443", V6);
    check("udp or (tcp and port 443)", IP);
    check("not udp and ip6", V6);
    check("!(udp || tcp)", ARP);
    check("not not udp", V4);
    check("tcp && port 443 || arp", [false, true, true]);
}

#[test]
fn values_repeat_the_last_keyword() {
    check("port 53 or 443", IP);
    check("dst port 80 or 443 or 1000", V6);
    check("host 10.0.0.1 or fd00::1", IP);
    check("host 10.0.0.1 and 10.0.0.2", V4);
}

#[track_caller]
fn fails(text: &str, column: usize, message: &str) {
    let e = Filter::parse(text).expect_err(text);
    assert_eq!((e.position + 1, e.message.as_str()), (column, message), "{text}");
}

#[test]
fn rejects_with_a_column() {
    fails("port", 5, "expected a port");
    fails("tcp port x", 10, "x is no port");
    fails("host example.org", 6, "example.org is no IP address (names are not looked up)");
    fails("net 10.0.0.0/33", 5, "10.0.0.0/33 is no network, e.g. 10.0.0.0/8");
    fails("net 10.0.0.0 mask 255.0.255.0", 5, "10.0.0.0 is no network, e.g. 10.0.0.0/8");
    fails("portrange 9-1", 11, "9-1 is no port range, e.g. 6000-6010");
    fails("(udp", 1, "this parenthesis is not closed");
    fails("udp)", 4, "this parenthesis was not opened");
    fails("udp and", 8, "a condition is missing at the end");
    fails("or udp", 1, "a condition is missing before this word");
    fails("udp tcp", 5, "expected \"and\" or \"or\" before tcp");
    fails("tcp[13] & 2 != 0", 4, "byte offsets such as tcp[13] are not supported");
    fails("udp & tcp", 5, "unexpected '&'");
    fails("ether 5", 7, "expected host, src, dst or proto");
    fails("ether port 5", 12, "ether takes host, src, dst or proto");
    fails("vlan 4096", 6, "4096 is not a VLAN id (0 to 4095)");
    fails("gibberish", 1, "unknown word gibberish");
    fails("less much", 6, "much is not a length in bytes");
    fails("host Ünicode", 6, "unexpected 'Ü'");
}

#[test]
fn limits_depth_and_length() {
    let deep = "(".repeat(MAX_DEPTH + 2) + "udp" + &")".repeat(MAX_DEPTH + 2);
    assert!(Filter::parse(&deep).unwrap_err().message.contains("deeper"));
    assert!(Filter::parse(&"not ".repeat(100_000)).unwrap_err().message.contains("deeper"));
    let long = vec!["udp"; MAX_TERMS + 1].join(" or ");
    assert!(Filter::parse(&long).unwrap_err().message.contains("conditions"));
    assert!(Filter::parse(&vec!["udp"; MAX_TERMS].join(" and ")).is_ok());
}

#[test]
fn any_text_is_harmless() {
    use proptest::prelude::*;
    let words = "host|net|port|portrange|proto|src|dst|and|or|not|\\(|\\)|!|tcp|ip|ip6|ether|vlan|10|1\\.2\\.3\\.4|mask|less|fd00::/8|\\[|é|\\\\";
    let text = proptest::collection::vec(words.prop_map(|w: String| w), 0..12).prop_map(|w| w.join(" "));
    proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }, |(t in text)| {
        match Filter::parse(&t) {
            Ok(f) => { f.matches(&v4(), 100); }
            Err(e) => prop_assert!(e.position <= t.len()),
        }
    });
}
