//! Messages: header (Modbus Messaging on TCP/IP V1.0b §3.1.3) and functions (Modbus Application Protocol V1.1b3 §6).

use crate::frames::Head;
use sekisho_wire::{ParseResult, Reader};

/// Length of the header up to the function code.
pub const HEADER_LEN: usize = 8;
/// Bytes before those that the header's length counts.
const PREFIX_LEN: usize = 6;
/// Least and largest value of the header's length: unit and function; 253 bytes of PDU, with some slack for devices
/// that send more.
const LEN: std::ops::RangeInclusive<u16> = 2..=260;
/// Longest message in bytes.
pub const MAX_FRAME_LEN: usize = PREFIX_LEN + 260;
/// Values logged of one message; the rest is told by its quantity only.
pub const MAX_VALUES: usize = 32;
/// Objects looked at of one device identification.
pub const MAX_OBJECTS: u8 = 16;

/// Function codes with a meaning here (§5.1).
pub mod func {
    pub const READ_COILS: u8 = 1;
    pub const READ_DISCRETE_INPUTS: u8 = 2;
    pub const READ_HOLDING_REGISTERS: u8 = 3;
    pub const READ_INPUT_REGISTERS: u8 = 4;
    pub const WRITE_SINGLE_COIL: u8 = 5;
    pub const WRITE_SINGLE_REGISTER: u8 = 6;
    pub const DIAGNOSTICS: u8 = 8;
    pub const WRITE_MULTIPLE_COILS: u8 = 15;
    pub const WRITE_MULTIPLE_REGISTERS: u8 = 16;
    pub const MASK_WRITE_REGISTER: u8 = 22;
    pub const READ_WRITE_MULTIPLE_REGISTERS: u8 = 23;
    pub const READ_FIFO_QUEUE: u8 = 24;
    pub const ENCAPSULATED_INTERFACE: u8 = 43;
    pub const UMAS: u8 = 90;
    /// Set in a response that refuses.
    pub const EXCEPTION: u8 = 0x80;
}

/// Sub-function of the encapsulated interface: read device identification (§6.21).
pub const DEVICE_IDENTIFICATION: u16 = 14;

/// The header and the function code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub tid: u16,
    pub unit: u8,
    pub func: u8,
}

impl Header {
    /// Reads the header; the reader then stands at the function's data.
    pub fn parse(r: &mut Reader<'_>) -> ParseResult<Self> {
        let tid = r.u16(&"transaction id")?;
        r.skip(&"protocol id and length", 4)?;
        Ok(Self { tid, unit: r.u8(&"unit")?, func: r.u8(&"function code")? })
    }
}

/// How long is the message that begins with `bytes`?
pub fn extent(bytes: &[u8]) -> Head {
    let Some(&[_, _, p0, p1, l0, l1]) = bytes.first_chunk() else { return Head::More };
    let len = u16::from_be_bytes([l0, l1]);
    if (p0, p1) != (0, 0) || !LEN.contains(&len) {
        return Head::Bad;
    }
    Head::whole(PREFIX_LEN + usize::from(len))
}

/// As [`extent`], for a beginning in the midst of unknown bytes: the function's length must fit, too.
pub fn surely(bytes: &[u8]) -> Head {
    let whole = extent(bytes);
    let Some(&[_, _, _, _, _, len, _, code]) = bytes.first_chunk::<HEADER_LEN>() else {
        return if whole == Head::Bad { whole } else { Head::More };
    };
    let fits = match code {
        func::READ_COILS..=func::READ_INPUT_REGISTERS => len >= 4,
        func::WRITE_SINGLE_COIL | func::WRITE_SINGLE_REGISTER => len == 6,
        func::WRITE_MULTIPLE_COILS | func::WRITE_MULTIPLE_REGISTERS => len >= 6,
        code => code & func::EXCEPTION == 0 && code != 0 || len == 3,
    };
    if fits { whole } else { Head::Bad }
}

/// What a message says beyond its header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    pub sub_func: Option<u16>,
    pub address: Option<u16>,
    pub quantity: Option<u16>,
    pub values: Vec<u16>,
    /// Vendor, product code, revision.
    pub device: [Option<Vec<u8>>; 3],
}

/// The data of a request.
pub fn request(code: u8, r: &mut Reader<'_>) -> ParseResult<Detail> {
    let mut d = Detail::default();
    match code {
        func::READ_COILS..=func::READ_INPUT_REGISTERS => {
            d.address = Some(r.u16(&"address")?);
            d.quantity = Some(r.u16(&"quantity")?);
        }
        func::WRITE_SINGLE_COIL | func::WRITE_SINGLE_REGISTER => single(code, r, &mut d)?,
        func::WRITE_MULTIPLE_COILS => {
            d.address = Some(r.u16(&"address")?);
            let quantity = r.u16(&"quantity")?;
            d.quantity = Some(quantity);
            d.values = coils(r.block8(&"coils")?.rest(), quantity);
        }
        func::WRITE_MULTIPLE_REGISTERS => {
            d.address = Some(r.u16(&"address")?);
            d.quantity = Some(r.u16(&"quantity")?);
            d.values = registers(r.block8(&"registers")?);
        }
        func::MASK_WRITE_REGISTER => mask(r, &mut d)?,
        func::READ_WRITE_MULTIPLE_REGISTERS => {
            r.skip(&"what to read", 4)?;
            d.address = Some(r.u16(&"address")?);
            d.quantity = Some(r.u16(&"quantity")?);
            d.values = registers(r.block8(&"registers")?);
        }
        func::READ_FIFO_QUEUE => d.address = Some(r.u16(&"address")?),
        func::DIAGNOSTICS => d.sub_func = Some(r.u16(&"sub-function")?),
        func::ENCAPSULATED_INTERFACE => d.sub_func = Some(u16::from(r.u8(&"interface type")?)),
        func::UMAS => {
            r.skip(&"session", 1)?;
            d.sub_func = Some(u16::from(r.u8(&"UMAS function")?));
        }
        _ => {}
    }
    Ok(d)
}

/// The data of a response to a request for `quantity` items, if that is known.
pub fn response(code: u8, quantity: Option<u16>, r: &mut Reader<'_>) -> ParseResult<Detail> {
    let mut d = Detail::default();
    match code {
        func::READ_COILS | func::READ_DISCRETE_INPUTS => {
            d.values = coils(r.block8(&"coils")?.rest(), quantity.unwrap_or(0));
        }
        func::READ_HOLDING_REGISTERS | func::READ_INPUT_REGISTERS | func::READ_WRITE_MULTIPLE_REGISTERS => {
            d.values = registers(r.block8(&"registers")?);
        }
        func::WRITE_SINGLE_COIL | func::WRITE_SINGLE_REGISTER => single(code, r, &mut d)?,
        func::WRITE_MULTIPLE_COILS | func::WRITE_MULTIPLE_REGISTERS => {
            d.address = Some(r.u16(&"address")?);
            d.quantity = Some(r.u16(&"quantity")?);
        }
        func::MASK_WRITE_REGISTER => mask(r, &mut d)?,
        func::READ_FIFO_QUEUE => {
            let mut queue = r.block16(&"queue")?;
            d.quantity = Some(queue.u16(&"count")?);
            d.values = registers(queue);
        }
        func::DIAGNOSTICS => d.sub_func = Some(r.u16(&"sub-function")?),
        func::ENCAPSULATED_INTERFACE => {
            let kind = u16::from(r.u8(&"interface type")?);
            d.sub_func = Some(kind);
            if kind == DEVICE_IDENTIFICATION {
                device(r, &mut d)?;
            }
        }
        _ => {}
    }
    Ok(d)
}

fn single(code: u8, r: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    d.address = Some(r.u16(&"address")?);
    d.quantity = Some(1);
    let value = r.u16(&"value")?;
    let coil = code == func::WRITE_SINGLE_COIL;
    d.values.push(if coil && value == 0xff00 { 1 } else { value });
    Ok(())
}

/// A register's new value is `(old & and) | (or & !and)`; both masks are logged.
fn mask(r: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    d.address = Some(r.u16(&"address")?);
    d.quantity = Some(1);
    d.values = vec![r.u16(&"and mask")?, r.u16(&"or mask")?];
    Ok(())
}

fn registers(mut r: Reader<'_>) -> Vec<u16> {
    std::iter::from_fn(|| r.u16(&"register").ok()).take(MAX_VALUES).collect()
}

/// The first `quantity` bits of `bytes`, lowest first.
fn coils(bytes: &[u8], quantity: u16) -> Vec<u16> {
    let bits = bytes.iter().flat_map(|b| (0..8).map(move |i| u16::from(b >> i & 1)));
    bits.take(usize::from(quantity).min(MAX_VALUES)).collect()
}

/// Device identification behind the interface type (§6.21): the three basic objects.
fn device(r: &mut Reader<'_>, d: &mut Detail) -> ParseResult<()> {
    r.skip(&"identification header", 4)?;
    let count = r.u8(&"object count")?;
    for _ in 0..count.min(MAX_OBJECTS) {
        let id = r.u8(&"object id")?;
        let value = r.block8(&"object")?.rest();
        if let Some(slot) = d.device.get_mut(usize::from(id)) {
            *slot = Some(value.to_vec());
        }
    }
    Ok(())
}

/// Do request and response data have a length that fits their function? For recognising the protocol off its port,
/// where only functions count whose lengths are known.
pub fn fits(code: u8, is_request: bool, data: &[u8]) -> bool {
    let counted = |at: usize| data.get(at).is_some_and(|n| usize::from(*n) == data.len().saturating_sub(at + 1));
    match code {
        func::READ_COILS..=func::READ_INPUT_REGISTERS => {
            if is_request {
                data.len() == 4
            } else {
                counted(0)
            }
        }
        func::WRITE_SINGLE_COIL | func::WRITE_SINGLE_REGISTER => data.len() == 4,
        func::WRITE_MULTIPLE_COILS | func::WRITE_MULTIPLE_REGISTERS => {
            if is_request {
                counted(4)
            } else {
                data.len() == 4
            }
        }
        func::MASK_WRITE_REGISTER => data.len() == 6,
        func::READ_WRITE_MULTIPLE_REGISTERS => counted(if is_request { 8 } else { 0 }),
        _ if !is_request && code & func::EXCEPTION != 0 => data.len() == 1,
        _ => false,
    }
}

/// Name of a function (as Zeek's `Modbus::function_codes`).
pub const fn name(code: u8) -> Option<[&'static str; 2]> {
    macro_rules! names {
        ($($n:literal $name:literal)*) => {
            match code {
                $($n => Some([$name, concat!($name, "_EXCEPTION")]),)*
                _ => None,
            }
        };
    }
    names! {
        1 "READ_COILS" 2 "READ_DISCRETE_INPUTS" 3 "READ_HOLDING_REGISTERS" 4 "READ_INPUT_REGISTERS"
        5 "WRITE_SINGLE_COIL" 6 "WRITE_SINGLE_REGISTER" 7 "READ_EXCEPTION_STATUS" 8 "DIAGNOSTICS"
        9 "PROGRAM_484" 10 "POLL_484" 11 "GET_COMM_EVENT_COUNTER" 12 "GET_COMM_EVENT_LOG"
        13 "PROGRAM_584_984" 14 "POLL_584_984" 15 "WRITE_MULTIPLE_COILS" 16 "WRITE_MULTIPLE_REGISTERS"
        17 "REPORT_SLAVE_ID" 18 "PROGRAM_884_U84" 19 "RESET_COMM_LINK_884_U84" 20 "READ_FILE_RECORD"
        21 "WRITE_FILE_RECORD" 22 "MASK_WRITE_REGISTER" 23 "READ_WRITE_MULTIPLE_REGISTERS" 24 "READ_FIFO_QUEUE"
        40 "PROGRAM_CONCEPT" 41 "MULTIPLE_FUNCTION_CODES" 43 "ENCAP_INTERFACE_TRANSPORT" 90 "PROGRAM_UNITY"
        91 "OBJECT_MESSAGING" 125 "FIRMWARE_REPLACEMENT" 126 "PROGRAM_584_984_2" 127 "REPORT_LOCAL_ADDRESS"
    }
}

/// Name of an exception (§7; as Zeek's `Modbus::exception_codes`).
pub const fn exception(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "ILLEGAL_FUNCTION",
        2 => "ILLEGAL_DATA_ADDRESS",
        3 => "ILLEGAL_DATA_VALUE",
        4 => "SLAVE_DEVICE_FAILURE",
        5 => "ACKNOWLEDGE",
        6 => "SLAVE_DEVICE_BUSY",
        8 => "MEMORY_PARITY_ERROR",
        10 => "GATEWAY_PATH_UNAVAILABLE",
        11 => "GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_lengths() {
        assert_eq!(extent(&[0, 1, 0, 0, 0]), Head::More);
        assert_eq!(extent(&[0, 1, 0, 0, 0, 6, 1, 3]), Head::whole(12));
        assert_eq!(extent(&[0, 1, 0, 1, 0, 6]), Head::Bad);
        assert_eq!(extent(&[0, 1, 0, 0, 0, 1]), Head::Bad);
        assert_eq!(extent(&[0, 1, 0, 0, 2, 0]), Head::Bad);
    }

    #[test]
    fn a_beginning_in_the_midst_fits_its_function() {
        assert_eq!(surely(&[0, 1, 0, 0, 0, 6, 1]), Head::More);
        assert_eq!(surely(&[0, 1, 0, 0, 0, 6, 1, 6]), Head::whole(12));
        assert_eq!(surely(&[0, 1, 0, 0, 0, 7, 1, 6]), Head::Bad);
        assert_eq!(surely(&[0, 1, 0, 0, 0, 6, 1, 0]), Head::Bad);
        assert_eq!(surely(&[0, 1, 0, 0, 0, 3, 1, 0x83]), Head::whole(9));
        assert_eq!(surely(&[0, 1, 0, 0, 0, 0]), Head::Bad);
    }

    #[test]
    fn parses_writes() {
        let d = request(func::WRITE_MULTIPLE_COILS, &mut Reader::new(&[0, 19, 0, 10, 2, 0xcd, 1])).unwrap();
        assert_eq!((d.address, d.quantity), (Some(19), Some(10)));
        assert_eq!(d.values, [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]);
        let d = request(func::WRITE_SINGLE_COIL, &mut Reader::new(&[0, 172, 0xff, 0])).unwrap();
        assert_eq!((d.address, &d.values[..]), (Some(172), &[1][..]));
        let d = request(func::READ_WRITE_MULTIPLE_REGISTERS, &mut Reader::new(&[0, 3, 0, 6, 0, 14, 0, 1, 2, 1, 2]));
        assert_eq!(d.unwrap().values, [0x102]);
    }

    #[test]
    fn parses_identification() {
        let body = [14, 1, 1, 0, 0, 2, 0, 3, b'A', b'c', b'm', 1, 2, b'P', b'1'];
        let d = response(func::ENCAPSULATED_INTERFACE, None, &mut Reader::new(&body)).unwrap();
        assert_eq!(d.device, [Some(b"Acm".to_vec()), Some(b"P1".to_vec()), None]);
        assert_eq!(d.sub_func, Some(DEVICE_IDENTIFICATION));
    }

    #[test]
    fn rejects_short_data() {
        assert!(request(func::READ_COILS, &mut Reader::new(&[0, 1, 0])).is_err());
        assert!(response(func::READ_COILS, None, &mut Reader::new(&[4, 0])).is_err());
    }

    #[test]
    fn limits_values() {
        let d = response(func::READ_INPUT_REGISTERS, None, &mut Reader::new(&[[250].as_slice(), &[0; 250]].concat()));
        assert_eq!(d.unwrap().values.len(), MAX_VALUES);
    }

    #[test]
    fn lengths_fit_functions() {
        assert!(fits(3, true, &[0, 0, 0, 1]) && !fits(3, true, &[0, 0, 0]));
        assert!(fits(3, false, &[2, 0, 1]) && !fits(3, false, &[2, 0]));
        assert!(fits(0x83, false, &[2]) && !fits(0x83, true, &[2]));
        assert!(!fits(99, true, &[]));
    }
}
