//! Builds packets, conversations and captures for the tests of the other crates.
//!
//! Not for hostile input: what cannot be built panics. Lengths and checksums come out right unless
//! a test asks for something else.

pub mod camera;
mod conversation;
pub mod der;
pub mod dns;
pub mod flood;
pub mod lan;
pub mod mmdb;
mod packet;
mod pcap;
pub mod quic;
pub mod scenes;
mod stored;
pub mod tls;
pub mod windows;

pub use conversation::{Conversation, Segment};
pub use packet::{
    Endpoint, Frame, checksum, eth, gre, icmp, icmp_echo, icmp6, ip, ip_fragments, ipv4, ipv6, mpls, pppoe, tcp, udp,
    udp_packet, vlan, vxlan,
};
pub use pcap::{Endian, PcapWriter, pcap, pcap_with, pcapng, read_pcap};
pub use stored::stored_captures;

pub use sekisho_types::{Addr, Dir, MacAddr, Timestamp, ip_proto};

/// TCP flag bits.
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer counts.
    pub const URG: u8 = 0x20;
}
