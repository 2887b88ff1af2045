use super::build::*;
use super::{all, read, read_whole};
use crate::{Captures, DamageKind, Packing};
use std::io::{Read, Write};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};
    let mut out = FrameEncoder::with_frame_info(FrameInfo::new().block_size(BlockSize::Max64KB), Vec::new());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut out = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

type Pack = fn(&[u8]) -> Vec<u8>;
const ALL: [(Packing, Pack); 4] =
    [(Packing::Gzip, gzip), (Packing::Lz4, lz4), (Packing::Xz, xz), (Packing::Zstd, zstd)];

/// A capture of packets that don't shrink much, so that cuts fall everywhere.
fn noisy() -> Vec<u8> {
    let mut file = pcap_header(End::Little, 0xa1b2_c3d4, (2, 4), 65535, 1);
    let mut seed = 1u32;
    for n in 0..400 {
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        let data: Vec<u8> = (0..500).map(|_| noise()).collect();
        file.extend(record(End::Little, n, 0, &data, 500, &[]));
    }
    file
}

#[test]
fn unpacks_all_kinds() {
    let file = noisy();
    let (plain, _) = read_whole(&file);
    for (packing, pack) in ALL {
        let (got, info) = read_whole(&pack(&file));
        assert_eq!(info.packing, packing);
        assert_eq!(got, plain, "{packing}");
    }
}

#[test]
fn unpacks_many_members() {
    let file = noisy();
    let (plain, _) = read_whole(&file);
    let third = file.len() / 3;
    for (packing, pack) in ALL {
        let parts = [pack(&file[..third]), pack(&file[third..third + 1]), pack(&file[third + 1..])].concat();
        assert_eq!(read_whole(&parts).0, plain, "{packing}");
    }
    let other = {
        let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
        out.write_all(&file[third..]).unwrap();
        out.finish().unwrap()
    };
    assert_eq!(read_whole(&[lz4(&file[..third]), other].concat()).0, plain, "lz4 of two block sizes");
    let skipped = [&[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd(&file)].concat();
    assert_eq!(read_whole(&skipped).0, plain);
}

#[test]
fn a_cut_gives_what_came_before() {
    let file = noisy();
    let (plain, _) = read_whole(&file);
    for (packing, pack) in ALL {
        let packed = pack(&file);
        let mut most = 0;
        for tenth in 0..10 {
            let (got, info) = read(&packed[..packed.len() * tenth / 10]);
            assert_eq!(got, plain[..got.len()], "{packing}");
            assert!(got.len() >= most);
            most = got.len();
            let damage = info.damage.expect("damage");
            let fits = match damage.kind {
                DamageKind::Packing(p, _) => p == packing,
                DamageKind::CutOff => tenth > 0,
                DamageKind::Empty => tenth == 0,
                _ => false,
            };
            assert!(fits, "{packing} at {tenth}/10: {damage}");
        }
        // Block formats lose at most their last block; streams nearly nothing.
        let least = if matches!(packing, Packing::Gzip | Packing::Xz) { 350 } else { 100 };
        assert!(most >= least, "{packing}: {most}");
    }
}

#[test]
fn no_packed_change_panics() {
    let file = simple_pcap(&[(1, 1), (2, 2), (3, 3)]);
    for (_, pack) in ALL {
        let packed = pack(&file);
        for at in 0..packed.len() {
            let mut bad = packed.clone();
            bad[at] ^= 0x55;
            crate::fuzz_capture(&bad);
            crate::fuzz_capture(&packed[..at]);
        }
    }
}

#[test]
fn reads_from_trickling_pipes() {
    struct Trickle(std::io::Cursor<Vec<u8>>);
    impl Read for Trickle {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let n = to.len().min(3);
            self.0.read(&mut to[..n])
        }
    }
    let file = simple_pcap(&[(1, 1), (2, 2)]);
    let (plain, _) = read_whole(&file);
    for packed in [file.clone(), gzip(&file), xz(&file), zstd(&file), lz4(&file)] {
        let mut captures = Captures::from_reader("pipe", Trickle(std::io::Cursor::new(packed)));
        assert_eq!(all(&mut captures), plain);
        assert_eq!(captures.infos()[0].damage, None);
    }
}
