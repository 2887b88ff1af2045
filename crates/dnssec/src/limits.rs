//! How much is kept and computed at most. Everything that a limit cuts off is counted in [`Counters`](crate::Counters)
//! or said in a verdict.

use sekisho_types::Interval;

/// Bytes of a message at most: what a TCP length says (RFC 1035 §4.2.2).
pub(crate) const MAX_MESSAGE_LEN: usize = 65_535;

/// Records read of one message. The largest ordinary ones (the root's and TLDs' referrals) have under a hundred.
pub(crate) const MAX_RECORDS: usize = 1_024;

/// Sets of records that are judged of one message.
pub(crate) const MAX_SETS: usize = 64;

/// Signatures looked at for one set of records. Two algorithms in a rollover of both keys give four.
pub(crate) const MAX_SIGNATURES: usize = 8;

/// Keys tried for one signature: those of equal tag and algorithm. Honest zones have one, by accident two.
pub(crate) const MAX_COLLIDING_KEYS: usize = 4;

/// Signatures verified for one set of records, over all its signatures and keys.
pub(crate) const MAX_VERIFICATIONS_PER_SET: u32 = 8;

/// Signatures verified while one message is judged, with the links of its chain.
pub(crate) const MAX_VERIFICATIONS_PER_MESSAGE: u32 = 64;

/// Hashes of keys compared with DS records in one step of a chain.
pub(crate) const MAX_DIGESTS_PER_LINK: usize = 16;

/// Names hashed for NSEC3 while one message is judged. A name below ip6.arpa has 34 labels.
pub(crate) const MAX_HASHES_PER_MESSAGE: u32 = 48;

/// Zones on the way from a name to an anchor.
pub(crate) const MAX_CHAIN: u32 = 24;

/// Answers judged again because of one message; others go on with the next message.
pub(crate) const MAX_AWOKEN_PER_MESSAGE: usize = 128;

/// Zones above a name, from the top, that an unsigned answer waits for proof from.
pub(crate) const MAX_ZONES_ABOVE: usize = 8;

/// Key tags named as evidence.
pub(crate) const MAX_TAGS: usize = 8;

/// Limits of an observer that whoever runs it may set.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Zones whose keys, DS sets and proofs of having none are kept.
    pub zones_count: usize,
    /// Octets of these in all; the longest unused half goes first.
    pub zones_len: usize,
    /// Answers that wait for a link of their chain.
    pub waiting_count: usize,
    /// Octets of these in all.
    pub waiting_len: usize,
    /// How long an answer waits, in packet time.
    pub waiting_time: Interval,
    /// Unsigned answers that wait for proof that they may be unsigned: validators ask for it right after the answer.
    pub unproven_count: usize,
    /// Octets of these in all.
    pub unproven_len: usize,
    /// How long such an answer waits.
    pub unproven_time: Interval,
    /// Signatures verified per second of packet time.
    pub verifications_per_second: u32,
    /// SHA-1 rounds for NSEC3 per second of packet time.
    pub hash_rounds_per_second: u32,
    /// Outcomes of verifications that are remembered, 40 octets each.
    pub outcomes_count: usize,
    /// NSEC3 iterations above which nothing is hashed and the answer counts as insecure (RFC 9276 §3.2).
    pub nsec3_iterations: u16,
    /// Names remembered that were seen signed, by 8 octets each: without signature they are not what they were.
    pub names_count: usize,
    /// Concerns remembered so that each is told once.
    pub concerns_count: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            zones_count: 20_000,
            zones_len: 20_000 * 1_024,
            waiting_count: 4_096,
            waiting_len: 8 * 1_024 * 1_024,
            waiting_time: Interval::from_secs(3_600),
            unproven_count: 4_096,
            unproven_len: 1_024 * 1_024,
            unproven_time: Interval::from_secs(10),
            verifications_per_second: 2_000,
            hash_rounds_per_second: 20_000,
            outcomes_count: 8_192,
            nsec3_iterations: 50,
            names_count: 50_000,
            concerns_count: 20_000,
        }
    }
}
