//! The program: all rules, made ready.

use super::addresses::AddressIndex;
use super::fast::choose;
use super::frames::{FrameDrafts, FrameGroup};
use super::groups::Owners;
use super::plan::{Plan, facts};
use super::ports::{Entry, PortIndex};
use super::transactions::{TxDrafts, TxGroup, app_of, family};
use super::{Map, Set};
use crate::eval::regex;
use crate::ir::{Arrow, Buffer, BufferMatch, Condition, Protocol, Rule, RuleSet, Step, Track, Transform};
use sekisho_transaction::{FactSet, FrameSet};
use sekisho_types::{Dir, ip_proto};
use std::sync::Arc;

/// What compiling may take.
#[derive(Clone, Copy, Debug)]
pub struct CompileLimits {
    /// Rules; further ones are refused.
    pub rule_count: usize,
    /// Steps and conditions of one rule.
    pub step_count: usize,
    /// Bytes of all literals that the prefilter looks for.
    pub literal_len: usize,
    /// Alerts of one packet: Suricata's `packet-alert-max`.
    pub alert_count: usize,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            rule_count: 500_000,
            step_count: 512,
            literal_len: 64 << 20,
            alert_count: crate::inspect::ALERT_COUNT_MAX,
        }
    }
}

/// A rule that is not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its number.
    pub rule: u32,
    /// Why.
    pub why: &'static str,
}

/// What rules share and ask for by number.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    pub(crate) datasets: Vec<crate::ir::Dataset>,
    pub(crate) hash_lists: Vec<Set<Box<[u8]>>>,
    /// Chains of transforms; number 0 is none.
    pub(crate) transforms: Vec<Vec<Transform>>,
}

/// Kinds of packets that rules tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PacketClass {
    Tcp,
    Udp,
    Icmp,
    OtherIp,
    NoIp,
}

const CLASSES: [PacketClass; 5] =
    [PacketClass::Tcp, PacketClass::Udp, PacketClass::Icmp, PacketClass::OtherIp, PacketClass::NoIp];

/// A set of rules, ready to run. Shared by all shards.
#[derive(Debug)]
pub struct Program {
    pub(crate) set: RuleSet,
    pub(crate) plans: Vec<Plan>,
    pub(crate) sets: Sets,
    pub(crate) streams: [PortIndex; 2],
    pub(crate) packets: [[PortIndex; 2]; 5],
    pub(crate) addresses: AddressIndex,
    pub(crate) packet_events: Map<Box<str>, Vec<u32>>,
    /// By name.
    pub(crate) apps: Vec<(&'static str, [TxGroup; 2])>,
    pub(crate) frame_groups: [Vec<FrameGroup>; 2],
    pub(crate) owners: Owners,
    /// Protocols with rules about exchanges that look at payload too, so that the streams' bytes have to be kept.
    payload_apps: Vec<&'static str>,
    /// Alerts that one packet may have.
    pub(crate) alert_count: usize,
    facts: Arc<FactSet>,
    frames: FrameSet,
    refused: Vec<Refused>,
    has_state: bool,
}

impl Program {
    /// Compiles a set. Rules that cannot be run are left out: see [`Self::refused`].
    pub fn compile(set: RuleSet, limits: &CompileLimits) -> Self {
        let mut sets = Sets { transforms: vec![Vec::new()], ..Sets::default() };
        sets.datasets.clone_from(&set.datasets);
        sets.hash_lists = set.hash_lists.iter().map(|list| list.iter().cloned().collect()).collect();
        let mut chains: Map<Vec<Transform>, u16> = Map::from_iter([(Vec::new(), 0)]);
        let mut plans = Vec::with_capacity(set.rules.len());
        let mut refused = Vec::new();
        for (number, rule) in (0u32..).zip(&set.rules) {
            let plan = Plan::of(rule, |m| {
                if m.transforms.is_empty() {
                    return 0;
                }
                let next = u16::try_from(sets.transforms.len()).unwrap_or(0);
                *chains.entry(m.transforms.clone()).or_insert_with(|| {
                    sets.transforms.push(m.transforms.clone());
                    next
                })
            });
            if let Some(why) = refusal(rule, number, limits) {
                refused.push(Refused { rule: number, why });
            }
            plans.push(plan);
        }
        let mut program = Self {
            has_state: has_state(&set),
            set,
            plans,
            sets,
            streams: Default::default(),
            packets: Default::default(),
            addresses: AddressIndex::default(),
            packet_events: Map::default(),
            apps: Vec::new(),
            frame_groups: Default::default(),
            owners: Owners::default(),
            payload_apps: Vec::new(),
            alert_count: limits.alert_count,
            facts: Arc::new(FactSet::default()),
            frames: FrameSet::default(),
            refused,
        };
        program.group(limits);
        program
    }

    /// Rules about packets of a kind.
    pub(crate) const fn packets_of(&self, class: PacketClass, dir: Dir) -> &PortIndex {
        let [tcp, udp, icmp, other_ip, no_ip] = &self.packets;
        let [orig, resp] = match class {
            PacketClass::Tcp => tcp,
            PacketClass::Udp => udp,
            PacketClass::Icmp => icmp,
            PacketClass::OtherIp => other_ip,
            PacketClass::NoIp => no_ip,
        };
        if dir.is_orig() { orig } else { resp }
    }

    /// What its rules ask of exchanges.
    pub fn facts(&self) -> Arc<FactSet> {
        Arc::clone(&self.facts)
    }

    /// The frames that its rules look at.
    pub const fn frames(&self) -> FrameSet {
        self.frames
    }

    /// A rule by its number.
    pub fn rule(&self, number: u32) -> Option<&Rule> {
        self.set.rules.get(number as usize)
    }

    /// What the prefilter looks for on behalf of a rule, and where; `None`: it is looked at without that.
    pub(crate) fn literal(&self, number: u32) -> Option<(Option<&BufferMatch>, &[u8])> {
        let (rule, plan) = (self.rule(number)?, self.plans.get(number as usize)?);
        let chosen = choose(rule, plan)?;
        let at = plan.buffers.get(chosen.buffer).map(|of| usize::from(of.at));
        Some((at.and_then(|at| rule.matches.get(at)), chosen.wanted.bytes))
    }

    /// Whose messages a rule is about.
    pub(crate) fn direction(&self, number: u32) -> Option<Dir> {
        self.plans.get(number as usize)?.dir
    }

    /// The set that it was made of.
    pub const fn set(&self) -> &RuleSet {
        &self.set
    }

    /// Rules that are not run.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// Does a rule ask for what is odd about packets and streams?
    pub fn wants_packet_events(&self) -> bool {
        !self.packet_events.is_empty()
    }

    /// Does a rule look at packets?
    pub fn wants_packets(&self) -> bool {
        self.wants_packet_events()
            || !self.addresses.is_empty()
            || self.packets.iter().flatten().any(|index| !index.is_empty())
    }

    /// Does a rule about packets name an application protocol?
    pub fn names_apps(&self) -> bool {
        let both = self.set.rules.iter().zip(&self.plans);
        both.into_iter().any(|(rule, plan)| plan.packet && matches!(rule.header.protocol, Protocol::App(_)))
    }

    /// Does a rule about exchanges search payload, too? See [`crate::Inspector::ahead`].
    pub const fn searches_payload_of_exchanges(&self) -> bool {
        !self.payload_apps.is_empty()
    }

    /// Does such a rule concern flows of that protocol? (While it is not known, `""`: of any.)
    pub(crate) fn searches_payload_of(&self, app: &'static str) -> bool {
        let family = family(app);
        self.payload_apps.iter().any(|wanted| app.is_empty() || wanted.is_empty() || family.contains(wanted))
    }

    /// Does a rule look at streams?
    pub fn wants_streams(&self) -> bool {
        self.searches_payload_of_exchanges() || self.streams.iter().any(|index| !index.is_empty())
    }

    /// Does a rule look at exchanges of this protocol?
    pub fn wants_transactions(&self, app: &'static str) -> bool {
        let family = family(app);
        self.apps.iter().any(|(name, _)| name.is_empty() || family.contains(name))
    }

    /// Does a rule remember what goes beyond one flow, so that one inspector has to see everything?
    pub const fn needs_whole_view(&self) -> bool {
        self.has_state
    }

    /// Rules that no prefilter finds: they are looked at with every packet or exchange that they may concern.
    pub fn rules_without_prefilter(&self) -> impl Iterator<Item = u32> {
        (0u32..).zip(self.set.rules.iter().zip(&self.plans)).filter(|(_, (_, p))| !p.has_literal).map(|(n, _)| n)
    }

    /// In a few lines: how many rules are where.
    pub fn outline(&self) -> String {
        use std::fmt::Write;
        let mut out = String::new();
        for (dir, index) in ["to server", "to client"].iter().zip(&self.streams) {
            let _ = writeln!(out, "streams {dir}: {}", index.outline());
        }
        for (class, dirs) in CLASSES.iter().zip(&self.packets) {
            for (dir, index) in ["to server", "to client"].iter().zip(dirs) {
                let _ = writeln!(out, "packets {class:?} {dir}: {}", index.outline());
            }
        }
        for (app, dirs) in &self.apps {
            for (dir, group) in ["to server", "to client"].iter().zip(dirs) {
                let (engines, always, events) = (group.engines.len(), group.always.len(), group.events.len());
                let _ = writeln!(
                    out,
                    "exchanges {app} {dir}: {engines} buffers, {always} rules without prefilter, {events} events"
                );
            }
        }
        for (dir, groups) in ["to server", "to client"].iter().zip(&self.frame_groups) {
            for FrameGroup { kind, app, group, .. } in groups {
                let ((literals, always), name) = (group.counts(), kind.info().name);
                let _ =
                    writeln!(out, "frames {app}.{name} {dir}: {literals} literals, {always} rules without prefilter");
            }
        }
        out
    }

    /// Bytes that the groups take, not the rules themselves.
    pub fn heap_len(&self) -> usize {
        let of_apps = self.apps.iter().flat_map(|(_, dirs)| dirs).flat_map(|group| &group.engines);
        let of_ports = self.streams.iter().chain(self.packets.iter().flatten()).map(PortIndex::heap_len);
        let of_frames = self.frame_groups.iter().flatten().map(|group| group.group.heap_len());
        let of_groups = of_ports.chain(of_apps.map(|engine| engine.group.heap_len())).chain(of_frames);
        of_groups.sum::<usize>() + self.owners.heap_len()
    }

    fn group(&mut self, limits: &CompileLimits) {
        let refused: Set<u32> = self.refused.iter().map(|r| r.rule).collect();
        let mut facts_wanted = FactSet::default();
        let mut drafts = TxDrafts::default();
        let mut frames = FrameDrafts::default();
        let mut streams: [Vec<Entry<'_>>; 2] = Default::default();
        let mut packets: [[Vec<Entry<'_>>; 2]; 5] = Default::default();
        let mut by_address = Vec::new();
        let mut literal_len = 0usize;
        let mut has_literal = Vec::with_capacity(self.plans.len());
        for (number, (rule, plan)) in (0u32..).zip(self.set.rules.iter().zip(&self.plans)) {
            let chosen = choose(rule, plan);
            has_literal.push(chosen.is_some());
            if refused.contains(&number) {
                continue;
            }
            literal_len += chosen.map_or(0, |c| c.wanted.bytes.len());
            let chosen = chosen.filter(|_| literal_len <= limits.literal_len);
            let literal = chosen.map(|c| c.wanted);
            let ported = |literal| Entry {
                rule: number,
                literal,
                src_ports: &rule.header.src_ports,
                dst_ports: &rule.header.dst_ports,
                both_ways: rule.header.arrow == Arrow::Both,
            };
            facts(rule).for_each(|fact| facts_wanted.add(fact));
            let events = packet_events(rule).collect::<Vec<_>>();
            if plan.transaction {
                let app = app_of(rule);
                if rule.matches.iter().any(|m| matches!(m.buffer, Buffer::Payload)) && !self.payload_apps.contains(&app)
                {
                    self.payload_apps.push(app);
                }
                drafts.add(number, rule, plan, chosen);
            } else if plan.frame {
                frames.add(number, rule, plan, chosen);
            } else if !events.is_empty() {
                for name in events {
                    self.packet_events.entry(name.into()).or_default().push(number);
                }
            } else if plan.once {
                by_address.push((number, &rule.header.src, &rule.header.dst, rule.header.arrow == Arrow::Both));
            } else {
                let dirs = [Dir::Orig, Dir::Resp].into_iter().filter(|dir| plan.dir.is_none_or(|only| only == *dir));
                for dir in dirs {
                    if plan.stream {
                        dir.of_mut(&mut streams).push(ported(literal));
                    }
                    for (class, of_class) in CLASSES.iter().zip(&mut packets) {
                        if plan.packet
                            && concerns(rule, *class)
                            && !(only_other_than_tcp(rule, plan) && *class == PacketClass::Tcp)
                        {
                            dir.of_mut(of_class).push(ported(literal));
                        }
                    }
                }
            }
        }
        for (plan, has_literal) in self.plans.iter_mut().zip(has_literal) {
            plan.has_literal = has_literal;
        }
        let mut owners = Owners::default();
        self.apps = drafts.finish(&mut owners);
        self.frames = frames.wanted();
        self.frame_groups = frames.finish(&mut owners);
        let first = owners.next();
        self.streams = streams.map(|list| PortIndex::new(&list, &mut owners));
        owners.streams = first..owners.next();
        self.packets = packets.map(|dirs| dirs.map(|list| PortIndex::new(&list, &mut owners)));
        self.addresses = AddressIndex::new(by_address.into_iter());
        self.owners = owners;
        self.facts = Arc::new(facts_wanted);
    }
}

/// Is it looked at with packets only because it is not for TCP alone? Then TCP's payload is left to the stream.
fn only_other_than_tcp(rule: &Rule, plan: &Plan) -> bool {
    plan.stream
        && rule.header.protocol != Protocol::Tcp
        && rule.matches.iter().all(|m| {
            super::plan::contents(m).all(|c| c.place.offset.is_none() && c.place.depth.is_none() && !c.place.starts)
        })
}

fn concerns(rule: &Rule, class: PacketClass) -> bool {
    use PacketClass as C;
    let number = match class {
        C::Tcp => Some(ip_proto::TCP),
        C::Udp => Some(ip_proto::UDP),
        _ => None,
    };
    let is_other = |n: u8| {
        rule.conditions.iter().any(|c| matches!(c, Condition::IpProto(compare) if !compare.holds(u64::from(n))))
    };
    if number.is_some_and(is_other) {
        return false;
    }
    match rule.header.protocol {
        Protocol::Ip | Protocol::Ipv4 | Protocol::Ipv6 => class != C::NoIp,
        Protocol::Tcp | Protocol::TcpPkt | Protocol::TcpStream => class == C::Tcp,
        Protocol::Udp => class == C::Udp,
        Protocol::Icmp | Protocol::Icmpv4 | Protocol::Icmpv6 => class == C::Icmp,
        Protocol::Igmp | Protocol::Sctp => class == C::OtherIp,
        Protocol::Arp => class == C::NoIp,
        Protocol::Ether | Protocol::Pkthdr => true,
        Protocol::App(_) => matches!(class, C::Tcp | C::Udp),
    }
}

/// Names of the packet events that it asks for.
fn packet_events(rule: &Rule) -> impl Iterator<Item = &str> {
    rule.conditions.iter().filter_map(|condition| match condition {
        Condition::PacketEvent(name) => Some(&**name),
        Condition::AppEvent(proto, name) if proto.is_empty() => Some(&**name),
        _ => None,
    })
}

/// Why a rule cannot be run.
fn refusal(rule: &Rule, number: u32, limits: &CompileLimits) -> Option<&'static str> {
    let steps: usize = rule.matches.iter().map(|m| m.steps.len()).sum();
    if number as usize >= limits.rule_count {
        return Some("too many rules");
    }
    if steps + rule.conditions.len() > limits.step_count {
        return Some("too many options");
    }
    let of_buffer = |m: &BufferMatch| {
        m.steps.iter().find_map(|step| match step {
            Step::Pcre(pcre) => regex::check(pcre).err().map(|e| e.why),
            _ => None,
        })
    };
    let of_condition = |condition: &Condition| match condition {
        Condition::GeoIp { .. } => Some("there is no geographic database"),
        Condition::Asn1(_) => Some("asn1 is not supported"),
        Condition::FlowElephant(_) => Some("large flows are not told apart"),
        Condition::IpRep { .. } => Some("there are no reputation lists"),
        _ => None,
    };
    rule.matches.iter().find_map(of_buffer).or_else(|| rule.conditions.iter().find_map(of_condition))
}

/// Does a rule remember anything beyond its flow?
fn has_state(set: &RuleSet) -> bool {
    let of_rule = |rule: &Rule| {
        rule.thresholds.iter().any(|t| t.track != Track::ByFlow && t.addresses.is_none())
            || rule.conditions.iter().any(|c| matches!(c, Condition::XBits { .. }))
            || rule.effects.iter().any(|e| matches!(e, crate::ir::Effect::XBit { .. }))
            || rule.matches.iter().flat_map(|m| &m.steps).any(|step| {
                use crate::ir::DatasetOp as Op;
                matches!(step, Step::Dataset { op: Op::Set | Op::Unset, .. })
            })
    };
    !set.global_thresholds.is_empty() || set.rules.iter().any(of_rule)
}
