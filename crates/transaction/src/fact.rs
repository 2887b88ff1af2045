//! The schema of what rules may ask a transaction for.

use crate::Fact;
use std::borrow::Cow;

/// Which end's messages have a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Requests: what goes to the server.
    Request,
    /// Responses: what goes to the client.
    Response,
    /// Both; asked for in the direction at hand.
    Both,
}

impl Ends {
    /// Do messages to the server have it?
    pub const fn to_server(self) -> bool {
        matches!(self, Self::Request | Self::Both)
    }

    /// Do messages to the client have it?
    pub const fn to_client(self) -> bool {
        matches!(self, Self::Response | Self::Both)
    }
}

/// What a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One string of bytes.
    Bytes,
    /// Several strings, each matched by itself.
    List,
    /// Content that grows while it passes; the engine keeps it.
    Stream,
    /// One number.
    Number,
    /// Several numbers, of which one has to match.
    Numbers,
}

impl Kind {
    /// Is it bytes, in which content is looked for?
    pub const fn is_bytes(self) -> bool {
        matches!(self, Self::Bytes | Self::List | Self::Stream)
    }
}

/// One row of the schema.
#[derive(Clone, Copy, Debug)]
pub struct FactInfo {
    /// The rule keyword that asks for it, e.g. `http.uri`; several facts may share one (of several protocols).
    pub keyword: &'static str,
    /// The protocol by the name that rules use, e.g. `http`; `""`: of several.
    pub app: &'static str,
    /// Which messages have it.
    pub ends: Ends,
    /// From which stage of the exchange on it is final, in that direction: see [`crate::Mark`].
    pub stage: u8,
    /// What it is.
    pub kind: Kind,
}

/// A fact's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Bytes, borrowed where they are at hand.
    Bytes(Cow<'a, [u8]>),
    /// A number.
    Number(u64),
}

impl<'a> Value<'a> {
    /// Bytes that were made for the question.
    pub const fn owned(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }

    /// The bytes, if it is bytes.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Number(_) => None,
        }
    }

    /// The number, if it is one.
    pub const fn number(&self) -> Option<u64> {
        match self {
            Self::Number(n) => Some(*n),
            Self::Bytes(_) => None,
        }
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<u64> for Value<'_> {
    fn from(n: u64) -> Self {
        Self::Number(n)
    }
}

/// Which facts somebody wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactSet {
    bits: [u64; SET_LEN],
}

const SET_LEN: usize = Fact::COUNT.div_ceil(64);

impl FactSet {
    /// Adds one.
    pub fn add(&mut self, fact: Fact) {
        let n = fact as usize;
        if let Some(word) = self.bits.get_mut(n / 64) {
            *word |= 1 << (n % 64);
        }
    }

    /// Is it wanted?
    pub fn has(&self, fact: Fact) -> bool {
        let n = fact as usize;
        self.bits.get(n / 64).is_some_and(|word| word >> (n % 64) & 1 == 1)
    }

    /// Is nothing wanted?
    pub fn is_empty(&self) -> bool {
        self.bits.iter().all(|&word| word == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_what_was_added() {
        let mut set = FactSet::default();
        assert!(set.is_empty());
        for &fact in Fact::ALL {
            assert!(!set.has(fact));
            set.add(fact);
            assert!(set.has(fact) && !set.is_empty());
        }
    }

    #[test]
    fn keywords_find_their_facts() {
        assert_eq!(Fact::by_keyword("http.uri").collect::<Vec<_>>(), [Fact::HttpUri]);
        assert_eq!(Fact::by_keyword("nothing").count(), 0);
        for &fact in Fact::ALL {
            assert!(Fact::by_keyword(fact.info().keyword).any(|f| f == fact));
        }
    }
}
