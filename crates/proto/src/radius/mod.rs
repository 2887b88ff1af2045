//! RADIUS (RFC 2865, tunnels RFC 2868) and its accounting (RFC 2866) over UDP.
//!
//! One row per login: from its first request, over challenges, to its acceptance or rejection. Zeek takes all packets of
//! a flow for one login until a result comes; here requests are told apart by their identifiers, and one that answers a
//! challenge is known by its State. One row per accounting request. Limits: [`MAX_PENDING`]. Known gaps: EAP's
//! content, attributes of vendors, dynamic authorization (RFC 5176) and RADIUS over TCP or TLS.

mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::RadiusRecord;

use crate::{Cx, Descriptor, Event, Guess, Probe, Protocol, Start, Transport};
use message::{HEADER_LEN, Packet, attribute, code};
use sekisho_record::Text;
use sekisho_types::{Addr, Dir, Heap, Interval, list_len};

/// Logins under way in one flow; a client has 256 identifiers.
pub const MAX_PENDING: usize = 256;

/// A login or report under way.
struct Pending {
    /// Identifier of the last request.
    id: u8,
    accounting: bool,
    /// What the next request must show, after a challenge.
    state: Option<Text>,
    row: Box<RadiusRecord>,
}

/// State of one flow.
pub struct Parser {
    pending: Vec<Pending>,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "radius", tcp_ports: &[], udp_ports: &[1812, 1813, 1645, 1646], probe };

    fn start(_: &Start<'_>) -> Self {
        Self { pending: Vec::new() }
    }

    fn data(&mut self, _dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Ok(packet) = Packet::parse(bytes) else { return cx.weird("radius_broken_packet") };
        cx.confirm("radius");
        match packet.code {
            code::ACCESS_REQUEST | code::ACCOUNTING_REQUEST => self.request(&packet, cx),
            code::ACCESS_CHALLENGE => {
                let pending = self.answered(&packet, false, cx);
                challenge(&mut pending.row, &packet);
                pending.state = Some(packet.first(attribute::STATE).unwrap_or_default().into());
            }
            code::ACCESS_ACCEPT => self.result(&packet, "success", cx),
            code::ACCESS_REJECT => self.result(&packet, "failed", cx),
            code::ACCOUNTING_RESPONSE => {
                let at = self.pending.iter().position(|p| p.accounting && p.id == packet.id);
                if let Some(pending) = at.map(|at| self.pending.remove(at)) {
                    let mut row = pending.row;
                    row.ttl = Some(cx.ts - row.head.ts).filter(|t| *t != Interval::ZERO);
                    log(row, cx);
                }
            }
            // Zeek begins a row with whatever comes.
            _ => _ = self.answered(&packet, false, cx),
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, cx: &mut Cx<'_>) {
        for pending in self.pending.drain(..) {
            let mut row = pending.row;
            if !pending.accounting {
                row.result = Some("unknown");
            }
            log(row, cx);
        }
    }

    fn held_len(&self) -> usize {
        list_len(&self.pending) + self.pending.iter().map(|p| p.row.held_len() + p.state.heap_len()).sum::<usize>()
    }
}

/// A packet that is right to its last byte; on the usual ports the attributes are enough.
fn probe(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    if p.transport != Transport::Udp || bytes.len() < HEADER_LEN {
        return Guess::No;
    }
    match Packet::parse(bytes) {
        Ok(packet) if p.port_match || (packet.is_plausible() && packet.has_attributes()) => Guess::Yes,
        _ => Guess::No,
    }
}

impl Parser {
    fn request(&mut self, packet: &Packet<'_>, cx: &mut Cx<'_>) {
        let accounting = packet.code == code::ACCOUNTING_REQUEST;
        let state = packet.first(attribute::STATE);
        let known = self.pending.iter().position(|p| match &p.state {
            Some(wanted) => !accounting && !p.accounting && state.unwrap_or_default() == wanted.0,
            None => p.accounting == accounting && p.id == packet.id,
        });
        let at = known.unwrap_or_else(|| self.begin(packet, accounting, cx));
        let Some(pending) = self.pending.get_mut(at) else { return };
        (pending.id, pending.state) = (packet.id, None);
        asked(&mut pending.row, packet);
        if accounting {
            pending.row.acct_status = packet.first(attribute::ACCT_STATUS_TYPE).map(status);
            pending.row.acct_session = packet.first(attribute::ACCT_SESSION_ID).map(Text::from);
        }
    }

    /// Makes room for a row and begins it; returns its place.
    fn begin(&mut self, packet: &Packet<'_>, accounting: bool, cx: &mut Cx<'_>) -> usize {
        if self.pending.len() >= MAX_PENDING {
            self.end(cx);
        }
        self.pending.push(Pending { id: packet.id, accounting, state: None, row: Box::new(blank(cx)) });
        self.pending.len() - 1
    }

    /// The login that an answer belongs to; a new one if there is none.
    fn answered(&mut self, packet: &Packet<'_>, accounting: bool, cx: &mut Cx<'_>) -> &mut Pending {
        let known = self.pending.iter().position(|p| p.accounting == accounting && p.id == packet.id);
        let at = known.unwrap_or_else(|| self.begin(packet, accounting, cx));
        #[expect(clippy::indexing_slicing, reason = "the place of an element was just found")]
        &mut self.pending[at]
    }

    fn result(&mut self, packet: &Packet<'_>, result: &'static str, cx: &mut Cx<'_>) {
        let id = self.answered(packet, false, cx).id;
        let Some(at) = self.pending.iter().position(|p| !p.accounting && p.id == id) else { return };
        let mut row = self.pending.remove(at).row;
        row.result = Some(result);
        row.ttl = Some(cx.ts - row.head.ts).filter(|t| *t != Interval::ZERO);
        log(row, cx);
    }
}

fn log(mut row: Box<RadiusRecord>, cx: &mut Cx<'_>) {
    row.tail = cx.tail();
    cx.emit(Event::RadiusRecord(row));
}

/// Puts the first attribute `kind` into `place` unless something is there.
fn keep(place: &mut Option<Text>, packet: &Packet<'_>, kind: u8) {
    if place.is_none() {
        *place = packet.first(kind).map(Text::from);
    }
}

/// What a request says.
fn asked(row: &mut RadiusRecord, packet: &Packet<'_>) {
    keep(&mut row.username, packet, attribute::USER_NAME);
    keep(&mut row.tunnel_client, packet, attribute::TUNNEL_CLIENT_ENDPOINT);
    keep(&mut row.connect_info, packet, attribute::CONNECT_INFO);
    keep(&mut row.nas_identifier, packet, attribute::NAS_IDENTIFIER);
    keep(&mut row.called_station, packet, attribute::CALLED_STATION_ID);
    row.nas_addr = row.nas_addr.or(packet.first(attribute::NAS_IP_ADDRESS).and_then(v4));
    if row.mac.is_none() {
        row.mac = packet.first(attribute::CALLING_STATION_ID).map(mac);
    }
}

/// What a challenge says.
fn challenge(row: &mut RadiusRecord, packet: &Packet<'_>) {
    row.challenges = row.challenges.saturating_add(1);
    row.framed_addr = row.framed_addr.or(packet.first(attribute::FRAMED_IP_ADDRESS).and_then(v4));
    keep(&mut row.reply_msg, packet, attribute::REPLY_MESSAGE);
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

fn blank(cx: &Cx<'_>) -> RadiusRecord {
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
        nas_addr: None,
        nas_identifier: None,
        called_station: None,
        challenges: 0,
        acct_status: None,
        acct_session: None,
        tail: cx.tail(),
    }
}
