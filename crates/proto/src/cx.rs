mod frame;
mod judged;

use crate::across::Across;
use crate::dns::DnsMessageRecord;
use crate::{Decoding, Event, Passwords, ProtoId, Secrets, Transport, Trust};
use sekisho_record::{FileMeta, Head, Tail, Text};
use sekisho_transaction::{
    Counter, Fact as Asked, FactSet, Frame, FrameId, FrameSet, Limits, Look, Mark as TxMark, Transaction,
};
use sekisho_types::{Addr, Arrival, Dir, FlowInfo, Interval, SeededState, Timestamp, Uid};
use std::sync::{Arc, Mutex, PoisonError};

/// A parser's only way out, valid for one call.
pub struct Cx<'a> {
    /// Packet time.
    pub ts: Timestamp,
    /// Number of the packet at hand, from 1; 0: only time passed.
    pub packet: u64,
    /// Number of the packet that brought the bytes: an earlier one, if they had to wait for what comes before them.
    pub source: u64,
    /// The flow.
    pub flow: &'a FlowInfo,
    /// What carries the bytes.
    pub transport: Transport,
    /// Time to live or hop limit of the packet that brought the bytes; 0 if unknown.
    pub hop_limit: u8,
    out: &'a mut Outbox,
    files: &'a mut dyn Files,
    /// The bytes were decrypted.
    decrypted: bool,
    /// Streams within streams that the bytes are in.
    depth: usize,
}

/// How far an outbox was filled.
pub(crate) struct Mark {
    events: usize,
    once: usize,
    expectations: usize,
    confirmed: usize,
    recognized: usize,
}

/// What a parser says about itself: that it lost track, that it needs no more, who goes on.
pub(crate) type Said = (Option<&'static str>, bool, Option<HandOver>);

/// An anomaly to be logged under Zeek's weird name where Zeek has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weird {
    /// E.g. `dns_label_too_long`.
    pub name: &'static str,
    /// Detail.
    pub addl: Option<Text>,
}

/// "From here on this flow speaks another protocol."
pub struct HandOver {
    /// The protocol that continues; `None`: whatever the probes find in the bytes that follow.
    pub to: Option<ProtoId>,
    /// How many bytes at the end of the chunk just parsed already belong to it.
    pub unconsumed: usize,
    /// A row that the protocol handed over to shall finish and log; `None` beside a protocol that is to be found.
    pub begun: Option<Event>,
}

/// What one file transfer over a flow of its own is, shared between the control flow's parser and
/// the data flow's. Filled from both ends as facts arrive.
#[derive(Clone, Debug, Default)]
pub struct Transfer {
    /// Name from the command or the reply, as on the wire.
    pub filename: Option<Text>,
    /// Size that a reply announced.
    pub announced_len: Option<u64>,
    /// The end that asked sends the data, where the request alone tells.
    pub is_upload: Option<bool>,
    /// The data is a file; false for listings.
    pub is_file: Option<bool>,
    /// The file's id, once data flowed.
    pub fuid: Option<Uid>,
    /// The command that it is for, where that tells whether it is a file: `RETR` or `STOR`.
    pub command: Option<&'static str>,
    /// How the data is sent, where there are several ways.
    pub mode: Option<&'static str>,
    /// Type by content, once known.
    pub mime_type: Option<&'static str>,
    /// Bytes seen.
    pub seen_bytes: u64,
    /// Uid of the data flow, once it exists.
    pub data_uid: Option<Uid>,
    /// Uid of the control flow.
    pub control_uid: Uid,
    /// The data flow has ended.
    pub done: bool,
}

/// "A flow to (or from) this end will carry that": FTP data, for example.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The protocol to start on the expected flow, without probing.
    pub proto: ProtoId,
    /// The end that listens.
    pub host: Addr,
    /// Its port; `None` if unknown: then any otherwise unrecognised flow between `host` and `peer` matches.
    pub port: Option<u16>,
    /// The other end, if known.
    pub peer: Option<Addr>,
    /// How long the expectation holds.
    pub expires: Timestamp,
    /// State shared by both flows.
    pub transfer: Arc<Mutex<Transfer>>,
}

impl Expectation {
    /// Runs `f` on the shared transfer.
    pub fn with<R>(&self, f: impl FnOnce(&mut Transfer) -> R) -> R {
        f(&mut self.transfer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How long an [`Expectation`] usually holds, as Zeek's FTP expectations do.
pub const EXPECTATION_LIFETIME: Interval = Interval::from_secs(300);

/// A file that is passing; valid until closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId(pub u64);

/// What is known about a file so far, or finally.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileInfo {
    /// The file's id in `files`; all zeros if it is not followed, see [`FileInfo::row`].
    pub fuid: Uid,
    /// Type by content.
    pub mime_type: Option<&'static str>,
    /// Bytes seen.
    pub seen_bytes: u64,
}

impl FileInfo {
    /// The id of the file's row in `files`; `None` if a limit kept it from being followed.
    pub fn row(&self) -> Option<Uid> {
        Some(self.fuid).filter(|fuid| *fuid != Uid::default())
    }
}

/// Takes file content while it passes; implemented by the engine over the files crate.
pub trait Files {
    /// A file begins.
    fn open(&mut self, flow: &FlowInfo, ts: Timestamp, meta: FileMeta) -> FileId;
    /// The next bytes.
    fn data(&mut self, id: FileId, at: Arrival, bytes: &[u8]);
    /// Bytes at an offset of a file with [`FileMeta::random_access`], and whether they end a piece.
    fn data_at(&mut self, id: FileId, at: Arrival, place: (u64, bool), bytes: &[u8]);
    /// `len` bytes are missing here.
    fn gap(&mut self, id: FileId, ts: Timestamp, len: u64);
    /// The name became known.
    fn set_name(&mut self, id: FileId, name: &[u8]);
    /// The size became known.
    fn set_total(&mut self, id: FileId, len: u64);
    /// What is known so far.
    fn info(&self, id: FileId) -> FileInfo;
    /// The file is over; its row is logged. `complete` is false if the protocol knows that it was cut off.
    fn close(&mut self, id: FileId, ts: Timestamp, complete: bool) -> FileInfo;
    /// Bytes of `flow` as they were before they were encrypted: those of `dir` from `offset` on, in order. With the number
    /// of the packet at hand. Comes only if [`Outbox::wants_clear`].
    fn clear(&mut self, flow: &FlowInfo, at: (u64, Arrival), dir: Dir, offset: u64, bytes: &[u8]) {
        let _ = (flow, at, dir, offset, bytes);
    }
    /// What follows in both directions is encrypted. Comes only if [`Outbox::watched`].
    fn encrypted(&mut self, flow: &FlowInfo) {
        let _ = flow;
    }
    /// An exchange has come further, or is over. Comes only if [`Outbox::watched`].
    fn transaction(&mut self, at: &Sight<'_>, look: Look, tx: &dyn Transaction, mark: &mut TxMark) {
        let _ = (at, look, tx, mark);
    }
    /// A frame of what `dir` sends begins, `skip` bytes behind where it says. Comes only if [`Outbox::frames`] has its kind.
    fn frame(&mut self, at: &Sight<'_>, dir: Dir, frame: Frame, skip: u64) -> FrameId {
        let _ = (at, dir, frame, skip);
        FrameId::default()
    }
    /// What an exchange says that frames may belong to. Comes only if frames are wanted.
    fn frame_exchange(&mut self, at: &Sight<'_>, tx: &dyn Transaction, mark: &TxMark) {
        let _ = (at, tx, mark);
    }
    /// More is known of a frame: its length in bytes, its exchange.
    fn frame_known(&mut self, flow: &FlowInfo, dir: Dir, id: FrameId, len: Option<u64>, tx: Option<u64>) {
        let _ = (flow, dir, id, len, tx);
    }
}

/// Where and when a parser saw something.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// The flow.
    pub flow: &'a FlowInfo,
    /// What carries the bytes.
    pub transport: Transport,
    /// Packet time.
    pub ts: Timestamp,
    /// Number of the packet at hand, 0: only time passed; and of the one that brought the bytes.
    pub packets: (u64, u64),
    /// The bytes were decrypted.
    pub decrypted: bool,
}

/// Facts remembered so that each is logged once ([`Cx::emit_once`]); of more the oldest are forgotten, and repeats come.
pub const MAX_REMEMBERED: usize = 1 << 16;

/// How long a fact counts as logged: Zeek logs a certificate again after a day.
pub const REMEMBERED_FOR: Interval = Interval::from_secs(86_400);

/// The day of packet time that `ts` is in, by UTC. As part of a fact's key it makes a row a day; that shards agree on when
/// a day begins is what makes such rows independent of their number.
pub fn day(ts: Timestamp) -> [u8; 4] {
    let days = ts.0.div_euclid(REMEMBERED_FOR.0);
    u32::try_from(days).unwrap_or(0).to_be_bytes()
}

/// The key of a fact about `host` on the day of `ts`; of `more` 13 bytes count.
pub fn key_of_day(host: Addr, ts: Timestamp, more: &[u8]) -> [u8; 33] {
    let mut key = [0; 33];
    let (of_host, rest) = key.split_at_mut(16);
    of_host.copy_from_slice(host.octets());
    let (of_day, rest) = rest.split_at_mut(4);
    of_day.copy_from_slice(&day(ts));
    let len = more.len().min(rest.len());
    if let (Some(to), Some(more)) = (rest.get_mut(..len), more.get(..len)) {
        to.copy_from_slice(more);
    }
    key
}

/// A fact that is logged once, and when it was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The log.
    pub kind: &'static str,
    /// Its digest and role.
    pub key: [u8; 33],
    /// Time of the packet.
    pub ts: Timestamp,
}

type Facts = hashbrown::HashMap<(&'static str, [u8; 33]), Timestamp, SeededState>;

/// What was logged once already, and when. In two halves: when the newer one is full it becomes the older, which is
/// forgotten; so a flood of new facts does not drive out what comes again and again.
pub struct Remembered {
    newer: Facts,
    older: Facts,
    max: usize,
    /// Facts forgotten because there was no room.
    pub forgotten: u64,
}

impl Default for Remembered {
    fn default() -> Self {
        // The keys are digests of what was on the wire: a fixed seed gives an attacker nothing to aim at.
        let empty = || Facts::with_hasher(SeededState(0x0ce));
        Self { newer: empty(), older: empty(), max: MAX_REMEMBERED, forgotten: 0 }
    }
}

impl Remembered {
    /// Changes how many facts are remembered.
    pub fn set_limit(&mut self, count: usize) {
        self.max = count;
    }

    /// Is one of them new, or forgotten? Remembers them.
    pub fn is_any_new(&mut self, facts: &[Fact]) -> bool {
        facts.iter().filter(|fact| self.is_new(fact)).count() > 0
    }

    /// Is it new, or forgotten? Remembers it.
    pub fn is_new(&mut self, fact: &Fact) -> bool {
        let Fact { kind, key, ts } = *fact;
        if let Some(known) = self.newer.get_mut(&(kind, key)) {
            return is_old(known, ts);
        }
        if self.newer.len() >= self.max / 2 {
            self.forgotten += self.older.len() as u64;
            std::mem::swap(&mut self.newer, &mut self.older);
            self.newer.clear();
        }
        let known = if self.older.is_empty() { None } else { self.older.remove(&(kind, key)) };
        let mut at = known.unwrap_or(ts);
        let new = known.is_none() || is_old(&mut at, ts);
        self.newer.insert((kind, key), at);
        new
    }
}

/// Is it so long ago that it counts as new? Then it is of `now`.
fn is_old(known: &mut Timestamp, now: Timestamp) -> bool {
    let old = now - *known > REMEMBERED_FOR;
    if old {
        *known = now;
    }
    old
}

/// Rows of kinds that come with every packet of a protocol, kept when they were read, so that the next one needs no room of its own.
#[derive(Default)]
pub struct Spare {
    pub(crate) dns_message: Option<Box<DnsMessageRecord>>,
}

impl Spare {
    /// Takes back a row that was read.
    pub fn keep(&mut self, event: Event) {
        if let Event::DnsMessageRecord(row) = event {
            self.dns_message = Some(row);
        }
    }
}

/// What came out of one or more parser calls; the engine drains it.
#[derive(Default)]
pub struct Outbox {
    /// What this worker logged once already. Survives draining.
    pub remembered: Remembered,
    /// What decompression may still cost. Survives draining.
    pub decoding: Decoding,
    /// Keys to what is encrypted. Survives draining.
    pub secrets: Option<Arc<Secrets>>,
    /// Who vouches for certificates; `None`: Mozilla's roots. Survives draining.
    pub trust: Option<Arc<Trust>>,
    /// What is joined across flows. Survives draining.
    pub across: Across,
    /// Where passwords go that cross in clear, if anybody listens. Survives draining.
    pub passwords: Option<Arc<Passwords>>,
    /// Somebody wants to see what was decrypted. Survives draining.
    pub wants_clear: bool,
    /// What rules ask for of exchanges, if somebody watches these (rules, EVE). Survives draining.
    pub watched: Option<Arc<FactSet>>,
    /// The frames that somebody wants. Survives draining.
    pub frames: FrameSet,
    /// Detectors listen: rows that stand in no log are wanted too. Survives draining.
    pub judged: bool,
    /// Nobody wants rows, only what is watched. Survives draining.
    pub for_eve: bool,
    /// What is too much in an exchange. Survives draining.
    pub limits: Limits,
    /// Rows that were taken, for the next ones of their kind. Survives draining.
    pub spare: Spare,
    /// Records in the order found.
    pub events: Vec<Event>,
    /// Which of `events` are logged once: other workers may have met the same facts.
    pub once: Vec<(usize, Fact)>,
    /// Anomalies.
    pub weirds: Vec<Weird>,
    /// Flows to come.
    pub expectations: Vec<Expectation>,
    /// The flow has turned out to carry a tunnel: Zeek's names of its kinds.
    pub tunnels: Vec<&'static str>,
    /// Services confirmed in this flow.
    pub confirmed: Vec<&'static str>,
    /// Services confirmed whether or not the flow's beginning was seen.
    pub confirmed_midstream: Vec<&'static str>,
    /// Services recognised where Zeek would want more proof.
    pub recognized: Vec<&'static str>,
    /// The bytes broke the protocol, though the parser goes on.
    pub violated: bool,
    /// A limit kept part of the flow from being analysed.
    pub partial: bool,
    /// Services that were confirmed, but were none after all.
    pub retracted: Vec<&'static str>,
    /// The parser lost track: why. No further bytes will be sent to it.
    pub rejected: Option<&'static str>,
    /// Nothing more is to be learnt from the flow's bytes.
    pub opaque: bool,
    /// Another protocol continues.
    pub hand_over: Option<HandOver>,
    /// Originator and responder are the wrong way round.
    pub flip: bool,
}

impl Outbox {
    /// Has no service been confirmed?
    pub fn is_unconfirmed(&self) -> bool {
        self.confirmed.is_empty() && self.confirmed_midstream.is_empty()
    }
}

/// Cap on anomalies that one call may report; later ones of the same call are dropped.
pub const MAX_WEIRDS_PER_CALL: usize = 64;

impl<'a> Cx<'a> {
    /// For one call; the engine and tests build it.
    pub fn new(
        ts: Timestamp,
        packet: u64,
        flow: &'a FlowInfo,
        transport: Transport,
        out: &'a mut Outbox,
        files: &'a mut dyn Files,
    ) -> Self {
        Self { ts, packet, source: packet, flow, transport, hop_limit: 0, out, files, decrypted: false, depth: 0 }
    }

    /// The packet at hand had `hop_limit`; that says nothing of bytes that waited.
    #[must_use]
    pub fn hopped(self, hop_limit: u8) -> Self {
        Self { hop_limit: if self.source == self.packet { hop_limit } else { 0 }, ..self }
    }

    /// The bytes came in packet `source`, before the one at hand.
    #[must_use]
    pub fn from(self, source: u64) -> Self {
        Self { source, ..self }
    }

    fn arrival(&self) -> Arrival {
        Arrival { ts: self.ts, packet: self.source }
    }

    /// Bytes of the flow as they were before they were encrypted, for those who look at everything that passes: those of
    /// `dir` from `offset` on, in order.
    pub(crate) fn clear(&mut self, dir: Dir, offset: u64, bytes: &[u8]) {
        if self.out.wants_clear {
            self.files.clear(self.flow, (self.packet, self.arrival()), dir, offset, bytes);
        }
    }

    /// First columns of a record about something that happened at `ts`.
    pub fn head(&self, ts: Timestamp) -> Head {
        Head::new(ts, self.flow)
    }

    /// Last columns of a record.
    pub fn tail(&self) -> Tail {
        Tail { decrypted: self.decrypted.then_some(true), ..Tail::new(self.flow) }
    }

    /// Keys to what is encrypted, if the run has any.
    pub fn secrets(&self) -> Option<Arc<Secrets>> {
        self.out.secrets.clone()
    }

    /// Has the run keys to what is encrypted?
    pub fn has_secrets(&self) -> bool {
        self.out.secrets.is_some()
    }

    /// From now on bytes are decrypted ones, or not; tells what they were.
    pub(crate) fn set_decrypted(&mut self, decrypted: bool) -> bool {
        std::mem::replace(&mut self.decrypted, decrypted)
    }

    /// One stream within a stream deeper, or one less deep.
    pub(crate) fn set_depth(&mut self, depth: usize) {
        self.depth = depth;
    }

    /// Streams within streams that the bytes are in.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Takes what was said so far; a wish to swap the ends is dropped.
    pub(crate) fn take_said(&mut self) -> Said {
        self.out.flip = false;
        (self.out.rejected.take(), std::mem::take(&mut self.out.opaque), self.out.hand_over.take())
    }

    /// Puts back what [`Cx::take_said`] took.
    pub(crate) fn put_said(&mut self, said: Said) {
        (self.out.rejected, self.out.opaque, self.out.hand_over) = said;
    }

    pub(crate) fn mark(&self) -> Mark {
        let out = &self.out;
        Mark {
            events: out.events.len(),
            once: out.once.len(),
            expectations: out.expectations.len(),
            confirmed: out.confirmed.len(),
            recognized: out.recognized.len(),
        }
    }

    /// Was a service confirmed or recognised since?
    pub(crate) fn confirmed_since(&self, mark: &Mark) -> bool {
        self.out.confirmed.len() > mark.confirmed || self.out.recognized.len() > mark.recognized
    }

    /// Takes back what was found since.
    pub(crate) fn forget_since(&mut self, mark: &Mark) {
        self.out.events.truncate(mark.events);
        self.out.once.truncate(mark.once);
        self.out.expectations.truncate(mark.expectations);
    }

    /// Rows that were read, to be filled again.
    pub(crate) fn spare(&mut self) -> &mut Spare {
        &mut self.out.spare
    }

    /// Logs a record.
    pub fn emit(&mut self, event: impl Into<Event>) {
        self.out.events.push(event.into());
    }

    /// Logs what `record` makes unless the fact was logged within [`REMEMBERED_FOR`]. `digest` and `role` name the
    /// fact, `kind` the log. Tells whether it was logged now.
    pub fn emit_once<E: Into<Event>>(
        &mut self,
        kind: &'static str,
        digest: &[u8; 32],
        role: u8,
        record: impl FnOnce() -> E,
    ) -> bool {
        let mut key = [role; 33];
        key.iter_mut().zip(digest).for_each(|(k, d)| *k = *d);
        let fact = Fact { kind, key, ts: self.ts };
        let new = self.out.remembered.is_new(&fact);
        if new {
            self.out.once.push((self.out.events.len(), fact));
            self.out.events.push(record().into());
        }
        new
    }

    /// Was the fact not met within [`REMEMBERED_FOR`]? Remembers it, for this worker alone.
    pub(crate) fn is_new(&mut self, kind: &'static str, key: [u8; 33]) -> bool {
        self.out.remembered.is_new(&Fact { kind, key, ts: self.ts })
    }

    /// A DHCP message goes into its exchange, whose row leaves when it is over.
    pub(crate) fn join_dhcp(&mut self, dir: Dir, message: crate::dhcp::Message) {
        let sender = if dir.is_orig() { self.flow.tuple.orig } else { self.flow.tuple.resp };
        if self.out.across.dhcp.message(message, sender, self.flow, self.ts, &mut self.out.events) {
            self.weird("dhcp_exchange_limit");
        }
    }

    /// Reports an anomaly; the flow goes on.
    pub fn weird(&mut self, name: &'static str) {
        self.weird_with(name, None);
    }

    /// Reports an anomaly with detail.
    pub fn weird_with(&mut self, name: &'static str, addl: Option<Text>) {
        if self.out.weirds.len() < MAX_WEIRDS_PER_CALL {
            self.out.weirds.push(Weird { name, addl });
        }
    }

    /// The flow certainly speaks `service`: adds it to conn's service column. Repeating is harmless.
    pub fn confirm(&mut self, service: &'static str) {
        if !self.out.confirmed.contains(&service) {
            self.out.confirmed.push(service);
        }
    }

    /// As [`Cx::confirm`], also for connections that began before the capture: Zeek's parsers of Windows' protocols do
    /// not mind a missing beginning.
    pub fn confirm_midstream(&mut self, service: &'static str) {
        if !self.out.confirmed_midstream.contains(&service) {
            self.out.confirmed_midstream.push(service);
        }
        self.confirm(service);
    }

    /// The flow speaks `service`, but less was seen than Zeek's confirmation asks for (one direction, say): it goes into
    /// conn's `app` column only. Repeating is harmless.
    pub fn recognize(&mut self, service: &'static str) {
        if !self.out.recognized.contains(&service) {
            self.out.recognized.push(service);
        }
    }

    /// The bytes break the protocol where Zeek's analyser would give up, and its service would be taken back; here the
    /// parser goes on, and conn's `app` keeps the name.
    pub fn violate(&mut self) {
        self.out.violated = true;
    }

    /// Was [`Cx::violate`] said since?
    pub(crate) fn take_violated(&mut self) -> bool {
        std::mem::take(&mut self.out.violated)
    }

    /// A limit keeps part of the flow from being analysed: an `X` in conn's history.
    pub fn partial(&mut self) {
        self.out.partial = true;
    }

    /// What spoke `service` within the flow violates it: the confirmation is taken back, as in Zeek. For a parser's own
    /// service that is part of [`Cx::reject`].
    pub(crate) fn retract(&mut self, service: &'static str) {
        self.out.retracted.push(service);
    }

    /// The bytes are not this protocol, or track was lost: the parser gets no more of them.
    pub fn reject(&mut self, reason: &'static str) {
        self.out.rejected = Some(reason);
    }

    /// Nothing more is to be learnt (encrypted bulk): from now on the flow costs only counters. `end` still comes.
    pub fn opaque(&mut self) {
        self.out.opaque = true;
    }

    /// The flow carries a tunnel of Zeek's `kind` (`Tunnel::SOCKS`), for whatever its originator wants of its responder:
    /// a row of `tunnel`, once per pair and responder's port.
    pub fn tunnel(&mut self, kind: &'static str) {
        self.out.tunnels.push(kind);
    }

    /// The flow continues as `to` (`None`: as the probes find); the last `unconsumed` bytes of this chunk already belong to it. `end` follows at once.
    pub fn hand_over(&mut self, to: Option<ProtoId>, unconsumed: usize) {
        self.out.hand_over = Some(HandOver { to, unconsumed, begun: None });
    }

    /// As [`Cx::hand_over`], with a row that `to` is to finish.
    pub fn hand_over_begun(&mut self, to: ProtoId, unconsumed: usize, row: impl Into<Event>) {
        self.out.hand_over = Some(HandOver { to: Some(to), unconsumed, begun: Some(row.into()) });
    }

    /// The flow's originator is the responder in truth (a DNS reply came first, say). The engine may swap the
    /// ends after this call; later calls then come with the swapped flow and directions.
    pub fn flip(&mut self) {
        self.out.flip = true;
    }

    /// Announces another flow.
    pub fn expect(&mut self, expectation: Expectation) {
        self.out.expectations.push(expectation);
    }

    /// A password crossed in clear. It goes into no row.
    pub fn heard_password(&mut self, password: &[u8]) {
        if let Some(passwords) = &self.out.passwords {
            passwords.hear(password);
        }
    }

    /// As [`Cx::heard_password`], where there may be one.
    pub(crate) fn heard(&mut self, password: Option<&[u8]>) {
        if let Some(password) = password {
            self.heard_password(password);
        }
    }

    /// Somebody wrote this to somebody: it may tell a password.
    pub fn heard_text(&mut self, text: &[u8]) {
        if let Some(passwords) = &self.out.passwords {
            passwords.hear_text(text);
        }
    }

    fn heard_file(&self, id: FileId, bytes: &[u8]) {
        if let Some(passwords) = &self.out.passwords {
            passwords.hear_file(id.0, bytes);
        }
    }

    /// The worker's account of decompression.
    pub fn decoding(&mut self) -> &mut Decoding {
        &mut self.out.decoding
    }

    /// A file begins in this flow.
    pub fn file_open(&mut self, meta: FileMeta) -> FileId {
        let meta = FileMeta { decrypted: self.decrypted, ..meta };
        self.files.open(self.flow, self.ts, meta)
    }

    /// The file's next bytes.
    pub fn file_data(&mut self, id: FileId, bytes: &[u8]) {
        self.heard_file(id, bytes);
        self.files.data(id, self.arrival(), bytes);
    }

    /// Bytes at `offset` of a file with [`FileMeta::random_access`]; pieces may come in any order and overlap. The
    /// file's times are those of the ends of pieces (`ends`).
    pub fn file_data_at(&mut self, id: FileId, offset: u64, ends: bool, bytes: &[u8]) {
        self.heard_file(id, bytes);
        self.files.data_at(id, self.arrival(), (offset, ends), bytes);
    }

    /// `len` bytes of the file are missing here.
    pub fn file_gap(&mut self, id: FileId, len: u64) {
        self.files.gap(id, self.ts, len);
    }

    /// The file's name became known.
    pub fn file_set_name(&mut self, id: FileId, name: &[u8]) {
        self.files.set_name(id, name);
    }

    /// The file's size became known.
    pub fn file_set_total(&mut self, id: FileId, len: u64) {
        self.files.set_total(id, len);
    }

    /// What is known of the file so far (its type, once enough bytes came).
    pub fn file_info(&self, id: FileId) -> FileInfo {
        self.files.info(id)
    }

    /// The file is over.
    pub fn file_close(&mut self, id: FileId, complete: bool) -> FileInfo {
        self.files.close(id, self.ts, complete)
    }

    /// Does anybody watch exchanges (rules, EVE)? If not, nothing need be kept for them.
    pub fn is_watched(&self) -> bool {
        self.out.watched.is_some()
    }

    /// Do detectors listen? If not, rows that only they want need not be made.
    pub fn is_judged(&self) -> bool {
        self.out.judged
    }

    /// Who vouches for certificates; `None`: Mozilla's roots.
    pub(crate) fn trust(&self) -> Option<Arc<Trust>> {
        self.out.trust.clone()
    }

    /// Are exchanges all that anybody wants of the run? Then content may be told as Suricata has it where Zeek's differs.
    pub(crate) fn is_for_eve(&self) -> bool {
        self.out.for_eve
    }

    /// What is too much in an exchange.
    pub fn limits(&self) -> &Limits {
        &self.out.limits
    }

    /// Does a rule ask for it? What costs to keep is kept only then.
    pub fn wants(&self, fact: Asked) -> bool {
        self.out.watched.as_ref().is_some_and(|facts| facts.has(fact))
    }

    /// An exchange has reached `stage` in `dir`, but is not over: rules look at what is known. Call it once a stage; in a
    /// stage whose content is a stream, again and again while it passes.
    pub fn look(&mut self, dir: Dir, stage: u8, tx: &dyn Transaction, mark: &mut TxMark) {
        self.show(Look { dir, stage, over: false, event: false }, tx, mark);
    }

    /// As [`Cx::look`]; the exchange's event is written now, though more of it will come.
    pub fn report(&mut self, dir: Dir, stage: u8, tx: &dyn Transaction, mark: &mut TxMark) {
        self.show(Look { dir, stage, over: false, event: true }, tx, mark);
    }

    /// An exchange is over, its last stage in `dir` reached: rules look at the rest, its event is written.
    pub fn over(&mut self, dir: Dir, tx: &dyn Transaction, mark: &mut TxMark) {
        self.show(Look { dir, stage: u8::MAX, over: true, event: false }, tx, mark);
    }

    /// An exchange that is one message of `dir`, with its anomalies.
    pub fn message(&mut self, dir: Dir, counter: &mut Counter, tx: &dyn Transaction, anomalies: &[&'static str]) {
        if self.is_watched() {
            let mut mark = counter.begin();
            anomalies.iter().for_each(|name| mark.event(dir, name));
            self.over(dir, tx, &mut mark);
        }
    }

    /// What follows in both directions is encrypted, for those who watch; it is looked at nevertheless.
    pub fn encrypted(&mut self) {
        if self.is_watched() {
            self.files.encrypted(self.flow);
        }
    }

    fn show(&mut self, look: Look, tx: &dyn Transaction, mark: &mut TxMark) {
        if !self.is_watched() {
            return;
        }
        self.files.transaction(&self.sight(), look, tx, mark);
        if look.over || look.event {
            mark.logged = true;
        }
    }

    fn sight(&self) -> Sight<'a> {
        Sight {
            flow: self.flow,
            transport: self.transport,
            ts: self.ts,
            packets: (self.packet, self.source),
            decrypted: self.decrypted,
        }
    }

    /// Is the sender of `dir` in the home networks?
    pub fn is_local(&self, dir: Dir) -> bool {
        match dir {
            Dir::Orig => self.flow.local_orig,
            Dir::Resp => self.flow.local_resp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(n: u8, secs: i64) -> Fact {
        Fact { kind: "x509", key: [n; 33], ts: Timestamp::from_parts(secs, 0) }
    }

    #[test]
    fn facts_are_new_once_a_day() {
        let mut r = Remembered::default();
        assert!(r.is_new(&fact(1, 0)) && !r.is_new(&fact(1, 86_400)) && r.is_new(&fact(1, 86_401)));
        assert!(!r.is_new(&fact(1, 100_000)) && r.is_new(&fact(2, 0)));
        assert!(r.is_any_new(&[fact(1, 100_000), fact(3, 0)]));
        assert!(!r.is_any_new(&[fact(1, 100_000), fact(3, 0)]) && !r.is_any_new(&[]));
        assert_eq!(day(Timestamp::from_parts(86_399, 0)), 0u32.to_be_bytes());
        assert_eq!(day(Timestamp::from_parts(86_400, 0)), 1u32.to_be_bytes());
    }

    #[test]
    fn limits_facts_and_keeps_those_that_come_again() {
        let mut r = Remembered::default();
        r.set_limit(8);
        for n in 1..100 {
            assert!(r.is_new(&fact(n, 0)));
            assert_eq!(r.is_new(&fact(0, 0)), n == 1, "{n}");
            assert!(r.newer.len() + r.older.len() <= 8);
        }
        assert!(r.is_new(&fact(1, 0)) && r.forgotten > 80);
    }

    #[test]
    fn a_file_that_is_not_followed_has_no_row() {
        let fuid = Uid::from_key(b'F', 0, b"a file");
        assert_eq!(FileInfo { fuid, ..FileInfo::default() }.row(), Some(fuid));
        assert_eq!(FileInfo::default().row(), None);
    }
}
