//! Text formats: markup, JSON, scripts, plain text.

use super::Best;
use memchr::memmem;
use std::sync::LazyLock;

pub(super) fn probe(head: &[u8], best: &mut Best) {
    if is_plain(head) {
        best.offer(-20, "text/plain");
    }
    let body = after_bom(head);
    json(body, best);
    ini(body, best);
    markup(head, best);
    scripts(head, best);
    anywhere(head, best);
}

fn at(bytes: &[u8], offset: usize) -> &[u8] {
    bytes.get(offset..).unwrap_or(&[])
}

/// Without the byte order mark of UTF-8 or UTF-16.
fn after_bom(head: &[u8]) -> &[u8] {
    const MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    MARKS.iter().find_map(|m| head.strip_prefix(*m)).unwrap_or(head)
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

fn trim(bytes: &[u8]) -> &[u8] {
    at(bytes, bytes.iter().take_while(|&&b| is_space(b)).count())
}

/// Without `word`, whatever its case; `word` is given in lower case.
fn strip_word<'a>(bytes: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (here, rest) = bytes.split_at_checked(word.len())?;
    here.eq_ignore_ascii_case(word).then_some(rest)
}

/// Ten bytes of printable ASCII or white space, after any byte order mark.
fn is_plain(head: &[u8]) -> bool {
    const MARKS: [&[u8]; 6] = [b"", b"\xef\xbb\xbf", b"\xfe\xff", b"\0\0\xfe\xff", b"\xff\xfe", b"\xff\xfe\0\0"];
    let is_text = |b: &u8| matches!(b, 0x20..=0x7e | 0x09..=0x0d);
    let fits = |rest: &[u8]| rest.get(..10).is_some_and(|ten| ten.iter().all(is_text));
    MARKS.iter().filter_map(|m| head.strip_prefix(*m)).any(fits)
}

fn json(body: &[u8], best: &mut Best) {
    let body = trim(body);
    let looks = match body.split_first() {
        Some((b'{', rest)) => is_member(trim(rest)),
        Some((b'[', rest)) => is_element(trim(rest)),
        _ => false,
    };
    if looks {
        best.offer(1, "text/json");
    }
    let empty = body.strip_prefix(b"{}").or_else(|| body.strip_prefix(b"[]"));
    if empty.is_some_and(|rest| trim(rest).is_empty()) {
        best.offer(0, "text/json");
    }
}

/// A quoted string of at least one byte, without regard to escapes.
fn strip_quoted(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', rest)?;
    (end > 0).then(|| at(rest, end + 1))
}

/// `"name": value` or `name: value`, as far as the value's first byte.
fn is_member(bytes: &[u8]) -> bool {
    let bare = || {
        let named = bytes.first().is_some_and(u8::is_ascii_alphabetic);
        let len = bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'\\' | b'_')).count();
        named.then(|| at(bytes, len))
    };
    let Some(value) = strip_quoted(bytes).or_else(bare).and_then(|rest| trim(rest).strip_prefix(b":")) else {
        return false;
    };
    let value = trim(value);
    matches!(value.first(), Some(b'"' | b'[' | b'{' | b'0'..=b'9'))
        || value.starts_with(b"true")
        || value.starts_with(b"false")
}

/// A list's first element: a list, an object, or a scalar and a comma.
fn is_element(bytes: &[u8]) -> bool {
    if matches!(bytes.first(), Some(b'{' | b'[')) {
        return true;
    }
    let digits = |b: &[u8]| b.iter().take_while(|b| b.is_ascii_digit()).count();
    let number = || {
        let whole = digits(bytes);
        let rest = at(bytes, whole);
        let fraction = rest.strip_prefix(b".").map_or(0, digits);
        (whole > 0).then(|| if fraction > 0 { at(rest, 1 + fraction) } else { rest })
    };
    let word = || bytes.strip_prefix(b"true").or_else(|| bytes.strip_prefix(b"false"));
    strip_quoted(bytes).or_else(number).or_else(word).is_some_and(|rest| trim(rest).starts_with(b","))
}

/// A first line in square brackets.
fn ini(body: &[u8], best: &mut Best) {
    let blank = body.iter().take_while(|&&b| b == 0 || is_space(b)).count();
    let Some(line) = at(body, blank).strip_prefix(b"[") else {
        return;
    };
    let Some(end) = memchr::memchr2(b'\r', b'\n', line) else {
        return;
    };
    let line = line.get(..end).unwrap_or(&[]);
    let kept = line.iter().rposition(|b| !matches!(b, b' ' | b'\t' | 0)).map_or(0, |i| i + 1);
    if line.get(..kept).and_then(|l| l.strip_suffix(b"]")).is_some_and(|name| !name.is_empty()) {
        best.offer(20, "text/ini");
    }
}

/// HTML, XML and what is told by its root element. The root may come after white space, comments and an
/// XML declaration; as in Zeek's patterns a comment or declaration may end at any of its end marks.
fn markup(head: &[u8], best: &mut Best) {
    let body = after_bom(head);
    let marked = body.len() < head.len();
    let mut declaration = None;
    each_start(body, &mut |rest| {
        if is_declaration(rest) {
            best.offer(10, "application/xml");
        }
        if declaration.is_none() {
            declaration = rest.strip_prefix(b"<?xml ");
        }
        root(rest, marked, best);
        if let Some(rest) = rest.strip_prefix(b"<")
            && [b"CFPARAM".as_slice(), b"CFSET", b"CFIF"].iter().any(|w| rest.starts_with(w))
            && !marked
        {
            best.offer(20, "magnus-internal/cold-fusion");
        }
    });
    let Some(declaration) = declaration else {
        return;
    };
    // Where a comment could begin after the declaration; the earliest one reaches all that later ones reach.
    let mut comment = None;
    for end in memmem::find_iter(declaration, b"?>") {
        let rest = trim(at(declaration, end + 2));
        root(rest, marked, best);
        if comment.is_none() && rest.starts_with(b"<!--") {
            comment = Some(rest);
        }
    }
    if let Some(comment) = comment {
        each_start(comment, &mut |rest| root(rest, marked, best));
    }
}

/// Calls `visit` with every place where content could begin after white space and comments.
fn each_start<'a>(bytes: &'a [u8], visit: &mut dyn FnMut(&'a [u8])) {
    let bytes = trim(bytes);
    visit(bytes);
    if let Some(comment) = bytes.strip_prefix(b"<!--") {
        for end in memmem::find_iter(comment, b"-->") {
            visit(trim(at(comment, end + 3)));
        }
    }
}

/// `<?xml `, also in UTF-16: a zero byte may stand before, between and after.
fn is_declaration(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    b"<?xml ".iter().all(|c| {
        rest = rest.strip_prefix(b"\0").unwrap_or(rest);
        rest.strip_prefix(&[*c]).inspect(|r| rest = r).is_some()
    })
}

/// By the root element or document type at the beginning of `bytes`. `marked`: a byte order mark came before.
fn root(bytes: &[u8], marked: bool, best: &mut Best) {
    let Some(tag) = bytes.strip_prefix(b"<") else {
        return;
    };
    let is = |word: &[u8]| strip_word(tag, word);
    // `<!DOCTYPE html`: blanks only between the words, at least one.
    let doctype =
        is(b"!doctype").filter(|r| r.starts_with(b" ")).map(|r| at(r, r.iter().take_while(|&&b| b == b' ').count()));
    if doctype.is_some_and(|r| strip_word(r, b"html").is_some()) || is(b"html").is_some() || is_http_equiv(tag) {
        best.offer(100, "text/html");
    }
    if [b"head".as_slice(), b"title", b"body"].iter().any(|w| is(w).is_some()) {
        best.offer(20, "text/html");
    }
    let policy = |r: &[u8]| strip_word(r, b"cross-domain-policy").is_some();
    if !marked && (policy(tag) || doctype.is_some_and(policy)) {
        best.offer(49, "text/x-cross-domain-policy");
    }
    if let Some(rest) = is(b"rss") {
        best.offer(90, "text/rss");
        if memmem::find(attributes(rest), b"xmlns:atom").is_some() {
            best.offer(100, "text/atom");
        }
    }
    if is(b"feed").is_some_and(|rest| is_atom(attributes(rest))) {
        best.offer(100, "text/atom");
    }
    let envelope = is(b"soap-env:envelope").or_else(|| is(b"soap:envelope"));
    if envelope.is_some() {
        best.offer(49, "application/soap+xml");
    }
    if is(b"methodresponse>").is_some() {
        best.offer(49, "application/xml-rpc");
    }
    let manifest = is(b"manifest").filter(|r| r.first().copied().is_some_and(is_space));
    if manifest.is_some_and(|r| trim(r).starts_with(b"xmlns=\"http://ns.adobe.com/f4m/")) {
        best.offer(49, "application/f4m");
    }
}

/// What stands before the tag's `>`, and the little that may follow it in a match.
fn attributes(tag: &[u8]) -> &[u8] {
    tag.get(..memchr::memchr(b'>', tag).unwrap_or(tag.len())).unwrap_or(tag)
}

fn is_atom(attributes: &[u8]) -> bool {
    memmem::find_iter(attributes, b"xmlns=").any(|i| {
        let value = at(attributes, i + 6);
        let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
        value.starts_with(b"http://www.w3.org/2005/Atom")
    })
}

fn is_http_equiv(tag: &[u8]) -> bool {
    let blanks = |r: &[u8]| r.iter().take_while(|&&b| b == b' ').count();
    strip_word(tag, b"meta").is_some_and(|r| blanks(r) > 0 && strip_word(at(r, blanks(r)), b"http-equiv").is_some())
}

fn scripts(head: &[u8], best: &mut Best) {
    match head.first() {
        Some(b'#') => interpreter(head, best),
        Some(b'@') => batch(at(head, 1), best),
        Some(b'(') => {
            let body = head.strip_prefix(b"(function()").unwrap_or(&[]);
            let blank = body.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n')).count();
            if at(body, blank).starts_with(b"{") {
                best.offer(60, "application/javascript");
            }
        }
        _ => {}
    }
    if is_javascript(trim(head)) {
        best.offer(60, "application/javascript");
    }
}

fn is_javascript(body: &[u8]) -> bool {
    if body.starts_with(b"for (;;);") {
        return true;
    }
    if let Some(rest) = body.strip_prefix(b"document.write") {
        let rest = rest.strip_prefix(b"ln").unwrap_or(rest);
        // Zeek's pattern means a blank here but says one of these.
        let gap = rest.first().is_some_and(|b| b":blank".contains(b));
        return at(rest, usize::from(gap)).starts_with(b"(");
    }
    if let Some(rest) = body.strip_prefix(b"<script>") {
        let rest = trim(rest);
        if rest.starts_with(b"var ") || rest.starts_with(b"function ") {
            return true;
        }
    }
    let Some(rest) = strip_word(body, b"<script") else {
        return false;
    };
    let blank = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let attribute = at(rest, blank);
    let value = strip_word(attribute, b"type=").or_else(|| strip_word(attribute, b"language="));
    let Some(value) = value.filter(|_| blank > 0) else {
        return false;
    };
    let value = value.strip_prefix(b"'").or_else(|| value.strip_prefix(b"\"")).unwrap_or(value);
    let value = strip_word(value, b"text/").unwrap_or(value);
    strip_word(value, b"javascript").is_some()
}

/// `@echo off`.
fn batch(rest: &[u8], best: &mut Best) {
    let blanks = |r: &[u8]| r.iter().take_while(|&&b| b == b' ').count();
    let Some(rest) = strip_word(at(rest, blanks(rest)), b"echo") else {
        return;
    };
    if blanks(rest) > 0 && strip_word(at(rest, blanks(rest)), b"off").is_some() {
        best.offer(110, "text/x-msdos-batch");
    }
}

/// `#!/usr/bin/env name` and the like: `bin/` within 1 to 15 bytes of the first line.
fn interpreter(head: &[u8], best: &mut Best) {
    const NAMES: [(&[u8], i16, &str); 18] = [
        (b"aesh", 250, "text/x-shellscript"),
        (b"awk", 60, "text/x-awk"),
        (b"bash", 250, "text/x-shellscript"),
        (b"csh", 250, "text/x-shellscript"),
        (b"fash", 250, "text/x-shellscript"),
        (b"gawk", 60, "text/x-awk"),
        (b"ksh", 250, "text/x-shellscript"),
        (b"lua", 49, "text/x-lua"),
        (b"nawk", 60, "text/x-awk"),
        (b"node", 60, "application/javascript"),
        (b"perl", 60, "text/x-perl"),
        (b"php", 60, "text/x-php"),
        (b"python", 60, "text/x-python"),
        (b"ruby", 60, "text/x-ruby"),
        (b"sh", 250, "text/x-shellscript"),
        (b"tcl", 60, "text/x-tcl"),
        (b"tcsh", 250, "text/x-shellscript"),
        (b"wish", 60, "text/x-tcl"),
    ];
    let Some(rest) = head.strip_prefix(b"#!") else {
        return;
    };
    let line = rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len())).unwrap_or(rest);
    let places = memmem::find_iter(line, b"bin/").take_while(|i| *i <= 15).filter(|i| *i >= 1);
    for place in places {
        let name = at(rest, place + 4);
        let after_env = name.strip_prefix(b"env").filter(|r| r.first().is_some_and(|b| matches!(b, b' ' | 9..=13)));
        let after_env = after_env.map(|r| at(r, r.iter().take_while(|b| matches!(b, b' ' | 9..=13)).count()));
        for name in [Some(name), after_env].into_iter().flatten() {
            for (interpreter, strength, mime) in NAMES {
                if name.starts_with(interpreter) {
                    best.offer(strength, mime);
                }
            }
            if name.starts_with(b"zsh") {
                best.offer(250, "text/x-shellscript");
            }
        }
    }
}

/// Strength of the strongest sign that the whole head is searched for.
const STRONGEST_SEARCHED: i16 = 55;

/// Signs that may stand anywhere in the head.
fn anywhere(head: &[u8], best: &mut Best) {
    if !best.is_beyond(STRONGEST_SEARCHED) {
        searched(head, best);
    }
    if head.starts_with(b"MIME-Version:") && memmem::find(head, b"protocol=\"application/pkcs7-signature\"").is_some() {
        best.offer(100, "application/pkcs7-signature");
    }
    if head.starts_with(b"<?xml") {
        xml_by_content(head, best);
    }
    let digits = head.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits >= 5 && matches!(head.get(5..7), Some([b'a' | b'c' | b'd' | b'n', b'w'])) {
        best.offer(50, "application/marc");
    }
}

/// Signs that take a search through the head: not worth it once something stronger is known.
fn searched(head: &[u8], best: &mut Best) {
    static PHP: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"<?php"));
    if PHP.find(head).is_some() {
        best.offer(40, "text/x-php");
        if let Some(rest) = head.strip_prefix(b"<?php /* Smarty version")
            && rest.get(1).is_some_and(|b| b.is_ascii_digit() || *b == b'.')
        {
            best.offer(37, "text/x-php");
        }
    }
    if is_diff(head) {
        best.offer(55, "text/x-diff");
    }
    for i in memchr::memchr_iter(b'P', head) {
        let mime = match head.get(i + 1) {
            Some(b'1') => "image/x-portable-bitmap",
            Some(b'2') => "image/x-portable-greymap",
            Some(b'3') => "image/x-portable-pixmap",
            _ => continue,
        };
        if super::binary::is_two_numbers(at(head, i + 2)) {
            best.offer(42, mime);
        }
    }
}

/// A unified diff's marks in order.
fn is_diff(head: &[u8]) -> bool {
    const MARKS: [&[u8]; 4] = [b"\n", b"+++ ", b"\n", b"@@"];
    static FIRST: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"--- "));
    let Some(first) = FIRST.find(head) else { return false };
    let mut rest = at(head, first + 4);
    MARKS.iter().all(|mark| {
        let found = memmem::find(rest, mark);
        rest = at(rest, found.map_or(0, |i| i + mark.len()));
        found.is_some()
    })
}

/// XML told by something further inside.
fn xml_by_content(head: &[u8], best: &mut Best) {
    const INSIDE: [(&[u8], i16, &str, usize); 5] = [
        (b"<!DOCTYPE X3D", 43, "model/x3d", 20),
        (b"<!DOCTYPEX3D", 43, "model/x3d", 20),
        (b"<gnc-v2", 37, "application/x-gnucash", 19),
        (b"<svg", 38, "image/svg+xml", 19),
        (b"<urlset", 37, "application/xml-sitemap", 19),
    ];
    if head.starts_with(b"<?xml version=\"") && head.get(15).is_some_and(|&b| b != 0) {
        for (sign, strength, mime, from) in INSIDE {
            if memmem::find(at(head, from), sign).is_some() {
                best.offer(strength, mime);
            }
        }
    }
    for i in memmem::find_iter(at(head, 20), b" xmlns=") {
        let value = at(head, 20 + i + 7);
        if !matches!(value.first(), Some(b'"' | b'\'')) {
            continue;
        }
        if at(value, 1).starts_with(b"http://earth.google.com/kml") {
            best.offer(61, "application/vnd.google-earth.kml+xml");
        }
        if at(value, 1).starts_with(b"http://www.opengis.net/kml") {
            best.offer(60, "application/vnd.google-earth.kml+xml");
        }
    }
}
