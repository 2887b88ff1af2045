//! Conditions about packet, flow and hosts, in words.

use super::numbers::compare;
use super::steps::{header_name, show};
use crate::ir::{
    BitMode, BitTest, Condition, FileCondition, FlowCondition, FlowIntAsk, FlowIntSign, RepSide, RuleSet, Side, Track,
};

/// One condition.
pub(super) fn say(condition: &Condition, set: &RuleSet) -> String {
    let name = |list: &[Box<str>], n: u16| list.get(usize::from(n)).map_or_else(String::new, |name| name.to_string());
    match condition {
        Condition::Flow(flow) => say_flow(flow),
        Condition::PayloadLen(c) => format!("the payload's length in bytes {}", compare(*c)),
        Condition::Ttl(c) => format!("the time to live {}", compare(*c)),
        Condition::IpId(n) => format!("the IP identification is {n}"),
        Condition::IpProto(c) => format!("the IP protocol {}", compare(*c)),
        Condition::SameIp => "source and destination are the same address".into(),
        Condition::IpOption(option) => format!("the IP options have {option:?}"),
        Condition::FragBits(test) => format!("of the fragment bits {}", bits(test, &[(1, "M"), (2, "D"), (4, "R")])),
        Condition::FragOffset(c) => format!("the fragment offset {}", compare(*c)),
        Condition::Tos { value, negated } => format!("the type of service is {}{value}", not(*negated)),
        Condition::TcpFlags(test) => format!("of the TCP flags {}", bits(test, TCP_FLAGS)),
        Condition::TcpSeq(n) => format!("the sequence number is {n}"),
        Condition::TcpAck(n) => format!("the acknowledgement number is {n}"),
        Condition::TcpWindow(c) => format!("the TCP window {}", compare(*c)),
        Condition::TcpMss(c) => format!("the maximum segment size {}", compare(*c)),
        Condition::TcpWindowScale(c) => format!("the window scale {}", compare(*c)),
        Condition::IcmpType(c) => format!("the ICMP type {}", compare(*c)),
        Condition::IcmpCode(c) => format!("the ICMP code {}", compare(*c)),
        Condition::IcmpId(n) => format!("the ICMP identifier is {n}"),
        Condition::IcmpSeq(n) => format!("the ICMP sequence number is {n}"),
        Condition::Icmpv6Mtu(c) => format!("the MTU told by ICMPv6 {}", compare(*c)),
        Condition::IgmpType(c) => format!("the IGMP type {}", compare(*c)),
        Condition::Checksum(header, valid) => format!("the {} checksum is {}", header_name(*header), right(*valid)),
        Condition::ChecksumV6(header, valid) => {
            format!("the {} checksum (over IPv6) is {}", header_name(*header), right(*valid))
        }
        Condition::PacketEvent(event) => format!("the packet's anomaly is {event}"),
        Condition::AppEvent(app, event) if app.is_empty() => format!("the exchange's anomaly is {event}"),
        Condition::AppEvent(app, event) => format!("the {app} anomaly is {event}"),
        Condition::AppProtocol { name, negated, mode } => {
            let mode = if mode.is_empty() { String::new() } else { format!(" ({mode})") };
            format!("the application protocol is {}{name}{mode}", not(*negated))
        }
        Condition::FlowAge(c) => format!("the flow's age in seconds {}", compare(*c)),
        Condition::FlowPkts(s, c) => format!("the flow's packets {} {}", side(*s), compare(*c)),
        Condition::FlowBytes(s, c) => format!("the flow's bytes {} {}", side(*s), compare(*c)),
        Condition::StreamSize(s, c) => format!("the stream's bytes {} {}", side(*s), compare(*c)),
        Condition::FlowElephant(s) => format!("the flow is large {}", side(*s)),
        Condition::FlowBits { bits, negated } => {
            let names: Vec<_> = bits.iter().map(|bit| name(&set.flow_bits, *bit)).collect();
            format!("the flow bit {} is {}set", names.join(" or "), not(*negated))
        }
        Condition::FlowInt { var, ask } => {
            format!("the flow's number {} {}", name(&set.flow_ints, *var), say_ask(ask, set))
        }
        Condition::XBits { track, bit, negated } => {
            format!("the bit {} of {} is {}set", name(&set.x_bits, *bit), tracked(*track), not(*negated))
        }
        Condition::IpRep { side, category, compare: c } => {
            format!("the reputation of {} as {category} {}", end(*side), compare(*c))
        }
        Condition::GeoIp { side, countries, negated } => {
            let names: Vec<_> = countries.iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect();
            format!("{} is {}in {}", end(*side), not(*negated), names.join(", "))
        }
        Condition::VlanId(Some(layer), c) => format!("the VLAN of layer {layer} {}", compare(*c)),
        Condition::VlanId(None, c) => format!("a VLAN {}", compare(*c)),
        Condition::VlanLayers(c) => format!("the number of VLAN tags {}", compare(*c)),
        Condition::TlsVersion { versions, negated } => {
            let all: Vec<_> = versions.iter().map(|v| format!("{v:#06x}")).collect();
            format!("the TLS version is {}{}", not(*negated), all.join(" or "))
        }
        Condition::CertExpired(true) => "the certificate has expired at the packet's time".into(),
        Condition::CertExpired(false) => "the certificate is valid at the packet's time".into(),
        Condition::File(file) => say_file(file),
        Condition::FtpBounce => "a PORT command names another host than the client".into(),
        Condition::Asn1(what) => format!("the ASN.1 in the payload has {what}"),
        Condition::Rpc(program, version, procedure) => {
            let any = |n: &Option<u32>| n.map_or_else(|| "any".to_owned(), |n| n.to_string());
            format!("it calls RPC program {program}, version {}, procedure {}", any(version), any(procedure))
        }
        Condition::DceIface { uuid, version, any_frag } => {
            let version = version.map_or_else(String::new, |c| format!(" whose version {}", compare(c)));
            let any = if *any_frag { " (any fragment)" } else { "" };
            format!("the DCE/RPC interface is {}{version}{any}", say_uuid(uuid))
        }
    }
}

const TCP_FLAGS: &[(u8, &str)] =
    &[(1, "FIN"), (2, "SYN"), (4, "RST"), (8, "PSH"), (16, "ACK"), (32, "URG"), (64, "ECE"), (128, "CWR")];

const fn not(negated: bool) -> &'static str {
    if negated { "not " } else { "" }
}

const fn right(valid: bool) -> &'static str {
    if valid { "right" } else { "wrong" }
}

fn bits(test: &BitTest, names: &[(u8, &str)]) -> String {
    let named = |bits: u8| {
        let all: Vec<_> = names.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
        if all.is_empty() { "none".to_owned() } else { all.join(", ") }
    };
    let ignore = if test.ignore == 0 { String::new() } else { format!(" ({} do not matter)", named(test.ignore)) };
    let which = named(test.bits);
    match test.mode {
        BitMode::Exact => format!("exactly {which} are set{ignore}"),
        BitMode::All => format!("at least {which} are set{ignore}"),
        BitMode::Any => format!("one of {which} is set{ignore}"),
        BitMode::Not => format!("{which} are not set{ignore}"),
    }
}

fn say_flow(flow: &FlowCondition) -> String {
    let mut words = Vec::new();
    let mut word = |field: Option<bool>, yes, no| match field {
        Some(true) => words.push(yes),
        Some(false) => words.push(no),
        None => {}
    };
    word(flow.to_server, "it goes to the server", "it goes to the client");
    word(flow.established, "the flow is established", "the flow is not established");
    word(flow.stateless.then_some(true), "whatever the flow's state", "");
    word(flow.stream, "only reassembled data", "no reassembled data");
    word(flow.frag, "only reassembled fragments", "no reassembled fragments");
    words.join(", ")
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::ToServer => "to the server",
        Side::ToClient => "to the client",
        Side::Either => "in either direction",
        Side::Both => "in both directions",
    }
}

const fn end(side: RepSide) -> &'static str {
    match side {
        RepSide::Any => "either end",
        RepSide::Src => "the source",
        RepSide::Dst => "the destination",
        RepSide::Both => "each end",
    }
}

/// What something is remembered of.
pub(super) const fn tracked(track: Track) -> &'static str {
    match track {
        Track::BySrc => "the source",
        Track::ByDst => "the destination",
        Track::ByBoth => "the pair of addresses",
        Track::ByRule => "the rule",
        Track::ByFlow => "the flow",
        Track::ByTx => "the exchange",
    }
}

fn say_ask(ask: &FlowIntAsk, set: &RuleSet) -> String {
    match ask {
        FlowIntAsk::Compare(c) => compare(*c),
        FlowIntAsk::IsSet(true) => "is set".into(),
        FlowIntAsk::IsSet(false) => "is not set".into(),
        FlowIntAsk::Var(sign, other) => {
            let sign = match sign {
                FlowIntSign::Lt => "below",
                FlowIntSign::Le => "at most",
                FlowIntSign::Eq => "equal to",
                FlowIntSign::Ne => "not",
                FlowIntSign::Ge => "at least",
                FlowIntSign::Gt => "above",
            };
            format!("is {sign} the number {}", set.flow_ints.get(usize::from(*other)).map_or("", |name| name))
        }
    }
}

fn say_file(file: &FileCondition) -> String {
    match file {
        FileCondition::Name { text, ext: true, negated } => {
            format!("the file's extension is {}{}", not(*negated), show(text))
        }
        FileCondition::Name { text, ext: false, negated: false } => format!("the file's name contains {}", show(text)),
        FileCondition::Name { text, .. } => format!("the file's name does not contain {}", show(text)),
        FileCondition::Magic { text, negated: false } => format!("the file's type contains {}", show(text)),
        FileCondition::Magic { text, .. } => format!("the file's type does not contain {}", show(text)),
        FileCondition::Size(c) => format!("the file's size {}", compare(*c)),
        FileCondition::Hash { len, negated, .. } => {
            let kind = match len {
                16 => "MD5",
                20 => "SHA-1",
                _ => "SHA-256",
            };
            format!("the file's {kind} is {}in the list", not(*negated))
        }
        FileCondition::Any => "there is a file".into(),
    }
}

fn say_uuid(uuid: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (n, byte) in uuid.iter().enumerate() {
        if matches!(n, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text += &format!("{byte:02x}");
    }
    text
}
