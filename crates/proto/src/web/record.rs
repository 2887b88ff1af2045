use super::client::Traits;
use super::seen::Seen;
use crate::{Cx, FileInfo};
use sekisho_record::{EnumName, Head, Record, Set, Tail, Text};
use sekisho_types::{Heap, Uid, block_len, list_len};

/// Files listed per message; further ones are in `files` only. Zeek's `HTTP::max_files_orig`.
const MAX_FILES: usize = 15;

/// One request with its response.
#[derive(Clone, Record)]
#[record(log = "http")]
pub struct HttpRecord {
    #[record(flatten)]
    pub(crate) head: Head,
    /// Number of the request in the flow, from 1.
    pub(crate) trans_depth: u64,
    /// Method of the request.
    pub(crate) method: Option<Text>,
    /// Value of the Host field, port included.
    pub(crate) host: Option<Text>,
    /// Target of the request, percent-decoded.
    pub(crate) uri: Option<Text>,
    /// Value of the Referer field.
    pub(crate) referrer: Option<Text>,
    /// HTTP version of the response.
    pub(crate) version: Option<Text>,
    /// Value of the User-Agent field.
    pub(crate) user_agent: Option<Text>,
    /// Value of the Origin field.
    pub(crate) origin: Option<Text>,
    /// Bytes of the request's body, decoded.
    pub(crate) request_body_len: u64,
    /// Bytes of the response's body, decoded.
    pub(crate) response_body_len: u64,
    /// Status code of the response.
    pub(crate) status_code: Option<u64>,
    /// Reason phrase of the response.
    pub(crate) status_msg: Option<Text>,
    /// Code of the last informational response (1xx).
    pub(crate) info_code: Option<u64>,
    /// Reason phrase of the last informational response.
    pub(crate) info_msg: Option<Text>,
    /// Indicators of attributes discovered; always empty, as in Zeek's default.
    pub(crate) tags: Set<EnumName>,
    /// User name of basic authentication.
    pub(crate) username: Option<Text>,
    /// Password of basic authentication; never filled, as in Zeek's default.
    pub(crate) password: Option<Text>,
    /// Header fields that tell of a proxy, as `NAME -> value`.
    pub(crate) proxied: Option<Set<Text>>,
    /// Ids of files in the request.
    pub(crate) orig_fuids: Option<Vec<Uid>>,
    /// File names in the request.
    pub(crate) orig_filenames: Option<Vec<Text>>,
    /// Types of files in the request, by content.
    pub(crate) orig_mime_types: Option<Vec<&'static str>>,
    /// Ids of files in the response.
    pub(crate) resp_fuids: Option<Vec<Uid>>,
    /// File names in the response.
    pub(crate) resp_filenames: Option<Vec<Text>>,
    /// Types of files in the response, by content.
    pub(crate) resp_mime_types: Option<Vec<&'static str>>,
    /// HTTP/2 and HTTP/3: number of the stream.
    #[record(ext)]
    pub(crate) stream_id: Option<u64>,
    /// gRPC: status of the call, 0 for success. The method called is in `uri`.
    #[record(ext)]
    pub(crate) grpc_status: Option<u64>,
    /// gRPC: what the server says about the status.
    #[record(ext)]
    pub(crate) grpc_message: Option<Text>,
    /// The program behind the interface, where the response proves it: `elasticsearch`, `docker` and the like.
    #[record(ext)]
    pub(crate) api: Option<&'static str>,
    /// What detectors want to know, while the exchange lasts.
    #[record(skip)]
    pub(crate) seen: Option<Box<Seen>>,
    /// The same of the program that asks.
    #[record(skip)]
    pub(crate) traits: Traits,
    #[record(flatten)]
    pub(crate) tail: Tail,
}

impl HttpRecord {
    /// The row's first columns; the others follow as messages are read.
    pub(crate) fn new(head: Head, tail: Tail, trans_depth: u64) -> Self {
        Self {
            head,
            trans_depth,
            method: None,
            host: None,
            uri: None,
            referrer: None,
            version: None,
            user_agent: None,
            origin: None,
            request_body_len: 0,
            response_body_len: 0,
            status_code: None,
            status_msg: None,
            info_code: None,
            info_msg: None,
            tags: Set::default(),
            username: None,
            password: None,
            proxied: None,
            orig_fuids: None,
            orig_filenames: None,
            orig_mime_types: None,
            resp_fuids: None,
            resp_filenames: None,
            resp_mime_types: None,
            stream_id: None,
            grpc_status: None,
            grpc_message: None,
            api: None,
            seen: None,
            traits: Traits::default(),
            tail,
        }
    }

    /// What a row takes that was just begun.
    pub(crate) const EMPTY_LEN: usize = block_len(size_of::<Self>());

    /// Bytes that the row takes, itself included.
    pub(crate) fn held_len(&self) -> usize {
        let request = [&self.method, &self.host, &self.uri, &self.referrer, &self.user_agent, &self.origin];
        let response = [&self.version, &self.status_msg, &self.info_msg, &self.username];
        let fields = request.into_iter().chain(response).map(Heap::heap_len).sum::<usize>();
        let fuids = [&self.orig_fuids, &self.resp_fuids].into_iter().flatten().map(list_len).sum::<usize>();
        let types = [&self.orig_mime_types, &self.resp_mime_types].into_iter().flatten().map(list_len).sum::<usize>();
        let names = [&self.orig_filenames, &self.resp_filenames].into_iter().flatten();
        let names = names.map(|n| list_len(n) + n.as_slice().heap_len()).sum::<usize>();
        let seen = self.seen.as_ref().map_or(0, |s| s.boxed_len());
        Self::EMPTY_LEN + fields + seen + self.grpc_message.heap_len() + self.proxied.heap_len() + fuids + types + names
    }

    /// Lists a file whose content has begun.
    pub(crate) fn opened(&mut self, request: bool, info: FileInfo, filename: Option<&Text>) {
        let (fuids, names) = if request {
            (&mut self.orig_fuids, &mut self.orig_filenames)
        } else {
            (&mut self.resp_fuids, &mut self.resp_filenames)
        };
        if let Some(fuid) = info.row()
            && add(fuids, fuid)
            && let Some(name) = filename
        {
            add(names, name.clone());
        }
    }

    /// Names the resource of which a response carries a part.
    pub(crate) fn range_key(&self, etag: Option<Text>, cx: &Cx<'_>) -> Text {
        let host = self.host.clone();
        let mut key = host.map_or_else(|| cx.flow.tuple.resp.to_string().into_bytes(), |h| h.0);
        for part in [self.uri.clone(), etag].into_iter().flatten() {
            key.push(b' ');
            key.extend_from_slice(&part.0);
        }
        key.into()
    }

    /// Lists the type of a file that is over.
    pub(crate) fn closed(&mut self, request: bool, info: FileInfo) {
        let types = if request { &mut self.orig_mime_types } else { &mut self.resp_mime_types };
        if let Some(mime_type) = info.mime_type {
            add(types, mime_type);
        }
    }
}

fn add<T>(list: &mut Option<Vec<T>>, item: T) -> bool {
    let list = list.get_or_insert_default();
    let room = list.len() < MAX_FILES;
    if room {
        list.push(item);
    }
    room
}
