use sekisho_record::{Head, Record, Tail, Text};
use sekisho_types::Heap;

/// A session of rlogin, rsh or rexec: who wanted to be whom, and for what.
#[derive(Clone, Debug, Record)]
#[record(log = "rlogin")]
pub struct RloginRecord {
    /// Time of the first bytes, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// `rlogin`, `rsh` or `rexec`.
    pub kind: &'static str,
    /// User at the client.
    pub client_user: Option<Text>,
    /// User at the server.
    pub server_user: Option<Text>,
    /// Kind and speed of the client's terminal.
    pub terminal: Option<Text>,
    /// Command to run.
    pub command: Option<Text>,
    /// Port of the client that wants the command's errors.
    pub stderr_port: Option<u64>,
    /// The server took it, though rlogin's may still ask for a password.
    pub accepted: Option<bool>,
    /// What the server said when it did not.
    pub error: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl Heap for RloginRecord {
    fn heap_len(&self) -> usize {
        let texts = [&self.client_user, &self.server_user, &self.terminal, &self.command, &self.error];
        texts.iter().map(|t| t.heap_len()).sum()
    }
}
