use sekisho_record::{Head, Record, Tail, Text};
use sekisho_types::Heap;

/// A session of a remote desktop over RFB (VNC): who spoke which version, how he logged in, what he saw.
#[derive(Clone, Debug, Record)]
#[record(log = "rfb")]
pub struct RfbRecord {
    /// Time of the first message, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Major version of the client.
    pub client_major_version: Option<Text>,
    /// Minor version of the client.
    pub client_minor_version: Option<Text>,
    /// Major version of the server.
    pub server_major_version: Option<Text>,
    /// Minor version of the server.
    pub server_minor_version: Option<Text>,
    /// How the client logged in.
    pub authentication_method: Option<&'static str>,
    /// The login succeeded.
    pub auth: Option<bool>,
    /// The client leaves others connected.
    pub share_flag: Option<bool>,
    /// Name of the desktop.
    pub desktop_name: Option<Text>,
    /// Its width in pixels.
    pub width: Option<u64>,
    /// Its height in pixels.
    pub height: Option<u64>,
    /// Security types that the server offered.
    #[record(ext)]
    pub offered_types: Option<Vec<u64>>,
    /// Why the server refused.
    #[record(ext)]
    pub failure_reason: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl Heap for RfbRecord {
    fn heap_len(&self) -> usize {
        let versions = [
            &self.client_major_version,
            &self.client_minor_version,
            &self.server_major_version,
            &self.server_minor_version,
            &self.desktop_name,
            &self.failure_reason,
        ];
        versions.iter().map(|t| t.heap_len()).sum::<usize>()
            + self.offered_types.as_ref().map_or(0, sekisho_types::list_len)
    }
}
