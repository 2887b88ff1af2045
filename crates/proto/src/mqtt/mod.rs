//! MQTT 3.1, 3.1.1 and 5.0 over TCP (OASIS standards).
//!
//! Three logs, as Zeek has them: logins, messages published, subscriptions. A message with a quality of service above
//! zero is logged when its acknowledgements are complete, else at the end. Properties of version 5 are understood, which
//! Zeek takes for the content. Half conversations give what they can. Limits: [`MAX_TEXT_LEN`], [`MAX_PAYLOAD_LEN`],
//! [`MAX_TOPICS`], [`MAX_IN_FLIGHT`], [`MAX_ALIASES`]. Known gaps: MQTT within WebSocket is not looked for; enhanced
//! authentication of version 5 is named, not followed.

mod content;
mod message;
mod names;
mod probe;
mod record;
mod session;
#[cfg(test)]
mod tests;
mod tx;

pub use record::{MqttConnectRecord, MqttPublishRecord, MqttSubscribeRecord};

use crate::frames::{self, Frame, Framed, Frames, Head};
use crate::{Cx, Descriptor, Protocol, Start};
use message::{Connect, Packet, Publish, kind};
use sekisho_transaction::FrameKind;
use sekisho_types::{Dir, Heap};
use session::Session;
use tx::Exchanges;

/// Longest name, topic and last will kept, in bytes.
pub const MAX_TEXT_LEN: usize = 1024;
/// How much of a message's content is logged, as in Zeek.
pub const MAX_PAYLOAD_LEN: usize = 100;
/// Topics of one subscription that are logged.
pub const MAX_TOPICS: usize = 64;
/// Messages, and subscriptions, that may wait for acknowledgements.
pub const MAX_IN_FLIGHT: usize = 64;
/// Topic aliases remembered.
pub const MAX_ALIASES: usize = 32;

/// What is wanted of a packet: names and properties, and the start of the content.
const KEEP: usize = 8 << 10;

/// Bytes of the shortest fixed header.
const HEADER_LEN: u64 = 2;

/// State of one connection.
#[derive(Default)]
pub struct Parser {
    frames: [Frames; 2],
    session: Session,
    exchanges: Exchanges,
    /// Somebody watches the exchanges.
    watched: bool,
    /// A packet that makes sure was seen.
    confirmed: bool,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "mqtt", tcp_ports: &[1883], udp_ports: &[], probe: probe::probe };

    fn start(_: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        self.watched = cx.is_watched();
        frames::feed(self, dir, bytes, cx);
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        // Segments mostly begin with a packet: what follows is taken for one, and first bytes are checked.
        frames::gap(self, dir, len);
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.session.finish(cx);
        self.exchanges.finish(cx);
    }

    fn held_len(&self) -> usize {
        self.frames.as_slice().heap_len() + self.session.heap_len() + self.exchanges.heap_len()
    }
}

impl Framed for Parser {
    fn frames(&mut self, dir: Dir) -> &mut Frames {
        dir.of_mut(&mut self.frames)
    }

    fn head(&self, _dir: Dir, bytes: &[u8]) -> Head {
        let keep = if self.watched { tx::KEEP_WATCHED } else { KEEP };
        message::head(bytes, keep, self.watched && self.confirmed)
    }

    fn message(&mut self, dir: Dir, frame: Frame<'_>, left: usize, cx: &mut Cx<'_>) -> bool {
        let Some(packet) = Packet::new(frame.bytes, frame.len) else { return true };
        tell_frames(dir, &packet, frame, left, cx);
        if self.watched {
            self.exchanges.packet(dir, &packet, cx);
        }
        if !packet.is_plausible() {
            cx.weird("mqtt_broken_flags");
            return true;
        }
        match self.packet(dir, &packet, cx) {
            Ok(()) => true,
            Err(e) if self.confirmed => {
                cx.weird_with("mqtt_broken_packet", Some(e.item().into()));
                true
            }
            Err(e) => {
                cx.reject(e.item());
                false
            }
        }
    }

    fn lost(&mut self, _dir: Dir, cx: &mut Cx<'_>) -> bool {
        cx.reject("mqtt_broken_length");
        false
    }
}

/// Tells of a packet's frames: as Suricata has them, the header is always of two bytes.
fn tell_frames(dir: Dir, packet: &Packet<'_>, frame: Frame<'_>, left: usize, cx: &mut Cx<'_>) {
    let back = (frame.bytes.len() + left) as u64;
    cx.frame(dir, FrameKind::MqttPdu, back, Some(frame.len));
    if packet.body_len <= cx.limits().mqtt_message_len {
        cx.frame(dir, FrameKind::MqttHeader, back, Some(HEADER_LEN));
        cx.frame(dir, FrameKind::MqttData, back.saturating_sub(HEADER_LEN), Some(frame.len.saturating_sub(HEADER_LEN)));
    }
}

impl Parser {
    fn packet(&mut self, dir: Dir, packet: &Packet<'_>, cx: &mut Cx<'_>) -> sekisho_wire::ParseResult<()> {
        let (body, version) = (packet.body, self.session.version);
        match packet.kind {
            kind::CONNECT => {
                self.session.connect(&Connect::parse(body)?, cx);
                self.confirm(cx);
            }
            kind::CONNACK => {
                if version == 0 && body.len() > 2 {
                    // Only version 5 has properties here.
                    self.session.version = message::V5;
                }
                let version = self.session.version;
                let (code, properties) = message::connack(body, version)?;
                self.session.connack(code, &properties, cx);
                self.confirm(cx);
            }
            kind::PUBLISH => {
                self.session.publish(dir, &Publish::parse(packet, version)?, cx);
                self.confirm(cx);
            }
            kind::PUBACK => {
                let (id, reason) = message::ack(body)?;
                self.session.puback(dir, id, reason, cx);
            }
            kind::PUBREC => {
                let (id, reason) = message::ack(body)?;
                self.session.pubrec(dir, id, reason, cx);
            }
            kind::PUBREL => self.session.pubrel(dir, message::ack(body)?.0),
            kind::PUBCOMP => {
                let (id, reason) = message::ack(body)?;
                self.session.pubcomp(dir, id, reason, cx);
            }
            kind::SUBSCRIBE | kind::UNSUBSCRIBE => {
                let unsubscribe = packet.kind == kind::UNSUBSCRIBE;
                let (id, topics) = message::subscribe(body, version, !unsubscribe, MAX_TOPICS)?;
                self.session.asks(id, &topics, unsubscribe, cx);
                cx.recognize("mqtt");
            }
            kind::SUBACK => {
                let (id, granted) = message::suback(body, version)?;
                self.session.answered(id, granted, true, cx);
            }
            kind::UNSUBACK => self.session.answered(message::ack(body)?.0, None, true, cx),
            kind::PINGREQ | kind::PINGRESP | kind::DISCONNECT => cx.recognize("mqtt"),
            kind::AUTH => cx.recognize("mqtt"),
            _ => {}
        }
        Ok(())
    }

    fn confirm(&mut self, cx: &mut Cx<'_>) {
        self.confirmed = true;
        cx.confirm_midstream("mqtt");
    }
}
