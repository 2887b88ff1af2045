//! Runs of the binary, and what they found.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The binary.
pub(super) struct Program(pub(super) PathBuf);

/// What was read of a capture.
#[derive(Clone, Default)]
pub(super) struct Found {
    /// All rows, in their order.
    pub(super) rows: Vec<Map<String, Value>>,
    /// The entries of the index of extracted files; each one's content has been looked at.
    pub(super) files: Vec<Map<String, Value>>,
}

impl Program {
    /// Logs and files of a capture.
    pub(super) fn read(&self, capture: &Path, keylog: Option<&Path>) -> Result<Found> {
        let rows = self.run(&["logs", "--format", "ndjson", "--hash", "sha256"], Path::new("-"), capture, keylog)?;
        let folder = capture.with_extension("files");
        let _ = fs::remove_dir_all(&folder);
        self.run(&["files"], &folder, capture, keylog)?;
        let files = parse(&fs::read(folder.join("index.ndjson"))?)?;
        for file in &files {
            let path = folder.join(file.get("path").and_then(Value::as_str).context("a file without path")?);
            let len = fs::metadata(&path).with_context(|| path.display().to_string())?.len();
            if Some(len) != file.get("size").and_then(Value::as_u64) {
                bail!("{}: {len} bytes, the index says {:?}", path.display(), file.get("size"));
            }
        }
        fs::remove_dir_all(&folder)?;
        Ok(Found { rows: parse(&rows)?, files })
    }

    fn run(&self, verb: &[&str], output: &Path, capture: &Path, keylog: Option<&Path>) -> Result<Vec<u8>> {
        let mut command = Command::new(&self.0);
        command.args(verb).arg("-q").arg("-o").arg(output).arg(capture);
        if let Some(keylog) = keylog {
            command.arg("--keylog").arg(keylog);
        }
        let done = command.stdin(Stdio::null()).output().with_context(|| self.0.display().to_string())?;
        if !done.status.success() {
            bail!("{command:?}: {}: {}", done.status, String::from_utf8_lossy(&done.stderr));
        }
        Ok(done.stdout)
    }
}

fn parse(lines: &[u8]) -> Result<Vec<Map<String, Value>>> {
    let lines = lines.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    lines.map(|line| serde_json::from_slice(line).context("a line that is no JSON object")).collect()
}
