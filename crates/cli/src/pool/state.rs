//! What is to be done, and what is under way.

use super::{Collector, PileOf, Sheaf, Source, lock};
use crate::gather::Gather;
use sekisho_engine::{Balance, Dealing, Found, KeyedRows, Part, Slice};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Slices whose rows wait to be written; at this many, writing comes before work.
const MAX_WAITING: usize = 4;

/// Flows that began within so many packets end together at the end of the run: a packet begins few flows, so that
/// bounds the rows that wait.
const END_LEN: u64 = 16_384;

/// Work on all shards that can be done side by side.
#[derive(Clone)]
pub enum Job {
    /// Carriers of a slice that were dealt.
    Carriers(Arc<Slice>),
    /// Carriers found in those of the stage before.
    Found(Arc<Slice>, usize),
    /// The rest of a slice.
    Leaves(Arc<Slice>),
    /// The end of an epoch: what has to be given up.
    Relief(Arc<Slice>),
    /// The run is over.
    Close(sekisho_types::Timestamp),
    /// Flows that began before that packet end.
    End(u64),
}

impl Job {
    /// One shard's part of it.
    pub fn run(&self, part: &mut Part, these: Vec<Found>, rows: &mut dyn KeyedRows, found: &mut Vec<Found>) {
        match self {
            Self::Carriers(slice) => part.carriers(slice, rows, found),
            Self::Found(slice, stage) => part.found(slice, *stage, these, rows, found),
            Self::Leaves(slice) => part.leaves(slice, these, rows),
            Self::Relief(slice) => part.obey(slice, rows),
            Self::Close(now) => _ = part.close(*now, rows),
            Self::End(before) => part.end_flows(*before, rows),
        }
    }
}

/// What a thread may take; it gives everything back.
pub enum Task<'g, G: Gather> {
    /// Read and deal a slice.
    Read(Box<Source>, Slice),
    /// Put rows in order.
    Put(Box<Collector<'g, G>>, Vec<Sheaf<PileOf<G>>>),
    /// One shard's part of a job.
    Shard(Job, usize, Vec<Found>, Sheaf<PileOf<G>>),
}

/// See the module.
pub struct State<'g, G: Gather> {
    pub balance: Balance,
    source: Option<Box<Source>>,
    collector: Option<Box<Collector<'g, G>>>,
    /// Dealt, not begun.
    ready: Option<Slice>,
    job: Option<Job>,
    /// Shards that have not begun the job, the biggest last.
    todo: Vec<usize>,
    /// Shards at work.
    busy: usize,
    /// What carriers had in them, by shard: carriers of the next stage and leaves.
    carriers: Vec<Vec<Found>>,
    leaves: Vec<Vec<Found>>,
    /// Rows of the slice at work.
    sheaves: Vec<Sheaf<PileOf<G>>>,
    /// Rows of slices before it.
    waiting: VecDeque<Vec<Sheaf<PileOf<G>>>>,
    spare_slices: Vec<Slice>,
    spare_sheaves: Vec<Sheaf<PileOf<G>>>,
    /// All slices are read and done.
    read: bool,
    /// All flows have ended.
    ended: bool,
    /// It is no use to go on.
    stopped: bool,
    /// Tasks lost to a bug.
    pub lost: u64,
}

impl<'g, G: Gather> State<'g, G> {
    pub fn new(source: Source, balance: Balance, collector: Collector<'g, G>) -> Self {
        Self {
            balance,
            source: Some(Box::new(source)),
            collector: Some(Box::new(collector)),
            ready: None,
            job: None,
            todo: Vec::new(),
            busy: 0,
            carriers: Vec::new(),
            leaves: Vec::new(),
            sheaves: Vec::new(),
            waiting: VecDeque::new(),
            spare_slices: Vec::new(),
            spare_sheaves: Vec::new(),
            read: false,
            ended: false,
            stopped: false,
            lost: 0,
        }
    }

    /// Is nothing left to do, and nothing under way?
    pub fn is_over(&self) -> bool {
        let idle = self.busy == 0 && self.source.is_some() && self.collector.is_some();
        idle && (self.stopped || self.ended && self.job.is_none() && self.waiting.is_empty())
    }

    /// What to do next, if anything can be done now.
    pub fn next(&mut self) -> Option<Task<'g, G>> {
        if self.stopped {
            return None;
        }
        // A slice must be there when the one at work is done.
        if self.may_read()
            && let Some(source) = self.source.take()
        {
            return Some(Task::Read(source, self.spare_slices.pop().unwrap_or_default()));
        }
        if self.waiting.len() < MAX_WAITING
            && let Some(task) = self.next_shard()
        {
            return Some(task);
        }
        if !self.waiting.is_empty()
            && let Some(collector) = self.collector.take()
        {
            return self.waiting.pop_front().map(|sheaves| Task::Put(collector, sheaves));
        }
        None
    }

    fn may_read(&self) -> bool {
        // What a slice announces has to be known before the next is dealt.
        let blocked = self.job.as_ref().and_then(Job::slice).is_some_and(|slice| slice.meets());
        self.ready.is_none() && !self.read && !blocked
    }

    fn next_shard(&mut self) -> Option<Task<'g, G>> {
        let job = self.job.clone()?;
        let shard = self.todo.pop()?;
        let these = match &job {
            Job::Found(..) => self.carriers.get_mut(shard),
            Job::Leaves(_) => self.leaves.get_mut(shard),
            _ => None,
        };
        let these = these.map(std::mem::take).unwrap_or_default();
        self.busy += 1;
        Some(Task::Shard(job, shard, these, self.spare_sheaves.pop().unwrap_or_default()))
    }

    /// A slice was read; empty at the end.
    pub fn filled(&mut self, source: Box<Source>, slice: Slice) {
        self.source = Some(source);
        if slice.is_empty() {
            self.read = true;
        } else {
            self.ready = Some(slice);
        }
    }

    /// Rows were written; `go_on` is false if that is no use any more.
    pub fn put(&mut self, collector: Box<Collector<'g, G>>, sheaves: Vec<Sheaf<PileOf<G>>>, go_on: bool) {
        self.collector = Some(collector);
        self.spare_sheaves.extend(sheaves);
        self.stopped |= !go_on;
    }

    /// A shard has done its part.
    pub fn shard_done(&mut self, found: Vec<Found>, sheaf: Sheaf<PileOf<G>>) {
        self.busy -= 1;
        for f in found {
            let to = if f.stage().is_some() { &mut self.carriers } else { &mut self.leaves };
            if let Some(list) = to.get_mut(f.shard()) {
                list.push(f);
            }
        }
        if sheaf.keys.is_empty() { self.spare_sheaves.push(sheaf) } else { self.sheaves.push(sheaf) }
    }

    /// Is the job done, or none there, so that the next may begin?
    pub fn is_job_done(&self) -> bool {
        self.todo.is_empty() && self.busy == 0 && !self.stopped
    }

    /// Begins what comes after the job that is done, if it can begin.
    pub fn next_job(&mut self, parts: &[Mutex<Part>]) {
        loop {
            match self.job.take() {
                Some(Job::Carriers(slice)) => self.after_stage(slice, 0, parts),
                Some(Job::Found(slice, stage)) => self.after_stage(slice, stage, parts),
                Some(Job::Leaves(slice)) if slice.ends_epoch() => {
                    self.balance.epoch(parts.iter().map(lock).collect::<Vec<_>>().iter_mut().map(|p| &mut **p));
                    self.start(parts, |_| 1);
                    self.job = Some(Job::Relief(slice));
                }
                Some(Job::Leaves(slice) | Job::Relief(slice)) => {
                    self.slice_done(slice, parts);
                    self.begin(parts);
                }
                Some(Job::Close(_) | Job::End(_)) => self.end_some(parts),
                None => self.begin(parts),
            }
            if self.job.is_none() || !self.todo.is_empty() {
                return;
            }
        }
    }

    fn begin(&mut self, parts: &[Mutex<Part>]) {
        if let Some(slice) = self.ready.take() {
            self.carriers.resize_with(parts.len(), Vec::new);
            self.leaves.resize_with(parts.len(), Vec::new);
            let slice = Arc::new(slice);
            self.start(parts, |i| slice.carrier_count(i));
            self.job = Some(Job::Carriers(slice));
        } else if self.read
            && !self.ended
            && let Some(source) = &self.source
        {
            self.balance.note(parts.iter().map(lock).collect::<Vec<_>>().iter_mut().map(|p| &mut **p));
            self.job = Some(Job::Close(source.dealing().now()));
            self.start(parts, |_| 1);
        }
    }

    /// All shards that have something to do, by how much that is.
    fn start(&mut self, parts: &[Mutex<Part>], load: impl Fn(usize) -> usize) {
        self.todo.extend((0..parts.len()).filter(|&i| load(i) > 0));
        self.todo.sort_by_key(|&i| load(i));
    }

    fn after_stage(&mut self, slice: Arc<Slice>, stage: usize, parts: &[Mutex<Part>]) {
        let counts = |lists: &[Vec<Found>]| lists.iter().map(Vec::len).collect::<Vec<_>>();
        let found = counts(&self.carriers);
        if found.iter().any(|&n| n > 0) {
            self.start(parts, |i| found[i]);
            self.job = Some(Job::Found(slice, stage + 1));
        } else {
            let found = counts(&self.leaves);
            // Time passes for every shard.
            self.start(parts, |i| 1 + found[i] + slice.leaf_count(i));
            self.job = Some(Job::Leaves(slice));
        }
    }

    fn slice_done(&mut self, slice: Arc<Slice>, parts: &[Mutex<Part>]) {
        if slice.meets()
            && let Some(source) = &mut self.source
        {
            let mut parts: Vec<_> = parts.iter().map(lock).collect();
            source.dealing_mut().meet(parts.iter_mut().map(|p| &mut **p));
        }
        self.spare_slices.extend(Arc::try_unwrap(slice).ok());
        self.pile_up();
    }

    fn pile_up(&mut self) {
        if !self.sheaves.is_empty() {
            self.waiting.push_back(std::mem::take(&mut self.sheaves));
        }
    }

    /// The oldest flows end, as many as may at once.
    fn end_some(&mut self, parts: &[Mutex<Part>]) {
        let oldest: Vec<_> = parts.iter().map(|p| lock(p).oldest()).collect();
        let Some(first) = oldest.iter().flatten().min() else {
            self.pile_up();
            self.ended = true;
            return;
        };
        let before = first.saturating_add(END_LEN);
        // The rows of closing come first in the order.
        self.pile_up();
        self.start(parts, |i| usize::from(oldest[i].is_some_and(|n| n < before)));
        self.job = Some(Job::End(before));
    }

    /// The source and the collector, when all is over.
    pub fn ends(self) -> Option<(Box<Source>, Box<Collector<'g, G>>)> {
        self.source.zip(self.collector)
    }
}

impl Job {
    fn slice(&self) -> Option<&Slice> {
        match self {
            Self::Carriers(slice) | Self::Found(slice, _) | Self::Leaves(slice) | Self::Relief(slice) => Some(slice),
            Self::Close(_) | Self::End(_) => None,
        }
    }
}

impl Source {
    fn dealing(&self) -> &Dealing {
        &self.dealing
    }

    fn dealing_mut(&mut self) -> &mut Dealing {
        &mut self.dealing
    }
}
