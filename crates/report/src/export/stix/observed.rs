//! Observables: addresses, names, flows, files, certificates.

use super::ids::observable;
use super::time;
use crate::page::FlowEnds;
use sekisho_finding::Finding;
use sekisho_types::Addr;
use serde_json::{Value, json};

/// Longest name (RFC 1035 §2.3.4).
const MAX_NAME_LEN: usize = 253;

/// An observable with its identifier: what contributes to the identifier, and what else there is to say.
fn object(kind: &str, contributing: Value, more: Value) -> (String, Value) {
    let id = observable(kind, &contributing);
    let mut whole = json!({ "type": kind, "spec_version": "2.1", "id": id });
    if let Some(members) = whole.as_object_mut() {
        for part in [contributing, more] {
            if let Value::Object(part) = part {
                members.extend(part);
            }
        }
    }
    (id, whole)
}

/// An address.
pub(super) fn address(addr: Addr) -> (String, Value) {
    let kind = if addr.is_v4() { "ipv4-addr" } else { "ipv6-addr" };
    object(kind, json!({ "value": addr.to_string() }), Value::Null)
}

/// A name of the DNS.
pub(super) fn name(name: &str) -> (String, Value) {
    object("domain-name", json!({ "value": name }), Value::Null)
}

/// Judgements whose keys are names where they look like ones, by the beginnings of their ids; other keys are names of files.
const ABOUT_NAMES: &[&str] = &["audit-", "c2-", "dns-", "dnssec-", "intel-", "tls-", "web-"];

/// The name that a finding is about.
pub(super) fn key_name(f: &Finding) -> Option<&str> {
    let key = f.key.trim_end_matches('.');
    let of_name = ABOUT_NAMES.iter().any(|begin| f.about.id.starts_with(begin));
    (of_name && is_name(key)).then_some(key)
}

/// Is it a host's name with a dot (RFC 1123 §2.1): letters, digits and hyphens?
pub(super) fn is_name(text: &str) -> bool {
    let label = |l: &str| {
        (1..64).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or("");
    // An address is no name.
    text.len() <= MAX_NAME_LEN
        && text.contains('.')
        && text.split('.').all(label)
        && !last.bytes().all(|b| b.is_ascii_digit())
}

/// What a finding's quotation says that is an observable: a digest.
pub(super) fn digest(f: &Finding) -> Option<(String, Value)> {
    let quote = f.quotes.iter().find(|q| matches!(q.label, "SHA-256" | "sha256"))?;
    let sha256 = quote.text.to_ascii_lowercase();
    if sha256.len() != 64 || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    // What judges certificates quotes their digests.
    let kind =
        if f.about.id.starts_with("tls-") || f.about.id == "audit-private-trust" { "x509-certificate" } else { "file" };
    Some(object(kind, json!({ "hashes": { "SHA-256": sha256 } }), Value::Null))
}

/// A flow, with the identifiers of its ends.
pub(super) fn traffic(flow: &FlowEnds, orig: &str, resp: &str) -> (String, Value) {
    let words = flow.service.iter().flat_map(|s| s.0.split(|b| *b == b','));
    let words = [&flow.proto.0[..]].into_iter().chain(words);
    let words = words.filter(|w| !w.is_empty() && w.iter().all(u8::is_ascii_graphic));
    let mut protocols = vec![if flow.orig.is_v4() { "ipv4" } else { "ipv6" }.to_owned()];
    protocols.extend(words.map(|w| String::from_utf8_lossy(w).to_ascii_lowercase()));
    let mut contributing = json!({
        "start": time(flow.first, 0),
        "end": time(flow.last.max(flow.first), 0),
        "src_ref": orig,
        "dst_ref": resp,
        "protocols": protocols,
    });
    if let (Some(ports), true) = (contributing.as_object_mut(), flow.has_ports()) {
        ports.insert("src_port".to_owned(), flow.orig_port.into());
        ports.insert("dst_port".to_owned(), flow.resp_port.into());
    }
    let more = json!({
        "is_active": false,
        "src_byte_count": flow.sent_bytes,
        "dst_byte_count": flow.received_bytes,
        "src_packets": flow.sent_packets,
        "dst_packets": flow.received_packets,
    });
    object("network-traffic", contributing, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names() {
        for (text, is) in [
            ("www.example.test", true),
            ("WWW.xn--mnchen-3ya.test", true),
            ("_dmarc.example.test", false),
            ("www", false),
            ("10.0.0.5", false),
            ("a..b", false),
            ("-a.test", false),
            ("a b.test", false),
            ("a'.test", false),
            ("münchen.test", false),
            ("443/tcp", false),
        ] {
            assert_eq!(is_name(text), is, "{text}");
        }
        assert!(!is_name(&format!("{}.test", "a.".repeat(130))));
    }
}
