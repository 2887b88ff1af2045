//! Browsers, which name half a dozen others before themselves. By the rules and the order of Zeek's.

use super::version::{Product, Version, plain};
use memchr::memmem::{find, rfind};

/// `Mozilla/5.` or `Opera/9.`: a text that pretends to be a browser.
pub(super) fn is_alike(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"Mozilla/").or_else(|| text.strip_prefix(b"Opera/")) else { return false };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    digits > 0 && rest.get(digits) == Some(&b'.')
}

/// Reads a text that [`is_alike`].
pub(super) fn parse(text: &[u8]) -> Product {
    let has = |what: &str| find(text, what.as_bytes()).is_some();
    if let Some(found) = opera_at_end(text) {
        return product("Opera", Some(found));
    }
    if has(" MSIE ") || has("Trident/") {
        return msie(text);
    }
    if has("Edge/") {
        return product("Edge", numbered(text, "Edge/"));
    }
    if in_order(text, "Version/", "Safari/") {
        let mut safari = product("Safari", numbered(text, "Version/"));
        if in_order(text, " Mobile", " Safari") {
            safari.version.addl = Some(b"Mobile".to_vec());
        }
        return safari;
    }
    if let Some(found) = first_of(text, &["Firefox/", "Netscape/", "Thunderbird/"]) {
        return plain(found);
    }
    if in_order(text, "Chrome/", "Safari/") {
        return product("Chrome", numbered(text, "Chrome/"));
    }
    if text.starts_with(b"Opera/") {
        return opera(text);
    }
    if has("Flash%20Player") {
        return product("Flash", text.split(|b| matches!(b, b'/' | b' ')).nth(1));
    }
    if has("AdobeAIR/") {
        return product("AdobeAIR", numbered(text, "AdobeAIR/"));
    }
    if has("AppleWebKit/") {
        return product("Unspecified WebKit", numbered(text, "AppleWebKit/"));
    }
    if java(text) {
        return product("Java", run(text, "Java/", b"._"));
    }
    product("<unknown browser>", None)
}

/// `name` with the version in `found`.
fn product(name: &str, found: Option<&[u8]>) -> Product {
    Product { name: name.into(), version: found.map(|f| plain(f).version).unwrap_or_default() }
}

/// The first `lead` and the digits and dots that follow.
fn numbered<'a>(text: &'a [u8], lead: &str) -> Option<&'a [u8]> {
    run(text, lead, b".")
}

/// The first `lead` and what follows of digits and `others`.
fn run<'a>(text: &'a [u8], lead: &str, others: &[u8]) -> Option<&'a [u8]> {
    let from = text.get(find(text, lead.as_bytes())?..)?;
    let rest = from.get(lead.len()..)?;
    let len = rest.iter().take_while(|b| b.is_ascii_digit() || others.contains(b)).count();
    from.get(..lead.len() + len)
}

/// Whichever of `leads` comes first, with the digits and dots that follow.
fn first_of<'a>(text: &'a [u8], leads: &[&'static str]) -> Option<&'a [u8]> {
    let first = leads.iter().filter_map(|lead| Some((find(text, lead.as_bytes())?, lead))).min()?;
    numbered(text.get(first.0..)?, first.1)
}

/// Is there `first` and, behind it, `then`?
fn in_order(text: &[u8], first: &str, then: &str) -> bool {
    let Some(at) = find(text, first.as_bytes()) else { return false };
    rfind(text, then.as_bytes()).is_some_and(|last| last >= at + first.len())
}

/// `Opera 11.00` as the last words.
fn opera_at_end(text: &[u8]) -> Option<&[u8]> {
    let version = text.iter().rev().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let before = text.get(..text.len() - version)?.strip_suffix(b"Opera ")?;
    text.get(before.len()..)
}

fn msie(text: &[u8]) -> Product {
    // What the engine says counts: in compatibility mode the browser calls itself an older one.
    for (engine, major) in [("Trident/4.0", 8), ("Trident/5.0", 9), ("Trident/6.0", 10), ("Trident/7.0", 11)] {
        if find(text, engine.as_bytes()).is_some() {
            return Product { name: b"MSIE".to_vec(), version: Version::of(major, 0) };
        }
    }
    product("MSIE", msie_version(text))
}

/// `MSIE 7.0b2`: one or two digits, dots, digits, `b`, digits.
fn msie_version(text: &[u8]) -> Option<&[u8]> {
    let lead = b"MSIE ";
    let mut at = 0;
    loop {
        let from = text.get(at..)?;
        let found = find(from, lead)?;
        let from = from.get(found..)?;
        let rest = from.get(lead.len()..)?;
        let count = |from: usize, f: fn(&u8) -> bool| rest.iter().skip(from).take_while(|b| f(b)).count();
        let mut len = count(0, u8::is_ascii_digit).min(2);
        if len > 0 {
            len += count(len, |b| *b == b'.');
            len += count(len, u8::is_ascii_digit);
            len += usize::from(rest.get(len) == Some(&b'b'));
            len += count(len, u8::is_ascii_digit);
            return from.get(..lead.len() + len);
        }
        at += found + lead.len();
    }
}

fn opera(text: &[u8]) -> Product {
    let Some(found) = first_of(text, &["Opera Mini/", "Opera Mobi/"]) else {
        return product("Opera", numbered(text, "Version/"));
    };
    // Both are as long.
    let name = first_of(text, &["Opera Mini", "Opera Mobi"]).and_then(|f| f.get(.."Opera Mini".len())).unwrap_or(found);
    let version = numbered(text, "Version/").or_else(|| numbered(text, "Opera Mini/"));
    Product { name: name.to_vec(), version: version.map(|v| plain(v).version).unwrap_or_default() }
}

/// ` Java/1.`
fn java(text: &[u8]) -> bool {
    let mut from = text;
    while let Some(at) = find(from, b" Java/") {
        from = from.get(at + 6..).unwrap_or(&[]);
        if let [b'0'..=b'9', b'.', ..] = from {
            return true;
        }
    }
    false
}
