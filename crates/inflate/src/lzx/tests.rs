//! Streams written bit by bit.

use crate::{Coding, Inflater, Limits, Outcome, Stop};

/// Writes bits in LZX's order.
#[derive(Default)]
struct Writer {
    bits: Vec<bool>,
}

impl Writer {
    fn put(&mut self, value: u32, count: u32) -> &mut Self {
        self.bits.extend((0..count).rev().map(|i| value >> i & 1 == 1));
        self
    }

    /// Whole words.
    fn bytes(&self) -> Vec<u8> {
        let words =
            self.bits.chunks(16).map(|c| (0..16).fold(0u16, |w, i| w << 1 | u16::from(*c.get(i).unwrap_or(&false))));
        words.flat_map(u16::to_le_bytes).collect()
    }

    /// Lengths of a tree's symbols, all told as differences to zero with a code of five bits.
    fn lens(&mut self, lens: &[u8]) -> &mut Self {
        (0..20).for_each(|_| _ = self.put(5, 4));
        for &len in lens {
            self.put((17 - u32::from(len)) % 17, 5);
        }
        self
    }
}

fn frame(packed: &[u8], len: usize) -> Vec<u8> {
    let mut out = vec![0; 4];
    out.extend((packed.len() as u16).to_le_bytes());
    out.extend((len as u16).to_le_bytes());
    out.extend(packed);
    out
}

fn unpack(input: &[u8], piece_len: usize) -> (Vec<u8>, Option<Stop>, bool) {
    let mut inflater = Inflater::new(Coding::Lzx { window_power: 15 }, Limits::default());
    let mut made = Vec::new();
    for piece in input.chunks(piece_len) {
        if let Outcome::Stopped(stop) = inflater.push(piece, &mut |b| made.extend_from_slice(b)) {
            return (made, Some(stop), false);
        }
    }
    let whole = inflater.finish(&mut |b| made.extend_from_slice(b));
    (made, inflater.stopped(), whole)
}

/// A block of literals and one match, with nine bits for each symbol of the main tree of a 32 KiB window.
fn packed_block(w: &mut Writer, kind: u32, len: u32) {
    w.put(kind, 3).put(len, 24);
    if kind == 2 {
        (0..8).for_each(|_| _ = w.put(3, 3));
    }
    w.lens(&[9; 256]).lens(&[9; 240]).lens(&[8; 249]);
}

/// In the canonical code of symbols of equal length each symbol is its number.
fn literals(w: &mut Writer, text: &[u8]) {
    text.iter().for_each(|&b| _ = w.put(u32::from(b), 9));
}

#[test]
fn parses_stored_blocks() {
    let mut w = Writer::default();
    w.put(0, 1).put(3, 3).put(5, 24);
    let mut packed = w.bytes();
    packed.extend([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    packed.extend(b"hello\0");
    let mut input = frame(&packed, 5);
    for size in [1, 3, 100] {
        assert_eq!(unpack(&input, size), (b"hello".to_vec(), None, true), "in pieces of {size}");
    }
    input.truncate(input.len() - 3);
    assert_eq!(unpack(&input, 7), (Vec::new(), None, false), "a frame that is cut off");
}

#[test]
fn parses_matches() {
    for kind in [1, 2] {
        let mut w = Writer::default();
        w.put(0, 1);
        packed_block(&mut w, kind, 3 + 6 + 9 + 3);
        literals(&mut w, b"abc");
        // Offset 3 is position 5 of slot 4 (4 and 5, one bit); length 6 is 2 + 4.
        w.put(256 + 4 * 8 + 4, 9).put(1, 1);
        // The latest offset once more; length 9 = 2 + 7 + 0 of the tree of lengths.
        w.put(256 + 7, 9).put(0, 8);
        // Offset 9 is position 11 of slot 6 (8 to 11, two bits).
        w.put(256 + 6 * 8 + 1, 9).put(3, 2);
        let made = unpack(&frame(&w.bytes(), 21), 10);
        assert_eq!(made, (b"abcabcabcabcabcabcabc".to_vec(), None, true), "kind {kind}");
    }
}

#[test]
fn parses_aligned_offsets_and_blocks_over_frames() {
    let mut w = Writer::default();
    w.put(0, 1);
    packed_block(&mut w, 2, 40);
    literals(&mut w, b"0123456789abcdefghij");
    let first = frame(&w.bytes(), 20);
    let mut w = Writer::default();
    // Position 20 of slot 8 (16 to 23, three bits, all of them aligned): offset 18.
    w.put(256 + 8 * 8 + 6, 9).put(4, 3);
    literals(&mut w, b"0123456789AB");
    let input = [first, frame(&w.bytes(), 20)].concat();
    assert_eq!(unpack(&input, 33).0, b"0123456789abcdefghij234567890123456789AB");
}

#[test]
fn translates_calls() {
    let mut w = Writer::default();
    w.put(1, 1).put(0, 16).put(0x1000, 16).put(3, 3).put(20, 24);
    let mut packed = w.bytes();
    packed.extend([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    let mut code = vec![0x90; 20];
    code[2..7].copy_from_slice(&[0xe8, 0x10, 0, 0, 0]);
    packed.extend(&code);
    let made = unpack(&frame(&packed, 20), 99).0;
    assert_eq!(made[2..7], [0xe8, 0x0e, 0, 0, 0], "16 less the call's place");
    assert_eq!((&made[..2], &made[7..]), (&code[..2], &code[7..]));
}

#[test]
fn rejects_damage() {
    let mut w = Writer::default();
    w.put(0, 1);
    packed_block(&mut w, 1, 10);
    literals(&mut w, b"ab");
    w.put(256 + 6 * 8, 9).put(0, 2); // Six bytes back, where there are two.
    assert_eq!(unpack(&frame(&w.bytes(), 10), 9), (b"ab".to_vec(), Some(Stop::Corrupt), false));
    let mut w = Writer::default();
    w.put(0, 1).put(0, 3).put(10, 24);
    assert_eq!(unpack(&frame(&w.bytes(), 10), 9).1, Some(Stop::Corrupt), "no such block");
    assert_eq!(unpack(&frame(&[0; 4], 40_000), 9).1, Some(Stop::Corrupt), "too long a frame");
}
