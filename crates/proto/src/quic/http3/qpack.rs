//! Compression of fields (RFC 9204): the table of one direction, which its encoder stream fills, and the sections that
//! refer to it.

use super::fixed::STATIC;
use crate::packing::{Broken, ENTRY_LEN, Fault, Looked, MAX_TABLE_LEN, Table, integer, skip_string, string};
use crate::{Held, Joined};
use sekisho_types::Heap;
use std::borrow::Cow;

/// Longest instruction of an encoder stream that is waited for; what a table can't hold is no use.
pub const MAX_INSTRUCTION_LEN: usize = MAX_TABLE_LEN + 64;

/// See the module.
pub(super) struct Decoder {
    table: Table,
    /// Entries inserted so far.
    inserted: usize,
    /// What the reader of the fields allows the table to be, once it said so.
    limit: Option<usize>,
    /// An instruction that is not yet whole.
    held: Held,
    /// What the table holds is not known any more.
    lost: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { table: Table::new(0), inserted: 0, limit: None, held: Held::new(), lost: false }
    }
}

impl Heap for Decoder {
    fn heap_len(&self) -> usize {
        self.table.heap_len() + self.held.heap_len()
    }
}

/// What a section's beginning says (RFC 9204 §4.5.1).
#[derive(Clone, Copy)]
struct Prefix {
    /// Entries that must have been inserted.
    required: usize,
    base: usize,
}

/// Bytes of the instruction at the start of `bytes`.
fn instruction_len(bytes: &[u8]) -> Result<usize, Fault> {
    let mut rest = bytes;
    match *rest.first().ok_or(Fault::Short)? {
        0x80.. => {
            integer(&mut rest, 6)?;
            skip_string(&mut rest, 7)?;
        }
        0x40.. => {
            skip_string(&mut rest, 5)?;
            skip_string(&mut rest, 7)?;
        }
        _ => {
            integer(&mut rest, 5)?;
        }
    }
    Ok(bytes.len() - rest.len())
}

impl Decoder {
    /// What the other end allows the table to be (SETTINGS_QPACK_MAX_TABLE_CAPACITY).
    pub(super) fn set_limit(&mut self, len: u64) {
        self.limit = Some(usize::try_from(len).unwrap_or(usize::MAX));
    }

    /// Nothing is known of the table from now on.
    pub(super) fn lose(&mut self) {
        *self = Self { limit: self.limit, lost: true, ..Self::default() };
    }

    /// Bytes of the encoder stream (RFC 9204 §4.3); an error once, when the table is lost.
    pub(super) fn instructions(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        if self.lost {
            return Ok(());
        }
        let joined = self.held.join(bytes);
        let done = self.all_whole(&joined);
        let kept = match done {
            Ok(used) => self.keep(joined, used),
            Err(Broken) => false,
        };
        if !kept {
            self.lose();
            return Err(Broken);
        }
        Ok(())
    }

    fn keep(&mut self, joined: Joined<'_>, used: usize) -> bool {
        self.held.keep(joined, used, MAX_INSTRUCTION_LEN)
    }

    /// Carries out the whole instructions of `bytes`; tells how many bytes they have.
    fn all_whole(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        let mut rest = bytes;
        loop {
            match instruction_len(rest) {
                Err(Fault::Short) => return Ok(bytes.len() - rest.len()),
                Err(Fault::Broken) => return Err(Broken),
                Ok(len) => {
                    let (one, tail) = rest.split_at_checked(len).ok_or(Broken)?;
                    self.instruction(one)?;
                    rest = tail;
                }
            }
        }
    }

    fn instruction(&mut self, mut bytes: &[u8]) -> Result<(), Broken> {
        let (name, value) = match *bytes.first().ok_or(Broken)? {
            first @ 0x80.. => {
                let at = integer(&mut bytes, 6)?;
                let name = if first & 0x40 != 0 { fixed(at).map(|f| f.0) } else { self.table.get(at).map(|f| f.0) };
                (Cow::Owned(name.ok_or(Broken)?.to_vec()), string(&mut bytes, 7)?)
            }
            0x40.. => (string(&mut bytes, 5)?, string(&mut bytes, 7)?),
            0x20.. => {
                let len = integer(&mut bytes, 5)?;
                if len > MAX_TABLE_LEN.min(self.limit.unwrap_or(MAX_TABLE_LEN)) {
                    return Err(Broken);
                }
                self.table.resize(len);
                return Ok(());
            }
            _ => {
                let (name, value) = self.table.get(integer(&mut bytes, 5)?).ok_or(Broken)?;
                (Cow::Owned(name.to_vec()), Cow::Owned(value.to_vec()))
            }
        };
        // An entry that doesn't fit is an error here (RFC 9204 §3.2.2), other than in HPACK.
        if !self.table.insert(&name, &value) {
            return Err(Broken);
        }
        self.inserted += 1;
        Ok(())
    }

    /// Must a section wait for the encoder stream?
    pub(super) fn blocks(&self, mut section: &[u8]) -> bool {
        !self.lost && self.prefix(&mut section).is_ok_and(|p| p.required > self.inserted)
    }

    /// A section's prefix (RFC 9204 §4.5.1).
    fn prefix(&self, bytes: &mut &[u8]) -> Result<Prefix, Broken> {
        let encoded = integer(bytes, 8)?;
        let required = if encoded == 0 || self.lost { 0 } else { self.required(encoded)? };
        let negative = bytes.first().ok_or(Broken)? & 0x80 != 0;
        let delta = integer(bytes, 7)?;
        let base = match negative {
            true => required.checked_sub(delta + 1),
            false => required.checked_add(delta),
        };
        Ok(Prefix { required, base: if self.lost { 0 } else { base.ok_or(Broken)? } })
    }

    /// The count of entries that `encoded` stands for (RFC 9204 §4.5.1.1).
    fn required(&self, encoded: usize) -> Result<usize, Broken> {
        let max_entries = self.limit.unwrap_or(self.table.max_len()) / ENTRY_LEN;
        let full = max_entries.saturating_mul(2);
        if encoded > full {
            return Err(Broken);
        }
        let max_value = self.inserted.saturating_add(max_entries);
        let required = max_value / full * full + encoded - 1;
        let required = if required > max_value { required.checked_sub(full).ok_or(Broken)? } else { required };
        if required == 0 { Err(Broken) } else { Ok(required) }
    }

    /// Gives a section's fields to `f`; true if there were more than are looked at ([`Looked`]). Fields of which something is in a
    /// table that was lost, or not waited for (`late`), are left out.
    pub(super) fn section<'t>(
        &'t self,
        mut bytes: &'t [u8],
        late: bool,
        mut f: impl FnMut(&[u8], &[u8]),
    ) -> Result<bool, Broken> {
        let base = self.prefix(&mut bytes)?.base;
        let lossy = late || self.lost;
        let mut looked = Looked::default();
        while !bytes.is_empty() && !looked.is_partial() {
            match self.field(&mut bytes, base)? {
                Some((name, value)) if looked.at(&name, &value) => f(&name, &value),
                Some(_) => {}
                None if lossy => {
                    looked.at(&[], &[]);
                }
                None => return Err(Broken),
            }
        }
        Ok(looked.is_partial())
    }

    /// The next field of a section (RFC 9204 §4.5.2 to §4.5.6); `None` if it is not in the table.
    #[expect(clippy::type_complexity, reason = "a field: its name and its value")]
    fn field<'t>(
        &'t self,
        bytes: &mut &'t [u8],
        base: usize,
    ) -> Result<Option<(Cow<'t, [u8]>, Cow<'t, [u8]>)>, Broken> {
        let both = |f: (&'t [u8], &'t [u8])| (Cow::Borrowed(f.0), Cow::Borrowed(f.1));
        let first = *bytes.first().ok_or(Broken)?;
        let name = match first {
            0xc0.. => return Ok(Some(both(fixed(integer(bytes, 6)?).ok_or(Broken)?))),
            0x80.. => return Ok(self.before(base, integer(bytes, 6)?).map(both)),
            0x40.. if first & 0x10 != 0 => Some(fixed(integer(bytes, 4)?).ok_or(Broken)?.0),
            0x40.. => self.before(base, integer(bytes, 4)?).map(|f| f.0),
            0x20.. => {
                let name = string(bytes, 3)?;
                return Ok(Some((name, string(bytes, 7)?)));
            }
            0x10.. => return Ok(self.behind(base, integer(bytes, 4)?).map(both)),
            _ => self.behind(base, integer(bytes, 3)?).map(|f| f.0),
        };
        let value = string(bytes, 7)?;
        Ok(name.map(|name| (Cow::Borrowed(name), value)))
    }

    /// An entry by its distance back from `base`.
    fn before(&self, base: usize, index: usize) -> Option<(&[u8], &[u8])> {
        self.absolute(base.checked_sub(index)?.checked_sub(1)?)
    }

    /// An entry by its distance on from `base`.
    fn behind(&self, base: usize, index: usize) -> Option<(&[u8], &[u8])> {
        self.absolute(base.checked_add(index)?)
    }

    /// An entry by its number, the first ever being 0.
    fn absolute(&self, at: usize) -> Option<(&[u8], &[u8])> {
        if self.lost {
            return None;
        }
        self.table.get(self.inserted.checked_sub(at)?.checked_sub(1)?)
    }
}

/// An entry of the static table.
fn fixed(at: usize) -> Option<(&'static [u8], &'static [u8])> {
    STATIC.get(at).map(|(name, value)| (name.as_bytes(), value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(d: &Decoder, bytes: &[u8]) -> Result<Vec<String>, Broken> {
        let mut out = Vec::new();
        let text = String::from_utf8_lossy;
        d.section(bytes, false, |n, v| out.push(format!("{}: {}", text(n), text(v))))?;
        Ok(out)
    }

    fn hex(text: &str) -> Vec<u8> {
        let text: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        text.chunks(2).map(|c| u8::from_str_radix(std::str::from_utf8(c).unwrap(), 16).unwrap()).collect()
    }

    /// RFC 9204 §B.1 to §B.5, which share a table.
    #[test]
    fn parses_the_examples_of_the_standard() {
        let mut d = Decoder::default();
        d.set_limit(220);
        assert_eq!(read(&d, &hex("0000 510b 2f69 6e64 6578 2e68 746d 6c")).unwrap(), [":path: /index.html"]);
        let instructions = hex("3fbd01 c00f 7777 772e 6578 616d 706c 652e 636f 6d c10c 2f73 616d 706c 652f 7061 7468");
        let section = hex("0381 10 11");
        assert!(d.blocks(&section));
        for byte in &instructions {
            d.instructions(&[*byte]).unwrap();
        }
        assert!(!d.blocks(&section));
        assert_eq!(read(&d, &section).unwrap(), [":authority: www.example.com", ":path: /sample/path"]);
        assert_eq!((d.inserted, d.table.len(), d.table.max_len()), (2, 106, 220));
        let more = hex("4a63 7573 746f 6d2d 6b65 790c 6375 7374 6f6d 2d76 616c 7565");
        d.instructions(&more).unwrap();
        assert_eq!(d.table.len(), 160);
        d.instructions(&hex("02")).unwrap();
        assert_eq!((d.inserted, d.table.len()), (4, 217));
        let section = hex("0500 80 c1 81");
        assert_eq!(
            read(&d, &section).unwrap(),
            [":authority: www.example.com", ":path: /", "custom-key: custom-value"]
        );
        d.instructions(&hex("810d 6375 7374 6f6d 2d76 616c 7565 32")).unwrap();
        assert_eq!((d.inserted, d.table.len(), d.table.count()), (5, 215, 4));
        assert_eq!(d.table.get(0), Some((&b"custom-key"[..], &b"custom-value2"[..])));
    }

    #[test]
    fn rejects_what_is_no_section_or_instruction() {
        let mut d = Decoder::default();
        for bytes in
            [&b""[..], b"\0", b"\0\0\xff", b"\0\0\x80", b"\0\0\xff\x7f", b"\0\0\x10", b"\x05\0\x80", b"\0\0\x23a"]
        {
            assert_eq!(read(&d, bytes), Err(Broken), "{bytes:x?}");
        }
        // More than was allowed, an entry that doesn't fit, a duplicate of nothing.
        d.set_limit(100);
        for bytes in [&b"\x3f\x70"[..], b"\xc0\x01a", b"\x01", b"\x3f\xff\xff\xff\xff\x7f"] {
            let mut d = Decoder { limit: d.limit, ..Decoder::default() };
            assert_eq!(d.instructions(bytes), Err(Broken), "{bytes:x?}");
            assert_eq!(d.instructions(bytes), Ok(()), "lost already");
        }
    }

    #[test]
    fn a_lost_table_leaves_what_needs_none() {
        let mut d = Decoder::default();
        d.set_limit(4096);
        d.lose();
        let section = hex("0381 10 d1 11 510161");
        assert!(!d.blocks(&section));
        assert_eq!(read(&d, &section).unwrap(), [":method: GET", ":path: a"]);
    }

    #[test]
    fn limits_what_is_waited_for() {
        let mut d = Decoder::default();
        assert_eq!(d.instructions(b"\xc0\x7f\xff\xff\x7f"), Ok(()));
        let mut rounds = 0;
        while d.instructions(&[0; 1000]).is_ok() && rounds < 1000 {
            rounds += 1;
        }
        assert!(d.lost && rounds < 70 && d.heap_len() == 0, "{rounds}");
    }
}
