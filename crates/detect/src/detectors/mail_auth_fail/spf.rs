//! SPF (RFC 7208) by the records that passed in DNS: nothing is asked for, so often there is no verdict.

use crate::detection::Scope;
use crate::rows::Dns;
use crate::table::Recent;
use sekisho_types::{Addr, Interval, Subnet, Timestamp};

/// Records kept.
const MAX_RECORDS: usize = 4096;
/// Longest record kept.
const MAX_RECORD_LEN: usize = 1024;
/// How long a record counts.
const LIFE: Interval = Interval(3_600_000_000_000);
/// Records that one check may follow (RFC 7208 §4.6.4 allows ten).
const MAX_LOOKUPS: u32 = 10;
/// Type of TXT.
const TXT: u64 = 16;

/// What a record says about a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    /// It must not send; the record.
    Fail(String),
    /// Neither, or a part of it could not be seen.
    Unknown,
}

/// Records seen, by domain.
pub(super) struct Records {
    of: Recent<Box<str>, (Timestamp, Box<str>)>,
}

impl Records {
    pub fn new(scope: &Scope) -> Self {
        Self { of: Recent::of(scope, MAX_RECORDS) }
    }

    /// An answer of type TXT, as the log writes it: `TXT 12 v=spf1 -all`, for each string.
    pub fn dns(&mut self, dns: &Dns<'_>) {
        if dns.qtype != TXT || dns.answers.is_empty() {
            return;
        }
        let Some(record) = dns.answers.texts().find_map(record) else { return };
        if record.len() <= MAX_RECORD_LEN {
            let domain = String::from_utf8_lossy(dns.query).to_lowercase();
            let entry = self.of.at(domain.into(), || (dns.ts, record.as_str().into()));
            *entry = (dns.ts, record.into());
        }
    }

    /// May `host` send for `domain`?
    pub fn check(&self, domain: &str, host: Addr, now: Timestamp) -> Verdict {
        let mut left = MAX_LOOKUPS;
        let Some(fails) = self.walk(domain, host, now, &mut left) else { return Verdict::Unknown };
        let record = self.of.peek(domain).map_or("", |r| &r.1);
        match fails {
            '-' => Verdict::Fail(record.to_owned()),
            '+' => Verdict::Pass,
            _ => Verdict::Unknown,
        }
    }

    /// The qualifier of the mechanism that matches; `?` if none does, `None` if that cannot be told.
    fn walk(&self, domain: &str, host: Addr, now: Timestamp, left: &mut u32) -> Option<char> {
        *left = left.checked_sub(1)?;
        let (seen, record) = self.of.peek(domain)?;
        if now - *seen > LIFE {
            return None;
        }
        let mut redirect = None;
        for term in record.split_whitespace().skip(1) {
            let (qualifier, term) = match term.chars().next()? {
                q @ ('+' | '-' | '~' | '?') => (q, term.get(1..)?),
                _ => ('+', term),
            };
            let lower = term.to_lowercase();
            let (name, value) = lower.split_once(':').unwrap_or((&lower, ""));
            let matches = match name {
                "all" => true,
                "ip4" | "ip6" => within(host, value)?,
                "include" => self.walk(value, host, now, left)? == '+',
                _ if lower.starts_with("redirect=") => {
                    redirect = lower.strip_prefix("redirect=").map(str::to_owned);
                    false
                }
                _ if lower.contains('=') => false,
                // What would have to be asked for.
                _ => return None,
            };
            if matches {
                return Some(qualifier);
            }
        }
        match redirect {
            Some(domain) => self.walk(&domain, host, now, left),
            None => Some('?'),
        }
    }

    pub fn held_len(&self) -> usize {
        self.of.held_len() + self.of.iter().map(|(k, v)| k.len() + v.1.len()).sum::<usize>()
    }

    pub fn forgotten(&self) -> u64 {
        self.of.forgotten()
    }
}

/// Is the host in `192.0.2.0/24`, or at `192.0.2.1`?
fn within(host: Addr, net: &str) -> Option<bool> {
    if net.contains('/') {
        return Some(net.parse::<Subnet>().ok()?.contains(host));
    }
    Some(net.parse::<Addr>().ok()? == host)
}

/// The strings of an answer as one, if it is an SPF record.
fn record(answer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(answer).ok()?;
    let mut rest = text;
    let mut out = String::new();
    while let Some(behind) = rest.strip_prefix("TXT ") {
        let (len, tail) = behind.split_once(' ')?;
        let len: usize = len.parse().ok()?;
        out.push_str(tail.get(..len)?);
        rest = tail.get(len..)?.trim_start();
    }
    let is_spf = out.eq_ignore_ascii_case("v=spf1") || out.get(..7).is_some_and(|v| v.eq_ignore_ascii_case("v=spf1 "));
    is_spf.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(records: &[(&str, &str)], domain: &str, host: &str) -> Verdict {
        let mut all = Records::new(&Scope::default());
        for (domain, text) in records {
            all.of.at((*domain).into(), || (Timestamp(0), (*text).into()));
        }
        all.check(domain, host.parse().unwrap(), Timestamp(0))
    }

    #[test]
    fn records_are_followed_as_far_as_they_were_seen() {
        let records = [
            ("a.test", "v=spf1 ip4:192.0.2.0/24 include:b.test -all"),
            ("b.test", "v=spf1 ip6:2001:db8::/32 ~all"),
            ("c.test", "v=spf1 mx -all"),
            ("d.test", "v=spf1 redirect=a.test"),
            ("e.test", "v=spf1 include:e.test -all"),
            ("f.test", "v=spf1 ip4:192.0.2.1 ~all"),
        ];
        let says = |domain: &str, host: &str| check(&records, domain, host);
        assert_eq!(says("a.test", "192.0.2.7"), Verdict::Pass);
        assert_eq!(says("a.test", "2001:db8::1"), Verdict::Pass);
        assert!(matches!(says("a.test", "198.51.100.1"), Verdict::Fail(r) if r.starts_with("v=spf1 ip4")));
        assert!(matches!(says("d.test", "198.51.100.1"), Verdict::Fail(_)));
        for (domain, host) in
            [("c.test", "198.51.100.1"), ("e.test", "192.0.2.1"), ("f.test", "192.0.2.9"), ("g.test", "::1")]
        {
            assert_eq!(says(domain, host), Verdict::Unknown, "{domain}");
        }
    }

    #[test]
    fn answers_as_the_log_writes_them() {
        assert_eq!(record(b"TXT 11 v=spf1 -all").as_deref(), Some("v=spf1 -all"));
        assert_eq!(record(b"TXT 7 v=spf1  TXT 4 -all").as_deref(), Some("v=spf1 -all"));
        assert_eq!(record(b"TXT 5 other"), None);
        assert_eq!(record(b"TXT 500 v=spf1"), None);
    }
}
