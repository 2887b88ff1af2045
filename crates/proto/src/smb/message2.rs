//! SMB 2 and 3 messages (MS-SMB2 §2.2): pure parsing. Offsets in them count from the header's start.

use crate::utf16;
use sekisho_record::Text;
use sekisho_wire::{ParseResult, Reader};

/// Length of the header.
pub(super) const HEADER_LEN: usize = 64;

/// Commands that are looked at (§2.2.1.2).
pub(super) mod command {
    pub const NEGOTIATE: u16 = 0;
    pub const SESSION_SETUP: u16 = 1;
    pub const TREE_CONNECT: u16 = 3;
    pub const TREE_DISCONNECT: u16 = 4;
    pub const CREATE: u16 = 5;
    pub const CLOSE: u16 = 6;
    pub const READ: u16 = 8;
    pub const WRITE: u16 = 9;
    pub const IOCTL: u16 = 11;
    pub const QUERY_DIRECTORY: u16 = 14;
    pub const SET_INFO: u16 = 17;
}

/// Body is a response.
const FLAG_RESPONSE: u32 = 1;
/// Goes on with the file of the message before.
const FLAG_RELATED: u32 = 4;
/// Process and tree id are one number that names an asynchronous command.
const FLAG_ASYNC: u32 = 2;

/// FSCTL_PIPE_TRANSCEIVE (MS-FSCC §2.3).
pub(super) const PIPE_TRANSCEIVE: u32 = 0x0011_c017;

/// Classes of SET_INFO (§2.2.39) and of file information (MS-FSCC §2.4).
const INFO_FILE: u8 = 1;
const RENAME_INFORMATION: u8 = 10;
const DISPOSITION_INFORMATION: u8 = 13;
const DISPOSITION_INFORMATION_EX: u8 = 64;

/// The header (§2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub status: u32,
    pub command: u16,
    flags: u32,
    /// Offset of the next message of a compound; 0 in the last.
    pub next: u32,
    pub message_id: u64,
    /// Unset in asynchronous messages.
    pub tree: Option<u32>,
    pub session: u64,
}

impl Header {
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        r.skip(&"SMB2 header", 8)?;
        let status = r.u32_le(&"SMB2 status")?;
        let command = r.u16_le(&"SMB2 command")?;
        r.skip(&"SMB2 credits", 2)?;
        let flags = r.u32_le(&"SMB2 flags")?;
        let next = r.u32_le(&"SMB2 next command")?;
        let message_id = r.u64_le(&"SMB2 message id")?;
        r.skip(&"SMB2 process id", 4)?;
        let tree = r.u32_le(&"SMB2 tree id")?;
        let tree = Some(tree).filter(|t| flags & FLAG_ASYNC == 0 && *t != 0);
        let session = r.u64_le(&"SMB2 session id")?;
        Ok(Self { status, command, flags, next, message_id, tree, session })
    }

    pub const fn is_response(&self) -> bool {
        self.flags & FLAG_RESPONSE != 0
    }

    pub const fn is_related(&self) -> bool {
        self.flags & FLAG_RELATED != 0
    }

    /// How many bytes of the message are to be looked at, content that passes on excepted.
    pub fn wanted_len(&self) -> usize {
        match (self.command, self.is_response()) {
            (command::NEGOTIATE, true)
            | (command::SESSION_SETUP, _)
            | (command::TREE_CONNECT | command::CREATE | command::SET_INFO, false) => usize::MAX,
            (command::TREE_CONNECT, true) => HEADER_LEN + 16,
            (command::CREATE, true) => HEADER_LEN + 80,
            (command::CLOSE | command::QUERY_DIRECTORY, false) => HEADER_LEN + 24,
            (command::READ, false) | (command::WRITE, false) => HEADER_LEN + 48,
            (command::READ, true) => HEADER_LEN + 16,
            (command::IOCTL, false) => HEADER_LEN + 56,
            (command::IOCTL, true) => HEADER_LEN + 48,
            _ => HEADER_LEN,
        }
    }
}

/// Names an open file: persistent and volatile part.
pub(super) type FileKey = u128;

/// Stands in a compound for the file that its first message opens (§3.2.4.1.4).
pub(super) const RELATED_FILE: FileKey = FileKey::MAX;

/// Bytes of a message that are passed on, and where they lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub offset: usize,
    pub len: usize,
}

fn body(message: &[u8]) -> ParseResult<Reader<'_>> {
    let mut r = Reader::new(message);
    r.skip(&"SMB2 header", HEADER_LEN)?;
    Ok(r)
}

fn size(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn at(message: &[u8], offset: u16, len: u16) -> Option<&[u8]> {
    let start = usize::from(offset);
    message.get(start..start + usize::from(len))
}

fn file_key(r: &mut Reader<'_>) -> ParseResult<FileKey> {
    r.array(&"SMB2 file id").map(u128::from_le_bytes)
}

/// Dialect and security blob of a NEGOTIATE response (§2.2.4).
pub(super) fn negotiate_response(message: &[u8]) -> ParseResult<(u16, &[u8])> {
    let mut r = body(message)?;
    r.skip(&"SMB2 security mode", 4)?;
    let dialect = r.u16_le(&"SMB2 dialect")?;
    r.skip(&"SMB2 negotiate", 2 + 16 + 4 + 12 + 16)?;
    let (offset, len) = (r.u16_le(&"SMB2 security offset")?, r.u16_le(&"SMB2 security length")?);
    Ok((dialect, at(message, offset, len).unwrap_or(&[])))
}

/// Security blob of a SESSION_SETUP request or response (§2.2.5, §2.2.6).
pub(super) fn session_setup(message: &[u8], is_response: bool) -> ParseResult<&[u8]> {
    let mut r = body(message)?;
    r.skip(&"SMB2 session setup", if is_response { 4 } else { 12 })?;
    let (offset, len) = (r.u16_le(&"SMB2 security offset")?, r.u16_le(&"SMB2 security length")?);
    Ok(at(message, offset, len).unwrap_or(&[]))
}

/// Path of a TREE_CONNECT request (§2.2.9).
pub(super) fn tree_connect_request(message: &[u8]) -> ParseResult<Text> {
    let mut r = body(message)?;
    r.skip(&"SMB2 tree connect", 4)?;
    let (offset, len) = (r.u16_le(&"SMB2 path offset")?, r.u16_le(&"SMB2 path length")?);
    Ok(utf16::text(at(message, offset, len).unwrap_or(&[])))
}

/// Share type of a TREE_CONNECT response (§2.2.10).
pub(super) fn tree_connect_response(message: &[u8]) -> ParseResult<u8> {
    let mut r = body(message)?;
    r.skip(&"SMB2 tree connect", 2)?;
    r.u8(&"SMB2 share type")
}

/// File name of a CREATE request (§2.2.13).
pub(super) fn create_request(message: &[u8]) -> ParseResult<Text> {
    let mut r = body(message)?;
    r.skip(&"SMB2 create", 44)?;
    let (offset, len) = (r.u16_le(&"SMB2 name offset")?, r.u16_le(&"SMB2 name length")?);
    Ok(utf16::text(at(message, offset, len).unwrap_or(&[])))
}

/// Whether a CREATE request asks for deletion at the close, whether for a directory, and its disposition.
pub(super) fn create_options(message: &[u8]) -> ParseResult<(bool, bool, u32)> {
    const DELETE_ON_CLOSE: u32 = 0x1000;
    const DIRECTORY: u32 = 1;
    let mut r = body(message)?;
    r.skip(&"SMB2 create", 36)?;
    let (disposition, options) = (r.u32_le(&"SMB2 disposition")?, r.u32_le(&"SMB2 create options")?);
    Ok((options & DELETE_ON_CLOSE != 0, options & DIRECTORY != 0, disposition))
}

/// Server's identifier, and longest read and write, of a NEGOTIATE response.
pub(super) fn negotiated(message: &[u8]) -> ParseResult<([u8; 16], u32, u32)> {
    let mut r = body(message)?;
    r.skip(&"SMB2 negotiate", 8)?;
    let server = r.array(&"SMB2 server id")?;
    r.skip(&"SMB2 capabilities", 8)?;
    Ok((server, r.u32_le(&"SMB2 read size")?, r.u32_le(&"SMB2 write size")?))
}

/// Control code of an IOCTL request.
pub(super) fn control_code(message: &[u8]) -> ParseResult<u32> {
    let mut r = body(message)?;
    r.skip(&"SMB2 ioctl", 4)?;
    r.u32_le(&"SMB2 control code")
}

/// What a server says of a file that it opened; times in 100 ns since 1601.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Opened {
    pub key: FileKey,
    pub size: u64,
    pub created: u64,
    pub accessed: u64,
    pub modified: u64,
    pub changed: u64,
    /// It did not exist before: CREATED, or SUPERSEDED.
    pub is_new: bool,
    pub is_dir: bool,
}

/// CREATE response (§2.2.14).
pub(super) fn create_response(message: &[u8]) -> ParseResult<Opened> {
    let mut r = body(message)?;
    r.skip(&"SMB2 create", 4)?;
    let is_new = matches!(r.u32_le(&"SMB2 create action")?, 0 | 2);
    let created = r.u64_le(&"SMB2 creation time")?;
    let accessed = r.u64_le(&"SMB2 access time")?;
    let modified = r.u64_le(&"SMB2 write time")?;
    let changed = r.u64_le(&"SMB2 change time")?;
    r.skip(&"SMB2 allocation size", 8)?;
    let size = r.u64_le(&"SMB2 end of file")?;
    let is_dir = r.u32_le(&"SMB2 attributes")? & super::usage::DIRECTORY != 0;
    r.skip(&"SMB2 reserved", 4)?;
    Ok(Opened { key: file_key(&mut r)?, size, created, accessed, modified, changed, is_new, is_dir })
}

/// File of a CLOSE (§2.2.15) or QUERY_DIRECTORY (§2.2.33) request.
pub(super) fn file_request(message: &[u8]) -> ParseResult<FileKey> {
    let mut r = body(message)?;
    r.skip(&"SMB2 close", 8)?;
    file_key(&mut r)
}

/// File and offset of a READ request (§2.2.19).
pub(super) fn read_request(message: &[u8]) -> ParseResult<(FileKey, u64)> {
    let mut r = body(message)?;
    r.skip(&"SMB2 read", 8)?;
    let offset = r.u64_le(&"SMB2 offset")?;
    Ok((file_key(&mut r)?, offset))
}

/// Where the data of a READ response lies (§2.2.20).
pub(super) fn read_response(message: &[u8]) -> ParseResult<Content> {
    let mut r = body(message)?;
    r.skip(&"SMB2 read", 2)?;
    let offset = usize::from(r.u8(&"SMB2 data offset")?);
    r.skip(&"SMB2 reserved", 1)?;
    Ok(Content { offset, len: size(r.u32_le(&"SMB2 data length")?) })
}

/// File, offset in it, and where the data of a WRITE request lies (§2.2.21).
pub(super) fn write_request(message: &[u8]) -> ParseResult<(FileKey, u64, Content)> {
    let mut r = body(message)?;
    r.skip(&"SMB2 write", 2)?;
    let content_offset = usize::from(r.u16_le(&"SMB2 data offset")?);
    let len = size(r.u32_le(&"SMB2 data length")?);
    let offset = r.u64_le(&"SMB2 offset")?;
    Ok((file_key(&mut r)?, offset, Content { offset: content_offset, len }))
}

/// File and where its data lies, if an IOCTL (§2.2.31, §2.2.32) transceives over a pipe.
pub(super) fn pipe_transceive(message: &[u8], is_response: bool) -> ParseResult<Option<(FileKey, Content)>> {
    let mut r = body(message)?;
    r.skip(&"SMB2 ioctl", 4)?;
    let code = r.u32_le(&"SMB2 control code")?;
    let key = file_key(&mut r)?;
    let input = Content { offset: size(r.u32_le(&"SMB2 input")?), len: size(r.u32_le(&"SMB2 input")?) };
    if !is_response {
        return Ok((code == PIPE_TRANSCEIVE).then_some((key, input)));
    }
    let output = Content { offset: size(r.u32_le(&"SMB2 output")?), len: size(r.u32_le(&"SMB2 output")?) };
    Ok((code == PIPE_TRANSCEIVE).then_some((key, output)))
}

/// What a SET_INFO request does to a file, as far as it is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Delete,
    Rename(Text),
}

/// SET_INFO request (§2.2.39) with MS-FSCC §2.4.11 and §2.4.42 (SMB 2's form of the rename).
pub(super) fn set_info_request(message: &[u8]) -> ParseResult<Option<(FileKey, Change)>> {
    let mut r = body(message)?;
    r.skip(&"SMB2 set info", 2)?;
    let (kind, class) = (r.u8(&"SMB2 info type")?, r.u8(&"SMB2 info class")?);
    r.skip(&"SMB2 buffer length", 4)?;
    let offset = usize::from(r.u16_le(&"SMB2 buffer offset")?);
    r.skip(&"SMB2 set info", 6)?;
    let key = file_key(&mut r)?;
    let mut buffer = Reader::new(message.get(offset..).unwrap_or(&[]));
    let change = match (kind, class) {
        (INFO_FILE, RENAME_INFORMATION) => {
            buffer.skip(&"rename information", 16)?;
            let len = size(buffer.u32_le(&"file name length")?);
            Change::Rename(utf16::text(buffer.take(&"file name", len)?))
        }
        (INFO_FILE, DISPOSITION_INFORMATION | DISPOSITION_INFORMATION_EX) if buffer.u8(&"disposition")? & 1 != 0 => {
            Change::Delete
        }
        _ => return Ok(None),
    };
    Ok(Some((key, change)))
}
