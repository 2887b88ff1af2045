//! Targets and hosts of requests as rules look at them, normalised as Suricata's HTTP library does in its default (IDS)
//! personality: escapes decoded once, backslashes taken for slashes, runs of slashes and dot segments removed.

/// `http.uri` of a request's target.
pub(super) fn normalised(target: &[u8]) -> Vec<u8> {
    let target = without_authority(target);
    let target = target.split(|b| *b == b'#').next().unwrap_or(target);
    let query_at = memchr::memchr(b'?', target).unwrap_or(target.len());
    let (path, query) = target.split_at_checked(query_at).unwrap_or((target, &[]));
    let mut out = without_dots(&decoded(path, true));
    if let Some(query) = query.strip_prefix(b"?") {
        out.push(b'?');
        out.extend_from_slice(&decoded(query, false));
    }
    out
}

/// What a target names behind `scheme://authority`.
fn without_authority(target: &[u8]) -> &[u8] {
    match authority(target) {
        Some(authority) => {
            let start = authority.as_ptr() as usize - target.as_ptr() as usize + authority.len();
            target.get(start..).unwrap_or(&[])
        }
        None => target,
    }
}

/// The authority of a target in absolute form (RFC 9112 §3.2.2).
pub(super) fn authority(target: &[u8]) -> Option<&[u8]> {
    let scheme_len = target.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'+').count();
    let rest = target.get(scheme_len..)?.strip_prefix(b"://").filter(|_| scheme_len > 0)?;
    let len = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#' | b'\\')).unwrap_or(rest.len());
    rest.get(..len)
}

/// A host's name in lower case and its port, from an authority or a Host field.
pub(super) fn host(authority: &[u8]) -> (Vec<u8>, Option<u16>) {
    let text = authority.trim_ascii();
    let text = text.rsplitn(2, |b| *b == b'@').next().unwrap_or(text);
    let name_len = match text.first() {
        Some(b'[') => memchr::memchr(b']', text).map_or(text.len(), |at| at + 1),
        _ => memchr::memchr(b':', text).unwrap_or(text.len()),
    };
    let (name, port) = text.split_at_checked(name_len).unwrap_or((text, &[]));
    let port = port.strip_prefix(b":").and_then(|p| std::str::from_utf8(p).ok()?.trim().parse().ok());
    (name.to_ascii_lowercase(), port)
}

/// Are there escapes left once the escapes are decoded?
pub(super) fn is_doubly_encoded(target: &[u8]) -> bool {
    let has_escape = |text: &[u8]| text.windows(3).any(|w| matches!(w, [b'%', a, b] if pair(*a, *b).is_some()));
    has_escape(target) && has_escape(&decoded(target, false))
}

const fn hex(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    }
}

fn pair(high: u8, low: u8) -> Option<u8> {
    Some(hex(high)? << 4 | hex(low)?)
}

/// Escapes decoded; what is none stays. In paths also backslashes are slashes, and of several slashes one is left.
fn decoded(text: &[u8], is_path: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, used) = match (first, tail) {
            (b'%', [b'u' | b'U', a, b, c, d, ..]) => match (pair(*a, *b), pair(*c, *d)) {
                (Some(0), Some(low)) => (low, 6),
                // Full-width forms stand for the ASCII characters that they show.
                (Some(0xff), Some(low @ 1..=0x5e)) => (low + 0x20, 6),
                (Some(_), Some(_)) => (b'?', 6),
                _ => (first, 1),
            },
            (b'%', [a, b, ..]) => pair(*a, *b).map_or((first, 1), |byte| (byte, 3)),
            _ => (first, 1),
        };
        rest = rest.get(used..).unwrap_or(&[]);
        let byte = if is_path && byte == b'\\' { b'/' } else { byte };
        if !(is_path && byte == b'/' && out.last() == Some(&b'/')) {
            out.push(byte);
        }
    }
    out
}

/// Dot segments removed (RFC 3986 §5.2.4).
fn without_dots(path: &[u8]) -> Vec<u8> {
    if !path.windows(2).any(|w| w == b"/.") && !path.starts_with(b".") {
        return path.to_vec();
    }
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    let mut segments = path.split(|b| *b == b'/').peekable();
    let mut first = true;
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        let is_dots = matches!(segment, b"." | b"..");
        if segment == b".." {
            let cut = out.iter().rposition(|b| *b == b'/').unwrap_or(0);
            out.truncate(cut);
        }
        if !is_dots {
            if !first {
                out.push(b'/');
            }
            out.extend_from_slice(segment);
        } else if last {
            out.push(b'/');
        }
        first = false;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_targets() {
        for (target, uri) in [
            ("/a%20b?c=%41+d", "/a b?c=A+d"),
            ("/a//b\\c", "/a/b/c"),
            ("/a/./b/../c", "/a/c"),
            ("/a/%2e%2e/c", "/c"),
            ("/a/..", "/"),
            ("/%zz%4", "/%zz%4"),
            ("/%u0041%uff21", "/AA"),
            ("http://h:80/x?y#z", "/x?y"),
            ("/%2541", "/%41"),
            ("*", "*"),
            ("/ABC", "/ABC"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8(normalised(target.as_bytes())).unwrap(), uri, "{target}");
        }
    }

    #[test]
    fn tells_double_encoding() {
        assert!(is_doubly_encoded(b"/a%2527b") && !is_doubly_encoded(b"/a%27b") && !is_doubly_encoded(b"/a%25zz"));
    }

    #[test]
    fn parses_hosts() {
        let of = |text: &str| {
            let (name, port) = host(text.as_bytes());
            (String::from_utf8(name).unwrap(), port)
        };
        assert_eq!(of("Www.Example.com:8080"), ("www.example.com".to_owned(), Some(8080)));
        assert_eq!(of("u:p@h"), ("h".to_owned(), None));
        assert_eq!(of("[::1]:81"), ("[::1]".to_owned(), Some(81)));
        assert_eq!(authority(b"http://h:80/x"), Some(&b"h:80"[..]));
        assert_eq!(authority(b"/http://h"), None);
    }
}
