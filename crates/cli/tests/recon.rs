//! Scenes of `detections.md` §16 about what goes on inside a network, as packets: scans, sweeps, lies on the link,
//! poisoned names, guessed passwords; each with its harmless neighbour.

use sekisho_testkit::dns::{header, kind, name, question, record};
use sekisho_testkit::{Addr, Conversation, Dir, Frame, MacAddr, Timestamp, eth, flag, icmp_echo, ip, ip_proto, pcap};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// Link type of Ethernet.
const ETHERNET: u32 = 1;
/// Type of ARP frames.
const ARP: u16 = 0x0806;

type Frames = Vec<(Timestamp, Vec<u8>)>;

/// Milliseconds into the scene.
fn at(ms: u32) -> Timestamp {
    Timestamp(1_700_000_000_000_000_000 + i64::from(ms) * 1_000_000)
}

/// Code, severity and subject of the findings of some judgements.
fn found(mut frames: Frames, judgements: &[&str]) -> Vec<(String, String, String)> {
    frames.sort_by_key(|f| f.0);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scene.pcap");
    fs::write(&path, pcap(ETHERNET, &frames)).unwrap();
    let out =
        Command::new(env!("CARGO_BIN_EXE_sekisho")).args(["audit", "-q", "--json", "-"]).arg(&path).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let page: Value = serde_json::from_slice(&out.stdout).unwrap();
    let text = |f: &Value, name: &str| f[name].as_str().unwrap().to_owned();
    let all = page["findings"].as_array().unwrap().iter();
    let these = all.filter(|f| judgements.iter().any(|j| f["code"].as_str().unwrap().starts_with(j)));
    these.map(|f| (text(f, "code"), text(f, "severity"), text(f, "subject"))).collect()
}

fn one(frames: Frames, judgement: &str) -> (String, String, String) {
    let found = found(frames, &[judgement]);
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

fn finding(code: &str, severity: &str, subject: &str) -> (String, String, String) {
    (code.to_owned(), severity.to_owned(), subject.to_owned())
}

/// An attempt to connect that a reset answers, or nothing.
fn attempt(ms: u32, from: &str, to: &str, port: u16, refused: bool) -> Frames {
    let (from, to) = (format!("{from}:{}", 40_000 + ms % 20_000), format!("{to}:{port}"));
    let mut frames = vec![(at(ms), Frame::tcp(&*from, &*to, flag::SYN).seq(1, 0).frame())];
    if refused {
        frames.push((at(ms + 1), Frame::tcp(&*to, &*from, flag::RST | flag::ACK).seq(0, 2).frame()));
    }
    frames
}

/// A connection with a word each way.
fn talk(ms: u32, from: &str, to: &str, port: u16) -> Frames {
    let ends = (format!("{from}:{}", 40_000 + ms % 20_000), format!("{to}:{port}"));
    Conversation::new(&*ends.0, &*ends.1).at(at(ms)).syn().send(Dir::Orig, b"a").send(Dir::Resp, b"b").fin().frames()
}

/// S-16: one host a second, ten of them open.
fn sweep(from: &str, hosts: u32, target: impl Fn(u32) -> String) -> Frames {
    (0..hosts)
        .flat_map(|i| match i % 25 {
            3 => talk(i * 1_000, from, &target(i), 445),
            _ => attempt(i * 1_000, from, &target(i), 445, i % 2 == 0),
        })
        .collect()
}

#[test]
fn one_port_of_a_network() {
    let four = sweep("10.0.0.5", 254, |i| format!("10.0.1.{}", i + 1));
    assert_eq!(one(four, "scan-horizontal"), finding("scan-horizontal/fast", "medium", "10.0.0.5"));
    let six = sweep("fd00::5", 254, |i| format!("fd00::1:{:x}", i + 1));
    assert_eq!(one(six, "scan-horizontal"), finding("scan-horizontal/fast", "medium", "fd00::5"));
    // Answers to nothing: somebody forged the source elsewhere.
    let backscatter: Frames = (0..254)
        .map(|i| {
            let (from, to) = (format!("10.0.1.{}:445", i + 1), "10.0.0.5:40000");
            (at(i * 1_000), Frame::tcp(&*from, to, flag::SYN | flag::ACK).seq(7, 2).frame())
        })
        .collect();
    assert_eq!(found(backscatter, &["scan-"]), []);
    // Everybody answers.
    let fine = (0..60).flat_map(|i| talk(i * 1_000, "10.0.0.5", &format!("10.0.1.{}", i + 1), 443)).collect();
    assert_eq!(found(fine, &["scan-"]), []);
}

#[test]
fn many_ports_of_a_host() {
    let ports = |n: u16| {
        (0..n).flat_map(|i| attempt(u32::from(i) * 20, "10.0.0.5", "10.0.1.7", 1_000 + i, true)).collect::<Frames>()
    };
    assert_eq!(one(ports(200), "scan-vertical"), finding("scan-vertical/connect", "medium", "10.0.0.5"));
    assert_eq!(found(ports(14), &["scan-"]), []);
}

fn mac(last: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, last])
}

/// Who says to have which address, to whom. Operation 1 asks, 2 answers.
fn arp(ms: u32, operation: u8, (from, from_ip): (u8, [u8; 4]), (to, to_ip): (u8, [u8; 4])) -> (Timestamp, Vec<u8>) {
    let asked = operation == 1;
    let target = if asked { MacAddr([0; 6]) } else { mac(to) };
    let parts: [&[u8]; 5] = [&[0, 1, 8, 0, 6, 4, 0, operation], &mac(from).0, &from_ip, &target.0, &to_ip];
    let body = parts.concat();
    let receiver = if asked { MacAddr([255; 6]) } else { mac(to) };
    (at(ms), eth(mac(from), receiver, ARP, &body))
}

const GATEWAY: (u8, [u8; 4]) = (1, [10, 0, 1, 1]);
const VICTIM: (u8, [u8; 4]) = (7, [10, 0, 1, 7]);
const LIAR: u8 = 66;

#[test]
fn addresses_are_asked_for_one_after_the_other() {
    // S-17: 254 addresses in 30 seconds; and a host that starts.
    let ask = |n: u8| (1..=n).map(|i| arp(u32::from(i) * 118, 1, VICTIM, (0, [10, 0, 1, i]))).collect::<Frames>();
    assert_eq!(one(ask(254), "host-sweep"), finding("host-sweep/arp", "low", "10.0.1.7"));
    assert_eq!(found(ask(10), &["host-sweep", "l2-spoof"]), []);
    let ping = |i: u8| {
        let (from, to) = (Addr::v4([10, 0, 1, 7]), Addr::v4([10, 0, 2, i]));
        let packet = ip(from, to, ip_proto::ICMP, &icmp_echo(8, 7, 1, b"12345678"));
        (at(u32::from(i) * 500), eth(mac(7), mac(1), 0x0800, &packet))
    };
    assert_eq!(one((1..60).map(ping).collect(), "host-sweep"), finding("host-sweep/icmp", "low", "10.0.1.7"));
}

/// The victim talks to the outside through the gateway.
fn traffic(ms: u32) -> Frames {
    let host = Addr::v4(VICTIM.1);
    let outside = Addr::v4([203, 0, 113, 9]);
    let packet = |from: Addr, to: Addr, ports: [u16; 2]| {
        let udp = sekisho_testkit::udp_packet((from, ports[0]), (to, ports[1]), b"x");
        udp
    };
    vec![
        (at(ms), eth(mac(7), mac(1), 0x0800, &packet(host, outside, [5_000, 9_999]))),
        (at(ms + 5), eth(mac(1), mac(7), 0x0800, &packet(outside, host, [9_999, 5_000]))),
    ]
}

#[test]
fn the_gateway_is_somebody_else() {
    // S-18: replies every 1.5 s to victim and gateway.
    let mut frames: Frames = [traffic(0), traffic(60_000)].concat();
    frames.push(arp(1_000, 1, VICTIM, GATEWAY));
    frames.push(arp(1_001, 2, GATEWAY, VICTIM));
    for i in 0..60 {
        frames.push(arp(20_000 + i * 1_500, 2, (LIAR, GATEWAY.1), VICTIM));
        frames.push(arp(20_100 + i * 1_500, 2, (LIAR, VICTIM.1), GATEWAY));
    }
    let found = found(frames, &["l2-spoof"]);
    assert_eq!(found[0], finding("l2-spoof/mitm", "critical", "10.0.1.1"), "{found:?}");
    assert!(found.iter().any(|f| f.0 == "l2-spoof/flood-unsolicited"), "{found:?}");
    // A virtual router moves: its hardware address stays.
    let mut vrrp: Frames = traffic(0);
    for (i, from) in [(0, 1), (1, 2)] {
        let virtual_mac = MacAddr([0, 0, 0x5e, 0, 1, 9]);
        let parts: [&[u8]; 5] = [&[0, 1, 8, 0, 6, 4, 0, 2], &virtual_mac.0, &GATEWAY.1, &[255; 6], &GATEWAY.1];
        vrrp.push((at(1_000 + i * 5_000), eth(mac(from), MacAddr([255; 6]), ARP, &parts.concat())));
    }
    assert_eq!(self::found(vrrp, &["l2-spoof"]), []);
}

/// A question to the group of LLMNR and an answer of `who` with its own address.
fn asked(n: u16, asker: &str, who: &str, text: &str) -> Frames {
    let ms = u32::from(n) * 20_000;
    let asker = format!("{asker}:{}", 50_000 + n);
    let mut reply = header(n, 0x8000, [1, 1, 0, 0]);
    reply.extend_from_slice(&question(n, text, kind::A)[12..]);
    let Some(octets) = who.parse::<Addr>().unwrap().as_v4() else { panic!("no IPv4: {who}") };
    reply.extend(record(&name(text), kind::A, 30, &octets));
    vec![
        (at(ms), Frame::udp(&*asker, "224.0.0.252:5355", &question(n, text, kind::A)).frame()),
        (at(ms + 2), Frame::udp(&*format!("{who}:5355"), &*asker, &reply).frame()),
    ]
}

#[test]
fn names_that_nobody_has() {
    // S-20
    let lies = [
        asked(1, "10.0.1.7", "10.0.1.66", "filesrvv"),
        asked(2, "10.0.1.8", "10.0.1.66", "wpad"),
        asked(3, "10.0.1.7", "10.0.1.66", "printr1"),
    ];
    let found = found(lies.concat(), &["name-poisoning"]);
    let expected = [
        finding("name-poisoning/many-names", "high", "10.0.1.66"),
        finding("name-poisoning/wpad", "high", "10.0.1.66"),
    ];
    assert_eq!(found, expected);
    // Everyone answers for itself.
    let own: Frames = (1..20).flat_map(|i| asked(i, "10.0.1.7", &format!("10.0.2.{i}"), &format!("pc{i}"))).collect();
    assert_eq!(self::found(own, &["name-poisoning"]), []);
}

/// A session of FTP in which log-ins fail, and perhaps one works.
fn logins(n: u32, client: &str, account: &str, works: bool) -> Frames {
    let ms = n * 7_000 + n * n % 5 * 1_000;
    let ends = (format!("{client}:{}", 41_000 + n), "10.0.1.21:21");
    let user = format!("USER {account}\r\n");
    let verdict: &[u8] = if works { b"230 Welcome.\r\n" } else { b"530 Login incorrect.\r\n" };
    Conversation::new(&*ends.0, ends.1)
        .at(at(ms))
        .syn()
        .send(Dir::Resp, b"220 ready\r\n")
        .send(Dir::Orig, user.as_bytes())
        .send(Dir::Resp, b"331 Password?\r\n")
        .send(Dir::Orig, format!("PASS guess{n}\r\n").as_bytes())
        .send(Dir::Resp, verdict)
        .fin()
        .frames()
}

#[test]
fn passwords_are_tried() {
    // S-31: one account; a spray; a success at the end; somebody who mistypes.
    let single = (0..25).flat_map(|n| logins(n, "10.0.1.15", "alice", false)).collect();
    assert_eq!(one(single, "password-guessing"), finding("password-guessing/single", "high", "10.0.1.15"));
    let spray = (0..16).flat_map(|n| logins(n, "10.0.1.15", &format!("user{n}"), false)).collect();
    assert_eq!(one(spray, "password-guessing"), finding("password-guessing/spray", "high", "10.0.1.15"));
    let won = (0..13).flat_map(|n| logins(n, "10.0.1.15", "alice", n == 12)).collect();
    assert_eq!(one(won, "password-guessing"), finding("password-guessing/single/success", "critical", "10.0.1.15"));
    let mistyped = (0..4).flat_map(|n| logins(n, "10.0.1.15", "alice", n == 3)).collect();
    assert_eq!(found(mistyped, &["password-guessing"]), []);
}
