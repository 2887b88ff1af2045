//! Passwords that crossed in clear: heard by parsers for those who want to open what is locked in the same capture. They go
//! into no log.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Passwords kept; later ones are not.
pub const MAX_PASSWORDS: usize = 256;

/// Longest password kept.
pub const MAX_PASSWORD_LEN: usize = 128;

/// How many of them may come from what people write: it must not crowd out those that logged somebody in.
const MAX_FROM_TEXT: usize = 192;

/// Bytes behind a word like "password" within which it is told.
const MAX_AHEAD_LEN: usize = 64;

/// Bytes at the end of a piece of text that are looked at again with the next piece.
const MAX_CARRY_LEN: usize = 256;

/// Words of a phrase that may be a password as a whole.
const MAX_PHRASE_WORDS: usize = 8;

/// What people call it, in small letters.
const NAMES: [&[u8]; 11] = [
    b"password",
    b"passwort",
    b"passwd",
    b"passphrase",
    b"passcode",
    b"kennwort",
    b"mot de passe",
    b"wachtwoord",
    b"pass",
    b"pwd",
    b"pw",
];

/// Words behind which it follows.
const VERBS: [&[u8]; 6] = [b"is", b"ist", b"was", b"lautet", b"est", b"will be"];

/// What was heard, shared by all parts of a pass.
#[derive(Default)]
pub struct Passwords(Mutex<Heard>);

#[derive(Default)]
struct Heard {
    list: Vec<Vec<u8>>,
    from_text: usize,
    /// The file whose text came last, and its last bytes.
    carry: Option<(u64, Vec<u8>)>,
}

/// Tells how many there are, not which.
impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passwords({})", self.with(|heard| heard.list.len()))
    }
}

impl Passwords {
    fn with<R>(&self, f: impl FnOnce(&mut Heard) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Those heard so far, each once, in the order in which they were heard.
    pub fn list(&self) -> Vec<Vec<u8>> {
        self.with(|heard| heard.list.clone())
    }

    /// How many were heard so far.
    pub fn count(&self) -> usize {
        self.with(|heard| heard.list.len())
    }

    /// Somebody used it. What is empty or longer than [`MAX_PASSWORD_LEN`] is none.
    pub fn hear(&self, password: &[u8]) {
        self.with(|heard| heard.add(password, MAX_PASSWORDS));
    }

    /// Somebody wrote this, in one piece.
    pub fn hear_text(&self, text: &[u8]) {
        self.with(|heard| heard.text(text));
    }

    /// A piece of file `id`; the next one may follow it. What is no text is passed over.
    pub(crate) fn hear_file(&self, id: u64, bytes: &[u8]) {
        let is_text = !bytes.iter().take(512).any(|b| matches!(b, 0..=8 | 14..=31));
        self.with(|heard| {
            let carried = heard.carry.take().filter(|c| c.0 == id && is_text).map(|c| c.1).unwrap_or_default();
            if !is_text {
                return;
            }
            let joined;
            let text = if carried.is_empty() {
                bytes
            } else {
                joined = [carried.as_slice(), bytes].concat();
                joined.as_slice()
            };
            heard.text(text);
            let from = text.len().saturating_sub(MAX_CARRY_LEN);
            heard.carry = Some((id, text.get(from..).unwrap_or(text).to_vec()));
        });
    }
}

impl Heard {
    fn add(&mut self, password: &[u8], most: usize) -> bool {
        let new = !password.is_empty()
            && password.len() <= MAX_PASSWORD_LEN
            && self.list.len() < most
            && !self.list.iter().any(|p| p == password);
        if new {
            self.list.push(password.to_vec());
        }
        new
    }

    fn text(&mut self, text: &[u8]) {
        in_text(text, &mut |password| {
            if self.from_text < MAX_FROM_TEXT && self.add(password, MAX_PASSWORDS) {
                self.from_text += 1;
            }
        });
    }
}

/// Finds what a text gives as passwords: `password: x`, `pw is x`, `Passwort = "x"`, `password=x&` of a form.
fn in_text(text: &[u8], found: &mut dyn FnMut(&[u8])) {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(step) = rest.iter().position(|b| matches!(b | 0x20, b'p' | b'k' | b'm' | b'w')) else { return };
        let start = at + step;
        at = start + 1;
        let before = start.checked_sub(1).and_then(|i| text.get(i));
        if before.is_some_and(u8::is_ascii_alphanumeric) {
            continue;
        }
        let rest = text.get(start..).unwrap_or(&[]);
        let Some(name) = NAMES.iter().find(|name| begins(rest, name)) else { continue };
        let behind = rest.get(name.len()..).unwrap_or(&[]);
        if behind.first().is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        at = start + name.len();
        if let Some(told) = told(behind) {
            candidates(told, found);
        }
    }
}

fn begins(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word))
}

/// What follows the sign or the verb that tells a password.
fn told(behind: &[u8]) -> Option<&[u8]> {
    let ahead = behind.get(..MAX_AHEAD_LEN).unwrap_or(behind);
    let line_end = memchr::memchr2(b'\n', b'\r', ahead).unwrap_or(ahead.len());
    for (i, b) in ahead.iter().enumerate().take(line_end) {
        let rest = behind.get(i + 1..)?;
        match b {
            b':' | b'=' => return Some(rest),
            b'.' | b'?' | b'!' | b';' | b'&' | b'<' => return None,
            b' ' => {
                let verb = VERBS.iter().find(|v| begins(rest, v) && matches!(rest.get(v.len()), Some(b' ' | b':')));
                if let Some(rest) = verb.and_then(|v| rest.get(v.len() + 1..)) {
                    return Some(rest);
                }
            }
            _ => {}
        }
    }
    None
}

/// The ways to read a password at the beginning of `text`: in quotes, as a word, as a word without what ends a sentence, as
/// a field of a form, as all words of the line.
fn candidates(text: &[u8], found: &mut dyn FnMut(&[u8])) {
    let text = text.trim_ascii_start();
    let text = text.get(..MAX_PASSWORD_LEN + 2).unwrap_or(text);
    let line = text.get(..memchr::memchr2(b'\n', b'\r', text).unwrap_or(text.len())).unwrap_or(text).trim_ascii_end();
    if let [quote @ (b'"' | b'\'' | b'`'), rest @ ..] = line
        && let Some(end) = memchr::memchr(*quote, rest)
    {
        return found(rest.get(..end).unwrap_or(&[]));
    }
    let word = line.split(|b| b.is_ascii_whitespace()).next().unwrap_or(&[]);
    found(word);
    let end = word.iter().rposition(|b| !matches!(b, b'.' | b',' | b';' | b'!' | b'?' | b')')).map_or(0, |i| i + 1);
    found(word.get(..end).unwrap_or(&[]));
    let field = word.split(|b| matches!(b, b'&' | b'<')).next().unwrap_or(&[]);
    found(field);
    if field.contains(&b'%') || field.contains(&b'+') {
        found(&unescaped(field));
    }
    let words = line.split(|b| b.is_ascii_whitespace()).count();
    if words > 1 && words <= MAX_PHRASE_WORDS {
        found(line);
    }
}

/// A field of a form as it was typed (`application/x-www-form-urlencoded`).
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [b, tail @ ..] = rest {
        let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let escaped = match (b, tail) {
            (b'%', [high, low, ..]) => digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        out.push(escaped.unwrap_or(if *b == b'+' { b' ' } else { *b }));
        rest = if escaped.is_some() { tail.get(2..).unwrap_or(&[]) } else { tail };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str) -> Vec<String> {
        let passwords = Passwords::default();
        passwords.hear_text(text.as_bytes());
        passwords.list().into_iter().map(|p| String::from_utf8(p).unwrap()).collect()
    }

    #[test]
    fn finds_what_people_write() {
        for (text, want) in [
            ("password: s3cret", "s3cret"),
            ("The PASSWORD is hunter2.", "hunter2"),
            ("the password for the archive is hunter2!", "hunter2"),
            ("Das Passwort lautet: geheim", "geheim"),
            ("Passwort:\r\ngeheim\r\n", "geheim"),
            ("pw is xyz", "xyz"),
            ("pw = 'two words' ok", "two words"),
            ("pwd=abc", "abc"),
            ("passphrase: correct horse battery staple", "correct horse battery staple"),
            ("user=bob&password=a%26b+c&x=1", "a&b c"),
            ("{\"password\": \"json\"}", "json"),
            ("mot de passe : secret", "secret"),
        ] {
            assert!(heard(text).iter().any(|p| p == want), "{text}: {:?}", heard(text));
        }
    }

    #[test]
    fn rejects_what_tells_nothing() {
        for text in
            ["passwords", "my passport: x", "a password. It is good: x", "compass: north", "password", "pw is", ""]
        {
            assert!(heard(text).is_empty(), "{text}: {:?}", heard(text));
        }
    }

    #[test]
    fn joins_pieces_of_a_file() {
        let passwords = Passwords::default();
        for piece in ["see the pass", "word: hun", "ter2\n"] {
            passwords.hear_file(7, piece.as_bytes());
        }
        passwords.hear_file(8, b"\0\x01 password: binary");
        let list = passwords.list();
        assert!(list.contains(&b"hunter2".to_vec()) && !list.contains(&b"binary".to_vec()), "{list:?}");
    }

    #[test]
    fn limits_how_many_and_how_long() {
        let passwords = Passwords::default();
        passwords.hear(&[b'x'; MAX_PASSWORD_LEN + 1]);
        passwords.hear(b"");
        for i in 0..1000 {
            passwords.hear_text(format!("password: written{i}").as_bytes());
            passwords.hear_text(format!("password: written{i}").as_bytes());
        }
        assert_eq!(passwords.list().len(), MAX_FROM_TEXT);
        for i in 0..1000 {
            passwords.hear(format!("used{i}").as_bytes());
        }
        assert_eq!(passwords.list().len(), MAX_PASSWORDS);
        assert_eq!(format!("{passwords:?}"), "Passwords(256)");
        // Nothing to find costs nothing much, and nothing panics.
        for len in 0..300 {
            passwords.hear_text(&vec![b'p'; len]);
            passwords.hear_text(&[&b"password: "[..], &vec![b'%'; len]].concat());
        }
    }
}
