use crate::unpack::unpack;
use crate::{pcap, pcapng};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Most captures of one timeline.
pub const MAX_SOURCES: usize = 1_000_000;
/// Deepest nesting of directories that is searched.
pub const MAX_DEPTH: usize = 64;

/// Why captures could not be opened: errors of the caller's request. Damage inside a capture is none
/// (see [`crate::Damage`]).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A directory without captures.
    #[error("{}: no captures in this directory", .0.display())]
    EmptyDirectory(PathBuf),
    /// The file or directory cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A pattern that matches no capture.
    #[error("{0}: no capture matches this pattern")]
    NoMatch(String),
    /// A text that is no pattern.
    #[error("{pattern}: {reason}")]
    Pattern {
        /// The text.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// More than [`MAX_SOURCES`] captures.
    #[error("more than {MAX_SOURCES} captures")]
    TooMany,
}

/// One thing to read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A regular file and its length.
    File(PathBuf, u64),
    /// A pipe or device: can be read once, from its start.
    Stream(PathBuf),
    Stdin,
}

/// What the arguments stand for.
#[derive(Debug, Default)]
pub(crate) struct Expanded {
    pub(crate) found: Vec<Found>,
    /// Files of directories and patterns that are no captures.
    pub(crate) skipped_count: u64,
    /// Files named more than once.
    pub(crate) duplicate_count: u64,
    seen: BTreeSet<PathBuf>,
}

/// Resolves files, directories, patterns and `-`, in the order given; what a directory or pattern
/// stands for is sorted by name.
pub(crate) fn expand<P: AsRef<Path>>(arguments: &[P]) -> Result<Expanded, Error> {
    let mut all = Expanded::default();
    for argument in arguments {
        all.argument(argument.as_ref())?;
    }
    Ok(all)
}

impl Expanded {
    fn argument(&mut self, path: &Path) -> Result<(), Error> {
        if path == Path::new("-") {
            return self.push(Found::Stdin);
        }
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => {
                let before = (self.found.len(), self.duplicate_count);
                self.directory(path, 0)?;
                if before == (self.found.len(), self.duplicate_count) {
                    return Err(Error::EmptyDirectory(path.into()));
                }
                Ok(())
            }
            Ok(meta) if meta.is_file() => {
                // Opened only to say so now if it cannot be.
                fs::File::open(path).map_err(|source| Error::Io { path: path.into(), source })?;
                self.file(path, meta.len())
            }
            Ok(_) => self.push(Found::Stream(path.into())),
            Err(e) => match path.to_str() {
                Some(pattern) if pattern.contains(['*', '?', '[']) => self.pattern(pattern),
                _ => Err(Error::Io { path: path.into(), source: e }),
            },
        }
    }

    fn pattern(&mut self, pattern: &str) -> Result<(), Error> {
        let wrong = |reason: String| Error::Pattern { pattern: pattern.into(), reason };
        let before = (self.found.len(), self.duplicate_count);
        // The matches come sorted by name.
        for entry in glob::glob(pattern).map_err(|e| wrong(e.to_string()))? {
            let path = entry.map_err(|e| wrong(e.to_string()))?;
            self.found_by_search(&path, 0)?;
        }
        if before == (self.found.len(), self.duplicate_count) {
            return Err(Error::NoMatch(pattern.into()));
        }
        Ok(())
    }

    fn directory(&mut self, path: &Path, depth: usize) -> Result<(), Error> {
        let io = |source| Error::Io { path: path.into(), source };
        let entries = fs::read_dir(path).map_err(io)?;
        let mut paths = entries.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(io)?;
        paths.sort();
        for path in paths {
            // Links to directories are not followed: they may lead in circles.
            let is_link = fs::symlink_metadata(&path).is_ok_and(|m| m.is_symlink());
            if is_link && path.is_dir() {
                self.skipped_count += 1;
            } else {
                self.found_by_search(&path, depth + 1)?;
            }
        }
        Ok(())
    }

    fn found_by_search(&mut self, path: &Path, depth: usize) -> Result<(), Error> {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() && depth < MAX_DEPTH => self.directory(path, depth),
            Ok(meta) if meta.is_file() && looks_like_capture(path) => self.file(path, meta.len()),
            _ => {
                self.skipped_count += 1;
                Ok(())
            }
        }
    }

    fn file(&mut self, path: &Path, len: u64) -> Result<(), Error> {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        if self.seen.insert(real) {
            self.push(Found::File(path.into(), len))
        } else {
            self.duplicate_count += 1;
            Ok(())
        }
    }

    fn push(&mut self, found: Found) -> Result<(), Error> {
        if self.found.len() >= MAX_SOURCES {
            return Err(Error::TooMany);
        }
        if found == Found::Stdin && self.found.contains(&Found::Stdin) {
            self.duplicate_count += 1;
            return Ok(());
        }
        self.found.push(found);
        Ok(())
    }
}

/// By its first bytes, unpacked if packed.
fn looks_like_capture(path: &Path) -> bool {
    let Ok(file) = fs::File::open(path) else { return false };
    let mut first = Vec::new();
    let (_, unpacked) = unpack(file);
    let read = unpacked.take(4).read_to_end(&mut first);
    read.is_ok() && (pcap::probe(&first) || pcapng::probe(&first))
}
