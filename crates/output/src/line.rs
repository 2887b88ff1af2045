//! Where rows are written, and the places for their values.

pub(crate) use sekisho_types::text::{Line, word};

/// Longest text of a value of bounded size, with quotes: a subnet has 43 bytes.
pub(crate) const PLACE_LEN: usize = 64;
