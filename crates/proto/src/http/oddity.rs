//! What is odd about a message, by the names that rules for events have for it (Suricata's, which follow its HTTP library).

use super::message::{self, Version};
use super::tx::Message;
use super::uri;
use crate::mime::field::token;
use sekisho_types::Dir;

/// Content codings of one message from which on they are remarked.
const MANY_CODINGS: usize = 3;

/// Longest line of a header that counts as usual.
const MAX_FIELD_LEN: usize = 18_000;

/// Longest label of a host's name (RFC 1035 §2.3.4).
const MAX_LABEL_LEN: usize = 63;

/// Longest name of a host.
const MAX_HOST_LEN: usize = 255;

/// Ways of authorisation that are known by name.
const AUTHORISATIONS: &[&[u8]] = &[b"basic", b"bearer", b"digest"];

/// Content codings that are known by name.
const CODINGS: &[&[u8]] = &[
    b"br",
    b"deflate",
    b"gzip",
    b"identity",
    b"inflate",
    b"lzma",
    b"none",
    b"x-deflate",
    b"x-gzip",
    b"x-lzma",
    b"zstd",
];

/// What a field line of `side` shows beside the fields before it.
pub(super) fn field(
    side: Dir,
    message: &Message,
    line: &[u8],
    field: Option<(&[u8], &[u8])>,
    note: &mut dyn FnMut(&'static str),
) {
    let of = |request, response| if side.is_orig() { request } else { response };
    if line.len() > MAX_FIELD_LEN {
        note(of("request_field_too_long", "response_field_too_long"));
    }
    let Some((name, value)) = field else {
        let folded = message.fields.is_empty() && line.first().is_some_and(u8::is_ascii_whitespace);
        note(match folded {
            true => of("invalid_request_field_folding", "invalid_response_field_folding"),
            false => of("request_field_missing_colon", "response_field_missing_colon"),
        });
        return;
    };
    let mut before = message.values(name).peekable();
    if before.peek().is_none() {
        return;
    }
    if !name.eq_ignore_ascii_case(b"content-length") {
        note(of("request_header_repetition", "response_header_repetition"));
    } else if before.any(|old| old.trim_ascii() != value.trim_ascii()) {
        note(of("duplicate_content_length_field_in_request", "duplicate_content_length_field_in_response"));
    }
}

/// What a whole header shows. `port`: the server's.
pub(super) fn header(side: Dir, message: &Message, port: u16, note: &mut dyn FnMut(&'static str)) {
    codings(message, note);
    lengths(side, message, note);
    if side.is_orig() { request(message, port, note) } else { response(message, note) }
}

fn codings(message: &Message, note: &mut dyn FnMut(&'static str)) {
    let all = || message.values(b"content-encoding").flat_map(|v| v.split(|b| *b == b','));
    if all().count() >= MANY_CODINGS {
        note("too_many_encoding_layers");
    }
    let is_known = |coding: &[u8]| CODINGS.iter().any(|known| coding.eq_ignore_ascii_case(known));
    if all().map(<[u8]>::trim_ascii).any(|coding| !coding.is_empty() && !is_known(coding)) {
        note("abnormal_ce_header");
    }
}

fn lengths(side: Dir, message: &Message, note: &mut dyn FnMut(&'static str)) {
    let bad = |value: &[u8]| value.trim_ascii().is_empty() || !value.trim_ascii().iter().all(u8::is_ascii_digit);
    if message.values(b"content-length").any(bad) {
        note(match side {
            Dir::Orig => "invalid_content_length_field_in_request",
            Dir::Resp => "invalid_content_length_field_in_response",
        });
    }
}

fn request(message: &Message, port: u16, note: &mut dyn FnMut(&'static str)) {
    let line = message::request_line(&message.line).ok();
    let target = line.map_or(&[][..], |l| l.uri);
    if uri::is_doubly_encoded(target) {
        note("double_encoded_uri");
    }
    request_line(&message.line, line.map(|l| l.version), note);
    let hosts: Vec<&[u8]> = message.values(b"host").collect();
    if line.is_some_and(|l| l.version.has_chunks()) && hosts.is_empty() {
        note("missing_host_header");
    }
    let authority = uri::authority(target);
    let of_target = authority.map(uri::host);
    let ambiguous = hosts.len() > 1 || of_target.zip(hosts.first()).is_some_and(|(t, h)| t.0 != uri::host(h).0);
    if ambiguous {
        note("host_header_ambiguous");
    }
    if authority.is_some_and(|authority| !is_host(authority)) {
        note("request_uri_host_invalid");
    }
    if let Some(host) = hosts.first() {
        if !is_host(host) {
            note("request_header_host_invalid");
        }
        if uri::host(host).1.is_some_and(|told| told != port) {
            note("request_server_port_tcp_port_mismatch");
        }
    }
    if message.values(b"transfer-encoding").any(|v| !v.trim_ascii().eq_ignore_ascii_case(b"chunked")) {
        note("invalid_transfer_encoding_value_in_request");
    }
    let is_known = |value: &[u8]| AUTHORISATIONS.iter().any(|known| token(value).eq_ignore_ascii_case(known));
    if message.values(b"authorization").any(|value| !is_known(value)) {
        note("request_auth_unrecognized");
    }
}

/// How the parts of a request's first line are parted: a blank each (RFC 9112 §3).
fn request_line(line: &[u8], version: Option<Version>, note: &mut dyn FnMut(&'static str)) {
    let mut separators = line.iter().filter(|b| b.is_ascii_whitespace());
    if separators.next().is_some_and(|b| *b != b' ') {
        note("method_delim_non_compliant");
    }
    if separators.any(|b| *b != b' ') {
        note("uri_delim_non_compliant");
    }
    if version == Some(Version::V09) {
        note("request_line_missing_protocol");
    }
}

fn response(message: &Message, note: &mut dyn FnMut(&'static str)) {
    let line = message::status_line(&message.line);
    // What answers in HTTP/0.9 has no line.
    if !message.line.is_empty() {
        let version = line.map(|l| l.version).filter(|v| matches!((v.major, v.minor), (0, 9) | (1, 0..=1)));
        if version.is_none() {
            note("response_invalid_protocol");
        }
        if line.is_none_or(|l| l.code < 100) {
            note("response_invalid_status");
        }
    }
    let mut transfer = message.values(b"transfer-encoding").peekable();
    if transfer.peek().is_some() {
        if line.is_some_and(|l| !l.version.has_chunks()) {
            note("response_chunked_old_proto");
        }
        if transfer.any(|value| !value.trim_ascii().eq_ignore_ascii_case(b"chunked")) {
            note("response_abnormal_transfer_encoding");
        }
    }
    let none = matches!(message.code, 100..=199 | 204 | 304);
    let told = |name: &[u8]| message.values(name).next().is_some();
    if none && (told(b"content-length") || told(b"transfer-encoding")) && message.code != 101 {
        note("response_body_unexpected");
    }
}

/// Is it a name or address of a host, perhaps with a user before and a port behind it?
fn is_host(authority: &[u8]) -> bool {
    let text = authority.trim_ascii();
    let behind_user = text.rsplitn(2, |b| *b == b'@').next().unwrap_or(text);
    let (name, _) = uri::host(behind_user);
    if name.starts_with(b"[") {
        return name.ends_with(b"]") && port_of(behind_user, name.len());
    }
    let name_of_root = name.strip_suffix(b".").unwrap_or(&name);
    !name.is_empty()
        && name.len() <= MAX_HOST_LEN
        && name_of_root.split(|b| *b == b'.').all(is_label)
        && port_of(behind_user, name.len())
}

fn is_label(label: &[u8]) -> bool {
    let fits = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    !label.is_empty() && label.len() <= MAX_LABEL_LEN && label.iter().all(fits)
}

/// Is what stands behind the name nothing, or a port?
fn port_of(text: &[u8], name_len: usize) -> bool {
    match text.get(name_len..).unwrap_or(&[]).strip_prefix(b":") {
        None => text.len() <= name_len,
        Some(port) => std::str::from_utf8(port).is_ok_and(|port| port.parse::<u16>().is_ok_and(|n| n > 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(side: Dir, line: &str, fields: &[(&str, &str)]) -> Vec<&'static str> {
        let mut events = Vec::new();
        let mut message = Message::default();
        message.line = line.as_bytes().to_vec();
        message.code = message::status_line(line.as_bytes()).map_or(0, |l| l.code);
        for (name, value) in fields {
            let text = format!("{name}: {value}");
            let parsed = Some((name.as_bytes(), value.as_bytes()));
            field(side, &message, text.as_bytes(), parsed, &mut |event| events.push(event));
            message.add(text.as_bytes(), name.as_bytes(), value.as_bytes());
        }
        header(side, &message, 80, &mut |event| events.push(event));
        events
    }

    #[test]
    fn usual_messages_are_not_odd() {
        let request = told(Dir::Orig, "GET / HTTP/1.1", &[("Host", "a.test"), ("Authorization", "Basic eA==")]);
        assert_eq!(request, Vec::<&str>::new());
        let response = told(Dir::Resp, "HTTP/1.1 200 OK", &[("Content-Length", "5"), ("Content-Encoding", "gzip")]);
        assert_eq!(response, Vec::<&str>::new());
    }

    #[test]
    fn odd_requests_are_told() {
        for (line, fields, want) in [
            ("GET / HTTP/1.1", &[][..], "missing_host_header"),
            ("GET\t/ HTTP/1.1", &[("Host", "a")], "method_delim_non_compliant"),
            ("GET /\tHTTP/1.1", &[("Host", "a")], "uri_delim_non_compliant"),
            ("GET /", &[("Host", "a")], "request_line_missing_protocol"),
            ("GET http://a..b/ HTTP/1.1", &[("Host", "a..b")], "request_uri_host_invalid"),
            ("GET / HTTP/1.1", &[("Host", "a!b")], "request_header_host_invalid"),
            ("GET / HTTP/1.1", &[("Host", "a:81")], "request_server_port_tcp_port_mismatch"),
            ("GET / HTTP/1.1", &[("Host", "a"), ("Authorization", "NTLM x")], "request_auth_unrecognized"),
            ("GET / HTTP/1.1", &[("Host", "a"), ("X", "1"), ("x", "2")], "request_header_repetition"),
            ("GET / HTTP/1.1", &[("Host", "a"), ("Content-Length", "x")], "invalid_content_length_field_in_request"),
        ] {
            assert!(told(Dir::Orig, line, fields).contains(&want), "{line} {fields:?}");
        }
    }

    #[test]
    fn odd_responses_are_told() {
        for (line, fields, want) in [
            ("HTTP/1.1 2x0 OK", &[][..], "response_invalid_status"),
            ("HTTP/7.3 200 OK", &[], "response_invalid_protocol"),
            ("HTTP/1.0 200 OK", &[("Transfer-Encoding", "chunked")], "response_chunked_old_proto"),
            ("HTTP/1.1 200 OK", &[("Transfer-Encoding", "xchunked")], "response_abnormal_transfer_encoding"),
            ("HTTP/1.1 204 No", &[("Content-Length", "0")], "response_body_unexpected"),
            ("HTTP/1.1 200 OK", &[("Content-Encoding", "gzip;x")], "abnormal_ce_header"),
            ("HTTP/1.1 200 OK", &[("Content-Encoding", "gzip, gzip, gzip")], "too_many_encoding_layers"),
        ] {
            assert!(told(Dir::Resp, line, fields).contains(&want), "{line} {fields:?}");
        }
    }

    #[test]
    fn hosts_are_checked() {
        for good in ["a.test", "a.test.", "10.0.0.1:8080", "[::1]", "[::1]:80", "user@a"] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in ["", "a..b", "a b", "a:", "a:x", "a:70000", "[::1", ".."] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }
}
