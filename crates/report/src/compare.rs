//! Two audits compared: what disappeared, appeared, grew or shrank, device by device (`audit-diff`).

mod model;
mod statistics;

pub use model::{
    Change, Comparison, Device, Grain, Identity, Item, ItemKind, MatchedBy, Measure, Quantity, Schedule, Seen, Side,
    Tests,
};
