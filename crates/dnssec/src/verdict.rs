//! What is said of an answer, and why.

use crate::name::Name;
use crate::observer::Seen;
use crate::record::{Algorithm, Digest};
use crate::rrset::RrSet;
use crate::rtype::Rtype;
use sekisho_types::Timestamp;
use std::fmt;
use std::sync::Arc;

/// The four outcomes of RFC 4035 §4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// A chain of trust to an anchor should hold and does not.
    Bogus,
    /// A link was not seen, or the work was refused: nothing is known.
    Indeterminate,
    /// Proven not to be signed, or signed by means that validators don't take.
    Insecure,
    /// Signed, and the chain holds up to an anchor.
    Secure,
}

impl Status {
    /// In lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bogus => "bogus",
            Self::Indeterminate => "indeterminate",
            Self::Insecure => "insecure",
            Self::Secure => "secure",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A set of records in an answer section.
    Answer,
    /// A referral: is the zone below signed? Its name is the zone's, its type DS.
    Delegation,
    /// The statement that a name or type doesn't exist.
    Denial,
    /// Another's verdict: a resolver refused and said why (RFC 8914). Nothing was verified here.
    Reported,
}

impl Subject {
    /// In lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Delegation => "delegation",
            Self::Denial => "denial",
            Self::Reported => "reported",
        }
    }
}

/// What a zone's own keys say of a signature, whatever is known of the chain above. `Indeterminate` with `Holds` is
/// what some call *consistent*: the zone agrees with itself, its parent wasn't seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Own {
    /// The key set that was seen has a key, and the signature doesn't verify with it.
    Fails,
    /// It verifies with a key of a set that was seen.
    Holds,
    /// Not tried: no signature, no key set, or not needed.
    #[default]
    Unchecked,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $status:ident $id:literal $words:literal)*) => {
        /// Why a verdict is what it is. Sorted by status, then by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Stable identifier.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// One sentence without names and numbers; those are the evidence's.
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }

            /// The status that it gives.
            pub fn status(self) -> Status {
                match self { $(Self::$name => Status::$status,)* }
            }
        }
    };
}

reasons! {
    /// No signature by an algorithm that the DS set or the key set promises (RFC 6840 §5.11).
    AlgorithmMissing Bogus "alg-incomplete"
        "there are signatures, but none by an algorithm of the zone's DS records that validators take"
    /// More keys share one tag than anybody tries (KeyTrap, CVE-2023-50387).
    CollidingKeys Bogus "keys-collide"
        "more keys share the signature's key tag than a validator tries"
    /// The records that deny don't cover what is denied.
    DenialWrong Bogus "denial-wrong"
        "the NSEC or NSEC3 records do not prove what is denied"
    /// A negative answer from a signed zone without any proof.
    DenialMissing Bogus "denial-missing"
        "a signed zone denies a name or type without NSEC or NSEC3 records"
    /// None of the zone's keys has the digest that its parent signs.
    DsMismatch Bogus "ds-mismatch"
        "no key of the zone matches a DS record of its parent"
    /// The key set isn't signed by a key that the parent's DS records name.
    KeySetUnsigned Bogus "key-set-unsigned"
        "the zone's key set is not signed by a key that a DS record of its parent names"
    /// The key set has no key of the signature's tag and algorithm.
    KeyMissing Bogus "key-missing"
        "the key that signed is not in the zone's key set: withdrawn while its signatures live on, or never published"
    /// The only key that matches bears the REVOKE flag (RFC 5011 §2.1).
    KeyRevoked Bogus "key-revoked"
        "the key that signed is revoked"
    /// The key that matches may not sign zone data: no zone flag, or another protocol than 3.
    KeyUnfit Bogus "key-unfit"
        "the key that signed is not a zone key"
    /// The RRSIG's label count is above the name's.
    LabelsWrong Bogus "labels-wrong"
        "the signature counts more labels than the name has"
    /// A resolver answered SERVFAIL and names DNSSEC as the cause (RFC 8914, codes 6 to 12).
    ServfailEde Bogus "servfail-ede"
        "a resolver refuses the answer and says that validation failed"
    /// Expired at the time of the packet.
    SignatureExpired Bogus "sig-expired"
        "the signature had expired when the answer passed"
    /// Its inception is after the time of the packet.
    SignatureFuture Bogus "sig-future"
        "the signature was not yet valid when the answer passed"
    /// Does not verify.
    SignatureInvalid Bogus "sig-invalid"
        "the signature does not verify: the data is not what was signed"
    /// None where the zone signs and signatures were asked for.
    SignatureMissing Bogus "sig-missing"
        "the zone is signed, signatures were asked for, and the answer has none"
    /// The signer isn't the zone that the name is in.
    SignerWrong Bogus "signer-wrong"
        "the signature is by a zone that does not hold the name"
    /// Made from a wildcard, without proof that the name itself doesn't exist (RFC 4035 §5.3.4).
    WildcardUnproven Bogus "wildcard-unproven"
        "the answer comes from a wildcard without proof that the name itself does not exist"

    /// An algorithm that is in use, but not known to this program (Ed448).
    AlgorithmUnknown Indeterminate "alg-unknown"
        "the signature's algorithm cannot be verified here, although others can"
    /// The message ends early, or its records don't parse.
    Damaged Indeterminate "damaged"
        "the answer could not be read whole"
    /// An RSA key below 1,024 or above 4,096 bits.
    KeySize Indeterminate "key-size"
        "the key's size cannot be verified here"
    /// No anchor is at or above the name.
    NoAnchor Indeterminate "no-anchor"
        "no anchor is at or above the name"
    /// The DNSKEY set of the evidence's zone never passed.
    NoDnskey Indeterminate "no-dnskey"
        "the zone's keys were not seen"
    /// Neither DS set nor proof of its absence of the evidence's zone passed.
    NoDs Indeterminate "no-ds-seen"
        "neither a DS set of the zone nor proof that it has none was seen"
    /// Unsigned, and no proof that it may be.
    NoProof Indeterminate "no-proof"
        "the answer is not signed, and whether its zone is was not seen"
    /// The waiting list was full, or the time was up.
    WorkLimit Indeterminate "work-limit"
        "too much was to be verified at that time"

    /// The parent proves that there is no DS record.
    Delegation Insecure "unsigned"
        "a parent zone proves that this zone is not signed"
    /// All DS records are of algorithms that validators no longer or not yet take.
    AlgorithmUnsupported Insecure "alg-unsupported"
        "the zone is signed by algorithms only that validators do not take"
    /// All DS records are of digests that validators don't take.
    DigestUnsupported Insecure "digest-unsupported"
        "the zone's DS records have digests only that validators do not take"
    /// Above the limit of RFC 9276.
    Nsec3Iterations Insecure "nsec3-iterations"
        "the NSEC3 records ask for more iterations than validators spend"
    /// Denied by an opt-out span, where unsigned delegations may be (RFC 5155 §6).
    OptOut Insecure "opt-out"
        "the denial is by an opt-out span, in which unsigned zones may exist"

    /// Everything holds.
    Chain Secure "secure"
        "the signature verifies, and so does each link up to the anchor"
}

impl Reason {
    /// The reason as `docs/detections.md` groups them under `dnssec-bogus`; none for those that aren't bogus.
    pub fn group(self) -> Option<&'static str> {
        Some(match self {
            Self::AlgorithmMissing => "alg-incomplete",
            Self::DenialMissing | Self::DenialWrong | Self::WildcardUnproven => "denial-missing",
            Self::DsMismatch | Self::KeySetUnsigned => "ds-mismatch",
            Self::CollidingKeys | Self::KeyMissing | Self::KeyRevoked | Self::KeyUnfit => "key-missing",
            Self::ServfailEde => "servfail-ede",
            Self::SignatureExpired => "sig-expired",
            Self::SignatureFuture => "sig-future",
            Self::LabelsWrong | Self::SignatureInvalid | Self::SignatureMissing | Self::SignerWrong => "sig-invalid",
            _ => return None,
        })
    }
}

/// What a verdict rests on. What does not apply is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The zone at which the chain breaks, ends or lacks a link; for `Secure` the signer's.
    pub zone: Option<Name>,
    /// Owner and type of the set at which it failed, where that isn't the subject itself (a DS set on the way, an NSEC).
    pub at: Option<(Name, Rtype)>,
    /// Who signed, by the RRSIG.
    pub signer: Option<Name>,
    /// Key tag in the RRSIG.
    pub key_tag: Option<u16>,
    /// Algorithm in the RRSIG or DS.
    pub algorithm: Option<Algorithm>,
    /// Digest type in the DS.
    pub digest: Option<Digest>,
    /// Start of the signature's validity.
    pub inception: Option<Timestamp>,
    /// Its end.
    pub expiration: Option<Timestamp>,
    /// Labels field of the RRSIG.
    pub labels: Option<u8>,
    /// TTL as it was signed.
    pub original_ttl: Option<u32>,
    /// TTL as it passed.
    pub ttl: Option<u32>,
    /// Tags of the zone's keys that were seen, the first eight.
    pub keys: Vec<u16>,
    /// Tags of its DS records, the first eight.
    pub ds: Vec<u16>,
    /// NSEC3 iterations.
    pub iterations: Option<u16>,
    /// Extended DNS error code, for [`Subject::Reported`].
    pub ede: Option<u16>,
}

/// What is said of one set of records, denial or delegation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it is about.
    pub subject: Subject,
    /// Owner of the records, or the name that is denied.
    pub name: Name,
    /// Type of the records, or the one asked for.
    pub rtype: Rtype,
    /// Why; the status follows from it.
    pub reason: Reason,
    /// The zone's own keys on the signature.
    pub own: Own,
    /// What it rests on.
    pub evidence: Evidence,
    /// The message it was in, which may be long before the verdict.
    pub seen: Seen,
    pub(crate) set: Option<Arc<RrSet>>,
}

impl Verdict {
    /// The records that were judged, for [`Subject::Answer`] and signed delegations: their data in canonical form
    /// (RFC 4034 §6.2), sorted.
    pub fn records(&self) -> &[Box<[u8]>] {
        self.set.as_ref().map_or(&[], |set| &set.data)
    }

    /// Their TTL as it passed.
    pub fn ttl(&self) -> Option<u32> {
        self.set.as_ref().map(|set| set.ttl)
    }

    /// The outcome.
    pub fn status(&self) -> Status {
        self.reason.status()
    }

    /// Self-consistent, but not chained to an anchor.
    pub fn is_consistent(&self) -> bool {
        self.status() == Status::Indeterminate && self.own == Own::Holds
    }
}

/// One sentence: `www.example. A is bogus: the signature had expired when the answer passed (signer example., key
/// 12345, algorithm 13 ECDSAP256SHA256, valid 2026-01-01 00:00:00 to 2026-01-15 00:00:00)`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = match self.subject {
            Subject::Answer | Subject::Reported => "",
            Subject::Delegation => "the delegation of ",
            Subject::Denial => "the denial of ",
        };
        write!(f, "{subject}{} {} is {}: {}", self.name, self.rtype, self.status(), self.reason.words())?;
        self.evidence.write(f)
    }
}

impl Evidence {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        let mut part = |text: Option<String>| parts.extend(text);
        part(self.zone.as_ref().map(|z| format!("zone {z}")));
        part(self.at.as_ref().map(|(name, rtype)| format!("at {name} {rtype}")));
        part(self.signer.as_ref().map(|s| format!("signer {s}")));
        part(self.key_tag.map(|t| format!("key {t}")));
        part(self.algorithm.map(|a| format!("algorithm {a}")));
        part(self.digest.map(|d| format!("digest {d}")));
        part(self.inception.zip(self.expiration).map(|(a, b)| format!("valid {} to {}", Utc(a), Utc(b))));
        part((!self.keys.is_empty()).then(|| format!("keys seen {}", list(&self.keys))));
        part((!self.ds.is_empty()).then(|| format!("DS for {}", list(&self.ds))));
        part(self.iterations.map(|i| format!("{i} iterations")));
        part(self.ede.map(|e| format!("extended error {e}")));
        if parts.is_empty() { Ok(()) } else { write!(f, " ({})", parts.join(", ")) }
    }
}

fn list(tags: &[u16]) -> String {
    tags.iter().map(u16::to_string).collect::<Vec<_>>().join(" ")
}

/// Printed as `2026-01-31 23:59:59`.
struct Utc(Timestamp);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0.0.div_euclid(1_000_000_000);
        let (days, time) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
        // Days to a date in the proleptic Gregorian calendar, eras of 400 years counted from 1 March of year 0.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", time / 3_600, time / 60 % 60, time % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_types::Addr;

    #[test]
    fn reasons_are_distinct_and_grouped() {
        let mut ids: Vec<&str> = Reason::ALL.iter().map(|r| r.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(reason.group().is_some(), reason.status() == Status::Bogus, "{reason:?}");
        }
    }

    #[test]
    fn a_sentence() {
        let name = Name::from_text("www.example").unwrap();
        let verdict = Verdict {
            subject: Subject::Answer,
            name: name.clone(),
            rtype: Rtype::A,
            reason: Reason::SignatureExpired,
            own: Own::Unchecked,
            evidence: Evidence {
                signer: name.parent(),
                key_tag: Some(12345),
                algorithm: Some(Algorithm(13)),
                inception: Some(Timestamp::from_parts(1_767_225_600, 0)),
                expiration: Some(Timestamp::from_parts(1_768_435_199, 0)),
                ..Evidence::default()
            },
            seen: Seen { at: Timestamp(0), server: Addr::UNSPECIFIED, token: 0 },
            set: None,
        };
        assert_eq!(
            verdict.to_string(),
            "www.example. A is bogus: the signature had expired when the answer passed (signer example., key 12345, \
             algorithm 13 ECDSAP256SHA256, valid 2026-01-01 00:00:00 to 2026-01-14 23:59:59)"
        );
        assert_eq!(Utc(Timestamp::from_parts(951_782_400, 0)).to_string(), "2000-02-29 00:00:00");
        assert_eq!(Utc(Timestamp::from_parts(-1, 0)).to_string(), "1969-12-31 23:59:59");
    }
}
