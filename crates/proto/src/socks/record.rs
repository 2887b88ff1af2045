use sekisho_record::{Head, Port, Record, Tail, Text};
use sekisho_types::Addr;

/// A connection through a SOCKS proxy: who asked for what, and whether he got it.
#[derive(Clone, Debug, Record)]
#[record(log = "socks")]
pub struct SocksRecord {
    /// Time of the login or request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Version of SOCKS, 4 or 5.
    pub version: u64,
    /// User who logged in.
    pub user: Option<Text>,
    /// Zeek's column; never filled here, as there by default.
    pub password: Option<Text>,
    /// What the proxy answered last.
    pub status: Option<Text>,
    /// Address asked for.
    #[record(name = "request.host")]
    pub request_host: Option<Addr>,
    /// Name asked for.
    #[record(name = "request.name")]
    pub request_name: Option<Text>,
    /// Port asked for.
    pub request_p: Option<Port>,
    /// Address that the proxy uses.
    #[record(name = "bound.host")]
    pub bound_host: Option<Addr>,
    /// Name that the proxy uses.
    #[record(name = "bound.name")]
    pub bound_name: Option<Text>,
    /// Port that the proxy uses.
    pub bound_p: Option<Port>,
    /// What was asked for: `CONNECT`, `BIND` or `UDP ASSOCIATE`.
    #[record(ext)]
    pub command: Option<&'static str>,
    /// Way to log in that the proxy chose.
    #[record(ext)]
    pub auth_method: Option<u64>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
