//! What a rule does when it has matched, in words.

use super::conditions::tracked;
use super::steps::show;
use crate::ir::{BitChange, Effect, FlowIntValue, RuleSet, TagMetric, Threshold, ThresholdKind};

/// One effect.
pub(super) fn say(effect: &Effect, set: &RuleSet) -> String {
    let name = |list: &[Box<str>], n: u16| list.get(usize::from(n)).map_or_else(String::new, |name| name.to_string());
    match effect {
        Effect::FlowBit(change, bit) => format!("the flow bit {} is {}", name(&set.flow_bits, *bit), changed(*change)),
        Effect::FlowInt { var, sign, value } => {
            let value = match value {
                FlowIntValue::Number(n) => n.to_string(),
                FlowIntValue::Var(other) => name(&set.flow_ints, *other),
            };
            let var = name(&set.flow_ints, *var);
            match sign {
                b'+' => format!("the flow's number {var} grows by {value}"),
                b'-' => format!("the flow's number {var} shrinks by {value}"),
                _ => format!("the flow's number {var} becomes {value}"),
            }
        }
        Effect::XBit { track, change, bit, expire } => {
            let bit = name(&set.x_bits, *bit);
            format!("the bit {bit} of {} is {} for {expire} seconds", tracked(*track), changed(*change))
        }
        Effect::Tag { session, src, count, metric } => {
            let what = match (session, src) {
                (true, _) => "the flow",
                (false, true) => "the source",
                (false, false) => "the destination",
            };
            let metric = match metric {
                TagMetric::Packets => "packets",
                TagMetric::Seconds => "seconds",
                TagMetric::Bytes => "bytes",
            };
            format!("the next {count} {metric} of {what} are kept")
        }
        Effect::FileStore { dir, scope } => {
            let dir = dir.as_deref().map_or_else(String::new, |dir| format!(" ({dir})"));
            format!("the file is stored, by {scope}{dir}")
        }
        Effect::Bypass => "the flow is not looked at any further".into(),
        Effect::Replace(bytes) => format!("a gate would put {} there", show(bytes)),
        Effect::Config(text) => format!("for what matched: {text}"),
    }
}

const fn changed(change: BitChange) -> &'static str {
    match change {
        BitChange::Set => "set",
        BitChange::Unset => "unset",
        BitChange::Toggle => "toggled",
    }
}

/// A threshold.
pub(super) fn threshold(threshold: &Threshold) -> String {
    let Threshold { kind, track, count, seconds, multiplier, .. } = threshold;
    let of = tracked(*track);
    match kind {
        ThresholdKind::Limit => format!("at most {count} alerts in {seconds} seconds for {of}"),
        ThresholdKind::Threshold => format!("one alert for every {count} matches within {seconds} seconds of {of}"),
        ThresholdKind::Both => format!("one alert in {seconds} seconds once {count} matches of {of} were seen"),
        ThresholdKind::Backoff => {
            format!("an alert after {count} matches of {of}, then after {multiplier} times as many")
        }
        ThresholdKind::DetectionFilter => {
            format!("alerts only beyond {count} matches within {seconds} seconds of {of}")
        }
        ThresholdKind::RateFilter => format!("another action beyond {count} matches within {seconds} seconds of {of}"),
        ThresholdKind::Suppress => "no alerts for some addresses".into(),
    }
}
