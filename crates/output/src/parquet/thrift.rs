//! Thrift's compact protocol, as far as Parquet's metadata needs it (thrift-compact-protocol.md): writing only.

/// Types of fields and of list items.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Type {
    True = 1,
    False = 2,
    I8 = 3,
    I16 = 4,
    I32 = 5,
    I64 = 6,
    Binary = 8,
    List = 9,
    Struct = 12,
}

/// A struct that is being written; fields must come in ascending order of their ids.
pub struct Struct<'a> {
    out: &'a mut Vec<u8>,
    last: i16,
}

/// Appends a struct with the fields that `fill` writes.
pub fn write(out: &mut Vec<u8>, fill: impl FnOnce(&mut Struct<'_>)) {
    fill(&mut Struct { out, last: 0 });
    out.push(0);
}

impl Struct<'_> {
    fn head(&mut self, id: i16, kind: Type) {
        match u8::try_from(id - self.last) {
            Ok(delta @ 1..=15) => self.out.push(delta << 4 | kind as u8),
            _ => {
                self.out.push(kind as u8);
                varint(self.out, zigzag(i64::from(id)));
            }
        }
        self.last = id;
    }

    pub fn bool(&mut self, id: i16, v: bool) {
        self.head(id, if v { Type::True } else { Type::False });
    }

    pub fn i8(&mut self, id: i16, v: i8) {
        self.head(id, Type::I8);
        self.out.push(v.cast_unsigned());
    }

    pub fn i16(&mut self, id: i16, v: i16) {
        self.head(id, Type::I16);
        varint(self.out, zigzag(i64::from(v)));
    }

    pub fn i32(&mut self, id: i16, v: i32) {
        self.head(id, Type::I32);
        varint(self.out, zigzag(i64::from(v)));
    }

    pub fn i64(&mut self, id: i16, v: i64) {
        self.head(id, Type::I64);
        varint(self.out, zigzag(v));
    }

    pub fn binary(&mut self, id: i16, v: &[u8]) {
        self.head(id, Type::Binary);
        binary(self.out, v);
    }

    pub fn strukt(&mut self, id: i16, fill: impl FnOnce(&mut Struct<'_>)) {
        self.head(id, Type::Struct);
        write(self.out, fill);
    }

    /// A struct without fields.
    pub fn empty(&mut self, id: i16) {
        self.strukt(id, |_| {});
    }

    /// A list whose `count` items `fill` appends.
    pub fn list(&mut self, id: i16, kind: Type, count: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        self.head(id, Type::List);
        match u8::try_from(count) {
            Ok(short @ 0..15) => self.out.push(short << 4 | kind as u8),
            _ => {
                self.out.push(0xf0 | kind as u8);
                varint(self.out, count as u64);
            }
        }
        fill(self.out);
    }
}

/// Appends an item of a list of integers.
pub fn i32(out: &mut Vec<u8>, v: i32) {
    varint(out, zigzag(i64::from(v)));
}

/// Appends an item of a list of texts.
pub fn binary(out: &mut Vec<u8>, v: &[u8]) {
    varint(out, v.len() as u64);
    out.extend_from_slice(v);
}

/// Appends seven bits a byte, the lowest first (ULEB128).
pub fn varint(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

/// Small numbers of either sign become small numbers.
pub fn zigzag(v: i64) -> u64 {
    (v << 1 ^ v >> 63).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_by_delta_and_by_id() {
        let mut out = Vec::new();
        write(&mut out, |s| {
            s.i32(1, -1);
            s.bool(2, true);
            s.i64(20, 300);
            s.binary(21, b"ab");
            s.list(22, Type::I32, 2, |out| {
                i32(out, 1);
                i32(out, 2);
            });
            s.strukt(23, |s| s.i16(1, 5));
        });
        let want = [
            &[0x15, 1, 0x11][..],
            &[0x06, 40, 0xd8, 4],
            &[0x18, 2, b'a', b'b'],
            &[0x19, 0x25, 2, 4],
            &[0x1c, 0x14, 10, 0],
            &[0],
        ];
        assert_eq!(out, want.concat());
    }

    #[test]
    fn long_lists_and_numbers() {
        let mut out = Vec::new();
        write(&mut out, |s| s.list(1, Type::I8, 200, |out| out.extend([7; 200])));
        assert_eq!(out[..4], [0x19, 0xf3, 200, 1]);
        assert_eq!([0, -1, 1, i64::MIN].map(zigzag), [0, 1, 2, u64::MAX]);
    }
}
