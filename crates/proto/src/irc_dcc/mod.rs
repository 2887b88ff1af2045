//! Files that IRC clients send each other directly (DCC SEND of the client-to-client protocol): the content as it is,
//! in the other direction four bytes of acknowledgement now and then.
//!
//! Never found by content: an IRC flow announces them. Zeek's name of the service is `irc-dcc-data`.

#[cfg(test)]
mod tests;

use crate::{Cx, Descriptor, Expectation, FileId, FileMeta, Guess, Protocol, Start};
use sekisho_types::Dir;

/// Name in conn's `service`.
const SERVICE: &str = "irc-dcc-data";

/// State of one data connection.
pub struct Parser {
    expectation: Option<Expectation>,
    /// Who offered the file, and so sends it.
    sender: Dir,
    file: Option<FileId>,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: SERVICE, tcp_ports: &[], udp_ports: &[], probe: |_| Guess::No };

    fn start(start: &Start<'_>) -> Self {
        let tuple = &start.flow.tuple;
        let listener = |e: &Expectation| e.host == tuple.orig && e.port == Some(tuple.orig_port);
        let flipped = start.expected.is_some_and(listener);
        Self { expectation: start.expected.cloned(), sender: if flipped { Dir::Orig } else { Dir::Resp }, file: None }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        cx.confirm(SERVICE);
        if dir == self.sender {
            let id = self.open(cx);
            cx.file_data(id, bytes);
            self.share(id, cx);
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        if dir == self.sender {
            let id = self.open(cx);
            cx.file_gap(id, len);
        }
    }

    fn half_closed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        if dir == self.sender {
            self.close(true, cx);
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.close(false, cx);
    }

    /// The transfer is shared with the IRC flow, which counts it.
    fn held_len(&self) -> usize {
        0
    }
}

impl Parser {
    fn open(&mut self, cx: &mut Cx<'_>) -> FileId {
        if let Some(id) = self.file {
            return id;
        }
        let (filename, total_len) =
            self.expectation.as_ref().map_or((None, None), |e| e.with(|t| (t.filename.clone(), t.announced_len)));
        let meta =
            FileMeta { source: "IRC_DATA", is_orig: self.sender.is_orig(), filename, total_len, ..FileMeta::default() };
        let id = cx.file_open(meta);
        self.file = Some(id);
        id
    }

    fn share(&self, id: FileId, cx: &Cx<'_>) {
        if let Some(e) = &self.expectation {
            let info = cx.file_info(id);
            e.with(|t| {
                t.data_uid = Some(cx.flow.uid);
                t.fuid = info.row();
                t.mime_type = info.mime_type;
                t.seen_bytes = info.seen_bytes;
            });
        }
    }

    fn close(&mut self, fin: bool, cx: &mut Cx<'_>) {
        let Some(id) = self.file.take() else { return };
        let seen = cx.file_info(id).seen_bytes;
        let announced = self.expectation.as_ref().and_then(|e| e.with(|t| t.announced_len));
        let info = cx.file_close(id, fin || announced == Some(seen));
        if let Some(e) = &self.expectation {
            e.with(|t| {
                t.mime_type = info.mime_type;
                t.seen_bytes = info.seen_bytes;
                t.done = true;
            });
        }
    }
}
