use sekisho_record::{Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::{Heap, list_len};

/// A SIP request with the response to it; one row per response, and one at the end for what stayed unanswered.
#[derive(Clone, Debug, Record)]
#[record(log = "sip")]
pub struct SipRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Zeek's column; always 0 here, as there.
    pub trans_depth: u64,
    /// Method of the request.
    pub method: Option<Text>,
    /// URI of the request.
    pub uri: Option<Text>,
    /// Date of the request.
    pub date: Option<Text>,
    /// From of the request, without tag.
    pub request_from: Option<Text>,
    /// To of the request.
    pub request_to: Option<Text>,
    /// From of the response, without tag.
    pub response_from: Option<Text>,
    /// To of the response.
    pub response_to: Option<Text>,
    /// Reply-To of the request.
    pub reply_to: Option<Text>,
    /// Call-ID of the request.
    pub call_id: Option<Text>,
    /// CSeq of the request.
    pub seq: Option<Text>,
    /// Subject of the request.
    pub subject: Option<Text>,
    /// Via of the request, without branches.
    pub request_path: Vec<Text>,
    /// Via of the response, without branches.
    pub response_path: Vec<Text>,
    /// User-Agent of the request.
    pub user_agent: Option<Text>,
    /// Status of the response.
    pub status_code: Option<u16>,
    /// Its reason.
    pub status_msg: Option<Text>,
    /// Warning of the response.
    pub warning: Option<Text>,
    /// Content-Length of the request.
    pub request_body_len: Option<u64>,
    /// Content-Length of the response.
    pub response_body_len: Option<u64>,
    /// Content-Type of the response.
    pub content_type: Option<Text>,
    /// Contact of the request.
    #[record(ext)]
    pub contact: Option<Text>,
    /// User name that the request logs in with.
    #[record(ext)]
    pub auth_user: Option<Text>,
    /// Server, or User-Agent, of the response.
    #[record(ext)]
    pub server: Option<Text>,
    /// Media that the request offers: kind, end, transport.
    #[record(ext)]
    pub request_media: UnsetIfEmpty<Text>,
    /// Media that the response offers.
    #[record(ext)]
    pub response_media: UnsetIfEmpty<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl SipRecord {
    /// A row that knows nothing yet.
    pub(super) fn new(head: Head, tail: Tail) -> Self {
        Self {
            head,
            trans_depth: 0,
            method: None,
            uri: None,
            date: None,
            request_from: None,
            request_to: None,
            response_from: None,
            response_to: None,
            reply_to: None,
            call_id: None,
            seq: None,
            subject: None,
            request_path: Vec::new(),
            response_path: Vec::new(),
            user_agent: None,
            status_code: None,
            status_msg: None,
            warning: None,
            request_body_len: None,
            response_body_len: None,
            content_type: None,
            contact: None,
            auth_user: None,
            server: None,
            request_media: UnsetIfEmpty::default(),
            response_media: UnsetIfEmpty::default(),
            tail,
        }
    }
}

impl Heap for SipRecord {
    fn heap_len(&self) -> usize {
        let texts = [
            &self.method,
            &self.uri,
            &self.date,
            &self.request_from,
            &self.request_to,
            &self.response_from,
            &self.response_to,
            &self.reply_to,
            &self.call_id,
            &self.seq,
            &self.subject,
            &self.user_agent,
            &self.status_msg,
            &self.warning,
            &self.content_type,
            &self.contact,
            &self.auth_user,
            &self.server,
        ];
        let lists = [&self.request_path, &self.response_path, &self.request_media.0, &self.response_media.0];
        let lists: usize = lists.iter().map(|l| list_len(l) + l.as_slice().heap_len()).sum();
        texts.iter().map(|t| t.heap_len()).sum::<usize>() + lists
    }
}
