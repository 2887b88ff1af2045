//! Headers of RTP (RFC 3550 §5.1) and RTCP (RFC 3550 §6).

use sekisho_record::Text;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Bytes of a header without contributing sources.
pub const HEADER_LEN: usize = 12;
/// Payload types that RTCP's types look like where both share a port (RFC 5761 §4).
const RTCP_LIKE: std::ops::RangeInclusive<u8> = 64..=95;
/// RTCP packets read of one datagram.
const MAX_PARTS: usize = 16;
/// Longest canonical name kept.
const MAX_TEXT_LEN: usize = 255;

/// Types of RTCP packets.
mod rtcp {
    pub const SENDER_REPORT: u8 = 200;
    pub const RECEIVER_REPORT: u8 = 201;
    pub const DESCRIPTION: u8 = 202;
    pub const LAST: u8 = 207;
}

/// A media packet's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub payload_type: u8,
    pub seq: u16,
    pub ssrc: u32,
    /// Bytes behind the header.
    pub payload_len: usize,
}

impl Header {
    /// Reads a datagram's header.
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let [flags, kind] = r.array(&"rtp header")?;
        let payload_type = kind & 0x7f;
        if flags >> 6 != 2 || RTCP_LIKE.contains(&payload_type) {
            return Err(ParseError::bad(&"rtp header"));
        }
        let seq = r.u16(&"rtp header")?;
        r.skip(&"rtp header", 4)?;
        let ssrc = r.u32(&"rtp header")?;
        r.skip(&"rtp sources", usize::from(flags & 15) * 4)?;
        if flags & 0x10 != 0 {
            r.skip(&"rtp extension", 2)?;
            let words = r.u16(&"rtp extension")?;
            r.skip(&"rtp extension", usize::from(words) * 4)?;
        }
        Ok(Self { payload_type, seq, ssrc, payload_len: r.left() })
    }

    /// Does a datagram with `self` at its head come again, twice and in order, in `behind`, what its sender sent next?
    /// A source's number alone would be found by chance in encrypted bytes, its neighbours' numbers would not.
    pub fn goes_on(&self, behind: &[u8]) -> bool {
        /// Numbers left out by loss.
        const MAX_STEP: u16 = 8;
        let (mut last, mut count) = (self.seq, 0);
        for at in memchr::memmem::find_iter(behind, &self.ssrc.to_be_bytes()) {
            let Some(&[flags, kind, a, b]) = at.checked_sub(8).and_then(|at| behind.get(at..)?.first_chunk()) else {
                continue;
            };
            let step = u16::from_be_bytes([a, b]).wrapping_sub(last);
            if flags >> 6 == 2 && kind & 0x7f == self.payload_type && (1..=MAX_STEP).contains(&step) {
                last = last.wrapping_add(step);
                count += 1;
            }
        }
        count >= 2
    }
}

/// What a datagram of RTCP says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control {
    pub canonical_name: Option<Text>,
    /// The share of packets that its sender misses, in 256ths, the worst of its sources.
    pub fraction_lost: Option<u8>,
}

impl Control {
    /// Reads a datagram, which must be packets to its last byte and begin with a report.
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let mut control = Self::default();
        for n in 0..MAX_PARTS {
            if r.is_empty() && n > 0 {
                return Ok(control);
            }
            let [flags, kind] = r.array(&"rtcp header")?;
            let words = r.u16(&"rtcp length")?;
            let reports = matches!(kind, rtcp::SENDER_REPORT | rtcp::RECEIVER_REPORT);
            if flags >> 6 != 2 || !(rtcp::SENDER_REPORT..=rtcp::LAST).contains(&kind) || n == 0 && !reports {
                return Err(ParseError::bad(&"rtcp header"));
            }
            let body = r.sub(&"rtcp packet", usize::from(words) * 4)?;
            control.part(kind, flags & 31, body)?;
        }
        Err(ParseError::over_limit(&"rtcp packets"))
    }

    fn part(&mut self, kind: u8, count: u8, mut r: Reader<'_>) -> ParseResult<()> {
        match kind {
            rtcp::SENDER_REPORT | rtcp::RECEIVER_REPORT => {
                r.skip(&"rtcp sender", if kind == rtcp::SENDER_REPORT { 24 } else { 4 })?;
                for _ in 0..count {
                    let [_, _, _, _, fraction, ..] = r.array::<24>(&"rtcp report")?;
                    self.fraction_lost = self.fraction_lost.max(Some(fraction));
                }
            }
            rtcp::DESCRIPTION if count > 0 => {
                r.skip(&"rtcp source", 4)?;
                if r.u8(&"rtcp item") == Ok(1) {
                    let name = r.block8(&"rtcp name")?;
                    self.canonical_name = Some(name.rest().get(..MAX_TEXT_LEN).unwrap_or(name.rest()).into());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// A payload type's name, where the number alone says it (RFC 3551 §6).
pub fn codec(payload_type: u8) -> Option<&'static str> {
    Some(match payload_type {
        0 => "PCMU",
        3 => "GSM",
        4 => "G723",
        8 => "PCMA",
        9 => "G722",
        10 | 11 => "L16",
        13 => "CN",
        14 => "MPA",
        15 => "G728",
        18 => "G729",
        26 => "JPEG",
        31 => "H261",
        32 => "MPV",
        33 => "MP2T",
        34 => "H263",
        _ => return None,
    })
}
