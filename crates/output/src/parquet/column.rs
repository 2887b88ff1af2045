//! The rows of one column, in the order in which they came.

use super::cell::Cell;
use super::texts::Texts;

/// Truth values, one bit each.
#[derive(Default)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    #[inline]
    pub fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u64::from(bit) << (self.len % 64);
        }
        self.len += 1;
    }

    pub fn get(&self, i: usize) -> bool {
        self.words.get(i / 64).is_some_and(|word| word >> (i % 64) & 1 != 0)
    }

    pub fn len(&self) -> usize {
        self.len
    }

    fn held_len(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

/// What is set, without gaps.
pub enum Values {
    Bits(Bits),
    Numbers(Vec<i64>),
    Texts(Texts),
}

/// Which rows have a value.
pub enum Shape {
    /// Is it set?
    Single(Bits),
    List {
        /// Of each row: 0 if there is no list, else one more than it has items.
        counts: Vec<u32>,
        /// Which items are set.
        items: Bits,
    },
}

pub struct Column {
    pub values: Values,
    pub shape: Shape,
}

impl Column {
    pub fn held_len(&self) -> usize {
        let values = match &self.values {
            Values::Bits(bits) => bits.held_len(),
            Values::Numbers(numbers) => numbers.capacity() * size_of::<i64>(),
            Values::Texts(texts) => texts.held_len(),
        };
        values
            + match &self.shape {
                Shape::Single(set) => set.held_len(),
                Shape::List { counts, items } => counts.capacity() * size_of::<u32>() + items.held_len(),
            }
    }

    /// A row.
    #[inline]
    pub fn push(&mut self, cell: Cell<'_>) {
        match &mut self.shape {
            Shape::Single(set) => set.push(self.values.push(cell)),
            Shape::List { counts, .. } => counts.push(0),
        }
    }

    /// A row with a list of `count` items, which follow.
    pub fn push_list(&mut self, count: usize) {
        match &mut self.shape {
            Shape::Single(set) => set.push(false),
            Shape::List { counts, .. } => counts.push(count as u32 + 1),
        }
    }

    /// An item of the list that was begun last.
    pub fn push_item(&mut self, cell: Cell<'_>) {
        if let Shape::List { items, .. } = &mut self.shape {
            items.push(self.values.push(cell));
        }
    }
}

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Self::Bits(bits) => bits.len(),
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// Adds what is set; tells whether it is.
    #[inline]
    fn push(&mut self, cell: Cell<'_>) -> bool {
        match (self, cell) {
            (Self::Bits(bits), Cell::Number(v)) => bits.push(v != 0),
            (Self::Numbers(numbers), Cell::Number(v)) => numbers.push(v),
            (Self::Texts(texts), Cell::Text(v)) => texts.push(v),
            (Self::Texts(texts), Cell::Addr(v)) => texts.push(&v),
            _ => return false,
        }
        true
    }
}

/// Goes through the rows of a column in some order.
pub struct Walk<'a> {
    shape: &'a Shape,
    /// Are all rows single values that are set, or none?
    uniform: Option<bool>,
    order: Option<&'a [u32]>,
    /// Where the values of each row begin, if the order is not that in which they came.
    places: Vec<Place>,
    /// Where they begin otherwise.
    place: Place,
    next: usize,
    count: usize,
}

#[derive(Clone, Copy, Default)]
struct Place {
    item: u32,
    value: u32,
}

/// How far an entry is there (Parquet's definition levels): of a single value 0 or 1, of lists these.
pub const EMPTY_LIST: u32 = 1;
pub const UNSET_ITEM: u32 = 2;
pub const SET_ITEM: u32 = 3;

/// An entry of a column: a single value, an item of a list, or a list without items.
pub struct Entry {
    /// Does it go on with a list?
    pub repeats: bool,
    /// How far it is there.
    pub level: u32,
    /// The number of its value.
    pub value: Option<usize>,
}

impl<'a> Walk<'a> {
    /// Through `count` rows.
    pub fn new(column: &'a Column, order: Option<&'a [u32]>, count: usize) -> Self {
        let uniform = match (&column.shape, column.values.len()) {
            (Shape::Single(_), 0) => Some(false),
            (Shape::Single(_), len) if len == count => Some(true),
            _ => None,
        };
        let (places, place) = (Vec::new(), Place::default());
        let mut walk = Self { shape: &column.shape, uniform, order: None, places, place, next: 0, count };
        if uniform.is_some() {
            walk.order = order;
        } else if order.is_some() {
            let mut places = Vec::with_capacity(count);
            for row in 0..count {
                places.push(walk.place);
                walk.row(row, &mut |_| {});
            }
            (walk.order, walk.places, walk.place) = (order, places, Place::default());
        }
        walk
    }

    /// If all rows are single values that are set, or none is: which of both, for the next `count` rows at most, and the
    /// numbers of their values are handed to `each` until it returns false.
    pub fn uniform(&mut self, count: usize, mut each: impl FnMut(usize) -> bool) -> Option<(bool, usize)> {
        let set = self.uniform?;
        let start = self.next;
        let end = self.count.min(start.saturating_add(count));
        if !set {
            self.next = end;
        }
        while self.next < end {
            let row = self.next;
            self.next += 1;
            if !each(self.order.and_then(|order| order.get(row)).map_or(row, |&at| at as usize)) {
                break;
            }
        }
        Some((set, self.next - start))
    }

    /// Hands the entries of the next row to `each`; false if there is no row left.
    pub fn step(&mut self, each: &mut impl FnMut(Entry)) -> bool {
        if self.next >= self.count {
            return false;
        }
        let mut row = self.next;
        self.next += 1;
        if let Some(&at) = self.order.and_then(|order| order.get(row)) {
            row = at as usize;
            self.place = self.places.get(row).copied().unwrap_or_default();
        }
        self.row(row, each);
        true
    }

    fn row(&mut self, row: usize, each: &mut impl FnMut(Entry)) {
        match self.shape {
            Shape::Single(set) => {
                let set = set.get(row);
                each(Entry { repeats: false, level: u32::from(set), value: set.then_some(self.place.value as usize) });
                self.place.value += u32::from(set);
            }
            Shape::List { counts, items } => {
                let count = counts.get(row).copied().unwrap_or_default();
                if count < 2 {
                    return each(Entry { repeats: false, level: EMPTY_LIST * count, value: None });
                }
                for i in 0..count - 1 {
                    let set = items.get(self.place.item as usize);
                    let (level, value) =
                        if set { (SET_ITEM, Some(self.place.value as usize)) } else { (UNSET_ITEM, None) };
                    each(Entry { repeats: i > 0, level, value });
                    self.place.item += 1;
                    self.place.value += u32::from(set);
                }
            }
        }
    }
}
