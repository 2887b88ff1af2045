//! `cargo xtask findings`: what the detectors say of many captures, and what they say otherwise than before.

use crate::{parallel, shell};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is agreed on for the project's own captures.
const TABLE: &str = "goldens/findings.tsv";

/// Folders of the project's own captures.
const OWN: &[&str] = &["examples", "goldens"];

const HEAD: &str = "# What `sekisho audit` finds in the captures of this project; `cargo xtask findings --bless` writes it anew.\n\
                    # capture\tjudgement/reason\tseverity\tsubject\tkey\tsigns\n";

/// Differences shown of each judgement; all are counted.
const SHOWN: usize = 10;

const HELP: &str = "\
cargo xtask findings [FLAG…] [FILE|FOLDER…]

Audits captures and counts findings by judgement. Without FILE or FOLDER: those of examples/ and goldens/, beside the
agreed goldens/findings.tsv; a difference fails.

  --bless            write the agreed table anew; then read the diff
  --write TSV        write what was found
  --against TSV      show what differs from an earlier --write; a difference fails
  --sample N         N findings to judge by reading, spread over all judgements, with words and measures
  --seed S           another sample (default 1)
  --program PATH     this binary (default: a release build)
";

/// One finding, as it stands in the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    code: String,
    capture: String,
    severity: String,
    subject: String,
    key: String,
    count: u64,
}

/// A finding of the page, as far as it is read.
#[derive(Deserialize)]
struct Finding {
    code: String,
    severity: String,
    subject: String,
    key: String,
    count: u64,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Page {
    findings: Vec<Finding>,
}

#[derive(Default)]
struct Options {
    bless: bool,
    write: Option<PathBuf>,
    against: Option<PathBuf>,
    sample: usize,
    seed: u64,
    program: Option<PathBuf>,
    paths: Vec<PathBuf>,
}

impl Options {
    fn parse(args: &[&str]) -> Result<Option<Self>> {
        let mut options = Self { seed: 1, ..Self::default() };
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
            match arg {
                "--help" | "-h" => return Ok(None),
                "--bless" => options.bless = true,
                "--write" => options.write = Some(value()?.into()),
                "--against" => options.against = Some(value()?.into()),
                "--sample" => options.sample = value()?.parse().context("--sample")?,
                "--seed" => options.seed = value()?.parse().context("--seed")?,
                "--program" => options.program = Some(value()?.into()),
                _ if arg.starts_with('-') => bail!("{arg}: no such flag; cargo xtask findings --help"),
                _ => options.paths.push(arg.into()),
            }
        }
        if options.bless && (!options.paths.is_empty() || options.against.is_some()) {
            bail!("--bless is for the project's own captures alone");
        }
        Ok(Some(options))
    }
}

/// Runs what `args` ask for; false if something differs.
pub(crate) fn findings(args: &[&str]) -> Result<bool> {
    let Some(options) = Options::parse(args)? else {
        print!("{HELP}");
        return Ok(true);
    };
    let program = match &options.program {
        Some(path) => path.clone(),
        None => {
            shell::run("cargo", &["build", "--release", "--locked", "--quiet", "-p", "sekisho"])?;
            shell::root().join("target/release/sekisho")
        }
    };
    let own = options.paths.is_empty();
    let root = shell::root();
    let folders = if own { OWN.iter().map(|f| root.join(f)).collect() } else { options.paths.clone() };
    let mut captures = Vec::new();
    for folder in &folders {
        collect(folder, &mut captures)?;
    }
    captures.sort();
    let (mut lines, mut texts, mut failed) = (Vec::new(), Vec::new(), 0);
    parallel::each(
        &captures,
        |path| Ok(audit(&program, path)),
        |path, page| {
            let capture = path.strip_prefix(&root).unwrap_or(path).display().to_string();
            let page = match page {
                Ok(page) => page,
                Err(e) => {
                    println!("{capture}: {e:#}");
                    failed += 1;
                    return Ok(());
                }
            };
            for f in page.findings {
                lines.push(Line {
                    code: f.code,
                    capture: capture.clone(),
                    severity: f.severity,
                    subject: f.subject,
                    // As in JSON, so that a line stays a line.
                    key: serde_json::to_string(&f.key)?,
                    count: f.count,
                });
                if options.sample > 0 {
                    texts.push(serde_json::to_string(&f.rest)?);
                }
            }
            Ok(())
        },
    )?;
    if options.sample > 0 {
        sample(&lines, &texts, options.sample, options.seed);
    }
    lines.sort();
    counts(&lines, captures.len());
    let table = lines.iter().map(row).collect::<String>();
    if let Some(path) = &options.write {
        fs::write(path, HEAD.to_owned() + &table).with_context(|| path.display().to_string())?;
    }
    if options.bless {
        fs::write(root.join(TABLE), HEAD.to_owned() + &table)?;
        return Ok(failed == 0);
    }
    let against = options.against.clone().or_else(|| own.then(|| root.join(TABLE)));
    let same = match against {
        Some(path) => compare(&fs::read_to_string(&path).with_context(|| path.display().to_string())?, &lines),
        None => true,
    };
    Ok(same && failed == 0)
}

/// Captures in `path`, or `path` itself.
fn collect(path: &Path, to: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        to.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| path.display().to_string())? {
        let entry = entry?.path();
        let ending = entry.extension().and_then(|e| e.to_str()).unwrap_or("");
        if entry.is_dir() {
            collect(&entry, to)?;
        } else if matches!(ending, "pcap" | "pcapng" | "cap" | "trace") {
            to.push(entry);
        }
    }
    Ok(())
}

fn audit(program: &Path, capture: &Path) -> Result<Page> {
    let out = Command::new(program)
        .args(["audit", "-q", "--json", "-"])
        .arg(capture)
        .stdin(Stdio::null())
        .output()
        .with_context(|| program.display().to_string())?;
    // A capture that is damaged somewhere is audited up to there.
    if !matches!(out.status.code(), Some(0 | 1)) || out.stdout.is_empty() {
        bail!("{}: {}", out.status, String::from_utf8_lossy(&out.stderr).trim());
    }
    Ok(serde_json::from_slice(&out.stdout)?)
}

fn row(l: &Line) -> String {
    format!("{}\t{}\t{}\t{}\t{}\t{}\n", l.capture, l.code, l.severity, l.subject, l.key, l.count)
}

/// Prints how many findings each judgement has, by severity.
fn counts(lines: &[Line], captures: usize) {
    const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];
    let mut by_code: BTreeMap<&str, [u64; 5]> = BTreeMap::new();
    for l in lines {
        let at = SEVERITIES.iter().position(|s| *s == l.severity).unwrap_or(4);
        if let Some(n) = by_code.entry(&l.code).or_default().get_mut(at) {
            *n += 1;
        }
    }
    println!("{:52} {}", "", SEVERITIES.map(|s| format!("{s:>8}")).join(" "));
    for (code, n) in &by_code {
        println!("{code:52} {}", n.map(|n| format!("{n:>8}")).join(" "));
    }
    println!("{} findings of {} kinds in {captures} captures", lines.len(), by_code.len());
}

/// Prints what is new and what is gone; true if nothing is.
fn compare(before: &str, now: &[Line]) -> bool {
    let before: BTreeSet<&str> = before.lines().filter(|l| !l.starts_with('#')).collect();
    let rows: Vec<String> = now.iter().map(|l| row(l).trim_end_matches('\n').to_owned()).collect();
    let now: BTreeSet<&str> = rows.iter().map(String::as_str).collect();
    let mut by_code: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (sign, line) in before.difference(&now).map(|l| ('-', l)).chain(now.difference(&before).map(|l| ('+', l))) {
        by_code.entry(line.split('\t').nth(1).unwrap_or("")).or_default().push(format!("{sign} {line}"));
    }
    for (code, differences) in &by_code {
        println!("{code}: {} lines differ", differences.len());
        differences.iter().take(SHOWN).for_each(|d| println!("  {d}"));
    }
    by_code.is_empty()
}

/// Prints `count` findings, taken in turn from each kind, of each at random.
fn sample(lines: &[Line], texts: &[String], count: usize, seed: u64) {
    let mut by_code: BTreeMap<&str, Vec<(u64, &Line, &String)>> = BTreeMap::new();
    for (l, text) in lines.iter().zip(texts) {
        let rank = sekisho_types::seeded_hash(seed, row(l).as_bytes());
        by_code.entry(&l.code).or_default().push((rank, l, text));
    }
    by_code.values_mut().for_each(|of_kind| of_kind.sort_unstable());
    let turns = by_code.values().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..turns).flat_map(|n| by_code.values().filter_map(move |of_kind| of_kind.get(n)));
    for (_, line, text) in in_turn.take(count) {
        print!("{}", row(line));
        println!("    {text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(code: &str, count: u64) -> Line {
        let text = |s: &str| s.to_owned();
        Line {
            code: text(code),
            capture: text("a.pcap"),
            severity: text("low"),
            subject: text("10.0.0.1"),
            key: text("\"x\""),
            count,
        }
    }

    #[test]
    fn what_is_new_or_gone_differs() {
        let now = [line("a/b", 1), line("c/d", 2)];
        let table = HEAD.to_owned() + &now.iter().map(row).collect::<String>();
        assert!(compare(&table, &now));
        assert!(!compare(&table, &now[..1]));
        assert!(!compare(&table, &[line("a/b", 1), line("c/d", 3)]));
        assert!(!compare(&table, &[&now[..], &[line("e/f", 1)]].concat()));
        assert!(!compare("", &now) && compare(HEAD, &[]));
    }

    #[test]
    fn flags() {
        assert!(Options::parse(&["--help"]).unwrap().is_none());
        let options = Options::parse(&["--sample", "7", "x", "--against", "y"]).unwrap().unwrap();
        assert_eq!((options.sample, options.paths.len(), options.seed), (7, 1, 1));
        for bad in
            [&["--sample"][..], &["--sample", "x"], &["--what"], &["--bless", "x"], &["--bless", "--against", "y"]]
        {
            assert!(Options::parse(bad).is_err(), "{bad:?}");
        }
    }
}
