//! A Python with packages of PyPI, below `target/`: for peers that are written in it.

use crate::shell;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Python in `target/NAME` that has `packages` (named by version, so that a new one fails nobody by surprise), which `imports`
/// shows; makes one if there is none. `None` if they are not to be had.
pub(crate) fn with(name: &str, packages: &[&str], imports: &str) -> Result<Option<PathBuf>> {
    let home = shell::root().join("target").join(name);
    let python = home.join("bin/python");
    let has_all = |python: &Path| {
        let probe = Command::new(python).args(["-c", &format!("import {imports}")]).output();
        probe.is_ok_and(|o| o.status.success())
    };
    if has_all(&python) {
        return Ok(Some(python));
    }
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home).output();
    if !made.is_ok_and(|o| o.status.success()) {
        return Ok(None);
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "20"];
    let installed = Command::new(&python).args(pip).args(packages).output().context("pip")?;
    Ok((installed.status.success() && has_all(&python)).then_some(python))
}
