//! Bombs, made by hand; also for the tests of the command.

/// A gzip member or zlib stream of stored and repeated zeros would need a compressor; deflate's fixed codes are easy enough by
/// hand: a literal zero, then matches of 258 at distance 1.
pub struct Deflate {
    out: Vec<u8>,
    acc: u64,
    have: u32,
}

impl Deflate {
    fn new() -> Self {
        Self { out: Vec::new(), acc: 0, have: 0 }
    }

    fn bits(&mut self, value: u64, count: u32) {
        self.acc |= value << self.have;
        self.have += count;
        while self.have >= 8 {
            self.out.push(self.acc as u8);
            self.acc >>= 8;
            self.have -= 8;
        }
    }

    /// `len` zeros in one block of dynamic codes: literal 0, length 258 and end have codes of one and two bits.
    pub fn zeros(len: u64) -> Vec<u8> {
        let mut d = Self::new();
        d.bits(1, 1);
        d.bits(2, 2);
        // 286 literal codes, 1 distance code, 19 code length codes.
        d.bits(29, 5);
        d.bits(0, 5);
        d.bits(15, 4);
        // Lengths of the code length alphabet in its order: 18, 1 and 2 are used, with two bits each (18, 1) and one (2)…
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        for symbol in order {
            d.bits(
                match symbol {
                    18 => 1,
                    1 => 2,
                    2 => 2,
                    _ => 0,
                },
                3,
            );
        }
        // Canonical codes: 18 is 0; 1 is 10; 2 is 11; written with their first bit first.
        let skip = |d: &mut Self, n: u64| {
            d.bits(0, 1);
            d.bits(n - 11, 7);
        };
        d.bits(0b11, 2); // literal 0: length 2
        skip(&mut d, 138);
        skip(&mut d, 117);
        d.bits(0b11, 2); // end: length 2
        skip(&mut d, 28);
        d.bits(0b01, 2); // 285 (258 bytes): length 1
        d.bits(0b01, 2); // distance 1: length 1
        // Codes: 285 is 0; literal 0 is 10; end is 11.
        let mut left = len;
        while left > 0 {
            if left >= 258 && left < len {
                d.bits(0, 1);
                d.bits(0, 1);
                left -= 258;
            } else {
                d.bits(0b01, 2);
                left -= 1;
            }
        }
        d.bits(0b11, 2);
        d.bits(0, 7);
        d.out
    }
}

pub fn gzip(len: u64) -> Vec<u8> {
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
    out.extend(Deflate::zeros(len));
    out.extend([0; 8]);
    out
}

pub fn stored_zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend(crc32(content).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend([b"PK\x01\x02\x14\0", common.as_slice(), &[0; 10]].concat());
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend([b"PK\x03\x04", common.as_slice(), name.as_bytes(), content].concat());
    }
    let at = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend((members.len() as u16).to_le_bytes());
    out.extend((members.len() as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, b| {
        (0..8).fold(crc ^ u32::from(*b), |c, _| c >> 1 ^ (0xedb8_8320 & (c & 1).wrapping_neg()))
    })
}

pub fn tar_header(name: &str, len: usize) -> Vec<u8> {
    let mut h = vec![0u8; 512];
    h[..name.len()].copy_from_slice(name.as_bytes());
    h[124..135].copy_from_slice(format!("{len:011o}").as_bytes());
    h[156] = b'0';
    h[148..156].fill(b' ');
    let sum: u32 = h.iter().map(|&b| u32::from(b)).sum();
    h[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    h
}

/// As 42.zip: zips of equal zips, and a gzip bomb in the innermost.
pub fn zips_of_equal_zips() -> Vec<u8> {
    // 42.zip: sixteen equal members, level by level.
    let mut bomb = stored_zip(&[("zeros.gz", &gzip(20 << 20))]);
    for _ in 0..5 {
        let names: Vec<String> = (0..16).map(|i| format!("lib {i}.zip")).collect();
        let members: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), bomb.as_slice())).collect();
        bomb = stored_zip(&members);
        // Stored they would grow beyond any test.
        if bomb.len() > 4 << 20 {
            break;
        }
    }
    bomb
}

/// 60,000 members of 1 MiB that are all the same bytes.
pub fn overlapping_zip() -> Vec<u8> {
    // All entries of the directory point to the one local header.
    let content = vec![7u8; 1 << 20];
    let one = stored_zip(&[("a", &content)]);
    let directory_at = 31 + content.len();
    let entry = one[directory_at..directory_at + 47].to_vec();
    let mut zip = one[..directory_at].to_vec();
    let count = 60_000u16;
    for _ in 0..count {
        zip.extend(&entry);
    }
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend(count.to_le_bytes());
    zip.extend(count.to_le_bytes());
    zip.extend((u32::from(count) * 47).to_le_bytes());
    zip.extend((directory_at as u32).to_le_bytes());
    zip.extend([0, 0]);
    zip
}

/// A tar in a tar, a thousand times.
pub fn thousand_levels() -> Vec<u8> {
    let mut tar = b"the innermost\n".to_vec();
    for i in 0..1000 {
        let mut outer = tar_header(&format!("{i}.tar"), tar.len());
        outer.extend(&tar);
        outer.resize(outer.len().next_multiple_of(512), 0);
        tar = outer;
    }
    tar
}

/// An image whose only file is the image.
pub fn quine() -> Vec<u8> {
    // Extents of ISO 9660 are places in the image, which may be its beginning.
    let record = |name: &[u8], sector: u32, len: u32, flags: u8| {
        let mut out = vec![0; 34 + name.len() / 2 * 2];
        out[0] = out.len() as u8;
        out[2..6].copy_from_slice(&sector.to_le_bytes());
        out[10..14].copy_from_slice(&len.to_le_bytes());
        out[25] = flags;
        out[32] = name.len() as u8;
        out[33..33 + name.len()].copy_from_slice(name);
        out
    };
    let mut iso = vec![0; 20 * 2048];
    let len = iso.len() as u32;
    let mut put = |at: usize, bytes: &[u8]| iso[at..at + bytes.len()].copy_from_slice(bytes);
    put(16 * 2048, b"\x01CD001\x01");
    put(16 * 2048 + 156, &record(&[0], 18, 2048, 2));
    put(17 * 2048, b"\xffCD001\x01");
    put(18 * 2048, &record(b"A.ISO;1", 0, len, 0));
    iso
}

/// A picture whose text is 100 MiB.
pub fn png() -> Vec<u8> {
    let zeros = [b"\x78\x9c".to_vec(), Deflate::zeros(100 << 20), vec![0; 4]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU".to_vec();
    png.extend((zeros.len() as u32 + 2).to_be_bytes());
    png.extend(b"zTXtk\0\0");
    png.pop();
    png.extend([0]);
    png.extend(&zeros);
    png.extend([0; 4]);
    png
}

/// A document with ten streams of 100 MiB.
pub fn pdf() -> Vec<u8> {
    let zeros = [b"\x78\x9c".to_vec(), Deflate::zeros(100 << 20), vec![0; 4]].concat();
    let mut pdf = b"%PDF-1.4\n".to_vec();
    for i in 0..10 {
        pdf.extend(format!("{i} 0 obj\n<</Length {}/Filter/FlateDecode>>\nstream\n", zeros.len()).as_bytes());
        pdf.extend(&zeros);
        pdf.extend(b"\nendstream\nendobj\n");
    }
    pdf
}
