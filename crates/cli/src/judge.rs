//! From flags to what detectors are given.

use crate::args::{Common, Given};
use crate::{anchors, given, intel};
use anyhow::Result;
use sekisho_detect::Scope;
use sekisho_engine::Settings;
use sekisho_finding::Mutes;
use std::sync::Arc;

/// A part of the memory of judges that goes to the flows that findings may name.
const FLOWS_SHARE: u64 = 16;

/// What detectors know from the start.
pub struct Bench {
    /// Networks, lists, bounds.
    pub scope: Scope,
    /// Memory of the judges, which [`Scope::memory_len`] is.
    pub memory_len: u64,
    /// What was agreed to live with.
    pub mutes: Mutes,
}

impl Bench {
    /// Memory for the flows that findings may name.
    pub const fn flows_len(&self) -> u64 {
        self.memory_len / FLOWS_SHARE
    }
}

/// Has the pass tell detectors what they ask for, and takes their share of its memory.
pub fn prepare(common: &Common, flags: &Given, has_rules: bool, settings: &mut Settings) -> Result<Bench> {
    settings.judged = true;
    settings.files.hashes.sha256 = true;
    settings.trust = flags.roots.as_deref().map(given::trust).transpose()?.map(Arc::new);
    let intel = intel::read(&flags.intel, common.quiet)?;
    settings.files.hashes.md5 |= intel.has_hashes(32);
    settings.files.hashes.sha1 |= intel.has_hashes(40);
    let (budget, memory_len) = settings.budget.with_judges();
    settings.budget = budget;
    let scope = Scope {
        intel: Arc::new(intel),
        geo: Arc::new(given::geo(&flags.geoip, &flags.watch)?),
        holidays: flags.holidays.as_deref().map(given::holidays).transpose()?.unwrap_or_default(),
        known_domains: flags.known_domain.clone(),
        memory_len: Some(memory_len),
        anchors: anchors::read(flags.trust_anchors.as_deref())?,
        resolvers: flags.resolver.clone(),
        has_rules,
        ..Scope::new(&common.home_net, common.seed)
    };
    let mutes = flags.mutes.as_deref().map(given::mutes).transpose()?.unwrap_or_default();
    Ok(Bench { scope, memory_len, mutes })
}
