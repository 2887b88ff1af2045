//! `frame`: which names there are, what may stand beside it, and how rules look at frames.

use sekisho_rules::{
    Anchor, CompileLimits, Config, FlowState, FlowView, FrameView, Hit, Inspector, Limits, Loaded, NoFiles, PacketView,
    Program, Source, explain, load,
};
use sekisho_transaction::{FrameKind, FrameSet};
use sekisho_types::{Dir, Interval, Timestamp};
use sekisho_wire::Decoded;
use std::sync::Arc;

fn loaded(rules: &[&str]) -> Loaded {
    let text = rules.join("\n");
    load(&[Source::new("own.rules", text)], &Config::default(), &mut NoFiles, &Limits::default())
}

/// Why a rule with these words between the brackets is refused.
fn refused(head: &str, options: &str) -> String {
    let rule = format!("alert {head} any any -> any any ({options}; sid:1;)");
    let loaded = loaded(&[&rule]);
    assert_eq!((loaded.set.rules.len(), loaded.report.refused_count), (0, 1), "{rule}");
    loaded.report.remarks.iter().map(|remark| &*remark.text).collect()
}

fn accepted(head: &str, options: &str) {
    let rule = format!("alert {head} any any -> any any ({options}; sid:1;)");
    let loaded = loaded(&[&rule]);
    assert_eq!(loaded.set.rules.len(), 1, "{rule}: {:?}", loaded.report.remarks);
}

#[test]
fn names_are_those_that_there_are() {
    for (head, frame) in [
        ("tls", "pdu"),
        ("tcp", "tls.sslv2.hdr"),
        ("smb", "smb1.pdu"),
        ("smb", "smb.smb1.pdu"),
        ("ip", "dns.pdu"),
        ("udp", "dns.pdu"),
        ("http", "http1.request"),
        ("http1", "request"),
        ("enip", "enip.item"),
        ("smtp", "smtp.stream"),
        ("telnet", "stream"),
    ] {
        let frame = if frame == "enip.item" { "enip.enip.item" } else { frame };
        accepted(head, &format!("frame:{frame}; content:\"a\""));
    }
    // As in Suricata: short names only where the rule says which protocol, and no others than there are.
    assert!(refused("tcp", "frame:pdu; content:\"a\"").contains("which protocol"));
    assert!(refused("tcp", "frame:tls; content:\"a\"").contains("which protocol"));
    assert!(refused("tls", "frame:smb1.pdu; content:\"a\"").contains("no frame of tls"));
    assert!(refused("tls", "frame:tls.smb1; content:\"a\"").contains("no frame of tls"));
    assert!(refused("enip", "frame:enip.item; content:\"a\"").contains("no frame of enip"));
    assert!(refused("http", "frame:request; content:\"a\"").contains("no frame of http"));
    assert!(refused("udp", "frame:tls.pdu; content:\"a\"").contains("no frame of tls"));
    assert!(refused("smb", "frame:tls.pdu; content:\"a\"").contains("belongs to tls"));
    assert!(refused("tcp-pkt", "frame:tls.pdu; content:\"a\"").contains("streams and datagrams"));
    assert!(refused("icmp", "frame:tls.pdu; content:\"a\"").contains("streams and datagrams"));
}

#[test]
fn frames_stand_alone() {
    for options in [
        "content:\"abc\"; frame:tls.pdu; content:\"a\"",
        "frame:tls.pdu; content:\"a\"; tls.sni; content:\"b\"",
        "frame:tls.pdu; content:\"a\"; tcp.hdr; content:\"b\"",
    ] {
        assert!(refused("tls", options).contains("frames cannot ask for payload"), "{options}");
    }
    assert!(refused("tls", "frame:tls.pdu").contains("nothing is looked for"));
}

fn rules(rules: &[&str]) -> Inspector {
    let loaded = loaded(rules);
    assert_eq!(loaded.set.rules.len(), rules.len(), "{:?}", loaded.report.remarks);
    Inspector::new(Arc::new(Program::compile(loaded.set, &CompileLimits::default())), 1)
}

/// Shows a frame of what the client sends, whole or from `base` on, in packet `number`.
fn look(inspector: &mut Inspector, kind: FrameKind, number: u64, at: (u64, usize, bool), bytes: &[u8]) -> Vec<Hit> {
    let decoded = Decoded { ip_version: 4, proto: 6, has_transport: true, ..Decoded::default() };
    let packet = PacketView { ts: Timestamp(0), number, decoded: &decoded, frame: &[], events: &[] };
    let view = FlowView {
        dir: Dir::Orig,
        established: true,
        app: if kind.info().app == "http1" { "http" } else { kind.info().app },
        pkts: [1, 0],
        bytes: [1, 0],
        stream_len: [0, 0],
        age: Interval(0),
        opaque: false,
    };
    let (base, reach, ends) = at;
    let frame = FrameView { kind, dir: Dir::Orig, id: 7, tx: Some(3), bytes, base, reach, ends };
    let mut hits = Vec::new();
    inspector.frame(&packet, &view, &mut FlowState::default(), &frame, &mut hits);
    hits
}

const WHOLE: (u64, usize, bool) = (0, 0, true);

fn sids(inspector: &Inspector, hits: &[Hit]) -> Vec<u32> {
    hits.iter().map(|hit| inspector.program().rule(hit.rule).unwrap().sid).collect()
}

#[test]
fn rules_see_the_frames_that_they_name() {
    let mut r = rules(&[
        "alert tls any any -> any any (frame:pdu; content:\"abc\"; startswith; sid:1;)",
        "alert tls any any -> any any (frame:hdr; content:\"abc\"; sid:2;)",
        "alert tls any any -> any any (flow:to_client; frame:pdu; content:\"abc\"; sid:3;)",
        "alert tls any any -> any any (frame:tls.pdu; to_uppercase; content:\"BCD\"; bsize:4; sid:4;)",
        "alert http any any -> any any (frame:http1.request; content:\"abc\"; sid:5;)",
        "alert tls any any -> any any (frame:pdu; content:!\"abc\"; sid:6;)",
        "alert tls any any -> any any (frame:pdu; content:\"zz\"; frame:hdr; content:\"cd\"; sid:7;)",
        "alert tls any any -> any any (frame:tls.pdu; content:\"d\"; endswith; sid:8;)",
    ]);
    assert_eq!(r.program().frames(), {
        let mut set = FrameSet::default();
        for kind in [FrameKind::TlsPdu, FrameKind::TlsHdr, FrameKind::Http1Request] {
            set.add(kind);
        }
        set
    });
    let hits = look(&mut r, FrameKind::TlsPdu, 1, WHOLE, b"abcd");
    assert_eq!(sids(&r, &hits), [1, 4, 8]);
    assert!(hits.iter().all(|hit| hit.anchor == Anchor::Frame(Dir::Orig, 7, Some(3))));
    // Of several frames that a rule names each is enough.
    let hits = look(&mut r, FrameKind::TlsHdr, 2, WHOLE, b"abcd");
    assert_eq!(sids(&r, &hits), [2, 7]);
    let hits = look(&mut r, FrameKind::Http1Request, 3, WHOLE, b"abcd");
    assert_eq!(sids(&r, &hits), [5]);
    let hits = look(&mut r, FrameKind::TlsPdu, 4, WHOLE, b"nothing");
    assert_eq!(sids(&r, &hits), [6]);
    // The same rule may match in several frames of a packet.
    for _ in 0..2 {
        let hits = look(&mut r, FrameKind::TlsHdr, 5, WHOLE, b"abcx");
        assert_eq!(sids(&r, &hits), [2]);
    }
    assert!(explain(r.program().rule(0).unwrap(), r.program().set()).contains("the frame tls.pdu"));
}

#[test]
fn frames_that_go_on_are_looked_at_piece_by_piece() {
    let mut r = rules(&[
        "alert smtp any any -> any any (frame:smtp.data; content:\"one\"; startswith; sid:1;)",
        "alert smtp any any -> any any (frame:smtp.data; content:\"three\"; endswith; sid:2;)",
        "alert smtp any any -> any any (frame:smtp.data; content:\"two\"; sid:3;)",
        "alert smtp any any -> any any (frame:smtp.data; content:!\"none\"; startswith; sid:4;)",
        "alert smtp any any -> any any (frame:smtp.data; content:\"e\"; bsize:13; sid:5;)",
    ]);
    let kind = FrameKind::SmtpData;
    // What may end later does not end here, nor is its length known.
    let hits = look(&mut r, kind, 1, (0, 0, false), b"one tw");
    assert_eq!(sids(&r, &hits), [1, 4]);
    // Content across the joint is found, what was found before is not found again.
    let hits = look(&mut r, kind, 2, (4, 2, true), b"two three");
    assert_eq!(sids(&r, &hits), [2, 3, 5]);
}
