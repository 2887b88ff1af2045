use sekisho_types::Timestamp;
use std::io::{self, Write};

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

/// A pcapng file with nanosecond times, little endian, whole frames, and before them TLS secrets as a key log has them.
pub fn pcapng<F: AsRef<[u8]>>(link: u32, frames: &[(Timestamp, F)], key_log: &str) -> Vec<u8> {
    fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
        let padding = body.len().next_multiple_of(4) - body.len();
        let len = (12 + body.len() + padding) as u32;
        out.extend([kind, len].map(u32::to_le_bytes).concat());
        out.extend(body);
        out.extend(vec![0; padding]);
        out.extend(len.to_le_bytes());
    }
    let mut out = Vec::new();
    let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    block(&mut out, 0x0a0d_0d0a, &section);
    // if_tsresol: nanoseconds.
    let options = [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];
    block(&mut out, 1, &[&(link as u16).to_le_bytes()[..], &[0; 2], &262_144_u32.to_le_bytes(), &options].concat());
    let secrets = [0x544c_534b, key_log.len() as u32].map(u32::to_le_bytes).concat();
    block(&mut out, 10, &[&secrets, key_log.as_bytes()].concat());
    for (ts, frame) in frames {
        let (frame, ts) = (frame.as_ref(), ts.0 as u64);
        let len = frame.len() as u32;
        let head = [0, (ts >> 32) as u32, ts as u32, len, len].map(u32::to_le_bytes).concat();
        block(&mut out, 6, &[&head, frame].concat());
    }
    out
}

/// Writes a pcap file frame by frame (nanoseconds, little endian), so that its size costs no memory.
#[derive(Debug)]
pub struct PcapWriter<W> {
    out: W,
    /// Frames written.
    pub frame_count: u64,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file header.
    pub fn new(mut out: W, link: u32) -> io::Result<Self> {
        out.write_all(&pcap::<&[u8]>(link, &[]))?;
        Ok(Self { out, frame_count: 0 })
    }

    /// Writes one frame; `orig_len` is its length on the wire, which may be more than was captured.
    pub fn frame(&mut self, ts: Timestamp, captured: &[u8], orig_len: u32) -> io::Result<()> {
        let (secs, nanos) = (ts.0.div_euclid(1_000_000_000) as u32, ts.0.rem_euclid(1_000_000_000) as u32);
        let mut head = [0; 16];
        for (at, v) in [secs, nanos, captured.len() as u32, orig_len].into_iter().enumerate() {
            head[4 * at..4 * at + 4].copy_from_slice(&v.to_le_bytes());
        }
        self.out.write_all(&head)?;
        self.frame_count += 1;
        self.out.write_all(captured)
    }

    /// Writes what is buffered.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Times and Ethernet frames of a pcap file in little-endian order, microseconds or nanoseconds, as [`pcap`] writes
/// it or a recording has it.
pub fn read_pcap(bytes: &[u8]) -> Vec<(Timestamp, Vec<u8>)> {
    let word = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes(b.try_into().expect("four bytes")));
    let unit = if word(0) == Some(0xa1b2_3c4d) { 1 } else { 1000 };
    let (mut out, mut at) = (Vec::new(), 24);
    while let (Some(secs), Some(fraction), Some(len)) = (word(at), word(at + 4), word(at + 8)) {
        let end = at + 16 + len as usize;
        out.push((Timestamp::from_parts(i64::from(secs), fraction * unit), bytes[at + 16..end].to_vec()));
        at = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streamed_file_is_the_same() {
        let frames = [(Timestamp(1_500_000_000), vec![7u8; 10]), (Timestamp(2_000_000_001), vec![8u8; 3])];
        let mut bytes = Vec::new();
        let mut writer = PcapWriter::new(&mut bytes, 1).unwrap();
        for (ts, f) in &frames {
            writer.frame(*ts, f, f.len() as u32).unwrap();
        }
        assert_eq!(writer.frame_count, 2);
        writer.finish().unwrap();
        assert_eq!(bytes, pcap(1, &frames));
        assert_eq!(read_pcap(&bytes), frames);
    }

    #[test]
    fn pcapng_has_secrets_before_frames() {
        let bytes = pcapng(1, &[(Timestamp(0x1_0000_0002), [7u8; 5])], "A b c\n");
        let dsb = bytes.windows(4).position(|w| w == b"KSLT").unwrap();
        assert_eq!(bytes[dsb + 4..dsb + 16], *b"\x06\0\0\0A b c\n\0\0");
        assert_eq!(
            bytes[bytes.len() - 28..],
            [&1u32.to_le_bytes()[..], &[2, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0], &[7; 5], &[0; 3], &[40, 0, 0, 0]].concat()
        );
        assert_eq!(bytes.len() % 4, 0);
    }

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
