use super::message::{Class, Message};
use super::{MAX_PEERS, Use};
use sekisho_record::{EnumName, Head, Port, Record, Set, Tail, Text};
use sekisho_types::{Addr, Heap, Interval, block_len, list_len};

/// What a flow used STUN for: finding out one's own address (`binding`), or having a server relay (`relay`).
#[derive(Clone, Debug, Record)]
#[record(log = "stun")]
pub struct StunRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Transport protocol.
    pub proto: EnumName,
    /// `binding` or `relay`.
    pub method: EnumName,
    /// Requests.
    pub requests: u64,
    /// Messages that ask for no answer.
    pub indications: u64,
    /// Requests that were answered.
    pub successes: u64,
    /// Requests that were refused.
    pub errors: u64,
    /// The last refusal: its number …
    pub error_code: Option<u16>,
    /// … and its reason.
    pub error_reason: Option<Text>,
    /// User name; for ICE both ends' fragments.
    pub username: Option<Text>,
    /// Realm of the user name.
    pub realm: Option<Text>,
    /// What the sender of requests calls its program.
    pub client_software: Option<Text>,
    /// What the other end calls its program.
    pub server_software: Option<Text>,
    /// The sender's address as the other end sees it, the latest.
    pub mapped_addr: Option<Addr>,
    /// And its port.
    pub mapped_port: Option<Port>,
    /// The address that the server relays from.
    pub relayed_addr: Option<Addr>,
    /// And its port.
    pub relayed_port: Option<Port>,
    /// Whom the client talks to by way of the server.
    pub peers: Set<Addr>,
    /// How long the relay was granted, the latest.
    pub lifetime: Option<Interval>,
    /// The checks are those of ICE.
    pub ice: bool,
    /// The originator leads ICE (`controlling`) or follows (`controlled`).
    pub ice_role: Option<EnumName>,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}

impl StunRecord {
    pub(super) fn new(head: Head, tail: Tail, proto: EnumName, usage: Use) -> Self {
        Self {
            head,
            proto,
            method: EnumName(usage.name()),
            requests: 0,
            indications: 0,
            successes: 0,
            errors: 0,
            error_code: None,
            error_reason: None,
            username: None,
            realm: None,
            client_software: None,
            server_software: None,
            mapped_addr: None,
            mapped_port: None,
            relayed_addr: None,
            relayed_port: None,
            peers: Set::default(),
            lifetime: None,
            ice: false,
            ice_role: None,
            tail,
        }
    }

    /// Puts a message into the row.
    pub(super) fn add(&mut self, m: Message, from_orig: bool) {
        let count = match m.class {
            Class::Request => &mut self.requests,
            Class::Indication => &mut self.indications,
            Class::Success => &mut self.successes,
            Class::Error => &mut self.errors,
        };
        *count += 1;
        let asks = matches!(m.class, Class::Request | Class::Indication);
        let software = if asks { &mut self.client_software } else { &mut self.server_software };
        newer(software, m.software);
        newer(&mut self.username, m.username);
        newer(&mut self.realm, m.realm);
        if let Some((code, reason)) = m.error {
            self.error_code = Some(code);
            self.error_reason = Some(reason).filter(|r| !r.0.is_empty());
        }
        if let Some((addr, port)) = m.mapped {
            (self.mapped_addr, self.mapped_port) = (Some(addr), Some(Port(port)));
        }
        if let Some((addr, port)) = m.relayed {
            (self.relayed_addr, self.relayed_port) = (Some(addr), Some(Port(port)));
        }
        if let Some((addr, _)) = m.peer
            && self.peers.0.len() < MAX_PEERS
        {
            self.peers.insert(addr);
        }
        newer(&mut self.lifetime, m.lifetime.map(|secs| Interval::from_secs(i64::from(secs))));
        self.ice |= m.is_ice;
        if let Some(controlling) = m.controlling {
            self.ice_role = Some(EnumName(if controlling == from_orig { "controlling" } else { "controlled" }));
        }
    }

    /// Bytes that the row takes, itself included.
    pub(super) fn held_len(&self) -> usize {
        let texts = [&self.error_reason, &self.username, &self.realm, &self.client_software, &self.server_software];
        block_len(size_of::<Self>()) + texts.into_iter().map(Heap::heap_len).sum::<usize>() + list_len(&self.peers.0)
    }
}

/// A newer value takes the place of an older one.
fn newer<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}
