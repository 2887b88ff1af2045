//! Text that stands for something else: base64, base32, hexadecimal, percent escapes, ROT13, `data:` URIs, uuencode.
//!
//! A decoding counts only if something is recognised in it, so it need not be certain here that there is one. But it must be
//! cheap: runs of an alphabet are found in one pass, and each is decoded once.

use crate::bytes::find;
use crate::filter::{Stage, base32_value, is_base64};
use crate::kind::{Kind, uu_name};
use crate::lister::{Entry, Lister, When};
use crate::recipe::Recipe;

/// Shortest run of base64, base32 or hexadecimal characters that is decoded.
const RUN_LEN_MIN: usize = 16;
/// Longest run that may be chance, so that readable text in it isn't enough.
const WEAK_LEN_MAX: usize = 23;
/// Runs decoded in one text.
const RUN_COUNT_MAX: usize = 10_000;
/// Longest text that is looked at for ROT13 and percent escapes as a whole.
const WHOLE_LEN_MAX: u64 = 1 << 20;

pub(super) fn list(l: &mut Lister<'_, '_>) {
    if l.kind == Kind::Utf16 {
        l.add(Entry::new("utf-16", b"", Recipe::slice(0, l.len()).through(Stage::Utf16)));
        return;
    }
    let text = l.scan();
    if l.kind == Kind::Uuencode {
        uuencode(l, &text, 0);
        return;
    }
    if !encoded_as_a_whole(l, &text) {
        runs(l, &text);
    }
    data_uris(l, &text);
    uuencode(l, &text, 0);
    if l.len() <= WHOLE_LEN_MAX {
        whole(l, &text);
    }
}

/// Only characters of an alphabet and line ends: one encoded content over many lines.
fn encoded_as_a_whole(l: &mut Lister<'_, '_>, text: &[u8]) -> bool {
    let chars = || text.iter().filter(|b| !b.is_ascii_whitespace());
    let count = chars().count();
    let lines = text.split(|&b| b == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    // Lines that are encoded each for itself are not one content, nor are words.
    if count < 8 || text.trim_ascii().contains(&b' ') || lines > 1 && !even_lines(text) {
        return false;
    }
    let guess = [
        (is_hex as fn(u8) -> bool, "hex", Stage::Hex),
        (is_base32, "base32", Stage::Base32),
        (is_base64, "base64", Stage::Base64),
    ];
    let mut found = false;
    for (fits, how, stage) in guess {
        if chars().all(|&b| fits(b) || b == b'=') && plausible(how, count) {
            let when = if count <= WEAK_LEN_MAX { When::Convincing } else { When::Recognised };
            l.add(Entry::new(how, b"", Recipe::slice(0, l.len()).through(stage)).when(when));
            found = true;
        }
    }
    found
}

/// All lines but the last are equally long, as encoders break them.
fn even_lines(text: &[u8]) -> bool {
    let mut lens = text.split(|&b| b == b'\n').map(|line| line.trim_ascii().len()).filter(|&n| n > 0).peekable();
    let Some(first) = lens.next() else { return false };
    while let Some(len) = lens.next() {
        if len > first || len < first && lens.peek().is_some() {
            return false;
        }
    }
    true
}

fn plausible(how: &str, count: usize) -> bool {
    match how {
        "hex" => count.is_multiple_of(2),
        "base32" => matches!(count % 8, 0 | 2 | 4 | 5 | 7),
        _ => count % 4 != 1,
    }
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn is_base32(byte: u8) -> bool {
    base32_value(byte).is_some() && !byte.is_ascii_lowercase()
}

/// Runs of one alphabet within a line. PEM has lines that belong together; they are joined.
fn runs(l: &mut Lister<'_, '_>, text: &[u8]) {
    let mut at = 0;
    let mut count = 0;
    while at < text.len() && count < RUN_COUNT_MAX {
        let rest = text.get(at..).unwrap_or(&[]);
        let Some(start) = rest.iter().position(|&b| is_base64(b)) else { return };
        let run = run_at(rest.get(start..).unwrap_or(&[]));
        let (from, len) = (at + start, run.len());
        at = from + len.max(1);
        // What a `data:` URI holds is told as such.
        if len < RUN_LEN_MIN || text.get(..from).is_some_and(|before| before.ends_with(b";base64,")) {
            continue;
        }
        count += 1;
        if !one_run(l, run, from as u64) {
            return;
        }
    }
    if count == RUN_COUNT_MAX {
        l.odd("text: more encoded runs than are decoded");
    }
}

/// The characters of base64 that `text` begins with, with line ends between full lines, and padding.
fn run_at(text: &[u8]) -> &[u8] {
    /// Shortest line after which a run may go on in the next one.
    const LINE_LEN_MIN: usize = 60;
    let mut end = 0;
    let mut line_len = None;
    loop {
        let line = text.get(end..).unwrap_or(&[]);
        let len = line.iter().take_while(|b| is_base64(**b)).count();
        end += len;
        let same = line_len.is_none_or(|n| n == len);
        line_len = Some(len);
        let after = text.get(end..).unwrap_or(&[]);
        let gap = match after {
            [b'\r', b'\n', b, ..] if is_base64(*b) => 2,
            [b'\n', b, ..] if is_base64(*b) => 1,
            _ => 0,
        };
        if gap == 0 || len < LINE_LEN_MIN || !same {
            break;
        }
        end += gap;
    }
    let padding = text.get(end..).unwrap_or(&[]).iter().take(2).take_while(|b| **b == b'=').count();
    text.get(..end + padding).unwrap_or(text)
}

fn one_run(l: &mut Lister<'_, '_>, run: &[u8], at: u64) -> bool {
    let chars = run.iter().filter(|b| !b.is_ascii_whitespace() && **b != b'=');
    let count = chars.clone().count();
    let mixed = |fits: fn(u8) -> bool| chars.clone().all(|&b| fits(b));
    let guesses: &[(bool, &'static str, Stage)] = &[
        (mixed(is_hex) && count.is_multiple_of(2), "hex", Stage::Hex),
        (mixed(is_base32) && plausible("base32", count), "base32", Stage::Base32),
        (count % 4 != 1 && likely_base64(run), "base64", Stage::Base64),
    ];
    for (fits, how, stage) in guesses {
        if *fits {
            let recipe = Recipe::slice(at, run.len() as u64).through(stage.clone());
            let when = if count <= WEAK_LEN_MAX { When::Convincing } else { When::Recognised };
            if !l.add(Entry::new(how, b"", recipe).when(when)) {
                return false;
            }
        }
    }
    true
}

/// Words and paths are of the alphabet as well; encoded bytes have capitals, small letters or digits all over.
fn likely_base64(run: &[u8]) -> bool {
    let upper = run.iter().filter(|b| b.is_ascii_uppercase()).count();
    let lower = run.iter().filter(|b| b.is_ascii_lowercase()).count();
    upper > 1 && lower > 1 && (upper + lower) * 8 > run.len() && upper * 12 > run.len()
}

/// `data:image/png;base64,…` (RFC 2397).
fn data_uris(l: &mut Lister<'_, '_>, text: &[u8]) {
    /// Longest media type with parameters.
    const HEAD_LEN_MAX: usize = 128;
    let mut at = 0;
    while let Some(start) = find(text, b"data:", at) {
        at = start + 5;
        let head = text.get(at..).unwrap_or(&[]);
        let Some(comma) = head.iter().take(HEAD_LEN_MAX).position(|&b| b == b',') else { continue };
        let (kind, body) = (head.get(..comma).unwrap_or(&[]), head.get(comma + 1..).unwrap_or(&[]));
        if !kind.contains(&b'/') && !kind.ends_with(b"base64") || kind.iter().any(|b| b.is_ascii_whitespace()) {
            continue;
        }
        let base64 = kind.ends_with(b";base64");
        let inside = |b: &u8| {
            if base64 {
                is_base64(*b) || matches!(b, b'=' | b'%' | b'\\')
            } else {
                b.is_ascii_graphic() && !b"\"'<>()`".contains(b)
            }
        };
        let len = body.iter().take_while(|b| inside(b)).count();
        let media_type = kind.split(|&b| b == b';').next().unwrap_or(&[]);
        let stage = if base64 { Stage::Base64 } else { Stage::Percent };
        let recipe = Recipe::slice((at + comma + 1) as u64, len as u64).through(stage);
        at += comma + len;
        if !l.add(Entry::new("data-uri", media_type, recipe).when(When::Recognised)) {
            return;
        }
    }
}

/// What ROT13 makes of `flag{`, `ctf{`, `key{`, `secret{`, `password`, `http://`, `https://`, `-----BEGIN`.
const ROTATED: &[&[u8]] =
    &[b"synt{", b"pgs{", b"xrl{", b"frperg{", b"cnffjbeq", b"uggc://", b"uggcf://", b"-----ortva"];

/// Encodings of a whole text that leave it text: only if they uncover something of a known type or a flag.
fn whole(l: &mut Lister<'_, '_>, text: &[u8]) {
    let escapes =
        memchr::memchr_iter(b'%', text).filter(|&i| text.get(i + 1).is_some_and(u8::is_ascii_hexdigit)).count();
    if escapes >= 3 && escapes * 20 >= text.len() {
        l.add(Entry::new("url", b"", Recipe::slice(0, l.len()).through(Stage::Percent)).when(When::Convincing));
    }
    let lower = text.to_ascii_lowercase();
    if ROTATED.iter().any(|sign| find(&lower, sign, 0).is_some()) {
        l.add(Entry::new("rot13", b"", Recipe::slice(0, l.len()).through(Stage::Rot13)).when(When::Recognised));
    }
}

/// Every `begin` in the text, which is at `base` of the content; also in mails and news.
pub(super) fn uuencode(l: &mut Lister<'_, '_>, text: &[u8], base: u64) {
    let mut at = 0;
    while let Some(start) =
        if at == 0 && text.starts_with(b"begin") { Some(0) } else { find(text, b"\nbegin", at).map(|i| i + 1) }
    {
        let rest = text.get(start..).unwrap_or(&[]);
        let line_len = rest.iter().position(|&b| b == b'\n').map_or(rest.len(), |n| n + 1);
        at = start + line_len.max(1) - 1;
        let line = rest.get(..line_len).unwrap_or(rest).trim_ascii_end();
        let Some(name) = uu_name(line) else {
            at = start + 5;
            continue;
        };
        let data = start + line_len;
        let base64 = line.starts_with(b"begin-base64");
        let mark = if base64 { &b"\n===="[..] } else { b"\nend" };
        let end = find(text, mark, data.saturating_sub(1)).map_or(text.len(), |i| i + mark.len() + 1).min(text.len());
        let len = end.saturating_sub(data);
        let (stage, len) = if base64 { (Stage::Base64, len.saturating_sub(6)) } else { (Stage::Uu, len) };
        let recipe = Recipe::slice(base + data as u64, len as u64).through(stage);
        if !l.add(Entry::new("uuencode", name, recipe)) {
            return;
        }
        at = at.max(end.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use crate::formats::tests::leaves;

    fn check(text: &[u8], path: &str, content: &[u8]) {
        let got = leaves(text);
        let got: Vec<_> = got.iter().map(|(p, c)| (p.as_str(), c.as_slice())).collect();
        assert_eq!(got, [(path, content)], "{}", text.escape_ascii());
    }

    #[test]
    fn parses_whole_texts() {
        check(b"ZmxhZ3tuZXN0ZWR9\n", "base64", b"flag{nested}");
        check(b"666c61677b6e65737465647d", "hex", b"flag{nested}");
        check(b"MZWGCZ33NZSXG5DFMR6Q====\n", "base32", b"flag{nested}");
        check(b"synt{arfgrq}", "rot13", b"flag{nested}");
        check(b"%66%6c%61g%7bnested%7d", "url", b"flag{nested}");
    }

    #[test]
    fn parses_runs() {
        check(b"the key is ZmxhZ3tuZXN0ZWR9, keep it", "base64@11", b"flag{nested}");
        check(b"body { src: url(data:text/plain;base64,ZmxhZ3tuZXN0ZWR9) }", "data-uri:text/plain", b"flag{nested}");
    }

    #[test]
    fn rejects_what_only_looks_encoded() {
        for text in [
            &b"The quick brown fox jumps over the lazy dog, internationalization included.\n"[..],
            b"/usr/share/doc/package/examples/configuration/default/index.html\n",
            b"deadbeefdeadbeefdeadbeefdeadbeef\n",
            b"d41d8cd98f00b204e9800998ecf8427e  empty\n",
            b"SomeVeryLongCamelCaseIdentifierInAProgram\n",
            b"00000000000000000000000000000000000000000000\n",
        ] {
            assert_eq!(leaves(text), [], "{}", text.escape_ascii());
        }
    }

    #[test]
    fn parses_encoded_commands() {
        let command: Vec<u8> = b"IEX (New-Object Net.WebClient)".iter().flat_map(|b| [*b, 0]).collect();
        let got = leaves(&command);
        assert_eq!(got, [("utf-16".to_owned(), b"IEX (New-Object Net.WebClient)".to_vec())]);
    }

    #[test]
    fn parses_uuencode() {
        check(b"begin 644 a.txt\n,9FQA9WMN97-T961]\n`\nend\n", "uuencode:a.txt", b"flag{nested}");
    }
}
