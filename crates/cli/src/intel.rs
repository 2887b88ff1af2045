//! `--intel`: lists of what has a bad name, from files.

use anyhow::{Context, Result, bail};
use sekisho_detect::Intel;
use sekisho_types::Timestamp;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Reads all lists. What can't be used in one is said on standard error; a list without anything of use is an error, as
/// whoever gives it counts on it.
pub fn read(paths: &[PathBuf], quiet: bool) -> Result<Intel> {
    let mut table = Intel::default();
    for path in paths {
        add(&mut table, path).with_context(|| format!("--intel {}", path.display()))?;
        let Some(list) = table.lists().last() else { continue };
        if !quiet {
            for problem in &list.problems {
                eprintln!("sekisho: {}:{}: {}", list.name, problem.line, problem.what);
            }
            let more = list.problem_count.saturating_sub(list.problems.len() as u64);
            if more > 0 {
                eprintln!("sekisho: {}: {more} further entries cannot be used", list.name);
            }
        }
        if list.entries == 0 {
            let first = list.problems.first().map_or(String::new(), |p| format!(": line {}: {}", p.line, p.what));
            bail!("--intel {}: no entry of use in this {} list{first}", path.display(), list.format.name());
        }
    }
    Ok(table)
}

fn add(table: &mut Intel, path: &Path) -> Result<()> {
    let file = File::open(path)?;
    let changed = file.metadata()?.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    let date = changed.and_then(|t| i64::try_from(t.as_nanos()).ok()).map(Timestamp);
    let mut text = Vec::new();
    // One byte more than is used, so that the table can say that there is more.
    file.take(sekisho_detect::MAX_LIST_LEN as u64 + 1).read_to_end(&mut text)?;
    let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    table.add(&name, &text, date);
    Ok(())
}
