//! What judgements can see of each technique: from what they say that they need.

use super::{Marks, Technique, technique, techniques};
use crate::{About, What};

/// How much of a technique can be seen by judgements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// From the wire, encrypted or not.
    Wire,
    /// Only where the content is in clear, or its keys are given.
    Keys,
    /// Only with what the user gives by an option.
    Option,
    /// Only some of its parts (sub-techniques).
    Parts,
    /// Not at all.
    No,
}

impl Reach {
    /// All of them, the best first.
    pub const ALL: [Self; 5] = [Self::Wire, Self::Keys, Self::Option, Self::Parts, Self::No];

    /// In JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::Keys => "clear-or-keys",
            Self::Option => "option",
            Self::Parts => "parts",
            Self::No => "no",
        }
    }

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wire => "seen from the wire",
            Self::Keys => "seen in clear or with keys only",
            Self::Option => "seen with an option only",
            Self::Parts => "some of its parts are seen",
            Self::No => "not seen",
        }
    }

    /// Of one judgement.
    fn of(about: &About) -> Self {
        let vital = |is: fn(What) -> bool| about.needs.iter().any(|n| n.vital && is(n.what));
        if vital(|w| matches!(w, What::Given(_))) {
            Self::Option
        } else if vital(|w| matches!(w, What::Clear(_) | What::Certificates)) {
            Self::Keys
        } else {
            Self::Wire
        }
    }
}

/// A technique and who sees it.
#[derive(Clone, Debug)]
pub struct Covered {
    /// The technique.
    pub technique: &'static Technique,
    /// How much of it is seen.
    pub reach: Reach,
    /// By which judgements, with the reach of each.
    pub by: Vec<(&'static About, Reach)>,
    /// The parts of it that are seen.
    pub parts: Vec<&'static Technique>,
}

impl Covered {
    /// Why it is not seen, if it is not.
    pub fn why(&self) -> Option<&'static str> {
        (self.reach == Reach::No).then(|| self.technique.marks.why())
    }

    /// It could be seen, but nobody looks.
    pub fn is_open(&self) -> bool {
        self.reach == Reach::No && self.technique.marks == Marks::Wire
    }
}

/// All techniques by id, and what these judgements see of them.
pub fn covered(abouts: &[&'static About]) -> Vec<Covered> {
    let by = |id: &str| {
        let sees = abouts.iter().filter(|a| a.techniques.contains(&id));
        sees.map(|a| (*a, Reach::of(a))).collect::<Vec<_>>()
    };
    // All that judgements name, to tell which techniques have parts among them.
    let mut named: Vec<&'static Technique> =
        abouts.iter().flat_map(|a| a.techniques).filter_map(|id| technique(id)).collect();
    named.sort_unstable_by_key(|t| t.id);
    named.dedup();
    let one = |technique: &'static Technique| {
        let by = by(technique.id);
        let parts: Vec<_> = named.iter().copied().filter(|t| t.whole() == Some(technique.id)).collect();
        let best = by.iter().map(|(_, reach)| *reach).min();
        let reach = best.unwrap_or(if parts.is_empty() { Reach::No } else { Reach::Parts });
        Covered { technique, reach, by, parts }
    };
    techniques().iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Need, Stage, Traffic, useful, vital};

    const fn about(id: &'static str, techniques: &'static [&'static str], needs: &'static [Need]) -> About {
        let (title, means, benign, clears) = ("", "", "", "");
        About { id, title, means, techniques, stage: Stage::C2, reasons: &[], benign, clears, next: &[], needs }
    }

    static WIRE: About = about("wire", &["T1071.004"], &[useful(What::Clear(Traffic::Dns))]);
    static KEYS: About = about("keys", &["T1071.004", "T1190"], &[vital(What::Clear(Traffic::Web))]);
    static CERTS: About = about("certs", &["T1190"], &[vital(What::Certificates)]);
    static LIST: About = about("list", &["T1568"], &[vital(What::Given("--intel"))]);

    #[test]
    fn the_best_judgement_says_how_far_one_sees() {
        let all = covered(&[&WIRE, &KEYS, &CERTS, &LIST]);
        assert_eq!(all.len(), techniques().len());
        let of = |id: &str| all.iter().find(|c| c.technique.id == id).unwrap();
        let by = |id: &str| of(id).by.iter().map(|(a, r)| (a.id, *r)).collect::<Vec<_>>();
        assert_eq!(of("T1071.004").reach, Reach::Wire);
        assert_eq!(by("T1071.004"), [("wire", Reach::Wire), ("keys", Reach::Keys)]);
        assert_eq!((of("T1190").reach, of("T1568").reach), (Reach::Keys, Reach::Option));
        assert_eq!((of("T1071").reach, of("T1071").parts[0].id), (Reach::Parts, "T1071.004"));
        assert_eq!(of("T1071").why(), None);
        assert!(of("T1105").is_open() && of("T1105").why().unwrap().contains("no judgement"));
        assert!(!of("T1055").is_open() && of("T1055").why().unwrap().contains("within a machine"));
    }
}
