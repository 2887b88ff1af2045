use crate::history::{History, is_power_of_ten};
use crate::services::Services;
use crate::tcp::{Endpoint, TcpBits, TcpState};
use sekisho_types::{Dir, FlowInfo, MacAddr, Timestamp, Uid, ip_proto};
use sekisho_wire::Decoded;
use smallvec::SmallVec;

/// History bit: the analysis is not complete.
const SEEN_INCOMPLETE: u8 = 0x80;

/// Tunnels remembered per flow.
const TUNNEL_MAX_COUNT: usize = 8;

/// One packet on its way into the flow table.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Capture time.
    pub ts: Timestamp,
    /// Number in the timeline, from 1.
    pub number: u64,
    /// Its headers.
    pub decoded: &'a Decoded,
    /// The bytes that the offsets in `decoded` count from.
    pub frame: &'a [u8],
    /// Uid of the innermost enclosing tunnel, if any.
    pub tunnel: Option<Uid>,
}

/// When something happened: packet time and packet number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Packet time.
    pub ts: Timestamp,
    /// Number of the packet in the timeline, from 1; 0 for what only the passing of time did.
    pub number: u64,
}

/// Names a live flow; means nothing after the flow's `closed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Where a packet went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handled {
    /// The flow.
    pub id: FlowId,
    /// Its unique id.
    pub uid: Uid,
    /// Who sent the packet.
    pub dir: Dir,
    /// Was this the flow's first packet?
    pub first: bool,
}

/// What one end of a flow sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets.
    pub pkts: u64,
    /// Bytes of IP packets by their headers.
    pub ip_bytes: u64,
    /// Payload bytes: of TCP from sequence numbers, of others by their headers.
    pub bytes: u64,
    /// Bytes missing in the TCP stream as Zeek counts them: in established connections only.
    pub missed_bytes: u64,
    /// All bytes missing in the TCP stream.
    pub gap_bytes: u64,
    /// Payload bytes that were on the wire but not captured (snaplen).
    pub cut_bytes: u64,
    /// Packets with a wrong transport checksum (only if checksums are looked at).
    pub checksum_errors: u64,
}

/// Kind of a flow, from its IP protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Udp,
    Icmp,
    Other,
}

impl Kind {
    pub(crate) const fn of(proto: u8) -> Self {
        match proto {
            ip_proto::TCP => Self::Tcp,
            ip_proto::UDP => Self::Udp,
            ip_proto::ICMP | ip_proto::ICMPV6 => Self::Icmp,
            _ => Self::Other,
        }
    }
}

/// One conversation: who, what was counted, and where its TCP stands.
///
/// The fields stand in the order of their use per packet, so that a packet touches few cache lines.
#[derive(Debug)]
#[repr(C)]
pub struct Flow {
    /// What every layer may know.
    pub info: FlowInfo,
    pub(crate) kind: Kind,
    pub(crate) one_way: bool,
    pub(crate) opaque: bool,
    pub(crate) flip_wanted: bool,
    /// A timer may have become due earlier than the wheel knows.
    pub(crate) timers_changed: bool,
    /// Time of the last packet that counts for the duration.
    pub(crate) last_ts: Timestamp,
    pub(crate) orig: Endpoint,
    pub(crate) resp: Endpoint,
    pub(crate) tcp: TcpBits,
    /// When a question-and-answer flow is looked at next.
    pub(crate) exchange_look: i64,
    pub(crate) history: History,
    /// Application protocols as Zeek confirms them.
    pub services: Services,
    /// Application protocols recognised, also where the flow began midstream or one end is unseen.
    pub apps: Services,
    /// Link addresses of the first packet, originator's first.
    pub(crate) macs: [Option<MacAddr>; 2],
    /// Enclosing tunnels beyond the first.
    pub(crate) tunnels: SmallVec<[Uid; 0]>,
}

impl Flow {
    /// Did a TCP connection begin before the capture, so that an end's SYN is missing?
    pub fn is_partial(&self) -> bool {
        [self.orig.state, self.resp.state].contains(&TcpState::Partial)
    }

    pub(crate) fn new(info: FlowInfo, d: &Decoded, one_way: bool) -> Self {
        Self {
            kind: Kind::of(info.tuple.proto),
            one_way,
            opaque: false,
            flip_wanted: false,
            timers_changed: true,
            services: Services::default(),
            apps: Services::default(),
            history: History::default(),
            last_ts: info.first_ts,
            exchange_look: i64::MAX,
            tcp: TcpBits::default(),
            orig: Endpoint::default(),
            resp: Endpoint::default(),
            macs: [d.src_mac, d.dst_mac],
            tunnels: SmallVec::new(),
            info,
        }
    }

    /// The history so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Time of the last packet that counts for the duration.
    pub fn last_ts(&self) -> Timestamp {
        self.last_ts
    }

    /// What `dir` sent so far.
    pub fn counters(&self, dir: Dir) -> Counters {
        let e = self.end(dir);
        Counters {
            pkts: e.pkts,
            ip_bytes: e.ip_bytes,
            bytes: self.size(dir),
            missed_bytes: e.missed_bytes,
            gap_bytes: e.gap_bytes,
            cut_bytes: e.cut_bytes,
            checksum_errors: u64::from(e.checksum_count),
        }
    }

    /// TCP state of `dir`; `Inactive` for other protocols.
    pub fn tcp_state(&self, dir: Dir) -> TcpState {
        self.end(dir).state
    }

    /// Position of `dir`'s next stream byte, counted from 1 at its first byte: what was handed on and
    /// what was told as a gap lies below, also during [`crate::Sink::data`] and [`crate::Sink::gap`].
    pub fn stream_offset(&self, dir: Dir) -> u64 {
        self.end(dir).stream.next
    }

    /// The application no longer wants this flow's payload: no more `data`, `gap` and `datagram`, no
    /// buffering. The counters go on.
    pub fn set_opaque(&mut self) {
        self.opaque = true;
    }

    /// Did the application give up this flow's payload?
    pub fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// Notes in the history (`X`) that the analysis of `dir` is not complete, e.g. over a limit.
    pub fn note_incomplete(&mut self, dir: Dir) {
        self.note_once(dir, SEEN_INCOMPLETE, b'X');
    }

    /// Asks to swap originator and responder once the packet at hand is done, e.g. when its content
    /// shows that the first packet was an answer.
    pub fn request_flip(&mut self) {
        self.flip_wanted = true;
    }

    pub(crate) fn end(&self, dir: Dir) -> &Endpoint {
        match dir {
            Dir::Orig => &self.orig,
            Dir::Resp => &self.resp,
        }
    }

    pub(crate) fn end_mut(&mut self, dir: Dir) -> &mut Endpoint {
        match dir {
            Dir::Orig => &mut self.orig,
            Dir::Resp => &mut self.resp,
        }
    }

    /// `dir`'s endpoint and the other one.
    pub(crate) fn ends_mut(&mut self, dir: Dir) -> (&mut Endpoint, &mut Endpoint) {
        match dir {
            Dir::Orig => (&mut self.orig, &mut self.resp),
            Dir::Resp => (&mut self.resp, &mut self.orig),
        }
    }

    /// Swaps the ends on the application's wish, unless the responder is no single host. The payload of protocols without streams stays with
    /// the end that it was counted for, as in Zeek.
    pub(crate) fn flip_on_request(&mut self) -> bool {
        if self.info.tuple.resp.is_multicast() {
            return false;
        }
        self.flip();
        if self.kind != Kind::Tcp {
            std::mem::swap(&mut self.orig.payload_len, &mut self.resp.payload_len);
        }
        true
    }

    /// Swaps the ends and notes it in the history.
    pub(crate) fn flip(&mut self) {
        let i = &mut self.info;
        i.tuple = i.tuple.flipped();
        std::mem::swap(&mut i.local_orig, &mut i.local_resp);
        std::mem::swap(&mut i.seen.orig, &mut i.seen.resp);
        std::mem::swap(&mut self.orig, &mut self.resp);
        self.macs.reverse();
        // Which letters were noted is remembered by role, not by end.
        std::mem::swap(&mut self.orig.hist_seen, &mut self.resp.hist_seen);
        self.tcp.flip();
        self.history.push(Dir::Orig, b'^');
    }

    /// Notes an event that is recorded once per direction; false if it was there already.
    pub(crate) fn note_once(&mut self, dir: Dir, mask: u8, code: u8) -> bool {
        let e = self.end_mut(dir);
        let new = e.hist_seen & mask == 0;
        e.hist_seen |= mask;
        if new {
            self.history.push(dir, code);
        }
        new
    }

    /// Notes the `count`-th event of a kind that is recorded at 1, 10, 100, ….
    pub(crate) fn note_scaled(&mut self, dir: Dir, count: u32, code: u8) {
        if is_power_of_ten(count) {
            self.history.push(dir, code);
        }
    }

    /// Remembers the tunnel that a packet came through.
    pub(crate) fn note_tunnel(&mut self, tunnel: Option<Uid>) {
        let Some(uid) = tunnel else { return };
        match self.info.tunnel {
            None => self.info.tunnel = Some(uid),
            Some(first) if first == uid => {}
            Some(_) => {
                if self.tunnels.len() < TUNNEL_MAX_COUNT && !self.tunnels.contains(&uid) {
                    self.tunnels.push(uid);
                }
            }
        }
    }

    /// Payload bytes of `dir` as conn.log prints them.
    pub(crate) fn size(&self, dir: Dir) -> u64 {
        match self.kind {
            Kind::Tcp => self.end(dir).tcp_size(self.end(dir.flip())),
            Kind::Udp | Kind::Icmp => self.end(dir).payload_len.unwrap_or(0),
            Kind::Other => 0,
        }
    }
}
