use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Most files of one timeline open at once; beyond, a file is closed after each read and opened
/// again for the next.
pub const MAX_OPEN_FILES: usize = 256;

/// What the files of a timeline share: how many are open, and how much was read from them.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    open_count: AtomicUsize,
    pub(crate) read_len: AtomicU64,
}

/// A regular file that gives its descriptor back when there are many.
pub(crate) struct PooledFile {
    path: PathBuf,
    file: Option<File>,
    pos: u64,
    pool: Arc<Pool>,
}

impl PooledFile {
    pub(crate) fn new(path: PathBuf, pool: Arc<Pool>) -> Self {
        Self { path, file: None, pos: 0, pool }
    }

    fn close(&mut self) {
        if self.file.take().is_some() {
            self.pool.open_count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Read for PooledFile {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = File::open(&self.path)?;
                if self.pos > 0 {
                    file.seek(SeekFrom::Start(self.pos))?;
                }
                self.pool.open_count.fetch_add(1, Ordering::Relaxed);
                none.insert(file)
            }
        };
        let n = file.read(to)?;
        self.pos += n as u64;
        self.pool.read_len.fetch_add(n as u64, Ordering::Relaxed);
        if n == 0 || self.pool.open_count.load(Ordering::Relaxed) > MAX_OPEN_FILES {
            self.close();
        }
        Ok(n)
    }
}

impl Drop for PooledFile {
    fn drop(&mut self) {
        self.close();
    }
}

/// A stream whose bytes are counted.
pub(crate) struct Counted<R> {
    pub(crate) reader: R,
    pub(crate) pool: Arc<Pool>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(to)?;
        self.pool.read_len.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
