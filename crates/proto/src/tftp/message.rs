//! One TFTP packet (RFC 1350 §5) with options (RFC 2347, 2348, 2349).

use sekisho_wire::{ParseError, ParseResult, Reader};

/// Longest name and option.
const MAX_TEXT_LEN: usize = 512;
/// Options read of one packet.
const MAX_OPTIONS: usize = 16;

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    Request(Request<'a>),
    /// Block number and content.
    Data(u16, &'a [u8]),
    /// Block number.
    Ack(u16),
    /// Code and message.
    Error(u16, &'a [u8]),
    OptionAck(Options),
}

/// Who wants which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The client sends the file.
    pub is_write: bool,
    pub filename: &'a [u8],
    pub mode: &'static str,
    pub options: Options,
}

/// What both ends agree upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub block_len: Option<u16>,
    pub transfer_len: Option<u64>,
}

/// Text up to a zero byte.
fn text<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    let len =
        memchr::memchr(0, r.rest()).filter(|len| *len <= MAX_TEXT_LEN).ok_or(ParseError::missing(&"tftp text"))?;
    let text = r.take(&"tftp text", len)?;
    r.skip(&"tftp text", 1)?;
    Ok(text)
}

fn mode(name: &[u8]) -> Option<&'static str> {
    ["octet", "netascii", "mail"].into_iter().find(|m| name.eq_ignore_ascii_case(m.as_bytes()))
}

impl Options {
    fn parse(r: &mut Reader<'_>) -> Self {
        let mut options = Self::default();
        for _ in 0..MAX_OPTIONS {
            let (Ok(name), Ok(value)) = (text(r), text(r)) else { break };
            let number = std::str::from_utf8(value).ok().and_then(|v| v.parse::<u64>().ok());
            if name.eq_ignore_ascii_case(b"blksize") {
                options.block_len = number.and_then(|n| u16::try_from(n).ok());
            } else if name.eq_ignore_ascii_case(b"tsize") {
                options.transfer_len = number;
            }
        }
        options
    }
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    pub fn parse(bytes: &'a [u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        match r.u16(&"tftp operation")? {
            op @ (1 | 2) => {
                let filename = text(&mut r)?;
                let mode = mode(text(&mut r)?).ok_or(ParseError::bad(&"tftp mode"))?;
                Ok(Self::Request(Request { is_write: op == 2, filename, mode, options: Options::parse(&mut r) }))
            }
            3 => Ok(Self::Data(r.u16(&"tftp block")?, r.take_rest())),
            4 => Ok(Self::Ack(r.u16(&"tftp block")?)),
            5 => {
                let code = r.u16(&"tftp error")?;
                Ok(Self::Error(code, text(&mut r).unwrap_or(&[])))
            }
            6 => Ok(Self::OptionAck(Options::parse(&mut r))),
            _ => Err(ParseError::bad(&"tftp operation")),
        }
    }
}

/// Is it a request with a name that can be one? Nothing else looks like this.
pub fn is_request(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 1 | 2, b' '..=b'~', ..])
        && matches!(Packet::parse(bytes), Ok(Packet::Request(r)) if !r.filename.iter().any(u8::is_ascii_control))
}
