//! A message as rules and EVE see it.

use super::message::{Body, Header, kind};
use crate::ber;
use sekisho_transaction::{Fact, Json, Transaction, Value};

/// Names of PDUs, as Suricata has them.
const KINDS: [&str; 9] = [
    "get_request",
    "get_next_request",
    "response",
    "set_request",
    "trap_v1",
    "get_bulk_request",
    "inform_request",
    "trap_v2",
    "report",
];

/// Names of the traps of version 1 (RFC 1157 §4.1.6).
const TRAPS: [&str; 7] =
    ["coldStart", "warmStart", "linkDown", "linkUp", "authenticationFailure", "egpNeighborLoss", "enterpriseSpecific"];

pub(super) struct View<'a> {
    pub(super) header: Header<'a>,
    pub(super) body: &'a Body<'a>,
}

impl View<'_> {
    const fn version(&self) -> u64 {
        match self.header {
            Header::V1 { .. } => 1,
            Header::V2c { .. } => 2,
            Header::V3(_) => 3,
        }
    }

    fn community(&self) -> Option<&[u8]> {
        match self.header {
            Header::V1 { community } | Header::V2c { community } => Some(community),
            Header::V3(_) => None,
        }
    }

    fn user(&self) -> Option<&[u8]> {
        match self.header {
            Header::V3(v3) if !v3.user.is_empty() => Some(v3.user),
            _ => None,
        }
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "snmp"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("snmp", |out| {
            out.number("version", self.version());
            if let Some(community) = self.community() {
                out.bytes("community", community);
            }
            if let Some(user) = self.user() {
                out.bytes("usm", user);
            }
            match self.body {
                Body::Encrypted => out.text("pdu_type", "encrypted"),
                Body::Pdu(pdu) => {
                    let name = pdu.kind.checked_sub(kind::GET).and_then(|n| KINDS.get(usize::from(n)));
                    out.text("pdu_type", name.unwrap_or(&"unknown"));
                    if let Some((address, trap)) = pdu.trap {
                        let name = usize::try_from(trap).ok().and_then(|n| TRAPS.get(n));
                        out.text("trap_type", name.unwrap_or(&"unknown"));
                        if let Some(oid) = pdu.enterprise.and_then(ber::oid_text) {
                            out.text("trap_oid", &oid);
                        }
                        if let [a, b, c, d] = address {
                            out.display("trap_address", format_args!("{a}.{b}.{c}.{d}"));
                        }
                    }
                    let mut names = pdu.bindings.flatten().filter_map(|b| ber::oid_text(b.oid)).peekable();
                    if names.peek().is_some() {
                        out.list("vars", |out| names.for_each(|oid| out.item_bytes(oid.as_bytes())));
                    }
                }
                Body::Unknown | Body::Broken => {}
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        if nth > 0 {
            return None;
        }
        match (fact, self.body) {
            (Fact::SnmpVersion, _) => Some(self.version().into()),
            (Fact::SnmpCommunity, _) => self.community().map(Value::from),
            (Fact::SnmpUsm, _) => self.user().map(Value::from),
            (Fact::SnmpPduType, Body::Pdu(pdu)) => Some(u64::from(pdu.kind & 0x1f).into()),
            (Fact::SnmpTrapType, Body::Pdu(pdu)) => u64::try_from(pdu.trap?.1).ok().map(Value::from),
            _ => None,
        }
    }
}
