//! Messages of S7comm and of S7comm-plus, as far as they are publicly known (Wireshark's and Snap7's descriptions).

use super::names;
use crate::named::Named;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Protocol ids, the first byte.
pub const S7: u8 = 0x32;
pub const S7_PLUS: u8 = 0x72;
/// Variables listed of one request.
pub const MAX_ITEMS: usize = 20;
/// Kinds of refusal listed of one answer.
pub const MAX_ITEM_ERRORS: usize = 8;

/// Kinds of message (ROSCTR).
pub mod rosctr {
    pub const JOB: u8 = 1;
    pub const ACK: u8 = 2;
    pub const ACK_DATA: u8 = 3;
    pub const USERDATA: u8 = 7;
}

/// Functions with a meaning here.
pub mod func {
    pub const READ: u8 = 0x04;
    pub const WRITE: u8 = 0x05;
    pub const REQUEST_DOWNLOAD: u8 = 0x1a;
    pub const DOWNLOAD_BLOCK: u8 = 0x1b;
    pub const DOWNLOAD_ENDED: u8 = 0x1c;
    pub const START_UPLOAD: u8 = 0x1d;
    pub const PI_SERVICE: u8 = 0x28;
    pub const PLC_STOP: u8 = 0x29;
    pub const SETUP: u8 = 0xf0;
}

/// Group of functions and service for reading a system status list.
const CPU_FUNCTIONS: u8 = 4;
const READ_SZL: u8 = 1;

/// Opcodes of S7comm-plus.
mod opcode {
    pub const REQUEST: u8 = 0x31;
    pub const RESPONSE: u8 = 0x32;
}

/// What a message does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Asks.
    Request,
    /// Answers the request with the same number.
    Answer,
    /// Sent by itself.
    Push,
}

/// What is logged of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub role: Role,
    pub plus_version: Option<u8>,
    pub kind: &'static str,
    pub reference: u16,
    /// Unset in acknowledgements without parameters.
    pub func: Option<Named>,
    pub detail: Detail,
}

/// What parameters and data say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    pub sub_func: Option<Named>,
    pub item_count: Option<u8>,
    pub items: Vec<String>,
    pub pi_service: Option<Vec<u8>>,
    pub block: Option<Vec<u8>>,
    pub szl: Option<String>,
    pub pdu_len: Option<u16>,
    /// Error class and code.
    pub error: Option<u16>,
    pub item_errors: Vec<Named>,
}

/// Can this be the beginning of a message?
pub fn begins(payload: &[u8]) -> bool {
    match payload {
        [S7, kind, ..] => matches!(*kind, rosctr::JOB..=rosctr::ACK_DATA | rosctr::USERDATA),
        [S7_PLUS, version, ..] => matches!(version, 1..=3 | 0xfe),
        _ => false,
    }
}

/// Reads a message; of S7comm-plus `Ok(None)` for those without a function (keep-alives, encrypted ones).
pub fn parse(payload: &[u8]) -> ParseResult<Option<Message>> {
    let mut r = Reader::new(payload);
    match r.u8(&"protocol id")? {
        S7 => classic(&mut r).map(Some),
        S7_PLUS => plus(&mut r),
        _ => Err(ParseError::bad(&"protocol id")),
    }
}

fn classic(r: &mut Reader<'_>) -> ParseResult<Message> {
    let kind = r.u8(&"kind")?;
    r.skip(&"reserved", 2)?;
    let reference = r.u16(&"reference")?;
    let (params_len, data_len) = (r.u16(&"parameter length")?, r.u16(&"data length")?);
    let mut detail = Detail::default();
    if matches!(kind, rosctr::ACK | rosctr::ACK_DATA) {
        detail.error = Some(r.u16(&"error")?);
    }
    let mut params = r.sub(&"parameters", usize::from(params_len))?;
    // Data may go on in further transport messages.
    let mut data = Reader::new(r.take(&"data", usize::from(data_len).min(r.left()))?);
    let (role, kind, func) = match kind {
        rosctr::JOB => {
            let code = params.u8(&"function")?;
            // What could not be read stays unset: the function is known.
            let _ = job(code, &mut params, &mut detail);
            (Role::Request, "JOB", Some(names::function(code)))
        }
        rosctr::ACK => (Role::Answer, "ACK", None),
        rosctr::ACK_DATA => {
            let code = params.u8(&"function").ok();
            let _ = code.map(|code| answer(code, &mut params, &mut data, &mut detail));
            (Role::Answer, "ACK_DATA", code.map(names::function))
        }
        rosctr::USERDATA => {
            let (role, func) = userdata(&mut params, &mut data, &mut detail)?;
            (role, "USERDATA", Some(func))
        }
        _ => return Err(ParseError::bad(&"kind")),
    };
    Ok(Message { role, plus_version: None, kind, reference, func, detail })
}

/// Parameters of a request behind its function.
fn job(code: u8, r: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    match code {
        func::READ | func::WRITE => {
            let count = r.u8(&"item count")?;
            d.item_count = Some(count);
            for _ in 0..usize::from(count).min(MAX_ITEMS) {
                d.items.push(item(r)?);
            }
        }
        func::SETUP => {
            r.skip(&"queue lengths", 5)?;
            d.pdu_len = Some(r.u16(&"message length")?);
        }
        func::REQUEST_DOWNLOAD | func::DOWNLOAD_BLOCK | func::DOWNLOAD_ENDED | func::START_UPLOAD => {
            r.skip(&"transfer header", 7)?;
            d.block = Some(r.block8(&"block name")?.rest().to_vec());
        }
        func::PI_SERVICE => {
            r.skip(&"service header", 7)?;
            let arguments = r.block16(&"arguments")?.rest();
            d.pi_service = Some(r.block8(&"service name")?.rest().to_vec());
            d.block = Some(arguments.to_vec()).filter(|a| !a.is_empty());
        }
        func::PLC_STOP => {
            r.skip(&"service header", 5)?;
            d.pi_service = Some(r.block8(&"service name")?.rest().to_vec());
        }
        _ => {}
    }
    Ok(())
}

/// One variable: specification 0x12, length, syntax, then by syntax.
fn item(r: &mut Reader<'_>) -> ParseResult<String> {
    r.skip(&"variable specification", 1)?;
    let mut spec = r.block8(&"item")?;
    let syntax = spec.u8(&"syntax")?;
    if syntax != names::SYNTAX_ANY {
        return Ok(names::syntax(syntax).map_or_else(|| format!("syntax 0x{syntax:02x}"), str::to_owned));
    }
    let kind = spec.u8(&"type")?;
    let count = spec.u16(&"count")?;
    let block = spec.u16(&"data block")?;
    let area = spec.u8(&"area")?;
    let address = spec.u24(&"address")?;
    let place = match names::area(area) {
        Some("DB") => format!("DB{block}"),
        Some("DI") => format!("DI{block}"),
        Some(name) => name.to_owned(),
        None => format!("area 0x{area:02x}"),
    };
    let kind = names::kind(kind).map_or_else(|| format!("type 0x{kind:02x}"), str::to_owned);
    Ok(format!("{place} {}.{} {kind} {count}", address >> 3, address & 7))
}

/// Parameters and data of an answer.
fn answer(code: u8, params: &mut Reader<'_>, data: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    match code {
        func::SETUP => {
            params.skip(&"queue lengths", 5)?;
            d.pdu_len = Some(params.u16(&"message length")?);
        }
        func::READ => {
            for _ in 0..params.u8(&"item count")? {
                note(d, data.u8(&"return code")?);
                let kind = data.u8(&"type")?;
                let len = usize::from(data.u16(&"length")?);
                // Lengths of bits, bytes and integers are given in bits.
                let len = if matches!(kind, 3..=5) { len.div_ceil(8) } else { len };
                data.skip(&"value", len)?;
                if len % 2 == 1 && !data.is_empty() {
                    data.skip(&"padding", 1)?;
                }
            }
        }
        func::WRITE => {
            for _ in 0..params.u8(&"item count")? {
                note(d, data.u8(&"return code")?);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Notes how an item was refused.
fn note(d: &mut Detail, code: u8) {
    let name = names::return_code(code);
    if code != names::SUCCESS && d.item_errors.len() < MAX_ITEM_ERRORS && !d.item_errors.contains(&name) {
        d.item_errors.push(name);
    }
}

/// Parameters and data of user data: function group and service.
fn userdata(params: &mut Reader<'_>, data: &mut Reader<'_>, d: &mut Detail) -> ParseResult<(Role, Named)> {
    params.skip(&"parameter head", 5)?;
    let kind = params.u8(&"type and group")?;
    let service = params.u8(&"service")?;
    params.skip(&"sequence", 1)?;
    let group = kind & 0x0f;
    d.sub_func = Some(names::service(group, service));
    let role = match kind >> 4 {
        4 => Role::Request,
        8 => Role::Answer,
        _ => Role::Push,
    };
    if role == Role::Answer {
        params.skip(&"data reference", 2)?;
        d.error = Some(params.u16(&"error")?);
    } else if (group, service) == (CPU_FUNCTIONS, READ_SZL) {
        let mut list = || -> ParseResult<String> {
            data.skip(&"data head", 4)?;
            Ok(format!("0x{:04x}/0x{:04x}", data.u16(&"list id")?, data.u16(&"list index")?))
        };
        d.szl = list().ok();
    }
    Ok((role, names::group(group)))
}

fn plus(r: &mut Reader<'_>) -> ParseResult<Option<Message>> {
    let version = r.u8(&"version")?;
    r.skip(&"length", 2)?;
    if version == 3 {
        let digest_len = usize::from(r.u8(&"digest length")?);
        r.skip(&"digest", digest_len)?;
    }
    let (role, kind) = match r.u8(&"opcode") {
        Ok(opcode::REQUEST) => (Role::Request, "REQUEST"),
        Ok(opcode::RESPONSE) => (Role::Answer, "RESPONSE"),
        _ => return Ok(None),
    };
    r.skip(&"reserved", 2)?;
    let function = r.u16(&"function")?;
    r.skip(&"reserved", 2)?;
    let reference = r.u16(&"sequence")?;
    let func = Some(names::plus_function(function));
    Ok(Some(Message { role, plus_version: Some(version), kind, reference, func, detail: Detail::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_reads() {
        let bytes = [
            &[0x32, 1, 0, 0, 0, 7, 0, 26, 0, 0, 4, 2][..],
            &[0x12, 10, 0x10, 2, 0, 16, 0, 5, 0x84, 0, 0, 0x50],
            &[0x12, 10, 0x10, 1, 0, 1, 0, 0, 0x83, 0, 0, 0x1b],
        ];
        let m = parse(&bytes.concat()).unwrap().unwrap();
        assert_eq!((m.role, m.reference, m.func.unwrap().as_str()), (Role::Request, 7, "Read Variable"));
        assert_eq!(m.detail.items, ["DB5 10.0 BYTE 16", "M 3.3 BIT 1"]);
    }

    #[test]
    fn parses_answers() {
        let read = [0x32, 3, 0, 0, 0, 7, 0, 2, 0, 10, 0, 0, 4, 2, 0xff, 4, 0, 8, 1, 0, 10, 0, 0, 0];
        let m = parse(&read).unwrap().unwrap();
        assert_eq!((m.role, m.detail.error), (Role::Answer, Some(0)));
        assert_eq!(m.detail.item_errors, [Named::from("Object does not exist")]);
        let refused = parse(&[0x32, 2, 0, 0, 0, 7, 0, 0, 0, 0, 0x81, 4]).unwrap().unwrap();
        assert_eq!((refused.detail.error, refused.func), (Some(0x8104), None));
    }

    #[test]
    fn parses_stop_and_start() {
        let stop = [&[0x32, 1, 0, 0, 0, 9, 0, 16, 0, 0, 0x29, 0, 0, 0, 0, 0, 9][..], b"P_PROGRAM"].concat();
        let m = parse(&stop).unwrap().unwrap();
        assert_eq!((m.func.unwrap().as_str(), m.detail.pi_service.as_deref()), ("PLC Stop", Some(&b"P_PROGRAM"[..])));
        let start = [&[0x32, 1, 0, 0, 0, 9, 0, 20, 0, 0, 0x28, 0, 0, 0, 0, 0, 0, 0xfd, 0, 0, 9][..], b"P_PROGRAM"];
        let m = parse(&start.concat()).unwrap().unwrap();
        assert_eq!((m.func.unwrap().as_str(), m.detail.block), ("PI-Service", None));
    }

    #[test]
    fn parses_status_lists() {
        let bytes = [0x32, 7, 0, 0, 0, 9, 0, 8, 0, 8, 0, 1, 0x12, 4, 0x11, 0x44, 1, 0, 0xff, 9, 0, 4, 0, 0x1c, 0, 0];
        let m = parse(&bytes).unwrap().unwrap();
        assert_eq!((m.role, m.detail.szl.as_deref()), (Role::Request, Some("0x001c/0x0000")));
        assert_eq!(m.detail.sub_func.unwrap().as_str(), "Read SZL");
    }

    #[test]
    fn parses_plus() {
        let bytes = [0x72, 1, 0, 14, 0x31, 0, 0, 0x04, 0xca, 0, 0, 0, 1, 0, 0, 1, 0x20];
        let m = parse(&bytes).unwrap().unwrap();
        assert_eq!((m.plus_version, m.func.unwrap().as_str()), (Some(1), "CreateObject"));
        let v3 = [&[0x72, 3, 0, 40, 32][..], &[9; 32], &[0x32, 0, 0, 0x05, 0x42, 0, 0, 0, 5]].concat();
        let m = parse(&v3).unwrap().unwrap();
        assert_eq!((m.role, m.reference), (Role::Answer, 5));
        assert_eq!(parse(&[0x72, 0xfe, 0, 4, 0, 0]).unwrap(), None);
    }

    #[test]
    fn rejects_other_bytes() {
        assert!(parse(&[0x33, 1]).is_err());
        assert!(parse(&[0x32, 9, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(!begins(&[0x32, 4]) && !begins(&[0x72, 4]) && !begins(&[]));
    }

    #[test]
    fn limits_items() {
        let items: Vec<u8> = [0x12, 10, 0x10, 2, 0, 1, 0, 5, 0x84, 0, 0, 0].repeat(40);
        let bytes = [&[0x32, 1, 0, 0, 0, 7, 0x01, 0xe2, 0, 0, 4, 40][..], &items].concat();
        let m = parse(&bytes).unwrap().unwrap();
        assert_eq!((m.detail.items.len(), m.detail.item_count), (MAX_ITEMS, Some(40)));
    }
}
