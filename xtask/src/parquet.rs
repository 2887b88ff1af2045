//! `cargo xtask parquet-check`: Parquet files read back by those whose readers count, DuckDB and pyarrow.

use crate::shell;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The readers, from PyPI. Named by version, so that a new one fails nobody by surprise.
const READERS: &[&str] = &["duckdb==2.0.0", "pyarrow==26.0.1"];

/// A Python with the readers, if they are to be had.
fn python() -> Result<Option<PathBuf>> {
    crate::python::with("parquet-readers", READERS, "duckdb, pyarrow")
}

/// Writes all goldens and examples as Parquet and ndjson in one pass and compares what the readers see; `None` if there
/// are no readers.
pub(crate) fn check() -> Result<Option<bool>> {
    let Some(python) = python()? else { return Ok(None) };
    let root = shell::root();
    shell::run("cargo", &["build", "--release", "--locked", "-p", "sekisho"])?;
    let folder = root.join("target/parquet-check");
    let _ = fs::remove_dir_all(&folder);
    let mut written = Command::new(root.join("target/release/sekisho"));
    written.args(["logs", "--quiet", "--stats", "--hash", "md5,sha1,sha256", "--format", "parquet,ndjson", "-o"]);
    let status =
        written.arg(&folder).args([root.join("examples"), root.join("goldens")]).status().context("sekisho")?;
    // 1 is a damaged capture, of which there are some.
    if !matches!(status.code(), Some(0 | 1)) {
        return Ok(Some(false));
    }
    let status = Command::new(python).arg(root.join("xtask/src/parquet_check.py")).arg(&folder).status();
    Ok(Some(status.context("python")?.success()))
}

/// As a task of its own: without readers it fails.
pub(crate) fn task() -> Result<bool> {
    let done = check()?;
    if done.is_none() {
        eprintln!("parquet-check: needs python3 with venv, and {} from PyPI", READERS.join(" and "));
    }
    Ok(done.unwrap_or(false))
}
