//! Names as text, most of them without an allocation of their own.

use std::ops::Deref;

/// Bytes that are kept in place: of most names all.
const SHORT_LEN: usize = 46;

/// Labels with dots between.
#[derive(Clone, Debug)]
pub enum Text {
    /// So many bytes of the room.
    Short(u8, [u8; SHORT_LEN]),
    /// More.
    Long(Vec<u8>),
}

impl Default for Text {
    fn default() -> Self {
        Self::Short(0, [0; SHORT_LEN])
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(len, room) => room.get(..usize::from(*len)).unwrap_or_default(),
            Self::Long(text) => text,
        }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl Text {
    /// Appends a label, behind a dot if there is one before.
    pub fn push(&mut self, label: &[u8]) {
        let dot = !self.is_empty();
        match self {
            Self::Short(len, room) => {
                let at = usize::from(*len) + usize::from(dot);
                let end = at + label.len();
                if let (Some(place), Ok(end)) = (room.get_mut(at..end), u8::try_from(end)) {
                    place.copy_from_slice(label);
                    if let (true, Some(place)) = (dot, room.get_mut(usize::from(*len))) {
                        *place = b'.';
                    }
                    *len = end;
                    return;
                }
                let mut long = Vec::with_capacity(4 * SHORT_LEN);
                long.extend_from_slice(self);
                *self = Self::Long(long);
                self.push(label);
            }
            Self::Long(text) => {
                text.extend(dot.then_some(b'.'));
                text.extend_from_slice(label);
            }
        }
    }

    /// Keeps the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        match self {
            Self::Short(own, _) => *own = u8::try_from(len).unwrap_or(u8::MAX).min(*own),
            Self::Long(text) => text.truncate(len),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_in_place_and_beyond() {
        for label in 1..=64 {
            let (mut text, mut want) = (Text::default(), Vec::new());
            for n in 0..8u8 {
                let label = vec![b'a' + n; label];
                text.push(&label);
                want.push(label);
                assert_eq!(*text, *want.join(&b'.'));
            }
            let whole = want.join(&b'.');
            let mut cut = text.clone();
            cut.truncate(whole.len());
            assert!(cut == text);
            cut.truncate(5);
            assert_eq!(*cut, whole[..5]);
        }
    }
}
