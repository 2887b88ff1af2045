//! From rules as data to the program that is run: each rule's plan, and the groups that find which rules to look at.

use sekisho_types::SeededState;

mod addresses;
mod blend;
mod fast;
mod frames;
mod groups;
mod plan;
mod ports;
mod program;
mod transactions;

pub(crate) use blend::{BlendNumber, Blends, Indexes};
pub(crate) use fast::LITERAL_LEN_MAX;
pub(crate) use frames::FrameGroup;
pub(crate) use groups::{Candidates, Finds, Group, HEAD_LEN_MAX};
pub(crate) use plan::grows;
pub(crate) use plan::{BufferPlan, Plan};
pub use program::{CompileLimits, Program, Refused};
pub(crate) use program::{PacketClass, Sets};
pub(crate) use transactions::{TxGroup, family, is_app};

/// Tables of names and literals: keyed by rules, not by the wire.
pub(crate) type Map<K, V> = hashbrown::HashMap<K, V, SeededState>;
/// As [`Map`].
pub(crate) type Set<K> = hashbrown::HashSet<K, SeededState>;
