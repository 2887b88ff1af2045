//! Lists of hashes: text in, sorted bytes out.
//!
//! A list is text, a line an entry. What is read: plain digests; `DIGEST  NAME` as md5sum and its kin write it (`MD5 (NAME) =
//! DIGEST` too); columns separated by commas, semicolons, tabs or bars, quoted or not, as NSRL, VirusShare and MalwareBazaar give
//! them. A digest is MD5, SHA-1 or SHA-256 by its length; any mix may stand in one list, in capitals or not. `#` and `;` begin comments. If a line
//! names columns, those that hold digests of something else (an import table, a certificate, a parent) are left out.

use crate::digest::{Digests, Wanted};
use memchr::memchr;

/// Bytes of a line that are read; the rest of a longer one is skipped.
pub const LINE_LEN_MAX: usize = 64 << 10;

/// Hashes that one list may have; those beyond are counted, not kept: at most 3.6 GB.
pub const HASH_COUNT_MAX: usize = 100_000_000;

/// Columns that are looked at.
const COLUMN_COUNT_MAX: usize = 64;

/// Parts of a column's name that say: a digest, but not of the file's content.
const OTHER_DIGESTS: [&str; 9] = ["imp", "authenti", "pehash", "vhash", "rich", "parent", "icon", "cert", "tlsh"];

/// An entry: the digest and its line in the list.
type Entry<const N: usize> = ([u8; N], u32);

/// Where a content's digest stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// `md5`, `sha1` or `sha256`.
    pub algorithm: &'static str,
    /// Line in the list, from 1.
    pub line: u32,
}

/// A loaded list.
#[derive(Clone, Debug, Default)]
pub struct HashList {
    name: String,
    md5: Vec<Entry<16>>,
    sha1: Vec<Entry<20>>,
    sha256: Vec<Entry<32>>,
    /// Hashes that found no room.
    left_out_count: u64,
    /// Lines with text but without a digest.
    odd_line_count: u64,
}

impl HashList {
    /// What the list is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Different hashes in it.
    pub fn len(&self) -> usize {
        self.md5.len() + self.sha1.len() + self.sha256.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Hashes that found no room ([`HASH_COUNT_MAX`]).
    pub fn left_out_count(&self) -> u64 {
        self.left_out_count
    }

    /// Lines, comments and headers apart, in which no digest was found.
    pub fn odd_line_count(&self) -> u64 {
        self.odd_line_count
    }

    /// The digests it needs to be asked with.
    pub fn wanted(&self) -> Wanted {
        Wanted { md5: !self.md5.is_empty(), sha1: !self.sha1.is_empty(), sha256: !self.sha256.is_empty() }
    }

    /// Does one of the digests stand in it?
    pub fn find(&self, digests: &Digests) -> Option<Hit> {
        let sha256 = digests.sha256.and_then(|d| find(&self.sha256, &d)).map(|line| Hit { algorithm: "sha256", line });
        let sha1 = || digests.sha1.and_then(|d| find(&self.sha1, &d)).map(|line| Hit { algorithm: "sha1", line });
        let md5 = || digests.md5.and_then(|d| find(&self.md5, &d)).map(|line| Hit { algorithm: "md5", line });
        sha256.or_else(sha1).or_else(md5)
    }
}

fn find<const N: usize>(sorted: &[Entry<N>], digest: &[u8; N]) -> Option<u32> {
    let at = sorted.binary_search_by(|entry| entry.0.cmp(digest)).ok()?;
    sorted.get(at).map(|entry| entry.1)
}

/// Sorts; of equal digests the first line stays.
fn sort<const N: usize>(entries: &mut Vec<Entry<N>>) {
    entries.sort_unstable();
    entries.dedup_by_key(|entry| entry.0);
    entries.shrink_to_fit();
}

/// Reads a list, piece by piece.
#[derive(Debug)]
pub struct ListLoader {
    list: HashList,
    /// The beginning of a line whose end hasn't come yet.
    held: Vec<u8>,
    line: u32,
    /// Columns, by position, whose digests count: all, unless a line named them.
    columns: u64,
    /// Was there an entry yet? Names of columns come before.
    begun: bool,
}

impl ListLoader {
    /// An empty list.
    pub fn new(name: &str) -> Self {
        let list = HashList { name: name.to_owned(), ..HashList::default() };
        Self { list, held: Vec::new(), line: 0, columns: u64::MAX, begun: false }
    }

    /// The next piece of the list's text.
    pub fn feed(&mut self, mut text: &[u8]) {
        while let Some(end) = memchr(b'\n', text) {
            let (line, rest) = text.split_at(end);
            text = rest.get(1..).unwrap_or_default();
            if self.held.is_empty() {
                self.line(line);
            } else {
                self.hold(line);
                let held = std::mem::take(&mut self.held);
                self.line(&held);
                self.held = held;
                self.held.clear();
            }
        }
        self.hold(text);
    }

    fn hold(&mut self, part: &[u8]) {
        let room = LINE_LEN_MAX.saturating_sub(self.held.len());
        self.held.extend_from_slice(part.get(..room).unwrap_or(part));
    }

    /// The list, sorted.
    pub fn finish(mut self) -> HashList {
        if !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            self.line(&held);
        }
        sort(&mut self.list.md5);
        sort(&mut self.list.sha1);
        sort(&mut self.list.sha256);
        self.list
    }

    fn line(&mut self, line: &[u8]) {
        self.line = self.line.saturating_add(1);
        let line = line.get(..LINE_LEN_MAX).unwrap_or(line).trim_ascii();
        let line = if self.line == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        match line.first() {
            None => return,
            Some(b'#' | b';') => {
                // Some name their columns in a comment.
                if !self.begun {
                    self.names(line.trim_ascii_start().get(1..).unwrap_or_default());
                }
                return;
            }
            Some(_) => {}
        }
        if self.entries(line) {
            self.begun = true;
        } else if self.begun || !self.names(line) {
            self.list.odd_line_count += 1;
        }
    }

    /// Takes the digests of a line; false if there is none.
    fn entries(&mut self, line: &[u8]) -> bool {
        if let Some(separator) = separator(line) {
            let mut any = false;
            for (at, field) in line.split(|b| *b == separator).take(COLUMN_COUNT_MAX).enumerate() {
                if self.columns >> at & 1 == 1 && self.digest(trimmed(field)) {
                    any = true;
                }
            }
            return any;
        }
        // One digest a line: what is called like a digest after it is a name.
        line.split(u8::is_ascii_whitespace).map(trimmed).any(|word| self.digest(word))
    }

    /// Takes `word` if it is a digest.
    fn digest(&mut self, word: &[u8]) -> bool {
        let word = match word.iter().position(|b| *b == b':') {
            // `sha256:...`
            Some(at) if at <= 8 => word.get(at + 1..).unwrap_or_default(),
            _ => word,
        };
        let full = self.list.len() >= HASH_COUNT_MAX;
        let line = self.line;
        match word.len() {
            32 => keep(&mut self.list.md5, word, line, full, &mut self.list.left_out_count),
            40 => keep(&mut self.list.sha1, word, line, full, &mut self.list.left_out_count),
            64 => keep(&mut self.list.sha256, word, line, full, &mut self.list.left_out_count),
            _ => false,
        }
    }

    /// Does the line name columns? Then those that don't count are left out from now on.
    fn names(&mut self, line: &[u8]) -> bool {
        let Some(separator) = separator(line) else { return false };
        let mut columns = 0;
        for (at, field) in line.split(|b| *b == separator).take(COLUMN_COUNT_MAX).enumerate() {
            let name = String::from_utf8_lossy(trimmed(field)).to_ascii_lowercase();
            let digest = ["md5", "sha1", "sha-1", "sha256", "sha-256", "sha_256", "sha_1", "hash"]
                .iter()
                .any(|d| name.contains(d));
            if digest && !OTHER_DIGESTS.iter().any(|o| name.contains(o)) {
                columns |= 1 << at;
            }
        }
        if columns != 0 {
            self.columns = columns;
        }
        columns != 0
    }
}

/// The sign between columns: the first of those that may be one.
fn separator(line: &[u8]) -> Option<u8> {
    line.iter().copied().find(|b| matches!(b, b',' | b'\t' | b'|' | b';'))
}

/// Without quotes and blanks around it, and without the asterisk that marks binary mode.
fn trimmed(field: &[u8]) -> &[u8] {
    let outer = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'*');
    let start = field.iter().position(|b| !outer(b)).unwrap_or(field.len());
    let end = field.iter().rposition(|b| !outer(b)).map_or(start, |at| at + 1);
    field.get(start..end).unwrap_or_default()
}

fn keep<const N: usize>(to: &mut Vec<Entry<N>>, word: &[u8], line: u32, full: bool, left_out: &mut u64) -> bool {
    let mut digest = [0; N];
    for (byte, pair) in digest.iter_mut().zip(word.chunks_exact(2)) {
        let &[high, low] = pair else { return false };
        match (nibble(high), nibble(low)) {
            (Some(high), Some(low)) => *byte = high << 4 | low,
            _ => return false,
        }
    }
    if full {
        *left_out += 1;
    } else {
        to.push((digest, line));
    }
    true
}

fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
    const SHA1: &str = "A9993E364706816ABA3E25717850C26C9CD0D89D";
    const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn abc() -> Digests {
        let mut d = Digests::default();
        d.complete(Wanted { md5: true, sha1: true, sha256: true }, &mut |f| {
            f(b"a");
            f(b"bc");
        });
        d
    }

    fn load(text: &str) -> HashList {
        let mut loader = ListLoader::new("l");
        loader.feed(text.as_bytes());
        loader.finish()
    }

    fn hit(text: &str) -> Option<(&'static str, u32)> {
        load(text).find(&abc()).map(|h| (h.algorithm, h.line))
    }

    #[test]
    fn parses_the_forms_lists_come_in() {
        assert_eq!(hit(MD5), Some(("md5", 1)));
        assert_eq!(hit(&format!("# a comment\r\n\r\n{SHA1}\r\n")), Some(("sha1", 3)));
        assert_eq!(hit(&format!("{SHA256}  some name\n")), Some(("sha256", 1)));
        assert_eq!(hit(&format!("{SHA256} *binary.exe\n")), Some(("sha256", 1)));
        assert_eq!(hit(&format!("MD5 (a file) = {MD5}\n")), Some(("md5", 1)));
        assert_eq!(hit(&format!("sha256:{SHA256}\n")), Some(("sha256", 1)));
        let nsrl = format!(
            "\"SHA-1\",\"MD5\",\"CRC32\",\"FileName\"\r\n\"{SHA1}\",\"{}\",\"352441C2\",\"abc.txt\"\r\n",
            "0".repeat(32)
        );
        assert_eq!(hit(&nsrl), Some(("sha1", 2)));
        assert_eq!(load(&nsrl).len(), 2);
        assert_eq!(hit(&format!("\u{feff}name;sha256\nabc;{SHA256}")), Some(("sha256", 2)));
    }

    #[test]
    fn columns_with_digests_of_other_things_are_left_out() {
        let other = "0".repeat(32);
        let text = format!(
            "# \"first_seen\",\"sha256_hash\",\"imphash\",\"md5_hash\"\n\"2026\", \"{SHA256}\", \"{other}\", \"{MD5}\"\n"
        );
        let list = load(&text);
        assert_eq!((list.len(), list.odd_line_count()), (2, 0));
        assert_eq!(load(&format!("x,{other},{MD5}\n")).len(), 2);
    }

    #[test]
    fn rejects_what_is_no_digest() {
        let list = load(&format!("hello\n{}\n{}g\n{MD5}0\n{SHA256}\n", "a".repeat(31), "a".repeat(31)));
        assert_eq!((list.len(), list.odd_line_count()), (1, 4));
        // Only the first digest of a line counts: the second is a name.
        assert_eq!(load(&format!("{MD5}  {SHA256}\n")).len(), 1);
    }

    #[test]
    fn equal_hashes_are_one_with_the_first_line() {
        assert_eq!(hit(&format!("{MD5}\n{}\n{}\n", "0".repeat(32), MD5.to_uppercase())), Some(("md5", 1)));
        assert_eq!(load(&format!("{MD5}\n{MD5}\n")).len(), 1);
        assert_eq!(load("").find(&abc()), None);
        assert!(load("").is_empty());
    }

    #[test]
    fn any_split_gives_the_same_list() {
        let text = format!("{MD5}\n# c\n{SHA1} x\n\n{SHA256}");
        for cut in 0..=text.len() {
            let mut loader = ListLoader::new("l");
            loader.feed(&text.as_bytes()[..cut]);
            loader.feed(&text.as_bytes()[cut..]);
            let list = loader.finish();
            assert_eq!((list.len(), list.find(&abc()).map(|h| h.line)), (3, Some(5)), "{cut}");
        }
    }

    #[test]
    fn limits_lines() {
        let mut loader = ListLoader::new("l");
        for _ in 0..100 {
            loader.feed(&[b'x'; 4096]);
        }
        assert!(loader.held.len() <= LINE_LEN_MAX);
        loader.feed(format!("\n{MD5}\n").as_bytes());
        let list = loader.finish();
        assert_eq!((list.len(), list.odd_line_count()), (1, 1));
    }
}
