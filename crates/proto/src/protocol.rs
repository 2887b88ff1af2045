use crate::{Cx, Event, Expectation, ProtoId};
use sekisho_types::{Dir, FlowInfo};

/// What carries the protocol's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// An ordered byte stream.
    Tcp,
    /// Datagrams: one call of `data` is one datagram.
    Udp,
}

/// A probe's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// Certainly something else.
    No,
    /// Undecided; offer the flow again when more bytes are there.
    More,
    /// Start the parser.
    Yes,
}

impl Guess {
    /// What two directions say together: one that is sure is enough, else one that is foreign is.
    pub(crate) const fn either(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, _) | (_, Self::No) => Self::No,
            _ => Self::More,
        }
    }

    /// Do `bytes` begin with one of `words`, in letters of either case?
    pub(crate) fn begins<'w>(bytes: &[u8], words: impl IntoIterator<Item = &'w [u8]>) -> Self {
        let mut guess = if bytes.is_empty() { Self::More } else { Self::No };
        for word in words {
            let len = word.len().min(bytes.len());
            if bytes.get(..len).is_some_and(|b| word.get(..len).is_some_and(|w| w.eq_ignore_ascii_case(b))) {
                guess = if len == word.len() { return Self::Yes } else { Self::More };
            }
        }
        guess
    }
}

/// The first bytes of a flow that no parser has claimed yet.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// What carries the bytes.
    pub transport: Transport,
    /// First bytes from the originator, up to the engine's probe budget; may be empty.
    pub orig: &'a [u8],
    /// First bytes from the responder; may be empty.
    pub resp: &'a [u8],
    /// The responder's port is one of the protocol's ports (for mid-stream flows: either port is).
    pub port_match: bool,
    /// The flow.
    pub flow: &'a FlowInfo,
}

impl<'a> Probe<'a> {
    /// First bytes of direction `dir`.
    pub const fn bytes(&self, dir: Dir) -> &'a [u8] {
        match dir {
            Dir::Orig => self.orig,
            Dir::Resp => self.resp,
        }
    }
}

/// How a parser comes into being.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    /// What carries the bytes.
    pub transport: Transport,
    /// The flow.
    pub flow: &'a FlowInfo,
    /// The protocol that handed the flow over (STARTTLS, CONNECT, upgrade), if any.
    pub handed_over_by: Option<ProtoId>,
    /// The row that it began and this parser is to finish, if any.
    pub begun: Option<&'a Event>,
    /// The expectation that the flow fulfilled, if any.
    pub expected: Option<&'a Expectation>,
}

/// The constants of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// Name in conn's `service` column, e.g. `dns`.
    pub service: &'static str,
    /// Usual responder ports over TCP. A hint for the order of probes and for `port_match`, never a proof.
    pub tcp_ports: &'static [u16],
    /// Usual responder ports over UDP.
    pub udp_ports: &'static [u16],
    /// Looks at a flow's first bytes. Cheap; called for every undecided flow of a transport in use.
    pub probe: fn(&Probe<'_>) -> Guess,
}

/// An application protocol's parser: the state of one flow.
///
/// Call order: [`start`](Self::start); then [`data`](Self::data) and [`gap`](Self::gap) in stream
/// order per direction, directions interleaved as the packets were; [`half_closed`](Self::half_closed)
/// at most once per direction; last [`end`](Self::end), exactly once. Nothing follows `end`.
pub trait Protocol {
    /// The constants.
    const DESCRIPTOR: Descriptor;

    /// A parser for a flow that a probe, a hand-over or an expectation named.
    fn start(start: &Start<'_>) -> Self
    where
        Self: Sized;

    /// In-order stream bytes, any split (TCP), or one datagram (UDP).
    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>);

    /// `len` bytes of the stream are missing here and will never come.
    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>);

    /// The sender of `dir` has closed in order: no byte will follow in this direction.
    fn half_closed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        let _ = (dir, cx);
    }

    /// The flow is over, or handed over: log what is pending. Also comes at once after [`Cx::opaque`].
    fn end(&mut self, cx: &mut Cx<'_>);

    /// Bytes of heap that the state owns, itself not included. Asked after every call: capacities of a few buffers,
    /// and counters for whatever there may be many of. Not counted are decoders and files, which have accounts of
    /// their own ([`crate::Decoding`], the files crate).
    fn held_len(&self) -> usize;
}
