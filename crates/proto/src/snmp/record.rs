use sekisho_record::{Head, Record, Tail, Text};
use sekisho_types::{Heap, Interval, Timestamp, block_len};

/// The SNMP messages between two ends.
#[derive(Clone, Debug, Record)]
#[record(log = "snmp")]
pub struct SnmpRecord {
    /// Time of the first message, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Time from the first message to the last.
    pub duration: Interval,
    /// `1`, `2c` or `3`.
    pub version: &'static str,
    /// The first community (versions 1 and 2c), or the first user name of a message of version 3 that is not encrypted.
    pub community: Option<Text>,
    /// Variables asked for by Get and GetNext.
    pub get_requests: u64,
    /// Variables asked for by GetBulk.
    pub get_bulk_requests: u64,
    /// Variables in responses.
    pub get_responses: u64,
    /// Variables to be set.
    pub set_requests: u64,
    /// How the agent describes its system (sysDescr).
    pub display_string: Option<Text>,
    /// When the agent says it was started: the time of its answer less sysUpTime.
    pub up_since: Option<Timestamp>,
    /// The first user name of version 3.
    #[record(ext)]
    pub user: Option<Text>,
    /// Security of the last message of version 3: `noAuthNoPriv`, `authNoPriv` or `authPriv`.
    #[record(ext)]
    pub security_level: Option<&'static str>,
    /// The authoritative engine's id (RFC 3411 §5) in hex.
    #[record(ext)]
    pub engine_id: Option<String>,
    /// The agent's name (sysName).
    #[record(ext)]
    pub sys_name: Option<Text>,
    /// The first variable named.
    #[record(ext)]
    pub first_oid: Option<String>,
    /// Traps and informs.
    #[record(ext)]
    pub traps: u64,
    /// What the first trap is about: the enterprise (version 1) or the trap's identifier.
    #[record(ext)]
    pub trap_oid: Option<String>,
    /// Responses with an error status.
    #[record(ext)]
    pub errors: u64,
    /// Reports: version 3 found fault with a message, or an engine is being discovered.
    #[record(ext)]
    pub reports: u64,
    /// Messages whose content is encrypted.
    #[record(ext)]
    pub encrypted: u64,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl SnmpRecord {
    /// Bytes that the boxed row takes.
    pub(super) fn held_len(&self) -> usize {
        let texts = self.community.heap_len() + self.display_string.heap_len() + self.sys_name.heap_len();
        let oids =
            self.user.heap_len() + self.engine_id.heap_len() + self.first_oid.heap_len() + self.trap_oid.heap_len();
        block_len(size_of::<Self>()) + texts + oids
    }
}
