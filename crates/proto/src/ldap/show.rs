//! Messages of LDAP as EVE shows them.

use super::message::{self, Auth, op};
use super::tx::parts;
use crate::ber::{Ber, tag};
use sekisho_transaction::Json;
use sekisho_wire::ParseResult;

/// Items of one list that are looked at.
const MAX_ITEMS: usize = 1024;

/// Suricata's name of an operation.
pub(super) const fn operation(code: u8) -> &'static str {
    match code {
        op::BIND => "bind_request",
        op::BIND_RESPONSE => "bind_response",
        op::UNBIND => "unbind_request",
        op::SEARCH => "search_request",
        op::SEARCH_ENTRY => "search_result_entry",
        op::SEARCH_DONE => "search_result_done",
        op::MODIFY => "modify_request",
        op::MODIFY_RESPONSE => "modify_response",
        op::ADD => "add_request",
        op::ADD_RESPONSE => "add_response",
        op::DELETE => "del_request",
        op::DELETE_RESPONSE => "del_response",
        op::RENAME => "mod_dn_request",
        op::RENAME_RESPONSE => "mod_dn_response",
        op::COMPARE => "compare_request",
        op::COMPARE_RESPONSE => "compare_response",
        op::ABANDON => "abandon_request",
        op::SEARCH_REFERENCE => "search_result_reference",
        op::EXTENDED => "extended_request",
        op::EXTENDED_RESPONSE => "extended_response",
        op::INTERMEDIATE => "intermediate_response",
        _ => "unknown",
    }
}

/// Suricata's name of a result.
const fn result(code: i64) -> Option<&'static str> {
    Some(match code {
        0 => "success",
        1 => "operations_error",
        2 => "protocol_error",
        3 => "time_limit_exceeded",
        4 => "size_limit_exceeded",
        5 => "compare_false",
        6 => "compare_true",
        7 => "auth_method_not_supported",
        8 => "stronger_auth_required",
        10 => "referral",
        11 => "admin_limit_exceeded",
        12 => "unavailable_critical_extension",
        13 => "confidentiality_required",
        14 => "sasl_bind_in_progress",
        16 => "no_such_attribute",
        17 => "undefined_attribute_type",
        18 => "inappropriate_matching",
        19 => "constraint_violation",
        20 => "attribute_or_value_exists",
        21 => "invalid_attribute_syntax",
        32 => "no_such_object",
        33 => "alias_problem",
        34 => "invalid_dns_syntax",
        35 => "is_leaf",
        36 => "alias_dereferencing_problem",
        48 => "inappropriate_authentication",
        49 => "invalid_credentials",
        50 => "insufficient_access_rights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwilling_to_perform",
        54 => "loop_detect",
        60 => "sort_control_missing",
        61 => "offset_range_error",
        64 => "naming_violation",
        65 => "object_class_violation",
        66 => "not_allowed_on_non_leaf",
        67 => "not_allowed_on_rdn",
        68 => "entry_already_exists",
        69 => "object_class_mods_prohibited",
        70 => "results_too_large",
        71 => "affects_multiple_dsas",
        76 => "control_error",
        80 => "other",
        81 => "server_down",
        82 => "local_error",
        83 => "encoding_error",
        84 => "decoding_error",
        85 => "timeout",
        86 => "auth_unknown",
        87 => "filter_error",
        88 => "user_canceled",
        89 => "param_error",
        90 => "no_memory",
        91 => "connect_error",
        92 => "not_supported",
        93 => "control_not_found",
        94 => "no_results_returned",
        95 => "more_results_to_return",
        96 => "client_loop",
        97 => "referral_limit_exceeded",
        100 => "invalid_response",
        101 => "ambiguous_response",
        112 => "tls_not_supported",
        113 => "intermediate_response",
        114 => "unknown_type",
        118 => "canceled",
        119 => "no_such_operation",
        120 => "too_late",
        121 => "cannot_cancel",
        122 => "assertion_failed",
        123 => "authorization_denied",
        4096 => "e_sync_refresh_required",
        16654 => "no_operation",
        _ => return None,
    })
}

/// Writes a message; what of it makes no sense is left out.
pub(super) fn message(bytes: &[u8], with_id: bool, out: &mut Json<'_>) {
    let Some((head, body)) = parts(bytes) else { return };
    if with_id {
        out.signed("message_id", head.id);
    }
    let name = operation(head.op);
    out.text("operation", name);
    match head.op {
        op::UNBIND | op::ABANDON | op::SEARCH_REFERENCE => {}
        op::DELETE => out.object(name, |out| out.bytes("dn", body)),
        _ => out.object(name, |out| {
            let mut r = Ber::new(body);
            let _ = match head.op {
                op::BIND => bind(body, out),
                op::SEARCH => search(&mut r, out),
                op::SEARCH_ENTRY => entry(&mut r, ("base_object", "type"), out),
                op::ADD => entry(&mut r, ("entry", "name"), out),
                op::MODIFY => modify(&mut r, out),
                op::RENAME => rename(&mut r, out),
                op::COMPARE => compare(&mut r, out),
                op::EXTENDED | op::INTERMEDIATE => extended(&mut r, (0, 1), out),
                _ => outcome(head.op, &mut r, out),
            };
        }),
    }
}

fn bind(body: &[u8], out: &mut Json<'_>) -> ParseResult<()> {
    let bind = message::bind(body)?;
    out.signed("version", bind.version);
    out.bytes("name", bind.name);
    if let Auth::Sasl { mechanism, credentials } = bind.auth {
        out.object("sasl", |out| {
            out.bytes("mechanism", mechanism);
            if let Some(credentials) = credentials {
                out.hex("credentials", credentials);
            }
        });
    }
    Ok(())
}

fn search(r: &mut Ber<'_>, out: &mut Json<'_>) -> ParseResult<()> {
    out.bytes("base_object", r.expect(&"base object", tag::OCTET_STRING)?);
    out.signed("scope", r.number(&"scope", tag::ENUMERATED)?);
    out.signed("deref_alias", r.number(&"aliases", tag::ENUMERATED)?);
    out.signed("size_limit", r.integer(&"size limit")?);
    out.signed("time_limit", r.integer(&"time limit")?);
    out.flag("types_only", r.expect(&"types only", tag::BOOLEAN)?.iter().any(|b| *b != 0));
    r.element(&"filter")?;
    let mut list = r.enter(&"attributes", tag::SEQUENCE)?;
    strings("attributes", &mut list, out);
    Ok(())
}

/// A list of strings, unless it is empty.
fn strings(name: &str, list: &mut Ber<'_>, out: &mut Json<'_>) {
    if list.is_empty() {
        return;
    }
    out.list(name, |out| {
        for _ in 0..MAX_ITEMS {
            let Ok(item) = list.element(&"item") else { break };
            out.item_bytes(item.content);
        }
    });
}

/// An entry with attributes, by these names.
fn entry(r: &mut Ber<'_>, (entry, kind): (&str, &str), out: &mut Json<'_>) -> ParseResult<()> {
    out.bytes(entry, r.expect(&"entry", tag::OCTET_STRING)?);
    let mut list = r.enter(&"attributes", tag::SEQUENCE)?;
    if list.is_empty() {
        return Ok(());
    }
    out.list("attributes", |out| {
        for _ in 0..MAX_ITEMS {
            let Ok(mut attribute) = list.enter(&"attribute", tag::SEQUENCE) else { break };
            out.item(|out| {
                let Ok(name) = attribute.expect(&"attribute", tag::OCTET_STRING) else { return };
                out.bytes(kind, name);
                if let Ok(mut values) = attribute.enter(&"values", tag::SET) {
                    strings("values", &mut values, out);
                }
            });
        }
    });
    Ok(())
}

fn modify(r: &mut Ber<'_>, out: &mut Json<'_>) -> ParseResult<()> {
    out.bytes("object", r.expect(&"entry", tag::OCTET_STRING)?);
    let mut list = r.enter(&"changes", tag::SEQUENCE)?;
    if list.is_empty() {
        return Ok(());
    }
    out.list("changes", |out| {
        for _ in 0..MAX_ITEMS {
            let Ok(mut change) = list.enter(&"change", tag::SEQUENCE) else { break };
            out.item(|out| {
                let Ok(kind) = change.number(&"operation", tag::ENUMERATED) else { return };
                match kind {
                    0 => out.text("operation", "add"),
                    1 => out.text("operation", "delete"),
                    2 => out.text("operation", "replace"),
                    3 => out.text("operation", "increment"),
                    n => out.display("operation", n),
                }
                let Ok(mut attribute) = change.enter(&"modification", tag::SEQUENCE) else { return };
                out.object("modification", |out| {
                    let Ok(name) = attribute.expect(&"attribute", tag::OCTET_STRING) else { return };
                    out.bytes("attribute_type", name);
                    if let Ok(mut values) = attribute.enter(&"values", tag::SET) {
                        strings("attribute_values", &mut values, out);
                    }
                });
            });
        }
    });
    Ok(())
}

fn rename(r: &mut Ber<'_>, out: &mut Json<'_>) -> ParseResult<()> {
    out.bytes("entry", r.expect(&"entry", tag::OCTET_STRING)?);
    out.bytes("new_rdn", r.expect(&"new name", tag::OCTET_STRING)?);
    out.flag("delete_old_rdn", r.expect(&"delete", tag::BOOLEAN)?.iter().any(|b| *b != 0));
    if r.peek() == Some(tag::primitive(0)) {
        out.bytes("new_superior", r.element(&"superior")?.content);
    }
    Ok(())
}

fn compare(r: &mut Ber<'_>, out: &mut Json<'_>) -> ParseResult<()> {
    out.bytes("entry", r.expect(&"entry", tag::OCTET_STRING)?);
    let mut assertion = r.enter(&"assertion", tag::SEQUENCE)?;
    let description = assertion.expect(&"attribute", tag::OCTET_STRING)?;
    let value = assertion.expect(&"value", tag::OCTET_STRING)?;
    out.object("attribute_value_assertion", |out| {
        out.bytes("description", description);
        out.bytes("value", value);
    });
    Ok(())
}

/// Name and value, by these context tags.
fn extended(r: &mut Ber<'_>, (name, value): (u8, u8), out: &mut Json<'_>) -> ParseResult<()> {
    while !r.is_empty() {
        let part = r.element(&"part")?;
        if part.tag == tag::primitive(name) {
            out.bytes("name", part.content);
        } else if part.tag == tag::primitive(value) {
            out.bytes("value", part.content);
        }
    }
    Ok(())
}

/// A result, and what stands behind it (§4.1.9).
fn outcome(operation: u8, r: &mut Ber<'_>, out: &mut Json<'_>) -> ParseResult<()> {
    let code = r.number(&"result", tag::ENUMERATED)?;
    match result(code) {
        Some(name) => out.text("result_code", name),
        None => out.display("result_code", code),
    }
    out.bytes("matched_dn", r.expect(&"matched name", tag::OCTET_STRING)?);
    out.bytes("message", r.expect(&"diagnostic message", tag::OCTET_STRING)?);
    match operation {
        op::EXTENDED_RESPONSE => extended(r, (10, 11), out)?,
        op::BIND_RESPONSE => {
            while !r.is_empty() {
                let part = r.element(&"part")?;
                if part.tag == tag::primitive(7) {
                    out.hex("server_sasl_creds", part.content);
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Hands the names of attributes in a message to `f`.
pub(super) fn attributes(bytes: &[u8], mut f: impl FnMut(&[u8])) {
    let Some((head, body)) = parts(bytes) else { return };
    let _ = names(head.op, Ber::new(body), &mut f);
}

fn names(operation: u8, mut r: Ber<'_>, f: &mut dyn FnMut(&[u8])) -> ParseResult<()> {
    r.expect(&"entry", tag::OCTET_STRING)?;
    match operation {
        op::SEARCH => {
            for _ in 0..6 {
                r.element(&"part")?;
            }
            let mut list = r.enter(&"attributes", tag::SEQUENCE)?;
            for _ in 0..MAX_ITEMS {
                f(list.element(&"attribute")?.content);
            }
        }
        op::ADD | op::SEARCH_ENTRY => {
            let mut list = r.enter(&"attributes", tag::SEQUENCE)?;
            for _ in 0..MAX_ITEMS {
                f(list.enter(&"attribute", tag::SEQUENCE)?.expect(&"attribute", tag::OCTET_STRING)?);
            }
        }
        op::MODIFY => {
            let mut list = r.enter(&"changes", tag::SEQUENCE)?;
            for _ in 0..MAX_ITEMS {
                let mut change = list.enter(&"change", tag::SEQUENCE)?;
                change.number(&"operation", tag::ENUMERATED)?;
                let mut attribute = change.enter(&"modification", tag::SEQUENCE)?;
                f(attribute.expect(&"attribute", tag::OCTET_STRING)?);
            }
        }
        op::COMPARE => f(r.enter(&"assertion", tag::SEQUENCE)?.expect(&"attribute", tag::OCTET_STRING)?),
        _ => {}
    }
    Ok(())
}
