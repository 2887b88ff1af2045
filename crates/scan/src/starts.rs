//! Literals that may stand only where a slice begins.

use crate::table::{Entry, Table, fold};
use crate::{Literal, SHORT, Scanner, Sink};

/// A set of literals that a slice may begin with: found by its first bytes, without a walk.
#[derive(Clone, Debug, Default)]
pub struct Starts(Scanner);

impl Starts {
    /// Makes a set. A literal's number is `first` and its place in the list.
    pub fn numbered(literals: &[Literal<'_>], first: u32) -> Self {
        let mut set = Scanner::of_texts(literals, first);
        let mut lists = SHORT.map(|_| Vec::new());
        for (literal, &place) in (0u32..).zip(&set.places) {
            let bytes = set.text_of(place);
            let classes = SHORT.iter().zip(&mut lists);
            if let Some((class, list)) = classes.into_iter().find(|(class, _)| class.width <= bytes.len()) {
                list.push(Entry::new(class, literal, bytes, 0));
            }
        }
        for ((class, list), table) in SHORT.into_iter().zip(lists).zip(&mut set.short) {
            *table = (!list.is_empty()).then(|| Table::new(class, list));
        }
        Self(set)
    }

    /// How many literals there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there none?
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells of each literal that `hay` begins with, once.
    #[inline]
    pub fn scan(&self, hay: &[u8], sink: &mut impl Sink) {
        if self.is_empty() {
            return;
        }
        let folded = fold(hay);
        for table in self.0.short().filter(|table| table.filter.may_have(folded)) {
            self.0.look(table, hay, 0, folded, sink);
        }
    }

    /// Bytes of memory that it takes.
    pub fn heap_len(&self) -> usize {
        self.0.heap_len()
    }
}
