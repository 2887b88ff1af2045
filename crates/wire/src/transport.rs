//! TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792, RFC 4443) and SCTP (RFC 9260) headers.

use crate::walk::{Walk, n32};
use crate::{Anomaly, tcp_flags};
use sekisho_types::ip_proto;

/// ICMP header with the rest-of-header word; what follows counts as payload.
const ICMP_HEADER_LEN: usize = 8;
/// Encapsulating security payload (RFC 4303).
const ESP: u8 = 50;
const SCTP_HEADER_LEN: usize = 12;

/// What has its place in the header of TCP.
pub(crate) mod tcp {
    use crate::Tcp;

    /// Length without options.
    pub(crate) const HEADER_LEN: usize = 20;
    /// Length of the options that most segments have: two for padding and the timestamps.
    pub(crate) const TIMESTAMPS_LEN: usize = 12;

    /// All but ports and options.
    #[inline(always)]
    pub(crate) fn fields(h: &[u8; HEADER_LEN]) -> Tcp {
        Tcp {
            seq: u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
            ack: u32::from_be_bytes([h[8], h[9], h[10], h[11]]),
            flags: h[13],
            window: u16::from_be_bytes([h[14], h[15]]),
            urgent: u16::from_be_bytes([h[18], h[19]]),
            ..Tcp::default()
        }
    }

    /// The timestamps, if `options` begin with them as most senders write them.
    #[inline(always)]
    pub(crate) fn timestamps_alone(options: &[u8]) -> Option<(u32, u32)> {
        match options.first_chunk::<TIMESTAMPS_LEN>()? {
            [1, 1, 8, 10, a, b, c, d, e, f, g, h] => {
                Some((u32::from_be_bytes([*a, *b, *c, *d]), u32::from_be_bytes([*e, *f, *g, *h])))
            }
            _ => None,
        }
    }
}

impl Walk<'_> {
    /// The transport header of protocol `proto` at `off`.
    #[inline]
    pub fn transport(&mut self, proto: u8, off: usize) {
        self.d.transport_offset = n32(off.min(self.end));
        match proto {
            ip_proto::TCP => self.tcp(off),
            ip_proto::UDP => self.udp(off),
            ip_proto::ICMP | ip_proto::ICMPV6 => {
                if let Some(h) = self.at::<ICMP_HEADER_LEN>(off) {
                    self.ports(u16::from(h[0]), u16::from(h[1]));
                    self.payload(off + ICMP_HEADER_LEN);
                } else {
                    self.no_transport(off);
                }
            }
            ip_proto::SCTP => {
                if let Some(h) = self.at::<SCTP_HEADER_LEN>(off) {
                    self.ports(u16::from_be_bytes([h[0], h[1]]), u16::from_be_bytes([h[2], h[3]]));
                    self.payload(off + SCTP_HEADER_LEN);
                } else {
                    self.no_transport(off);
                }
            }
            ESP => {
                if let Some([a, b, c, d]) = self.at::<4>(off) {
                    self.d.src_port = u16::from_be_bytes([*a, *b]);
                    self.d.dst_port = u16::from_be_bytes([*c, *d]);
                }
                self.opaque(off);
            }
            _ => self.opaque(off),
        }
    }

    /// A protocol without a decoder: all of it is payload.
    pub fn opaque(&mut self, off: usize) {
        self.d.transport_offset = n32(off.min(self.end));
        self.payload(off);
    }

    #[inline(always)]
    fn ports(&mut self, src: u16, dst: u16) {
        self.d.src_port = src;
        self.d.dst_port = dst;
        self.d.has_transport = true;
    }

    /// The payload is what the layer still has from `off` on.
    #[inline(always)]
    pub(crate) fn payload(&mut self, off: usize) {
        let start = off.min(self.end);
        self.d.payload_offset = n32(start);
        self.d.payload_len = n32(self.end - start);
        self.d.payload_wire_len = n32(self.wire_end.saturating_sub(off));
    }

    #[cold]
    fn no_transport(&mut self, off: usize) {
        self.odd(Anomaly::TransportTruncated);
        self.opaque(off);
    }

    #[inline]
    fn udp(&mut self, off: usize) {
        let Some(h) = self.at::<8>(off) else { return self.no_transport(off) };
        self.ports(u16::from_be_bytes([h[0], h[1]]), u16::from_be_bytes([h[2], h[3]]));
        let len = usize::from(u16::from_be_bytes([h[4], h[5]]));
        let left = self.wire_end - off;
        if len != left {
            // 0 stands for "to the end" in jumbograms (RFC 2675 §4) only. A shorter datagram than the
            // packet has room for leaves a surplus that is no payload.
            if len < 8 && !(len == 0 && left > 65_535) || len > left {
                self.odd(Anomaly::UdpLength);
            } else if len != 0 {
                self.limit(off, len);
            }
        }
        self.payload(off + 8);
    }

    #[inline]
    fn tcp(&mut self, off: usize) {
        let Some(h) = self.at::<{ tcp::HEADER_LEN }>(off) else { return self.tcp_short(off) };
        self.ports(u16::from_be_bytes([h[0], h[1]]), u16::from_be_bytes([h[2], h[3]]));
        self.d.tcp = tcp::fields(h);
        let header_len = usize::from(h[12] >> 4) * 4;
        if header_len != 20 {
            if header_len < 20 || off + header_len > self.wire_end {
                self.odd(Anomaly::TcpHeaderLength);
                return self.payload(self.wire_end);
            }
            self.tcp_options(off + 20, off + header_len);
        }
        self.payload(off + header_len);
    }

    /// Less than the fixed header; the ports may still be there (snaplen, ICMP errors).
    #[cold]
    fn tcp_short(&mut self, off: usize) {
        if let Some([a, b, c, d]) = self.at::<4>(off) {
            self.d.src_port = u16::from_be_bytes([*a, *b]);
            self.d.dst_port = u16::from_be_bytes([*c, *d]);
        }
        self.no_transport(off);
    }

    #[inline]
    fn tcp_options(&mut self, off: usize, end: usize) {
        // Nearly every segment with options carries exactly this (RFC 7323 appendix A).
        if end == off + tcp::TIMESTAMPS_LEN
            && let Some(stamps) = self.frame.get(off..self.end).and_then(tcp::timestamps_alone)
        {
            self.d.tcp.timestamps = Some(stamps);
            return;
        }
        let cut = end > self.end;
        if cut {
            self.odd(Anomaly::TransportTruncated);
        }
        let bytes = self.frame.get(off..end.min(self.end)).unwrap_or(&[]);
        if !self.tcp_option_list(bytes) && !cut {
            self.odd(Anomaly::TcpOptions);
        }
    }

    /// Reads the options that flows need; false if the list is malformed.
    fn tcp_option_list(&mut self, mut rest: &[u8]) -> bool {
        const END: u8 = 0;
        const NOP: u8 = 1;
        const MSS: u8 = 2;
        const WINDOW_SCALE: u8 = 3;
        const TIMESTAMPS: u8 = 8;
        let tcp = &mut self.d.tcp;
        let syn = tcp.flags & tcp_flags::SYN != 0;
        loop {
            match rest {
                [] | [END, ..] => return true,
                [NOP, tail @ ..] => rest = tail,
                [kind, len, tail @ ..] => {
                    let Some((value, tail)) = usize::from(*len).checked_sub(2).and_then(|n| tail.split_at_checked(n))
                    else {
                        return false;
                    };
                    match (*kind, value) {
                        (MSS, [a, b]) if syn => tcp.mss = Some(u16::from_be_bytes([*a, *b])),
                        (WINDOW_SCALE, [n]) if syn => tcp.window_scale = Some(*n),
                        (TIMESTAMPS, [a, b, c, d, e, f, g, h]) => {
                            tcp.timestamps =
                                Some((u32::from_be_bytes([*a, *b, *c, *d]), u32::from_be_bytes([*e, *f, *g, *h])));
                        }
                        (MSS | WINDOW_SCALE, _) if syn => return false,
                        (TIMESTAMPS, _) => return false,
                        _ => {}
                    }
                    rest = tail;
                }
                [_] => return false,
            }
        }
    }
}
