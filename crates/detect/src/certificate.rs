//! A certificate as the catalogue keeps it, and how it is put into words.

use crate::rows::TlsCert;
use sekisho_types::{Day, Timestamp};

/// Names of a certificate that are kept.
pub const MAX_NAMES: usize = 8;
/// Longest text kept of any part.
const MAX_TEXT_LEN: usize = 256;
/// Longest key identifier kept; usual ones have 20 octets.
const MAX_ID_LEN: usize = 64;
/// Octets of a fingerprint that stand in keys of findings.
const SHORT_LEN: usize = 8;

/// SHA-256 of a certificate or a key.
pub type Fingerprint = [u8; 32];

/// What is kept of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cert {
    pub key: Option<Fingerprint>,
    pub serial: Box<str>,
    pub subject: Box<str>,
    pub issuer: Box<str>,
    pub not_before: Option<Timestamp>,
    pub not_after: Option<Timestamp>,
    pub sig_alg: Box<str>,
    pub key_type: &'static str,
    /// Bits.
    pub key_len: Option<u64>,
    pub exponent: Box<str>,
    /// Bytes of the names are lower-cased text; others replaced.
    pub names: Vec<Box<str>>,
    pub name_count: u64,
    pub ca: bool,
    pub key_id: Box<[u8]>,
    pub issuer_key_id: Box<[u8]>,
    pub self_issued: bool,
    pub sct_count: u64,
    /// It stood in a chain that leads to a trusted root.
    pub vouched: bool,
    /// Packet that brought it first.
    pub packet: u64,
}

fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes.get(..MAX_TEXT_LEN).unwrap_or(bytes)).into()
}

fn id(bytes: &[u8]) -> Box<[u8]> {
    bytes.get(..MAX_ID_LEN).unwrap_or(bytes).into()
}

impl Cert {
    pub(crate) fn new(row: &TlsCert<'_>, packet: u64) -> Self {
        Self {
            key: row.key.try_into().ok(),
            serial: text(row.serial),
            subject: text(row.subject),
            issuer: text(row.issuer),
            not_before: row.not_before,
            not_after: row.not_after,
            sig_alg: text(row.sig_alg),
            key_type: match row.key_type {
                "rsa" => "rsa",
                "dsa" => "dsa",
                "ecdsa" => "ecdsa",
                _ => "",
            },
            key_len: row.key_len,
            exponent: text(row.exponent),
            names: row.names.texts().take(MAX_NAMES).map(|name| text(&name.to_ascii_lowercase())).collect(),
            name_count: row.name_count,
            ca: row.ca,
            key_id: id(row.key_id),
            issuer_key_id: id(row.issuer_key_id),
            self_issued: row.self_issued,
            sct_count: row.sct_count,
            vouched: false,
            packet,
        }
    }

    /// A part of the subject, as OpenSSL prints it: `CN`, `O`.
    pub fn of_subject(&self, part: &str) -> Option<&str> {
        part_of(&self.subject, part)
    }

    /// A part of the issuer.
    pub fn of_issuer(&self, part: &str) -> Option<&str> {
        part_of(&self.issuer, part)
    }

    /// Who issued it, whatever intermediate did the work: the issuer's organisation, or all of its name.
    pub fn issuer_family(&self) -> &str {
        self.of_issuer("O").unwrap_or(&self.issuer)
    }

    /// Is `other` the issuer that it names, by its name and, where both say so, its key?
    pub fn names_as_issuer(&self, other: &Self) -> bool {
        let keys_differ =
            !self.issuer_key_id.is_empty() && !other.key_id.is_empty() && self.issuer_key_id != other.key_id;
        self.issuer == other.subject && !keys_differ
    }

    /// The first name, or the common name.
    pub fn first_name(&self) -> &str {
        self.names.first().map(|n| &**n).or_else(|| self.of_subject("CN")).unwrap_or("")
    }

    /// In one line: `CN=a.test, issued by CN=b, serial 01, 2026-01-01 to 2027-01-01, rsa 2048 bits, sha256With…`.
    pub fn words(&self) -> String {
        let day = |t: Option<Timestamp>| t.map_or_else(|| "?".to_owned(), date);
        let key = match self.key_len {
            Some(bits) => format!("{} {bits} bits", self.key_type),
            None => "key of another kind".to_owned(),
        };
        let (from, to) = (day(self.not_before), day(self.not_after));
        let Self { subject, issuer, serial, sig_alg, .. } = self;
        format!("{subject}, issued by {issuer}, serial {serial}, {from} to {to}, {key}, {sig_alg}")
    }
}

/// Value of an attribute in a name as OpenSSL prints it; escapes are left as they are.
fn part_of<'a>(name: &'a str, part: &str) -> Option<&'a str> {
    let mut rest = name;
    loop {
        let end = joint(rest).unwrap_or(rest.len());
        let (one, behind) = rest.split_at_checked(end)?;
        if let Some(value) = one.strip_prefix(part).and_then(|v| v.strip_prefix('=')) {
            return Some(value);
        }
        rest = behind.get(1..)?;
    }
}

/// Where the next attribute's joint stands: a comma or a plus without a backslash.
fn joint(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|b| {
        let joins = !escaped && matches!(b, b',' | b'+');
        escaped = b == b'\\' && !escaped;
        joins
    })
}

/// The last two labels of a name, which mostly are what somebody registered.
pub fn domain(name: &str) -> String {
    let mut labels = name.rsplit('.');
    let (last, before) = (labels.next().unwrap_or(""), labels.next().unwrap_or(""));
    format!("{before}.{last}").to_ascii_lowercase()
}

/// In lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
    digits.filter_map(|n| char::from_digit(u32::from(n), 16)).collect()
}

/// The beginning of a fingerprint in hex, as it stands in keys of findings.
pub fn short(fp: &Fingerprint) -> String {
    hex(fp.get(..SHORT_LEN).unwrap_or(fp))
}

/// `2026-01-31T23:59:59Z`, in the proleptic Gregorian calendar.
pub fn date(ts: Timestamp) -> String {
    let secs = ts.0.div_euclid(1_000_000_000);
    let second = secs.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", Day::of(ts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_printed() {
        let at = |secs| date(Timestamp::from_parts(secs, 0));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(at(1_795_233_385), "2026-11-21T03:56:25Z");
        assert_eq!(at(-1), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn parts_of_names() {
        let name = r"CN=a\,b,OU=x+O=One\, Two\\,C=US";
        assert_eq!(part_of(name, "O"), Some(r"One\, Two\\"));
        assert_eq!(part_of(name, "CN"), Some(r"a\,b"));
        assert_eq!((part_of(name, "C"), part_of(name, "ST"), part_of("", "O")), (Some("US"), None, None));
    }
}
