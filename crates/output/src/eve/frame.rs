//! Frames.

use super::{MAX_PAYLOAD_LEN, printable};
use sekisho_transaction::Json;

/// What an event or an alert says about a frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Its name behind the protocol's.
    pub kind: &'a str,
    /// Number among those of its direction, from 1.
    pub id: u64,
    /// The client sent it.
    pub to_server: bool,
    /// Where in the stream it begins; `None`: it is of a datagram.
    pub offset: Option<u64>,
    /// Bytes, of a frame that goes on those that are there.
    pub len: u64,
    /// Its end is known and there.
    pub complete: bool,
    /// Bytes of it that are not kept, before the others.
    pub missing: u64,
    /// Those that are.
    pub payload: &'a [u8],
    /// The exchange that it belongs to.
    pub tx: Option<u64>,
}

/// Longest payload of a datagram's frame that is shown.
const MAX_DATAGRAM_LEN: usize = 256;

impl Frame<'_> {
    /// The object `frame`.
    pub fn write(&self, json: &mut Json<'_>) {
        json.object("frame", |json| {
            json.text("type", self.kind);
            json.number("id", self.id);
            json.text("direction", if self.to_server { "toserver" } else { "toclient" });
            if let Some(offset) = self.offset {
                json.number("stream_offset", offset);
            }
            json.number("length", self.len);
            self.payload(json);
            if let Some(tx) = self.tx {
                json.number("tx_id", tx);
            }
        });
    }

    fn payload(&self, json: &mut Json<'_>) {
        let max = if self.offset.is_some() { MAX_PAYLOAD_LEN } else { MAX_DATAGRAM_LEN };
        let mut bytes = Vec::new();
        if self.missing > 0 {
            bytes.extend_from_slice(format!("[{} bytes missing]", self.missing).as_bytes());
        }
        let room = max.saturating_sub(bytes.len());
        bytes.extend_from_slice(self.payload.get(..room).unwrap_or(self.payload));
        if !bytes.is_empty() {
            json.base64("payload", &bytes);
            json.bytes("payload_printable", &printable(&bytes));
            json.flag("complete", self.complete);
        }
    }
}
