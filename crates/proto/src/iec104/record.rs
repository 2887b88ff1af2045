use crate::named::Named;
use sekisho_record::{EnumName, Head, Record, Tail, UnsetIfEmpty};

/// One telecontrol message (ASDU), or a start or stop of data transfer. Zeek has no such log.
#[derive(Clone, Debug, Record)]
#[record(log = "iec104")]
pub struct Iec104Record {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The originator sent it.
    pub is_orig: bool,
    /// Kind of frame: `I` with a message, `U` for start and stop.
    pub frame: EnumName,
    /// What a `U` frame does, e.g. `STARTDT act`.
    pub control: Option<EnumName>,
    /// Number of the message's type.
    pub type_id: Option<u8>,
    /// Name of that type, e.g. `C_SC_NA_1`.
    pub type_name: Option<&'static str>,
    /// Cause of transmission.
    pub cause: Option<Named>,
    /// Confirmed in the negative: refused.
    pub negative: Option<bool>,
    /// Sent as a test.
    pub test: Option<bool>,
    /// Address of the station that asked, if it has one.
    pub originator: Option<u8>,
    /// Common address: the station meant, 65535 for all.
    pub common_address: Option<u16>,
    /// Number of objects in the message.
    pub object_count: Option<u8>,
    /// Addresses of the first objects.
    pub addresses: UnsetIfEmpty<u32>,
    /// Their values: states, numbers, or the qualifier of a system command.
    pub values: UnsetIfEmpty<String>,
    /// Qualities other than good, of any of these objects.
    pub quality: UnsetIfEmpty<&'static str>,
    /// Only selected, not yet executed (commands and set points).
    pub select: Option<bool>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
