//! # tls-cert-changed
//! ## How
//! For each service (server, port and the name asked for) the certificates that it showed in the order of their first sessions. A certificate takes another's
//! place if that one is not seen again: `early-change` if key and authority are new while most of the old one's validity was left,
//! `issuer-change` if they are new near its end. `split-view`: different clients are shown different certificates
//! in the same hour, one of which leads to a trusted root while the other does not, and keys and authorities differ.
//! ## Thresholds
//! `early-change`: half of the validity left; `split-view`: one hour (Sekisho's own choice).
//! ## State
//! The catalogue of certificates and services: 50,000 of each, the least recent forgotten. Services with more than eight certificates
//! are not judged: they belong to those who change them all the time.
//! ## Severity
//! `split-view` high 0.75, a sign of somebody in the middle; `early-change` and `issuer-change` low 0.5, of others' services `info`.
//! ## Benign
//! Several servers behind one address show several certificates in turn: they overlap in time, and all are trusted. A service with one RSA and one
//! elliptic key. Renewal by the same authority. A move to another authority that was planned.
//! ## Blind
//! TLS 1.3 and QUIC hide certificates, unless the keys are given. What was shown before the capture is not known.
//! ## References
//! RFC 6962 §1; Wendlandt et al., Perspectives, USENIX ATC 2008; Holz et al., X.509 Forensics, ESORICS 2012.

use crate::Cx;
use crate::catalogue::{Served, Shown, raise};
use crate::certificate::{Cert, date};
use crate::detection::Scope;
use crate::registry::Detector;
use sekisho_finding::{About, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval};
use std::collections::BTreeMap;

static ABOUT: About = About {
    id: "tls-cert-changed",
    title: "service with another certificate",
    means: "A known service suddenly shows a different certificate.",
    techniques: &["T1557"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "issuer-change", means: "A service has a new key and another authority." },
        Reason { code: "early-change", means: "A service has a new key and another authority long before it had to." },
        Reason {
            code: "split-view",
            means: "Some clients are shown a certificate that is not trusted, others one that is.",
        },
    ],
    benign: "Several servers behind one address, a planned move to another authority.",
    clears: "All clients are shown certificates of one authority.",
    next: &[
        "Compare both certificates with what the server's owner says.",
        "See what the clients with the odd one have in common: network, proxy, resolver.",
    ],
    needs: &[
        vital(What::Some(Traffic::Tls)),
        vital(What::Answers(Traffic::Tls)),
        vital(What::Certificates),
        useful(What::Whole(Traffic::Tls)),
        vital(What::Uncut(Traffic::Tls)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const ISSUER_CHANGE: &Reason = ABOUT.at(0);
const EARLY_CHANGE: &Reason = ABOUT.at(1);
const SPLIT_VIEW: &Reason = ABOUT.at(2);

/// Certificates of one service that are compared.
const MAX_LEAVES: usize = 8;
/// Within this time two views are of the same time.
const SAME_TIME: Interval = Interval::from_secs(3600);

/// See the module.
pub(crate) struct Changed;

impl Changed {
    pub fn new(_: &Scope) -> Self {
        Self
    }
}

impl Detector for Changed {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut services: BTreeMap<(Addr, u16, &str), Vec<Shown<'_>>> = BTreeMap::new();
        for shown in cx.catalogue().served() {
            let (service, served, _) = shown;
            // Behind a proxy's address there are as many services as it leads to; calls make new certificates each time.
            if served.is_proxied() || (served.dtls && served.asked.is_empty()) {
                continue;
            }
            if served.asked.is_empty() {
                services.entry((service.server, service.port, "")).or_default().push(shown);
            }
            for asked in &served.asked {
                services.entry((service.server, service.port, &asked.name)).or_default().push(shown);
            }
        }
        for ((_, port, name), shown) in services.into_iter().filter(|(_, all)| (2..=MAX_LEAVES).contains(&all.len())) {
            let key = format!("{port} {name}");
            if !split(&shown, &key, cx) {
                shown.array_windows().for_each(|[old, new]| change(*old, *new, &key, cx));
            }
        }
    }

    fn held_len(&self) -> usize {
        0
    }
}

/// Do both key and authority differ?
fn differ(a: &Cert, b: &Cert) -> bool {
    a.key != b.key && a.issuer_family() != b.issuer_family()
}

/// Was one shown while the other was, or nearly?
fn at_the_same_time(a: &Served, b: &Served) -> bool {
    a.first - b.last <= SAME_TIME && b.first - a.last <= SAME_TIME
}

/// Do some clients see what is trusted and others what is not?
fn split(all: &[Shown<'_>], key: &str, cx: &mut Cx<'_>) -> bool {
    let odd = all.iter().filter(|(_, served, _)| served.fault.is_some() && !served.vouched);
    for shown in odd {
        let apart = |other: &&Shown<'_>| {
            let strangers = shown.1.clients.iter().all(|c| other.1.clients.iter().all(|o| o.0 != c.0));
            other.1.vouched && strangers && at_the_same_time(shown.1, other.1) && differ(shown.2, other.2)
        };
        let Some(other) = all.iter().find(apart) else { continue };
        let clients = |served: &Served| u64::try_from(served.clients.len()).unwrap_or(u64::MAX);
        let raise = raise(&ABOUT, SPLIT_VIEW, *shown, (Severity::High, 75))
            .key(key)
            .stage(Stage::Credential)
            .flow(other.1.uid)
            .packet(other.1.packet)
            .measure(Measure::count("clients with the odd one", clients(shown.1), None, "", Origin::Own))
            .measure(Measure::count("clients with the trusted one", clients(other.1), None, "", Origin::Own))
            .quote("trusted certificate", other.2.words().as_bytes(), other.2.packet)
            .benign("several servers behind one address", "one of the certificates is not trusted");
        cx.raise(raise);
        return true;
    }
    false
}

/// `new` was first shown after `old`: did it take its place?
fn change(old: Shown<'_>, new: Shown<'_>, key: &str, cx: &mut Cx<'_>) {
    let (Some(from), Some(to)) = (old.2.not_before, old.2.not_after) else { return };
    if new.1.first <= old.1.last || !differ(old.2, new.2) || to <= from {
        return;
    }
    let left = to - new.1.first;
    let percent = u64::try_from(left.0 / ((to - from).0 / 100).max(1)).unwrap_or(0);
    let reason = if percent > 50 { EARLY_CHANGE } else { ISSUER_CHANGE };
    let own = new.0.is_own(new.1, cx.hosts());
    let severity = if own { Severity::Low } else { Severity::Info };
    let raise = raise(&ABOUT, reason, new, (severity, 50))
        .key(key)
        .between(old.1.last, new.1.last)
        .packet(old.1.packet)
        .measure(Measure::count("validity left", percent, Some(50), "%", Origin::Own))
        .quote("certificate before", old.2.words().as_bytes(), old.2.packet)
        .quote("last seen", date(old.1.last).as_bytes(), old.1.packet);
    cx.raise(raise.benign("several servers behind one address", "the old certificate is not seen again"));
}

#[cfg(test)]
mod tests;
