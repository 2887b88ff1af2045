//! The record layer over datagrams: DTLS 1.0, 1.2 (RFC 6347) and 1.3 (RFC 9147), with handshake fragments.

use super::layer::content;
use crate::Cx;
use crate::handshake::{Carrier, MAX_MESSAGE_LEN, Session};
use sekisho_types::{Dir, Heap, block_len};
use sekisho_wire::{ParseResult, Reader};
use smallvec::SmallVec;

/// Datagrams of other protocols (STUN, RTP share the flow, RFC 7983) that are passed over in a row.
const MAX_FOREIGN: u32 = 1000;

/// Most separate stretches of a fragmented message that are kept.
const MAX_STRETCHES: usize = 32;

/// State of one direction: the message being put together.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    seq: u16,
    kind: u8,
    body: Vec<u8>,
    /// Stretches of `body` that came, sorted, not touching.
    have: SmallVec<[(usize, usize); 4]>,
}

/// A handshake fragment (RFC 6347 §4.2.2).
struct Fragment<'a> {
    kind: u8,
    len: usize,
    seq: u16,
    offset: usize,
    data: &'a [u8],
}

fn fragment<'a>(r: &mut Reader<'a>) -> ParseResult<Fragment<'a>> {
    let u24 = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let kind = r.u8(&"handshake type")?;
    let len = u24(r.u24(&"message length")?);
    let seq = r.u16(&"message sequence")?;
    let offset = u24(r.u24(&"fragment offset")?);
    let data_len = u24(r.u24(&"fragment length")?);
    Ok(Fragment { kind, len, seq, offset, data: r.take(&"fragment", data_len)? })
}

/// The records of a flow's datagrams.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    assemblies: [Assembly; 2],
    foreign: u32,
}

impl Heap for Assembly {
    fn heap_len(&self) -> usize {
        let have = if self.have.spilled() { block_len(self.have.capacity() * size_of::<(usize, usize)>()) } else { 0 };
        self.body.heap_len() + have
    }
}

impl Heap for Datagrams {
    fn heap_len(&self) -> usize {
        self.assemblies.as_slice().heap_len()
    }
}

impl Datagrams {
    /// One datagram; an error says why the flow is not DTLS.
    pub(super) fn datagram(
        &mut self,
        dir: Dir,
        bytes: &[u8],
        session: &mut Session,
        cx: &mut Cx<'_>,
    ) -> Result<(), &'static str> {
        let mut r = Reader::new(bytes);
        while let Some(&first) = r.rest().first() {
            if session.established {
                break;
            }
            if first & 0xe0 == 0x20 {
                // The unified header of DTLS 1.3 (RFC 9147 §4): encrypted; what follows can't be told apart cheaply.
                if session.is_tls13() {
                    session.start_encryption(dir);
                    session.ciphertext(cx);
                }
                return Ok(());
            }
            if !(20..=26).contains(&first) || r.rest().get(1) != Some(&0xfe) {
                self.foreign += 1;
                return if self.foreign > MAX_FOREIGN { Err("not DTLS") } else { Ok(()) };
            }
            self.foreign = 0;
            let Ok((kind, epoch, body)) = record(&mut r) else {
                cx.weird("dtls_record_cut");
                return Ok(());
            };
            if epoch > 0 {
                session.ciphertext(cx);
            } else {
                self.clear(dir, kind, body, session, cx)?;
            }
        }
        Ok(())
    }

    fn clear(
        &mut self,
        dir: Dir,
        kind: u8,
        body: Reader<'_>,
        session: &mut Session,
        cx: &mut Cx<'_>,
    ) -> Result<(), &'static str> {
        match kind {
            content::HANDSHAKE => self.handshake(dir, body, session, cx),
            content::CHANGE_CIPHER_SPEC => {
                session.change_cipher_spec(dir, cx);
                Ok(())
            }
            content::ALERT => session.alerts(dir, body.rest(), body.left(), cx),
            content::HEARTBEAT => {
                session.heartbeat(dir, body.rest(), body.left(), cx);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn handshake(
        &mut self,
        dir: Dir,
        mut r: Reader<'_>,
        session: &mut Session,
        cx: &mut Cx<'_>,
    ) -> Result<(), &'static str> {
        let Some(assembly) = self.assemblies.get_mut(dir.index()) else { return Ok(()) };
        while !r.is_empty() {
            let Ok(f) = fragment(&mut r) else {
                cx.weird("dtls_fragment_cut");
                return Ok(());
            };
            if f.data.len() == f.len {
                session.message(dir, f.kind, f.data, Carrier::Dtls, cx)?;
            } else if let Some(body) = assembly.add(&f) {
                session.message(dir, f.kind, &body, Carrier::Dtls, cx)?;
            }
        }
        Ok(())
    }
}

/// Type, epoch and content of the next record.
fn record<'a>(r: &mut Reader<'a>) -> ParseResult<(u8, u16, Reader<'a>)> {
    let kind = r.u8(&"content type")?;
    r.skip(&"version", 2)?;
    let epoch = r.u16(&"epoch")?;
    r.skip(&"sequence number", 6)?;
    Ok((kind, epoch, r.block16(&"record")?))
}

impl Assembly {
    /// Adds a fragment; returns the message if that completes it. A fragment of another message drops what is held.
    fn add(&mut self, f: &Fragment<'_>) -> Option<Vec<u8>> {
        if f.len > MAX_MESSAGE_LEN || f.offset + f.data.len() > f.len || f.data.is_empty() {
            return None;
        }
        if self.have.is_empty() || (self.seq, self.kind, self.body.len()) != (f.seq, f.kind, f.len) {
            *self = Self { seq: f.seq, kind: f.kind, body: vec![0; f.len], have: SmallVec::new() };
        }
        let (from, to) = (f.offset, f.offset + f.data.len());
        self.body.get_mut(from..to)?.copy_from_slice(f.data);
        let (mut low, mut high) = (from, to);
        self.have.retain(|&mut (a, b)| {
            let apart = b < low || a > high;
            if !apart {
                low = low.min(a);
                high = high.max(b);
            }
            apart
        });
        if self.have.len() >= MAX_STRETCHES {
            self.have.clear();
        }
        self.have.push((low, high));
        if (low, high) != (0, f.len) {
            return None;
        }
        self.have.clear();
        Some(std::mem::take(&mut self.body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assembles_fragments_in_any_order() {
        let whole: Vec<u8> = (0..100).collect();
        let piece =
            |from: usize, to: usize| Fragment { kind: 11, len: 100, seq: 1, offset: from, data: &whole[from..to] };
        let mut a = Assembly::default();
        assert_eq!(a.add(&piece(40, 70)), None);
        assert_eq!(a.add(&piece(0, 30)), None);
        assert_eq!(a.add(&piece(60, 100)), None);
        assert_eq!(a.add(&piece(20, 50)).as_deref(), Some(&whole[..]));
        assert_eq!(a.add(&piece(0, 30)), None);
    }

    #[test]
    fn limits_fragments() {
        let mut a = Assembly::default();
        let data = [0; 4];
        for (len, offset) in [(MAX_MESSAGE_LEN + 1, 0), (10, 8), (usize::MAX >> 8, 1)] {
            assert_eq!(a.add(&Fragment { kind: 1, len, seq: 0, offset, data: &data }), None);
            assert!(a.body.is_empty());
        }
        for offset in (0..1000).step_by(8) {
            assert_eq!(a.add(&Fragment { kind: 1, len: 2000, seq: 0, offset, data: &data }), None);
            assert!(a.have.len() <= MAX_STRETCHES);
        }
    }
}
