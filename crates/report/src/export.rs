//! An audit in the forms that other tools read: a layer of the ATT&CK Navigator, a STIX bundle, a table, rows of
//! Zeek's notice log.
//!
//! Findings that a mute hides are left out of layers and bundles, which say what happened; the table has them, with the mute's reason.
//! All are bounded by the number of findings that a run keeps, and by the bounds of a finding. Equal pages give equal files.

mod csv;
mod navigator;
mod notice;
mod stix;

pub use csv::to_csv;
pub use navigator::{Cell, Layer, layers_to_json, to_navigator};
pub use notice::NoticeRecord;
pub use stix::to_stix;

use crate::clean::{clean, is_shown};
use sekisho_finding::Finding;
use sekisho_types::Addr;
use serde_json::Value;
use std::fmt::Write;

/// `10.0.0.5 (ws5.corp.test)`.
fn host(f: &Finding, addr: Addr) -> String {
    match f.names.iter().find(|(a, _)| *a == addr) {
        Some((_, name)) => format!("{addr} ({})", clean(name.as_bytes())),
        None => addr.to_string(),
    }
}

/// Peers as words: `10.0.0.6, 10.0.0.7 and others`.
fn peers(f: &Finding) -> String {
    let mut all: Vec<String> = f.peers.named().iter().map(|p| host(f, *p)).collect();
    if f.peers.more() {
        all.push("others".to_owned());
    }
    all.join(", ")
}

/// `value` as text in which no character can act on a terminal: those stand as JSON's escapes.
fn printed(value: &Value) -> String {
    let text = value.to_string();
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Outside of strings JSON is ASCII, and what serde_json writes has no control characters.
        if is_shown(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests;
