//! `sekisho logs`.

use crate::args::{Format, Hash, Logs};
use crate::gather::{self, Judged};
use crate::{drive, eve, input, judge};
use anyhow::{Context, Result, bail};
use sekisho_engine::STATS_INTERVAL;
use sekisho_output::{Sinks, Writer};
use sekisho_types::Day;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// True if a capture was damaged.
pub fn run(args: &Logs) -> Result<bool> {
    let formats: Vec<sekisho_output::Format> = args.format.iter().filter_map(|&f| output_format(f)).collect();
    let to_stdout = args.output.as_os_str() == "-";
    if to_stdout && args.format != [Format::Ndjson] && args.format != [Format::Eve] {
        if args.format.contains(&Format::Parquet) {
            bail!(
                "-o - writes one stream, and a Parquet file holds one log: name a folder, or use --format ndjson or eve"
            );
        }
        bail!("-o - writes one stream: use it with --format ndjson or eve");
    }
    let captures = input::open(&args.common)?;
    let mut settings = input::settings(&args.common)?;
    settings.stats = args.stats.then_some(STATS_INTERVAL);
    let config = args.suricata_config.as_deref().map(eve::config).transpose()?;
    let is_eve = args.format.contains(&Format::Eve);
    if !args.rules.is_empty() && !is_eve {
        bail!("--rules needs --format eve: what rules find is an event of EVE");
    }
    if args.given.is_any() && !args.judge {
        bail!("what judges are given needs --judge");
    }
    if args.judge && formats.is_empty() {
        bail!("--judge writes notice.log, which EVE has no event for: give another format beside eve");
    }
    let rules = (!args.rules.is_empty()).then(|| eve::rules(&args.rules, config.as_ref(), args.common.quiet));
    let rules = rules.transpose()?;
    if is_eve {
        let mut of_config = config.as_ref().map(eve::settings).unwrap_or_default();
        // Rows of other formats are as they are without EVE: what waits for an acknowledgement may be too late for them.
        of_config.inline |= !formats.is_empty();
        of_config.alone = formats.is_empty();
        if args.stats {
            of_config.stats.get_or_insert_default();
        }
        if let (Some(stats), Some((_, counts))) = (&mut of_config.stats, &rules) {
            stats.rules = Some(*counts);
        }
        eve::watch(&mut settings, of_config);
    }
    if let Some((program, _)) = rules {
        eve::apply(&mut settings, program);
    }
    for hash in &args.hash {
        match hash {
            Hash::Md5 => settings.files.hashes.md5 = true,
            Hash::Sha1 => settings.files.hashes.sha1 = true,
            Hash::Sha256 => settings.files.hashes.sha256 = true,
        }
    }
    let folder = Arc::new(Folder { dir: args.output.clone(), parts: Mutex::default() });
    if !to_stdout {
        fs::create_dir_all(&folder.dir).with_context(|| format!("cannot make {}", folder.dir.display()))?;
    }
    let whole: Vec<&str> = formats.iter().filter(|f| f.is_whole()).map(|f| f.ending()).collect();
    let (opening, completing) = (folder.clone(), folder);
    let mut sinks = Sinks::new(&formats, move |name| -> io::Result<Writer> {
        if to_stdout {
            // One stream has room for one of them: alerts stand in eve.json, too.
            let is_fast = name == sekisho_output::eve::FAST_FILE;
            return Ok(if is_fast { Box::new(io::sink()) } else { Box::new(io::stdout()) });
        }
        let in_part = Path::new(name).extension().is_some_and(|e| whole.iter().any(|w| *w == e));
        if in_part { opening.create_part(name) } else { opening.create(name) }
    })
    .on_complete(move |name| completing.complete(name));
    if args.midstream {
        sinks = sinks.with_midstream();
    }
    if settings.eve.is_some() {
        sinks.expect_file(sekisho_output::eve::FILE);
        if settings.rules.is_some() && !to_stdout {
            sinks.expect_file(sekisho_output::eve::FAST_FILE);
        }
    }
    if formats.contains(&sekisho_output::Format::Parquet) {
        let (budget, columns_len) = settings.budget.with_columns();
        settings.budget = budget;
        sinks = sinks.with_columns_len(usize::try_from(columns_len).unwrap_or(usize::MAX));
    }
    let mut logs = gather::Logs { sinks, failed: None, prompt: to_stdout };
    let outcome;
    if args.judge {
        let mut bench = judge::prepare(&args.common, &args.given, !args.rules.is_empty(), &mut settings)?;
        let mut judged = Judged::new(logs, &bench.scope, bench.flows_len());
        outcome = drive::gather(&args.common, captures, settings, &mut judged);
        let (back, refused) = judged.finish(|verdict| {
            bench.mutes.apply(&mut verdict.findings, Day::of(outcome.stats.last_ts.unwrap_or_default()));
        });
        logs = back;
        if refused > 0 && !args.common.quiet {
            eprintln!("sekisho: {refused} findings had no room and are not in notice.log");
        }
    } else {
        outcome = drive::gather(&args.common, captures, settings, &mut logs);
    }
    if let Some(e) = logs.failed {
        return Err(e.into());
    }
    let written = logs.sinks.finish()?;
    if written.omitted_rows > 0 && !args.common.quiet {
        eprintln!(
            "sekisho: {} rows of connections that began before the capture are left out of Zeek's formats, as by Zeek; \
             --midstream keeps them",
            written.omitted_rows
        );
    }
    if args.common.verbose {
        eprintln!("sekisho: {} packets, {} rows, {} bytes written", outcome.stats.packets, written.rows, written.bytes);
    }
    Ok(outcome.damaged)
}

/// The format of rows; `None`: EVE, which has none.
fn output_format(f: Format) -> Option<sekisho_output::Format> {
    Some(match f {
        Format::ZeekJson => sekisho_output::Format::ZeekJson,
        Format::Zeek => sekisho_output::Format::Zeek,
        Format::Ndjson => sekisho_output::Format::Ndjson,
        Format::Parquet => sekisho_output::Format::Parquet,
        Format::Eve => return None,
    })
}

/// Where the logs go. What is of no use before its last byte has another name until then, `.LOG.parquet.part`: a run that
/// is interrupted leaves no file that looks like one.
struct Folder {
    dir: PathBuf,
    /// Files under such names.
    parts: Mutex<Vec<PathBuf>>,
}

impl Folder {
    fn create(&self, name: &str) -> io::Result<Writer> {
        let path = self.dir.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(Box::new(File::create(path)?))
    }

    fn create_part(&self, name: &str) -> io::Result<Writer> {
        // The one of an earlier run is none of this run.
        match fs::remove_file(self.dir.join(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let part = part_name(name);
        let writer = self.create(&part)?;
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push(self.dir.join(part));
        Ok(writer)
    }

    fn complete(&self, name: &str) -> io::Result<()> {
        let part = self.dir.join(part_name(name));
        fs::rename(&part, self.dir.join(name))?;
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).retain(|p| *p != part);
        Ok(())
    }
}

impl Drop for Folder {
    /// However the pass ended, nothing half-written stays behind.
    fn drop(&mut self) {
        for part in self.parts.get_mut().unwrap_or_else(PoisonError::into_inner) {
            let _ = fs::remove_file(part);
        }
    }
}

/// `parquet/conn.parquet` becomes `parquet/.conn.parquet.part`.
fn part_name(name: &str) -> String {
    match name.rsplit_once('/') {
        Some((folder, file)) => format!("{folder}/.{file}.part"),
        None => format!(".{name}.part"),
    }
}
