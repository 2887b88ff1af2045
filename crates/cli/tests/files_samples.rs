//! The samples and bombs of `unpack`, through a capture and the command: every leaf on the disk, nothing elsewhere; no bomb
//! takes more memory or disk than it may. `SEKISHO_UNPACK_ALL` makes a missing tool a failure.

mod common;
mod served;

#[path = "../../unpack/tests/kit/bombs.rs"]
#[allow(dead_code, reason = "some of it is for the crate's own tests")]
mod bombs;
#[path = "../../unpack/tests/kit/samples.rs"]
#[allow(dead_code, reason = "some of it is for the crate's own tests")]
mod samples;

use served::{Bench, sha256};
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use wait4::Wait4;

#[test]
fn every_leaf_of_every_sample_lies_on_the_disk() {
    let all = std::env::var_os("SEKISHO_UNPACK_ALL").is_some();
    let (mut made, mut left_out) = (Vec::new(), Vec::new());
    for sample in samples::SAMPLES {
        let dir = tempfile::tempdir().expect("tempdir");
        let Some(bytes) = samples::make(sample, dir.path()) else {
            left_out.push(sample.0);
            continue;
        };
        let leaves =
            samples::leaves(sample.3).map(|leaf| (leaf, sha256(&fs::read(dir.path().join(leaf)).expect("leaf"))));
        made.push((sample.0, bytes, leaves.collect::<Vec<_>>()));
    }
    let served: Vec<_> = made.iter().map(|(name, bytes, _)| (*name, bytes.as_slice())).collect();
    let bench = Bench::new(&served);
    let (tree, rows) = bench.unpack(&["-q", "--password", "wrong", "--password", "secret"]);
    let files = bench.files();
    let on_disk: BTreeSet<(&str, String)> =
        files.iter().filter_map(|(path, content)| Some((path.split_once(".d/")?.0, sha256(content)))).collect();
    let mut lost = Vec::new();
    for (name, _, leaves) in &made {
        let end = format!("-{name}");
        for (leaf, sum) in leaves {
            if !on_disk.iter().any(|(file, found)| file.ends_with(&end) && found == sum) {
                lost.push(format!("{name}: {leaf}"));
            }
        }
    }
    let leaves: usize = made.iter().map(|m| m.2.len()).sum();
    println!("{} samples, {leaves} leaves, {} members; left out: {}", made.len(), rows.len(), left_out.join(" "));
    assert!(lost.is_empty(), "{}\n{tree}", lost.join("\n"));
    assert!(!all || left_out.is_empty(), "tools are missing for: {}", left_out.join(" "));
    assert!(!all || made.len() >= 40);
}

/// Memory that a run may take.
const MEMORY_MAX_KB: u64 = 300 << 10;

/// Runs the command over a bomb; something of `signs` must be said.
fn defuse(name: &str, bomb: &[u8], signs: &[&str]) {
    let bench = Bench::new(&[(name, bomb)]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.args(["files", "--unpack", "--tree", "-o"]).arg(bench.out()).arg(bench.capture());
    let mut report = tempfile::tempfile().expect("a file");
    let mut child = command.stdout(report.try_clone().expect("handle")).stderr(Stdio::null()).spawn().expect("starts");
    let done = child.wait4().expect("waits");
    assert!(done.status.success(), "{name}: {:?}", done.status);
    let memory = done.rusage.maxrss / 1024;
    let written: u64 = bench.files().values().map(|content| content.len() as u64).sum();
    let time = done.rusage.utime + done.rusage.stime;
    println!(
        "{name}: {} kB sent, {} MB, {time:.1?} CPU, {} kB written",
        bomb.len() / 1000,
        memory >> 10,
        written / 1000
    );
    assert!(memory < MEMORY_MAX_KB, "{name}: {memory} KiB");
    let mut text = String::new();
    report.rewind().expect("rewinds");
    report.read_to_string(&mut text).expect("UTF-8");
    let tail: String = text.chars().rev().take(300).collect::<Vec<_>>().into_iter().rev().collect();
    for sign in signs {
        assert!(text.contains(sign), "{name}: {sign} is not said: …{tail}");
    }
}

#[test]
fn bombs_that_inflate() {
    let gzip = bombs::gzip(10 << 30);
    assert!(gzip.len() > 9 << 20);
    defuse("zeros.gz", &gzip, &["decompression bomb"]);
    defuse("text.png", &bombs::png(), &["decompression bomb"]);
    defuse("streams.pdf", &bombs::pdf(), &["decompression bomb"]);
}

#[test]
fn bombs_that_multiply() {
    defuse("42.zip", &bombs::zips_of_equal_zips(), &["same as member", "decompression bomb"]);
    defuse("overlap.zip", &bombs::overlapping_zip(), &["! zip: overlapping members", "limits: "]);
    let header = bombs::tar_header("a", 0);
    defuse("many.tar", &header.repeat(110_000), &["! too many members"]);
}

#[test]
fn bombs_without_an_end() {
    defuse("levels.tar", &bombs::thousand_levels(), &["! too deep", "32 levels deep"]);
    defuse("quine.iso", &bombs::quine(), &["! contains itself"]);
}
