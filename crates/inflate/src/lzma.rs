//! The LZMA decoder proper and the `.lzma` container (LZMA SDK, lzma-specification.txt).
//!
//! A range-coded stream has no boundaries at which to pause, so a symbol is decoded only when the most bytes
//! that one can take are there; with fewer, its changes are noted and undone if the input runs out.

use crate::Stop;
use crate::sink::{CHUNK_LEN, Sink, Step};

/// Input that one symbol takes at most.
const SYMBOL_LEN_MAX: usize = 20;
const BIT_MODEL_BITS: u32 = 11;
const MOVE_BITS: u32 = 5;
const PROB_INIT: u16 = 1 << (BIT_MODEL_BITS - 1);

// Where each group of probabilities lies in the one table.
const IS_MATCH: usize = 0;
const IS_REP: usize = IS_MATCH + 12 * 16;
const IS_REP_G0: usize = IS_REP + 12;
const IS_REP_G1: usize = IS_REP_G0 + 12;
const IS_REP_G2: usize = IS_REP_G1 + 12;
const IS_REP0_LONG: usize = IS_REP_G2 + 12;
const POS_SLOT: usize = IS_REP0_LONG + 12 * 16;
const POS_SPECIAL: usize = POS_SLOT + 4 * 64;
const ALIGN: usize = POS_SPECIAL + 128;
const LEN_CODER: usize = ALIGN + 16;
const REP_LEN_CODER: usize = LEN_CODER + LEN_CODER_SIZE;
const LITERAL: usize = REP_LEN_CODER + LEN_CODER_SIZE;
/// Two choices, sixteen low and mid trees of 8, one high tree of 256.
const LEN_CODER_SIZE: usize = 2 + 16 * 8 + 16 * 8 + 256;
/// More literal context bits together than any encoder writes; xz refuses them too.
const LITERAL_BITS_MAX: u32 = 4;

/// The input ended within a symbol.
struct Short;

/// Range decoder over a slice.
#[derive(Clone, Copy, Default)]
struct Range {
    range: u32,
    code: u32,
    pos: usize,
}

/// Literal context and position bits.
#[derive(Clone, Copy, Default)]
pub(crate) struct Props {
    lc: u32,
    lp: u32,
    pb: u32,
}

impl Props {
    /// From the properties byte.
    pub(crate) fn parse(byte: u8) -> Result<Self, Stop> {
        let byte = u32::from(byte);
        let props = Self { lc: byte % 9, lp: byte / 9 % 5, pb: byte / 45 };
        if byte >= 225 || props.lc + props.lp > LITERAL_BITS_MAX { Err(Stop::Corrupt) } else { Ok(props) }
    }
}

/// How a run of symbols ended.
#[derive(PartialEq, Eq)]
pub(crate) enum Run {
    /// So many bytes of output are there as were asked for.
    Full,
    /// The end marker.
    Marker,
    /// The input ran out.
    NeedInput,
}

/// Decoder state and history.
pub(crate) struct Lzma {
    props: Props,
    probs: Vec<u16>,
    range: Range,
    state: usize,
    reps: [u32; 4],
    /// The latest output, at least as much of it as matches may refer to.
    history: Vec<u8>,
    /// How much of `history` was handed out.
    handed: usize,
    /// Output since the last reset of the dictionary, for positions.
    produced: u64,
    /// Distances up to which history is kept.
    dict_len: usize,
    /// Set if history is kept for less than the stream's dictionary.
    dict_capped: bool,
    /// Changed probabilities of the current symbol, while input is scarce.
    undo: Option<Vec<(usize, u16)>>,
}

impl Lzma {
    pub(crate) fn heap_len(&self) -> usize {
        self.probs.capacity() * size_of::<u16>() + self.history.capacity()
    }

    pub(crate) fn new(dict_len: u32, memory_len: usize) -> Self {
        let wanted = usize::try_from(dict_len).unwrap_or(usize::MAX).max(4096);
        let mut lzma = Self {
            props: Props::default(),
            probs: Vec::new(),
            range: Range::default(),
            state: 0,
            reps: [0; 4],
            history: Vec::new(),
            handed: 0,
            produced: 0,
            dict_len: wanted.min(memory_len),
            dict_capped: wanted > memory_len,
            undo: None,
        };
        lzma.reset_state(Props::default());
        lzma
    }

    /// Forgets what was learned, not the history.
    pub(crate) fn reset_state(&mut self, props: Props) {
        self.props = props;
        self.probs.clear();
        self.probs.resize(LITERAL + (0x300 << (props.lc + props.lp)), PROB_INIT);
        self.state = 0;
        self.reps = [0; 4];
    }

    pub(crate) fn props(&self) -> Props {
        self.props
    }

    /// Forgets the history; all of it must have been handed out.
    pub(crate) fn reset_dict(&mut self) {
        self.history.clear();
        self.handed = 0;
        self.produced = 0;
    }

    /// Starts range decoding with the five bytes at the beginning of `input`.
    pub(crate) fn begin(&mut self, input: &[u8]) -> Result<(), Stop> {
        let Some(&[0, a, b, c, d]) = input.first_chunk::<5>() else {
            return Err(Stop::Corrupt);
        };
        self.range = Range { range: u32::MAX, code: u32::from_be_bytes([a, b, c, d]), pos: 0 };
        Ok(())
    }

    /// Takes bytes that were not compressed.
    pub(crate) fn stored(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Result<(), Stop> {
        self.history.extend_from_slice(bytes);
        self.produced += bytes.len() as u64;
        self.hand_out(sink)
    }

    /// Hands on what is new and drops history that no match can reach.
    fn hand_out(&mut self, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let new = self.history.get(self.handed..).unwrap_or(&[]);
        let result = sink.write(new);
        self.handed = self.history.len();
        if self.history.len() > self.dict_len.saturating_mul(2).saturating_add(CHUNK_LEN) {
            let drop = self.history.len() - self.dict_len;
            self.history.drain(..drop);
            self.handed = self.history.len();
        }
        result
    }

    /// Decodes symbols from `input`, which begins where the last call left off, until `want` bytes more are
    /// out. Returns how it ended, the bytes of input used and the bytes of output made.
    pub(crate) fn run(&mut self, input: &[u8], want: u64, sink: &mut Sink<'_>) -> Result<(Run, usize, u64), Stop> {
        let target = self.produced.saturating_add(want);
        let before = self.produced;
        self.range.pos = 0;
        let end = loop {
            if self.produced >= target {
                break Run::Full;
            }
            let safe = input.len() - self.range.pos.min(input.len()) >= SYMBOL_LEN_MAX;
            self.undo = (!safe).then(Vec::new);
            let (range, state, reps, len) = (self.range, self.state, self.reps, self.history.len());
            match self.symbol(input, target) {
                Ok(Ok(false)) => {}
                Ok(Ok(true)) => break Run::Marker,
                Ok(Err(stop)) => {
                    self.hand_out(sink)?;
                    return Err(stop);
                }
                Err(Short) => {
                    (self.range, self.state, self.reps) = (range, state, reps);
                    self.history.truncate(len);
                    for (at, old) in self.undo.take().unwrap_or_default().into_iter().rev() {
                        if let Some(p) = self.probs.get_mut(at) {
                            *p = old;
                        }
                    }
                    break Run::NeedInput;
                }
            }
            if self.history.len() - self.handed >= CHUNK_LEN {
                self.hand_out(sink)?;
            }
        };
        self.hand_out(sink)?;
        Ok((end, self.range.pos, self.produced - before))
    }

    /// One bit with the probability at `at`.
    fn bit(&mut self, at: usize, input: &[u8]) -> Result<usize, Short> {
        self.normalize(input)?;
        let Some(prob) = self.probs.get_mut(at) else {
            return Err(Short);
        };
        if let Some(undo) = &mut self.undo {
            undo.push((at, *prob));
        }
        let bound = (self.range.range >> BIT_MODEL_BITS) * u32::from(*prob);
        if self.range.code < bound {
            self.range.range = bound;
            *prob += ((1 << BIT_MODEL_BITS) - *prob) >> MOVE_BITS;
            Ok(0)
        } else {
            self.range.range -= bound;
            self.range.code -= bound;
            *prob -= *prob >> MOVE_BITS;
            Ok(1)
        }
    }

    fn normalize(&mut self, input: &[u8]) -> Result<(), Short> {
        if self.range.range < 1 << 24 {
            let &byte = input.get(self.range.pos).ok_or(Short)?;
            self.range.pos += 1;
            self.range.range <<= 8;
            self.range.code = self.range.code << 8 | u32::from(byte);
        }
        Ok(())
    }

    /// `count` bits with even odds.
    fn direct(&mut self, count: u32, input: &[u8]) -> Result<u32, Short> {
        let mut value = 0;
        for _ in 0..count {
            self.normalize(input)?;
            self.range.range >>= 1;
            let one = self.range.code >= self.range.range;
            if one {
                self.range.code -= self.range.range;
            }
            value = value << 1 | u32::from(one);
        }
        Ok(value)
    }

    /// A tree of `bits` levels at `base`.
    fn tree(&mut self, base: usize, bits: u32, input: &[u8]) -> Result<usize, Short> {
        let mut node = 1;
        for _ in 0..bits {
            node = node << 1 | self.bit(base + node, input)?;
        }
        Ok(node - (1 << bits))
    }

    /// As `tree`, lowest bit first.
    fn reverse_tree(&mut self, base: usize, bits: u32, input: &[u8]) -> Result<u32, Short> {
        let (mut node, mut value) = (1, 0);
        for i in 0..bits {
            let bit = self.bit(base + node, input)?;
            node = node << 1 | bit;
            value |= u32::from(bit == 1) << i;
        }
        Ok(value)
    }

    fn len(&mut self, base: usize, pos_state: usize, input: &[u8]) -> Result<usize, Short> {
        if self.bit(base, input)? == 0 {
            return Ok(2 + self.tree(base + 2 + pos_state * 8, 3, input)?);
        }
        if self.bit(base + 1, input)? == 0 {
            return Ok(10 + self.tree(base + 2 + 128 + pos_state * 8, 3, input)?);
        }
        Ok(18 + self.tree(base + 2 + 256, 8, input)?)
    }

    /// One literal, match or marker; true for the end marker.
    fn symbol(&mut self, input: &[u8], target: u64) -> Result<Result<bool, Stop>, Short> {
        let low = |bits: u32, v: u64| usize::try_from(v & ((1 << bits) - 1)).unwrap_or(0);
        let pos_state = low(self.props.pb, self.produced);
        if self.bit(IS_MATCH + self.state * 16 + pos_state, input)? == 0 {
            self.literal(input)?;
            return Ok(Ok(false));
        }
        let len;
        if self.bit(IS_REP + self.state, input)? == 0 {
            self.reps = [self.reps[0], self.reps[0], self.reps[1], self.reps[2]];
            len = self.len(LEN_CODER, pos_state, input)?;
            self.state = if self.state < 7 { 7 } else { 10 };
            self.reps[0] = self.distance(len, input)?;
            if self.reps[0] == u32::MAX {
                return Ok(Ok(true));
            }
        } else if self.bit(IS_REP_G0 + self.state, input)? == 0 {
            if self.bit(IS_REP0_LONG + self.state * 16 + pos_state, input)? == 0 {
                self.state = if self.state < 7 { 9 } else { 11 };
                return Ok(self.copy(1, target));
            }
            len = self.rep_len(pos_state, input)?;
        } else {
            self.rotate(input)?;
            len = self.rep_len(pos_state, input)?;
        }
        Ok(self.copy(len, target))
    }

    fn rep_len(&mut self, pos_state: usize, input: &[u8]) -> Result<usize, Short> {
        let len = self.len(REP_LEN_CODER, pos_state, input)?;
        self.state = if self.state < 7 { 8 } else { 11 };
        Ok(len)
    }

    /// Brings the second to fourth latest distance to the front.
    fn rotate(&mut self, input: &[u8]) -> Result<(), Short> {
        let [a, b, c, d] = self.reps;
        self.reps = if self.bit(IS_REP_G1 + self.state, input)? == 0 {
            [b, a, c, d]
        } else if self.bit(IS_REP_G2 + self.state, input)? == 0 {
            [c, a, b, d]
        } else {
            [d, a, b, c]
        };
        Ok(())
    }

    fn distance(&mut self, len: usize, input: &[u8]) -> Result<u32, Short> {
        let len_state = (len - 2).min(3);
        let slot = self.tree(POS_SLOT + len_state * 64, 6, input)?;
        let slot_bits = u32::try_from(slot).unwrap_or(0);
        if slot < 4 {
            return Ok(slot_bits);
        }
        let direct = (slot_bits >> 1) - 1;
        let base = (2 | slot_bits & 1) << direct;
        if slot < 14 {
            let at = usize::try_from(base).unwrap_or(0) - slot;
            return Ok(base + self.reverse_tree(POS_SPECIAL + at, direct, input)?);
        }
        let high = self.direct(direct - 4, input)? << 4;
        Ok(base.wrapping_add(high).wrapping_add(self.reverse_tree(ALIGN, 4, input)?))
    }

    /// The byte `distance` + 1 back; 0 before the beginning, as for the first literal.
    fn back(&self, distance: u32) -> Option<u8> {
        let distance = usize::try_from(distance).ok()?;
        self.history.get(self.history.len().checked_sub(distance.checked_add(1)?)?).copied()
    }

    fn literal(&mut self, input: &[u8]) -> Result<(), Short> {
        let previous = u32::from(self.back(0).unwrap_or(0));
        let mask = (1u64 << self.props.lp) - 1;
        let position = u32::try_from(self.produced & mask).unwrap_or(0);
        let context = (position << self.props.lc) + (previous >> (8 - self.props.lc));
        let base = LITERAL + 0x300 * usize::try_from(context).unwrap_or(0);
        let mut node = 1usize;
        if self.state >= 7 {
            let mut matched = usize::from(self.back(self.reps[0]).unwrap_or(0));
            while node < 0x100 {
                let match_bit = matched >> 7 & 1;
                matched <<= 1;
                let bit = self.bit(base + ((1 + match_bit) << 8) + node, input)?;
                node = node << 1 | bit;
                if match_bit != bit {
                    break;
                }
            }
        }
        while node < 0x100 {
            node = node << 1 | self.bit(base + node, input)?;
        }
        self.history.push(u8::try_from(node & 0xff).unwrap_or(0));
        self.produced += 1;
        self.state = match self.state {
            0..4 => 0,
            4..10 => self.state - 3,
            _ => self.state - 6,
        };
        Ok(())
    }

    /// Copies `len` bytes from the latest distance.
    fn copy(&mut self, len: usize, target: u64) -> Result<bool, Stop> {
        let distance = usize::try_from(self.reps[0]).map_or(usize::MAX, |d| d.saturating_add(1));
        let Some(start) = self.history.len().checked_sub(distance) else {
            let reachable = u64::from(self.reps[0]) < self.produced && self.dict_capped;
            return Err(if reachable { Stop::OverMemory } else { Stop::Corrupt });
        };
        if self.produced.saturating_add(len as u64) > target {
            return Err(Stop::Corrupt);
        }
        if distance >= len {
            self.history.extend_from_within(start..start + len);
        } else {
            for i in start..start + len {
                let byte = self.history.get(i).copied().unwrap_or(0);
                self.history.push(byte);
            }
        }
        self.produced += len as u64;
        Ok(false)
    }
}

/// A `.lzma` file: properties, dictionary size, size or all ones, one LZMA stream.
pub(crate) struct LzmaFile {
    lzma: Option<Box<Lzma>>,
    held: Vec<u8>,
    /// Output still to come, if announced.
    left: Option<u64>,
    over: bool,
    memory_len: usize,
}

/// Header and the range decoder's first bytes.
const FILE_HEADER_LEN: usize = 13 + 5;

impl LzmaFile {
    pub(crate) fn heap_len(&self) -> usize {
        self.held.capacity() + self.lzma.as_ref().map_or(0, |l| l.heap_len())
    }

    pub(crate) fn new(memory_len: usize) -> Self {
        Self { lzma: None, held: Vec::new(), left: None, over: false, memory_len }
    }

    pub(crate) fn push(&mut self, input: &[u8], sink: &mut Sink<'_>) -> Result<Step, Stop> {
        if self.over {
            return Ok(Step::End { trailing: input.len() });
        }
        // In slices, so that little more than a slice is ever held.
        for (i, slice) in input.chunks(CHUNK_LEN).enumerate() {
            sink.consumed(slice.len());
            self.held.extend_from_slice(slice);
            if let Some(unused) = self.slice(sink)? {
                self.over = true;
                let after = input.len() - (i * CHUNK_LEN + slice.len());
                return Ok(Step::End { trailing: after + unused });
            }
        }
        Ok(Step::More)
    }

    /// Decodes what is held; the number of unused bytes if the stream ended.
    fn slice(&mut self, sink: &mut Sink<'_>) -> Result<Option<usize>, Stop> {
        if self.lzma.is_none() {
            let Some(header) = self.held.get(..FILE_HEADER_LEN) else {
                return Ok(None);
            };
            let &[props, d0, d1, d2, d3, s0, s1, s2, s3, s4, s5, s6, s7, ..] = header else {
                return Err(Stop::Corrupt);
            };
            let size = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
            self.left = (size != u64::MAX).then_some(size);
            let mut lzma = Box::new(Lzma::new(u32::from_le_bytes([d0, d1, d2, d3]), self.memory_len));
            lzma.reset_state(Props::parse(props)?);
            lzma.begin(header.get(13..).unwrap_or(&[]))?;
            self.lzma = Some(lzma);
            self.held.drain(..FILE_HEADER_LEN);
        }
        let Some(lzma) = &mut self.lzma else {
            return Ok(None);
        };
        let (end, used, made) = lzma.run(&self.held, self.left.unwrap_or(u64::MAX), sink)?;
        self.held.drain(..used.min(self.held.len()));
        self.left = self.left.map(|left| left.saturating_sub(made));
        // The decoder reads a byte only when it needs it, an encoder always writes the last one.
        let tail = usize::from(lzma.range.range < 1 << 24).min(self.held.len());
        Ok(match end {
            Run::NeedInput => None,
            Run::Full | Run::Marker => Some(self.held.len() - tail),
        })
    }
}
