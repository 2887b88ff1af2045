//! Which shard a packet belongs to.
//!
//! A shard is chosen by the seeded hash of a packet's two addresses, so that both directions, all flows of two hosts
//! (FTP control and data), and all fragments meet. Packets that may have others in them, and fragments, are told
//! apart from ordinary ones: they go to a lane of their own within the shard, and what they carry is dealt again by
//! its own addresses. What belongs together across address pairs (DHCP, whose messages are told from and to everybody)
//! goes to one shard, whatever its addresses.

use crate::announce::{announces_elsewhere, has_control_port};
use hashbrown::HashMap;
use sekisho_proto::Across;
use sekisho_types::{Addr, Interval, SeededState, Timestamp, ip_proto};
use sekisho_wire::{Decoded, LinkType, hash_of_pair, hash_of_v4, tunnel};

/// Announced flows between other hosts that are remembered; beyond, new ones are not.
const MAX_ROUTES: usize = 4096;

/// How long after its last packet an announced flow is remembered: the longest a flow may be silent.
const ROUTE_IDLE: Interval = Interval::from_secs(300);

/// Ethernet, IPv4 without options, UDP and the first bytes of its payload.
const PLAIN_V4_LEN: usize = 46;

/// The same over IPv6.
const PLAIN_V6_LEN: usize = 66;

/// The shard of what belongs together across address pairs.
pub(crate) const TOGETHER: usize = 0;

/// Packets of an epoch whose announcements are heeded at once: each holds all threads up for a moment. Flows announced
/// by further ones are told of with the next that is heeded.
const MAX_ANNOUNCEMENTS: u32 = 256;

/// Where a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub shard: usize,
    /// It may carry another packet, or is a fragment of one.
    pub carrier: bool,
    /// It may announce a flow between other hosts, which has to be known before the next packet is dealt.
    pub announces: bool,
}

/// A flow that was announced by a flow between other hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Announced {
    pub host: Addr,
    pub port: u16,
    pub peer: Addr,
}

/// Deals packets to shards by their addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hash {
    seed: u64,
    count: usize,
}

impl Hash {
    /// To `count` shards.
    pub fn new(seed: u64, count: usize) -> Self {
        Self { seed, count: count.max(1) }
    }

    /// Number of shards.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The shard of flows between `a` and `b`.
    #[inline]
    pub fn shard(&self, a: Addr, b: Addr) -> usize {
        self.part(hash_of_pair(a, b, self.seed))
    }

    #[inline]
    fn shard_v4(&self, a: u32, b: u32) -> usize {
        self.part(hash_of_v4(a, b, self.seed))
    }

    /// The upper half decides: tables within the shard look at the lower.
    #[inline]
    fn part(&self, hash: u64) -> usize {
        (((hash >> 32) * self.count as u64) >> 32) as usize
    }

    /// The place of a decoded packet, whose offsets count from the start of `bytes`.
    pub fn packet(&self, d: &Decoded, bytes: &[u8]) -> Place {
        if d.ip_version == 0 {
            return Place { shard: 0, carrier: false, announces: false };
        }
        let carrier = d.fragment.is_some() || tunnel::may_carry(d, bytes);
        let together = d.proto == ip_proto::UDP && !carrier && Across::deals_together(d.src_port, d.dst_port);
        let shard = if together { TOGETHER } else { self.shard(d.src, d.dst) };
        Place { shard, carrier, announces: announces_elsewhere(d, bytes) }
    }
}

/// Deals frames to shards, one after the other.
#[derive(Debug)]
pub(crate) struct Dealer {
    hash: Hash,
    routes: HashMap<Announced, (usize, Timestamp), SeededState>,
    /// Packets that may still announce flows in this epoch.
    announcements_left: u32,
}

impl Dealer {
    /// To `count` shards.
    pub fn new(seed: u64, count: usize) -> Self {
        Self {
            hash: Hash::new(seed, count),
            routes: HashMap::with_hasher(SeededState(seed)),
            announcements_left: MAX_ANNOUNCEMENTS,
        }
    }

    /// An epoch is over.
    pub fn end_epoch(&mut self) {
        self.announcements_left = MAX_ANNOUNCEMENTS;
    }

    /// What needs no memory.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The flow `a` was announced in `shard`: it goes there, too.
    pub fn expect(&mut self, a: Announced, shard: usize, now: Timestamp) {
        if self.routes.len() >= MAX_ROUTES {
            self.routes.retain(|_, route| route.1 > now);
        }
        if self.routes.len() < MAX_ROUTES {
            self.routes.insert(a, (shard, now + ROUTE_IDLE));
        }
    }

    /// The place of a frame, if a look at fixed offsets tells it: TCP or UDP over IP over Ethernet, whole, without options
    /// or extensions, neither FTP nor IRC nor DHCP nor a tunnel. Most are.
    #[inline]
    pub fn plain(&self, link: LinkType, frame: &[u8]) -> Option<Place> {
        if link != LinkType::ETHERNET {
            return None;
        }
        let h = frame.first_chunk::<PLAIN_V4_LEN>()?;
        let u32_at = |i: usize| u32::from_be_bytes([h[i], h[i + 1], h[i + 2], h[i + 3]]);
        match u32_at(12) >> 8 {
            0x0008_0045 if u32_at(20) & 0x3fff_0000 == 0 => {
                let upper = [h[34], h[35], h[36], h[37], h[42], h[43], h[44], h[45]];
                self.is_plain(h[23], upper).then(|| self.plain_place(self.hash.shard_v4(u32_at(26), u32_at(30))))
            }
            0x0086_dd60..=0x0086_dd6f => {
                let h = frame.first_chunk::<PLAIN_V6_LEN>()?;
                let addr = |i: usize| h.get(i..i + 16)?.first_chunk::<16>().map(|a| Addr::v6(*a));
                let upper = [h[54], h[55], h[56], h[57], h[62], h[63], h[64], h[65]];
                if !self.is_plain(h[20], upper) {
                    return None;
                }
                Some(self.plain_place(self.hash.shard(addr(22)?, addr(38)?)))
            }
            _ => None,
        }
    }

    const fn plain_place(&self, shard: usize) -> Place {
        Place { shard, carrier: false, announces: false }
    }

    /// By protocol, both ports and the first bytes of a UDP payload.
    #[inline(always)]
    fn is_plain(&self, proto: u8, upper: [u8; 8]) -> bool {
        let [a, b, c, d, first @ ..] = upper;
        let (src_port, dst_port) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        match proto {
            ip_proto::TCP => !has_control_port(src_port, dst_port) && self.routes.is_empty(),
            ip_proto::UDP => {
                tunnel::is_plain_udp(src_port, dst_port, first) && !Across::deals_together(src_port, dst_port)
            }
            _ => false,
        }
    }

    /// The place of a decoded packet, as [`Self::plain`] tells it of a frame.
    #[inline]
    pub fn plain_packet(&self, d: &Decoded, bytes: &[u8]) -> Option<Place> {
        if d.fragment.is_some() || !d.has_transport {
            return None;
        }
        let plain = match d.proto {
            ip_proto::TCP => !has_control_port(d.src_port, d.dst_port) && self.routes.is_empty(),
            ip_proto::UDP => {
                let first = *d.payload(bytes).first_chunk()?;
                tunnel::is_plain_udp(d.src_port, d.dst_port, first) && !Across::deals_together(d.src_port, d.dst_port)
            }
            _ => false,
        };
        plain.then(|| self.plain_place(self.hash.shard(d.src, d.dst)))
    }

    /// The place of a decoded frame.
    pub fn packet(&mut self, d: &Decoded, bytes: &[u8], now: Timestamp) -> Place {
        let mut place = self.hash.packet(d, bytes);
        if place.announces {
            place.announces = self.announcements_left > 0;
            self.announcements_left = self.announcements_left.saturating_sub(1);
        }
        if !self.routes.is_empty() && d.proto == ip_proto::TCP && !place.carrier {
            for (host, port, peer) in [(d.dst, d.dst_port, d.src), (d.src, d.src_port, d.dst)] {
                let a = Announced { host, port, peer };
                let Some((shard, until)) = self.routes.get_mut(&a) else { continue };
                if *until > now {
                    *until = now + ROUTE_IDLE;
                    place.shard = *shard;
                } else {
                    self.routes.remove(&a);
                }
                break;
            }
        }
        place
    }
}
