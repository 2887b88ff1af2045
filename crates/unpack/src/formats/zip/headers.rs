//! ZIP's headers: end of directory (also of Zip64), directory, local ones.

use super::extra;
use crate::bytes::{le16, le32, le64, take};
use crate::lister::Lister;

pub(super) const LOCAL: &[u8] = b"PK\x03\x04";
pub(super) const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
pub(super) const LOCAL_LEN: u64 = 30;
const END_LEN: usize = 22;
/// Extra field of Zip64 (APPNOTE §4.5.3).
const ZIP64: u16 = 1;
/// Extra field of WinZip's AES.
const AES: u16 = 0x9901;

/// Where the central directory is.
pub(super) struct Directory {
    /// In the content.
    pub(super) at: u64,
    pub(super) len: u64,
    pub(super) count: u64,
    /// What precedes the archive: offsets count from there.
    pub(super) base: u64,
    pub(super) comment: Vec<u8>,
    /// Behind the comment.
    pub(super) end: u64,
}

/// What any of a member's headers say.
#[derive(Clone, Default)]
pub(super) struct Found {
    pub(super) name: Vec<u8>,
    pub(super) method: u16,
    pub(super) flags: u16,
    pub(super) crc: Option<u32>,
    pub(super) packed: u64,
    pub(super) len: Option<u64>,
    pub(super) time: u16,
    pub(super) encrypted: bool,
    /// Lengths follow the content.
    pub(super) streamed: bool,
    /// UNIX mode, 0 if unknown.
    pub(super) mode: u32,
    /// Extra field of WinZip's AES.
    pub(super) aes: Option<Vec<u8>>,
}

pub(super) struct Central {
    pub(super) found: Found,
    pub(super) local_at: u64,
}

pub(super) struct Local {
    pub(super) found: Found,
    pub(super) name: Vec<u8>,
    /// From the header on.
    pub(super) data_at: u64,
}

/// Finds the end of the directory from behind; the comment may hide others.
pub(super) fn directory(l: &Lister<'_, '_>) -> Option<Directory> {
    let tail_len = l.len().min(END_LEN as u64 + 65_535 + 4096);
    let start = l.len() - tail_len;
    let tail = l.read(start, usize::try_from(tail_len).ok()?);
    memchr::memmem::rfind_iter(&tail, END).take(16).find_map(|i| read_end(l, &tail, i, start))
}

fn read_end(l: &Lister<'_, '_>, tail: &[u8], i: usize, start: u64) -> Option<Directory> {
    let end = take(tail, i, END_LEN)?;
    let (mut count, mut len, mut offset) =
        (u64::from(le16(end, 10)?), u64::from(le32(end, 12)?), u64::from(le32(end, 16)?));
    let comment_len = usize::from(le16(end, 20)?);
    let own = start + i as u64;
    let mut behind = own;
    let locator = own.checked_sub(20).map(|at| (at, l.read(at, 20)));
    if let Some((at, locator)) = locator.filter(|(_, b)| b.starts_with(b"PK\x06\x07")) {
        // The record is where the locator says, or directly before the locator if something precedes the archive.
        let places = [le64(&locator, 8)?, at.saturating_sub(56)];
        let record =
            places.iter().find_map(|&p| Some((p, l.read(p, 56))).filter(|(_, b)| b.starts_with(b"PK\x06\x06")));
        if let Some((place, record)) = record {
            (count, len, offset) = (le64(&record, 32)?, le64(&record, 40)?, le64(&record, 48)?);
            behind = place;
        }
    }
    let at = behind.checked_sub(len).filter(|&at| len == 0 || l.read(at, 4).as_ref() == CENTRAL);
    let at = at.or_else(|| Some(offset).filter(|&o| l.read(o, 4).as_ref() == CENTRAL))?;
    let comment = take(tail, i + END_LEN, comment_len).unwrap_or(&[]).to_vec();
    let end = own + END_LEN as u64 + comment.len() as u64;
    Some(Directory { at, len: behind.saturating_sub(at), count, base: at.saturating_sub(offset), comment, end })
}

/// One entry of the directory and where the next one begins (APPNOTE §4.3.12).
pub(super) fn central(l: &Lister<'_, '_>, at: u64) -> Option<(Central, u64)> {
    let h = l.read(at, 46);
    if !h.starts_with(CENTRAL) {
        return None;
    }
    let [name_len, extra_len, comment_len] = [le16(&h, 28)?, le16(&h, 30)?, le16(&h, 32)?].map(usize::from);
    let rest = l.read(at + 46, name_len + extra_len);
    let fields = rest.get(name_len..).unwrap_or(&[]);
    let flags = le16(&h, 8)?;
    let mut found = Found {
        name: rest.get(..name_len)?.to_vec(),
        method: le16(&h, 10)?,
        flags,
        crc: le32(&h, 16),
        packed: u64::from(le32(&h, 20)?),
        len: le32(&h, 24).map(u64::from),
        time: le16(&h, 12)?,
        encrypted: flags & 1 != 0,
        streamed: flags & 8 != 0,
        mode: if h.get(5) == Some(&3) { le32(&h, 38)? >> 16 } else { 0 },
        aes: extra(fields, AES).map(<[u8]>::to_vec),
    };
    found.crc = found.crc.filter(|_| !unchecked(found.aes.as_deref()));
    let mut local_at = u64::from(le32(&h, 42)?);
    let big = extra(fields, ZIP64).unwrap_or(&[]);
    let mut next = 0;
    let mut number = |value: u64| {
        if value != u64::from(u32::MAX) {
            return value;
        }
        next += 8;
        le64(big, next - 8).unwrap_or(value)
    };
    found.len = found.len.map(&mut number);
    found.packed = number(found.packed);
    local_at = number(local_at);
    Some((Central { found, local_at }, at + (46 + name_len + extra_len + comment_len) as u64))
}

/// The second version of WinZip's encryption has no checksum, but zero in its place.
fn unchecked(aes: Option<&[u8]>) -> bool {
    aes.is_some_and(|field| le16(field, 0) == Some(2))
}

/// A local header (APPNOTE §4.3.7).
pub(super) fn local(l: &Lister<'_, '_>, at: u64) -> Option<Local> {
    let h = l.read(at, 30);
    if !h.starts_with(LOCAL) {
        return None;
    }
    let [name_len, extra_len] = [le16(&h, 26)?, le16(&h, 28)?].map(usize::from);
    let rest = l.read(at + LOCAL_LEN, name_len + extra_len);
    let fields = rest.get(name_len..).unwrap_or(&[]);
    let flags = le16(&h, 6)?;
    let streamed = flags & 8 != 0;
    let (mut packed, mut len) = (u64::from(le32(&h, 18)?), u64::from(le32(&h, 22)?));
    if let Some(big) = extra(fields, ZIP64).filter(|_| packed == u64::from(u32::MAX)) {
        (len, packed) = (le64(big, 0)?, le64(big, 8)?);
    }
    let found = Found {
        name: Vec::new(),
        method: le16(&h, 8)?,
        flags,
        crc: le32(&h, 14).filter(|_| !streamed && !unchecked(extra(fields, AES))),
        packed,
        len: (!streamed).then_some(len),
        time: le16(&h, 10)?,
        encrypted: flags & 1 != 0,
        streamed,
        mode: 0,
        aes: extra(fields, AES).map(<[u8]>::to_vec),
    };
    let name = rest.get(..name_len)?.to_vec();
    Some(Local { found, name, data_at: LOCAL_LEN + (name_len + extra_len) as u64 })
}
