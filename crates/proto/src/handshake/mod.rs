//! TLS handshakes without what carries them: hello and certificate messages, the fingerprints of hellos, and what a
//! session's messages add up to in `ssl` and `x509`. A helper of TLS (over streams and datagrams) and QUIC, no protocol.

mod chain;
pub(crate) mod ciphers;
mod compressed;
mod fingerprint;
pub(crate) mod keys;
pub(crate) mod message;
pub(crate) mod names;
mod record;
mod session;
mod split;
mod told;
mod tor;
mod tx;

pub use chain::{MAX_CERTS, Trust};
pub(crate) use fingerprint::{Carrier, client_in_suricata as client_prints, ja3_text, ja3s as ja3s_digest, ja3s_text};
pub use record::SslRecord;
pub use session::MAX_HISTORY_LEN;
pub(crate) use session::{Agreed, Session};
pub use split::MAX_MESSAGE_LEN;
pub(crate) use split::{Handshakes, Step};
pub use told::{TlsCertRecord, TlsSessionRecord};
