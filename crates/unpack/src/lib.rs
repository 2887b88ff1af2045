//! Nested unpacking: bytes in, a tree of members out.
//!
//! Level 1, beside `x509`: it knows no flow, protocol, file or clock. [`Unpacker::run`] takes one content (bytes in
//! memory, or [`Spooled`]) and tells a [`Sink`] of it and of everything that is in it, parents before members, each with
//! the path on which it was found, its type by content, its SHA-256, its length, and how complete it is. Names from
//! archives are told as bytes; nothing here makes a path of them.
//!
//! **How.** A *format* ([`formats`]) only lists: where in the content a member's bytes lie, and through which filters
//! they go ([`filter`]: decompressors of the `inflate` crate, ciphers, text encodings, checks). One engine
//! ([`recipe`]) follows these recipes in a stream, within the budget, to memory or to the caller's spool. Members that are
//! stored as they are share their parent's bytes. A stack of open containers, no recursion, goes depth first: what is
//! held at a time is one container per level, and each member is made only when its turn comes.
//!
//! **Hostile input is the normal case.** A [`Budget`] bounds depth, members, bytes of a member and of all, memory, ratio, and
//! *work*: units that stand for time but are counted, so that results are the same on every machine. What a limit leaves
//! out is told as the member's [`Completeness`] or as an [`Anomaly`] and counted in the budget. A container whose content is one
//! of its ancestors' (a quine) isn't opened; one that was opened before is told with `same_as` and not opened again, which
//! takes the sting out of archives of equal archives.
//!
//! What is read: see the table in [`formats`].
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

mod budget;
mod bytes;
mod content;
mod driver;
mod filter;
mod formats;
mod keyring;
pub mod kind;
mod lister;
mod member;
mod recipe;
mod tree;

pub use budget::{
    Budget, Cut, DEPTH_MAX, HELD_LEN_MAX, Limits, MEMBER_COUNT_MAX, MEMBER_LEN_MAX, MEMORY_LEN_MAX, RATIO_FROM_LEN,
    RATIO_MAX, TOTAL_LEN_MAX, WINDOW_LEN_MAX, WORK_MAX,
};
pub use content::{Content, NoSpool, Spool, Spooled};
pub use driver::Unpacker;
pub use keyring::PASSWORD_COUNT_MAX;
pub use kind::Kind;
pub use member::{Anomaly, Completeness, Form, Member, MemberId, Sink, Step, Visit};
pub use tree::{Node, Tree};
