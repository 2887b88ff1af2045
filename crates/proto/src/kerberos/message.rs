//! Pure parsing of messages (RFC 4120 §5), borrowed.

use crate::ber::{Ber, Header, generalized_time, integer, tag};
use sekisho_record::Text;
use sekisho_types::Timestamp;
use sekisho_wire::{ParseError, ParseResult};
use smallvec::SmallVec;

/// Encryption types, pre-authentications, or parts of a name that are looked at.
pub(crate) const MAX_LIST_COUNT: usize = 32;
/// Bytes kept of a name or a text.
pub(crate) const MAX_TEXT_LEN: usize = 1024;

/// Application tags (RFC 4120 §5.10).
mod app {
    pub const TICKET: u8 = 1;
    pub const AS_REQ: u8 = 10;
    pub const AS_REP: u8 = 11;
    pub const TGS_REQ: u8 = 12;
    pub const TGS_REP: u8 = 13;
    pub const AP_REQ: u8 = 14;
    pub const AP_REP: u8 = 15;
    pub const SAFE: u8 = 20;
    pub const PRIV: u8 = 21;
    pub const CRED: u8 = 22;
    pub const ERROR: u8 = 30;
}

/// Kinds of pre-authentication that are looked into (RFC 4120 §7.5.2, RFC 4556 §3.1.3).
mod pa {
    pub const TGS_REQ: i64 = 1;
    pub const PK_AS_REQ: i64 = 16;
    pub const PK_AS_REP: i64 = 17;
}

/// A message.
#[derive(Clone, Debug)]
pub(crate) enum Message<'a> {
    ApRequest(Ticket<'a>),
    Error(KrbError<'a>),
    /// A ticket shown is answered, or protected data follows.
    Other,
    Reply(KdcReply<'a>),
    Request(Box<KdcRequest<'a>>),
}

/// A principal's name: parts in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name<'a>(SmallVec<[&'a [u8]; 3]>);

impl<'a> Name<'a> {
    /// The parts.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().copied()
    }

    /// The parts with slashes between them; as in Zeek `unknown` without any.
    pub(crate) fn text(&self) -> Text {
        let mut text = Vec::new();
        for (i, part) in self.0.iter().enumerate() {
            if i > 0 {
                text.push(b'/');
            }
            text.extend_from_slice(part);
        }
        text.truncate(MAX_TEXT_LEN);
        if self.0.is_empty() { "unknown".into() } else { text.into() }
    }
}

/// Encrypted data: by what, and the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encrypted<'a> {
    pub(crate) cipher: i64,
    pub(crate) cipher_text: &'a [u8],
}

/// A ticket.
#[derive(Clone, Debug)]
pub(crate) struct Ticket<'a> {
    pub(crate) service: Name<'a>,
    pub(crate) part: Encrypted<'a>,
}

/// AS-REQ or TGS-REQ.
#[derive(Clone, Debug, Default)]
pub(crate) struct KdcRequest<'a> {
    pub(crate) tgs: bool,
    pub(crate) options: Option<u32>,
    pub(crate) client: Option<Name<'a>>,
    pub(crate) realm: Option<&'a [u8]>,
    pub(crate) service: Option<Name<'a>>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) till: Option<Timestamp>,
    pub(crate) nonce: Option<i64>,
    pub(crate) ciphers: SmallVec<[i64; 8]>,
    pub(crate) preauth: SmallVec<[i64; 4]>,
    /// Of PKINIT.
    pub(crate) certificate: Option<&'a [u8]>,
    /// The ticket-granting ticket that a TGS-REQ shows.
    pub(crate) ticket: Option<Ticket<'a>>,
}

/// AS-REP or TGS-REP.
#[derive(Clone, Debug)]
pub(crate) struct KdcReply<'a> {
    pub(crate) realm: &'a [u8],
    pub(crate) client: Name<'a>,
    pub(crate) ticket: Ticket<'a>,
    pub(crate) part: Encrypted<'a>,
    pub(crate) certificate: Option<&'a [u8]>,
}

/// KRB-ERROR.
#[derive(Clone, Debug, Default)]
pub(crate) struct KrbError<'a> {
    pub(crate) code: i64,
    pub(crate) client_realm: Option<&'a [u8]>,
    pub(crate) client: Option<Name<'a>>,
    pub(crate) service: Option<Name<'a>>,
    pub(crate) text: Option<&'a [u8]>,
}

/// Does `bytes` begin a message? Its length; `None` if that is not there yet.
pub(crate) fn peek(bytes: &[u8]) -> ParseResult<Option<usize>> {
    let known =
        |t: u8| t & 0xe0 == 0x60 && matches!(t & 0x1f, app::AS_REQ..=app::AP_REP | app::SAFE..=app::CRED | app::ERROR);
    if bytes.first().is_some_and(|t| !known(*t)) {
        return Err(ParseError::bad(&"Kerberos message"));
    }
    Ok(Header::parse(bytes)?.map(|h| h.total_len()))
}

impl<'a> Message<'a> {
    /// The message that `bytes` begin with.
    pub(crate) fn parse(bytes: &'a [u8]) -> ParseResult<Self> {
        let mut all = Ber::new(bytes);
        let kind = all.peek().unwrap_or(0);
        let mut r = all.enter(&"Kerberos message", kind)?;
        if kind & 0xe0 != 0x60 {
            return Err(ParseError::bad(&"Kerberos message"));
        }
        let kind = kind & 0x1f;
        match kind {
            app::AS_REQ | app::TGS_REQ => request(&mut r, kind == app::TGS_REQ).map(|m| Message::Request(Box::new(m))),
            app::AS_REP | app::TGS_REP => reply(&mut r).map(Message::Reply),
            app::AP_REQ => ap_request(&mut r).map(Message::ApRequest),
            app::ERROR => error(&mut r).map(Message::Error),
            app::AP_REP | app::SAFE | app::PRIV | app::CRED => {
                version(&mut r.enter(&"message", tag::SEQUENCE)?, 0)?;
                Ok(Message::Other)
            }
            _ => Err(ParseError::bad(&"Kerberos message")),
        }
    }
}

/// Element `n` of a sequence, which holds one element.
fn field<'a>(r: &mut Ber<'a>, item: &'static &'static str, n: u8) -> ParseResult<Ber<'a>> {
    r.enter(item, tag::context(n))
}

/// Version and type of the message, from element `first` on.
fn version(r: &mut Ber<'_>, first: u8) -> ParseResult<()> {
    let version = field(r, &"version", first)?.integer(&"version")?;
    field(r, &"message type", first + 1)?.integer(&"message type")?;
    if version == 5 { Ok(()) } else { Err(ParseError::bad(&"version")) }
}

fn name<'a>(r: &mut Ber<'a>) -> ParseResult<Name<'a>> {
    let mut seq = r.enter(&"name", tag::SEQUENCE)?;
    field(&mut seq, &"name type", 0)?.integer(&"name type")?;
    let mut parts = field(&mut seq, &"name parts", 1)?.enter(&"name parts", tag::SEQUENCE)?;
    let mut name = Name::default();
    while !parts.is_empty() && name.0.len() < MAX_LIST_COUNT {
        name.0.push(parts.element(&"name part")?.content);
    }
    Ok(name)
}

fn text<'a>(r: &mut Ber<'a>) -> ParseResult<&'a [u8]> {
    let text = r.element(&"text")?.content;
    Ok(text.get(..MAX_TEXT_LEN).unwrap_or(text))
}

fn time(r: &mut Ber<'_>) -> ParseResult<Option<Timestamp>> {
    let secs = generalized_time(r.element(&"time")?.content);
    Ok(secs.map(|s| Timestamp::from_parts(s, 0)))
}

fn encrypted<'a>(r: &mut Ber<'a>) -> ParseResult<Encrypted<'a>> {
    let mut seq = r.enter(&"encrypted data", tag::SEQUENCE)?;
    let cipher = field(&mut seq, &"encryption type", 0)?.integer(&"encryption type")?;
    seq.optional(&"key version", tag::context(1))?;
    let cipher_text = field(&mut seq, &"cipher text", 2)?.expect(&"cipher text", tag::OCTET_STRING)?;
    Ok(Encrypted { cipher, cipher_text })
}

fn ticket<'a>(r: &mut Ber<'a>) -> ParseResult<Ticket<'a>> {
    let mut seq = r.enter(&"ticket", tag::application(app::TICKET))?.enter(&"ticket", tag::SEQUENCE)?;
    field(&mut seq, &"ticket version", 0)?.integer(&"ticket version")?;
    field(&mut seq, &"realm", 1)?;
    let service = name(&mut field(&mut seq, &"service", 2)?)?;
    Ok(Ticket { service, part: encrypted(&mut field(&mut seq, &"encrypted part", 3)?)? })
}

fn ap_request<'a>(r: &mut Ber<'a>) -> ParseResult<Ticket<'a>> {
    let mut seq = r.enter(&"AP-REQ", tag::SEQUENCE)?;
    version(&mut seq, 0)?;
    field(&mut seq, &"AP options", 2)?;
    let ticket = ticket(&mut field(&mut seq, &"ticket", 3)?)?;
    encrypted(&mut field(&mut seq, &"authenticator", 4)?)?;
    Ok(ticket)
}

fn request<'a>(r: &mut Ber<'a>, tgs: bool) -> ParseResult<KdcRequest<'a>> {
    let mut seq = r.enter(&"KDC-REQ", tag::SEQUENCE)?;
    version(&mut seq, 1)?;
    let mut m = KdcRequest { tgs, ..KdcRequest::default() };
    if let Some(mut data) = seq.optional(&"pre-authentication", tag::context(3))? {
        preauth(&mut data, |kind, value| {
            m.preauth.push(kind);
            match kind {
                pa::TGS_REQ => {
                    if let Ok(Message::ApRequest(ticket)) = Message::parse(value) {
                        m.ticket = Some(ticket);
                    }
                }
                pa::PK_AS_REQ => m.certificate = signed_request(value).ok().flatten(),
                _ => {}
            }
        })?;
    }
    body(&mut field(&mut seq, &"request body", 4)?.enter(&"request body", tag::SEQUENCE)?, &mut m)?;
    Ok(m)
}

fn body<'a>(seq: &mut Ber<'a>, m: &mut KdcRequest<'a>) -> ParseResult<()> {
    while !seq.is_empty() {
        let element = seq.element(&"request body")?;
        let mut r = Ber::new(element.content);
        match element.tag.wrapping_sub(tag::context(0)) {
            0 => m.options = flags(r.expect(&"options", tag::BIT_STRING)?),
            1 => m.client = Some(name(&mut r)?),
            2 => m.realm = Some(text(&mut r)?),
            3 => m.service = Some(name(&mut r)?),
            4 => m.from = time(&mut r)?,
            5 => m.till = time(&mut r)?,
            7 => m.nonce = integer(r.element(&"nonce")?.content),
            8 => {
                let mut list = r.enter(&"encryption types", tag::SEQUENCE)?;
                while !list.is_empty() && m.ciphers.len() < MAX_LIST_COUNT {
                    m.ciphers.push(list.integer(&"encryption type")?);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The 32 bits of a BIT STRING's beginning.
fn flags(content: &[u8]) -> Option<u32> {
    content.get(1..5)?.first_chunk().map(|b| u32::from_be_bytes(*b))
}

/// Hands kind and value of each pre-authentication to `each`.
fn preauth<'a>(r: &mut Ber<'a>, mut each: impl FnMut(i64, &'a [u8])) -> ParseResult<()> {
    let mut list = r.enter(&"pre-authentication", tag::SEQUENCE)?;
    for _ in 0..MAX_LIST_COUNT {
        if list.is_empty() {
            break;
        }
        let mut seq = list.enter(&"pre-authentication", tag::SEQUENCE)?;
        let kind = field(&mut seq, &"pre-authentication type", 1)?.integer(&"pre-authentication type")?;
        each(kind, field(&mut seq, &"pre-authentication value", 2)?.expect(&"value", tag::OCTET_STRING)?);
    }
    Ok(())
}

fn reply<'a>(r: &mut Ber<'a>) -> ParseResult<KdcReply<'a>> {
    let mut seq = r.enter(&"KDC-REP", tag::SEQUENCE)?;
    version(&mut seq, 0)?;
    let mut certificate = None;
    if let Some(mut data) = seq.optional(&"pre-authentication", tag::context(2))? {
        // Not always the sequence that the standard wants.
        if data.peek() == Some(tag::SEQUENCE) {
            preauth(&mut data, |kind, value| {
                if kind == pa::PK_AS_REP {
                    certificate = signed_reply(value).ok().flatten();
                }
            })?;
        }
    }
    let realm = text(&mut field(&mut seq, &"realm", 3)?)?;
    let client = name(&mut field(&mut seq, &"client", 4)?)?;
    let ticket = ticket(&mut field(&mut seq, &"ticket", 5)?)?;
    let part = encrypted(&mut field(&mut seq, &"encrypted part", 6)?)?;
    Ok(KdcReply { realm, client, ticket, part, certificate })
}

fn error<'a>(r: &mut Ber<'a>) -> ParseResult<KrbError<'a>> {
    let mut seq = r.enter(&"KRB-ERROR", tag::SEQUENCE)?;
    version(&mut seq, 0)?;
    let (mut m, mut code) = (KrbError::default(), None);
    while !seq.is_empty() {
        let element = seq.element(&"error")?;
        let mut r = Ber::new(element.content);
        match element.tag.wrapping_sub(tag::context(0)) {
            6 => code = Some(r.integer(&"error code")?),
            7 => m.client_realm = Some(text(&mut r)?),
            8 => m.client = Some(name(&mut r)?),
            10 => m.service = Some(name(&mut r)?),
            11 => m.text = Some(text(&mut r)?),
            _ => {}
        }
    }
    m.code = code.ok_or(ParseError::missing(&"error code"))?;
    Ok(m)
}

/// The certificate in PA-PK-AS-REQ (RFC 4556 §3.2.1).
fn signed_request(value: &[u8]) -> ParseResult<Option<&[u8]>> {
    let mut seq = Ber::new(value).enter(&"PA-PK-AS-REQ", tag::SEQUENCE)?;
    certificate(seq.expect(&"signed authentication pack", tag::primitive(0))?)
}

/// The certificate in PA-PK-AS-REP (RFC 4556 §3.2.3) if the key is agreed on with Diffie-Hellman.
fn signed_reply(value: &[u8]) -> ParseResult<Option<&[u8]>> {
    let mut r = Ber::new(value).enter(&"PA-PK-AS-REP", tag::context(0))?;
    // The tag of the structure is explicit with some, implicit with others.
    let mut seq = r.optional(&"key agreement", tag::SEQUENCE)?.unwrap_or(r);
    certificate(seq.expect(&"signed key", tag::primitive(0))?)
}

/// The first certificate of CMS signed data (RFC 5652 §5.1) in its content info.
fn certificate(cms: &[u8]) -> ParseResult<Option<&[u8]>> {
    let mut info = Ber::new(cms).enter(&"content info", tag::SEQUENCE)?;
    info.expect(&"content type", tag::OID)?;
    let mut data = field(&mut info, &"signed data", 0)?.enter(&"signed data", tag::SEQUENCE)?;
    data.integer(&"version")?;
    data.expect(&"digests", tag::SET)?;
    data.expect(&"content", tag::SEQUENCE)?;
    let Some(mut certificates) = data.optional(&"certificates", tag::context(0))? else { return Ok(None) };
    let all = certificates.rest();
    certificates.expect(&"certificate", tag::SEQUENCE)?;
    Ok(all.get(..all.len() - certificates.rest().len()))
}

#[cfg(test)]
#[path = "tests.rs"]
pub(crate) mod tests;
