//! MITRE ATT&CK: what its techniques and tactics are called, where a technique's marks are, and, from what judgements say
//! about themselves, which of them can be seen from the wire.
//!
//! Names and tactics stand in `attack.tsv`; judgements name techniques by id alone, so a new version of ATT&CK changes one file.

mod outlook;
mod reach;
mod shown;

pub use outlook::{Outlook, outlooks};
pub use reach::{Covered, Reach, covered};
pub use shown::{all_shown, shown};

use std::sync::OnceLock;

/// The version of ATT&CK whose names and tactics these are.
pub const ATTACK_VERSION: &str = "18.1";

/// A line a technique: id, name, tactics, marks.
const TABLE: &str = include_str!("attack.tsv");

/// One of ATT&CK's matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matrix {
    /// Offices, servers, clouds.
    Enterprise,
    /// Industrial control.
    Ics,
}

impl Matrix {
    /// As layers of the ATT&CK Navigator and ATT&CK's own data name it.
    pub const fn domain(self) -> &'static str {
        match self {
            Self::Enterprise => "enterprise-attack",
            Self::Ics => "ics-attack",
        }
    }

    /// The kill chain's name in STIX.
    pub const fn kill_chain(self) -> &'static str {
        match self {
            Self::Enterprise => "mitre-attack",
            Self::Ics => "mitre-ics-attack",
        }
    }

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enterprise => "Enterprise",
            Self::Ics => "ICS",
        }
    }
}

/// A tactic: why somebody does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tactic {
    /// Of which matrix.
    pub matrix: Matrix,
    /// `lateral-movement`.
    pub phase: &'static str,
    /// `TA0008`.
    pub id: &'static str,
    /// `Lateral Movement`.
    pub name: &'static str,
}

/// All tactics of Enterprise, and those of ICS that occur, in the order of the matrices.
pub const TACTICS: &[Tactic] = &[
    tactic("reconnaissance", "TA0043", "Reconnaissance"),
    tactic("resource-development", "TA0042", "Resource Development"),
    tactic("initial-access", "TA0001", "Initial Access"),
    tactic("execution", "TA0002", "Execution"),
    tactic("persistence", "TA0003", "Persistence"),
    tactic("privilege-escalation", "TA0004", "Privilege Escalation"),
    tactic("defense-evasion", "TA0005", "Defense Evasion"),
    tactic("credential-access", "TA0006", "Credential Access"),
    tactic("discovery", "TA0007", "Discovery"),
    tactic("lateral-movement", "TA0008", "Lateral Movement"),
    tactic("collection", "TA0009", "Collection"),
    tactic("command-and-control", "TA0011", "Command and Control"),
    tactic("exfiltration", "TA0010", "Exfiltration"),
    tactic("impact", "TA0040", "Impact"),
    industrial("discovery", "TA0102", "Discovery"),
    industrial("lateral-movement", "TA0109", "Lateral Movement"),
    industrial("inhibit-response-function", "TA0107", "Inhibit Response Function"),
    industrial("impair-process-control", "TA0106", "Impair Process Control"),
];

const fn tactic(phase: &'static str, id: &'static str, name: &'static str) -> Tactic {
    Tactic { matrix: Matrix::Enterprise, phase, id, name }
}

const fn industrial(phase: &'static str, id: &'static str, name: &'static str) -> Tactic {
    Tactic { matrix: Matrix::Ics, phase, id, name }
}

/// Where a technique leaves marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Marks {
    /// On the wire, of its own.
    Wire,
    /// On the wire, like ordinary use.
    Alike,
    /// Within a provider's services.
    Provider,
    /// Where nothing is captured.
    Elsewhere,
    /// Within a machine.
    Inside,
}

impl Marks {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Wire, Self::Alike, Self::Provider, Self::Elsewhere, Self::Inside];

    /// In JSON and in the table.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::Alike => "alike",
            Self::Provider => "provider",
            Self::Elsewhere => "elsewhere",
            Self::Inside => "inside",
        }
    }

    /// Why it is not seen where no judgement looks for it, one sentence.
    pub const fn why(self) -> &'static str {
        match self {
            Self::Wire => "It leaves marks on the wire, but no judgement looks for them.",
            Self::Alike => "On the wire it looks like ordinary use.",
            Self::Provider => "It happens within a provider's services, which are reached by TLS like any other.",
            Self::Elsewhere => {
                "It happens where nothing is captured: at third parties, in other networks, by radio, by hand."
            }
            Self::Inside => "It happens within a machine: nothing of it crosses the network.",
        }
    }
}

/// A technique, or a part of one (a sub-technique).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Technique {
    /// `T1071.004`.
    pub id: &'static str,
    /// With that of the whole before it: `Application Layer Protocol: DNS`.
    pub name: &'static str,
    /// Phases of its tactics, separated by commas.
    phases: &'static str,
    /// Where it can be seen.
    pub marks: Marks,
}

impl Technique {
    /// The matrix that it is of.
    pub fn matrix(&self) -> Matrix {
        if self.id.starts_with("T0") { Matrix::Ics } else { Matrix::Enterprise }
    }

    /// Its tactics, as ATT&CK lists them.
    pub fn tactics(&self) -> impl Iterator<Item = &'static Tactic> {
        let matrix = self.matrix();
        self.phases.split(',').filter_map(move |p| TACTICS.iter().find(|t| t.matrix == matrix && t.phase == p))
    }

    /// The id of the whole of which it is a part.
    pub fn whole(&self) -> Option<&'static str> {
        self.id.split_once('.').map(|(whole, _)| whole)
    }

    /// Its page.
    pub fn url(&self) -> String {
        url(self.id)
    }
}

/// The page of a technique.
pub fn url(id: &str) -> String {
    format!("https://attack.mitre.org/techniques/{}", id.replacen('.', "/", 1))
}

/// Is it formed like a technique's id: `T1071` or `T1071.004`?
pub fn is_technique_id(text: &str) -> bool {
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    let Some(rest) = text.strip_prefix('T') else { return false };
    match rest.split_once('.') {
        Some((whole, part)) => digits(whole, 4) && digits(part, 3),
        None => digits(rest, 4),
    }
}

/// All techniques, by id.
pub fn techniques() -> &'static [Technique] {
    static READ: OnceLock<Vec<Technique>> = OnceLock::new();
    READ.get_or_init(|| TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(read).collect())
}

fn read(line: &'static str) -> Option<Technique> {
    let mut cells = line.split('\t');
    let (id, name, phases, marks) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let marks = Marks::ALL.into_iter().find(|m| m.code() == marks)?;
    Some(Technique { id, name, phases, marks })
}

/// The technique of that id.
pub fn technique(id: &str) -> Option<&'static Technique> {
    let all = techniques();
    all.get(all.binary_search_by_key(&id, |t| t.id).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_means_something() {
        let lines: Vec<&str> = TABLE.lines().filter(|l| !l.starts_with('#')).collect();
        assert_eq!(techniques().len(), lines.len(), "a line that is no technique");
        assert!(techniques().iter().filter(|t| t.matrix() == Matrix::Enterprise).count() > 600);
        for t in techniques() {
            assert!(is_technique_id(t.id) && !t.name.trim().is_empty(), "{t:?}");
            assert_eq!(t.tactics().count(), t.phases.split(',').count(), "{t:?}: a tactic that is none");
            if let Some(whole) = t.whole() {
                let whole = technique(whole).unwrap();
                assert!(t.name.starts_with(&format!("{}: ", whole.name)), "{t:?}: not a part of {}", whole.name);
                assert!(t.marks != Marks::Wire || whole.marks == Marks::Wire, "{t:?}: its whole has marks, too");
            }
        }
        let mut ids: Vec<&str> = techniques().iter().map(|t| t.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert!(ids.iter().eq(techniques().iter().map(|t| &t.id)), "by id, each once");
        let phases = TACTICS.iter().filter(|t| t.matrix == Matrix::Enterprise).count();
        assert_eq!(phases, 14, "Enterprise has 14 tactics in {ATTACK_VERSION}");
        for tactic in TACTICS {
            let of = |t: &&Technique| t.tactics().any(|other| other == tactic);
            assert!(techniques().iter().any(|t| of(&t)), "{}: no technique", tactic.id);
        }
    }

    #[test]
    fn techniques_are_found_by_id() {
        let dns = technique("T1071.004").unwrap();
        assert_eq!((dns.name, dns.marks, dns.whole()), ("Application Layer Protocol: DNS", Marks::Wire, Some("T1071")));
        assert_eq!(dns.url(), "https://attack.mitre.org/techniques/T1071/004");
        assert_eq!(dns.tactics().map(|t| t.id).collect::<Vec<_>>(), ["TA0011"]);
        assert_eq!(technique("T0855").unwrap().tactics().map(|t| t.id).collect::<Vec<_>>(), ["TA0106"]);
        assert_eq!((technique("T9999"), technique("")), (None, None));
        for (text, is) in [("T1071", true), ("T1071.004", true), ("T107", false), ("t1071", false), ("T1071.04", false)]
        {
            assert_eq!(is_technique_id(text), is, "{text}");
        }
    }
}
