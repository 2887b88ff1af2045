use crate::named::Named;
use sekisho_record::{EnumName, Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::Interval;

/// One OPC UA service: a request with its response, or a step of opening a connection. Zeek has no such log.
#[derive(Clone, Debug, Record)]
#[record(log = "opcua")]
pub struct OpcuaRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Service; `Hello`, `ReverseHello` and `Error` of the connection; `encrypted` once for all that cannot be read.
    pub service: Named,
    /// Number that joins the response to the request.
    pub request_id: Option<u32>,
    /// Secure channel.
    pub channel_id: Option<u32>,
    /// Security policy of the channel, without its namespace: `None`, `Basic256Sha256`.
    pub security_policy: Option<Text>,
    /// Security mode of the channel: `None`, `Sign`, `SignAndEncrypt`; for secured channels told from the messages.
    pub security_mode: Option<EnumName>,
    /// The client presented a certificate.
    pub client_certificate: Option<bool>,
    /// URL of the server that the client asks for.
    pub endpoint_url: Option<Text>,
    /// URI of the application that opens a session.
    pub application_uri: Option<Text>,
    /// Name of the session.
    pub session_name: Option<Text>,
    /// How the user identifies: `Anonymous`, `UserName`, `Certificate`, `Issued`.
    pub identity: Option<EnumName>,
    /// Name of the user.
    pub user: Option<Text>,
    /// Number of things asked for: nodes, methods, items.
    pub item_count: Option<u32>,
    /// The first nodes read, written, browsed or called.
    pub nodes: UnsetIfEmpty<String>,
    /// Status of the response, or the error of the connection.
    pub status: Option<Named>,
    /// Reason given with an error.
    pub reason: Option<Text>,
    /// Time from request to response.
    pub rtt: Option<Interval>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
