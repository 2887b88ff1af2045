use sekisho_record::{EnumName, Head, Record, Tail, Text};
use sekisho_types::{Timestamp, Uid};

/// One share that a client mapped.
#[derive(Clone, Debug, Record)]
#[record(log = "smb_mapping")]
pub struct SmbMappingRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Path of the share as the client named it.
    pub path: Option<Text>,
    /// Kind of service by SMB 1: `A:`, `LPT1:`, `IPC`, `COMM`.
    pub service: Option<Text>,
    /// File system of the share by SMB 1.
    pub native_file_system: Option<Text>,
    /// Kind of share: `DISK`, `PIPE` or `PRINT`.
    pub share_type: Text,
    /// Dialect that was agreed on, e.g. `3.1.1`, or `1` for all of SMB 1.
    #[record(ext)]
    pub dialect: Option<&'static str>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

/// Something done to a file on a share.
#[derive(Clone, Debug, Record)]
#[record(log = "smb_files")]
pub struct SmbFilesRecord {
    /// Time of the request with which the file was opened, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The content's row in `files`, if any of it passed.
    pub fuid: Option<Uid>,
    /// What was done: `SMB::FILE_OPEN`, `SMB::FILE_RENAME`, `SMB::FILE_DELETE`, `SMB::PRINT_OPEN`, `SMB::PRINT_CLOSE`.
    pub action: Option<EnumName>,
    /// Path of the share.
    pub path: Option<Text>,
    /// Name of the file within the share; `<share_root>` for none.
    pub name: Option<Text>,
    /// Size of the file when it was opened.
    pub size: u64,
    /// Name before it was renamed.
    pub prev_name: Option<Text>,
    /// Time of the last write to the content.
    #[record(name = "times.modified")]
    pub modified: Option<Timestamp>,
    /// Time of the last access.
    #[record(name = "times.accessed")]
    pub accessed: Option<Timestamp>,
    /// Time of creation.
    #[record(name = "times.created")]
    pub created: Option<Timestamp>,
    /// Time of the last change, also of attributes.
    #[record(name = "times.changed")]
    pub changed: Option<Timestamp>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

/// A server that chose SMB 1 although the client had offered version 2; only detectors want it.
#[derive(Clone, Debug, Record)]
#[record(log = "smb_downgrade")]
pub struct SmbDowngradeRecord {
    /// Time of the server's choice, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Number of the packet that brought it.
    pub packet: u64,
}
