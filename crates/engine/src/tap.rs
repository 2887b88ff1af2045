//! For those who want to see what passes, beside rows and files: `sekisho packets`, `sekisho hunt`.

use sekisho_capture::Frame;
use sekisho_files::{NoStore, Store};
use sekisho_flow::Moment;
use sekisho_types::{Dir, FlowInfo, Uid};
use sekisho_wire::Decoded;

/// How much of what passes a [`Tap`] is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watch {
    /// Only what a [`Store`] is told: files.
    #[default]
    Nothing,
    /// Also where each frame went: [`Tap::packet`].
    Packets,
    /// Everything. Flows are followed to their ends, also those that tell parsers nothing more.
    Streams,
}

/// Sees what passes, as far as [`crate::Settings::watch`] says. It is also where files' content goes: so one value knows
/// both, and hears of both in the order in which they happen.
///
/// A flow's calls come with its [`FlowInfo`]. Its `tuple` may turn round (a flow whose first packet was an answer), and
/// `dir` is by the tuple of the same call: whoever keeps something for each end keeps it for the sender's address and port,
/// or looks whether `tuple.orig` and `tuple.orig_port` are still those of the call before.
///
/// `at.number` is the packet that the engine was at, 0 if only time passed or the run is over; `at.source` the one that
/// brought the bytes.
pub trait Tap: Store {
    /// A frame that the filter lets pass, before anything is done with it.
    fn frame(&mut self, frame: &Frame<'_>, decoded: &Decoded) {
        let _ = (frame, decoded);
    }

    /// Frame number `packet` belongs to flow `uid`; several calls for a frame that carries a tunnel. Comes after what the
    /// frame brought for the flow.
    fn packet(&mut self, packet: u64, uid: Uid) {
        let _ = (packet, uid);
    }

    /// The next bytes of a TCP stream, none of which was told before. `offset` counts from the first byte after the SYN; it
    /// begins at 0 again if a new SYN takes the flow over.
    fn stream(&mut self, flow: &FlowInfo, dir: Dir, offset: u64, bytes: &[u8], at: Moment) {
        let _ = (flow, dir, offset, bytes, at);
    }

    /// `len` bytes of a TCP stream, from `offset` on, will not come any more.
    fn gap(&mut self, flow: &FlowInfo, dir: Dir, offset: u64, len: u64, at: Moment) {
        let _ = (flow, dir, offset, len, at);
    }

    /// What a packet of UDP, ICMP or another protocol without streams carried; put together, if it came in fragments: then
    /// `at` is of the last of them. For ICMP what follows its header.
    fn datagram(&mut self, flow: &FlowInfo, dir: Dir, bytes: &[u8], at: Moment) {
        let _ = (flow, dir, bytes, at);
    }

    /// Bytes that were opened with keys, of what a TLS session carries: `offset` counts those of `dir`. Comes after the
    /// [`Tap::stream`] that has their last byte.
    fn clear(&mut self, flow: &FlowInfo, dir: Dir, offset: u64, bytes: &[u8], at: Moment) {
        let _ = (flow, dir, offset, bytes, at);
    }

    /// The flow is over: nothing of it follows.
    fn closed(&mut self, flow: &FlowInfo, at: Moment) {
        let _ = (flow, at);
    }
}

impl Tap for NoStore {}
