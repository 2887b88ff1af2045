//! `sekisho diff` on captures of a network before and after.

mod common;

use common::sekisho;
use sekisho_testkit::camera::{self, BAD, CAMERA, POSTS};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder with both captures.
fn captures() -> (TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().expect("tempdir");
    let (before, after) = (dir.path().join("before.pcap"), dir.path().join("after.pcap"));
    fs::write(&before, sekisho_testkit::pcap(1, &camera::before())).expect("write");
    fs::write(&after, sekisho_testkit::pcap(1, &camera::after())).expect("write");
    (dir, before, after)
}

/// The comparison as JSON.
fn diff(args: &[&str], before: &Path, after: &Path) -> Value {
    let out = sekisho(&[&["diff", "-q", "--json", "-"], args].concat(), &[before, after]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

fn audit(dir: &TempDir, name: &str, capture: &Path) -> PathBuf {
    let json = dir.path().join(name);
    let out = sekisho(&["audit", "-q", "--json"], &[&json, capture]);
    assert_eq!(out.status.code(), Some(0));
    json
}

/// Keys of a device's items: sure ones of a kind and a change.
fn keys<'a>(device: &'a Value, kind: &str, change: &str) -> Vec<&'a str> {
    let items = device["items"].as_array().expect("items").iter();
    let mut keys: Vec<_> = items
        .filter(|t| t["kind"] == kind && t["change"] == change && t["sure"] == true)
        .map(|t| t["key"].as_str().expect("a key"))
        .collect();
    keys.sort_unstable();
    keys
}

fn device<'a>(comparison: &'a Value, address: &str) -> &'a Value {
    let has = |d: &&Value| ["addresses_before", "addresses_after"].iter().any(|m| d[*m][0] == address);
    comparison["devices"].as_array().expect("devices").iter().find(has).unwrap_or_else(|| panic!("no {address}"))
}

#[test]
fn tells_what_the_repair_changed() {
    let (_dir, before, after) = captures();
    let c = diff(&[], &before, &after);
    assert_eq!(c["changed"], true);
    let camera = device(&c, CAMERA[1]);
    assert_eq!((&camera["matched_by"], &camera["mac"]), (&"mac".into(), &"02:00:00:00:00:50".into()));
    assert_eq!(camera["notes"][0], format!("Its address was {} and is {}.", CAMERA[0], CAMERA[1]));
    let bad: Vec<_> = BAD.iter().map(|b| b.0).collect();
    assert_eq!(keys(camera, "destination", "disappeared"), bad);
    assert_eq!(keys(camera, "name", "disappeared"), bad);
    assert_eq!(keys(camera, "destination", "appeared"), ["api.maker.test"]);
    assert_eq!(keys(camera, "finding", "disappeared"), ["audit-cleartext-post/post"]);
    let gone = camera["items"].as_array().unwrap().iter().find(|t| t["key"] == bad[0]).unwrap();
    assert_eq!(gone["before"]["count"], POSTS);
    // The time and the update server were asked as often; 2 more are not different: of the resolver all questions.
    assert!(camera["unchanged_items"]["destination"].as_u64().unwrap() >= 2, "{camera}");
    // Hosts that went and came; the one that nobody touched.
    assert_eq!(device(&c, "10.0.0.99")["presence"], "disappeared");
    assert_eq!(device(&c, "10.0.0.98")["presence"], "appeared");
    let unchanged = c["unchanged"].as_array().unwrap();
    assert!(unchanged.iter().any(|d| d["addresses_after"][0] == "10.0.0.11"), "{unchanged:?}");
    let verdict = c["verdict"].as_str().unwrap();
    for part in ["less outbound traffic", "5 destinations gone, 2 new", "1 device gone, 1 new"] {
        assert!(verdict.contains(part), "{verdict}");
    }
}

#[test]
fn a_capture_compared_with_itself_has_not_changed() {
    let (_dir, before, _) = captures();
    let c = diff(&[], &before, &before);
    assert_eq!((&c["verdict"], &c["changed"]), (&"nothing changed".into(), &false.into()));
    assert_eq!(c["devices"].as_array().map(Vec::len), Some(0));
    assert_eq!(c["caveats"].as_array().map(Vec::len), Some(0));
    let out = sekisho(&["diff", "-q", "--exit-code"], &[&before, &before]);
    assert_eq!(out.status.code(), Some(0));
}

#[test]
fn a_capture_and_its_audit_compare_alike() {
    let (dir, before, after) = captures();
    let (old, new) = (audit(&dir, "old.json", &before), audit(&dir, "new.json", &after));
    let want = diff(&[], &before, &after);
    for (a, b) in [(&old, &after), (&before, &new), (&old, &new)] {
        let mut got = diff(&[], a, b);
        for side in ["before", "after"] {
            for member in ["inputs", "from_json"] {
                got[side][member] = want[side][member].clone();
            }
        }
        assert_eq!(got, want);
    }
}

#[test]
fn swapped_sides_mirror() {
    let (_dir, before, after) = captures();
    let (there, back) = (diff(&[], &before, &after), diff(&[], &after, &before));
    let (a, b) = (device(&there, CAMERA[1]), device(&back, CAMERA[1]));
    for kind in ["destination", "name", "service_used", "finding"] {
        for (change, mirrored) in [("disappeared", "appeared"), ("appeared", "disappeared"), ("grew", "shrank")] {
            assert_eq!(keys(a, kind, change), keys(b, kind, mirrored), "{kind} {change}");
        }
    }
    for (q, r) in a["quantities"].as_array().unwrap().iter().zip(b["quantities"].as_array().unwrap()) {
        let z = |q: &Value| q["z"].as_f64();
        assert_eq!(z(q), z(r).map(|z| -z), "{q} {r}");
        assert_eq!((&q["before"], &q["p"]), (&r["after"], &r["p"]));
    }
}

#[test]
fn one_host_alone_and_the_exit_code() {
    let (_dir, before, after) = captures();
    for who in ["10.0.0.50", "10.0.0.51", "02:00:00:00:00:50", "02-00-00-00-00-50"] {
        let c = diff(&["--host", who], &before, &after);
        assert_eq!(c["devices"].as_array().map(Vec::len), Some(1), "{who}");
        assert_eq!(c["devices"][0]["addresses_before"][0], CAMERA[0]);
    }
    let of = |args: &[&str]| sekisho(&[&["diff", "-q"], args].concat(), &[&before, &after]).status.code();
    assert_eq!(of(&["--exit-code"]), Some(4));
    assert_eq!(of(&["--exit-code", "--host", "10.0.0.11"]), Some(0));
    assert_eq!(of(&["--host", "10.9.9.9"]), Some(2));
}

#[test]
fn the_page_is_plain_unless_colour_is_asked_for() {
    let (_dir, before, after) = captures();
    let plain = sekisho(&["diff", "-q"], &[&before, &after]).stdout;
    let plain = String::from_utf8(plain).expect("UTF-8");
    assert!(!plain.contains('\x1b'));
    assert!(plain.lines().all(|l| l.chars().count() <= 80), "{plain}");
    for part in ["the same by its hardware address 02:00:00:00:00:50", "-  cdn1.hosting.test", "+  api.maker.test"] {
        assert!(plain.contains(part), "{part}: {plain}");
    }
    let coloured = sekisho(&["diff", "-q", "--color", "always"], &[&before, &after]).stdout;
    assert!(coloured.contains(&0x1b));
}

#[test]
fn reads_one_side_from_standard_input() {
    let (dir, before, after) = captures();
    let old = audit(&dir, "old.json", &before);
    let want = diff(&[], &before, &after);
    for side in [&before, &old] {
        let child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .args(["diff", "-q", "--json", "-", "-"])
            .arg(&after)
            .stdin(fs::File::open(side).expect("capture"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("sekisho starts");
        let got: Value = serde_json::from_slice(&child.wait_with_output().expect("ends").stdout).expect("JSON");
        assert_eq!(got["verdict"], want["verdict"]);
    }
    assert_eq!(sekisho(&["diff"], &["-", "-"]).status.code(), Some(2));
}

#[test]
fn what_is_no_audit_gets_one_clear_line() {
    let (dir, before, _) = captures();
    let audit: Value = common::json(&audit(&dir, "old.json", &before));
    let file = dir.path().join("other.json");
    let mut older = audit.clone();
    older.as_object_mut().unwrap().remove("devices");
    let mut newer = audit.clone();
    newer["schema_version"] = 99.into();
    let mut broken = audit.clone();
    broken["devices"][0]["opened"]["flows"] = "many".into();
    for (text, want) in [
        ("{\"cows\": 3}".to_owned(), "JSON, but not of sekisho audit --json"),
        ("{\"schema_version\": 1, ".to_owned(), "not JSON"),
        (older.to_string(), "older sekisho"),
        (newer.to_string(), "schema_version 99"),
        (broken.to_string(), "\"flows\""),
    ] {
        fs::write(&file, text).expect("write");
        let out = sekisho(&["diff"], &[&file, &before]);
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!((out.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains("other.json: ") && said.contains(want), "{said}");
        assert!(out.stdout.is_empty());
    }
    assert_eq!(sekisho(&["diff"], &[&before]).status.code(), Some(2));
}

#[test]
fn a_damaged_capture_is_compared_as_far_as_it_goes() {
    let (dir, before, after) = captures();
    let bytes = fs::read(&before).expect("capture");
    let cut = dir.path().join("cut.pcap");
    fs::write(&cut, &bytes[..bytes.len() / 2 + 3]).expect("write");
    let out = sekisho(&["diff", "-q", "--json", "-"], &[&cut, &after]);
    assert_eq!(out.status.code(), Some(1));
    let c: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let caveats: Vec<_> = c["caveats"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(caveats.iter().any(|c| c.contains("1 capture damaged before")), "{caveats:?}");
}

#[test]
fn writes_the_page_as_one_file() {
    let (dir, before, after) = captures();
    let file = dir.path().join("page.html");
    let out = sekisho(&["diff", "-q", "--html", file.to_str().expect("UTF-8")], &[&before, &after]);
    let text = String::from_utf8(out.stdout).expect("UTF-8");
    let html = fs::read_to_string(&file).expect("a page");
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("default-src &#39;none&#39;"));
    // The result is the text's.
    let lead = text.split_once("Difference\n  ").expect("a heading").1.split_once(';').expect("parts").0;
    assert!(html.contains(&format!("<p class=\"lead\">{lead}</p>")), "{lead}");
    // What went leads to the capture before, what is new to the one after.
    let number = html.split_once("-o before-").expect("a command").1.split('.').next().expect("a number");
    let command = format!("-o before-{number}.pcapng {}", before.display());
    assert!(html.contains("sekisho packets --uid ") && html.contains(&command), "{command}");
    let until = html.split_once(&command).expect("a command").0;
    let uid = until.rsplit("sekisho packets --uid ").next().and_then(|u| u.split(' ').next()).expect("a uid");
    let cut = dir.path().join("cut.pcapng");
    let cut_out = sekisho(&["packets", "-q", "--uid", uid, "-o", cut.to_str().expect("UTF-8")], &[&before]);
    assert_eq!(cut_out.status.code(), Some(0));
    assert!(fs::metadata(&cut).expect("packets").len() > 200);
    // The same of audits, which know what they read.
    let (old, new) = (audit(&dir, "old.json", &before), audit(&dir, "new.json", &after));
    let of_audits = sekisho(&["diff", "-q", "--html", "-"], &[&old, &new]);
    let of_audits = String::from_utf8(of_audits.stdout).expect("UTF-8");
    assert!(of_audits.starts_with("<!DOCTYPE html>") && of_audits.contains(&command));
    let japanese = sekisho(&["diff", "-q", "--html", "-", "--lang", "ja"], &[&before, &after]).stdout;
    let japanese = String::from_utf8(japanese).expect("UTF-8");
    assert!(japanese.contains("<html lang=\"ja\">") && japanese.contains("通信先 5 件がなくなり、2 件が新規"));
    assert_eq!(sekisho(&["diff", "--html", "-", "--json", "-"], &[&before, &after]).status.code(), Some(2));
}

/// Codes of the findings of a comparison.
fn codes(c: &Value) -> Vec<&str> {
    c["findings"].as_array().expect("findings").iter().map(|f| f["code"].as_str().expect("a code")).collect()
}

#[test]
fn judges_both_sides_with_the_flags_of_audit() {
    let (dir, before, after) = captures();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("write");
        path.to_str().expect("UTF-8").to_owned()
    };
    // Mutes: what is muted has neither gone nor come.
    let post = "audit-cleartext-post/post";
    let plain = diff(&[], &before, &after);
    assert!(codes(&plain).contains(&post), "{:?}", codes(&plain));
    let mutes = file("mutes", "audit-cleartext-post host=any until=2099-01-31 reason=The camera is being repaired\n");
    let muted = diff(&["--mutes", &mutes], &before, &after);
    assert!(!codes(&muted).contains(&post));
    assert!(keys(device(&muted, CAMERA[1]), "finding", "disappeared").is_empty());
    // Lists, on both sides.
    let listed = file("bad.txt", "update.camera.test\n");
    let intel = diff(&["--intel", &listed], &before, &after);
    let contact = intel["findings"].as_array().unwrap().iter().find(|f| f["code"].as_str().unwrap().contains("intel-"));
    assert_eq!(contact.expect("a contact")["change"], "unchanged");
    // Resolvers and authorities.
    let tree = |path: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let quic = tree("goldens/quic/connections.pcap");
    let dot = "dns-unapproved-resolver/dot";
    assert!(codes(&diff(&[], &quic, &quic)).contains(&dot));
    assert!(!codes(&diff(&["--resolver", "192.0.2.44/32"], &quic, &quic)).contains(&dot));
    let tls = tree("goldens/tls/tls12.pcap");
    let trust = |c: &Value| codes(c).iter().any(|c| c.starts_with("tls-cert-trust"));
    assert!(trust(&diff(&[], &tls, &tls)));
    let out = dir.path().join("files");
    sekisho(&["files", "-q", "-o", out.to_str().expect("UTF-8")], &[&tls]);
    let root = fs::read_dir(&out).unwrap().map(|f| f.unwrap().path()).find(|path| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes.first() == Some(&0x30) && bytes.windows(11).filter(|w| w == b"Golden Root").count() == 2
    });
    let root = root.expect("the authority's certificate").to_str().expect("UTF-8").to_owned();
    assert!(!trust(&diff(&["--roots", &root], &tls, &tls)));
    // What cannot be read is said in a line.
    for flag in ["--mutes", "--roots", "--trust-anchors", "--holidays", "--geoip"] {
        let out = sekisho(&["diff", "-q", flag, "/no/such/file"], &[&before, &after]);
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!((out.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(&format!("{flag} /no/such/file")), "{said}");
    }
    // An audit was judged when it was written.
    let old = audit(&dir, "old.json", &before);
    let out = sekisho(&["diff", "--mutes", &mutes], &[&old, &after]);
    assert!(
        String::from_utf8_lossy(&out.stderr)
            .contains("old.json: an audit's JSON; its findings are those of that audit")
    );
}

#[test]
fn an_audit_tells_when_flows_came() {
    let (dir, before, _) = captures();
    let page: Value = common::json(&audit(&dir, "old.json", &before));
    let a = &page["activity"];
    let sum = |name: &str| a[name].as_array().expect(name).iter().map(|n| n.as_u64().expect("a number")).sum::<u64>();
    assert_eq!(sum("flows"), page["totals"]["flows"].as_u64().unwrap());
    assert_eq!(sum("flows_by_hour_of_week"), sum("flows"));
    let bytes: u64 =
        page["totals"]["transports"].as_array().unwrap().iter().map(|t| t["ip_bytes"].as_u64().unwrap()).sum();
    assert_eq!(sum("bytes"), bytes);
    // Monday, nine o'clock; a step a minute.
    assert_eq!((a["flows_by_hour_of_week"][9].as_u64(), &a["step_seconds"]), (Some(sum("flows")), &60.into()));
    assert_eq!(a["start"], "2026-03-02T09:00:00.000000000Z");
}
