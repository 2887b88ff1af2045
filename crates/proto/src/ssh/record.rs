use sekisho_record::{Digest, EnumName, Head, Record, Tail, Text};

/// One SSH connection.
#[derive(Clone, Debug, Record)]
#[record(log = "ssh")]
pub struct SshRecord {
    /// Time of the first identification, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Protocol version in use, known once both ends told theirs: 1 or 2.
    pub version: Option<u8>,
    /// Login succeeded, as far as packet lengths tell.
    pub auth_success: Option<bool>,
    /// Login attempts counted; a success with the method "none" is one.
    pub auth_attempts: u64,
    /// Into the home networks or out of them; unset if both ends or neither are inside.
    pub direction: Option<EnumName>,
    /// The client's identification.
    pub client: Option<Text>,
    /// The server's identification.
    pub server: Option<Text>,
    /// Cipher agreed on.
    pub cipher_alg: Option<Text>,
    /// Message authentication agreed on.
    pub mac_alg: Option<Text>,
    /// Compression agreed on.
    pub compression_alg: Option<Text>,
    /// Key exchange agreed on.
    pub kex_alg: Option<Text>,
    /// Kind of the server's host key agreed on.
    pub host_key_alg: Option<Text>,
    /// Start of the host key's SHA-256 in base64, as Zeek logs it.
    pub host_key_fingerprint: Option<Text>,
    /// Set if the server refused something, as far as packet lengths tell: a login, or only the question which methods it has,
    /// which `auth_attempts` doesn't count.
    #[record(ext)]
    pub auth_refused: Option<bool>,
    /// SHA-256 of the host key, also where only the server was seen.
    #[record(ext)]
    pub host_key_sha256: Option<Digest<32>>,
    /// Set if the flow's originator acts as the SSH server: a reverse shell.
    #[record(ext)]
    pub reversed: Option<bool>,
    /// HASSH of the originator: MD5 over its algorithm lists.
    #[record(ext)]
    pub hassh: Option<Digest<16>>,
    /// HASSH of the responder.
    #[record(ext)]
    pub hassh_server: Option<Digest<16>>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
