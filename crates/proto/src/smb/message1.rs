//! SMB 1 messages (MS-CIFS §2.2.3, MS-SMB §2.2.4): pure parsing. Offsets in them count from the header's start.

use crate::utf16;
use sekisho_record::Text;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Length of the header.
pub(super) const HEADER_LEN: usize = 32;

/// Commands that are looked at (MS-CIFS §2.2.2.1).
pub(super) mod command {
    pub const CLOSE: u8 = 0x04;
    pub const TRANSACTION: u8 = 0x25;
    pub const READ_ANDX: u8 = 0x2e;
    pub const WRITE_ANDX: u8 = 0x2f;
    pub const TREE_DISCONNECT: u8 = 0x71;
    pub const NEGOTIATE: u8 = 0x72;
    pub const SESSION_SETUP_ANDX: u8 = 0x73;
    pub const TREE_CONNECT_ANDX: u8 = 0x75;
    pub const LOGOFF_ANDX: u8 = 0x74;
    pub const NT_CREATE_ANDX: u8 = 0xa2;
    /// No further command follows.
    pub const NONE: u8 = 0xff;
}

const FLAG_REPLY: u8 = 0x80;
const FLAG2_UNICODE: u16 = 0x8000;

/// TRANS_TRANSACT_NMPIPE (MS-CIFS §2.2.5.6).
const TRANSACT_PIPE: u16 = 0x26;

/// Name of a transaction over a pipe.
const PIPE: &[u8] = b"\\PIPE\\";

/// Beginning of an RPC unit.
const RPC: &[u8] = &[5, 0];

/// Stands for the file of a transaction that names none.
const NO_FILE: u16 = u16::MAX;

/// CAP_EXTENDED_SECURITY (MS-SMB §2.2.4.5.2.1).
const EXTENDED_SECURITY: u32 = 0x8000_0000;

/// The header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub command: u8,
    pub status: u32,
    flags: u8,
    flags2: u16,
    pub tree: u16,
    /// Names the session.
    pub user: u16,
    /// Process and multiplex id, which together name a request.
    pub message_id: u64,
}

impl Header {
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        r.skip(&"SMB protocol", 4)?;
        let command = r.u8(&"SMB command")?;
        let status = r.u32_le(&"SMB status")?;
        let flags = r.u8(&"SMB flags")?;
        let flags2 = r.u16_le(&"SMB flags")?;
        r.skip(&"SMB security", 12)?;
        let tree = r.u16_le(&"SMB tree id")?;
        let process = r.u16_le(&"SMB process id")?;
        let user = r.u16_le(&"SMB user id")?;
        let multiplex = r.u16_le(&"SMB multiplex id")?;
        let message_id = u64::from(process) << 16 | u64::from(multiplex);
        Ok(Self { command, status, flags, flags2, tree, user, message_id })
    }

    pub const fn is_response(&self) -> bool {
        self.flags & FLAG_REPLY != 0
    }

    const fn is_unicode(&self) -> bool {
        self.flags2 & FLAG2_UNICODE != 0
    }
}

/// Parameters and data of one command of a chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    message: &'a [u8],
    unicode: bool,
    words: &'a [u8],
    /// Offset of the data in the message.
    at: usize,
}

impl<'a> Block<'a> {
    /// The block at offset `at` of `message`.
    pub fn parse(message: &'a [u8], header: &Header, at: usize) -> ParseResult<Self> {
        let mut r = Reader::new(message);
        r.skip(&"SMB header", at)?;
        let count = r.u8(&"SMB word count")?;
        let words = r.take(&"SMB words", usize::from(count) * 2)?;
        r.skip(&"SMB byte count", 2)?;
        Ok(Self { message, unicode: header.is_unicode(), words, at: r.pos() })
    }

    /// Command and offset of the next block, if this is one of a chain.
    pub fn next(&self) -> Option<(u8, usize)> {
        match *self.words {
            [command, _, low, high, ..] if command != command::NONE => {
                Some((command, usize::from(u16::from_le_bytes([low, high]))))
            }
            _ => None,
        }
    }

    /// A reader of the parameters behind the first `skip` bytes.
    fn words(&self, skip: usize) -> ParseResult<Reader<'a>> {
        let mut r = Reader::new(self.words);
        r.skip(&"SMB words", skip)?;
        Ok(r)
    }

    fn data(&self) -> &'a [u8] {
        self.message.get(self.at..).unwrap_or(&[])
    }

    /// The text at `offset` of the message, up to its NUL, and the offset behind it.
    fn text(&self, offset: usize, unicode: bool) -> (Text, usize) {
        let start = if unicode { offset.next_multiple_of(2) } else { offset };
        let rest = self.message.get(start..).unwrap_or(&[]);
        if unicode {
            let units = rest.as_chunks::<2>().0;
            let len = 2 * units.iter().position(|u| *u == [0, 0]).unwrap_or(units.len());
            return (utf16::text(rest.get(..len).unwrap_or(rest)), start + len + 2);
        }
        let len = memchr::memchr(0, rest).unwrap_or(rest.len());
        (rest.get(..len).unwrap_or(rest).into(), start + len + 1)
    }

    /// Security blob of a NEGOTIATE response with extended security.
    pub fn negotiate_response(&self) -> ParseResult<&'a [u8]> {
        let capabilities = self.words(19)?.u32_le(&"SMB capabilities")?;
        if self.words.len() != 34 || capabilities & EXTENDED_SECURITY == 0 {
            return Err(ParseError::bad(&"SMB capabilities"));
        }
        self.data().get(16..).ok_or(ParseError::missing(&"SMB security blob"))
    }

    /// Security blob of SESSION_SETUP_ANDX with extended security.
    pub fn session_setup(&self, is_response: bool) -> ParseResult<&'a [u8]> {
        let (words_len, skip) = if is_response { (8, 6) } else { (24, 14) };
        if self.words.len() != words_len {
            return Err(ParseError::bad(&"SMB session setup"));
        }
        let len = usize::from(self.words(skip)?.u16_le(&"SMB security blob length")?);
        self.data().get(..len).ok_or(ParseError::missing(&"SMB security blob"))
    }

    /// Dialects of a NEGOTIATE request, at most `max`.
    pub fn dialects(&self, max: usize) -> Vec<Text> {
        let parts = self.data().split(|b| *b == 0).filter_map(|part| part.strip_prefix(b"\x02"));
        parts.take(max).map(Text::from).collect()
    }

    /// Which of them the server chose.
    pub fn chosen_dialect(&self) -> Option<usize> {
        self.words(0).ok()?.u16_le(&"SMB dialect").ok().map(usize::from)
    }

    /// Operating system and LAN manager that SESSION_SETUP_ANDX tells.
    pub fn host(&self, is_response: bool) -> Option<(Text, Text)> {
        let at = match (is_response, self.words.len()) {
            (true, 6) => self.at,
            (true, 8) => self.at + usize::from(self.words(6).ok()?.u16_le(&"SMB blob").ok()?),
            (false, 24) => self.at + usize::from(self.words(14).ok()?.u16_le(&"SMB blob").ok()?),
            (false, 26) => {
                let mut r = self.words(14).ok()?;
                let passwords = (r.u16_le(&"SMB password").ok()?, r.u16_le(&"SMB password").ok()?);
                let account = self.at + usize::from(passwords.0) + usize::from(passwords.1);
                let domain = self.text(account, self.unicode).1;
                self.text(domain, self.unicode).1
            }
            _ => return None,
        };
        let (os, next) = self.text(at, self.unicode);
        Some((os, self.text(next, self.unicode).0))
    }

    /// Whether an NT_CREATE_ANDX request asks for deletion at the close, whether for a directory, and its disposition.
    pub fn create_options(&self) -> ParseResult<(bool, bool, u32)> {
        const DELETE_ON_CLOSE: u32 = 0x1000;
        const DIRECTORY: u32 = 1;
        let mut r = self.words(35)?;
        let (disposition, options) = (r.u32_le(&"SMB disposition")?, r.u32_le(&"SMB create options")?);
        Ok((options & DELETE_ON_CLOSE != 0, options & DIRECTORY != 0, disposition))
    }

    /// Path and service of a TREE_CONNECT_ANDX request.
    pub fn tree_connect_request(&self) -> ParseResult<(Text, Text)> {
        let password_len = usize::from(self.words(6)?.u16_le(&"SMB password length")?);
        let (path, end) = self.text(self.at + password_len, self.unicode);
        Ok((path, self.text(end, false).0))
    }

    /// Service and file system of a TREE_CONNECT_ANDX response.
    pub fn tree_connect_response(&self) -> (Text, Text) {
        let (service, end) = self.text(self.at, false);
        (service, self.text(end, self.unicode).0)
    }

    /// File name of an NT_CREATE_ANDX request.
    pub fn create_request(&self) -> ParseResult<Text> {
        let len = usize::from(self.words(5)?.u16_le(&"SMB name length")?);
        let start = if self.unicode { self.at.next_multiple_of(2) } else { self.at };
        let name = self.message.get(start..start + len).unwrap_or(&[]);
        if self.unicode {
            return Ok(utf16::text(name));
        }
        Ok(name.strip_suffix(b"\0").unwrap_or(name).into())
    }

    /// File, its size and its times (created, accessed, modified, changed) of an NT_CREATE_ANDX response.
    pub fn create_response(&self) -> ParseResult<(u16, u64, [u64; 4])> {
        let mut r = self.words(5)?;
        let file = r.u16_le(&"SMB file id")?;
        r.skip(&"SMB disposition", 4)?;
        let mut times = [0; 4];
        for time in &mut times {
            *time = r.u64_le(&"SMB time")?;
        }
        r.skip(&"SMB allocation", 12)?;
        Ok((file, r.u64_le(&"SMB end of file")?, times))
    }

    /// Whether an NT_CREATE_ANDX response is about what did not exist before, and about a directory: by its disposition and
    /// attributes (MS-CIFS §2.2.4.64.2).
    pub fn created(&self) -> ParseResult<(bool, bool)> {
        let mut r = self.words(7)?;
        let is_new = matches!(r.u32_le(&"SMB disposition")?, 0 | 2);
        r.skip(&"SMB times", 32)?;
        Ok((is_new, r.u32_le(&"SMB attributes")? & super::usage::DIRECTORY != 0))
    }

    /// File of a CLOSE request.
    pub fn close_request(&self) -> ParseResult<u16> {
        self.words(0)?.u16_le(&"SMB file id")
    }

    /// File and offset of a READ_ANDX request.
    pub fn read_request(&self) -> ParseResult<(u16, u64)> {
        let mut r = self.words(4)?;
        let file = r.u16_le(&"SMB file id")?;
        let low = r.u32_le(&"SMB offset")?;
        let high = self.words(20).and_then(|mut r| r.u32_le(&"SMB offset")).unwrap_or(0);
        Ok((file, u64::from(high) << 32 | u64::from(low)))
    }

    /// Data of a READ_ANDX response.
    pub fn read_response(&self) -> ParseResult<&'a [u8]> {
        let mut r = self.words(10)?;
        let (low, offset) = (r.u16_le(&"SMB data length")?, r.u16_le(&"SMB data offset")?);
        let high = r.u16_le(&"SMB data length")?;
        self.content(offset, low, high)
    }

    /// File, offset and data of a WRITE_ANDX request.
    pub fn write_request(&self) -> ParseResult<(u16, u64, &'a [u8])> {
        let mut r = self.words(4)?;
        let file = r.u16_le(&"SMB file id")?;
        let low = r.u32_le(&"SMB offset")?;
        r.skip(&"SMB write", 8)?;
        let (len_high, len_low) = (r.u16_le(&"SMB data length")?, r.u16_le(&"SMB data length")?);
        let at = r.u16_le(&"SMB data offset")?;
        let high = r.u32_le(&"SMB offset").unwrap_or(0);
        Ok((file, u64::from(high) << 32 | u64::from(low), self.content(at, len_low, len_high)?))
    }

    /// File and data of a TRANSACTION request over a pipe. Of one that names the pipe instead of a file, only what looks
    /// like RPC is taken: LAN Manager's remote administration uses them, too.
    pub fn pipe_request(&self) -> ParseResult<Option<(u16, &'a [u8])>> {
        let mut r = self.words(22)?;
        let (len, at) = (r.u16_le(&"SMB data count")?, r.u16_le(&"SMB data offset")?);
        let setup_count = r.u8(&"SMB setup count")?;
        if setup_count < 2 {
            let named = self.text(self.at, self.unicode).0.0;
            let is_pipe = named.get(..PIPE.len()).is_some_and(|n| n.eq_ignore_ascii_case(PIPE));
            let data = self.content(at, len, 0)?;
            return Ok(Some((NO_FILE, data)).filter(|_| is_pipe && data.starts_with(RPC)));
        }
        r.skip(&"SMB reserved", 1)?;
        let (code, file) = (r.u16_le(&"SMB function")?, r.u16_le(&"SMB file id")?);
        if code != TRANSACT_PIPE {
            return Ok(None);
        }
        Ok(Some((file, self.content(at, len, 0)?)))
    }

    /// Data of a TRANSACTION response.
    pub fn pipe_response(&self) -> ParseResult<&'a [u8]> {
        let mut r = self.words(12)?;
        let (len, at) = (r.u16_le(&"SMB data count")?, r.u16_le(&"SMB data offset")?);
        self.content(at, len, 0)
    }

    fn content(&self, offset: u16, low: u16, high: u16) -> ParseResult<&'a [u8]> {
        let (offset, len) = (usize::from(offset), usize::from(high) << 16 | usize::from(low));
        self.message.get(offset..offset + len).ok_or(ParseError::missing(&"SMB data"))
    }
}
