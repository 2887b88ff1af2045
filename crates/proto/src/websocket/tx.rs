//! Frames as rules and EVE see them: each is an exchange by itself. The payload of a message in several frames is with its
//! last one; a compressed one (RFC 7692) is shown as it was before.

use super::frame::{Extent, Seen};
use crate::stream::reuse;
use crate::{Cx, Windows};
use sekisho_inflate::{Coding, Inflater, Limits, Outcome};
use sekisho_transaction::{Counter, Fact, Frame, FrameKind, Json, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len};
use std::borrow::Cow;

/// Bytes of one message that are kept: Suricata's `max-payload-size`.
const MAX_PAYLOAD_LEN: usize = 0xffff;

/// What ends each compressed message, and is not sent (RFC 7692 §7.2.1).
const FLUSH: [u8; 4] = [0, 0, 0xff, 0xff];

/// The decoder of one direction, which goes on from message to message.
struct Decoder {
    inflater: Inflater,
    share: Windows,
}

/// What has come of the message of one direction.
#[derive(Default)]
struct Side {
    payload: Vec<u8>,
    /// More came than is kept.
    cut: bool,
    compressed: bool,
    decoder: Option<Box<Decoder>>,
}

/// The exchanges of a connection; none unless somebody watches.
#[derive(Default)]
pub(super) struct Exchanges {
    counter: Counter,
    sides: [Side; 2],
    /// The control frame of each direction.
    controls: [Vec<u8>; 2],
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        let decoder = |s: &Side| s.decoder.as_ref().map_or(0, |_| block_len(size_of::<Decoder>()));
        let sides: usize = self.sides.iter().map(|s| s.payload.heap_len() + decoder(s)).sum();
        sides + self.controls.iter().map(Heap::heap_len).sum::<usize>()
    }
}

/// A frame that is over.
struct View<'a> {
    seen: Seen,
    payload: &'a [u8],
}

impl Exchanges {
    /// Bytes of a frame's payload; `unmask` adds them without their mask.
    pub fn payload(&mut self, dir: Dir, seen: &Seen, unmask: impl FnOnce(&mut Vec<u8>)) {
        if seen.is_control() {
            return unmask(dir.of_mut(&mut self.controls));
        }
        let side = dir.of_mut(&mut self.sides);
        if side.payload.len() < MAX_PAYLOAD_LEN {
            unmask(&mut side.payload);
        }
        side.cut |= side.payload.len() > MAX_PAYLOAD_LEN;
        side.payload.truncate(MAX_PAYLOAD_LEN);
    }

    /// A frame is over.
    pub fn frame(&mut self, dir: Dir, seen: Seen, extent: Extent, cx: &mut Cx<'_>) {
        let Extent { head_len, len, left } = extent;
        let (of_payload, tx) = (len + left as u64, Some(self.counter.count()));
        for (kind, back, len) in [
            (FrameKind::WebsocketHeader, head_len + of_payload, head_len),
            (FrameKind::WebsocketPdu, head_len + of_payload, head_len + len),
            (FrameKind::WebsocketData, of_payload, len),
        ] {
            cx.frame_of(dir, Frame { kind, back, len: Some(len), tx });
        }
        if seen.is_control() {
            let control = dir.of_mut(&mut self.controls);
            cx.message(dir, &mut self.counter, &View { seen, payload: control }, &[]);
            return reuse(control);
        }
        let side = dir.of_mut(&mut self.sides);
        side.compressed |= seen.compressed;
        if !seen.last {
            return cx.message(dir, &mut self.counter, &View { seen, payload: &[] }, &[]);
        }
        let payload = side.plain(cx);
        cx.message(dir, &mut self.counter, &View { seen, payload: &payload }, &[]);
        let side = dir.of_mut(&mut self.sides);
        reuse(&mut side.payload);
        (side.cut, side.compressed) = (false, false);
    }
}

impl Side {
    /// The message as it was before it was compressed, or as it came if that cannot be told.
    fn plain(&mut self, cx: &mut Cx<'_>) -> Cow<'_, [u8]> {
        if !self.compressed {
            return Cow::Borrowed(&self.payload);
        }
        if self.decoder.is_none() {
            let inflater = Inflater::new(Coding::Deflate, Limits { output_len: 1 << 30, ..Limits::default() });
            self.decoder = cx.decoding().open(inflater.held_len()).map(|share| Box::new(Decoder { inflater, share }));
        }
        let Some(decoder) = &mut self.decoder else { return Cow::Borrowed(&self.payload) };
        let mut out = Vec::new();
        let mut all = 0;
        let mut take = |bytes: &[u8]| {
            all += bytes.len() as u64;
            let room = MAX_PAYLOAD_LEN - out.len().min(MAX_PAYLOAD_LEN);
            out.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        };
        let mut goes_on = !self.cut;
        for piece in [&self.payload[..], &FLUSH] {
            goes_on &= decoder.inflater.push(piece, &mut take) == Outcome::Progress;
        }
        goes_on &= cx.decoding().spend(&mut decoder.share, all, decoder.inflater.held_len());
        if !goes_on {
            // What is missing would be referred to; a decoder that begins anew finds that out.
            self.decoder = None;
        }
        Cow::Owned(out)
    }
}

/// Name of an opcode (RFC 6455 §5.2), as Suricata has it.
const fn name(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        0 => "continuation",
        1 => "text",
        2 => "binary",
        9 => "ping",
        10 => "pong",
        _ => return None,
    })
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "websocket"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("websocket", |out| {
            out.flag("fin", self.seen.last);
            if let Some(mask) = self.seen.mask {
                out.number("mask", u32::from_be_bytes(mask).into());
            }
            match name(self.seen.opcode()) {
                Some(name) => out.text("opcode", name),
                None => out.display("opcode", format_args!("unknown-{}", self.seen.opcode())),
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        match fact {
            _ if nth > 0 => None,
            Fact::WebsocketFlags => Some(Value::Number((self.seen.first & 0xf0).into())),
            Fact::WebsocketMask => Some(Value::Number(u32::from_be_bytes(self.seen.mask?).into())),
            Fact::WebsocketOpcode => Some(Value::Number(self.seen.opcode().into())),
            Fact::WebsocketPayload => Some(Value::from(self.payload)),
            _ => None,
        }
    }
}
