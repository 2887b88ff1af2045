//! Captures in which a server sends files, and what the command makes of them.
#![allow(dead_code, reason = "each test file uses some of it")]

use crate::common::sekisho;
use sekisho_testkit::{Conversation, Dir, pcap};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

/// The conversation in which `name` is fetched, up to the end of its content; number `i` of the capture.
pub fn response(i: usize, name: &str, body: &[u8]) -> Conversation {
    let head = format!("HTTP/1.1 200 OK\r\nServer: test\r\nContent-Length: {}\r\n\r\n", body.len());
    begun(i, name).send(Dir::Resp, head.as_bytes())
}

/// The request, one minute after that of the conversation before.
fn begun(i: usize, name: &str) -> Conversation {
    let start = sekisho_types::Timestamp::from_parts(1_700_000_000 + 60 * i as i64, 0);
    let port = 10_000 + i;
    Conversation::new(format!("10.0.0.1:{port}").as_str(), "10.0.0.2:80")
        .at(start)
        .every(sekisho_types::Interval(1_000))
        .mss(32_000)
        .syn()
        .send(Dir::Orig, format!("GET /{name} HTTP/1.1\r\nHost: files.test\r\n\r\n").as_bytes())
}

/// A capture in which files are fetched one after the other.
pub fn capture(path: &Path, files: &[(&str, &[u8])]) {
    let all = files
        .iter()
        .enumerate()
        .flat_map(|(i, (name, body))| response(i, name, body).send(Dir::Resp, body).fin().frames());
    fs::write(path, pcap(1, &all.collect::<Vec<_>>())).expect("write");
}

/// A folder with a capture and one to write to; nothing else is ever in it.
pub struct Bench {
    /// The folder.
    pub dir: tempfile::TempDir,
}

impl Bench {
    /// With a capture of these files.
    pub fn new(files: &[(&str, &[u8])]) -> Self {
        let bench = Self { dir: tempfile::tempdir().expect("tempdir") };
        capture(&bench.capture(), files);
        bench
    }

    /// The capture.
    pub fn capture(&self) -> PathBuf {
        self.dir.path().join("in.pcap")
    }

    /// Where files are written to.
    pub fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// `files` with flags, into the folder.
    pub fn run(&self, flags: &[&str]) -> Output {
        let mut all = vec!["files"];
        all.extend(flags);
        all.push("-o");
        let out = sekisho(&all, &[self.out(), self.capture()]);
        let beside: Vec<_> = names(self.dir.path());
        assert!(beside == ["in.pcap", "out"], "something was written elsewhere: {beside:?}");
        out
    }

    /// As [`Bench::run`]; it must go well.
    pub fn unpack(&self, flags: &[&str]) -> (String, Vec<Value>) {
        let mut all = vec!["--unpack", "--tree", "--color", "never"];
        all.extend(flags);
        let out = self.run(&all);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        (String::from_utf8(out.stdout).expect("UTF-8"), self.members())
    }

    /// The rows of `members.ndjson`, each compared with what lies on the disk.
    pub fn members(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.out().join("members.ndjson")).expect("members.ndjson");
        let rows: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
        for row in rows.iter().filter(|row| row["member"] != 0) {
            let Some(path) = row["extracted"].as_str() else { continue };
            let content = fs::read(self.out().join(path)).expect("extracted");
            assert_eq!(row["sha256"], sha256(&content), "{row}");
            assert_eq!(row["size"].as_u64(), Some(content.len() as u64), "{row}");
        }
        rows
    }

    /// Everything below the output folder: paths and contents, and no link, device or executable among them.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        walk(&self.out(), &self.out(), &mut all);
        all
    }
}

fn walk(top: &Path, dir: &Path, all: &mut BTreeMap<String, Vec<u8>>) {
    use std::os::unix::fs::PermissionsExt;
    for entry in fs::read_dir(dir).expect("folder") {
        let path = entry.expect("entry").path();
        let meta = path.symlink_metadata().expect("metadata");
        assert!(meta.is_dir() || meta.is_file(), "{}", path.display());
        if meta.is_dir() {
            walk(top, &path, all);
        } else {
            assert_eq!(meta.permissions().mode() & 0o111, 0, "{}", path.display());
            let name = path.strip_prefix(top).expect("below").to_str().expect("ASCII").to_owned();
            all.insert(name, fs::read(&path).expect("readable"));
        }
    }
}

/// Names in a folder, sorted.
pub fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).expect("folder").map(|e| e.expect("entry").file_name());
    let mut names: Vec<_> = names.map(|n| n.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// In hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// One entry of a tar archive: name, type, target of a link, content.
pub fn tar(entries: &[(&[u8], u8, &str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, kind, target, content) in entries {
        let mut h = vec![0u8; 512];
        let (prefix, name) = if name.len() > 100 { name.split_at(name.len() - 100) } else { (&b""[..], *name) };
        h[..name.len()].copy_from_slice(name);
        h[100..107].copy_from_slice(b"0000777");
        h[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        h[156] = *kind;
        h[157..157 + target.len()].copy_from_slice(target.as_bytes());
        h[257..263].copy_from_slice(b"ustar\0");
        h[345..345 + prefix.len()].copy_from_slice(prefix);
        h[148..156].fill(b' ');
        let sum: u32 = h.iter().map(|&b| u32::from(b)).sum();
        h[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend(h);
        out.extend(*content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.extend([0; 1024]);
    out
}
