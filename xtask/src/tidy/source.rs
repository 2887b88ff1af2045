//! Rust source as far as the laws need it: without comments, strings and test code.

/// Replaces comments and the contents of string and character literals by spaces; keeps line breaks.
pub(crate) fn code_only(text: &str) -> String {
    let b = text.as_bytes();
    let mut out = Vec::with_capacity(b.len());
    let mut i = 0;
    let blank = |out: &mut Vec<u8>, bytes: &[u8]| out.extend(bytes.iter().map(|&c| if c == b'\n' { c } else { b' ' }));
    while i < b.len() {
        let rest = &b[i..];
        let n = if rest.starts_with(b"//") {
            rest.iter().position(|&c| c == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            block_comment(rest)
        } else if let Some(n) = raw_string(rest, i.checked_sub(1).and_then(|p| b.get(p)).copied()) {
            n
        } else if rest[0] == b'"' {
            quoted(rest, b'"')
        } else if rest[0] == b'\'' && is_char_literal(rest) {
            quoted(rest, b'\'')
        } else {
            out.push(rest[0]);
            i += 1;
            continue;
        };
        blank(&mut out, &rest[..n]);
        i += n;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut i) = (0usize, 0);
    while i < rest.len() {
        if rest[i..].starts_with(b"/*") {
            depth += 1;
            i += 2;
        } else if rest[i..].starts_with(b"*/") {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return i;
            }
        } else {
            i += 1;
        }
    }
    rest.len()
}

fn raw_string(rest: &[u8], before: Option<u8>) -> Option<usize> {
    if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == b'_') {
        return None;
    }
    let body = rest.strip_prefix(b"br").or_else(|| rest.strip_prefix(b"r"))?;
    let prefix = rest.len() - body.len();
    let hashes = body.iter().take_while(|&&c| c == b'#').count();
    if body.get(hashes) != Some(&b'"') {
        return None;
    }
    let mut end = vec![b'"'];
    end.extend(std::iter::repeat_n(b'#', hashes));
    let from = prefix + hashes + 1;
    let at = rest[from..].windows(end.len()).position(|w| w == end)?;
    Some(from + at + end.len())
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut i = 1;
    while i < rest.len() {
        match rest[i] {
            b'\\' => i += 2,
            c if c == quote => return i + 1,
            _ => i += 1,
        }
    }
    rest.len()
}

fn is_char_literal(rest: &[u8]) -> bool {
    match rest.get(1) {
        Some(b'\\') => true,
        Some(_) => {
            rest.iter().skip(2).take(4).any(|&c| c == b'\'') && {
                // 'a' is a literal, 'a is a lifetime.
                let text = String::from_utf8_lossy(&rest[1..rest.len().min(6)]).into_owned();
                let mut chars = text.chars();
                chars.next();
                chars.next() == Some('\'')
            }
        }
        None => false,
    }
}

/// `code` (as from [`code_only`]) without items under `#[cfg(test)]`; keeps line breaks.
pub(crate) fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..at]);
        let item = &rest[at..];
        let end = item_end(item);
        out.extend(item[..end].chars().filter(|&c| c == '\n'));
        rest = &item[end..];
    }
    out.push_str(rest);
    out
}

/// Length of the item at the start of `code`: to its closing brace, or to a `;` before any brace.
fn item_end(code: &str) -> usize {
    let mut depth = 0usize;
    for (i, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return i + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return i + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_vanish() {
        let code = code_only(
            "let a = \"unsafe // x\"; // unsafe\n/* unsafe /* nested */ */ let b = 'u'; r#\"unsafe\"#; x::<'a>()",
        );
        assert!(!code.contains("unsafe"), "{code}");
        assert!(code.contains("let a =") && code.contains("let b =") && code.contains("x::<'a>()"));
    }

    #[test]
    fn test_modules_vanish() {
        let code = without_tests(
            "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { c() }\n}\nfn d() {}\n#[cfg(test)]\nmod t;\nfn e() {}",
        );
        assert!(code.contains("fn a") && code.contains("fn d") && code.contains("fn e"));
        assert!(!code.contains("fn b"));
        assert_eq!(code.lines().count(), 9);
    }
}
