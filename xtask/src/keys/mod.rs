//! `cargo xtask keys`: what is read with keys beside what is read in clear.
//!
//! Real servers and clients in network namespaces exchange the same things in clear and in TLS of every kind, each
//! captured with its secrets (`lab.py`). The binary must then say the same of both: the same rows, the same files to
//! the last byte. With the secrets of another session it must say nothing of what is inside.

mod compare;
mod example;
mod laboratory;
mod options;
mod run;

use crate::shell;
use anyhow::{Context, Result, bail};
use compare::Judgement;
use options::{HELP, Options};
use run::{Found, Program};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Differences shown of one case.
const MAX_SHOWN: usize = 6;

/// As a task of its own: where nothing can be recorded it fails.
pub(crate) fn keys(args: &[&str]) -> Result<bool> {
    let Some(options) = Options::parse(args)? else {
        print!("{HELP}");
        return Ok(true);
    };
    if let Some(why) = laboratory::missing()? {
        bail!("keys: {why}");
    }
    if options.example {
        return example::make();
    }
    run_all(&options)
}

/// As a step of `check`; the reason if it can't be taken here.
pub(crate) fn check() -> Result<Result<bool, String>> {
    if let Some(why) = laboratory::missing()? {
        return Ok(Err(why));
    }
    run_all(&Options::default()).map(Ok)
}

fn run_all(options: &Options) -> Result<bool> {
    let root = shell::root();
    if options.sekisho.is_none() {
        shell::run("cargo", &["build", "--release", "--locked", "-p", "sekisho"])?;
    }
    let program = Program(options.sekisho.clone().unwrap_or_else(|| root.join("target/release/sekisho")));
    let folder = options.keep.clone().unwrap_or_else(|| root.join("target/keys"));
    if options.keep.is_none() {
        let _ = fs::remove_dir_all(&folder);
    }
    laboratory::record(&folder, &options.names)?;
    let good = judge_all(&program, &folder)?;
    if options.keep.is_none() {
        fs::remove_dir_all(&folder).context("target/keys")?;
    }
    Ok(good)
}

/// Compares all cases of a folder and prints a line for each.
fn judge_all(program: &Program, folder: &Path) -> Result<bool> {
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(folder.join("cases.json"))?)?;
    let path = |case: &Value, ending: &str| folder.join(format!("{}.{ending}", case["name"].as_str().unwrap_or("")));
    let mut clear: BTreeMap<String, Found> = BTreeMap::new();
    let mut other_keys: Option<PathBuf> = None;
    let (mut closed_count, mut failed_count) = (0, 0);
    println!("{:34} {:>5} {:>6}  result", "case", "rows", "files");
    for case in &cases {
        let name = case["name"].as_str().context("a case without name")?;
        let capture = path(case, "pcap");
        let (found, judgement) = if let Some(like) = case["like"].as_str() {
            closed_count += 1;
            let keys = path(case, "keys");
            let found = program.read(&capture, Some(&keys))?;
            let reference = clear.get(like).with_context(|| format!("{name}: no case {like}"))?;
            let mut judgement = compare::with_keys(case, reference, &found);
            // Those of another session, and none: the inside must stay closed.
            for wrong in [other_keys.as_deref(), None] {
                judgement.add(compare::without(&program.read(&capture, wrong)?, reference));
            }
            other_keys = Some(keys);
            (found, judgement)
        } else {
            let found = program.read(&capture, None)?;
            let judgement = compare::in_clear(case, &found);
            clear.insert(name.to_owned(), found.clone());
            (found, judgement)
        };
        failed_count += usize::from(!judgement.is_good());
        print(name, case["like"].as_str(), &found, &judgement);
    }
    println!("keys: {} captures, {closed_count} of them with keys, {failed_count} failed", cases.len());
    Ok(failed_count == 0 && closed_count > 0)
}

fn print(name: &str, like: Option<&str>, found: &Found, judgement: &Judgement) {
    let result = match (judgement.is_good(), like) {
        (true, Some(like)) => format!("as {like}; closed with other keys and without"),
        (true, None) => "in clear: every file as the server had it".to_owned(),
        (false, _) => "FAILED".to_owned(),
    };
    println!("{name:34} {:>5} {:>6}  {result}", found.rows.len(), found.files.len());
    for difference in judgement.differences.iter().take(MAX_SHOWN) {
        println!("    {difference}");
    }
    if judgement.differences.len() > MAX_SHOWN {
        println!("    and {} more", judgement.differences.len() - MAX_SHOWN);
    }
}
