//! Search for tens of thousands of literals at once, as a prefilter: which of them stand in a slice?
//!
//! Of each literal short *fragments* are chosen, such as are rare in traffic and in the set. A first stage walks the slice
//! and asks whether the bytes there, letters in lower case, may be a fragment; only where the answer is yes the second
//! stage looks the fragment up and compares the whole literal, so that what is reported is exact.
//!
//! How far the walk goes at a time depends on how long the literals are. Of one of seven bytes or more the four fragments
//! that begin at four places in a row are known, so that one position in four has to be asked: one of them is hit wherever
//! the literal stands. Of four to six bytes two fragments of three bytes are known, and one position in two is asked. Only
//! what is shorter asks for every position, which its few fragments make cheap: tables of half bytes that stay in registers.
//! With AVX2 eight positions are asked at once, or thirty-two.
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

mod fragment;
mod stage;
mod vector;

use stage::{Class, Entry, Stage};

/// Bytes of a literal that count; the rest of a longer one is compared by whoever asks.
pub const LITERAL_LEN_MAX: usize = 1 << 15;

/// Classes of literals, the longest first: each literal belongs to the first that it is long enough for.
const CLASSES: [Class; 4] = [
    Class { stride: 4, width: 4 },
    Class { stride: 2, width: 3 },
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

/// Literals that are looked for together. A literal's number is its place in the list it was made of.
#[derive(Clone, Debug, Default)]
pub struct Scanner {
    /// Bytes of all literals; of those without case in lower case.
    text: Vec<u8>,
    places: Vec<Place>,
    stages: Vec<Stage>,
}

/// Where a literal's bytes are in `text`.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    len: u16,
    nocase: bool,
}

impl Scanner {
    /// Makes a set.
    pub fn new(literals: &[Literal<'_>]) -> Self {
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
        let mut set = Self { text, places, stages: Vec::new() };
        set.stages = set.make_stages();
        set
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
        let of_stages: usize = self.stages.iter().map(Stage::heap_len).sum();
        self.text.capacity() + self.places.capacity() * size_of::<Place>() + of_stages
    }

    /// Tells of each literal in `hay`, possibly several times: its number, and the offset behind its last byte.
    pub fn scan(&self, hay: &[u8], mut found: impl FnMut(u32, usize)) {
        for stage in &self.stages {
            stage.run(hay, |at, entry| {
                if let Some(end) = self.verify(hay, at, entry) {
                    found(entry.literal, end);
                }
            });
        }
    }

    /// Does the literal stand where its fragment was found?
    fn verify(&self, hay: &[u8], at: usize, entry: Entry) -> Option<usize> {
        let place = *self.places.get(entry.literal as usize)?;
        let literal = self.text_of(place);
        let start = at.checked_sub(usize::from(entry.offset))?;
        let end = start + literal.len();
        let there = hay.get(start..end)?;
        let equal = if place.nocase { there.eq_ignore_ascii_case(literal) } else { there == literal };
        equal.then_some(end)
    }

    fn text_of(&self, place: Place) -> &[u8] {
        let start = place.start as usize;
        self.text.get(start..start + usize::from(place.len)).unwrap_or_default()
    }

    fn make_stages(&self) -> Vec<Stage> {
        let choice = fragment::Choice::of(self.places.iter().map(|&place| self.text_of(place)));
        let mut lists: [Vec<(u32, Entry)>; CLASSES.len()] = Default::default();
        for (literal, &place) in (0u32..).zip(&self.places) {
            let bytes = self.text_of(place);
            let found = CLASSES.iter().zip(&mut lists).find(|(class, _)| bytes.len() >= class.least_len());
            let Some((class, list)) = found else { continue };
            let first = choice.best(bytes, class);
            for offset in (first..).take(class.stride) {
                let Some(window) = bytes.get(usize::from(offset)..) else { break };
                list.push((stage::fold(window), Entry { fragment: 0, literal, offset }));
            }
        }
        let lists = CLASSES.iter().zip(lists).filter(|(_, list)| !list.is_empty());
        lists.map(|(class, list)| Stage::new(*class, list)).collect()
    }
}

#[cfg(test)]
mod tests;
