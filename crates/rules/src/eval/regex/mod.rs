//! `pcre`: Perl's expressions over bytes.
//!
//! An expression is parsed into a tree ([`ast`]) with its flags resolved. Where the tree has only what is regular it is given
//! to a linear-time engine; look-around, references back and atomic groups go to a backtracking machine that gives up after
//! [`backtrack::STEP_COUNT_MAX`] steps.

mod ast;
mod backtrack;
mod linear;
mod parse;
#[cfg(test)]
mod tests;

use crate::ir::Pcre;
use std::sync::OnceLock;

pub use ast::Unsupported;

/// An expression, made ready when it is first needed.
#[derive(Debug)]
pub(crate) struct Regex {
    source: Pcre,
    engine: OnceLock<Engine>,
}

#[derive(Debug)]
enum Engine {
    Linear(Box<regex_automata::meta::Regex>),
    Backtrack(Box<backtrack::Program>),
    /// It could not be compiled within the limits; never matches.
    Broken,
}

/// Where an expression matched: the whole and its groups, as offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) groups: Vec<Option<(usize, usize)>>,
}

/// The engine gave up: a limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GaveUp;

/// Can the expression be matched? Says why not, and where in the pattern.
pub fn check(pcre: &Pcre) -> Result<(), Unsupported> {
    parse::parse(pcre).map(drop)
}

impl Regex {
    pub(crate) const fn new(source: Pcre) -> Self {
        Self { source, engine: OnceLock::new() }
    }

    pub(crate) const fn source(&self) -> &Pcre {
        &self.source
    }

    /// Steps that a search in so many bytes counts as.
    pub(crate) fn step_count(&self, len: usize) -> u64 {
        let at_start = match self.engine.get() {
            Some(Engine::Backtrack(program)) => program.at_start(),
            _ => false,
        };
        if at_start { 1 } else { 1 + (len / 64) as u64 }
    }

    /// The first match in `hay` that begins at `from` or later; what precedes `from` can be looked behind at.
    pub(crate) fn find(&self, hay: &[u8], from: usize) -> Result<Option<Match>, GaveUp> {
        let anchored = self.source.anchored;
        match self.engine.get_or_init(|| Engine::new(&self.source)) {
            Engine::Linear(regex) => Ok(linear::find(regex, hay, from, anchored, !self.source.captures.is_empty())),
            Engine::Backtrack(program) => program.find(hay, from, anchored),
            Engine::Broken => Err(GaveUp),
        }
    }
}

impl Engine {
    fn new(source: &Pcre) -> Self {
        let Ok(tree) = parse::parse(source) else { return Self::Broken };
        if let Some(regex) = linear::compile(&tree, !source.captures.is_empty()) {
            return Self::Linear(Box::new(regex));
        }
        backtrack::Program::new(&tree).map_or(Self::Broken, |program| Self::Backtrack(Box::new(program)))
    }
}
