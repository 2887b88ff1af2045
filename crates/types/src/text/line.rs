use std::fmt;

/// First allocation of a line: most rows fit.
const FIRST_LEN: usize = 2 * 1024;

/// The row that is being written.
///
/// Unlike a `Vec` it lends out arrays of unwritten room, so that small values are stored where they belong, with one
/// check for the room and none per byte.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Everything behind `len` is room.
    bytes: Vec<u8>,
    len: usize,
}

impl Line {
    /// A line in the room of `bytes`, whose content goes.
    pub fn over(bytes: Vec<u8>) -> Self {
        Self { bytes, len: 0 }
    }

    /// What was written.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.len);
        self.bytes
    }

    /// Empties it; the room stays.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// What was written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Appends what `write` puts into the `N` bytes of room that it gets; it returns how many bytes that are.
    /// What it puts behind them is overwritten by what comes next.
    #[inline]
    pub fn fill<const N: usize>(&mut self, write: impl FnOnce(&mut [u8; N]) -> usize) {
        loop {
            if let Some(room) = self.bytes[self.len..].first_chunk_mut() {
                let len = write(room);
                debug_assert!(len <= N);
                self.len += len;
                return;
            }
            self.grow(N);
        }
    }

    /// Appends what `write` puts into `N` bytes of room, again and again, until it returns `None`, and `most` times at
    /// most: for that many there is one check. It writes fewer than `N` bytes, a power of two.
    #[inline]
    pub fn fill_each<const N: usize>(&mut self, most: usize, mut write: impl FnMut(&mut [u8; N]) -> Option<usize>) {
        const { assert!(N.is_power_of_two()) }
        if self.bytes.len() - self.len < most * N {
            self.grow(most * N);
        }
        let mut room = &mut self.bytes[self.len..];
        let all = room.len();
        while let Some(place) = room.first_chunk_mut() {
            let Some(len) = write(place) else { break };
            debug_assert!(len < N);
            // The remainder says nothing new, but tells the compiler that the room is long enough.
            room = &mut room[len % N..];
        }
        self.len += all - room.len();
    }

    /// Appends a byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.fill(|[room]| {
            *room = byte;
            1
        });
    }

    /// Appends a text.
    #[inline]
    pub fn extend(&mut self, text: &[u8]) {
        loop {
            if let Some(room) = self.bytes[self.len..].get_mut(..text.len()) {
                copy(text, room);
                self.len += text.len();
                return;
            }
            self.grow(text.len());
        }
    }

    /// Bytes written.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Is there nothing in it?
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Keeps the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        let wanted = (self.len + more).max(2 * self.bytes.len()).max(FIRST_LEN);
        self.bytes.resize(wanted, 0);
    }
}

/// As `copy_from_slice`, without a call for the short texts that logs are made of: two stores that may overlap.
#[inline]
fn copy(text: &[u8], room: &mut [u8]) {
    fn ends<const N: usize>(text: &[u8], room: &mut [u8]) -> Option<()> {
        let (first, last) = (*text.first_chunk::<N>()?, *text.last_chunk::<N>()?);
        *room.first_chunk_mut()? = first;
        *room.last_chunk_mut()? = last;
        Some(())
    }
    let copied = match text.len() {
        16..=32 => ends::<16>(text, room),
        8..16 => ends::<8>(text, room),
        4..8 => ends::<4>(text, room),
        2..4 => ends::<2>(text, room),
        1 => ends::<1>(text, room),
        _ => None,
    };
    if copied.is_none() {
        room.copy_from_slice(text);
    }
}

/// Writes a text of known length; returns that.
#[inline]
pub fn word<const N: usize, const M: usize>(place: &mut [u8; N], word: &[u8; M]) -> usize {
    if let Some(room) = place.first_chunk_mut() {
        *room = *word;
    }
    M
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.extend(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_appended() {
        let text: Vec<u8> = (0..=255).cycle().take(5_000).collect();
        let (mut line, mut want) = (Line::default(), Vec::new());
        for len in (0..70).chain([1_000, 3_000, 5_000]) {
            line.extend(&text[..len]);
            line.push(b'|');
            line.fill(|room: &mut [u8; 16]| {
                room.copy_from_slice(&text[100..116]);
                len % 17
            });
            want.extend_from_slice(&text[..len]);
            want.push(b'|');
            want.extend_from_slice(&text[100..100 + len % 17]);
            assert_eq!(line.as_bytes(), want);
        }
        let again = Line { bytes: line.bytes.clone(), len: line.len };
        assert_eq!(again.into_bytes(), want);
        line.truncate(3);
        assert_eq!(line.as_bytes(), &want[..3]);
        line.clear();
        assert_eq!(line.as_bytes(), b"");
    }
}
