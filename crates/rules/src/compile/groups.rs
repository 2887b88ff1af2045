//! A group of rules with what finds candidates among them.

use super::Map;
use super::fast::Wanted;
use sekisho_scan::{Literal, Scanner, Sink, Starts, Union};
use std::cell::Cell;
use std::ops::Range;

/// A literal that has to end within so many bytes is looked for only there.
pub(crate) const HEAD_LEN_MAX: u32 = 64;

/// The rules of each literal of a program, by the literal's number.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    /// Where the rules of each literal end in `rules`.
    ends: Vec<u32>,
    rules: Vec<u32>,
    /// The literals for streams.
    pub(crate) streams: Range<u32>,
}

impl Owners {
    /// Is it one for streams?
    fn is_for_streams(&self, literal: u32) -> bool {
        self.streams.contains(&literal)
    }

    /// As [`Self::len`], as a literal's number.
    pub(crate) fn next(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    /// How many literals there are.
    pub(crate) const fn len(&self) -> usize {
        self.ends.len()
    }

    fn add(&mut self, rules: &[u32]) {
        self.rules.extend(rules);
        self.ends.push(u32::try_from(self.rules.len()).unwrap_or(u32::MAX));
    }

    /// The rules of a literal.
    pub(crate) fn of(&self, literal: u32) -> &[u32] {
        let literal = literal as usize;
        let start = literal.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(literal).copied().unwrap_or(start);
        self.rules.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(crate) const fn heap_len(&self) -> usize {
        4 * (self.ends.capacity() + self.rules.capacity())
    }
}

/// Rules that are looked at together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Literals that may stand anywhere.
    pub(super) anywhere: Scanner,
    /// Literals that end within the first bytes, and within how many.
    pub(super) head: Scanner,
    pub(super) head_len: u32,
    /// Literals that a buffer has to begin with.
    pub(super) starts: Starts,
    /// Rules without a literal: always candidates.
    pub(crate) always: Vec<u32>,
    /// Its own among those with literals; 0: it has none.
    pub(crate) number: u32,
}

/// Literals and rules while a group is put together.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    anywhere: Vec<(Vec<u8>, bool, u32)>,
    head: Vec<(Vec<u8>, bool, u32)>,
    head_len: u32,
    starts: Vec<(Vec<u8>, bool, u32)>,
    always: Vec<u32>,
}

impl Draft {
    pub(crate) fn add(&mut self, rule: u32, literal: Option<Wanted<'_>>) {
        let Some(Wanted { bytes, nocase, limit }) = literal else { return self.always.push(rule) };
        let bytes = if nocase { bytes.to_ascii_lowercase() } else { bytes.to_vec() };
        match limit.filter(|limit| *limit <= HEAD_LEN_MAX) {
            Some(limit) if limit as usize == bytes.len() => self.starts.push((bytes, nocase, rule)),
            Some(limit) => {
                self.head_len = self.head_len.max(limit);
                self.head.push((bytes, nocase, rule));
            }
            None => self.anywhere.push((bytes, nocase, rule)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.anywhere.is_empty() && self.head.is_empty() && self.starts.is_empty() && self.always.is_empty()
    }

    /// Makes the group; `owners` are of all literals of the program.
    pub(crate) fn finish(mut self, owners: &mut Owners) -> Group {
        self.always.sort_unstable();
        self.always.dedup();
        let has_literals = !(self.anywhere.is_empty() && self.head.is_empty() && self.starts.is_empty());
        Group {
            number: if has_literals { owners.next().saturating_add(1) } else { 0 },
            anywhere: set(&self.anywhere, owners, Scanner::numbered),
            head: set(&self.head, owners, Scanner::numbered),
            head_len: self.head_len,
            starts: set(&self.starts, owners, Starts::numbered),
            always: self.always,
        }
    }
}

/// What looks for the literals of rules, each once.
fn set<S>(literals: &[(Vec<u8>, bool, u32)], owners: &mut Owners, make: impl FnOnce(&[Literal<'_>], u32) -> S) -> S {
    let mut numbers: Map<(&[u8], bool), usize> = Map::default();
    let mut distinct: Vec<Literal<'_>> = Vec::new();
    let mut rules: Vec<Vec<u32>> = Vec::new();
    for (bytes, nocase, rule) in literals {
        let number = *numbers.entry((bytes, *nocase)).or_insert_with(|| {
            distinct.push(Literal { bytes, nocase: *nocase });
            rules.push(Vec::new());
            distinct.len() - 1
        });
        if let Some(list) = rules.get_mut(number) {
            list.push(*rule);
        }
    }
    let first = owners.next();
    rules.iter().for_each(|list| owners.add(list));
    make(&distinct, first)
}

/// Marks the literals that are found, and adds their rules.
pub(crate) struct Finds<'a> {
    pub(crate) owners: &'a Owners,
    /// What ends before was found before.
    pub(crate) reach: usize,
    /// Where the packet at hand begins: what it is searched for does not begin before.
    pub(crate) start: usize,
    pub(crate) to: &'a mut Candidates,
    /// Literals whose rules are for streams: they are noted there.
    pub(crate) for_stream: Option<&'a mut Vec<u32>>,
    /// A literal may stand there, told or not.
    pub(crate) any: Cell<bool>,
}

impl<'a> Finds<'a> {
    /// Adds the rules of what ends behind `reach`.
    pub(crate) const fn new(owners: &'a Owners, reach: usize, to: &'a mut Candidates) -> Self {
        Self { owners, reach, start: 0, to, for_stream: None, any: Cell::new(false) }
    }
}

impl Sink for Finds<'_> {
    fn wants(&self, literal: u32) -> bool {
        let mark = self.to.literal_marks.get(literal as usize);
        let is_new = mark.is_some_and(|mark| *mark != self.to.look);
        // Possibly it stands there once more.
        self.any.set(self.any.get() || !is_new);
        is_new
    }

    fn found(&mut self, literal: u32, at: Range<usize>) {
        self.any.set(true);
        let Self { owners, to, .. } = self;
        let is_for_stream = self.for_stream.is_some() && owners.is_for_streams(literal);
        if at.end <= self.reach || at.start < self.start && !is_for_stream {
            return;
        }
        if let Some(mark) = to.literal_marks.get_mut(literal as usize) {
            *mark = to.look;
        }
        match &mut self.for_stream {
            Some(list) if is_for_stream => list.push(literal),
            _ => to.add_all(owners.of(literal)),
        }
    }
}

/// Candidates of one look, each once.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    pub(crate) rules: Vec<u32>,
    /// The look in which a literal, or a rule, was seen last.
    literal_marks: Vec<u32>,
    rule_marks: Vec<u32>,
    look: u32,
}

impl Candidates {
    pub(crate) fn new(literal_count: usize, rule_count: usize) -> Self {
        Self { rules: Vec::new(), literal_marks: vec![0; literal_count], rule_marks: vec![0; rule_count], look: 0 }
    }

    /// Begins a look.
    pub(crate) fn begin(&mut self) {
        self.rules.clear();
        self.look = self.look.wrapping_add(1);
        if self.look == 0 {
            self.literal_marks.fill(0);
            self.rule_marks.fill(0);
            self.look = 1;
        }
    }

    pub(crate) fn add(&mut self, rule: u32) {
        if let Some(mark) = self.rule_marks.get_mut(rule as usize).filter(|mark| **mark != self.look) {
            *mark = self.look;
            self.rules.push(rule);
        }
    }

    pub(crate) fn add_all(&mut self, rules: &[u32]) {
        rules.iter().for_each(|&rule| self.add(rule));
    }

    /// In order of evaluation.
    pub(crate) fn sort(&mut self) {
        self.rules.sort_unstable();
    }
}

/// What of `hay`, which begins at `base` of its buffer, is within the first `head_len` bytes.
fn head_of(hay: &[u8], base: u64, head_len: u32) -> &[u8] {
    let rest = usize::try_from(u64::from(head_len).saturating_sub(base)).unwrap_or(usize::MAX);
    hay.get(..rest).unwrap_or(hay)
}

impl Group {
    /// Adds the rules of which a literal stands in `hay`, ending behind `reach`. `base`: where `hay` begins in its buffer.
    /// Tells whether literals may stand there.
    pub(crate) fn scan(&self, hay: &[u8], base: u64, reach: usize, owners: &Owners, to: &mut Candidates) -> bool {
        let mut finds = Finds::new(owners, reach, to);
        self.anywhere.scan(hay, &mut finds);
        self.scan_head(hay, base, &mut finds);
        finds.any.get()
    }

    /// Tells of literals that stand in the first bytes of a buffer, in which `hay` begins at `base`.
    pub(super) fn scan_head(&self, hay: &[u8], base: u64, sink: &mut impl Sink) {
        if base == 0 {
            self.starts.scan(hay, sink);
        }
        if !self.head.is_empty() {
            self.head.scan(head_of(hay, base, self.head_len), sink);
        }
    }

    /// As [`Self::scan`] for both of two groups, in one walk: `both` is of them.
    pub(crate) fn scan_both(groups: [&Self; 2], both: &Union, hay: &[u8], base: u64, finds: &mut Finds<'_>) {
        both.scan(&groups.map(|group| &group.anywhere), hay, finds);
        groups.iter().for_each(|group| group.scan_head(hay, base, finds));
    }

    /// What a walk asks for both of two groups.
    pub(super) fn both(groups: [&Self; 2]) -> Union {
        Union::of(&groups.map(|group| &group.anywhere))
    }

    /// Literals, and rules without one.
    pub(crate) const fn counts(&self) -> (usize, usize) {
        (self.anywhere.len() + self.head.len() + self.starts.len(), self.always.len())
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.anywhere.heap_len() + self.head.heap_len() + self.starts.heap_len() + 4 * self.always.capacity()
    }
}
