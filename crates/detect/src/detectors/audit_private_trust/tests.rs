use crate::testing::{Cell, Line, addr, judge, of};
use crate::testing_tls::{NOW, Told, cert, refused, session, untrusted};
use sekisho_finding::{Finding, Quality, Severity};

const DEVICE: &str = "10.0.0.5";

fn found(rows: &[Told]) -> Vec<Finding> {
    let lines: Vec<Line> = rows.iter().map(Told::line).collect();
    of(&judge(&lines), "audit-private-trust")
}

fn brief(found: &[Finding]) -> Vec<(&'static str, Severity, u16)> {
    found.iter().map(|f| (f.reason.code, f.severity, f.confidence.thousandths())).collect()
}

fn shown(server: u8, name: &str, fault: &'static str) -> [Told; 2] {
    let session = session(DEVICE, &format!("198.51.100.{server}"), name, &[name]);
    [cert(name, "Maker"), untrusted(session, fault)]
}

fn themselves(count: u8) -> Vec<Told> {
    (1..=count).flat_map(|n| shown(n, &format!("{n}.test"), "self-signed")).collect()
}

#[test]
fn a_device_that_takes_whoever_vouches_for_himself() {
    let all = found(&themselves(4));
    assert_eq!(brief(&all), [("self-signed", Severity::Low, 700)]);
    let finding = &all[0];
    assert_eq!((finding.subject, finding.key.as_str(), finding.count), (addr(DEVICE), "", 4));
    assert_eq!(finding.measures[0].to_string(), "servers: 4 (threshold 3, sekisho)");
    assert_eq!((finding.peers.named().len(), finding.quality.as_slice()), (4, &[Quality::Short][..]));
    // It does check: it refused another one.
    let [cert, session] = shown(9, "9.test", "unknown-root");
    let all = found(&[themselves(3), vec![cert, refused(session, 48)]].concat());
    assert_eq!(brief(&all), [("self-signed", Severity::Low, 500)]);
}

#[test]
fn authorities_of_makers() {
    let one = [shown(1, "a.maker.test", "unknown-root"), shown(2, "b.maker.test", "alone")].concat();
    let all = found(&one);
    assert_eq!(brief(&all), [("vendor-ca", Severity::Info, 600)]);
    assert_eq!((all[0].key.as_str(), all[0].count), ("Maker", 2));
    let two = [shown(1, "a.maker.test", "unknown-root"), shown(2, "b.other.test", "alone")].concat();
    assert_eq!(brief(&found(&two)), [("pinned-unknown", Severity::Info, 600)]);
    let [known, session] = shown(1, "a.maker.test", "unknown-root");
    let all = found(&[known, session.with("client_cert", Cell::Flag(true))]);
    assert_eq!(brief(&all), [("client-cert", Severity::Info, 900), ("vendor-ca", Severity::Info, 600)]);
}

#[test]
fn nearly() {
    assert_eq!(found(&themselves(2)).len(), 0);
    // An organisation's own authority; a server at home; a client outside; a refusal; a capture of old.
    let many: Vec<Told> = (1..=5).flat_map(|n| shown(n, &format!("{n}.test"), "unknown-root")).collect();
    assert_eq!(found(&many).len(), 0);
    let [known, session] = shown(1, "a.test", "unknown-root");
    let one = |session: Told| found(&[known.clone(), session]).len();
    assert_eq!(one(session.clone().with("server", Cell::Addr(addr("10.0.0.9")))), 0);
    assert_eq!(one(session.clone().with("client", Cell::Addr(addr("198.51.100.77")))), 0);
    assert_eq!(one(refused(session.clone(), 48)), 0);
    assert_eq!(one(session.clone().with("ts", Cell::Time(NOW - 3.0 * 365.0 * 86_400.0))), 0);
    assert_eq!(one(session), 1);
}

#[test]
fn ordinary() {
    assert_eq!(found(&[cert("a.test", "CA"), session(DEVICE, "198.51.100.1", "a.test", &["a.test"])]).len(), 0);
}
