//! Link frames and transport segments (IEEE 1815-2012 clauses 9 and 8).

use crate::frames::Head;
use sekisho_types::Heap;

/// Length of a frame's header with its checksum.
pub const HEADER_LEN: usize = 10;
/// Longest frame: header and 250 bytes of user data in blocks.
pub const MAX_FRAME_LEN: usize = 292;
/// What the header counts besides user data: control and addresses.
const COUNTED_LEN: u8 = 5;
/// User data before each checksum.
const BLOCK_LEN: usize = 16;
/// Longest application fragment put together; the standard's usual limit is 2048.
pub const MAX_FRAGMENT_LEN: usize = 8192;

/// Bits of the control byte: from the master, from the one that asks.
const DIR: u8 = 0x80;
/// Bits of a transport header: last and first segment, number.
const FIN: u8 = 0x80;
const FIR: u8 = 0x40;
const SEQUENCE: u8 = 0x3f;

/// Checksum of `bytes` (clause 9.2.4.3: polynomial 0x3d65, reflected).
pub fn crc(bytes: &[u8]) -> u16 {
    let mut crc = 0u16;
    for b in bytes {
        crc ^= u16::from(*b);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xa6bc } else { crc >> 1 };
        }
    }
    !crc
}

/// Are the last two bytes the checksum of those before?
fn checks(block: &[u8]) -> bool {
    block.split_last_chunk::<2>().is_some_and(|(data, sum)| crc(data) == u16::from_le_bytes(*sum))
}

/// How long is the frame that begins with `bytes`? Its header's checksum is looked at as soon as it is there.
pub fn extent(bytes: &[u8]) -> Head {
    let &[b'\x05', b'\x64', len, ..] = bytes else {
        let begins = matches!(bytes, [] | [0x05] | [0x05, 0x64]);
        return if begins { Head::More } else { Head::Bad };
    };
    let Some(user) = len.checked_sub(COUNTED_LEN).map(usize::from) else { return Head::Bad };
    match bytes.get(..HEADER_LEN) {
        None => Head::More,
        Some(header) if checks(header) => Head::whole(HEADER_LEN + user + 2 * user.div_ceil(BLOCK_LEN)),
        Some(_) => Head::Bad,
    }
}

/// A frame whose header's checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// Sent by the master.
    pub from_master: bool,
    pub control: u8,
    pub master: u16,
    pub outstation: u16,
    /// User data in blocks with their checksums.
    blocks: &'a [u8],
}

impl<'a> Link<'a> {
    /// Reads a whole frame.
    pub fn parse(frame: &'a [u8]) -> Option<Self> {
        let (&[_, _, _, control, d0, d1, s0, s1, _, _], blocks) = frame.split_first_chunk()?;
        let (to, from) = (u16::from_le_bytes([d0, d1]), u16::from_le_bytes([s0, s1]));
        let from_master = control & DIR != 0;
        let (master, outstation) = if from_master { (from, to) } else { (to, from) };
        Some(Self { from_master, control, master, outstation, blocks })
    }

    /// Whom the frame comes from and goes to.
    pub const fn ends(&self) -> (u16, u16) {
        if self.from_master { (self.master, self.outstation) } else { (self.outstation, self.master) }
    }

    /// Is it of a kind that carries user data?
    pub const fn is_user_data(&self) -> bool {
        matches!(self.control & 0xf, 3 | 4)
    }

    /// Does a fragment begin with it?
    pub fn is_first(&self) -> bool {
        self.blocks.first().is_some_and(|header| header & FIR != 0)
    }

    /// Does the frame carry user data? If not, it is of the link alone.
    pub const fn has_user_data(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// User data without checksums; `None` if one is wrong.
    fn user_data(&self) -> Option<impl Iterator<Item = u8> + use<'a>> {
        let blocks = self.blocks.chunks(BLOCK_LEN + 2);
        let right = blocks.clone().all(checks);
        right.then(|| blocks.flat_map(|b| b.iter().take(b.len().saturating_sub(2)).copied()))
    }
}

/// What a segment did to the fragment that is put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// The fragment goes on.
    More,
    /// The fragment is whole.
    Whole(Vec<u8>),
    /// Something was wrong; the weird's name.
    Odd(&'static str),
}

/// Puts one direction's fragment together.
#[derive(Debug, Default)]
pub struct Assembly {
    fragment: Vec<u8>,
    /// Number of the segment that must come next; `None` outside a fragment.
    next: Option<u8>,
}

impl Heap for Assembly {
    fn heap_len(&self) -> usize {
        self.fragment.heap_len()
    }
}

impl Assembly {
    /// Adds a frame's segment.
    pub fn add(&mut self, link: &Link<'_>) -> Segment {
        let Some(mut data) = link.user_data() else {
            self.clear();
            return Segment::Odd("dnp3_corrupt_app_chunk_checksum");
        };
        let Some(header) = data.next() else { return Segment::More };
        if header & FIR != 0 {
            self.clear();
        } else if self.next != Some(header & SEQUENCE) {
            let missing = self.next.is_none();
            self.clear();
            return Segment::Odd(if missing {
                "dnp3_first_application_layer_chunk_missing"
            } else {
                "dnp3_application_layer_chunk_missing"
            });
        }
        self.fragment.extend(data);
        self.next = Some(header.wrapping_add(1) & SEQUENCE);
        if self.fragment.len() > MAX_FRAGMENT_LEN {
            self.clear();
            return Segment::Odd("dnp3_fragment_too_long");
        }
        if header & FIN == 0 {
            return Segment::More;
        }
        self.next = None;
        Segment::Whole(std::mem::take(&mut self.fragment))
    }

    /// Forgets the fragment (after a hole).
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A frame from `from` to `to` with `data` behind its transport header.
    pub fn frame(control: u8, to: u16, from: u16, user: &[u8]) -> Vec<u8> {
        let mut out = vec![0x05, 0x64, COUNTED_LEN + user.len() as u8, control];
        out.extend(to.to_le_bytes());
        out.extend(from.to_le_bytes());
        out.extend(crc(&out).to_le_bytes());
        for block in user.chunks(BLOCK_LEN) {
            out.extend(block);
            out.extend(crc(block).to_le_bytes());
        }
        out
    }

    #[test]
    fn parses_the_standards_example_header() {
        // "Reset link states" from 1024 to 1, with the checksum that clause 9 gives such a header.
        let bytes = [0x05, 0x64, 0x05, 0xc0, 0x01, 0x00, 0x00, 0x04, 0xe9, 0x21];
        assert_eq!(extent(&bytes), Head::whole(10));
        let link = Link::parse(&bytes).unwrap();
        assert_eq!((link.from_master, link.master, link.outstation), (true, 1024, 1));
        assert!(!link.has_user_data());
    }

    #[test]
    fn parses_extents() {
        assert_eq!(extent(&[]), Head::More);
        assert_eq!(extent(&[5]), Head::More);
        assert_eq!(extent(&[5, 1]), Head::Bad);
        assert_eq!(extent(&[5, 0x64, 4]), Head::Bad);
        let whole = frame(0xc4, 1, 2, &[0xc0; 20]);
        assert_eq!(extent(&whole), Head::whole(whole.len()));
        assert_eq!(extent(&frame(0xc4, 1, 2, &[0xc0; 250])), Head::whole(MAX_FRAME_LEN));
    }

    #[test]
    fn rejects_wrong_checksums() {
        let mut bytes = frame(0xc4, 1, 2, &[0xc0, 1, 2]);
        bytes[8] ^= 1;
        assert_eq!(extent(&bytes), Head::Bad);
        let mut bytes = frame(0xc4, 1, 2, &[0xc0, 1, 2]);
        bytes[11] ^= 1;
        let link = Link::parse(&bytes).unwrap();
        assert_eq!(Assembly::default().add(&link), Segment::Odd("dnp3_corrupt_app_chunk_checksum"));
    }

    #[test]
    fn parses_fragments_in_order_only() {
        let mut a = Assembly::default();
        let mut add = |header: u8, text: &[u8]| {
            let bytes = frame(0x44, 1, 2, &[&[header], text].concat());
            a.add(&Link::parse(&bytes).unwrap())
        };
        assert_eq!(add(0x41, b"ab"), Segment::More);
        assert_eq!(add(0x82, b"c"), Segment::Whole(b"abc".to_vec()));
        assert_eq!(add(0x83, b"c"), Segment::Odd("dnp3_first_application_layer_chunk_missing"));
        assert_eq!(add(0x7f, b"a"), Segment::More);
        assert_eq!(add(0x00, b"b"), Segment::More);
        assert_eq!(add(0x82, b"d"), Segment::Odd("dnp3_application_layer_chunk_missing"));
        assert_eq!(add(0xc5, b"x"), Segment::Whole(b"x".to_vec()));
    }

    #[test]
    fn limits_fragments() {
        let mut a = Assembly::default();
        let outcome = (0..=u8::MAX).map(|i| {
            let bytes = frame(0x44, 1, 2, &[&[if i == 0 { FIR } else { i & SEQUENCE }][..], &[0; 249]].concat());
            a.add(&Link::parse(&bytes).unwrap())
        });
        assert_eq!(outcome.take(33).last(), Some(Segment::Odd("dnp3_fragment_too_long")));
        assert_eq!(a.heap_len(), 0);
    }
}
