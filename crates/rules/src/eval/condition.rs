//! Conditions about packet, flow and hosts.

use super::header;
use crate::compile::{Plan, is_app};
use crate::ir::{
    Arrow, BitMode, BitTest, Condition, FlowCondition, FlowIntAsk, FlowIntSign, Header, Protocol, Rule, Side,
};
use crate::state::{FlowState, HostBits};
use crate::view::{FlowView, PacketView};
use sekisho_types::{Dir, ip_proto};

/// What is at hand when a rule is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) packet: &'a PacketView<'a>,
    pub(crate) flow: Option<&'a FlowView>,
    /// In whose direction the rule is looked at.
    pub(crate) dir: Dir,
    /// The packet at hand goes the other way: its ends change places.
    pub(crate) swapped: bool,
    /// The stream is looked at, not the packet.
    pub(crate) in_stream: bool,
}

impl Scene<'_> {
    /// Source and destination as numbers.
    pub(crate) fn ends(&self) -> (u128, u128) {
        let d = self.packet.decoded;
        let (src, dst) = (u128::from_be_bytes(*d.src.octets()), u128::from_be_bytes(*d.dst.octets()));
        if self.swapped { (dst, src) } else { (src, dst) }
    }
}

/// Do protocol, addresses and ports agree?
pub(crate) fn head_matches(rule: &Rule, plan: &Plan, scene: &Scene<'_>) -> bool {
    let header = &rule.header;
    let d = scene.packet.decoded;
    let flow_app = scene.flow.map_or("", |flow| flow.app);
    let protocol = match header.protocol {
        Protocol::Ip => d.ip_version != 0,
        Protocol::Ipv4 => d.ip_version == 4,
        Protocol::Ipv6 => d.ip_version == 6,
        Protocol::Tcp | Protocol::TcpPkt | Protocol::TcpStream => d.proto == ip_proto::TCP && d.ip_version != 0,
        Protocol::Udp => d.proto == ip_proto::UDP && d.ip_version != 0,
        Protocol::Icmp => matches!(d.proto, ip_proto::ICMP | ip_proto::ICMPV6) && d.ip_version != 0,
        Protocol::Icmpv4 => d.proto == ip_proto::ICMP && d.ip_version == 4,
        Protocol::Icmpv6 => d.proto == ip_proto::ICMPV6 && d.ip_version == 6,
        Protocol::Igmp => d.proto == header::IGMP && d.ip_version != 0,
        Protocol::Sctp => d.proto == ip_proto::SCTP && d.ip_version != 0,
        Protocol::Arp => d.ip_version == 0 && d.ethertype == 0x0806,
        Protocol::Ether => d.src_mac.is_some(),
        Protocol::Pkthdr => true,
        Protocol::App(app) => is_app(app, flow_app),
    };
    // Of either end.
    let is_first = || scene.flow.is_some_and(|flow| *flow.dir.of(&flow.pkts) <= 1);
    let hooked = header.hook.as_deref() != Some("flow_start") || is_first();
    protocol
        && hooked
        && plan.dir.is_none_or(|dir| scene.flow.is_some() && dir == scene.dir)
        && ends_match(header, scene)
}

fn ends_match(header: &Header, scene: &Scene<'_>) -> bool {
    let d = scene.packet.decoded;
    let forth = |swapped: bool| {
        let (src, src_port, dst, dst_port) =
            if swapped { (d.dst, d.dst_port, d.src, d.src_port) } else { (d.src, d.src_port, d.dst, d.dst_port) };
        // ICMP's type and code stand where ports would be.
        let ported = matches!(d.proto, ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP);
        let port = |ports: &crate::ir::Ports, n| ports.is_any() || ported && ports.has(n);
        let addr = |addresses: &crate::ir::Addresses, a| addresses.is_any() || addresses.has(a);
        port(&header.dst_ports, dst_port)
            && port(&header.src_ports, src_port)
            && addr(&header.src, src)
            && addr(&header.dst, dst)
    };
    match header.arrow {
        Arrow::To => forth(scene.swapped),
        Arrow::Both => forth(scene.swapped) || forth(!scene.swapped),
        // Written from the client's side.
        Arrow::Exchange => forth(scene.swapped != (scene.dir == Dir::Resp)),
    }
}

fn bits_hold(test: BitTest, field: u8) -> bool {
    let field = field & !test.ignore;
    match test.mode {
        BitMode::Exact => field == test.bits,
        BitMode::All => field & test.bits == test.bits,
        BitMode::Any => field & test.bits != 0,
        BitMode::Not => field & test.bits != test.bits,
    }
}

fn side_holds(side: Side, counts: [u64; 2], holds: impl Fn(u64) -> bool) -> bool {
    let [server, client] = counts.map(holds);
    match side {
        Side::ToServer => server,
        Side::ToClient => client,
        Side::Either => server || client,
        Side::Both => server && client,
    }
}

/// What conditions may ask beyond the scene.
pub(crate) struct Memory<'a> {
    pub(crate) flow: Option<&'a FlowState>,
    pub(crate) hosts: &'a HostBits,
}

/// Does a condition hold? `None`: it is about an exchange, files or payload and not answered here.
pub(crate) fn holds(condition: &Condition, scene: &Scene<'_>, memory: &Memory<'_>) -> Option<bool> {
    use Condition as C;
    let packet = scene.packet;
    let d = packet.decoded;
    let (src, dst) = scene.ends();
    let is_tcp = d.proto == ip_proto::TCP && d.has_transport && d.ip_version != 0;
    let is_icmp = matches!(d.proto, ip_proto::ICMP | ip_proto::ICMPV6) && d.has_transport && d.ip_version != 0;
    Some(match condition {
        C::Flow(flow) => flow_holds(flow, scene),
        C::PayloadLen(compare) => {
            // IGMP is all header.
            let len = if d.proto == header::IGMP { 0 } else { d.payload_len };
            !scene.in_stream && d.ip_version != 0 && compare.holds(u64::from(len))
        }
        C::Ttl(compare) => d.ip_version != 0 && compare.holds(u64::from(d.ttl)),
        C::IpId(id) => header::ip_id(packet) == Some(*id),
        C::IpProto(compare) => d.ip_version != 0 && compare.holds(u64::from(d.proto)),
        C::SameIp => d.ip_version != 0 && src == dst,
        C::IpOption(option) => header::has_option(packet, *option),
        C::FragBits(test) => header::fragment(packet).is_some_and(|(bits, _)| bits_hold(*test, bits)),
        C::FragOffset(compare) => header::fragment(packet).is_some_and(|(_, offset)| compare.holds(u64::from(offset))),
        C::Tos { value, negated } => d.ip_version == 4 && (d.tos == *value) != *negated,
        C::TcpFlags(test) => is_tcp && bits_hold(*test, d.tcp.flags),
        C::TcpSeq(n) => is_tcp && d.tcp.seq == *n,
        C::TcpAck(n) => is_tcp && d.tcp.ack == *n,
        C::TcpWindow(compare) => is_tcp && compare.holds(u64::from(d.tcp.window)),
        C::TcpMss(compare) => is_tcp && d.tcp.mss.is_some_and(|n| compare.holds(u64::from(n))),
        C::TcpWindowScale(compare) => is_tcp && d.tcp.window_scale.is_some_and(|n| compare.holds(u64::from(n))),
        C::IcmpType(compare) => is_icmp && compare.holds(u64::from(d.src_port)),
        C::IcmpCode(compare) => is_icmp && compare.holds(u64::from(d.dst_port)),
        C::IcmpId(n) => is_icmp && is_query(d.proto, d.src_port) && header::transport_u16(packet, 4) == Some(*n),
        C::IcmpSeq(n) => is_icmp && is_query(d.proto, d.src_port) && header::transport_u16(packet, 6) == Some(*n),
        C::Icmpv6Mtu(compare) => {
            let is_too_big = is_icmp && d.proto == ip_proto::ICMPV6 && d.src_port == 2;
            let mtu = header::transport_u16(packet, 4).zip(header::transport_u16(packet, 6));
            is_too_big && mtu.is_some_and(|(high, low)| compare.holds(u64::from(high) << 16 | u64::from(low)))
        }
        C::IgmpType(compare) => {
            d.proto == header::IGMP
                && header::transport_byte(packet, 0).is_some_and(|kind| compare.holds(u64::from(kind)))
        }
        C::Checksum(which, right) => {
            let version = if matches!(which, crate::ir::HeaderBuffer::Icmpv6) { 6 } else { 4 };
            header::checksum_ok(packet, *which, version) == Some(*right)
        }
        C::ChecksumV6(which, right) => header::checksum_ok(packet, *which, 6) == Some(*right),
        C::PacketEvent(name) => packet.events.contains(&&**name),
        C::AppEvent(proto, name) if proto.is_empty() => packet.events.contains(&&**name),
        C::AppProtocol { name, negated, mode } => {
            let app = scene.flow.map_or("", |flow| flow.app);
            // Of an end that has sent nothing it is not known what it speaks.
            let silent = |flow: &FlowView| is_tcp && *flow.dir.of(&flow.stream_len) == 0;
            if *negated && scene.flow.is_some_and(silent) {
                return Some(false);
            }
            match (&**name, app) {
                ("unknown", app) => app.is_empty() != *negated,
                (_, "") => false,
                (name, app) if &**mode == "exact" => (name == app) != *negated,
                (name, app) => (is_app(name, app) || name == app) != *negated,
            }
        }
        C::FlowAge(compare) => {
            scene.flow.is_some_and(|f| compare.holds(u64::try_from(f.age.0 / 1_000_000_000).unwrap_or(0)))
        }
        C::FlowPkts(side, compare) => scene.flow.is_some_and(|f| side_holds(*side, f.pkts, |n| compare.holds(n))),
        C::FlowBytes(side, compare) => scene.flow.is_some_and(|f| side_holds(*side, f.bytes, |n| compare.holds(n))),
        C::StreamSize(side, compare) => {
            is_tcp && scene.flow.is_some_and(|f| side_holds(*side, f.stream_len, |n| compare.holds(n)))
        }
        // Suricata marks flows by a threshold of its configuration that is off by default.
        C::FlowElephant(_) => false,
        C::FlowBits { bits, negated } => {
            let state = memory.flow?;
            let any = bits.iter().any(|&bit| state.has_bit(bit));
            any != *negated
        }
        C::FlowInt { var, ask } => memory.flow.is_some_and(|state| int_holds(state, *var, *ask)),
        C::XBits { track, bit, negated } => memory.hosts.is_set(*bit, *track, src, dst, packet.ts) != *negated,
        C::IpRep { .. } | C::GeoIp { .. } | C::Asn1(_) => false,
        C::VlanId(layer, compare) => vlan(&d.vlan, *layer).any(|id| compare.holds(u64::from(id))),
        C::VlanLayers(compare) => compare.holds(vlan(&d.vlan, None).count() as u64),
        C::FtpBounce | C::Rpc(..) => return None,
        C::AppEvent(..) | C::TlsVersion { .. } | C::CertExpired(_) | C::File(_) | C::DceIface { .. } => return None,
    })
}

fn vlan(tags: &sekisho_types::VlanTags, layer: Option<i8>) -> impl Iterator<Item = u16> {
    let all = [tags.outer(), tags.inner()];
    let count = all.iter().flatten().count();
    let wanted =
        layer.map(|n| if n < 0 { count.checked_sub(usize::from(n.unsigned_abs())) } else { usize::try_from(n).ok() });
    all.into_iter().flatten().enumerate().filter(move |(n, _)| wanted.is_none_or(|w| w == Some(*n))).map(|(_, id)| id)
}

/// ICMP messages that have an identifier and a sequence number.
const fn is_query(proto: u8, kind: u16) -> bool {
    if proto == ip_proto::ICMP { matches!(kind, 0 | 8 | 13..=18) } else { matches!(kind, 128 | 129) }
}

fn flow_holds(condition: &FlowCondition, scene: &Scene<'_>) -> bool {
    let dir = condition.to_server.is_none_or(|to_server| scene.flow.is_some() && to_server == scene.dir.is_orig());
    let established = match condition.established {
        None => true,
        Some(wanted) => scene.flow.is_some_and(|flow| flow.established == wanted),
    };
    let fragment = condition.frag.is_none_or(|only| only == scene.packet.decoded.fragment.is_some());
    let stream = match condition.stream {
        None => true,
        Some(true) => scene.in_stream || scene.packet.decoded.proto != ip_proto::TCP,
        Some(false) => !scene.in_stream,
    };
    dir && established && fragment && stream
}

fn int_holds(state: &FlowState, var: u16, ask: FlowIntAsk) -> bool {
    match ask {
        FlowIntAsk::IsSet(wanted) => state.int(var).is_some() == wanted,
        FlowIntAsk::Compare(compare) => state.int(var).is_some_and(|n| compare.holds(u64::from(n))),
        FlowIntAsk::Var(sign, other) => {
            let (Some(a), Some(b)) = (state.int(var), state.int(other)) else { return false };
            match sign {
                FlowIntSign::Lt => a < b,
                FlowIntSign::Le => a <= b,
                FlowIntSign::Eq => a == b,
                FlowIntSign::Ne => a != b,
                FlowIntSign::Ge => a >= b,
                FlowIntSign::Gt => a > b,
            }
        }
    }
}
