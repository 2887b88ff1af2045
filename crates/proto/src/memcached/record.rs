use sekisho_record::{EnumName, Head, Record, Tail, Text};

/// One command of a memcached connection, or datagram, with its answer.
#[derive(Clone, Debug, Record)]
#[record(log = "memcached")]
pub struct MemcachedRecord {
    /// Time of the command, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// `text` or `binary`.
    pub encoding: &'static str,
    /// The command; unset if only the server was heard.
    pub command: Option<Text>,
    /// The key, or the first of several; of commands without keys the argument.
    pub key: Option<Text>,
    /// Keys named.
    pub key_count: Option<u64>,
    /// Length of the value sent, in bytes.
    pub value_len: Option<u64>,
    /// The answer's first word, or of the binary encoding its status.
    pub status: Option<Text>,
    /// The answer was no error and no miss.
    pub success: Option<bool>,
    /// Values or statistics that came back.
    pub item_count: Option<u64>,
    /// Their length in bytes.
    pub item_len: Option<u64>,
    /// User that logs in.
    pub user: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl MemcachedRecord {
    /// A row with nothing but its encoding.
    pub(super) fn new(encoding: &'static str, cx: &crate::Cx<'_>) -> Self {
        Self {
            head: cx.head(cx.ts),
            encoding,
            command: None,
            key: None,
            key_count: None,
            value_len: None,
            status: None,
            success: None,
            item_count: None,
            item_len: None,
            user: None,
            tail: cx.tail(),
        }
    }

    /// Exchanges the ends: the server came first.
    pub(super) fn reverse(&mut self) {
        let head = &mut self.head;
        (head.orig_h, head.resp_h) = (head.resp_h, head.orig_h);
        (head.orig_p, head.resp_p) = (head.resp_p, head.orig_p);
        self.tail.one_sided = match self.tail.one_sided {
            Some(EnumName("orig")) => Some(EnumName("resp")),
            other => other,
        };
    }
}
