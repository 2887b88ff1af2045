use sekisho_record::{Head, Record, Tail, Text, UnsetIfEmpty};

/// One command of a Redis connection with its reply.
#[derive(Clone, Debug, Record)]
#[record(log = "redis")]
pub struct RedisRecord {
    /// Time of the command, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The command, as the client wrote it.
    #[record(name = "cmd.name")]
    pub name: Text,
    /// The key, of commands known to have one.
    #[record(name = "cmd.key")]
    pub key: Option<Text>,
    /// The value, of commands known to have one.
    #[record(name = "cmd.value")]
    pub value: Option<Text>,
    /// The reply was no error; unset if there was none.
    pub success: Option<bool>,
    /// The reply: lists in brackets, maps and sets in braces, `null` for nothing.
    #[record(name = "reply.value")]
    pub reply: Option<Text>,
    /// The arguments, save those of logins.
    #[record(ext, name = "cmd.args")]
    pub args: UnsetIfEmpty<Text>,
    /// User of the session, once one was named.
    #[record(ext)]
    pub user: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
