//! Bytes from the wire made safe for a terminal.

/// `bytes` as text that can do nothing to a terminal: no control character, escape sequence, bidirectional or invisible
/// character gets through. Bytes that are not UTF-8 become `\xHH`, refused characters `\u{HHHH}`.
/// Kept are ASCII and letters whose width on a terminal is known.
pub fn clean(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_shown(c) {
                out.push(c);
            } else if c.is_ascii() {
                push_hex(&mut out, c as u8);
            } else {
                out.extend(c.escape_unicode());
            }
        }
        for &b in chunk.invalid() {
            push_hex(&mut out, b);
        }
    }
    out
}

fn push_hex(out: &mut String, b: u8) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    out.extend(['\\', 'x', HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]);
}

/// Does [`clean`] let the character through?
pub(crate) fn is_shown(c: char) -> bool {
    width(c).is_some()
}

/// Terminal columns of a character that may be printed; `None` for all others. A list of what is known to be harmless:
/// everything else (controls, combining marks, bidi, private use, emoji sequences) is shown by its number.
fn width(c: char) -> Option<usize> {
    match c {
        ' '..='~' => Some(1),
        '\u{ad}' => None,
        // Latin, IPA, Greek, Cyrillic without their combining marks; common punctuation, the euro sign.
        '\u{a1}'..='\u{2ff}' | '\u{370}'..='\u{377}' | '\u{37a}'..='\u{37f}' | '\u{384}'..='\u{482}' => Some(1),
        '\u{48a}'..='\u{52f}' | '\u{1e00}'..='\u{1eff}' => Some(1),
        '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{20a0}'..='\u{20bf}' | '\u{2190}'..='\u{2193}' => {
            Some(1)
        }
        // Punctuation and brackets of East Asia, kana, ideographs, Hangul syllables, full-width forms.
        '\u{3001}'..='\u{3003}' | '\u{3005}'..='\u{301f}' => Some(2),
        '\u{3041}'..='\u{3096}' | '\u{30a0}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' => {
            Some(2)
        }
        '\u{ac00}'..='\u{d7a3}' | '\u{ff01}'..='\u{ff60}' => Some(2),
        _ => None,
    }
}

/// Terminal columns of `text`, which [`clean`] made.
pub fn width_of(text: &str) -> usize {
    text.chars().map(|c| width(c).unwrap_or(1)).sum()
}

/// `text` cut to `columns`, with `…` for what went: at the end, or in the middle if `middle`.
pub fn fit(text: &str, columns: usize, middle: bool) -> String {
    if width_of(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(1);
    let tail = if middle { room / 2 } else { 0 };
    let head = take(text.chars(), room - tail);
    let mut end: Vec<char> = take(text.chars().rev(), tail);
    end.reverse();
    let ellipsis = (columns > 0).then_some('…');
    head.into_iter().chain(ellipsis).chain(end).collect()
}

fn take(chars: impl Iterator<Item = char>, columns: usize) -> Vec<char> {
    let mut used = 0;
    chars
        .take_while(|&c| {
            used += width(c).unwrap_or(1);
            used <= columns
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        for (input, want) in [
            (&b"plain.example"[..], "plain.example"),
            (b"\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
            (b"\x1b]0;title\x07", r"\x1b]0;title\x07"),
            (b"a\r\nb\tc\0d\x7f", r"a\x0d\x0ab\x09c\x00d\x7f"),
            (b"\x9b31m", r"\x9b31m"),
            ("\u{9b}31m".as_bytes(), r"\u{9b}31m"),
            ("exe\u{202e}fdp".as_bytes(), r"exe\u{202e}fdp"),
            ("\u{2066}x\u{2069}\u{200f}\u{061c}".as_bytes(), r"\u{2066}x\u{2069}\u{200f}\u{61c}"),
            ("zero\u{200b}width\u{feff}\u{ad}".as_bytes(), r"zero\u{200b}width\u{feff}\u{ad}"),
            ("a\u{301}".as_bytes(), r"a\u{301}"),
            ("line\u{2028}para\u{2029}".as_bytes(), r"line\u{2028}para\u{2029}"),
            ("\u{e000}\u{e0041}".as_bytes(), r"\u{e000}\u{e0041}"),
            ("größe Москва €".as_bytes(), "größe Москва €"),
            ("「会議」、明日。".as_bytes(), "「会議」、明日。"),
            ("a\u{3000}\u{3030}\u{302e}".as_bytes(), r"a\u{3000}\u{3030}\u{302e}"),
            (b"\xff\xc3", r"\xff\xc3"),
        ] {
            assert_eq!(clean(input), want, "{input:?}");
        }
    }

    #[test]
    fn every_character_is_shown_or_named() {
        for c in '\0'..=char::MAX {
            let text = clean(c.encode_utf8(&mut [0; 4]).as_bytes());
            assert!(!text.chars().any(char::is_control), "{c:?}");
            assert!(text == c.to_string() || text.starts_with('\\') && text.is_ascii(), "{c:?}");
        }
    }

    #[test]
    fn fits() {
        assert_eq!(width_of("日本"), 4);
        for (text, columns, middle, want) in [
            ("short", 5, false, "short"),
            ("longer", 5, false, "long…"),
            ("2001:db8::1:2:3", 9, true, "2001…:2:3"),
            ("日本語", 5, false, "日本…"),
            ("日本語", 4, false, "日…"),
            ("abc", 1, true, "…"),
            ("abc", 0, true, ""),
        ] {
            let got = fit(text, columns, middle);
            assert_eq!(got, want);
            assert!(width_of(&got) <= columns);
        }
    }
}
