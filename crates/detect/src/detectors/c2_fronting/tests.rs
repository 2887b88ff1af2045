use super::*;
use crate::testing::{Cell, Line, addr, between, judge, judge_in, line, of};
use crate::testing_tls::{NOW, cert, session};

const HOST: &str = "10.0.0.5";
const PEER: &str = "203.0.113.9";

fn text(t: &str) -> Cell {
    Cell::Text(t.as_bytes().to_vec())
}

/// A request in flow 7.
fn request(method: &'static str, uri: &str, host: &str, decrypted: bool) -> Line {
    let columns = [
        ("ts", Cell::Time(NOW)),
        ("uid", Cell::Uid(7)),
        ("id.orig_h", Cell::Addr(addr(HOST))),
        ("id.resp_h", Cell::Addr(addr(PEER))),
        ("method", text(method)),
        ("uri", text(uri)),
        ("host", text(host)),
        ("decrypted", Cell::Flag(decrypted)),
    ];
    line("http", 11, &columns)
}

fn get(host: &str) -> Line {
    request("GET", "/", host, true)
}

fn tls(name: &str, chain: &[&str]) -> Line {
    session(HOST, PEER, name, chain).line()
}

fn found(lines: &[Line]) -> Vec<(String, Severity, String)> {
    let all = of(&judge(lines), "c2-fronting");
    all.iter().map(|f| (f.reason.code.to_owned(), f.severity, f.key.clone())).collect()
}

fn one(code: &str, severity: Severity, key: &str) -> Vec<(String, Severity, String)> {
    vec![(code.to_owned(), severity, key.to_owned())]
}

#[test]
fn a_request_for_another_domain() {
    let want = one("sni-host", Severity::High, "b.example in www.a.test");
    let own = || cert("own", "ca").with("names", Cell::Texts(vec!["www.a.test".into()])).line();
    assert_eq!(found(&[own(), tls("www.a.test", &["own"]), get("B.example:443")]), want);
    let resumed = one("sni-host", Severity::Medium, "b.example in www.a.test");
    assert_eq!(found(&[tls("www.a.test", &[]), get("b.example")]), resumed);
    let lines = [own(), tls("www.a.test", &["own"]), get("b.example"), get("b.example")];
    let all = of(&judge(&lines), "c2-fronting");
    assert_eq!((all[0].count, all[0].confidence), (1, Confidence::percent(80)), "told once a connection");
    let v6 = session("fd00::5", "2001:db8::9", "a.test", &[]).line();
    let within = between(
        "http",
        NOW,
        ("fd00::5", "2001:db8::9"),
        &[("method", text("GET")), ("host", text("b.example")), ("decrypted", Cell::Flag(true))],
    );
    assert_eq!(found(&[v6, within]).len(), 0, "of another flow");
}

#[test]
fn two_names_in_one_request() {
    let told = |authority: &str, host: &str| {
        let mut columns = vec![("authority", text(authority)), ("other_host", text(host))];
        columns.retain(|c| !matches!(&c.1, Cell::Text(t) if t.is_empty()));
        found(&[between("web_client", NOW, (HOST, PEER), &columns)])
    };
    let want = one("sni-host", Severity::Medium, "hidden.test in www.good.example");
    assert_eq!(told("www.good.example:443", "hidden.test"), want);
    assert_eq!(told("www.good.example", "api.good.example").len(), 0);
    assert_eq!(told("", "").len() + told("203.0.113.9", "hidden.test").len(), 0);
}

#[test]
fn a_tunnel_to_another_domain() {
    let connect = |name| request("CONNECT", name, name, false);
    let want = one("connect-sni", Severity::High, "hidden.example in good.test");
    assert_eq!(found(&[connect("good.test:443"), tls("hidden.example", &[])]), want);
    assert_eq!(found(&[connect("www.good.test:443"), tls("api.good.test", &[])]).len(), 0, "one domain");
    assert_eq!(found(&[connect("203.0.113.9:443"), tls("hidden.example", &[])]).len(), 0, "an address");
    assert_eq!(found(&[connect("good.test:443"), tls("", &[])]).len(), 0, "nothing asked");
}

#[test]
fn connections_are_shared_by_the_names_of_a_certificate() {
    let both = |names: &[&str], count: u64| {
        let names = Cell::Texts(names.iter().map(|n| (*n).to_owned()).collect());
        cert("cdn", "ca").with("names", names).with("name_count", Cell::Count(count)).line()
    };
    let lines = |cert: Line| [cert, tls("www.a.test", &["cdn"]), get("b.example")];
    let low = one("sni-host", Severity::Low, "b.example in www.a.test");
    let high = one("sni-host", Severity::High, "b.example in www.a.test");
    assert_eq!(found(&lines(both(&["*.a.test", "b.example"], 2))), low);
    assert_eq!(found(&lines(both(&["*.a.test"], 100))), low, "more names than are kept");
    assert_eq!(found(&lines(both(&["*.a.test", "c.example"], 2))), high);
    assert_eq!(found(&lines(both(&["*.b.example", "*.a.test"], 2))), high, "a star is one label");
}

/// The host asks DNS for a name.
fn resolves(at: f64, host: &str, name: &str, to: &str) -> Line {
    let answers = Cell::Texts(vec![to.to_owned()]);
    between("dns", at, (host, "10.0.0.53"), &[("query", text(name)), ("qtype", Cell::Count(1)), ("answers", answers)])
}

/// Sessions of a host to places that it has resolved, for two hours.
fn usual(host: &str, count: u32) -> Vec<Line> {
    let mut lines = Vec::new();
    for n in 0..count {
        let (at, name, to) = (NOW + f64::from(n) * 240.0, format!("www{n}.example"), format!("198.51.100.{}", n + 1));
        lines.push(resolves(at - 1.0, host, &name, &to));
        lines.push(session(host, &to, &name, &[]).with("ts", Cell::Time(at)).line());
    }
    lines
}

fn unresolved(at: f64) -> Line {
    session(HOST, PEER, "hidden.example", &[]).with("ts", Cell::Time(at)).with("uid", Cell::Uid(99)).line()
}

#[test]
fn an_address_that_dns_has_not_given() {
    let mut lines = usual(HOST, 30);
    lines.push(unresolved(NOW + 7_300.0));
    assert_eq!(found(&lines), one("sni-unresolved", Severity::Low, "hidden.example"));
    // Nobody else of many goes there.
    let mut calls: Vec<Line> = (1..=12)
        .map(|n| crate::testing_flow::Flow::used(NOW, &format!("10.0.0.{n}"), "198.51.100.1", 443).line(n))
        .collect();
    calls.extend(lines);
    assert_eq!(found(&calls), one("sni-unresolved", Severity::Medium, "hidden.example"));
}

#[test]
fn nearly_unresolved() {
    let with = |count: u32, more: Vec<Line>| {
        let mut lines = usual(HOST, count);
        lines.extend(more);
        found(&lines).len()
    };
    assert_eq!(with(19, vec![unresolved(NOW + 7_300.0)]), 0, "nineteen others");
    assert_eq!(with(30, vec![unresolved(NOW + 3_599.0)]), 0, "within the first hour");
    // It has got the name, at another address; it has got the address, for another name; it uses encrypted DNS.
    let later = || unresolved(NOW + 7_300.0);
    assert_eq!(with(30, vec![resolves(NOW, HOST, "Hidden.example", "203.0.113.77"), later()]), 0);
    assert_eq!(with(30, vec![resolves(NOW, HOST, "x.example", PEER), later()]), 0);
    assert_eq!(with(30, vec![resolves(NOW, "10.0.0.6", "hidden.example", PEER), later()]), 1, "another host has");
    let doh = session(HOST, "198.51.100.99", "mozilla.cloudflare-dns.com", &[]).line();
    assert_eq!(with(30, vec![doh, later()]), 0);
    // Many sessions without an explanation: it has other ways to get names.
    let others = (0..3).map(|n| session(HOST, PEER, &format!("x{n}.example"), &[]).line());
    assert_eq!(with(30, others.chain([later()]).collect()), 0);
}

#[test]
fn no_proper_name() {
    for name in ["203.0.113.9", "a b.example", "2001:db8::9", "localhost"] {
        assert_eq!(found(&[tls(name, &[])]), one("ip-sni", Severity::Low, name));
    }
    let inside = session(HOST, "10.0.0.9", "10.0.0.9", &[]).line();
    assert_eq!(found(&[inside, tls("", &[]), tls("x_y.example", &[]), tls("xn--bcher-kva.example", &[])]).len(), 0);
}

#[test]
fn ordinary() {
    // Names below one domain, in clear, by address, from outside.
    assert_eq!(found(&[tls("www.a.test", &[]), get("api.a.test"), get("a.test."), get("203.0.113.9")]).len(), 0);
    assert_eq!(found(&[tls("www.a.test", &[]), request("GET", "/", "b.example", false)]).len(), 0);
    assert_eq!(found(&[session(PEER, HOST, "www.a.test", &[]).line()]).len(), 0);
}

#[test]
fn stays_within_bounds() {
    let scope = Scope { memory_len: Some(4 << 20), ..Scope::new(&[], 0) };
    let mut lines: Vec<Line> = Vec::new();
    for n in 0..20_000u64 {
        let host = format!("10.{}.{}.7", n >> 8 & 255, n & 255);
        lines.push(resolves(NOW + n as f64, &host, &format!("n{n}.example"), "198.51.100.1"));
        let name = format!("{}.example", "x".repeat(200));
        lines.push(session(&host, PEER, &name, &[]).with("uid", Cell::Uid(n)).line());
    }
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-fronting").unwrap();
    assert!(spent.held_len < 500 << 10 && spent.forgotten > 40_000, "{spent:?}");
}
