//! # dnssec-hygiene
//! ## How
//! Records of DNSSEC that are not bogus are looked through: `expiring`: a signature ends within three days, or within a quarter of its life if that is
//! longer. `ttl-over`: caches may keep records longer than their signature holds, or longer than was signed. `weak-alg`: algorithms 1, 3, 5, 6, 7 and 12. `weak-key`:
//! RSA below 2,048 bits. `ds-digest`: SHA-1 or GOST. `nsec3-params`: iterations or salt. `long-validity`: more than 90 days. Mistakes of rollovers: `alg-incomplete` (a key's algorithm signs
//! nothing of the key set), `ds-without-key` (the parent names a key that is not there), `key-withdrawn` (a signature by a key that the newest key set is without),
//! `key-not-published` (a signature by a key that came into the set only later).
//! ## Thresholds
//! Three days and a quarter are Sekisho's own choice; the others are those of the standards named.
//! ## State
//! The observer's, see `dnssec-bogus`; each concern is told once for a zone and type, 20,000 remembered. Algorithms of 20,000 zones.
//! ## Severity
//! Zones whose server stands at home: `expiring` within three days high 0.95, else medium; RSA below 1,024 bits high, below 2,048 medium; more than 100 iterations medium;
//! `key-withdrawn` and `key-not-published` medium; the others low 0.95. Zones elsewhere `info` 0.95, one finding for each reason and client.
//! ## Benign
//! Signers that sign anew all the time use short lives: the quarter is theirs. A weak algorithm beside a strong one that holds, and a DS record without
//! key beside one with, may be a rollover: said with the finding.
//! ## Blind
//! How long a key has been in use: captures are too short. Zones of which nothing signed passed.
//! ## References
//! RFC 4034, 4035 §2.2; RFC 6781; RFC 7583; RFC 8624 and 9904 to 9906; RFC 9276 §3.1; RFC 4641.

use crate::detection::Scope;
use crate::dns_exchanges::name_digest;
use crate::dnssec::{Origin as Source, in_words, plain};
use crate::registry::Detector;
use crate::rows::{Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_dnssec::{Concern, Hygiene, Status};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};

static ABOUT: About = About {
    id: "dnssec-hygiene",
    title: "signing that will break or is weak",
    means: "The zone is signed, but something will expire soon or is weaker than current rules.",
    techniques: &[],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "expiring", means: "A signature ends soon." },
        Reason { code: "ttl-over", means: "Caches may keep records longer than their signature holds." },
        Reason { code: "weak-alg", means: "The zone signs by an algorithm that should not be used any more." },
        Reason { code: "weak-key", means: "A key is too short." },
        Reason { code: "ds-digest", means: "The parent names a key by a weak digest." },
        Reason { code: "nsec3-params", means: "Denials ask for hashing that helps nobody." },
        Reason { code: "long-validity", means: "A signature is valid for so long that old data can be replayed." },
        Reason { code: "alg-incomplete", means: "The zone has a key of an algorithm that signs nothing." },
        Reason { code: "ds-without-key", means: "The parent names a key that the zone does not have." },
        Reason { code: "key-withdrawn", means: "A key was withdrawn while its signatures live on." },
        Reason { code: "key-not-published", means: "A key signed before caches could have it." },
    ],
    benign: "Signers that renew short signatures all the time, rollovers under way.",
    clears: "The zone is signed anew by current rules.",
    next: &[
        "See whether the signer runs, and when it signs next.",
        "Compare the zone's settings with RFC 9276 and RFC 9904.",
        "Follow RFC 7583's times before the next rollover.",
    ],
    needs: &[vital(What::Some(Traffic::Signed)), vital(What::Answers(Traffic::Dns)), useful(What::Clear(Traffic::Dns))],
};

static ABOUTS: &[&About] = &[&ABOUT];

/// Zones of which it is known that a strong algorithm signs.
const MAX_ZONES: usize = 20_000;
const THREE_DAYS: i64 = 3 * 86_400;
const SHORTEST_RSA: u32 = 1_024;
/// Iterations from which on validators may take a zone for unsigned (RFC 9276 §3.2).
const MANY_ITERATIONS: u16 = 100;

/// See the module.
pub(crate) struct Weaknesses {
    seed: u64,
    strong: Recent<u64, ()>,
}

impl Weaknesses {
    pub fn new(scope: &Scope) -> Self {
        Self { seed: scope.seed, strong: Recent::of(scope, MAX_ZONES) }
    }

    fn look(&mut self, cx: &mut Cx<'_>) {
        let dnssec = cx.dnssec();
        for v in dnssec.verdicts().iter().filter(|v| v.status() == Status::Secure) {
            if let (Some(zone), Some(algorithm)) = (&v.evidence.zone, v.evidence.algorithm)
                && !algorithm.is_weak()
            {
                self.strong.at(name_digest(&plain(zone), self.seed), || ());
            }
        }
        for h in dnssec.hygiene() {
            if let Some(source) = dnssec.origin(&h.seen) {
                self.raise(h, source, cx);
            }
        }
    }

    fn raise(&self, h: &Hygiene, source: Source, cx: &mut Cx<'_>) {
        let Some(reason) = ABOUT.reason(h.concern.id()) else { return };
        let own = source.is_own(cx.hosts().is_internal(source.server));
        let (mut severity, mut words, measure) = told(&h.concern);
        if !own {
            severity = Severity::Info;
        }
        let zone = in_words(&h.zone);
        words = format!("zone {zone}, {} {}: {words}", in_words(&h.name), h.rtype);
        let subject = if own { source.server } else { source.client };
        let mut raise = Raise::new(&ABOUT, reason, subject, severity, Confidence::percent(95))
            .peer(if own { source.client } else { source.server })
            .at(h.seen.at)
            .flow(source.uid)
            .packet(source.packet)
            .quote("concern", words.as_bytes(), source.packet);
        if own {
            raise = raise.key(zone);
        }
        if let Some(measure) = measure {
            raise = raise.measure(measure);
        }
        let strong = self.strong.peek(&name_digest(&plain(&h.zone), self.seed)).is_some();
        raise = match h.concern {
            Concern::WeakAlgorithm { .. } | Concern::AlgorithmMissing { .. } if strong => raise
                .benign("a rollover of algorithms", "a strong one signs the zone, too: a rollover may be in progress"),
            Concern::DsWithoutKey { .. } | Concern::DsDigest { .. } => {
                raise.benign("a rollover of keys", "another DS record leads to a key: a rollover may be in progress")
            }
            Concern::Expiring { .. } => {
                raise.benign("short lives on purpose", "less than a quarter of the life is left")
            }
            _ => raise.benign("a rollover", "nothing else of one was seen"),
        };
        cx.raise(raise);
    }
}

fn seconds(v: i64) -> u64 {
    u64::try_from(v).unwrap_or(0)
}

/// Severity of a zone of one's own, words, what was measured.
fn told(concern: &Concern) -> (Severity, String, Option<Measure>) {
    let rfc = Origin::Standard;
    match *concern {
        Concern::AlgorithmMissing { algorithm } => {
            (Severity::Low, format!("no signature by algorithm {algorithm}, of which there is a key"), None)
        }
        Concern::DsDigest { digest, key_tag } => {
            (Severity::Low, format!("DS for key {key_tag} by digest {digest}"), None)
        }
        Concern::DsWithoutKey { key_tag } => {
            (Severity::Low, format!("a DS for key {key_tag}, which is not in the key set"), None)
        }
        Concern::Expiring { left, lifetime } => {
            let (left, lifetime) = (left.whole_secs(), lifetime.whole_secs());
            let severity = if left < THREE_DAYS { Severity::High } else { Severity::Medium };
            let limit = THREE_DAYS.max(lifetime / 4);
            let words = format!("{} h left of {} d", left / 3_600, lifetime / 86_400);
            (severity, words, Some(Measure::count("time left", seconds(left), Some(seconds(limit)), "s", Origin::Own)))
        }
        Concern::KeyNotPublished { key_tag } => {
            (Severity::Medium, format!("key {key_tag} signed before it was in the key set"), None)
        }
        Concern::KeyWithdrawn { key_tag } => {
            (Severity::Medium, format!("key {key_tag} signed and is no longer in the key set"), None)
        }
        Concern::LongValidity { lifetime } => {
            let lifetime = seconds(lifetime.whole_secs()) / 86_400;
            let measure = Measure::count("validity", lifetime, Some(90), "d", Origin::Own);
            (Severity::Low, format!("valid for {lifetime} days"), Some(measure))
        }
        Concern::Nsec3Parameters { iterations, salt_len } => {
            let severity = if iterations > MANY_ITERATIONS { Severity::Medium } else { Severity::Low };
            let measure = Measure::count("iterations", iterations.into(), Some(0), "", rfc("RFC 9276"));
            (severity, format!("{iterations} iterations, {salt_len} octets of salt"), Some(measure))
        }
        Concern::TtlOver { ttl, left } => {
            let left = seconds(left.whole_secs());
            let measure = Measure::count("time to live", ttl.into(), Some(left), "s", rfc("RFC 6781"));
            (Severity::Low, format!("kept for {ttl} s, signed for {left} s more"), Some(measure))
        }
        Concern::TtlOverOriginal { ttl, original_ttl } => {
            let measure = Measure::count("time to live", ttl.into(), Some(original_ttl.into()), "s", rfc("RFC 4035"));
            (Severity::Low, format!("kept for {ttl} s, signed as {original_ttl} s"), Some(measure))
        }
        Concern::WeakAlgorithm { algorithm } => (Severity::Low, format!("algorithm {algorithm}"), None),
        Concern::WeakKey { bits, key_tag } => {
            let severity = if bits < SHORTEST_RSA { Severity::High } else { Severity::Medium };
            let measure = Measure::count("RSA key", bits.into(), Some(2_048), "bits", rfc("RFC 8624"));
            (severity, format!("key {key_tag} has {bits} bits"), Some(measure))
        }
    }
}

impl Detector for Weaknesses {
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
    }

    fn held_len(&self) -> usize {
        self.strong.held_len()
    }

    fn forgotten(&self) -> u64 {
        self.strong.forgotten()
    }
}

#[cfg(test)]
mod tests;
