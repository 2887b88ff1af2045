//! `cargo xtask flood`: attack captures through the binary.
//!
//! Each attack is written by the testkit among a few ordinary conversations. The binary must stay within its
//! `--memory` and must report the ordinary conversations exactly as it does without the attack. What a packet costs,
//! beside one of ordinary traffic, is printed; it is judged only where instructions are counted, which no other
//! load on the machine can change.

mod instructions;
mod options;
mod program;
mod rows;

use crate::{parallel, shell};
use anyhow::{Context, Result, bail};
use options::{HELP, Options};
use program::{Program, Used};
use rows::Rows;
use sekisho_testkit::flood::{ATTACKS, Attack, Written, write, write_ordinary};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// A packet of an attack may cost so many times what one of ordinary traffic costs.
const MAX_RATIO: f64 = 4.0;

/// Sets of ordinary conversations in the capture that attacks are compared with.
const ORDINARY_SETS: u64 = 500;

/// Runs what `args` ask for; false if an attack had an effect that it must not have.
pub(crate) fn flood(args: &[&str]) -> Result<bool> {
    let Some(options) = Options::parse(args)? else {
        print!("{HELP}");
        return Ok(true);
    };
    if options.list {
        for a in ATTACKS {
            println!("{:17} {:>10} items: {}", a.name, a.full, a.aim);
        }
        return Ok(true);
    }
    let attacks = chosen(&options.names)?;
    // A folder of its own for each run, so that two don't take each other's captures away.
    let scratch = shell::root().join("target/flood").join(std::process::id().to_string());
    let folder = options.out.clone().unwrap_or_else(|| scratch.clone());
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    if options.write_only {
        for attack in attacks {
            let (capture, _, written) = make(attack, &options, &folder)?;
            println!("{}: {} packets", capture.display(), written.packets);
        }
        return Ok(true);
    }
    let program = match &options.program {
        Some(path) => Program::new(path.clone(), options.jobs.clone()),
        None => {
            shell::run("cargo", &["build", "--release", "--locked", "--quiet", "-p", "sekisho"])?;
            Program::new(shell::root().join("target/release/sekisho"), options.jobs.clone())
        }
    };
    let fine = if options.instructions {
        instructions::table(&program, &attacks, &folder)?
    } else {
        table(&program, &attacks, &options, &folder)?
    };
    if options.out.is_none() {
        fs::remove_dir_all(&scratch)?;
    }
    Ok(fine)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Attack>> {
    let unknown = names.iter().find(|n| !ATTACKS.iter().any(|a| a.name == n.as_str()));
    if let Some(name) = unknown {
        let all: Vec<_> = ATTACKS.iter().map(|a| a.name).collect();
        bail!("no attack {name}; there are: {}", all.join(" "));
    }
    Ok(ATTACKS.iter().filter(|a| names.is_empty() || names.iter().any(|n| n == a.name)).collect())
}

/// Writes the captures of `attack`: with the attack, without it.
fn make(attack: &Attack, options: &Options, folder: &Path) -> Result<(PathBuf, PathBuf, Written)> {
    make_sized(attack, attack.items(options.percent), folder)
}

fn make_sized(attack: &Attack, items: u64, folder: &Path) -> Result<(PathBuf, PathBuf, Written)> {
    let whole = folder.join(format!("{}.pcap", attack.name));
    let alone = folder.join(format!("{}.ordinary.pcap", attack.name));
    let create = |path: &Path| File::create(path).map(BufWriter::new).with_context(|| path.display().to_string());
    let written = write(attack, items, &mut create(&whole)?, &mut create(&alone)?)?;
    Ok((whole, alone, written))
}

/// The ordinary capture that the others are compared with, and its number of packets.
fn make_ordinary(sets: u64, folder: &Path) -> Result<(PathBuf, u64)> {
    let path = folder.join("ordinary.pcap");
    let packets = write_ordinary(sets, &mut BufWriter::new(File::create(&path)?))?;
    Ok((path, packets))
}

/// Cost of a packet in CPU nanoseconds: `audit`, `logs`.
#[derive(Clone, Copy)]
struct Cost([f64; 2]);

impl Cost {
    fn of(audit: Used, logs: Used, packets: u64) -> Self {
        Self([audit, logs].map(|u| u.cpu_secs * 1e9 / packets as f64))
    }

    fn over(self, other: Self) -> [f64; 2] {
        [self.0[0] / other.0[0], self.0[1] / other.0[1]]
    }
}

fn table(program: &Program, attacks: &[&Attack], options: &Options, folder: &Path) -> Result<bool> {
    let (path, packets) = make_ordinary(ORDINARY_SETS, folder)?;
    let (audit, _) = program.audit(&path, None)?;
    let (logs, _) = program.logs(&path, None, &[])?;
    let ordinary = Cost::of(audit, logs, packets);
    let budgets: Vec<String> = options.memory.iter().map(|m| format!("{:>6}", format!("{}M", m >> 20))).collect();
    println!(
        "{:17} {:>9} {:>9} {:>7} {:>7} {:>6} {:>6}  MiB of {}  ordinary rows",
        "",
        "packets",
        "MB",
        "audit",
        "logs",
        "ratio",
        "ratio",
        budgets.join(" ")
    );
    println!("{:17} {:9} {:9.1} {}", "ordinary", packets, mb(&path)?, costs(ordinary, ordinary));
    let mut failed = Vec::new();
    let work = |attack: &&Attack| {
        let (whole, alone, written) = make(attack, options, folder)?;
        let outcome = trial(program, &whole, &alone, &written, &options.memory)?;
        let mb = mb(&whole)?;
        if options.out.is_none() {
            fs::remove_file(&whole)?;
            fs::remove_file(&alone)?;
        }
        Ok((written.packets, mb, outcome))
    };
    parallel::each(attacks, work, |attack, (packets, mb, outcome)| {
        let peaks: Vec<String> = outcome.peaks.iter().map(|p| format!("{:6}", p >> 20)).collect();
        println!(
            "{:17} {packets:9} {mb:9.1} {}         {}  {}",
            attack.name,
            costs(outcome.cost, ordinary),
            peaks.join(" "),
            outcome.verdict()
        );
        for problem in &outcome.problems {
            println!("    {problem}");
        }
        if !outcome.problems.is_empty() {
            failed.push(attack.name);
        }
        Ok(())
    })?;
    println!(
        "flood: {} attacks, {} failed{}{}",
        attacks.len(),
        failed.len(),
        if failed.is_empty() { "" } else { ": " },
        failed.join(" ")
    );
    println!(
        "audit and logs: CPU nanoseconds per packet; ratio: to ordinary traffic, not judged here (--instructions does)"
    );
    Ok(failed.is_empty())
}

fn mb(path: &Path) -> Result<f64> {
    Ok(fs::metadata(path)?.len() as f64 / 1e6)
}

fn costs(cost: Cost, ordinary: Cost) -> String {
    let ([audit, logs], [a, b]) = (cost.0, cost.over(ordinary));
    format!("{audit:7.0} {logs:7.0} {a:6.2} {b:6.2}")
}

/// What came of one attack.
struct Outcome {
    cost: Cost,
    /// Peak memory under each budget, in bytes.
    peaks: Vec<u64>,
    /// Ordinary rows that were expected.
    expected: usize,
    problems: Vec<String>,
}

impl Outcome {
    fn verdict(&self) -> String {
        let word = if self.problems.is_empty() { "as without the attack" } else { "FAILED" };
        format!("{} {word}", self.expected)
    }
}

/// Runs the binary on an attack under every budget and compares.
fn trial(program: &Program, whole: &Path, alone: &Path, written: &Written, budgets: &[u64]) -> Result<Outcome> {
    let (_, expected) = program.logs(alone, None, &[])?;
    let mut outcome = Outcome {
        cost: Cost([f64::NAN; 2]),
        peaks: Vec::new(),
        expected: expected.ordinary.len(),
        problems: Vec::new(),
    };
    for &budget in budgets {
        let mut problem = |text: String| outcome.problems.push(format!("--memory {}M: {text}", budget >> 20));
        let (audit, packets) = program.audit(whole, Some(budget))?;
        let (logs, rows) = program.logs(whole, Some(budget), &written.truth.says)?;
        outcome.cost = Cost::of(audit, logs, written.packets);
        if packets != written.packets {
            problem(format!("{packets} packets counted of {}", written.packets));
        }
        for (verb, used) in [("audit", audit), ("logs", logs)] {
            if used.max_rss > budget {
                problem(format!("{verb} took {} MiB", used.max_rss >> 20));
            }
        }
        outcome.peaks.push(audit.max_rss.max(logs.max_rss));
        compare(&expected, &rows, written, &mut problem);
    }
    Ok(outcome)
}

/// Rows lost or added shown per attack; the number of all is said.
const SHOWN: usize = 4;

fn compare(expected: &Rows, rows: &Rows, written: &Written, problem: &mut impl FnMut(String)) {
    let (missing, extra) = expected.differences(rows);
    if !missing.is_empty() || !extra.is_empty() {
        problem(format!("{} ordinary rows are missing, {} are new", missing.len(), extra.len()));
        missing.iter().take(SHOWN).for_each(|r| problem(format!("missing {}", rows::headline(r))));
        extra.iter().take(SHOWN).for_each(|r| problem(format!("new     {}", rows::headline(r))));
    }
    if let Some(flows) = written.truth.flows {
        let others = rows.flow_count - expected.flow_count.min(rows.flow_count);
        if others != flows {
            problem(format!("{others} rows of flows, {flows} flows"));
        }
    }
    for (says, found) in written.truth.says.iter().zip(&rows.said) {
        if !found {
            problem(format!("no row says {}", says.join(" ")));
        }
    }
}
