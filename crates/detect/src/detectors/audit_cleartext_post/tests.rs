use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

fn request(at: u32, ends: [&str; 2], method: &str, uri: &str, len: u64, more: &[(&'static str, Cell)]) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(f64::from(at))),
        ("uid", Cell::Uid(u64::from(at))),
        ("id.orig_h", Cell::Addr(addr(ends[0]))),
        ("id.resp_h", Cell::Addr(addr(ends[1]))),
        ("method", Cell::Text(method.into())),
        ("host", Cell::Text("Data.Example:8080".into())),
        ("uri", Cell::Text(uri.into())),
        ("request_body_len", Cell::Count(len)),
    ];
    columns.extend(more.iter().cloned());
    line("http", u64::from(at), &columns)
}

const OUT: [&str; 2] = ["10.0.0.5", "203.0.113.7"];

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "audit-cleartext-post")
}

#[test]
fn what_is_posted_is_summed_up_by_host() {
    let json = [("orig_mime_types", Cell::Texts(vec!["application/json".into()]))];
    let found = found(&[
        request(10, OUT, "POST", "/v1/push?token=secret", 1_000, &json),
        request(20, OUT, "POST", "/v1/push?token=other", 3_000, &json),
        request(172_820, OUT, "PUT", "/v1/image", 200, &[]),
    ]);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.code(), "audit-cleartext-post/post");
    assert_eq!((finding.severity, finding.confidence.thousandths()), (Severity::Info, 950));
    assert_eq!((finding.subject, finding.key.as_str(), finding.count), (addr(OUT[0]), "data.example", 3));
    assert_eq!(finding.measures.iter().map(|m| m.value()).collect::<Vec<_>>(), [3.0, 1400.0, 4200.0, 3000.0]);
    let quotes: Vec<_> = finding.quotes.iter().map(|q| q.text.as_str()).collect();
    assert_eq!(quotes, ["application/json", "/v1/push /v1/image"]);
}

#[test]
fn what_is_stored() {
    assert_eq!(found(&[request(10, OUT, "PUT", "/a", 1, &[])])[0].code(), "audit-cleartext-post/put");
}

#[test]
fn nearly() {
    let ocsp = [("orig_mime_types", Cell::Texts(vec!["application/ocsp-request".into()]))];
    let lines = [
        request(10, OUT, "POST", "/a", 0, &[]),
        request(11, OUT, "POST", "/a", 9, &ocsp),
        request(12, OUT, "POST", "/a", 9, &[("decrypted", Cell::Flag(true))]),
        request(13, ["10.0.0.5", "10.0.0.1"], "POST", "/upnp", 9, &[]),
        request(14, ["203.0.113.7", "10.0.0.1"], "POST", "/", 9, &[]),
    ];
    assert_eq!(found(&lines).len(), 0);
}

#[test]
fn ordinary() {
    let lines: Vec<Line> = (0..50).map(|n| request(n, OUT, "GET", "/", 0, &[])).collect();
    assert_eq!(found(&lines).len(), 0);
}
