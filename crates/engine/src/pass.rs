//! From the flow table's calls to parsers, and from parsers to rows.

use crate::app::{App, MAX_LATE_CHUNKS};
use crate::control::{self, Control};
use crate::deal::Announced;
use crate::expect::Expectations;
use crate::eye::{At, Eye, What};
use crate::files::FileHost;
use crate::records::{AnalyzerRecord, TunnelRecord, WeirdRecord};
use crate::sensitive::Sensitive;
use crate::settings::Remembered;
use crate::tap::{Tap, Watch};
use crate::tunnels::{Noted, Tunnels};
use crate::{Rows, Stats, bursts, known, stranger};
use hashbrown::HashSet;
use sekisho_files::FileManager;
use sekisho_flow::{Bursts, ConnRecord, Flow, Moment, Packet, Sink};
use sekisho_proto::{
    Across, Choice, Cx, Expectation, Outbox, Parser, Probing, ProtoId, ProtoSet, Start, Transport, choose, proto_bit,
};
use sekisho_record::{EnumName, Port, Tail};
use sekisho_types::{Dir, FiveTuple, FlowInfo, SeededState, Uid, ip_proto};

/// Datagrams that no probe knew before a UDP flow counts as unknown. WebRTC negotiates its path with a dozen STUN
/// messages before DTLS begins in the same flow.
const MAX_STRANGE_DATAGRAMS: u8 = 16;

/// Violations behind so many payload bytes of a flow are not held against its protocol, as by Zeek
/// (`DPD::ignore_violations_after`).
const VIOLATIONS_WITHIN_LEN: u64 = 10 * 1024;

/// A worker's state above the flow table.
pub(crate) struct Host {
    pub out: Outbox,
    /// What the tap is told.
    pub watch: Watch,
    pub files: FileManager,
    /// Who watches exchanges, if anybody does.
    pub eye: Option<Box<Eye>>,
    /// Who looks for what should not pass in clear, if somebody judges.
    pub sensitive: Option<Box<Sensitive>>,
    pub expectations: Expectations,
    /// Expected flows between other hosts, which may be dealt to another shard.
    pub announced: Vec<Announced>,
    pub tunnels: Tunnels,
    pub stats: Stats,
    /// Header of the packet at hand, if it is of a control protocol.
    pub control_header: control::Header,
    /// Bytes that the states of all parsers take, and what was kept for probes.
    pub parsers_len: i64,
    /// The most that they took since somebody asked.
    pub parsers_peak: i64,
    /// What they may come to take before flows have to go.
    pub parsers_cap: i64,
    /// (flow, anomaly) pairs, so that each is logged once, and how many are remembered.
    weirds: HashSet<(Uid, &'static str), SeededState>,
    weirds_max: usize,
}

impl Host {
    pub fn new(files: FileManager, seed: u64, remembered: &Remembered) -> Self {
        let mut out = Outbox { across: Across::new(seed), ..Outbox::default() };
        out.remembered.set_limit(remembered.facts);
        Self {
            out,
            watch: Watch::Nothing,
            files,
            eye: None,
            sensitive: None,
            expectations: Expectations::new(seed, remembered.expectations),
            announced: Vec::new(),
            tunnels: Tunnels::new(seed, remembered.tunnels),
            stats: Stats::default(),
            control_header: control::Header::default(),
            parsers_len: 0,
            parsers_peak: 0,
            parsers_cap: i64::MAX,
            weirds_max: remembered.weirds,
            weirds: HashSet::with_hasher(SeededState(seed)),
        }
    }
}

/// One batch's view: the host and where rows and content go.
pub(crate) struct Pass<'a> {
    pub host: &'a mut Host,
    pub rows: &'a mut dyn Rows,
    pub tap: &'a mut dyn Tap,
    /// The packet at hand; `None`: only time passed, or the run is over.
    pub packet: Option<&'a Packet<'a>>,
}

fn transport(flow: &FlowInfo) -> Option<Transport> {
    match flow.tuple.proto {
        ip_proto::TCP => Some(Transport::Tcp),
        ip_proto::UDP => Some(Transport::Udp),
        _ => None,
    }
}

/// The announced flow, if it is between other hosts than the flow `by` that announces it.
fn elsewhere(e: &Expectation, by: &FlowInfo) -> Option<Announced> {
    let (host, port, peer) = (e.host, e.port?, e.peer?);
    let t = &by.tuple;
    let same = (host, peer) == (t.orig, t.resp) || (peer, host) == (t.orig, t.resp);
    (!same).then_some(Announced { host, port, peer })
}

impl Pass<'_> {
    /// One call into a parser.
    fn call(&mut self, flow: &Flow, transport: Transport, at: Moment, f: impl FnOnce(&mut Cx<'_>)) {
        let eye = self.host.eye.as_deref_mut().map(|eye| (eye, At { flow, packet: self.packet }));
        let sensitive = self.host.sensitive.as_deref_mut();
        let mut files = FileHost { manager: &mut self.host.files, tap: self.tap, rows: self.rows, eye, sensitive };
        let hop_limit = self.packet.map_or(0, |p| p.decoded.ttl);
        let cx = Cx::new(at.ts, at.number, &flow.info, transport, &mut self.host.out, &mut files);
        f(&mut cx.from(at.source).hopped(hop_limit));
    }

    /// Counts what the flow's parser has come to hold or given back.
    fn recount(&mut self, app: &mut App) {
        if let App::Active(parser) = app {
            self.host.parsers_len += parser.recount();
            self.host.parsers_peak = self.host.parsers_peak.max(self.host.parsers_len);
        }
    }

    /// Takes a flow's state, which counts no more; leaves the slot opaque.
    fn take(&mut self, app: &mut App) -> App {
        let mut old = std::mem::replace(app, App::Opaque);
        self.host.parsers_len -= old.uncount();
        old
    }

    /// Logs and notes what calls left in the outbox, except what concerns the parser itself. Most leave nothing, which is
    /// found out by three looks.
    fn drain(&mut self, flow: &mut Flow, at: Moment) {
        let out = &self.host.out;
        if !out.events.is_empty() {
            self.emit(at.number);
        }
        let out = &self.host.out;
        if !(out.weirds.is_empty() && out.expectations.is_empty() && out.tunnels.is_empty()) {
            self.note(flow, at);
        }
        let out = &self.host.out;
        let (recognized, confirmed) = (out.recognized.len(), out.confirmed.len() + out.confirmed_midstream.len());
        if recognized + confirmed + out.retracted.len() > 0 || out.flip || out.partial {
            self.name(flow);
        }
    }

    /// Logs records.
    fn emit(&mut self, packet: u64) {
        let out = &mut self.host.out;
        self.host.stats.records += out.events.len() as u64;
        if out.once.is_empty() {
            for event in out.events.drain(..) {
                self.rows.row_at(packet, event.record());
                out.spare.keep(event);
            }
        } else {
            for (i, event) in out.events.drain(..).enumerate() {
                match out.once.iter().find(|(at, _)| *at == i) {
                    Some((_, fact)) => self.rows.once(&[*fact], packet, event.record()),
                    None => self.rows.row_at(packet, event.record()),
                }
            }
            out.once.clear();
        }
    }

    /// Logs anomalies and tunnels, notes expectations.
    fn note(&mut self, flow: &Flow, at: Moment) {
        for w in std::mem::take(&mut self.host.out.weirds) {
            self.weird_row(&flow.info, w.name, w.addl, at);
        }
        for e in self.host.out.expectations.drain(..) {
            self.host.announced.extend(elsewhere(&e, &flow.info));
            self.host.expectations.add(e);
        }
        for kind in std::mem::take(&mut self.host.out.tunnels) {
            self.tunnel(&flow.info, kind, at);
        }
    }

    /// What the flow is.
    fn name(&mut self, flow: &mut Flow) {
        let out = &mut self.host.out;
        for service in out.recognized.drain(..) {
            flow.apps.add(service);
        }
        for service in out.confirmed.drain(..) {
            flow.apps.add(service);
            // Most of Zeek's analyzers don't look at connections that began before the capture.
            if !flow.info.midstream {
                flow.add_service(service);
            }
        }
        for service in out.confirmed_midstream.drain(..) {
            flow.apps.add(service);
            flow.add_service(service);
        }
        for service in out.retracted.drain(..) {
            Self::take_back(flow, service);
        }
        if std::mem::take(&mut out.flip) {
            flow.request_flip();
        }
        if std::mem::take(&mut out.partial) {
            flow.note_partial();
        }
    }

    /// A violation takes the confirmation back, as in Zeek; `app` keeps what was recognised. What comes late is not held
    /// against the protocol.
    fn take_back(flow: &mut Flow, service: &'static str) {
        if flow.total_len() <= VIOLATIONS_WITHIN_LEN {
            flow.bar_service(service);
        }
    }

    /// A tunnel at the application's level, as of a proxy: one for all its client's ports, without an end, as in Zeek.
    fn tunnel(&mut self, flow: &FlowInfo, kind: &'static str, at: Moment) {
        let tuple = FiveTuple { orig_port: 0, ..flow.tuple };
        let Noted::New { ended, .. } = self.host.tunnels.note(&tuple, None, at.ts) else { return };
        for row in ended {
            self.rows.row(&row);
        }
        let row = TunnelRecord {
            ts: at.ts,
            uid: flow.uid,
            orig_h: tuple.orig,
            orig_p: Port(tuple.orig_port),
            resp_h: tuple.resp,
            resp_p: Port(tuple.resp_port),
            tunnel_type: EnumName(kind),
            action: EnumName("Tunnel::DISCOVER"),
            tail: Tail::new(flow),
        };
        self.rows.row(&row);
        self.host.tunnels.add_endless(&tuple, row);
    }

    fn weird_row(&mut self, flow: &FlowInfo, name: &'static str, addl: Option<sekisho_record::Text>, at: Moment) {
        self.host.stats.weirds += 1;
        if self.host.weirds.len() >= self.host.weirds_max {
            self.host.weirds.clear();
        }
        if self.host.weirds.insert((flow.uid, name)) {
            self.rows.row_at(at.number, &WeirdRecord::of_flow(at.ts, at.number, flow, name, addl));
        }
    }

    fn offer(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, bytes: &[u8], at: Moment) {
        match app {
            App::Active(_) => self.run(flow, app, dir, bytes, at),
            App::Opaque | App::Control(_) => {}
            App::Late(_) => self.late(flow, app, dir, bytes, at),
            App::New | App::Handed(_) | App::Probing(_) => self.identify(flow, app, dir, bytes, at),
        }
    }

    /// Hands bytes to the flow's parser and acts on what it says about itself.
    fn run(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, bytes: &[u8], at: Moment) {
        let Some(transport) = transport(&flow.info) else { return };
        let App::Active(parser) = app else { return };
        self.call(flow, transport, at, |cx| parser.data(dir, bytes, cx));
        self.settle(flow, app, dir, bytes, at);
    }

    /// After a call: rows, then rejection, hand-over or opacity.
    fn settle(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, bytes: &[u8], at: Moment) {
        self.drain(flow, at);
        if let (true, App::Active(parser)) = (std::mem::take(&mut self.host.out.violated), &*app) {
            Self::take_back(flow, parser.id().descriptor().service);
        }
        if let Some(hand) = self.host.out.hand_over.take() {
            self.host.out.rejected = None;
            let by = self.end_parser(flow, app, at);
            let rest = bytes.get(bytes.len().saturating_sub(hand.unconsumed)..).unwrap_or(&[]);
            match hand.to {
                Some(to) => {
                    let Some(transport) = transport(&flow.info) else { return };
                    let start = Start {
                        transport,
                        flow: &flow.info,
                        handed_over_by: by,
                        begun: hand.begun.as_ref(),
                        expected: None,
                    };
                    *app = App::Active(Parser::start(to, &start));
                    self.recount(app);
                }
                None => *app = by.map_or(App::New, App::Handed),
            }
            if !rest.is_empty() {
                self.offer(flow, app, dir, rest, at);
            }
        } else if let Some(reason) = self.host.out.rejected.take() {
            self.host.stats.rejected += 1;
            self.weird_row(&flow.info, reason, None, at);
            let id = self.end_parser(flow, app, at);
            if let Some(id) = id {
                let service = id.descriptor().service;
                self.rows.row_at(at.number, &AnalyzerRecord::violation(&flow.info, service, reason, at.ts, at.number));
                Self::take_back(flow, service);
            }
            if id != Some(ProtoId::Http) && self.answered_in_http(flow, app, dir, bytes, at) {
                return;
            }
            *app = App::Opaque;
            self.give_up(flow);
        } else if std::mem::take(&mut self.host.out.opaque) {
            // Nothing will come that changes its rows: an encrypted flow costs counters only.
            self.end_parser(flow, app, at);
            self.set_opaque(flow);
        } else {
            self.recount(app);
        }
    }

    /// Ends the parser, if any, and tells which it was; leaves the slot opaque.
    fn end_parser(&mut self, flow: &mut Flow, app: &mut App, at: Moment) -> Option<ProtoId> {
        let App::Active(mut parser) = self.take(app) else { return None };
        let transport = transport(&flow.info)?;
        self.call(flow, transport, at, |cx| parser.end(cx));
        self.drain(flow, at);
        self.host.out.rejected = None;
        self.host.out.opaque = false;
        self.host.out.hand_over = None;
        Some(parser.id())
    }

    /// Bytes of a flow that no parser has claimed.
    fn identify(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, bytes: &[u8], at: Moment) {
        let Some(transport) = transport(&flow.info) else { return };
        if matches!(app, App::New)
            && let Some(e) = self.host.expectations.take(&flow.info.tuple, at.ts)
        {
            return self.start_expected(flow, app, e, dir, bytes, at);
        }
        let mut probing = match self.take(app) {
            App::Probing(p) => p,
            old => {
                let by = if let App::Handed(by) = old { Some(by) } else { None };
                // The usual case: the first chunk decides, and nothing is copied.
                let (orig, resp) = if dir.is_orig() { (bytes, &[][..]) } else { (&[][..], bytes) };
                match choose(&flow.info, transport, orig, resp, 0) {
                    Choice::Start(id) => match self.start(flow, app, id, by, &[(dir, bytes)], at) {
                        Ok(()) => return,
                        Err(excluded) => Box::new(Probing::with_excluded(excluded).behind(by)),
                    },
                    Choice::More if self.awaited(flow) => {
                        return self.unknown(flow, app, Box::default(), dir, bytes, at);
                    }
                    Choice::More => Box::new(Probing::default().behind(by)),
                    Choice::Nobody => return self.unknown(flow, app, Box::default(), dir, bytes, at),
                }
            }
        };
        if !probing.push(dir, bytes) {
            return self.unknown(flow, app, probing, dir, bytes, at);
        }
        loop {
            let orig = probing.of(Dir::Orig);
            match choose(&flow.info, transport, orig, probing.of(Dir::Resp), probing.excluded) {
                Choice::Start(id) => {
                    let chunks: Vec<(Dir, &[u8])> = probing.replay().collect();
                    match self.start(flow, app, id, probing.handed_over_by, &chunks, at) {
                        Ok(()) => return,
                        Err(excluded) => probing.excluded |= excluded,
                    }
                }
                Choice::More if self.awaited(flow) => return self.unknown(flow, app, probing, dir, bytes, at),
                Choice::More => {
                    self.probe_on(app, probing);
                    return;
                }
                Choice::Nobody => return self.unknown(flow, app, probing, dir, bytes, at),
            }
        }
    }

    /// Undecided: keeps the first bytes until more come.
    fn probe_on(&mut self, app: &mut App, mut probing: Box<Probing>) {
        self.host.parsers_len += probing.recount();
        *app = App::Probing(probing);
    }

    /// Starts `id` on what is there. `Err` with the set of it if it rejects the bytes without having confirmed anything.
    fn start(
        &mut self,
        flow: &mut Flow,
        app: &mut App,
        id: ProtoId,
        handed_over_by: Option<ProtoId>,
        chunks: &[(Dir, &[u8])],
        at: Moment,
    ) -> Result<(), ProtoSet> {
        let Some(transport) = transport(&flow.info) else { return Ok(()) };
        let services = flow.apps.iter().count();
        let start = Start { transport, flow: &flow.info, handed_over_by, begun: None, expected: None };
        *app = App::Active(Parser::start(id, &start));
        for (i, (dir, bytes)) in chunks.iter().enumerate() {
            if let (Some(eye), true) = (&mut self.host.eye, chunks.len() > 1) {
                let later = chunks.get(i + 1..).unwrap_or_default().iter();
                eye.frames_behind(later.filter(|(d, _)| d == dir).map(|(_, bytes)| bytes.len() as u64).sum());
            }
            let App::Active(parser) = app else {
                self.offer(flow, app, *dir, bytes, at);
                continue;
            };
            self.call(flow, transport, at, |cx| parser.data(*dir, bytes, cx));
            let out = &mut self.host.out;
            if out.rejected.is_some() && out.is_unconfirmed() && flow.apps.iter().count() == services {
                out.rejected = None;
                out.events.clear();
                out.once.clear();
                out.expectations.clear();
                out.tunnels.clear();
                out.hand_over = None;
                out.opaque = false;
                self.drain(flow, at);
                self.take(app);
                *app = App::New;
                return Err(proto_bit(id));
            }
            self.settle(flow, app, *dir, bytes, at);
        }
        Ok(())
    }

    /// The first bytes of a flow are missing: if it is expected, what follows lies behind them.
    #[cold]
    fn expected_gap(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, len: u64, at: Moment) {
        let Some(transport) = transport(&flow.info) else { return };
        let Some(e) = self.host.expectations.take(&flow.info.tuple, at.ts) else { return };
        let start = Start { transport, flow: &flow.info, handed_over_by: None, begun: None, expected: Some(&e) };
        let mut parser = Parser::start(e.proto, &start);
        self.call(flow, transport, at, |cx| parser.gap(dir, len, cx));
        *app = App::Active(parser);
        self.settle(flow, app, dir, &[], at);
    }

    fn start_expected(&mut self, flow: &mut Flow, app: &mut App, e: Expectation, dir: Dir, bytes: &[u8], at: Moment) {
        let Some(transport) = transport(&flow.info) else { return };
        let start = Start { transport, flow: &flow.info, handed_over_by: None, begun: None, expected: Some(&e) };
        *app = App::Active(Parser::start(e.proto, &start));
        self.run(flow, app, dir, bytes, at);
    }

    /// Is a flow between these two hosts expected on an unknown port? Then a probe's doubt does not hold it up:
    /// a short file may end before the doubt does.
    fn awaited(&self, flow: &Flow) -> bool {
        flow.info.tuple.proto == ip_proto::TCP && self.host.expectations.has_pair(&flow.info.tuple)
    }

    /// No probe knows the flow: last, an expectation without a port; else it is counters only.
    fn unknown(
        &mut self,
        flow: &mut Flow,
        app: &mut App,
        mut probing: Box<Probing>,
        dir: Dir,
        bytes: &[u8],
        at: Moment,
    ) {
        if flow.info.tuple.proto == ip_proto::UDP {
            probing.strange += 1;
            if probing.strange < MAX_STRANGE_DATAGRAMS {
                probing.lose(Dir::Orig);
                probing.lose(Dir::Resp);
                self.probe_on(app, probing);
                return;
            }
        } else if let Some(e) = self.host.expectations.take_pair(&flow.info.tuple, at.ts) {
            let start = Start {
                transport: Transport::Tcp,
                flow: &flow.info,
                handed_over_by: None,
                begun: None,
                expected: Some(&e),
            };
            *app = App::Active(Parser::start(e.proto, &start));
            for (d, b) in probing.replay() {
                self.run(flow, app, d, b, at);
            }
            if !probing.includes(dir, bytes) {
                self.run(flow, app, dir, bytes, at);
            }
            return;
        }
        if flow.info.tuple.proto == ip_proto::TCP {
            let own = usize::from(probing.includes(dir, bytes));
            self.tell_strangers(flow, &probing, own, at);
            return self.late(flow, app, dir, bytes, at);
        }
        *app = App::Opaque;
        self.give_up(flow);
    }

    /// Detectors are told what an unknown stream began with, but for the last chunks.
    fn tell_strangers(&mut self, flow: &Flow, probing: &Probing, but_last: usize, at: Moment) {
        if self.host.out.judged {
            let count = probing.replay().count().saturating_sub(but_last);
            let first = probing.replay().take(count.min(usize::from(MAX_LATE_CHUNKS)));
            first.for_each(|(dir, bytes)| stranger::tell(flow, dir, bytes, at, self.rows));
        }
    }

    /// A message of a control protocol is added to its flow's sum.
    #[cold]
    fn control(&mut self, flow: &Flow, app: &mut App, message: &control::Message<'_>, at: Moment) {
        let proto = flow.info.tuple.proto;
        if matches!(app, App::New) {
            let [kind, ..] = message.header;
            *app = App::Control(Box::new((Control::new(proto, kind, self.host.out.judged), 0)));
        }
        let App::Control(sum) = app else { return };
        let (control, counted) = &mut **sum;
        control.pass(message.ts, &flow.info, self.rows);
        let odd = control.add(proto, message);
        let now = u32::try_from(control.held_len()).unwrap_or(u32::MAX);
        self.host.parsers_len += i64::from(now) - i64::from(std::mem::replace(counted, now));
        self.host.parsers_peak = self.host.parsers_peak.max(self.host.parsers_len);
        // What the capture cut off is no anomaly.
        if let Some(name) = odd.filter(|_| message.payload.len() == message.wire_len as usize) {
            self.weird_row(&flow.info, name, None, at);
        }
    }

    /// A responder whose first bytes are an answer in HTTP to what is something else, or to nothing that a server would
    /// understand: true if it is analysed as such.
    fn answered_in_http(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, bytes: &[u8], at: Moment) -> bool {
        !dir.is_orig()
            && flow.stream_offset(dir) == bytes.len() as u64 + 1
            && sekisho_proto::http::begins_response(bytes)
            && self.start(flow, app, ProtoId::Http, None, &[(dir, bytes)], at).is_ok()
    }

    /// A stream in a protocol that nobody knows: does it go on in TLS, or is it answered in HTTP?
    fn late(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, bytes: &[u8], at: Moment) {
        let chunks = if let App::Late(n) = app { n.saturating_add(1) } else { 1 };
        if dir.is_orig() && sekisho_proto::tls::begins_client_hello(bytes) {
            if self.start(flow, app, ProtoId::Tls, None, &[(dir, bytes)], at).is_ok() {
                return;
            }
        } else if self.answered_in_http(flow, app, dir, bytes, at) {
            return;
        } else if chunks < MAX_LATE_CHUNKS {
            if self.host.out.judged {
                stranger::tell(flow, dir, bytes, at, self.rows);
            }
            *app = App::Late(chunks);
            return;
        }
        *app = App::Opaque;
        self.give_up(flow);
    }

    /// No parser wants the flow's bytes any more. Whoever watches does.
    fn set_opaque(&self, flow: &mut Flow) {
        if self.host.watch < Watch::Streams {
            flow.set_opaque();
        }
    }

    /// No parser knows the flow's bytes. Whoever watches wants them, and rules do.
    fn give_up(&self, flow: &mut Flow) {
        if !self.host.eye.as_ref().is_some_and(|eye| eye.wants_streams()) {
            self.set_opaque(flow);
        }
    }

    /// `len` bytes will not come any more.
    fn lose(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, len: u64, at: Moment) {
        match app {
            App::Active(parser) => {
                let Some(transport) = transport(&flow.info) else { return };
                self.call(flow, transport, at, |cx| parser.gap(dir, len, cx));
                self.settle(flow, app, dir, &[], at);
            }
            App::Probing(p) => {
                p.lose(dir);
                self.host.parsers_len += p.recount();
            }
            App::New => self.expected_gap(flow, app, dir, len, at),
            App::Handed(_) | App::Late(_) | App::Control(_) | App::Opaque => {}
        }
    }

    /// `dir` sends nothing further.
    fn half_close(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, at: Moment) {
        if let App::Active(parser) = app {
            let Some(transport) = transport(&flow.info) else { return };
            self.call(flow, transport, at, |cx| parser.half_closed(dir, cx));
            self.settle(flow, app, dir, &[], at);
        }
    }

    /// Lets a call of a watched stream wait for the acknowledgement.
    #[inline(never)]
    fn hold(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, what: What, bytes: &[u8], at: Moment) {
        let Some(eye) = &mut self.host.eye else { return };
        if !matches!(app, App::Opaque) || eye.wants_streams() {
            eye.hold(At { flow, packet: self.packet }, dir, what, bytes, at);
        }
        if eye.is_inline() {
            self.deliver(flow, app, dir, true);
        }
    }

    /// Rules look at a stream.
    fn inspect(&mut self, flow: &Flow, dir: Dir, offset: u64, bytes: &[u8], end: bool, at: Moment) {
        if let Some(eye) = &mut self.host.eye {
            eye.inspect_stream(At { flow, packet: self.packet }, at.ts, dir, offset, bytes, end);
        }
    }

    /// Calls of `dir`'s stream that need wait no longer are made: those acknowledged, or all.
    pub fn deliver(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, all: bool) {
        let Some(eye) = &mut self.host.eye else { return };
        if !eye.take_due(flow, dir, all) {
            return;
        }
        let due = std::mem::take(&mut eye.due);
        let mut from = 0;
        for (n, call) in due.calls.iter().enumerate() {
            let parsed = n < due.doubtful_from;
            match call.what {
                What::Data(len) => {
                    let bytes = due.bytes().get(from..from + len).unwrap_or(&[]);
                    from += len;
                    self.frame_bytes(flow, app, dir, call.offset(), bytes);
                    if let Some(eye) = &mut self.host.eye {
                        eye.announce(flow, dir, bytes);
                    }
                    if parsed {
                        self.offer(flow, app, dir, bytes, call.at);
                    }
                    self.inspect(flow, dir, call.offset(), bytes, false, call.at);
                }
                What::Gap(len) if parsed => {
                    self.frame_bytes(flow, app, dir, call.offset().saturating_add(len), &[]);
                    self.lose(flow, app, dir, len, call.at);
                }
                What::Gap(_) => {}
                What::End => {
                    if let Some(eye) = &mut self.host.eye {
                        eye.frames_end(&flow.info, dir);
                    }
                    if parsed {
                        self.half_close(flow, app, dir, call.at);
                    }
                    self.inspect(flow, dir, call.offset(), &[], true, call.at);
                    if let Some(eye) = &mut self.host.eye {
                        eye.end_stream(flow, dir);
                    }
                }
            }
        }
        if let Some(eye) = &mut self.host.eye {
            eye.done(flow, dir, due);
        }
    }

    /// The next bytes of a stream, or of a datagram, in which frames may be.
    fn frame_bytes(&mut self, flow: &Flow, app: &App, dir: Dir, offset: u64, bytes: &[u8]) {
        if let Some(eye) = &mut self.host.eye
            && !matches!(app, App::Opaque)
        {
            eye.frame_bytes(flow, dir, offset, bytes);
        }
    }

    /// Bytes of a stream, the last of those that were handed on, go to whoever watches.
    #[cold]
    fn watched(&mut self, flow: &Flow, dir: Dir, bytes: &[u8], at: Moment) {
        let offset = stream_start(flow, dir, bytes.len() as u64);
        self.tap.stream(&flow.info, dir, offset, bytes, at);
    }
}

/// Where the last `len` bytes of a stream begin: 0 is the first after the SYN.
fn stream_start(flow: &Flow, dir: Dir, len: u64) -> u64 {
    flow.stream_offset(dir).saturating_sub(len).saturating_sub(1)
}

impl Sink for Pass<'_> {
    type App = App;

    fn opened(&mut self, flow: &mut Flow, _app: &mut App, _at: Moment) {
        if let Some(eye) = &mut self.host.eye {
            eye.opened(&mut flow.info);
        }
        if let Some((open, begun)) = self.host.stats.conns(flow.info.tuple.proto) {
            *open += 1;
            *begun += 1;
        }
    }

    fn data(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, bytes: &[u8], at: Moment) {
        if self.host.watch == Watch::Streams {
            self.watched(flow, dir, bytes, at);
        }
        if self.host.eye.is_some() {
            return self.hold(flow, app, dir, What::Data(bytes.len()), bytes, at);
        }
        self.offer(flow, app, dir, bytes, at);
    }

    fn datagram(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, payload: &[u8], wire_len: u32, at: Moment) {
        if self.host.watch == Watch::Streams {
            self.tap.datagram(&flow.info, dir, payload, at);
        }
        if flow.info.tuple.proto == ip_proto::UDP {
            if !payload.is_empty() {
                self.frame_bytes(flow, app, dir, 0, payload);
                self.offer(flow, app, dir, payload, at);
            }
        } else if control::concerns(flow.info.tuple.proto) {
            let header = self.host.control_header;
            let message = control::Message { dir, ts: at.ts, number: at.number, header, payload, wire_len };
            self.control(flow, app, &message, at);
        }
    }

    fn gap(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, len: u64, at: Moment) {
        if self.host.watch == Watch::Streams {
            self.tap.gap(&flow.info, dir, stream_start(flow, dir, len), len, at);
        }
        if !matches!(app, App::Opaque) {
            let gaps = &mut self.host.stats.gap_bytes;
            *gaps = gaps.saturating_add(len);
        }
        if self.host.eye.is_some() {
            return self.hold(flow, app, dir, What::Gap(len), &[], at);
        }
        self.lose(flow, app, dir, len, at);
    }

    fn half_closed(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, at: Moment) {
        if self.host.eye.is_some() {
            return self.hold(flow, app, dir, What::End, &[], at);
        }
        self.half_close(flow, app, dir, at);
    }

    fn bursts(&mut self, flow: &Flow, bursts: &Bursts, at: Moment) {
        bursts::tell(flow, bursts, at, self.rows);
    }

    fn ending(&mut self, flow: &mut Flow, app: &mut App, at: Moment) {
        for dir in [Dir::Orig, Dir::Resp] {
            self.deliver(flow, app, dir, true);
        }
        if matches!(app, App::Control(_)) {
            if let App::Control(sum) = self.take(app) {
                sum.0.end(&flow.info, self.rows);
            }
            return;
        }
        if let App::Probing(probing) = app
            && flow.info.tuple.proto == ip_proto::TCP
        {
            self.tell_strangers(flow, probing, 0, at);
        }
        self.end_parser(flow, app, at);
    }

    fn closed(&mut self, flow: &mut Flow, _app: App, record: ConnRecord, at: Moment) {
        let stats = &mut self.host.stats;
        stats.flows += 1;
        if let Some((open, _)) = stats.conns(flow.info.tuple.proto) {
            *open = open.saturating_sub(1);
        }
        self.host.files.flow_ended(flow.info.uid);
        if self.host.watch == Watch::Streams {
            self.tap.closed(&flow.info, at);
        }
        let payload = flow.stream_offset(Dir::Orig) + flow.stream_offset(Dir::Resp) > 0;
        stats.one_sided_flows += u64::from(payload && flow.info.seen.one_sided().is_some());
        self.rows.row_at(at.number, &record);
        if let Some(eye) = &mut self.host.eye {
            eye.closed(flow, at, self.rows);
        }
        self.host.stats.records += known::closed(flow, &record, at.number, &mut self.host.out.remembered, self.rows);
        if let Some(row) = self.host.tunnels.flow_ended(flow.info.uid, at.ts) {
            self.rows.row(&row);
        }
    }

    fn weird(&mut self, flow: Option<&Flow>, name: &'static str, at: Moment) {
        match flow {
            Some(f) => self.weird_row(&f.info, name, None, at),
            None => {
                self.host.stats.weirds += 1;
                self.rows.row_at(at.number, &WeirdRecord::of_packet(at.ts, at.number, None, name));
            }
        }
    }
}
