use super::*;
use flate2::{Compression, write};
use std::io::Write as _;

mod vectors;

/// `N: the quick brown fox …` two hundred times: 9,690 bytes.
pub(crate) fn sample() -> Vec<u8> {
    (0..200).flat_map(|i| format!("{i}: the quick brown fox jumps over the lazy dog\n").into_bytes()).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter_map(|b| char::from(b).to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|p| p[0] << 4 | p[1]).collect()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut w = write::GzEncoder::new(Vec::new(), Compression::best());
    w.write_all(data).unwrap();
    w.finish().unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut w = write::ZlibEncoder::new(Vec::new(), Compression::default());
    w.write_all(data).unwrap();
    w.finish().unwrap()
}

fn raw(data: &[u8]) -> Vec<u8> {
    let mut w = write::DeflateEncoder::new(Vec::new(), Compression::default());
    w.write_all(data).unwrap();
    w.finish().unwrap()
}

fn bzip(data: &[u8]) -> Vec<u8> {
    let mut w = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    w.write_all(data).unwrap();
    w.finish().unwrap()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
}

/// `data` in stored meta-blocks (RFC 7932 §9.2): window 16, MLEN in four nibbles.
fn brotli_stored(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pending = (0u32, 0u32); // bits, count; the window's single 0 bit comes first
    let mut first = true;
    for chunk in data.chunks(65536) {
        let mut bits = u64::from(pending.0);
        let mut n = pending.1;
        if first {
            n += 1;
            first = false;
        }
        n += 1; // ISLAST 0
        n += 2; // MNIBBLES 0: four
        bits |= (chunk.len() as u64 - 1) << n;
        n += 16;
        bits |= 1 << n; // ISUNCOMPRESSED
        n += 1;
        let bytes = n.div_ceil(8);
        out.extend_from_slice(&bits.to_le_bytes()[..bytes as usize]);
        out.extend_from_slice(chunk);
        pending = (0, 0);
    }
    out.push(3); // ISLAST, ISLASTEMPTY
    out
}

/// `data` as `compress -b WIDTH` writes it; `gzip -d` reads it back.
fn compress(data: &[u8], width_max: u32) -> Vec<u8> {
    let mut out = vec![0x1f, 0x9d, 0x80 | width_max as u8];
    let mut table: std::collections::BTreeMap<Vec<u8>, u32> = (0..=255u8).map(|b| (vec![b], u32::from(b))).collect();
    let (mut bits, mut count, mut width, mut group, mut next) = (0u64, 0u32, 9u32, 0u32, 257u32);
    let mut put = |code: u32, len: u32, out: &mut Vec<u8>| {
        bits |= u64::from(code) << count;
        count += len;
        while count >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            count -= 8;
        }
        if len == 0 && count > 0 {
            out.push(bits as u8);
        }
    };
    let mut word: Vec<u8> = Vec::new();
    for &b in data {
        let mut longer = word.clone();
        longer.push(b);
        if table.contains_key(&longer) {
            word = longer;
            continue;
        }
        put(table[&word], width, &mut out);
        group += width;
        if next < 1 << width_max {
            if next >= 1 << width && width < width_max {
                for _ in 0..(width * 8 - group % (width * 8)) % (width * 8) {
                    put(0, 1, &mut out);
                }
                (group, width) = (0, width + 1);
            }
            table.insert(longer, next);
            next += 1;
        }
        word = vec![b];
    }
    put(table[&word], width, &mut out);
    put(0, 0, &mut out);
    out
}

/// `data` in independent LZ4 blocks of at most 64 KiB, with content size and checksums (zero: they aren't looked at).
fn lz4(data: &[u8]) -> Vec<u8> {
    let mut out = b"\x04\x22\x4d\x18\x7c\x40".to_vec();
    out.extend_from_slice(&(data.len() as u64).to_le_bytes());
    out.push(0);
    for chunk in data.chunks(65536) {
        let block = lz4_flex::block::compress(chunk);
        let (word, block) = if block.len() < chunk.len() {
            (block.len() as u32, block)
        } else {
            (chunk.len() as u32 | 1 << 31, chunk.to_vec())
        };
        out.extend_from_slice(&word.to_le_bytes());
        out.extend_from_slice(&block);
        out.extend_from_slice(&[0; 4]);
    }
    out.extend_from_slice(&[0; 8]);
    out
}

fn ppmd(data: &[u8]) -> (Coding, Vec<u8>) {
    let (order, memory_len) = (6, 1 << 20);
    let mut w = ppmd_rust::Ppmd7Encoder::new(Vec::new(), u32::from(order), memory_len).unwrap();
    w.write_all(data).unwrap();
    (Coding::Ppmd { order, memory_len, len: data.len() as u64 }, w.finish(false).unwrap())
}

#[test]
fn ppmd_is_decoded_at_its_end() {
    let plain = sample();
    let (coding, data) = ppmd(&plain);
    for size in [1, 7, 1000, data.len()] {
        let pieces: Vec<&[u8]> = data.chunks(size).collect();
        assert_eq!(decode(coding, Limits::default(), &pieces), (plain.clone(), Outcome::Progress, true), "by {size}");
    }
    let (made, _, whole) = decode(coding, Limits::default(), &[&data[..data.len() / 2]]);
    assert!(!whole && made.len() < plain.len() && made.len() > plain.len() / 4);
    assert!(plain.starts_with(&made[..made.len() * 9 / 10]), "but for what the missing bytes would decide");
    let little = Limits { memory_len: 1 << 20, ..Limits::default() };
    assert_eq!(decode(coding, little, &[&data]).1, Outcome::Stopped(Stop::OverMemory));
    let cut = Limits { output_len: 100, ..Limits::default() };
    assert_eq!(decode(coding, cut, &[&data]).0, plain[..100]);
}

#[test]
fn deflate64_has_its_own_lengths_and_distances() {
    // Fixed codes: 'a', then length code 285, which takes 16 more bits here (3 + 997), distance code 1.
    let mut bits: Vec<bool> = vec![true, true, false]; // Last block, fixed codes.
    let code =
        |bits: &mut Vec<bool>, value: u32, count: u32| bits.extend((0..count).rev().map(|i| value >> i & 1 == 1));
    code(&mut bits, 0x30 + u32::from(b'a'), 8);
    code(&mut bits, 0b1100_0000 + 285 - 280, 8);
    bits.extend((0..16).map(|i| 997u32 >> i & 1 == 1));
    code(&mut bits, 0, 5);
    code(&mut bits, 0, 7);
    let data: Vec<u8> = bits.chunks(8).map(|c| c.iter().rev().fold(0, |b, &bit| b << 1 | u8::from(bit))).collect();
    for size in [1, 2, 3, 100] {
        let pieces: Vec<&[u8]> = data.chunks(size).collect();
        let (made, outcome, whole) = decode(Coding::Deflate64, Limits::default(), &pieces);
        assert_eq!((made.len(), made.iter().all(|&b| b == b'a'), whole), (1001, true, true), "by {size}");
        assert_eq!(outcome, Outcome::Finished { trailing: 0 });
    }
    assert_eq!(decode(Coding::Deflate64, Limits::default(), &[&[7; 9]]).1, Outcome::Stopped(Stop::Corrupt));
}

/// Every coding with the sample in it.
fn streams() -> Vec<(Coding, Vec<u8>, Vec<u8>)> {
    let s = sample();
    let ten = b"XXXXXXXXXXYYYYYYYYYY".to_vec();
    vec![
        (Coding::Gzip, gzip(&s), s.clone()),
        (Coding::Zlib, zlib(&s), s.clone()),
        (Coding::RawDeflate, raw(&s), s.clone()),
        (Coding::Deflate, zlib(&s), s.clone()),
        (Coding::Deflate, raw(&s), s.clone()),
        (Coding::Bzip2, bzip(&s), s.clone()),
        (Coding::Zstd, zstd(&s), s.clone()),
        (Coding::Brotli, brotli_stored(&s), s.clone()),
        (Coding::Compress, compress(&s, 16), s.clone()),
        (Coding::Compress, compress(&s, 10), s.clone()),
        (Coding::Lz4, lz4(&s), s.clone()),
        (Coding::Lz4, unhex(vectors::LZ4), s.clone()),
        (Coding::Lzma, unhex(vectors::LZMA), s.clone()),
        (Coding::Xz, unhex(vectors::XZ), s.clone()),
        (Coding::Zstd, unhex(vectors::ZSTD), s),
        (Coding::Brotli, unhex("1b130000a4b0b2ea8147028a"), ten),
    ]
}

fn decode(coding: Coding, limits: Limits, pieces: &[&[u8]]) -> (Vec<u8>, Outcome, bool) {
    let mut out = Vec::new();
    let mut inflater = Inflater::new(coding, limits);
    let mut outcome = Outcome::Progress;
    for piece in pieces {
        outcome = inflater.push(piece, &mut |b| out.extend_from_slice(b));
    }
    let whole = inflater.finish(&mut |b| out.extend_from_slice(b));
    assert_eq!(inflater.output_len(), out.len() as u64);
    (out, outcome, whole)
}

#[test]
fn parses_every_coding_whole() {
    for (coding, data, plain) in streams() {
        let (out, outcome, whole) = decode(coding, Limits::default(), &[&data]);
        assert_eq!(outcome, Outcome::Finished { trailing: 0 }, "{coding:?}");
        assert!(out == plain && whole, "{coding:?}: {} of {}", out.len(), plain.len());
    }
}

#[test]
fn parses_every_coding_in_pieces() {
    for (coding, data, plain) in streams() {
        for size in [1, 2, 7, 64, 1000] {
            let pieces: Vec<&[u8]> = data.chunks(size).collect();
            let (out, outcome, whole) = decode(coding, Limits::default(), &pieces);
            assert_eq!(outcome, Outcome::Finished { trailing: 0 }, "{coding:?} by {size}");
            assert!(out == plain && whole, "{coding:?} by {size}");
        }
    }
}

#[test]
fn truncation_anywhere_gives_a_prefix() {
    for (coding, data, plain) in streams() {
        let mut longest = 0;
        for cut in (0..data.len()).step_by((data.len() / 300).max(1)) {
            let (out, outcome, whole) = decode(coding, Limits::default(), &[&data[..cut]]);
            assert!(plain.starts_with(&out), "{coding:?} cut at {cut}");
            assert!(!matches!(outcome, Outcome::Stopped(_)), "{coding:?} cut at {cut}: {outcome:?}");
            // compress has no end mark.
            assert!(!whole || coding == Coding::Compress, "{coding:?} cut at {cut}");
            longest = longest.max(out.len());
        }
        // bzip2 and a single zstd or lz4 block give nothing before the block is whole.
        let by_block = matches!(coding, Coding::Bzip2 | Coding::Lz4 | Coding::Xz | Coding::Zstd) || plain.len() < 100;
        assert!(by_block || longest * 10 > plain.len() * 9, "{coding:?}: {longest}");
    }
}

#[test]
fn tells_what_trails() {
    for (coding, mut data, plain) in streams() {
        if coding == Coding::Compress {
            continue;
        }
        data.extend_from_slice(b"\0tail");
        let (out, outcome, _) = decode(coding, Limits::default(), &[&data]);
        assert_eq!(outcome, Outcome::Finished { trailing: 5 }, "{coding:?}");
        assert_eq!(out, plain, "{coding:?}");
    }
}

#[test]
fn parses_several_members() {
    for (coding, data) in [
        (Coding::Gzip, [gzip(b"one "), gzip(b"two")].concat()),
        (Coding::Bzip2, [bzip(b"one "), bzip(b"two")].concat()),
        (Coding::Lz4, [lz4(b"one "), b"\x5f\x2a\x4d\x18\x02\0\0\0xy".to_vec(), lz4(b"two")].concat()),
        (Coding::Zstd, [zstd(b"one "), b"\x50\x2a\x4d\x18\x03\0\0\0xyz".to_vec(), zstd(b"two")].concat()),
    ] {
        for size in [1, 5, data.len()] {
            let pieces: Vec<&[u8]> = data.chunks(size).collect();
            let (out, outcome, whole) = decode(coding, Limits::default(), &pieces);
            assert_eq!(out, b"one two", "{coding:?}");
            assert!(whole && outcome == Outcome::Finished { trailing: 0 }, "{coding:?}: {outcome:?}");
        }
    }
}

#[test]
fn limits_output_exactly() {
    for (coding, data, plain) in streams() {
        let limits = Limits { output_len: 7, ..Limits::default() };
        let (out, outcome, whole) = decode(coding, limits, &[&data]);
        assert_eq!((out.as_slice(), outcome), (&plain[..7], Outcome::Stopped(Stop::OverOutput)), "{coding:?}");
        assert!(!whole);
        let limits = Limits { output_len: plain.len() as u64, ..Limits::default() };
        let (_, outcome, whole) = decode(coding, limits, &[&data]);
        assert!(whole && outcome == Outcome::Finished { trailing: 0 }, "{coding:?}");
    }
}

#[test]
fn limits_bombs_by_ratio() {
    let zeros = vec![0u8; 4 << 20];
    for (coding, data) in [
        (Coding::Gzip, gzip(&zeros)),
        (Coding::Deflate, raw(&zeros)),
        (Coding::Bzip2, bzip(&zeros)),
        (Coding::Compress, compress(&zeros, 16)),
        (Coding::Lz4, lz4(&zeros)),
        (Coding::Zstd, zstd(&zeros)),
    ] {
        let limits = Limits { ratio: 100, ratio_from_len: 1 << 20, ..Limits::default() };
        let (out, outcome, _) = decode(coding, limits, &[&data]);
        assert_eq!(outcome, Outcome::Stopped(Stop::OverRatio), "{coding:?}");
        assert!(out.len() < 3 << 20, "{coding:?}: {}", out.len());
    }
}

#[test]
fn limits_memory() {
    let limits = Limits { memory_len: 1 << 20, ..Limits::default() };
    // Window descriptor 0x70: 2^24 bytes.
    let (_, outcome, _) = decode(Coding::Zstd, limits, &[b"\x28\xb5\x2f\xfd\x00\x70\x01\0\0"]);
    assert_eq!(outcome, Outcome::Stopped(Stop::OverMemory));
    // WBITS 24.
    let (_, outcome, _) = decode(Coding::Brotli, limits, &[b"\x0f\x00\x00"]);
    assert_eq!(outcome, Outcome::Stopped(Stop::OverMemory));
}

#[test]
fn rejects_damage_once_and_for_all() {
    for coding in [
        Coding::Bzip2,
        Coding::Compress,
        Coding::Gzip,
        Coding::Lz4,
        Coding::Lzma,
        Coding::Xz,
        Coding::Zlib,
        Coding::Zstd,
    ] {
        let mut inflater = Inflater::new(coding, Limits::default());
        let mut out = |_: &[u8]| panic!("nothing to decode");
        assert_eq!(inflater.push(b"no such stream, surely", &mut out), Outcome::Stopped(Stop::Corrupt), "{coding:?}");
        assert_eq!(inflater.push(&gzip(b"x"), &mut out), Outcome::Stopped(Stop::Corrupt));
        assert_eq!(inflater.stopped(), Some(Stop::Corrupt));
        assert!(!inflater.finish(&mut out));
    }
}

/// A xorshift generator: enough for noise, and the same every time.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut x = seed | 1;
    let mut next = move || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}

const ALL: [Coding; 7] =
    [Coding::Brotli, Coding::Bzip2, Coding::Deflate, Coding::Gzip, Coding::RawDeflate, Coding::Zlib, Coding::Zstd];

#[test]
fn noise_never_panics() {
    let limits = Limits { output_len: 1 << 20, ..Limits::default() };
    for coding in ALL {
        for seed in 1..200 {
            let bytes = noise(seed, 300);
            decode(coding, limits, &bytes.chunks(1 + seed as usize % 50).collect::<Vec<_>>());
        }
    }
}

#[test]
fn flipped_bits_never_panic_and_any_split_agrees() {
    let limits = Limits { output_len: 1 << 20, ..Limits::default() };
    for (coding, data, _) in streams() {
        for (i, n) in noise(99, 200).into_iter().enumerate() {
            let mut bad = data.clone();
            let at = (i * 7919 + usize::from(n)) % bad.len();
            bad[at] ^= 1 << (n & 7);
            let whole = decode(coding, limits, &[&bad]).0;
            let pieces = decode(coding, limits, &bad.chunks(3).collect::<Vec<_>>()).0;
            let (a, b) = if whole.len() < pieces.len() { (&whole, &pieces) } else { (&pieces, &whole) };
            assert!(b.starts_with(a), "{coding:?} with byte {at} changed");
        }
    }
}

#[test]
fn noise_after_a_good_beginning_never_panics() {
    let limits = Limits { output_len: 1 << 20, ..Limits::default() };
    for (coding, data, _) in streams() {
        for seed in 1..100u64 {
            let keep = (seed as usize * 3) % data.len();
            let bytes = [&data[..keep], noise(seed, 2000).as_slice()].concat();
            decode(coding, limits, &[&bytes]);
        }
    }
}

#[test]
fn lzma_with_announced_size_needs_no_marker() {
    let mut data = unhex(vectors::LZMA);
    data[5..13].copy_from_slice(&1000u64.to_le_bytes());
    for size in [1, 16, data.len()] {
        let pieces: Vec<&[u8]> = data.chunks(size).collect();
        let (out, outcome, whole) = decode(Coding::Lzma, Limits::default(), &pieces);
        // The cut falls into a match, which a sound stream doesn't do, or between symbols.
        assert!(sample().starts_with(&out) && out.len() >= 900, "{}", out.len());
        assert_eq!(whole, matches!(outcome, Outcome::Finished { .. }));
    }
}

#[test]
fn xz_of_several_streams_with_padding() {
    let one = unhex(vectors::XZ);
    let data = [one.as_slice(), &[0; 8], one.as_slice()].concat();
    for size in [1, 5, data.len()] {
        let (out, outcome, whole) = decode(Coding::Xz, Limits::default(), &data.chunks(size).collect::<Vec<_>>());
        assert!(out == [sample(), sample()].concat() && whole && outcome == Outcome::Finished { trailing: 0 });
    }
}

#[test]
fn http_tokens_and_magics() {
    assert_eq!(Coding::from_http(b" X-GZIP "), Some(Coding::Gzip));
    assert_eq!(Coding::from_http(b"br"), Some(Coding::Brotli));
    assert_eq!(Coding::from_http(b"identity"), None);
    assert_eq!(Coding::from_magic(&gzip(b"")), Some(Coding::Gzip));
    assert_eq!(Coding::from_magic(&zstd(b"")), Some(Coding::Zstd));
    assert_eq!(Coding::from_magic(&bzip(b"")), Some(Coding::Bzip2));
    assert_eq!(Coding::from_magic(&unhex(vectors::XZ)), Some(Coding::Xz));
    assert_eq!(Coding::from_magic(&lz4(b"")), Some(Coding::Lz4));
    assert_eq!(Coding::from_http(b"x-compress"), Some(Coding::Compress));
    assert_eq!(Coding::from_magic(b"BZ"), None);
}

/// Blocks as a cabinet has them; each refers to the one before.
fn mszip(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut previous: &[u8] = &[];
    for block in data.chunks(32 << 10) {
        let mut deflate = flate2::Compress::new(Compression::best(), false);
        if !previous.is_empty() {
            deflate.set_dictionary(previous).unwrap();
        }
        let mut packed = Vec::with_capacity(40 << 10);
        deflate.compress_vec(block, &mut packed, flate2::FlushCompress::Finish).unwrap();
        out.extend([0; 4]);
        out.extend((packed.len() as u16 + 2).to_le_bytes());
        out.extend((block.len() as u16).to_le_bytes());
        out.extend(b"CK");
        out.extend(packed);
        previous = block;
    }
    out
}

#[test]
fn mszip_blocks_refer_to_the_one_before() {
    let data: Vec<u8> = sample().into_iter().cycle().take(80_000).collect();
    let packed = mszip(&data);
    for size in [1, 1000, packed.len()] {
        let mut inflater = Inflater::new(Coding::MsZip, Limits::default());
        let mut made = Vec::new();
        for piece in packed.chunks(size) {
            inflater.push(piece, &mut |b| made.extend_from_slice(b));
        }
        assert!(inflater.finish(&mut |_| ()));
        assert_eq!(made, data);
    }
    let mut inflater = Inflater::new(Coding::MsZip, Limits::default());
    let second = 8 + usize::from(u16::from_le_bytes([packed[4], packed[5]]));
    let outcome = inflater.push(&packed[second..], &mut |_| ());
    assert_eq!(outcome, Outcome::Stopped(Stop::Corrupt), "the first block is missing");
}
