//! Who got hold of whom: steps from machine to machine that several judgements see, kept for those about paths.

use crate::detection::Scope;
use sekisho_types::{Addr, Timestamp, Uid};

/// Most steps kept; further ones are counted.
const MAX_EDGES: usize = 50_000;

/// What kind of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A session on a way that administrators use.
    Admin,
    /// Something was run there, or a program put there.
    Exec,
    /// A log-in that guessing found.
    Guessed,
}

/// A step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub ts: Timestamp,
    pub from: Addr,
    pub to: Addr,
    pub class: Class,
    /// In what way, a word: `ssh`, `service`.
    pub what: &'static str,
    pub uid: Uid,
    pub packet: u64,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Edges {
    all: Vec<Edge>,
    most: usize,
    refused: u64,
}

impl Edges {
    pub fn new(scope: &Scope) -> Self {
        Self { all: Vec::new(), most: scope.entries(MAX_EDGES), refused: 0 }
    }

    /// Notes a step; a repeat of the last one of the two hosts in the same way within a minute is none.
    pub fn add(&mut self, edge: Edge) {
        let again = |e: &Edge| {
            (e.from, e.to, e.class, e.what) == (edge.from, edge.to, edge.class, edge.what)
                && (edge.ts - e.ts).whole_secs().abs() < 60
        };
        if edge.from == edge.to || self.all.iter().rev().take(16).any(again) {
            return;
        }
        if self.all.len() >= self.most {
            self.refused += 1;
            return;
        }
        self.all.push(edge);
    }

    /// All of them, in the order found.
    pub fn all(&self) -> &[Edge] {
        &self.all
    }

    /// Steps that found no room.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}
