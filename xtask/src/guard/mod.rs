//! `cargo xtask guard`: instructions per item of every stage, beside a table that was agreed upon.
//!
//! Instructions do not depend on what else a machine does. What they do depend on (the compiler, what the C library
//! and some crates choose by the processor, the hash seeds) is held fast as far as that can be done: see
//! [`crate::callgrind`] and `bench/README.md`.

mod table;

use crate::{callgrind, parallel, protocols, shell};
use anyhow::{Context, Result, bail};
use table::{Reason, Row, Table};

/// The agreed table.
const TABLE: &str = "bench/instructions.txt";

/// Counts may differ from the table by this part.
const TOLERANCE: f64 = 0.03;

/// Rounds of the shorter and the longer run; the difference leaves start-up out.
const ROUNDS: [u32; 2] = [1, 3];

/// The program that runs a case, from the root folder; always by the same name, since its length moves the stack.
const PROGRAM: &str = "bench/target/release/instructions";

/// False if a count is further than [`TOLERANCE`] from the table, or a case is not in it.
pub(crate) fn guard(args: &[&str]) -> Result<bool> {
    let (wanted, bless) = match *args {
        ["--bless", reason] if !reason.trim().is_empty() => (&[][..], Some(reason.trim())),
        ["--bless", ..] => bail!("usage: cargo xtask guard --bless REASON"),
        _ => (args, None),
    };
    if !callgrind::is_there() {
        bail!("{}", callgrind::INSTALL);
    }
    let build = ["build", "--release", "--locked", "--quiet", "--manifest-path", "bench/Cargo.toml"];
    shell::run("cargo", &[&build[..], &["--bin", "instructions"]].concat())?;
    let cases = cases(wanted)?;
    let counted = count_all(&cases)?;
    let path = shell::root().join(TABLE);
    let old = std::fs::read_to_string(&path).ok().map(|t| Table::parse(&t)).transpose().context(TABLE)?;
    let old = old.unwrap_or_default();
    let rustc = shell::output("rustc", &["-V"])?.trim().to_owned();
    let mut fine = compare(&old, &counted, wanted.is_empty());
    if let Some(reason) = bless {
        let reason = Reason { date: today()?, commit: commit()?, text: reason.to_owned() };
        std::fs::write(&path, old.blessed(&counted, &rustc, reason, TOLERANCE).to_string())?;
        println!("guard: {TABLE} is written anew");
        return protocols::guard(true);
    }
    if wanted.is_empty() {
        fine &= protocols::guard(false)?;
    }
    if !fine && old.rustc != rustc {
        println!("guard: the table was made by {}, this is {rustc}", old.rustc);
    }
    println!("guard: {} cases, {}", counted.len(), if fine { "all as agreed" } else { "FAILED" });
    if !fine {
        println!("guard: if that is meant, in either direction: cargo xtask guard --bless 'REASON'");
    }
    Ok(fine)
}

fn today() -> Result<String> {
    Ok(shell::output("date", &["-u", "+%F"])?.trim().to_owned())
}

fn commit() -> Result<String> {
    Ok(shell::output("git", &["rev-parse", "--short=10", "HEAD"])?.trim().to_owned())
}

/// Name and item of each case wanted.
fn cases(wanted: &[&str]) -> Result<Vec<(String, String)>> {
    let listed = shell::output(PROGRAM, &["--list"])?;
    let all: Vec<(String, String)> =
        listed.lines().filter_map(|l| l.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    if let Some(unknown) = wanted.iter().find(|w| !all.iter().any(|c| c.0 == **w)) {
        let names: Vec<&str> = all.iter().map(|c| c.0.as_str()).collect();
        bail!("no case {unknown}; there are: {}", names.join(" "));
    }
    Ok(all.into_iter().filter(|c| wanted.is_empty() || wanted.contains(&c.0.as_str())).collect())
}

/// Counts every case, as many at once as there are processors.
fn count_all(cases: &[(String, String)]) -> Result<Vec<Row>> {
    let work = |(name, item): &(String, String)| {
        let count = count(name).with_context(|| name.clone())?;
        Ok(Row { name: name.clone(), item: item.clone(), count })
    };
    let mut rows = Vec::new();
    parallel::each(cases, work, |_, row| {
        rows.push(row);
        Ok(())
    })?;
    Ok(rows)
}

/// Instructions per item of one case.
fn count(name: &str) -> Result<f64> {
    let run = |rounds: u32| -> Result<(f64, f64)> {
        let c = callgrind::count(&[PROGRAM.to_owned(), name.to_owned(), rounds.to_string()])?;
        let items: u64 = String::from_utf8_lossy(&c.stdout).trim().parse().context("number of items")?;
        Ok((c.instructions as f64, items as f64))
    };
    let ([short, few], [long, many]) = (run(ROUNDS[0])?.into(), run(ROUNDS[1])?.into());
    Ok((long - short) / (many - few))
}

/// Prints counts beside the table; `all`: cases of the table that are gone count as well.
fn compare(old: &Table, counted: &[Row], all: bool) -> bool {
    let mut fine = true;
    println!("{:14} {:>8} {:>12} {:>12} {:>8}", "case", "per", "agreed", "counted", "change");
    for row in counted {
        let Some(was) = old.rows.iter().find(|r| r.name == row.name) else {
            println!("{:14} {:>8} {:>12} {:12.1}           NEW", row.name, row.item, "-", row.count);
            fine = false;
            continue;
        };
        let change = row.count / was.count - 1.0;
        let verdict = if change.abs() <= TOLERANCE {
            ""
        } else if change > 0.0 {
            "  DEARER"
        } else {
            "  CHEAPER"
        };
        fine &= verdict.is_empty();
        let percent = change * 100.0;
        println!("{:14} {:>8} {:12.1} {:12.1} {percent:+7.1}%{verdict}", row.name, row.item, was.count, row.count);
    }
    for gone in old.rows.iter().filter(|r| all && !counted.iter().any(|c| c.name == r.name)) {
        println!("{:14} {:>8} {:12.1} {:>12}           GONE", gone.name, gone.item, gone.count, "-");
        fine = false;
    }
    fine
}
