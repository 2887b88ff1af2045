use crate::walk::{Step, Walk};
use crate::{Decoded, LinkType, ordinary};

/// Decodes the headers of `frame`, of which `wire_len` bytes were on the wire (more than captured
/// under a snap length; a smaller number is taken as the captured length).
#[inline]
pub fn decode(link: LinkType, frame: &[u8], wire_len: u32) -> Decoded {
    let mut d = Decoded::default();
    decode_into(link, frame, wire_len, &mut d);
    d
}

/// The same in place: a [`Decoded`] is large enough for its copying to be felt.
#[inline]
pub fn decode_into(link: LinkType, frame: &[u8], wire_len: u32, d: &mut Decoded) {
    if link != LinkType::ETHERNET || !ordinary::read(frame, wire_len, d) {
        *d = walk(link, frame, wire_len);
    }
}

/// Any frame.
#[inline(never)]
pub(crate) fn walk(link: LinkType, frame: &[u8], wire_len: u32) -> Decoded {
    let mut walk = Walk::new(frame, wire_len);
    walk.link(link);
    walk.d
}

/// Decodes an IP packet without a link header, as found in tunnels.
#[inline]
pub fn decode_ip(packet: &[u8], wire_len: u32) -> Decoded {
    let mut walk = Walk::new(packet, wire_len);
    walk.ip(0);
    walk.d
}

/// Decodes a further packet of an 802.11 aggregate (A-MSDU): the one that [`Decoded::next_msdu`] of the
/// packet before it points at.
pub fn decode_msdu(frame: &[u8], offset: u32, wire_len: u32) -> Decoded {
    let mut walk = Walk::new(frame, wire_len);
    walk.steps(Step::Msdu(offset as usize));
    walk.d
}

/// Decodes the transport part of a datagram put together from fragments. `first` is the fragment
/// with offset 0; `data` everything behind its IP header (behind the fragment header for IPv6).
///
/// Addresses and link fields come from `first`; all offsets count from the start of `data`, and
/// `ip_offset` is 0. `ip_len` is what the datagram's header would have said.
pub fn decode_reassembled(first: &Decoded, data: &[u8]) -> Decoded {
    let mut walk = Walk::new(data, 0);
    let header_len = first.transport_offset.saturating_sub(first.ip_offset);
    walk.d = Decoded {
        fragment: None,
        ip_offset: 0,
        ip_len: header_len.saturating_add(crate::walk::n32(data.len())),
        ..*first
    };
    if first.ip_version == 6 {
        walk.extensions(first.proto, 0)
    } else {
        walk.ipv4_upper(first.proto, 0)
    }
    walk.d
}
