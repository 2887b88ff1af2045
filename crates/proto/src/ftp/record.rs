use sekisho_record::{Head, Port, Record, Tail, Text};
use sekisho_types::{Addr, Uid};

/// One command of an FTP control connection with its last reply; of half conversations also what the replies
/// alone tell (then `one_sided` is set).
#[derive(Clone, Debug, Record)]
#[record(log = "ftp")]
pub struct FtpRecord {
    /// Time of the command, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// User of the session, `<unknown>` before one is named.
    pub user: Text,
    /// Password, shown for guest accounts only.
    pub password: Option<Text>,
    /// The command.
    pub command: Text,
    /// Its argument; for files the full URL.
    pub arg: Option<Text>,
    /// Type by content of the file transferred.
    pub mime_type: Option<&'static str>,
    /// Size that the server announced.
    pub file_size: Option<u64>,
    /// Code of the last reply.
    pub reply_code: Option<u16>,
    /// Text of the last reply.
    pub reply_msg: Option<Text>,
    /// The client connects to the server for data.
    #[record(name = "data_channel.passive")]
    pub passive: Option<bool>,
    /// Who will open the data connection.
    #[record(name = "data_channel.orig_h")]
    pub data_orig_h: Option<Addr>,
    /// Who listens for it.
    #[record(name = "data_channel.resp_h")]
    pub data_resp_h: Option<Addr>,
    /// The port listened on.
    #[record(name = "data_channel.resp_p")]
    pub data_resp_p: Option<Port>,
    /// Id of the file transferred.
    pub fuid: Option<Uid>,
    /// The session's last login attempt was accepted.
    #[record(ext)]
    pub login_success: Option<bool>,
    /// Uid of the data connection.
    #[record(ext)]
    pub data_uid: Option<Uid>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
