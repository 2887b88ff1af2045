//! SNMP versions 1 (RFC 1157), 2c (RFC 1901) and 3 (RFC 3412, 3414) over UDP.
//!
//! One row per flow, written at its end: variables asked for, answered and set, traps, and what the agent tells of
//! itself. Nothing is kept of a message but counts and the first of each text, so that there is nothing to limit but
//! [`MAX_TEXT_LEN`]. Known gaps: SNMP over TCP or TLS (RFC 3430, 6353); values other than the system group's are not
//! logged; encrypted messages are counted.

mod message;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use record::SnmpRecord;

use crate::ber::{self, Ber, tag};
use crate::{Cx, Descriptor, Event, Guess, Probe, Protocol, Start, Transport};
use message::{Body, Header, Pdu, kind};
use sekisho_record::Text;
use sekisho_transaction::Counter;
use sekisho_types::{Dir, Interval};

/// Bytes kept of a text: community, user, description, name.
pub const MAX_TEXT_LEN: usize = 1024;
/// Bytes kept of an engine's id; the standard allows 32.
pub const MAX_ENGINE_ID_LEN: usize = 64;

/// The system group (RFC 3418 §2) and the trap's identifier, as encoded.
const SYS_DESCR: &[u8] = &[0x2b, 6, 1, 2, 1, 1, 1, 0];
const SYS_UP_TIME: &[u8] = &[0x2b, 6, 1, 2, 1, 1, 3, 0];
const SYS_NAME: &[u8] = &[0x2b, 6, 1, 2, 1, 1, 5, 0];
const TRAP_OID: &[u8] = &[0x2b, 6, 1, 6, 3, 1, 1, 4, 1, 0];

/// State of one flow.
pub struct Parser {
    row: Option<Box<SnmpRecord>>,
    /// Messages shown to rules and EVE.
    txs: Counter,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "snmp", tcp_ports: &[], udp_ports: &[161, 162], probe };

    fn start(_: &Start<'_>) -> Self {
        Self { row: None, txs: Counter::default() }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Ok((header, body)) = message::parse(bytes) else {
            // As in Zeek: what cannot be read is no SNMP, whatever came before.
            return cx.reject("snmp_broken_header");
        };
        if dir.is_orig() {
            cx.recognize("snmp");
        } else {
            // Whoever only asks may be asking anything, as Zeek sees it.
            cx.confirm("snmp");
        }
        if let Body::Broken = body {
            return cx.reject("snmp_broken_pdu");
        }
        cx.message(dir, &mut self.txs, &tx::View { header, body: &body }, &[]);
        let row = self.row.get_or_insert_with(|| Box::new(blank(header, cx)));
        row.duration = cx.ts - row.head.ts;
        head(row, header, matches!(body, Body::Encrypted));
        match body {
            Body::Pdu(pdu) => content(row, &pdu, cx),
            Body::Encrypted => row.encrypted += 1,
            Body::Unknown | Body::Broken => {}
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, _cx: &mut Cx<'_>) {}

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut row) = self.row.take() {
            row.tail = cx.tail();
            cx.emit(Event::SnmpRecord(row));
        }
    }

    fn held_len(&self) -> usize {
        self.row.as_ref().map_or(0, |row| row.held_len())
    }
}

/// A whole message of a known version: on the usual ports its beginning is enough, elsewhere all of it must be right.
fn probe(p: &Probe<'_>) -> Guess {
    let bytes = if p.orig.is_empty() { p.resp } else { p.orig };
    if p.transport != Transport::Udp || bytes.first() != Some(&tag::SEQUENCE) {
        return Guess::No;
    }
    let right = match message::parse(bytes) {
        Ok((_, Body::Pdu(_) | Body::Encrypted)) => {
            let mut all = Ber::new(bytes);
            p.port_match || (all.element(&"message").is_ok() && all.is_empty())
        }
        Ok(_) => p.port_match,
        Err(_) => false,
    };
    if right { Guess::Yes } else { Guess::No }
}

fn blank(header: Header<'_>, cx: &Cx<'_>) -> SnmpRecord {
    SnmpRecord {
        head: cx.head(cx.ts),
        duration: Interval::ZERO,
        version: match header {
            Header::V1 { .. } => "1",
            Header::V2c { .. } => "2c",
            Header::V3(_) => "3",
        },
        community: None,
        get_requests: 0,
        get_bulk_requests: 0,
        get_responses: 0,
        set_requests: 0,
        display_string: None,
        up_since: None,
        user: None,
        security_level: None,
        engine_id: None,
        sys_name: None,
        first_oid: None,
        traps: 0,
        trap_oid: None,
        errors: 0,
        reports: 0,
        encrypted: 0,
        tail: cx.tail(),
    }
}

fn text(bytes: &[u8]) -> Text {
    bytes.get(..MAX_TEXT_LEN).unwrap_or(bytes).into()
}

/// What the header tells. As in Zeek the user of an encrypted message is not taken for a community.
fn head(row: &mut SnmpRecord, header: Header<'_>, encrypted: bool) {
    let name = match header {
        Header::V1 { community } | Header::V2c { community } => Some(community),
        Header::V3(v3) => {
            row.security_level = Some(match v3.flags & 3 {
                0 => "noAuthNoPriv",
                1 => "authNoPriv",
                _ => "authPriv",
            });
            if row.engine_id.is_none() && !v3.engine_id.is_empty() {
                let hex = v3.engine_id.iter().take(MAX_ENGINE_ID_LEN).map(|b| format!("{b:02x}"));
                row.engine_id = Some(hex.collect());
            }
            let user = Some(v3.user).filter(|user| !user.is_empty());
            row.user = row.user.take().or_else(|| user.map(text));
            user.filter(|_| !encrypted)
        }
    };
    if row.community.is_none() {
        row.community = name.map(text);
    }
}

/// What the PDU tells.
fn content(row: &mut SnmpRecord, pdu: &Pdu<'_>, cx: &mut Cx<'_>) {
    let count = pdu.bindings.count() as u64;
    match pdu.kind {
        kind::GET | kind::GET_NEXT => row.get_requests += count,
        kind::GET_BULK => row.get_bulk_requests += count,
        kind::SET => row.set_requests += count,
        kind::RESPONSE => {
            row.get_responses += count;
            row.errors += u64::from(pdu.error != 0);
        }
        kind::REPORT => row.reports += 1,
        kind::TRAP | kind::TRAP_V1 | kind::INFORM => row.traps += 1,
        _ => {}
    }
    let first = pdu.enterprise.filter(|_| row.trap_oid.is_none());
    row.trap_oid = first.and_then(ber::oid_text).or(row.trap_oid.take());
    for binding in pdu.bindings.flatten() {
        if let Some(len) = ber::overlong_arc(binding.oid) {
            cx.weird_with("asn_oid_subidentifier_too_long", Some(len.to_string().into()));
        }
        if row.first_oid.is_none() && pdu.kind != kind::REPORT {
            row.first_oid = ber::oid_text(binding.oid);
        }
        match binding.oid {
            TRAP_OID if row.trap_oid.is_none() && binding.tag == tag::OID => {
                row.trap_oid = ber::oid_text(binding.value);
            }
            _ if pdu.kind != kind::RESPONSE => {}
            SYS_DESCR => row.display_string = binding.octets().map(text).or(row.display_string.take()),
            SYS_NAME => row.sys_name = binding.octets().map(text).or(row.sys_name.take()),
            SYS_UP_TIME => {
                // Hundredths of a second.
                let ticks = binding.unsigned().and_then(|t| i64::try_from(t).ok());
                let up = ticks.and_then(|t| t.checked_mul(10)).filter(|ms| *ms <= MAX_UP_TIME_MS);
                row.up_since = up.map(|ms| cx.ts - Interval::from_millis(ms)).or(row.up_since);
            }
            _ => {}
        }
    }
}

/// sysUpTime is of 32 bits; more is no time.
const MAX_UP_TIME_MS: i64 = u32::MAX as i64 * 10;
