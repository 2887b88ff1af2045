//! The texts of one column: each once and a number for each row, as long as enough of them repeat.

use hashbrown::HashTable;
use sekisho_types::seeded_hash;

/// A dictionary has as many texts at most …
const MAX_COUNT: usize = 1 << 16;
/// … and as many bytes.
const MAX_LEN: usize = 2 << 20;

/// Whether texts repeat is looked at when there are as many, and whenever there are twice as many.
const FIRST_LOOK: usize = 2048;

#[derive(Default)]
pub struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends in `bytes`.
    ends: Vec<u32>,
    dictionary: Option<Dictionary>,
}

#[derive(Default)]
struct Dictionary {
    ids: Vec<u32>,
    table: HashTable<u32>,
}

impl Texts {
    /// No text yet; `repeating` if they are expected to repeat.
    pub fn new(repeating: bool) -> Self {
        Self { dictionary: repeating.then(Dictionary::default), ..Self::default() }
    }

    /// Bytes that it takes.
    pub fn held_len(&self) -> usize {
        let dictionary = self.dictionary.as_ref();
        let ids = dictionary.map_or(0, |d| d.ids.capacity() * size_of::<u32>() + d.table.allocation_size());
        self.bytes.capacity() + self.ends.capacity() * size_of::<u32>() + ids
    }

    /// Number of texts that were added.
    pub fn len(&self) -> usize {
        self.dictionary.as_ref().map_or(self.ends.len(), |d| d.ids.len())
    }

    /// For each text that was added its number among [`Texts::distinct`]; `None` if every text is there as it came.
    pub fn ids(&self) -> Option<&[u32]> {
        self.dictionary.as_ref().map(|d| &*d.ids)
    }

    /// The texts; each once if there are [`Texts::ids`].
    pub fn distinct(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.ends.len()).map(|i| self.distinct_at(i))
    }

    /// Text `i` of [`Texts::distinct`].
    pub fn distinct_at(&self, i: usize) -> &[u8] {
        text(&self.bytes, &self.ends, i)
    }

    pub fn push(&mut self, new: &[u8]) {
        let Self { bytes, ends, dictionary } = self;
        let Some(Dictionary { ids, table }) = dictionary else { return add(bytes, ends, new) };
        // Many columns say the same again and again.
        let last = ids.last().copied().filter(|&id| text(bytes, ends, id as usize) == new);
        let id = last.unwrap_or_else(|| {
            let hash = seeded_hash(0, new);
            if let Some(&id) = table.find(hash, |&id| text(bytes, ends, id as usize) == new) {
                return id;
            }
            let id = ends.len() as u32;
            add(bytes, ends, new);
            table.insert_unique(hash, id, |&id| seeded_hash(0, text(bytes, ends, id as usize)));
            id
        });
        ids.push(id);
        let (count, distinct) = (ids.len(), ends.len());
        let unlike = count >= FIRST_LOOK && count.is_power_of_two() && distinct > count / 2;
        if unlike || distinct > MAX_COUNT || bytes.len() > MAX_LEN {
            self.spell_out();
        }
    }

    /// Gives the dictionary up: every text as it came.
    fn spell_out(&mut self) {
        let Some(Dictionary { ids, .. }) = self.dictionary.take() else { return };
        let old = std::mem::take(self);
        self.bytes.reserve_exact(ids.iter().map(|&id| old.distinct_at(id as usize).len()).sum());
        self.ends.reserve_exact(ids.len());
        for id in ids {
            add(&mut self.bytes, &mut self.ends, old.distinct_at(id as usize));
        }
    }
}

fn add(bytes: &mut Vec<u8>, ends: &mut Vec<u32>, new: &[u8]) {
    bytes.extend_from_slice(new);
    ends.push(bytes.len() as u32);
}

fn text<'a>(bytes: &'a [u8], ends: &[u32], i: usize) -> &'a [u8] {
    let start = i.checked_sub(1).and_then(|i| ends.get(i)).copied().unwrap_or(0);
    let end = ends.get(i).copied().unwrap_or(start);
    bytes.get(start as usize..end as usize).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was added.
    fn all(texts: &Texts) -> Vec<Vec<u8>> {
        let at = |i| texts.ids().map_or(i, |ids| ids[i] as usize);
        (0..texts.len()).map(|i| texts.distinct_at(at(i)).to_vec()).collect()
    }

    #[test]
    fn few_texts_make_a_dictionary() {
        let mut texts = Texts::new(true);
        let words: Vec<_> = (0..10_000).map(|i| format!("{}", i % 7).into_bytes()).collect();
        words.iter().for_each(|w| texts.push(w));
        assert_eq!(texts.distinct().len(), 7);
        assert_eq!(all(&texts), words);
    }

    #[test]
    fn many_texts_are_spelled_out() {
        for different in [1, 3] {
            let mut texts = Texts::new(true);
            let words: Vec<_> = (0..200_000u32).map(|i| (i / different).to_le_bytes().to_vec()).collect();
            words.iter().for_each(|w| texts.push(w));
            assert!(texts.ids().is_none());
            assert_eq!(all(&texts), words);
            assert!(texts.held_len() < 4_000_000, "{}", texts.held_len());
        }
    }

    #[test]
    fn limits_bytes_of_a_dictionary() {
        let mut texts = Texts::new(true);
        for i in 0..600u32 {
            texts.push(&[i as u8; 10_000]);
            texts.push(&[i as u8; 10_000]);
            texts.push(b"");
        }
        assert!(texts.ids().is_none());
        assert_eq!(texts.len(), 1800);
        assert_eq!(texts.distinct_at(1799), b"");
        assert_eq!(texts.distinct_at(1798), [(599 % 256) as u8; 10_000]);
    }
}
