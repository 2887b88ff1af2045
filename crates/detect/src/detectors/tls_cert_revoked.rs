//! # tls-cert-revoked
//! ## How
//! An answer of an authority (OCSP) that a certificate is revoked, stapled to a handshake or fetched over HTTP, is matched with the
//! certificates that servers show: serial number, and the hash of the issuer's key, which is how most authorities name their
//! keys in certificates. `stapled` or `ocsp-seen` by how the answer came. `staple-invalid`: a stapled answer was out of date.
//! ## Thresholds
//! Only sessions after the time of revocation count; a stapled answer may be 300 s beyond its end.
//! ## State
//! Revocations and answers out of date: 4,096, the least recent forgotten; files of answers 4,096; the catalogue of certificates and
//! services, 50,000 of each.
//! ## Severity
//! High 0.85, critical if the reason is that the key was compromised; `staple-invalid` low 0.8; one step less for others' services, but for a
//! compromised key. What clients refused with an alert is `info`.
//! ## Benign
//! Certificates that were replaced and are no longer in service: no session after the revocation.
//! ## Blind
//! TLS 1.3 and QUIC hide certificates and stapled answers, unless the keys are given. The answer's own signature is not checked, hence 0.85.
//! Lists of revoked certificates (CRLs) are not read.
//! ## References
//! RFC 6960; RFC 6066 §8; Zeek policy validate-ocsp.

use crate::Cx;
use crate::catalogue::{Served, Service, graded, raise};
use crate::certificate::{Cert, date, hex};
use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Files, Kind, Ocsp, Row};
use crate::table::Recent;
use sekisho_finding::{About, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Interval, Timestamp, Uid};

static ABOUT: About = About {
    id: "tls-cert-revoked",
    title: "revoked certificate in use",
    means: "The issuer has revoked this certificate.",
    techniques: &["T1557", "T1588.004"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "stapled", means: "The server itself brings the answer that its certificate is revoked." },
        Reason { code: "ocsp-seen", means: "An authority answered that the certificate is revoked." },
        Reason {
            code: "staple-invalid",
            means: "The server brings an answer about its certificate that is out of date.",
        },
    ],
    benign: "Certificates that were replaced and are no longer shown.",
    clears: "The service shows another certificate.",
    next: &["Ask the service's owner why the certificate was revoked.", "See which clients go on in spite of it."],
    needs: &[
        vital(What::Some(Traffic::Tls)),
        vital(What::Answers(Traffic::Tls)),
        vital(What::Certificates),
        useful(What::Whole(Traffic::Tls)),
        vital(What::Uncut(Traffic::Tls)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const STAPLED: &Reason = ABOUT.at(0);
const OCSP_SEEN: &Reason = ABOUT.at(1);
const STAPLE_INVALID: &Reason = ABOUT.at(2);

/// Answers kept.
const MAX_ANSWERS: usize = 4096;
/// Files of answers kept.
const MAX_FILES: usize = 4096;
/// Longest serial number kept.
const MAX_SERIAL_LEN: usize = 80;
/// Clocks that are so far apart are right.
const SKEW: Interval = Interval::from_secs(300);
/// The type of files that are answers.
const ANSWER: &[u8] = b"application/ocsp-response";

#[derive(Clone, Copy)]
struct Answer {
    ts: Timestamp,
    file: Uid,
    packet: u64,
    /// Since when it is revoked; `None` if it is not.
    revoked: Option<Timestamp>,
    compromised: bool,
    next_update: Option<Timestamp>,
}

/// See the module.
pub(crate) struct Revoked {
    /// By serial number and hash of the issuer's key, both in lower-case hex.
    answers: Recent<(Box<str>, Box<str>), Answer>,
    /// Answers that came with a handshake.
    stapled: Recent<Uid, ()>,
}

impl Revoked {
    pub fn new(scope: &Scope) -> Self {
        Self { answers: Recent::of(scope, MAX_ANSWERS), stapled: Recent::of(scope, MAX_FILES) }
    }

    fn answer(&mut self, ocsp: &Ocsp<'_>, packet: u64) {
        let outdated = ocsp.next_update.is_some_and(|t| t + SKEW < ocsp.ts);
        let is_revoked = ocsp.status == "revoked";
        if (!is_revoked && !outdated) || ocsp.serial.len() > MAX_SERIAL_LEN {
            return;
        }
        let key = (lower(ocsp.serial), lower(ocsp.key_hash));
        let answer = Answer {
            ts: ocsp.ts,
            file: ocsp.id,
            packet,
            revoked: is_revoked.then(|| ocsp.revoked_at.unwrap_or(ocsp.ts)),
            compromised: matches!(ocsp.reason, "keyCompromise" | "cACompromise" | "aACompromise"),
            next_update: ocsp.next_update,
        };
        let kept = self.answers.at(key, || answer);
        if kept.revoked.is_none() {
            *kept = answer;
        }
    }
}

fn lower(text: &[u8]) -> Box<str> {
    String::from_utf8_lossy(text).to_ascii_lowercase().into()
}

impl Detector for Revoked {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Files, Kind::Ocsp]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Ocsp(ocsp) => self.answer(ocsp, cx.packet),
            Row::Files(Files { id, source: b"SSL", mime, .. }) if *mime == ANSWER => {
                self.stapled.at(*id, || ());
            }
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        if self.answers.is_empty() {
            return;
        }
        for shown in cx.catalogue().served() {
            let cert = shown.2;
            let key = (lower(cert.serial.as_bytes()), hex(&cert.issuer_key_id).into_boxed_str());
            if let Some(answer) = self.answers.peek(&key) {
                judge(shown, answer, self.stapled.peek(&answer.file).is_some(), cx);
            }
        }
    }

    fn held_len(&self) -> usize {
        let texts: usize = self.answers.iter().map(|(key, _)| key.0.len() + key.1.len()).sum();
        self.answers.held_len() + self.stapled.held_len() + texts
    }

    fn forgotten(&self) -> u64 {
        self.answers.forgotten() + self.stapled.forgotten()
    }
}

fn judge(shown: (&Service, &Served, &Cert), answer: &Answer, stapled: bool, cx: &mut Cx<'_>) {
    let Some(revoked) = answer.revoked else {
        let Some(until) = answer.next_update.filter(|_| stapled) else { return };
        let past = u64::try_from((answer.ts - until).0 / 1_000_000_000).unwrap_or(0);
        let raise = raise(&ABOUT, STAPLE_INVALID, shown, (graded(shown, Severity::Low, cx), 80))
            .packet(answer.packet)
            .measure(Measure::count("out of date since", past, Some(300), "s", Origin::Own));
        return cx.raise(raise);
    };
    if shown.1.last < revoked {
        return;
    }
    let severity = if answer.compromised { Severity::Critical } else { graded(shown, Severity::High, cx) };
    let reason = if stapled { STAPLED } else { OCSP_SEEN };
    let raise = raise(&ABOUT, reason, shown, (severity, 85))
        .packet(answer.packet)
        .quote("revoked at", date(revoked).as_bytes(), answer.packet)
        .quote(
            "reason",
            if answer.compromised { b"the key was compromised" } else { b"not told, or another" },
            answer.packet,
        );
    cx.raise(raise.benign("the certificate is no longer in service", "it was shown after it was revoked"));
}

#[cfg(test)]
mod tests;
