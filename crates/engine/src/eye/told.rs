//! Alerts as detectors see them.

use crate::RuleAlertRecord;
use sekisho_output::eve::Party;
use sekisho_record::{Port, Text, UnsetIfEmpty};
use sekisho_rules::Excerpt;
use sekisho_rules::ir::Rule;
use sekisho_types::{Timestamp, Uid};

/// Techniques of a rule's metadata that are told.
const MAX_TECHNIQUES: usize = 8;

/// The row about an alert between `src` and `dst`.
pub(super) fn alert(
    rule: &Rule,
    ts: Timestamp,
    uid: Option<Uid>,
    (src, dst): (Party, Party),
    excerpts: &[Excerpt],
) -> RuleAlertRecord {
    let of =
        |key: &'static str| rule.metadata().iter().filter(move |(k, _)| **k == *key).map(|(_, v)| Text::from(&**v));
    let matched = excerpts.iter().map(|e| {
        let buffer = e.fact.map_or("payload", |fact| fact.info().keyword);
        Text::from(format!("{buffer}: {}", e.line("«", "»")))
    });
    RuleAlertRecord {
        ts,
        uid,
        src: src.addr,
        src_port: src.port.map(Port),
        dst: dst.addr,
        dst_port: dst.port.map(Port),
        gid: rule.gid,
        sid: rule.sid,
        rev: rule.rev,
        msg: Text::from(rule.msg()),
        category: Text::from(&*rule.meta.category),
        priority: rule.meta.priority,
        target_is_src: rule.meta.target_is_src,
        techniques: UnsetIfEmpty(of("mitre_technique_id").take(MAX_TECHNIQUES).collect()),
        tactic: of("mitre_tactic_id").next(),
        confidence: of("confidence").next(),
        matched: UnsetIfEmpty(matched.collect()),
    }
}
