//! Links in what a mail says, and its first words.

use crate::markup::{Piece, attribute, decoded, walk};
use sekisho_types::{Heap, list_len};

/// Links kept.
const MAX_LINKS: usize = 128;
/// Bytes kept of what a link shows.
const MAX_SHOWN_LEN: usize = 200;
/// Bytes kept of where it leads.
const MAX_HREF_LEN: usize = 1024;
/// Bytes kept of the text.
const MAX_WORDS_LEN: usize = 4096;

/// A link.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) text: Vec<u8>,
    pub(super) href: Vec<u8>,
}

/// What texts hold.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) links: Vec<Link>,
    /// The first words, tags removed.
    pub(super) text: Vec<u8>,
}

impl Heap for Found {
    fn heap_len(&self) -> usize {
        let links = self.links.iter().map(|l| l.text.heap_len() + l.href.heap_len()).sum::<usize>();
        self.text.heap_len() + list_len(&self.links) + links
    }
}

fn push(to: &mut Vec<u8>, bytes: &[u8], max: usize) {
    let room = max.saturating_sub(to.len());
    to.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
}

impl Found {
    fn link(&mut self, text: &[u8], href: &[u8]) {
        let href = href.trim_ascii();
        let href = href.get(..MAX_HREF_LEN).unwrap_or(href);
        let text = squeezed(text);
        let shown = text.get(..MAX_SHOWN_LEN).unwrap_or(&text);
        let known = self.links.iter().any(|l| l.href == href && (l.text == shown || shown.is_empty()));
        if !href.is_empty() && !href.starts_with(b"#") && !known && self.links.len() < MAX_LINKS {
            self.links.push(Link { text: shown.to_vec(), href: href.to_vec() });
        }
    }

    /// Plain text: addresses that begin with their scheme.
    pub(super) fn plain(&mut self, bytes: &[u8]) {
        push(&mut self.text, bytes, MAX_WORDS_LEN);
        for at in memchr::memmem::find_iter(bytes, b"://") {
            let before = bytes.get(..at).unwrap_or(&[]);
            let scheme = before.iter().rev().take_while(|b| b.is_ascii_alphabetic()).count();
            let scheme_name = before.get(at - scheme..).unwrap_or(&[]);
            if !(scheme_name.eq_ignore_ascii_case(b"http") || scheme_name.eq_ignore_ascii_case(b"https")) {
                continue;
            }
            let rest = bytes.get(at - scheme..).unwrap_or(&[]);
            let ends = |b: &u8| b.is_ascii_whitespace() || b.is_ascii_control() || b"\"<>[]{}()".contains(b);
            let len = rest.iter().take(MAX_HREF_LEN).position(ends).unwrap_or(rest.len().min(MAX_HREF_LEN));
            let href = rest.get(..len).unwrap_or(rest);
            let href = href.strip_suffix(b".").or_else(|| href.strip_suffix(b",")).unwrap_or(href);
            self.link(b"", href);
        }
    }

    /// HTML: anchors, areas, forms.
    pub(super) fn html(&mut self, bytes: &[u8]) {
        let mut open: Option<Link> = None;
        walk(bytes, &mut |piece| match piece {
            Piece::Text(text) => {
                let text = decoded(text);
                push(&mut self.text, &text, MAX_WORDS_LEN);
                if let Some(open) = &mut open {
                    push(&mut open.text, &text, 4 * MAX_SHOWN_LEN);
                }
            }
            Piece::Tag(name @ (b"a" | b"/a" | b"area" | b"form"), tag) => {
                if let Some(link) = open.take() {
                    self.link(&link.text, &link.href);
                }
                let key: &[u8] = if name == b"form" { b"action" } else { b"href" };
                match attribute(tag, key).filter(|_| name != b"/a") {
                    Some(href) if name == b"a" => open = Some(Link { text: Vec::new(), href }),
                    Some(href) => self.link(b"", &href),
                    None => {}
                }
            }
            Piece::Tag(b"br" | b"p" | b"/p" | b"div" | b"/div" | b"tr" | b"td" | b"li", _) => {
                push(&mut self.text, b" ", MAX_WORDS_LEN);
            }
            Piece::Tag(..) => {}
        });
        if let Some(link) = open {
            self.link(&link.text, &link.href);
        }
    }
}

/// White space made one blank each, none at the ends.
fn squeezed(text: &[u8]) -> Vec<u8> {
    let words = text.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
}
