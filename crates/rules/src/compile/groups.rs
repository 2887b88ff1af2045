//! A group of rules with what finds candidates among them.

use super::Map;
use super::fast::Wanted;
use sekisho_scan::{Literal, Scanner};

/// A literal that has to end within so many bytes is looked for only there.
const HEAD_LEN_MAX: u32 = 64;

/// Literals that are looked for together, and their rules.
#[derive(Debug, Default)]
struct Part {
    scanner: Scanner,
    /// Number of the scanner's first literal among all of the program: literals are marked by it.
    first: u32,
    /// Where the rules of each literal begin in `owners`; one more at the end.
    starts: Vec<u32>,
    owners: Vec<u32>,
}

/// Rules that are looked at together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Literals that may stand anywhere.
    anywhere: Part,
    /// Literals that end within the first bytes, and within how many.
    head: Part,
    head_len: u32,
    /// Rules without a literal: always candidates.
    pub(crate) always: Vec<u32>,
}

/// Literals and rules while a group is put together.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    anywhere: Vec<(Vec<u8>, bool, u32)>,
    head: Vec<(Vec<u8>, bool, u32)>,
    head_len: u32,
    always: Vec<u32>,
}

impl Draft {
    pub(crate) fn add(&mut self, rule: u32, literal: Option<Wanted<'_>>) {
        let Some(Wanted { bytes, nocase, limit }) = literal else { return self.always.push(rule) };
        let bytes = if nocase { bytes.to_ascii_lowercase() } else { bytes.to_vec() };
        match limit.filter(|limit| *limit <= HEAD_LEN_MAX) {
            Some(limit) => {
                self.head_len = self.head_len.max(limit);
                self.head.push((bytes, nocase, rule));
            }
            None => self.anywhere.push((bytes, nocase, rule)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.anywhere.is_empty() && self.head.is_empty() && self.always.is_empty()
    }

    /// Makes the group; `next` counts literals.
    pub(crate) fn finish(mut self, next: &mut u32) -> Group {
        self.always.sort_unstable();
        self.always.dedup();
        Group {
            anywhere: Part::new(&self.anywhere, next),
            head: Part::new(&self.head, next),
            head_len: self.head_len,
            always: self.always,
        }
    }
}

impl Part {
    fn new(literals: &[(Vec<u8>, bool, u32)], next: &mut u32) -> Self {
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
        let mut part = Self { scanner: Scanner::new(&distinct), first: *next, ..Self::default() };
        *next = next.saturating_add(u32::try_from(distinct.len()).unwrap_or(u32::MAX));
        for list in rules {
            part.starts.push(u32::try_from(part.owners.len()).unwrap_or(u32::MAX));
            part.owners.extend(list);
        }
        part.starts.push(u32::try_from(part.owners.len()).unwrap_or(u32::MAX));
        part
    }

    /// Adds the rules of which a literal stands in `hay`, ending behind `reach`.
    fn scan(&self, hay: &[u8], reach: usize, to: &mut Candidates) {
        if self.scanner.is_empty() {
            return;
        }
        self.scanner.scan(hay, |literal, end| {
            if end <= reach {
                return;
            }
            let seen = to.literal_marks.get_mut((self.first + literal) as usize);
            let Some(mark) = seen.filter(|mark| **mark != to.look) else { return };
            *mark = to.look;
            let at = literal as usize;
            if let (Some(&start), Some(&end)) = (self.starts.get(at), self.starts.get(at + 1)) {
                to.add_all(self.owners.get(start as usize..end as usize).unwrap_or_default());
            }
        });
    }

    fn heap_len(&self) -> usize {
        self.scanner.heap_len() + 4 * (self.starts.capacity() + self.owners.capacity())
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

impl Group {
    /// Adds the rules of which a literal stands in `hay`, ending behind `reach`. `base`: where `hay` begins in its buffer.
    pub(crate) fn scan(&self, hay: &[u8], base: u64, reach: usize, to: &mut Candidates) {
        self.anywhere.scan(hay, reach, to);
        if let Some(rest) = u64::from(self.head_len).checked_sub(base).filter(|rest| *rest > 0) {
            let rest = usize::try_from(rest).unwrap_or(usize::MAX);
            self.head.scan(hay.get(..rest).unwrap_or(hay), reach, to);
        }
    }

    /// Literals, and rules without one.
    pub(crate) const fn counts(&self) -> (usize, usize) {
        (self.anywhere.scanner.len() + self.head.scanner.len(), self.always.len())
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.anywhere.heap_len() + self.head.heap_len() + 4 * self.always.capacity()
    }
}
