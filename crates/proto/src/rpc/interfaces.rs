//! Names of interfaces and their operations by identifier and number.

use super::names::UNNUMBERED;
use super::operations::NUMBERED;
use sekisho_record::Text;
use std::fmt;

/// Stands in a list for an operation without a name.
const NAMELESS: &str = "-";

/// Before an operation whose name is given in full, without the common beginning.
const IN_FULL: char = '=';

/// An interface's identifier (C706 appendix A), as its text reads: most significant byte first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Uuid(u128);

impl Uuid {
    /// From its 16 bytes on the wire; the first three fields have the sender's byte order.
    pub fn from_wire(bytes: [u8; 16], little_endian: bool) -> Self {
        let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
        let [i, j, k, l, m, n, o, p] = rest;
        Self(if little_endian {
            u128::from_be_bytes([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
        } else {
            u128::from_be_bytes(bytes)
        })
    }

    /// Its bytes as the text reads.
    pub fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// From its text; only for constants.
    const fn parse(text: &str) -> Self {
        let mut rest = text.as_bytes();
        let mut value = 0;
        while let Some((digit, after)) = rest.split_first() {
            rest = after;
            value = match *digit {
                b'0'..=b'9' => value << 4 | (*digit - b'0') as u128,
                b'a'..=b'f' => value << 4 | (*digit - b'a' + 10) as u128,
                _ => value,
            };
        }
        Self(value)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b, c) = (self.0 >> 96, self.0 >> 80 & 0xffff, self.0 >> 64 & 0xffff);
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", self.0 >> 48 & 0xffff, self.0 & 0xffff_ffff_ffff)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is known of an interface.
pub(super) struct Interface {
    uuid: Uuid,
    name: &'static str,
    prefix: &'static str,
    operations: &'static str,
}

impl Interface {
    pub const fn new(uuid: &str, name: &'static str, prefix: &'static str, operations: &'static str) -> Self {
        Self { uuid: Uuid::parse(uuid), name, prefix, operations }
    }

    pub const fn unnumbered(uuid: &str, name: &'static str) -> Self {
        Self::new(uuid, name, "", "")
    }

    fn operation(&self, number: u16) -> Option<String> {
        let name = self.operations.split_ascii_whitespace().nth(usize::from(number)).filter(|n| *n != NAMELESS)?;
        Some(match name.strip_prefix(IN_FULL) {
            Some(full) => full.to_owned(),
            None => [self.prefix, name].concat(),
        })
    }
}

fn find(uuid: Uuid) -> Option<&'static Interface> {
    NUMBERED.iter().chain(UNNUMBERED).find(|i| i.uuid == uuid)
}

/// The interface's name, and that of its operation `number`; what has none is `unknown-` and its identifier or number.
pub(super) fn names(uuid: Uuid, number: u16) -> (Text, Text) {
    let interface = find(uuid);
    let endpoint = interface.map_or_else(|| format!("unknown-{uuid}"), |i| i.name.to_owned());
    let operation = interface.and_then(|i| i.operation(number)).unwrap_or_else(|| format!("unknown-{number}"));
    (endpoint.into(), operation.into())
}

/// Names of interface and operation, where they are known.
pub(super) fn known_names(uuid: Uuid, number: u16) -> (Option<&'static str>, Option<String>) {
    let interface = find(uuid);
    (interface.map(|i| i.name), interface.and_then(|i| i.operation(number)))
}

/// The interface that a pipe usually serves, for bindings that were not seen.
pub(super) fn usual_of_pipe(name: &[u8]) -> Option<Uuid> {
    const USUAL: [(&str, Uuid); 10] = [
        ("atsvc", Uuid::parse("1ff70682-0a51-30e8-076d-740be8cee98b")),
        ("efsrpc", Uuid::parse("df1941c5-fe89-4e79-bf10-463657acf44d")),
        ("eventlog", Uuid::parse("82273fdc-e32a-18c3-3f78-827929dc23ea")),
        ("netdfs", Uuid::parse("4fc742e0-4a10-11cf-8273-00aa004ae673")),
        ("samr", Uuid::parse("12345778-1234-abcd-ef00-0123456789ac")),
        ("spoolss", Uuid::parse("12345678-1234-abcd-ef00-0123456789ab")),
        ("srvsvc", Uuid::parse("4b324fc8-1670-01d3-1278-5a47bf6ee188")),
        ("svcctl", Uuid::parse("367abb81-9844-35f1-ad32-98f038001003")),
        ("winreg", Uuid::parse("338cd001-2244-31f1-aaaa-900038001003")),
        ("wkssvc", Uuid::parse("6bffd098-a112-3610-9833-46c3f87e345a")),
    ];
    let last = name.rsplit(|b| *b == b'\\').next().unwrap_or(name);
    USUAL.iter().find(|(n, _)| last.eq_ignore_ascii_case(n.as_bytes())).map(|(_, uuid)| *uuid)
}

/// Operations that are frequent and tell little: no row, as in Zeek.
pub(super) fn is_ignored(endpoint: &[u8], operation: &[u8]) -> bool {
    const IGNORED: [(&str, &[&str]); 3] = [
        ("spoolss", &["RpcSplOpenPrinter", "RpcClosePrinter"]),
        (
            "winreg",
            &[
                "BaseRegCloseKey",
                "BaseRegDeleteKeyEx",
                "BaseRegEnumKey",
                "BaseRegGetVersion",
                "BaseRegOpenKey",
                "BaseRegQueryValue",
                "OpenClassesRoot",
                "OpenLocalMachine",
            ],
        ),
        ("wkssvc", &["NetrWkstaGetInfo"]),
    ];
    let of = IGNORED.iter().find(|(name, _)| name.as_bytes() == endpoint);
    of.is_some_and(|(_, operations)| operations.iter().any(|o| o.as_bytes() == operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(uuid: &str, number: u16) -> (String, String) {
        let (a, b) = names(Uuid::parse(uuid), number);
        (String::from_utf8(a.0).unwrap(), String::from_utf8(b.0).unwrap())
    }

    #[test]
    fn finds_names_by_number() {
        let samr = "12345778-1234-abcd-ef00-0123456789ac";
        assert_eq!(text(samr, 0x40), ("samr".to_owned(), "SamrConnect5".to_owned()));
        assert_eq!(text("12345778-1234-abcd-ef00-0123456789ab", 0x3d).1, "CredrRead");
        assert_eq!(text("12345778-1234-abcd-ef00-0123456789ab", 0x5e).1, "CredrBackupCredentials");
        assert_eq!(text("e3514235-4b06-11d1-ab04-00c04fc2dcd2", 3).1, "DRSGetNCChanges");
        assert_eq!(text("367abb81-9844-35f1-ad32-98f038001003", 0x36).1, "ScOpenServiceStatusHandle");
        assert_eq!(text("342cfd40-3c6c-11ce-a893-08002b2e9c6d", 0x59).1, "LlsrCloseEx");
        assert_eq!(text("12345678-1234-abcd-ef00-0123456789ab", 0x68).1, "RpcReportJobProcessingProgress");
        assert_eq!(text("338cd001-2244-31f1-aaaa-900038001003", 0x23).1, "BaseRegDeleteKeyEx");
        assert_eq!(text("2f5f3220-c126-1076-b549-074d078619da", 0x12).1, "NDdeSpecialCommand");
        assert_eq!(text("5ca4a760-ebb1-11cf-8611-00a0245420ed", 0x4b).1, "RpcWinStationOpenSessionDirectory");
        assert_eq!(text("8d9f4e40-a03d-11ce-8f69-08003e30051b", 0x4a).1, "PNP_DeleteServiceDevices");
        assert_eq!(text("c386ca3e-9061-4a72-821e-498d83be188f", 0x42).1, "AudioVolumeStepDown");
        assert_eq!(text("76f03f96-cdfd-44fc-a22c-64950a001209", 0x4a).1, "RpcAsyncLogJobInfoForBranchOffice");
        assert_eq!(text("12345678-1234-abcd-ef00-01234567cffb", 0x31).1, "NetrChainSetClientAttributes");
        assert_eq!(text("4b324fc8-1670-01d3-1278-5a47bf6ee188", 0x39).1, "NetrShareDelEx");
        assert_eq!(text("2f5f3220-c126-1076-b549-074d078619da", 0x11).1, "unknown-17");
        assert_eq!(text(samr, 999).1, "unknown-999");
        assert_eq!(text("8fb6d884-2388-11d0-8c35-00c04fda2795", 1), ("W32Time".to_owned(), "unknown-1".to_owned()));
        let strange = "00112233-4455-6677-8899-aabbccddeeff";
        assert_eq!(text(strange, 7), (format!("unknown-{strange}"), "unknown-7".to_owned()));
    }

    #[test]
    fn no_interface_is_there_twice() {
        let all: Vec<_> = NUMBERED.iter().chain(UNNUMBERED).map(|i| i.uuid.to_string()).collect();
        for (i, uuid) in all.iter().enumerate() {
            assert!(!all[..i].contains(uuid), "{uuid}");
        }
    }

    #[test]
    fn parses_both_byte_orders() {
        let wire = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
        assert_eq!(Uuid::from_wire(wire, true).to_string(), "04030201-0605-0807-090a-0b0c0d0e0f10");
        assert_eq!(Uuid::from_wire(wire, false).to_string(), "01020304-0506-0708-090a-0b0c0d0e0f10");
        assert!(usual_of_pipe(b"\\PIPE\\SRVSVC").is_some() && usual_of_pipe(b"x").is_none());
    }
}
