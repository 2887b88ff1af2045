use sekisho_types::{Addr, MacAddr, ip_proto};
use std::net::SocketAddr;

/// An address with a port; from `"10.0.0.1:80"` or `"[fd00::1]:80"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// IP address.
    pub addr: Addr,
    /// Port; type or code for ICMP.
    pub port: u16,
}

impl From<&str> for Endpoint {
    fn from(s: &str) -> Self {
        let a: SocketAddr = s.parse().unwrap_or_else(|_| panic!("{s} is no ADDRESS:PORT"));
        Self { addr: a.ip().into(), port: a.port() }
    }
}

impl From<(Addr, u16)> for Endpoint {
    fn from((addr, port): (Addr, u16)) -> Self {
        Self { addr, port }
    }
}

impl Endpoint {
    /// A made-up link address that depends on the IP address only.
    pub fn mac(&self) -> MacAddr {
        let o = self.addr.octets();
        MacAddr([0x02, 0x00, o[12], o[13], o[14], o[15]])
    }
}

/// A TCP, UDP or other packet between two ends, from the inside out: set what matters, then take
/// the segment, the IP packet or the Ethernet frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Sender.
    pub src: Endpoint,
    /// Receiver.
    pub dst: Endpoint,
    /// IP protocol.
    pub proto: u8,
    /// TCP sequence number.
    pub seq: u32,
    /// TCP acknowledgement number.
    pub ack: u32,
    /// TCP flags.
    pub flags: u8,
    /// TCP window.
    pub window: u16,
    /// TCP options, padded to a multiple of four with end-of-list bytes.
    pub options: Vec<u8>,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// IPv4 identification.
    pub id: u16,
    /// VLAN ids, outermost first.
    pub vlans: Vec<u16>,
    /// Transport payload.
    pub payload: Vec<u8>,
}

impl Frame {
    fn new(src: Endpoint, dst: Endpoint, proto: u8) -> Self {
        Self {
            src,
            dst,
            proto,
            seq: 0,
            ack: 0,
            flags: 0,
            window: 64_240,
            options: Vec::new(),
            ttl: 64,
            id: 1,
            vlans: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// A TCP segment with these flags and nothing in it.
    pub fn tcp(src: impl Into<Endpoint>, dst: impl Into<Endpoint>, flags: u8) -> Self {
        Self { flags, ..Self::new(src.into(), dst.into(), ip_proto::TCP) }
    }

    /// A UDP datagram.
    pub fn udp(src: impl Into<Endpoint>, dst: impl Into<Endpoint>, payload: &[u8]) -> Self {
        Self::new(src.into(), dst.into(), ip_proto::UDP).payload(payload)
    }

    /// An ICMP or ICMPv6 message, by the address version; `payload` follows the 8-byte header.
    pub fn icmp(src: Addr, dst: Addr, kind: u8, code: u8, payload: &[u8]) -> Self {
        let proto = if src.is_v4() { ip_proto::ICMP } else { ip_proto::ICMPV6 };
        Self::new((src, u16::from(kind)).into(), (dst, u16::from(code)).into(), proto).payload(payload)
    }

    /// A packet of any other protocol.
    pub fn other(src: Addr, dst: Addr, proto: u8, payload: &[u8]) -> Self {
        Self::new((src, 0).into(), (dst, 0).into(), proto).payload(payload)
    }

    /// Sets sequence and acknowledgement number.
    pub fn seq(mut self, seq: u32, ack: u32) -> Self {
        (self.seq, self.ack) = (seq, ack);
        self
    }

    /// Sets the window.
    pub fn window(mut self, window: u16) -> Self {
        self.window = window;
        self
    }

    /// Sets the TCP options.
    pub fn options(mut self, options: &[u8]) -> Self {
        self.options = options.to_vec();
        self
    }

    /// Sets the transport payload.
    pub fn payload(mut self, payload: &[u8]) -> Self {
        self.payload = payload.to_vec();
        self
    }

    /// Adds a VLAN tag inside those already there.
    pub fn vlan(mut self, id: u16) -> Self {
        self.vlans.push(id);
        self
    }

    /// Sets the time to live or hop limit.
    pub fn ttl(mut self, ttl: u8) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets the IPv4 identification.
    pub fn id(mut self, id: u16) -> Self {
        self.id = id;
        self
    }

    /// Transport header and payload, with the right checksum.
    pub fn segment(&self) -> Vec<u8> {
        let (s, d) = (self.src, self.dst);
        match self.proto {
            ip_proto::TCP => tcp(self),
            ip_proto::UDP => udp(s, d, &self.payload),
            ip_proto::ICMP => icmp(s.port as u8, d.port as u8, &self.payload),
            ip_proto::ICMPV6 => icmp6(s.addr, d.addr, s.port as u8, d.port as u8, &self.payload),
            _ => self.payload.clone(),
        }
    }

    /// The IP packet.
    pub fn packet(&self) -> Vec<u8> {
        let mut p = ip(self.src.addr, self.dst.addr, self.proto, &self.segment());
        if self.src.addr.is_v4() {
            p[8] = self.ttl;
            p[4..6].copy_from_slice(&self.id.to_be_bytes());
            p[10..12].fill(0);
            let sum = checksum(&[&p[..20]]);
            p[10..12].copy_from_slice(&sum.to_be_bytes());
        } else {
            p[7] = self.ttl;
        }
        p
    }

    /// The Ethernet frame, without padding.
    pub fn frame(&self) -> Vec<u8> {
        self.wrap(&self.packet())
    }

    /// The packet cut into IP fragments of at most `len` payload bytes (a multiple of 8), each as an
    /// Ethernet frame, in order.
    pub fn fragments(&self, len: usize) -> Vec<Vec<u8>> {
        ip_fragments(&self.packet(), len).iter().map(|p| self.wrap(p)).collect()
    }

    fn wrap(&self, packet: &[u8]) -> Vec<u8> {
        let mut kind = ip_type(packet);
        let mut body = packet.to_vec();
        for id in self.vlans.iter().rev() {
            body = vlan(*id, kind, &body);
            kind = 0x8100;
        }
        eth(self.src.mac(), self.dst.mac(), kind, &body)
    }
}

fn ip_type(packet: &[u8]) -> u16 {
    if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd }
}

fn len16(n: usize) -> [u8; 2] {
    u16::try_from(n).expect("at most 65535 bytes").to_be_bytes()
}

/// The Internet checksum (RFC 1071) over `parts` as if they were one; all but the last part must have even length.
pub fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u64;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u64::from(pair[0]) << 8 | pair.get(1).map_or(0, |b| u64::from(*b));
        }
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn pseudo_checksum(src: Addr, dst: Addr, proto: u8, segment: &[u8]) -> [u8; 2] {
    let len = u32::try_from(segment.len()).expect("short segment").to_be_bytes();
    checksum(&[src.wire_octets(), dst.wire_octets(), &len, &[0, proto], segment]).to_be_bytes()
}

/// An Ethernet II frame.
pub fn eth(src: MacAddr, dst: MacAddr, kind: u16, body: &[u8]) -> Vec<u8> {
    [&dst.0[..], &src.0, &kind.to_be_bytes(), body].concat()
}

/// What follows the type field 0x8100: tag, inner type field, body.
pub fn vlan(id: u16, kind: u16, body: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes()[..], &kind.to_be_bytes(), body].concat()
}

/// An MPLS label stack, outermost label first, around `body`.
pub fn mpls(labels: &[u32], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, label) in labels.iter().enumerate() {
        let bottom = u32::from(i + 1 == labels.len());
        out.extend((label << 12 | bottom << 8 | 64).to_be_bytes());
    }
    out.extend(body);
    out
}

/// A PPPoE session header and PPP protocol field around an IP packet.
pub fn pppoe(session: u16, packet: &[u8]) -> Vec<u8> {
    let protocol: [u8; 2] = if packet[0] >> 4 == 4 { [0, 0x21] } else { [0, 0x57] };
    [&[0x11, 0][..], &session.to_be_bytes(), &len16(packet.len() + 2), &protocol, packet].concat()
}

/// An IP packet; the version follows the addresses.
pub fn ip(src: Addr, dst: Addr, proto: u8, body: &[u8]) -> Vec<u8> {
    match (src.as_v4(), dst.as_v4()) {
        (Some(s), Some(d)) => ipv4(s, d, proto, body),
        (None, None) => ipv6(src, dst, proto, body),
        _ => panic!("{src} and {dst} are of different versions"),
    }
}

/// An IPv4 packet without options, with checksum.
pub fn ipv4(src: [u8; 4], dst: [u8; 4], proto: u8, body: &[u8]) -> Vec<u8> {
    let mut p = [&[0x45, 0][..], &len16(body.len() + 20), &[0, 1, 0, 0, 64, proto, 0, 0], &src, &dst].concat();
    let sum = checksum(&[&p]);
    p[10..12].copy_from_slice(&sum.to_be_bytes());
    p.extend(body);
    p
}

/// An IPv6 packet; `next` may begin an extension header chain in `body`.
pub fn ipv6(src: Addr, dst: Addr, next: u8, body: &[u8]) -> Vec<u8> {
    [&[0x60, 0, 0, 0][..], &len16(body.len()), &[next, 64], src.octets(), dst.octets(), body].concat()
}

/// Cuts an IP packet (without options or extension headers) into fragments of at most `len` payload bytes.
pub fn ip_fragments(packet: &[u8], len: usize) -> Vec<Vec<u8>> {
    assert!(len >= 8 && len.is_multiple_of(8), "fragments are multiples of 8 bytes");
    let v4 = packet[0] >> 4 == 4;
    let (header, body) = packet.split_at(if v4 { 20 } else { 40 });
    let count = body.len().div_ceil(len);
    let fragment = |(i, part): (usize, &[u8])| {
        let (offset, more) = ((i * len) as u16, i + 1 < count);
        let mut p = header.to_vec();
        if v4 {
            p[2..4].copy_from_slice(&len16(part.len() + 20));
            p[6..8].copy_from_slice(&((offset / 8) | (u16::from(more) << 13)).to_be_bytes());
            p[10..12].fill(0);
            let sum = checksum(&[&p]);
            p[10..12].copy_from_slice(&sum.to_be_bytes());
        } else {
            p[4..6].copy_from_slice(&len16(part.len() + 8));
            let next = std::mem::replace(&mut p[6], 44);
            p.extend([next, 0]);
            p.extend((offset | u16::from(more)).to_be_bytes());
            p.extend([0, 0, 0, 1]);
        }
        p.extend(part);
        p
    };
    body.chunks(len).enumerate().map(fragment).collect()
}

/// The TCP segment that `f` describes, with checksum.
pub fn tcp(f: &Frame) -> Vec<u8> {
    let mut options = f.options.clone();
    options.resize(options.len().next_multiple_of(4), 0);
    let offset = u8::try_from(5 + options.len() / 4).expect("short options");
    assert!(offset < 16, "too many TCP options");
    let mut s = Vec::new();
    s.extend(f.src.port.to_be_bytes());
    s.extend(f.dst.port.to_be_bytes());
    s.extend(f.seq.to_be_bytes());
    s.extend(f.ack.to_be_bytes());
    s.extend([offset << 4, f.flags]);
    s.extend(f.window.to_be_bytes());
    s.extend([0, 0, 0, 0]);
    s.extend(&options);
    s.extend(&f.payload);
    let sum = pseudo_checksum(f.src.addr, f.dst.addr, ip_proto::TCP, &s);
    s[16..18].copy_from_slice(&sum);
    s
}

/// A UDP datagram with checksum.
pub fn udp(src: impl Into<Endpoint>, dst: impl Into<Endpoint>, payload: &[u8]) -> Vec<u8> {
    let (src, dst) = (src.into(), dst.into());
    let mut s = Vec::new();
    s.extend(src.port.to_be_bytes());
    s.extend(dst.port.to_be_bytes());
    s.extend(len16(payload.len() + 8));
    s.extend([0, 0]);
    s.extend(payload);
    let sum = match pseudo_checksum(src.addr, dst.addr, ip_proto::UDP, &s) {
        // 0 would mean "not computed" (RFC 768).
        [0, 0] => [0xff, 0xff],
        sum => sum,
    };
    s[6..8].copy_from_slice(&sum);
    s
}

/// An IP packet with a UDP datagram.
pub fn udp_packet(src: impl Into<Endpoint>, dst: impl Into<Endpoint>, payload: &[u8]) -> Vec<u8> {
    Frame::udp(src, dst, payload).packet()
}

/// An ICMP message; the second header word is 0, `payload` follows it.
pub fn icmp(kind: u8, code: u8, payload: &[u8]) -> Vec<u8> {
    let mut s = [&[kind, code, 0, 0, 0, 0, 0, 0][..], payload].concat();
    let sum = checksum(&[&s]);
    s[2..4].copy_from_slice(&sum.to_be_bytes());
    s
}

/// An ICMP echo request (`kind` 8) or reply (0).
pub fn icmp_echo(kind: u8, id: u16, seq: u16, payload: &[u8]) -> Vec<u8> {
    let mut s = [&[kind, 0, 0, 0][..], &id.to_be_bytes(), &seq.to_be_bytes(), payload].concat();
    let sum = checksum(&[&s]);
    s[2..4].copy_from_slice(&sum.to_be_bytes());
    s
}

/// An ICMPv6 message; the second header word is 0, `payload` follows it.
pub fn icmp6(src: Addr, dst: Addr, kind: u8, code: u8, payload: &[u8]) -> Vec<u8> {
    let mut s = [&[kind, code, 0, 0, 0, 0, 0, 0][..], payload].concat();
    let sum = pseudo_checksum(src, dst, ip_proto::ICMPV6, &s);
    s[2..4].copy_from_slice(&sum);
    s
}

/// A plain GRE header around `body` of the given type.
pub fn gre(kind: u16, body: &[u8]) -> Vec<u8> {
    [&[0, 0][..], &kind.to_be_bytes(), body].concat()
}

/// A VXLAN header around an Ethernet frame.
pub fn vxlan(vni: u32, frame: &[u8]) -> Vec<u8> {
    [&[8, 0, 0, 0][..], &(vni << 8).to_be_bytes(), frame].concat()
}
