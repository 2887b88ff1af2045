//! Frame Relay: Q.922 addresses, RFC 2427 and Cisco encapsulation.

use crate::walk::{Step, Walk};

/// Q.922 addresses have two to four bytes; the last has its lowest bit set.
const MAX_ADDRESS_LEN: usize = 4;

impl Walk<'_> {
    pub(super) fn frame_relay(&mut self, off: usize) -> Step {
        const UI: u8 = 0x03;
        const PAD: u8 = 0x00;
        let Some(bytes) = self.frame.get(off..self.end) else { return self.link_truncated() };
        let Some(last) = bytes.iter().take(MAX_ADDRESS_LEN).position(|b| b & 1 != 0) else {
            return if bytes.len() < MAX_ADDRESS_LEN { self.link_truncated() } else { self.unknown() };
        };
        if last == 0 {
            return self.unknown();
        }
        let at = off + last + 1;
        match self.at::<2>(at) {
            Some([UI, PAD]) => self.nlpid(at + 2),
            Some([UI, _]) => self.nlpid(at + 1),
            // Cisco's own: a type field straight after the address.
            Some(_) => self.next_type(at),
            None => self.link_truncated(),
        }
    }

    /// Network layer protocol id (ISO/IEC TR 9577).
    fn nlpid(&mut self, off: usize) -> Step {
        const SNAP: u8 = 0x80;
        const IPV6: u8 = 0x8e;
        const IPV4: u8 = 0xcc;
        const PPP: u8 = 0xcf;
        match self.u8(off) {
            Some(IPV4 | IPV6) => Step::Ip(off + 1),
            Some(SNAP) => self.snap(off + 1),
            Some(PPP) => Step::Ppp(off + 1),
            Some(_) => Step::Stop,
            None => self.link_truncated(),
        }
    }
}
