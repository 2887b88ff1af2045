//! `--trust-anchors`: where chains of DNSSEC begin, from a file.

use anyhow::{Context, Result, bail};
use sekisho_detect::Anchors;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Longest file that is read: room for many times what can be used.
const MAX_LEN: u64 = 1024 * 1024;

/// The anchors of the file, or the root's own.
pub fn read(path: Option<&Path>) -> Result<Anchors> {
    let Some(path) = path else { return Ok(Anchors::root()) };
    parse(path).with_context(|| format!("--trust-anchors {}", path.display()))
}

fn parse(path: &Path) -> Result<Anchors> {
    let mut text = String::new();
    File::open(path)?.take(MAX_LEN + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_LEN {
        bail!("longer than {MAX_LEN} bytes");
    }
    // Some editors put a mark first.
    Ok(Anchors::from_text(text.strip_prefix('\u{feff}').unwrap_or(&text))?)
}
