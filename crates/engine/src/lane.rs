//! A flow table with everything that works on its flows: packets in, rows and file content out.

use crate::app::App;
use crate::budget::{Lens, Pool};
use crate::control::{self, Neighbours};
use crate::eye::{Around, Eye};
use crate::files::FileHost;
use crate::hops;
use crate::pass::{Host, Pass};
use crate::records::{TunnelRecord, WeirdRecord};
use crate::sensitive::Sensitive;
use crate::settings::Remembered;
use crate::tap::{Tap, Watch};
use crate::tunnels::Noted;
use crate::{Rows, Settings, Stats};
use sekisho_files::FileManager;
use sekisho_flow::defrag::{Defragmenter, Outcome};
use sekisho_flow::{FlowId, FlowTable, Handled, Manner, Moment, Packet};
use sekisho_output::eve::Counts;
use sekisho_record::{EnumName, Port, Tail};
use sekisho_rules::Tally;
use sekisho_transaction::{Fact, fields};
use sekisho_types::{CommunityId, FiveTuple, FlowInfo, Timestamp, Uid, VlanTags, ip_proto};
use sekisho_wire::tunnel::{self, InnerLink, TunnelKind};
use sekisho_wire::{Anomaly, Decoded, LinkType, checksum, decode};
use std::sync::Arc;

/// Tunnels inside tunnels, and fragmented datagrams inside fragmented datagrams, that are followed.
pub const MAX_TUNNEL_DEPTH: usize = 8;

/// Part of the decoders' memory that one may ask for.
const DECODER_PART: u64 = 4;

/// What a packet is inside of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outer {
    pub uid: Option<Uid>,
    pub kind: Option<TunnelKind>,
    pub depth: usize,
    /// Bytes of a header before it that Suricata counts as the packet's.
    pub lead_len: u8,
}

impl Outer {
    /// Of a packet that is in nothing.
    pub const NONE: Self = Self { uid: None, kind: None, depth: 0, lead_len: 0 };
}

/// What a packet had in it.
pub(crate) enum Carried {
    Nothing,
    /// A packet within this one.
    Inner {
        inner: tunnel::Inner,
        decoded: Decoded,
        outer: Outer,
    },
    /// A datagram put together; the numbers of its frames.
    Whole {
        decoded: Decoded,
        bytes: Vec<u8>,
        packets: Vec<u64>,
        outer: Outer,
    },
}

/// Flows, fragments, parsers and files of some address pairs.
pub(crate) struct Lane {
    pub(crate) flows: FlowTable<App>,
    pub(crate) defrag: Defragmenter,
    pub(crate) host: Host,
    pub(crate) neighbours: Neighbours,
    /// What it may come to use.
    pub(crate) caps: Lens,
    /// Out-of-order bytes from which on some have to go.
    pub(crate) reassembly_high: usize,
    checksums: bool,
    /// Number of the frame that was last in this lane.
    pub(crate) done: u64,
}

impl Lane {
    /// An empty lane, to be told what it may use: see [`Lane::allow`].
    pub fn new(settings: &Settings) -> Self {
        let seed = settings.flow.seed;
        let remembered = Remembered::of(&settings.budget);
        let files = sekisho_files::Limits { numbered_count: remembered.numbered, ..settings.files };
        let mut host = Host::new(FileManager::new(files, seed), seed, &remembered);
        host.out.secrets = Some(Arc::clone(&settings.secrets));
        host.watch = settings.watch;
        host.out.trust.clone_from(&settings.trust);
        host.out.passwords.clone_from(&settings.passwords);
        host.out.judged = settings.judged;
        host.sensitive = settings.judged.then(|| Box::new(Sensitive::new(seed)));
        if let Some(eve) = &settings.eve {
            let mut facts = settings.rules.as_ref().map(|rules| rules.facts()).unwrap_or_default();
            if settings.eve.as_ref().is_some_and(|eve| eve.options.tls.has(fields::tls::WHOLE)) {
                Arc::make_mut(&mut facts).add(Fact::TlsCerts);
            }
            host.out.watched = Some(facts);
            host.out.for_eve = settings.eve.as_ref().is_some_and(|eve| eve.alone);
            host.out.limits = eve.limits;
            let mut eye = Eye::new(Arc::clone(eve), settings.rules.as_ref(), seed);
            if settings.trace_rules {
                eye.trace_rules();
            }
            if settings.judged {
                eye.tell_detectors();
            }
            host.out.frames = eye.frames_wanted();
            host.eye = Some(Box::new(eye));
        }
        host.out.wants_clear = settings.watch == Watch::Streams;
        host.out.across.set_limit(remembered.joined_len);
        host.out.decoding.set_decoder_limit(settings.budget.cap(Pool::Decoding) / DECODER_PART);
        Self {
            flows: FlowTable::new(sekisho_flow::Config { bursts: settings.judged, ..settings.flow.clone() }),
            defrag: Defragmenter::new(settings.flow.clone()),
            host,
            neighbours: Neighbours::new(seed),
            caps: Lens::default(),
            reassembly_high: 0,
            checksums: settings.checksums,
            done: 0,
        }
    }

    /// Until then nothing happens by the mere passing of time.
    pub fn next_due(&self) -> Timestamp {
        self.flows.next_due().min(self.host.out.across.next_due())
    }

    /// What belongs together across address pairs comes to this lane.
    pub fn lead(&mut self) {
        self.host.out.across.lead();
    }

    /// Time has come to `now`: what is due by then ends.
    pub fn advance(&mut self, now: Timestamp, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        self.flows.advance(now, &mut Pass { host: &mut self.host, rows, tap, packet: None });
        if now >= self.host.out.across.next_due() {
            self.host.out.across.advance(now, &mut self.host.out.events);
            self.emit_joined(rows);
        }
    }

    /// Logs what was joined across flows and is over.
    fn emit_joined(&mut self, rows: &mut dyn Rows) {
        self.host.stats.records += self.host.out.events.len() as u64;
        self.host.out.events.drain(..).for_each(|event| rows.row(event.record()));
    }

    /// All flows have ended: logs what was joined across them.
    pub fn finish_joined(&mut self, rows: &mut dyn Rows) {
        self.host.out.across.finish(&mut self.host.out.events);
        self.emit_joined(rows);
    }

    /// A packet of a flow, not a fragment and nothing in it. Always inlined: a frame of its own would cost a tenth of it.
    #[inline(always)]
    pub fn leaf(&mut self, d: &Decoded, bytes: &[u8], outer: &Outer, way: &mut Way<'_>) {
        if d.ip_version == 0 {
            return self.no_ip(d, bytes, outer, way);
        }
        if self.checksums && self.bad_checksum(d, bytes, way) {
            return;
        }
        self.flow(d, bytes, outer, way);
    }

    /// A frame without IP.
    #[cold]
    fn no_ip(&mut self, d: &Decoded, bytes: &[u8], outer: &Outer, way: &mut Way<'_>) {
        self.look_bare(d, bytes, outer, way);
        self.host.stats.no_ip += 1;
        self.neighbours.frame(d, bytes, way.at.ts, way.rows);
    }

    #[inline(always)]
    fn flow(&mut self, d: &Decoded, bytes: &[u8], outer: &Outer, way: &mut Way<'_>) -> Option<Handled> {
        self.done = way.at.number;
        if way.at.ts < way.now {
            self.catch_up(way);
        }
        if control::concerns(d.proto) {
            self.host.control_header = control::header(d, bytes);
        }
        let packet = Packet { ts: way.at.ts, number: way.at.number, decoded: d, frame: bytes, tunnel: outer.uid };
        let mut pass = Pass { host: &mut self.host, rows: way.rows, tap: way.tap, packet: Some(&packet) };
        let Some(handled) = self.flows.packet(&packet, &mut pass) else {
            self.look_bare(d, bytes, outer, way);
            return None;
        };
        if self.host.parsers_len > self.host.parsers_cap {
            self.relieve(way.at, way.rows, way.tap);
        }
        if self.flows.reassembly_len() > self.reassembly_high {
            self.relieve_reassembly(way.at, way.rows, way.tap);
        }
        if self.host.files.has_records() {
            self.emit_files(way.rows, way.tap);
        }
        if self.host.watch >= Watch::Packets {
            way.tapped(handled.uid);
        }
        if self.host.eye.is_some() {
            self.look(&packet, &handled, outer, way);
        }
        if self.host.out.judged && hops::concerns(d) {
            self.tell_hops(&handled, d, bytes, way);
        }
        Some(handled)
    }

    /// Detectors are told of packets meant to die on the way.
    #[cold]
    fn tell_hops(&mut self, handled: &Handled, d: &Decoded, bytes: &[u8], way: &mut Way<'_>) {
        if let Some((flow, _)) = self.flows.flow(handled.id) {
            hops::tell(flow, handled.dir, d, bytes, way.at, way.rows);
        }
    }

    /// Whoever watches sees a packet that its flow has taken; what it acknowledges goes to parsers.
    #[inline(never)]
    fn look(&mut self, packet: &Packet<'_>, handled: &Handled, outer: &Outer, way: &mut Way<'_>) {
        let Some((flow, app)) = self.flows.flow_mut(handled.id) else { return };
        let Some(eye) = &mut self.host.eye else { return };
        if outer.depth > 0 || eye.is_inside() {
            eye.enter(way.around(*outer));
        }
        let (dir, inspects) = (handled.dir, eye.inspects());
        let [others, own] = eye.packet(flow, dir, packet);
        if others || own {
            let mut pass =
                Pass { host: &mut self.host, rows: &mut *way.rows, tap: &mut *way.tap, packet: Some(packet) };
            if others {
                pass.deliver(flow, app, dir.flip(), false);
            }
            if own {
                pass.deliver(flow, app, dir, false);
            }
        }
        if let (true, Some(eye)) = (inspects, &mut self.host.eye) {
            eye.close_chunk(flow, dir, packet);
            eye.inspect_packet(Some((flow, dir)), packet, way.link_of(*outer), way.rows);
        }
    }

    /// Whoever watches sees a packet that is of no flow.
    #[cold]
    fn look_bare(&mut self, d: &Decoded, bytes: &[u8], outer: &Outer, way: &mut Way<'_>) {
        if let Some(eye) = &mut self.host.eye {
            let packet = Packet { ts: way.at.ts, number: way.at.number, decoded: d, frame: bytes, tunnel: outer.uid };
            eye.enter(way.around(*outer));
            if eye.inspects() {
                eye.inspect_packet(None, &packet, way.link_of(*outer), way.rows);
            } else {
                eye.arp(&packet, way.rows);
            }
        }
    }

    /// A packet that is late: the table's time is the run's.
    #[cold]
    fn catch_up(&mut self, way: &mut Way<'_>) {
        self.advance(way.now, way.rows, way.tap);
    }

    /// A fragment, or a packet that may have another in it.
    pub fn carrier(&mut self, d: &Decoded, bytes: &[u8], outer: Outer, way: &mut Way<'_>) -> Carried {
        if d.ip_version == 0 {
            self.look_bare(d, bytes, &outer, way);
            self.host.stats.no_ip += 1;
            return Carried::Nothing;
        }
        if self.checksums && self.bad_checksum(d, bytes, way) {
            return Carried::Nothing;
        }
        if d.fragment.is_some() {
            return self.fragment(d, bytes, outer, way);
        }
        let zeek = self.flows.config().manner == Manner::Zeek;
        let wanted = |inner: &tunnel::Inner| match &self.host.eye {
            _ if zeek => inner.what != InnerLink::Arp,
            Some(eye) => eye.wants_tunnel(inner.kind, [d.src_port, d.dst_port]),
            None => true,
        };
        let inner = tunnel::inner(d, bytes).filter(wanted);
        // A tunnel over UDP is a flow as well; one directly over IP is not.
        let is_flow = inner.is_none() || d.proto == ip_proto::UDP;
        let own = if is_flow { self.flow(d, bytes, &outer, way) } else { None };
        if !is_flow && self.host.eye.is_some() {
            self.look_bare(d, bytes, &outer, way);
        }
        let Some(inner) = inner else { return Carried::Nothing };
        if inner.kind == TunnelKind::Gtpv1 && outer.kind == Some(TunnelKind::Gtpv1) {
            // GTP carries users' packets; GTP among those is an attempt to reach the core (Zeek refuses it, too).
            self.weird(way, Some(d), "GTPv1_in_GTPv1");
            return Carried::Nothing;
        }
        if outer.depth >= MAX_TUNNEL_DEPTH {
            return self.too_deep(way, d);
        }
        let own = own.and_then(|own| Some((own.uid, self.name_carrier(&own, inner.kind)?)));
        let uid = self.tunnel(d, &inner, own, way);
        let mut decoded = inner.decode(bytes);
        self.note_anomalies(&decoded, way.at, way.rows);
        let mut lead_len = 0;
        if let (Some(mirror), Manner::Suricata) = (inner.mirror, self.flows.config().manner) {
            decoded.vlan = VlanTags::new(Some(mirror.vlan), decoded.vlan.outer());
            lead_len = mirror.header_len;
        }
        let outer = Outer { uid: Some(uid), kind: Some(inner.kind), depth: outer.depth + 1, lead_len };
        Carried::Inner { inner, decoded, outer }
    }

    /// A flow that carries packets is its tunnel's by name. Teredo's header has no mark of its own: as in Zeek, both ends
    /// have to be seen. Gives the flow's ends.
    fn name_carrier(&mut self, own: &Handled, kind: TunnelKind) -> Option<FiveTuple> {
        let (flow, _) = self.flows.flow_mut(own.id)?;
        let ends = flow.info.tuple;
        let service = match kind {
            TunnelKind::Ayiya => "ayiya",
            TunnelKind::Geneve => "geneve",
            TunnelKind::Gtpv1 => "gtpv1",
            TunnelKind::Teredo if flow.info.seen.one_sided().is_none() => "teredo",
            TunnelKind::Vxlan => "vxlan",
            _ => return Some(ends),
        };
        flow.apps.add(service);
        flow.add_service(service);
        Some(ends)
    }

    /// Counts and reports a packet whose checksum is wrong.
    fn bad_checksum(&mut self, d: &Decoded, bytes: &[u8], way: &mut Way<'_>) -> bool {
        let mut checked = *d;
        checksum::verify(&mut checked, bytes);
        let name = if checked.anomalies.contains(Anomaly::BadIpChecksum) {
            "bad_IP_checksum"
        } else if checked.anomalies.contains(Anomaly::BadTransportChecksum) {
            match d.proto {
                ip_proto::TCP => "bad_TCP_checksum",
                ip_proto::UDP => "bad_UDP_checksum",
                _ => "bad_ICMP_checksum",
            }
        } else {
            return false;
        };
        self.host.stats.bad_checksums += 1;
        self.weird(way, Some(d), name);
        true
    }

    /// Notes the tunnel and gives its uid. `own`: the flow that carries it, and that flow's ends.
    fn tunnel(&mut self, d: &Decoded, inner: &tunnel::Inner, own: Option<(Uid, FiveTuple)>, way: &mut Way<'_>) -> Uid {
        let hosts = FiveTuple { orig: d.src, resp: d.dst, orig_port: 0, resp_port: 0, proto: d.proto };
        let (tuple, own) = match own {
            // GRE in UDP is one tunnel between two hosts, whatever ports its sender scatters it over (RFC 8086 §3.2.1).
            Some(_) if inner.kind == TunnelKind::Gre => (FiveTuple { proto: ip_proto::GRE, ..hosts }, None),
            Some((uid, ends)) => (ends, Some(uid)),
            None if d.proto == ip_proto::UDP => {
                (FiveTuple { orig_port: d.src_port, resp_port: d.dst_port, ..hosts }, None)
            }
            None => (hosts, None),
        };
        let (uid, ended) = match self.host.tunnels.note(&tuple, own, way.at.ts) {
            Noted::Known(uid) => return uid,
            Noted::New { uid, ended } => (uid, ended),
        };
        for row in ended {
            way.rows.row(&row);
        }
        let flow = FlowInfo { uid, tuple, community_id: CommunityId::new(&tuple, 0), ..FlowInfo::default() };
        let row = TunnelRecord {
            ts: way.at.ts,
            uid,
            orig_h: tuple.orig,
            orig_p: Port(tuple.orig_port),
            resp_h: tuple.resp,
            resp_p: Port(tuple.resp_port),
            tunnel_type: EnumName(inner.kind.zeek_name()),
            action: EnumName("Tunnel::DISCOVER"),
            tail: Tail { one_sided: None, ..Tail::new(&flow) },
        };
        way.rows.row(&row);
        self.host.tunnels.add(&tuple, own.is_some(), row);
        uid
    }

    fn fragment(&mut self, d: &Decoded, bytes: &[u8], outer: Outer, way: &mut Way<'_>) -> Carried {
        let mut weirds = Vec::new();
        let outcome = self.defrag.push(d, bytes, way.at.ts, way.at.number, &mut |name| weirds.push(name));
        if let Some(eye) = &mut self.host.eye {
            eye.fragment(d, &weirds);
        }
        self.look_bare(d, bytes, &outer, way);
        for name in weirds {
            self.weird(way, Some(d), name);
        }
        let Outcome::Whole(whole) = outcome else { return Carried::Nothing };
        // A datagram put together may be a fragment again (IPv6), as deep as its sender likes.
        if outer.depth >= MAX_TUNNEL_DEPTH {
            return self.too_deep(way, d);
        }
        let len = u32::try_from(whole.bytes.len()).unwrap_or(u32::MAX);
        let mut decoded = sekisho_wire::decode_ip(&whole.bytes, len);
        decoded.vlan = d.vlan;
        decoded.src_mac = d.src_mac;
        decoded.dst_mac = d.dst_mac;
        let outer = Outer { depth: outer.depth + 1, ..outer };
        Carried::Whole { decoded, bytes: whole.bytes, packets: whole.packets, outer }
    }

    fn too_deep(&mut self, way: &mut Way<'_>, d: &Decoded) -> Carried {
        self.host.stats.tunnels_too_deep += 1;
        self.weird(way, Some(d), "exceeded_tunnel_max_depth");
        Carried::Nothing
    }

    fn weird(&mut self, way: &mut Way<'_>, d: Option<&Decoded>, name: &'static str) {
        self.host.stats.weirds += 1;
        way.rows
            .row_at(way.at.number, &WeirdRecord::of_packet(way.at.ts, way.at.number, d.map(|d| (d.src, d.dst)), name));
    }

    /// Adds what rules cost here, and how far they came.
    pub fn tally(&self, sum: &mut Tally) {
        if let Some(eye) = &self.host.eye {
            eye.tally(sum);
        }
    }

    /// Adds what was counted for events about the run itself.
    pub fn counts(&self, sum: &mut Counts) {
        if let Some(eye) = &self.host.eye {
            eye.add_counts(sum);
        }
    }

    /// Counts what the decoder noticed, and logs what has a name.
    pub fn note_anomalies(&mut self, d: &Decoded, at: Moment, rows: &mut dyn Rows) {
        if d.anomalies.is_empty() {
            return;
        }
        let stats = &mut self.host.stats;
        for (anomaly, name) in ANOMALIES {
            if !d.anomalies.contains(*anomaly) {
                continue;
            }
            match anomaly {
                Anomaly::CaptureTruncated => stats.truncated += 1,
                Anomaly::UnknownLink => stats.unknown_link += 1,
                _ => stats.malformed += 1,
            }
            if let Some(name) = name {
                stats.weirds += 1;
                let ends = (d.ip_version != 0).then_some((d.src, d.dst));
                rows.row_at(at.number, &WeirdRecord::of_packet(at.ts, at.number, ends, name));
            }
        }
    }

    /// Ends files that stalled, and logs those that ended without their parsers' doing.
    pub fn sweep(&mut self, now: Timestamp, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        self.host.files.advance_time(now, tap);
        self.emit_files(rows, tap);
    }

    /// Logs the files that ended.
    pub fn emit_files(&mut self, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        FileHost { manager: &mut self.host.files, tap, rows, eye: None, sensitive: None }.emit();
    }

    /// The live flows, oldest first: the numbers of their first packets.
    pub fn order(&self) -> Vec<(u64, FlowId)> {
        self.flows.order()
    }

    /// Ends one flow.
    pub fn end(&mut self, flow: FlowId, rows: &mut dyn Rows, tap: &mut dyn Tap) {
        if let Some(eye) = &mut self.host.eye {
            eye.ending = true;
        }
        self.flows.end(flow, &mut Pass { host: &mut self.host, rows, tap, packet: None });
    }

    /// Logs what is left of address resolution.
    pub fn finish_neighbours(&mut self, rows: &mut dyn Rows) {
        self.neighbours.finish(rows);
    }

    /// All flows have ended: what is left beside them goes. The closing rows of tunnels, by their ends.
    pub fn finish(&mut self, now: Timestamp, tap: &mut dyn Tap) -> Vec<(FiveTuple, TunnelRecord)> {
        self.defrag.finish();
        self.host.files.finish(tap);
        self.host.tunnels.finish(now)
    }

    /// What the lane did so far and what its limits cost.
    pub fn stats(&self) -> Stats {
        Stats {
            flow: self.flows.stats(),
            defrag: self.defrag.stats(),
            files: self.host.files.stats(),
            expectations_dropped: self.host.expectations.dropped,
            facts_forgotten: self.host.out.remembered.forgotten,
            decoding_refused: self.host.out.decoding.refused,
            search_refused: self.host.sensitive.as_ref().map_or(0, |s| s.refused),
            parsers_len: u64::try_from(self.host.parsers_len).unwrap_or(0),
            ..self.host.stats
        }
    }
}

/// Zeek's names for what the decoder noticed; `None` is counted only.
const ANOMALIES: &[(Anomaly, Option<&str>)] = &[
    (Anomaly::BadIpChecksum, Some("bad_IP_checksum")),
    (Anomaly::CaptureTruncated, None),
    (Anomaly::FragmentGeometry, Some("fragment_protocol_inconsistency")),
    (Anomaly::IpHeaderLength, Some("truncated_IP")),
    (Anomaly::IpLengthBeyondFrame, Some("truncated_IP")),
    (Anomaly::Ipv6Extensions, Some("truncated_IPv6")),
    (Anomaly::LayerLimit, Some("exceeded_tunnel_max_depth")),
    (Anomaly::LinkTruncated, Some("truncated_header")),
    (Anomaly::SourceRoute, Some("routing0_hdr")),
    (Anomaly::TcpHeaderLength, Some("bad_TCP_header_len")),
    (Anomaly::TcpOptions, None),
    (Anomaly::TransportTruncated, Some("truncated_header")),
    (Anomaly::UdpLength, Some("UDP_datagram_length_mismatch")),
    (Anomaly::UnknownLink, None),
];

/// Where one frame's results go.
pub(crate) struct Way<'a> {
    pub at: Moment,
    /// All of its bytes.
    pub frame: &'a [u8],
    /// What they begin with.
    pub link: LinkType,
    /// The run's time: no earlier than any packet so far.
    pub now: Timestamp,
    pub rows: &'a mut dyn Rows,
    pub tap: &'a mut dyn Tap,
    /// Frames of the other fragments, while a datagram put together is handled.
    pub others: Vec<u64>,
}

impl Way<'_> {
    /// The link type of a whole frame; `None`: the packet was found within another.
    fn link_of(&self, outer: Outer) -> Option<LinkType> {
        (outer.depth == 0).then_some(self.link)
    }

    /// What the packet at hand is inside of, for those who tell of it.
    fn around(&self, outer: Outer) -> Option<Around> {
        let root = || decode(self.link, self.frame, u32::try_from(self.frame.len()).unwrap_or(u32::MAX));
        (outer.depth > 0).then(|| Around {
            kind: outer.kind,
            depth: outer.depth,
            lead_len: outer.lead_len,
            root: root(),
        })
    }

    #[cold]
    fn tapped(&mut self, uid: Uid) {
        self.tap.packet(self.at.number, uid);
        for &packet in &self.others {
            self.tap.packet(packet, uid);
        }
    }
}
