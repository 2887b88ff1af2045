//! IEEE 802.11 data frames, and the headers that captures put before them: radiotap, PPI, Prism, AVS.

use crate::LinkType;
use crate::walk::{Step, Walk, n32};
use sekisho_types::MacAddr;

const FCS_LEN: usize = 4;
/// Most presence words in a radiotap header.
const MAX_PRESENT_WORDS: usize = 16;

impl Walk<'_> {
    /// An 802.11 frame at `off`. Only data frames in clear go on; of an aggregate (A-MSDU) the first,
    /// with the place of the next in `next_msdu`.
    pub(super) fn wlan(&mut self, off: usize, fcs: bool) -> Step {
        self.wlan_frame(off, fcs, false)
    }

    /// `aligned`: the receiver padded the 802.11 header to a multiple of four bytes.
    fn wlan_frame(&mut self, off: usize, fcs: bool, aligned: bool) -> Step {
        const VERSION_AND_TYPE: u8 = 0x0f;
        const DATA: u8 = 0x08;
        const NO_DATA: u8 = 0x40;
        const QOS: u8 = 0x80;
        const TO_DS: u8 = 1;
        const FROM_DS: u8 = 2;
        const PROTECTED: u8 = 0x40;
        const ORDER: u8 = 0x80;
        const AMSDU: u8 = 0x80;
        if fcs {
            self.drop_trailer(FCS_LEN);
        }
        let Some(&[control, flags]) = self.at::<2>(off) else { return self.link_truncated() };
        if control & VERSION_AND_TYPE != DATA {
            return Step::Stop;
        }
        let Some(h) = self.at::<24>(off) else { return self.link_truncated() };
        let a1 = MacAddr([h[4], h[5], h[6], h[7], h[8], h[9]]);
        let a2 = MacAddr([h[10], h[11], h[12], h[13], h[14], h[15]]);
        let a3 = MacAddr([h[16], h[17], h[18], h[19], h[20], h[21]]);
        let mut len = 24;
        let (dst, src) = match (flags & TO_DS != 0, flags & FROM_DS != 0) {
            (false, false) => (a1, a2),
            (false, true) => (a1, a3),
            (true, false) => (a3, a2),
            (true, true) => {
                len += 6;
                let Some(a4) = self.at::<6>(off + 24) else { return self.link_truncated() };
                (a3, MacAddr(*a4))
            }
        };
        self.d.dst_mac = Some(dst);
        self.d.src_mac = Some(src);
        // Later fragments of an 802.11 frame begin in the middle of a packet.
        if control & NO_DATA != 0 || flags & PROTECTED != 0 || h[22] & 0x0f != 0 {
            return Step::Stop;
        }
        let mut amsdu = false;
        if control & QOS != 0 {
            let Some(qos) = self.u8(off + len) else { return self.link_truncated() };
            amsdu = qos & AMSDU != 0;
            len += if flags & ORDER != 0 { 6 } else { 2 };
        }
        if aligned {
            len = len.next_multiple_of(4);
        }
        if amsdu { self.msdu(off + len) } else { Step::Llc(off + len) }
    }

    /// One subframe of an aggregate: addresses, length, LLC; all but the last padded to four bytes.
    pub(super) fn msdu(&mut self, off: usize) -> Step {
        let Some(h) = self.at::<14>(off) else { return self.link_truncated() };
        self.d.dst_mac = Some(MacAddr([h[0], h[1], h[2], h[3], h[4], h[5]]));
        self.d.src_mac = Some(MacAddr([h[6], h[7], h[8], h[9], h[10], h[11]]));
        let len = usize::from(u16::from_be_bytes([h[12], h[13]]));
        let next = off + (len + 14).next_multiple_of(4);
        // Four bytes at the end may be the frame check sequence; a subframe is longer.
        if self.at::<14>(next).is_some() {
            self.d.next_msdu = n32(next);
        }
        self.limit(off + 14, len);
        Step::Llc(off + 14)
    }

    /// Radiotap (radiotap.org): version, length, presence words, fields. Of the fields only the
    /// flags byte matters here; before it only the 8-byte timer can stand.
    pub(super) fn radiotap(&mut self, off: usize) -> Step {
        const MORE_WORDS: u32 = 1 << 31;
        const TIMER: u32 = 1;
        const FLAGS: u32 = 2;
        const FLAG_FCS: u8 = 0x10;
        const FLAG_PADDED: u8 = 0x20;
        const FLAG_BAD_FCS: u8 = 0x40;
        let Some(h) = self.at::<8>(off) else { return self.link_truncated() };
        let len = usize::from(u16::from_le_bytes([h[2], h[3]]));
        if h[0] != 0 || len < 8 {
            return self.unknown();
        }
        let present = u32::from_le_bytes([h[4], h[5], h[6], h[7]]);
        let mut flags = 0;
        if present & FLAGS != 0 {
            let mut at = 8;
            let mut word = present;
            while word & MORE_WORDS != 0 {
                let Some(next) = self.at::<4>(off + at) else { return self.link_truncated() };
                word = u32::from_le_bytes(*next);
                at += 4;
                if at > 4 + MAX_PRESENT_WORDS * 4 {
                    return self.unknown();
                }
            }
            if present & TIMER != 0 {
                at = at.next_multiple_of(8) + 8;
            }
            if at < len {
                flags = self.u8(off + at).unwrap_or(0);
            }
        }
        if flags & FLAG_BAD_FCS != 0 {
            return Step::Stop;
        }
        self.wlan_frame(off + len, flags & FLAG_FCS != 0, flags & FLAG_PADDED != 0)
    }

    /// Prism monitor header, or an AVS header under the same link type.
    pub(super) fn prism(&mut self, off: usize) -> Step {
        let Some(&[a, b, c, d, e, f, g, h]) = self.at::<8>(off) else { return self.link_truncated() };
        if u32::from_be_bytes([a, b, c, d]) & 0xffff_f000 == 0x8021_1000 {
            return self.avs(off);
        }
        // Host order of the capturing machine; the length is small.
        let len = u32::from_le_bytes([e, f, g, h]);
        let len = if len > 0xffff { len.swap_bytes() } else { len };
        if !(8..=0xffff).contains(&len) {
            return self.unknown();
        }
        Step::Wlan(off + len as usize, false)
    }

    /// AVS: a magic number with the version, then the header's length.
    pub(super) fn avs(&mut self, off: usize) -> Step {
        let Some(&[_, _, _, _, e, f, g, h]) = self.at::<8>(off) else { return self.link_truncated() };
        let len = u32::from_be_bytes([e, f, g, h]);
        if !(8..=0xffff).contains(&len) {
            return self.unknown();
        }
        Step::Wlan(off + len as usize, false)
    }

    /// Per-packet information: a length, the real link type, fields. The 802.11 common field says
    /// whether a frame check sequence is there.
    pub(super) fn ppi(&mut self, off: usize) -> Step {
        const COMMON_80211: u16 = 2;
        const MAX_FIELDS: u32 = 32;
        let Some(&[_, _, a, b, c, d, e, f]) = self.at::<8>(off) else { return self.link_truncated() };
        let len = usize::from(u16::from_le_bytes([a, b]));
        let link = LinkType(u32::from_le_bytes([c, d, e, f]));
        if len < 8 {
            return self.unknown();
        }
        if link != LinkType::IEEE802_11 {
            return if link == LinkType::PPI { self.unknown() } else { Step::Link(link, off + len) };
        }
        let mut fcs = false;
        let mut at = off + 8;
        for _ in 0..MAX_FIELDS {
            if at + 4 > off + len {
                break;
            }
            let Some(&[a, b, c, d]) = self.at::<4>(at) else { break };
            if u16::from_le_bytes([a, b]) == COMMON_80211 {
                fcs = self.u8(at + 12).is_some_and(|flags| flags & 1 != 0);
                break;
            }
            at += 4 + usize::from(u16::from_le_bytes([c, d]));
        }
        Step::Wlan(off + len, fcs)
    }
}
