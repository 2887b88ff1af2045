//! What a device does, as data: the part of the page that comparisons are made from.

use sekisho_record::Text;
use sekisho_types::{Addr, MacAddr, Timestamp};

/// Flows of one kind added up, seen from a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Flows.
    pub flows: u64,
    /// TCP connections among them that nobody answered, or that were refused.
    pub failed: u64,
    /// IP bytes from the device.
    pub sent: u64,
    /// IP bytes to the device.
    pub received: u64,
    /// Root of the sum of the squares of what each flow sent: how much one flow matters to the sum.
    pub sent_spread: u64,
    /// The same of what each flow received.
    pub received_spread: u64,
    /// Variance of the number of flows in equal parts of the capture over its mean, in thousandths; 1000 if they come
    /// independently of each other (Poisson), more if in bursts.
    pub dispersion: u64,
    /// Start of the first flow.
    pub first: Option<Timestamp>,
    /// Start of the last flow.
    pub last: Option<Timestamp>,
}

/// A service that a device used or offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceUse {
    /// `ssl tcp/443`, `tcp/8080` where the protocol is not known, `icmp`.
    pub service: Text,
    /// Its flows.
    pub traffic: Traffic,
}

/// A host that a device opened flows to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// Name that the device asked it by (TLS, QUIC, HTTP), else one that DNS gave to the address.
    pub name: Option<Text>,
    /// Its addresses, some of them.
    pub addresses: Vec<Addr>,
    /// Services used there, some of them.
    pub services: Vec<Text>,
    /// Flows to it.
    pub traffic: Traffic,
}

/// A name that a device asked DNS for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The name.
    pub name: Text,
    /// Questions.
    pub count: u64,
    /// As [`Traffic::dispersion`].
    pub dispersion: u64,
    /// Time of the first.
    pub first: Option<Timestamp>,
    /// Time of the last.
    pub last: Option<Timestamp>,
}

/// A certificate that a device was shown, or showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Digest as in the x509 log.
    pub fingerprint: Text,
    /// Did the device show it, as a server?
    pub own: bool,
    /// Name that was asked for, or the server's address.
    pub server: Text,
    /// Subject, where the certificate itself was seen.
    pub subject: Text,
    /// Issuer.
    pub issuer: Text,
    /// Valid until.
    pub not_after: Option<Timestamp>,
    /// Sessions.
    pub count: u64,
    /// As [`Traffic::dispersion`].
    pub dispersion: u64,
    /// Time of the first.
    pub first: Option<Timestamp>,
    /// Time of the last.
    pub last: Option<Timestamp>,
}

/// A host in the home networks (`detections.md` §1.2), or one that opens flows where neither end is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Address.
    pub addr: Addr,
    /// Hardware address, unless it may be a router's.
    pub mac: Option<MacAddr>,
    /// Name that it gives itself (DHCP), else one that DNS gave to the address.
    pub name: Option<Text>,
    /// Flows that it opened.
    pub opened: Traffic,
    /// Flows that others opened to it.
    pub accepted: Traffic,
    /// Of both, those with hosts that are no devices.
    pub outside: Traffic,
    /// Flows of which only one end was seen.
    pub one_sided: u64,
    /// TCP packets of its flows, of both ends.
    pub tcp_packets: u64,
    /// Of these, those whose data had been sent before.
    pub retransmitted: u64,
    /// Speeds of flows that moved enough to be timed: bit/s, rounded down to a quarter of an octave, and how many flows.
    pub speeds: Vec<(u64, u64)>,
    /// Times in microseconds, rounded down to a sixteenth of an octave, and how many flows: from SYN to SYN/ACK and from its first data to the first
    /// response of flows that it opened; from the first data to its own first response of those that it accepted.
    pub times: [Vec<(u64, u64)>; 3],
    /// Flows by hour of the week, either way; [`crate::WEEK_HOURS`] of them.
    pub hours: Vec<u64>,
    /// Services that it used, most flows first.
    pub used: Vec<ServiceUse>,
    /// Services that it offered.
    pub offered: Vec<ServiceUse>,
    /// Destinations, most bytes first.
    pub destinations: Vec<Destination>,
    /// Destinations that are not here.
    pub more_destinations: u64,
    /// Names that it asked for.
    pub names: Vec<Asked>,
    /// Names that are not here.
    pub more_names: u64,
    /// Certificates.
    pub certificates: Vec<Shown>,
    /// Certificates that are not here.
    pub more_certificates: u64,
}
