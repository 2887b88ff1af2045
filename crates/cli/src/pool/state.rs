//! What is to be done, and what is under way.

use super::{Collector, Dealer, Load, PileOf, Reader, Sheaf, lock};
use crate::gather::Gather;
use sekisho_capture::Batch;
use sekisho_engine::{Balance, Found, KeyedRows, MAX_PARTS, Part, Report, Slice};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Slices whose rows wait to be written; at this many nothing is worked on until some are.
const MAX_WAITING: usize = 4;

/// Bytes of rows that wait to be written; at this many, too.
const MAX_WAITING_LEN: usize = 8 << 20;

/// Slices under way that there should be: one being finished, one that the others can go on with.
const MIN_ACTIVE: usize = 2;

/// Tasks per thread that a slice is cut into, about.
const TASKS: usize = 12;

/// Slices under way at most: one more for every two threads.
const fn max_active(jobs: usize) -> usize {
    MIN_ACTIVE + jobs.div_ceil(2)
}

/// Empty sheaves kept for each thread.
const MAX_SPARE: usize = 8;

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
    /// The end of an epoch: what has to be given up so that the rest fits into memory.
    Relief(Arc<Slice>),
    /// A row about the run itself, at the end of an epoch or of the run.
    Report(Option<Arc<Slice>>, Arc<Report>),
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
            Self::Report(_, report) => report.put(rows),
            Self::Close(now) => _ = part.close(*now, rows),
            Self::End(before) => part.end_flows(*before, rows),
        }
    }
}

/// What a thread may take; it gives everything back.
#[expect(clippy::large_enum_variant, reason = "there are as many as threads, and they are moved once a slice")]
pub enum Task<'g, G: Gather> {
    /// Read, into these buffers.
    Read(Box<Reader>, Vec<Batch>),
    /// Deal a slice.
    Deal(Box<Dealer>, Slice),
    /// Put rows in order.
    Put(Box<Collector<'g, G>>, Vec<Sheaf<PileOf<G>>>),
    /// Some shards' parts of a job.
    Shards(Job, Vec<(usize, Vec<Found>)>, Sheaf<PileOf<G>>),
}

/// What a thread gives back.
#[expect(clippy::large_enum_variant, reason = "there are as many as threads, and they are moved once a slice")]
pub enum Outcome<'g, G: Gather> {
    /// What was read and whether there is more, `None` if it was lost to a bug; buffers.
    Read(Box<Reader>, Option<(Load, bool)>, Vec<Batch>),
    /// A slice; `None` if it was lost to a bug.
    Deal(Box<Dealer>, Option<Slice>),
    /// Emptied sheaves; whether to go on, `None` if rows were lost to a bug.
    Put(Box<Collector<'g, G>>, Vec<Sheaf<PileOf<G>>>, Option<bool>),
    /// Shards that have done their parts of a job, what was in their carriers, their rows, and how many met a bug.
    Shards(Job, Vec<usize>, Vec<Found>, Sheaf<PileOf<G>>, u64),
}

/// A job under way.
struct Active<P> {
    job: Job,
    /// Shards that have not begun it and how much they have to do, the biggest last.
    todo: Vec<(usize, usize)>,
    /// How much all have to do.
    size: usize,
    /// Shards at work.
    busy: usize,
    /// Shards that have nothing more to do with the slice, by bit.
    done: u64,
    /// What carriers had in them, by shard: carriers of the next stage and leaves.
    carriers: Vec<Vec<Found>>,
    leaves: Vec<Vec<Found>>,
    /// Rows.
    sheaves: Vec<Sheaf<P>>,
}

/// See the module.
pub struct State<'g, G: Gather> {
    /// Memory of the run.
    balance: Balance,
    reader: Option<Box<Reader>>,
    dealer: Option<Box<Dealer>>,
    /// What was read and is not dealt, beside what the dealer has.
    load: Option<Load>,
    spare_batches: Vec<Batch>,
    collector: Option<Box<Collector<'g, G>>>,
    /// Slices being worked on, oldest first; a shard takes them in this order.
    active: VecDeque<Active<PileOf<G>>>,
    jobs: usize,
    /// Number of shards.
    count: usize,
    /// Rows of slices that are done.
    waiting: VecDeque<Vec<Sheaf<PileOf<G>>>>,
    /// Their bytes.
    waiting_len: usize,
    spare_slices: Vec<Slice>,
    /// By the thread that packs them.
    spare_sheaves: Vec<Vec<Sheaf<PileOf<G>>>>,
    /// All captures are read.
    read: bool,
    /// The last row about the run itself is made.
    reported: bool,
    /// All flows have ended.
    ended: bool,
    /// It is no use to go on.
    stopped: bool,
    /// Threads that wait.
    pub idle: usize,
    /// Tasks lost to a bug.
    pub lost: u64,
}

const _: () = assert!(MAX_PARTS <= 64, "shards are kept as bits");

impl<'g, G: Gather> State<'g, G> {
    /// For `jobs` threads and `count` shards.
    pub fn new(
        (reader, dealer, balance, collector): (Reader, Dealer, Balance, Collector<'g, G>),
        jobs: usize,
        count: usize,
    ) -> Self {
        Self {
            balance,
            reader: Some(Box::new(reader)),
            dealer: Some(Box::new(dealer)),
            load: None,
            spare_batches: Vec::new(),
            collector: Some(Box::new(collector)),
            active: VecDeque::new(),
            jobs,
            count,
            waiting: VecDeque::new(),
            waiting_len: 0,
            spare_slices: Vec::new(),
            spare_sheaves: (0..jobs).map(|_| Vec::new()).collect(),
            read: false,
            reported: false,
            ended: false,
            stopped: false,
            idle: 0,
            lost: 0,
        }
    }

    /// Is nothing left to do, and nothing under way?
    pub fn is_over(&self) -> bool {
        let busy = self.active.iter().any(|a| a.busy > 0);
        let idle = !busy && self.reader.is_some() && self.dealer.is_some() && self.collector.is_some();
        idle && (self.stopped || self.ended && self.waiting.is_empty())
    }

    /// What thread `me` is to do next, if anything can be done now. `has_read`: it comes from reading.
    ///
    /// Each keeps to its own as long as there is some of it: the first thread reads and deals, the last one writes, each
    /// works on the shards that it has worked on before, whose tables are in its cache.
    pub fn next(&mut self, me: usize, has_read: bool) -> Option<Task<'g, G>> {
        if self.stopped {
            return None;
        }
        let (reads, writes, most) = (me == 0, me + 1 == self.jobs, max_active(self.jobs));
        // What was just read is in this thread's cache.
        if has_read && let Some(task) = self.deal(most) {
            return Some(task);
        }
        // A slice must be there when one is done, and one read when that is dealt.
        if reads && let Some(task) = self.deal(MIN_ACTIVE).or_else(|| self.read()) {
            return Some(task);
        }
        // The sooner it is written, the fewer sheaves are under way, the fewer pages are touched, and the more of it is
        // still in a cache.
        if writes && let Some(task) = self.put() {
            return Some(task);
        }
        if let Some(task) = self.shards(me, |home| home == me) {
            return Some(task);
        }
        if reads && let Some(task) = self.deal(most) {
            return Some(task);
        }
        let task = self.shards(me, |_| true);
        task.or_else(|| self.deal(most)).or_else(|| self.read()).or_else(|| self.put())
    }

    /// Is there something for another thread?
    pub fn has_more(&self) -> bool {
        let shard = self.may_work() && self.pick(|_| true).is_some();
        let put = !self.waiting.is_empty() && self.collector.is_some();
        !self.stopped && (shard || put || self.may_deal(max_active(self.jobs)) || self.may_read())
    }

    /// Not too many rows wait to be written.
    fn may_work(&self) -> bool {
        self.waiting.len() < MAX_WAITING && self.waiting_len < MAX_WAITING_LEN
    }

    /// One slice is read ahead.
    fn may_read(&self) -> bool {
        !self.read && self.load.is_none() && self.reader.is_some()
    }

    fn read(&mut self) -> Option<Task<'g, G>> {
        if !self.may_read() {
            return None;
        }
        let reader = self.reader.take()?;
        Some(Task::Read(reader, std::mem::take(&mut self.spare_batches)))
    }

    fn may_deal(&self, most: usize) -> bool {
        // What a slice announces has to be known before the next is dealt.
        let blocked = self.active.iter().any(|a| a.job.slice().is_some_and(Slice::meets));
        let there = self.dealer.as_ref().is_some_and(|dealer| !dealer.load.is_empty() || self.load.is_some());
        there && !blocked && self.active.len() < most
    }

    fn deal(&mut self, most: usize) -> Option<Task<'g, G>> {
        if !self.may_deal(most) {
            return None;
        }
        let mut dealer = self.dealer.take()?;
        if dealer.load.is_empty() {
            dealer.take(self.load.take().unwrap_or_default());
        }
        Some(Task::Deal(dealer, self.spare_slices.pop().unwrap_or_default()))
    }

    fn put(&mut self) -> Option<Task<'g, G>> {
        if self.waiting.is_empty() {
            return None;
        }
        let collector = self.collector.take()?;
        let sheaves = self.waiting.pop_front()?;
        self.waiting_len -= sheaves.iter().map(Sheaf::held_len).sum::<usize>();
        Some(Task::Put(collector, sheaves))
    }

    /// The biggest shards of `whose` threads in the oldest slice that can go on, for thread `me`.
    fn shards(&mut self, me: usize, whose: impl Fn(usize) -> bool) -> Option<Task<'g, G>> {
        if !self.may_work() {
            return None;
        }
        let jobs = self.jobs;
        let fits = |shard| whose(shard % jobs);
        let (i, at) = self.pick(fits)?;
        let mut shards = Vec::new();
        let mut load = self.take(i, at, &mut shards);
        // Small shards go together: the way to them would cost more than they do.
        let enough = self.active.get(i).map_or(0, |active| active.size / (TASKS * jobs));
        while load < enough
            && let Some((slice, at)) = self.pick(fits)
            && slice == i
        {
            load += self.take(i, at, &mut shards);
        }
        let active = self.active.get_mut(i)?;
        // What a thread finds in a slice goes together, too.
        let begun = active.sheaves.iter().position(|sheaf| sheaf.owner == me && !sheaf.is_full());
        let begun = begun.map(|at| active.sheaves.swap_remove(at));
        let sheaf = begun.or_else(|| self.spare_sheaves.get_mut(me)?.pop()).unwrap_or_else(|| Sheaf::new(me));
        Some(Task::Shards(active.job.clone(), shards, sheaf))
    }

    /// Hands out one shard of slice `i`, which was found at `at`; tells how much it has to do.
    fn take(&mut self, i: usize, at: usize, shards: &mut Vec<(usize, Vec<Found>)>) -> usize {
        let Some(active) = self.active.get_mut(i) else { return 0 };
        let (shard, load) = active.todo.remove(at);
        active.busy += 1;
        let these = match &active.job {
            Job::Found(..) => active.carriers.get_mut(shard),
            Job::Leaves(_) => active.leaves.get_mut(shard),
            _ => None,
        };
        shards.push((shard, these.map(std::mem::take).unwrap_or_default()));
        load
    }

    /// A shard that can go on: place of the slice, place in its list.
    fn pick(&self, fits: impl Fn(usize) -> bool) -> Option<(usize, usize)> {
        let mut free = u64::MAX;
        for (i, active) in self.active.iter().enumerate() {
            let can = |&(shard, _): &(usize, usize)| free >> shard & 1 != 0 && fits(shard);
            if let Some(at) = active.todo.iter().rposition(can) {
                return Some((i, at));
            }
            free &= active.done;
            // What comes after an epoch depends on what all shards did in it.
            if active.job.slice().is_some_and(Slice::ends_epoch) {
                break;
            }
        }
        None
    }

    /// What came of a task.
    pub fn take_back(&mut self, outcome: Outcome<'g, G>) {
        match outcome {
            Outcome::Read(reader, read, mut spare) => {
                self.reader = Some(reader);
                self.spare_batches.append(&mut spare);
                self.lost += u64::from(read.is_none());
                let (load, more) = read.unwrap_or_default();
                self.read |= !more;
                if !load.is_empty() {
                    self.load = Some(load);
                }
            }
            Outcome::Deal(dealer, slice) => {
                self.dealer = Some(dealer);
                self.lost += u64::from(slice.is_none());
                if let Some(slice) = slice.filter(|slice| !slice.is_empty()) {
                    self.dealt(slice);
                }
            }
            Outcome::Put(collector, sheaves, go_on) => {
                self.lost += u64::from(go_on.is_none());
                self.collector = Some(collector);
                sheaves.into_iter().for_each(|sheaf| self.spare(sheaf));
                self.stopped |= go_on == Some(false);
            }
            Outcome::Shards(job, shards, found, sheaf, lost) => {
                self.lost += lost;
                self.shards_done(job, &shards, found, sheaf);
            }
        }
    }

    fn spare(&mut self, sheaf: Sheaf<PileOf<G>>) {
        if let Some(spare) = self.spare_sheaves.get_mut(sheaf.owner).filter(|spare| spare.len() < MAX_SPARE) {
            spare.push(sheaf);
        }
    }

    fn dealt(&mut self, slice: Slice) {
        let slice = Arc::new(slice);
        let mut active = self.active(Job::Carriers(Arc::clone(&slice)));
        active.start(|i| slice.carrier_count(i));
        active.go_on();
        self.active.push_back(active);
    }

    /// Shards have done their parts of a job, which is known by its slice.
    fn shards_done(&mut self, job: Job, shards: &[usize], found: Vec<Found>, sheaf: Sheaf<PileOf<G>>) {
        let Some(active) = self.active.iter_mut().find(|a| a.job.is(&job)) else { return };
        drop(job);
        active.busy -= shards.len();
        if matches!(active.job, Job::Leaves(_)) {
            shards.iter().for_each(|shard| active.done |= 1 << shard);
        }
        for f in found {
            let to = if f.stage().is_some() { &mut active.carriers } else { &mut active.leaves };
            if let Some(list) = to.get_mut(f.shard()) {
                list.push(f);
            }
        }
        if sheaf.keys.is_empty() {
            active.go_on();
            self.spare(sheaf);
        } else {
            active.sheaves.push(sheaf);
            active.go_on();
        }
    }

    /// Takes what is done out of the way, and begins the end of the run when all else is done.
    pub fn settle(&mut self, parts: &[Mutex<Part>]) {
        while self.active.front().is_some_and(Active::is_done) {
            if self.end_epoch(parts) {
                return;
            }
            let Some(active) = self.active.pop_front() else { return };
            if !active.sheaves.is_empty() {
                self.waiting_len += active.sheaves.iter().map(Sheaf::held_len).sum::<usize>();
                self.waiting.push_back(active.sheaves);
            }
            match active.job {
                Job::Leaves(slice) | Job::Relief(slice) | Job::Report(Some(slice), ..) => {
                    if slice.meets()
                        && let Some(dealer) = &mut self.dealer
                    {
                        all(parts, |parts| dealer.dealing.meet(parts));
                    }
                    if let Ok(mut slice) = Arc::try_unwrap(slice) {
                        self.spare_batches.extend(slice.clear().filter_map(|batch| Arc::try_unwrap(batch).ok()));
                        self.spare_slices.push(slice);
                    }
                }
                Job::Close(_) | Job::End(_) => self.end_some(parts),
                Job::Carriers(_) | Job::Found(..) | Job::Report(None, ..) => {}
            }
        }
        let dealt = self.load.is_none() && self.dealer.as_ref().is_some_and(|dealer| dealer.load.is_empty());
        if self.active.is_empty() && self.read && dealt && !self.ended {
            self.end_run(parts);
        }
    }

    /// What remains to be done with the oldest slice, if it ends an epoch and its frames are done.
    fn end_epoch(&mut self, parts: &[Mutex<Part>]) -> bool {
        let Some(active) = self.active.front_mut() else { return false };
        match &active.job {
            Job::Leaves(slice) if slice.ends_epoch() => {
                all(parts, |parts| self.balance.epoch(parts));
                active.job = Job::Relief(Arc::clone(slice));
                active.start(|_| 1);
                true
            }
            Job::Relief(slice) => {
                let Some(report) = all(parts, |parts| self.balance.report(slice, parts)) else { return false };
                active.job = Job::Report(Some(Arc::clone(slice)), Arc::new(report));
                active.start(|i| usize::from(i == 0));
                true
            }
            _ => false,
        }
    }

    /// All slices are done: a last row about the run itself, then flows end.
    fn end_run(&mut self, parts: &[Mutex<Part>]) {
        let Some(dealer) = &self.dealer else { return };
        let (now, stats) = (dealer.dealing.now(), dealer.dealing.stats());
        if !std::mem::replace(&mut self.reported, true)
            && let Some(report) = all(parts, |parts| self.balance.last_report(now, stats, parts))
        {
            let mut report = self.active(Job::Report(None, Arc::new(report)));
            report.start(|i| usize::from(i == 0));
            self.active.push_back(report);
            return;
        }
        let mut close = self.active(Job::Close(now));
        close.start(|_| 1);
        self.active.push_back(close);
    }

    fn active(&self, job: Job) -> Active<PileOf<G>> {
        Active::new(job, self.count)
    }

    /// The oldest flows end, as many as may at once.
    fn end_some(&mut self, parts: &[Mutex<Part>]) {
        let oldest: Vec<_> = parts.iter().map(|p| lock(p).oldest()).collect();
        let Some(first) = oldest.iter().flatten().min() else {
            self.ended = true;
            return;
        };
        let before = first.saturating_add(END_LEN);
        let mut end = self.active(Job::End(before));
        end.start(|i| usize::from(oldest.get(i).copied().flatten().is_some_and(|n| n < before)));
        self.active.push_back(end);
    }

    /// What reads, deals and collects, and the state of memory, when all is over; and what is not needed any more.
    pub fn ends(mut self) -> Option<Ends<'g, G, impl Sized>> {
        let (reader, dealer, collector) = (self.reader.take()?, self.dealer.take()?, self.collector.take()?);
        let rest = (self.active, self.waiting, self.spare_slices, self.spare_sheaves, self.spare_batches, self.load);
        Some((reader, dealer, collector, self.balance, rest))
    }
}

/// See [`State::ends`].
pub type Ends<'g, G, R> = (Box<Reader>, Box<Dealer>, Box<Collector<'g, G>>, Balance, R);

/// Hands all parts on; none of them may be at work.
fn all<R>(parts: &[Mutex<Part>], f: impl FnOnce(&mut dyn Iterator<Item = &mut Part>) -> R) -> R {
    let mut parts: Vec<_> = parts.iter().map(lock).collect();
    f(&mut parts.iter_mut().map(|p| &mut **p))
}

impl<P> Active<P> {
    fn new(job: Job, count: usize) -> Self {
        let lists = || (0..count).map(|_| Vec::new()).collect();
        let (carriers, leaves) = (lists(), lists());
        Self { job, todo: Vec::new(), size: 0, busy: 0, done: 0, carriers, leaves, sheaves: Vec::new() }
    }

    /// All shards that have something to do, by how much that is.
    fn start(&mut self, load: impl Fn(usize) -> usize) {
        self.todo.extend((0..self.leaves.len()).map(|i| (i, load(i))).filter(|shard| shard.1 > 0));
        self.todo.sort_by_key(|shard| shard.1);
        self.size = self.todo.iter().map(|shard| shard.1).sum();
    }

    fn is_done(&self) -> bool {
        self.todo.is_empty() && self.busy == 0
    }

    /// Once all shards have done their part of a stage: the next.
    fn go_on(&mut self) {
        if !self.is_done() {
            return;
        }
        let (slice, stage) = match &self.job {
            Job::Carriers(slice) => (Arc::clone(slice), 0),
            Job::Found(slice, stage) => (Arc::clone(slice), *stage),
            Job::Leaves(_) | Job::Relief(_) | Job::Report(..) | Job::Close(_) | Job::End(_) => return,
        };
        let counts = |lists: &[Vec<Found>]| lists.iter().map(Vec::len).collect::<Vec<_>>();
        let found = counts(&self.carriers);
        if found.iter().any(|&n| n > 0) {
            self.start(|i| found.get(i).copied().unwrap_or(0));
            self.job = Job::Found(slice, stage + 1);
        } else {
            let found = counts(&self.leaves);
            // Time passes for every shard.
            self.start(|i| 1 + found.get(i).copied().unwrap_or(0) + slice.leaf_count(i));
            self.job = Job::Leaves(slice);
        }
    }
}

impl Job {
    /// Are both the same job? There is one for a slice at a time, and one at the end of the run.
    fn is(&self, other: &Self) -> bool {
        match (self.slice(), other.slice()) {
            (Some(a), Some(b)) => std::ptr::eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }

    fn slice(&self) -> Option<&Slice> {
        match self {
            Self::Carriers(slice) | Self::Found(slice, _) | Self::Leaves(slice) | Self::Relief(slice) => Some(slice),
            Self::Report(slice, ..) => slice.as_deref(),
            Self::Close(_) | Self::End(_) => None,
        }
    }
}
