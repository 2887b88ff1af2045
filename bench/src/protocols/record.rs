//! What the parsers are called with while a capture passes. It follows the engine's rules (probes, expectations,
//! hand-overs) without its bookkeeping.

use super::{Call, Host, Script, Step};
use sekisho_capture::{Batch, Captures};
use sekisho_flow::defrag::{Defragmenter, Outcome};
use sekisho_flow::{Config, ConnRecord, Flow, FlowTable, Moment, Packet, Sink};
use sekisho_proto::{
    Choice, Expectation, Parser, Probing, ProtoId, ProtoSet, Start, Transfer, Transport, choose, proto_bit, tls,
};
use sekisho_types::{Dir, ip_proto};
use sekisho_wire::{LinkType, decode, decode_ip};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The scripts of one protocol in all captures of a folder; none if there is no such folder.
pub(super) fn folder(folder: &Path, wanted: ProtoId) -> Vec<Script> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    let mut paths: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    let captures = paths.iter().filter(|p| p.extension().is_some_and(|e| e == "pcap" || e == "pcapng"));
    captures.flat_map(|path| capture(path)).filter(|s| s.id == wanted && s.payload_len() > 0).collect()
}

/// A capture's Ethernet frames in the form that the fuzz target `packets` takes (`sekisho_fuzz::packets_to_logs`): a
/// byte for the link type, then frames of at most 255 bytes, each behind its length and a pause.
pub fn frames_seed(path: &Path) -> Vec<u8> {
    let mut captures = Captures::open(&[path]).expect("a golden that can be read");
    let (mut batch, mut out) = (Batch::new(), vec![0]);
    while captures.fill(&mut batch) {
        for f in batch.frames().filter(|f| LinkType(f.link_type) == LinkType::ETHERNET) {
            let data = f.data.get(..255).unwrap_or(f.data);
            out.extend([data.len() as u8, 0]);
            out.extend(data);
        }
    }
    out
}

/// Every script of a capture.
fn capture(path: &Path) -> Vec<Script> {
    let mut captures = Captures::open(&[path]).expect("a golden that can be read");
    let config = Config::default();
    let (mut table, mut defrag) = (FlowTable::new(config.clone()), Defragmenter::new(config));
    let (mut batch, mut recorder) = (Batch::new(), Recorder::default());
    while captures.fill(&mut batch) {
        for f in batch.frames() {
            let mut decoded = decode(LinkType(f.link_type), f.data, f.orig_len);
            let mut whole = Vec::new();
            if decoded.fragment.is_some() {
                let Outcome::Whole(w) = defrag.push(&decoded, f.data, f.ts, f.number, &mut |_| {}) else { continue };
                whole = w.bytes;
                decoded = decode_ip(&whole, whole.len() as u32);
            }
            let frame = if whole.is_empty() { f.data } else { &whole };
            let packet = Packet { ts: f.ts, number: f.number, decoded: &decoded, frame, tunnel: None };
            table.packet(&packet, &mut recorder);
        }
    }
    table.finish(&mut recorder);
    recorder.scripts
}

/// State of a flow.
#[derive(Default)]
pub enum App {
    #[default]
    New,
    Probing(Box<Probing>),
    /// A parser, and where its script is.
    Active(Parser, usize),
    /// It may still change to TLS.
    Unknown,
    Done,
}

/// Runs parsers and notes what they are called with.
#[derive(Default)]
pub struct Recorder {
    scripts: Vec<Script>,
    host: Host,
    expected: Vec<Expectation>,
}

/// Who starts a parser.
#[derive(Default)]
struct Cause {
    handed_over_by: Option<ProtoId>,
    begun: Option<sekisho_proto::Event>,
    expected: Option<Expectation>,
}

fn transport(flow: &Flow) -> Option<Transport> {
    match flow.info.tuple.proto {
        ip_proto::TCP => Some(Transport::Tcp),
        ip_proto::UDP => Some(Transport::Udp),
        _ => None,
    }
}

impl Recorder {
    fn offer(&mut self, flow: &Flow, app: &mut App, dir: Dir, bytes: &[u8], at: Moment) {
        match app {
            App::Active(..) => self.call(flow, app, Call::Data(dir, bytes.to_vec()), at),
            App::New | App::Probing(_) => self.identify(flow, app, dir, bytes, at),
            App::Unknown => {
                if dir.is_orig() && tls::begins_client_hello(bytes) {
                    self.start(flow, app, ProtoId::Tls, Cause::default(), at);
                    self.call(flow, app, Call::Data(dir, bytes.to_vec()), at);
                }
            }
            App::Done => {}
        }
    }

    fn start(&mut self, flow: &Flow, app: &mut App, id: ProtoId, cause: Cause, at: Moment) {
        let Some(transport) = transport(flow) else { return };
        let Cause { handed_over_by, begun, expected } = cause;
        let start =
            Start { transport, flow: &flow.info, handed_over_by, begun: begun.as_ref(), expected: expected.as_ref() };
        // What the transfer is like before the parser changes it.
        let before = expected.as_ref().map(|e| e.with(|t: &mut Transfer| t.clone()));
        *app = App::Active(Parser::start(id, &start), self.scripts.len());
        self.scripts.push(Script {
            id,
            transport,
            flow: flow.info,
            handed_over_by,
            begun,
            expected: expected.zip(before),
            steps: Vec::new(),
            last: (at.ts, at.number),
        });
    }

    /// One call, noted; then what the parser said about itself.
    fn call(&mut self, flow: &Flow, app: &mut App, call: Call, at: Moment) {
        let App::Active(parser, script) = app else { return };
        let (id, transport) = (parser.id(), self.scripts[*script].transport);
        let step = Step { call, flow: flow.info, ts: at.ts, packet: at.number };
        self.host.call(parser, transport, &step);
        self.scripts[*script].last = (at.ts, at.number);
        self.scripts[*script].steps.push(step);
        self.expected.append(&mut self.host.out.expectations);
        let hand = self.host.out.hand_over.take();
        let over = self.host.out.rejected.take().is_some() | std::mem::take(&mut self.host.out.opaque);
        self.host.settle();
        if let Some(hand) = hand {
            let last = self.scripts[*script].steps.last();
            let Some(Step { call: Call::Data(dir, bytes), .. }) = last else { return };
            let (dir, rest) = (*dir, bytes[bytes.len().saturating_sub(hand.unconsumed)..].to_vec());
            self.end(flow, app, at);
            *app = App::New;
            if let Some(to) = hand.to {
                let cause = Cause { handed_over_by: Some(id), begun: hand.begun, expected: None };
                self.start(flow, app, to, cause, at);
            }
            if !rest.is_empty() {
                self.offer(flow, app, dir, &rest, at);
            }
        } else if over {
            self.end(flow, app, at);
        }
    }

    fn end(&mut self, flow: &Flow, app: &mut App, at: Moment) {
        let App::Active(mut parser, script) = std::mem::replace(app, App::Done) else { return };
        self.scripts[script].last = (at.ts, at.number);
        self.host.end(&mut parser, self.scripts[script].transport, &flow.info, (at.ts, at.number));
        self.expected.append(&mut self.host.out.expectations);
        self.host.settle();
    }

    fn identify(&mut self, flow: &Flow, app: &mut App, dir: Dir, bytes: &[u8], at: Moment) {
        let Some(transport) = transport(flow) else { return };
        if matches!(app, App::New)
            && let Some(e) = self.take_expected(flow, true)
        {
            self.start(flow, app, e.proto, Cause { expected: Some(e), ..Cause::default() }, at);
            return self.call(flow, app, Call::Data(dir, bytes.to_vec()), at);
        }
        let mut probing = match std::mem::take(app) {
            App::Probing(p) => p,
            _ => Box::default(),
        };
        if !probing.push(dir, bytes) {
            *app = App::Unknown;
            return;
        }
        loop {
            match choose(&flow.info, transport, probing.of(Dir::Orig), probing.of(Dir::Resp), probing.excluded) {
                Choice::Start(id) => match self.try_start(flow, app, id, &probing, at) {
                    Ok(()) => return,
                    Err(excluded) => probing.excluded |= excluded,
                },
                Choice::More => {
                    *app = App::Probing(probing);
                    return;
                }
                Choice::Nobody => return self.unknown(flow, app, probing, at),
            }
        }
    }

    /// Starts `id` on what is there; `Err` if it rejects that.
    fn try_start(
        &mut self,
        flow: &Flow,
        app: &mut App,
        id: ProtoId,
        seen: &Probing,
        at: Moment,
    ) -> Result<(), ProtoSet> {
        let before = self.scripts.len();
        self.start(flow, app, id, Cause::default(), at);
        for (dir, bytes) in seen.replay() {
            self.host.rejected = false;
            self.offer(flow, app, dir, bytes, at);
            if self.host.rejected && matches!(app, App::Done) && self.scripts.len() == before + 1 {
                self.scripts.truncate(before);
                return Err(proto_bit(id));
            }
        }
        Ok(())
    }

    fn unknown(&mut self, flow: &Flow, app: &mut App, mut seen: Box<Probing>, at: Moment) {
        if flow.info.tuple.proto == ip_proto::UDP {
            seen.lose(Dir::Orig);
            seen.lose(Dir::Resp);
            *app = App::Probing(seen);
        } else if let Some(e) = self.take_expected(flow, false) {
            self.start(flow, app, e.proto, Cause { expected: Some(e), ..Cause::default() }, at);
            seen.replay().for_each(|(dir, bytes)| self.offer(flow, app, dir, bytes, at));
        } else {
            *app = App::Unknown;
        }
    }

    /// The expectation that the flow fulfils: those with a port, or those without.
    fn take_expected(&mut self, flow: &Flow, with_port: bool) -> Option<Expectation> {
        let t = &flow.info.tuple;
        let fits = |e: &Expectation| match (e.port, e.peer) {
            (Some(port), _) => with_port && [(t.resp, t.resp_port), (t.orig, t.orig_port)].contains(&(e.host, port)),
            (None, Some(peer)) => {
                !with_port && ((e.host, peer) == (t.resp, t.orig) || (peer, e.host) == (t.resp, t.orig))
            }
            (None, None) => false,
        };
        let at = self.expected.iter().position(fits)?;
        Some(self.expected.remove(at))
    }
}

impl Sink for Recorder {
    type App = App;

    fn data(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, bytes: &[u8], at: Moment) {
        self.offer(flow, app, dir, bytes, at);
    }

    fn datagram(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, payload: &[u8], _: u32, at: Moment) {
        if flow.info.tuple.proto == ip_proto::UDP && !payload.is_empty() {
            self.offer(flow, app, dir, payload, at);
        }
    }

    fn gap(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, len: u64, at: Moment) {
        match app {
            App::Active(..) => self.call(flow, app, Call::Gap(dir, len), at),
            App::Probing(p) => p.lose(dir),
            App::New | App::Unknown | App::Done => {}
        }
    }

    fn half_closed(&mut self, flow: &mut Flow, app: &mut App, dir: Dir, at: Moment) {
        self.call(flow, app, Call::HalfClosed(dir), at);
    }

    fn ending(&mut self, flow: &mut Flow, app: &mut App, at: Moment) {
        self.end(flow, app, at);
    }

    fn closed(&mut self, _: &mut Flow, _: App, _: ConnRecord, _: Moment) {}

    fn weird(&mut self, _: Option<&Flow>, _: &'static str, _: Moment) {}
}

impl Script {
    /// The expectation as it was when the flow began.
    pub(super) fn expectation(&self) -> Option<Expectation> {
        let (e, before) = self.expected.as_ref()?;
        Some(Expectation { transfer: Arc::new(Mutex::new(before.clone())), ..e.clone() })
    }
}
