//! RADIUS (RFC 2865, tunnels RFC 2868), its accounting (RFC 2866) and dynamic authorization (RFC 5176) over UDP.
//!
//! Two logs. `radius` is Zeek's: everything in a flow up to an acceptance or rejection is one login, which is wrong where
//! an access server or proxy has several under way from one port; such rows are marked. `radius_exchange` has one row
//! per request with its answer, of every kind. Limits: [`MAX_PENDING`], [`MAX_TEXT_LEN`]. Known gaps: EAP's content,
//! attributes of vendors, RADIUS over TCP or TLS.

mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::{RadiusExchangeRecord, RadiusRecord};

use crate::{Cx, Descriptor, Event, Guess, Probe, Protocol, Start, Transport};
use message::{HEADER_LEN, Packet, attribute, code};
use sekisho_record::Text;
use sekisho_types::{Addr, Dir, Interval, list_len};

/// Requests of a flow that wait for an answer; a client has 256 identifiers. One more, and all are logged as they are.
pub const MAX_PENDING: usize = 256;
/// Bytes of an attribute's value.
pub const MAX_TEXT_LEN: usize = u8::MAX as usize - 2;

/// A request that waits for its answer.
struct Pending {
    code: u8,
    row: Box<RadiusExchangeRecord>,
}

/// State of one flow.
pub struct Parser {
    /// What Zeek takes for one login.
    login: Option<Box<RadiusRecord>>,
    pending: Vec<Pending>,
    /// Bytes that the rows of `pending` take: counted as they come and go, since there may be many.
    pending_len: usize,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "radius", tcp_ports: &[], udp_ports: &[1812, 1813, 1645, 1646, 3799], probe };

    fn start(_: &Start<'_>) -> Self {
        Self { login: None, pending: Vec::new(), pending_len: 0 }
    }

    fn data(&mut self, _dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        // As in Zeek: what has broken attributes is no RADIUS, whatever came before.
        let Ok(packet) = Packet::parse(bytes) else { return cx.reject("radius_broken_packet") };
        cx.confirm("radius");
        if code::is_request(packet.code) {
            self.request(&packet, cx);
        } else {
            self.reply(&packet, cx);
        }
        if !matches!(packet.code, code::ACCOUNTING_REQUEST | code::ACCOUNTING_RESPONSE | code::STATUS_SERVER..) {
            self.login(&packet, cx);
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut row) = self.login.take() {
            row.result = Some("unknown");
            log(row, cx);
        }
        self.give_up(cx);
    }

    fn held_len(&self) -> usize {
        let login = self.login.as_ref().map_or(0, |row| row.held_len());
        login + list_len(&self.pending) + self.pending_len
    }
}

/// A request that is right to its last byte; on the usual ports whatever has whole attributes.
fn probe(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    if p.transport != Transport::Udp || bytes.len() < HEADER_LEN {
        return Guess::No;
    }
    // The header first: it is the cheap test that nearly all others fail.
    if !p.port_match && !message::is_likely(bytes) {
        return Guess::No;
    }
    // What is damaged, but meant to be RADIUS, shall be rejected, and nothing else be made of the rest of its flow.
    if Packet::parse(bytes).is_ok() || (p.port_match && message::has_good_header(bytes)) {
        Guess::Yes
    } else {
        Guess::No
    }
}

impl Parser {
    /// Zeek's view: one login until a result comes.
    fn login(&mut self, packet: &Packet<'_>, cx: &mut Cx<'_>) {
        let row = self.login.get_or_insert_with(|| Box::new(blank_login(cx)));
        match packet.code {
            code::ACCESS_REQUEST => {
                let other = packet.first(attribute::USER_NAME).map(Text::from);
                row.mixed |= row.username.is_some() && other.is_some() && row.username != other;
                keep(&mut row.username, packet, attribute::USER_NAME);
                keep(&mut row.tunnel_client, packet, attribute::TUNNEL_CLIENT_ENDPOINT);
                keep(&mut row.connect_info, packet, attribute::CONNECT_INFO);
                row.mac = row.mac.take().or_else(|| packet.first(attribute::CALLING_STATION_ID).map(mac));
            }
            code::ACCESS_CHALLENGE => {
                row.challenges = row.challenges.saturating_add(1);
                row.framed_addr = row.framed_addr.or(packet.first(attribute::FRAMED_IP_ADDRESS).and_then(v4));
                keep(&mut row.reply_msg, packet, attribute::REPLY_MESSAGE);
            }
            code::ACCESS_ACCEPT => row.result = Some("success"),
            code::ACCESS_REJECT => row.result = Some("failed"),
            _ => {}
        }
        if row.result.is_some()
            && let Some(mut row) = self.login.take()
        {
            row.ttl = Some(cx.ts - row.head.ts).filter(|t| *t != Interval::ZERO);
            log(row, cx);
        }
    }

    fn request(&mut self, packet: &Packet<'_>, cx: &mut Cx<'_>) {
        let again = self.pending.iter_mut().find(|p| p.code == packet.code && p.row.id == packet.id);
        if let Some(pending) = again {
            pending.row.retries = pending.row.retries.saturating_add(1);
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            self.give_up(cx);
        }
        let row = Box::new(asked(packet, cx));
        self.pending_len += row.held_len();
        self.pending.push(Pending { code: packet.code, row });
    }

    fn reply(&mut self, packet: &Packet<'_>, cx: &mut Cx<'_>) {
        let at = self.pending.iter().position(|p| p.row.id == packet.id && code::answers(packet.code, p.code));
        let Some(pending) = at.map(|at| self.pending.remove(at)) else { return };
        let mut row = pending.row;
        self.pending_len = self.pending_len.saturating_sub(row.held_len());
        row.reply = code::name(packet.code);
        row.rtt = Some(cx.ts - row.head.ts);
        row.framed_addr = packet.first(attribute::FRAMED_IP_ADDRESS).and_then(v4).or(row.framed_addr);
        keep(&mut row.reply_msg, packet, attribute::REPLY_MESSAGE);
        log_exchange(row, cx);
    }

    /// Logs the requests that wait.
    fn give_up(&mut self, cx: &mut Cx<'_>) {
        self.pending_len = 0;
        std::mem::take(&mut self.pending).into_iter().for_each(|p| log_exchange(p.row, cx));
    }
}

fn log(mut row: Box<RadiusRecord>, cx: &mut Cx<'_>) {
    row.tail = cx.tail();
    cx.emit(Event::RadiusRecord(row));
}

fn log_exchange(mut row: Box<RadiusExchangeRecord>, cx: &mut Cx<'_>) {
    row.tail = cx.tail();
    cx.emit(Event::RadiusExchangeRecord(row));
}

/// Puts the first attribute `kind` into `place` unless something is there.
fn keep(place: &mut Option<Text>, packet: &Packet<'_>, kind: u8) {
    if place.is_none() {
        *place = packet.first(kind).map(Text::from);
    }
}

fn v4(value: &[u8]) -> Option<Addr> {
    <[u8; 4]>::try_from(value).ok().map(Addr::v4)
}

/// The hexadecimal digits in `value` as a MAC address if there are as many as one has, else nothing, as in Zeek.
fn mac(value: &[u8]) -> Text {
    let digits: Vec<u8> = value.iter().filter(|b| b.is_ascii_hexdigit()).map(u8::to_ascii_lowercase).collect();
    if !matches!(digits.len(), 12 | 16) {
        return Text::default();
    }
    digits.chunks(2).collect::<Vec<_>>().join(&b':').into()
}

/// What is reported to accounting (RFC 2866 §5.1).
fn status(value: &[u8]) -> &'static str {
    match value {
        [0, 0, 0, 1] => "Start",
        [0, 0, 0, 2] => "Stop",
        [0, 0, 0, 3] => "Interim-Update",
        [0, 0, 0, 7] => "Accounting-On",
        [0, 0, 0, 8] => "Accounting-Off",
        _ => "unknown",
    }
}

fn blank_login(cx: &Cx<'_>) -> RadiusRecord {
    RadiusRecord {
        head: cx.head(cx.ts),
        username: None,
        mac: None,
        framed_addr: None,
        tunnel_client: None,
        connect_info: None,
        reply_msg: None,
        result: None,
        ttl: None,
        challenges: 0,
        mixed: false,
        tail: cx.tail(),
    }
}

/// What a request says.
fn asked(packet: &Packet<'_>, cx: &Cx<'_>) -> RadiusExchangeRecord {
    let text = |kind| packet.first(kind).map(Text::from);
    RadiusExchangeRecord {
        head: cx.head(cx.ts),
        id: packet.id,
        request: code::name(packet.code).unwrap_or("unknown"),
        reply: None,
        rtt: None,
        retries: 0,
        username: text(attribute::USER_NAME),
        calling_station: text(attribute::CALLING_STATION_ID),
        called_station: text(attribute::CALLED_STATION_ID),
        nas_addr: packet.first(attribute::NAS_IP_ADDRESS).and_then(v4),
        nas_identifier: text(attribute::NAS_IDENTIFIER),
        framed_addr: packet.first(attribute::FRAMED_IP_ADDRESS).and_then(v4),
        reply_msg: None,
        acct_status: packet.first(attribute::ACCT_STATUS_TYPE).map(status),
        acct_session: text(attribute::ACCT_SESSION_ID),
        tail: cx.tail(),
    }
}
