//! The table of facts: what rules may ask for, by protocol.

use crate::fact::{Ends, FactInfo, Kind};

/// Each row: the fact, its keyword in rules, the protocol, whose messages have it, the stage from which on it is final, its kind.
macro_rules! facts {
    ($($name:ident $keyword:literal $app:literal $ends:ident $stage:literal $kind:ident;)*) => {
        /// Something that a rule may ask of a transaction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Fact {
            $(#[doc = concat!("`", $keyword, "`.")] $name,)*
        }

        static INFOS: &[FactInfo] = &[$(
            FactInfo { keyword: $keyword, app: $app, ends: Ends::$ends, stage: $stage, kind: Kind::$kind },
        )*];

        impl Fact {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// Its row.
            pub const fn info(self) -> &'static FactInfo {
                &INFOS[self as usize]
            }

            /// Those that `keyword` asks for.
            pub fn by_keyword(keyword: &str) -> impl Iterator<Item = Self> {
                Self::ALL.iter().copied().filter(move |fact| fact.info().keyword == keyword)
            }
        }
    };
}

facts! {
    DcerpcIface "dcerpc.iface" "dcerpc" Both 0 List;
    DcerpcOpnum "dcerpc.opnum" "dcerpc" Both 0 Number;
    DcerpcStubData "dcerpc.stub_data" "dcerpc" Both 0 Bytes;
    DhcpLeasetime "dhcp.leasetime" "dhcp" Both 0 Number;
    DhcpRebindingTime "dhcp.rebinding_time" "dhcp" Both 0 Number;
    DhcpRenewalTime "dhcp.renewal_time" "dhcp" Both 0 Number;
    Dnp3Data "dnp3.data" "dnp3" Both 0 Bytes;
    Dnp3Func "dnp3.func" "dnp3" Both 0 Number;
    Dnp3Ind "dnp3.ind" "dnp3" Both 0 Number;
    Dnp3Obj "dnp3.obj" "dnp3" Both 0 Numbers;
    DnsAdditionalsRrname "dns.additionals.rrname" "dns" Both 0 List;
    DnsAnswerName "dns.answer.name" "dns" Both 0 List;
    DnsAnswersRrname "dns.answers.rrname" "dns" Both 0 List;
    DnsAuthoritiesRrname "dns.authorities.rrname" "dns" Both 0 List;
    DnsOpcode "dns.opcode" "dns" Both 0 Number;
    DnsQueriesRrname "dns.queries.rrname" "dns" Both 0 List;
    DnsQuery "dns.query" "dns" Request 0 List;
    DnsRcode "dns.rcode" "dns" Both 0 Number;
    DnsResponseRrname "dns.response.rrname" "dns" Response 0 List;
    DnsRrtype "dns.rrtype" "dns" Both 0 Numbers;
    EmailBodyMd5 "email.body_md5" "smtp" Request 2 Bytes;
    EmailCc "email.cc" "smtp" Request 1 Bytes;
    EmailDate "email.date" "smtp" Request 1 Bytes;
    EmailFrom "email.from" "smtp" Request 1 Bytes;
    EmailMessageId "email.message_id" "smtp" Request 1 Bytes;
    EmailReceived "email.received" "smtp" Request 1 List;
    EmailSubject "email.subject" "smtp" Request 1 Bytes;
    EmailTo "email.to" "smtp" Request 1 Bytes;
    EmailUrl "email.url" "smtp" Request 3 List;
    EmailXMailer "email.x_mailer" "smtp" Request 1 Bytes;
    EnipCapabilities "enip.capabilities" "enip" Both 0 Number;
    EnipCipAttribute "enip.cip_attribute" "enip" Both 0 Numbers;
    EnipCipClass "enip.cip_class" "enip" Both 0 Numbers;
    EnipCipExtendedstatus "enip.cip_extendedstatus" "enip" Both 0 Numbers;
    EnipCipInstance "enip.cip_instance" "enip" Both 0 Numbers;
    EnipCipService "enip.cip_service" "enip" Both 0 Numbers;
    EnipCipStatus "enip.cip_status" "enip" Both 0 Numbers;
    EnipCommand "enip.command" "enip" Both 0 Number;
    EnipDeviceType "enip.device_type" "enip" Both 0 Number;
    EnipIdentityStatus "enip.identity_status" "enip" Both 0 Number;
    EnipProductCode "enip.product_code" "enip" Both 0 Number;
    EnipProductName "enip.product_name" "enip" Both 0 Bytes;
    EnipProtocolVersion "enip.protocol_version" "enip" Both 0 Number;
    EnipRevision "enip.revision" "enip" Both 0 Number;
    EnipSerial "enip.serial" "enip" Both 0 Number;
    EnipServiceName "enip.service_name" "enip" Both 0 Bytes;
    EnipState "enip.state" "enip" Both 0 Number;
    EnipStatus "enip.status" "enip" Both 0 Number;
    EnipVendorId "enip.vendor_id" "enip" Both 0 Number;
    FileData "file.data" "" Both 2 Stream;
    FileName "file.name" "" Both 0 List;
    FtpCommand "ftp.command" "ftp" Request 0 Bytes;
    FtpCommandData "ftp.command_data" "ftp" Request 0 Bytes;
    FtpCompletionCode "ftp.completion_code" "ftp" Response 0 List;
    FtpDynamicPort "ftp.dynamic_port" "ftp" Both 1 Number;
    FtpMode "ftp.mode" "ftp" Both 1 Bytes;
    FtpReply "ftp.reply" "ftp" Response 0 List;
    FtpReplyReceived "ftp.reply_received" "ftp" Response 0 Bytes;
    FtpdataCommand "ftpdata_command" "ftp-data" Both 0 Bytes;
    Http2Errorcode "http2.errorcode" "http2" Both 0 Numbers;
    Http2Frametype "http2.frametype" "http2" Both 0 Numbers;
    Http2Header "http2.header" "http2" Both 0 List;
    Http2HeaderName "http2.header_name" "http2" Both 0 List;
    Http2Priority "http2.priority" "http2" Both 0 Numbers;
    Http2Settings "http2.settings" "http2" Both 0 Numbers;
    Http2SizeUpdate "http2.size_update" "http2" Both 0 Numbers;
    Http2Window "http2.window" "http2" Both 0 Numbers;
    HttpAccept "http.accept" "http" Request 1 Bytes;
    HttpAcceptEnc "http.accept_enc" "http" Request 1 Bytes;
    HttpAcceptLang "http.accept_lang" "http" Request 1 Bytes;
    HttpConnection "http.connection" "http" Both 1 Bytes;
    HttpContentLen "http.content_len" "http" Both 1 Bytes;
    HttpContentType "http.content_type" "http" Both 1 Bytes;
    HttpCookie "http.cookie" "http" Both 1 Bytes;
    HttpHeader "http.header" "http" Both 1 Bytes;
    HttpHeaderNames "http.header_names" "http" Both 1 Bytes;
    HttpHeaderRaw "http.header.raw" "http" Both 1 Bytes;
    HttpHost "http.host" "http" Request 1 Bytes;
    HttpHostRaw "http.host.raw" "http" Request 1 Bytes;
    HttpLocation "http.location" "http" Response 1 Bytes;
    HttpMethod "http.method" "http" Request 0 Bytes;
    HttpProtocol "http.protocol" "http" Both 0 Bytes;
    HttpReferer "http.referer" "http" Request 1 Bytes;
    HttpRequestBody "http.request_body" "http" Request 2 Stream;
    HttpRequestHeader "http.request_header" "http" Request 1 List;
    HttpRequestLine "http.request_line" "http" Request 0 Bytes;
    HttpResponseBody "http.response_body" "http" Response 2 Stream;
    HttpResponseHeader "http.response_header" "http" Response 1 List;
    HttpResponseLine "http.response_line" "http" Response 0 Bytes;
    HttpServer "http.server" "http" Response 1 Bytes;
    HttpStart "http.start" "http" Both 1 Bytes;
    HttpStatCode "http.stat_code" "http" Response 0 Bytes;
    HttpStatMsg "http.stat_msg" "http" Response 0 Bytes;
    HttpUri "http.uri" "http" Request 0 Bytes;
    HttpUriRaw "http.uri.raw" "http" Request 0 Bytes;
    HttpUserAgent "http.user_agent" "http" Request 1 Bytes;
    IkeChosenSaAttribute "ike.chosen_sa_attribute" "ike" Both 0 Numbers;
    IkeExchtype "ike.exchtype" "ike" Both 0 Number;
    IkeInitSpi "ike.init_spi" "ike" Request 0 Bytes;
    IkeKeyExchangePayload "ike.key_exchange_payload" "ike" Both 0 Bytes;
    IkeKeyExchangePayloadLength "ike.key_exchange_payload_length" "ike" Both 0 Number;
    IkeNoncePayload "ike.nonce_payload" "ike" Both 0 Bytes;
    IkeNoncePayloadLength "ike.nonce_payload_length" "ike" Both 0 Number;
    IkeRespSpi "ike.resp_spi" "ike" Response 0 Bytes;
    IkeVendor "ike.vendor" "ike" Request 0 List;
    Ja3Hash "ja3.hash" "" Request 0 Bytes;
    Ja3String "ja3.string" "" Request 0 Bytes;
    Ja3sHash "ja3s.hash" "" Response 0 Bytes;
    Ja3sString "ja3s.string" "" Response 0 Bytes;
    Ja4Hash "ja4.hash" "" Request 0 Bytes;
    Krb5Cname "krb5.cname" "krb5" Both 0 List;
    Krb5ErrCode "krb5_err_code" "krb5" Response 0 Number;
    Krb5MsgType "krb5_msg_type" "krb5" Both 0 Number;
    Krb5Sname "krb5.sname" "krb5" Both 0 List;
    Krb5TicketEncryption "krb5.ticket_encryption" "krb5" Both 0 Number;
    Krb5WeakEncryption "krb5.weak_encryption" "krb5" Both 0 Number;
    LdapRequestAttributeType "ldap.request.attribute_type" "ldap" Request 0 List;
    LdapRequestDn "ldap.request.dn" "ldap" Request 0 Bytes;
    LdapRequestOperation "ldap.request.operation" "ldap" Request 0 Number;
    LdapResponsesAttributeType "ldap.responses.attribute_type" "ldap" Response 0 List;
    LdapResponsesCount "ldap.responses.count" "ldap" Response 0 Number;
    LdapResponsesDn "ldap.responses.dn" "ldap" Response 0 List;
    LdapResponsesMessage "ldap.responses.message" "ldap" Response 0 List;
    LdapResponsesOperation "ldap.responses.operation" "ldap" Response 0 Numbers;
    LdapResponsesResultCode "ldap.responses.result_code" "ldap" Response 0 Numbers;
    LlmnrAdditionalsRrname "llmnr.additionals.rrname" "llmnr" Both 0 List;
    LlmnrAnswersRrname "llmnr.answers.rrname" "llmnr" Both 0 List;
    LlmnrAuthoritiesRrname "llmnr.authorities.rrname" "llmnr" Both 0 List;
    LlmnrQueriesRrname "llmnr.queries.rrname" "llmnr" Both 0 List;
    LlmnrResponseRrname "llmnr.response.rrname" "llmnr" Both 0 List;
    MdnsAdditionalsRrname "mdns.additionals.rrname" "mdns" Both 0 List;
    MdnsAnswersRrname "mdns.answers.rrname" "mdns" Both 0 List;
    MdnsAuthoritiesRrname "mdns.authorities.rrname" "mdns" Both 0 List;
    MdnsQueriesRrname "mdns.queries.rrname" "mdns" Both 0 List;
    MdnsResponseRrname "mdns.response.rrname" "mdns" Both 0 List;
    ModbusAccess "modbus.access" "modbus" Request 0 Number;
    ModbusAddress "modbus.address" "modbus" Request 0 Numbers;
    ModbusCategory "modbus.category" "modbus" Request 0 Number;
    ModbusFunction "modbus.function" "modbus" Request 0 Number;
    ModbusSubfunction "modbus.subfunction" "modbus" Request 0 Number;
    ModbusUnit "modbus.unit" "modbus" Request 0 Number;
    ModbusValue "modbus.value" "modbus" Request 0 Numbers;
    MqttConnackSessionPresent "mqtt.connack.session_present" "mqtt" Both 0 Number;
    MqttConnectClientid "mqtt.connect.clientid" "mqtt" Both 0 Bytes;
    MqttConnectFlags "mqtt.connect.flags" "mqtt" Both 0 Number;
    MqttConnectPassword "mqtt.connect.password" "mqtt" Both 0 Bytes;
    MqttConnectProtocolString "mqtt.connect.protocol_string" "mqtt" Both 0 Bytes;
    MqttConnectUsername "mqtt.connect.username" "mqtt" Both 0 Bytes;
    MqttConnectWillmessage "mqtt.connect.willmessage" "mqtt" Both 0 Bytes;
    MqttConnectWilltopic "mqtt.connect.willtopic" "mqtt" Both 0 Bytes;
    MqttFlags "mqtt.flags" "mqtt" Both 0 Numbers;
    MqttProtocolVersion "mqtt.protocol_version" "mqtt" Both 0 Number;
    MqttPublishMessage "mqtt.publish.message" "mqtt" Both 0 List;
    MqttPublishTopic "mqtt.publish.topic" "mqtt" Both 0 List;
    MqttQos "mqtt.qos" "mqtt" Both 0 Numbers;
    MqttReasonCode "mqtt.reason_code" "mqtt" Both 0 Numbers;
    MqttSubscribeTopic "mqtt.subscribe.topic" "mqtt" Both 0 List;
    MqttType "mqtt.type" "mqtt" Both 0 Numbers;
    MqttUnsubscribeTopic "mqtt.unsubscribe.topic" "mqtt" Both 0 List;
    NfsProcedure "nfs_procedure" "nfs" Both 0 Number;
    NfsVersion "nfs.version" "nfs" Both 0 Number;
    NtpMode "ntp.mode" "ntp" Both 0 Number;
    NtpReferenceId "ntp.reference_id" "ntp" Both 0 Bytes;
    NtpStratum "ntp.stratum" "ntp" Both 0 Number;
    NtpVersion "ntp.version" "ntp" Both 0 Number;
    PgsqlQuery "pgsql.query" "pgsql" Request 0 Bytes;
    Pop3Command "pop3.command" "pop3" Request 0 Bytes;
    QuicAlpn "quic.alpn" "quic" Request 0 List;
    QuicCyuHash "quic.cyu.hash" "quic" Request 0 List;
    QuicCyuString "quic.cyu.string" "quic" Request 0 List;
    QuicSni "quic.sni" "quic" Request 0 Bytes;
    QuicUa "quic.ua" "quic" Request 0 Bytes;
    QuicVersion "quic.version" "quic" Both 0 Bytes;
    RfbName "rfb.name" "rfb" Response 0 Bytes;
    RfbSecresult "rfb.secresult" "rfb" Response 0 Number;
    RfbSectype "rfb.sectype" "rfb" Request 0 Number;
    SdpAttribute "sdp.attribute" "sip" Both 0 List;
    SdpBandwidth "sdp.bandwidth" "sip" Both 0 List;
    SdpConnectionData "sdp.connection_data" "sip" Both 0 List;
    SdpEmail "sdp.email" "sip" Both 0 List;
    SdpEncryptionKey "sdp.encryption_key" "sip" Both 0 List;
    SdpMediaConnectionData "sdp.media.connection_data" "sip" Both 0 List;
    SdpMediaEncryptionKey "sdp.media.encryption_key" "sip" Both 0 List;
    SdpMediaMedia "sdp.media.media" "sip" Both 0 List;
    SdpMediaMediaInfo "sdp.media.media_info" "sip" Both 0 List;
    SdpOrigin "sdp.origin" "sip" Both 0 List;
    SdpPhoneNumber "sdp.phone_number" "sip" Both 0 List;
    SdpRepeatTime "sdp.repeat_time" "sip" Both 0 List;
    SdpSessionInfo "sdp.session_info" "sip" Both 0 List;
    SdpSessionName "sdp.session_name" "sip" Both 0 List;
    SdpTime "sdp.time" "sip" Both 0 List;
    SdpTimezone "sdp.timezone" "sip" Both 0 List;
    SdpUri "sdp.uri" "sip" Both 0 List;
    SipContentLength "sip.content_length" "sip" Both 0 List;
    SipContentType "sip.content_type" "sip" Both 0 List;
    SipFrom "sip.from" "sip" Both 0 List;
    SipMethod "sip.method" "sip" Request 0 Bytes;
    SipProtocol "sip.protocol" "sip" Both 0 Bytes;
    SipRequestLine "sip.request_line" "sip" Request 0 Bytes;
    SipResponseLine "sip.response_line" "sip" Response 0 Bytes;
    SipStatCode "sip.stat_code" "sip" Response 0 Bytes;
    SipStatMsg "sip.stat_msg" "sip" Response 0 Bytes;
    SipTo "sip.to" "sip" Both 0 List;
    SipUri "sip.uri" "sip" Request 0 Bytes;
    SipUserAgent "sip.user_agent" "sip" Both 0 List;
    SipVia "sip.via" "sip" Both 0 List;
    SmbNamedPipe "smb.named_pipe" "smb" Request 0 Bytes;
    SmbNtlmsspDomain "smb.ntlmssp_domain" "smb" Request 0 Bytes;
    SmbNtlmsspUser "smb.ntlmssp_user" "smb" Request 0 Bytes;
    SmbShare "smb.share" "smb" Request 0 Bytes;
    SmbVersion "smb.version" "smb" Both 0 Number;
    SmtpHelo "smtp.helo" "smtp" Request 0 Bytes;
    SmtpMailFrom "smtp.mail_from" "smtp" Request 0 Bytes;
    SmtpRcptTo "smtp.rcpt_to" "smtp" Request 0 List;
    SnmpCommunity "snmp.community" "snmp" Both 0 Bytes;
    SnmpPduType "snmp.pdu_type" "snmp" Both 0 Number;
    SnmpTrapType "snmp.trap_type" "snmp" Both 0 Number;
    SnmpUsm "snmp.usm" "snmp" Both 0 Bytes;
    SnmpVersion "snmp.version" "snmp" Both 0 Number;
    SshHassh "ssh.hassh" "ssh" Request 1 Bytes;
    SshHasshServer "ssh.hassh.server" "ssh" Response 1 Bytes;
    SshHasshServerString "ssh.hassh.server.string" "ssh" Response 1 Bytes;
    SshHasshString "ssh.hassh.string" "ssh" Request 1 Bytes;
    SshProto "ssh.proto" "ssh" Both 0 Bytes;
    SshSoftware "ssh.software" "ssh" Both 0 Bytes;
    TlsAlpn "tls.alpn" "tls" Request 0 List;
    TlsCertChainLen "tls.cert_chain_len" "tls" Both 1 Number;
    TlsCertFingerprint "tls.cert_fingerprint" "tls" Both 1 Bytes;
    TlsCertIssuer "tls.cert_issuer" "tls" Both 1 Bytes;
    TlsCertNotafter "tls.cert_notafter" "tls" Both 1 Number;
    TlsCertNotbefore "tls.cert_notbefore" "tls" Both 1 Number;
    TlsCertSerial "tls.cert_serial" "tls" Both 1 Bytes;
    TlsCertSubject "tls.cert_subject" "tls" Both 1 Bytes;
    TlsCerts "tls.certs" "tls" Both 1 List;
    TlsEncrypted "tls.encrypted" "tls" Both 1 Number;
    TlsRandom "tls.random" "tls" Both 0 Bytes;
    TlsRandomBytes "tls.random_bytes" "tls" Both 0 Bytes;
    TlsRandomTime "tls.random_time" "tls" Both 0 Bytes;
    TlsSni "tls.sni" "tls" Request 0 Bytes;
    TlsState "tls.state" "tls" Both 0 Number;
    TlsSubjectaltname "tls.subjectaltname" "tls" Both 1 List;
    TlsVersion "tls.version" "tls" Both 0 Number;
    WebsocketFlags "websocket.flags" "websocket" Both 0 Number;
    WebsocketMask "websocket.mask" "websocket" Both 0 Number;
    WebsocketOpcode "websocket.opcode" "websocket" Both 0 Number;
    WebsocketPayload "websocket.payload" "websocket" Both 0 Bytes;
}
