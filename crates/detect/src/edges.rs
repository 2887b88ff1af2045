//! Who got hold of whom: steps from machine to machine that several judgements see, kept for those about paths.

use crate::detection::Scope;
use crate::history::{Carrier, Seen};
use crate::table::Recent;
use sekisho_types::{Addr, Interval, Timestamp, Uid};

/// Most steps kept; further ones are counted.
const MAX_EDGES: usize = 50_000;

/// Hosts of which it is known from run to run when they took steps.
const MAX_HOSTS: usize = 16_384;

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
pub(crate) struct Edges {
    all: Vec<Edge>,
    most: usize,
    refused: u64,
    /// When hosts took steps in earlier runs, and once it is carried on in this one.
    hosts: Recent<Addr, Seen>,
}

impl Edges {
    pub fn new(scope: &Scope) -> Self {
        let hosts = Recent::of(scope, MAX_HOSTS);
        Self { all: Vec::new(), most: scope.entries(MAX_EDGES), refused: 0, hosts }
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

    /// Did the host take a step in an earlier run, before `ts` by no more than `within`?
    pub fn took_earlier(&self, host: Addr, ts: Timestamp, within: Interval) -> bool {
        self.hosts.peek(&host).is_some_and(|seen| seen.was_known(ts, within))
    }

    /// See [`Detector::carry`](crate::Detector::carry).
    pub fn carry(&mut self, carrier: &mut Carrier<'_>) {
        for step in &self.all {
            self.hosts.at(step.from, Seen::default).again(step.ts, Interval(0));
        }
        let row = |host: &Addr, seen: &Seen| {
            let (first, last) = seen.span();
            Some((last, (host.to_string(), first.0, last.0)))
        };
        let entry = |(host, first, last): (String, i64, i64)| Some((host.parse().ok()?, Seen::carried(first, last)));
        carrier.table(("steps", 1), &mut self.hosts, row, entry);
    }

    /// Steps that found no room, and hosts forgotten.
    pub fn refused(&self) -> u64 {
        self.refused + self.hosts.forgotten()
    }
}
