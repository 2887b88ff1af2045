use sekisho_record::{EnumName, Port, Record, Text};
use sekisho_types::{Addr, Timestamp, Uid};

/// Software that a host in the home networks said to run, once a day for each version.
#[derive(Clone, Debug, Record)]
#[record(log = "software")]
pub struct SoftwareRecord {
    /// Time it was seen.
    pub ts: Timestamp,
    /// The host that runs it.
    pub host: Addr,
    /// The port that it serves; unset for clients.
    pub host_p: Option<Port>,
    /// What it is: `HTTP::SERVER`, `SSH::CLIENT` and the like.
    pub software_type: EnumName,
    /// Its name.
    pub name: Text,
    /// Major version.
    #[record(name = "version.major")]
    pub major: Option<u64>,
    /// Minor version.
    #[record(name = "version.minor")]
    pub minor: Option<u64>,
    /// Minor version within that.
    #[record(name = "version.minor2")]
    pub minor2: Option<u64>,
    /// Minor version within that.
    #[record(name = "version.minor3")]
    pub minor3: Option<u64>,
    /// What follows the numbers, e.g. `beta42`.
    #[record(name = "version.addl")]
    pub addl: Option<Text>,
    /// The text that it gave of itself.
    pub unparsed_version: Text,
    /// Flow in which it did.
    #[record(ext)]
    pub uid: Uid,
    /// True if this was found in bytes that were decrypted with given keys.
    #[record(ext)]
    pub decrypted: Option<bool>,
}
