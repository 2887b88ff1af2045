//! # tls-cert-trust
//! ## How
//! The parser looks for a path from the server's certificate to one of Mozilla's roots, or of those given by `--roots`, through the certificates that the server sent:
//! names, signatures, authority flags, path lengths, key usages, at packet time. Where there is none it says why, as far as that is certain.
//! `self-signed`: issuer and subject are the same and the signature holds by the certificate's own key. `unknown-root`:
//! the chain ends at an authority that is not trusted. `missing-intermediate`: the last certificate that was sent was issued, by name
//! and key identifier, by an authority that another trusted chain of the capture leads over, or, less certain, it carries proofs of
//! public logging. `bad-signature`: a signature does not hold by the very key that the certificate names. `ca-leaf`: a
//! certificate that says it is no authority signed another one, and that signature holds.
//! ## Thresholds
//! 16 certificates and 24 signatures for each chain. An authority that is not trusted and vouches for five servers or more, all of which
//! clients go on with, is taken for an organisation's own: one finding for all of them (Sekisho's own choice).
//! ## State
//! The catalogue of certificates and services: 50,000 of each, the least recent forgotten. Verdicts on 4,096 chains.
//! ## Severity
//! `bad-signature` high 0.95. `self-signed`, `unknown-root` and `ca-leaf` of one's own service medium 0.95, of others' that clients went on with
//! medium 0.9; where no session came about low 0.6. `missing-intermediate` low. An organisation's own authority low 0.5. What clients refused
//! with an alert is `info`.
//! ## Benign
//! Private authorities: load them with `--roots`. Appliances and printers. A maker's authority that vouches for the servers of its own devices
//! is told of the device, by `audit-private-trust/vendor-ca`, and not once more here: servers outside that only clients at home
//! asked for and all of these took, with names of one domain, at least two names or servers, and certificates that cover what was asked for, in time and
//! for a week or more. A lone certificate of an authority that nobody knows stays medium. Windows makes a certificate for Remote Desktop itself: low. Certificates of DTLS
//! without a server name belong to calls (WebRTC), which compare them by other means: left out. A capture from before
//! 2025 is compared with roots of today, of which many of that time are missing (DigiCert's and Let's Encrypt's first ones, VeriSign, GeoTrust,
//! Baltimore): one step less, and another if the certificate carries proofs of public logging.
//! ## Blind
//! TLS 1.3 and QUIC hide certificates, unless the keys are given; a missing chain is no finding. Signatures by algorithms
//! that are not implemented (MD5, DSA, P-521, post-quantum ones) cannot be checked: no finding, but for
//! certificates that issue themselves, 0.7.
//! ## References
//! RFC 5280 §6; RFC 9525; Zeek policy validate-certs; nDPI TLS_SELFSIGNED_CERTIFICATE.

use crate::catalogue::{Fault, ROOTS_SINCE, Served, Shown, are_makers, raise};
use crate::certificate::Cert;
use crate::detection::Scope;
use crate::registry::Detector;
use crate::{Cx, Raise};
use hashbrown::HashMap;
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::SeededState;
use std::collections::BTreeMap;

static ABOUT: About = About {
    id: "tls-cert-trust",
    title: "certificate without a trusted root",
    means: "A certificate does not lead to a root that is trusted.",
    techniques: &["T1557", "T1587.003"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "self-signed", means: "Nobody but the server itself says who it is." },
        Reason { code: "unknown-root", means: "The chain ends at an authority that is not trusted." },
        Reason { code: "missing-intermediate", means: "The server does not send a certificate of its chain." },
        Reason { code: "bad-signature", means: "A signature in the chain does not hold: the certificate was changed." },
        Reason { code: "ca-leaf", means: "A certificate that is no authority's signed another one." },
    ],
    benign: "Private authorities, appliances with certificates of their own making, TLS inspection.",
    clears: "The service shows a chain that leads to a trusted root.",
    next: &[
        "See whether the authority is your own or that of a device's maker.",
        "Compare the certificate's SHA-256 with the one on the server.",
        "See which clients go on in spite of it.",
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

const SELF_SIGNED: &Reason = ABOUT.at(0);
const UNKNOWN_ROOT: &Reason = ABOUT.at(1);
const MISSING: &Reason = ABOUT.at(2);
const BAD_SIGNATURE: &Reason = ABOUT.at(3);
const CA_LEAF: &Reason = ABOUT.at(4);

/// Servers from which on an authority is an organisation's own.
const OWN_SERVERS: usize = 5;
/// Ports of Remote Desktop.
const RDP_PORT: u16 = 3389;

/// See the module.
pub(crate) struct Trust;

impl Trust {
    pub fn new(_: &Scope) -> Self {
        Self
    }
}

impl Detector for Trust {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let catalogue = cx.catalogue();
        let vouched = catalogue.vouched();
        let mut unknown: BTreeMap<&str, Vec<Shown<'_>>> = BTreeMap::new();
        for shown in catalogue.served() {
            let (_, served, cert) = shown;
            let Some(fault) = served.fault else { continue };
            match fault {
                Fault::SelfSigned | Fault::SelfIssued => self_signed(shown, fault, cx),
                Fault::BadSignature => cx.raise(raise(&ABOUT, BAD_SIGNATURE, shown, (Severity::High, 95))),
                Fault::NoAuthority => cx.raise(raise(&ABOUT, CA_LEAF, shown, grade(shown, cx))),
                Fault::UnknownRoot | Fault::Alone => {
                    let path = catalogue.path(served);
                    let last = path.last().map_or(cert, |(_, last)| last);
                    match missing(last, served, &vouched) {
                        Some(confidence) => unsent(shown, last, confidence, cx),
                        None => unknown.entry(&last.issuer).or_default().push(shown),
                    }
                }
            }
        }
        for (authority, shown) in unknown {
            // That is told once, of the device, by audit-private-trust.
            if !are_makers(&shown, cx.hosts()) {
                of_authority(authority, &shown, cx);
            }
        }
    }

    fn held_len(&self) -> usize {
        0
    }
}

/// For a server that clients should not trust.
fn grade((service, served, cert): Shown<'_>, cx: &Cx<'_>) -> (Severity, u8) {
    let (severity, confidence) = match (served.established > 0, service.is_own(served, cx.hosts())) {
        (false, _) => (Severity::Low, 60),
        (true, true) => (Severity::Medium, 95),
        (true, false) => (Severity::Medium, 90),
    };
    let old = served.last < ROOTS_SINCE;
    let steps = u32::from(old) + u32::from(old && cert.sct_count > 0);
    (severity.lowered(steps), if old { confidence.min(60) } else { confidence })
}

fn self_signed(shown: Shown<'_>, fault: Fault, cx: &mut Cx<'_>) {
    let (service, served, _) = shown;
    // Calls make certificates for themselves and compare them by what was said over another way (RFC 8827 §6.5).
    if served.dtls && served.asked.is_empty() {
        return;
    }
    // Roots have nothing to do with it, old or new.
    let (severity, confidence) = match (served.established > 0, service.is_own(served, cx.hosts())) {
        (false, _) => (Severity::Low, 60),
        (true, own) => (Severity::Medium, if own { 95 } else { 90 }),
    };
    let desktop = service.port == RDP_PORT || &*served.inside == "rdp";
    let severity = if desktop && service.is_own(served, cx.hosts()) { severity.min(Severity::Low) } else { severity };
    let confidence = if fault == Fault::SelfIssued { confidence.min(70) } else { confidence };
    let raise = raise(&ABOUT, SELF_SIGNED, shown, (severity, confidence));
    cx.raise(match (desktop, fault) {
        (true, _) => raise.benign("Windows makes a certificate for Remote Desktop itself", "it is Remote Desktop"),
        (_, Fault::SelfIssued) => {
            raise.benign("another key of the same name signed it", "its signature cannot be checked")
        }
        _ => raise,
    });
}

/// How sure it is that `last`, up to which the server sent its chain, leads on to a trusted root; `None` if it is not.
fn missing(last: &Cert, served: &Served, vouched: &HashMap<&str, Vec<&Cert>, SeededState>) -> Option<u8> {
    let named = vouched.get(&*last.issuer).is_some_and(|all| {
        let same_key = |c: &&Cert| !c.key_id.is_empty() && c.key_id == last.issuer_key_id;
        all.iter().any(same_key)
    });
    let logged = served.fault == Some(Fault::Alone) && last.sct_count > 0;
    match (named, logged) {
        (true, _) => Some(85),
        (false, true) => Some(70),
        _ => None,
    }
}

fn unsent(shown: Shown<'_>, last: &Cert, confidence: u8, cx: &mut Cx<'_>) {
    let severity = if shown.0.is_own(shown.1, cx.hosts()) { Severity::Low } else { Severity::Info };
    let raise = raise(&ABOUT, MISSING, shown, (severity, confidence));
    let raise = raise.quote("not sent", last.issuer.as_bytes(), last.packet);
    cx.raise(if confidence > 70 {
        raise.benign("the authority only has the name", "its key is the one that a trusted chain leads over")
    } else {
        raise.benign("the proofs of logging are made up", "they were not checked")
    });
}

/// Services of an authority that is not trusted.
fn of_authority(authority: &str, all: &[Shown<'_>], cx: &mut Cx<'_>) {
    let mut servers: Vec<_> = all.iter().map(|(service, ..)| service.server).collect();
    servers.sort_unstable();
    servers.dedup();
    let accepted = all.iter().all(|(_, served, _)| served.established > 0);
    if servers.len() < OWN_SERVERS || !accepted {
        for shown in all {
            let served = shown.1;
            let raise = raise(&ABOUT, UNKNOWN_ROOT, *shown, grade(*shown, cx));
            let raise = raise.quote("authority", authority.as_bytes(), 0);
            let raise = raise.benign("a private authority", "it vouches for too few servers to tell");
            cx.raise(if served.last < ROOTS_SINCE {
                raise.benign("a root that was trusted then", "the capture is older than the roots it is compared with")
            } else {
                raise
            });
        }
        return;
    }
    let Some((service, first, cert)) = all.first() else { return };
    let count = u64::try_from(servers.len()).unwrap_or(u64::MAX);
    let last = all.iter().map(|(_, served, _)| served.last).max().unwrap_or(first.last);
    let own = all.iter().filter(|(service, served, _)| service.is_own(served, cx.hosts())).count();
    let mut raise = Raise::new(&ABOUT, UNKNOWN_ROOT, service.server, Severity::Low, Confidence::percent(50))
        .key(authority)
        .between(first.first, last)
        .times(all.iter().map(|(_, served, _)| served.sessions).sum())
        .measure(Measure::count("servers", count, u64::try_from(OWN_SERVERS).ok(), "", Origin::Own))
        .measure(Measure::count("of them at home", u64::try_from(own).unwrap_or(u64::MAX), None, "", Origin::Own))
        .quote("authority", authority.as_bytes(), 0)
        .quote("one of its certificates", cert.words().as_bytes(), cert.packet)
        .benign(
            "a company's own authority, or its TLS inspection",
            "it vouches for many servers, and clients go on with all",
        );
    for (service, served, _) in all {
        raise = raise.peer(service.server).flow(served.uid).packet(served.packet);
    }
    cx.raise(raise);
}

#[cfg(test)]
mod tests;
