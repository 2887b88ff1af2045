use sekisho_record::{Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::Heap;

/// A remote procedure call of ONC RPC with its reply: portmapper, mount, NFS and others. Calls that move bulk or only
/// look (NFS's READ, WRITE and the like) share one row per flow and procedure, and of READ and WRITE per file, written at the flow's end.
#[derive(Clone, Debug, Record)]
#[record(log = "rpc")]
pub struct RpcRecord {
    /// Time of the call, of shared rows that of the first; flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Number that pairs call and reply.
    pub xid: u64,
    /// Number of the program.
    pub program_number: u64,
    /// Its name, if it is a usual one.
    pub program: Option<&'static str>,
    /// Version of the program.
    pub version: u64,
    /// Number of the procedure.
    pub procedure_number: u64,
    /// Its name, if it is a usual one.
    pub procedure: Option<&'static str>,
    /// Name of the machine that the caller says to be (AUTH_SYS).
    pub machine: Option<Text>,
    /// User id that the caller says to have.
    pub user_id: Option<u64>,
    /// Group id that the caller says to have.
    pub group_id: Option<u64>,
    /// What the call names: a path, a file's name, a program.
    pub argument: Option<Text>,
    /// NFS: path of the file below what was mounted, as far as handles were seen to get their names.
    pub path: Option<Text>,
    /// NFS 4: operations of the compound, as far as they can be told.
    pub operations: UnsetIfEmpty<&'static str>,
    /// How the call went: `SUCCESS`, or why RPC refused it.
    pub status: Option<&'static str>,
    /// What the program answered: NFS's and mount's status.
    pub result: Option<Text>,
    /// Port that the portmapper told.
    pub port: Option<u64>,
    /// Calls that share this row.
    pub calls: u64,
    /// Bytes of the calls.
    pub call_len: u64,
    /// Bytes of the replies.
    pub reply_len: u64,
    /// NFS: bytes of content read or written.
    pub data_len: Option<u64>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl Heap for RpcRecord {
    fn heap_len(&self) -> usize {
        let texts = [&self.machine, &self.argument, &self.path, &self.result];
        texts.iter().map(|t| t.heap_len()).sum::<usize>() + sekisho_types::list_len(&self.operations.0)
    }
}
