//! Finger (RFC 1288): one line that asks, any text that answers.
//!
//! One row per flow. Its content could be anything's, so that the port decides with it. Limits: [`MAX_LINE_LEN`].

mod record;
#[cfg(test)]
mod tests;

pub use record::FingerRecord;

use crate::{Cx, Descriptor, Guess, Lines, Probe, Protocol, Start, Transport};
use sekisho_record::Text;
use sekisho_types::{Dir, Heap, block_len};

/// Longest line kept; the rest of a longer one is dropped.
const MAX_LINE_LEN: usize = 512;

/// Name in conn's `app`.
const SERVICE: &str = "finger";

/// State of one flow.
pub struct Parser {
    lines: [Lines; 2],
    asked: bool,
    answer: Option<Text>,
    answer_len: u64,
    row: Option<Box<FingerRecord>>,
}

fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp || !p.port_match {
        return Guess::No;
    }
    let printable = |b: &u8| b.is_ascii_graphic() || matches!(b, b' ' | b'\t' | b'\r');
    let line = p.orig.strip_suffix(b"\n");
    match (line, p.orig) {
        (_, []) if p.resp.is_empty() => Guess::More,
        (Some(line), _) if line.len() <= MAX_LINE_LEN && line.iter().all(printable) => Guess::Yes,
        (None, [_, ..]) if p.orig.len() < MAX_LINE_LEN && p.orig.iter().all(printable) => Guess::More,
        _ => Guess::No,
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: SERVICE, tcp_ports: &[79], udp_ports: &[], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self {
            lines: [Lines::new(MAX_LINE_LEN), Lines::new(MAX_LINE_LEN)],
            asked: false,
            answer: None,
            answer_len: 0,
            row: None,
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let [orig, resp] = &mut self.lines;
        let mut input = bytes;
        if dir.is_orig() {
            while !self.asked
                && let Some(line) = orig.next(&mut input)
            {
                self.asked = true;
                // Zeek names no such service by default.
                cx.recognize(SERVICE);
                self.row = Some(Box::new(question(line.text, cx)));
            }
            return;
        }
        self.answer_len = self.answer_len.saturating_add(bytes.len() as u64);
        while self.answer.is_none()
            && let Some(line) = resp.next(&mut input)
        {
            let text = line.text.trim_ascii();
            self.answer = Some(text.into()).filter(|_| !text.is_empty());
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        let [orig, resp] = &mut self.lines;
        (if dir.is_orig() { orig } else { resp }).clear();
        if !dir.is_orig() {
            self.answer_len = self.answer_len.saturating_add(len);
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.row.take() {
            let (answer, answer_len) = (self.answer.take(), self.answer_len);
            cx.emit(FingerRecord { answer, answer_len, tail: cx.tail(), ..*row });
        }
    }

    fn held_len(&self) -> usize {
        let row = self.row.as_ref().map_or(0, |r| block_len(size_of::<FingerRecord>()) + r.heap_len());
        self.lines.as_slice().heap_len() + self.answer.heap_len() + row
    }
}

/// `/W user@host@host`.
fn question(line: &[u8], cx: &Cx<'_>) -> FingerRecord {
    let line = line.trim_ascii();
    let word_end = line.iter().position(|b| *b == b' ').unwrap_or(line.len());
    let verbose = line.get(..word_end).is_some_and(|w| w.eq_ignore_ascii_case(b"/W"));
    let query = if verbose { line.get(word_end..).unwrap_or(&[]).trim_ascii() } else { line };
    let at = memchr::memchr(b'@', query);
    FingerRecord {
        head: cx.head(cx.ts),
        query: query.get(..at.unwrap_or(query.len())).unwrap_or(query).into(),
        verbose,
        forward: at.and_then(|at| query.get(at + 1..)).map(Text::from),
        answer: None,
        answer_len: 0,
        tail: cx.tail(),
    }
}
