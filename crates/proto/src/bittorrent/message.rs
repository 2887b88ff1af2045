//! How BitTorrent's protocols begin: peers (BEP 3), the distributed table (BEP 5), uTP (BEP 29), local discovery (BEP 14),
//! UDP trackers (BEP 15).

use sekisho_wire::Reader;

/// What a peer's connection begins with.
pub const PEER_PROTOCOL: &[u8] = b"\x13BitTorrent protocol";
/// Bytes of a peer's handshake: protocol, flags, torrent, peer.
pub const PEER_LEN: usize = 68;
/// Bytes of a torrent's or a peer's id.
pub const ID_LEN: usize = 20;
/// Bytes of uTP's header.
const UTP_LEN: usize = 20;
/// uTP extensions that are followed.
const MAX_EXTENSIONS: usize = 8;
/// What a request to a UDP tracker begins with.
const TRACKER_MAGIC: [u8; 8] = 0x0417_2710_1980_u64.to_be_bytes();

/// Who speaks, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The distributed table; what is asked for, if it is a question.
    Dht(Option<&'static str>),
    /// Discovery in the local network.
    Local,
    /// A tracker is asked.
    Tracker,
    /// A stream over datagrams.
    Utp,
}

impl Kind {
    /// For the row.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dht(_) => "dht",
            Self::Local => "local-discovery",
            Self::Tracker => "tracker",
            Self::Utp => "utp",
        }
    }
}

/// What a datagram that can hardly be anything else is.
pub fn datagram(bytes: &[u8]) -> Option<Kind> {
    match bytes {
        [b'd', b'1' | b'2', b':', ..] => is_dht(bytes).then(|| Kind::Dht(query(bytes))),
        [b'B', b'T', b'-', ..] => bytes.starts_with(b"BT-SEARCH * HTTP/1.1\r\n").then_some(Kind::Local),
        _ if bytes.starts_with(&TRACKER_MAGIC) && bytes.get(8..12) == Some(&[0; 4]) && bytes.len() == 16 => {
            Some(Kind::Tracker)
        }
        _ => None,
    }
}

/// A dictionary with a transaction and a type at its end, and an id, an error, or an address in it.
fn is_dht(bytes: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 6] = [b"d1:ad2:id20:", b"d1:rd2:id20:", b"d1:eli", b"d2:ip", b"d1:ad", b"d1:rd"];
    let ending = bytes.get(bytes.len().saturating_sub(64)..).unwrap_or(bytes);
    BEGINNINGS.iter().any(|b| bytes.starts_with(b))
        && bytes.ends_with(b"e")
        && [b"1:y1:q".as_slice(), b"1:y1:r", b"1:y1:e"].iter().any(|y| memchr::memmem::find(ending, y).is_some())
}

fn query(bytes: &[u8]) -> Option<&'static str> {
    const QUERIES: [(&[u8], &str); 5] = [
        (b"1:q4:ping", "ping"),
        (b"1:q9:find_node", "find_node"),
        (b"1:q9:get_peers", "get_peers"),
        (b"1:q13:announce_peer", "announce_peer"),
        (b"1:q17:sample_infohashes", "sample_infohashes"),
    ];
    QUERIES.iter().find(|(text, _)| memchr::memmem::find(bytes, text).is_some()).map(|(_, name)| *name)
}

/// The torrent that a message of the distributed table asks for.
pub fn info_hash(bytes: &[u8]) -> Option<[u8; ID_LEN]> {
    const KEY: &[u8] = b"9:info_hash20:";
    let at = memchr::memmem::find(bytes, KEY)? + KEY.len();
    bytes.get(at..)?.first_chunk().copied()
}

/// Fields of a uTP header that tell whether another datagram belongs to the same stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utp {
    /// 0 data, 1 end, 2 state, 3 reset, 4 beginning.
    pub kind: u8,
    pub connection: u16,
    pub seq: u16,
    pub ack: u16,
}

/// A datagram whose header is uTP's in every detail; not many others look like this.
pub fn utp(bytes: &[u8]) -> Option<Utp> {
    let mut r = Reader::new(bytes);
    let first = r.u8(&"utp").ok()?;
    let mut extension = r.u8(&"utp").ok()?;
    if first & 15 != 1 || first >> 4 > 4 || extension > 3 || bytes.len() < UTP_LEN {
        return None;
    }
    let connection = r.u16(&"utp").ok()?;
    r.skip(&"utp", 12).ok()?;
    let (seq, ack) = (r.u16(&"utp").ok()?, r.u16(&"utp").ok()?);
    for _ in 0..MAX_EXTENSIONS {
        if extension == 0 {
            break;
        }
        extension = r.u8(&"utp extension").ok()?;
        if r.block8(&"utp extension").ok()?.left() % 4 != 0 {
            return None;
        }
    }
    (extension == 0).then_some(Utp { kind: first >> 4, connection, seq, ack })
}
