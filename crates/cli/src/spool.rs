//! What is too large for memory while files are unpacked: temporary files without a name.
//!
//! They are nobody's but this process's: no other program can open them, and they are gone when it ends, however it ends.

use rustix::fs::{CWD, Mode, OFlags, openat};
use sekisho_unpack::{Spool, Spooled};
use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Names tried for a temporary file where the file system makes none without a name.
const NAME_COUNT_MAX: u32 = 1000;

/// Most bytes that are spooled at the same time, unless the caller says otherwise.
pub const SPOOL_LEN_MAX: u64 = 4 << 30;

/// A spool in a folder of a disk. At most so many bytes are in it at the same time.
pub struct DiskSpool {
    dir: PathBuf,
    account: Rc<Account>,
}

/// What a spool and its files share.
#[derive(Default)]
struct Account {
    /// Bytes that may still be written.
    left: Cell<u64>,
    failures: Cell<u64>,
    refusals: Cell<u64>,
    first_failure: Cell<Option<io::Error>>,
}

impl Account {
    fn failed(&self, e: io::Error) {
        self.failures.set(self.failures.get() + 1);
        let first = self.first_failure.take();
        self.first_failure.set(first.or(Some(e)));
    }
}

impl DiskSpool {
    /// For files in `dir`, of `len_max` bytes together.
    pub fn new(dir: &Path, len_max: u64) -> Self {
        let account = Account { left: Cell::new(len_max), ..Account::default() };
        Self { dir: dir.to_owned(), account: Rc::new(account) }
    }

    /// In the system's folder for temporary files (`TMPDIR`).
    pub fn temporary(len_max: u64) -> Self {
        Self::new(&std::env::temp_dir(), len_max)
    }

    /// Failures of the disk, and the first of them.
    pub fn failures(&self) -> (u64, Option<io::Error>) {
        (self.account.failures.get(), self.account.first_failure.take())
    }

    /// Contents that there was no room for.
    pub fn refusals(&self) -> u64 {
        self.account.refusals.get()
    }
}

impl Spool for DiskSpool {
    fn create(&mut self) -> Option<Box<dyn Spooled>> {
        if self.account.left.get() == 0 {
            self.account.refusals.set(self.account.refusals.get() + 1);
            return None;
        }
        match nameless(&self.dir) {
            Ok(file) => Some(Box::new(OnDisk { file, len: 0, account: Rc::clone(&self.account) })),
            Err(e) => {
                self.account.failed(e);
                None
            }
        }
    }
}

/// One content. Its bytes count for the spool until it is dropped.
struct OnDisk {
    file: File,
    len: u64,
    account: Rc<Account>,
}

impl Spooled for OnDisk {
    fn append(&mut self, bytes: &[u8]) -> bool {
        let account = &self.account;
        let Some(left) = account.left.get().checked_sub(bytes.len() as u64) else {
            account.refusals.set(account.refusals.get() + 1);
            return false;
        };
        if let Err(e) = self.file.write_all(bytes) {
            account.failed(e);
            return false;
        }
        account.left.set(left);
        self.len += bytes.len() as u64;
        true
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> usize {
        read_fully(&self.file, at, buf).unwrap_or_else(|e| {
            self.account.failed(e);
            0
        })
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        self.account.left.set(self.account.left.get().saturating_add(self.len));
    }
}

/// Fills `buf` from `at` on as far as the file goes.
pub fn read_fully(file: &File, at: u64, buf: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], at + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// A new file in `dir` that has no name, or has none any more.
pub fn nameless(dir: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    // Some file systems can't; that they say in several ways, so any failure leads to the other one.
    if let Ok(fd) = openat(CWD, dir, flags, Mode::RUSR | Mode::WUSR) {
        return Ok(fd.into());
    }
    for number in 0..NAME_COUNT_MAX {
        let path = dir.join(format!(".sekisho-{}-{number}", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return fs::remove_file(&path).map(|()| file),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_content_without_a_name() {
        let dir = tempfile::tempdir().expect("tempdir");
        let mut spool = DiskSpool::new(dir.path(), 1 << 20);
        let mut one = spool.create().expect("a file");
        let mut two = spool.create().expect("a file");
        assert!(one.append(b"0123") && two.append(b"abcdef") && one.append(b"456789"));
        let mut buf = [0; 8];
        assert_eq!((one.read_at(3, &mut buf), &buf), (7, b"3456789\0"));
        assert_eq!((two.read_at(0, &mut buf[..3]), &buf[..3]), (3, &b"abc"[..]));
        assert_eq!(two.read_at(6, &mut buf), 0);
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0, "nothing to be seen, nothing to be left");
        assert_eq!((spool.failures().0, spool.refusals()), (0, 0));
    }

    #[test]
    fn limits_what_is_kept_at_the_same_time() {
        let dir = tempfile::tempdir().expect("tempdir");
        let mut spool = DiskSpool::new(dir.path(), 10);
        let mut one = spool.create().expect("a file");
        assert!(one.append(&[1; 6]) && !one.append(&[1; 6]) && one.append(&[1; 4]));
        assert!(spool.create().is_none(), "full");
        assert_eq!(spool.refusals(), 2);
        drop(one);
        assert!(spool.create().is_some_and(|mut two| two.append(&[2; 10])), "room again");
    }

    #[test]
    fn counts_failures() {
        let mut spool = DiskSpool::new(Path::new("/nonexistent"), 10);
        assert!(spool.create().is_none());
        let (count, first) = spool.failures();
        assert_eq!((count, first.map(|e| e.kind())), (1, Some(io::ErrorKind::NotFound)));
    }
}
