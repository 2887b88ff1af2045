//! A connection whose secrets are known: its Handshake, 0-RTT and 1-RTT packets are opened, its encrypted handshake is
//! read, and its streams are handed on.

use super::frame::{Frame, Level, frame};
use super::order::Order;
use super::packet::{Kind, MAX_CID_LEN, Packet};
use super::protection::{Header, Keys, Sealing, next_secret, unmask};
use super::streams::Streams;
use crate::handshake::keys::{Suite, suite};
use crate::handshake::message::kind;
use crate::handshake::{Agreed, Handshakes, MAX_MESSAGE_LEN, Session, Step};
use crate::{Cx, MAX_NESTED_DEPTH, SecretKind, SessionSecrets};
use ring::aead::quic::HeaderProtectionKey;
use sekisho_types::{Dir, Heap, Timestamp, block_len, list_len};
use sekisho_wire::Reader;
use smallvec::SmallVec;

/// Packets in a row that cannot be opened before a direction is given up.
pub const MAX_FAILURES: u32 = 64;

/// Key updates of one direction that are followed; ends update once in some millions of packets, or never.
pub const MAX_KEY_UPDATES: u32 = 1000;

/// 1-RTT packets of one direction after which the end of its handshake is not waited for any more.
const MAX_BEFORE_FINISHED: u32 = 64;

/// Connection ids of an unusual length that are remembered of one end.
pub const MAX_OTHER_IDS: usize = 8;

/// Bytes of packets that are kept until the server's hello tells how they are protected.
pub const MAX_PENDING_LEN: usize = 64 * 1024;

/// 1-RTT keys of one direction.
struct Traffic {
    secret: Vec<u8>,
    header: HeaderProtectionKey,
    now: Sealing,
    /// Key phase of `now`, and the least packet number that came under it.
    phase: bool,
    since: u64,
    before: Option<Sealing>,
    /// The next secret and its keys, once they were needed.
    next: Option<(Vec<u8>, Sealing)>,
    updates: u32,
}

/// One direction.
#[derive(Default)]
struct End {
    /// Length of the connection ids in packets of this direction: of those that the other end chose.
    id_len: usize,
    /// Ids that the other end chose with other lengths.
    other_ids: SmallVec<[SmallVec<[u8; MAX_CID_LEN]>; 1]>,
    early: Option<Keys>,
    handshake: Option<Keys>,
    traffic: Option<Traffic>,
    /// Largest packet numbers met: of Handshake packets, of 0-RTT and 1-RTT ones.
    largest_handshake: Option<u64>,
    largest: Option<u64>,
    crypto: Order,
    handshakes: Handshakes,
    finished: bool,
    /// 1-RTT packets opened before that.
    unfinished: u32,
    failures: u32,
}

/// See the module.
pub(super) struct Decrypt {
    suite: Suite,
    v2: bool,
    ends: [End; 2],
    /// Those of the streams, once there are any: then the application protocol is known.
    streams: Option<Streams>,
    /// The frames of the packet in hand.
    plain: Vec<u8>,
    established: bool,
    /// Something was opened.
    pub(super) opened: bool,
    /// Code and reason of a close that was seen.
    pub(super) close: Option<(u64, Vec<u8>)>,
}

/// What came before the server's hello, of a connection whose secrets are known.
#[derive(Default)]
pub(super) struct Pending {
    packets: Vec<Kept>,
    len: usize,
}

/// A packet that was kept.
pub(super) struct Kept {
    pub(super) ts: Timestamp,
    pub(super) dir: Dir,
    pub(super) bytes: Vec<u8>,
}

impl Heap for Pending {
    fn heap_len(&self) -> usize {
        list_len(&self.packets) + self.len
    }
}

impl Pending {
    /// Keeps a packet; false if there is no room.
    pub(super) fn keep(&mut self, ts: Timestamp, dir: Dir, packet: &[u8]) -> bool {
        let len = block_len(packet.len());
        let room = self.len + len <= MAX_PENDING_LEN;
        if room {
            self.len += len;
            self.packets.push(Kept { ts, dir, bytes: packet.to_vec() });
        }
        room
    }

    pub(super) fn into_packets(self) -> Vec<Kept> {
        self.packets
    }
}

impl Heap for Decrypt {
    fn heap_len(&self) -> usize {
        let end = |e: &End| {
            let secret = e.traffic.as_ref().map_or(0, |t| list_len(&t.secret));
            let ids = if e.other_ids.spilled() { e.other_ids.capacity() * size_of::<[usize; 4]>() } else { 0 };
            secret + ids + e.crypto.heap_len() + e.handshakes.heap_len()
        };
        let close = self.close.as_ref().map_or(0, |c| c.1.heap_len());
        self.ends.iter().map(end).sum::<usize>() + self.streams.heap_len() + self.plain.heap_len() + close
    }
}

impl Traffic {
    fn new(suite: &Suite, v2: bool, secret: &[u8]) -> Option<Self> {
        let Keys { sealing, header } = Keys::derive(suite, v2, secret)?;
        let secret = secret.to_vec();
        Some(Self { secret, header, now: sealing, phase: false, since: 0, before: None, next: None, updates: 0 })
    }

    /// Puts the frames of a packet into `plain`: its number; `None` if it does not open.
    fn open(
        &mut self,
        (suite, v2): (&Suite, bool),
        packet: &[u8],
        (number_at, largest): (usize, Option<u64>),
        plain: &mut Vec<u8>,
    ) -> Option<u64> {
        let header = unmask(&self.header, packet, number_at)?;
        let number = header.number(largest);
        if header.phase() == self.phase {
            return self.now.open(packet, &header, number, plain).then_some(number);
        }
        // An older packet comes under the keys before, a newer one under the next (RFC 9001 §6.5).
        let older = number < self.since;
        if older && let Some(before) = &self.before {
            return before.open(packet, &header, number, plain).then_some(number);
        }
        self.update((suite, v2), packet, (&header, number), plain).then_some(number)
    }

    /// Tries the next keys, and takes them over if they fit.
    fn update(
        &mut self,
        (suite, v2): (&Suite, bool),
        packet: &[u8],
        (header, number): (&Header, u64),
        plain: &mut Vec<u8>,
    ) -> bool {
        if self.updates >= MAX_KEY_UPDATES {
            return false;
        }
        if self.next.is_none() {
            self.next = next_secret(suite, v2, &self.secret)
                .and_then(|secret| Sealing::derive(suite, v2, &secret).map(|sealing| (secret, sealing)));
        }
        if !self.next.as_ref().is_some_and(|next| next.1.open(packet, header, number, plain)) {
            return false;
        }
        if let Some((secret, sealing)) = self.next.take() {
            self.secret = secret;
            self.before = Some(std::mem::replace(&mut self.now, sealing));
            self.phase = !self.phase;
            self.since = number;
            self.updates += 1;
        }
        true
    }
}

impl End {
    /// Length of the connection id in a packet of this direction.
    fn id_len(&self, packet: &[u8]) -> usize {
        let behind = packet.get(1..).unwrap_or(&[]);
        self.other_ids.iter().find(|id| behind.starts_with(id)).map_or(self.id_len, |id| id.len())
    }

    fn is_given_up(&self) -> bool {
        self.failures >= MAX_FAILURES || self.handshake.is_none() && self.traffic.is_none()
    }
}

impl Decrypt {
    /// `None` if the suite is none that can be opened, or too many connections are around this one. `ids`: those that
    /// each end has chosen so far, by the direction in which it sends.
    pub(super) fn new(
        agreed: &Agreed,
        secrets: &SessionSecrets,
        v2: bool,
        ids: [usize; 2],
        cx: &Cx<'_>,
    ) -> Option<Self> {
        if cx.depth() >= MAX_NESTED_DEPTH {
            return None;
        }
        let suite = suite(agreed.cipher)?;
        suite.aead()?;
        let end = |id_len, early: Option<SecretKind>, handshake, traffic| End {
            id_len,
            early: early.and_then(|kind| Keys::derive(&suite, v2, secrets.get(kind)?)),
            handshake: secrets.get(handshake).and_then(|secret| Keys::derive(&suite, v2, secret)),
            traffic: secrets.get(traffic).and_then(|secret| Traffic::new(&suite, v2, secret)),
            ..End::default()
        };
        let [of_client, of_server] = ids;
        let ends = [
            end(of_server, Some(SecretKind::ClientEarly), SecretKind::ClientHandshake, SecretKind::ClientTraffic),
            end(of_client, None, SecretKind::ServerHandshake, SecretKind::ServerTraffic),
        ];
        Some(Self { suite, v2, ends, streams: None, plain: Vec::new(), established: false, opened: false, close: None })
    }

    /// Is nothing more to be learnt?
    pub(super) fn is_over(&self) -> bool {
        self.ends.iter().all(End::is_given_up)
    }

    /// A packet with a long header.
    pub(super) fn long(&mut self, dir: Dir, packet: &Packet<'_>, session: &mut Session, cx: &mut Cx<'_>) {
        let Some(end) = self.ends.get_mut(dir.index()).filter(|end| !end.is_given_up()) else { return };
        let (keys, largest) = match packet.kind {
            Kind::Handshake => (&end.handshake, &mut end.largest_handshake),
            Kind::ZeroRtt => (&end.early, &mut end.largest),
            _ => return,
        };
        let Some(keys) = keys else { return };
        let mut plain = std::mem::take(&mut self.plain);
        match keys.open_next(packet, *largest, &mut plain) {
            Some(number) => {
                *largest = (*largest).max(Some(number));
                end.failures = 0;
                self.frames(dir, packet.kind == Kind::Handshake, &plain, session, cx);
            }
            // Early data may be under another suite, and rejected.
            None if packet.kind == Kind::ZeroRtt => end.early = None,
            None => self.failed(dir, cx),
        }
        self.plain = plain;
    }

    /// A packet with a short header.
    pub(super) fn short(&mut self, dir: Dir, packet: &[u8], session: &mut Session, cx: &mut Cx<'_>) {
        let Some(end) = self.ends.get_mut(dir.index()).filter(|end| !end.is_given_up()) else { return };
        let number_at = 1 + end.id_len(packet);
        let largest = end.largest;
        let Some(traffic) = &mut end.traffic else { return };
        let mut plain = std::mem::take(&mut self.plain);
        match traffic.open((&self.suite, self.v2), packet, (number_at, largest), &mut plain) {
            Some(number) => {
                end.largest = largest.max(Some(number));
                end.failures = 0;
                // Whoever sends 1-RTT packets has done with the handshake, or as good as; its end may have been lost.
                end.unfinished = end.unfinished.saturating_add(1);
                end.finished |= end.handshake.is_none() || end.unfinished >= MAX_BEFORE_FINISHED;
                self.settle(session, cx);
                self.frames(dir, false, &plain, session, cx);
            }
            None => self.failed(dir, cx),
        }
        self.plain = plain;
    }

    /// A packet of `dir` did not open.
    fn failed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        let Some(end) = self.ends.get_mut(dir.index()) else { return };
        end.failures += 1;
        if end.failures == MAX_FAILURES {
            cx.weird("QUIC_packet_not_opened");
        }
    }

    fn frames(&mut self, dir: Dir, handshake: bool, plain: &[u8], session: &mut Session, cx: &mut Cx<'_>) {
        self.opened = true;
        let (decrypted, depth) = (cx.set_decrypted(true), cx.depth());
        cx.set_depth(depth + 1);
        let mut r = Reader::new(plain);
        while !r.is_empty() {
            let Ok(frame) = frame(&mut r, Level::Protected) else {
                cx.weird("QUIC_bad_frame");
                break;
            };
            match frame {
                Frame::Crypto { offset, data } if handshake => self.crypto(dir, offset, data, session, cx),
                Frame::Stream { stream, offset, data, last } => {
                    self.streams(session).frame(dir, stream, (offset, data), last, cx);
                }
                Frame::Reset { stream } => self.streams(session).reset(dir, stream, cx),
                Frame::NewId(id) => self.new_id(dir, id),
                Frame::Close { code, reason } => {
                    self.close.get_or_insert_with(|| (code, reason.to_vec()));
                }
                Frame::Crypto { .. } | Frame::Other => {}
            }
        }
        cx.set_depth(depth);
        cx.set_decrypted(decrypted);
    }

    /// The sender of `dir` may be called by another id, too.
    fn new_id(&mut self, dir: Dir, id: &[u8]) {
        let Some(other) = self.ends.get_mut(dir.flip().index()) else { return };
        if id.len() != other.id_len && !id.is_empty() && other.other_ids.len() < MAX_OTHER_IDS {
            other.other_ids.push(id.into());
        }
    }

    fn streams(&mut self, session: &Session) -> &mut Streams {
        self.streams.get_or_insert_with(|| Streams::new(session.application()))
    }

    /// A part of the encrypted handshake.
    fn crypto(&mut self, dir: Dir, offset: u64, data: &[u8], session: &mut Session, cx: &mut Cx<'_>) {
        let Some(end) = self.ends.get_mut(dir.index()) else { return };
        let End { crypto, handshakes, finished, .. } = end;
        crypto.add(offset, data, |bytes| {
            let _: Result<(), ()> = handshakes.feed(bytes, |step| {
                match step {
                    Step::Message { kind: kind::FINISHED, .. } => *finished = true,
                    Step::Message { kind, body } => session.opened_message(dir, kind, body, cx),
                    Step::TooLong { .. } => cx.weird("tls_handshake_message_too_long"),
                }
                Ok(())
            });
        });
        if crypto.heap_len() > MAX_MESSAGE_LEN {
            cx.weird("QUIC_crypto_over_limit");
            *crypto = Order::default();
            end.handshake = None;
        }
        self.settle(session, cx);
    }

    /// Logs the session once both ends have finished their handshakes.
    fn settle(&mut self, session: &mut Session, cx: &mut Cx<'_>) {
        if !self.established && self.ends.iter().all(|end| end.finished) {
            self.established = true;
            // The row takes the application protocol with it.
            self.streams(session);
            let decrypted = cx.set_decrypted(true);
            session.establish_open(cx);
            cx.set_decrypted(decrypted);
        }
    }

    /// The connection is over.
    pub(super) fn end(&mut self, session: &mut Session, cx: &mut Cx<'_>) {
        self.ends.iter_mut().for_each(|end| end.finished |= end.unfinished > 0);
        self.settle(session, cx);
        let (decrypted, depth) = (cx.set_decrypted(true), cx.depth());
        cx.set_depth(depth + 1);
        if let Some(streams) = &mut self.streams {
            streams.finish(cx);
        }
        cx.set_depth(depth);
        cx.set_decrypted(decrypted);
    }
}
