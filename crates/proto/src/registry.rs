//! The one table of protocols. To add one: its `pub mod` line in `lib.rs` and its row here. Records that several
//! protocols log (NTLM's, say) are of a module that is no protocol itself, named in a row with `@also`: the sign tells
//! the macro that no protocol follows. `@told`: rows that only detectors want; they stand in no log, and parsers make them
//! only if [`Cx::is_judged`](crate::Cx::is_judged).

use crate::{Cx, Descriptor, Protocol, Start};
use sekisho_record::Record;
use sekisho_types::{Dir, block_len};

/// A parser's state and for how many bytes it was counted last.
pub struct Counted<P> {
    parser: P,
    counted: u32,
}

impl<P: Protocol> Counted<P> {
    fn start(start: &Start<'_>) -> Box<Self> {
        Box::new(Self { parser: P::start(start), counted: 0 })
    }

    fn held_len(&self) -> usize {
        block_len(size_of::<Self>()).saturating_add(self.parser.held_len())
    }

    fn recount(&mut self) -> i64 {
        let now = u32::try_from(self.held_len()).unwrap_or(u32::MAX);
        i64::from(now) - i64::from(std::mem::replace(&mut self.counted, now))
    }
}

macro_rules! protocols {
    (
        $($variant:ident in $module:ident logs [$($record:ident),*];)*
        $(@also $shared:ident logs [$($shared_record:ident),*];)*
        $(@told $telling:ident logs [$($told:ident),*];)*
    ) => {
        /// Names a protocol of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProtoId {
            $(#[doc = concat!("See [`", stringify!($module), "`](crate::", stringify!($module), ").")] $variant,)*
        }

        impl ProtoId {
            /// The protocol's constants.
            pub const fn descriptor(self) -> Descriptor {
                match self {
                    $(Self::$variant => <crate::$module::Parser as Protocol>::DESCRIPTOR,)*
                }
            }
        }

        /// A flow's parser: a 16-byte handle on a boxed state.
        pub enum Parser {
            $(#[doc = concat!("State of `", stringify!($module), "`.")] $variant(Box<Counted<crate::$module::Parser>>),)*
        }

        /// A record that a parser found.
        pub enum Event {
            $($(#[doc = concat!("From `", stringify!($module), "`.")] $record(Box<crate::$module::$record>),)*)*
            $($(#[doc = concat!("From `", stringify!($shared), "`.")] $shared_record(Box<crate::$shared::$shared_record>),)*)*
            $($(#[doc = concat!("From `", stringify!($telling), "`.")] $told(Box<crate::$telling::$told>),)*)*
        }

        $($(
            impl From<crate::$module::$record> for Event {
                fn from(record: crate::$module::$record) -> Self {
                    Self::$record(Box::new(record))
                }
            }
        )*)*

        $($(
            impl From<crate::$shared::$shared_record> for Event {
                fn from(record: crate::$shared::$shared_record) -> Self {
                    Self::$shared_record(Box::new(record))
                }
            }
        )*)*

        $($(
            impl From<crate::$telling::$told> for Event {
                fn from(record: crate::$telling::$told) -> Self {
                    Self::$told(Box::new(record))
                }
            }
        )*)*

        /// Every protocol's constants, in the table's order.
        pub static PROTOCOLS: &[(ProtoId, Descriptor)] =
            &[$((ProtoId::$variant, <crate::$module::Parser as Protocol>::DESCRIPTOR),)*];

        /// Schemas of every record that is only told to detectors.
        pub fn told_schemas() -> Vec<&'static sekisho_record::Schema> {
            vec![$($(<crate::$telling::$told as Record>::static_schema(),)*)*]
        }

        /// Schemas of every log of the table.
        pub fn schemas() -> Vec<&'static sekisho_record::Schema> {
            vec![
                $($(<crate::$module::$record as Record>::static_schema(),)*)*
                $($(<crate::$shared::$shared_record as Record>::static_schema(),)*)*
            ]
        }

        impl Parser {
            /// A new parser for protocol `id`.
            pub fn start(id: ProtoId, start: &Start<'_>) -> Self {
                match id {
                    $(ProtoId::$variant => Self::$variant(Counted::start(start)),)*
                }
            }

            /// Which protocol this is.
            pub const fn id(&self) -> ProtoId {
                match self {
                    $(Self::$variant(_) => ProtoId::$variant,)*
                }
            }

            /// See [`Protocol::data`].
            pub fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
                match self {
                    $(Self::$variant(s) => s.parser.data(dir, bytes, cx),)*
                }
            }

            /// See [`Protocol::gap`].
            pub fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
                match self {
                    $(Self::$variant(s) => s.parser.gap(dir, len, cx),)*
                }
            }

            /// See [`Protocol::half_closed`].
            pub fn half_closed(&mut self, dir: Dir, cx: &mut Cx<'_>) {
                match self {
                    $(Self::$variant(s) => s.parser.half_closed(dir, cx),)*
                }
            }

            /// See [`Protocol::end`].
            pub fn end(&mut self, cx: &mut Cx<'_>) {
                match self {
                    $(Self::$variant(s) => s.parser.end(cx),)*
                }
            }

            /// Bytes that the state takes: itself and what it owns.
            pub fn held_len(&self) -> usize {
                match self {
                    $(Self::$variant(s) => s.held_len(),)*
                }
            }

            /// By how much [`Parser::held_len`] has changed since the last call, at first since nothing.
            pub fn recount(&mut self) -> i64 {
                match self {
                    $(Self::$variant(s) => s.recount(),)*
                }
            }

            /// What the last [`Parser::recount`] came to.
            pub fn counted_len(&self) -> i64 {
                match self {
                    $(Self::$variant(s) => i64::from(s.counted),)*
                }
            }

            /// Bytes of a state of protocol `id` that owns nothing.
            pub const fn empty_len(id: ProtoId) -> usize {
                match id {
                    $(ProtoId::$variant => block_len(size_of::<Counted<crate::$module::Parser>>()),)*
                }
            }
        }

        impl Event {
            /// The row.
            pub fn record(&self) -> &dyn Record {
                match *self {
                    $($(Self::$record(ref r) => &**r,)*)*
                    $($(Self::$shared_record(ref r) => &**r,)*)*
                    $($(Self::$told(ref r) => &**r,)*)*
                }
            }
        }
    };
}

protocols! {
    Amqp in amqp logs [AmqpRecord];
    Bacnet in bacnet logs [BacnetRecord];
    Bittorrent in bittorrent logs [BittorrentRecord];
    DceRpc in dce_rpc logs [];
    Dhcp in dhcp logs [DhcpRecord];
    Dhcpv6 in dhcpv6 logs [Dhcpv6Record];
    Dnp3 in dnp3 logs [Dnp3Record];
    Dns in dns logs [DnsRecord];
    Enip in enip logs [EnipRecord];
    Finger in finger logs [FingerRecord];
    Ftp in ftp logs [FtpRecord];
    FtpData in ftp_data logs [];
    Http in http logs [];
    Http2 in http2 logs [];
    Iec104 in iec104 logs [Iec104Record];
    Ike in ike logs [IkeRecord];
    Imap in imap logs [ImapRecord];
    Irc in irc logs [IrcRecord];
    IrcDcc in irc_dcc logs [];
    Kafka in kafka logs [KafkaRecord];
    Krb in krb logs [];
    L2tp in l2tp logs [L2tpRecord];
    Ldap in ldap logs [LdapRecord, LdapSearchRecord];
    Memcached in memcached logs [MemcachedRecord];
    Modbus in modbus logs [ModbusRecord];
    Mongodb in mongodb logs [MongodbRecord];
    Mqtt in mqtt logs [MqttConnectRecord, MqttPublishRecord, MqttSubscribeRecord];
    Mysql in mysql logs [MysqlRecord];
    Ntp in ntp logs [NtpControlRecord, NtpRecord];
    Oncrpc in oncrpc logs [RpcRecord];
    Opcua in opcua logs [OpcuaRecord];
    Openvpn in openvpn logs [OpenvpnRecord];
    Pop3 in pop3 logs [Pop3Record];
    Postgresql in postgresql logs [PostgresqlRecord];
    Pptp in pptp logs [PptpRecord];
    Quic in quic logs [QuicRecord];
    Radius in radius logs [RadiusExchangeRecord, RadiusRecord];
    Rdp in rdp logs [RdpRecord];
    Rdpeudp in rdpeudp logs [];
    Redis in redis logs [RedisRecord];
    Rfb in rfb logs [RfbRecord];
    Rlogin in rlogin logs [RloginRecord];
    Rtp in rtp logs [RtpRecord];
    Rtsp in rtsp logs [RtspRecord];
    S7comm in s7comm logs [S7commRecord];
    Sip in sip logs [SipRecord];
    Smb in smb logs [SmbFilesRecord, SmbMappingRecord];
    Smtp in smtp logs [SmtpRecord];
    Snmp in snmp logs [SnmpRecord];
    Socks in socks logs [SocksRecord];
    Ssdp in ssdp logs [SsdpRecord];
    Ssh in ssh logs [SshRecord];
    Stun in stun logs [StunRecord];
    Syslog in syslog logs [SyslogRecord];
    Telnet in telnet logs [TelnetRecord];
    Tftp in tftp logs [TftpRecord];
    Tls in tls logs [];
    Websocket in websocket logs [];
    Wireguard in wireguard logs [WireguardRecord];
    Xmpp in xmpp logs [XmppRecord];
    @also certs logs [KnownCertsRecord, X509Record];
    @also handshake logs [SslRecord];
    @also kerberos logs [KerberosRecord];
    @also ntlm logs [NtlmRecord];
    @also rpc logs [DceRpcRecord];
    @also software logs [SoftwareRecord];
    @also upgrade logs [WebsocketRecord];
    @also web logs [HttpRecord];
    @told told logs [CredentialRecord, ServiceUseRecord];
    @told dns logs [AnnouncementRecord, DnsMessageRecord, NetbiosNameRecord];
    @told ntlm logs [NtlmLoginRecord];
    @told smb logs [SmbDowngradeRecord];
    @told letter logs [MailRecord];
    @told web logs [PortMappingRecord, WebClientRecord, WebPageRecord, WebRequestRecord];
    @told handshake logs [TlsCertRecord, TlsSessionRecord];
    @told smb logs [SmbHiddenRecord, SmbUseRecord];
}

const _: () = assert!(size_of::<Option<Parser>>() <= 16);
const _: () = assert!(size_of::<Event>() <= 16);
