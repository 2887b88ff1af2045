//! Signatures of known contents: YARA rules, and lists of hashes. Bytes in, matches out.
//!
//! Level 2, beside `files`: it opens no file and knows no flow. The command line reads rule files and lists, and hands in
//! each content once. Rules are compiled and run by the crate boreal (`docs/yara.md` tells why that one); what is here is what a user needs
//! around it:
//!
//! - [`Loader`] takes rule files and compiles them statement by statement, so that a bad rule costs itself, not its file.
//!   What was refused is told in a line each ([`Problem`]), and so are strings that would make every scan slow; most of these are kept
//!   from it (`sieve.rs`).
//! - [`Rules::scan`] gives what matched, bounded in bytes, time and number ([`Limits`]); what a limit left out is told
//!   ([`Outcome`]). Time is the one limit that depends on the machine; boreal counts no steps.
//! - [`HashList`] holds millions of MD5, SHA-1 and SHA-256 as sorted bytes.
//! - [`MatchRecord`] is a row of `matches`.
//!
//! **What boreal may do.** Rules are the user's, contents are hostile. Memory while scanning is bounded by what one string may
//! match times the number of strings ([`Limits::string_match_count`] is lowered where there are many). A panic in a module's parser
//! is caught and told; the rules that matched until then are kept.
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

mod digest;
mod hash_list;
mod load;
mod record;
mod scan;
mod sieve;
pub mod source;

pub use digest::{Digests, Pieces, Wanted};
pub use hash_list::{HASH_COUNT_MAX, HashList, Hit, LINE_LEN_MAX, ListLoader};
pub use load::{
    INCLUDE_COUNT_MAX, INCLUDE_DEPTH_MAX, Include, Includes, Loaded, Loader, NoIncludes, PROBLEM_COUNT_MAX, Problem,
    RULE_COUNT_MAX, Severity,
};
pub use record::MatchRecord;
pub use scan::{Externals, Found, Limits, Match, Outcome, Rules};
