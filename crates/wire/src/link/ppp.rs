//! PPP (RFC 1661), its HDLC framing (RFC 1662), PPPoE (RFC 2516) and Cisco HDLC.

use crate::walk::{Step, Walk};

/// PPP protocol numbers that lead to packets.
mod protocol {
    pub const IPV4: u16 = 0x0021;
    pub const IPV6: u16 = 0x0057;
    pub const BRIDGED: u16 = 0x0031;
    pub const MPLS: u16 = 0x0281;
    pub const MPLS_MULTICAST: u16 = 0x0283;
}

impl Walk<'_> {
    /// PPP at `off`. Address and control bytes may be there or not, and the protocol may be
    /// compressed to one odd byte (RFC 1661 §6.5).
    pub(super) fn ppp(&mut self, mut off: usize) -> Step {
        if self.at::<2>(off) == Some(&[0xff, 0x03]) {
            off += 2;
        }
        let Some(first) = self.u8(off) else { return self.link_truncated() };
        let (kind, at) = if first & 1 != 0 {
            (u16::from(first), off + 1)
        } else {
            let Some(kind) = self.u16(off) else { return self.link_truncated() };
            (kind, off + 2)
        };
        match kind {
            protocol::IPV4 | protocol::IPV6 => Step::Ip(at),
            protocol::MPLS | protocol::MPLS_MULTICAST => Step::Mpls(at),
            // RFC 3518 §4.1: flags and MAC type, then an Ethernet frame.
            protocol::BRIDGED if self.at::<2>(at).is_some_and(|[flags, mac]| flags & 0x0f == 0 && *mac == 1) => {
                Step::Ethernet(at + 2)
            }
            // Control protocols (LCP, IPCP, PAP, CHAP ...) and compressed data carry no packet.
            _ => Step::Stop,
        }
    }

    /// LINKTYPE_PPP_HDLC and LINKTYPE_C_HDLC: either framing occurs under either number.
    pub(super) fn hdlc(&mut self, off: usize) -> Step {
        match self.u8(off) {
            Some(0x0f | 0x8f) => Step::CiscoHdlc(off),
            Some(_) => Step::Ppp(off),
            None => self.link_truncated(),
        }
    }

    /// Address, a zero byte, then a type field as in Ethernet.
    pub(super) fn cisco_hdlc(&mut self, off: usize) -> Step {
        const SLARP: u16 = 0x8035;
        const CDP: u16 = 0x2000;
        const CLNS: u16 = 0xfefe;
        match self.u16(off + 2) {
            Some(kind @ (SLARP | CDP | CLNS)) => {
                self.d.ethertype = kind;
                Step::Stop
            }
            Some(kind) => Step::Ethertype(kind, off + 4),
            None => self.link_truncated(),
        }
    }

    /// PPPoE session header, then PPP without address and control bytes.
    pub(super) fn pppoe(&mut self, off: usize) -> Step {
        const SESSION_DATA: u8 = 0;
        let Some(h) = self.at::<6>(off) else { return self.link_truncated() };
        // The length field is not believed: access devices that get it wrong are about, and the IP
        // header says better what is padding.
        if h[1] == SESSION_DATA { Step::Ppp(off + 6) } else { Step::Stop }
    }
}
