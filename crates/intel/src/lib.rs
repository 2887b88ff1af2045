//! Lists of addresses, networks, names, URLs and files with a bad name, as people publish them, and the question whether
//! something stands in one.
//!
//! Level 1: text in, table out; reads no file and knows no packet. Formats: an indicator a line, hosts files, CSV, Zeek's
//! intel files, MISP's JSON. [`Table::add`] tells them apart. What can't be used is said by line.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod date;
mod formats;
mod indicator;
mod table;
#[cfg(test)]
mod tests;

pub use formats::Format;
pub use indicator::Indicator;
pub use table::{Entry, List, MAX_ENTRIES, MAX_LIST_LEN, MAX_PROBLEMS, Problem, Table};
