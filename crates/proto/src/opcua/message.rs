//! Chunks (OPC 10000-6 §6.7, §7.1) and the binary encoding of what is read in them (§5.2).

use super::names::{self, Kind};
use crate::frames::Head;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Length of a chunk's header.
pub const HEADER_LEN: usize = 8;
/// Longest chunk believed: servers allow 64 KiB as a rule.
const MAX_CHUNK_LEN: u32 = 1 << 24;
/// Nodes listed of one request.
pub const MAX_NODES: usize = 8;
/// Longest text kept.
pub const MAX_TEXT_LEN: usize = 512;
/// Elements of arrays passed over.
const MAX_ELEMENTS: u32 = 64;
/// Namespace of the policies.
const POLICY_PREFIX: &[u8] = b"http://opcfoundation.org/UA/SecurityPolicy#";

/// Kinds of chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    Hello,
    ReverseHello,
    Acknowledge,
    Error,
    Open,
    Message,
    Close,
}

impl Chunk {
    /// By the first three bytes.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Some(match bytes.get(..3)? {
            b"HEL" => Self::Hello,
            b"RHE" => Self::ReverseHello,
            b"ACK" => Self::Acknowledge,
            b"ERR" => Self::Error,
            b"OPN" => Self::Open,
            b"MSG" => Self::Message,
            b"CLO" => Self::Close,
            _ => return None,
        })
    }
}

/// How long is the chunk that begins with `bytes`?
pub fn extent(bytes: &[u8]) -> Head {
    // Nearly all streams of other protocols end here.
    if !matches!(bytes.first(), None | Some(b'A' | b'C' | b'E' | b'H' | b'M' | b'O' | b'R')) {
        return Head::Bad;
    }
    let Some(&[_, _, _, part, l0, l1, l2, l3]) = bytes.first_chunk::<HEADER_LEN>() else {
        const KINDS: [&[u8]; 7] = [b"HEL", b"RHE", b"ACK", b"ERR", b"OPN", b"MSG", b"CLO"];
        let head = bytes.get(..3).unwrap_or(bytes);
        let begins = KINDS.iter().any(|k| k.starts_with(head));
        return if begins { Head::More } else { Head::Bad };
    };
    let len = u32::from_le_bytes([l0, l1, l2, l3]);
    let known = Chunk::of(bytes).is_some() && matches!(part, b'F' | b'C' | b'A');
    match usize::try_from(len) {
        Ok(len) if known && len >= HEADER_LEN && len <= MAX_CHUNK_LEN as usize => Head::whole(len),
        _ => Head::Bad,
    }
}

/// A text or bytes behind their length; -1 is none.
fn bytes<'a>(r: &mut Reader<'a>) -> ParseResult<Option<&'a [u8]>> {
    let len = r.u32_le(&"length")?;
    if len == u32::MAX {
        return Ok(None);
    }
    let len = usize::try_from(len).map_err(|_| ParseError::over_limit(&"length"))?;
    r.take(&"text", len).map(Some)
}

/// A text to keep.
fn text(r: &mut Reader<'_>) -> ParseResult<Option<Vec<u8>>> {
    Ok(bytes(r)?.map(|b| b.get(..MAX_TEXT_LEN).unwrap_or(b).to_vec()))
}

/// A node's id as it is written (§5.3.1.10), with its numeric identifier if it is of namespace 0.
fn node(r: &mut Reader<'_>) -> ParseResult<(String, Option<u16>)> {
    let encoding = r.u8(&"node encoding")?;
    let id = match encoding & 0x3f {
        0 => {
            let id = u16::from(r.u8(&"node id")?);
            (format!("i={id}"), Some(id))
        }
        1 => {
            let namespace = r.u8(&"namespace")?;
            let id = r.u16_le(&"node id")?;
            if namespace == 0 { (format!("i={id}"), Some(id)) } else { (format!("ns={namespace};i={id}"), None) }
        }
        kind @ 2..=5 => {
            let namespace = r.u16_le(&"namespace")?;
            let prefix = if namespace == 0 { String::new() } else { format!("ns={namespace};") };
            let id = match kind {
                2 => format!("i={}", r.u32_le(&"node id")?),
                3 => format!("s={}", String::from_utf8_lossy(&text(r)?.unwrap_or_default())),
                4 => {
                    let guid: [u8; 16] = r.array(&"node id")?;
                    format!("g={}", guid.map(|b| format!("{b:02x}")).concat())
                }
                _ => format!("b=({} bytes)", bytes(r)?.map_or(0, <[u8]>::len)),
            };
            (prefix + &id, None)
        }
        _ => return Err(ParseError::bad(&"node encoding")),
    };
    if encoding & 0x80 != 0 {
        bytes(r)?;
    }
    if encoding & 0x40 != 0 {
        r.skip(&"server index", 4)?;
    }
    Ok(id)
}

/// Passes over an object of any type.
fn extension(r: &mut Reader<'_>) -> ParseResult<()> {
    node(r)?;
    if r.u8(&"encoding")? != 0 {
        bytes(r)?;
    }
    Ok(())
}

/// Passes over texts.
fn texts(r: &mut Reader<'_>) -> ParseResult<()> {
    let count = r.u32_le(&"count")?;
    if count == u32::MAX {
        return Ok(());
    }
    if count > MAX_ELEMENTS {
        return Err(ParseError::over_limit(&"texts"));
    }
    (0..count).try_for_each(|_| bytes(r).map(|_| ()))
}

/// A greeting (§7.1.2.3, §7.1.2.6): URL of the server.
pub fn hello(chunk: Chunk, r: &mut Reader<'_>) -> ParseResult<Option<Vec<u8>>> {
    if chunk == Chunk::Hello {
        r.skip(&"version and sizes", 20)?;
    } else {
        bytes(r)?;
    }
    text(r)
}

/// An error (§7.1.2.5): code and reason.
pub fn error(r: &mut Reader<'_>) -> ParseResult<(u32, Option<Vec<u8>>)> {
    Ok((r.u32_le(&"error")?, text(r)?))
}

/// Security of a channel, from the header of the messages that open it (§6.7.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    pub policy: Vec<u8>,
    pub certificate: bool,
}

impl Security {
    /// Are messages of the channel neither signed nor encrypted?
    pub fn is_none(&self) -> bool {
        self.policy == b"None"
    }
}

/// The channel's id and security; the reader then stands at the sequence header.
pub fn open(r: &mut Reader<'_>) -> ParseResult<(u32, Security)> {
    let channel = r.u32_le(&"channel id")?;
    let uri = text(r)?.unwrap_or_default();
    let policy = uri.strip_prefix(POLICY_PREFIX).unwrap_or(&uri).to_vec();
    let certificate = bytes(r)?.is_some_and(|c| !c.is_empty());
    bytes(r)?;
    Ok((channel, Security { policy, certificate }))
}

/// The channel's id in other messages; the reader then stands at the sequence header.
pub fn symmetric(r: &mut Reader<'_>) -> ParseResult<u32> {
    let channel = r.u32_le(&"channel id")?;
    r.skip(&"token id", 4)?;
    Ok(channel)
}

/// The request id behind the sequence number.
pub fn request_id(r: &mut Reader<'_>) -> ParseResult<u32> {
    r.skip(&"sequence number", 4)?;
    r.u32_le(&"request id")
}

/// What is read of a request or a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    pub endpoint: Option<Vec<u8>>,
    pub application: Option<Vec<u8>>,
    pub session: Option<Vec<u8>>,
    pub identity: Option<&'static str>,
    pub user: Option<Vec<u8>>,
    pub count: Option<u32>,
    pub nodes: Vec<String>,
    pub mode: Option<&'static str>,
    pub status: Option<u32>,
}

/// The type of a message in clear, if it is one.
pub fn kind(r: &mut Reader<'_>) -> Option<Kind> {
    let (_, id) = node(r).ok()?;
    names::kind(id?)
}

/// What a request says behind its type (OPC 10000-4 §5, fields in their order).
pub fn request(id: u16, r: &mut Reader<'_>) -> Detail {
    let mut d = Detail::default();
    // What could be read before something odd stays.
    let _ = request_header(r).and_then(|()| parameters(id, r, &mut d));
    d
}

fn request_header(r: &mut Reader<'_>) -> ParseResult<()> {
    node(r)?;
    r.skip(&"time, handle and diagnostics", 16)?;
    bytes(r)?;
    r.skip(&"timeout", 4)?;
    extension(r)
}

fn parameters(id: u16, r: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    match id {
        names::OPEN_CHANNEL => {
            r.skip(&"version and kind", 8)?;
            d.mode = match r.u32_le(&"security mode")? {
                1 => Some("None"),
                2 => Some("Sign"),
                3 => Some("SignAndEncrypt"),
                _ => None,
            };
        }
        names::GET_ENDPOINTS => d.endpoint = text(r)?,
        names::CREATE_SESSION => create_session(r, d)?,
        names::ACTIVATE_SESSION => activate_session(r, d)?,
        names::READ => {
            r.skip(&"age and timestamps", 12)?;
            d.count = Some(r.u32_le(&"count")?);
            for _ in 0..d.count.map_or(0, |n| n as usize).min(MAX_NODES) {
                d.nodes.push(node(r)?.0);
                r.skip(&"attribute", 4)?;
                bytes(r)?;
                r.skip(&"encoding's namespace", 2)?;
                bytes(r)?;
            }
        }
        names::WRITE => {
            d.count = Some(r.u32_le(&"count")?);
            d.nodes.push(node(r)?.0);
        }
        names::CALL => {
            d.count = Some(r.u32_le(&"count")?);
            d.nodes.push(node(r)?.0);
            d.nodes.push(node(r)?.0);
        }
        names::BROWSE => {
            node(r)?;
            r.skip(&"view and limit", 16)?;
            d.count = Some(r.u32_le(&"count")?);
            for _ in 0..d.count.map_or(0, |n| n as usize).min(MAX_NODES) {
                d.nodes.push(node(r)?.0);
                r.skip(&"direction", 4)?;
                node(r)?;
                r.skip(&"subtypes and masks", 9)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Who opens a session (§5.7.2).
fn create_session(r: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    d.application = text(r)?;
    bytes(r)?;
    let parts = r.u8(&"parts of the name")?;
    for part in [1, 2] {
        if parts & part != 0 {
            bytes(r)?;
        }
    }
    r.skip(&"application type", 4)?;
    bytes(r)?;
    bytes(r)?;
    texts(r)?;
    bytes(r)?;
    d.endpoint = text(r)?;
    d.session = text(r)?;
    Ok(())
}

/// Identity tokens (§7.41; ids of their binary encodings).
mod token {
    pub const ANONYMOUS: u16 = 321;
    pub const USER_NAME: u16 = 324;
    pub const CERTIFICATE: u16 = 327;
    pub const ISSUED: u16 = 940;
}

/// Who the user of a session is (§5.7.3); passwords are passed over.
fn activate_session(r: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    bytes(r)?;
    bytes(r)?;
    let certificates = r.u32_le(&"certificate count")?;
    if !matches!(certificates, 0 | u32::MAX) {
        return Err(ParseError::bad(&"software certificates"));
    }
    texts(r)?;
    let (_, kind) = node(r)?;
    d.identity = match kind {
        Some(token::ANONYMOUS) => Some("Anonymous"),
        Some(token::USER_NAME) => Some("UserName"),
        Some(token::CERTIFICATE) => Some("Certificate"),
        Some(token::ISSUED) => Some("Issued"),
        _ => None,
    };
    if r.u8(&"encoding")? == 1 {
        let mut body = Reader::new(bytes(r)?.unwrap_or(&[]));
        bytes(&mut body)?;
        if kind == Some(token::USER_NAME) {
            d.user = text(&mut body)?;
        }
    }
    Ok(())
}

/// The status in a response's header.
pub fn response(r: &mut Reader<'_>) -> ParseResult<u32> {
    r.skip(&"time and handle", 12)?;
    r.u32_le(&"status")
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A text behind its length.
    pub fn string(text: &str) -> Vec<u8> {
        [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
    }

    /// A chunk.
    pub fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&kind[..], &((body.len() + HEADER_LEN) as u32).to_le_bytes(), body].concat()
    }

    /// No text.
    pub const NONE: [u8; 4] = [0xff; 4];

    /// A request's header with an empty token.
    pub fn asking() -> Vec<u8> {
        [&[0, 0][..], &[0; 16], &NONE, &[0; 4], &[0, 0, 0]].concat()
    }

    #[test]
    fn parses_extents() {
        assert_eq!(extent(&chunk(b"HELF", &[0; 24])), Head::whole(32));
        assert_eq!(extent(b"MS"), Head::More);
        assert_eq!(extent(b"MSGX\x20\0\0\0"), Head::Bad);
        assert_eq!(extent(b"GET "), Head::Bad);
        assert_eq!(extent(b"HELF\x07\0\0\0"), Head::Bad);
    }

    #[test]
    fn parses_nodes() {
        let id = |bytes: &[u8]| node(&mut Reader::new(bytes)).unwrap();
        assert_eq!(id(&[0, 85]), ("i=85".to_owned(), Some(85)));
        assert_eq!(id(&[1, 0, 0x77, 2]), ("i=631".to_owned(), Some(631)));
        assert_eq!(id(&[1, 2, 7, 0]).0, "ns=2;i=7");
        assert_eq!(id(&[&[3, 4, 0][..], &string("Pump")].concat()).0, "ns=4;s=Pump");
        assert!(node(&mut Reader::new(&[9, 0])).is_err());
    }

    #[test]
    fn parses_sessions() {
        let body = [
            asking(),
            string("urn:client"),
            NONE.to_vec(),
            vec![3],
            string("en"),
            string("Client"),
            vec![1, 0, 0, 0],
            [NONE, NONE, [0; 4], NONE].concat(),
            string("opc.tcp://plc:4840"),
            string("session 1"),
        ];
        let d = request(names::CREATE_SESSION, &mut Reader::new(&body.concat()));
        assert_eq!(d.application.as_deref(), Some(b"urn:client".as_slice()));
        assert_eq!(d.endpoint.as_deref(), Some(b"opc.tcp://plc:4840".as_slice()));
        assert_eq!(d.session.as_deref(), Some(b"session 1".as_slice()));
        let token = [string("policy"), string("operator"), string("secret")].concat();
        let body =
            [asking(), [NONE; 4].concat(), vec![1, 0, 0x44, 1, 1], (token.len() as u32).to_le_bytes().to_vec(), token];
        let d = request(names::ACTIVATE_SESSION, &mut Reader::new(&body.concat()));
        assert_eq!((d.identity, d.user.as_deref()), (Some("UserName"), Some(b"operator".as_slice())));
    }

    #[test]
    fn rejects_short_messages() {
        assert_eq!(request(names::READ, &mut Reader::new(&asking())), Detail::default());
        assert!(response(&mut Reader::new(&[0; 15])).is_err());
        assert!(hello(Chunk::Hello, &mut Reader::new(&[0; 22])).is_err());
    }

    #[test]
    fn limits_nodes() {
        let one = [&[0, 85, 13, 0, 0, 0][..], &NONE, &[0, 0], &NONE].concat();
        let body = [asking(), vec![0; 12], vec![100, 0, 0, 0], one.repeat(100)].concat();
        let d = request(names::READ, &mut Reader::new(&body));
        assert_eq!((d.count, d.nodes.len()), (Some(100), MAX_NODES));
    }
}
