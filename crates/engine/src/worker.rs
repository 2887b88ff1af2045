//! One worker's single pass: frames in, rows and file content out.

use crate::app::App;
use crate::files::FileHost;
use crate::pass::{Host, Pass};
use crate::records::{TunnelRecord, WeirdRecord};
use crate::tunnels::Noted;
use crate::{Rows, Settings, Stats};
use sekisho_capture::Frame;
use sekisho_files::{FileManager, Store};
use sekisho_flow::defrag::{Defragmenter, Outcome};
use sekisho_flow::{FlowTable, Handled, Moment, Packet};
use sekisho_record::{EnumName, Port, Tail};
use sekisho_types::{CommunityId, FiveTuple, FlowInfo, Timestamp, Uid, ip_proto};
use sekisho_wire::tunnel::{self, TunnelKind};
use sekisho_wire::{Anomaly, Decoded, LinkType, checksum, decode_msdu};

/// Tunnels inside tunnels, and fragmented datagrams inside fragmented datagrams, that are followed.
pub const MAX_TUNNEL_DEPTH: usize = 8;

/// What a packet is inside of.
#[derive(Clone, Copy, Default)]
struct Outer {
    uid: Option<Uid>,
    kind: Option<TunnelKind>,
    depth: usize,
}

/// Told where each frame went; for cutting packets out again.
pub trait Tap {
    /// Frame number `packet` belongs to flow `uid`; several calls for a frame that carries a tunnel.
    fn packet(&mut self, packet: u64, uid: Uid);
}

/// The state of one pass.
pub struct Worker {
    settings: Settings,
    flows: FlowTable<App>,
    defrag: Defragmenter,
    host: Host,
    last_ts: Timestamp,
}

impl Worker {
    /// An empty worker.
    pub fn new(settings: Settings) -> Self {
        let seed = settings.flow.seed;
        Self {
            flows: FlowTable::new(settings.flow.clone()),
            defrag: Defragmenter::new(settings.flow.clone()),
            host: Host::new(FileManager::new(settings.files, seed), seed),
            settings,
            last_ts: Timestamp::default(),
        }
    }

    /// Takes frames in the timeline's order. Rows leave through `rows` as soon as they are complete.
    pub fn batch<'f>(
        &mut self,
        frames: impl IntoIterator<Item = Frame<'f>>,
        rows: &mut dyn Rows,
        store: &mut dyn Store,
        mut tap: Option<&mut (dyn Tap + '_)>,
    ) {
        for frame in frames {
            self.frame(&frame, rows, store, tap.as_mut().map(|t| &mut **t as &mut dyn Tap));
        }
        self.host.files.advance_time(self.last_ts, store);
        FileHost { manager: &mut self.host.files, store, rows }.emit();
    }

    fn frame(
        &mut self,
        frame: &Frame<'_>,
        rows: &mut dyn Rows,
        store: &mut dyn Store,
        tap: Option<&mut (dyn Tap + '_)>,
    ) {
        let decoded = sekisho_wire::decode(LinkType(frame.link_type), frame.data, frame.orig_len);
        let stats = &mut self.host.stats;
        self.last_ts = self.last_ts.max(frame.ts);
        if let Some(filter) = &self.settings.filter
            && !filter.matches(&decoded, frame.orig_len)
        {
            stats.filtered += 1;
            return;
        }
        stats.packets += 1;
        stats.bytes += u64::from(frame.orig_len);
        stats.captured_bytes += frame.data.len() as u64;
        stats.first_ts = Some(stats.first_ts.map_or(frame.ts, |t| t.min(frame.ts)));
        stats.last_ts = Some(stats.last_ts.map_or(frame.ts, |t| t.max(frame.ts)));
        let at = Moment { ts: frame.ts, number: frame.number };
        self.note_anomalies(&decoded, at, rows);
        let tap = tap.map(|t| t as &mut dyn Tap);
        let mut way = Way { at, rows, store, tap, others: Vec::new() };
        self.layer(&decoded, frame.data, Outer::default(), &mut way);
        // An 802.11 aggregate holds several packets; offsets only grow, so this ends.
        let mut next = decoded.next_msdu;
        while next != 0 {
            let decoded = decode_msdu(frame.data, next, frame.orig_len);
            self.layer(&decoded, frame.data, Outer::default(), &mut way);
            next = if decoded.next_msdu > next { decoded.next_msdu } else { 0 };
        }
    }

    /// One packet: of a frame, of a tunnel, or put together from fragments.
    fn layer(&mut self, d: &Decoded, bytes: &[u8], outer: Outer, way: &mut Way<'_>) {
        if d.ip_version == 0 {
            self.host.stats.no_ip += 1;
            return;
        }
        if self.settings.checksums && self.bad_checksum(d, bytes, way) {
            return;
        }
        if d.fragment.is_some() {
            return self.fragment(d, bytes, outer, way);
        }
        let inner = tunnel::inner(d, bytes);
        // A tunnel over UDP is a flow as well; one directly over IP is not.
        let carried = inner.is_some() && d.proto != ip_proto::UDP;
        let mut own = None;
        if !carried {
            let packet = Packet { ts: way.at.ts, number: way.at.number, decoded: d, frame: bytes, tunnel: outer.uid };
            let mut pass = Pass { host: &mut self.host, rows: way.rows, store: way.store };
            let handled = self.flows.packet(&packet, &mut pass);
            if let Some(Handled { uid, .. }) = handled {
                own = Some(uid);
                way.tapped(uid);
            }
        }
        let Some(inner) = inner else { return };
        if inner.kind == TunnelKind::Gtpv1 && outer.kind == Some(TunnelKind::Gtpv1) {
            // GTP carries users' packets; GTP among those is an attempt to reach the core (Zeek refuses it, too).
            return self.weird(way, Some(d), "GTPv1_in_GTPv1");
        }
        if outer.depth >= MAX_TUNNEL_DEPTH {
            return self.too_deep(way, d);
        }
        let uid = self.tunnel(d, &inner, own, outer.uid, way);
        let decoded = inner.decode(bytes);
        let inner_bytes = inner.bytes(bytes);
        self.note_anomalies(&decoded, way.at, way.rows);
        let outer = Outer { uid: Some(uid), kind: Some(inner.kind), depth: outer.depth + 1 };
        self.layer(&decoded, inner_bytes, outer, way);
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

    /// Notes the tunnel and gives its uid.
    fn tunnel(
        &mut self,
        d: &Decoded,
        inner: &tunnel::Inner,
        own: Option<Uid>,
        outer: Option<Uid>,
        way: &mut Way<'_>,
    ) -> Uid {
        let tuple =
            FiveTuple { orig: d.src, resp: d.dst, orig_port: d.src_port, resp_port: d.dst_port, proto: d.proto };
        let (uid, ended) = match self.host.tunnels.note(&tuple, own, way.at.ts) {
            Noted::Known(uid) => return uid,
            Noted::New { uid, ended } => (uid, ended),
        };
        for row in ended {
            way.rows.row(&row);
        }
        let flow =
            FlowInfo { uid, tuple, community_id: CommunityId::new(&tuple, 0), tunnel: outer, ..FlowInfo::default() };
        let ports = d.proto == ip_proto::UDP;
        let row = TunnelRecord {
            ts: way.at.ts,
            uid,
            orig_h: d.src,
            orig_p: Port(if ports { d.src_port } else { 0 }),
            resp_h: d.dst,
            resp_p: Port(if ports { d.dst_port } else { 0 }),
            tunnel_type: EnumName(inner.kind.zeek_name()),
            action: EnumName("Tunnel::DISCOVER"),
            tail: Tail { one_sided: None, ..Tail::new(&flow) },
        };
        way.rows.row(&row);
        self.host.tunnels.add(&tuple, own.is_some(), row);
        uid
    }

    fn fragment(&mut self, d: &Decoded, bytes: &[u8], outer: Outer, way: &mut Way<'_>) {
        let mut weirds = Vec::new();
        let outcome = self.defrag.push(d, bytes, way.at.ts, way.at.number, &mut |name| weirds.push(name));
        for name in weirds {
            self.weird(way, Some(d), name);
        }
        if let Outcome::Whole(whole) = outcome {
            // A datagram put together may be a fragment again (IPv6), as deep as its sender likes.
            if outer.depth >= MAX_TUNNEL_DEPTH {
                return self.too_deep(way, d);
            }
            let outer = Outer { depth: outer.depth + 1, ..outer };
            let len = u32::try_from(whole.bytes.len()).unwrap_or(u32::MAX);
            let mut decoded = sekisho_wire::decode_ip(&whole.bytes, len);
            decoded.vlan = d.vlan;
            decoded.src_mac = d.src_mac;
            decoded.dst_mac = d.dst_mac;
            way.others = whole.packets;
            self.layer(&decoded, &whole.bytes, outer, way);
            way.others = Vec::new();
        }
    }

    fn too_deep(&mut self, way: &mut Way<'_>, d: &Decoded) {
        self.host.stats.tunnels_too_deep += 1;
        self.weird(way, Some(d), "exceeded_tunnel_max_depth");
    }

    fn weird(&mut self, way: &mut Way<'_>, d: Option<&Decoded>, name: &'static str) {
        self.host.stats.weirds += 1;
        way.rows.row(&WeirdRecord::of_packet(way.at.ts, way.at.number, d.map(|d| (d.src, d.dst)), name));
    }

    fn note_anomalies(&mut self, d: &Decoded, at: Moment, rows: &mut dyn Rows) {
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
                rows.row(&WeirdRecord::of_packet(at.ts, at.number, ends, name));
            }
        }
    }

    /// The capture is over: everything pending is logged.
    pub fn finish(&mut self, rows: &mut dyn Rows, store: &mut dyn Store) {
        let mut pass = Pass { host: &mut self.host, rows, store };
        self.flows.finish(&mut pass);
        for row in pass.host.tunnels.finish(self.last_ts) {
            pass.rows.row(&row);
        }
        self.defrag.finish();
        self.host.files.finish(store);
        FileHost { manager: &mut self.host.files, store, rows }.emit();
    }

    /// What the pass did so far and what its limits cost.
    pub fn stats(&self) -> Stats {
        Stats {
            flow: self.flows.stats(),
            defrag: self.defrag.stats(),
            files: self.host.files.stats(),
            expectations_dropped: self.host.expectations.dropped,
            decoding_refused: self.host.out.decoding.refused,
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
struct Way<'a> {
    at: Moment,
    rows: &'a mut dyn Rows,
    store: &'a mut dyn Store,
    tap: Option<&'a mut (dyn Tap + 'a)>,
    /// Frames of the other fragments, while a datagram put together is handled.
    others: Vec<u64>,
}

impl Way<'_> {
    fn tapped(&mut self, uid: Uid) {
        if let Some(tap) = &mut self.tap {
            tap.packet(self.at.number, uid);
            for &packet in &self.others {
                tap.packet(packet, uid);
            }
        }
    }
}
