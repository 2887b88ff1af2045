//! What a format works with while it lists the members of a content.

use crate::budget::{Budget, Cut};
use crate::content::{Content, NoSpool, Tally};
use crate::filter::Stage;
use crate::keyring::Keyring;
use crate::kind::Kind;
use crate::member::{Anomaly, Completeness, Form};
use crate::recipe::{self, Means, Pieces, Recipe};
use std::borrow::Cow;
use std::rc::Rc;

/// Anomalies told of one container.
const ANOMALY_COUNT_MAX: usize = 16;
/// Bytes of a content that formats without an index (text, PDF, mails) look through.
pub(crate) const SCAN_LEN_MAX: usize = 32 << 20;

/// When an entry counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum When {
    /// The format says that it is there.
    #[default]
    Always,
    /// It is a guess: only if its content is recognised, or text that is longer than chance makes.
    Recognised,
    /// A guess that needs more: only if it is of a known type or has a flag in it.
    Convincing,
}

/// A member to be.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) how: &'static str,
    pub(crate) name: Rc<[u8]>,
    pub(crate) recipe: Recipe,
    pub(crate) form: Form,
    pub(crate) declared_len: Option<u64>,
    /// Known to be incomplete: there is nothing to be made, or what is made isn't all.
    pub(crate) flaw: Option<Completeness>,
    pub(crate) when: When,
    /// What follows the end of its stream is a member as well.
    pub(crate) trailer: bool,
    /// Number of the password that opened it.
    pub(crate) password: Option<usize>,
}

impl Entry {
    pub(crate) fn new(how: &'static str, name: &[u8], recipe: Recipe) -> Self {
        Self {
            how,
            name: recipe::name(name),
            recipe,
            form: Form::File,
            declared_len: None,
            flaw: None,
            when: When::Always,
            trailer: false,
            password: None,
        }
    }

    /// Bytes that it takes in memory.
    fn heap_len(&self) -> u64 {
        let pieces = match &self.recipe.pieces {
            Pieces::Inline(bytes) => bytes.capacity(),
            Pieces::One { .. } => 0,
            Pieces::Many(runs) => runs.capacity().saturating_mul(size_of::<(Option<u64>, u64)>()),
        };
        let stages = self.recipe.stages.capacity().saturating_mul(size_of::<Stage>());
        (size_of::<Self>() + self.name.len()).saturating_add(pieces).saturating_add(stages) as u64
    }

    /// Only if [`When`] holds.
    pub(crate) fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    pub(crate) fn declared(mut self, len: u64) -> Self {
        self.declared_len = Some(len);
        self
    }

    pub(crate) fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    pub(crate) fn opened_by(mut self, password: Option<usize>) -> Self {
        self.password = password;
        self
    }

    pub(crate) fn flaw(mut self, flaw: Completeness) -> Self {
        self.flaw = Some(flaw);
        self
    }

    /// What follows its stream is to be told.
    pub(crate) fn with_trailer(mut self) -> Self {
        self.trailer = true;
        self
    }
}

/// What came of listing.
#[derive(Default)]
pub(crate) struct Listing {
    pub(crate) entries: Vec<Entry>,
    /// Solid blocks that entries refer to by number.
    pub(crate) blocks: Vec<Recipe>,
    pub(crate) anomalies: Vec<Anomaly>,
    /// Bytes that it takes in memory.
    pub(crate) heap_len: u64,
}

/// A content being listed.
pub(crate) struct Lister<'l, 'a> {
    pub(crate) content: &'l Content<'a>,
    pub(crate) kind: Kind,
    keyring: &'l Keyring<'l>,
    budget: &'l mut Budget,
    tally: &'l Tally,
    pub(crate) listing: Listing,
    full: bool,
}

impl<'l, 'a> Lister<'l, 'a> {
    pub(crate) fn new(
        content: &'l Content<'a>,
        kind: Kind,
        keyring: &'l Keyring<'l>,
        budget: &'l mut Budget,
        tally: &'l Tally,
    ) -> Self {
        Self { content, kind, keyring, budget, tally, listing: Listing::default(), full: false }
    }

    /// Length of the content.
    pub(crate) fn len(&self) -> u64 {
        self.content.len()
    }

    /// Up to `len` bytes at `at`.
    pub(crate) fn read(&self, at: u64, len: usize) -> Cow<'l, [u8]> {
        self.content.read(at, len)
    }

    /// All of the content, as far as it may be looked through at once; costs as much work.
    pub(crate) fn scan(&mut self) -> Cow<'l, [u8]> {
        let bytes = self.content.read(0, SCAN_LEN_MAX);
        self.work(bytes.len() as u64);
        if self.content.len() > bytes.len() as u64 {
            self.odd("too long to be looked through to the end");
        }
        bytes
    }

    /// One more member; false if no more are wanted.
    pub(crate) fn add(&mut self, entry: Entry) -> bool {
        if self.full {
            return false;
        }
        // Guesses that fail are members of nobody; they only cost work.
        let allowed = if entry.when == When::Always {
            self.budget.member()
        } else {
            self.budget.work(crate::budget::MEMBER_WORK)
        };
        // Names, runs and inline bytes are the container's to choose; together with contents they stay within what may be held.
        let heap_len = self.listing.heap_len.saturating_add(entry.heap_len());
        let room = self.budget.limits().held_len.saturating_sub(self.tally.held_len());
        match allowed {
            Ok(()) if heap_len > room => self.cut(Cut::Memory),
            Ok(()) => {
                self.listing.heap_len = heap_len;
                self.listing.entries.push(entry);
            }
            Err(cut) => self.cut(cut),
        }
        !self.full
    }

    /// A solid block for entries to refer to.
    pub(crate) fn block(&mut self, recipe: Recipe) -> usize {
        self.listing.blocks.push(recipe);
        self.listing.blocks.len() - 1
    }

    /// Something odd about the content.
    pub(crate) fn odd(&mut self, what: &'static str) {
        self.anomaly(Anomaly::Odd(what));
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        let seen = &mut self.listing.anomalies;
        if seen.len() < ANOMALY_COUNT_MAX && !seen.contains(&anomaly) {
            seen.push(anomaly);
        }
    }

    /// A limit ends the listing.
    pub(crate) fn cut(&mut self, cut: Cut) {
        if !self.full {
            self.budget.count(cut);
            self.anomaly(Anomaly::Cut(cut));
        }
        self.full = true;
    }

    /// Counts work; false if there is none left to be spent.
    pub(crate) fn work(&mut self, units: u64) -> bool {
        match self.budget.work(units) {
            Ok(()) => !self.full,
            Err(cut) => {
                self.cut(cut);
                false
            }
        }
    }

    /// Is the list at its end because of a limit?
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Passwords to try.
    pub(crate) fn keyring(&self) -> &'l Keyring<'l> {
        self.keyring
    }

    /// A password is about to be tried; false if enough was.
    pub(crate) fn trial(&mut self, units: u64) -> bool {
        if !self.keyring.spend(units) {
            self.odd("not all passwords were tried: too much work");
            return false;
        }
        self.work(units)
    }

    /// Follows `recipe` at once: for headers that are themselves packed. Up to `len_max` bytes, `None` if there are more.
    pub(crate) fn make(&mut self, recipe: Recipe, len_max: u64) -> Option<Vec<u8>> {
        let recipe = recipe.through(Stage::Take(len_max.saturating_add(1)));
        let mut means = Means { budget: self.budget, spool: &mut NoSpool, tally: self.tally };
        let made = recipe::make(&recipe, self.content, &mut means);
        (made.content.len() <= len_max).then(|| made.content.as_slice().map(<[u8]>::to_vec)).flatten()
    }
}
