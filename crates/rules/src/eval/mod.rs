//! Looking at rules: conditions, buffers, steps.

mod base64;
mod bytes;
mod chain;
mod condition;
mod header;
pub(crate) mod regex;
mod rule;
mod scratch;
mod source;
mod transform;

pub(crate) use chain::Hay;
pub(crate) use condition::{Memory, Scene, head_matches};
pub(crate) use rule::{Bench, Verdict};
pub use scratch::Counters;
pub(crate) use scratch::Scratch;
pub(crate) use source::{Exchange, Source};
pub(crate) use transform::apply as transformed;
