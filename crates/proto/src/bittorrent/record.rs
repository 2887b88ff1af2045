use sekisho_record::{Digest, EnumName, Head, Record, Set, Tail, Text};

/// What a flow is to BitTorrent: a connection between peers, the distributed table, a stream over datagrams.
#[derive(Clone, Debug, Record)]
#[record(log = "bittorrent")]
pub struct BittorrentRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// `peer`, `dht`, `utp`, `tracker` or `local-discovery`.
    pub kind: EnumName,
    /// Torrents by their SHA-1, the first few.
    pub info_hashes: Set<Digest<20>>,
    /// The originator's id; its beginning names the program.
    pub orig_peer: Option<Text>,
    /// The responder's id.
    pub resp_peer: Option<Text>,
    /// Questions to the distributed table.
    pub queries: Set<&'static str>,
    /// Messages understood.
    pub messages: u64,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}
