//! The committed example: a capture that brings its own secrets.

use super::laboratory;
use crate::shell;
use anyhow::{Result, bail};
use std::fs;

/// Longest example.
const MAX_LEN: u64 = 100_000;

/// Records `examples/keys.pcapng` and its truth file anew.
pub(super) fn make() -> Result<bool> {
    let root = shell::root();
    let folder = root.join("target/keys-example");
    let _ = fs::remove_dir_all(&folder);
    laboratory::record(&folder, &["--example".to_owned()])?;
    let len = fs::metadata(folder.join("keys.pcapng"))?.len();
    if len > MAX_LEN {
        bail!("keys: the example has {len} bytes, at most {MAX_LEN}");
    }
    for name in ["keys.pcapng", "keys.truth.json"] {
        fs::copy(folder.join(name), root.join("examples").join(name))?;
    }
    fs::remove_dir_all(&folder)?;
    println!("examples/keys.pcapng: {len} bytes; now: cargo xtask bless, examples/reference");
    Ok(true)
}
