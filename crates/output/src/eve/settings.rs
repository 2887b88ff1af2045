use super::StatsSettings;
use sekisho_transaction::{Limits, Options};

/// Types of events that are written where no configuration says otherwise: those of Suricata's own default file, and those
/// of protocols that it leaves out of there.
pub const DEFAULT_TYPES: &[&str] = &[
    "alert",
    "anomaly",
    "bittorrent_dht",
    "dcerpc",
    "dhcp",
    "dnp3",
    "dns",
    "enip",
    "fileinfo",
    "flow",
    "ftp",
    "ftp_data",
    "http",
    "ike",
    "krb5",
    "ldap",
    "llmnr",
    "mdns",
    "modbus",
    "mqtt",
    "nfs",
    "ntp",
    "pgsql",
    "pop3",
    "quic",
    "rdp",
    "rfb",
    "rpc",
    "sip",
    "smb",
    "smtp",
    "snmp",
    "ssh",
    "telnet",
    "tftp",
    "tls",
    "websocket",
];

/// What is written, and with which of its members: Suricata's `outputs.eve-log`.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a configuration")]
pub struct Settings {
    /// Types of events, by `event_type`.
    pub types: Vec<Box<str>>,
    /// What protocols are to say beyond the usual.
    pub options: Options,
    /// `community-id`, with its seed.
    pub community_id: Option<u16>,
    /// `ethernet`: link addresses.
    pub ethernet: bool,
    /// `pcap-file`: the capture's name.
    pub pcap_file: Option<Box<str>>,
    /// `metadata`: flow bits and variables.
    pub metadata: bool,
    /// `suricata-version`: who writes.
    pub version: bool,
    /// Anomalies of headers.
    pub anomaly_decode: bool,
    /// Anomalies of streams.
    pub anomaly_stream: bool,
    /// Anomalies of application protocols.
    pub anomaly_applayer: bool,
    /// Anomalies show the packet's headers.
    pub anomaly_header: bool,
    /// What alerts say.
    pub alert: AlertSettings,
    /// They tell whom a proxy speaks for.
    pub xff: Option<Xff>,
    /// Hashes of files that `fileinfo` shows: `force-hash`.
    pub file_md5: bool,
    /// See `file_md5`.
    pub file_sha1: bool,
    /// See `file_md5`.
    pub file_sha256: bool,
    /// Suricata would keep files that rules want: `file-store`.
    pub stores: bool,
    /// It would keep all: `force-filestore`.
    pub store_all: bool,
    /// `stream.midstream`: connections that began before the capture are followed, their exchanges told of.
    pub midstream: bool,
    /// `stream.async-oneside`: those of which only the client is heard, too.
    pub one_sided: bool,
    /// `stream.midstream-policy`: what becomes of connections that began before the capture.
    pub midstream_policy: Policy,
    /// Events of flows tell which policies were applied.
    pub flow_policies: bool,
    /// `decoder`: packets in UDP that are looked for.
    pub tunnels: Tunnels,
    /// First bytes of a file that rules look at: `response-body-limit` of HTTP.
    pub body_len: usize,
    /// `stream.reassembly.urgent.policy`.
    pub urgent: Urgent,
    /// `stream.inline`: bytes of streams need not wait for acknowledgements.
    pub inline: bool,
    /// Protocols that are switched off over TCP and over UDP, by Suricata's names: nothing of theirs is told.
    pub disabled: Vec<(Box<str>, [bool; 2])>,
    /// Protocols that are only recognised: their exchanges are not told of.
    pub only_recognized: Vec<Box<str>>,
    /// Protocols whose flows Suricata lets pass once they are encrypted: `stream.bypass` with `encryption-handling: bypass`.
    pub bypassed: Vec<Box<str>>,
    /// What is too much for a parser: `app-layer.protocols`.
    pub limits: Limits,
    /// `detect.guess-applayer-tx`: an alert about a stream says what the exchange says that is probably meant.
    pub guess_exchanges: bool,
    /// `stream.reassembly.depth`: bytes of a stream that files are followed in; `None`: all.
    pub depth: Option<u64>,
    /// The same of flows that carry a file alone (FTP's), if files are stored.
    pub file_depth: Option<u64>,
    /// No other format is written.
    pub alone: bool,
    /// Events about the run itself.
    pub stats: Option<StatsSettings>,
}

/// What is done with what cannot be followed as it should: Suricata's exception policies, as far as they concern someone
/// who only listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Nothing.
    #[default]
    Ignore,
    /// Rules don't look at the packet.
    PassPacket,
    /// Rules don't look at the flow.
    PassFlow,
    /// Nobody looks at the flow.
    Bypass,
    /// Both ends would be told.
    Reject,
}

impl Policy {
    /// From a configuration; what only a gate could do is nothing.
    pub fn of(text: &str) -> Self {
        match text {
            "pass-packet" => Self::PassPacket,
            "pass-flow" => Self::PassFlow,
            "bypass" => Self::Bypass,
            "reject" => Self::Reject,
            _ => Self::Ignore,
        }
    }

    /// As events have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::PassPacket => "pass_packet",
            Self::PassFlow => "pass_flow",
            Self::Bypass => "bypass",
            Self::Reject => "reject",
        }
    }
}

/// Where packets in UDP are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tunnels {
    /// `decoder.teredo`.
    pub teredo: Carrier,
    /// `decoder.vxlan`.
    pub vxlan: Carrier,
    /// `decoder.geneve`.
    pub geneve: Carrier,
}

/// One kind of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carrier {
    /// Nowhere.
    pub off: bool,
    /// On these ports; `None`: wherever it is recognised.
    pub ports: Option<Vec<u16>>,
}

impl Carrier {
    /// Is a packet between these ports to be looked into?
    pub fn is_wanted(&self, ports: [u16; 2]) -> bool {
        !self.off && self.ports.as_ref().is_none_or(|list| ports.iter().any(|port| list.contains(port)))
    }
}

/// What is done with urgent data of TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgent {
    /// `inline`: it is part of the stream.
    Inline,
    /// `oob`: its last byte is not.
    OutOfBand,
    /// `gap`, `drop`: the packet's bytes are missing.
    Gap,
}

/// Bytes of a stream that Suricata looks at unless it is told otherwise.
pub const DEFAULT_DEPTH: u64 = 1 << 20;

/// What alerts say beyond the usual: `outputs.eve-log.types.alert`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a configuration")]
pub struct AlertSettings {
    /// `payload`: in base64.
    pub payload: bool,
    /// `payload-printable`.
    pub payload_printable: bool,
    /// `payload-length`.
    pub payload_length: bool,
    /// `packet`: the whole packet, in base64.
    pub packet: bool,
    /// `metadata.app-layer`: the exchange's members.
    pub app_layer: bool,
    /// `metadata.flow`.
    pub flow: bool,
    /// `metadata.rule.metadata`.
    pub rule_metadata: bool,
    /// `metadata.rule.reference`.
    pub rule_reference: bool,
    /// `metadata.rule.raw`: the rule's text.
    pub rule_raw: bool,
    /// `verdict`.
    pub verdict: bool,
    /// `websocket-payload`.
    pub websocket_payload: bool,
}

impl AlertSettings {
    /// Is payload shown in some way?
    pub const fn shows_payload(&self) -> bool {
        self.payload || self.payload_printable || self.payload_length
    }
}

/// Addresses that proxies tell of: `xff`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xff {
    /// `mode: overwrite`: the address takes the place of the proxy's.
    pub overwrite: bool,
    /// `deployment: reverse`: the last address counts, else the first.
    pub reverse: bool,
    /// Name of the header field.
    pub header: Box<str>,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            payload: false,
            payload_printable: false,
            payload_length: false,
            packet: false,
            app_layer: true,
            flow: true,
            rule_metadata: true,
            rule_reference: false,
            rule_raw: false,
            verdict: false,
            websocket_payload: false,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            types: DEFAULT_TYPES.iter().map(|&t| t.into()).collect(),
            options: Options::default(),
            community_id: None,
            ethernet: false,
            pcap_file: None,
            metadata: true,
            anomaly_decode: false,
            anomaly_stream: false,
            anomaly_applayer: true,
            alert: AlertSettings::default(),
            xff: None,
            file_md5: false,
            file_sha1: false,
            file_sha256: false,
            version: false,
            anomaly_header: false,
            stores: false,
            store_all: false,
            midstream: true,
            one_sided: false,
            midstream_policy: Policy::Ignore,
            flow_policies: false,
            tunnels: Tunnels::default(),
            urgent: Urgent::OutOfBand,
            inline: false,
            body_len: DEFAULT_BODY_LEN,
            disabled: Vec::new(),
            only_recognized: Vec::new(),
            bypassed: Vec::new(),
            limits: Limits::default(),
            guess_exchanges: false,
            depth: None,
            file_depth: None,
            alone: false,
            stats: None,
        }
    }
}

impl Settings {
    /// Are events of that type written?
    pub fn is_on(&self, event_type: &str) -> bool {
        self.types.iter().any(|t| **t == *event_type)
    }
}

/// First bytes of a file that rules look at unless they are told otherwise.
pub const DEFAULT_BODY_LEN: usize = 100 * 1024;
