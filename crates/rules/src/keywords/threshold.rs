//! `threshold` and `detection_filter`.

use super::{Keyword, Takes};
use crate::draft::{Arg, Draft};
use crate::ir::{Threshold, ThresholdKind, Track};
use crate::refusal::Done;

pub(super) const TABLE: &[Keyword] = &[
    Keyword { names: &["threshold"], takes: Takes::Value, read: |draft, _, arg| read(draft, arg, None) },
    Keyword {
        names: &["detection_filter"],
        takes: Takes::Value,
        read: |draft, _, arg| read(draft, arg, Some(ThresholdKind::DetectionFilter)),
    },
];

/// `type limit, track by_src, count 1, seconds 60` in any order.
fn read(draft: &mut Draft, arg: &Arg<'_>, fixed: Option<ThresholdKind>) -> Done {
    let (mut kind, mut track, mut count, mut seconds, mut multiplier) = (fixed, None, None, None, None);
    let mut unique_on = None;
    for part in arg.parts() {
        let (name, value) = part.text.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((part.text, ""));
        let value = value.trim();
        let number = || value.parse::<u32>().ok();
        match name {
            "type" => kind = kind_of(value).or(kind),
            "track" => track = track_of(value),
            "count" => count = number(),
            "seconds" => seconds = number(),
            "multiplier" => multiplier = number(),
            "unique_on" if matches!(value, "src_port" | "dst_port") => unique_on = Some(value.into()),
            _ => return arg.bad(format!("{} is no option of {}", part.text, arg.name.text)),
        }
    }
    let is_backoff = kind == Some(ThresholdKind::Backoff);
    let (Some(kind), Some(track), Some(count)) = (kind, track, count.filter(|&n| n > 0)) else {
        return arg.bad(format!("{} needs type, track, count and seconds", arg.name.text));
    };
    let (Some(seconds), Some(multiplier)) = (
        seconds.or(is_backoff.then_some(0)).filter(|&n| n > 0 || is_backoff),
        multiplier.or((!is_backoff).then_some(0)).filter(|&n| n > 1 || !is_backoff),
    ) else {
        return arg.bad(format!("{} needs seconds, and a backoff a multiplier above 1", arg.name.text));
    };
    if draft.rule.thresholds.iter().any(|t| (t.kind == kind) || kind != ThresholdKind::DetectionFilter) {
        return arg.misplaced("the rule has a threshold already");
    }
    draft.rule.thresholds.push(Threshold {
        kind,
        track,
        count,
        seconds,
        multiplier,
        new_action: None,
        timeout: 0,
        unique_on,
        addresses: None,
    });
    Ok(())
}

/// Kinds that a rule may name.
pub(crate) fn kind_of(text: &str) -> Option<ThresholdKind> {
    match text {
        "limit" => Some(ThresholdKind::Limit),
        "threshold" => Some(ThresholdKind::Threshold),
        "both" => Some(ThresholdKind::Both),
        "backoff" => Some(ThresholdKind::Backoff),
        _ => None,
    }
}

/// What is counted by.
pub(crate) fn track_of(text: &str) -> Option<Track> {
    match text {
        "by_src" => Some(Track::BySrc),
        "by_dst" => Some(Track::ByDst),
        "by_both" => Some(Track::ByBoth),
        "by_rule" => Some(Track::ByRule),
        "by_flow" => Some(Track::ByFlow),
        _ => None,
    }
}
