use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Default)]
struct Found(BTreeSet<(u32, usize, usize)>);

impl Sink for Found {
    fn found(&mut self, literal: u32, at: Range<usize>) {
        self.0.insert((literal, at.start, at.end));
    }
}

/// Each literal once.
#[derive(Default)]
struct Once(Vec<u32>);

impl Sink for Once {
    fn wants(&self, literal: u32) -> bool {
        !self.0.contains(&literal)
    }

    fn found(&mut self, literal: u32, _at: Range<usize>) {
        self.0.push(literal);
    }
}

fn naive(literals: &[(Vec<u8>, bool)], hay: &[u8]) -> BTreeSet<(u32, usize, usize)> {
    let mut out = BTreeSet::new();
    for (n, (bytes, nocase)) in (0u32..).zip(literals) {
        for start in 0..hay.len() {
            let Some(there) = hay.get(start..start + bytes.len()) else { break };
            if !bytes.is_empty() && (there == &bytes[..] || *nocase && there.eq_ignore_ascii_case(bytes)) {
                out.insert((n, start, start + bytes.len()));
            }
        }
    }
    out
}

fn check(literals: &[(Vec<u8>, bool)], hay: &[u8]) {
    let list: Vec<_> = literals.iter().map(|(bytes, nocase)| Literal { bytes, nocase: *nocase }).collect();
    let set = Scanner::new(&list);
    let mut found = Found::default();
    set.scan(hay, &mut found);
    let all = naive(literals, hay);
    assert_eq!(found.0, all, "{literals:?} in {hay:?}");
    // The same in several sets, searched together.
    let (one, rest) = list.split_at(list.len() / 2);
    let (two, three) = rest.split_at(rest.len() / 3);
    let [one_count, two_count] = [one.len() as u32, two.len() as u32];
    let sets = [
        Scanner::numbered(one, 0),
        Scanner::default(),
        Scanner::numbered(two, one_count),
        Scanner::numbered(three, one_count + two_count),
    ];
    let sets = sets.each_ref();
    let mut found = Found::default();
    Union::of(&sets).scan(&sets, hay, &mut found);
    assert_eq!(found.0, all, "{literals:?} together in {hay:?}");
    // Those that it begins with.
    let mut found = Found::default();
    Starts::numbered(&list, 0).scan(hay, &mut found);
    let first: BTreeSet<_> = all.into_iter().filter(|&(_, start, _)| start == 0).collect();
    assert_eq!(found.0, first, "{literals:?} begin {hay:?}");
}

/// The walks with vectors and without give the same positions, but for a few more that sets of half bytes let through.
#[test]
fn vectors_and_the_scalar_walk_agree() {
    let bytes: Vec<Vec<u8>> = (0..90u8).map(|n| vec![n, b'A' + n % 26, n ^ 0x55, b'.', n % 3, b'Q', b'z', n]).collect();
    let classes = [LONG, MIDDLE].into_iter().chain(SHORT);
    for (class, level) in classes.flat_map(|class| Level::all().into_iter().map(move |level| (class, level))) {
        let window = |b: &Vec<u8>| b[usize::from(b[0] % 4)..][..4].first_chunk::<4>().copied().unwrap();
        let entry = |b: &Vec<u8>| Entry::new(&class, 0, &window(b), 0);
        let fragment = |b: &Vec<u8>| {
            let mut bytes = window(b).map(|byte| byte.to_ascii_lowercase());
            bytes[class.width..].fill(0);
            Fragment { bytes, width: class.width, nocase: true }
        };
        let table = Table::new(class, bytes.iter().map(entry).collect());
        let halves = Halves::of(bytes.iter().map(fragment));
        for len in (0..140).chain([700]) {
            let hay = &bytes.concat()[..len];
            let (mut vectors, mut scalar) = (BTreeSet::new(), BTreeSet::new());
            vector::scalar(&table.filter, class, hay, &mut |at, folded| assert!(scalar.insert((at, folded))));
            // What goes beyond the end is compared, and refused, later.
            let within = |at: usize| at + class.width <= len;
            vector::by_hash(level, &table.filter, class, hay, |at, folded| {
                if within(at) {
                    assert!(vectors.insert((at, folded)), "{at} twice");
                }
            });
            assert_eq!(vectors, scalar, "{class:?} {len}");
            if class.stride == 1 {
                vectors.clear();
                vector::by_halves(level, &halves, hay, |at, folded, width| {
                    assert_eq!(width, class.width);
                    vectors.extend(within(at).then_some((at, folded)));
                });
                // Their filter may be another one: what it lets through besides is not the same.
                let stands = |at: usize| {
                    let there = hay[at..at + class.width].to_ascii_lowercase();
                    bytes.iter().any(|b| fragment(b).bytes[..class.width] == there)
                };
                scalar.retain(|(at, _)| stands(*at));
                assert!(vectors.is_superset(&scalar), "{class:?} {level:?} {len}");
                assert!(vectors.len() <= 2 * scalar.len(), "{class:?} {level:?} {len}");
            }
        }
    }
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
fn what_is_not_wanted_any_more_is_not_told() {
    let zeros = [Literal { bytes: &[0; 8], nocase: false }, Literal { bytes: b"\0\0\0\0\0\0\0\x14", nocase: true }];
    let mut once = Once::default();
    Scanner::new(&zeros).scan(&[[0; 100], [0x14; 100]].concat(), &mut once);
    assert_eq!(once.0, [0, 1]);
}

/// Literals of the same few bytes, as many as make another class of those of four to six.
#[test]
fn many_of_middle_length_are_found() {
    let bytes: Vec<Vec<u8>> = (0..100u8).map(|n| vec![b'a' + n % 7, b'-', b'0' + n / 7, b'x', b'.']).collect();
    let literals: Vec<_> = bytes.iter().map(|b| (b.clone(), false)).collect();
    check(&literals, &bytes.concat());
    check(&literals[..50], &bytes.concat());
}

#[test]
fn many_literals_take_little_memory() {
    let words: Vec<String> = (0..20_000u32).map(|n| format!("{:x}-literal", n.wrapping_mul(0x9e37_79b1))).collect();
    let list: Vec<_> = words.iter().map(|w| Literal { bytes: w.as_bytes(), nocase: false }).collect();
    let set = Scanner::new(&list);
    assert!(set.heap_len() < 4 << 20, "{}", set.heap_len());
    let mut found = Found::default();
    set.scan(words[777].as_bytes(), &mut found);
    assert_eq!(found.0, BTreeSet::from([(777, 0, words[777].len())]));
}

proptest! {
    #[test]
    fn finds_what_a_naive_search_finds(
        literals in proptest::collection::vec(("[abAB\\x00 -]{1,14}", any::<bool>()), 0..40),
        hay in "[abABc\\x00 -]{0,120}",
    ) {
        let literals: Vec<_> = literals.into_iter().map(|(s, n)| (s.into_bytes(), n)).collect();
        check(&literals, hay.as_bytes());
    }

    #[test]
    fn finds_in_any_bytes(
        literals in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 1..16), any::<bool>()), 0..60),
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
