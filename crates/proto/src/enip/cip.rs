//! CIP requests and answers (CIP volume 1, chapters 2 and 3, appendix C).

use super::names::{self, class, service};
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Services listed of a Multiple Service Packet.
pub const MAX_EMBEDDED: usize = 32;
/// Segments looked at of one path.
const MAX_SEGMENTS: usize = 32;
/// Set in answers.
const ANSWER: u8 = 0x80;

/// What a request is addressed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    pub class: Option<u32>,
    pub instance: Option<u32>,
    pub attribute: Option<u32>,
    /// Symbols, joined by dots.
    pub tag: Option<Vec<u8>>,
}

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    pub service: u8,
    pub path: Path,
    pub embedded: Vec<String>,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub service: u8,
    pub status: u8,
    pub extended: Option<u16>,
    /// What the device says about itself, if it was asked; known only together with the request.
    pub data: Vec<u8>,
}

/// Bytes of an answer's data kept for an identity.
const MAX_DATA_LEN: usize = 64;

/// A device's description of itself (volume 1, 5-2; volume 2, table 2-4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub vendor: u16,
    pub device_type: u16,
    pub product_code: u16,
    pub revision: [u8; 2],
    pub serial: u32,
    pub name: Vec<u8>,
}

/// A CIP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Request(Request),
    Answer(Answer),
}

impl Message {
    /// Reads a message.
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let code = r.u8(&"service")?;
        if code & ANSWER != 0 {
            return answer(code & !ANSWER, &mut r).map(Self::Answer);
        }
        let outer = request(code, &mut r)?;
        if (outer.service, outer.path.class) != (service::UNCONNECTED_SEND, Some(class::CONNECTION_MANAGER)) {
            return Ok(Self::Request(outer));
        }
        // What is sent on behalf is what counts; its answer comes without wrapping.
        let inner = wrapped(&mut r).and_then(|mut inner| {
            let code = inner.u8(&"service")?;
            request(code, &mut inner)
        });
        Ok(Self::Request(inner.unwrap_or(outer)))
    }
}

/// The message in an Unconnected Send (3-5.5.2).
fn wrapped<'a>(r: &mut Reader<'a>) -> ParseResult<Reader<'a>> {
    r.skip(&"timeout", 2)?;
    let len = usize::from(r.u16_le(&"message length")?);
    r.sub(&"message", len)
}

/// A request behind its service code; the reader then stands at its data.
fn request(code: u8, r: &mut Reader<'_>) -> ParseResult<Request> {
    let words = usize::from(r.u8(&"path length")?);
    let path = path(&mut r.sub(&"path", words * 2)?)?;
    let embedded = if code == service::MULTIPLE { multiple(r.rest()).unwrap_or_default() } else { Vec::new() };
    Ok(Request { service: code, path, embedded })
}

/// A path of padded segments (appendix C-1.4).
fn path(r: &mut Reader<'_>) -> ParseResult<Path> {
    let mut out = Path::default();
    for _ in 0..MAX_SEGMENTS {
        let Ok(kind) = r.u8(&"segment") else { return Ok(out) };
        match kind >> 5 {
            0 => port(kind, r)?,
            1 => {
                let value = match kind & 3 {
                    0 => u32::from(r.u8(&"logical value")?),
                    1 => {
                        r.skip(&"padding", 1)?;
                        u32::from(r.u16_le(&"logical value")?)
                    }
                    2 => {
                        r.skip(&"padding", 1)?;
                        r.u32_le(&"logical value")?
                    }
                    _ => return Err(ParseError::bad(&"logical format")),
                };
                match kind >> 2 & 7 {
                    0 => out.class = Some(value),
                    1 => out.instance = Some(value),
                    4 => out.attribute = Some(value),
                    _ => {}
                }
            }
            4 if kind == 0x91 => {
                let name = r.block8(&"symbol")?.rest();
                if name.len() % 2 == 1 {
                    r.skip(&"padding", 1)?;
                }
                let tag = out.tag.get_or_insert_default();
                if !tag.is_empty() {
                    tag.push(b'.');
                }
                tag.extend_from_slice(name);
            }
            _ => return Ok(out),
        }
    }
    Ok(out)
}

/// A port segment is passed over.
fn port(kind: u8, r: &mut Reader<'_>) -> ParseResult<()> {
    let len = if kind & 0x10 != 0 { usize::from(r.u8(&"link address length")?) } else { 1 };
    if kind & 0x0f == 0x0f {
        r.skip(&"port", 2)?;
    }
    r.skip(&"link address", len + usize::from(len > 1 && len % 2 == 1))
}

/// The services in a Multiple Service Packet.
fn multiple(data: &[u8]) -> ParseResult<Vec<String>> {
    let mut r = Reader::new(data);
    let count = usize::from(r.u16_le(&"service count")?);
    let mut out = Vec::new();
    for _ in 0..count.min(MAX_EMBEDDED) {
        let at = usize::from(r.u16_le(&"service offset")?);
        let mut inner = Reader::new(data.get(at..).unwrap_or(&[]));
        let code = inner.u8(&"service")?;
        let words = usize::from(inner.u8(&"path length")?);
        let path = path(&mut inner.sub(&"path", words * 2)?)?;
        let name = names::cip_service(code, path.class);
        let mut text = name.as_str().to_owned();
        if let Some(class) = path.class {
            text.push_str(&format!(" class 0x{class:02x}"));
        }
        if let Some(instance) = path.instance {
            text.push_str(&format!(" instance {instance}"));
        }
        if let Some(tag) = path.tag {
            text.push_str(&format!(" {}", String::from_utf8_lossy(&tag)));
        }
        out.push(text);
    }
    Ok(out)
}

fn answer(code: u8, r: &mut Reader<'_>) -> ParseResult<Answer> {
    r.skip(&"reserved", 1)?;
    let status = r.u8(&"general status")?;
    let words = usize::from(r.u8(&"extended status length")?);
    let mut extended = r.sub(&"extended status", words * 2)?;
    let keep = if code == service::GET_ATTRIBUTES_ALL { MAX_DATA_LEN } else { 0 };
    let data = r.rest().get(..r.left().min(keep)).unwrap_or(&[]).to_vec();
    Ok(Answer { service: code, status, extended: extended.u16_le(&"extended status").ok(), data })
}

/// The attributes of an identity object, all together (5-2.3.1).
pub fn identity(r: &mut Reader<'_>) -> ParseResult<Identity> {
    let vendor = r.u16_le(&"vendor")?;
    let device_type = r.u16_le(&"device type")?;
    let product_code = r.u16_le(&"product code")?;
    let revision = r.array(&"revision")?;
    r.skip(&"status", 2)?;
    let serial = r.u32_le(&"serial number")?;
    let name = r.block8(&"product name")?.rest().to_vec();
    Ok(Identity { vendor, device_type, product_code, revision, serial, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(bytes: &[u8]) -> Request {
        match Message::parse(bytes) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parses_paths() {
        let r = asked(&[0x0e, 3, 0x20, 0xf5, 0x24, 1, 0x30, 5]);
        assert_eq!((r.service, r.path.class, r.path.instance, r.path.attribute), (0x0e, Some(0xf5), Some(1), Some(5)));
        let r = asked(&[0x03, 4, 0x21, 0, 0x8b, 0, 0x25, 0, 0x02, 0x01]);
        assert_eq!((r.path.class, r.path.instance), (Some(0x8b), Some(0x102)));
        let r = asked(&[0x4c, 6, 0x91, 3, b'A', b'b', b'c', 0, 0x28, 2, 0x91, 2, b'd', b'e', 1, 0]);
        assert_eq!(r.path.tag.as_deref(), Some(b"Abc.de".as_slice()));
    }

    #[test]
    fn parses_what_is_sent_on_behalf() {
        let inner = [0x01, 2, 0x20, 1, 0x24, 1];
        let outer = [&[0x52, 2, 0x20, 6, 0x24, 1, 5, 157, 6, 0][..], &inner, &[1, 0, 1, 0]].concat();
        let r = asked(&outer);
        assert_eq!((r.service, r.path.class), (1, Some(1)));
    }

    #[test]
    fn parses_multiple_services() {
        let bytes = [
            &[0x0a, 2, 0x20, 2, 0x24, 1, 2, 0, 6, 0, 12, 0][..],
            &[0x0e, 2, 0x20, 1, 0x24, 1],
            &[0x4c, 2, 0x91, 2, b'T', b'1'],
        ];
        assert_eq!(asked(&bytes.concat()).embedded, ["Get_Attribute_Single class 0x01 instance 1", "Read_Tag T1"]);
    }

    #[test]
    fn parses_answers() {
        let bytes = [0x81, 0, 0, 0, 1, 0, 14, 0, 55, 0, 20, 11, 0x60, 0, 1, 2, 3, 4, 4, b'P', b'L', b'C', b'1'];
        let Ok(Message::Answer(a)) = Message::parse(&bytes) else { panic!() };
        let id = identity(&mut Reader::new(&a.data)).unwrap();
        assert_eq!((id.vendor, id.revision, id.serial, &id.name[..]), (1, [20, 11], 0x0403_0201, b"PLC1".as_slice()));
        let Ok(Message::Answer(a)) = Message::parse(&[0xd4, 0, 1, 1, 0, 1]) else { panic!() };
        assert_eq!((a.service, a.status, a.extended), (0x54, 1, Some(0x100)));
    }

    #[test]
    fn rejects_short_messages() {
        assert!(Message::parse(&[]).is_err());
        assert!(Message::parse(&[0x0e, 3, 0x20]).is_err());
        assert!(Message::parse(&[0x8e, 0, 0, 1]).is_err());
    }

    #[test]
    fn limits_embedded_services() {
        let offsets = [202u8, 0].repeat(100);
        let bytes = [&[0x0a, 0, 100, 0][..], &offsets, &[0x05, 0]].concat();
        assert_eq!(asked(&bytes).embedded.len(), MAX_EMBEDDED);
    }
}
