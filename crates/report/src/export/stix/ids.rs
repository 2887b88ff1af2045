//! Identifiers of STIX objects: UUIDs of version 5 (RFC 9562 §5.5), so that the same facts have the same names.

use serde_json::Value;
use sha1::{Digest, Sha1};

/// The namespace of observables (STIX 2.1 §2.9): whoever tells the same fact gives it the same identifier.
const OBSERVABLES: u128 = 0x00abedb4_aa42_466c_9c01_fed23315a9b7;
/// Our own for everything else, for which the standard forbids the above.
const OWN: u128 = 0x129d6ea3_9329_490d_8c96_4f3002b19a19;

/// The identifier of an observable, from the properties that §6 says contribute to it: as canonical JSON (RFC 8785), which
/// is what `serde_json` writes of sorted members, plain names and whole numbers.
pub(super) fn observable(kind: &str, contributing: &Value) -> String {
    format!("{kind}--{}", uuid(OBSERVABLES, contributing.to_string().as_bytes()))
}

/// The identifier of another object, from what makes it what it is.
pub(super) fn own(kind: &str, parts: &[&str]) -> String {
    // Lengths keep parts apart, whatever is in them.
    let mut name = kind.to_owned();
    parts.iter().for_each(|p| name.push_str(&format!("|{}|{p}", p.len())));
    format!("{kind}--{}", uuid(OWN, name.as_bytes()))
}

fn uuid(namespace: u128, name: &[u8]) -> String {
    let digest = Sha1::new().chain_update(namespace.to_be_bytes()).chain_update(name).finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    let version = 5 << 76;
    let variant = 0b10 << 62;
    let id = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0b11 << 62) | version | variant;
    let part = |shift: u32, digits: usize| format!("{:0digits$x}", (id >> shift) & ((1 << (4 * digits)) - 1));
    [part(96, 8), part(80, 4), part(64, 4), part(48, 4), part(0, 12)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn identifiers_are_those_that_others_give() {
        // RFC 9562 appendix A.4.
        assert_eq!(
            uuid(0x6ba7b810_9dad_11d1_80b4_00c04fd430c8, b"www.example.com"),
            "2ed6657d-e927-568b-95e1-2665a8aea6a2"
        );
        // As the OASIS committee's own library (PyPI's stix2 3.0.2) makes it; `cargo xtask exports` compares all.
        assert_eq!(
            observable("ipv4-addr", &json!({ "value": "198.51.100.3" })),
            "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"
        );
    }

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(own("note", &["a", "bc"]), own("note", &["ab", "c"]));
        assert_ne!(own("note", &["a|1|b"]), own("note", &["a", "b"]));
        assert_eq!(own("note", &["a"]), own("note", &["a"]));
    }
}
