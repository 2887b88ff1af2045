//! What is kept of a flow, and its own events.

use super::chunks::Chunk;
use super::frames::Frames;
use super::held::Held;
use super::latest::Latest;
use super::rules::Waiting;
use super::tag::Tag;
use super::{At, Eye, names};
use crate::Rows;
use sekisho_flow::{Flow, Moment, Packet, TcpState, TcpWatch};
use sekisho_output::eve::{End, FlowEnd, Head, NetflowSide, Policy, Settings, TcpEnd};
use sekisho_rules::{FlowState, FlowView};
use sekisho_transaction::Json;
use sekisho_types::{Addr, Dir, FlowInfo, MacAddr, Timestamp, ip_proto};
use sekisho_wire::events::Events;
use sekisho_wire::tcp_flags::{ACK, FIN, RST, SYN};

/// Link addresses of one end that are told.
const MAX_MACS: usize = 10;

/// States of a TCP connection in Suricata's terms, in the order in which they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tcp {
    #[default]
    None,
    SynSent,
    SynRecv,
    Established,
    FinWait1,
    CloseWait,
    FinWait2,
    Closing,
    LastAck,
    Closed,
}

impl Tcp {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SynSent => "syn_sent",
            Self::SynRecv => "syn_recv",
            Self::Established => "established",
            Self::FinWait1 => "fin_wait1",
            Self::CloseWait => "close_wait",
            Self::FinWait2 => "fin_wait2",
            Self::Closing => "closing",
            Self::LastAck => "last_ack",
            Self::Closed => "closed",
        }
    }
}

impl Sessions {
    pub fn of(settings: &Settings) -> Self {
        let Settings { midstream, one_sided, midstream_policy: policy, .. } = *settings;
        Self { midstream, one_sided, policy, lead_len: 0 }
    }
}

/// Which connections are followed: Suricata's `stream`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sessions {
    /// Those that began before the capture, too.
    pub midstream: bool,
    /// Those of which only the client is heard, too.
    pub one_sided: bool,
    /// What is done with those that began before the capture.
    pub policy: Policy,
    /// Bytes of a header before the packet at hand that count as its own.
    pub lead_len: u8,
}

/// What is kept of a flow. What every packet needs comes first.
#[derive(Default)]
#[repr(C)]
pub(super) struct Seen {
    /// Its number in events; 0: there is no flow here.
    pub number: u64,
    /// The last packet counted.
    last_packet: u64,
    pub pkts: [u64; 2],
    /// Bytes on the wire, with link headers.
    pub bytes: [u64; 2],
    last_ts: Timestamp,
    /// What waits for acknowledgements.
    pub held: Option<Box<Held>>,
    /// The end that index 0 of the pairs is about.
    first: Option<(Addr, u16)>,
    flags: [u8; 2],
    ttl: [Option<(u8, u8)>; 2],
    tcp: Tcp,
    /// It was there before its first packet that was heard.
    pub picked_up: bool,
    /// Nobody is to look at it any more.
    bypassed: bool,
    /// A rule or policy has let it pass.
    passed: bool,
    /// Link addresses of the originator and the responder in the first packet.
    pub macs: Option<(MacAddr, MacAddr)>,
    /// Who sent the first FIN.
    fin: Option<Dir>,
    pub alerted: bool,
    /// It is encrypted, and Suricata was told to let it pass then.
    let_pass: bool,
    /// ICMP: type and code of the first packet of each direction.
    icmp: [Option<(u8, u8)>; 2],
    /// The protocol by Suricata's name; empty: not known.
    pub app: &'static str,
    /// The one that it was before it changed.
    app_orig: &'static str,
    pub tx_count: u64,
    /// What rules remember.
    pub rules: Option<Box<FlowState>>,
    /// Frames, if somebody wants them.
    pub frames: Option<Box<Frames>>,
    /// Alerts that wait for a packet of their way.
    pub waiting: Vec<Waiting>,
    /// What most flows never have.
    rare: Option<Box<Rare>>,
}

/// With Suricata's timeouts there are many flows, and a packet of each finds the cache without it.
const _: () = assert!(size_of::<Seen>() <= 224);

/// What is kept of few flows.
#[derive(Default)]
pub(super) struct Rare {
    /// Files of the flow.
    pub files: Vec<u64>,
    /// Its packets are told of.
    pub tag: Option<Tag>,
    /// What is odd about its packets as a connection.
    watch: Option<Box<TcpWatch>>,
    /// What waits for rules to look at it.
    pub chunks: [Chunk; 2],
    /// The exchange shown last in each direction, where alerts may be told with it.
    pub latest: [Option<Box<Latest>>; 2],
    /// Urgent bytes that were taken out of the streams.
    pub urgent: [u64; 2],
    /// Whom a proxy speaks for in an exchange.
    pub xff: Option<(u64, Addr)>,
    /// All link addresses of the originator's and the responder's, if they are told.
    all_macs: [Vec<MacAddr>; 2],
}

/// What most flows have of that.
static NONE: Rare = Rare {
    files: Vec::new(),
    tag: None,
    watch: None,
    chunks: [Chunk::NONE, Chunk::NONE],
    latest: [None, None],
    urgent: [0; 2],
    xff: None,
    all_macs: [Vec::new(), Vec::new()],
};

impl Seen {
    /// What most flows never have.
    pub(super) fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(&NONE)
    }

    /// The same, to be changed; made if there is none.
    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The same, if there is any.
    pub(super) fn any_rare(&mut self) -> Option<&mut Rare> {
        self.rare.as_deref_mut()
    }

    /// Notes the link addresses of a packet.
    pub(super) fn note_macs(&mut self, dir: Dir, packet: &Packet<'_>) {
        let d = packet.decoded;
        for (mac, dir) in [(d.src_mac, dir), (d.dst_mac, dir.flip())] {
            let list = dir.of_mut(&mut self.rare_mut().all_macs);
            if let Some(mac) = mac.filter(|mac| list.len() < MAX_MACS && !list.contains(mac)) {
                list.push(mac);
            }
        }
    }

    /// Was the packet not counted yet?
    #[inline]
    pub(super) fn is_new(&self, packet: &Packet<'_>) -> bool {
        self.last_packet != packet.number
    }

    /// Counts a packet, unless that was done. `how`: which connections are followed.
    pub(super) fn packet(&mut self, flow: &Flow, dir: Dir, packet: &Packet<'_>, how: Sessions) {
        if std::mem::replace(&mut self.last_packet, packet.number) == packet.number {
            return;
        }
        self.turn(flow);
        let (i, d) = (dir.index(), packet.decoded);
        if let (None, Some(src), Some(dst)) = (self.macs, d.src_mac, d.dst_mac) {
            self.macs = Some(if dir.is_orig() { (src, dst) } else { (dst, src) });
        }
        let len = packet.frame.len() as u64 + u64::from(how.lead_len);
        let [pkts, bytes] = [&mut self.pkts, &mut self.bytes].map(|pair| dir.of_mut(pair));
        *pkts += 1;
        *bytes = bytes.saturating_add(len);
        self.last_ts = packet.ts;
        let ttl = dir.of_mut(&mut self.ttl);
        *ttl = Some(ttl.map_or((d.ttl, d.ttl), |(low, high)| (low.min(d.ttl), high.max(d.ttl))));
        match d.proto {
            ip_proto::TCP => {
                // A reset that the flow did not believe is none.
                let doubtful = self.tcp == Tcp::SynSent && flow.tcp_state(dir) != TcpState::Reset;
                let flags = if doubtful { d.tcp.flags & !(RST | FIN) } else { d.tcp.flags };
                self.tcp(dir, flags, how);
                if self.tcp != Tcp::None {
                    *dir.of_mut(&mut self.flags) |= d.tcp.flags;
                }
            }
            ip_proto::ICMP | ip_proto::ICMPV6 => {
                if let (None, [kind, code, ..]) = (self.icmp.get(i).copied().flatten(), d.transport(packet.frame)) {
                    *dir.of_mut(&mut self.icmp) = Some((*kind, *code));
                }
            }
            _ => {}
        }
    }

    /// The flow may have turned round since.
    fn turn(&mut self, flow: &Flow) {
        let orig = (flow.info.tuple.orig, flow.info.tuple.orig_port);
        match self.first {
            Some(first) if first != orig => {
                self.pkts.swap(0, 1);
                self.bytes.swap(0, 1);
                self.flags.swap(0, 1);
                self.ttl.swap(0, 1);
                self.icmp.swap(0, 1);
                if let Some(frames) = &mut self.frames {
                    frames.turn();
                }
                self.macs = self.macs.map(|(a, b)| (b, a));
                self.fin = self.fin.map(Dir::flip);
            }
            _ => {}
        }
        self.first = Some(orig);
    }

    /// A connection goes on by the flags of its packets.
    fn tcp(&mut self, dir: Dir, flags: u8, how: Sessions) {
        let (syn, fin, ack) = (flags & SYN != 0, flags & FIN != 0, flags & ACK != 0);
        if self.tcp == Tcp::None && (flags & (SYN | ACK) != SYN || flags & RST != 0) {
            if flags & RST == 0 && flags & (FIN | ACK) != 0 {
                self.pick_up(how.policy);
            }
            let wanted = how.midstream && matches!(how.policy, Policy::Ignore | Policy::PassFlow);
            if !wanted || flags & RST != 0 || flags & FIN != 0 && flags & ACK == 0 {
                return;
            }
        }
        self.tcp = match self.tcp {
            _ if flags & RST != 0 => Tcp::Closed,
            Tcp::None | Tcp::SynSent if syn && ack => Tcp::SynRecv,
            Tcp::None if syn => Tcp::SynSent,
            Tcp::SynSent if how.one_sided && ack && dir.is_orig() => Tcp::Established,
            state @ Tcp::SynSent => state,
            Tcp::None | Tcp::SynRecv if !syn && !fin => Tcp::Established,
            Tcp::None | Tcp::SynRecv | Tcp::Established if fin => {
                self.fin = Some(dir);
                // The states are the server's: a client's FIN lets it wait to close.
                if dir.is_orig() { Tcp::CloseWait } else { Tcp::FinWait1 }
            }
            Tcp::FinWait1 | Tcp::CloseWait | Tcp::FinWait2 if fin && self.fin != Some(dir) => {
                if self.tcp == Tcp::FinWait1 && !ack { Tcp::Closing } else { Tcp::LastAck }
            }
            Tcp::FinWait1 if ack && self.fin != Some(dir) => Tcp::FinWait2,
            Tcp::Closing | Tcp::LastAck if ack && self.fin == Some(dir) => Tcp::Closed,
            state => state,
        };
    }

    /// Is the connection over?
    pub(super) fn is_closed(&self) -> bool {
        self.tcp == Tcp::Closed
    }

    /// The connection began before the capture.
    fn pick_up(&mut self, policy: Policy) {
        self.picked_up = true;
        match policy {
            Policy::Ignore | Policy::PassPacket | Policy::Reject => {}
            Policy::PassFlow => self.rules.get_or_insert_default().pass(),
            Policy::Bypass => {
                self.rules.get_or_insert_default().pass();
                self.bypassed = true;
            }
        }
    }

    /// Takes over what rules decided for the whole flow.
    pub(super) fn sum_up(&mut self) {
        self.bypassed = self.is_bypassed();
        self.passed = self.rules.as_ref().is_some_and(|state| state.is_passed());
    }

    /// Does anything wait that the packet at hand may have acknowledged, of what `dir` sent?
    pub(super) fn holds(&self, dir: Dir) -> bool {
        self.held.as_ref().is_some_and(|held| held.holds(dir))
    }

    /// Is nobody to look at it any more?
    pub(super) fn is_bypassed(&self) -> bool {
        self.bypassed || self.rules.as_ref().is_some_and(|state| state.is_bypassed())
    }

    /// The protocol is known.
    pub(super) fn note_app(&mut self, app: &'static str) {
        if !self.app.is_empty() && self.app != app && self.app_orig.is_empty() {
            self.app_orig = self.app;
        }
        self.app = app;
    }

    /// Have both ends sent their FIN, or one a RST?
    pub(super) fn is_ending(&self) -> bool {
        matches!(self.tcp, Tcp::Closing | Tcp::LastAck | Tcp::Closed)
    }

    /// Is it a TCP connection that is not followed: of which neither streams nor exchanges are looked at?
    pub(super) fn is_unfollowed(&self, flow: &Flow) -> bool {
        flow.info.tuple.proto == ip_proto::TCP && self.tcp == Tcp::None
    }

    fn state(&self, flow: &Flow) -> &'static str {
        if self.let_pass || self.is_bypassed() {
            return "bypassed";
        }
        if flow.info.tuple.proto == ip_proto::TCP {
            return match self.tcp {
                Tcp::None | Tcp::SynSent | Tcp::SynRecv => "new",
                Tcp::Established | Tcp::FinWait1 | Tcp::FinWait2 | Tcp::Closing | Tcp::CloseWait => "established",
                Tcp::LastAck | Tcp::Closed => "closed",
            };
        }
        if self.pkts.iter().all(|&n| n > 0) { "established" } else { "new" }
    }

    /// Who is the client: ports alone say nothing to Suricata as long as the protocol is not known.
    fn client(&self, flow: &Flow) -> Dir {
        if flow.is_turned() && self.known_app(flow).is_empty() { Dir::Resp } else { Dir::Orig }
    }

    /// What an alert or a flow's event tells of it.
    pub(super) fn counts(&self, flow: &Flow) -> End {
        let client = self.client(flow);
        let t = if client.is_orig() { flow.info.tuple } else { flow.info.tuple.flipped() };
        End {
            pkts: from(client, self.pkts),
            bytes: from(client, self.bytes),
            start: flow.info.first_ts,
            ends: (t.orig, t.resp),
            ports: super::has_ports(t.proto).then_some((t.orig_port, t.resp_port)),
        }
    }

    /// What its event tells, but for why it is over.
    fn ended(&self, flow: &Flow, client: Dir) -> FlowEnd {
        let is_tcp = flow.info.tuple.proto == ip_proto::TCP;
        let gap = from(client, [Dir::Orig, Dir::Resp].map(|dir| flow.counters(dir).gap_bytes > 0));
        FlowEnd {
            flow: self.counts(flow),
            end: self.last_ts,
            state: self.state(flow),
            reason: "",
            alerted: self.alerted,
            action: self.passed.then_some("pass"),
            midstream: None,
            tx_count: (self.tx_count > 0).then_some(self.tx_count),
            tcp: is_tcp.then_some(TcpEnd {
                flags: from(client, self.flags),
                state: (self.tcp != Tcp::None).then_some(self.tcp.name()),
                gap,
            }),
        }
    }

    /// The flow as rules see it.
    pub(super) fn view(&self, flow: &Flow, dir: Dir, ts: Timestamp) -> FlowView {
        let established = match flow.info.tuple.proto {
            ip_proto::TCP => self.tcp >= Tcp::Established,
            _ => self.pkts.iter().all(|&n| n > 0),
        };
        FlowView {
            dir,
            established,
            app: self.known_app(flow),
            pkts: self.pkts,
            bytes: self.bytes,
            stream_len: [Dir::Orig, Dir::Resp].map(|dir| flow.size(dir)),
            age: ts - flow.info.first_ts,
            opaque: flow.is_opaque(),
        }
    }

    /// What is odd about a packet as one of its connection.
    pub(super) fn stream_events(&mut self, dir: Dir, packet: &Packet<'_>, events: &mut Events) {
        let d = packet.decoded;
        if d.proto == ip_proto::TCP && d.has_transport {
            let secs = packet.ts.0.div_euclid(1_000_000_000);
            let watch = self.rare_mut().watch.get_or_insert_default();
            watch.packet(dir, &d.tcp, d.payload_wire_len, secs).iter().for_each(|name| events.add(name));
        }
    }

    /// The protocol by Suricata's name, as far as it is known by now.
    pub(super) fn known_app(&self, flow: &Flow) -> &'static str {
        if !self.app.is_empty() {
            return self.app;
        }
        let t = &flow.info.tuple;
        let app = flow.apps.iter().find_map(names::of_service).unwrap_or("");
        match app {
            "dns" => names::of_dns_ports(t.orig_port, t.resp_port),
            app => app,
        }
    }

    /// The protocol by Suricata's name: what exchanges told, else the service.
    pub(super) fn app(&self, flow: &Flow) -> &'static str {
        let app = self.known_app(flow);
        if !app.is_empty() {
            return app;
        }
        let len = flow.counters(Dir::Orig).bytes + flow.counters(Dir::Resp).bytes;
        let streams = matches!(flow.info.tuple.proto, ip_proto::TCP | ip_proto::UDP);
        if streams && len > 0 { "failed" } else { "" }
    }
}

impl Eye {
    /// What follows in a flow is encrypted: Suricata may be told to let it pass.
    pub fn encrypted(&mut self, flow: &FlowInfo) {
        if let Some(seen) = self.flows.get_mut(flow)
            && self.settings.bypassed.iter().any(|app| **app == *seen.app)
        {
            seen.let_pass = true;
        }
    }

    /// The events of a flow that is over.
    pub(super) fn end(&mut self, at: At<'_>, moment: Moment, rows: &mut dyn Rows) {
        let flow = at.flow;
        let Some(seen) = self.flows.get_mut(&flow.info) else { return };
        let app = seen.app(flow);
        let app_orig = seen.app_orig;
        let all_macs = seen.any_rare().map(|rare| std::mem::take(&mut rare.all_macs)).unwrap_or_default();
        let (client, icmp, ttl) = (seen.client(flow), seen.icmp, seen.ttl);
        let mut end = seen.ended(flow, client);
        end.reason = if self.ending { "shutdown" } else { "timeout" };
        end.midstream = (seen.picked_up && self.settings.flow_policies).then_some(self.settings.midstream_policy);
        let app = if self.is_off(flow, app) { "failed" } else { app };
        if self.is_on("flow") {
            let head = Head { pkt_src: "", macs: None, ..self.head(at, moment.ts, "flow", client) };
            self.write(rows, Some(at), &head, |json| {
                spi(flow, json);
                if let [first, answer] = icmp
                    && let Some((kind, code)) = first.or(answer)
                {
                    json.number("icmp_type", u64::from(kind));
                    json.number("icmp_code", u64::from(code));
                    if let (Some(_), Some((kind, code))) = (first, answer) {
                        json.number("response_icmp_type", u64::from(kind));
                        json.number("response_icmp_code", u64::from(code));
                    }
                }
                if !app.is_empty() {
                    json.text("app_proto", app);
                    if !app_orig.is_empty() && app_orig != app {
                        json.text("app_proto_orig", app_orig);
                    }
                }
                write_macs(&all_macs, client, json);
                end.write(json);
            });
        }
        if self.is_on("netflow") {
            for (side, dir) in [client, client.flip()].into_iter().enumerate() {
                let Some(ttl) = dir.of(&ttl) else { continue };
                let head = Head { pkt_src: "", macs: None, ..self.head(at, moment.ts, "netflow", dir) };
                self.write(rows, Some(at), &head, |json| {
                    spi(flow, json);
                    if !app.is_empty() {
                        json.text("app_proto", app);
                    }
                    write_macs(&all_macs, dir, json);
                    end.write_netflow(NetflowSide { side, ttl: *ttl }, json);
                });
            }
        }
    }
}

/// The link addresses of both ends, as `dir` sends, if they are told.
fn write_macs(macs: &[Vec<MacAddr>; 2], dir: Dir, json: &mut Json<'_>) {
    let [src, dst] = [dir.of(macs), dir.flip().of(macs)];
    if !src.is_empty() {
        json.object("ether", |json| {
            json.list("src_macs", |json| src.iter().for_each(|m| json.item_bytes(colons(*m).as_bytes())));
            json.list("dest_macs", |json| dst.iter().for_each(|m| json.item_bytes(colons(*m).as_bytes())));
        });
    }
}

/// What is of the client, then what is of the server.
fn from<T>(client: Dir, [a, b]: [T; 2]) -> [T; 2] {
    if client.is_orig() { [a, b] } else { [b, a] }
}

/// What tells flows of ESP apart, where it does.
fn spi(flow: &Flow, json: &mut Json<'_>) {
    /// Encapsulating security payload (RFC 4303).
    const ESP: u8 = 50;
    let t = &flow.info.tuple;
    let spi = u64::from(t.orig_port) << 16 | u64::from(t.resp_port);
    if t.proto == ESP && spi > 0 {
        json.number("spi", spi);
    }
}

fn colons(mac: MacAddr) -> String {
    mac.0.map(|b| format!("{b:02x}")).join(":")
}
