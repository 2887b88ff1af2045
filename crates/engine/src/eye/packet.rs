//! Events about packets: what is odd about them, and address resolution.

use super::{At, Eye};
use crate::Rows;
use sekisho_flow::Packet;
use sekisho_output::eve::{self, Evidence, Head};
use sekisho_transaction::Json;
use sekisho_types::{Addr, MacAddr, ip_proto};

/// Ethertype of ARP.
const ARP: u16 = 0x0806;

impl Eye {
    /// Tells what is odd about a packet: `events`, by the names of rules.
    pub(super) fn packet_anomalies(
        &mut self,
        at: Option<At<'_>>,
        packet: &Packet<'_>,
        events: &[&'static str],
        rows: &mut dyn Rows,
    ) {
        if !self.settings.is_on("anomaly") {
            return;
        }
        for event in events {
            let (kind, name) = match event.strip_prefix("stream.") {
                Some(_) if self.settings.anomaly_stream => ("stream", (*event).to_owned()),
                None if self.settings.anomaly_decode => ("decode", format!("decoder.{event}")),
                _ => continue,
            };
            let mut head = self.packet_head(packet, "anomaly");
            head.flow = at.map(|at| eve::flow_id(at.flow.info.uid));
            head.ether_type = Some(packet.decoded.ethertype).filter(|_| kind == "decode");
            let mut shown = self.settings.alert;
            shown.packet = self.settings.anomaly_header;
            (shown.payload, shown.payload_printable, shown.payload_length) = (false, false, false);
            let link = self.link.0;
            self.write(rows, at, &head, |json| {
                let evidence = Evidence { payload: &[], stream: false, packet: Some((packet.frame, link)) };
                evidence.write(shown, json);
                json.object("anomaly", |json| {
                    json.text("type", kind);
                    json.text("event", &name);
                });
            });
        }
    }

    /// The event of an ARP message (RFC 826) of Ethernet and IPv4.
    pub fn arp(&mut self, packet: &Packet<'_>, rows: &mut dyn Rows) {
        let d = packet.decoded;
        if d.ethertype != ARP || d.ip_version != 0 || !self.settings.is_on("arp") {
            return;
        }
        let payload = d.payload(packet.frame);
        let Some([0, 1, 8, 0, 6, 4, high, low, rest @ ..]) = payload.first_chunk::<28>() else { return };
        let opcode = match u16::from_be_bytes([*high, *low]) {
            1 => "request",
            2 => "reply",
            3 => "request_reverse",
            4 => "reply_reverse",
            8 => "request_inverse",
            9 => "reply_inverse",
            10 => "arp_nak",
            _ => "unknown",
        };
        let (sender, target) = rest.split_at(10);
        let (Some((src_mac, src)), Some((dst_mac, dst))) = (end(sender), end(target)) else { return };
        let head = Head { ends: None, ..self.packet_head(packet, "arp") };
        self.write(rows, None, &head, |json| {
            json.object("arp", |json| {
                json.text("hw_type", "ethernet");
                json.text("proto_type", "ipv4");
                json.text("opcode", opcode);
                json.display("src_mac", src_mac);
                json.display("src_ip", src);
                json.display("dest_mac", dst_mac);
                json.display("dest_ip", dst);
            });
        });
    }
}

/// Hardware and protocol address.
fn end(bytes: &[u8]) -> Option<(MacAddr, Addr)> {
    let (mac, ip) = bytes.split_first_chunk::<6>()?;
    Some((MacAddr(*mac), Addr::v4(*ip.first_chunk()?)))
}

/// What stands for ports in events about a packet: type and code of ICMP, type and version of IGMP (RFC 9776) and RGMP
/// (RFC 3488), the SPI of ESP.
pub(super) fn transport(packet: &Packet<'_>, json: &mut Json<'_>) {
    const IGMP: u8 = 2;
    const ESP: u8 = 50;
    const RGMP_GROUP: Addr = Addr::v4([224, 0, 0, 25]);
    let d = packet.decoded;
    let bytes = d.transport(packet.frame);
    match (d.proto, bytes) {
        (ip_proto::ICMP | ip_proto::ICMPV6, [kind, code, ..]) => {
            json.number("icmp_type", u64::from(*kind));
            json.number("icmp_code", u64::from(*code));
        }
        (IGMP, [kind @ 0xfc..=0xff, ..]) if d.dst == RGMP_GROUP => {
            json.object("rgmp", |json| json.number("type", u64::from(*kind)));
        }
        (IGMP, [kind, code, ..]) => json.object("igmp", |json| {
            json.number("type", u64::from(*kind));
            if let Some(version) = igmp_version(*kind, *code, bytes.len()) {
                json.number("version", version);
            }
        }),
        (ESP, [a, b, c, d, ..]) => json.number("spi", u64::from(u32::from_be_bytes([*a, *b, *c, *d]))),
        _ => {}
    }
}

/// The version that a message is of; a query's follows from its length and from whether it has a response time (RFC 9776
/// §7.1).
const fn igmp_version(kind: u8, code: u8, len: usize) -> Option<u64> {
    match kind {
        0x11 if len >= 12 => Some(3),
        0x11 if code == 0 => Some(1),
        0x11 | 0x16 | 0x17 => Some(2),
        0x12 => Some(1),
        0x22 => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_igmp() {
        let all =
            [(0x11, 0, 8), (0x11, 100, 8), (0x11, 100, 12), (0x12, 0, 8), (0x16, 0, 8), (0x22, 0, 16), (0x13, 0, 8)];
        let versions = all.map(|(kind, code, len)| igmp_version(kind, code, len));
        assert_eq!(versions, [Some(1), Some(2), Some(3), Some(1), Some(2), Some(3), None]);
    }
}
