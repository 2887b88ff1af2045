//! Attacks by tunnels in tunnels.

use super::storm::{Random, Storm, Truth, scattered};
use crate::{Addr, Frame, gre, ip_proto, vxlan};
use std::io;

/// Layers around the packet inside.
const NESTED: usize = 8;
const BEYOND: usize = 40;

/// IPv6 addresses of a layer.
fn v6(n: u32) -> Addr {
    let [a, b, c, d] = n.to_be_bytes();
    Addr::v6([0x20, 0x01, 0x0d, 0xb8, 0, 6, 0, 0, 0, 0, 0, 0, a, b, c, d])
}

/// `packet` (IP of version `v4`) in one more layer of the `kind`-th kind between the ends `n`; tells the version of the result.
fn wrap(packet: &[u8], is_v4: bool, kind: usize, n: u32) -> (Vec<u8>, bool) {
    let (a, b) = (Addr::v4([172, 16, (n >> 8) as u8, n as u8]), Addr::v4([172, 17, (n >> 8) as u8, n as u8]));
    let ethertype = if is_v4 { 0x0800 } else { 0x86dd };
    let frame = |body: &[u8]| {
        let ends = Frame::other(a, b, 0, b"");
        crate::eth(ends.src.mac(), ends.dst.mac(), ethertype, body)
    };
    match kind % 4 {
        0 => (Frame::other(a, b, 47, &gre(ethertype, packet)).packet(), true),
        1 => (Frame::other(a, b, if is_v4 { ip_proto::IPIP } else { 41 }, packet).packet(), true),
        2 => {
            let next = if is_v4 { ip_proto::IPIP } else { 41 };
            (Frame::other(v6(n), v6(!n), next, packet).packet(), false)
        }
        _ => (Frame::udp((a, 33_000), (b, 4_789), &vxlan(n & 0xff_ffff, &frame(packet))).packet(), true),
    }
}

/// A packet in `layers` layers of all kinds; `ends` names the ends of each.
fn deep(inside: &Frame, layers: usize, mut ends: impl FnMut(usize) -> u32) -> Vec<u8> {
    let (mut packet, mut is_v4) = (inside.packet(), true);
    for layer in 0..layers {
        // The last one, which is the outermost, is of IPv4.
        let kind = if layer + 1 == layers { 0 } else { layer };
        (packet, is_v4) = wrap(&packet, is_v4, kind, ends(layer));
    }
    let macs = Frame::other(scattered(1), scattered(2), 0, b"");
    crate::eth(macs.src.mac(), macs.dst.mac(), 0x0800, &packet)
}

/// A hundred flows inside of tunnels that stay the same.
fn fixed(storm: &mut Storm<'_>, n: u64, layers: usize) -> io::Result<Truth> {
    let frames: Vec<_> = (0..100u16)
        .map(|i| {
            let inside = Frame::udp((scattered(u64::from(i)), 40_000 + i), "192.0.2.80:9000", &[b'i'; 200]);
            deep(&inside, layers, |layer| layer as u32)
        })
        .collect();
    (0..n).try_for_each(|i| storm.send(&frames[(i % 100) as usize]))?;
    Ok(Truth::default())
}

pub(super) fn nested(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    fixed(storm, n, NESTED)
}

pub(super) fn beyond(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    fixed(storm, n, BEYOND)
}

/// Every layer of every packet is between ends of its own.
pub(super) fn spray(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let mut ends: Random = storm.random.clone();
    for i in 0..n {
        let inside = Frame::udp((scattered(i), 40_000), "192.0.2.80:9000", b"inside");
        storm.send(&deep(&inside, NESTED, |_| ends.draw() as u32))?;
    }
    Ok(Truth::default())
}
