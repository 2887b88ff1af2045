//! `byte_test`, `byte_jump`, `byte_extract`, `byte_math`.

use super::{Keyword, Takes};
use crate::draft::{Arg, Draft, Shared};
use crate::ir::{Buffer, ByteOp, Int, MathOp, Number, Read, Step};
use crate::refusal::{Code, Done};
use crate::syntax::{Word, integer};
use sekisho_transaction::Fact;

/// Bytes of a binary number.
const BINARY_LEN_MAX: i64 = 8;

/// Digits of a number in text: 23 octal ones are 64 bits and a sign.
const TEXT_LEN_MAX: i64 = 23;

/// Largest multiplier.
const MULTIPLIER_MAX: i64 = 65535;

pub(super) const TABLE: &[Keyword] = &[
    Keyword { names: &["byte_test"], takes: Takes::Value, read: byte_test },
    Keyword { names: &["byte_jump"], takes: Takes::Value, read: byte_jump },
    Keyword { names: &["byte_extract"], takes: Takes::Value, read: byte_extract },
    Keyword { names: &["byte_math"], takes: Takes::Value, read: byte_math },
];

/// What the options of these keywords say, in any order.
#[derive(Default)]
struct Options {
    relative: bool,
    little: bool,
    big: bool,
    dce: bool,
    string: bool,
    base: Option<u8>,
    bitmask: Option<u64>,
    align: Option<u8>,
    multiplier: Option<u32>,
    from_beginning: bool,
    from_end: bool,
    post_offset: Option<Int>,
}

/// Takes one option; false if it is none of them.
fn option(draft: &Draft, arg: &Arg<'_>, options: &mut Options, word: Word<'_>) -> Done<bool> {
    let (name, value) = split(word);
    match name.text {
        "relative" => options.relative = true,
        "little" => options.little = true,
        "big" => options.big = true,
        "dce" => options.dce = true,
        "string" => options.string = true,
        "hex" => options.base = Some(16),
        "dec" => options.base = Some(10),
        "oct" => options.base = Some(8),
        "from_beginning" => options.from_beginning = true,
        "from_end" => options.from_end = true,
        "bitmask" => {
            let digits = value.text.strip_prefix("0x").or_else(|| value.text.strip_prefix("0X")).unwrap_or(value.text);
            match u64::from_str_radix(digits, 16) {
                Ok(mask) if mask > 0 => options.bitmask = Some(mask),
                _ => return arg.bad(format!("{} is no bitmask", value.text)),
            }
        }
        "align" => match value.text {
            "" | "4" => options.align = Some(4),
            "2" => options.align = Some(2),
            _ => return arg.bad("align is 2 or 4"),
        },
        "multiplier" => match integer(value.text).filter(|n| (1..=MULTIPLIER_MAX).contains(n)) {
            Some(n) => options.multiplier = u32::try_from(n).ok(),
            None => return arg.bad(format!("the multiplier is from 1 to {MULTIPLIER_MAX}")),
        },
        "post_offset" => options.post_offset = Some(draft.int(arg, value)?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// A name and what follows behind a blank.
fn split(word: Word<'_>) -> (Word<'_>, Word<'_>) {
    let Some((name, rest)) = word.text.split_once(|c: char| c.is_ascii_whitespace()) else {
        return (word, Word { text: "", at: word.at + word.text.len() });
    };
    let value = rest.trim_start();
    (Word { text: name, at: word.at }, Word { text: value, at: word.at + word.text.len() - value.len() })
}

/// How and where is read, checked.
fn read(draft: &mut Draft, arg: &Arg<'_>, len: Int, offset: Int, options: &Options) -> Done<Read> {
    let number = if options.dce {
        if options.string || options.little || options.big || options.base.is_some() {
            return arg.misplaced("dce does not go with string, little, big, hex, dec or oct");
        }
        // In a rule about anything else the payload's own byte order is not known.
        if draft.buffer().is_none_or(|b| matches!(b, Buffer::Fact(_))) {
            draft.claim(arg, Fact::DcerpcStubData)?;
        }
        Number::Dce
    } else if options.string {
        Number::Text(options.base.unwrap_or(10))
    } else if options.little {
        Number::Little
    } else {
        Number::Big
    };
    let most = if options.string { TEXT_LEN_MAX } else { BINARY_LEN_MAX };
    if matches!(len, Int::Number(n) if n < 0 || n > most) {
        return arg.bad(format!("at most {most} bytes make a number here"));
    }
    if matches!(offset, Int::Number(n) if n.abs() > i64::from(u16::MAX)) {
        return arg.bad("the offset is too large");
    }
    Ok(Read { len, offset, relative: options.relative, number, bitmask: options.bitmask })
}

fn next<'a>(arg: &Arg<'_>, parts: &mut impl Iterator<Item = Word<'a>>, what: &str) -> Done<Word<'a>> {
    match parts.next().filter(|word| !word.text.is_empty()) {
        Some(word) => Ok(word),
        None => arg.bad(format!("{} lacks the {what}", arg.name.text)),
    }
}

fn rest<'a>(draft: &Draft, arg: &Arg<'_>, parts: impl Iterator<Item = Word<'a>>) -> Done<Options> {
    let mut options = Options::default();
    for word in parts.filter(|word| !word.text.is_empty()) {
        if !option(draft, arg, &mut options, word)? {
            return arg.bad(format!("{} is no option of {}", word.text, arg.name.text));
        }
    }
    Ok(options)
}

/// `byte_test:LEN,OP,VALUE,OFFSET[,…]`
fn byte_test(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts();
    let len = draft.int(arg, next(arg, &mut parts, "number of bytes")?)?;
    let sign = next(arg, &mut parts, "sign")?;
    let (negated, bare) = sign.text.strip_prefix('!').map_or((false, sign.text), |rest| (true, rest.trim_start()));
    let op = match bare {
        "<" => ByteOp::Lt,
        ">" => ByteOp::Gt,
        "=" | "" if !bare.is_empty() || negated => ByteOp::Eq,
        "<=" => ByteOp::Le,
        ">=" => ByteOp::Ge,
        "&" => ByteOp::And,
        "^" => ByteOp::Xor,
        _ => return arg.bad(format!("{} is no sign of byte_test", sign.text)),
    };
    let value = draft.int(arg, next(arg, &mut parts, "value")?)?;
    let offset = draft.int(arg, next(arg, &mut parts, "offset")?)?;
    let options = rest(draft, arg, parts)?;
    let read = read(draft, arg, len, offset, &options)?;
    draft.put(Step::ByteTest { read, op, negated, value });
    Ok(())
}

/// `byte_jump:LEN,OFFSET[,…]`
fn byte_jump(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts();
    let len = draft.int(arg, next(arg, &mut parts, "number of bytes")?)?;
    let offset = draft.int(arg, next(arg, &mut parts, "offset")?)?;
    let options = rest(draft, arg, parts)?;
    if options.from_beginning && options.from_end {
        return arg.misplaced("from_beginning does not go with from_end");
    }
    let read = read(draft, arg, len, offset, &options)?;
    draft.put(Step::ByteJump {
        read,
        multiplier: options.multiplier.unwrap_or(1),
        align: options.align.is_some(),
        from_beginning: options.from_beginning,
        from_end: options.from_end,
        post_offset: options.post_offset.unwrap_or(Int::Number(0)),
    });
    Ok(())
}

/// `byte_extract:LEN,OFFSET,NAME[,…]`
fn byte_extract(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts();
    let len = draft.int(arg, next(arg, &mut parts, "number of bytes")?)?;
    let offset = draft.int(arg, next(arg, &mut parts, "offset")?)?;
    let name = next(arg, &mut parts, "variable")?;
    let options = rest(draft, arg, parts)?;
    let read = read(draft, arg, len, offset, &options)?;
    let var = draft.var(arg, name)?;
    let (multiplier, align) = (options.multiplier.unwrap_or(1), options.align.unwrap_or(0));
    draft.put(Step::ByteExtract { read, var, multiplier, align });
    Ok(())
}

/// `byte_math:bytes LEN, offset OFFSET, oper SIGN, rvalue VALUE, result NAME[,…]`
fn byte_math(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let (mut len, mut offset, mut op, mut value, mut result) = (None, None, None, None, None);
    let mut options = Options::default();
    for word in arg.parts().filter(|word| !word.text.is_empty()) {
        let (name, of) = split(word);
        match name.text {
            "bytes" => len = Some(draft.int(arg, of)?),
            "offset" => offset = Some(draft.int(arg, of)?),
            "rvalue" => value = Some(draft.int(arg, of)?),
            "result" => result = Some(of),
            "oper" => {
                op = Some(match of.text {
                    "+" => MathOp::Add,
                    "-" => MathOp::Sub,
                    "*" => MathOp::Mul,
                    "/" => MathOp::Div,
                    "<<" => MathOp::ShiftLeft,
                    ">>" => MathOp::ShiftRight,
                    sign => return arg.bad(format!("{sign} is no sign of byte_math")),
                });
            }
            "endian" if of.text == "little" => options.little = true,
            "endian" if of.text == "big" => options.big = true,
            "string" => {
                options.string = true;
                option(draft, arg, &mut options, of)?;
            }
            _ if option(draft, arg, &mut options, word)? => {}
            _ => return arg.bad(format!("{} is no option of byte_math", word.text)),
        }
    }
    let (Some(len), Some(offset), Some(op), Some(value), Some(result)) = (len, offset, op, value, result) else {
        return arg.bad("byte_math needs bytes, offset, oper, rvalue and result");
    };
    if matches!((op, value), (MathOp::Div, Int::Number(0))) {
        return arg.fail(Code::Value, "nothing can be divided by 0");
    }
    let read = read(draft, arg, len, offset, &options)?;
    let var = draft.var(arg, result)?;
    draft.put(Step::ByteMath { read, op, value, var });
    Ok(())
}
