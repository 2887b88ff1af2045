//! What a flow's slot holds for the application layer.

use crate::control::Control;
use sekisho_proto::{Parser, Probing, ProtoId};

/// Chunks of an unknown stream that are watched for TLS beginning: IMAP, POP3, XMPP, LDAP, MySQL, PostgreSQL, RDP and
/// SOCKS come to it within a dozen.
pub(crate) const MAX_LATE_CHUNKS: u8 = 32;

/// Application state of one flow.
#[derive(Default)]
pub(crate) enum App {
    /// No payload seen yet.
    #[default]
    New,
    /// One protocol is over, and what follows is to be found out.
    Handed(ProtoId),
    /// Payload seen, nobody sure yet.
    Probing(Box<Probing>),
    /// Nobody knows the protocol, but it may still change to TLS: chunks looked at since.
    Late(u8),
    /// A parser is at work.
    Active(Parser),
    /// A flow of a control protocol is summed up: with the bytes that the sum was counted for.
    Control(Box<(Control, u32)>),
    /// Nobody wants the bytes.
    Opaque,
}

impl App {
    /// Bytes that the flow's state was counted for.
    pub fn counted_len(&self) -> i64 {
        match self {
            Self::Active(parser) => parser.counted_len(),
            Self::Probing(probing) => probing.counted_len(),
            Self::Control(sum) => i64::from(sum.1),
            Self::New | Self::Handed(_) | Self::Late(_) | Self::Opaque => 0,
        }
    }

    /// Bytes that the flow's state was counted for; from now on for none.
    pub fn uncount(&mut self) -> i64 {
        match self {
            Self::Active(parser) => parser.counted_len(),
            Self::Probing(probing) => probing.uncount(),
            Self::Control(sum) => i64::from(std::mem::take(&mut sum.1)),
            Self::New | Self::Handed(_) | Self::Late(_) | Self::Opaque => 0,
        }
    }
}
