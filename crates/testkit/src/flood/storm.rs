use crate::{Addr, Conversation};
use sekisho_types::{Interval, Timestamp};
use std::io;

/// Time between two packets of an attack: 100,000 a second.
const STEP: Interval = Interval(10_000);

/// When every attack begins.
pub(super) fn start() -> Timestamp {
    Timestamp::from_parts(1_700_000_030, 0)
}

/// What the logs must say of an attack.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// Rows of the conn log beside the ordinary ones, where every flow must be counted once: not where flows go on
    /// after they had to be given up.
    pub flows: Option<u64>,
    /// For each entry some row must contain all its texts.
    pub says: Vec<Vec<String>>,
}

/// Takes a packet: time, captured bytes, length on the wire.
pub type Out<'a> = dyn FnMut(Timestamp, &[u8], u32) -> io::Result<()> + 'a;

/// Where the packets of an attack go: one after the other, in steps of time, with random numbers that are always
/// the same.
pub struct Storm<'a> {
    out: &'a mut Out<'a>,
    /// Time of the next packet.
    pub now: Timestamp,
    /// The numbers.
    pub random: Random,
}

impl<'a> Storm<'a> {
    /// An attack whose numbers follow from `name`; they go to `out`.
    pub fn new(name: &str, out: &'a mut Out<'a>) -> Self {
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Self { out, now: start(), random: Random::new(seed) }
    }

    /// Sends a frame.
    pub fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.send_cut(frame, frame.len() as u32)
    }

    /// Sends a frame of which only the beginning was captured.
    pub fn send_cut(&mut self, captured: &[u8], orig_len: u32) -> io::Result<()> {
        (self.out)(self.now, captured, orig_len)?;
        self.now = self.now + STEP;
        Ok(())
    }

    /// Sends a conversation's segments at the attack's pace.
    pub fn play(&mut self, conversation: &Conversation) -> io::Result<()> {
        conversation.frames().iter().try_for_each(|(_, frame)| self.send(frame))
    }
}

/// A small generator (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Numbers that follow from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.draw() % n
    }

    /// A port above the well-known ones.
    pub fn port(&mut self) -> u16 {
        1024 + self.below(64_000) as u16
    }

    /// `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.draw() as u8).collect()
    }

    /// `len` small letters.
    pub fn letters(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(b'a' + self.below(26) as u8)).collect()
    }
}

/// The `i`-th of 2^24 different addresses all over the Internet, none of them an ordinary client's.
pub(super) fn scattered(i: u64) -> Addr {
    let low = (i as u32).wrapping_mul(0x009e_3779) & 0x00ff_ffff;
    let [_, b, c, d] = low.to_be_bytes();
    Addr::v4([11 + (i % 80) as u8, b, c, d])
}

/// The `i`-th of 2^24 different IPv6 addresses.
pub(super) fn scattered_v6(i: u64) -> Addr {
    let [_, b, c, d] = (i as u32).wrapping_mul(0x009e_3779).to_be_bytes();
    Addr::v6([0x20, 0x01, 0x0d, 0xb8, b, c, d, 0, 0, 0, 0, 0, 0, b, c, d])
}
