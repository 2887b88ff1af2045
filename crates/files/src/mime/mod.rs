//! Media type by content: the names, signatures and precedence of Zeek's file magic.
//!
//! Every signature holds from the first byte on. Those of fixed shape are rows of [`table`]; those with
//! open-ended parts are small functions in [`text`] and [`binary`]. Of all that match, the strongest
//! wins; of equally strong ones the first by name. Left out: four of Zeek's signatures for old library records and
//! Windows setup files, whose patterns can't match anything in practice.

mod binary;
mod table;
mod text;

use std::sync::LazyLock;
use table::{El, SIGNATURES, Signature};

/// So many bytes from the beginning decide, as Zeek's `bof_buffer_size`.
pub const HEAD_LEN: usize = 4096;

/// The strongest match so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Best(Option<(i16, &'static str)>);

impl Best {
    /// Is there a match stronger than `strength`?
    fn is_beyond(self, strength: i16) -> bool {
        self.0.is_some_and(|(s, _)| s > strength)
    }

    fn offer(&mut self, strength: i16, mime: &'static str) {
        let better = match self.0 {
            None => true,
            Some((s, m)) => strength > s || strength == s && mime < m,
        };
        if better {
            self.0 = Some((strength, mime));
        }
    }
}

/// A row of the table and one byte more that it asks for: most rows fail there, without being looked at.
struct Candidate {
    signature: &'static Signature,
    sign: Option<(usize, u8)>,
}

/// Rows of the table by the first byte they accept; each list in table order.
static BY_FIRST: LazyLock<Vec<Vec<Candidate>>> = LazyLock::new(|| {
    let accepts = |byte: u8| SIGNATURES.iter().filter(move |s| s.els.first().is_some_and(|el| el.accepts(byte)));
    let candidate = |signature: &'static Signature| Candidate { signature, sign: El::sign(signature.els) };
    (0..=u8::MAX).map(|byte| accepts(byte).map(candidate).collect()).collect()
});

/// The media type of content that begins with `head`; only the first [`HEAD_LEN`] bytes count.
pub fn mime_type(head: &[u8]) -> Option<&'static str> {
    let head = head.get(..HEAD_LEN).unwrap_or(head);
    let &first = head.first()?;
    let mut best = Best::default();
    for Candidate { signature, sign } in BY_FIRST.get(usize::from(first)).into_iter().flatten() {
        if sign.is_none_or(|(at, byte)| head.get(at) == Some(&byte)) && El::all_match(signature.els, head) {
            best.offer(signature.strength, signature.mime);
        }
    }
    binary::probe(head, &mut best);
    text::probe(head, &mut best);
    best.0.map(|(_, mime)| mime)
}

#[cfg(test)]
mod tests;
