//! Text, and which.

use super::Kind;
use crate::bytes::find;

/// The kind of text, if it is one.
pub(super) fn recognise(head: &[u8]) -> Option<Kind> {
    if matches!(head, [0xff, 0xfe, _, 0, ..] | [0xfe, 0xff, 0, _, ..]) {
        return Some(Kind::Utf16);
    }
    if bare_utf16(head) {
        return Some(Kind::Utf16);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if let Some(kind) = by_line(text) {
        return Some(kind);
    }
    if !is_readable(text) {
        return None;
    }
    let start = text.trim_ascii_start();
    markup(start)
        .or_else(|| script(start))
        .or_else(|| structured(start))
        .or_else(|| mail(start))
        .or(Some(Kind::PlainText))
}

/// UTF-16 without a mark, as PowerShell's encoded commands are: ASCII with a zero after each character.
fn bare_utf16(head: &[u8]) -> bool {
    /// Shorter ones come about by chance.
    const LEN_MIN: usize = 16;
    let (units, _) = head.as_chunks::<2>();
    head.len() >= LEN_MIN && units.iter().all(|[a, b]| *b == 0 && (a.is_ascii_graphic() || a.is_ascii_whitespace()))
}

/// Formats with a first line of their own, whose content may be anything.
fn by_line(text: &[u8]) -> Option<Kind> {
    let line = text.split(|&b| b == b'\n').next()?;
    if line.starts_with(b"begin ") && uu_name(line).is_some() {
        return Some(Kind::Uuencode);
    }
    line.starts_with(b"=ybegin ").then_some(Kind::YencText)
}

/// The name in a line that begins a uuencoded file: `begin 644 name`.
pub(crate) fn uu_name(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"begin ").or_else(|| line.strip_prefix(b"begin-base64 "))?;
    let (mode, name) = rest.split_at_checked(rest.iter().position(|&b| b == b' ')?)?;
    let octal = (3..=4).contains(&mode.len()) && mode.iter().all(|b| (b'0'..=b'7').contains(b));
    let name = name.trim_ascii();
    (octal && !name.is_empty()).then_some(name)
}

/// Is it text that somebody could read: UTF-8 (cut off anywhere) or, with few exceptions, Latin; no control bytes?
pub(crate) fn is_readable(bytes: &[u8]) -> bool {
    let control = |b: &u8| matches!(b, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
    if bytes.is_empty() || bytes.iter().any(control) {
        return false;
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(e) if e.error_len().is_none() => true,
        // Latin-1: mostly ASCII, and none of the control bytes of its upper half.
        Err(_) => {
            let high = bytes.iter().filter(|b| !b.is_ascii()).count();
            high * 4 <= bytes.len() && !bytes.iter().any(|b| (0x80..0x91).contains(b))
        }
    }
}

/// Does it have the usual shape of a flag: a word, then something readable in braces?
pub(crate) fn is_flag(bytes: &[u8]) -> bool {
    /// What may stand in the braces.
    const INSIDE_LEN: std::ops::RangeInclusive<usize> = 4..=200;
    memchr::memchr_iter(b'{', bytes).any(|open| {
        let word = bytes
            .get(..open)
            .unwrap_or(&[])
            .iter()
            .rev()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
            .count();
        let rest = bytes.get(open + 1..).unwrap_or(&[]);
        let inside = rest.iter().take(201).position(|&b| b == b'}');
        let fits = inside.filter(|n| INSIDE_LEN.contains(n)).and_then(|n| rest.get(..n));
        (2..=24).contains(&word)
            && fits.is_some_and(|text| text.iter().all(|b| b.is_ascii_graphic() && !matches!(b, b'{' | b';' | b'"')))
    })
}

fn starts_any(text: &[u8], starts: &[&[u8]]) -> bool {
    starts.iter().any(|s| text.get(..s.len()).is_some_and(|t| t.eq_ignore_ascii_case(s)))
}

fn markup(text: &[u8]) -> Option<Kind> {
    if starts_any(text, &[b"<!doctype html", b"<html", b"<head", b"<body", b"<script"]) {
        return Some(Kind::Html);
    }
    if starts_any(text, &[b"<?php"]) {
        return Some(Kind::Php);
    }
    if starts_any(text, &[b"<svg"]) || starts_any(text, &[b"<?xml"]) && find(text, b"<svg", 0).is_some() {
        return Some(Kind::Svg);
    }
    if starts_any(text, &[b"<?xml"]) {
        return Some(if find(text, b"<html", 0).is_some() { Kind::Html } else { Kind::Xml });
    }
    None
}

fn script(text: &[u8]) -> Option<Kind> {
    if let Some(line) = text.strip_prefix(b"#!").and_then(|t| t.split(|&b| b == b'\n').next()) {
        let any = |word: &[u8]| find(line, word, 0).is_some();
        return Some(match () {
            () if any(b"python") => Kind::Python,
            () if any(b"perl") => Kind::Perl,
            () if any(b"php") => Kind::Php,
            () if any(b"pwsh") => Kind::PowerShell,
            () if any(b"sh") => Kind::Shell,
            () => Kind::Script,
        });
    }
    if starts_any(text, &[b"@echo off", b"@rem ", b"@set "]) {
        return Some(Kind::Batch);
    }
    let power = [&b"[CmdletBinding("[..], b"Set-StrictMode", b"New-Object ", b"$ErrorActionPreference"];
    starts_any(text, &power).then_some(Kind::PowerShell)
}

fn structured(text: &[u8]) -> Option<Kind> {
    if text.starts_with(b"-----BEGIN ") {
        return Some(Kind::Pem);
    }
    if starts_any(text, &[b"BEGIN:VCALENDAR"]) {
        return Some(Kind::Calendar);
    }
    if starts_any(text, &[b"BEGIN:VCARD"]) {
        return Some(Kind::Vcard);
    }
    if starts_any(text, &[b"REGEDIT4", b"Windows Registry Editor Version 5"]) {
        return Some(Kind::RegistryText);
    }
    json(text)
}

/// An object or list that begins as JSON does; several of them, a line each, are JSON lines.
fn json(text: &[u8]) -> Option<Kind> {
    let second = |open: u8| text.strip_prefix(&[open]).map(|t| t.trim_ascii_start().first().copied());
    let object = matches!(second(b'{'), Some(Some(b'"' | b'}')));
    let list = matches!(second(b'['), Some(Some(b'{' | b'[' | b'"' | b']' | b'0'..=b'9' | b'-' | b't' | b'f' | b'n')));
    if !object && !list {
        return None;
    }
    if object && find(text, b"\":", 0).is_none() && find(text, b"\" :", 0).is_none() && text.trim_ascii() != b"{}" {
        return None;
    }
    let mut lines = text.split(|&b| b == b'\n');
    let lined = |line: Option<&[u8]>| line.is_some_and(|l| l.starts_with(b"{\"") && l.trim_ascii_end().ends_with(b"}"));
    Some(if object && lined(lines.next()) && lined(lines.next()) { Kind::Ndjson } else { Kind::Json })
}

/// Header fields that messages begin with.
const FIELDS: &[&[u8]] = &[
    b"received",
    b"return-path",
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"delivered-to",
    b"reply-to",
    b"content-transfer-encoding",
    b"cc",
    b"x-mailer",
    b"content-disposition",
    b"user-agent",
    b"dkim-signature",
    b"x-originating-ip",
    b"received-spf",
    b"authentication-results",
    b"arc-seal",
    b"sender",
    b"x-received",
];

/// At least two known header fields among the first lines, nothing else before them.
fn mail(text: &[u8]) -> Option<Kind> {
    let mut lines = text.split(|&b| b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l)).peekable();
    let mbox = lines.peek().is_some_and(|l| l.starts_with(b"From ") && find(l, b":", 0).is_some());
    if mbox {
        lines.next();
    }
    let mut known = 0;
    for line in lines.take(60) {
        if line.is_empty() {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        let name = line.split(|&b| b == b':').next().filter(|n| n.len() < line.len())?;
        if name.is_empty() || !name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
            return None;
        }
        known += usize::from(FIELDS.iter().any(|f| name.eq_ignore_ascii_case(f)));
    }
    (known >= 2).then_some(if mbox { Kind::Mbox } else { Kind::Mail })
}
