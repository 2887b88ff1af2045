use sekisho_record::{Digest, Head, Record, Tail, Text};

/// A QUIC connection, up to a Retry or a close.
#[derive(Clone, Debug, Record)]
#[record(log = "quic")]
pub struct QuicRecord {
    /// Time of the first packet, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Version of the first packet: `1`, `quicv2`, a draft, Google's as `Q043`.
    pub version: String,
    /// First destination connection id of the client, in hex: the Initial keys come from it.
    pub client_initial_dcid: Option<String>,
    /// Source connection id of the client, in hex.
    pub client_scid: Option<String>,
    /// Connection id that the server chose, in hex.
    pub server_scid: Option<String>,
    /// Name that the client asked for (SNI).
    pub server_name: Option<Text>,
    /// First application protocol that the client offered (ALPN).
    pub client_protocol: Option<Text>,
    /// A letter for each packet, upper case from the client: I Initial, H Handshake, Z 0-RTT, R Retry, C close,
    /// S hello, U unfamiliar version, X discarded, O short header (the first, second, fourth, eighth, …).
    pub history: String,
    /// JA3 fingerprint of the client hello.
    #[record(ext)]
    pub ja3: Option<Digest<16>>,
    /// JA4 fingerprint of the client hello.
    #[record(ext)]
    pub ja4: Option<String>,
    /// All application protocols that the client offered.
    #[record(ext)]
    pub client_alpn: Vec<Text>,
    /// What a Google QUIC client calls itself.
    #[record(ext)]
    pub user_agent: Option<Text>,
    /// Error code of a close in an Initial packet, or in any where the secrets are known.
    #[record(ext)]
    pub close_code: Option<u64>,
    /// Reason given with it.
    #[record(ext)]
    pub close_reason: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
