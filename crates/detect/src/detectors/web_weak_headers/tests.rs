use super::csp::Policy;
use super::grade::grade;
use crate::testing::{Cell, Line as Row, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

const STRICT: &[&str] = &[
    "content-security-policy: default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "strict-transport-security: max-age=63072000; includeSubDomains; preload",
    "x-content-type-options: nosniff",
];

fn page(client: &str, tls: bool, fields: &[&str], elements: &[&str]) -> Row {
    let columns = [
        ("ts", Cell::Time(100.0)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr(client))),
        ("id.resp_h", Cell::Addr(addr("10.30.0.80"))),
        ("id.resp_p", Cell::Port(443)),
        ("packet", Cell::Count(5)),
        ("host", Cell::Text(b"www.office.test".to_vec())),
        ("uri", Cell::Text(b"/start?token=x".to_vec())),
        ("status", Cell::Count(200)),
        ("tls", Cell::Flag(tls)),
        ("is_page", Cell::Flag(true)),
        ("fields", Cell::Texts(fields.iter().map(|f| (*f).to_owned()).collect())),
        ("elements", Cell::Texts(elements.iter().map(|f| (*f).to_owned()).collect())),
    ];
    line("web_page", 6, &columns)
}

fn score(fields: &[&str], elements: &[&str], tls: bool) -> i32 {
    let fields: Vec<(&str, &str)> = fields.iter().filter_map(|f| f.split_once(": ")).collect();
    grade(&fields, elements, tls).score
}

#[test]
fn scores_of_pages() {
    let csp = |policy: &str| {
        score(
            &[&format!("content-security-policy: {policy}"), STRICT[1], STRICT[2], "x-frame-options: DENY"],
            &[],
            true,
        )
    };
    // 100, a strict policy +10, HSTS +5, frame-ancestors +5.
    assert_eq!(score(STRICT, &[], true), 120);
    // No policy -25, no HSTS -20, framing -20, types -5.
    assert_eq!(score(&[], &[], true), 30);
    assert_eq!(score(&[], &[], false), 50);
    for (policy, want) in [
        ("default-src 'self'; base-uri 'none'", 110),
        ("default-src 'self'", 100),
        ("default-src 'self' 'unsafe-inline'; base-uri 'none'", 85),
        ("script-src 'nonce-abc' 'unsafe-inline'; object-src 'none'; base-uri 'none'", 110),
        ("default-src *; base-uri 'none'", 85),
        ("default-src 'self'; script-src 'self' 'unsafe-eval'; base-uri 'none'", 95),
        ("default-src 'self'; img-src http://a.test; base-uri 'none'", 85),
        ("img-src 'self'; object-src 'none'; base-uri 'none'", 85),
        ("nonsense", 80),
    ] {
        assert_eq!(csp(policy), want, "{policy}");
    }
    let with = |field: &str| score(&[STRICT[0], STRICT[1], STRICT[2], field], &[], true);
    for (field, want) in [
        ("set-cookie: sessionid=1", 80),
        ("set-cookie: sessionid=1; Secure; HttpOnly", 120),
        ("set-cookie: sessionid=1; HttpOnly", 110),
        ("set-cookie: theme=1", 115),
        ("set-cookie: theme=1; SameSite=None", 95),
        ("set-cookie: sid=; Max-Age=0", 120),
        ("server: nginx/1.25.3", 120),
    ] {
        assert_eq!(with(field), want, "{field}");
    }
    let hsts = |v: &str| score(&[STRICT[0], &format!("strict-transport-security: {v}"), STRICT[2]], &[], true);
    assert_eq!((hsts("max-age=100"), hsts("max-age=20000000"), hsts("max-age=0")), (105, 115, 95));
    let open =
        [STRICT[0], STRICT[1], STRICT[2], "access-control-allow-origin: *", "access-control-allow-credentials: true"];
    assert_eq!(score(&open, &[], true), 70);
    assert_eq!(score(STRICT, &["unpinned https://cdn.test/a.js", "unpinned https://cdn.test/b.js"], true), 115);
    assert_eq!(score(STRICT, &["script http://cdn.test/a.js"], true), 70);
}

#[test]
fn policies() {
    assert!(Policy::parse("").is_none() && Policy::parse("<html>").is_none());
    let policy = Policy::parse("script-src 'nonce-R4nd'; script-src *").unwrap();
    assert_eq!(policy.nonce(), Some("r4nd"));
    assert!(!policy.allows_everything());
}

fn found(lines: &[Row]) -> Vec<Finding> {
    of(&judge(lines), "web-weak-headers")
}

#[test]
fn a_weak_site_that_is_public() {
    let weak = || page("203.0.113.9", true, &["set-cookie: PHPSESSID=1"], &[]);
    let all = found(&[weak(), weak(), weak()]);
    let codes: Vec<(String, Severity)> = all.iter().map(|f| (f.code(), f.severity)).collect();
    assert_eq!(
        codes,
        [("web-weak-headers/cookie".into(), Severity::Medium), ("web-weak-headers/score".into(), Severity::Medium)]
    );
    let score = &all[1];
    assert_eq!((score.subject, score.key.as_str()), (addr("10.30.0.80"), "www.office.test"));
    let text = score.quotes.iter().map(|q| q.text.as_str()).collect::<Vec<_>>().join("\n");
    assert!(text.contains("F, worst page /start") && text.contains("send Content-Security-Policy:"), "{text}");
    assert!(!text.contains("token=x"), "{text}");
}

#[test]
fn nearly() {
    // Two pages only, a strict site, a site elsewhere.
    let weak = |client: &str| page(client, true, &["set-cookie: PHPSESSID=1"], &[]);
    assert_eq!(found(&[weak("203.0.113.9"), weak("203.0.113.9")]).len(), 0);
    let strict = || page("203.0.113.9", true, STRICT, &[]);
    let all = found(&[strict(), strict(), strict()]);
    assert_eq!(all.iter().map(|f| f.severity).collect::<Vec<_>>(), [Severity::Info]);
    // Inside only: two steps lower.
    let inside = || weak("10.30.1.11");
    let all = found(&[inside(), inside(), inside()]);
    assert!(all.iter().all(|f| f.severity <= Severity::Low), "{all:?}");
}

#[test]
fn limits_sites() {
    let lines: Vec<Row> = (0..12_000u32)
        .map(|n| {
            let columns = [
                ("ts", Cell::Time(1.0)),
                ("id.orig_h", Cell::Addr(addr("203.0.113.9"))),
                ("id.resp_h", Cell::Addr(addr("10.30.0.80"))),
                ("host", Cell::Text(format!("h{n}.test").into_bytes())),
                ("is_page", Cell::Flag(true)),
                ("fields", Cell::Texts(Vec::new())),
                ("elements", Cell::Texts(Vec::new())),
            ];
            line("web_page", 1, &columns)
        })
        .collect();
    let verdict = judge(&lines);
    let spent = verdict.spent.iter().find(|s| s.id == "web-weak-headers").unwrap();
    assert!(spent.forgotten > 0 && spent.held_len < 8 << 20, "{spent:?}");
}
