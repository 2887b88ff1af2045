//! DNSSEC judged on captured answers (RFC 4033–4035, 5155, 6840, 9276).
//!
//! An [`Observer`] is shown DNS messages as they pass and asks nobody anything: the chain of trust is built from the
//! DNSKEY and DS sets that passed too, below the root's [`Anchors`]. What can't be judged because a link has not
//! passed yet waits for it within bounds; what is still missing in the end is said: *indeterminate, no DNSKEY of
//! example. was seen* is the most frequent honest verdict on a slice of traffic.
//!
//! Level 1: pure. Bytes and packet time in, values out. Cryptography and the canonical form of record data are those
//! of NLnet Labs' `domain`; framing, limits and the judging are here. Nothing here can panic on hostile bytes, every
//! table is bounded by a named constant, and work on signatures and hashes has a budget (KeyTrap, CVE-2023-50387;
//! NSEC3 hashing, CVE-2023-50868).
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::cast_possible_truncation
    )
)]

mod anchors;
mod budget;
mod chain;
mod crypto;
mod denial;
mod hygiene;
mod judge;
mod limits;
mod message;
mod name;
mod nsec;
mod nsec3;
mod observer;
mod parked;
mod recent;
mod record;
mod rrset;
mod rtype;
#[cfg(test)]
mod tests;
mod verdict;
mod waiting;
mod zones;

pub use anchors::{AnchorError, Anchors, MAX_ANCHORS_COUNT};
pub use hygiene::{Concern, Hygiene};
pub use limits::Limits;
pub use name::{MAX_NAME_LEN, Name};
pub use observer::{Counters, Findings, Observer, Seen};
pub use record::{Algorithm, Digest};
pub use rtype::Rtype;
pub use verdict::{Evidence, Own, Reason, Status, Subject, Verdict};
