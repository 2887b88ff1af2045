//! The tree of an expression.

/// Why an expression cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Offset in the pattern.
    pub at: usize,
    /// What is wrong.
    pub why: &'static str,
}

/// A set of byte values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ByteSet([u64; 4]);

/// The bits from `first` to `last` that are in the word of the values from `base` on.
const fn bits(base: u32, first: u8, last: u8) -> u64 {
    let (first, last) = (first as u32, last as u32);
    let low = if first > base { first } else { base };
    let high = if last < base + 63 { last } else { base + 63 };
    if low > high { 0 } else { u64::MAX >> (63 - (high - low)) << (low - base) }
}

impl ByteSet {
    /// From `first` to `last`.
    pub(crate) const fn range(first: u8, last: u8) -> Self {
        Self([bits(0, first, last), bits(64, first, last), bits(128, first, last), bits(192, first, last)])
    }

    /// With what is in `other`.
    pub(crate) const fn with(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a | e, b | f, c | g, d | h])
    }

    pub(crate) fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    pub(crate) fn add_range(&mut self, first: u8, last: u8) {
        *self = self.with(Self::range(first, last));
    }

    pub(crate) fn add_set(&mut self, other: &Self) {
        *self = self.with(*other);
    }

    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }

    pub(crate) const fn negated(&self) -> Self {
        let [a, b, c, d] = self.0;
        Self([!a, !b, !c, !d])
    }

    /// With both cases of each letter in it.
    pub(crate) const fn folded(&self) -> Self {
        const UPPER: u32 = b'A' as u32 - 64;
        const LOWER: u32 = b'a' as u32 - 64;
        let [a, letters, c, d] = self.0;
        let either = (letters >> UPPER | letters >> LOWER) & ((1 << 26) - 1);
        Self([a, letters | either << UPPER | either << LOWER, c, d])
    }

    pub(crate) fn of(test: impl Fn(u8) -> bool) -> Self {
        let mut out = Self::default();
        (0..=255).filter(|&b| test(b)).for_each(|b| out.add(b));
        out
    }
}

/// What holds between two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assert {
    /// `\A`, `^`.
    Start,
    /// `^` of `m`.
    LineStart,
    /// `\z`, `$` of `E`.
    End,
    /// `\Z`, `$`: the end, or before a newline at the end.
    EndOrNewline,
    /// `$` of `m`.
    LineEnd,
    /// `\b`.
    Word,
    /// `\B`.
    NotWord,
}

/// How a repetition takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Greed {
    Greedy,
    Lazy,
    Possessive,
}

/// A piece of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Empty,
    Set(ByteSet),
    Concat(Vec<Self>),
    Alternation(Vec<Self>),
    Repeat {
        node: Box<Self>,
        min: u32,
        max: Option<u32>,
        greed: Greed,
    },
    Group(u32, Box<Self>),
    Look {
        ahead: bool,
        negated: bool,
        node: Box<Self>,
    },
    Atomic(Box<Self>),
    BackReference {
        group: u32,
        nocase: bool,
    },
    Assert(Assert),
    /// `(?(1)yes|no)`: was the group set?
    IfGroup {
        group: u32,
        yes: Box<Self>,
        no: Box<Self>,
    },
    /// `\K`: the match begins here.
    Keep,
}

/// A whole expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) node: Node,
    /// Groups that take what they match, without the whole.
    pub(crate) group_count: u32,
}
