//! Commands that await their replies, as those who watch reckon: every command has one, and whose exchange it is about.

use super::command::{Command, bdat};
use sekisho_types::{Heap, block_len};
use std::collections::VecDeque;

/// Commands that are remembered; of more none is.
const MAX_AWAITED: usize = 1000;

/// Codes of replies that servers use.
const CODES: &[u16] = &[
    211, 214, 220, 221, 235, 250, 251, 252, 334, 354, 401, 402, 421, 435, 450, 451, 452, 454, 455, 500, 501, 502, 503,
    504, 511, 521, 522, 525, 530, 534, 535, 541, 543, 550, 551, 552, 553, 554, 555,
];

/// What a reply is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Data,
    /// The line that ends a mail.
    EndOfData,
    /// HELO or EHLO.
    Greeting,
    /// The BDAT that ends a mail.
    LastChunk,
    Other,
    Quit,
    Rset,
    StartTls,
}

impl Asked {
    /// By a command and its argument.
    pub(super) fn of(command: Command, argument: &[u8]) -> Self {
        match command {
            Command::Data => Self::Data,
            Command::Ehlo | Command::Helo => Self::Greeting,
            Command::Bdat if matches!(bdat(argument), Ok((_, true))) => Self::LastChunk,
            Command::Quit => Self::Quit,
            Command::Rset => Self::Rset,
            Command::StartTls => Self::StartTls,
            _ => Self::Other,
        }
    }
}

/// Commands without reply, oldest first, with the numbers of their exchanges.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    commands: VecDeque<(Asked, Option<u64>)>,
}

impl Awaited {
    /// Adds a command. False if nothing may be sent before the last one is answered (RFC 2920 §3.1).
    pub(super) fn push(&mut self, asked: Asked, exchange: Option<u64>) -> bool {
        if self.commands.len() >= MAX_AWAITED {
            self.commands.clear();
        }
        let early = matches!(self.commands.back(), Some((Asked::Data | Asked::StartTls, _)));
        self.commands.push_back((asked, exchange));
        !early
    }

    /// The command that the next reply is about.
    pub(super) fn pop(&mut self) -> Option<(Asked, Option<u64>)> {
        self.commands.pop_front()
    }

    /// Which replies come is unknown now.
    pub(super) fn clear(&mut self) {
        self.commands = VecDeque::new();
    }
}

impl Heap for Awaited {
    fn heap_len(&self) -> usize {
        block_len(self.commands.capacity().saturating_mul(size_of::<(Asked, Option<u64>)>()))
    }
}

/// Is it a code that servers use?
pub(super) fn is_usual(code: u16) -> bool {
    CODES.binary_search(&code).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_behind_data_come_early() {
        let mut awaited = Awaited::default();
        assert!(awaited.push(Asked::Rset, Some(0)) && awaited.push(Asked::Data, Some(1)));
        assert!(!awaited.push(Asked::EndOfData, Some(1)));
        assert_eq!(awaited.pop(), Some((Asked::Rset, Some(0))));
        awaited.clear();
        assert_eq!(awaited.pop(), None);
    }

    #[test]
    fn limits_commands() {
        let mut awaited = Awaited::default();
        for _ in 0..10 * MAX_AWAITED {
            awaited.push(Asked::Other, None);
        }
        assert!(awaited.commands.len() <= MAX_AWAITED && awaited.heap_len() > 0);
    }

    #[test]
    fn knows_codes_and_chunks() {
        assert!(is_usual(250) && is_usual(521) && !is_usual(400) && !is_usual(472));
        assert!(CODES.is_sorted());
        assert_eq!(Asked::of(Command::Bdat, b"5 LAST"), Asked::LastChunk);
        assert_eq!(Asked::of(Command::Bdat, b"5 X"), Asked::Other);
    }
}
