use sekisho_wire::tcp_flags::{FIN, RST, SYN};

/// Sequence jumps beyond this are not believed on SYN and RST, nor a zero acknowledgement so far off.
const TOO_LARGE_SEQ_DELTA: i32 = 1 << 20;

/// What is known of one end of a TCP connection, in Zeek's terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TcpState {
    /// Nothing seen from this end.
    #[default]
    Inactive,
    /// SYN seen.
    SynSent,
    /// SYN with ACK seen from the originator: its SYN was missed, or this is the responder after all.
    SynAckSent,
    /// Packets but no SYN seen.
    Partial,
    /// Handshake seen.
    Established,
    /// FIN seen.
    Closed,
    /// RST seen.
    Reset,
}

/// Marks of an [`Endpoint`].
pub(crate) mod marks {
    /// A FIN was seen.
    pub(crate) const FIN_SEEN: u8 = 0x01;
    /// Its close was taken note of.
    pub(crate) const DID_CLOSE: u8 = 0x02;
    /// All its data was delivered and it closed.
    pub(crate) const DID_EOF: u8 = 0x04;
    /// The application was told that it closed.
    pub(crate) const TOLD_CLOSED: u8 = 0x08;
    /// Zeek would have given up here: gaps no longer count as missed, nothing is pending.
    pub(crate) const UNCOUNTED: u8 = 0x10;
    /// A packet was counted whose payload belongs to no stream.
    pub(crate) const PAYLOAD: u8 = 0x20;
}

/// One end of a flow: counters of any protocol, and the sequence state of TCP; one cache line. Positions in the
/// stream count from 1 at the first byte.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Endpoint {
    pub(crate) state: TcpState,
    pub(crate) prev_state: TcpState,
    /// History bits of events that are noted once.
    pub(crate) hist_seen: u8,
    /// Of [`marks`].
    marks: u8,
    pub(crate) start_seq: u32,
    pub(crate) last_seq: u32,
    pub(crate) ack_seq: u32,
    /// How often the sequence numbers began anew; 256 TB of stream are counted, then it stands still.
    pub(crate) seq_wraps: u16,
    pub(crate) ack_wraps: u16,
    pub(crate) rexmit_count: u32,
    /// Next position to deliver.
    pub(crate) next: u64,
    /// Acknowledged up to here.
    pub(crate) trim: u64,
    /// End of the furthest piece seen; payload bytes of protocols without streams.
    pub(crate) max_end: u64,
    pub(crate) ip_bytes: u64,
    /// Packets, modulo 2^32; the rest is set aside.
    pub(crate) pkts: u32,
    /// Low half of the position of the last RST.
    pub(crate) last_rst: u32,
}

const _: () = assert!(size_of::<Endpoint>() == 64);

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            state: TcpState::Inactive,
            prev_state: TcpState::Inactive,
            hist_seen: 0,
            marks: 0,
            start_seq: 0,
            last_seq: 0,
            ack_seq: 0,
            seq_wraps: 0,
            ack_wraps: 0,
            rexmit_count: 0,
            next: 1,
            trim: 1,
            max_end: 0,
            ip_bytes: 0,
            pkts: 0,
            last_rst: 0,
        }
    }
}

/// `a - b` in sequence space.
pub(crate) const fn seq_delta(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b).cast_signed()
}

/// A sequence number with its wraps as one number.
const fn full(seq: u32, wraps: u16) -> u64 {
    (wraps as u64) << 32 | seq as u64
}

/// Sequence space that a segment takes.
pub(crate) const fn segment_len(payload_len: u32, flags: u8) -> u32 {
    let controls = (flags & SYN != 0) as u32 + (flags & FIN != 0) as u32;
    // Data in a RST is an explanation, not part of the stream.
    if flags & RST != 0 { controls } else { payload_len.wrapping_add(controls) }
}

impl Endpoint {
    /// Is any of `marks` set?
    pub(crate) const fn is(&self, marks: u8) -> bool {
        self.marks & marks != 0
    }

    pub(crate) const fn set(&mut self, marks: u8) {
        self.marks |= marks;
    }

    pub(crate) const fn put(&mut self, marks: u8, on: bool) {
        if on {
            self.marks |= marks;
        } else {
            self.marks &= !marks;
        }
    }

    pub(crate) fn set_state(&mut self, state: TcpState) {
        if state != self.state {
            self.prev_state = self.state;
            self.state = state;
        }
    }

    /// Packets were seen and no close.
    pub(crate) const fn is_active(&self) -> bool {
        !matches!(self.state, TcpState::Inactive) && !self.is(marks::DID_CLOSE)
    }

    /// Was nothing but perhaps the SYN acknowledged?
    pub(crate) const fn no_data_acked(&self) -> bool {
        let (ack, start) = (full(self.ack_seq, self.ack_wraps), self.start_seq as u64);
        ack == start || ack == start + 1
    }

    /// Starts the sequence numbers at `start`, the place of the (perhaps imagined) SYN.
    pub(crate) fn init_seq(&mut self, start: u32, last: u32) {
        self.start_seq = start;
        self.ack_seq = start;
        self.last_seq = last;
    }

    /// The stream position of `seq`, 1 for the first byte, given the last number seen on that count;
    /// and whether it lies before the start.
    #[inline]
    pub(crate) fn relative(&self, seq: u32, last: u32, wraps: u16) -> (u64, bool) {
        let delta = seq_delta(seq, last);
        let mut wraps = wraps;
        if delta < 0 && wraps > 0 && seq > last {
            wraps -= 1;
        } else if delta > 0 && seq < last {
            wraps = wraps.saturating_add(1);
        }
        if wraps == 0 {
            let delta = seq_delta(seq, self.start_seq);
            return (i64::from(delta).cast_unsigned(), delta < 0);
        }
        (full(seq, wraps).wrapping_sub(u64::from(self.start_seq)), false)
    }

    /// Notes that the peer acknowledged up to `ack`.
    #[inline]
    pub(crate) fn update_ack(&mut self, ack: u32) {
        let delta = seq_delta(ack, self.ack_seq);
        if delta <= 0 || ack == 0 && delta > TOO_LARGE_SEQ_DELTA {
            return;
        }
        if ack < self.ack_seq {
            self.ack_wraps = self.ack_wraps.saturating_add(1);
        }
        self.ack_seq = ack;
    }

    /// Notes that this end sent up to `past`; true if the segment's data was sent before.
    #[inline]
    pub(crate) fn update_last(&mut self, past: u32, flags: u8, payload_len: u32) -> (i32, bool) {
        let delta = seq_delta(past, self.last_seq);
        let far = delta.unsigned_abs() > TOO_LARGE_SEQ_DELTA.unsigned_abs();
        if flags & (SYN | RST) != 0 && far {
            return (delta, false);
        }
        // Of a very long connection perhaps only SYN and FIN were seen; a FIN just before the start is no such.
        let only_syn = far && self.last_seq == self.start_seq.wrapping_add(1);
        if flags & FIN != 0 && only_syn || self.state != TcpState::Reset && delta > 0 {
            if past < self.last_seq {
                self.seq_wraps = self.seq_wraps.saturating_add(1);
            }
            self.last_seq = past;
            return (delta, false);
        }
        (delta, self.state != TcpState::Reset && delta <= 0 && payload_len > 0)
    }

    /// Stream bytes of this end by sequence numbers, sent or acknowledged, whichever is more.
    pub(crate) fn tcp_size(&self, peer: &Self) -> u64 {
        let aborted_half_open = self.prev_state == TcpState::SynSent
            && self.state == TcpState::Reset
            && peer.state == TcpState::Inactive
            && !self.no_data_acked();
        if aborted_half_open {
            return 0;
        }
        let top = full(self.last_seq, self.seq_wraps).max(full(self.ack_seq, self.ack_wraps));
        let size = top.wrapping_sub(u64::from(self.start_seq));
        // Neither the SYN nor the FIN is data.
        let size = size.saturating_sub(1);
        if self.is(marks::FIN_SEEN) { size.saturating_sub(1) } else { size }
    }

    /// Delivered or waiting bytes that the peer has not acknowledged.
    const fn has_unacked(&self) -> bool {
        self.max_end > self.trim
    }

    /// Is data of this end still outstanding, so that its close can't be final?
    pub(crate) fn data_pending(&self, peer: &Self) -> bool {
        if self.is(marks::UNCOUNTED) {
            return false;
        }
        let delivered = u64::from(self.start_seq).wrapping_add(self.next);
        let last = full(self.last_seq, self.seq_wraps);
        if last < delivered {
            return false;
        }
        if delivered != last && delivered != last.wrapping_sub(1) {
            return true;
        }
        self.state != TcpState::Reset && peer.has_unacked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_positions_wrap() {
        let mut e = Endpoint::default();
        e.init_seq(u32::MAX - 10, u32::MAX - 9);
        assert_eq!(e.relative(u32::MAX - 9, e.last_seq, 0), (1, false));
        assert_eq!(e.relative(u32::MAX - 11, e.last_seq, 0), (u64::MAX, true));
        let (_, again) = e.update_last(5, 0, 15);
        assert!(!again);
        assert_eq!((e.last_seq, e.seq_wraps), (5, 1));
        assert_eq!(e.relative(5, e.last_seq, e.seq_wraps), (16, false));
        assert_eq!(e.relative(u32::MAX, e.last_seq, e.seq_wraps), (10, false));
        assert_eq!(e.tcp_size(&Endpoint::default()), 15);
    }

    #[test]
    fn sizes_without_controls() {
        let mut e = Endpoint { state: TcpState::Established, ..Endpoint::default() };
        e.init_seq(100, 101);
        assert_eq!(e.tcp_size(&Endpoint::default()), 0);
        e.update_last(111, 0, 10);
        assert_eq!(e.tcp_size(&Endpoint::default()), 10);
        e.update_ack(121);
        assert_eq!(e.tcp_size(&Endpoint::default()), 20);
        e.set(marks::FIN_SEEN);
        assert_eq!(e.tcp_size(&Endpoint::default()), 19);
        assert_eq!(e.update_last(105, 0, 4), (-6, true));
    }
}
