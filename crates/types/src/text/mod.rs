//! Text being written: a line with room to write into, numbers, and which bytes stand for themselves.
//!
//! What every format and EVE are made of, several values a microsecond: fixed places instead of pushes, eight bytes at a
//! time instead of one.

mod digits;
mod line;
mod plain;

pub use digits::{EIGHT, ZEROS, eight_digits, hex_pair, put, unsigned};
pub use line::{Line, word};
pub use plain::{plain_len, short};
