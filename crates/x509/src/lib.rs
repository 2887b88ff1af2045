//! X.509 certificates: fields as OpenSSL (and thus Zeek) prints them, matching of names, chain validation.
//!
//! Level 1: pure. Bytes in, values out; time is given by the caller, roots come with the program. Nothing here can
//! panic on hostile bytes; every loop and buffer is bounded by a named constant.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::cast_possible_truncation
    )
)]

mod bundle;
mod cert;
mod der;
mod ext;
mod key;
mod matching;
mod name;
mod ocsp;
mod oid;
mod plain;
mod roots;
#[cfg(test)]
mod tests;
mod time;
mod trust;
mod validate;
mod verify;

pub use bundle::BundleError;
pub use cert::{Certificate, MAX_CERT_LEN, fingerprint};
pub use der::Error;
pub use ext::{AltNames, BasicConstraints, Extensions, KeyUsage};
pub use key::PublicKey;
pub use matching::{covers, covers_strictly, matches_name};
pub use ocsp::{MAX_OCSP_LEN, SingleResponse, parse_ocsp};
pub use plain::Plain;
pub use roots::{RootStore, Trusted};
pub use time::CertTime;
pub use trust::{Fault, fault, key_fingerprint};
pub use validate::{Judgement, MAX_DEPTH, MAX_SIGNATURE_CHECKS, Validation, judge, validate};
