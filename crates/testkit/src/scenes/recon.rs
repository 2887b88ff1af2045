//! Who is there, and lies on the link: S-16 to S-20.

use super::stage::{GATEWAY, Stage, addr, at, mac};
use super::{DAY, HOUR, MINUTE, SECOND, Scene, scene};
use crate::Dir::{Orig, Resp};
use crate::dns::{asked, header, kind, name, question, record};
use crate::lan::{arp, dhcp_message, option6, router_advertisement};
use crate::windows::{Login, Smb};
use crate::{Endpoint, Frame, MacAddr, eth};

pub(super) const ALL: &[Scene] = &[
    scene("S-16", "port 445 of 254 hosts, one a second, ten of them open", horizontal),
    scene("S-16-24", "24 attempts that fail", |s| attempts(s, 24)),
    scene("S-16-25", "25 attempts that fail", |s| attempts(s, 25)),
    scene("S-16-slow", "the first four attempts fail slowly, the rest works", first_fail),
    scene("S-17", "ARP for all of a network in 30 s", sweep),
    scene("S-17-gateway", "a router asks for whom an external scan wants", asked_for_others),
    scene("S-18", "ARP replies every 1.5 s to victim and gateway, and their packets passed on", spoof),
    scene("S-18-vrrp", "a virtual router moves to another machine", failover),
    scene("S-19", "a second DHCP server with another name server, which clients take", second_server),
    scene("S-19-ra", "a second router announces a prefix and a name server of its own", second_router),
    scene("S-19-dhcpv6", "a host that is no router names itself as name server", self_named),
    scene("S-19-flood", "60 hardware addresses ask for leases in a minute", starvation),
    scene(
        "S-20",
        "one host answers LLMNR, NetBIOS and mDNS for others' names, and takes a login with the well-known challenge",
        poison,
    ),
];

const SCANNER: &str = "10.0.1.12";
const MORNING: i64 = 9 * HOUR;

fn horizontal(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    for i in 0..254 {
        let to = format!("10.0.7.{}:445", i + 1);
        match i % 25 {
            3 => s.talk(MORNING + i * SECOND, SCANNER, &to, &[(Orig, b"\0"), (Resp, b"\0")]),
            n => s.attempt(MORNING + i * SECOND, SCANNER, &to, n % 2 == 0),
        }
    }
    s.expect("scan-horizontal/fast", SCANNER, MORNING, MORNING + 2 * MINUTE);
}

fn attempts(s: &mut Stage, count: i64) {
    s.office(8 * HOUR, 11 * HOUR);
    for i in 0..count {
        s.attempt(MORNING + i * SECOND, SCANNER, &format!("10.0.7.{}:445", i + 1), true);
        // What works keeps the sequential test from its verdict; `admin-sweep` begins with 50 first contacts.
        if i > 0 {
            let works = [(Orig, &b"\0"[..]), (Resp, b"\0")];
            s.talk(MORNING + i * SECOND - 300, SCANNER, &format!("10.0.8.{}:445", i + 1), &works);
        }
    }
    if count >= 25 {
        s.expect("scan-horizontal/fast", SCANNER, MORNING, MORNING + MINUTE);
    }
}

fn first_fail(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    for i in 0..4 {
        s.attempt(MORNING + i * 20 * SECOND, SCANNER, &format!("10.0.7.{}:9100", i + 1), false);
    }
    for i in 4..60 {
        let to = format!("10.0.7.{}:9100", i + 1);
        s.talk(MORNING + i * 20 * SECOND, SCANNER, &to, &[(Orig, b"\x1b%-12345X"), (Resp, b"ready")]);
    }
}

/// Hardware and IP address of a host at home.
fn link(host: &str) -> (MacAddr, [u8; 4]) {
    (mac(addr(host)), addr(host).as_v4().expect("IPv4"))
}

/// Somebody's hardware address with an IP address that is not its own.
fn claims(who: &str, address: &str) -> (MacAddr, [u8; 4]) {
    (link(who).0, link(address).1)
}

fn sweep(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    for i in 1..=254u8 {
        let ms = MORNING + i64::from(i) * 118;
        s.frame(at(ms), arp(1, link(SCANNER), link(&format!("10.0.1.{i}"))));
        if (10..30).contains(&i) {
            let there = format!("10.0.1.{i}");
            s.frame(at(ms + 1), arp(2, link(&there), link(SCANNER)));
        }
    }
    s.expect("host-sweep/arp", SCANNER, MORNING, MORNING + 10 * MINUTE);
}

fn asked_for_others(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    for i in 1..=254u8 {
        let ms = MORNING + i64::from(i) * 118;
        s.frame(at(ms), arp(1, link(GATEWAY), link(&format!("10.0.1.{i}"))));
        // Those that are there get the packet, and refuse it.
        if (10..30).contains(&i) {
            let there = format!("10.0.1.{i}");
            s.frame(at(ms + 1), arp(2, link(&there), link(GATEWAY)));
            s.attempt(ms + 3, "203.0.113.77", &format!("{there}:23"), true);
        }
    }
}

const VICTIM: &str = "10.0.1.20";
const LIAR: &str = "10.0.1.66";

fn spoof(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    s.frame(at(MORNING - 9_000), arp(1, link(VICTIM), link(GATEWAY)));
    s.frame(at(MORNING - 8_999), arp(2, link(GATEWAY), link(VICTIM)));
    for i in 0..200 {
        s.frame(at(MORNING + i * 1_500), arp(2, claims(LIAR, GATEWAY), link(VICTIM)));
        s.frame(at(MORNING + i * 1_500 + 100), arp(2, claims(LIAR, VICTIM), link(GATEWAY)));
    }
    for i in 0..150 {
        let ask = Frame::udp((addr(VICTIM), 50_000 + i as u16), "203.0.113.9:9999", b"x").packet();
        let ms = MORNING + 3_000 + i * 2_000;
        s.frame(at(ms), eth(link(VICTIM).0, link(LIAR).0, 0x0800, &ask));
        s.frame(at(ms + 1), eth(link(LIAR).0, link(GATEWAY).0, 0x0800, &ask));
    }
    s.expect("l2-spoof/mitm", GATEWAY, MORNING, MORNING + 12 * MINUTE);
    s.involve(VICTIM);
    s.involve(LIAR);
}

fn failover(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let shared = MacAddr([0, 0, 0x5e, 0, 1, 9]);
    for (k, from) in [(0, "10.0.0.2"), (1, "10.0.0.3"), (2, "10.0.0.3")] {
        let parts: [&[u8]; 5] =
            [&[0, 1, 8, 0, 6, 4, 0, 2], &shared.0, &link("10.0.0.9").1, &[255; 6], &link("10.0.0.9").1];
        s.frame(at(MORNING + k * 5_000), eth(link(from).0, MacAddr([255; 6]), 0x0806, &parts.concat()));
    }
}

/// One client's lease from the server `n`, with these settings.
fn lease(s: &mut Stage, ms: i64, client: u8, n: u8, router: [u8; 4], dns: [u8; 4]) {
    let (nobody, all, answer) = ("0.0.0.0:68", "255.255.255.255:67", "255.255.255.255:68");
    let (server, id) = (format!("10.0.0.{n}:67"), [10, 0, 0, n]);
    let grants: [(u8, &[u8]); 4] = [(54, &id), (51, &[0, 0, 14, 16]), (3, &router), (6, &dns)];
    let (xid, yours) = (u32::from(client) << 8 | n as u32, [10, 0, 1, client]);
    let messages = [
        (0, nobody, all, dhcp_message(1, xid, [0; 4], client, 1, &[])),
        (5, &*server, answer, dhcp_message(2, xid, yours, client, 2, &grants)),
        (9, nobody, all, dhcp_message(1, xid, [0; 4], client, 3, &[(50, &yours), (54, &id)])),
        (14, &*server, answer, dhcp_message(2, xid, yours, client, 5, &grants)),
    ];
    for (later, from, to, message) in messages {
        let frame = Frame::udp(from, to, &message);
        let source = if from == nobody { MacAddr([2, 0, 0, 0, 0, client]) } else { mac(frame.src.addr) };
        s.frame(at(ms + later), eth(source, MacAddr([255; 6]), 0x0800, &frame.packet()));
    }
}

fn second_server(s: &mut Stage) {
    s.by_calendar();
    s.office(0, 9 * DAY);
    for day in 0..9 {
        for client in 10..20 {
            lease(s, day * DAY + 8 * HOUR + i64::from(client) * MINUTE, client, 2, [10, 0, 0, 1], [10, 0, 0, 53]);
        }
    }
    let begin = 8 * DAY + 10 * HOUR;
    for client in 10..14 {
        lease(s, begin + i64::from(client) * 10 * SECOND, client, 66, [10, 0, 0, 66], [10, 0, 0, 66]);
    }
    s.expect("rogue-gateway/dhcp-server/accepted", "10.0.0.66", begin, begin + 5 * MINUTE);
}

fn second_router(s: &mut Stage) {
    s.by_calendar();
    s.office(0, 9 * DAY);
    let router = (mac(addr(GATEWAY)), addr("fe80::1"));
    for k in 0..9 * 24 {
        let frame = router_advertisement(router, addr("2001:db8:1::"), addr("2001:db8:1::53"));
        s.frame(at(k * HOUR), frame);
    }
    let begin = 8 * DAY + 10 * HOUR;
    for k in 0..20 {
        let liar = (mac(addr(LIAR)), addr("fe80::66"));
        s.frame(
            at(begin + k * 10 * SECOND),
            router_advertisement(liar, addr("2001:db8:66::"), addr("2001:db8:66::66")),
        );
    }
    s.expect("rogue-gateway/ra", "fe80::66", begin, begin + 5 * MINUTE);
}

fn self_named(s: &mut Stage) {
    s.by_calendar();
    s.office(0, 9 * DAY);
    let begin = 8 * DAY + 10 * HOUR;
    let (client_id, server_id) = (option6(1, &[0, 3, 0, 1, 2, 0, 0, 0, 0, 9]), option6(2, &[0, 2, 0, 0, 1, 55, 7]));
    let message = |kind: u8, parts: &[&[u8]]| [&[kind, 0, 0, 5][..], &parts.concat()].concat();
    let (client, group, liar) = ("[fe80::20]:546", "[ff02::1:2]:547", "[fe80::66]:547");
    let dns = option6(23, addr("fe80::66").octets());
    let granted = option6(
        3,
        &[
            &[0, 0, 0, 1, 0, 0, 7, 8, 0, 0, 11, 64][..],
            &option6(5, &[addr("fe80::7:7").octets(), &[0, 0, 14, 16, 0, 0, 28, 32][..]].concat()),
        ]
        .concat(),
    );
    let wanted = option6(3, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    let reply = [&client_id[..], &server_id, &granted, &dns].concat();
    let all = [
        (client, group, message(1, &[&client_id, &wanted])),
        (liar, client, message(2, &[&reply])),
        (client, group, message(3, &[&client_id, &server_id, &wanted])),
        (liar, client, message(7, &[&reply])),
    ];
    for (k, (from, to, bytes)) in all.iter().enumerate() {
        s.packet(at(begin + 5 * k as i64), &Frame::udp(*from, *to, bytes));
    }
    s.expect("rogue-gateway/dhcpv6-dns", "fe80::66", begin, begin + 5 * MINUTE);
}

fn starvation(s: &mut Stage) {
    s.by_calendar();
    s.office(0, 9 * DAY);
    for day in 0..9 {
        for client in 10..20 {
            lease(s, day * DAY + 8 * HOUR + i64::from(client) * MINUTE, client, 2, [10, 0, 0, 1], [10, 0, 0, 53]);
        }
    }
    let begin = 8 * DAY + 10 * HOUR;
    for k in 0..60u8 {
        let frame = Frame::udp("0.0.0.0:68", "255.255.255.255:67", &dhcp_message(1, k.into(), [0; 4], 100 + k, 1, &[]));
        s.frame(at(begin + i64::from(k) * 900), eth(link(LIAR).0, MacAddr([255; 6]), 0x0800, &frame.packet()));
    }
    s.expect("rogue-gateway/dhcp-starvation", "::", begin, begin + 2 * MINUTE);
}

/// A NetBIOS name in its half-byte form (RFC 1001 §14.1).
fn netbios(text: &str) -> String {
    let padded = format!("{:15}\0", text.to_uppercase());
    padded.bytes().flat_map(|b| [b'A' + (b >> 4), b'A' + (b & 15)]).map(char::from).collect()
}

/// A question to everybody by one of the three ways, and the liar's answer with its own address.
pub(super) fn lie(s: &mut Stage, ms: i64, victim: &str, liar: &str, port: u16, text: &str) {
    let group = match port {
        5355 => "224.0.0.252:5355",
        137 => "10.0.255.255:137",
        _ => "224.0.0.251:5353",
    };
    let id = s.random.draw() as u16;
    let own = addr(liar).as_v4().expect("IPv4");
    let (spoken, kind, data) = match port {
        137 => (netbios(text), kind::NB, [&[0, 0][..], &own].concat()),
        5353 => (format!("{text}.local"), kind::A, own.to_vec()),
        _ => (text.to_owned(), kind::A, own.to_vec()),
    };
    let answer = record(&name(&spoken), kind, 30, &data);
    let (ask, tell) = match port {
        137 => {
            let ask = [header(id, 0x0110, [1, 0, 0, 0]), asked(&spoken, kind)].concat();
            (ask, [header(id, 0x8500, [0, 1, 0, 0]), answer].concat())
        }
        5353 => (question(0, &spoken, kind), [header(0, 0x8400, [0, 1, 0, 0]), answer].concat()),
        _ => {
            let ask = [header(id, 0, [1, 0, 0, 0]), asked(&spoken, kind)].concat();
            (ask, [header(id, 0x8000, [1, 1, 0, 0]), asked(&spoken, kind), answer].concat())
        }
    };
    let from = (addr(victim), if port == 5355 { s.port() } else { port });
    s.packet(at(ms), &Frame::udp(from, group, &ask));
    let to: Endpoint = if port == 5353 { group.into() } else { from.into() };
    s.packet(at(ms + 2), &Frame::udp((addr(liar), port), to, &tell));
}

fn poison(s: &mut Stage) {
    s.office(8 * HOUR, 11 * HOUR);
    let victims = ["10.0.1.20", "10.0.1.21", "10.0.1.22"];
    for (k, text) in ["filesrvv", "wpad", "printr1"].iter().enumerate() {
        for (n, port) in [5355, 137, 5353].into_iter().enumerate() {
            lie(s, MORNING + (k * 20 + n) as i64 * SECOND, victims[k], LIAR, port, text);
        }
    }
    // Such tools call themselves by a made-up name; a machine whose challenge has the name asked for is its owner (own-name sources).
    let mut login = Login::new("OFFICE", "user10", "PC10", "WIN-PRH492RQAFV", 3);
    login.challenge = *b"\x11\x22\x33\x44\x55\x66\x77\x88";
    let c = s.open(MORNING + 4 * SECOND, victims[0], &format!("{LIAR}:445"));
    s.add(&mut Smb::new(c).login_with(&login, crate::windows::smb2::LOGON_FAILURE).done().fin());
    s.involve(victims[0]);
    s.expect("name-poisoning/captured", LIAR, MORNING, MORNING + MINUTE);
    s.expect("name-poisoning/many-names", LIAR, MORNING, MORNING + 2 * MINUTE);
    s.expect("name-poisoning/wpad", LIAR, MORNING, MORNING + 2 * MINUTE);
    s.expect("ntlm-downgrade/fixed-challenge", LIAR, MORNING, MORNING + 2 * MINUTE);
}
