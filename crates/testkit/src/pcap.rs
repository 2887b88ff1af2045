use sekisho_types::Timestamp;

/// Byte order of a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    /// Most significant byte first.
    Big,
    /// Least significant byte first.
    Little,
}

/// A pcap file with nanosecond times, little endian, whole frames.
pub fn pcap<F: AsRef<[u8]>>(link: u32, frames: &[(Timestamp, F)]) -> Vec<u8> {
    pcap_with(link, frames, Endian::Little, true, u32::MAX)
}

/// A pcap file in the given byte order, with nanosecond or microsecond times, frames cut at `snaplen`.
pub fn pcap_with<F: AsRef<[u8]>>(
    link: u32,
    frames: &[(Timestamp, F)],
    endian: Endian,
    nanos: bool,
    snaplen: u32,
) -> Vec<u8> {
    let mut out = Vec::new();
    let word = |out: &mut Vec<u8>, v: u32| match endian {
        Endian::Big => out.extend(v.to_be_bytes()),
        Endian::Little => out.extend(v.to_le_bytes()),
    };
    word(&mut out, if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 });
    match endian {
        Endian::Big => out.extend([0, 2, 0, 4]),
        Endian::Little => out.extend([2, 0, 4, 0]),
    }
    for v in [0, 0, snaplen.min(262_144), link] {
        word(&mut out, v);
    }
    for (ts, frame) in frames {
        let frame = frame.as_ref();
        let kept = frame.len().min(snaplen as usize);
        let fraction = ts.0.rem_euclid(1_000_000_000) / if nanos { 1 } else { 1000 };
        for v in [ts.0.div_euclid(1_000_000_000) as u32, fraction as u32, kept as u32, frame.len() as u32] {
            word(&mut out, v);
        }
        out.extend(&frame[..kept]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_both_byte_orders() {
        let frames = [(Timestamp(1_500_000_000), vec![7u8; 10])];
        let le = pcap(1, &frames);
        assert_eq!(le.len(), 24 + 16 + 10);
        assert_eq!(le[24..40], [1, 0, 0, 0, 0, 0x65, 0xcd, 0x1d, 10, 0, 0, 0, 10, 0, 0, 0]);
        let be = pcap_with(1, &frames, Endian::Big, false, 4);
        assert_eq!(be[..4], [0xa1, 0xb2, 0xc3, 0xd4]);
        assert_eq!(be[24..], [0, 0, 0, 1, 0, 7, 0xa1, 0x20, 0, 0, 0, 4, 0, 0, 0, 10, 7, 7, 7, 7]);
    }
}
