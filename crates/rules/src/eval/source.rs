//! Where the bytes of buffers come from.

use super::chain::Hay;
use super::transform;
use crate::compile::Sets;
use crate::view::{Content, FileView};
use sekisho_transaction::{Fact, FrameKind, Kind, Transaction, Value};
use sekisho_types::Dir;

/// Strings of one list that are looked at.
pub(crate) const LIST_COUNT_MAX: usize = 4096;
/// Values remembered for one look at an exchange.
const CACHE_COUNT_MAX: usize = 64;

/// An exchange, with the values that were asked for.
pub(crate) struct Exchange<'a> {
    pub(crate) tx: &'a dyn Transaction,
    pub(crate) content: &'a dyn Content,
    /// Whose messages have come further.
    pub(crate) dir: Dir,
    /// One past the stages reached, of both ends; `u8::MAX`: it is over.
    pub(crate) past: [u8; 2],
    /// Of the rule at hand, one about both sides: what the other side has to say has matched.
    pub(crate) other_matched: bool,
    /// Anomalies that rules have not looked at.
    pub(crate) events: Vec<&'static str>,
    values: Vec<((Fact, usize), Option<Value<'a>>)>,
    transformed: Vec<((Fact, usize, u16), Vec<u8>)>,
}

/// What a rule looks at.
pub(crate) enum Source<'s, 'a> {
    /// A packet.
    Packet,
    /// A stream.
    Stream(Hay<'s>),
    /// A frame.
    Frame(FrameKind, Hay<'s>),
    /// An exchange; with the end of the stream at hand.
    Exchange(&'s mut Exchange<'a>, &'s [u8]),
}

impl<'a> Exchange<'a> {
    pub(crate) const fn new(tx: &'a dyn Transaction, content: &'a dyn Content, dir: Dir, past: [u8; 2]) -> Self {
        Self {
            tx,
            content,
            dir,
            past,
            other_matched: false,
            events: Vec::new(),
            values: Vec::new(),
            transformed: Vec::new(),
        }
    }

    /// In whose messages the fact is looked for; `request` names it.
    pub(crate) fn dir_of(&self, fact: Fact, request: Option<bool>) -> Dir {
        let ends = fact.info().ends;
        match (request, ends.to_server(), ends.to_client()) {
            (Some(true), ..) | (None, true, false) => Dir::Orig,
            (Some(false), ..) | (None, false, true) => Dir::Resp,
            _ => self.dir,
        }
    }

    /// Is the exchange so far that the fact is final?
    pub(crate) fn has_reached(&self, fact: Fact, request: Option<bool>) -> bool {
        *self.dir_of(fact, request).of(&self.past) > fact.info().stage
    }

    fn file(&self, fact: Fact, nth: usize) -> Option<FileView<'a>> {
        let dir = self.dir_of(fact, None);
        match fact {
            Fact::HttpRequestBody | Fact::HttpResponseBody if nth > 0 => None,
            _ => self.content.file(dir, nth),
        }
    }

    /// Bytes of a growing content, not transformed, that were shown before.
    pub(crate) fn seen(&self, fact: Fact, nth: usize) -> usize {
        self.file(fact, nth).map_or(0, |file| file.seen)
    }

    /// A number of a fact.
    pub(crate) fn number(&mut self, fact: Fact, nth: usize) -> Option<u64> {
        self.value(fact, nth)?.number()
    }

    fn value(&mut self, fact: Fact, nth: usize) -> Option<&Value<'a>> {
        let key = (fact, nth);
        let at = match self.values.iter().position(|(k, _)| *k == key) {
            Some(at) => at,
            None => {
                let value = self.tx.fact(fact, nth);
                if self.values.len() >= CACHE_COUNT_MAX {
                    self.values.clear();
                }
                self.values.push((key, value));
                self.values.len() - 1
            }
        };
        self.values.get(at).and_then(|(_, value)| value.as_ref())
    }

    /// Shows the bytes of a fact; `None`: there are none.
    pub(crate) fn with_bytes<R>(
        &mut self,
        sets: &Sets,
        fact: Fact,
        transforms: u16,
        nth: usize,
        look: impl FnOnce(Hay<'_>) -> R,
    ) -> Option<R> {
        if transforms == 0 {
            return self.with_plain(fact, nth, look);
        }
        self.with_transformed(sets, fact, transforms, nth, look)
    }

    fn with_plain<R>(&mut self, fact: Fact, nth: usize, look: impl FnOnce(Hay<'_>) -> R) -> Option<R> {
        if fact.info().kind == Kind::Stream {
            let file = self.file(fact, nth)?;
            return Some(look(Hay { base: file.base, ..Hay::whole(file.data) }));
        }
        if fact == Fact::FileName && self.content.file(self.dir, nth).is_some() {
            let name = self.content.file(self.dir, nth)?.name?;
            return Some(look(Hay::whole(name)));
        }
        let value = self.value(fact, nth)?;
        Some(look(Hay::whole(value.bytes()?)))
    }

    fn with_transformed<R>(
        &mut self,
        sets: &Sets,
        fact: Fact,
        transforms: u16,
        nth: usize,
        look: impl FnOnce(Hay<'_>) -> R,
    ) -> Option<R> {
        let key = (fact, nth, transforms);
        if !self.transformed.iter().any(|(k, _)| *k == key) {
            let chain = sets.transforms.get(usize::from(transforms)).map(|c| &c[..]).unwrap_or_default();
            let made = self.with_plain(fact, nth, |hay| transform::apply(chain, hay.bytes))?;
            if self.transformed.len() >= CACHE_COUNT_MAX {
                self.transformed.clear();
            }
            self.transformed.push((key, made));
        }
        let (_, bytes) = self.transformed.iter().find(|(k, _)| *k == key)?;
        Some(look(Hay::whole(bytes)))
    }
}
