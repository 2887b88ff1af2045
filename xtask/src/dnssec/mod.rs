//! `cargo xtask dnssec`: what `sekisho-dnssec` and `sekisho audit` say of captured answers beside what real validators say.
//!
//! `lab.py` signs zones with BIND's tools (`zones.py`), damages some, serves them, and records what passes while
//! `unbound-host` and `delv` validate names in them. Both recordings of a case must be judged as those two judged it,
//! and for the reason that the damage was done: by the crate, which is shown the responses, and by the program, which is given
//! the capture.

mod book;

use crate::{namespaces, shell};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const HELP: &str = "\
cargo xtask dnssec

  Signs zones (algorithms 7, 8, 10, 13, 14, 15; NSEC, NSEC3, opt-out) below a root of their own, damages some, serves
  them with BIND in a network namespace, and has `unbound-host` (at a resolver: all referrals) and `delv` (before one)
  validate names in them. What passed is judged by sekisho-dnssec, and by `sekisho audit` from the captures: prints a
  table, and fails if a verdict differs for no reason that is listed, or if the program's findings do not name the reason.
  Needs root; installs the Debian packages that are missing; sends nothing outside.

  --keep DIR      keep zones, recordings and cases.json there
  --program PATH  test this program instead of building one
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

/// Verdicts on a recording, as `name type subject status reason`.
type Verdicts = Vec<Vec<String>>;

/// As a task of its own: where there can be no laboratory it fails.
pub(crate) fn dnssec(args: &[&str]) -> Result<bool> {
    let (mut keep, mut program, mut bless) = (None, None, false);
    let mut args = args.iter().copied();
    while let Some(arg) = args.next() {
        match arg {
            "--help" | "-h" => {
                print!("{HELP}");
                return Ok(true);
            }
            "--keep" => keep = Some(PathBuf::from(args.next().context("--keep wants a value")?)),
            "--program" => program = Some(PathBuf::from(args.next().context("--program wants a value")?)),
            "--bless" => bless = true,
            _ => bail!("no such argument {arg}\n\n{HELP}"),
        }
    }
    if let Some(why) = namespaces::missing(PROGRAMS)? {
        bail!("dnssec: {why}");
    }
    compare(keep, program, bless)
}

/// As a step of the check: `Err` with a sentence if there can be no laboratory here.
pub(crate) fn check() -> Result<Result<bool, String>> {
    match namespaces::missing(PROGRAMS)? {
        Some(why) => Ok(Err(why)),
        None => Ok(Ok(compare(None, None, false)?)),
    }
}

fn compare(keep: Option<PathBuf>, program: Option<PathBuf>, bless: bool) -> Result<bool> {
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
    let program = match program {
        Some(path) => path.canonicalize().with_context(|| path.display().to_string())?,
        None => {
            shell::run("cargo", &["build", "--release", "--locked", "--quiet", "-p", "sekisho"])?;
            root.join("target/release/sekisho")
        }
    };
    let good = judge_all(&folder, &program, &cases)?;
    if bless && good {
        book::write(&folder, &cases, &root.join("crates/dnssec/tests/data"))?;
    }
    if keep.is_none() {
        fs::remove_dir_all(&folder).context("target/dnssec")?;
    }
    Ok(good)
}

/// Prints a line for each case; do all agree?
fn judge_all(folder: &Path, program: &Path, cases: &[Value]) -> Result<bool> {
    let by_crate = by_crate(folder, cases)?;
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
            let (by_program, findings) = by_program(folder, program, &file)?;
            let none = Verdicts::new();
            let by_crate = by_crate.get(&file.to_string_lossy().into_owned()).unwrap_or(&none);
            for (whose, verdicts) in [("the crate", by_crate), ("the program", &by_program)] {
                let all = about(case, verdicts);
                if all.is_empty() {
                    faults.push(format!("at the {vantage} {whose} says nothing of the question"));
                }
                for said in all {
                    if (said.status.as_str(), said.reason.as_str()) != (text("status"), text("reason")) {
                        faults.push(format!("at the {vantage} {whose} says {} ({})", said.status, said.reason));
                    }
                }
            }
            match (text("status") == "bogus", findings.iter().any(|reason| reason == text("reason"))) {
                (true, false) => faults.push(format!("at the {vantage} no finding names the reason: {findings:?}")),
                (false, _) if !findings.is_empty() => {
                    faults.push(format!("at the {vantage} there are findings: {findings:?}"));
                }
                _ => {}
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

/// What the crate says of each recording, by its path.
fn by_crate(folder: &Path, cases: &[Value]) -> Result<BTreeMap<String, Verdicts>> {
    let path = |name: String| folder.join(name).to_string_lossy().into_owned();
    let mut run: Vec<String> =
        ["run", "-q", "--locked", "-p", "sekisho-dnssec", "--example", "judge", "--"].map(str::to_owned).to_vec();
    run.push(path("anchors".to_owned()));
    for case in cases {
        let files = VANTAGES.map(|v| path(format!("{}.{v}", case["name"].as_str().unwrap_or_default())));
        run.extend(files.into_iter().filter(|f| Path::new(f).exists()));
    }
    let text = shell::output("cargo", &run.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut all: BTreeMap<String, Verdicts> = BTreeMap::new();
    let mut file = String::new();
    for line in text.lines() {
        match line.strip_prefix("# ") {
            Some(path) => path.clone_into(&mut file),
            None => {
                let row: Vec<String> = line.split('\t').map(str::to_owned).collect();
                // Concerns have fewer columns.
                if row.len() == 7 {
                    all.entry(file.clone()).or_default().push(row);
                }
            }
        }
    }
    Ok(all)
}

/// What the program says of a capture: its verdicts, and the reasons of its findings of `dnssec-bogus`.
fn by_program(folder: &Path, program: &Path, file: &Path) -> Result<(Verdicts, Vec<String>)> {
    let capture = PathBuf::from(format!("{}.pcap", file.display()));
    let mut command = Command::new(program);
    command.args(["audit", "-q", "--json", "-", "--trust-anchors"]).arg(folder.join("anchors")).arg(&capture);
    let out = command.stdin(Stdio::null()).output().with_context(|| program.display().to_string())?;
    if !out.status.success() {
        bail!("dnssec: {}: {}", capture.display(), String::from_utf8_lossy(&out.stderr));
    }
    let page: Value = serde_json::from_slice(&out.stdout).with_context(|| capture.display().to_string())?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let columns = ["name", "type", "subject", "status", "reason"];
    let row = |v: &Value| columns.map(|c| v[c].as_str().unwrap_or_default().to_owned()).to_vec();
    let verdicts = list(&page["dnssec"]["verdicts"]).iter().map(row).collect();
    let mut reasons = Vec::new();
    for finding in list(&page["findings"]).iter().filter(|f| f["id"] == "dnssec-bogus") {
        let quotes = list(&finding["quotes"]);
        reasons.extend(
            quotes.iter().filter(|q| q["label"] == "reason").filter_map(|q| Some(q["text"].as_str()?.to_owned())),
        );
    }
    Ok((verdicts, reasons))
}

/// What is said of the case's question.
fn about(case: &Value, verdicts: &Verdicts) -> Vec<Said> {
    let rows = verdicts.iter().filter(|row| concerns(case, row));
    rows.filter_map(|r| Some(Said { status: r.get(3)?.clone(), reason: r.get(4)?.clone() })).collect()
}

/// Is the row about the question of the case? Resolvers that minimise names stop at an ancestor that doesn't exist.
fn concerns(case: &Value, row: &[String]) -> bool {
    let text = |member: &str| case[member].as_str().unwrap_or_default();
    let is_reported = row[2] == "reported";
    let is_denied_above = text("name").starts_with("no-name") && text("question").ends_with(&format!(".{}", row[0]));
    let is_name = row[0] == text("question") || row[2] == "denial" && is_denied_above;
    let is_type = row[1] == text("rtype") || row[1] == "CNAME";
    is_name && is_type && row[2] != "delegation" && is_reported == (text("reason") == "servfail-ede")
}
