//! Parameters of services: tagged values (ASHRAE 135-2020 clause 20.2) in the order of clauses 13 to 16.

use super::names;
use crate::named::Named;
use sekisho_wire::{ParseError, ParseResult, Reader};
use std::fmt::Write as _;

/// Objects and properties listed of one message.
pub const MAX_LISTED: usize = 16;
/// Longest text kept of a value.
pub const MAX_VALUE_LEN: usize = 256;
/// Tags looked at of one message.
const MAX_TAGS: usize = 256;

/// Services with parameters that are read here.
mod choice {
    pub const CONFIRMED_COV: u8 = 1;
    pub const SUBSCRIBE_COV: u8 = 5;
    pub const CREATE_OBJECT: u8 = 10;
    pub const DELETE_OBJECT: u8 = 11;
    pub const READ_PROPERTY: u8 = 12;
    pub const READ_MULTIPLE: u8 = 14;
    pub const WRITE_PROPERTY: u8 = 15;
    pub const WRITE_MULTIPLE: u8 = 16;
    pub const DEVICE_COMMUNICATION_CONTROL: u8 = 17;
    pub const REINITIALIZE_DEVICE: u8 = 20;
    pub const READ_RANGE: u8 = 26;
    pub const I_AM: u8 = 0;
    pub const I_HAVE: u8 = 1;
    pub const UNCONFIRMED_COV: u8 = 2;
    pub const WHO_HAS: u8 = 7;
    pub const WHO_IS: u8 = 8;
}

/// Application tags (clause 20.2.1.4).
mod tag {
    pub const NULL: u8 = 0;
    pub const BOOLEAN: u8 = 1;
    pub const UNSIGNED: u8 = 2;
    pub const SIGNED: u8 = 3;
    pub const REAL: u8 = 4;
    pub const DOUBLE: u8 = 5;
    pub const CHARACTER_STRING: u8 = 7;
    pub const ENUMERATED: u8 = 9;
    pub const OBJECT: u8 = 12;
}

/// What the parameters say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    pub objects: Vec<String>,
    pub properties: Vec<Named>,
    pub value: Option<Vec<u8>>,
    pub priority: Option<u8>,
    pub device: Option<u32>,
    pub vendor: Option<u16>,
}

/// One tag with its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag<'a> {
    Application(u8, &'a [u8]),
    Context(u8, &'a [u8]),
    Opening(u8),
    Closing(u8),
}

impl<'a> Tag<'a> {
    fn parse(r: &mut Reader<'a>) -> ParseResult<Self> {
        let first = r.u8(&"tag")?;
        let number = if first >> 4 == 15 { r.u8(&"tag number")? } else { first >> 4 };
        let context = first & 8 != 0;
        let len = match first & 7 {
            6 if context => return Ok(Self::Opening(number)),
            7 if context => return Ok(Self::Closing(number)),
            // A boolean's value is its length.
            value if !context && number == tag::BOOLEAN => {
                return Ok(Self::Application(number, if value == 0 { &[0] } else { &[1] }));
            }
            5 => match r.u8(&"length")? {
                254 => usize::from(r.u16(&"length")?),
                255 => usize::try_from(r.u32(&"length")?).map_err(|_| ParseError::over_limit(&"length"))?,
                len => usize::from(len),
            },
            len => usize::from(len),
        };
        let content = r.take(&"value", len)?;
        Ok(if context { Self::Context(number, content) } else { Self::Application(number, content) })
    }
}

/// An unsigned number of up to four bytes.
fn unsigned(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |n, b| n << 8 | u32::from(*b))
}

/// Room for an instance's number of 22 bits, and a space.
const MAX_INSTANCE_LEN: usize = 8;

fn object(bytes: &[u8]) -> String {
    let id = unsigned(bytes);
    let (kind, number) = (names::object(id >> 22), id & 0x3f_ffff);
    let mut text = String::with_capacity(kind.as_str().len() + MAX_INSTANCE_LEN);
    text.push_str(kind.as_str());
    text.push(' ');
    // Writing to a string cannot fail.
    let _ = write!(text, "{number}");
    text
}

/// Parameters of a confirmed request.
pub fn confirmed(code: u8, r: &mut Reader<'_>) -> Detail {
    let mut d = Detail::default();
    // What could be read before something odd stays.
    let _ = match code {
        choice::READ_PROPERTY | choice::WRITE_PROPERTY | choice::READ_RANGE => flat(r, &mut d, [0, 1, 3, 4]),
        choice::SUBSCRIBE_COV => flat(r, &mut d, [1, 9, 9, 9]),
        choice::CONFIRMED_COV => flat(r, &mut d, [2, 9, 9, 9]),
        choice::READ_MULTIPLE | choice::WRITE_MULTIPLE => lists(r, &mut d),
        choice::CREATE_OBJECT => created(r, &mut d),
        choice::DELETE_OBJECT => Tag::parse(r).map(|t| {
            if let Tag::Application(tag::OBJECT, bytes) = t {
                d.objects.push(object(bytes));
            }
        }),
        choice::DEVICE_COMMUNICATION_CONTROL => state(r, &mut d, 1, &["enable", "disable", "disable-initiation"]),
        choice::REINITIALIZE_DEVICE => {
            const STATES: &[&str] = &[
                "coldstart",
                "warmstart",
                "start-backup",
                "end-backup",
                "start-restore",
                "end-restore",
                "abort-restore",
                "activate-changes",
            ];
            state(r, &mut d, 0, STATES)
        }
        _ => Ok(()),
    };
    d
}

/// Parameters of an acknowledgement that matter: a property's value.
pub fn acknowledged(code: u8, r: &mut Reader<'_>) -> Detail {
    let mut d = Detail::default();
    if code == choice::READ_PROPERTY {
        let _ = flat(r, &mut d, [0, 1, 3, 9]);
    }
    d
}

/// Parameters of an unconfirmed message.
pub fn unconfirmed(code: u8, r: &mut Reader<'_>) -> Detail {
    let mut d = Detail::default();
    let _ = match code {
        choice::I_AM => i_am(r, &mut d),
        choice::I_HAVE => i_have(r, &mut d),
        choice::WHO_IS => who_is(r, &mut d),
        choice::WHO_HAS => flat(r, &mut d, [2, 9, 9, 9]),
        choice::UNCONFIRMED_COV => flat(r, &mut d, [2, 9, 9, 9]),
        _ => Ok(()),
    };
    d
}

/// Parameters in which object, property, value and priority have the context tags `numbers`; 9 is none.
fn flat(r: &mut Reader<'_>, d: &mut Detail, numbers: [u8; 4]) -> ParseResult<()> {
    let [object_tag, property_tag, value_tag, priority_tag] = numbers;
    for _ in 0..MAX_TAGS {
        if r.is_empty() {
            return Ok(());
        }
        match Tag::parse(r)? {
            Tag::Context(n, bytes) if n == object_tag => d.objects.push(object(bytes)),
            Tag::Context(n, bytes) if n == property_tag => d.properties.push(names::property(unsigned(bytes))),
            Tag::Context(n, bytes) if n == priority_tag => d.priority = bytes.last().copied(),
            Tag::Opening(n) if n == value_tag => {
                d.value = simple(Tag::parse(r)?);
            }
            // In lists of values objects have other meanings.
            Tag::Opening(_) if value_tag == 9 => return Ok(()),
            _ => {}
        }
    }
    Ok(())
}

/// Read or written objects, each with a list of properties (clauses 15.7, 15.10).
fn lists(r: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    let mut depth = 0u8;
    for _ in 0..MAX_TAGS {
        if r.is_empty() {
            return Ok(());
        }
        match Tag::parse(r)? {
            Tag::Opening(_) => depth = depth.saturating_add(1),
            Tag::Closing(_) => depth = depth.saturating_sub(1),
            Tag::Context(0, bytes) if depth == 0 && d.objects.len() < MAX_LISTED => d.objects.push(object(bytes)),
            Tag::Context(0, bytes) if depth == 1 && d.properties.len() < MAX_LISTED => {
                d.properties.push(names::property(unsigned(bytes)));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What kind of object, or which, is to be created (clause 15.3).
fn created(r: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    if let Tag::Opening(0) = Tag::parse(r)? {
        match Tag::parse(r)? {
            Tag::Context(0, bytes) => d.objects.push(names::object(unsigned(bytes)).as_str().to_owned()),
            Tag::Context(1, bytes) => d.objects.push(object(bytes)),
            _ => {}
        }
    }
    Ok(())
}

/// A state that a device is to take; the password with it is not logged.
fn state(r: &mut Reader<'_>, d: &mut Detail, number: u8, states: &[&str]) -> ParseResult<()> {
    while !r.is_empty() {
        if let Tag::Context(n, bytes) = Tag::parse(r)?
            && n == number
        {
            let name = usize::try_from(unsigned(bytes)).ok().and_then(|i| states.get(i));
            d.value = Some(name.map_or_else(|| unsigned(bytes).to_string(), |n| (*n).to_owned()).into_bytes());
            return Ok(());
        }
    }
    Ok(())
}

fn i_am(r: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    if let Tag::Application(tag::OBJECT, bytes) = Tag::parse(r)? {
        d.device = Some(unsigned(bytes) & 0x3f_ffff);
        d.objects.push(object(bytes));
    }
    Tag::parse(r)?;
    Tag::parse(r)?;
    if let Tag::Application(tag::UNSIGNED, bytes) = Tag::parse(r)? {
        d.vendor = u16::try_from(unsigned(bytes)).ok();
    }
    Ok(())
}

/// A device has an object of this name (clause 16.9).
fn i_have(r: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    if let Tag::Application(tag::OBJECT, bytes) = Tag::parse(r)? {
        d.device = Some(unsigned(bytes) & 0x3f_ffff);
    }
    if let Tag::Application(tag::OBJECT, bytes) = Tag::parse(r)? {
        d.objects.push(object(bytes));
    }
    d.value = simple(Tag::parse(r)?);
    Ok(())
}

/// A range of devices; logged is a single one.
fn who_is(r: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    if r.is_empty() {
        return Ok(());
    }
    if let (Tag::Context(0, low), Tag::Context(1, high)) = (Tag::parse(r)?, Tag::parse(r)?) {
        let (low, high) = (unsigned(low), unsigned(high));
        if low == high {
            d.device = Some(low);
        } else {
            d.value = Some(format!("{low}-{high}").into_bytes());
        }
    }
    Ok(())
}

/// Class and code of an error (clause 20.1.7).
pub fn error(r: &mut Reader<'_>) -> Option<String> {
    let mut next = || loop {
        match Tag::parse(r).ok()? {
            // Errors of some services are wrapped.
            Tag::Opening(_) => {}
            Tag::Application(tag::ENUMERATED, bytes) => return Some(unsigned(bytes)),
            _ => return None,
        }
    };
    let class = names::error_class(next()?);
    let code = names::error_code(next()?);
    Some(format!("{}: {}", class.as_str(), code.as_str()))
}

/// A simple value as text.
fn simple(value: Tag<'_>) -> Option<Vec<u8>> {
    let Tag::Application(kind, bytes) = value else { return None };
    let mut r = Reader::new(bytes);
    let text = match kind {
        tag::NULL => "null".to_owned(),
        tag::BOOLEAN => (bytes == [1]).to_string(),
        tag::UNSIGNED | tag::ENUMERATED if bytes.len() <= 4 => unsigned(bytes).to_string(),
        tag::SIGNED if (1..=4).contains(&bytes.len()) => {
            let shift = 32u32.saturating_sub(8 * u32::try_from(bytes.len()).unwrap_or(4));
            ((unsigned(bytes) << shift).cast_signed() >> shift).to_string()
        }
        tag::REAL => f32::from_bits(r.u32(&"real").ok()?).to_string(),
        tag::DOUBLE => f64::from_bits(r.u64(&"double").ok()?).to_string(),
        // The first byte is the character set; UTF-8 is usual.
        tag::CHARACTER_STRING => {
            let text = bytes.get(1..)?;
            return Some(text.get(..MAX_VALUE_LEN).unwrap_or(text).to_vec());
        }
        tag::OBJECT => object(bytes),
        _ => return None,
    };
    Some(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(code: u8, bytes: &[u8]) -> Detail {
        confirmed(code, &mut Reader::new(bytes))
    }

    #[test]
    fn parses_reads_and_writes() {
        let d = asked(12, &[0x0c, 0, 0, 0, 5, 0x19, 85]);
        assert_eq!((&d.objects[..], d.properties[0].as_str()), (&["analog-input 5".to_owned()][..], "present-value"));
        let d = asked(15, &[0x0c, 0, 0x80, 0, 1, 0x19, 85, 0x3e, 0x44, 0x42, 0xc8, 0, 0, 0x3f, 0x49, 8]);
        assert_eq!((d.value.as_deref(), d.priority), (Some(b"100".as_slice()), Some(8)));
        let d =
            acknowledged(12, &mut Reader::new(&[0x0c, 2, 0, 0, 1, 0x19, 77, 0x3e, 0x75, 4, 0, b'A', b'H', b'U', 0x3f]));
        assert_eq!(d.value.as_deref(), Some(b"AHU".as_slice()));
    }

    #[test]
    fn parses_lists() {
        let d = asked(14, &[0x0c, 2, 0, 0, 9, 0x1e, 0x09, 77, 0x09, 70, 0x1f, 0x0c, 0, 0, 0, 1, 0x1e, 0x09, 85, 0x1f]);
        assert_eq!(d.objects, ["device 9", "analog-input 1"]);
        let names: Vec<&str> = d.properties.iter().map(Named::as_str).collect();
        assert_eq!(names, ["object-name", "model-name", "present-value"]);
    }

    #[test]
    fn parses_announcements() {
        let d = unconfirmed(0, &mut Reader::new(&[0xc4, 2, 0, 0x04, 0xd2, 0x22, 5, 0xc4, 0x91, 3, 0x22, 1, 4]));
        assert_eq!((d.device, d.vendor), (Some(1234), Some(260)));
        assert_eq!(unconfirmed(8, &mut Reader::new(&[0x09, 7, 0x19, 7])).device, Some(7));
        assert_eq!(unconfirmed(8, &mut Reader::new(&[])), Detail::default());
        let d = unconfirmed(8, &mut Reader::new(&[0x09, 7, 0x1a, 1, 0]));
        assert_eq!(d.value.as_deref(), Some(b"7-256".as_slice()));
    }

    #[test]
    fn parses_states_without_passwords() {
        let d = asked(20, &[0x09, 1, 0x1d, 7, 0, b's', b'e', b'c', b'r', b'e', b't']);
        assert_eq!(d.value.as_deref(), Some(b"warmstart".as_slice()));
        assert_eq!(asked(17, &[0x09, 5, 0x19, 1]).value.as_deref(), Some(b"disable".as_slice()));
    }

    #[test]
    fn parses_values() {
        let text = |bytes: &[u8]| simple(Tag::parse(&mut Reader::new(bytes)).unwrap());
        assert_eq!(text(&[0x31, 0xff]).unwrap(), b"-1");
        assert_eq!(text(&[0x32, 0x01, 0x00]).unwrap(), b"256");
        assert_eq!(text(&[0x11]).unwrap(), b"true");
        assert_eq!(text(&[0x00]).unwrap(), b"null");
        assert_eq!(text(&[0x61, 1]), None);
    }

    #[test]
    fn rejects_short_values() {
        assert!(Tag::parse(&mut Reader::new(&[0x0c, 0, 0])).is_err());
        assert!(Tag::parse(&mut Reader::new(&[0x75, 254, 0])).is_err());
        assert_eq!(asked(12, &[0x0c, 0, 0]), Detail::default());
    }

    #[test]
    fn limits_lists() {
        let many = [&[0x0c, 2, 0, 0, 9, 0x1e][..], &[0x09, 77].repeat(200), &[0x1f]].concat();
        assert_eq!(asked(14, &many).properties.len(), MAX_LISTED);
    }
}
