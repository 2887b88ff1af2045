//! `files --yara` and `files --hashes`: what is found, where it is said to be, and what is said of what can't be used.

mod common;

use common::sekisho;
use sekisho_testkit::{Conversation, Dir, pcap};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

const SECRET: &[u8] = b"line one\nthe needle is here\nline three\n";

/// A tar of one file.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut head = [0_u8; 512];
    head[..name.len()].copy_from_slice(name.as_bytes());
    head[100..108].copy_from_slice(b"0000644\0");
    head[108..116].copy_from_slice(b"0000000\0");
    head[116..124].copy_from_slice(b"0000000\0");
    head[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    head[136..148].copy_from_slice(b"00000000000\0");
    head[148..156].fill(b' ');
    head[156] = b'0';
    head[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut out = head.to_vec();
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(512) + 1024, 0);
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, b| {
        (0..8).fold(crc ^ u32::from(*b), |c, _| if c & 1 == 1 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 })
    })
}

/// A gzip stream of one stored block.
fn gzip(content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).expect("short");
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1];
    out.extend(len.to_le_bytes());
    out.extend((!len).to_le_bytes());
    out.extend(content);
    out.extend(crc32(content).to_le_bytes());
    out.extend(u32::from(len).to_le_bytes());
    out
}

/// A capture in which `/dir/report.tgz` is fetched: `notes.txt` in a tar in gzip. It is fetched twice.
struct Scene {
    dir: tempfile::TempDir,
    capture: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let body = gzip(&tar("notes.txt", SECRET));
        let answer =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/gzip\r\nContent-Length: {}\r\n\r\n", body.len());
        let ask = b"GET /dir/report.tgz HTTP/1.1\r\nHost: files.example\r\n\r\n";
        let answer = [answer.as_bytes(), &body].concat();
        let conversation = Conversation::new("10.0.0.1:40000", "192.0.2.2:80").syn();
        let conversation =
            conversation.send(Dir::Orig, ask).send(Dir::Resp, &answer).send(Dir::Orig, ask).send(Dir::Resp, &answer);
        let capture = dir.path().join("x.pcap");
        fs::write(&capture, pcap(1, &conversation.fin().frames())).expect("written");
        Self { dir, capture }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().expect("within")).expect("made");
        fs::write(&path, text).expect("written");
        path
    }

    /// Exit code, standard output and standard error.
    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let out = sekisho(&[&["files"], args].concat(), &[&self.capture]);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        (out.status.code(), text(&out.stdout), text(&out.stderr))
    }
}

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|l| serde_json::from_str(l).expect("a JSON object")).collect()
}

fn at(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

const NEEDLE: &str = r#"
rule needle : demo inner {
    meta:
        description = "A needle in a haystack"
        author = "the house"
    strings:
        $a = "needle" nocase
        $b = /line (one|three)/
    condition:
        $a and #b == 2 and filename == "notes.txt" and extension == ".txt"
}
"#;

#[test]
fn a_match_within_tar_within_gzip_within_http_is_told_with_its_way_and_places() {
    let scene = Scene::new();
    let rules = scene.file("needle.yar", NEEDLE);
    let out = scene.dir.path().join("out");
    let (code, told, said) = scene.run(&["--yara", at(&rules), "-o", at(&out)]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("1 of 1 rules in 1 file are used") && said.contains("2 matches in 3 different contents"),
        "{said}"
    );
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    for line in &lines {
        assert!(
            line.contains(" HTTP ") && line.contains("report.tgz → gzip → tar:notes.txt: needle [demo inner]"),
            "{line}"
        );
        assert!(
            line.contains("\"A needle in a haystack\" $b@0x0+8:line one $a@0xd+6:needle $b@0x1c+10:line three"),
            "{line}"
        );
    }
    let rows = rows(&fs::read_to_string(out.join("matches.ndjson")).expect("matches"));
    assert_eq!(rows.len(), 2);
    let row = &rows[0];
    assert_eq!(
        (row["by"].as_str(), row["rule"].as_str(), row["member"].as_u64()),
        (Some("yara"), Some("needle"), Some(2))
    );
    assert!(row["path"].as_str().is_some_and(|p| p.contains("gzip") && p.ends_with("tar:notes.txt")), "{row}");
    assert_eq!(row["strings"].as_array().map(Vec::len), Some(3));
    assert_eq!((row["size"].as_u64(), row["complete"].as_bool()), (Some(SECRET.len() as u64), Some(true)));
    let sum: String = Sha256::digest(SECRET).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(row["sha256"], sum);
    // The row leads to the file's row and to the member's.
    let index = self::rows(&fs::read_to_string(out.join("index.ndjson")).expect("index"));
    assert!(index.iter().any(|r| r["uid"] == row["uid"]));
    let members = self::rows(&fs::read_to_string(out.join("members.ndjson")).expect("members"));
    assert!(
        members
            .iter()
            .any(|r| r["fuid"] == row["fuid"] && r["member"] == row["member"] && r["sha256"] == row["sha256"])
    );
}

#[test]
fn hashes_are_found_at_any_depth() {
    let scene = Scene::new();
    let sum: String = Sha256::digest(SECRET).iter().map(|b| format!("{b:02X}")).collect();
    let list = scene.file("bad.csv", &format!("# a list\nname,sha256\nother,{}\nnotes,{sum}\n", "0".repeat(64)));
    let other = scene.file("md5.txt", &format!("{}\n", "0".repeat(32)));
    let (code, told, said) = scene.run(&["--hashes", at(&list), "--hashes", at(&other), "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let rows = rows(&told);
    assert_eq!(rows.len(), 2, "{told}");
    assert_eq!((rows[0]["_path"].as_str(), rows[0]["by"].as_str()), (Some("matches"), Some("hash")));
    assert_eq!(
        (rows[0]["list"].as_str(), rows[0]["list_line"].as_u64(), rows[0]["list_hash"].as_str()),
        (Some("bad.csv"), Some(4), Some("sha256"))
    );
}

#[test]
fn a_bad_rule_costs_a_line_and_itself() {
    let scene = Scene::new();
    scene.file(
        "rules/bad.yar",
        "rule broken {\n strings: $a = \"x\"\n condition: $nothing }\nrule fine { condition: filesize == 39 }\n",
    );
    scene.file("rules/more/good.yara", NEEDLE);
    let rules = scene.dir.path().join("rules");
    let (code, told, said) = scene.run(&["--yara", at(&rules), "-q"]);
    assert_eq!(code, Some(0), "{said}");
    let said: Vec<_> = said.lines().collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("rules/bad.yar:3: rule broken: ") && said[0].contains("$nothing"), "{said:?}");
    assert_eq!((told.matches(": fine").count(), told.matches(": needle ").count()), (2, 2), "{told}");
    // Nothing that can be used: nothing is read, and the exit code says so.
    let bad = scene.file("none.yar", "rule broken { condition: nothing }");
    let (code, told, said) = scene.run(&["--yara", at(&bad)]);
    assert_eq!((code, told.as_str()), (Some(2), ""));
    assert!(said.contains("none of 1 rules"), "{said}");
    assert_eq!(scene.run(&["--hashes", at(&scene.dir.path().join("gone"))]).0, Some(2));
}

#[test]
fn what_a_limit_leaves_out_is_told() {
    let scene = Scene::new();
    let rules = scene.file("r.yar", "rule begins { strings: $a = \"line one\" condition: $a at 0 } rule ends { strings: $a = \"three\" condition: $a }");
    let (_, told, said) = scene.run(&["--yara", at(&rules), "--scan-size", "20"]);
    assert_eq!((told.matches(": begins").count(), told.matches(": ends").count()), (2, 0), "{told}");
    assert!(
        told.contains("(only the beginning was scanned)") && said.contains("3 contents were scanned up to --scan-size"),
        "{told}{said}"
    );
    let endless = scene.file(
        "e.yar",
        "rule endless { condition: for all i in (1..100000000000) : ( i > 0 ) } rule fine { condition: true }",
    );
    let (code, _, said) = scene.run(&["--yara", at(&endless), "--scan-time", "1", "--max-depth", "0"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("not scanned to the end: --scan-time"), "{said}");
}

#[test]
fn matches_come_after_the_tree() {
    let scene = Scene::new();
    let rules = scene.file("needle.yar", NEEDLE);
    let (code, told, said) = scene.run(&["--yara", at(&rules), "--tree"]);
    assert_eq!(code, Some(0), "{said}");
    let last = told.lines().last().expect("lines");
    assert!(told.contains("notes.txt") && last.contains(": needle ["), "{told}");
}
