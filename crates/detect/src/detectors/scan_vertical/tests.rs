use crate::testing::{Cell, Line, addr, judge, line, of};
use crate::testing_flow::{Flow, lines};
use sekisho_finding::{Finding, Severity};

const SOURCE: &str = "10.0.0.5";
const TARGET: &str = "10.0.1.7";

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "scan-vertical")
}

fn ports(n: u16, gap: f64) -> Vec<Flow> {
    (0..n).map(|i| Flow::refused(f64::from(i) * gap, SOURCE, TARGET, 1_000 + i)).collect()
}

#[test]
fn a_syn_scan() {
    let mut flows = ports(100, 0.01);
    flows.push(Flow::refused(1.0, SOURCE, TARGET, 22).went("RSTO", "ShR"));
    let found = found(&lines(&flows));
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("scan-vertical/syn", Severity::Medium));
    assert_eq!((finding.subject, finding.key.as_str()), (addr(SOURCE), TARGET));
    assert!(finding.quotes.iter().any(|q| q.label == "open ports" && q.text == "22"));
    assert_eq!(finding.measures[1].value(), 101.0);
}

#[test]
fn fifteen_ports_within_five_minutes() {
    assert_eq!(found(&lines(&ports(14, 1.0))).len(), 0);
    assert_eq!(found(&lines(&ports(15, 1.0)))[0].code(), "scan-vertical/connect");
    assert_eq!(found(&lines(&ports(15, 25.0))).len(), 0);
    // An application that tries one port for ever; data ports of FTP, which are open.
    let one: Vec<Flow> = (0..100).map(|i| Flow::refused(f64::from(i), SOURCE, TARGET, 9_100)).collect();
    let data: Vec<Flow> = (0..100).map(|i| Flow::used(f64::from(i), SOURCE, TARGET, 50_000 + i as u16)).collect();
    assert_eq!(found(&lines(&[one, data].concat())).len(), 0);
}

fn unreachable(count: u64) -> Line {
    let columns = [
        ("ts", Cell::Time(30.0)),
        ("id.orig_h", Cell::Addr(addr(TARGET))),
        ("id.resp_h", Cell::Addr(addr(SOURCE))),
        ("icmp_type", Cell::Count(3)),
        ("code", Cell::Count(3)),
        ("inner.orig_h", Cell::Addr(addr(SOURCE))),
        ("inner.resp_h", Cell::Addr(addr(TARGET))),
        ("inner_count", Cell::Count(count)),
    ];
    line("icmp", 90, &columns)
}

#[test]
fn over_udp_icmp_has_to_say_so() {
    let of = |n| -> Vec<Flow> { ports(n, 0.5).into_iter().map(|f| f.udp("S0").one_sided("orig")).collect() };
    let udp = || of(40);
    let with = |count| {
        let mut all = lines(&udp());
        all.push(unreachable(count));
        found(&all)
    };
    assert_eq!(with(10)[0].code(), "scan-vertical/udp");
    assert_eq!((with(9).len(), found(&lines(&udp())).len()), (0, 0));
    let few = |n| lines(&of(n)).into_iter().chain([unreachable(10)]).collect::<Vec<_>>();
    assert_eq!((found(&few(10))[0].code().as_str(), found(&few(9)).len()), ("scan-vertical/udp", 0));
    // ICMP's row may come before those of the flows.
    let early: Vec<Line> = [unreachable(10)].into_iter().chain(lines(&of(10))).collect();
    assert_eq!(found(&early)[0].code(), "scan-vertical/udp");
    let traceroute: Vec<Flow> =
        (0..40).map(|i| Flow::unanswered(f64::from(i) * 0.1, SOURCE, TARGET, 33_434 + i as u16).udp("S0")).collect();
    let mut all = lines(&traceroute);
    all.push(unreachable(16));
    assert_eq!(found(&all).len(), 0);
}

#[test]
fn strange_flags() {
    let fin = |n| -> Vec<Flow> { ports(n, 0.1).into_iter().map(|f| f.went("OTH", "Fr")).collect() };
    assert_eq!(found(&lines(&fin(5)))[0].code(), "scan-vertical/flags");
    assert_eq!(found(&lines(&fin(4))).len(), 0);
    let middle: Vec<Flow> = ports(30, 0.1).into_iter().map(|f| f.went("SF", "FaAf")).collect();
    assert_eq!(found(&lines(&middle)).len(), 0);
}

fn request(from: &str, uri: &str, agent: &str) -> Line {
    let columns = [
        ("ts", Cell::Time(5.0)),
        ("uid", Cell::Uid(5)),
        ("id.orig_h", Cell::Addr(addr(from))),
        ("id.resp_h", Cell::Addr(addr(TARGET))),
        ("id.resp_p", Cell::Port(80)),
        ("method", Cell::Text(b"GET".to_vec())),
        ("uri", Cell::Text(uri.into())),
        ("user_agent", Cell::Text(agent.into())),
    ];
    line("http", 44, &columns)
}

#[test]
fn requests_of_nmap() {
    let found = found(&[request(SOURCE, "/nice%20ports%2C/Tri%6Eity.txt%2ebak", "")]);
    assert_eq!((found[0].code().as_str(), found[0].severity), ("scan-vertical/version", Severity::High));
    assert_eq!(found[0].packets.iter().collect::<Vec<_>>(), [44]);
    let agent = "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)";
    assert_eq!(self::found(&[request("203.0.113.1", "/", agent)])[0].severity, Severity::Info);
    assert_eq!(self::found(&[request(SOURCE, "/nice", "Mozilla/5.0")]).len(), 0);
}

#[test]
fn state_is_bounded() {
    let mut flows = Vec::new();
    for i in 0..60_000u32 {
        let target = format!("10.{}.{}.{}", 100 + i / 65_536, i / 256 % 256, i % 256);
        flows.push(Flow::refused(f64::from(i) * 0.01, SOURCE, &target, 80));
    }
    let scope = crate::Scope { memory_len: Some(1 << 20), ..crate::Scope::new(&[], 0) };
    let verdict = crate::testing::judge_in(&scope, &lines(&flows));
    let spent = verdict.spent.iter().find(|s| s.id == "scan-vertical").unwrap();
    assert!(spent.forgotten > 50_000 && spent.held_len < 1 << 20, "{spent:?}");
}
