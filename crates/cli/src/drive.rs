//! The loop that every reading verb shares: batches in, rows out, progress, damage reported.

use crate::args::Common;
use crate::gather::Gather;
use crate::pool;
use crate::progress::Progress;
use sekisho_capture::{Batch, Captures};
use sekisho_engine::{MAX_PARTS, POOL_COUNT, PoolState, Rows, Settings, Stats, Tap, Worker};
use sekisho_files::NoStore;
use sekisho_proto::Secrets;
use sekisho_record::Record;
use sekisho_rules::Tally;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

/// What a pass came to.
pub struct Outcome {
    /// Counts.
    pub stats: Stats,
    /// Pools of memory, in the order of [`sekisho_engine::Pool::ALL`].
    pub pools: [PoolState; POOL_COUNT],
    /// Memory that the run might use.
    pub memory_len: u64,
    /// The captures, read.
    pub captures: Captures,
    /// A capture was damaged, or a batch was lost to a bug.
    pub damaged: bool,
    /// What rules cost, and how far they came.
    pub tally: Tally,
}

/// Threads where `--jobs` does not say how many, at most: beyond, the busiest pair of hosts sets the pace.
const MAX_DEFAULT_JOBS: usize = 8;

/// Threads that `--jobs` asks for.
fn jobs(common: &Common) -> usize {
    match common.jobs {
        0 => thread::available_parallelism().map_or(1, usize::from).min(MAX_DEFAULT_JOBS),
        n => n.min(usize::try_from(MAX_PARTS).unwrap_or(n)),
    }
}

/// Runs a pass over `captures`, with as many threads as `--jobs` says; `gather` gets all rows, in the same order for
/// any number of threads.
pub fn gather(common: &Common, captures: Captures, settings: Settings, gather: &mut impl Gather) -> Outcome {
    // Rules that remember more than a flow have to see everything.
    let together =
        settings.rules.as_ref().is_some_and(|rules| rules.needs_whole_view() || crate::eve::tags_hosts(rules));
    let jobs = if together { 1 } else { jobs(common) };
    if jobs > 1 {
        let done = pool::run(common, captures, settings, jobs, gather);
        let damaged = report(common, &done.captures, done.lost);
        let pool::Done { stats, pools, memory_len, captures, tally, .. } = done;
        return Outcome { stats, pools, memory_len, captures, damaged, tally };
    }
    let gather = RefCell::new(gather);
    let mut rows = Shared(&gather);
    let go_on = || gather.borrow_mut().part_done();
    let worker = if together { Worker::with_shards(settings, 1) } else { Worker::new(settings) };
    drive(common, captures, worker, &mut rows, &mut NoStore, go_on)
}

/// Rows to a gatherer that is asked something in between.
struct Shared<'a, 'g, G>(&'a RefCell<&'g mut G>);

impl<G: Gather> Rows for Shared<'_, '_, G> {
    fn row(&mut self, record: &dyn Record) {
        self.0.borrow_mut().row(0, record);
    }

    fn row_at(&mut self, packet: u64, record: &dyn Record) {
        self.0.borrow_mut().row(packet, record);
    }

    fn line(&mut self, file: &'static str, line: &[u8]) {
        self.0.borrow_mut().line(file, line);
    }
}

/// Runs `worker` over `captures` in this thread. `go_on` is asked after each batch; false ends the pass early.
pub fn drive(
    common: &Common,
    mut captures: Captures,
    mut worker: Worker,
    rows: &mut dyn Rows,
    tap: &mut dyn Tap,
    mut go_on: impl FnMut() -> bool,
) -> Outcome {
    let read = captures.progress();
    let progress = Progress::new(common.progress, common.quiet, read.total_len());
    let mut batch = Batch::new();
    let (mut lost, mut packets) = (0u64, 0u64);
    let secrets = Arc::clone(worker.secrets());
    while captures.fill(&mut batch) {
        learn(&secrets, captures.take_secrets(), packets + 1);
        packets += batch.len() as u64;
        // A bug in a parser loses its batch, not the run; it is counted and makes the exit code 1.
        let pass = catch_unwind(AssertUnwindSafe(|| {
            worker.batch(batch.frames(), rows, tap);
        }));
        lost += u64::from(pass.is_err());
        progress.at(read.read_len(), packets);
        if !go_on() {
            break;
        }
    }
    lost += u64::from(catch_unwind(AssertUnwindSafe(|| worker.finish(rows, tap))).is_err());
    progress.clear();
    let (stats, pools, memory_len) = (worker.stats(), worker.pools(), worker.memory_len());
    let tally = worker.tally();
    // The process ends soon: giving all tables back one by one would only take time.
    std::mem::forget((worker, batch));
    let damaged = report(common, &captures, lost);
    Outcome { stats, pools, memory_len, captures, damaged, tally }
}

/// Takes the secrets that a capture had on its way, for packets from number `from` on.
pub fn learn(secrets: &Secrets, found: Vec<sekisho_capture::Secrets>, from: u64) {
    for block in found.iter().filter(|s| s.kind == sekisho_capture::Secrets::TLS_KEY_LOG) {
        secrets.add(&block.data, from);
    }
}

/// One line per damaged capture and per bug; tells whether there was any.
fn report(common: &Common, captures: &Captures, lost: u64) -> bool {
    let mut damaged = false;
    for info in captures.infos() {
        if let Some(damage) = &info.damage {
            damaged = true;
            eprintln!("sekisho: {}: {damage}; everything before it was read", info.path.display());
        }
    }
    if lost > 0 {
        damaged = true;
        eprintln!("sekisho: {lost} batches were lost to a bug; please report the message above");
    }
    if common.verbose {
        for (info, interface) in captures.interfaces() {
            eprintln!(
                "sekisho: {}: interface {} {:?}: link type {}, snap length {}, {} packets",
                info.path.display(),
                interface.id,
                interface.name,
                interface.link_type,
                interface.snaplen,
                interface.packet_count
            );
        }
        if captures.skipped_count() > 0 {
            eprintln!("sekisho: {} files are no captures and were left out", captures.skipped_count());
        }
    }
    damaged
}
