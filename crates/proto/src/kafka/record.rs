use sekisho_record::{Head, Record, Tail, Text, UnsetIfEmpty};

/// One request of a Kafka connection with its response.
#[derive(Clone, Debug, Record)]
#[record(log = "kafka")]
pub struct KafkaRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// What is asked for: `Produce`, `Fetch`, `Metadata` and so on.
    pub api: Text,
    /// Version of that request.
    pub version: u16,
    /// The request's number.
    pub correlation_id: u32,
    /// The client's name for itself.
    pub client_id: Option<Text>,
    /// Topics named, as far as the start of the request tells.
    pub topics: UnsetIfEmpty<Text>,
    /// Group of consumers.
    pub group: Option<Text>,
    /// The response's error, where it stands at its beginning: its name or its number.
    pub error: Option<Text>,
    /// Mechanism of the login.
    pub mechanism: Option<Text>,
    /// User that logs in.
    pub user: Option<Text>,
    /// Length of the request in bytes.
    pub request_len: u64,
    /// Length of the response in bytes; unset if none came.
    pub response_len: Option<u64>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
