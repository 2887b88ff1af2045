//! Does a presented chain lead to a trusted root? The words are OpenSSL's, as Zeek's `validation_status` shows them.

use crate::cert::{self, Certificate, Raw};
use crate::roots::{RootStore, permits};
use crate::verify::{Signature, signed_by};
use sekisho_types::Timestamp;

/// Most certificates between host and root; also the most of a presented chain that are looked at.
pub const MAX_DEPTH: usize = 16;

/// Most signatures checked for one chain: a budget against chains built to make path search expensive.
pub const MAX_SIGNATURE_CHECKS: usize = 24;

/// What validation found, as OpenSSL words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Validation {
    /// The chain leads to a trusted root and is valid at that time.
    Ok,
    /// The host certificate could not be read.
    Unreadable,
    /// The host certificate signed itself and is not trusted.
    SelfSigned,
    /// The chain ends at a self-signed certificate that is not trusted.
    SelfSignedInChain,
    /// The host certificate's issuer is neither presented nor trusted.
    NoLocalIssuer,
    /// An intermediate certificate's issuer is neither presented nor trusted.
    NoIssuer,
    /// A certificate has expired.
    Expired,
    /// A certificate is not yet valid.
    NotYetValid,
    /// An issuer is no certificate authority.
    InvalidCa,
    /// More certificates below an authority than it allows.
    PathLenExceeded,
    /// The issuer's key usage forbids signing certificates.
    KeyUsage,
    /// A signature does not hold.
    BadSignature,
    /// A signature algorithm is not implemented here: nothing can be said.
    UnsupportedSignature,
    /// The path is longer than [`MAX_DEPTH`] or needs more than [`MAX_SIGNATURE_CHECKS`].
    TooLong,
    /// A critical extension is not understood.
    UnhandledCritical,
    /// The certificate is not meant for servers.
    Purpose,
    /// The host's name is outside an authority's name constraints.
    NotPermitted,
    /// The certificate does not cover the host's name.
    NameMismatch,
}

impl Validation {
    /// OpenSSL's words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unreadable => "unable to decode certificate",
            Self::SelfSigned => "self signed certificate",
            Self::SelfSignedInChain => "self signed certificate in certificate chain",
            Self::NoLocalIssuer => "unable to get local issuer certificate",
            Self::NoIssuer => "unable to get issuer certificate",
            Self::Expired => "certificate has expired",
            Self::NotYetValid => "certificate is not yet valid",
            Self::InvalidCa => "invalid CA certificate",
            Self::PathLenExceeded => "path length constraint exceeded",
            Self::KeyUsage => "key usage does not include certificate signing",
            Self::BadSignature => "certificate signature failure",
            Self::UnsupportedSignature => "unsupported signature algorithm",
            Self::TooLong => "certificate chain too long",
            Self::UnhandledCritical => "unhandled critical extension",
            Self::Purpose => "unsuitable certificate purpose",
            Self::NotPermitted => "permitted subtree violation",
            Self::NameMismatch => "hostname mismatch",
        }
    }
}

/// A presented certificate, read.
struct Link<'a> {
    raw: Raw<'a>,
    cert: Certificate,
}

/// How far path search got.
struct Search<'r> {
    roots: &'r RootStore,
    checks_left: usize,
    /// Why the deepest dead end was one.
    failure: Validation,
    failure_depth: usize,
}

/// Validates `chain` (DER, host first; order and surplus of the rest don't matter) against `roots` at time `at`.
/// With `name` the host certificate must also cover that host, which Zeek's status does not ask.
pub fn validate(chain: &[&[u8]], roots: &RootStore, at: Timestamp, name: Option<&str>) -> Validation {
    let mut links = Vec::with_capacity(chain.len().min(MAX_DEPTH));
    for der in chain.iter().take(MAX_DEPTH) {
        let Ok(raw) = cert::split(der) else { continue };
        let Ok(cert) = Certificate::from_raw(&raw) else { continue };
        links.push(Link { raw, cert });
    }
    let host_readable = chain.first().is_some_and(|der| cert::split(der).is_ok());
    let Some(host) = links.first().filter(|_| host_readable) else { return Validation::Unreadable };
    let mut search =
        Search { roots, checks_left: MAX_SIGNATURE_CHECKS, failure: Validation::NoLocalIssuer, failure_depth: 0 };
    let mut path = vec![0];
    if !search.extend(&links, &mut path) {
        return search.failure;
    }
    let on_path: Vec<&Link<'_>> = path.iter().filter_map(|&i| links.get(i)).collect();
    if let Err(e) = check_times(&on_path, at) {
        return e;
    }
    let purposes = host.cert.extensions.ext_key_usage.as_deref().unwrap_or(&[]);
    if !purposes.is_empty() && !purposes.iter().any(|p| p == "serverAuth" || p == "clientAuth" || p == "any") {
        return Validation::Purpose;
    }
    let Some(name) = name else { return Validation::Ok };
    let constraints = on_path.iter().filter_map(|l| l.cert.extensions.name_constraints.as_deref());
    if constraints.into_iter().any(|c| !permits(c, name.as_bytes())) {
        return Validation::NotPermitted;
    }
    if crate::matches_name(&host.cert, name.as_bytes()) { Validation::Ok } else { Validation::NameMismatch }
}

fn check_times(path: &[&Link<'_>], at: Timestamp) -> Result<(), Validation> {
    let now = at.0.div_euclid(1_000_000_000);
    // From the top, as OpenSSL does: an expired authority is named before an expired host.
    for link in path.iter().rev() {
        match (link.cert.not_before, link.cert.not_after) {
            (Some(from), _) if from.0 > now => return Err(Validation::NotYetValid),
            (_, Some(to)) if to.0 < now => return Err(Validation::Expired),
            (Some(_), Some(_)) => {}
            _ => return Err(Validation::Unreadable),
        }
    }
    Ok(())
}

impl Search<'_> {
    /// Depth-first from the last of `path` towards a root. On success `path` is the way (without the root).
    fn extend(&mut self, links: &[Link<'_>], path: &mut Vec<usize>) -> bool {
        let Some(tip) = path.last().and_then(|&i| links.get(i)) else { return false };
        if let Some(e) = unacceptable(tip, path.len() - 1) {
            return self.dead_end(path.len() + 1, e);
        }
        if self.roots.holds(tip.raw.subject, tip.raw.spki) {
            return true;
        }
        let from_roots: Vec<&[u8]> = self.roots.named(tip.raw.issuer).map(|r| r.spki).collect();
        for spki in from_roots {
            if self.check(tip, spki, path.len()) {
                return true;
            }
        }
        if tip.cert.self_issued && self.check(tip, tip.raw.spki, path.len()) {
            let e = if path.len() == 1 { Validation::SelfSigned } else { Validation::SelfSignedInChain };
            return self.dead_end(path.len() + 1, e);
        }
        for (i, issuer) in links.iter().enumerate() {
            if issuer.raw.subject != tip.raw.issuer || path.contains(&i) {
                continue;
            }
            if !self.check(tip, issuer.raw.spki, path.len()) {
                continue;
            }
            path.push(i);
            if self.extend(links, path) {
                return true;
            }
            path.pop();
        }
        let e = if path.len() == 1 { Validation::NoLocalIssuer } else { Validation::NoIssuer };
        self.dead_end(path.len(), e)
    }

    fn check(&mut self, cert: &Link<'_>, spki: &[u8], depth: usize) -> bool {
        let Some(left) = self.checks_left.checked_sub(1) else {
            return self.dead_end(usize::MAX, Validation::TooLong);
        };
        self.checks_left = left;
        match signed_by(&cert.raw, spki) {
            Signature::Good => true,
            Signature::Bad => self.dead_end(depth + 1, Validation::BadSignature),
            Signature::Unsupported => self.dead_end(depth + 1, Validation::UnsupportedSignature),
        }
    }

    /// Remembers the reason of the longest path tried; of equals, the first.
    fn dead_end(&mut self, depth: usize, why: Validation) -> bool {
        if depth > self.failure_depth {
            self.failure_depth = depth;
            self.failure = why;
        }
        false
    }
}

/// Why `link` may not stand at position `depth` (0 = host).
fn unacceptable(link: &Link<'_>, depth: usize) -> Option<Validation> {
    let ext = &link.cert.extensions;
    if ext.unknown_critical.as_deref().is_some_and(|oid| !IGNORED_CRITICAL.contains(&oid)) || ext.malformed {
        return Some(Validation::UnhandledCritical);
    }
    if depth == 0 {
        return None;
    }
    // Version 1 authorities have no extensions; OpenSSL accepts them only if self-issued.
    let ca = match ext.basic_constraints {
        Some(b) => b.ca,
        None => link.cert.version == 1 && link.cert.self_issued,
    };
    if !ca {
        return Some(Validation::InvalidCa);
    }
    if ext.key_usage.is_some_and(|u| !u.may_sign_certs()) {
        return Some(Validation::KeyUsage);
    }
    let below = u64::try_from(depth - 1).unwrap_or(u64::MAX);
    if ext.basic_constraints.and_then(|b| b.path_len).is_some_and(|max| below > max) {
        return Some(Validation::PathLenExceeded);
    }
    None
}

/// Critical extensions that OpenSSL handles and that don't bear on this verdict: certificate policies, policy mappings,
/// policy constraints, inhibit any-policy, CRL distribution points, and the TLS feature.
const IGNORED_CRITICAL: &[&str] =
    &["2.5.29.32", "2.5.29.33", "2.5.29.36", "2.5.29.54", "2.5.29.31", "1.3.6.1.5.5.7.1.24"];
