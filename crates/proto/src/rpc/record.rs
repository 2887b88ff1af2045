use sekisho_record::{Head, Record, Tail, Text};
use sekisho_types::Interval;

/// One remote procedure call that was answered.
#[derive(Clone, Debug, Record)]
#[record(log = "dce_rpc")]
pub struct DceRpcRecord {
    /// Time of the call, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Time from the call to its answer.
    pub rtt: Option<Interval>,
    /// Pipe or port that the server named when it accepted the binding.
    pub named_pipe: Option<Text>,
    /// Name of the interface; `unknown-` and its identifier if it has none.
    pub endpoint: Option<Text>,
    /// Name of the operation; `unknown-` and its number if it has none.
    pub operation: Option<Text>,
    /// Number of the operation.
    #[record(ext)]
    pub opnum: u16,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
