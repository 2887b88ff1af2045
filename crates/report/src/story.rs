//! What the pages in all formats say of an incident's steps.

use crate::clean;
use crate::units::span;
use sekisho_finding::{Act, Finding, Risk, Tale, tale};
use sekisho_types::{Addr, Interval, Timestamp};

/// The values of a sentence, fit to be shown; an address with the name that `f` knows for it.
pub(crate) fn values(tale: &Tale, f: Option<&Finding>) -> Vec<String> {
    let value = |text: &String| match text.parse::<Addr>() {
        Ok(addr) => host(f, addr),
        Err(_) => clean(text.as_bytes()),
    };
    tale.values.iter().map(value).collect()
}

/// A host with the name that it went by.
fn host(f: Option<&Finding>, addr: Addr) -> String {
    match f.and_then(|f| f.names.iter().find(|(a, _)| *a == addr)) {
        Some((_, name)) => format!("{addr} ({})", clean(name.as_bytes())),
        None => addr.to_string(),
    }
}

/// A finding of an incident that knows a name for `addr`.
pub(crate) fn knows<'f>(steps: &[usize], findings: &'f [Finding], addr: Addr) -> Option<&'f Finding> {
    let mut all = steps.iter().filter_map(|i| findings.get(*i));
    all.find(|f| f.names.iter().any(|(a, _)| *a == addr))
}

/// What was done at a time of its own, as a sentence.
pub(crate) fn act(act: &Act) -> Tale {
    let by = act.host.to_string();
    match act.to {
        Some(to) => Tale::new(tale::HOP, &[by.as_bytes(), to.to_string().as_bytes(), act.what.as_bytes()]),
        None => Tale::new(tale::FOLLOWED, &[by.as_bytes()]),
    }
}

/// How long after the first step, in English; `None` at the beginning.
pub(crate) fn after(first: Timestamp, ts: Timestamp) -> Option<String> {
    let gap = ts - first;
    // To the minute: seconds are in the times beside it.
    let whole = match gap.0 / 1_000_000_000 {
        secs @ 600..3_600 => Interval::from_secs(secs / 60 * 60),
        secs @ 1.. => Interval::from_secs(secs),
        _ => gap,
    };
    (gap.0 > 0).then(|| format!("+{}", span(whole)))
}

/// Did it go on so long that the end is worth telling?
pub(crate) fn lasted(f: &Finding) -> bool {
    f.acts.is_empty() && f.count > 1 && f.last - f.first >= Interval::from_secs(600)
}

/// What to look at next: the first step of each of the three judgements that weigh most, with its key in the catalogue.
pub(crate) fn next(risk: &Risk, steps: &[usize], findings: &[Finding]) -> Vec<(String, &'static str)> {
    let about = |id: &str| steps.iter().filter_map(|i| findings.get(*i)).map(|f| f.about).find(|about| about.id == id);
    let first = |id: &'static str| Some((format!("{id}:next1"), *about(id)?.next.first()?));
    risk.terms.iter().filter_map(|term| first(term.id)).take(3).collect()
}
