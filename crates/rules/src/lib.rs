//! Suricata's rule language: text, tree, program, and what it says of packets and exchanges.
//!
//! Knows no protocol: what a rule asks of an exchange it asks by schema ([`sekisho_transaction::Fact`]).
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

pub mod config;
pub mod ir;
mod view;

pub use config::{Config, ConfigError, Files, NoFiles, Node};
pub use view::{Anchor, FlowView, Hit, PacketView, Span};
