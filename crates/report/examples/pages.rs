//! Pages that no capture of the tree gives: one with hostile text wherever the wire, a file's name or a capture's comment may
//! put text, and one as large as pages get. `cargo xtask page` opens them in a browser.
//!
//! Usage: `cargo run -p sekisho-report --example pages -- FOLDER`

use sekisho_finding::{
    About, Benign, Confidence, Finding, Measure, Origin, Quality, Quote, Reason, Samples, Severity, Stage,
};
use sekisho_record::Text;
use sekisho_report::{
    Activity, Attempts, Bin, Certificate, Completeness, File, FileType, Host, Judged, Lang, Listing,
    Login, Mail, Name, Names, Page, Pool, Protocol, Service, Software, State, Talker, Totals, Transport, Tunnel,
    Unseen, WEEK_HOURS, Weird, render_html,
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
        about: &ABOUT,
        techniques: vec![t.string()],
        reason: &ABOUT.reasons[0],
        confirmed: Some("used"),
        severity: Severity::ALL[n as usize % 5],
        confidence: Confidence::percent(u8::try_from(n % 100).unwrap_or(0)),
        stage: Stage::Initial,
        subject: addr(n % 600),
        key: t.string(),
        peers: Default::default(),
        names: vec![(addr(n % 600), t.string()), (addr(n + 1), t.string())],
        first: ts(u64::from(n)),
        last: ts(u64::from(n * 2)),
        count: u64::from(n) + 1,
        flows: Samples::default(),
        packets: Samples::default(),
        measures: vec![
            Measure::count("names", 12_345, Some(10), "names", Origin::Own),
            Measure::real("left <b>", -0.125, None, "h\">", Origin::Field("RITA")),
        ],
        quotes: (0..4).map(|_| Quote::new("label <i>", &t.text().0, 7)).collect(),
        benign: vec![Benign { explanation: "split DNS", result: "untranslated <b>result" }],
        quality: vec![Quality::Loss, Quality::Short],
        muted: n.is_multiple_of(13).then(|| t.string()),
    };
    f.peers.add(addr(n + 1));
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
        judged: Judged {
            findings: (0..findings).map(|n| finding(t, n)).collect(),
            refused: 7,
            forgotten: 9,
            ..Judged::default()
        },
    }
    .checked(many)
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
    write("nothing.html", &Page::default(), Lang::En)
}
