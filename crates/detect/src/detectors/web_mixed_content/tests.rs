use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "web-mixed-content")
}

fn page(server: &str, tls: bool, element: &str) -> Vec<(String, Severity)> {
    let columns = [
        ("ts", Cell::Time(100.0)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr("10.30.1.11"))),
        ("id.resp_h", Cell::Addr(addr(server))),
        ("packet", Cell::Count(5)),
        ("host", Cell::Text(b"www.office.test".to_vec())),
        ("uri", Cell::Text(b"/start".to_vec())),
        ("tls", Cell::Flag(tls)),
        ("is_page", Cell::Flag(true)),
        ("elements", Cell::Texts(vec![element.to_owned()])),
    ];
    found(&[line("web_page", 6, &columns)]).iter().map(|f| (f.code(), f.severity)).collect()
}

#[test]
fn elements_of_pages() {
    for (server, tls, element, code, severity) in [
        ("10.30.0.80", true, "script http://a.test/x.js", "active", Severity::Medium),
        ("198.51.100.9", true, "script http://a.test/x.js", "active", Severity::Low),
        ("10.30.0.80", true, "img http://a.test/x.png", "passive", Severity::Low),
        ("10.30.0.80", true, "form http://a.test/login", "insecure-form", Severity::Medium),
        ("10.30.0.80", false, "form https://a.test/login", "downgraded-link", Severity::Low),
    ] {
        assert_eq!(page(server, tls, element), [(format!("web-mixed-content/{code}"), severity)], "{element}");
    }
    for (tls, element) in [(true, "unpinned https://a.test/x.js"), (false, "unpinned http://a.test/x.js")] {
        assert_eq!(page("10.30.0.80", tls, element), []);
    }
}

fn session(at: f64) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(2)),
        ("id.orig_h", Cell::Addr(addr("10.30.1.11"))),
        ("id.resp_h", Cell::Addr(addr("198.51.100.9"))),
        ("server_name", Cell::Text(b"www.shop.test".to_vec())),
    ];
    line("ssl", 10, &columns)
}

fn request(at: f64, host: &str, uri: &str, status: u64) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(3)),
        ("id.orig_h", Cell::Addr(addr("10.30.1.11"))),
        ("id.resp_h", Cell::Addr(addr("198.51.100.10"))),
        ("method", Cell::Text(b"GET".to_vec())),
        ("host", Cell::Text(host.as_bytes().to_vec())),
        ("uri", Cell::Text(uri.as_bytes().to_vec())),
        ("status_code", Cell::Count(status)),
    ];
    line("http", 12, &columns)
}

#[test]
fn by_timing_alone() {
    let all = found(&[session(100.0), request(101.0, "static.shop.test", "/a.js?v=1", 200)]);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].code().as_str(), all[0].severity), ("web-mixed-content/passive", Severity::Info));
    assert_eq!(all[0].confidence.thousandths(), 300);
    // Too late, another site, a redirection, no part of a page, before the session.
    for other in [
        request(102.5, "static.shop.test", "/a.js", 200),
        request(101.0, "static.other.test", "/a.js", 200),
        request(101.0, "static.shop.test", "/a.js", 301),
        request(101.0, "ocsp.shop.test", "/MFEw", 200),
        request(99.0, "static.shop.test", "/a.js", 200),
    ] {
        assert_eq!(found(&[session(100.0), other]).len(), 0);
    }
}

#[test]
fn limits_sessions() {
    let lines: Vec<Line> = (0..30_000u32)
        .map(|n| {
            let columns = [
                ("ts", Cell::Time(1.0)),
                ("id.orig_h", Cell::Addr(addr("10.30.1.11"))),
                ("server_name", Cell::Text(format!("www.s{n}.test").into_bytes())),
            ];
            line("ssl", 1, &columns)
        })
        .collect();
    let verdict = judge(&lines);
    let spent = verdict.spent.iter().find(|s| s.id == "web-mixed-content").unwrap();
    assert!(spent.forgotten > 0 && spent.held_len < 8 << 20, "{spent:?}");
}
