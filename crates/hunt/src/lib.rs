//! The hunt: patterns searched in bytes that come in pieces, in what is encoded in them, and in members of archives.
//!
//! Level 2: it knows no flow, protocol, file or clock. [`Hunt`] is made once of [`Pattern`]s and [`Options`]; a [`Stream`] takes a
//! content piece by piece, a [`Members`] is a sink of [`sekisho_unpack::Unpacker`] that searches a content with all that is in it;
//! both tell [`Hit`]s.
//!
//! **How.** A content is searched in windows that lie at fixed offsets and overlap by the longest match, so the hits are a function of the
//! content alone, however it was cut. In each window come first the patterns as they are (`memmem`, Aho-Corasick, lazy automata:
//! gigabytes a second) with spellings that are just more needles: ROT13, reversed, UTF-16, any single-byte XOR. Then one look at every
//! twelfth byte finds runs of characters that encoders write; these are decoded and searched in turn, a few levels deep.
//!
//! **Limits.** Windows, depth, decoded bytes per window, hits per window and members are bounded by the constants of this crate; what a
//! limit leaves out is counted in [`Found`].
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

mod carve;
mod coding;
mod decode;
mod engine;
mod flag;
mod members;
mod pattern;
mod scan;
mod stream;

pub use carve::{CARVE_COUNT_MAX, carve};
pub use coding::Coding;
pub use members::{MEMBER_HIT_COUNT_MAX, MemberHit, Members};
pub use pattern::{Hunt, Options, PATTERN_COUNT_MAX, PATTERN_LEN_MAX, Pattern, PatternError, REACH_MAX};
pub use scan::{DEPTH_MAX, Found, HIT_LEN_MAX, Hit, WINDOW_HIT_COUNT_MAX, search};
pub use stream::{Stream, WINDOW_LEN};
