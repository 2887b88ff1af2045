//! Rows that only detectors want: which services answered whom in what way, and which logins crossed the network. A helper
//! of the parsers, no protocol. Secrets go into no row: passwords leave as their length, and what looks like one in an
//! answer is covered by [`mask`].

use crate::Cx;
use sekisho_record::{Head, Record, Text};

/// Longest request and longest response told, in bytes.
pub(crate) const MAX_SHOWN_LEN: usize = 256;

/// Longest name of an account told, in bytes.
const MAX_ACCOUNT_LEN: usize = 128;

/// What a service gave to a client from outside, by the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A command worked without a login.
    Open,
    /// Content left without a login.
    Data,
    /// A login was asked for.
    Refused,
    /// It worked after a login.
    Login,
}

impl Answer {
    const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Data => "data",
            Self::Refused => "refused",
            Self::Login => "login",
        }
    }
}

/// The answers that a flow's parser has told already: each is told once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Once(u8);

impl Once {
    /// Is it the first of its kind?
    pub(crate) fn is_first(&mut self, answer: Answer) -> bool {
        let bit = 1 << answer as u8;
        let first = self.0 & bit == 0;
        self.0 |= bit;
        first
    }
}

/// How a service answered somebody from outside.
#[derive(Clone, Debug, Record)]
#[record(log = "service_use")]
pub struct ServiceUseRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The service, known by content: `redis`, `docker`, `directory-listing`.
    pub service: &'static str,
    /// `open`: a command worked without login; `data`: content left; `refused`: a login was asked for; `login`: it
    /// worked after one.
    pub answer: &'static str,
    /// The request; secrets are covered.
    pub request: Text,
    /// How the response begins; secrets are covered.
    pub response: Text,
    /// Number of the packet that brought the response.
    pub packet: u64,
    /// Nothing of the client was seen: what it asked, and whether it logged in, is not known.
    pub answer_only: bool,
    /// It was found in bytes that were decrypted.
    pub tls: bool,
}

/// A login that crossed the network.
#[derive(Clone, Debug, Record)]
#[record(log = "credential")]
pub struct CredentialRecord {
    /// Time of the login, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The protocol: `ftp`, `http`.
    pub protocol: &'static str,
    /// How: `password`, `basic`, `form`, `PLAIN`, `CRAM-MD5`; unset in a row that only tells how the server judged the
    /// last login of the flow.
    pub method: Option<Text>,
    /// The account.
    pub user: Option<Text>,
    /// Bytes of the password, which is not told; unset if none crossed in clear.
    pub password_len: Option<u64>,
    /// The server's verdict.
    pub success: Option<bool>,
    /// It crossed unencrypted.
    pub clear: bool,
    /// Number of the packet that brought it.
    pub packet: u64,
}

/// A login as a parser met it.
pub(crate) struct Login<'a> {
    pub(crate) protocol: &'static str,
    pub(crate) method: &'a [u8],
    pub(crate) user: &'a [u8],
    /// The password, if it is there to be read.
    pub(crate) password: Option<&'a [u8]>,
    /// The verdict, where it is known at once.
    pub(crate) success: Option<bool>,
}

/// `bytes`, or as much of them as is told.
fn shown(bytes: &[u8], len: usize) -> Text {
    bytes.get(..len).unwrap_or(bytes).into()
}

/// A row about a service.
pub(crate) fn service_use(
    (service, answer): (&'static str, Answer),
    head: Head,
    request: &[u8],
    response: &[u8],
    cx: &mut Cx<'_>,
) {
    let row = ServiceUseRecord {
        head,
        service,
        answer: answer.name(),
        request: mask(request.get(..MAX_SHOWN_LEN).unwrap_or(request)).into(),
        response: mask(response.get(..MAX_SHOWN_LEN).unwrap_or(response)).into(),
        packet: cx.source,
        answer_only: !cx.flow.seen.orig,
        tls: cx.is_decrypted(),
    };
    cx.emit(row);
}

/// A row about a login.
pub(crate) fn credential(login: &Login<'_>, cx: &mut Cx<'_>) {
    credential_of_len(login, login.password.map(|p| p.len() as u64), cx);
}

/// As [`credential`], where of the password only the length is still known.
pub(crate) fn credential_of_len(login: &Login<'_>, password_len: Option<u64>, cx: &mut Cx<'_>) {
    let row = CredentialRecord {
        head: cx.head(cx.ts),
        protocol: login.protocol,
        method: Some(shown(login.method, MAX_ACCOUNT_LEN)),
        user: Some(shown(login.user, MAX_ACCOUNT_LEN)).filter(|u| !u.0.is_empty()),
        password_len,
        success: login.success,
        clear: !cx.is_decrypted(),
        packet: cx.source,
    };
    cx.emit(row);
}

/// A row about how the last login of the flow went.
pub(crate) fn verdict(protocol: &'static str, success: bool, cx: &mut Cx<'_>) {
    let row = CredentialRecord {
        head: cx.head(cx.ts),
        protocol,
        method: None,
        user: None,
        password_len: None,
        success: Some(success),
        clear: !cx.is_decrypted(),
        packet: cx.source,
    };
    cx.emit(row);
}

/// Words whose values are covered, in small letters.
const SECRETS: &[&[u8]] = &[
    b"api_key",
    b"apikey",
    b"authorization",
    b"credential",
    b"masterauth",
    b"passw",
    b"private_key",
    b"pwd",
    b"requirepass",
    b"secret",
    b"token",
];

/// What may stand between a name and its value.
const fn is_between(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'"' | b'\'' | b':' | b'=' | b'>' | b',')
}

/// What ends a value.
const fn is_end(b: u8) -> bool {
    matches!(b, b'"' | b'\'' | b'&' | b',' | b';' | b'<' | b'\r' | b'\n' | b'}' | b']')
}

/// Bytes with the values behind such words as `password` covered, up to the value's end.
pub(crate) fn mask(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let lower = bytes.to_ascii_lowercase();
    for word in SECRETS {
        for at in memchr::memmem::find_iter(&lower, word) {
            cover(&mut out, at + word.len());
        }
    }
    out
}

/// Covers the value behind a name that ends at or after `from`.
fn cover(out: &mut [u8], from: usize) {
    let Some(rest) = out.get_mut(from..) else { return };
    let name_len = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(**b, b'_' | b'-')).count();
    let gap_len = rest.iter().skip(name_len).take_while(|b| is_between(**b)).count();
    if gap_len == 0 {
        return;
    }
    for b in rest.iter_mut().skip(name_len + gap_len).take_while(|b| !is_end(**b)) {
        *b = b'*';
    }
}

#[cfg(test)]
mod tests;
