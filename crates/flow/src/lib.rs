//! Flow table, timers on packet time, IP defragmentation, TCP reassembly and Zeek's conn semantics.
//!
//! [`FlowTable::packet`] takes one decoded packet, finds or makes its flow, keeps the counters, the TCP
//! state and the history, and hands the payload in stream order to a [`Sink`]. Everything is bounded
//! by [`Config`]; what the bounds cost is counted in [`Stats`]. Level 2: knows types, records and wire;
//! no protocol, file, clock or thread. Time is packet time.
//!
//! # Memory
//!
//! A flow takes [`FlowTable::flow_len`] bytes at most, 399 with 16 bytes of application state: 360 for its slot, 21 for
//! its entry in the index (on average 14), 10 for its timer, 8 for the search for the longest idle while the table is
//! full. Losses, odd packets, tunnels and bytes out of order are set aside and come on top; [`FlowTable::held_len`] counts
//! all of it. Nothing large is copied when the table grows: slots come in chunks of 512, the index grows by sixty-fourths,
//! the lists of timers (5 bytes a flow) alone by doubling. What is freed serves the next flows.
//!
//! When memory is short the order of giving up is fixed: the flows that have been idle longest, by the time of their last
//! packet and, of equal ones, in order of their begin ([`FlowTable::evict_idlest`]); then what waits for holes in streams
//! ([`FlowTable::shed_reassembly`]); a counter never.
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

mod bursts;
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
mod manner_tests;
#[cfg(test)]
mod tests;

pub use bursts::{Burst, Bursts, Typing};
pub use config::{Config, Limits, Manner, OverlapPolicy, Timeouts, home_nets_default, likely_servers_default};
pub use flow::{Counters, Flow, FlowId, Handled, Moment, Packet};
pub use history::History;
pub use record::ConnRecord;
pub use services::{ServiceNames, Services};
pub use sink::Sink;
pub use stats::Stats;
pub use table::FlowTable;
pub use tcp::TcpState;
pub use tcp::TcpWatch;
