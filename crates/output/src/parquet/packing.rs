//! Numbers in few bits: the hybrid of runs and packed groups (Parquet's Encodings.md, "RLE"), and packed differences
//! ("DELTA_BINARY_PACKED").

use super::thrift::{varint, zigzag};

/// Bits that `max` takes.
pub fn width_of(max: u64) -> u32 {
    u64::BITS - max.leading_zeros()
}

/// Appends `values` of `width` bits each, the lowest bits first; what is missing of the last byte is zero.
fn pack(out: &mut Vec<u8>, width: u32, values: impl Iterator<Item = u64>) {
    let (mut held, mut bits) = (0u128, 0);
    for v in values {
        held |= u128::from(v) << bits;
        bits += width;
        while bits >= 8 {
            out.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        out.push(held as u8);
    }
}

/// Values in a packed group.
const GROUP: usize = 8;

/// Appends `values`, each of at most `width` bits: runs of one value by their lengths, all others packed.
pub fn hybrid(out: &mut Vec<u8>, width: u32, values: &[u32]) {
    let (mut from, mut at) = (0, 0);
    while let Some(&value) = values.get(at) {
        let run = values[at..].iter().take_while(|&&v| v == value).count();
        // What is packed comes in whole groups: the run fills up the last one.
        let filling = (at - from).next_multiple_of(GROUP) - (at - from);
        if run < filling + GROUP {
            at += run;
            continue;
        }
        groups(out, width, &values[from..at + filling]);
        varint(out, ((run - filling) as u64) << 1);
        out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
        at += run;
        from = at;
    }
    groups(out, width, &values[from..]);
}

fn groups(out: &mut Vec<u8>, width: u32, values: &[u32]) {
    if values.is_empty() {
        return;
    }
    let count = values.len().div_ceil(GROUP);
    varint(out, (count as u64) << 1 | 1);
    let filling = count * GROUP - values.len();
    pack(out, width, values.iter().map(|&v| u64::from(v)).chain(std::iter::repeat_n(0, filling)));
}

/// Differences in a block, which shares one smallest difference, and in each of its four parts, which has its own width.
const BLOCK: usize = 128;
const MINIBLOCK: usize = 32;

/// Appends the first of `values` and the differences of the others; they wrap around.
pub fn deltas(out: &mut Vec<u8>, mut values: impl ExactSizeIterator<Item = i64>) {
    varint(out, BLOCK as u64);
    varint(out, (BLOCK / MINIBLOCK) as u64);
    varint(out, values.len() as u64);
    let mut last = values.next().unwrap_or_default();
    varint(out, zigzag(last));
    let mut block = [0; BLOCK];
    loop {
        let mut count = 0;
        for (place, v) in block.iter_mut().zip(&mut values) {
            *place = v.wrapping_sub(last);
            last = v;
            count += 1;
        }
        let Some(least) = block[..count].iter().copied().min() else { return };
        varint(out, zigzag(least));
        let parts = block[..count].chunks(MINIBLOCK);
        let above = |&delta: &i64| delta.wrapping_sub(least).cast_unsigned();
        let mut widths = [0; BLOCK / MINIBLOCK];
        for (width, part) in widths.iter_mut().zip(parts.clone()) {
            *width = width_of(part.iter().map(above).fold(0, |all, v| all | v)) as u8;
        }
        out.extend_from_slice(&widths);
        for (width, part) in widths.iter().zip(parts) {
            let filling = std::iter::repeat_n(0, MINIBLOCK - part.len());
            pack(out, u32::from(*width), part.iter().map(above).chain(filling));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    /// Numbers that look random.
    fn numbers(count: usize, seed: u64) -> impl Iterator<Item = u64> {
        let mut v = seed;
        std::iter::repeat_with(move || {
            v = v.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            v >> 16
        })
        .take(count)
    }

    #[test]
    fn hybrid_reads_back() {
        for width in [1, 2, 3, 7, 8, 9, 17, 32] {
            for count in [0, 1, 7, 8, 9, 31, 64, 1000] {
                // Runs of all lengths between what is no run.
                let mut values = Vec::new();
                for (i, n) in numbers(count, u64::from(width)).enumerate() {
                    let value = (n & ((1 << width) - 1)) as u32;
                    values.extend(std::iter::repeat_n(value, if n & 1 << 33 == 0 { 1 } else { i % 40 }));
                }
                let mut out = Vec::new();
                hybrid(&mut out, width, &values);
                assert_eq!(read::hybrid(&out, width, values.len()), values, "{width} {count}");
            }
        }
    }

    #[test]
    fn runs_are_short() {
        let mut out = Vec::new();
        hybrid(&mut out, 1, &[1; 10_000]);
        assert_eq!(out, [0xa0, 0x9c, 0x01, 1]);
        out.clear();
        hybrid(&mut out, 3, &[0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(out, [3, 0b1000_1000, 0b1100_0110, 0b1111_1010], "the example in Encodings.md");
    }

    #[test]
    fn deltas_read_back() {
        for count in [0, 1, 2, 32, 33, 128, 129, 130, 1000] {
            let steps: Vec<i64> = numbers(count, 9)
                .scan(0i64, |at, n| {
                    *at += (n & 0xfff).cast_signed();
                    Some(*at)
                })
                .collect();
            let wild: Vec<i64> = numbers(count, 5).map(|n| (n << 16 | n).cast_signed()).collect();
            let ends: Vec<i64> = (0..count).map(|i| if i % 2 == 0 { i64::MIN } else { i64::MAX }).collect();
            for values in [steps, wild, ends, vec![7; count]] {
                let mut out = Vec::new();
                deltas(&mut out, values.iter().copied());
                let (back, used) = read::deltas(&out);
                assert_eq!((back, used), (values, out.len()), "{count}");
            }
        }
    }
}
