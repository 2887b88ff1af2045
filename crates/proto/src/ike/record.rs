use super::message::{Message, Transforms};
use super::{MAX_EXCHANGES, MAX_VENDORS, names};
use sekisho_record::{Digest, Head, Record, Set, Tail};
use sekisho_types::{Heap, block_len, list_len};

/// A security association as far as it is negotiated in clear.
#[derive(Clone, Debug, Record)]
#[record(log = "ike")]
pub struct IkeRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// 1 or 2.
    pub version: u8,
    /// The initiator's cookie or SPI.
    pub initiator_spi: Digest<8>,
    /// The responder's, once it answered.
    pub responder_spi: Option<Digest<8>>,
    /// Kinds of exchange in the order they were met.
    pub exchanges: Vec<&'static str>,
    /// Messages.
    pub messages: u64,
    /// Encryption: what was chosen, or what the initiator would like best if nobody answered.
    pub encryption: Option<String>,
    /// Hash or integrity algorithm.
    pub integrity: Option<String>,
    /// Pseudo-random function (version 2).
    pub prf: Option<String>,
    /// Diffie-Hellman group.
    pub dh_group: Option<String>,
    /// How the ends prove who they are (version 1).
    pub authentication: Option<String>,
    /// Known vendor ids of both ends.
    pub vendors: Set<&'static str>,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}

impl IkeRecord {
    pub(super) fn new(m: &Message, head: Head, tail: Tail) -> Self {
        Self {
            head,
            version: if m.is_v2 { 2 } else { 1 },
            initiator_spi: Digest(m.initiator),
            responder_spi: None,
            exchanges: Vec::new(),
            messages: 0,
            encryption: None,
            integrity: None,
            prf: None,
            dh_group: None,
            authentication: None,
            vendors: Set::default(),
            tail,
        }
    }

    /// Puts a message into the row.
    pub(super) fn add(&mut self, m: &Message) {
        self.messages += 1;
        if m.responder != [0; 8] {
            self.responder_spi = Some(Digest(m.responder));
        }
        let exchange = names::exchange(m.exchange);
        if self.exchanges.len() < MAX_EXCHANGES && !self.exchanges.contains(&exchange) {
            self.exchanges.push(exchange);
        }
        for vendor in &m.vendors {
            if self.vendors.0.len() < MAX_VENDORS {
                self.vendors.insert(vendor);
            }
        }
        self.choose(m.is_v2, m.transforms);
    }

    /// The later message is the responder's, which has what was chosen.
    fn choose(&mut self, is_v2: bool, t: Transforms) {
        let set = |slot: &mut Option<String>, value: Option<String>| {
            if value.is_some() {
                *slot = value;
            }
        };
        set(&mut self.encryption, t.encryption.map(|n| names::encryption(is_v2, n, t.key_bits)));
        set(&mut self.integrity, t.integrity.map(|n| names::integrity(is_v2, n)));
        set(&mut self.prf, t.prf.map(names::prf));
        set(&mut self.dh_group, t.group.map(names::group));
        set(&mut self.authentication, t.authentication.map(names::authentication));
    }

    /// Bytes that the row takes, itself included.
    pub(super) fn held_len(&self) -> usize {
        let names = [&self.encryption, &self.integrity, &self.prf, &self.dh_group, &self.authentication];
        block_len(size_of::<Self>())
            + list_len(&self.exchanges)
            + list_len(&self.vendors.0)
            + names.into_iter().map(Heap::heap_len).sum::<usize>()
    }
}
