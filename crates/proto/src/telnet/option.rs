//! Telnet commands within the data (RFC 854) and the options they agree on (RFC 855 and the register of IANA).

use sekisho_types::Heap;

/// Interpret as command.
pub(super) const IAC: u8 = 255;
const SB: u8 = 250;
const SE: u8 = 240;
const WILL: u8 = 251;
const DONT: u8 = 254;

/// Longest subnegotiation kept; what is longer is cut.
const MAX_SUB_LEN: usize = 512;

/// Option numbers that are looked into.
pub(super) mod number {
    pub const TERMINAL_TYPE: u8 = 24;
    pub const WINDOW_SIZE: u8 = 31;
    pub const OLD_ENVIRON: u8 = 36;
    pub const AUTHENTICATION: u8 = 37;
    pub const ENCRYPT: u8 = 38;
    pub const ENVIRON: u8 = 39;
}

/// Names of the usual options.
const NAMES: [(u8, &str); 21] = [
    (0, "BINARY"),
    (1, "ECHO"),
    (3, "SUPPRESS-GO-AHEAD"),
    (5, "STATUS"),
    (6, "TIMING-MARK"),
    (18, "LOGOUT"),
    (24, "TERMINAL-TYPE"),
    (25, "END-OF-RECORD"),
    (31, "NAWS"),
    (32, "TERMINAL-SPEED"),
    (33, "TOGGLE-FLOW-CONTROL"),
    (34, "LINEMODE"),
    (35, "X-DISPLAY-LOCATION"),
    (36, "ENVIRON"),
    (37, "AUTHENTICATION"),
    (38, "ENCRYPT"),
    (39, "NEW-ENVIRON"),
    (40, "TN3270E"),
    (42, "CHARSET"),
    (44, "COM-PORT-OPTION"),
    (46, "START_TLS"),
];

/// Where in a command the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Text,
    Iac,
    Verb(u8),
    Sub,
    SubIac,
}

/// Separates one direction's text from its commands.
#[derive(Debug, Default)]
pub(super) struct Separator {
    at: At,
    sub: Vec<u8>,
    /// Options that this side is willing to use, by number.
    will: u64,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Byte<'a> {
    Text(u8),
    /// Part of a command.
    Command,
    /// An option's subnegotiation is over: number and content.
    Sub(u8, &'a [u8]),
}

impl Heap for Separator {
    fn heap_len(&self) -> usize {
        self.sub.heap_len()
    }
}

impl Separator {
    /// How many of `bytes` are text to the last.
    pub fn text_len(&self, bytes: &[u8]) -> usize {
        if self.at != At::Text {
            return 0;
        }
        match bytes {
            // What somebody types.
            [b] => usize::from(*b != IAC),
            _ => memchr::memchr(IAC, bytes).unwrap_or(bytes.len()),
        }
    }

    /// Takes one byte.
    pub fn push(&mut self, b: u8) -> Byte<'_> {
        match (self.at, b) {
            (At::Text, IAC) => self.at = At::Iac,
            (At::Text, _) => return Byte::Text(b),
            (At::Iac, IAC) => {
                self.at = At::Text;
                return Byte::Text(IAC);
            }
            (At::Iac, WILL..=DONT) => self.at = At::Verb(b),
            (At::Iac, SB) => {
                self.at = At::Sub;
                self.sub.clear();
            }
            (At::Iac, _) => self.at = At::Text,
            (At::Verb(verb), option) => {
                self.at = At::Text;
                if verb == WILL && option < 64 {
                    self.will |= 1 << option;
                }
            }
            (At::Sub, IAC) => self.at = At::SubIac,
            (At::SubIac, SE) => {
                self.at = At::Text;
                if let Some((option, content)) = self.sub.split_first() {
                    return Byte::Sub(*option, content);
                }
            }
            (At::Sub | At::SubIac, _) => {
                self.at = At::Sub;
                if self.sub.len() < MAX_SUB_LEN {
                    self.sub.push(b);
                }
            }
        }
        Byte::Command
    }

    /// Bytes were lost.
    pub fn lost(&mut self) {
        self.at = At::Text;
    }

    /// Names of the options that this side is willing to use.
    pub fn options(&self) -> Vec<&'static str> {
        NAMES.iter().filter(|(number, _)| self.will >> number & 1 != 0).map(|(_, name)| *name).collect()
    }
}

/// Does this begin with a negotiation?
pub(super) fn is_negotiation(bytes: &[u8]) -> bool {
    matches!(bytes, [IAC, WILL..=DONT, option, ..] if *option < 64)
}

/// The user in an environment (RFC 1572 §2): `IS VAR USER VALUE …`.
pub(super) fn user(content: &[u8]) -> Option<&[u8]> {
    let variables = content.split_first().filter(|(kind, _)| matches!(kind, 0 | 2))?.1;
    variables.split(|b| matches!(b, 0 | 3)).find_map(|v| v.strip_prefix(b"USER\x01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separates_text_from_commands() {
        let mut s = Separator::default();
        let mut text = Vec::new();
        let mut subs = Vec::new();
        for b in b"\xff\xfb\x01a\xff\xffb\xff\xfa\x18\0xterm\xff\xf0c\xff\xf4d" {
            match s.push(*b) {
                Byte::Text(t) => text.push(t),
                Byte::Command => {}
                Byte::Sub(o, c) => subs.push((o, c.to_vec())),
            }
        }
        assert_eq!((text.as_slice(), subs), (&b"a\xffbcd"[..], vec![(24, b"\0xterm".to_vec())]));
        assert_eq!(s.options(), ["ECHO"]);
        assert_eq!(user(b"\0\0LANG\x01C\0USER\x01bob\x03X\x01y"), Some(&b"bob"[..]));
        assert!(is_negotiation(b"\xff\xfd\x03") && !is_negotiation(b"\xff\xd8\xff\xe0"));
    }

    #[test]
    fn limits_subnegotiations() {
        let mut s = Separator::default();
        for b in [IAC, SB].iter().chain(&[1; 10_000]) {
            s.push(*b);
        }
        assert!(s.heap_len() <= 2 * MAX_SUB_LEN);
    }
}
