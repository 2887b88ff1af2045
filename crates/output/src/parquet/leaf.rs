//! What becomes of a log's columns: one leaf of Parquet's schema each, of addresses two.

use super::column::{Bits, Column, Shape, Values};
use super::texts::Texts;
use super::thrift::{self, Struct, Type};
use sekisho_record::{Kind, Schema};

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The sixteen octets of an address; IPv4 as `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2).
    AddrBytes,
    /// An address as text.
    AddrText,
    Bool,
    /// Unsigned, 64 bits.
    Count,
    Double,
    /// Signed, 64 bits.
    Int,
    /// Unsigned, 16 bits.
    Port,
    Text,
    /// Nanoseconds since 1970, UTC.
    Time,
}

/// Physical types (parquet.thrift, `Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Physical {
    Boolean = 0,
    Int32 = 1,
    Int64 = 2,
    Double = 5,
    ByteArray = 6,
    FixedLenByteArray = 7,
}

/// Octets of an address.
pub const ADDR_LEN: usize = 16;

impl Form {
    pub fn physical(self) -> Physical {
        match self {
            Self::AddrBytes => Physical::FixedLenByteArray,
            Self::AddrText | Self::Text => Physical::ByteArray,
            Self::Bool => Physical::Boolean,
            Self::Count | Self::Int | Self::Time => Physical::Int64,
            Self::Double => Physical::Double,
            Self::Port => Physical::Int32,
        }
    }

    /// The type as Parquet's tools print it, and what it stands for.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::AddrBytes => ("fixed_len_byte_array(16)", ""),
            Self::AddrText | Self::Text => ("binary", " (STRING)"),
            Self::Bool => ("boolean", ""),
            Self::Count => ("int64", " (INTEGER(64,false))"),
            Self::Double => ("double", ""),
            Self::Int => ("int64", " (INTEGER(64,true))"),
            Self::Port => ("int32", " (INTEGER(16,false))"),
            Self::Time => ("int64", " (TIMESTAMP(NANOS,true))"),
        }
    }

    /// The fields of a `SchemaElement` that tell the type.
    fn describe(self, s: &mut Struct<'_>, name: &str) {
        s.i32(1, self.physical() as i32);
        if self == Self::AddrBytes {
            s.i32(2, ADDR_LEN as i32);
        }
        s.i32(3, OPTIONAL);
        s.binary(4, name.as_bytes());
        // The older `ConvertedType`, where there is one, and `LogicalType`.
        match self {
            Self::AddrText | Self::Text => {
                s.i32(6, 0);
                s.strukt(10, |s| s.empty(1));
            }
            Self::Count => integer(s, 14, 64, false),
            Self::Int => integer(s, 18, 64, true),
            Self::Port => integer(s, 12, 16, false),
            Self::Time => s.strukt(10, |s| {
                s.strukt(8, |s| {
                    s.bool(1, true);
                    s.strukt(2, |s| s.empty(3));
                });
            }),
            Self::AddrBytes | Self::Bool | Self::Double => {}
        }
    }
}

fn integer(s: &mut Struct<'_>, converted: i32, bits: i8, signed: bool) {
    s.i32(6, converted);
    s.strukt(10, |s| {
        s.strukt(10, |s| {
            s.i8(1, bits);
            s.bool(2, signed);
        });
    });
}

/// `FieldRepetitionType`.
const OPTIONAL: i32 = 1;
const REPEATED: i32 = 2;

/// A column of the file.
#[derive(Debug)]
pub struct Leaf {
    pub name: String,
    /// Index of the log's column.
    pub field: usize,
    pub list: bool,
    pub form: Form,
    /// Does it get a Bloom filter?
    pub bloom: bool,
}

/// Ends the name of an address's binary column.
const BYTES_SUFFIX: &str = "_bin";

/// The file's columns in order.
pub fn leaves(schema: &Schema) -> Vec<Leaf> {
    let mut leaves = Vec::with_capacity(schema.fields.len() + 4);
    for (field, column) in schema.fields.iter().enumerate() {
        let (list, kind) = item_kind(&column.kind);
        let mut leaf = |suffix: &str, form, bloom| {
            leaves.push(Leaf { name: format!("{}{suffix}", column.name), field, list, form, bloom });
        };
        match kind {
            Kind::Addr => {
                leaf("", Form::AddrText, true);
                leaf(BYTES_SUFFIX, Form::AddrBytes, true);
            }
            Kind::Bool => leaf("", Form::Bool, false),
            Kind::Count => leaf("", Form::Count, false),
            Kind::Double | Kind::Interval => leaf("", Form::Double, false),
            Kind::Int => leaf("", Form::Int, false),
            Kind::Port => leaf("", Form::Port, false),
            Kind::Time => leaf("", Form::Time, false),
            Kind::Enum => leaf("", Form::Text, false),
            // Records have lists of plain values only.
            Kind::String | Kind::Subnet | Kind::Set(_) | Kind::Vector(_) => leaf("", Form::Text, true),
        }
    }
    leaves
}

/// Is it a list, and of what?
fn item_kind(kind: &Kind) -> (bool, &Kind) {
    match kind {
        Kind::Set(inner) | Kind::Vector(inner) => (true, inner),
        kind => (false, kind),
    }
}

/// Room for the rows of each of the log's columns.
pub fn columns(schema: &Schema) -> Vec<Column> {
    let column = |kind: &Kind| {
        let (list, kind) = item_kind(kind);
        let values = match kind {
            Kind::Bool => Values::Bits(Bits::default()),
            Kind::Count | Kind::Double | Kind::Int | Kind::Interval | Kind::Port | Kind::Time => {
                Values::Numbers(Vec::new())
            }
            _ => Values::Texts(Texts::new(true)),
        };
        let shape = if list {
            Shape::List { counts: Vec::new(), items: Bits::default() }
        } else {
            Shape::Single(Bits::default())
        };
        Column { values, shape }
    };
    schema.fields.iter().map(|f| column(&f.kind)).collect()
}

/// Appends the file's schema as list items; returns how many.
pub fn describe(out: &mut Vec<u8>, log: &str, leaves: &[Leaf]) -> usize {
    thrift::write(out, |s| {
        s.binary(4, log.as_bytes());
        s.i32(5, leaves.len() as i32);
    });
    let mut count = 1;
    for leaf in leaves {
        if leaf.list {
            thrift::write(out, |s| {
                s.i32(3, OPTIONAL);
                s.binary(4, leaf.name.as_bytes());
                s.i32(5, 1);
                s.i32(6, 3);
                s.strukt(10, |s| s.empty(3));
            });
            thrift::write(out, |s| {
                s.i32(3, REPEATED);
                s.binary(4, b"list");
                s.i32(5, 1);
            });
            count += 2;
        }
        thrift::write(out, |s| leaf.form.describe(s, if leaf.list { "element" } else { &leaf.name }));
        count += 1;
    }
    count
}

impl Leaf {
    /// What a value's number counts, or its bytes are.
    pub fn unit(&self, kind: &Kind) -> Option<&'static str> {
        Some(match (self.form, item_kind(kind).1) {
            (Form::AddrBytes, _) => "16 octets in network order, IPv4 as ::ffff:a.b.c.d",
            (_, Kind::Interval) => "seconds",
            (_, Kind::Time) => "nanoseconds since 1970-01-01T00:00:00Z",
            _ => return None,
        })
    }

    /// Appends the path of the leaf.
    pub fn path(&self, s: &mut Struct<'_>, id: i16) {
        let inner: &[&[u8]] = if self.list { &[b"list", b"element"] } else { &[] };
        s.list(id, Type::Binary, 1 + inner.len(), |out| {
            thrift::binary(out, self.name.as_bytes());
            inner.iter().for_each(|name| thrift::binary(out, name));
        });
    }
}
