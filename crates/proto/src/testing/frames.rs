//! Frames that parsers tell of, written down so that they can be compared.

use sekisho_transaction::{Frame, FrameId, FrameKind};
use sekisho_types::Dir;

/// Bytes of a frame that are shown.
const SHOWN_LEN: usize = 40;
/// Bytes of a direction that are kept; frames behind them are shown without.
const KEPT_LEN: usize = 1 << 16;

/// A frame as it was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestFrame {
    /// What it is.
    pub kind: FrameKind,
    /// Where it begins in what its side sent; datagrams are counted as if they were a stream.
    pub at: u64,
    /// Its length, if it became known.
    pub len: Option<u64>,
    /// Its exchange.
    pub tx: Option<u64>,
}

/// Frames of both directions.
#[derive(Clone, Debug, Default)]
pub struct TestFrames {
    frames: [Vec<TestFrame>; 2],
    bytes: [Vec<u8>; 2],
    end: [u64; 2],
}

impl TestFrames {
    /// Bytes that a parser is given next.
    pub fn arrive(&mut self, dir: Dir, bytes: &[u8]) {
        *dir.of_mut(&mut self.end) += bytes.len() as u64;
        let kept = dir.of_mut(&mut self.bytes);
        let room = KEPT_LEN.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..room]);
    }

    /// Bytes that will not come.
    pub fn skip(&mut self, dir: Dir, len: u64) {
        let end = dir.of_mut(&mut self.end);
        *end = end.saturating_add(len);
        let kept = dir.of_mut(&mut self.bytes);
        kept.resize(usize::try_from(*end).unwrap_or(KEPT_LEN).min(KEPT_LEN), b'?');
    }

    /// A frame begins.
    ///
    /// # Panics
    /// If it begins before the stream.
    pub fn begin(&mut self, dir: Dir, frame: Frame, skip: u64) -> FrameId {
        let at = dir.of(&self.end).checked_sub(frame.back).expect("a frame before the stream") + skip;
        let frames = dir.of_mut(&mut self.frames);
        frames.push(TestFrame { kind: frame.kind, at, len: frame.len, tx: frame.tx });
        FrameId(frames.len() as u64)
    }

    /// More of it is known.
    ///
    /// # Panics
    /// If there is no such frame.
    pub fn known(&mut self, dir: Dir, id: FrameId, len: Option<u64>, tx: Option<u64>) {
        let frame = &mut dir.of_mut(&mut self.frames)[id.0 as usize - 1];
        frame.len = len.or(frame.len);
        frame.tx = tx.or(frame.tx);
    }

    /// Those of one kind, in the order in which they began.
    pub fn of(&self, dir: Dir, kind: FrameKind) -> Vec<TestFrame> {
        dir.of(&self.frames).iter().copied().filter(|frame| frame.kind == kind).collect()
    }

    /// Each as one line, by direction and place: `to server telnet.data 3+5 tx=0 "text…"`.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (dir, name) in [(Dir::Orig, "to server"), (Dir::Resp, "to client")] {
            let mut frames = dir.of(&self.frames).clone();
            frames.sort_by_key(|frame| (frame.at, frame.kind, frame.len, frame.tx));
            for TestFrame { kind, at, len, tx } in frames {
                let info = kind.info();
                let to = len.map_or(u64::MAX, |len| at.saturating_add(len));
                let place = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
                let kept = dir.of(&self.bytes);
                let bytes = kept.get(place(at)..place(to).min(kept.len())).unwrap_or_default();
                let more = if bytes.len() > SHOWN_LEN { "…" } else { "" };
                let shown = bytes[..bytes.len().min(SHOWN_LEN)].escape_ascii();
                let len = len.map_or_else(|| "?".to_owned(), |len| len.to_string());
                let tx = tx.map_or_else(String::new, |tx| format!(" tx={tx}"));
                lines.push(format!("{name} {}.{} {at}+{len}{tx} \"{shown}{more}\"", info.app, info.name));
            }
        }
        lines
    }
}
