//! Mail and IP addresses in commands and header fields, found as Zeek's scripts find them.

use sekisho_types::Addr;

const fn is_before(b: u8) -> bool {
    matches!(b, b'<' | b',' | b':' | b' ' | b'\t')
}

const fn is_after(b: u8) -> bool {
    matches!(b, b'>' | b',' | b';' | b' ' | b'\t')
}

/// Calls `found` with each mail address in `text`, brackets and separators removed, until it returns false.
pub(crate) fn each_address(text: &[u8], found: &mut dyn FnMut(Vec<u8>) -> bool) {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|t| memchr::memchr(b'@', t)).map(|at| at + from) {
        let head = text.get(from..at).unwrap_or(&[]);
        let local_len = head.iter().rev().take_while(|b| !is_before(**b)).count();
        let tail = text.get(at + 1..).unwrap_or(&[]);
        let domain_len = tail.iter().take_while(|b| !is_after(**b)).count();
        if local_len > 0 && domain_len > 0 {
            let whole = text.get(at - local_len..at + 1 + domain_len).unwrap_or(&[]);
            let clean = whole.iter().copied().filter(|b| !is_before(*b) && !is_after(*b)).collect();
            if !found(clean) {
                return;
            }
        }
        from = at + 1 + domain_len;
    }
}

/// The first mail address in `text`.
pub(crate) fn first_address(text: &[u8]) -> Option<Vec<u8>> {
    let mut first = None;
    each_address(text, &mut |a| {
        first = Some(a);
        false
    });
    first
}

/// Calls `found` with each entry of a To or Cc field, display names included, until it returns false.
pub(crate) fn each_entry(text: &[u8], found: &mut dyn FnMut(&[u8]) -> bool) {
    let mut rest = text.trim_ascii_start();
    while !rest.is_empty() {
        // A comma in a quoted display name doesn't end the entry, if something follows the quotes.
        let quoted = rest
            .strip_prefix(b"\"")
            .and_then(|inside| memchr::memchr(b'"', inside))
            .map(|len| len + 2)
            .filter(|len| rest.get(*len).is_some_and(|b| *b != b','))
            .unwrap_or(0);
        let tail = rest.get(quoted..).unwrap_or(&[]);
        let len = quoted + memchr::memchr(b',', tail).unwrap_or(tail.len());
        let (entry, after) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        rest = after.get(1..).unwrap_or(&[]).trim_ascii_start();
        if !entry.is_empty() && !found(entry.trim_ascii()) {
            return;
        }
    }
}

/// IP addresses in `text`; `wrapped`: only those between brackets of any kind or spaces.
fn ip_addresses(text: &[u8], wrapped: bool) -> impl Iterator<Item = Addr> + '_ {
    let is_ip = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b'.' | b':');
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() {
            let start = at + text.get(at..)?.iter().position(is_ip)?;
            let len = text.get(start..)?.iter().take_while(|b| is_ip(b)).count();
            at = start + len;
            let before = start.checked_sub(1).and_then(|i| text.get(i)).copied();
            let pair = (before, text.get(at).copied());
            let open = matches!(
                pair,
                (Some(b'['), Some(b']'))
                    | (Some(b'('), Some(b')'))
                    | (Some(b'{'), Some(b'}'))
                    | (Some(b' '), Some(b' '))
            );
            let addr = text.get(start..at).and_then(|t| std::str::from_utf8(t).ok()).and_then(|t| t.parse().ok());
            if let Some(addr) = addr.filter(|_| open || !wrapped) {
                return Some(addr);
            }
        }
        None
    })
}

/// The first IP address in `text`.
pub(crate) fn first_ip(text: &[u8]) -> Option<Addr> {
    ip_addresses(text, false).next()
}

/// The address of a hop in a Received field: the second of those in brackets, else the first.
pub(crate) fn hop_ip(text: &[u8]) -> Option<Addr> {
    let mut found = ip_addresses(text, true);
    let first = found.next()?;
    Some(found.next().unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        each_address(text.as_bytes(), &mut |a| {
            all.push(String::from_utf8(a).unwrap());
            true
        });
        all
    }

    fn entries(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        each_entry(text.as_bytes(), &mut |a| {
            all.push(String::from_utf8(a.to_vec()).unwrap());
            true
        });
        all
    }

    #[test]
    fn parses_envelope_addresses() {
        assert_eq!(addresses("FROM:<a@b.test> SIZE=5"), ["a@b.test"]);
        assert_eq!(addresses("to:a@b, c@d"), ["a@b", "c@d"]);
        assert_eq!(addresses("TO:<a@b> ORCPT=rfc822;a@b"), ["a@b", "ORCPT=rfc822;a@b".replace(';', "").as_str()]);
        assert!(addresses("FROM:<>").is_empty());
        assert!(addresses("@ @@ a@").is_empty());
        assert_eq!(first_address(b"x <y@z>"), Some(b"y@z".to_vec()));
    }

    #[test]
    fn parses_entries() {
        assert_eq!(entries("A <a@b>, \"C, D\" <c@d>,e@f"), ["A <a@b>", "\"C, D\" <c@d>", "e@f"]);
        assert_eq!(entries("\"only\",x"), ["\"only\"", "x"]);
        assert_eq!(entries("\"open, x"), ["\"open", "x"]);
        assert!(entries("").is_empty());
    }

    #[test]
    fn parses_ip_addresses() {
        let hop = |t: &str| hop_ip(t.as_bytes()).map(|a| a.to_string());
        assert_eq!(hop("from x (y [192.0.2.1]) by z").as_deref(), Some("192.0.2.1"));
        assert_eq!(hop("from [10.0.0.1] (h [192.0.2.2]) by z").as_deref(), Some("192.0.2.2"));
        assert_eq!(hop("from x ([IPv6:2001:db8::1])"), None);
        assert_eq!(hop("id 1.2.3.4.5"), None);
        assert_eq!(first_ip(b"[192.0.2.3]").map(|a| a.to_string()).as_deref(), Some("192.0.2.3"));
        assert_eq!(first_ip(b"none"), None);
    }
}
