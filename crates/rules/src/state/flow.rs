//! What rules remember of a flow.

use crate::compile::{BlendNumber, LITERAL_LEN_MAX, Program};
use crate::ir::BitChange;
use sekisho_types::{Dir, Heap, block_len, list_len};
use std::ops::Range;

/// Bytes of each direction's stream that are kept for matches across calls.
pub(crate) const TAIL_LEN: usize = 2048;
/// Rules noted in [`FlowState::loose`].
const LOOSE_COUNT_MAX: usize = 32;
/// Flow integers of one flow.
const INT_COUNT_MAX: usize = 64;

/// Captured strings of one flow, by their names.
const VAR_COUNT_MAX: usize = 32;

/// What an expression captured: name and value.
pub type Var = (Box<str>, Box<[u8]>);

/// The end of one direction's stream.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    pub(crate) bytes: Vec<u8>,
    /// Offset in the stream of the byte behind the last.
    pub(crate) end: u64,
}

/// Bytes of one direction that rules about exchanges search as its payload: as many as [`Ahead`] keeps.
const AHEAD_LEN: usize = 16 * 1024;

/// What a direction's stream brought since rules last looked at an exchange of it, for those that search its payload, too.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// The last ones count: see [`Self::shown`].
    pub(crate) bytes: Vec<u8>,
    /// It was looked at: what comes next begins anew.
    pub(crate) looked: bool,
}

impl Ahead {
    /// Notes bytes of which the last [`AHEAD_LEN`] are shown.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if std::mem::take(&mut self.looked) {
            self.bytes.clear();
        }
        let bytes = bytes.get(bytes.len().saturating_sub(AHEAD_LEN)..).unwrap_or(bytes);
        // Twice as many are kept, so that they need not be moved for each packet.
        if self.bytes.len() + bytes.len() > 2 * AHEAD_LEN {
            let over = (self.bytes.len() + bytes.len()).saturating_sub(AHEAD_LEN);
            self.bytes.drain(..over.min(self.bytes.len()));
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What rules search.
    pub(crate) fn shown(bytes: &[u8]) -> &[u8] {
        bytes.get(bytes.len().saturating_sub(AHEAD_LEN)..).unwrap_or(bytes)
    }
}

/// Which bytes of which packet: tunnelled ones have the number of their carrier.
pub(crate) type PacketPlace = (u64, usize, Dir);

/// Literals found in packets for the stream that they wait for; with more, it is searched again.
const FOUND_COUNT_MAX: usize = 64;

/// Bytes before a packet's that are searched with it, for literals that lie across the joint.
const LEAD_LEN: usize = LITERAL_LEN_MAX - 1;

/// What of a stream was searched in the packets that brought it, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Searched {
    /// Offsets in the stream.
    pub(crate) range: Range<u64>,
    /// Literals, and within which bytes they stand.
    found: Vec<(Range<u64>, u32)>,
    /// The last bytes.
    lead: [u8; LEAD_LEN],
    lead_len: usize,
}

impl Searched {
    /// The last bytes before `offset`, if that is where the next packet's begin.
    pub(crate) fn lead(&self, offset: u64) -> &[u8] {
        let len = if self.range.end == offset { self.lead_len } else { 0 };
        self.lead.get(..len).unwrap_or_default()
    }

    /// A packet's payload, which is what comes at `offset`, was searched, with the bytes before it.
    pub(crate) fn push(&mut self, offset: u64, payload: &[u8], literals: &[u32]) {
        let end = offset.saturating_add(payload.len() as u64);
        if self.range.end != offset || self.found.len() + literals.len() > FOUND_COUNT_MAX {
            self.found.clear();
            self.range.start = offset;
            self.lead_len = 0;
        }
        self.range.end = end;
        if literals.len() > FOUND_COUNT_MAX {
            self.range.start = end;
        } else {
            let within = offset.saturating_sub(LEAD_LEN as u64)..end;
            self.found.extend(literals.iter().map(|literal| (within.clone(), *literal)));
        }
        // Of a short payload some of the bytes before it stay.
        let kept = LEAD_LEN.saturating_sub(payload.len()).min(self.lead_len);
        self.lead.copy_within(self.lead_len - kept..self.lead_len, 0);
        let new = payload.get(payload.len().saturating_sub(LEAD_LEN)..).unwrap_or_default();
        if let Some(room) = self.lead.get_mut(kept..kept + new.len()) {
            room.copy_from_slice(new);
            self.lead_len = kept + new.len();
        }
    }

    /// Were all of these bytes searched, but for literals that begin before them? Then `found` is told of the literals in them.
    pub(crate) fn take(&mut self, bytes: Range<u64>, mut found: impl FnMut(u32)) -> bool {
        let has_all = self.range.start <= bytes.start && bytes.end <= self.range.end;
        if has_all {
            let here = self.found.iter().filter(|(at, _)| at.start < bytes.end && at.end > bytes.start);
            here.for_each(|(_, literal)| found(*literal));
        }
        self.found.retain(|(at, _)| at.end > bytes.end);
        has_all
    }
}

/// What rules remember of a flow. The engine keeps one for each flow that it shows.
#[derive(Debug, Default)]
pub struct FlowState {
    bits: Vec<u64>,
    ints: Vec<(u16, u32)>,
    /// What expressions captured for the flow.
    vars: Vec<Var>,
    pub(crate) tails: [Tail; 2],
    /// Payload for rules about exchanges, if there are any that ask for it.
    pub(crate) ahead: [Ahead; 2],
    /// Rules of which a literal was seen in what the tails hold, and up to where.
    pub(crate) open: [Vec<(u32, u64)>; 2],
    /// Rules for streams that matched on packets of a connection whose beginning was not seen.
    pub(crate) loose: Vec<u32>,
    /// The application protocol when its groups were looked up, and where they are.
    pub(crate) app: &'static str,
    pub(crate) app_known: bool,
    pub(crate) app_groups: [u16; 5],
    /// What its ports select, by direction: numbers given by the inspector that looks at it.
    pub(crate) stream_blends: [Option<BlendNumber>; 2],
    pub(crate) packet_blends: [Option<BlendNumber>; 2],
    /// As those of packets, with those of the stream beside.
    pub(crate) both_blends: [Option<BlendNumber>; 2],
    /// The packet whose payload comes next in its stream, and where.
    next_in_stream: Option<(PacketPlace, u64)>,
    /// What of the streams was searched in packets.
    pub(crate) searched: [Searched; 2],
    /// What is looked at once for each direction has been: addresses, protocol.
    pub(crate) once: [bool; 2],
    pub(crate) once_app: [bool; 2],
    /// A `pass` rule has spoken for the flow.
    pub(crate) passed: bool,
    /// A rule with `bypass` has matched.
    pub(crate) bypassed: bool,
    /// Stands for the flow where something is counted by flow; 0: not yet given.
    pub(crate) number: u64,
}

impl FlowState {
    /// Notes a rule for streams that matched on a packet.
    pub(crate) fn keep_loose(&mut self, program: &Program, number: u32) {
        let is_for_streams = program.plans.get(number as usize).is_some_and(|plan| plan.stream && !plan.packet);
        if is_for_streams && self.loose.len() < LOOSE_COUNT_MAX && !self.loose.contains(&number) {
            self.loose.push(number);
        }
    }

    /// The payload of the packet at hand, all of it, is what comes at `offset` of what `dir` sends: said before
    /// [`crate::Inspector::packet`], it is searched once for both.
    pub fn comes_next(&mut self, number: u64, dir: Dir, payload: &[u8], offset: u64) {
        self.next_in_stream = Some(((number, payload.as_ptr() as usize, dir), offset));
    }

    /// What comes at `offset` of what `dir` sends is not a packet's payload.
    pub fn comes_apart(&mut self, dir: Dir, offset: u64) {
        let searched = dir.of_mut(&mut self.searched);
        if offset < searched.range.end {
            // The flow has turned round.
            *searched = Searched::default();
        }
    }

    /// Is the end of a stream kept, for matches across calls?
    pub fn keeps_stream(&self) -> bool {
        self.tails.iter().any(|tail| tail.bytes.capacity() > 0)
    }

    /// Nothing of what `dir` sends is searched any more as a stream.
    pub fn end_stream(&mut self, dir: Dir) {
        *dir.of_mut(&mut self.tails) = Tail::default();
        *dir.of_mut(&mut self.open) = Vec::new();
    }

    /// Where in the stream the payload of that packet comes.
    pub(crate) fn take_next(&mut self, packet: PacketPlace) -> Option<u64> {
        self.next_in_stream.take().filter(|(place, _)| *place == packet).map(|(_, offset)| offset)
    }

    /// Was a rule noted so? Then it is no more.
    pub(crate) fn take_loose(&mut self, number: u32) -> bool {
        let at = self.loose.iter().position(|n| *n == number);
        at.map(|at| self.loose.swap_remove(at)).is_some()
    }

    /// Is a flow bit set?
    pub fn has_bit(&self, bit: u16) -> bool {
        self.bits.get(usize::from(bit / 64)).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    pub(crate) fn change_bit(&mut self, change: BitChange, bit: u16) {
        let at = usize::from(bit / 64);
        if self.bits.len() <= at {
            self.bits.resize(at + 1, 0);
        }
        let Some(word) = self.bits.get_mut(at) else { return };
        let mask = 1u64 << (bit % 64);
        match change {
            BitChange::Set => *word |= mask,
            BitChange::Unset => *word &= !mask,
            BitChange::Toggle => *word ^= mask,
        }
    }

    /// The bits that are set.
    pub fn bits(&self) -> impl Iterator<Item = u16> {
        (0u16..)
            .zip(&self.bits)
            .flat_map(|(n, word)| (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| n * 64 + bit))
    }

    /// A flow integer, if it was ever set.
    pub fn int(&self, var: u16) -> Option<u32> {
        self.ints.iter().find(|(v, _)| *v == var).map(|(_, n)| *n)
    }

    /// The flow integers that were set.
    pub fn ints(&self) -> &[(u16, u32)] {
        &self.ints
    }

    /// What expressions captured for the flow, in the order found.
    pub fn vars(&self) -> &[Var] {
        &self.vars
    }

    pub(crate) fn set_var(&mut self, name: &str, value: &[u8]) {
        if let Some((_, old)) = self.vars.iter_mut().find(|(n, _)| **n == *name) {
            *old = value.into();
        } else if self.vars.len() < VAR_COUNT_MAX {
            self.vars.push((name.into(), value.into()));
        }
    }

    pub(crate) fn set_int(&mut self, var: u16, value: u32) {
        if let Some((_, old)) = self.ints.iter_mut().find(|(v, _)| *v == var) {
            *old = value;
        } else if self.ints.len() < INT_COUNT_MAX {
            self.ints.push((var, value));
        }
    }

    /// Has a `pass` rule taken the flow out?
    pub const fn is_passed(&self) -> bool {
        self.passed
    }

    /// Takes the flow out, as a `pass` rule would.
    pub const fn pass(&mut self) {
        self.passed = true;
    }

    /// Is nobody to look at the flow any more?
    pub const fn is_bypassed(&self) -> bool {
        self.bypassed
    }

    /// Is it nothing for rules any more?
    pub(crate) const fn is_out(&self) -> bool {
        self.passed || self.bypassed
    }
}

impl Tail {
    /// Notes what follows in the stream, keeping the last [`TAIL_LEN`] bytes.
    pub(crate) fn push(&mut self, offset: u64, bytes: &[u8]) {
        if self.end != offset {
            self.bytes.clear();
        }
        if bytes.len() >= TAIL_LEN {
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes.get(bytes.len() - TAIL_LEN..).unwrap_or_default());
        } else {
            let over = (self.bytes.len() + bytes.len()).saturating_sub(TAIL_LEN);
            if over > 0 {
                self.bytes.drain(..over);
            }
            self.bytes.extend_from_slice(bytes);
        }
        self.end = offset.saturating_add(bytes.len() as u64);
    }
}

impl Heap for FlowState {
    fn heap_len(&self) -> usize {
        let [orig, resp] = &self.tails;
        list_len(&self.bits)
            + list_len(&self.ints)
            + list_len(&self.vars)
            + self.vars.iter().map(|(name, value)| block_len(name.len()) + block_len(value.len())).sum::<usize>()
            + list_len(&self.loose)
            + self.open.iter().map(list_len).sum::<usize>()
            + block_len(orig.bytes.capacity())
            + block_len(resp.bytes.capacity())
            + self.ahead.iter().map(|ahead| block_len(ahead.bytes.capacity())).sum::<usize>()
            + self.searched.iter().map(|searched| list_len(&searched.found)).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_for_exchanges_begins_anew_once_looked_at_and_is_limited() {
        let mut ahead = Ahead::default();
        ahead.push(b"one ");
        ahead.push(b"two");
        assert_eq!(ahead.bytes, b"one two");
        ahead.looked = true;
        ahead.push(b"three");
        assert_eq!(ahead.bytes, b"three");
        ahead.push(&[7; AHEAD_LEN + 1]);
        let shown = Ahead::shown(&ahead.bytes);
        assert!(shown.len() == AHEAD_LEN && shown.iter().all(|&b| b == 7));
        ahead.push(b"end");
        let shown = Ahead::shown(&ahead.bytes);
        assert!(shown.len() == AHEAD_LEN && shown.ends_with(b"\x07end"));
        let piece: Vec<u8> = (0..251).collect();
        for _ in 0..200 {
            ahead.push(&piece);
            assert!(ahead.bytes.len() <= 2 * AHEAD_LEN && Ahead::shown(&ahead.bytes).len() == AHEAD_LEN);
        }
        let whole = piece.repeat(200);
        assert_eq!(Ahead::shown(&ahead.bytes), &whole[whole.len() - AHEAD_LEN..]);
    }

    fn take(searched: &mut Searched, bytes: Range<u64>) -> Option<Vec<u32>> {
        let mut found = Vec::new();
        searched.take(bytes, |literal| found.push(literal)).then_some(found)
    }

    #[test]
    fn what_packets_were_searched_for_is_told_once_with_their_stream() {
        let mut searched = Searched::default();
        searched.push(0, &[1; 100], &[7]);
        assert_eq!(searched.lead(100), [1; LEAD_LEN]);
        assert!(searched.lead(99).is_empty(), "not what the next packet follows");
        searched.push(100, &[2; 10], &[8, 9]);
        assert_eq!(searched.lead(110), [[1; LEAD_LEN - 10].as_slice(), &[2; 10]].concat());
        assert_eq!(take(&mut searched, 0..60), Some(vec![7]));
        // The literal of the first packet may stand in the rest of it.
        assert_eq!(take(&mut searched, 60..100), Some(vec![7, 8, 9]), "it may begin before its packet");
        assert_eq!(take(&mut searched, 100..110), Some(vec![8, 9]));
        assert_eq!(take(&mut searched, 100..110), Some(Vec::new()), "told once");
        assert_eq!(take(&mut searched, 105..111), None, "the last byte was in no packet");
    }

    #[test]
    fn what_was_not_searched_is_searched_with_its_stream() {
        let mut searched = Searched::default();
        searched.push(0, &[1; 100], &[7]);
        // A packet is missing.
        searched.push(200, &[2; 100], &[8]);
        assert_eq!(take(&mut searched, 100..200), None);
        assert_eq!(take(&mut searched, 200..300), Some(vec![8]));
        assert_eq!(searched.lead(300), [2; LEAD_LEN]);
        // More literals than are kept: what comes next counts alone, or not even that.
        let many: Vec<u32> = (0..FOUND_COUNT_MAX as u32).collect();
        searched.push(300, &[3; 100], &many);
        searched.push(400, &[4; 100], &[1000]);
        assert_eq!(take(&mut searched, 300..400), None);
        assert_eq!(take(&mut searched, 400..500), Some(vec![1000]));
        searched.push(500, &[5; 100], &[many, vec![1]].concat());
        assert_eq!(take(&mut searched, 500..600), None);
        assert!(searched.found.len() <= FOUND_COUNT_MAX);
    }

    #[test]
    fn a_packet_is_in_its_stream_only_if_that_was_said_of_it() {
        let mut state = FlowState::default();
        let payload = [1u8; 10];
        let place = |number| (number, payload.as_ptr() as usize, Dir::Orig);
        state.comes_next(3, Dir::Orig, &payload, 50);
        assert_eq!(state.take_next(place(4)), None);
        assert_eq!(state.take_next(place(3)), None, "it was of another packet");
        state.comes_next(3, Dir::Orig, &payload, 50);
        assert_eq!(state.take_next(place(3)), Some(50));
        // A flow that turns round begins anew.
        let end = |state: &FlowState| Dir::Resp.of(&state.searched).range.end;
        Dir::Resp.of_mut(&mut state.searched).push(0, &payload, &[7]);
        state.comes_apart(Dir::Orig, 5);
        state.comes_apart(Dir::Resp, 10);
        assert_eq!(end(&state), 10);
        state.comes_apart(Dir::Resp, 5);
        assert_eq!(end(&state), 0);
    }
}
