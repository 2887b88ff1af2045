//! Fields of the packet's headers.

use super::payload::compared;
use super::{Keyword, Read, Takes};
use crate::draft::{Arg, Draft, Shared};
use crate::ir::{
    BitMode, BitTest, Buffer, BufferMatch, Compare, Condition, HeaderBuffer, Int, IpOption, RepSide, Step,
};
use crate::refusal::{Code, Done};
use crate::syntax::integer;

pub(super) const TABLE: &[Keyword] = &[
    value(&["ttl"], |draft, _, arg| compared(arg, arg.value.text, 255).map(|c| draft.condition(Condition::Ttl(c)))),
    value(&["id"], |draft, _, arg| number(arg).map(|n| draft.condition(Condition::IpId(n)))),
    value(&["ip_proto"], ip_proto),
    Keyword { names: &["sameip"], takes: Takes::Nothing, read: |draft, _, _| same_ip(draft) },
    value(&["ipopts"], ip_options),
    value(&["fragbits"], frag_bits),
    value(&["fragoffset"], |d, _, a| compared(a, a.value.text, 65535).map(|c| d.condition(Condition::FragOffset(c)))),
    Keyword { names: &["tos"], takes: Takes::Negatable, read: tos },
    value(&["tcp.flags", "flags"], tcp_flags),
    value(&["tcp.seq", "seq"], |draft, _, arg| number(arg).map(|n| draft.condition(Condition::TcpSeq(n)))),
    value(&["tcp.ack", "ack"], |draft, _, arg| number(arg).map(|n| draft.condition(Condition::TcpAck(n)))),
    value(&["tcp.window", "window"], |d, _, a| {
        compared(a, a.value.text, 65535).map(|c| d.condition(Condition::TcpWindow(c)))
    }),
    value(&["tcp.mss"], |d, _, a| compared(a, a.value.text, 65535).map(|c| d.condition(Condition::TcpMss(c)))),
    value(&["tcp.wscale"], |d, _, a| compared(a, a.value.text, 255).map(|c| d.condition(Condition::TcpWindowScale(c)))),
    value(&["itype"], |d, _, a| compared(a, a.value.text, 255).map(|c| d.condition(Condition::IcmpType(c)))),
    value(&["icode"], |d, _, a| compared(a, a.value.text, 255).map(|c| d.condition(Condition::IcmpCode(c)))),
    value(&["icmp_id"], |draft, _, arg| number(arg).map(|n| draft.condition(Condition::IcmpId(n)))),
    value(&["icmp_seq"], |draft, _, arg| number(arg).map(|n| draft.condition(Condition::IcmpSeq(n)))),
    value(&["icmpv6.mtu"], |d, _, a| {
        compared(a, a.value.text, u32::MAX.into()).map(|c| d.condition(Condition::Icmpv6Mtu(c)))
    }),
    value(&["igmp.type"], |d, _, a| compared(a, a.value.text, 255).map(|c| d.condition(Condition::IgmpType(c)))),
    value(&["ipv4-csum"], |d, _, a| checksum(d, a, HeaderBuffer::Ipv4, false)),
    value(&["tcpv4-csum"], |d, _, a| checksum(d, a, HeaderBuffer::Tcp, false)),
    value(&["udpv4-csum"], |d, _, a| checksum(d, a, HeaderBuffer::Udp, false)),
    value(&["icmpv4-csum"], |d, _, a| checksum(d, a, HeaderBuffer::Icmpv4, false)),
    value(&["icmpv6-csum"], |d, _, a| checksum(d, a, HeaderBuffer::Icmpv6, false)),
    value(&["igmp-csum"], |d, _, a| checksum(d, a, HeaderBuffer::Igmp, false)),
    value(&["tcpv6-csum"], |d, _, a| checksum(d, a, HeaderBuffer::Tcp, true)),
    value(&["udpv6-csum"], |d, _, a| checksum(d, a, HeaderBuffer::Udp, true)),
    value(&["decode-event", "engine-event"], |draft, _, arg| event(draft, arg, "")),
    value(&["stream-event"], |draft, _, arg| event(draft, arg, "stream.")),
    value(&["l3_proto"], l3_proto),
    value(&["vlan.id"], vlan_id),
    value(&["vlan.layers"], |d, _, a| compared(a, a.value.text, 3).map(|c| d.condition(Condition::VlanLayers(c)))),
    value(&["geoip"], geoip),
    value(&["iprep"], iprep),
];

const fn value(names: &'static [&'static str], read: Read) -> Keyword {
    Keyword { names, takes: Takes::Value, read }
}

/// A number alone.
fn number<T: TryFrom<i64>>(arg: &Arg<'_>) -> Done<T> {
    match integer(arg.value.text).and_then(|n| T::try_from(n).ok()) {
        Some(n) => Ok(n),
        None => arg.bad(format!("{} is no number that fits", arg.value.text)),
    }
}

fn same_ip(draft: &mut Draft) -> Done {
    draft.condition(Condition::SameIp);
    Ok(())
}

/// Names of IP protocols, of those that networks have; others are named by number.
const PROTOCOLS: &[(&str, u64)] = &[
    ("ah", 51),
    ("dccp", 33),
    ("egp", 8),
    ("eigrp", 88),
    ("esp", 50),
    ("etherip", 97),
    ("ggp", 3),
    ("gre", 47),
    ("hopopt", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("igp", 9),
    ("ip", 0),
    ("ipcomp", 108),
    ("ipip", 94),
    ("ipv4", 4),
    ("ipv6", 41),
    ("ipv6-frag", 44),
    ("ipv6-icmp", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("ipv6-route", 43),
    ("l2tp", 115),
    ("mpls-in-ip", 137),
    ("ospf", 89),
    ("ospfigp", 89),
    ("pgm", 113),
    ("pim", 103),
    ("pup", 12),
    ("rdp", 27),
    ("rsvp", 46),
    ("sctp", 132),
    ("skip", 57),
    ("tcp", 6),
    ("udp", 17),
    ("udplite", 136),
    ("vrrp", 112),
];

fn ip_proto(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let text = arg.value.text;
    let (sign, name) = match text.strip_prefix(['!', '<', '>']) {
        Some(rest) => (text.as_bytes().first().copied().unwrap_or(0), rest.trim()),
        None => (0, text),
    };
    let known = PROTOCOLS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, n)| *n);
    let Some(n) = known.or_else(|| name.parse::<u8>().ok().map(u64::from)) else {
        return arg.bad(format!("{name} is no IP protocol"));
    };
    draft.condition(Condition::IpProto(match sign {
        b'!' => Compare::Ne(n),
        b'<' => Compare::Lt(n),
        b'>' => Compare::Gt(n),
        _ => Compare::Eq(n),
    }));
    Ok(())
}

fn ip_options(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    draft.condition(Condition::IpOption(match arg.value.text.to_ascii_lowercase().as_str() {
        "any" => IpOption::Any,
        "rr" => IpOption::Rr,
        "eol" => IpOption::Eol,
        "nop" => IpOption::Nop,
        "ts" => IpOption::Ts,
        "sec" => IpOption::Sec,
        "esec" => IpOption::Esec,
        "lsrr" => IpOption::Lsrr,
        "ssrr" => IpOption::Ssrr,
        "satid" => IpOption::Satid,
        "qs" => IpOption::Qs,
        "cipso" => IpOption::Cipso,
        "rtralt" => IpOption::Rtralt,
        other => return arg.bad(format!("{other} is no IP option")),
    }));
    Ok(())
}

/// A sign before or behind the letters says how they are compared.
fn mode(text: &str) -> (BitMode, &str) {
    for (sign, mode) in [('+', BitMode::All), ('*', BitMode::Any), ('!', BitMode::Not)] {
        if let Some(rest) = text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)) {
            return (mode, rest.trim());
        }
    }
    (BitMode::Exact, text)
}

/// `fragbits:[+*!]MDR`: bits 1, 2 and 4.
fn frag_bits(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let (mode, letters) = mode(arg.value.text);
    let mut bits = 0;
    for c in letters.chars().filter(|c| !c.is_whitespace()) {
        bits |= match c.to_ascii_uppercase() {
            'M' => 1,
            'D' => 2,
            'R' => 4,
            _ => return arg.bad(format!("{c} is none of M, D and R")),
        };
    }
    draft.condition(Condition::FragBits(BitTest { bits, ignore: 0, mode }));
    Ok(())
}

fn flag_bits(arg: &Arg<'_>, letters: &str) -> Done<u8> {
    let mut bits = 0;
    for c in letters.chars().filter(|c| !c.is_whitespace()) {
        bits |= match c.to_ascii_uppercase() {
            'F' => 0x01,
            'S' => 0x02,
            'R' => 0x04,
            'P' => 0x08,
            'A' => 0x10,
            'U' => 0x20,
            'E' | '2' => 0x40,
            'C' | '1' => 0x80,
            '0' => 0,
            _ => return arg.bad(format!("{c} is no flag of TCP")),
        };
    }
    Ok(bits)
}

/// `tcp.flags:[+*!]FSRPAUEC[,IGNORED]`
fn tcp_flags(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let (flags, ignored) = arg.value.text.split_once(',').unwrap_or((arg.value.text, ""));
    let (mode, letters) = mode(flags.trim());
    let (bits, ignore) = (flag_bits(arg, letters)?, flag_bits(arg, ignored)?);
    draft.condition(Condition::TcpFlags(BitTest { bits, ignore, mode }));
    Ok(())
}

fn tos(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let text = arg.value.text;
    let hex = text.strip_prefix(['x', 'X']).map(|digits| u8::from_str_radix(digits, 16).ok());
    let number = hex.unwrap_or_else(|| integer(text).and_then(|n| u8::try_from(n).ok()));
    match number {
        Some(value) => {
            draft.condition(Condition::Tos { value, negated: arg.negated });
            Ok(())
        }
        None => arg.bad(format!("{text} is no number up to 255")),
    }
}

fn checksum(draft: &mut Draft, arg: &Arg<'_>, header: HeaderBuffer, is_v6: bool) -> Done {
    let valid = match arg.value.text {
        "valid" => true,
        "invalid" => false,
        other => return arg.bad(format!("{other} is neither valid nor invalid")),
    };
    draft.condition(if is_v6 { Condition::ChecksumV6(header, valid) } else { Condition::Checksum(header, valid) });
    Ok(())
}

fn event(draft: &mut Draft, arg: &Arg<'_>, prefix: &str) -> Done {
    let name = arg.value.text;
    let name = name.strip_prefix("decoder.").unwrap_or(name);
    let prefix = if name.starts_with(prefix) { "" } else { prefix };
    draft.condition(Condition::PacketEvent(format!("{prefix}{name}").into()));
    Ok(())
}

/// `l3_proto:ipv4`: there is such a header.
fn l3_proto(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let header = match arg.value.text.to_ascii_lowercase().as_str() {
        "ipv4" | "ip4" | "ip" => HeaderBuffer::Ipv4,
        "ipv6" | "ip6" => HeaderBuffer::Ipv6,
        other => return arg.bad(format!("{other} is neither ipv4 nor ipv6")),
    };
    let step = Step::IsDataAt { offset: Int::Number(0), relative: false, negated: false };
    let entry =
        BufferMatch { buffer: Buffer::Header(header), transforms: Vec::new(), steps: vec![step], request: None };
    draft.rule.matches.push(entry);
    Ok(())
}

/// `vlan.id:N[,LAYER]`
fn vlan_id(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts();
    let compare = compared(arg, parts.next().unwrap_or_default().text, 4095)?;
    let layer = match parts.next().map(|part| part.text) {
        None | Some("any") => None,
        Some(text) => match text.parse::<i8>().ok().filter(|n| (-3..=2).contains(n)) {
            Some(n) => Some(n),
            None => return arg.bad(format!("{text} is no layer: -3 to 2, or any")),
        },
    };
    draft.condition(Condition::VlanId(layer, compare));
    Ok(())
}

fn side(text: &str) -> Option<RepSide> {
    match text {
        "any" => Some(RepSide::Any),
        "src" => Some(RepSide::Src),
        "dst" | "dest" => Some(RepSide::Dst),
        "both" => Some(RepSide::Both),
        _ => None,
    }
}

fn geoip(_: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let first = arg.parts().next().unwrap_or_default().text;
    if side(first).is_none() && first.trim_start_matches('!').len() != 2 {
        return arg.bad(format!("{first} is neither src, dst, both or any nor a country's two letters"));
    }
    arg.fail_help(Code::NoData, "geoip has no data: there is no database of countries", "leave the rule out")
}

fn iprep(_: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let parts: Vec<_> = arg.parts().map(|part| part.text).collect();
    if parts.first().copied().and_then(side).is_none() || parts.len() < 3 {
        return arg.bad("write iprep:any|src|dst|both,CATEGORY,SIGN,NUMBER");
    }
    arg.fail_help(
        Code::NoData,
        "iprep has no data: reputation lists are not read",
        "leave the rule out, or make a datarep rule of it",
    )
}
