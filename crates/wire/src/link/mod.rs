//! Link layers: from the capture's link type to the IP header.

mod cooked;
mod ethernet;
mod frelay;
mod mpls;
mod ppp;
mod wlan;

pub(crate) use ethernet::ethertype;

use crate::walk::{MAX_LAYERS, Step, Walk};
use crate::{Anomaly, LinkType};

impl Walk<'_> {
    /// Follows the layers of a frame of type `link` down to its transport header.
    #[inline]
    pub fn link(&mut self, link: LinkType) {
        let first = if link == LinkType::ETHERNET { self.ethernet(0) } else { self.first_step(link, 0) };
        // The ordinary frame, without the loop.
        match first {
            Step::Ethertype(kind @ (ethertype::IPV4 | ethertype::IPV6), off) => {
                self.d.ethertype = kind;
                self.ip(off);
            }
            Step::Ip(off) => self.ip(off),
            step => self.steps(step),
        }
    }

    pub fn steps(&mut self, mut step: Step) {
        for _ in 0..MAX_LAYERS {
            step = match step {
                Step::Stop => return,
                Step::Ip(off) => return self.ip(off),
                Step::Ethertype(kind, off) => self.typed(kind, off),
                Step::Ethernet(off) => self.ethernet(off),
                Step::Llc(off) => self.llc(off),
                Step::Mpls(off) => self.mpls(off),
                Step::Ppp(off) => self.ppp(off),
                Step::CiscoHdlc(off) => self.cisco_hdlc(off),
                Step::FrameRelay(off) => self.frame_relay(off),
                Step::Msdu(off) => self.msdu(off),
                Step::Wlan(off, fcs) => self.wlan(off, fcs),
                Step::Link(link, off) => self.first_step(link, off),
            };
        }
        self.odd(Anomaly::LayerLimit);
    }

    /// Where a frame of type `link` at `off` begins.
    fn first_step(&mut self, link: LinkType, off: usize) -> Step {
        match link {
            LinkType::ETHERNET => Step::Ethernet(off),
            LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
                Step::Ip(off)
            }
            LinkType::NULL | LinkType::LOOP => self.bsd_loop(off),
            LinkType::LINUX_SLL => self.sll(off),
            LinkType::LINUX_SLL2 => self.sll2(off),
            LinkType::NFLOG => self.nflog(off),
            LinkType::PPP => Step::Ppp(off),
            LinkType::PPP_WITH_DIR => Step::Ppp(off + 1),
            LinkType::PPP_HDLC | LinkType::C_HDLC => self.hdlc(off),
            LinkType::PPP_ETHER => self.pppoe(off),
            LinkType::FRELAY => Step::FrameRelay(off),
            LinkType::IEEE802_11 => Step::Wlan(off, false),
            LinkType::IEEE802_11_RADIOTAP => self.radiotap(off),
            LinkType::IEEE802_11_PRISM => self.prism(off),
            LinkType::IEEE802_11_AVS => self.avs(off),
            LinkType::PPI => self.ppi(off),
            LinkType::FDDI => self.fddi(off),
            LinkType::ATM_RFC1483 => Step::Llc(off),
            _ => self.unknown(),
        }
    }
}

#[cfg(test)]
mod tests;
