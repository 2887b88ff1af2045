use sekisho_types::{Addr, MacAddr, VlanTags};

/// Link-layer type of a frame: the LINKTYPE number of pcap and pcapng (tcpdump.org/linktypes.html).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback, protocol family in host order of the capturing machine.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// PPP.
    pub const PPP: Self = Self(9);
    /// FDDI.
    pub const FDDI: Self = Self(10);
    /// PPP in HDLC-like framing, or Cisco HDLC.
    pub const PPP_HDLC: Self = Self(50);
    /// PPPoE session packets.
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IP as some BSDs number it.
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP as OpenBSD numbers it.
    pub const RAW_OPENBSD: Self = Self(14);
    /// ATM with an LLC header (RFC 1483).
    pub const ATM_RFC1483: Self = Self(100);
    /// Raw IPv4 or IPv6.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub const C_HDLC: Self = Self(104);
    /// 802.11.
    pub const IEEE802_11: Self = Self(105);
    /// Frame Relay.
    pub const FRELAY: Self = Self(107);
    /// OpenBSD loopback, protocol family in network order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture.
    pub const LINUX_SLL: Self = Self(113);
    /// 802.11 behind a Prism header.
    pub const IEEE802_11_PRISM: Self = Self(119);
    /// 802.11 behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// 802.11 behind an AVS header.
    pub const IEEE802_11_AVS: Self = Self(163);
    /// PPP with a direction byte.
    pub const PPP_WITH_DIR: Self = Self(204);
    /// Per-packet information header.
    pub const PPI: Self = Self(192);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// NFLOG messages of Linux netfilter.
    pub const NFLOG: Self = Self(239);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// TCP header flag bits (RFC 9293 §3.1).
pub mod tcp_flags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer counts.
    pub const URG: u8 = 0x20;
    /// ECN echo.
    pub const ECE: u8 = 0x40;
    /// Congestion window reduced.
    pub const CWR: u8 = 0x80;
}

/// The fields of a TCP header that flows need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tcp {
    /// Sequence number of the first payload byte (of the SYN if set).
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flag bits, see [`tcp_flags`].
    pub flags: u8,
    /// Window as sent, unscaled.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Window scale option, on SYN packets only.
    pub window_scale: Option<u8>,
    /// Maximum segment size option, on SYN packets only.
    pub mss: Option<u16>,
    /// Timestamp option: value and echo.
    pub timestamps: Option<(u32, u32)>,
}

/// Where a fragment belongs in its datagram (RFC 791 §3.2, RFC 8200 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification; 16 bits for IPv4.
    pub id: u32,
    /// Offset of the first byte, in bytes.
    pub offset: u32,
    /// More fragments follow.
    pub more: bool,
}

/// Something about the headers that no correct sender does, or that the capture lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Anomaly {
    /// IPv4 header checksum wrong (only looked at when asked for).
    BadIpChecksum,
    /// Transport checksum wrong (only looked at when asked for).
    BadTransportChecksum,
    /// Fewer bytes captured than the link layer carried (snaplen).
    CaptureTruncated,
    /// IP header length field below 20 or beyond the packet.
    IpHeaderLength,
    /// IP total length beyond the frame although the frame was captured whole.
    IpLengthBeyondFrame,
    /// IPv6 extension header chain broken or too long.
    Ipv6Extensions,
    /// Too many VLAN, MPLS or PPPoE layers.
    LayerLimit,
    /// Link layer header incomplete.
    LinkTruncated,
    /// A link type or ethertype that is not decoded.
    UnknownLink,
    /// Transport header incomplete.
    TransportTruncated,
    /// TCP data offset below 5 or beyond the segment.
    TcpHeaderLength,
    /// TCP options malformed.
    TcpOptions,
    /// UDP length field below 8 or beyond the packet.
    UdpLength,
    /// IPv6 routing header of type 0 (RFC 5095), or an IPv4 source route.
    SourceRoute,
    /// A fragment that overlaps the transport header or makes the datagram exceed 64 KiB.
    FragmentGeometry,
}

/// A set of [`Anomaly`] bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anomalies(u32);

impl Anomalies {
    /// Adds one.
    pub fn insert(&mut self, a: Anomaly) {
        self.0 |= 1 << a as u8;
    }

    /// Is `a` in the set?
    pub const fn contains(self, a: Anomaly) -> bool {
        self.0 & (1 << a as u8) != 0
    }

    /// Is nothing in the set?
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The raw bits, bit n for the n-th variant.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// The headers of one frame, or of one packet inside a tunnel: offsets and numbers, no bytes.
///
/// All offsets count from the start of the slice given to the decoder. `ip_version` is 0 when the
/// frame carries no IP; then only the link fields mean something, and for ARP and RARP the payload. Payload ranges always lie within
/// the captured bytes; `wire_len` fields say what the headers claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Sender's link address, if the link has one.
    pub src_mac: Option<MacAddr>,
    /// Receiver's link address, if the link has one.
    pub dst_mac: Option<MacAddr>,
    /// Innermost ethertype, 0 if the link has none.
    pub ethertype: u16,
    /// VLAN ids, outer and inner.
    pub vlan: VlanTags,
    /// 4, 6, or 0 for no IP.
    pub ip_version: u8,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// IP protocol after extension headers.
    pub proto: u8,
    /// Differentiated services field (traffic class).
    pub tos: u8,
    /// Source address.
    pub src: Addr,
    /// Destination address.
    pub dst: Addr,
    /// Source port; for ICMP the type; for ESP the upper half of its SPI.
    pub src_port: u16,
    /// Destination port; for ICMP the code; for ESP the lower half of its SPI.
    pub dst_port: u16,
    /// Offset of the IP header.
    pub ip_offset: u32,
    /// Total length of the IP packet as its header says, header included, in bytes.
    pub ip_len: u32,
    /// Offset of the transport header (of the fragment's data for fragments).
    pub transport_offset: u32,
    /// Offset of the transport payload; for protocols without a decoder, equal to `transport_offset`.
    pub payload_offset: u32,
    /// Captured payload bytes (without link padding).
    pub payload_len: u32,
    /// Payload bytes that the headers claim; more than `payload_len` if the capture cut the packet.
    pub payload_wire_len: u32,
    /// Set if this is a fragment; then ports and TCP fields are not decoded.
    pub fragment: Option<Fragment>,
    /// Were the transport header's fixed fields present?
    pub has_transport: bool,
    /// TCP header, for TCP.
    pub tcp: Tcp,
    /// Where the next packet of the same frame begins, for [`crate::decode_msdu`]; 0 if there is none.
    /// Only 802.11 aggregates have more than one.
    pub next_msdu: u32,
    /// What is odd about the headers.
    pub anomalies: Anomalies,
}

impl Decoded {
    /// The captured transport payload within `frame`, the slice that was decoded.
    pub fn payload<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        slice(frame, self.payload_offset, self.payload_len)
    }

    /// Everything captured from the transport header on, without link padding.
    pub fn transport<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        let header = self.payload_offset.saturating_sub(self.transport_offset);
        slice(frame, self.transport_offset, header.saturating_add(self.payload_len))
    }
}

pub(crate) fn slice(frame: &[u8], offset: u32, len: u32) -> &[u8] {
    let start = offset as usize;
    frame.get(start..start.saturating_add(len as usize)).unwrap_or(&[])
}
