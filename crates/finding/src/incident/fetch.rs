//! Programs that belong to a story: they came from a place or are a file that it names, or came just before something happened.

use super::Basis;
use crate::{Fetched, Finding, Stage, Tie};
use sekisho_types::{Addr, Interval, Timestamp};

/// Most programs told of a story.
const MAX_TOLD: usize = 16;
/// What comes so long before a sign that somebody outside has a hold may be what gave it to him.
const BEFORE: Interval = Interval::from_secs(3_600);
/// A way in is followed by what it was for within this time.
const AFTER: Interval = Interval::from_secs(600);
/// Shortest name of a place that is looked for in what findings say.
const MIN_PLACE_LEN: usize = 4;

/// Those of a story's hosts that belong to it, by time, and how many others came to them meanwhile.
pub(super) fn of(basis: &Basis<'_>, told: &[&Finding], hosts: &[Addr]) -> (Vec<Fetched>, u64) {
    let (Some(first), Some(last)) = (told.iter().map(|f| f.first).min(), told.iter().map(|f| f.last).max()) else {
        return Default::default();
    };
    let meanwhile = |f: &&Fetched| hosts.contains(&f.host) && first - f.ts <= BEFORE && f.ts <= last;
    let mut all: Vec<&Fetched> = basis.fetched.iter().filter(meanwhile).collect();
    all.sort_by(|a, b| (a.ts, a.host, &a.sha256, a.from).cmp(&(b.ts, b.host, &b.sha256, b.from)));
    let count = all.len();
    let mut own: Vec<Fetched> = all.into_iter().filter(|f| belongs(f, told, basis)).cloned().collect();
    own.truncate(MAX_TOLD);
    let others = count - own.len();
    (own, others as u64)
}

fn belongs(file: &Fetched, told: &[&Finding], basis: &Basis<'_>) -> bool {
    let tie = file.tie();
    let named = |f: &Finding| {
        let place = file.place.as_str();
        place.len() >= MIN_PLACE_LEN && (f.key.contains(place) || f.quotes.iter().any(|q| q.text.contains(place)))
    };
    let from_there = |f: &Finding| f.peers.named().contains(&file.from) && f.stage != Stage::Discovery || named(f);
    let is_known = |f: &Finding| f.ties.iter().any(|t| matches!(t, Tie::File(_)) && Some(t) == tie.as_ref());
    if told.iter().any(|f| from_there(f) || is_known(f)) {
        return true;
    }
    // From a neighbour comes what is wanted, unless it is of the story by the above.
    !(basis.is_home)(file.from) && told.iter().any(|f| is_near(file, f))
}

/// Did it come shortly before the host was commanded, or shortly after a way in?
fn is_near(file: &Fetched, f: &Finding) -> bool {
    let within = |from: Timestamp, to: Timestamp, by: Interval| to >= from && to - from <= by;
    match f.stage {
        Stage::Foothold | Stage::C2 => f.subject == file.host && within(file.ts, f.first, BEFORE),
        Stage::Initial if f.sender.is_some() => {
            f.acts.iter().any(|a| a.host == file.host && within(a.ts, file.ts, AFTER))
        }
        Stage::Initial => f.subject == file.host && within(f.first, file.ts, AFTER),
        _ => false,
    }
}
