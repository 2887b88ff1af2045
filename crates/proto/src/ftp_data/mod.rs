//! FTP data connections (RFC 959 §3, §5): the content of one transfer, nothing else.
//!
//! Never found by content: an FTP control flow announces them. Known gap: block and compressed
//! transmission modes are passed through as they are.

use crate::{Cx, Descriptor, Expectation, FileId, FileMeta, Guess, Protocol, Start};
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len};

/// State of one data connection.
pub struct Parser {
    expectation: Option<Expectation>,
    /// The file per direction; data flows one way, but hostile traffic need not know that.
    files: [Option<FileId>; 2],
    /// What rules and EVE see: the transfer as one exchange.
    tx: Option<Box<(Mark, Transferred)>>,
}

/// The transfer as rules and EVE see it.
struct Transferred {
    dir: Dir,
    command: &'static str,
    filename: Option<Vec<u8>>,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "ftp-data", tcp_ports: &[], udp_ports: &[], probe: |_| Guess::No };

    fn start(start: &Start<'_>) -> Self {
        Self { expectation: start.expected.cloned(), files: [None, None], tx: None }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if let Some(id) = self.file(dir, cx) {
            cx.file_data(id, bytes);
            self.share(id, cx);
            if let Some((mark, transferred)) = self.tx.as_deref_mut() {
                cx.look(dir, 0, transferred, mark);
            }
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        if let Some(id) = self.file(dir, cx) {
            cx.file_gap(id, len);
        }
    }

    fn half_closed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        self.close(dir, true, cx);
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        // Without the sender's FIN nobody can tell whether the last bytes are missing, except by the announced size.
        self.close(Dir::Orig, false, cx);
        self.close(Dir::Resp, false, cx);
        if let Some(tx) = self.tx.take() {
            let (mut mark, transferred) = *tx;
            cx.over(transferred.dir, &transferred, &mut mark);
        }
    }

    /// The transfer is shared with the control flow, which counts it.
    fn held_len(&self) -> usize {
        self.tx
            .as_ref()
            .map_or(0, |tx| block_len(size_of::<(Mark, Transferred)>()) + tx.0.heap_len() + tx.1.filename.heap_len())
    }
}

impl Parser {
    fn file(&mut self, dir: Dir, cx: &mut Cx<'_>) -> Option<FileId> {
        let slot = self.files.get_mut(dir.index())?;
        if slot.is_none() {
            cx.confirm("ftp-data");
            let (filename, total_len) =
                self.expectation.as_ref().map_or((None, None), |e| e.with(|t| (t.filename.clone(), t.announced_len)));
            let meta =
                FileMeta { source: "FTP_DATA", is_orig: dir.is_orig(), filename, total_len, ..FileMeta::default() };
            let id = cx.file_open(meta);
            *slot = Some(id);
            if cx.is_watched() {
                self.begin(dir, id);
                if let Some((mark, transferred)) = self.tx.as_deref_mut() {
                    // Rules may ask for the command in either direction: in active mode the server opened the connection.
                    cx.look(dir.flip(), 0, &Other(transferred), mark);
                }
            }
        }
        self.files.get(dir.index()).copied().flatten()
    }

    /// The exchange begins, if a command told what it is.
    fn begin(&mut self, dir: Dir, id: FileId) {
        let told = self.expectation.as_ref().map(|e| e.with(|t| (t.command, t.filename.clone())));
        let Some((Some(command), filename)) = told else { return };
        let tx = self.tx.get_or_insert_with(|| {
            let filename = filename.map(|name| name.0);
            Box::new((Counter::default().begin(), Transferred { dir, command, filename }))
        });
        tx.0.file(id.0, dir);
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

    fn close(&mut self, dir: Dir, fin: bool, cx: &mut Cx<'_>) {
        let Some(id) = self.files.get_mut(dir.index()).and_then(Option::take) else { return };
        let seen = cx.file_info(id).seen_bytes;
        let named = self.expectation.as_ref().map(|e| e.with(|t| (t.filename.clone(), t.announced_len)));
        let announced = named.as_ref().and_then(|(_, len)| *len);
        if let Some(name) = named.and_then(|(name, _)| name) {
            cx.file_set_name(id, &name.0);
        }
        // The reply that tells the size may come after the first data.
        if let Some(len) = announced {
            cx.file_set_total(id, len);
        }
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

/// The transfer in the direction in which nothing is transferred.
struct Other<'a>(&'a Transferred);

impl Transaction for Other<'_> {
    fn event_type(&self) -> &'static str {
        self.0.event_type()
    }

    fn eve(&self, out: &mut Json<'_>) {
        self.0.eve(out);
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        if fact == Fact::FtpdataCommand { self.0.fact(fact, nth) } else { None }
    }
}

impl Transaction for Transferred {
    fn event_type(&self) -> &'static str {
        "ftp_data"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("ftp_data", |out| {
            if let Some(name) = &self.filename {
                out.bytes("filename", name);
            }
            out.text("command", self.command);
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        match fact {
            Fact::FtpdataCommand if nth == 0 => Some(self.command.into()),
            Fact::FileName => self.filename.as_deref().filter(|_| nth == 0).map(Value::from),
            _ => None,
        }
    }
}
