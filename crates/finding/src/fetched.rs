//! Programs that hosts received. No findings: most of them are wanted. They are told where they belong to an incident.

use crate::{Tale, Tie, tale};
use sekisho_types::{Addr, Timestamp, Uid};

/// A program or script that came to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Packet time.
    pub ts: Timestamp,
    /// Who received it.
    pub host: Addr,
    /// From whom.
    pub from: Addr,
    /// What the sender went by then, in DNS; may be empty.
    pub place: String,
    /// What the file was called; may be empty.
    pub name: String,
    /// Type by content: `application/x-dosexec`.
    pub mime: String,
    /// Protocol: `HTTP`.
    pub over: &'static str,
    /// Bytes seen.
    pub len: u64,
    /// SHA-256 in hexadecimal; empty if bytes are missing.
    pub sha256: String,
    /// Its flow.
    pub uid: Uid,
    /// Packet that brought its end; 0 if none can be named.
    pub packet: u64,
}

impl Fetched {
    /// What it says in a story.
    pub fn tale(&self) -> Tale {
        let place = match self.place.as_str() {
            "" => self.from.to_string(),
            place => format!("{place} ({})", self.from),
        };
        let (place, name, size) = (place.as_bytes(), self.name.as_bytes(), tale::size(self.len));
        let name = if name.is_empty() { b"-" } else { name };
        let system: &[u8] = match self.mime.as_str() {
            "application/x-dosexec" | "application/x-ms-shortcut" => b"Windows",
            "application/java-archive" | "application/x-java-applet" => b"Java",
            "application/x-mach-o-executable" => b"macOS",
            mime if mime.starts_with("application/") => b"Linux",
            _ => return Tale::new(tale::SCRIPT_CAME, &[place, name, size.as_bytes()]),
        };
        Tale::new(tale::PROGRAM_CAME, &[system, place, name, size.as_bytes()])
    }

    /// The same file as in findings.
    pub fn tie(&self) -> Option<Tie> {
        Tie::file(self.sha256.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_say_for_what_they_are_and_whence() {
        let mut f = Fetched {
            ts: Timestamp::default(),
            host: Addr::v4([10, 0, 1, 17]),
            from: Addr::v4([203, 0, 113, 9]),
            place: "files.test".to_owned(),
            name: String::new(),
            mime: "application/x-dosexec".to_owned(),
            over: "HTTP",
            len: 60_000,
            sha256: "ab".repeat(32),
            uid: Uid::default(),
            packet: 0,
        };
        assert_eq!(f.tale(), Tale::new(tale::PROGRAM_CAME, &[b"Windows", b"files.test (203.0.113.9)", b"-", b"60 kB"]));
        assert_eq!(f.tie(), Some(Tie::File([0xab; 32])));
        (f.mime, f.place, f.name, f.sha256) = ("text/x-perl".into(), String::new(), "a.pl".into(), String::new());
        assert_eq!(f.tale(), Tale::new(tale::SCRIPT_CAME, &[b"203.0.113.9", b"a.pl", b"60 kB"]));
        assert_eq!(f.tie(), None);
    }
}
