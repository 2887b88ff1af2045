//! VBA source in Office documents (MS-OVBA §2.4.1): chunks of 4 KiB, each compressed by itself.

use super::{Filter, Outcome};
use crate::bytes::{le16, take};
use crate::member::Completeness;

const SIGNATURE: u8 = 1;
/// A chunk unpacked (§2.4.1.1.5).
const CHUNK_LEN: usize = 4096;

/// A compressed container.
#[derive(Default)]
pub(super) struct Ovba {
    begun: bool,
    held: Vec<u8>,
}

impl Filter for Ovba {
    fn push(&mut self, input: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        self.held.extend_from_slice(input);
        let mut at = 0;
        if !self.begun {
            match self.held.first() {
                None => return Outcome::More,
                Some(&SIGNATURE) => (self.begun, at) = (true, 1),
                Some(_) => return Outcome::Fail(Completeness::Damaged("no compressed container")),
            }
        }
        let outcome = loop {
            let Some(header) = le16(&self.held, at) else { break Outcome::More };
            let len = usize::from(header & 0xfff) + 3;
            if header >> 12 & 7 != 3 {
                break Outcome::End { trailing: self.held.len().saturating_sub(at) };
            }
            let Some(chunk) = take(&self.held, at + 2, len - 2) else { break Outcome::More };
            if header >> 15 == 0 {
                out(chunk);
            } else if let Some(made) = unpack(chunk) {
                out(&made);
            } else {
                break Outcome::Fail(Completeness::Damaged("compressed data"));
            }
            at += len;
        };
        self.held.drain(..at);
        outcome
    }

    fn finish(&mut self, _: &mut dyn FnMut(&[u8])) -> Completeness {
        if self.begun && self.held.is_empty() { Completeness::Complete } else { Completeness::Truncated }
    }
}

/// One compressed chunk (§2.4.1.3.2).
fn unpack(chunk: &[u8]) -> Option<Vec<u8>> {
    let mut made = Vec::with_capacity(CHUNK_LEN);
    let mut at = 0;
    while let Some(&flags) = chunk.get(at) {
        at += 1;
        for bit in 0..8 {
            let Some(&byte) = chunk.get(at) else { break };
            if flags >> bit & 1 == 0 {
                made.push(byte);
                at += 1;
                continue;
            }
            let token = le16(chunk, at)?;
            at += 2;
            // As many bits for the offset as the position asks for (§2.4.1.3.19.1).
            let bits = (4..12).find(|b| 1usize << b >= made.len()).unwrap_or(12);
            let len = usize::from(token & (0xffff >> bits)) + 3;
            let back = usize::from(token >> (16 - bits)) + 1;
            let start = made.len().checked_sub(back)?;
            if made.len() + len > CHUNK_LEN {
                return None;
            }
            for i in start..start + len {
                made.push(made.get(i).copied()?);
            }
        }
        if made.len() > CHUNK_LEN {
            return None;
        }
    }
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::super::Stage;
    use super::super::tests::run;
    use super::*;

    #[test]
    fn parses_the_examples_of_the_standard() {
        // §3.2.2: "#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa".
        let packed = [
            0x01, 0x2f, 0xb0, 0x00, 0x23, 0x61, 0x61, 0x61, 0x62, 0x63, 0x64, 0x65, 0x82, 0x66, 0x00, 0x70, 0x61, 0x67,
            0x68, 0x69, 0x6a, 0x01, 0x38, 0x08, 0x61, 0x6b, 0x6c, 0x00, 0x30, 0x6d, 0x6e, 0x6f, 0x70, 0x06, 0x71, 0x02,
            0x70, 0x04, 0x10, 0x72, 0x73, 0x74, 0x75, 0x76, 0x10, 0x77, 0x78, 0x79, 0x7a, 0x00, 0x3c,
        ];
        let (made, end) = run(&Stage::Ovba, &packed);
        assert_eq!(made, b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa");
        assert_eq!(end, Completeness::Complete);
    }

    #[test]
    fn rejects_references_before_the_beginning() {
        let (made, end) = run(&Stage::Ovba, &[1, 0x01, 0xb0, 0xff, 0xff]);
        assert_eq!((made.len(), end), (0, Completeness::Damaged("compressed data")));
        assert_eq!(run(&Stage::Ovba, &[1, 0x01, 0xb0, 1, 0xff, 0xff]).1, Completeness::Damaged("compressed data"));
        assert_eq!(run(&Stage::Ovba, &[2]).1, Completeness::Damaged("no compressed container"));
    }
}
