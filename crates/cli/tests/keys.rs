//! The example that brings its secrets: what is in its sessions is told, the secrets never are.

mod common;

use common::{json, root, rows_of, sekisho};
use sekisho_inflate::{Coding, Inflater, Limits};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn example() -> PathBuf {
    root().join("examples/keys.pcapng")
}

fn truth() -> Value {
    json(&root().join("examples/keys.truth.json"))
}

#[test]
fn requests_in_tls_are_rows() {
    let rows = rows_of(&example(), "http");
    let wanted = truth()["http"].as_array().expect("a list").clone();
    assert_eq!(rows.len(), wanted.len());
    for (row, want) in rows.iter().zip(&wanted) {
        let pairs = [("id.orig_h", "client"), ("version", "version"), ("method", "method"), ("host", "host")];
        assert!(pairs.iter().all(|(column, key)| row[*column] == want[*key]), "{row} {want}");
        let path = want["path"].as_str().expect("a path").replace("%20", " ").replace("%C3%BC", "ü");
        assert_eq!((&row["uri"], &row["status_code"]), (&Value::from(path), &want["status"]));
        assert_eq!(row["decrypted"], true, "{row}");
    }
}

#[test]
fn mails_after_starttls_are_rows() {
    let rows = rows_of(&example(), "smtp");
    let (inside, outside): (Vec<_>, Vec<_>) = rows.iter().partition(|r| r["decrypted"] == true);
    assert_eq!(outside.len(), 1);
    assert_eq!(outside[0]["tls"], true);
    let wanted = truth()["mails"].as_array().expect("a list").clone();
    assert_eq!(inside.len(), wanted.len());
    for (row, want) in inside.iter().zip(&wanted) {
        assert_eq!((&row["mailfrom"], &row["rcptto"][0]), (&want["from"], &want["to"]));
        assert_eq!((&row["subject_decoded"], &row["auth_success"]), (&"Grüße".into(), &true.into()));
    }
}

#[test]
fn files_in_tls_come_out_whole() {
    let dir = tempfile::tempdir().expect("tempdir");
    let out = sekisho(&["files", "-q", "-o"], &[dir.path(), &example()]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let index = fs::read_to_string(dir.path().join("index.ndjson")).expect("index");
    let entries: Vec<Value> = index.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let truth = truth();
    let wanted = truth["files"].as_array().expect("a list");
    assert!(!wanted.is_empty());
    for want in wanted {
        let same = |e: &&Value| e["sha256"] == want["sha256"] && e["size"] == want["size"];
        // Over HTTP/2 and HTTP/1.1, or in both mails.
        assert_eq!(entries.iter().filter(same).count(), 2, "{want}");
    }
}

/// The key log in a pcapng file, and the file without it.
fn apart(capture: &[u8]) -> (Vec<u8>, Vec<u8>) {
    const DECRYPTION_SECRETS: u32 = 10;
    let (mut keylog, mut rest, mut at) = (Vec::new(), Vec::new(), 0);
    let number = |at: usize| u32::from_le_bytes(capture[at..at + 4].try_into().expect("four octets"));
    while at < capture.len() {
        let len = number(at + 4) as usize;
        if number(at) == DECRYPTION_SECRETS {
            keylog.extend_from_slice(&capture[at + 16..at + 16 + number(at + 12) as usize]);
        } else {
            rest.extend_from_slice(&capture[at..at + len]);
        }
        at += len;
    }
    (keylog, rest)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3).flat_map(|c| {
        let n = u32::from(c[0]) << 16 | u32::from(c[1]) << 8 | u32::from(c[2]);
        [18, 12, 6, 0].map(|shift| DIGITS[(n >> shift & 63) as usize] as char)
    });
    groups.collect()
}

/// What no output may contain: every secret in the ways in which bytes are written, and a password in the sessions.
fn unspeakable(keylog: &[u8]) -> Vec<(String, Vec<u8>)> {
    let text = std::str::from_utf8(keylog).expect("hex");
    let mut out = vec![("password".to_owned(), b"letmein".to_vec())];
    for line in text.lines() {
        let [label, _, secret] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("three words: {line}") };
        let bytes: Vec<u8> =
            (0..secret.len() / 2).map(|i| u8::from_str_radix(&secret[2 * i..2 * i + 2], 16).expect("hex")).collect();
        let escaped = bytes[..8].iter().fold(String::new(), |mut text, b| {
            write!(text, "\\x{b:02x}").expect("a String");
            text
        });
        let mut ways = vec![
            ("hex", secret.to_lowercase().into_bytes()),
            ("upper hex", secret.to_uppercase().into_bytes()),
            ("octets", bytes.clone()),
            ("escapes", escaped.into_bytes()),
        ];
        // Wherever it begins among what is encoded; a part is enough.
        for skipped in 0..3 {
            let code = base64(&bytes[skipped..][..24]);
            ways.push(("URL base64", code.replace('+', "-").replace('/', "_").into_bytes()));
            ways.push(("base64", code.into_bytes()));
        }
        out.extend(ways.into_iter().map(|(way, needle)| (format!("{label} as {way}"), needle)));
    }
    out
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|w| w == needle)
}

/// Everything below a folder, names and contents; what is packed in a Parquet file also unpacked.
fn everything(dir: &Path, out: &mut Vec<u8>) {
    for entry in fs::read_dir(dir).expect("folder") {
        let path = entry.expect("entry").path();
        out.extend_from_slice(path.strip_prefix(dir).expect("below").as_os_str().as_encoded_bytes());
        if path.is_dir() {
            everything(&path, out);
            continue;
        }
        let bytes = fs::read(&path).expect("file");
        if path.extension().is_some_and(|e| e == "parquet") {
            let before = out.len();
            let frames = bytes.windows(4).enumerate().filter(|(_, w)| Coding::from_magic(w) == Some(Coding::Zstd));
            for (at, _) in frames {
                let mut frame = Inflater::new(Coding::Zstd, Limits::default());
                let _ = frame.push(&bytes[at..], &mut |piece| out.extend_from_slice(piece));
                frame.finish(&mut |piece| out.extend_from_slice(piece));
            }
            assert!(out.len() > before, "{}: pages", path.display());
        }
        out.extend_from_slice(&bytes);
    }
}

/// Runs the binary in many ways; what it says and writes, by command.
fn outputs(capture: &Path, keylog: Option<&Path>) -> Vec<(String, Vec<u8>)> {
    const COMMANDS: &[&[&str]] = &[
        &["audit", "--color", "never"],
        &["audit", "--color", "always", "-v"],
        &["audit", "--json", "-"],
        &[
            "logs",
            "-v",
            "--stats",
            "--hash",
            "md5,sha1,sha256",
            "--format",
            "zeek-json,zeek,ndjson,parquet",
            "-o",
            "DIR",
        ],
        &["logs", "--format", "ndjson", "--progress", "always", "-o", "-"],
        &["files", "-v", "-o", "DIR"],
        &["packets", "-v", "--filter", "tcp", "-o", "-"],
    ];
    let run = |words: &&[&str]| {
        let dir = tempfile::tempdir().expect("tempdir");
        let mut args: Vec<&str> = words.to_vec();
        let place = dir.path().to_str().expect("UTF-8");
        args.iter_mut().filter(|a| **a == "DIR").for_each(|a| *a = place);
        if let Some(keylog) = keylog {
            args.extend(["--keylog", keylog.to_str().expect("UTF-8")]);
        }
        let out = sekisho(&args, &[capture]);
        assert!(out.status.success(), "{words:?}: {}", String::from_utf8_lossy(&out.stderr));
        let mut all = [out.stdout, out.stderr].concat();
        everything(dir.path(), &mut all);
        (words.join(" "), all)
    };
    COMMANDS.iter().map(run).collect()
}

#[test]
fn no_secret_is_ever_written() {
    let whole = fs::read(example()).expect("example");
    let (keylog, bare) = apart(&whole);
    let needles = unspeakable(&keylog);
    assert!(needles.len() > 50, "{} needles", needles.len());
    // They are found where they are.
    assert!(needles.iter().any(|(_, n)| contains(&whole, n)) && !needles[1..].iter().any(|(_, n)| contains(&bare, n)));
    let dir = tempfile::tempdir().expect("tempdir");
    let (path, place) = (dir.path().join("bare.pcapng"), dir.path().join("quite-telling-name.keys"));
    fs::write(&path, &bare).expect("write");
    fs::write(&place, &keylog).expect("write");
    for (capture, keylog) in [(&*example(), None), (&*path, Some(&*place))] {
        for (command, all) in outputs(capture, keylog) {
            let opened =
                contains(&all, b"/private.txt") || command.starts_with("files") || command.starts_with("packets");
            assert!(opened || command.starts_with("audit"), "{command}: nothing of the inside");
            for (what, needle) in &needles {
                assert!(!contains(&all, needle), "{command}: {what}");
            }
            assert!(!contains(&all, b"quite-telling-name"), "{command}: the key log's path");
        }
    }
}

#[test]
fn needles_are_what_they_claim() {
    let keylog = format!("CLIENT_RANDOM {} {}\n", "00".repeat(32), "Af".repeat(48));
    let needles = unspeakable(keylog.as_bytes());
    for hay in [
        [&[0u8; 3][..], &[0xaf; 48]].concat(),
        "x AFAFAF".to_owned().into_bytes().into_iter().chain("AF".repeat(45).into_bytes()).collect(),
        format!("x{}", "af".repeat(48)).into_bytes(),
        // Of ¯¯¯…, and the same from the second octet on.
        "r6+v".repeat(16).into_bytes(),
        "r6-v".repeat(16).into_bytes(),
        "\\xaf".repeat(48).into_bytes(),
    ] {
        assert!(needles.iter().any(|(_, n)| contains(&hay, n)), "{}", hay.escape_ascii());
    }
    assert_eq!(base64(b"Man"), "TWFu");
}
