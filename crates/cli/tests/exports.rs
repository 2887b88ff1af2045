//! What `audit` writes for other tools, and what `coverage` says. `cargo xtask exports` lets those tools' own readers read it.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn office() -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/office.pcapng");
    path.to_str().unwrap().to_owned()
}

fn sekisho(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sekisho")).args(args).output().unwrap()
}

/// Standard output of a run that succeeds.
fn said(args: &[&str]) -> String {
    let out = sekisho(args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&said(args)).unwrap()
}

/// The one line of standard error of a run that is refused.
fn refused(args: &[&str]) -> String {
    let out = sekisho(args);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!((out.status.code(), said.lines().count(), out.stdout.len()), (Some(2), 1, 0), "{said}");
    said
}

#[test]
fn every_form_tells_the_same_findings() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (csv, layer, bundle) = (file("findings.csv"), file("layer.json"), file("bundle.json"));
    let office = office();
    let all = ["audit", "-q", "--csv", &csv, "--navigator", &layer, "--stix", &bundle, "--json", "-", &office];
    let page = json(&all);
    let findings = page["findings"].as_array().unwrap();
    assert!(findings.len() > 5);
    let table = fs::read_to_string(&csv).unwrap();
    assert_eq!(table.matches("\r\n").count(), findings.len() + 1, "a line each, and the headings");
    for f in findings {
        let (code, key) = (f["code"].as_str().unwrap(), f["key"].as_str().unwrap());
        assert!(table.lines().any(|line| line.contains(code) && line.contains(key)), "{code} {key}");
    }
    let mut techniques: Vec<&str> =
        findings.iter().flat_map(|f| f["techniques"].as_array().unwrap()).map(|t| t.as_str().unwrap()).collect();
    techniques.sort_unstable();
    techniques.dedup();
    let layer: Value = serde_json::from_str(&fs::read_to_string(&layer).unwrap()).unwrap();
    let coloured: Vec<&str> =
        layer["techniques"].as_array().unwrap().iter().map(|t| t["techniqueID"].as_str().unwrap()).collect();
    assert_eq!(coloured, techniques);
    let text = fs::read_to_string(&bundle).unwrap();
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let of =
        |kind: &str| bundle["objects"].as_array().unwrap().iter().filter(|o| o["type"] == kind).collect::<Vec<_>>();
    assert_eq!((of("observed-data").len(), of("attack-pattern").len()), (findings.len(), techniques.len()));
    assert!(of("network-traffic").iter().any(|t| t["protocols"].as_array().unwrap().contains(&"http".into())));
    // Each alone on standard output, and the same again; another number of threads changes nothing.
    assert_eq!(said(&["audit", "-q", "--stix", "-", "--jobs", "3", &office]), text);
    assert_eq!(said(&["audit", "-q", "--csv", "-", &office]), table);
    assert_eq!(json(&["audit", "-q", "--navigator", "-", &office]), layer);
}

#[test]
fn techniques_are_told_by_sight() {
    let page = json(&["audit", "-q", "--json", "-", &office()]);
    let all = page["techniques"].as_array().unwrap();
    let of = |id: &str| all.iter().find(|t| t["id"] == id).unwrap_or_else(|| panic!("{id}"));
    let dns = of("T1071.004");
    assert_eq!(
        (dns["name"].as_str(), dns["sight"].as_str()),
        (Some("Application Layer Protocol: DNS"), Some("working"))
    );
    assert!(dns["judgements"].as_array().unwrap().contains(&"c2-dns-tunnel".into()));
    assert_eq!(of("T0855")["sight"], "idle", "no control protocol is in it");
    let clear = of("T1040");
    let shown = clear["findings"].as_array().unwrap().iter().map(|n| &page["findings"][n.as_u64().unwrap() as usize]);
    let codes: Vec<&str> = shown.map(|f| f["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"cleartext-credentials/http"), "{codes:?}");
}

#[test]
fn only_one_can_have_standard_output() {
    let office = office();
    let flags = ["--json", "--html", "--csv", "--navigator", "--stix"];
    for (i, one) in flags.iter().enumerate() {
        for other in flags.iter().skip(i + 1) {
            let why = refused(&["audit", one, "-", other, "-", &office]);
            assert!(why.contains(&format!("{one} - and {other} - cannot both have standard output")), "{why}");
        }
    }
    assert!(refused(&["audit", "--stix", "/nonexistent/x.json", &office]).contains("cannot write /nonexistent/x.json"));
}

#[test]
fn coverage_is_told_in_every_form() {
    let text = said(&["coverage"]);
    assert!(text.contains("ATT&CK 18.1: 691 techniques and sub-techniques of Enterprise"), "{text}");
    assert!(text.lines().any(|l| l.contains("T1071.004") && l.contains("c2-dns-tunnel")), "{text}");
    assert!(!text.contains("T1055") && said(&["coverage", "--all"]).contains("T1055.012"));
    let whole = json(&["coverage", "--format", "json"]);
    let all = whole["techniques"].as_array().unwrap();
    let of = |id: &str| all.iter().find(|t| t["id"] == id).unwrap();
    assert_eq!(of("T1055.012")["why_not"], "It happens within a machine: nothing of it crosses the network.");
    assert_eq!((of("T1566.001")["reach"].as_str(), of("T1071")["why_not"].as_str()), (Some("clear-or-keys"), None));
    for t in all {
        let judged = !t["judgements"].as_array().unwrap().is_empty();
        let parts = !t["parts"].as_array().unwrap().is_empty();
        assert_eq!(t["why_not"].is_null(), judged || parts, "{t}: seen, or why not");
        for j in t["judgements"].as_array().unwrap() {
            let told = !j["blind"].as_str().unwrap().is_empty() && !j["needs"].as_array().unwrap().is_empty();
            assert!(told || j["id"] == "rule-alert", "{j}");
        }
    }
    let layers = json(&["coverage", "--format", "navigator"]);
    let domains: Vec<&str> = layers.as_array().unwrap().iter().map(|l| l["domain"].as_str().unwrap()).collect();
    assert_eq!(domains, ["enterprise-attack", "ics-attack"]);
    // A few of them, in any case of letters, with their parts.
    let detail = said(&["coverage", "t1071.004", "T1021"]);
    assert!(detail.contains("https://attack.mitre.org/techniques/T1071/004") && detail.contains("T1021.002"));
    assert!(detail.contains("blind spots:\n") && detail.contains("sees more with: ") && !detail.contains("T1071.001"));
    assert!(refused(&["coverage", "T9999"]).contains("T9999: no technique of ATT&CK 18.1"));
}

#[test]
fn completions_know_the_flags_and_the_verb() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&["completions", shell]);
        for word in ["navigator", "stix", "csv", "coverage"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}
