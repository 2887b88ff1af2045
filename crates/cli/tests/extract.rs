//! What each protocol that carries files gives back, byte for byte: what `sekisho files` writes is what the golden captures
//! were made with, and index.ndjson tells its hash and packets.

mod common;

use common::{root, sekisho};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

/// A file of a golden capture: capture, protocol, name, content.
fn known() -> Vec<(&'static str, &'static str, &'static str, Vec<u8>)> {
    let data: Vec<u8> = (0..6000u32).map(|i| (i * 7 % 251) as u8).collect();
    let cards = b"The queen of hearts\nand more.\n".to_vec();
    let mailed = b"The queen of hearts,\r\nshe made some tarts.\r\n".to_vec();
    vec![
        ("ftp_data/retrieve", "FTP_DATA", "data.bin", data.clone()),
        ("ftp_data/responses-only", "FTP_DATA", "data.bin", data),
        ("ftp/passive", "FTP_DATA", "notes.txt", b"remember the milk\n".to_vec()),
        ("ftp/active", "FTP_DATA", "a.txt", b"first\n".to_vec()),
        ("http/chunked", "HTTP", "chunks", b"hello world".to_vec()),
        ("http/exchanges", "HTTP", "old", b"no such page\n".to_vec()),
        ("http/pipeline", "HTTP", "3", b"three\n".to_vec()),
        ("http/ranges", "HTTP", "file.txt", b"0123456789abcdef\n".repeat(236)[..4000].to_vec()),
        ("http2/streams", "HTTP", "page", b"<html>streams here</html>\n".to_vec()),
        ("imap/fetch", "IMAP", "cards.txt", mailed),
        ("irc_dcc/transfer", "IRC_DATA", "cards.txt", cards),
        ("pop3/fetch", "POP3", "cards.bin", (0..10).collect()),
        ("quic/keys", "HTTP", "page.txt", b"line of a page\n".repeat(60)),
        ("smb/share-and-pipe", "SMB", "figures.txt", b"Quarterly figures, nothing that matters.\r\n".repeat(100)),
        ("smtp/attachment", "SMTP", "notes.bin", (0..16).collect()),
        ("tftp/transfers", "TFTP", "boot/start.sh", b"#!/bin/sh\necho golden\n".repeat(60)),
        ("tftp/transfers", "TFTP", "up.txt", b"line\r\n".to_vec()),
        ("websocket/tunnel", "HTTP", "inside", b"secret\n".to_vec()),
    ]
}

fn entries(out: &Path) -> Vec<Value> {
    let index = fs::read_to_string(out.join("index.ndjson")).expect("index");
    index.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn files_come_out_as_they_went_in() {
    for (capture, protocol, name, content) in known() {
        let dir = tempfile::tempdir().expect("tempdir");
        let stem = root().join("goldens").join(capture);
        let path =
            ["pcap", "pcapng"].map(|e| stem.with_extension(e)).into_iter().find(|p| p.exists()).expect("is there");
        let ran = sekisho(&["files", "-q", "-o"], &[dir.path(), &path]);
        assert!(ran.status.success(), "{capture}: {}", String::from_utf8_lossy(&ran.stderr));
        let index = entries(dir.path());
        let entry = index.iter().find(|e| e["protocol"] == protocol && e["name"] == name);
        let entry = entry.unwrap_or_else(|| panic!("{capture}: no {name} in {index:#?}"));
        let hash: String = Sha256::digest(&content).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!((&entry["sha256"], &entry["complete"]), (&hash.as_str().into(), &true.into()), "{capture}: {entry}");
        assert_eq!((&entry["holes"], &entry["holes_more"]), (&Value::Null, &0.into()), "{capture}");
        let stored = fs::read(dir.path().join(entry["path"].as_str().expect("a path"))).expect("stored");
        assert!(stored == content, "{capture}: {name}");
        let (first, last) = (entry["first_packet"].as_u64(), entry["last_packet"].as_u64());
        assert!(first > Some(0) && first <= last, "{capture}: {entry}");
    }
}
