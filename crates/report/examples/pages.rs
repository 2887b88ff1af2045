//! Pages that no capture of the tree gives: one with hostile text wherever the wire, a file's name or a capture's comment may
//! put text, and one as large as pages get. `cargo xtask page` opens them in a browser.
//!
//! Usage: `cargo run -p sekisho-report --example pages -- FOLDER`

use sekisho_finding::{
    About, Act, Asset, Basis, Benign, Confidence, Fetched, Finding, Measure, Origin, Quality, Quote, Reason, Severity,
    Stage, Tale, incidents, tale,
};
use sekisho_record::Text;
use sekisho_report::compare::{Snapshot, compare};
use sekisho_report::{
    Activity, Asked, Attempts, Bin, Certificate, Completeness, Destination, File, FileType, Host, Judged, Lang,
    Listing, Login, Mail, Name, Names, Page, Pool, Profile, Protocol, Service, ServiceUse, Shown, Software, State,
    Talker, Totals, Traffic, Transport, Tunnel, Unseen, WEEK_HOURS, Weird, render_comparison_html, render_html,
};
use sekisho_types::{Addr, Interval, Timestamp, Uid};
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

/// Each of them does something where it is not escaped for the place where it stands.
const HOSTILE: &[&str] = &[
    "</title></style></script><script>window.ran=1</script>",
    "<img src=x onerror=window.ran=2>",
    "\"><svg onload=window.ran=3><!--",
    "' onmouseover='window.ran=4' autofocus onfocus='window.ran=5",
    "<!--<script>",
    "]]>&lt;script&gt;window.ran=6",
    "javascript:window.ran=7",
    "</bdi></td></tr></table><meta http-equiv=refresh content=0;url=http://198.51.100.9/>",
    "<link rel=stylesheet href=http://198.51.100.9/a.css><iframe src=http://198.51.100.9/>",
    "invoice\u{202e}fdp.exe\u{2066}\u{200f}\u{200b}\u{feff}",
    "line\u{2028}para\u{2029}\r\n\0\u{1b}[31m\u{1b}]0;x\u{7}",
    "{0} {1|a|b} ${window.ran=8} `window.ran=9`",
    "<base href=http://198.51.100.9/><form action=//198.51.100.9><input name=body><a id=body>",
    "\u{ff1c}script\u{ff1e}window.ran=10\u{ff1c}/script\u{ff1e}",
];

static ABOUT: About = About {
    id: "hostile-<b>id",
    title: "title <script>window.ran=11</script>",
    means: "means \"><img src=x onerror=window.ran=12>",
    techniques: &["T1<b>"],
    stage: Stage::Initial,
    reasons: &[Reason { code: "one", means: "reason </p><script>window.ran=13</script>" }],
    benign: "benign <i>",
    clears: "clears </details>",
    next: &["next <b>", "then $(id)"],
    needs: &[],
};

/// Texts one after the other.
struct Texts(usize);

impl Texts {
    fn string(&mut self) -> String {
        self.0 += 1;
        HOSTILE[self.0 % HOSTILE.len()].to_owned()
    }

    fn text(&mut self) -> Text {
        let mut bytes = self.string().into_bytes();
        if self.0.is_multiple_of(3) {
            bytes.extend(b"\xff\xfe\xc3<");
        }
        Text(bytes)
    }
}

fn addr(n: u32) -> Addr {
    let [_, b, c, d] = n.to_be_bytes();
    if n.is_multiple_of(2) { Addr::from(IpAddr::from([10, b, c, d])) } else { Addr::from(IpAddr::from([203, b, c, d])) }
}

fn ts(n: u64) -> Timestamp {
    Timestamp::from_parts(1_795_400_000, 0) + Interval::from_millis(i64::try_from(n * 700).unwrap_or(0))
}

fn listing<T>(rows: Vec<T>, more: u64) -> Listing<T> {
    Listing { rows, more, exact: more.is_multiple_of(2) }
}

fn finding(t: &mut Texts, n: u32) -> Finding {
    let mut f = Finding {
        techniques: vec![t.string()],
        confirmed: Some("used"),
        stage: Stage::Initial,
        key: t.string(),
        names: vec![(addr(n % 600), t.string()), (addr(n + 1), t.string())],
        first: ts(u64::from(n)),
        last: ts(u64::from(n * 2)),
        count: u64::from(n) + 1,
        measures: vec![
            Measure::count("names", 12_345, Some(10), "names", Origin::Own),
            Measure::real("left <b>", -0.125, None, "h\">", Origin::Field("RITA")),
        ],
        quotes: (0..4).map(|_| Quote::new("label <i>", &t.text().0, 7)).collect(),
        sender: n.is_multiple_of(11).then(|| t.string().into()),
        tale: n.is_multiple_of(3).then(|| Tale::new(tale::LINK_OF, &[&t.text().0, &t.text().0, &t.text().0])),
        benign: vec![Benign { explanation: "split DNS", result: "untranslated <b>result" }],
        quality: vec![Quality::Loss, Quality::Short],
        muted: n.is_multiple_of(13).then(|| t.string()),
        ..Finding::new(
            &ABOUT,
            &ABOUT.reasons[0],
            addr(n % 600),
            Severity::ALL[n as usize % 5],
            Confidence::percent(u8::try_from(n % 100).unwrap_or(0)),
        )
    };
    f.peers.add(addr(n + 1));
    if n.is_multiple_of(4) {
        let to = n.is_multiple_of(8).then(|| addr(n + 1));
        f.act(Act { ts: ts(u64::from(n)), host: addr(n % 600), to, what: "visited", uid: Uid::default(), packet: 7 });
    }
    for i in 0..12u8 {
        f.flows.add(Uid::from_key(b'C', u64::from(n), &[i]));
        f.packets.add(u64::from(i) + 1);
    }
    f
}

/// A page with `rows` rows in each list and `findings` findings.
fn page(rows: u32, findings: u32, more: u64) -> Page {
    let t = &mut Texts(0);
    let many = rows as usize;
    let names =
        |t: &mut Texts| listing((0..rows).map(|n| Name { name: t.text(), count: u64::from(n) }).collect(), more);
    Page {
        devices: Listing::default(),
        device_entries_forgotten: 0,
        completeness: Completeness {
            mails: 0,
            cut_mails: 0,
            reading: vec!["--filter".to_owned(), "host 10.0.0.1 and '$(id)'".to_owned()],
            inputs: (0..4).map(|_| t.string()).chain(["-rf.pcap".to_owned()]).collect(),
            packets: 1_000_000,
            bytes: 1_000_000_000,
            wire_bytes: 1_100_000_000,
            first: Some(ts(0)),
            last: Some(ts(200_000)),
            damage: (0..HOSTILE.len()).map(|_| t.string()).collect(),
            cut_packets: 3,
            gap_bytes: 1_234,
            one_sided_flows: 5,
            undecoded: vec![(t.string(), 3)],
            limits: vec![(t.string(), 1)],
            capture_drops: Some(1),
        },
        totals: Totals {
            flows: 1_000_000,
            transports: (0..3).map(|n| Transport { name: t.text(), flows: n, packets: n, bytes: n }).collect(),
            internal_hosts: 300,
            external_hosts: 70_000,
        },
        hosts: listing(
            (0..rows)
                .map(|n| Host {
                    addr: addr(n),
                    internal: n.is_multiple_of(2),
                    name: Some(t.text()),
                    roles: vec!["server"],
                    serves: (0..12).map(|_| t.text()).collect(),
                    uses: vec![t.text()],
                    flows_out: u64::from(n),
                    flows_in: 1,
                    sent: u64::from(n) * 1_000,
                    received: 5,
                    first: Some(ts(1)),
                    last: Some(ts(2)),
                })
                .collect(),
            more,
        ),
        services: listing(
            (0..rows)
                .map(|n| Service {
                    transport: t.text(),
                    port: Some(443),
                    service: n.is_multiple_of(2).then(|| t.text()),
                    answered: n.is_multiple_of(3),
                    flows: 1,
                    bytes: u64::from(n),
                })
                .collect(),
            more,
        ),
        talkers: listing(
            (0..rows)
                .map(|n| Talker { a: addr(n), b: addr(n * 7 + 1), flows: 3, a_to_b: u64::from(n) * 100, b_to_a: 9 })
                .collect(),
            more,
        ),
        protocols: listing(
            (0..rows).map(|n| Protocol { name: t.text(), flows: 1, bytes: u64::from(n) }).collect(),
            more,
        ),
        logs: vec![("conn", 1)],
        tls_versions: names(t),
        tunnels: listing(
            (0..rows).map(|n| Tunnel { kind: t.text(), orig: addr(n), resp: addr(n + 1), count: 1 }).collect(),
            more,
        ),
        names: Names {
            dns_queries: names(t),
            nxdomain: names(t),
            tls_servers: names(t),
            http_hosts: names(t),
            software: listing(
                (0..rows).map(|_| Software { kind: "http client", name: t.text(), count: 1 }).collect(),
                more,
            ),
        },
        certificates: listing(
            (0..rows)
                .map(|n| Certificate {
                    fingerprint: t.text(),
                    subject: t.text(),
                    issuer: t.text(),
                    not_before: Some(Timestamp(if n == 3 {
                        i64::MIN
                    } else {
                        ts(0).0 - i64::from(n) * 100_000_000_000_000
                    })),
                    not_after: Some(Timestamp(if n == 4 {
                        i64::MAX
                    } else {
                        ts(0).0 + i64::from(n) * 90_000_000_000_000
                    })),
                    key: t.text(),
                    signature: t.text(),
                    count: 1,
                    server_name: n.is_multiple_of(2).then(|| t.text()),
                    server: Some(addr(n)),
                    problems: if n.is_multiple_of(3) {
                        vec![format!("not for {}", sekisho_report::clean(&t.text().0))]
                    } else {
                        Vec::new()
                    },
                })
                .collect(),
            more,
        ),
        files: listing(
            (0..rows)
                .map(|n| File {
                    ts: Some(ts(1)),
                    fuid: t.text(),
                    uid: t.text(),
                    source: t.text(),
                    mime_type: Some(t.text()),
                    filename: Some(t.text()),
                    from: Some(addr(n)),
                    to: Some(addr(n + 1)),
                    seen_bytes: u64::from(n),
                    total_bytes: None,
                    missing_bytes: 1,
                    complete: None,
                    sha256: Some(t.text()),
                })
                .collect(),
            more,
        ),
        file_types: listing(
            (0..rows).map(|_| FileType { mime_type: Some(t.text()), files: 1, bytes: 1 }).collect(),
            more,
        ),
        mails: listing(
            (0..rows)
                .map(|n| Mail {
                    ts: Some(ts(1)),
                    client: Some(addr(n)),
                    server: None,
                    from: Some(t.text()),
                    to: (0..3).map(|_| t.text()).collect(),
                    subject: Some(t.text()),
                })
                .collect(),
            more,
        ),
        logins: listing(
            (0..rows)
                .map(|n| Login {
                    protocol: "ftp",
                    client: addr(n),
                    server: addr(n + 1),
                    user: t.text(),
                    count: 1,
                    accepted: [None, Some(true), Some(false)][n as usize % 3],
                })
                .collect(),
            more,
        ),
        weirds: listing(
            (0..rows)
                .map(|n| Weird { name: t.text(), count: u64::from(n), uid: Some(t.text()), detail: Some(t.text()) })
                .collect(),
            more,
        ),
        attempts: listing(
            (0..rows)
                .map(|n| Attempts {
                    addr: addr(n),
                    unanswered: 1,
                    refused: 2,
                    hosts: 3,
                    ports: 4,
                    exact: n.is_multiple_of(2),
                })
                .collect(),
            more,
        ),
        unseen: Unseen { encrypted_flows: 4, encrypted_bytes: 10, unknown_flows: 1, unknown_bytes: 1 },
        activity: Activity {
            start: Some(ts(0)),
            width: Interval::from_secs(600),
            bins: (0..234).map(|n| Bin { flows: n % 17, bytes: n * n * 1_000 }).collect(),
            week: (0..WEEK_HOURS as u64).map(|n| n * 3 % 50).collect(),
        },
        state: State {
            memory: 1 << 30,
            pools: vec![Pool { name: "flows", peak: 1 << 20, cap: 1 << 28 }],
            given_up: vec![(t.string(), 12)],
        },
        judged: judged((0..findings).map(|n| finding(t, n)).collect(), t),
        home_nets: Vec::new(),
        flows: Vec::new(),
        flows_forgotten: 0,
    }
    .checked(many)
}

/// Findings, and the stories that they make.
fn judged(findings: Vec<Finding>, t: &mut Texts) -> Judged {
    let now = findings.iter().map(|f| f.last).max().unwrap_or_default();
    let fetched = findings.iter().take(50).map(|f| Fetched {
        ts: f.first,
        host: f.subject,
        from: f.peers.named().first().copied().unwrap_or(f.subject),
        place: t.string(),
        name: t.string(),
        mime: "application/x-dosexec".to_owned(),
        over: "HTTP",
        len: 1,
        sha256: t.string(),
        uid: Uid::default(),
        packet: 7,
    });
    let fetched = fetched.collect::<Vec<_>>();
    let basis = Basis { findings: &findings, fetched: &fetched, now, asset: &|_| Asset::Server, is_home: &|_| true };
    let (incidents, more_incidents) = incidents(&basis);
    assert!(findings.is_empty() || !incidents.is_empty());
    Judged { findings, refused: 7, forgotten: vec![("hosts", 9)], incidents, more_incidents, ..Judged::default() }
}

trait Checked {
    fn checked(self, rows: usize) -> Self;
}

impl Checked for Page {
    /// That nothing was left out by mistake: an empty list would try nothing.
    fn checked(self, rows: usize) -> Self {
        let lists = [self.hosts.rows.len(), self.files.rows.len(), self.mails.rows.len(), self.weirds.rows.len()];
        assert!(lists.iter().all(|n| *n == rows), "{lists:?}");
        self
    }
}

/// What a device does, one time out of `every` another thing on each side.
fn profile(t: &mut Texts, n: u32, after: bool, names: u32) -> Profile {
    let differs = after && n.is_multiple_of(3);
    let traffic = |flows: u64| Traffic {
        flows,
        failed: flows / 9,
        sent: flows * 5_000,
        received: flows * 900,
        sent_spread: (flows * 25_000_000).isqrt(),
        received_spread: (flows * 810_000).isqrt(),
        dispersion: 1_000,
        first: Some(ts(1)),
        last: Some(ts(99)),
    };
    let flows = u64::from(n % 50 + 20) * if differs { 9 } else { 3 };
    let mut hours = vec![flows / 40; WEEK_HOURS];
    for hour in if differs { 110..120 } else { 30..40 } {
        hours[hour] += flows / 2;
    }
    // One name is there on both sides, others on one only; one is longer than any line.
    let name = |t: &mut Texts, i: u32| match i {
        0 => Text::from(&b"both.example"[..]),
        1 => Text("x".repeat(10_000).into_bytes()),
        2 => Text("\u{202e}\u{4e00}<b>".repeat(2_000).into_bytes()),
        _ => Text([t.text().0, format!("-{i}-{after}").into_bytes()].concat()),
    };
    Profile {
        addr: addr(n * 2),
        name: Some(if n.is_multiple_of(5) { name(t, n % 3) } else { t.text() }),
        opened: traffic(flows),
        accepted: traffic(flows / 2),
        outside: traffic(flows),
        tcp_packets: 100_000,
        retransmitted: if differs { 9_000 } else { 100 },
        speeds: vec![(if differs { 250_000 } else { 1_000_000 }, flows)],
        times: [1, 2, 3].map(|k| vec![(k * if differs { 90_000 } else { 20_000 }, flows)]),
        hours,
        used: (0..names).map(|i| ServiceUse { service: name(t, i), traffic: traffic(40) }).collect(),
        offered: (0..names).map(|i| ServiceUse { service: name(t, i), traffic: traffic(40) }).collect(),
        destinations: (0..names)
            .map(|i| Destination {
                name: Some(name(t, i)),
                addresses: vec![addr(i)],
                services: vec![t.text()],
                traffic: traffic(if i.is_multiple_of(7) { 1 } else { 40 }),
            })
            .collect(),
        names: (0..names)
            .map(|i| Asked { name: name(t, i), count: 50, dispersion: 1_000, ..Asked::default() })
            .collect(),
        certificates: (0..names)
            .map(|i| Shown {
                fingerprint: t.text(),
                own: i.is_multiple_of(2),
                server: name(t, i),
                subject: t.text(),
                issuer: t.text(),
                not_after: Some(ts(5)),
                count: 60,
                dispersion: 1_000,
                ..Shown::default()
            })
            .collect(),
        ..Profile::default()
    }
}

/// One side of a comparison: ten days, the second side a fortnight later.
fn side(devices: u32, names: u32, findings: u32, after: bool) -> Snapshot {
    let t = &mut Texts(usize::from(after));
    let mut page = page(3, findings, 0);
    let start = ts(0) + Interval::from_secs(if after { 14 * 86_400 } else { 0 });
    let c = &mut page.completeness;
    (c.first, c.last) = (Some(start), Some(start + Interval::from_secs(10 * 86_400)));
    (c.capture_drops, c.gap_bytes) = (Some(0), 0);
    page.activity.start = Some(start);
    page.activity.width = Interval::from_secs(3_600);
    let first = if after { 2 } else { 0 };
    page.devices = listing((first..first + devices).map(|n| profile(t, n, after, names)).collect(), 0);
    // Some findings stay, some go, some are new.
    if after {
        page.judged.findings.retain(|f| f.count.is_multiple_of(3));
        page.judged.findings.extend((0..findings / 4).map(|n| {
            let mut new = finding(t, n);
            new.key = format!("new {n} {}", t.string());
            new
        }));
    }
    Snapshot::of(&page).expect("a page reads back")
}

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).expect("a folder"));
    fs::create_dir_all(&folder)?;
    let write = |name: &str, page: &Page, lang: Lang| {
        let html = render_html(page, lang);
        eprintln!("pages: {name}, {} kB", html.len() / 1_000);
        fs::write(folder.join(name), html)
    };
    write("hostile-en.html", &page(30, 40, 3), Lang::En)?;
    write("hostile-ja.html", &page(30, 40, 3), Lang::Ja)?;
    write("large.html", &page(1_000, 20_000, 1_000_000), Lang::En)?;
    write("nothing.html", &Page::default(), Lang::En)?;
    let compared = |name: &str, before: &Snapshot, after: &Snapshot, lang: Lang| {
        let html = render_comparison_html(&compare(before, after, None), lang);
        eprintln!("pages: {name}, {} kB", html.len() / 1_000);
        fs::write(folder.join(name), html)
    };
    let hostile = [false, true].map(|after| side(4, 8, 20, after));
    compared("diff-hostile-en.html", &hostile[0], &hostile[1], Lang::En)?;
    compared("diff-hostile-ja.html", &hostile[0], &hostile[1], Lang::Ja)?;
    let large = [false, true].map(|after| side(1_500, 6, 4_000, after));
    compared("diff-large.html", &large[0], &large[1], Lang::En)?;
    compared("diff-same.html", &hostile[0], &hostile[0], Lang::En)?;
    let nothing = Snapshot::of(&Page::default()).expect("a page reads back");
    compared("diff-nothing.html", &nothing, &nothing, Lang::En)
}
