//! HTTP/2 (RFC 9113) over anything that gives its bytes in clear: with prior knowledge, after an upgrade from HTTP/1
//! (h2c), or out of TLS. gRPC is HTTP/2 with `grpc-status` behind the content.
//!
//! Each stream is a row of `http` with version `2`, logged when it is over; content goes to files, decoded. Zeek has no
//! analyzer for it. Limits: [`MAX_KEPT_FRAME_LEN`], [`MAX_BLOCK_LEN`], [`MAX_CONTINUATIONS`], and those of the
//! shared modules on tables and streams. Known gaps: behind a hole outside of
//! content a direction is not read any more, since nobody knows its compression table; connections whose beginning is
//! missing are not recognised.

mod frame;
mod hpack;
#[cfg(test)]
mod tests;
mod tx;
mod view;

pub use frame::MAX_KEPT_FRAME_LEN;

use crate::packing::Broken;
use crate::web::{HttpRecord, Streams, Version};
use crate::{Cx, Descriptor, Event, Guess, Probe, Protocol, Start, Transport};
use frame::{Frames, Head, Part, flag, kind};
use hpack::Decoder;
use sekisho_transaction::FrameKind;
use sekisho_types::{Dir, Heap};
use tx::Exchanges;

/// Largest header block that is put together from HEADERS and CONTINUATION frames.
pub const MAX_BLOCK_LEN: usize = 256 * 1024;

/// CONTINUATION frames of one header block; a block of ordinary size needs none (CVE-2024-27316).
pub const MAX_CONTINUATIONS: u32 = 64;

/// Name in conn's `service`.
const SERVICE: &str = "http2";

/// What a client sends first (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A header block that is not yet whole.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    /// The frame that began it, and the stream that its fields are of; `None` outside of a block.
    of: Option<(Head, u32)>,
    continuations: u32,
}

/// One direction.
#[derive(Default)]
struct Side {
    frames: Frames,
    decoder: Decoder,
    block: Block,
    /// Bytes of the preface that have come.
    preface: usize,
    /// The position, or the compression's state, is lost.
    lost: bool,
}

/// State of one flow.
pub struct Parser {
    sides: [Side; 2],
    streams: Streams,
    exchanges: Exchanges,
    /// Content of a frame is passing that has been seen to begin, by direction.
    within: [bool; 2],
    /// The request in HTTP/1 that stream 1 answers, until the first bytes come.
    begun: Option<Box<HttpRecord>>,
}

fn probe(p: &Probe<'_>) -> Guess {
    let begins =
        |bytes: &[u8]| PREFACE.get(..bytes.len().min(PREFACE.len())) == bytes.get(..PREFACE.len()).or(Some(bytes));
    match p.orig {
        _ if p.transport != Transport::Tcp => Guess::No,
        // A server may send its settings first.
        [] => Guess::More,
        bytes if !begins(bytes) => Guess::No,
        bytes if bytes.len() < PREFACE.len() => Guess::More,
        _ => Guess::Yes,
    }
}

/// Suricata's name of what ends the reading of a direction.
fn event(weird: &'static str) -> &'static str {
    match weird {
        "HTTP2_bad_header_block" => "invalid_header",
        "HTTP2_header_block_over_limit" => "reassembly_limit_reached",
        "HTTP2_frame_over_limit" => "invalid_frame_length",
        _ => "invalid_frame_data",
    }
}

impl Heap for Side {
    fn heap_len(&self) -> usize {
        self.frames.heap_len() + self.decoder.heap_len() + self.block.bytes.heap_len()
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: SERVICE, tcp_ports: &[], udp_ports: &[], probe };

    fn start(start: &Start<'_>) -> Self {
        let mut streams = Streams::new(Version::Two);
        let mut begun = None;
        if let Some(Event::HttpRecord(row)) = start.begun {
            streams.upgraded(row.clone());
            begun = Some(row.clone());
        }
        Self { sides: Default::default(), streams, exchanges: Exchanges::default(), within: [false; 2], begun }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let watched = cx.is_watched();
        if let Some(row) = self.begun.take()
            && watched
        {
            self.exchanges.upgraded(&row);
        }
        let Self { sides: [orig, resp], streams, exchanges, within, .. } = self;
        let side = if dir.is_orig() { orig } else { resp };
        side.frames.watched = watched;
        let within = dir.of_mut(within);
        let mut input = bytes;
        if dir.is_orig() && !side.preface(&mut input) {
            return cx.reject("http2_bad_preface");
        }
        if !dir.is_orig() || side.preface == PREFACE.len() {
            cx.confirm(SERVICE);
        }
        while !side.lost {
            let Some(part) = side.frames.next(&mut input, |head, left| tell_frames(dir, head, left, cx)) else { break };
            let outcome = match part {
                Part::Whole(head, payload) => {
                    if watched {
                        exchanges.frame(dir, head, payload, cx);
                    }
                    Self::frame(dir, head, payload, &mut side.block, &mut side.decoder, (streams, exchanges), cx)
                }
                Part::Content { head, bytes, last } => {
                    let ends = last && head.has(flag::END_STREAM);
                    streams.content(u64::from(head.stream), dir, bytes, ends, cx);
                    if watched {
                        for (stream, file) in streams.take_begun() {
                            exchanges.file(stream, dir, file);
                        }
                        exchanges.content(head, dir, bytes, (!*within, ends), cx);
                        *within = !last;
                    }
                    Ok(())
                }
                Part::TooLong => Err("HTTP2_frame_over_limit"),
            };
            if let Err(why) = outcome {
                cx.weird(why);
                side.lose();
                if watched {
                    exchanges.oddity(dir, event(why), cx);
                }
            }
        }
        side.frames.rest();
        exchanges.settle(cx);
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        let Some(side) = self.sides.get_mut(dir.index()) else { return };
        match side.frames.gap(len) {
            Some(stream) => self.streams.gap(u64::from(stream), dir, len, cx),
            None => side.lose(),
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.streams.flush(cx);
        self.exchanges.finish(cx);
    }

    fn held_len(&self) -> usize {
        let begun = self.begun.as_ref().map_or(0, |row| row.held_len());
        self.sides.as_slice().heap_len() + self.streams.heap_len() + self.exchanges.heap_len() + begun
    }
}

/// Tells of the frames of one with header `head`, behind which `left` bytes of the chunk follow.
fn tell_frames(dir: Dir, head: Head, left: usize, cx: &mut Cx<'_>) {
    let (head_len, len, left) = (frame::HEAD_LEN as u64, head.len as u64, left as u64);
    cx.frame(dir, FrameKind::Http2Hdr, left + head_len, Some(head_len));
    cx.frame(dir, FrameKind::Http2Pdu, left + head_len, Some(head_len + len));
    cx.frame(dir, FrameKind::Http2Data, left, Some(len));
}

impl Side {
    /// Takes the preface off; false if it is none.
    fn preface(&mut self, input: &mut &[u8]) -> bool {
        while let Some(want) = PREFACE.get(self.preface)
            && let Some((byte, rest)) = input.split_first()
        {
            if byte != want {
                return false;
            }
            self.preface += 1;
            *input = rest;
        }
        true
    }

    /// Nothing more is read of this direction.
    fn lose(&mut self) {
        *self = Self { lost: true, preface: self.preface, ..Self::default() };
    }
}

/// The header block fragment of a HEADERS or PUSH_PROMISE frame, and the stream that its fields are of (RFC 9113
/// §6.2, §6.6).
fn fragment(head: Head, mut payload: &[u8]) -> Option<(u32, &[u8])> {
    let mut padding = 0;
    if head.has(flag::PADDED) {
        let (&len, rest) = payload.split_first()?;
        padding = usize::from(len);
        payload = rest;
    }
    let mut stream = head.stream;
    if head.kind == kind::PUSH_PROMISE {
        let (promised, rest) = payload.split_first_chunk()?;
        stream = u32::from_be_bytes(*promised) & 0x7fff_ffff;
        payload = rest;
    } else if head.has(flag::PRIORITY) {
        payload = payload.get(5..)?;
    }
    Some((stream, payload.get(..payload.len().checked_sub(padding)?)?))
}

impl Parser {
    /// A frame that was kept whole.
    fn frame(
        dir: Dir,
        head: Head,
        payload: &[u8],
        block: &mut Block,
        decoder: &mut Decoder,
        both: (&mut Streams, &mut Exchanges),
        cx: &mut Cx<'_>,
    ) -> Result<(), &'static str> {
        const DISORDER: &str = "HTTP2_unexpected_frame";
        match head.kind {
            kind::HEADERS | kind::PUSH_PROMISE => {
                if block.of.is_some() {
                    return Err(DISORDER);
                }
                let (stream, bytes) = fragment(head, payload).ok_or("HTTP2_bad_headers_frame")?;
                if head.has(flag::END_HEADERS) {
                    return fields(dir, head, stream, bytes, decoder, both, cx);
                }
                block.of = Some((head, stream));
                block.bytes.extend_from_slice(bytes);
            }
            kind::CONTINUATION => {
                let (first, stream) = block.of.filter(|b| b.0.stream == head.stream).ok_or(DISORDER)?;
                block.continuations += 1;
                if block.continuations > MAX_CONTINUATIONS || block.bytes.len() + payload.len() > MAX_BLOCK_LEN {
                    return Err("HTTP2_header_block_over_limit");
                }
                block.bytes.extend_from_slice(payload);
                if head.has(flag::END_HEADERS) {
                    let bytes = std::mem::take(block).bytes;
                    return fields(dir, first, stream, &bytes, decoder, both, cx);
                }
            }
            _ if block.of.is_some() => return Err(DISORDER),
            kind::RST_STREAM => both.0.reset(u64::from(head.stream), cx),
            _ => {}
        }
        Ok(())
    }
}

/// A whole header block.
fn fields(
    dir: Dir,
    head: Head,
    stream: u32,
    bytes: &[u8],
    decoder: &mut Decoder,
    (streams, exchanges): (&mut Streams, &mut Exchanges),
    cx: &mut Cx<'_>,
) -> Result<(), &'static str> {
    let pushed = head.kind == kind::PUSH_PROMISE;
    // A promise is a request that the server makes in the client's name.
    let side = if pushed { Dir::Orig } else { dir };
    let (watched, id) = (cx.is_watched(), stream);
    let stream = u64::from(stream);
    let open = streams.open(stream, side, cx);
    let read = decoder.block(bytes, |name, value| {
        if open {
            streams.field(stream, side, name, value, cx);
        }
        if watched {
            exchanges.field(id, dir, name, value, cx);
        }
    });
    match read {
        Ok(false) => {}
        Ok(true) => cx.weird("HTTP2_too_many_fields"),
        Err(Broken) => return Err("HTTP2_bad_header_block"),
    }
    let last = pushed || head.has(flag::END_STREAM);
    if watched {
        exchanges.headed(id, dir, decoder.sizes(), last && !pushed, cx);
    }
    streams.headed(stream, side, last, cx);
    Ok(())
}
