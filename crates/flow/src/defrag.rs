//! IP defragmentation (RFC 791 §3.2, RFC 8200 §4.5): fragments in, whole IP packets out.
//!
//! A datagram is known by its ends, identification and protocol. What is kept is bounded in datagrams,
//! bytes, fragments and time; the oldest goes first. The whole packet is rebuilt with its header, so
//! that it can be decoded like any other.

use crate::{Config, OverlapPolicy};
use hashbrown::HashMap;
use sekisho_types::{Addr, SeededState, Timestamp};
use sekisho_wire::{Anomaly, Decoded, Fragment};
use std::collections::VecDeque;

/// Largest IP packet that can be described: both length fields have 16 bits.
const PACKET_MAX_LEN: usize = 65_535;
/// IP packets shorter than this that are not the last fragment are suspicious.
const SMALL_FRAGMENT_LEN: u32 = 64;
/// Fragments that end beyond this are suspicious.
const LARGE_FRAGMENT_END: u32 = 64_000;
/// IPv6 fragment header: length and protocol number.
const V6_FRAGMENT_LEN: usize = 8;
const V6_FRAGMENT: u8 = 44;
const V4_HEADER_LEN: usize = 20;
const V6_HEADER_LEN: usize = 40;
/// IPv6 extension headers walked to find the fragment header.
const V6_EXTENSION_MAX_COUNT: usize = 16;
/// What a waiting fragment costs beside the bytes: its place in the list, which grows by doubling, and the
/// allocator's share.
const PART_COST: usize = 96;
/// What a waiting datagram costs beside that: its places in the table, which is between 7/16 and 7/8 full, and in the
/// order of age, which may have twice as many.
const DATAGRAM_COST: usize = size_of::<(Key, Datagram)>() * 3 / 2 + size_of::<(Timestamp, u64, Key)>() * 2 + 64;
/// Entries in the order of age, beyond twice the waiting datagrams, at which the stale ones are thrown out.
const STALE_MAX_COUNT: usize = 1024;

/// What became of a fragment.
#[derive(Debug)]
pub enum Outcome {
    /// It waits for others.
    Pending,
    /// It could not be used: cut by the snaplen, impossible, or beyond a bound.
    Dropped,
    /// It completed a packet.
    Whole(Whole),
}

/// A packet put together again.
#[derive(Debug, PartialEq, Eq)]
pub struct Whole {
    /// The IP packet: header without fragmentation, and payload. Decode it as raw IP.
    pub bytes: Vec<u8>,
    /// Numbers of the frames that it came from, in order of arrival.
    pub packets: Vec<u64>,
    /// Time of the first fragment that came.
    pub first_ts: Timestamp,
}

/// What defragmentation did; `datagrams` and `buffered_len` are gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefragStats {
    /// Datagrams waiting now.
    pub datagrams: u64,
    /// Fragment bytes waiting now.
    pub buffered_len: u64,
    /// Fragments seen.
    pub fragments: u64,
    /// Packets put together.
    pub whole: u64,
    /// Datagrams given up after their time.
    pub expired: u64,
    /// Datagrams given up because a bound was reached.
    pub evicted: u64,
    /// Fragments not used.
    pub dropped: u64,
    /// Fragments that overlapped others.
    pub overlaps: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    src: Addr,
    dst: Addr,
    id: u32,
    proto: u8,
}

#[derive(Debug)]
struct Part {
    start: u32,
    bytes: Vec<u8>,
}

impl Part {
    fn end(&self) -> u32 {
        self.start.saturating_add(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX))
    }
}

#[derive(Debug)]
struct Datagram {
    serial: u64,
    first_ts: Timestamp,
    /// Header of the first fragment, of any fragment until that comes.
    header: Vec<u8>,
    /// Next header field of the IPv6 fragment header.
    next_header: u8,
    has_first: bool,
    parts: Vec<Part>,
    /// Payload length, once the last fragment is there.
    total: Option<u32>,
    packets: Vec<u64>,
    len: usize,
}

/// The fragments of one worker.
#[derive(Debug)]
pub struct Defragmenter {
    config: Config,
    table: HashMap<Key, Datagram, SeededState>,
    /// Datagrams in order of their first fragment; stale entries are skipped.
    order: VecDeque<(Timestamp, u64, Key)>,
    next_serial: u64,
    /// Memory that the waiting datagrams take; bounded by `fragment_len`.
    cost: usize,
    peak: usize,
    stats: DefragStats,
}

impl Defragmenter {
    /// An empty one; uses `limits`, `timeouts` and `overlap` of `config`.
    pub fn new(config: Config) -> Self {
        let state = SeededState(config.seed);
        Self {
            config,
            table: HashMap::with_hasher(state),
            order: VecDeque::new(),
            next_serial: 0,
            cost: 0,
            peak: 0,
            stats: DefragStats::default(),
        }
    }

    /// Counts so far.
    pub fn stats(&self) -> DefragStats {
        DefragStats { datagrams: self.table.len() as u64, ..self.stats }
    }

    /// Memory that the waiting datagrams take.
    pub const fn held_len(&self) -> usize {
        self.cost
    }

    /// The most that they took since the last call.
    pub fn take_peak(&mut self) -> usize {
        std::mem::replace(&mut self.peak, self.cost).max(self.cost)
    }

    /// Changes what they may take. What exceeds it goes when the next fragment comes.
    pub const fn set_limit(&mut self, len: usize) {
        self.config.limits.fragment_len = len;
    }

    /// Takes one fragment (`d.fragment` is set) that came in frame `number`; `weird` hears Zeek's names
    /// for what is odd about it.
    pub fn push(
        &mut self,
        d: &Decoded,
        frame: &[u8],
        ts: Timestamp,
        number: u64,
        weird: &mut dyn FnMut(&'static str),
    ) -> Outcome {
        self.expire(ts);
        self.stats.fragments += 1;
        let Some(fragment) = d.fragment else { return self.drop_one() };
        let data = d.payload(frame);
        if d.payload_len < d.payload_wire_len {
            weird("incompletely_captured_fragment");
            return self.drop_one();
        }
        let Some((header, next_header)) = header_of(d, frame) else { return self.drop_one() };
        let Some(end) = checked_end(d, fragment, data.len(), header.len(), weird) else {
            return self.drop_one();
        };
        let key = Key { src: d.src, dst: d.dst, id: fragment.id, proto: d.proto };
        // Its header may replace the one kept, and it may fill two holes around a fragment that is there.
        let cost = header.len().saturating_add(data.len()).saturating_add(3 * PART_COST + DATAGRAM_COST);
        if !self.make_room(&key, cost) {
            return self.drop_one();
        }
        self.forget_stale();
        let datagram = self.table.entry(key).or_insert_with(|| {
            self.next_serial += 1;
            self.order.push_back((ts, self.next_serial, key));
            Datagram {
                serial: self.next_serial,
                first_ts: ts,
                header: header.to_vec(),
                next_header,
                has_first: false,
                parts: Vec::new(),
                total: None,
                packets: Vec::new(),
                len: 0,
            }
        });
        if datagram.packets.len() >= self.config.limits.fragment_count {
            return self.drop_one();
        }
        let (before, cost_before) = (datagram.len, if datagram.packets.is_empty() { 0 } else { datagram.cost() });
        if fragment.offset == 0 && !datagram.has_first {
            datagram.has_first = true;
            datagram.next_header = next_header;
            datagram.header.clear();
            datagram.header.extend_from_slice(header);
        }
        datagram.packets.push(number);
        datagram.note_size(fragment, end, weird);
        if datagram.insert(fragment.offset, data, self.config.overlap, weird) {
            self.stats.overlaps += 1;
        }
        self.stats.buffered_len += (datagram.len - before) as u64;
        self.cost = self.cost.saturating_sub(cost_before).saturating_add(datagram.cost());
        self.peak = self.peak.max(self.cost);
        if !datagram.is_whole(weird) {
            return Outcome::Pending;
        }
        let Some(datagram) = self.take(&key) else { return Outcome::Dropped };
        match datagram.rebuild() {
            Some(whole) => {
                self.stats.whole += 1;
                Outcome::Whole(whole)
            }
            None => self.drop_one(),
        }
    }

    /// Gives up the datagrams whose time is over at `ts`.
    pub fn expire(&mut self, ts: Timestamp) {
        while let Some(&(first, serial, key)) = self.order.front() {
            if first + self.config.timeouts.fragment > ts {
                return;
            }
            self.order.pop_front();
            if self.table.get(&key).is_some_and(|d| d.serial == serial) {
                self.stats.expired += 1;
                self.take(&key);
            }
        }
    }

    /// Gives up everything.
    pub fn finish(&mut self) {
        self.stats.expired += self.table.len() as u64;
        self.table.clear();
        self.order.clear();
        self.cost = 0;
        self.stats.buffered_len = 0;
    }

    fn take(&mut self, key: &Key) -> Option<Datagram> {
        let d = self.table.remove(key)?;
        self.stats.buffered_len = self.stats.buffered_len.saturating_sub(d.len as u64);
        self.cost = self.cost.saturating_sub(d.cost());
        Some(d)
    }

    fn drop_one(&mut self) -> Outcome {
        self.stats.dropped += 1;
        Outcome::Dropped
    }

    /// Datagrams that became whole leave their entry in the order of age behind; where time stands still it
    /// would never be taken out.
    fn forget_stale(&mut self) {
        if self.order.len() > self.table.len().saturating_mul(2).saturating_add(STALE_MAX_COUNT) {
            let table = &self.table;
            self.order.retain(|(_, serial, key)| table.get(key).is_some_and(|d| d.serial == *serial));
        }
    }

    /// Evicts the oldest datagrams until another fragment of `cost` for `key` fits; false if it never will.
    fn make_room(&mut self, key: &Key, cost: usize) -> bool {
        let limits = self.config.limits;
        loop {
            let new = usize::from(!self.table.contains_key(key));
            if self.table.len() + new <= limits.fragment_datagram_count
                && self.cost.saturating_add(cost) <= limits.fragment_len
            {
                return true;
            }
            let Some((_, serial, oldest)) = self.order.pop_front() else { return false };
            if self.table.get(&oldest).is_some_and(|d| d.serial == serial) {
                self.stats.evicted += 1;
                self.take(&oldest);
            }
        }
    }
}

/// The header up to the fragmentation (IPv4's, or what comes before IPv6's fragment header) and the
/// protocol of what follows.
fn header_of<'a>(d: &Decoded, frame: &'a [u8]) -> Option<(&'a [u8], u8)> {
    let (from, to) = (d.ip_offset as usize, d.transport_offset as usize);
    match d.ip_version {
        4 => frame.get(from..to).filter(|h| h.len() >= V4_HEADER_LEN).map(|h| (h, d.proto)),
        6 => {
            let at = to.checked_sub(V6_FRAGMENT_LEN)?;
            let header = frame.get(from..at).filter(|h| h.len() >= V6_HEADER_LEN)?;
            Some((header, *frame.get(at)?))
        }
        _ => None,
    }
}

/// Where a fragment ends in its datagram, unless that is impossible.
fn checked_end(
    d: &Decoded,
    f: Fragment,
    len: usize,
    header_len: usize,
    weird: &mut dyn FnMut(&'static str),
) -> Option<u32> {
    let end = f.offset.checked_add(u32::try_from(len).ok()?)?;
    if f.more && d.ip_len < SMALL_FRAGMENT_LEN {
        weird("excessively_small_fragment");
    }
    if end > LARGE_FRAGMENT_END {
        weird("excessively_large_fragment");
    }
    let fits = (end as usize).saturating_add(header_len) <= PACKET_MAX_LEN;
    (fits && len > 0 && !d.anomalies.contains(Anomaly::FragmentGeometry)).then_some(end)
}

impl Datagram {
    /// Memory that it takes, about.
    fn cost(&self) -> usize {
        let entries = self.parts.len().saturating_add(1).saturating_mul(PART_COST);
        entries
            .saturating_add(DATAGRAM_COST)
            .saturating_add(self.len)
            .saturating_add(self.header.len())
            .saturating_add(self.packets.len() * 8)
    }

    fn note_size(&mut self, f: Fragment, end: u32, weird: &mut dyn FnMut(&'static str)) {
        match self.total {
            None if !f.more => self.total = Some(end),
            Some(total) if !f.more && end != total || end > total => {
                weird("fragment_size_inconsistency");
                self.total = Some(total.max(end));
            }
            _ => {}
        }
    }

    /// Adds `data` at `start`; true if it overlaps what is there.
    fn insert(&mut self, start: u32, data: &[u8], policy: OverlapPolicy, weird: &mut dyn FnMut(&'static str)) -> bool {
        let end = start.saturating_add(u32::try_from(data.len()).unwrap_or(u32::MAX));
        let part = |from: u32, to: u32| {
            let at = |p: u32| p.saturating_sub(start) as usize;
            data.get(at(from)..at(to)).unwrap_or(&[])
        };
        let (mut at, mut overlaps, mut differs) = (start, false, false);
        let mut i = self.parts.partition_point(|p| p.end() <= start);
        while at < end {
            let (to, over) = match self.parts.get(i) {
                Some(p) if p.start <= at => (p.end().min(end), true),
                Some(p) => (p.start.min(end), false),
                None => (end, false),
            };
            let new = part(at, to);
            if !over {
                self.len = self.len.saturating_add(new.len());
                self.parts.insert(i, Part { start: at, bytes: new.to_vec() });
            } else if let Some(p) = self.parts.get_mut(i) {
                overlaps = true;
                let off = |x: u32| x.saturating_sub(p.start) as usize;
                let (from, until) = (off(at), off(to));
                if let Some(old) = p.bytes.get_mut(from..until) {
                    differs |= old != new;
                    if policy == OverlapPolicy::Last && old.len() == new.len() {
                        old.copy_from_slice(new);
                    }
                }
            }
            at = to;
            i += 1;
        }
        if overlaps {
            weird(if differs { "fragment_inconsistency" } else { "fragment_overlap" });
        }
        overlaps
    }

    /// Is there everything from the start to the end? If there is a hole only beyond the claimed end,
    /// what lies beyond it belongs to another datagram and is left out.
    fn is_whole(&mut self, weird: &mut dyn FnMut(&'static str)) -> bool {
        let Some(total) = self.total else { return false };
        let mut reached = 0;
        for p in &self.parts {
            if p.start > reached {
                break;
            }
            reached = reached.max(p.end());
        }
        if reached > total {
            weird("fragment_size_inconsistency");
            self.total = Some(reached);
        }
        reached >= total
    }

    fn rebuild(self) -> Option<Whole> {
        let total = self.total? as usize;
        let mut bytes = self.header;
        let header_len = bytes.len();
        bytes.reserve(total);
        for p in &self.parts {
            if bytes.len() != header_len.saturating_add(p.start as usize) {
                break;
            }
            bytes.extend_from_slice(&p.bytes);
        }
        let fixed = match bytes.first()? >> 4 {
            4 => fix_v4(&mut bytes, header_len),
            _ => fix_v6(&mut bytes, header_len, self.next_header),
        };
        fixed.map(|()| Whole { bytes, packets: self.packets, first_ts: self.first_ts })
    }
}

fn put_u16(bytes: &mut [u8], at: usize, value: u16) -> Option<()> {
    bytes.get_mut(at..at.checked_add(2)?)?.copy_from_slice(&value.to_be_bytes());
    Some(())
}

/// Sets length, fragmentation and checksum of an IPv4 header (RFC 791 §3.1).
fn fix_v4(bytes: &mut [u8], header_len: usize) -> Option<()> {
    put_u16(bytes, 2, u16::try_from(bytes.len()).ok()?)?;
    put_u16(bytes, 6, 0)?;
    put_u16(bytes, 10, 0)?;
    let mut sum = 0u32;
    for pair in bytes.get(..header_len)?.chunks_exact(2) {
        if let [a, b] = *pair {
            sum += u32::from(u16::from_be_bytes([a, b]));
        }
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    put_u16(bytes, 10, !u16::try_from(sum).ok()?)
}

/// Sets the payload length of an IPv6 header and takes the fragment header out of the chain, whose
/// next header the first fragment told (RFC 8200 §4.5).
fn fix_v6(bytes: &mut [u8], header_len: usize, next_header: u8) -> Option<()> {
    put_u16(bytes, 4, u16::try_from(bytes.len().checked_sub(V6_HEADER_LEN)?).ok()?)?;
    let (mut at, mut next) = (6, V6_HEADER_LEN);
    for _ in 0..V6_EXTENSION_MAX_COUNT {
        if *bytes.get(at)? == V6_FRAGMENT {
            *bytes.get_mut(at)? = next_header;
            return (next == header_len).then_some(());
        }
        let len = usize::from(*bytes.get(next.checked_add(1)?)?).checked_add(1)?.checked_mul(8)?;
        at = next;
        next = next.checked_add(len)?;
        if next > header_len {
            return None;
        }
    }
    None
}

#[cfg(test)]
#[path = "defrag_tests.rs"]
mod tests;
