//! What a detector says about itself.

use crate::{Need, Stage, Traffic, What};

/// A judgement that can be made: the constant part of its findings.
#[derive(Debug)]
pub struct About {
    /// Identifier, never reused or renamed: `dns-rebinding`.
    pub id: &'static str,
    /// A few words: `outside name pointing inside`.
    pub title: &'static str,
    /// What the operator is told, one plain sentence.
    pub means: &'static str,
    /// ATT&CK techniques; empty for operational judgements.
    pub techniques: &'static [&'static str],
    /// Part of an intrusion.
    pub stage: Stage,
    /// Ways in which it shows.
    pub reasons: &'static [Reason],
    /// Known harmless causes, one sentence.
    pub benign: &'static str,
    /// What would make it go away, one sentence.
    pub clears: &'static str,
    /// What to look at next: read-only steps, at most three.
    pub next: &'static [&'static str],
    /// What it needs of a capture.
    pub needs: &'static [Need],
}

impl About {
    /// The reason at a place, for constants: a place that is not there fails the build.
    #[expect(clippy::indexing_slicing, reason = "evaluated when compiled")]
    pub const fn at(&'static self, place: usize) -> &'static Reason {
        &self.reasons[place]
    }

    /// The traffic that it judges, if it is of one kind.
    pub fn looks_at(&self) -> Option<Traffic> {
        self.needs.iter().find_map(|n| if let What::Some(traffic) = n.what { Some(traffic) } else { None })
    }

    /// The reason with that code.
    pub fn reason(&self, code: &str) -> Option<&'static Reason> {
        self.reasons.iter().find(|r| r.code == code)
    }
}

/// One way in which a judgement shows.
#[derive(Debug)]
pub struct Reason {
    /// Code, unique within the judgement: `private-answer`; with the judgement's id it is `dns-rebinding/private-answer`.
    pub code: &'static str,
    /// What was seen, one plain sentence.
    pub means: &'static str,
}
