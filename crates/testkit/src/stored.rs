//! The captures that the project keeps.

use std::fs;
use std::path::{Path, PathBuf};

/// Captures in these folders of the project and below, in order of their paths.
///
/// # Panics
/// If a folder cannot be read, or there are none: a test over nothing would pass.
pub fn stored_captures(folders: &[&str]) -> Vec<PathBuf> {
    fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "pcap" || e == "pcapng") {
                out.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    folders.iter().for_each(|folder| walk(&root.join(folder), &mut paths));
    paths.sort();
    assert!(paths.len() >= 2, "captures to work on");
    paths
}
