use sekisho_types::Timestamp;

/// One packet, borrowed from its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When it was captured.
    pub ts: Timestamp,
    /// Number in the timeline, from 1.
    pub number: u64,
    /// Link type (LINKTYPE_ number).
    pub link_type: u32,
    /// Index of the interface among all of the timeline.
    pub interface: u32,
    /// Bytes on the wire.
    pub orig_len: u32,
    /// Index of the capture it came from.
    pub source: u32,
    /// Offset of its record in the (unpacked) capture.
    pub offset: u64,
    /// Captured bytes.
    pub data: &'a [u8],
}

/// A run of packets and the bytes they lie in. Owned, so that it can go to another thread, and
/// refilled, so that nothing is allocated per packet.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub(crate) bytes: Vec<u8>,
    /// Bytes of `bytes` in use while frames are being copied together.
    pub(crate) used: usize,
    pub(crate) slots: Vec<Slot>,
    pub(crate) comments: Vec<CommentSlot>,
    pub(crate) first_number: u64,
}

/// A frame without its bytes; `at` and `len` place them in the batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) ts: Timestamp,
    pub(crate) offset: u64,
    pub(crate) at: usize,
    pub(crate) len: u32,
    pub(crate) orig_len: u32,
    pub(crate) link_type: u32,
    pub(crate) interface: u32,
    pub(crate) source: u32,
}

/// A comment on frame `frame` of the batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommentSlot {
    pub(crate) frame: usize,
    pub(crate) at: usize,
    pub(crate) len: usize,
}

impl Batch {
    /// Empty; buffers come with the first filling.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Has it no frames?
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Bytes from the first frame's beginning to the last one's end, those between frames included.
    pub fn span_len(&self) -> usize {
        match (self.slots.first(), self.slots.last()) {
            (Some(first), Some(last)) => (last.at + last.len as usize).saturating_sub(first.at),
            _ => 0,
        }
    }

    /// Frame `i`, from 0.
    pub fn get(&self, i: usize) -> Option<Frame<'_>> {
        self.slots.get(i).map(|s| self.frame(i, s))
    }

    /// All frames in order.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = Frame<'_>> {
        self.placed().map(|(_, frame)| frame)
    }

    /// All frames in order, each with the offset of its bytes in the batch: see [`Self::bytes_at`].
    pub fn placed(&self) -> impl ExactSizeIterator<Item = (usize, Frame<'_>)> {
        self.slots.iter().enumerate().map(|(i, s)| (s.at, self.frame(i, s)))
    }

    /// The `len` bytes at offset `at`; none if there are fewer.
    #[inline]
    pub fn bytes_at(&self, at: usize, len: u32) -> &[u8] {
        self.bytes.get(at..at.saturating_add(len as usize)).unwrap_or(&[])
    }

    /// The comments on frame `i`; invalid UTF-8 is left as it is.
    pub fn comments(&self, i: usize) -> impl Iterator<Item = &[u8]> {
        let from = self.comments.partition_point(|c| c.frame < i);
        let ours = self.comments.get(from..).unwrap_or(&[]).iter().take_while(move |c| c.frame == i);
        ours.map(|c| self.bytes.get(c.at..c.at + c.len).unwrap_or(&[]))
    }

    fn frame(&self, i: usize, s: &Slot) -> Frame<'_> {
        Frame {
            ts: s.ts,
            number: self.first_number + i as u64,
            link_type: s.link_type,
            interface: s.interface,
            orig_len: s.orig_len,
            source: s.source,
            offset: s.offset,
            data: self.bytes_at(s.at, s.len),
        }
    }

    pub(crate) fn clear(&mut self, first_number: u64) {
        self.used = 0;
        self.slots.clear();
        self.comments.clear();
        self.first_number = first_number;
    }

    /// Copies `bytes` to the end of those in use and says where they are.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> usize {
        let at = self.used;
        let end = at + bytes.len();
        if self.bytes.len() < end {
            self.bytes.resize(end.next_power_of_two(), 0);
        }
        if let Some(to) = self.bytes.get_mut(at..end) {
            to.copy_from_slice(bytes);
        }
        self.used = end;
        at
    }
}
