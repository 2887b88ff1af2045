use super::*;
use crate::testing::{Cell, Line, addr, judge, judge_in, line, of};
use sekisho_finding::Finding;

fn says(uid: u64, host: &str, is_orig: bool, text: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(1000.0 + uid as f64)),
        ("uid", Cell::Uid(uid)),
        ("id.orig_h", Cell::Addr(addr(host))),
        ("id.resp_h", Cell::Addr(addr("203.0.113.9"))),
        ("id.resp_p", Cell::Port(3333)),
        ("is_orig", Cell::Flag(is_orig)),
        ("bytes", Cell::Text(text.into())),
        ("packet", Cell::Count(uid + 4)),
    ];
    line("stranger", uid + 4, &columns)
}

/// A TLS flow to `name` with packets of 100 bytes, one in `pace` seconds.
fn flow(name: &str, port: u16, app: &str, seconds: f64, pace: f64) -> [Line; 2] {
    let packets = (seconds / pace) as u64 + 1;
    let ends = [
        ("ts", Cell::Time(1000.0)),
        ("uid", Cell::Uid(7)),
        ("id.orig_h", Cell::Addr(addr("10.0.0.5"))),
        ("id.resp_h", Cell::Addr(addr("203.0.113.9"))),
        ("id.resp_p", Cell::Port(port)),
    ];
    let asks = [&ends[..], &[("server_name", Cell::Text(name.into()))]].concat();
    let ended = [
        &ends[..],
        &[
            ("proto", Cell::Word("tcp")),
            ("app", Cell::Text(app.into())),
            ("duration", Cell::Span(seconds)),
            ("orig_bytes", Cell::Count(60 * packets)),
            ("resp_bytes", Cell::Count(60 * packets)),
            ("orig_pkts", Cell::Count(packets)),
            ("resp_pkts", Cell::Count(packets)),
            ("orig_ip_bytes", Cell::Count(100 * packets)),
            ("resp_ip_bytes", Cell::Count(100 * packets)),
        ],
    ]
    .concat();
    [line("ssl", 1, &asks), line("conn", 2, &ended)]
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "c2-mining")
}

#[test]
fn the_language_of_miners() {
    for text in [
        "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"cpuminer/2.5\"]}\n",
        "{\"worker\": \"\", \"jsonrpc\": \"2.0\", \"params\": [\"0xabc\", \"x\"], \"id\": 2, \"method\": \"eth_submitLogin\"}",
        "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"login\",\"params\":{\"login\":\"4xyz\",\"pass\":\"x\",\"agent\":\"XMRig/6\"}}",
    ] {
        let all = found(&[says(1, "10.0.0.5", true, text), says(1, "10.0.0.5", true, text)]);
        let [finding] = &all[..] else { panic!("{text}") };
        assert_eq!((finding.code().as_str(), finding.severity), ("c2-mining/stratum", Severity::High));
        assert_eq!((finding.subject, finding.key.as_str(), finding.count), (addr("10.0.0.5"), "203.0.113.9:3333", 1));
    }
}

#[test]
fn nearly() {
    for text in [
        "{\"id\":1,\"method\":\"login\",\"params\":{\"user\":\"ada\"}}",
        "{\"id\":1,\"method\":\"eth_getBalance\",\"params\":[]}",
        "{\"id\":1,\"note\":\"mining.subscribe\"}",
        "{\"method\":",
        "{\"method\":\"mining.subscribe",
        "mining.subscribe",
        "",
    ] {
        assert_eq!(found(&[says(1, "10.0.0.5", true, text)]).len(), 0, "{text}");
    }
    assert_eq!(found(&[says(1, "203.0.113.77", true, "{\"method\":\"mining.submit\"}")]).len(), 0, "a stranger");
}

#[test]
fn pools_by_name() {
    let code = |lines: [Line; 2]| found(&lines).iter().map(|f| f.code()).collect::<Vec<_>>();
    assert_eq!(code(flow("gulf.moneroocean.stream", 10_128, "", 60.0, 20.0)), ["c2-mining/pool-name"]);
    assert_eq!(code(flow("pool.somewhere.example", 443, "ssl", 3600.0, 30.0)), ["c2-mining/tls-pool"]);
    assert_eq!(code(flow("xmr-eu1.somewhere.example", 443, "ssl", 3600.0, 30.0)), ["c2-mining/tls-pool"]);
    // Just under: not long enough, silent for long, busy.
    for lines in [
        flow("pool.somewhere.example", 443, "ssl", 1700.0, 30.0),
        flow("pool.somewhere.example", 443, "ssl", 3600.0, 130.0),
        flow("pool.somewhere.example", 443, "ssl", 3600.0, 1.0),
    ] {
        assert_eq!(code(lines), [""; 0]);
    }
}

#[test]
fn ordinary() {
    for (name, port) in [
        ("www.f2pool.com", 443),
        ("f2pool.com", 443),
        ("eu.f2pool.com", 443),
        ("0.pool.ntp.org", 443),
        ("carpool.example", 443),
        ("swimmingpool.example", 443),
    ] {
        assert_eq!(found(&flow(name, port, "ssl", 60.0, 20.0)).len(), 0, "{name}");
    }
    assert_eq!(found(&flow("0.pool.ntp.org", 4460, "ssl", 3600.0, 30.0)).len(), 0);
    assert!(POOLS.is_sorted());
}

#[test]
fn stays_within_bounds() {
    let scope = Scope { memory_len: Some(1 << 20), ..Scope::new(&[], 0) };
    let lines: Vec<Line> = (0..5000).map(|n| says(n, "10.0.0.5", true, "{\"method\":\"mining.submit\"}")).collect();
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-mining").unwrap();
    assert!(spent.held_len < 64 << 10 && spent.forgotten > 4_000, "{spent:?}");
}
