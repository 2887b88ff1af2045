//! `cargo xtask fuzz`: libFuzzer's targets, for some seconds each or until a ledger says that they had enough.

mod ledger;
mod options;
mod program;
mod texts;

use crate::shell;
use anyhow::{Context, Result, bail};
use ledger::Ledger;
use options::Options;
use program::{Outcome, Program};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Instrumentation that libFuzzer needs; stable flags, so that no nightly toolchain is asked for.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// What was spent on each target so far.
const LEDGER: &str = "fuzz/ledger.tsv";

/// The captures that the targets of whole captures begin with: up to this size.
const MAX_SEED_LEN: usize = 65_536;

/// Names, beside the programs, the commit that they were built from.
const BUILT_FROM: &str = "built-from";

/// See [`options::HELP`].
pub(crate) fn fuzz(args: &[&str]) -> Result<bool> {
    let Some(options) = Options::parse(args)? else {
        print!("{}", options::HELP);
        return Ok(true);
    };
    let all = targets()?;
    if let Some(unknown) = options.targets.iter().find(|t| !all.contains(t)) {
        bail!("no fuzz target {unknown}; there are: {}", all.join(" "));
    }
    let wanted: Vec<String> = if options.targets.is_empty() {
        all
    } else {
        all.into_iter().filter(|t| options.targets.contains(t)).collect()
    };
    let wanted: Vec<String> = wanted.into_iter().filter(|t| !options.without.contains(t)).collect();
    let programs = match &options.programs {
        Some(folder) => folder.clone(),
        None => build()?,
    };
    let seeds = seeds()?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let ledger = if options.keeps_ledger() { Some(Ledger::read(&shell::root().join(LEDGER))?) } else { None };
    let commit = fs::read_to_string(programs.join(BUILT_FROM)).unwrap_or_default().trim().to_owned();
    let desk = Desk {
        options: &options,
        wanted: &wanted,
        stop: &stop,
        commit: if commit.is_empty() { "?".to_owned() } else { commit },
        state: Mutex::new(State { ledger, ..State::default() }),
    };
    std::thread::scope(|scope| -> Result<()> {
        let work = || -> Result<()> {
            while let Some((target, secs)) = desk.next() {
                let outcome = Program::of(&programs, &seeds, &target)?.run(secs, &stop)?;
                desk.done(&target, &outcome)?;
            }
            Ok(())
        };
        let jobs: Vec<_> = (0..options.jobs).map(|_| scope.spawn(work)).collect();
        for job in jobs {
            job.join().map_err(|_| anyhow::anyhow!("a fuzz thread panicked"))??;
        }
        Ok(())
    })?;
    let state = desk.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let word = if stop.load(Ordering::Relaxed) { ", stopped" } else { "" };
    println!("fuzz: {} targets, {} failed{word}", state.ran.len(), state.failed.len());
    Ok(state.failed.is_empty())
}

/// Who runs next, and what came of it.
struct Desk<'a> {
    options: &'a Options,
    wanted: &'a [String],
    stop: &'a AtomicBool,
    /// What the programs were built from.
    commit: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ledger: Option<Ledger>,
    busy: BTreeSet<String>,
    ran: BTreeSet<String>,
    failed: BTreeSet<String>,
}

impl Desk<'_> {
    /// The target that is due and for how many seconds.
    fn next(&self) -> Option<(String, u64)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        let free = self.wanted.iter().filter(|t| !state.busy.contains(*t) && !state.failed.contains(*t));
        let (target, secs) = match (self.options.until, &state.ledger) {
            (Some(until), Some(ledger)) => {
                let least = free.min_by(|a, b| ledger.secs(a).total_cmp(&ledger.secs(b)))?;
                let left = until as f64 - ledger.secs(least);
                if left <= 0.0 {
                    return None;
                }
                (least.clone(), (left.ceil() as u64).clamp(options::MIN_SLICE_SECS, self.options.slice))
            }
            _ => (free.into_iter().find(|t| !state.ran.contains(*t))?.clone(), self.options.secs),
        };
        state.busy.insert(target.clone());
        Some((target, secs))
    }

    fn done(&self, target: &str, outcome: &Outcome) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy.remove(target);
        state.ran.insert(target.to_owned());
        let mut total = String::new();
        if let Some(ledger) = &mut state.ledger {
            // Another run may have written to it.
            let path = shell::root().join(LEDGER);
            *ledger = Ledger::read(&path)?;
            ledger.add(target, outcome, &today()?, &self.commit);
            ledger.write(&path)?;
            total = format!(", {:.0} s in all", ledger.secs(target));
        }
        let Outcome { secs, executions, edges, features, .. } = outcome;
        let verdict = if outcome.failure.is_some() { "FAILED" } else { "ok" };
        println!("fuzz {target}: {executions} runs, {secs:.0} s, {edges} edges, {features} features{total}, {verdict}");
        if let Some(failure) = &outcome.failure {
            eprintln!("{failure}");
            state.failed.insert(target.to_owned());
        }
        Ok(())
    }
}

fn today() -> Result<String> {
    Ok(shell::output("date", &["-u", "+%F"])?.trim().to_owned())
}

/// Builds every target; the folder of the programs.
fn build() -> Result<PathBuf> {
    let host = host()?;
    let root = shell::root();
    let manifest = root.join("fuzz/Cargo.toml");
    // With a target named, the flags leave build scripts and macros alone, which have no libFuzzer to link to.
    let args = ["build", "--release", "--locked", "--quiet", "--target", &host, "--manifest-path"];
    shell::run_with("cargo", &[&args[..], &[&manifest.to_string_lossy()]].concat(), &[("RUSTFLAGS", FLAGS)])?;
    let programs = root.join("fuzz/target").join(host).join("release");
    fs::write(programs.join(BUILT_FROM), shell::output("git", &["describe", "--always", "--dirty", "--abbrev=10"])?)?;
    Ok(programs)
}

/// The machine's target triple.
fn host() -> Result<String> {
    let about = shell::output("rustc", &["-vV"])?;
    let host = about.lines().find_map(|l| l.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

fn targets() -> Result<Vec<String>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(shell::root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "rs") {
            out.extend(path.file_stem().map(|s| s.to_string_lossy().into_owned()));
        }
    }
    out.sort();
    Ok(out)
}

/// What the corpora begin with: a folder per protocol with what the goldens call its parser with, and one of captures
/// for everything else.
fn seeds() -> Result<PathBuf> {
    let folder = shell::root().join("fuzz/target/seeds");
    let _ = fs::remove_dir_all(&folder);
    let captures = folder.join("captures");
    fs::create_dir_all(&captures)?;
    seed_captures(&captures)?;
    texts::write(&folder)?;
    let run = ["run", "--release", "--locked", "--quiet", "--manifest-path", "bench/Cargo.toml", "--bin", "protocols"];
    shell::run("cargo", &[&run[..], &["--", "seeds", &folder.to_string_lossy()]].concat())?;
    Ok(folder)
}

fn seed_captures(folder: &Path) -> Result<()> {
    let listed = shell::output("git", &["ls-files", "-co", "--exclude-standard", "goldens", "examples"])?;
    for name in listed.lines().filter(|l| l.ends_with(".pcap") || l.ends_with(".pcapng")) {
        let bytes = fs::read(shell::root().join(name))?;
        if bytes.len() <= MAX_SEED_LEN {
            fs::write(folder.join(name.replace('/', "_")), bytes)?;
        }
    }
    Ok(())
}
