//! Files of certificates as people keep them: PEM sections (RFC 7468), or DER one after the other.

use crate::der::{Der, tag};
use crate::roots::RootStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::fmt;

/// Why a file of certificates cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleError {
    /// There is no certificate in it.
    Empty,
    /// That certificate, counted from 1, cannot be read.
    Broken(usize),
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no certificate in it; expected PEM (-----BEGIN CERTIFICATE-----) or DER"),
            Self::Broken(nth) => write!(f, "certificate {nth} cannot be read"),
        }
    }
}

impl std::error::Error for BundleError {}

impl RootStore {
    /// Trusts all certificates of a file, PEM or DER, as well; see [`RootStore::add`]. How many it had.
    ///
    /// # Errors
    /// If there is none, or one of them cannot be read.
    pub fn add_bundle(&mut self, file: &[u8]) -> Result<usize, BundleError> {
        let mut count = 0;
        if file.first() == Some(&tag::SEQUENCE) {
            let mut rest = Der::new(file);
            while !rest.is_empty() {
                let cert = rest.element(tag::SEQUENCE).map_err(|_| BundleError::Broken(count + 1))?;
                self.add(cert.whole).map_err(|_| BundleError::Broken(count + 1))?;
                count += 1;
            }
        } else {
            // The iterator ends at an error that it cannot go on from.
            for cert in CertificateDer::pem_slice_iter(file) {
                let cert = cert.map_err(|_| BundleError::Broken(count + 1))?;
                self.add(&cert).map_err(|_| BundleError::Broken(count + 1))?;
                count += 1;
            }
        }
        if count == 0 { Err(BundleError::Empty) } else { Ok(count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::judge;
    use sekisho_types::Timestamp;

    const ROOT: &[u8] = include_bytes!("../testdata/root.der");
    const INTER: &[u8] = include_bytes!("../testdata/inter.der");
    const HOST: &[u8] = include_bytes!("../testdata/host.der");
    const SELF: &[u8] = include_bytes!("../testdata/selfsigned.der");

    fn pem(der: &[u8]) -> String {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for three in der.chunks(3) {
            let bits = (0..3).fold(0u32, |n, i| n << 8 | u32::from(three.get(i).copied().unwrap_or(0)));
            for i in 0..4 {
                let digit = DIGITS[(bits >> (18 - 6 * i) & 63) as usize];
                text.push(if i <= three.len() { char::from(digit) } else { '=' });
            }
        }
        format!("# {}\n-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n", der.len())
    }

    fn store(file: &[u8]) -> Result<RootStore, BundleError> {
        let mut store = RootStore::mozilla();
        store.add_bundle(file).map(|_| store)
    }

    #[test]
    fn a_bundle_is_trusted_beside_the_public_roots() {
        let both = format!("{}{}", pem(ROOT), pem(SELF));
        for file in [both.into_bytes(), [ROOT, SELF].concat()] {
            let store = store(&file).unwrap();
            assert_eq!(store.len(), RootStore::mozilla().len() + 2);
            for chain in [&[HOST, INTER][..], &[SELF]] {
                let judgement = judge(chain, &store);
                assert!(judgement.failure().is_none() && judgement.ends_at_added(), "{judgement:?}");
            }
        }
        let judgement = judge(&[HOST, INTER], &RootStore::mozilla());
        assert!(judgement.failure().is_some() && !judgement.ends_at_added());
        assert_eq!(judgement.at(Timestamp(0)), judgement.failure().unwrap());
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        let cut = &ROOT[..ROOT.len() - 1];
        for (file, error) in [
            (&b""[..], BundleError::Empty),
            (b"certificates? none", BundleError::Empty),
            (cut, BundleError::Broken(1)),
            (&[ROOT, b"x"].concat(), BundleError::Broken(2)),
            (&[ROOT, cut].concat(), BundleError::Broken(2)),
            (pem(b"no certificate").as_bytes(), BundleError::Broken(1)),
            (pem(ROOT).replace("MII", "M!I").as_bytes(), BundleError::Broken(1)),
            (b"-----BEGIN CERTIFICATE-----\nTUlJ\n", BundleError::Broken(1)),
            (b"-----BEGIN PRIVATE KEY-----\nTUlJ\n-----END PRIVATE KEY-----\n", BundleError::Empty),
        ] {
            assert_eq!(store(file).err(), Some(error), "{}", file.escape_ascii());
        }
    }
}
