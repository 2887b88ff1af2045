//! Paths as a session's working directory and arguments build them, and addresses in arguments and replies.

use sekisho_types::Addr;

/// Longest working directory kept.
pub const MAX_CWD_LEN: usize = 4096;

fn is_absolute(path: &[u8]) -> bool {
    match path {
        [b'/', ..] => true,
        [drive, b':', b'/' | b'\\', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    }
}

/// `name` seen from directory `dir`: without `..`, doubled slashes and a slash at the end.
pub fn resolve(dir: &[u8], name: &[u8]) -> Vec<u8> {
    let path = if is_absolute(name) { name.to_vec() } else { [dir, b"/", name].concat() };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/').filter(|p| !p.is_empty()) {
        let up = part == b"..".as_slice() && parts.last().map_or(path.starts_with(b"/"), |p| *p != b"..".as_slice());
        if up {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    let mut out = if path.starts_with(b"/") { b"/".to_vec() } else { Vec::new() };
    out.extend(parts.join(&b'/'));
    out.truncate(MAX_CWD_LEN);
    out
}

/// `ftp://host/path` for `name` in `dir`.
pub fn url(host: Addr, dir: &[u8], name: &[u8]) -> Vec<u8> {
    let host = if host.is_v4() { host.to_string() } else { format!("[{host}]") };
    let mut url = format!("ftp://{host}").into_bytes();
    let path = resolve(dir, name);
    if !path.starts_with(b"/") {
        url.push(b'/');
    }
    url.extend(path);
    url
}

/// The path in a reply such as `"/pub" is the current directory`: up to a blank or quote.
pub fn in_reply(text: &[u8]) -> Vec<u8> {
    let start = (0..text.len()).find(|at| text.get(*at..).is_some_and(is_absolute)).unwrap_or(text.len());
    let rest = text.get(start..).unwrap_or(&[]);
    let end = rest.iter().position(|b| matches!(b, b'"' | b' ')).unwrap_or(rest.len());
    rest.get(..end.min(MAX_CWD_LEN)).unwrap_or(&[]).to_vec()
}

/// The last component.
pub fn file_name(path: &[u8]) -> &[u8] {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    path.rsplit(|b| matches!(b, b'/' | b'\\')).next().unwrap_or(path)
}

/// An end of a data connection as a command or reply names it; the address may be left out.
pub type Endpoint = (Option<Addr>, u16);

/// `h1,h2,h3,h4,p1,p2` (RFC 959 §3.2 HOST-PORT), whatever may follow.
pub fn host_port(text: &[u8]) -> Option<Endpoint> {
    let [h1, h2, h3, h4, p1, p2] = numbers::<6>(text)?;
    Some((Some(Addr::v4([h1, h2, h3, h4])), u16::from_be_bytes([p1, p2])))
}

/// The host and port in a 227 reply: behind a parenthesis if there is one, else the first list of numbers.
pub fn passive(text: &[u8]) -> Option<Endpoint> {
    let start = match memchr::memchr(b'(', text) {
        Some(at) => at + 1,
        None => {
            let comma = memchr::memchr(b',', text)?;
            let digits = text.get(..comma)?.iter().rev().take_while(|b| b.is_ascii_digit()).count();
            comma - digits
        }
    };
    host_port(text.get(start..)?)
}

/// `|family|address|port|` with any delimiter (RFC 2428 §2); in a 229 reply family and address are empty.
pub fn extended(text: &[u8]) -> Option<Endpoint> {
    let text = text.trim_ascii_start();
    let (&delimiter, rest) = text.split_first()?;
    let mut parts = rest.split(|b| *b == delimiter);
    let (_family, addr, port) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next()?;
    let addr = if addr.is_empty() { None } else { Some(std::str::from_utf8(addr).ok()?.parse().ok()?) };
    Some((addr, decimal(port)?))
}

/// The port in a 229 reply.
pub fn extended_passive(text: &[u8]) -> Option<Endpoint> {
    extended(text.get(memchr::memchr(b'(', text)? + 1..)?)
}

/// Long addresses (RFC 1639): family, address length, address, port length, port, all in decimal bytes.
pub fn long_host_port(text: &[u8]) -> Option<Endpoint> {
    let text = memchr::memchr(b'(', text).and_then(|at| text.get(at + 1..)).unwrap_or(text);
    if let Some([4, 4, h1, h2, h3, h4, 2, p1, p2]) = numbers::<9>(text) {
        return Some((Some(Addr::v4([h1, h2, h3, h4])), u16::from_be_bytes([p1, p2])));
    }
    let all = numbers::<21>(text)?;
    let ([6, 16], rest) = all.split_first_chunk::<2>()? else { return None };
    let (octets, rest) = rest.split_first_chunk::<16>()?;
    match *rest {
        [2, p1, p2] => Some((Some(Addr::v6(*octets)), u16::from_be_bytes([p1, p2]))),
        _ => None,
    }
}

/// `N` byte values in decimal between commas.
fn numbers<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    let mut parts = text.splitn(N, |b| *b == b',');
    for (i, slot) in out.iter_mut().enumerate() {
        let part = parts.next()?.trim_ascii_start();
        let digits = part.iter().take_while(|b| b.is_ascii_digit()).count();
        // Only the last number may be followed by something.
        if i + 1 < N && part.get(digits..).is_some_and(|rest| !rest.trim_ascii().is_empty()) {
            return None;
        }
        *slot = decimal(part.get(..digits)?)?;
    }
    Some(out)
}

/// A whole decimal number that fits `T`.
pub fn decimal<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    let all_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| all_digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_paths() {
        let cases: &[(&str, &str, &str)] = &[
            (".", "robots.txt", "./robots.txt"),
            (".", "", "."),
            ("/", "a", "/a"),
            ("/pub", "x/../y.txt", "/pub/y.txt"),
            ("/pub", "..", "/"),
            ("/pub/a", "../../../b", "/b"),
            ("pub", "../../x", "../x"),
            ("/pub", "/etc//passwd", "/etc/passwd"),
            ("/pub", "C:\\x", "C:\\x"),
        ];
        for (dir, name, want) in cases {
            assert_eq!(String::from_utf8(resolve(dir.as_bytes(), name.as_bytes())).unwrap(), *want, "{dir} {name}");
        }
        assert_eq!(in_reply(b"\"/mirror/rfc\" is current directory."), b"/mirror/rfc");
        assert_eq!(file_name(b"/pub/flag.tar"), b"flag.tar");
        assert_eq!(url("::1".parse().unwrap(), b".", b"a"), b"ftp://[::1]/./a");
    }

    #[test]
    fn parses_endpoints() {
        let at = |a: &str, p| Some((Some(a.parse().unwrap()), p));
        assert_eq!(host_port(b"10,0,0,1,4,31"), at("10.0.0.1", 1055));
        assert_eq!(passive(b"Entering Passive Mode (10,30,0,21,195,80)."), at("10.30.0.21", 50000));
        assert_eq!(passive(b"Entering Passive Mode 10,30,0,21,195,80"), at("10.30.0.21", 50000));
        assert_eq!(extended(b"|1|10.0.0.1|1055|"), at("10.0.0.1", 1055));
        assert_eq!(extended(b"|2|2001:db8::1|1055|"), at("2001:db8::1", 1055));
        assert_eq!(extended_passive(b"Extended Passive mode OK (|||63988|)"), Some((None, 63988)));
        assert_eq!(long_host_port(b"4,4,10,0,0,1,2,4,31"), at("10.0.0.1", 1055));
    }

    #[test]
    fn rejects_endpoints() {
        for text in ["", "10,0,0,256,4,31", "10,0,0,1,4", "10,0,x,1,4,31", "114,115", ",,,,,"] {
            assert_eq!(host_port(text.as_bytes()), None, "{text}");
            assert_eq!(passive(text.as_bytes()), None, "{text}");
        }
        for text in ["", "|", "|1|10.0.0.1|1055", "|1|10.0.0.1|70000|", "|1|x|1|"] {
            assert_eq!(extended(text.as_bytes()), None, "{text}");
        }
        assert_eq!(long_host_port(b"6,16,1,2,3,4"), None);
    }
}
