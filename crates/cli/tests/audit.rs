//! `sekisho audit` with what its user gives: lists of bad hosts, authorities, mutes.

mod common;

use common::{audit, page};
use sekisho_testkit::{Frame, Timestamp, flag, pcap};
use sekisho_types::Addr;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn office() -> String {
    in_tree("examples/office.pcapng").to_str().unwrap().to_owned()
}

/// Code, subject, key and muted of the findings of a page.
fn findings(page: &Value, judgement: &str) -> Vec<[String; 4]> {
    let all = page["findings"].as_array().unwrap().iter();
    let text = |f: &Value, name: &str| f[name].as_str().unwrap_or("").to_owned();
    let found = all.filter(|f| f["code"].as_str().unwrap().starts_with(judgement));
    found.map(|f| ["code", "subject", "key", "muted"].map(|name| text(f, name))).collect()
}

/// The one line of standard error of a run that is refused.
fn refused(args: &[&str]) -> String {
    let out = audit(args);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!((out.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    assert!(out.stdout.is_empty());
    said
}

/// Writes `text` as a file of the folder.
fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn lists_of_bad_hosts_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let office = office();
    assert_eq!(findings(&page(&[&office]), "intel-contact").len(), 0);
    let (address, name) = ("intel-contact/address/answered", "intel-contact/name/answered");
    for (file_name, text, expected) in [
        ("plain.txt", "# bad\n203.0.113.80\n", address),
        ("networks.txt", "203.0.113.80/31 ; a source's word\n", address),
        ("names.txt", "news.test\n", name),
        ("hosts", "127.0.0.1 localhost\n0.0.0.0 www.news.test\n0.0.0.0 other.test\n", name),
        ("list.csv", "type,indicator,source\ndomain,www.news.test,us\nipv4,192.0.2.250,us\n", name),
        (
            "zeek.dat",
            "#fields\tindicator\tindicator_type\tmeta.source\nwww.news.test\tIntel::DOMAIN\tus\n192.0.2.0/24\tIntel::SUBNET\tus\n",
            name,
        ),
        (
            "misp.json",
            "{\"Event\":{\"info\":\"x\",\"date\":\"2026-11-01\",\"Attribute\":[{\"type\":\"domain\",\"value\":\"www.news.test\",\"to_ids\":true}]}}",
            name,
        ),
    ] {
        let list = file(dir.path(), file_name, text);
        let found = findings(&page(&["--intel", &list, &office]), "intel-contact");
        assert!(!found.is_empty() && found.iter().all(|f| f[0] == expected), "{file_name}: {found:?}");
        assert!(found.iter().all(|f| f[1].starts_with("10.44.0.")), "{file_name}: the client at home is told of");
        assert!(found.iter().any(|f| f[2].contains("203.0.113.80") || f[2].contains("news.test")), "{found:?}");
    }
    // Nobody met these; and whoever gives a list counts on it.
    let silent = file(dir.path(), "silent.txt", "192.0.2.250\nnot-there.test\n");
    assert_eq!(findings(&page(&["--intel", &silent, &office]), "intel-contact").len(), 0);
    let empty = file(dir.path(), "empty.txt", "# nothing\n");
    assert!(refused(&["--intel", &empty, &office]).contains("no entry of use"));
    // Two lists work as one.
    let plain = dir.path().join("plain.txt");
    let both = page(&["--intel", &silent, "--intel", plain.to_str().unwrap(), &office]);
    assert_ne!(findings(&both, "intel-contact").len(), 0);
}

#[test]
fn authorities_of_ones_own() {
    let dir = tempfile::tempdir().unwrap();
    let capture = in_tree("goldens/tls/tls12.pcap").to_str().unwrap().to_owned();
    assert_eq!(findings(&page(&[&capture]), "tls-cert-trust").len(), 1);
    // The authority's certificate is in the capture: DER, and, for the other form, PEM.
    let out = dir.path().join("files");
    let files = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(["files", "-q", "-o", out.to_str().unwrap(), &capture])
        .output()
        .unwrap();
    assert!(files.status.success());
    let der = fs::read_dir(&out).unwrap().map(|f| f.unwrap().path());
    let der: Vec<PathBuf> = der.filter(|p| p.to_str().unwrap().ends_with("-unnamed")).collect();
    let is_root = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(11).filter(|w| w == b"Golden Root").count() == 2
    };
    let root = der.iter().find(|p| is_root(p)).unwrap();
    assert_eq!(findings(&page(&["--roots", root.to_str().unwrap(), &capture]), "tls-cert-").len(), 0);
    let text = base64(&fs::read(root).unwrap());
    let pem = format!("Golden Root\n-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    let pem = file(dir.path(), "ca.pem", &pem);
    assert_eq!(findings(&page(&["--roots", &pem, &capture]), "tls-cert-").len(), 0);
    // Another authority changes nothing, a file without any is refused.
    let other = in_tree("crates/x509/testdata/root.der");
    assert_eq!(findings(&page(&["--roots", other.to_str().unwrap(), &capture]), "tls-cert-trust").len(), 1);
    assert!(refused(&["--roots", &capture, &capture]).contains("no certificate in it"));
    assert!(refused(&["--roots", "/no/such/file", &capture]).contains("--roots /no/such/file"));
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let four = |three: &[u8]| {
        let bits = (0..3).fold(0u32, |n, i| n << 8 | u32::from(three.get(i).copied().unwrap_or(0)));
        let digit = move |i: usize| char::from(DIGITS[(bits >> (18 - 6 * i) & 63) as usize]);
        let len = three.len();
        (0..4).map(move |i| if i <= len { digit(i) } else { '=' }).collect::<Vec<_>>()
    };
    bytes.chunks(3).flat_map(four).collect()
}

#[test]
fn what_was_agreed_is_muted_counted_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let office = office();
    let code = |args: &[&str]| audit(args).status.code();
    assert_eq!(code(&["--fail-on", "high", &office]), Some(3));
    let mutes = file(
        dir.path(),
        "mutes",
        "# agreed in the autumn\n\
         cleartext-credentials/http host=10.44.0.12 peer=203.0.113.80 until=2027-01-31 reason=The news site, soon over TLS\n\
         tls-* host=203.0.113.81 until=2026-11-01 reason=The shop's test site, until November\n",
    );
    let with = page(&["--mutes", &mutes, &office]);
    let muted = findings(&with, "cleartext-credentials/http");
    assert_eq!(muted.len(), 1);
    assert_eq!(muted[0][3], "The news site, soon over TLS (until 2027-01-31)");
    assert!(findings(&with, "tls-").iter().all(|f| f[3].is_empty()), "that mute has ended");
    assert_eq!(with["findings"].as_array().unwrap().len(), page(&[&office])["findings"].as_array().unwrap().len());
    let of = |i: usize| ["line", "findings", "expired"].map(|name| with["mutes"][i][name].to_string());
    assert_eq!([of(0), of(1)], [["2", "1", "false"], ["3", "0", "true"]]);
    // It was the only one of high severity.
    assert_eq!(code(&["--fail-on", "high", "--mutes", &mutes, &office]), Some(0));
    assert_eq!(code(&["--fail-on", "medium", "--mutes", &mutes, &office]), Some(3));
    let text = String::from_utf8(audit(&["--mutes", &mutes, &office]).stdout).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("1 muted") && text.contains("muted: high 10.44.0.12"), "{text}");
    assert_eq!(text.matches("The mute of tls-* in line 3 ended on 2026-11-01").count(), 1, "{text}");
    let bad = file(dir.path(), "bad", "cleartext-credentials/http host=10.44.0.12 until=2027-01-31\n");
    let said = refused(&["--mutes", &bad, &office]);
    assert!(said.contains("line 1: a mute ends with reason=WHY"), "{said}");
}

#[test]
fn places_of_addresses_and_holidays() {
    let dir = tempfile::tempdir().unwrap();
    let office = office();
    let rows = [([203, 0, 113], 24, "JP", 64_501, "Content Net"), ([192, 0, 2], 24, "DE", 64_500, "Home Net")];
    let built = 1_793_000_000;
    let path = |kind: &str| {
        let path = dir.path().join(kind);
        fs::write(&path, sekisho_testkit::mmdb::mmdb(kind, built, &rows)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (country, asn) = (path("Test-Country"), path("Test-ASN"));
    let keys = |watch: &str| {
        let page = page(&["--geoip", &country, "--geoip", &asn, "--watch", watch, &office]);
        findings(&page, "audit-geo-asn").into_iter().map(|f| f[2].clone()).collect::<BTreeSet<_>>()
    };
    assert_eq!(keys("JP,AS64501").into_iter().collect::<Vec<_>>(), ["AS64501", "JP"]);
    assert_eq!(keys("de").len(), 0);
    assert_eq!(findings(&page(&[&office]), "audit-geo-asn").len(), 0);
    assert!(refused(&["--geoip", &office, &office]).contains("MaxMind"));
    assert_eq!(audit(&["--watch", "JP", &office]).status.code(), Some(2), "without files nothing can be watched");
    let days = file(dir.path(), "days", "# 2026\n2026-12-25 # a feast\n2026-01-01\n");
    assert!(page(&["--holidays", &days, &office])["findings"].is_array());
    let bad = file(dir.path(), "bad-days", "2026-12-25\n25.12.2026\n");
    assert!(refused(&["--holidays", &bad, &office]).contains("line 2: expected a day as YYYY-MM-DD"));
}

/// Members of a page as `devices[].name`; those of objects whose members are names of logs or lists as `more.NAME`.
fn members(value: &Value, at: &str, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = match at {
                    "logs" => continue,
                    "more" => "more.NAME".to_owned(),
                    "" => name.clone(),
                    _ => format!("{at}.{name}"),
                };
                members(value, &path, all);
                all.insert(path);
            }
        }
        Value::Array(list) => list.iter().for_each(|v| members(v, &format!("{at}[]"), all)),
        _ => {}
    }
}

fn addr(text: &str) -> Addr {
    text.parse().unwrap()
}

/// Forty ports of one host, none of which answers.
fn tried_ports(dir: &Path) -> String {
    let path = dir.join("refused.pcap");
    let syn = |port: u16| Frame::tcp("10.0.0.66:40000", (addr("10.0.0.25"), port), flag::SYN).frame();
    let frames: Vec<_> =
        (1..=40).map(|port| (Timestamp::from_parts(1_700_000_000, u32::from(port)), syn(port))).collect();
    fs::write(&path, pcap(1, &frames)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn findings_of_attacks_are_joined_to_stories() {
    let dir = tempfile::tempdir().unwrap();
    let capture = tried_ports(dir.path());
    let found = page(&[&capture]);
    let [incident] = &found["incidents"].as_array().unwrap()[..] else { panic!("{}", found["incidents"]) };
    assert_eq!(incident["hosts"], serde_json::json!(["10.0.0.66"]));
    assert_eq!((&incident["stages"], &incident["more_incidents"]), (&serde_json::json!(["discovery"]), &Value::Null));
    let step = incident["steps"][0].as_u64().unwrap() as usize;
    assert_eq!((&found["findings"][step]["id"], &found["more_incidents"]), (&"scan-vertical".into(), &0.into()));
    let text = String::from_utf8(audit(&[&capture]).stdout).unwrap();
    let story = text.split("Incidents").nth(1).unwrap().split("Findings").next().unwrap();
    assert!(
        story.contains("10.0.0.66")
            && story.contains("began at: 10.0.0.66")
            && story.contains("looking around")
            && story.contains("points"),
        "{story}"
    );
    let html = dir.path().join("page.html");
    audit(&["--html", html.to_str().unwrap(), &capture]);
    let html = fs::read_to_string(html).unwrap();
    assert!(html.contains("id=\"incidents\"") && html.contains("href=\"#f-1\""));
    // What somebody agreed to live with is no incident.
    let mute = "scan-vertical host=10.0.0.66 until=2099-01-31 reason=Our own scanner does this\n";
    let mutes = file(dir.path(), "mutes", mute);
    assert_eq!(page(&["--mutes", &mutes, &capture])["incidents"], serde_json::json!([]));
}

#[test]
fn the_reference_page_of_the_json_is_current() {
    let dir = tempfile::tempdir().unwrap();
    let mutes = "tls-cert-dates host=203.0.113.81 until=2099-01-31 reason=Replaced some day\n";
    let mutes = file(dir.path(), "mutes", mutes);
    let tree = |path: &str| in_tree(path).to_str().unwrap().to_owned();
    let mut seen = BTreeSet::new();
    let state = dir.path().join("state");
    let state = state.to_str().unwrap();
    members(&page(&["--mutes", &mutes, "--state", state, &office()]), "", &mut seen);
    let built = [tried_ports(dir.path())];
    let stored = ["examples/ctf-ftp.pcap", "goldens/tunnel", "goldens/flow", "goldens/quic", "goldens/dns"].map(tree);
    for capture in stored.iter().chain(&built) {
        let out = audit(&["--json", "-", capture]);
        members(&serde_json::from_slice(&out.stdout).unwrap(), "", &mut seen);
    }
    let text = fs::read_to_string(in_tree("docs/reference/audit-json.md")).unwrap();
    let mut told = BTreeSet::new();
    let mut sections: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line.starts_with("## ") {
            sections = line.split('`').skip(1).step_by(2).collect();
            if sections.is_empty() {
                sections.push("");
            }
        } else if let Some(name) = line.strip_prefix("| `").and_then(|l| l.split('`').next()) {
            let path = |s: &&str| if s.is_empty() { name.to_owned() } else { format!("{s}.{name}") };
            told.extend(sections.iter().map(path));
        }
    }
    seen.remove("more.NAME");
    assert_eq!(seen.difference(&told).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the reference page");
    // What these captures do not have: damage by kind, full tables, signed answers, programs that came, acts of several.
    let seldom = [
        "completeness.limits[]",
        "completeness.undecoded[]",
        "dnssec",
        "findings[].acts[].",
        "forgotten[]",
        "incidents[].fetched[].",
        "incidents[].links[]",
        "more.NAME.",
        "state.given_up[]",
    ];
    let unseen = told.difference(&seen).filter(|path| !seldom.iter().any(|s| path.starts_with(s)));
    assert_eq!(unseen.collect::<Vec<_>>(), Vec::<&String>::new(), "only in the reference page");
}
