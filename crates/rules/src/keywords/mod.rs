//! The keyword table: one row a keyword, with the function that reads it.
//!
//! Facts of exchanges (crates/transaction/src/facts.rs) are keywords by themselves: those that are bytes open a buffer,
//! numbers are compared. Rows here come first, so that a keyword whose value is peculiar has a row of its own.

mod apps;
mod buffers;
mod bytes;
mod content;
mod data;
mod enumerations;
mod files;
mod flow;
mod headers;
mod meta;
mod numbers;
mod payload;
mod pcre;
mod threshold;
mod transforms;

pub(crate) use apps::app_name;
pub(crate) use threshold::{kind_of, track_of};

use crate::draft::{Arg, Draft, Shared};
use crate::ir::Buffer;
use crate::refusal::{Code, Done, refuse, refuse_help};
use crate::syntax::{Choice, Word};
use sekisho_transaction::Fact;
use std::sync::LazyLock;

/// What a keyword expects behind its colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing; what stands there is ignored, as Suricata does.
    Nothing,
    /// A value, maybe in quotes.
    Value,
    /// A value, maybe in quotes, maybe negated by a `!` before.
    Negatable,
    /// A value in quotes, maybe negated by a `!` before.
    Quoted,
    /// A value or nothing.
    Maybe,
}

type Read = fn(&mut Draft, &mut Shared<'_>, &Arg<'_>) -> Done;

/// One keyword.
pub(crate) struct Keyword {
    /// Its name and what else it is called.
    pub names: &'static [&'static str],
    pub takes: Takes,
    pub read: Read,
}

#[derive(Clone, Copy)]
enum Entry {
    Row(&'static Keyword),
    Fact(Fact),
    /// An older name of a fact's keyword, or a name that moves the content before it.
    Modifier(Fact),
}

const TABLES: &[&[Keyword]] = &[
    apps::TABLE,
    buffers::TABLE,
    bytes::TABLE,
    content::TABLE,
    data::TABLE,
    files::TABLE,
    flow::TABLE,
    headers::TABLE,
    meta::TABLE,
    numbers::TABLE,
    payload::TABLE,
    pcre::TABLE,
    threshold::TABLE,
    transforms::TABLE,
];

/// All names, and where in the list a name is.
struct Names {
    list: Vec<(&'static str, Entry)>,
    /// Places in the list by [`hash`], one behind the other where several have the same; [`NO_NAME`] ends them. At least half
    /// are free.
    slots: Vec<u16>,
}

/// A slot that no name has.
const NO_NAME: u16 = u16::MAX;

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let rows = TABLES.iter().flat_map(|table| table.iter());
    let mut list: Vec<_> = rows.flat_map(|row| row.names.iter().map(move |name| (*name, Entry::Row(row)))).collect();
    list.extend(buffers::MODIFIERS.iter().map(|&(name, fact)| (name, Entry::Modifier(fact))));
    list.extend(buffers::SYNONYMS.iter().map(|&(name, fact)| (name, Entry::Fact(fact))));
    list.extend(Fact::ALL.iter().map(|&fact| (fact.info().keyword, Entry::Fact(fact))));
    // Stable: of equal names the first one counts, and rows come first.
    list.sort_by_key(|(name, _)| *name);
    list.dedup_by_key(|(name, _)| *name);
    let mut slots = vec![NO_NAME; (4 * list.len()).next_power_of_two()];
    for (place, (name, _)) in (0u16..NO_NAME).zip(&list) {
        let mut at = hash(name) & (slots.len() - 1);
        while slots.get(at).is_some_and(|&slot| slot != NO_NAME) {
            at = (at + 1) & (slots.len() - 1);
        }
        if let Some(slot) = slots.get_mut(at) {
            *slot = place;
        }
    }
    Names { list, slots }
});

/// Of a name's beginning, end and length.
fn hash(name: &str) -> usize {
    let bytes = name.as_bytes();
    let (a, b) = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(&a), Some(&b)) => (u64::from_le_bytes(a), u64::from_le_bytes(b)),
        _ => match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            (Some(&a), Some(&b)) => (u32::from_le_bytes(a).into(), u32::from_le_bytes(b).into()),
            _ => (bytes.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)), 0),
        },
    };
    let mixed = (a ^ b.rotate_left(23) ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 40).unwrap_or(0)
}

fn find(name: &str) -> Option<Entry> {
    let Names { list, slots } = &*NAMES;
    let mut at = hash(name);
    loop {
        let place = *slots.get(at & (slots.len() - 1))?;
        // Behind the list is nothing, and NO_NAME is behind it.
        let (known, entry) = list.get(usize::from(place))?;
        if *known == name {
            return Some(*entry);
        }
        at += 1;
    }
}

/// Is there such a keyword? (`requires:keyword NAME`)
pub(crate) fn is_known(name: &str) -> bool {
    find(name).is_some()
}

/// Reads one option of a rule.
pub(crate) fn read(draft: &mut Draft, shared: &mut Shared<'_>, choice: &Choice<'_>) -> Done {
    let Some(entry) = find(choice.name.text) else { return unknown(choice.name) };
    match entry {
        Entry::Row(row) => {
            let arg = arg(row.takes, choice)?;
            (row.read)(draft, shared, &arg)
        }
        Entry::Fact(fact) => {
            let takes = if fact.info().kind.is_bytes() { Takes::Nothing } else { Takes::Value };
            let arg = arg(takes, choice)?;
            if fact.info().kind.is_bytes() {
                draft.open(&arg, Buffer::Fact(fact))?;
                match choice.value.map(|value| value.text) {
                    Some("to_server") => draft.ask(true),
                    Some("to_client") => draft.ask(false),
                    _ => {}
                }
                Ok(())
            } else {
                numbers::fact(draft, &arg, fact)
            }
        }
        Entry::Modifier(fact) => draft.move_content(&arg(Takes::Nothing, choice)?, fact),
    }
}

fn unknown(name: Word<'_>) -> Done {
    let text = format!("{} is no keyword", name.text);
    match nearest(name.text) {
        Some(near) => refuse_help(Code::Keyword, name.at, name.text.len(), text, format!("is {near} meant?")),
        None => refuse(Code::Keyword, name.at, name.text.len().max(1), text),
    }
}

/// The known name that differs in one sign.
fn nearest(name: &str) -> Option<&'static str> {
    NAMES.list.iter().map(|(known, _)| *known).find(|known| is_near(known.as_bytes(), name.as_bytes()))
}

fn is_near(a: &[u8], b: &[u8]) -> bool {
    if a.len().abs_diff(b.len()) > 1 || a.len() < 3 {
        return false;
    }
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    head + tail + 1 >= a.len().max(b.len())
}

/// The value as the keyword takes it: trimmed, without negation and quotes.
fn arg<'a>(takes: Takes, choice: &Choice<'a>) -> Done<Arg<'a>> {
    let name = choice.name;
    let mut value = choice.value.unwrap_or(Word { text: "", at: name.at + name.text.len() });
    let mut negated = false;
    if takes == Takes::Nothing {
        return Ok(Arg { name, value: Word { text: "", at: value.at }, negated });
    }
    if value.text.is_empty() {
        if takes == Takes::Maybe {
            return Ok(Arg { name, value, negated });
        }
        return refuse(Code::NoValue, name.at, name.text.len().max(1), format!("{} needs a value", name.text));
    }
    if matches!(takes, Takes::Quoted | Takes::Negatable)
        && let Some(rest) = value.text.strip_prefix('!')
    {
        let text = rest.trim_start();
        value = Word { text, at: value.at + value.text.len() - text.len() };
        negated = true;
    }
    let broken = |text: String| refuse(Code::Value, value.at, value.text.len().max(1), text);
    if takes == Takes::Quoted && !value.text.starts_with('"') {
        return broken(format!("{}: the value has to stand in quotes", name.text));
    }
    match unquoted(value) {
        Some(Word { text: "", .. }) if takes == Takes::Quoted => broken(format!("{} needs a value", name.text)),
        Some(value) => Ok(Arg { name, value, negated }),
        None => broken(format!("{}: the quotes are not closed (is a ; missing?)", name.text)),
    }
}

/// A value without its quotes, if it has any; nothing: they are not closed.
pub(crate) fn unquoted(value: Word<'_>) -> Option<Word<'_>> {
    match value.text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').map(|text| Word { text, at: value.at + 1 }),
        None => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = TABLES.iter().flat_map(|t| t.iter()).flat_map(|row| row.names.iter()).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
        assert!(is_known("content") && is_known("http.uri") && is_known("file_data") && !is_known("nothing"));
        for (name, _) in &NAMES.list {
            for like in [name, &name[1..], &name[..name.len() - 1], &*format!("{name}x")] {
                assert_eq!(is_known(like), NAMES.list.iter().any(|(known, _)| *known == like), "{like}");
            }
        }
        assert!(NAMES.list.len() < usize::from(NO_NAME) && NAMES.slots.len() >= 2 * NAMES.list.len());
        assert_eq!(nearest("contnt"), Some("content"));
    }
}
