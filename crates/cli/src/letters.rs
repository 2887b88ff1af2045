//! Mails given as files in place of captures: one (RFC 5322) or a mailbox (mbox), told by content. They are judged as those
//! that were seen on the wire are.

use anyhow::{Context, Result};
use sekisho_capture::Captures;
use sekisho_proto::{MailRecord, mail, split_mbox};
use sekisho_types::Timestamp;
use sekisho_unpack::Kind;
use sekisho_unpack::kind::recognise_bytes;
use std::fs::File;
use std::io::{self, Cursor, Read};

/// Bytes by which a mail is told from a capture.
const HEAD_LEN: usize = 8192;

/// Longest file of mails that is read; what lies behind is left out, and said.
const MAX_LEN: u64 = 256 << 20;

/// Files with mails: name, content, whether it is all.
#[derive(Default)]
pub struct Letters(Vec<(String, Vec<u8>, bool)>);

/// Mails that were judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// All.
    pub mails: u64,
    /// Those of which something is missing.
    pub cut: u64,
    /// The latest of their dates.
    pub last: Option<Timestamp>,
}

/// Opens what the user named: captures, and mails.
pub fn open(named: &[String]) -> Result<(Captures, Letters)> {
    if let [only] = named
        && only == "-"
    {
        return from_stdin();
    }
    let (mut rest, mut mails) = (Vec::new(), Vec::new());
    for name in named {
        match read_mail(name).with_context(|| format!("cannot read {name}"))? {
            Some((bytes, whole)) => mails.push((name.clone(), bytes, whole)),
            None => rest.push(name.clone()),
        }
    }
    let captures = if rest.is_empty() { none() } else { Captures::open(&rest)? };
    Ok((captures, Letters(mails)))
}

/// No captures.
fn none() -> Captures {
    Captures::from_readers::<Cursor<Vec<u8>>, _>([])
}

fn from_stdin() -> Result<(Captures, Letters)> {
    let mut head = Vec::new();
    let mut input = io::stdin();
    // A capture's first bytes are no text: a live one goes on at once. A mail is looked at up to its first body.
    while head.len() < HEAD_LEN && is_text(&head) && !has_header(begun(&head)) {
        let mut piece = [0; HEAD_LEN];
        let len = input.read(&mut piece).context("cannot read standard input")?;
        if len == 0 {
            break;
        }
        head.extend_from_slice(piece.get(..len).unwrap_or(&piece));
    }
    if !is_mail(&head) {
        return Ok((Captures::from_reader("-", Cursor::new(head).chain(input)), Letters::default()));
    }
    let (bytes, whole) = limited(head, input).context("cannot read standard input")?;
    Ok((none(), Letters(vec![("-".to_owned(), bytes, whole)])))
}

/// The content of a file if it is a mail or a mailbox, and whether it is all.
fn read_mail(name: &str) -> io::Result<Option<(Vec<u8>, bool)>> {
    // Folders, patterns, pipes and what is not there are for those who open captures.
    if !std::fs::metadata(name).is_ok_and(|m| m.is_file()) {
        return Ok(None);
    }
    let mut file = File::open(name)?;
    let mut head = Vec::new();
    (&mut file).take(HEAD_LEN as u64).read_to_end(&mut head)?;
    if is_mail(&head) { limited(head, file).map(Some) } else { Ok(None) }
}

/// `head` and what follows it, up to the limit.
fn limited(mut head: Vec<u8>, rest: impl Read) -> io::Result<(Vec<u8>, bool)> {
    rest.take(MAX_LEN + 1).read_to_end(&mut head)?;
    let max = usize::try_from(MAX_LEN).unwrap_or(usize::MAX);
    let whole = head.len() <= max;
    head.truncate(max);
    Ok((head, whole))
}

/// A mail from its first field on: some programs put a byte order mark or empty lines first.
fn begun(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let empty = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    bytes.get(empty..).unwrap_or(bytes)
}

fn is_text(head: &[u8]) -> bool {
    !head.iter().any(|b| *b == 0 || *b < b' ' && !b.is_ascii_whitespace())
}

fn has_header(head: &[u8]) -> bool {
    head.windows(2).any(|w| w == b"\n\n") || head.windows(4).any(|w| w == b"\r\n\r\n")
}

fn is_mail(head: &[u8]) -> bool {
    is_text(head) && matches!(recognise_bytes(begun(head)), Kind::Mail | Kind::Mbox)
}

impl Letters {
    /// Calls `each` with the rows of all mails and their numbers within their files, from 1.
    pub fn read(&self, each: &mut dyn FnMut(u64, &MailRecord)) -> Count {
        let mut count = Count::default();
        let mut tell = |bytes: &[u8], name: &str, number: u64, whole: bool| {
            let row = mail(bytes, name.as_bytes(), number, whole);
            count.mails += 1;
            count.cut += u64::from(!row.complete);
            count.last = count.last.max(Some(row.head.ts).filter(|ts| *ts != Timestamp::default()));
            each(number, &row);
        };
        for (name, bytes, whole) in &self.0 {
            let bytes = begun(bytes);
            if bytes.starts_with(b"From ") {
                let mut mails = split_mbox(bytes).zip(1..).peekable();
                while let Some((bytes, number)) = mails.next() {
                    tell(bytes, name, number, *whole || mails.peek().is_some());
                }
            } else {
                tell(bytes, name, 1, *whole);
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_first_field_is_left_out() {
        let mail = b"From: a@b.test\r\nTo: c@d.test\r\nSubject: x\r\n\r\nhi\r\n";
        for before in [&b"\xef\xbb\xbf"[..], b"\r\n\r\n", b"\n", b"\xef\xbb\xbf\r\n"] {
            let bytes = [before, mail].concat();
            assert!(is_mail(&bytes) && begun(&bytes) == mail, "{}", before.escape_ascii());
            let mut senders = Vec::new();
            let letters = Letters(vec![("x.eml".to_owned(), bytes, true)]);
            letters.read(&mut |_, row| senders.push(row.from.as_ref().map(|f| f.0.clone())));
            assert_eq!(senders, [Some(b"a@b.test".to_vec())]);
        }
    }

    #[test]
    fn mails_are_told_by_content() {
        assert!(is_mail(b"Received: from a by b; x\r\nFrom: a@b.test\r\nTo: c@d.test\r\nSubject: x\r\n\r\nhi\r\n"));
        assert!(is_mail(b"From a@b.test Mon Mar  2 09:00:00 2026\nFrom: a@b.test\nTo: c@d.test\nSubject: x\n\nhi\n"));
        for other in [&b"\xd4\xc3\xb2\xa1\x02\0\x04\0"[..], b"\x0a\x0d\x0d\x0a", b"plain words\n\nand more\n", b""] {
            assert!(!is_mail(other), "{}", other.escape_ascii());
        }
    }
}
