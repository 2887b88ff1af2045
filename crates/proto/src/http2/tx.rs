//! The streams of a connection as rules and EVE see them, as in Suricata: each stream is an exchange, and so is each frame
//! of the connection itself (stream 0).

use super::frame::{Head, flag, kind};
use super::view::{Seen, View};
use crate::doh;
use crate::web::HttpRecord;
use crate::{Cx, FileId};
use sekisho_transaction::{Counter, Mark};
use sekisho_types::{Dir, Heap, block_len, list_len};

/// Exchanges that are kept at once; of more the oldest is over.
const MAX_OPEN: usize = 256;
/// Bytes that they may hold.
const MAX_OPEN_LEN: usize = 1 << 20;
/// Frames of one direction of a stream that are remembered.
const MAX_FRAMES: usize = 1024;
/// Fields of one direction of a stream that are remembered.
const MAX_FIELDS: usize = 512;
/// Settings of one frame.
const MAX_SETTINGS: usize = 64;
/// A longer frame is remarked, as in Suricata.
const LONG_FRAME_LEN: usize = 65536;

/// A field: name and value.
type Field = (Box<[u8]>, Box<[u8]>);

/// One direction of a stream.
#[derive(Default)]
pub(super) struct Half {
    pub frames: Vec<Seen>,
    pub settings: Vec<(u16, u32)>,
    pub fields: Vec<Field>,
    /// New sizes of the compression's table.
    pub sizes: Vec<u64>,
    fields_len: usize,
    /// The message of DNS that it carries, or will.
    pub dns: Option<Box<doh::Message>>,
    /// How far it has come: 0 nothing, 1 headers, 2 content, 3 over.
    stage: u8,
}

impl Heap for Half {
    fn heap_len(&self) -> usize {
        let lists = list_len(&self.frames) + list_len(&self.settings) + list_len(&self.fields) + list_len(&self.sizes);
        let dns = self.dns.as_ref().map_or(0, |m| block_len(size_of::<doh::Message>()) + m.heap_len());
        lists + self.fields_len + dns
    }
}

impl Half {
    /// The first value of a field.
    pub fn first(&self, name: &[u8]) -> Option<&[u8]> {
        self.fields.iter().find(|f| f.0.eq_ignore_ascii_case(name)).map(|f| &*f.1)
    }
}

/// A stream.
pub(super) struct Exchange {
    pub stream: u32,
    pub halves: [Half; 2],
    mark: Mark,
    /// Whose messages have come since rules looked last.
    touched: [bool; 2],
    /// Frames other than content were among them.
    fresh: bool,
    counted: usize,
    /// DNS was seen on the connection.
    pub is_doh: bool,
}

impl Exchange {
    fn new(stream: u32, counter: &mut Counter) -> Self {
        let mark = counter.begin();
        Self { stream, halves: Default::default(), mark, touched: [false; 2], fresh: false, counted: 0, is_doh: false }
    }

    fn is_over(&self) -> bool {
        self.halves.iter().all(|h| h.stage == 3)
    }

    /// Rules look at what is new; at the end at all of it.
    fn show(&mut self, over: bool, cx: &mut Cx<'_>) {
        let mut mark = std::mem::take(&mut self.mark);
        let mut last = Dir::Orig;
        if std::mem::take(&mut self.fresh) {
            mark.refresh();
        }
        for dir in [Dir::Orig, Dir::Resp] {
            if std::mem::take(dir.of_mut(&mut self.touched)) {
                last = dir;
                cx.look(dir, dir.of(&self.halves).stage, &View { exchange: self, dir }, &mut mark);
            }
        }
        if over {
            let view = View { exchange: self, dir: last };
            // Rules see it, but nothing is written of it.
            mark.logged = !view.has_anything();
            cx.over(last, &view, &mut mark);
        }
        self.mark = mark;
    }
}

/// The exchanges of a connection; none unless somebody watches.
#[derive(Default)]
pub(super) struct Exchanges {
    counter: Counter,
    open: Vec<Exchange>,
    counted: usize,
    any_touched: bool,
    /// DNS was seen on the connection.
    is_doh: bool,
    /// Highest stream that each end opened; one below that is not open is over.
    highest: [u32; 2],
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        self.counted + list_len(&self.open)
    }
}

impl Exchanges {
    /// The exchange of a stream, which is opened if need be; `None` of stream 0 and of those that are over.
    fn of(&mut self, stream: u32, dir: Dir, cx: &mut Cx<'_>) -> Option<&mut Exchange> {
        if stream == 0 {
            return None;
        }
        let known = self.open.iter().position(|e| e.stream == stream);
        let highest = self.highest.get_mut((stream & 1) as usize)?;
        if known.is_none() && stream <= *highest {
            return None;
        }
        *highest = stream.max(*highest);
        let at = known.unwrap_or_else(|| {
            while self.open.len() >= MAX_OPEN || self.counted > MAX_OPEN_LEN && !self.open.is_empty() {
                let mut oldest = self.open.remove(0);
                self.counted = self.counted.saturating_sub(oldest.counted);
                oldest.mark.event(dir, "too_many_streams");
                oldest.show(true, cx);
            }
            self.open.push(Exchange::new(stream, &mut self.counter));
            self.open.len() - 1
        });
        let exchange = self.open.get_mut(at).filter(|e| !e.is_over())?;
        self.any_touched = true;
        *dir.of_mut(&mut exchange.touched) = true;
        Some(exchange)
    }

    /// A frame, with as much of its payload as was kept; not content.
    pub fn frame(&mut self, dir: Dir, head: Head, payload: &[u8], cx: &mut Cx<'_>) {
        let (seen, settings) = read(head, payload);
        let odd = odd_length(head);
        if head.stream == 0 {
            let mut alone = Exchange { is_doh: self.is_doh, ..Exchange::new(0, &mut self.counter) };
            let half = dir.of_mut(&mut alone.halves);
            half.frames.push(seen);
            half.settings = settings;
            half.stage = 3;
            if head.len > LONG_FRAME_LEN {
                alone.mark.event(dir, "long_frame_data");
            }
            odd.into_iter().for_each(|odd| alone.mark.event(dir, odd));
            let mut mark = std::mem::take(&mut alone.mark);
            let view = View { exchange: &alone, dir };
            mark.logged = !view.has_anything();
            return cx.over(dir, &view, &mut mark);
        }
        // A promise belongs to the stream that it promises.
        let promised = payload.first_chunk().filter(|_| head.kind == kind::PUSH_PROMISE && !head.has(flag::PADDED));
        let stream = promised.map_or(head.stream, |id| u32::from_be_bytes(*id) & 0x7fff_ffff);
        let Some(exchange) = self.of(stream, dir, cx) else {
            if head.kind == kind::HEADERS {
                self.oddity(dir, "stream_id_reuse", cx);
            }
            return;
        };
        let half = dir.of_mut(&mut exchange.halves);
        exchange.fresh = true;
        odd.into_iter().for_each(|odd| exchange.mark.event(dir, odd));
        if half.frames.len() < MAX_FRAMES {
            half.frames.push(seen);
        } else {
            exchange.mark.event(dir, "too_many_frames");
        }
        if head.len > LONG_FRAME_LEN {
            exchange.mark.event(dir, "long_frame_data");
        }
        // What the other end has sent by then still counts.
        if head.kind == kind::RST_STREAM {
            half.stage = 3;
        }
    }

    /// A field of a stream's header.
    pub fn field(&mut self, stream: u32, dir: Dir, name: &[u8], value: &[u8], cx: &mut Cx<'_>) {
        let Some(exchange) = self.of(stream, dir, cx) else { return };
        let half = dir.of_mut(&mut exchange.halves);
        if half.fields.len() >= MAX_FIELDS {
            return;
        }
        half.fields.push((name.into(), value.into()));
        half.fields_len += block_len(name.len()) + block_len(value.len());
    }

    /// A header is whole; `sizes`: what it said of the compression's table. `last`: the direction is over.
    pub fn headed(&mut self, stream: u32, dir: Dir, sizes: &[u64], last: bool, cx: &mut Cx<'_>) {
        let Some(exchange) = self.of(stream, dir, cx) else { return };
        let half = dir.of_mut(&mut exchange.halves);
        half.sizes.extend_from_slice(sizes);
        half.stage = if last { 3 } else { half.stage.max(1) };
        if half.dns.is_none() {
            let in_path = half.first(b":path").and_then(doh::Message::of_path);
            half.dns = in_path.or_else(|| doh::Message::of_type(half.first(b"content-type")?)).map(Box::new);
        }
        let found = half.dns.as_ref().is_some_and(|dns| dns.is_whole());
        if let (true, Some(authority)) = (dir.is_orig(), half.first(b":authority")) {
            let other = half.first(b"host").is_some_and(|host| !host.eq_ignore_ascii_case(authority));
            let user = authority.contains(&b'@');
            if other {
                exchange.mark.event(dir, "authority_host_mismatch");
            }
            if user {
                exchange.mark.event(dir, "userinfo_in_uri");
            }
        }
        self.is_doh |= found;
    }

    /// Content has passed; `begins` with a frame, `last`: the direction is over.
    pub fn content(&mut self, head: Head, dir: Dir, bytes: &[u8], (begins, last): (bool, bool), cx: &mut Cx<'_>) {
        if head.stream == 0 {
            if begins {
                self.oddity(dir, "data_stream_zero", cx);
            }
            return;
        }
        let Some(exchange) = self.of(head.stream, dir, cx) else { return };
        let half = dir.of_mut(&mut exchange.halves);
        if begins && half.frames.len() < MAX_FRAMES {
            half.frames.push(Seen { kind: head.kind, value: 0, priority: None });
        }
        half.stage = if last { 3 } else { half.stage.max(2) };
        let found = half.dns.as_mut().is_some_and(|dns| dns.push(bytes, last));
        exchange.fresh |= found;
        if begins && head.len > LONG_FRAME_LEN {
            exchange.mark.event(dir, "long_frame_data");
        }
        self.is_doh |= found;
    }

    /// Something odd that is of no stream: an exchange that rules look at, and of which nothing is written.
    pub fn oddity(&mut self, dir: Dir, name: &'static str, cx: &mut Cx<'_>) {
        let mut mark = self.counter.begin();
        mark.event(dir, name);
        mark.logged = true;
        let nothing = Exchange { is_doh: self.is_doh, ..Exchange::new(0, &mut Counter::default()) };
        cx.over(dir, &View { exchange: &nothing, dir }, &mut mark);
    }

    /// A file of a stream begins.
    pub fn file(&mut self, stream: u64, dir: Dir, file: FileId) {
        if let Some(exchange) = self.open.iter_mut().find(|e| u64::from(e.stream) == stream) {
            exchange.mark.file(file.0, dir);
        }
    }

    /// Stream 1 answers a request that was made in HTTP/1.
    pub fn upgraded(&mut self, row: &HttpRecord) {
        let mut exchange = Exchange::new(1, &mut self.counter);
        let [request, _] = &mut exchange.halves;
        let texts = [
            (&b":authority"[..], &row.host),
            (b":method", &row.method),
            (b":path", &row.uri),
            (b"user-agent", &row.user_agent),
        ];
        for (name, text) in texts {
            let Some(text) = text else { continue };
            request.fields.push((name.into(), text.0.as_slice().into()));
            request.fields_len += block_len(name.len()) + block_len(text.0.len());
        }
        request.frames.push(Seen { kind: kind::HEADERS, value: 0, priority: None });
        request.stage = 3;
        exchange.touched = [true, false];
        self.highest = [0, 1];
        self.any_touched = true;
        self.open.push(exchange);
    }

    /// A chunk is done: rules look at what it brought.
    pub fn settle(&mut self, cx: &mut Cx<'_>) {
        if !std::mem::take(&mut self.any_touched) {
            return;
        }
        let mut counted = 0;
        let is_doh = self.is_doh;
        self.open.retain_mut(|exchange| {
            exchange.is_doh = is_doh;
            let over = exchange.is_over();
            if exchange.touched != [false; 2] || over {
                exchange.show(over, cx);
                exchange.counted = exchange.halves.as_slice().heap_len() + exchange.mark.heap_len();
            }
            counted += if over { 0 } else { exchange.counted };
            !over
        });
        self.counted = counted;
    }

    /// The end: whatever is left is over.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        self.counted = 0;
        for mut exchange in std::mem::take(&mut self.open) {
            exchange.show(true, cx);
        }
    }
}

/// Is a frame of a length that its kind cannot have (RFC 9113 §6)?
fn odd_length(head: Head) -> Option<&'static str> {
    let wrong = match head.kind {
        kind::PRIORITY => head.len != 5,
        kind::RST_STREAM | kind::WINDOW_UPDATE => head.len != 4,
        kind::GOAWAY => head.len < 8,
        kind::SETTINGS if !head.len.is_multiple_of(6) => return Some("invalid_frame_data"),
        _ => false,
    };
    wrong.then_some("invalid_frame_length")
}

/// What rules may ask of a frame, and the settings in it.
fn read(head: Head, payload: &[u8]) -> (Seen, Vec<(u16, u32)>) {
    let number = |at: usize| {
        let four = payload.get(at..).and_then(<[u8]>::first_chunk);
        four.map_or(0, |four: &[u8; 4]| u32::from_be_bytes(*four))
    };
    let mut seen = Seen { kind: head.kind, value: 0, priority: None };
    let mut settings = Vec::new();
    match head.kind {
        kind::HEADERS if head.has(flag::PRIORITY) => {
            seen.priority = payload.get(4 + usize::from(head.has(flag::PADDED))).copied();
        }
        kind::PRIORITY => seen.priority = payload.get(4).copied(),
        kind::RST_STREAM => seen.value = number(0),
        kind::GOAWAY => seen.value = number(4),
        kind::WINDOW_UPDATE => seen.value = number(0) & 0x7fff_ffff,
        kind::SETTINGS => {
            for six in payload.chunks_exact(6).take(MAX_SETTINGS) {
                if let [a, b, c, d, e, f] = *six {
                    settings.push((u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f])));
                }
            }
        }
        _ => {}
    }
    (seen, settings)
}
