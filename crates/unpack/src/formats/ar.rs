//! ar archives and Debian packages: the common format, GNU's and BSD's long names.

use crate::bytes::{ascii_number, size, take};
use crate::kind::Kind;
use crate::lister::{Entry, Lister};
use crate::recipe::Recipe;

const HEADER_LEN: u64 = 60;
/// Longest table of long names that is read.
const NAMES_LEN_MAX: u64 = 4 << 20;

pub(super) fn list(l: &mut Lister<'_, '_>) {
    let how = if l.kind == Kind::Deb { "deb" } else { "ar" };
    let mut names = Vec::new();
    let mut at = 8u64;
    while at.saturating_add(HEADER_LEN) <= l.len() {
        let header = l.read(at, 60);
        let len = take(&header, 48, 10).and_then(|f| ascii_number(f, 10));
        let (Some(len), Some(b"`\n")) = (len, take(&header, 58, 2)) else {
            l.odd("ar: no header where one should be");
            return;
        };
        let data = at + HEADER_LEN;
        let field = take(&header, 0, 16).unwrap_or(&[]).trim_ascii_end();
        at = data.saturating_add(len.saturating_add(len & 1));
        let entry = match field {
            b"/" | b"/SYM64/" | b"__.SYMDEF" | b"__.SYMDEF SORTED" => continue,
            b"//" => {
                names = l.read(data, size(len.min(NAMES_LEN_MAX))).into_owned();
                continue;
            }
            _ if field.starts_with(b"#1/") => {
                let name_len = field.get(3..).and_then(|f| ascii_number(f, 10)).unwrap_or(0).min(len);
                let name = l.read(data, size(name_len.min(4096)));
                let name = crate::bytes::until_nul(&name);
                Entry::new(how, name, Recipe::slice(data + name_len, len - name_len)).declared(len - name_len)
            }
            _ => Entry::new(how, gnu_name(field, &names), Recipe::slice(data, len)).declared(len),
        };
        if !l.add(entry) {
            return;
        }
    }
}

/// `name/`, or `/12` for the name at 12 of the table.
fn gnu_name<'n>(field: &'n [u8], names: &'n [u8]) -> &'n [u8] {
    let at = field.strip_prefix(b"/").and_then(|digits| ascii_number(digits, 10));
    if let Some(rest) = at.and_then(|at| names.get(size(at)..)) {
        let line = rest.split(|&b| b == b'\n').next().unwrap_or(&[]);
        return line.strip_suffix(b"/").unwrap_or(line);
    }
    field.strip_suffix(b"/").unwrap_or(field)
}

#[cfg(test)]
mod tests {
    use crate::formats::tests::leaves;

    fn member(name: &str, content: &[u8]) -> Vec<u8> {
        let mut out = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, content.len()).into_bytes();
        out.extend(content);
        out.resize(out.len().next_multiple_of(2), b'\n');
        out
    }

    #[test]
    fn parses_gnu_and_bsd_names() {
        let ar = [
            b"!<arch>\n".to_vec(),
            member("//", b"a_rather_long_name.o/\n"),
            member("/0", b"one\n"),
            member("b.o/", b"two\n"),
            member("#1/8", b"c.o\0\0\0\0\0three\n"),
        ]
        .concat();
        let got = leaves(&ar);
        let got: Vec<_> = got.iter().map(|(p, c)| (p.as_str(), c.as_slice())).collect();
        assert_eq!(got, [("ar:a_rather_long_name.o", &b"one\n"[..]), ("ar:b.o", b"two\n"), ("ar:c.o", b"three\n")]);
    }
}
