use sekisho_record::{Head, Record, Tail, Text};

/// One request of a MongoDB connection with its reply.
#[derive(Clone, Debug, Record)]
#[record(log = "mongodb")]
pub struct MongodbRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The request's number.
    pub request_id: Option<u32>,
    /// How it was sent: `msg`, `query`, `insert` and so on.
    pub operation: Text,
    /// The command: `find`, `hello`, `saslStart`.
    pub command: Option<Text>,
    /// The database it is for.
    pub database: Option<Text>,
    /// The collection it is for.
    pub collection: Option<Text>,
    /// The reply was no error.
    pub ok: Option<bool>,
    /// Number of the error.
    pub error_code: Option<i64>,
    /// Text of the error.
    pub error: Option<Text>,
    /// Documents that the reply says it touched, or brings.
    pub documents: Option<u64>,
    /// User that logs in.
    pub user: Option<Text>,
    /// Mechanism of the login.
    pub mechanism: Option<Text>,
    /// Program and driver that the client says it is.
    pub client: Option<Text>,
    /// Length of the request in bytes.
    pub request_len: u64,
    /// Length of the reply in bytes.
    pub reply_len: Option<u64>,
    /// Method by which the request is compressed, and then not read.
    pub compression: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
