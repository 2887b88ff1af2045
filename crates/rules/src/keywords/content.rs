//! `content` and what modifies it.

use super::{Keyword, Takes};
use crate::draft::{Arg, Draft, Shared};
use crate::ir::{Content, Fast, Int, Place, Step};
use crate::refusal::{Code, Done, refuse};
use crate::syntax::Word;
use memchr::memchr2;
use sekisho_transaction::Fact;

/// Largest and smallest `distance` and `within`, as in Suricata.
const DISTANCE_MAX: i64 = 1 << 20;

/// Longest `offset` and `depth`.
const OFFSET_MAX: i64 = u16::MAX as i64;

pub(super) const TABLE: &[Keyword] = &[
    Keyword { names: &["content"], takes: Takes::Quoted, read: content },
    Keyword { names: &["uricontent"], takes: Takes::Quoted, read: uricontent },
    Keyword { names: &["nocase"], takes: Takes::Nothing, read: nocase },
    Keyword { names: &["offset"], takes: Takes::Value, read: offset },
    Keyword { names: &["depth"], takes: Takes::Value, read: depth },
    Keyword { names: &["distance"], takes: Takes::Value, read: distance },
    Keyword { names: &["within"], takes: Takes::Value, read: within },
    Keyword { names: &["startswith"], takes: Takes::Nothing, read: startswith },
    Keyword { names: &["endswith"], takes: Takes::Nothing, read: endswith },
    Keyword { names: &["fast_pattern"], takes: Takes::Maybe, read: fast_pattern },
    Keyword { names: &["replace"], takes: Takes::Quoted, read: replace },
];

/// Bytes of a content: text, `|hex|`, and `\` before signs that mean something in rules.
pub(super) fn bytes(word: Word<'_>) -> Done<Box<[u8]>> {
    let text = word.text.as_bytes();
    let Some((plain, rest)) = memchr2(b'|', b'\\', text).and_then(|n| text.split_at_checked(n)) else {
        if text.is_empty() {
            return refuse(Code::Bytes, word.at, 0, "there are no bytes to look for");
        }
        return Ok(text.into());
    };
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend_from_slice(plain);
    let mut nibble = None;
    let (mut is_hex, mut is_escaped) = (false, false);
    for (n, &c) in (plain.len()..).zip(rest) {
        let fail = |text: &str| refuse(Code::Bytes, word.at + n, 1, text);
        match c {
            _ if is_escaped => match c {
                b'\\' | b'"' | b';' | b':' | b'|' => {
                    bytes.push(c);
                    is_escaped = false;
                }
                _ => return fail("this sign needs no \\ before it"),
            },
            b'|' if is_hex && nibble.is_some() => return fail("a byte has two hexadecimal digits"),
            b'|' => is_hex = !is_hex,
            b' ' if is_hex => {}
            _ if is_hex => match (digit(c), nibble.take()) {
                (Some(digit), None) => nibble = Some(digit),
                (Some(digit), Some(high)) => bytes.push(high << 4 | digit),
                (None, _) => return fail("between | stand hexadecimal digits only"),
            },
            b'\\' => is_escaped = true,
            _ => bytes.push(c),
        }
    }
    if is_hex || is_escaped {
        return refuse(Code::Bytes, word.at, word.text.len(), "the last | or \\ is not closed");
    }
    if bytes.is_empty() {
        return refuse(Code::Bytes, word.at, word.text.len(), "there are no bytes to look for");
    }
    Ok(bytes.into())
}

/// A hexadecimal digit.
const fn digit(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        b'A'..=b'F' => Some(c - b'A' + 10),
        _ => None,
    }
}

fn plain(arg: &Arg<'_>) -> Done<Content> {
    let bytes = bytes(arg.value)?;
    if bytes.len() > usize::from(u16::MAX) {
        return arg.fail(Code::Limit, "the content is too long");
    }
    Ok(Content { bytes, negated: arg.negated, nocase: false, place: Place::default(), fast: Fast::Auto })
}

fn content(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    draft.put(Step::Content(plain(arg)?));
    Ok(())
}

fn uricontent(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    draft.put_into(arg, Fact::HttpUri, Step::Content(plain(arg)?))
}

fn nocase(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    draft.content(arg)?.nocase = true;
    Ok(())
}

fn int(draft: &Draft, arg: &Arg<'_>, first: i64, last: i64) -> Done<Int> {
    let int = draft.int(arg, arg.value)?;
    match int {
        Int::Number(n) if n < first || n > last => arg.bad(format!("{} is from {first} to {last}", arg.name.text)),
        _ => Ok(int),
    }
}

/// Refuses modifiers that count from the beginning together with those that count from the match before.
fn part(content: &Content, arg: &Arg<'_>, relative: bool) -> Done {
    let place = &content.place;
    let clash = if relative { place.offset.is_some() || place.depth.is_some() } else { place.is_relative() };
    if clash || place.starts {
        return arg.misplaced(format!(
            "{} does not go with {} of the same content",
            arg.name.text,
            if place.starts {
                "startswith"
            } else if relative {
                "offset or depth"
            } else {
                "distance or within"
            }
        ));
    }
    Ok(())
}

fn offset(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let int = int(draft, arg, 0, OFFSET_MAX)?;
    let content = draft.content(arg)?;
    part(content, arg, false)?;
    if content.place.offset.replace(int).is_some() {
        return arg.misplaced("the content has an offset already");
    }
    Ok(())
}

fn depth(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let int = int(draft, arg, 0, OFFSET_MAX)?;
    let content = draft.content(arg)?;
    part(content, arg, false)?;
    if matches!(int, Int::Number(n) if n < content.bytes.len() as i64) {
        return arg.bad(format!("the content's {} bytes do not fit in that depth", content.bytes.len()));
    }
    if content.place.depth.replace(int).is_some() {
        return arg.misplaced("the content has a depth already");
    }
    Ok(())
}

fn distance(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let int = int(draft, arg, -DISTANCE_MAX, DISTANCE_MAX)?;
    let content = draft.content(arg)?;
    part(content, arg, true)?;
    if content.place.distance.replace(int).is_some() {
        return arg.misplaced("the content has a distance already");
    }
    Ok(())
}

fn within(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let int = int(draft, arg, -DISTANCE_MAX, DISTANCE_MAX)?;
    let content = draft.content(arg)?;
    part(content, arg, true)?;
    if matches!(int, Int::Number(n) if n < content.bytes.len() as i64) {
        return arg.bad(format!("the content's {} bytes do not fit within that", content.bytes.len()));
    }
    if content.place.within.replace(int).is_some() {
        return arg.misplaced("the content has a within already");
    }
    Ok(())
}

fn startswith(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let content = draft.content(arg)?;
    let place = &mut content.place;
    if place.is_relative() || place.offset.is_some() || place.depth.is_some() {
        return arg.misplaced("startswith does not go with offset, depth, distance or within of the same content");
    }
    place.starts = true;
    Ok(())
}

fn endswith(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    draft.content(arg)?.place.ends = true;
    Ok(())
}

/// `fast_pattern`, `fast_pattern:only`, `fast_pattern:offset,length`.
fn fast_pattern(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let content = draft.content(arg)?;
    if content.fast != Fast::Auto {
        return arg.misplaced("the content is the fast pattern already");
    }
    let is_placed = content.place.is_relative() || content.place.offset.is_some() || content.place.depth.is_some();
    if content.negated && is_placed {
        return arg.misplaced("a negated content with a place cannot be the fast pattern");
    }
    let text = arg.value.text;
    content.fast = if text.is_empty() {
        Fast::Yes
    } else if text == "only" {
        if is_placed {
            return arg.misplaced("fast_pattern:only does not go with a place");
        }
        if content.negated {
            return arg.misplaced("fast_pattern:only does not go with a negated content");
        }
        Fast::Only
    } else {
        let numbers = text.split_once(',').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
        let Some((offset, len)) = numbers else { return arg.bad("write only, or OFFSET,LENGTH") };
        if len == 0 || usize::from(offset) + usize::from(len) > content.bytes.len() {
            return arg.bad("that part is not within the content");
        }
        if content.negated {
            return arg.misplaced("a part of a negated content cannot be the fast pattern");
        }
        Fast::Chop(offset, len)
    };
    Ok(())
}

fn replace(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let bytes = bytes(arg.value)?;
    let content = draft.content(arg)?;
    if bytes.len() != content.bytes.len() {
        return arg.bad("what is put in has to be as long as the content");
    }
    draft.rule.effects.push(crate::ir::Effect::Replace(bytes));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_bytes() {
        let read = |text| bytes(Word { text, at: 0 }).map(|b| b.to_vec()).ok();
        assert_eq!(read("a|0d 0A|b").unwrap(), b"a\r\nb");
        assert_eq!(read("|5b5d|\\;\\\"\\\\\\:").unwrap(), b"[];\"\\:");
        for bad in ["", "||", "|0|", "|0d", "|gg|", "a\\", "\\n"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
