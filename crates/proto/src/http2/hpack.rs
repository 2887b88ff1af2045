//! Header compression (RFC 7541): one decoder per direction, with its own dynamic table.

use crate::packing::{Broken, Looked, MAX_TABLE_LEN, Table, integer, string};
use sekisho_types::Heap;
use smallvec::SmallVec;
use std::borrow::Cow;

/// Size of a dynamic table as both ends assume it at first (RFC 9113 §6.5.2).
const DEFAULT_TABLE_LEN: usize = 4096;

/// Changes of a table's size in one block that are remembered; two make sense (RFC 7541 §4.2).
const MAX_SIZES: usize = 4;

/// The static table (RFC 7541 Appendix A).
#[rustfmt::skip]
const STATIC: [(&str, &str); 61] = [
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
    (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
    (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
    ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""), ("cache-control", ""),
    ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
    ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""), ("date", ""), ("etag", ""),
    ("expect", ""), ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""), ("if-modified-since", ""),
    ("if-none-match", ""), ("if-range", ""), ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""),
    ("location", ""), ("max-forwards", ""), ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""),
    ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""), ("set-cookie", ""),
    ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""),
    ("www-authenticate", ""),
];

/// The state of one direction. What is [`Broken`] leaves nobody knowing the table.
#[derive(Debug)]
pub(super) struct Decoder {
    table: Table,
    /// Sizes of the table that the last block set.
    sizes: SmallVec<[u64; MAX_SIZES]>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { table: Table::new(DEFAULT_TABLE_LEN), sizes: SmallVec::new() }
    }
}

impl Heap for Decoder {
    fn heap_len(&self) -> usize {
        self.table.heap_len()
    }
}

impl Decoder {
    /// Sizes of the table that the last block set, the first of them.
    pub(super) fn sizes(&self) -> &[u64] {
        &self.sizes
    }

    /// Reads a whole header block and gives its fields to `f`; true if there were more than are looked at
    /// ([`Looked`]).
    pub(super) fn block(&mut self, mut bytes: &[u8], mut f: impl FnMut(&[u8], &[u8])) -> Result<bool, Broken> {
        let mut looked = Looked::default();
        self.sizes.clear();
        while let Some(&first) = bytes.first() {
            match first {
                0x80.. => {
                    let index = integer(&mut bytes, 7)?;
                    let (name, value) = self.entry(index).ok_or(Broken)?;
                    if looked.at(name, value) {
                        f(name, value);
                    }
                }
                0x40.. => {
                    let [name, value] = self.literal(&mut bytes, 6)?;
                    if looked.at(&name, &value) {
                        f(&name, &value);
                    }
                    self.table.insert(&name, &value);
                }
                0x20.. => {
                    let max_len = integer(&mut bytes, 5)?;
                    if max_len > MAX_TABLE_LEN {
                        return Err(Broken);
                    }
                    self.table.resize(max_len);
                    if self.sizes.len() < MAX_SIZES {
                        self.sizes.push(max_len as u64);
                    }
                }
                _ => {
                    let [name, value] = self.literal(&mut bytes, 4)?;
                    if looked.at(&name, &value) {
                        f(&name, &value);
                    }
                }
            }
        }
        Ok(looked.is_partial())
    }

    /// A literal with a name that is indexed (prefix of `bits` bits) or literal, too (RFC 7541 §6.2).
    fn literal<'b>(&self, bytes: &mut &'b [u8], bits: u32) -> Result<[Cow<'b, [u8]>; 2], Broken> {
        let index = integer(bytes, bits)?;
        let name = match index {
            0 => string(bytes, 7)?,
            _ => Cow::Owned(self.entry(index).ok_or(Broken)?.0.to_vec()),
        };
        Ok([name, string(bytes, 7)?])
    }

    fn entry(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let at = index.checked_sub(1)?;
        if let Some((name, value)) = STATIC.get(at) {
            return Some((name.as_bytes(), value.as_bytes()));
        }
        self.table.get(at - STATIC.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packing::{MAX_FIELDS, MAX_FIELDS_LEN};

    fn read(d: &mut Decoder, bytes: &[u8]) -> Result<Vec<String>, Broken> {
        let mut out = Vec::new();
        d.block(bytes, |n, v| out.push(format!("{}: {}", String::from_utf8_lossy(n), String::from_utf8_lossy(v))))?;
        Ok(out)
    }

    /// The requests of RFC 7541 §C.4, which share a table.
    #[test]
    fn parses_the_blocks_of_the_standard() {
        let mut d = Decoder::default();
        let first = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        let want = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
        assert_eq!(read(&mut d, first).unwrap(), want);
        assert_eq!(d.table.len(), 57);
        let second = b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf";
        assert_eq!(read(&mut d, second).unwrap()[3..], [":authority: www.example.com", "cache-control: no-cache"]);
        assert_eq!(d.table.len(), 110);
        let third = b"\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf";
        assert_eq!(read(&mut d, third).unwrap()[3..], [":authority: www.example.com", "custom-key: custom-value"]);
        assert_eq!((d.table.len(), d.table.count()), (164, 3));
        assert_eq!(read(&mut d, b"\x20\xbe"), Err(Broken));
    }

    #[test]
    fn rejects_what_is_no_block() {
        for bytes in
            [&b"\x80"[..], b"\xff", b"\xff\xff\xff\xff\xff\x7f", b"\x40\x05ab", b"\xbe", b"\x3f\xff\xff\x7f", b"\x41"]
        {
            assert_eq!(read(&mut Decoder::default(), bytes), Err(Broken), "{bytes:x?}");
        }
    }

    #[test]
    fn limits_the_table_and_the_fields() {
        let mut d = Decoder::default();
        // An entry larger than the table empties it.
        read(&mut d, b"\x40\x01a\x01b").unwrap();
        let large = [&b"\x40\x01a\x7f\x81\x7f"[..], &[b'x'; 16384]].concat();
        assert_eq!(read(&mut d, &large).unwrap().len(), 1);
        assert_eq!((d.table.len(), d.table.count()), (0, 0));
        for _ in 0..1000 {
            read(&mut d, &[&b"\x40\x01a\x64"[..], &[b'x'; 100]].concat()).unwrap();
        }
        assert!(d.table.len() <= DEFAULT_TABLE_LEN);
        let mut count = 0;
        assert_eq!(d.block(&[0xbe; MAX_FIELDS * 4], |_, _| count += 1), Ok(true));
        assert_eq!(count, MAX_FIELDS);
        // One large entry, over and over.
        let mut d = Decoder::default();
        read(&mut d, &[&b"\x40\x01a\x7f\xa1\x1e"[..], &[b'x'; 4000]].concat()).unwrap();
        let mut len = 0;
        assert_eq!(d.block(&[0xbe; 500], |n, v| len += n.len() + v.len()), Ok(true));
        assert!(len <= MAX_FIELDS_LEN && len > MAX_FIELDS_LEN / 2);
    }
}
