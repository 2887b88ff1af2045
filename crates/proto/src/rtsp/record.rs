use sekisho_record::{Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::{Heap, list_len};

/// An RTSP request with its response: who controls which stream.
#[derive(Clone, Debug, Record)]
#[record(log = "rtsp")]
pub struct RtspRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Method of the request.
    pub method: Option<Text>,
    /// URI of the request.
    pub uri: Option<Text>,
    /// Version of RTSP.
    pub version: Option<Text>,
    /// Number of the request.
    pub cseq: Option<u64>,
    /// The responder asks the originator.
    pub reversed: bool,
    /// User-Agent of the request.
    pub user_agent: Option<Text>,
    /// User name that the request logs in with.
    pub auth_user: Option<Text>,
    /// How he logs in: `Basic`, `Digest`.
    pub auth_method: Option<Text>,
    /// Status of the response.
    pub status_code: Option<u64>,
    /// Its reason.
    pub status_msg: Option<Text>,
    /// Server of the response.
    pub server: Option<Text>,
    /// Id of the session.
    pub session: Option<Text>,
    /// Transport agreed on, or asked for.
    pub transport: Option<Text>,
    /// Type of the body of response or request.
    pub content_type: Option<Text>,
    /// Media that the body describes: kind, end, transport.
    pub media: UnsetIfEmpty<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl RtspRecord {
    pub(super) fn new(head: Head, tail: Tail) -> Self {
        Self {
            head,
            method: None,
            uri: None,
            version: None,
            cseq: None,
            reversed: false,
            user_agent: None,
            auth_user: None,
            auth_method: None,
            status_code: None,
            status_msg: None,
            server: None,
            session: None,
            transport: None,
            content_type: None,
            media: UnsetIfEmpty::default(),
            tail,
        }
    }
}

impl Heap for RtspRecord {
    fn heap_len(&self) -> usize {
        let texts = [
            &self.method,
            &self.uri,
            &self.version,
            &self.user_agent,
            &self.auth_user,
            &self.auth_method,
            &self.status_msg,
            &self.server,
            &self.session,
            &self.transport,
            &self.content_type,
        ];
        texts.iter().map(|t| t.heap_len()).sum::<usize>() + list_len(&self.media.0) + self.media.0.as_slice().heap_len()
    }
}
