//! Judgements over rows: each detector sees the rows of the logs that it declares, in the run's order, and raises
//! findings with reasons and evidence. Specified by `detections.md`; `docs/detections/` is printed from the detectors' own
//! comments.
//!
//! Level 3: knows rows by schema and findings, never packets, flows or parsers. What a detector needs and no row has
//! becomes a column or, where it is nothing that people want in a log, a row type of its own that is told only when
//! somebody judges.
//!
//! Place in the flow: [`Detection::add`] takes every row of a run; [`Detection::finish`] gives the [`Verdict`]. One
//! detector is one file in `detectors/` and one line in [`registry`].
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

mod catalogue;
mod certificate;
mod contacts;
mod cx;
mod desk;
mod destination;
mod detection;
mod detectors;
mod dns_exchanges;
mod dns_zones;
mod dnssec;
mod domains;
mod edges;
mod fetches;
mod geo;
mod history;
mod hosts;
mod known;
mod mails;
mod manual;
mod names;
mod outcome;
mod outside;
mod registry;
mod rows;
mod shares;
mod signs;
mod statistics;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_dnssec;
#[cfg(test)]
mod testing_flow;
#[cfg(test)]
mod testing_tls;
mod view;

pub use cx::{Cx, Raise};
pub use detection::{Detection, FULL_LEN, Scope, Spent, Verdict};
pub use geo::{Country, Geo, MAX_GEO_LEN, Place, Watched};
pub use history::{History, HistoryError, MAX_HISTORY_FACTS, MAX_HISTORY_LEN};
pub use hosts::{Hosts, Role};
pub use manual::{Entry, Manual, manual};
pub use registry::{Detector, abouts};
pub use rows::{DnsEntry, Items, Kind, Row};
pub use sekisho_dnssec::{AnchorError, Anchors};
pub use sekisho_intel::{MAX_LIST_LEN, Table as Intel};
