//! Rules at work, and the alerts that come of them.
//!
//! Suricata looks at an exchange or a stream with a packet that goes the same way. What is found while a packet of the
//! other end acknowledges its bytes waits for the next one of that way, and says what is known by then.

use super::file::Kept;
use super::flow::Seen;
use super::packet::transport;
use super::told;
use super::{Around, At, Eye, has_ports, sender};
use crate::Rows;
use sekisho_flow::{Flow, Packet};
use sekisho_output::eve::{self, Alert, Evidence, Head, Party, Policy, Xff};
use sekisho_rules::ir::{Action, Effect, Rule};
use sekisho_rules::{Anchor, Excerpt, FlowState, Hit, Inspector, PacketView, Program, Tally, Var};
use sekisho_transaction::{Fact, Json, Look, Mark, Transaction};
use sekisho_types::text::Line;
use sekisho_types::{Addr, Dir, FlowInfo, Timestamp, ip_proto};
use sekisho_wire::events::Events;
use sekisho_wire::{Decoded, LinkType};
use std::sync::Arc;

/// Alerts of one flow that wait for a packet; further ones are counted.
const MAX_WAITING: usize = 64;

/// Bytes of an exchange's members that wait with an alert.
const MAX_MEMBERS_LEN: usize = 64 * 1024;

/// Fields of a header that are looked at.
const MAX_FIELDS: usize = 256;

/// Rules at work in one lane.
pub(super) struct Rules {
    pub program: Arc<Program>,
    pub inspector: Inspector,
    hits: Vec<Hit>,
    /// Rules ask for content of files.
    pub wants_content: bool,
    /// Rules about packets name a protocol.
    pub names_apps: bool,
    /// Alerts that were not told because too many waited.
    pub refused: u64,
}

/// An alert that waits for its packet.
pub(super) struct Waiting {
    pub rule: u32,
    pub dir: Dir,
    /// Of an exchange.
    pub tx_id: Option<u64>,
    /// What the exchange says.
    pub members: Vec<u8>,
    /// The exchange is the one that is probably meant.
    pub guessed: bool,
    pub stream: bool,
    /// Bytes of the stream.
    pub payload: Vec<u8>,
    /// Whom a proxy speaks for.
    pub xff: Option<Addr>,
    /// A `pass` rule has the last word about its packet.
    pub passed: bool,
    /// What expressions captured for it.
    pub vars: Vec<Var>,
    /// What data sets and captures know about it.
    pub context: Box<[u8]>,
    /// Pieces of what matched, for detectors.
    pub excerpts: Vec<Excerpt>,
}

impl Waiting {
    pub fn new(hit: &Hit, dir: Dir) -> Self {
        let (rule, context) = (hit.rule, hit.context.clone());
        Self {
            rule,
            dir,
            context,
            tx_id: None,
            members: Vec::new(),
            guessed: false,
            stream: false,
            payload: Vec::new(),
            xff: None,
            passed: hit.passed,
            vars: hit.vars.clone(),
            excerpts: hit.excerpts.clone(),
        }
    }

    /// It is about this exchange.
    pub(super) fn belongs_to(&mut self, tx_id: u64, members: &[u8], guessed: bool) {
        self.tx_id = Some(tx_id);
        self.members = members.to_vec();
        self.guessed = guessed;
    }
}

impl Rules {
    /// As [`Inspector::foresees`].
    pub fn foresees(&mut self, packet: &PacketView<'_>, state: &mut FlowState, dir: Dir, app: &'static str) -> bool {
        self.inspector.foresees(packet, state, dir, app)
    }

    /// Do they look at streams?
    pub fn wants_streams(&self) -> bool {
        self.program.wants_streams()
    }

    pub fn new(program: Arc<Program>, seed: u64) -> Self {
        let facts = program.facts();
        let wants_content = [Fact::FileData, Fact::HttpRequestBody, Fact::HttpResponseBody, Fact::FileName]
            .iter()
            .any(|&fact| facts.has(fact));
        Self {
            inspector: Inspector::new(Arc::clone(&program), seed),
            names_apps: program.names_apps(),
            program,
            hits: Vec::new(),
            wants_content,
            refused: 0,
        }
    }

    /// The rule of an alert.
    pub(super) fn rule(&self, waiting: &Waiting) -> Option<&Rule> {
        self.program.rule(waiting.rule)
    }
}

impl Eye {
    /// Detectors are told of alerts from now on, and what matched.
    pub fn tell_detectors(&mut self) {
        self.judged = true;
        if let Some(rules) = &mut self.rules {
            rules.inspector.keep_excerpts();
        }
    }

    /// Remembers from now on how far each rule comes.
    pub fn trace_rules(&mut self) {
        if let Some(rules) = &mut self.rules {
            rules.inspector.trace();
        }
    }

    /// Adds what rules cost, and how far they came.
    pub fn tally(&self, sum: &mut Tally) {
        if let Some(rules) = &self.rules {
            sum.add(&rules.inspector);
        }
    }

    /// Do rules look at streams?
    pub fn wants_streams(&self) -> bool {
        self.rules.as_ref().is_some_and(Rules::wants_streams)
    }

    /// A packet was done: rules look at it, then what waited for it is told. `link`: of a whole frame.
    pub fn inspect_packet(
        &mut self,
        flow: Option<(&Flow, Dir)>,
        packet: &Packet<'_>,
        link: Option<LinkType>,
        rows: &mut dyn Rows,
    ) {
        if self.searches_only && self.is_done_with(flow, packet) {
            return;
        }
        let at = flow.map(|(flow, _)| At { flow, packet: Some(packet) });
        self.link = link.unwrap_or(match packet.decoded.ip_version {
            6 => LinkType::IPV6,
            _ => LinkType::IPV4,
        });
        if self.link == LinkType::RAW {
            // libpcap's own number for it.
            self.link = LinkType::RAW_BSD;
        }
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        self.find_events(flow, packet, link, &mut events);
        self.invalid = events.is_nobodys();
        if self.counts.is_some() {
            self.count_packet(packet.decoded, link, packet.frame.len(), &events);
        }
        if !events.names().is_empty() {
            self.packet_anomalies(at, packet, events.names(), rows);
        }
        if flow.is_none() {
            self.arp(packet, rows);
        }
        self.tell_tagged(at, packet, rows);
        let hits = self.packet_hits(flow, packet, events.names());
        self.events = events;
        for hit in &hits {
            let dir = flow.map_or(Dir::Orig, |(_, dir)| dir);
            let stream = matches!(hit.anchor, Anchor::Stream(..));
            let mut waiting = Waiting { stream, ..Waiting::new(hit, dir) };
            if let Some(at) = at {
                self.give_latest(at, dir, &mut waiting);
            }
            self.alert(at, Some(packet), &waiting, rows);
        }
        if let Some(rules) = &mut self.rules {
            rules.hits = hits;
        }
        if let (Some(at), Some((_, dir))) = (at, flow) {
            self.tell_waiting(at, dir, packet.ts, rows);
            self.look_at_frames(at, packet, dir, rows);
            if self.rules.as_ref().is_some_and(|rules| rules.names_apps) {
                self.forget_latest(at);
            }
        }
    }

    /// Has nobody anything to say of a packet of a connection, as of most that only acknowledge or are encrypted?
    fn is_done_with(&self, flow: Option<(&Flow, Dir)>, packet: &Packet<'_>) -> bool {
        let Some((flow, dir)) = flow else { return false };
        let empty = packet.decoded.payload_len == 0 || flow.is_opaque();
        if !empty || packet.decoded.proto != ip_proto::TCP || !self.tagged.is_empty() {
            return false;
        }
        let (Some(seen), Some(rules)) = (self.flows.get(&flow.info), &self.rules) else { return false };
        let Some(state) = &seen.rules else { return false };
        seen.waiting.is_empty()
            && seen.frames.is_none()
            && seen.rare().tag.is_none()
            && !(flow.is_opaque() && state.keeps_stream())
            && rules.inspector.is_done_with(state, dir, || seen.known_app(flow))
    }

    /// What putting a fragment's datagram together showed, by Zeek's names; the packet is inspected next.
    pub fn fragment(&mut self, d: &Decoded, weirds: &[&'static str]) {
        let [overlap, too_large] = if d.ip_version == 4 {
            ["ipv4.frag_overlap", "ipv4.frag_pkt_too_large"]
        } else {
            ["ipv6.frag_overlap", "ipv6.frag_pkt_too_large"]
        };
        self.fragment_events.clear();
        let overlaps = weirds.iter().any(|name| matches!(*name, "fragment_overlap" | "fragment_inconsistency"));
        let end = d.fragment.map_or(0, |f| f.offset.saturating_add(d.payload_wire_len));
        self.fragment_events.extend(overlaps.then_some(overlap));
        self.fragment_events.extend((end > u32::from(u16::MAX)).then_some(too_large));
    }

    /// What is odd about a packet, if anybody asks.
    fn find_events(
        &mut self,
        flow: Option<(&Flow, Dir)>,
        packet: &Packet<'_>,
        link: Option<LinkType>,
        events: &mut Events,
    ) {
        let asked = self.rules.as_ref().is_some_and(|rules| rules.program.wants_packet_events());
        let [counts_headers, counts_tcp] = self.counted_events();
        if asked || self.settings.anomaly_decode || counts_headers {
            self.fragment_events.drain(..).for_each(|name| events.add(name));
            headers(packet, link, events);
        }
        if (asked || self.settings.anomaly_stream || counts_tcp)
            && let Some((flow, dir)) = flow
            && let Some(seen) = self.flows.get_mut(&flow.info)
        {
            seen.stream_events(dir, packet, events);
        }
    }

    /// What rules say of a packet.
    fn packet_hits(&mut self, flow: Option<(&Flow, Dir)>, packet: &Packet<'_>, events: &[&'static str]) -> Vec<Hit> {
        let Some(rules) = &mut self.rules else { return Vec::new() };
        let mut hits = std::mem::take(&mut rules.hits);
        hits.clear();
        let Packet { ts, number, decoded, frame, .. } = *packet;
        let view = PacketView { ts, number, decoded, frame, events };
        match flow {
            Some((flow, dir)) => {
                let Some(seen) = self.flows.get_mut(&flow.info) else { return hits };
                if seen.is_bypassed() || seen.picked_up && self.settings.midstream_policy == Policy::PassPacket {
                    return hits;
                }
                let flow_view = seen.view(flow, dir, packet.ts);
                let state = seen.rules.get_or_insert_default();
                rules.inspector.packet(&view, Some((&flow_view, state)), &mut hits);
                rules.inspector.settle(&view, Some((&flow_view, state)), &mut hits);
            }
            None => {
                rules.inspector.packet(&view, None, &mut hits);
                rules.inspector.settle(&view, None, &mut hits);
            }
        }
        hits
    }

    /// Alerts of `dir` that waited are told, with the packet at hand or, if there is none, without.
    pub(super) fn tell_waiting(&mut self, at: At<'_>, dir: Dir, ts: Timestamp, rows: &mut dyn Rows) {
        let Some(seen) = self.flows.get_mut(&at.flow.info) else { return };
        if seen.waiting.is_empty() {
            return;
        }
        let (now, later): (Vec<_>, Vec<_>) = std::mem::take(&mut seen.waiting).into_iter().partition(|w| w.dir == dir);
        seen.waiting = later;
        let pseudo;
        let packet = match at.packet {
            Some(packet) => packet,
            None => {
                let decoded = ends(at.flow, dir);
                pseudo = decoded;
                &no_packet(ts, &pseudo)
            }
        };
        for waiting in &now {
            self.alert(Some(at), Some(packet), waiting, rows);
        }
    }

    /// Bytes of a stream go to its parser now: rules about the exchanges that it finds in them may search them, too.
    pub fn announce(&mut self, flow: &Flow, dir: Dir, bytes: &[u8]) {
        let Some(rules) = &self.rules else { return };
        if rules.program.searches_payload_of_exchanges() {
            let Some(seen) = self.flows.get_mut(&flow.info) else { return };
            let app = seen.known_app(flow);
            rules.inspector.ahead(seen.rules.get_or_insert_default(), dir, app, bytes);
        }
    }

    /// Rules look at bytes of a stream. `waited`: those alone are what alerts show, and that so many are missing before.
    pub(super) fn look_at_stream(
        &mut self,
        at: At<'_>,
        ts: Timestamp,
        dir: Dir,
        offset: u64,
        bytes: &[u8],
        waited: Option<u64>,
    ) {
        let Some(rules) = &mut self.rules else { return };
        rules.hits.clear();
        let Some(seen) = self.flows.get_mut(&at.flow.info) else { return };
        let flow_view = seen.view(at.flow, dir, ts);
        let decoded = ends(at.flow, dir);
        let number = at.packet.map_or(0, |p| p.number);
        let view = PacketView { ts, number, decoded: &decoded, frame: &[], events: &[] };
        let state = seen.rules.get_or_insert_default();
        rules.inspector.stream(&view, &flow_view, state, dir, offset, bytes, &mut rules.hits);
        rules.inspector.settle(&view, Some((&flow_view, state)), &mut rules.hits);
        let hits = std::mem::take(&mut rules.hits);
        for hit in &hits {
            let mut payload = match waited {
                Some(missing_len) if missing_len > 0 => format!("[{missing_len} bytes missing]").into_bytes(),
                _ => Vec::new(),
            };
            if self.settings.alert.shows_payload() {
                payload.extend_from_slice(if waited.is_some() { bytes } else { &self.payload });
                payload.truncate(eve::MAX_PAYLOAD_LEN);
            }
            let mut waiting = Waiting { stream: true, payload, ..Waiting::new(hit, dir) };
            self.give_latest(at, dir, &mut waiting);
            self.wait(at, waiting);
        }
        if let Some(rules) = &mut self.rules {
            rules.hits = hits;
        }
    }

    /// Another alert waits, if there is room.
    fn wait(&mut self, at: At<'_>, waiting: Waiting) {
        if let (Some(rules), Some(seen)) = (&mut self.rules, self.flows.get_mut(&at.flow.info)) {
            wait(seen, waiting, &mut rules.refused);
        }
    }

    /// Rules look at an exchange.
    pub(super) fn inspect_transaction(
        &mut self,
        at: At<'_>,
        ts: Timestamp,
        look: Look,
        tx: &dyn Transaction,
        mark: &mut Mark,
    ) {
        let Some(rules) = &mut self.rules else { return };
        let Some(seen) = self.flows.get_mut(&at.flow.info) else { return };
        rules.hits.clear();
        let flow_view = seen.view(at.flow, look.dir, ts);
        let own = at.packet.filter(|p| sender(at.flow, p) == look.dir);
        let decoded = own.map_or_else(|| ends(at.flow, look.dir), |p| *p.decoded);
        let number = at.packet.map_or(0, |p| p.number);
        let frame = own.map_or(&[][..], |p| p.frame);
        let view = PacketView { ts, number, decoded: &decoded, frame, events: &[] };
        let state = seen.rules.get_or_insert_default();
        let kept = Kept { files: &self.files, of: mark.files.clone(), over: look.over };
        rules.inspector.transaction(&view, &flow_view, state, look, tx, mark, &kept, &mut rules.hits);
        for (id, _) in mark.files.iter().filter(|(_, dir)| *dir == look.dir) {
            if let Some(note) = self.files.get_mut(id) {
                note.note_look(look.over);
            }
        }
        rules.inspector.settle(&view, Some((&flow_view, state)), &mut rules.hits);
        for hit in &rules.hits {
            if rules.program.rule(hit.rule).is_some_and(keeps_quiet) {
                mark.quiet = true;
            }
            let tx_id = match hit.anchor {
                Anchor::Transaction(id) => Some(id),
                _ => Some(mark.id),
            };
            let payload = self.payload.get(..eve::MAX_PAYLOAD_LEN).unwrap_or(&self.payload).to_vec();
            let waiting = Waiting { tx_id, stream: true, payload, ..Waiting::new(hit, look.dir) };
            wait(seen, waiting, &mut rules.refused);
        }
        if let (Some(xff), true) = (&self.settings.xff, look.dir.is_orig())
            && let Some(addr) = speaks_for(xff, tx)
        {
            seen.rare_mut().xff = Some((mark.id, addr));
        }
        if seen.waiting.iter().any(|w| w.tx_id == Some(mark.id)) {
            self.refresh(at, tx, mark);
        }
    }

    /// What the exchange says by now goes into the alerts about it that wait.
    fn refresh(&mut self, at: At<'_>, tx: &dyn Transaction, mark: &Mark) {
        let info = &at.flow.info;
        let Some(seen) = self.flows.get_mut(info) else { return };
        let mut waiting = std::mem::take(&mut seen.waiting);
        let xff = seen.rare().xff.filter(|(id, _)| *id == mark.id).map(|(_, addr)| addr);
        for alert in waiting.iter_mut().filter(|w| w.tx_id == Some(mark.id)) {
            alert.xff = xff;
            if !self.settings.alert.app_layer {
                continue;
            }
            let mut members = std::mem::take(&mut alert.members);
            self.members(mark, alert.dir, tx, &mut members);
            alert.members = members;
        }
        if let Some(seen) = self.flows.get_mut(info) {
            seen.waiting = waiting;
        }
    }

    /// What an exchange says in an alert about `dir`.
    pub(super) fn members(&self, mark: &Mark, dir: Dir, tx: &dyn Transaction, members: &mut Vec<u8>) {
        let mut line = Line::over(std::mem::take(members));
        let mut json = Json::within(&mut line, false, self.settings.options).for_alert();
        tx.eve(&mut json);
        self.write_files(mark, dir, &mut json);
        *members = line.into_bytes();
        if members.len() > MAX_MEMBERS_LEN {
            members.clear();
        }
    }

    /// What rules remember of a flow: `metadata`, and of bits called `traffic/…` what they say.
    pub(super) fn write_bits(&self, flow: &FlowInfo, json: &mut Json<'_>) {
        let (Some(rules), Some(state)) = (&self.rules, self.flows.get(flow).and_then(|seen| seen.rules.as_ref()))
        else {
            return;
        };
        let set = rules.program.set();
        let pairs = |json: &mut Json<'_>, name: &str, vars: &[Var]| {
            let each = |json: &mut Json<'_>| {
                vars.iter().for_each(|(name, value)| {
                    json.item(|json| json.named(name.as_bytes(), &eve::printable(value)));
                });
            };
            if !vars.is_empty() {
                json.list(name, each);
            }
        };
        let bits: Vec<&str> =
            state.bits().filter_map(|bit| set.flow_bits.get(usize::from(bit))).map(|name| &**name).collect();
        let any_var = !self.packet_vars.is_empty() || !state.vars().is_empty();
        if !bits.is_empty() || !state.ints().is_empty() || any_var {
            json.object("metadata", |json| {
                pairs(json, "pktvars", &self.packet_vars);
                pairs(json, "flowvars", state.vars());
                let plain = || bits.iter().filter(|bit| !bit.starts_with("traffic/"));
                if plain().count() > 0 {
                    json.list("flowbits", |json| plain().for_each(|bit| json.item_bytes(bit.as_bytes())));
                }
                if !state.ints().is_empty() {
                    json.object("flowints", |json| {
                        for (var, n) in state.ints() {
                            let name = set.flow_ints.get(usize::from(*var)).map_or("", |name| name);
                            json.named_number(name.as_bytes(), u64::from(*n));
                        }
                    });
                }
            });
        }
        let of = |kind: &'static str| bits.iter().filter_map(move |bit| bit.strip_prefix(kind));
        if of("traffic/").count() > 0 {
            json.object("traffic", |json| {
                for (name, kind) in [("id", "traffic/id/"), ("label", "traffic/label/")] {
                    if of(kind).count() > 0 {
                        json.list(name, |json| of(kind).for_each(|value| json.item_bytes(value.as_bytes())));
                    }
                }
            });
        }
    }

    /// Tells an alert.
    pub(super) fn alert(
        &mut self,
        at: Option<At<'_>>,
        packet: Option<&Packet<'_>>,
        hit: &Waiting,
        rows: &mut dyn Rows,
    ) {
        let Some(program) = self.rules.as_ref().map(|rules| Arc::clone(&rules.program)) else { return };
        let Some(rule) = program.rule(hit.rule) else { return };
        if rule.silent || matches!(rule.action, Action::Pass | Action::Config) {
            return;
        }
        let (Some(packet), settings) = (packet, Arc::clone(&self.settings)) else { return };
        let (src, dst) = parties(packet.decoded);
        let overwrite = settings.xff.as_ref().is_some_and(|xff| xff.overwrite);
        let xff = hit.xff.filter(|_| !overwrite);
        let alert = Alert { xff, context: &hit.context, ..told(rule, src, dst) };
        if let Some(at) = at
            && let Some(seen) = self.flows.get_mut(&at.flow.info)
        {
            seen.alerted = true;
        }
        self.count_alert();
        self.tag(at, packet, rule);
        if self.judged {
            let uid = at.map(|at| at.flow.info.uid);
            rows.row_at(packet.number, &told::alert(rule, packet.ts, uid, (src, dst), &hit.excerpts));
        }
        self.fast(&alert, packet, (src, dst), rows);
        if !settings.is_on("alert") {
            return;
        }
        let mut head = match at {
            Some(at) => Head { tx_id: hit.tx_id, ..self.head(at, packet.ts, "alert", sender(at.flow, packet)) },
            None => self.packet_head(packet, "alert"),
        };
        if at.is_none() && self.invalid {
            // Nobody knows what its addresses are worth.
            head.ends = None;
        }
        if let (true, Some(xff), Some((src, dst))) = (overwrite, hit.xff, &mut head.ends) {
            *(if hit.dir.is_orig() { src } else { dst }) = xff;
        }
        let around = self.around.clone().filter(|_| packet.number > 0);
        self.packet_vars.clone_from(&hit.vars);
        let link = self.link.0;
        let counts = at.and_then(|at| Some((self.flows.get(&at.flow.info)?.counts(at.flow), at)));
        let app = at.map_or("", |at| self.flows.get(&at.flow.info).map_or("", |seen| seen.known_app(at.flow)));
        self.write(rows, at, &head, |json| {
            transport(packet, json);
            alert.write(settings.alert, json);
            if let Some(around) = &around {
                tunnel(around, packet.number, json);
            }
            if !hit.members.is_empty() {
                json.members(&hit.members);
            }
            if hit.guessed {
                json.flag("tx_guessed", true);
            }
            if !app.is_empty() {
                json.text("app_proto", app);
            }
            if at.is_some() {
                json.text("direction", if hit.dir.is_orig() { "to_server" } else { "to_client" });
            }
            if let (true, Some((counts, _))) = (settings.alert.flow, counts) {
                eve::of_flow(&counts, json);
            }
            let whole = packet.number > 0;
            Evidence {
                payload: if hit.payload.is_empty() { packet.decoded.payload(packet.frame) } else { &hit.payload },
                stream: hit.stream && packet.decoded.proto == ip_proto::TCP,
                packet: whole.then_some((packet.frame, link)),
            }
            .write(settings.alert, json);
            if settings.alert.verdict {
                verdict(rule, hit.passed, packet.decoded.proto, json);
            }
        });
        self.packet_vars.clear();
    }

    fn fast(&mut self, alert: &Alert<'_>, packet: &Packet<'_>, ends: (Party, Party), rows: &mut dyn Rows) {
        self.line.clear();
        alert.fast(&eve::fast_time(packet.ts), ends, eve::protocol_name(packet.decoded.proto), &mut self.line);
        self.line.push(b'\n');
        rows.line(eve::FAST_FILE, self.line.as_bytes());
    }
}

/// What the packet is inside of.
fn tunnel(around: &Around, number: u64, json: &mut Json<'_>) {
    let d = &around.root;
    if d.ip_version == 0 {
        return;
    }
    json.object("tunnel", |json| {
        let (src_port, dst_port) = if has_ports(d.proto) { (d.src_port, d.dst_port) } else { (0, 0) };
        json.addr("src_ip", d.src);
        json.number("src_port", u64::from(src_port));
        json.addr("dest_ip", d.dst);
        json.number("dest_port", u64::from(dst_port));
        eve::protocol("proto", d.proto, json);
        json.number("depth", around.depth as u64);
        json.number("pcap_cnt", number);
        json.text("pkt_src", "wire/pcap");
    });
}

/// What would have become of the packet, as far as someone who only listens can do anything.
fn verdict(rule: &Rule, passed: bool, proto: u8, json: &mut Json<'_>) {
    let rejects = rule.action == Action::Reject;
    json.object("verdict", |json| {
        json.text("action", if passed && !rejects { "pass" } else { "alert" });
        if rejects {
            json.text("reject-target", rule.rejects());
            json.list("reject", |json| match proto {
                ip_proto::TCP => json.item_bytes(b"tcp-reset"),
                ip_proto::UDP | ip_proto::ICMP | ip_proto::ICMPV6 => json.item_bytes(b"icmp-prohib"),
                _ => {}
            });
        }
    });
}

/// Another alert waits, if there is room.
fn wait(seen: &mut Seen, waiting: Waiting, refused: &mut u64) {
    if seen.waiting.len() < MAX_WAITING {
        seen.waiting.push(waiting);
    } else {
        *refused += 1;
    }
}

/// What is odd about the headers.
fn headers(packet: &Packet<'_>, link: Option<LinkType>, events: &mut Events) {
    match link {
        Some(link) => sekisho_wire::events::of_frame(link, packet.frame, events),
        None => {
            let from = packet.decoded.ip_offset as usize;
            sekisho_wire::events::of_packet(packet.frame.get(from..).unwrap_or(&[]), events);
        }
    }
}

/// The headers of a packet that there is not: the flow's ends, as `dir` sends.
pub(super) fn ends(flow: &Flow, dir: Dir) -> Decoded {
    let t = if dir.is_orig() { flow.info.tuple } else { flow.info.tuple.flipped() };
    Decoded {
        ip_version: if t.orig.is_v4() { 4 } else { 6 },
        proto: t.proto,
        src: t.orig,
        dst: t.resp,
        src_port: t.orig_port,
        dst_port: t.resp_port,
        vlan: flow.info.vlan,
        has_transport: true,
        ..Decoded::default()
    }
}

/// A packet that there is not, with such headers.
pub(super) fn no_packet(ts: Timestamp, decoded: &Decoded) -> Packet<'_> {
    Packet { ts, number: 0, decoded, frame: &[], tunnel: None }
}

fn parties(d: &Decoded) -> (Party, Party) {
    let port = |port| has_ports(d.proto).then_some(port);
    (Party { addr: d.src, port: port(d.src_port) }, Party { addr: d.dst, port: port(d.dst_port) })
}

fn told<'a>(rule: &'a Rule, src: Party, dst: Party) -> Alert<'a> {
    Alert {
        blocked: matches!(rule.action, Action::Reject),
        gid: rule.gid,
        sid: rule.sid,
        rev: rule.rev,
        signature: rule.msg(),
        category: &rule.meta.category,
        severity: rule.meta.priority,
        source_target: rule.meta.target_is_src.map(|is_src| if is_src { (dst, src) } else { (src, dst) }),
        metadata: rule.metadata(),
        references: rule.references(),
        context: &[],
        text: &rule.text,
        xff: None,
    }
}

/// Does a `config` rule want nothing to be told of the exchange?
fn keeps_quiet(rule: &Rule) -> bool {
    let quiet = |text: &str| text.contains("logging") && text.contains("disable");
    rule.effects.iter().any(|effect| matches!(effect, Effect::Config(text) if quiet(text)))
}

/// The address in a request's field of that name, if it is one.
fn speaks_for(xff: &Xff, tx: &dyn Transaction) -> Option<Addr> {
    let field = (0..MAX_FIELDS).map_while(|n| tx.fact(Fact::HttpRequestHeader, n)).find_map(|value| {
        let (name, text) = str::from_utf8(value.bytes()?).ok()?.split_once(':')?;
        name.trim().eq_ignore_ascii_case(&xff.header).then(|| text.trim().to_owned())
    })?;
    let one = if xff.reverse { field.rsplit(',').next() } else { field.split(',').next() };
    one?.trim().parse().ok()
}
