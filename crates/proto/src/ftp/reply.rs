//! Replies (RFC 959 §4.2): lines, replies of several lines, and what servers put into their texts.

use super::path::decimal;

/// One line of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The code; 0 on a line between the first and the last.
    pub code: u16,
    /// The text behind it.
    pub text: &'a [u8],
    /// More lines of the same reply follow.
    pub more: bool,
}

/// Why a line is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// It does not begin with a number.
    NotNumeric,
    /// It begins with a number that is no code, or nothing separates code and text.
    Malformed,
}

/// Reads lines, knowing whether a reply of several lines is open.
#[derive(Debug, Default)]
pub struct Replies {
    open: Option<u16>,
}

impl Replies {
    /// Understands the next line.
    pub fn line<'a>(&mut self, line: &'a [u8]) -> Result<Reply<'a>, Bad> {
        let code = code_of(line);
        let separator = line.get(3).copied();
        let text_at = |at: usize| line.get(at..).unwrap_or(&[]).trim_ascii_start();
        if let Some(open) = self.open {
            if code == Some(open) && separator == Some(b' ') {
                self.open = None;
                return Ok(Reply { code: open, text: text_at(3), more: false });
            }
            return Ok(Reply { code: 0, text: line, more: true });
        }
        let code = code.ok_or(Bad::NotNumeric)?;
        match separator {
            _ if code < 100 => Err(Bad::Malformed),
            Some(b'-') => {
                self.open = Some(code);
                Ok(Reply { code, text: text_at(4), more: true })
            }
            Some(b' ') | None => Ok(Reply { code, text: text_at(3), more: false }),
            Some(_) => Err(Bad::Malformed),
        }
    }

    /// Forgets an open reply (after a gap).
    pub fn clear(&mut self) {
        self.open = None;
    }
}

/// The three digits at the start of a line.
pub fn code_of(line: &[u8]) -> Option<u16> {
    decimal(line.get(..3)?)
}

/// Does an intermediate line look like a whole reply of its own: a code, a blank, ten printable characters?
pub fn looks_whole(text: &[u8]) -> bool {
    code_of(text).is_some_and(|c| c >= 100)
        && text.get(3) == Some(&b' ')
        && text.get(4..14).is_some_and(|t| t.iter().all(|b| (b' '..=b'~').contains(b)))
}

/// The last number in `text`, 0 if there is none.
pub fn last_number(text: &[u8]) -> u64 {
    let end = text.iter().rposition(u8::is_ascii_digit).map_or(0, |at| at + 1);
    let head = text.get(..end).unwrap_or(&[]);
    let digits = head.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    head.get(end - digits..).and_then(decimal).unwrap_or(0)
}

/// What a 125 or 150 reply says of the transfer that begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening<'a> {
    /// The command it answers, if that can be told: `LIST`, `RETR` or `STOR`.
    pub command: Option<&'static str>,
    /// The file's name.
    pub name: Option<&'a [u8]>,
    /// Its size in bytes.
    pub size: Option<u64>,
}

/// Understands the wordings of vsftpd, ProFTPD, wu-ftpd, BSD ftpd, Pure-FTPd, IIS and FileZilla.
pub fn opening(text: &[u8]) -> Opening<'_> {
    let lower = text.to_ascii_lowercase();
    let find = |what: &str| memchr::memmem::find(&lower, what.as_bytes());
    let has = |what: &str| find(what).is_some();
    if has("directory listing") || has("file list") || has("/bin/ls") || has("name list") || has("mlsd") {
        return Opening { command: Some("LIST"), ..Opening::default() };
    }
    let (rest, size) = announced_size(text);
    let named = find("connection for ").map(|at| at + "connection for ".len());
    let name = if has("data channel for") || has("transfer of") {
        quoted(text)
    } else if let Some(at) = named {
        rest.get(at..).map(|n| without_quotes(without_endpoint(n.trim_ascii_end())))
    } else if lower.starts_with(b"file: ") {
        text.get("file: ".len()..)
    } else {
        None
    };
    let name = name.filter(|n| !n.is_empty());
    let command = if has("upload") || has("ok to send data") || lower.starts_with(b"file: ") {
        Some("STOR")
    } else if has("download") || size.is_some() {
        Some("RETR")
    } else if named.is_some() && name.is_some() {
        // These servers tell the size of what they send.
        Some("STOR")
    } else {
        None
    };
    Opening { command, name, size }
}

/// Splits off ` (N bytes)` and what follows it.
pub fn announced_size(text: &[u8]) -> (&[u8], Option<u64>) {
    for at in memchr::memrchr_iter(b'(', text) {
        let inside = text.get(at + 1..).unwrap_or(&[]);
        let digits = inside.iter().take_while(|b| b.is_ascii_digit()).count();
        let (number, unit) = inside.split_at_checked(digits).unwrap_or((inside, &[]));
        if unit.starts_with(b" bytes") || unit.starts_with(b" byte)") {
            return (text.get(..at).unwrap_or(&[]), decimal(number));
        }
    }
    (text, None)
}

/// Takes off wu-ftpd's ` (10.0.0.1,1234)`.
fn without_endpoint(name: &[u8]) -> &[u8] {
    let Some(at) = memchr::memrchr(b'(', name) else { return name };
    let inside = name.get(at + 1..).and_then(|i| i.strip_suffix(b")")).unwrap_or(&[]);
    let is_endpoint = inside.contains(&b',') && inside.iter().all(|b| b.is_ascii_hexdigit() || b",.:".contains(b));
    if is_endpoint { name.get(..at).unwrap_or(name).trim_ascii_end() } else { name }
}

/// BSD servers put single quotes around the name.
fn without_quotes(name: &[u8]) -> &[u8] {
    let inside = |q: u8| name.strip_prefix(&[q])?.strip_suffix(&[q]);
    inside(b'\'').or_else(|| inside(b'"')).unwrap_or(name)
}

/// What stands between the first quote and the last.
pub fn quoted(text: &[u8]) -> Option<&[u8]> {
    let (first, last) = (memchr::memchr(b'"', text)?, memchr::memrchr(b'"', text)?);
    text.get(first + 1..last)
}

/// The user that a 331 or 230 reply names: `Password required for alice.`, `User alice logged in`.
pub fn user(text: &[u8]) -> Option<&[u8]> {
    let lower = text.to_ascii_lowercase();
    let after = |what: &str| memchr::memmem::find(&lower, what.as_bytes()).map(|at| at + what.len());
    if after("anonymous access").or_else(|| after("guest login")).is_some() {
        return Some(b"anonymous");
    }
    let at = if let Some(at) = after("required for ") {
        at
    } else if lower.starts_with(b"user ") {
        "user ".len()
    } else {
        return None;
    };
    let word = text.get(at..)?.split(|b| b.is_ascii_whitespace()).next()?;
    let word = word.strip_suffix(b".").unwrap_or(word);
    let word = word.strip_suffix(b"'").and_then(|w| w.strip_prefix(b"'")).unwrap_or(word);
    let is_name = !word.is_empty() && !matches!(word, b"name" | b"okay" | b"OK" | b"user" | b"logged" | b"accepted");
    is_name.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_replies_of_several_lines() {
        let mut r = Replies::default();
        assert_eq!(r.line(b"220-Welcome"), Ok(Reply { code: 220, text: b"Welcome", more: true }));
        assert_eq!(r.line(b"226 not yet"), Ok(Reply { code: 0, text: b"226 not yet", more: true }));
        assert_eq!(r.line(b"220 done"), Ok(Reply { code: 220, text: b"done", more: false }));
        assert_eq!(r.line(b"200"), Ok(Reply { code: 200, text: b"", more: false }));
    }

    #[test]
    fn rejects_what_is_no_reply() {
        let mut r = Replies::default();
        assert_eq!(r.line(b"hello"), Err(Bad::NotNumeric));
        assert_eq!(r.line(b"099 x"), Err(Bad::Malformed));
        assert_eq!(r.line(b"230PASS OK"), Err(Bad::Malformed));
        assert_eq!(r.line(b""), Err(Bad::NotNumeric));
    }

    #[test]
    fn parses_the_wordings_of_many_servers() {
        let tar = |size| Opening { command: Some("RETR"), name: Some(b"flag.tar"), size };
        let cases: &[(&str, Opening<'_>)] = &[
            ("Opening BINARY mode data connection for flag.tar (10240 bytes).", tar(Some(10240))),
            ("Opening BINARY mode data connection for flag.tar(10240 bytes).", tar(Some(10240))),
            ("Opening BINARY mode data connection for 'flag.tar' (10240 bytes).", tar(Some(10240))),
            ("Opening BINARY mode data connection for flag.tar (10.0.0.1,1234) (10240 bytes).", tar(Some(10240))),
            (
                "Opening ASCII mode data connection for a (1).txt (7 bytes).",
                Opening { command: Some("RETR"), name: Some(b"a (1).txt"), size: Some(7) },
            ),
            (
                "Opening BINARY mode data connection for up.bin",
                Opening { command: Some("STOR"), name: Some(b"up.bin"), size: None },
            ),
            (
                "Opening data channel for file download from server of \"/pub/flag.tar\"",
                Opening { command: Some("RETR"), name: Some(b"/pub/flag.tar"), size: None },
            ),
            (
                "Opening data channel for file upload to server of \"/up.bin\"",
                Opening { command: Some("STOR"), name: Some(b"/up.bin"), size: None },
            ),
            ("Ok to send data.", Opening { command: Some("STOR"), ..Opening::default() }),
            ("10.0 kbytes to download", Opening { command: Some("RETR"), ..Opening::default() }),
            ("Accepted data connection", Opening::default()),
            ("Opening BINARY mode data connection.", Opening::default()),
        ];
        for (text, want) in cases {
            assert_eq!(opening(text.as_bytes()), *want, "{text}");
        }
        for text in [
            "Here comes the directory listing.",
            "Opening ASCII mode data connection for file list",
            "Opening ASCII mode data connection for /bin/ls.",
            "Opening ASCII mode data connection for '/bin/ls'.",
            "Opening data channel for directory listing of \"/\"",
        ] {
            assert_eq!(opening(text.as_bytes()).command, Some("LIST"), "{text}");
        }
    }

    #[test]
    fn parses_users_and_numbers() {
        assert_eq!(user(b"Password required for alice."), Some(&b"alice"[..]));
        assert_eq!(user(b"User bob OK. Password required"), Some(&b"bob"[..]));
        assert_eq!(user(b"User 'carol' logged in"), Some(&b"carol"[..]));
        assert_eq!(
            user(b"Anonymous access allowed, send identity (e-mail name) as password."),
            Some(&b"anonymous"[..])
        );
        assert_eq!(user(b"Please specify the password."), None);
        assert_eq!(user(b"User name okay, need password."), None);
        assert_eq!(last_number(b"for rfc1001.txt (154427 bytes)."), 154427);
        assert_eq!(last_number(b"none"), 0);
        assert_eq!(last_number(b"99999999999999999999999"), 0);
        assert!(
            looks_whole(b"226 Transfer complete.") && !looks_whole(b"226 ok") && !looks_whole(b" 226 Transfer comp")
        );
    }
}
