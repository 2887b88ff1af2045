//! Packets and streams: which rules to look at, what one that is looked at says, and what it does.

use super::memo::Vain;
use super::{Cost, FlowAndState, Reach, Traced};
use crate::compile::{
    BlendNumber, Blends, Candidates, Finds, HEAD_LEN_MAX, Indexes, LITERAL_LEN_MAX, PacketClass, Program, is_app,
};
use crate::eval::{Bench, Hay, Scene, Scratch, Source, Verdict, head_matches};
use crate::ir::{Action, BitChange, CaptureTo, Effect, FlowIntValue, Protocol};
use crate::state::{Datasets, FlowState, HostBits, PacketPlace, Tail, Thresholds};
use crate::view::{Anchor, FlowView, Hit, PacketView, Span};
use sekisho_types::{Dir, Timestamp, ip_proto};

/// Bytes on both sides of the joint between two pieces of a stream that are searched together, for literals that lie across
/// it.
pub(super) const JOINT_LEN: usize = LITERAL_LEN_MAX - 1;

/// Offset in a stream from which on no literal has to end before.
const JOINT_SEARCHED_MIN: u64 = HEAD_LEN_MAX as u64 + JOINT_LEN as u64;

/// Rules of one direction of a stream of which a literal was seen and the rest is waited for.
const OPEN_COUNT_MAX: usize = 64;

/// What it works with.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) candidates: Candidates,
    pub(super) blends: Blends,
    /// Literals of the packet at hand for its stream.
    pub(super) literals: Vec<u32>,
    pub(super) scratch: Scratch,
    pub(super) hosts: HostBits,
    pub(super) thresholds: Thresholds,
    pub(super) costs: Vec<Cost>,
    /// How far rules came, if somebody asks.
    pub(super) traces: Option<Vec<Traced>>,
    pub(super) spans: Vec<Span>,
    pub(super) joined: Vec<u8>,
    /// Rules that matched on the packet or stream at hand, and which packet that is.
    pub(super) told: Vec<u32>,
    pub(super) told_at: (u64, Timestamp),
    /// The first `pass` rule that matched on the packet at hand: nothing behind it counts.
    pub(super) passed: Option<u32>,
    /// Alerts that it has.
    pub(super) alert_count: usize,
    pub(super) flow_count: u64,
    /// Candidates of the packet at [`place`], searched ahead of it.
    pub(super) foreseen: Vec<u32>,
    pub(super) foreseen_at: Option<PacketPlace>,
    /// Values in which nothing was found.
    pub(super) vain: Vain,
}

fn place(packet: &PacketView<'_>, dir: Dir) -> PacketPlace {
    (packet.number, packet.decoded.payload(packet.frame).as_ptr() as usize, dir)
}

/// Bytes that are searched.
#[derive(Clone, Copy)]
struct Piece<'a> {
    bytes: &'a [u8],
    /// Where they begin in the packet's payload or the stream.
    base: u64,
    /// What ends within so many of them was found before.
    reach: usize,
}

/// The last bytes before a joint and the first behind it, as far as literals go that lie across it.
fn joint<'r>(before: &[u8], behind: &[u8], room: &'r mut [u8; 2 * JOINT_LEN]) -> &'r [u8] {
    let behind = behind.get(..JOINT_LEN).unwrap_or(behind);
    if let Some((left, right)) = room.split_at_mut_checked(before.len()) {
        left.copy_from_slice(before);
        right.iter_mut().zip(behind).for_each(|(to, from)| *to = *from);
    }
    room.get(..before.len() + behind.len()).unwrap_or_default()
}

/// One of the program's indexes by port.
#[derive(Clone, Copy)]
enum Index {
    Stream(Dir),
    Packet(PacketClass, Dir),
    /// Of packets of TCP, and beside them of the stream.
    Both(Dir),
}

impl Index {
    fn of(self, program: &Program) -> Indexes<'_> {
        let (own, beside) = match self {
            Self::Stream(dir) => (dir.of(&program.streams), None),
            Self::Packet(class, dir) => (program.packets_of(class, dir), None),
            Self::Both(dir) => (program.packets_of(PacketClass::Tcp, dir), Some(dir.of(&program.streams))),
        };
        Indexes { own, beside, number: self.number() }
    }

    /// A number of its own.
    const fn number(self) -> u8 {
        let (kind, dir) = match self {
            Self::Stream(dir) => (0, dir),
            Self::Both(dir) => (1, dir),
            Self::Packet(class, dir) => (2 + class as u8, dir),
        };
        kind << 1 | dir.is_orig() as u8
    }
}

/// The group that a packet belongs to.
fn class(packet: &PacketView<'_>) -> PacketClass {
    let d = packet.decoded;
    match (d.ip_version, d.proto) {
        (0, _) => PacketClass::NoIp,
        (_, ip_proto::TCP) => PacketClass::Tcp,
        (_, ip_proto::UDP) => PacketClass::Udp,
        (_, ip_proto::ICMP | ip_proto::ICMPV6) => PacketClass::Icmp,
        _ => PacketClass::OtherIp,
    }
}

impl Desk {
    pub(super) fn new(program: &Program, seed: u64) -> Self {
        let rule_count = program.set.rules.len();
        let scratch = Scratch::new(Datasets::new(&program.set.datasets, seed));
        Self {
            candidates: Candidates::new(program.owners.len(), rule_count),
            blends: Blends::default(),
            literals: Vec::new(),
            scratch,
            hosts: HostBits::new(seed),
            thresholds: Thresholds::new(seed),
            costs: vec![Cost::default(); rule_count],
            traces: None,
            spans: Vec::new(),
            joined: Vec::new(),
            told: Vec::new(),
            told_at: (0, Timestamp(0)),
            passed: None,
            alert_count: 0,
            flow_count: 0,
            foreseen: Vec::new(),
            foreseen_at: None,
            vain: Vain::new(seed),
        }
    }

    /// A new packet: what matched on the one before is forgotten.
    pub(super) fn turn_to(&mut self, packet: &PacketView<'_>) {
        let at = (packet.number, packet.ts);
        if at != self.told_at {
            self.told_at = at;
            self.told.clear();
            self.passed = None;
            self.alert_count = 0;
        }
    }

    /// See [`Inspector::packet`](super::Inspector::packet).
    pub(super) fn packet(
        &mut self,
        program: &Program,
        packet: &PacketView<'_>,
        mut flow: FlowAndState<'_>,
        hits: &mut Vec<Hit>,
    ) {
        self.turn_to(packet);
        if flow.as_ref().is_some_and(|(_, state)| state.is_out()) {
            return;
        }
        let dir = flow.as_ref().map_or(Dir::Orig, |(view, _)| view.dir);
        let class = class(packet);
        let d = packet.decoded;
        self.candidates.begin();
        // Of what is encrypted nothing is searched.
        let is_opaque = flow.as_ref().is_some_and(|(view, _)| view.opaque);
        let payload = if is_opaque { &[] } else { d.payload(packet.frame) };
        if let (true, Some((_, state))) = (is_opaque, &mut flow)
            && state.keeps_stream()
        {
            state.end_stream(Dir::Orig);
            state.end_stream(Dir::Resp);
        }
        // What belongs to no session that was followed from its beginning is not in a stream.
        let is_apart = class == PacketClass::Tcp && flow.as_ref().is_none_or(|(view, _)| !view.established);
        if let (true, Some((_, state))) = (is_apart, &mut flow) {
            // Its packets are searched for rules about streams here, not for a stream.
            state.take_next(place(packet, dir));
        }
        if self.foreseen_at.take() == Some(place(packet, dir)) {
            self.candidates.add_all(&self.foreseen);
        } else {
            self.collect_packet(program, packet, payload, flow.as_mut().map(|(_, state)| &mut **state), dir);
        }
        if is_apart && !payload.is_empty() {
            let hay = Piece { base: 0, reach: 0, bytes: payload };
            self.collect(program, Index::Stream(dir), &mut None, (d.src_port, d.dst_port), hay);
        }
        self.collect_once(program, packet, flow.as_mut(), dir);
        for event in packet.events {
            if let Some(rules) = program.packet_events.get(*event) {
                self.candidates.add_all(rules);
            }
        }
        let app_known = flow.as_ref().is_some_and(|(view, _)| !view.app.is_empty());
        self.run(program, packet, &mut flow, dir, Source::Packet, Anchor::Packet, hits);
        if let (true, Some((_, state))) = (app_known, flow) {
            *dir.of_mut(&mut state.once_app) = true;
        }
    }

    /// See [`Inspector::is_done_with`](super::Inspector::is_done_with).
    pub(super) fn is_done_with(
        &self,
        program: &Program,
        state: &FlowState,
        dir: Dir,
        app: impl FnOnce() -> &'static str,
    ) -> bool {
        let known = dir.of(&state.packet_blends);
        let needs_literal = program.packets_of(PacketClass::Tcp, dir).is_empty()
            || known.is_some_and(|number| self.blends.needs_literal(number));
        let was_seen =
            (*dir.of(&state.once) || program.addresses.is_empty()) && (*dir.of(&state.once_app) || app().is_empty());
        state.is_out() || needs_literal && was_seen
    }

    /// See [`Inspector::foresees`](super::Inspector::foresees).
    pub(super) fn foresees(
        &mut self,
        program: &Program,
        packet: &PacketView<'_>,
        state: &mut FlowState,
        dir: Dir,
        app: &'static str,
    ) -> bool {
        let at = place(packet, dir);
        if self.foreseen_at != Some(at) {
            self.candidates.begin();
            self.collect_packet(program, packet, packet.decoded.payload(packet.frame), Some(state), dir);
            self.foreseen.clone_from(&self.candidates.rules);
            self.foreseen_at = Some(at);
        }
        let names = |&rule: &u32| {
            let header = program.set.rules.get(rule as usize).map(|rule| &rule.header);
            header.is_some_and(|h| matches!(h.protocol, Protocol::App(wanted) if is_app(wanted, app)))
        };
        self.foreseen.iter().any(names)
    }

    /// Rules for packets that the payload may concern.
    fn collect_packet(
        &mut self,
        program: &Program,
        packet: &PacketView<'_>,
        payload: &[u8],
        state: Option<&mut FlowState>,
        dir: Dir,
    ) {
        let (class, d) = (class(packet), packet.decoded);
        let ports = if matches!(class, PacketClass::Tcp | PacketClass::Udp | PacketClass::OtherIp) {
            (d.src_port, d.dst_port)
        } else {
            (0, 0)
        };
        let hay = Piece { base: 0, reach: 0, bytes: payload };
        let Some(state) = state else {
            return self.collect(program, Index::Packet(class, dir), &mut None, ports, hay);
        };
        let next = state.take_next(place(packet, dir)).filter(|_| class == PacketClass::Tcp && !payload.is_empty());
        if let Some(offset) = next {
            return self.collect_both(program, state, dir, ports, payload, offset);
        }
        self.collect(program, Index::Packet(class, dir), dir.of_mut(&mut state.packet_blends), ports, hay);
    }

    /// Rules for packets that the payload may concern; what it has for rules about streams is noted for its stream, in which it
    /// comes at `offset`.
    fn collect_both(
        &mut self,
        program: &Program,
        state: &mut FlowState,
        dir: Dir,
        ports: (u16, u16),
        payload: &[u8],
        offset: u64,
    ) {
        let indexes = Index::Both(dir).of(program);
        let known = dir.of_mut(&mut state.both_blends);
        if known.is_none() {
            *known = self.blends.number(&indexes, ports.0, ports.1);
        }
        let Some(blend) = known.and_then(|number| self.blends.get(number)) else {
            let hay = Piece { base: 0, reach: 0, bytes: payload };
            let known = dir.of_mut(&mut state.packet_blends);
            return self.collect(program, Index::Packet(PacketClass::Tcp, dir), known, ports, hay);
        };
        let mut literals = std::mem::take(&mut self.literals);
        literals.clear();
        blend.always(&indexes, &mut self.candidates);
        let searched = dir.of_mut(&mut state.searched);
        let lead = searched.lead(offset);
        let mut finds = Finds::new(&program.owners, 0, &mut self.candidates);
        finds.for_stream = Some(&mut literals);
        blend.scan_head(&indexes, payload, 0, &mut finds);
        if lead.is_empty() {
            blend.scan(&indexes, payload, &mut finds);
        } else {
            // Copied behind the end of the packet before, which takes less than a search of its own for what lies across.
            self.joined.clear();
            self.joined.extend_from_slice(lead);
            self.joined.extend_from_slice(payload);
            (finds.reach, finds.start) = (lead.len(), lead.len());
            blend.scan(&indexes, &self.joined, &mut finds);
        }
        searched.push(offset, payload, &literals);
        self.literals = literals;
    }

    /// Rules of the groups that the ports select, and that the bytes may concern. `known`: the number of their blend, once
    /// it was looked up.
    fn collect(
        &mut self,
        program: &Program,
        of: Index,
        known: &mut Option<BlendNumber>,
        ports: (u16, u16),
        hay: Piece<'_>,
    ) {
        let indexes = of.of(program);
        if indexes.own.is_empty() {
            return;
        }
        if known.is_none() {
            *known = self.blends.number(&indexes, ports.0, ports.1);
        }
        let Piece { bytes, base, reach } = hay;
        let Some(blend) = known.and_then(|number| self.blends.get(number)) else {
            for group in indexes.own.groups(indexes.own.select(ports.0, ports.1)) {
                self.candidates.add_all(&group.always);
                group.scan(bytes, base, reach, &program.owners, &mut self.candidates);
            }
            return;
        };
        blend.always(&indexes, &mut self.candidates);
        if !bytes.is_empty() {
            let mut finds = Finds::new(&program.owners, reach, &mut self.candidates);
            blend.scan(&indexes, bytes, &mut finds);
            blend.scan_head(&indexes, bytes, base, &mut finds);
        }
    }

    /// As [`Self::collect`], for bytes of a stream of which literals that stand anywhere were found already.
    fn collect_head(
        &mut self,
        program: &Program,
        dir: Dir,
        known: &mut Option<BlendNumber>,
        ports: (u16, u16),
        offset: u64,
        bytes: &[u8],
    ) {
        let indexes = Index::Stream(dir).of(program);
        if known.is_none() {
            *known = self.blends.number(&indexes, ports.0, ports.1);
        }
        if let Some(blend) = known.and_then(|number| self.blends.get(number)) {
            blend.always(&indexes, &mut self.candidates);
            let mut finds = Finds::new(&program.owners, 0, &mut self.candidates);
            blend.scan_head(&indexes, bytes, offset, &mut finds);
        }
    }

    /// Rules for addresses: once for each direction of a flow.
    fn collect_once(
        &mut self,
        program: &Program,
        packet: &PacketView<'_>,
        flow: Option<&mut (&FlowView, &mut FlowState)>,
        dir: Dir,
    ) {
        if program.addresses.is_empty() || packet.decoded.ip_version == 0 {
            return;
        }
        if let Some((_, state)) = flow
            && std::mem::replace(dir.of_mut(&mut state.once), true)
        {
            return;
        }
        let d = packet.decoded;
        let (src, dst) = (u128::from_be_bytes(*d.src.octets()), u128::from_be_bytes(*d.dst.octets()));
        let candidates = &mut self.candidates;
        program.addresses.find(src, dst, |rules| candidates.add_all(rules));
    }

    /// See [`Inspector::stream`](super::Inspector::stream).
    #[expect(clippy::too_many_arguments, reason = "the engine's view, and what came")]
    pub(super) fn stream(
        &mut self,
        program: &Program,
        packet: &PacketView<'_>,
        (view, state): (&FlowView, &mut FlowState),
        dir: Dir,
        offset: u64,
        bytes: &[u8],
        hits: &mut Vec<Hit>,
    ) {
        self.turn_to(packet);
        if state.is_out() || bytes.is_empty() || dir.of(&program.streams).is_empty() {
            return;
        }
        let d = packet.decoded;
        let ports = if view.dir == dir { (d.src_port, d.dst_port) } else { (d.dst_port, d.src_port) };
        let known = dir.of_mut(&mut state.stream_blends);
        let mut tail = std::mem::take(dir.of_mut(&mut state.tails));
        if tail.end != offset {
            tail.bytes.clear();
        }
        self.candidates.begin();
        let end = offset.saturating_add(bytes.len() as u64);
        let searched = dir.of_mut(&mut state.searched);
        let candidates = &mut self.candidates;
        let from = searched.range.start;
        if searched.take(offset..end, |literal| candidates.add_all(program.owners.of(literal))) {
            self.collect_head(program, dir, known, ports, offset, bytes);
        } else {
            self.collect(program, Index::Stream(dir), known, ports, Piece { bytes, base: offset, reach: 0 });
        }
        // The joint was searched if packets before it were.
        if offset < JOINT_SEARCHED_MIN || offset - from.min(offset) < JOINT_LEN as u64 {
            self.collect_joint(program, dir, known, ports, &tail, bytes);
        }
        // Rules of which a literal was seen a while ago may find the rest now.
        let begin = offset.saturating_sub(tail.bytes.len() as u64);
        let mut open = std::mem::take(dir.of_mut(&mut state.open));
        open.retain(|(_, end)| *end > begin);
        open.iter().for_each(|(rule, _)| self.candidates.add(*rule));
        if !self.candidates.rules.is_empty() {
            let mut joined = std::mem::take(&mut self.joined);
            let hay = if tail.bytes.is_empty() {
                Hay { base: offset, ..Hay::whole(bytes) }
            } else {
                joined.clear();
                joined.extend_from_slice(&tail.bytes);
                joined.extend_from_slice(bytes);
                let reach = tail.bytes.len();
                Hay { base: offset.saturating_sub(reach as u64), reach, ..Hay::whole(&joined) }
            };
            let anchor = Anchor::Stream(dir, hay.base);
            let mut flow = Some((view, &mut *state));
            self.run(program, packet, &mut flow, dir, Source::Stream(hay), anchor, hits);
            self.joined = joined;
            let end = offset.saturating_add(bytes.len() as u64);
            self.keep_open(program, &mut open, end);
        }
        *dir.of_mut(&mut state.open) = open;
        tail.push(offset, bytes);
        *dir.of_mut(&mut state.tails) = tail;
    }

    /// Remembers candidates that did not match, and might with what comes.
    fn keep_open(&self, program: &Program, open: &mut Vec<(u32, u64)>, end: u64) {
        open.retain(|(rule, _)| !self.told.contains(rule));
        for &number in &self.candidates.rules {
            let at = number as usize;
            let (Some(rule), Some(plan)) = (program.set.rules.get(at), program.plans.get(at)) else { continue };
            let waits = plan.has_literal && rule.matches.iter().map(|m| m.steps.len()).sum::<usize>() > 1;
            if waits
                && open.len() < OPEN_COUNT_MAX
                && !self.told.contains(&number)
                && !open.iter().any(|(r, _)| *r == number)
            {
                open.push((number, end));
            }
        }
    }

    /// Literals that lie across the joint to what came before.
    fn collect_joint(
        &mut self,
        program: &Program,
        dir: Dir,
        known: &mut Option<BlendNumber>,
        ports: (u16, u16),
        tail: &Tail,
        bytes: &[u8],
    ) {
        let before = tail.bytes.get(tail.bytes.len().saturating_sub(JOINT_LEN)..).unwrap_or_default();
        if before.is_empty() {
            return;
        }
        let mut room = [0u8; 2 * JOINT_LEN];
        let joint = joint(before, bytes, &mut room);
        let base = tail.end.saturating_sub(before.len() as u64);
        self.collect(program, Index::Stream(dir), known, ports, Piece { bytes: joint, base, reach: before.len() });
    }

    /// Looks at all candidates, in order.
    #[expect(clippy::too_many_arguments, reason = "what is at hand")]
    fn run(
        &mut self,
        program: &Program,
        packet: &PacketView<'_>,
        flow: &mut FlowAndState<'_>,
        dir: Dir,
        mut source: Source<'_, '_>,
        anchor: Anchor,
        hits: &mut Vec<Hit>,
    ) {
        self.candidates.sort();
        let is_packet = matches!(source, Source::Packet);
        let rules = std::mem::take(&mut self.candidates.rules);
        for &number in &rules {
            if self.told.contains(&number) {
                continue;
            }
            if self.look(program, number, packet, flow.as_mut(), dir, &mut source) == Verdict::Match {
                self.told.push(number);
                // Packets before a connection was established were looked at one by one, then again in its stream.
                if let (ip_proto::TCP, Some((view, state))) = (packet.decoded.proto, flow.as_mut()) {
                    if is_packet && !view.established {
                        state.keep_loose(program, number);
                    } else if !is_packet && state.take_loose(number) {
                        continue;
                    }
                }
                self.matched(program, number, packet, flow, dir, anchor, hits);
            }
        }
        self.candidates.rules = rules;
    }

    /// Looks at one rule.
    pub(super) fn look(
        &mut self,
        program: &Program,
        number: u32,
        packet: &PacketView<'_>,
        flow: Option<&mut (&FlowView, &mut FlowState)>,
        dir: Dir,
        source: &mut Source<'_, '_>,
    ) -> Verdict {
        let at = number as usize;
        let (Some(rule), Some(plan), Some(cost)) =
            (program.set.rules.get(at), program.plans.get(at), self.costs.get_mut(at))
        else {
            return Verdict::No;
        };
        cost.checks += 1;
        let (view, state) = match flow {
            Some((view, state)) => (Some(*view), Some(&**state)),
            None => (None, None),
        };
        let was_known =
            |s: &FlowState| if plan.dir.is_some() { *dir.of(&s.once_app) } else { s.once_app != [false; 2] };
        if plan.once_app && state.is_none_or(was_known) {
            return Verdict::No;
        }
        let swapped = view.is_some_and(|view| view.dir != dir);
        let in_stream = matches!(source, Source::Stream(_));
        let scene = Scene { packet, flow: view, dir, swapped, in_stream };
        if !head_matches(rule, plan, &scene) {
            self.note_reach(number, packet.number, Reach::Head);
            return Verdict::No;
        }
        cost.looks += 1;
        let before = self.scratch.counters.steps;
        let bench = Bench { program, scene, memory: crate::eval::Memory { flow: state, hosts: &self.hosts } };
        let verdict = bench.look(rule, plan, source, &mut self.scratch, &mut self.spans);
        cost.steps += self.scratch.counters.steps - before;
        if self.traces.is_some() {
            let reach = if verdict == Verdict::Match { Reach::Matched } else { self.scratch.reach };
            self.note_reach(number, packet.number, reach);
        }
        verdict
    }

    /// A rule has matched: what it does.
    #[expect(clippy::too_many_arguments, reason = "what is at hand")]
    pub(super) fn matched(
        &mut self,
        program: &Program,
        number: u32,
        packet: &PacketView<'_>,
        flow: &mut FlowAndState<'_>,
        dir: Dir,
        anchor: Anchor,
        hits: &mut Vec<Hit>,
    ) {
        let at = number as usize;
        let (Some(rule), Some(plan), Some(cost)) =
            (program.set.rules.get(at), program.plans.get(at), self.costs.get_mut(at))
        else {
            return;
        };
        cost.matches += 1;
        for effect in &rule.effects {
            self.take_effect(effect, packet, flow, dir);
        }
        if let Some((_, state)) = flow {
            self.scratch.captured(CaptureTo::Flow).for_each(|(name, value)| state.set_var(name, value));
        }
        if rule.action == Action::Pass {
            self.passed = Some(self.passed.map_or(number, |before| before.min(number)));
            let by_match = plan.for_flow || !matches!(anchor, Anchor::Packet);
            let for_flow = rule.scope.as_deref().map_or(by_match, |scope| scope == "flow");
            if let (true, Some((_, state))) = (for_flow, flow.as_mut()) {
                state.passed = true;
            }
            return;
        }
        if rule.silent || rule.action == Action::Config {
            // As Suricata counts them, which makes an alert of each match and then keeps back those that are not told.
            self.scratch.counters.alerts_suppressed += u64::from(self.passed.is_none_or(|pass| number < pass));
            return;
        }
        let context = self.scratch.context(&program.sets);
        let vars = self.scratch.captured(CaptureTo::Packet).map(|(name, value)| (name.into(), value.into())).collect();
        let excerpts = std::mem::take(&mut self.scratch.excerpts);
        if let Some(traced) = self.traces.as_mut().and_then(|traces| traces.get_mut(at)) {
            traced.keep(&excerpts, packet.number);
        }
        hits.push(Hit { rule: number, anchor, spans: self.spans.clone(), excerpts, vars, passed: false, context });
    }

    fn take_effect(&mut self, effect: &Effect, packet: &PacketView<'_>, flow: &mut FlowAndState<'_>, dir: Dir) {
        let view_dir = flow.as_ref().map(|(view, _)| view.dir);
        let state = flow.as_mut().map(|(_, state)| &mut **state);
        match (effect, state) {
            (Effect::FlowBit(change, bit), Some(state)) => state.change_bit(*change, *bit),
            (Effect::FlowInt { var, sign, value }, Some(state)) => {
                let value = match value {
                    FlowIntValue::Number(n) => Some(*n),
                    FlowIntValue::Var(other) => state.int(*other),
                };
                let before = state.int(*var);
                let next = match (sign, value) {
                    (b'=', value) => value,
                    (b'+', Some(n)) => Some(before.unwrap_or(0).wrapping_add(n)),
                    (b'-', Some(n)) => before.map(|b| b.wrapping_sub(n)),
                    _ => None,
                };
                if let Some(next) = next {
                    state.set_int(*var, next);
                }
            }
            (Effect::XBit { track, change, bit, expire }, _) => {
                let swapped = view_dir.is_some_and(|view| view != dir);
                let scene = Scene { packet, flow: None, dir, swapped, in_stream: false };
                let (src, dst) = scene.ends();
                let change: BitChange = *change;
                self.hosts.change(change, *bit, *track, src, dst, *expire, packet.ts, &mut self.scratch.counters);
            }
            (Effect::Bypass, Some(state)) => state.bypassed = true,
            _ => {}
        }
    }
}
