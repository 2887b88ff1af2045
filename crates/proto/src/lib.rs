//! Application protocols: one folder each, one row each in the registry's table.
//!
//! Parsers are sans-IO state machines: they are handed in-order stream bytes or datagrams, the packet
//! time and a [`Cx`] through which everything they find leaves: records, anomalies, file content,
//! expectations of other flows. A protocol never imports a sibling (law 4); what continues as another
//! protocol is asked for through the context. Hostile bytes are the normal case: a parser never fails,
//! it reports an anomaly and goes on, or says once that it lost track.
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

mod cx;
mod decoding;
mod frames;
mod named;
mod nested;
mod protocol;
mod recognize;
mod registry;
mod secrets;
#[cfg(test)]
mod state_len_tests;
mod stream;
#[doc(hidden)]
#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a host for tests, never fed by the product"
)]
pub mod testing;

pub mod bacnet;
pub mod dnp3;
pub mod dns;
pub mod enip;
pub mod ftp;
pub mod ftp_data;
pub mod http;
pub mod iec104;
mod mime;
pub mod modbus;
pub mod opcua;
pub mod s7comm;
pub mod smtp;
pub mod ssh;
pub mod tls;
mod tpkt;

pub use cx::{
    Cx, EXPECTATION_LIFETIME, Expectation, Fact, FileId, FileInfo, FileMeta, Files, HandOver, MAX_REMEMBERED, Outbox,
    REMEMBERED_FOR, Range, Remembered, Transfer, Weird,
};
pub use decoding::{DEFAULT_WINDOWS_LEN, Decoding, MAX_ALLOWANCE_LEN, MAX_DECODER_LEN, REFILL_RATIO, Windows};
pub use nested::Nested;
pub use protocol::{Descriptor, Guess, Probe, Protocol, Start, Transport};
pub use recognize::{Choice, MAX_PROBE_BYTES, MAX_PROBE_CHUNKS, Probing, ProtoSet, choose, proto_bit};
pub use registry::{Event, PROTOCOLS, Parser, ProtoId, schemas};
pub use secrets::{Added, MAX_SECRET_SESSIONS, Secret, SecretKind, Secrets, SessionSecrets};
pub use stream::{Held, Joined, Line, Lines};
