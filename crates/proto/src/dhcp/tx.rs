//! A message as rules and EVE see it.

use crate::Cx;
use sekisho_transaction::{Counter, Fact, Json, Transaction, Value};
use sekisho_types::Dir;

/// Where the options begin, and the fields that they may be continued in (RFC 2131 §2).
const OPTIONS_AT: usize = 240;
const FILE: std::ops::Range<usize> = 108..236;
const SERVER_NAME: std::ops::Range<usize> = 44..108;
/// Options that are read.
const MAX_OPTIONS: usize = 256;

/// Codes of options (RFC 2132).
mod code {
    pub(super) const SUBNET_MASK: u8 = 1;
    pub(super) const ROUTERS: u8 = 3;
    pub(super) const DNS_SERVERS: u8 = 6;
    pub(super) const HOST_NAME: u8 = 12;
    pub(super) const REQUESTED_ADDR: u8 = 50;
    pub(super) const LEASE_TIME: u8 = 51;
    pub(super) const OVERLOAD: u8 = 52;
    pub(super) const KIND: u8 = 53;
    pub(super) const PARAMETERS: u8 = 55;
    pub(super) const RENEWAL_TIME: u8 = 58;
    pub(super) const REBINDING_TIME: u8 = 59;
    pub(super) const VENDOR_CLASS: u8 = 60;
    pub(super) const CLIENT_ID: u8 = 61;
}

struct View<'a> {
    bytes: &'a [u8],
    options: Vec<(u8, &'a [u8])>,
}

/// Shows a datagram to those who watch.
pub(super) fn show(dir: Dir, bytes: &[u8], counter: &mut Counter, cx: &mut Cx<'_>) {
    let mut options = Vec::new();
    let mut events = Vec::new();
    read(bytes.get(OPTIONS_AT..).unwrap_or(&[]), &mut options, &mut events);
    let overload = options.iter().find(|(c, _)| *c == code::OVERLOAD).and_then(|(_, v)| v.first().copied());
    for (bit, field) in [(1, FILE), (2, SERVER_NAME)] {
        if overload.is_some_and(|fields| fields & bit != 0) {
            read(bytes.get(field).unwrap_or(&[]), &mut options, &mut events);
        }
    }
    cx.message(dir, counter, &View { bytes, options }, &events);
}

fn read<'a>(mut bytes: &'a [u8], options: &mut Vec<(u8, &'a [u8])>, events: &mut Vec<&'static str>) {
    while let Some((&code, rest)) = bytes.split_first() {
        match code {
            0 => bytes = rest,
            255 => return,
            _ => {
                let Some((&len, rest)) = rest.split_first() else {
                    events.push("truncated_options");
                    return;
                };
                let Some((value, rest)) = rest.split_at_checked(usize::from(len)) else {
                    events.push("truncated_options");
                    return;
                };
                bytes = rest;
                if options.len() >= MAX_OPTIONS {
                    return;
                }
                options.push((code, value));
            }
        }
    }
}

/// Names of message types, as Suricata has them.
fn kind_name(kind: u8) -> Option<&'static str> {
    const NAMES: [&str; 8] = ["discover", "offer", "request", "decline", "ack", "nak", "release", "inform"];
    NAMES.get(usize::from(kind.checked_sub(1)?)).copied()
}

/// Names of those parameters that are shown.
const fn parameter_name(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "subnet_mask",
        3 => "router",
        6 => "dns_server",
        15 => "domain",
        35 => "arp_timeout",
        42 => "ntp_server",
        66 => "tftp_server_name",
        150 => "tftp_server_ip",
        _ => return None,
    })
}

/// `10.0.0.1`.
fn address(bytes: &[u8]) -> Option<String> {
    let [a, b, c, d] = bytes.first_chunk::<4>()?;
    Some(format!("{a}.{b}.{c}.{d}"))
}

fn number(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk::<4>().map(|b| u64::from(u32::from_be_bytes(*b)))
}

impl View<'_> {
    fn option(&self, code: u8) -> Option<&[u8]> {
        self.options.iter().find(|(c, _)| *c == code).map(|(_, value)| *value)
    }

    fn address_at(&self, out: &mut Json<'_>, name: &str, at: usize) {
        if let Some(text) = self.bytes.get(at..).and_then(address) {
            out.text(name, &text);
        }
    }

    fn extended(&self, out: &mut Json<'_>) {
        for (name, at) in [("client_ip", 12), ("next_server_ip", 20), ("relay_ip", 24)] {
            self.address_at(out, name, at);
        }
        if let Some(id) = self.option(code::CLIENT_ID) {
            // Before a hardware address stands its type.
            out.hex_colons("client_id", id.get(1..).unwrap_or(id));
        }
        for (name, code) in [("hostname", code::HOST_NAME), ("vendor_class_identifier", code::VENDOR_CLASS)] {
            if let Some(value) = self.option(code) {
                out.bytes(name, value);
            }
        }
        for (name, code) in [
            ("lease_time", code::LEASE_TIME),
            ("renewal_time", code::RENEWAL_TIME),
            ("rebinding_time", code::REBINDING_TIME),
        ] {
            if let Some(n) = self.option(code).and_then(number) {
                out.number(name, n);
            }
        }
        for (name, code) in [("requested_ip", code::REQUESTED_ADDR), ("subnet_mask", code::SUBNET_MASK)] {
            if let Some(text) = self.option(code).and_then(address) {
                out.text(name, &text);
            }
        }
        for (name, code) in [("dns_servers", code::DNS_SERVERS), ("routers", code::ROUTERS)] {
            if let Some(list) = self.option(code).filter(|list| list.len() >= 4) {
                out.list(name, |out| {
                    list.chunks_exact(4).filter_map(address).for_each(|text| out.item_bytes(text.as_bytes()));
                });
            }
        }
        if let Some(list) = self.option(code::PARAMETERS) {
            out.list("params", |out| {
                list.iter().filter_map(|c| parameter_name(*c)).for_each(|name| out.item_bytes(name.as_bytes()));
            });
        }
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "dhcp"
    }

    fn eve(&self, out: &mut Json<'_>) {
        let extended = out.options().dhcp_extended;
        let kind = self.option(code::KIND).and_then(|v| v.first().copied());
        out.object("dhcp", |out| {
            out.text("type", if self.bytes.first() == Some(&1) { "request" } else { "reply" });
            if let Some(id) = self.bytes.get(4..).and_then(number) {
                out.number("id", id);
            }
            let len = self.bytes.get(2).map_or(6, |len| usize::from(*len).min(16));
            out.hex_colons("client_mac", self.bytes.get(28..28 + len).unwrap_or(&[]));
            self.address_at(out, "assigned_ip", 16);
            if let Some(name) = kind.and_then(kind_name) {
                out.text("dhcp_type", name);
            }
            if extended {
                self.extended(out);
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let code = match fact {
            Fact::DhcpLeasetime => code::LEASE_TIME,
            Fact::DhcpRebindingTime => code::REBINDING_TIME,
            Fact::DhcpRenewalTime => code::RENEWAL_TIME,
            _ => return None,
        };
        self.option(code).filter(|_| nth == 0).and_then(number).map(Value::from)
    }
}
