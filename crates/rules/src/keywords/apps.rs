//! Names of application protocols, and keywords about them that are no plain facts.

use super::payload::compared;
use super::transforms::hex;
use super::{Keyword, Takes};
use crate::draft::{Arg, Draft, Shared};
use crate::ir::{Compare, Condition, Content, Fast, Place, Step};
use crate::refusal::{Code, Done};
use crate::syntax::integer;
use sekisho_transaction::Fact;

/// Protocols by the names that rules use; the second is what it is called here.
const APPS: &[(&str, &str)] = &[
    ("bittorrent-dht", "bittorrent-dht"),
    ("dcerpc", "dcerpc"),
    ("dhcp", "dhcp"),
    ("dnp3", "dnp3"),
    ("dns", "dns"),
    ("doh2", "doh2"),
    ("enip", "enip"),
    ("ftp", "ftp"),
    ("ftp-data", "ftp-data"),
    ("http", "http"),
    ("http1", "http1"),
    ("http2", "http2"),
    ("ike", "ike"),
    ("ikev2", "ike"),
    ("imap", "imap"),
    ("irc", "irc"),
    ("jabber", "jabber"),
    ("krb5", "krb5"),
    ("ldap", "ldap"),
    ("llmnr", "llmnr"),
    ("mdns", "mdns"),
    ("modbus", "modbus"),
    ("mqtt", "mqtt"),
    ("msn", "msn"),
    ("mysql", "mysql"),
    ("nfs", "nfs"),
    ("ntp", "ntp"),
    ("pgsql", "pgsql"),
    ("pop3", "pop3"),
    ("quic", "quic"),
    ("rdp", "rdp"),
    ("rfb", "rfb"),
    ("sip", "sip"),
    ("smb", "smb"),
    ("smtp", "smtp"),
    ("snmp", "snmp"),
    ("ssh", "ssh"),
    ("ssl", "tls"),
    ("telnet", "telnet"),
    ("tftp", "tftp"),
    ("tls", "tls"),
    ("websocket", "websocket"),
];

/// Suricata's name of an application protocol.
pub(crate) fn app_name(text: &str) -> Option<&'static str> {
    APPS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, app)| *app)
}

pub(super) const TABLE: &[Keyword] = &[
    Keyword { names: &["app-layer-protocol"], takes: Takes::Negatable, read: app_layer_protocol },
    Keyword { names: &["app-layer-event"], takes: Takes::Value, read: app_layer_event },
    Keyword { names: &["dcerpc.iface", "dce_iface"], takes: Takes::Value, read: dce_iface },
    Keyword { names: &["tls.version"], takes: Takes::Negatable, read: tls_version },
    Keyword { names: &["ssl_version"], takes: Takes::Value, read: ssl_version },
    Keyword { names: &["ssl_state"], takes: Takes::Value, read: ssl_state },
    Keyword { names: &["tls.subject"], takes: Takes::Negatable, read: |d, _, a| text(d, a, Fact::TlsCertSubject) },
    Keyword { names: &["tls.issuerdn"], takes: Takes::Negatable, read: |d, _, a| text(d, a, Fact::TlsCertIssuer) },
    Keyword {
        names: &["tls.fingerprint"],
        takes: Takes::Negatable,
        read: |d, _, a| text(d, a, Fact::TlsCertFingerprint),
    },
    Keyword { names: &["ssh.softwareversion"], takes: Takes::Negatable, read: |d, _, a| text(d, a, Fact::SshSoftware) },
    Keyword { names: &["ssh.protoversion"], takes: Takes::Negatable, read: ssh_protoversion },
    Keyword { names: &["tls.store", "tls_store"], takes: Takes::Nothing, read: |d, _, a| d.claim_app(a, "tls") },
    Keyword { names: &["tls_cert_expired"], takes: Takes::Nothing, read: |d, _, a| expired(d, a, true) },
    Keyword { names: &["tls_cert_valid"], takes: Takes::Nothing, read: |d, _, a| expired(d, a, false) },
    Keyword {
        names: &["ftp.mode"],
        takes: Takes::Negatable,
        read: |d, _, a| word(d, a, Fact::FtpMode, &["active", "passive"]),
    },
    Keyword {
        names: &["ftpdata_command"],
        takes: Takes::Negatable,
        read: |d, _, a| word(d, a, Fact::FtpdataCommand, &["stor", "retr"]),
    },
    Keyword { names: &["ftp.reply_received"], takes: Takes::Value, read: reply_received },
    Keyword { names: &["rpc"], takes: Takes::Value, read: rpc },
    Keyword { names: &["asn1"], takes: Takes::Value, read: asn1 },
    Keyword { names: &["ftpbounce"], takes: Takes::Nothing, read: ftpbounce },
    Keyword {
        names: &["lua", "luajit"],
        takes: Takes::Negatable,
        read: |_, _, a| not_offered(a, "Lua scripts are not run"),
    },
    Keyword {
        names: &["ndpi-protocol", "ndpi-risk"],
        takes: Takes::Negatable,
        read: |_, _, a| not_offered(a, "nDPI is not part of this"),
    },
    Keyword {
        names: &["flowvar", "pktvar"],
        takes: Takes::Value,
        read: |_, _, a| not_offered(a, "variables filled by pcre are not asked for"),
    },
    Keyword {
        names: &["file.magic"],
        takes: Takes::Nothing,
        read: |_, _, a| not_offered(a, "file.magic is no buffer here; filemagic is offered"),
    },
];

fn not_offered(arg: &Arg<'_>, text: &str) -> Done {
    arg.fail(Code::NotOffered, format!("{} is not offered: {text}", arg.name.text))
}

/// `app-layer-protocol:[!]NAME[,MODE]`
fn app_layer_protocol(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts();
    let name = parts.next().unwrap_or_default().text;
    let name = match name {
        "failed" | "unknown" => name,
        _ => match app_name(name) {
            Some(name) => name,
            None => return arg.fail(Code::Protocol, format!("{name} is no application protocol")),
        },
    };
    let mode = parts.next().unwrap_or_default().text;
    if !matches!(
        mode,
        "" | "exact" | "toserver" | "to_server" | "toclient" | "to_client" | "either" | "both" | "final" | "original"
    ) {
        return arg.bad(format!("{mode} is no mode of app-layer-protocol"));
    }
    let mode = mode.replace('_', "").into();
    draft.condition(Condition::AppProtocol { name: name.into(), negated: arg.negated, mode });
    Ok(())
}

/// `app-layer-event:PROTOCOL.NAME`, or an event of the recognition without a protocol.
fn app_layer_event(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let (app, event) = match arg.value.text.split_once('.') {
        None => ("", arg.value.text),
        Some((app, event)) => {
            let Some(name) = app_name(app) else {
                return arg.fail(Code::Protocol, format!("{app} is no application protocol"));
            };
            draft.claim_app(arg, if name == "http" { "http1" } else { name })?;
            (name, event)
        }
    };
    draft.condition(Condition::AppEvent(app.into(), event.trim().into()));
    Ok(())
}

/// `dcerpc.iface:UUID[,VERSION][,any_frag]`
fn dce_iface(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut parts = arg.parts();
    let plain: String = parts.next().unwrap_or_default().text.chars().filter(|c| *c != '-').collect();
    let Some(uuid) = hex(&plain).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()) else {
        return arg.bad("the interface is a UUID: 12345678-1234-abcd-ef00-0123456789ab");
    };
    let (mut version, mut any_frag) = (None, false);
    for part in parts {
        if part.text == "any_frag" {
            any_frag = true;
        } else {
            version = Some(compared(arg, part.text, u16::MAX.into())?);
        }
    }
    draft.claim(arg, Fact::DcerpcIface)?;
    draft.condition(Condition::DceIface { uuid, version, any_frag });
    Ok(())
}

/// A version of TLS by its name in rules.
fn version(text: &str) -> Option<u16> {
    Some(match text {
        "sslv2" | "ssl2" => 0x0002,
        "sslv3" | "ssl3" => 0x0300,
        "1.0" | "tls1.0" => 0x0301,
        "1.1" | "tls1.1" => 0x0302,
        "1.2" | "tls1.2" => 0x0303,
        "1.3" | "tls1.3" => 0x0304,
        _ => return text.strip_prefix("0x").and_then(|digits| u16::from_str_radix(digits, 16).ok()),
    })
}

fn tls_version(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    match version(arg.value.text) {
        Some(version) => {
            let compare = if arg.negated { Compare::Ne(version.into()) } else { Compare::Eq(version.into()) };
            draft.number(arg, Fact::TlsVersion, Step::Number(compare))
        }
        None => arg.bad(format!("{} is no version of TLS", arg.value.text)),
    }
}

/// `ssl_version:[!]tls1.2[,…]`: one of those named, none of those negated.
fn ssl_version(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let mut yes = Vec::new();
    for part in arg.parts() {
        let (negated, name) = part.text.strip_prefix('!').map_or((false, part.text), |rest| (true, rest.trim()));
        let Some(version) = version(&name.to_ascii_lowercase()) else {
            return arg.bad(format!("{name} is no version of TLS"));
        };
        if negated {
            draft.number(arg, Fact::TlsVersion, Step::Number(Compare::Ne(version.into())))?;
        } else {
            yes.push((u64::from(version), u64::from(version)));
        }
    }
    if yes.is_empty() { Ok(()) } else { draft.number(arg, Fact::TlsVersion, Step::NumberIn(yes.into())) }
}

/// `ssl_state:[!]client_hello[|…]`: the fact has a bit for each that was seen.
fn ssl_state(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let (mut yes, mut no) = (0, 0);
    for part in arg.value.text.split(['|', ',']).map(str::trim) {
        let (bits, name) = part.strip_prefix('!').map_or((&mut yes, part), |rest| (&mut no, rest.trim()));
        *bits |= match name {
            "client_hello" => 1,
            "server_hello" => 2,
            "client_keyx" => 4,
            "server_keyx" => 8,
            "unknown" => 16,
            _ => return arg.bad(format!("{name} is no state of TLS")),
        };
    }
    if yes != 0 {
        draft.number(arg, Fact::TlsState, Step::Number(Compare::AnyBit(yes)))?;
    }
    if no != 0 {
        draft.number(arg, Fact::TlsState, Step::Number(Compare::Mask { mask: no, value: 0, negated: false }))?;
    }
    Ok(())
}

/// An old keyword that looks for a text in a buffer.
fn text(draft: &mut Draft, arg: &Arg<'_>, fact: Fact) -> Done {
    let place = Place::default();
    let bytes = arg.value.text.as_bytes().into();
    let content = Content { bytes, negated: arg.negated, nocase: false, place, fast: Fast::Auto };
    draft.number(arg, fact, Step::Content(content))
}

/// A fact that is one of few words.
fn word(draft: &mut Draft, arg: &Arg<'_>, fact: Fact, words: &[&str]) -> Done {
    let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(arg.value.text)) else {
        return arg.bad(format!("{} is none of {}", arg.value.text, words.join(", ")));
    };
    let place = Place { starts: true, ends: true, ..Place::default() };
    let bytes = word.as_bytes().into();
    let content = Content { bytes, negated: arg.negated, nocase: true, place, fast: Fast::Auto };
    draft.number(arg, fact, Step::Content(content))
}

/// `ftp.reply_received:yes|no`
fn reply_received(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let text = match arg.value.text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => "yes",
        "no" | "false" | "off" | "0" => "no",
        other => return arg.bad(format!("{other} is neither yes nor no")),
    };
    let value = crate::syntax::Word { text, at: arg.value.at };
    word(draft, &Arg { value, ..*arg }, Fact::FtpReplyReceived, &["yes", "no"])
}

/// `ssh.protoversion:VERSION`; `2_compat` is 2 and 1.99.
fn ssh_protoversion(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let version = arg.value.text;
    if version == "2_compat" {
        let pattern = "^(?:2|1\\.99)".into();
        return draft.number(arg, Fact::SshProto, Step::Pcre(anchored(pattern, arg.negated)));
    }
    let place = Place { starts: true, ..Place::default() };
    let content =
        Content { bytes: version.as_bytes().into(), negated: arg.negated, nocase: false, place, fast: Fast::Auto };
    draft.number(arg, Fact::SshProto, Step::Content(content))
}

const fn anchored(pattern: Box<str>, negated: bool) -> crate::ir::Pcre {
    crate::ir::Pcre {
        pattern,
        negated,
        nocase: false,
        dot_all: false,
        multi_line: false,
        extended: false,
        anchored: false,
        dollar_end: false,
        ungreedy: false,
        relative: false,
        captures: Vec::new(),
    }
}

fn expired(draft: &mut Draft, arg: &Arg<'_>, expired: bool) -> Done {
    draft.claim(arg, Fact::TlsCertNotafter)?;
    draft.condition(Condition::CertExpired(expired));
    Ok(())
}

/// `rpc:PROGRAM[,VERSION|*][,PROCEDURE|*]`
fn rpc(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let number = |text: &str| integer(text).and_then(|n| u32::try_from(n).ok());
    let mut parts = arg.parts();
    let Some(program) = number(parts.next().unwrap_or_default().text) else {
        return arg.bad("rpc begins with the program's number");
    };
    let mut any = || match parts.next().map(|part| part.text) {
        None | Some("*") => Ok(None),
        Some(text) => match number(text) {
            Some(n) => Ok(Some(n)),
            None => arg.bad(format!("{text} is neither a number nor *")),
        },
    };
    let (version, procedure) = (any()?, any()?);
    draft.condition(Condition::Rpc(program, version, procedure));
    Ok(())
}

fn asn1(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    let known = ["bitstring_overflow", "double_overflow", "oversize_length", "absolute_offset", "relative_offset"];
    for part in arg.value.text.split([',']).map(str::trim) {
        let name = part.split_ascii_whitespace().next().unwrap_or("");
        if !known.contains(&name) {
            return arg.bad(format!("{name} is no option of asn1"));
        }
    }
    draft.condition(Condition::Asn1(arg.value.text.into()));
    Ok(())
}

fn ftpbounce(draft: &mut Draft, _: &mut Shared<'_>, arg: &Arg<'_>) -> Done {
    draft.claim_app(arg, "ftp")?;
    draft.condition(Condition::FtpBounce);
    Ok(())
}
