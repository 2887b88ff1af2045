//! What a comparison says, as data. Everything printed or written comes from here.
//!
//! Texts from the wire have been through an audit's JSON: valid UTF-8, other bytes as `\xHH`; whoever prints them passes
//! them through [`crate::clean()`] (terminal) or escapes them (HTML). Pairs are before and after, in this order.

use super::FindingPair;
use crate::Activity;
use sekisho_types::{Addr, Interval, Timestamp};

/// Two audits compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// The two sides: what was read, how much of it there was.
    pub sides: [Side; 2],
    /// What makes the sides differ although no device need have changed: length, hours, losses, vantage. To be told first.
    pub caveats: Vec<String>,
    /// The result in one line: `99.1 % less outbound traffic; 8 destinations gone, 0 new; …`, or `nothing changed`.
    pub verdict: String,
    /// Did anything change beyond chance?
    pub changed: bool,
    /// All devices together.
    pub network: Device,
    /// Devices that changed, those that changed most first.
    pub devices: Vec<Device>,
    /// Devices with nothing to tell.
    pub unchanged: Vec<Identity>,
    /// Findings that no mute hides, those that are new first, then those that went, then those that stayed.
    pub findings: Vec<FindingPair>,
    /// How differences were told from chance.
    pub tests: Tests,
}

/// One side: an audit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// Captures, or the audit's file, as the user named them.
    pub inputs: Vec<String>,
    /// Captures that the audit read, as the user named them then; of a capture the same as `inputs`.
    pub captures: Vec<String>,
    /// Flags that decide how those are read: with them, uids and packet numbers are the same again.
    pub reading: Vec<String>,
    /// Was it read from an audit's JSON?
    pub from_json: bool,
    /// Time of the first packet.
    pub first: Option<Timestamp>,
    /// Time of the last packet.
    pub last: Option<Timestamp>,
    /// Time observed: from the first packet to the last.
    pub observed: Interval,
    /// Packets read.
    pub packets: u64,
    /// Bytes of those packets.
    pub bytes: u64,
    /// Flows.
    pub flows: u64,
    /// Devices told apart.
    pub devices: u64,
    /// Findings that no mute hides.
    pub findings: u64,
    /// Is nothing known to be missing from the captures?
    pub complete: bool,
    /// Flows over time; `None` of an audit of before audits told it.
    pub activity: Option<Activity>,
}

/// How differences were told from chance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tests {
    /// Tests made.
    pub made: u64,
    /// Of these, differences taken for real.
    pub passed: u64,
    /// Least |z|.
    pub least_z: f64,
    /// Rate of false discoveries that Benjamini and Hochberg's procedure keeps to.
    pub false_discovery_rate: f64,
    /// Greatest p that the procedure let pass; 0 if none.
    pub greatest_p: f64,
}

/// By what a device of one side was found in the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatchedBy {
    /// All devices together, or seen in one side only: nothing to find.
    #[default]
    Nothing,
    /// Hardware address.
    Mac,
    /// Name that it gives itself, or that the network gives it.
    Name,
    /// Address.
    Address,
}

impl MatchedBy {
    /// In lower case, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Mac => "mac",
            Self::Name => "name",
            Self::Address => "address",
        }
    }
}

/// Who a device is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its addresses on each side, sorted; none where it was not seen.
    pub addresses: [Vec<Addr>; 2],
    /// Hardware address, where the captures show the device's own; the later one.
    pub mac: Option<String>,
    /// Name that it gives itself or the network gives it; the later one.
    pub name: Option<String>,
    /// How the two sides were brought together.
    pub matched_by: MatchedBy,
}

/// What became of something. The words are the reason codes of `audit-diff`; `Faster` and `Cleaner` mirror `Slower` and `Lossier`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// There now, not before.
    Appeared,
    /// Less loss.
    Cleaner,
    /// There before, not now.
    Disappeared,
    /// More throughput, or less time.
    Faster,
    /// More.
    Grew,
    /// More loss.
    Lossier,
    /// It cannot be said: too little was seen of one side.
    NotComparable,
    /// Less.
    Shrank,
    /// Less throughput, or more time.
    Slower,
    /// The same, or no more different than by chance.
    #[default]
    Unchanged,
}

impl Change {
    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Appeared => "appeared",
            Self::Cleaner => "cleaner",
            Self::Disappeared => "disappeared",
            Self::Faster => "faster",
            Self::Grew => "grew",
            Self::Lossier => "lossier",
            Self::NotComparable => "not-comparable",
            Self::Shrank => "shrank",
            Self::Slower => "slower",
            Self::Unchanged => "unchanged",
        }
    }

    /// Is it a change?
    pub const fn is_change(self) -> bool {
        !matches!(self, Self::Unchanged | Self::NotComparable)
    }
}

/// What the comparison says of one device, or of all together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// Who it is; empty for all together.
    pub identity: Identity,
    /// The device itself: appeared, disappeared, or unchanged if both sides have it.
    pub presence: Change,
    /// The result in one line.
    pub verdict: String,
    /// Did anything change beyond chance?
    pub changed: bool,
    /// What is to be known before the figures: `its hardware address was …`, `only one direction was seen before`.
    pub notes: Vec<String>,
    /// Volumes, counts, ratios; always the same ones in the same order.
    pub quantities: Vec<Quantity>,
    /// Destinations, names, services, certificates, findings that are not on both sides alike, by kind, sure ones first,
    /// heavier first.
    pub items: Vec<Item>,
    /// Items on both sides and not different, by kind: in the order of [`ItemKind::ALL`].
    pub unchanged_items: [u64; ItemKind::ALL.len()],
    /// When it was active.
    pub schedule: Schedule,
}

/// What is counted or measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// IP bytes sent by the device; of all together, from devices to other hosts.
    #[default]
    SentBytes,
    /// IP bytes sent to the device; of all together, from other hosts to devices.
    ReceivedBytes,
    /// Flows that it opened.
    Opened,
    /// Flows that others opened to it.
    Accepted,
    /// TCP connections that it opened and nobody answered, or that were refused.
    Failed,
    /// TCP packets sent again, by it and to it, in parts of a million TCP packets.
    Retransmissions,
    /// Bit/s of its flows that moved enough to be timed, the median.
    Throughput,
    /// Microseconds from SYN to SYN/ACK of connections that it opened, the median.
    Connect,
    /// Microseconds from its first data to the first response, of flows that it opened, the median.
    Response,
    /// Microseconds from the first data to its own first response, of flows that others opened to it, the median.
    Answer,
}

impl Measure {
    /// In the order of [`Device::quantities`].
    pub const ALL: [Self; 10] = [
        Self::SentBytes,
        Self::ReceivedBytes,
        Self::Opened,
        Self::Accepted,
        Self::Failed,
        Self::Retransmissions,
        Self::Throughput,
        Self::Connect,
        Self::Response,
        Self::Answer,
    ];

    /// Is it a time?
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Connect | Self::Response | Self::Answer)
    }

    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SentBytes => "sent_bytes",
            Self::ReceivedBytes => "received_bytes",
            Self::Opened => "connections_opened",
            Self::Accepted => "connections_accepted",
            Self::Failed => "connections_failed",
            Self::Retransmissions => "retransmissions_per_million",
            Self::Throughput => "throughput_bits_per_second",
            Self::Connect => "connect_microseconds",
            Self::Response => "response_microseconds",
            Self::Answer => "answer_microseconds",
        }
    }
}

/// One figure of each side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantity {
    /// Of what.
    pub measure: Measure,
    /// As counted, not normalised; `None` where the side has nothing to measure.
    pub values: [Option<u64>; 2],
    /// Of times the 95th percentile of each side.
    pub high: [Option<u64>; 2],
    /// Per hour observed; `None` for ratios and speeds, which are compared as they are.
    pub per_hour: Option<[f64; 2]>,
    /// Change in percent of the value before (of the floor, if that is less), normalised by the time observed; of
    /// retransmissions the difference in percentage points.
    pub percent: Option<f64>,
    /// How many standard deviations the difference is away from none.
    pub z: Option<f64>,
    /// Probability of a difference at least as large if nothing changed.
    pub p: Option<f64>,
    /// What it comes to.
    pub change: Change,
}

/// What is compared one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemKind {
    /// A host that the device opened flows to: its name where one is known, else its address.
    #[default]
    Destination,
    /// A name that the device asked DNS for.
    Name,
    /// A protocol that the device used, with its port: `ssl tcp/443`.
    Used,
    /// A protocol that the device offered, and somebody used.
    Offered,
    /// A certificate that the device was shown or shows: for what name, by which issuer.
    Certificate,
    /// A judgement about the device: `audit-cleartext-post/post`.
    Finding,
}

impl ItemKind {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 6] =
        [Self::Destination, Self::Name, Self::Used, Self::Offered, Self::Certificate, Self::Finding];

    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Name => "name",
            Self::Used => "service_used",
            Self::Offered => "service_offered",
            Self::Certificate => "certificate",
            Self::Finding => "finding",
        }
    }
}

/// One of these, seen on at least one side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// What tells it from others of its kind.
    pub key: String,
    /// More about it: addresses, services, the certificate's end, a finding's severity; may be empty.
    pub detail: String,
    /// Of a certificate: whose it is, in parts.
    pub certificate: Option<CertificateOf>,
    /// What each side saw of it; `None` if nothing.
    pub seen: [Option<Seen>; 2],
    /// What became of it.
    pub change: Change,
    /// Is that beyond chance? What was seen too rarely, or in a list that was cut, is not.
    pub sure: bool,
    /// Why it is not sure, or what else is to be known: `seen once in 46 min`; may be empty.
    pub note: String,
    /// Change in percent, normalised by the time observed: of the number of times, or of what `note` names, if that differs more.
    pub percent: Option<f64>,
    /// How many standard deviations that difference is away from none.
    pub z: Option<f64>,
    /// Probability of a difference at least as large if nothing changed.
    pub p: Option<f64>,
}

/// What tells certificates apart here: not the digest, which changes whenever one is renewed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateOf {
    /// Did the device show it itself, as a server?
    pub own: bool,
    /// Name that was asked for, or the server's address.
    pub server: String,
    /// Issuer; of a certificate that nobody saw, its digest.
    pub issuer: String,
}

/// What one side saw of an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Times: flows, questions, times shown, signs of a finding.
    pub count: u64,
    /// Of flows, those that were refused or unanswered.
    pub failed: u64,
    /// IP bytes from the device; 0 for what has none.
    pub sent: u64,
    /// IP bytes to the device.
    pub received: u64,
    /// First time, where it is known.
    pub first: Option<Timestamp>,
    /// Last time.
    pub last: Option<Timestamp>,
}

/// When a device had flows, either way, by hour of the week.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// Flows by hour of the week, from Monday 00:00 UTC; [`crate::WEEK_HOURS`] of them, or none if the side did not see it. Of all
    /// together each flow of the capture is counted once, if both audits tell it; else flows between two devices twice.
    pub flows: [Vec<u64>; 2],
    /// Seconds observed in each of those hours.
    pub observed: [Vec<u32>; 2],
    /// What was compared: hours of the week, of the day, or nothing.
    pub grain: Grain,
    /// Hours (0 to 167, or 0 to 23) in which it is active more than its other change explains, and those in which less.
    pub more: Vec<u16>,
    /// See `more`.
    pub less: Vec<u16>,
    /// Hours, z and p that wait until all tests are known.
    pub(super) tested: Vec<(u16, f64, f64)>,
}

/// How fine schedules could be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grain {
    /// A side covers less than a day: not at all.
    #[default]
    None,
    /// Both sides cover a day: by hour of the day.
    Day,
    /// Both sides cover a week: by hour of the week.
    Week,
}
