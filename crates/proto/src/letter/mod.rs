//! Mails as detectors want them: who says that he sent it, where its links lead, what is attached. A helper of SMTP, POP3
//! and IMAP, no protocol; nothing of it is done unless somebody judges.
//!
//! Of texts and attachments bounded copies are made, one at a time ([`MAX_TEXT_LEN`], [`MAX_ATTACHED_LEN`]); what is told
//! is bounded, too.

mod attached;
mod links;
mod record;
#[cfg(test)]
mod tests;
mod whole;

pub use record::MailRecord;
pub use whole::{mail, split_mbox};

use crate::mime::{Facts, Observer, field};
use crate::{Cx, FileId, FileInfo};
use attached::Part;
use links::Found;
use sekisho_record::{Head, Text, UnsetIfEmpty};
use sekisho_types::{Heap, Timestamp, list_len};
use sha2::{Digest, Sha256};

/// Bytes of one text that are looked at.
const MAX_TEXT_LEN: usize = 256 * 1024;
/// Bytes of one attachment that are looked into.
const MAX_ATTACHED_LEN: usize = 2 << 20;
/// Attachments and members of attachments told of one mail.
const MAX_PARTS: usize = 256;
/// Fields of a kind that are told.
const MAX_FIELDS: usize = 16;
/// Bytes told of one field.
const MAX_FIELD_LEN: usize = 1024;
/// Recipients told.
const MAX_RECIPIENTS: usize = 64;

/// What the header says.
#[derive(Debug, Default)]
struct Fields {
    from: Option<Text>,
    reply_to: Option<Text>,
    return_path: Option<Text>,
    message_id: Option<Text>,
    subject: Option<Text>,
    to: Vec<Text>,
    received: Vec<Text>,
    auth_results: Vec<Text>,
    date: Option<Timestamp>,
    arc_pass: bool,
    is_list: bool,
}

/// The part that passes.
#[derive(Debug)]
struct Leaf {
    name: Option<Text>,
    declared: Option<Text>,
    /// It is part of what the mail says, no attachment.
    is_text: bool,
    bytes: Vec<u8>,
    len: u64,
    digest: Option<Sha256>,
    gap: bool,
}

/// A mail that passes.
#[derive(Debug, Default)]
pub(crate) struct Letter {
    ts: Timestamp,
    packet: u64,
    fields: Fields,
    leaf: Option<Box<Leaf>>,
    /// Attachments so far.
    attached: u64,
    parts: Vec<Part>,
    found: Found,
    complete: bool,
    gap: bool,
}

/// What is known of the way that a mail took.
#[derive(Default)]
pub(crate) struct Envelope<'a> {
    pub(crate) protocol: &'static str,
    pub(crate) helo: Option<&'a Text>,
    pub(crate) mailfrom: Option<&'a Text>,
    pub(crate) rcptto: &'a [Text],
    pub(crate) accepted: Option<bool>,
    /// The responder sends it: somebody reads his mail.
    pub(crate) to_client: bool,
}

impl Heap for Fields {
    fn heap_len(&self) -> usize {
        let single = [&self.from, &self.reply_to, &self.return_path, &self.message_id, &self.subject];
        let lists = [&self.to, &self.received, &self.auth_results];
        single.iter().map(|f| f.heap_len()).sum::<usize>()
            + lists.iter().map(|l| list_len(l) + l.as_slice().heap_len()).sum::<usize>()
    }
}

impl Heap for Letter {
    fn heap_len(&self) -> usize {
        let leaf = self.leaf.as_ref().map_or(0, |l| size_of::<Leaf>() + l.bytes.heap_len());
        self.fields.heap_len() + leaf + self.found.heap_len() + list_len(&self.parts) + self.parts.as_slice().heap_len()
    }
}

fn cut(text: &[u8]) -> Text {
    text.get(..MAX_FIELD_LEN).unwrap_or(text).into()
}

impl Letter {
    /// A mail begins; `None` unless somebody judges.
    pub(crate) fn begin(cx: &Cx<'_>) -> Option<Box<Self>> {
        cx.is_judged().then(|| Box::new(Self { ts: cx.ts, packet: cx.source, ..Self::default() }))
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        let f = &mut self.fields;
        let is = |text: &str| name.eq_ignore_ascii_case(text.as_bytes());
        let add = |list: &mut Vec<Text>| {
            if list.len() < MAX_FIELDS {
                list.push(cut(value));
            }
        };
        match name.len() {
            2 if is("to") && f.to.len() < MAX_RECIPIENTS => {
                let left = MAX_RECIPIENTS - f.to.len();
                f.to.extend(addresses(value).into_iter().take(left).map(|a| cut(&a)));
            }
            4 if is("from") => f.from = Some(cut(value)),
            4 if is("date") => f.date = f.date.or_else(|| whole::date(value)),
            7 if is("subject") => f.subject = Some(cut(&field::decode_words(value))),
            7 if is("list-id") => f.is_list = true,
            8 if is("reply-to") => f.reply_to = Some(cut(value)),
            8 if is("received") => add(&mut f.received),
            8 if is("arc-seal") => f.arc_pass |= contains(value, b"cv=pass"),
            10 if is("message-id") => f.message_id = Some(cut(value)),
            10 if is("precedence") => {
                f.is_list |= matches!(&*value.trim_ascii().to_ascii_lowercase(), b"bulk" | b"list" | b"junk");
            }
            11 if is("return-path") => f.return_path = Some(cut(value)),
            16 if is("list-unsubscribe") => f.is_list = true,
            22 if is("authentication-results") => add(&mut f.auth_results),
            26 if is("arc-authentication-results") => f.arc_pass |= contains(value, b"dmarc=pass"),
            _ => {}
        }
    }

    fn opened(&mut self, facts: &Facts) {
        let is_text = facts.is_text() && facts.filename.is_none();
        self.leaf = Some(Box::new(Leaf {
            name: facts.filename.as_ref().map(|n| cut(&n.0)),
            declared: facts.declared_mime.clone(),
            is_text,
            bytes: Vec::new(),
            len: 0,
            digest: (!is_text).then(Sha256::new),
            gap: false,
        }));
    }

    fn part(&mut self, bytes: &[u8]) {
        let Some(leaf) = &mut self.leaf else { return };
        leaf.len += bytes.len() as u64;
        if let Some(digest) = &mut leaf.digest {
            digest.update(bytes);
        }
        let max = if leaf.is_text { MAX_TEXT_LEN } else { MAX_ATTACHED_LEN };
        let room = max.saturating_sub(leaf.bytes.len());
        leaf.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn closed(&mut self) {
        let Some(leaf) = self.leaf.take() else { return };
        if leaf.is_text {
            let html = leaf.declared.as_ref().is_some_and(|d| d.0 == b"text/html");
            // Where bytes are missing, the header of a part in HTML may be among them.
            if html || self.gap && has_anchor(&leaf.bytes) {
                self.found.html(&leaf.bytes)
            } else {
                self.found.plain(&leaf.bytes)
            }
            return;
        }
        if leaf.len > 0 {
            let whole = !leaf.gap && leaf.len == leaf.bytes.len() as u64;
            let sha256 = leaf.digest.map(|d| d.finalize().into()).filter(|_| !leaf.gap);
            let root = Part::root(self.attached, leaf.name, leaf.declared, leaf.len, sha256);
            attached::examine(root, &leaf.bytes, (whole, sha256), &mut self.parts);
        }
        self.attached += 1;
    }

    /// Bytes are missing.
    pub(crate) fn gap(&mut self) {
        self.gap = true;
        if let Some(leaf) = &mut self.leaf {
            leaf.gap = true;
        }
    }

    /// The mail is over; `complete` if its end was marked.
    pub(crate) fn end(&mut self, complete: bool) {
        self.closed();
        self.complete = complete && !self.gap;
    }

    /// Tells of it.
    pub(crate) fn tell(self, envelope: &Envelope<'_>, cx: &mut Cx<'_>) {
        let head = Head { ts: self.ts, ..cx.head(cx.ts) };
        let row = self.row(head, envelope);
        cx.emit(row);
    }

    fn row(self, head: Head, envelope: &Envelope<'_>) -> MailRecord {
        let Fields { from, reply_to, return_path, message_id, subject, to, received, auth_results, .. } = self.fields;
        let Found { links, text, .. } = self.found;
        let from = from.as_ref().map_or(&[][..], |f| &f.0);
        let first = |field: &Option<Text>| field.as_ref().and_then(|f| addresses(&f.0).into_iter().next()).map(Text);
        let list = |of: fn(&Part) -> Text| UnsetIfEmpty(self.parts.iter().map(of).collect());
        let numbers = |of: fn(&Part) -> u64| UnsetIfEmpty(self.parts.iter().map(of).collect());
        MailRecord {
            head,
            protocol: envelope.protocol,
            file: None,
            packet: self.packet,
            complete: self.complete,
            to_client: envelope.to_client,
            helo: envelope.helo.map(|h| cut(&h.0)),
            mailfrom: envelope.mailfrom.map(|m| cut(&m.0)),
            rcptto: UnsetIfEmpty(envelope.rcptto.iter().take(MAX_RECIPIENTS).map(|r| cut(&r.0)).collect()),
            accepted: envelope.accepted,
            from_name: Some(Text(display_name(from))).filter(|n| !n.0.is_empty()),
            from: addresses(from).into_iter().next().map(Text),
            from_count: addresses(from).len() as u64,
            reply_to: first(&reply_to),
            return_path: first(&return_path),
            message_id,
            subject,
            to: UnsetIfEmpty(to),
            received: UnsetIfEmpty(received),
            auth_results: UnsetIfEmpty(auth_results),
            arc_pass: self.fields.arc_pass,
            is_list: self.fields.is_list,
            text: Some(Text(text)).filter(|t| !t.0.is_empty()),
            link_texts: UnsetIfEmpty(links.iter().map(|l| Text(l.text.clone())).collect()),
            link_targets: UnsetIfEmpty(links.into_iter().map(|l| Text(l.href)).collect()),
            part_of: numbers(|p| p.attachment),
            part_depths: numbers(|p| p.depth),
            part_lens: numbers(|p| p.len),
            part_names: list(|p| p.name.clone()),
            part_kinds: list(|p| p.kind.into()),
            part_declared: list(|p| p.declared.clone()),
            part_notes: list(|p| p.notes.join(&b' ').into()),
            part_sha256: list(|p| p.sha256.clone()),
        }
    }
}

/// Is there an element that links?
fn has_anchor(text: &[u8]) -> bool {
    let is_anchor = |at: usize| text.get(at + 1..at + 3).is_some_and(|t| t.eq_ignore_ascii_case(b"a "));
    memchr::memchr_iter(b'<', text).any(is_anchor)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// The addresses of a field, in lower case: what stands in angle brackets, else words with an `@`. What is quoted is a
/// name, whatever it looks like.
fn addresses(value: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut rest = unquoted(value);
    while let Some(at) = memchr::memchr(b'@', &rest) {
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || !b.is_ascii() || b"!#$%&'*+-/=?^_`{|}~.".contains(b);
        let before = rest.get(..at).unwrap_or(&[]).iter().rev().take_while(|b| is_part(b)).count();
        let behind = rest.get(at + 1..).unwrap_or(&[]);
        let after = behind.iter().take_while(|b| is_part(b) || matches!(b, b'[' | b']' | b':')).count();
        // An address that names itself before its brackets counts once.
        let in_brackets = rest.get(..at - before).is_some_and(|b| b.ends_with(b"<"));
        let whole = rest.get(at - before..at + 1 + after).unwrap_or(&[]).to_ascii_lowercase();
        if before > 0 && after > 0 && all.len() < MAX_RECIPIENTS {
            all.push((in_brackets, whole));
        }
        rest = rest.split_off((at + 1 + after).min(rest.len()));
    }
    let bracketed = all.iter().any(|a| a.0);
    all.into_iter().filter(|a| a.0 || !bracketed).map(|a| a.1).collect()
}

/// A field without what is quoted or a comment.
fn unquoted(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let (mut quoted, mut escaped, mut depth) = (false, false, 0u32);
    for &b in value {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => depth = depth.saturating_add(1),
            b')' if !quoted => depth = depth.saturating_sub(1),
            _ if quoted || depth > 0 => {}
            b => out.push(b),
        }
    }
    out
}

/// The name before the address, decoded (RFC 2047), without quotes; of several the first.
fn display_name(from: &[u8]) -> Vec<u8> {
    let (mut quoted, mut escaped) = (false, false);
    let mut end = None;
    for (at, &b) in from.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => {
                end = Some(at);
                break;
            }
            b',' if !quoted => break,
            _ => {}
        }
    }
    let Some(name) = end.and_then(|end| from.get(..end)) else { return Vec::new() };
    let name = name.trim_ascii();
    let name = name.strip_prefix(b"\"").and_then(|n| n.strip_suffix(b"\"")).unwrap_or(name);
    let plain: Vec<u8> = name.iter().copied().filter(|b| *b != b'\\').collect();
    field::decode_words(&plain).trim_ascii().to_vec()
}

/// Lets a letter hear what another observer hears.
pub(crate) struct With<'a, O> {
    pub(crate) inner: &'a mut O,
    pub(crate) letter: Option<&'a mut Letter>,
}

impl<O: Observer> Observer for With<'_, O> {
    fn header(&mut self, level: usize, name: &[u8], value: &[u8], cx: &mut Cx<'_>) {
        if level == 0
            && let Some(letter) = &mut self.letter
        {
            letter.field(name, value);
        }
        self.inner.header(level, name, value, cx);
    }

    fn begun(&mut self, file: FileId) {
        self.inner.begun(file);
    }

    fn content(&mut self, bytes: &[u8]) {
        self.inner.content(bytes);
    }

    fn opened(&mut self, info: FileInfo, filename: Option<&Text>) {
        self.inner.opened(info, filename);
    }

    fn closed(&mut self, info: FileInfo) {
        if let Some(letter) = &mut self.letter {
            letter.closed();
        }
        self.inner.closed(info);
    }

    fn file(&mut self, id: FileId, facts: &Facts) {
        if let Some(letter) = &mut self.letter {
            letter.opened(facts);
        }
        self.inner.file(id, facts);
    }

    fn part(&mut self, bytes: &[u8]) {
        if let Some(letter) = &mut self.letter {
            letter.part(bytes);
        }
    }

    fn is_watching(&self) -> bool {
        self.inner.is_watching()
    }

    fn odd(&mut self, name: &'static str) {
        self.inner.odd(name);
    }

    fn wants_text(&self) -> bool {
        self.inner.wants_text()
    }

    fn text(&mut self, bytes: &[u8]) {
        self.inner.text(bytes);
    }
}
