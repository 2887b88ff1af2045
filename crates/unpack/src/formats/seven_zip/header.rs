//! 7z's header: folders, their coders and streams, and the files.

use crate::bytes::{le32, size};

/// Files, streams, folders; besides, there are never more than bytes to tell of them.
const COUNT_MAX: usize = 1 << 20;
/// Coders of a folder.
const CODER_COUNT_MAX: usize = 8;

/// One coder of a folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Coder {
    pub(super) id: Vec<u8>,
    pub(super) properties: Vec<u8>,
    pub(super) inputs: usize,
    pub(super) unpacked_len: u64,
}

/// One unpacked stream of a folder.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) len: u64,
    pub(super) crc: Option<u32>,
}

/// One solid block.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    pub(super) coders: Vec<Coder>,
    /// Input of a coder, output of another that goes there.
    pub(super) bound: Vec<(usize, usize)>,
    pub(super) packed_at: u64,
    pub(super) packed_len: u64,
    pub(super) crc: Option<u32>,
    pub(super) streams: Vec<Stream>,
    packed_count: usize,
}

impl Folder {
    /// Length of what comes out of the last coder.
    pub(super) fn size(&self) -> u64 {
        let last = (0..self.coders.len()).find(|i| !self.bound.iter().any(|b| b.1 == *i));
        last.and_then(|i| self.coders.get(i)).map_or(0, |c| c.unpacked_len)
    }
}

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) name: Vec<u8>,
    pub(super) has_stream: bool,
    pub(super) is_directory: bool,
}

pub(super) enum Header {
    Plain {
        folders: Vec<Folder>,
        files: Vec<File>,
    },
    /// It is itself packed.
    Packed {
        folder: Box<Folder>,
    },
}

/// Reads forward; `None` from everything once bytes are missing.
struct Cursor<'b> {
    rest: &'b [u8],
}

impl<'b> Cursor<'b> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let (now, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(now)
    }

    /// As many bytes follow the first as it has leading ones; its other bits are the highest.
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        let extra = first.leading_ones();
        let mut value = 0u64;
        for i in 0..extra {
            value |= u64::from(self.byte()?) << (8 * i);
        }
        if extra < 7 {
            let high = u64::from(first) & ((1 << (7 - extra)) - 1);
            value |= high << (8 * extra);
        }
        Some(value)
    }

    fn count(&mut self) -> Option<usize> {
        let count = self.number().map(size)?;
        (count <= COUNT_MAX.min(self.rest.len())).then_some(count)
    }

    fn bits(&mut self, count: usize) -> Option<Vec<bool>> {
        let bytes = self.take(count.div_ceil(8))?;
        Some((0..count).map(|i| bytes.get(i / 8).is_some_and(|b| b << (i % 8) & 0x80 != 0)).collect())
    }

    /// A bit for each, or a byte that says that all are set.
    fn all_or_bits(&mut self, count: usize) -> Option<Vec<bool>> {
        if self.byte()? != 0 { Some(vec![true; count]) } else { self.bits(count) }
    }

    fn checksums(&mut self, count: usize) -> Option<Vec<Option<u32>>> {
        let defined = self.all_or_bits(count)?;
        defined
            .into_iter()
            .map(|d| if d { self.take(4).and_then(|b| le32(b, 0)).map(Some) } else { Some(None) })
            .collect()
    }
}

pub(super) fn parse(bytes: &[u8]) -> Option<Header> {
    let mut c = Cursor { rest: bytes };
    match c.byte()? {
        0x17 => {
            let mut folders = streams(&mut c)?;
            if folders.is_empty() {
                return None;
            }
            Some(Header::Packed { folder: Box::new(folders.swap_remove(0)) })
        }
        1 => {
            let mut folders = Vec::new();
            let mut listed = Vec::new();
            loop {
                match c.number()? {
                    0 => return Some(Header::Plain { folders, files: listed }),
                    2 => {
                        while c.number()? != 0 {
                            let len = c.count()?;
                            c.take(len)?;
                        }
                    }
                    3 => _ = streams(&mut c)?,
                    4 => folders = streams(&mut c)?,
                    5 => listed = files(&mut c)?,
                    _ => return None,
                }
            }
        }
        _ => None,
    }
}

/// Pack, coders and substreams information.
fn streams(c: &mut Cursor<'_>) -> Option<Vec<Folder>> {
    let mut packed_at = 32u64;
    let mut packed = Vec::new();
    let mut folders = Vec::new();
    loop {
        match c.number()? {
            0 => break,
            6 => {
                packed_at = packed_at.checked_add(c.number()?)?;
                packed = pack_sizes(c)?;
            }
            7 => folders = unpack_info(c)?,
            8 => substreams(c, &mut folders)?,
            _ => return None,
        }
    }
    let mut sizes = packed.into_iter();
    for folder in &mut folders {
        folder.packed_at = packed_at;
        for i in 0..folder.packed_count {
            let len = sizes.next()?;
            packed_at = packed_at.checked_add(len)?;
            if i == 0 {
                folder.packed_len = len;
            }
        }
        if folder.streams.is_empty() {
            folder.streams.push(Stream { len: folder.size(), crc: folder.crc });
        }
        folder.streams.retain(|s| s.len != u64::MAX);
    }
    Some(folders)
}

fn pack_sizes(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let count = c.count()?;
    let mut sizes = Vec::new();
    loop {
        match c.number()? {
            0 => return Some(sizes),
            9 => sizes = (0..count).map(|_| c.number()).collect::<Option<_>>()?,
            10 => _ = c.checksums(count)?,
            _ => return None,
        }
    }
}

fn unpack_info(c: &mut Cursor<'_>) -> Option<Vec<Folder>> {
    if c.number()? != 11 {
        return None;
    }
    let count = c.count()?;
    // What follows may be elsewhere, which no writer does.
    if c.byte()? != 0 {
        return None;
    }
    let mut folders = (0..count).map(|_| folder(c)).collect::<Option<Vec<_>>>()?;
    if c.number()? != 12 {
        return None;
    }
    for coder in folders.iter_mut().flat_map(|f| &mut f.coders) {
        coder.unpacked_len = c.number()?;
    }
    loop {
        match c.number()? {
            0 => return Some(folders),
            10 => {
                let sums = c.checksums(count)?;
                for (folder, crc) in folders.iter_mut().zip(sums) {
                    folder.crc = crc;
                }
            }
            _ => return None,
        }
    }
}

fn folder(c: &mut Cursor<'_>) -> Option<Folder> {
    let count = c.count().filter(|n| (1..=CODER_COUNT_MAX).contains(n))?;
    let mut folder = Folder::default();
    let (mut inputs, mut outputs) = (0, 0);
    for _ in 0..count {
        let flags = c.byte()?;
        let id = c.take(usize::from(flags & 0xf))?.to_vec();
        let (ins, outs) = if flags & 0x10 != 0 { (c.count()?, c.count()?) } else { (1, 1) };
        let len = if flags & 0x20 != 0 { c.count()? } else { 0 };
        let properties = c.take(len)?.to_vec();
        if ins > CODER_COUNT_MAX || outs != 1 {
            return None;
        }
        (inputs, outputs) = (inputs + ins, outputs + outs);
        folder.coders.push(Coder { id, properties, inputs: ins, unpacked_len: 0 });
    }
    let bound = outputs - 1;
    folder.bound = (0..bound).map(|_| Some((c.count()?, c.count()?))).collect::<Option<_>>()?;
    folder.packed_count = inputs.checked_sub(bound)?;
    if folder.packed_count > 1 {
        for _ in 0..folder.packed_count {
            c.number()?;
        }
    }
    Some(folder)
}

fn substreams(c: &mut Cursor<'_>, folders: &mut [Folder]) -> Option<()> {
    let mut counts = vec![1; folders.len()];
    let mut kind = c.number()?;
    if kind == 13 {
        for count in &mut counts {
            *count = c.count()?;
        }
        kind = c.number()?;
    }
    let total = counts
        .iter()
        .try_fold(0usize, |sum, n| sum.checked_add(*n))
        .filter(|n| *n <= COUNT_MAX.min(c.rest.len() + folders.len()))?;
    let sized = kind == 9;
    for (folder, &count) in folders.iter_mut().zip(&counts) {
        let mut left = folder.size();
        for i in 0..count {
            let len = if i + 1 == count {
                left
            } else if sized {
                c.number()?
            } else {
                0
            };
            left = left.checked_sub(len)?;
            folder.streams.push(Stream { len, crc: None });
        }
        if count == 0 {
            // Marks that there is none; dropped by the caller.
            folder.streams.push(Stream { len: u64::MAX, crc: None });
        }
    }
    if sized {
        kind = c.number()?;
    }
    let known = |f: &Folder| f.streams.len() == 1 && f.crc.is_some();
    while kind != 0 {
        if kind != 10 {
            return None;
        }
        let unknown = folders.iter().zip(&counts).filter(|(f, _)| !known(f)).map(|(_, n)| *n).sum::<usize>();
        let mut sums = c.checksums(unknown.min(total))?.into_iter();
        for (folder, &count) in folders.iter_mut().zip(&counts) {
            if known(folder) {
                continue;
            }
            for stream in folder.streams.iter_mut().take(count) {
                stream.crc = sums.next().flatten();
            }
        }
        kind = c.number()?;
    }
    for folder in folders.iter_mut().filter(|f| known(f)) {
        let crc = folder.crc;
        for stream in &mut folder.streams {
            stream.crc = crc;
        }
    }
    Some(())
}

fn files(c: &mut Cursor<'_>) -> Option<Vec<File>> {
    let count = c.count()?;
    let mut files = vec![File { name: Vec::new(), has_stream: true, is_directory: false }; count];
    let mut empty = Vec::new();
    loop {
        let kind = c.number()?;
        if kind == 0 {
            return Some(files);
        }
        let len = c.count()?;
        let mut p = Cursor { rest: c.take(len)? };
        match kind {
            14 => {
                empty = p.bits(count)?;
                for (file, &is_empty) in files.iter_mut().zip(&empty) {
                    (file.has_stream, file.is_directory) = (!is_empty, is_empty);
                }
            }
            15 => {
                let flags = p.bits(empty.iter().filter(|e| **e).count())?;
                for (file, flag) in files.iter_mut().filter(|f| !f.has_stream).zip(flags) {
                    file.is_directory = !flag;
                }
            }
            17 => {
                p.byte()?;
                let (units, _) = p.rest.as_chunks::<2>();
                let units: Vec<u16> = units.iter().map(|u| u16::from_le_bytes(*u)).collect();
                for (file, name) in files.iter_mut().zip(units.split(|&u| u == 0)) {
                    file.name = String::from_utf16_lossy(name).into_bytes();
                }
            }
            _ => {}
        }
    }
}

/// Parameters of AES: rounds as a power of two, salt, initialisation vector.
pub(super) fn aes_properties(properties: &[u8]) -> Option<(u32, Vec<u8>, [u8; 16])> {
    let mut c = Cursor { rest: properties };
    let first = c.byte()?;
    let second = if first & 0xc0 != 0 { c.byte()? } else { 0 };
    let salt_len = usize::from(first >> 7) + usize::from(second >> 4);
    let iv_len = usize::from(first >> 6 & 1) + usize::from(second & 0xf);
    let salt = c.take(salt_len)?.to_vec();
    let mut iv = [0; 16];
    for (to, from) in iv.iter_mut().zip(c.take(iv_len)?) {
        *to = *from;
    }
    Some((u32::from(first & 0x3f), salt, iv))
}

/// LZMA's properties as the header of a `.lzma` file of known length.
pub(super) fn lzma_prefix(properties: &[u8], len: u64) -> Vec<u8> {
    let mut prefix = properties.get(..5).unwrap_or(properties).to_vec();
    prefix.extend(len.to_le_bytes());
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_numbers() {
        let number = |bytes: &[u8]| Cursor { rest: bytes }.number();
        assert_eq!(number(&[0x7f]), Some(0x7f));
        assert_eq!(number(&[0x81, 0x23]), Some(0x123));
        assert_eq!(number(&[0xc1, 0x23, 0x45]), Some(0x14523));
        assert_eq!(number(&[0xff, 1, 0, 0, 0, 0, 0, 0, 0x80]), Some(0x8000_0000_0000_0001));
        assert_eq!(number(&[0x81]), None);
    }

    #[test]
    fn parses_parameters_of_aes() {
        let (power, salt, iv) = aes_properties(&[0x53, 0x01, 7, 8]).unwrap();
        assert_eq!((power, salt.len(), iv[..3].to_vec()), (19, 0, vec![7, 8, 0]));
        assert!(aes_properties(&[0xff]).is_none());
    }

    #[test]
    fn rejects_damage() {
        assert!(parse(&[]).is_none());
        assert!(parse(&[1, 4, 6, 0xff]).is_none());
        assert!(parse(&[0x17, 0]).is_none());
        assert!(parse(&[1, 5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_none());
    }
}
