use std::fmt;

/// What was wrong with the bytes of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A value the standard forbids.
    BadValue,
    /// Fewer bytes than the item needs.
    Missing,
    /// A named limit was exceeded.
    OverLimit,
    /// Bytes left over where none may be.
    Trailing,
}

/// A parse failure: the item's name and what was wrong. Two words, copyable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    item: &'static &'static str,
    problem: Problem,
}

const _: () = assert!(size_of::<ParseError>() <= 16);

/// Result of a pure parsing function.
pub type ParseResult<T> = Result<T, ParseError>;

impl ParseError {
    /// `item` names what was being read, e.g. `&"server name"`.
    pub const fn new(item: &'static &'static str, problem: Problem) -> Self {
        Self { item, problem }
    }

    /// Fewer bytes than `item` needs.
    pub const fn missing(item: &'static &'static str) -> Self {
        Self::new(item, Problem::Missing)
    }

    /// `item` has a value that the standard forbids.
    pub const fn bad(item: &'static &'static str) -> Self {
        Self::new(item, Problem::BadValue)
    }

    /// `item` exceeds a limit.
    pub const fn over_limit(item: &'static &'static str) -> Self {
        Self::new(item, Problem::OverLimit)
    }

    /// What was being read.
    pub const fn item(&self) -> &'static str {
        self.item
    }

    /// What was wrong.
    pub const fn problem(&self) -> Problem {
        self.problem
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.problem {
            Problem::BadValue => "bad value",
            Problem::Missing => "missing bytes",
            Problem::OverLimit => "over limit",
            Problem::Trailing => "trailing bytes",
        };
        write!(f, "{}: {what}", self.item)
    }
}

impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParseError({self})")
    }
}

impl std::error::Error for ParseError {}

/// A cursor over borrowed bytes. Every read is checked; a failed read consumes nothing.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    all: &'a [u8],
    pos: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { all: bytes, pos: 0 }
    }

    /// Offset from the start.
    pub const fn pos(&self) -> usize {
        self.pos
    }

    /// All bytes, read or not: for formats with back references.
    pub const fn all(&self) -> &'a [u8] {
        self.all
    }

    /// Bytes not yet read; the cursor stays.
    pub fn rest(&self) -> &'a [u8] {
        self.all.get(self.pos..).unwrap_or(&[])
    }

    /// Number of bytes not yet read.
    pub const fn left(&self) -> usize {
        self.all.len() - self.pos
    }

    /// Is everything read?
    pub const fn is_empty(&self) -> bool {
        self.left() == 0
    }

    /// The next `n` bytes.
    pub fn take(&mut self, item: &'static &'static str, n: usize) -> ParseResult<&'a [u8]> {
        let end = self.pos.checked_add(n).ok_or(ParseError::missing(item))?;
        let bytes = self.all.get(self.pos..end).ok_or(ParseError::missing(item))?;
        self.pos = end;
        Ok(bytes)
    }

    /// The next `n` bytes as a reader of their own.
    pub fn sub(&mut self, item: &'static &'static str, n: usize) -> ParseResult<Reader<'a>> {
        self.take(item, n).map(Reader::new)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self, item: &'static &'static str) -> ParseResult<[u8; N]> {
        let bytes = self.rest().first_chunk::<N>().ok_or(ParseError::missing(item))?;
        self.pos += N;
        Ok(*bytes)
    }

    /// Skips `n` bytes.
    pub fn skip(&mut self, item: &'static &'static str, n: usize) -> ParseResult<()> {
        self.take(item, n).map(|_| ())
    }

    /// All that is left.
    pub fn take_rest(&mut self) -> &'a [u8] {
        let rest = self.rest();
        self.pos = self.all.len();
        rest
    }

    /// One byte.
    pub fn u8(&mut self, item: &'static &'static str) -> ParseResult<u8> {
        self.array::<1>(item).map(|[b]| b)
    }

    /// Two bytes, network order.
    pub fn u16(&mut self, item: &'static &'static str) -> ParseResult<u16> {
        self.array(item).map(u16::from_be_bytes)
    }

    /// Three bytes, network order.
    pub fn u24(&mut self, item: &'static &'static str) -> ParseResult<u32> {
        self.array::<3>(item).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Four bytes, network order.
    pub fn u32(&mut self, item: &'static &'static str) -> ParseResult<u32> {
        self.array(item).map(u32::from_be_bytes)
    }

    /// Eight bytes, network order.
    pub fn u64(&mut self, item: &'static &'static str) -> ParseResult<u64> {
        self.array(item).map(u64::from_be_bytes)
    }

    /// Two bytes, little endian.
    pub fn u16_le(&mut self, item: &'static &'static str) -> ParseResult<u16> {
        self.array(item).map(u16::from_le_bytes)
    }

    /// Four bytes, little endian.
    pub fn u32_le(&mut self, item: &'static &'static str) -> ParseResult<u32> {
        self.array(item).map(u32::from_le_bytes)
    }

    /// Eight bytes, little endian.
    pub fn u64_le(&mut self, item: &'static &'static str) -> ParseResult<u64> {
        self.array(item).map(u64::from_le_bytes)
    }

    /// A block with an 8-bit length before it.
    pub fn block8(&mut self, item: &'static &'static str) -> ParseResult<Reader<'a>> {
        let mut r = *self;
        let n = r.u8(item)?;
        let block = r.sub(item, usize::from(n))?;
        *self = r;
        Ok(block)
    }

    /// A block with a 16-bit length before it.
    pub fn block16(&mut self, item: &'static &'static str) -> ParseResult<Reader<'a>> {
        let mut r = *self;
        let n = r.u16(item)?;
        let block = r.sub(item, usize::from(n))?;
        *self = r;
        Ok(block)
    }

    /// A block with a 24-bit length before it.
    pub fn block24(&mut self, item: &'static &'static str) -> ParseResult<Reader<'a>> {
        let mut r = *self;
        let n = r.u24(item)?;
        let n = usize::try_from(n).map_err(|_| ParseError::over_limit(item))?;
        let block = r.sub(item, n)?;
        *self = r;
        Ok(block)
    }

    /// Fails unless everything is read.
    pub fn finish(&self, item: &'static &'static str) -> ParseResult<()> {
        if self.is_empty() { Ok(()) } else { Err(ParseError::new(item, Problem::Trailing)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_order_and_checks() {
        let mut r = Reader::new(&[1, 0, 2, 0, 0, 3, 9, 8, 7]);
        assert_eq!(r.u8(&"a"), Ok(1));
        assert_eq!(r.u16(&"b"), Ok(2));
        let mut b = r.block24(&"c").unwrap();
        assert_eq!(b.take(&"d", 3), Ok(&[9u8, 8, 7][..]));
        assert!(r.is_empty());
        assert_eq!(r.u8(&"e").unwrap_err().to_string(), "e: missing bytes");
        assert_eq!(r.finish(&"f"), Ok(()));
    }

    #[test]
    fn a_failed_read_consumes_nothing() {
        let mut r = Reader::new(&[0, 5, 1]);
        assert!(r.block16(&"x").is_err());
        assert_eq!(r.pos(), 0);
        assert!(r.u32(&"y").is_err());
        assert_eq!(r.left(), 3);
        assert_eq!(r.take(&"z", usize::MAX).unwrap_err().problem(), Problem::Missing);
        assert_eq!(r.finish(&"w").unwrap_err().problem(), Problem::Trailing);
    }
}
