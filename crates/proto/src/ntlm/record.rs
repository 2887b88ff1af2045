use sekisho_record::{Head, Record, Tail, Text};
use sekisho_types::Timestamp;

/// One NTLM login: the three messages, and what the server said to it.
#[derive(Clone, Debug, Record)]
#[record(log = "ntlm")]
pub struct NtlmRecord {
    /// Time of the first message seen, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// User that the client claims to be; unset for an anonymous login.
    pub username: Option<Text>,
    /// Client's name by its own account.
    pub hostname: Option<Text>,
    /// Domain of the user by the client's account.
    pub domainname: Option<Text>,
    /// Server's NetBIOS name from its challenge.
    pub server_nb_computer_name: Option<Text>,
    /// Server's DNS name from its challenge.
    pub server_dns_computer_name: Option<Text>,
    /// DNS name of the server's forest from its challenge.
    pub server_tree_name: Option<Text>,
    /// The negotiation's result, where SPNEGO told it.
    pub success: Option<bool>,
    /// Version of the response: 1 or 2; version 1 can be broken by brute force.
    #[record(ext)]
    pub version: Option<u8>,
    /// Status with which the protocol around (SMB) answered the last message, e.g. `LOGON_FAILURE`.
    #[record(ext)]
    pub status: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

/// One NTLM login as only detectors want it: also those that are logged once, and those that HTTP carries. The responses are
/// secrets, as passwords can be guessed from them: they leave as their lengths and a digest.
#[derive(Clone, Debug, Record)]
#[record(log = "ntlm_login")]
pub struct NtlmLoginRecord {
    /// Time of the first message seen, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The protocol that carried it: `http`, `ldap`, `rpc`, `smb`.
    pub over: &'static str,
    /// User that the client claims to be; unset for an anonymous login.
    pub user: Option<Text>,
    /// Domain of the user by the client's account.
    pub domain: Option<Text>,
    /// Client's name by its own account.
    pub workstation: Option<Text>,
    /// Server's NetBIOS name from its challenge.
    pub server_name: Option<Text>,
    /// Server's DNS name from its challenge.
    pub server_dns_name: Option<Text>,
    /// Flags of the client's first message (MS-NLMP §2.2.2.5).
    pub offered: Option<u64>,
    /// Flags of the challenge.
    pub flags: Option<u64>,
    /// The challenge's eight bytes, the first of them highest.
    pub challenge: Option<u64>,
    /// Time of the challenge.
    pub challenged: Option<Timestamp>,
    /// Number of the packet that brought the challenge; 0 if it was not seen.
    pub challenge_packet: u64,
    /// The client has answered.
    pub answered: bool,
    /// Bytes of LAN Manager's response.
    pub lm_len: u64,
    /// Bytes of the NT response: 24 for version 1, more for version 2.
    pub nt_len: u64,
    /// LAN Manager's response is neither empty nor a copy of the other.
    pub lm_set: bool,
    /// Digest of the first 16 bytes of the NT response; unset if it is shorter.
    pub proof: Option<u64>,
    /// Did the server let the client in?
    pub success: Option<bool>,
    /// Number of the packet that brought the answer; 0 if none was seen.
    pub packet: u64,
}
