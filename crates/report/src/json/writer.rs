use crate::clean::is_shown;
use crate::units;
use sekisho_record::Text;
use sekisho_types::{Addr, Timestamp};
use std::fmt::Write;

/// Writes indented JSON member by member; lists and objects nest by closures, so brackets always match.
#[derive(Default)]
pub(super) struct Json {
    out: String,
    depth: usize,
    /// Has the innermost list or object a member already?
    begun: bool,
}

impl Json {
    pub fn finish(self) -> String {
        self.out
    }

    pub fn object(&mut self, inner: impl FnOnce(&mut Self)) {
        self.nest('{', '}', inner);
    }

    /// A member that is a list of objects.
    pub fn objects<T>(&mut self, name: &str, items: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut Self, T)) {
        self.name(name);
        self.nest('[', ']', |j| {
            for item in items {
                j.next();
                j.object(|j| each(j, item));
            }
        });
    }

    /// A member that is a list of strings.
    pub fn strings<'a>(&mut self, name: &str, items: impl IntoIterator<Item = &'a [u8]>) {
        self.name(name);
        self.nest('[', ']', |j| {
            for item in items {
                j.next();
                string(&mut j.out, item);
            }
        });
    }

    /// A member that is an object.
    pub fn member(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        self.name(name);
        self.object(inner);
    }

    pub fn number(&mut self, name: &str, v: impl Into<Option<u64>>) {
        self.name(name);
        match v.into() {
            // Writing to a String cannot fail.
            Some(v) => drop(write!(self.out, "{v}")),
            None => self.out.push_str("null"),
        }
    }

    /// A list of numbers, on one line.
    pub fn numbers(&mut self, name: &str, items: impl IntoIterator<Item = u64>) {
        self.name(name);
        let items: Vec<String> = items.into_iter().map(|n| n.to_string()).collect();
        let _ = write!(self.out, "[{}]", items.join(", "));
    }

    /// A number from its thousandths.
    pub fn real(&mut self, name: &str, thousandths: impl Into<Option<i64>>) {
        self.name(name);
        match thousandths.into() {
            Some(v) => {
                let sign = if v < 0 { "-" } else { "" };
                let v = v.unsigned_abs();
                let _ = match (v / 1000, v % 1000) {
                    (whole, 0) => write!(self.out, "{sign}{whole}"),
                    (whole, part) => write!(self.out, "{sign}{whole}.{part:03}"),
                };
            }
            None => self.out.push_str("null"),
        }
    }

    /// A number of six significant digits; `null` for what is no number.
    pub fn float(&mut self, name: &str, v: Option<f64>) {
        self.name(name);
        match v.filter(|v| v.is_finite()) {
            // Not the fewest digits that tell the value: the last ones are the processor's.
            Some(v) => {
                let rounded: f64 = format!("{v:.5e}").parse().unwrap_or(v);
                let _ = write!(self.out, "{rounded:?}");
            }
            None => self.out.push_str("null"),
        }
    }

    /// Seconds from nanoseconds.
    pub fn seconds(&mut self, name: &str, nanos: Option<i64>) {
        self.name(name);
        match nanos {
            Some(v) => {
                let sign = if v < 0 { "-" } else { "" };
                let v = v.unsigned_abs();
                let _ = write!(self.out, "{sign}{}.{:09}", v / 1_000_000_000, v % 1_000_000_000);
            }
            None => self.out.push_str("null"),
        }
    }

    pub fn flag(&mut self, name: &str, v: impl Into<Option<bool>>) {
        self.name(name);
        self.out.push_str(match v.into() {
            Some(true) => "true",
            Some(false) => "false",
            None => "null",
        });
    }

    pub fn text<'a>(&mut self, name: &str, v: impl Into<Option<&'a [u8]>>) {
        self.name(name);
        match v.into() {
            Some(v) => string(&mut self.out, v),
            None => self.out.push_str("null"),
        }
    }

    pub fn wire(&mut self, name: &str, v: Option<&Text>) {
        self.text(name, v.map(|t| &t.0[..]));
    }

    pub fn time(&mut self, name: &str, v: Option<Timestamp>) {
        self.name(name);
        match v {
            Some(v) => {
                self.out.push('"');
                units::push_iso(&mut self.out, v);
                self.out.push('"');
            }
            None => self.out.push_str("null"),
        }
    }

    pub fn addr(&mut self, name: &str, v: impl Into<Option<Addr>>) {
        self.name(name);
        match v.into() {
            Some(v) => drop(write!(self.out, "\"{v}\"")),
            None => self.out.push_str("null"),
        }
    }

    /// A member's name, which is a word of this program's.
    fn name(&mut self, name: &str) {
        self.next();
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\": ");
    }

    /// Separates from what came before.
    fn next(&mut self) {
        if self.begun {
            self.out.push(',');
        }
        self.begun = true;
        self.line();
    }

    fn line(&mut self) {
        /// As deep as any page goes, and some.
        const INDENT: &str = "\n                                ";
        match INDENT.get(..1 + 2 * self.depth) {
            Some(indent) => self.out.push_str(indent),
            None => {
                self.out.push('\n');
                (0..self.depth).for_each(|_| self.out.push_str("  "));
            }
        }
    }

    fn nest(&mut self, open: char, close: char, inner: impl FnOnce(&mut Self)) {
        self.out.push(open);
        self.depth += 1;
        self.begun = false;
        inner(self);
        self.depth -= 1;
        if self.begun {
            self.line();
        }
        self.begun = true;
        self.out.push(close);
    }
}

/// A JSON string of bytes from the wire: bytes that are no UTF-8 as the text `\xHH`, characters that [`crate::clean()`] would not
/// let through as `\uHHHH`.
fn string(out: &mut String, bytes: &[u8]) {
    out.push('"');
    // Most of it is plain.
    if bytes.iter().all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\'))
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        out.push_str(text);
        out.push('"');
        return;
    }
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                _ if is_shown(c) => out.push(c),
                _ => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                }
            }
        }
        for b in chunk.invalid() {
            let _ = write!(out, "\\\\x{b:02x}");
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_read_back_and_are_safe_to_print() {
        for (bytes, want) in [
            (&b"a\"\\b"[..], "a\"\\b"),
            ("\u{1b}[0m\u{202e}𝄞é日".as_bytes(), "\u{1b}[0m\u{202e}𝄞é日"),
            (b"\xff\xe2\x82", "\\xff\\xe2\\x82"),
            (b"", ""),
        ] {
            let mut out = String::new();
            string(&mut out, bytes);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), want);
            assert!(!out.chars().any(|c| c.is_control() || c == '\u{202e}'), "{out:?}");
        }
    }
}
