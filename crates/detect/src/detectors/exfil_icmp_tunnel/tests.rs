use super::*;
use crate::testing::{Cell, Line, addr, judge, of};
use sekisho_finding::Finding;

/// What echoes carried during five minutes.
#[derive(Clone)]
struct Echoes {
    at: f64,
    ends: (&'static str, &'static str),
    lens: &'static [(u64, u64)],
    changed: u64,
    extra: u64,
    entropy: Option<u64>,
    inside: &'static str,
}

const PING: Echoes = Echoes {
    at: 1_000.0,
    ends: ("10.0.0.5", "203.0.113.9"),
    lens: &[(56, 40)],
    changed: 0,
    extra: 0,
    entropy: None,
    inside: "",
};

/// A tunnel: 32 bytes to ask for data, and what it brings.
const TUNNEL: Echoes = Echoes { lens: &[(36, 60), (84, 20), (121, 9), (124, 9), (1300, 20)], changed: 30, ..PING };

impl Echoes {
    fn line(&self) -> Line {
        let messages: u64 = self.lens.iter().map(|l| l.1).sum();
        let bytes: u64 = self.lens.iter().map(|l| l.0 * l.1).sum();
        let mut columns = vec![
            ("ts", Cell::Time(self.at)),
            ("uid", Cell::Uid(self.at.to_bits() >> 8)),
            ("id.orig_h", Cell::Addr(addr(self.ends.0))),
            ("id.resp_h", Cell::Addr(addr(self.ends.1))),
            ("until", Cell::Time(self.at + 100.0)),
            ("requests", Cell::Count(messages / 2)),
            ("replies", Cell::Count(messages / 2)),
            ("request_len", Cell::Count(bytes / 2)),
            ("reply_len", Cell::Count(bytes / 2)),
            ("compared", Cell::Count(messages / 2)),
            ("changed", Cell::Count(self.changed)),
            ("extra", Cell::Count(self.extra)),
            ("lens", Cell::Counts(self.lens.iter().map(|l| l.0).collect())),
            ("len_counts", Cell::Counts(self.lens.iter().map(|l| l.1).collect())),
            ("inside", Cell::Text(self.inside.into())),
            ("samples", Cell::Texts(vec!["ab".into(), "cd".into()])),
            ("packet", Cell::Count(3)),
        ];
        if let Some(entropy) = self.entropy {
            columns.push(("entropy", Cell::Count(entropy)));
        }
        crate::testing::line("echo_content", 9, &columns)
    }
}

fn judged(all: &[Echoes]) -> Vec<Finding> {
    of(&judge(&all.iter().map(Echoes::line).collect::<Vec<_>>()), "exfil-icmp-tunnel")
}

#[test]
fn data_in_pings() {
    let all = judged(&[TUNNEL]);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("exfil-icmp-tunnel/echo", Severity::Medium));
    assert_eq!((finding.subject, finding.key.as_str(), finding.stage), (addr("10.0.0.5"), "203.0.113.9", Stage::Exfil));
    assert_eq!(finding.measures[0].value(), 4.0);
    assert_eq!(finding.quotes[0].text, "36×60 84×20 121×9 124×9 1300×20");
    assert!(finding.quotes.iter().any(|q| q.label == "its reply" && q.text == "6364"), "{:?}", finding.quotes);
    // More signs: more sure. From outside, the host at home is told; of version 6, too.
    let worse = judged(&[Echoes { entropy: Some(7_400), inside: "IPv4", ends: ("2001:db8::9", "fd00::5"), ..TUNNEL }]);
    assert_eq!((worse[0].severity, worse[0].confidence), (Severity::High, Confidence::percent(85)));
    assert_eq!(worse[0].subject, addr("fd00::5"));
}

#[test]
fn both_directions_together() {
    let there = Echoes { lens: &[(36, 40), (84, 40), (121, 40), (124, 40)], ..PING };
    let back =
        Echoes { ends: ("203.0.113.9", "10.0.0.5"), at: 1_050.0, lens: &[(700, 90)], inside: "SSH", extra: 2, ..PING };
    assert_eq!(judged(&[there.clone(), back.clone()]).len(), 1);
    assert_eq!(
        judged(std::slice::from_ref(&there)).len() + judged(std::slice::from_ref(&back)).len(),
        0,
        "neither alone"
    );
    assert_eq!(judged(&[there, Echoes { at: 2_000.0, ..back }]).len(), 0, "too far apart");
}

#[test]
fn nearly() {
    for echoes in [
        Echoes { lens: &[(36, 60), (84, 20), (121, 20)], ..TUNNEL },
        Echoes { lens: &[(36, 60), (84, 20), (121, 20), (124, 2)], ..TUNNEL },
        Echoes { changed: 2, ..TUNNEL },
        Echoes { changed: 5, ..TUNNEL },
        Echoes { lens: &[(32, 40), (48, 40), (56, 40), (64, 40), (1472, 40)], ..TUNNEL },
    ] {
        assert_eq!(judged(std::slice::from_ref(&echoes)).len(), 0, "{:?} {}", echoes.lens, echoes.changed);
    }
}

#[test]
fn ordinary() {
    let probe = &[(1472, 2), (1468, 2), (1460, 2), (1300, 2), (1200, 2), (1100, 2), (1000, 1)];
    for echoes in [
        PING,
        Echoes { lens: &[(32, 600)], ..PING },
        // A flood of large pings with all bytes in them.
        Echoes { lens: &[(1400, 9_000)], entropy: Some(8_000), ..PING },
        Echoes { lens: probe, ..PING },
    ] {
        assert_eq!(judged(std::slice::from_ref(&echoes)).len(), 0, "{:?}", echoes.lens);
    }
}

#[test]
fn limits_what_is_kept() {
    let mut detector = IcmpTunnel::new(&Scope::default());
    for n in 0..40_960u32 {
        detector.pairs.at((Addr::v4(n.to_be_bytes()), Addr::v4([10, 0, 0, 1])), Sum::default);
    }
    assert!(detector.held_len() < 4 << 20 && detector.forgotten() > 30_000);
}
