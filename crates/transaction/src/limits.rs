//! Bounds of Suricata's parsers that its configuration may change.

/// What counts as too much in an exchange: settings below `app-layer.protocols` of `suricata.yaml`, with Suricata's
/// defaults. Only exchanges depend on it; what is held is bounded by the parsers' own limits, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `dnp3.max-objects`: objects of one message.
    pub dnp3_objects: usize,
    /// `dnp3.max-points`: points of one object.
    pub dnp3_points: u32,
    /// `ftp.max-line-length`, in bytes.
    pub ftp_line_len: usize,
    /// `ftp.max-tx`: commands without a reply.
    pub ftp_exchanges: usize,
    /// `http.libhtp.default-config.request-body-limit`: bytes of a request's body that are looked at and make a file.
    pub http_request_len: u64,
    /// The same of a response's.
    pub http_response_len: u64,
    /// `ldap.max-tx`: requests without a response.
    pub ldap_exchanges: usize,
    /// `mqtt.max-msg-length`, in bytes.
    pub mqtt_message_len: u64,
    /// `mqtt.max-tx`: messages that wait for others.
    pub mqtt_exchanges: usize,
    /// `smb.max-tx`: requests without a response.
    pub smb_exchanges: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dnp3_objects: 2048,
            dnp3_points: 16_384,
            ftp_line_len: 4096,
            ftp_exchanges: 1024,
            http_request_len: u64::MAX,
            http_response_len: u64::MAX,
            ldap_exchanges: 256,
            mqtt_message_len: 1 << 20,
            mqtt_exchanges: 1024,
            smb_exchanges: 1024,
        }
    }
}
