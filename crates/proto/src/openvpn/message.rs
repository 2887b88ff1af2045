//! OpenVPN's packets up to where they are encrypted (the project's wire protocol draft, §3 and §5).

use sekisho_wire::{ParseError, ParseResult, Reader};

/// Bytes of the shortest control packet: operation, session, no acknowledgement, number.
const MIN_RESET_LEN: usize = 14;
/// Longest first packet; tls-crypt-v2 sends a wrapped key with it.
const MAX_RESET_LEN: usize = 1500;
/// Bytes of the length before each packet over TCP.
pub const PREFIX_LEN: usize = 2;

/// Operations.
pub mod op {
    pub const RESET_CLIENT_V1: u8 = 1;
    pub const RESET_SERVER_V1: u8 = 2;
    pub const CONTROL: u8 = 4;
    pub const ACK: u8 = 5;
    pub const DATA_V1: u8 = 6;
    pub const RESET_CLIENT_V2: u8 = 7;
    pub const RESET_SERVER_V2: u8 = 8;
    pub const DATA_V2: u8 = 9;
    pub const RESET_CLIENT_V3: u8 = 10;
    pub const CONTROL_WRAPPED_KEY: u8 = 11;
}

/// A packet's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// See [`op`].
    pub op: u8,
    /// The sender's session; data packets have none.
    pub session: Option<[u8; 8]>,
}

impl Packet {
    /// Reads a packet's beginning.
    pub fn parse(bytes: &[u8]) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let op = r.u8(&"openvpn operation")? >> 3;
        match op {
            op::DATA_V1 | op::DATA_V2 => Ok(Self { op, session: None }),
            op::RESET_CLIENT_V1..=op::CONTROL_WRAPPED_KEY => {
                Ok(Self { op, session: Some(r.array(&"openvpn session")?) })
            }
            _ => Err(ParseError::bad(&"openvpn operation")),
        }
    }

    /// Does it begin a session?
    pub const fn is_reset(&self) -> bool {
        matches!(
            self.op,
            op::RESET_CLIENT_V1 | op::RESET_SERVER_V1 | op::RESET_CLIENT_V2 | op::RESET_SERVER_V2 | op::RESET_CLIENT_V3
        )
    }

    /// Is it the one that begins the sessions of today, with key 0?
    pub fn begins(bytes: &[u8]) -> Option<[u8; 8]> {
        const FIRST: [u8; 3] = [op::RESET_CLIENT_V2 << 3, op::RESET_SERVER_V2 << 3, op::RESET_CLIENT_V3 << 3];
        let &[first, ref rest @ ..] = bytes.first_chunk::<9>()?;
        (FIRST.contains(&first) && bytes.len() >= MIN_RESET_LEN && *rest != [0; 8]).then_some(*rest)
    }
}

/// Is `session` found again behind the operation of a control packet or an acknowledgement, with key 0, in what follows
/// its first packet? Resets that repeat themselves prove nothing: QUIC's short headers look like them, with the
/// connection's id in the place of the session's.
pub fn repeats(session: [u8; 8], behind: &[u8]) -> bool {
    const FURTHER: [u8; 2] = [op::CONTROL << 3, op::ACK << 3];
    memchr::memmem::find_iter(behind, &session).any(|at| {
        let op = at.checked_sub(1).and_then(|i| behind.get(i));
        op.is_some_and(|op| FURTHER.contains(op))
    })
}

/// Bytes of the packet that a stream goes on with, if the length can be one's.
pub fn framed_len(bytes: &[u8]) -> Option<usize> {
    let prefix = bytes.first_chunk::<PREFIX_LEN>()?;
    Some(usize::from(u16::from_be_bytes(*prefix)))
}

/// Could a stream that begins with this length begin with a reset?
pub const fn is_reset_len(len: usize) -> bool {
    len >= MIN_RESET_LEN && len <= MAX_RESET_LEN
}

/// How control packets are protected, as far as the client's first packet tells.
pub fn protection(bytes: &[u8]) -> &'static str {
    let client_v3 = bytes.first().is_some_and(|b| b >> 3 == op::RESET_CLIENT_V3);
    // No acknowledgement and packet number 0, in clear.
    let clear_end = bytes.ends_with(&[0; 5]);
    match bytes.len() {
        _ if client_v3 => "tls-crypt-v2",
        MIN_RESET_LEN => "none",
        _ if clear_end => "tls-auth",
        _ => "tls-crypt",
    }
}
