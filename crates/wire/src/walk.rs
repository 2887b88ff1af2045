use crate::{Anomaly, Decoded};

/// Most link-layer steps (headers, tags, encapsulations) that one decode follows before it gives up
/// with [`Anomaly::LayerLimit`].
pub(crate) const MAX_LAYERS: u32 = 24;

/// Frames are looked at up to this length; nothing real is near it, and offsets stay in 32 bits.
const MAX_FRAME_LEN: usize = 0x4000_0000;

/// What the next bytes are, and where they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing more to decode.
    Stop,
    /// A type field was read; its payload begins at the offset.
    Ethertype(u16, usize),
    /// An Ethernet frame.
    Ethernet(usize),
    /// An IEEE 802.2 LLC header.
    Llc(usize),
    /// IPv4 or IPv6, told by its version.
    Ip(usize),
    /// An MPLS label stack.
    Mpls(usize),
    /// PPP, with or without address and control bytes.
    Ppp(usize),
    /// Cisco HDLC.
    CiscoHdlc(usize),
    /// Frame Relay.
    FrameRelay(usize),
    /// IEEE 802.11; true: the frame check sequence is there.
    Wlan(usize, bool),
    /// A subframe of an IEEE 802.11 aggregate.
    Msdu(usize),
    /// Another link type's frame.
    Link(crate::LinkType, usize),
}

/// The state of one pass over one frame's headers.
pub(crate) struct Walk<'a> {
    /// All captured bytes.
    pub frame: &'a [u8],
    /// End of the current layer within the captured bytes.
    pub end: usize,
    /// End of the current layer as it was on the wire; at least `end`.
    pub wire_end: usize,
    /// What was found so far.
    pub d: Decoded,
}

impl<'a> Walk<'a> {
    pub fn new(frame: &'a [u8], wire_len: u32) -> Self {
        let end = frame.len().min(MAX_FRAME_LEN);
        let wire_end = (wire_len as usize).clamp(end, MAX_FRAME_LEN);
        let mut w = Self { frame, end, wire_end, d: Decoded::default() };
        if wire_end > end {
            w.odd(Anomaly::CaptureTruncated);
        }
        w
    }

    /// The `N` bytes at `off`, if they are captured and belong to the current layer.
    #[inline(always)]
    pub fn at<const N: usize>(&self, off: usize) -> Option<&'a [u8; N]> {
        self.frame.get(off..self.end)?.first_chunk::<N>()
    }

    /// The byte at `off`.
    #[inline(always)]
    pub fn u8(&self, off: usize) -> Option<u8> {
        self.at::<1>(off).map(|[b]| *b)
    }

    /// The 16-bit number at `off`, network order.
    #[inline(always)]
    pub fn u16(&self, off: usize) -> Option<u16> {
        self.at::<2>(off).map(|b| u16::from_be_bytes(*b))
    }

    /// Notes an anomaly.
    #[cold]
    pub fn odd(&mut self, a: Anomaly) {
        self.d.anomalies.insert(a);
    }

    /// The link layer ended early.
    #[cold]
    pub fn link_truncated(&mut self) -> Step {
        self.odd(Anomaly::LinkTruncated);
        Step::Stop
    }

    /// Something that no decoder is for.
    #[cold]
    pub fn unknown(&mut self) -> Step {
        self.odd(Anomaly::UnknownLink);
        Step::Stop
    }

    /// The current layer is over after `len` bytes from `off`: what follows is padding or a trailer.
    /// A longer claim than the layer has is ignored.
    pub fn limit(&mut self, off: usize, len: usize) {
        let stop = off.saturating_add(len);
        self.wire_end = self.wire_end.min(stop);
        self.end = self.end.min(self.wire_end);
    }

    /// The last `len` bytes of the current layer are a trailer.
    pub fn drop_trailer(&mut self, len: usize) {
        self.wire_end = self.wire_end.saturating_sub(len);
        self.end = self.end.min(self.wire_end);
    }
}

/// Offsets are below `MAX_FRAME_LEN` plus one header; larger claims saturate.
#[inline(always)]
pub(crate) fn n32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
