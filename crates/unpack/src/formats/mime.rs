//! Mails and other MIME entities (RFC 5322, RFC 2045, RFC 2046): their parts, decoded; whole mailboxes.
//!
//! One pass over the lines with a stack of open boundaries; parts are told flat, with their names. A message within a message
//! is a part that is opened in its turn.

use super::text;
use crate::bytes::find;
use crate::filter::Stage;
use crate::kind::Kind;
use crate::lister::{Entry, Lister};
use crate::recipe::Recipe;

/// Multiparts in multiparts.
const NESTING_MAX: usize = 32;
/// Longest header of an entity.
const HEADER_LEN_MAX: usize = 256 << 10;
/// Longest boundary that is looked for; RFC 2046 allows 70.
const BOUNDARY_LEN_MAX: usize = 256;

/// What the header of an entity says.
#[derive(Default)]
struct Entity {
    media_type: Vec<u8>,
    boundary: Option<Vec<u8>>,
    name: Vec<u8>,
    encoding: Vec<u8>,
    /// From the header's beginning to the body's.
    body_at: usize,
}

pub(super) fn list(l: &mut Lister<'_, '_>) {
    let all = l.scan();
    if l.kind == Kind::Mbox {
        mailbox(l, &all);
        return;
    }
    entity_tree(l, &all);
}

/// `From ` lines at the beginning or after an empty line separate messages.
fn mailbox(l: &mut Lister<'_, '_>, all: &[u8]) {
    let mut at = 0;
    while at < all.len() {
        let line_end = find(all, b"\n", at).map_or(all.len(), |i| i + 1);
        let (stop, next) = next_message(all, line_end);
        let len = stop.saturating_sub(line_end);
        if !l.add(Entry::new("mbox", b"", Recipe::slice(line_end as u64, len as u64))) {
            return;
        }
        at = next;
    }
}

/// Where the message that begins at `at` ends, without the empty line that belongs to the mailbox, and the next one begins.
fn next_message(all: &[u8], mut at: usize) -> (usize, usize) {
    while let Some(line) = find(all, b"\nFrom ", at) {
        let before = all.get(..line).unwrap_or(&[]);
        if before.ends_with(b"\n") || before.ends_with(b"\n\r") {
            return (line - usize::from(before.ends_with(b"\r")), line + 1);
        }
        at = line + 1;
    }
    (all.len(), all.len())
}

fn entity_tree(l: &mut Lister<'_, '_>, all: &[u8]) {
    let top = header(all, 0);
    let Some(boundary) = top.boundary.clone() else {
        part(l, &top, all, 0, all.len());
        return;
    };
    let mut stack = vec![boundary];
    // The part being gone through: its header and where it begins.
    let mut open: Option<(Entity, usize)> = None;
    let mut at = top.body_at;
    while at < all.len() && !stack.is_empty() && !l.is_full() {
        let end = find(all, b"\n", at).map_or(all.len(), |i| i + 1);
        let line = all.get(at..end).unwrap_or(&[]).trim_ascii_end();
        let Some((level, last)) = delimiter(line, &stack) else {
            at = end;
            continue;
        };
        if let Some((entity, start)) = open.take() {
            part(l, &entity, all, start, before_line(all, at, start));
        }
        // An outer boundary ends inner multiparts that were not closed.
        stack.truncate(level + 1);
        at = end;
        if last {
            stack.pop();
            continue;
        }
        let entity = header(all, at);
        let start = at;
        at += entity.body_at;
        match entity.boundary.clone() {
            Some(inner) if stack.len() < NESTING_MAX => stack.push(inner),
            _ => open = Some((entity, start)),
        }
    }
    if let Some((entity, start)) = open {
        l.odd("mime: no closing boundary");
        part(l, &entity, all, start, all.len());
    }
}

/// Which of the open boundaries `line` is, and whether the last of its kind.
fn delimiter(line: &[u8], stack: &[Vec<u8>]) -> Option<(usize, bool)> {
    let rest = line.strip_prefix(b"--")?;
    let found = |(level, boundary): (usize, &Vec<u8>)| {
        let tail = rest.strip_prefix(boundary.as_slice())?;
        match tail {
            b"" => Some((level, false)),
            b"--" => Some((level, true)),
            _ => None,
        }
    };
    stack.iter().enumerate().rev().find_map(found)
}

/// A part's content ends before the line end that belongs to the boundary.
fn before_line(all: &[u8], at: usize, start: usize) -> usize {
    let head = all.get(start..at).unwrap_or(&[]);
    let len = head.strip_suffix(b"\r\n").or_else(|| head.strip_suffix(b"\n")).unwrap_or(head).len();
    start + len
}

/// Tells of one entity that isn't a multipart. Its header begins at `start`.
fn part(l: &mut Lister<'_, '_>, entity: &Entity, all: &[u8], start: usize, end: usize) {
    let at = start + entity.body_at;
    let len = end.saturating_sub(at);
    if len == 0 || all.get(at..end).is_none_or(|body| body.trim_ascii().is_empty()) {
        return;
    }
    let recipe = Recipe::slice(at as u64, len as u64);
    let stage = match entity.encoding.as_slice() {
        b"base64" => Some(Stage::Base64),
        b"quoted-printable" => Some(Stage::QuotedPrintable),
        b"x-uuencode" | b"uuencode" | b"x-uue" => {
            text::uuencode(l, all.get(at..end).unwrap_or(&[]), at as u64);
            return;
        }
        _ => None,
    };
    let recipe = match stage {
        Some(stage) => recipe.through(stage),
        None => recipe,
    };
    let name = if entity.name.is_empty() { &entity.media_type } else { &entity.name };
    l.add(Entry::new("mime", name, recipe));
}

/// Reads the header at `at`.
fn header(all: &[u8], at: usize) -> Entity {
    let rest = all.get(at..).unwrap_or(&[]);
    let rest = rest.get(..HEADER_LEN_MAX).unwrap_or(rest);
    let mut entity = Entity::default();
    let mut field: Vec<u8> = Vec::new();
    let mut pos = 0;
    for line in rest.split_inclusive(|&b| b == b'\n') {
        let text = line.trim_ascii_end();
        if text.is_empty() {
            pos += line.len();
            break;
        }
        let folded = text.starts_with(b" ") || text.starts_with(b"\t");
        if !folded {
            apply(&field, &mut entity);
            field.clear();
            // Without a field's name the header is over, though no empty line came.
            if pos > 0 && !text.contains(&b':') {
                break;
            }
        }
        field.extend_from_slice(text);
        pos += line.len();
    }
    apply(&field, &mut entity);
    entity.body_at = pos;
    entity
}

fn apply(field: &[u8], entity: &mut Entity) {
    let Some(colon) = field.iter().position(|&b| b == b':') else { return };
    let (name, value) = (field.get(..colon).unwrap_or(&[]), field.get(colon + 1..).unwrap_or(&[]));
    match name.to_ascii_lowercase().as_slice() {
        b"content-type" => {
            entity.media_type = value.split(|&b| b == b';').next().unwrap_or(&[]).trim_ascii().to_ascii_lowercase();
            if entity.media_type.starts_with(b"multipart/") {
                entity.boundary =
                    parameter(value, b"boundary").filter(|b| !b.is_empty() && b.len() <= BOUNDARY_LEN_MAX);
            }
            if entity.name.is_empty() {
                entity.name = parameter(value, b"name").unwrap_or_default();
            }
        }
        b"content-disposition" => {
            if let Some(name) = parameter(value, b"filename").filter(|n| !n.is_empty()) {
                entity.name = name;
            }
        }
        b"content-transfer-encoding" => entity.encoding = value.trim_ascii().to_ascii_lowercase(),
        _ => {}
    }
}

/// A parameter's value (RFC 2045 §5.1), also in parts and with a character set (RFC 2231), whose escapes are resolved.
fn parameter(field: &[u8], wanted: &[u8]) -> Option<Vec<u8>> {
    /// Parts that are joined.
    const PART_COUNT_MAX: usize = 64;
    let mut out: Option<Vec<u8>> = None;
    let mut rest = field;
    for _ in 0..PART_COUNT_MAX {
        rest = rest.get(rest.iter().position(|&b| b == b';')? + 1..).unwrap_or(&[]);
        let Some(equals) = rest.iter().position(|&b| b == b'=') else { break };
        let key = rest.get(..equals).unwrap_or(&[]).trim_ascii();
        let after = rest.get(equals + 1..).unwrap_or(&[]).trim_ascii_start();
        let value = match after.strip_prefix(b"\"") {
            Some(quoted) => {
                let end = quoted.iter().position(|&b| b == b'"').unwrap_or(quoted.len());
                rest = quoted.get(end..).unwrap_or(&[]);
                quoted.get(..end).unwrap_or(&[])
            }
            None => {
                rest = after;
                after.split(|&b| b == b';').next().unwrap_or(&[]).trim_ascii()
            }
        };
        let base = key.split(|&b| b == b'*').next().unwrap_or(&[]);
        if base.eq_ignore_ascii_case(wanted) {
            let value = if key.ends_with(b"*") { extended(value) } else { value.to_vec() };
            out.get_or_insert_default().extend(value);
        }
        if !rest.contains(&b';') {
            break;
        }
    }
    out
}

/// `utf-8''a%20b`.
fn extended(value: &[u8]) -> Vec<u8> {
    let mut quotes = value.split(|&b| b == b'\'');
    let text = match (quotes.next(), quotes.next(), quotes.next()) {
        (Some(_), Some(_), Some(text)) => text,
        _ => value,
    };
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.first_chunk::<2>().and_then(|d| std::str::from_utf8(d).ok());
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()).filter(|_| byte == b'%') {
            Some(value) => {
                out.push(value);
                rest = after.get(2..).unwrap_or(&[]);
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::tests::{leaves, listed};

    const MAIL: &[u8] = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed;\r\n boundary=\"outer\"\r\n\r\npreamble\r\n\
        --outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n\
        --inner\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n\
        --inner--\r\n\
        --outer\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\
        Content-Disposition: attachment; filename*=utf-8''b%20c.bin\r\n\r\nAAEC\r\nAwQ=\r\n\
        --outer--\r\n";

    #[test]
    fn parses_nested_multiparts() {
        let got = leaves(MAIL);
        let got: Vec<_> = got.iter().map(|(p, c)| (p.as_str(), c.as_slice())).collect();
        assert_eq!(got, [("mime:text/plain", "Grüße".as_bytes()), ("mime:b c.bin", &[0, 1, 2, 3, 4])]);
    }

    #[test]
    fn tells_of_missing_ends() {
        let cut = MAIL.get(..MAIL.len() - 12).unwrap();
        let tree = listed(cut);
        assert_eq!(tree.nodes[0].anomalies, [crate::Anomaly::Odd("mime: no closing boundary")]);
        assert_eq!(tree.nodes.len(), 3);
    }

    #[test]
    fn parses_parameters() {
        let field = b" text/plain; name*0=\"a;b\"; name*1*=%20c; x=y";
        assert_eq!(parameter(field, b"name").as_deref(), Some(&b"a;b c"[..]));
        assert_eq!(parameter(b"attachment", b"name"), None);
        assert_eq!(extended(b"%zz%"), b"%zz%");
    }

    #[test]
    fn parses_mailboxes() {
        let mbox = b"From a@b Mon Jan  1 00:00:00 2026\nFrom: a\nSubject: one\n\nbody one here\n\nFrom a@b Mon Jan  1 00:00:00 2026\nFrom: b\nSubject: two\n\nbody two here\n";
        let got = leaves(mbox);
        assert_eq!(
            got.iter().filter(|(p, _)| p.contains("mime")).map(|(_, c)| c.as_slice()).collect::<Vec<_>>(),
            [&b"body one here\n"[..], b"body two here\n"]
        );
    }
}
