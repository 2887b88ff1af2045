//! Instruction counts by valgrind's callgrind, made as much as possible the same on every machine.

use crate::bench::find;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::fs;
use std::process::{Command, Output, Stdio};

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
    let out = run(&["--callgrind-out-file=/dev/null"], command)?;
    let said = String::from_utf8_lossy(&out.stderr);
    let line = said.lines().find(|l| l.contains("Collected")).context("no count from callgrind")?;
    let number = line.rsplit(' ').next().unwrap_or_default();
    Ok(Count { instructions: number.parse().context("callgrind's count")?, stdout: out.stdout })
}

fn run(options: &[&str], command: &[String]) -> Result<Output> {
    let valgrind = find("valgrind").context(INSTALL)?;
    let out = Command::new(valgrind)
        .arg("--tool=callgrind")
        .args(options)
        .args(command)
        .current_dir(shell::root())
        .env_clear()
        .env("GLIBC_TUNABLES", TUNABLES)
        .stdin(Stdio::null())
        .output()
        .context(INSTALL)?;
    if !out.status.success() {
        bail!("{}: {}: {}", command.join(" "), out.status, String::from_utf8_lossy(&out.stderr));
    }
    Ok(out)
}

/// What `command` printed, and the instructions of each call of its function `name`, what that calls included.
pub(crate) fn count_calls(command: &[String], name: &str) -> Result<(String, Vec<u64>)> {
    let folder = shell::root().join("target/callgrind");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let dumps = folder.join("calls");
    let out = run(
        &[
            &format!("--callgrind-out-file={}", dumps.display()),
            // Two patterns, as callgrind takes only one option for each.
            &format!("--toggle-collect=*{name}*"),
            &format!("--dump-after=*:{name}*"),
        ],
        command,
    )?;
    let mut counts = Vec::new();
    // The dump of the n-th call; what comes after the last is in a file without number.
    while let Ok(dump) = fs::read_to_string(dumps.with_extension((counts.len() + 1).to_string())) {
        let total = dump.lines().find_map(|l| l.strip_prefix("totals: ")).context("no total in callgrind's dump")?;
        counts.push(total.trim().parse().context("callgrind's total")?);
    }
    fs::remove_dir_all(&folder)?;
    Ok((String::from_utf8_lossy(&out.stdout).into_owned(), counts))
}
