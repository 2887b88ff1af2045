//! Certificates of one end: x509 rows, fingerprints, the leaf, and the verdict on the chain.

use super::{told, tor};
use crate::Cx;
use crate::certs::{self, Named};
use sekisho_record::Digest;
use sekisho_types::{Addr, Dir, Heap, SeededState, block_len, list_len};
use sekisho_x509::{Certificate, Fault, Judgement, RootStore, Validation, fault, judge};
use sha2::{Digest as _, Sha256};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Most certificates of one end that are looked at; public chains have two to five.
pub const MAX_CERTS: usize = 32;

/// Verdicts kept: the same chains come again and again, and a verdict costs some 100 µs of signature checks.
const MAX_JUDGEMENTS: usize = 4096;

/// Seed of tables whose keys are digests.
const SEED: u64 = 0x007e_57ed;

type Faults = hashbrown::HashMap<[u8; 32], Option<Fault>, SeededState>;

type Judgements = hashbrown::HashMap<[u8; 32], Judgement, SeededState>;

/// Who is trusted, and verdicts by the SHA-256 of the chain's fingerprints. These depend on chain and roots alone, so
/// sharing them between workers changes no result. The keys are digests: a fixed seed gives an attacker nothing to aim at.
#[derive(Debug)]
pub struct Trust {
    roots: RootStore,
    judgements: Mutex<Judgements>,
    /// Why chains lead to no root; asked for only while detectors listen.
    faults: Mutex<Faults>,
}

static MOZILLA: LazyLock<Trust> = LazyLock::new(|| Trust::new(RootStore::mozilla()));

impl Trust {
    /// In these authorities.
    pub fn new(roots: RootStore) -> Self {
        let (judgements, faults) = (Judgements::with_hasher(SeededState(SEED)), Faults::with_hasher(SeededState(SEED)));
        Self { roots, judgements: Mutex::new(judgements), faults: Mutex::new(faults) }
    }

    /// The verdict on the chain with that digest.
    fn judge(&self, key: [u8; 32], certs: &[&[u8]]) -> Judgement {
        let kept = self.judgements.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        kept.unwrap_or_else(|| {
            let judgement = judge(certs, &self.roots);
            let mut all = self.judgements.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= MAX_JUDGEMENTS {
                all.clear();
            }
            all.insert(key, judgement);
            judgement
        })
    }

    /// Why the chain with that digest leads to no root.
    fn fault(&self, key: [u8; 32], certs: &[&[u8]], judgement: &Judgement) -> Option<Fault> {
        let kept = self.faults.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        kept.unwrap_or_else(|| {
            let fault = fault(certs, judgement, &self.roots);
            let mut all = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= MAX_JUDGEMENTS {
                all.clear();
            }
            all.insert(key, fault);
            fault
        })
    }
}

/// The names that a certificate covers.
#[derive(Debug)]
struct Names {
    common: Option<Vec<u8>>,
    dns: Vec<Vec<u8>>,
    /// Kept only while detectors listen.
    ip: Vec<Addr>,
    /// What it is known by, of hosts in the home networks.
    named: Option<Named>,
    /// What the names take.
    len: usize,
}

impl Names {
    fn new(cert: &Certificate, is_local: bool, is_judged: bool) -> Self {
        let dns = cert.extensions.alt_names.as_ref().map(|a| a.dns.clone()).unwrap_or_default();
        let ip = cert.extensions.alt_names.as_ref().filter(|_| is_judged).map(|a| a.ip.clone()).unwrap_or_default();
        let named = is_local.then(|| Named {
            subject: cert.subject.clone().into(),
            issuer: cert.issuer.clone().into(),
            serial: cert.serial.clone().into(),
        });
        let common = cert.common_name.clone();
        let names = common.heap_len() + list_len(&ip) + list_len(&dns) + dns.as_slice().heap_len();
        let len = names + named.as_ref().map_or(0, Heap::heap_len);
        Self { common, dns, ip, named, len }
    }
}

/// What is kept of an end's certificates.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) fingerprints: Vec<Digest<32>>,
    /// The first certificate of a server, if it could be read.
    leaf: Option<Box<Names>>,
    pub(super) verdict: Option<Validation>,
    /// Why it leads to no root, if detectors listen.
    pub(super) fault: Option<Fault>,
    /// Its root is no public one.
    pub(super) added_root: bool,
}

impl Heap for Chain {
    fn heap_len(&self) -> usize {
        let leaf = self.leaf.as_ref().map_or(0, |names| block_len(size_of::<Names>()) + names.len);
        list_len(&self.fingerprints) + leaf
    }
}

impl Chain {
    /// Does the first certificate cover `name`? `None` without a certificate.
    pub(super) fn covers(&self, name: &[u8]) -> Option<bool> {
        let names = self.leaf.as_ref()?;
        Some(names.common.iter().chain(&names.dns).any(|pattern| sekisho_x509::covers(pattern, name)))
    }

    /// How the first certificate covers `name` by RFC 9525, which knows no common names: `covered`, `common-name` if it has
    /// but that, or `other`.
    pub(super) fn fits(&self, name: &[u8]) -> Option<&'static str> {
        let names = self.leaf.as_ref()?;
        let addr = std::str::from_utf8(name).ok().and_then(|text| text.parse::<Addr>().ok());
        let covered = match addr {
            Some(addr) => names.ip.contains(&addr),
            None => names.dns.iter().any(|pattern| sekisho_x509::covers_strictly(pattern, name)),
        };
        let nameless = names.dns.is_empty() && names.ip.is_empty();
        Some(match (covered, nameless) {
            (true, _) => "covered",
            (false, true) if names.common.iter().any(|c| sekisho_x509::covers(c, name)) => "common-name",
            _ => "other",
        })
    }

    /// A session with this server was established: its certificate is logged if it is of the home networks.
    pub(super) fn established(&self, cx: &mut Cx<'_>) {
        if let Some(fp) = self.fingerprints.first()
            && let Some(named) = self.leaf.as_ref().and_then(|leaf| leaf.named.as_ref())
        {
            certs::known(*fp, named, cx);
        }
    }

    /// The row is written: only the fact remains that certificates came.
    pub(super) fn forget(&mut self) {
        self.leaf = None;
        self.fingerprints = Vec::new();
    }

    /// Reads `certs`, logs them, and judges the chain if a server sent it. Further messages replace nothing: their
    /// certificates are logged and added to the fingerprints, as Zeek does.
    pub(super) fn add(&mut self, certs: &[&[u8]], client: bool, is_orig: bool, cx: &mut Cx<'_>) {
        if certs.len() > MAX_CERTS || self.fingerprints.len() + certs.len() > MAX_CERTS {
            cx.weird("tls_too_many_certificates");
        }
        let certs = certs.get(..MAX_CERTS - self.fingerprints.len().min(MAX_CERTS)).unwrap_or(certs);
        for der in certs {
            let first = self.fingerprints.is_empty();
            let read = certs::read(der);
            self.fingerprints.push(read.fingerprint);
            match &read.cert {
                Some(cert) => {
                    told::certificate(read.fingerprint, der, cert, cx);
                    if certs::log_once(read.fingerprint, cert, first, client, cx) {
                        certs::file(der, "SSL", is_orig, cert, cx);
                    }
                    if first && !client {
                        if tor::is_relay(cert) {
                            cx.recognize("tor");
                        }
                        self.leaf = Some(Box::new(Names::new(cert, cx.is_local(Dir::Resp), cx.is_judged())));
                    }
                }
                None => cx.weird("x509_unparsable_certificate"),
            }
        }
        if !client && self.verdict.is_none() && !certs.is_empty() {
            let key = self.digest();
            let trust = cx.trust();
            let trust = trust.as_deref().unwrap_or(&MOZILLA);
            let judgement = trust.judge(key, certs);
            self.verdict = Some(judgement.at(cx.ts));
            self.added_root = judgement.ends_at_added();
            if cx.is_judged() && self.verdict != Some(Validation::Ok) {
                self.fault = trust.fault(key, certs, &judgement);
            }
        }
    }

    /// The digest of the chain.
    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.fingerprints.iter().for_each(|fp| hash.update(fp.0));
        hash.finalize().into()
    }
}
