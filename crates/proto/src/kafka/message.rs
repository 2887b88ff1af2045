//! Pure parsing of requests and responses.

use super::api::{self, key};
use crate::frames::Head;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Length of a message's length.
pub(super) const LEN_LEN: usize = 4;
/// Longest message believed: the broker's own default limit.
pub(super) const MAX_MESSAGE_LEN: u32 = 100 << 20;
/// Partitions of a topic that are passed over to reach the next.
const MAX_PARTITIONS: u64 = 1024;

/// Length of the message at the start of `bytes`, of which `keep` are wanted.
pub(super) fn head(bytes: &[u8], keep: usize) -> Head {
    match bytes.first_chunk().map(|b| u32::from_be_bytes(*b)) {
        None => Head::More,
        Some(len @ LEAST_LEN..=MAX_MESSAGE_LEN) => Head::Message { len: u64::from(len) + LEN_LEN as u64, keep },
        Some(_) => Head::Bad,
    }
}

/// A response is its number, at least.
const LEAST_LEN: u32 = 4;

/// What stands before every request, without its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub key: u16,
    pub version: u16,
    pub correlation_id: u32,
    pub client_id: Option<&'a [u8]>,
    body: Body<'a>,
}

/// The body, and its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Body<'a> {
    bytes: &'a [u8],
    flexible: bool,
}

/// Reads the values of either encoding.
struct Fields<'a> {
    r: Reader<'a>,
    flexible: bool,
}

impl<'a> Fields<'a> {
    /// An unsigned number of seven bits a byte.
    fn varint(&mut self) -> ParseResult<u64> {
        let mut value = 0;
        for i in 0..5 {
            let byte = self.r.u8(&"number")?;
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ParseError::bad(&"number"))
    }

    /// Length of a text, bytes or a list; `None` for none at all.
    fn length(&mut self, wide: bool) -> ParseResult<Option<u64>> {
        if self.flexible {
            return Ok(self.varint()?.checked_sub(1));
        }
        let len = if wide {
            i64::from(self.r.u32(&"length")?.cast_signed())
        } else {
            i64::from(self.r.u16(&"length")?.cast_signed())
        };
        Ok(u64::try_from(len).ok())
    }

    fn text(&mut self) -> ParseResult<Option<&'a [u8]>> {
        let Some(len) = self.length(false)? else { return Ok(None) };
        self.r.take(&"text", usize::try_from(len).unwrap_or(usize::MAX)).map(Some)
    }

    fn bytes(&mut self) -> ParseResult<&'a [u8]> {
        let len = self.length(true)?.unwrap_or(0);
        let wanted = usize::try_from(len).unwrap_or(usize::MAX);
        // Of what is cut off the start counts.
        self.r.take(&"bytes", wanted.min(self.r.left()))
    }

    fn count(&mut self) -> ParseResult<u64> {
        self.length(true).map(|n| n.unwrap_or(0))
    }

    /// Tagged fields.
    fn tags(&mut self) -> ParseResult<()> {
        if self.flexible {
            for _ in 0..self.varint()?.min(16) {
                self.varint()?;
                let len = self.varint()?;
                self.r.skip(&"tag", usize::try_from(len).unwrap_or(usize::MAX))?;
            }
        }
        Ok(())
    }

    fn skip(&mut self, len: usize) -> ParseResult<()> {
        self.r.skip(&"field", len)
    }
}

impl<'a> Request<'a> {
    /// `bytes` is what follows the length, and may be cut off.
    pub fn parse(bytes: &'a [u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let (key, version) = (r.u16(&"api key")?, r.u16(&"api version")?);
        if key > api::MAX_KEY || version > api::MAX_VERSION {
            return Err(ParseError::bad(&"kafka_unknown_api"));
        }
        let correlation_id = r.u32(&"correlation id")?;
        // A name of the old encoding in either.
        let mut fields = Fields { r, flexible: false };
        let client_id = fields.text()?;
        fields.flexible = api::is_flexible(key, version);
        fields.tags()?;
        let body = Body { bytes: fields.r.rest(), flexible: fields.flexible };
        Ok(Self { key, version, correlation_id, client_id, body })
    }

    fn fields(&self) -> Fields<'a> {
        Fields { r: Reader::new(self.body.bytes), flexible: self.body.flexible }
    }

    /// A producer that wants no response.
    pub fn is_unanswered(&self) -> bool {
        let mut f = self.fields();
        self.key == key::PRODUCE && self.producer(&mut f).is_ok_and(|acks| acks == 0)
    }

    /// How many copies a producer waits for; up to its topics.
    fn producer(&self, f: &mut Fields<'a>) -> ParseResult<u16> {
        if self.version >= 3 {
            f.text()?;
        }
        let acks = f.r.u16(&"acks")?;
        f.skip(4)?;
        Ok(acks)
    }

    /// The topics, up to `max` and as far as the start of the request goes.
    pub fn topics(&self, max: usize) -> Vec<&'a [u8]> {
        let mut topics = Vec::new();
        let _ = self.read_topics(max, &mut topics);
        topics
    }

    fn read_topics(&self, max: usize, topics: &mut Vec<&'a [u8]>) -> ParseResult<()> {
        let (mut f, version) = (self.fields(), self.version);
        match self.key {
            key::PRODUCE if version < 13 => drop(self.producer(&mut f)?),
            key::FETCH if version < 13 => {
                let fixed = 12 + if version >= 3 { 4 } else { 0 } + usize::from(version >= 4);
                f.skip(fixed + if version >= 7 { 8 } else { 0 })?;
            }
            key::LIST_OFFSETS => f.skip(4 + usize::from(version >= 2))?,
            key::METADATA | key::CREATE_TOPICS | key::DELETE_TOPICS => {}
            key::OFFSET_COMMIT if version < 2 => drop((
                f.text()?,
                if version == 1 {
                    f.skip(4).and_then(|()| f.text().map(drop))?
                },
            )),
            _ => return Ok(()),
        }
        for _ in 0..f.count()? {
            if topics.len() >= max {
                break;
            }
            if self.key == key::METADATA && version >= 10 {
                f.skip(16)?;
            }
            topics.extend(f.text()?);
            self.after_topic(&mut f)?;
        }
        Ok(())
    }

    /// Passes over what is told of a topic; `Err` where the way to the next is not known.
    fn after_topic(&self, f: &mut Fields<'a>) -> ParseResult<()> {
        let version = self.version;
        let partition_len = match self.key {
            key::METADATA => return f.tags(),
            key::DELETE_TOPICS if version >= 6 => return f.skip(16).and_then(|()| f.tags()),
            key::DELETE_TOPICS => return Ok(()),
            key::PRODUCE => None,
            key::FETCH => {
                let epochs = [9, 12].iter().filter(|v| version >= **v).count() * 4;
                Some(16 + epochs + if version >= 5 { 8 } else { 0 })
            }
            key::LIST_OFFSETS => Some(12 + if version == 0 || version >= 4 { 4 } else { 0 }),
            _ => return Err(ParseError::missing(&"next topic")),
        };
        for _ in 0..f.count()?.min(MAX_PARTITIONS) {
            match partition_len {
                Some(len) => f.skip(len)?,
                None => {
                    f.skip(4)?;
                    let len = f.length(true)?.unwrap_or(0);
                    f.skip(usize::try_from(len).unwrap_or(usize::MAX))?;
                }
            }
            f.tags()?;
        }
        f.tags()
    }

    /// The group of consumers.
    pub fn group(&self) -> Option<&'a [u8]> {
        let mut f = self.fields();
        match (self.key, self.version) {
            (key::OFFSET_COMMIT | key::JOIN_GROUP | key::HEARTBEAT | key::LEAVE_GROUP | key::SYNC_GROUP, _)
            | (key::OFFSET_FETCH, 0..=7)
            | (key::FIND_COORDINATOR, 0..=3) => f.text().ok().flatten(),
            _ => None,
        }
    }

    /// Mechanism of a login.
    pub fn mechanism(&self) -> Option<&'a [u8]> {
        if self.key == key::SASL_HANDSHAKE { self.fields().text().ok().flatten() } else { None }
    }

    /// What a login sends.
    pub fn credentials(&self) -> Option<&'a [u8]> {
        if self.key == key::SASL_AUTHENTICATE { self.fields().bytes().ok() } else { None }
    }
}

/// User in the first message of PLAIN (RFC 4616) or SCRAM (RFC 5802 §5).
pub(super) fn user(credentials: &[u8]) -> Option<&[u8]> {
    if credentials.starts_with(b"n,") || credentials.starts_with(b"y,") || credentials.starts_with(b"p=") {
        let at = memchr::memmem::find(credentials, b",n=")?;
        return credentials.get(at + 3..)?.split(|b| *b == b',').next().filter(|u| !u.is_empty());
    }
    let mut parts = credentials.split(|b| *b == 0);
    parts.next()?;
    parts.next().filter(|u| !u.is_empty() && parts.next().is_some())
}

/// Number of a response.
pub(super) fn response_id(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|b| u32::from_be_bytes(*b))
}

/// The error of a response to version `version` of `api`: `None` where it does not stand at the beginning.
pub(super) fn response_error(api: u16, version: u16, bytes: &[u8]) -> Option<i16> {
    let flexible = api::is_flexible(api, version);
    let mut f = Fields { r: Reader::new(bytes.get(4..)?), flexible };
    // The response to ApiVersions keeps the old head, so that everybody understands it.
    if api != key::API_VERSIONS {
        f.tags().ok()?;
    }
    let throttle_len = match (api, version) {
        (key::API_VERSIONS | key::SASL_HANDSHAKE | key::SASL_AUTHENTICATE, _) => 0,
        (key::HEARTBEAT | key::LEAVE_GROUP | key::SYNC_GROUP | key::FIND_COORDINATOR, 0) => 0,
        (key::FIND_COORDINATOR, 4..) => return None,
        (key::JOIN_GROUP, 0 | 1) => 0,
        (key::FETCH, 0..=6) => return None,
        (key::HEARTBEAT | key::LEAVE_GROUP | key::SYNC_GROUP | key::FIND_COORDINATOR | key::JOIN_GROUP, _) => 4,
        (key::FETCH | key::INIT_PRODUCER_ID, _) => 4,
        (key::PRODUCE, 0..=12) => return first_partition_error(&mut f).ok(),
        _ => return None,
    };
    f.skip(throttle_len).ok()?;
    f.r.u16(&"error").ok().map(u16::cast_signed)
}

/// Of a producer's response the first partition's error.
fn first_partition_error(f: &mut Fields<'_>) -> ParseResult<i16> {
    if f.count()? == 0 {
        return Ok(0);
    }
    f.text()?;
    f.count()?;
    f.skip(4)?;
    f.r.u16(&"error").map(u16::cast_signed)
}
