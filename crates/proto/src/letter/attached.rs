//! What is attached, and what is in that: types by content, names, what is encrypted, as far down as a few levels.

use super::{MAX_FIELD_LEN, MAX_PARTS, contains};
use crate::markup::attribute;
use sekisho_record::Text;
use sekisho_types::Heap;
use sekisho_unpack::{
    Anomaly, Budget, Completeness, Content, Kind, Limits, Member, MemberId, Sink, Unpacker, Visit, kind,
};

/// Limits of looking into one attachment. The work is about a fiftieth of a second.
const LIMITS: Limits = Limits {
    depth: 4,
    members: 1_000,
    total_len: 8 << 20,
    member_len: 2 << 20,
    memory_len: 2 << 20,
    held_len: 8 << 20,
    ratio: 500,
    ratio_from_len: 1 << 20,
    window_len: 8 << 20,
    work: 16 << 20,
};
/// Bytes of a page, script or relation that are searched.
const MAX_SEARCHED_LEN: usize = 512 * 1024;
/// Bytes of a workbook's beginning that are walked for the types of its sheets.
const MAX_SHEETS_LEN: usize = 256 * 1024;
/// A run of base64 so long is data, no word or key.
const MUCH_BASE64: usize = 4096;

/// An attachment, or a member of one.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) attachment: u64,
    pub(super) depth: u64,
    pub(super) len: u64,
    pub(super) name: Text,
    pub(super) kind: &'static str,
    pub(super) declared: Text,
    pub(super) notes: Vec<&'static [u8]>,
    pub(super) sha256: Text,
}

impl Heap for Part {
    fn heap_len(&self) -> usize {
        self.name.heap_len() + self.declared.heap_len() + self.sha256.heap_len() + size_of_val(&*self.notes)
    }
}

impl Part {
    /// An attachment whose content has not been looked at.
    pub(super) fn root(
        attachment: u64,
        name: Option<Text>,
        declared: Option<Text>,
        len: u64,
        sha256: Option<[u8; 32]>,
    ) -> Self {
        let hex = |d: [u8; 32]| Text(d.iter().flat_map(|b| format!("{b:02x}").into_bytes()).collect());
        Self {
            attachment,
            depth: 0,
            len,
            name: name.unwrap_or_default(),
            kind: Kind::Data.name(),
            declared: declared.unwrap_or_default(),
            notes: Vec::new(),
            sha256: sha256.map(hex).unwrap_or_default(),
        }
    }
}

/// Looks into an attachment; `whole`: all its bytes are here, and their digest may be known.
pub(super) fn examine(mut root: Part, bytes: &[u8], (whole, sha256): (bool, Option<[u8; 32]>), parts: &mut Vec<Part>) {
    if parts.len() >= MAX_PARTS {
        return;
    }
    let kind = kind::recognise_bytes(bytes);
    root.kind = kind.name();
    if !whole {
        root.notes.push(b"cut");
    }
    root.notes.extend(noted(kind, &Content::from_bytes(bytes), &root.name.0));
    let attachment = root.attachment;
    parts.push(root);
    if !opens(kind) {
        return;
    }
    let mut budget = Budget::new(LIMITS);
    let root = parts.len() - 1;
    let mut members = Members { attachment, root, parts };
    let known = sha256.filter(|_| whole);
    Unpacker::new(&mut budget).taken_as(kind).hashed(known).run(Content::from_bytes(bytes), b"", &mut members);
}

/// Is it worth looking into?
fn opens(kind: Kind) -> bool {
    let archive = kind >= Kind::Ace && kind <= Kind::Zstd && !matches!(kind, Kind::Apk | Kind::Epub | Kind::Warc);
    archive || matches!(kind, Kind::Mail | Kind::Msg | Kind::Ole | Kind::Ppt | Kind::Tnef | Kind::Word | Kind::Xls)
}

/// Notes members down.
struct Members<'a> {
    attachment: u64,
    /// Where the attachment stands in `parts`.
    root: usize,
    parts: &'a mut Vec<Part>,
}

impl Members<'_> {
    fn note_root(&mut self, note: &'static [u8]) {
        if let Some(root) = self.parts.get_mut(self.root)
            && !root.notes.contains(&note)
        {
            root.notes.push(note);
        }
    }
}

impl Sink for Members<'_> {
    fn member(&mut self, member: &Member<'_>, content: &Content<'_>) -> Visit {
        if member.parent.is_none() {
            return Visit::Open;
        }
        if self.parts.len() >= MAX_PARTS {
            return Visit::Stop;
        }
        let name = member.step().map_or(&[][..], |s| &s.name);
        let notes = noted(member.kind, content, name);
        if member.completeness == Completeness::Encrypted {
            self.note_root(b"encrypted");
        }
        for note in &notes {
            // A document's own parts speak for the document.
            if matches!(*note, b"external-template" | b"macro-sheet") {
                self.note_root(note);
            }
        }
        if matters(member.kind, name) {
            self.parts.push(Part {
                attachment: self.attachment,
                depth: member.path.len().saturating_sub(1) as u64,
                len: content.len(),
                name: name.get(..MAX_FIELD_LEN).unwrap_or(name).into(),
                kind: member.kind.name(),
                declared: Text::default(),
                notes,
                sha256: Text::default(),
            });
        }
        if opens(member.kind) { Visit::Open } else { Visit::Skip }
    }

    fn anomaly(&mut self, _member: MemberId, _anomaly: Anomaly) {}
}

/// Is a member worth telling? Pictures, fonts, the XML of documents and plain text are not, whatever they are called,
/// unless their name is that of a program.
fn matters(kind: Kind, name: &[u8]) -> bool {
    let picture = kind >= Kind::Avif && kind <= Kind::Woff2;
    let text = matches!(kind, Kind::Xml | Kind::PlainText | Kind::Json | Kind::Utf16 | Kind::Empty);
    let last = name.rsplit(|b| *b == b'/').next().unwrap_or(name);
    let dots = last.iter().filter(|b| **b == b'.').count();
    let extension = last.rsplit(|b| *b == b'.').next().unwrap_or(&[]);
    let of_document = matches!(&*extension.to_ascii_lowercase(), b"xml" | b"rels" | b"txt" | b"png" | b"jpg" | b"csv");
    !(picture || text) || dots > 0 && !of_document
}

/// What is to be seen in a content.
fn noted(kind: Kind, content: &Content<'_>, name: &[u8]) -> Vec<&'static [u8]> {
    let mut notes: Vec<&'static [u8]> = Vec::new();
    let lower = || content.read(0, MAX_SEARCHED_LEN).to_ascii_lowercase();
    match kind {
        Kind::Html | Kind::Svg => page(&lower(), &mut notes),
        Kind::Xml if name.ends_with(b".rels") => {
            let text = lower();
            // A template, frame or object that is fetched when the document is opened.
            let fetched = [&b"attachedtemplate\""[..], b"frame\"", b"oleobject\""];
            let outside = text.split(|b| *b == b'<').any(|element| {
                contains(element, b"targetmode=\"external\"") && fetched.iter().any(|kind| contains(element, kind))
            });
            if outside {
                notes.push(b"external-template");
            }
        }
        _ if (name == b"Workbook" || name == b"Book") && has_macro_sheet(&content.read(0, MAX_SHEETS_LEN)) => {
            notes.push(b"macro-sheet");
        }
        Kind::Xml if contains(name, b"macrosheets/") => notes.push(b"macro-sheet"),
        _ => {}
    }
    notes
}

/// A page that is attached: a form, scripts that unpack themselves, data in it.
fn page(text: &[u8], notes: &mut Vec<&'static [u8]>) {
    let asks =
        contains(text, b"type=\"password\"") || contains(text, b"type='password'") || contains(text, b"type=password");
    let posts = text.split(|b| *b == b'<').any(|element| {
        element.starts_with(b"form") && attribute(element, b"action").is_some_and(|a| contains(&a, b"//"))
    });
    if contains(text, b"<form") && (asks || posts) {
        notes.push(b"form");
    }
    if [&b"atob("[..], b"unescape(", b"fromcharcode", b"document.write("].iter().any(|call| contains(text, call))
        && contains(text, b"<script")
    {
        notes.push(b"script-decode");
    }
    let is_base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let mut data = text;
    let mut run = 0;
    while let Some((b, rest)) = data.split_first() {
        run = if is_base64(b) { run + 1 } else { 0 };
        if run >= MUCH_BASE64 {
            notes.push(b"data-large");
            return;
        }
        data = rest;
    }
}

/// Does a workbook (BIFF8, MS-XLS §2.4.28) have a sheet of Excel 4.0 macros?
fn has_macro_sheet(stream: &[u8]) -> bool {
    const BOUND_SHEET: u16 = 0x0085;
    const MACRO: u8 = 1;
    let mut rest = stream;
    while let Some((head, tail)) = rest.split_first_chunk::<4>() {
        let [type_low, type_high, len_low, len_high] = *head;
        let len = usize::from(u16::from_le_bytes([len_low, len_high]));
        // Position of the sheet, whether it is hidden, its type.
        if u16::from_le_bytes([type_low, type_high]) == BOUND_SHEET && tail.get(5) == Some(&MACRO) {
            return true;
        }
        rest = tail.get(len..).unwrap_or(&[]);
    }
    false
}
