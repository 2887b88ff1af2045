//! Frames (RFC 9000 §19): pure parsing.

use super::packet::{MAX_CID_LEN, length, varint};
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Which frames may be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Those of Initial packets of Google's versions, which number them otherwise.
    Google,
    /// Those of Initial packets (RFC 9000 §17.2.2).
    Initial,
    /// All.
    Protected,
}

/// A frame that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    Crypto {
        offset: u64,
        data: &'a [u8],
    },
    Close {
        code: u64,
        reason: &'a [u8],
    },
    /// A further connection id of the sender.
    NewId(&'a [u8]),
    /// The sender gives its direction of a stream up.
    Reset {
        stream: u64,
    },
    Stream {
        stream: u64,
        offset: u64,
        data: &'a [u8],
        last: bool,
    },
    /// One that tells nothing here: PADDING, PING, ACK, flow control and the like.
    Other,
}

/// The next frame; an error for what may not be there.
pub(super) fn frame<'a>(r: &mut Reader<'a>, level: Level) -> ParseResult<Frame<'a>> {
    match (varint(r, &"frame type")?, level) {
        (8, Level::Google) => crypto(r),
        (7, Level::Google) => Ok(Frame::Other),
        (1.., Level::Google) => Err(ParseError::bad(&"frame type")),
        (0, _) => {
            let padding = r.rest().iter().take_while(|b| **b == 0).count();
            r.skip(&"padding", padding)?;
            Ok(Frame::Other)
        }
        (1, _) => Ok(Frame::Other),
        (kind @ (2 | 3), _) => ack(r, kind == 3),
        (6, _) => crypto(r),
        (kind @ (0x1c | 0x1d), _) => {
            let code = varint(r, &"error code")?;
            if kind == 0x1c {
                varint(r, &"frame type of the error")?;
            }
            let len = length(r, &"reason length")?;
            Ok(Frame::Close { code, reason: r.take(&"reason", len)? })
        }
        (kind, Level::Protected) => protected(r, kind),
        _ => Err(ParseError::bad(&"frame type")),
    }
}

fn ack<'a>(r: &mut Reader<'a>, with_counts: bool) -> ParseResult<Frame<'a>> {
    varint(r, &"largest acknowledged")?;
    varint(r, &"ack delay")?;
    let ranges = varint(r, &"ack range count")?;
    varint(r, &"first ack range")?;
    for _ in 0..ranges {
        varint(r, &"gap")?;
        varint(r, &"ack range")?;
    }
    if with_counts {
        for _ in 0..3 {
            varint(r, &"ECN count")?;
        }
    }
    Ok(Frame::Other)
}

fn crypto<'a>(r: &mut Reader<'a>) -> ParseResult<Frame<'a>> {
    let offset = varint(r, &"crypto offset")?;
    let len = length(r, &"crypto length")?;
    Ok(Frame::Crypto { offset, data: r.take(&"crypto data", len)? })
}

/// Frames of 0-RTT and 1-RTT packets only.
fn protected<'a>(r: &mut Reader<'a>, kind: u64) -> ParseResult<Frame<'a>> {
    match kind {
        0x04 => {
            let stream = varint(r, &"stream")?;
            numbers(r, 2)?;
            return Ok(Frame::Reset { stream });
        }
        0x07 => {
            let len = length(r, &"token length")?;
            r.skip(&"token", len)?;
        }
        0x08..=0x0f => return stream(r, kind),
        0x05 | 0x11 | 0x15 => numbers(r, 2)?,
        0x10 | 0x12..=0x14 | 0x16 | 0x17 | 0x19 => numbers(r, 1)?,
        0x18 => {
            numbers(r, 2)?;
            let id = r.block8(&"connection id")?.take_rest();
            r.skip(&"stateless reset token", 16)?;
            if id.len() > MAX_CID_LEN {
                return Err(ParseError::bad(&"connection id"));
            }
            return Ok(Frame::NewId(id));
        }
        0x1a | 0x1b => r.skip(&"path challenge", 8)?,
        // HANDSHAKE_DONE, and IMMEDIATE_ACK of the extension for ACK frequencies.
        0x1e | 0x1f => {}
        // A datagram (RFC 9221) to the packet's end, or with its length.
        0x30 => {
            r.take_rest();
        }
        0x31 => {
            let len = length(r, &"datagram length")?;
            r.skip(&"datagram", len)?;
        }
        // ACK_FREQUENCY; TIME_STAMP of the draft on one-way delays.
        0xaf => numbers(r, 4)?,
        0x2f5 => numbers(r, 1)?,
        _ => return Err(ParseError::bad(&"frame type")),
    }
    Ok(Frame::Other)
}

fn numbers(r: &mut Reader<'_>, count: usize) -> ParseResult<()> {
    (0..count).try_for_each(|_| varint(r, &"number").map(drop))
}

/// A STREAM frame (RFC 9000 §19.8), whose type says which fields there are.
fn stream<'a>(r: &mut Reader<'a>, kind: u64) -> ParseResult<Frame<'a>> {
    let stream = varint(r, &"stream")?;
    let offset = if kind & 4 != 0 { varint(r, &"stream offset")? } else { 0 };
    let data = if kind & 2 != 0 {
        let len = length(r, &"stream length")?;
        r.take(&"stream data", len)?
    } else {
        r.take_rest()
    };
    Ok(Frame::Stream { stream, offset, data, last: kind & 1 != 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_frames() {
        let bytes = [0, 0, 1, 2, 5, 0, 1, 0, 0, 0, 6, 0x40, 3, 2, b'h', b'i', 0x1c, 10, 6, 1, b'x', 8];
        let mut r = Reader::new(&bytes);
        let mut found = Vec::new();
        let end = loop {
            match frame(&mut r, Level::Initial) {
                Ok(f) => found.push(f),
                Err(e) => break e,
            }
        };
        assert_eq!(end.item(), "frame type");
        assert_eq!(
            found[found.len() - 2..],
            [Frame::Crypto { offset: 3, data: b"hi" }, Frame::Close { code: 10, reason: b"x" },]
        );
        let mut google = Reader::new(&[7, 8, 0, 1, b'x', 6, 0]);
        assert_eq!(frame(&mut google, Level::Google), Ok(Frame::Other));
        assert_eq!(frame(&mut google, Level::Google), Ok(Frame::Crypto { offset: 0, data: b"x" }));
        assert!(frame(&mut google, Level::Google).is_err());
    }

    #[test]
    fn parses_frames_of_protected_packets() {
        let bytes = [
            &[0x04, 4, 9, 9][..],
            &[0x05, 4, 9, 0x07, 2, 0, 0, 0x10, 0x40, 1, 0x12, 1, 0x19, 0, 0x1e, 0x31, 1, 9, 0x40, 0xaf, 1, 2, 3, 4],
            &[0x18, 1, 0, 3, 7, 8, 9],
            &[0; 16],
            &[0x1a],
            &[7; 8],
            &[0x0e, 8, 0x41, 0, 2, b'h', b'i'],
            &[0x09, 0, b'e', b'n', b'd'],
        ]
        .concat();
        let mut r = Reader::new(&bytes);
        let mut found = Vec::new();
        while !r.is_empty() {
            found.push(frame(&mut r, Level::Protected).unwrap());
        }
        found.retain(|f| *f != Frame::Other);
        assert_eq!(
            found,
            [
                Frame::Reset { stream: 4 },
                Frame::NewId(&[7, 8, 9]),
                Frame::Stream { stream: 8, offset: 256, data: b"hi", last: false },
                Frame::Stream { stream: 0, offset: 0, data: b"end", last: true },
            ]
        );
        assert!(frame(&mut Reader::new(&[0x08, 0]), Level::Initial).is_err());
        assert!(frame(&mut Reader::new(&[0x20]), Level::Protected).is_err());
        assert!(frame(&mut Reader::new(&[0x0e, 8, 0, 9, 1]), Level::Protected).is_err());
    }
}
