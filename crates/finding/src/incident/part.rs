//! What hosts are in a story: who came from outside, where it began, what was taken, who was deceived.

use crate::{Finding, Stage};
use sekisho_types::Addr;

/// Hosts told of one part; of more only the first.
const MAX_TOLD: usize = 50;

/// What a host is in a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Outside: from there it came, or from there it is commanded.
    Outside,
    /// The first machine at home.
    Foothold,
    /// Reached from there, and did its own part then.
    Taken,
    /// Reached from there, without a sign of its own.
    Reached,
    /// Deceived or attacked: whose login was taken, what was tried.
    Victim,
    /// A server that was used: it let somebody in, data was read there, the mail passed through it.
    Server,
    /// Outside: data went there.
    Drop,
}

impl Part {
    /// In the order told.
    pub const ALL: [Self; 7] =
        [Self::Outside, Self::Foothold, Self::Taken, Self::Reached, Self::Victim, Self::Server, Self::Drop];

    /// In JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Foothold => "foothold",
            Self::Taken => "taken",
            Self::Reached => "reached",
            Self::Victim => "victim",
            Self::Server => "server",
            Self::Drop => "drop",
        }
    }

    /// In plain words, in front of the hosts.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Outside => "from outside",
            Self::Foothold => "began at",
            Self::Taken => "taken over",
            Self::Reached => "reached",
            Self::Victim => "deceived or attacked",
            Self::Server => "servers used",
            Self::Drop => "data went to",
        }
    }

    /// What the other side of a finding is, by its stage and where it is.
    const fn of_peer(stage: Stage, at_home: bool) -> Option<Self> {
        match (stage, at_home) {
            (Stage::Initial | Stage::Foothold | Stage::C2, false) => Some(Self::Outside),
            (Stage::Credential | Stage::Impact | Stage::Recon, true) => Some(Self::Victim),
            (Stage::Lateral, true) => Some(Self::Reached),
            (Stage::Exfil, true) => Some(Self::Server),
            (Stage::Exfil, false) => Some(Self::Drop),
            _ => None,
        }
    }
}

/// The parts of a story with their hosts, in the order told. `own`: hosts that did something, by their first sign.
pub(super) fn parts(told: &[&Finding], own: &[Addr], is_home: &dyn Fn(Addr) -> bool) -> Vec<(Part, Vec<Addr>)> {
    let mut all: Vec<(Part, Addr)> = Vec::new();
    let mut add = |part: Part, host: Addr| {
        if host != Addr::UNSPECIFIED && !host.is_multicast() && !all.contains(&(part, host)) {
            all.push((part, host));
        }
    };
    for f in told {
        let said = |host: Addr| f.parts.iter().filter(move |(of, _)| *of == host).map(|(_, part)| *part);
        for peer in f.peers.named() {
            let by_stage =
                Part::of_peer(f.stage, is_home(*peer)).filter(|_| f.sender.is_none() && said(*peer).count() == 0);
            by_stage.into_iter().chain(said(*peer)).for_each(|part| add(part, *peer));
        }
        if f.sender.is_some() && !own.contains(&f.subject) {
            add(Part::Server, f.subject);
        }
    }
    let reached: Vec<Addr> = all.iter().filter(|(part, _)| *part == Part::Reached).map(|(_, host)| *host).collect();
    let mails_only = told.iter().all(|f| f.sender.is_some() && f.acts.is_empty());
    for host in own {
        let part = match () {
            () if !is_home(*host) => Part::Outside,
            () if mails_only => Part::Server,
            () if reached.contains(host) => Part::Taken,
            () => Part::Foothold,
        };
        all.push((part, *host));
    }
    // Who did something is more than reached; and who is told of as one thing needs no second, lesser one.
    all.retain(|(part, host)| *part != Part::Reached || !own.contains(host));
    all.retain(|(part, host)| *part != Part::Victim || !own.contains(host) && !reached.contains(host));
    let of = |part: Part| {
        let mut hosts: Vec<Addr> = Vec::new();
        for (_, host) in all.iter().filter(|(p, _)| *p == part) {
            if hosts.len() < MAX_TOLD && !hosts.contains(host) {
                hosts.push(*host);
            }
        }
        (part, hosts)
    };
    Part::ALL.into_iter().map(of).filter(|(_, hosts)| !hosts.is_empty()).collect()
}
