//! Encoders and sinks: typed rows become Zeek text, Zeek JSON or NDJSON.
//!
//! Place in the flow: the collector hands every row to [`Sinks::write`]; bytes leave through writers that
//! the caller opens. This crate sees rows by schema only: no protocol, no flow, no file, no clock.
//! Encoders write straight into a byte buffer: no tree in between, no allocation per row.

mod escape;
mod format;
mod json;
mod line;
mod number;
mod reference;
mod sinks;
mod tsv;

pub use format::{Format, UnknownFormat};
pub use json::{JsonEncoder, JsonStyle};
pub use reference::reference;
pub use sinks::{Detached, Encoded, Error, Sinks, Writer, Written};
pub use tsv::TsvEncoder;

#[cfg(test)]
mod tests;
