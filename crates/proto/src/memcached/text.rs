//! The text encoding (`doc/protocol.txt` of memcached).

/// How a command goes on and what answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Flags, expiry, length of the value, which follows.
    Store,
    /// As many keys as there are words.
    Retrieve,
    /// As [`Self::Retrieve`], after an expiry.
    RetrieveAndTouch,
    /// A key, or an argument.
    Plain,
    /// Length of the value, which follows, is the second word (meta set).
    MetaStore,
    /// No answer comes.
    Silent,
}

/// The commands.
const COMMANDS: [(&[u8], Shape); 37] = [
    (b"add", Shape::Store),
    (b"append", Shape::Store),
    (b"cache_memlimit", Shape::Plain),
    (b"cas", Shape::Store),
    (b"decr", Shape::Plain),
    (b"delete", Shape::Plain),
    (b"flush_all", Shape::Plain),
    (b"gat", Shape::RetrieveAndTouch),
    (b"gats", Shape::RetrieveAndTouch),
    (b"get", Shape::Retrieve),
    (b"gets", Shape::Retrieve),
    (b"incr", Shape::Plain),
    (b"lru", Shape::Plain),
    (b"lru_crawler", Shape::Plain),
    (b"ma", Shape::Plain),
    (b"md", Shape::Plain),
    (b"me", Shape::Plain),
    (b"mg", Shape::Plain),
    (b"mn", Shape::Plain),
    (b"ms", Shape::MetaStore),
    (b"prepend", Shape::Store),
    (b"quit", Shape::Silent),
    (b"refresh_certs", Shape::Plain),
    (b"replace", Shape::Store),
    (b"set", Shape::Store),
    (b"shutdown", Shape::Plain),
    (b"slabs", Shape::Plain),
    (b"stats", Shape::Plain),
    (b"touch", Shape::Plain),
    (b"verbosity", Shape::Plain),
    (b"version", Shape::Plain),
    (b"watch", Shape::Plain),
    (b"bget", Shape::Retrieve),
    (b"extstore", Shape::Plain),
    (b"cache_memlimit_mb", Shape::Plain),
    (b"debugtime", Shape::Plain),
    (b"misbehave", Shape::Plain),
];

/// The shape of a command; `None` if there is no such command.
pub(super) fn shape(word: &[u8]) -> Option<Shape> {
    COMMANDS.iter().find(|c| c.0 == word).map(|c| c.1)
}

/// Can `word` become a command?
pub(super) fn is_prefix(word: &[u8]) -> bool {
    COMMANDS.iter().any(|c| c.0.starts_with(word))
}

/// The words of a line.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| *b == b' ').filter(|w| !w.is_empty())
}

/// A decimal number.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// One line of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    pub name: &'a [u8],
    pub key: Option<&'a [u8]>,
    pub key_count: u64,
    /// Length of the value that follows.
    pub value_len: Option<u64>,
    /// No answer comes, or perhaps none.
    pub silent: bool,
}

impl<'a> Command<'a> {
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let mut all = words(line);
        let name = all.next()?;
        let shape = shape(name)?;
        let noreply = words(line).last() == Some(b"noreply");
        let quiet =
            name.len() == 2 && name.first() == Some(&b'm') && words(line).skip(2).any(|w| w.first() == Some(&b'q'));
        let key = if shape == Shape::RetrieveAndTouch { all.nth(1) } else { all.next() };
        let more = match shape {
            Shape::Retrieve | Shape::RetrieveAndTouch => all.fold(0, |n, _| n + 1),
            _ => 0,
        };
        let value_len = match shape {
            Shape::Store => Some(number(words(line).nth(4)?)?),
            Shape::MetaStore => Some(number(words(line).nth(2)?)?),
            _ => None,
        };
        let key_count = if key.is_some() { 1 + more } else { 0 };
        let silent = noreply || quiet || shape == Shape::Silent;
        Some(Self { name, key, key_count, value_len, silent })
    }
}

/// What a line of an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A value of so many bytes follows; it is the last one or not.
    Value { len: u64, last: bool },
    /// A statistic.
    Item,
    /// The answer is whole.
    Last { status: &'a [u8], success: Option<bool> },
}

impl<'a> Line<'a> {
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let mut all = words(line);
        let status = all.next()?;
        let success = match status {
            b"VALUE" => return Some(Self::Value { len: number(all.nth(2)?)?, last: false }),
            b"VA" => return Some(Self::Value { len: number(all.next()?)?, last: true }),
            b"STAT" | b"ITEM" => return Some(Self::Item),
            // Of the values before it the end says nothing.
            b"END" => None,
            b"STORED" | b"DELETED" | b"TOUCHED" | b"OK" | b"VERSION" | b"HD" | b"ME" | b"MN" | b"RESET" => Some(true),
            b"NOT_STORED" | b"EXISTS" | b"NOT_FOUND" | b"EN" | b"NS" | b"EX" | b"NF" | b"ERROR" | b"CLIENT_ERROR"
            | b"SERVER_ERROR" | b"BUSY" | b"BADCLASS" | b"NOSPARE" | b"NOTFULL" | b"UNSAFE" | b"SAME" => Some(false),
            // A counter's new value.
            digits if number(digits).is_some() => Some(true),
            _ => return None,
        };
        Some(Self::Last { status, success })
    }
}
