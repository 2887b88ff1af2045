//! How one rule is looked at.

use crate::eval::regex::Regex;
use crate::ir::{Arrow, Buffer, BufferMatch, Condition, Content, Protocol, Rule, Step};
use sekisho_transaction::{Ends, Fact, Kind};
use sekisho_types::Dir;

/// A rule's plan.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Whose messages it is about, if that is said or follows from its buffers.
    pub(crate) dir: Option<Dir>,
    /// It is about both sides of an exchange (`=>`).
    pub(crate) exchange: bool,
    /// The prefilter finds it by a literal.
    pub(crate) has_literal: bool,
    /// Looked at with each packet.
    pub(crate) packet: bool,
    /// Looked at with the stream.
    pub(crate) stream: bool,
    /// Looked at with exchanges.
    pub(crate) transaction: bool,
    /// It asks for a file.
    pub(crate) file: bool,
    /// Looked at with frames.
    pub(crate) frame: bool,
    /// It asks for an anomaly of exchanges.
    pub(crate) event: bool,
    /// Once for each direction of a flow: it asks for addresses alone.
    pub(crate) once: bool,
    /// Once for each direction of a flow, when its protocol is known.
    pub(crate) once_app: bool,
    /// What it does, as a `pass` rule, it does to the flow: nothing of a single packet decides whether it matches.
    pub(crate) for_flow: bool,
    /// The stage of an exchange from which on all that it asks for is final: of request and response.
    pub(crate) stages: [u8; 2],
    /// Its buffers.
    pub(crate) buffers: Vec<BufferPlan>,
}

/// One buffer's plan.
#[derive(Debug)]
pub(crate) struct BufferPlan {
    /// Which of the rule's matches.
    pub(crate) at: u16,
    /// Which chain of transforms; 0: none.
    pub(crate) transforms: u16,
    /// The expressions of its `pcre` steps, in order.
    pub(crate) regexes: Vec<Regex>,
    /// Steps in what its `base64_decode` gives.
    pub(crate) base64: Option<(Vec<Step>, Vec<Regex>)>,
}

/// Regular expressions of some steps.
pub(crate) fn regexes(steps: &[Step]) -> Vec<Regex> {
    let of = |step: &Step| match step {
        Step::Pcre(pcre) => Some(Regex::new(pcre.clone())),
        _ => None,
    };
    steps.iter().filter_map(of).collect()
}

/// The contents of a match.
pub(crate) fn contents(m: &BufferMatch) -> impl Iterator<Item = &Content> {
    m.steps.iter().filter_map(|step| match step {
        Step::Content(content) => Some(content),
        _ => None,
    })
}

/// Facts that a rule asks an exchange for.
pub(crate) fn facts(rule: &Rule) -> impl Iterator<Item = Fact> {
    let of_conditions = rule.conditions.iter().flat_map(|condition| {
        let facts: &'static [Fact] = match condition {
            Condition::DceIface { .. } => &[Fact::DcerpcIface],
            Condition::TlsVersion { .. } => &[Fact::TlsVersion],
            Condition::CertExpired(_) => &[Fact::TlsCertNotafter, Fact::TlsCertNotbefore],
            Condition::File(_) => &[Fact::FileName],
            _ => &[],
        };
        facts.iter().copied()
    });
    rule.matches
        .iter()
        .filter_map(|m| match m.buffer {
            Buffer::Fact(fact) => Some(fact),
            _ => None,
        })
        .chain(of_conditions)
}

/// Does a condition concern single packets, so that the rule has to be looked at with each?
const fn is_of_packets(condition: &Condition) -> bool {
    use Condition as C;
    match condition {
        C::Flow(flow) => matches!(flow.stream, Some(false)),
        C::PayloadLen(_)
        | C::Ttl(_)
        | C::IpId(_)
        | C::IpOption(_)
        | C::FragBits(_)
        | C::FragOffset(_)
        | C::Tos { .. } => true,
        C::TcpFlags(_) | C::TcpSeq(_) | C::TcpAck(_) | C::TcpWindow(_) | C::TcpMss(_) | C::TcpWindowScale(_) => true,
        C::IcmpType(_) | C::IcmpCode(_) | C::IcmpId(_) | C::IcmpSeq(_) | C::Icmpv6Mtu(_) | C::IgmpType(_) => true,
        C::Checksum(..) | C::ChecksumV6(..) | C::SameIp | C::PacketEvent(_) => true,
        _ => false,
    }
}

/// Conditions that a rule for addresses alone may have.
const fn is_of_addresses(condition: &Condition) -> bool {
    use Condition as C;
    matches!(condition, C::FlowBits { .. } | C::XBits { .. } | C::IpRep { .. } | C::GeoIp { .. })
}

impl Plan {
    /// Plans `rule`; `transform` numbers chains of transforms.
    pub(crate) fn of(rule: &Rule, mut transform: impl FnMut(&BufferMatch) -> u16) -> Self {
        let mut plan = Self {
            dir: direction(rule),
            exchange: rule.header.arrow == Arrow::Exchange,
            has_literal: false,
            packet: false,
            stream: false,
            transaction: false,
            frame: rule.matches.iter().any(|m| matches!(m.buffer, Buffer::Frame(..))),
            event: false,
            file: rule.conditions.iter().any(|c| matches!(c, Condition::File(_))),
            once: false,
            once_app: false,
            for_flow: false,
            stages: [0; 2],
            buffers: buffers(rule, &mut transform),
        };
        plan.event = rule.conditions.iter().any(|c| matches!(c, Condition::AppEvent(proto, _) if !proto.is_empty()));
        plan.transaction = plan.event || facts(rule).next().is_some();
        if let Some((dir, stage)) = hook(rule) {
            plan.transaction = true;
            plan.dir = plan.dir.or(dir);
            plan.stages = [stage; 2];
        }
        for fact in facts(rule) {
            let info = fact.info();
            for dir in [Dir::Orig, Dir::Resp] {
                let has = if dir.is_orig() { info.ends.to_server() } else { info.ends.to_client() };
                if has {
                    let stage = dir.of_mut(&mut plan.stages);
                    *stage = (*stage).max(info.stage);
                }
            }
        }
        if plan.frame {
            plan.transaction = false;
        } else if !plan.transaction {
            plan.place(rule);
        }
        let of_app = matches!(rule.header.protocol, Protocol::App(_));
        plan.for_flow = plan.transaction || of_app || plan.once_app || asks_for_ends(rule);
        plan
    }

    /// Packets, stream, or both: Suricata's types of signatures.
    fn place(&mut self, rule: &Rule) {
        let has_payload = rule.matches.iter().any(|m| matches!(m.buffer, Buffer::Payload | Buffer::Packet));
        let protocol = rule.header.protocol;
        let may_be_tcp = matches!(
            protocol,
            Protocol::Tcp | Protocol::TcpStream | Protocol::Ip | Protocol::Ipv4 | Protocol::Ipv6 | Protocol::App(_)
        );
        if !has_payload {
            self.packet = true;
            self.once = is_for_addresses(rule);
            self.once_app = is_for_app(rule);
            return;
        }
        let only_stream = protocol == Protocol::TcpStream
            || rule.conditions.iter().any(|c| matches!(c, Condition::Flow(f) if f.stream == Some(true)));
        let mut needs_packet = protocol == Protocol::TcpPkt
            || rule.matches.iter().any(|m| !matches!(m.buffer, Buffer::Payload | Buffer::Base64))
            || rule.conditions.iter().any(is_of_packets);
        if !may_be_tcp || !only_stream && needs_packet {
            self.packet = true;
            return;
        }
        self.stream = true;
        if !only_stream {
            let is_placed = |c: &Content| c.place.offset.is_some() || c.place.depth.is_some() || c.place.starts;
            let payload = rule.matches.iter().filter(|m| m.buffer == Buffer::Payload);
            needs_packet |= payload.flat_map(contents).any(is_placed)
                || rule.conditions.iter().any(|c| matches!(c, Condition::StreamSize(..)));
            // What is not TCP has no stream.
            needs_packet |= protocol != Protocol::Tcp;
        }
        self.packet = needs_packet;
    }
}

/// The hook of an application protocol: whose messages, and the stage that they have to reach.
fn hook(rule: &Rule) -> Option<(Option<Dir>, u8)> {
    let (Protocol::App(_), Some(hook)) = (rule.header.protocol, rule.header.hook.as_deref()) else { return None };
    let (dir, rest) = match hook.split_once('_') {
        Some(("request" | "client", rest)) => (Some(Dir::Orig), rest),
        Some(("response" | "server", rest)) => (Some(Dir::Resp), rest),
        _ => (None, hook),
    };
    let stage = match rest {
        "headers" => 1,
        "body" | "trailer" => 2,
        "complete" | "done" => 3,
        _ => 0,
    };
    Some((dir, stage))
}

/// Does it ask for addresses (and what is remembered of them) alone?
fn is_for_addresses(rule: &Rule) -> bool {
    let header = &rule.header;
    header.src_ports.is_any() && header.dst_ports.is_any() && asks_for_ends(rule)
}

/// Does it ask for addresses and ports alone?
fn asks_for_ends(rule: &Rule) -> bool {
    let header = &rule.header;
    let by_packets = matches!(
        header.protocol,
        Protocol::Ether | Protocol::Arp | Protocol::Pkthdr | Protocol::App(_) | Protocol::TcpPkt
    );
    !by_packets && header.hook.is_none() && rule.matches.is_empty() && rule.conditions.iter().all(is_of_addresses)
}

/// Does it ask for the protocol alone?
fn is_for_app(rule: &Rule) -> bool {
    let is_app = |c: &Condition| matches!(c, Condition::AppProtocol { .. });
    rule.matches.is_empty()
        && rule.conditions.iter().any(is_app)
        && rule.conditions.iter().all(|c| is_app(c) || matches!(c, Condition::Flow(f) if f.stream.is_none()))
}

fn buffers(rule: &Rule, transform: &mut impl FnMut(&BufferMatch) -> u16) -> Vec<BufferPlan> {
    let mut out: Vec<BufferPlan> = Vec::with_capacity(rule.matches.len());
    for (at, m) in (0u16..).zip(&rule.matches) {
        if m.buffer == Buffer::Base64 {
            let decodes = |p: &BufferPlan| {
                let steps = rule.matches.get(usize::from(p.at)).map(|m| &m.steps[..]).unwrap_or_default();
                steps.iter().any(|s| matches!(s, Step::Base64Decode { .. }))
            };
            if let Some(before) = out.iter_mut().rev().find(|p| decodes(p)) {
                before.base64 = Some((m.steps.clone(), regexes(&m.steps)));
                continue;
            }
        }
        out.push(BufferPlan { at, transforms: transform(m), regexes: regexes(&m.steps), base64: None });
    }
    out
}

/// Whose messages it is about.
fn direction(rule: &Rule) -> Option<Dir> {
    if rule.header.arrow == Arrow::Exchange {
        return None;
    }
    let said = rule.conditions.iter().find_map(|c| match c {
        Condition::Flow(flow) => flow.to_server,
        _ => None,
    });
    let dir_of = |to_server| if to_server { Dir::Orig } else { Dir::Resp };
    said.map(dir_of).or_else(|| {
        facts(rule).find_map(|fact| match fact.info().ends {
            Ends::Request => Some(Dir::Orig),
            Ends::Response => Some(Dir::Resp),
            Ends::Both => None,
        })
    })
}

/// Does more of the fact come while the exchange goes on: content, names of further files?
pub(crate) fn grows(fact: Fact) -> bool {
    fact.info().kind == Kind::Stream || fact == Fact::FileName
}
