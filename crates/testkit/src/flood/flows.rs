//! Attacks on the flow table and its timers.

use super::storm::{Storm, Truth, scattered};
use crate::{Addr, Frame, ip_proto, ipv4};
use crate::{flag, icmp};
use sekisho_types::{Interval, Timestamp};
use std::io;

/// The server that most attacks aim at; ordinary clients use it, too.
const WEB: &str = "192.0.2.80:80";

/// Bits that tuples chosen for a weak hash have in common.
const COLLIDING_BITS: u32 = 10;

fn counted(flows: u64) -> io::Result<Truth> {
    Ok(Truth { flows: Some(flows), ..Truth::default() })
}

pub(super) fn syn_flood(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    for i in 0..n {
        let (port, seq) = (storm.random.port(), storm.random.draw() as u32);
        storm.send(&Frame::tcp((scattered(i), port), WEB, flag::SYN).seq(seq, 0).frame())?;
    }
    counted(n)
}

/// One tuple of each kind in turn: equal sums, equal exclusive ors, strides, and such as FNV-1a and CRC-32 put into
/// one bucket of a thousand.
pub(super) fn hash_collisions(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let v4 = |n: u64| Addr::v4((n as u32).to_be_bytes());
    let (mut fnv, mut crc) = (0, 0);
    for i in 0..n {
        let k = i / 6;
        let (orig, resp) = match i % 6 {
            0 => {
                ((v4(0x0b00_0000 + k), 1024 + (k % 60_000) as u16), (v4(0x2000_0000 - k), 65_000 - (k % 60_000) as u16))
            }
            1 => ((v4(0x3000_0000 ^ k), (k as u16) | 1024), (v4(0x4000_0000 ^ k), (k as u16) | 1024)),
            2 => ((v4(0x5000_0000 + (k << 8)), 40_000), (v4(0x6000_0000 + (k << 8)), 9_000)),
            3 => ((v4(0x7000_0001), (k & 0xffff) as u16), (v4(0x7100_0000 + (k >> 16)), (k & 0xffff) as u16)),
            4 => (tuple_of(&mut fnv, 0x80, fnv1a), (v4(0x0808_0808), 9_004)),
            _ => (tuple_of(&mut crc, 0x90, crc32), (v4(0x0808_0404), 9_005)),
        };
        storm.send(&Frame::udp(orig, resp, b"").frame())?;
    }
    counted(n)
}

/// The next address and port below `net` whose `hash` has its low bits clear.
fn tuple_of(next: &mut u64, net: u8, hash: fn(&[u8]) -> u32) -> (Addr, u16) {
    loop {
        let [.., a, b, c, d, e] = next.to_be_bytes();
        *next += 1;
        let octets = [net, a, b, c, d, e];
        if hash(&octets) & ((1 << COLLIDING_BITS) - 1) == 0 {
            return (Addr::v4([net, a, b, c]), u16::from_be_bytes([d, e]));
        }
    }
}

fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |h, b| (h ^ u32::from(*b)).wrapping_mul(0x0100_0193))
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xedb8_8320 };
    !bytes.iter().fold(u32::MAX, |crc, b| (0..8).fold(crc ^ u32::from(*b), |c, _| step(c)))
}

/// Spoofed IPv6 sources whose address and port differ in the same bits, so that a hash which only combines the two
/// by exclusive or takes all for one, whatever its seed.
pub(super) fn hash_folds(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    for i in 0..n {
        let d = (i as u16).to_be_bytes();
        let [_, _, _, _, _, a, b, c] = (i >> 16).to_be_bytes();
        // Each 65,536 sources belong together; the port's bytes meet two neighbouring octets of the address.
        let octets = match i / 65_536 % 4 {
            0 => [0x20, 1, 0x0d, 0xb8, a, d[1], d[0], b, c, 0, 0, 0, 0, 0, 0, 1],
            1 => [0x20, 1, 0x0d, 0xb8, a, d[0], d[1], b, c, 0, 0, 0, 0, 0, 0, 1],
            2 => [0x20, 1, 0x0d, 0xb8, a, b, c, 0, 0, 0, 0, 0, 0, 1, d[0], d[1]],
            _ => [0x20, 1, 0x0d, 0xb8, a, b, c, 0, d[1], d[0], 0, 0, 0, 0, 0, 1],
        };
        let from = (Addr::v6(octets), 0x5555 ^ i as u16);
        storm.send(&Frame::udp(from, "[2001:db8:80::1]:9000", b"").frame())?;
    }
    counted(n)
}

pub(super) fn rst_fin(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    for i in 0..n {
        let flags = [flag::RST, flag::FIN | flag::ACK, flag::RST | flag::ACK][(i % 3) as usize];
        let (port, seq) = (storm.random.port(), storm.random.draw() as u32);
        storm.send(&Frame::tcp((scattered(i), port), WEB, flags).seq(seq, seq).frame())?;
    }
    counted(n)
}

pub(super) fn udp_ports(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    for i in 0..n {
        let to = (Addr::v4([198, 51, (i >> 24) as u8, (i >> 16) as u8]), i as u16);
        storm.send(&Frame::udp("11.0.0.1:40000", to, b"anyone there?").frame())?;
    }
    counted(n)
}

/// Destination unreachable, with the beginning of a packet that nobody sent.
pub(super) fn icmp_unreachable(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let victim = [192, 0, 2, 80];
    for i in 0..n {
        let from = scattered(i);
        let to = from.as_v4().expect("an IPv4 address");
        let ports = [storm.random.port().to_be_bytes(), [0, 53]].concat();
        let quoted = ipv4(victim, to, ip_proto::UDP, &[&ports[..], &[0, 8, 0, 0]].concat());
        let packet = ipv4(to, victim, ip_proto::ICMP, &icmp(3, 3, &quoted));
        storm.send(&Frame::other(from, Addr::v4(victim), ip_proto::ICMP, &packet[20..]).frame())?;
    }
    Ok(Truth::default())
}

/// New flows at times that leap an hour ahead, back, and stand still.
pub(super) fn clock_jumps(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let hour = Interval::from_secs(3600);
    for i in 0..n {
        let time = storm.now;
        match i % 1000 {
            0..500 => {}
            500..900 => storm.now = Timestamp(time.0 - hour.0),
            _ => storm.now = Timestamp(time.0 - (storm.random.below(7200) as i64) * 1_000_000_000),
        }
        storm.send(&Frame::udp((scattered(i), 40_000), "192.0.2.80:9000", b"tick").frame())?;
        storm.now = Timestamp(time.0 + 10_000);
    }
    counted(n)
}
