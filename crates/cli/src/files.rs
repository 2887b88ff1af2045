//! `sekisho files`.

use crate::args::Files;
use crate::store::Folder;
use crate::{drive, input};
use anyhow::{Context, Result};
use sekisho_engine::Worker;
use sekisho_files::{Extract, HashSet};
use sekisho_record::Record;

/// True if a capture was damaged.
pub fn run(args: &Files) -> Result<bool> {
    let captures = input::open(&args.common)?;
    let mut settings = input::settings(&args.common)?;
    settings.files.hashes = HashSet::ALL;
    settings.files.extract = Extract::All;
    settings.files.extract_file_len = args.max_size;
    settings.files.extract_total_len = args.max_total;
    let to = || format!("cannot write to {}", args.output.display());
    let mut folder = Folder::new(&args.output, args.common.seed).with_context(to)?;
    let mut rows = |_: &dyn Record| {};
    // One folder and one index for all flows: one shard.
    let worker = Worker::with_shards(settings, 1);
    let outcome = drive::drive(&args.common, captures, worker, &mut rows, &mut folder, || true);
    let kept = folder.finish().with_context(to)?;
    if !args.common.quiet {
        let files = outcome.stats.files;
        eprintln!("sekisho: {kept} files in {}", args.output.display());
        if files.extract_cut_off > 0 {
            eprintln!("sekisho: {} files were cut at --max-size or --max-total", files.extract_cut_off);
        }
    }
    Ok(outcome.damaged)
}
