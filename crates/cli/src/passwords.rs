//! Passwords for encrypted members, and where each is from.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// What analysts, and those whose mails they read, lock archives with by convention.
pub const USUAL: &[&str] = &["infected", "malware", "virus", "password", "1234", "12345", "123456"];

/// Longest list that is read.
const LIST_LEN_MAX: u64 = 64 << 20;

/// Where a password is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// On the command line, or in a list named there.
    Given,
    /// In clear in the same capture.
    Heard,
    /// One of [`USUAL`].
    Usual(&'static str),
}

impl Source {
    /// As rows tell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Heard => "heard",
            Self::Usual(_) => "usual",
        }
    }

    /// The password itself, where it is no secret.
    pub fn shown(self) -> Option<&'static str> {
        match self {
            Self::Usual(word) => Some(word),
            Self::Given | Self::Heard => None,
        }
    }
}

/// Passwords in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub struct Passwords {
    words: Vec<Vec<u8>>,
    sources: Vec<Source>,
}

impl Passwords {
    /// Those given, then those heard, then the usual ones; each once.
    pub fn new(given: Vec<Vec<u8>>, heard: Vec<Vec<u8>>) -> Self {
        let usual = USUAL.iter().map(|word| (word.as_bytes().to_vec(), Source::Usual(word)));
        let given = given.into_iter().map(|word| (word, Source::Given));
        let heard = heard.into_iter().map(|word| (word, Source::Heard));
        let mut all = Self::default();
        let mut seen = hashbrown::HashSet::with_hasher(sekisho_types::SeededState(0));
        for (word, source) in given.chain(heard).chain(usual) {
            if seen.insert(word.clone()) {
                all.words.push(word);
                all.sources.push(source);
            }
        }
        all
    }

    /// The passwords.
    pub fn words(&self) -> &[Vec<u8>] {
        &self.words
    }

    /// Where number `index` is from.
    pub fn source(&self, index: usize) -> Option<Source> {
        self.sources.get(index).copied()
    }
}

/// What `--password` and `--passwords` name: lines without their ends, empty ones left out.
pub fn given(words: &[String], lists: &[PathBuf]) -> Result<Vec<Vec<u8>>> {
    let mut all: Vec<Vec<u8>> = words.iter().map(|word| word.clone().into_bytes()).collect();
    for path in lists {
        let text = read(path).with_context(|| format!("--passwords {}", path.display()))?;
        let lines = text.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        all.extend(lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec));
    }
    Ok(all)
}

fn read(path: &PathBuf) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(LIST_LEN_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LIST_LEN_MAX {
        bail!("longer than {} MiB", LIST_LEN_MAX >> 20);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_tried_once_and_known_by_its_first_source() {
        let words = |list: &[&str]| list.iter().map(|w| w.as_bytes().to_vec()).collect::<Vec<_>>();
        let all = Passwords::new(words(&["a", "infected", "a"]), words(&["b", "a"]));
        assert_eq!(all.words()[..4], words(&["a", "infected", "b", "malware"]));
        let sources: Vec<_> = (0..4).filter_map(|i| all.source(i)).map(Source::name).collect();
        assert_eq!(sources, ["given", "given", "heard", "usual"]);
        assert_eq!(
            (all.source(3).and_then(Source::shown), all.source(1).and_then(Source::shown)),
            (Some("malware"), None)
        );
        assert_eq!(all.words().len(), all.sources.len());
    }

    #[test]
    fn reads_lists() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("list");
        std::fs::write(&path, "one\r\n\ntwo words\n\u{fc}").expect("write");
        let all = given(&["zero".to_owned()], &[path]).expect("readable");
        assert_eq!(all, [&b"zero"[..], b"one", b"two words", "\u{fc}".as_bytes()]);
        assert!(given(&[], &["/nonexistent".into()]).is_err());
    }
}
