//! Application protocols: one folder each, one row each in the registry's table.
//!
//! Parsers are sans-IO state machines: they are handed in-order stream bytes or datagrams, the packet
//! time and a [`Cx`] through which everything they find leaves: records, anomalies, file content,
//! expectations of other flows. A protocol never imports a sibling (law 4); what continues as another
//! protocol is asked for through the context. Hostile bytes are the normal case: a parser never fails,
//! it reports an anomaly and goes on, or says once that it lost track.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::cast_possible_truncation
    )
)]

mod across;
mod ber;
mod certs;
mod cx;
mod decoding;
mod doh;
mod dots;
#[cfg(test)]
mod frame_tests;
mod frames;
mod gssapi;
mod handshake;
mod header;
mod kerberos;
mod memo;
mod mime;
mod named;
mod nested;
mod ntlm;
mod packing;
mod passwords;
mod pieces;
mod protocol;
mod recognize;
mod registry;
mod rpc;
mod sasl;
mod sdp;
mod secrets;
mod software;
#[cfg(test)]
mod state_len_tests;
mod stream;
#[doc(hidden)]
#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a host for tests, never fed by the product"
)]
pub mod testing;
mod told;
mod tpkt;
mod upgrade;
mod utf16;
mod web;

pub mod amqp;
pub mod bacnet;
pub mod bittorrent;
pub mod dce_rpc;
pub mod dhcp;
pub mod dhcpv6;
pub mod dnp3;
pub mod dns;
pub mod enip;
pub mod finger;
pub mod ftp;
pub mod ftp_data;
pub mod http;
pub mod http2;
pub mod iec104;
pub mod ike;
pub mod imap;
pub mod irc;
pub mod irc_dcc;
pub mod kafka;
pub mod krb;
pub mod l2tp;
pub mod ldap;
pub mod memcached;
pub mod modbus;
pub mod mongodb;
pub mod mqtt;
pub mod mysql;
pub mod ntp;
pub mod oncrpc;
pub mod opcua;
pub mod openvpn;
pub mod pop3;
pub mod postgresql;
pub mod pptp;
pub mod quic;
pub mod radius;
pub mod rdp;
pub mod rdpeudp;
pub mod redis;
pub mod rfb;
pub mod rlogin;
pub mod rtp;
pub mod rtsp;
pub mod s7comm;
pub mod sip;
pub mod smb;
pub mod smtp;
pub mod snmp;
pub mod socks;
pub mod ssdp;
pub mod ssh;
pub mod stun;
pub mod syslog;
pub mod telnet;
pub mod tftp;
pub mod tls;
pub mod websocket;
pub mod wireguard;
pub mod xmpp;

pub use across::Across;
pub use cx::{
    Cx, EXPECTATION_LIFETIME, Expectation, Fact, FileId, FileInfo, Files, HandOver, MAX_REMEMBERED, Outbox,
    REMEMBERED_FOR, Remembered, Sight, Transfer, Weird, day, key_of_day,
};
pub use decoding::{DEFAULT_WINDOWS_LEN, Decoding, MAX_ALLOWANCE_LEN, MAX_DECODER_LEN, REFILL_RATIO, Windows};
pub use handshake::Trust;
pub(crate) use nested::MAX_NESTED_DEPTH;
pub use nested::Nested;
pub use passwords::{MAX_PASSWORD_LEN, MAX_PASSWORDS, Passwords};
pub use protocol::{Descriptor, Guess, Probe, Protocol, Start, Transport};
pub use recognize::{Choice, MAX_PROBE_BYTES, MAX_PROBE_CHUNKS, Probing, ProtoSet, choose, proto_bit};
pub use registry::{Event, PROTOCOLS, Parser, ProtoId, schemas, told_schemas};
pub use secrets::{Added, MAX_SECRET_SESSIONS, Secret, SecretKind, Secrets, SessionSecrets};
pub use sekisho_record::{FileMeta, Range};
pub use stream::{Held, Joined, Line, Lines};
