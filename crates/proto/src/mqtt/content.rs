//! The whole content of a control packet, for rules and EVE: every field and property (MQTT 5.0 chapter 3).

use super::message::{Packet, V5, kind, text, varint};
use sekisho_transaction::Json;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Topics of one packet that are looked at.
pub(super) const MAX_TOPICS_SHOWN: usize = 256;
/// Longest text shown, in bytes: Suricata's `string-log-limit`.
const MAX_SHOWN_LEN: usize = 1024;

/// What a packet says. Properties are a block of at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// PUBACK, PUBREC, PUBREL, PUBCOMP.
    Ack {
        id: u16,
        reason: Option<u8>,
    },
    /// SUBACK, UNSUBACK.
    Codes {
        id: u16,
        codes: &'a [u8],
    },
    Connack {
        present: bool,
        code: u8,
        properties: Option<&'a [u8]>,
    },
    Connect(Login<'a>),
    /// PINGREQ, PINGRESP and what is reserved.
    Nothing,
    Publish {
        topic: &'a [u8],
        id: Option<u16>,
        message: &'a [u8],
        properties: Option<&'a [u8]>,
    },
    /// DISCONNECT, AUTH.
    Reason {
        reason: Option<u8>,
        properties: Option<&'a [u8]>,
    },
    /// SUBSCRIBE, UNSUBSCRIBE: the block of topics.
    Topics {
        id: u16,
        topics: &'a [u8],
    },
}

/// CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Login<'a> {
    pub name: &'a [u8],
    pub version: u8,
    pub flags: u8,
    pub client_id: &'a [u8],
    pub will: Option<Will<'a>>,
    pub user: Option<&'a [u8]>,
    pub password: Option<&'a [u8]>,
    pub properties: Option<&'a [u8]>,
}

/// What is to be published if the client is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Will<'a> {
    pub properties: Option<&'a [u8]>,
    pub topic: &'a [u8],
    pub message: &'a [u8],
}

impl<'a> Content<'a> {
    /// Of a packet of a session in `version`; of a long PUBLISH the message may be cut off.
    pub fn parse(packet: &Packet<'a>, version: u8) -> ParseResult<Self> {
        let mut r = Reader::new(packet.body);
        let r = &mut r;
        Ok(match packet.kind {
            kind::CONNECT => Self::Connect(Login::parse(r)?),
            kind::CONNACK => {
                let (flags, code) = (r.u8(&"flags")?, r.u8(&"code")?);
                Self::Connack { present: flags & 1 == 1, code, properties: properties(r, version >= V5)? }
            }
            kind::PUBLISH => {
                let topic = text(r)?;
                let id = if packet.flags & 6 != 0 { Some(r.u16(&"packet id")?) } else { None };
                let properties = properties(r, version >= V5)?;
                Self::Publish { topic, id, message: r.rest(), properties }
            }
            kind::PUBACK | kind::PUBREC | kind::PUBREL | kind::PUBCOMP => {
                let id = r.u16(&"packet id")?;
                let reason = if version < V5 { None } else { Some(r.u8(&"reason").unwrap_or(0)) };
                properties(r, version >= V5 && !r.is_empty())?;
                Self::Ack { id, reason }
            }
            kind::SUBSCRIBE | kind::UNSUBSCRIBE => {
                let id = r.u16(&"packet id")?;
                properties(r, version >= V5)?;
                Self::Topics { id, topics: r.rest() }
            }
            kind::SUBACK | kind::UNSUBACK => {
                let id = r.u16(&"packet id")?;
                properties(r, version >= V5)?;
                Self::Codes { id, codes: r.rest() }
            }
            // One byte alone is no reason to Suricata.
            kind::DISCONNECT if r.left() < 2 => Self::Reason { reason: (version >= V5).then_some(0), properties: None },
            kind::DISCONNECT if version < V5 => Self::Reason { reason: None, properties: None },
            kind::DISCONNECT | kind::AUTH => {
                let reason = Some(r.u8(&"reason")?);
                Self::Reason { reason, properties: properties(r, !r.is_empty())? }
            }
            _ => Self::Nothing,
        })
    }

    /// The packet's id, if it belongs to an exchange.
    pub const fn id(&self) -> Option<u16> {
        match self {
            Self::Ack { id, .. } | Self::Codes { id, .. } | Self::Topics { id, .. } => Some(*id),
            Self::Publish { id, .. } => *id,
            _ => None,
        }
    }
}

impl<'a> Login<'a> {
    fn parse(r: &mut Reader<'a>) -> ParseResult<Self> {
        let name = text(r)?;
        let (version, flags) = (r.u8(&"version")?, r.u8(&"flags")?);
        r.u16(&"keep alive")?;
        let has = |bit: u8| flags & bit != 0;
        let of_session = properties(r, version == V5)?;
        let client_id = text(r)?;
        let will = if has(4) {
            Some(Will { properties: properties(r, version == V5)?, topic: text(r)?, message: text(r)? })
        } else {
            None
        };
        let user = if has(0x80) { Some(text(r)?) } else { None };
        let password = if has(0x40) { Some(text(r)?) } else { None };
        Ok(Self { name, version, flags, client_id, will, user, password, properties: of_session })
    }
}

/// The topics of a block, with the options behind each, if there are any.
pub(super) fn topics(block: &[u8], with_options: bool) -> impl Iterator<Item = (&[u8], u8)> {
    let mut r = Reader::new(block);
    std::iter::from_fn(move || {
        let topic = text(&mut r).ok()?;
        Some((topic, if with_options { r.u8(&"options").ok()? } else { 0 }))
    })
    .take(MAX_TOPICS_SHOWN)
}

/// A block of properties, which must be sound; `None`: an empty one.
fn properties<'a>(r: &mut Reader<'a>, there: bool) -> ParseResult<Option<&'a [u8]>> {
    if !there {
        return Ok(None);
    }
    let len = varint(r)?;
    let block = r.take(&"properties", len)?;
    let mut left = Reader::new(block);
    while !left.is_empty() {
        property(&mut left)?;
    }
    Ok((!block.is_empty()).then_some(block))
}

enum Property<'a> {
    Number(&'static str, u64),
    Text(&'static str, &'a [u8]),
    /// Name and value are the user's.
    User(&'a [u8], &'a [u8]),
}

/// One property (§2.2.2.2).
fn property<'a>(r: &mut Reader<'a>) -> ParseResult<Property<'a>> {
    let id = varint(r)?;
    let number = |name, n: u64| Ok(Property::Number(name, n));
    match id {
        1 => number("payload_format_indicator", r.u8(&"property")?.into()),
        2 => number("message_expiry_interval", r.u32(&"property")?.into()),
        3 => Ok(Property::Text("content_type", text(r)?)),
        8 => Ok(Property::Text("response_topic", text(r)?)),
        9 => Ok(Property::Text("correlation_data", text(r)?)),
        11 => number("subscription_identifier", varint(r)? as u64),
        17 => number("session_expiry_interval", r.u32(&"property")?.into()),
        18 => Ok(Property::Text("assigned_client_identifier", text(r)?)),
        19 => number("server_keep_alive", r.u16(&"property")?.into()),
        21 => Ok(Property::Text("authentication_method", text(r)?)),
        22 => Ok(Property::Text("authentication_data", text(r)?)),
        23 => number("request_problem_information", r.u8(&"property")?.into()),
        24 => number("will_delay_interval", r.u32(&"property")?.into()),
        25 => number("request_response_information", r.u8(&"property")?.into()),
        26 => Ok(Property::Text("response_information", text(r)?)),
        28 => Ok(Property::Text("server_reference", text(r)?)),
        31 => Ok(Property::Text("reason_string", text(r)?)),
        33 => number("receive_maximum", r.u16(&"property")?.into()),
        34 => number("topic_alias_maximum", r.u16(&"property")?.into()),
        35 => number("topic_alias", r.u16(&"property")?.into()),
        36 => number("maximum_qos", r.u8(&"property")?.into()),
        37 => number("retain_available", r.u8(&"property")?.into()),
        38 => Ok(Property::User(text(r)?, text(r)?)),
        39 => number("maximum_packet_size", r.u32(&"property")?.into()),
        40 => number("wildcard_subscription_available", r.u8(&"property")?.into()),
        41 => number("subscription_identifier_available", r.u8(&"property")?.into()),
        42 => number("shared_subscription_available", r.u8(&"property")?.into()),
        _ => Err(ParseError::bad(&"property")),
    }
}

/// Writes a block of properties.
fn show_properties(out: &mut Json<'_>, block: Option<&[u8]>) {
    let Some(block) = block else { return };
    out.object("properties", |out| {
        let mut r = Reader::new(block);
        while !r.is_empty() && !out.is_full() {
            match property(&mut r) {
                Ok(Property::Number(name, n)) => out.number(name, n),
                Ok(Property::Text(name, value)) => out.bytes(name, value),
                Ok(Property::User(name, value)) => out.named(name, value),
                Err(_) => break,
            }
        }
    });
}

/// Writes what a packet says besides its flags; `len` is the length of its body.
pub(super) fn show(out: &mut Json<'_>, packet: &Packet<'_>, version: u8) {
    let limited = |out: &mut Json<'_>, name, text: &[u8]| out.limited(name, text, text.len() as u64, MAX_SHOWN_LEN);
    match Content::parse(packet, version).unwrap_or(Content::Nothing) {
        Content::Ack { id, reason } => {
            out.number("message_id", id.into());
            if let Some(reason) = reason {
                out.number("reason_code", reason.into());
            }
        }
        Content::Codes { id, codes } => {
            out.number("message_id", id.into());
            let name = if packet.kind == kind::SUBACK { "qos_granted" } else { "reason_codes" };
            if !codes.is_empty() {
                out.list(name, |out| codes.iter().for_each(|&c| out.item_number(c.into())));
            }
        }
        Content::Connack { present, code, properties } => {
            out.flag("session_present", present);
            out.number("return_code", code.into());
            show_properties(out, properties);
        }
        Content::Connect(login) => show_login(out, &login),
        Content::Publish { topic, id, message, properties } => {
            limited(out, "topic", topic);
            if let Some(id) = id {
                out.number("message_id", id.into());
            }
            let cut_off = packet.body_len.saturating_sub(packet.body.len() as u64);
            out.limited("message", message, cut_off + message.len() as u64, MAX_SHOWN_LEN);
            show_properties(out, properties);
        }
        Content::Reason { reason, properties } => {
            if let Some(reason) = reason {
                out.number("reason_code", reason.into());
            }
            show_properties(out, properties);
        }
        Content::Topics { id, topics: block } => {
            out.number("message_id", id.into());
            let subscribes = packet.kind == kind::SUBSCRIBE;
            if topics(block, subscribes).next().is_none() {
                return;
            }
            out.list("topics", |out| {
                for (topic, options) in topics(block, subscribes) {
                    if subscribes {
                        out.item(|out| {
                            limited(out, "topic", topic);
                            out.number("qos", options.into());
                        });
                    } else {
                        out.item_bytes(topic);
                    }
                }
            });
        }
        Content::Nothing => {}
    }
}

fn show_login(out: &mut Json<'_>, login: &Login<'_>) {
    let limited = |out: &mut Json<'_>, name, text: &[u8]| out.limited(name, text, text.len() as u64, MAX_SHOWN_LEN);
    out.bytes("protocol_string", login.name);
    out.number("protocol_version", login.version.into());
    limited(out, "client_id", login.client_id);
    out.object("flags", |out| {
        let names = [("username", 0x80), ("password", 0x40), ("will_retain", 0x20), ("will", 4), ("clean_session", 2)];
        names.into_iter().for_each(|(name, bit)| out.flag(name, login.flags & bit != 0));
    });
    if let Some(user) = login.user {
        limited(out, "username", user);
    }
    if let Some(password) = login.password.filter(|_| out.options().mqtt_passwords) {
        limited(out, "password", password);
    }
    if let Some(Will { properties, topic, message }) = login.will {
        out.object("will", |out| {
            limited(out, "topic", topic);
            limited(out, "message", message);
            show_properties(out, properties);
        });
    }
    show_properties(out, login.properties);
}
