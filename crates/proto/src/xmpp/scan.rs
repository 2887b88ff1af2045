//! Tags of an XML stream in any split: what XMPP allows of XML (RFC 6120 §11), nothing more.

use sekisho_types::Heap;

/// Longest tag kept; what is longer is cut.
const MAX_TAG_LEN: usize = 2048;
/// Longest text kept of an element.
const MAX_TEXT_LEN: usize = 2048;
/// Nesting that is counted.
const MAX_DEPTH: u32 = 1 << 20;

/// Reads one direction.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// The tag or text so far.
    held: Vec<u8>,
    in_tag: bool,
    quote: Option<u8>,
    /// Text is wanted.
    collects: bool,
    /// Open elements.
    depth: u32,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// An element begins; `empty` if it ends as well. `depth` counts the elements around it.
    Begin { tag: Tag<'a>, depth: u32, empty: bool },
    /// An element ends. With its text, if that was wanted.
    End { name: &'a [u8], text: &'a [u8], depth: u32 },
}

/// What stands between the brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag<'a>(pub &'a [u8]);

impl<'a> Tag<'a> {
    /// Name with its prefix.
    pub fn name(&self) -> &'a [u8] {
        let end = self.0.iter().position(|b| b.is_ascii_whitespace() || *b == b'/').unwrap_or(self.0.len());
        self.0.get(..end).unwrap_or(self.0)
    }

    /// Value of an attribute.
    pub fn attribute(&self, name: &[u8]) -> Option<&'a [u8]> {
        memchr::memmem::find_iter(self.0, name).find_map(|at| {
            let before = self.0.get(at.checked_sub(1)?)?;
            let rest = self.0.get(at + name.len()..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
            let (quote, rest) = rest.split_first()?;
            let valid = before.is_ascii_whitespace() && matches!(quote, b'"' | b'\'');
            rest.get(..memchr::memchr(*quote, rest).filter(|_| valid)?)
        })
    }
}

impl Heap for Scanner {
    fn heap_len(&self) -> usize {
        self.held.heap_len()
    }
}

impl Scanner {
    /// From here on text is kept, up to the next tag.
    pub fn collect(&mut self) {
        self.collects = true;
    }

    /// Calls `f` with the next tag in `input`, which advances behind it; false if there is none.
    pub fn next(&mut self, input: &mut &[u8], f: &mut dyn FnMut(Found<'_>)) -> bool {
        while let Some((&b, rest)) = input.split_first() {
            if !self.in_tag {
                let at = memchr::memchr(b'<', input).unwrap_or(input.len());
                if self.collects {
                    let room = MAX_TEXT_LEN.saturating_sub(self.held.len());
                    self.held.extend_from_slice(input.get(..at.min(room)).unwrap_or(&[]));
                }
                *input = input.get(at..).unwrap_or(&[]);
                if let Some(rest) = input.strip_prefix(b"<") {
                    *input = rest;
                    self.in_tag = true;
                    // A mark between text and tag.
                    self.held.push(b'<');
                }
                continue;
            }
            *input = rest;
            match (b, self.quote) {
                (b'>', None) => {
                    self.tag(f);
                    return true;
                }
                (b'"' | b'\'', None) => self.quote = Some(b),
                (_, Some(quote)) if quote == b => self.quote = None,
                _ => {}
            }
            if self.held.len() < MAX_TEXT_LEN + MAX_TAG_LEN {
                self.held.push(b);
            }
        }
        false
    }

    fn tag(&mut self, f: &mut dyn FnMut(Found<'_>)) {
        let mut held = std::mem::take(&mut self.held);
        self.in_tag = false;
        let wanted = std::mem::take(&mut self.collects);
        let at = memchr::memchr(b'<', &held).unwrap_or(held.len());
        let (text, tag) = held.split_at_checked(at).unwrap_or((&[], &[]));
        let text = if wanted { text } else { &[] };
        let tag = tag.get(1..).unwrap_or(&[]);
        match tag.first() {
            Some(b'?' | b'!') | None => {}
            Some(b'/') => {
                self.depth = self.depth.saturating_sub(1);
                f(Found::End { name: tag.get(1..).unwrap_or(&[]).trim_ascii_end(), text, depth: self.depth });
            }
            Some(_) => {
                let empty = tag.last() == Some(&b'/');
                let depth = self.depth;
                // A stream begins anew behind a login, in the same one.
                let restart = Tag(tag).name().ends_with(b"stream:stream");
                if restart {
                    self.depth = 1;
                } else if !empty {
                    self.depth = (depth + 1).min(MAX_DEPTH);
                }
                f(Found::Begin { tag: Tag(tag), depth: if restart { 0 } else { depth }, empty });
            }
        }
        crate::stream::reuse(&mut held);
        self.held = held;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(pieces: &[&[u8]]) -> Vec<String> {
        let mut s = Scanner::default();
        let mut out = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            loop {
                let mut wants = false;
                let found = s.next(&mut input, &mut |found| {
                    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
                    out.push(match found {
                        Found::Begin { tag, depth, empty } => {
                            wants = tag.name() == b"b";
                            format!("{depth} {} {:?} {empty}", text(tag.name()), tag.attribute(b"x").map(text))
                        }
                        Found::End { name, text: t, depth } => format!("{depth} /{} {:?}", text(name), text(t)),
                    });
                });
                if !found {
                    break;
                }
                if wants {
                    s.collect();
                }
            }
        }
        out
    }

    #[test]
    fn parses_tags_in_any_split() {
        let xml = b"<?xml version='1.0'?><stream:stream a='1' x=\"y>\"><b>te xt</b><c xx='1' x='2'/> <d>no</d></stream:stream>";
        let want = run(&[xml]);
        assert_eq!(
            want,
            [
                "0 stream:stream Some(\"y>\") false",
                "1 b None false",
                "1 /b \"te xt\"",
                "1 c Some(\"2\") true",
                "1 d None false",
                "1 /d \"\"",
                "0 /stream:stream \"\""
            ]
        );
        for cut in 0..xml.len() {
            assert_eq!(run(&[&xml[..cut], &xml[cut..]]), want, "{cut}");
        }
    }

    #[test]
    fn limits_tags_and_texts() {
        let mut s = Scanner::default();
        s.collect();
        let long = [&[b'x'; 100_000][..], b"<", &[b'y'; 100_000][..]].concat();
        s.next(&mut &long[..], &mut |_| {});
        assert!(s.heap_len() < 3 * (MAX_TEXT_LEN + MAX_TAG_LEN), "{}", s.heap_len());
    }
}
