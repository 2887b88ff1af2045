//! What the states of parsers take: a table for whoever looks for savings, and bounds that hold them there.

use crate::{PROTOCOLS, Parser, ProtoId};

/// Bytes of an idle state after a whole exchange, at most.
const IDLE_MAX: &[(ProtoId, usize)] = &[
    (ProtoId::Dns, 128),
    (ProtoId::Ftp, 1024),
    (ProtoId::FtpData, 192),
    (ProtoId::Http, 1024),
    (ProtoId::Smtp, 1024),
    (ProtoId::Ssh, 1024),
    (ProtoId::Tls, 1536),
];

#[test]
fn empty_states_are_small() {
    for (id, _) in PROTOCOLS {
        println!("{id:?}: {} bytes empty", Parser::empty_len(*id));
    }
    for (id, max) in IDLE_MAX {
        assert!(Parser::empty_len(*id) <= *max, "{id:?}: {}", Parser::empty_len(*id));
    }
    assert_eq!(IDLE_MAX.len(), PROTOCOLS.len(), "a protocol without a bound");
}
