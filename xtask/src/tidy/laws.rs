//! Laws about source files.

use super::source::{code_only, without_tests};
use std::path::Path;

/// Product lines at which a file is too long.
const MAX_LINES: usize = 800;

/// Product lines at which `tidy` says so but lets it pass.
const LONG_LINES: usize = 600;

/// Files that may be longer, with the reason. The list may only shrink.
const LONG_FILES: &[(&str, &str)] = &[];

/// Crates of law 1: no file, socket, thread, clock, environment, standard stream.
const PURE: &[&str] = &[
    "types", "record", "wire", "inflate", "unpack", "x509", "dnssec", "flow", "proto", "files", "hunt", "rules",
    "output", "finding", "intel", "detect", "report", "engine",
];

/// What law 1 forbids there.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::thread",
    "std::env",
    "std::process",
    "Instant::now",
    "SystemTime::now",
    "println!",
    "eprintln!",
    "print!(",
    "eprint!(",
    "std::io::stdout",
    "std::io::stderr",
    "std::io::stdin",
];

/// Crates of law 7, whose root must deny what can panic.
const NO_PANIC: &[&str] = &[
    "wire", "flow", "proto", "files", "hunt", "rules", "inflate", "unpack", "x509", "dnssec", "finding", "intel",
    "detect",
];

/// Lints that law 7 asks for.
const NO_PANIC_LINTS: &[&str] = &[
    "clippy::unwrap_used",
    "clippy::expect_used",
    "clippy::indexing_slicing",
    "clippy::panic",
    "clippy::cast_possible_truncation",
];

/// Module names in the registry's table.
pub(crate) fn protocol_modules(registry: &str) -> Vec<String> {
    let Some(at) = registry.rfind("protocols! {") else { return Vec::new() };
    registry[at..]
        .lines()
        .filter_map(|l| l.split_once(" in ")?.1.split_once(" logs ").map(|p| p.0.trim().to_owned()))
        .collect()
}

/// All complaints about one file, given by its path from the root.
pub(crate) fn file_laws(name: &str, text: &str, protocols: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    let Some(krate) = name.strip_prefix("crates/").and_then(|n| n.split('/').next()) else { return out };
    if is_test_path(name) {
        return out;
    }
    let code = without_tests(&code_only(text));
    let mut complain = |law: &str, line: usize, what: &str| out.push(format!("{name}:{line}: law {law}: {what}"));
    for (i, line) in code.lines().enumerate() {
        if PURE.contains(&krate) {
            for word in IMPURE.iter().filter(|w| line.contains(**w)) {
                complain("1", i + 1, &format!("{word} below cli"));
            }
        }
        if has_word(line, "unsafe") && krate != "scan" {
            complain("5", i + 1, "unsafe outside scan");
        }
        if krate != "cli" && (line.contains("collections::HashMap") || line.contains("collections::HashSet")) {
            complain("6", i + 1, "std hash table; use hashbrown with types::SeededState");
        }
        if let Some(sibling) = sibling_import(name, line, protocols) {
            complain("4", i + 1, &format!("a protocol imports its sibling {sibling}"));
        }
    }
    let lines = code.lines().filter(|l| !l.trim().is_empty()).count();
    if lines > MAX_LINES && !LONG_FILES.iter().any(|f| f.0 == name) {
        complain("8", 1, &format!("{lines} product lines, at most {MAX_LINES}"));
    } else if lines > LONG_LINES {
        eprintln!("tidy: note: {name} has {lines} product lines");
    }
    if name.ends_with("src/lib.rs") {
        if !text.trim_start().starts_with("//!") {
            complain("docs", 1, "a crate's root opens with its purpose");
        }
        if NO_PANIC.contains(&krate) {
            for lint in NO_PANIC_LINTS.iter().filter(|l| !denied(text).contains(**l)) {
                complain("7", 1, &format!("{lint} is not denied"));
            }
        }
    }
    out
}

/// The crate-wide `#![deny(...)]` block.
fn denied(text: &str) -> &str {
    let Some(at) = text.find("#![deny(") else { return "" };
    let rest = &text[at..];
    rest.split_once(")]").map_or("", |p| p.0)
}

fn is_test_path(name: &str) -> bool {
    name.contains("/tests/")
        || name.contains("/benches/")
        || name.ends_with("/tests.rs")
        || name.ends_with("_tests.rs")
        || name.starts_with("crates/testkit/")
        || name.contains("/examples/")
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|w| w == word)
}

/// Law 4: the sibling that a line of a protocol's file names.
fn sibling_import<'a>(name: &str, line: &str, protocols: &'a [String]) -> Option<&'a str> {
    let own = name.strip_prefix("crates/proto/src/")?.split(['/', '.']).next()?;
    if !protocols.iter().any(|p| p == own) {
        return None;
    }
    protocols
        .iter()
        .find(|p| {
            *p != own && (line.contains(&format!("crate::{p}::")) || line.contains(&format!("super::super::{p}::")))
        })
        .map(String::as_str)
}

/// A protocol has its folder, its goldens and its fuzz target.
pub(crate) fn protocol_is_complete(root: &Path, name: &str) -> Vec<String> {
    let wanted =
        [format!("crates/proto/src/{name}/mod.rs"), format!("fuzz/fuzz_targets/{name}.rs"), format!("goldens/{name}")];
    wanted.iter().filter(|w| !root.join(w).exists()).map(|w| format!("protocol {name}: {w} is missing")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laws(name: &str, text: &str) -> Vec<String> {
        file_laws(name, text, &["dns".to_owned(), "http".to_owned()])
    }

    #[test]
    fn reads_the_registry() {
        let text = "macro_rules! protocols { }\nprotocols! {\n    Dns in dns logs [DnsRecord];\n    FtpData in ftp_data logs [];\n}\n";
        assert_eq!(protocol_modules(text), ["dns", "ftp_data"]);
    }

    #[test]
    fn law_1_no_world_below_cli() {
        assert_eq!(laws("crates/flow/src/a.rs", "fn f() { std::fs::read(1); }").len(), 1);
        assert_eq!(laws("crates/wire/src/a.rs", "fn f() { println!(1); }").len(), 1);
        assert!(laws("crates/cli/src/a.rs", "fn f() { println!(1); }").is_empty());
        assert!(
            laws("crates/wire/src/a.rs", "// std::fs\n#[cfg(test)]\nmod tests { fn f() { std::fs::read(1); } }")
                .is_empty()
        );
    }

    #[test]
    fn law_4_no_sibling() {
        assert_eq!(laws("crates/proto/src/http/mod.rs", "use crate::dns::Name;").len(), 1);
        assert!(laws("crates/proto/src/http/mod.rs", "use crate::http::Body; use crate::Cx;").is_empty());
    }

    #[test]
    fn law_5_unsafe() {
        assert_eq!(laws("crates/flow/src/a.rs", "unsafe { x() }").len(), 1);
        assert_eq!(laws("crates/capture/src/a.rs", "unsafe { x() }").len(), 1);
        assert!(laws("crates/scan/src/a.rs", "unsafe { x() }").is_empty());
        assert!(laws("crates/flow/src/a.rs", "fn unsafe_looking() {} // unsafe").is_empty());
    }

    #[test]
    fn law_6_seeded_tables() {
        assert_eq!(laws("crates/proto/src/a.rs", "use std::collections::HashMap;").len(), 1);
    }

    #[test]
    fn law_7_no_panic_lints() {
        assert_eq!(
            laws("crates/wire/src/lib.rs", "//! x\n#![deny(clippy::unwrap_used)]").len(),
            NO_PANIC_LINTS.len() - 1
        );
        assert!(laws("crates/record/src/lib.rs", "//! x").is_empty());
        assert_eq!(laws("crates/record/src/lib.rs", "mod x;").len(), 1, "no purpose given");
    }

    #[test]
    fn law_8_lengths() {
        let long = "fn a() {}\n".repeat(MAX_LINES + 1);
        assert_eq!(laws("crates/flow/src/a.rs", &long).len(), 1);
        let tests = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert!(laws("crates/flow/src/a.rs", &tests).is_empty());
    }
}
