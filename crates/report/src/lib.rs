//! The audit page: rows aggregated within fixed memory, printed for a terminal or written as JSON.
//!
//! Place in the flow: the collector hands every row to [`Summary::add`]; at the end the engine's
//! [`Completeness`] facts join in and [`Summary::page`] gives a [`Page`], plain data that
//! [`render_text`] and [`to_json`] print. Two of them are compared in [`compare`]. This crate sees rows by schema only: it
//! finds columns by name once per row type, so a log it has never heard of costs a lookup and is counted.

mod activity;
mod bounded;
mod cells;
mod clean;
pub mod compare;
mod export;
mod facts;
mod html;
mod json;
mod page;
mod profile;
mod story;
mod summary;
mod terminal;
mod units;

pub use activity::{Activity, Bin, WEEK_HOURS};
pub use clean::{clean, fit, width_of};
pub use export::{Cell, Layer, NoticeRecord, layers_to_json, to_csv, to_navigator, to_stix};
pub use facts::{Completeness, Pool, State};
pub use html::{Lang, render_comparison_html, render_html, untranslated};
pub use json::{COMPARISON_VERSION, SCHEMA_VERSION, comparison_to_json, to_json};
pub use page::{
    Attempts, Carried, Certificate, File, FileType, FlowEnds, Host, Judged, Listing, Login, Mail, Name, Names, Page,
    Protocol, Service, Software, Talker, Totals, Transport, Tunnel, Unseen, Weird,
};
pub use profile::{Asked, Destination, Profile, ServiceUse, Shown, Traffic};
pub use summary::{KeptFlows, Summary};
pub use terminal::{render_comparison, render_text};
pub use units::{bytes, clock, count, counted};
