//! Capture-made link headers: BSD loopback, Linux cooked captures, netfilter log.

use crate::LinkType;
use crate::walk::{Step, Walk};
use sekisho_types::MacAddr;

/// Most attributes looked at in one NFLOG message.
const MAX_NFLOG_ATTRIBUTES: u32 = 64;

impl Walk<'_> {
    /// Four bytes of address family: host order of the capturing machine, or network order.
    pub(super) fn bsd_loop(&mut self, off: usize) -> Step {
        let Some(family) = self.at::<4>(off) else { return self.link_truncated() };
        // Families fit one byte, so that the order does not matter.
        match *family {
            [af, 0, 0, 0] | [0, 0, 0, af] => match af {
                // AF_INET; AF_INET6 of Linux, NetBSD, FreeBSD and macOS; 23 on Windows.
                2 | 10 | 23 | 24 | 28 | 30 => Step::Ip(off + 4),
                _ => self.unknown(),
            },
            _ => self.unknown(),
        }
    }

    /// Linux cooked capture (LINKTYPE_LINUX_SLL).
    pub(super) fn sll(&mut self, off: usize) -> Step {
        let Some(h) = self.at::<16>(off) else { return self.link_truncated() };
        if h[4..6] == [0, 6] {
            self.d.src_mac = Some(MacAddr([h[6], h[7], h[8], h[9], h[10], h[11]]));
        }
        self.cooked(u16::from_be_bytes([h[2], h[3]]), u16::from_be_bytes([h[14], h[15]]), off + 16)
    }

    /// Linux cooked capture, version 2 (LINKTYPE_LINUX_SLL2).
    pub(super) fn sll2(&mut self, off: usize) -> Step {
        let Some(h) = self.at::<20>(off) else { return self.link_truncated() };
        if h[11] == 6 {
            self.d.src_mac = Some(MacAddr([h[12], h[13], h[14], h[15], h[16], h[17]]));
        }
        self.cooked(u16::from_be_bytes([h[8], h[9]]), u16::from_be_bytes([h[0], h[1]]), off + 20)
    }

    fn cooked(&mut self, hardware: u16, protocol: u16, off: usize) -> Step {
        const ARPHRD_NETLINK: u16 = 824;
        const ARPHRD_RADIOTAP: u16 = 803;
        const NOVELL_RAW: u16 = 1;
        const LLC: u16 = 4;
        match (hardware, protocol) {
            (ARPHRD_NETLINK, _) => Step::Stop,
            (ARPHRD_RADIOTAP, _) => Step::Link(LinkType::IEEE802_11_RADIOTAP, off),
            (_, LLC) => Step::Llc(off),
            (_, NOVELL_RAW) => Step::Stop,
            // Other small numbers are Linux's own (CAN and the like).
            (_, 0..0x0600) => self.unknown(),
            _ => Step::Ethertype(protocol, off),
        }
    }

    /// A netfilter log message: family, version, resource, then attributes, one of which is the packet.
    /// Attribute headers are in the host order of the capturing machine.
    pub(super) fn nflog(&mut self, off: usize) -> Step {
        const PAYLOAD: u16 = 9;
        if self.at::<4>(off).is_none() {
            return self.link_truncated();
        }
        let mut at = off + 4;
        for _ in 0..MAX_NFLOG_ATTRIBUTES {
            let Some(&[a, b, c, d]) = self.at::<4>(at) else { return self.link_truncated() };
            let (mut len, mut kind) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
            // Attribute types are small: whichever order makes it so.
            if kind > 0xff && kind & 0xff == 0 {
                (len, kind) = (len.swap_bytes(), kind.swap_bytes());
            }
            let len = usize::from(len);
            if len < 4 {
                return self.link_truncated();
            }
            if kind & 0x7fff == PAYLOAD {
                self.limit(at, len);
                return Step::Ip(at + 4);
            }
            at += len.next_multiple_of(4);
        }
        self.unknown()
    }
}
