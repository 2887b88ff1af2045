//! The command that cuts a finding's packets, as a person can paste it.

use sekisho_types::Addr;
use std::fmt::Write;

/// Flows that a command names.
const MAX_UIDS: usize = 10;

/// What of a finding a command needs.
pub(super) struct About {
    pub subject: Addr,
    pub peers: Vec<Addr>,
    pub uids: Vec<String>,
}

/// `sekisho packets …` for the flows of a finding; for a finding without flows the packets of its hosts. `reading` are the
/// flags that change how the captures are read; `file` is where the packets go. `None` for captures that were piped in: they cannot be read again.
pub(super) fn packets(inputs: &[String], reading: &[String], file: &str, f: &About) -> Option<String> {
    if inputs.is_empty() || inputs.iter().any(|i| i == "-") {
        return None;
    }
    let mut words: Vec<String> = vec!["sekisho".to_owned(), "packets".to_owned()];
    let filtered = reading.iter().any(|r| r == "--filter");
    if f.uids.is_empty() && !filtered {
        let mut hosts = format!("host {}", f.subject);
        if let [peer] = &f.peers[..] {
            let _ = write!(hosts, " and host {peer}");
        }
        words.extend(["--filter".to_owned(), hosts]);
    }
    for uid in f.uids.iter().take(MAX_UIDS) {
        words.extend(["--uid".to_owned(), uid.clone()]);
    }
    words.extend(reading.iter().cloned());
    words.extend(["-o".to_owned(), file.to_owned()]);
    // A name that looks like a flag is a file all the same.
    words.extend(inputs.iter().map(|i| if i.starts_with('-') { format!("./{i}") } else { i.clone() }));
    Some(words.iter().map(|w| quoted(w)).collect::<Vec<_>>().join(" "))
}

/// One word for a POSIX shell. What is invisible or could act on a terminal is written by its bytes, in `$'…'` (POSIX.1-2024 §2.2.4).
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+=".contains(c);
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('=') {
        return word.to_owned();
    }
    if word.chars().all(crate::clean::is_shown) {
        return format!("'{}'", word.replace('\'', "'\\''"));
    }
    let mut out = "$'".to_owned();
    for c in word.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            _ if crate::clean::is_shown(c) => out.push(c),
            _ => {
                for b in c.encode_utf8(&mut [0; 4]).bytes() {
                    // Octal ends after three digits, hexadecimal where the shell pleases.
                    let _ = write!(out, "\\{b:03o}");
                }
            }
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, want) in [
            ("office.pcapng", "office.pcapng"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$(reboot)`x`;&|*?", "'$(reboot)`x`;&|*?'"),
            ("~root", "'~root'"),
            ("=ls", "'=ls'"),
            ("取得.pcap", "'取得.pcap'"),
            ("a\nb\u{202e}'\\", r"$'a\012b\342\200\256\'\\'"),
        ] {
            assert_eq!(quoted(word), want);
        }
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        if Command::new("bash").arg("-c").arg("true").status().is_err() {
            return;
        }
        for word in
            ["", "a b", "it's", "$HOME \"x\" `id` \\", "a\nb\tc\u{1b}[31m", "\u{202e}7'\\1", "-x", "*", "!!", "取得"]
        {
            let out = Command::new("bash").arg("-c").arg(format!("printf %s {}", quoted(word))).output().unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), word);
        }
    }
}
