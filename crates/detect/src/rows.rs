//! Rows as detectors see them: typed, by column name, nothing copied.

use sekisho_record::{List, Schema, Value};
use sekisho_types::{Addr, Interval, MacAddr, Timestamp, Uid};
use smallvec::SmallVec;

/// Records of a DNS message, or answers, that need no memory of their own.
const FEW_RECORDS: usize = 16;

/// How a column becomes a field. What is unset, or missing from the log, gives the type's empty value.
pub(crate) trait Column<'a>: Sized {
    fn of(value: &Value<'a>) -> Self;
}

macro_rules! columns {
    ($($type:ty: $($pattern:pat => $value:expr),* ; $empty:expr;)*) => {$(
        impl<'a> Column<'a> for $type {
            #[inline]
            fn of(value: &Value<'a>) -> Self {
                match *value {
                    $($pattern => $value,)*
                    _ => $empty,
                }
            }
        }
    )*};
}

columns! {
    bool: Value::Bool(v) => v; false;
    u64: Value::Count(v) => v, Value::Port(v) => u64::from(v), Value::Int(v) => u64::try_from(v).unwrap_or(0); 0;
    u32: Value::Count(v) => u32::try_from(v).unwrap_or(0); 0;
    u16: Value::Port(v) => v, Value::Count(v) => u16::try_from(v).unwrap_or(0); 0;
    Timestamp: Value::Time(v) => v; Timestamp(0);
    Interval: Value::Interval(v) => v; Interval(0);
    Addr: Value::Addr(v) => v; Addr::UNSPECIFIED;
    MacAddr: Value::Mac(v) => v; MacAddr::default();
    Uid: Value::Uid(v) => v; Uid::default();
    &'a [u8]: Value::Str(v) => v, Value::Hex(v) => v, Value::Enum(v) => v.as_bytes(); &[];
    &'a str: Value::Enum(v) => v, Value::Str(v) => std::str::from_utf8(v).unwrap_or(""); "";
    Items<'a>: Value::List(list) => Items(Some(list)); Items(None);
}

impl<'a, T: Column<'a>> Column<'a> for Option<T> {
    #[inline]
    fn of(value: &Value<'a>) -> Self {
        match value {
            Value::Unset => None,
            value => Some(T::of(value)),
        }
    }
}

/// Items of a list or set.
#[derive(Clone, Copy, Default)]
pub struct Items<'a>(Option<&'a dyn List>);

impl<'a> Items<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.map_or(0, List::len)
    }

    /// None?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Texts; of other items, nothing.
    pub fn texts(self) -> impl Iterator<Item = &'a [u8]> {
        self.all().filter_map(text)
    }

    /// Addresses; of networks the first.
    pub fn addrs(self) -> impl Iterator<Item = Addr> {
        self.all().filter_map(|v| match v {
            Value::Addr(v) => Some(v),
            Value::Subnet(v) => Some(v.network()),
            _ => None,
        })
    }

    /// Numbers; of intervals their whole seconds.
    pub fn counts(self) -> impl Iterator<Item = u64> {
        self.all().filter_map(count)
    }

    fn all(self) -> impl Iterator<Item = Value<'a>> {
        (0..self.len()).map(move |i| self.at(i))
    }

    fn at(&self, i: usize) -> Value<'a> {
        self.0.map_or(Value::Unset, |list| list.item(i))
    }
}

/// A text; `None` of anything else.
fn text(value: Value<'_>) -> Option<&[u8]> {
    match value {
        Value::Str(v) | Value::Hex(v) => Some(v),
        Value::Enum(v) => Some(v.as_bytes()),
        _ => None,
    }
}

/// A number, or the whole seconds of an interval; `None` of anything else.
fn count(value: Value<'_>) -> Option<u64> {
    match value {
        Value::Count(v) => Some(v),
        Value::Port(v) => Some(u64::from(v)),
        Value::Interval(v) => Some(u64::try_from(v.0 / 1_000_000_000).unwrap_or(0)),
        _ => None,
    }
}

macro_rules! rows {
    ($($(#[$doc:meta])* $kind:ident $log:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty = $column:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[allow(missing_docs, reason = "the columns are documented in the log's schema")]
            #[derive(Clone, Copy)]
            pub struct $kind<'a> {
                $($(#[$field_doc])* pub $field: $type,)*
                pub _row: std::marker::PhantomData<&'a ()>,
            }

            impl<'a> $kind<'a> {
                const COLUMNS: &'static [&'static str] = &[$($column),*];

                fn of(plan: &Plan, values: &[Value<'a>]) -> Self {
                    let mut places = plan.places.iter();
                    let mut next = || {
                        let place = places.next().copied().unwrap_or(usize::MAX);
                        values.get(place).unwrap_or(&Value::Unset)
                    };
                    Self { $($field: Column::of(next()),)* _row: std::marker::PhantomData }
                }
            }
        )*

        /// A kind of row that detectors may declare.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = concat!("Rows of `", $log, "`.")] $kind,)*
        }

        impl Kind {
            /// In the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The log.
            pub const fn log(self) -> &'static str {
                match self {
                    $(Self::$kind => $log,)*
                }
            }

            /// The columns that are read.
            pub const fn columns(self) -> &'static [&'static str] {
                match self {
                    $(Self::$kind => $kind::COLUMNS,)*
                }
            }
        }

        /// A row.
        #[derive(Clone, Copy)]
        pub enum Row<'a> {
            $(#[doc = concat!("Of `", $log, "`.")] $kind($kind<'a>),)*
        }

        impl<'a> Row<'a> {
            /// Packet time of the row.
            pub fn ts(&self) -> Timestamp {
                match self {
                    $(Self::$kind(row) => row.ts,)*
                }
            }

            fn of(plan: &Plan, values: &[Value<'a>]) -> Self {
                match plan.kind {
                    $(Kind::$kind => Self::$kind($kind::of(plan, values)),)*
                }
            }
        }
    };
}

rows! {
    /// A service that a device announces to its neighbours; told, no log.
    Announcement "announcement" {
        ts: Timestamp = "ts", uid: Uid = "uid", host: Addr = "host",
        service: &'a [u8] = "service", instance: &'a [u8] = "instance", port: Option<u64> = "port",
        text: &'a [u8] = "text", packet: u64 = "packet",
    }
    /// Who asked for an address, or said to have one, over five minutes.
    Arp "arp" {
        ts: Timestamp = "ts", operation: &'a str = "operation", vlan: Option<u64> = "vlan",
        orig_mac: MacAddr = "orig_mac", orig: Option<Addr> = "orig_h", resp: Addr = "resp_h",
        resp_mac: Option<MacAddr> = "resp_mac", count: u64 = "count", replies: u64 = "reply_count",
        duration: Interval = "duration", frame_mac: Option<MacAddr> = "frame_mac",
    }
    /// A BACnet message.
    Bacnet "bacnet" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        is_orig: bool = "is_orig", service: &'a str = "service", error: &'a [u8] = "error",
    }
    /// When and how much the ends of a connection out of the network spoke, a piece at a time; told, no log.
    Bursts "bursts" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        app: &'a [u8] = "app", begun: Timestamp = "begun", sent_len: u64 = "sent_len", received_len: u64 = "received_len",
        seconds: Items<'a> = "seconds", sent: Items<'a> = "sent", received: Items<'a> = "received",
        segments: u64 = "segments", short: u64 = "short", sealed: u64 = "sealed", typed: u64 = "typed",
        answered: u64 = "answered", stretches: u64 = "stretches",
    }
    /// A flow that has ended.
    Conn "conn" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", orig_port: u16 = "id.orig_p", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        proto: &'a str = "proto", app: &'a [u8] = "app", history: &'a [u8] = "history", duration: Interval = "duration",
        orig_bytes: u64 = "orig_bytes", resp_bytes: u64 = "resp_bytes", state: &'a str = "conn_state",
        local_orig: bool = "local_orig", local_resp: bool = "local_resp", missed: u64 = "missed_bytes",
        orig_pkts: u64 = "orig_pkts", resp_pkts: u64 = "resp_pkts",
        orig_ip_bytes: u64 = "orig_ip_bytes", resp_ip_bytes: u64 = "resp_ip_bytes", one_sided: &'a str = "one_sided",
        midstream: bool = "midstream", orig_mac: Option<MacAddr> = "orig_l2_addr", resp_mac: Option<MacAddr> = "resp_l2_addr",
        orig_gap: u64 = "orig_gap_bytes", resp_gap: u64 = "resp_gap_bytes",
        cut: u64 = "cut_bytes",
    }
    /// A login that crossed the network.
    Credential "credential" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        protocol: &'a str = "protocol", method: &'a [u8] = "method", user: &'a [u8] = "user",
        password_len: Option<u64> = "password_len", success: Option<bool> = "success", clear: bool = "clear",
        packet: u64 = "packet",
    }
    /// A remote procedure call that was answered without a fault.
    DceRpc "dce_rpc" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        pipe: &'a [u8] = "named_pipe", endpoint: &'a [u8] = "endpoint", operation: &'a [u8] = "operation",
        opnum: u64 = "opnum",
    }
    /// A lease of DHCP, or what was said about one.
    Dhcp "dhcp" {
        ts: Timestamp = "ts", client: Option<Addr> = "client_addr",
        assigned: Option<Addr> = "assigned_addr", mac: &'a [u8] = "mac",
        host_name: &'a [u8] = "host_name", messages: Items<'a> = "msg_types", servers: Items<'a> = "server_ids",
        routers: Items<'a> = "routers", resolvers: Items<'a> = "dns_servers", proxy: &'a [u8] = "proxy_config",
    }
    /// A message of DHCPv6.
    Dhcpv6 "dhcpv6" {
        ts: Timestamp = "ts", uid: Uid = "uid", orig: Addr = "id.orig_h", resp: Addr = "id.resp_h",
        resp_port: u16 = "id.resp_p", message: &'a str = "msg_type", resolvers: Items<'a> = "dns_servers",
    }
    /// A DNP3 request with its response.
    Dnp3 "dnp3" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        request: &'a str = "fc_request", reply: &'a str = "fc_reply", controls: Items<'a> = "controls",
    }
    /// A DNS question with its answer.
    Dns "dns" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", orig_port: u16 = "id.orig_p", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        id: u64 = "trans_id", query: &'a [u8] = "query", qtype: u64 = "qtype", rcode: Option<u64> = "rcode",
        authoritative: bool = "AA", recursion: bool = "RA", answers: Items<'a> = "answers", ttls: Items<'a> = "TTLs",
        records: Answers<'a> = "answers",
    }
    /// One DNS message on port 53, strays and forgeries too.
    DnsMessage "dns_message" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", orig_port: u16 = "id.orig_p", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        packet: u64 = "packet", proto: &'a str = "proto", from_orig: bool = "from_orig", is_query: bool = "is_query",
        hop_limit: u64 = "hop_limit", len: u64 = "len", id: u64 = "trans_id", opcode: u64 = "opcode",
        authoritative: bool = "AA", truncated: bool = "TC", recursion_desired: bool = "RD", recursion: bool = "RA",
        authentic: bool = "AD", unchecked: bool = "CD", rcode: u64 = "rcode",
        query: Option<&'a [u8]> = "query", qtype: u64 = "qtype", qclass: u64 = "qclass",
        dnssec_ok: bool = "edns_do", extended_error: Option<u64> = "edns_ede",
        cookie: bool = "cookie", sections: Items<'a> = "sections", owners: Items<'a> = "owners", types: Items<'a> = "types",
        record_ttls: Items<'a> = "ttls", data: Items<'a> = "data", more: u64 = "more", digest: u64 = "digest",
        wire: Option<&'a [u8]> = "wire", entries: Entries<'a> = "sections",
    }
    /// What echo messages between two hosts carried during five minutes; told, no log.
    EchoContent "echo_content" {
        ts: Timestamp = "ts", uid: Uid = "uid", orig: Addr = "id.orig_h", resp: Addr = "id.resp_h",
        until: Timestamp = "until", requests: u64 = "requests", replies: u64 = "replies",
        request_len: u64 = "request_len", reply_len: u64 = "reply_len", compared: u64 = "compared",
        changed: u64 = "changed", extra: u64 = "extra", lens: Items<'a> = "lens", len_counts: Items<'a> = "len_counts",
        entropy: Option<u64> = "entropy", inside: &'a [u8] = "inside", samples: Items<'a> = "samples",
        packet: u64 = "packet",
    }
    /// An EtherNet/IP message.
    Enip "enip" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        is_orig: bool = "is_orig", command: &'a str = "command", service: &'a str = "service",
        product: &'a [u8] = "product_name",
    }
    /// A file seen on the way.
    Files "files" {
        ts: Timestamp = "ts", id: Uid = "fuid", uid: Uid = "uid", orig: Addr = "id.orig_h", resp: Addr = "id.resp_h",
        source: &'a [u8] = "source", mime: &'a [u8] = "mime_type", name: &'a [u8] = "filename", seen: u64 = "seen_bytes",
        md5: &'a [u8] = "md5", sha1: &'a [u8] = "sha1", sha256: &'a [u8] = "sha256", is_orig: bool = "is_orig",
    }
    /// An HTTP request with its response.
    Http "http" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        method: &'a [u8] = "method", host: &'a [u8] = "host", uri: &'a [u8] = "uri", referrer: &'a [u8] = "referrer",
        agent: &'a [u8] = "user_agent", status: Option<u64> = "status_code", user: &'a [u8] = "username",
        request_len: u64 = "request_body_len", response_len: u64 = "response_body_len",
        response_types: Items<'a> = "resp_mime_types", request_types: Items<'a> = "orig_mime_types", api: &'a [u8] = "api", decrypted: bool = "decrypted",
    }
    /// ICMP messages of a flow that has ended.
    Icmp "icmp" {
        ts: Timestamp = "ts", orig: Addr = "id.orig_h", resp: Addr = "id.resp_h",
        icmp_type: u64 = "icmp_type", code: u64 = "code", answers: u64 = "resp_count",
        inner_orig: Addr = "inner.orig_h", inner_resp: Addr = "inner.resp_h",
        inner_count: u64 = "inner_count",
    }
    /// A message of IEC 60870-5-104.
    Iec104 "iec104" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        is_orig: bool = "is_orig", type_id: Option<u64> = "type_id", type_name: &'a str = "type_name",
        cause: &'a str = "cause",
    }
    /// A Kafka request with its response.
    Kafka "kafka" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        api: &'a [u8] = "api", error: &'a [u8] = "error", user: &'a [u8] = "user", mechanism: &'a [u8] = "mechanism",
        response_len: u64 = "response_len",
    }
    /// An exchange with a key distribution centre, or a ticket shown to a service.
    Kerberos "kerberos" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        request: &'a str = "request_type", client: &'a [u8] = "client", service: &'a [u8] = "service",
        success: Option<bool> = "success", error: Option<u64> = "error_code", cipher: &'a str = "cipher",
        reply_cipher: &'a str = "reply_cipher", offered: Items<'a> = "request_ciphers", preauth: Option<Items<'a>> = "preauth",
        shown: &'a [u8] = "auth_ticket", given: &'a [u8] = "new_ticket", shown_service: &'a [u8] = "auth_service",
    }
    /// An LDAP operation.
    Ldap "ldap" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        opcode: &'a str = "opcode", result: &'a str = "result", argument: &'a [u8] = "argument",
        object: &'a [u8] = "object",
        decrypted: bool = "decrypted",
    }
    /// A search of LDAP.
    LdapSearch "ldap_search" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        base: &'a [u8] = "base_object", scope: &'a str = "scope", attributes: Items<'a> = "requested_attributes", count: u64 = "result_count", filter: &'a [u8] = "filter",
    }
    /// A mail; told, no log.
    Mail "mail" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        protocol: &'a str = "protocol", file: &'a [u8] = "file", packet: u64 = "packet", complete: bool = "complete",
        to_client: bool = "to_client",
        helo: &'a [u8] = "helo", mailfrom: &'a [u8] = "mailfrom", rcptto: Items<'a> = "rcptto",
        accepted: Option<bool> = "accepted", from_name: &'a [u8] = "from_name", from: &'a [u8] = "from",
        from_count: u64 = "from_count", reply_to: &'a [u8] = "reply_to", return_path: &'a [u8] = "return_path",
        message_id: &'a [u8] = "message_id", subject: &'a [u8] = "subject", to: Items<'a> = "to",
        received: Items<'a> = "received", auth_results: Items<'a> = "auth_results", arc_pass: bool = "arc_pass",
        is_list: bool = "is_list", text: &'a [u8] = "text", link_texts: Items<'a> = "link_texts",
        link_targets: Items<'a> = "link_targets", part_of: Items<'a> = "part_of", part_depths: Items<'a> = "part_depths",
        part_lens: Items<'a> = "part_lens", part_names: Items<'a> = "part_names", part_kinds: Items<'a> = "part_kinds",
        part_declared: Items<'a> = "part_declared", part_notes: Items<'a> = "part_notes",
        part_sha256: Items<'a> = "part_sha256",
    }
    /// A command of memcached with its answer.
    Memcached "memcached" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        command: &'a [u8] = "command", status: &'a [u8] = "status", success: Option<bool> = "success",
        items: u64 = "item_count", user: &'a [u8] = "user",
    }
    /// A Modbus message.
    Modbus "modbus" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        unit: u64 = "unit", func: &'a str = "func", pdu: &'a str = "pdu_type", exception: &'a str = "exception",
        address: Option<u64> = "address", values: Items<'a> = "values",
    }
    /// How an MQTT session began.
    MqttConnect "mqtt_connect" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        status: &'a [u8] = "connect_status", user: &'a [u8] = "user", password: bool = "password_seen",
        method: &'a [u8] = "auth_method", decrypted: bool = "decrypted",
    }
    /// A command of MySQL with its answer.
    Mysql "mysql" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        command: &'a [u8] = "cmd", argument: &'a [u8] = "arg", success: Option<bool> = "success",
        error: Option<u64> = "error_code",
    }
    /// A machine says by NetBIOS that it has a name; told, no log.
    NetbiosName "netbios_name" {
        ts: Timestamp = "ts", uid: Uid = "uid", host: Addr = "host", asker: Addr = "asker", name: &'a [u8] = "name",
        packet: u64 = "packet",
    }
    /// A session of NTLM.
    Ntlm "ntlm" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        version: Option<u64> = "version", user: &'a [u8] = "username", workstation: &'a [u8] = "hostname",
        server_name: &'a [u8] = "server_nb_computer_name", success: Option<bool> = "success", status: &'a [u8] = "status",
    }
    /// An NTLM login with what judges want of it; told, no log.
    NtlmLogin "ntlm_login" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        over: &'a str = "over", user: &'a [u8] = "user", domain: &'a [u8] = "domain", workstation: &'a [u8] = "workstation",
        server_name: &'a [u8] = "server_name", server_dns_name: &'a [u8] = "server_dns_name",
        offered: Option<u64> = "offered", flags: Option<u64> = "flags", challenge: Option<u64> = "challenge",
        challenged: Option<Timestamp> = "challenged", challenge_packet: u64 = "challenge_packet",
        answered: bool = "answered", lm_len: u64 = "lm_len", nt_len: u64 = "nt_len", lm_set: bool = "lm_set",
        proof: Option<u64> = "proof", success: Option<bool> = "success", packet: u64 = "packet",
    }
    /// Equal messages of neighbour discovery of a flow.
    Ndp "ndp" {
        ts: Timestamp = "ts", uid: Uid = "uid", orig: Addr = "id.orig_h", resp: Addr = "id.resp_h",
        operation: &'a str = "operation", is_orig: bool = "is_orig", count: u64 = "count",
        target: Option<Addr> = "target", source_mac: Option<MacAddr> = "source_mac",
        target_mac: Option<MacAddr> = "target_mac", duplicate: bool = "duplicate_detection",
        solicited: Option<bool> = "solicited", overrides: bool = "override",
        lifetime: Option<Interval> = "router_lifetime", prefixes: Items<'a> = "prefixes", resolvers: Items<'a> = "dns_servers",
    }
    /// Control messages of NTP between two hosts.
    NtpControl "ntp_admin" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        replies: u64 = "replies", errors: u64 = "errors",
    }
    /// What an authority says about a certificate's revocation.
    Ocsp "ocsp" {
        ts: Timestamp = "ts", id: Uid = "id", serial: &'a [u8] = "serialNumber", key_hash: &'a [u8] = "issuerKeyHash",
        status: &'a str = "certStatus", revoked_at: Option<Timestamp> = "revoketime", reason: &'a str = "revokereason",
        next_update: Option<Timestamp> = "nextUpdate",
    }
    /// A request that a router let something in; told, no log.
    PortMapping "port_mapping" {
        ts: Timestamp = "ts", uid: Uid = "uid", orig: Addr = "id.orig_h", resp: Addr = "id.resp_h",
        external_port: Option<u64> = "external_port", protocol: &'a [u8] = "protocol",
        internal_host: &'a [u8] = "internal_host", internal_port: Option<u64> = "internal_port",
        description: &'a [u8] = "description", status: Option<u64> = "status", packet: u64 = "packet",
    }
    /// A packet meant to die on the way, or (`router` is set) a router's word that it did.
    Probe "probe" {
        ts: Timestamp = "ts", uid: Uid = "uid", orig: Addr = "id.orig_h", resp: Addr = "id.resp_h",
        proto: &'a str = "proto", mark: u32 = "mark", ttl: Option<u64> = "ttl", router: Option<Addr> = "router",
    }
    /// An exchange of PostgreSQL.
    Postgresql "postgresql" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        user: &'a [u8] = "user", backend: &'a [u8] = "backend", success: Option<bool> = "success",
        error: &'a [u8] = "error_code",
    }
    /// A QUIC connection.
    Quic "quic" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        server_name: &'a [u8] = "server_name", alpn: Items<'a> = "client_alpn",
    }
    /// A session of RDP.
    Rdp "rdp" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        security: &'a [u8] = "security_protocol", result: &'a [u8] = "result",
    }
    /// A session of a remote framebuffer (VNC).
    Rfb "rfb" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        method: &'a str = "authentication_method", auth: Option<bool> = "auth", desktop: &'a [u8] = "desktop_name",
    }
    /// A request of RTSP with its response.
    Rtsp "rtsp" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        method: &'a [u8] = "method", uri: &'a [u8] = "uri", user: &'a [u8] = "auth_user",
        auth_method: &'a [u8] = "auth_method", status: Option<u64> = "status_code", content: &'a [u8] = "content_type",
    }
    /// An alert of a rule.
    RuleAlert "rule_alert" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        src: Addr = "src", src_port: Option<u16> = "src_port", dst: Addr = "dst", dst_port: Option<u16> = "dst_port",
        sid: u64 = "sid", gid: u64 = "gid", msg: &'a [u8] = "msg", category: &'a [u8] = "category",
        priority: u64 = "priority", target_is_src: Option<bool> = "target_is_src", techniques: Items<'a> = "techniques",
        tactic: &'a [u8] = "tactic", confidence: &'a [u8] = "confidence", matched: Items<'a> = "matched",
    }
    /// A message of S7.
    S7comm "s7comm" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        is_orig: bool = "is_orig", func: &'a str = "func", success: Option<bool> = "success",
    }
    /// Values of one kind in a content that passed in clear, though they should not; told, no log.
    SensitiveData "sensitive_data" {
        ts: Timestamp = "ts", uid: Uid = "uid", orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        is_orig: bool = "is_orig", source: &'a [u8] = "source", kind: &'a [u8] = "kind", digests: Items<'a> = "digests",
        ends: Items<'a> = "ends", len: u64 = "len", near: bool = "near", misses: u64 = "misses", offset: u64 = "offset",
        packet: u64 = "packet",
    }
    /// How a service answered somebody from outside.
    ServiceUse "service_use" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        service: &'a str = "service", answer: &'a str = "answer", request: &'a [u8] = "request",
        response: &'a [u8] = "response", packet: u64 = "packet", answer_only: bool = "answer_only", tls: bool = "tls",
    }
    /// An SMTP dialogue about one mail.
    Smtp "smtp" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        last_reply: &'a [u8] = "last_reply",
    }
    /// A server that chose SMB 1 although the client had offered version 2; told, no log.
    SmbDowngrade "smb_downgrade" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p", packet: u64 = "packet",
    }
    /// Something done to a file on a share.
    SmbFiles "smb_files" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        action: &'a str = "action", share: &'a [u8] = "path", name: &'a [u8] = "name", before: &'a [u8] = "prev_name",
        size: u64 = "size",
    }
    /// A minute of encrypted messages of SMB; told, no log.
    SmbHidden "smb_hidden" {
        ts: Timestamp = "ts", uid: Uid = "uid", orig: Addr = "id.orig_h", resp: Addr = "id.resp_h",
        until: Timestamp = "until", first: bool = "first", read_len: u64 = "read_len", written_len: u64 = "written_len",
        pairs: u64 = "pairs", sizes: u64 = "sizes", packet: u64 = "packet",
    }
    /// A tree that was connected to by SMB.
    SmbMapping "smb_mapping" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        path: &'a [u8] = "path", dialect: &'a str = "dialect",
    }
    /// What was done to a file on a share between its opening and its closing; told, no log.
    SmbUse "smb_use" {
        ts: Timestamp = "ts", uid: Uid = "uid", orig: Addr = "id.orig_h", resp: Addr = "id.resp_h",
        until: Timestamp = "until", share: &'a [u8] = "path", name: &'a [u8] = "name",
        before: Option<&'a [u8]> = "prev_name", is_dir: bool = "is_dir", listed: bool = "listed", created: bool = "created",
        deleted: bool = "deleted", size: u64 = "size", read_len: u64 = "read_len", written_len: u64 = "written_len",
        read_entropy: Option<u64> = "read_entropy", written_entropy: Option<u64> = "written_entropy",
        written_digest: Option<u64> = "written_digest", written_text: bool = "written_text", packet: u64 = "packet",
    }
    /// What two hosts said by SNMP.
    Snmp "snmp" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        version: &'a str = "version", community: &'a [u8] = "community", sets: u64 = "set_requests",
        responses: u64 = "get_responses", level: &'a str = "security_level", errors: u64 = "errors",
    }
    /// A device or service looked for, found or announced by SSDP.
    Ssdp "ssdp" {
        ts: Timestamp = "ts", uid: Uid = "uid", orig: Addr = "id.orig_h", resp: Addr = "id.resp_h",
        resp_port: u16 = "id.resp_p", method: &'a str = "method", target: &'a [u8] = "target",
        notification: &'a [u8] = "notification", location: &'a [u8] = "location", server: &'a [u8] = "server",
    }
    /// A session of SSH.
    Ssh "ssh" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        version: Option<u64> = "version", server: &'a [u8] = "server", cipher: &'a [u8] = "cipher_alg",
        success: Option<bool> = "auth_success", attempts: u64 = "auth_attempts", client: &'a [u8] = "client",
        reversed: Option<bool> = "reversed", refused: Option<bool> = "auth_refused",
    }
    /// A TLS session.
    Ssl "ssl" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        version: &'a [u8] = "version", cipher: &'a [u8] = "cipher", server_name: &'a [u8] = "server_name",
        established: bool = "established", resumed: bool = "resumed", chain: Items<'a> = "cert_chain_fps",
        validation: &'a [u8] = "validation_status", name_matches: Option<bool> = "sni_matches_cert",
        alert: &'a [u8] = "last_alert", ja3: &'a [u8] = "ja3", ja4: &'a [u8] = "ja4", alpn: &'a [u8] = "next_protocol",
        offered: Items<'a> = "client_alpn",
    }
    /// The first words of a TCP connection in a protocol that nobody knows, one row for each chunk; told, no log.
    Stranger "stranger" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        is_orig: bool = "is_orig", bytes: &'a [u8] = "bytes", len: u64 = "len", entropy: Option<u64> = "entropy",
        packet: u64 = "packet",
    }
    /// A certificate, the first time that it was seen; told, no log.
    TlsCert "tls_cert" {
        ts: Timestamp = "ts", fingerprint: &'a [u8] = "fingerprint", key: &'a [u8] = "key", serial: &'a [u8] = "serial",
        subject: &'a [u8] = "subject", issuer: &'a [u8] = "issuer",
        not_before: Option<Timestamp> = "not_before", not_after: Option<Timestamp> = "not_after",
        sig_alg: &'a [u8] = "sig_alg", key_type: &'a str = "key_type", key_len: Option<u64> = "key_len",
        exponent: &'a [u8] = "exponent", names: Items<'a> = "names",
        name_count: u64 = "name_count", ca: bool = "ca", key_id: &'a [u8] = "key_id",
        issuer_key_id: &'a [u8] = "issuer_key_id", self_issued: bool = "self_issued", sct_count: u64 = "sct_count",
    }
    /// A TLS session as only detectors want it; told, no log.
    TlsSession "tls_session" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        client: Addr = "client", server: Addr = "server", server_port: u16 = "server_port",
        version: Option<u64> = "version", offered: Option<u64> = "offered", cipher: &'a str = "cipher",
        dh_len: Option<u64> = "dh_len", compression: bool = "compression", downgrade: bool = "downgrade",
        heartbleed: &'a str = "heartbleed", established: bool = "established", resumed: bool = "resumed",
        server_name: &'a [u8] = "server_name", chain: Items<'a> = "chain", validation: &'a [u8] = "validation",
        fault: &'a str = "fault", name_fits: &'a str = "name_fits", client_alert: Option<u64> = "client_alert",
        client_cert: bool = "client_cert", inside: &'a str = "inside", added_root: bool = "added_root",
    }
    /// How a program asked by HTTP for something outside, told before the `http` row of the exchange; no log.
    WebClient "web_client" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", fields: u64 = "field_count", order: u64 = "order",
        names: &'a [u8] = "names", bare: bool = "bare", old: bool = "old", token: Option<u64> = "token",
        entropy: Option<u64> = "entropy", payload: Option<&'a str> = "payload",
        authority: &'a [u8] = "authority", other_host: &'a [u8] = "other_host",
    }
    /// A page or redirection of a web site; told, no log.
    WebPage "web_page" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        packet: u64 = "packet", host: &'a [u8] = "host", uri: &'a [u8] = "uri", status: u64 = "status", tls: bool = "tls",
        is_page: bool = "is_page", fields: Items<'a> = "fields", elements: Items<'a> = "elements",
    }
    /// A request with the characters of attacks in it; told, no log.
    WebRequest "web_request" {
        ts: Timestamp = "ts", uid: Uid = "uid",
        orig: Addr = "id.orig_h", resp: Addr = "id.resp_h", resp_port: u16 = "id.resp_p",
        packet: u64 = "packet", method: &'a [u8] = "method", host: &'a [u8] = "host", uri: &'a [u8] = "uri",
        fields: Items<'a> = "fields", body: &'a [u8] = "body", status: Option<u64> = "status",
        response: &'a [u8] = "response", response_len: u64 = "response_len",
    }
}

/// A record of a DNS message.
#[derive(Clone, Copy, Debug)]
pub struct DnsEntry<'a> {
    /// 1 answer, 2 authority, 3 additional.
    pub section: u64,
    /// Owner in lower case.
    pub owner: &'a [u8],
    /// Type.
    pub rtype: u64,
    /// Time to live in seconds.
    pub ttl: u64,
    /// Address, or the name that it leads to.
    pub data: &'a [u8],
    /// Of an A or AAAA record.
    addr: Option<Addr>,
}

impl DnsEntry<'_> {
    /// The address of an A or AAAA record.
    pub fn addr(&self) -> Option<Addr> {
        self.addr
    }
}

/// All records of a DNS message, put together once for all detectors.
#[derive(Clone, Copy, Default)]
pub struct Entries<'a> {
    all: &'a [DnsEntry<'a>],
    /// A bit for each type below 64 that one of them has.
    types: u64,
}

impl<'a> Entries<'a> {
    fn new(all: &'a [DnsEntry<'a>], types: Items<'_>) -> Self {
        Self { all, types: types.counts().fold(0, |types, rtype| types | type_bit(rtype)) }
    }
}

/// The bit of a record's type; of types that have none, none.
pub(crate) const fn type_bit(rtype: u64) -> u64 {
    if rtype < 64 { 1 << rtype } else { 0 }
}

/// One answer of a `dns` row.
#[derive(Clone, Copy, Debug)]
pub struct DnsAnswer<'a> {
    /// As the log has it.
    pub text: &'a [u8],
    /// The address, if the text is one.
    pub addr: Option<Addr>,
    /// Time to live in seconds, if the log has as many of them as answers.
    pub ttl: Option<u64>,
}

/// All answers of a `dns` row, read once for all detectors.
#[derive(Clone, Copy, Default)]
pub struct Answers<'a>(&'a [DnsAnswer<'a>]);

macro_rules! made {
    ($($type:ident)*) => {$(
        impl<'a> Column<'a> for $type<'a> {
            fn of(_: &Value<'a>) -> Self {
                // They need more than one column.
                Self::default()
            }
        }
    )*};
}

made! { Entries Answers }

impl<'a> Dns<'a> {
    /// Its answers.
    pub fn records(&self) -> impl Iterator<Item = DnsAnswer<'a>> + use<'a> {
        self.records.0.iter().copied()
    }

    fn read(&self) -> impl Iterator<Item = DnsAnswer<'a>> + use<'a> {
        let mut ttls = self.ttls.counts();
        self.answers.texts().map(move |text| DnsAnswer { text, addr: Addr::from_text(text), ttl: ttls.next() })
    }
}

impl<'a> DnsMessage<'a> {
    /// Who sent it, from which port.
    pub fn sender(&self) -> (Addr, u16) {
        if self.from_orig { (self.orig, self.orig_port) } else { (self.resp, self.resp_port) }
    }

    /// To whom.
    pub fn receiver(&self) -> (Addr, u16) {
        if self.from_orig { (self.resp, self.resp_port) } else { (self.orig, self.orig_port) }
    }

    /// Its records.
    pub fn records(&self) -> impl Iterator<Item = DnsEntry<'a>> + use<'a> {
        self.entries.all.iter().copied()
    }

    /// Has a record one of these types, given as the sum of their bits? See [`type_bit`].
    pub(crate) fn has_type(&self, bits: u64) -> bool {
        self.entries.types & bits != 0
    }

    fn read(&self) -> impl Iterator<Item = DnsEntry<'a>> + use<'a> {
        let (owners, data, sections, types, ttls) =
            (self.owners, self.data, self.sections, self.types, self.record_ttls);
        // One item of each for each record.
        let len = [owners, data, sections, types, ttls].iter().map(Items::len).min().unwrap_or(0);
        (0..len).filter_map(move |i| {
            let (section, owner, rtype) = (count(sections.at(i))?, text(owners.at(i))?, count(types.at(i))?);
            let (ttl, data) = (count(ttls.at(i))?, text(data.at(i))?);
            let addr = if matches!(rtype, 1 | 28) { Addr::from_text(data) } else { None };
            Some(DnsEntry { section, owner, rtype, ttl, data, addr })
        })
    }
}

/// Where the columns of a kind stand in a row of its log.
pub(crate) struct Plan {
    kind: Kind,
    places: Vec<usize>,
}

impl Plan {
    /// `None` for logs that nobody reads.
    pub fn new(schema: &Schema) -> Option<Self> {
        let kind = *Kind::ALL.iter().find(|k| k.log() == schema.log)?;
        let places = kind.columns().iter().map(|c| schema.index_of(c).unwrap_or(usize::MAX));
        Some(Self { kind, places: places.collect() })
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Shows a row with these values to `look`.
    pub fn show(&self, values: &[Value<'_>], look: &mut dyn FnMut(&Row<'_>)) {
        match self.kind {
            Kind::DnsMessage => {
                let row = DnsMessage::of(self, values);
                let entries: SmallVec<[DnsEntry<'_>; FEW_RECORDS]> = row.read().collect();
                let mut row = row;
                row.entries = Entries::new(&entries, row.types);
                look(&Row::DnsMessage(row));
            }
            Kind::Dns => {
                let row = Dns::of(self, values);
                let answers: SmallVec<[DnsAnswer<'_>; FEW_RECORDS]> = row.read().collect();
                let mut row = row;
                row.records = Answers(&answers);
                look(&Row::Dns(row));
            }
            _ => look(&Row::of(self, values)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_record::Record;

    /// A stand-in for a log.
    #[derive(Record)]
    #[record(log = "dns")]
    struct Dns {
        /// Name.
        query: Option<&'static str>,
        /// Time.
        ts: Timestamp,
        /// Texts.
        answers: Vec<String>,
    }

    #[test]
    fn columns_are_found_by_name_and_missing_ones_are_empty() {
        let plan = Plan::new(Dns::static_schema()).unwrap();
        assert_eq!(plan.kind(), Kind::Dns);
        let row = Dns { query: Some("a.test"), ts: Timestamp(5), answers: vec!["192.0.2.1".into(), "x".into()] };
        let mut seen = 0;
        let mut look = |row: &Row<'_>| {
            let Row::Dns(row) = row else { panic!("another kind") };
            assert_eq!((row.query, row.ts, row.rcode), (&b"a.test"[..], Timestamp(5), None));
            assert_eq!(row.answers.texts().collect::<Vec<_>>(), [&b"192.0.2.1"[..], b"x"]);
            assert!(row.ttls.is_empty());
            seen += 1;
        };
        crate::testing::show(&plan, &row, &mut look);
        assert_eq!(seen, 1);
    }
}
