//! A whole message as Suricata reads it, for rules and EVE: names as they were sent, every section, in contrast to the
//! rows, for which names are read as Zeek reads them.

use super::message::{HEADER_LEN, Header};
use super::names::rr;
use std::borrow::Cow;

/// Longest name in bytes with its dots; the rest is dropped, and it is said.
pub const MAX_TEXT_LEN: usize = 1025;
/// Room for a name at first: most have no more bytes.
const USUAL_LEN: usize = 48;
/// Pointers and labels within one name.
const MAX_STEPS: u32 = 255;
/// Records kept of all sections together.
pub const MAX_RECORDS: usize = 1024;
/// Strings of one TXT record, options of one OPT record.
const MAX_PARTS: usize = 256;

/// What is odd about a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Odd {
    /// Longer than [`MAX_TEXT_LEN`].
    pub truncated: bool,
    /// Pointers that lead nowhere.
    pub looped: bool,
    /// More labels than can be.
    pub labels: bool,
}

/// A name, as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// Labels with dots between.
    pub text: Vec<u8>,
    /// It was longer.
    pub truncated: bool,
}

/// One record.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// Whose it is.
    pub owner: Name,
    /// Its type.
    pub rtype: u16,
    /// Seconds.
    pub ttl: u32,
    /// What it says.
    pub data: Data<'a>,
}

/// What a record says.
#[derive(Clone, Debug)]
pub enum Data<'a> {
    /// Four or sixteen bytes, if it is as it should be.
    Addr(&'a [u8]),
    /// CNAME, MX, NS, PTR.
    Name(Name),
    /// Strings.
    Txt(Vec<&'a [u8]>),
    /// Server and mailbox; serial, refresh, retry, expire, minimum.
    Soa(Box<(Name, Name, [u32; 5])>),
    /// Algorithm, type, fingerprint.
    Sshfp(u8, u8, &'a [u8]),
    /// Priority, weight, port, target.
    Srv([u16; 3], Name),
    /// Options: code and data.
    Opt(Vec<(u16, &'a [u8])>),
    /// NULL.
    Null(&'a [u8]),
    /// Anything else.
    Other,
}

/// A whole message.
#[derive(Debug)]
pub struct Message<'a> {
    /// The header's fields.
    pub header: Header,
    /// The header's second word.
    pub flags: u16,
    /// Names and types asked for.
    pub queries: Vec<(Name, u16)>,
    /// Answers.
    pub answers: Vec<Record<'a>>,
    /// Authorities.
    pub authorities: Vec<Record<'a>>,
    /// Additional records.
    pub additionals: Vec<Record<'a>>,
    /// Anomalies, by Suricata's names.
    pub events: Vec<&'static str>,
}

struct Cursor<'a> {
    msg: &'a [u8],
    pos: usize,
    odd: Odd,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let bytes = self.msg.get(self.pos..self.pos.checked_add(len)?)?;
        self.pos += len;
        Some(bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|b| u16::from_be_bytes(*b))
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|b| u32::from_be_bytes(*b))
    }

    /// A name; `None` if it breaks off.
    fn name(&mut self) -> Option<Name> {
        let mut name = Name::default();
        let mut at = self.pos;
        let mut resume = None;
        let (mut labels, mut pointers) = (0, 0);
        loop {
            let len = *self.msg.get(at)?;
            at += 1;
            match len >> 6 {
                0 if len == 0 => break,
                0 => {
                    let label = self.msg.get(at..at + usize::from(len))?;
                    at += usize::from(len);
                    labels += 1;
                    if labels >= MAX_STEPS {
                        self.odd.labels = true;
                        break;
                    }
                    if name.text.is_empty() {
                        name.text.reserve(usize::from(len).max(USUAL_LEN));
                    } else {
                        name.text.push(b'.');
                    }
                    name.text.extend_from_slice(label);
                    if name.text.len() > MAX_TEXT_LEN {
                        name.text.truncate(MAX_TEXT_LEN);
                        name.truncated = true;
                        self.odd.truncated = true;
                        // The rest is read over if it stands here; behind a pointer nobody needs it.
                        if resume.is_some() {
                            break;
                        }
                        at = self.behind(at)?;
                        break;
                    }
                }
                3 => {
                    let low = *self.msg.get(at)?;
                    at += 1;
                    resume.get_or_insert(at);
                    pointers += 1;
                    let target = usize::from(len & 0x3f) << 8 | usize::from(low);
                    if pointers >= MAX_STEPS || target + 2 == at {
                        self.odd.looped = true;
                        break;
                    }
                    self.msg.get(target)?;
                    at = target;
                }
                _ => return None,
            }
        }
        self.pos = resume.unwrap_or(at);
        Some(name)
    }

    /// Where the labels from `at` on end.
    fn behind(&self, mut at: usize) -> Option<usize> {
        loop {
            let len = *self.msg.get(at)?;
            match len >> 6 {
                0 if len == 0 => return Some(at + 1),
                0 => at += 1 + usize::from(len),
                3 => return Some(at + 2),
                _ => return None,
            }
        }
    }

    fn record(&mut self) -> Option<Record<'a>> {
        let owner = self.name()?;
        let (rtype, _class, ttl) = (self.u16()?, self.u16()?, self.u32()?);
        let len = usize::from(self.u16()?);
        let start = self.pos;
        let bytes = self.take(len)?;
        let end = self.pos;
        self.pos = start;
        let data = self.data(rtype, bytes);
        self.pos = end;
        Some(Record { owner, rtype, ttl, data: data? })
    }

    fn data(&mut self, rtype: u16, bytes: &'a [u8]) -> Option<Data<'a>> {
        Some(match rtype {
            rr::A | rr::AAAA => Data::Addr(bytes),
            rr::CNAME | rr::PTR | rr::NS => Data::Name(self.name()?),
            rr::MX => {
                self.u16()?;
                Data::Name(self.name()?)
            }
            rr::TXT => Data::Txt(strings(bytes)?),
            rr::SOA => {
                let (server, mailbox) = (self.name()?, self.name()?);
                let numbers = [self.u32()?, self.u32()?, self.u32()?, self.u32()?, self.u32()?];
                Data::Soa(Box::new((server, mailbox, numbers)))
            }
            rr::SSHFP => match bytes {
                [algo, kind, fingerprint @ ..] => Data::Sshfp(*algo, *kind, fingerprint),
                _ => return None,
            },
            rr::SRV => Data::Srv([self.u16()?, self.u16()?, self.u16()?], self.name()?),
            rr::OPT => Data::Opt(options(bytes)?),
            NULL => Data::Null(bytes),
            _ => Data::Other,
        })
    }

    /// `count` records; whether all of them can be read.
    fn records(&mut self, count: u16, room: &mut usize) -> (Vec<Record<'a>>, bool) {
        let mut records = Vec::new();
        for _ in 0..count {
            if *room == 0 {
                return (records, true);
            }
            let Some(record) = self.record() else { return (records, false) };
            records.push(record);
            *room -= 1;
        }
        (records, true)
    }
}

/// NULL's number (RFC 1035 §3.3.10).
pub const NULL: u16 = 10;

fn strings(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    while let Some((len, rest)) = bytes.split_first() {
        let (part, rest) = rest.split_at_checked(usize::from(*len))?;
        if parts.len() < MAX_PARTS {
            parts.push(part);
        }
        bytes = rest;
    }
    Some(parts)
}

fn options(mut bytes: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let (&[c0, c1, l0, l1], rest) = bytes.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
        if parts.len() < MAX_PARTS {
            parts.push((u16::from_be_bytes([c0, c1]), part));
        }
        bytes = rest;
    }
    Some(parts)
}

impl<'a> Message<'a> {
    /// Reads a message; `None` if questions or answers cannot be read.
    pub fn parse(msg: &'a [u8]) -> Option<Self> {
        let header = Header::parse(msg)?;
        let flags = msg.get(2..4)?.first_chunk().map(|b| u16::from_be_bytes(*b))?;
        let mut cursor = Cursor { msg, pos: HEADER_LEN, odd: Odd::default() };
        let mut queries = Vec::new();
        let mut room = MAX_RECORDS;
        for _ in 0..header.qdcount {
            if room == 0 {
                break;
            }
            let name = cursor.name()?;
            let qtype = cursor.u16()?;
            cursor.u16()?;
            queries.push((name, qtype));
            room -= 1;
        }
        let (answers, true) = cursor.records(header.ancount, &mut room) else { return None };
        let mut events = Vec::new();
        let (mut authorities, mut additionals) = (Vec::new(), Vec::new());
        let read = cursor.records(header.nscount, &mut room);
        if read.1 {
            authorities = read.0;
            let read = cursor.records(header.arcount, &mut room);
            if read.1 {
                additionals = read.0;
            } else {
                events.push("invalid_additionals");
            }
        } else {
            events.push("invalid_authorities");
        }
        if flags & 0x40 != 0 {
            events.push("z_flag_set");
        }
        if header.opcode >= 7 {
            events.push("invalid_opcode");
        }
        for (odd, name) in [
            (cursor.odd.truncated, "name_too_long"),
            (cursor.odd.looped, "infinite_loop"),
            (cursor.odd.labels, "too_many_labels"),
        ] {
            if odd {
                events.push(name);
            }
        }
        Some(Self { header, flags, queries, answers, authorities, additionals, events })
    }
}

/// Suricata's name of a record type; of one without a name its number.
pub fn type_name(rtype: u16) -> Cow<'static, str> {
    // Suricata's own spelling of three of them, and types that it has no name for.
    let known = match rtype {
        3 => "MD",
        4 => "MF",
        255 => "ANY",
        256 => "URI",
        31 | 32 | 40 | 53 | 54 | 56..=58 | 61..=98 | 100..=248 | 251..=253 | 257.. => "",
        n => super::names::qtype_name(n),
    };
    if known.is_empty() { Cow::Owned(rtype.to_string()) } else { Cow::Borrowed(known) }
}

/// Suricata's name of a 4-bit response code.
pub fn rcode_name(rcode: u8) -> Cow<'static, str> {
    match rcode {
        8 => Cow::Borrowed("NXRRSET"),
        11.. => Cow::Owned(rcode.to_string()),
        n => Cow::Borrowed(super::names::rcode(n)),
    }
}
