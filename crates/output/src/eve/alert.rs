//! Alerts.

use super::{AlertSettings, End};
use sekisho_transaction::Json;
use sekisho_types::Addr;
use sekisho_types::text::Line;

/// Longest payload that an alert shows: Suricata's `payload-buffer-size`.
pub const MAX_PAYLOAD_LEN: usize = 4096;

/// What a rule says about itself.
#[derive(Clone, Copy, Debug)]
pub struct Alert<'a> {
    /// The rule rejects or drops, and a gate would have done so.
    pub blocked: bool,
    /// Generator.
    pub gid: u32,
    /// Number.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// Message.
    pub signature: &'a str,
    /// Description of its class.
    pub category: &'a str,
    /// 1 is the highest.
    pub severity: u8,
    /// Who did it and to whom, with ports, if the rule says so.
    pub source_target: Option<(Party, Party)>,
    /// Keys and values, in order.
    pub metadata: &'a [(Box<str>, Box<str>)],
    /// Systems and ids.
    pub references: &'a [(Box<str>, Box<str>)],
    /// What data sets and captures know about it: members of a JSON object, without its braces.
    pub context: &'a [u8],
    /// Its text.
    pub text: &'a str,
    /// Whom a proxy speaks for.
    pub xff: Option<Addr>,
}

/// One end of what an alert is about.
#[derive(Clone, Copy, Debug)]
pub struct Party {
    /// Address.
    pub addr: Addr,
    /// Port, if there are ports.
    pub port: Option<u16>,
}

/// What it matched in.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Payload of the packet, or of the stream that it continues.
    pub payload: &'a [u8],
    /// It is of the stream.
    pub stream: bool,
    /// The packet, and the number and name of its link type.
    pub packet: Option<(&'a [u8], u32)>,
}

impl Alert<'_> {
    /// The object `alert`.
    pub fn write(&self, settings: AlertSettings, json: &mut Json<'_>) {
        json.object("alert", |json| {
            json.text("action", if self.blocked { "blocked" } else { "allowed" });
            json.number("gid", u64::from(self.gid));
            json.number("signature_id", u64::from(self.sid));
            json.number("rev", u64::from(self.rev));
            json.text("signature", self.signature);
            json.text("category", self.category);
            json.number("severity", u64::from(self.severity));
            if let Some((source, target)) = &self.source_target {
                json.object("source", |json| source.write(json));
                json.object("target", |json| target.write(json));
            }
            if let Some(xff) = self.xff {
                json.addr("xff", xff);
            }
            if !self.context.is_empty() {
                json.object("context", |json| json.members(self.context));
            }
            if settings.rule_metadata && !self.metadata.is_empty() {
                json.object("metadata", |json| self.metadata(json));
            }
            if settings.rule_reference && !self.references.is_empty() {
                json.list("references", |json| {
                    self.references.iter().for_each(|(_, id)| json.item_bytes(id.as_bytes()));
                });
            }
            if settings.rule_raw {
                json.text("rule", self.text);
            }
        });
    }

    /// Each key once, with all its values.
    fn metadata(&self, json: &mut Json<'_>) {
        for (i, (key, _)) in self.metadata.iter().enumerate() {
            if self.metadata.iter().take(i).any(|(k, _)| k == key) {
                continue;
            }
            json.named_list(key.as_bytes(), |json| {
                for (_, value) in self.metadata.iter().filter(|(k, _)| k == key) {
                    json.item_bytes(value.as_bytes());
                }
            });
        }
    }

    /// The line of `fast.log`, without its line end. `ends`: source and destination.
    pub fn fast(&self, time: &str, ends: (Party, Party), proto: &str, out: &mut Line) {
        use std::fmt::Write;
        let (src, dst) = (ends.0.text(), ends.1.text());
        let drop = if self.blocked { "[Drop] " } else { "" };
        // Writing to a line cannot fail.
        let _ = write!(
            out,
            "{time}  {drop}[**] [{}:{}:{}] {} [**] [Classification: {}] [Priority: {}] {{{proto}}} {src} -> {dst}",
            self.gid,
            self.sid,
            self.rev,
            self.signature,
            if self.category.is_empty() { "(null)" } else { self.category },
            self.severity,
        );
    }
}

impl Party {
    fn write(self, json: &mut Json<'_>) {
        json.addr("ip", self.addr);
        if let Some(port) = self.port {
            json.number("port", u64::from(port));
        }
    }

    fn text(self) -> String {
        format!("{}:{}", self.addr, self.port.unwrap_or(0))
    }
}

impl Evidence<'_> {
    /// What of it is asked for.
    pub fn write(&self, settings: AlertSettings, json: &mut Json<'_>) {
        if settings.shows_payload() {
            let payload = self.payload.get(..MAX_PAYLOAD_LEN).unwrap_or(self.payload);
            if settings.payload_length {
                json.number("payload_length", self.payload.len() as u64);
            }
            if settings.payload && !payload.is_empty() {
                json.base64("payload", payload);
            }
            if settings.payload_printable && !payload.is_empty() {
                json.bytes("payload_printable", &printable(payload));
            }
            json.number("stream", u64::from(self.stream));
        }
        if let (true, Some((packet, link))) = (settings.packet, self.packet) {
            json.base64("packet", packet);
            json.object("packet_info", |json| {
                json.number("linktype", u64::from(link));
                json.text("linktype_name", link_name(link));
            });
        }
    }
}

/// As Suricata prints payload: what is no printable ASCII is a dot, except line ends.
pub fn printable(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|b| if matches!(b, 0x20..=0x7e | b'\r' | b'\n') { *b } else { b'.' }).collect()
}

/// libpcap's names of link types.
const fn link_name(link: u32) -> &'static str {
    match link {
        0 => "NULL",
        1 => "EN10MB",
        9 => "PPP",
        12 | 101 => "RAW",
        104 => "C_HDLC",
        113 => "LINUX_SLL",
        228 => "IPv4",
        229 => "IPv6",
        276 => "LINUX_SLL2",
        _ => "n/a",
    }
}

/// What an alert says of its flow.
pub fn of_flow(end: &End, json: &mut Json<'_>) {
    json.object("flow", |json| end.write(json));
}
