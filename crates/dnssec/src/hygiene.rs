//! What is valid today and will break, or is weaker than current rules.

use crate::judge::{Item, Judged};
use crate::name::Name;
use crate::nsec3;
use crate::observer::Seen;
use crate::recent::Recent;
use crate::record::{Algorithm, Digest, Dnskey, Ds, Rrsig};
use crate::rrset::RrSet;
use crate::rtype::Rtype;
use crate::verdict::Status;
use sekisho_types::Interval;

/// A signature that ends sooner than this is about to expire, or than a quarter of its life if that is longer.
const EXPIRING_SECS: i64 = 3 * 86_400;

/// A signature that lives longer can be replayed for too long.
const LONG_VALIDITY_SECS: i64 = 90 * 86_400;

/// RSA keys below this many bits are weak.
const MIN_RSA_BITS: u32 = 2_048;

/// What there is to be concerned about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Concern {
    /// The DS set or the key set promises an algorithm by which this set is not signed (RFC 4035 §2.2).
    AlgorithmMissing {
        /// Which.
        algorithm: Algorithm,
    },
    /// A DS record's digest is SHA-1 or GOST.
    DsDigest {
        /// Which.
        digest: Digest,
        /// The key it names.
        key_tag: u16,
    },
    /// A DS record names a key that the zone's key set has not: a stand-by, or what a rollover left behind.
    DsWithoutKey {
        /// The key it names.
        key_tag: u16,
    },
    /// The signature ends within three days, or within a quarter of its life.
    Expiring {
        /// Time left.
        left: Interval,
        /// From inception to expiration.
        lifetime: Interval,
    },
    /// A key signed before caches could have it: the key set that they may still hold is without it (RFC 7583 §3.2.1).
    KeyNotPublished {
        /// The key.
        key_tag: u16,
    },
    /// A key signed that the zone's latest key set is without; it verifies by an older set that caches may still hold.
    /// Whoever has fetched the new one can't verify this: keys have to stay until what they signed is out of caches
    /// (RFC 7583 §3.2.1).
    KeyWithdrawn {
        /// The key.
        key_tag: u16,
    },
    /// The signature is valid for more than 90 days.
    LongValidity {
        /// From inception to expiration.
        lifetime: Interval,
    },
    /// NSEC3 with iterations or salt (RFC 9276 §3.1).
    Nsec3Parameters {
        /// Iterations beyond the first.
        iterations: u16,
        /// Octets of salt.
        salt_len: usize,
    },
    /// Caches keep the set longer than its signature holds.
    TtlOver {
        /// Seconds.
        ttl: u32,
        /// Time left.
        left: Interval,
    },
    /// The TTL is above the one that was signed: somebody raised it.
    TtlOverOriginal {
        /// Seconds.
        ttl: u32,
        /// Seconds, as signed.
        original_ttl: u32,
    },
    /// An algorithm that should not be signed with any more.
    WeakAlgorithm {
        /// Which.
        algorithm: Algorithm,
    },
    /// An RSA key that is too short.
    WeakKey {
        /// Of its modulus.
        bits: u32,
        /// The key.
        key_tag: u16,
    },
}

impl Concern {
    /// Stable identifier: the reasons of `dnssec-hygiene` in `docs/detections.md`, and four for rollovers.
    pub fn id(&self) -> &'static str {
        match self {
            Self::AlgorithmMissing { .. } => "alg-incomplete",
            Self::DsDigest { .. } => "ds-digest",
            Self::DsWithoutKey { .. } => "ds-without-key",
            Self::Expiring { .. } => "expiring",
            Self::KeyNotPublished { .. } => "key-not-published",
            Self::KeyWithdrawn { .. } => "key-withdrawn",
            Self::LongValidity { .. } => "long-validity",
            Self::Nsec3Parameters { .. } => "nsec3-params",
            Self::TtlOver { .. } | Self::TtlOverOriginal { .. } => "ttl-over",
            Self::WeakAlgorithm { .. } => "weak-alg",
            Self::WeakKey { .. } => "weak-key",
        }
    }

    /// What makes two concerns of one zone the same, so that it is told once.
    fn key(&self) -> (u8, u32) {
        match *self {
            Self::AlgorithmMissing { algorithm } => (0, algorithm.0.into()),
            Self::DsDigest { digest, key_tag } => (1, u32::from(key_tag) << 8 | u32::from(digest.0)),
            Self::DsWithoutKey { key_tag } => (2, key_tag.into()),
            Self::Expiring { .. } => (3, 0),
            Self::KeyNotPublished { key_tag } => (4, key_tag.into()),
            Self::LongValidity { .. } => (5, 0),
            Self::Nsec3Parameters { iterations, .. } => (6, iterations.into()),
            Self::TtlOver { .. } => (7, 0),
            Self::TtlOverOriginal { .. } => (8, 0),
            Self::WeakAlgorithm { algorithm } => (9, algorithm.0.into()),
            Self::WeakKey { key_tag, .. } => (10, key_tag.into()),
            Self::KeyWithdrawn { key_tag } => (11, key_tag.into()),
        }
    }
}

/// A concern and where it was met. Each is told once of a zone, and once more for each type of record that it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hygiene {
    /// The zone.
    pub zone: Name,
    /// Owner of the set at which it was first met.
    pub name: Name,
    /// Its type.
    pub rtype: Rtype,
    /// What it is.
    pub concern: Concern,
    /// What was judged of the set; never bogus.
    pub status: Status,
    /// The message.
    pub seen: Seen,
}

/// What there is to say of an item that is not bogus.
pub(crate) fn tell(item: &Item, judged: &Judged, told: &mut Recent, out: &mut Vec<Hygiene>) {
    let status = judged.verdict.status();
    if status == Status::Bogus {
        return;
    }
    let mut found: Vec<(&RrSet, Name, Concern)> = Vec::new();
    if let Some(set) = item.set.as_deref() {
        let verified = judged.verified.as_ref().and_then(|v| set.sigs.get(v.sig));
        if let Some(sig) = verified.or(set.sigs.first()) {
            of_signature(set, sig, item, |c| found.push((set, sig.signer.clone(), c)));
        }
        of_records(set, |c| found.push((set, set.name.clone(), c)));
        if let (Some(sig), Some(true)) = (verified, judged.verified.as_ref().map(|v| v.is_withdrawn)) {
            found.push((set, sig.signer.clone(), Concern::KeyWithdrawn { key_tag: sig.key_tag }));
        }
    }
    for set in item.proofs.iter() {
        if let Some(sig) = set.sigs.first() {
            of_signature(set, sig, item, |c| found.push((set, sig.signer.clone(), c)));
            of_records(set, |c| found.push((set, sig.signer.clone(), c)));
        }
    }
    for (set, zone, concern) in found {
        let hygiene = Hygiene { zone, name: set.name.clone(), rtype: set.rtype, concern, status, seen: item.seen };
        say(hygiene, told, out);
    }
}

/// Adds what wasn't told yet.
pub(crate) fn say(hygiene: Hygiene, told: &mut Recent, out: &mut Vec<Hygiene>) {
    if told.insert((&hygiene.zone, hygiene.rtype, hygiene.concern.key())) {
        out.push(hygiene);
    }
}

fn of_signature(set: &RrSet, sig: &Rrsig, item: &Item, mut add: impl FnMut(Concern)) {
    let (left, lifetime) = (sig.seconds_left(item.seen.at), sig.lifetime());
    let secs = Interval::from_secs;
    if (0..EXPIRING_SECS.max(lifetime / 4)).contains(&left) {
        add(Concern::Expiring { left: secs(left), lifetime: secs(lifetime) });
    }
    if left >= 0 && i64::from(set.ttl) > left {
        add(Concern::TtlOver { ttl: set.ttl, left: secs(left) });
    }
    if set.ttl > sig.original_ttl {
        add(Concern::TtlOverOriginal { ttl: set.ttl, original_ttl: sig.original_ttl });
    }
    if lifetime > LONG_VALIDITY_SECS {
        add(Concern::LongValidity { lifetime: secs(lifetime) });
    }
    if sig.algorithm.is_weak() {
        add(Concern::WeakAlgorithm { algorithm: sig.algorithm });
    }
}

fn of_records(set: &RrSet, mut add: impl FnMut(Concern)) {
    match set.rtype {
        Rtype::DNSKEY => {
            let keys: Vec<Dnskey> = set.data.iter().filter_map(|d| Dnskey::parse(d)).collect();
            for key in keys.iter().filter(|k| k.is_zone_key() && !k.is_revoked()) {
                if let Some(bits) = key.rsa_bits().filter(|b| *b < MIN_RSA_BITS) {
                    add(Concern::WeakKey { bits, key_tag: key.tag });
                }
                if key.algorithm.is_weak() {
                    add(Concern::WeakAlgorithm { algorithm: key.algorithm });
                }
                if !set.sigs.iter().any(|s| s.algorithm == key.algorithm) {
                    add(Concern::AlgorithmMissing { algorithm: key.algorithm });
                }
            }
        }
        Rtype::DS => {
            for ds in set.data.iter().filter_map(|d| Ds::parse(d)) {
                if ds.digest_type.is_weak() {
                    add(Concern::DsDigest { digest: ds.digest_type, key_tag: ds.tag });
                }
                if ds.algorithm.is_weak() {
                    add(Concern::WeakAlgorithm { algorithm: ds.algorithm });
                }
            }
        }
        Rtype::NSEC3 | Rtype::NSEC3PARAM => {
            let parsed = set.data.first().and_then(|d| nsec3::parse_parameters(d));
            if let Some((p, _, _)) = parsed.filter(|(p, _, _)| p.iterations > 0 || !p.salt.is_empty()) {
                add(Concern::Nsec3Parameters { iterations: p.iterations, salt_len: p.salt.len() });
            }
        }
        _ => {}
    }
}
