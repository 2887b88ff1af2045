//! Contents that wait to be searched: in memory while they are small and few, else in blocks of one nameless temporary file.

use crate::spool::{nameless, read_fully};
use sekisho_unpack::{Content, Spool, Spooled};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

/// Bytes of one content that stay in memory.
const MEMORY_LEN_MAX: u64 = 256 << 10;
/// Bytes of all contents that stay in memory.
const HELD_LEN_MAX: u64 = 32 << 20;
/// A block of the temporary file.
const BLOCK_LEN: u64 = 128 << 10;
/// Blocks of the temporary file: 4 GiB.
const BLOCK_COUNT_MAX: u32 = 32 << 10;

/// Where contents lie.
#[derive(Default)]
pub struct Scratch {
    held_len: Cell<u64>,
    disk: RefCell<Disk>,
}

#[derive(Default)]
struct Disk {
    file: Option<File>,
    /// It can't be made.
    failed: bool,
    free: Vec<u32>,
    made: u32,
}

impl Disk {
    fn file(&mut self) -> Option<&File> {
        if self.file.is_none() && !self.failed {
            self.file = nameless(&std::env::temp_dir()).ok();
            self.failed = self.file.is_none();
        }
        self.file.as_ref()
    }

    /// An empty block, all zeros.
    fn block(&mut self) -> Option<u32> {
        self.file()?;
        let number = match self.free.pop() {
            Some(number) => number,
            None if self.made < BLOCK_COUNT_MAX => {
                self.made += 1;
                return Some(self.made - 1);
            }
            None => return None,
        };
        let zeros = vec![0; usize::try_from(BLOCK_LEN).ok()?];
        self.file()?.write_all_at(&zeros, u64::from(number) * BLOCK_LEN).ok()?;
        Some(number)
    }
}

/// One content. What was never written reads as zeros.
pub struct Pot {
    scratch: Rc<Scratch>,
    len: u64,
    memory: Vec<u8>,
    blocks: Vec<Option<u32>>,
    on_disk: bool,
    /// Part of the scratch's memory.
    held_len: u64,
}

impl Pot {
    /// Nothing yet.
    pub fn new(scratch: &Rc<Scratch>) -> Self {
        let scratch = Rc::clone(scratch);
        Self { scratch, len: 0, memory: Vec::new(), blocks: Vec::new(), on_disk: false, held_len: 0 }
    }

    /// Length so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// `bytes` at `at`; false if there is no room.
    pub fn write_at(&mut self, at: u64, bytes: &[u8]) -> bool {
        let Some(end) = at.checked_add(bytes.len() as u64) else { return false };
        let small = end <= MEMORY_LEN_MAX && self.scratch.held_len.get() + end <= HELD_LEN_MAX;
        if !self.on_disk && !small && !self.move_to_disk() {
            return false;
        }
        if self.on_disk {
            return self.write_blocks(at, bytes);
        }
        let (Ok(start), Ok(stop)) = (usize::try_from(at), usize::try_from(end)) else { return false };
        if self.memory.len() < stop {
            self.memory.resize(stop, 0);
        }
        self.memory[start..stop].copy_from_slice(bytes);
        self.len = self.len.max(end);
        self.account();
        true
    }

    fn account(&mut self) {
        let held = self.memory.capacity() as u64;
        self.scratch.held_len.set(self.scratch.held_len.get() + held - self.held_len);
        self.held_len = held;
    }

    fn move_to_disk(&mut self) -> bool {
        self.on_disk = true;
        let memory = std::mem::take(&mut self.memory);
        self.account();
        self.write_blocks(0, &memory)
    }

    fn write_blocks(&mut self, at: u64, bytes: &[u8]) -> bool {
        let (mut at, mut rest) = (at, bytes);
        while !rest.is_empty() {
            let (Ok(index), within) = (usize::try_from(at / BLOCK_LEN), at % BLOCK_LEN) else { return false };
            let len = usize::try_from(BLOCK_LEN - within).map_or(rest.len(), |n| n.min(rest.len()));
            let (part, later) = rest.split_at(len);
            if index >= BLOCK_COUNT_MAX as usize {
                return false;
            }
            if self.blocks.len() <= index {
                self.blocks.resize(index + 1, None);
            }
            let mut disk = self.scratch.disk.borrow_mut();
            if self.blocks[index].is_none() {
                self.blocks[index] = disk.block();
            }
            let Some(block) = self.blocks[index] else { return false };
            let written = disk.file().map(|f| f.write_all_at(part, u64::from(block) * BLOCK_LEN + within));
            if !matches!(written, Some(Ok(()))) {
                return false;
            }
            at += len as u64;
            self.len = self.len.max(at);
            rest = later;
        }
        true
    }

    /// Copies what lies at `at` into `buf`; how much there was.
    pub fn read_at(&self, at: u64, buf: &mut [u8]) -> usize {
        let left = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let want = buf.len().min(left);
        let Some(buf) = buf.get_mut(..want) else { return 0 };
        if !self.on_disk {
            let start = usize::try_from(at).unwrap_or(usize::MAX);
            let Some(part) = self.memory.get(start..).and_then(|m| m.get(..want)) else { return 0 };
            buf.copy_from_slice(part);
            return want;
        }
        let mut done = 0;
        while done < want {
            let place = at + done as u64;
            let (index, within) = (usize::try_from(place / BLOCK_LEN).unwrap_or(usize::MAX), place % BLOCK_LEN);
            let len = usize::try_from(BLOCK_LEN - within).map_or(want - done, |n| n.min(want - done));
            let part = &mut buf[done..done + len];
            match self.blocks.get(index).copied().flatten() {
                None => part.fill(0),
                Some(block) => {
                    let disk = self.scratch.disk.borrow();
                    let read = disk.file.as_ref().map(|f| read_fully(f, u64::from(block) * BLOCK_LEN + within, part));
                    let Some(Ok(got)) = read else { return done };
                    // What lies behind the end of the file was never written.
                    part[got..].fill(0);
                }
            }
            done += len;
        }
        done
    }

    /// As a content to be unpacked; it reads from here.
    pub fn into_content(self) -> Content<'static> {
        let len = self.len;
        Content::from_spooled(Box::new(self), len)
    }

    /// The bytes, if they are in memory.
    pub fn in_memory(&self) -> Option<&[u8]> {
        (!self.on_disk).then_some(self.memory.as_slice())
    }
}

impl Drop for Pot {
    fn drop(&mut self) {
        let scratch = &self.scratch;
        scratch.held_len.set(scratch.held_len.get().saturating_sub(self.held_len));
        scratch.disk.borrow_mut().free.extend(self.blocks.drain(..).flatten());
    }
}

impl Spooled for Pot {
    fn append(&mut self, bytes: &[u8]) -> bool {
        self.write_at(self.len, bytes)
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> usize {
        Self::read_at(self, at, buf)
    }
}

/// The scratch as the unpacker's spool.
pub struct ScratchSpool(pub Rc<Scratch>);

impl Spool for ScratchSpool {
    fn create(&mut self) -> Option<Box<dyn Spooled>> {
        let mut pot = Pot::new(&self.0);
        pot.on_disk = true;
        Some(Box::new(pot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pot: &Pot, at: u64, expected: &[u8]) {
        let mut buf = vec![0xee; expected.len()];
        assert_eq!(pot.read_at(at, &mut buf), expected.len());
        assert_eq!(buf, expected);
    }

    #[test]
    fn content_reads_back_in_memory_and_on_disk() {
        let scratch = Rc::new(Scratch::default());
        let mut pot = Pot::new(&scratch);
        assert!(pot.write_at(0, b"small") && pot.write_at(7, b"!"));
        check(&pot, 0, b"small\0\0!");
        assert!(pot.in_memory().is_some());
        let far = 3 * BLOCK_LEN - 2;
        assert!(pot.write_at(far, b"far away"));
        assert!(pot.in_memory().is_none());
        check(&pot, 3, b"ll\0\0!\0\0");
        check(&pot, far - 2, b"\0\0far away");
        assert_eq!(pot.len(), far + 8);
        let mut buf = [0; 4];
        assert_eq!(pot.read_at(pot.len() - 1, &mut buf), 1);
    }

    #[test]
    fn blocks_are_used_again_and_clean() {
        let scratch = Rc::new(Scratch::default());
        let mut pot = Pot::new(&scratch);
        assert!(pot.write_at(0, &[1; 300 << 10]));
        drop(pot);
        let made = scratch.disk.borrow().made;
        let mut pot = Pot::new(&scratch);
        assert!(pot.write_at(300 << 10, b"x"));
        check(&pot, (300 << 10) - 3, b"\0\0\0x");
        assert_eq!((scratch.disk.borrow().made, scratch.held_len.get()), (made, 0));
    }

    #[test]
    fn limits_length() {
        let mut pot = Pot::new(&Rc::new(Scratch::default()));
        assert!(!pot.write_at(u64::MAX - 1, b"ab") && !pot.write_at(u64::from(BLOCK_COUNT_MAX) * BLOCK_LEN, b"a"));
        assert_eq!(pot.len(), 0);
    }
}
