use super::*;
use crate::Limits;
use proptest::prelude::*;
use sekisho_types::Interval;

const SRC: [u8; 4] = [10, 0, 0, 1];
const DST: [u8; 4] = [10, 0, 0, 2];

/// An IPv4 frame with `data` at `offset`, and its decoding.
fn v4(id: u16, offset: u32, more: bool, data: &[u8]) -> (Decoded, Vec<u8>) {
    let total = 20 + data.len() as u16;
    let field = (offset / 8) as u16 | if more { 0x2000 } else { 0 };
    let mut frame = vec![0x45, 0];
    frame.extend(total.to_be_bytes());
    frame.extend(id.to_be_bytes());
    frame.extend(field.to_be_bytes());
    frame.extend([64, 17, 0, 0]);
    frame.extend(SRC);
    frame.extend(DST);
    frame.extend_from_slice(data);
    let d = Decoded {
        ip_version: 4,
        proto: 17,
        src: Addr::v4(SRC),
        dst: Addr::v4(DST),
        ip_len: u32::from(total),
        transport_offset: 20,
        payload_offset: 20,
        payload_len: data.len() as u32,
        payload_wire_len: data.len() as u32,
        fragment: Some(Fragment { id: u32::from(id), offset, more }),
        ..Decoded::default()
    };
    (d, frame)
}

struct Bench {
    de: Defragmenter,
    weirds: Vec<&'static str>,
    number: u64,
}

impl Bench {
    fn new(config: Config) -> Self {
        Self { de: Defragmenter::new(config), weirds: Vec::new(), number: 0 }
    }

    fn push_at(&mut self, secs: i64, (d, frame): (Decoded, Vec<u8>)) -> Outcome {
        self.number += 1;
        let weirds = &mut self.weirds;
        self.de.push(&d, &frame, Timestamp::from_parts(secs, 0), self.number, &mut |w| weirds.push(w))
    }

    fn push(&mut self, fragment: (Decoded, Vec<u8>)) -> Option<Whole> {
        match self.push_at(0, fragment) {
            Outcome::Whole(w) => Some(w),
            _ => None,
        }
    }
}

fn ones_complement(header: &[u8]) -> u16 {
    let mut sum: u32 = header.chunks(2).map(|p| u32::from(u16::from_be_bytes([p[0], p[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[test]
fn puts_together_in_any_order() {
    let mut b = Bench::new(Config::default());
    assert_eq!(b.push(v4(1, 8, true, b"iiiiiiii")), None);
    assert_eq!(b.push(v4(2, 0, true, b"another ")), None);
    assert_eq!(b.push(v4(1, 16, false, b"end")), None);
    let w = b.push(v4(1, 0, true, b"begin   ")).unwrap();
    assert_eq!(&w.bytes[20..], b"begin   iiiiiiiiend");
    assert_eq!(w.packets, [1, 3, 4]);
    assert_eq!(&w.bytes[2..8], [0, 39, 0, 1, 0, 0]);
    assert_eq!(ones_complement(&w.bytes[..20]), 0xffff);
    let s = b.de.stats();
    assert_eq!((s.datagrams, s.buffered_len, s.whole), (1, 8, 1));
    b.de.finish();
    assert_eq!((b.de.stats().datagrams, b.de.stats().buffered_len), (0, 0));
}

#[test]
fn takes_the_fragment_header_out_of_ipv6() {
    // A hop-by-hop header before the fragment header.
    let frame = |offset: u16, more: bool, data: &[u8]| {
        let mut f = vec![0x60, 0, 0, 0];
        f.extend((16 + data.len() as u16).to_be_bytes());
        f.extend([0, 64]);
        f.extend([0xfd; 16]);
        f.extend([0xfe; 16]);
        f.extend([44, 0, 1, 4, 0, 0, 0, 0]);
        f.extend([17, 0]);
        f.extend((offset | u16::from(more)).to_be_bytes());
        f.extend(7u32.to_be_bytes());
        f.extend_from_slice(data);
        let d = Decoded {
            ip_version: 6,
            proto: 17,
            src: Addr::v6([0xfd; 16]),
            dst: Addr::v6([0xfe; 16]),
            ip_len: f.len() as u32,
            transport_offset: 56,
            payload_offset: 56,
            payload_len: data.len() as u32,
            payload_wire_len: data.len() as u32,
            fragment: Some(Fragment { id: 7, offset: u32::from(offset), more }),
            ..Decoded::default()
        };
        (d, f)
    };
    let mut b = Bench::new(Config::default());
    assert_eq!(b.push(frame(0, true, b"01234567")), None);
    let w = b.push(frame(8, false, b"89")).unwrap();
    assert_eq!(&w.bytes[4..7], [0, 18, 0]);
    assert_eq!(w.bytes[40], 17);
    assert_eq!(&w.bytes[48..], b"0123456789");
}

#[test]
fn overlaps_follow_the_policy_and_are_told() {
    for (overlap, want) in [(OverlapPolicy::First, b"AAAAAAAABBBBBBBBCC"), (OverlapPolicy::Last, b"AAAAAAAAXXXXXXXXCC")]
    {
        let mut b = Bench::new(Config { overlap, ..Config::default() });
        b.push(v4(1, 8, true, b"BBBBBBBB"));
        b.push(v4(1, 8, true, b"XXXXXXXX"));
        b.push(v4(1, 0, true, b"AAAAAAAA"));
        let w = b.push(v4(1, 16, false, b"CC")).unwrap();
        assert_eq!(&w.bytes[20..], want);
        assert!(b.weirds.contains(&"fragment_inconsistency"));
    }
    // Teardrop: the last fragment lies within the first.
    let mut b = Bench::new(Config::default());
    b.push(v4(1, 0, true, &[1; 40]));
    let w = b.push(v4(1, 24, false, &[1; 4])).unwrap();
    assert_eq!(w.bytes.len(), 60);
    assert!(b.weirds.contains(&"fragment_overlap") && b.weirds.contains(&"fragment_size_inconsistency"));
}

#[test]
fn rejects_impossible_fragments() {
    let mut b = Bench::new(Config::default());
    // Ping of death.
    assert!(matches!(b.push_at(0, v4(1, 65_528, false, &[0; 100])), Outcome::Dropped));
    assert_eq!(b.weirds, ["excessively_large_fragment"]);
    assert!(matches!(b.push_at(0, v4(1, 0, true, &[])), Outcome::Dropped));
    let (mut d, frame) = v4(1, 0, true, &[0; 64]);
    d.payload_wire_len = 1400;
    assert!(matches!(b.push_at(0, (d, frame)), Outcome::Dropped));
    let (d, _) = v4(1, 0, true, &[0; 64]);
    assert!(matches!(b.push_at(0, (d, Vec::new())), Outcome::Dropped));
    assert_eq!((b.de.stats().dropped, b.de.stats().datagrams), (4, 0));
}

#[test]
fn limits_time_bytes_and_counts() {
    let fragment_len = 1000 + 3 * DATAGRAM_COST;
    let limits = Limits { fragment_datagram_count: 2, fragment_len, fragment_count: 3, ..Limits::default() };
    let mut b = Bench::new(Config { limits, ..Config::default() });
    for id in 1..=3 {
        b.push_at(0, v4(id, 0, true, &[0; 64]));
    }
    assert_eq!((b.de.stats().datagrams, b.de.stats().evicted), (2, 1));
    b.push_at(0, v4(3, 64, true, &[0; 400]));
    assert_eq!((b.de.stats().datagrams, b.de.stats().evicted, b.de.stats().buffered_len), (1, 2, 464));
    assert!(matches!(b.push_at(0, v4(9, 0, true, &[0; 3000])), Outcome::Dropped));
    for _ in 0..3 {
        b.push_at(0, v4(7, 0, true, &[0; 8]));
    }
    assert!(matches!(b.push_at(0, v4(7, 0, true, &[0; 8])), Outcome::Dropped));
    let timeout = b.de.config.timeouts.fragment;
    assert!(timeout > Interval::ZERO);
    b.push_at(timeout.0 / 1_000_000_000, v4(8, 0, true, &[0; 8]));
    assert_eq!((b.de.stats().datagrams, b.de.stats().buffered_len), (1, 8));
    assert_eq!(b.de.stats().expired, 1);
}

#[test]
fn limits_the_order_of_age_where_time_stands_still() {
    let mut b = Bench::new(Config::default());
    for id in 0..10_000 {
        b.push_at(0, v4(id, 0, true, &[0; 8]));
        assert!(matches!(b.push_at(0, v4(id, 8, false, &[0; 8])), Outcome::Whole(_)));
    }
    assert!(b.de.order.len() <= STALE_MAX_COUNT + 2, "{}", b.de.order.len());
    assert_eq!(b.de.cost, 0);
}

#[test]
fn limits_the_cost_of_tiny_fragments() {
    let mut b = Bench::new(Config::default());
    let limit = b.de.config.limits.fragment_len;
    for i in 0..400_000u32 {
        b.push_at(0, v4((i / 1000) as u16, i % 1000 * 16, true, &[0; 8]));
        assert!(b.de.cost <= limit);
    }
    assert!(b.de.stats().evicted > 0);
}

proptest! {
    #[test]
    fn equals_the_content_in_any_order(len in 1usize..3000, cuts in proptest::collection::vec((0usize..400, 1usize..60), 0..60)) {
        let content: Vec<u8> = (0..len).map(|i| (i * 31 % 253) as u8).collect();
        let mut b = Bench::new(Config::default());
        let mut whole = None;
        for (at, n) in cuts {
            let (at, end) = (at * 8, (at * 8 + n * 8).min(len));
            if at < end {
                whole = whole.or(b.push(v4(5, at as u32, end < len, &content[at..end])));
            }
        }
        for (i, part) in content.chunks(64).enumerate() {
            if whole.is_none() {
                whole = b.push(v4(5, i as u32 * 64, i * 64 + part.len() < len, part));
            }
        }
        let whole = whole.unwrap();
        prop_assert_eq!(&whole.bytes[20..], &content[..]);
        prop_assert!(!b.weirds.contains(&"fragment_inconsistency"));
    }

    #[test]
    fn survives_anything(ops in proptest::collection::vec((0u16..3, 0u32..9000, proptest::bool::ANY, 0usize..200, 0i64..30), 0..100)) {
        let limits = Limits { fragment_datagram_count: 2, fragment_len: 2000, fragment_count: 20, ..Limits::default() };
        let mut b = Bench::new(Config { limits, ..Config::default() });
        let mut now = 0;
        for (id, offset, more, len, step) in ops {
            now += step;
            b.push_at(now, v4(id, offset * 8, more, &vec![id as u8; len]));
            prop_assert!(b.de.stats().buffered_len <= 2000 && b.de.cost <= 2000 && b.de.stats().datagrams <= 2);
        }
        b.de.finish();
        prop_assert_eq!((b.de.stats().buffered_len, b.de.cost), (0, 0));
    }
}
