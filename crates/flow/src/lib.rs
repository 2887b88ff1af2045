//! Flow table, timers on packet time, IP defragmentation, TCP reassembly and Zeek's conn semantics.
//!
//! [`FlowTable::packet`] takes one decoded packet, finds or makes its flow, keeps the counters, the TCP
//! state and the history, and hands the payload in stream order to a [`Sink`]. Everything is bounded
//! by [`Config`]; what the bounds cost is counted in [`Stats`]. Level 2: knows types, records and wire;
//! no protocol, file, clock or thread. Time is packet time.
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

mod config;
mod datagram;
pub mod defrag;
mod extra;
mod flow;
#[doc(hidden)]
pub mod fuzzing;
mod history;
mod home;
mod index;
mod key;
mod pool;
mod record;
mod services;
mod shed;
mod sink;
mod slots;
mod stats;
mod table;
mod tcp;
mod wheel;

#[cfg(test)]
mod tests;

pub use config::{Config, Limits, OverlapPolicy, Timeouts, home_nets_default, likely_servers_default};
pub use flow::{Counters, Flow, FlowId, Handled, Moment, Packet};
pub use history::History;
pub use record::ConnRecord;
pub use services::{ServiceNames, Services};
pub use sink::Sink;
pub use stats::Stats;
pub use table::FlowTable;
pub use tcp::TcpState;
