//! `Reader` and the decoders of link, network and transport headers: no allocation, no state.
//!
//! One call of [`decode()`] walks the headers of one layer stack once and leaves a fixed-size
//! [`Decoded`]: offsets, numbers, flags, anomaly bits. Nothing is copied; nothing here can panic on
//! hostile bytes. Tunnels re-enter through [`tunnel::inner`].
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

pub mod checksum;
mod decode;
mod decoded;
pub mod events;
pub mod filter;
mod ip;
mod link;
mod ordinary;
mod pair;
mod reader;
mod transport;
pub mod tunnel;
mod walk;

pub use decode::{decode, decode_into, decode_ip, decode_msdu, decode_reassembled};
pub use pair::{hash_of_pair, hash_of_v4, pair_hash};

pub use decoded::{Anomalies, Anomaly, Decoded, Fragment, LinkType, Tcp, tcp_flags};
pub use reader::{ParseError, ParseResult, Problem, Reader};

#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;
