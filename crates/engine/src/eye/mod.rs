//! What rules and EVE see of a pass: exchanges, files, flows, as lines of EVE.
//!
//! One eye watches one lane. It keeps a [`Seen`] beside each live flow, and a [`FileNote`] beside each file that
//! belongs to an exchange; both go with their flow. Without it a pass keeps and does nothing of this.

mod file;
mod flow;
mod names;

pub(crate) use file::Closed;

use crate::Rows;
use file::FileNote;
use flow::Seen;
use hashbrown::HashMap;
use sekisho_flow::{Flow, Moment, Packet};
use sekisho_output::eve::{self, Head, Ports};
use sekisho_proto::Sight;
use sekisho_transaction::{Look, Mark, Transaction};
use sekisho_types::{Dir, FlowInfo, SeededState, Uid, ip_proto};
use std::sync::Arc;

/// Files of live flows that are remembered in one lane; of more nothing is told.
const MAX_FILES: usize = 1 << 16;

/// What a call into the eye is about.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    pub flow: &'a Flow,
    /// The packet at hand; `None`: only time passed, or the flow ends.
    pub packet: Option<&'a Packet<'a>>,
}

/// See the module.
pub(crate) struct Eye {
    settings: Arc<eve::Settings>,
    flows: HashMap<Uid, Box<Seen>, SeededState>,
    files: HashMap<u64, FileNote, SeededState>,
    /// A line being made.
    line: Vec<u8>,
    /// The run is over: flows end for that.
    pub ending: bool,
    /// Files of which nothing was told because there were too many.
    pub files_refused: u64,
}

impl Eye {
    pub fn new(settings: Arc<eve::Settings>, seed: u64) -> Self {
        Self {
            settings,
            flows: HashMap::with_hasher(SeededState(seed)),
            files: HashMap::with_hasher(SeededState(seed)),
            line: Vec::new(),
            ending: false,
            files_refused: 0,
        }
    }

    /// A packet was taken by its flow.
    pub fn packet(&mut self, flow: &Flow, dir: Dir, packet: &Packet<'_>) {
        self.flows.entry(flow.info.uid).or_default().packet(flow, dir, packet);
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
        let seen = self.flows.entry(sight.flow.uid).or_default();
        seen.tx_count = seen.tx_count.max(mark.id + 1);
        if let Some(app) = names::of_event(tx.event_type()) {
            seen.note_app(app, look.dir);
        }
        self.files_of(at, look, tx, mark, rows);
        if self.settings.anomaly_applayer && self.settings.is_on("anomaly") {
            self.anomalies(at, sight, look, mark, rows);
        }
        if look.over && !mark.logged && self.settings.is_on(tx.event_type()) {
            let way = names::way(tx.event_type(), look.dir, at.packet.map(|p| sender(at.flow, p)));
            let head = Head { tx_id: Some(mark.id), ..self.head(at, sight.ts, sight.packets.0, tx.event_type(), way) };
            self.write(rows, &head, |json| tx.eve(json));
        }
    }

    /// The anomalies of an exchange that were not told yet.
    fn anomalies(&mut self, at: At<'_>, sight: &Sight<'_>, look: Look, mark: &mut Mark, rows: &mut dyn Rows) {
        let app = self.flows.get(&sight.flow.uid).map_or("", |seen| seen.app);
        let mut told = Vec::new();
        for event in mark.events.iter().filter(|e| !e.told) {
            let way = at.packet.map_or(look.dir, |p| sender(at.flow, p));
            let head = Head { tx_id: Some(mark.id), ..self.head(at, sight.ts, sight.packets.0, "anomaly", way) };
            self.line.clear();
            eve::line(&mut self.line, &self.settings, &head, |json| {
                json.object("anomaly", |json| {
                    json.text("app_proto", app);
                    json.text("type", "applayer");
                    json.text("event", &names::event(app, event.name));
                    json.text("layer", "proto_parser");
                });
            });
            rows.line(eve::FILE, &self.line);
            told.push(event.name);
        }
        mark.events.iter_mut().filter(|e| told.contains(&e.name)).for_each(|e| e.told = true);
    }

    fn write(
        &mut self,
        rows: &mut dyn Rows,
        head: &Head<'_>,
        members: impl FnOnce(&mut sekisho_transaction::Json<'_>),
    ) {
        self.line.clear();
        eve::line(&mut self.line, &self.settings, head, members);
        rows.line(eve::FILE, &self.line);
    }

    /// The head of an event that goes the way of what `way` sends.
    fn head<'a>(
        &self,
        at: At<'_>,
        ts: sekisho_types::Timestamp,
        packet: u64,
        event_type: &'a str,
        way: Dir,
    ) -> Head<'a> {
        let info = &at.flow.info;
        let t = if way.is_orig() { info.tuple } else { info.tuple.flipped() };
        let macs = self.flows.get(&info.uid).and_then(|seen| seen.macs);
        Head {
            ts,
            flow: Some(info.uid),
            packet,
            event_type,
            vlan: info.vlan,
            ends: Some((t.orig, t.resp)),
            ports: ports(info, t.orig_port, t.resp_port),
            proto: t.proto,
            pkt_src: if packet > 0 { "wire/pcap" } else { "stream (flow timeout)" },
            macs: macs.map(|(a, b)| if way.is_orig() { (a, b) } else { (b, a) }),
            tx_id: None,
        }
    }

    /// A flow is over.
    pub fn closed(&mut self, flow: &Flow, at: Moment, rows: &mut dyn Rows) {
        let uid = flow.info.uid;
        let Some(mut seen) = self.flows.remove(&uid) else { return };
        let of_flow = At { flow, packet: None };
        self.flow_files(of_flow, &mut seen, at, rows);
        self.end(of_flow, &seen, at, rows);
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
