//! What the objects of a fragment are made of, field by field (IEEE 1815-2012 annex A), by Suricata's names.

use sekisho_transaction::Json;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Length of a text or of bytes.
#[derive(Clone, Copy)]
pub(super) enum Len {
    /// The rest of the object, whose size stands before it.
    Rest,
    /// What the `n`th number of the object says.
    Number(usize),
    /// Always this.
    Fixed(usize),
}

/// One field.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// Parts of an octet, from the lowest bit on, and how many bits each has.
    Bits(&'static [(&'static str, u8)]),
    Bytes(&'static str, Len),
    F32(&'static str),
    F64(&'static str),
    I16(&'static str),
    I32(&'static str),
    Text(&'static str, Len),
    /// Milliseconds since 1970, in six octets.
    Time(&'static str),
    U16(&'static str),
    U24(&'static str),
    U32(&'static str),
    U8(&'static str),
}

/// A kind of object.
pub(super) enum Layout {
    /// Several objects in one octet: the name of the value, and its bits.
    Packed(&'static str, u8),
    /// One after the other: three lists of fields.
    Parts([&'static [Part]; 3]),
    /// As `Parts`, but only with this kind of prefix: a size in two octets.
    Sized16(&'static [Part]),
    /// As `Parts`, but only with a size before each.
    Sized(&'static [Part]),
}

use Part::{Bits, Bytes, F32, F64, I16, I32, Text, Time, U8, U16, U24, U32};

const BINARY: &[Part] = &[Bits(&[
    ("online", 1),
    ("restart", 1),
    ("comm_lost", 1),
    ("remote_forced", 1),
    ("local_forced", 1),
    ("chatter_filter", 1),
    ("reserved", 1),
    ("state", 1),
])];
const DOUBLE: &[Part] = &[Bits(&[
    ("online", 1),
    ("restart", 1),
    ("comm_lost", 1),
    ("remote_forced", 1),
    ("local_forced", 1),
    ("chatter_filter", 1),
    ("state", 2),
])];
const OUTPUT: &[Part] = &[Bits(&[
    ("online", 1),
    ("restart", 1),
    ("comm_lost", 1),
    ("remote_forced", 1),
    ("local_forced", 1),
    ("reserved0", 1),
    ("reserved1", 1),
    ("state", 1),
])];
const COUNTER: &[Part] = &[Bits(&[
    ("online", 1),
    ("restart", 1),
    ("comm_lost", 1),
    ("remote_forced", 1),
    ("local_forced", 1),
    ("rollover", 1),
    ("discontinuity", 1),
    ("reserved0", 1),
])];
/// As [`COUNTER`], with another name for the last bit.
const FROZEN: &[Part] = &[Bits(&[
    ("online", 1),
    ("restart", 1),
    ("comm_lost", 1),
    ("remote_forced", 1),
    ("local_forced", 1),
    ("rollover", 1),
    ("discontinuity", 1),
    ("reserved1", 1),
])];
const DELTA: &[Part] = &[Bits(&[
    ("online", 1),
    ("restart", 1),
    ("comm_lost", 1),
    ("remote_forced", 1),
    ("local_forced", 1),
    ("rollover", 1),
    ("reserved0", 1),
    ("reserved1", 1),
])];
const ANALOG: &[Part] = &[Bits(&[
    ("online", 1),
    ("restart", 1),
    ("comm_lost", 1),
    ("remote_forced", 1),
    ("local_forced", 1),
    ("over_range", 1),
    ("reference_err", 1),
    ("reserved0", 1),
])];
const ASSOCIATED: &[Part] = &[
    Bits(&[
        ("online", 1),
        ("restart", 1),
        ("comm_lost", 1),
        ("remote_forced", 1),
        ("local_forced", 1),
        ("reserved0", 1),
        ("discontinuity", 1),
        ("reserved1", 1),
    ]),
    U16("association_id"),
    U32("count_value"),
];
const RELAY: &[Part] = &[
    Bits(&[("op_type", 4), ("qu", 1), ("cr", 1), ("tcc", 2)]),
    U8("count"),
    U32("ontime"),
    U32("offtime"),
    Bits(&[("status_code", 7), ("reserved", 1)]),
];
const COMMANDED_STATE: &[Part] = &[Bits(&[("status_code", 7), ("commanded_state", 1)])];
const COMMANDED: &[Part] = &[Bits(&[("status_code", 7), ("reserved0", 1)])];
const TIME: &[Part] = &[Time("timestamp")];

/// A count's width by variation, where odd ones have 32 bits.
const fn count(variation: u8) -> &'static [Part] {
    if variation % 2 == 1 { &[U32("count")] } else { &[U16("count")] }
}

/// An analog value by the variations of most groups: 1 and 3 are integers of 32 bits, 2 and 4 of 16, then floats.
const fn value(variation: u8) -> &'static [Part] {
    match variation {
        1 | 3 => &[I32("value")],
        2 | 4 => &[I16("value")],
        5 | 7 => &[F32("value")],
        _ => &[F64("value")],
    }
}

const fn commanded(variation: u8) -> &'static [Part] {
    match variation {
        1 | 3 => &[I32("commanded_value")],
        2 | 4 => &[I16("commanded_value")],
        5 | 7 => &[F32("commanded_value")],
        _ => &[F64("commanded_value")],
    }
}

/// Variations 3, 4, 7 and 8 of analog events have a time.
const fn time(variation: u8) -> &'static [Part] {
    if matches!(variation, 3 | 4 | 7 | 8) { TIME } else { &[] }
}

/// The layout of a kind of object; `None`: unknown, so that nothing behind can be read.
pub(super) const fn layout(group: u8, variation: u8) -> Option<Layout> {
    let parts: [&'static [Part]; 3] = match (group, variation) {
        (1 | 10 | 80, 1) => return Some(Layout::Packed("state", 1)),
        (3, 1) => return Some(Layout::Packed("state", 2)),
        (12, 3) => return Some(Layout::Packed("point", 1)),
        (1, 2) => [BINARY, &[], &[]],
        (2, 1) => [&[U8("state")], &[], &[]],
        (2, 2) => [BINARY, TIME, &[]],
        (2, 3) => [BINARY, &[U16("timestamp")], &[]],
        (3, 2) | (4, 1) => [DOUBLE, &[], &[]],
        (4, 2) => [DOUBLE, TIME, &[]],
        (4, 3) => [DOUBLE, &[U16("relative_time_ms")], &[]],
        (10, 2) | (11, 1) => [OUTPUT, &[], &[]],
        (11, 2) => [OUTPUT, TIME, &[]],
        (12, 1 | 2) => [RELAY, &[], &[]],
        (13, 1) => [COMMANDED_STATE, &[], &[]],
        (13, 2) => [COMMANDED_STATE, TIME, &[]],
        (20, n @ 5..=8) | (21, n @ 9..=12) => [count(n), &[], &[]],
        (20..=23, n @ 1..=2) => [COUNTER, count(n), &[]],
        (20..=23, n @ 3..=4) => [DELTA, count(n), &[]],
        (21, n @ 5..=6) => [FROZEN, count(n), TIME],
        (22 | 23, n @ 5..=6) => [COUNTER, count(n), TIME],
        (21..=23, n @ 7..=8) => [DELTA, count(n), TIME],
        (30, n @ 1..=2) => [ANALOG, value(n), &[]],
        (30, n @ 3..=4) => [value(n), &[], &[]],
        (30, n @ 5..=6) => [ANALOG, value(n), &[]],
        (31, n @ (1..=4 | 7..=8)) => [ANALOG, value(n), if n < 7 { time(n) } else { &[] }],
        (31, 5) => [&[I32("value")], &[], &[]],
        (31, 6) => [&[I16("value")], &[], &[]],
        (32 | 33 | 42, n @ 1..=8) => [ANALOG, value(n), time(n)],
        (34, 1) => [&[U16("deadband_value")], &[], &[]],
        (34, 2) => [&[U32("deadband_value")], &[], &[]],
        (34, 3) => [&[F32("deadband_value")], &[], &[]],
        (40, n @ 1..=2) => [ANALOG, value(n), &[]],
        (40, n @ 3..=4) => [ANALOG, value(n + 2), &[]],
        (41, n @ 1..=2) => [value(n), &[U8("control_status")], &[]],
        (41, n @ 3..=4) => [value(n + 2), &[U8("control_status")], &[]],
        (43, n @ 1..=8) => [COMMANDED, commanded(n), time(n)],
        (50, 1 | 3) | (51, 1 | 2) => [TIME, &[], &[]],
        (50, 2) => [TIME, &[U32("interval")], &[]],
        (50, 4) => [TIME, &[U32("interval_count"), U8("interval_units")], &[]],
        (52, 1) => [&[U16("delay_secs")], &[], &[]],
        (52, 2) => [&[U16("delay_ms")], &[], &[]],
        (81, 1) => [&[Bits(&[("fill_percentage", 7), ("overflow_state", 1)]), U8("group"), U8("variation")], &[], &[]],
        (83, 1) => [
            &[
                Text("vendor_code", Len::Fixed(4)),
                U16("object_id"),
                U16("length"),
                Bytes("data_objects", Len::Number(1)),
            ],
            &[],
            &[],
        ],
        (86, 2) => [
            &[Bits(&[
                ("rd", 1),
                ("wr", 1),
                ("st", 1),
                ("ev", 1),
                ("df", 1),
                ("padding0", 1),
                ("padding1", 1),
                ("padding2", 1),
            ])],
            &[],
            &[],
        ],
        (102, 1) => [&[U8("value")], &[], &[]],
        (121 | 122, 1) => [ASSOCIATED, &[], &[]],
        (122, 2) => [ASSOCIATED, TIME, &[]],
        (70, n) => return file(n),
        (120, n) => return authentication(n),
        _ => return None,
    };
    Some(Layout::Parts(parts))
}

/// Files (annex A.27).
const fn file(variation: u8) -> Option<Layout> {
    Some(match variation {
        1 => Layout::Parts([
            &[
                U16("filename_size"),
                U8("filetype_code"),
                U8("attribute_code"),
                U16("start_record"),
                U16("end_record"),
                U32("file_size"),
                Time("created_timestamp"),
                U16("permission"),
                U32("file_id"),
                U32("owner_id"),
                U32("group_id"),
                U8("file_function_code"),
                U8("status_code"),
                Text("filename", Len::Number(0)),
                U16("data_size"),
                Text("data", Len::Number(13)),
            ],
            &[],
            &[],
        ]),
        2 => Layout::Parts([
            &[
                U16("username_offset"),
                U16("username_size"),
                U16("password_offset"),
                U16("password_size"),
                U32("authentication_key"),
                Text("username", Len::Number(1)),
                Text("password", Len::Number(3)),
            ],
            &[],
            &[],
        ]),
        3 => Layout::Parts([
            &[
                U16("filename_offset"),
                U16("filename_size"),
                Time("created"),
                U16("permissions"),
                U32("authentication_key"),
                U32("file_size"),
                U16("operational_mode"),
                U16("maximum_block_size"),
                U16("request_id"),
                Text("filename", Len::Number(1)),
            ],
            &[],
            &[],
        ]),
        4 => Layout::Sized(&[
            U32("file_handle"),
            U32("file_size"),
            U16("maximum_block_size"),
            U16("request_id"),
            U8("status_code"),
            Text("optional_text", Len::Rest),
        ]),
        5 => Layout::Sized(&[U32("file_handle"), U32("block_number"), Text("file_data", Len::Rest)]),
        6 => Layout::Sized(&[
            U32("file_handle"),
            U32("block_number"),
            U8("status_code"),
            Text("optional_text", Len::Rest),
        ]),
        7 => Layout::Parts([
            &[
                U16("filename_offset"),
                U16("filename_size"),
                U16("file_type"),
                U32("file_size"),
                Time("created_timestamp"),
                U16("permissions"),
                U16("request_id"),
                Text("filename", Len::Number(1)),
            ],
            &[],
            &[],
        ]),
        8 => Layout::Sized16(&[Text("file_specification", Len::Rest)]),
        _ => return None,
    })
}

/// Secure authentication (annex A.45).
const fn authentication(variation: u8) -> Option<Layout> {
    const USER: &[Part] = &[U32("csq"), U16("user_number")];
    Some(match variation {
        1 => Layout::Sized16(&[U32("csq"), U16("usr"), U8("mal"), U8("reason"), Bytes("challenge_data", Len::Rest)]),
        2 => Layout::Sized16(&[U32("csq"), U16("usr"), Bytes("mac_value", Len::Rest)]),
        3 => Layout::Parts([USER, &[], &[]]),
        4 => Layout::Parts([&[U16("user_number")], &[], &[]]),
        5 => Layout::Sized16(&[
            U32("ksq"),
            U16("user_number"),
            U8("key_wrap_alg"),
            U8("key_status"),
            U8("mal"),
            U16("challenge_data_len"),
            Bytes("challenge_data", Len::Number(5)),
            Bytes("mac_value", Len::Rest),
        ]),
        6 => Layout::Sized16(&[U24("ksq"), U16("usr"), Bytes("wrapped_key_data", Len::Rest)]),
        7 => Layout::Sized16(&[
            U32("sequence_number"),
            U16("usr"),
            U16("association_id"),
            U8("error_code"),
            Time("time_of_error"),
            Text("error_text", Len::Rest),
        ]),
        8 => Layout::Sized16(&[U8("key_change_method"), U8("certificate_type"), Bytes("certificate", Len::Rest)]),
        9 => Layout::Parts([&[Bytes("mac_value", Len::Rest)], &[], &[]]),
        10 => Layout::Sized16(&[
            U8("key_change_method"),
            U8("operation"),
            U32("scs"),
            U16("user_role"),
            U16("user_role_expiry_interval"),
            U16("username_len"),
            U16("user_public_key_len"),
            U16("certification_data_len"),
            Text("username", Len::Number(5)),
            Bytes("user_public_key", Len::Number(6)),
            Bytes("certification_data", Len::Number(7)),
        ]),
        11 => Layout::Sized16(&[
            U8("key_change_method"),
            U16("username_len"),
            U16("master_challenge_data_len"),
            Text("username", Len::Number(1)),
            Bytes("master_challenge_data", Len::Number(2)),
        ]),
        12 => Layout::Sized16(&[
            U32("ksq"),
            U16("user_number"),
            U16("challenge_data_len"),
            Bytes("challenge_data", Len::Number(2)),
        ]),
        13 => Layout::Sized16(&[
            U32("ksq"),
            U16("user_number"),
            U16("encrypted_update_key_len"),
            Bytes("encrypted_update_key_data", Len::Number(2)),
        ]),
        14 => Layout::Sized16(&[Bytes("digital_signature", Len::Rest)]),
        15 => Layout::Sized16(&[Bytes("mac", Len::Rest)]),
        _ => return None,
    })
}

/// Reads an object of these fields, whose size is `prefix` if it has one, and shows them if there is where to.
pub(super) fn read(
    parts: &[&[Part]],
    r: &mut Reader<'_>,
    prefix: Option<usize>,
    mut out: Option<&mut Json<'_>>,
) -> ParseResult<()> {
    let begin = r.pos();
    let mut numbers = [0usize; 16];
    let mut count = 0;
    for part in parts.iter().copied().flatten() {
        let found = field(part, r, |r, len| match len {
            Len::Fixed(n) => Ok(n),
            Len::Number(at) => Ok(numbers.get(at).copied().unwrap_or(0)),
            Len::Rest => prefix.and_then(|all| all.checked_sub(r.pos() - begin)).ok_or(ParseError::bad(&"size")),
        })?;
        if let (Found::Number(_, n), Some(slot)) = (&found, numbers.get_mut(count)) {
            *slot = usize::try_from(*n).unwrap_or(usize::MAX);
            count += 1;
        }
        if let Some(out) = out.as_deref_mut() {
            show(found, out);
        }
    }
    Ok(())
}

enum Found<'a> {
    Bits(&'static [(&'static str, u8)], u8),
    Bytes(&'static str, &'a [u8]),
    Float(&'static str, f64),
    Number(&'static str, u64),
    Signed(&'static str, i64),
    Text(&'static str, &'a [u8]),
}

fn field<'a>(
    part: &Part,
    r: &mut Reader<'a>,
    len: impl Fn(&Reader<'a>, Len) -> ParseResult<usize>,
) -> ParseResult<Found<'a>> {
    Ok(match *part {
        Bits(parts) => Found::Bits(parts, r.u8(&"flags")?),
        Bytes(name, of) => {
            let n = len(r, of)?;
            Found::Bytes(name, r.take(&"bytes", n)?)
        }
        Text(name, of) => {
            let n = len(r, of)?;
            Found::Text(name, r.take(&"text", n)?)
        }
        F32(name) => Found::Float(name, f32::from_bits(r.u32_le(&"float")?).into()),
        F64(name) => Found::Float(name, f64::from_bits(r.u64_le(&"float")?)),
        I16(name) => Found::Signed(name, r.u16_le(&"number")?.cast_signed().into()),
        I32(name) => Found::Signed(name, r.u32_le(&"number")?.cast_signed().into()),
        Time(name) => {
            let (low, high) = (r.u32_le(&"time")?, r.u16_le(&"time")?);
            Found::Number(name, u64::from(high) << 32 | u64::from(low))
        }
        U8(name) => Found::Number(name, r.u8(&"number")?.into()),
        U16(name) => Found::Number(name, r.u16_le(&"number")?.into()),
        U24(name) => {
            let (low, high) = (r.u16_le(&"number")?, r.u8(&"number")?);
            Found::Number(name, u64::from(high) << 16 | u64::from(low))
        }
        U32(name) => Found::Number(name, r.u32_le(&"number")?.into()),
    })
}

fn show(found: Found<'_>, out: &mut Json<'_>) {
    match found {
        Found::Bits(parts, octet) => {
            let mut left = octet;
            for (name, width) in parts {
                out.number(name, (left & ((1u8 << width) - 1)).into());
                left >>= width;
            }
        }
        Found::Bytes(name, bytes) => out.base64(name, bytes),
        Found::Float(name, n) => out.float(name, n),
        Found::Number(name, n) => out.number(name, n),
        Found::Signed(name, n) => out.signed(name, n),
        Found::Text(name, text) => out.bytes(name, text),
    }
}
