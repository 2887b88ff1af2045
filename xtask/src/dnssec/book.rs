//! The recordings that are committed: `messages.bin`, each message once, behind its length in two octets, and
//! `cases.txt`, which says of each case when which of them passed.

use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Cases that are committed as recorded at the resolver too. The others differ little there.
const AT_RESOLVER: &[&str] =
    &["algorithm-8", "deep", "dname", "unsigned", "opt-out-unsigned", "unknown-algorithm", "tampered", "nsec-missing"];

/// Writes both files, and the anchors.
pub(super) fn write(folder: &Path, cases: &[Value], to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    fs::copy(folder.join("anchors"), to.join("anchors"))?;
    let mut numbers: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let (mut messages, mut text) = (Vec::new(), String::new());
    for case in cases {
        let member = |name: &str| case[name].as_str().unwrap_or_default();
        for vantage in super::VANTAGES {
            let file = folder.join(format!("{}.{vantage}", member("name")));
            if !file.exists() || vantage == "resolver" && !AT_RESOLVER.contains(&member("name")) {
                continue;
            }
            let words = ["name", "question", "rtype", "status", "reason"].map(member).join(" ");
            writeln!(text, "{vantage} {words}")?;
            for line in fs::read_to_string(&file)?.lines() {
                let mut words = line.split(' ');
                let mut next = || words.next().with_context(|| format!("{}: {line}", file.display()));
                let (at, server, message) = (next()?, next()?, octets(next()?).context("not hexadecimal")?);
                let count = numbers.len();
                let number = *numbers.entry(message.clone()).or_insert_with(|| {
                    messages.extend(u16::try_from(message.len()).unwrap_or(0).to_be_bytes());
                    messages.extend(&message);
                    count
                });
                writeln!(text, "  {at} {server} {number}")?;
            }
        }
    }
    println!("crates/dnssec/tests/data: {} messages, {} bytes", numbers.len(), messages.len());
    fs::write(to.join("messages.bin"), messages)?;
    fs::write(to.join("cases.txt"), text)?;
    Ok(())
}

/// From hexadecimal, with the message's number made zero: it is by chance, and hides that two are the same.
fn octets(hex: &str) -> Option<Vec<u8>> {
    let pairs = (0..hex.len() / 2).map(|n| u8::from_str_radix(hex.get(2 * n..2 * n + 2)?, 16).ok());
    let mut octets = pairs.collect::<Option<Vec<u8>>>()?;
    octets.get_mut(..2)?.fill(0);
    Some(octets)
}
