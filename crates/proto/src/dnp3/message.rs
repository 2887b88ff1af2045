//! Application fragments: header and objects (IEEE 1815-2012 clauses 4 and 11, annex A).

use sekisho_wire::{ParseError, ParseResult, Reader};

/// Kinds of objects listed of one fragment.
pub const MAX_KINDS: usize = 16;
/// Operated points listed of one fragment.
pub const MAX_CONTROLS: usize = 16;
/// Objects looked at behind one object header.
const MAX_OBJECTS: usize = 256;

/// Function codes with a meaning here (clause 4.2.2.5).
pub mod fc {
    pub const CONFIRM: u8 = 0;
    pub const WRITE: u8 = 2;
    pub const DIRECT_OPERATE_NR: u8 = 6;
    pub const IMMED_FREEZE_NR: u8 = 8;
    pub const FREEZE_CLEAR_NR: u8 = 10;
    pub const FREEZE_AT_TIME: u8 = 11;
    pub const FREEZE_AT_TIME_NR: u8 = 12;
    pub const RESPONSE: u8 = 0x81;
    pub const UNSOLICITED_RESPONSE: u8 = 0x82;
}

/// A fragment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub sequence: u8,
    pub function: u8,
    /// Internal indications, in responses.
    pub iin: Option<u16>,
}

impl Header {
    /// Is it a reply, solicited or not?
    pub const fn is_reply(self) -> bool {
        self.function >= fc::RESPONSE
    }

    /// Reads the header; the reader then stands at the objects.
    pub fn parse(r: &mut Reader<'_>) -> ParseResult<Self> {
        let sequence = r.u8(&"application control")? & 0x0f;
        let function = r.u8(&"function code")?;
        let iin = if function >= fc::RESPONSE { Some(r.u16(&"internal indications")?) } else { None };
        Ok(Self { sequence, function, iin })
    }
}

/// What the objects of a fragment say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    pub kinds: Vec<String>,
    pub controls: Vec<String>,
    /// First status of an operated point that is not success.
    pub status: Option<u8>,
    pub file_name: Option<Vec<u8>>,
}

impl Objects {
    /// Reads as many objects as can be understood.
    pub fn parse(function: u8, r: &mut Reader<'_>) -> Self {
        let mut out = Self::default();
        while !r.is_empty() && out.header(function, r).is_ok() {}
        out
    }

    /// One object header and the objects behind it.
    fn header(&mut self, function: u8, r: &mut Reader<'_>) -> ParseResult<()> {
        let (group, variation, qualifier) = (r.u8(&"group")?, r.u8(&"variation")?, r.u8(&"qualifier")?);
        let kind = format!("g{group}v{variation}");
        if self.kinds.len() < MAX_KINDS && !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
        let (start, count) = range(qualifier & 0x0f, r)?;
        let prefix = qualifier >> 4 & 7;
        // A size before each object means that there are objects, whatever the function.
        if !has_data(function) && prefix < 4 {
            let indices = usize::from([0, 1, 2, 4].get(usize::from(prefix)).copied().unwrap_or(0u8));
            return r.skip(&"indices", count.saturating_mul(indices));
        }
        if let Some(bits) = packed(group, variation).filter(|_| prefix == 0) {
            return r.skip(&"packed bits", count.saturating_mul(bits).div_ceil(8));
        }
        for i in 0..count {
            if i >= MAX_OBJECTS {
                return Err(ParseError::over_limit(&"objects"));
            }
            let before = match prefix {
                0 => None,
                1 | 4 => Some(usize::from(r.u8(&"prefix")?)),
                2 | 5 => Some(usize::from(r.u16_le(&"prefix")?)),
                _ => Some(usize::try_from(r.u32_le(&"prefix")?).unwrap_or(usize::MAX)),
            };
            let size = if prefix >= 4 { before } else { size(group, variation, r) };
            let object = r.take(&"object", size.ok_or(ParseError::bad(&"object of unknown size"))?)?;
            let index = if prefix < 4 { before } else { None };
            self.object(function, (group, variation), index.unwrap_or(start.saturating_add(i)), object);
        }
        Ok(())
    }

    fn object(&mut self, function: u8, kind: (u8, u8), index: usize, bytes: &[u8]) {
        let mut r = Reader::new(bytes);
        let status = match kind {
            (12, 1) => {
                let Ok(code) = r.u8(&"control code") else { return };
                self.control(format!("{index} {}", operation(code)));
                bytes.last().copied()
            }
            (41, 1..=4) => {
                let Some((status, value)) = bytes.split_last() else { return };
                self.control(format!("{index} = {}", number(kind.1, value)));
                Some(*status)
            }
            (70, 3 | 7) => {
                self.file_name = file_name(kind.1, bytes).map(<[u8]>::to_vec);
                None
            }
            _ => None,
        };
        if function >= fc::RESPONSE && self.status.is_none() {
            self.status = status.filter(|s| *s != 0);
        }
    }

    fn control(&mut self, text: String) {
        if self.controls.len() < MAX_CONTROLS {
            self.controls.push(text);
        }
    }
}

/// Do objects of this function carry data (clause 4.4)?
const fn has_data(function: u8) -> bool {
    matches!(function, fc::WRITE..=fc::DIRECT_OPERATE_NR | fc::FREEZE_AT_TIME | fc::FREEZE_AT_TIME_NR | fc::RESPONSE..)
}

/// First index and number of objects (clause 4.2.2.7.3.3).
fn range(code: u8, r: &mut Reader<'_>) -> ParseResult<(usize, usize)> {
    let wide = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let (start, stop) = match code {
        0 => (usize::from(r.u8(&"start")?), usize::from(r.u8(&"stop")?)),
        1 => (usize::from(r.u16_le(&"start")?), usize::from(r.u16_le(&"stop")?)),
        2 => (wide(r.u32_le(&"start")?), wide(r.u32_le(&"stop")?)),
        6 => return Ok((0, 0)),
        7 | 0xb => return Ok((0, usize::from(r.u8(&"count")?))),
        8 => return Ok((0, usize::from(r.u16_le(&"count")?))),
        9 => return Ok((0, wide(r.u32_le(&"count")?))),
        _ => return Err(ParseError::bad(&"range specifier")),
    };
    let last = stop.checked_sub(start).ok_or(ParseError::bad(&"range"))?;
    Ok((start, last.saturating_add(1)))
}

/// Bits per object where objects are packed.
const fn packed(group: u8, variation: u8) -> Option<usize> {
    match (group, variation) {
        (1 | 10 | 80, 1) | (12, 3) => Some(1),
        (3, 1) => Some(2),
        _ => None,
    }
}

/// Bytes of an object (annex A); of device attributes, which begin at the reader, by their own length.
fn size(group: u8, variation: u8, r: &Reader<'_>) -> Option<usize> {
    let analog = || [5, 3, 11, 9, 5, 9, 11, 15].get(usize::from(variation).wrapping_sub(1)).copied();
    let counter = || match variation {
        1 => Some(5),
        2 => Some(3),
        5 => Some(11),
        6 => Some(9),
        9 => Some(4),
        10 => Some(2),
        _ => None,
    };
    match (group, variation) {
        (0, _) => r.rest().get(1).map(|len| 2 + usize::from(*len)),
        (1 | 3 | 10, 2) | (2 | 4 | 11 | 13, 1) => Some(1),
        (2 | 4 | 11 | 13, 2) => Some(7),
        (2 | 4, 3) => Some(3),
        (12, 1 | 2) => Some(11),
        (20, 5) => Some(4),
        (20, 6) => Some(2),
        (20..=23, _) => counter(),
        (30, 3) | (31, 5) => Some(4),
        (30, 4) | (31, 6) => Some(2),
        (30, 1 | 2 | 5 | 6) | (32 | 33 | 42 | 43, _) | (31, 1..=4) => analog(),
        (31, 7) => Some(5),
        (31, 8) => Some(9),
        (34, 1) | (52, 1 | 2) => Some(2),
        (34, 2 | 3) => Some(4),
        (40 | 41, 1 | 3) => Some(5),
        (40 | 41, 2) => Some(3),
        (40 | 41, 4) => Some(9),
        (50, 1) | (51, 1 | 2) => Some(6),
        (50, 2) => Some(10),
        (50, 4) => Some(11),
        (60, _) => Some(0),
        (110 | 111, n) => Some(usize::from(n)),
        _ => None,
    }
}

/// A control relay output's operation (annex A.8.1): operation type, then trip or close.
fn operation(code: u8) -> String {
    let kind = match code & 0x0f {
        0 => "NUL",
        1 => "PULSE_ON",
        2 => "PULSE_OFF",
        3 => "LATCH_ON",
        4 => "LATCH_OFF",
        n => return format!("OPERATION_{n}"),
    };
    let relay = match code >> 6 {
        1 => "CLOSE ",
        2 => "TRIP ",
        _ => "",
    };
    format!("{relay}{kind}")
}

/// The value of an analog output (annex A.22).
fn number(variation: u8, value: &[u8]) -> String {
    let mut r = Reader::new(value);
    let text = match variation {
        1 => r.u32_le(&"value").map(|v| v.cast_signed().to_string()),
        2 => r.u16_le(&"value").map(|v| v.cast_signed().to_string()),
        3 => r.u32_le(&"value").map(|v| f32::from_bits(v).to_string()),
        _ => r.u64_le(&"value").map(|v| f64::from_bits(v).to_string()),
    };
    text.unwrap_or_default()
}

/// The name in a file command (annex A.27.3) or a descriptor (A.27.7).
fn file_name(variation: u8, bytes: &[u8]) -> Option<&[u8]> {
    let mut r = Reader::new(bytes);
    let at = usize::from(r.u16_le(&"name offset").ok()?);
    let len = usize::from(r.u16_le(&"name size").ok()?);
    // Offsets count from the object's start; both kinds have their name last.
    let fixed = if variation == 3 { 26 } else { 20 };
    bytes.get(at.max(fixed)..)?.get(..len).filter(|name| !name.is_empty())
}

/// Name of a function (as Zeek's `DNP3::function_codes`).
pub const fn function(code: u8) -> Option<&'static str> {
    Some(match code {
        0x00 => "CONFIRM",
        0x01 => "READ",
        0x02 => "WRITE",
        0x03 => "SELECT",
        0x04 => "OPERATE",
        0x05 => "DIRECT_OPERATE",
        0x06 => "DIRECT_OPERATE_NR",
        0x07 => "IMMED_FREEZE",
        0x08 => "IMMED_FREEZE_NR",
        0x09 => "FREEZE_CLEAR",
        0x0a => "FREEZE_CLEAR_NR",
        0x0b => "FREEZE_AT_TIME",
        0x0c => "FREEZE_AT_TIME_NR",
        0x0d => "COLD_RESTART",
        0x0e => "WARM_RESTART",
        0x0f => "INITIALIZE_DATA",
        0x10 => "INITIALIZE_APPL",
        0x11 => "START_APPL",
        0x12 => "STOP_APPL",
        0x13 => "SAVE_CONFIG",
        0x14 => "ENABLE_UNSOLICITED",
        0x15 => "DISABLE_UNSOLICITED",
        0x16 => "ASSIGN_CLASS",
        0x17 => "DELAY_MEASURE",
        0x18 => "RECORD_CURRENT_TIME",
        0x19 => "OPEN_FILE",
        0x1a => "CLOSE_FILE",
        0x1b => "DELETE_FILE",
        0x1c => "GET_FILE_INFO",
        0x1d => "AUTHENTICATE_FILE",
        0x1e => "ABORT_FILE",
        0x1f => "ACTIVATE_CONFIG",
        0x20 => "AUTHENTICATE_REQ",
        0x21 => "AUTHENTICATE_ERR",
        0x81 => "RESPONSE",
        0x82 => "UNSOLICITED_RESPONSE",
        0x83 => "AUTHENTICATE_RESP",
        _ => return None,
    })
}

/// Name of a status with which an operation is answered (annex A.8.1, table for status codes).
pub const fn status(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "SUCCESS",
        1 => "TIMEOUT",
        2 => "NO_SELECT",
        3 => "FORMAT_ERROR",
        4 => "NOT_SUPPORTED",
        5 => "ALREADY_ACTIVE",
        6 => "HARDWARE_ERROR",
        7 => "LOCAL",
        8 => "TOO_MANY_OBJS",
        9 => "NOT_AUTHORIZED",
        10 => "AUTOMATION_INHIBIT",
        11 => "PROCESSING_LIMITED",
        12 => "OUT_OF_RANGE",
        126 => "NON_PARTICIPATING",
        127 => "UNDEFINED",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(function: u8, bytes: &[u8]) -> Objects {
        Objects::parse(function, &mut Reader::new(bytes))
    }

    #[test]
    fn parses_headers() {
        let mut r = Reader::new(&[0xc3, 0x81, 0x90, 0x00]);
        let h = Header::parse(&mut r).unwrap();
        assert_eq!((h.sequence, h.function, h.iin, h.is_reply()), (3, 0x81, Some(0x9000), true));
        assert!(Header::parse(&mut Reader::new(&[0xc3])).is_err());
        assert!(Header::parse(&mut Reader::new(&[0xc3, 0x81, 0])).is_err());
    }

    #[test]
    fn parses_class_reads() {
        let o = objects(1, &[60, 2, 6, 60, 3, 6, 60, 4, 6, 60, 1, 6]);
        assert_eq!(o.kinds, ["g60v2", "g60v3", "g60v4", "g60v1"]);
        let o = objects(1, &[30, 0, 0, 0, 9, 1, 2, 0x17, 2, 4, 5, 60, 1, 6]);
        assert_eq!(o.kinds, ["g30v0", "g1v2", "g60v1"]);
    }

    #[test]
    fn parses_operations() {
        let crob = [12, 1, 0x28, 1, 0, 7, 0, 0x81, 1, 100, 0, 0, 0, 100, 0, 0, 0, 4];
        let o = objects(4, &crob);
        assert_eq!((o.controls, o.status), (vec!["7 TRIP PULSE_ON".to_owned()], None));
        assert_eq!(objects(0x81, &crob).status, Some(4));
        let o = objects(5, &[41, 2, 0x17, 1, 3, 0x9c, 0xff, 0]);
        assert_eq!(o.controls, ["3 = -100"]);
    }

    #[test]
    fn parses_objects_behind_data() {
        let o = objects(0x81, &[1, 1, 0, 0, 9, 0xff, 3, 30, 4, 0, 0, 1, 1, 0, 2, 0, 20, 5, 0x17, 1, 0, 1, 2, 3, 4]);
        assert_eq!(o.kinds, ["g1v1", "g30v4", "g20v5"]);
    }

    #[test]
    fn parses_file_names() {
        let command = [&[26, 0, 5, 0][..], &[0; 22], b"a.txt"].concat();
        let bytes = [&[70, 3, 0x5b, 1, command.len() as u8, 0][..], &command].concat();
        assert_eq!(objects(25, &bytes).file_name.as_deref(), Some(b"a.txt".as_slice()));
    }

    #[test]
    fn rejects_what_it_cannot_measure() {
        let o = objects(0x81, &[99, 1, 0, 0, 9, 0xff, 3, 30, 4, 0, 0, 1]);
        assert_eq!(o.kinds, ["g99v1"]);
        assert_eq!(objects(1, &[1, 1, 0, 9, 0, 60, 1, 6]).kinds, ["g1v1"]);
    }

    #[test]
    fn limits_lists() {
        let many: Vec<u8> = (0..100).flat_map(|v| [60, v, 6]).collect();
        assert_eq!(objects(1, &many).kinds.len(), MAX_KINDS);
        let points = [&[41, 2, 0x07, 200][..], &[1; 600]].concat();
        assert_eq!(objects(5, &points).controls.len(), MAX_CONTROLS);
    }
}
