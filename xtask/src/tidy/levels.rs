//! Laws about crates, from cargo's metadata.

use serde_json::Value;

/// Level of each crate (design §2); a crate may depend only on lower levels.
const LEVELS: &[(&str, u8)] = &[
    ("sekisho-types", 0),
    ("sekisho-inflate", 0),
    ("sekisho-scan", 0),
    ("sekisho-record-derive", 0),
    ("sekisho-record", 1),
    ("sekisho-transaction", 1),
    ("sekisho-wire", 1),
    ("sekisho-unpack", 1),
    ("sekisho-x509", 1),
    ("sekisho-finding", 1),
    ("sekisho-intel", 1),
    ("sekisho-dnssec", 1),
    ("sekisho-capture", 1),
    ("sekisho-flow", 2),
    ("sekisho-proto", 2),
    ("sekisho-files", 2),
    ("sekisho-rules", 2),
    ("sekisho-hunt", 2),
    ("sekisho-signature", 2),
    ("sekisho-output", 2),
    ("sekisho-detect", 3),
    ("sekisho-report", 3),
    ("sekisho-engine", 4),
    ("sekisho", 5),
];

/// House crates outside the levels.
const OUTSIDE: &[&str] = &["sekisho-testkit", "xtask"];

/// Dependencies forbidden although the levels would allow them: laws 2 and 3.
const FORBIDDEN: &[(&str, &str)] = &[
    ("sekisho-report", "sekisho-proto"),
    ("sekisho-report", "sekisho-flow"),
    ("sekisho-detect", "sekisho-wire"),
    ("sekisho-detect", "sekisho-flow"),
    ("sekisho-rules", "sekisho-proto"),
    ("sekisho-output", "sekisho-proto"),
];

/// Crates that unpack; law 6 keeps them in `inflate`.
const DECOMPRESSORS: &[&str] = &[
    "flate2",
    "miniz_oxide",
    "libdeflater",
    "zlib-rs",
    "brotli",
    "brotli-decompressor",
    "zstd",
    "ruzstd",
    "lz4",
    "lz4_flex",
    "lzma-rs",
    "lzma-rust2",
    "xz2",
    "liblzma",
    "bzip2",
    "bzip2-rs",
    "snap",
    "weezl",
    "deflate64",
    "lzxd",
    "ppmd-rust",
    "rars",
    "sevenz-rust",
    "unrar",
    "zip",
];

/// Who may name a decompressor, and why.
const UNPACKERS: &[(&str, &str)] = &[
    ("sekisho-inflate", "the one place for bytes from the wire"),
    ("sekisho-capture", "unwraps captures that the user named: streamed through a fixed window, never collected"),
    ("sekisho-output", "packs the pages of Parquet files, unpacks nothing"),
];

/// The house's packages with their non-development dependencies.
fn house(metadata: &Value) -> Vec<(String, Vec<String>)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .filter(|p| p["source"].is_null())
        .map(|p| {
            let deps = p["dependencies"].as_array().into_iter().flatten();
            (text(&p["name"]), deps.filter(|d| d["kind"].as_str() != Some("dev")).map(|d| text(&d["name"])).collect())
        })
        .collect()
}

fn level(name: &str) -> Option<u8> {
    LEVELS.iter().find(|l| l.0 == name).map(|l| l.1)
}

/// Arrows go down the levels only; laws 2 and 3 besides.
pub(crate) fn levels(metadata: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for (name, deps) in house(metadata) {
        if OUTSIDE.contains(&name.as_str()) {
            continue;
        }
        let Some(own) = level(&name) else {
            out.push(format!("crate {name} has no level: add it to xtask/src/tidy/levels.rs"));
            continue;
        };
        for dep in deps {
            if level(&dep).is_some_and(|l| l >= own) {
                out.push(format!("{name} (level {own}) depends on {dep}, which is not below it"));
            }
            if FORBIDDEN.contains(&(name.as_str(), dep.as_str())) || OUTSIDE.contains(&dep.as_str()) {
                out.push(format!("{name} must not know {dep}"));
            }
        }
    }
    out
}

/// Law 6: raw decompressors only where named.
pub(crate) fn decompressors(metadata: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for (name, deps) in house(metadata) {
        if UNPACKERS.iter().any(|u| u.0 == name) {
            continue;
        }
        for dep in deps.iter().filter(|d| DECOMPRESSORS.contains(&d.as_str())) {
            out.push(format!("{name} depends on the decompressor {dep}; use sekisho-inflate"));
        }
    }
    out
}

/// Every third-party licence offers a choice that deny.toml allows.
pub(crate) fn licences(metadata: &Value, deny: &toml::Table) -> Vec<String> {
    let allowed: Vec<&str> = deny
        .get("licenses")
        .and_then(|l| l.get("allow"))
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_str)
        .collect();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .filter(|p| !p["source"].is_null())
        .filter_map(|p| {
            let licence = p["license"].as_str().unwrap_or("");
            (!acceptable(licence, &allowed)).then(|| format!("{}: licence {licence:?} is not in deny.toml", p["name"]))
        })
        .collect()
}

/// Is the SPDX expression satisfied by the allowed licences? `AND` binds tighter than `OR`.
fn acceptable(expression: &str, allowed: &[&str]) -> bool {
    let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
    flat.split(" OR ").any(|choice| choice.split(" AND ").all(|l| allowed.contains(&l.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(name: &str, deps: &[&str]) -> Value {
        let deps: Vec<Value> = deps.iter().map(|d| json!({"name": d, "kind": null})).collect();
        json!({"packages": [{"name": name, "source": null, "dependencies": deps}]})
    }

    #[test]
    fn arrows_go_down() {
        assert!(levels(&metadata("sekisho-flow", &["sekisho-wire", "hashbrown"])).is_empty());
        for (name, dep) in [
            ("sekisho-flow", "sekisho-proto"),
            ("sekisho-wire", "sekisho-engine"),
            ("sekisho-report", "sekisho-proto"),
            ("sekisho-output", "sekisho-flow"),
            ("sekisho-engine", "sekisho-testkit"),
        ] {
            assert!(!levels(&metadata(name, &[dep])).is_empty(), "{name} → {dep}");
        }
        assert!(!levels(&metadata("sekisho-common", &[])).is_empty());
    }

    #[test]
    fn decompressors_stay_in_inflate() {
        assert!(decompressors(&metadata("sekisho-inflate", &["flate2"])).is_empty());
        assert_eq!(decompressors(&metadata("sekisho-proto", &["flate2"])).len(), 1);
    }

    #[test]
    fn licences_offer_a_choice() {
        let allowed = ["MIT", "Apache-2.0", "ISC"];
        assert!(acceptable("MIT OR GPL-3.0", &allowed));
        assert!(acceptable("(MIT OR Apache-2.0) AND ISC", &["MIT", "Apache-2.0", "ISC"]));
        assert!(acceptable("MIT/Apache-2.0", &allowed));
        assert!(!acceptable("GPL-3.0", &allowed));
        assert!(!acceptable("MIT AND GPL-3.0", &allowed));
    }
}
