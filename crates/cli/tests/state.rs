//! `sekisho audit --state`: what is new is held against the runs before.

mod common;

use common::{audit, page};
use sekisho_testkit::{Conversation, Timestamp, pcap};
use sekisho_types::Dir;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

/// 2026-03-02, in seconds.
const START: i64 = 1_772_409_600;

/// A device says something to a server outside, once on each of these days.
fn calls(dir: &Path, name: &str, days: std::ops::Range<u16>, to: &str) -> String {
    let path = dir.join(name);
    let talk = |day: u16| {
        let at = Timestamp::from_parts(START + i64::from(day) * 86_400 + 36_000, 0);
        let orig = format!("10.0.0.5:{}", 40_000 + day);
        let talk = Conversation::new(orig.as_str(), format!("{to}:443").as_str()).at(at).syn();
        talk.send(Dir::Orig, b"hello there").send(Dir::Resp, b"good day").fin().frames()
    };
    let frames: Vec<_> = days.flat_map(talk).collect();
    fs::write(&path, pcap(1, &frames)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What is new, of the page.
fn new_places(page: &Value) -> Vec<String> {
    let all = page["findings"].as_array().unwrap().iter();
    let new = all.filter(|f| f["code"].as_str().unwrap().starts_with("audit-new-destination"));
    new.map(|f| format!("{} {}", f["key"].as_str().unwrap(), f["severity"].as_str().unwrap())).collect()
}

/// The one line of standard error of a run that is refused.
fn refused(args: &[&str]) -> String {
    let out = audit(args);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!((out.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    assert!(out.stdout.is_empty());
    said
}

#[test]
fn weeks_in_captures_of_days() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("office.state");
    let state_arg = state.to_str().unwrap();
    for week in 0..3 {
        let capture = calls(dir.path(), "week.pcap", week * 7..week * 7 + 7, "203.0.113.7");
        let page = page(&["--state", state_arg, &capture]);
        assert_eq!(new_places(&page).len(), 0);
        let known = page["state_file"]["known"].as_u64().unwrap();
        assert_eq!((known > 0, page["state_file"]["since"].is_null()), (week > 0, week == 0));
        assert!(page["state_file"]["kept"].as_u64().unwrap() > 5 && page["state_file"]["left_out"] == 0);
    }
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o600);
    let capture = calls(dir.path(), "new.pcap", 22..23, "198.51.100.9");
    let args = ["--state", state_arg, &capture];
    let told = ["198.51.100.0/24 medium"];
    assert_eq!(new_places(&page(&[&capture])).len(), 0, "without the weeks before");
    assert_eq!(new_places(&page(&args)), told);
    let after = fs::read(&state).unwrap();
    // Given once more it finds the same, and the state is the same.
    assert_eq!(new_places(&page(&args)), told);
    assert_eq!(fs::read(&state).unwrap(), after);
    // A day later it is known; an older capture is judged by what was known then.
    let next = calls(dir.path(), "next.pcap", 23..24, "198.51.100.9");
    assert_eq!(new_places(&page(&["--state", state_arg, &next])).len(), 0);
    let older = calls(dir.path(), "older.pcap", 21..22, "198.51.100.9");
    assert_eq!(new_places(&page(&["--state", state_arg, &older])), told);
    // Nothing else lies beside it.
    let names = || fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    assert_eq!(names().filter(|n| !n.ends_with(".pcap")).collect::<Vec<_>>(), ["office.state"]);
    // The page tells.
    let text = String::from_utf8(audit(&args).stdout).unwrap();
    assert!(text.contains("State: ") && text.contains("facts of runs from 2026-03-02 to 2026-03-25"), "{text}");
    let html = dir.path().join("page.html");
    let out = audit(&["--html", html.to_str().unwrap(), "--lang", "ja", "--state", state_arg, &capture]);
    assert!(out.status.success() && fs::read_to_string(html).unwrap().contains("状態ファイル"));
}

#[test]
fn what_cannot_be_used_is_refused_in_a_line_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let capture = calls(dir.path(), "day.pcap", 0..1, "203.0.113.7");
    let state = dir.path().join("s");
    let arg = state.to_str().unwrap();
    page(&["--state", arg, &capture]);
    let good = fs::read(&state).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let cases: [(Vec<u8>, &str); 5] = [
        (Vec::new(), "no state of sekisho's"),
        (fs::read(&capture).unwrap(), "no state of sekisho's"),
        (good[..good.len() - 30].to_vec(), "damaged"),
        (text.replacen("10.0.0.5", "10.0.0.6", 1).into_bytes(), "damaged"),
        (text.replacen("\"version\":1", "\"version\":9", 1).into_bytes(), "newer sekisho"),
    ];
    for (bytes, words) in cases {
        fs::write(&state, &bytes).unwrap();
        let said = refused(&["--state", arg, &capture]);
        assert!(said.contains(words) && said.contains("left as it is") | said.contains("left as it was"), "{said}");
        assert_eq!(fs::read(&state).unwrap(), bytes, "{words}");
    }
    fs::write(&state, &good).unwrap();
    assert!(refused(&["--state", arg, "--seed", "7", &capture]).contains("--seed 0"));
    assert!(refused(&["--state", "/no/such/folder/s", &capture]).contains("no folder"));
    assert!(refused(&["--state", dir.path().to_str().unwrap(), &capture]).contains("no file"));
    assert_eq!(fs::read(&state).unwrap(), good);
}

#[test]
fn a_link_stays_and_a_state_that_cannot_be_written_costs_no_page() {
    let dir = tempfile::tempdir().unwrap();
    let capture = calls(dir.path(), "day.pcap", 0..1, "203.0.113.7");
    let inner = dir.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let (real, link) = (inner.join("real"), dir.path().join("link"));
    page(&["--state", real.to_str().unwrap(), &capture]);
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, &link).unwrap();
    let next = calls(dir.path(), "next.pcap", 1..2, "203.0.113.8");
    let before = fs::read(&real).unwrap();
    page(&["--state", link.to_str().unwrap(), &next]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && fs::read(&real).unwrap() != before);
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    // The folder is taken away while the capture is read: a capture from a pipe waits for that.
    let mut run = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(["audit", "-q", "--color", "never", "--state", link.to_str().unwrap(), "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let bytes = fs::read(&next).unwrap();
    let mut pipe = run.stdin.take().unwrap();
    pipe.write_all(&bytes[..40]).unwrap();
    // The state has been read when the capture's first bytes are.
    std::thread::sleep(std::time::Duration::from_millis(500));
    fs::remove_dir_all(&inner).unwrap();
    pipe.write_all(&bytes[40..]).unwrap();
    drop(pipe);
    let out = run.wait_with_output().unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(!out.status.success() && said.contains("cannot write it"), "{said}");
    assert!(String::from_utf8(out.stdout).unwrap().contains("Findings"));
}
