use sekisho_record::{Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::{Heap, Uid, list_len};

/// A session at a POP3 mailbox: who logged in how, and what he fetched.
#[derive(Clone, Debug, Record)]
#[record(log = "pop3")]
pub struct Pop3Record {
    /// Time of the first line, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Text of the server's greeting.
    pub greeting: Option<Text>,
    /// User of the last login.
    pub user: Option<Text>,
    /// How he logged in: `USER`, `APOP` or the mechanism of AUTH.
    pub auth_method: Option<Text>,
    /// The last login was accepted.
    pub auth_success: Option<bool>,
    /// Logins tried.
    pub auth_attempts: u64,
    /// Commands sent, logins included.
    pub commands: u64,
    /// Messages in the mailbox, as STAT tells.
    pub mailbox_count: Option<u64>,
    /// Bytes in the mailbox, as STAT tells.
    pub mailbox_len: Option<u64>,
    /// Messages fetched whole.
    pub retrieved: u64,
    /// Messages of which the beginning was fetched.
    pub previewed: u64,
    /// Messages marked to be deleted.
    pub deleted: u64,
    /// Refusals.
    pub errors: u64,
    /// Text of the last refusal.
    pub last_error: Option<Text>,
    /// The session goes on in TLS.
    pub tls: bool,
    /// Ids of the files in the messages fetched.
    pub fuids: UnsetIfEmpty<Uid>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl Pop3Record {
    pub(super) fn new(head: Head, tail: Tail) -> Self {
        Self {
            head,
            greeting: None,
            user: None,
            auth_method: None,
            auth_success: None,
            auth_attempts: 0,
            commands: 0,
            mailbox_count: None,
            mailbox_len: None,
            retrieved: 0,
            previewed: 0,
            deleted: 0,
            errors: 0,
            last_error: None,
            tls: false,
            fuids: UnsetIfEmpty::default(),
            tail,
        }
    }
}

impl Heap for Pop3Record {
    fn heap_len(&self) -> usize {
        let texts = [&self.greeting, &self.user, &self.auth_method, &self.last_error];
        texts.iter().map(|t| t.heap_len()).sum::<usize>() + list_len(&self.fuids.0)
    }
}
