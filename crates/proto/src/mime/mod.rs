//! MIME entities (RFC 2045, RFC 2046) out of a stream of bytes: a helper of HTTP and SMTP, no protocol.
//!
//! [`Mime`] takes a message in any split, walks multiparts and enclosed messages and opens a file for
//! every leaf that has content, decoded. Headers go to an [`Observer`], which also hears of the files.

mod decode;
mod facts;
pub(crate) mod field;
mod oddity;
#[cfg(test)]
mod tests;

pub(crate) use decode::Base64;
pub(crate) use facts::{Encoding, Facts, Kind, Origin, number};

use crate::stream::reuse;
use crate::{Cx, FileId, FileInfo, Lines};
use field::Fold;
use oddity::Measure;
use sekisho_record::Text;
use sekisho_types::{Heap, list_len};

/// Nesting of entities; deeper ones are passed over.
const MAX_DEPTH: usize = 100;

/// Longest header line; the rest of a longer one is dropped.
const MAX_HEADER_LINE: usize = 64 * 1024;

/// Longest line that can be a delimiter.
const MAX_DELIMITER_LEN: usize = 1024;

/// Shortest boundary that is believed when the header that names it was lost. Programs make them long, so that no content
/// holds them.
const MIN_TORN_BOUNDARY_LEN: usize = 8;

/// Longest boundary (RFC 2046 §5.1.1).
const MAX_TORN_BOUNDARY_LEN: usize = 70;

/// Longest quoted-printable line decoded at once.
const MAX_QUOTED_LINE: usize = 8 * 1024;

/// Hears of what a message consists of.
pub(crate) trait Observer {
    /// A header field of the entity at `level`, 0 for the message itself.
    fn header(&mut self, level: usize, name: &[u8], value: &[u8], cx: &mut Cx<'_>) {
        let _ = (level, name, value, cx);
    }

    /// A leaf's file is open, to be known of the exchange that it belongs to.
    fn begun(&mut self, file: FileId) {
        let _ = file;
    }

    /// The first bytes of a content that is one, for detectors.
    fn content(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }

    /// A leaf's content has begun.
    fn opened(&mut self, info: FileInfo, filename: Option<&Text>);

    /// A leaf's content is over.
    fn closed(&mut self, info: FileInfo);

    /// The file that a leaf's content goes to, for those who watch; comes before [`Observer::opened`].
    fn file(&mut self, id: FileId, facts: &Facts) {
        let _ = (id, facts);
    }

    /// Does anybody want to know what is odd?
    fn is_watching(&self) -> bool {
        false
    }

    /// Something is odd about the message, by Suricata's names of events.
    fn odd(&mut self, name: &'static str) {
        let _ = name;
    }

    /// The next piece of a leaf, decoded.
    fn part(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }

    /// Are pieces of text wanted?
    fn wants_text(&self) -> bool {
        false
    }

    /// The next piece of a leaf that is text, decoded.
    fn text(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Header,
    /// Content of a leaf.
    Leaf,
    /// Before the first, after the last delimiter of a multipart, or deeper than is looked at.
    Between,
    /// The outermost multipart has had its last delimiter.
    Closed,
}

/// Line ends held back since they may belong to a delimiter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum HeldEnd {
    #[default]
    None,
    Cr,
    Lf,
    CrLf,
}

impl HeldEnd {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Cr => b"\r",
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
        }
    }

    fn of(text: &[u8]) -> Self {
        match text {
            [.., b'\r', b'\n'] => Self::CrLf,
            [.., b'\n'] => Self::Lf,
            [.., b'\r'] => Self::Cr,
            _ => Self::None,
        }
    }
}

#[derive(Debug)]
enum Decoder {
    Identity,
    Base64(Base64),
    /// The current line.
    Quoted(Vec<u8>),
}

/// A message that is passing.
#[derive(Debug)]
pub(crate) struct Mime {
    lines: Lines,
    entities: Entities,
}

#[derive(Debug)]
struct Entities {
    origin: Origin,
    /// Boundary of each open entity, outermost first; empty for those that are no multipart.
    boundaries: Vec<Vec<u8>>,
    /// Of the innermost entity.
    facts: Facts,
    fold: Fold,
    phase: Phase,
    /// Entities begun so far, those of earlier messages included.
    count: u64,
    /// The next byte begins a line.
    line_start: bool,
    /// Start of a line that may be a delimiter.
    candidate: Vec<u8>,
    /// Bytes up to the next line end are useless (after a hole in encoded text).
    skip_line: bool,
    /// A part of a header is missing: where it ends, and what bounds its parts, is told by what follows.
    torn: bool,
    decoder: Decoder,
    held_end: HeldEnd,
    /// How long the line at hand is, if anybody asks.
    measure: Measure,
    /// Decoded bytes not yet passed on.
    decoded: Vec<u8>,
    file: Option<Leaf>,
}

/// A leaf's file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    pub(crate) id: FileId,
    /// Its type was known from earlier parts of the same resource.
    typed: bool,
}

impl Leaf {
    /// The file has just been opened.
    pub(crate) fn begin(id: FileId, filename: Option<&Text>, cx: &Cx<'_>, observer: &mut dyn Observer) -> Self {
        let info = cx.file_info(id);
        observer.begun(id);
        observer.opened(info, filename);
        Self { id, typed: info.mime_type.is_some() }
    }

    /// Closes the file. The observer is told a type only by the leaf that made it known, as in Zeek.
    pub(crate) fn end(self, complete: bool, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        let info = cx.file_close(self.id, complete);
        observer.closed(FileInfo { mime_type: info.mime_type.filter(|_| !self.typed), ..info });
    }
}

impl Heap for Mime {
    fn heap_len(&self) -> usize {
        let e = &self.entities;
        let decoder = if let Decoder::Quoted(line) = &e.decoder { line.heap_len() } else { 0 };
        let boundaries = list_len(&e.boundaries) + e.boundaries.as_slice().heap_len();
        let buffers = self.lines.heap_len() + e.fold.heap_len() + e.candidate.heap_len() + e.decoded.heap_len();
        e.origin.heap_len() + e.facts.heap_len() + boundaries + buffers + decoder
    }
}

impl Mime {
    /// A message from its first header line. `count`: entities of earlier messages in the flow.
    pub(crate) fn message(origin: Origin, count: u64) -> Self {
        Self { lines: Lines::new(MAX_HEADER_LINE), entities: Entities::new(origin, count) }
    }

    /// The body of an entity whose header was read elsewhere and says that it's no leaf.
    pub(crate) fn body(origin: Origin, facts: Facts, cx: &mut Cx<'_>) -> Self {
        let mut mime = Self::message(origin, 0);
        mime.entities.facts = facts;
        mime.entities.begin_body(cx);
        mime
    }

    /// Entities begun so far.
    pub(crate) fn count(&self) -> u64 {
        self.entities.count
    }

    /// Is the message's own header over?
    pub(crate) fn has_header(&self) -> bool {
        self.entities.phase != Phase::Header || self.entities.boundaries.len() > 1
    }

    /// Is a last delimiter still to come?
    pub(crate) fn is_unfinished(&self) -> bool {
        self.entities.phase == Phase::Header || self.entities.is_multipart() && !self.is_closed()
    }

    /// Has the outermost multipart had its last delimiter?
    pub(crate) fn is_closed(&self) -> bool {
        self.entities.phase == Phase::Closed
    }

    /// The next bytes. Returns how many were taken: less than all only once the message is closed.
    pub(crate) fn push(&mut self, bytes: &[u8], cx: &mut Cx<'_>, observer: &mut dyn Observer) -> usize {
        let mut input = bytes;
        while !input.is_empty() {
            match self.entities.phase {
                Phase::Closed => break,
                Phase::Header => {
                    let Some(line) = self.lines.next(&mut input) else { break };
                    self.entities.header_line(line.text, input.first().copied(), cx, observer);
                }
                Phase::Leaf | Phase::Between => self.entities.body_bytes(&mut input, cx, observer),
            }
        }
        self.entities.flush(cx, observer);
        self.lines.rest();
        bytes.len() - input.len()
    }

    /// `len` bytes are missing.
    pub(crate) fn gap(&mut self, len: u64, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        self.lines.clear();
        self.entities.gap(len, cx, observer);
    }

    /// The message's beginning is missing; what comes next begins a line.
    pub(crate) fn begins_torn(&mut self) {
        self.entities.torn = true;
    }

    /// No more will come. `complete`: the end was marked as such.
    pub(crate) fn finish(&mut self, complete: bool, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        let rest = self.lines.partial().to_vec();
        if self.entities.phase == Phase::Header && !rest.is_empty() {
            self.entities.header_line(&rest, None, cx, observer);
        }
        self.lines.clear();
        self.entities.finish(complete, cx, observer);
    }
}

impl Entities {
    fn new(origin: Origin, count: u64) -> Self {
        Self {
            origin,
            boundaries: vec![Vec::new()],
            facts: Facts::default(),
            fold: Fold::default(),
            phase: Phase::Header,
            count: count + 1,
            line_start: true,
            candidate: Vec::new(),
            skip_line: false,
            torn: false,
            decoder: Decoder::Identity,
            held_end: HeldEnd::None,
            measure: Measure::default(),
            decoded: Vec::new(),
            file: None,
        }
    }

    fn header_line(&mut self, line: &[u8], next: Option<u8>, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        if line.starts_with(b"--") && self.delimiter(line, cx, observer) {
            return;
        }
        if self.torn && self.torn_header_line(line, cx, observer) {
            return;
        }
        if line.first().is_some_and(|b| field::is_lws(*b)) && !self.fold.is_empty() {
            if self.fold.extend(line) {
                cx.weird("exceeded_mime_max_header_bytes");
            }
            return;
        }
        self.finish_field(cx, observer);
        if observer.is_watching() {
            oddity::header_line(line, observer);
        }
        if line.is_empty() || line.first() == Some(&0) {
            oddity::header(&self.facts, observer);
            self.begin_body(cx);
        } else if next.is_some_and(|b| !field::is_lws(b)) {
            self.field(line, cx, observer);
        } else {
            self.fold.begin(line);
        }
    }

    /// A line of a header of which a part is missing: the end of that header may be, too. False if the line may belong to
    /// the header.
    fn torn_header_line(&mut self, line: &[u8], cx: &mut Cx<'_>, observer: &mut dyn Observer) -> bool {
        if std::mem::take(&mut self.skip_line) {
            // The rest of a line that the hole cut.
            return true;
        }
        if line.starts_with(b"--") {
            self.finish_field(cx, observer);
            let of_facts = self.facts.kind == Kind::Multipart;
            if of_facts {
                self.begin_body(cx);
            }
            return (of_facts && self.delimiter(line, cx, observer)) || self.adopt(line, cx, observer);
        }
        let continues = line.first().is_some_and(|b| field::is_lws(*b)) && !self.fold.is_empty();
        if line.is_empty() || continues || field::field(line).is_some() {
            return false;
        }
        self.finish_field(cx, observer);
        self.begin_body(cx);
        self.content(line, cx, observer);
        self.content(b"\r\n", cx, observer);
        true
    }

    /// Takes a line for a delimiter of the multipart whose header was lost, if it looks like one and none is known. It ends
    /// what came before.
    fn adopt(&mut self, line: &[u8], cx: &mut Cx<'_>, observer: &mut dyn Observer) -> bool {
        if self.is_multipart() {
            return false;
        }
        let text = line.strip_prefix(b"--").unwrap_or(line).trim_ascii_end();
        let token = text.strip_suffix(b"--").unwrap_or(text);
        // RFC 2046 §5.1.1, without the blank.
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(b);
        let fits = (MIN_TORN_BOUNDARY_LEN..=MAX_TORN_BOUNDARY_LEN).contains(&token.len());
        if !fits || !token.iter().all(is_part) || !token.iter().any(u8::is_ascii_alphanumeric) {
            return false;
        }
        let Some(level) = self.boundaries.first_mut() else { return false };
        *level = token.to_vec();
        self.delimiter(line, cx, observer)
    }

    fn finish_field(&mut self, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        if !self.fold.is_empty() {
            let (held, _) = self.fold.take();
            self.field(&held, cx, observer);
            self.fold.recycle(held);
        }
    }

    fn field(&mut self, line: &[u8], cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        if let Some((name, value)) = field::field(line) {
            self.facts.learn(name, value);
            observer.header(self.boundaries.len().saturating_sub(1), name, value, cx);
        }
    }

    /// The innermost entity's header is over.
    fn begin_body(&mut self, cx: &mut Cx<'_>) {
        self.line_start = true;
        match self.facts.kind {
            Kind::Multipart => {
                if let Some(level) = self.boundaries.last_mut() {
                    *level = std::mem::take(&mut self.facts.boundary);
                }
                self.phase = Phase::Between;
            }
            Kind::Message => self.begin_entity(cx),
            Kind::Leaf => {
                self.phase = Phase::Leaf;
                self.decoder = match self.facts.encoding {
                    Encoding::Identity => Decoder::Identity,
                    Encoding::Base64 => Decoder::Base64(Base64::default()),
                    Encoding::QuotedPrintable => Decoder::Quoted(Vec::new()),
                };
            }
        }
    }

    /// A part, or the message in a message.
    fn begin_entity(&mut self, cx: &mut Cx<'_>) {
        if self.boundaries.len() >= MAX_DEPTH {
            cx.weird("exceeded_mime_max_depth");
            self.phase = Phase::Between;
            return;
        }
        self.count += 1;
        self.boundaries.push(Vec::new());
        self.facts = Facts::default();
        self.phase = Phase::Header;
    }

    /// Ends a multipart's current part, and the multipart itself if the line says so. False if the line is no
    /// delimiter of any open multipart.
    fn delimiter(&mut self, line: &[u8], cx: &mut Cx<'_>, observer: &mut dyn Observer) -> bool {
        let Some(text) = line.strip_prefix(b"--") else { return false };
        let found = self.boundaries.iter().enumerate().find_map(|(level, boundary)| {
            let after = text.strip_prefix(boundary.as_slice()).filter(|_| !boundary.is_empty())?;
            let last = after.starts_with(b"--");
            (last || after.trim_ascii().is_empty()).then_some((level, last))
        });
        let Some((level, last)) = found else { return false };
        self.end_entities(level + 1, true, cx, observer);
        if !last {
            self.begin_entity(cx);
        } else if level == 0 {
            self.phase = Phase::Closed;
        } else {
            self.boundaries.truncate(level);
            self.phase = Phase::Between;
        }
        true
    }

    /// Ends all entities from `level` inwards; what follows is between parts.
    fn end_entities(&mut self, level: usize, complete: bool, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        if self.phase == Phase::Header {
            self.finish_field(cx, observer);
        }
        self.end_leaf(complete, cx, observer);
        self.boundaries.truncate(level);
        self.phase = Phase::Between;
    }

    fn body_bytes(&mut self, input: &mut &[u8], cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        let bytes = *input;
        if !self.is_multipart() && !self.torn {
            *input = &[];
            return self.content(bytes, cx, observer);
        }
        let first_is_dash = bytes.first() == Some(&b'-');
        if self.line_start && (first_is_dash || !self.candidate.is_empty()) {
            return self.collect_candidate(input, cx, observer);
        }
        // Everything up to the next line that can be a delimiter passes at once.
        let end = memchr::memmem::find(bytes, b"\n-").map_or(bytes.len(), |at| at + 1);
        let (content, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        self.line_start = content.ends_with(b"\n");
        *input = rest;
        self.content(content, cx, observer);
    }

    fn is_multipart(&self) -> bool {
        self.boundaries.iter().any(|b| !b.is_empty())
    }

    /// A line that begins like a delimiter: it has to be whole before it can be judged.
    fn collect_candidate(&mut self, input: &mut &[u8], cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        let bytes = *input;
        let whole = memchr::memchr(b'\n', bytes);
        let take = whole.map_or(bytes.len(), |at| at + 1);
        let room = MAX_DELIMITER_LEN.saturating_sub(self.candidate.len());
        let (part, rest) = bytes.split_at_checked(take.min(room)).unwrap_or((bytes, &[]));
        *input = rest;
        self.candidate.extend_from_slice(part);
        let ended = self.candidate.ends_with(b"\n");
        if ended || self.candidate.len() >= MAX_DELIMITER_LEN {
            self.judge_candidate(ended, cx, observer);
        }
    }

    fn judge_candidate(&mut self, ended: bool, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        let line = std::mem::take(&mut self.candidate);
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if !(self.delimiter(text, cx, observer) || self.torn && self.adopt(text, cx, observer)) {
            self.line_start = ended;
            self.content(&line, cx, observer);
        }
    }

    /// Content of the leaf; dropped between parts.
    fn content(&mut self, mut bytes: &[u8], cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        if self.phase != Phase::Leaf {
            return;
        }
        if self.skip_line {
            let Some(at) = memchr::memchr(b'\n', bytes) else { return };
            self.skip_line = false;
            bytes = bytes.get(at + 1..).unwrap_or(&[]);
        }
        if observer.is_watching() {
            self.measure.body(bytes, &self.facts, observer);
        }
        match &mut self.decoder {
            // Suricata does not take the line end before a mail's end for content.
            Decoder::Identity if self.boundaries.iter().all(Vec::is_empty) && !cx.is_for_eve() => {
                self.write(bytes, cx, observer)
            }
            Decoder::Identity => self.identity(bytes, cx, observer),
            Decoder::Base64(decoder) => decoder.push(bytes, &mut self.decoded),
            Decoder::Quoted(_) => self.quoted(bytes, observer),
        }
    }

    /// Passes bytes on, except a line end at their end, which may belong to a delimiter.
    fn identity(&mut self, bytes: &[u8], cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        if bytes.is_empty() {
            return;
        }
        if self.held_end == HeldEnd::Cr && bytes == b"\n" {
            self.held_end = HeldEnd::CrLf;
            return;
        }
        self.release_end(cx, observer);
        self.held_end = HeldEnd::of(bytes);
        let len = bytes.len() - self.held_end.bytes().len();
        self.write(bytes.get(..len).unwrap_or(bytes), cx, observer);
    }

    fn release_end(&mut self, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        let end = std::mem::take(&mut self.held_end);
        self.write(end.bytes(), cx, observer);
    }

    /// Quoted-printable, line by line. The last line's end, though it belongs to the delimiter, is kept, as in Zeek.
    fn quoted(&mut self, mut bytes: &[u8], observer: &mut dyn Observer) {
        let Decoder::Quoted(line) = &mut self.decoder else { return };
        while !bytes.is_empty() {
            let at = memchr::memchr(b'\n', bytes);
            let take = at.map_or(bytes.len(), |at| at + 1).min(MAX_QUOTED_LINE - line.len());
            let (part, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
            bytes = rest;
            line.extend_from_slice(part);
            let ended = line.ends_with(b"\n");
            if ended || line.len() >= MAX_QUOTED_LINE {
                if observer.is_watching() {
                    oddity::quoted_line(line, observer);
                }
                if decode::quoted_printable(line, &mut self.decoded) && ended {
                    self.decoded.extend_from_slice(b"\r\n");
                }
                line.clear();
            }
        }
    }

    /// Content as it goes to the file, which begins with the first byte.
    fn write(&mut self, bytes: &[u8], cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        if bytes.is_empty() {
            return;
        }
        let id = self.open_file(cx, observer);
        observer.part(bytes);
        if observer.wants_text() && self.facts.is_text() {
            observer.text(bytes);
        }
        cx.file_data(id, bytes);
    }

    fn open_file(&mut self, cx: &mut Cx<'_>, observer: &mut dyn Observer) -> FileId {
        if let Some(leaf) = self.file {
            return leaf.id;
        }
        let depth = if self.origin.numbered { self.count } else { 0 };
        let id = self.facts.open(&self.origin, depth, None, cx);
        observer.file(id, &self.facts);
        self.file = Some(Leaf::begin(id, self.facts.filename.as_ref(), cx, observer));
        id
    }

    /// Hands decoded bytes on.
    fn flush(&mut self, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        if !self.decoded.is_empty() {
            let mut decoded = std::mem::take(&mut self.decoded);
            self.write(&decoded, cx, observer);
            decoded.clear();
            self.decoded = decoded;
        }
    }

    fn end_leaf(&mut self, complete: bool, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        if self.phase == Phase::Leaf {
            match &mut self.decoder {
                Decoder::Base64(decoder) => {
                    decoder.finish(&mut self.decoded);
                    if decoder.is_broken() {
                        observer.odd("mime_invalid_base64");
                    }
                }
                Decoder::Quoted(line) if !line.is_empty() => {
                    decode::quoted_printable(line, &mut self.decoded);
                }
                Decoder::Identity | Decoder::Quoted(_) => {}
            }
            self.flush(cx, observer);
            self.held_end = HeldEnd::None;
            self.decoder = Decoder::Identity;
            reuse(&mut self.decoded);
        }
        if let Some(leaf) = self.file.take() {
            leaf.end(complete, cx, observer);
        }
    }

    fn gap(&mut self, len: u64, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        let candidate = std::mem::take(&mut self.candidate);
        self.content(&candidate, cx, observer);
        self.flush(cx, observer);
        self.line_start = false;
        if self.phase == Phase::Header {
            self.torn = true;
            self.skip_line = true;
        }
        if self.phase != Phase::Leaf {
            return;
        }
        let missing = match &mut self.decoder {
            Decoder::Identity => len,
            Decoder::Base64(decoder) => {
                *decoder = Base64::default();
                self.skip_line = true;
                len / 4 * 3
            }
            Decoder::Quoted(line) => {
                line.clear();
                self.skip_line = true;
                len
            }
        };
        if self.held_end != HeldEnd::None {
            self.release_end(cx, observer);
        }
        let id = self.open_file(cx, observer);
        cx.file_gap(id, missing);
    }

    fn finish(&mut self, complete: bool, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        if !self.candidate.is_empty() {
            self.judge_candidate(false, cx, observer);
        }
        self.end_entities(0, complete, cx, observer);
        self.phase = Phase::Closed;
    }
}
