//! # rule-alert
//! ## How
//! A rule in Suricata's language matched (`audit --rules`). One finding for each rule and host: alerts that repeat are counted.
//! The host is the one at home; where both are, the one that the rule's `target` names, or else the one that sent what
//! matched. `sekisho rules explain SID` says in words what the rule looks for.
//! ## Thresholds
//! The rule's own, thresholds and suppressions of its set included.
//! ## State
//! None.
//! ## Severity
//! By the priority of the rule's class: 1 high, 2 medium, 3 low, others info. Confidence is that of the rule's metadata (High
//! 0.8, Medium 0.6, Low 0.4), 0.6 where it has none. Part of an intrusion and techniques are those of its metadata.
//! ## Benign
//! Rules err as their authors do: informational and policy rules describe ordinary software.
//! ## Blind
//! What is encrypted without keys; what rules of the set do not look for; rules that cannot be used, which are counted
//! when the set is loaded.
//! ## References
//! Suricata user guide, Rules; `classification.config`; MITRE ATT&CK tactics.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Kind, Row, RuleAlert};
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};

static ABOUT: About = About {
    id: "rule-alert",
    title: "a rule matched",
    means: "Traffic matched a rule of the set that was given.",
    techniques: &[],
    stage: Stage::Operations,
    reasons: &[REASON],
    benign: "Rules that describe ordinary software, and rules that err.",
    clears: "Nothing matches the rule any more, or the rule is taken out of the set.",
    next: &["Read what the rule looks for: sekisho rules explain.", "Look at the packets and what matched in them."],
    needs: &[
        vital(What::Given("--rules")),
        vital(What::Some(Traffic::Any)),
        useful(What::Requests(Traffic::Any)),
        useful(What::Answers(Traffic::Any)),
        useful(What::Whole(Traffic::Any)),
        useful(What::Uncut(Traffic::Any)),
        useful(What::Clear(Traffic::Any)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const REASON: Reason = Reason { code: "match", means: "Traffic matched this rule." };

/// Longest message of a rule in a finding's key.
const MAX_MSG_LEN: usize = 200;

/// See the module.
pub(crate) struct RuleAlerts;

impl RuleAlerts {
    pub fn new(_: &Scope) -> Self {
        Self
    }
}

impl Detector for RuleAlerts {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::RuleAlert]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        let (Row::RuleAlert(alert), Some(reason)) = (row, ABOUT.reasons.first()) else { return };
        let (subject, peer) = parties(alert, cx);
        let msg = String::from_utf8_lossy(alert.msg.get(..MAX_MSG_LEN).unwrap_or(alert.msg));
        let mut raise = Raise::new(&ABOUT, reason, subject, severity(alert.priority), confidence(alert.confidence))
            .key(format!("{}:{} {msg}", alert.gid, alert.sid))
            .stage(stage(alert.tactic))
            .peer(peer)
            .at(alert.ts)
            .flow(alert.uid)
            .packet(cx.packet)
            .measure(Measure::count("priority of the rule's class", alert.priority, None, "", Origin::Field("rule")));
        if !alert.category.is_empty() {
            raise = raise.quote("class", alert.category, 0);
        }
        for technique in alert.techniques.texts() {
            raise = raise.technique(String::from_utf8_lossy(technique));
        }
        for piece in alert.matched.texts() {
            raise = raise.quote("matched", piece, cx.packet);
        }
        cx.raise(raise);
    }

    fn held_len(&self) -> usize {
        0
    }
}

/// Whom the operator must touch, and the other one.
fn parties(alert: &RuleAlert<'_>, cx: &Cx<'_>) -> (sekisho_types::Addr, sekisho_types::Addr) {
    let (src, dst) = (alert.src, alert.dst);
    match (cx.hosts().is_internal(src), cx.hosts().is_internal(dst), alert.target_is_src) {
        (true, false, _) | (true, true, None | Some(true)) | (false, false, Some(true) | None) => (src, dst),
        (false, true, _) | (true, true, Some(false)) | (false, false, Some(false)) => (dst, src),
    }
}

fn severity(priority: u64) -> Severity {
    match priority {
        0 | 1 => Severity::High,
        2 => Severity::Medium,
        3 => Severity::Low,
        _ => Severity::Info,
    }
}

fn confidence(word: &[u8]) -> Confidence {
    Confidence::percent(match word.to_ascii_lowercase().as_slice() {
        b"high" => 80,
        b"low" => 40,
        _ => 60,
    })
}

/// ATT&CK tactics, as `detections.md` §14.3 maps them.
fn stage(tactic: &[u8]) -> Stage {
    match tactic {
        b"TA0043" | b"TA0042" => Stage::Recon,
        b"TA0001" => Stage::Initial,
        b"TA0002" | b"TA0003" | b"TA0004" | b"TA0005" => Stage::Foothold,
        b"TA0011" => Stage::C2,
        b"TA0006" => Stage::Credential,
        b"TA0007" => Stage::Discovery,
        b"TA0008" => Stage::Lateral,
        b"TA0009" | b"TA0010" => Stage::Exfil,
        b"TA0040" => Stage::Impact,
        _ => Stage::Operations,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Cell, Line, addr, judge, line, of};
    use sekisho_finding::{Severity, Stage};

    fn alert(packet: u64, src: &str, dst: &str, priority: u64, more: &[(&'static str, Cell)]) -> Line {
        let mut columns = vec![
            ("ts", Cell::Time(5.0)),
            ("uid", Cell::Uid(packet)),
            ("src", Cell::Addr(addr(src))),
            ("dst", Cell::Addr(addr(dst))),
            ("gid", Cell::Count(1)),
            ("sid", Cell::Count(2_000_001)),
            ("msg", Cell::Text("ET MALWARE x".into())),
            ("priority", Cell::Count(priority)),
        ];
        columns.extend_from_slice(more);
        line("rule_alert", packet, &columns)
    }

    #[test]
    fn alerts_of_one_rule_and_host_are_one_finding() {
        let more = [
            ("techniques", Cell::Texts(vec!["T1071".into()])),
            ("tactic", Cell::Text("TA0011".into())),
            ("confidence", Cell::Text("High".into())),
            ("matched", Cell::Texts(vec!["http.uri: /«gate».php".into()])),
        ];
        let lines = [alert(7, "10.0.0.5", "198.51.100.1", 1, &more), alert(9, "198.51.100.2", "10.0.0.5", 1, &more)];
        let found = of(&judge(&lines), "rule-alert");
        let [finding] = &found[..] else { panic!("{found:?}") };
        assert_eq!(
            (finding.severity, finding.confidence.thousandths(), finding.stage),
            (Severity::High, 800, Stage::C2)
        );
        assert_eq!((finding.subject, finding.key.as_str()), (addr("10.0.0.5"), "1:2000001 ET MALWARE x"));
        assert_eq!(
            (finding.count, finding.peers.named().len(), &finding.techniques[..]),
            (2, 2, &["T1071".to_owned()][..])
        );
        assert_eq!(finding.quotes[0].text, "http.uri: /«gate».php");
        assert_eq!(finding.packets.iter().collect::<Vec<_>>(), [7, 9]);
    }

    #[test]
    fn who_is_to_be_touched_and_how_soon() {
        let both = |more: &[(&'static str, Cell)]| {
            of(&judge(&[alert(1, "10.0.0.5", "10.0.0.6", 3, more)]), "rule-alert")[0].subject
        };
        assert_eq!(both(&[]), addr("10.0.0.5"));
        assert_eq!(both(&[("target_is_src", Cell::Flag(false))]), addr("10.0.0.6"));
        let found = of(&judge(&[alert(1, "203.0.113.1", "198.51.100.1", 4, &[])]), "rule-alert");
        assert_eq!((found[0].subject, found[0].severity), (addr("203.0.113.1"), Severity::Info));
    }
}
