//! What is counted for the events about the run itself.

use super::Eye;
use sekisho_flow::Flow;
use sekisho_output::eve::{Counts, Layer};
use sekisho_types::ip_proto;
use sekisho_wire::events::Events;
use sekisho_wire::tcp_flags::{ACK, RST, SYN};
use sekisho_wire::tunnel::TunnelKind;
use sekisho_wire::{Anomaly, Decoded, LinkType};

const ARP: u16 = 0x0806;
const IGMP: u8 = 2;
const ESP: u8 = 50;

impl Eye {
    /// Adds what was counted.
    pub fn add_counts(&self, sum: &mut Counts) {
        let Some(counts) = &self.counts else { return };
        sum.add(counts);
        if let Some(rules) = &self.rules {
            let of_rules = rules.inspector.counters();
            sum.alerts_suppressed += of_rules.alerts_suppressed;
            sum.alerts_cut += of_rules.alerts_cut;
        }
    }

    /// What of the events that packets show is counted: of headers, and of TCP.
    pub(super) fn counted_events(&self) -> [bool; 2] {
        self.settings.stats.map_or([false; 2], |stats| [stats.decoder_events, stats.stream_events])
    }

    /// Counts the packet at hand, of which `link` is said if it is a whole frame.
    pub(super) fn count_packet(&mut self, d: &Decoded, link: Option<LinkType>, frame_len: usize, events: &Events) {
        let [of_headers, of_tcp] = self.counted_events();
        let around = self.around.as_deref().map(|around| (around.kind, around.depth, around.root.ip_version));
        let Some(counts) = &mut self.counts else { return };
        if let Some(link) = link {
            counts.longest = counts.longest.max(frame_len as u64);
            of_link(d, link, counts);
        }
        if let Some((kind, depth, version)) = around.filter(|_| link.is_none()) {
            within(d, kind, depth, version, counts);
        }
        of_ip(d, counts);
        if events.is_invalid() {
            counts.layer(Layer::Invalid);
        }
        for name in events.names() {
            if if name.starts_with("stream.") { of_tcp } else { of_headers } {
                counts.event(name);
            }
        }
    }

    /// Counts a flow that begins.
    pub(super) fn count_begun(&mut self, proto: u8) {
        if let Some(counts) = &mut self.counts {
            counts.flow(match proto {
                ip_proto::TCP => "tcp",
                ip_proto::UDP => "udp",
                ip_proto::ICMP => "icmpv4",
                ip_proto::ICMPV6 => "icmpv6",
                _ => "",
            });
        }
    }

    /// Counts a flow that is over, with what it was.
    pub(super) fn count_ended(&mut self, flow: &Flow) {
        if self.counts.is_none() {
            return;
        }
        let Some(seen) = self.flows.get(&flow.info) else { return };
        let app = if self.is_off(flow, seen.app(flow)) { "failed" } else { seen.app(flow) };
        let (is_tcp, picked_up, tx_count) = (flow.info.tuple.proto == ip_proto::TCP, seen.picked_up, seen.tx_count);
        if let Some(counts) = &mut self.counts {
            counts.flows_ended += 1;
            counts.midstream += u64::from(picked_up);
            // Suricata counts the exchanges that come after the first of those that always have one.
            counts.app(app, is_tcp, if matches!(app, "ssh" | "tls") { 0 } else { tx_count });
        }
    }

    /// Counts an alert that is told. Those that are not are counted where rules match.
    pub(super) fn count_alert(&mut self) {
        if let Some(counts) = &mut self.counts {
            counts.alerts += 1;
        }
    }
}

/// What a frame begins with.
fn of_link(d: &Decoded, link: LinkType, counts: &mut Counts) {
    let layer = match link {
        LinkType::ETHERNET => Layer::Ethernet,
        LinkType::NULL | LinkType::LOOP => Layer::Null,
        LinkType::PPP | LinkType::PPP_HDLC => Layer::Ppp,
        LinkType::C_HDLC => Layer::Chdlc,
        LinkType::LINUX_SLL => Layer::Sll,
        LinkType::LINUX_SLL2 => Layer::Sll2,
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => Layer::Raw,
        _ => return,
    };
    counts.layer(layer);
    if d.ip_version == 0 && d.ethertype == ARP {
        counts.layer(Layer::Arp);
    } else if d.anomalies.contains(Anomaly::UnknownLink) && link == LinkType::ETHERNET {
        counts.layer(Layer::UnknownEthertype);
    }
    if d.vlan.outer().is_some() {
        counts.layer(Layer::Vlan);
    }
    if d.vlan.inner().is_some() {
        counts.layer(Layer::VlanQinq);
    }
}

/// What a packet was in, `depth` packets deep, the outermost of which is of IP version `version`.
fn within(d: &Decoded, kind: Option<TunnelKind>, depth: usize, version: u8, counts: &mut Counts) {
    match kind {
        // Put together from fragments.
        None => *of_version(d, &mut counts.datagrams) += 1,
        Some(TunnelKind::Teredo) => counts.layer(Layer::Teredo),
        Some(TunnelKind::Vxlan) => counts.layer(Layer::Vxlan),
        Some(TunnelKind::Geneve) => counts.layer(Layer::Geneve),
        Some(TunnelKind::Ip) if depth == 1 => match (d.ip_version, version) {
            (4, 4) => counts.layer(Layer::Ipv4InIpv4),
            (4, 6) => counts.layer(Layer::Ipv4InIpv6),
            (6, 4) => counts.layer(Layer::Ipv6InIpv4),
            (6, 6) => counts.layer(Layer::Ipv6InIpv6),
            _ => {}
        },
        Some(_) => {}
    }
}

fn of_ip(d: &Decoded, counts: &mut Counts) {
    match d.ip_version {
        4 => counts.layer(Layer::Ipv4),
        6 => counts.layer(Layer::Ipv6),
        _ => return,
    }
    if d.fragment.is_some() {
        *of_version(d, &mut counts.fragments) += 1;
        return;
    }
    let layer = match d.proto {
        ip_proto::TCP => Layer::Tcp,
        ip_proto::UDP => Layer::Udp,
        ip_proto::SCTP => Layer::Sctp,
        ip_proto::ICMP => Layer::Icmpv4,
        ip_proto::ICMPV6 => Layer::Icmpv6,
        ip_proto::GRE => Layer::Gre,
        IGMP => Layer::Igmp,
        ESP => Layer::Esp,
        _ => return,
    };
    counts.layer(layer);
    if d.proto == ip_proto::TCP && d.has_transport {
        counts.syns += u64::from(d.tcp.flags & (SYN | ACK) == SYN);
        counts.synacks += u64::from(d.tcp.flags & (SYN | ACK) == SYN | ACK);
        counts.rsts += u64::from(d.tcp.flags & RST != 0);
    }
}

/// Of counts of IPv4 and IPv6 that of a packet.
fn of_version<'a>(d: &Decoded, [v4, v6]: &'a mut [u64; 2]) -> &'a mut u64 {
    if d.ip_version == 6 { v6 } else { v4 }
}
