//! Builders of captures in any byte order.

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum End {
    Big,
    Little,
}
pub(crate) const BOTH: [End; 2] = [End::Big, End::Little];

impl End {
    pub(crate) fn u16(self, n: u16) -> [u8; 2] {
        if self == End::Big { n.to_be_bytes() } else { n.to_le_bytes() }
    }
    pub(crate) fn u32(self, n: u32) -> [u8; 4] {
        if self == End::Big { n.to_be_bytes() } else { n.to_le_bytes() }
    }
    pub(crate) fn u64(self, n: u64) -> [u8; 8] {
        if self == End::Big { n.to_be_bytes() } else { n.to_le_bytes() }
    }
    pub(crate) fn words(self, words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|w| self.u32(*w)).collect()
    }
}

pub(crate) fn pcap_header(end: End, magic: u32, version: (u16, u16), snaplen: u32, network: u32) -> Vec<u8> {
    let mut out = end.u32(magic).to_vec();
    out.extend(end.u16(version.0));
    out.extend(end.u16(version.1));
    out.extend(end.words(&[0, 0, snaplen, network]));
    out
}

/// A record whose header ends with `extra`.
pub(crate) fn record(end: End, secs: u32, frac: u32, data: &[u8], orig_len: u32, extra: &[u8]) -> Vec<u8> {
    let mut out = end.words(&[secs, frac, data.len() as u32, orig_len]);
    out.extend(extra);
    out.extend(data);
    out
}

/// A microsecond Ethernet capture of packets at the given (seconds, first byte).
pub(crate) fn simple_pcap(packets: &[(u32, u8)]) -> Vec<u8> {
    let mut out = pcap_header(End::Little, 0xa1b2_c3d4, (2, 4), 65535, 1);
    for &(secs, byte) in packets {
        out.extend(record(End::Little, secs, 0, &[byte; 60], 60, &[]));
    }
    out
}

pub(crate) fn block(end: End, kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let len = end.u32(padded as u32 + 12);
    let mut out = end.u32(kind).to_vec();
    out.extend(len);
    out.extend(body);
    out.resize(8 + padded, 0);
    out.extend(len);
    out
}

pub(crate) fn option(end: End, code: u16, value: &[u8]) -> Vec<u8> {
    let mut out = end.u16(code).to_vec();
    out.extend(end.u16(value.len() as u16));
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

pub(crate) fn section(end: End, options: &[u8]) -> Vec<u8> {
    let mut body = end.u32(0x1a2b_3c4d).to_vec();
    body.extend(end.u16(1));
    body.extend(end.u16(0));
    body.extend([0xff; 8]);
    body.extend(options);
    block(end, 0x0a0d_0d0a, &body)
}

pub(crate) fn interface(end: End, link_type: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
    let mut body = end.u16(link_type).to_vec();
    body.extend([0, 0]);
    body.extend(end.u32(snaplen));
    body.extend(options);
    block(end, 1, &body)
}

fn padded(data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    out.resize(data.len().next_multiple_of(4), 0);
    out
}

pub(crate) fn enhanced(end: End, interface: u32, ticks: u64, data: &[u8], orig_len: u32, options: &[u8]) -> Vec<u8> {
    let mut body = end.words(&[interface, (ticks >> 32) as u32, ticks as u32, data.len() as u32, orig_len]);
    body.extend(padded(data));
    body.extend(options);
    block(end, 6, &body)
}

pub(crate) fn obsolete(end: End, interface: u16, drops: u16, ticks: u64, data: &[u8]) -> Vec<u8> {
    let mut body = end.u16(interface).to_vec();
    body.extend(end.u16(drops));
    let len = data.len() as u32;
    body.extend(end.words(&[(ticks >> 32) as u32, ticks as u32, len, len]));
    body.extend(padded(data));
    block(end, 2, &body)
}

/// A capture with every kind of block.
pub(crate) fn rich_pcapng(end: End) -> Vec<u8> {
    let mut out = section(
        end,
        &[option(end, 1, b"first"), option(end, 2, b"box"), option(end, 4, b"maker"), option(end, 0, b"")].concat(),
    );
    let named = [option(end, 2, b"eth0"), option(end, 11, b"\0tcp"), option(end, 13, &[4])].concat();
    out.extend(interface(end, 1, 96, &named));
    out.extend(interface(end, 101, 0, &[option(end, 9, &[9]), option(end, 14, &end.u64(100))].concat()));
    out.extend(interface(end, 113, 0, &option(end, 9, &[0x80 | 20])));
    out.extend(enhanced(end, 0, 1_000_001, b"abcde", 50, &[option(end, 1, b"why"), option(end, 1, b"so")].concat()));
    out.extend(enhanced(end, 1, 7, b"", 0, &option(end, 4, &end.u64(3))));
    out.extend(block(end, 0x0bad, b"unknown block"));
    out.extend(enhanced(end, 2, 3 << 19, b"xyz", 3, &[]));
    out.extend(obsolete(end, 0, 2, 2_000_000, b"old"));
    let mut simple = end.u32(200).to_vec();
    simple.extend([9; 96]);
    out.extend(block(end, 3, &simple));
    let names = [
        option(end, 1, b"\x0a\0\0\x01gate\0router\0"),
        option(end, 2, b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01six\0"),
        option(end, 0, b""),
    ];
    out.extend(block(end, 4, &names.concat()));
    let secrets = [&end.words(&[0x544c_534b, 5])[..], b"keys\n"].concat();
    out.extend(block(end, 10, &secrets));
    let stats = [option(end, 4, &end.u64(10)), option(end, 5, &end.u64(4)), option(end, 7, &end.u64(1))].concat();
    out.extend(block(end, 5, &[end.words(&[0, 0, 0]), stats].concat()));
    out.extend(enhanced(end, 99, 0, b"orphan", 6, &[]));
    // A second section in the other byte order, with interfaces of its own.
    let other = if end == End::Big { End::Little } else { End::Big };
    out.extend(section(other, &option(other, 1, b"second")));
    out.extend(interface(other, 276, 0, &[]));
    out.extend(enhanced(other, 0, 3_000_000, b"last", 4, &[]));
    out
}
