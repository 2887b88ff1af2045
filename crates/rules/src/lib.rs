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
mod compile;
pub mod config;
mod draft;
mod eval;
mod explain;
mod head;
mod inspect;
pub mod ir;
mod keywords;
pub mod limits;
mod load;
mod notes;
mod refusal;
mod report;
mod source;
mod state;
mod syntax;
mod view;

pub use compile::{CompileLimits, Program, Refused};
pub use config::{Config, ConfigError, Files, NoFiles, Node};
pub use eval::Counters;
pub use eval::regex::{Unsupported, check as check_pcre};
pub use explain::{explain, explain_reach};
pub use inspect::{ALERT_COUNT_MAX, Cost, Inspector, MATCH_COUNT_MAX, Reach, Tally, Traced};
pub use limits::Limits;
pub use load::{Loaded, load};
pub use refusal::Code;
pub use report::{Remark, Report, Verdict};
pub use source::Source;
pub use state::{FlowState, Var};
pub use view::{Anchor, Content, Excerpt, FileView, FlowView, FrameView, Hit, NoContent, PacketView, Span};
