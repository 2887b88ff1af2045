//! What judgements about web sites want of exchanges: the fields of a response that protect a page's visitors, what its page
//! loads and posts by plain HTTP, and requests that have the characters of attacks in them. Kept only while somebody judges.

use super::client;
use super::record::HttpRecord;
use super::seen::Seen;
use crate::Cx;
use crate::markup::{Piece, attribute, walk};
use sekisho_record::{Head, Record, Text, UnsetIfEmpty};
use sekisho_types::{Dir, Heap, list_len};

/// Bytes of a page that are looked at.
pub(crate) const MAX_PAGE_LEN: u16 = 16 * 1024;
/// Bytes of a request's or response's text that attacks are looked for in.
pub(crate) const MAX_BODY_LEN: u16 = 4096;
/// Fields kept of a response, of a request, and bytes of one.
const MAX_FIELDS: usize = 24;
const MAX_ODD_FIELDS: usize = 8;
const MAX_FIELD_LEN: usize = 2048;
/// Elements told of a page, and bytes of one.
const MAX_ELEMENTS: usize = 32;
const MAX_ELEMENT_LEN: usize = 512;

/// A page or redirection, as only detectors want it.
#[derive(Clone, Debug, Record)]
#[record(log = "web_page")]
pub struct WebPageRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Number of the packet that brought the end of the response.
    pub packet: u64,
    /// Value of the Host field, port included.
    pub host: Option<Text>,
    /// Target of the request.
    pub uri: Option<Text>,
    /// Status code.
    pub status: u64,
    /// It was found in bytes that were decrypted: HTTPS.
    pub tls: bool,
    /// It is a page of HTML; else a redirection.
    pub is_page: bool,
    /// Fields of the response that protect visitors, or tell of the program: `x-frame-options: deny`.
    pub fields: UnsetIfEmpty<Text>,
    /// Elements of the page that lead to plain HTTP, or scripts from elsewhere without a digest: `script http://…`,
    /// `form https://…`, `unpinned https://…`.
    pub elements: UnsetIfEmpty<Text>,
}

/// A request with the characters of attacks in it, as only detectors want it.
#[derive(Clone, Debug, Record)]
#[record(log = "web_request")]
pub struct WebRequestRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Number of the packet that brought the end of the response.
    pub packet: u64,
    /// Method.
    pub method: Option<Text>,
    /// Value of the Host field, port included.
    pub host: Option<Text>,
    /// Target, its escapes resolved once.
    pub uri: Option<Text>,
    /// Fields of the request in which something stands out: `user-agent: ${jndi:…}`.
    pub fields: UnsetIfEmpty<Text>,
    /// How the request's content begins.
    pub body: Option<Text>,
    /// Status code of the response.
    pub status: Option<u64>,
    /// How the response's content begins.
    pub response: Option<Text>,
    /// Bytes of the response's content.
    pub response_len: u64,
}

/// What is kept of an exchange.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    fields: Vec<Text>,
    odd: Vec<Text>,
    is_html: bool,
}

impl Heap for Kept {
    fn heap_len(&self) -> usize {
        let lists = [&self.fields, &self.odd];
        lists.iter().map(|l| list_len(l) + l.as_slice().heap_len()).sum()
    }
}

/// Fields of responses that are kept, in small letters.
const WANTED: &[&str] = &[
    "access-control-allow-credentials",
    "access-control-allow-origin",
    "content-security-policy",
    "content-security-policy-report-only",
    "location",
    "server",
    "set-cookie",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
    "x-powered-by",
];

fn is_wanted(name: &[u8]) -> bool {
    let of_len = |w: &&&str| w.len() == name.len();
    WANTED.iter().filter(of_len).any(|w| name.eq_ignore_ascii_case(w.as_bytes()))
}

fn told(name: &[u8], value: &[u8]) -> Text {
    let value = value.get(..MAX_FIELD_LEN).unwrap_or(value);
    [&name.to_ascii_lowercase(), &b": "[..], value].concat().into()
}

/// Has the value what no ordinary field has: a lookup, a function, a tag, a quote with a word behind it?
fn is_odd(value: &[u8]) -> bool {
    let has = |part: &[u8]| memchr::memmem::find(value, part).is_some();
    memchr::memchr3(b'$', b'<', b'\'', value).is_some() && (has(b"${") || has(b"<s") || has(b"' ") || has(b"$("))
        || memchr::memchr(b'{', value).is_some() && (has(b"{{") || has(b"() {"))
        || memchr::memchr(b'.', value).is_some() && has(b"../../")
}

/// A field passes. `row` gives the exchange's row.
pub(crate) fn field<'r>(
    row: impl FnOnce() -> Option<&'r mut HttpRecord>,
    dir: Dir,
    name: &[u8],
    value: &[u8],
    cx: &Cx<'_>,
) {
    let at_home = cx.is_local(Dir::Resp);
    if dir.is_orig() {
        let (odd, concerned) = (is_odd(value), client::concerns(cx));
        if (odd || concerned)
            && let Some(row) = row()
        {
            if concerned {
                client::request_field(row, name, value, cx);
            }
            if odd {
                let odd = &mut row.seen.get_or_insert_default().kept.odd;
                if odd.len() < MAX_ODD_FIELDS {
                    odd.push(told(name, value));
                }
            }
        }
        return;
    }
    let is_type = name.len() == 12 && name.eq_ignore_ascii_case(b"content-type");
    if is_type {
        let html = value.get(..9).is_some_and(|v| v.eq_ignore_ascii_case(b"text/html"));
        if (html || client::concerns(cx))
            && let Some(row) = row()
        {
            row.traits.declare(value);
            if html {
                row.seen.get_or_insert_default().kept.is_html = true;
            }
        }
    } else if at_home
        && is_wanted(name)
        && let Some(row) = row()
    {
        let fields = &mut row.seen.get_or_insert_default().kept.fields;
        if fields.len() < MAX_FIELDS {
            fields.push(told(name, value));
        }
    }
}

/// Bytes that are wanted of a content's beginning, by its type.
pub(crate) fn wanted_len(is_request: bool, mime: &[u8], cx: &Cx<'_>) -> u16 {
    let text = mime.starts_with(b"text/")
        || mime.ends_with(b"json")
        || mime.ends_with(b"xml")
        || mime == b"application/x-www-form-urlencoded";
    match (is_request, cx.is_local(Dir::Resp)) {
        (false, _) if mime == b"text/html" => MAX_PAGE_LEN,
        (_, true) if text => MAX_BODY_LEN,
        _ => 0,
    }
}

/// The row of an exchange is complete.
pub(crate) fn settle(row: &HttpRecord, seen: &mut Seen, cx: &mut Cx<'_>) {
    let kept = std::mem::take(&mut seen.kept);
    let (content, form) = seen.contents();
    request(row, &kept, form, content, cx);
    let status = row.status_code.unwrap_or(0);
    let is_page = kept.is_html && status == 200;
    let redirects = matches!(status, 301..=303 | 307 | 308);
    let at_home = cx.is_local(Dir::Resp);
    if !(is_page || redirects && at_home) {
        return;
    }
    let host = row.host.as_ref().map_or(&[][..], |h| &h.0);
    let elements = if is_page { elements(content, host, cx.is_decrypted()) } else { Vec::new() };
    if !at_home && elements.is_empty() {
        return;
    }
    cx.emit(WebPageRecord {
        head: row.head,
        packet: cx.source,
        host: row.host.clone(),
        uri: row.uri.as_ref().map(|u| u.0.get(..MAX_FIELD_LEN).unwrap_or(&u.0).into()),
        status,
        tls: cx.is_decrypted(),
        is_page,
        fields: UnsetIfEmpty(kept.fields),
        elements: UnsetIfEmpty(elements),
    });
}

/// Characters that a target or form needs for an attack, and ordinary ones seldom have.
const fn is_telling(b: u8) -> bool {
    matches!(b, b'\'' | b'"' | b'<' | b';' | b'|' | b'`' | b'$' | b'{')
}

/// What else an attack may be made of.
const TELLING: &[&[u8]] = &[
    b"../", b"..\\", b"%2e", b"%2E", b"%27", b"%3c", b"%3C", b"/etc/", b"://", b"cmd=", b"exec=", b"and ", b"or ",
    b"union",
];

fn is_suspicious(text: &[u8]) -> bool {
    text.iter().any(|b| is_telling(*b)) || TELLING.iter().any(|part| memchr::memmem::find(text, part).is_some())
}

fn request(row: &HttpRecord, kept: &Kept, form: &[u8], content: &[u8], cx: &mut Cx<'_>) {
    let uri = row.uri.as_ref().map_or(&[][..], |u| u.0.get(..MAX_FIELD_LEN).unwrap_or(&u.0));
    let path_only = memchr::memchr(b'?', uri).is_none();
    let by_target = if path_only { is_suspicious_path(uri) } else { is_suspicious(uri) };
    if kept.odd.is_empty() && !by_target && !is_suspicious_form(form) {
        return;
    }
    let some = |bytes: &[u8], max: u16| {
        let cut = bytes.get(..usize::from(max)).unwrap_or(bytes);
        Some(Text::from(cut)).filter(|t| !t.0.is_empty())
    };
    cx.emit(WebRequestRecord {
        head: row.head,
        packet: cx.source,
        method: row.method.clone(),
        host: row.host.clone(),
        uri: Some(uri.into()),
        fields: UnsetIfEmpty(kept.odd.clone()),
        body: some(form, MAX_BODY_LEN),
        status: row.status_code,
        response: some(content, MAX_BODY_LEN),
        response_len: row.response_body_len,
    });
}

/// Paths without parameters attack by where they lead, or by what a server makes of them.
fn is_suspicious_path(path: &[u8]) -> bool {
    let has = |part: &[u8]| memchr::memmem::find(path, part).is_some();
    path.iter().any(|b| matches!(b, b'\'' | b'"' | b'<' | b'`' | b'$' | b'{'))
        || has(b"../")
        || has(b"..\\")
        || has(b"%2e")
        || has(b"/etc/")
}

/// Escapes of such characters count as well: forms are told as they came.
fn is_suspicious_form(form: &[u8]) -> bool {
    !form.is_empty()
        && (is_suspicious(form)
            || [&b"%24%7B"[..], b"%7B%7B", b"%3B", b"%7C", b"%22"]
                .iter()
                .any(|e| memchr::memmem::find(form, e).is_some()))
}

/// Elements of a page that concern its protection.
fn elements(page: &[u8], host: &[u8], is_secure: bool) -> Vec<Text> {
    let mut found: Vec<Text> = Vec::new();
    let mut add = |what: &[u8], url: &[u8]| {
        let url = url.get(..MAX_ELEMENT_LEN).unwrap_or(url);
        let text = Text([what, b" ", url].concat());
        if found.len() < MAX_ELEMENTS && !found.contains(&text) {
            found.push(text);
        }
    };
    let starts = |url: &[u8], scheme: &[u8]| url.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme));
    walk(page, &mut |piece| {
        let Piece::Tag(name, tag) = piece else { return };
        let key: &[u8] = match name {
            b"script" | b"iframe" | b"img" | b"audio" | b"video" | b"source" | b"embed" => b"src",
            b"object" => b"data",
            b"link" => b"href",
            b"form" => b"action",
            _ => return,
        };
        let Some(url) = attribute(tag, key) else { return };
        if name == b"link" {
            let style = attribute(tag, b"rel").is_some_and(|r| r.eq_ignore_ascii_case(b"stylesheet"));
            if style && is_secure && starts(&url, b"http:") {
                add(b"style", &url);
            }
        } else if name == b"form" {
            if is_secure && starts(&url, b"http:") || !is_secure && starts(&url, b"https:") {
                add(name, &url);
            }
        } else if is_secure && starts(&url, b"http:") {
            add(name, &url);
        } else if name == b"script" && starts(&url, b"http") && attribute(tag, b"integrity").is_none() {
            let elsewhere = url.split(|b| *b == b'/').nth(2).is_some_and(|h| !h.eq_ignore_ascii_case(host));
            if elsewhere {
                add(b"unpinned", &url);
            }
        }
    });
    found
}

#[cfg(test)]
mod tests;
