//! Buffers that are no facts of one keyword: the packet's headers, frames, and older names.

use super::{Keyword, Takes, app_name};
use crate::draft::{Arg, Draft, Shared};
use crate::ir::{Buffer, HeaderBuffer, Protocol};
use crate::refusal::{Code, Done};
use sekisho_transaction::{Fact, FrameKind};

/// Names that move the content before them.
pub(super) const MODIFIERS: &[(&str, Fact)] = &[
    ("http_client_body", Fact::HttpRequestBody),
    ("http_cookie", Fact::HttpCookie),
    ("http_header", Fact::HttpHeader),
    ("http_host", Fact::HttpHost),
    ("http_method", Fact::HttpMethod),
    ("http_raw_header", Fact::HttpHeaderRaw),
    ("http_raw_host", Fact::HttpHostRaw),
    ("http_raw_uri", Fact::HttpUriRaw),
    ("http_server_body", Fact::HttpResponseBody),
    ("http_stat_code", Fact::HttpStatCode),
    ("http_stat_msg", Fact::HttpStatMsg),
    ("http_uri", Fact::HttpUri),
    ("http_user_agent", Fact::HttpUserAgent),
];

/// Other names of facts.
pub(super) const SYNONYMS: &[(&str, Fact)] = &[
    ("dce_stub_data", Fact::DcerpcStubData),
    ("dnp3_data", Fact::Dnp3Data),
    ("dnp3_ind", Fact::Dnp3Ind),
    ("dns.query.name", Fact::DnsQueriesRrname),
    ("dns_query", Fact::DnsQuery),
    ("enip_command", Fact::EnipCommand),
    ("file_data", Fact::FileData),
    ("http_accept", Fact::HttpAccept),
    ("http_accept_enc", Fact::HttpAcceptEnc),
    ("http_accept_lang", Fact::HttpAcceptLang),
    ("http_connection", Fact::HttpConnection),
    ("http_content_len", Fact::HttpContentLen),
    ("http_content_type", Fact::HttpContentType),
    ("http_header_names", Fact::HttpHeaderNames),
    ("http_protocol", Fact::HttpProtocol),
    ("http_referer", Fact::HttpReferer),
    ("http_request_line", Fact::HttpRequestLine),
    ("http_response_line", Fact::HttpResponseLine),
    ("http_start", Fact::HttpStart),
    ("ja3_hash", Fact::Ja3Hash),
    ("ja3_string", Fact::Ja3String),
    ("krb5_cname", Fact::Krb5Cname),
    ("krb5_sname", Fact::Krb5Sname),
    ("smb_named_pipe", Fact::SmbNamedPipe),
    ("smb_share", Fact::SmbShare),
    ("ssh_proto", Fact::SshProto),
    ("ssh_software", Fact::SshSoftware),
    ("tls_cert_issuer", Fact::TlsCertIssuer),
    ("tls_cert_subject", Fact::TlsCertSubject),
    ("tls_cert_serial", Fact::TlsCertSerial),
    ("tls_cert_fingerprint", Fact::TlsCertFingerprint),
    ("tls_certs", Fact::TlsCerts),
    ("tls_sni", Fact::TlsSni),
    ("mqtt.connack.return_code", Fact::MqttReasonCode),
];

pub(super) const TABLE: &[Keyword] = &[
    Keyword { names: &["pkt_data"], takes: Takes::Nothing, read: |draft, _, _| draft.close() },
    Keyword { names: &["rawbytes"], takes: Takes::Nothing, read: |draft, _, arg| draft.content(arg).map(drop) },
    Keyword { names: &["base64_data"], takes: Takes::Nothing, read: base64_data },
    header(&["ether.hdr"], |draft, _, arg| draft.open(arg, Buffer::Header(HeaderBuffer::Ether))),
    header(&["arp.hdr"], |draft, _, arg| draft.open(arg, Buffer::Header(HeaderBuffer::Arp))),
    header(&["ipv4.hdr"], |draft, _, arg| draft.open(arg, Buffer::Header(HeaderBuffer::Ipv4))),
    header(&["ipv6.hdr"], |draft, _, arg| draft.open(arg, Buffer::Header(HeaderBuffer::Ipv6))),
    header(&["tcp.hdr"], |draft, _, arg| draft.open(arg, Buffer::Header(HeaderBuffer::Tcp))),
    header(&["udp.hdr"], |draft, _, arg| draft.open(arg, Buffer::Header(HeaderBuffer::Udp))),
    header(&["icmpv4.hdr"], |draft, _, arg| draft.open(arg, Buffer::Header(HeaderBuffer::Icmpv4))),
    header(&["icmpv6.hdr"], |draft, _, arg| draft.open(arg, Buffer::Header(HeaderBuffer::Icmpv6))),
    header(&["igmp.hdr"], |draft, _, arg| draft.open(arg, Buffer::Header(HeaderBuffer::Igmp))),
    header(&["ip.src"], |draft, _, arg| draft.open(arg, Buffer::Address { src: true })),
    header(&["ip.dst"], |draft, _, arg| draft.open(arg, Buffer::Address { src: false })),
    Keyword { names: &["frame"], takes: Takes::Value, read: frame },
];

const fn header(names: &'static [&'static str], read: super::Read) -> Keyword {
    Keyword { names, takes: Takes::Nothing, read }
}

fn base64_data(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    if !draft.has_base64 {
        return arg.misplaced("base64_data has no base64_decode before it");
    }
    draft.open(arg, Buffer::Base64)
}

/// `frame:PROTOCOL.TYPE`, or `frame:TYPE` in a rule of that protocol.
fn frame(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    use Protocol as P;
    let text = arg.value.text;
    let transports = match draft.rule.header.protocol {
        P::Tcp | P::TcpStream => (true, false),
        P::Udp => (false, true),
        P::Ip | P::Ipv4 | P::Ipv6 | P::App(_) => (true, true),
        _ => return arg.fail(Code::Combination, "frames are of streams and datagrams, which this rule is not about"),
    };
    // What stands before the dot may be part of the frame's own name.
    let named = text.split_once('.').and_then(|(app, name)| Some((app_name(app)?, name)));
    let (app, name) = match (named, draft.app()) {
        (Some(named), _) => named,
        (None, Some(app)) => (app, text),
        (None, None) => return arg.bad(format!("frame:{text} does not say which protocol's")),
    };
    if draft.app().is_some_and(|own| !may_have_frames_of(own, app)) {
        return arg.fail(Code::OtherProtocol, format!("frame:{text} belongs to {app}, but the rule does not"));
    }
    let Some(kind) = FrameKind::find(app, name, transports) else {
        let known: Vec<&str> =
            FrameKind::ALL.iter().map(|kind| kind.info()).filter(|i| i.app == app).map(|i| i.name).collect();
        let help = if known.is_empty() { format!("{app} has none") } else { format!("{app} has {}", known.join(", ")) };
        return arg.fail_help(Code::Value, format!("{name} is no frame of {app} that the rule could see"), help);
    };
    draft.claim_app(arg, app)?;
    draft.open(arg, Buffer::Frame(app, kind))
}

/// Can a rule about `own` ask for frames of `app`?
fn may_have_frames_of(own: &str, app: &str) -> bool {
    own == app || matches!((own, app), ("http", "http1" | "http2") | ("dcerpc", "smb") | ("dns", "doh2"))
}
