//! Remote Desktop Protocol (MS-RDPBCGR) up to where it is encrypted: connection request and confirm, and the settings
//! that both ends exchange if TLS is not chosen.
//!
//! One row per connection. Where TLS is chosen the flow is handed over to it; behind RDP's own encryption it is opaque.
//! Limits: [`MAX_PACKET_LEN`], and those of `message`. Known gaps: the settings inside TLS are encrypted, and with them
//! client, keyboard and screen; fast-path units.

mod keyboards;
mod message;
mod names;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use record::RdpRecord;

use crate::{Cx, Descriptor, Event, Guess, Held, Probe, Protocol, Start, Transport, certs};
use message::{Confirm, Unit};
use sekisho_record::UnsetIfEmpty;
use sekisho_transaction::Counter;
use sekisho_types::{Dir, Heap};

/// Longest packet: what the length's two bytes can say.
pub const MAX_PACKET_LEN: usize = u16::MAX as usize;
/// Channels that a client may ask for (MS-RDPBCGR §2.2.1.3.4).
const MAX_CHANNEL_COUNT: u32 = 31;

/// Types of blocks (MS-RDPBCGR §2.2.1.3.1).
mod block {
    pub const CLIENT_CORE: u16 = 0xc001;
    pub const CLIENT_NETWORK: u16 = 0xc003;
    pub const SERVER_SECURITY: u16 = 0x0c02;
}

/// State of one connection.
#[derive(Default)]
pub struct Parser {
    held: [Held; 2],
    lost: [bool; 2],
    row: Option<Box<RdpRecord>>,
    /// Messages shown to rules and EVE.
    txs: Counter,
}

/// What comes behind a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Rdp,
    Tls,
    Encrypted,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "rdp", tcp_ports: &[3389], udp_ports: &[], probe };

    fn start(_: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let i = dir.index();
        if self.lost.get(i).is_none_or(|lost| *lost) {
            return;
        }
        let Some(mut held) = self.held.get_mut(i).map(std::mem::take) else { return };
        let joined = held.join(bytes);
        let mut consumed = 0;
        loop {
            let rest = joined.get(consumed..).unwrap_or(&[]);
            match message::tpkt(rest) {
                Ok(Some(len)) if len <= rest.len() => {
                    consumed += len;
                    let packet = rest.get(..len).unwrap_or(rest);
                    match self.packet(packet, cx) {
                        Next::Rdp => {}
                        Next::Tls => return cx.hand_over(None, joined.len() - consumed),
                        Next::Encrypted => return cx.opaque(),
                    }
                }
                Ok(_) => break,
                Err(_) => return self.lose(i, "rdp_broken_packet", cx),
            }
        }
        if held.keep(joined, consumed, MAX_PACKET_LEN) {
            if let Some(place) = self.held.get_mut(i) {
                *place = held;
            }
        } else {
            self.lose(i, "rdp_packet_over_limit", cx);
        }
    }

    fn gap(&mut self, dir: Dir, _len: u64, cx: &mut Cx<'_>) {
        self.lose(dir.index(), "rdp_gap", cx);
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        let Some(mut row) = self.row.take() else { return };
        if row.cookie.is_some() || row.keyboard_layout.is_some() || row.result.is_some() {
            row.tail = cx.tail();
            cx.emit(Event::RdpRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        self.held.iter().map(Heap::heap_len).sum::<usize>() + self.row.as_ref().map_or(0, |row| row.held_len())
    }
}

/// A connection request that fills its packet and says something that only RDP says.
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp || p.orig.first().is_some_and(|b| *b != 3) {
        return Guess::No;
    }
    let packet = match message::tpkt(p.orig) {
        Ok(Some(len)) => match p.orig.get(..len) {
            Some(packet) => packet,
            None if len <= 1024 => return Guess::More,
            None => return Guess::No,
        },
        Ok(None) => return Guess::More,
        Err(_) => return Guess::No,
    };
    match message::unit(packet) {
        Ok(Unit::Request(r)) if r.cookie.is_some() || r.routing_token.is_some() || r.protocols.is_some() => Guess::Yes,
        Ok(Unit::Request(_)) if p.port_match && packet.len() == 11 => Guess::Yes,
        _ => Guess::No,
    }
}

impl Parser {
    fn lose(&mut self, i: usize, why: &'static str, cx: &mut Cx<'_>) {
        if let (Some(lost), Some(held)) = (self.lost.get_mut(i), self.held.get_mut(i)) {
            *lost = true;
            held.clear();
            cx.weird(why);
        }
    }

    fn row(&mut self, cx: &Cx<'_>) -> &mut RdpRecord {
        self.row.get_or_insert_with(|| Box::new(blank(cx)))
    }

    fn packet(&mut self, packet: &[u8], cx: &mut Cx<'_>) -> Next {
        match message::unit(packet) {
            Ok(Unit::Request(m)) => {
                cx.recognize("rdp");
                tx::request(&m, &mut self.txs, cx);
                let row = self.row(cx);
                row.cookie = m.cookie.map(Into::into);
                row.routing_token = m.routing_token.map(Into::into);
                row.requested_protocols.0 = m.protocols.map(names::requested_protocols).unwrap_or_default();
                Next::Rdp
            }
            Ok(Unit::Confirm(confirm)) => {
                tx::confirmed(&mut self.txs, cx);
                self.confirmed(confirm, cx)
            }
            Ok(Unit::Data(data)) => match message::settings(data) {
                Ok(Some(settings)) => {
                    if cx.is_watched() {
                        tx::settings(&settings, &mut self.txs, cx);
                    }
                    self.settings(&settings, cx)
                }
                Ok(None) => Next::Rdp,
                Err(_) => {
                    cx.weird("rdp_broken_settings");
                    Next::Rdp
                }
            },
            Ok(Unit::Other) => Next::Rdp,
            Err(_) => {
                cx.weird("rdp_broken_unit");
                Next::Rdp
            }
        }
    }

    fn confirmed(&mut self, confirm: Confirm, cx: &mut Cx<'_>) -> Next {
        let row = self.row(cx);
        match confirm {
            Confirm::Plain => Next::Rdp,
            Confirm::Failure(code) => {
                row.result = Some(names::failure(code));
                Next::Rdp
            }
            Confirm::Chosen(protocol) => {
                row.security_protocol = Some(names::security_protocol(protocol));
                if protocol == 0 {
                    return Next::Rdp;
                }
                row.result.get_or_insert_with(|| "encrypted".to_owned());
                Next::Tls
            }
        }
    }

    fn settings(&mut self, settings: &message::Settings<'_>, cx: &mut Cx<'_>) -> Next {
        cx.confirm("rdp");
        let row = self.row(cx);
        if let Some(result) = settings.result {
            row.result = Some(names::result(result));
        }
        let mut next = Next::Rdp;
        for (kind, content) in settings.blocks {
            let read = match kind {
                block::CLIENT_CORE => message::core(content).map(|m| client(row, m)),
                block::CLIENT_NETWORK => message::channels(content).map(|(names, count)| {
                    row.client_channels = UnsetIfEmpty(names);
                    if count > MAX_CHANNEL_COUNT {
                        cx.weird_with("RDP_channels_requested_exceeds_max", Some(count.to_string().into()));
                    }
                }),
                block::SERVER_SECURITY => message::security(content).map(|m| {
                    if server(row, &m, cx) {
                        next = Next::Encrypted;
                    }
                }),
                _ => Ok(()),
            };
            if read.is_err() {
                cx.weird("rdp_broken_settings");
            }
        }
        next
    }
}

/// What the client says of itself.
fn client(row: &mut RdpRecord, m: message::Core) {
    row.keyboard_layout = Some(keyboards::name(m.keyboard));
    row.client_build = Some(names::build(m.build));
    row.client_name = Some(m.name);
    row.client_dig_product_id = m.product_id;
    (row.desktop_width, row.desktop_height) = (Some(m.width), Some(m.height));
    row.requested_color_depth =
        m.depth.map(|(depth, deep)| if deep { "32bit".to_owned() } else { names::color_depth(depth) });
}

/// What the server says of encryption; is there any of RDP's own from here on?
fn server(row: &mut RdpRecord, m: &message::Security<'_>, cx: &mut Cx<'_>) -> bool {
    row.encryption_method = Some(names::method(m.method));
    row.encryption_level = Some(names::level(m.level));
    if let Some(certificate) = &m.certificate {
        row.cert_type = Some(names::certificate(certificate.kind));
        row.cert_permanent = Some(certificate.permanent);
        row.cert_count = if certificate.kind == 1 { 1 } else { certificate.chain.len() as u64 };
        for der in &certificate.chain {
            certs::log(der, "RDP", true, false, cx);
        }
    }
    let encrypted = m.method > 0 && m.level > 0;
    if encrypted {
        row.result.get_or_insert_with(|| "encrypted".to_owned());
        row.security_protocol = Some(names::security_protocol(0));
    }
    encrypted
}

fn blank(cx: &Cx<'_>) -> RdpRecord {
    RdpRecord {
        head: cx.head(cx.ts),
        cookie: None,
        result: None,
        security_protocol: None,
        client_channels: UnsetIfEmpty::default(),
        keyboard_layout: None,
        client_build: None,
        client_name: None,
        client_dig_product_id: None,
        desktop_width: None,
        desktop_height: None,
        requested_color_depth: None,
        cert_type: None,
        cert_count: 0,
        cert_permanent: None,
        encryption_level: None,
        encryption_method: None,
        requested_protocols: UnsetIfEmpty::default(),
        routing_token: None,
        tail: cx.tail(),
    }
}
