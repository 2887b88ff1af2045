use super::*;

fn check(cases: &[(&[u8], Option<&str>)]) {
    for (head, expected) in cases {
        assert_eq!(mime_type(head), *expected, "{:?}", String::from_utf8_lossy(head));
    }
}

/// Bytes that fit a row's shape.
fn sample(els: &[El]) -> Vec<u8> {
    let mut out = Vec::new();
    for el in els {
        match el {
            El::B(s) | El::I(s) => out.extend_from_slice(s),
            El::In(s) => out.push(s[s.len() - 1]),
            El::NonZero(n) => out.resize(out.len() + n, 1),
            El::R(low, _) => out.push(*low),
            El::Skip(n) => out.resize(out.len() + n, 0xf1),
        }
    }
    out
}

#[test]
fn every_row_matches_its_own_shape() {
    for s in SIGNATURES {
        let bytes = sample(s.els);
        assert!(El::all_match(s.els, &bytes), "{}", s.mime);
        let got = mime_type(&bytes).unwrap_or_else(|| panic!("{}: nothing", s.mime));
        // A stronger row may be a longer form of this one, but nothing weaker wins.
        let strongest = SIGNATURES.iter().filter(|o| El::all_match(o.els, &bytes)).map(|o| o.strength).max();
        let expected = SIGNATURES
            .iter()
            .filter(|o| Some(o.strength) == strongest && El::all_match(o.els, &bytes))
            .map(|o| o.mime)
            .min();
        assert_eq!(Some(got), expected, "{}", s.mime);
        for cut in 0..bytes.len() {
            assert!(!El::all_match(s.els, &bytes[..cut]), "{} cut at {cut}", s.mime);
        }
    }
}

#[test]
fn parses_nothing_from_nothing() {
    check(&[(b"", None), (b"\0\0\0\0\0\0\0\0\0\0\0\0", None), (b"short", None), (&[0xc3; 50], None)]);
}

#[test]
fn parses_common_binaries() {
    check(&[
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some("image/png")),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", Some("image/jpeg")),
        (b"GIF89a\x01\0\x01\0", Some("image/gif")),
        (b"%PDF-1.7\n%\xe2\xe3", Some("application/pdf")),
        (b"MZ\x90\0\x03\0\0\0", Some("application/x-dosexec")),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", Some("application/x-gzip")),
        (b"PK\x03\x04\x0a\0\0\0\0\0", Some("application/zip")),
        (b"RIFF\x24\0\0\0WEBPVP8 ", Some("image/webp")),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", Some("video/mp4")),
        (b"\0\0\0\x18ftypisom\0\0\x02\0", Some("video/mp4")),
        (b"wOFF\0\x01\0\0", Some("application/font-woff")),
        (b"MSCF\0\0\0\0\x10\0", Some("application/vnd.ms-cab-compressed")),
        (b"\xff\xfb\x90\0", Some("audio/mpeg")),
        (b"\0\0\x01\0\x01\0\x10\x10", Some("image/x-icon")),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0", Some("application/x-executable")),
        (b"\x7fELF\x01\x02\x01\0\0\0\0\0\0\0\0\0\0\x03\0\x3e", Some("application/x-sharedlib")),
        (b"\xa7\x0d\x0d\x0a\0\0\0\0", Some("application/x-python-bytecode")),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01B\x82\x84webmB", Some("video/webm")),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01", Some("application/x-mach-o-executable")),
        (b"\xfd7zXZ\0\0\x04", Some("application/x-xz")),
    ]);
}

#[test]
fn parses_tar() {
    let mut header = vec![0u8; 512];
    header[..8].copy_from_slice(b"flag.txt");
    for (at, field) in
        [(100, "0000644\0"), (108, "0001750\0"), (116, "0001750\0"), (124, "00000000017\0"), (136, "14720000000\0")]
    {
        header[at..at + field.len()].copy_from_slice(field.as_bytes());
    }
    header[148..156].copy_from_slice(b"012345\0 ");
    header[156] = b'0';
    assert_eq!(mime_type(&header), Some("application/x-tar"));
    header[101] = b'x';
    assert_ne!(mime_type(&header), Some("application/x-tar"));
    assert_ne!(mime_type(&header[..150]), Some("application/x-tar"));
}

#[test]
fn parses_office_archives() {
    let entry = |name: &str, flags: [u8; 2]| {
        let mut e = b"PK\x03\x04\x14\0".to_vec();
        e.extend_from_slice(&flags);
        e.resize(26, 0);
        e.extend_from_slice(&(name.len() as u16).to_le_bytes());
        e.extend_from_slice(&[0, 0]);
        e.extend_from_slice(name.as_bytes());
        e.extend_from_slice(b"some content");
        e
    };
    let types = entry("[Content_Types].xml", [6, 0]);
    let zip = |name: &str| [types.clone(), entry("_rels/.rels", [6, 0]), entry(name, [6, 0])].concat();
    check(&[
        (&types, Some("application/vnd.openxmlformats-officedocument")),
        (&zip("word/document.xml"), Some("application/vnd.openxmlformats-officedocument.wordprocessingml.document")),
        (&zip("xl/workbook.xml"), Some("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
        (
            &zip("ppt/presentation.xml"),
            Some("application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ),
    ]);
    let mut odt = b"PK\x03\x04\x14\0\0\x08\0\0".to_vec();
    odt.resize(26, 0);
    odt.extend_from_slice(b"\x08\0\0\0mimetypeapplication/vnd.oasis.opendocument.");
    let with = |end: &[u8]| [odt.as_slice(), end].concat();
    check(&[
        (&with(b"textPK"), Some("application/vnd.oasis.opendocument.text")),
        (&with(b"text-templatePK"), Some("application/vnd.oasis.opendocument.text-template")),
        (&with(b"spreadsheetPK"), Some("application/vnd.oasis.opendocument.spreadsheet")),
        (&with(b"databas"), Some("application/zip")),
    ]);
    let mut jar = b"PK\x03\x04\x0a\0\0\0\0\0".to_vec();
    jar.resize(26, 0);
    jar.extend_from_slice(b"\x09\0\0\0META-INF/");
    jar.extend_from_slice(b"PK\x03\x04\x14\0\0\0\0\0\x14\0\0\0META-INF/MANIFEST.MF");
    check(&[(&jar, Some("application/java-archive"))]);
}

#[test]
fn parses_plain_text() {
    check(&[
        (b"just some text", Some("text/plain")),
        (b"nine char", None),
        (b"ten chars.", Some("text/plain")),
        (b"\xef\xbb\xbften chars.", Some("text/plain")),
        (b"\xff\xfeten chars.", Some("text/plain")),
        (b"tab\tand\nnl", Some("text/plain")),
        (b"nul\0in ten", None),
        (b"caf\xc3\xa9 au lait", None),
    ]);
}

#[test]
fn parses_markup() {
    check(&[
        (b"<!DOCTYPE html><html>", Some("text/html")),
        (b"\xef\xbb\xbf\r\n <HTML lang=en>", Some("text/html")),
        (b"<!-- hello --> <html>", Some("text/html")),
        (b"<?xml version='1.0'?>\n<!DOCTYPE  HTML PUBLIC", Some("text/html")),
        (b"<head><title>x</title>", Some("text/html")),
        (b"<meta http-equiv=refresh>", Some("text/html")),
        (b"<p>only a paragraph</p>", Some("text/plain")),
        (b"<?xml version=\"1.0\"?><anything/>", Some("application/xml")),
        (b"\xff\xfe<\0?\0x\0m\0l\0 \0v\0", Some("application/xml")),
        (b"<?xml version=\"1.0\"?>\n<rss version=\"2.0\">", Some("text/rss")),
        (b"<rss version=\"2.0\" xmlns:atom=\"x\">", Some("text/atom")),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'>", Some("text/atom")),
        (b"<?xml version=\"1.0\"?><SOAP-ENV:Envelope x>", Some("application/soap+xml")),
        (b"<cross-domain-policy>", Some("text/x-cross-domain-policy")),
        (b"<?xml version=\"1.0\"?><!-- c --><methodResponse>", Some("application/xml-rpc")),
        (b"<?xml version=\"1.0\" encoding=\"UTF-8\"?> <svg x>", Some("image/svg+xml")),
    ]);
}

#[test]
fn parses_json_and_ini() {
    check(&[
        (b"{\"a\": 1}", Some("text/json")),
        (b" {\n \"a\" : \"b\"}", Some("text/json")),
        (b"{a: [1]}", Some("text/json")),
        (b"{\"a\": null, \"b\": 1}", Some("text/plain")),
        (b"[1, 2]", Some("text/json")),
        (b"[{\"x\":1}]", Some("text/json")),
        (b"[1.5 ,2]", Some("text/json")),
        (b"{}", Some("text/json")),
        (b"[]\r\n", Some("text/json")),
        (b"[section one]\r\nkey=value", Some("text/ini")),
        (b"[section one] x\r\nkey=value", Some("text/plain")),
    ]);
}

#[test]
fn parses_scripts() {
    check(&[
        (b"#!/bin/sh\necho", Some("text/x-shellscript")),
        (b"#!/usr/bin/env bash\n", Some("text/x-shellscript")),
        (b"#!/usr/bin/env python3\n", Some("text/x-python")),
        (b"#!/usr/bin/perl -w\n", Some("text/x-perl")),
        (b"#!/usr/bin/zsh\n", Some("text/x-shellscript")),
        (b"#! a first line of no program", Some("text/plain")),
        (b"@echo off\r\n", Some("text/x-msdos-batch")),
        (b"<script type=\"text/javascript\">", Some("application/javascript")),
        (b"for (;;); {}", Some("application/javascript")),
        (b"(function() { var x", Some("application/javascript")),
        (b"some text\n<?php echo 1;", Some("text/x-php")),
        (b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n", Some("text/x-diff")),
        (b"From: someone@example.org\r\n", Some("message/rfc822")),
        (b"-----BEGIN PGP SIGNATURE-----", Some("application/pgp-signature")),
    ]);
}

#[test]
fn parses_ocsp() {
    let response =
        b"\x30\x82\x01\xd3\x0a\x01\0\xa0\x82\x01\xcc\x30\x82\x01\xc8\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01\x04";
    let request = b"\x30\x51\x30\x4f\x30\x4d\x30\x4b\x30\x49\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\0";
    check(&[
        (response, Some("application/ocsp-response")),
        (request, Some("application/ocsp-request")),
        (&request[2..], Some("text/plain")),
        (&request[3..], None),
    ]);
}

#[test]
fn limits_the_work_on_hostile_markup() {
    // Nested ends of comments and declarations must not multiply.
    let hostile = b"<!--".iter().chain(b"--><?xml ?><!--".iter().cycle()).take(HEAD_LEN);
    let hostile: Vec<u8> = hostile.copied().collect();
    for _ in 0..200 {
        assert_eq!(mime_type(&hostile), Some("application/xml"));
    }
}

#[test]
fn only_the_head_counts() {
    let mut long = vec![0xc3u8; HEAD_LEN];
    long.extend_from_slice(b"<?php");
    assert_eq!(mime_type(&long), None);
}

#[test]
fn noise_never_panics() {
    let mut x = 7u64;
    for round in 0..3000usize {
        let bytes: Vec<u8> = (0..round % 200)
            .map(|i| {
                x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                // Half of the bytes from signs that mean something.
                let b = (x >> 56) as u8;
                if i % 2 == 0 { b } else { b"<>!-?[]{}\"PK#@/ \n"[usize::from(b) % 17] }
            })
            .collect();
        mime_type(&bytes);
    }
}
