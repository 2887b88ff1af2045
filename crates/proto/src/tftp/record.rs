use sekisho_record::{EnumName, Head, Record, Tail, Text};
use sekisho_types::{Heap, Uid, block_len};

/// A transfer: from the flow that carries the data, or from the flow of the request if no data came.
#[derive(Clone, Debug, Record)]
#[record(log = "tftp")]
pub struct TftpRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The flow of the request, whose answer comes from another port.
    pub request_uid: Option<Uid>,
    /// `read`: the client wants the file, `write`: it sends it.
    pub operation: Option<EnumName>,
    /// The file's name as asked for.
    pub filename: Option<Text>,
    /// `octet`, `netascii` or `mail`.
    pub mode: Option<EnumName>,
    /// Bytes per block.
    pub block_size: u16,
    /// Size of the file as announced.
    pub announced_size: Option<u64>,
    /// Bytes of the file that were seen.
    pub size: u64,
    /// The last block came.
    pub complete: bool,
    /// Why an end gave up: a number …
    pub error_code: Option<u16>,
    /// … and words.
    pub error_message: Option<Text>,
    /// The file.
    pub fuid: Option<Uid>,
    /// Its type by content.
    pub mime_type: Option<&'static str>,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}

impl TftpRecord {
    /// Bytes that the row takes, itself included.
    pub(super) fn held_len(&self) -> usize {
        block_len(size_of::<Self>()) + self.filename.heap_len() + self.error_message.heap_len()
    }
}
