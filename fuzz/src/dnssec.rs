//! Recordings of signed answers, changed.

#[path = "../../crates/dnssec/tests/book/mod.rs"]
mod book;

use book::{Case, Records, cases, found, secured};
use sekisho_dnssec::Seen;
use std::sync::OnceLock;

/// Edits made of one input.
const MAX_EDITS: usize = 64;

/// The first octet chooses a recording; then edits of five octets each (message, kind, place, value), up to one whose
/// kind is 255, behind which a message of its own stands. What is found secure was so without the edits.
pub fn dnssec(data: &[u8]) {
    static BOOK: OnceLock<Vec<(Case, Vec<Records>)>> = OnceLock::new();
    let book = BOOK
        .get_or_init(|| cases().into_iter().map(|c| (secured(&found(&c.messages)), c)).map(|(t, c)| (c, t)).collect());
    let Some((&choice, mut rest)) = data.split_first() else { return };
    let (case, truth) = &book[usize::from(choice) % book.len()];
    let mut messages = case.messages.clone();
    for _ in 0..MAX_EDITS {
        let Some((&[message, kind, high, low, value], next)) = rest.split_first_chunk::<5>() else { break };
        rest = next;
        if kind == 255 || messages.is_empty() {
            break;
        }
        let n = usize::from(message) % messages.len();
        edit(&mut messages, n, kind, usize::from(u16::from_be_bytes([high, low])), value);
    }
    if let Some((seen, _)) = case.messages.last().filter(|_| !rest.is_empty()) {
        messages.push((*seen, rest.to_vec()));
    }
    for secure in secured(&found(&messages)) {
        assert!(truth.contains(&secure), "{} was never signed: {secure:?}", case.name);
    }
}

fn edit(messages: &mut Vec<(Seen, Vec<u8>)>, n: usize, kind: u8, place: usize, value: u8) {
    let message = &mut messages[n].1;
    let at = place % message.len().max(1);
    match kind % 8 {
        0 | 1 if at < message.len() => message[at] ^= value,
        2 if at < message.len() => drop(message.remove(at)),
        3 => message.insert(at, value),
        4 => message.truncate(at),
        5 => drop(messages.remove(n)),
        6 => {
            let again = messages[n].clone();
            messages.insert(place % messages.len(), again);
        }
        _ => {
            let other = place % messages.len();
            messages.swap(n, other);
        }
    }
}
