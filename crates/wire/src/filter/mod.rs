//! The packet filter language of `--filter`: pcap-filter(7) in its everyday part, evaluated on a
//! [`Decoded`] and so blind to tags and encapsulations before the IP header.
//!
//! ```
//! use sekisho_wire::filter::Filter;
//! assert!(Filter::parse("tcp port 80 or 443 and not net 10.0.0.0/8").is_ok());
//! assert_eq!(Filter::parse("port x").unwrap_err().to_string(), "column 6: x is no port");
//! ```
//!
//! As in libpcap, `and` and `or` bind equally and from left to right, `not` binds tighter, and a value
//! without a keyword takes that of the value before it. Byte offsets (`tcp[13]`) are not offered.

mod lex;
mod names;
mod parse;

use crate::Decoded;
use sekisho_types::{Addr, MacAddr, Subnet, ip_proto};
use std::fmt;

/// Most primitives in one filter.
pub const MAX_TERMS: usize = 1024;
/// Deepest nesting of parentheses and negations.
pub const MAX_DEPTH: usize = 64;

/// A parsed filter expression.
#[derive(Clone, Debug)]
pub struct Filter {
    /// `None` matches everything.
    root: Option<Expr>,
}

/// Why a text is no filter, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// Byte offset in the text.
    pub position: usize,
    /// What is wrong, in words for the user.
    pub message: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.position.saturating_add(1), self.message)
    }
}

impl std::error::Error for FilterError {}

impl Filter {
    /// Parses `text`; an empty text matches everything.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text).map(|root| Self { root })
    }

    /// Does a packet of `wire_len` bytes with these headers match?
    pub fn matches(&self, d: &Decoded, wire_len: u32) -> bool {
        self.root.as_ref().is_none_or(|e| e.eval(d, wire_len))
    }
}

/// How a step of a chain joins what came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Join {
    And,
    Or,
}

#[derive(Clone, Debug)]
enum Expr {
    Test(Test),
    Not(Box<Expr>),
    /// Evaluated from left to right.
    Chain(Box<Expr>, Vec<(Join, Expr)>),
}

/// Which end of a packet a test looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Src,
    Dst,
    Either,
    Both,
}

impl Side {
    fn check<T>(self, src: T, dst: T, holds: impl Fn(T) -> bool) -> bool {
        match self {
            Self::Src => holds(src),
            Self::Dst => holds(dst),
            Self::Either => holds(src) || holds(dst),
            Self::Both => holds(src) && holds(dst),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Net(Side, Subnet),
    Port(Side, u16, u16),
    Mac(Side, MacAddr),
    /// The group bit of the receiver's link address.
    LinkMulticast,
    LinkBroadcast,
    IpMulticast,
    Proto(u8),
    Version(u8),
    Ethertype(u16),
    AnyVlan,
    Vlan(u16),
    AtLeast(u32),
    AtMost(u32),
}

impl Expr {
    /// Recursion is bounded by [`MAX_DEPTH`].
    fn eval(&self, d: &Decoded, wire_len: u32) -> bool {
        match self {
            Self::Test(t) => t.eval(d, wire_len),
            Self::Not(e) => !e.eval(d, wire_len),
            Self::Chain(first, rest) => rest.iter().fold(first.eval(d, wire_len), |so_far, (join, e)| match join {
                Join::And => so_far && e.eval(d, wire_len),
                Join::Or => so_far || e.eval(d, wire_len),
            }),
        }
    }
}

impl Test {
    fn eval(self, d: &Decoded, wire_len: u32) -> bool {
        let is_ip = d.ip_version != 0;
        match self {
            Self::Net(side, net) => is_ip && side.check(d.src, d.dst, |a: Addr| net.contains(a)),
            Self::Port(side, low, high) => {
                let has_ports = matches!(d.proto, ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP) && d.has_transport;
                has_ports && side.check(d.src_port, d.dst_port, |p| (low..=high).contains(&p))
            }
            Self::Mac(side, mac) => side.check(d.src_mac, d.dst_mac, |m| m == Some(mac)),
            Self::LinkMulticast => d.dst_mac.is_some_and(|MacAddr([first, ..])| first & 1 != 0),
            Self::LinkBroadcast => d.dst_mac == Some(MacAddr([0xff; 6])),
            Self::IpMulticast => is_ip && d.dst.is_multicast() && d.dst.as_v4() != Some([255; 4]),
            Self::Proto(proto) => is_ip && d.proto == proto,
            Self::Version(version) => d.ip_version == version,
            Self::Ethertype(kind) => d.ethertype == kind,
            Self::AnyVlan => d.vlan.outer().is_some(),
            Self::Vlan(id) => d.vlan.outer() == Some(id) || d.vlan.inner() == Some(id),
            Self::AtLeast(len) => wire_len >= len,
            Self::AtMost(len) => wire_len <= len,
        }
    }
}

#[cfg(test)]
mod tests;
