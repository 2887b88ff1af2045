//! MPLS label stacks (RFC 3032) and Ethernet pseudowires over them (RFC 4448).

use crate::Anomaly;
use crate::walk::{Step, Walk};

/// Most labels in one stack.
const MAX_LABELS: usize = 32;

impl Walk<'_> {
    /// The label stack at `off`. What it carries is not named: the first nibble must tell.
    pub(super) fn mpls(&mut self, off: usize) -> Step {
        const BOTTOM: u8 = 1;
        let mut at = off;
        loop {
            let Some(h) = self.at::<4>(at) else { return self.link_truncated() };
            at += 4;
            if h[2] & BOTTOM != 0 {
                break;
            }
            if at - off >= MAX_LABELS * 4 {
                self.odd(Anomaly::LayerLimit);
                return Step::Stop;
            }
        }
        match self.u8(at).map(|b| b >> 4) {
            Some(4 | 6) if self.looks_like_ip(at) => Step::Ip(at),
            // A pseudowire's control word begins with 0, its associated channel with 1.
            Some(0) if self.looks_like_ethernet(at + 4) => Step::Ethernet(at + 4),
            Some(1) => self.unknown(),
            Some(_) if self.looks_like_ethernet(at) => Step::Ethernet(at),
            Some(4 | 6) => Step::Ip(at),
            Some(_) => self.unknown(),
            None => self.link_truncated(),
        }
    }

    /// Would an IP header at `off` make sense here?
    fn looks_like_ip(&self, off: usize) -> bool {
        crate::ip::plausible(self.frame.get(off..self.end).unwrap_or(&[]), self.wire_end.saturating_sub(off))
    }

    /// Does the type field of an Ethernet header at `off` name something known?
    pub fn looks_like_ethernet(&self, off: usize) -> bool {
        use super::ethertype as et;
        match self.u16(off + 12) {
            Some(et::IPV4 | et::ARP | et::IPV6 | et::VLAN | et::QINQ | et::MPLS | et::PPPOE | et::PPPOE_DISCOVERY) => {
                true
            }
            Some(et::LLDP | et::PBB | et::MACSEC | et::EAPOL | et::QINQ_OLD | et::JUMBO_LLC) => true,
            Some(len) => usize::from(len) <= 1500 && off + 14 + usize::from(len) <= self.wire_end,
            None => false,
        }
    }
}
