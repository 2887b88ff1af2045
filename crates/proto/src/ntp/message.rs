//! One NTP message: time (RFC 5905 §7.3), control (RFC 9327 §2) or private (ntpd's mode 7).

use sekisho_types::{Addr, Interval, Timestamp};
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Seconds from 1900, where NTP begins to count, to 1970.
const TO_1970_SECS: i64 = 2_208_988_800;
/// Bytes of a time message without extensions.
pub const TIME_LEN: usize = 48;
/// Shortest extension field (RFC 7822 §2).
const MIN_EXTENSION_LEN: usize = 16;
const NANOS: i64 = 1_000_000_000;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Modes 1 to 5.
    Time(Time),
    /// Modes 6 and 7.
    Control(Control),
}

/// The first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct First {
    /// 1 to 4, as yet.
    pub version: u8,
    /// Association mode.
    pub mode: u8,
    /// A leap second is near, or the clock is not set (3).
    pub leap: u8,
}

/// A message about time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    pub first: First,
    pub stratum: u8,
    pub poll: Interval,
    pub precision: Interval,
    pub root_delay: Interval,
    pub root_dispersion: Interval,
    pub ref_id: [u8; 4],
    pub reference: Timestamp,
    pub origin: Timestamp,
    pub receive: Timestamp,
    pub transmit: Timestamp,
    pub extension_count: u8,
    /// The key that authenticates the message.
    pub key_id: Option<u32>,
}

/// A message about the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    pub first: First,
    pub is_reply: bool,
    /// Operation or request code.
    pub code: u8,
    /// The server refuses.
    pub is_error: bool,
}

impl First {
    const fn of(byte: u8) -> Self {
        Self { leap: byte >> 6, version: byte >> 3 & 7, mode: byte & 7 }
    }
}

impl Message {
    /// Reads a datagram.
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let byte = r.u8(&"ntp mode")?;
        let first = First::of(byte);
        if !(1..=4).contains(&first.version) {
            return Err(ParseError::bad(&"ntp version"));
        }
        match first.mode {
            1..=5 => Ok(Self::Time(Time::parse(first, &mut r)?)),
            6 => Ok(Self::Control(Control::standard(first, &mut r)?)),
            7 => Ok(Self::Control(Control::private(byte, first, &mut r)?)),
            _ => Err(ParseError::bad(&"ntp mode")),
        }
    }
}

impl Time {
    fn parse(first: First, r: &mut Reader<'_>) -> ParseResult<Self> {
        let [stratum, poll, precision] = r.array(&"ntp header")?;
        let root_delay = i64::from(r.u32(&"ntp root delay")?.cast_signed());
        let root_dispersion = i64::from(r.u32(&"ntp root dispersion")?);
        let mut time = Self {
            first,
            stratum,
            poll: power_of_two(poll.cast_signed()),
            precision: power_of_two(precision.cast_signed()),
            root_delay: short(root_delay),
            root_dispersion: short(root_dispersion),
            ref_id: r.array(&"ntp reference id")?,
            reference: timestamp(r)?,
            origin: timestamp(r)?,
            receive: timestamp(r)?,
            transmit: timestamp(r)?,
            extension_count: 0,
            key_id: None,
        };
        if !r.left().is_multiple_of(4) {
            return Err(ParseError::bad(&"ntp extensions"));
        }
        time.rest(r);
        Ok(time)
    }

    /// Extension fields (RFC 7822), then an authenticator of any length.
    fn rest(&mut self, r: &mut Reader<'_>) {
        while let Some([_, _, a, b]) = r.rest().first_chunk::<4>()
            && r.left() >= MIN_EXTENSION_LEN
        {
            let len = usize::from(u16::from_be_bytes([*a, *b]));
            if len < MIN_EXTENSION_LEN || len % 4 != 0 || r.skip(&"ntp extension", len).is_err() {
                break;
            }
            self.extension_count = self.extension_count.saturating_add(1);
        }
        self.key_id = r.u32(&"ntp key id").ok();
    }

    /// The reference: an address, or up to four letters.
    pub fn reference_addr(&self) -> Option<Addr> {
        (self.stratum > 1).then(|| Addr::v4(self.ref_id))
    }

    /// Could hardly be anything else, seen by its fields alone.
    pub fn is_typical(&self) -> bool {
        /// No clock is better than 2^-32 s, none of use worse than 1 s.
        const PRECISIONS: std::ops::RangeInclusive<Interval> = Interval(0)..=Interval(NANOS);
        /// Longest poll interval (RFC 5905 §7.2).
        const MAX_POLL: Interval = Interval::from_secs(1 << 17);
        let near = Timestamp::from_parts(1_262_304_000, 0)..Timestamp::from_parts(2_085_978_496, 0);
        matches!((self.first.version, self.first.mode), (3 | 4, 3 | 4))
            && self.stratum <= 16
            && self.poll <= MAX_POLL
            && PRECISIONS.contains(&self.precision)
            && near.contains(&self.transmit)
            && self.extension_count == 0
            && self.key_id.is_none()
    }
}

impl Control {
    fn standard(first: First, r: &mut Reader<'_>) -> ParseResult<Self> {
        let flags = r.u8(&"ntp control operation")?;
        r.skip(&"ntp control header", 8)?;
        let len = r.u16(&"ntp control length")?;
        r.skip(&"ntp control data", usize::from(len))?;
        Ok(Self { first, is_reply: flags & 0x80 != 0, is_error: flags & 0x40 != 0, code: flags & 0x1f })
    }

    fn private(byte: u8, first: First, r: &mut Reader<'_>) -> ParseResult<Self> {
        r.skip(&"ntp private header", 2)?;
        let code = r.u8(&"ntp private code")?;
        let status = r.u16(&"ntp private status")?;
        r.skip(&"ntp private size", 2)?;
        // The bits of the leap indicator say whether it is a reply, and whether more follows.
        Ok(Self { first, is_reply: byte & 0x80 != 0, is_error: status >> 12 != 0, code })
    }

    /// The operation's name (RFC 9327 §2; ntpd's ntp_request.h), or its number.
    pub fn name(&self) -> String {
        let name = match (self.first.mode, self.code) {
            (6, 0) => "unspecified",
            (6, 1) => "read-status",
            (6, 2) => "read-variables",
            (6, 3) => "write-variables",
            (6, 4) => "read-clock",
            (6, 5) => "write-clock",
            (6, 6) => "set-trap",
            (6, 7) => "trap",
            (6, 8) => "configure",
            (6, 9) => "save-configuration",
            (6, 10) => "read-mru",
            (6, 11) => "read-ordlist",
            (6, 12) => "request-nonce",
            (6, 31) => "unset-trap",
            (7, 0) => "peer-list",
            (7, 2) => "peer-info",
            (7, 4) => "sys-info",
            (7, 16) => "reslist",
            (7, 20) => "monlist",
            (7, 42) => "monlist-1",
            (mode, code) => return format!("mode-{mode}-{code}"),
        };
        name.to_owned()
    }
}

/// 2^`exponent` seconds, as far as nanoseconds go.
fn power_of_two(exponent: i8) -> Interval {
    let shift = exponent.unsigned_abs();
    let nanos = if exponent < 0 {
        // Rounded: half of what is lost is added first.
        let half = 1_i64.checked_shl(u32::from(shift) - 1).unwrap_or(0);
        (NANOS + half).checked_shr(u32::from(shift)).unwrap_or(0)
    } else if shift < 33 {
        NANOS << shift
    } else {
        i64::MAX
    };
    Interval(nanos)
}

/// Seconds with 16 bits of fraction.
const fn short(fixed: i64) -> Interval {
    Interval((fixed * NANOS) >> 16)
}

/// Seconds since 1900 with 32 bits of fraction; 0 stays unset.
fn timestamp(r: &mut Reader<'_>) -> ParseResult<Timestamp> {
    let (secs, fraction) = (r.u32(&"ntp time")?, r.u32(&"ntp time")?);
    if secs == 0 && fraction == 0 {
        return Ok(Timestamp(0));
    }
    let nanos = (i64::from(secs) - TO_1970_SECS) * NANOS;
    Ok(Timestamp(nanos + ((i64::from(fraction) * NANOS) >> 32)))
}
