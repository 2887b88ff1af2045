//! PDF (ISO 32000-1): the streams of all objects, found by looking for them, so that damaged files and old revisions are read
//! as well. Filters: Flate, LZW, ASCII85, ASCIIHex, RunLength with predictors; encoded pictures are handed out as they are.

use crate::bytes::{ascii_number, find};
use crate::filter::Stage;
use crate::lister::{Entry, Lister};
use crate::member::Completeness;
use crate::recipe::Recipe;
use sekisho_inflate::Coding;

/// Longest dictionary before a stream.
const DICTIONARY_LEN_MAX: usize = 8 << 10;
/// Filters of one stream.
const FILTER_COUNT_MAX: usize = 6;

pub(super) fn list(l: &mut Lister<'_, '_>) {
    let all = l.scan();
    let mut at = 0;
    while let Some(keyword) = find(&all, b"stream", at) {
        at = keyword + 6;
        let after = all.get(at..).unwrap_or(&[]);
        let data = match after {
            [b'\r', b'\n', ..] => at + 2,
            [b'\n' | b'\r', ..] => at + 1,
            _ => continue,
        };
        let before = all.get(keyword.saturating_sub(DICTIONARY_LEN_MAX)..keyword).unwrap_or(&[]);
        // The look back.
        if before.trim_ascii_end().ends_with(b">>") && !l.work(before.len() as u64) {
            return;
        }
        let Some((number, dictionary)) = object(before) else { continue };
        // Keys are looked for in all of it.
        if !l.work(8 * dictionary.len() as u64) {
            return;
        }
        let end = stream_end(&all, data, dictionary);
        at = end;
        if !stream(l, number, dictionary, data as u64, (end - data) as u64) {
            return;
        }
    }
    if find(&all, b"/Encrypt ", 0).is_some() {
        l.odd("pdf: encrypted");
    }
    let tail = memchr::memmem::rfind(&all, b"%%EOF").map(|i| i + 5);
    if let Some(end) = tail.filter(|_| all.len() as u64 == l.len()) {
        super::image::trailer(l, end as u64);
    }
}

/// The number of the last object in `before`, and its dictionary.
fn object(before: &[u8]) -> Option<(u64, &[u8])> {
    let text = before.trim_ascii_end();
    if !text.ends_with(b">>") {
        return None;
    }
    let mark = memchr::memmem::rfind(text, b" obj")?;
    let dictionary = text.get(mark + 4..)?.trim_ascii_start();
    let head = text.get(..mark)?;
    let digits = |b: &[u8]| b.iter().rev().take_while(|c| c.is_ascii_digit()).count();
    let head = head.get(..head.len() - digits(head))?.trim_ascii_end();
    let number = head.get(head.len() - digits(head)..)?;
    dictionary.starts_with(b"<<").then_some(())?;
    Some((ascii_number(number, 10).unwrap_or(0), dictionary))
}

/// By `/Length` if `endstream` follows there, else by looking for it.
fn stream_end(all: &[u8], data: usize, dictionary: &[u8]) -> usize {
    let length = value(dictionary, b"/Length").filter(|v| !indirect(v)).and_then(|v| ascii_number(v, 10));
    let told = length.and_then(|n| usize::try_from(n).ok()).and_then(|n| data.checked_add(n)).filter(|&end| {
        all.get(end..).is_some_and(|rest| rest.get(..16).unwrap_or(rest).trim_ascii_start().starts_with(b"endstream"))
    });
    let end = told.unwrap_or_else(|| find(all, b"endstream", data).unwrap_or(all.len()));
    if told.is_some() {
        return end;
    }
    let body = all.get(data..end).unwrap_or(&[]);
    data + body.strip_suffix(b"\r\n").or_else(|| body.strip_suffix(b"\n")).unwrap_or(body).len()
}

/// `12 0 R`: the value is another object.
fn indirect(value: &[u8]) -> bool {
    let mut words = value.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty());
    words.nth(1).is_some_and(|w| w.iter().all(u8::is_ascii_digit)) && words.next().is_some_and(|w| w.starts_with(b"R"))
}

/// What follows `key` in a dictionary.
fn value<'d>(dictionary: &'d [u8], key: &[u8]) -> Option<&'d [u8]> {
    let mut at = 0;
    loop {
        let found = find(dictionary, key, at)?;
        let rest = dictionary.get(found + key.len()..)?;
        // `/Length` is not `/Length1`.
        if rest.first().is_none_or(|b| !b.is_ascii_alphanumeric()) {
            return Some(rest.trim_ascii_start());
        }
        at = found + key.len();
    }
}

/// Names (`/FlateDecode`) in a value that is one or a list of them.
fn names(value: &[u8]) -> Vec<&[u8]> {
    let list = value.strip_prefix(b"[").and_then(|v| v.split(|&b| b == b']').next());
    let one = || value.strip_prefix(b"/").map(|v| v.split(|b| !b.is_ascii_alphanumeric()).next().unwrap_or(&[]));
    match list {
        Some(list) => list.split(|&b| b == b'/').skip(1).map(<[u8]>::trim_ascii_end).take(FILTER_COUNT_MAX).collect(),
        None => one().into_iter().collect(),
    }
}

fn stream(l: &mut Lister<'_, '_>, number: u64, dictionary: &[u8], at: u64, len: u64) -> bool {
    let filters = value(dictionary, b"/Filter").or_else(|| value(dictionary, b"/F")).map(names).unwrap_or_default();
    let parameters = value(dictionary, b"/DecodeParms").or_else(|| value(dictionary, b"/DP")).unwrap_or(&[]);
    let number_of = |key: &[u8], default: usize| {
        value(parameters, key)
            .and_then(|v| ascii_number(v, 10))
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(default)
    };
    let mut recipe = Recipe::slice(at, len);
    let mut flaw = None;
    for filter in filters {
        let stage = match filter {
            b"FlateDecode" | b"Fl" => Stage::inflate(Coding::Zlib),
            b"LZWDecode" | b"LZW" => Stage::PdfLzw { early: number_of(b"/EarlyChange", 1) != 0 },
            b"ASCII85Decode" | b"A85" => Stage::Ascii85,
            b"ASCIIHexDecode" | b"AHx" => Stage::Hex,
            b"RunLengthDecode" | b"RL" => Stage::RunLength,
            // Pictures: files in themselves, or nothing without the picture's other parameters.
            b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode" => break,
            b"Crypt" => {
                flaw = Some(Completeness::Encrypted);
                break;
            }
            _ => {
                flaw = Some(Completeness::Unsupported("PDF filter"));
                break;
            }
        };
        let differences = matches!(stage, Stage::Inflate { .. } | Stage::PdfLzw { .. });
        recipe = recipe.through(stage);
        let predictor = number_of(b"/Predictor", 1);
        if differences && predictor > 1 {
            recipe = recipe.through(Stage::Predictor {
                png: predictor >= 10,
                colors: number_of(b"/Colors", 1),
                bits: number_of(b"/BitsPerComponent", 8),
                columns: number_of(b"/Columns", 1),
            });
        }
    }
    let how = match value(dictionary, b"/Type") {
        Some(kind) if kind.starts_with(b"/EmbeddedFile") => "pdf-file",
        Some(kind) if kind.starts_with(b"/ObjStm") => "pdf-objects",
        _ => "pdf",
    };
    let mut entry = Entry::new(how, number.to_string().as_bytes(), recipe);
    entry.flaw = flaw;
    l.add(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::tests::{leaves, listed};

    const FILE: &[u8] = b"%PDF-1.4\n1 0 obj\n<< /Length 5 >>\nstream\nabcde\nendstream\nendobj\n\
        2 0 obj <</Filter [/ASCIIHexDecode /A85]/Length 3 0 R>>stream\r\n3837635552445a7e3e>\r\nendstream endobj\n\
        7 0 obj <</Type /EmbeddedFile /Length 99>>\nstream\nwrong length here\nendstream\n%%EOF\nhidden behind";

    #[test]
    fn parses_streams() {
        let got = leaves(FILE);
        let got: Vec<_> = got.iter().map(|(p, c)| (p.as_str(), c.as_slice())).collect();
        assert_eq!(
            got,
            [
                ("pdf:1", &b"abcde"[..]),
                ("pdf:2", b"Hello"),
                ("pdf-file:7", b"wrong length here"),
                ("trailer@247", b"\nhidden behind")
            ]
        );
    }

    #[test]
    fn parses_dictionaries() {
        let d = b"<</Length1 7 /Length 12 0 R /Filter/FlateDecode>>";
        assert!(indirect(value(d, b"/Length").unwrap()));
        assert_eq!(names(value(d, b"/Filter").unwrap()), [b"FlateDecode"]);
        assert_eq!(object(b"x 12 0 obj\n<</A 1>>\n").map(|o| o.0), Some(12));
        assert_eq!(object(b"12 0 obj 7"), None);
    }

    #[test]
    fn rejects_cut_files() {
        for len in 0..FILE.len() {
            listed(&FILE[..len]);
        }
    }
}
