use super::*;

#[test]
fn the_table_has_no_doubles() {
    let mut magics: Vec<&[u8]> = table::AT_START.iter().map(|r| r.0).collect();
    magics.sort_unstable();
    magics.dedup();
    assert_eq!(magics.len(), table::AT_START.len());
}

#[test]
fn there_are_about_150_types() {
    assert!(Kind::ALL.len() >= 150, "{}", Kind::ALL.len());
}

/// Bytes with `parts` at their places, zeros between.
fn at(len: usize, parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut out = vec![0; len];
    for (place, bytes) in parts {
        out[*place..*place + bytes.len()].copy_from_slice(bytes);
    }
    out
}

/// A ZIP local header of a stored member.
fn zip(name: &[u8], content: &[u8]) -> Vec<u8> {
    let mut out = at(30, &[(0, b"PK\x03\x04")]);
    out[26] = name.len() as u8;
    out.extend(name);
    out.extend(content);
    out
}

fn ole(name: &[u8]) -> Vec<u8> {
    let wide: Vec<u8> = name.iter().flat_map(|b| [*b, 0]).collect();
    at(1024, &[(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), (30, &[9]), (512 + 128, &wide)])
}

/// One case for each type, besides those whose magic number stands alone.
fn cases() -> Vec<(Kind, Vec<u8>)> {
    let text = |kind, text: &str| (kind, text.as_bytes().to_vec());
    let mut tar = at(512, &[(0, b"a"), (148, b"        "), (257, b"ustar")]);
    let sum: u32 = tar.iter().map(|&b| u32::from(b)).sum();
    tar[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut v7 = at(512, &[(0, b"a"), (148, b"        ")]);
    let sum: u32 = v7.iter().map(|&b| u32::from(b)).sum();
    v7[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    vec![
        (Kind::Empty, vec![]),
        (Kind::Data, vec![0xf1, 0x83, 0x01, 0x00, 0x99]),
        (Kind::Tar, tar),
        (Kind::Tar, v7),
        (Kind::Bmp, at(64, &[(0, b"BM"), (14, &[40])])),
        (Kind::Bzip2, b"BZh91AY&SY1234".to_vec()),
        (Kind::Compress, b"\x1f\x9d\x90abc".to_vec()),
        (Kind::Arj, at(64, &[(0, b"`\xea\x2a\0")])),
        (Kind::Aiff, at(64, &[(0, b"FORM"), (8, b"AIFF")])),
        (Kind::Djvu, at(64, &[(0, b"AT&TFORM"), (12, b"DJVU")])),
        (Kind::Wav, at(64, &[(0, b"RIFF"), (8, b"WAVE")])),
        (Kind::Avi, at(64, &[(0, b"RIFF"), (8, b"AVI ")])),
        (Kind::Webp, at(64, &[(0, b"RIFF"), (8, b"WEBP")])),
        (Kind::Matroska, b"\x1aE\xdf\xa3\x93\x42\x82\x88matroska".to_vec()),
        (Kind::Webm, b"\x1aE\xdf\xa3\x93\x42\x82\x84webm".to_vec()),
        (Kind::Mz, at(128, &[(0, b"MZ\x90")])),
        (Kind::Pe, at(256, &[(0, b"MZ\x90"), (60, &[128]), (128, b"PE\0\0")])),
        (Kind::Parquet, b"PAR1....PAR1".to_vec()),
        (Kind::PcapNg, at(32, &[(0, b"\x0a\x0d\x0d\x0a"), (8, &[0x4d, 0x3c, 0x2b, 0x1a])])),
        (Kind::Swf, b"CWS\x0a1234".to_vec()),
        (Kind::UBoot, at(100, &[(0, b"'\x05\x19V")])),
        (Kind::JpegXl, at(32, &[(0, b"\xff\x0a\x01")])),
        (Kind::Mp3, b"ID3\x03\0\0".to_vec()),
        (Kind::Zip, zip(b"a.txt", b"x")),
        (Kind::Epub, zip(b"mimetype", b"application/epub+zip")),
        (Kind::Odt, zip(b"mimetype", b"application/vnd.oasis.opendocument.text")),
        (Kind::Ods, zip(b"mimetype", b"application/vnd.oasis.opendocument.spreadsheet")),
        (Kind::Odp, zip(b"mimetype", b"application/vnd.oasis.opendocument.presentation")),
        (Kind::Apk, zip(b"AndroidManifest.xml", b"x")),
        (Kind::Jar, zip(b"META-INF/MANIFEST.MF", b"x")),
        (Kind::Docx, [zip(b"[Content_Types].xml", b"x"), zip(b"word/document.xml", b"x")].concat()),
        (Kind::Xlsx, [zip(b"[Content_Types].xml", b"x"), zip(b"xl/workbook.xml", b"x")].concat()),
        (Kind::Pptx, [zip(b"[Content_Types].xml", b"x"), zip(b"ppt/presentation.xml", b"x")].concat()),
        (Kind::Ooxml, zip(b"[Content_Types].xml", b"x")),
        (Kind::Ole, ole(b"Something")),
        (Kind::Word, ole(b"WordDocument")),
        (Kind::Xls, ole(b"Workbook")),
        (Kind::Ppt, ole(b"PowerPoint Document")),
        (Kind::Msg, ole(b"__properties_version1.0")),
        (
            Kind::Msi,
            at(1024, &[(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), (30, &[9]), (512 + 80, &[0x84, 0x10, 0x0c, 0])]),
        ),
        (Kind::CpioBinary, at(40, &[(0, b"\xc7\x71"), (20, &[4]), (26, b"abc")])),
        (Kind::JavaClass, b"\xca\xfe\xba\xbe\0\0\0\x34".to_vec()),
        (Kind::MachOFat, b"\xca\xfe\xba\xbe\0\0\0\x02".to_vec()),
        (Kind::Ttf, at(64, &[(0, b"\0\x01\0\0\0\x0c"), (12, b"cmap")])),
        (Kind::Ico, at(64, &[(0, &[0, 0, 1, 0, 1]), (14, &[40]), (18, &[22])])),
        (Kind::Cursor, at(64, &[(0, &[0, 0, 2, 0, 1]), (14, &[40]), (18, &[22])])),
        (Kind::Pcx, at(128, &[(0, &[10, 5, 1, 8])])),
        (Kind::Pnm, b"P6\n640 480\n255\n\xff\x00".to_vec()),
        (Kind::PythonBytecode, at(32, &[(0, b"\xa7\x0d\r\n")])),
        (Kind::Cpython, b"\x80\x04\x95\x10\0\0\0\0\0\0\0".to_vec()),
        (Kind::Lzma, at(32, &[(0, b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0")])),
        (Kind::Zlib, b"\x78\x9c\x4b\xca\x49\x4c\x02\x00\x02".to_vec()),
        (Kind::Mp3, at(2000, &[(0, b"\xff\xfb\x90\x64"), (417, b"\xff\xfb\x90\x64")])),
        (Kind::Aac, at(100, &[(0, b"\xff\xf1\x50\x80\x04\0"), (32, b"\xff\xf1\x50\x80\x04\0")])),
        (Kind::MpegTs, at(800, &[(0, b"G"), (188, b"G"), (376, b"G"), (564, b"G")])),
        (Kind::Dwg, b"AC1032\0".to_vec()),
        (Kind::Ext, at(2048, &[(1080, &[0x53, 0xef])])),
        (Kind::Pgp, at(32, &[(0, &[0x85, 1, 0x0c, 3]), (12, &[1])])),
        (Kind::Mbr, at(512, &[(0, &[0xfa]), (446, &[0x80]), (450, &[0x83]), (510, &[0x55, 0xaa])])),
        (Kind::QuickTime, at(64, &[(3, &[20]), (4, b"ftypqt  ")])),
        (Kind::Mp4, at(64, &[(3, &[20]), (4, b"ftypisom")])),
        (Kind::M4a, at(64, &[(3, &[20]), (4, b"ftypM4A ")])),
        (Kind::Avif, at(64, &[(3, &[20]), (4, b"ftypavif")])),
        (Kind::Heif, at(64, &[(3, &[20]), (4, b"ftypheic")])),
        (Kind::Iso, at(35_000, &[(32_769, b"CD001")])),
        (Kind::Der, at(260, &[(0, &[0x30, 0x82, 1, 0, 0x30])])),
        (Kind::Dmg, at(1024, &[(0, &[0xf1, 0x83]), (512, b"koly")])),
        (Kind::Lha, b"!!-lh5-abc".to_vec()),
        (Kind::Prefetch, b"\x1e\0\0\0SCCA".to_vec()),
        (Kind::Ace, b"1234567**ACE**".to_vec()),
        (Kind::Zoo, at(32, &[(0, b"ZOO 2.10"), (20, b"\xdc\xa7\xc4\xfd")])),
        (Kind::Eot, at(64, &[(0, &[1]), (34, b"LP\0\0")])),
        (Kind::Emf, at(64, &[(0, &[1]), (40, b" EMF")])),
        (Kind::Fat, at(128, &[(0, &[0xeb]), (54, b"FAT16")])),
        (Kind::Dicom, at(140, &[(128, b"DICM")])),
        text(Kind::PlainText, "some words, nothing more"),
        text(Kind::PlainText, "MZ is how this line begins; it is long enough to have been taken for a program."),
        (Kind::Utf16, b"\xff\xfea\0b\0".to_vec()),
        text(Kind::Html, "\n<!DOCTYPE html><html></html>"),
        text(Kind::Xml, "<?xml version=\"1.0\"?><a/>"),
        text(Kind::Svg, "<?xml version=\"1.0\"?><svg/>"),
        text(Kind::Php, "<?php echo 1;"),
        text(Kind::Json, "{ \"a\": 1 }"),
        text(Kind::Ndjson, "{\"a\": 1}\n{\"a\": 2}\n"),
        text(Kind::Python, "#!/usr/bin/env python3\n"),
        text(Kind::Perl, "#!/usr/bin/perl\n"),
        text(Kind::Shell, "#!/bin/bash\n"),
        text(Kind::Script, "#!/usr/bin/awk -f\n"),
        text(Kind::Batch, "@echo off\r\n"),
        text(Kind::PowerShell, "$ErrorActionPreference = 'Stop'\n"),
        text(Kind::Pem, "-----BEGIN CERTIFICATE-----\n"),
        text(Kind::Calendar, "BEGIN:VCALENDAR\r\n"),
        text(Kind::Vcard, "BEGIN:VCARD\r\n"),
        text(Kind::RegistryText, "REGEDIT4\r\n"),
        text(Kind::Mail, "From: a@b\nTo: c@d\n\nhello"),
        text(Kind::Mbox, "From a@b Mon Jan  1 00:00:00 2026\nFrom: a@b\nTo: c@d\n\nhello"),
        text(Kind::Uuencode, "begin 644 a.txt\n`\nend\n"),
        text(Kind::YencText, "=ybegin line=128 size=1 name=a\n"),
    ]
}

#[test]
fn recognises_each_type() {
    for (kind, bytes) in cases() {
        assert_eq!(recognise_bytes(&bytes), kind, "{}", bytes[..bytes.len().min(40)].escape_ascii());
    }
}

#[test]
fn every_type_has_a_case_or_a_magic_number() {
    let cases = cases();
    for kind in Kind::ALL {
        let magic = table::AT_START.iter().find(|r| r.1 == *kind);
        let case = cases.iter().any(|c| c.0 == *kind);
        assert!(case || magic.is_some(), "{kind:?}");
        if let (false, Some((magic, _))) = (case, magic) {
            let mut bytes = magic.to_vec();
            bytes.resize(256, 0);
            assert_eq!(recognise_bytes(&bytes), *kind, "{}", magic.escape_ascii());
        }
    }
}

#[test]
fn rejects_what_only_begins_alike() {
    for text in [
        "BM is a word",
        "BZhello",
        "GIF8 is not enough",
        "P6 is a model",
        "ID3",
        "RIFFraff",
        "From here: to there",
        "{curly} words",
    ] {
        assert_eq!(recognise_bytes(text.as_bytes()), Kind::PlainText, "{text}");
    }
}

#[test]
fn knows_flags() {
    assert!(is_flag(b"the flag{is_here} now"));
    assert!(is_flag(b"CTF{w1th-d4sh}"));
    for text in [&b"if (x) {return y}"[..], b"{json}", b"a{}", b"struct {int a;}", b"fn main() { x }"] {
        assert!(!is_flag(text), "{}", text.escape_ascii());
    }
}
