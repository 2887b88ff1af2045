//! `sekisho logs`.

use crate::args::{Format, Hash, Logs};
use crate::{drive, gather, input};
use anyhow::{Context, Result, bail};
use sekisho_engine::STATS_INTERVAL;
use sekisho_output::{Sinks, Writer};
use std::fs::{self, File};
use std::io;

/// True if a capture was damaged.
pub fn run(args: &Logs) -> Result<bool> {
    let formats: Vec<sekisho_output::Format> = args.format.iter().map(|&f| output_format(f)).collect();
    let to_stdout = args.output.as_os_str() == "-";
    if to_stdout && args.format != [Format::Ndjson] {
        bail!("-o - writes one stream: use it with --format ndjson");
    }
    let captures = input::open(&args.common)?;
    let mut settings = input::settings(&args.common)?;
    settings.stats = args.stats.then_some(STATS_INTERVAL);
    for hash in &args.hash {
        match hash {
            Hash::Md5 => settings.files.hashes.md5 = true,
            Hash::Sha1 => settings.files.hashes.sha1 = true,
            Hash::Sha256 => settings.files.hashes.sha256 = true,
        }
    }
    let dir = args.output.clone();
    if !to_stdout {
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    let sinks = Sinks::new(&formats, move |name| -> io::Result<Writer> {
        if to_stdout {
            return Ok(Box::new(io::stdout()));
        }
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(Box::new(File::create(path)?))
    });
    let mut logs = gather::Logs { sinks, failed: None, prompt: to_stdout };
    let outcome = drive::gather(&args.common, captures, settings, &mut logs);
    if let Some(e) = logs.failed {
        return Err(e.into());
    }
    let written = logs.sinks.finish()?;
    if args.common.verbose {
        eprintln!("sekisho: {} packets, {} rows, {} bytes written", outcome.stats.packets, written.rows, written.bytes);
    }
    Ok(outcome.damaged)
}

fn output_format(f: Format) -> sekisho_output::Format {
    match f {
        Format::ZeekJson => sekisho_output::Format::ZeekJson,
        Format::Zeek => sekisho_output::Format::Zeek,
        Format::Ndjson => sekisho_output::Format::Ndjson,
    }
}
