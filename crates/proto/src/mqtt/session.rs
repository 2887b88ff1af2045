//! What a session has come to: the login, messages in flight, subscriptions in waiting.

use super::message::{Connect, Properties, Publish};
use super::record::{MqttConnectRecord, MqttPublishRecord, MqttSubscribeRecord};
use super::{MAX_ALIASES, MAX_IN_FLIGHT, MAX_PAYLOAD_LEN, MAX_TEXT_LEN, names};
use crate::Cx;
use crate::frames::cut;
use sekisho_record::{EnumName, Text};
use sekisho_types::{Dir, Heap, Timestamp, block_len, list_len};

/// A message that waits for acknowledgements.
struct InFlight {
    ts: Timestamp,
    dir: Dir,
    id: u16,
    qos: u8,
    row: Box<MqttPublishRecord>,
    /// PUBREC and PUBREL were seen.
    received: bool,
    released: bool,
}

/// A subscription that waits for its answer.
struct Asked {
    id: u16,
    row: Box<MqttSubscribeRecord>,
}

/// What is known of one connection.
#[derive(Default)]
pub(super) struct Session {
    /// A CONNECT without its answer.
    connect: Option<Box<MqttConnectRecord>>,
    pub version: u8,
    client_id: Option<Text>,
    in_flight: Vec<InFlight>,
    asked: Vec<Asked>,
    /// Bytes that the rows of the lists above own.
    rows_len: usize,
    /// Names of topics by direction and alias (version 5).
    aliases: Vec<(Dir, u16, Text)>,
}

impl Heap for Session {
    fn heap_len(&self) -> usize {
        let connect = self.connect.as_ref().map_or(0, |c| {
            let texts = [&c.proto_name, &c.client_id, &c.will_topic, &c.will_payload, &c.user, &c.auth_method];
            block_len(size_of::<MqttConnectRecord>()) + texts.map(Heap::heap_len).iter().sum::<usize>()
        });
        let lists = list_len(&self.in_flight) + list_len(&self.asked) + list_len(&self.aliases);
        let aliases: usize = self.aliases.iter().map(|a| a.2.heap_len()).sum();
        connect + lists + aliases + self.rows_len + self.client_id.heap_len()
    }
}

fn publish_len(row: &MqttPublishRecord) -> usize {
    let texts = row.qos.heap_len() + row.topic.heap_len() + row.payload.heap_len();
    block_len(size_of::<MqttPublishRecord>()) + texts + row.client_id.heap_len() + row.content_type.heap_len()
}

fn subscribe_len(row: &MqttSubscribeRecord) -> usize {
    let levels = row.qos_levels.as_ref().map_or(0, Heap::heap_len);
    let topics = list_len(&row.topics) + row.topics.as_slice().heap_len();
    block_len(size_of::<MqttSubscribeRecord>()) + topics + levels + row.client_id.heap_len()
}

impl Session {
    /// CONNECT.
    pub fn connect(&mut self, connect: &Connect<'_>, cx: &mut Cx<'_>) {
        self.flush_connect(cx);
        self.version = connect.version;
        let text = |bytes: &[u8]| Some(cut(bytes, MAX_TEXT_LEN));
        self.client_id = text(connect.client_id);
        self.connect = Some(Box::new(MqttConnectRecord {
            head: cx.head(cx.ts),
            proto_name: text(connect.name),
            proto_version: Some(names::version(connect.version)),
            client_id: text(connect.client_id),
            connect_status: None,
            will_topic: connect.will.and_then(|w| text(w.0)),
            will_payload: connect.will.and_then(|w| text(w.1)),
            user: connect.user.and_then(text),
            password_seen: Some(connect.password),
            keep_alive: Some(connect.keep_alive),
            clean_session: Some(connect.clean),
            assigned_client_id: None,
            auth_method: connect.auth_method.and_then(text),
            tail: cx.tail(),
        }));
    }

    /// CONNACK.
    pub fn connack(&mut self, code: u8, properties: &Properties<'_>, cx: &mut Cx<'_>) {
        let assigned = properties.assigned_client_id.map(|id| cut(id, MAX_TEXT_LEN));
        if assigned.is_some() {
            self.client_id.clone_from(&assigned);
        }
        let mut row = match self.connect.take() {
            Some(row) => *row,
            None => MqttConnectRecord {
                head: cx.head(cx.ts),
                proto_name: None,
                proto_version: None,
                client_id: None,
                connect_status: None,
                will_topic: None,
                will_payload: None,
                user: None,
                password_seen: None,
                keep_alive: None,
                clean_session: None,
                assigned_client_id: None,
                auth_method: None,
                tail: cx.tail(),
            },
        };
        row.connect_status = Some(names::result(code, self.version));
        row.assigned_client_id = assigned;
        row.tail = cx.tail();
        cx.emit(row);
    }

    /// PUBLISH.
    pub fn publish(&mut self, dir: Dir, publish: &Publish<'_>, cx: &mut Cx<'_>) {
        let row = MqttPublishRecord {
            head: cx.head(cx.ts),
            from_client: dir.is_orig(),
            retain: publish.retain,
            qos: names::quality(publish.qos),
            status: if publish.qos == 0 { "ok" } else { "incomplete_qos" },
            topic: self.topic(dir, publish),
            payload: cut(publish.payload, MAX_PAYLOAD_LEN),
            payload_len: publish.payload_len,
            dup: publish.dup.then_some(true),
            client_id: self.client_id.clone(),
            content_type: publish.properties.content_type.map(|t| cut(t, MAX_TEXT_LEN)),
            reason_code: None,
            tail: cx.tail(),
        };
        if publish.qos == 0 {
            return cx.emit(row);
        }
        if let Some(old) = self.take(dir, publish.id)
            && !publish.dup
        {
            self.log(old, cx);
        }
        if self.in_flight.len() >= MAX_IN_FLIGHT {
            cx.weird("mqtt_too_many_in_flight");
            let oldest = self.in_flight.remove(0);
            self.rows_len -= publish_len(&oldest.row);
            self.log(oldest, cx);
        }
        self.rows_len += publish_len(&row);
        self.in_flight.push(InFlight {
            ts: cx.ts,
            dir,
            id: publish.id,
            qos: publish.qos,
            row: Box::new(row),
            received: false,
            released: false,
        });
    }

    /// The topic, by its alias if it has no name.
    fn topic(&mut self, dir: Dir, publish: &Publish<'_>) -> Text {
        let Some(alias) = publish.properties.topic_alias else { return cut(publish.topic, MAX_TEXT_LEN) };
        let known = self.aliases.iter().position(|a| (a.0, a.1) == (dir, alias));
        if publish.topic.is_empty() {
            return known.and_then(|at| self.aliases.get(at)).map(|a| a.2.clone()).unwrap_or_default();
        }
        let name = cut(publish.topic, MAX_TEXT_LEN);
        if let Some(slot) = known.and_then(|at| self.aliases.get_mut(at)) {
            slot.2.clone_from(&name);
        } else if self.aliases.len() < MAX_ALIASES {
            self.aliases.push((dir, alias, name.clone()));
        }
        name
    }

    fn take(&mut self, dir: Dir, id: u16) -> Option<InFlight> {
        let at = self.in_flight.iter().position(|m| (m.dir, m.id) == (dir, id))?;
        let found = self.in_flight.remove(at);
        self.rows_len -= publish_len(&found.row);
        Some(found)
    }

    fn log(&self, mut message: InFlight, cx: &mut Cx<'_>) {
        message.row.head = cx.head(message.ts);
        message.row.tail = cx.tail();
        cx.emit(*message.row);
    }

    /// PUBACK, sent in `dir`.
    pub fn puback(&mut self, dir: Dir, id: u16, reason: Option<u8>, cx: &mut Cx<'_>) {
        let Some(message) = self.in_flight.iter().find(|m| (m.dir, m.id) == (dir.flip(), id)) else { return };
        if message.qos == 1 {
            self.complete(dir.flip(), id, reason, cx);
        }
    }

    fn complete(&mut self, dir: Dir, id: u16, reason: Option<u8>, cx: &mut Cx<'_>) {
        if let Some(mut message) = self.take(dir, id) {
            message.row.status = "ok";
            message.row.reason_code = reason.filter(|r| *r != 0);
            self.log(message, cx);
        }
    }

    /// PUBREC, sent in `dir`; a refusal ends it (version 5).
    pub fn pubrec(&mut self, dir: Dir, id: u16, reason: Option<u8>, cx: &mut Cx<'_>) {
        if reason.is_some_and(|r| r >= 0x80) {
            return self.complete(dir.flip(), id, reason, cx);
        }
        if let Some(message) = self.in_flight.iter_mut().find(|m| (m.dir, m.id) == (dir.flip(), id)) {
            message.received = true;
        }
    }

    /// PUBREL, sent in `dir`.
    pub fn pubrel(&mut self, dir: Dir, id: u16) {
        if let Some(message) = self.in_flight.iter_mut().find(|m| (m.dir, m.id) == (dir, id)) {
            message.released = true;
        }
    }

    /// PUBCOMP, sent in `dir`.
    pub fn pubcomp(&mut self, dir: Dir, id: u16, reason: Option<u8>, cx: &mut Cx<'_>) {
        let Some(message) = self.in_flight.iter().find(|m| (m.dir, m.id) == (dir.flip(), id)) else { return };
        if message.qos == 2 && message.received && message.released {
            self.complete(dir.flip(), id, reason, cx);
        }
    }

    /// SUBSCRIBE or UNSUBSCRIBE.
    pub fn asks(&mut self, id: u16, topics: &[(&[u8], u8)], unsubscribe: bool, cx: &mut Cx<'_>) {
        let action = EnumName(if unsubscribe { "MQTT::UNSUBSCRIBE" } else { "MQTT::SUBSCRIBE" });
        let row = MqttSubscribeRecord {
            head: cx.head(cx.ts),
            action,
            topics: topics.iter().map(|t| cut(t.0, MAX_TEXT_LEN)).collect(),
            qos_levels: (!unsubscribe).then(|| topics.iter().map(|t| t.1).collect()),
            granted_qos_level: None,
            ack: false,
            client_id: self.client_id.clone(),
            tail: cx.tail(),
        };
        self.answered(id, None, false, cx);
        if self.asked.len() >= MAX_IN_FLIGHT {
            cx.weird("mqtt_too_many_subscriptions");
            return cx.emit(row);
        }
        self.rows_len += subscribe_len(&row);
        self.asked.push(Asked { id, row: Box::new(row) });
    }

    /// SUBACK or UNSUBACK, or nothing more to be waited for.
    pub fn answered(&mut self, id: u16, granted: Option<u8>, ack: bool, cx: &mut Cx<'_>) {
        let Some(at) = self.asked.iter().position(|a| a.id == id) else { return };
        let mut row = self.asked.remove(at).row;
        self.rows_len -= subscribe_len(&row);
        row.ack = ack;
        if row.qos_levels.is_some() {
            row.granted_qos_level = granted;
        }
        row.tail = cx.tail();
        cx.emit(*row);
    }

    fn flush_connect(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.connect.take() {
            cx.emit(*row);
        }
    }

    /// The end: logs what waits.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        self.flush_connect(cx);
        for message in std::mem::take(&mut self.in_flight) {
            self.log(message, cx);
        }
        for asked in std::mem::take(&mut self.asked) {
            cx.emit(*asked.row);
        }
        self.rows_len = 0;
    }
}
