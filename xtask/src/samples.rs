//! `cargo xtask unpack-samples`: nested archives made by the real tools, unpacked again, every leaf compared.

use crate::{check, shell};
use anyhow::Result;

/// Programs that make samples, and Debian's packages of them.
const TOOLS: &[(&str, &str)] = &[
    ("7z", "p7zip-full"),
    ("ar", "binutils"),
    ("bzip2", "bzip2"),
    ("compress", "ncompress"),
    ("cpio", "cpio"),
    ("gcab", "gcab"),
    ("genisoimage", "genisoimage"),
    ("lz4", "lz4"),
    ("python3", "python3"),
    ("rpmbuild", "rpm"),
    ("tar", "tar"),
    ("uuencode", "sharutils"),
    ("xz", "xz-utils"),
    ("zip", "zip"),
    ("zstd", "zstd"),
];

/// Installs what is missing, if we may, and runs all samples; a missing tool is a failure.
pub(crate) fn task() -> Result<bool> {
    for (program, package) in TOOLS {
        // Some know no `--version`; that they are there is asked of the package then.
        let there = shell::output("sh", &["-c", &format!("command -v {program} || true")])?;
        if there.trim().is_empty() {
            check::has(program, package)?;
        }
    }
    let run = ["test", "--locked", "--release", "-p", "sekisho-unpack", "--test", "samples", "--", "--nocapture"];
    shell::run_with("cargo", &run, &[("SEKISHO_UNPACK_ALL", "1")])?;
    // And through a capture and the command.
    let run = ["test", "--locked", "--release", "-p", "sekisho", "--test", "files_samples", "--", "--nocapture"];
    shell::run_with("cargo", &run, &[("SEKISHO_UNPACK_ALL", "1")])?;
    Ok(true)
}
