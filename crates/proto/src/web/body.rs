//! A message's content on its way to files: content codings undone, multiparts taken apart.

use super::seen::MAX_CONTENT_LEN;
use crate::mime::field::token;
use crate::mime::{Facts, Kind, Leaf, Mime, Observer, Origin};
use crate::{Cx, FileId, Windows};
use sekisho_inflate::{Coding, Inflater, Limits, Outcome};
use sekisho_record::Text;
use sekisho_types::{Heap, block_len};
use smallvec::SmallVec;

/// Codings applied one after the other; a message with more is passed on as it is.
const MAX_CODINGS: usize = 3;

/// The worker can't decode any more at present, or no more of this content.
const OVER_BUDGET: &str = "HTTP_decoding_over_budget";

/// Codings in the order in which they were applied.
#[derive(Clone, Debug, Default)]
pub(crate) struct Codings {
    list: SmallVec<[Coding; MAX_CODINGS]>,
    /// More than [`MAX_CODINGS`], or one that is unknown: nothing is undone.
    opaque: bool,
}

impl Codings {
    /// Takes up a Content-Encoding field. Codings that stand between other bytes count as well, as they do for Suricata:
    /// what is not coded after all passes as it is.
    pub(crate) fn add_all(&mut self, value: &[u8]) {
        for coding in value.split(|b| matches!(*b, b',' | b' ' | b'\t')) {
            let coding = token(coding);
            let plain = coding.iter().position(u8::is_ascii_alphabetic).and_then(|at| coding.get(at..)).unwrap_or(&[]);
            let len = plain.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
            if let Some(name) = plain.get(..len).filter(|name| Coding::from_http(name).is_some()) {
                self.add(name);
            }
        }
    }

    /// Takes up one coding.
    pub(crate) fn add(&mut self, coding: &[u8]) {
        if coding.is_empty() || coding.eq_ignore_ascii_case(b"identity") {
            return;
        }
        match Coding::from_http(coding) {
            Some(c) if self.list.len() < MAX_CODINGS => self.list.push(c),
            _ => self.opaque = true,
        }
    }

    /// The codings to undo; none if one of them can't be.
    fn decodable(&self) -> &[Coding] {
        if self.opaque { &[] } else { &self.list }
    }
}

/// The content of one message.
pub(crate) struct Body {
    /// It comes coded.
    coded: bool,
    /// Decoders in the order of use; none once one has given up.
    decoders: SmallVec<[Layer; 1]>,
    /// Their share of the worker's memory.
    windows: Option<Windows>,
    len: u64,
    /// The last byte, if any, is no line end.
    within_line: bool,
    /// What could not be decoded, by Suricata's name of the event.
    odd: Option<&'static str>,
    content: Content,
}

struct Content {
    origin: Origin,
    facts: Facts,
    total_len: Option<u64>,
    file: Option<Leaf>,
    /// For anything but a single content.
    parts: Option<Box<Mime>>,
    /// Bytes that detectors still want of its beginning.
    wanted_len: u16,
}

impl Body {
    /// Content of a message whose header was read. `total_len`: the size, if known beforehand and uncoded.
    pub(crate) fn new(
        origin: Origin,
        facts: Facts,
        codings: &Codings,
        total_len: Option<u64>,
        cx: &mut Cx<'_>,
    ) -> Self {
        let codings = codings.decodable();
        let parts = (facts.kind != Kind::Leaf).then(|| Box::new(Mime::body(origin.clone(), facts.clone(), cx)));
        let total_len = total_len.filter(|_| codings.is_empty());
        let is_wanted = |m: &Text| matches!(m.0.as_slice(), b"application/x-www-form-urlencoded" | b"text/xml");
        let is_request = || facts.declared_mime.as_ref().is_some_and(is_wanted);
        let wanted = cx.is_judged() && if origin.is_orig { is_request() } else { cx.is_exposed() };
        let wanted_len = if wanted { MAX_CONTENT_LEN } else { 0 };
        let (decoders, windows) = if codings.is_empty() { (SmallVec::new(), None) } else { decoders(codings, cx) };
        Self {
            coded: !codings.is_empty(),
            decoders,
            windows,
            len: 0,
            within_line: false,
            odd: None,
            content: Content { origin, facts, total_len, file: None, parts, wanted_len },
        }
    }

    /// Content of which nothing is said beforehand.
    pub(crate) fn plain(origin: Origin) -> Self {
        let content =
            Content { origin, facts: Facts::default(), total_len: None, file: None, parts: None, wanted_len: 0 };
        Self { coded: false, decoders: SmallVec::new(), windows: None, len: 0, within_line: false, odd: None, content }
    }

    /// Is the content's end marked by a multipart's last delimiter, and was it seen?
    pub(crate) fn is_closed(&self) -> bool {
        self.content.is_closed()
    }

    /// Is this content of lines (a multipart, a message), and the last of them without an end?
    pub(crate) fn ends_within_line(&self) -> bool {
        self.within_line && self.content.parts.is_some()
    }

    /// The next bytes as sent. Returns how many were taken: less than all only if the content is `open_ended`
    /// and a delimiter closes it.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        open_ended: bool,
        cx: &mut Cx<'_>,
        observer: &mut dyn Observer,
    ) -> usize {
        let Self { coded, decoders, windows, len, content, within_line, odd } = self;
        if !*coded {
            let taken = content.push(bytes, cx, observer);
            let mut counted = track_line(within_line, bytes, taken);
            if !open_ended && *within_line && content.is_closed() {
                // What follows the last delimiter's line within a known length is passed over; Zeek does not count it.
                let rest = bytes.get(taken..).unwrap_or(&[]);
                let line_len = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
                counted += track_line(within_line, rest, line_len);
            }
            *len += counted as u64;
            return if open_ended { taken } else { bytes.len() };
        }
        let Some(share) = windows else {
            cx.decoding().refill(bytes.len());
            return bytes.len();
        };
        let before = *len;
        let fine = inflate(decoders, bytes, &mut |decoded| {
            *len += decoded.len() as u64;
            content.push(decoded, cx, observer);
        });
        cx.decoding().refill(bytes.len());
        if decoders.iter_mut().any(|layer| std::mem::take(&mut layer.turned)) {
            cx.weird("HTTP_bad_content_coding");
            *odd = Some("gzip_decompression_failed");
        }
        let held_len = decoders.iter().map(Layer::held_len).sum();
        let afforded = cx.decoding().spend(share, *len - before, held_len);
        if !fine || !afforded {
            self.odd = Some(if fine { "compression_bomb" } else { "gzip_decompression_failed" });
            self.give_up();
            cx.weird(if fine { OVER_BUDGET } else { "HTTP_bad_content_coding" });
        }
        bytes.len()
    }

    /// What could not be decoded since it was asked last.
    pub(crate) fn take_odd(&mut self) -> Option<&'static str> {
        self.odd.take()
    }

    /// Nothing more will be decoded, and what decoders held is free.
    fn give_up(&mut self) {
        self.decoders.clear();
        self.windows = None;
    }

    /// `missing` bytes will never come. Those of parts do not count, as in Zeek.
    pub(crate) fn gap(&mut self, missing: u64, cx: &mut Cx<'_>, observer: &mut dyn Observer) {
        // No decoder goes on behind a hole.
        self.give_up();
        match &mut self.content.parts {
            Some(parts) => parts.gap(missing, cx, observer),
            None => {
                self.len = self.len.saturating_add(missing);
                let id = self.content.open(cx, observer);
                cx.file_gap(id, missing);
            }
        }
    }

    /// The content is over.
    pub(crate) fn finish(mut self, complete: bool, cx: &mut Cx<'_>, observer: &mut dyn Observer) -> u64 {
        let Self { decoders, windows, len, content, .. } = &mut self;
        let before = *len;
        let mut rest: &mut [Layer] = decoders;
        while let Some((first, inner)) = rest.split_first_mut() {
            let mut out = |decoded: &[u8]| {
                inflate(inner, decoded, &mut |plain| {
                    *len += plain.len() as u64;
                    content.push(plain, cx, observer);
                });
            };
            first.finish(&mut out);
            rest = inner;
        }
        if let Some(share) = windows {
            // What comes too late to be stopped makes debt.
            let held_len = decoders.iter().map(Layer::held_len).sum();
            let _ = cx.decoding().spend(share, *len - before, held_len);
        }
        if let Some(parts) = &mut content.parts {
            parts.finish(complete, cx, observer);
        }
        if let Some(leaf) = content.file.take() {
            leaf.end(complete, cx, observer);
        }
        *len
    }
}

/// Decoders for a content, the outermost coding first, and their share of the worker's memory; none if there is no
/// room.
fn decoders(codings: &[Coding], cx: &mut Cx<'_>) -> (SmallVec<[Layer; 1]>, Option<Windows>) {
    let account = cx.decoding();
    if !account.is_full() {
        let limits = Limits { memory_len: account.decoder_len(), ..Limits::default() };
        let chain: SmallVec<[Layer; 1]> = codings.iter().rev().map(|c| Layer::new(*c, limits)).collect();
        let windows = account.open(chain.iter().map(Layer::held_len).sum());
        if windows.is_some() {
            return (chain, windows);
        }
    }
    cx.weird(OVER_BUDGET);
    (SmallVec::new(), None)
}

impl Heap for Body {
    /// Decoders are counted by their share of [`crate::Decoding`].
    fn heap_len(&self) -> usize {
        let Content { origin, facts, parts, .. } = &self.content;
        let decoders =
            if self.decoders.spilled() { block_len(self.decoders.capacity() * size_of::<Layer>()) } else { 0 };
        origin.heap_len() + facts.heap_len() + parts.heap_len() + decoders
    }
}

/// Runs bytes through a chain of decoders; false once one of them can't go on.
fn inflate(chain: &mut [Layer], bytes: &[u8], out: &mut dyn FnMut(&[u8])) -> bool {
    let Some((first, rest)) = chain.split_first_mut() else {
        out(bytes);
        return true;
    };
    let mut ok = true;
    let fine = first.push(bytes, &mut |decoded| ok &= inflate(rest, decoded, out));
    ok && fine
}

/// Bytes at the beginning of a content that its decoder may take before it gives any.
const MAX_DOUBT_LEN: usize = 64;

/// One coding to be undone. A content that is not coded as it says, to be seen at its beginning, passes as it is: so
/// browsers and Suricata take it, and those who evade detection write it.
struct Layer {
    inflater: Inflater,
    /// What the decoder took before it gave anything.
    doubt: SmallVec<[u8; MAX_DOUBT_LEN]>,
    state: Doubt,
    gzip: bool,
    taken_len: u64,
    /// It has just shown that the content is not coded so.
    turned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    Open,
    /// It is coded as it says.
    Coded,
    /// It is not.
    Plain,
}

impl Layer {
    fn new(coding: Coding, limits: Limits) -> Self {
        let gzip = coding == Coding::Gzip;
        let inflater = Inflater::new(coding, limits);
        Self { inflater, doubt: SmallVec::new(), state: Doubt::Open, gzip, taken_len: 0, turned: false }
    }

    fn held_len(&self) -> usize {
        self.inflater.held_len()
    }

    /// False if the decoder can't go on.
    fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) -> bool {
        if self.state == Doubt::Plain {
            out(bytes);
            return true;
        }
        let patched = self.without_reserved_bits(bytes);
        self.taken_len += bytes.len() as u64;
        let in_doubt = self.state == Doubt::Open;
        if in_doubt && self.doubt.len() < MAX_DOUBT_LEN {
            self.doubt.extend(bytes.iter().copied().take(MAX_DOUBT_LEN - self.doubt.len()));
        }
        let mut given = false;
        let outcome = self.inflater.push(patched.as_deref().unwrap_or(bytes), &mut |decoded| {
            given = true;
            out(decoded);
        });
        let fine = !matches!(outcome, Outcome::Stopped(_));
        if given || !in_doubt || fine && self.taken_len > MAX_DOUBT_LEN as u64 {
            self.state = Doubt::Coded;
            self.doubt = SmallVec::new();
            return fine;
        }
        if fine {
            return true;
        }
        // What was taken before this call, then this call's bytes.
        (self.state, self.turned) = (Doubt::Plain, true);
        let before = usize::try_from(self.taken_len).unwrap_or(usize::MAX).saturating_sub(bytes.len());
        if let Some(before) = self.doubt.get(..before) {
            out(before);
        }
        out(bytes);
        true
    }

    /// The flags of a gzip header that RFC 1952 §2.3.1.2 reserves are passed over, and so is the header's checksum, which
    /// nobody checks.
    fn without_reserved_bits(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        const FLAGS_AT: u64 = 3;
        const KNOWN: u8 = 0x1f;
        const CHECKSUM: u8 = 0x02;
        let at = usize::try_from(FLAGS_AT.checked_sub(self.taken_len)?).ok()?;
        let told = *bytes.get(at).filter(|_| self.gzip)?;
        let checksum_at = if self.taken_len == 0 && told & CHECKSUM != 0 { checksum_at(bytes) } else { None };
        if told & !KNOWN == 0 && checksum_at.is_none() {
            return None;
        }
        let mut patched = bytes.to_vec();
        if let Some(flags) = patched.get_mut(at) {
            *flags &= if checksum_at.is_some() { KNOWN & !CHECKSUM } else { KNOWN };
        }
        if let Some(from) = checksum_at {
            patched.drain(from..from + 2);
        }
        Some(patched)
    }

    fn finish(&mut self, out: &mut dyn FnMut(&[u8])) {
        if self.state != Doubt::Plain {
            self.inflater.finish(out);
        }
    }
}

/// Where in a gzip header its checksum stands, if all of it is here (RFC 1952 §2.3).
fn checksum_at(header: &[u8]) -> Option<usize> {
    const FIXED_LEN: usize = 10;
    const EXTRA: u8 = 0x04;
    const NAME: u8 = 0x08;
    const COMMENT: u8 = 0x10;
    let flags = *header.get(3)?;
    let mut at = FIXED_LEN;
    if flags & EXTRA != 0 {
        let len = header.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two))?;
        at += 2 + usize::from(len);
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            at += memchr::memchr(0, header.get(at..)?)? + 1;
        }
    }
    header.get(at..at.checked_add(2)?).map(|_| at)
}

/// Notes whether the first `len` of `bytes` end within a line, if there are any; gives `len` back.
fn track_line(within_line: &mut bool, bytes: &[u8], len: usize) -> usize {
    if let Some(last) = len.checked_sub(1).and_then(|at| bytes.get(at)) {
        *within_line = *last != b'\n';
    }
    len
}

impl Content {
    fn is_closed(&self) -> bool {
        self.parts.as_ref().is_some_and(|p| p.is_closed())
    }

    fn push(&mut self, bytes: &[u8], cx: &mut Cx<'_>, observer: &mut dyn Observer) -> usize {
        if let Some(parts) = &mut self.parts {
            return parts.push(bytes, cx, observer);
        }
        if !bytes.is_empty() {
            if self.wanted_len > 0 {
                observer.content(bytes);
                self.wanted_len = self.wanted_len.saturating_sub(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
            }
            let id = self.open(cx, observer);
            cx.file_data(id, bytes);
        }
        bytes.len()
    }

    fn open(&mut self, cx: &mut Cx<'_>, observer: &mut dyn Observer) -> FileId {
        if let Some(leaf) = self.file {
            return leaf.id;
        }
        let id = self.facts.open(&self.origin, 0, self.total_len, cx);
        self.file = Some(Leaf::begin(id, self.facts.filename.as_ref(), cx, observer));
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gzip_headers_checksum_is_found() {
        let plain = [0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 3, 0xaa, 0xbb, 1];
        assert_eq!(checksum_at(&plain), Some(10));
        let named = [&[0x1f, 0x8b, 8, 0x0e, 0, 0, 0, 0, 0, 3, 1, 0, 9][..], b"name\0", &[0xaa, 0xbb]].concat();
        assert_eq!(checksum_at(&named), Some(18));
        assert_eq!(checksum_at(&named[..19]), None);
    }
}
