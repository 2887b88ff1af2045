use sekisho_record::{Head, Record, Set, Tail, Text};

/// A control connection of PPTP. What it builds goes in GRE beside it.
#[derive(Clone, Debug, Record)]
#[record(log = "pptp")]
pub struct PptpRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// What the originator calls itself.
    pub orig_host: Option<Text>,
    /// What the responder calls itself.
    pub resp_host: Option<Text>,
    /// Who made the originator.
    pub orig_vendor: Option<Text>,
    /// Who made the responder.
    pub resp_vendor: Option<Text>,
    /// The responder's firmware.
    pub resp_firmware: Option<u16>,
    /// Kinds of message.
    pub messages: Set<&'static str>,
    /// Calls that were granted.
    pub calls: u64,
    /// The last result that was no success.
    pub error: Option<u8>,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}
