//! 7z's filters before its compressors (LZMA SDK, `methods.txt`).

use super::{Filter, Outcome};
use crate::bytes::le32;
use crate::member::Completeness;

/// Each byte is the difference to the one `distance` before.
pub(super) struct Delta {
    last: Vec<u8>,
    at: usize,
}

impl Delta {
    /// `distance` is 1 to 256.
    pub(super) fn new(distance: usize) -> Self {
        Self { last: vec![0; distance.clamp(1, 256)], at: 0 }
    }
}

impl Filter for Delta {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        let mut made = Vec::with_capacity(input.len());
        for &byte in input {
            let len = self.last.len();
            if let Some(last) = self.last.get_mut(self.at) {
                *last = last.wrapping_add(byte);
                made.push(*last);
            }
            self.at = (self.at + 1) % len;
        }
        out(&made);
        Outcome::More
    }
}

/// Turns absolute targets of x86 calls and jumps (`E8`, `E9`) back into relative ones.
#[derive(Default)]
pub(super) struct BranchX86 {
    held: Vec<u8>,
    /// Position of the first held byte.
    pos: u32,
    /// Which of the three bytes before look like opcodes.
    mask: u32,
}

/// An opcode and its operand.
const BRANCH_LEN: usize = 5;

impl BranchX86 {
    /// Converts what can be decided; how many bytes are settled.
    fn convert(&mut self) -> usize {
        let mut at = 0;
        let mut mask = self.mask;
        while at + BRANCH_LEN <= self.held.len() {
            let Some(&opcode) = self.held.get(at) else { break };
            if opcode & 0xfe != 0xe8 {
                mask = mask << 1 & 7;
                at += 1;
                continue;
            }
            let high = self.held.get(at + 4).copied().unwrap_or(1);
            if !allowed(mask, &self.held, at) || !matches!(high, 0 | 0xff) {
                mask = (mask << 1 | 1) & 7;
                at += 1;
                continue;
            }
            let here = self.pos.wrapping_add(u32::try_from(at).unwrap_or(0)).wrapping_add(5);
            let mut value = le32(&self.held, at + 1).unwrap_or(0);
            loop {
                value = value.wrapping_sub(here);
                let Some(index) = last_opcode(mask) else { break };
                let shift = index * 8;
                let [byte, ..] = (value >> (24 - shift)).to_le_bytes();
                if !matches!(byte, 0 | 0xff) {
                    break;
                }
                value ^= (1u32 << (32 - shift)).wrapping_sub(1);
            }
            // The upper byte is the sign.
            value = if value & 0x0100_0000 == 0 { value & 0x00ff_ffff } else { value | 0xff00_0000 };
            if let Some(operand) = self.held.get_mut(at + 1..at + BRANCH_LEN) {
                operand.copy_from_slice(&value.to_le_bytes());
            }
            mask = 0;
            at += BRANCH_LEN;
        }
        self.mask = mask;
        at
    }
}

/// Does what precedes allow the opcode at `at` to be one?
fn allowed(mask: u32, held: &[u8], at: usize) -> bool {
    match last_opcode(mask) {
        None => true,
        Some(index) => {
            let usable = matches!(mask, 1 | 2 | 4 | 0);
            let at = at + 4 - usize::try_from(index).unwrap_or(0);
            usable && !matches!(held.get(at), Some(0 | 0xff))
        }
    }
}

/// How many bytes ago, from 1 on, the latest byte was that looked like an opcode.
fn last_opcode(mask: u32) -> Option<u32> {
    (mask != 0).then(|| mask.trailing_zeros() + 1)
}

impl Filter for BranchX86 {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        self.held.extend_from_slice(input);
        let done = self.convert();
        out(self.held.get(..done).unwrap_or(&[]));
        self.held.drain(..done);
        self.pos = self.pos.wrapping_add(u32::try_from(done).unwrap_or(0));
        Outcome::More
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) -> Completeness {
        out(&self.held);
        self.held.clear();
        Completeness::Complete
    }
}

#[cfg(test)]
mod tests {
    use super::super::Stage;
    use super::super::tests::run;

    #[test]
    fn parses_differences() {
        assert_eq!(run(&Stage::Delta(2), &[1, 10, 1, 10, 1, 246]).0, [1, 10, 2, 20, 3, 10]);
    }

    #[test]
    fn parses_branches() {
        // A call at 2 to the absolute address 0x107 is one of 0x100 forward.
        let made = run(&Stage::BranchX86, &[0x90, 0x90, 0xe8, 0x07, 0x01, 0, 0, 0x90, 1, 2, 3, 4, 5]).0;
        assert_eq!(made, [0x90, 0x90, 0xe8, 0, 1, 0, 0, 0x90, 1, 2, 3, 4, 5]);
    }
}
