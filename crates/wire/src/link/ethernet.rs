//! Ethernet II, IEEE 802.3 with LLC/SNAP, and everything that a type field announces: VLAN tags,
//! provider backbone bridges, MACsec in clear, port-extender and fabric tags.

use crate::walk::{Step, Walk};
use sekisho_types::{MacAddr, VlanTags};

/// Type field values (IEEE 802 numbers, IANA) that the decoder follows.
pub(crate) mod ethertype {
    pub const IPV4: u16 = 0x0800;
    pub const ARP: u16 = 0x0806;
    pub const TRILL: u16 = 0x22f3;
    pub const RARP: u16 = 0x8035;
    pub const TEB: u16 = 0x6558;
    pub const VLAN: u16 = 0x8100;
    pub const IPV6: u16 = 0x86dd;
    pub const PPP: u16 = 0x880b;
    pub const MPLS: u16 = 0x8847;
    pub const MPLS_MULTICAST: u16 = 0x8848;
    pub const PPPOE_DISCOVERY: u16 = 0x8863;
    pub const PPPOE: u16 = 0x8864;
    pub const JUMBO_LLC: u16 = 0x8870;
    pub const EAPOL: u16 = 0x888e;
    pub const QINQ: u16 = 0x88a8;
    pub const LLDP: u16 = 0x88cc;
    pub const MACSEC: u16 = 0x88e5;
    pub const PBB: u16 = 0x88e7;
    pub const FABRICPATH: u16 = 0x8903;
    pub const CISCO_METADATA: u16 = 0x8909;
    pub const VNTAG: u16 = 0x8926;
    pub const HSR: u16 = 0x892f;
    pub const ETAG: u16 = 0x893f;
    pub const NSH: u16 = 0x894f;
    pub const QINQ_OLD: u16 = 0x9100;
    pub const QINQ_OLDER: u16 = 0x9200;
}

/// A type field below this is a length (IEEE 802.3 §3.2.6).
const MIN_ETHERTYPE: u16 = 0x0600;
const HEADER_LEN: usize = 14;

impl Walk<'_> {
    #[inline]
    pub(super) fn ethernet(&mut self, off: usize) -> Step {
        let Some(h) = self.at::<HEADER_LEN>(off) else { return self.link_truncated() };
        self.d.dst_mac = Some(MacAddr([h[0], h[1], h[2], h[3], h[4], h[5]]));
        self.d.src_mac = Some(MacAddr([h[6], h[7], h[8], h[9], h[10], h[11]]));
        let kind = u16::from_be_bytes([h[12], h[13]]);
        if kind >= MIN_ETHERTYPE {
            return Step::Ethertype(kind, off + HEADER_LEN);
        }
        self.length_field(h, kind, off)
    }

    /// IEEE 802.3: the type field is a length, an LLC header follows.
    #[cold]
    fn length_field(&mut self, h: &[u8; HEADER_LEN], len: u16, off: usize) -> Step {
        // Cisco ISL: a 26-byte header before the real frame, and a checksum of its own behind it.
        if let [0x01 | 0x03, 0x00, 0x0c, 0x00, 0x00, ..] = h
            && self.at::<3>(off + HEADER_LEN) == Some(&[0xaa, 0xaa, 0x03])
            && self.at::<3>(off + HEADER_LEN + 3) == Some(&[h[6], h[7], h[8]])
        {
            self.drop_trailer(4);
            return Step::Ethernet(off + 26);
        }
        self.limit(off + HEADER_LEN, usize::from(len));
        Step::Llc(off + HEADER_LEN)
    }

    /// FDDI: a frame control byte, addresses, LLC for data frames.
    pub(super) fn fddi(&mut self, off: usize) -> Step {
        const LLC_FRAME: u8 = 0x50;
        let Some(h) = self.at::<13>(off) else { return self.link_truncated() };
        self.d.dst_mac = Some(MacAddr([h[1], h[2], h[3], h[4], h[5], h[6]]));
        self.d.src_mac = Some(MacAddr([h[7], h[8], h[9], h[10], h[11], h[12]]));
        if h[0] & 0xf0 == LLC_FRAME { Step::Llc(off + 13) } else { Step::Stop }
    }

    /// IEEE 802.2 LLC, with SNAP (RFC 1042).
    pub(super) fn llc(&mut self, off: usize) -> Step {
        const SNAP: u8 = 0xaa;
        const IP: u8 = 0x06;
        let Some(h) = self.at::<3>(off) else { return self.link_truncated() };
        match *h {
            [SNAP, SNAP, 0x03] => self.snap(off + 3),
            [IP, IP, 0x03] => Step::Ip(off + 3),
            // Spanning tree, IS-IS, NetBIOS, IPX: no IP, nothing wrong.
            _ => Step::Stop,
        }
    }

    /// The organisation code and type of a SNAP header.
    pub(super) fn snap(&mut self, off: usize) -> Step {
        const BRIDGED: [u8; 3] = [0x00, 0x80, 0xc2];
        let Some(&[a, b, c, hi, lo]) = self.at::<5>(off) else { return self.link_truncated() };
        let kind = u16::from_be_bytes([hi, lo]);
        match ([a, b, c], kind) {
            ([0, 0, 0] | [0, 0, 0xf8], _) => Step::Ethertype(kind, off + 5),
            // RFC 2427 §4.2: bridged Ethernet, with and without its frame check sequence.
            (BRIDGED, 0x0001) => {
                self.drop_trailer(4);
                Step::Ethernet(off + 5)
            }
            (BRIDGED, 0x0007) => Step::Ethernet(off + 5),
            _ => Step::Stop,
        }
    }

    /// What the type field `kind` announces at `off`.
    #[inline]
    pub(super) fn typed(&mut self, kind: u16, off: usize) -> Step {
        self.d.ethertype = kind;
        match kind {
            ethertype::IPV4 | ethertype::IPV6 => Step::Ip(off),
            ethertype::VLAN | ethertype::QINQ | ethertype::QINQ_OLD | ethertype::QINQ_OLDER => self.vlan(off),
            _ => self.rare_type(kind, off),
        }
    }

    fn rare_type(&mut self, kind: u16, off: usize) -> Step {
        match kind {
            ethertype::MPLS | ethertype::MPLS_MULTICAST => Step::Mpls(off),
            ethertype::PPPOE => self.pppoe(off),
            ethertype::PPP => Step::Ppp(off),
            ethertype::JUMBO_LLC => Step::Llc(off),
            ethertype::TEB => Step::Ethernet(off),
            // I-TAG: priority and a 24-bit service id, then the customer's frame.
            ethertype::PBB => Step::Ethernet(off + 4),
            ethertype::FABRICPATH => Step::Ethernet(off + 2),
            ethertype::TRILL => self.trill(off),
            ethertype::MACSEC => self.macsec(off),
            ethertype::NSH => self.nsh(off),
            ethertype::VNTAG | ethertype::HSR => self.next_type(off + 4),
            ethertype::ETAG | ethertype::CISCO_METADATA => self.next_type(off + 6),
            ethertype::ARP | ethertype::RARP => {
                self.payload(off);
                Step::Stop
            }
            ethertype::LLDP | ethertype::EAPOL | ethertype::PPPOE_DISCOVERY => Step::Stop,
            _ => self.unknown(),
        }
    }

    /// A type field behind a tag; below 0x600 it is a length.
    #[inline]
    pub(super) fn next_type(&mut self, off: usize) -> Step {
        match self.u16(off) {
            Some(kind) if kind >= MIN_ETHERTYPE => Step::Ethertype(kind, off + 2),
            Some(len) => {
                self.limit(off + 2, usize::from(len));
                Step::Llc(off + 2)
            }
            None => self.link_truncated(),
        }
    }

    #[inline]
    fn vlan(&mut self, off: usize) -> Step {
        let Some(tci) = self.u16(off) else { return self.link_truncated() };
        let id = tci & 0x0fff;
        let tags = self.d.vlan;
        self.d.vlan = match (tags.outer(), tags.inner()) {
            (None, _) => VlanTags::new(Some(id), None),
            (outer, None) => VlanTags::new(outer, Some(id)),
            _ => tags,
        };
        self.next_type(off + 2)
    }

    /// RFC 6325 §3: two bytes with the options' length, two nicknames, options, an Ethernet frame.
    fn trill(&mut self, off: usize) -> Step {
        match self.u16(off) {
            Some(word) => Step::Ethernet(off + 6 + usize::from(word >> 6 & 0x1f) * 4),
            None => self.link_truncated(),
        }
    }

    /// IEEE 802.1AE: only integrity-protected frames can be read; their check value ends them.
    fn macsec(&mut self, off: usize) -> Step {
        const SCI_PRESENT: u8 = 0x20;
        const ENCRYPTED_OR_CHANGED: u8 = 0x0c;
        const ICV_LEN: usize = 16;
        let Some(tci) = self.u8(off) else { return self.link_truncated() };
        if tci & ENCRYPTED_OR_CHANGED != 0 {
            return Step::Stop;
        }
        self.drop_trailer(ICV_LEN);
        self.next_type(off + if tci & SCI_PRESENT != 0 { 14 } else { 6 })
    }

    /// Network service header (RFC 8300 §2.2).
    fn nsh(&mut self, off: usize) -> Step {
        let Some(h) = self.at::<4>(off) else { return self.link_truncated() };
        let at = off + usize::from(h[1] & 0x3f) * 4;
        match h[3] {
            1 | 2 if at >= off + 8 => Step::Ip(at),
            3 if at >= off + 8 => Step::Ethernet(at),
            5 if at >= off + 8 => Step::Mpls(at),
            _ => self.unknown(),
        }
    }
}
