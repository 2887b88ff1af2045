//! What echoes carry (RFC 792, RFC 4443 §4): told to detectors only, in rows of their own, one for five minutes of a flow.

use super::Message;
use crate::Rows;
use sekisho_record::{Record, Text};
use sekisho_types::{Addr, FlowInfo, Interval, Timestamp, Uid, block_len, list_len, seeded_hash};

/// Time that a row covers.
const WINDOW: Interval = Interval::from_secs(300);
/// Requests that wait for their replies; the oldest is forgotten.
const MAX_WAITING: usize = 32;
/// Payload lengths told apart in a window.
const MAX_LENS: usize = 16;
/// Pairs of a request and a reply that differ of which the beginning is told, and how much of each.
const MAX_SAMPLES: usize = 3;
const MAX_SHOWN_LEN: usize = 32;
/// Shortest payload that bytes are counted of, and most bytes counted in a window.
const MIN_COUNTED_LEN: usize = 64;
const MAX_COUNTED_LEN: u32 = 60_000;
/// Seed of the payloads' digests, which are only compared within a flow.
const SEED: u64 = 0x6563_686f;

/// What the echoes of a flow carried during five minutes.
#[derive(Clone, Debug, Default, Record)]
#[record(log = "echo_content")]
pub struct EchoContentRecord {
    /// Time of the first message of the window.
    pub ts: Timestamp,
    /// Flow.
    pub uid: Uid,
    /// Who asks.
    #[record(name = "id.orig_h")]
    pub orig_h: Addr,
    /// Who answers.
    #[record(name = "id.resp_h")]
    pub resp_h: Addr,
    /// Time of the last message.
    pub until: Timestamp,
    /// Requests.
    pub requests: u64,
    /// Replies.
    pub replies: u64,
    /// Payload bytes of requests.
    pub request_len: u64,
    /// Payload bytes of replies.
    pub reply_len: u64,
    /// Replies whose request was seen, neither of them cut.
    pub compared: u64,
    /// Of these, those that carry something else than their request.
    pub changed: u64,
    /// Replies to nothing, though requests were seen, and further replies to one request that differ from the first.
    pub extra: u64,
    /// Messages cut by the snapshot length.
    pub cut: u64,
    /// Payload lengths, in the order met.
    pub lens: Vec<u64>,
    /// Messages of each length.
    pub len_counts: Vec<u64>,
    /// Thousandths of a bit for each byte: entropy of the payloads of 64 bytes and more, taken together.
    pub entropy: Option<u64>,
    /// What a payload begins with: `IPv4`, `IPv6`, `SSH`, `HTTP`, or a tool.
    pub inside: Option<&'static str>,
    /// How requests and replies that differ begin, in turn.
    pub samples: Vec<Text>,
    /// Number of the packet that brought the first message that is telling.
    pub packet: u64,
}

/// A request that may still be answered.
struct Asked {
    id: [u8; 4],
    digest: u64,
    start: Text,
    /// Digest of its first reply.
    answer: Option<u64>,
    whole: bool,
}

/// The window at hand of one flow.
pub(super) struct Echoes {
    row: EchoContentRecord,
    waiting: Vec<Asked>,
    bytes: Option<Box<[u16; 256]>>,
    counted_len: u32,
    /// A request was seen, so that a reply without one means something.
    asked: bool,
}

impl Echoes {
    pub fn new() -> Self {
        Self { row: EchoContentRecord::default(), waiting: Vec::new(), bytes: None, counted_len: 0, asked: false }
    }

    pub fn heap_len(&self) -> usize {
        let shown: usize = self.waiting.iter().map(|w| block_len(w.start.0.capacity())).sum();
        let bytes = if self.bytes.is_some() { block_len(512) } else { 0 };
        let samples = MAX_SAMPLES * 2 * block_len(MAX_SHOWN_LEN);
        let lists = list_len(&self.row.lens) + list_len(&self.row.len_counts) + list_len(&self.row.samples);
        list_len(&self.waiting) + shown + bytes + lists + samples
    }

    /// A message is about to come: tells of the window before, if that is over.
    pub fn pass(&mut self, ts: Timestamp, flow: &FlowInfo, rows: &mut dyn Rows) {
        let is_old = self.row.requests + self.row.replies > 0 && (ts - self.row.ts).0.abs() >= WINDOW.0;
        if is_old {
            self.tell(flow, rows);
        }
    }

    /// A request or reply.
    pub fn add(&mut self, is_request: bool, m: &Message<'_>) {
        let row = &mut self.row;
        if row.requests + row.replies == 0 {
            row.ts = m.ts;
            row.packet = m.number;
        }
        row.until = m.ts;
        let (count, sum) =
            if is_request { (&mut row.requests, &mut row.request_len) } else { (&mut row.replies, &mut row.reply_len) };
        *count += 1;
        *sum = sum.saturating_add(u64::from(m.wire_len));
        let whole = m.payload.len() == m.wire_len as usize;
        row.cut += u64::from(!whole);
        let len = u64::from(m.wire_len);
        match row.lens.iter().position(|known| *known == len) {
            Some(at) => row.len_counts.iter_mut().skip(at).take(1).for_each(|n| *n += 1),
            None if row.lens.len() < MAX_LENS => {
                row.lens.push(len);
                row.len_counts.push(1);
            }
            None => {}
        }
        if row.inside.is_none()
            && let Some(inside) = inside(m.payload)
        {
            (row.inside, row.packet) = (Some(inside), m.number);
        }
        self.count(m.payload);
        let [_, _, _, _, id @ ..] = m.header;
        let digest = seeded_hash(SEED, m.payload);
        if is_request { self.asked(id, digest, whole, m) } else { self.answered(id, digest, whole, m) }
    }

    fn count(&mut self, payload: &[u8]) {
        if payload.len() < MIN_COUNTED_LEN || self.counted_len >= MAX_COUNTED_LEN {
            return;
        }
        let bytes = self.bytes.get_or_insert_with(|| Box::new([0; 256]));
        let room = usize::try_from(MAX_COUNTED_LEN - self.counted_len).unwrap_or(0);
        for byte in payload.iter().take(room) {
            if let Some(n) = bytes.get_mut(usize::from(*byte)) {
                *n = n.saturating_add(1);
            }
            self.counted_len += 1;
        }
    }

    fn asked(&mut self, id: [u8; 4], digest: u64, whole: bool, m: &Message<'_>) {
        self.asked = true;
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.remove(0);
        }
        let start = m.payload.get(..MAX_SHOWN_LEN).unwrap_or(m.payload).into();
        self.waiting.push(Asked { id, digest, start, answer: None, whole });
    }

    fn answered(&mut self, id: [u8; 4], digest: u64, whole: bool, m: &Message<'_>) {
        let Some(asked) = self.waiting.iter_mut().rev().find(|w| w.id == id) else {
            self.row.extra += u64::from(self.asked);
            return;
        };
        if let Some(first) = asked.answer {
            self.row.extra += u64::from(first != digest && whole);
            return;
        }
        asked.answer = Some(digest);
        if !(whole && asked.whole) {
            return;
        }
        self.row.compared += 1;
        if asked.digest == digest {
            return;
        }
        if self.row.changed == 0 {
            self.row.packet = m.number;
        }
        self.row.changed += 1;
        if self.row.samples.len() < MAX_SAMPLES * 2 {
            self.row.samples.push(asked.start.clone());
            self.row.samples.push(m.payload.get(..MAX_SHOWN_LEN).unwrap_or(m.payload).into());
        }
    }

    /// Tells of the window at hand, and begins another.
    pub fn tell(&mut self, flow: &FlowInfo, rows: &mut dyn Rows) {
        let mut row = std::mem::take(&mut self.row);
        if row.requests + row.replies == 0 {
            return;
        }
        (row.uid, row.orig_h, row.resp_h) = (flow.uid, flow.tuple.orig, flow.tuple.resp);
        row.entropy = self.bytes.take().map(|bytes| entropy(&bytes));
        self.counted_len = 0;
        rows.row(&row);
    }
}

/// Shannon's entropy in thousandths of a bit for each byte.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8000")]
fn entropy(counts: &[u16; 256]) -> u64 {
    let total: f64 = counts.iter().map(|n| f64::from(*n)).sum();
    let shares = counts.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / total);
    (-shares.map(|p| p * p.log2()).sum::<f64>() * 1000.0).round() as u64
}

/// What payload begins like that.
fn inside(payload: &[u8]) -> Option<&'static str> {
    let total = payload.get(2..4).and_then(|b| b.first_chunk()).map(|b| usize::from(u16::from_be_bytes(*b)));
    let after = payload.get(4..6).and_then(|b| b.first_chunk()).map(|b| usize::from(u16::from_be_bytes(*b)) + 40);
    match payload {
        [0x45..=0x4f, ..] if total == Some(payload.len()) && payload.len() >= 20 => Some("IPv4"),
        [0x60..=0x6f, ..] if after == Some(payload.len()) && payload.len() >= 40 => Some("IPv6"),
        [b'S', b'S', b'H', b'-', ..] => Some("SSH"),
        [b'H', b'T', b'T', b'P', b'/', ..]
        | [b'G', b'E', b'T', b' ', b'/', ..]
        | [b'P', b'O', b'S', b'T', b' ', b'/', ..] => Some("HTTP"),
        [0xd5, 0x20, 0x08, 0x80, ..] => Some("ptunnel"),
        [b'h', b'a', b'n', b'c' | b's', ..] => Some("Hans"),
        _ => None,
    }
}

/// Is it a message that this is about, and a request?
pub(super) const fn is_request(proto: u8, kind: u8) -> Option<bool> {
    match (proto, kind) {
        (1, 8) | (58, 128) => Some(true),
        (1, 0) | (58, 129) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_record::{Value, for_each};
    use sekisho_types::Dir;

    fn message(kind: u8, seq: u8, payload: &[u8], secs: i64) -> (u8, Vec<u8>, i64, u8) {
        (kind, payload.to_vec(), secs, seq)
    }

    /// The rows of a flow: its numbers by name, without those that are 0.
    fn rows_of(messages: &[(u8, Vec<u8>, i64, u8)], cut: usize) -> Vec<String> {
        let (mut echoes, flow, mut told) = (Echoes::new(), FlowInfo::default(), Vec::new());
        let mut rows = |r: &dyn Record| {
            let mut text = Vec::new();
            for_each(r, &mut |field, value| match value {
                Value::Count(n) if n > 0 && field.name != "packet" => text.push(format!("{}={n}", field.name)),
                Value::Enum(v) => text.push(format!("{}={v}", field.name)),
                Value::Str(v) if field.name == "inside" => text.push(format!("inside={}", v.escape_ascii())),
                Value::List(list) => text.push(format!("{}={}", field.name, list.len())),
                _ => {}
            });
            told.push(text.join(" "));
        };
        for (kind, payload, secs, seq) in messages {
            let m = Message {
                dir: Dir::Orig,
                ts: Timestamp(secs * 1_000_000_000),
                number: 7,
                header: [*kind, 0, 0, 0, 0, 1, 0, *seq],
                payload: payload.get(..cut.min(payload.len())).unwrap(),
                wire_len: u32::try_from(payload.len()).unwrap(),
            };
            echoes.pass(m.ts, &flow, &mut rows);
            echoes.add(is_request(1, *kind).unwrap(), &m);
            assert!(echoes.heap_len() < 16 << 10);
        }
        echoes.tell(&flow, &mut rows);
        echoes.tell(&flow, &mut rows);
        told
    }

    #[test]
    fn replies_are_held_against_their_requests() {
        let told = rows_of(
            &[
                message(8, 1, b"abcdefgh", 0),
                message(0, 1, b"abcdefgh", 0),
                message(0, 1, b"abcdefgh", 0),
                message(8, 2, b"abcdefgh", 1),
                message(0, 2, b"SSH-2.0-x", 1),
                message(0, 2, b"more", 1),
                message(0, 9, b"stray", 2),
                message(8, 3, b"", 400),
            ],
            usize::MAX,
        );
        assert_eq!(
            told,
            [
                "requests=2 replies=5 request_len=16 reply_len=34 compared=2 changed=1 extra=2 lens=4 len_counts=4 \
                 inside=SSH samples=2",
                "requests=1 lens=1 len_counts=1 samples=0",
            ]
        );
    }

    #[test]
    fn what_is_cut_is_not_compared() {
        let told = rows_of(&[message(8, 1, &[1; 100], 0), message(0, 1, &[2; 100], 0)], 64);
        assert_eq!(
            told,
            ["requests=1 replies=1 request_len=100 reply_len=100 cut=2 lens=1 len_counts=1 entropy=1000 samples=0"]
        );
        // Answers alone: nobody can say that they are too many.
        let told = rows_of(&[message(0, 1, &[2; 9], 0), message(0, 2, &[2; 9], 0)], usize::MAX);
        assert_eq!(told, ["replies=2 reply_len=18 lens=1 len_counts=1 samples=0"]);
    }

    #[test]
    fn limits_what_a_flow_holds() {
        let many: Vec<_> = (0..2000u16)
            .flat_map(|n| {
                let payload = vec![n.to_be_bytes()[1]; usize::from(n % 300)];
                [message(8, 1, &payload, 0), message(0, 1, b"other", 0)]
            })
            .collect();
        let told = rows_of(&many, usize::MAX);
        assert!(
            told[0].contains("changed=2000 ") && told[0].contains("lens=16 ") && told[0].contains("samples=6"),
            "{told:?}"
        );
    }

    #[test]
    fn packets_and_tools_are_known() {
        let mut ip = [0u8; 24];
        (ip[0], ip[3]) = (0x45, 24);
        assert_eq!((inside(&ip), inside(&ip[..23])), (Some("IPv4"), None));
        assert_eq!(inside(&[0xd5, 0x20, 0x08, 0x80, 1]), Some("ptunnel"));
        assert_eq!(inside(b"abcdefghijklmnop"), None);
    }
}
