use crate::{Endpoint, Frame, flag};
use sekisho_types::{Dir, Interval, Timestamp};

/// One segment of a [`Conversation`].
#[derive(Clone, Debug)]
pub struct Segment {
    /// When it was captured.
    pub ts: Timestamp,
    /// Who sent it.
    pub dir: Dir,
    /// Its fields; may be changed before the frames are taken.
    pub frame: Frame,
}

/// A TCP connection told segment by segment, with right sequence numbers; afterwards segments can be
/// lost, moved, doubled or split.
///
/// ```
/// use sekisho_testkit::{Conversation, Dir};
/// let frames = Conversation::new("10.0.0.1:40000", "10.0.0.2:80")
///     .syn()
///     .send(Dir::Orig, b"GET / HTTP/1.0\r\n\r\n")
///     .send(Dir::Resp, b"HTTP/1.0 200 OK\r\n\r\n")
///     .fin()
///     .frames();
/// assert_eq!(frames.len(), 3 + 2 + 3);
/// ```
#[derive(Clone, Debug)]
pub struct Conversation {
    ends: [Endpoint; 2],
    next_seq: [u32; 2],
    now: Timestamp,
    step: Interval,
    mss: usize,
    segments: Vec<Segment>,
}

impl Conversation {
    /// Between two ends, originator first. Starts at 1,700,000,000 s; each segment comes 1 ms later;
    /// initial sequence numbers are 1000 and 5000.
    pub fn new(orig: impl Into<Endpoint>, resp: impl Into<Endpoint>) -> Self {
        Self {
            ends: [orig.into(), resp.into()],
            next_seq: [1000, 5000],
            now: Timestamp::from_parts(1_700_000_000, 0),
            step: Interval::from_millis(1),
            mss: 1460,
            segments: Vec::new(),
        }
    }

    /// Time of the next segment.
    pub fn at(mut self, ts: Timestamp) -> Self {
        self.now = ts;
        self
    }

    /// Lets time pass before the next segment.
    pub fn wait(mut self, span: Interval) -> Self {
        self.pause(span);
        self
    }

    /// Time between segments from here on.
    pub fn every(mut self, step: Interval) -> Self {
        self.step = step;
        self
    }

    /// Next sequence numbers of both ends, e.g. just below a wrap.
    pub fn seqs(mut self, orig: u32, resp: u32) -> Self {
        self.next_seq = [orig, resp];
        self
    }

    /// Largest segment that [`Conversation::send`] makes from here on.
    pub fn mss(mut self, mss: usize) -> Self {
        self.mss = mss;
        self
    }

    /// Any segment from `dir` at its present sequence number; SYN and FIN count one.
    pub fn segment(mut self, dir: Dir, flags: u8, payload: &[u8]) -> Self {
        self.push(dir, flags, payload);
        self
    }

    fn push(&mut self, dir: Dir, flags: u8, payload: &[u8]) {
        let (me, peer) = (dir.index(), dir.flip().index());
        let ack = if flags & flag::ACK != 0 { self.next_seq[peer] } else { 0 };
        let mut frame = Frame::tcp(self.ends[me], self.ends[peer], flags).seq(self.next_seq[me], ack).payload(payload);
        frame.id = self.segments.len() as u16 + 1;
        let counted = u32::from(flags & flag::SYN != 0) + u32::from(flags & flag::FIN != 0);
        self.next_seq[me] = self.next_seq[me].wrapping_add(payload.len() as u32 + counted);
        self.segments.push(Segment { ts: self.now, dir, frame });
        self.now = self.now + self.step;
    }

    /// The three-way handshake.
    pub fn syn(self) -> Self {
        self.segment(Dir::Orig, flag::SYN, b"").segment(Dir::Resp, flag::SYN | flag::ACK, b"").ack(Dir::Orig)
    }

    /// A bare acknowledgement.
    pub fn ack(self, dir: Dir) -> Self {
        self.segment(dir, flag::ACK, b"")
    }

    /// Data, in as many segments as the segment size asks.
    pub fn send(mut self, dir: Dir, data: &[u8]) -> Self {
        self.say(dir, data);
        self
    }

    /// The same of a conversation that is lent.
    pub fn say(&mut self, dir: Dir, data: &[u8]) {
        for part in data.chunks(self.mss) {
            self.push(dir, flag::PSH | flag::ACK, part);
        }
    }

    /// A segment without data as `dir` would send it now.
    pub fn bare(&self, dir: Dir) -> Frame {
        let (me, peer) = (dir.index(), dir.flip().index());
        Frame::tcp(self.ends[me], self.ends[peer], flag::ACK).seq(self.next_seq[me], self.next_seq[peer])
    }

    /// `len` bytes of `dir` that somebody else put into the capture.
    pub fn skip(&mut self, dir: Dir, len: u32) {
        let n = &mut self.next_seq[dir.index()];
        *n = n.wrapping_add(len);
    }

    /// Lets time pass before the next segment of a conversation that is lent.
    pub fn pause(&mut self, span: Interval) {
        self.now = self.now + span;
    }

    /// Time of the next segment.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Data in segments that end at the given offsets; what is left comes last.
    pub fn send_split(mut self, dir: Dir, data: &[u8], ends: &[usize]) -> Self {
        let mut from = 0;
        for end in ends.iter().copied().chain([data.len()]) {
            if end > from {
                self = self.segment(dir, flag::PSH | flag::ACK, &data[from..end]);
                from = end;
            }
        }
        self
    }

    /// `len` bytes that were sent but not captured: the sequence number moves, no segment appears.
    pub fn lose(mut self, dir: Dir, len: u32) -> Self {
        self.skip(dir, len);
        self
    }

    /// An orderly close by the originator: FIN, FIN, ACK.
    pub fn fin(self) -> Self {
        self.fin_from(Dir::Orig)
    }

    /// An orderly close that `dir` begins.
    pub fn fin_from(self, dir: Dir) -> Self {
        self.segment(dir, flag::FIN | flag::ACK, b"").segment(dir.flip(), flag::FIN | flag::ACK, b"").ack(dir)
    }

    /// A reset from `dir`.
    pub fn rst(self, dir: Dir) -> Self {
        self.segment(dir, flag::RST | flag::ACK, b"")
    }

    /// Takes segment `i` (from 0) out of the capture.
    pub fn drop(mut self, i: usize) -> Self {
        self.segments.remove(i);
        self
    }

    /// Exchanges segments `i` and `j`; times stay in order.
    pub fn swap(mut self, i: usize, j: usize) -> Self {
        let (a, b) = (self.segments[i].ts, self.segments[j].ts);
        self.segments.swap(i, j);
        self.segments[i].ts = a;
        self.segments[j].ts = b;
        self
    }

    /// Repeats segment `i` right behind itself.
    pub fn duplicate(mut self, i: usize) -> Self {
        let copy = self.segments[i].clone();
        self.segments.insert(i + 1, copy);
        self
    }

    /// Keeps only what `dir` sent.
    pub fn only(mut self, dir: Dir) -> Self {
        self.segments.retain(|s| s.dir == dir);
        self
    }

    /// Tags every segment so far.
    pub fn vlan(mut self, id: u16) -> Self {
        self.segments.iter_mut().for_each(|s| s.frame.vlans.push(id));
        self
    }

    /// The segments so far, to be changed at will.
    pub fn segments(&mut self) -> &mut Vec<Segment> {
        &mut self.segments
    }

    /// The capture: times and Ethernet frames.
    pub fn frames(&self) -> Vec<(Timestamp, Vec<u8>)> {
        self.segments.iter().map(|s| (s.ts, s.frame.frame())).collect()
    }

    /// The capture without link layer: times and IP packets.
    pub fn packets(&self) -> Vec<(Timestamp, Vec<u8>)> {
        self.segments.iter().map(|s| (s.ts, s.frame.packet())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum;

    fn talk() -> Conversation {
        Conversation::new("10.0.0.1:40000", "10.0.0.2:80").syn().send(Dir::Orig, &[1; 10]).send(Dir::Resp, &[2; 3000])
    }

    #[test]
    fn sequence_numbers_follow_the_data() {
        let mut c = talk().fin();
        let seqs: Vec<_> = c.segments().iter().map(|s| (s.frame.seq, s.frame.ack)).collect();
        assert_eq!(
            seqs,
            [
                (1000, 0),
                (5000, 1001),
                (1001, 5001),
                (1001, 5001),
                (5001, 1011),
                (6461, 1011),
                (7921, 1011),
                (1011, 8001),
                (8001, 1012),
                (1012, 8002)
            ]
        );
    }

    #[test]
    fn checksums_are_right() {
        for (_, p) in talk().packets() {
            assert_eq!(checksum(&[&p[..20]]), 0);
            let segment = &p[20..];
            let len = (segment.len() as u16).to_be_bytes();
            assert_eq!(checksum(&[&p[12..20], &[0, 6], &len, segment]), 0);
        }
    }

    #[test]
    fn segments_can_be_disturbed() {
        let c = talk().drop(1).swap(1, 2).duplicate(0);
        let seqs: Vec<_> = c.clone().segments().iter().map(|s| (s.dir, s.frame.seq)).collect();
        assert_eq!(seqs[..4], [(Dir::Orig, 1000), (Dir::Orig, 1000), (Dir::Orig, 1001), (Dir::Orig, 1001)]);
        assert!(c.frames().windows(2).all(|w| w[0].0 <= w[1].0));
        assert_eq!(talk().only(Dir::Resp).frames().len(), 4);
        assert_eq!(talk().send_split(Dir::Orig, b"abcdef", &[1, 3]).frames().len(), talk().frames().len() + 3);
    }
}
