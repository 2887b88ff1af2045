//! cpio archives: SVR4 (`newc`, with and without checksum), POSIX (`odc`), binary in both byte orders.

use crate::bytes::{ascii_number, be16, le16, size, take, until_nul};
use crate::kind::Kind;
use crate::lister::{Entry, Lister};
use crate::member::Form;
use crate::recipe::{Recipe, name};

/// Longest name.
const NAME_LEN_MAX: u64 = 4096;

/// A header of any of the formats.
struct Header {
    mode: u64,
    name_len: u64,
    len: u64,
    header_len: u64,
    /// Name and data end on a multiple of this.
    align: u64,
}

pub(super) fn list(l: &mut Lister<'_, '_>) {
    let mut at = 0;
    while at < l.len() {
        let bytes = l.read(at, 110);
        let header = match l.kind {
            Kind::CpioNewc => newc(&bytes),
            Kind::CpioOdc => odc(&bytes),
            _ => binary(&bytes),
        };
        let Some(h) = header.filter(|h| h.name_len <= NAME_LEN_MAX) else {
            if bytes.iter().any(|&b| b != 0) {
                l.odd("cpio: no header where one should be");
            }
            return;
        };
        let path = l.read(at + h.header_len, size(h.name_len));
        let path = until_nul(&path);
        let data = (at + h.header_len + h.name_len).next_multiple_of(h.align);
        if path == b"TRAILER!!!" {
            // The initial file systems of Linux are several archives in a row, the first often not compressed.
            let rest = l.len().saturating_sub(data);
            let start = first_content(l, data);
            if rest > 512 && start < l.len() {
                l.add(Entry::new("trailer", b"", Recipe::slice(start, l.len().saturating_sub(start))));
            }
            return;
        }
        let form = match h.mode >> 12 & 0xf {
            0o10 | 0 => Form::File,
            0o12 => Form::SymLink(name(&l.read(data, size(h.len.min(NAME_LEN_MAX))))),
            0o4 => {
                at = data;
                continue;
            }
            _ => Form::Device,
        };
        let Some(next) = data.checked_add(h.len).and_then(|end| end.checked_next_multiple_of(h.align)) else { return };
        at = next;
        if !l.add(Entry::new("cpio", path, Recipe::slice(data, h.len)).form(form).declared(h.len)) {
            return;
        }
    }
}

/// Where the zeros from `at` on end, within a megabyte.
fn first_content(l: &Lister<'_, '_>, at: u64) -> u64 {
    const PADDING_LEN_MAX: usize = 1 << 20;
    let bytes = l.read(at, PADDING_LEN_MAX);
    bytes.iter().position(|&b| b != 0).map_or(l.len(), |n| at + n as u64)
}

fn newc(bytes: &[u8]) -> Option<Header> {
    if !bytes.starts_with(b"070701") && !bytes.starts_with(b"070702") {
        return None;
    }
    let field = |i: usize| ascii_number(take(bytes, 6 + 8 * i, 8)?, 16);
    Some(Header { mode: field(1)?, name_len: field(11)?, len: field(6)?, header_len: 110, align: 4 })
}

fn odc(bytes: &[u8]) -> Option<Header> {
    if !bytes.starts_with(b"070707") {
        return None;
    }
    let field = |at: usize, len: usize| ascii_number(take(bytes, at, len)?, 8);
    Some(Header { mode: field(18, 6)?, name_len: field(59, 6)?, len: field(65, 11)?, header_len: 76, align: 1 })
}

fn binary(bytes: &[u8]) -> Option<Header> {
    let word: fn(&[u8], usize) -> Option<u16> = match bytes.first_chunk::<2>()? {
        [0xc7, 0x71] => le16,
        [0x71, 0xc7] => be16,
        _ => return None,
    };
    let field = |i: usize| word(bytes, 2 * i).map(u64::from);
    let len = field(11)? << 16 | field(12)?;
    Some(Header { mode: field(3)?, name_len: field(10)?, len, header_len: 26, align: 2 })
}

#[cfg(test)]
mod tests {
    use crate::formats::tests::leaves;

    fn newc(name: &str, mode: u32, content: &[u8]) -> Vec<u8> {
        let mut out = format!(
            "070701{:08x}{mode:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{name}\0",
            1,
            0,
            0,
            1,
            0,
            content.len(),
            0,
            0,
            0,
            0,
            name.len() + 1,
            0
        )
        .into_bytes();
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(content);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    #[test]
    fn parses_members() {
        let cpio =
            [newc("d", 0o040_755, b""), newc("d/a", 0o100_644, b"hello cpio\n"), newc("TRAILER!!!", 0, b"")].concat();
        assert_eq!(leaves(&cpio), [("cpio:d/a".to_owned(), b"hello cpio\n".to_vec())]);
    }

    #[test]
    fn parses_odc() {
        let name = "a.txt\0";
        let mut cpio = format!(
            "070707{:06o}{:06o}{:06o}{:06o}{:06o}{:06o}{:06o}{:011o}{:06o}{:011o}{name}hello odc\n",
            0,
            1,
            0o100_644,
            0,
            0,
            1,
            0,
            0,
            name.len(),
            10
        )
        .into_bytes();
        cpio.extend(
            format!(
                "070707{:06o}{:06o}{:06o}{:06o}{:06o}{:06o}{:06o}{:011o}{:06o}{:011o}TRAILER!!!\0",
                0, 0, 0, 0, 0, 1, 0, 0, 11, 0
            )
            .into_bytes(),
        );
        assert_eq!(leaves(&cpio), [("cpio:a.txt".to_owned(), b"hello odc\n".to_vec())]);
    }
}
