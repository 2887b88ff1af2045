use super::*;
use crate::testing::{Cell, Line, addr, judge, judge_in, line, of};
use sekisho_finding::Finding;

const DAY: f64 = 86_400.0;

/// A TLS flow to `name`.
fn flow(at: f64, name: &str, seconds: f64, bytes: (u64, u64)) -> [Line; 2] {
    let ends = [
        ("ts", Cell::Time(1_772_409_600.0 + at)),
        ("uid", Cell::Uid(at as u64 + 1)),
        ("id.orig_h", Cell::Addr(addr("10.0.0.5"))),
        ("id.resp_h", Cell::Addr(addr("203.0.113.9"))),
        ("id.resp_p", Cell::Port(443)),
    ];
    let asks = [&ends[..], &[("server_name", Cell::Text(name.into()))]].concat();
    let more = [
        ("proto", Cell::Word("tcp")),
        ("duration", Cell::Span(seconds)),
        ("orig_bytes", Cell::Count(bytes.0)),
        ("resp_bytes", Cell::Count(bytes.1)),
    ];
    [line("ssl", 1, &asks), line("conn", 2, &[&ends[..], &more].concat())]
}

fn says(uid: u64, ends: (&str, &str), port: u16, bytes: &[u8]) -> Line {
    let columns = [
        ("ts", Cell::Time(1000.0)),
        ("uid", Cell::Uid(uid)),
        ("id.orig_h", Cell::Addr(addr(ends.0))),
        ("id.resp_h", Cell::Addr(addr(ends.1))),
        ("id.resp_p", Cell::Port(port)),
        ("is_orig", Cell::Flag(true)),
        ("bytes", Cell::Text(bytes.to_vec())),
        ("packet", Cell::Count(4)),
    ];
    line("stranger", 4, &columns)
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "c2-remote-access")
}

#[test]
fn tools_by_name() {
    for (name, key, reason) in [
        ("relay-1234.net.anydesk.com", "AnyDesk", "remote-control"),
        ("router7.teamviewer.com", "TeamViewer", "remote-control"),
        ("remotedesktop-pa.googleapis.com", "Chrome Remote Desktop", "remote-control"),
        ("Tunnel.eu.ngrok.com", "ngrok", "tunnel"),
        ("abc-def.trycloudflare.com", "Cloudflare Tunnel", "tunnel"),
        ("controlplane.tailscale.com", "Tailscale", "tunnel"),
    ] {
        let all = found(&flow(0.0, name, 90.0, (500, 500)));
        let [finding] = &all[..] else { panic!("{name}: {all:?}") };
        assert_eq!((finding.key.as_str(), finding.reason.code, finding.severity), (key, reason, Severity::Medium));
        assert_eq!(finding.subject, addr("10.0.0.5"));
    }
    assert_eq!(found(&flow(0.0, "a.net.anydesk.com", 5.0, (500, 19_500))).len(), 1, "short, but much");
}

#[test]
fn new_after_a_week() {
    let mut lines: Vec<Line> = flow(0.0, "www.example", 90.0, (500, 500)).into();
    lines.extend(flow(8.0 * DAY, "a.net.anydesk.com", 90.0, (500, 500)));
    assert_eq!(found(&lines)[0].severity, Severity::High);
    lines.extend(flow(9.0 * DAY, "a.net.anydesk.com", 90.0, (500, 500)));
    assert_eq!((found(&lines).len(), found(&lines)[0].count), (1, 2));
}

#[test]
fn tools_by_their_words() {
    let out = ("10.0.0.5", "203.0.113.9");
    let teamviewer = found(&[says(1, out, 5938, &[0x17, 0x24, 0x0b]), says(1, out, 5938, &[0x17, 0x24, 0x0c])]);
    assert_eq!((teamviewer.len(), teamviewer[0].key.as_str(), teamviewer[0].count), (1, "TeamViewer", 1));
    let radmin = found(&[says(1, ("203.0.113.9", "10.0.0.5"), 4899, &[1, 0, 0, 0, 1, 0, 0, 0, 8, 8])]);
    assert_eq!((radmin[0].key.as_str(), radmin[0].subject), ("Radmin", addr("10.0.0.5")));
    assert_eq!(found(&[says(1, out, 80, &[0x17, 0x24, 0x0b])]).len(), 0, "another port");
    assert_eq!(found(&[says(1, ("203.0.113.9", "203.0.113.10"), 5938, &[0x17, 0x24])]).len(), 0, "others' hosts");
}

#[test]
fn nearly_and_ordinary() {
    for (name, seconds, bytes) in [
        ("relay.net.anydesk.com", 59.0, (500, 19_000)),
        ("relay.net.anydesk.com", 90.0, (500, 0)),
        ("www.teamviewer.com", 600.0, (5000, 500_000)),
        ("anydesk.com", 600.0, (5000, 500_000)),
        ("notteamviewer.com", 600.0, (5000, 500_000)),
        ("teamviewer.com.example", 600.0, (5000, 500_000)),
        ("oauth2.googleapis.com", 600.0, (5000, 500_000)),
    ] {
        assert_eq!(found(&flow(0.0, name, seconds, bytes)).len(), 0, "{name}");
    }
}

#[test]
fn stays_within_bounds() {
    let scope = Scope { memory_len: Some(1 << 20), ..Scope::new(&[], 0) };
    let lines: Vec<Line> = (0..3000u32)
        .map(|n| says(n.into(), (&format!("10.0.{}.{}", n >> 8, n & 255), "203.0.113.9"), 5938, &[0x17, 0x24]))
        .collect();
    let verdict = judge_in(&scope, &lines);
    let spent = verdict.spent.iter().find(|s| s.id == "c2-remote-access").unwrap();
    assert!(spent.held_len < 32 << 10 && spent.forgotten > 2_000, "{spent:?}");
}
