use sekisho_record::{Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::{Heap, Uid, list_len};

/// A session at an IMAP server: who logged in how, and what he did.
#[derive(Clone, Debug, Record)]
#[record(log = "imap")]
pub struct ImapRecord {
    /// Time of the first line, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Text of the server's greeting.
    pub greeting: Option<Text>,
    /// What the client says of itself (ID), as on the wire.
    pub client: Option<Text>,
    /// User of the last login.
    pub user: Option<Text>,
    /// How he logged in: `LOGIN` or the mechanism of AUTHENTICATE.
    pub auth_method: Option<Text>,
    /// The last login was accepted.
    pub auth_success: Option<bool>,
    /// Logins tried.
    pub auth_attempts: u64,
    /// Commands sent, logins included.
    pub commands: u64,
    /// Mailbox opened last.
    pub mailbox: Option<Text>,
    /// Messages in it, as the server told last.
    pub mailbox_count: Option<u64>,
    /// Bodies, or parts of them, that were fetched.
    pub fetched: u64,
    /// Messages stored.
    pub appended: u64,
    /// Refusals.
    pub errors: u64,
    /// Text of the last refusal.
    pub last_error: Option<Text>,
    /// The session goes on in TLS.
    pub tls: bool,
    /// Ids of the files in the messages fetched and stored.
    pub fuids: UnsetIfEmpty<Uid>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl ImapRecord {
    pub(super) fn new(head: Head, tail: Tail) -> Self {
        Self {
            head,
            greeting: None,
            client: None,
            user: None,
            auth_method: None,
            auth_success: None,
            auth_attempts: 0,
            commands: 0,
            mailbox: None,
            mailbox_count: None,
            fetched: 0,
            appended: 0,
            errors: 0,
            last_error: None,
            tls: false,
            fuids: UnsetIfEmpty::default(),
            tail,
        }
    }
}

impl Heap for ImapRecord {
    fn heap_len(&self) -> usize {
        let texts = [&self.greeting, &self.client, &self.user, &self.auth_method, &self.mailbox, &self.last_error];
        texts.iter().map(|t| t.heap_len()).sum::<usize>() + list_len(&self.fuids.0)
    }
}
