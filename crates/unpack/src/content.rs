//! Content of a member: borrowed, in memory, or spooled; parts of it share it.

use crate::bytes::size;
use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

/// Bytes read at once where content is gone through from end to end.
pub(crate) const PIECE_LEN: usize = 32 << 10;

/// Content too large for memory, kept by the caller: usually a nameless temporary file.
pub trait Spooled {
    /// Adds `bytes` at the end; false if that failed, after which nothing more is added.
    fn append(&mut self, bytes: &[u8]) -> bool;

    /// Copies bytes from `at` on into `buf`; how many there were.
    fn read_at(&self, at: u64, buf: &mut [u8]) -> usize;
}

/// Where content goes that is too large for memory.
pub trait Spool {
    /// An empty place; `None` if there is none (any more).
    fn create(&mut self) -> Option<Box<dyn Spooled>>;
}

/// No spool: what is too large for memory is cut.
pub struct NoSpool;

impl Spool for NoSpool {
    fn create(&mut self) -> Option<Box<dyn Spooled>> {
        None
    }
}

/// How much memory contents hold at the moment.
#[derive(Clone, Default)]
pub(crate) struct Tally(Rc<Cell<u64>>);

impl Tally {
    pub(crate) fn held_len(&self) -> u64 {
        self.0.get()
    }
}

/// A share of the tally that ends with its content.
pub(crate) struct Lease {
    tally: Tally,
    len: u64,
}

impl Lease {
    /// `len` bytes more are held, until it is dropped.
    pub(crate) fn new(tally: &Tally, len: u64) -> Self {
        tally.0.set(tally.0.get().saturating_add(len));
        Self { tally: tally.clone(), len }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.tally.0.set(self.tally.0.get().saturating_sub(self.len));
    }
}

enum Data<'a> {
    Borrowed(&'a [u8]),
    Owned { bytes: Vec<u8>, _lease: Lease },
    Spooled(Box<dyn Spooled>),
}

/// A member's bytes. Cheap to clone and to slice: parts keep the whole alive.
#[derive(Clone)]
pub struct Content<'a> {
    data: Rc<Data<'a>>,
    /// Where the bytes of `data` are zeros because nobody knows them.
    holes: Rc<[(u64, u64)]>,
    start: u64,
    len: u64,
}

impl<'a> Content<'a> {
    /// All of `bytes`.
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        Self::new(Data::Borrowed(bytes), bytes.len() as u64)
    }

    /// The first `len` bytes of what is spooled.
    pub fn from_spooled(spooled: Box<dyn Spooled>, len: u64) -> Self {
        Self::new(Data::Spooled(spooled), len)
    }

    pub(crate) fn from_vec(bytes: Vec<u8>, tally: &Tally) -> Self {
        let (len, lease) = (bytes.len() as u64, Lease::new(tally, bytes.capacity() as u64));
        Self::new(Data::Owned { bytes, _lease: lease }, len)
    }

    fn new(data: Data<'a>, len: u64) -> Self {
        Self { data: Rc::new(data), holes: Rc::default(), start: 0, len }
    }

    /// Bytes from the first offset of a pair up to, but without, the second are not known: they read as zeros. What is made
    /// of them is told as damaged.
    #[must_use]
    pub fn with_holes(mut self, holes: &[(u64, u64)]) -> Self {
        let (start, end) = (self.start, self.start.saturating_add(self.len));
        let holes = holes.iter().map(|(a, b)| (start.saturating_add(*a), start.saturating_add(*b).min(end)));
        self.holes = holes.filter(|(a, b)| a < b).collect();
        self
    }

    /// Is there a hole among the `len` bytes at `at`?
    pub fn lacks(&self, at: u64, len: u64) -> bool {
        let start = self.start.saturating_add(at);
        let end = start.saturating_add(len);
        self.holes.iter().any(|(a, b)| *a < end && start < *b)
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Is there nothing?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The part of `len` bytes at `at`; shorter where this content ends.
    #[must_use]
    pub fn slice(&self, at: u64, len: u64) -> Self {
        let at = at.min(self.len);
        let len = len.min(self.len - at);
        Self { data: Rc::clone(&self.data), holes: Rc::clone(&self.holes), start: self.start.saturating_add(at), len }
    }

    /// The bytes, if they are in memory.
    pub fn as_slice(&self) -> Option<&[u8]> {
        let all = match &*self.data {
            Data::Borrowed(bytes) => bytes,
            Data::Owned { bytes, .. } => bytes.as_slice(),
            Data::Spooled(_) => return None,
        };
        let start = size(self.start);
        all.get(start..start.checked_add(size(self.len))?)
    }

    /// Up to `len` bytes at `at`; fewer where the content ends.
    pub fn read(&self, at: u64, len: usize) -> Cow<'_, [u8]> {
        let at = at.min(self.len);
        let len = len.min(size(self.len - at));
        if let Data::Spooled(spooled) = &*self.data {
            let mut buf = vec![0; len];
            let got = spooled.read_at(self.start.saturating_add(at), &mut buf);
            buf.truncate(got);
            return Cow::Owned(buf);
        }
        let all = self.as_slice().unwrap_or(&[]);
        Cow::Borrowed(all.get(size(at)..).and_then(|rest| rest.get(..len)).unwrap_or(&[]))
    }

    /// All bytes from the beginning on in pieces, until `each` says false.
    pub fn pieces(&self, each: &mut dyn FnMut(&[u8]) -> bool) {
        let mut at = 0;
        while at < self.len {
            let piece = self.read(at, PIECE_LEN);
            if piece.is_empty() || !each(&piece) {
                return;
            }
            at += piece.len() as u64;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A spool in memory.
    #[derive(Default)]
    pub(crate) struct VecSpool(pub(crate) usize);

    struct VecSpooled(Vec<u8>);

    impl Spooled for VecSpooled {
        fn append(&mut self, bytes: &[u8]) -> bool {
            self.0.extend_from_slice(bytes);
            true
        }

        fn read_at(&self, at: u64, buf: &mut [u8]) -> usize {
            let rest = &self.0[size(at).min(self.0.len())..];
            let n = rest.len().min(buf.len());
            buf[..n].copy_from_slice(&rest[..n]);
            n
        }
    }

    impl Spool for VecSpool {
        fn create(&mut self) -> Option<Box<dyn Spooled>> {
            self.0 += 1;
            Some(Box::new(VecSpooled(Vec::new())))
        }
    }

    #[test]
    fn slices_stay_inside() {
        let content = Content::from_bytes(b"0123456789");
        assert_eq!(content.slice(3, 4).slice(1, 99).as_slice(), Some(&b"456"[..]));
        assert_eq!(content.slice(99, 1).len(), 0);
        assert_eq!(&*content.slice(2, 5).read(3, 10), b"56");
    }

    #[test]
    fn spooled_content_reads_like_memory() {
        let mut spooled = VecSpool::default().create().unwrap();
        spooled.append(b"0123456789");
        let content = Content::from_spooled(spooled, 10).slice(2, 6);
        assert_eq!(&*content.read(1, 99), b"34567");
        assert!(content.as_slice().is_none());
    }

    #[test]
    fn holes_are_known_in_every_part() {
        let content = Content::from_bytes(b"0123456789").with_holes(&[(4, 6), (9, 20)]);
        assert!(content.lacks(0, 10) && content.lacks(0, 5) && content.lacks(5, 1) && content.lacks(9, 1));
        assert!(!content.lacks(0, 4) && !content.lacks(6, 3) && !content.lacks(10, 5));
        let part = content.slice(2, 5);
        assert!(part.lacks(0, 5) && part.lacks(3, 9) && !part.lacks(0, 2) && !part.lacks(4, 3));
    }

    #[test]
    fn memory_is_given_back() {
        let tally = Tally::default();
        let content = Content::from_vec(vec![0; 100], &tally);
        let part = content.slice(0, 1);
        drop(content);
        assert_eq!(tally.held_len(), 100);
        drop(part);
        assert_eq!(tally.held_len(), 0);
    }
}
