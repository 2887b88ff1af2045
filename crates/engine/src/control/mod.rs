//! What packets of the control protocols say: ICMP and ICMPv6, neighbour discovery, group membership, address
//! resolution. The first three are summed up per flow and logged at its end, so that a row follows from its flow
//! alone; address resolution, which has no flows, in a table of its own.

mod arp;
mod echo;
mod group;
mod icmp;
mod ndp;
mod record;
#[cfg(test)]
mod tests;

pub(crate) use arp::Neighbours;
pub use echo::EchoContentRecord;
pub use record::{ArpRecord, IcmpRecord, IgmpRecord, NdpRecord};

use crate::Rows;
use group::Groups;
use icmp::Icmp;
use ndp::Discovery;
use sekisho_types::{Dir, FlowInfo, Timestamp, block_len, ip_proto};
use sekisho_wire::Decoded;

/// IGMP (IANA).
pub(crate) const IGMP: u8 = 2;
/// Facts of one kind that a flow's sum holds apart; further ones are not told.
pub(crate) const MAX_FACTS: usize = 16;

/// Type, code, checksum, and the word that differs by type.
pub(crate) type Header = [u8; 8];

/// Is `proto` summed up here?
#[inline]
pub(crate) const fn concerns(proto: u8) -> bool {
    matches!(proto, ip_proto::ICMP | ip_proto::ICMPV6 | IGMP)
}

/// The first bytes of a message; zeros where it is shorter.
pub(crate) fn header(d: &Decoded, bytes: &[u8]) -> Header {
    let mut out = [0; 8];
    out.iter_mut().zip(d.transport(bytes)).for_each(|(o, b)| *o = *b);
    out
}

/// One message.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    pub dir: Dir,
    pub ts: Timestamp,
    /// Number of its packet.
    pub number: u64,
    pub header: Header,
    /// What stands behind the header; of IGMP the whole message.
    pub payload: &'a [u8],
    /// How long that was before the capture cut it.
    pub wire_len: u32,
}

/// The sum of one flow.
pub(crate) enum Control {
    Icmp(Icmp),
    Ndp(Discovery),
    Group(Groups),
}

impl Control {
    /// For a flow whose first message is of `kind`. `judged`: somebody wants to know what echoes carry.
    pub fn new(proto: u8, kind: u8, judged: bool) -> Self {
        match (proto, kind) {
            (IGMP, _) | (ip_proto::ICMPV6, 130..=132 | 143) => Self::Group(Groups::default()),
            (ip_proto::ICMPV6, 133..=137) => Self::Ndp(Discovery::default()),
            _ => Self::Icmp(Icmp::new(judged)),
        }
    }

    /// A message of that time is about to come.
    pub fn pass(&mut self, ts: Timestamp, flow: &FlowInfo, rows: &mut dyn Rows) {
        if let Self::Icmp(icmp) = self {
            icmp.pass(ts, flow, rows);
        }
    }

    /// Adds a message; names what a limit kept out.
    pub fn add(&mut self, proto: u8, message: &Message<'_>) -> Option<&'static str> {
        match self {
            Self::Icmp(icmp) => icmp.add(proto, message),
            Self::Ndp(ndp) => ndp.add(message),
            Self::Group(groups) => groups.add(proto, message),
        }
    }

    /// Bytes that the sum takes.
    pub fn held_len(&self) -> usize {
        let own = match self {
            Self::Icmp(icmp) => icmp.held_len(),
            Self::Ndp(ndp) => ndp.held_len(),
            Self::Group(groups) => groups.held_len(),
        };
        block_len(size_of::<Self>()) + own
    }

    /// The flow has ended.
    pub fn end(self, flow: &FlowInfo, rows: &mut dyn Rows) {
        match self {
            Self::Icmp(icmp) => icmp.end(flow, rows),
            Self::Ndp(ndp) => ndp.end(flow, rows),
            Self::Group(groups) => groups.end(flow, rows),
        }
    }
}

/// Facts with the number of messages that told them.
struct Facts<T> {
    all: Vec<(Timestamp, u64, T)>,
}

impl<T> Default for Facts<T> {
    fn default() -> Self {
        Self { all: Vec::new() }
    }
}

impl<T: PartialEq> Facts<T> {
    /// Counts a fact; false if there is no room for another.
    fn add(&mut self, ts: Timestamp, fact: T) -> bool {
        if let Some(known) = self.all.iter_mut().find(|f| f.2 == fact) {
            known.1 += 1;
            return true;
        }
        let room = self.all.len() < MAX_FACTS;
        if room {
            self.all.push((ts, 1, fact));
        }
        room
    }
}
