use sekisho_record::{Digest, EnumName, Head, Record, Tail};

/// An OpenVPN session as its first packets show it.
#[derive(Clone, Debug, Record)]
#[record(log = "openvpn")]
pub struct OpenvpnRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Transport protocol.
    pub proto: EnumName,
    /// The originator's session id.
    pub orig_session: Option<Digest<8>>,
    /// The responder's session id.
    pub resp_session: Option<Digest<8>>,
    /// How control packets are protected: `none`, `tls-auth`, `tls-crypt`, `tls-crypt-v2`.
    pub protection: Option<EnumName>,
    /// Control packets of both ends until the first data packet.
    pub control_packets: u64,
    /// Data was sent: the key exchange came to an end.
    pub established: bool,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}
