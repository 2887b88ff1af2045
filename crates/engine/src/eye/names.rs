//! Suricata's names for protocols, and whose view their events take.

use sekisho_types::Dir;

/// Services of conn and what Suricata calls them.
const APPS: &[(&str, &str)] = &[
    ("bittorrent", "bittorrent-dht"),
    ("dce_rpc", "dcerpc"),
    ("dhcp", "dhcp"),
    ("dnp3_tcp", "dnp3"),
    ("dnp3_udp", "dnp3"),
    ("dns", "dns"),
    ("enip", "enip"),
    ("ftp", "ftp"),
    ("ftp-data", "ftp-data"),
    ("http", "http"),
    ("http2", "http2"),
    ("ike", "ike"),
    ("imap", "imap"),
    ("krb", "krb5"),
    ("krb_tcp", "krb5"),
    ("ldap", "ldap"),
    ("ldap_tcp", "ldap"),
    ("ldap_udp", "ldap"),
    ("modbus", "modbus"),
    ("mqtt", "mqtt"),
    ("ntp", "ntp"),
    ("pop3", "pop3"),
    ("postgresql", "pgsql"),
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
    ("websocket", "websocket"),
];

/// What Suricata calls a service of conn; `None`: it knows none like it.
pub(super) fn of_service(service: &str) -> Option<&'static str> {
    APPS.iter().find(|(own, _)| *own == service).map(|(_, name)| *name)
}

/// What Suricata makes of a flow of DNS messages by its ports; of others it knows nothing.
pub(super) fn of_dns_ports(a: u16, b: u16) -> &'static str {
    let is = |port| a == port || b == port;
    if is(53) {
        "dns"
    } else if is(5353) {
        "mdns"
    } else if is(5355) {
        "llmnr"
    } else {
        ""
    }
}

/// The protocol that an exchange says it is of.
pub(super) fn of_exchange(app: &'static str) -> &'static str {
    match app {
        "ftp_data" => "ftp-data",
        "bittorrent_dht" => "bittorrent-dht",
        "rpc" => "nfs",
        other => other,
    }
}

/// Who is the source of an event: the client, or the sender of the packet at hand, or of the message.
pub(super) fn way(event_type: &str, message: Dir, packet: Option<Dir>) -> Dir {
    match event_type {
        "dns" | "llmnr" | "dhcp" | "tftp" | "ntp" => message,
        "bittorrent_dht" | "ike" | "krb5" | "mdns" | "nfs" | "quic" | "rdp" | "rfb" | "sip" | "snmp" | "template"
        | "websocket" => packet.unwrap_or(message),
        _ => Dir::Orig,
    }
}

/// An anomaly's name as an event has it: most as in rules, some protocols' in upper case.
pub(super) fn event(app: &str, name: &str) -> String {
    match app {
        "smtp" | "dnp3" | "tls" | "http" => name.to_ascii_uppercase(),
        _ => name.to_owned(),
    }
}
