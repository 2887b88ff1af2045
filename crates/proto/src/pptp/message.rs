//! A control message of PPTP (RFC 2637 §2).

use sekisho_record::Text;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// In every message, behind length and type.
const COOKIE: u32 = 0x1a2b_3c4d;
/// Bytes before the control type.
const HEADER_LEN: usize = 8;
/// Longest message of the standard.
const MAX_LEN: usize = 220;
const TEXT_LEN: usize = 64;

/// What a message says that rows tell of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub kind: u16,
    pub host_name: Option<Text>,
    pub vendor: Option<Text>,
    pub firmware: Option<u16>,
    /// 1 is success.
    pub result: Option<u8>,
}

/// Bytes of the message that `bytes` begins with, once its header is there; an error if it is none.
pub fn message_len(bytes: &[u8]) -> ParseResult<Option<usize>> {
    const BEHIND_LEN: [u8; 6] = [0, 1, 0x1a, 0x2b, 0x3c, 0x4d];
    let mark = bytes.get(2..bytes.len().min(HEADER_LEN)).unwrap_or(&[]);
    if !BEHIND_LEN.starts_with(mark) {
        return Err(ParseError::bad(&"pptp cookie"));
    }
    let Some(&[a, b, ..]) = bytes.first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let len = usize::from(u16::from_be_bytes([a, b]));
    if !(HEADER_LEN + 4..=MAX_LEN).contains(&len) {
        return Err(ParseError::bad(&"pptp length"));
    }
    Ok(Some(len))
}

impl Message {
    /// Reads a whole message.
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        r.skip(&"pptp header", 4)?;
        if r.u32(&"pptp cookie")? != COOKIE {
            return Err(ParseError::bad(&"pptp cookie"));
        }
        let kind = r.u16(&"pptp type")?;
        r.skip(&"pptp reserved", 2)?;
        let mut message = Self { kind, ..Self::default() };
        match kind {
            1 | 2 => {
                r.skip(&"pptp version", 2)?;
                let [result, _] = r.array(&"pptp result")?;
                message.result = (kind == 2).then_some(result);
                r.skip(&"pptp capabilities", 10)?;
                message.firmware = Some(r.u16(&"pptp firmware")?);
                message.host_name = text(r.take(&"pptp host", TEXT_LEN)?);
                message.vendor = text(r.take(&"pptp vendor", TEXT_LEN)?);
            }
            8 => {
                r.skip(&"pptp call ids", 4)?;
                message.result = Some(r.u8(&"pptp result")?);
            }
            _ => {}
        }
        Ok(message)
    }
}

/// Text that is filled up with zeros.
fn text(field: &[u8]) -> Option<Text> {
    let len = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    field.get(..len).filter(|t| !t.is_empty()).map(Text::from)
}

/// A control type's name.
pub fn kind_name(kind: u16) -> &'static str {
    match kind {
        1 => "start-request",
        2 => "start-reply",
        3 => "stop-request",
        4 => "stop-reply",
        5 => "echo-request",
        6 => "echo-reply",
        7 => "outgoing-call-request",
        8 => "outgoing-call-reply",
        9 => "incoming-call-request",
        10 => "incoming-call-reply",
        11 => "incoming-call-connected",
        12 => "call-clear-request",
        13 => "call-disconnect-notify",
        14 => "wan-error-notify",
        15 => "set-link-info",
        _ => "other",
    }
}
