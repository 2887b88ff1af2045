//! Messages (IEC 60870-5-101 clauses 7.2 and 7.3, with the field lengths of IEC 60870-5-104).

use crate::named::Named;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Objects listed of one message.
pub const MAX_OBJECTS: usize = 16;
/// Length of the unit identifier before the objects.
pub const IDENTIFIER_LEN: usize = 6;
/// Length of an object's address.
const ADDRESS_LEN: usize = 3;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asdu {
    pub type_id: u8,
    pub count: u8,
    pub cause: u8,
    pub negative: bool,
    pub test: bool,
    pub originator: u8,
    pub common_address: u16,
    pub addresses: Vec<u32>,
    pub values: Vec<String>,
    pub quality: Vec<&'static str>,
    pub select: Option<bool>,
}

/// How an object's first bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Single-point with quality.
    Single,
    /// Double-point with quality.
    Double,
    /// Step position, then quality.
    Step,
    /// 32 bits, then quality.
    Bits,
    /// Fraction of full scale, then quality (without in type 21).
    Normalized,
    /// 16-bit number, then quality.
    Scaled,
    /// 32-bit floating point number, then quality.
    Float,
    /// 32-bit counter with sequence.
    Counter,
    /// Command of one bit.
    SingleCommand,
    /// Command of two bits.
    DoubleCommand,
    /// Lower or higher.
    StepCommand,
    /// Set points and parameters: value, then qualifier.
    SetNormalized,
    /// See [`Shape::SetNormalized`].
    SetScaled,
    /// See [`Shape::SetNormalized`].
    SetFloat,
    /// 32 bits, no qualifier.
    SetBits,
    /// One byte that says what is meant.
    Qualifier,
    /// Nothing that is read here.
    Opaque,
}

/// Name, length of an object without its address, and how to read it; by type.
type Kind = (&'static str, usize, Shape);

/// The types (IEC 60870-5-104 clause 6).
fn kind(type_id: u8) -> Option<Kind> {
    use Shape::*;
    Some(match type_id {
        1 => ("M_SP_NA_1", 1, Single),
        2 => ("M_SP_TA_1", 4, Single),
        3 => ("M_DP_NA_1", 1, Double),
        4 => ("M_DP_TA_1", 4, Double),
        5 => ("M_ST_NA_1", 2, Step),
        6 => ("M_ST_TA_1", 5, Step),
        7 => ("M_BO_NA_1", 5, Bits),
        8 => ("M_BO_TA_1", 8, Bits),
        9 => ("M_ME_NA_1", 3, Normalized),
        10 => ("M_ME_TA_1", 6, Normalized),
        11 => ("M_ME_NB_1", 3, Scaled),
        12 => ("M_ME_TB_1", 6, Scaled),
        13 => ("M_ME_NC_1", 5, Float),
        14 => ("M_ME_TC_1", 8, Float),
        15 => ("M_IT_NA_1", 5, Counter),
        16 => ("M_IT_TA_1", 8, Counter),
        20 => ("M_PS_NA_1", 5, Bits),
        21 => ("M_ME_ND_1", 2, Normalized),
        30 => ("M_SP_TB_1", 8, Single),
        31 => ("M_DP_TB_1", 8, Double),
        32 => ("M_ST_TB_1", 9, Step),
        33 => ("M_BO_TB_1", 12, Bits),
        34 => ("M_ME_TD_1", 10, Normalized),
        35 => ("M_ME_TE_1", 10, Scaled),
        36 => ("M_ME_TF_1", 12, Float),
        37 => ("M_IT_TB_1", 12, Counter),
        38 => ("M_EP_TD_1", 10, Opaque),
        39 => ("M_EP_TE_1", 11, Opaque),
        40 => ("M_EP_TF_1", 11, Opaque),
        45 => ("C_SC_NA_1", 1, SingleCommand),
        46 => ("C_DC_NA_1", 1, DoubleCommand),
        47 => ("C_RC_NA_1", 1, StepCommand),
        48 => ("C_SE_NA_1", 3, SetNormalized),
        49 => ("C_SE_NB_1", 3, SetScaled),
        50 => ("C_SE_NC_1", 5, SetFloat),
        51 => ("C_BO_NA_1", 4, SetBits),
        58 => ("C_SC_TA_1", 8, SingleCommand),
        59 => ("C_DC_TA_1", 8, DoubleCommand),
        60 => ("C_RC_TA_1", 8, StepCommand),
        61 => ("C_SE_TA_1", 10, SetNormalized),
        62 => ("C_SE_TB_1", 10, SetScaled),
        63 => ("C_SE_TC_1", 12, SetFloat),
        64 => ("C_BO_TA_1", 11, SetBits),
        70 => ("M_EI_NA_1", 1, Qualifier),
        100 => ("C_IC_NA_1", 1, Qualifier),
        101 => ("C_CI_NA_1", 1, Qualifier),
        102 => ("C_RD_NA_1", 0, Opaque),
        103 => ("C_CS_NA_1", 7, Opaque),
        104 => ("C_TS_NA_1", 2, Opaque),
        105 => ("C_RP_NA_1", 1, Qualifier),
        106 => ("C_CD_NA_1", 2, Opaque),
        107 => ("C_TS_TA_1", 9, Opaque),
        110 => ("P_ME_NA_1", 3, SetNormalized),
        111 => ("P_ME_NB_1", 3, SetScaled),
        112 => ("P_ME_NC_1", 5, SetFloat),
        113 => ("P_AC_NA_1", 1, Qualifier),
        120 => ("F_FR_NA_1", 6, Opaque),
        121 => ("F_SR_NA_1", 7, Opaque),
        122 => ("F_SC_NA_1", 4, Opaque),
        123 => ("F_LS_NA_1", 5, Opaque),
        124 => ("F_AF_NA_1", 4, Opaque),
        126 => ("F_DR_TA_1", 13, Opaque),
        127 => ("F_SC_NB_1", 16, Opaque),
        _ => return None,
    })
}

/// Segments of files have a length of their own.
const FILE_SEGMENT: u8 = 125;

/// Name of a type.
pub fn type_name(type_id: u8) -> Option<&'static str> {
    if type_id == FILE_SEGMENT { Some("F_SG_NA_1") } else { kind(type_id).map(|k| k.0) }
}

/// Does a message of `len` bytes that begins so have the length that its type and number of objects ask for?
pub fn fits(head: [u8; 2], len: usize) -> bool {
    let [type_id, qualifier] = head;
    let count = usize::from(qualifier & 0x7f);
    let Some((_, size, _)) = kind(type_id) else { return false };
    let objects = if qualifier & 0x80 != 0 { ADDRESS_LEN + count * size } else { count * (ADDRESS_LEN + size) };
    count > 0 && len == IDENTIFIER_LEN + objects
}

/// Qualities other than good, and the bits of a quality descriptor.
const QUALITIES: [(u8, &str); 5] =
    [(0x01, "overflow"), (0x10, "blocked"), (0x20, "substituted"), (0x40, "not topical"), (0x80, "invalid")];
/// Bit of a command that selects rather than executes.
const SELECT: u8 = 0x80;
/// Types from here on are parameters, whose qualifiers have no such bit.
const FIRST_PARAMETER: u8 = 110;

impl Asdu {
    /// Reads a message.
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let type_id = r.u8(&"type")?;
        let qualifier = r.u8(&"structure qualifier")?;
        let cause = r.u8(&"cause")?;
        let originator = r.u8(&"originator")?;
        let common_address = r.u16_le(&"common address")?;
        let mut out = Self {
            type_id,
            count: qualifier & 0x7f,
            cause: cause & 0x3f,
            negative: cause & 0x40 != 0,
            test: cause & 0x80 != 0,
            originator,
            common_address,
            addresses: Vec::new(),
            values: Vec::new(),
            quality: Vec::new(),
            select: None,
        };
        out.objects(qualifier & 0x80 != 0, &mut r)?;
        Ok(out)
    }

    /// The objects; in a sequence only the first has an address.
    fn objects(&mut self, sequence: bool, r: &mut Reader<'_>) -> ParseResult<()> {
        let kind = kind(self.type_id);
        for i in 0..usize::from(self.count).min(MAX_OBJECTS) {
            let address = match self.addresses.last() {
                Some(last) if sequence => last.wrapping_add(1),
                _ => {
                    let low = u32::from(r.u16_le(&"object address")?);
                    low | u32::from(r.u8(&"object address")?) << 16
                }
            };
            self.addresses.push(address);
            let Some((_, size, shape)) = kind else { return Ok(()) };
            let object = r.take(&"object", size)?;
            if i == 0 && shape == Shape::Opaque {
                // A list of empty values would say nothing.
                continue;
            }
            self.object(shape, object)?;
        }
        Ok(())
    }

    fn object(&mut self, shape: Shape, bytes: &[u8]) -> ParseResult<()> {
        use Shape::*;
        let mut r = Reader::new(bytes);
        self.values.push(value(shape, &mut r)?);
        match shape {
            // A point's upper bits are its quality.
            Single | Double => self.quality(r.u8(&"point")? & 0xf0),
            Counter => self.quality(r.u8(&"sequence")? & 0x80),
            // Type 21 goes without.
            Step | Bits | Normalized | Scaled | Float => r.u8(&"quality").into_iter().for_each(|q| self.quality(q)),
            SingleCommand | DoubleCommand | StepCommand | SetNormalized | SetScaled | SetFloat => {
                let qualifier = r.u8(&"command")?;
                if self.type_id < FIRST_PARAMETER {
                    self.select = Some(qualifier & SELECT != 0);
                }
            }
            SetBits | Qualifier | Opaque => {}
        }
        Ok(())
    }

    fn quality(&mut self, bits: u8) {
        for (bit, name) in QUALITIES {
            if bits & bit != 0 && !self.quality.contains(&name) {
                self.quality.push(name);
            }
        }
    }
}

/// The value at the beginning of an object; the reader then stands at its qualities or its command's qualifier,
/// which for points and simple commands is the same byte.
fn value(shape: Shape, r: &mut Reader<'_>) -> ParseResult<String> {
    use Shape::*;
    let first = r.rest().first().copied().unwrap_or_default();
    let named = |names: [&str; 4]| names.get(usize::from(first & 3)).copied().unwrap_or_default().to_owned();
    Ok(match shape {
        Single | SingleCommand => named(["off", "on", "off", "on"]),
        Double => named(["intermediate", "off", "on", "indeterminate"]),
        DoubleCommand => named(["not permitted", "off", "on", "not permitted"]),
        StepCommand => named(["not permitted", "lower", "higher", "not permitted"]),
        // Seven bits with a sign; the eighth says that it is moving.
        Step => ((r.u8(&"step")? << 1).cast_signed() >> 1).to_string(),
        Bits | SetBits => format!("0x{:08x}", r.u32_le(&"bits")?),
        Normalized | SetNormalized => normalized(r)?,
        Scaled | SetScaled => r.u16_le(&"value")?.cast_signed().to_string(),
        Float | SetFloat => f32::from_bits(r.u32_le(&"value")?).to_string(),
        Counter => r.u32_le(&"counter")?.cast_signed().to_string(),
        Qualifier => first.to_string(),
        Opaque => return Err(ParseError::bad(&"object")),
    })
}

/// A fraction of full scale from -1 to 1 - 2^-15.
fn normalized(r: &mut Reader<'_>) -> ParseResult<String> {
    let raw = r.u16_le(&"value")?.cast_signed();
    Ok((f64::from(raw) / 32768.0).to_string())
}

/// Name of a cause (IEC 60870-5-101 clause 7.2.3).
pub fn cause(code: u8) -> Named {
    let name = match code {
        1 => "periodic",
        2 => "background scan",
        3 => "spontaneous",
        4 => "initialized",
        5 => "request",
        6 => "activation",
        7 => "activation confirmation",
        8 => "deactivation",
        9 => "deactivation confirmation",
        10 => "activation termination",
        11 => "return by remote command",
        12 => "return by local command",
        13 => "file transfer",
        20 => "station interrogation",
        21..=36 => return Named::or_number(None, "interrogation of group ", code - 20),
        37 => "counter interrogation",
        38..=41 => return Named::or_number(None, "counter interrogation of group ", code - 37),
        44 => "unknown type",
        45 => "unknown cause",
        46 => "unknown common address",
        47 => "unknown object address",
        _ => return Named::or_number(None, "cause ", code),
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_measurements() {
        let bytes = [13, 2, 3, 0, 7, 0, 1, 0, 0, 0, 0, 0xac, 0x41, 0, 2, 1, 0, 0, 0, 0x48, 0xc2, 0x81];
        let a = Asdu::parse(&bytes).unwrap();
        assert_eq!((a.cause, a.common_address, &a.addresses[..]), (3, 7, &[1, 258][..]));
        assert_eq!(
            (&a.values[..], &a.quality[..]),
            (&["21.5", "-50"].map(str::to_owned)[..], &["overflow", "invalid"][..])
        );
        assert!(fits([13, 2], bytes.len()));
    }

    #[test]
    fn parses_sequences() {
        let a = Asdu::parse(&[1, 0x83, 20, 0, 1, 0, 10, 0, 0, 1, 0, 0x41]).unwrap();
        assert_eq!(a.addresses, [10, 11, 12]);
        assert_eq!(
            (a.values, a.quality),
            (vec!["on".to_owned(), "off".to_owned(), "on".to_owned()], vec!["not topical"])
        );
        let a = Asdu::parse(&[9, 0x81, 1, 0, 1, 0, 1, 0, 0, 0, 0xc0, 0]).unwrap();
        assert_eq!(a.values, ["-0.5"]);
        let a = Asdu::parse(&[5, 1, 1, 0, 1, 0, 1, 0, 0, 0x7f, 0]).unwrap();
        assert_eq!(a.values, ["-1"]);
    }

    #[test]
    fn parses_commands() {
        let a = Asdu::parse(&[46, 1, 0x46, 5, 1, 0, 9, 0, 0, 0x82]).unwrap();
        assert_eq!((a.select, a.negative, a.originator, &a.values[0][..]), (Some(true), true, 5, "on"));
        let a = Asdu::parse(&[100, 1, 6, 0, 0xff, 0xff, 0, 0, 0, 20]).unwrap();
        assert_eq!((a.common_address, &a.values[0][..], a.select), (65535, "20", None));
        let a = Asdu::parse(&[103, 1, 6, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
        assert!(a.values.is_empty());
    }

    #[test]
    fn rejects_short_messages() {
        assert!(Asdu::parse(&[1, 1, 3, 0, 1]).is_err());
        assert!(Asdu::parse(&[1, 2, 3, 0, 1, 0, 1, 0, 0, 1, 2]).is_err());
        assert!(!fits([1, 0], 6) && !fits([200, 1], 10) && !fits([1, 1], 11));
    }

    #[test]
    fn limits_objects() {
        let bytes = [&[1, 0xff, 3, 0, 1, 0, 1, 0, 0][..], &[1; 127]].concat();
        let a = Asdu::parse(&bytes).unwrap();
        assert_eq!((a.count, a.values.len()), (127, MAX_OBJECTS));
    }

    #[test]
    fn names_causes() {
        assert_eq!(cause(22).as_str(), "interrogation of group 2");
        assert_eq!((cause(47).as_str(), cause(60).as_str()), ("unknown object address", "cause 60"));
    }
}
