use sekisho_record::{Head, Record, Set, Tail, Text};

/// A tunnel of L2TP as its control messages tell.
#[derive(Clone, Debug, Record)]
#[record(log = "l2tp")]
pub struct L2tpRecord {
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
    /// The originator's number for the tunnel.
    pub orig_tunnel: Option<u16>,
    /// The responder's.
    pub resp_tunnel: Option<u16>,
    /// Kinds of message.
    pub messages: Set<&'static str>,
    /// Why tunnel or call ended (RFC 2661 §4.4.2).
    pub result: Option<u16>,
    /// An end asked the other for a shared secret.
    pub authenticated: bool,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}
