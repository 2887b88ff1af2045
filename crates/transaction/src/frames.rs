//! Frames: pieces of a stream, or of a datagram, that parsers tell apart; Suricata's names of them (user guide, "Frames").

/// Each row: the frame, the protocol by the name that rules use, its name there, whether streams and datagrams have it.
macro_rules! frames {
    ($($name:ident $app:literal $text:literal $tcp:literal $udp:literal;)*) => {
        /// What a frame is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum FrameKind {
            $(#[doc = concat!("`", $app, ".", $text, "`.")] $name,)*
        }

        static INFOS: &[FrameInfo] = &[$(FrameInfo { app: $app, name: $text, tcp: $tcp, udp: $udp },)*];

        impl FrameKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its row.
            pub const fn info(self) -> &'static FrameInfo {
                &INFOS[self as usize]
            }
        }
    };
}

frames! {
    DcerpcData "dcerpc" "data" true false;
    DcerpcHdr "dcerpc" "hdr" true false;
    DcerpcPdu "dcerpc" "pdu" true false;
    DnsPdu "dns" "pdu" true true;
    EnipCip "enip" "cip" true true;
    EnipData "enip" "data" true true;
    EnipHdr "enip" "hdr" true true;
    EnipItem "enip" "enip.item" true true;
    EnipPdu "enip" "pdu" true true;
    Http1Request "http1" "request" true false;
    Http1Response "http1" "response" true false;
    Http2Data "http2" "data" true false;
    Http2Hdr "http2" "hdr" true false;
    Http2Pdu "http2" "pdu" true false;
    LdapPdu "ldap" "pdu" true true;
    MdnsPdu "mdns" "pdu" false true;
    MqttData "mqtt" "data" true false;
    MqttHeader "mqtt" "header" true false;
    MqttPdu "mqtt" "pdu" true false;
    NfsRpcCreds "nfs" "rpc.creds" true true;
    NfsRpcData "nfs" "rpc.data" true true;
    NfsRpcHdr "nfs" "rpc.hdr" true true;
    NfsRpcPdu "nfs" "rpc.pdu" true true;
    NfsPdu "nfs" "nfs.pdu" true true;
    NfsStatus "nfs" "nfs.status" true true;
    Nfs4Hdr "nfs" "nfs4.hdr" true true;
    Nfs4Ops "nfs" "nfs4.ops" true true;
    Nfs4Pdu "nfs" "nfs4.pdu" true true;
    Nfs4Status "nfs" "nfs4.status" true true;
    PgsqlPdu "pgsql" "pdu" true false;
    RfbPdu "rfb" "pdu" true false;
    SipPdu "sip" "pdu" true true;
    SipRequestBody "sip" "request.body" true true;
    SipRequestHeaders "sip" "request.headers" true true;
    SipRequestLine "sip" "request.line" true true;
    SipResponseBody "sip" "response.body" true true;
    SipResponseHeaders "sip" "response.headers" true true;
    SipResponseLine "sip" "response.line" true true;
    SmbNbssData "smb" "nbss.data" true false;
    SmbNbssHdr "smb" "nbss.hdr" true false;
    SmbNbssPdu "smb" "nbss.pdu" true false;
    Smb1Data "smb" "smb1.data" true false;
    Smb1Hdr "smb" "smb1.hdr" true false;
    Smb1Pdu "smb" "smb1.pdu" true false;
    Smb2Data "smb" "smb2.data" true false;
    Smb2Hdr "smb" "smb2.hdr" true false;
    Smb2Pdu "smb" "smb2.pdu" true false;
    Smb3Data "smb" "smb3.data" true false;
    Smb3Hdr "smb" "smb3.hdr" true false;
    Smb3Pdu "smb" "smb3.pdu" true false;
    SmtpCommandLine "smtp" "command_line" true false;
    SmtpData "smtp" "data" true false;
    SmtpResponseLine "smtp" "response_line" true false;
    SshData "ssh" "record.data" true false;
    SshHdr "ssh" "record.hdr" true false;
    SshPdu "ssh" "record.pdu" true false;
    Stream "" "stream" true false;
    TelnetCtl "telnet" "ctl" true false;
    TelnetData "telnet" "data" true false;
    TelnetPdu "telnet" "pdu" true false;
    TlsAlert "tls" "alert" true false;
    TlsData "tls" "data" true false;
    TlsHdr "tls" "hdr" true false;
    TlsHeartbeat "tls" "heartbeat" true false;
    TlsPdu "tls" "pdu" true false;
    Sslv2Hdr "tls" "sslv2.hdr" true false;
    Sslv2Pdu "tls" "sslv2.pdu" true false;
    WebsocketData "websocket" "data" true false;
    WebsocketHeader "websocket" "header" true false;
    WebsocketPdu "websocket" "pdu" true false;
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct FrameInfo {
    /// The protocol by the name that rules use; `""`: of every one.
    pub app: &'static str,
    /// Its name behind the protocol's.
    pub name: &'static str,
    /// Streams have it.
    pub tcp: bool,
    /// Datagrams have it.
    pub udp: bool,
}

impl FrameKind {
    /// The frame of `app` that rules call `name`, over TCP or over UDP.
    pub fn find(app: &str, name: &str, (tcp, udp): (bool, bool)) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| {
            let info = kind.info();
            (info.app.is_empty() || info.app == app) && info.name == name && (tcp && info.tcp || udp && info.udp)
        })
    }
}

/// Which frames somebody wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameSet(u128);

impl FrameSet {
    /// All of them.
    pub fn all() -> Self {
        let mut set = Self::default();
        FrameKind::ALL.iter().for_each(|&kind| set.add(kind));
        set
    }

    /// Adds one.
    pub const fn add(&mut self, kind: FrameKind) {
        self.0 |= 1 << kind as u8;
    }

    /// Is it wanted?
    pub const fn has(self, kind: FrameKind) -> bool {
        self.0 >> (kind as u8) & 1 == 1
    }

    /// Is one of these wanted?
    pub fn has_any(self, kinds: &[FrameKind]) -> bool {
        kinds.iter().any(|&kind| self.has(kind))
    }

    /// Is nothing wanted?
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

const _: () = assert!(FrameKind::ALL.len() <= 128);

/// A frame as a parser sees it begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: FrameKind,
    /// Where it begins: so many bytes before the end of the bytes at hand.
    pub back: u64,
    /// Bytes, if that is known already.
    pub len: Option<u64>,
    /// The exchange that it belongs to, if that is known already.
    pub tx: Option<u64>,
}

/// A frame that may have to be told more of: its length, its exchange. Of a frame that nobody wants it is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_by_name_and_transport() {
        assert_eq!(FrameKind::find("tls", "pdu", (true, true)), Some(FrameKind::TlsPdu));
        assert_eq!(FrameKind::find("tls", "pdu", (false, true)), None);
        assert_eq!(FrameKind::find("smtp", "stream", (true, false)), Some(FrameKind::Stream));
        assert_eq!(FrameKind::find("enip", "item", (true, true)), None);
        for &kind in FrameKind::ALL {
            let info = kind.info();
            assert_eq!(FrameKind::find(info.app, info.name, (info.tcp, info.udp)), Some(kind));
        }
    }

    #[test]
    fn sets_have_what_was_added() {
        let mut set = FrameSet::default();
        assert!(set.is_empty());
        for &kind in FrameKind::ALL {
            assert!(!set.has(kind));
            set.add(kind);
            assert!(set.has(kind) && set.has_any(&[FrameKind::Stream, kind]));
        }
        assert_eq!(set, FrameSet::all());
    }
}
