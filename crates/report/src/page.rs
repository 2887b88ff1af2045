//! The audit page as data. Everything printed or written comes from here.

use crate::{Activity, Completeness, Profile, State};
use sekisho_finding::{Coverage, Finding, Incident, Mutes, Signed};
use sekisho_record::Text;
use sekisho_types::{Addr, Subnet, Timestamp, Uid};

/// Most rows a list of the page keeps; the heaviest, so that a page has a bounded size.
pub const PAGE_ROWS: usize = 1_000;

/// The heaviest rows of a list, in order, and how many others there were.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// The rows, heaviest first.
    pub rows: Vec<T>,
    /// Rows that are not here.
    pub more: u64,
    /// False if the list outgrew its table, so that `more` and the sums of rows that came and went are estimates.
    pub exact: bool,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), more: 0, exact: true }
    }
}

impl<T> Listing<T> {
    /// All rows there were.
    pub fn total(&self) -> u64 {
        self.rows.len() as u64 + self.more
    }
}

/// One audit.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What may be missing.
    pub completeness: Completeness,
    /// Sums over everything.
    pub totals: Totals,
    /// Hosts by bytes.
    pub hosts: Listing<Host>,
    /// Devices and what they do, by bytes; none after [`crate::Summary::without_devices`].
    pub devices: Listing<Profile>,
    /// Entries of devices' lists that found no room while the capture was read: what is left of these lists is not exact.
    pub device_entries_forgotten: u64,
    /// Services by bytes.
    pub services: Listing<Service>,
    /// Pairs of hosts by bytes.
    pub talkers: Listing<Talker>,
    /// Recognised protocols by bytes.
    pub protocols: Listing<Protocol>,
    /// Rows of each log, by log name.
    pub logs: Vec<(&'static str, u64)>,
    /// TLS versions by connections.
    pub tls_versions: Listing<Name>,
    /// Tunnels by number of rows.
    pub tunnels: Listing<Tunnel>,
    /// Names asked for.
    pub names: Names,
    /// Certificates, those with problems first.
    pub certificates: Listing<Certificate>,
    /// Files by size.
    pub files: Listing<File>,
    /// Types of files by bytes.
    pub file_types: Listing<FileType>,
    /// Mail envelopes by time.
    pub mails: Listing<Mail>,
    /// User names that crossed the network unencrypted.
    pub logins: Listing<Login>,
    /// Odd things by count.
    pub weirds: Listing<Weird>,
    /// Hosts by unanswered or refused TCP attempts.
    pub attempts: Listing<Attempts>,
    /// What the capture cannot show.
    pub unseen: Unseen,
    /// When something went on.
    pub activity: Activity,
    /// What the run used and gave up; whoever ran it fills this in.
    pub state: State,
    /// What the detectors found; whoever ran them fills this in.
    pub judged: Judged,
    /// Networks that count as inside; whoever ran the detectors fills this in.
    pub home_nets: Vec<Subnet>,
    /// Flows that findings name, by uid, if they were asked for ([`crate::Summary::keeping_flows`]).
    pub flows: Vec<FlowEnds>,
    /// Flows that were forgotten for want of room before it was known which ones findings name.
    pub flows_forgotten: u64,
}

impl Page {
    /// The flow of that uid, if it is among those kept.
    pub fn flow(&self, uid: Uid) -> Option<&FlowEnds> {
        self.flows.get(self.flows.binary_search_by_key(&uid, |f| f.uid).ok()?)
    }
}

/// A flow that a finding names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowEnds {
    /// Its id.
    pub uid: Uid,
    /// Time of its first packet.
    pub first: Timestamp,
    /// Time of its last packet.
    pub last: Timestamp,
    /// Who opened it.
    pub orig: Addr,
    /// The port there.
    pub orig_port: u16,
    /// To whom.
    pub resp: Addr,
    /// The port there.
    pub resp_port: u16,
    /// `tcp`, `udp`, `icmp` or another.
    pub proto: Text,
    /// Protocols as recognised by content, separated by commas.
    pub service: Option<Text>,
    /// Bytes from `orig`, from the IP header on.
    pub sent_bytes: u64,
    /// Bytes from `resp`, from the IP header on.
    pub received_bytes: u64,
    /// Packets from `orig`.
    pub sent_packets: u64,
    /// Packets from `resp`.
    pub received_packets: u64,
}

impl FlowEnds {
    /// Are the ports ports, rather than types and codes of ICMP?
    pub fn has_ports(&self) -> bool {
        matches!(&self.proto.0[..], b"tcp" | b"udp" | b"sctp")
    }
}

/// What the detectors say.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Findings, the worst first.
    pub findings: Vec<Finding>,
    /// Findings that were not kept for want of room.
    pub refused: u64,
    /// Entries that detectors forgot for want of room, the most first: whose (a judgement, or what all share), how many.
    pub forgotten: Vec<(&'static str, u64)>,
    /// What earlier runs had part in, if there is a state.
    pub carried: Option<Carried>,
    /// What was agreed to be muted, and what became of it.
    pub mutes: Mutes,
    /// What DNSSEC came to, if any passed.
    pub dnssec: Option<Signed>,
    /// How well each judgement could be made.
    pub coverage: Vec<Coverage>,
    /// Findings joined to stories, the most urgent first; their numbers are places in `findings`.
    pub incidents: Vec<Incident>,
    /// Incidents that were left off.
    pub more_incidents: u64,
}

/// Facts that are carried from run to run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carried {
    /// Packet time of the first and the last that earlier runs judged; none if this is the first.
    pub since: Option<Timestamp>,
    /// See `since`.
    pub until: Option<Timestamp>,
    /// Facts that were known before.
    pub known: u64,
    /// Facts kept for the next run.
    pub kept: u64,
    /// Facts that this run left out for want of room, the oldest.
    pub left_out: u64,
}

impl Judged {
    /// All entries that were forgotten.
    pub fn forgotten_count(&self) -> u64 {
        self.forgotten.iter().map(|(_, count)| count).sum()
    }
}

/// Sums over all flows.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Flows.
    pub flows: u64,
    /// By transport, most bytes first.
    pub transports: Vec<Transport>,
    /// Hosts in the home networks (private addresses if none are configured).
    pub internal_hosts: u64,
    /// Other hosts; multicast groups are neither.
    pub external_hosts: u64,
}

/// Flows of one transport.
#[derive(Clone, Debug, Default)]
pub struct Transport {
    /// `tcp`, `udp`, `icmp` or another.
    pub name: Text,
    /// Flows.
    pub flows: u64,
    /// Packets.
    pub packets: u64,
    /// Bytes from the IP header on.
    pub bytes: u64,
}

/// One address.
#[derive(Clone, Debug)]
pub struct Host {
    /// Address.
    pub addr: Addr,
    /// In the home networks?
    pub internal: bool,
    /// A name that a DNS answer gave to the address.
    pub name: Option<Text>,
    /// Names of its roles: `multicast group`, `resolver`, `server`, `client`.
    pub roles: Vec<&'static str>,
    /// Services it answered for, most flows first: `http`, or `tcp/8080` where the protocol is not known.
    pub serves: Vec<Text>,
    /// Services it used.
    pub uses: Vec<Text>,
    /// Flows it opened.
    pub flows_out: u64,
    /// Flows opened to it.
    pub flows_in: u64,
    /// Bytes it sent, from the IP header on.
    pub sent: u64,
    /// Bytes sent to it.
    pub received: u64,
    /// Start of its first flow.
    pub first: Option<Timestamp>,
    /// Start of its last flow.
    pub last: Option<Timestamp>,
}

/// Flows to one port, as one protocol; or all TCP flows of no protocol that were never answered.
#[derive(Clone, Debug)]
pub struct Service {
    /// Transport.
    pub transport: Text,
    /// Responder's port; `None` for what has no ports.
    pub port: Option<u16>,
    /// Protocol as recognised by content.
    pub service: Option<Text>,
    /// False for the one row of TCP flows that nobody answered, whatever their ports.
    pub answered: bool,
    /// Flows.
    pub flows: u64,
    /// Bytes from the IP header on.
    pub bytes: u64,
}

/// Everything between two hosts.
#[derive(Clone, Debug)]
pub struct Talker {
    /// The host that opened the first flow.
    pub a: Addr,
    /// The other.
    pub b: Addr,
    /// Flows.
    pub flows: u64,
    /// Bytes from `a` to `b`, from the IP header on.
    pub a_to_b: u64,
    /// Bytes from `b` to `a`.
    pub b_to_a: u64,
}

/// A recognised protocol.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// Name as in conn's `service`.
    pub name: Text,
    /// Flows.
    pub flows: u64,
    /// Bytes from the IP header on.
    pub bytes: u64,
}

/// A name and how often it occurred.
#[derive(Clone, Debug)]
pub struct Name {
    /// The name.
    pub name: Text,
    /// Occurrences.
    pub count: u64,
}

/// Names asked for, by kind.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Names in DNS queries.
    pub dns_queries: Listing<Name>,
    /// Names that don't exist (NXDOMAIN).
    pub nxdomain: Listing<Name>,
    /// Server names in TLS hellos.
    pub tls_servers: Listing<Name>,
    /// Hosts of HTTP requests.
    pub http_hosts: Listing<Name>,
    /// What programs call themselves.
    pub software: Listing<Software>,
}

/// What a program calls itself.
#[derive(Clone, Debug)]
pub struct Software {
    /// `http client`, `ssh client` or `ssh server`.
    pub kind: &'static str,
    /// Its words.
    pub name: Text,
    /// Occurrences.
    pub count: u64,
}

/// A certificate that crossed in clear.
#[derive(Clone, Debug, Default)]
pub struct Certificate {
    /// Digest as in the x509 log.
    pub fingerprint: Text,
    /// Subject.
    pub subject: Text,
    /// Issuer.
    pub issuer: Text,
    /// Valid from.
    pub not_before: Option<Timestamp>,
    /// Valid until.
    pub not_after: Option<Timestamp>,
    /// Key, e.g. `rsa 2048`.
    pub key: Text,
    /// Signature algorithm.
    pub signature: Text,
    /// Times it was logged or shown at the head of a chain, whichever is more.
    pub count: u64,
    /// Name that clients asked its server for.
    pub server_name: Option<Text>,
    /// A server that showed it.
    pub server: Option<Addr>,
    /// What is wrong with it.
    pub problems: Vec<String>,
}

/// A file seen crossing the network.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// When it began.
    pub ts: Option<Timestamp>,
    /// File id.
    pub fuid: Text,
    /// Flow id.
    pub uid: Text,
    /// Protocol that carried it.
    pub source: Text,
    /// Type by content.
    pub mime_type: Option<Text>,
    /// Name that the protocol gave.
    pub filename: Option<Text>,
    /// Sender.
    pub from: Option<Addr>,
    /// Receiver.
    pub to: Option<Addr>,
    /// Bytes seen.
    pub seen_bytes: u64,
    /// Bytes announced.
    pub total_bytes: Option<u64>,
    /// Bytes lost.
    pub missing_bytes: u64,
    /// Is it whole? `None` if the rows don't say; then sizes tell.
    pub complete: Option<bool>,
    /// SHA-256 of the bytes seen, in hex.
    pub sha256: Option<Text>,
}

impl File {
    /// Are bytes known to be missing?
    pub fn is_incomplete(&self) -> bool {
        let short = self.missing_bytes > 0 || self.total_bytes.is_some_and(|t| t > self.seen_bytes);
        !self.complete.unwrap_or(!short)
    }
}

/// Files of one type.
#[derive(Clone, Debug)]
pub struct FileType {
    /// Type by content; `None` if unknown.
    pub mime_type: Option<Text>,
    /// Files.
    pub files: u64,
    /// Bytes seen.
    pub bytes: u64,
}

/// A mail's envelope.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// When.
    pub ts: Option<Timestamp>,
    /// Sending host.
    pub client: Option<Addr>,
    /// Receiving host.
    pub server: Option<Addr>,
    /// Envelope sender.
    pub from: Option<Text>,
    /// Envelope receivers.
    pub to: Vec<Text>,
    /// Subject.
    pub subject: Option<Text>,
}

/// A user name that anyone on the path could read. Passwords are never kept.
#[derive(Clone, Debug)]
pub struct Login {
    /// Protocol.
    pub protocol: &'static str,
    /// Client.
    pub client: Addr,
    /// Server.
    pub server: Addr,
    /// User name.
    pub user: Text,
    /// Rows that carried it.
    pub count: u64,
    /// Did the server accept it? `None` if it didn't say.
    pub accepted: Option<bool>,
}

/// An oddity.
#[derive(Clone, Debug)]
pub struct Weird {
    /// Name as in the weird log.
    pub name: Text,
    /// Occurrences.
    pub count: u64,
    /// A flow that shows it.
    pub uid: Option<Text>,
    /// Detail of that occurrence.
    pub detail: Option<Text>,
}

/// One host's TCP connection attempts that nobody answered or that were refused.
#[derive(Clone, Debug)]
pub struct Attempts {
    /// Who tried.
    pub addr: Addr,
    /// Attempts without answer (S0).
    pub unanswered: u64,
    /// Attempts refused (REJ).
    pub refused: u64,
    /// Different hosts tried; at least.
    pub hosts: u64,
    /// Different ports tried; at least.
    pub ports: u64,
    /// False if there were more hosts or ports than are counted.
    pub exact: bool,
}

/// A tunnel.
#[derive(Clone, Debug)]
pub struct Tunnel {
    /// Type, e.g. `Tunnel::GRE`.
    pub kind: Text,
    /// Outer source.
    pub orig: Addr,
    /// Outer destination.
    pub resp: Addr,
    /// Rows.
    pub count: u64,
}

/// Traffic whose content is not in the rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unseen {
    /// Flows of encrypted protocols.
    pub encrypted_flows: u64,
    /// Their bytes.
    pub encrypted_bytes: u64,
    /// Flows with data whose protocol was not recognised.
    pub unknown_flows: u64,
    /// Their bytes.
    pub unknown_bytes: u64,
}
