//! Instruction counts by valgrind's callgrind, made as much as possible the same on every machine.

use crate::bench::find;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

/// What the C library must not choose by the processor: with these gone its plain SSE2 functions are left, which
/// every x86-64 machine has.
const TUNABLES: &str = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-SSE4_2,-SSE4_1,-SSSE3,-Fast_Unaligned_Copy,-BMI2,-LZCNT,-MOVBE";

/// What a run came to.
pub(crate) struct Count {
    /// Instructions executed.
    pub(crate) instructions: u64,
    /// What it printed, if that was not much.
    pub(crate) stdout: Vec<u8>,
}

/// How valgrind can be had.
pub(crate) const INSTALL: &str = "valgrind is not installed (Debian: apt-get install valgrind)";

/// Is valgrind installed?
pub(crate) fn is_there() -> bool {
    find("valgrind").is_some()
}

/// Runs `command` (program and arguments) in an environment that is always the same.
pub(crate) fn count(command: &[String]) -> Result<Count> {
    let valgrind = find("valgrind").context(INSTALL)?;
    let out = Command::new(valgrind)
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(command)
        .current_dir(shell::root())
        .env_clear()
        .env("GLIBC_TUNABLES", TUNABLES)
        .stdin(Stdio::null())
        .output()
        .context(INSTALL)?;
    let said = String::from_utf8_lossy(&out.stderr);
    if !out.status.success() {
        bail!("{}: {}: {said}", command.join(" "), out.status);
    }
    let line = said.lines().find(|l| l.contains("Collected")).context("no count from callgrind")?;
    let number = line.rsplit(' ').next().unwrap_or_default();
    Ok(Count { instructions: number.parse().context("callgrind's count")?, stdout: out.stdout })
}
