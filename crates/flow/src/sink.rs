use crate::{Bursts, ConnRecord, Flow, Moment};
use sekisho_types::Dir;

/// What the flow table hands on. All calls come in packet order; for one flow `opened` comes first
/// and `closed` last.
///
/// A sink may change the flow it gets: its services, its direction ([`Flow::request_flip`]), whether
/// its payload is still wanted ([`Flow::set_opaque`]).
pub trait Sink {
    /// Application state kept in the flow's slot; should be small.
    type App: Default;

    /// A flow begins with the packet at hand.
    fn opened(&mut self, flow: &mut Flow, app: &mut Self::App, at: Moment) {
        let _ = (flow, app, at);
    }

    /// The next bytes of a TCP stream, borrowed from the frame when they came in order; `at.source` is the packet that
    /// brought them.
    fn data(&mut self, flow: &mut Flow, app: &mut Self::App, dir: Dir, bytes: &[u8], at: Moment);

    /// The captured payload of a UDP, ICMP or other datagram; `wire_len` bytes by its headers.
    fn datagram(&mut self, flow: &mut Flow, app: &mut Self::App, dir: Dir, payload: &[u8], wire_len: u32, at: Moment);

    /// `len` bytes of a TCP stream that will not come any more.
    fn gap(&mut self, flow: &mut Flow, app: &mut Self::App, dir: Dir, len: u64, at: Moment);

    /// `dir` sends nothing further: its FIN was reached in order, or it sent a RST.
    fn half_closed(&mut self, flow: &mut Flow, app: &mut Self::App, dir: Dir, at: Moment);

    /// A connection's list of bursts is full, or it ends ([`crate::Config::bursts`]).
    fn bursts(&mut self, flow: &Flow, bursts: &Bursts, at: Moment) {
        let _ = (flow, bursts, at);
    }

    /// The flow is about to be removed; all data was delivered. The last occasion to change what its
    /// record says, e.g. its services.
    fn ending(&mut self, flow: &mut Flow, app: &mut Self::App, at: Moment) {
        let _ = (flow, app, at);
    }

    /// The flow is removed: ended, timed out, evicted, or the capture is over.
    fn closed(&mut self, flow: &mut Flow, app: Self::App, record: ConnRecord, at: Moment);

    /// Something that no correct sender does, by Zeek's name; in `flow` if it concerns one.
    fn weird(&mut self, flow: Option<&Flow>, name: &'static str, at: Moment);
}
