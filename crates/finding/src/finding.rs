use crate::{
    About, Act, Benign, Confidence, MAX_ACTS, MAX_TIES, Measure, Part, Quote, Reason, Samples, Severity, Stage, Tale,
    Tie,
};
use sekisho_types::{Addr, Interval, Timestamp, Uid};

/// Most peers named in a finding.
pub const MAX_PEERS: usize = 8;

/// Hosts on the other side: the first few, and how many there were (an estimate is never needed: beyond the few, repeats
/// of those kept don't count, others do each time).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peers {
    named: Vec<Addr>,
    more: bool,
}

impl Peers {
    /// Notes one.
    pub fn add(&mut self, peer: Addr) {
        if self.named.contains(&peer) {
            return;
        }
        if self.named.len() < MAX_PEERS {
            self.named.push(peer);
        } else {
            self.more = true;
        }
    }

    /// Those kept, in the order met.
    pub fn named(&self) -> &[Addr] {
        &self.named
    }

    /// Are there others?
    pub fn more(&self) -> bool {
        self.more
    }
}

/// What the same host does in the same way within this time is one act.
const ONE_ACT: Interval = Interval::from_secs(60);

/// What lowered the confidence because it could not be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Packets are missing from the capture (guard G-loss).
    Loss,
    /// Only one direction of much of the traffic was seen (G-view).
    OneSided,
    /// Several hosts stand behind the address (G-nat).
    Shared,
    /// Not long enough to know what is usual (G-warm).
    Short,
    /// Packets were cut (G-sample).
    Cut,
}

impl Quality {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "packets are missing from the capture",
            Self::OneSided => "only one direction was seen",
            Self::Shared => "several hosts stand behind this address",
            Self::Short => "the capture is too short to know what is usual",
            Self::Cut => "packets were cut by the snapshot length",
        }
    }
}

/// A judgement with its evidence. What repeats is one finding: `id`, reason, subject and key are its identity.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The judgement.
    pub about: &'static About,
    /// ATT&CK techniques beyond those of `about`, as a rule's metadata names them.
    pub techniques: Vec<String>,
    /// How it showed.
    pub reason: &'static Reason,
    /// A stronger form was reached, without the slash: `won`, `used`, `accepted`.
    pub confirmed: Option<&'static str>,
    /// How soon somebody should look: the worst of all repeats.
    pub severity: Severity,
    /// How sure it is: the most of all repeats.
    pub confidence: Confidence,
    /// Part of an intrusion; usually that of `about`.
    pub stage: Stage,
    /// The machine that the operator must touch.
    pub subject: Addr,
    /// Service, name or peer that tells findings about one subject apart: `www.example.test`, `443/tcp`; may be empty.
    pub key: String,
    /// Others concerned.
    pub peers: Peers,
    /// Names that the subject and the named peers went by at the time, from DNS, DHCP and TLS.
    pub names: Vec<(Addr, String)>,
    /// Packet time of the first and the last sign.
    pub first: Timestamp,
    /// See `first`.
    pub last: Timestamp,
    /// How often it was seen.
    pub count: u64,
    /// Flows that show it.
    pub flows: Samples<Uid>,
    /// Packets that show it, numbers from 1 in the timeline.
    pub packets: Samples<u64>,
    /// What was measured, of the strongest sign.
    pub measures: Vec<Measure>,
    /// Words from the wire.
    pub quotes: Vec<Quote>,
    /// What joins it with findings about other hosts.
    pub ties: Vec<Tie>,
    /// What happened when, where it is made of several moments; by time.
    pub acts: Vec<Act>,
    /// The domain that sent it, of a mail: the subject is then only where the mail passed, and no part of what the mail began.
    pub sender: Option<Box<str>>,
    /// What hosts are in it, where that does not follow from its stage.
    pub parts: Vec<(Addr, Part)>,
    /// What it says in a story; its reason's sentence if there is none.
    pub tale: Option<Tale>,
    /// Harmless explanations that were looked at.
    pub benign: Vec<Benign>,
    /// What could not be seen, sorted.
    pub quality: Vec<Quality>,
    /// The reason of the mute that hides it, if one does.
    pub muted: Option<String>,
}

impl Finding {
    /// That `reason` of `about` was seen of `subject`, with nothing else said yet.
    pub fn new(
        about: &'static About,
        reason: &'static Reason,
        subject: Addr,
        severity: Severity,
        confidence: Confidence,
    ) -> Self {
        Self {
            about,
            techniques: Vec::new(),
            reason,
            confirmed: None,
            severity,
            confidence,
            stage: about.stage,
            subject,
            key: String::new(),
            peers: Peers::default(),
            names: Vec::new(),
            first: Timestamp::default(),
            last: Timestamp::default(),
            count: 1,
            flows: Samples::default(),
            packets: Samples::default(),
            measures: Vec::new(),
            quotes: Vec::new(),
            ties: Vec::new(),
            acts: Vec::new(),
            sender: None,
            parts: Vec::new(),
            tale: None,
            benign: Vec::new(),
            quality: Vec::new(),
            muted: None,
        }
    }

    /// `dns-rebinding/private-answer`, with the stronger form behind a further slash.
    pub fn code(&self) -> String {
        match self.confirmed {
            Some(form) => format!("{}/{}/{form}", self.about.id, self.reason.code),
            None => format!("{}/{}", self.about.id, self.reason.code),
        }
    }

    /// Its ATT&CK techniques: those of its judgement that its reason shows, and those of its own. One may stand twice.
    pub fn all_techniques(&self) -> impl Iterator<Item = &str> {
        let shown = crate::attack::shown(self.about.id, self.reason.code).unwrap_or(self.about.techniques);
        shown.iter().copied().chain(self.techniques.iter().map(String::as_str))
    }

    /// Adds what joins it with others, if there is room.
    pub fn tie(&mut self, tie: Tie) {
        if self.ties.len() < MAX_TIES && !self.ties.contains(&tie) {
            self.ties.push(tie);
        }
    }

    /// Adds something that was done at a time of its own, if there is room.
    pub fn act(&mut self, act: Act) {
        // Looking a name up and going there is one act.
        let same =
            |a: &Act| (a.host, a.to, a.what) == (act.host, act.to, act.what) && (a.ts - act.ts).0.abs() <= ONE_ACT.0;
        if self.acts.len() < MAX_ACTS && !self.acts.iter().any(same) {
            let at = self.acts.partition_point(|a| a.ts <= act.ts);
            self.acts.insert(at, act);
        }
    }

    /// Says what a host is in it, if there is room.
    pub fn part(&mut self, host: Addr, part: Part) {
        if self.parts.len() < MAX_ACTS && !self.parts.contains(&(host, part)) {
            self.parts.push((host, part));
        }
    }

    /// Does it count towards the exit code and the page's list: no mute hides it?
    pub fn is_open(&self) -> bool {
        self.muted.is_none()
    }
}
