//! Rows shaped like the engine's, with the columns that the page reads and some that it doesn't.

use sekisho_record::{EnumName, Port, Record, Set, Text};
use sekisho_types::{Addr, Timestamp, Uid};

const TS: Timestamp = Timestamp(1_700_000_000_000_000_000);

fn uid() -> Uid {
    Uid::from_key(b'C', 7, b"key")
}

/// Connections.
#[derive(Record)]
#[record(log = "conn")]
pub struct Conn {
    /// Column.
    ts: Timestamp,
    /// Column.
    #[record(name = "id.orig_h")]
    orig_h: Addr,
    /// Column.
    #[record(name = "id.orig_p")]
    orig_p: Port,
    /// Column.
    #[record(name = "id.resp_h")]
    resp_h: Addr,
    /// Column.
    #[record(name = "id.resp_p")]
    resp_p: Port,
    /// Column.
    proto: EnumName,
    /// Column.
    service: Option<&'static str>,
    /// Column.
    orig_bytes: Option<u64>,
    /// Column.
    conn_state: EnumName,
    /// Column.
    missed_bytes: u64,
    /// Column.
    orig_pkts: u64,
    /// Column.
    orig_ip_bytes: u64,
    /// Column.
    resp_pkts: u64,
    /// Column.
    resp_ip_bytes: u64,
    /// Column.
    one_sided: Option<EnumName>,
}

#[expect(clippy::too_many_arguments, reason = "a row")]
pub fn conn(
    orig: &str,
    resp: &str,
    orig_p: u16,
    resp_p: u16,
    proto: &'static str,
    service: Option<&'static str>,
    state: &'static str,
    bytes: (u64, u64),
) -> Conn {
    Conn {
        ts: TS,
        orig_h: orig.parse().unwrap(),
        orig_p: Port(orig_p),
        resp_h: resp.parse().unwrap(),
        resp_p: Port(resp_p),
        proto: EnumName(proto),
        service,
        orig_bytes: Some(bytes.0 / 2),
        conn_state: EnumName(state),
        missed_bytes: u64::from(resp_p == 443) * 1_460,
        orig_pkts: 2,
        orig_ip_bytes: bytes.0,
        resp_pkts: u64::from(state != "S0") * 2,
        resp_ip_bytes: if state == "S0" { 0 } else { bytes.1 },
        one_sided: (state == "S0").then_some(EnumName("orig")),
    }
}

pub fn one_sided(row: Conn) -> Conn {
    Conn { one_sided: Some(EnumName("resp")), ..row }
}

/// Queries.
#[derive(Record)]
#[record(log = "dns")]
pub struct Dns {
    /// Column.
    query: Option<Text>,
    /// Column.
    rcode_name: Option<&'static str>,
    /// Column.
    answers: Vec<Text>,
}

pub fn dns(query: &str, rcode: &'static str, answers: &[&str]) -> Dns {
    Dns { query: Some(query.into()), rcode_name: Some(rcode), answers: answers.iter().map(Text::from).collect() }
}

/// Requests.
#[derive(Record)]
#[record(log = "http")]
pub struct Http {
    /// Column.
    #[record(name = "id.orig_h")]
    orig_h: Addr,
    /// Column.
    #[record(name = "id.resp_h")]
    resp_h: Addr,
    /// Column.
    host: Option<Text>,
    /// Column.
    user_agent: Option<Text>,
    /// Column.
    status_code: Option<u64>,
    /// Column.
    username: Option<Text>,
    /// Column that must not be read.
    password: Option<Text>,
}

pub fn http(host: &str, user: Option<&str>, status: u64) -> Http {
    Http {
        orig_h: "10.0.0.5".parse().unwrap(),
        resp_h: "203.0.113.10".parse().unwrap(),
        host: Some(host.into()),
        user_agent: Some("curl/8.5.0".into()),
        status_code: Some(status),
        username: user.map(Text::from),
        password: Some("secret".into()),
    }
}

/// Handshakes.
#[derive(Record)]
#[record(log = "ssl")]
pub struct Ssl {
    /// Column.
    #[record(name = "id.resp_h")]
    resp_h: Addr,
    /// Column.
    version: Option<&'static str>,
    /// Column.
    server_name: Option<Text>,
    /// Column.
    cert_chain_fps: Option<Vec<Text>>,
    /// Column.
    validation_status: Option<Text>,
    /// Column.
    sni_matches_cert: Option<bool>,
}

pub fn ssl(name: &str, fingerprint: &str, status: Option<&str>, matches: Option<bool>) -> Ssl {
    Ssl {
        resp_h: "203.0.113.10".parse().unwrap(),
        version: Some("TLSv12"),
        server_name: Some(name.into()),
        cert_chain_fps: Some(vec![fingerprint.into()]),
        validation_status: status.map(Text::from),
        sni_matches_cert: matches,
    }
}

/// Certificates.
#[derive(Record)]
#[record(log = "x509")]
pub struct X509 {
    /// Column.
    ts: Timestamp,
    /// Column.
    fingerprint: Text,
    /// Column.
    #[record(name = "certificate.subject")]
    subject: Text,
    /// Column.
    #[record(name = "certificate.issuer")]
    issuer: Text,
    /// Column.
    #[record(name = "certificate.not_valid_before")]
    before: Timestamp,
    /// Column.
    #[record(name = "certificate.not_valid_after")]
    after: Timestamp,
    /// Column.
    #[record(name = "certificate.key_type")]
    key_type: &'static str,
    /// Column.
    #[record(name = "certificate.key_length")]
    key_length: u64,
    /// Column.
    #[record(name = "certificate.sig_alg")]
    sig_alg: &'static str,
    /// Column.
    host_cert: bool,
}

pub fn x509(fingerprint: &str, subject: &str, issuer: &str, after: Timestamp, bits: u64) -> X509 {
    X509 {
        ts: TS,
        fingerprint: fingerprint.into(),
        subject: subject.into(),
        issuer: issuer.into(),
        before: Timestamp::from_parts(1_600_000_000, 0),
        after,
        key_type: "rsa",
        key_length: bits,
        sig_alg: "sha256WithRSAEncryption",
        host_cert: fingerprint == "aa11",
    }
}

/// Files.
#[derive(Record)]
#[record(log = "files")]
pub struct FileRow {
    /// Column.
    ts: Timestamp,
    /// Column.
    fuid: Uid,
    /// Column.
    uid: Uid,
    /// Column.
    #[record(name = "id.orig_h")]
    orig_h: Addr,
    /// Column.
    #[record(name = "id.resp_h")]
    resp_h: Addr,
    /// Column.
    source: &'static str,
    /// Column.
    mime_type: Option<&'static str>,
    /// Column.
    filename: Option<Text>,
    /// Column.
    is_orig: bool,
    /// Column.
    seen_bytes: u64,
    /// Column.
    total_bytes: Option<u64>,
    /// Column.
    missing_bytes: u64,
    /// Column.
    sha256: Option<Text>,
}

pub fn file(name: &str, seen: u64, total: Option<u64>) -> FileRow {
    FileRow {
        ts: TS,
        fuid: Uid::from_key(b'F', 7, b"key"),
        uid: uid(),
        orig_h: "10.0.0.5".parse().unwrap(),
        resp_h: "203.0.113.10".parse().unwrap(),
        source: "HTTP",
        mime_type: Some("application/pdf"),
        filename: Some(name.into()),
        is_orig: false,
        seen_bytes: seen,
        total_bytes: total,
        missing_bytes: 0,
        sha256: (total == Some(seen)).then(|| "0123456789abcdef".repeat(4).into()),
    }
}

/// Commands.
#[derive(Record)]
#[record(log = "ftp")]
pub struct Ftp {
    /// Column.
    #[record(name = "id.orig_h")]
    orig_h: Addr,
    /// Column.
    #[record(name = "id.resp_h")]
    resp_h: Addr,
    /// Column.
    user: Option<Text>,
    /// Column that must not be read.
    password: Option<Text>,
    /// Column.
    command: Option<&'static str>,
    /// Column.
    reply_code: Option<u64>,
}

pub fn ftp(user: &str, command: &'static str, code: u64) -> Ftp {
    Ftp {
        orig_h: "10.0.0.6".parse().unwrap(),
        resp_h: "10.0.0.21".parse().unwrap(),
        user: Some(user.into()),
        password: Some("secret".into()),
        command: Some(command),
        reply_code: Some(code),
    }
}

/// Mail.
#[derive(Record)]
#[record(log = "smtp")]
pub struct Smtp {
    /// Column.
    ts: Timestamp,
    /// Column.
    #[record(name = "id.orig_h")]
    orig_h: Addr,
    /// Column.
    #[record(name = "id.resp_h")]
    resp_h: Addr,
    /// Column.
    mailfrom: Option<Text>,
    /// Column.
    rcptto: Set<Text>,
    /// Column.
    subject: Option<Text>,
}

pub fn smtp(from: &str, to: &[&str], subject: &str) -> Smtp {
    Smtp {
        ts: TS,
        orig_h: "10.0.0.5".parse().unwrap(),
        resp_h: "10.0.0.25".parse().unwrap(),
        mailfrom: Some(from.into()),
        rcptto: Set(to.iter().map(Text::from).collect()),
        subject: Some(subject.into()),
    }
}

/// Shells.
#[derive(Record)]
#[record(log = "ssh")]
pub struct Ssh {
    /// Column.
    client: Option<Text>,
    /// Column.
    server: Option<Text>,
}

pub fn ssh(client: &str, server: &str) -> Ssh {
    Ssh { client: Some(client.into()), server: Some(server.into()) }
}

/// Oddities.
#[derive(Record)]
#[record(log = "weird")]
pub struct WeirdRow {
    /// Column.
    uid: Option<Uid>,
    /// Column.
    name: Text,
    /// Column.
    addl: Option<Text>,
}

pub fn weird(name: &str) -> WeirdRow {
    WeirdRow { uid: Some(uid()), name: name.into(), addl: None }
}

/// Tunnels.
#[derive(Record)]
#[record(log = "tunnel")]
pub struct TunnelRow {
    /// Column.
    #[record(name = "id.orig_h")]
    orig_h: Addr,
    /// Column.
    #[record(name = "id.resp_h")]
    resp_h: Addr,
    /// Column.
    tunnel_type: EnumName,
}

pub fn tunnel() -> TunnelRow {
    TunnelRow {
        orig_h: "2001:db8:1234:5678:9abc:def0:1234:5678".parse().unwrap(),
        resp_h: "10.0.0.1".parse().unwrap(),
        tunnel_type: EnumName("Tunnel::GRE"),
    }
}

/// A log that the page has never heard of.
#[derive(Record)]
#[record(log = "novel")]
pub struct Novel {
    /// Column.
    ts: Timestamp,
}

pub fn novel() -> Novel {
    Novel { ts: TS }
}
