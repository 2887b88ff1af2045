//! Files that say what `audit` cannot know: authorities, places of addresses, holidays, what was agreed to be muted.

use anyhow::{Context, Result, anyhow, bail};
use sekisho_detect::{Geo, MAX_GEO_LEN, Watched};
use sekisho_finding::Mutes;
use sekisho_proto::Trust;
use sekisho_types::Day;
use sekisho_x509::RootStore;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest file of certificates that is read: a hundred times all public roots.
const MAX_ROOTS_LEN: usize = 32 << 20;

/// Longest file of mutes, and of holidays.
const MAX_LINES_LEN: usize = 16 << 20;

/// Most holidays.
const MAX_HOLIDAYS: usize = 10_000;

/// All of a file.
fn whole(path: &Path, max: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > max {
        bail!("longer than {} MiB", max >> 20);
    }
    Ok(bytes)
}

/// All of a file as text, without the mark that some editors put first.
fn text(path: &Path) -> Result<String> {
    let text = String::from_utf8(whole(path, MAX_LINES_LEN)?).context("no text in UTF-8")?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Mozilla's roots and those of a file.
pub fn trust(path: &Path) -> Result<Trust> {
    let what = || format!("--roots {}", path.display());
    let mut roots = RootStore::mozilla();
    roots.add_bundle(&whole(path, MAX_ROOTS_LEN).with_context(what)?).with_context(what)?;
    Ok(Trust::new(roots))
}

/// What was agreed to be muted.
pub fn mutes(path: &Path) -> Result<Mutes> {
    let what = || format!("--mutes {}", path.display());
    Mutes::parse(&text(path).with_context(what)?, &sekisho_detect::abouts()).with_context(what)
}

/// Where addresses are, and which places are watched.
pub fn geo(paths: &[PathBuf], watched: &[Watched]) -> Result<Geo> {
    let mut geo = Geo::watching(watched);
    for path in paths {
        let what = || format!("--geoip {}", path.display());
        geo.add(whole(path, MAX_GEO_LEN).with_context(what)?).map_err(|e| anyhow!(e)).with_context(what)?;
    }
    Ok(geo)
}

/// Days on which people are off, sorted: a day a line, `#` begins a comment.
pub fn holidays(path: &Path) -> Result<Arc<[Day]>> {
    let what = || format!("--holidays {}", path.display());
    let mut days: Vec<Day> = Vec::new();
    for (i, line) in text(path).with_context(what)?.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        days.push(line.parse().with_context(|| format!("{}: line {}", what(), i + 1))?);
        if days.len() > MAX_HOLIDAYS {
            bail!("{}: more than {MAX_HOLIDAYS} days", what());
        }
    }
    days.sort_unstable();
    days.dedup();
    if days.is_empty() {
        bail!("{}: no day in it", what());
    }
    Ok(days.into())
}
