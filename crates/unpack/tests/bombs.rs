//! Bombs: each must end within its budget, and say why. Memory and time are held by what the budget counts: bytes unpacked,
//! members, units of work.

use sekisho_unpack::{Anomaly, Budget, Completeness, Content, Cut, Limits, Spool, Spooled, Tree, Unpacker};
use std::cell::Cell;
use std::rc::Rc;

/// A gzip member or zlib stream of stored and repeated zeros would need a compressor; deflate's fixed codes are easy enough by
/// hand: a literal zero, then matches of 258 at distance 1.
struct Deflate {
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
    fn zeros(len: u64) -> Vec<u8> {
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

fn gzip(len: u64) -> Vec<u8> {
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
    out.extend(Deflate::zeros(len));
    out.extend([0; 8]);
    out
}

fn unpack(bytes: &[u8], limits: Limits) -> (Tree, Budget) {
    let mut tree = Tree::default();
    let mut budget = Budget::new(limits);
    Unpacker::new(&mut budget).run(Content::from_bytes(bytes), b"bomb", &mut tree);
    (tree, budget)
}

fn cuts(tree: &Tree) -> Vec<Cut> {
    tree.anomalies().filter_map(|(_, a)| if let Anomaly::Cut(cut) = a { Some(cut) } else { None }).collect()
}

/// What every bomb must keep to.
fn within(budget: &Budget) {
    let limits = budget.limits();
    assert!(budget.total_len() <= limits.total_len, "{budget:?}");
    assert!(budget.members() <= limits.members, "{budget:?}");
    println!("{} members, {} bytes, {} units of work", budget.members(), budget.total_len(), budget.work_done());
}

fn stored_zip(members: &[(&str, &[u8])]) -> Vec<u8> {
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

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, b| {
        (0..8).fold(crc ^ u32::from(*b), |c, _| c >> 1 ^ (0xedb8_8320 & (c & 1).wrapping_neg()))
    })
}

fn tar_header(name: &str, len: usize) -> Vec<u8> {
    let mut h = vec![0u8; 512];
    h[..name.len()].copy_from_slice(name.as_bytes());
    h[124..135].copy_from_slice(format!("{len:011o}").as_bytes());
    h[156] = b'0';
    h[148..156].fill(b' ');
    let sum: u32 = h.iter().map(|&b| u32::from(b)).sum();
    h[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    h
}

/// A content that is made while it is read: no test needs its 10 GB.
struct Generated {
    head: Vec<u8>,
    reads: Rc<Cell<u64>>,
}

impl Spooled for Generated {
    fn append(&mut self, _: &[u8]) -> bool {
        false
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> usize {
        self.reads.set(self.reads.get() + buf.len() as u64);
        for (i, byte) in buf.iter_mut().enumerate() {
            // Zeros in deflate's stream are matches of 258.
            *byte = usize::try_from(at).ok().and_then(|at| self.head.get(at + i)).copied().unwrap_or(0);
        }
        buf.len()
    }
}

#[test]
fn ten_gigabytes_of_zeros() {
    // The beginning of the stream; what follows are zeros, each bit a half of a match.
    let head = gzip(1 << 20);
    let head = head[..60].to_vec();
    let reads = Rc::new(Cell::new(0));
    let packed_len = 10_u64 << 30 >> 10;
    let content = Content::from_spooled(Box::new(Generated { head, reads: reads.clone() }), packed_len);
    let (mut tree, mut budget) = (Tree::default(), Budget::default());
    Unpacker::new(&mut budget).run(content, b"zeros.gz", &mut tree);
    within(&budget);
    assert_eq!(tree.nodes[1].completeness, Completeness::Budget(Cut::Ratio));
    assert!(tree.nodes[1].len <= 64 << 20, "{}", tree.nodes[1].len);
    assert!(reads.get() < 20 << 20, "no more is read than is wanted: {}", reads.get());
    assert_eq!(cuts(&tree), [Cut::Ratio]);
}

/// A spool that only counts.
struct Counting(Rc<Cell<u64>>);

impl Spool for Counting {
    fn create(&mut self) -> Option<Box<dyn Spooled>> {
        Some(Box::new(Counting(self.0.clone())))
    }
}

impl Spooled for Counting {
    fn append(&mut self, bytes: &[u8]) -> bool {
        self.0.set(self.0.get() + bytes.len() as u64);
        true
    }

    fn read_at(&self, _: u64, buf: &mut [u8]) -> usize {
        buf.len()
    }
}

#[test]
fn without_a_ratio_the_members_length_ends_it() {
    let bomb = gzip(200 << 20);
    let limits = Limits { ratio: u64::MAX, member_len: 100 << 20, ..Limits::default() };
    let spooled = Rc::new(Cell::new(0));
    let (mut tree, mut budget) = (Tree::default(), Budget::new(limits));
    let mut spool = Counting(spooled.clone());
    Unpacker::new(&mut budget).spool(&mut spool).run(Content::from_bytes(&bomb), b"", &mut tree);
    assert_eq!(tree.nodes[1].completeness, Completeness::Budget(Cut::Member));
    assert_eq!((tree.nodes[1].len, spooled.get()), (100 << 20, 100 << 20));
    let (tree, _) = unpack(&bomb, limits);
    assert_eq!(tree.nodes[1].completeness, Completeness::Budget(Cut::Memory), "no spool");
    assert!(tree.nodes[1].len <= 32 << 20);
}

#[test]
fn a_tar_of_a_million_members() {
    // Only the headers: 512 MB are generated where they are read.
    struct Million(Vec<u8>);
    impl Spooled for Million {
        fn append(&mut self, _: &[u8]) -> bool {
            false
        }
        fn read_at(&self, at: u64, buf: &mut [u8]) -> usize {
            let (mut start, mut rest) = (usize::try_from(at % 512).unwrap(), &mut *buf);
            while !rest.is_empty() {
                let now = rest.len().min(512 - start);
                rest[..now].copy_from_slice(&self.0[start..start + now]);
                (start, rest) = (0, &mut rest[now..]);
            }
            buf.len()
        }
    }
    let content = Content::from_spooled(Box::new(Million(tar_header("a", 0))), 512_000_000);
    let (mut tree, mut budget) = (Tree::default(), Budget::default());
    Unpacker::new(&mut budget).run(content, b"", &mut tree);
    within(&budget);
    assert_eq!(tree.nodes.len(), 100_001);
    assert_eq!(tree.nodes[0].anomalies, [Anomaly::Cut(Cut::Members)]);
}

#[test]
fn zips_of_equal_zips_are_opened_once() {
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
    let (tree, budget) = unpack(&bomb, Limits::default());
    within(&budget);
    assert!(tree.nodes.len() < 100, "{}", tree.nodes.len());
    assert!(tree.nodes.iter().filter(|n| n.same_as.is_some()).count() >= 30);
    assert!(cuts(&tree).contains(&Cut::Ratio));
}

#[test]
fn overlapping_members_of_a_zip() {
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
    let limits = Limits { total_len: 64 << 20, ..Limits::default() };
    let (tree, budget) = unpack(&zip, limits);
    within(&budget);
    assert!(tree.nodes[0].anomalies.contains(&Anomaly::Odd("zip: overlapping members")));
    assert!(cuts(&tree).contains(&Cut::Total));
}

#[test]
fn a_thousand_levels() {
    let mut tar = b"the innermost\n".to_vec();
    for i in 0..1000 {
        let mut outer = tar_header(&format!("{i}.tar"), tar.len());
        outer.extend(&tar);
        outer.resize(outer.len().next_multiple_of(512), 0);
        tar = outer;
    }
    let (tree, budget) = unpack(&tar, Limits::default());
    within(&budget);
    assert_eq!(tree.nodes.len(), 33, "the outermost and 32 levels");
    assert_eq!(tree.nodes[32].anomalies, [Anomaly::Cut(Cut::Depth)]);
}

#[test]
fn a_quine() {
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
    let (tree, budget) = unpack(&iso, Limits::default());
    within(&budget);
    assert_eq!(tree.nodes.len(), 2);
    assert_eq!(tree.nodes[1].anomalies, [Anomaly::Quine]);
}

#[test]
fn a_tar_that_goes_on_like_itself() {
    struct Itself;
    impl Spooled for Itself {
        fn append(&mut self, _: &[u8]) -> bool {
            false
        }
        /// A tar header every 512 bytes: what is behind the first begins as the whole does.
        fn read_at(&self, at: u64, buf: &mut [u8]) -> usize {
            let header = tar_header("a", 1 << 32);
            let start = usize::try_from(at % 512).unwrap();
            for (i, byte) in buf.iter_mut().enumerate() {
                *byte = header[(start + i) % 512];
            }
            buf.len()
        }
    }
    let content = Content::from_spooled(Box::new(Itself), 1 << 20);
    let (mut tree, mut budget) = (Tree::default(), Budget::default());
    Unpacker::new(&mut budget).run(content, b"", &mut tree);
    within(&budget);
    assert!(cuts(&tree).contains(&Cut::Depth));
    assert!(tree.nodes.len() <= 34);
}

#[test]
fn pictures_and_documents() {
    let zeros = [b"\x78\x9c".to_vec(), Deflate::zeros(100 << 20), vec![0; 4]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU".to_vec();
    png.extend((zeros.len() as u32 + 2).to_be_bytes());
    png.extend(b"zTXtk\0\0");
    png.pop();
    png.extend([0]);
    png.extend(&zeros);
    png.extend([0; 4]);
    let mut pdf = b"%PDF-1.4\n".to_vec();
    for i in 0..10 {
        pdf.extend(format!("{i} 0 obj\n<</Length {}/Filter/FlateDecode>>\nstream\n", zeros.len()).as_bytes());
        pdf.extend(&zeros);
        pdf.extend(b"\nendstream\nendobj\n");
    }
    for bomb in [png, pdf] {
        let (tree, budget) = unpack(&bomb, Limits::default());
        within(&budget);
        assert!(cuts(&tree).contains(&Cut::Ratio));
    }
}

#[test]
fn results_do_not_depend_on_the_machine() {
    let bomb = gzip(300 << 20);
    let limits = Limits { work: 50 << 20, ratio: u64::MAX, ..Limits::default() };
    let (first, a) = unpack(&bomb, limits);
    let (second, b) = unpack(&bomb, limits);
    assert_eq!(first.nodes[1].completeness, Completeness::Budget(Cut::Work));
    assert_eq!((first.nodes[1].len, a.work_done()), (second.nodes[1].len, b.work_done()));
}
