use super::build::*;
use super::{read, read_whole};
use crate::{Format, Host, PcapVariant, Resolution, Secrets};
use sekisho_types::Addr;

fn check_pcap(magic: u32, version: (u16, u16), file_extra: usize, record_extra: &[u8], variant: PcapVariant, ns: i64) {
    for end in BOTH {
        let mut file = pcap_header(end, magic, version, 100, 1);
        file.extend(vec![0; file_extra]);
        let first = file.len() as u64;
        for n in 0..4u8 {
            file.extend(record(end, 7, 5 + u32::from(n), &[n; 9], 90, record_extra));
        }
        let (got, info) = read_whole(&file);
        assert_eq!(info.format, Some(Format::Pcap(variant)));
        assert_eq!(got.len(), 4, "{variant:?}");
        for (n, g) in got.iter().enumerate() {
            assert_eq!(g.ts, 7_000_000_000 + (5 + n as i64) * ns);
            assert_eq!((&g.data[..], g.orig_len, g.link_type), (&[n as u8; 9][..], 90, 1));
            assert_eq!(g.offset, first + n as u64 * (25 + record_extra.len() as u64));
        }
        let i = &info.interfaces[0];
        assert_eq!((i.snaplen, i.link_type, i.packet_count), (100, 1, 4));
        assert_eq!(i.resolution, Resolution::Ten(if ns == 1 { 9 } else { 6 }));
    }
}

#[test]
fn parses_pcap_and_its_relatives() {
    check_pcap(0xa1b2_c3d4, (2, 4), 0, &[], PcapVariant::Micros, 1000);
    check_pcap(0xa1b2_3c4d, (2, 4), 0, &[], PcapVariant::Nanos, 1);
    check_pcap(0xa1b2_cd34, (2, 4), 0, &[0; 8], PcapVariant::Kuznetzov1029, 1000);
    check_pcap(0xa1b2_cd34, (2, 4), 0, &[0, 0, 0, 0, 0, 8, 0, 1, 1, 0, 0, 0], PcapVariant::Kuznetzov0915, 1000);
    check_pcap(0xa1b2_c3d4, (2, 4), 0, &[0; 8], PcapVariant::Kuznetzov1029, 1000);
    check_pcap(0xa1b2_c3d4, (2, 4), 0, &[0; 4], PcapVariant::Nokia, 1000);
    check_pcap(0x1c00_01ac, (2, 4), 4, &[], PcapVariant::IxiaHw, 1);
    check_pcap(0x1c00_01ab, (2, 4), 4, &[], PcapVariant::IxiaSw, 1000);
}

#[test]
fn parses_old_length_order() {
    for (version, swapped) in [((2, 2), true), ((2, 3), true), ((2, 3), false), ((543, 0), true), ((2, 4), false)] {
        let mut file = pcap_header(End::Big, 0xa1b2_c3d4, version, 100, 1);
        let lens = if swapped { [70, 3] } else { [3, 70] };
        file.extend(End::Big.words(&[1, 0, lens[0], lens[1]]));
        file.extend(b"abc");
        let (got, _) = read_whole(&file);
        assert_eq!((&got[0].data[..], got[0].orig_len), (&b"abc"[..], 70), "{version:?}");
    }
}

#[test]
fn parses_aix_interface_types() {
    for (network, link_type) in [(6, 1), (9, 6), (15, 10), (24, 0)] {
        let mut file = pcap_header(End::Big, 0xa1b2_c3d4, (2, 2), 100, network);
        file.extend(End::Big.words(&[1, 5, 9, 1]));
        file.push(1);
        let (got, info) = read_whole(&file);
        assert_eq!((got[0].ts, got[0].link_type), (1_000_000_005, link_type));
        assert_eq!(info.format, Some(Format::Pcap(PcapVariant::Aix)));
    }
}

#[test]
fn parses_fcs_length_in_the_network_field() {
    let file = pcap_header(End::Little, 0xa1b2_c3d4, (2, 4), 0, 0x2400_0001);
    let (_, info) = read_whole(&file);
    assert_eq!((info.interfaces[0].fcs_len, info.interfaces[0].link_type), (Some(4), 1));
    let plain = pcap_header(End::Little, 0xa1b2_c3d4, (2, 4), 0, 1);
    assert_eq!(read_whole(&plain).1.interfaces[0].fcs_len, None);
}

#[test]
fn parses_every_pcapng_block() {
    for end in BOTH {
        let (got, info) = read_whole(&rich_pcapng(end));
        let brief: Vec<_> = got.iter().map(|g| (g.ts, g.data.len(), g.orig_len, g.link_type, g.interface)).collect();
        let expected = [
            (1_000_001_000, 5, 50, 1, 0),
            (100_000_000_007, 0, 0, 101, 1),
            (1_500_000_000, 3, 3, 113, 2),
            (2_000_000_000, 3, 3, 1, 0),
            // A simple packet has no time: that of the packet before, and the snaplen of interface 0.
            (2_000_000_000, 96, 200, 1, 0),
            (3_000_000_000, 4, 4, 276, 3),
        ];
        assert_eq!(brief, expected);
        assert_eq!(got[0].comments, ["why", "so"]);
        assert!(got[1..].iter().all(|g| g.comments.is_empty()));
        assert_eq!(info.comments, ["first", "second"]);
        assert_eq!((&info.written_by.hardware[..], &info.written_by.application[..]), ("box", "maker"));
        let host = |addr, name: &str| Host { addr, name: name.into() };
        let gate = Addr::v4([10, 0, 0, 1]);
        let six = "2001:db8::1".parse().unwrap();
        assert_eq!(info.hosts, [host(gate, "gate"), host(gate, "router"), host(six, "six")]);
        assert_eq!(info.secrets.len(), 1);
        assert_eq!((info.secrets[0].kind, &info.secrets[0].data[..]), (Secrets::TLS_KEY_LOG, &b"keys\n"[..]));
        let i = &info.interfaces[0];
        assert_eq!((i.received, i.dropped, i.os_dropped, i.packet_drops), (Some(10), Some(4), Some(1), 2));
        assert_eq!((&i.name[..], &i.filter[..], i.fcs_len, i.packet_count), ("eth0", "tcp", Some(4), 3));
        assert_eq!((info.interfaces[1].packet_drops, info.interfaces[1].ts_offset), (3, 100));
        assert_eq!(info.interfaces[2].resolution, Resolution::Two(20));
        assert_eq!((info.passed_over.block_count, info.passed_over.orphan_count), (1, 1));
        assert_eq!((info.first_ts.unwrap().0, info.last_ts.unwrap().0), (1_000_001_000, 100_000_000_007));
        assert_eq!((info.packet_count, info.captured_len), (6, 111));
    }
}

#[test]
fn limits_notes() {
    let end = End::Little;
    let many = option(end, 1, b"c").repeat(crate::MAX_COMMENTS + 5);
    let mut file = section(end, &many);
    let name = option(end, 1, b"\x0a\0\0\x01n\0");
    for _ in 0..3 {
        file.extend(block(end, 4, &name.repeat(30_000)));
    }
    for _ in 0..5 {
        let len = crate::MAX_SECRETS_LEN / 4;
        file.extend(block(end, 10, &[end.words(&[1, len as u32]), vec![7; len]].concat()));
    }
    let (_, info) = read(&file);
    assert_eq!(info.damage, None);
    assert_eq!((info.comments.len(), info.hosts.len()), (crate::MAX_COMMENTS, crate::MAX_HOSTS));
    assert_eq!(info.secrets.len(), 4);
    assert_eq!(info.passed_over.note_count, 5 + (90_000 - crate::MAX_HOSTS as u64) + 1);
}

#[test]
fn limits_interfaces() {
    let end = End::Big;
    let mut file = section(end, &[]);
    file.extend(interface(end, 1, 0, &[]).repeat(crate::MAX_INTERFACES + 3));
    file.extend(enhanced(end, crate::MAX_INTERFACES as u32, 0, b"x", 1, &[]));
    let (got, info) = read_whole(&file);
    assert_eq!((got.len(), info.interfaces.len()), (0, crate::MAX_INTERFACES));
    assert_eq!((info.passed_over.interface_count, info.passed_over.orphan_count), (3, 1));
}
