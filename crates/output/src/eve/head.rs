use super::Settings;
use super::protocols::protocol_name;
use crate::number::iso_time;
use sekisho_transaction::{Json, Members, PLACE_LEN};
use sekisho_types::text::word;
use sekisho_types::{Addr, CommunityId, FiveTuple, MacAddr, Timestamp, Uid, VlanTags, seeded_hash};

/// Room for what every event begins with.
const HEAD_LEN: usize = 768;

/// Bits of a flow's id: JSON's readers keep whole numbers exact up to there.
const FLOW_ID_BITS: u32 = 53;

/// What stands for ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Source and destination.
    Ports(u16, u16),
    /// ICMP: type and code.
    Icmp(u8, u8),
    /// None.
    None,
}

/// What every event begins with.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Time of the packet at hand.
    pub ts: Timestamp,
    /// The flow's number: see [`flow_id`].
    pub flow: Option<u64>,
    /// Number of the packet at hand; 0: none.
    pub packet: u64,
    /// Kind of event.
    pub event_type: &'a str,
    /// Tags of the packet or flow.
    pub vlan: VlanTags,
    /// Source and destination; `None`: without IP.
    pub ends: Option<(Addr, Addr)>,
    /// What stands for ports.
    pub ports: Ports,
    /// IP protocol.
    pub proto: u8,
    /// Where the packet comes from: `wire/pcap`; `""`: it is not told.
    pub pkt_src: &'a str,
    /// Link addresses of source and destination.
    pub macs: Option<(MacAddr, MacAddr)>,
    /// Type of what the frame carries, where it is told.
    pub ether_type: Option<u16>,
    /// Number of the exchange.
    pub tx_id: Option<u64>,
}

/// The number of a flow: positive, exact in a double.
pub fn flow_id(uid: Uid) -> u64 {
    let mut text = [0; Uid::MAX_LEN];
    let len = uid.write(&mut text);
    (seeded_hash(0, text.get(..len).unwrap_or(&text)) >> (u64::BITS - FLOW_ID_BITS)).max(1)
}

impl Head<'_> {
    pub(super) fn write(&self, settings: &Settings, json: &mut Json<'_>) {
        json.put::<HEAD_LEN>(|m| self.first(m));
        if let Some(tx_id) = self.tx_id {
            json.number("tx_id", tx_id);
        }
        if let (Some(seed), Some(_)) = (settings.community_id, self.flow) {
            self.community_id(seed, json);
        }
        if settings.version {
            json.text("suricata_version", concat!("sekisho ", env!("CARGO_PKG_VERSION")));
        }
        if let (true, Some((src, dst))) = (settings.ethernet, self.macs) {
            json.object("ether", |json| {
                if let Some(kind) = self.ether_type {
                    json.number("ether_type", u64::from(kind));
                }
                json.hex_colons("src_mac", &src.0);
                json.hex_colons("dest_mac", &dst.0);
            });
        }
    }

    /// What comes first, of bounded size.
    fn first(&self, m: &mut Members<'_>) {
        m.text(b"\"timestamp\":\"").fill(|place| write_time(place, self.ts)).text(b"\"");
        if let Some(number) = self.flow {
            m.text(b",\"flow_id\":").number(number);
        }
        if self.packet > 0 {
            m.text(b",\"pcap_cnt\":").number(self.packet);
        }
        m.text(b",\"event_type\":").word(self.event_type);
        if let Some(outer) = self.vlan.outer() {
            m.text(b",\"vlan\":[").number(u64::from(outer));
            if let Some(inner) = self.vlan.inner() {
                m.text(b",").number(u64::from(inner));
            }
            m.text(b"]");
        }
        if let Some((src, dst)) = self.ends {
            m.text(b",\"src_ip\":").addr(src);
            if let Ports::Ports(src, _) = self.ports {
                m.text(b",\"src_port\":").number(u64::from(src));
            }
            m.text(b",\"dest_ip\":").addr(dst);
            if let Ports::Ports(_, dst) = self.ports {
                m.text(b",\"dest_port\":").number(u64::from(dst));
            }
            m.text(b",\"proto\":\"").fill(|place| write_protocol(place, self.proto));
            m.text(if src.is_v4() { b"\",\"ip_v\":4" } else { b"\",\"ip_v\":6" });
            if let Ports::Icmp(kind, code) = self.ports {
                m.text(b",\"icmp_type\":").number(u64::from(kind)).text(b",\"icmp_code\":").number(u64::from(code));
            }
        }
        if !self.pkt_src.is_empty() {
            m.text(b",\"pkt_src\":").word(self.pkt_src);
        }
    }

    fn community_id(&self, seed: u16, json: &mut Json<'_>) {
        let Some((orig, resp)) = self.ends else { return };
        let (orig_port, resp_port) = match self.ports {
            Ports::Ports(src, dst) => (src, dst),
            Ports::Icmp(kind, code) => (u16::from(kind), u16::from(code)),
            Ports::None => (0, 0),
        };
        let tuple = FiveTuple { orig, resp, orig_port, resp_port, proto: self.proto };
        json.placed("community_id", |place| CommunityId::new(&tuple, seed).write(place));
    }
}

/// An IP protocol as a member: its name, or its number.
pub fn protocol(member: &str, proto: u8, json: &mut Json<'_>) {
    json.placed(member, |place| write_protocol(place, proto));
}

/// An IP protocol's name; of one without its number in three digits.
fn write_protocol(place: &mut [u8; PLACE_LEN], proto: u8) -> usize {
    let name = protocol_name(proto).as_bytes();
    if let Some(room) = place.get_mut(..name.len()).filter(|room| !room.is_empty()) {
        room.copy_from_slice(name);
        return name.len();
    }
    word(place, &[b'0' + proto / 100, b'0' + proto / 10 % 10, b'0' + proto % 10])
}

/// A time as `fast.log` has it: `07/01/2019-12:34:56.123456`.
pub fn fast_time(ts: Timestamp) -> String {
    let mut iso = [0; PLACE_LEN];
    iso_time(&mut iso, ts);
    let text = iso.get(..MICROS_LEN).and_then(|text| str::from_utf8(text).ok()).unwrap_or("");
    let (date, clock) = text.split_once('T').unwrap_or((text, ""));
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    format!("{month}/{day}/{year}-{clock}")
}

/// Characters of a time.
const TIME_LEN: usize = 31;

/// Characters of a time down to the microsecond.
const MICROS_LEN: usize = 26;

/// A time as EVE has it: `2019-07-01T12:34:56.123456+0000`.
pub(super) fn write_time(place: &mut [u8; PLACE_LEN], ts: Timestamp) -> usize {
    iso_time(place, ts);
    place[MICROS_LEN..TIME_LEN].copy_from_slice(b"+0000");
    TIME_LEN
}
