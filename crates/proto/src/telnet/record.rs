use sekisho_record::{Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::Heap;

/// A Telnet session: what was agreed on, and who logged in. One row, when the login succeeded, else at the end.
#[derive(Clone, Debug, Record)]
#[record(log = "telnet")]
pub struct TelnetRecord {
    /// Time of the first bytes, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// User, from the dialogue or the options.
    pub user: Option<Text>,
    /// Passwords tried.
    pub login_attempts: u64,
    /// The last login was accepted, as far as the server's words tell.
    pub login_success: Option<bool>,
    /// Kind of the client's terminal.
    pub terminal: Option<Text>,
    /// Columns of the client's terminal.
    pub columns: Option<u64>,
    /// Rows of the client's terminal.
    pub rows: Option<u64>,
    /// Options that the originator is willing to use.
    pub orig_options: UnsetIfEmpty<&'static str>,
    /// Options that the responder is willing to use.
    pub resp_options: UnsetIfEmpty<&'static str>,
    /// First line of text from the responder.
    pub banner: Option<Text>,
    /// The session goes on encrypted (RFC 2946).
    pub encrypted: bool,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl TelnetRecord {
    pub(super) fn new(head: Head, tail: Tail) -> Self {
        Self {
            head,
            user: None,
            login_attempts: 0,
            login_success: None,
            terminal: None,
            columns: None,
            rows: None,
            orig_options: UnsetIfEmpty::default(),
            resp_options: UnsetIfEmpty::default(),
            banner: None,
            encrypted: false,
            tail,
        }
    }
}

impl Heap for TelnetRecord {
    fn heap_len(&self) -> usize {
        self.user.heap_len() + self.terminal.heap_len() + self.banner.heap_len()
    }
}
