//! `--state FILE`: what earlier runs knew is read at first, and what is known now is written at last, whole or not at all.

use anyhow::{Context, Result, anyhow, bail};
use sekisho_detect::{History, HistoryError, MAX_HISTORY_LEN};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Who wrote to whom is nobody else's business.
const MODE: u32 = 0o600;

/// A state file of the user's choice.
pub struct StateFile {
    /// Where it lies, links followed.
    path: PathBuf,
    history: History,
}

impl StateFile {
    /// Reads it; where there is none, a history begins.
    ///
    /// # Errors
    /// What cannot be used, in words; such a file is left alone.
    pub fn open(path: &Path, seed: u64) -> Result<Self> {
        Self::find(path, seed).with_context(|| format!("--state {}", path.display()))
    }

    fn find(path: &Path, seed: u64) -> Result<Self> {
        match fs::canonicalize(path) {
            Ok(path) => {
                let history = Self::read(&path)?;
                Ok(Self { path, history })
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                // At the end of a long run nobody wants to learn that there is no such folder.
                let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
                if path.file_name().is_none() || !folder.is_dir() {
                    bail!("there is no folder {}", folder.display());
                }
                Ok(Self { path: path.to_owned(), history: History::new(seed) })
            }
            Err(e) => Err(e.into()),
        }
    }

    fn read(path: &Path) -> Result<History> {
        if !fs::metadata(path)?.is_file() {
            bail!("no file");
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_HISTORY_LEN as u64 + 1).read_to_end(&mut bytes)?;
        History::read(&bytes).map_err(left_alone)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What earlier runs knew.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Replaces what was there.
    ///
    /// # Errors
    /// Of the file system; what was there stands.
    pub fn write(&self, history: &History) -> Result<()> {
        let what = || format!("--state {}: cannot write it; what was there stands", self.path.display());
        self.replace(&history.bytes()).with_context(what)
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = self.path.with_file_name(name);
        let written = write_new(&part, bytes, &self.path).and_then(|()| fs::rename(&part, &self.path));
        if written.is_err() {
            // There may be none; the first failure is the one to tell.
            let _ = fs::remove_file(&part);
        }
        written
    }
}

fn write_new(part: &Path, bytes: &[u8], old: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(part)?;
    if let Ok(old) = fs::metadata(old) {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

/// A state that cannot be used.
pub fn left_alone(error: HistoryError) -> anyhow::Error {
    match error {
        HistoryError::Seed(seed) => anyhow!("it was made with --seed {seed}; give the same"),
        error => anyhow!("{error}; it was left as it is: name another file, or remove it"),
    }
}
