use super::*;
use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::Finding;

const OUT: (&str, &str) = ("10.0.0.5", "203.0.113.9");

#[derive(Clone)]
struct Content {
    kind: &'static str,
    digests: std::ops::Range<u64>,
    ends: (&'static str, &'static str),
    uid: u64,
    is_orig: bool,
    near: bool,
    misses: u64,
}

const CARDS_OUT: Content =
    Content { kind: "card", digests: 0..6, ends: OUT, uid: 1, is_orig: true, near: false, misses: 0 };

impl Content {
    fn line(&self) -> Line {
        let columns = [
            ("ts", Cell::Time(1_000.0)),
            ("uid", Cell::Uid(self.uid)),
            ("id.orig_h", Cell::Addr(addr(self.ends.0))),
            ("id.resp_h", Cell::Addr(addr(self.ends.1))),
            ("id.resp_p", Cell::Port(80)),
            ("is_orig", Cell::Flag(self.is_orig)),
            ("source", Cell::Text(b"HTTP".to_vec())),
            ("kind", Cell::Text(self.kind.into())),
            ("digests", Cell::Counts(self.digests.clone().collect())),
            ("ends", Cell::Texts(self.digests.clone().map(|n| format!("{:02}", n % 100)).collect())),
            ("len", Cell::Count(16)),
            ("near", Cell::Flag(self.near)),
            ("misses", Cell::Count(self.misses)),
            ("packet", Cell::Count(7)),
        ];
        line("sensitive_data", 9, &columns)
    }
}

fn judged(all: &[Content]) -> Vec<Finding> {
    of(&judge(&all.iter().map(Content::line).collect::<Vec<_>>()), "cleartext-sensitive-data")
}

#[test]
fn cards_and_keys_leave() {
    let all = judged(&[CARDS_OUT]);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("cleartext-sensitive-data/card", Severity::High));
    assert_eq!((finding.subject, finding.stage, finding.key.as_str()), (addr(OUT.0), Stage::Exfil, "203.0.113.9 HTTP"));
    assert_eq!(finding.quotes[0].text, "…00 …01 …02 …03 …04 …05");
    for (kind, severity) in [("private-key", Severity::High), ("token", Severity::High)] {
        let all = judged(&[Content { kind, digests: 0..1, ..CARDS_OUT }]);
        assert_eq!((all[0].reason.code, all[0].severity), (kind, severity));
    }
    assert_eq!(judged(&[Content { digests: 0..1, near: true, ..CARDS_OUT }])[0].severity, Severity::Medium);
    assert_eq!(judged(&[Content { kind: "iban", digests: 0..3, ..CARDS_OUT }])[0].severity, Severity::Medium);
    // In several contents of one flow.
    assert_eq!(judged(&[Content { digests: 0..3, ..CARDS_OUT }, Content { digests: 3..6, ..CARDS_OUT }]).len(), 1);
}

#[test]
fn inside_and_from_outside_it_is_hygiene() {
    for (ends, is_orig, subject) in [
        (("10.0.0.5", "10.0.0.9"), true, "10.0.0.5"),
        (OUT, false, "10.0.0.5"),
        (("203.0.113.9", "10.0.0.5"), true, "10.0.0.5"),
    ] {
        let all = judged(&[Content { ends, is_orig, ..CARDS_OUT }]);
        assert_eq!((all[0].severity, all[0].stage, all[0].subject), (Severity::Medium, Stage::Hygiene, addr(subject)));
    }
    // Answered from here to outside: it leaves.
    let all = judged(&[Content { ends: ("203.0.113.9", "10.0.0.5"), is_orig: false, ..CARDS_OUT }]);
    assert_eq!((all[0].severity, all[0].stage), (Severity::High, Stage::Exfil));
}

#[test]
fn nearly() {
    for contents in [
        &[Content { digests: 0..4, ..CARDS_OUT }][..],
        &[Content { kind: "iban", digests: 0..2, ..CARDS_OUT }],
        // The same values again; of two flows; of both directions.
        &[Content { digests: 0..3, ..CARDS_OUT }, Content { digests: 0..3, ..CARDS_OUT }],
        &[Content { digests: 0..3, ..CARDS_OUT }, Content { digests: 3..6, uid: 2, ..CARDS_OUT }],
        &[Content { digests: 0..3, ..CARDS_OUT }, Content { digests: 3..6, is_orig: false, ..CARDS_OUT }],
    ] {
        assert_eq!(judged(contents).len(), 0);
    }
}

#[test]
fn ordinary() {
    // A list of products: a tenth of the numbers pass the check digit.
    assert_eq!(judged(&[Content { digests: 0..10, misses: 90, ..CARDS_OUT }]).len(), 0);
    assert_eq!(judged(&[Content { kind: "phone", ..CARDS_OUT }]).len(), 0);
    assert_eq!(judged(&[Content { digests: 0..0, near: true, ..CARDS_OUT }]).len(), 0);
}

#[test]
fn limits_what_is_kept() {
    let mut contents = vec![Content { digests: 0..10_000, ..CARDS_OUT }];
    contents.extend((2..20_000).map(|uid| Content { digests: 0..2, uid, ..CARDS_OUT }));
    let verdict = judge(&contents.iter().map(Content::line).collect::<Vec<_>>());
    let own = verdict.spent.iter().find(|s| s.id == "cleartext-sensitive-data").unwrap();
    assert!(own.held_len < 2 << 20 && own.forgotten > 10_000, "{own:?}");
}
