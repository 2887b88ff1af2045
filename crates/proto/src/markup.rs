//! HTML as far as links and forms ask for it: tags and the text between them. A helper of `letter` and `web`, no parser of
//! documents; what is broken is passed over, in linear time.

/// Longest tag that is read.
const MAX_TAG_LEN: usize = 8192;
/// Longest reference to a character.
const MAX_ENTITY_LEN: usize = 10;

/// What comes next.
pub(crate) enum Piece<'a> {
    /// Text, its references to characters as they are.
    Text(&'a [u8]),
    /// A tag: its name in small letters (`/a` ends an `a`), and all of it.
    Tag(&'a [u8], &'a [u8]),
}

/// Calls `each` with tags and texts in their order; comments, scripts and styles are left out.
pub(crate) fn walk(bytes: &[u8], each: &mut dyn FnMut(Piece<'_>)) {
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or(&[]);
        let text_len = memchr::memchr(b'<', rest).unwrap_or(rest.len());
        let (text, rest) = rest.split_at_checked(text_len).unwrap_or((rest, &[]));
        if !text.is_empty() {
            each(Piece::Text(text));
        }
        at += text_len;
        if rest.is_empty() {
            break;
        }
        if rest.starts_with(b"<!--") {
            at += memchr::memmem::find(rest, b"-->").map_or(rest.len(), |end| end + 3);
            continue;
        }
        let len = tag_len(rest);
        let tag = rest.get(..len).unwrap_or(rest);
        at += len;
        let name_len = tag.iter().skip(1).take_while(|b| b.is_ascii_alphanumeric() || **b == b'/').count();
        let name = tag.get(1..1 + name_len).unwrap_or(&[]).to_ascii_lowercase();
        each(Piece::Tag(&name, tag));
        if matches!(&*name, b"script" | b"style") {
            let closing: &[u8] = if name == b"script" { b"</script" } else { b"</style" };
            at += skip_to(bytes.get(at..).unwrap_or(&[]), closing);
        }
    }
}

/// Length of a tag with its end, quotes respected.
fn tag_len(tag: &[u8]) -> usize {
    let mut quote = None;
    for (at, &b) in tag.iter().enumerate().take(MAX_TAG_LEN) {
        match (quote, b) {
            (None, b'>') => return at + 1,
            // A tag that was never closed.
            (None, b'<') if at > 0 => return at,
            (None, b'"' | b'\'') => quote = Some(b),
            (Some(q), b) if q == b => quote = None,
            _ => {}
        }
    }
    // A quote that is never closed: up to the first end.
    let len = tag.len().min(MAX_TAG_LEN);
    memchr::memchr(b'>', tag.get(..len).unwrap_or(tag)).map_or(len, |at| at + 1)
}

/// Bytes before `closing`, in any case.
fn skip_to(bytes: &[u8], closing: &[u8]) -> usize {
    let fits = |at: &usize| bytes.get(*at..*at + closing.len()).is_some_and(|t| t.eq_ignore_ascii_case(closing));
    memchr::memchr_iter(b'<', bytes).find(fits).unwrap_or(bytes.len())
}

/// The value of an attribute of a tag, decoded; empty where it has none.
pub(crate) fn attribute(tag: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    let mut rest = tag.strip_suffix(b">").unwrap_or(tag);
    let is_gap = |b: &u8| b.is_ascii_whitespace() || *b == b'/';
    rest = rest.get(rest.iter().position(u8::is_ascii_whitespace)?..)?;
    loop {
        rest = rest.get(rest.iter().position(|b| !is_gap(b))?..)?;
        let len = rest.iter().position(|b| is_gap(b) || *b == b'=').unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(len)?;
        let is_key = name.eq_ignore_ascii_case(key);
        let after = after.trim_ascii_start();
        let Some(value) = after.strip_prefix(b"=").map(<[u8]>::trim_ascii_start) else {
            if is_key {
                return Some(Vec::new());
            }
            rest = after;
            continue;
        };
        let (value, next) = match value.first() {
            Some(q @ (b'"' | b'\'')) => {
                let inside = value.get(1..)?;
                let end = memchr::memchr(*q, inside).unwrap_or(inside.len());
                (inside.get(..end)?, inside.get(end + 1..).unwrap_or(&[]))
            }
            _ => {
                let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
                value.split_at_checked(end)?
            }
        };
        if is_key {
            return Some(decoded(value));
        }
        rest = next;
    }
}

/// Text with its references to characters resolved.
pub(crate) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest) {
        let (plain, entity) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let end = entity.iter().take(MAX_ENTITY_LEN).position(|b| *b == b';');
        let found = end.and_then(|end| Some((character(entity.get(1..end)?)?, end + 1)));
        let (character, len) = found.unwrap_or(('&', 1));
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = entity.get(len..).unwrap_or(&[]);
    }
    out.extend_from_slice(rest);
    out
}

fn character(name: &[u8]) -> Option<char> {
    Some(match name {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        b"nbsp" => ' ',
        _ => {
            let digits = std::str::from_utf8(name.strip_prefix(b"#")?).ok()?;
            let hex = digits.strip_prefix(['x', 'X']);
            let code = hex.map_or_else(|| digits.parse().ok(), |h| u32::from_str_radix(h, 16).ok())?;
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_in_every_style() {
        let value = |tag: &str| attribute(tag.as_bytes(), b"src").map(|v| String::from_utf8(v).unwrap());
        assert_eq!(value("<img alt=x SRC='a&amp;b'>").as_deref(), Some("a&b"));
        assert_eq!(value("<img src = \"a b\" x>").as_deref(), Some("a b"));
        assert_eq!(value("<img src=a/b>").as_deref(), Some("a/b"));
        assert_eq!(value("<img src>").as_deref(), Some(""));
        assert_eq!(value("<img data-src=a>"), None);
        assert_eq!(value("<img"), None);
        assert_eq!(value("<img ="), None);
        assert_eq!(value("<img = = ="), None);
        assert_eq!(decoded(b"&#65;&#x42;&lt;&none;&"), b"AB<&none;&");
    }
}
