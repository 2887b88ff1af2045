use crate::testing::{Line, Message, addr, judge, of};
use sekisho_finding::{Finding, Severity, Stage};

const RESOLVER: &str = "10.0.0.53";
const EVIL: &str = "203.0.113.66";
const TOP: &str = "192.0.2.1";
const REAL: &str = "198.51.100.80";

fn found(lines: Vec<Line>) -> Vec<Finding> {
    of(&judge(&lines), "dns-poison-kashpureff")
}

/// `RESOLVER` asks `server` for `name`; the answer as `fill` makes it.
fn exchange(at: f64, server: &str, name: &str, fill: impl FnOnce(Message) -> Message) -> Vec<Line> {
    let id = 1000 + at as u16;
    let reply = Message::reply(at + 0.1, server, RESOLVER, 3000, id, name);
    let packet = 10 * at as u64;
    vec![Message::query(at, RESOLVER, 3000, server, id, name).line(packet), fill(reply).line(packet + 1)]
}

/// The top-level domain refers to the servers of `evil.test` and `victim.test`.
fn referrals() -> Vec<Line> {
    let refer = |zone: &'static str, server: &'static str| {
        move |m: Message| {
            let ns = format!("ns.{zone}");
            m.not_authoritative().record(2, zone, 2, 300, &ns).record(3, &ns, 1, 300, server)
        }
    };
    let mut lines = exchange(1.0, TOP, "x.evil.test", refer("evil.test", EVIL));
    lines.extend(exchange(2.0, TOP, "www.victim.test", refer("victim.test", REAL)));
    lines.extend(exchange(3.0, REAL, "www.victim.test", |m| m.answer("www.victim.test", 1, "198.51.100.9")));
    lines
}

fn smuggled(m: Message) -> Message {
    m.answer("x.evil.test", 1, EVIL).record(3, "www.victim.test", 1, 3600, EVIL)
}

#[test]
fn a_foreign_address_in_the_additional_section() {
    let all = found(exchange(1.0, EVIL, "x.evil.test", smuggled));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!(finding.code(), "dns-poison-kashpureff/unrelated-additional");
    assert_eq!((finding.severity, finding.confidence.to_string().as_str()), (Severity::Low, "0.40"));
    assert_eq!((finding.subject, finding.peers.named()), (addr(RESOLVER), &[addr(EVIL)][..]));
    assert_eq!(finding.quotes[0].text, "evil.test (taken from the question), asked for x.evil.test");
    assert_eq!(finding.quotes[1].text, "additional: www.victim.test A 203.0.113.66 (kept for 3600 s)");
}

#[test]
fn one_that_contradicts_what_is_known_is_worse() {
    let mut lines = referrals();
    lines.extend(exchange(4.0, EVIL, "x.evil.test", smuggled));
    let all = found(lines);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.severity, finding.stage), (Severity::High, Stage::Recon));
    assert_eq!(finding.quotes[0].text, "evil.test (told by a referral), asked for x.evil.test");
    assert!(finding.quotes[1].text.ends_with("known: 198.51.100.9"), "{}", finding.quotes[1].text);
}

#[test]
fn accepted_once_a_client_is_told() {
    let tell = |at: f64, name: &str, data: &str| {
        let reply = Message::reply(at + 0.1, RESOLVER, "10.0.0.7", 4000, 9, name).recursive().answer(name, 1, data);
        vec![Message::query(at, "10.0.0.7", 4000, RESOLVER, 9, name).recursive().line(90), reply.line(91)]
    };
    let with = |later: Vec<Line>| {
        let mut lines = exchange(4.0, EVIL, "x.evil.test", smuggled);
        lines.extend(later);
        found(lines)
    };
    let all = with(tell(60.0, "www.victim.test", EVIL));
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].code(), "dns-poison-kashpureff/unrelated-additional/accepted");
    assert_eq!((all[0].severity, all[0].stage), (Severity::Critical, Stage::Credential));
    assert_eq!(all[0].peers.named(), [addr(EVIL), addr("10.0.0.7")]);
    // Another address; too late; or the domain's own server says the same.
    for later in [
        tell(60.0, "www.victim.test", "198.51.100.9"),
        tell(4000.0, "www.victim.test", EVIL),
        [
            exchange(5.0, REAL, "www.victim.test", |m| m.answer("www.victim.test", 1, EVIL)),
            tell(60.0, "www.victim.test", EVIL),
        ]
        .into_iter()
        .flatten()
        .collect(),
    ] {
        let all = with(later);
        assert!(all.iter().all(|f| f.confirmed.is_none()), "{all:?}");
    }
}

#[test]
fn servers_for_zones_above_and_beside() {
    let take = |zone: &'static str| {
        move |m: Message| {
            m.answer("x.evil.test", 1, EVIL).record(2, zone, 2, 300, "ns.evil.test").record(
                3,
                "ns.evil.test",
                1,
                300,
                EVIL,
            )
        }
    };
    for (zone, code, severity) in [
        ("victim.test", "authority-sideways", Severity::High),
        ("test", "authority-up", Severity::Low),
        ("nobody.example", "authority-sideways", Severity::Low),
    ] {
        let mut lines = referrals();
        lines.extend(exchange(4.0, EVIL, "x.evil.test", take(zone)));
        let all = found(lines);
        assert_eq!(all.len(), 1, "{zone}: {all:?}");
        assert_eq!((all[0].reason.code, all[0].severity), (code, severity), "{zone}");
        // The resolver believes it, and asks there.
        let mut lines = referrals();
        lines.extend(exchange(4.0, EVIL, "x.evil.test", take(zone)));
        let asked = if zone == "test" { "other.test" } else { &format!("www.{zone}") };
        lines.extend(exchange(9.0, EVIL, asked, |m| m.rcode(3)));
        let all = found(lines);
        assert_eq!(all[0].code(), format!("dns-poison-kashpureff/{code}/accepted"));
        assert_eq!(all[0].severity, Severity::Critical);
    }
}

#[test]
fn an_address_that_a_record_points_to_and_that_was_another() {
    let glue = |m: Message| {
        m.answer("x.evil.test", 1, EVIL).record(2, "evil.test", 2, 300, "www.victim.test").record(
            3,
            "www.victim.test",
            1,
            300,
            EVIL,
        )
    };
    let mut lines = referrals();
    lines.extend(exchange(4.0, EVIL, "x.evil.test", glue));
    let all = found(lines);
    assert_eq!((all.len(), all[0].severity, all[0].confidence.to_string().as_str()), (1, Severity::Medium, "0.70"));
    // Of a name that nothing is known of it is ordinary.
    assert!(found(exchange(4.0, EVIL, "x.evil.test", glue)).is_empty());
}

#[test]
fn referrals_upward() {
    let up = |m: Message| m.not_authoritative().record(2, "", 2, 300, "a.root-servers.net");
    let all = found(exchange(1.0, EVIL, "www.lame.test", up));
    assert_eq!((all.len(), all[0].reason.code, all[0].severity), (1, "upward-referral", Severity::Info));
}

#[test]
fn nearly() {
    // Nobody asked; an error; a zone transfer; a record of the server's own zone.
    let mut lines = exchange(1.0, EVIL, "x.evil.test", |m| smuggled(m).id(7));
    lines.extend(exchange(2.0, EVIL, "x.evil.test", |m| smuggled(m).rcode(2)));
    lines.extend(exchange(3.0, EVIL, "a.evil.test", |m| m.answer("b.evil.test", 1, EVIL)));
    lines.push(Message::query(4.0, RESOLVER, 3000, EVIL, 9, "evil.test").qtype(252).line(1));
    lines.push(smuggled(Message::reply(4.1, EVIL, RESOLVER, 3000, 9, "evil.test")).qtype(252).line(2));
    assert!(found(lines).is_empty());
}

#[test]
fn ordinary() {
    let mut lines = referrals();
    // Aliases into another domain, in any order, and its servers.
    lines.extend(exchange(10.0, REAL, "cdn.victim.test", |m| {
        m.answer("e1.edge.example", 1, "192.0.2.70")
            .answer("cdn.victim.test", 5, "www.edge.example")
            .answer("www.edge.example", 5, "e1.edge.example")
            .record(2, "edge.example", 2, 300, "ns.edge.example")
            .record(3, "ns.edge.example", 1, 300, "192.0.2.71")
    }));
    // Mail servers elsewhere with their addresses, signatures, and glue of both name servers.
    lines.extend(exchange(11.0, REAL, "victim.test", |m| {
        m.qtype(15)
            .answer("victim.test", 15, "mx.mail.example")
            .record(2, "victim.test", 2, 300, "ns.victim.test")
            .record(2, "victim.test", 2, 300, "ns.other.example")
            .record(3, "mx.mail.example", 1, 300, "192.0.2.72")
            .record(3, "mx.mail.example", 46, 300, "")
            .record(3, "ns.other.example", 28, 300, "2001:db8::1")
    }));
    // A server of two zones adds what it knows of the other.
    lines.extend(exchange(12.0, TOP, "www.sister.test", |m| {
        m.not_authoritative().record(2, "sister.test", 2, 300, "ns.victim.test").record(
            3,
            "ns.victim.test",
            1,
            300,
            REAL,
        )
    }));
    lines.extend(exchange(13.0, REAL, "www.victim.test", |m| {
        m.answer("www.victim.test", 1, "198.51.100.9").record(3, "www.sister.test", 1, 300, REAL)
    }));
    // The root's server refers to a top-level domain.
    lines.extend(exchange(14.0, "192.0.2.99", "www.some.example", |m| {
        m.not_authoritative().record(2, "example", 2, 300, "a.nic.example").record(
            3,
            "a.nic.example",
            1,
            300,
            "192.0.2.98",
        )
    }));
    // A resolver tells what it holds.
    lines.extend(exchange(15.0, "9.9.9.9", "www.some.example", |m| {
        m.recursive().answer("www.some.example", 1, "192.0.2.97").record(2, "", 2, 300, "a.root-servers.net").record(
            2,
            "example",
            2,
            300,
            "a.nic.example",
        )
    }));
    let all = found(lines);
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn tables_are_bounded() {
    let mut lines = Vec::new();
    for n in 0..6_000u32 {
        let [a, b] = [n / 200, n % 200];
        let server = format!("203.{}.{a}.{b}", 1 + n % 3);
        lines.extend(exchange(f64::from(n), &server, &format!("x.evil{n}.test"), |m| {
            m.record(3, &format!("www.victim{n}.test"), 1, 3600, EVIL)
        }));
    }
    let verdict = judge(&lines);
    let spent = verdict.spent.iter().find(|s| s.id == "dns-poison-kashpureff").unwrap();
    assert!(spent.forgotten > 0 && spent.held_len < 4_000_000, "{spent:?}");
}
