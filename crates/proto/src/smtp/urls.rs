//! URLs in a mail's text, line by line, as Suricata looks for them.

use sekisho_types::{Heap, list_len};

/// Longest line that is searched; a longer one is searched in pieces.
const MAX_LINE_LEN: usize = 4096;
/// URLs kept of one mail, and bytes of one.
const MAX_URLS: usize = 128;
const MAX_URL_LEN: usize = 2048;

/// What URLs begin with, in the order of their bits.
const SCHEMES: [&[u8]; 4] = [b"http://", b"https://", b"ftp://", b"mailto://"];

/// A URL.
#[derive(Debug)]
pub(super) struct Url {
    /// In lower case, with its scheme.
    pub(super) text: Vec<u8>,
    /// Which of [`SCHEMES`].
    scheme: usize,
}

impl Url {
    /// What follows the two slashes.
    pub(super) fn without_scheme(&self) -> &[u8] {
        SCHEMES.get(self.scheme).and_then(|scheme| self.text.get(scheme.len()..)).unwrap_or(&[])
    }
}

/// Those found so far, and the line at hand.
#[derive(Debug, Default)]
pub(super) struct Urls {
    line: Vec<u8>,
    found: Vec<Url>,
}

impl Heap for Urls {
    fn heap_len(&self) -> usize {
        self.line.heap_len() + list_len(&self.found) + self.found.iter().map(|url| url.text.heap_len()).sum::<usize>()
    }
}

impl Urls {
    /// The next piece of text.
    pub(super) fn text(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
            let room = MAX_LINE_LEN.saturating_sub(self.line.len());
            let (piece, rest) = bytes.split_at_checked(end.min(room)).unwrap_or((bytes, &[]));
            bytes = rest;
            self.line.extend_from_slice(piece);
            if self.line.ends_with(b"\n") || self.line.len() >= MAX_LINE_LEN {
                self.search();
            }
        }
    }

    /// The text is over.
    pub(super) fn finish(&mut self) {
        self.search();
        self.line = Vec::new();
    }

    /// Those of some schemes: bits 1 http, 2 https, 4 ftp, 8 mailto. As Suricata lists them, the last one found first.
    pub(super) fn found(&self, schemes: u8) -> impl Iterator<Item = &Url> {
        self.found.iter().rev().filter(move |url| schemes >> url.scheme & 1 == 1)
    }

    fn search(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        line.make_ascii_lowercase();
        for (scheme, start) in SCHEMES.iter().enumerate() {
            for at in memchr::memmem::find_iter(&line, start) {
                let rest = line.get(at..).unwrap_or(&[]);
                let ends = |b: &u8| b.is_ascii_whitespace() || b.is_ascii_control() || b"\"'<>[]{}()".contains(b);
                let len = rest.iter().position(ends).unwrap_or(rest.len()).min(MAX_URL_LEN);
                let text = rest.get(..len).unwrap_or(rest);
                let known = self.found.iter().any(|url| url.text == text);
                if len > start.len() && !known && self.found.len() < MAX_URLS {
                    self.found.push(Url { text: text.to_vec(), scheme });
                }
            }
        }
        line.clear();
        self.line = line;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_urls_in_any_split() {
        let text =
            b"see HTTP://A.example/x?y=1 <a href=\"https://b.example/\">\r\nhttp://a.example/x?y=1 ftp://c http://\n";
        for n in [1, 2, 7, 1000] {
            let mut urls = Urls::default();
            text.chunks(n).for_each(|piece| urls.text(piece));
            urls.finish();
            let of = |schemes| urls.found(schemes).map(|u| String::from_utf8_lossy(&u.text)).collect::<Vec<_>>();
            assert_eq!(of(1), ["http://a.example/x?y=1"]);
            assert_eq!(of(6), ["ftp://c", "https://b.example/"]);
            assert_eq!(urls.found(1).next().unwrap().without_scheme(), b"a.example/x?y=1");
        }
    }
}
