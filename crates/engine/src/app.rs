//! What a flow's slot holds for the application layer.

use crate::control::Control;
use sekisho_proto::Parser;
use sekisho_types::{Dir, Heap, block_len, list_len};

/// Bytes kept per direction while no parser has claimed the flow.
pub(crate) const MAX_PROBE_BYTES: usize = 4096;

/// Chunks offered to the probes before the flow counts as unknown.
pub(crate) const MAX_PROBE_CHUNKS: usize = 512;

/// Chunks of an unknown stream that are watched for TLS beginning: IMAP, POP3, XMPP, LDAP, MySQL, PostgreSQL, RDP and
/// SOCKS come to it within a dozen.
pub(crate) const MAX_LATE_CHUNKS: u8 = 32;

/// Application state of one flow.
#[derive(Default)]
pub(crate) enum App {
    /// No payload seen yet.
    #[default]
    New,
    /// Payload seen, nobody sure yet.
    Probing(Box<Probing>),
    /// Nobody knows the protocol, but it may still change to TLS: chunks looked at since.
    Late(u8),
    /// A parser is at work.
    Active(Parser),
    /// A flow of a control protocol is summed up: with the bytes that the sum was counted for.
    Control(Box<(Control, u32)>),
    /// Nobody wants the bytes.
    Opaque,
}

impl App {
    /// Bytes that the flow's state was counted for.
    pub fn counted_len(&self) -> i64 {
        match self {
            Self::Active(parser) => parser.counted_len(),
            Self::Probing(probing) => i64::from(probing.counted),
            Self::Control(sum) => i64::from(sum.1),
            Self::New | Self::Late(_) | Self::Opaque => 0,
        }
    }

    /// Bytes that the flow's state was counted for; from now on for none.
    pub fn uncount(&mut self) -> i64 {
        match self {
            Self::Active(parser) => parser.counted_len(),
            Self::Probing(probing) => i64::from(std::mem::take(&mut probing.counted)),
            Self::Control(sum) => i64::from(std::mem::take(&mut sum.1)),
            Self::New | Self::Late(_) | Self::Opaque => 0,
        }
    }
}

/// First bytes of a flow that no parser has claimed yet.
#[derive(Default)]
pub(crate) struct Probing {
    bytes: [Vec<u8>; 2],
    /// Chunks in order of arrival: direction and length.
    chunks: Vec<(Dir, usize)>,
    /// Protocols (bit = position in the table) that started and gave up.
    pub excluded: u128,
    /// Datagrams that no probe knew.
    pub strange: u8,
    /// What it was counted for.
    counted: u32,
}

impl Probing {
    /// By how much it has grown since the last call, at first since nothing.
    pub fn recount(&mut self) -> i64 {
        let len = block_len(size_of::<Self>()) + self.bytes.as_slice().heap_len() + list_len(&self.chunks);
        let now = u32::try_from(len).unwrap_or(u32::MAX);
        i64::from(now) - i64::from(std::mem::replace(&mut self.counted, now))
    }

    pub fn with_excluded(excluded: u128) -> Self {
        Self { excluded, ..Self::default() }
    }

    /// Adds a chunk; false if the budget is used up.
    pub fn push(&mut self, dir: Dir, bytes: &[u8]) -> bool {
        let Some(held) = self.bytes.get_mut(dir.index()) else { return false };
        if self.chunks.len() >= MAX_PROBE_CHUNKS || held.len() + bytes.len() > MAX_PROBE_BYTES {
            return false;
        }
        held.extend_from_slice(bytes);
        self.chunks.push((dir, bytes.len()));
        true
    }

    pub fn of(&self, dir: Dir) -> &[u8] {
        &self.bytes[dir.index()]
    }

    /// Is `bytes` the chunk pushed last?
    pub fn includes(&self, dir: Dir, bytes: &[u8]) -> bool {
        self.chunks.last() == Some(&(dir, bytes.len())) && self.of(dir).ends_with(bytes)
    }

    /// Bytes of `dir` were lost: what was held of it no longer precedes what follows.
    pub fn lose(&mut self, dir: Dir) {
        if let Some(held) = self.bytes.get_mut(dir.index()) {
            *held = Vec::new();
        }
        self.chunks.retain(|c| c.0 != dir);
        if self.chunks.is_empty() {
            self.chunks = Vec::new();
        }
    }

    /// The chunks in order of arrival.
    pub fn replay(&self) -> impl Iterator<Item = (Dir, &[u8])> {
        let mut at = [0usize; 2];
        self.chunks.iter().map(move |&(dir, len)| {
            let start = at[dir.index()];
            at[dir.index()] = start + len;
            (dir, self.bytes[dir.index()].get(start..start + len).unwrap_or(&[]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replays_in_order_and_limits() {
        let mut p = Probing::default();
        assert!(p.push(Dir::Orig, b"ab") && p.push(Dir::Resp, b"x") && p.push(Dir::Orig, b"c"));
        let all: Vec<_> = p.replay().map(|(d, b)| (d.index(), b.to_vec())).collect();
        assert_eq!(all, [(0, b"ab".to_vec()), (1, b"x".to_vec()), (0, b"c".to_vec())]);
        p.lose(Dir::Orig);
        assert_eq!(p.replay().count(), 1);
        assert!(!p.push(Dir::Orig, &[0; MAX_PROBE_BYTES + 1]));
    }
}
