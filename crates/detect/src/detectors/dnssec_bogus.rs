//! # dnssec-bogus
//! ## How
//! Answers, denials and delegations that carry signatures are verified (RFC 4035 §5) with the keys and DS records that passed too, up to
//! the root's keys or those of `--trust-anchors`. An answer that lacks a link waits for it. `sig-invalid`: a signature does not verify, is by somebody else's key or is
//! missing. `sig-expired`, `sig-future`: the packet's time is outside its validity. `key-missing`: the key that signed is not in the zone's key set, is revoked, may not sign zone data, or
//! has more namesakes than validators try. `ds-mismatch`: no key is the one that the parent names, or that key did not sign the set. `alg-incomplete`: nothing is signed by an
//! algorithm that the parent promises. `denial-missing`: records that prove what is denied are missing or prove something else, and so for answers from wildcards.
//! `servfail-ede`: a resolver refuses the answer and names DNSSEC as the cause (RFC 8914, codes 6 to 12). The exact reason and what it rests on stand in the quotations. All
//! verdicts, secure and insecure ones too, are in the page's JSON.
//! ## Thresholds
//! Algorithms 8, 10, 13, 14 and 15, and 5 and 7 with SHA-1. Work: four keys tried for one signature, eight signatures verified for one set, 64 for one message, 2,000 a second; names are not hashed
//! with more than 50 iterations (such a denial counts as insecure).
//! ## State
//! Keys, DS records and proofs of 20,000 zones, 20 MiB; 5,120 answers that wait, 9 MiB, up to an hour; 8,192 outcomes of signatures; 16,384 messages; the least recent forgotten. Nothing of this
//! before the first record of DNSSEC.
//! ## Severity
//! Zones whose server stands at home high 0.9, others low 0.8. If another copy of the same records verifies, somebody changed this one: high 0.8.
//! What only the zone's own keys contradict, while the chain above them was not seen, low 0.5.
//! ## Benign
//! A key that comes later is waited for. If five or more zones are outside their signatures' validity, and more than are inside it, or the
//! root is, the capture's clock is wrong: `info`. Algorithms and digests that cannot be verified here are never bogus.
//! ## Blind
//! Answers without signatures of zones that nothing is known of. Captures at clients that do not ask for signatures. What lies behind a link that did not pass:
//! indeterminate, no finding.
//! ## References
//! RFC 4033 to 4035, 5155, 6840, 8914, 9276; RFC 6781 and 7583 on rollovers; KeyTrap, CVE-2023-50387; CVE-2023-50868.

use crate::detection::Scope;
use crate::dns_exchanges::name_digest;
use crate::dnssec::{Origin as Source, in_words, plain};
use crate::registry::Detector;
use crate::rows::{Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use hashbrown::HashSet;
use sekisho_dnssec::{Own, Reason as Why, Status, Subject, Verdict};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{SeededState, Timestamp};

static ABOUT: About = About {
    id: "dnssec-bogus",
    title: "signatures that do not verify",
    means: "Signed DNS data seen on the wire fails validation; either the zone made a mistake or someone changed the data.",
    techniques: &[],
    stage: Stage::Operations,
    reasons: &[
        Reason { code: "sig-invalid", means: "A signature does not verify, is missing, or is by somebody else." },
        Reason { code: "sig-expired", means: "A signature had expired when the answer passed." },
        Reason { code: "sig-future", means: "A signature was not yet valid when the answer passed." },
        Reason { code: "key-missing", means: "The key that signed is none that the zone has." },
        Reason { code: "ds-mismatch", means: "The zone's keys are not those that its parent names." },
        Reason { code: "alg-incomplete", means: "An algorithm that the parent promises signs nothing." },
        Reason { code: "denial-missing", means: "A name or type is denied without the proof." },
        Reason { code: "servfail-ede", means: "A resolver says that validation failed." },
    ],
    benign: "Mistakes in a zone's signing, a wrong clock of the capture.",
    clears: "The same name and type is seen with a chain that holds.",
    next: &[
        "Compare with what a validating resolver elsewhere says of the name.",
        "Look at the zone's signatures, keys and DS records for the step that the reason names.",
        "If another copy verifies, see who could change answers on the way.",
    ],
    needs: &[vital(What::Some(Traffic::Signed)), vital(What::Answers(Traffic::Dns)), useful(What::Clear(Traffic::Dns))],
};

static ABOUTS: &[&About] = &[&ABOUT];

/// Sets of records of which it is remembered whether a copy verified, and what was said of one that did not.
const MAX_SETS: usize = 20_000;
/// Findings about time held back until it is clear whether the clock is wrong.
const MAX_UNTIMELY: usize = 1_024;
/// Zones told apart when the clock is judged.
const MAX_ZONES: usize = 20_000;
/// Zones outside their signatures' validity from which on the clock is to blame.
const CLOCK_ZONES: usize = 5;

/// What was seen of a set.
#[derive(Default)]
struct Set {
    verified: bool,
    failed: Option<Box<(Verdict, Source)>>,
}

/// See the module.
pub(crate) struct Bogus {
    seed: u64,
    sets: Recent<u64, Set>,
    untimely: Vec<(Verdict, Source)>,
    dropped: u64,
    /// Zones outside and inside their signatures' validity.
    outside: HashSet<u64, SeededState>,
    inside: HashSet<u64, SeededState>,
}

impl Bogus {
    pub fn new(scope: &Scope) -> Self {
        let empty = || HashSet::with_hasher(SeededState(scope.seed));
        Self {
            seed: scope.seed,
            sets: Recent::of(scope, MAX_SETS),
            untimely: Vec::new(),
            dropped: 0,
            outside: empty(),
            inside: empty(),
        }
    }

    fn verdict(&mut self, v: &Verdict, source: Source, cx: &mut Cx<'_>) {
        let key = name_digest(&plain(&v.name), self.seed) ^ u64::from(v.rtype.0);
        let zone = v.evidence.zone.as_ref().map_or(key, |z| name_digest(&plain(z), self.seed));
        match (v.status(), v.reason) {
            (Status::Secure, _) => {
                add(&mut self.inside, zone);
                if v.subject == Subject::Answer {
                    let set = self.sets.at(key, Set::default);
                    set.verified = true;
                    if let Some(failed) = set.failed.take() {
                        raise(&failed.0, failed.1, Kin::Verifies, cx);
                    }
                }
            }
            (_, Why::SignatureExpired | Why::SignatureFuture) => {
                add(&mut self.outside, zone);
                if self.untimely.len() < MAX_UNTIMELY {
                    self.untimely.push((v.clone(), source));
                } else {
                    self.dropped += 1;
                }
            }
            (Status::Bogus, Why::SignatureInvalid) => {
                let set = self.sets.at(key, Set::default);
                if set.verified {
                    raise(v, source, Kin::Verifies, cx);
                } else {
                    raise(v, source, Kin::None, cx);
                    set.failed.get_or_insert_with(|| Box::new((v.clone(), source)));
                }
            }
            (Status::Bogus, _) => raise(v, source, Kin::None, cx),
            (_, _) if v.own == Own::Fails => raise(v, source, Kin::OwnKeys, cx),
            _ => {}
        }
    }

    fn look(&mut self, cx: &mut Cx<'_>) {
        let dnssec = cx.dnssec();
        for v in dnssec.verdicts() {
            if let Some(source) = dnssec.origin(&v.seen) {
                self.verdict(v, source, cx);
            }
        }
    }
}

fn add(zones: &mut HashSet<u64, SeededState>, zone: u64) {
    if zones.len() < MAX_ZONES {
        zones.insert(zone);
    }
}

/// What else is known of a set that fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kin {
    None,
    /// Another copy verifies.
    Verifies,
    /// Only the zone's own keys say so.
    OwnKeys,
    /// The capture's clock is wrong.
    Clock,
}

fn raise(v: &Verdict, source: Source, kin: Kin, cx: &mut Cx<'_>) {
    let code = v.reason.group().unwrap_or("sig-invalid");
    let Some(reason) = ABOUT.reason(code) else { return };
    let own = source.is_own(cx.hosts().is_internal(source.server));
    let reported = v.subject == Subject::Reported;
    let (severity, confidence) = match kin {
        Kin::Clock => (Severity::Info, 40),
        Kin::OwnKeys => (Severity::Low, 50),
        _ if own => (Severity::High, 90),
        Kin::Verifies => (Severity::High, 80),
        Kin::None => (Severity::Low, 80),
    };
    // A zone's mistake is for its server; of zones elsewhere one sees it where it arrives; a resolver speaks for itself.
    let subject = if own || reported { source.server } else { source.client };
    let zone = v.evidence.zone.as_ref().or(v.evidence.signer.as_ref()).unwrap_or(&v.name);
    // What several causes have in common is told of each.
    let id = v.reason.id();
    let key = in_words(if reported { &v.name } else { zone });
    let key = if id == code { key } else { format!("{key} ({id})") };
    let mut raise = Raise::new(&ABOUT, reason, subject, severity, Confidence::percent(confidence))
        .key(key)
        .peer(if subject == source.server { source.client } else { source.server })
        .at(v.seen.at)
        .flow(source.uid)
        .packet(source.packet)
        .quote("reason", id.as_bytes(), source.packet)
        .quote("verdict", v.to_string().as_bytes(), source.packet);
    if let Some(left) = distance(v) {
        raise =
            raise.measure(Measure::count("outside the validity by", left, Some(0), "s", Origin::Standard("RFC 4035")));
    }
    if own {
        raise = raise.quote("whose", b"a server at home speaks for the zone", source.packet);
    }
    raise = match kin {
        Kin::Verifies => raise.stage(Stage::Credential).technique("T1557").benign(
            "a mistake of the zone",
            "another copy of the same records verifies: this one was changed on its way",
        ),
        Kin::OwnKeys => raise.benign("a zone that need not be signed", "its keys passed, but no chain from above"),
        Kin::Clock => {
            raise.benign("the clock of the capture", "many zones are outside their validity at once, fewer inside")
        }
        Kin::None if v.reason == Why::KeyMissing => {
            raise.benign("a key set older than the signature", "no newer one was seen")
        }
        Kin::None => raise.benign("the clock of the capture", "other zones' signatures do not speak for it"),
    };
    if source.unchecked {
        raise = raise.benign("a look at a broken zone on purpose", "the client asked for data without checking (CD)");
    }
    cx.raise(raise);
}

/// Seconds by which the packet is outside the signature's validity.
fn distance(v: &Verdict) -> Option<u64> {
    let at: Timestamp = v.seen.at;
    let gap = match v.reason {
        Why::SignatureExpired => at - v.evidence.expiration?,
        Why::SignatureFuture => v.evidence.inception? - at,
        _ => return None,
    };
    u64::try_from(gap.whole_secs()).ok()
}

impl Detector for Bogus {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::DnsMessage]
    }

    fn row(&mut self, _: &Row<'_>, cx: &mut Cx<'_>) {
        self.look(cx);
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.look(cx);
        let many = self.outside.len() >= CLOCK_ZONES && self.outside.len() > self.inside.len();
        // The root's own signatures are never outside.
        let root = name_digest(b"", self.seed);
        let clock = many || (self.outside.contains(&root) && !self.inside.contains(&root));
        for (v, source) in std::mem::take(&mut self.untimely) {
            raise(&v, source, if clock { Kin::Clock } else { Kin::None }, cx);
        }
    }

    fn held_len(&self) -> usize {
        let verdict = size_of::<(Verdict, Source)>();
        let failed = self.sets.iter().filter(|(_, s)| s.failed.is_some()).count();
        self.sets.held_len()
            + (failed + self.untimely.capacity()) * verdict
            + (self.outside.capacity() + self.inside.capacity()) * size_of::<u64>()
    }

    fn forgotten(&self) -> u64 {
        self.sets.forgotten() + self.dropped
    }
}

#[cfg(test)]
mod tests;
