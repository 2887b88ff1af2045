//! What is asked of a buffer as a whole: its length, entropy, what is coded in it.

use super::{Keyword, Takes};
use crate::draft::{Arg, Draft, Shared};
use crate::ir::{Buffer, Compare, Condition, Int, Step};
use crate::refusal::{Code, Done};
use crate::syntax::{Word, compare, integer};
use sekisho_transaction::Fact;

pub(super) const TABLE: &[Keyword] = &[
    Keyword { names: &["isdataat"], takes: Takes::Negatable, read: isdataat },
    Keyword { names: &["dsize"], takes: Takes::Value, read: dsize },
    Keyword { names: &["bsize"], takes: Takes::Value, read: bsize },
    Keyword { names: &["urilen"], takes: Takes::Value, read: urilen },
    Keyword { names: &["entropy"], takes: Takes::Value, read: entropy },
    Keyword { names: &["absent"], takes: Takes::Maybe, read: absent },
    Keyword { names: &["base64_decode"], takes: Takes::Maybe, read: base64_decode },
];

/// A comparison as the value.
pub(super) fn compared(arg: &Arg<'_>, text: &str, max: u64) -> Done<Compare> {
    match compare(text, max) {
        Some(compare) => Ok(compare),
        None => arg.bad(format!("{}: {} is no comparison with a number up to {max}", arg.name.text, text.trim())),
    }
}

/// `isdataat:[!]N[,relative][,rawbytes]`
fn isdataat(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts();
    let offset = draft.int(arg, parts.next().unwrap_or_default())?;
    if matches!(offset, Int::Number(n) if !(0..=i64::from(u16::MAX)).contains(&n)) {
        return arg.bad("the offset is from 0 to 65535");
    }
    let mut relative = false;
    for part in parts {
        match part.text {
            "relative" => relative = true,
            "rawbytes" => {}
            _ => return arg.bad(format!("{} is no option of isdataat", part.text)),
        }
    }
    draft.put(Step::IsDataAt { offset, relative, negated: arg.negated });
    Ok(())
}

fn dsize(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let compare = compared(arg, arg.value.text, u16::MAX.into())?;
    draft.condition(Condition::PayloadLen(compare));
    Ok(())
}

fn bsize(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    if draft.buffer().is_none() {
        return arg.misplaced("bsize stands behind a sticky buffer");
    }
    let compare = compared(arg, arg.value.text, u64::MAX)?;
    draft.put(Step::Size(compare));
    Ok(())
}

/// `urilen:N[,norm|raw]`
fn urilen(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts();
    let compare = compared(arg, parts.next().unwrap_or_default().text, u16::MAX.into())?;
    let fact = match parts.next().map(|part| part.text) {
        None | Some("norm") => Fact::HttpUri,
        Some("raw") => Fact::HttpUriRaw,
        Some(other) => return arg.bad(format!("{other} is neither norm nor raw")),
    };
    draft.number(arg, fact, Step::Size(compare))
}

/// `entropy:[bytes N][, offset N], value OP N`; bits per byte, which have fractions.
fn entropy(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut compare = None;
    for part in arg.parts() {
        let (name, value) = part.text.split_once(' ').unwrap_or((part.text, ""));
        match name {
            "value" => compare = thousandths(value.trim()),
            "bytes" | "offset" if integer(value) == Some(0) => {}
            "bytes" | "offset" => {
                return arg.fail(Code::NotOffered, format!("entropy of a part ({name}) is not offered"));
            }
            _ => compare = thousandths(part.text),
        }
    }
    match compare {
        Some(compare) => {
            draft.put(Step::Entropy(compare));
            Ok(())
        }
        None => arg.bad("entropy needs a comparison with a number from 0 to 8, e.g. value >= 4.5"),
    }
}

fn thousandths(text: &str) -> Option<Compare> {
    let scaled = |text: &str| {
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits: String = part.chars().chain("000".chars()).take(3).collect();
        let n: u64 = whole.parse::<u64>().ok().filter(|&n| n <= 8)?;
        Some(n * 1000 + digits.parse::<u64>().ok()?)
    };
    let sign = ["!=", ">=", "<=", ">", "<", "=", "!"].iter().find_map(|s| text.strip_prefix(s).map(|rest| (*s, rest)));
    if let Some((sign, rest)) = sign {
        let n = scaled(rest)?;
        return Some(match sign {
            "!=" | "!" => Compare::Ne(n),
            ">=" => Compare::Ge(n),
            "<=" => Compare::Le(n),
            ">" => Compare::Gt(n),
            "<" => Compare::Lt(n),
            _ => Compare::Eq(n),
        });
    }
    match text.split_once('-').or_else(|| text.split_once("<>")) {
        Some((a, b)) => {
            let (a, b) = (scaled(a)?, scaled(b)?);
            (a < b).then_some(Compare::Between(a, b))
        }
        None => Some(Compare::Eq(scaled(text)?)),
    }
}

fn absent(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    if !matches!(draft.buffer(), Some(Buffer::Fact(_))) {
        return arg.misplaced("absent stands behind a sticky buffer");
    }
    let or_else = match arg.value.text {
        "" => false,
        "or_else" => true,
        other => return arg.bad(format!("{other} is not or_else")),
    };
    if !draft.steps().is_empty() {
        return arg.misplaced("absent stands directly behind the buffer");
    }
    draft.put(Step::Absent { or_else });
    Ok(())
}

/// `base64_decode[:bytes N][, offset N][, relative]`
fn base64_decode(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let (mut bytes, mut offset, mut relative) = (0, 0, false);
    for part in arg.parts().filter(|part| !part.text.is_empty()) {
        let (name, value) = part.text.split_once(' ').unwrap_or((part.text, ""));
        let number = integer(value).and_then(|n| u32::try_from(n).ok());
        match (name, number) {
            ("relative", _) => relative = true,
            ("bytes", Some(n)) if n > 0 => bytes = n,
            ("offset", Some(n)) if n <= u16::MAX.into() => offset = n,
            _ => return arg.bad(format!("{} is no option of base64_decode", part.text)),
        }
    }
    draft.has_base64 = true;
    draft.put(Step::Base64Decode { bytes, offset, relative });
    Ok(())
}

/// A part of a value, and the number behind it.
pub(super) fn named_number(part: Word<'_>) -> Option<(&str, u64)> {
    let (name, value) = part.text.split_once(|c: char| c.is_ascii_whitespace())?;
    Some((name, integer(value).and_then(|n| u64::try_from(n).ok())?))
}
