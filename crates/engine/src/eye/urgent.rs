//! Urgent data of TCP: the last of its bytes is no part of the stream to most receivers (RFC 6093 §3.1).

use super::What;
use sekisho_flow::Packet;
use sekisho_output::eve::Urgent;

/// Where in TCP's header the urgent pointer is (RFC 9293 §3.1).
const POINTER_AT: usize = 18;

/// What of a stream's next bytes stays in the stream, when a packet with urgent data is at hand; `count` counts those that do not. Only the packet's own bytes, whole, are
/// known to be urgent: those of an earlier one that had to wait are taken as they are.
pub(super) fn in_band<'b>(
    policy: Urgent,
    count: &mut u64,
    packet: &Packet<'_>,
    what: What,
    bytes: &'b [u8],
) -> (What, &'b [u8]) {
    let header = packet.decoded.transport(packet.frame);
    let pointer = header.get(POINTER_AT..).and_then(|rest| rest.first_chunk()).map_or(0, |p| u16::from_be_bytes(*p));
    let own = packet.decoded.payload(packet.frame);
    let is_last = pointer > 0 && usize::from(pointer) == bytes.len() && own == bytes;
    match (policy, what, bytes.split_last()) {
        (Urgent::OutOfBand, What::Data(len), Some((_, rest))) if is_last => {
            *count += 1;
            (What::Data(len - 1), rest)
        }
        (Urgent::Gap, What::Data(len), _) if pointer > 0 && own == bytes => (What::Gap(len as u64), &[]),
        _ => (what, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_types::Timestamp;
    use sekisho_wire::Decoded;
    use sekisho_wire::tcp_flags::URG;

    fn cut<'b>(policy: Urgent, pointer: u16, payload: &'b [u8], bytes: &'b [u8]) -> (What, &'b [u8], u64) {
        let mut frame = vec![0; 20];
        frame[POINTER_AT..].copy_from_slice(&pointer.to_be_bytes());
        frame.extend_from_slice(payload);
        let mut decoded = Decoded { proto: 6, payload_offset: 20, ..Decoded::default() };
        decoded.payload_len = u32::try_from(payload.len()).unwrap();
        decoded.tcp.flags = URG;
        let packet = Packet { ts: Timestamp(0), number: 1, decoded: &decoded, frame: &frame, tunnel: None };
        let mut count = 0;
        let (what, bytes) = in_band(policy, &mut count, &packet, What::Data(bytes.len()), bytes);
        (what, bytes, count)
    }

    #[test]
    fn the_last_urgent_byte_is_out_of_band() {
        use Urgent::{Gap, Inline, OutOfBand};
        assert_eq!(cut(OutOfBand, 2, b"XY", b"XY"), (What::Data(1), &b"X"[..], 1));
        assert_eq!(cut(OutOfBand, 1, b"X", b"X"), (What::Data(0), &b""[..], 1));
        assert_eq!(cut(OutOfBand, 0, b"XY", b"XY"), (What::Data(2), &b"XY"[..], 0));
        assert_eq!(cut(OutOfBand, 2, b"XY", b"ab"), (What::Data(2), &b"ab"[..], 0), "others' bytes");
        assert_eq!(cut(Inline, 2, b"XY", b"XY"), (What::Data(2), &b"XY"[..], 0));
        assert_eq!(cut(Gap, 1, b"XY", b"XY"), (What::Gap(2), &b""[..], 0));
    }
}
