//! What rules and EVE see of a pass: exchanges, files, flows, as lines of EVE.
//!
//! One eye watches one lane. It keeps a [`Seen`] beside each live flow, and a [`FileNote`] beside each file that
//! belongs to an exchange; both go with their flow. Without it a pass keeps and does nothing of this.

mod chunks;
mod counts;
mod file;
mod flow;
mod flows;
mod frames;
mod held;
mod latest;
mod names;
mod packet;
mod rules;
mod tag;
mod told;
mod urgent;

pub(crate) use file::Closed;
pub(crate) use held::{Due, What};

use crate::Rows;
use file::FileNote;
use flow::{Seen, Sessions};
use flows::Flows;
use frames::Framing;
use hashbrown::HashMap;
use held::Held;
use rules::Rules;
use sekisho_flow::{Flow, Moment, Packet};
use sekisho_output::eve::{self, Head, Ports};
use sekisho_proto::Sight;
use sekisho_rules::{Program, Var};
use sekisho_transaction::{Look, Mark, Transaction};
use sekisho_types::text::Line;
use sekisho_types::{Addr, Dir, FlowInfo, SeededState, Timestamp, ip_proto};
use sekisho_wire::events::Events;
use sekisho_wire::tcp_flags::URG;
use sekisho_wire::tunnel::TunnelKind;
use sekisho_wire::{Decoded, LinkType};
use std::sync::Arc;
use tag::Tag;

/// Files of live flows that are remembered in one lane; of more nothing is told.
const MAX_FILES: usize = 1 << 16;

/// What a call into the eye is about.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    pub flow: &'a Flow,
    /// The packet at hand; `None`: only time passed, or the flow ends.
    pub packet: Option<&'a Packet<'a>>,
}

/// What a packet is inside of.
#[derive(Clone, Copy)]
pub(crate) struct Around {
    /// Kind of tunnel; `None`: it was put together from fragments.
    pub kind: Option<TunnelKind>,
    /// How many packets it is inside of.
    pub depth: usize,
    /// Bytes of a header before it that count as its own.
    pub lead_len: u8,
    /// The outermost one.
    pub root: Decoded,
}

/// See the module.
pub(crate) struct Eye {
    settings: Arc<eve::Settings>,
    flows: Flows,
    files: HashMap<u64, FileNote, SeededState>,
    /// Bytes of files that are kept.
    content_len: usize,
    /// Detectors listen: they are told of alerts.
    pub judged: bool,
    /// Empty buffers for more of them.
    spare: Vec<Vec<u8>>,
    rules: Option<Rules>,
    /// Hosts whose packets are told of.
    tagged: HashMap<Addr, Tag, SeededState>,
    /// An empty buffer for what is to wait of a stream.
    spare_chunk: Vec<u8>,
    /// What of a stream was handed on last, for alerts on it.
    payload: Vec<u8>,
    /// What the frame at hand begins with.
    link: LinkType,
    /// What the packet at hand is inside of.
    around: Option<Box<Around>>,
    /// A receiver would drop the packet at hand.
    invalid: bool,
    /// What is odd about the packet at hand.
    events: Events,
    /// What the fragment at hand showed.
    fragment_events: Vec<&'static str>,
    /// What expressions captured for the packet of the alert that is being told.
    packet_vars: Vec<Var>,
    /// A line being made.
    line: Line,
    /// The run is over: flows end for that.
    pub ending: bool,
    /// Bytes that wait for acknowledgements.
    held_len: usize,
    /// Empty queues for what is to wait, in boxes as flows have them.
    #[expect(clippy::vec_box, reason = "they move between flows and here as they are")]
    spare_held: Vec<Box<Held>>,
    /// Packets are looked at, each for itself: rules are, or their anomalies or frames are told.
    inspects: bool,
    /// Rules are all that looks at packets, each for itself, and none asks what is odd about headers.
    searches_only: bool,
    /// Which connections are followed.
    how: Sessions,
    /// The kind of event that was asked for last, and whether it is written.
    last_type: (&'static str, bool),
    /// Frames, as far as somebody wants them.
    framing: Framing,
    /// Calls being made that had to wait.
    pub due: Due,
    /// Files of which nothing was told because there were too many.
    pub files_refused: u64,
    /// What events about the run itself tell, if anybody wants them.
    counts: Option<Box<eve::Counts>>,
}

impl Eye {
    pub fn new(settings: Arc<eve::Settings>, program: Option<&Arc<Program>>, seed: u64) -> Self {
        Self {
            content_len: 0,
            judged: false,
            spare: Vec::new(),
            spare_chunk: Vec::new(),
            tagged: HashMap::with_hasher(SeededState(seed)),
            payload: Vec::new(),
            link: LinkType::NULL,
            around: None,
            invalid: false,
            events: Events::default(),
            inspects: program.is_some()
                || settings.anomaly_decode
                || settings.anomaly_stream
                || settings.stats.is_some()
                || settings.is_on("frame"),
            searches_only: program.is_some_and(|program| !program.wants_packet_events())
                && settings.stats.is_none()
                && !settings.anomaly_decode
                && !settings.anomaly_stream,
            counts: settings.stats.map(|_| Box::default()),
            how: Sessions::of(&settings),
            last_type: ("", false),
            spare_held: Vec::new(),
            framing: Framing::new(settings.is_on("frame"), program),
            rules: program.map(|program| Rules::new(Arc::clone(program), seed)),
            settings,
            flows: Flows::default(),
            files: HashMap::with_hasher(SeededState(seed)),
            fragment_events: Vec::new(),
            packet_vars: Vec::new(),
            line: Line::default(),
            ending: false,
            held_len: 0,
            due: Due::default(),
            files_refused: 0,
        }
    }

    /// The next packet is inside of `around`.
    pub fn enter(&mut self, around: Option<Around>) {
        self.how.lead_len = around.as_ref().map_or(0, |around| around.lead_len);
        self.around = around.map(Box::new);
    }

    /// Was the last packet inside of something?
    pub fn is_inside(&self) -> bool {
        self.around.is_some()
    }

    /// Are packets looked at, each for itself?
    pub fn inspects(&self) -> bool {
        self.inspects
    }

    /// Is a packet within one between these ports to be looked at?
    pub fn wants_tunnel(&self, kind: TunnelKind, ports: [u16; 2]) -> bool {
        let tunnels = &self.settings.tunnels;
        match kind {
            TunnelKind::Teredo => tunnels.teredo.is_wanted(ports),
            TunnelKind::Vxlan => tunnels.vxlan.is_wanted(ports),
            TunnelKind::Geneve => tunnels.geneve.is_wanted(ports),
            _ => true,
        }
    }

    /// Where the packet at hand comes from, by Suricata's names.
    fn source(&self) -> &'static str {
        let Some(around) = &self.around else { return "wire/pcap" };
        match around.kind {
            None => "defrag",
            Some(TunnelKind::Gre) => "gre tunnel",
            Some(TunnelKind::Ip) if around.root.ip_version == 6 => "ipv6 tunnel",
            Some(TunnelKind::Ip) => "ipv4 tunnel",
            Some(TunnelKind::Teredo) => "teredo tunnel",
            Some(TunnelKind::Vxlan) => "vxlan encapsulation",
            Some(TunnelKind::Geneve) => "geneve encapsulation",
            Some(TunnelKind::Ayiya) => "ayiya tunnel",
            Some(TunnelKind::EtherIp) => "etherip tunnel",
            Some(TunnelKind::Gtpv1) => "gtp tunnel",
            Some(TunnelKind::L2tp) => "l2tp tunnel",
            Some(TunnelKind::Mpls) => "mpls tunnel",
        }
    }

    /// A flow begins.
    pub fn opened(&mut self, flow: &mut FlowInfo) {
        flow.watched = self.flows.open(eve::flow_id(flow.uid));
        self.count_begun(flow.tuple.proto);
    }

    /// A packet was taken by its flow. Tells of which directions something waits that may be due now.
    pub fn packet(&mut self, flow: &Flow, dir: Dir, packet: &Packet<'_>) -> [bool; 2] {
        let Some(seen) = self.flows.get_mut(&flow.info) else { return [false; 2] };
        seen.packet(flow, dir, packet, self.how);
        if self.settings.ethernet {
            seen.note_macs(dir, packet);
        }
        // It acknowledges what the other end sent; a connection that is over has no more to wait for.
        [seen.holds(dir.flip()), seen.is_closed() && seen.holds(dir)]
    }

    /// Counts the packet at hand, if that was not done yet, and gives what is kept of its flow.
    fn seen(&mut self, at: At<'_>) -> Option<&mut Seen> {
        let seen = self.flows.get_mut(&at.flow.info)?;
        if let Some(packet) = at.packet
            && seen.is_new(packet)
        {
            seen.packet(at.flow, sender(at.flow, packet), packet, self.how);
        }
        Some(seen)
    }

    /// An exchange has come further.
    pub fn transaction(
        &mut self,
        at: At<'_>,
        sight: &Sight<'_>,
        look: Look,
        tx: &dyn Transaction,
        mark: &mut Mark,
        rows: &mut dyn Rows,
    ) {
        let Some(seen) = self.seen(at) else { return };
        let unfollowed = seen.is_unfollowed(at.flow) || seen.is_bypassed();
        seen.tx_count = seen.tx_count.max(mark.id + 1);
        if !std::ptr::eq(seen.app, tx.app()) {
            seen.note_app(names::of_exchange(tx.app()));
        }
        let app = seen.app;
        let unseen = self.is_off(at.flow, app) || self.settings.only_recognized.iter().any(|name| **name == *app);
        if unfollowed || unseen {
            mark.logged |= look.over || look.event;
            return;
        }
        if self.rules.is_some() {
            self.note_message(at, look, tx.event_type());
            self.inspect_transaction(at, sight.ts, look, tx, mark);
            self.frame_exchange(at, tx, mark);
            self.note_latest(at, look, tx, mark);
        }
        if !mark.files.is_empty() {
            self.files_of(at, look, tx, mark, rows);
        }
        if self.settings.anomaly_applayer && mark.events.iter().any(|event| !event.told) && self.is_on("anomaly") {
            self.anomalies(at, sight, look, mark, rows);
        }
        let event_type = tx.event_type();
        let wanted = (look.over || look.event) && !mark.logged && !mark.quiet && self.is_on(event_type);
        if wanted && tx.is_told(self.settings.options) {
            let way = if self.settings.options.dns_v2 && event_type == "dns" {
                Dir::Orig
            } else {
                names::way(event_type, look.dir, at.packet.map(|p| sender(at.flow, p)))
            };
            let head = Head { tx_id: Some(mark.id), ..self.head(at, sight.ts, event_type, way) };
            self.write(rows, Some(at), &head, |json| tx.eve(json));
        }
        if look.over
            && !mark.quiet
            && let Some(second) = tx.second_event()
            && self.is_on(second)
        {
            let way = names::way(second, look.dir, at.packet.map(|p| sender(at.flow, p)));
            let head = Head { tx_id: Some(mark.id), ..self.head(at, sight.ts, second, way) };
            self.write(rows, Some(at), &head, |json| tx.eve_second(json));
        }
        if look.over && !mark.files.is_empty() {
            self.forget_files(at, mark);
        }
    }

    /// Are events of that type written? Mostly it is the type that was asked for before.
    fn is_on(&mut self, event_type: &'static str) -> bool {
        let (last, on) = self.last_type;
        if std::ptr::eq(last, event_type) {
            return on;
        }
        let on = self.settings.is_on(event_type);
        self.last_type = (event_type, on);
        on
    }

    /// The anomalies of an exchange that were not told yet.
    fn anomalies(&mut self, at: At<'_>, sight: &Sight<'_>, look: Look, mark: &mut Mark, rows: &mut dyn Rows) {
        let app = self.flows.get(sight.flow).map_or("", |seen| seen.app);
        let mut told = Vec::new();
        for event in mark.events.iter().filter(|e| !e.told) {
            let way = at.packet.map_or(look.dir, |p| sender(at.flow, p));
            let head = Head { tx_id: Some(mark.id), ..self.head(at, sight.ts, "anomaly", way) };
            self.write(rows, Some(at), &head, |json| {
                json.object("anomaly", |json| {
                    json.text("app_proto", app);
                    json.text("type", "applayer");
                    json.text("event", &names::event(app, event.name));
                    json.text("layer", "proto_parser");
                });
            });
            told.push(event.name);
        }
        mark.events.iter_mut().filter(|e| told.contains(&e.name)).for_each(|e| e.told = true);
    }

    fn write(
        &mut self,
        rows: &mut dyn Rows,
        at: Option<At<'_>>,
        head: &Head<'_>,
        members: impl FnOnce(&mut sekisho_transaction::Json<'_>),
    ) {
        self.line.clear();
        let mut line = std::mem::take(&mut self.line);
        eve::line(&mut line, &self.settings, head, |json| {
            members(json);
            if let (true, Some(at)) = (self.settings.metadata, at) {
                self.write_bits(&at.flow.info, json);
            }
        });
        rows.line(eve::FILE, line.as_bytes());
        self.line = line;
    }

    /// The head of an event that goes the way of what `way` sends.
    fn head<'a>(&self, at: At<'_>, ts: Timestamp, event_type: &'a str, way: Dir) -> Head<'a> {
        let (ts, packet) = at.packet.map_or((ts, 0), |p| (p.ts, p.number));
        let info = &at.flow.info;
        let t = if way.is_orig() { info.tuple } else { info.tuple.flipped() };
        let seen = self.flows.get(info);
        let macs = seen.and_then(|seen| seen.macs);
        Head {
            ts,
            flow: seen.map(|seen| seen.number),
            packet,
            event_type,
            vlan: info.vlan,
            ends: Some((t.orig, t.resp)),
            ports: ports(info, t.orig_port, t.resp_port),
            proto: t.proto,
            pkt_src: if packet > 0 { self.source() } else { "stream (flow timeout)" },
            macs: macs.map(|(a, b)| if way.is_orig() { (a, b) } else { (b, a) }),
            ether_type: None,
            tx_id: None,
        }
    }

    /// The head of an event about a packet outside any flow.
    fn packet_head<'a>(&self, packet: &Packet<'_>, event_type: &'a str) -> Head<'a> {
        let d = packet.decoded;
        let ports = if has_ports(d.proto) { Ports::Ports(d.src_port, d.dst_port) } else { Ports::None };
        Head {
            ts: packet.ts,
            flow: None,
            packet: packet.number,
            event_type,
            vlan: d.vlan,
            ends: (d.ip_version != 0).then_some((d.src, d.dst)),
            ports,
            proto: d.proto,
            pkt_src: self.source(),
            macs: d.src_mac.zip(d.dst_mac),
            ether_type: None,
            tx_id: None,
        }
    }

    /// Do bytes of streams go on at once?
    pub fn is_inline(&self) -> bool {
        self.settings.inline
    }

    /// Is a protocol switched off?
    fn is_off(&self, flow: &Flow, app: &str) -> bool {
        let of_udp = flow.info.tuple.proto == ip_proto::UDP;
        self.settings.disabled.iter().any(|(name, [tcp, udp])| **name == *app && if of_udp { *udp } else { *tcp })
    }

    /// Lets a call about a stream wait, unless there is no room.
    pub fn hold(&mut self, at_hand: At<'_>, dir: Dir, what: What, bytes: &[u8], at: Moment) {
        let At { flow, packet } = at_hand;
        let end = flow.stream_offset(dir);
        if self.is_too_deep(flow, end) {
            self.held_len = self.held_len.saturating_sub(self.drop_held(flow, dir));
            return;
        }
        let policy = self.settings.urgent;
        let Some(seen) = self.flows.get_mut(&flow.info) else { return };
        let (what, bytes) = match packet {
            Some(packet) if packet.decoded.tcp.flags & URG != 0 => {
                urgent::in_band(policy, dir.of_mut(&mut seen.rare_mut().urgent), packet, what, bytes)
            }
            _ => (what, bytes),
        };
        if what == What::Data(0) {
            return;
        }
        let end = (end, *dir.of(&seen.rare().urgent));
        let held = seen.held.get_or_insert_with(|| self.spare_held.pop().unwrap_or_default());
        let offset = held.push(dir, what, bytes, end, at);
        self.held_len += bytes.len();
        if self.rules.is_some() && !bytes.is_empty() {
            let state = seen.rules.get_or_insert_default();
            match packet {
                Some(packet) if std::ptr::eq(bytes, packet.decoded.payload(packet.frame)) => {
                    state.comes_next(packet.number, dir, bytes, offset);
                }
                _ => state.comes_apart(dir, offset),
            }
        }
    }

    /// What waits of a stream that is not followed any more goes, too. Tells how many bytes that were.
    fn drop_held(&mut self, flow: &Flow, dir: Dir) -> usize {
        let Some(seen) = self.flows.get_mut(&flow.info) else { return 0 };
        let Some(held) = &mut seen.held else { return 0 };
        let before = held.len();
        held.clear(dir);
        before - held.len()
    }

    /// Is a stream not followed any more, of which so much has come? The segment that crosses the limit is not, either, nor
    /// is the stream's end.
    fn is_too_deep(&self, flow: &Flow, end: u64) -> bool {
        let least = [self.settings.depth, self.settings.file_depth].into_iter().flatten().min().unwrap_or(u64::MAX);
        if end <= least.saturating_add(1) {
            return false;
        }
        let depth = match self.app_of(At { flow, packet: None }) {
            // Suricata follows these without limit.
            "pgsql" | "smb" => None,
            "ftp-data" => self.settings.file_depth,
            _ => self.settings.depth,
        };
        depth.is_some_and(|depth| end > depth.saturating_add(1))
    }

    /// Takes into [`Eye::due`] what needs wait no longer: `all` of `dir`, or what is acknowledged or too much. False if
    /// nothing is.
    pub fn take_due(&mut self, flow: &Flow, dir: Dir, all: bool) -> bool {
        let Some(seen) = self.flows.get_mut(&flow.info) else { return false };
        let closed = all || seen.is_closed();
        let Some(held) = &mut seen.held else { return false };
        let full = held.is_full(dir) || self.held_len > held::MAX_LANE_LEN;
        let acked = if all || full { u64::MAX } else { flow.acked(dir) };
        if !held.is_due(dir, acked, closed) {
            return false;
        }
        held.take(dir, acked, closed, &mut self.due);
        if let Some(mut held) = seen.held.take_if(|held| held.is_empty())
            && self.spare_held.len() < held::SPARE_COUNT
        {
            held.trim();
            self.spare_held.push(held);
        }
        if all && !self.settings.inline && flow.acked(dir) > 0 {
            self.due.doubt(flow.acked(dir));
        }
        if self.rules.is_some() && self.settings.alert.shows_payload() {
            self.due.payload(&mut self.payload);
        }
        self.held_len = self.held_len.saturating_sub(self.due.bytes().len());
        true
    }

    /// The calls of [`Eye::due`] were made.
    pub fn done(&mut self, flow: &Flow, dir: Dir, mut due: Due) {
        if due.has_more()
            && let Some(held) = self.flows.get_mut(&flow.info).and_then(|seen| seen.held.as_mut())
        {
            held.give_back(dir, &mut due);
        }
        self.due = due;
    }

    /// A flow is over.
    pub fn closed(&mut self, flow: &Flow, at: Moment, rows: &mut dyn Rows) {
        let Some(seen) = self.flows.get(&flow.info) else { return };
        self.held_len = self.held_len.saturating_sub(seen.held.as_ref().map_or(0, |held| held.len()));
        let of_flow = At { flow, packet: None };
        for dir in [Dir::Orig, Dir::Resp] {
            self.flush_chunk(of_flow, at.ts, dir);
        }
        for dir in [Dir::Orig, Dir::Resp] {
            self.tell_waiting(of_flow, dir, at.ts, rows);
            self.last_frames(of_flow, dir, at.ts, rows);
        }
        self.flow_files(of_flow, at, rows);
        if let Some(seen) = self.flows.get_mut(&flow.info) {
            seen.sum_up();
        }
        self.count_ended(flow);
        self.end(of_flow, at, rows);
        self.flows.close(&flow.info);
    }
}

/// Who sent the packet at hand.
fn sender(flow: &Flow, packet: &Packet<'_>) -> Dir {
    let (t, d) = (&flow.info.tuple, packet.decoded);
    if (d.src, d.src_port) == (t.orig, t.orig_port) || !has_ports(t.proto) && d.src == t.orig {
        Dir::Orig
    } else {
        Dir::Resp
    }
}

const fn has_ports(proto: u8) -> bool {
    matches!(proto, ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP)
}

/// What stands for ports in a flow's events.
fn ports(info: &FlowInfo, src: u16, dst: u16) -> Ports {
    match info.tuple.proto {
        ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP => Ports::Ports(src, dst),
        _ => Ports::None,
    }
}
