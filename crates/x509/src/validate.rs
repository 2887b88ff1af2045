//! Does a presented chain lead to a trusted root? The words are OpenSSL's, as Zeek's `validation_status` shows them.

use crate::cert::{self, Certificate, Raw};
use crate::roots::{Anchor, RootStore, permits};
use crate::time::CertTime;
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
    proved: Proved,
    /// Why the deepest dead end was one.
    failure: Validation,
    failure_depth: usize,
    /// The root that was reached was added by somebody.
    added_root: bool,
}

/// Which of a chain's first eight certificates were seen to be signed by which: checking one again is dear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proved(u64);

impl Proved {
    fn bit(cert: usize, issuer: usize) -> u64 {
        if cert < 8 && issuer < 8 { 1 << (cert * 8 + issuer) } else { 0 }
    }

    fn note(&mut self, cert: usize, issuer: usize) {
        self.0 |= Self::bit(cert, issuer);
    }

    /// The signature of certificate number `cert` was checked with the key of number `issuer`, and holds.
    pub(crate) fn holds(self, cert: usize, issuer: usize) -> bool {
        self.0 & Self::bit(cert, issuer) != 0
    }
}

/// What can be said of a chain before its time and the host's name are known; worth keeping where chains recur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Why no trusted root was reached.
    failure: Option<Validation>,
    /// Since when all certificates of the path are valid, and until when; `None` if one of the times is malformed.
    valid: Option<(CertTime, CertTime)>,
    /// The path ends at a certificate that somebody added to the roots.
    added_root: bool,
    /// Signatures within the chain that hold, if no root was reached.
    proved: Proved,
}

impl Judgement {
    /// Does the path end at a certificate that somebody added to the roots, no public one?
    pub fn ends_at_added(&self) -> bool {
        self.added_root
    }

    /// Why no trusted root was reached.
    pub(crate) fn failure(&self) -> Option<Validation> {
        self.failure
    }

    /// Signatures within the chain that hold, as far as they were checked.
    pub(crate) fn proved(&self) -> Proved {
        self.proved
    }

    /// The verdict at time `at`.
    pub fn at(&self, at: Timestamp) -> Validation {
        let now = at.0.div_euclid(1_000_000_000);
        match (self.failure, self.valid) {
            (Some(failure), _) => failure,
            (None, None) => Validation::Unreadable,
            (None, Some((from, _))) if now < from.0 => Validation::NotYetValid,
            (None, Some((_, to))) if now > to.0 => Validation::Expired,
            (None, Some(_)) => Validation::Ok,
        }
    }
}

/// Searches a path from the first certificate of `chain` (DER; order and surplus of the rest don't matter) to `roots`.
pub fn judge(chain: &[&[u8]], roots: &RootStore) -> Judgement {
    match path(chain, roots) {
        Ok((path, added_root)) => Judgement { added_root, ..judgement(&path) },
        Err((failure, proved)) => Judgement { failure: Some(failure), valid: None, added_root: false, proved },
    }
}

/// Validates `chain` against `roots` at time `at`. With `name` the host certificate must also cover that host, which
/// Zeek's status does not ask.
pub fn validate(chain: &[&[u8]], roots: &RootStore, at: Timestamp, name: Option<&str>) -> Validation {
    let path = match path(chain, roots) {
        Ok((path, _)) => path,
        Err((failure, _)) => return failure,
    };
    let verdict = judgement(&path).at(at);
    let (Validation::Ok, Some(name), Some(host)) = (verdict, name, path.first()) else { return verdict };
    let mut constraints = path.iter().filter_map(|l| l.cert.extensions.name_constraints.as_deref());
    if constraints.any(|c| !permits(c, name.as_bytes())) {
        return Validation::NotPermitted;
    }
    if crate::matches_name(&host.cert, name.as_bytes()) { Validation::Ok } else { Validation::NameMismatch }
}

/// The certificates from the host to the one below a root, and whether that root was added.
fn path<'a>(chain: &[&'a [u8]], roots: &RootStore) -> Result<(Vec<Link<'a>>, bool), (Validation, Proved)> {
    let mut links = Vec::with_capacity(chain.len().min(MAX_DEPTH));
    for (i, der) in chain.iter().take(MAX_DEPTH).enumerate() {
        match cert::split(der).and_then(|raw| Ok(Link { raw, cert: Certificate::from_raw(&raw)? })) {
            Ok(link) => links.push(link),
            Err(_) if i == 0 => return Err((Validation::Unreadable, Proved::default())),
            Err(_) => {}
        }
    }
    let host = links.first().ok_or((Validation::Unreadable, Proved::default()))?;
    let purposes = host.cert.extensions.ext_key_usage.as_deref().unwrap_or(&[]);
    let fits = purposes.is_empty() || purposes.iter().any(|p| p == "serverAuth" || p == "clientAuth" || p == "any");
    let mut search = Search {
        roots,
        checks_left: MAX_SIGNATURE_CHECKS,
        proved: Proved::default(),
        failure: Validation::NoLocalIssuer,
        failure_depth: 0,
        added_root: false,
    };
    let mut path = vec![0];
    if !search.extend(&links, &mut path) {
        return Err((search.failure, search.proved));
    }
    if !fits {
        return Err((Validation::Purpose, search.proved));
    }
    let mut by_index: Vec<Option<Link<'a>>> = links.into_iter().map(Some).collect();
    let path = path.into_iter().filter_map(|i| by_index.get_mut(i)?.take()).collect();
    Ok((path, search.added_root))
}

fn judgement(path: &[Link<'_>]) -> Judgement {
    let valid = path.iter().try_fold((CertTime(i64::MIN), CertTime(i64::MAX)), |(from, to), l| {
        Some((from.max(l.cert.not_before?), to.min(l.cert.not_after?)))
    });
    Judgement { failure: None, valid, added_root: false, proved: Proved::default() }
}

impl Search<'_> {
    /// Depth-first from the last of `path` towards a root. On success `path` is the way (without the root).
    fn extend(&mut self, links: &[Link<'_>], path: &mut Vec<usize>) -> bool {
        let Some((at, tip)) = path.last().and_then(|&i| Some((i, links.get(i)?))) else { return false };
        if let Some(e) = unacceptable(tip, path.len() - 1) {
            return self.dead_end(path.len() + 1, e);
        }
        if let Some(root) = self.roots.holds(tip.raw.subject, tip.raw.spki) {
            self.added_root = root.is_added;
            return true;
        }
        let from_roots: Vec<Anchor<'_>> = self.roots.named(tip.raw.issuer).collect();
        for root in from_roots {
            if self.check(tip, root.spki, path.len()) {
                self.added_root = root.is_added;
                return true;
            }
        }
        if tip.cert.self_issued && self.check(tip, tip.raw.spki, path.len()) {
            self.proved.note(at, at);
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
            self.proved.note(at, i);
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
