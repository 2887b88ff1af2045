//! Address resolution (RFC 826, 903, 5227) on links with 6-byte hardware addresses and IPv4.

use super::ArpRecord;
use crate::Rows;
use hashbrown::HashMap;
use sekisho_record::EnumName;
use sekisho_types::{Addr, Interval, MacAddr, SeededState, Timestamp, block_len};
use sekisho_wire::{Decoded, Reader};
use std::collections::VecDeque;

/// Questions and statements that are summed up at a time; the oldest is logged when another comes.
pub(crate) const MAX_ENTRIES: usize = 1024;
/// Addresses whose hardware address is remembered; at this many all are forgotten.
pub(crate) const MAX_BINDINGS: usize = 4096;
/// How long after its first frame an entry is logged.
const SUMMED_FOR: Interval = Interval::from_secs(300);

/// A reply that comes later than this after the question was last put is none to it: nobody asked.
const ANSWERED_WITHIN: Interval = Interval::from_secs(5);

/// Type fields of frames.
const ARP: u16 = 0x0806;
const RARP: u16 = 0x8035;
/// Ethernet, IPv4, lengths of their addresses.
const SHAPE: [u8; 6] = [0, 1, 8, 0, 6, 4];
/// Operations.
const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Message {
    operation: u16,
    sender_mac: MacAddr,
    sender: Addr,
    target_mac: MacAddr,
    target: Addr,
}

impl Message {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes);
        if r.array::<6>(&"types and lengths").ok()? != SHAPE {
            return None;
        }
        let operation = r.u16(&"operation").ok()?;
        let mut end = || -> Option<(MacAddr, Addr)> {
            let mac = MacAddr(r.array(&"hardware address").ok()?);
            Some((mac, Addr::v4(r.array(&"address").ok()?)))
        };
        let (sender_mac, sender) = end()?;
        let (target_mac, target) = end()?;
        Some(Self { operation, sender_mac, sender, target_mac, target })
    }
}

/// What is summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    vlan: Option<u16>,
    operation: &'static str,
    sender_mac: MacAddr,
    sender: Addr,
    target: Addr,
}

struct Entry {
    first: Timestamp,
    last: Timestamp,
    /// When the last of these frames, answers apart, was sent.
    asked: Timestamp,
    count: u64,
    replies: u64,
    rtt: Option<Interval>,
    answer: Option<MacAddr>,
    conflict: Option<MacAddr>,
    previous: Option<MacAddr>,
    frame_mac: Option<MacAddr>,
}

/// The links' questions and answers, and which hardware address each address has.
pub(crate) struct Neighbours {
    entries: HashMap<Key, Entry, SeededState>,
    /// In the order of their first frames.
    order: VecDeque<Key>,
    bindings: HashMap<(Option<u16>, Addr), MacAddr, SeededState>,
}

impl Neighbours {
    pub fn new(seed: u64) -> Self {
        Self {
            entries: HashMap::with_hasher(SeededState(seed)),
            order: VecDeque::new(),
            bindings: HashMap::with_hasher(SeededState(seed)),
        }
    }

    /// A frame without IP. What was summed up long enough by its time is logged.
    pub fn frame(&mut self, d: &Decoded, bytes: &[u8], ts: Timestamp, rows: &mut dyn Rows) {
        if !matches!(d.ethertype, ARP | RARP) {
            return;
        }
        while let Some(key) = self.order.front()
            && self.entries.get(key).is_none_or(|e| ts - e.first >= SUMMED_FOR)
        {
            self.log_oldest(rows);
        }
        let Some(message) = Message::parse(d.payload(bytes)) else { return };
        self.message(d, message, ts, rows);
    }

    fn message(&mut self, d: &Decoded, m: Message, ts: Timestamp, rows: &mut dyn Rows) {
        let vlan = d.vlan.outer();
        let unspecified = m.sender == Addr::v4([0; 4]);
        let gratuitous = m.sender == m.target && !unspecified;
        if m.operation == REPLY && !gratuitous && d.ethertype == ARP {
            let asked = Key {
                vlan,
                operation: if m.target == Addr::v4([0; 4]) { "probe" } else { "request" },
                sender_mac: m.target_mac,
                sender: m.target,
                target: m.sender,
            };
            if let Some(entry) = self.entries.get_mut(&asked).filter(|e| ts - e.asked <= ANSWERED_WITHIN) {
                entry.answered(m.sender_mac, ts);
                self.bind(vlan, m);
                return;
            }
        }
        let operation = match m.operation {
            _ if d.ethertype == RARP => "reverse",
            REQUEST | REPLY if gratuitous => "gratuitous",
            REQUEST if unspecified => "probe",
            REQUEST => "request",
            REPLY => "reply",
            _ => "reverse",
        };
        let previous = if unspecified || operation == "reverse" { None } else { self.bind(vlan, m) };
        let frame_mac = d.src_mac.filter(|mac| *mac != m.sender_mac);
        let key = Key { vlan, operation, sender_mac: m.sender_mac, sender: m.sender, target: m.target };
        if !self.entries.contains_key(&key) {
            if self.entries.len() >= MAX_ENTRIES {
                self.log_oldest(rows);
            }
            self.order.push_back(key);
        }
        let entry = self.entries.entry(key).or_insert_with(|| Entry::new(ts));
        entry.last = entry.last.max(ts);
        entry.asked = entry.asked.max(ts);
        entry.count += 1;
        entry.previous = entry.previous.or(previous);
        entry.frame_mac = entry.frame_mac.or(frame_mac);
        if operation == "reply" {
            entry.answer = Some(m.target_mac);
        }
    }

    /// Notes the sender's hardware address; gives the one that it had before, if that was another.
    fn bind(&mut self, vlan: Option<u16>, m: Message) -> Option<MacAddr> {
        if self.bindings.len() >= MAX_BINDINGS {
            self.bindings.clear();
        }
        self.bindings.insert((vlan, m.sender), m.sender_mac).filter(|old| *old != m.sender_mac)
    }

    fn log_oldest(&mut self, rows: &mut dyn Rows) {
        let Some(key) = self.order.pop_front() else { return };
        let Some(e) = self.entries.remove(&key) else { return };
        rows.row(&ArpRecord {
            ts: e.first,
            operation: EnumName(key.operation),
            vlan: key.vlan,
            orig_mac: key.sender_mac,
            orig_h: Some(key.sender).filter(|a| *a != Addr::v4([0; 4])),
            resp_h: key.target,
            resp_mac: e.answer,
            count: e.count,
            reply_count: e.replies,
            rtt: e.rtt,
            duration: e.last - e.first,
            conflicting_mac: e.conflict,
            previous_mac: e.previous,
            frame_mac: e.frame_mac,
        });
    }

    /// Bytes of heap held.
    pub fn held_len(&self) -> usize {
        let order = block_len(self.order.capacity().saturating_mul(size_of::<Key>()));
        block_len(self.entries.allocation_size()) + block_len(self.bindings.allocation_size()) + order
    }

    /// The capture is over.
    pub fn finish(&mut self, rows: &mut dyn Rows) {
        while !self.order.is_empty() {
            self.log_oldest(rows);
        }
        self.entries.shrink_to_fit();
        self.order.shrink_to_fit();
        self.bindings = HashMap::with_hasher(*self.bindings.hasher());
    }
}

impl Entry {
    const fn new(ts: Timestamp) -> Self {
        Self {
            first: ts,
            last: ts,
            asked: ts,
            count: 0,
            replies: 0,
            rtt: None,
            answer: None,
            conflict: None,
            previous: None,
            frame_mac: None,
        }
    }

    fn answered(&mut self, mac: MacAddr, ts: Timestamp) {
        self.replies += 1;
        self.last = self.last.max(ts);
        if self.rtt.is_none() {
            self.rtt = Some(ts - self.first);
        }
        match self.answer {
            None => self.answer = Some(mac),
            Some(known) if known != mac => self.conflict = Some(mac),
            Some(_) => {}
        }
    }
}
