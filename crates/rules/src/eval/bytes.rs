//! Numbers in payloads: `byte_test`, `byte_jump`, `byte_extract`, `byte_math`.

use super::scratch::Scratch;
use crate::ir::{ByteOp, Int, MathOp, Number, Read, Step};

/// Digits read as text at most: 64 bits in octal, with room for a sign.
const DIGIT_COUNT_MAX: usize = 23;

/// The number, and where reading it ended.
fn read(hay: &[u8], at: usize, read: &Read, scratch: &Scratch) -> Option<(u64, usize)> {
    let from = if read.relative { i64::try_from(at).ok()? } else { 0 };
    let start = usize::try_from(from.checked_add(scratch.int(read.offset))?).ok()?;
    let len = usize::try_from(scratch.int(read.len)).ok()?;
    let there = hay.get(start..start.checked_add(len)?)?;
    let (mut value, used) = match read.number {
        Number::Text(base) => text(there, base)?,
        Number::Big if len <= 8 => (there.iter().fold(0u64, |n, &b| n << 8 | u64::from(b)), len),
        Number::Little | Number::Dce if len <= 8 => (there.iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b)), len),
        _ => return None,
    };
    if let Some(mask) = read.bitmask {
        value &= mask;
        if mask != 0 {
            value >>= mask.trailing_zeros();
        }
    }
    Some((value, start + used))
}

/// As `strtoull` reads.
fn text(there: &[u8], base: u8) -> Option<(u64, usize)> {
    let there = there.get(..DIGIT_COUNT_MAX).unwrap_or(there);
    let mut at = there.iter().take_while(|b| matches!(b, b' ' | 9..=13)).count();
    let negative = there.get(at) == Some(&b'-');
    if matches!(there.get(at), Some(b'+' | b'-')) {
        at += 1;
    }
    let is_hex = |rest: &[u8]| matches!(rest, [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit());
    if base == 16 && there.get(at..).is_some_and(is_hex) {
        at += 2;
    }
    let digits = there.get(at..)?;
    let mut value = 0u64;
    let mut count = 0;
    for &byte in digits {
        let Some(digit) = char::from(byte).to_digit(u32::from(base.clamp(2, 36))) else { break };
        value = value.saturating_mul(u64::from(base)).saturating_add(u64::from(digit));
        count += 1;
    }
    (count > 0).then_some((if negative { value.wrapping_neg() } else { value }, at + count))
}

/// `byte_test`.
pub(super) fn test(
    hay: &[u8],
    at: usize,
    how: &Read,
    op: ByteOp,
    negated: bool,
    value: Int,
    scratch: &Scratch,
) -> bool {
    let Some((there, _)) = read(hay, at, how, scratch) else { return false };
    let value = scratch.int(value).cast_unsigned();
    let holds = match op {
        ByteOp::Lt => there < value,
        ByteOp::Gt => there > value,
        ByteOp::Eq => there == value,
        ByteOp::Le => there <= value,
        ByteOp::Ge => there >= value,
        ByteOp::And => there & value != 0,
        ByteOp::Xor => there ^ value != 0,
    };
    holds != negated
}

/// `byte_jump`: where it leads to.
pub(super) fn jump(hay: &[u8], at: usize, step: &Step, scratch: &Scratch) -> Option<usize> {
    let Step::ByteJump { read: how, multiplier, align, from_beginning, from_end, post_offset } = step else {
        return None;
    };
    let (mut value, behind) = if scratch.int(how.len) == 0 {
        let from = if how.relative { i64::try_from(at).ok()? } else { 0 };
        (0, usize::try_from(from.checked_add(scratch.int(how.offset))?).ok().filter(|&n| n <= hay.len())?)
    } else {
        read(hay, at, how, scratch)?
    };
    value = value.wrapping_mul(u64::from((*multiplier).max(1)));
    if *align {
        value = value.checked_add(3)? & !3;
    }
    let value = i64::try_from(value).ok()?.checked_add(scratch.int(*post_offset))?;
    let base = match (from_beginning, from_end) {
        (true, _) => 0,
        (false, true) => i64::try_from(hay.len()).ok()?,
        (false, false) => i64::try_from(behind).ok()?,
    };
    // Before the beginning is the beginning, as in Suricata.
    usize::try_from(base.checked_add(value)?.max(0)).ok().filter(|&to| to < hay.len())
}

/// `byte_extract`, `byte_math`: where reading ended.
pub(super) fn assign(hay: &[u8], at: usize, step: &Step, scratch: &mut Scratch) -> Option<usize> {
    let (value, var, end) = match step {
        Step::ByteExtract { read: how, var, multiplier, align } => {
            let (value, end) = read(hay, at, how, scratch)?;
            let mut value = value.wrapping_mul(u64::from((*multiplier).max(1)));
            if *align > 1 {
                value = value.checked_next_multiple_of(u64::from(*align))?;
            }
            (value, *var, end)
        }
        Step::ByteMath { read: how, op, value: with, var } => {
            // The mask is for the result.
            let (there, end) = read(hay, at, &Read { bitmask: None, ..*how }, scratch)?;
            let with = scratch.int(*with).cast_unsigned();
            let mut value = match op {
                MathOp::Add => there.wrapping_add(with),
                MathOp::Sub => there.wrapping_sub(with),
                MathOp::Mul => there.wrapping_mul(with),
                MathOp::Div => there.checked_div(with)?,
                MathOp::ShiftLeft => u32::try_from(with).ok().and_then(|n| there.checked_shl(n)).unwrap_or(0),
                MathOp::ShiftRight => u32::try_from(with).ok().and_then(|n| there.checked_shr(n)).unwrap_or(0),
            };
            if let Some(mask) = how.bitmask.filter(|&mask| mask != 0) {
                value = (value & mask) >> mask.trailing_zeros();
            }
            (value, *var, end)
        }
        _ => return None,
    };
    scratch.set_var(var, value);
    Some(end)
}
