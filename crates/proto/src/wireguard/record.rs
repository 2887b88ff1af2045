use sekisho_record::{Head, Record, Tail};

/// What a flow of WireGuard shows.
#[derive(Clone, Debug, Record)]
#[record(log = "wireguard")]
pub struct WireguardRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Handshakes begun.
    pub initiations: u64,
    /// Handshakes answered.
    pub responses: u64,
    /// Answers that ask for a proof of address first.
    pub cookies: u64,
    /// Messages with data.
    pub data_messages: u64,
    /// Messages without.
    pub keepalives: u64,
    /// The originator's index of the session, the latest.
    pub orig_index: Option<u32>,
    /// The responder's.
    pub resp_index: Option<u32>,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}

impl WireguardRecord {
    pub(super) fn new(head: Head, tail: Tail) -> Self {
        Self {
            head,
            initiations: 0,
            responses: 0,
            cookies: 0,
            data_messages: 0,
            keepalives: 0,
            orig_index: None,
            resp_index: None,
            tail,
        }
    }
}
