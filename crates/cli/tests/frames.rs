//! Frames: every event of one is what its readers expect, over all stored captures, by any number of threads.

mod common;

use common::sekisho;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

const CONFIG: &str =
    "%YAML 1.1\n---\noutputs:\n  - eve-log:\n      enabled: yes\n      types:\n        - frame\n        - alert\n";

const RULES: &str = "alert http any any -> any any (msg:\"a request\"; frame:http1.request; content:\"GET\"; startswith; sid:1;)\n\
     alert tls any any -> any any (msg:\"a hello\"; flow:to_server; frame:tls.pdu; content:\"|16 03|\"; startswith; sid:2;)\n\
     alert ip any any -> any any (msg:\"a question\"; flow:to_server; frame:dns.pdu; content:\"|00 01|\"; offset:4; depth:2; sid:3;)\n";

fn events(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Bytes that `n` digits of base64 are.
fn decoded_len(text: &str) -> usize {
    text.len() / 4 * 3 - text.bytes().rev().take_while(|b| *b == b'=').count()
}

/// Checks the object `frame`.
fn check(frame: &Value) {
    let object = frame.as_object().expect("an object");
    let known =
        ["type", "id", "direction", "stream_offset", "length", "payload", "payload_printable", "complete", "tx_id"];
    assert!(object.keys().all(|name| known.contains(&&**name)), "{frame}");
    let number = |name: &str| frame[name].as_u64();
    let (Some(id), Some(len)) = (number("id"), number("length")) else { panic!("{frame}") };
    assert!(id > 0 && frame["type"].is_string(), "{frame}");
    assert!(matches!(frame["direction"].as_str(), Some("toserver" | "toclient")), "{frame}");
    let Some(payload) = frame["payload"].as_str() else { return };
    let max = if frame["stream_offset"].is_u64() { 4096 } else { 256 };
    let shown = decoded_len(payload);
    assert!(shown <= max && frame["payload_printable"].is_string(), "{frame}");
    if frame["complete"] == true {
        assert_eq!(shown as u64, len.min(max as u64), "{frame}");
    }
}

#[test]
fn every_frame_of_the_stored_captures_is_whole_and_in_order() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (config, rules) = (dir.path().join("s.yaml"), dir.path().join("own.rules"));
    fs::write(&config, CONFIG).expect("written");
    fs::write(&rules, RULES).expect("written");
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let mut alerts: BTreeMap<u64, u64> = BTreeMap::new();
    for capture in sekisho_testkit::stored_captures(&["goldens", "examples"]) {
        let run = |jobs: &str| {
            let (config, rules) = (config.to_str().expect("UTF-8"), rules.to_str().expect("UTF-8"));
            let args = ["logs", "-q", "--jobs", jobs, "--format", "eve", "--suricata-config", config, "--rules", rules];
            let out = sekisho(&[&args[..], &["-o", "-"]].concat(), &[&capture]);
            assert!(matches!(out.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&out.stderr));
            String::from_utf8(out.stdout).expect("UTF-8")
        };
        let text = run("1");
        assert_eq!(text, run("3"), "{}", capture.display());
        let mut seen = BTreeMap::new();
        for event in events(&text) {
            check(&event["frame"]);
            let (frame, app) = (&event["frame"], event["app_proto"].as_str().unwrap_or(""));
            if event["event_type"] == "alert" {
                *alerts.entry(event["alert"]["signature_id"].as_u64().expect("a number")).or_default() += 1;
                continue;
            }
            assert_eq!(event["event_type"], "frame");
            *kinds.entry(format!("{app}.{}", frame["type"].as_str().expect("text"))).or_default() += 1;
            // Each is told once; all of them have their number.
            let key = (event["flow_id"].as_u64(), frame["direction"].to_string(), frame["id"].as_u64());
            assert!(seen.insert(key, ()).is_none(), "{}: {event}", capture.display());
        }
    }
    for kind in [
        "dcerpc.pdu",
        "dns.pdu",
        "enip.cip",
        "http.request",
        "http.response",
        "http2.hdr",
        "ldap.pdu",
        "mqtt.data",
        "pgsql.pdu",
        "rfb.pdu",
        "sip.request.line",
        "smb.smb2.hdr",
        "smtp.data",
        "ssh.record.pdu",
        "telnet.ctl",
        "tls.pdu",
        "websocket.pdu",
    ] {
        assert!(kinds.get(kind).is_some_and(|n| *n > 0), "{kind}: {kinds:#?}");
    }
    assert!((1..=3).all(|sid| alerts.contains_key(&sid)), "{alerts:?}");
}
