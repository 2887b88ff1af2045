use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

fn asked(at: f64, client: &str, name: &str, answers: &[(&str, f64)]) -> Line {
    line(
        "dns",
        10,
        &[
            ("ts", Cell::Time(at)),
            ("uid", Cell::Uid(1)),
            ("id.orig_h", Cell::Addr(addr(client))),
            ("id.resp_h", Cell::Addr(addr("192.0.2.53"))),
            ("id.resp_p", Cell::Port(53)),
            ("query", Cell::Text(name.into())),
            ("qtype", Cell::Count(1)),
            ("rcode", Cell::Count(0)),
            ("answers", Cell::Texts(answers.iter().map(|a| a.0.to_owned()).collect())),
            ("TTLs", Cell::Spans(answers.iter().map(|a| a.1).collect())),
        ],
    )
}

fn request(at: f64, client: &str, server: &str, host: &str, status: u64) -> Line {
    line(
        "http",
        20,
        &[
            ("ts", Cell::Time(at)),
            ("uid", Cell::Uid(2)),
            ("id.orig_h", Cell::Addr(addr(client))),
            ("id.resp_h", Cell::Addr(addr(server))),
            ("method", Cell::Text("GET".into())),
            ("host", Cell::Text(host.into())),
            ("uri", Cell::Text("/".into())),
            ("status_code", Cell::Count(status)),
        ],
    )
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "dns-rebinding")
}

#[test]
fn a_name_that_flips_inside_and_is_used() {
    let found = found(&[
        asked(100.0, "10.0.0.5", "a.evil.example", &[("198.51.100.7", 5.0)]),
        asked(110.0, "10.0.0.5", "a.evil.example", &[("192.168.1.1", 5.0)]),
        request(112.0, "10.0.0.5", "192.168.1.1", "a.evil.example:8080", 200),
    ]);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.code(), "dns-rebinding/flip/used");
    assert_eq!((finding.severity, finding.confidence.thousandths()), (Severity::Critical, 900));
    assert_eq!((finding.subject, finding.key.as_str()), (addr("10.0.0.5"), "a.evil.example"));
    assert_eq!(finding.peers.named(), [addr("192.168.1.1"), addr("192.0.2.53")]);
    assert_eq!(finding.packets.iter().collect::<Vec<_>>(), [10, 20]);
    assert_eq!(finding.flows.count(), 2);
    assert_eq!(finding.quotes[0].text, "GET / of a.evil.example:8080");
}

#[test]
fn nearly() {
    // The public answer may be kept for a day, so the change is no trick of a short life; the request comes too late.
    let lines = [
        asked(100.0, "10.0.0.5", "a.evil.example", &[("198.51.100.7", 86_400.0)]),
        asked(110.0, "10.0.0.5", "a.evil.example", &[("192.168.1.1", 3600.0)]),
        request(400.0, "10.0.0.5", "192.168.1.1", "a.evil.example", 200),
    ];
    let found = found(&lines);
    assert_eq!(found.iter().map(Finding::code).collect::<Vec<_>>(), ["dns-rebinding/private-answer"]);
    assert_eq!(found[0].severity, Severity::Low);
}

#[test]
fn the_metadata_service() {
    let found = found(&[asked(1.0, "10.0.0.5", "m.example.com", &[("169.254.169.254", 60.0)])]);
    assert_eq!(found.iter().map(Finding::code).collect::<Vec<_>>(), ["dns-rebinding/metadata"]);
}

#[test]
fn ordinary() {
    let mut lines = vec![
        asked(1.0, "10.0.0.5", "www.example.com", &[("198.51.100.7", 60.0)]),
        asked(2.0, "10.0.0.5", "4.3.2.1.zen.example.org", &[("127.0.0.2", 60.0)]),
        asked(3.0, "10.0.0.5", "printer.lan", &[("10.0.0.9", 60.0)]),
        asked(4.0, "10.0.0.5", "printer", &[("10.0.0.9", 60.0)]),
    ];
    assert_eq!(found(&lines).len(), 0);
    // Split DNS: three clients, one answer.
    lines
        .extend(["10.0.0.5", "10.0.0.6", "10.0.0.7"].map(|c| asked(9.0, c, "wiki.example.com", &[("10.1.0.9", 60.0)])));
    let found = found(&lines);
    assert!(found.len() == 3 && found.iter().all(|f| f.severity == Severity::Info), "{found:?}");
}
