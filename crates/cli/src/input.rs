//! From flags to an open timeline and the settings of a pass.

use crate::args::Common;
use anyhow::{Context, Result, bail};
use sekisho_capture::Captures;
use sekisho_engine::{Budget, MIN_LEN, Settings};
use sekisho_proto::MAX_SECRET_SESSIONS;
use std::fs;
use std::io::Read;
use std::path::Path;

/// Default of `--memory` where the machine's size is unknown, and its ceiling elsewhere.
const MAX_DEFAULT_MEMORY: u64 = 2 << 30;

/// Longest key log that is read: a session of TLS 1.3 takes about 1 KiB.
const MAX_KEYLOG_LEN: u64 = 256 << 20;

/// Opens the captures.
pub fn open(common: &Common) -> Result<Captures> {
    Ok(Captures::open(&common.captures)?)
}

/// The settings that the common flags ask for.
pub fn settings(common: &Common) -> Result<Settings> {
    let mut settings = Settings { checksums: common.checksums, ..Settings::default() };
    settings.flow.seed = common.seed;
    if !common.home_net.is_empty() {
        settings.flow.home_nets = common.home_net.clone();
    }
    if let Some(text) = &common.filter {
        let filter = sekisho_wire::filter::Filter::parse(text).with_context(|| format!("--filter {text:?}"))?;
        settings.filter = Some(filter);
    }
    let memory = common.memory.unwrap_or_else(default_memory);
    let Some(budget) = Budget::new(memory) else {
        bail!("--memory {memory}: too little; the least that makes sense is {}M", MIN_LEN >> 20);
    };
    settings.budget = budget;
    for path in &common.keylog {
        let text = read_keylog(path).with_context(|| format!("--keylog {}", path.display()))?;
        let added = settings.secrets.add(&text, 0);
        if added.secret_count == 0 {
            bail!("--keylog {}: no secrets in it; expected lines like CLIENT_RANDOM <hex> <hex>", path.display());
        }
        if added.dropped_count > 0 && !common.quiet {
            eprintln!(
                "sekisho: --keylog {}: {} secrets beyond the first {MAX_SECRET_SESSIONS} sessions were left out",
                path.display(),
                added.dropped_count
            );
        }
    }
    Ok(settings)
}

/// The whole of a key log.
fn read_keylog(path: &Path) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    fs::File::open(path)?.take(MAX_KEYLOG_LEN + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_KEYLOG_LEN {
        bail!("longer than {} MiB", MAX_KEYLOG_LEN >> 20);
    }
    Ok(text)
}

/// A quarter of the machine's memory, at most 2 GiB (design §7).
fn default_memory() -> u64 {
    let total = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|l| l.starts_with("MemTotal:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    total.map_or(MAX_DEFAULT_MEMORY, |kib| (kib * 1024 / 4).clamp(MIN_LEN, MAX_DEFAULT_MEMORY))
}
