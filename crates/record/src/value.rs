use sekisho_types::{Addr, CommunityId, Interval, MacAddr, Subnet, Timestamp, Uid};
use std::fmt;

/// A column's type, in Zeek's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IP address.
    Addr,
    /// Truth value.
    Bool,
    /// Unsigned integer.
    Count,
    /// Floating point number.
    Double,
    /// One of a fixed set of names.
    Enum,
    /// Signed integer.
    Int,
    /// Span of time in seconds.
    Interval,
    /// Transport port.
    Port,
    /// Unordered list.
    Set(&'static Kind),
    /// Bytes, usually text.
    String,
    /// Address prefix.
    Subnet,
    /// Seconds since 1970.
    Time,
    /// Ordered list.
    Vector(&'static Kind),
}

/// One value on its way to an encoder; borrows from the record.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// No value (`-` in Zeek's text logs, absent in JSON).
    Unset,
    /// Truth value.
    Bool(bool),
    /// Unsigned integer.
    Count(u64),
    /// Signed integer.
    Int(i64),
    /// Floating point number.
    Double(f64),
    /// Point in packet time.
    Time(Timestamp),
    /// Span of packet time.
    Interval(Interval),
    /// IP address.
    Addr(Addr),
    /// Address prefix.
    Subnet(Subnet),
    /// Transport port, host order.
    Port(u16),
    /// Bytes from the wire, usually text; any byte may occur.
    Str(&'a [u8]),
    /// Name from a fixed set.
    Enum(&'a str),
    /// Flow or file id.
    Uid(Uid),
    /// Community ID.
    Community(CommunityId),
    /// Link-layer address.
    Mac(MacAddr),
    /// Digest, printed in lower-case hex.
    Hex(&'a [u8]),
    /// Vector or set.
    List(&'a dyn List),
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("Unset"),
            Self::Bool(v) => write!(f, "Bool({v})"),
            Self::Count(v) => write!(f, "Count({v})"),
            Self::Int(v) => write!(f, "Int({v})"),
            Self::Double(v) => write!(f, "Double({v})"),
            Self::Time(v) => write!(f, "Time({})", v.0),
            Self::Interval(v) => write!(f, "Interval({})", v.0),
            Self::Addr(v) => write!(f, "Addr({v})"),
            Self::Subnet(v) => write!(f, "Subnet({v})"),
            Self::Port(v) => write!(f, "Port({v})"),
            Self::Str(v) => write!(f, "Str({:?})", String::from_utf8_lossy(v)),
            Self::Enum(v) => write!(f, "Enum({v})"),
            Self::Uid(v) => write!(f, "Uid({v})"),
            Self::Community(v) => {
                let mut buf = [0; CommunityId::ROOM_LEN];
                let len = v.write(&mut buf);
                write!(f, "Community({})", String::from_utf8_lossy(&buf[..len]))
            }
            Self::Mac(v) => write!(f, "Mac({v})"),
            Self::Hex(v) => write!(f, "Hex({v:02x?})"),
            Self::List(v) => f.debug_list().entries((0..v.len()).map(|i| v.item(i))).finish(),
        }
    }
}

/// A vector or set of values.
pub trait List {
    /// Number of items.
    fn len(&self) -> usize;

    /// Has it no item?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Item `i`; `Unset` beyond the end.
    fn item(&self, i: usize) -> Value<'_>;
}

/// A Rust type that can stand in a record.
pub trait ToValue {
    /// The column's type.
    const KIND: Kind;

    /// The value, borrowed.
    fn to_value(&self) -> Value<'_>;
}

/// Bytes from the wire that are usually text; encoders escape what is not.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(pub Vec<u8>);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl<T: AsRef<[u8]> + ?Sized> From<&T> for Text {
    fn from(bytes: &T) -> Self {
        Self(bytes.as_ref().to_vec())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

/// A transport port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub u16);

/// A name from a fixed set, e.g. `tcp` or `OUTBOUND`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnumName(pub &'static str);

/// A hash value of `N` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest<const N: usize>(pub [u8; N]);

/// A list that is unset rather than empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsetIfEmpty<T>(pub Vec<T>);

impl<T> Default for UnsetIfEmpty<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: ToValue> ToValue for UnsetIfEmpty<T> {
    const KIND: Kind = Kind::Vector(&T::KIND);
    fn to_value(&self) -> Value<'_> {
        if self.0.is_empty() { Value::Unset } else { Value::List(&self.0) }
    }
}

/// A list without order; keeps insertion order, no duplicates if filled by [`Set::insert`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set<T>(pub Vec<T>);

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Set<T> {
    /// Adds `item` unless it is there; tells whether it was added.
    pub fn insert(&mut self, item: T) -> bool {
        let new = !self.0.contains(&item);
        if new {
            self.0.push(item);
        }
        new
    }
}

/// Texts one behind the other in one piece of memory: a list that is unset rather than empty.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Texts {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Texts {
    /// With room for `count` texts of `len` bytes in all.
    pub fn with_capacity(count: usize, len: usize) -> Self {
        Self { bytes: Vec::with_capacity(len), ends: Vec::with_capacity(count) }
    }

    /// Makes room for `count` texts of `len` bytes in all.
    pub fn reserve(&mut self, count: usize, len: usize) {
        self.bytes.reserve(len);
        self.ends.reserve(count);
    }

    /// Takes all out; the room stays.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Bytes for which there is room.
    pub fn room_len(&self) -> usize {
        self.bytes.capacity()
    }

    /// Adds one.
    pub fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    /// Text `i`.
    pub fn get(&self, i: usize) -> Option<&[u8]> {
        let end = *self.ends.get(i)?;
        let start = i.checked_sub(1).map_or(0, |before| self.ends.get(before).copied().unwrap_or(0));
        self.bytes.get(start..end)
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.len()).map(|i| self.item(i))).finish()
    }
}

impl List for Texts {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn item(&self, i: usize) -> Value<'_> {
        self.get(i).map_or(Value::Unset, Value::Str)
    }
}

impl ToValue for Texts {
    const KIND: Kind = Kind::Vector(&Text::KIND);
    fn to_value(&self) -> Value<'_> {
        if self.is_empty() { Value::Unset } else { Value::List(self) }
    }
}

impl<T: ToValue> List for Vec<T> {
    fn len(&self) -> usize {
        self.len()
    }

    fn item(&self, i: usize) -> Value<'_> {
        self.get(i).map_or(Value::Unset, ToValue::to_value)
    }
}

impl<T: ToValue> ToValue for Vec<T> {
    const KIND: Kind = Kind::Vector(&T::KIND);
    fn to_value(&self) -> Value<'_> {
        Value::List(self)
    }
}

impl<T: ToValue> ToValue for Set<T> {
    const KIND: Kind = Kind::Set(&T::KIND);
    fn to_value(&self) -> Value<'_> {
        Value::List(&self.0)
    }
}

impl<T: ToValue> ToValue for Option<T> {
    const KIND: Kind = T::KIND;
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Unset, ToValue::to_value)
    }
}

impl<T: ToValue + ?Sized> ToValue for Box<T> {
    const KIND: Kind = T::KIND;
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

macro_rules! to_value {
    ($($ty:ty, $kind:ident, |$v:ident| $value:expr;)*) => {$(
        impl ToValue for $ty {
            const KIND: Kind = Kind::$kind;
            fn to_value(&self) -> Value<'_> {
                let $v = self;
                $value
            }
        }
    )*};
}

to_value! {
    bool, Bool, |v| Value::Bool(*v);
    u16, Count, |v| Value::Count(u64::from(*v));
    u32, Count, |v| Value::Count(u64::from(*v));
    u64, Count, |v| Value::Count(*v);
    u8, Count, |v| Value::Count(u64::from(*v));
    i64, Int, |v| Value::Int(*v);
    f64, Double, |v| Value::Double(*v);
    Timestamp, Time, |v| Value::Time(*v);
    Interval, Interval, |v| Value::Interval(*v);
    Addr, Addr, |v| Value::Addr(*v);
    Subnet, Subnet, |v| Value::Subnet(*v);
    Port, Port, |v| Value::Port(v.0);
    Text, String, |v| Value::Str(&v.0);
    String, String, |v| Value::Str(v.as_bytes());
    str, String, |v| Value::Str(v.as_bytes());
    &'static str, String, |v| Value::Str(v.as_bytes());
    EnumName, Enum, |v| Value::Enum(v.0);
    Uid, String, |v| Value::Uid(*v);
    CommunityId, String, |v| Value::Community(*v);
    MacAddr, String, |v| Value::Mac(*v);
}

impl<const N: usize> ToValue for Digest<N> {
    const KIND: Kind = Kind::String;
    fn to_value(&self) -> Value<'_> {
        Value::Hex(&self.0)
    }
}
