//! Which protocol a flow speaks: its first bytes, and what the probes say of them.

use crate::{Guess, PROTOCOLS, Probe, ProtoId, Transport};
use sekisho_types::{Dir, FlowInfo, Heap, block_len, list_len};
use std::sync::LazyLock;

/// Bytes kept per direction while no parser has claimed the flow.
pub const MAX_PROBE_BYTES: usize = 4096;

/// Chunks offered to the probes before the flow counts as unknown.
pub const MAX_PROBE_CHUNKS: usize = 512;

const _: () = assert!(PROTOCOLS.len() <= 128, "protocols are kept as bits");

/// Protocols as bits, by their place in the table.
pub type ProtoSet = u128;

/// The set of one.
pub const fn proto_bit(id: ProtoId) -> ProtoSet {
    1 << id as u32
}

/// What the probes say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// One is sure.
    Start(ProtoId),
    /// One is undecided.
    More,
    /// None knows it.
    Nobody,
}

/// A protocol's probe.
type ProbeFn = fn(&Probe<'_>) -> Guess;

/// The protocols of one transport.
struct Order {
    all: Vec<(ProtoId, ProbeFn)>,
    /// Usual ports with places in `all`, sorted.
    ports: Vec<(u16, usize)>,
}

impl Order {
    fn new(transport: Transport) -> Self {
        let (mut all, mut ports) = (Vec::new(), Vec::new());
        for (id, d) in PROTOCOLS {
            let (here, there) = match transport {
                Transport::Tcp => (d.tcp_ports, d.udp_ports),
                Transport::Udp => (d.udp_ports, d.tcp_ports),
            };
            // One with ports over the other transport only is none of this.
            if !here.is_empty() || there.is_empty() {
                ports.extend(here.iter().map(|port| (*port, all.len())));
                all.push((*id, d.probe));
            }
        }
        ports.sort_unstable();
        Self { all, ports }
    }

    /// Those whose usual port this is.
    fn at(&self, port: u16) -> impl Iterator<Item = (ProtoId, ProbeFn)> {
        let from = self.ports.partition_point(|p| p.0 < port);
        let these = self.ports.get(from..).unwrap_or(&[]).iter().take_while(move |p| p.0 == port);
        these.filter_map(|p| self.all.get(p.1).copied())
    }
}

static TCP: LazyLock<Order> = LazyLock::new(|| Order::new(Transport::Tcp));
static UDP: LazyLock<Order> = LazyLock::new(|| Order::new(Transport::Udp));

/// Asks the probes but `excluded`, those whose port fits first.
pub fn choose(flow: &FlowInfo, transport: Transport, orig: &[u8], resp: &[u8], excluded: ProtoSet) -> Choice {
    let order: &Order = match transport {
        Transport::Tcp => &TCP,
        Transport::Udp => &UDP,
    };
    let (mut asked, mut more) = (excluded, false);
    let fitting = order.at(flow.tuple.resp_port).chain(order.at(flow.tuple.orig_port));
    let any = fitting.map(|p| (p, true)).chain(order.all.iter().map(|p| (*p, false)));
    for ((id, probe), port_match) in any {
        if asked & proto_bit(id) != 0 {
            continue;
        }
        asked |= proto_bit(id);
        match probe(&Probe { transport, orig, resp, port_match, flow }) {
            Guess::Yes => return Choice::Start(id),
            Guess::More => more = true,
            Guess::No => {}
        }
    }
    if more { Choice::More } else { Choice::Nobody }
}

/// First bytes of a flow that no parser has claimed yet.
#[derive(Default)]
pub struct Probing {
    bytes: [Vec<u8>; 2],
    /// Chunks in order of arrival: direction and length.
    chunks: Vec<(Dir, usize)>,
    /// Protocols that started and gave up.
    pub excluded: ProtoSet,
    /// Datagrams that no probe knew.
    pub strange: u8,
    /// The protocol that was spoken before.
    pub handed_over_by: Option<ProtoId>,
    /// What it was counted for.
    counted: u32,
}

impl Probing {
    /// Empty, of a flow that does not speak `excluded`.
    pub fn with_excluded(excluded: ProtoSet) -> Self {
        Self { excluded, ..Self::default() }
    }

    /// Of a flow that spoke that before.
    pub fn behind(mut self, handed_over_by: Option<ProtoId>) -> Self {
        self.handed_over_by = handed_over_by;
        self
    }

    /// Bytes that it takes, itself included.
    pub fn held_len(&self) -> usize {
        block_len(size_of::<Self>()) + self.bytes.as_slice().heap_len() + list_len(&self.chunks)
    }

    /// By how much it has grown since the last call, at first since nothing.
    pub fn recount(&mut self) -> i64 {
        let now = u32::try_from(self.held_len()).unwrap_or(u32::MAX);
        i64::from(now) - i64::from(std::mem::replace(&mut self.counted, now))
    }

    /// What the last [`Probing::recount`] came to.
    pub fn counted_len(&self) -> i64 {
        i64::from(self.counted)
    }

    /// The same; from now on it counts for nothing.
    pub fn uncount(&mut self) -> i64 {
        i64::from(std::mem::take(&mut self.counted))
    }

    /// Adds a chunk; false if the budget is used up.
    pub fn push(&mut self, dir: Dir, bytes: &[u8]) -> bool {
        let Some(held) = self.bytes.get_mut(dir.index()) else { return false };
        if self.chunks.len() >= MAX_PROBE_CHUNKS || held.len() + bytes.len() > MAX_PROBE_BYTES {
            return false;
        }
        held.extend_from_slice(bytes);
        self.chunks.push((dir, bytes.len()));
        true
    }

    /// The bytes of one direction.
    pub fn of(&self, dir: Dir) -> &[u8] {
        self.bytes.get(dir.index()).map_or(&[], Vec::as_slice)
    }

    /// Is `bytes` the chunk pushed last?
    pub fn includes(&self, dir: Dir, bytes: &[u8]) -> bool {
        self.chunks.last() == Some(&(dir, bytes.len())) && self.of(dir).ends_with(bytes)
    }

    /// Bytes of `dir` were lost: what was held of it no longer precedes what follows.
    pub fn lose(&mut self, dir: Dir) {
        if let Some(held) = self.bytes.get_mut(dir.index()) {
            *held = Vec::new();
        }
        self.chunks.retain(|c| c.0 != dir);
        if self.chunks.is_empty() {
            self.chunks = Vec::new();
        }
    }

    /// The chunks in order of arrival.
    pub fn replay(&self) -> impl Iterator<Item = (Dir, &[u8])> {
        let mut at = [0usize; 2];
        self.chunks.iter().map(move |&(dir, len)| {
            let Some(start) = at.get_mut(dir.index()) else { return (dir, &[][..]) };
            let from = std::mem::replace(start, *start + len);
            (dir, self.of(dir).get(from..from + len).unwrap_or(&[]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replays_in_order_and_limits() {
        let mut p = Probing::default();
        assert!(p.push(Dir::Orig, b"ab") && p.push(Dir::Resp, b"x") && p.push(Dir::Orig, b"c"));
        let all: Vec<_> = p.replay().map(|(d, b)| (d.index(), b.to_vec())).collect();
        assert_eq!(all, [(0, b"ab".to_vec()), (1, b"x".to_vec()), (0, b"c".to_vec())]);
        p.lose(Dir::Orig);
        assert_eq!(p.replay().count(), 1);
        assert!(!p.push(Dir::Orig, &[0; MAX_PROBE_BYTES + 1]));
    }
}
