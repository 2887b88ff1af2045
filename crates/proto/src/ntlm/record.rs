use sekisho_record::{Head, Record, Tail, Text};

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
