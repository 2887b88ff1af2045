//! Names of versions, qualities and results, as Zeek writes them; of version 5 in their manner.

use super::message::V5;
use sekisho_record::Text;

pub(super) fn version(number: u8) -> Text {
    match number {
        3 => "3.1".into(),
        4 => "3.1.1".into(),
        V5 => "5.0".into(),
        n => format!("unknown-version-{n}").into(),
    }
}

pub(super) fn quality(level: u8) -> Text {
    match level {
        0 => "at most once".into(),
        1 => "at least once".into(),
        2 => "exactly once".into(),
        n => format!("unknown-qos-level-{n}").into(),
    }
}

/// Result of a CONNECT: §3.2.2.3 of version 3.1.1, §3.2.2.2 of version 5.
pub(super) fn result(code: u8, protocol: u8) -> Text {
    let name = match code {
        0 => "Connection Accepted",
        1 if protocol < V5 => "Refused: unacceptable protocol version",
        2 if protocol < V5 => "Refused: identifier rejected",
        3 if protocol < V5 => "Refused: server unavailable",
        4 if protocol < V5 => "Refused: bad user name or password",
        5 if protocol < V5 => "Refused: not authorized",
        0x80 => "Refused: unspecified error",
        0x81 => "Refused: malformed packet",
        0x82 => "Refused: protocol error",
        0x83 => "Refused: implementation specific error",
        0x84 => "Refused: unacceptable protocol version",
        0x85 => "Refused: identifier rejected",
        0x86 => "Refused: bad user name or password",
        0x87 => "Refused: not authorized",
        0x88 => "Refused: server unavailable",
        0x89 => "Refused: server busy",
        0x8a => "Refused: banned",
        0x8c => "Refused: bad authentication method",
        0x90 => "Refused: topic name invalid",
        0x95 => "Refused: packet too large",
        0x97 => "Refused: quota exceeded",
        0x99 => "Refused: payload format invalid",
        0x9a => "Refused: retain not supported",
        0x9b => "Refused: quality of service not supported",
        0x9c => "Refused: use another server",
        0x9d => "Refused: server moved",
        0x9f => "Refused: connection rate exceeded",
        n => return format!("unknown-return-code-{n}").into(),
    };
    name.into()
}
