//! File names made from names that strangers chose.
//!
//! What comes out is one path component that is safe on any file system: ASCII letters, digits and
//! ` .-_+=@,()`, no leading dot, dash or blank, no trailing dot or blank, no device name of Windows, at most
//! [`MAX_LEN`] bytes, never empty. The file's unique id goes in front, so that two files never meet, not
//! even where case is folded.

use sekisho_types::Uid;

/// Longest name made, in bytes: every common file system takes 255, and archives often less.
pub const MAX_LEN: usize = 120;

/// Longest ending that is kept when a name is shortened, dot included.
const ENDING_LEN_MAX: usize = 12;

/// What a file without a usable name is called.
const NAMELESS: &str = "unnamed";

/// Device names of Windows, which stay special whatever ending follows.
const DEVICES: [&str; 6] = ["AUX", "CON", "NUL", "PRN", "CONIN$", "CONOUT$"];

/// `<fuid>-<name>`. Ids differ in more than case: a hash of the exact id follows it, in lower-case hex.
pub fn for_file(fuid: Uid, name: Option<&[u8]>) -> String {
    let id = fuid.to_string();
    // Two ids may be equal once case is folded; the eight digits keep them apart.
    let mark = sekisho_types::seeded_hash(0, id.as_bytes()) & 0xffff_ffff;
    let mut out = format!("{id}.{mark:08x}-");
    let room = MAX_LEN.saturating_sub(out.len());
    out.push_str(&shortened(&sanitize(name.unwrap_or(&[])), room));
    out
}

/// The harmless part of `name`: the last path component with every other byte than the safe ones made `_`.
pub fn sanitize(name: &[u8]) -> String {
    let last = name.rsplit(|b| matches!(b, b'/' | b'\\')).find(|part| !part.is_empty()).unwrap_or(&[]);
    let mut out = String::with_capacity(last.len().min(2 * MAX_LEN));
    for c in String::from_utf8_lossy(last).chars().take(4 * MAX_LEN) {
        let safe = c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '=' | '@' | ',' | '(' | ')' | ' ');
        // Runs of replaced characters shrink to one.
        match safe {
            true => out.push(c),
            false if out.ends_with('_') => {}
            false => out.push('_'),
        }
    }
    let out = out.trim_start_matches(['.', '-', ' ', '_']).trim_end_matches(['.', ' ']);
    let out = shortened(out, MAX_LEN);
    if out.is_empty() {
        return NAMELESS.to_owned();
    }
    if is_device(&out) { format!("_{out}") } else { out }
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let numbered = |s: &str| {
        let (word, number) = s.split_at_checked(3).unwrap_or((s, ""));
        (word.eq_ignore_ascii_case("COM") || word.eq_ignore_ascii_case("LPT"))
            && number.len() == 1
            && number.bytes().all(|b| b.is_ascii_digit())
    };
    DEVICES.iter().any(|d| stem.eq_ignore_ascii_case(d)) || numbered(stem)
}

/// At most `room` bytes of an ASCII name, its ending kept.
fn shortened(name: &str, room: usize) -> String {
    if name.len() <= room {
        return name.to_owned();
    }
    let ending = name.rfind('.').and_then(|i| name.get(i..)).filter(|e| e.len() <= ENDING_LEN_MAX && e.len() < room);
    let ending = ending.unwrap_or("");
    let stem = name.get(..room - ending.len()).unwrap_or("").trim_end_matches(['.', ' ']);
    format!("{stem}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &[u8], expected: &str) {
        assert_eq!(sanitize(name), expected, "{:?}", String::from_utf8_lossy(name));
    }

    #[test]
    fn keeps_ordinary_names() {
        check(b"flag.tar", "flag.tar");
        check(b"Report (final) v1.2.pdf", "Report (final) v1.2.pdf");
    }

    #[test]
    fn rejects_paths() {
        check(b"../../etc/passwd", "passwd");
        check(b"/etc/shadow", "shadow");
        check(b"C:\\Windows\\system32\\cmd.exe", "cmd.exe");
        check(b"..\\..\\x", "x");
        check(b"C:autoexec.bat", "C_autoexec.bat");
        check(b"a/../..", "unnamed");
        check(b"dir/", "dir");
    }

    #[test]
    fn rejects_specials() {
        for nothing in [b"".as_slice(), b".", b"..", b"...", b"/", b"-", b"--", b"   ", b"\0", b"\n", b"///", b"_"] {
            check(nothing, "unnamed");
        }
        check(b".bashrc", "bashrc");
        check(b"-rf", "rf");
        check(b"a\0b\nc", "a_b_c");
        check(b"evil\xe2\x80\xaetxt.exe", "evil_txt.exe");
        check(b"\xff\xfe\xfd.bin", "bin");
        check("レポート.pdf".as_bytes(), "pdf");
        check(b"$(reboot);`id`|x&", "(reboot)_id_x_");
        check(b"name. . ", "name");
    }

    #[test]
    fn rejects_device_names() {
        check(b"CON", "_CON");
        check(b"con.txt", "_con.txt");
        check(b"Com7.tar.gz", "_Com7.tar.gz");
        check(b"LPT1", "_LPT1");
        check(b"NUL .txt", "_NUL .txt");
        check(b"COM10", "COM10");
        check(b"console", "console");
    }

    #[test]
    fn limits_length_and_keeps_the_ending() {
        let mut long = vec![b'a'; 5000];
        long.extend_from_slice(b".tar");
        let name = sanitize(&long);
        assert!(name.len() == MAX_LEN && name.chars().all(|c| c == 'a'), "{name}");
        let mut long = vec![b'b'; 200];
        long.extend_from_slice(b".docx");
        let name = for_file(Uid::from_key(b'F', 1, b"x"), Some(&long));
        assert!(name.len() <= MAX_LEN && name.ends_with("bb.docx"), "{name}");
    }

    #[test]
    fn names_differ_even_without_case() {
        let names: Vec<String> = (0..1000u32)
            .map(|i| for_file(Uid::from_key(b'F', 0, &i.to_be_bytes()), Some(b"same")).to_lowercase())
            .collect();
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), names.len());
        assert!(names.iter().all(|n| n.starts_with('f') && n.ends_with("-same")));
    }

    #[test]
    fn any_bytes_give_one_safe_component() {
        let mut x = 1u64;
        for len in 0..300usize {
            let bytes: Vec<u8> = (0..len)
                .map(|_| {
                    x = x.wrapping_mul(6364136223846793005).wrapping_add(1);
                    (x >> 56) as u8
                })
                .collect();
            let name = sanitize(&bytes);
            assert!(!name.is_empty() && name.len() <= MAX_LEN + 1, "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_graphic() || b == b' ') && !name.contains(['/', '\\', ':']));
            assert!(!name.starts_with(['.', '-', ' ']) && !name.ends_with(['.', ' ']), "{name:?}");
            assert_eq!(sanitize(name.as_bytes()), name, "again the same");
        }
    }
}
