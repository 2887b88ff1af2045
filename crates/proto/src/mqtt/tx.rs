//! The exchanges of a session, as rules and EVE see them: a message with what acknowledges it.

use super::content::{Content, Login, show, topics};
use super::message::{Packet, kind};
use crate::Cx;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len, list_len};
use smallvec::SmallVec;
use std::borrow::Cow;

/// Exchanges of a flow that may wait for acknowledgements: Suricata's `max-tx`.
const MAX_OPEN: usize = 1024;
/// Bytes of packets that they may hold; of more the oldest are over.
const MAX_OPEN_LEN: usize = 1 << 20;
/// Packets of one exchange.
const MAX_PACKETS: usize = 16;
/// How much of a packet is kept while somebody watches.
pub(super) const KEEP_WATCHED: usize = 64 << 10;

/// One packet of an exchange.
#[derive(Debug)]
struct Kept<'a> {
    kind: u8,
    flags: u8,
    body: Cow<'a, [u8]>,
    body_len: u64,
    /// It is longer than Suricata reads.
    cut: bool,
}

impl Kept<'_> {
    fn packet(&self) -> Packet<'_> {
        Packet { kind: self.kind, flags: self.flags, body: &self.body, body_len: self.body_len }
    }

    fn content(&self, version: u8) -> Content<'_> {
        if self.cut { Content::Nothing } else { Content::parse(&self.packet(), version).unwrap_or(Content::Nothing) }
    }
}

/// What an exchange waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    Login,
    Id(u16),
}

/// An exchange that goes on.
struct Open {
    mark: Mark,
    dir: Dir,
    waits: Waits,
    version: u8,
    packets: Vec<Kept<'static>>,
}

/// The exchanges of a flow; empty unless somebody watches.
#[derive(Default)]
pub(super) struct Exchanges {
    counter: Counter,
    open: Vec<Open>,
    open_len: usize,
    version: u8,
    connected: bool,
    /// A packet made no sense; nothing more is looked at.
    broken: bool,
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        let each = |o: &Open| o.mark.heap_len() + list_len(&o.packets);
        list_len(&self.open) + self.open.iter().map(each).sum::<usize>() + self.open_len
    }
}

/// What the packets of an exchange say.
struct View<'a> {
    version: u8,
    packets: &'a [Kept<'a>],
}

impl Exchanges {
    /// A packet of `dir`. Called only while somebody watches.
    pub fn packet(&mut self, dir: Dir, packet: &Packet<'_>, cx: &mut Cx<'_>) {
        if self.broken {
            return;
        }
        let kept = Kept {
            kind: packet.kind,
            flags: packet.flags,
            body: Cow::Borrowed(packet.body),
            body_len: packet.body_len,
            cut: packet.body_len > cx.limits().mqtt_message_len,
        };
        if kept.cut {
            return self.alone(dir, kept, &[], cx);
        }
        let Ok(content) = Content::parse(packet, self.version) else {
            self.broken = true;
            let view = View { version: self.version, packets: &[] };
            return cx.message(dir, &mut self.counter, &view, &["malformed_traffic"]);
        };
        let qos = packet.flags >> 1 & 3;
        let mut odd: SmallVec<[&'static str; 2]> = SmallVec::new();
        if !self.connected && !matches!(packet.kind, kind::CONNECT | kind::CONNACK | 0) {
            odd.push("unintroduced_message");
        }
        match (packet.kind, content.id()) {
            (kind::CONNECT, _) => {
                if let Content::Connect(login) = content {
                    self.version = login.version;
                }
                let odd = if self.connected { &["double_connect"][..] } else { &[] };
                self.begin(dir, Waits::Login, kept, odd, cx);
            }
            (kind::CONNACK, _) => {
                self.connected |= self.open.iter().any(|o| o.waits == Waits::Login);
                self.answer(dir, Waits::Login, kept, (true, "missing_connect"), odd, cx);
            }
            (kind::PUBLISH | kind::SUBSCRIBE | kind::UNSUBSCRIBE, _) if qos == 3 => {
                odd.insert(0, "invalid_qos_level");
                self.alone(dir, kept, &odd, cx);
            }
            (kind::PUBLISH | kind::SUBSCRIBE | kind::UNSUBSCRIBE, Some(id)) if qos > 0 => {
                self.begin(dir, Waits::Id(id), kept, &odd, cx);
            }
            (kind::PUBACK | kind::PUBCOMP, Some(id)) => {
                self.answer(dir, Waits::Id(id), kept, (true, "missing_publish"), odd, cx);
            }
            (kind::PUBREC | kind::PUBREL, Some(id)) => {
                self.answer(dir, Waits::Id(id), kept, (false, "missing_publish"), odd, cx);
            }
            (kind::SUBACK, Some(id)) => self.answer(dir, Waits::Id(id), kept, (true, "missing_subscribe"), odd, cx),
            (kind::UNSUBACK, Some(id)) => self.answer(dir, Waits::Id(id), kept, (true, "missing_unsubscribe"), odd, cx),
            (0, _) => self.alone(dir, kept, &["unassigned_msg_type"], cx),
            _ => self.alone(dir, kept, &odd, cx),
        }
    }

    /// A packet that is an exchange by itself.
    fn alone(&mut self, dir: Dir, packet: Kept<'_>, odd: &[&'static str], cx: &mut Cx<'_>) {
        let view = View { version: self.version, packets: &[packet] };
        cx.message(dir, &mut self.counter, &view, odd);
    }

    fn begin(&mut self, dir: Dir, waits: Waits, packet: Kept<'_>, odd: &[&'static str], cx: &mut Cx<'_>) {
        let mut mark = self.counter.begin();
        odd.iter().for_each(|name| mark.event(dir, name));
        let mut open = Open { mark, dir, waits, version: self.version, packets: Vec::new() };
        self.open_len += open.keep(packet);
        self.open.push(open);
        while self.open.len() > MAX_OPEN.min(cx.limits().mqtt_exchanges)
            || self.open_len > MAX_OPEN_LEN && self.open.len() > 1
        {
            let mut oldest = self.take(0);
            oldest.mark.event(dir, "too_many_transactions");
            oldest.over(cx);
        }
    }

    /// An answer, which may be the last; without a question it is an exchange by itself that misses one.
    fn answer(
        &mut self,
        dir: Dir,
        waits: Waits,
        packet: Kept<'_>,
        (is_last, missing): (bool, &'static str),
        mut odd: SmallVec<[&'static str; 2]>,
        cx: &mut Cx<'_>,
    ) {
        let Some(at) = self.open.iter().position(|o| o.waits == waits) else {
            odd.insert(0, missing);
            return self.alone(dir, packet, &odd, cx);
        };
        if let Some(open) = self.open.get_mut(at) {
            self.open_len += open.keep(packet);
        }
        if is_last {
            self.take(at).over(cx);
        }
    }

    fn take(&mut self, at: usize) -> Open {
        let open = self.open.remove(at);
        self.open_len -= open.len();
        open
    }

    /// The end: what waits is over.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        self.open_len = 0;
        for mut open in std::mem::take(&mut self.open) {
            open.over(cx);
        }
    }
}

impl Open {
    /// Keeps a packet; the bytes that takes.
    fn keep(&mut self, packet: Kept<'_>) -> usize {
        if self.packets.len() >= MAX_PACKETS {
            return 0;
        }
        let body = packet.body.into_owned();
        let len = block_len(body.capacity());
        self.packets.push(Kept { body: Cow::Owned(body), ..packet });
        len
    }

    fn len(&self) -> usize {
        let owned = |p: &Kept<'_>| if let Cow::Owned(body) = &p.body { block_len(body.capacity()) } else { 0 };
        self.packets.iter().map(owned).sum()
    }

    /// It is over: rules of the direction that began it see all of it, as in Suricata.
    fn over(&mut self, cx: &mut Cx<'_>) {
        let view = View { version: self.version, packets: &self.packets };
        cx.over(self.dir, &view, &mut self.mark);
    }
}

impl View<'_> {
    fn login(&self) -> Option<Login<'_>> {
        self.packets.iter().find_map(|p| match p.content(self.version) {
            Content::Connect(login) => Some(login),
            _ => None,
        })
    }

    /// The `nth` topic of the packets of `kind`.
    fn topic(&self, kind: u8, nth: usize) -> Option<&[u8]> {
        let of_kind = self.packets.iter().filter(|p| p.kind == kind);
        let all = of_kind.flat_map(|p| match p.content(self.version) {
            Content::Topics { topics: block, .. } => Some(topics(block, kind == kind::SUBSCRIBE).map(|t| t.0)),
            _ => None,
        });
        all.flatten().nth(nth)
    }

    /// The `nth` reason of all packets.
    fn reason(&self, nth: usize) -> Option<u8> {
        let mut left = nth;
        for packet in self.packets {
            let content = packet.content(self.version);
            let codes: &[u8] = match &content {
                Content::Ack { reason, .. } | Content::Reason { reason, .. } => reason.as_slice(),
                Content::Connack { code, .. } => std::slice::from_ref(code),
                Content::Codes { codes, .. } => codes,
                _ => &[],
            };
            match codes.get(left) {
                Some(code) => return Some(*code),
                None => left -= codes.len(),
            }
        }
        None
    }

    fn published(&self) -> Option<(&[u8], &[u8])> {
        self.packets.iter().find_map(|p| match p.content(self.version) {
            Content::Publish { topic, message, .. } => Some((topic, message)),
            _ => None,
        })
    }
}

/// Text that is there.
fn some(text: &[u8]) -> Option<Value<'_>> {
    (!text.is_empty()).then_some(Value::from(text))
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "mqtt"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("mqtt", |out| {
            for packet in self.packets {
                let Some(name) = name(packet.kind) else { continue };
                out.object(name, |out| {
                    out.number("qos", (packet.flags >> 1 & 3).into());
                    out.flag("retain", packet.flags & 1 != 0);
                    out.flag("dup", packet.flags & 8 != 0);
                    if !packet.cut {
                        show(out, &packet.packet(), self.version);
                    } else if packet.kind == kind::PUBLISH {
                        out.flag("truncated", true);
                        out.number("skipped_length", packet.body_len + head_len(packet.body_len));
                    }
                });
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let flags = || self.packets.get(nth).map(|p| p.flags);
        let number = |n: u8| Some(Value::Number(n.into()));
        match fact {
            Fact::MqttType => number(self.packets.get(nth)?.kind),
            Fact::MqttFlags => number(flags()? & 9),
            Fact::MqttQos => number(flags()? >> 1 & 3),
            Fact::MqttReasonCode => number(self.reason(nth)?),
            Fact::MqttSubscribeTopic => self.topic(kind::SUBSCRIBE, nth).map(Value::from),
            Fact::MqttUnsubscribeTopic => self.topic(kind::UNSUBSCRIBE, nth).map(Value::from),
            _ if nth > 0 => None,
            Fact::MqttProtocolVersion => number(self.version),
            Fact::MqttConnackSessionPresent => self.packets.iter().find_map(|p| match p.content(self.version) {
                Content::Connack { present, .. } => number(present.into()),
                _ => None,
            }),
            Fact::MqttConnectClientid => some(self.login()?.client_id),
            Fact::MqttConnectFlags => number(self.login()?.flags),
            Fact::MqttConnectPassword => some(self.login()?.password?),
            Fact::MqttConnectProtocolString => some(self.login()?.name),
            Fact::MqttConnectUsername => some(self.login()?.user?),
            Fact::MqttConnectWillmessage => some(self.login()?.will?.message),
            Fact::MqttConnectWilltopic => some(self.login()?.will?.topic),
            Fact::MqttPublishMessage => some(self.published()?.1),
            Fact::MqttPublishTopic => some(self.published()?.0),
            _ => None,
        }
    }
}

/// Length of a packet's first bytes, by its body's.
const fn head_len(body_len: u64) -> u64 {
    match body_len {
        0..0x80 => 2,
        0x80..0x4000 => 3,
        0x4000..0x20_0000 => 4,
        _ => 5,
    }
}

/// The name of a kind of packet; AUTH has none in the schema.
const fn name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        kind::CONNECT => "connect",
        kind::CONNACK => "connack",
        kind::PUBLISH => "publish",
        kind::PUBACK => "puback",
        kind::PUBREC => "pubrec",
        kind::PUBREL => "pubrel",
        kind::PUBCOMP => "pubcomp",
        kind::SUBSCRIBE => "subscribe",
        kind::SUBACK => "suback",
        kind::UNSUBSCRIBE => "unsubscribe",
        kind::UNSUBACK => "unsuback",
        kind::PINGREQ => "pingreq",
        kind::PINGRESP => "pingresp",
        kind::DISCONNECT => "disconnect",
        _ => return None,
    })
}
