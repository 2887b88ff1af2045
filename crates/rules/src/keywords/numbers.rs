//! Numbers of exchanges: comparisons, names of values, bits, and which of several count.

use super::enumerations::{bits_of, value_of};
use super::payload::compared;
use super::{Keyword, Read, Takes};
use crate::draft::{Arg, Draft, Shared};
use crate::ir::{Compare, Step, Which};
use crate::refusal::{Code, Done};
use crate::syntax::{Word, compare, integer};
use sekisho_transaction::{Fact, Kind};

/// Ranges of one `dcerpc.opnum` and the like.
const RANGE_COUNT_MAX: usize = 1024;

pub(super) const TABLE: &[Keyword] = &[
    value(&["dcerpc.opnum", "dce_opnum"], |draft, _, arg| listed(draft, arg, Fact::DcerpcOpnum)),
    value(&["dnp3.func", "dnp3_func"], |draft, _, arg| listed(draft, arg, Fact::Dnp3Func)),
    value(&["dnp3.obj", "dnp3_obj"], dnp3_obj),
    value(&["nfs_procedure"], |draft, _, arg| inclusive(draft, arg, Fact::NfsProcedure)),
    value(&["nfs.version", "nfs_version"], |draft, _, arg| inclusive(draft, arg, Fact::NfsVersion)),
    value(&["cip_service"], cip_service),
    value(&["mqtt.connack.session_present"], session_present),
    value(&["ike.chosen_sa_attribute"], |draft, _, arg| keyed(draft, arg, Fact::IkeChosenSaAttribute)),
    value(&["http2.settings"], |draft, _, arg| keyed(draft, arg, Fact::Http2Settings)),
    value(&["krb5.ticket_encryption"], ticket_encryption),
    value(&["modbus"], modbus),
    value(&["tls_cert_notbefore"], |draft, _, arg| date(draft, arg, Fact::TlsCertNotbefore)),
    value(&["tls_cert_notafter"], |draft, _, arg| date(draft, arg, Fact::TlsCertNotafter)),
    value(&["tls.cert_chain_len"], |draft, _, arg| fact(draft, arg, Fact::TlsCertChainLen)),
];

const fn value(names: &'static [&'static str], read: Read) -> Keyword {
    Keyword { names, takes: Takes::Value, read }
}

/// A comparison, a value's name, or names of bits.
fn one(arg: &Arg<'_>, fact: Fact, text: &str) -> Done<Compare> {
    let keyword = fact.info().keyword;
    if let Some(compare) = compare(text, u64::MAX) {
        return Ok(compare);
    }
    let (negated, name) = text.trim().strip_prefix('!').map_or((false, text.trim()), |rest| (true, rest.trim()));
    match value_of(keyword, name) {
        Some(n) if negated => Ok(Compare::Ne(n)),
        Some(n) => Ok(Compare::Eq(n)),
        None => arg.bad(format!("{}: {} is neither a comparison nor one of its names", arg.name.text, text.trim())),
    }
}

/// A fact that is a number, or several.
pub(super) fn fact(draft: &mut Draft, arg: &Arg<'_>, fact: Fact) -> Done {
    let text = arg.value.text;
    if let Some(compare) = bits(fact, text) {
        return draft.number(arg, fact, Step::Number(compare));
    }
    if fact.info().kind != Kind::Numbers {
        let compare = one(arg, fact, text)?;
        return draft.number(arg, fact, Step::Number(compare));
    }
    if let Some(count) = text.strip_prefix("count") {
        let compare = compared(arg, count, u32::MAX.into())?;
        return draft.number(arg, fact, Step::Numbers { compare, which: Which::Count, slice: None });
    }
    let mut parts = arg.parts();
    let compare = one(arg, fact, parts.next().unwrap_or_default().text)?;
    let which = which(arg, parts.next().map_or("any", |part| part.text))?;
    let slice = match parts.next() {
        None => None,
        Some(part) => match slice(part) {
            Some(slice) => Some(slice),
            None => return arg.bad(format!("{} is no slice: write FROM:TO", part.text)),
        },
    };
    draft.number(arg, fact, Step::Numbers { compare, which, slice })
}

/// Names of bits, each maybe negated: `fin,!comp`.
fn bits(fact: Fact, text: &str) -> Option<Compare> {
    let names = bits_of(fact.info().keyword)?;
    let (mut mask, mut value) = (0, 0);
    for part in text.split(',').map(str::trim) {
        let (negated, name) = part.strip_prefix('!').map_or((false, part), |rest| (true, rest.trim()));
        let bit = names.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1;
        mask |= bit;
        value |= if negated { 0 } else { bit };
    }
    Some(Compare::Mask { mask, value, negated: false })
}

fn which(arg: &Arg<'_>, text: &str) -> Done<Which> {
    Ok(match text {
        "any" => Which::Any,
        "all" | "all1" => Which::All,
        "all_or_absent" => Which::AllOrAbsent,
        "or_absent" => Which::AnyOrAbsent,
        _ => {
            if let Some(count) = text.strip_prefix("nb") {
                return Ok(Which::Matching(compared(arg, count, u32::MAX.into())?));
            }
            let (beyond, number) = text.strip_prefix("oob_or").map_or((false, text), |rest| (true, rest));
            match integer(number).and_then(|n| i32::try_from(n).ok()) {
                Some(n) if beyond => Which::IndexOrBeyond(n),
                Some(n) => Which::Index(n),
                None => return arg.bad(format!("{text} does not say which of the numbers count")),
            }
        }
    })
}

fn slice(part: Word<'_>) -> Option<(i32, i32)> {
    let (from, to) = part.text.split_once(':')?;
    let number = |text: &str| integer(text).and_then(|n| i32::try_from(n).ok());
    Some((number(from)?, number(to)?))
}

/// Numbers, ranges (ends included) or names, one of which has to be it: `1,5-7`; `<5` and `>5` too.
fn listed(draft: &mut Draft, arg: &Arg<'_>, fact: Fact) -> Done {
    let keyword = fact.info().keyword;
    let mut ranges = Vec::new();
    for part in arg.parts() {
        let number = |text: &str| match text.trim().parse().ok() {
            Some(n) => Some(n),
            None => value_of(keyword, text.trim()),
        };
        let range = if let Some(rest) = part.text.strip_prefix('>') {
            number(rest).and_then(|n: u64| Some((n.checked_add(1)?, u64::MAX)))
        } else if let Some(rest) = part.text.strip_prefix('<') {
            number(rest).and_then(|n: u64| Some((0, n.checked_sub(1)?)))
        } else if let Some(n) = number(part.text) {
            Some((n, n))
        } else {
            part.text.split_once('-').and_then(|(a, b)| Some((number(a)?, number(b)?))).filter(|(a, b)| a <= b)
        };
        match range {
            Some(range) if ranges.len() < RANGE_COUNT_MAX => ranges.push(range),
            Some(_) => return arg.fail(Code::Limit, "too many ranges"),
            None => return arg.bad(format!("{} is neither a number nor a range nor a name", part.text)),
        }
    }
    draft.number(arg, fact, Step::NumberIn(ranges.into()))
}

/// NFS: ranges include their ends, and names are known.
fn inclusive(draft: &mut Draft, arg: &Arg<'_>, fact: Fact) -> Done {
    let text = arg.value.text;
    let ends = text.split_once("<>").or_else(|| text.split_once('-'));
    if let Some((a, b)) = ends
        && let (Ok(a), Ok(b)) = (a.trim().parse::<u64>(), b.trim().parse::<u64>())
    {
        if a >= b {
            return arg.bad("the range's end is not above its beginning");
        }
        return draft.number(arg, fact, Step::NumberIn([(a, b)].into()));
    }
    let compare = one(arg, fact, text)?;
    draft.number(arg, fact, Step::Number(compare))
}

/// `dnp3_obj:GROUP,VARIATION`: the fact is `group << 8 | variation`.
fn dnp3_obj(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts().map(|part| part.text.parse::<u8>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(group), Some(variation)) => {
            let n = u64::from(group) << 8 | u64::from(variation);
            draft.number(arg, Fact::Dnp3Obj, Step::NumberIn([(n, n)].into()))
        }
        _ => arg.bad("write dnp3_obj:GROUP,VARIATION"),
    }
}

/// `cip_service:SERVICE[,CLASS[,ATTRIBUTE]]`
fn cip_service(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    for (part, fact) in arg.parts().zip([Fact::EnipCipService, Fact::EnipCipClass, Fact::EnipCipAttribute]) {
        let compare = one(arg, fact, part.text)?;
        draft.number(arg, fact, Step::Numbers { compare, which: Which::Any, slice: None })?;
    }
    Ok(())
}

fn session_present(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let n = match arg.value.text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" => 1,
        "no" | "false" | "0" => 0,
        other => return arg.bad(format!("{other} is neither true nor false")),
    };
    draft.number(arg, Fact::MqttConnackSessionPresent, Step::Number(Compare::Eq(n)))
}

/// A name with a comparison: `alg_enc=7`, `SETTINGS_ENABLE_PUSH<1`. The fact is `name << 32 | value`.
fn keyed(draft: &mut Draft, arg: &Arg<'_>, fact: Fact) -> Done {
    let text = arg.value.text;
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let Some(key) = value_of(fact.info().keyword, name).or_else(|| name.parse().ok()).filter(|&n| n <= u16::MAX.into())
    else {
        return arg.bad(format!("{name} is none of its names"));
    };
    let (low, high) = (key << 32, key << 32 | u64::from(u32::MAX));
    let ranges: Box<[(u64, u64)]> = if rest.trim().is_empty() {
        [(low, high)].into()
    } else {
        match compared(arg, rest.trim_start_matches(','), u32::MAX.into())? {
            Compare::Eq(n) => [(low | n, low | n)].into(),
            Compare::Ne(0) => [(low | 1, high)].into(),
            Compare::Ne(n) => [(low, low | (n - 1)), ((low | n).min(high - 1) + 1, high)].into(),
            Compare::Lt(n) => [(low, low | n.saturating_sub(1))].into(),
            Compare::Le(n) => [(low, low | n)].into(),
            Compare::Gt(n) => [((low | n).min(high - 1) + 1, high)].into(),
            Compare::Ge(n) => [(low | n, high)].into(),
            Compare::Between(a, b) => [((low | a) + 1, (low | b) - 1)].into(),
            Compare::NotBetween(a, b) => [(low, low | a), (low | b, high)].into(),
            Compare::Mask { .. } | Compare::AnyBit(_) => {
                return arg.fail(Code::NotOffered, "bits of it are not asked for");
            }
        }
    };
    draft.number(arg, fact, Step::NumberIn(ranges))
}

/// `krb5.ticket_encryption:weak`, or names and numbers.
fn ticket_encryption(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    if arg.value.text.eq_ignore_ascii_case("weak") {
        return draft.number(arg, Fact::Krb5WeakEncryption, Step::Number(Compare::Eq(1)));
    }
    listed(draft, arg, Fact::Krb5TicketEncryption)
}

/// `modbus:function 3`, `modbus:access write holding, address 5-9, value >3`, `modbus:unit 7`. Access is told by the bits of
/// [`bits_of`]`("modbus.access")`.
fn modbus(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    for part in arg.parts() {
        let (name, value) = part.text.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((part.text, ""));
        let value = value.trim();
        let number = |fact: Fact| one(arg, fact, value).map(|compare| (fact, compare));
        let (fact, compare) = match name {
            "unit" => number(Fact::ModbusUnit)?,
            "function" => match value.strip_prefix('!').unwrap_or(value).parse::<u64>() {
                Ok(_) => number(Fact::ModbusFunction)?,
                Err(_) => category(arg, value)?,
            },
            "subfunction" => number(Fact::ModbusSubfunction)?,
            "address" => (Fact::ModbusAddress, span(arg, value)?),
            "value" => (Fact::ModbusValue, span(arg, value)?),
            "access" => {
                let names = bits_of("modbus.access").unwrap_or(&[]);
                let mut mask = 0;
                for word in value.split_ascii_whitespace() {
                    match names.iter().find(|(known, _)| *known == word) {
                        Some((_, bit)) => mask |= bit,
                        None => return arg.bad(format!("{word} is no word of modbus access")),
                    }
                }
                (Fact::ModbusAccess, Compare::Mask { mask, value: mask, negated: false })
            }
            _ => return arg.bad(format!("{name} is no word of modbus")),
        };
        draft.number(arg, fact, Step::Number(compare))?;
    }
    Ok(())
}

fn category(arg: &Arg<'_>, text: &str) -> Done<(Fact, Compare)> {
    let (negated, name) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
    match bits_of("modbus.category").unwrap_or(&[]).iter().find(|(known, _)| *known == name) {
        Some((_, bit)) if negated => Ok((Fact::ModbusCategory, Compare::Mask { mask: *bit, value: 0, negated: false })),
        Some((_, bit)) => Ok((Fact::ModbusCategory, Compare::AnyBit(*bit))),
        None => arg.bad(format!("{name} is neither a function's number nor a category")),
    }
}

/// Of modbus: a number, `<`, `>`, or strictly between two.
fn span(arg: &Arg<'_>, text: &str) -> Done<Compare> {
    compared(arg, text, u16::MAX.into())
}

/// A date, or two with `<>` between: seconds since 1970.
fn date(draft: &mut Draft, arg: &Arg<'_>, fact: Fact) -> Done {
    let text = arg.value.text;
    let parsed = if let Some((a, b)) = text.split_once("<>") {
        seconds(a).zip(seconds(b)).filter(|(a, b)| a < b).map(|(a, b)| Compare::Between(a, b))
    } else if let Some(rest) = text.strip_prefix('<') {
        seconds(rest).map(Compare::Lt)
    } else if let Some(rest) = text.strip_prefix('>') {
        seconds(rest).map(Compare::Gt)
    } else {
        seconds(text).map(Compare::Eq)
    };
    match parsed {
        Some(compare) => draft.number(arg, fact, Step::Number(compare)),
        None => arg.bad("write a date: 2024, 2024-06, 2024-06-30 or 2024-06-30 12:00:00, maybe with <, > or <>"),
    }
}

/// Seconds since 1970 of `2024[-06[-30[( |T)12[:30[:15]]]]]`.
fn seconds(text: &str) -> Option<u64> {
    let mut parts = text.trim().split(['-', ' ', 'T', ':']).map(|part| part.parse::<u64>().ok());
    let mut next = |default: u64| parts.next().unwrap_or(Some(default));
    let (year, month, day) = (next(0)?, next(1)?, next(1)?);
    let (hour, minute, second) = (next(0)?, next(0)?, next(0)?);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 || parts.next().is_some() {
        return None;
    }
    // Days of the proleptic Gregorian calendar; years begin in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    Some((days.checked_sub(719_468)? * 24 + hour) * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates() {
        assert_eq!(seconds("1970-01-01"), Some(0));
        assert_eq!(seconds("2024-02-29 12:30:15"), Some(1_709_209_815));
        assert_eq!(seconds("2000"), Some(946_684_800));
        assert_eq!((seconds("1969"), seconds("2024-13"), seconds("x")), (None, None, None));
    }
}
