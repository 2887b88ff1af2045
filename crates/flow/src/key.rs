use sekisho_types::{Addr, Dir, FiveTuple, ip_proto, seeded_hash};
use sekisho_wire::Decoded;

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

    /// Hash; the same for both directions unless the key is one-way.
    ///
    /// The ends are put in order first, so that nothing is added up: with sums, exchanged ports would meet again
    /// whatever the seed. Then each of the three steps folds a product of which the sender of packets knows but one
    /// factor's half.
    #[inline]
    pub(crate) fn hash(&self, seeds: Seeds) -> u64 {
        let t = &self.tuple;
        let (a, b) = ((bits(t.orig), t.orig_port), (bits(t.resp), t.resp_port));
        let swap = b < a && !self.one_way;
        let (a, b) = if swap { (b, a) } else { (a, b) };
        let ports = u64::from(a.1) << 16 | u64::from(b.1) | u64::from(t.proto) << 32 | u64::from(self.one_way) << 40;
        let (a, b) = (halves(a.0), halves(b.0));
        let h = fold(a.0 ^ seeds.0, a.1 ^ seeds.1);
        let h = fold(h ^ b.0, b.1 ^ seeds.2);
        fold(h ^ ports, seeds.3)
    }

    /// The direction of this packet in a flow between `have`'s ends, if it is one of that flow.
    #[inline]
    pub(crate) fn dir_in(&self, have: &FiveTuple, one_way: bool) -> Option<Dir> {
        let t = &self.tuple;
        if t.proto != have.proto || self.one_way != one_way {
            return None;
        }
        let (a, b, x, y) = (bits(t.orig), bits(t.resp), bits(have.orig), bits(have.resp));
        let ports = (t.orig_port, t.resp_port);
        if a == x && b == y && ports == (have.orig_port, have.resp_port) {
            return Some(Dir::Orig);
        }
        let back = !one_way && a == y && b == x && ports == (have.resp_port, have.orig_port);
        back.then_some(Dir::Resp)
    }
}

/// Secret numbers of the table's hash function, from the run's seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeds(u64, u64, u64, u64);

impl Seeds {
    pub(crate) fn new(seed: u64) -> Self {
        let of = |name: &[u8]| seeded_hash(seed, name);
        Self(of(b"flow table, 1"), of(b"flow table, 2"), of(b"flow table, 3"), of(b"flow table, 4") | 1)
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the two halves of 128 bits")]
const fn halves(bits: u128) -> (u64, u64) {
    (bits as u64, (bits >> 64) as u64)
}

#[inline]
fn bits(addr: Addr) -> u128 {
    u128::from_ne_bytes(*addr.octets())
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the two halves of a product are folded")]
const fn fold(a: u64, b: u64) -> u64 {
    let p = a as u128 * b as u128;
    p as u64 ^ (p >> 64) as u64
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
        assert_eq!(k.hash(Seeds::new(3)), back.hash(Seeds::new(3)));
        assert_ne!(k.hash(Seeds::new(3)), k.hash(Seeds::new(4)));
        let swapped = Key { tuple: FiveTuple { orig_port: 80, resp_port: 1000, ..k.tuple }, one_way: false };
        assert_ne!(k.hash(Seeds::new(3)), swapped.hash(Seeds::new(3)));
        let u = Key::of(&decoded(1, 3, 1)).unwrap();
        assert!(u.one_way);
        assert_ne!(u.hash(Seeds::new(3)), Key { tuple: u.tuple.flipped(), one_way: true }.hash(Seeds::new(3)));
    }

    #[test]
    fn knows_directions() {
        let k = Key::of(&decoded(6, 1000, 80)).unwrap();
        assert_eq!(k.dir_in(&k.tuple, false), Some(Dir::Orig));
        assert_eq!(k.dir_in(&k.tuple.flipped(), false), Some(Dir::Resp));
        assert_eq!(k.dir_in(&k.tuple, true), None);
        assert_eq!(k.dir_in(&FiveTuple { proto: 17, ..k.tuple }, false), None);
        assert_eq!(k.dir_in(&FiveTuple { orig_port: 80, resp_port: 1000, ..k.tuple }, false), None);
        let u = Key::of(&decoded(1, 3, 1)).unwrap();
        assert_eq!(u.dir_in(&u.tuple.flipped(), true), None);
    }

    #[test]
    fn hash_spreads() {
        let mut buckets = [0u32; 64];
        for port in 0..6400 {
            let k = Key::of(&decoded(6, port, 80)).unwrap();
            buckets[(k.hash(Seeds::new(1)) >> 58) as usize] += 1;
        }
        assert!(buckets.iter().all(|&n| n > 40 && n < 190), "{buckets:?}");
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
