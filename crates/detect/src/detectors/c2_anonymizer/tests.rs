use super::*;
use crate::testing::{Cell, Line, addr, judge, judge_in, line, of};
use crate::testing_flow::Flow;
use sekisho_finding::Finding;

const HOST: &str = "10.0.0.5";

fn session(uid: u64, host: &str, peer: &str, name: &str, validation: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(1000.0 + uid as f64)),
        ("uid", Cell::Uid(uid)),
        ("id.orig_h", Cell::Addr(addr(host))),
        ("id.resp_h", Cell::Addr(addr(peer))),
        ("id.resp_p", Cell::Port(443)),
        ("server_name", Cell::Text(name.into())),
        ("validation_status", Cell::Text(validation.into())),
    ];
    line("ssl", uid, &columns)
}

fn payload(uid: u64, entropy: Option<u64>, len: u64) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(1000.0)),
        ("uid", Cell::Uid(uid)),
        ("id.orig_h", Cell::Addr(addr(HOST))),
        ("id.resp_h", Cell::Addr(addr("203.0.113.9"))),
        ("len", Cell::Count(len)),
    ];
    columns.extend(entropy.map(|e| ("entropy", Cell::Count(e))));
    line("stranger", uid, &columns)
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "c2-anonymizer")
}

fn codes(all: &[Finding]) -> Vec<(&str, Severity)> {
    all.iter().map(|f| (f.reason.code, f.severity)).collect()
}

#[test]
fn tor_by_its_names() {
    let all = found(&[
        session(1, HOST, "203.0.113.9", "www.6dyxkqo3lpxvb.com", ""),
        session(2, HOST, "203.0.113.10", "www.q4ckxfr7ahz3.net", "self signed certificate"),
        session(3, HOST, "203.0.113.11", "www.xv2ybgwk5q.net", ""),
    ]);
    assert_eq!(codes(&all), [("tor", Severity::Medium)]);
    assert_eq!((all[0].count, all[0].peers.named().len(), all[0].key.as_str()), (3, 3, "Tor"));
    let v6 = [
        session(1, "fd00::5", "2001:db8::9", "www.6dyxkqo3lpxvb.com", ""),
        session(2, "fd00::5", "2001:db8::a", "www.q4ckxfr7ahz3.net", ""),
    ];
    assert_eq!(found(&v6).len(), 1);
}

#[test]
fn tor_by_a_list() {
    let judged = |text: &str, flow: Flow| {
        let mut table = Table::default();
        table.add("relays.csv", text.as_bytes(), None);
        let scope = Scope { intel: Arc::new(table), ..Scope::new(&[], 0) };
        of(&judge_in(&scope, &[flow.line(1)]), "c2-anonymizer")
    };
    let flow = Flow::used(1000.0, HOST, "203.0.113.9", 9001);
    let listed = judged("ip,label\n203.0.113.9,Tor relay\n", flow.clone());
    assert_eq!(codes(&listed), [("tor", Severity::Medium)]);
    assert_eq!(listed[0].confidence, Confidence::percent(80));
    assert_eq!(judged("ip,label\n203.0.113.9,monitor\n", flow).len(), 0);
    assert_eq!(judged("ip,label\n203.0.113.9,tor\n", Flow::unanswered(1000.0, HOST, "203.0.113.9", 9001)).len(), 0);
}

#[test]
fn tunnels_and_proxies() {
    for (app, code, severity) in [
        ("wireguard", "vpn-protocol", Severity::Low),
        ("openvpn", "vpn-protocol", Severity::Low),
        ("socks,http", "socks", Severity::Medium),
    ] {
        let out = Flow::used(1000.0, HOST, "203.0.113.9", 4000).app(app);
        assert_eq!(codes(&found(&[out.line(1)])), [(code, severity)], "{app}");
        let inside = Flow::used(1000.0, HOST, "10.0.0.9", 4000).app(app);
        let inwards = Flow::used(1000.0, "203.0.113.9", HOST, 4000).app(app);
        let mute = Flow::used(1000.0, HOST, "203.0.113.9", 4000).app(app).sized(1.0, 500, 0);
        assert_eq!(found(&[inside.line(1), inwards.line(2), mute.line(3)]).len(), 0, "{app}");
    }
    // One of many hosts.
    let mut lines: Vec<Line> =
        (1..=12).map(|n| Flow::used(900.0, &format!("10.0.0.{n}"), "198.51.100.1", 443).app("ssl").line(n)).collect();
    lines.push(Flow::used(1000.0, HOST, "203.0.113.9", 51820).app("wireguard").line(99));
    assert_eq!(codes(&found(&lines)), [("vpn-protocol", Severity::Medium)]);
    let sstp = [
        ("ts", Cell::Time(1000.0)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr(HOST))),
        ("id.resp_h", Cell::Addr(addr("203.0.113.9"))),
        ("method", Cell::Text(b"SSTP_DUPLEX_POST".to_vec())),
        ("uri", Cell::Text(b"/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/".to_vec())),
    ];
    assert_eq!(codes(&found(&[line("http", 1, &sstp)])), [("vpn-protocol", Severity::Low)]);
}

#[test]
fn noise_from_the_first_byte_on() {
    let noise = |entropies: [Option<u64>; 4], len: u64, flow: Flow| {
        // A flow's uid is its packet's number and a thousand.
        let mut lines: Vec<Line> = entropies.map(|e| payload(1_007, e, len)).into();
        lines.push(flow.line(7));
        found(&lines)
    };
    let flow = || Flow::used(1000.0, HOST, "203.0.113.9", 8388).sized(60.0, 40_000, 70_000);
    let high = Some(7_800);
    assert_eq!(codes(&noise([high, high, Some(5_000), high], 1_400, flow())), [("obfuscated", Severity::Low)]);
    assert_eq!(noise([high, high, Some(7_311), Some(7_311)], 1_400, flow()).len(), 0, "two of four");
    assert_eq!(noise([high; 4], 511, flow()).len(), 0, "too short to tell");
    assert_eq!(noise([None; 4], 100, flow()).len(), 0);
    assert_eq!(noise([high; 4], 1_400, flow().sized(60.0, 40_000, 59_999)).len(), 0, "too little");
    assert_eq!(noise([high; 4], 1_400, flow().sized(60.0, 999, 200_000)).len(), 0, "only one end speaks");
    assert_eq!(noise([high; 4], 1_400, flow().app("ssl")).len(), 0, "a protocol that is known");
}

#[test]
fn nearly() {
    let tor = |name: &str| session(2, HOST, "203.0.113.10", name, "");
    let first = || session(1, HOST, "203.0.113.9", "www.6dyxkqo3lpxvb.com", "");
    for name in [
        // Letters that base 32 has not, too short or long, another end, no www, a name that people made.
        "www.q4ckxfr8ahz3.net",
        "www.q4c.net",
        "www.q4ckxfr7ahz3q4ckxfr7ahz3ab.net",
        "www.q4ckxfr7ahz3.org",
        "ftp.q4ckxfr7ahz3.net",
        "www.mountainweather.com",
        "www..com",
        "www.com",
    ] {
        assert_eq!(found(&[first(), tor(name)]).len(), 0, "{name}");
    }
    // One place, or the same twice; a certificate that is vouched for; another host.
    assert_eq!(found(&[first(), session(2, HOST, "203.0.113.9", "www.q4ckxfr7ahz3.net", "")]).len(), 0);
    assert_eq!(found(&[first(), session(2, HOST, "203.0.113.10", "www.q4ckxfr7ahz3.net", "ok")]).len(), 0);
    assert_eq!(found(&[first(), session(2, "10.0.0.6", "203.0.113.10", "www.q4ckxfr7ahz3.net", "")]).len(), 0);
    // Somebody resolved it.
    let dns = [
        ("ts", Cell::Time(999.0)),
        ("id.orig_h", Cell::Addr(addr(HOST))),
        ("id.resp_h", Cell::Addr(addr("10.0.0.53"))),
        ("query", Cell::Text(b"www.q4ckxfr7ahz3.net".to_vec())),
        ("qtype", Cell::Count(1)),
        ("answers", Cell::Texts(vec!["203.0.113.10".into()])),
    ];
    assert_eq!(found(&[line("dns", 1, &dns), first(), tor("www.q4ckxfr7ahz3.net")]).len(), 0);
}

#[test]
fn ordinary() {
    let lines: Vec<Line> = ["www.example.com", "www.google.com", "www.nhk.com", "www.wordpress.com", "www.bbc.net"]
        .iter()
        .zip(1..)
        .map(|(name, n)| session(n, HOST, &format!("203.0.113.{n}"), name, ""))
        .collect();
    assert_eq!(found(&lines).len(), 0);
}

#[test]
fn stays_within_bounds() {
    let scope = Scope { memory_len: Some(4 << 20), ..Scope::new(&[], 0) };
    let mut lines: Vec<Line> = Vec::new();
    for n in 0..20_000u64 {
        let host = format!("10.{}.{}.7", n >> 8 & 255, n & 255);
        lines.push(session(n + 1, &host, "203.0.113.9", "www.q4ckxfr7ahz3.net", ""));
        lines.push(payload(n + 1, Some(7_900), 1_400));
        lines.push(session(n + 1, HOST, &format!("198.51.{}.{}", n >> 8 & 255, n & 255), "www.q4ckxfr7ahz3.net", ""));
    }
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-anonymizer").unwrap();
    assert!(spent.held_len < 200 << 10 && spent.forgotten > 30_000, "{spent:?}");
}
