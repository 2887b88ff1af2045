//! Types by content: a table of magic bytes, then small looks at structure where bytes alone are too weak or too general.
//!
//! Everything here looks at the first [`HEAD_LEN`] bytes, a few at the end and some at fixed places; none of it is a search.

mod list;
mod shape;
mod table;
#[cfg(test)]
mod tests;
mod text;

pub use list::Kind;
pub(crate) use shape::tar as is_tar_header;
pub(crate) use text::{is_flag, is_readable, uu_name};

use crate::bytes::{from, take};
use crate::content::Content;
use std::sync::LazyLock;

/// Bytes from the beginning that decide.
pub const HEAD_LEN: usize = 8192;

/// Magic bytes and what they stand for.
type Row = (&'static [u8], Kind);

/// Rows of the table by their first byte.
static BY_FIRST: LazyLock<Vec<Vec<Row>>> = LazyLock::new(|| {
    let rows = |byte: u8| table::AT_START.iter().filter(move |r| r.0.first() == Some(&byte)).copied().collect();
    (0..=u8::MAX).map(rows).collect()
});

/// What `content` is.
pub fn recognise(content: &Content<'_>) -> Kind {
    if content.is_empty() {
        return Kind::Empty;
    }
    let head = content.read(0, HEAD_LEN);
    if let Some(kind) = by_magic(&head) {
        return match shape::refine(kind, &head, content) {
            Some(kind) => kind,
            None => text::recognise(&head).unwrap_or(Kind::Data),
        };
    }
    shape::recognise(&head, content).or_else(|| text::recognise(&head)).unwrap_or(Kind::Data)
}

/// As [`recognise`] where there are only some bytes.
pub fn recognise_bytes(bytes: &[u8]) -> Kind {
    recognise(&Content::from_bytes(bytes))
}

fn by_magic(head: &[u8]) -> Option<Kind> {
    let rows = BY_FIRST.get(usize::from(*head.first()?))?;
    let fitting = rows.iter().filter(|(magic, _)| head.starts_with(magic));
    let start = fitting.max_by_key(|(magic, _)| magic.len()).map(|(_, kind)| *kind);
    let elsewhere = || table::AT_OFFSET.iter().find(|(at, magic, _)| from(head, *at).starts_with(magic)).map(|r| r.2);
    start.or_else(elsewhere)
}

/// Does `head` have `magic` at `at`?
fn has(head: &[u8], at: usize, magic: &[u8]) -> bool {
    take(head, at, magic.len()) == Some(magic)
}
