//! # tls-cert-name
//! ## How
//! The name that the client asked for (SNI) is compared with the names of the server's certificate as RFC 9525 asks: dNSNames only, without regard to case,
//! a wildcard stands for all of the left-most label and for no more; addresses with iPAddress names. `mismatch`: no name covers it.
//! `no-san`: the certificate has no such names at all, and only its common name fits, which clients have not looked at for years. `ip-literal`: an
//! address was asked for, and the certificate does not carry it.
//! ## Thresholds
//! None: a name is covered or not. The first 16 names asked of a service are compared.
//! ## State
//! The catalogue of certificates and services: 50,000 of each, the least recent forgotten.
//! ## Severity
//! `mismatch` of one's own service medium 0.9, of others' low 0.8; `ip-literal` and `no-san` low 0.8, of others' `info`. Only sessions that came
//! about count; what clients refused with an alert is `info`.
//! ## Benign
//! A server's default certificate, before the client closes. Mail between servers is encrypted without regard to names
//! unless DANE or MTA-STS asks for it: `info`. TLS inspection.
//! ## Blind
//! TLS 1.3 and QUIC hide certificates, unless the keys are given. Sessions without a server name are not compared: what name the
//! client had in mind is unknown.
//! ## References
//! RFC 9525 §6; RFC 6066 §3; Zeek `sni_matches_cert`; nDPI TLS_CERTIFICATE_MISMATCH.

use crate::Cx;
use crate::catalogue::{Asked, Fit, Served, Service, graded, raise};
use crate::certificate::Cert;
use crate::detection::Scope;
use crate::registry::Detector;
use sekisho_finding::{About, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::Addr;

static ABOUT: About = About {
    id: "tls-cert-name",
    title: "certificate for another name",
    means: "A certificate is for another name than the one that was asked for.",
    techniques: &["T1557"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "mismatch", means: "The certificate does not cover the name that the client asked for." },
        Reason { code: "no-san", means: "The certificate has no alternative names; only its common name fits." },
        Reason { code: "ip-literal", means: "The client asked for an address that the certificate does not carry." },
    ],
    benign: "A default certificate before the client closes, TLS inspection, mail servers.",
    clears: "The service shows a certificate that covers the name.",
    next: &[
        "See which name the service should have, and which the clients are told to use.",
        "See whether the client checks names at all: it went on.",
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

const MISMATCH: &Reason = ABOUT.at(0);
const NO_SAN: &Reason = ABOUT.at(1);
const IP_LITERAL: &Reason = ABOUT.at(2);

/// See the module.
pub(crate) struct Name;

impl Name {
    pub fn new(_: &Scope) -> Self {
        Self
    }
}

impl Detector for Name {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        for shown in cx.catalogue().served() {
            for asked in &shown.1.asked {
                judge(shown, asked, cx);
            }
        }
    }

    fn held_len(&self) -> usize {
        0
    }
}

fn judge(shown: (&Service, &Served, &Cert), asked: &Asked, cx: &mut Cx<'_>) {
    let (service, served, cert) = shown;
    if asked.established == 0 && !served.is_refused() {
        return;
    }
    let is_address = asked.name.parse::<Addr>().is_ok();
    let (reason, own, confidence) = match asked.fit {
        Fit::Unknown | Fit::Covered => return,
        Fit::CommonName => (NO_SAN, Severity::Low, 80),
        Fit::Other if is_address => (IP_LITERAL, Severity::Low, 80),
        Fit::Other if service.is_own(served, cx.hosts()) => (MISMATCH, Severity::Medium, 90),
        Fit::Other => (MISMATCH, Severity::Medium, 80),
    };
    let mail = matches!(service.port, 25) || &*served.inside == "smtp";
    let severity = if mail { Severity::Info } else { graded(shown, own, cx) };
    let names = if cert.names.is_empty() { cert.first_name().to_owned() } else { cert.names.join(" ") };
    let raise = raise(&ABOUT, reason, shown, (severity, confidence))
        .key(format!("{} {}", service.port, asked.name))
        .times(asked.established.max(1))
        .measure(Measure::count("names of the certificate", cert.name_count, None, "", Origin::Own))
        .quote("name asked for", asked.name.as_bytes(), served.packet)
        .quote("names of the certificate", names.as_bytes(), cert.packet);
    cx.raise(if mail {
        raise.benign("mail servers do not look at names", "it is a mail server")
    } else {
        raise.benign("a default certificate, after which the client closes", "the client went on")
    });
}

#[cfg(test)]
mod tests;
