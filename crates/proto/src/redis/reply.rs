//! Replies of the server (RESP 2 and 3), as text.

use super::command::number;
use super::{MAX_DEPTH, MAX_ELEMENTS, MAX_TEXT_LEN};
use crate::pieces::{Piece, Pieces};
use sekisho_types::{Heap, list_len};

/// What a whole reply is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// Up to [`MAX_TEXT_LEN`] bytes.
    pub text: Vec<u8>,
    pub error: bool,
    /// Sent without being asked for.
    pub push: bool,
    /// The first string of a list.
    pub first: Option<Vec<u8>>,
}

/// A list, map or set whose elements come.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// Elements yet to come.
    left: u64,
    /// Keys and values alternate.
    map: bool,
    /// What closes it.
    end: u8,
    /// Attributes of what follows, which is the value.
    attributes: bool,
}

/// Reads the server's direction.
#[derive(Debug, Default)]
pub(super) struct Replies {
    pieces: Pieces,
    reading: Reading,
}

/// The reply that is read.
#[derive(Debug, Default)]
struct Reading {
    levels: Vec<Level>,
    /// How many of `levels` are attributes: nothing is written while there is one.
    attribute_levels: usize,
    text: Vec<u8>,
    first: Option<Vec<u8>>,
    error: bool,
    push: bool,
    /// The counted string to come is verbatim: four bytes of type before it.
    verbatim: bool,
    begun: bool,
}

impl Heap for Replies {
    fn heap_len(&self) -> usize {
        let Reading { levels, text, first, .. } = &self.reading;
        self.pieces.heap_len() + list_len(levels) + text.heap_len() + first.heap_len()
    }
}

const BROKEN: &str = "redis_broken_reply";

impl Replies {
    /// The next reply of `input`, which advances; `Err` if it is none.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Reply>, &'static str> {
        loop {
            let Some(piece) = self.pieces.next(input) else { return Ok(None) };
            let (bulk, done) = self.reading.piece(piece)?;
            if let Some(len) = bulk {
                self.pieces.expect_bulk(len);
            }
            if done {
                return Ok(Some(self.reading.take()));
            }
        }
    }

    /// See [`Pieces::gap`]; false if the reply under way is lost.
    pub fn gap(&mut self, len: u64) -> bool {
        let within = self.pieces.gap(len);
        if !within {
            *self = Self::default();
        }
        within
    }

    /// See [`Pieces::rest`].
    pub fn rest(&mut self) {
        self.pieces.rest();
    }
}

impl Reading {
    /// The reply, which is whole.
    fn take(&mut self) -> Reply {
        let (text, first) = (std::mem::take(&mut self.text), self.first.take());
        let (error, push) = (std::mem::take(&mut self.error), std::mem::take(&mut self.push));
        self.begun = false;
        Reply { text, error, push, first }
    }

    /// One piece: the length of a string to come, if one is due, and whether the reply is whole.
    fn piece(&mut self, piece: Piece<'_>) -> Result<(Option<u64>, bool), &'static str> {
        let line = match piece {
            Piece::Bulk(bytes) => {
                let skip = if std::mem::take(&mut self.verbatim) { 4 } else { 0 };
                return Ok((None, self.scalar(bytes.get(skip..).unwrap_or(&[]))));
            }
            Piece::Line(line) => line,
        };
        let Some((kind, rest)) = line.split_first() else { return Err(BROKEN) };
        if !std::mem::replace(&mut self.begun, true) {
            self.error = matches!(kind, b'-' | b'!');
            self.push = *kind == b'>';
        }
        match kind {
            b'+' | b'-' | b':' | b',' | b'(' => Ok((None, self.scalar(rest))),
            b'_' => Ok((None, self.scalar(b"null"))),
            b'#' => Ok((None, self.scalar(if rest == b"t" { b"T" } else { b"F" }))),
            b'$' | b'!' | b'=' => match number(rest).ok_or(BROKEN)? {
                -1 => Ok((None, self.scalar(b"null"))),
                len => {
                    self.verbatim = *kind == b'=';
                    Ok((Some(u64::try_from(len).map_err(|_| BROKEN)?), false))
                }
            },
            b'*' | b'~' | b'>' | b'%' | b'|' => self.open(*kind, number(rest).ok_or(BROKEN)?),
            _ => Err(BROKEN),
        }
    }

    fn open(&mut self, kind: u8, count: i64) -> Result<(Option<u64>, bool), &'static str> {
        if count == -1 {
            return Ok((None, self.scalar(b"null")));
        }
        let count = u64::try_from(count).ok().filter(|_| count <= MAX_ELEMENTS).ok_or(BROKEN)?;
        if self.levels.len() >= MAX_DEPTH {
            return Err("redis_reply_too_deep");
        }
        let attributes = kind == b'|';
        let map = matches!(kind, b'%' | b'|');
        let (start, end) = if matches!(kind, b'*' | b'>') { (b'[', b']') } else { (b'{', b'}') };
        if !attributes {
            self.write(&[start]);
        }
        let left = if map { count * 2 } else { count };
        self.attribute_levels += usize::from(attributes);
        self.levels.push(Level { left, map, end, attributes });
        Ok((None, left == 0 && self.close()))
    }

    /// A value without elements; true if the reply is whole with it.
    #[inline]
    fn scalar(&mut self, bytes: &[u8]) -> bool {
        if self.first.is_none() && self.levels.len() == 1 {
            self.first = Some(bytes.get(..16).unwrap_or(bytes).to_vec());
        }
        self.write(bytes);
        self.element()
    }

    /// A value is over: counts it in the level above it.
    #[inline]
    fn element(&mut self) -> bool {
        let Some(level) = self.levels.last_mut() else { return true };
        level.left -= 1;
        let Level { left, map, attributes, .. } = *level;
        if left == 0 {
            return self.close();
        }
        if !attributes {
            self.write(if map && left % 2 == 1 { b": " } else { b", " });
        }
        false
    }

    /// The last level is over, and perhaps those above it.
    fn close(&mut self) -> bool {
        let Some(level) = self.levels.pop() else { return true };
        if level.attributes {
            self.attribute_levels -= 1;
            // The value itself follows.
            return false;
        }
        self.write(&[level.end]);
        self.element()
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let room = MAX_TEXT_LEN.saturating_sub(self.text.len());
        if room == 0 || self.attribute_levels > 0 {
            return;
        }
        self.text.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}
