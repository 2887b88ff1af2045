use sekisho_types::{Addr, FiveTuple, SeededState, ip_proto};
use sekisho_wire::Decoded;
use std::hash::{BuildHasher, Hasher};

/// IPv6 "no next header" (RFC 8200 §4.7): nothing follows.
const IPV6_NONE: u8 = 59;
/// Encapsulating security payload.
const ESP: u8 = 50;
/// IPv6 mobility header.
const MOBILITY: u8 = 135;

/// What identifies a packet's flow, seen from the packet's sender.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// Sender as originator.
    pub(crate) tuple: FiveTuple,
    /// An ICMP type without counterpart: the other direction is another flow.
    pub(crate) one_way: bool,
}

/// Why a packet has no flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// Not IP, a fragment, or a protocol whose packets are not flows (tunnels, IPv6 ESP).
    NotAFlow,
    /// The transport header is cut off.
    Truncated,
}

impl Key {
    /// The key of a decoded packet.
    pub(crate) fn of(d: &Decoded) -> Result<Self, NoKey> {
        if d.ip_version == 0 || d.fragment.is_some() {
            return Err(NoKey::NotAFlow);
        }
        let mut tuple = FiveTuple { orig: d.src, resp: d.dst, orig_port: 0, resp_port: 0, proto: d.proto };
        let mut one_way = false;
        match d.proto {
            ip_proto::TCP | ip_proto::UDP => {
                if !d.has_transport {
                    return Err(NoKey::Truncated);
                }
                tuple.orig_port = d.src_port;
                tuple.resp_port = d.dst_port;
            }
            ip_proto::ICMP | ip_proto::ICMPV6 => {
                if !d.has_transport {
                    return Err(NoKey::Truncated);
                }
                let counterpart = if d.proto == ip_proto::ICMP {
                    icmp4_counterpart(d.src_port)
                } else {
                    icmp6_counterpart(d.src_port)
                };
                one_way = counterpart.is_none();
                tuple.orig_port = d.src_port;
                tuple.resp_port = counterpart.unwrap_or(d.dst_port);
            }
            ip_proto::IPIP | ip_proto::IPV6 | ip_proto::GRE => return Err(NoKey::NotAFlow),
            IPV6_NONE | ESP | MOBILITY if d.ip_version == 6 => return Err(NoKey::NotAFlow),
            _ => {}
        }
        Ok(Self { tuple, one_way })
    }

    /// Hash under `seed`; the same for both directions unless the key is one-way.
    pub(crate) fn hash(&self, seed: u64) -> u64 {
        let t = &self.tuple;
        let a = end_hash(seed, t.orig, t.orig_port);
        let b = end_hash(seed, t.resp, t.resp_port);
        let mut h = SeededState(seed).build_hasher();
        h.write_u64(if self.one_way { a.wrapping_add(b.rotate_left(17)) } else { a.wrapping_add(b) });
        h.write_u8(t.proto);
        h.finish()
    }
}

fn end_hash(seed: u64, addr: Addr, port: u16) -> u64 {
    let bits = u128::from_ne_bytes(*addr.octets());
    let mut h = SeededState(seed).build_hasher();
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of 128 bits")]
    let (lo, hi) = (bits as u64, (bits >> 64) as u64);
    h.write_u64(hi);
    h.write_u64(lo ^ u64::from(port).rotate_left(24));
    h.finish()
}

/// The ICMP type that answers `kind` (RFC 792, 950, 1256); `None` for one-way types.
fn icmp4_counterpart(kind: u16) -> Option<u16> {
    Some(match kind {
        0 => 8,
        8 => 0,
        9 => 10,
        10 => 9,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

/// The same for ICMPv6 (RFC 4443, 2710, 4861, 4620, 6275).
fn icmp6_counterpart(kind: u16) -> Option<u16> {
    Some(match kind {
        128 => 129,
        129 => 128,
        130 => 131,
        131 => 130,
        133 => 134,
        134 => 133,
        135 => 136,
        136 => 135,
        139 => 140,
        140 => 139,
        144 => 145,
        145 => 144,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(proto: u8, src_port: u16, dst_port: u16) -> Decoded {
        Decoded {
            ip_version: 4,
            proto,
            src: Addr::v4([10, 0, 0, 1]),
            dst: Addr::v4([10, 0, 0, 2]),
            src_port,
            dst_port,
            has_transport: true,
            ..Decoded::default()
        }
    }

    #[test]
    fn hash_is_symmetric_unless_one_way() {
        let k = Key::of(&decoded(6, 1000, 80)).unwrap();
        let back = Key { tuple: k.tuple.flipped(), one_way: false };
        assert_eq!(k.hash(3), back.hash(3));
        assert_ne!(k.hash(3), k.hash(4));
        let swapped = Key { tuple: FiveTuple { orig_port: 80, resp_port: 1000, ..k.tuple }, one_way: false };
        assert_ne!(k.hash(3), swapped.hash(3));
        let u = Key::of(&decoded(1, 3, 1)).unwrap();
        assert!(u.one_way);
        assert_ne!(u.hash(3), Key { tuple: u.tuple.flipped(), one_way: true }.hash(3));
    }

    #[test]
    fn parses_icmp_pairs() {
        let echo = Key::of(&decoded(1, 8, 0)).unwrap();
        let reply = Key::of(&decoded(1, 0, 0)).unwrap();
        assert_eq!((echo.tuple.orig_port, echo.tuple.resp_port, echo.one_way), (8, 0, false));
        assert_eq!((reply.tuple.orig_port, reply.tuple.resp_port), (0, 8));
        let unreach = Key::of(&decoded(1, 3, 4)).unwrap();
        assert_eq!((unreach.tuple.orig_port, unreach.tuple.resp_port), (3, 4));
        assert_eq!(Key::of(&decoded(58, 135, 0)).unwrap().tuple.resp_port, 136);
    }

    #[test]
    fn rejects_what_is_no_flow() {
        assert_eq!(Key::of(&Decoded::default()).err(), Some(NoKey::NotAFlow));
        assert_eq!(Key::of(&decoded(47, 0, 0)).err(), Some(NoKey::NotAFlow));
        let cut = Decoded { has_transport: false, ..decoded(6, 0, 0) };
        assert_eq!(Key::of(&cut).err(), Some(NoKey::Truncated));
        assert!(Key::of(&decoded(2, 7, 7)).is_ok_and(|k| k.tuple.orig_port == 0));
        assert!(Key::of(&decoded(50, 0, 0)).is_ok());
        let esp6 = Decoded { ip_version: 6, ..decoded(50, 0, 0) };
        assert_eq!(Key::of(&esp6).err(), Some(NoKey::NotAFlow));
    }
}
