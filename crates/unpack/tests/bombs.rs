//! Bombs: each must end within its budget, and say why. Memory and time are held by what the budget counts: bytes unpacked,
//! members, units of work.

use sekisho_unpack::{Anomaly, Budget, Completeness, Content, Cut, Limits, Spool, Spooled, Tree, Unpacker};
use std::cell::Cell;
use std::rc::Rc;

#[path = "kit/bombs.rs"]
mod kit;

use kit::{gzip, tar_header};

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
    let bomb = kit::zips_of_equal_zips();
    let (tree, budget) = unpack(&bomb, Limits::default());
    within(&budget);
    assert!(tree.nodes.len() < 100, "{}", tree.nodes.len());
    assert!(tree.nodes.iter().filter(|n| n.same_as.is_some()).count() >= 30);
    assert!(cuts(&tree).contains(&Cut::Ratio));
}

#[test]
fn overlapping_members_of_a_zip() {
    let zip = kit::overlapping_zip();
    let limits = Limits { total_len: 64 << 20, ..Limits::default() };
    let (tree, budget) = unpack(&zip, limits);
    within(&budget);
    assert!(tree.nodes[0].anomalies.contains(&Anomaly::Odd("zip: overlapping members")));
    assert!(cuts(&tree).contains(&Cut::Total));
}

#[test]
fn a_thousand_levels() {
    let tar = kit::thousand_levels();
    let (tree, budget) = unpack(&tar, Limits::default());
    within(&budget);
    assert_eq!(tree.nodes.len(), 33, "the outermost and 32 levels");
    assert_eq!(tree.nodes[32].anomalies, [Anomaly::Cut(Cut::Depth)]);
}

#[test]
fn a_quine() {
    let iso = kit::quine();
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
    let (png, pdf) = (kit::png(), kit::pdf());
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
