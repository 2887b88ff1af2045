use sekisho_record::{Head, Record, Tail, Text};
use sekisho_types::Uid;

/// A client's NICK, USER or JOIN, or a file sent directly between two clients (`DCC`).
#[derive(Clone, Debug, Record)]
#[record(log = "irc")]
pub struct IrcRecord {
    /// Time of the command, of a DCC offer that of the offer; flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Nickname up to this command.
    pub nick: Option<Text>,
    /// User name up to this command.
    pub user: Option<Text>,
    /// The command.
    pub command: Option<Text>,
    /// Its value: the nickname, user or channel.
    pub value: Option<Text>,
    /// More: host, server and real name of the last USER, as Zeek puts them together, or a channel's key.
    pub addl: Option<Text>,
    /// Name of the file offered.
    pub dcc_file_name: Option<Text>,
    /// Its size as the offer told it.
    pub dcc_file_size: Option<u64>,
    /// Its type by content.
    pub dcc_mime_type: Option<&'static str>,
    /// Real name that a USER command gave, as it was sent.
    #[record(ext)]
    pub real_name: Option<Text>,
    /// The file's id.
    #[record(ext)]
    pub fuid: Option<Uid>,
    /// Uid of the connection that carried the file.
    #[record(ext)]
    pub data_uid: Option<Uid>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
