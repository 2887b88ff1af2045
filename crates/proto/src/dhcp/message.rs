//! One DHCP message (RFC 2131 §2) and those of its options (RFC 2132) that a row tells of.

use sekisho_record::Text;
use sekisho_types::Addr;
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Marks the options as DHCP's (RFC 2131 §3).
const COOKIE: u32 = 0x6382_5363;
/// `op` of messages from clients; those of servers have 2.
const BOOTREQUEST: u8 = 1;
/// Bytes of a hardware address field.
const CHADDR_LEN: usize = 16;
/// Addresses kept of one option.
pub const MAX_ADDRS: usize = 8;
/// Requested parameters kept; there are fewer than 256 kinds of option.
pub const MAX_PARAMETERS: usize = 64;

/// Option codes (RFC 2132, 3046, 4702).
mod code {
    pub const PAD: u8 = 0;
    pub const ROUTERS: u8 = 3;
    pub const DNS_SERVERS: u8 = 6;
    pub const HOST_NAME: u8 = 12;
    pub const DOMAIN_NAME: u8 = 15;
    pub const REQUESTED_ADDR: u8 = 50;
    pub const LEASE_TIME: u8 = 51;
    pub const MESSAGE_TYPE: u8 = 53;
    pub const SERVER_ID: u8 = 54;
    pub const PARAMETERS: u8 = 55;
    pub const MESSAGE: u8 = 56;
    pub const VENDOR_CLASS: u8 = 60;
    pub const CLIENT_ID: u8 = 61;
    pub const CLIENT_FQDN: u8 = 81;
    pub const RELAY_AGENT: u8 = 82;
    pub const PROXY_CONFIG: u8 = 252;
    pub const END: u8 = 255;
}

/// Sub-option of the relay agent's option: where the client is attached (RFC 3046 §3.1).
const CIRCUIT_ID: u8 = 1;
/// Hardware type of Ethernet.
const ETHERNET: u8 = 1;

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// A client sent it, not a server.
    pub is_request: bool,
    /// Joins the messages of one exchange.
    pub xid: u32,
    /// The address that the server hands out.
    pub your_addr: Option<Addr>,
    /// The relay that passed the message on.
    pub relay_addr: Option<Addr>,
    /// Hardware address, as text.
    pub hardware_addr: String,
    /// What is in the options.
    pub options: Options,
}

/// What the options say; of those that repeat, the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Message type; 0 if there is none (BOOTP).
    pub kind: u8,
    pub host_name: Option<Text>,
    pub domain: Option<Text>,
    pub requested_addr: Option<Addr>,
    /// Seconds.
    pub lease_time: Option<u32>,
    pub server_id: Option<Addr>,
    pub parameters: Vec<u8>,
    pub message: Option<Text>,
    pub vendor_class: Option<Text>,
    /// Hardware address in the client identifier, if that is of the Ethernet kind.
    pub client_mac: Option<String>,
    pub client_fqdn: Option<Text>,
    pub routers: Vec<Addr>,
    pub dns_servers: Vec<Addr>,
    pub circuit_id: Option<Text>,
    pub proxy_config: Option<Text>,
}

impl Message {
    /// Reads a datagram.
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let op = r.u8(&"dhcp op")?;
        if !matches!(op, BOOTREQUEST | 2) {
            return Err(ParseError::bad(&"dhcp op"));
        }
        r.skip(&"dhcp hardware type and hops", 3)?;
        let xid = r.u32(&"dhcp xid")?;
        r.skip(&"dhcp secs and flags", 4)?;
        let [_client, your_addr, _next_server, relay_addr] =
            [addr(&mut r)?, addr(&mut r)?, addr(&mut r)?, addr(&mut r)?];
        let hardware_addr = mac(r.take(&"dhcp chaddr", CHADDR_LEN)?);
        r.skip(&"dhcp sname and file", 64 + 128)?;
        if r.u32(&"dhcp cookie")? != COOKIE {
            return Err(ParseError::bad(&"dhcp cookie"));
        }
        let known = |a: Addr| Some(a).filter(|a| a.as_v4() != Some([0; 4]));
        Ok(Self {
            is_request: op == BOOTREQUEST,
            xid,
            your_addr: known(your_addr),
            relay_addr: known(relay_addr),
            hardware_addr,
            options: Options::parse(&mut r)?,
        })
    }
}

/// Does `bytes` begin as a DHCP message does? Tells it from anything else by the cookie.
pub fn begins(bytes: &[u8]) -> bool {
    const COOKIE_AT: usize = 236;
    matches!(bytes, [BOOTREQUEST | 2, ..]) && bytes.get(COOKIE_AT..COOKIE_AT + 4) == Some(&COOKIE.to_be_bytes())
}

impl Options {
    /// Up to the end mark, or the end of the message.
    fn parse(r: &mut Reader<'_>) -> ParseResult<Self> {
        let mut options = Self::default();
        while !r.is_empty() {
            match r.u8(&"dhcp option")? {
                code::PAD => {}
                code::END => break,
                code => {
                    let value = r.block8(&"dhcp option")?;
                    options.take(code, value)?;
                }
            }
        }
        Ok(options)
    }

    fn take(&mut self, code: u8, mut r: Reader<'_>) -> ParseResult<()> {
        match code {
            code::ROUTERS => self.routers = addrs(r),
            code::DNS_SERVERS => self.dns_servers = addrs(r),
            code::HOST_NAME => self.host_name = Some(r.rest().into()),
            code::DOMAIN_NAME => self.domain = Some(without_zeros(r.rest()).into()),
            code::REQUESTED_ADDR => self.requested_addr = Some(addr(&mut r)?),
            code::LEASE_TIME => self.lease_time = Some(r.u32(&"dhcp lease time")?),
            code::MESSAGE_TYPE => self.kind = r.u8(&"dhcp message type")?,
            code::SERVER_ID => self.server_id = Some(addr(&mut r)?),
            code::PARAMETERS => self.parameters = r.rest().iter().copied().take(MAX_PARAMETERS).collect(),
            code::MESSAGE => self.message = Some(r.rest().into()),
            code::VENDOR_CLASS => self.vendor_class = Some(r.rest().into()),
            code::CLIENT_ID if r.u8(&"dhcp client id")? == ETHERNET && r.left() >= 6 => {
                self.client_mac = Some(mac(r.rest()));
            }
            code::CLIENT_FQDN => {
                r.skip(&"dhcp client fqdn", 3)?;
                self.client_fqdn = Some(r.rest().into());
            }
            code::RELAY_AGENT => self.relay_agent(r),
            code::PROXY_CONFIG => self.proxy_config = Some(without_zeros(r.rest()).trim_ascii_end().into()),
            _ => {}
        }
        Ok(())
    }

    fn relay_agent(&mut self, mut r: Reader<'_>) {
        while let (Ok(code), Ok(value)) = (r.u8(&"dhcp sub-option"), r.block8(&"dhcp sub-option")) {
            if code == CIRCUIT_ID {
                self.circuit_id = Some(value.rest().into());
            }
        }
    }
}

fn addr(r: &mut Reader<'_>) -> ParseResult<Addr> {
    r.array(&"dhcp address").map(Addr::v4)
}

fn addrs(mut r: Reader<'_>) -> Vec<Addr> {
    std::iter::from_fn(|| addr(&mut r).ok()).take(MAX_ADDRS).collect()
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    bytes.get(..len).unwrap_or(bytes)
}

/// As Zeek prints them: six octets, or eight if the last two of those say anything.
fn mac(bytes: &[u8]) -> String {
    let len = if bytes.get(6..8).is_some_and(|rest| rest != [0, 0]) { 8 } else { 6 };
    let mut text = String::with_capacity(len * 3);
    for (i, b) in bytes.iter().take(len).enumerate() {
        if i > 0 {
            text.push(':');
        }
        for digit in [b >> 4, b & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('?'));
        }
    }
    text
}

/// A message type's name (RFC 2132 §9.6, 3203, 4388, 6926, 7724), as Zeek's.
pub fn kind_name(kind: u8) -> Option<&'static str> {
    const NAMES: [&str; 18] = [
        "DISCOVER",
        "OFFER",
        "REQUEST",
        "DECLINE",
        "ACK",
        "NAK",
        "RELEASE",
        "INFORM",
        "FORCERENEW",
        "LEASEQUERY",
        "LEASEUNASSIGNED",
        "LEASEUNKNOWN",
        "LEASEACTIVE",
        "BULKLEASEQUERY",
        "LEASEQUERYDONE",
        "ACTIVELEASEQUERY",
        "LEASEQUERYSTATUS",
        "TLS",
    ];
    NAMES.get(usize::from(kind.checked_sub(1)?)).copied()
}
