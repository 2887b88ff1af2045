use sekisho_record::{Digest, Head, Record, Tail, Text};

/// A TLS, DTLS or SSL session: what was offered, what was chosen, how far it came.
#[derive(Clone, Debug, Record)]
#[record(log = "ssl")]
pub struct SslRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Version that the server chose.
    pub version: Option<String>,
    /// Cipher suite that the server chose.
    pub cipher: Option<String>,
    /// Group of the key exchange.
    pub curve: Option<String>,
    /// Name that the client asked for (SNI).
    pub server_name: Option<Text>,
    /// The session resumed an earlier one.
    pub resumed: bool,
    /// The last alert that was not encrypted.
    pub last_alert: Option<String>,
    /// Application protocol that the server chose (ALPN).
    pub next_protocol: Option<Text>,
    /// Both ends began to send encrypted data.
    pub established: bool,
    /// A letter for each message, upper case from the client; see the manual.
    pub ssl_history: String,
    /// SHA-256 of the server's certificates.
    pub cert_chain_fps: Option<Vec<Digest<32>>>,
    /// SHA-256 of the client's certificates.
    pub client_cert_chain_fps: Option<Vec<Digest<32>>>,
    /// The server's certificate covers `server_name`.
    pub sni_matches_cert: Option<bool>,
    /// Verdict on the server's chain against Mozilla's roots at the time of the capture, in OpenSSL's words.
    #[record(ext)]
    pub validation_status: Option<&'static str>,
    /// JA3 fingerprint of the client hello.
    #[record(ext)]
    pub ja3: Option<Digest<16>>,
    /// JA3S fingerprint of the server hello.
    #[record(ext)]
    pub ja3s: Option<Digest<16>>,
    /// JA4 fingerprint of the client hello.
    #[record(ext)]
    pub ja4: Option<String>,
    /// Application protocols that the client offered.
    #[record(ext)]
    pub client_alpn: Vec<Text>,
    /// Version that the client offered in its hello's first field or, if higher, in supported_versions.
    #[record(ext)]
    pub client_version: Option<String>,
    /// The client hello carries an encrypted one (ECH, RFC 9849): `server_name` is the outer name.
    #[record(ext)]
    pub ech: Option<bool>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
