use sekisho_record::{Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::{Heap, block_len};

/// An LDAP operation other than a search, with its result.
#[derive(Clone, Debug, Record)]
#[record(log = "ldap")]
pub struct LdapRecord {
    /// Time of the first message, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The id that joins request and response.
    pub message_id: Option<i64>,
    /// Version that a bind asks for.
    pub version: Option<i64>,
    /// The operation, for a bind with its kind.
    pub opcode: Option<&'static str>,
    /// Name of the result.
    pub result: Option<&'static str>,
    /// What the server says about the result.
    pub diagnostic_message: Option<Text>,
    /// What the operation is about: a name, for extended operations their identifier.
    pub object: Option<Text>,
    /// SASL mechanism, changes of a modification, or `REDACTED` for a password.
    pub argument: Option<Text>,
    /// The entry that is added, compared or renamed, which Zeek does not log.
    #[record(ext)]
    pub entry: Option<Text>,
    /// A bind in clear text came with a password.
    #[record(ext)]
    pub clear_password: Option<bool>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

/// An LDAP search and what came of it.
#[derive(Clone, Debug, Record)]
#[record(log = "ldap_search")]
pub struct LdapSearchRecord {
    /// Time of the first message, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The id that joins request and results.
    pub message_id: Option<i64>,
    /// `base`, `single` (one level) or `tree`.
    pub scope: Option<&'static str>,
    /// When aliases are followed.
    pub deref_aliases: Option<&'static str>,
    /// Where the search begins.
    pub base_object: Option<Text>,
    /// Entries returned.
    pub result_count: Option<u64>,
    /// Name of the result.
    pub result: Option<&'static str>,
    /// What the server says about the result.
    pub diagnostic_message: Option<Text>,
    /// The filter as text (RFC 4515, in Zeek's form).
    pub filter: Option<Text>,
    /// Unset as in Zeek by default; see `requested_attributes`.
    pub attributes: UnsetIfEmpty<Text>,
    /// The attributes asked for.
    #[record(ext)]
    pub requested_attributes: UnsetIfEmpty<Text>,
    /// Most entries that the client wants; 0 for all.
    #[record(ext)]
    pub size_limit: Option<i64>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl LdapRecord {
    /// Bytes that the boxed row takes.
    pub(super) fn held_len(&self) -> usize {
        let texts = self.diagnostic_message.heap_len() + self.object.heap_len() + self.argument.heap_len();
        block_len(size_of::<Self>()) + texts + self.entry.heap_len()
    }
}

impl LdapSearchRecord {
    /// Bytes that the boxed row takes.
    pub(super) fn held_len(&self) -> usize {
        let texts = self.base_object.heap_len() + self.diagnostic_message.heap_len() + self.filter.heap_len();
        block_len(size_of::<Self>()) + texts + self.requested_attributes.heap_len()
    }
}
