use sekisho_record::{EnumName, Head, Record, Tail, Text};

/// A message to a log server.
#[derive(Clone, Debug, Record)]
#[record(log = "syslog")]
pub struct SyslogRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Transport protocol.
    pub proto: EnumName,
    /// What kind of program speaks.
    pub facility: String,
    /// How bad it is.
    pub severity: &'static str,
    /// The message, as it was sent, without its priority.
    pub message: Text,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}
