//! `cargo xtask new protocol NAME`, `new detector ID`: everything a protocol, or a detector, starts with.

use crate::shell;
use anyhow::{Context, Result, bail};
use std::fs;

const MODULE: &str = include_str!("../templates/mod.rs.txt");
const MESSAGE: &str = include_str!("../templates/message.rs.txt");
const RECORD: &str = include_str!("../templates/record.rs.txt");
const FUZZ: &str = include_str!("../templates/fuzz.rs.txt");
const DETECTOR: &str = include_str!("../templates/detector.rs.txt");
const DETECTOR_TESTS: &str = include_str!("../templates/detector_tests.rs.txt");

/// Makes the folder, the golden folder and the fuzz target, and adds the two shared lines.
pub(crate) fn protocol(name: &str) -> Result<bool> {
    let valid = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !valid {
        bail!("{name:?} is no module name: lower-case letters, digits and _, a letter first");
    }
    let root = shell::root();
    let folder = root.join("crates/proto/src").join(name);
    if folder.exists() {
        bail!("{} exists already", folder.display());
    }
    let fill = |template: &str| template.replace("__name__", name).replace("__Name__", &camel(name));
    let lib = root.join("crates/proto/src/lib.rs");
    let registry = root.join("crates/proto/src/registry.rs");
    let new_lib =
        with_module(&fs::read_to_string(&lib)?, name).context("crates/proto/src/lib.rs has no protocol modules")?;
    let new_registry =
        with_row(&fs::read_to_string(&registry)?, name).context("crates/proto/src/registry.rs has no table")?;
    let fuzz_manifest = root.join("fuzz/Cargo.toml");
    let new_fuzz = fs::read_to_string(&fuzz_manifest)?
        + &fill(
            "\n[[bin]]\nname = \"__name__\"\npath = \"fuzz_targets/__name__.rs\"\ntest = false\ndoc = false\nbench = false\n",
        );

    fs::create_dir_all(&folder)?;
    fs::write(folder.join("mod.rs"), fill(MODULE))?;
    fs::write(folder.join("message.rs"), fill(MESSAGE))?;
    fs::write(folder.join("record.rs"), fill(RECORD))?;
    fs::create_dir_all(root.join("goldens").join(name))?;
    fs::write(
        root.join("goldens").join(name).join("README.md"),
        fill(
            "# Goldens of __name__\n\nA capture `CASE.pcap` here and, after `cargo xtask bless`, its logs in `CASE.out`.\n",
        ),
    )?;
    fs::write(root.join("fuzz/fuzz_targets").join(format!("{name}.rs")), fill(FUZZ))?;
    fs::write(fuzz_manifest, new_fuzz)?;
    fs::write(lib, new_lib)?;
    fs::write(registry, new_registry)?;
    println!("crates/proto/src/{name}/{{mod,message,record}}.rs, goldens/{name}/, fuzz/fuzz_targets/{name}.rs");
    println!("next: the record, then the message, then the parser; `cargo xtask check {name}`");
    Ok(true)
}

/// Makes the detector and its tests, and adds the two shared lines. `id` is the judgement's, as in `detections.md`: `dns-rebinding`.
pub(crate) fn detector(id: &str) -> Result<bool> {
    let parts: Vec<&str> = id.split('-').collect();
    let valid = |p: &&str| !p.is_empty() && p.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if parts.len() < 2 || !parts.iter().all(valid) || !id.starts_with(|c: char| c.is_ascii_lowercase()) {
        bail!("{id:?} is no judgement's id: two or more words of lower-case letters and digits, joined by hyphens");
    }
    let name = parts.join("_");
    let folder = shell::root().join("crates/detect/src");
    let file = folder.join("detectors").join(format!("{name}.rs"));
    if file.exists() {
        bail!("{} exists already", file.display());
    }
    let (modules, registry) = (folder.join("detectors/mod.rs"), folder.join("registry.rs"));
    let new_modules =
        with_detector(&fs::read_to_string(&modules)?, &name).context("detectors/mod.rs has no modules")?;
    let new_registry = with_line(&fs::read_to_string(&registry)?, &name).context("registry.rs has no list")?;
    let fill = |template: &str| template.replace("__id__", id).replace("__Name__", &camel(&name));
    fs::create_dir_all(folder.join("detectors").join(&name))?;
    fs::write(&file, fill(DETECTOR))?;
    fs::write(folder.join("detectors").join(&name).join("tests.rs"), fill(DETECTOR_TESTS))?;
    fs::write(modules, new_modules)?;
    fs::write(registry, new_registry)?;
    println!("crates/detect/src/detectors/{name}.rs, {name}/tests.rs");
    println!(
        "next: its comment, then what it fires on, nearly fires on, and what is ordinary: `cargo nextest run -p sekisho-detect {name}`"
    );
    Ok(true)
}

/// `detectors/mod.rs` with the module in its place.
fn with_detector(modules: &str, name: &str) -> Option<String> {
    insert_sorted(modules, &format!("pub(crate) mod {name};"), |l| l.starts_with("pub(crate) mod "))
}

/// The registry with the detector in its place in the list.
fn with_line(registry: &str, name: &str) -> Option<String> {
    let start = registry.rfind("registry! {\n")? + "registry! {\n".len();
    let list = insert_sorted(&registry[start..], &format!("    {name}::{},", camel(name)), |l| {
        l.starts_with("    ") && l.contains("::") && l.ends_with(',')
    })?;
    Some(registry[..start].to_owned() + &list)
}

fn camel(name: &str) -> String {
    name.split('_')
        .map(|w| w.chars().next().map_or(String::new(), |c| c.to_ascii_uppercase().to_string() + &w[1..]))
        .collect()
}

/// `lib.rs` with `pub mod name;` in its place among the protocol modules (those without braces).
fn with_module(lib: &str, name: &str) -> Option<String> {
    let line = format!("pub mod {name};");
    insert_sorted(lib, &line, |l| l.starts_with("pub mod ") && l.ends_with(';') && *l != "pub mod testing;")
}

/// The registry with the protocol's row at the end of the table.
fn with_row(registry: &str, name: &str) -> Option<String> {
    let table = registry.rfind("protocols! {")?;
    let end = table + registry[table..].find("\n}")?;
    let row = format!("\n    {} in {name} logs [{}Record];", camel(name), camel(name));
    Some(format!("{}{row}{}", &registry[..end], &registry[end..]))
}

fn insert_sorted(text: &str, line: &str, of_kind: impl Fn(&&str) -> bool) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(&of_kind)?;
    let at = lines.iter().position(|l| of_kind(l) && *l > line).unwrap_or(last + 1);
    let mut out = lines;
    out.insert(at, line);
    Some(out.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_shared_lines() {
        let lib = "mod cx;\npub mod dns;\npub mod http;\n\npub use cx::Cx;\n";
        let new = with_module(lib, "foo").expect("has modules");
        assert_eq!(new, "mod cx;\npub mod dns;\npub mod foo;\npub mod http;\n\npub use cx::Cx;\n");
        let registry = "macro_rules! protocols { x }\nprotocols! {\n    Dns in dns logs [DnsRecord];\n}\n";
        let new = with_row(registry, "foo_bar").expect("has a table");
        assert!(new.ends_with("DnsRecord];\n    FooBar in foo_bar logs [FooBarRecord];\n}\n"), "{new}");
    }

    #[test]
    fn two_shared_lines_of_a_detector() {
        let modules = "//! Text.\n\npub(crate) mod a_b;\npub(crate) mod dns_x;\n";
        let new = with_detector(modules, "c_d").expect("has modules");
        assert_eq!(new, "//! Text.\n\npub(crate) mod a_b;\npub(crate) mod c_d;\npub(crate) mod dns_x;\n");
        let registry = "    fn x() { a::b, }\nregistry! {\n    a_b::B,\n    dns_x::X,\n}\n\nfn f() {\n    g::h();\n}\n";
        let new = with_line(registry, "c_d").expect("has a list");
        assert!(new.contains("registry! {\n    a_b::B,\n    c_d::CD,\n    dns_x::X,\n}\n\nfn f() {"), "{new}");
        let new = with_line(registry, "z_z").expect("has a list");
        assert!(new.contains("    dns_x::X,\n    z_z::ZZ,\n}\n"), "{new}");
    }

    #[test]
    fn templates_have_no_unfilled_names() {
        for t in [MODULE, MESSAGE, RECORD, FUZZ, DETECTOR, DETECTOR_TESTS] {
            let filled = t.replace("__name__", "foo").replace("__Name__", "Foo").replace("__id__", "foo-bar");
            assert!(!filled.contains("__"), "{filled}");
        }
    }
}
