//! Encoders and sinks: typed rows become Zeek text, Zeek JSON, NDJSON or Parquet.
//!
//! Place in the flow: the collector hands every row to [`Sinks::write`]; bytes leave through writers that
//! the caller opens. This crate sees rows by schema only: no protocol, no flow, no file, no clock.
//! Encoders of lines write straight into a byte buffer: no tree in between, no allocation per row; Parquet's keeps
//! columns until there are rows enough for a group.

mod describe;
mod escape;
pub mod eve;
mod format;
mod json;
mod line;
mod number;
mod omission;
mod parquet;
mod sinks;
mod tsv;

pub use describe::{SchemaFormat, describe};
pub use format::{Format, UnknownFormat};
pub use json::{JsonEncoder, JsonStyle};
pub use sinks::{Detached, Encoded, Error, Sinks, Writer, Written};
pub use tsv::TsvEncoder;

#[cfg(test)]
mod tests;
