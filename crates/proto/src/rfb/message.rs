//! The messages before the desktop is shown (RFC 6143 §7.1–7.3; Apple's and VeNCrypt's logins after the RFB
//! community's register).

use sekisho_wire::{ParseError, ParseResult, Problem, Reader};

/// Longest text (desktop name, reason) that is read.
pub(super) const MAX_TEXT_LEN: u32 = 4096;
/// Longest key of Apple's login.
const MAX_KEY_LEN: u16 = 1024;

/// Length of a version message.
pub(super) const VERSION_LEN: usize = 12;

/// `RFB 003.008\n` as major and minor number.
pub(super) fn version(r: &mut Reader<'_>) -> ParseResult<([u8; 3], [u8; 3])> {
    let [b'R', b'F', b'B', b' ', a, b, c, b'.', d, e, f, _] = r.array::<VERSION_LEN>(&"version")? else {
        return Err(ParseError::bad(&"version"));
    };
    Ok(([a, b, c], [d, e, f]))
}

/// A text with a 32-bit length before it.
pub(super) fn text<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    let mut ahead = *r;
    let len = ahead.u32(&"text")?;
    if len > MAX_TEXT_LEN {
        return Err(ParseError::over_limit(&"text"));
    }
    let text = ahead.take(&"text", usize::try_from(len).unwrap_or(usize::MAX))?;
    *r = ahead;
    Ok(text)
}

/// How pixels are coded (RFC 6143 §7.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PixelFormat {
    pub bits: u8,
    pub depth: u8,
    pub big_endian: bool,
    pub true_color: bool,
    /// Of red, green and blue.
    pub max: [u16; 3],
    pub shift: [u8; 3],
}

impl PixelFormat {
    fn parse(r: &mut Reader<'_>) -> ParseResult<Self> {
        let [bits, depth, big_endian, true_color] = r.array(&"pixel format")?;
        let max = [r.u16(&"red")?, r.u16(&"green")?, r.u16(&"blue")?];
        let shift = r.array(&"shifts")?;
        r.skip(&"padding", 3)?;
        Ok(Self { bits, depth, big_endian: big_endian != 0, true_color: true_color != 0, max, shift })
    }
}

/// What the server shows.
pub(super) struct ServerInit<'a> {
    pub width: u16,
    pub height: u16,
    pub format: PixelFormat,
    pub name: &'a [u8],
}

impl<'a> ServerInit<'a> {
    pub fn parse(r: &mut Reader<'a>) -> ParseResult<Self> {
        let mut ahead = *r;
        let width = ahead.u16(&"width")?;
        let height = ahead.u16(&"height")?;
        let format = PixelFormat::parse(&mut ahead)?;
        let name = text(&mut ahead)?;
        *r = ahead;
        Ok(Self { width, height, format, name })
    }
}

/// The server's part of Apple's login: generator, length of its keys, modulus, public key. Gives the length.
pub(super) fn apple_challenge(r: &mut Reader<'_>) -> ParseResult<u16> {
    let mut ahead = *r;
    ahead.skip(&"generator", 2)?;
    let key_len = ahead.u16(&"key length")?;
    if key_len > MAX_KEY_LEN {
        return Err(ParseError::over_limit(&"key length"));
    }
    ahead.skip(&"keys", usize::from(key_len) * 2)?;
    *r = ahead;
    Ok(key_len)
}

/// Is this a lack of bytes?
pub(super) fn is_missing(e: ParseError) -> bool {
    e.problem() == Problem::Missing
}

/// Zeek's names of the security types.
pub(super) const fn security_type(number: u32) -> &'static str {
    match number {
        0 => "Invalid",
        1 => "None",
        2 => "VNC",
        16 => "Tight",
        17 => "Ultra",
        18 => "TLS",
        19 => "VeNCrypt",
        20 => "GTK-VNC SASL",
        21 => "MD5 hash authentication",
        22 => "Colin Dean xvp",
        30 => "Apple Remote Desktop",
        _ => "RealVNC",
    }
}
