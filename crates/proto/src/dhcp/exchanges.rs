//! Joins messages of different flows into exchanges, as Zeek's script does.
//!
//! A client without address broadcasts, a server answers to a broadcast address or to the one it has just assigned: one
//! exchange is in two flows or more. All messages with a transaction id go into one row until a look at the table finds
//! that it has been quiet. Zeek looks every ten seconds of packet time, from the first packet on, and so do we: what
//! a client repeats after a pause is one row or two as it is in Zeek.

use super::message::{Message, kind_name};
use super::record::{DhcpRecord, TypeName};
use crate::Event;
use hashbrown::HashMap;
use sekisho_record::{Set, Tail, UnsetIfEmpty};
use sekisho_types::{Addr, FlowInfo, Interval, SeededState, Timestamp};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Time between looks.
const LOOK_EVERY: Interval = Interval::from_secs(10);
/// An exchange is not looked at before this age …
const LOOK_FIRST: Interval = Interval::from_secs(10);
/// … nor sooner than this after it was found to go on.
const LOOK_AGAIN: Interval = Interval::from_secs(5);
/// Quiet for longer than this, it is over …
const QUIET: Interval = Interval::from_secs(5);
/// … and at this age in any case.
const MAX_AGE: Interval = Interval::from_secs(30);
/// A row with so many flows is written at once.
pub const MAX_FLOWS: usize = 10;
/// A row with so many messages is written at once.
pub const MAX_MESSAGES: usize = 50;
/// Servers kept per exchange.
pub const MAX_SERVERS: usize = 8;
/// Open exchanges; beyond, the oldest is written early.
pub const MAX_EXCHANGES: usize = 4096;
/// Bytes that open exchanges may take; beyond, the oldest is written early.
pub const MAX_HELD_LEN: usize = 2 << 20;

struct Open {
    row: Box<DhcpRecord>,
    /// Since when its age counts for the next look.
    since: Timestamp,
    /// What it was counted for.
    held_len: usize,
}

/// The open exchanges of one lane.
pub struct Exchanges {
    /// In the order of their beginning.
    open: BTreeMap<u64, Open>,
    by_xid: HashMap<u32, u64, SeededState>,
    next: u64,
    next_look: Timestamp,
    /// Looks are taken from the first packet on, and not only while there is something to look at.
    always: bool,
    held_len: usize,
    max_held_len: usize,
}

impl Exchanges {
    /// None open. `seed` keeps senders from choosing ids that collide.
    pub fn new(seed: u64) -> Self {
        Self {
            open: BTreeMap::new(),
            by_xid: HashMap::with_hasher(SeededState(seed)),
            next: 0,
            next_look: Timestamp(i64::MAX),
            always: false,
            held_len: 0,
            max_held_len: MAX_HELD_LEN,
        }
    }

    /// Looks are to be taken from the first packet on: where the usual ports are dealt to.
    pub fn look_always(&mut self) {
        self.always = true;
        self.next_look = Timestamp(i64::MIN + 1);
    }

    /// Changes how many bytes open exchanges may take.
    pub fn set_limit(&mut self, len: usize) {
        self.max_held_len = len.min(MAX_HELD_LEN);
    }

    /// When the next look is due.
    pub const fn next_due(&self) -> Timestamp {
        self.next_look
    }

    /// Bytes that open exchanges take.
    pub const fn held_len(&self) -> usize {
        self.held_len
    }

    /// Time has come to `now`: writes what is over.
    pub fn advance(&mut self, now: Timestamp, out: &mut Vec<Event>) {
        if now < self.next_look {
            return;
        }
        let mut over = Vec::new();
        for (&number, open) in &mut self.open {
            let age = if open.since == open.row.ts { LOOK_FIRST } else { LOOK_AGAIN };
            if open.since + age >= now {
                continue;
            }
            if now - open.row.last > QUIET || now - open.row.ts > MAX_AGE {
                over.push(number);
            } else {
                open.since = now;
            }
        }
        for number in over {
            self.close(number, out);
        }
        let idle = self.open.is_empty() && !self.always;
        self.next_look = if idle { Timestamp(i64::MAX) } else { now + LOOK_EVERY };
    }

    /// The run is over: writes everything.
    pub fn finish(&mut self, out: &mut Vec<Event>) {
        while let Some((&number, _)) = self.open.first_key_value() {
            self.close(number, out);
        }
    }

    /// A message of `flow` that `sender` sent at `ts`. Tells whether an exchange had to be written early to make room.
    pub(crate) fn message(
        &mut self,
        m: Message,
        sender: Addr,
        flow: &FlowInfo,
        ts: Timestamp,
        out: &mut Vec<Event>,
    ) -> bool {
        let number = match self.by_xid.get(&m.xid) {
            Some(number) => *number,
            None => self.begin(m.xid, flow, ts),
        };
        let Some(open) = self.open.get_mut(&number) else { return false };
        add(&mut open.row, m, sender, flow, ts);
        let full = open.row.uids.0.len() >= MAX_FLOWS || open.row.msg_types.len() >= MAX_MESSAGES;
        let len = open.row.held_len();
        self.held_len = self.held_len + len - open.held_len;
        open.held_len = len;
        if full {
            self.close(number, out);
        }
        let crowded = self.held_len > self.max_held_len || self.open.len() > MAX_EXCHANGES;
        if crowded && let Some((&oldest, _)) = self.open.first_key_value() {
            self.close(oldest, out);
        }
        crowded
    }

    fn begin(&mut self, xid: u32, flow: &FlowInfo, ts: Timestamp) -> u64 {
        self.next += 1;
        self.by_xid.insert(xid, self.next);
        self.open.insert(self.next, Open { row: Box::new(blank(xid, flow, ts)), since: ts, held_len: 0 });
        if self.next_look == Timestamp(i64::MAX) {
            self.next_look = ts + LOOK_EVERY;
        }
        self.next
    }

    fn close(&mut self, number: u64, out: &mut Vec<Event>) {
        let Some(open) = self.open.remove(&number) else { return };
        self.by_xid.remove(&open.row.xid);
        self.held_len -= open.held_len;
        let mut row = open.row;
        if row.mac.is_none() {
            row.mac = row.client_hardware.take();
        }
        out.push(Event::DhcpRecord(row));
    }
}

fn blank(xid: u32, flow: &FlowInfo, ts: Timestamp) -> DhcpRecord {
    DhcpRecord {
        ts,
        uids: Set::default(),
        client_addr: None,
        server_addr: None,
        mac: None,
        host_name: None,
        client_fqdn: None,
        domain: None,
        requested_addr: None,
        assigned_addr: None,
        lease_time: None,
        client_message: None,
        server_message: None,
        msg_types: Vec::new(),
        duration: Interval::ZERO,
        xid,
        server_ids: UnsetIfEmpty::default(),
        routers: UnsetIfEmpty::default(),
        dns_servers: UnsetIfEmpty::default(),
        proxy_config: None,
        vendor_class: None,
        parameters: UnsetIfEmpty::default(),
        relay_addr: None,
        circuit_id: None,
        tail: Tail::new(flow),
        last: ts,
        client_hardware: None,
    }
}

/// Puts a message into its row.
fn add(row: &mut DhcpRecord, m: Message, sender: Addr, flow: &FlowInfo, ts: Timestamp) {
    row.duration = ts - row.ts;
    row.last = ts;
    row.uids.insert(flow.uid);
    let name = kind_name(m.options.kind)
        .map_or_else(|| Cow::Owned(format!("unknown-message-type-{}", m.options.kind)), Cow::Borrowed);
    row.msg_types.push(TypeName(name));
    row.relay_addr = m.relay_addr.or(row.relay_addr);
    row.circuit_id = m.options.circuit_id.clone().or_else(|| row.circuit_id.take());
    if m.is_request { from_client(row, m, sender) } else { from_server(row, m, sender) }
}

/// A newer value takes the place of an older one.
fn newer<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}

fn from_client(row: &mut DhcpRecord, m: Message, sender: Addr) {
    let o = m.options;
    // A relay speaks from its own address.
    let own = m.relay_addr != Some(sender) && !matches!(sender.as_v4(), Some([0, 0, 0, 0] | [255, 255, 255, 255]));
    if own {
        row.client_addr = Some(sender);
    }
    newer(&mut row.client_message, o.message);
    newer(&mut row.host_name, o.host_name);
    newer(&mut row.client_fqdn, o.client_fqdn);
    newer(&mut row.requested_addr, o.requested_addr);
    newer(&mut row.vendor_class, o.vendor_class);
    if !o.parameters.is_empty() {
        row.parameters.0 = o.parameters;
    }
    match o.client_mac {
        Some(mac) => row.mac = Some(mac),
        None => row.client_hardware = Some(m.hardware_addr),
    }
}

fn from_server(row: &mut DhcpRecord, m: Message, sender: Addr) {
    let o = m.options;
    newer(&mut row.server_message, o.message);
    if m.your_addr.is_some() {
        row.server_addr = Some(sender);
    }
    if row.mac.is_none() {
        row.mac = Some(m.hardware_addr);
    }
    newer(&mut row.assigned_addr, m.your_addr);
    row.client_addr = row.client_addr.or(row.assigned_addr);
    newer(&mut row.domain, o.domain);
    newer(&mut row.lease_time, o.lease_time.map(|secs| Interval::from_secs(i64::from(secs))));
    newer(&mut row.proxy_config, o.proxy_config);
    if let Some(id) = o.server_id
        && !row.server_ids.0.contains(&id)
        && row.server_ids.0.len() < MAX_SERVERS
    {
        row.server_ids.0.push(id);
    }
    if !o.routers.is_empty() {
        row.routers.0 = o.routers;
    }
    if !o.dns_servers.is_empty() {
        row.dns_servers.0 = o.dns_servers;
    }
}
