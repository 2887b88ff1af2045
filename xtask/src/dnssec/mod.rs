//! `cargo xtask dnssec`: what `sekisho-dnssec` says of captured answers beside what real validators say.
//!
//! `lab.py` signs zones with BIND's tools (`zones.py`), damages some, serves them, and records what passes while
//! `unbound-host` and `delv` validate names in them. Both recordings of a case must be judged as those two judged it,
//! and for the reason that the damage was done.

mod book;

use crate::{namespaces, shell};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const HELP: &str = "\
cargo xtask dnssec

  Signs zones (algorithms 7, 8, 10, 13, 14, 15; NSEC, NSEC3, opt-out) below a root of their own, damages some, serves
  them with BIND in a network namespace, and has `unbound-host` (at a resolver: all referrals) and `delv` (before one)
  validate names in them. What passed is judged by sekisho-dnssec: prints a table, and fails if a verdict differs for
  no reason that is listed. Needs root; installs the Debian packages that are missing; sends nothing outside.

  --keep DIR      keep zones, recordings and cases.json there
  --bless         write the recordings anew that crates/dnssec tests itself with (crates/dnssec/tests/data)
";

/// Programs, with the Debian packages that have them.
const PROGRAMS: &[(&str, &str)] = &[
    ("delv", "bind9-dnsutils"),
    ("dig", "bind9-dnsutils"),
    ("dnssec-signzone", "bind9-utils"),
    ("ip", "iproute2"),
    ("ldns-signzone", "ldnsutils"),
    ("named", "bind9"),
    ("python3", "python3"),
    ("tcpdump", "tcpdump"),
    ("unbound", "unbound"),
    ("unbound-host", "unbound-host"),
];

/// Differences from a validator that are meant: case, validator, why.
const ACCEPTED: &[(&str, &str, &str)] = &[
    ("opt-out-no-name", "delv", "BIND takes an opt-out gap for proof; RFC 5155 §9.2 and unbound don't"),
    ("iterations-150", "delv", "BIND 9.18 hashes up to 150 times; we up to 50, as BIND 9.20"),
    ("iterations-150", "unbound-host", "unbound hashes up to 150 times; we up to 50"),
];

/// Where a case was recorded.
const VANTAGES: [&str; 2] = ["resolver", "client"];

/// What was said of the question of a case at one vantage.
struct Said {
    status: String,
    reason: String,
}

/// As a task of its own: where there can be no laboratory it fails.
pub(crate) fn dnssec(args: &[&str]) -> Result<bool> {
    let (mut keep, mut bless) = (None, false);
    let mut args = args.iter().copied();
    while let Some(arg) = args.next() {
        match arg {
            "--help" | "-h" => {
                print!("{HELP}");
                return Ok(true);
            }
            "--keep" => keep = Some(PathBuf::from(args.next().context("--keep wants a value")?)),
            "--bless" => bless = true,
            _ => bail!("no such argument {arg}\n\n{HELP}"),
        }
    }
    if let Some(why) = namespaces::missing(PROGRAMS)? {
        bail!("dnssec: {why}");
    }
    compare(keep, bless)
}

fn compare(keep: Option<PathBuf>, bless: bool) -> Result<bool> {
    let root = shell::root();
    let folder = keep.clone().unwrap_or_else(|| root.join("target/dnssec"));
    if keep.is_none() {
        let _ = fs::remove_dir_all(&folder);
    }
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let mut command = namespaces::command();
    command.args(["python3", "-B"]).arg(root.join("xtask/src/dnssec/lab.py")).arg(&folder);
    if !command.stdin(Stdio::null()).status().context("unshare")?.success() {
        bail!("dnssec: the laboratory failed");
    }
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(folder.join("cases.json"))?)?;
    let good = judge_all(&folder, &cases)?;
    if bless && good {
        book::write(&folder, &cases, &root.join("crates/dnssec/tests/data"))?;
    }
    if keep.is_none() {
        fs::remove_dir_all(&folder).context("target/dnssec")?;
    }
    Ok(good)
}

/// Prints a line for each case; do all agree?
fn judge_all(folder: &Path, cases: &[Value]) -> Result<bool> {
    println!(
        "{:24} {:24} {:14} {:18} {:13} {:13} result",
        "case", "question", "status", "reason", "unbound-host", "delv"
    );
    let mut failed_count = 0;
    for case in cases {
        let text = |member: &str| case[member].as_str().unwrap_or_default();
        let mut faults = Vec::new();
        for vantage in VANTAGES {
            let file = folder.join(format!("{}.{vantage}", text("name")));
            if !file.exists() {
                continue;
            }
            for said in judge(folder, &file, case)? {
                if (said.status.as_str(), said.reason.as_str()) != (text("status"), text("reason")) {
                    faults.push(format!("at the {vantage} it is {} ({})", said.status, said.reason));
                }
            }
        }
        let mut accepted = Vec::new();
        for validator in ["unbound-host", "delv"] {
            let other = case[validator]["status"].as_str().unwrap_or("-");
            let why = ACCEPTED.iter().find(|a| (a.0, a.1) == (text("name"), validator)).map(|a| a.2);
            match (other == "-" || other == text("status"), why) {
                (true, None) => {}
                (false, Some(why)) => accepted.push(why),
                (true, Some(_)) => faults.push(format!("{validator} agrees: take it off the accepted differences")),
                (false, None) => {
                    faults.push(format!("{validator} says {other}: {}", case[validator]["why"].as_str().unwrap_or("")));
                }
            }
        }
        let other = |validator: &str| case[validator]["status"].as_str().unwrap_or("-").to_owned();
        let question = format!("{} {}", text("question"), text("rtype"));
        let result = match (faults.is_empty(), accepted.is_empty()) {
            (true, true) => "agree".to_owned(),
            (true, false) => format!("accepted: {}", accepted.join("; ")),
            (false, _) => format!("FAILED: {}", faults.join("; ")),
        };
        println!(
            "{:24} {question:24} {:14} {:18} {:13} {:13} {result}",
            text("name"),
            text("status"),
            text("reason"),
            other("unbound-host"),
            other("delv"),
        );
        failed_count += usize::from(!faults.is_empty());
    }
    println!("dnssec: {} cases, {failed_count} failed", cases.len());
    Ok(failed_count == 0 && !cases.is_empty())
}

/// What is said of the case's question; at least once.
fn judge(folder: &Path, file: &Path, case: &Value) -> Result<Vec<Said>> {
    let anchors = folder.join("anchors");
    let paths = [anchors.to_string_lossy(), file.to_string_lossy()];
    let run = ["run", "-q", "--locked", "-p", "sekisho-dnssec", "--example", "judge", "--", &paths[0], &paths[1]];
    let text = shell::output("cargo", &run)?;
    let rows = text.lines().map(|l| l.split('\t').collect::<Vec<_>>()).filter(|r| r.len() == 7);
    let said: Vec<Said> =
        rows.filter(|r| concerns(case, r)).map(|r| Said { status: r[3].to_owned(), reason: r[4].to_owned() }).collect();
    if said.is_empty() {
        bail!("dnssec: {} says nothing of the question\n{text}", file.display());
    }
    Ok(said)
}

/// Is the row about the question of the case? Resolvers that minimise names stop at an ancestor that doesn't exist.
fn concerns(case: &Value, row: &[&str]) -> bool {
    let text = |member: &str| case[member].as_str().unwrap_or_default();
    let is_reported = row[2] == "reported";
    let is_denied_above = text("name").starts_with("no-name") && text("question").ends_with(&format!(".{}", row[0]));
    let is_name = row[0] == text("question") || row[2] == "denial" && is_denied_above;
    let is_type = row[1] == text("rtype") || row[1] == "CNAME";
    is_name && is_type && row[2] != "delegation" && is_reported == (text("reason") == "servfail-ede")
}
