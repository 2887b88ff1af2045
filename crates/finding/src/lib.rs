//! A judgement as a plain value: what was seen, of whom, how sure it is, with which evidence, what else it could be.
//!
//! Level 1: detectors make findings, pages and logs show them, and neither knows the other. Everything that stands in a
//! finding was measured; the sentences around it belong to the detector's [`About`] and to whoever prints it.
//! Source: `detections.md` §1.5 (evidence core), §1.6 (severity and confidence), §14 (life of a finding).
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod about;
mod act;
mod attack;
mod coverage;
mod evidence;
mod fetched;
mod finding;
mod grade;
mod incident;
mod mute;
mod signed;
pub mod tale;
mod tie;

pub use about::{About, Reason};
pub use act::{Act, MAX_ACTS};
pub use attack::{
    ATTACK_VERSION, Covered, Marks, Matrix, Outlook, Reach, TACTICS, Tactic, Technique, all_shown as techniques_shown,
    covered, is_technique_id, outlooks, technique, techniques, url as technique_url,
};
pub use coverage::{Cause, Coverage, Group, Lack, Need, Sight, Traffic, What, absent, affected, useful, vital};
pub use evidence::{Benign, MAX_QUOTE_LEN, MAX_QUOTES, Measure, Origin, Quote, SAMPLES, Samples};
pub use fetched::Fetched;
pub use finding::{Finding, MAX_PEERS, Peers, Quality};
pub use grade::{Confidence, Severity, Stage};
pub use incident::{Asset, Basis, Bond, Incident, Link, MAX_INCIDENTS, Part, Risk, ShownBy, Step, Term, incidents};
pub use mute::{MAX_MUTES, Mute, MuteError, Mutes};
pub use signed::{Outcome, Signed};
pub use tale::Tale;
pub use tie::{MAX_TIES, Tie};
