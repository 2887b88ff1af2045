//! IPv4 (RFC 791), IPv6 (RFC 8200) and its extension headers.

use crate::walk::{Walk, n32};
use crate::{Anomaly, Fragment};
use sekisho_types::{Addr, ip_proto};

/// Most IPv6 extension headers followed in one packet.
const MAX_EXTENSIONS: u32 = 16;

/// Most destination options looked at in one header.
const MAX_OPTIONS: u32 = 16;

/// Largest datagram that fragments can make.
const MAX_DATAGRAM_LEN: usize = 65_535;

mod ext {
    pub const HOP_BY_HOP: u8 = 0;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const AH: u8 = 51;
    pub const NONE: u8 = 59;
    pub const DST_OPTIONS: u8 = 60;
    pub const MOBILITY: u8 = 135;
    pub const HIP: u8 = 139;
    pub const SHIM6: u8 = 140;
}

impl Walk<'_> {
    /// The IP packet at `off`, version by its first four bits.
    #[inline]
    pub fn ip(&mut self, off: usize) {
        match self.u8(off).map(|b| b >> 4) {
            Some(4) => self.ipv4(off),
            Some(6) => self.ipv6(off),
            Some(_) => self.odd(Anomaly::UnknownLink),
            None => self.odd(Anomaly::LinkTruncated),
        }
    }

    #[inline]
    fn ipv4(&mut self, off: usize) {
        let Some(h) = self.at::<20>(off) else { return self.odd(Anomaly::IpHeaderLength) };
        let header_len = usize::from(h[0] & 15) * 4;
        let left = self.wire_end - off;
        // Captured on the sending host before segmentation offload: the length is not filled in yet.
        let total = match usize::from(u16::from_be_bytes([h[2], h[3]])) {
            0 => left,
            n => n,
        };
        if header_len < 20 || total < header_len {
            return self.odd(Anomaly::IpHeaderLength);
        }
        let d = &mut self.d;
        d.ip_version = 4;
        d.tos = h[1];
        d.ttl = h[8];
        d.proto = h[9];
        d.src = Addr::v4([h[12], h[13], h[14], h[15]]);
        d.dst = Addr::v4([h[16], h[17], h[18], h[19]]);
        d.ip_offset = n32(off);
        d.ip_len = n32(total);
        self.ip_end(off, total, left);
        if header_len > 20 {
            self.ipv4_options(off + 20, header_len - 20);
        }
        let at = off + header_len;
        let frag = u16::from_be_bytes([h[6], h[7]]);
        if frag & 0x3fff != 0 {
            let f = Fragment {
                id: u32::from(u16::from_be_bytes([h[4], h[5]])),
                offset: u32::from(frag & 0x1fff) * 8,
                more: frag & 0x2000 != 0,
            };
            return self.fragment(f, at, header_len);
        }
        self.ipv4_upper(h[9], at);
    }

    /// What an IPv4 packet of protocol `proto` carries at `off`.
    #[inline]
    pub fn ipv4_upper(&mut self, proto: u8, off: usize) {
        if proto == ext::AH { self.extensions(proto, off) } else { self.transport(proto, off) }
    }

    /// Everything from here on is inside the IP packet of `total` bytes at `off`.
    #[inline(always)]
    fn ip_end(&mut self, off: usize, total: usize, left: usize) {
        if total > left {
            self.odd(Anomaly::IpLengthBeyondFrame);
        }
        self.wire_end = off + total;
        self.end = self.end.min(self.wire_end);
    }

    /// Looks for source routes; everything else in the options is the receiver's business.
    fn ipv4_options(&mut self, off: usize, len: usize) {
        const END: u8 = 0;
        const NOP: u8 = 1;
        const LOOSE_ROUTE: u8 = 131;
        const STRICT_ROUTE: u8 = 137;
        let bytes = self.frame.get(off..(off + len).min(self.end)).unwrap_or(&[]);
        let mut rest = bytes;
        while let [kind, tail @ ..] = rest {
            match *kind {
                END => return,
                NOP => rest = tail,
                kind => {
                    if matches!(kind, LOOSE_ROUTE | STRICT_ROUTE) {
                        self.odd(Anomaly::SourceRoute);
                    }
                    let n = tail.first().map_or(0, |n| usize::from(*n));
                    match rest.get(n..) {
                        Some(tail) if n >= 2 => rest = tail,
                        _ => return,
                    }
                }
            }
        }
    }

    #[inline]
    fn ipv6(&mut self, off: usize) {
        let Some(h) = self.at::<40>(off) else { return self.odd(Anomaly::IpHeaderLength) };
        let left = self.wire_end - off;
        let next = h[6];
        let total = match usize::from(u16::from_be_bytes([h[4], h[5]])) {
            0 => self.ipv6_without_length(next, off, left),
            n => n + 40,
        };
        let d = &mut self.d;
        d.ip_version = 6;
        d.tos = h[0] << 4 | h[1] >> 4;
        d.proto = next;
        d.ttl = h[7];
        if let ([_, _, _, _, _, _, _, _, src @ ..], Some(dst)) = (h, h.last_chunk::<16>())
            && let Some(src) = src.first_chunk::<16>()
        {
            d.src = Addr::v6(*src);
            d.dst = Addr::v6(*dst);
        }
        d.ip_offset = n32(off);
        d.ip_len = n32(total);
        self.ip_end(off, total, left);
        match next {
            ip_proto::TCP | ip_proto::UDP => self.transport(next, off + 40),
            _ => self.extensions(next, off + 40),
        }
    }

    /// Length of an IPv6 packet whose length field is 0: a jumbogram (RFC 2675), or one captured
    /// before segmentation offload, or really empty.
    #[cold]
    fn ipv6_without_length(&self, next: u8, off: usize, left: usize) -> usize {
        const JUMBO: [u8; 2] = [0xc2, 4];
        match (next, self.at::<8>(off + 40)) {
            (ip_proto::TCP | ip_proto::UDP, _) => left,
            (ext::HOP_BY_HOP, Some([_, _, kind, len, a, b, c, d])) if [*kind, *len] == JUMBO => {
                let jumbo = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
                if jumbo > MAX_DATAGRAM_LEN { jumbo.min(left) + 40 } else { 40 }.min(left)
            }
            (ext::HOP_BY_HOP, _) => left,
            _ => 40,
        }
    }

    /// Follows extension headers from `next` at `off`, then the transport header.
    pub fn extensions(&mut self, mut next: u8, mut off: usize) {
        let start = off;
        for _ in 0..MAX_EXTENSIONS {
            let unit = match next {
                ext::HOP_BY_HOP | ext::ROUTING | ext::DST_OPTIONS => 8,
                ext::MOBILITY | ext::HIP | ext::SHIM6 => 8,
                ext::FRAGMENT | ext::AH => 4,
                _ => {
                    self.d.proto = next;
                    return self.transport(next, off);
                }
            };
            let Some(h) = self.at::<8>(off) else {
                let cut = off + 8 <= self.wire_end;
                self.odd(if cut { Anomaly::TransportTruncated } else { Anomaly::Ipv6Extensions });
                self.d.proto = next;
                return self.opaque(off);
            };
            match next {
                ext::FRAGMENT => {
                    let word = u16::from_be_bytes([h[2], h[3]]);
                    let f = Fragment {
                        id: u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
                        offset: u32::from(word & 0xfff8),
                        more: word & 1 != 0,
                    };
                    // A fragment that is the whole datagram is none (RFC 6946).
                    if f.offset != 0 || f.more {
                        self.d.proto = h[0];
                        return self.fragment(f, off + 8, off - start);
                    }
                }
                ext::ROUTING => self.routing(off, h),
                ext::DST_OPTIONS => self.home_address(off, h),
                // These usually come last; what they carry then is themselves.
                ext::MOBILITY | ext::HIP | ext::SHIM6 if h[0] == ext::NONE => {
                    self.d.proto = next;
                    return self.opaque(off);
                }
                _ => {}
            }
            let len = match next {
                ext::FRAGMENT => 8,
                ext::AH => (usize::from(h[1]) + 2) * unit,
                _ => (usize::from(h[1]) + 1) * unit,
            };
            next = h[0];
            off += len;
        }
        self.d.proto = next;
        self.odd(Anomaly::Ipv6Extensions);
        self.opaque(off);
    }

    /// A routing header. With type 0 and segments left the last address is where the packet goes,
    /// and where answers come from; with type 2 the mobile node's home address (RFC 6275 §6.4).
    fn routing(&mut self, off: usize, h: &[u8; 8]) {
        const ONE_ADDRESS: u8 = 2;
        let (len, kind, left) = (h[1], h[2], h[3]);
        match kind {
            0 => self.odd(Anomaly::SourceRoute),
            2 if len == ONE_ADDRESS => {}
            _ => return,
        }
        if left == 0 || len < ONE_ADDRESS || len % 2 != 0 {
            return;
        }
        let last = off + 8 + (usize::from(len) - 2) * 8;
        if let Some(a) = self.at::<16>(last) {
            self.d.dst = Addr::v6(*a);
        }
    }

    /// Destination options, of which one may name the sender's home address, by which its peers know it (RFC 6275 §6.3).
    fn home_address(&mut self, off: usize, h: &[u8; 8]) {
        const PAD1: u8 = 0;
        const HOME_ADDRESS: [u8; 2] = [0xc9, 16];
        let end = off + (usize::from(h[1]) + 1) * 8;
        let mut at = off + 2;
        for _ in 0..MAX_OPTIONS {
            let Some(&[kind, len]) = self.at::<2>(at).filter(|_| at + 2 <= end) else { return };
            if [kind, len] == HOME_ADDRESS && at + 18 <= end {
                if let Some(a) = self.at::<16>(at + 2) {
                    self.d.src = Addr::v6(*a);
                }
                return;
            }
            at += if kind == PAD1 { 1 } else { 2 + usize::from(len) };
        }
    }

    /// The part of a datagram at `off`; `header_len` counts what of the header the whole will have.
    #[cold]
    fn fragment(&mut self, f: Fragment, off: usize, header_len: usize) {
        self.opaque(off);
        let len = self.d.payload_wire_len as usize;
        let end = f.offset as usize + len;
        // RFC 1858 §4: a second fragment at byte 8 rewrites the TCP flags of the first.
        let tiny = self.d.proto == ip_proto::TCP && f.offset == 8;
        if end + header_len > MAX_DATAGRAM_LEN || f.more && !len.is_multiple_of(8) || len == 0 || tiny {
            self.odd(Anomaly::FragmentGeometry);
        }
        self.d.fragment = Some(f);
    }
}

/// Could `bytes`, which had `wire_len` bytes on the wire, be an IP packet? For carriers that do not
/// name what they carry. Lengths must fit; a total length of 0 is not believed.
pub(crate) fn plausible(bytes: &[u8], wire_len: usize) -> bool {
    match bytes.first().map(|b| b >> 4) {
        Some(4) => bytes.first_chunk::<20>().is_some_and(|h| {
            let header_len = usize::from(h[0] & 15) * 4;
            let total = usize::from(u16::from_be_bytes([h[2], h[3]]));
            header_len >= 20 && total >= header_len && total <= wire_len
        }),
        Some(6) => {
            bytes.first_chunk::<40>().is_some_and(|h| usize::from(u16::from_be_bytes([h[4], h[5]])) + 40 <= wire_len)
        }
        _ => false,
    }
}

/// Length of the IP packet that `bytes` begin with, as its header says.
pub(crate) fn total_len(bytes: &[u8]) -> Option<usize> {
    match bytes.first_chunk::<6>()? {
        [0x40..=0x4f, _, a, b, ..] => Some(usize::from(u16::from_be_bytes([*a, *b]))),
        [0x60..=0x6f, _, _, _, a, b] => Some(usize::from(u16::from_be_bytes([*a, *b])) + 40),
        _ => None,
    }
}
