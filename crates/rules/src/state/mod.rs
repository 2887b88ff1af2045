//! What is remembered between packets: of a flow, of hosts, of thresholds, of data sets. Every table is bounded by a
//! named constant.

mod bits;
mod datasets;
mod flow;
mod threshold;

pub(crate) use bits::HostBits;
pub(crate) use datasets::Datasets;
pub(crate) use flow::{Ahead, PacketPlace, Tail};
pub use flow::{FlowState, Var};
pub(crate) use threshold::{Outcome, Thresholds};
