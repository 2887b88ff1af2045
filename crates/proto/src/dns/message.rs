//! DNS messages (RFC 1035 §4): header, names, questions, and a walk over the records' outer form.
//!
//! Names are read the way Zeek reads them, damaged ones included: a name that breaks off is the labels
//! before the break, and reading goes on behind it.

use super::names::rr;
use sekisho_types::{Addr, Subnet};

/// Length of the fixed header.
pub const HEADER_LEN: usize = 12;
/// Longest name kept, in bytes with its dots; twice what RFC 1035 §2.3.4 allows.
pub const MAX_NAME_LEN: usize = 512;
/// From this length on a name is reported as too long.
const LONG_NAME_LEN: usize = 255;
/// Longest label (RFC 1035 §2.3.4).
const MAX_LABEL_LEN: usize = 63;
/// Compression pointers followed within one name; an honest one needs fewer than ten.
pub const MAX_POINTERS: u32 = 128;
/// Anomalies kept per message.
const MAX_ODDITIES: usize = 16;

/// The fixed header's fields (RFC 1035 §4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Joins a reply to its query.
    pub id: u16,
    /// This is a reply.
    pub qr: bool,
    /// Operation.
    pub opcode: u8,
    /// Authoritative answer.
    pub aa: bool,
    /// Truncated.
    pub tc: bool,
    /// Recursion desired.
    pub rd: bool,
    /// Recursion available.
    pub ra: bool,
    /// Three bits: reserved, authentic data, checking disabled.
    pub z: u8,
    /// Response code.
    pub rcode: u8,
    /// Questions (zones in an update).
    pub qdcount: u16,
    /// Answers (prerequisites in an update).
    pub ancount: u16,
    /// Authority records (changes in an update).
    pub nscount: u16,
    /// Additional records.
    pub arcount: u16,
}

impl Header {
    /// The header at the start of `msg`; `None` if there are fewer than twelve bytes.
    pub fn parse(msg: &[u8]) -> Option<Self> {
        let [i0, i1, f0, f1, q0, q1, a0, a1, n0, n1, r0, r1] = *msg.first_chunk::<HEADER_LEN>()?;
        Some(Self {
            id: u16::from_be_bytes([i0, i1]),
            qr: f0 & 0x80 != 0,
            opcode: (f0 >> 3) & 0xf,
            aa: f0 & 4 != 0,
            tc: f0 & 2 != 0,
            rd: f0 & 1 != 0,
            ra: f1 & 0x80 != 0,
            z: (f1 >> 4) & 7,
            rcode: f1 & 0xf,
            qdcount: u16::from_be_bytes([q0, q1]),
            ancount: u16::from_be_bytes([a0, a1]),
            nscount: u16::from_be_bytes([n0, n1]),
            arcount: u16::from_be_bytes([r0, r1]),
        })
    }
}

/// An anomaly: Zeek's name for it and a number as detail.
pub type Oddity = (&'static str, Option<u32>);

/// A name as text: labels with dots between them, none at the end. Reused, it costs nothing to allocate.
pub struct Name {
    text: [u8; MAX_NAME_LEN],
    len: usize,
}

impl Default for Name {
    fn default() -> Self {
        Self { text: [0; MAX_NAME_LEN], len: 0 }
    }
}

impl Name {
    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or(&[])
    }

    /// Adds a label and a dot; false if there is no room.
    fn push(&mut self, label: &[u8]) -> bool {
        let end = self.len + label.len();
        let Some([room @ .., dot]) = self.text.get_mut(self.len..=end).filter(|_| end < MAX_NAME_LEN) else {
            return false;
        };
        room.copy_from_slice(label);
        *dot = b'.';
        self.len = end + 1;
        true
    }

    fn finish(&mut self, lower: bool) {
        if self.as_bytes().last() == Some(&b'.') {
            self.len -= 1;
        }
        if lower && let Some(text) = self.text.get_mut(..self.len) {
            text.make_ascii_lowercase();
        }
    }
}

/// Longest name that [`Walk`] has at hand.
const AT_HAND_LEN: usize = 64;

/// A name that ended as it should, as sent: the one that was pointed to last, else the first. Most records of a message point to the
/// same one.
struct AtHand {
    text: [u8; AT_HAND_LEN],
    /// 0: none.
    len: usize,
    /// Where it begins.
    target: usize,
    /// A pointer that stands here, or behind, may lead to it: the whole name lies before.
    from: usize,
}

/// A cursor over one message.
pub struct Walk<'a> {
    msg: &'a [u8],
    pos: usize,
    at_hand: AtHand,
    /// NetBIOS name service: labels may be longer.
    pub netbios: bool,
    /// Anomalies so far.
    pub oddities: Vec<Oddity>,
}

/// Type and class behind a question's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Type asked for.
    pub qtype: u16,
    /// Class asked for.
    pub qclass: u16,
}

/// A record's fields between its name and its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RrHead {
    /// Type.
    pub rtype: u16,
    /// Class.
    pub class: u16,
    /// Time to live in seconds.
    pub ttl: u32,
    /// Length of the data in bytes.
    pub rdlength: usize,
}

impl<'a> Walk<'a> {
    /// Starts behind the header of `msg`.
    pub const fn new(msg: &'a [u8], netbios: bool) -> Self {
        let at_hand = AtHand { text: [0; AT_HAND_LEN], len: 0, target: 0, from: 0 };
        Self { msg, pos: HEADER_LEN, at_hand, netbios, oddities: Vec::new() }
    }

    /// Bytes not yet read.
    pub const fn left(&self) -> usize {
        self.msg.len().saturating_sub(self.pos)
    }

    /// Offset of the next byte.
    pub const fn pos(&self) -> usize {
        self.pos
    }

    /// Goes on at offset `pos`.
    pub fn seek(&mut self, pos: usize) {
        self.pos = pos.min(self.msg.len());
    }

    /// Reports an anomaly.
    pub fn odd(&mut self, name: &'static str, detail: Option<u32>) {
        if self.oddities.len() < MAX_ODDITIES {
            self.oddities.push((name, detail));
        }
    }

    /// The next `n` bytes, or as many as there are.
    pub fn up_to(&mut self, n: usize) -> &'a [u8] {
        let end = self.pos.saturating_add(n).min(self.msg.len());
        let bytes = self.msg.get(self.pos..end).unwrap_or(&[]);
        self.pos = end;
        bytes
    }

    /// One byte; 0 at the end.
    pub fn u8(&mut self) -> u8 {
        self.up_to(1).first().copied().unwrap_or(0)
    }

    /// Two bytes; 0 and nothing consumed if there are fewer.
    pub fn u16(&mut self) -> u16 {
        if self.left() < 2 {
            return 0;
        }
        self.up_to(2).first_chunk().map_or(0, |b| u16::from_be_bytes(*b))
    }

    /// Four bytes; 0 and nothing consumed if there are fewer.
    pub fn u32(&mut self) -> u32 {
        if self.left() < 4 {
            return 0;
        }
        self.up_to(4).first_chunk().map_or(0, |b| u32::from_be_bytes(*b))
    }

    /// Reads a name into `out`. Always succeeds: what breaks off is what was there (see the module's head).
    pub fn name(&mut self, out: &mut Name, lower: bool) {
        out.len = 0;
        if self.again(out) {
            out.finish(lower);
            return;
        }
        let (mut pos, mut end) = (self.pos, self.msg.len());
        // Where the name begins, and from where on pointers may lead to it, if that is known.
        let (mut target, mut from) = (pos, None);
        let mut is_whole = false;
        let mut resume = None;
        let mut pointers = 0;
        loop {
            let start = pos;
            let Some(&len_byte) = self.msg.get(pos).filter(|_| pos < end) else { break };
            pos += 1;
            if pos >= end || len_byte == 0 {
                is_whole = len_byte == 0;
                break;
            }
            let label_len = usize::from(len_byte);
            if len_byte & 0xc0 == 0xc0 {
                let low = self.msg.get(pos).copied().unwrap_or(0);
                let to = usize::from(len_byte & 0x3f) << 8 | usize::from(low);
                resume.get_or_insert(pos + 1);
                if to >= start {
                    self.odd("DNS_label_forward_compress_offset", None);
                    break;
                }
                pointers += 1;
                if pointers > MAX_POINTERS {
                    self.odd("dns_pointer_limit", None);
                    break;
                }
                if start == self.pos {
                    (target, from) = (to, Some(start));
                }
                // What a pointer leads to ends before the pointer: so there is no loop.
                (pos, end) = (to, start);
                continue;
            }
            if label_len > end - pos {
                self.odd("DNS_label_len_gt_pkt", None);
                pos = end;
                break;
            }
            if label_len > MAX_LABEL_LEN && !self.netbios {
                self.odd("DNS_label_too_long", None);
                break;
            }
            let label = self.msg.get(pos..pos + label_len).unwrap_or(&[]);
            if !out.push(label) {
                self.odd("DNS_label_len_gt_name_len", None);
                break;
            }
            pos += label_len;
        }
        self.pos = resume.unwrap_or(pos);
        if is_whole && pointers < MAX_POINTERS && (from.is_some() || self.at_hand.len == 0) {
            self.keep(out, target, from.unwrap_or(self.pos));
        }
        if out.len >= LONG_NAME_LEN {
            self.odd("DNS_NAME_too_long", None);
        }
        out.finish(lower);
    }

    /// Reads a name that is nothing but a pointer to the one at hand.
    fn again(&mut self, out: &mut Name) -> bool {
        let Some(&[high @ 0xc0..=0xff, low]) = self.msg.get(self.pos..).and_then(|rest| rest.first_chunk()) else {
            return false;
        };
        let AtHand { text, len, target, from } = &self.at_hand;
        let is_it = *target == usize::from(u16::from_be_bytes([high & 0x3f, low])) && self.pos >= *from;
        let (Some(text), Some(room)) = (text.get(..*len), out.text.get_mut(..*len)) else { return false };
        if *len == 0 || !is_it {
            return false;
        }
        room.copy_from_slice(text);
        out.len = *len;
        self.pos += 2;
        true
    }

    fn keep(&mut self, name: &Name, target: usize, from: usize) {
        let Some(text) = name.text.get(..name.len).filter(|text| !text.is_empty()) else { return };
        if let Some(room) = self.at_hand.text.get_mut(..text.len()) {
            room.copy_from_slice(text);
            (self.at_hand.len, self.at_hand.target, self.at_hand.from) = (text.len(), target, from);
        }
    }

    /// A question; its name goes to `name` in lower case.
    pub fn question(&mut self, name: &mut Name) -> Option<Question> {
        self.name(name, true);
        if self.left() < 4 {
            self.odd("DNS_truncated_quest_too_short", None);
            return None;
        }
        Some(Question { qtype: self.u16(), qclass: self.u16() })
    }

    /// A record's name and head; the cursor stands before the data.
    pub fn rr_head(&mut self, name: &mut Name) -> Option<RrHead> {
        self.name(name, true);
        if self.left() < 4 {
            self.odd("DNS_truncated_ans_too_short", None);
            return None;
        }
        let (rtype, class, ttl) = (self.u16(), self.u16(), self.u32());
        let rdlength = usize::from(self.u16());
        if rdlength > self.left() {
            self.odd("DNS_truncated_RR_rdlength_lt_len", None);
            return None;
        }
        Some(RrHead { rtype, class, ttl, rdlength })
    }
}

/// What EDNS says in one message (RFC 6891).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edns {
    /// UDP payload size of the sender.
    pub udp_size: u16,
    /// DNSSEC records are wanted.
    pub dnssec_ok: bool,
    /// Upper eight bits of the response code.
    pub rcode_high: u8,
    /// Client subnet.
    pub ecs: Option<Subnet>,
    /// Extended error's code.
    pub ede: Option<u16>,
}

/// EDNS client subnet (RFC 7871 §6).
const OPTION_ECS: u16 = 8;
/// Extended DNS error (RFC 8914 §2).
const OPTION_EDE: u16 = 15;

/// Looks for EDNS among the `records` records that follow in `walk`; `name` is room for their names.
pub fn find_edns(walk: &mut Walk<'_>, name: &mut Name, records: u32) -> Option<Edns> {
    for _ in 0..records {
        let head = walk.rr_head(name)?;
        let data = walk.up_to(head.rdlength);
        if head.rtype == rr::OPT {
            return Some(edns(head, data));
        }
    }
    None
}

/// What a record of type OPT says.
pub fn edns(head: RrHead, data: &[u8]) -> Edns {
    let [rcode_high, _version, flags, _] = head.ttl.to_be_bytes();
    let mut edns = Edns { udp_size: head.class, dnssec_ok: flags & 0x80 != 0, rcode_high, ..Edns::default() };
    options(data, &mut edns);
    edns
}

fn options(mut data: &[u8], edns: &mut Edns) {
    while let Some((&[c0, c1, l0, l1], rest)) = data.split_first_chunk::<4>() {
        let Some((value, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1]))) else { return };
        data = rest;
        match u16::from_be_bytes([c0, c1]) {
            OPTION_ECS => edns.ecs = client_subnet(value),
            OPTION_EDE => edns.ede = value.first_chunk().map(|b| u16::from_be_bytes(*b)),
            _ => {}
        }
    }
}

fn client_subnet(value: &[u8]) -> Option<Subnet> {
    let (&[f0, f1, prefix, _scope], octets) = value.split_first_chunk::<4>()?;
    if usize::from(prefix).div_ceil(8) > octets.len() {
        return None;
    }
    let addr = match u16::from_be_bytes([f0, f1]) {
        1 => Addr::v4(padded(octets)),
        2 => Addr::v6(padded(octets)),
        _ => return None,
    };
    Subnet::new(addr, prefix)
}

/// `octets` cut or filled up with zeros to `N`.
fn padded<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut all = [0; N];
    for (to, from) in all.iter_mut().zip(octets) {
        *to = *from;
    }
    all
}

/// The type of what a NetBIOS name names, the last of its 16 bytes. `None` if it is not so encoded.
pub fn netbios_type(encoded: &[u8]) -> Option<u8> {
    let nibble = |at: usize| encoded.get(at).map(|b| b.to_ascii_uppercase().wrapping_sub(b'A')).filter(|n| *n <= 15);
    Some(nibble(30)? << 4 | nibble(31)?)
}

/// The name that a NetBIOS name encodes (RFC 1001 §14.1): two letters `A`..=`P` for each of 16 bytes, of which
/// the last is a type and padding is blanks. `None` if it is not so encoded.
pub fn netbios_name(encoded: &[u8]) -> Option<Vec<u8>> {
    const BYTES: usize = 16;
    let mut name = Vec::with_capacity(BYTES);
    for pair in encoded.get(..2 * BYTES)?.chunks_exact(2) {
        let mut byte = 0;
        for letter in pair {
            let nibble = letter.to_ascii_uppercase().wrapping_sub(b'A');
            if nibble > 15 {
                return None;
            }
            byte = byte << 4 | nibble;
        }
        name.push(byte);
    }
    name.truncate(BYTES - 1);
    let shown = |b: &u8| *b == 1 || *b == 2 || b.is_ascii_graphic() || *b == b' ';
    name.truncate(name.iter().position(|b| !shown(b)).unwrap_or(name.len()));
    while name.last() == Some(&b' ') {
        name.pop();
    }
    (!name.is_empty()).then_some(name)
}
