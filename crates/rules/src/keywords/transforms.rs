//! Transforms: what is done to a buffer before it is looked at.

use super::payload::named_number;
use super::{Keyword, Read, Takes};
use crate::draft::{Arg, Draft, Shared};
use crate::ir::Transform;
use crate::limits::PCRE_LEN_MAX;
use crate::refusal::{Code, Done};
use crate::syntax::integer;

/// What unpacking gives at most, unless said: Suricata's default.
const UNPACKED_LEN_DEFAULT: u32 = 1024;

/// What unpacking may give at most.
const UNPACKED_LEN_MAX: u64 = 1 << 20;

/// Longest key of `xor`.
const XOR_LEN_MAX: usize = 255;

pub(super) const TABLE: &[Keyword] = &[
    plain(&["to_lowercase"], |draft, _, arg| draft.transform(arg, Transform::CasechangeLower)),
    plain(&["to_uppercase"], |draft, _, arg| draft.transform(arg, Transform::CasechangeUpper)),
    plain(&["compress_whitespace"], |draft, _, arg| draft.transform(arg, Transform::CompressWhitespace)),
    plain(&["domain"], |draft, _, arg| draft.transform(arg, Transform::Domain)),
    plain(&["tld"], |draft, _, arg| draft.transform(arg, Transform::Tld)),
    plain(&["dotprefix"], |draft, _, arg| draft.transform(arg, Transform::Dotprefix)),
    plain(&["header_lowercase"], |draft, _, arg| draft.transform(arg, Transform::HeaderLowercase)),
    plain(&["to_md5"], |draft, _, arg| draft.transform(arg, Transform::Md5)),
    plain(&["to_sha1"], |draft, _, arg| draft.transform(arg, Transform::Sha1)),
    plain(&["to_sha256"], |draft, _, arg| draft.transform(arg, Transform::Sha256)),
    plain(&["strip_pseudo_headers"], |draft, _, arg| draft.transform(arg, Transform::StripPseudoHeaders)),
    plain(&["strip_whitespace"], |draft, _, arg| draft.transform(arg, Transform::StripWhitespace)),
    plain(&["url_decode"], |draft, _, arg| draft.transform(arg, Transform::UrlDecode)),
    Keyword { names: &["pcrexform"], takes: Takes::Quoted, read: pcrexform },
    Keyword { names: &["from_base64"], takes: Takes::Maybe, read: from_base64 },
    Keyword { names: &["gunzip"], takes: Takes::Maybe, read: gunzip },
    Keyword { names: &["zlib_deflate"], takes: Takes::Maybe, read: zlib_deflate },
    Keyword { names: &["xor"], takes: Takes::Value, read: xor },
    Keyword { names: &["subslice"], takes: Takes::Value, read: subslice },
];

const fn plain(names: &'static [&'static str], read: Read) -> Keyword {
    Keyword { names, takes: Takes::Nothing, read }
}

fn pcrexform(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    if arg.value.text.len() > PCRE_LEN_MAX {
        return arg.fail(Code::Limit, format!("the expression is longer than {PCRE_LEN_MAX} bytes"));
    }
    draft.transform(arg, Transform::Pcrexform(arg.value.text.into()))
}

/// `from_base64[:bytes N][, offset N][, mode rfc4648|rfc2045|strict]`
fn from_base64(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let (mut bytes, mut offset, mut rfc2045, mut strict) = (None, 0, false, false);
    for part in arg.parts().filter(|part| !part.text.is_empty()) {
        match (part.text, named_number(part)) {
            (_, Some(("bytes", n))) if n > 0 => bytes = u32::try_from(n).ok(),
            (_, Some(("offset", n))) if n <= u16::MAX.into() => offset = u32::try_from(n).unwrap_or(0),
            (text, _) => match text.strip_prefix("mode").map(str::trim) {
                Some(mode) if mode.eq_ignore_ascii_case("rfc2045") => rfc2045 = true,
                Some(mode) if mode.eq_ignore_ascii_case("strict") => strict = true,
                Some(mode) if mode.eq_ignore_ascii_case("rfc4648") || mode.eq_ignore_ascii_case("strict") => {}
                _ => return arg.bad(format!("{text} is no option of from_base64")),
            },
        }
    }
    draft.transform(arg, Transform::FromBase64 { bytes, offset, rfc2045, strict })
}

/// `max-size N`
fn max_len(arg: &Arg<'_>) -> Done<u32> {
    if arg.value.text.is_empty() {
        return Ok(UNPACKED_LEN_DEFAULT);
    }
    let number = arg.value.text.strip_prefix("max-size").and_then(|n| crate::syntax::compare(n, UNPACKED_LEN_MAX));
    match number {
        Some(crate::ir::Compare::Eq(n)) if n > 0 => Ok(u32::try_from(n).unwrap_or(UNPACKED_LEN_DEFAULT)),
        _ => arg.bad(format!("write max-size N, N up to {UNPACKED_LEN_MAX}")),
    }
}

fn gunzip(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let max_len = max_len(arg)?;
    draft.transform(arg, Transform::Gunzip { max_len })
}

fn zlib_deflate(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let max_len = max_len(arg)?;
    draft.transform(arg, Transform::ZlibDeflate { max_len })
}

/// `xor:HEX`, or `xor:[offset N,]extract LEN PLACE`
fn xor(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    if arg.value.text.contains("extract") {
        return match xor_own(arg) {
            Some(transform) => draft.transform(arg, transform),
            None => arg.bad("write xor:offset N,extract LENGTH PLACE"),
        };
    }
    match hex(arg.value.text).filter(|key| !key.is_empty() && key.len() <= XOR_LEN_MAX) {
        Some(key) => draft.transform(arg, Transform::Xor(key.into())),
        None => arg.bad("the key is made of pairs of hexadecimal digits"),
    }
}

fn xor_own(arg: &Arg<'_>) -> Option<Transform> {
    let (mut offset, mut key) = (0, None);
    for part in arg.parts() {
        let mut words = part.text.split_ascii_whitespace();
        match words.next()? {
            "offset" => offset = words.next()?.parse().ok()?,
            "extract" => key = Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?)),
            _ => return None,
        }
        if words.next().is_some() {
            return None;
        }
    }
    let (key_len, key_offset) = key?;
    (key_len > 0).then_some(Transform::XorOwn { offset, key_len, key_offset })
}

/// Pairs of hexadecimal digits.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| if let [a, b] = *pair { Some(digit(a)? << 4 | digit(b)?) } else { None }).collect()
}

/// `subslice:FROM[,LEN][,truncate]`
fn subslice(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut numbers = arg.parts().map(|part| integer(part.text));
    let (from, len) = (numbers.next().flatten(), numbers.next());
    match (from, len, numbers.next()) {
        (Some(from), None, None) => draft.transform(arg, Transform::Subslice { from, len: None }),
        (Some(from), Some(Some(len)), None) => draft.transform(arg, Transform::Subslice { from, len: Some(len) }),
        _ => arg.bad("write subslice:FROM or subslice:FROM,LENGTH"),
    }
}
