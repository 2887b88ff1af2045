//! Suricata's unsigned integers: `5`, `>5`, `1-3`, `!2`, `&0x10=0x10`, `4kb`.

use crate::ir::Compare;

/// A comparison whose numbers do not exceed `max`; nothing if it is none, or one that always or never holds.
pub(crate) fn compare(text: &str, max: u64) -> Option<Compare> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('&') {
        return mask(rest.trim_start(), max);
    }
    let (negated, bare) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
    if let Some((a, rest)) = value(bare, max) {
        let rest = rest.trim_start();
        if rest.is_empty() {
            return Some(if negated { Compare::Ne(a) } else { Compare::Eq(a) });
        }
        let rest = rest.strip_prefix('-').or_else(|| rest.strip_prefix("<>"))?;
        let (b, "") = value(rest.trim_start(), max)? else { return None };
        if b.checked_sub(a)? < 2 {
            return None;
        }
        return Some(if negated { Compare::NotBetween(a, b) } else { Compare::Between(a, b) });
    }
    let (sign, rest) = ["!=", ">=", "<=", ">", "<", "=", "!"]
        .iter()
        .find_map(|sign| text.strip_prefix(sign).map(|rest| (*sign, rest.trim_start())))?;
    let (a, "") = value(rest, max)? else { return None };
    match sign {
        "!=" | "!" => Some(Compare::Ne(a)),
        ">=" if a > 0 => Some(Compare::Ge(a)),
        "<=" if a < max => Some(Compare::Le(a)),
        ">" if a < max => Some(Compare::Gt(a)),
        "<" if a > 0 => Some(Compare::Lt(a)),
        "=" => Some(Compare::Eq(a)),
        _ => None,
    }
}

fn mask(text: &str, max: u64) -> Option<Compare> {
    let (mask, rest) = value(text, max)?;
    let rest = rest.trim_start();
    if rest.is_empty() {
        return Some(Compare::AnyBit(mask));
    }
    let (negated, rest) = rest.strip_prefix('!').map_or((false, rest), |rest| (true, rest));
    let (value, "") = value(rest.strip_prefix('=')?.trim_start(), max)? else { return None };
    if value & mask != value {
        return None;
    }
    Some(Compare::Mask { mask, value, negated })
}

/// A number at the beginning of `text`, and what is behind it.
fn value(text: &str, max: u64) -> Option<(u64, &str)> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
        let (digits, rest) = digits.split_at_checked(end)?;
        let n = u64::from_str_radix(digits, 16).ok()?;
        return (n <= max).then_some((n, rest.trim_end()));
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    let n: u64 = digits.parse().ok()?;
    let units = [("kib", 10), ("kb", 10), ("mib", 20), ("mb", 20), ("gib", 30), ("gb", 30)];
    let unit = units.iter().find_map(|&(unit, shift)| {
        let head = rest.get(..unit.len())?;
        head.eq_ignore_ascii_case(unit).then(|| (shift, rest.get(unit.len()..).unwrap_or("")))
    });
    let (n, rest) = match unit {
        Some((shift, rest)) => (n.checked_mul(1 << shift)?, rest),
        None => (n, rest),
    };
    (n <= max).then_some((n, rest.trim_end()))
}

/// A whole number, decimal or hexadecimal, nothing else.
pub(crate) fn integer(text: &str) -> Option<i64> {
    if let Some(n) = digits(text) {
        return Some(n);
    }
    let text = text.trim();
    let (negative, bare) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let bare = if negative { bare } else { bare.strip_prefix('+').unwrap_or(bare) };
    let n = match bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X")) {
        Some(digits) => i64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with(['+', '-']))?,
        None => bare.parse().ok().filter(|_| bare.starts_with(|c: char| c.is_ascii_digit()))?,
    };
    Some(if negative { -n } else { n })
}

/// A short number that has only decimal digits, as nearly all are.
fn digits(text: &str) -> Option<i64> {
    /// Digits that fit whatever they are.
    const LEN_MAX: usize = 18;
    if text.is_empty() || text.len() > LEN_MAX {
        return None;
    }
    text.bytes().try_fold(0, |n, c| c.is_ascii_digit().then(|| n * 10 + i64::from(c - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_comparisons() {
        let all = [
            ("19", Compare::Eq(19)),
            ("= 0x13", Compare::Eq(0x13)),
            ("!0x14", Compare::Ne(0x14)),
            ("!=20", Compare::Ne(20)),
            (">21", Compare::Gt(21)),
            (">= 21", Compare::Ge(21)),
            ("<22", Compare::Lt(22)),
            ("<=22 ", Compare::Le(22)),
            ("19-22", Compare::Between(19, 22)),
            ("19 <> 22", Compare::Between(19, 22)),
            ("!19-22", Compare::NotBetween(19, 22)),
            ("1Kb", Compare::Eq(1024)),
            ("&0xc0=0x80", Compare::Mask { mask: 0xc0, value: 0x80, negated: false }),
            ("&0xc0!=0", Compare::Mask { mask: 0xc0, value: 0, negated: true }),
        ];
        for (text, expected) in all {
            assert_eq!(compare(text, u64::MAX), Some(expected), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_none() {
        for text in ["", "x", "1-2", "3-1", "<0", ">255", ">=0", "<=255", "256", "1 2", "&0xc0=1", "1kb", "--1", "&"] {
            assert_eq!(compare(text, 255), None, "{text}");
        }
        assert_eq!((integer("007"), integer("999999999999999999")), (Some(7), Some(999_999_999_999_999_999)));
        assert_eq!((integer("9223372036854775808"), integer(""), integer("+7")), (None, None, Some(7)));
        assert_eq!((integer("-5"), integer("0x10"), integer("1x"), integer("--1")), (Some(-5), Some(16), None, None));
    }
}
