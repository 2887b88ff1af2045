use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn naive(literals: &[(Vec<u8>, bool)], hay: &[u8]) -> BTreeSet<(u32, usize)> {
    let mut out = BTreeSet::new();
    for (n, (bytes, nocase)) in (0u32..).zip(literals) {
        for start in 0..hay.len() {
            let Some(there) = hay.get(start..start + bytes.len()) else { break };
            if !bytes.is_empty() && (there == &bytes[..] || *nocase && there.eq_ignore_ascii_case(bytes)) {
                out.insert((n, start + bytes.len()));
            }
        }
    }
    out
}

fn check(literals: &[(Vec<u8>, bool)], hay: &[u8]) {
    let list: Vec<_> = literals.iter().map(|(bytes, nocase)| Literal { bytes, nocase: *nocase }).collect();
    let set = Scanner::new(&list);
    let mut found = BTreeSet::new();
    set.scan(hay, |n, end| {
        found.insert((n, end));
    });
    assert_eq!(found, naive(literals, hay), "{literals:?} in {hay:?}");
}

#[test]
fn finds_literals_of_any_length_at_any_place() {
    let literals: Vec<_> = ["a", "ab", "abc", "abcd", "abcde", "User-Agent|3a|", "\0\0", "Z"]
        .iter()
        .flat_map(|s| [(s.as_bytes().to_vec(), false), (s.as_bytes().to_vec(), true)])
        .collect();
    let text = b"xABCDEabcdeUSER-agent|3A|\0\0\0zZ";
    for pad in 0..40 {
        let mut hay = vec![b'.'; pad];
        hay.extend_from_slice(text);
        check(&literals, &hay);
        hay.extend(std::iter::repeat_n(b'.', pad));
        check(&literals, &hay);
    }
    check(&[], text);
    check(&literals, b"");
    check(&[(Vec::new(), false)], text);
}

#[test]
fn many_literals_take_little_memory() {
    let words: Vec<String> = (0..20_000u32).map(|n| format!("{:x}-literal", n.wrapping_mul(0x9e37_79b1))).collect();
    let list: Vec<_> = words.iter().map(|w| Literal { bytes: w.as_bytes(), nocase: false }).collect();
    let set = Scanner::new(&list);
    assert!(set.heap_len() < 4 << 20, "{}", set.heap_len());
    let mut found = Vec::new();
    set.scan(words[777].as_bytes(), |n, _| found.push(n));
    assert_eq!(found, [777]);
}

proptest! {
    #[test]
    fn finds_what_a_naive_search_finds(
        literals in proptest::collection::vec(("[abAB\\x00 -]{1,7}", any::<bool>()), 0..40),
        hay in "[abABc\\x00 -]{0,120}",
    ) {
        let literals: Vec<_> = literals.into_iter().map(|(s, n)| (s.into_bytes(), n)).collect();
        check(&literals, hay.as_bytes());
    }

    #[test]
    fn finds_in_any_bytes(
        literals in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 1..6), any::<bool>()), 0..60),
        hay in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
    ) {
        let mut hay = hay;
        if let Some((bytes, _)) = literals.first() {
            let at = at.index(hay.len() + 1);
            hay.splice(at..at, bytes.iter().copied());
        }
        check(&literals, &hay);
    }
}
