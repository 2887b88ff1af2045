use crate::extra::{EndExtra, Extra};
use crate::history::{HISTORY_MAX_LEN, History, Letters, is_power_of_ten, letter};
use crate::services::{Barred, Services};
use crate::tcp::{Endpoint, TcpBits, TcpState, marks};
use sekisho_types::{Dir, FlowInfo, Interval, MacAddr, Timestamp, Uid, ip_proto};
use sekisho_wire::Decoded;

/// History bit: the analysis is not complete.
const SEEN_INCOMPLETE: u8 = 0x80;

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

/// When something happened: packet time and packet number; and where the bytes at hand come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Packet time.
    pub ts: Timestamp,
    /// Number of the packet in the timeline, from 1; 0 for what only the passing of time did.
    pub number: u64,
    /// Number of the packet that brought the bytes at hand: an earlier one than `number` if they had to wait for what
    /// comes before them.
    pub source: u64,
}

impl Moment {
    /// The moment of packet `number`, whose own bytes are at hand; 0: only time passed.
    pub const fn new(ts: Timestamp, number: u64) -> Self {
        Self { ts, number, source: number }
    }
}

/// Names a live flow; means nothing after the flow's `closed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// TCP packets with data that had been sent before.
    pub retransmitted_pkts: u64,
}

/// Kind of a flow, from its IP protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Udp,
    Icmp,
    #[default]
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

/// Bits of a flow that stay as they were at first: was there a link address of the sender, and of the receiver; is
/// the other direction another flow?
const SRC_MAC: u8 = 1;
const DST_MAC: u8 = 2;
const ONE_WAY: u8 = 4;
const PARTIAL: u8 = 8;
/// The first packet is taken for an answer, by its ports.
const TURNED: u8 = 16;
/// It carried so much that its bursts say nothing.
const BULK: u8 = 32;

/// One conversation: who, what was counted, and where its TCP stands.
///
/// What every packet needs comes first, in one piece, so that a packet touches few cache lines; what most flows
/// never have is set aside in [`Extra`].
#[derive(Debug, Default)]
#[repr(C)]
pub struct Flow {
    pub(crate) orig: Endpoint,
    pub(crate) resp: Endpoint,
    /// Time of the last packet that counts for the duration.
    pub(crate) last_ts: Timestamp,
    pub(crate) kind: Kind,
    /// Nothing but data and acknowledgements is to be expected: see `tcp::plain`.
    pub(crate) plain: bool,
    pub(crate) opaque: bool,
    pub(crate) flip_wanted: bool,
    /// A timer may have become due earlier than the wheel knows.
    pub(crate) timers_changed: bool,
    fixed: u8,
    pub(crate) tcp: TcpBits,
    /// The one of the services that was taken back.
    pub(crate) barred: Barred,
    /// Link addresses of the first packet, originator's first.
    macs: [MacAddr; 2],
    /// What every layer may know.
    pub info: FlowInfo,
    /// A time at which the flow is looked at: of TCP whether it is dead or, once it has closed, to remove it; of a
    /// question-and-answer flow whether it is quiet.
    pub(crate) look: i64,
    /// The same of TCP: whether its SYN was answered, or a second look at a half-closed connection.
    pub(crate) second_look: i64,
    /// Relative sequence number one past the FIN, of each end.
    pub(crate) fin_seq: [Position; 2],
    letters: Letters,
    /// Application protocols as Zeek confirms them.
    pub(crate) services: Services,
    /// Application protocols recognised, also where the flow began midstream or one end is unseen.
    pub apps: Services,
    /// When the first steps were taken.
    steps: Steps,
    /// What most flows never have.
    pub(crate) extra: Option<Box<Extra>>,
}

/// How long the first steps of a flow took: microseconds plus one, 0 where a step was not seen or took longer than there is room for.
#[derive(Clone, Copy, Debug, Default)]
struct Steps {
    /// From the SYN to its answer.
    connect: u32,
    /// From the flow's first packet to the originator's first data; once [`Steps::REPLIED`] is set, from that to the responder's first data.
    response: u32,
}

impl Steps {
    const REPLIED: u32 = 1 << 31;
}

/// A position in a stream in 48 bits, as many as are counted; those just before the start are negative.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Position([u8; 6]);

impl Position {
    pub(crate) fn new(at: u64) -> Self {
        let [_, _, a, b, c, d, e, f] = at.to_be_bytes();
        Self([a, b, c, d, e, f])
    }

    pub(crate) fn get(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        let sign = if a & 0x80 != 0 { 0xff } else { 0 };
        u64::from_be_bytes([sign, sign, a, b, c, d, e, f])
    }
}

/// Of microseconds plus one.
fn micros(step: u32) -> Option<Interval> {
    step.checked_sub(1).map(|n| Interval(i64::from(n) * 1_000))
}

impl Flow {
    pub(crate) fn new(info: FlowInfo, d: &Decoded, one_way: bool) -> Self {
        let bit = |on: bool, bit| if on { bit } else { 0 };
        Self {
            orig: Endpoint::default(),
            resp: Endpoint::default(),
            last_ts: info.first_ts,
            kind: Kind::of(info.tuple.proto),
            plain: false,
            opaque: false,
            flip_wanted: false,
            timers_changed: true,
            fixed: bit(d.src_mac.is_some(), SRC_MAC) | bit(d.dst_mac.is_some(), DST_MAC) | bit(one_way, ONE_WAY),
            tcp: TcpBits::default(),
            macs: [d.src_mac.unwrap_or_default(), d.dst_mac.unwrap_or_default()],
            info,
            look: i64::MAX,
            second_look: i64::MAX,
            fin_seq: [Position::default(); 2],
            letters: Letters::default(),
            services: Services::default(),
            barred: Barred::default(),
            apps: Services::default(),
            steps: Steps::default(),
            extra: None,
        }
    }

    /// Microseconds since the first packet, plus one; 0 for what has no room.
    fn step(&self, ts: Timestamp) -> u32 {
        let micros = ts.0.saturating_sub(self.info.first_ts.0) / 1_000;
        u32::try_from(micros.saturating_add(1)).ok().filter(|n| *n < Steps::REPLIED).unwrap_or(0)
    }

    /// The responder's SYN/ACK came: an answer to the only SYN, so that it is clear to which.
    pub(crate) fn note_answered(&mut self, ts: Timestamp) {
        if self.orig.pkts == 1 && self.resp.pkts == 0 {
            self.steps.connect = self.step(ts);
        }
    }

    /// The first data of `dir` came.
    #[cold]
    pub(crate) fn note_data(&mut self, dir: Dir, ts: Timestamp) {
        let (at, asked) = (self.step(ts), self.steps.response);
        if dir.is_orig() {
            self.steps.response = at;
        } else if asked > 0 && at >= asked {
            self.steps.response = Steps::REPLIED | (at - asked + 1);
        } else {
            self.steps.response = 0;
        }
    }

    /// From the SYN to the SYN/ACK, in whole microseconds; `None` unless each was seen first and once.
    pub fn connect_time(&self) -> Option<Interval> {
        micros(self.steps.connect)
    }

    /// From the originator's first data to the responder's, in whole microseconds; `None` if the responder spoke first or the beginning was
    /// not seen.
    pub fn response_time(&self) -> Option<Interval> {
        let replied = self.steps.response & Steps::REPLIED != 0 && !self.info.midstream;
        micros(if replied { self.steps.response ^ Steps::REPLIED } else { 0 })
    }

    /// The history so far.
    pub fn history(&self) -> History {
        History::new(self.letters.as_slice(), self.extra.as_ref().map_or(&[], |x| &x.letters))
    }

    /// Appends a letter to the history.
    pub(crate) fn note(&mut self, dir: Dir, code: u8) {
        let letter = letter(dir, code);
        if self.letters.push(letter) {
            return;
        }
        let full = HISTORY_MAX_LEN.saturating_sub(self.letters.as_slice().len());
        let rest = &mut self.extra_mut().letters;
        if rest.len() < full {
            rest.push(letter);
        }
    }

    /// A limit kept part of the flow from being analysed: an `X` in its history, once, as Zeek notes it.
    pub fn note_partial(&mut self) {
        if self.fixed & PARTIAL == 0 {
            self.fixed |= PARTIAL;
            self.note(Dir::Orig, b'X');
        }
    }

    pub(crate) fn set_history(&mut self, history: &History) {
        self.letters = Letters::default();
        if let Some(x) = &mut self.extra {
            x.letters.clear();
        }
        for &letter in history.as_slice() {
            if !self.letters.push(letter) {
                self.extra_mut().letters.push(letter);
            }
        }
    }

    /// Time of the last packet that counts for the duration.
    pub fn last_ts(&self) -> Timestamp {
        self.last_ts
    }

    /// What `dir` sent so far.
    pub fn counters(&self, dir: Dir) -> Counters {
        let (e, x) = (self.end(dir), self.end_extra(dir));
        Counters {
            pkts: u64::from(x.pkts_carry) << 32 | u64::from(e.pkts),
            ip_bytes: e.ip_bytes,
            bytes: self.size(dir),
            missed_bytes: x.missed_bytes,
            gap_bytes: x.gap_bytes,
            cut_bytes: x.cut_bytes,
            checksum_errors: u64::from(x.checksum_count),
            retransmitted_pkts: u64::from(e.rexmit_count),
        }
    }

    /// TCP state of `dir`; `Inactive` for other protocols.
    pub fn tcp_state(&self, dir: Dir) -> TcpState {
        self.end(dir).state
    }

    /// Position of `dir`'s next stream byte, counted from 1 at its first byte: what was handed on and
    /// what was told as a gap lies below, also during [`crate::Sink::data`] and [`crate::Sink::gap`].
    pub fn stream_offset(&self, dir: Dir) -> u64 {
        self.end(dir).next
    }

    /// How far the other end has acknowledged `dir`'s stream, counted as [`Flow::stream_offset`] is.
    pub fn acked(&self, dir: Dir) -> u64 {
        self.end(dir).trim
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

    /// The link addresses of the first packet, the originator's first.
    pub(crate) fn macs(&self) -> [Option<MacAddr>; 2] {
        let [src, dst] = self.macs;
        [(src, SRC_MAC), (dst, DST_MAC)].map(|(mac, bit)| (self.fixed & bit != 0).then_some(mac))
    }

    /// Is the other direction another flow, as for ICMP types without a counterpart?
    #[inline]
    pub(crate) fn one_way(&self) -> bool {
        self.fixed & ONE_WAY != 0
    }

    #[inline]
    pub(crate) fn end(&self, dir: Dir) -> &Endpoint {
        match dir {
            Dir::Orig => &self.orig,
            Dir::Resp => &self.resp,
        }
    }

    #[inline]
    pub(crate) fn end_mut(&mut self, dir: Dir) -> &mut Endpoint {
        match dir {
            Dir::Orig => &mut self.orig,
            Dir::Resp => &mut self.resp,
        }
    }

    /// `dir`'s endpoint and the other one.
    #[inline]
    pub(crate) fn ends_mut(&mut self, dir: Dir) -> (&mut Endpoint, &mut Endpoint) {
        match dir {
            Dir::Orig => (&mut self.orig, &mut self.resp),
            Dir::Resp => (&mut self.resp, &mut self.orig),
        }
    }

    pub(crate) fn fin_seq(&self, dir: Dir) -> u64 {
        let [o, r] = self.fin_seq;
        if dir.is_orig() { o.get() } else { r.get() }
    }

    /// What is set aside, made if there is nothing yet.
    pub(crate) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_with(Box::default)
    }

    /// What is set aside of one end; nothing if there is none.
    pub(crate) fn end_extra(&self, dir: Dir) -> &EndExtra {
        self.extra.as_ref().map_or(EndExtra::NONE, |x| x.end(dir))
    }

    pub(crate) fn end_extra_mut(&mut self, dir: Dir) -> &mut EndExtra {
        self.extra_mut().end_mut(dir)
    }

    /// Counts a packet of `ip_len` bytes.
    #[inline]
    pub(crate) fn count(&mut self, dir: Dir, ip_len: u32) {
        let end = self.end_mut(dir);
        end.ip_bytes = end.ip_bytes.saturating_add(u64::from(ip_len));
        end.pkts = end.pkts.wrapping_add(1);
        if end.pkts == 0 {
            let carry = &mut self.end_extra_mut(dir).pkts_carry;
            *carry = carry.saturating_add(1);
        }
    }

    /// Takes a packet's count back.
    fn uncount(&mut self, dir: Dir, ip_len: u32) {
        let end = self.end_mut(dir);
        end.ip_bytes = end.ip_bytes.saturating_sub(u64::from(ip_len));
        match end.pkts.checked_sub(1) {
            Some(n) => end.pkts = n,
            None if self.end_extra(dir).pkts_carry > 0 => {
                self.end_mut(dir).pkts = u32::MAX;
                self.end_extra_mut(dir).pkts_carry -= 1;
            }
            None => {}
        }
    }

    /// Counts a packet for the other end instead.
    pub(crate) fn recount(&mut self, from: Dir, to: Dir, ip_len: u32) {
        self.uncount(from, ip_len);
        self.count(to, ip_len);
    }

    /// Counts payload bytes of a protocol without streams.
    pub(crate) fn count_payload(&mut self, dir: Dir, len: u32) {
        let end = self.end_mut(dir);
        let before = if end.is(marks::PAYLOAD) { end.max_end } else { 0 };
        end.set(marks::PAYLOAD);
        end.max_end = before.saturating_add(u64::from(len));
    }

    /// Counts payload bytes that were on the wire but not captured.
    pub(crate) fn count_cut(&mut self, dir: Dir, len: u32) {
        let x = self.end_extra_mut(dir);
        x.cut_bytes = x.cut_bytes.saturating_add(u64::from(len));
    }

    /// Counts a packet with a wrong checksum; gives how many there were.
    pub(crate) fn count_bad_checksum(&mut self, dir: Dir) -> u32 {
        let x = self.end_extra_mut(dir);
        x.checksum_count = x.checksum_count.saturating_add(1);
        x.checksum_count
    }

    /// Swaps the ends on the application's wish, unless the responder is no single host. The payload of protocols without streams stays with
    /// the end that it was counted for, as in Zeek.
    pub(crate) fn flip_on_request(&mut self) -> bool {
        if self.info.tuple.resp.is_multicast() || self.one_way() {
            return false;
        }
        self.flip();
        if self.kind != Kind::Tcp {
            let (o, r) = (&mut self.orig, &mut self.resp);
            let had = (o.is(marks::PAYLOAD), r.is(marks::PAYLOAD));
            std::mem::swap(&mut o.max_end, &mut r.max_end);
            o.put(marks::PAYLOAD, had.1);
            r.put(marks::PAYLOAD, had.0);
        }
        true
    }

    /// Swaps the ends and notes it in the history.
    pub(crate) fn flip(&mut self) {
        let i = &mut self.info;
        i.tuple = i.tuple.flipped();
        std::mem::swap(&mut i.local_orig, &mut i.local_resp);
        std::mem::swap(&mut i.seen.orig, &mut i.seen.resp);
        i.midstream = false;
        std::mem::swap(&mut self.orig, &mut self.resp);
        self.fin_seq.reverse();
        self.macs.reverse();
        self.fixed = self.fixed & (ONE_WAY | PARTIAL | TURNED | BULK)
            | (self.fixed & SRC_MAC) << 1
            | (self.fixed & DST_MAC) >> 1;
        if let Some(x) = &mut self.extra {
            x.ends.reverse();
        }
        // Which letters were noted is remembered by role, not by end.
        std::mem::swap(&mut self.orig.hist_seen, &mut self.resp.hist_seen);
        self.tcp.flip();
        self.steps = Steps::default();
        self.note(Dir::Orig, b'^');
    }

    /// Notes that the flow's bursts are of no interest any more.
    pub(crate) fn note_bulk(&mut self) {
        self.fixed |= BULK;
    }

    /// Are they not?
    #[inline]
    pub(crate) fn is_bulk(&self) -> bool {
        self.fixed & BULK != 0
    }

    /// Notes that the first packet is taken for an answer.
    pub(crate) fn note_turned(&mut self) {
        self.fixed |= TURNED;
    }

    /// Is the first packet taken for an answer, by its ports alone?
    pub fn is_turned(&self) -> bool {
        self.fixed & TURNED != 0
    }

    /// Notes an event that is recorded once per direction; false if it was there already.
    #[inline]
    pub(crate) fn note_once(&mut self, dir: Dir, mask: u8, code: u8) -> bool {
        let e = self.end_mut(dir);
        let new = e.hist_seen & mask == 0;
        if new {
            e.hist_seen |= mask;
            self.note(dir, code);
        }
        new
    }

    /// Notes the `count`-th event of a kind that is recorded at 1, 10, 100, ….
    pub(crate) fn note_scaled(&mut self, dir: Dir, count: u32, code: u8) {
        if is_power_of_ten(count) {
            self.note(dir, code);
        }
    }

    /// Remembers the tunnel that a packet came through.
    pub(crate) fn note_tunnel(&mut self, tunnel: Option<Uid>) {
        if let Some(uid) = tunnel {
            self.extra_mut().note_tunnel(uid);
        }
    }

    /// The tunnels that packets came through, in order of their appearance.
    pub(crate) fn tunnels(&self) -> &[Uid] {
        self.extra.as_ref().map_or(&[], |x| &x.tunnels)
    }

    /// Payload bytes of `dir` as conn.log prints them.
    #[inline]
    pub fn size(&self, dir: Dir) -> u64 {
        match self.kind {
            Kind::Tcp => self.end(dir).tcp_size(self.end(dir.flip())),
            Kind::Udp | Kind::Icmp => self.payload_len(dir).unwrap_or(0),
            Kind::Other => 0,
        }
    }

    /// Payload bytes of both directions so far.
    pub fn total_len(&self) -> u64 {
        self.size(Dir::Orig).saturating_add(self.size(Dir::Resp))
    }

    /// Payload of protocols without streams; `None` before the first packet.
    pub(crate) fn payload_len(&self, dir: Dir) -> Option<u64> {
        let end = self.end(dir);
        end.is(marks::PAYLOAD).then_some(end.max_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_keep_48_bits_and_the_sign() {
        for at in [0, 1, u64::from(u32::MAX) + 7, (1 << 47) - 1, u64::MAX, u64::MAX - 5] {
            assert_eq!(Position::new(at).get(), at);
        }
    }
}
