//! Pure parsing of greeting, login, queries with attributes, and answers.

use crate::frames::nul_string;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Flags of what the ends can do (`CLIENT_…` in the manual).
pub(super) mod capability {
    pub const CONNECT_WITH_DB: u32 = 1 << 3;
    pub const COMPRESS: u32 = 1 << 5;
    pub const PROTOCOL_41: u32 = 1 << 9;
    pub const SSL: u32 = 1 << 11;
    pub const SECURE_CONNECTION: u32 = 1 << 15;
    pub const PLUGIN_AUTH: u32 = 1 << 19;
    pub const CONNECT_ATTRS: u32 = 1 << 20;
    pub const PLUGIN_AUTH_LENENC: u32 = 1 << 21;
    pub const DEPRECATE_EOF: u32 = 1 << 24;
    pub const ZSTD: u32 = 1 << 26;
    pub const QUERY_ATTRIBUTES: u32 = 1 << 27;
}

/// Attributes of a query or a connection that are looked at.
const MAX_ATTRIBUTES: usize = 256;

/// A length-encoded integer; `None` for the marker of a null (0xfb).
pub(super) fn integer(r: &mut Reader<'_>) -> ParseResult<Option<u64>> {
    Ok(Some(match r.u8(&"integer")? {
        0xfb => return Ok(None),
        0xfc => u64::from(r.u16_le(&"integer")?),
        0xfd => r.array::<3>(&"integer").map(|[a, b, c]| u64::from(u32::from_le_bytes([a, b, c, 0])))?,
        0xfe => r.u64_le(&"integer")?,
        0xff => return Err(ParseError::bad(&"integer")),
        small => u64::from(small),
    }))
}

/// A string with a length-encoded length; a null is empty.
fn string<'a>(r: &mut Reader<'a>) -> ParseResult<&'a [u8]> {
    let len = integer(r)?.unwrap_or(0);
    r.take(&"string", usize::try_from(len).map_err(|_| ParseError::over_limit(&"string"))?)
}

/// A string ended by NUL, or by the message's end.
fn text<'a>(r: &mut Reader<'a>) -> &'a [u8] {
    let (text, rest) = nul_string(r.rest());
    let rest_len = rest.len();
    let used = r.left().saturating_sub(rest_len);
    let _ = r.skip(&"text", used);
    text
}

/// The server's first message, versions 9 and 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Greeting<'a> {
    pub version: &'a [u8],
    pub capabilities: u32,
}

impl<'a> Greeting<'a> {
    pub fn parse(payload: &'a [u8]) -> ParseResult<Self> {
        let mut r = Reader::new(payload);
        let protocol = r.u8(&"protocol version")?;
        let version = text(&mut r);
        let plausible = !version.is_empty() && version.len() <= 64 && version.iter().all(u8::is_ascii_graphic_or_space);
        if !matches!(protocol, 9 | 10) || !plausible {
            return Err(ParseError::bad(&"greeting"));
        }
        r.u32_le(&"connection id")?;
        if protocol == 9 {
            return Ok(Self { version, capabilities: 0 });
        }
        r.skip(&"scramble", 8)?;
        if r.u8(&"filler")? != 0 {
            return Err(ParseError::bad(&"filler"));
        }
        let low = u32::from(r.u16_le(&"capabilities")?);
        let high = r.skip(&"status", 3).and_then(|()| r.u16_le(&"capabilities")).unwrap_or(0);
        Ok(Self { version, capabilities: low | u32::from(high) << 16 })
    }
}

/// Letters, digits, signs and blanks: what a server's version is made of.
trait Graphic {
    fn is_ascii_graphic_or_space(&self) -> bool;
}

impl Graphic for u8 {
    fn is_ascii_graphic_or_space(&self) -> bool {
        matches!(self, 0x20..=0x7e)
    }
}

/// The client's answer to the greeting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Login<'a> {
    pub capabilities: u32,
    /// The rest is encrypted.
    pub tls: bool,
    pub user: &'a [u8],
    pub database: Option<&'a [u8]>,
    /// Program name, else name of the library.
    pub client: Option<&'a [u8]>,
}

impl<'a> Login<'a> {
    /// Of protocol 4.1, whose fixed part has 19 zeros, or of what came before it.
    pub fn parse(payload: &'a [u8]) -> ParseResult<Self> {
        let mut r = Reader::new(payload);
        let low = u32::from(r.u16_le(&"capabilities")?);
        if low & capability::PROTOCOL_41 == 0 {
            r.skip(&"packet size", 3)?;
            let tls = low & capability::SSL != 0 && r.is_empty();
            return Ok(Self { capabilities: low, tls, user: text(&mut r), ..Self::default() });
        }
        let capabilities = low | u32::from(r.u16_le(&"capabilities")?) << 16;
        r.skip(&"packet size and character set", 5)?;
        // The last four bytes of the filler are MariaDB's further capabilities.
        if r.take(&"filler", 19)?.iter().any(|b| *b != 0) {
            return Err(ParseError::bad(&"filler"));
        }
        r.skip(&"filler", 4)?;
        if capabilities & capability::SSL != 0 && r.is_empty() {
            return Ok(Self { capabilities, tls: true, ..Self::default() });
        }
        let mut login = Self { capabilities, user: text(&mut r), ..Self::default() };
        // What follows is not needed for the row: a message cut short gives what it can.
        let _ = login.rest(&mut r);
        Ok(login)
    }

    fn rest(&mut self, r: &mut Reader<'a>) -> ParseResult<()> {
        let can = |flag| self.capabilities & flag != 0;
        let (with_db, plugin, attrs) =
            (can(capability::CONNECT_WITH_DB), can(capability::PLUGIN_AUTH), can(capability::CONNECT_ATTRS));
        if can(capability::PLUGIN_AUTH_LENENC) {
            string(r)?;
        } else if can(capability::SECURE_CONNECTION) {
            r.block8(&"password")?;
        } else {
            text(r);
        }
        if with_db {
            self.database = Some(text(r)).filter(|d| !d.is_empty());
        }
        if plugin {
            text(r);
        }
        if attrs {
            let len = integer(r)?.unwrap_or(0);
            let mut block = Reader::new(r.rest().get(..usize::try_from(len).unwrap_or(usize::MAX)).unwrap_or(r.rest()));
            for _ in 0..MAX_ATTRIBUTES {
                let (name, value) = (string(&mut block)?, string(&mut block)?);
                match name {
                    b"program_name" => self.client = Some(value),
                    b"_client_name" => self.client = self.client.or(Some(value)),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// User and database of COM_CHANGE_USER.
pub(super) fn change_user(arg: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut r = Reader::new(arg);
    let user = text(&mut r);
    let database = r.block8(&"password").ok().map(|_| text(&mut r)).filter(|d| !d.is_empty());
    (user, database)
}

/// The statement behind a query's attributes.
pub(super) fn after_attributes(arg: &[u8]) -> ParseResult<&[u8]> {
    let mut r = Reader::new(arg);
    let count = integer(&mut r)?.unwrap_or(0);
    integer(&mut r)?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count == 0 {
        return Ok(r.rest());
    }
    if count > MAX_ATTRIBUTES {
        return Err(ParseError::over_limit(&"attributes"));
    }
    let nulls = r.take(&"nulls", count.div_ceil(8))?;
    if r.u8(&"types follow")? != 1 {
        return Err(ParseError::bad(&"types follow"));
    }
    let mut kinds = [0; MAX_ATTRIBUTES];
    for kind in kinds.iter_mut().take(count) {
        *kind = r.u8(&"type")?;
        r.u8(&"sign")?;
        string(&mut r)?;
    }
    for (i, kind) in kinds.iter().take(count).enumerate() {
        if nulls.get(i / 8).is_some_and(|b| b >> (i % 8) & 1 == 0) {
            value(&mut r, *kind)?;
        }
    }
    Ok(r.rest())
}

/// Passes over a value of the binary protocol.
fn value(r: &mut Reader<'_>, kind: u8) -> ParseResult<()> {
    let fixed = match kind {
        0x06 => 0,
        0x01 => 1,
        0x02 | 0x0d => 2,
        0x03 | 0x04 | 0x09 => 4,
        0x05 | 0x08 => 8,
        // Dates and times tell their length.
        0x07 | 0x0a..=0x0c => return r.block8(&"time").map(|_| ()),
        _ => return string(r).map(|_| ()),
    };
    r.skip(&"value", fixed)
}

/// An error's number and text.
pub(super) fn error(payload: &[u8]) -> ParseResult<(u16, &[u8])> {
    let mut r = Reader::new(payload);
    r.u8(&"marker")?;
    let code = r.u16_le(&"error code")?;
    if r.rest().first() == Some(&b'#') {
        r.skip(&"state", 6)?;
    }
    Ok((code, r.rest()))
}

/// Rows changed, of an OK message.
pub(super) fn changed_rows(payload: &[u8]) -> u64 {
    let mut r = Reader::new(payload.get(1..).unwrap_or(&[]));
    integer(&mut r).ok().flatten().unwrap_or(0)
}
