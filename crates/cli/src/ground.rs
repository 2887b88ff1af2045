//! A folder that is written to and never left.
//!
//! Everything is opened relative to the folder's handle, one component after the other, and no link is followed: whatever
//! somebody has put into the folder between two runs, nothing is written through it. What stands in the way of a file is replaced, unless
//! it is a folder with something in it.

use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const EXISTING: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const NEW: OFlags =
    OFlags::RDWR.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Read and written by the user, read by others; nothing is executable.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o755);

/// A folder, open.
pub struct Ground {
    root: OwnedFd,
    /// The folder below it that was used last: what comes next mostly goes there as well.
    last: Option<(Vec<String>, OwnedFd)>,
}

impl Ground {
    /// Makes `dir` if need be. It may be a link: it is the user's.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: openat(CWD, dir, flags, Mode::empty())?, last: None })
    }

    /// A new, empty, plain file called `name` in the folder itself.
    pub fn create(&self, name: &str) -> io::Result<File> {
        create_at(self.root.as_fd(), name)
    }

    /// A new file below folders, which are made if need be.
    pub fn create_below(&mut self, folders: &[&str], name: &str) -> io::Result<File> {
        if self.last.as_ref().is_none_or(|(last, _)| last != folders) {
            let mut at = self.root.try_clone()?;
            for folder in folders {
                at = enter(at.as_fd(), folder)?;
            }
            self.last = Some((folders.iter().map(|f| (*f).to_owned()).collect(), at));
        }
        let at = self.last.as_ref().map_or(self.root.as_fd(), |(_, fd)| fd.as_fd());
        create_at(at, name)
    }

    /// Removes a file below folders that [`Ground::create_below`] has made last.
    pub fn remove_last(&self, name: &str) -> io::Result<()> {
        let at = self.last.as_ref().map_or(self.root.as_fd(), |(_, fd)| fd.as_fd());
        Ok(unlinkat(component(at, name)?, name, AtFlags::empty())?)
    }

    /// A plain file of the folder itself, for reading and, if `write`, for writing.
    pub fn reopen(&self, name: &str, write: bool) -> io::Result<File> {
        let flags = EXISTING | if write { OFlags::RDWR } else { OFlags::RDONLY };
        let file = File::from(openat(component(self.root.as_fd(), name)?, name, flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
        }
        Ok(file)
    }

    /// Gives a file of the folder itself another name; what had it is replaced.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let root = component(component(self.root.as_fd(), from)?, to)?;
        Ok(renameat(root, from, root, to)?)
    }

    /// Removes a file of the folder itself.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(component(self.root.as_fd(), name)?, name, AtFlags::empty())?)
    }
}

/// Refuses what is not one component: the names come from `files::layout` and are, but a way out must not depend on it.
fn component<'f>(at: BorrowedFd<'f>, name: &str) -> io::Result<BorrowedFd<'f>> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a name of a file"));
    }
    Ok(at)
}

fn create_at(at: BorrowedFd<'_>, name: &str) -> io::Result<File> {
    let at = component(at, name)?;
    match openat(at, name, NEW, FILE_MODE) {
        Err(Errno::EXIST) => {
            make_way(at, name)?;
            Ok(openat(at, name, NEW, FILE_MODE)?.into())
        }
        made => Ok(made?.into()),
    }
}

/// Removes a file, link, device or empty folder.
fn make_way(at: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    match unlinkat(at, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => Ok(unlinkat(at, name, AtFlags::REMOVEDIR)?),
        Err(Errno::NOENT) | Ok(()) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// The folder `name`, made if need be, in place of anything that isn't one.
fn enter(at: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    let at = component(at, name)?;
    match openat(at, name, FOLDER, Mode::empty()) {
        Ok(fd) => return Ok(fd),
        Err(Errno::NOENT) => {}
        // A link is either, depending on the system.
        Err(Errno::NOTDIR | Errno::LOOP) => unlinkat(at, name, AtFlags::empty())?,
        Err(e) => return Err(e.into()),
    }
    mkdirat(at, name, FOLDER_MODE)?;
    Ok(openat(at, name, FOLDER, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn ground() -> (tempfile::TempDir, tempfile::TempDir, Ground) {
        let (dir, outside) = (tempfile::tempdir().expect("tempdir"), tempfile::tempdir().expect("tempdir"));
        fs::write(outside.path().join("precious"), "untouched").expect("write");
        let ground = Ground::open(dir.path()).expect("open");
        (dir, outside, ground)
    }

    fn untouched(outside: &tempfile::TempDir) {
        assert_eq!(fs::read_dir(outside.path()).expect("readable").count(), 1);
        assert_eq!(fs::read_to_string(outside.path().join("precious")).expect("there"), "untouched");
    }

    #[test]
    fn replaces_links_instead_of_following_them() {
        let (dir, outside, mut ground) = ground();
        symlink(outside.path().join("precious"), dir.path().join("x")).expect("link");
        symlink(outside.path(), dir.path().join("d")).expect("link");
        symlink("/dev/null", dir.path().join("n")).expect("link");
        ground.create("x").and_then(|mut f| f.write_all(b"new")).expect("create");
        ground.create_below(&["d"], "precious").and_then(|mut f| f.write_all(b"new")).expect("create");
        ground.create_below(&["d", "e"], "y").expect("create");
        assert!(ground.reopen("n", true).is_err());
        untouched(&outside);
        assert_eq!(fs::read(dir.path().join("x")).expect("there"), b"new");
        assert_eq!(fs::read(dir.path().join("d/precious")).expect("there"), b"new");
        assert!(dir.path().join("d/e/y").symlink_metadata().expect("there").is_file());
    }

    #[test]
    fn hard_links_keep_their_content() {
        let (dir, outside, ground) = ground();
        fs::hard_link(outside.path().join("precious"), dir.path().join("x")).expect("link");
        ground.create("x").and_then(|mut f| f.write_all(b"new")).expect("create");
        ground.create("part").expect("create");
        fs::hard_link(outside.path().join("precious"), dir.path().join("y")).expect("link");
        ground.rename("part", "y").expect("rename");
        untouched(&outside);
    }

    #[test]
    fn rejects_ways_out() {
        let (dir, outside, mut ground) = ground();
        for name in ["..", ".", "", "a/b", "/etc/x", "../x", "a\0b"] {
            assert!(ground.create(name).is_err() && ground.create_below(&[name], "x").is_err(), "{name:?}");
            assert!(ground.rename("x", name).is_err() && ground.remove(name).is_err(), "{name:?}");
        }
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0);
        untouched(&outside);
    }

    #[test]
    fn folders_in_the_way() {
        let (dir, _outside, mut ground) = ground();
        fs::create_dir_all(dir.path().join("full/of")).expect("folder");
        fs::create_dir(dir.path().join("empty")).expect("folder");
        fs::write(dir.path().join("file"), "").expect("write");
        assert!(ground.create("full").is_err(), "somebody's files are not removed");
        assert!(ground.create("empty").is_ok());
        assert!(ground.create_below(&["file"], "x").is_ok());
    }

    #[test]
    fn nothing_is_executable() {
        let (dir, _outside, mut ground) = ground();
        ground.create_below(&["a"], "x").expect("create");
        let mode = |p: &str| fs::metadata(dir.path().join(p)).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode("a/x") & 0o111, mode("a") & 0o022), (0, 0));
    }
}
