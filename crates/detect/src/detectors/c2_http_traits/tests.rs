use super::*;
use crate::testing::{Cell, Line, addr, judge, judge_in, line, of};
use sekisho_finding::Finding;

const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0";

/// A request in the making: an ordinary one of a browser.
#[derive(Clone)]
struct Ask {
    at: f64,
    host: String,
    agent: &'static str,
    method: &'static str,
    uri: String,
    to: &'static str,
    peer: String,
    response_len: u64,
    fields: u64,
    order: u64,
    bare: bool,
    old: bool,
    token: Option<u64>,
    entropy: Option<u64>,
    payload: Option<&'static str>,
}

fn browser(n: u32) -> Ask {
    Ask {
        at: 1000.0 + f64::from(n) * 60.0,
        host: "10.0.0.5".into(),
        agent: BROWSER,
        method: "GET",
        uri: "/".into(),
        to: "www.example",
        peer: "203.0.113.9".into(),
        response_len: 5_000,
        fields: 9,
        order: 0o135264,
        bare: false,
        old: false,
        token: None,
        entropy: None,
        payload: None,
    }
}

/// Posts of an implant: rare agent, four fields, dense forms, an encoded cookie.
fn implant(n: u32) -> Ask {
    Ask {
        agent: "UPDater",
        method: "POST",
        uri: "/submit".into(),
        response_len: 2,
        fields: 4,
        bare: true,
        token: Some(u64::from(n) + 1),
        entropy: Some(7_800),
        to: "cdn.evil.example",
        ..browser(n)
    }
}

impl Ask {
    fn lines(&self, uid: u64) -> [Line; 2] {
        let ends = [
            ("ts", Cell::Time(self.at)),
            ("uid", Cell::Uid(uid)),
            ("id.orig_h", Cell::Addr(addr(&self.host))),
            ("id.resp_h", Cell::Addr(addr(&self.peer))),
        ];
        let mut told = ends.to_vec();
        told.extend([
            ("field_count", Cell::Count(self.fields)),
            ("order", Cell::Count(self.order)),
            ("names", Cell::Text(b"Host, User-Agent".to_vec())),
            ("bare", Cell::Flag(self.bare)),
            ("old", Cell::Flag(self.old)),
        ]);
        told.extend(self.token.map(|t| ("token", Cell::Count(t))));
        told.extend(self.entropy.map(|e| ("entropy", Cell::Count(e))));
        told.extend(self.payload.map(|p| ("payload", Cell::Word(p))));
        let mut row = ends.to_vec();
        let text = |t: &str| Cell::Text(t.as_bytes().to_vec());
        row.extend([
            ("method", text(self.method)),
            ("host", text(self.to)),
            ("uri", text(&self.uri)),
            ("user_agent", text(self.agent)),
            ("status_code", Cell::Count(200)),
            ("response_body_len", Cell::Count(self.response_len)),
        ]);
        [line("web_client", uid, &told), line("http", uid, &row)]
    }
}

/// Five hosts that browse, and these requests.
fn found(asks: impl IntoIterator<Item = Ask>) -> Vec<Finding> {
    let office = (0..50).map(|n| Ask { host: format!("10.0.1.{}", n % 5), at: 900.0, ..browser(n) });
    let asks: Vec<Ask> = office.chain(asks).collect();
    let lines: Vec<Line> = asks.iter().zip(1..).flat_map(|(ask, uid)| ask.lines(uid)).collect();
    of(&judge(&lines), "c2-http-traits")
}

#[test]
fn an_implant_posts() {
    let all = found((0..20).map(implant));
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("c2-http-traits/traits", Severity::High));
    assert_eq!((finding.subject, finding.key.as_str(), finding.count), (addr("10.0.0.5"), "cdn.evil.example", 20));
    let points = finding.measures.iter().find(|m| m.name == "points").unwrap();
    assert_eq!(points.value(), 9.0, "agent 2, odd 2, bare 1, forms 2, encoded 2");
    // It is given a program.
    let with = (0..20).map(|n| Ask { payload: (n == 9).then_some("application/x-dosexec"), ..implant(n) });
    let all = found(with);
    assert_eq!(all.iter().map(|f| f.reason.code).collect::<Vec<_>>(), ["payload"]);
    assert_eq!(all[0].confidence, Confidence::percent(75));
}

#[test]
fn over_version_six_and_by_address() {
    let all = found((0..6).map(|n| Ask {
        host: "fd00::5".into(),
        peer: "2001:db8::9".into(),
        to: "[2001:db8::9]:8080",
        method: "GET",
        ..implant(n)
    }));
    let points = |f: &Finding| f.measures.iter().find(|m| m.name == "points").unwrap().value();
    // Agent 2, odd 2, address 1, bare 1, encoded 2.
    assert_eq!(all.iter().map(points).collect::<Vec<_>>(), [8.0]);
}

#[test]
fn fields_in_another_order() {
    let disguised =
        |n| Ask { order: 0o123456, to: "198.51.100.9", old: true, token: Some(7 + u64::from(n)), ..browser(n) };
    let all = found((0..6).map(disguised));
    assert_eq!(all.iter().map(|f| f.severity).collect::<Vec<_>>(), [Severity::Medium], "{all:?}");
    // The same with the usual order.
    assert_eq!(found((0..6).map(|n| Ask { order: browser(n).order, ..disguised(n) })).len(), 0);
}

#[test]
fn nearly() {
    // Four requests; two lines; five points.
    assert_eq!(found((0..4).map(implant)).len(), 0);
    assert_eq!(found((0..9).map(|n| Ask { agent: "UPDater", ..browser(n) })).len(), 0);
    let five = |n| Ask { agent: "UPDater", fields: 4, bare: true, ..browser(n) };
    assert_eq!(found((0..9).map(five)).len(), 0);
    // The same cookie each time; forms that are text; answers that say something: below six points each.
    let quiet = |n| Ask { agent: "updater/1", ..implant(n) };
    assert_eq!(found((0..9).map(quiet)).len(), 1);
    assert_eq!(found((0..9).map(|n| Ask { token: Some(1), ..quiet(n) })).len(), 0);
    assert_eq!(found((0..9).map(|n| Ask { entropy: Some(7_299), ..quiet(n) })).len(), 0);
    assert_eq!(found((0..9).map(|n| Ask { entropy: None, ..quiet(n) })).len(), 0);
    assert_eq!(found((0..9).map(|n| Ask { response_len: 101, ..quiet(n) })).len(), 0);
}

#[test]
fn ordinary() {
    // A script that fetches from a mirror, updates that six hosts fetch, browsing with a session's cookie.
    assert_eq!(found((0..30).map(|n| Ask { agent: "curl/8.14", fields: 3, bare: true, ..browser(n) })).len(), 0);
    let fleet = |n| Ask { host: format!("10.0.1.{}", n % 6), peer: "203.0.113.77".into(), ..implant(n) };
    let mut lines: Vec<Line> = Vec::new();
    for n in 0..60 {
        // A flow's uid is its packet's number and a thousand.
        lines.extend(fleet(n).lines(u64::from(n) + 6_000));
        let call = crate::testing_flow::Flow::used(1000.0 + f64::from(n) * 60.0, &fleet(n).host, "203.0.113.77", 80);
        lines.push(call.line(u64::from(n) + 5_000));
    }
    assert_eq!(of(&judge(&lines), "c2-http-traits").len(), 0);
    assert_eq!(found((0..60).map(|n| Ask { token: Some(9), uri: format!("/{n}"), ..browser(n) })).len(), 0);
    // Nothing was told of requests to servers at home.
    assert_eq!(found((0..9).map(|n| Ask { host: "203.0.113.5".into(), ..implant(n) })).len(), 0);
    assert!(!is_odd(BROWSER.as_bytes()) && is_odd(b"{x} y") && is_odd(b"abc") && !is_odd(b"curl/8"));
}

#[test]
fn stays_within_bounds() {
    let scope = Scope { memory_len: Some(4 << 20), ..Scope::new(&[], 0) };
    let mut lines: Vec<Line> = Vec::new();
    for n in 0..20_000u32 {
        let host = format!("10.{}.{}.7", n >> 8 & 255, n & 255);
        let uri = "/x".repeat(400);
        lines.extend(Ask { host, uri, order: u64::from(n), ..implant(n) }.lines(u64::from(n) + 1));
    }
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-http-traits").unwrap();
    assert!(spent.held_len < 400 << 10 && spent.forgotten > 15_000, "{spent:?}");
}
