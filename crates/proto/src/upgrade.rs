//! The WebSocket handshake (RFC 6455 §4, §9.1, §11.3): what its header fields come to. A helper of HTTP, which sees
//! the fields, and of WebSocket, which logs the row.

use ring::digest;
use sekisho_record::{Head, Record, Tail, Text};
use sekisho_types::{Heap, block_len, list_len};

/// Protocols or extensions listed of one end.
const MAX_LISTED: usize = 32;

/// Bytes kept of one of them, of the key and of the answer to it.
const MAX_ITEM_LEN: usize = 1024;

/// What the server appends to the key before it hashes it (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A WebSocket, from the upgrade on.
#[derive(Clone, Debug, Record)]
#[record(log = "websocket")]
pub struct WebsocketRecord {
    /// Time of the upgrade, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Value of the Host field.
    pub host: Option<Text>,
    /// Target of the request.
    pub uri: Option<Text>,
    /// Value of the User-Agent field.
    pub user_agent: Option<Text>,
    /// Subprotocol that the server chose.
    pub subprotocol: Option<Text>,
    /// Subprotocols that the client offered.
    pub client_protocols: Option<Vec<Text>>,
    /// Extensions that the server chose.
    pub server_extensions: Option<Vec<Text>>,
    /// Extensions that the client offered.
    pub client_extensions: Option<Vec<Text>>,
    /// Whole messages from the client.
    #[record(ext)]
    pub orig_messages: u64,
    /// Whole messages from the server.
    #[record(ext)]
    pub resp_messages: u64,
    /// Bytes of the client's messages, as sent: under permessage-deflate compressed.
    #[record(ext)]
    pub orig_message_bytes: u64,
    /// Bytes of the server's messages, as sent.
    #[record(ext)]
    pub resp_message_bytes: u64,
    /// Status of the first close (RFC 6455 §7.4).
    #[record(ext)]
    pub close_code: Option<u16>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl WebsocketRecord {
    /// Bytes of heap that the row owns.
    pub(crate) fn owned_len(&self) -> usize {
        let names = [&self.host, &self.uri, &self.user_agent, &self.subprotocol].into_iter().map(Heap::heap_len);
        names.sum::<usize>()
            + listed(&self.client_protocols)
            + listed(&self.server_extensions)
            + listed(&self.client_extensions)
    }
}

fn listed(list: &Option<Vec<Text>>) -> usize {
    list.as_ref().map_or(0, |l| list_len(l) + l.as_slice().heap_len())
}

/// Fields of a handshake, as they come.
#[derive(Default)]
pub(crate) struct Handshake {
    client_protocols: Option<Vec<Text>>,
    client_extensions: Option<Vec<Text>>,
    server_extensions: Option<Vec<Text>>,
    subprotocol: Option<Text>,
    key: Option<Text>,
    accept: Option<Text>,
}

impl Handshake {
    /// Takes up a field whose name begins with Sec-WebSocket; `None`, or what is odd about it.
    pub(crate) fn learn(&mut self, client: bool, name: &[u8], value: &[u8]) -> Option<&'static str> {
        let slot = match (client, name.len()) {
            (true, 22) => return list(&mut self.client_protocols, value),
            (true, 24) => return list(&mut self.client_extensions, value),
            (false, 24) => return list(&mut self.server_extensions, value),
            (true, 17) => (&mut self.key, "websocket_multiple_key_headers"),
            (false, 20) => (&mut self.accept, "websocket_multiple_accept_headers"),
            (false, 22) => (&mut self.subprotocol, "websocket_multiple_protocol_headers"),
            _ => return None,
        };
        let item = value.get(..MAX_ITEM_LEN).unwrap_or(value).into();
        slot.0.replace(item).map(|_| slot.1)
    }

    /// The handshake is over: its row, to which the request's columns are still to be added, and what is odd about it.
    pub(crate) fn finish(self, head: Head, tail: Tail) -> (WebsocketRecord, Option<&'static str>) {
        let odd = match (&self.key, &self.accept) {
            (None, _) => Some("websocket_missing_key_header"),
            (_, None) => Some("websocket_missing_accept_header"),
            (Some(key), Some(accept)) => (!answers(&accept.0, &key.0)).then_some("websocket_wrong_accept_header"),
        };
        let record = WebsocketRecord {
            head,
            host: None,
            uri: None,
            user_agent: None,
            subprotocol: self.subprotocol,
            client_protocols: self.client_protocols,
            server_extensions: self.server_extensions,
            client_extensions: self.client_extensions,
            orig_messages: 0,
            resp_messages: 0,
            orig_message_bytes: 0,
            resp_message_bytes: 0,
            close_code: None,
            tail,
        };
        (record, odd)
    }
}

impl Heap for Handshake {
    fn heap_len(&self) -> usize {
        let items = [&self.subprotocol, &self.key, &self.accept].into_iter().map(Heap::heap_len).sum::<usize>();
        items + listed(&self.client_protocols) + listed(&self.client_extensions) + listed(&self.server_extensions)
    }
}

/// What a handshake takes once there is one.
pub(crate) const HANDSHAKE_LEN: usize = block_len(size_of::<Handshake>());

/// Adds the parts of a list with commas.
fn list(to: &mut Option<Vec<Text>>, value: &[u8]) -> Option<&'static str> {
    let to = to.get_or_insert_default();
    for item in value.split(|b| *b == b',') {
        if to.len() >= MAX_LISTED {
            return Some("websocket_too_many_offers");
        }
        let item = item.trim_ascii();
        to.push(item.get(..MAX_ITEM_LEN).unwrap_or(item).into());
    }
    None
}

/// Is `accept` what a server answers to `key` (RFC 6455 §4.2.2)?
fn answers(accept: &[u8], key: &[u8]) -> bool {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &[key, GUID].concat());
    base64(hash.as_ref()) == accept
}

/// Base64 (RFC 4648 §4).
pub(crate) fn base64(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for i in 0..4 {
            let index = usize::try_from(bits >> (18 - 6 * i) & 63).unwrap_or(0);
            out.push(if i > group.len() { b'=' } else { ALPHABET.get(index).copied().unwrap_or(b'=') });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6455 §1.3.
    #[test]
    fn knows_the_answer_to_a_key() {
        assert!(answers(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", b"dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(!answers(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", b"dGhlIHNhbXBsZSBub25jZQ="));
        assert_eq!(base64(b"any carnal pleas"), b"YW55IGNhcm5hbCBwbGVhcw==");
    }

    #[test]
    fn limits_lists_and_reports_repeats() {
        let mut h = Handshake::default();
        assert_eq!(h.learn(true, b"Sec-WebSocket-Protocol", b"a , b"), None);
        assert_eq!(h.client_protocols.as_ref().unwrap().len(), 2);
        let many = b"x,".repeat(100);
        assert_eq!(h.learn(true, b"Sec-WebSocket-Protocol", &many), Some("websocket_too_many_offers"));
        assert_eq!(h.client_protocols.as_ref().unwrap().len(), MAX_LISTED);
        assert_eq!(h.learn(true, b"Sec-WebSocket-Key", b"k"), None);
        assert_eq!(h.learn(true, b"Sec-WebSocket-Key", b"k"), Some("websocket_multiple_key_headers"));
        assert_eq!(h.learn(true, b"Sec-WebSocket-Version", b"13"), None);
    }
}
