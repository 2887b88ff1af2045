use super::csv::cell;
use super::*;
use crate::{FlowEnds, Page};
use sekisho_finding::{
    About, Asset, Basis, Benign, Confidence, Measure, Origin, Peers, Quote, Reason, Samples, Severity, Stage, incidents,
};
use sekisho_record::Text;
use sekisho_types::{FiveTuple, Timestamp, Uid};
use serde_json::Value;
use std::collections::BTreeSet;

static CALLS: About = About {
    id: "c2-beacon",
    title: "regular call-outs",
    means: "A host calls the same place again and again.",
    techniques: &["T1071.001", "T1571"],
    stage: Stage::C2,
    reasons: &[Reason { code: "regular", means: "The calls are regular." }],
    benign: "Updates.",
    clears: "It stops.",
    next: &[],
    needs: &[],
};

static CONTROL: About = About {
    id: "ics-unexpected-control",
    title: "unusual command",
    means: "A machine commands a controller.",
    techniques: &["T0855"],
    stage: Stage::Impact,
    reasons: &[Reason { code: "write", means: "It writes." }],
    benign: "Maintenance.",
    clears: "It is known.",
    next: &[],
    needs: &[],
};

/// What a hostile sender would like to have in a file that somebody opens.
const EVIL: &str = "=HYPERLINK(\"http://x\",\"a\")\u{202e}\r\n\u{7}\u{1b}[31m,;'\"</script>";

fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

fn uid(n: i64) -> Uid {
    Uid::for_flow(&FiveTuple::default(), Timestamp(n), 0)
}

fn finding(about: &'static About, subject: &str, key: &str, severity: Severity) -> Finding {
    let mut peers = Peers::default();
    peers.add(addr("203.0.113.7"));
    let (mut flows, mut packets) = (Samples::default(), Samples::default());
    flows.add(uid(1));
    packets.add(7);
    Finding {
        key: key.to_owned(),
        peers,
        names: vec![(addr(subject), "ws5.corp.test".to_owned())],
        first: Timestamp::from_parts(1_700_000_000, 500_000_000),
        last: Timestamp::from_parts(1_700_000_100, 123_456_789),
        count: 24,
        flows,
        packets,
        measures: vec![Measure::count("calls", 24, Some(20), "calls", Origin::Own)],
        quotes: vec![Quote::new("request", EVIL.as_bytes(), 7)],
        benign: vec![Benign { explanation: "an updater", result: "nobody else calls it" }],
        ..Finding::new(about, &about.reasons[0], addr(subject), severity, Confidence::percent(80))
    }
}

fn page(findings: Vec<Finding>) -> Page {
    let mut page = Page { home_nets: sekisho_types::home_nets(), ..Page::default() };
    let (stories, _) = incidents(&Basis {
        findings: &findings,
        fetched: &[],
        now: Timestamp::from_parts(1_700_000_100, 0),
        asset: &|_| Asset::default(),
        is_home: &|host| host.to_string().starts_with("10."),
    });
    page.judged.incidents = stories;
    page.judged.findings = findings;
    page.flows = vec![FlowEnds {
        uid: uid(1),
        first: Timestamp::from_parts(1_700_000_000, 500_000_000),
        last: Timestamp::from_parts(1_700_000_003, 0),
        orig: addr("10.0.0.5"),
        orig_port: 40_000,
        resp: addr("203.0.113.7"),
        resp_port: 443,
        proto: Text::from(&b"tcp"[..]),
        service: Some(Text::from(&b"ssl,http"[..])),
        sent_bytes: 100,
        received_bytes: 200,
        sent_packets: 3,
        received_packets: 4,
    }];
    page
}

fn hostile() -> Page {
    let mut muted = finding(&CALLS, "10.0.0.6", "muted.test", Severity::Critical);
    muted.muted = Some("Agreed upon".to_owned());
    page(vec![
        finding(&CALLS, "10.0.0.5", EVIL, Severity::High),
        finding(&CALLS, "2001:db8::5", "evil.test", Severity::Medium),
        finding(&CONTROL, "10.0.0.9", "", Severity::Low),
        muted,
    ])
}

/// No character of `text` acts on a terminal.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || c == '\r' || is_shown(c))
}

#[test]
fn a_layer_has_what_was_found_and_no_more() {
    let text = to_navigator(&hostile());
    assert!(is_plain(&text));
    let layers: Value = serde_json::from_str(&text).unwrap();
    let [office, control] = &layers.as_array().unwrap()[..] else { panic!("one of each matrix") };
    assert_eq!((&office["domain"], &control["domain"]), (&"enterprise-attack".into(), &"ics-attack".into()));
    assert_eq!(office["versions"]["layer"], "4.5");
    let ids = |layer: &Value| -> Vec<String> {
        let all = layer["techniques"].as_array().unwrap().iter();
        all.map(|t| t["techniqueID"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (ids(office), ids(control)),
        (vec!["T1071.001".to_owned(), "T1571".to_owned()], vec!["T0855".to_owned()])
    );
    let first = &office["techniques"][0];
    // High, 0.80 sure: 75 times 0.8; and two findings, not the one that is muted.
    assert_eq!((first["score"].as_u64(), first["metadata"][0]["value"].as_str()), (Some(60), Some("2")));
    let comment = first["comment"].as_str().unwrap();
    assert!(comment.contains("high c2-beacon/regular: 10.0.0.5 (ws5.corp.test)"), "{comment}");
    assert!(comment.contains("203.0.113.7") && !comment.contains("10.0.0.6"), "{comment}");
    let alone: Value = serde_json::from_str(&to_navigator(&page(Vec::new()))).unwrap();
    assert_eq!(
        (alone["domain"].as_str(), alone["techniques"].as_array().unwrap().len()),
        (Some("enterprise-attack"), 0)
    );
}

#[test]
fn a_comment_tells_twenty_findings_and_counts_the_others() {
    let many = (0..30).map(|n| finding(&CALLS, &format!("10.0.1.{n}"), "", Severity::Low)).collect();
    let layer: Value = serde_json::from_str(&to_navigator(&page(many))).unwrap();
    let comment = layer["techniques"][0]["comment"].as_str().unwrap();
    assert_eq!((comment.lines().count(), comment.lines().last()), (21, Some("... and 10 more")));
    assert!(layer["techniques"][0]["metadata"][1]["value"].as_str().unwrap().ends_with(", 10 more"));
}

/// The records of a text as RFC 4180 reads it.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(chars.next(), Some('\n'));
                record.push(std::mem::take(&mut cell));
                all.push(std::mem::take(&mut record));
            }
            c => cell.push(c),
        }
    }
    assert!(record.is_empty() && cell.is_empty() && !quoted, "ends in CR LF");
    all
}

#[test]
fn a_table_is_read_back_and_holds_no_formula() {
    let text = to_csv(&hostile());
    assert!(is_plain(&text));
    let lines = records(&text);
    assert_eq!(lines.len(), 5);
    assert!(lines.iter().all(|l| l.len() == lines[0].len()));
    let at = |name: &str| lines[0].iter().position(|c| c == name).unwrap();
    for cell in lines.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
    let first = &lines[1];
    assert_eq!(first[at("key")], r#"'=HYPERLINK("http://x","a")\u{202e}\x0d\x0a\x07\x1b[31m,;'"</script>"#);
    assert_eq!((&*first[at("incident")], &*first[at("severity")], &*first[at("count")]), ("1", "high", "24"));
    assert_eq!(
        (&*first[at("first")], &*first[at("techniques")]),
        ("2023-11-14T22:13:20.500000000Z", "T1071.001; T1571")
    );
    assert_eq!(first[at("subject")], "10.0.0.5 (ws5.corp.test)");
    assert_eq!((&*lines[4][at("muted")], &*lines[4][at("incident")]), ("Agreed upon", ""));
    for (text, want) in [
        ("plain", "plain"),
        ("", ""),
        ("a,b", "\"a,b\""),
        ("say \"x\"", "\"say \"\"x\"\"\""),
        ("-1", "\"'-1\""),
        (" =1", "\"' =1\""),
        ("＝1", "\"'＝1\""),
        ("\t=1", "\"'\\x09=1\""),
        ("a=1", "a=1"),
    ] {
        assert_eq!(cell(text), want, "{text:?}");
    }
}

#[test]
fn a_bundle_refers_to_what_is_in_it() {
    let text = to_stix(&hostile());
    assert!(is_plain(&text) && text == to_stix(&hostile()), "the same again");
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let objects = bundle["objects"].as_array().unwrap();
    let ids: BTreeSet<&str> = objects.iter().map(|o| o["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), objects.len(), "each once");
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    for object in objects {
        let kind = object["type"].as_str().unwrap();
        kinds.insert(kind);
        assert!(object["id"].as_str().unwrap().starts_with(&format!("{kind}--")));
        for (name, value) in object.as_object().unwrap() {
            let refs: Vec<&str> = match value {
                Value::String(one) if name.ends_with("_ref") => vec![one],
                Value::Array(all) if name.ends_with("_refs") => all.iter().map(|v| v.as_str().unwrap()).collect(),
                _ => continue,
            };
            assert!(!refs.is_empty() && refs.iter().all(|r| ids.contains(r)), "{kind}.{name}: {refs:?}");
        }
    }
    let all = [
        "attack-pattern",
        "domain-name",
        "grouping",
        "identity",
        "indicator",
        "ipv4-addr",
        "ipv6-addr",
        "network-traffic",
        "note",
        "observed-data",
        "relationship",
        "sighting",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all);
    let of = |kind: &str| objects.iter().filter(|o| o["type"] == kind).collect::<Vec<_>>();
    assert_eq!(of("observed-data").len(), 3, "the muted one is not there");
    let patterns: Vec<&str> = of("indicator").iter().map(|i| i["pattern"].as_str().unwrap()).collect();
    assert_eq!(patterns, ["[ipv4-addr:value = '203.0.113.7']", "[domain-name:value = 'evil.test']"]);
    let flow = of("network-traffic")[0];
    assert_eq!((flow["start"].as_str(), flow["dst_port"].as_u64()), (Some("2023-11-14T22:13:20.5Z"), Some(443)));
    assert_eq!(flow["protocols"], serde_json::json!(["ipv4", "tcp", "ssl", "http"]));
    let name = |o: &&&Value| o["name"].as_str().unwrap().starts_with("Incident 1: risk ");
    assert!(of("grouping").iter().any(|g| name(&g)));
}

#[test]
fn nothing_found_is_a_bundle_of_its_maker() {
    let bundle: Value = serde_json::from_str(&to_stix(&page(Vec::new()))).unwrap();
    assert_eq!(bundle["objects"].as_array().unwrap().len(), 1);
}

#[test]
fn a_bundle_leaves_off_what_is_mild_and_says_so() {
    let many = (0..5_010).map(|n| finding(&CALLS, "10.0.0.5", &format!("n{n}"), Severity::Low)).collect();
    let mut page = page(many);
    page.flows_forgotten = 3;
    let bundle: Value = serde_json::from_str(&to_stix(&page)).unwrap();
    let objects = bundle["objects"].as_array().unwrap();
    assert_eq!(objects.iter().filter(|o| o["type"] == "observed-data").count(), 5_000);
    let last = objects.last().unwrap()["content"].as_str().unwrap();
    assert_eq!(last.lines().map(|l| l.split(' ').next().unwrap()).collect::<Vec<_>>(), ["10", "3"]);
}
