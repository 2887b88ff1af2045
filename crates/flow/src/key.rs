use crate::Manner;
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
    #[inline]
    pub(crate) fn of(d: &Decoded, manner: Manner) -> Result<Self, NoKey> {
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
            ip_proto::SCTP | ESP if manner == Manner::Suricata => {
                if d.proto == ip_proto::SCTP && !d.has_transport {
                    return Err(NoKey::Truncated);
                }
                tuple.orig_port = d.src_port;
                tuple.resp_port = d.dst_port;
                // Each direction has an SPI of its own (RFC 4303 §2.1).
                one_way = d.proto == ESP;
            }
            ip_proto::IPIP | ip_proto::IPV6 | ip_proto::GRE => return Err(NoKey::NotAFlow),
            IPV6_NONE | ESP | MOBILITY if d.ip_version == 6 => return Err(NoKey::NotAFlow),
            _ => {}
        }
        Ok(Self { tuple, one_way })
    }

    /// Hash; the same for both directions unless the key is one-way.
    ///
    /// The addresses are hashed by themselves and put in order by that, the ports follow their addresses: nothing is
    /// added up, as with sums exchanged ports would meet again whatever the seed. What a sender of packets chooses is
    /// one factor of a product at most; the other is secret, or was made from secrets.
    #[inline]
    pub(crate) fn hash(&self, seeds: Seeds) -> u64 {
        let t = &self.tuple;
        let (a, b) = (seeds.addr(t.orig), seeds.addr(t.resp));
        let (p, q) = (u64::from(t.orig_port), u64::from(t.resp_port));
        let (forth, back) = (p << 16 | q, q << 16 | p);
        if self.one_way {
            let h = fold(a, b.rotate_left(32) ^ seeds.2);
            return seeds.finish(h ^ forth ^ u64::from(t.proto) << 32);
        }
        let ports = if a < b || a == b && p < q { forth } else { back };
        let h = fold(a.min(b), a.max(b) ^ seeds.2);
        seeds.finish(h ^ ports ^ u64::from(t.proto) << 32)
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
        Self(of(b"flow table, 1"), of(b"flow table, 2"), of(b"flow table, 3"), of(b"flow table, 4"))
    }

    /// Twice, as one product with the same factor leaves evenly spaced ports evenly spaced.
    #[inline]
    fn finish(&self, h: u64) -> u64 {
        fold(fold(h, self.3) ^ self.0, self.2)
    }

    #[inline]
    fn addr(&self, addr: Addr) -> u64 {
        let bits = bits(addr);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves of 128 bits")]
        let (low, high) = (bits as u64, (bits >> 64) as u64);
        fold(low ^ self.0, high ^ self.1)
    }
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

    fn of(d: &Decoded) -> Result<Key, NoKey> {
        Key::of(d, Manner::Zeek)
    }

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
        let k = of(&decoded(6, 1000, 80)).unwrap();
        let back = Key { tuple: k.tuple.flipped(), one_way: false };
        assert_eq!(k.hash(Seeds::new(3)), back.hash(Seeds::new(3)));
        assert_ne!(k.hash(Seeds::new(3)), k.hash(Seeds::new(4)));
        let swapped = Key { tuple: FiveTuple { orig_port: 80, resp_port: 1000, ..k.tuple }, one_way: false };
        assert_ne!(k.hash(Seeds::new(3)), swapped.hash(Seeds::new(3)));
        let u = of(&decoded(1, 3, 1)).unwrap();
        assert!(u.one_way);
        assert_ne!(u.hash(Seeds::new(3)), Key { tuple: u.tuple.flipped(), one_way: true }.hash(Seeds::new(3)));
    }

    #[test]
    fn knows_directions() {
        let k = of(&decoded(6, 1000, 80)).unwrap();
        assert_eq!(k.dir_in(&k.tuple, false), Some(Dir::Orig));
        assert_eq!(k.dir_in(&k.tuple.flipped(), false), Some(Dir::Resp));
        assert_eq!(k.dir_in(&k.tuple, true), None);
        assert_eq!(k.dir_in(&FiveTuple { proto: 17, ..k.tuple }, false), None);
        assert_eq!(k.dir_in(&FiveTuple { orig_port: 80, resp_port: 1000, ..k.tuple }, false), None);
        let u = of(&decoded(1, 3, 1)).unwrap();
        assert_eq!(u.dir_in(&u.tuple.flipped(), true), None);
    }

    /// How unevenly keys fall into 1024 buckets by the bits that the index takes: chi-square over its expectation,
    /// which for random keys is near 1, and how many share all 32 bits that are kept.
    fn unevenness(keys: &[Key], seed: u64) -> (f64, usize) {
        let seeds = Seeds::new(seed);
        let mut tags: Vec<u32> = keys.iter().map(|k| (k.hash(seeds) >> 32) as u32).collect();
        let mut worst = 0f64;
        // The index takes the upper bits for the part, and of the part's own hash the lower ones for the place.
        let places: [fn(u32) -> usize; 3] = [
            |t| (t >> 22) as usize,
            |t| (t & 1023) as usize,
            |t| (u64::from(t).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize,
        ];
        for place in places {
            let mut buckets = [0f64; 1024];
            tags.iter().for_each(|t| buckets[place(*t)] += 1.0);
            let mean = tags.len() as f64 / 1024.0;
            let chi: f64 = buckets.iter().map(|n| (n - mean) * (n - mean) / mean).sum();
            worst = worst.max(chi / 1023.0);
        }
        tags.sort_unstable();
        (worst, tags.windows(2).filter(|w| w[0] == w[1]).count())
    }

    fn key(orig: Addr, orig_port: u16, resp: Addr, resp_port: u16) -> Key {
        Key { tuple: FiveTuple { orig, resp, orig_port, resp_port, proto: 6 }, one_way: false }
    }

    #[test]
    fn hash_spreads_whatever_the_structure() {
        let v4 = |n: u32| Addr::v4(n.to_be_bytes());
        let v6 = |a: u32, b: u32| {
            let mut o = [0x20; 16];
            o[6..10].copy_from_slice(&a.to_be_bytes());
            o[12..16].copy_from_slice(&b.to_be_bytes());
            Addr::v6(o)
        };
        let n = 0..65_536u32;
        let low = |i: u32| (i & 0xff) as u16;
        let high = |i: u32| (i >> 8) as u16;
        let sets: [(&str, Vec<Key>); 8] = [
            ("sequential ports", n.clone().map(|i| key(v4(1), i as u16, v4(2), 80)).collect()),
            ("sequential addresses", n.clone().map(|i| key(v4(0x0a00_0000 + i), 1000, v4(2), 80)).collect()),
            (
                "addresses of equal sum",
                n.clone().map(|i| key(v4(0x0a00_0000 + i), 80, v4(0x0b00_0000 - i), 80)).collect(),
            ),
            ("one address in both ends", n.clone().map(|i| key(v4(i), 1000, v4(i), 80)).collect()),
            ("ports of equal sum", n.clone().map(|i| key(v4(1), i as u16, v4(2), (65_535 - i) as u16)).collect()),
            ("a grid of ports", n.clone().map(|i| key(v4(1), low(i), v4(2), high(i) << 8)).collect()),
            ("addresses and ports exchanged", {
                let both = |i: u32| {
                    let (a, b, p, q) = (v4(0x0a00_0000 + (i >> 7)), v4(0x0a80_0000 + (i & 127)), 1024, 32_768);
                    [key(a, p, b, q), key(a, q, b, p)]
                };
                (0..32_768).flat_map(both).collect()
            }),
            ("IPv6 address bits that make up for ports", {
                n.map(|i| key(v6(1, low(i).into()), high(i), v6(i & 0xff00, i), low(i) ^ high(i))).collect()
            }),
        ];
        for seed in [0, 0x5eed] {
            for (name, keys) in &sets {
                let (uneven, shared) = unevenness(keys, seed);
                assert!((0.5..1.5).contains(&uneven) && shared < 12, "{name}, seed {seed}: {uneven} {shared}");
            }
        }
    }

    #[test]
    fn exchanged_ports_are_told_apart_under_any_seed() {
        for seed in 0..2000 {
            let seeds = Seeds::new(seed);
            let (a, b) = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
            assert_ne!(key(a, 80, b, 81).hash(seeds), key(a, 81, b, 80).hash(seeds));
            assert_ne!(key(a, 80, a, 81).hash(seeds), key(a, 80, b, 81).hash(seeds));
            assert_eq!(key(a, 80, a, 81).hash(seeds), key(a, 81, a, 80).hash(seeds));
            assert_eq!(key(a, 80, b, 81).hash(seeds), key(b, 81, a, 80).hash(seeds));
        }
    }

    #[test]
    fn parses_icmp_pairs() {
        let echo = of(&decoded(1, 8, 0)).unwrap();
        let reply = of(&decoded(1, 0, 0)).unwrap();
        assert_eq!((echo.tuple.orig_port, echo.tuple.resp_port, echo.one_way), (8, 0, false));
        assert_eq!((reply.tuple.orig_port, reply.tuple.resp_port), (0, 8));
        let unreach = of(&decoded(1, 3, 4)).unwrap();
        assert_eq!((unreach.tuple.orig_port, unreach.tuple.resp_port), (3, 4));
        assert_eq!(of(&decoded(58, 135, 0)).unwrap().tuple.resp_port, 136);
    }

    #[test]
    fn rejects_what_is_no_flow() {
        assert_eq!(of(&Decoded::default()).err(), Some(NoKey::NotAFlow));
        assert_eq!(of(&decoded(47, 0, 0)).err(), Some(NoKey::NotAFlow));
        let cut = Decoded { has_transport: false, ..decoded(6, 0, 0) };
        assert_eq!(of(&cut).err(), Some(NoKey::Truncated));
        assert!(of(&decoded(2, 7, 7)).is_ok_and(|k| k.tuple.orig_port == 0));
        assert!(of(&decoded(50, 0, 0)).is_ok());
        let esp6 = Decoded { ip_version: 6, ..decoded(50, 0, 0) };
        assert_eq!(of(&esp6).err(), Some(NoKey::NotAFlow));
    }
}
