use sekisho_record::{Head, Record, Tail, Text};
use sekisho_types::Heap;

/// A stream of XMPP (Jabber): between whom, how he logged in, and how much was said.
#[derive(Clone, Debug, Record)]
#[record(log = "xmpp")]
pub struct XmppRecord {
    /// Time of the first tag, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Kind of stream: `client`, `server` or `component`.
    pub kind: Option<&'static str>,
    /// Domain that the originator asks for.
    pub to: Option<Text>,
    /// Whom the originator says to be.
    pub from: Option<Text>,
    /// Version of XMPP.
    pub version: Option<Text>,
    /// Id that the responder gives the stream.
    pub stream_id: Option<Text>,
    /// User of the last login.
    pub user: Option<Text>,
    /// How he logged in: a SASL mechanism.
    pub auth_method: Option<Text>,
    /// The last login was accepted.
    pub auth_success: Option<bool>,
    /// Logins tried.
    pub auth_attempts: u64,
    /// Address that the server bound to the stream.
    pub jid: Option<Text>,
    /// Messages from the originator.
    pub orig_messages: u64,
    /// Messages from the responder.
    pub resp_messages: u64,
    /// Presences from the originator.
    pub orig_presences: u64,
    /// Presences from the responder.
    pub resp_presences: u64,
    /// Queries and answers from the originator.
    pub orig_iqs: u64,
    /// Queries and answers from the responder.
    pub resp_iqs: u64,
    /// The stream goes on in TLS.
    pub tls: bool,
    /// Condition of a stream error or a refused login.
    pub error: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl XmppRecord {
    pub(super) fn new(head: Head, tail: Tail) -> Self {
        Self {
            head,
            kind: None,
            to: None,
            from: None,
            version: None,
            stream_id: None,
            user: None,
            auth_method: None,
            auth_success: None,
            auth_attempts: 0,
            jid: None,
            orig_messages: 0,
            resp_messages: 0,
            orig_presences: 0,
            resp_presences: 0,
            orig_iqs: 0,
            resp_iqs: 0,
            tls: false,
            error: None,
            tail,
        }
    }
}

impl Heap for XmppRecord {
    fn heap_len(&self) -> usize {
        let texts = [
            &self.to,
            &self.from,
            &self.version,
            &self.stream_id,
            &self.user,
            &self.auth_method,
            &self.jid,
            &self.error,
        ];
        texts.iter().map(|t| t.heap_len()).sum()
    }
}
