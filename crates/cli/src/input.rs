//! From flags to an open timeline and the settings of a pass.

use crate::args::Common;
use anyhow::{Context, Result, bail};
use sekisho_capture::Captures;
use sekisho_engine::{Budget, MIN_LEN, Settings};
use std::fs;

/// Default of `--memory` where the machine's size is unknown, and its ceiling elsewhere.
const MAX_DEFAULT_MEMORY: u64 = 2 << 30;

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
    Ok(settings)
}

/// A quarter of the machine's memory, at most 2 GiB (design §7).
fn default_memory() -> u64 {
    let total = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|l| l.starts_with("MemTotal:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    total.map_or(MAX_DEFAULT_MEMORY, |kib| (kib * 1024 / 4).clamp(MIN_LEN, MAX_DEFAULT_MEMORY))
}
