//! Several sets searched in one walk.

use crate::level::Level;
use crate::table::{Filter, Table};
use crate::vector::{self, Halves};
use crate::{HALVES_COUNT_MAX, LONG, Scanner, Sink};

/// What walks over a slice ask on behalf of several sets, so that it is walked over once.
///
/// It is cheap to make, and knows nothing of its sets but the filters: they are shown again with each slice.
#[derive(Clone, Debug, Default)]
pub struct Union {
    long: Share<Filter>,
    halves: Share<Box<Halves>>,
    /// Short literals are too many to be told together.
    short_apart: bool,
}

/// Whose filter a walk asks.
#[derive(Clone, Debug, Default)]
enum Share<T> {
    #[default]
    Nobody,
    /// Only that set has one.
    Of(usize),
    All(T),
}

impl<T> Share<T> {
    /// Whose, if `has` says which of the sets have one.
    fn new(has: impl Iterator<Item = bool>, all: impl FnOnce() -> T) -> Self {
        let mut who = (0..).zip(has).filter(|(_, has)| *has).map(|(n, _)| n);
        match (who.next(), who.next()) {
            (None, _) => Self::Nobody,
            (Some(n), None) => Self::Of(n),
            _ => Self::All(all()),
        }
    }
}

impl Union {
    /// What the sets have in common.
    pub fn of(sets: &[&Scanner]) -> Self {
        let long: Vec<&Table> = sets.iter().filter_map(|set| set.long.as_ref()).collect();
        let short = sets.iter().flat_map(|set| set.short());
        let short_apart = short.clone().map(Table::len).sum::<usize>() > HALVES_COUNT_MAX;
        let halves = if short_apart {
            Share::Nobody
        } else {
            let has_short = sets.iter().map(|set| set.short().next().is_some());
            Share::new(has_short, || Box::new(Halves::of(sets.iter().flat_map(|set| set.fragments()))))
        };
        Self {
            long: Share::new(sets.iter().map(|set| set.long.is_some()), || Filter::of_tables(LONG, &long)),
            halves,
            short_apart,
        }
    }

    /// Tells of each literal of the sets, which are those that it was made of, in `hay`, possibly several times.
    pub fn scan(&self, sets: &[&Scanner], hay: &[u8], sink: &mut impl Sink) {
        match &self.long {
            Share::Nobody => {}
            Share::Of(n) => {
                if let Some((set, table)) = sets.get(*n).and_then(|set| Some((set, set.long.as_ref()?))) {
                    vector::by_hash(Level::best(), &table.filter, LONG, hay, |at, folded| {
                        set.look(table, hay, at, folded, sink)
                    });
                }
            }
            Share::All(filter) => vector::by_hash(Level::best(), filter, LONG, hay, |at, folded| {
                for (set, table) in sets.iter().filter_map(|set| Some((set, set.long.as_ref()?))) {
                    if table.filter.may_have(folded) {
                        set.look(table, hay, at, folded, sink);
                    }
                }
            }),
        }
        sets.iter().for_each(|set| set.scan_middle(hay, sink));
        let halves = match &self.halves {
            Share::Nobody => None,
            Share::Of(n) => sets.get(*n).and_then(|set| set.halves.as_deref()),
            Share::All(halves) => Some(&**halves),
        };
        if let Some(halves) = halves {
            vector::by_halves(Level::best(), halves, hay, |at, folded, width| {
                sets.iter().for_each(|set| set.look_short(hay, at, folded, width, sink));
            });
        } else if self.short_apart {
            sets.iter().for_each(|set| set.scan_short(hay, sink));
        }
    }

    /// Bytes of memory that it takes.
    pub fn heap_len(&self) -> usize {
        let of_long = if let Share::All(filter) = &self.long { filter.heap_len() } else { 0 };
        let of_short = if let Share::All(halves) = &self.halves { halves.heap_len() } else { 0 };
        of_long + of_short
    }
}
