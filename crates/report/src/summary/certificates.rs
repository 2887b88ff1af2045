use super::columns::{ssl, x509};
use super::{keep_least, listing};
use crate::bounded::{Top, Weight};
use crate::cells::Cells;
use crate::page::{Certificate, Page};
use crate::units;
use sekisho_record::Text;
use sekisho_types::{Addr, Timestamp};

/// Certificates told apart.
const MAX_CERTIFICATES: usize = 4_096;
/// RSA keys below this many bits can be broken with effort (NIST SP 800-57 part 1).
const MIN_RSA_BITS: u64 = 2_048;
/// The same for elliptic curves.
const MIN_EC_BITS: u64 = 224;

/// What is known of a certificate, from its own rows and from connections that showed it.
#[derive(Default)]
struct Known {
    logged: u64,
    shown: u64,
    /// Times of the first and last row.
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
    key_type: Vec<u8>,
    key_len: Option<u64>,
    signature: Vec<u8>,
    /// At the head of a chain, as far as known.
    leaf: Option<bool>,
    server: Option<Addr>,
    server_name: Option<Vec<u8>>,
    mismatch: Option<Vec<u8>>,
    distrust: Option<Vec<u8>>,
}

impl Weight for Known {
    fn weight(&self) -> u64 {
        self.logged.max(self.shown)
    }
}

/// Certificates by fingerprint.
pub(super) struct Certificates(Top<Box<[u8]>, Known>);

impl Certificates {
    pub fn new(seed: u64) -> Self {
        Self(Top::new(MAX_CERTIFICATES, seed))
    }

    pub fn x509(&mut self, row: &Cells<'_>) {
        let owned = |i| row.text(i).unwrap_or(b"").to_vec();
        let Some(fingerprint) = row.text(x509::FINGERPRINT) else { return };
        let cert = self.0.at_ref(fingerprint);
        cert.logged += 1;
        let ts = row.time(x509::TS);
        keep_least(&mut cert.first, ts);
        cert.last = cert.last.max(ts);
        if cert.logged > 1 {
            return;
        }
        cert.subject = owned(x509::SUBJECT);
        cert.issuer = owned(x509::ISSUER);
        cert.not_before = row.time(x509::BEFORE);
        cert.not_after = row.time(x509::AFTER);
        cert.key_type = owned(x509::KEY_TYPE);
        cert.key_len = row.count(x509::KEY_LENGTH);
        cert.signature = owned(x509::SIGNATURE);
        cert.leaf = cert.leaf.or(row.flag(x509::HOST_CERT));
    }

    pub fn ssl(&mut self, row: &Cells<'_>) {
        let Some(fingerprint) = row.items(ssl::CHAIN).next().filter(|f| !f.is_empty()) else { return };
        let cert = self.0.at_ref(fingerprint);
        cert.shown += 1;
        cert.leaf = Some(true);
        keep_least(&mut cert.server, row.addr(ssl::RESP));
        let name = row.text(ssl::NAME);
        least_text(&mut cert.server_name, name);
        least_text(&mut cert.mismatch, name.filter(|_| row.flag(ssl::MATCHES) == Some(false)));
        least_text(&mut cert.distrust, row.text(ssl::TRUST).filter(|t| *t != b"ok"));
    }

    /// Subject, issuer and end of a certificate.
    pub fn known(&self, fingerprint: &[u8]) -> Option<(Text, Text, Option<Timestamp>)> {
        self.0.get(fingerprint).map(|c| (Text::from(&c.subject), Text::from(&c.issuer), c.not_after))
    }

    pub fn fill(&self, page: &mut Page) {
        page.certificates = listing(&self.0, |fingerprint, c| Certificate {
            fingerprint: Text::from(fingerprint),
            subject: Text::from(&c.subject),
            issuer: Text::from(&c.issuer),
            not_before: c.not_before,
            not_after: c.not_after,
            key: key(c),
            signature: Text::from(&c.signature),
            count: c.logged.max(c.shown),
            server_name: c.server_name.clone().map(Text),
            server: c.server,
            problems: problems(c),
        });
        // What needs a look comes first; within that by frequency as before.
        page.certificates.rows.sort_by_key(|c| c.problems.is_empty());
    }
}

/// As [`keep_least`], without a copy where nothing changes.
fn least_text(kept: &mut Option<Vec<u8>>, new: Option<&[u8]>) {
    if let Some(new) = new
        && kept.as_ref().is_none_or(|old| new < &old[..])
    {
        *kept = Some(new.to_vec());
    }
}

fn key(c: &Known) -> Text {
    let mut text = c.key_type.clone();
    if let Some(len) = c.key_len {
        text.extend_from_slice(format!(" {len}").as_bytes());
    }
    Text(text)
}

/// What is wrong, as of the time it was seen. Roots and intermediates may sign themselves.
fn problems(c: &Known) -> Vec<String> {
    let mut out = Vec::new();
    if let (Some(ts), Some(after)) = (c.last, c.not_after)
        && ts > after
    {
        out.push(format!("expired {}", units::date(after)));
    }
    if let (Some(ts), Some(before)) = (c.first, c.not_before)
        && ts < before
    {
        out.push(format!("not valid before {}", units::date(before)));
    }
    let leaf = c.leaf != Some(false);
    let own = leaf && !c.subject.is_empty() && c.subject == c.issuer;
    if own {
        out.push("self-signed".to_owned());
    }
    if let Some(name) = &c.mismatch {
        out.push(format!("not for {}", crate::clean(name)));
    }
    let weak_key = match (&c.key_type[..], c.key_len) {
        (b"rsa" | b"dsa", Some(bits)) => bits < MIN_RSA_BITS,
        (b"ecdsa" | b"ec", Some(bits)) => bits < MIN_EC_BITS,
        _ => false,
    };
    if weak_key {
        out.push(format!("weak key ({})", crate::clean(&key(c).0)));
    }
    let signature = c.signature.to_ascii_lowercase();
    let has = |word: &[u8]| signature.windows(word.len()).any(|w| w == word);
    // A root's own signature is not what trust rests on.
    if (has(b"sha1") || has(b"md5") || has(b"md2")) && c.subject != c.issuer {
        out.push(format!("weak signature ({})", crate::clean(&c.signature)));
    }
    if let Some(status) = &c.distrust
        && !told(status, own, &out)
    {
        out.push(format!("not trusted: {}", crate::clean(status)));
    }
    out
}

/// Does the list say already what the validation's status says?
fn told(status: &[u8], own: bool, said: &[String]) -> bool {
    let status = status.to_ascii_lowercase();
    let has = |word: &[u8]| status.windows(word.len()).any(|w| w == word);
    own && (has(b"self signed") || has(b"self-signed"))
        || has(b"expired") && said.iter().any(|s| s.starts_with("expired"))
}
