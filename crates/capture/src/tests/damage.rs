use super::build::*;
use super::{read, read_whole};
use crate::{DamageKind, Packing, fuzz_capture};
use proptest::prelude::*;

fn damage(bytes: &[u8]) -> (usize, u64, DamageKind) {
    let (got, info) = read(bytes);
    let d = info.damage.expect("damage");
    (got.len(), d.offset, d.kind)
}

/// Every prefix gives a prefix of the frames, and damage unless it ends between records.
fn check_prefixes(file: &[u8], boundaries: &[usize]) {
    let (whole, _) = read_whole(file);
    for cut in 0..file.len() {
        let (got, info) = read(&file[..cut]);
        assert_eq!(got, whole[..got.len()], "cut at {cut}");
        let ended = whole.iter().filter(|g| (g.offset as usize) < cut).count();
        assert!(got.len() + 1 >= ended, "cut at {cut}");
        if boundaries.contains(&cut) {
            assert_eq!(info.damage, None, "cut at {cut}");
            assert_eq!(got.len(), ended);
        } else {
            let d = info.damage.expect("damage");
            let start = boundaries.iter().rev().find(|b| **b <= cut).copied().unwrap_or(0);
            assert_eq!(d.offset, start as u64, "cut at {cut}: {d}");
        }
    }
}

fn block_boundaries(file: &[u8]) -> Vec<usize> {
    let (mut at, mut all, mut end) = (0, Vec::new(), End::Little);
    while at < file.len() {
        if file[at..].starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            end = if file[at + 8] == 0x1a { End::Big } else { End::Little };
        }
        let len: [u8; 4] = file[at + 4..at + 8].try_into().unwrap();
        at += if end == End::Big { u32::from_be_bytes(len) } else { u32::from_le_bytes(len) } as usize;
        all.push(at);
    }
    all
}

#[test]
fn every_prefix_is_a_prefix() {
    let pcap = simple_pcap(&[(1, 1), (2, 2), (3, 3)]);
    check_prefixes(&pcap, &[24, 100, 176]);
    for end in BOTH {
        let rich = rich_pcapng(end);
        check_prefixes(&rich, &block_boundaries(&rich));
    }
}

#[test]
fn rejects_what_is_no_capture() {
    assert_eq!(damage(b""), (0, 0, DamageKind::Empty));
    assert_eq!(damage(b"hello, this is no capture at all"), (0, 0, DamageKind::NotACapture));
    assert_eq!(damage(b"x"), (0, 0, DamageKind::NotACapture));
    let old = pcap_header(End::Big, 0xa1b2_c3d4, (1, 0), 0, 1);
    assert_eq!(damage(&old), (0, 0, DamageKind::Version(1, 0)));
    assert_eq!(damage(&old[..20]).2, DamageKind::CutOff);
}

#[test]
fn rejects_impossible_lengths() {
    let mut file = simple_pcap(&[(1, 1), (2, 2)]);
    file.extend(End::Little.words(&[3, 0, crate::MAX_CAPTURED_LEN + 1, 60]));
    assert_eq!(damage(&file), (2, 176, DamageKind::CapturedLength(crate::MAX_CAPTURED_LEN + 1)));
    let end = End::Little;
    let start = [section(end, &[]), interface(end, 1, 0, &[]), enhanced(end, 0, 1, b"good", 4, &[])].concat();
    let at = start.len() as u64;
    for len in [0, 8, 11, 13, 14, crate::MAX_BLOCK_LEN * 2, u32::MAX] {
        let bad = [start.clone(), end.words(&[6, len, 0, 0, 0, 0, 0, 0])].concat();
        assert_eq!(damage(&bad), (1, at, DamageKind::BlockLength(len)));
    }
    // Captured length beyond the block, a block too short for its fields, lengths that differ.
    let long = block(end, 6, &end.words(&[0, 0, 0, 5, 5, 0]));
    assert_eq!(damage(&[start.clone(), long].concat()), (1, at, DamageKind::BlockLength(36)));
    let short = block(end, 6, &end.words(&[0, 0, 0]));
    assert_eq!(damage(&[start.clone(), short].concat()), (1, at, DamageKind::BlockLength(24)));
    let mut differ = enhanced(end, 0, 1, b"good", 4, &[]);
    *differ.last_mut().unwrap() ^= 1;
    assert!(matches!(damage(&[start.clone(), differ].concat()).2, DamageKind::BlockLengthsDiffer(..)));
    let mut order = section(end, &[]);
    order[9] ^= 1;
    assert_eq!(damage(&[start, order].concat()), (1, at, DamageKind::Section));
}

#[test]
fn limits_allow_long_messages() {
    let end = End::Little;
    let data = vec![5; 300_000];
    let mut file = pcap_header(end, 0xa1b2_c3d4, (2, 4), 0, 231);
    file.extend(record(end, 1, 0, &data, 300_000, &[]));
    file.extend(record(end, 2, 0, b"after", 5, &[]));
    let (got, _) = read_whole(&file);
    assert_eq!((got[0].data.len(), &got[1].data[..]), (300_000, &b"after"[..]));
}

#[test]
fn a_forged_length_costs_no_memory() {
    let mut file = pcap_header(End::Little, 0xa1b2_c3d4, (2, 4), 0, 231);
    file.extend(End::Little.words(&[1, 0, crate::MAX_MESSAGE_LEN, 60]));
    file.extend([0; 1000]);
    let mut captures = crate::Captures::from_bytes("forged", file);
    let mut batch = crate::Batch::new();
    assert!(!captures.fill(&mut batch));
    assert!(batch.bytes.len() <= 2 * crate::input::CHUNK_LEN);
    assert_eq!(captures.infos()[0].damage.as_ref().unwrap().kind, DamageKind::CutOff);
}

#[test]
fn tells_read_errors_as_they_are() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk on fire"))
        }
    }
    let file = std::io::Cursor::new(simple_pcap(&[(1, 1)]));
    let mut captures = crate::Captures::from_reader("broken", std::io::Read::chain(file, Broken));
    assert_eq!(super::all(&mut captures).len(), 1);
    let info = &captures.infos()[0];
    assert_eq!(info.packing, Packing::None);
    assert_eq!(info.damage.as_ref().unwrap().to_string(), "cannot read on: disk on fire at byte 100");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_capture(&bytes);
    }

    #[test]
    fn no_change_panics(
        rich in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = if rich { rich_pcapng(End::Little) } else { simple_pcap(&[(1, 1), (2, 2)]) };
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        fuzz_capture(&file);
    }
}
