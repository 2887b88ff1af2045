use super::Settings;
use super::protocols::protocol_name;
use crate::line::PLACE_LEN;
use crate::number::iso_time;
use sekisho_transaction::Json;
use sekisho_types::{Addr, CommunityId, FiveTuple, MacAddr, Timestamp, Uid, VlanTags, seeded_hash};

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
    /// The flow.
    pub flow: Option<Uid>,
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
        json.text("timestamp", time(self.ts, &mut [0; TIME_LEN]));
        if let Some(uid) = self.flow {
            json.number("flow_id", flow_id(uid));
        }
        if self.packet > 0 {
            json.number("pcap_cnt", self.packet);
        }
        json.text("event_type", self.event_type);
        if let Some(outer) = self.vlan.outer() {
            json.list("vlan", |json| {
                json.item_number(u64::from(outer));
                if let Some(inner) = self.vlan.inner() {
                    json.item_number(u64::from(inner));
                }
            });
        }
        self.ends(json);
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

    fn ends(&self, json: &mut Json<'_>) {
        if let Some((src, dst)) = self.ends {
            addr("src_ip", src, json);
            if let Ports::Ports(src, _) = self.ports {
                json.number("src_port", u64::from(src));
            }
            addr("dest_ip", dst, json);
            if let Ports::Ports(_, dst) = self.ports {
                json.number("dest_port", u64::from(dst));
            }
            protocol("proto", self.proto, json);
            json.number("ip_v", if src.is_v4() { 4 } else { 6 });
            if let Ports::Icmp(kind, code) = self.ports {
                json.number("icmp_type", u64::from(kind));
                json.number("icmp_code", u64::from(code));
            }
        }
        if !self.pkt_src.is_empty() {
            json.text("pkt_src", self.pkt_src);
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
        let mut text = [0; CommunityId::ROOM_LEN];
        let len = CommunityId::new(&tuple, seed).write(&mut text);
        json.bytes("community_id", text.get(..len).unwrap_or(&[]));
    }
}

/// An address as Suricata prints it: IPv6 in eight groups, each with its leading zeros.
pub fn addr(name: &str, addr: Addr, json: &mut Json<'_>) {
    if addr.is_v4() {
        let mut text = [0; Addr::ROOM_LEN];
        let len = addr.write(&mut text);
        return json.bytes(name, text.get(..len).unwrap_or(&[]));
    }
    let mut text = [b':'; 39];
    for (group, octets) in text.chunks_mut(5).zip(addr.octets().as_chunks::<2>().0) {
        let digits = octets.iter().flat_map(|o| [o >> 4, o & 15]);
        for (place, digit) in group.iter_mut().zip(digits) {
            *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        }
    }
    json.bytes(name, &text);
}

/// An IP protocol as a member: its name, or its number.
pub fn protocol(member: &str, proto: u8, json: &mut Json<'_>) {
    match protocol_name(proto) {
        "" => json.text(member, &format!("{proto:03}")),
        name => json.text(member, name),
    }
}

/// A time as `fast.log` has it: `07/01/2019-12:34:56.123456`.
pub fn fast_time(ts: Timestamp, room: &mut [u8; TIME_LEN]) -> String {
    let text = time(ts, room);
    let (date, clock) = text.get(..MICROS_LEN).and_then(|t| t.split_once('T')).unwrap_or((text, ""));
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    format!("{month}/{day}/{year}-{clock}")
}

/// Room for a time.
pub const TIME_LEN: usize = 31;

/// Characters of a time down to the microsecond.
const MICROS_LEN: usize = 26;

/// A time as EVE has it: `2019-07-01T12:34:56.123456+0000`.
pub fn time(ts: Timestamp, room: &mut [u8; TIME_LEN]) -> &str {
    let mut iso = [0; PLACE_LEN];
    iso_time(&mut iso, ts);
    let (micros, zone) = room.split_at_mut(MICROS_LEN);
    micros.iter_mut().zip(iso).for_each(|(to, from)| *to = from);
    zone.iter_mut().zip(b"+0000").for_each(|(to, from)| *to = *from);
    str::from_utf8(room).unwrap_or("")
}
