//! Lists of what has a bad name, in every format that is told by content.

use sekisho_intel::Table;
use sekisho_types::Addr;

/// Bytes as a list, up to a byte 0xff; behind it names, paths and digests that are looked for, one a line.
pub fn intel(data: &[u8]) {
    let at = data.iter().position(|b| *b == 0xff).unwrap_or(data.len());
    let (text, asked) = (&data[..at], data.get(at + 1..).unwrap_or(&[]));
    let mut once = Table::default();
    once.add("list", text, None);
    let mut twice = Table::default();
    twice.add("list", text, None);
    twice.add("again", text, None);
    let [list] = once.lists() else { panic!("one list") };
    let [first, again] = twice.lists() else { panic!("two lists") };
    let counts = |l: &sekisho_intel::List| (l.entries, l.others, l.problem_count);
    assert_eq!(counts(list), counts(first), "the same list reads the same");
    assert_eq!(counts(first), counts(again));
    assert!(list.problems.len() as u64 <= list.problem_count);
    assert!(once.is_empty() == (list.entries == 0), "{} entries", list.entries);
    for line in asked.split(|b| *b == b'\n') {
        let word = String::from_utf8_lossy(line);
        let (host, path) = line.split_at(line.iter().position(|b| *b == b'/').unwrap_or(line.len()));
        // Whatever is found stands in the list.
        let found = [once.domain(line), once.url(host, path), once.hash(&word)];
        let of_addr = word.parse::<Addr>().ok().and_then(|addr| once.addr(addr));
        for (_, entry) in found.into_iter().flatten().chain(of_addr) {
            assert!(once.list(entry).is_some() && once.label(entry).len() <= text.len());
        }
    }
}
