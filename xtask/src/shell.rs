//! Running other programs.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::{Child, Command};

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().map(PathBuf::from).unwrap_or_default()
}

/// Runs `program` in the root, output shown; fails unless it succeeds.
pub(crate) fn run(program: &str, args: &[&str]) -> Result<()> {
    run_with(program, args, &[])
}

/// As [`run`], with environment variables.
pub(crate) fn run_with(program: &str, args: &[&str], env: &[(&str, &str)]) -> Result<()> {
    eprintln!("+ {program} {}", args.join(" "));
    let status = Command::new(program)
        .args(args)
        .envs(env.iter().copied())
        .current_dir(root())
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{program} {} failed: {status}", args.join(" "));
    }
    Ok(())
}

/// A program that runs beside others.
pub(crate) struct Beside {
    child: Child,
    line: String,
}

/// Starts `program` in the root, output shown; what it writes may stand between what others write.
pub(crate) fn start(program: &str, args: &[&str]) -> Result<Beside> {
    let line = format!("{program} {}", args.join(" "));
    eprintln!("+ {line} &");
    let child = Command::new(program).args(args).current_dir(root()).spawn();
    Ok(Beside { child: child.with_context(|| format!("cannot start {program}"))?, line })
}

impl Beside {
    /// Waits for its end; fails unless it succeeded.
    pub(crate) fn end(mut self) -> Result<()> {
        let status = self.child.wait().with_context(|| self.line.clone())?;
        if !status.success() {
            bail!("{} failed: {status}", self.line);
        }
        Ok(())
    }
}

impl Drop for Beside {
    /// Nobody waits for it any more.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `program` and returns what it printed.
pub(crate) fn output(program: &str, args: &[&str]) -> Result<String> {
    let out = Command::new(program)
        .args(args)
        .current_dir(root())
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    if !out.status.success() {
        bail!("{program} {} failed: {}", args.join(" "), String::from_utf8_lossy(&out.stderr));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}
