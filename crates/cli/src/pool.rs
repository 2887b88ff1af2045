//! Many threads over one pass: they take what is to be done next, whatever it is.
//!
//! No thread does nothing but read or write. A slice of frames is read and dealt, its shards are worked on side by side, the
//! biggest first, and its rows are put in order and written. Each thread keeps to its own as long as there is some of it:
//! the first reads and deals, the last writes, each works on its own shards; then it takes another's. So what they touch
//! stays in their caches. A few slices are under way at a time, and each shard takes them in their order: where one shard
//! has more to do than the others of a slice, those go on with the next.

mod state;

use crate::args::Common;
use crate::drive::learn;
use crate::gather::{Gather, Packer, Pile};
use crate::progress::Progress;
use sekisho_capture::{Batch, Captures};
use sekisho_engine::{
    Dealing, Key, KeyedRows, POOL_COUNT, Part, PoolState, Rows, Settings, Slice, Stats, finish, parts,
};
use sekisho_proto::{Fact, Remembered, Secrets};
use sekisho_record::Record;
use sekisho_rules::Tally;
use state::{Outcome, State, Task};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Bytes of frames in a slice at which it is worked on: three batches. Measured with two threads on cores with 1 MiB of
/// second-level cache: four cost the same, eight 4 % more of wall time, as threads wait for reading where packets are large.
const SLICE_LEN: usize = 384 << 10;

/// Frames in a slice at which it is worked on, too: small packets make as many rows as large ones.
const SLICE_COUNT: usize = 3072;

/// Rows in a sheaf at which a thread begins another: to grow a large one takes much more room for a moment than it has.
const SHEAF_COUNT: usize = 512;

/// Bytes of rows for which a sheaf keeps room for its next use.
const SPARE_SHEAF_LEN: usize = 512 << 10;

/// How often a thread that finds nothing to do looks again before it sleeps: some 20 µs. To be woken takes longer than most
/// tasks do.
const LOOKS: usize = 1_000;

/// A batch of fewer bytes comes from a source that waits for more: its frames are not held back.
const SCANT_LEN: usize = 64 << 10;

/// What a pass came to.
pub struct Done {
    /// Counts.
    pub stats: Stats,
    /// Pools of memory, in the order of [`sekisho_engine::Pool::ALL`].
    pub pools: [PoolState; POOL_COUNT],
    /// Memory that the run might use.
    pub memory_len: u64,
    /// The captures, read.
    pub captures: Captures,
    /// Parts of the pass lost to a bug.
    pub lost: u64,
    /// What rules cost, and how far they came.
    pub tally: Tally,
}

/// What one thread found in one slice, or some of it: rows with their places in the run's order.
struct Sheaf<P> {
    /// The thread that packs it: it has the room for it in its caches, and gave it from its memory.
    owner: usize,
    keys: Vec<Key>,
    /// Facts of rows that are logged if one of these is new, by index of the row.
    facts: Vec<(usize, Fact)>,
    pile: P,
}

impl<P: Pile> Sheaf<P> {
    /// Empty, for thread `owner`.
    fn new(owner: usize) -> Self {
        Self { owner, keys: Vec::new(), facts: Vec::new(), pile: P::default() }
    }

    /// Has it as many rows as it should have?
    fn is_full(&self) -> bool {
        self.keys.len() >= SHEAF_COUNT
    }

    /// Bytes that it takes.
    fn held_len(&self) -> usize {
        self.keys.capacity() * size_of::<Key>() + self.pile.held_len()
    }

    /// Is it logged already? A row without facts never is.
    fn is_repeat(&self, row: usize, remembered: &mut Remembered) -> bool {
        let from = self.facts.partition_point(|f| f.0 < row);
        let of_row = self.facts.get(from..).unwrap_or(&[]).iter().take_while(|f| f.0 == row);
        let (count, new) = of_row.fold((0, 0), |(count, new), f| (count + 1, new + u64::from(remembered.is_new(&f.1))));
        count > 0 && new == 0
    }

    /// Empties it for the next use.
    fn clear(&mut self) {
        if self.held_len() > SPARE_SHEAF_LEN {
            *self = Self::new(self.owner);
        }
        self.keys.clear();
        self.facts.clear();
        self.pile.clear();
    }
}

/// Packs the rows of tasks.
struct Packing<'a, K: Packer> {
    packer: &'a mut K,
    sheaf: Sheaf<K::Pile>,
}

impl<K: Packer> KeyedRows for Packing<'_, K> {
    fn row(&mut self, key: Key, facts: &[Fact], packet: u64, record: &dyn Record) {
        // First what a bug may end: a key without its row would give those behind it their neighbours' places.
        self.packer.pack(packet, record, &mut self.sheaf.pile);
        let row = self.sheaf.keys.len();
        self.sheaf.facts.extend(facts.iter().map(|fact| (row, *fact)));
        self.sheaf.keys.push(key);
    }

    fn line(&mut self, key: Key, file: &'static str, line: &[u8]) {
        if self.packer.pack_line(file, line, &mut self.sheaf.pile) {
            self.sheaf.keys.push(key);
        }
    }
}

/// Rows at once.
struct Direct<'g, G>(&'g mut G);

impl<G: Gather> Rows for Direct<'_, G> {
    fn row(&mut self, record: &dyn Record) {
        self.0.row(0, record);
    }

    fn row_at(&mut self, packet: u64, record: &dyn Record) {
        self.0.row(packet, record);
    }

    fn line(&mut self, file: &'static str, line: &[u8]) {
        self.0.line(file, line);
    }
}

/// Reads.
struct Reader {
    captures: Captures,
    progress: Progress,
    packets: u64,
    secrets: Arc<Secrets>,
}

/// Batches read together, which become a slice.
type Load = Vec<Arc<Batch>>;

impl Reader {
    /// The next batches, in the buffers of old ones; whether there are more.
    fn load(&mut self, spare: &mut Vec<Batch>) -> (Load, bool) {
        let mut load = Load::new();
        let (mut len, mut count) = (0, 0);
        loop {
            let mut batch = spare.pop().unwrap_or_default();
            let more = self.captures.fill(&mut batch);
            learn(&self.secrets, self.captures.take_secrets(), self.packets + 1);
            self.packets += batch.len() as u64;
            self.progress.at(self.captures.progress().read_len(), self.packets);
            let batch_len = batch.span_len();
            len += batch_len;
            count += batch.len();
            load.push(Arc::new(batch));
            if !more || len >= SLICE_LEN || count >= SLICE_COUNT || batch_len < SCANT_LEN {
                return (load, more);
            }
        }
    }
}

/// Deals.
struct Dealer {
    dealing: Dealing,
    /// Batches to be dealt, the next one last.
    load: Load,
    /// Frames of that one that are dealt.
    from: usize,
}

impl Dealer {
    /// Takes what was read.
    fn take(&mut self, mut load: Load) {
        load.reverse();
        load.append(&mut self.load);
        self.load = load;
    }

    /// Deals a slice: to the end of what was read, or until something has to be done before more may be dealt.
    fn deal(&mut self, mut slice: Slice) -> Slice {
        while let Some(batch) = self.load.last() {
            self.from = self.dealing.deal(batch, self.from, &mut slice);
            if self.from >= batch.len() {
                self.load.pop();
                self.from = 0;
            }
            if slice.is_closed() {
                break;
            }
        }
        slice
    }
}

/// Puts rows in order and hands them on.
struct Collector<'g, G: Gather> {
    gather: &'g mut G,
    remembered: Remembered,
    repeats: u64,
    /// Positions of the rows being put in order, each with its index among the rows of all sheaves: [`Key::within`].
    order: Vec<u128>,
}

impl<G: Gather> Collector<'_, G> {
    /// The rows of one slice; false if it is no use to go on.
    fn put(&mut self, sheaves: &[Sheaf<PileOf<G>>]) -> bool {
        let mut order = std::mem::take(&mut self.order);
        let keys = || sheaves.iter().flat_map(|sheaf| &sheaf.keys);
        let first = keys().map(|key| key.packet()).min().unwrap_or(0);
        order.extend((0..).zip(keys()).map(|(index, key)| key.within(first, index)));
        order.sort_unstable();
        // Where the rows of each sheaf end.
        let ends: Vec<usize> = sheaves
            .iter()
            .scan(0, |end, sheaf| {
                *end += sheaf.keys.len();
                Some(*end)
            })
            .collect();
        for place in order.drain(..) {
            let index = (place & u128::from(u32::MAX)) as usize;
            let i = ends.partition_point(|&end| end <= index);
            let Some(sheaf) = sheaves.get(i) else { continue };
            let row = index - i.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
            if sheaf.is_repeat(row, &mut self.remembered) {
                self.repeats += 1;
            } else {
                self.gather.unpack(&sheaf.pile, row);
            }
        }
        self.order = order;
        self.gather.part_done()
    }
}

type PileOf<G> = <<G as Gather>::Packer as Packer>::Pile;

/// What the threads share.
struct Pool<'g, G: Gather> {
    state: Mutex<State<'g, G>>,
    changed: Condvar,
    /// Tasks given back; changes with the state's lock held.
    given_back: AtomicUsize,
    parts: Vec<Mutex<Part>>,
}

/// A lock whose holder may have met a bug: what it was doing is lost, which is counted; the rest goes on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a pass over `captures` with `jobs` threads, this one among them.
pub fn run<G: Gather>(common: &Common, captures: Captures, settings: Settings, jobs: usize, gather: &mut G) -> Done {
    let secrets = Arc::clone(&settings.secrets);
    let (dealing, balance, parts) = parts(settings);
    let progress = Progress::new(common.progress, common.quiet, captures.progress().total_len());
    let reader = Reader { captures, progress, packets: 0, secrets };
    let dealer = Dealer { dealing, load: Load::new(), from: 0 };
    let jobs = jobs.max(1);
    let packers: Vec<G::Packer> = (0..jobs).map(|_| gather.packer()).collect();
    let collector = Collector { gather, remembered: Remembered::default(), repeats: 0, order: Vec::new() };
    let pool = Pool {
        state: Mutex::new(State::new((reader, dealer, balance, collector), jobs, parts.len())),
        changed: Condvar::new(),
        given_back: AtomicUsize::new(0),
        parts: parts.into_iter().map(Mutex::new).collect(),
    };
    thread::scope(|scope| {
        let mut packers = packers.into_iter().enumerate();
        let own = packers.next();
        for (me, packer) in packers {
            let pool = &pool;
            scope.spawn(move || pool.work(me, packer));
        }
        if let Some((me, packer)) = own {
            pool.work(me, packer);
        }
    });
    pool.finish()
}

impl<'g, G: Gather> Pool<'g, G> {
    /// Does what is to be done until nothing is left.
    fn work(&self, me: usize, mut packer: G::Packer) {
        let mut state = lock(&self.state);
        let mut has_read = false;
        while !state.is_over() {
            let Some(task) = state.next(me, has_read) else {
                state = self.wait(state);
                continue;
            };
            has_read = matches!(task, Task::Read(..));
            // Who waits is woken only if there is something for them, too.
            if state.idle > 0 && state.has_more() {
                self.changed.notify_one();
            }
            drop(state);
            let outcome = self.run(task, &mut packer);
            state = lock(&self.state);
            state.take_back(outcome);
            state.settle(&self.parts);
            self.given_back.fetch_add(1, Ordering::Relaxed);
        }
        self.changed.notify_all();
    }

    /// Nothing can be done in `state`: waits for another.
    fn wait<'s>(&'s self, state: MutexGuard<'s, State<'g, G>>) -> MutexGuard<'s, State<'g, G>> {
        let seen = self.given_back.load(Ordering::Relaxed);
        let is_same = || self.given_back.load(Ordering::Relaxed) == seen;
        drop(state);
        for _ in 0..LOOKS {
            if !is_same() {
                break;
            }
            std::hint::spin_loop();
        }
        let mut state = lock(&self.state);
        if is_same() {
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
        state
    }

    /// One task. A bug in it loses its rows, not the run.
    fn run(&self, task: Task<'g, G>, packer: &mut G::Packer) -> Outcome<'g, G> {
        match task {
            Task::Read(mut reader, mut spare) => {
                let read = catch_unwind(AssertUnwindSafe(|| reader.load(&mut spare)));
                Outcome::Read(reader, read.ok(), spare)
            }
            Task::Deal(mut dealer, slice) => {
                let dealt = catch_unwind(AssertUnwindSafe(|| dealer.deal(slice)));
                if dealt.is_err() {
                    // What it was at is lost; the rest goes on.
                    dealer.load.pop();
                    dealer.from = 0;
                }
                Outcome::Deal(dealer, dealt.ok())
            }
            Task::Put(mut collector, mut sheaves) => {
                let put = catch_unwind(AssertUnwindSafe(|| collector.put(&sheaves)));
                sheaves.iter_mut().for_each(Sheaf::clear);
                Outcome::Put(collector, sheaves, put.ok())
            }
            Task::Shards(job, shards, sheaf) => {
                let mut rows = Packing { packer, sheaf };
                let mut found = Vec::new();
                let (mut done, mut lost) = (Vec::with_capacity(shards.len()), 0);
                for (shard, these) in shards {
                    let part = catch_unwind(AssertUnwindSafe(|| {
                        if let Some(part) = self.parts.get(shard) {
                            job.run(&mut lock(part), these, &mut rows, &mut found);
                        }
                    }));
                    lost += u64::from(part.is_err());
                    done.push(shard);
                }
                Outcome::Shards(job, done, found, rows.sheaf, lost)
            }
        }
    }

    /// What is left when all flows have ended.
    fn finish(self) -> Done {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut parts: Vec<Part> =
            self.parts.into_iter().map(|p| p.into_inner().unwrap_or_else(PoisonError::into_inner)).collect();
        let mut lost = state.lost;
        let Some((reader, dealer, collector, mut balance, rest_of_state)) = state.ends() else {
            unreachable!("every task gives back what it took");
        };
        reader.progress.clear();
        let now = dealer.dealing.now();
        let rest = catch_unwind(AssertUnwindSafe(|| {
            let rows = &mut Direct(&mut *collector.gather);
            finish(&mut parts, now, rows);
            balance.last_event(now, dealer.dealing.stats(), &parts, rows);
        }));
        balance.note(&mut parts);
        lost += u64::from(rest.is_err());
        let mut stats = dealer.dealing.stats();
        parts.iter().for_each(|part| part.stats(&mut stats));
        stats.records -= collector.repeats;
        let mut tally = Tally::default();
        parts.iter().for_each(|part| part.tally(&mut tally));
        // The process ends soon: giving all tables and buffers back one by one would only take time.
        let Reader { captures, .. } = *reader;
        std::mem::forget((parts, dealer, rest_of_state));
        Done { stats, pools: balance.pools(), memory_len: balance.memory_len(), captures, lost, tally }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Verb};
    use clap::Parser;
    use std::path::Path;

    /// Counts rows by log; packing the rows of one log is a bug.
    #[derive(Default)]
    struct Counted {
        bug: &'static str,
        rows: Vec<&'static str>,
    }

    struct Names(&'static str);

    impl Packer for Names {
        type Pile = Vec<&'static str>;

        fn pack(&mut self, _: u64, record: &dyn Record, pile: &mut Vec<&'static str>) {
            let log = record.schema().log;
            assert_ne!(log, self.0, "a bug, for the test");
            pile.push(log);
        }
    }

    impl Pile for Vec<&'static str> {
        fn held_len(&self) -> usize {
            self.capacity() * size_of::<&str>()
        }

        fn clear(&mut self) {
            self.clear();
        }
    }

    impl Gather for Counted {
        type Packer = Names;

        fn packer(&self) -> Names {
            Names(self.bug)
        }

        fn row(&mut self, _: u64, record: &dyn Record) {
            self.rows.push(record.schema().log);
        }

        fn unpack(&mut self, pile: &Vec<&'static str>, index: usize) {
            self.rows.push(pile[index]);
        }

        fn part_done(&mut self) -> bool {
            true
        }
    }

    fn pass(bug: &'static str) -> (Counted, Done) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/office.pcapng");
        let cli = Cli::parse_from(["sekisho", "logs", "-q", "-o", "x", path.to_str().expect("UTF-8")]);
        let Verb::Logs(args) = cli.verb else { panic!("logs were asked for") };
        let captures = Captures::open(&args.common.captures).expect("opens");
        let mut gather = Counted { bug, ..Counted::default() };
        let done = run(&args.common, captures, Settings::default(), 3, &mut gather);
        (gather, done)
    }

    #[test]
    fn a_bug_in_one_shard_loses_that_and_ends_nothing_else() {
        let (all, whole) = pass("");
        assert_eq!(whole.lost, 0);
        let (rest, done) = pass("dns");
        assert!(done.lost > 0);
        assert_eq!(done.stats.packets, whole.stats.packets);
        let count = |rows: &Counted, log: &str| rows.rows.iter().filter(|l| **l == log).count();
        assert!(count(&all, "dns") > 0 && count(&rest, "dns") == 0);
        assert!(count(&rest, "conn") > 0 && count(&rest, "conn") <= count(&all, "conn"));
    }

    #[test]
    fn a_row_lost_to_a_bug_leaves_the_others_their_keys() {
        #[derive(sekisho_record::Record)]
        #[record(log = "good")]
        struct Good {
            /// Nothing.
            truth: bool,
        }
        #[derive(sekisho_record::Record)]
        #[record(log = "bad")]
        struct Bad {
            /// Nothing.
            truth: bool,
        }

        let mut rows = Packing { packer: &mut Names("bad"), sheaf: Sheaf::new(0) };
        for packet in 0..3 {
            let record: &dyn Record = if packet == 1 { &Bad { truth: true } } else { &Good { truth: true } };
            let fact = Fact { kind: "good", key: [0; 33], ts: sekisho_types::Timestamp(0) };
            let packed = catch_unwind(AssertUnwindSafe(|| rows.row(Key::new(packet, 0, 0), &[fact], packet, record)));
            assert_eq!(packed.is_ok(), packet != 1);
        }
        let Sheaf { keys, facts, pile, .. } = rows.sheaf;
        assert_eq!(keys, [Key::new(0, 0, 0), Key::new(2, 0, 0)]);
        assert_eq!(facts.iter().map(|f| f.0).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(pile, ["good", "good"]);
    }

    #[test]
    fn a_collector_that_has_enough_ends_the_run() {
        struct Enough(Counted);
        impl Gather for Enough {
            type Packer = Names;
            fn packer(&self) -> Names {
                self.0.packer()
            }
            fn row(&mut self, packet: u64, record: &dyn Record) {
                self.0.row(packet, record);
            }
            fn unpack(&mut self, pile: &Vec<&'static str>, index: usize) {
                self.0.unpack(pile, index);
            }
            fn part_done(&mut self) -> bool {
                false
            }
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/office.pcapng");
        let cli = Cli::parse_from(["sekisho", "logs", "-q", "-o", "x", path.to_str().expect("UTF-8")]);
        let Verb::Logs(args) = cli.verb else { panic!("logs were asked for") };
        let captures = Captures::open(&args.common.captures).expect("opens");
        let mut gather = Enough(Counted::default());
        let done = run(&args.common, captures, Settings::default(), 4, &mut gather);
        assert_eq!(done.lost, 0);
        assert!(gather.0.rows.len() < pass("").0.rows.len());
    }
}
