use super::build::*;
use super::{all, read_whole};
use crate::{Batch, Captures, Frame, Host, PcapWriter, PcapngWriter};
use sekisho_types::{Addr, Timestamp};

#[test]
fn pcapng_keeps_everything() {
    for end in BOTH {
        let mut captures = Captures::from_bytes("in", rich_pcapng(end));
        let mut out = PcapngWriter::new(Vec::new(), &["cut from in"]).unwrap();
        let mut batch = Batch::new();
        while captures.fill(&mut batch) {
            for (i, frame) in batch.frames().enumerate() {
                let interface = captures.interfaces().map(|(_, i)| i).find(|i| i.id == frame.interface);
                out.frame(&frame, interface, batch.comments(i)).unwrap();
            }
        }
        let info = &captures.infos()[0];
        info.secrets.iter().for_each(|s| out.secrets(s).unwrap());
        out.hosts(&info.hosts).unwrap();
        let bytes = out.finish().unwrap();
        let (before, _) = read_whole(&rich_pcapng(end));
        let (after, copy) = read_whole(&bytes);
        let key = |g: &super::Got| (g.ts, g.data.clone(), g.orig_len, g.link_type, g.interface, g.comments.clone());
        assert_eq!(after.iter().map(key).collect::<Vec<_>>(), before.iter().map(key).collect::<Vec<_>>());
        assert_eq!(copy.comments, ["cut from in"]);
        assert!(copy.written_by.application.starts_with("sekisho "));
        assert_eq!(copy.hosts, info.hosts);
        assert_eq!((copy.secrets[0].kind, &copy.secrets[0].data), (info.secrets[0].kind, &info.secrets[0].data));
        let named = |i: &crate::Interface| (i.name.clone(), i.filter.clone(), i.fcs_len, i.snaplen, i.link_type);
        assert_eq!(
            copy.interfaces.iter().map(named).collect::<Vec<_>>(),
            info.interfaces.iter().map(named).collect::<Vec<_>>()
        );
    }
}

fn frame(ts: i64, link_type: u32, data: &[u8]) -> Frame<'_> {
    Frame { ts: Timestamp(ts), number: 1, link_type, interface: 0, orig_len: 99, source: 0, offset: 0, data }
}

#[test]
fn pcapng_tells_link_types_of_one_interface_apart() {
    let mut out = PcapngWriter::new(Vec::new(), &[]).unwrap();
    out.frame(&frame(1, 1, b"a"), None, []).unwrap();
    out.frame(&frame(-5, 101, b"b"), None, []).unwrap();
    assert!(out.frame(&frame(3, 70_000, b"c"), None, []).is_err());
    out.hosts(&[Host { addr: Addr::v4([1, 2, 3, 4]), name: "n".repeat(300) }]).unwrap();
    let (got, info) = read_whole(&out.finish().unwrap());
    assert_eq!(got.iter().map(|g| (g.ts, g.link_type)).collect::<Vec<_>>(), [(1, 1), (0, 101)]);
    assert_eq!(info.hosts[0].name.len(), 255);
}

#[test]
fn pcap_keeps_nanoseconds() {
    let mut out = PcapWriter::new(Vec::new(), 1).unwrap();
    out.frame(&frame(1_700_000_000_123_456_789, 1, b"abc")).unwrap();
    assert!(out.frame(&frame(1, 101, b"abc")).is_err());
    let bytes = out.finish().unwrap();
    let mut captures = Captures::from_bytes("out", bytes);
    let got = all(&mut captures);
    assert_eq!((got[0].ts, &got[0].data[..], got[0].orig_len), (1_700_000_000_123_456_789, &b"abc"[..], 99));
}
