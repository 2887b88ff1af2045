//! Rules as text: files, and the parts of them that rules are.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A file of rules.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path, from which other paths count.
    pub name: String,
    /// What is in it. It stays in memory as long as rules of it do.
    pub text: Arc<String>,
}

impl Source {
    /// A text with a name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: Arc::new(text.into()) }
    }

    /// Bytes with a name; those that are not UTF-8 become U+FFFD.
    pub fn of_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        let text = String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
        Self::new(name, text)
    }
}

/// Text of a rule: a part of its file.
#[derive(Clone)]
pub struct Text {
    file: Arc<String>,
    start: usize,
    len: usize,
}

impl Text {
    /// A part of a file.
    pub(crate) fn part(file: &Arc<String>, start: usize, len: usize) -> Self {
        Self { file: Arc::clone(file), start, len }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { file: Arc::new(text.to_owned()), start: 0, len: text.len() }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.file.get(self.start..self.start + self.len).unwrap_or("")
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_shared() {
        let source = Source::of_bytes("a", b"one\ntwo \xff".to_vec());
        let part = Text::part(&source.text, 4, 7);
        assert_eq!((&*part, Arc::strong_count(&source.text)), ("two \u{fffd}", 2));
        assert_eq!((part == Text::from("two \u{fffd}"), format!("{part:?}")), (true, "\"two \u{fffd}\"".to_owned()));
    }
}
