//! The manual: what each detector's own comment says, printed by `sekisho explain` and into `docs/detections/`.

use crate::registry::{SOURCES, abouts};
use sekisho_finding::About;

/// Headings that every detector's comment has, in this order.
#[cfg(test)]
pub(crate) const HEADINGS: &[&str] = &["How", "Thresholds", "State", "Severity", "Benign", "Blind", "References"];

/// A judgement's page.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What the finding itself carries.
    pub about: &'static About,
    /// Markdown: the sections behind the headings of the detector's comment.
    pub text: String,
}

impl Entry {
    /// What stands below a heading of the page, without it.
    pub fn section(&self, heading: &str) -> &str {
        let mut sections = self.text.split("\n## ").map(|s| s.strip_prefix("## ").unwrap_or(s));
        sections.find_map(|s| s.strip_prefix(heading)?.strip_prefix('\n')).unwrap_or("").trim()
    }
}

/// All pages.
#[derive(Clone, Debug)]
pub struct Manual {
    /// In the order of detection.
    pub entries: Vec<Entry>,
}

impl Manual {
    /// The page of a judgement; a reason behind a slash is ignored.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        let id = id.split('/').next().unwrap_or(id);
        self.entries.iter().find(|e| e.about.id == id)
    }
}

/// The manual of this build.
pub fn manual() -> Manual {
    let entries = abouts().into_iter().map(|about| Entry { about, text: comment(about.id).unwrap_or_default() });
    Manual { entries: entries.collect() }
}

/// The comment about `id`: a detector's file has one for each of its judgements, headed `# id`.
fn comment(id: &str) -> Option<String> {
    SOURCES.iter().find_map(|(_, source)| {
        let lines = source.lines().map_while(|l| l.strip_prefix("//!")).map(|l| l.strip_prefix(' ').unwrap_or(l));
        let mut lines = lines.skip_while(|l| l.strip_prefix("# ") != Some(id)).skip(1).peekable();
        lines.peek()?;
        Some(lines.take_while(|l| !l.starts_with("# ")).collect::<Vec<_>>().join("\n").trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_finding::{ATTACK_VERSION, Marks, Matrix, technique, techniques};

    #[test]
    fn every_judgement_has_its_page_with_all_headings() {
        let manual = manual();
        assert!(!manual.entries.is_empty());
        for entry in &manual.entries {
            let found = entry.text.lines().filter_map(|l| l.strip_prefix("## "));
            assert_eq!(found.collect::<Vec<_>>(), HEADINGS, "{}", entry.about.id);
            let empty = entry.text.split("## ").skip(1).find(|s| s.lines().nth(1).is_none_or(|l| l.trim().is_empty()));
            assert_eq!(empty, None, "{}: a section without text", entry.about.id);
            for heading in HEADINGS {
                let text = entry.section(heading);
                assert!(!text.is_empty() && !text.contains("## "), "{}: {heading}", entry.about.id);
            }
            assert_eq!(entry.section("Nothing"), "");
        }
        assert!(manual.entry("dns-rebinding/private-answer").is_some() && manual.entry("nothing").is_none());
    }

    #[test]
    fn techniques_are_those_of_attack() {
        let all = abouts();
        for about in &all {
            for id in about.techniques {
                let Some(technique) = technique(id) else {
                    panic!("{}: {id} is not in ATT&CK {ATTACK_VERSION} (crates/finding/src/attack.tsv)", about.id)
                };
                assert_eq!(technique.marks, Marks::Wire, "{}: {id} is seen, so it has marks on the wire", about.id);
                assert!(about.techniques.iter().filter(|t| *t == id).count() == 1, "{}: {id} twice", about.id);
            }
        }
        // Of Enterprise all techniques are there; of ICS those that a judgement names, and no others.
        for t in techniques().iter().filter(|t| t.matrix() == Matrix::Ics) {
            assert!(all.iter().any(|a| a.techniques.contains(&t.id)), "{}: nobody names it", t.id);
        }
    }

    #[test]
    fn reasons_show_techniques_of_their_judgement() {
        let all = abouts();
        for (id, code, techniques) in sekisho_finding::techniques_shown() {
            let about = all.iter().find(|a| a.id == id).unwrap_or_else(|| panic!("{id}"));
            assert!(about.reason(code).is_some(), "{id}/{code}");
            assert!(techniques.iter().all(|t| about.techniques.contains(t)), "{id}/{code}");
        }
    }

    #[test]
    fn identifiers_and_reasons_are_unique_and_well_formed() {
        let all = abouts();
        let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
        for (i, about) in all.iter().enumerate() {
            assert!(plain(about.id) && all.iter().skip(i + 1).all(|a| a.id != about.id), "{}", about.id);
            assert!(!about.reasons.is_empty() && about.next.len() <= 3, "{}", about.id);
            for (j, reason) in about.reasons.iter().enumerate() {
                assert!(plain(reason.code), "{}", reason.code);
                assert!(about.reasons.iter().skip(j + 1).all(|r| r.code != reason.code), "{}", reason.code);
            }
        }
    }
}
