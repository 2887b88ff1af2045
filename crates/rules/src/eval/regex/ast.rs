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

impl ByteSet {
    pub(crate) fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    pub(crate) fn add_range(&mut self, first: u8, last: u8) {
        (first..=last).for_each(|b| self.add(b));
    }

    pub(crate) fn add_set(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }

    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }

    pub(crate) fn negated(&self) -> Self {
        Self(self.0.map(|word| !word))
    }

    /// With both cases of each letter in it.
    pub(crate) fn folded(&self) -> Self {
        let mut out = *self;
        for letter in b'a'..=b'z' {
            if self.has(letter) || self.has(letter.to_ascii_uppercase()) {
                out.add(letter);
                out.add(letter.to_ascii_uppercase());
            }
        }
        out
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
