//! The laws of the house, each with a test: levels of crates, what a crate may know, bans, file
//! lengths, licences. A law is a function from text or metadata to complaints, so that its test can
//! show it a violation.

mod laws;
mod levels;
mod source;

use crate::shell;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Runs every law; true if nothing was found.
pub(crate) fn tidy() -> Result<bool> {
    let root = shell::root();
    let metadata = shell::output("cargo", &["metadata", "--format-version", "1", "--locked"])?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    let deny: toml::Table = fs::read_to_string(root.join("deny.toml")).context("deny.toml")?.parse()?;

    let mut complaints = levels::levels(&metadata);
    complaints.extend(levels::decompressors(&metadata));
    complaints.extend(levels::licences(&metadata, &deny));
    let protocols = laws::protocol_modules(&read(&root, "crates/proto/src/registry.rs")?);
    let mut files = 0;
    for path in rust_files(&root)? {
        let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| name.clone())?;
        complaints.extend(laws::file_laws(&name, &text, &protocols));
        files += 1;
    }
    for name in &protocols {
        complaints.extend(laws::protocol_is_complete(&root, name));
    }
    for c in &complaints {
        eprintln!("tidy: {c}");
    }
    eprintln!("tidy: {files} files, {} protocols, {} complaints", protocols.len(), complaints.len());
    Ok(complaints.is_empty())
}

fn read(root: &Path, name: &str) -> Result<String> {
    fs::read_to_string(root.join(name)).with_context(|| name.to_owned())
}

/// Every Rust file that git tracks or would track.
fn rust_files(root: &Path) -> Result<Vec<PathBuf>> {
    let listed = shell::output("git", &["ls-files", "-co", "--exclude-standard", "*.rs"])?;
    Ok(listed.lines().map(|l| root.join(l)).filter(|p| p.exists()).collect())
}
