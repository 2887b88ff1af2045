//! Programs that hosts received. No findings: most of them are wanted. They are told where they belong to an incident.

use crate::Tie;
use sekisho_types::{Addr, Timestamp, Uid};

/// A program or script that came to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Packet time.
    pub ts: Timestamp,
    /// Who received it.
    pub host: Addr,
    /// From whom.
    pub from: Addr,
    /// What the sender went by then, in DNS; may be empty.
    pub place: String,
    /// What the file was called; may be empty.
    pub name: String,
    /// Type by content: `application/x-dosexec`.
    pub mime: String,
    /// Protocol: `HTTP`.
    pub over: &'static str,
    /// Bytes seen.
    pub len: u64,
    /// SHA-256 in hexadecimal; empty if bytes are missing.
    pub sha256: String,
    /// Its flow.
    pub uid: Uid,
    /// Packet that brought its end; 0 if none can be named.
    pub packet: u64,
}

impl Fetched {
    /// The same file as in findings.
    pub fn tie(&self) -> Option<Tie> {
        Tie::file(self.sha256.as_bytes())
    }
}
