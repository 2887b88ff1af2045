use crate::Certificate;

/// Does the certificate cover host `name`? As Zeek's `sni_matches_cert`: a dNSName of the subject alternative name or
/// the common name matches without regard to case; one `*` in the left-most label stands for any part of that label
/// (RFC 6125 §6.4.3). Unlike RFC 6125, Zeek looks at the common name even if there are dNSNames.
pub fn matches_name(cert: &Certificate, name: &[u8]) -> bool {
    let dns = cert.extensions.alt_names.as_ref().map_or(&[][..], |a| &a.dns);
    cert.common_name.iter().chain(dns).any(|pattern| covers(pattern, name))
}

/// Does one name of a certificate, maybe with a `*`, cover host `name`? See [`matches_name`].
pub fn covers(pattern: &[u8], name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let (label, domain) = split(name);
    let (glob, parent) = split(pattern);
    if domain.is_none() || !glob.contains(&b'*') {
        return !name.is_empty() && pattern.eq_ignore_ascii_case(name);
    }
    let same_parent = match (domain, parent) {
        (Some(d), Some(p)) => !d.is_empty() && d.eq_ignore_ascii_case(p),
        _ => false,
    };
    let mut parts = glob.splitn(2, |&b| b == b'*');
    let (head, tail) = (parts.next().unwrap_or(&[]), parts.next().unwrap_or(&[]));
    let enclosed = label.len() > head.len() + tail.len()
        && label.get(..head.len()).is_some_and(|l| l.eq_ignore_ascii_case(head))
        && label.get(label.len() - tail.len()..).is_some_and(|l| l.eq_ignore_ascii_case(tail));
    same_parent && enclosed && !tail.contains(&b'*')
}

/// Does a dNSName cover host `name` by RFC 9525 §6.3: the same name without regard to case, or a `*` that is all of the
/// left-most label and stands for exactly one?
pub fn covers_strictly(pattern: &[u8], name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    if pattern.starts_with(b"*.") {
        return covers(pattern, name);
    }
    !name.is_empty() && !pattern.contains(&b'*') && pattern.eq_ignore_ascii_case(name)
}

/// First label and what follows its dot.
fn split(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = name.splitn(2, |&b| b == b'.');
    (parts.next().unwrap_or(&[]), parts.next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AltNames;

    fn check(dns: &[&str], cn: Option<&str>, name: &str) -> bool {
        let mut cert = Certificate { common_name: cn.map(|c| c.as_bytes().to_vec()), ..Certificate::default() };
        let dns = dns.iter().map(|d| d.as_bytes().to_vec()).collect();
        cert.extensions.alt_names = Some(AltNames { dns, ..AltNames::default() });
        matches_name(&cert, name.as_bytes())
    }

    #[test]
    fn wildcards_stand_for_one_label() {
        assert!(check(&["*.example.org"], None, "www.Example.org"));
        assert!(!check(&["*.example.org"], None, "example.org"));
        assert!(!check(&["*.example.org"], None, "a.b.example.org"));
        assert!(!check(&["*.example.org"], None, ".example.org"));
        assert!(check(&["x.org", "y.org"], None, "y.org"));
        assert!(check(&["ww*.example.org"], None, "www.example.org"));
        assert!(!check(&["w*x.example.org"], None, "www.example.org"));
        assert!(!check(&["*"], None, "www.example.org"));
        assert!(!check(&["*."], None, "a."));
    }

    #[test]
    fn strict_wildcards_are_whole_labels() {
        assert!(covers_strictly(b"*.example.org", b"www.Example.org"));
        assert!(!covers_strictly(b"ww*.example.org", b"www.example.org"));
        assert!(!covers_strictly(b"*.example.org", b"a.b.example.org"));
        assert!(covers_strictly(b"a.example.org", b"A.example.org."));
        assert!(!covers_strictly(b"", b""));
    }

    #[test]
    fn common_name_is_the_fallback() {
        assert!(check(&[], Some("a.org"), "a.org"));
        assert!(!check(&["b.org"], Some("a.org"), "c.org"));
        assert!(check(&["b.org"], Some("a.org"), "a.org"));
        assert!(!check(&[], None, "a.org"));
    }
}
