//! threshold.config: `threshold`, `event_filter`, `rate_filter` and `suppress` for rules by their numbers.

use crate::draft::Shared;
use crate::ir::{Action, Threshold, ThresholdKind, Track};
use crate::keywords::{kind_of, track_of};
use crate::syntax::Word;
use std::collections::BTreeMap;

/// Lines of a threshold file; more are left out.
const LINE_COUNT_MAX: usize = 1 << 16;

/// Reads the file that the configuration names.
pub(crate) fn load(shared: &mut Shared<'_>) {
    let config = shared.config;
    let Some(path) = config.get("threshold-file").text() else { return };
    let Ok(bytes) = shared.files.read(&config.name, path) else { return };
    let text = String::from_utf8_lossy(&bytes).replace("\\\r\n", " ").replace("\\\n", " ");
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')).take(LINE_COUNT_MAX) {
        if let Some(threshold) = read(line, shared) {
            shared.set.global_thresholds.push(threshold);
        }
    }
}

fn read(line: &str, shared: &mut Shared<'_>) -> Option<(u32, u32, Threshold)> {
    let (what, rest) = line.split_once(|c: char| c.is_ascii_whitespace())?;
    let options = options(rest);
    let number = |key: &str| options.get(key).and_then(|text| text.parse::<u32>().ok());
    let (gid, sid) = (number("gen_id")?, number("sig_id")?);
    let track = options.get("track").and_then(|text| track_of(text));
    let blank = Threshold {
        kind: ThresholdKind::Suppress,
        track: track.unwrap_or(Track::ByRule),
        count: 0,
        seconds: 0,
        multiplier: 0,
        new_action: None,
        timeout: 0,
        unique_on: None,
        addresses: None,
    };
    let threshold = match what {
        "suppress" => {
            let addresses = match options.get("ip") {
                Some(text) => Some(shared.groups.addresses(Word { text, at: 0 }).ok()?),
                None => None,
            };
            Threshold { addresses, ..blank }
        }
        "threshold" | "event_filter" => Threshold {
            kind: options.get("type").and_then(|text| kind_of(text))?,
            track: track?,
            count: number("count")?,
            seconds: number("seconds").unwrap_or(0),
            multiplier: number("multiplier").unwrap_or(0),
            ..blank
        },
        "rate_filter" => Threshold {
            kind: ThresholdKind::RateFilter,
            track: track?,
            count: number("count")?,
            seconds: number("seconds")?,
            timeout: number("timeout")?,
            new_action: Some(match options.get("new_action").copied()? {
                "alert" => Action::Alert,
                "drop" => Action::Drop,
                "pass" => Action::Pass,
                "reject" => Action::Reject,
                _ => return None,
            }),
            ..blank
        },
        _ => return None,
    };
    Some((gid, sid, threshold))
}

/// `KEY VALUE` between commas; those within brackets belong to the value.
fn options(text: &str) -> BTreeMap<&str, &str> {
    let mut depth = 0u32;
    let parts = text.split(|c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.filter_map(|part| part.trim().split_once(char::is_whitespace)).map(|(k, v)| (k, v.trim())).collect()
}
