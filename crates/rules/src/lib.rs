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

mod check;
pub mod config;
mod draft;
mod explain;
mod head;
pub mod ir;
mod keywords;
pub mod limits;
mod load;
mod refusal;
mod report;
mod syntax;
mod view;

pub use config::{Config, ConfigError, Files, NoFiles, Node};
pub use explain::explain;
pub use limits::Limits;
pub use load::{Loaded, load};
pub use refusal::Code;
pub use report::{Remark, Report, Verdict};
pub use view::{Anchor, FlowView, Hit, PacketView, Span};
