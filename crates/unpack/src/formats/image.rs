//! Pictures and sounds as carriers: texts and comments in them, and what follows their end.

use crate::bytes::{be32, byte, le32, size, until_nul};
use crate::filter::Stage;
use crate::kind::Kind;
use crate::lister::{Entry, Lister};
use crate::recipe::Recipe;
use sekisho_inflate::Coding;

/// Shorter trailers are padding.
const TRAILER_LEN_MIN: u64 = 4;
/// Chunks or segments that are gone through.
const UNIT_COUNT_MAX: usize = 1 << 20;

pub(super) fn list(l: &mut Lister<'_, '_>) {
    let end = match l.kind {
        Kind::Png => png(l),
        Kind::Jpeg => jpeg(l),
        Kind::Gif => gif(l),
        Kind::Bmp => le32(&l.read(2, 4), 0).map(u64::from),
        Kind::Wav | Kind::Avi | Kind::Webp => le32(&l.read(4, 4), 0).map(|n| 8 + u64::from(n) + u64::from(n & 1)),
        _ => None,
    };
    if let Some(end) = end {
        trailer(l, end);
    }
}

/// What follows `end`, if it isn't padding.
pub(super) fn trailer(l: &mut Lister<'_, '_>, end: u64) {
    /// So much of it is looked at.
    const LOOK_LEN: usize = 64 << 10;
    let len = l.len().saturating_sub(end);
    if len < TRAILER_LEN_MIN
        || l.read(end, LOOK_LEN).iter().all(|&b| matches!(b, 0 | 0xff | b'\n' | b'\r' | b' ')) && len <= LOOK_LEN as u64
    {
        return;
    }
    l.add(Entry::new("trailer", b"", Recipe::slice(end, len)));
}

/// Chunks up to IEND (PNG §5.3); the three kinds of text are members.
fn png(l: &mut Lister<'_, '_>) -> Option<u64> {
    /// Longest keyword (§11.3.4.2), with its zero and the bytes after it.
    const KEYWORD_LEN: usize = 79 + 3;
    let mut at = 8;
    for _ in 0..UNIT_COUNT_MAX {
        let head = l.read(at, 8);
        let (len, kind) = (u64::from(be32(&head, 0)?), head.get(4..8)?);
        let data = at + 8;
        if kind == b"IEND" {
            return Some(data + len + 4);
        }
        if !kind.iter().all(u8::is_ascii_alphabetic) {
            l.odd("png: no chunk where one should be");
            return None;
        }
        let text = l.read(data, KEYWORD_LEN.min(size(len)));
        let keyword = until_nul(&text);
        let skip = keyword.len() as u64 + 1;
        let rest = |skip: u64| Recipe::slice(data + skip, len.saturating_sub(skip));
        let entry = match kind {
            b"tEXt" => Some(Entry::new("png-text", keyword, rest(skip))),
            b"zTXt" => Some(Entry::new("png-text", keyword, rest(skip + 1).through(Stage::inflate(Coding::Zlib)))),
            b"iTXt" => {
                let packed = byte(&text, keyword.len() + 1) == Some(1);
                let language = l.read(data + skip + 2, 256.min(size(len)));
                let language_len = until_nul(&language).len();
                let translated = language.get(language_len + 1..).map_or(0, |t| until_nul(t).len());
                let recipe = rest(skip + 2 + (language_len + translated) as u64 + 2);
                let recipe = if packed { recipe.through(Stage::inflate(Coding::Zlib)) } else { recipe };
                Some(Entry::new("png-text", keyword, recipe))
            }
            b"eXIf" => Some(Entry::new("exif", b"", rest(0))),
            _ => None,
        };
        if !entry.is_none_or(|e| l.add(e)) || !l.work(64) {
            return None;
        }
        at = data + len + 4;
    }
    None
}

/// Segments (ITU T.81 annex B) up to the end mark; comments are members.
fn jpeg(l: &mut Lister<'_, '_>) -> Option<u64> {
    let mut at = 2;
    for _ in 0..UNIT_COUNT_MAX {
        let head = l.read(at, 4);
        let &[0xff, marker, a, b] = head.first_chunk::<4>().or(None)? else {
            return match head.get(..2)? {
                [0xff, 0xd9] => Some(at + 2),
                _ => None,
            };
        };
        let len = u64::from(u16::from_be_bytes([a, b]));
        match marker {
            0xd9 => return Some(at + 2),
            0xff => at += 1,
            0xd0..=0xd7 | 0x01 => at += 2,
            0xda => at = after_scan(l, at + 2 + len)?,
            _ => {
                if marker == 0xfe {
                    l.add(Entry::new("jpeg-comment", b"", Recipe::slice(at + 4, len.saturating_sub(2))));
                }
                at += 2 + len.max(2);
            }
        }
        if !l.work(64) {
            return None;
        }
    }
    None
}

/// The next marker that isn't part of entropy-coded data.
fn after_scan(l: &mut Lister<'_, '_>, mut at: u64) -> Option<u64> {
    const LOOK_LEN: usize = 64 << 10;
    loop {
        let bytes = l.read(at, LOOK_LEN);
        if bytes.len() < 2 || !l.work(bytes.len() as u64) {
            return (bytes.first_chunk::<2>() == Some(&[0xff, 0xd9])).then_some(at);
        }
        let pairs = bytes.iter().zip(bytes.iter().skip(1));
        let found =
            pairs.enumerate().find(|(_, (a, b))| **a == 0xff && !matches!(**b, 0 | 0xd0..=0xd7 | 0xff)).map(|(i, _)| i);
        match found {
            Some(i) => return Some(at + i as u64),
            None => at += bytes.len() as u64 - 1,
        }
    }
}

/// Blocks (GIF89a) up to the trailer byte; comments are members.
fn gif(l: &mut Lister<'_, '_>) -> Option<u64> {
    let colours = |flags: u8| if flags & 0x80 != 0 { 3u64 << ((flags & 7) + 1) } else { 0 };
    let mut at = 13 + colours(byte(&l.read(10, 1), 0)?);
    for _ in 0..UNIT_COUNT_MAX {
        let head = l.read(at, 10);
        match head.first()? {
            0x3b => return Some(at + 1),
            0x2c => at = after_blocks(l, at + 10 + colours(byte(&head, 9)?) + 1, None)?,
            0x21 => {
                let comment = byte(&head, 1) == Some(0xfe);
                let mut runs = Vec::new();
                at = after_blocks(l, at + 2, comment.then_some(&mut runs))?;
                if comment && !l.add(Entry::new("gif-comment", b"", Recipe::runs(runs))) {
                    return None;
                }
            }
            _ => return None,
        }
    }
    None
}

/// Sub-blocks: a length each, zero ends them.
fn after_blocks(l: &mut Lister<'_, '_>, mut at: u64, mut runs: Option<&mut Vec<(Option<u64>, u64)>>) -> Option<u64> {
    loop {
        let len = u64::from(byte(&l.read(at, 1), 0)?);
        if let (Some(runs), 1..) = (&mut runs, len) {
            runs.push((Some(at + 1), len));
        }
        at += 1 + len;
        if len == 0 {
            return Some(at);
        }
        if !l.work(64) {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::formats::tests::{leaves, listed};

    fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
        [&(data.len() as u32).to_be_bytes()[..], kind, data, &[0; 4]].concat()
    }

    #[test]
    fn parses_png_texts_and_trailers() {
        let png = [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(b"IHDR", &[0; 13]),
            chunk(b"tEXt", b"Comment\0hello there"),
            chunk(b"iTXt", b"Title\0\0\0en\0Titel\0a title here"),
            chunk(b"IEND", b""),
            b"flag{after_the_end}".to_vec(),
        ]
        .concat();
        let got = leaves(&png);
        let got: Vec<_> = got.iter().map(|(p, c)| (p.as_str(), c.as_slice())).collect();
        assert_eq!(
            got,
            [
                ("png-text:Comment", &b"hello there"[..]),
                ("png-text:Title", b"a title here"),
                ("trailer@117", b"flag{after_the_end}")
            ]
        );
    }

    #[test]
    fn parses_jpeg_comments_and_trailers() {
        let jpeg = [
            &b"\xff\xd8\xff\xfe\x00\x0ba comment"[..],
            b"\xff\xda\0\x04\0\0abc\xff\0def\xff\xd0gh\xff\xd9",
            b"behind it all",
        ]
        .concat();
        let got = leaves(&jpeg);
        assert_eq!(got[0], ("jpeg-comment@6".to_owned(), b"a comment".to_vec()));
        assert_eq!(got[1].1, b"behind it all");
    }

    #[test]
    fn parses_gif_comments_and_trailers() {
        let gif = [
            &b"GIF89a\x01\0\x01\0\0\0\0"[..],
            b"\x21\xfe\x04four\x03two\0",
            b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x01x\0\x3b",
            b"trailing",
        ]
        .concat();
        let got = leaves(&gif);
        assert_eq!(got[0], ("gif-comment".to_owned(), b"fourtwo".to_vec()));
        assert_eq!(got[1].1, b"trailing");
    }

    #[test]
    fn rejects_cut_pictures() {
        assert_eq!(listed(b"\x89PNG\r\n\x1a\n\0\0\0\x10IH").nodes.len(), 1);
        assert_eq!(listed(b"\xff\xd8\xff\xe0\0").nodes.len(), 1);
        assert_eq!(listed(b"GIF89a\x01\0").nodes.len(), 1);
    }
}
