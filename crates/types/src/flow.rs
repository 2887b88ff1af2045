use crate::{Addr, Timestamp, Uid};
use sha1::{Digest, Sha1};
use std::num::NonZeroU32;

/// IP protocol numbers (IANA) that the program names.
pub mod ip_proto {
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// IPv4 in IP.
    pub const IPIP: u8 = 4;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 in IP (6in4).
    pub const IPV6: u8 = 41;
    /// Generic routing encapsulation.
    pub const GRE: u8 = 47;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
    /// SCTP.
    pub const SCTP: u8 = 132;
}

/// Which end of a flow sent something: the originator or the responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dir {
    /// From the originator.
    Orig,
    /// From the responder.
    Resp,
}

impl Dir {
    /// The other end.
    pub const fn flip(self) -> Self {
        match self {
            Self::Orig => Self::Resp,
            Self::Resp => Self::Orig,
        }
    }

    /// 0 for the originator, 1 for the responder: for two-element arrays.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Is this the originator?
    pub const fn is_orig(self) -> bool {
        matches!(self, Self::Orig)
    }

    /// The one of two that belongs to this direction.
    pub const fn of<T>(self, [orig, resp]: &[T; 2]) -> &T {
        match self {
            Self::Orig => orig,
            Self::Resp => resp,
        }
    }

    /// As [`Dir::of`], to be changed.
    pub const fn of_mut<T>(self, [orig, resp]: &mut [T; 2]) -> &mut T {
        match self {
            Self::Orig => orig,
            Self::Resp => resp,
        }
    }
}

/// A flow's two ends and IP protocol. ICMP keeps type (request) and code, or the counterpart's type, in the ports as Zeek does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiveTuple {
    /// Originator's address.
    pub orig: Addr,
    /// Responder's address.
    pub resp: Addr,
    /// Originator's port, host order.
    pub orig_port: u16,
    /// Responder's port, host order.
    pub resp_port: u16,
    /// IP protocol number.
    pub proto: u8,
}

impl FiveTuple {
    /// The same conversation seen from the other end.
    pub const fn flipped(&self) -> Self {
        Self {
            orig: self.resp,
            resp: self.orig,
            orig_port: self.resp_port,
            resp_port: self.orig_port,
            proto: self.proto,
        }
    }

    /// The orientation whose originator is the smaller (address, port): equal for both directions.
    pub fn canonical(&self) -> Self {
        let end = |addr: &Addr, port| (u128::from_be_bytes(*addr.octets()), port);
        let first = end(&self.orig, self.orig_port) <= end(&self.resp, self.resp_port);
        if first { *self } else { self.flipped() }
    }
}

/// VLAN ids of a flow's first packet, outer and inner (802.1Q, 802.1ad); 0 = none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct VlanTags {
    /// Outer VLAN id plus one; 0 means untagged.
    outer: u16,
    /// Inner VLAN id plus one; 0 means no second tag.
    inner: u16,
}

impl VlanTags {
    /// From the 12-bit ids.
    pub const fn new(outer: Option<u16>, inner: Option<u16>) -> Self {
        const fn enc(v: Option<u16>) -> u16 {
            match v {
                Some(v) => (v & 0xfff) + 1,
                None => 0,
            }
        }
        Self { outer: enc(outer), inner: enc(inner) }
    }

    /// The outer id.
    pub const fn outer(&self) -> Option<u16> {
        self.outer.checked_sub(1)
    }

    /// The inner id.
    pub const fn inner(&self) -> Option<u16> {
        self.inner.checked_sub(1)
    }
}

/// Community ID version 1 of a flow: SHA-1 over seed, ordered ends and protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CommunityId([u8; 20]);

impl CommunityId {
    /// Printed length: `1:` and 28 base64 characters.
    pub const LEN: usize = 30;

    /// Room that [`CommunityId::write`] asks for.
    pub const ROOM_LEN: usize = 34;

    /// For `tuple` under the community-id seed (not the run's seed; 0 by convention).
    ///
    /// ICMP tuples carry type and code as ports; for types with a counterpart the ports must already
    /// be (type, counterpart type), as the specification asks.
    pub fn new(tuple: &FiveTuple, seed: u16) -> Self {
        Self::ordered(&tuple.canonical(), seed)
    }

    /// As [`CommunityId::new`], for one-way ICMP types, whose ends are not ordered.
    pub fn one_way(tuple: &FiveTuple, seed: u16) -> Self {
        Self::ordered(tuple, seed)
    }

    fn ordered(t: &FiveTuple, seed: u16) -> Self {
        let mut h = Sha1::new();
        h.update(seed.to_be_bytes());
        h.update(t.orig.wire_octets());
        h.update(t.resp.wire_octets());
        h.update([t.proto, 0]);
        h.update(t.orig_port.to_be_bytes());
        h.update(t.resp_port.to_be_bytes());
        Self(h.finalize().into())
    }

    /// Writes the printed form into `buf`; returns its length. Bytes of `buf` behind it may be overwritten.
    pub fn write<const N: usize>(&self, buf: &mut [u8; N]) -> usize {
        const { assert!(N >= Self::ROOM_LEN) }
        let [.., a, b, c, d, e, f, g, h] = self.0;
        let (head, _) = self.0.as_chunks::<8>();
        let words = [
            head[0],
            [self.0[6], self.0[7], head[1][0], head[1][1], head[1][2], head[1][3], 0, 0],
            [a, b, c, d, e, f, 0, 0],
            [g, h, 0, 0, 0, 0, 0, 0],
        ];
        // Thirty-two characters, of which four are filling: the compiler then does sixteen at once.
        let mut text = [0; 32];
        for (eight, octets) in text.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *eight = six_bits(u64::from_be_bytes(octets) >> 16).to_be_bytes();
        }
        buf[..2].copy_from_slice(b"1:");
        buf[2..34].copy_from_slice(&text.map(base64));
        buf[Self::LEN - 1] = b'=';
        Self::LEN
    }
}

/// Spreads 48 bits over eight bytes, six to each.
const fn six_bits(v: u64) -> u64 {
    let v = v >> 24 << 32 | v & 0xff_ffff;
    let v = (v & 0x00ff_f000_00ff_f000) << 4 | v & 0x0000_0fff_0000_0fff;
    (v & 0x0fc0_0fc0_0fc0_0fc0) << 2 | v & 0x003f_003f_003f_003f
}

/// The character for a six-bit number (RFC 4648 §4).
const fn base64(v: u8) -> u8 {
    let mut c = v + b'A';
    // Each range of the alphabet begins that much further on, or back, than the one before would have it.
    c = c.wrapping_add(if v >= 26 { b'a' - b'Z' - 1 } else { 0 });
    c = c.wrapping_sub(if v >= 52 { b'z' - b'0' + 1 } else { 0 });
    c = c.wrapping_sub(if v >= 62 { b'9' - b'+' + 1 } else { 0 });
    c.wrapping_add(if v >= 63 { b'/' - b'+' - 1 } else { 0 })
}

/// Which directions of a flow have been seen on the wire so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Packets from the originator were seen.
    pub orig: bool,
    /// Packets from the responder were seen.
    pub resp: bool,
}

impl Seen {
    /// `Some(dir)` if only `dir` was seen.
    pub const fn one_sided(self) -> Option<Dir> {
        match (self.orig, self.resp) {
            (true, false) => Some(Dir::Orig),
            (false, true) => Some(Dir::Resp),
            _ => None,
        }
    }
}

/// What every layer above the flow table may know about a flow. What every packet needs comes first.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct FlowInfo {
    /// The two ends, originator first. Changes once if the direction is corrected.
    pub tuple: FiveTuple,
    /// Directions seen so far.
    pub seen: Seen,
    /// Is the originator in the home networks?
    pub local_orig: bool,
    /// Is the responder in the home networks?
    pub local_resp: bool,
    /// Did a TCP connection begin before the capture, so that an end's SYN is missing? Known from an end's first packet on.
    pub midstream: bool,
    /// VLAN ids of the first packet.
    pub vlan: VlanTags,
    /// Community ID, seed 0. Kept, as it stands on every row of the flow.
    pub community_id: CommunityId,
    /// Place that whoever watches flows keeps for it; `None`: nobody does.
    pub watched: Option<NonZeroU32>,
    /// Unique id.
    pub uid: Uid,
    /// Time of the first packet.
    pub first_ts: Timestamp,
    /// Number of the first packet in the timeline, from 1.
    pub first_packet: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(id: CommunityId) -> String {
        let mut buf = [0; CommunityId::ROOM_LEN];
        let len = id.write(&mut buf);
        String::from_utf8(buf[..len].to_vec()).expect("ASCII")
    }

    // Values published with the Community ID specification (corelight/community-id-spec).
    #[test]
    fn community_id_reference_values() {
        let t = FiveTuple {
            orig: Addr::v4([128, 232, 110, 120]),
            resp: Addr::v4([66, 35, 250, 204]),
            orig_port: 34855,
            resp_port: 80,
            proto: 6,
        };
        assert_eq!(print(CommunityId::new(&t, 0)), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(CommunityId::new(&t, 0), CommunityId::new(&t.flipped(), 0));
        assert_eq!(print(CommunityId::new(&t, 1)), "1:3V71V58M3Ksw/yuFALMcW0LAHvc=");
    }

    #[test]
    fn community_id_is_base_64() {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        assert_eq!(std::array::from_fn(|i| base64(i as u8)), *ALPHABET);
        // Every value of every six bits in turn, all others set.
        for at in 0..26 {
            for v in 0..64 {
                let bits = u128::MAX ^ (63 << (122 - 6 * (at % 21))) | v << (122 - 6 * (at % 21));
                let mut octets = [0xff; 20];
                octets[if at < 21 { 0..16 } else { 4..20 }].copy_from_slice(&bits.to_be_bytes());
                let text = print(CommunityId(octets)).into_bytes();
                let number =
                    |i: usize| octets.iter().flat_map(|o| (0..8).rev().map(move |b| o >> b & 1)).skip(6 * i).take(6);
                for i in 0..26 {
                    let index = number(i).fold(0, |v, bit| v << 1 | usize::from(bit));
                    assert_eq!(text[2 + i], ALPHABET[index], "{octets:x?} {i}");
                }
                assert_eq!(text[29], b'=');
            }
        }
    }

    #[test]
    fn vlan_zero_is_a_tag() {
        let v = VlanTags::new(Some(0), None);
        assert_eq!((v.outer(), v.inner()), (Some(0), None));
    }

    #[test]
    fn one_sided() {
        assert_eq!(Seen { orig: false, resp: true }.one_sided(), Some(Dir::Resp));
        assert_eq!(Seen { orig: true, resp: true }.one_sided(), None);
        assert_eq!(Dir::Orig.flip(), Dir::Resp);
    }
}
