//! How well one capture let each technique be seen.

use super::{Technique, technique};
use crate::{Coverage, Finding, Lack, Sight};
use std::collections::BTreeMap;

/// A technique in an audit.
#[derive(Clone, Debug)]
pub struct Outlook<'a> {
    /// The technique.
    pub technique: &'static Technique,
    /// How well it could be seen, by all judgements of it together.
    pub sight: Sight,
    /// The judgements of it.
    pub by: Vec<&'a Coverage>,
    /// Places of findings that no mute hides and that show it.
    pub findings: Vec<usize>,
}

/// All techniques that judgements look for, or that findings name, by id. Ids that ATT&CK does not have are left out.
pub fn outlooks<'a>(coverage: &'a [Coverage], findings: &[Finding]) -> Vec<Outlook<'a>> {
    let mut all: BTreeMap<&str, (Vec<&Coverage>, Vec<usize>)> = BTreeMap::new();
    for one in coverage {
        one.about.techniques.iter().for_each(|id| all.entry(id).or_default().0.push(one));
    }
    for (place, f) in findings.iter().enumerate().filter(|(_, f)| f.is_open()) {
        for id in f.all_techniques() {
            let places = &mut all.entry(id).or_default().1;
            // One that its judgement and its rule both name.
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }
    all.into_iter()
        .filter_map(|(id, (by, findings))| {
            let sight = if by.is_empty() { Sight::Working } else { together(&by) };
            Some(Outlook { technique: technique(id)?, sight, by, findings })
        })
        .collect()
}

/// Where there is nothing to look at, nothing can be overlooked; what the user did not ask for does not count beside what he did.
fn together(all: &[&Coverage]) -> Sight {
    let is_asked = |c: &&&Coverage| c.causes.iter().all(|cause| cause.lack != Lack::Option);
    let asked: Vec<Sight> = all.iter().filter(is_asked).map(|c| c.sight).collect();
    let sights = if asked.is_empty() { all.iter().map(|c| c.sight).collect() } else { asked };
    let mut seen = sights.iter().filter(|s| **s != Sight::Idle).peekable();
    if seen.peek().is_none() {
        return Sight::Idle;
    }
    let (mut working, mut blind) = (true, true);
    for sight in seen {
        working &= *sight == Sight::Working;
        blind &= *sight == Sight::Blind;
    }
    match (working, blind) {
        (true, _) => Sight::Working,
        (_, true) => Sight::Blind,
        _ => Sight::Weakened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{About, Cause, Stage, Traffic};

    const fn about(id: &'static str, techniques: &'static [&'static str]) -> About {
        let (title, means, benign, clears) = ("", "", "", "");
        About { id, title, means, techniques, stage: Stage::C2, reasons: &[], benign, clears, next: &[], needs: &[] }
    }

    static BOTH: About = about("both", &["T1071", "T1568"]);
    static ONE: About = about("one", &["T1071", "T0000"]);

    fn coverage(about: &'static About, sight: Sight, lack: Option<Lack>) -> Coverage {
        let cause = |lack| Cause { lack, traffic: Traffic::Any, option: None, count: 1, of: 1, bytes: 0 };
        Coverage { about, sight, seen: 1, causes: lack.map(cause).into_iter().collect() }
    }

    #[test]
    fn a_technique_is_seen_as_well_as_its_judgements_see() {
        for (a, b, lack, together) in [
            (Sight::Working, Sight::Working, None, Sight::Working),
            (Sight::Working, Sight::Idle, None, Sight::Working),
            (Sight::Idle, Sight::Idle, None, Sight::Idle),
            (Sight::Blind, Sight::Idle, None, Sight::Blind),
            (Sight::Blind, Sight::Working, None, Sight::Weakened),
            (Sight::Weakened, Sight::Blind, None, Sight::Weakened),
            (Sight::Working, Sight::Blind, Some(Lack::Option), Sight::Working),
            (Sight::Idle, Sight::Blind, Some(Lack::Option), Sight::Idle),
        ] {
            let all = [coverage(&BOTH, a, None), coverage(&ONE, b, lack)];
            let told = outlooks(&all, &[]);
            let ids: Vec<&str> = told.iter().map(|o| o.technique.id).collect();
            assert_eq!(ids, ["T1071", "T1568"], "what ATT&CK does not have is left out");
            assert_eq!((told[0].sight, told[1].sight), (together, a), "{a:?} {b:?} {lack:?}");
            assert_eq!((told[0].by.len(), told[1].by.len()), (2, 1));
        }
        assert_eq!(outlooks(&[coverage(&BOTH, Sight::Blind, Some(Lack::Option))], &[])[0].sight, Sight::Blind);
    }
}
