//! `--memory`, `stats.log` and the page's section on the run's own state.

mod common;

use common::{json, logs_of, root, sekisho};
use serde_json::Value;
use std::fs;

const POOLS: [&str; 6] = ["flows", "parsers", "reassembly", "fragments", "decoding", "files"];

#[test]
fn stats_are_written_on_request_only() {
    let capture = root().join("examples/office.pcapng");
    assert!(!logs_of(&capture, &[]).contains("== stats"));
    let text = logs_of(&capture, &["--stats", "--memory", "256M"]);
    let rows = text.lines().skip_while(|l| *l != "== stats").skip(1).take_while(|l| !l.starts_with("== "));
    let rows: Vec<Value> = rows.map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let sum = |name: &str| rows.iter().filter_map(|r| r[name].as_u64()).sum::<u64>();
    let conns = text.lines().skip_while(|l| *l != "== conn").skip(1).take_while(|l| !l.starts_with("== ")).count();
    assert_eq!(sum("tcp_conns") + sum("udp_conns") + sum("icmp_conns"), conns as u64);
    let last = rows.last().expect("a row at the end");
    for pool in POOLS {
        let of = |what: &str| last[format!("{pool}.{what}")].as_u64().expect("a number");
        assert!(of("used") <= of("peak") && of("peak") <= of("cap"), "{pool}: {last}");
    }
    assert!(last["parsers.peak"].as_u64() > Some(1000) && last["flows.peak"].as_u64() > Some(1000), "{last}");
    assert_eq!((last["budget"].as_u64(), sum("evicted_flows")), (Some(256 << 20), 0));
    let rest: String = text.split("== stats").next().unwrap_or("").to_owned();
    assert!(rest.contains("== conn") && logs_of(&capture, &["--memory", "256M"]).starts_with(&rest));
}

#[test]
fn the_page_tells_what_the_run_used() {
    let capture = root().join("examples/office.pcapng");
    let dir = tempfile::tempdir().expect("tempdir");
    let path = dir.path().join("page.json");
    let out = sekisho(&["audit", "-q", "--memory", "128M", "--json"], &[&path, &capture]);
    assert!(out.status.success());
    let page = json(&path);
    let pools = page["state"]["pools"].as_array().expect("pools");
    assert_eq!(pools.iter().map(|p| p["name"].as_str().expect("name")).collect::<Vec<_>>(), POOLS);
    assert!(pools.iter().all(|p| p["peak"].as_u64() <= p["limit"].as_u64()), "{pools:?}");
    assert_eq!(
        (&page["state"]["memory"], &page["state"]["given_up"]),
        (&Value::from(128 << 20), &Value::Array(vec![]))
    );
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(text.contains("State and limits") && text.contains("Nothing was given up"), "{text}");
}

#[test]
fn too_small_a_budget_is_refused_in_one_line() {
    let dir = tempfile::tempdir().expect("tempdir");
    let capture = root().join("examples/office.pcapng");
    let out = sekisho(&["logs", "--memory", "127M", "-o"], &[dir.path(), &capture]);
    assert_eq!((out.status.code(), fs::read_dir(dir.path()).expect("dir").count()), (Some(2), 0));
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.lines().count() == 1 && said.contains("128M"), "{said}");
}
