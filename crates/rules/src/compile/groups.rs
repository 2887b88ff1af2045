//! A group of rules with what finds candidates among them.

use super::Map;
use sekisho_scan::{Literal, Scanner};

/// Rules that are looked at together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    scanner: Scanner,
    /// Number of the scanner's first literal among all of the program: literals are marked by it.
    first: u32,
    /// Where the rules of each literal begin in `owners`; one more at the end.
    starts: Vec<u32>,
    owners: Vec<u32>,
    /// Rules without a literal: always candidates.
    pub(crate) always: Vec<u32>,
}

/// Literals and rules while a group is put together.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    literals: Vec<(Vec<u8>, bool, u32)>,
    always: Vec<u32>,
}

impl Draft {
    pub(crate) fn add(&mut self, rule: u32, literal: Option<(&[u8], bool)>) {
        match literal {
            Some((bytes, nocase)) => {
                let bytes = if nocase { bytes.to_ascii_lowercase() } else { bytes.to_vec() };
                self.literals.push((bytes, nocase, rule));
            }
            None => self.always.push(rule),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.literals.is_empty() && self.always.is_empty()
    }

    /// Makes the group; `next` counts literals.
    pub(crate) fn finish(mut self, next: &mut u32) -> Group {
        let mut numbers: Map<(&[u8], bool), usize> = Map::default();
        let mut distinct: Vec<Literal<'_>> = Vec::new();
        let mut rules: Vec<Vec<u32>> = Vec::new();
        for (bytes, nocase, rule) in &self.literals {
            let number = *numbers.entry((bytes, *nocase)).or_insert_with(|| {
                distinct.push(Literal { bytes, nocase: *nocase });
                rules.push(Vec::new());
                distinct.len() - 1
            });
            if let Some(list) = rules.get_mut(number) {
                list.push(*rule);
            }
        }
        let mut group = Group { scanner: Scanner::new(&distinct), first: *next, ..Group::default() };
        *next = next.saturating_add(u32::try_from(distinct.len()).unwrap_or(u32::MAX));
        for list in rules {
            group.starts.push(u32::try_from(group.owners.len()).unwrap_or(u32::MAX));
            group.owners.extend(list);
        }
        group.starts.push(u32::try_from(group.owners.len()).unwrap_or(u32::MAX));
        self.always.sort_unstable();
        self.always.dedup();
        group.always = self.always;
        group
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
    /// Adds the rules of which a literal stands in `hay`, ending behind `reach`.
    pub(crate) fn scan(&self, hay: &[u8], reach: usize, to: &mut Candidates) {
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

    /// Literals, and rules without one.
    pub(crate) const fn counts(&self) -> (usize, usize) {
        (self.scanner.len(), self.always.len())
    }

    pub(crate) fn heap_len(&self) -> usize {
        self.scanner.heap_len() + 4 * (self.starts.capacity() + self.owners.capacity() + self.always.capacity())
    }
}
