//! DNS messages (RFC 1035 §4) for the captures.

/// Flags of an ordinary question: recursion desired.
pub const QUERY: u16 = 0x0100;

/// Flags of an ordinary answer: response, recursion desired and available.
pub const ANSWER: u16 = 0x8180;

/// The response code of a name that is not there, to be added to the flags.
pub const NXDOMAIN: u16 = 3;

/// Types of records.
pub mod kind {
    /// An IPv4 address.
    pub const A: u16 = 1;
    /// An alias.
    pub const CNAME: u16 = 5;
    /// A pointer to a name.
    pub const PTR: u16 = 12;
    /// A mail server.
    pub const MX: u16 = 15;
    /// Texts.
    pub const TXT: u16 = 16;
    /// An IPv6 address.
    pub const AAAA: u16 = 28;
    /// A NetBIOS name.
    pub const NB: u16 = 32;
    /// A service.
    pub const SRV: u16 = 33;
}

/// A name in labels; `""` is the root.
pub fn name(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in text.split('.').filter(|l| !l.is_empty()) {
        out.push(u8::try_from(label.len()).expect("short label"));
        out.extend(label.bytes());
    }
    out.push(0);
    out
}

/// A header with its four counts.
pub fn header(id: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    let mut out = [id.to_be_bytes(), flags.to_be_bytes()].concat();
    counts.iter().for_each(|c| out.extend(c.to_be_bytes()));
    out
}

/// The question section of one question.
pub fn asked(text: &str, kind: u16) -> Vec<u8> {
    [&name(text)[..], &kind.to_be_bytes(), &[0, 1]].concat()
}

/// A resource record; `owner` is already in wire form.
pub fn record(owner: &[u8], kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len()).expect("short data").to_be_bytes();
    [owner, &kind.to_be_bytes(), &[0, 1], &ttl.to_be_bytes(), &len, data].concat()
}

/// A pointer to the question's name.
pub const TO_QUESTION: &[u8] = &[0xc0, 12];

/// One question.
pub fn question(id: u16, text: &str, kind: u16) -> Vec<u8> {
    [header(id, QUERY, [1, 0, 0, 0]), asked(text, kind)].concat()
}

/// The answer to one question.
pub fn answer(id: u16, flags: u16, text: &str, kind: u16, records: &[Vec<u8>]) -> Vec<u8> {
    let count = u16::try_from(records.len()).expect("few records");
    [header(id, flags, [1, count, 0, 0]), asked(text, kind), records.concat()].concat()
}

/// A TXT answer with one record per text.
pub fn texts(id: u16, text: &str, texts: &[&[u8]]) -> Vec<u8> {
    let one = |t: &&[u8]| {
        let len = u8::try_from(t.len()).expect("short text");
        record(TO_QUESTION, kind::TXT, 60, &[&[len], *t].concat())
    };
    answer(id, ANSWER, text, kind::TXT, &texts.iter().map(one).collect::<Vec<_>>())
}
