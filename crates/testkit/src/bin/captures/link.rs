//! One UDP exchange below each kind of link layer.

use crate::{Capture, ETHERNET, RAW, Timed, at, at_ms};
use sekisho_testkit::{Frame, eth, mpls, pppoe, vlan};

const LINUX_SLL: u32 = 113;
const LINUX_SLL2: u32 = 276;
const IEEE802_11_RADIOTAP: u32 = 127;
const NULL: u32 = 0;

pub fn all() -> Vec<Capture> {
    vec![
        capture("link/vlan", ETHERNET, |f| f.clone().vlan(100).frame()),
        capture("link/qinq", ETHERNET, qinq),
        capture("link/mpls", ETHERNET, |f| typed(f, 0x8847, &mpls(&[1000, 2000], &f.packet()))),
        capture("link/pppoe", ETHERNET, |f| typed(f, 0x8864, &pppoe(0x1234, &f.packet()))),
        capture("link/sll", LINUX_SLL, sll),
        capture("link/sll2", LINUX_SLL2, sll2),
        capture("link/raw", RAW, Frame::packet),
        capture("link/null", NULL, |f| [&2u32.to_le_bytes()[..], &f.packet()].concat()),
        capture("link/radiotap", IEEE802_11_RADIOTAP, radiotap),
    ]
}

fn capture(name: &'static str, link: u32, wrap: impl Fn(&Frame) -> Vec<u8>) -> Capture {
    let (a, b) = ("10.0.0.1:40000", "192.0.2.1:9000");
    let frames: Vec<Timed> =
        vec![(at(0), wrap(&Frame::udp(a, b, b"hello"))), (at_ms(10), wrap(&Frame::udp(b, a, b"hello back")))];
    Capture { name, link, frames, key_log: String::new() }
}

fn typed(f: &Frame, kind: u16, body: &[u8]) -> Vec<u8> {
    eth(f.src.mac(), f.dst.mac(), kind, body)
}

/// IEEE 802.1ad: a service tag around a customer tag.
fn qinq(f: &Frame) -> Vec<u8> {
    typed(f, 0x88a8, &vlan(200, 0x8100, &vlan(100, 0x0800, &f.packet())))
}

/// Linux cooked capture: packet type, hardware type, address, protocol.
fn sll(f: &Frame) -> Vec<u8> {
    [&[0, 0, 0, 1, 0, 6][..], &f.src.mac().0, &[0, 0, 0x08, 0x00], &f.packet()].concat()
}

/// Version 2: protocol, interface, hardware type, packet type, address.
fn sll2(f: &Frame) -> Vec<u8> {
    [&[0x08, 0x00, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6][..], &f.src.mac().0, &[0, 0], &f.packet()].concat()
}

/// An empty radiotap header, a data frame towards the access point, LLC and SNAP.
fn radiotap(f: &Frame) -> Vec<u8> {
    let (src, dst) = (f.src.mac().0, f.dst.mac().0);
    let bssid = [2, 0, 0, 0, 0, 0xaa];
    [
        &[0, 0, 8, 0, 0, 0, 0, 0][..],
        &[0x08, 0x01, 0, 0],
        &bssid,
        &src,
        &dst,
        &[0, 0],
        &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0],
        &f.packet(),
    ]
    .concat()
}
