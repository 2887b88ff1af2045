//! The page as a whole. What a browser makes of it is seen by `cargo xtask page`.

use super::*;
use crate::{Completeness, Host, Listing, Name};
use sekisho_finding::{About, Confidence, Finding, Reason, Samples, Severity, Stage};
use sekisho_record::Text;
use sekisho_types::{Addr, Timestamp};

static ABOUT: About = About {
    id: "dns-rebinding",
    title: "outside name pointing inside",
    means: "A public name resolves to one of your internal addresses, which lets a web page reach inside.",
    techniques: &["T1557"],
    stage: Stage::Initial,
    reasons: &[
        Reason { code: "private-answer", means: "A public name was answered with an internal address." },
        Reason { code: "flip", means: "A name changed." },
    ],
    benign: "Split DNS.",
    clears: "The name is gone.",
    next: &["Ask."],
    needs: &[],
};

fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

fn finding(reason: usize, n: u64, severity: Severity) -> Finding {
    let mut packets = Samples::default();
    packets.add(n + 1);
    Finding {
        stage: Stage::Initial,
        key: format!("n{n}.example"),
        first: Timestamp::from_parts(1_700_000_000, 0),
        last: Timestamp::from_parts(1_700_000_000, 0),
        packets,
        ..Finding::new(&ABOUT, &ABOUT.reasons[reason], addr("10.0.0.7"), severity, Confidence::percent(90))
    }
}

fn page(findings: Vec<Finding>) -> Page {
    let mut page = Page {
        completeness: Completeness {
            inputs: vec!["it's <b>.pcap".to_owned()],
            first: Some(Timestamp::from_parts(1_700_000_000, 0)),
            last: Some(Timestamp::from_parts(1_700_000_100, 0)),
            ..Completeness::default()
        },
        ..Page::default()
    };
    page.judged.findings = findings;
    page
}

fn render(page: &Page, lang: Lang) -> String {
    render_html(page, lang)
}

#[test]
fn the_policy_names_the_style_and_the_script_by_their_digests() {
    let html = render(&page(Vec::new()), Lang::En);
    // FIPS 180-4: the digest of nothing.
    assert_eq!(digest(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    for (code, tag) in [(STYLE, "<style>"), (SCRIPT, "<script>")] {
        let (_, rest) = html.split_once(tag).unwrap();
        assert!(rest.starts_with(code), "{tag} holds something else");
        assert!(html.contains(&format!("&#39;{}&#39;", digest(code))), "{tag}");
        assert!(!code.contains("</") && !code.contains("<!--"), "{tag} would end early");
    }
    for bad in ["unsafe", "http:", "https:", "url(http", "@import", "eval(", "innerHTML", " style=\""] {
        assert!(!html.contains(bad), "{bad}");
    }
    assert!(html.contains("default-src &#39;none&#39;"));
}

#[test]
fn text_from_the_wire_stays_text() {
    let mut hostile = page(vec![finding(0, 1, Severity::High)]);
    let text = Text::from(&b"</td><script>alert(1)</script>\xe2\x80\xae\xff\" onload='x"[..]);
    hostile.judged.findings[0].key = String::from_utf8_lossy(&text.0).into_owned();
    hostile.names.dns_queries = Listing { rows: vec![Name { name: text, count: 1 }], more: 0, exact: true };
    let html = render(&hostile, Lang::Ja);
    assert_eq!(html.matches("<script").count(), 1);
    assert_eq!(html.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count(), 2);
    assert!(html.contains(r"\u{202e}\xff") && !html.contains('\u{202e}'));
    assert!(html.contains("it&#39;s &lt;b&gt;.pcap"));
}

#[test]
fn every_finding_leads_to_its_packets() {
    let html = render(&page(vec![finding(0, 1, Severity::High)]), Lang::En);
    let command = "sekisho packets --filter &#39;host 10.0.0.7&#39; -o finding-1.pcapng &#39;it&#39;\\&#39;&#39;s &lt;b&gt;.pcap&#39;";
    assert!(html.contains(command), "{html}");
    let mut piped = page(vec![finding(0, 1, Severity::High)]);
    piped.completeness.inputs = vec!["-".to_owned()];
    let html = render(&piped, Lang::En);
    assert!(!html.contains("sekisho packets ") && html.contains(W::Piped.of(Lang::En)));
}

#[test]
fn limits_findings_and_counts_the_rest() {
    let many = (0..20_000).map(|n| finding(usize::from(n >= 19_990), n, Severity::Medium)).collect();
    let html = render(&page(many), Lang::En);
    // One noisy code does not hide the other.
    assert_eq!(html.matches("class=\"finding\"").count(), findings::OF_A_CODE + 10);
    assert!(html.contains("19,890 more findings are counted here"));
    assert!(html.len() < 1_000_000, "{}", html.len());
}

#[test]
fn limits_rows_and_counts_the_rest() {
    let mut large = page(Vec::new());
    let host = |n: u32| Host {
        addr: addr(&format!("10.0.{}.{}", n / 256, n % 256)),
        internal: true,
        name: None,
        roles: Vec::new(),
        serves: Vec::new(),
        uses: Vec::new(),
        flows_out: 1,
        flows_in: 0,
        sent: 1,
        received: 0,
        first: None,
        last: None,
    };
    large.hosts = Listing { rows: (0..1_000).map(host).collect(), more: 999_000, exact: true };
    let html = render(&large, Lang::En);
    assert!(html.contains("and 999,800 more, counted but not listed here"));
    assert_eq!(html.matches("<tr><th scope=\"row\"").count(), tables::ROWS);
}

#[test]
fn japanese_pages_have_japanese_words() {
    let html = render(&page(vec![finding(0, 1, Severity::High)]), Lang::Ja);
    assert!(html.contains("<html lang=\"ja\">"));
    assert!(html.contains("公開された名前に対し、内部アドレスが応答されました。"));
    let body = html.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
    for english in ["Findings", "Completeness", "seen on the wire", "inside", "Threshold"] {
        assert!(!body.contains(english), "{english}");
    }
}

#[test]
fn equal_pages_are_equal_bytes() {
    let of = || render(&page(vec![finding(0, 1, Severity::High), finding(1, 2, Severity::Low)]), Lang::Ja);
    assert_eq!(of(), of());
}

/// A story of a mail, what came, and two hops, with text from the wire in every place.
fn story() -> Page {
    use sekisho_finding::{Act, Asset, Basis, Fetched, Tale, incidents, tale};
    let at = |minute: i64| Timestamp::from_parts(1_700_000_000 + minute * 60, 0);
    let act = |minute: i64, host: &str, to: Option<&str>| Act {
        ts: at(minute),
        host: addr(host),
        to: to.map(addr),
        what: "visited",
        uid: Default::default(),
        packet: 1,
    };
    let mut mail = Finding { first: at(0), last: at(25), ..finding(0, 1, Severity::High) };
    mail.sender = Some("<b>.example".into());
    mail.tale = Some(Tale::new(tale::LINK_OF, &[b"<script>a", b"http://x/\x1b[2J", b"<b>.example"]));
    mail.names.push((addr("10.0.0.17"), "PC<7>".to_owned()));
    mail.act(act(25, "10.0.0.17", None));
    let hop = |minute: i64, from: &str, to: &str, severity| {
        let mut f = Finding {
            first: at(minute),
            last: at(minute),
            stage: Stage::Lateral,
            subject: addr(from),
            ..finding(1, 2, severity)
        };
        f.key = format!("{to} {severity}");
        f.peers.add(addr(to));
        f
    };
    let findings = vec![
        mail,
        hop(60, "10.0.0.17", "10.0.0.20", Severity::Critical),
        hop(61, "10.0.0.17", "10.0.0.20", Severity::Medium),
        hop(70, "10.0.0.20", "10.0.0.21", Severity::Critical),
    ];
    let fetched = [Fetched {
        ts: at(26),
        host: addr("10.0.0.17"),
        from: addr("203.0.113.9"),
        place: "evil<i>.example".to_owned(),
        name: "in<v>oice.exe".to_owned(),
        mime: "application/x-dosexec".to_owned(),
        over: "HTTP",
        len: 60_000,
        sha256: "<".repeat(64),
        uid: Default::default(),
        packet: 9,
    }];
    let is_home = &|host: Addr| host.to_string().starts_with("10.");
    let (incidents, _) =
        incidents(&Basis { findings: &findings, fetched: &fetched, now: at(70), asset: &|_| Asset::Ordinary, is_home });
    let mut page = page(findings);
    page.judged.incidents = incidents;
    page
}

#[test]
fn a_story_is_told_step_by_step() {
    let text = crate::render_text(&story(), 200, false);
    let told = text.split_once("Incidents").unwrap().1.split_once("Findings").unwrap().0;
    let places: Vec<usize> = [
        "began at: 10.0.0.17",
        "taken over: 10.0.0.20",
        "reached: 10.0.0.21",
        "servers used: 10.0.0.7",
        "way in: 10.0.0.17 (PC<7>): A mail of <b>.example has a link that shows <script>a and leads to http://x/",
        "10.0.0.17 (PC<7>) followed the link.",
        "(+26 min) foothold: 10.0.0.17 (PC<7>): A program for Windows was downloaded from evil<i>.example (203.0.113.9): in<v>oice.exe (60 kB).",
        "(+1 h) on to another machine: 10.0.0.17: A name changed. (10.0.0.20 critical)",
        "Other signs of it: A name changed (10.0.0.20 medium).",
        "(+1 h 10 min) on to another machine: 10.0.0.20: A name changed. (10.0.0.21 critical)",
        "look next: Ask.",
    ]
    .iter()
    .map(|words| told.find(words).unwrap_or_else(|| panic!("{words} in {told}")))
    .collect();
    assert!(places.is_sorted(), "{places:?} {told}");
    for (lang, words) in [
        (Lang::En, ["began at", "followed the link", "Look at next", "+26 min"]),
        (Lang::Ja, ["始まったホスト", "リンクを開きました", "次に確認すること", "+26分"]),
    ] {
        let html = render(&story(), lang);
        let told = html.split_once("id=\"incidents\"").unwrap().1.split_once("</section>").unwrap().0;
        for words in words {
            assert!(told.contains(words), "{words}");
        }
        for raw in ["<script>a", "<b>.example", "<i>", "<v>", "PC<7>", "\x1b"] {
            assert!(!told.contains(raw), "{raw}");
        }
    }
    let json: serde_json::Value = serde_json::from_str(&crate::to_json(&story())).unwrap();
    let incident = &json["incidents"][0];
    assert_eq!(incident["told"][2]["findings"], serde_json::json!([1, 2]));
    assert_eq!(
        (&incident["told"][1]["fetched"], &incident["told"][1]["findings"]),
        (&0.into(), &serde_json::json!([]))
    );
    assert_eq!(
        (&incident["fetched"][0]["name"], &incident["fetched"][0]["bytes"]),
        (&"in<v>oice.exe".into(), &60_000.into())
    );
    assert_eq!(incident["parts"][0], serde_json::json!({"part": "foothold", "hosts": ["10.0.0.17"]}));
    let mail = &json["findings"][0];
    assert_eq!((&mail["sender"], &mail["acts"][0]["what"]), (&"<b>.example".into(), &"visited".into()));
}
