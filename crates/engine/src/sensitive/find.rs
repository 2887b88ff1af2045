//! Which bytes of a text are card numbers (ISO/IEC 7812-1), bank accounts (ISO 13616), private keys (RFC 7468) or access tokens.

use aho_corasick::packed::Searcher;
use memchr::memmem::{self, Finder};

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Card,
    Iban,
    PrivateKey,
    Token,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Card, Self::Iban, Self::PrivateKey, Self::Token];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Iban => "iban",
            Self::PrivateKey => "private-key",
            Self::Token => "token",
        }
    }
}

/// One of them: its characters without separators.
pub(super) struct Hit<'a> {
    pub kind: Kind,
    pub at: usize,
    pub value: &'a [u8],
    /// Words for a card's validity or check number stand near it.
    pub near: bool,
}

/// Takes what is found.
pub(super) trait Finds {
    fn hit(&mut self, hit: Hit<'_>);
    /// A number that begins as cards of its length do, but whose check digit is wrong.
    fn miss(&mut self);
}

/// The longest thing that has to be seen as a whole, and the words beside it.
pub(super) const REACH: usize = 192;

/// Numbers are looked for where so many digits stand in so many bytes: any of 13 digits with separators has one such block.
const BLOCK: usize = 32;
const DIGITS: u8 = 7;
/// Around a block.
const AROUND: usize = 40;
/// Bytes beside a card number where words for its validity may stand.
const NEAR: usize = 64;
/// Fewest characters of the first line of a key.
const KEY_LINE: usize = 32;

/// Bytes asked at once whether they are digits.
const STEP: usize = 64;

/// Looks through `text`. `edges`: whether it begins the content, and whether it ends it. What touches another edge is left for the next piece, or was
/// seen with the one before.
pub(super) fn look(text: &[u8], edges: (bool, bool), words: &Words, out: &mut impl Finds) {
    // Up to where a number that was looked at goes.
    let mut done = 0;
    let mut was_digit = 0;
    let (steps, rest) = text.as_chunks::<STEP>();
    let mut last = [0; STEP];
    last.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
    for (n, step) in steps.iter().chain([&last]).enumerate() {
        let digits = digit_bits(step);
        // Where two digits or more begin: cards' numbers are there, accounts' two letters before. Whether one follows the last bit is not seen.
        let mut starts = digits & !(digits << 1 | was_digit) & (digits >> 1 | 1 << (STEP - 1));
        was_digit = digits >> (STEP - 1);
        while starts != 0 {
            let at = n * STEP + starts.trailing_zeros() as usize;
            if let Some(at) = at.checked_sub(2) {
                done = begin(text, at, done, edges, out);
            }
            done = begin(text, at, done, edges, out);
            starts &= starts - 1;
        }
    }
    words.look(text, edges.1, out);
}

const fn is_digit(b: u8) -> u8 {
    (b.wrapping_sub(b'0') < 10) as u8
}

/// A bit for each byte: whether it is a digit, the first byte's the lowest.
fn digit_bits(step: &[u8; STEP]) -> u64 {
    /// Brings the lowest bits of eight bytes together in the highest one.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let digits = step.map(is_digit);
    let bits = digits.as_chunks::<8>().0.iter().map(|eight| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56);
    bits.enumerate().fold(0, |all, (n, bits)| all | bits << (n * 8))
}

/// Looks at what stands at `at`, unless it is inside a number that was looked at, if numbers of cards or accounts begin so: cards' with
/// four digits, accounts' with two letters and two digits, neither within a word. Up to where it was looked at.
fn begin(text: &[u8], at: usize, done: usize, (is_start, is_end): (bool, bool), out: &mut impl Finds) -> usize {
    let Some([a, b, c, d]) = text.get(at..).and_then(|rest| rest.first_chunk()) else { return done };
    let is_head = (a.is_ascii_digit() && b.is_ascii_digit() || a.is_ascii_uppercase() && b.is_ascii_uppercase())
        && c.is_ascii_digit()
        && d.is_ascii_digit();
    let is_fresh = match at.checked_sub(1) {
        Some(before) => !is_inside_word(byte(text, before)),
        None => is_start,
    };
    if at < done || !is_head || !is_fresh { done } else { number(text, at, is_end, out) }
}

/// A word that begins as a number does, at `at`: up to where it was looked at.
fn number(text: &[u8], at: usize, is_end: bool, out: &mut impl Finds) -> usize {
    if !is_among_digits(text, at) {
        return at + 1;
    }
    let found = if byte(text, at).is_some_and(|b| b.is_ascii_digit()) {
        card(text, at, is_end, out)
    } else {
        iban(text, at, is_end, out)
    };
    found.unwrap_or(at + 1)
}

/// Is a block with many digits near?
fn is_among_digits(text: &[u8], at: usize) -> bool {
    let first = at.saturating_sub(BLOCK + AROUND) / BLOCK;
    let last = (at + AROUND) / BLOCK;
    (first..=last).any(|n| {
        let reaches = at < n * BLOCK + BLOCK + AROUND;
        let block = text.get(n * BLOCK..(n * BLOCK + BLOCK).min(text.len())).unwrap_or(&[]);
        reaches && count_digits(block) >= DIGITS
    })
}

/// In bytes, so that it takes few instructions for all of them.
fn count_digits(block: &[u8]) -> u8 {
    match block.first_chunk::<BLOCK>() {
        Some(block) => block.iter().fold(0, |sum: u8, b| sum.wrapping_add(is_digit(*b))),
        None => block.iter().map(|b| is_digit(*b)).sum(),
    }
}

fn byte(text: &[u8], at: usize) -> Option<u8> {
    text.get(at).copied()
}

fn is_inside_word(b: Option<u8>) -> bool {
    b.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'%') || b >= 0x80)
}

/// A card number in one piece or in the groups that are printed on cards. Where it ends.
fn card(text: &[u8], at: usize, is_end: bool, out: &mut impl Finds) -> Option<usize> {
    /// Groups: Visa, Mastercard and others; American Express; Diners Club.
    const GROUPS: [&[usize]; 4] = [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3]];
    let run = digits(text, at);
    let mut value = [0u8; 19];
    let (len, end) = if (13..=19).contains(&run) {
        value.get_mut(..run)?.copy_from_slice(text.get(at..at + run)?);
        (run, at + run)
    } else if run == 4 {
        let gap = byte(text, at + 4).filter(|b| matches!(b, b' ' | b'-' | b'+'))?;
        GROUPS.iter().rev().find_map(|groups| grouped(text, at, groups, gap, &mut value))?
    } else {
        return Some(at + run.max(1));
    };
    // More may follow in the next piece; a decimal, a word or another group makes it something else.
    let after = byte(text, end);
    if (after.is_none() && !is_end) || is_inside_word(after) && after != Some(b'.') {
        return Some(end);
    }
    let value = value.get(..len)?;
    if !is_issued(value) || is_published(value) || value.iter().all(|b| Some(b) == value.first()) {
        return Some(end);
    }
    if is_luhn(value) {
        let around = text.get(at.saturating_sub(NEAR)..(end + NEAR).min(text.len())).unwrap_or(&[]);
        out.hit(Hit { kind: Kind::Card, at, value, near: is_near(around) });
    } else {
        out.miss();
    }
    Some(end)
}

fn digits(text: &[u8], at: usize) -> usize {
    text.get(at..).unwrap_or(&[]).iter().take(20).take_while(|b| b.is_ascii_digit()).count()
}

/// Digits in these groups, with `gap` between: how many, and where they end.
fn grouped(text: &[u8], at: usize, groups: &[usize], gap: u8, value: &mut [u8; 19]) -> Option<(usize, usize)> {
    let (mut from, mut len) = (at, 0);
    for (n, group) in groups.iter().enumerate() {
        if n > 0 {
            if byte(text, from) != Some(gap) {
                return None;
            }
            from += 1;
        }
        if digits(text, from) != *group {
            return None;
        }
        value.get_mut(len..len + group)?.copy_from_slice(text.get(from..from + group)?);
        len += group;
        from += group;
    }
    Some((len, from))
}

/// Does a number of that length begin as one of the issuers' does?
fn is_issued(value: &[u8]) -> bool {
    let head = |n: usize| value.iter().take(n).fold(0u32, |sum, b| sum * 10 + u32::from(b.saturating_sub(b'0')));
    let (one, two, three, four) = (head(1), head(2), head(3), head(4));
    match value.len() {
        13 => one == 4,
        14 => matches!(three, 300..=305) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        16 => {
            one == 4
                || matches!(two, 51..=55 | 62 | 65)
                || matches!(three, 644..=649)
                || matches!(four, 2221..=2720 | 3528..=3589 | 6011)
        }
        19 => one == 4 || matches!(two, 62 | 65) || matches!(four, 3528..=3589 | 6011),
        _ => false,
    }
}

/// Is it one of the numbers that payment services publish for tests, or made like them?
fn is_published(value: &[u8]) -> bool {
    const TESTS: &[&[u8]] = &[
        b"4111111111111111",
        b"4012888888881881",
        b"4242424242424242",
        b"4000056655665556",
        b"4222222222222",
        b"4532015112830366",
        b"4007000000027",
        b"5555555555554444",
        b"5105105105105100",
        b"5200828282828210",
        b"5424000000000015",
        b"2223003122003222",
        b"2223000048400011",
        b"378282246310005",
        b"371449635398431",
        b"378734493671000",
        b"370000000000002",
        b"6011111111111117",
        b"6011000990139424",
        b"6011000000000012",
        b"30569309025904",
        b"38520000023237",
        b"3530111333300000",
        b"3566002020360505",
        b"6200000000000005",
    ];
    TESTS.contains(&value)
}

/// The check digit of ISO/IEC 7812-1, Annex B.
fn is_luhn(value: &[u8]) -> bool {
    let sum: u32 = value
        .iter()
        .rev()
        .enumerate()
        .map(|(n, b)| {
            let digit = u32::from(b.saturating_sub(b'0'));
            if n % 2 == 0 { digit } else { digit * 2 - if digit > 4 { 9 } else { 0 } }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_near(around: &[u8]) -> bool {
    let lower = around.to_ascii_lowercase();
    [&b"cvv"[..], b"cvc", b"exp"].iter().any(|word| memmem::find(&lower, word).is_some())
}

/// Lengths by country (the registry of ISO 13616).
const COUNTRIES: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NL", 18),
    (b"NO", 15),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"SA", 24),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
];

/// An account number, in one piece or in groups of four. Where it ends.
fn iban(text: &[u8], at: usize, is_end: bool, out: &mut impl Finds) -> Option<usize> {
    let head: &[u8; 4] = text.get(at..)?.first_chunk()?;
    let [a, b, c, d] = *head;
    if !(c.is_ascii_digit() && d.is_ascii_digit()) {
        return None;
    }
    let (_, len) = COUNTRIES.iter().find(|(country, _)| **country == [a, b])?;
    let mut value = [0u8; 34];
    let (mut from, mut count) = (at, 0);
    while count < *len {
        let next = byte(text, from)?;
        if next == b' ' && count % 4 == 0 && count > 0 {
            from += 1;
            continue;
        }
        if !next.is_ascii_digit() && !next.is_ascii_uppercase() {
            return None;
        }
        *value.get_mut(count)? = next;
        count += 1;
        from += 1;
    }
    let after = byte(text, from);
    if (after.is_none() && !is_end) || after.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return None;
    }
    let value = value.get(..*len)?;
    if remainder(value) == 1 {
        out.hit(Hit { kind: Kind::Iban, at, value, near: false });
        return Some(from);
    }
    None
}

/// Of ISO 7064 MOD 97-10, the first four characters moved to the end.
fn remainder(value: &[u8]) -> u32 {
    let (head, tail) = value.split_at_checked(4).unwrap_or((value, &[]));
    tail.iter().chain(head).fold(0, |sum, b| match b {
        b'0'..=b'9' => (sum * 10 + u32::from(b - b'0')) % 97,
        _ => (sum * 100 + u32::from(b.saturating_sub(b'A')) + 10) % 97,
    })
}

/// Words with which keys and tokens begin.
pub(super) struct Words {
    /// Any of them, if the processor has what it takes: most pieces have none.
    any: Option<Searcher>,
    key: Finder<'static>,
    amazon: Finder<'static>,
    github: Finder<'static>,
    web: Finder<'static>,
}

impl Words {
    pub fn new() -> Self {
        // The last is `{"` in Base64 (RFC 7519 §3.1).
        let [key, amazon, github, web] = ["PRIVATE KEY", "AKIA", "ghp_", "eyJ"];
        Self {
            any: Searcher::new([key, amazon, github, web]),
            key: Finder::new(key),
            amazon: Finder::new(amazon),
            github: Finder::new(github),
            web: Finder::new(web),
        }
    }

    fn look(&self, text: &[u8], is_end: bool, out: &mut impl Finds) {
        if self.any.as_ref().is_some_and(|any| any.find(text).is_none()) {
            return;
        }
        for at in self.key.find_iter(text) {
            private_key(text, at, out);
        }
        for at in self.amazon.find_iter(text) {
            shaped(text, at, (4, 16), u8::is_ascii_uppercase, is_end, out);
        }
        for at in self.github.find_iter(text) {
            shaped(text, at, (4, 36), u8::is_ascii_alphabetic, is_end, out);
        }
        for at in self.web.find_iter(text) {
            // `{"alg":` or `{"typ":`.
            let rest = text.get(at..).unwrap_or(&[]);
            if rest.starts_with(b"eyJhbGciOi") || rest.starts_with(b"eyJ0eXAiOi") {
                web_token(text, at, is_end, out);
            }
        }
    }
}

/// `-----BEGIN RSA PRIVATE KEY-----` and the key's first line (RFC 7468 §10, RFC 4880 §6.2).
fn private_key(text: &[u8], at: usize, out: &mut impl Finds) {
    let before = text.get(at.saturating_sub(32)..at).unwrap_or(&[]);
    let Some(begin) = memmem::rfind(before, b"-----BEGIN ") else { return };
    let kind = before.get(begin + 11..).unwrap_or(&[]);
    if !kind.iter().all(|b| b.is_ascii_uppercase() || *b == b' ') {
        return;
    }
    let rest = text.get(at + b"PRIVATE KEY".len()..).unwrap_or(&[]);
    let rest = rest.strip_prefix(b" BLOCK").unwrap_or(rest);
    let Some(mut rest) = rest.strip_prefix(b"-----") else { return };
    // Line ends, also as they stand in JSON.
    loop {
        rest = match rest {
            [b'\r' | b'\n' | b' ', more @ ..] | [b'\\', b'n' | b'r', more @ ..] => more,
            _ => break,
        };
    }
    let is_sealed = rest.starts_with(b"Proc-Type: 4,ENCRYPTED") || rest.starts_with(b"Version: ");
    let line = rest.iter().take(KEY_LINE).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')).count();
    if is_sealed || line == KEY_LINE {
        let value = rest.get(..KEY_LINE).unwrap_or(rest);
        out.hit(Hit { kind: Kind::PrivateKey, at, value, near: false });
    }
}

/// A word of `head` characters and `len` more, letters (as `is_one` says) or digits.
fn shaped(
    text: &[u8],
    at: usize,
    (head, len): (usize, usize),
    is_one: fn(&u8) -> bool,
    is_end: bool,
    out: &mut impl Finds,
) {
    let before = at.checked_sub(1).and_then(|before| byte(text, before));
    let end = at + head + len;
    let Some(value) = text.get(at..end) else { return };
    let Some(body) = value.get(head..) else { return };
    let after = byte(text, end);
    let is_word = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'/'));
    let fits = body.iter().all(|b| is_one(b) || b.is_ascii_digit());
    // Documentation has such ones; and one without digits is a word.
    let is_example = value.ends_with(b"EXAMPLE") || !body.iter().any(u8::is_ascii_digit);
    if fits && !is_example && !is_word(before) && !is_word(after) && (after.is_some() || is_end) {
        out.hit(Hit { kind: Kind::Token, at, value, near: false });
    }
}

/// Three parts in Base64 with points between; of long ones the beginning.
fn web_token(text: &[u8], at: usize, is_end: bool, out: &mut impl Finds) {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let run = |from: usize| text.get(from..).unwrap_or(&[]).iter().take_while(|b| is_part(b)).count();
    let head = run(at);
    if byte(text, at + head) != Some(b'.') {
        return;
    }
    let body = run(at + head + 1);
    let Some(start) = text.get(at + head + 1..at + head + 4) else { return };
    let end = at + head + 1 + body;
    let is_cut = end == text.len() && !is_end;
    let whole = byte(text, end) == Some(b'.') && run(end + 1) >= 16;
    if start == b"eyJ" && (whole || (is_cut && body >= 64)) {
        let value = text.get(at..(end).min(at + REACH / 2)).unwrap_or(&[]);
        out.hit(Hit { kind: Kind::Token, at, value, near: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct All {
        hits: Vec<(Kind, String, bool)>,
        misses: u32,
    }

    impl Finds for All {
        fn hit(&mut self, hit: Hit<'_>) {
            self.hits.push((hit.kind, String::from_utf8_lossy(hit.value).into_owned(), hit.near));
        }

        fn miss(&mut self) {
            self.misses += 1;
        }
    }

    fn found(text: &str) -> All {
        let mut all = All::default();
        look(text.as_bytes(), (true, true), &Words::new(), &mut all);
        all
    }

    fn values(text: &str) -> Vec<String> {
        found(text).hits.into_iter().map(|h| h.1).collect()
    }

    #[test]
    fn parses_card_numbers() {
        for (text, value) in [
            ("4539578763621486", "4539578763621486"),
            ("card=5425233430109903&x", "5425233430109903"),
            ("a 4539 5787 6362 1486 b", "4539578763621486"),
            ("4539-5787-6362-1486", "4539578763621486"),
            ("\"3714 496353 98449\"", "371449635398449"),
            ("no 2222405343248877.", "2222405343248877"),
        ] {
            assert_eq!(values(text), [value], "{text}");
        }
        let all = found("number: 4539578763621486 exp 12/29");
        assert!(all.hits[0].2 && !found("4539578763621486").hits[0].2);
    }

    #[test]
    fn rejects_other_numbers() {
        for text in [
            "4539578763621487",
            "4111111111111111",
            "1234567812345670",
            "x4539578763621486",
            "45395787636214861",
            "4539578763621486a",
            "0.4539578763621486",
            "4539 5787-6362 1486",
            "45395787 63621486",
            "4444444444444444",
            "",
        ] {
            assert_eq!(values(text), [""; 0], "{text}");
        }
        assert_eq!(found("4539578763621487").misses, 1);
    }

    #[test]
    fn parses_account_numbers() {
        for (text, value) in [
            ("IBAN DE89 3704 0044 0532 0130 00.", "DE89370400440532013000"),
            ("GB82WEST12345698765432", "GB82WEST12345698765432"),
            ("to FR1420041010050500013M02606, please", "FR1420041010050500013M02606"),
        ] {
            assert_eq!(values(text), [value], "{text}");
        }
        for text in
            ["DE88370400440532013000", "ZZ89370400440532013000", "DE893704004405320130001", "xDE89370400440532013000"]
        {
            assert_eq!(values(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn parses_keys_and_tokens() {
        let line = "MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun";
        for text in [
            format!("-----BEGIN RSA PRIVATE KEY-----\n{line}\n"),
            format!("-----BEGIN PRIVATE KEY-----\r\n{line}\r\n"),
            format!("{{\"k\":\"-----BEGIN EC PRIVATE KEY-----\\n{line}\\n"),
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n".to_owned(),
        ] {
            let all = found(&text);
            assert!(matches!(all.hits[..], [(Kind::PrivateKey, ..)]), "{text} {:?}", all.hits);
        }
        for text in [
            "-----BEGIN PRIVATE KEY-----\n...\n",
            "-----BEGIN PUBLIC KEY-----\nMIIB",
            "s.indexOf('-----BEGIN PRIVATE KEY-----')",
        ] {
            assert_eq!(values(text), [""; 0], "{text}");
        }
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N";
        for text in ["key AKIAI44QH8DHBF2KXYZ4;", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", jwt] {
            assert!(matches!(found(text).hits[..], [(Kind::Token, ..)]), "{text}");
        }
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "AKIAAAAAAAAAAAAAAAAA",
            "xAKIAI44QH8DHBF2KXYZ4",
            "ghp_short",
            "eyJhbGciOiJIUzI1NiJ9",
            "eyJhbGciOiJ.x.y",
        ] {
            assert_eq!(values(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn random_numbers_are_mostly_misses() {
        let mut state = 7u64;
        let mut text = String::new();
        for _ in 0..100 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(&format!("{:016} ", state % 10_000_000_000_000_000));
        }
        let all = found(&text);
        assert!(all.hits.len() < 5 && all.misses as usize > 3 * all.hits.len(), "{} {}", all.hits.len(), all.misses);
    }

    /// Every position of every block with many digits, one by one.
    fn walk(text: &[u8], (is_start, is_end): (bool, bool), out: &mut impl Finds) {
        let mut done = 0;
        for (n, block) in text.chunks(BLOCK).enumerate() {
            if block.iter().filter(|b| b.is_ascii_digit()).count() < usize::from(DIGITS) {
                continue;
            }
            let mut at = (n * BLOCK).saturating_sub(AROUND).max(done);
            while at < (n * BLOCK + BLOCK + AROUND).min(text.len()) {
                let before = at.checked_sub(1).and_then(|before| byte(text, before));
                let is_fresh = !is_inside_word(before) && (at > 0 || is_start);
                let found = match text[at] {
                    b if !is_fresh || !b.is_ascii_alphanumeric() => None,
                    b if b.is_ascii_digit() => card(text, at, is_end, out),
                    _ => iban(text, at, is_end, out),
                };
                at = found.unwrap_or(at + 1);
            }
            done = at.max(done);
        }
    }

    #[test]
    fn many_positions_at_once_give_what_one_by_one_gives() {
        const PIECES: [&str; 16] = [
            "4539578763621486",
            "4539578763621487",
            "4539 5787 6362 1486",
            "4539-5787-6362-1486",
            "3714 496353 98449",
            "DE89 3704 0044 0532 0130 00",
            "GB82WEST12345698765432",
            "DE89370400440532013001",
            " ",
            ",",
            ".",
            "a",
            "Z",
            "1234",
            "99 ",
            "a long word that has none, of more than forty bytes; ",
        ];
        let (mut state, mut hits, mut misses) = (3u64, 0, 0);
        for round in 0..3_000 {
            let mut text = String::new();
            while text.len() < round % 400 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push_str(PIECES[(state >> 33) as usize % PIECES.len()]);
            }
            let edges = (state & 1 << 40 != 0, state & 1 << 41 != 0);
            let (mut all, mut want) = (All::default(), All::default());
            look(text.as_bytes(), edges, &Words::new(), &mut all);
            walk(text.as_bytes(), edges, &mut want);
            assert_eq!((&all.hits, all.misses), (&want.hits, want.misses), "{edges:?} {text}");
            hits += all.hits.len();
            misses += all.misses;
        }
        assert!(hits > 500 && misses > 100, "{hits} {misses}");
    }

    #[test]
    fn edges_are_left_to_the_neighbour() {
        let (mut all, words) = (All::default(), Words::new());
        look(b"x 4539578763621486", (true, false), &words, &mut all);
        look(b"4539578763621486 x", (false, true), &words, &mut all);
        look(b"x AKIAI44QH8DHBF2KXYZ4", (true, false), &words, &mut all);
        assert!(all.hits.is_empty(), "{:?}", all.hits);
        look(b" 4539578763621486 ", (false, false), &words, &mut all);
        assert_eq!(all.hits.len(), 1);
    }
}
