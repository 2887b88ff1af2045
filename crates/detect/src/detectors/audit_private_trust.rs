//! # audit-private-trust
//! ## How
//! For each device at home the sessions that it established with servers outside whose certificates lead to no trusted root, by
//! authority. `vendor-ca`: the authority's servers all have names of one domain, as a maker's devices do it. `pinned-unknown`: they do not.
//! `self-signed`: several servers that vouch for themselves alone, so that the device may not look at certificates at all. `client-cert`:
//! the device shows a certificate of its own to such a server.
//! ## Thresholds
//! Three servers that vouch for themselves, with different names. An authority of five servers or more is an organisation's own and left to
//! `tls-cert-trust` (Sekisho's own choice).
//! ## State
//! The catalogue of certificates and services: 50,000 of each, the least recent forgotten; the first eight clients of each service.
//! ## Severity
//! `self-signed` low 0.7, 0.5 if the device refused another certificate because it does not know its authority: it does check. The others `info`.
//! ## Benign
//! A maker's own authority is usual for devices: the device can check it, nobody else can. A capture from before 2025 is compared
//! with roots of today: only what signed itself counts. Calls over DTLS are left out.
//! ## Blind
//! TLS 1.3 and QUIC hide certificates, unless the keys are given. Whether trust is stable shows in a week, not in a short capture.
//! ## References
//! Paracha et al., IoTLS: Understanding TLS Usage in Consumer IoT Devices, IMC 2021.

use crate::catalogue::{Fault, ROOTS_SINCE, Served, Shown};
use crate::certificate::{Cert, domain};
use crate::detection::Scope;
use crate::registry::Detector;
use crate::{Cx, Raise};
use sekisho_finding::{
    About, Confidence, Measure, Origin, Quality, Reason, Severity, Stage, Traffic, What, useful, vital,
};
use sekisho_types::{Addr, Interval};
use std::collections::{BTreeMap, BTreeSet};

static ABOUT: About = About {
    id: "audit-private-trust",
    title: "TLS that no public root vouches for",
    means: "This device accepts servers that only its maker's own authority, or nothing, vouches for.",
    techniques: &["T1557"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "vendor-ca", means: "An authority of its own vouches for all servers of one domain." },
        Reason {
            code: "self-signed",
            means: "The device goes on with several servers that vouch for themselves alone.",
        },
        Reason {
            code: "pinned-unknown",
            means: "An authority that is not trusted vouches for servers of several domains.",
        },
        Reason { code: "client-cert", means: "The device shows a certificate to a server that nobody vouches for." },
    ],
    benign: "Makers' own authorities, company authorities.",
    clears: "The device refuses such servers, or they show certificates of trusted roots.",
    next: &[
        "See whether the domain is the maker's.",
        "Let the device connect to a server with a wrong certificate, to see whether it checks.",
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

const VENDOR_CA: &Reason = ABOUT.at(0);
const SELF_SIGNED: &Reason = ABOUT.at(1);
const PINNED: &Reason = ABOUT.at(2);
const CLIENT_CERT: &Reason = ABOUT.at(3);

/// Servers that vouch for themselves from which on a device may not check at all.
const SELF_SERVERS: usize = 3;
/// Servers from which on an authority is an organisation's own.
const OWN_SERVERS: usize = 5;
/// How long trust must last to be called stable.
const STABLE: Interval = Interval::from_secs(7 * 86_400);

/// See the module.
pub(crate) struct PrivateTrust;

impl PrivateTrust {
    pub fn new(_: &Scope) -> Self {
        Self
    }
}

impl Detector for PrivateTrust {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut devices: BTreeMap<Addr, Vec<Shown<'_>>> = BTreeMap::new();
        let mut of_authority: BTreeMap<&str, BTreeSet<Addr>> = BTreeMap::new();
        let mut checking: BTreeSet<Addr> = BTreeSet::new();
        for shown in cx.catalogue().served() {
            let (service, served, cert) = shown;
            checking.extend(&served.unknown_ca);
            let outside = !cx.hosts().is_internal(service.server) && !served.is_proxied();
            let call = served.dtls && served.asked.is_empty();
            let Some(fault) = served.fault.filter(|_| outside && !call) else { continue };
            if !is_own(fault) {
                if served.last < ROOTS_SINCE {
                    continue;
                }
                of_authority.entry(cert.issuer_family()).or_default().insert(service.server);
            }
            for (client, established) in &served.clients {
                if *established > 0 && cx.hosts().is_internal(*client) {
                    devices.entry(*client).or_default().push(shown);
                }
            }
        }
        for (device, all) in &devices {
            itself(*device, all, checking.contains(device), cx);
            authorities(*device, all, &of_authority, cx);
        }
    }

    fn held_len(&self) -> usize {
        0
    }
}

fn is_own(fault: Fault) -> bool {
    matches!(fault, Fault::SelfSigned | Fault::SelfIssued)
}

/// Servers that vouch for themselves.
fn itself(device: Addr, all: &[Shown<'_>], checks: bool, cx: &mut Cx<'_>) {
    let own: Vec<Shown<'_>> = all.iter().copied().filter(|(_, served, _)| served.fault.is_some_and(is_own)).collect();
    let servers: BTreeSet<Addr> = own.iter().map(|(service, ..)| service.server).collect();
    let names: BTreeSet<&str> = own.iter().map(|(.., cert)| &*cert.subject).collect();
    let count = servers.len().min(names.len());
    if count < SELF_SERVERS {
        return;
    }
    let confidence = if checks { 50 } else { 70 };
    let threshold = u64::try_from(SELF_SERVERS).ok();
    let count = Measure::count("servers", u64::try_from(count).unwrap_or(u64::MAX), threshold, "", Origin::Own);
    let raise = raise(SELF_SIGNED, device, (Severity::Low, confidence), "", &own).measure(count);
    cx.raise(if checks {
        raise.benign("the device checks certificates", "it refused one whose authority it does not know")
    } else {
        raise.benign("the device checks certificates", "it refused none for want of a known authority")
    });
}

/// Authorities that are not trusted.
fn authorities(device: Addr, all: &[Shown<'_>], servers: &BTreeMap<&str, BTreeSet<Addr>>, cx: &mut Cx<'_>) {
    let mut families: BTreeMap<&str, Vec<Shown<'_>>> = BTreeMap::new();
    for shown in all.iter().filter(|(_, served, _)| served.fault.is_some_and(|f| !is_own(f))) {
        families.entry(shown.2.issuer_family()).or_default().push(*shown);
    }
    for (family, shown) in families {
        if servers.get(family).is_some_and(|s| s.len() >= OWN_SERVERS) {
            continue;
        }
        let domains: BTreeSet<String> = shown.iter().flat_map(|(_, served, cert)| names(served, cert)).collect();
        let reason = if domains.len() <= 1 { VENDOR_CA } else { PINNED };
        let count = u64::try_from(domains.len()).unwrap_or(u64::MAX);
        let count = Measure::count("domains", count, Some(1), "", Origin::Own);
        cx.raise(raise(reason, device, (Severity::Info, 60), family, &shown).measure(count));
        let asked: Vec<Shown<'_>> = shown.into_iter().filter(|s| s.1.client_certs.contains(&device)).collect();
        if !asked.is_empty() {
            cx.raise(raise(CLIENT_CERT, device, (Severity::Info, 90), family, &asked));
        }
    }
}

/// Domains of the names that were asked for, or else of the certificate's first.
fn names(served: &Served, cert: &Cert) -> Vec<String> {
    let asked: Vec<String> = served.asked.iter().map(|a| domain(&a.name)).collect();
    if asked.is_empty() { vec![domain(cert.first_name())] } else { asked }
}

fn raise(
    reason: &'static Reason,
    device: Addr,
    (severity, confidence): (Severity, u8),
    family: &str,
    all: &[Shown<'_>],
) -> Raise {
    let (first, last) = (all.iter().map(|s| s.1.first).min(), all.iter().map(|s| s.1.last).max());
    let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
    let sessions = all.iter().flat_map(|s| &s.1.clients).filter(|c| c.0 == device).map(|c| c.1).sum();
    let mut raise = Raise::new(&ABOUT, reason, device, severity, Confidence::percent(confidence))
        .key(family)
        .between(first, last)
        .times(sessions);
    for (service, served, cert) in all {
        raise = raise.peer(service.server).flow(served.uid).packet(served.packet);
        raise = raise.quote("certificate", cert.words().as_bytes(), cert.packet);
    }
    if last - first < STABLE { raise.quality(Quality::Short) } else { raise }
}

#[cfg(test)]
mod tests;
