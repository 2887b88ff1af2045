use sekisho_types::Timestamp;

/// What the engine knows about how much of the traffic was there to be seen. Plain values; zero or empty is good news.
#[derive(Clone, Debug, Default)]
pub struct Completeness {
    /// Captures as the user named them.
    pub inputs: Vec<String>,
    /// Flags that decide how they are read (`--seed`, `--filter`…): with them, uids and packet numbers are the same again.
    pub reading: Vec<String>,
    /// Packets read.
    pub packets: u64,
    /// Mails read from files.
    pub mails: u64,
    /// Those of which something is missing.
    pub cut_mails: u64,
    /// Bytes of those packets that the captures hold, link-layer headers included.
    pub bytes: u64,
    /// Bytes of those packets on the wire; above `bytes` where a snapshot length cut them.
    pub wire_bytes: u64,
    /// Time of the earliest packet.
    pub first: Option<Timestamp>,
    /// Time of the latest packet.
    pub last: Option<Timestamp>,
    /// Sentences about damaged captures: which, where, what was lost.
    pub damage: Vec<String>,
    /// Packets that a snapshot length cut.
    pub cut_packets: u64,
    /// Bytes of streams that are in no packet of the capture. The page takes the larger of this and the sum of
    /// conn's `missed_bytes`.
    pub gap_bytes: u64,
    /// Flows of which only one end was seen. Where there are conn rows the page counts these itself, without unanswered
    /// attempts (S0) and ICMP, of which nothing may be missing.
    pub one_sided_flows: u64,
    /// Frames that could not be decoded: reason and number.
    pub undecoded: Vec<(String, u64)>,
    /// Limits of memory or depth that bit: name and how often.
    pub limits: Vec<(String, u64)>,
    /// Packets that the capturing interface says it dropped; `None` if the captures don't tell.
    pub capture_drops: Option<u64>,
}

impl Completeness {
    /// Is nothing known to be missing?
    pub fn is_complete(&self) -> bool {
        self.damage.is_empty()
            && self.undecoded.is_empty()
            && self.limits.is_empty()
            && self.cut_packets == 0
            && self.cut_mails == 0
            && self.gap_bytes == 0
            && self.one_sided_flows == 0
            && self.capture_drops.unwrap_or(0) == 0
    }
}

/// What the run itself used, and what it gave up to keep within its memory.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Memory that it might use; 0 if that is not known.
    pub memory: u64,
    /// What the memory was divided into.
    pub pools: Vec<Pool>,
    /// What was given up, by name; each at least once.
    pub given_up: Vec<(String, u64)>,
}

/// A part of the run's memory.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// What it is for.
    pub name: &'static str,
    /// The most bytes that it took.
    pub peak: u64,
    /// Bytes that it may take.
    pub cap: u64,
}
