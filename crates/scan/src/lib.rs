//! Search for tens of thousands of literals at once, as a prefilter: which of them stand in a slice?
//!
//! Of each literal short *fragments* are chosen, such as are rare in traffic and in the set. A first stage walks the slice
//! and asks whether the bytes there, letters in lower case, may be a fragment; only where the answer is yes the second
//! stage looks the fragment up and compares the whole literal, so that what is reported is exact.
//!
//! How far the walk goes at a time depends on how long the literals are. Of one of seven bytes or more four fragments
//! are known, one for each remainder of its place by four, so that one position in four has to be asked: one of them is hit
//! wherever the literal stands. Of four to six bytes two fragments of three bytes are known, and one position in two is asked. What is
//! shorter asks for every position, and so do few literals of four to six bytes, which is cheap by tables of half bytes that
//! stay in registers.
//! With AVX2 eight positions are asked at once, or thirty-two; with AVX-512 sixty-four by whole bytes.
//!
//! *Unsafe:* the vector code of the first stage (`vector.rs`), chosen at run time; its scalar twin stays as the oracle of the tests
//! and serves other machines.
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

mod divide;
mod fragment;
mod hits;
mod level;
mod starts;
mod table;
mod union;
mod vector;

pub use starts::Starts;
pub use union::Union;

use divide::Fragment;
use level::Level;
use std::ops::Range;
use table::{Class, Entry, Table};
use vector::Halves;

/// Bytes of a literal that count; the rest of a longer one is compared by whoever asks.
pub const LITERAL_LEN_MAX: usize = 1 << 15;

/// Literals of four to six bytes in a set at most that are looked for at every position.
const MIDDLE_COUNT_MAX: usize = 64;

/// Fragments asked for at every position that sets of half bytes tell well enough.
const HALVES_COUNT_MAX: usize = 128;

/// Literals of seven bytes and more.
const LONG: Class = Class { stride: 4, width: 4 };
/// Literals of four to six bytes, if they are many.
const MIDDLE: Class = Class { stride: 2, width: 3 };
/// What is asked for at every position: literals of four to six bytes, if they are few, and those of three, two and one.
const SHORT: [Class; 4] = [
    Class { stride: 1, width: 4 },
    Class { stride: 1, width: 3 },
    Class { stride: 1, width: 2 },
    Class { stride: 1, width: 1 },
];

/// One literal of a set.
#[derive(Clone, Copy, Debug)]
pub struct Literal<'a> {
    /// What is looked for; an empty one is never found.
    pub bytes: &'a [u8],
    /// ASCII letters match in either case.
    pub nocase: bool,
}

/// What is told of the literals that stand in a slice.
pub trait Sink {
    /// Is the literal of that number still looked for? One that is not is not compared any more.
    fn wants(&self, literal: u32) -> bool {
        let _ = literal;
        true
    }

    /// The literal of that number stands at these offsets.
    fn found(&mut self, literal: u32, at: Range<usize>);
}

/// Literals that are looked for together.
#[derive(Clone, Debug, Default)]
pub struct Scanner {
    /// Number of the first literal.
    first: u32,
    /// Bytes of all literals; of those without case in lower case.
    text: Vec<u8>,
    places: Vec<Place>,
    long: Option<Table>,
    middle: Option<Table>,
    /// As [`SHORT`].
    short: [Option<Table>; SHORT.len()],
    halves: Option<Box<Halves>>,
}

/// Where a literal's bytes are in `text`.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    len: u16,
    nocase: bool,
}

impl Scanner {
    /// Makes a set. A literal's number is its place in the list.
    pub fn new(literals: &[Literal<'_>]) -> Self {
        Self::numbered(literals, 0)
    }

    /// Makes a set. A literal's number is `first` and its place in the list.
    pub fn numbered(literals: &[Literal<'_>], first: u32) -> Self {
        let mut set = Self::of_texts(literals, first);
        set.make_tables();
        set
    }

    /// The literals, without what finds them.
    fn of_texts(literals: &[Literal<'_>], first: u32) -> Self {
        let mut text = Vec::with_capacity(literals.iter().map(|l| l.bytes.len().min(LITERAL_LEN_MAX)).sum());
        let mut places = Vec::with_capacity(literals.len());
        for literal in literals {
            let bytes = literal.bytes.get(..LITERAL_LEN_MAX).unwrap_or(literal.bytes);
            let start = u32::try_from(text.len()).unwrap_or(u32::MAX);
            if literal.nocase {
                text.extend(bytes.iter().map(u8::to_ascii_lowercase));
            } else {
                text.extend_from_slice(bytes);
            }
            places.push(Place { start, len: u16::try_from(bytes.len()).unwrap_or(u16::MAX), nocase: literal.nocase });
        }
        Self { first, text, places, ..Self::default() }
    }

    /// How many literals there are.
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Is there none?
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of memory that it takes.
    pub fn heap_len(&self) -> usize {
        let tables = self.long.iter().chain(&self.middle).chain(self.short());
        self.text.capacity()
            + self.places.capacity() * size_of::<Place>()
            + self.halves.as_ref().map_or(0, |halves| halves.heap_len())
            + tables.map(Table::heap_len).sum::<usize>()
    }

    /// Tells of each literal in `hay`, possibly several times.
    pub fn scan(&self, hay: &[u8], sink: &mut impl Sink) {
        if let Some(table) = &self.long {
            vector::by_hash(Level::best(), &table.filter, table.class, hay, |at, folded| {
                self.look(table, hay, at, folded, sink)
            });
        }
        self.scan_middle(hay, sink);
        self.scan_short(hay, sink);
    }

    fn scan_middle(&self, hay: &[u8], sink: &mut impl Sink) {
        if let Some(table) = &self.middle {
            vector::by_hash(Level::best(), &table.filter, table.class, hay, |at, folded| {
                self.look(table, hay, at, folded, sink)
            });
        }
    }

    fn scan_short(&self, hay: &[u8], sink: &mut impl Sink) {
        if let Some(halves) = &self.halves {
            return vector::by_halves(Level::best(), halves, hay, |at, folded, width| {
                self.look_short(hay, at, folded, width, sink)
            });
        }
        for table in self.short() {
            vector::by_hash(Level::best(), &table.filter, table.class, hay, |at, folded| {
                self.look(table, hay, at, folded, sink)
            });
        }
    }

    /// The tables of short literals.
    fn short(&self) -> impl Iterator<Item = &Table> + Clone {
        self.short.iter().flatten()
    }

    /// Their fragments.
    fn fragments(&self) -> impl Iterator<Item = Fragment> {
        self.short().flat_map(|table| table.entries().filter_map(|entry| self.fragment(entry, table.class.width)))
    }

    fn fragment(&self, entry: &Entry, width: usize) -> Option<Fragment> {
        let place = *self.places.get(entry.literal as usize)?;
        let window = self.text_of(place).get(usize::from(entry.offset)..)?.get(..width)?;
        let mut bytes = [0; 4];
        bytes.iter_mut().zip(window).for_each(|(to, from)| *to = *from);
        Some(Fragment { bytes, width, nocase: place.nocase })
    }

    /// A short fragment of that width may stand there.
    #[inline]
    fn look_short(&self, hay: &[u8], at: usize, folded: u32, width: usize, sink: &mut impl Sink) {
        if let Some(Some(table)) = self.short.get(SHORT.len() - width) {
            self.look(table, hay, at, folded, sink);
        }
    }

    /// A fragment of that table may stand there.
    #[inline]
    fn look(&self, table: &Table, hay: &[u8], at: usize, folded: u32, sink: &mut impl Sink) {
        for entry in table.look(folded).filter(|entry| entry.fits(hay, at)) {
            let literal = self.first + entry.literal;
            if sink.wants(literal)
                && let Some(place) = self.verify(hay, at, *entry)
            {
                sink.found(literal, place);
            }
        }
    }

    /// Does the literal stand where its fragment was found?
    #[inline]
    fn verify(&self, hay: &[u8], at: usize, entry: Entry) -> Option<Range<usize>> {
        let place = *self.places.get(entry.literal as usize)?;
        let literal = self.text_of(place);
        let start = at.checked_sub(usize::from(entry.offset))?;
        let end = start + literal.len();
        let there = hay.get(start..end)?;
        let equal = if place.nocase { there.eq_ignore_ascii_case(literal) } else { there == literal };
        equal.then_some(start..end)
    }

    #[inline]
    fn text_of(&self, place: Place) -> &[u8] {
        let start = place.start as usize;
        self.text.get(start..start + usize::from(place.len)).unwrap_or_default()
    }

    fn make_tables(&mut self) {
        let choice = fragment::Choice::of(self.places.iter().map(|&place| self.text_of(place)));
        let [four, ..] = &SHORT;
        let is_middle = |place: &&Place| (four.width..LONG.least_len()).contains(&usize::from(place.len));
        let mut middle_count = self.places.iter().filter(is_middle).count();
        let few = middle_count <= MIDDLE_COUNT_MAX;
        let (mut long, mut middle, mut short) = (Vec::new(), Vec::new(), SHORT.map(|_| Vec::new()));
        for (literal, &place) in (0u32..).zip(&self.places) {
            let bytes = self.text_of(place);
            let add = |list: &mut Vec<Entry>, class: &Class, fragments: &fragment::Fragments| {
                for &offset in fragments.offsets.iter().take(class.stride) {
                    list.push(Entry::new(class, literal, bytes, offset));
                }
            };
            if bytes.len() >= LONG.least_len() {
                let fragments = choice.best(bytes, &LONG);
                if !fragments.is_run || !few || middle_count >= MIDDLE_COUNT_MAX {
                    add(&mut long, &LONG, &fragments);
                    continue;
                }
                // Rather at every position than at every run of zeros.
                let others = choice.best(bytes, four);
                if others.is_run {
                    add(&mut long, &LONG, &fragments);
                    continue;
                }
                middle_count += 1;
            } else if bytes.len() >= MIDDLE.least_len() && !few {
                add(&mut middle, &MIDDLE, &choice.best(bytes, &MIDDLE));
                continue;
            }
            let classes = SHORT.iter().zip(&mut short);
            if let Some((class, list)) = classes.into_iter().find(|(class, _)| class.width <= bytes.len()) {
                add(list, class, &choice.best(bytes, class));
            }
        }
        let make =
            |class, list: Vec<Entry>| Some(list).filter(|list| !list.is_empty()).map(|list| Table::new(class, list));
        self.long = make(LONG, long);
        self.middle = make(MIDDLE, middle);
        for ((class, list), table) in SHORT.into_iter().zip(short).zip(&mut self.short) {
            *table = make(class, list);
        }
        let short_count = self.short().map(Table::len).sum::<usize>();
        self.halves = (1..=HALVES_COUNT_MAX).contains(&short_count).then(|| Box::new(Halves::of(self.fragments())));
    }
}

#[cfg(test)]
mod tests;
