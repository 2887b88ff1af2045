//! DHCPv6 messages (RFC 8415 §8, §9, §21) through relays down to the client's own.

use sekisho_record::Text;
use sekisho_types::{Addr, Subnet};
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Relays that a message is followed through (RFC 8415 §7.6: hop limit 8).
const MAX_RELAYS: usize = 8;
/// Options read of one message.
const MAX_OPTIONS: usize = 64;
/// Addresses, prefixes and servers kept of one message.
pub const MAX_ADDRS: usize = 8;
/// Requested options kept.
pub const MAX_PARAMETERS: usize = 64;
/// Longest text kept.
const MAX_TEXT_LEN: usize = 255;
/// Longest identifier kept (RFC 8415 §11.1).
const MAX_DUID_LEN: usize = 130;
const RELAY_FORWARD: u8 = 12;
const RELAY_REPLY: u8 = 13;

/// Option codes.
mod code {
    pub const CLIENT_ID: u16 = 1;
    pub const SERVER_ID: u16 = 2;
    pub const IA_NA: u16 = 3;
    pub const IA_TA: u16 = 4;
    pub const IA_ADDR: u16 = 5;
    pub const PARAMETERS: u16 = 6;
    pub const RELAY_MESSAGE: u16 = 9;
    pub const STATUS: u16 = 13;
    pub const VENDOR_CLASS: u16 = 16;
    pub const DNS_SERVERS: u16 = 23;
    pub const IA_PD: u16 = 25;
    pub const IA_PREFIX: u16 = 26;
    pub const CLIENT_FQDN: u16 = 39;
}

/// A message of a client or a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub kind: u8,
    pub xid: u32,
    pub client_duid: Option<Vec<u8>>,
    pub server_duid: Option<Vec<u8>>,
    pub addrs: Vec<Addr>,
    pub prefixes: Vec<Subnet>,
    /// Seconds, of the first address or prefix.
    pub valid_lifetime: Option<u32>,
    pub status: Option<(u16, Text)>,
    pub dns_servers: Vec<Addr>,
    pub client_fqdn: Option<Text>,
    pub vendor_class: Option<Text>,
    pub parameters: Vec<u16>,
    /// The relay nearest to the client.
    pub relay: Option<Addr>,
}

impl Message {
    /// Reads a datagram.
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let mut message = Self::default();
        for _ in 0..=MAX_RELAYS {
            message.kind = r.u8(&"dhcpv6 type")?;
            if !matches!(message.kind, RELAY_FORWARD | RELAY_REPLY) {
                message.xid = r.u24(&"dhcpv6 xid")?;
                message.options(r, 0)?;
                return Ok(message);
            }
            r.skip(&"dhcpv6 relay", 1 + 16)?;
            message.relay = Some(Addr::v6(r.array(&"dhcpv6 relay")?));
            r = relayed(r)?;
        }
        Err(ParseError::over_limit(&"dhcpv6 relays"))
    }

    fn options(&mut self, mut r: Reader<'_>, depth: u8) -> ParseResult<()> {
        for _ in 0..MAX_OPTIONS {
            if r.is_empty() {
                return Ok(());
            }
            let code = r.u16(&"dhcpv6 option")?;
            let value = r.block16(&"dhcpv6 option")?;
            self.option(code, value, depth)?;
        }
        Err(ParseError::over_limit(&"dhcpv6 options"))
    }

    fn option(&mut self, code: u16, mut r: Reader<'_>, depth: u8) -> ParseResult<()> {
        let duid = |r: Reader<'_>| Some(r.rest().iter().copied().take(MAX_DUID_LEN).collect());
        match code {
            code::CLIENT_ID => self.client_duid = duid(r),
            code::SERVER_ID => self.server_duid = duid(r),
            // Addresses and prefixes are options of these.
            code::IA_NA | code::IA_PD if depth == 0 => {
                r.skip(&"dhcpv6 association", 12)?;
                self.options(r, depth + 1)?;
            }
            code::IA_TA if depth == 0 => {
                r.skip(&"dhcpv6 association", 4)?;
                self.options(r, depth + 1)?;
            }
            code::IA_ADDR => {
                let addr = Addr::v6(r.array(&"dhcpv6 address")?);
                r.skip(&"dhcpv6 lifetime", 4)?;
                self.lifetime(r.u32(&"dhcpv6 lifetime")?);
                if self.addrs.len() < MAX_ADDRS {
                    self.addrs.push(addr);
                }
            }
            code::IA_PREFIX => {
                r.skip(&"dhcpv6 lifetime", 4)?;
                self.lifetime(r.u32(&"dhcpv6 lifetime")?);
                let len = r.u8(&"dhcpv6 prefix")?;
                let prefix = Subnet::new(Addr::v6(r.array(&"dhcpv6 prefix")?), len);
                self.prefixes.extend(prefix.filter(|_| self.prefixes.len() < MAX_ADDRS));
            }
            code::PARAMETERS => {
                self.parameters =
                    std::iter::from_fn(|| r.u16(&"dhcpv6 parameters").ok()).take(MAX_PARAMETERS).collect();
            }
            code::STATUS => self.status = Some((r.u16(&"dhcpv6 status")?, text(r))),
            code::VENDOR_CLASS => {
                r.skip(&"dhcpv6 enterprise", 4)?;
                self.vendor_class = r.block16(&"dhcpv6 vendor class").ok().map(text);
            }
            code::DNS_SERVERS => {
                let addr = || r.array(&"dhcpv6 name server").ok().map(Addr::v6);
                self.dns_servers = std::iter::from_fn(addr).take(MAX_ADDRS).collect();
            }
            code::CLIENT_FQDN => {
                r.skip(&"dhcpv6 fqdn", 1)?;
                self.client_fqdn = Some(name(r));
            }
            _ => {}
        }
        Ok(())
    }

    fn lifetime(&mut self, secs: u32) {
        self.valid_lifetime = self.valid_lifetime.or(Some(secs));
    }
}

/// The message that a relay passes on.
fn relayed(mut r: Reader<'_>) -> ParseResult<Reader<'_>> {
    for _ in 0..MAX_OPTIONS {
        let code = r.u16(&"dhcpv6 relayed message")?;
        let value = r.block16(&"dhcpv6 relayed message")?;
        if code == code::RELAY_MESSAGE {
            return Ok(value);
        }
    }
    Err(ParseError::missing(&"dhcpv6 relayed message"))
}

fn text(r: Reader<'_>) -> Text {
    r.rest().get(..MAX_TEXT_LEN).unwrap_or(r.rest()).into()
}

/// A name in DNS labels, with dots.
fn name(mut r: Reader<'_>) -> Text {
    let mut out = Vec::new();
    while let Ok(label) = r.block8(&"dhcpv6 label") {
        if label.is_empty() || out.len() + label.left() > MAX_TEXT_LEN {
            break;
        }
        if !out.is_empty() {
            out.push(b'.');
        }
        out.extend_from_slice(label.rest());
    }
    Text(out)
}

/// Could `bytes` be a message on any port? All options must add up, and one of the ends must name itself.
pub fn is_message(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(1..=13))
        && Message::parse(bytes).is_ok_and(|m| m.client_duid.is_some() || m.server_duid.is_some())
}

/// A message type's name (RFC 8415 §7.3).
pub fn kind_name(kind: u8) -> &'static str {
    match kind {
        1 => "SOLICIT",
        2 => "ADVERTISE",
        3 => "REQUEST",
        4 => "CONFIRM",
        5 => "RENEW",
        6 => "REBIND",
        7 => "REPLY",
        8 => "RELEASE",
        9 => "DECLINE",
        10 => "RECONFIGURE",
        11 => "INFORMATION-REQUEST",
        _ => "other",
    }
}
