use sekisho_record::{EnumName, Head, Kind, Record, Tail, Text, ToValue, UnsetIfEmpty, Value};
use sekisho_types::{Heap, Interval, Subnet, block_len, list_len};
use std::borrow::Cow;

/// A number's name, or the number behind a prefix where it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(Cow<'static, str>);

impl Label {
    /// `name` unless that is empty, else `prefix` and `n` in decimal.
    pub fn known_or(name: &'static str, prefix: &str, n: u16) -> Self {
        Self(if name.is_empty() { Cow::Owned(format!("{prefix}{n}")) } else { Cow::Borrowed(name) })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Label {
    fn from(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

impl ToValue for Label {
    const KIND: Kind = Kind::String;
    fn to_value(&self) -> Value<'_> {
        Value::Str(self.0.as_bytes())
    }
}

impl Heap for Label {
    fn heap_len(&self) -> usize {
        if let Cow::Owned(text) = &self.0 { text.heap_len() } else { 0 }
    }
}

impl DnsRecord {
    /// Bytes that the row takes, itself included.
    pub(super) fn held_len(&self) -> usize {
        let names = self.query.heap_len() + self.reply_query.heap_len();
        let labels = [&self.qclass_name, &self.qtype_name, &self.reply_qtype_name];
        let labels = labels.into_iter().map(Heap::heap_len).sum::<usize>() + self.opcode_name.heap_len();
        block_len(size_of::<Self>()) + names + labels + self.answers.heap_len() + list_len(&self.ttls.0)
    }
}

/// A DNS question and what was answered, or either of them where the other was not seen.
#[derive(Clone, Debug, Record)]
#[record(log = "dns")]
pub struct DnsRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Transport protocol.
    pub proto: EnumName,
    /// The 16-bit id that joins a reply to its query.
    pub trans_id: u16,
    /// Time from the query to the first answer.
    pub rtt: Option<Interval>,
    /// The name asked for, in lower case; decoded for NetBIOS.
    pub query: Option<Text>,
    /// Class of the question.
    pub qclass: Option<u16>,
    /// Name of the class.
    pub qclass_name: Option<Label>,
    /// Type of the question.
    pub qtype: Option<u16>,
    /// Name of the type.
    pub qtype_name: Option<Label>,
    /// Response code of the reply's header.
    pub rcode: Option<u8>,
    /// Name of the response code.
    pub rcode_name: Option<&'static str>,
    /// The answer is authoritative.
    #[record(name = "AA")]
    pub aa: bool,
    /// The query was truncated.
    #[record(name = "TC")]
    pub tc: bool,
    /// The client wants recursion.
    #[record(name = "RD")]
    pub rd: bool,
    /// The server offers recursion.
    #[record(name = "RA")]
    pub ra: bool,
    /// The three bits behind RA in the query: reserved, authentic data, checking disabled.
    #[record(name = "Z")]
    pub z: u8,
    /// The answer section's records as text.
    pub answers: UnsetIfEmpty<Text>,
    /// Their times to live.
    #[record(name = "TTLs")]
    pub ttls: UnsetIfEmpty<Interval>,
    /// The server refused: an error, or a reply without any record.
    pub rejected: bool,
    /// Operation.
    pub opcode: u8,
    /// Name of the operation.
    pub opcode_name: Label,
    /// The name in the reply's question section, where the query was not seen.
    #[record(ext)]
    pub reply_query: Option<Text>,
    /// The type in the reply's question section, where the query was not seen.
    #[record(ext)]
    pub reply_qtype_name: Option<Label>,
    /// Records in the reply's answer section according to its header.
    #[record(ext)]
    pub answer_count: Option<u16>,
    /// Records in the reply's authority section according to its header.
    #[record(ext)]
    pub authority_count: Option<u16>,
    /// Records in the reply's additional section according to its header.
    #[record(ext)]
    pub additional_count: Option<u16>,
    /// The reply was truncated.
    #[record(ext)]
    pub reply_truncated: Option<bool>,
    /// Length of the reply in bytes.
    #[record(ext)]
    pub reply_len: Option<u32>,
    /// UDP payload size that the query offers by EDNS (RFC 6891 §6.2.3).
    #[record(ext)]
    pub edns_udp_size: Option<u16>,
    /// The query wants DNSSEC records (DO bit, RFC 3225).
    #[record(ext)]
    pub edns_do: Option<bool>,
    /// Client subnet (RFC 7871) in query or reply.
    #[record(ext)]
    pub edns_ecs: Option<Subnet>,
    /// Extended error of the reply (RFC 8914).
    #[record(ext)]
    pub edns_ede: Option<u16>,
    /// Response code with EDNS's upper eight bits, where they are not zero.
    #[record(ext)]
    pub extended_rcode: Option<u16>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
    /// The query has been seen.
    #[record(skip)]
    pub saw_query: bool,
    /// The reply has been seen.
    #[record(skip)]
    pub saw_reply: bool,
}
