//! A protocol inside another: bytes that a parser decrypted or took out of frames, recognised and parsed as if they
//! were the flow's own.

use crate::recognize::{Choice, Probing, choose, proto_bit};
use crate::{Cx, Event, HandOver, Parser, ProtoId, Start, Transport};
use sekisho_types::Dir;

/// Hand-overs followed within one call; a chain of protocols that pass on nothing ends there.
const MAX_HAND_OVERS: usize = 8;

/// Streams within streams that are followed: TLS in TLS in TLS is somebody's joke, and each costs a parser and stack.
pub(crate) const MAX_NESTED_DEPTH: usize = 4;

/// What speaks inside.
#[derive(Default)]
enum State {
    /// Nothing seen yet.
    #[default]
    New,
    /// Nobody sure yet.
    Probing(Box<Probing>),
    Active(Parser),
    /// Nobody knows it, or nothing more is to be learnt.
    Opaque,
}

/// A stream within a stream.
#[derive(Default)]
pub struct Nested {
    state: State,
    /// The bytes come as they were sent, not decrypted.
    in_clear: bool,
}

/// What an inner call said about its parser.
struct Said {
    violated: bool,
    rejected: bool,
    opaque: bool,
    hand_over: Option<HandOver>,
}

impl Nested {
    /// For a stream that the outer protocol does not encrypt: its records do not say that they were decrypted.
    pub fn in_clear() -> Self {
        Self { in_clear: true, ..Self::default() }
    }

    /// No further bytes can be made sense of.
    pub fn give_up(&mut self, cx: &mut Cx<'_>) {
        self.stop(cx);
    }

    /// One that is known to speak `id`.
    pub(crate) fn speaking(id: ProtoId, cx: &Cx<'_>) -> Self {
        Self { state: State::Active(start(id, None, None, cx)), ..Self::default() }
    }

    /// Does nobody want further bytes?
    pub fn is_opaque(&self) -> bool {
        matches!(self.state, State::Opaque)
    }

    /// Bytes of heap that it owns.
    pub fn held_len(&self) -> usize {
        match &self.state {
            State::Active(parser) => parser.held_len(),
            State::Probing(probing) => probing.held_len(),
            State::New | State::Opaque => 0,
        }
    }

    /// In-order bytes. Records found in them say that they were decrypted, if they were.
    pub fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if bytes.is_empty() {
            return;
        }
        let mut rest = bytes;
        for _ in 0..MAX_HAND_OVERS {
            rest = match &self.state {
                State::Opaque => return,
                State::Active(_) => self.run(dir, rest, cx),
                State::New | State::Probing(_) => self.identify(dir, rest, cx),
            };
            if rest.is_empty() {
                return;
            }
        }
        self.state = State::Opaque;
    }

    /// `len` bytes are missing.
    pub fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        match &mut self.state {
            State::Active(parser) => {
                let said = within(self.in_clear, cx, |cx| parser.gap(dir, len, cx));
                self.settle(said, &[], cx);
            }
            State::Probing(probing) => probing.lose(dir),
            State::New | State::Opaque => {}
        }
    }

    /// The sender of `dir` has closed.
    pub fn half_closed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        if let State::Active(parser) = &mut self.state {
            let said = within(self.in_clear, cx, |cx| parser.half_closed(dir, cx));
            self.settle(said, &[], cx);
        }
    }

    /// The flow is over.
    pub fn end(&mut self, cx: &mut Cx<'_>) {
        self.stop(cx);
    }

    /// Ends the parser, if any.
    fn stop(&mut self, cx: &mut Cx<'_>) -> Option<ProtoId> {
        let State::Active(mut parser) = std::mem::replace(&mut self.state, State::Opaque) else { return None };
        within(self.in_clear, cx, |cx| parser.end(cx));
        Some(parser.id())
    }

    fn run<'b>(&mut self, dir: Dir, bytes: &'b [u8], cx: &mut Cx<'_>) -> &'b [u8] {
        let State::Active(parser) = &mut self.state else { return &[] };
        let said = within(self.in_clear, cx, |cx| parser.data(dir, bytes, cx));
        self.settle(said, bytes, cx)
    }

    /// Acts on what the parser said about itself; gives back what belongs to the next one.
    fn settle<'b>(&mut self, said: Said, bytes: &'b [u8], cx: &mut Cx<'_>) -> &'b [u8] {
        if let (true, State::Active(parser)) = (said.violated, &self.state) {
            cx.retract(parser.id().descriptor().service);
        }
        if let Some(HandOver { to, unconsumed, begun }) = said.hand_over {
            let by = self.stop(cx);
            self.state = match to {
                Some(to) => State::Active(start(to, by, begun.as_ref(), cx)),
                None => State::New,
            };
            return bytes.get(bytes.len().saturating_sub(unconsumed)..).unwrap_or(&[]);
        }
        if said.rejected || said.opaque {
            let id = self.stop(cx);
            if let Some(id) = id.filter(|_| said.rejected) {
                cx.retract(id.descriptor().service);
            }
        }
        &[]
    }

    /// Bytes that no parser has claimed.
    fn identify<'b>(&mut self, dir: Dir, bytes: &'b [u8], cx: &mut Cx<'_>) -> &'b [u8] {
        let mut probing = match std::mem::take(&mut self.state) {
            State::Probing(probing) => probing,
            _ => Box::default(),
        };
        if !probing.push(dir, bytes) {
            self.state = State::Opaque;
            return &[];
        }
        loop {
            let (orig, resp) = (probing.of(Dir::Orig), probing.of(Dir::Resp));
            match choose(cx.flow, Transport::Tcp, orig, resp, probing.excluded) {
                Choice::Start(id) => match self.begin(id, &probing, cx) {
                    Some(unconsumed) => return bytes.get(bytes.len().saturating_sub(unconsumed)..).unwrap_or(&[]),
                    None => probing.excluded |= proto_bit(id),
                },
                Choice::More => {
                    self.state = State::Probing(probing);
                    return &[];
                }
                Choice::Nobody => {
                    self.state = State::Opaque;
                    return &[];
                }
            }
        }
    }

    /// Starts `id` on what is there; `None` if it rejects that without having confirmed anything, otherwise how many of
    /// the last bytes belong to the next protocol.
    fn begin(&mut self, id: ProtoId, probing: &Probing, cx: &mut Cx<'_>) -> Option<usize> {
        self.state = State::Active(start(id, None, None, cx));
        let before = cx.mark();
        let mut left = 0;
        for (dir, bytes) in probing.replay() {
            let State::Active(parser) = &mut self.state else { break };
            let said = within(self.in_clear, cx, |cx| parser.data(dir, bytes, cx));
            if said.rejected && !cx.confirmed_since(&before) {
                cx.forget_since(&before);
                return None;
            }
            left = self.settle(said, bytes, cx).len();
        }
        Some(left)
    }
}

fn start(id: ProtoId, by: Option<ProtoId>, begun: Option<&Event>, cx: &Cx<'_>) -> Parser {
    let start = Start { transport: Transport::Tcp, flow: cx.flow, handed_over_by: by, begun, expected: None };
    Parser::start(id, &start)
}

/// A call of an inner parser: its rows say whether they were decrypted, and what it says about itself is not taken for
/// what the outer one says.
fn within(in_clear: bool, cx: &mut Cx<'_>, f: impl FnOnce(&mut Cx<'_>)) -> Said {
    let outer = cx.take_said();
    let (decrypted, depth) = (cx.set_decrypted(true), cx.depth());
    if in_clear {
        cx.set_decrypted(decrypted);
    }
    cx.set_depth(depth + 1);
    f(cx);
    cx.set_depth(depth);
    cx.set_decrypted(decrypted);
    let (rejected, opaque, hand_over) = cx.take_said();
    let violated = cx.take_violated();
    cx.put_said(outer);
    if let Some(why) = rejected {
        cx.weird(why);
    }
    Said { rejected: rejected.is_some(), violated, opaque, hand_over }
}
