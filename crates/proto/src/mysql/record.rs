use sekisho_record::{Head, Record, Tail, Text};

/// One command of a MySQL or MariaDB connection, logins included, with what the server said to it.
#[derive(Clone, Debug, Record)]
#[record(log = "mysql")]
pub struct MysqlRecord {
    /// Time of the command, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The command: `login`, `query`, `init_db` and so on.
    pub cmd: Text,
    /// Its argument: the user of a login, the statement of a query.
    pub arg: Text,
    /// The server's answer was no error.
    pub success: Option<bool>,
    /// Rows changed.
    pub rows: Option<u64>,
    /// The server's error message.
    pub response: Option<Text>,
    /// User of the session, once a login or change of user was seen.
    #[record(ext)]
    pub user: Option<Text>,
    /// Database named at login.
    #[record(ext)]
    pub database: Option<Text>,
    /// Version that the server's greeting tells.
    #[record(ext)]
    pub server_version: Option<Text>,
    /// Program that the client says it is.
    #[record(ext)]
    pub client: Option<Text>,
    /// Number of the server's error.
    #[record(ext)]
    pub error_code: Option<u16>,
    /// Rows returned.
    #[record(ext)]
    pub result_rows: Option<u64>,
    /// Text of the prepared statement that is executed.
    #[record(ext)]
    pub statement: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
