//! The output is the same for any number of threads, to the byte.

mod common;

use common::{files, root, sekisho};
use sekisho_capture::{Batch, Captures};
use sekisho_types::Timestamp;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const JOBS: [&str; 4] = ["1", "2", "3", "8"];

fn captures() -> Vec<PathBuf> {
    sekisho_testkit::stored_captures(&["goldens", "examples"])
}

/// All logs in all formats, then the page.
fn outputs(capture: &Path, jobs: &str, more: &[&str]) -> BTreeMap<PathBuf, Vec<u8>> {
    let dir = tempfile::tempdir().expect("tempdir");
    let mut args =
        vec!["logs", "-q", "--jobs", jobs, "--format", "zeek,zeek-json,ndjson,parquet,eve", "--hash", "sha1"];
    args.extend(more);
    args.push("-o");
    let out = sekisho(&args, &[dir.path(), capture]);
    assert!(matches!(out.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&out.stderr));
    let mut all = files(dir.path());
    let mut args = vec!["audit", "-q", "--jobs", jobs, "--json", "-"];
    args.extend(more);
    let page = sekisho(&args, &[capture]);
    assert!(matches!(page.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&page.stderr));
    all.insert("page".into(), page.stdout);
    let mut args = vec!["logs", "-q", "--jobs", jobs, "--format", "eve", "-o", "-"];
    args.extend(more);
    let alone = sekisho(&args, &[capture]);
    assert!(matches!(alone.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&alone.stderr));
    all.insert("eve alone".into(), alone.stdout);
    all
}

fn assert_same(what: &str, want: &BTreeMap<PathBuf, Vec<u8>>, got: &BTreeMap<PathBuf, Vec<u8>>) {
    assert!(want.keys().eq(got.keys()), "{what}: {:?} and {:?}", want.keys(), got.keys());
    for (name, bytes) in want {
        if got[name] != *bytes {
            let (want, got) = (String::from_utf8_lossy(bytes), String::from_utf8_lossy(&got[name]));
            let at = want.lines().zip(got.lines()).find(|(a, b)| a != b);
            panic!("{what}, {}: {at:#?}", name.display());
        }
    }
}

#[test]
fn every_golden_is_the_same_for_any_number_of_jobs() {
    for capture in captures() {
        let want = outputs(&capture, "1", &[]);
        for jobs in &JOBS[1..] {
            assert_same(&format!("{} with {jobs} jobs", capture.display()), &want, &outputs(&capture, jobs, &[]));
        }
    }
}

/// All goldens and examples many times over, side by side, each time between other hosts; what is announced in FTP
/// still names the old ones.
fn merged(copies: u8) -> Vec<u8> {
    let mut frames: Vec<(Timestamp, Vec<u8>)> = Vec::new();
    for (i, path) in captures().iter().enumerate() {
        let mut captures = Captures::open(&[path]).expect("opens");
        let mut batch = Batch::new();
        let mut first = None;
        while captures.fill(&mut batch) {
            for frame in batch.frames().filter(|f| f.link_type == 1) {
                let ts = frame.ts.0 - *first.get_or_insert(frame.ts.0);
                for copy in 0..copies {
                    let mut data = frame.data.to_vec();
                    // The second number of both addresses; what is odd stays odd.
                    if data.len() > 34 && data[12..14] == [8, 0] {
                        data[27] ^= copy;
                        data[31] ^= copy;
                    }
                    let shift = i as i64 * 11_000_000 + i64::from(copy) * 37_000_000;
                    frames.push((Timestamp(1_700_000_000_000_000_000 + ts + shift), data));
                }
            }
        }
    }
    frames.sort_by_key(|f| f.0);
    sekisho_testkit::pcap(1, &frames)
}

#[test]
fn a_large_capture_is_the_same_for_any_number_of_jobs() {
    let dir = tempfile::tempdir().expect("tempdir");
    let capture = dir.path().join("large.pcap");
    fs::write(&capture, merged(48)).expect("written");
    let want = outputs(&capture, "1", &[]);
    let flows = want[Path::new("zeek-json/conn.log")].split(|&b| b == b'\n').count();
    assert!(flows > 3000, "{flows} flows");
    for jobs in &JOBS[1..] {
        assert_same(&format!("{jobs} jobs"), &want, &outputs(&capture, jobs, &[]));
    }
    let more = ["--filter", "tcp or udp port 53 or greater 1000", "--checksums", "--memory", "128M"];
    let want = outputs(&capture, "1", &more);
    for jobs in ["2", "5"] {
        assert_same(&format!("{jobs} jobs, filtered, little memory"), &want, &outputs(&capture, jobs, &more));
    }
}

#[test]
fn a_pipe_in_small_pieces_equals_the_file() {
    let capture = merged(3);
    let dir = tempfile::tempdir().expect("tempdir");
    let path = dir.path().join("some.pcap");
    fs::write(&path, &capture).expect("written");
    let want = sekisho(&["logs", "-q", "-j", "1", "--format", "ndjson", "-o", "-"], &[&path]).stdout;
    assert!(want.len() > 100_000);
    for (jobs, len) in [("1", 4001), ("2", 977), ("3", 70_001)] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .args(["logs", "-q", "-j", jobs, "--format", "ndjson", "-o", "-", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sekisho starts");
        let mut stdin = child.stdin.take().expect("piped");
        let bytes = capture.clone();
        let writer = std::thread::spawn(move || {
            for piece in bytes.chunks(len) {
                stdin.write_all(piece).expect("read on");
            }
        });
        let out = child.wait_with_output().expect("ends");
        writer.join().expect("written");
        assert!(out.status.success() && out.stdout == want, "{jobs} jobs, pieces of {len}");
    }
}

#[test]
fn whoever_closes_the_pipe_has_what_they_wanted() {
    let dir = tempfile::tempdir().expect("tempdir");
    let path = dir.path().join("some.pcap");
    fs::write(&path, merged(24)).expect("written");
    for jobs in JOBS {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .args(["logs", "-q", "-j", jobs, "--format", "ndjson", "-o", "-"])
            .arg(&path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sekisho starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a row");
        assert!(line.starts_with("{\"_path\""), "{line}");
        let out = child.wait_with_output().expect("ends");
        assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    }
}

#[test]
fn a_file_that_cannot_be_written_ends_the_run() {
    let capture = root().join("examples/office.pcapng");
    for jobs in JOBS {
        let dir = tempfile::tempdir().expect("tempdir");
        fs::create_dir(dir.path().join("conn.log")).expect("in the way");
        let out = sekisho(&["logs", "-q", "-j", jobs, "-o"], &[dir.path(), &capture]);
        assert_eq!(out.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&out.stderr).contains("conn.log"), "{}", String::from_utf8_lossy(&out.stderr));
    }
}
