//! Values on their way into columns, directly or packed for a while.

use crate::escape;
use crate::number;
use sekisho_record::Value;
use sekisho_types::{CommunityId, Uid};

/// A value as columns keep it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    Unset,
    /// A truth value, any integer (of unsigned ones the bits), nanoseconds since 1970, or the bits of a double.
    Number(i64),
    /// An address of 16 octets.
    Addr([u8; 16]),
    /// UTF-8.
    Text(&'a [u8]),
}

/// Makes cells of values.
#[derive(Default)]
pub struct Cells {
    text: Vec<u8>,
}

/// Room for the printed form of a value of bounded size.
const ROOM_LEN: usize = 64;

impl Cells {
    /// `value`, which is no list.
    #[inline]
    pub fn of<'a>(&'a mut self, value: &Value<'a>) -> Cell<'a> {
        match *value {
            Value::Unset | Value::List(_) => Cell::Unset,
            Value::Bool(v) => Cell::Number(i64::from(v)),
            Value::Count(v) => Cell::Number(v.cast_signed()),
            Value::Int(v) => Cell::Number(v),
            Value::Double(v) => Cell::Number(v.to_bits().cast_signed()),
            Value::Time(v) => Cell::Number(v.0),
            Value::Interval(v) => Cell::Number(seconds(v.0).to_bits().cast_signed()),
            Value::Port(v) => Cell::Number(i64::from(v)),
            Value::Addr(v) => Cell::Addr(*v.octets()),
            Value::Enum(v) => Cell::Text(v.as_bytes()),
            Value::Str(v) if escape::is_plain(v) => Cell::Text(v),
            ref other => Cell::Text(self.spell(other)),
        }
    }

    /// What has to be written to be a text.
    #[inline(never)]
    fn spell<'a>(&'a mut self, value: &Value<'a>) -> &'a [u8] {
        match *value {
            Value::Str(v) => {
                self.text.clear();
                escape::readable(&mut self.text, v);
                &self.text
            }
            Value::Subnet(v) => self.print(|room| number::subnet(room, v)),
            Value::Uid(v) => self.print(|room| Uid::write(&v, room)),
            Value::Community(v) => self.print(|room| CommunityId::write(&v, room)),
            Value::Mac(v) => self.print(|room| number::mac(room, v)),
            Value::Hex(v) => {
                self.text.clear();
                self.text.extend(v.iter().flat_map(|&b| number::hex_pair(b)));
                &self.text
            }
            _ => &[],
        }
    }

    fn print(&mut self, write: impl FnOnce(&mut [u8; ROOM_LEN]) -> usize) -> &[u8] {
        self.text.resize(ROOM_LEN, 0);
        let len = self.text.first_chunk_mut().map_or(0, write);
        self.text.get(..len).unwrap_or(&[])
    }
}

/// Of nanoseconds.
fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}

/// What stands in a packed row, value by value: the tag and then, the lowest byte first, what it announces.
mod tag {
    pub const UNSET: u8 = 0;
    /// Eight bytes.
    pub const NUMBER: u8 = 1;
    /// Sixteen octets.
    pub const ADDR: u8 = 2;
    /// One byte of length, and the text.
    pub const SHORT: u8 = 3;
    /// Four bytes of length, and the text.
    pub const LONG: u8 = 4;
    /// Four bytes with the number of items, which follow.
    pub const LIST: u8 = 5;
}

/// Appends `cell`.
pub fn pack(out: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Unset => out.push(tag::UNSET),
        Cell::Number(v) => {
            out.push(tag::NUMBER);
            out.extend_from_slice(&v.to_le_bytes());
        }
        Cell::Addr(v) => {
            out.push(tag::ADDR);
            out.extend_from_slice(&v);
        }
        Cell::Text(v) => {
            match u8::try_from(v.len()) {
                Ok(len) => out.extend_from_slice(&[tag::SHORT, len]),
                Err(_) => pack_len(out, tag::LONG, v.len()),
            }
            out.extend_from_slice(v);
        }
    }
}

/// Appends the head of a list whose `count` items follow.
pub fn pack_list(out: &mut Vec<u8>, count: usize) {
    pack_len(out, tag::LIST, count);
}

fn pack_len(out: &mut Vec<u8>, tag: u8, len: usize) {
    out.push(tag);
    out.extend_from_slice(&(len as u32).to_le_bytes());
}

/// What a packed row goes on with.
#[derive(Debug, PartialEq)]
pub enum Packed<'a> {
    Cell(Cell<'a>),
    /// The head of a list with so many items.
    List(usize),
}

/// Takes the next value off `rest`.
pub fn unpack<'a>(rest: &mut &'a [u8]) -> Option<Packed<'a>> {
    fn chunk<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
        let (chunk, behind) = rest.split_first_chunk()?;
        *rest = behind;
        Some(*chunk)
    }
    let [tag] = chunk(rest)?;
    let cell = match tag {
        tag::NUMBER => Cell::Number(i64::from_le_bytes(chunk(rest)?)),
        tag::ADDR => Cell::Addr(chunk(rest)?),
        tag::SHORT | tag::LONG => {
            let len = match tag {
                tag::SHORT => usize::from(chunk::<1>(rest)?[0]),
                _ => u32::from_le_bytes(chunk(rest)?) as usize,
            };
            let (text, behind) = rest.split_at_checked(len)?;
            *rest = behind;
            Cell::Text(text)
        }
        tag::LIST => return Some(Packed::List(u32::from_le_bytes(chunk(rest)?) as usize)),
        _ => Cell::Unset,
    };
    Some(Packed::Cell(cell))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_types::{Interval, MacAddr};

    #[test]
    fn packs_and_unpacks() {
        let long = vec![b'x'; 300];
        let cells = [
            Cell::Unset,
            Cell::Number(i64::MIN),
            Cell::Addr([9; 16]),
            Cell::Text(b""),
            Cell::Text(&long[..255]),
            Cell::Text(&long),
        ];
        let mut out = Vec::new();
        pack_list(&mut out, cells.len());
        cells.iter().for_each(|&c| pack(&mut out, c));
        let mut rest = &out[..];
        assert_eq!(unpack(&mut rest), Some(Packed::List(cells.len())));
        for cell in cells {
            assert_eq!(unpack(&mut rest), Some(Packed::Cell(cell)));
        }
        assert_eq!(unpack(&mut rest), None);
        let mut cut = &out[..out.len() - 1];
        assert_eq!(std::iter::from_fn(|| unpack(&mut cut)).count(), cells.len());
    }

    #[test]
    fn texts_are_those_of_json() {
        let mut cells = Cells::default();
        for (value, want) in [
            (Value::Str(b"plain \\ \"x\""), "plain \\ \"x\""),
            (Value::Str("größe\n".as_bytes()), "größe\n"),
            (Value::Str(b"a\0b\xff\xc2\x85"), "a\\x00b\\xff\\xc2\\x85"),
            (Value::Mac(MacAddr([2, 0, 0, 0, 0, 0xfe])), "02:00:00:00:00:fe"),
            (Value::Hex(&[0, 0xab]), "00ab"),
            (Value::Subnet("10.0.0.0/8".parse().unwrap()), "10.0.0.0/8"),
            (Value::Enum("tcp"), "tcp"),
        ] {
            assert_eq!(cells.of(&value), Cell::Text(want.as_bytes()));
        }
        let seconds = Cell::Number(1.000_000_001f64.to_bits().cast_signed());
        assert_eq!(cells.of(&Value::Interval(Interval(1_000_000_001))), seconds);
    }
}
