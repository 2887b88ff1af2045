//! Ways in which a match was hidden.

use std::fmt;
use std::rc::Rc;

/// One step from what crossed to what matched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Coding {
    /// Base32 (RFC 4648 §6).
    Base32,
    /// Base64 (RFC 4648 §4 and §5).
    Base64,
    /// `\x41`, `\u0041`.
    Escapes,
    /// `&#65;`, `&#x41;`.
    Entities,
    /// Hexadecimal, with or without something between the bytes.
    Hex,
    /// Out of an archive or a compressed stream: the path in words.
    Packed(Rc<str>),
    /// `=41` (RFC 2045 §6.7).
    QuotedPrintable,
    /// Read from its end.
    Reversed,
    /// Letters turned by so many places.
    Rot(u8),
    /// Percent escapes.
    Url,
    /// Two bytes for a character, in either order.
    Utf16,
    /// Every byte XORed with this one.
    Xor(u8),
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base32 => "base32",
            Self::Base64 => "base64",
            Self::Escapes => "escapes",
            Self::Entities => "entities",
            Self::Hex => "hex",
            Self::Packed(path) => path,
            Self::QuotedPrintable => "quoted-printable",
            Self::Reversed => "reversed",
            Self::Rot(by) => return write!(f, "rot{by}"),
            Self::Url => "url",
            Self::Utf16 => "utf-16",
            Self::Xor(key) => return write!(f, "xor 0x{key:02x}"),
        })
    }
}

/// A letter moved by `by` places in the alphabet; everything else as it is.
pub(crate) fn rot(byte: u8, by: u8) -> u8 {
    let turn = |first: u8| first + (byte - first + by) % 26;
    match byte {
        b'a'..=b'z' => turn(b'a'),
        b'A'..=b'Z' => turn(b'A'),
        other => other,
    }
}
