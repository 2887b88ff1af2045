//! Suricata's rule language: text, tree, program, and what it says of packets and exchanges.
//!
//! Knows no protocol: what a rule asks of an exchange it asks by schema ([`sekisho_transaction::Fact`]).

pub mod ir;
mod view;

pub use view::{Anchor, FlowView, Hit, PacketView, Span};
