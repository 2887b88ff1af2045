use sekisho_record::{Head, Record, Set, Tail, Text};

/// One AMQP connection.
#[derive(Clone, Debug, Record)]
#[record(log = "amqp")]
pub struct AmqpRecord {
    /// Time of the first bytes, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Version: `0-9-1` or `1.0`, as the client's header tells.
    pub version: Option<Text>,
    /// The server as it names itself: product and version, or of 1.0 its container.
    pub server: Option<Text>,
    /// The client as it names itself.
    pub client: Option<Text>,
    /// Mechanism of the login.
    pub mechanism: Option<Text>,
    /// User that logs in.
    pub user: Option<Text>,
    /// The server let the client in.
    pub login_success: Option<bool>,
    /// Virtual host, or of 1.0 the host asked for.
    pub vhost: Option<Text>,
    /// Exchanges that are named, or of 1.0 the addresses sent to.
    pub exchanges: Set<Text>,
    /// Queues that are named, or of 1.0 the addresses received from.
    pub queues: Set<Text>,
    /// Messages that the client published.
    pub published: u64,
    /// Their length in bytes, without heads.
    pub published_len: u64,
    /// Messages that the server delivered.
    pub delivered: u64,
    /// Their length in bytes, without heads.
    pub delivered_len: u64,
    /// Number with which the connection, or its last channel, was closed for an error.
    pub close_code: Option<u16>,
    /// What was said when it was closed.
    pub close_text: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
