use super::message::{Message, kind_name};
use sekisho_record::{Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::{Addr, Interval, Subnet};

/// A DHCPv6 message. Clients speak to a group, servers to a client: each is a flow of its own, joined by `xid`.
#[derive(Clone, Debug, Record)]
#[record(log = "dhcpv6")]
pub struct Dhcpv6Record {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Type of the message.
    pub msg_type: &'static str,
    /// Transaction id.
    pub xid: u32,
    /// The client's identifier (DUID), in hex.
    pub client_duid: Option<String>,
    /// The server's identifier, in hex.
    pub server_duid: Option<String>,
    /// The client's link-layer address, if its identifier has one.
    pub mac: Option<String>,
    /// Full name that the client gives itself.
    pub client_fqdn: Option<Text>,
    /// Addresses asked for or assigned.
    pub addrs: UnsetIfEmpty<Addr>,
    /// Prefixes delegated.
    pub prefixes: UnsetIfEmpty<Subnet>,
    /// How long the first of them holds.
    pub lease_time: Option<Interval>,
    /// The server's verdict, 0 is success: a number …
    pub status: Option<u16>,
    /// … and words.
    pub status_message: Option<Text>,
    /// Name servers that the client is to use.
    pub dns_servers: UnsetIfEmpty<Addr>,
    /// What the client calls its kind.
    pub vendor_class: Option<Text>,
    /// Options that the client asks for, in its order.
    pub parameters: UnsetIfEmpty<u16>,
    /// The relay nearest to the client.
    pub relay_addr: Option<Addr>,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}

impl Dhcpv6Record {
    pub(super) fn new(m: Message, head: Head, tail: Tail) -> Self {
        let (status, status_message) = m.status.map_or((None, None), |(code, text)| (Some(code), Some(text)));
        Self {
            head,
            msg_type: kind_name(m.kind),
            xid: m.xid,
            mac: m.client_duid.as_deref().and_then(link_addr),
            client_duid: m.client_duid.as_deref().map(|d| hex(d, "")),
            server_duid: m.server_duid.as_deref().map(|d| hex(d, "")),
            client_fqdn: m.client_fqdn,
            addrs: UnsetIfEmpty(m.addrs),
            prefixes: UnsetIfEmpty(m.prefixes),
            lease_time: m.valid_lifetime.map(|secs| Interval::from_secs(i64::from(secs))),
            status,
            status_message: status_message.filter(|text| !text.0.is_empty()),
            dns_servers: UnsetIfEmpty(m.dns_servers),
            vendor_class: m.vendor_class,
            parameters: UnsetIfEmpty(m.parameters),
            relay_addr: m.relay,
            tail,
        }
    }
}

/// The Ethernet address in identifiers of types 1 and 3 (RFC 8415 §11.2, §11.4).
fn link_addr(duid: &[u8]) -> Option<String> {
    let addr = match duid {
        [0, 1, 0, 1, _, _, _, _, addr @ ..] | [0, 3, 0, 1, addr @ ..] => addr,
        _ => return None,
    };
    (addr.len() == 6).then(|| hex(addr, ":"))
}

fn hex(bytes: &[u8], between: &str) -> String {
    let mut out = String::with_capacity(bytes.len() * (2 + between.len()));
    for (i, b) in bytes.iter().enumerate() {
        if i > 0 {
            out.push_str(between);
        }
        for digit in [b >> 4, b & 15] {
            out.push(char::from_digit(u32::from(digit), 16).unwrap_or('?'));
        }
    }
    out
}
