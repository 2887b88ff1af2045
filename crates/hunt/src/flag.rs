//! The shape of flags: a word, then something in braces.
//!
//! Code, style sheets and templates are full of the same shape, so it is judged: words that mean a flag need only contents that are not
//! plainly code; all other words need contents that look made up for the purpose.

/// Longest flag: word, braces and content.
pub(crate) const LEN_MAX: usize = WORD_LEN_MAX + 2 + INSIDE_LEN_MAX;
/// Shortest one: `ctf{abcd}`.
pub(crate) const LEN_MIN: usize = 9;
/// Longest word before the brace.
const WORD_LEN_MAX: usize = 20;
/// Shortest and longest content.
const INSIDE_LEN_MIN: usize = 3;
const INSIDE_LEN_MAX: usize = 200;
/// Shortest content behind a word that means nothing.
const UNKNOWN_LEN_MIN: usize = 8;
/// Points that make up for a word that means nothing.
const UNKNOWN_POINTS: u32 = 3;

/// Words of contests that say neither flag nor ctf.
const CONTESTS: &[&[u8]] = &[
    b"asis",
    b"bsides",
    b"bsidessf",
    b"hackthebox",
    b"hitcon",
    b"htb",
    b"inctf",
    b"pico",
    b"seccon",
    b"thm",
    b"tryhackme",
];
/// Words that may mean a flag and are names in programs as well.
const KEYS: &[&[u8]] = &[b"answer", b"key", b"pass", b"passwd", b"password", b"pwd", b"secret", b"token"];

/// How sure a word makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    /// Any.
    Unknown,
    /// One of [`KEYS`].
    Key,
    /// It says flag or ctf, or is a contest's.
    Sure,
}

fn rank(word: &[u8]) -> Word {
    let lower = word.to_ascii_lowercase();
    let is = |list: &[&[u8]]| list.contains(&lower.as_slice());
    if lower.ends_with(b"flag") || lower.starts_with(b"flag") || lower.ends_with(b"ctf") || is(CONTESTS) {
        return Word::Sure;
    }
    // `UMDCTF2026`, `flag3`.
    let bare = lower.trim_ascii_end();
    let bare =
        &bare.get(..bare.iter().rposition(|b| !b.is_ascii_digit() && *b != b'_').map_or(0, |i| i + 1)).unwrap_or(&[]);
    if bare.ends_with(b"ctf") || bare.ends_with(b"flag") || is_contest(bare) {
        return Word::Sure;
    }
    if is(KEYS) { Word::Key } else { Word::Unknown }
}

fn is_contest(word: &[u8]) -> bool {
    CONTESTS.contains(&word)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Properties of style sheets that flags named in rules would have in their braces.
const PROPERTIES: &[&[u8]] = &[
    b"-moz",
    b"-ms",
    b"-o-",
    b"-webkit",
    b"align",
    b"animation",
    b"background",
    b"border",
    b"bottom",
    b"box",
    b"clear",
    b"clip",
    b"color",
    b"content",
    b"cursor",
    b"display",
    b"fill",
    b"filter",
    b"flex",
    b"float",
    b"font",
    b"gap",
    b"grid",
    b"height",
    b"justify",
    b"left",
    b"letter",
    b"line",
    b"list",
    b"margin",
    b"max-",
    b"min-",
    b"opacity",
    b"order",
    b"outline",
    b"overflow",
    b"padding",
    b"pointer",
    b"position",
    b"right",
    b"size",
    b"stroke",
    b"table",
    b"text",
    b"top",
    b"transform",
    b"transition",
    b"unicode",
    b"vertical",
    b"visibility",
    b"white",
    b"width",
    b"word",
    b"z-index",
];

/// Is it a declaration of a style sheet, a statement of a program or a part of a data structure?
fn is_code(inside: &[u8]) -> bool {
    let text = inside.trim_ascii_start();
    let name = text.split(|&b| b == b':').next().unwrap_or(text);
    let styled = name.len() < text.len()
        && name.iter().all(|&b| b.is_ascii_lowercase() || b == b'-')
        && PROPERTIES.iter().any(|p| name.starts_with(p));
    let has = |what: &[u8]| memchr::memmem::find(inside, what).is_some();
    styled
        || inside.iter().filter(|b| **b == b';').count() > 1
        || text.ends_with(b";")
        || text.starts_with(b"\"") && has(b"\":")
        || [&b"return"[..], b"=>", b"();", b"this.", b"var ", b"let ", b"==", b"&&", b"||"].iter().any(|w| has(w))
        || text.starts_with(b"...") && inside.iter().all(|&b| b == b'.')
}

/// Points for looking made up: numbers among letters, joined words, mixed case, length.
fn points(inside: &[u8], word: &[u8]) -> u32 {
    let any = |f: fn(&u8) -> bool| inside.iter().any(f);
    let (upper, lower, digit) = (any(u8::is_ascii_uppercase), any(u8::is_ascii_lowercase), any(u8::is_ascii_digit));
    let letters = upper || lower;
    let signs = inside.iter().any(|b| b"!@?$+~*'^&".contains(b));
    let joined = inside.iter().filter(|b| **b == b'_').count();
    let shout = word.len() >= 3 && word.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    u32::from(digit && letters)
        + u32::from(joined > 0)
        + u32::from(joined > 2)
        + u32::from(upper && lower)
        + u32::from(signs)
        + u32::from(inside.len() >= 16)
        + u32::from(shout)
}

/// Is `inside` good enough for `word`, which `before` precedes?
fn convinces(before: Option<u8>, word: &[u8], inside: &[u8]) -> bool {
    if !(INSIDE_LEN_MIN..=INSIDE_LEN_MAX).contains(&inside.len())
        || !inside.iter().all(|b| (b' '..=b'~').contains(b) && *b != b'{')
        || is_code(inside)
    {
        return false;
    }
    // A set of alternatives or a placeholder: `flag{a,b}`, `flag{...}`, `flag{0}`.
    if inside.iter().all(|b| matches!(b, b'.' | b'*' | b'?' | b'x' | b'X' | b' ')) {
        return false;
    }
    let rank = rank(word);
    if rank == Word::Sure {
        return true;
    }
    // A selector, a member, a variable, a command: names in code and in TeX.
    if before.is_some_and(|b| b".#$%\\@-/:>&".contains(&b)) {
        return false;
    }
    let made_up = inside.iter().all(|b| b.is_ascii_alphanumeric() || b"_-!@?$+~*'^&.".contains(b));
    let guid = inside.len() == 36 && inside.iter().filter(|b| **b == b'-').count() == 4;
    let points = points(inside, word);
    match rank {
        Word::Key => made_up && !guid && inside.len() >= 4 && points > 0,
        _ => {
            made_up
                && !guid
                && inside.len() >= UNKNOWN_LEN_MIN
                && word.len() >= 3
                && points >= UNKNOWN_POINTS
                && !is_keyword(word)
        }
    }
}

/// Words of programming languages that stand before a brace.
fn is_keyword(word: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"catch",
        b"class",
        b"const",
        b"default",
        b"else",
        b"enum",
        b"export",
        b"finally",
        b"format",
        b"function",
        b"import",
        b"interface",
        b"media",
        b"namespace",
        b"return",
        b"static",
        b"struct",
        b"switch",
        b"then",
        b"try",
        b"type",
        b"union",
        b"while",
    ];
    WORDS.contains(&word.to_ascii_lowercase().as_slice())
}

/// The word that ends at `end`, at most [`WORD_LEN_MAX`] long; `None` if it is shorter than two or longer.
fn word_before(bytes: &[u8], end: usize) -> Option<(usize, &[u8])> {
    let head = bytes.get(end.saturating_sub(WORD_LEN_MAX + 1)..end)?;
    let len = head.iter().rev().take_while(|b| is_word(**b)).count();
    let start = end - len;
    (2..=WORD_LEN_MAX).contains(&len).then(|| Some((start, bytes.get(start..end)?))).flatten()
}

/// A flag found: first byte and byte behind the last.
pub(crate) type Span = (usize, usize);

/// The flag whose brace opens at `open`.
pub(crate) fn at(bytes: &[u8], open: usize) -> Option<Span> {
    let (start, word) = word_before(bytes, open)?;
    let rest = bytes.get(open + 1..)?;
    let len = rest.iter().take(INSIDE_LEN_MAX + 1).position(|&b| b == b'}' || !(b' '..=b'~').contains(&b))?;
    let inside = rest.get(..len)?;
    let before = start.checked_sub(1).and_then(|i| bytes.get(i)).copied();
    let closed = rest.get(len) == Some(&b'}') && convinces(before, word, inside);
    closed.then_some((start, open + len + 2))
}

/// The flag that reads backwards and has its opening brace at `open`: `}...{galf`.
pub(crate) fn reversed_at(bytes: &[u8], open: usize) -> Option<Span> {
    let rest = bytes.get(open + 1..)?;
    // The commonest next letters rule out nearly everything.
    if !matches!(
        rest.first()?.to_ascii_lowercase(),
        b'b' | b'c' | b'e' | b'f' | b'g' | b'm' | b's' | b'n' | b'o' | b'0'..=b'9'
    ) {
        return None;
    }
    let len = rest.iter().take(WORD_LEN_MAX + 1).take_while(|b| is_word(**b)).count();
    let from = open.saturating_sub(INSIDE_LEN_MAX + 1);
    let inside_len = bytes.get(from..open)?.iter().rev().position(|&b| b == b'}')?;
    let (start, end) = (open - inside_len - 1, open + 1 + len);
    let turned: Vec<u8> = bytes.get(start..end)?.iter().rev().copied().collect();
    let word = turned.get(..len)?;
    (len >= 2 && rank(word) == Word::Sure && at(&turned, len).is_some()).then_some((start, end))
}

/// By how much the letters at the end of `word` must be turned to read `clear`; three letters fit some turn too easily.
fn turn_of(word: &[u8], clear: &[u8]) -> Option<u8> {
    let end = word.get(word.len().checked_sub(clear.len())?..)?;
    let (first, wanted) = (end.first()?.to_ascii_lowercase(), *clear.first()?);
    if !first.is_ascii_lowercase() || first == wanted {
        return None;
    }
    let by = (26 + wanted - first) % 26;
    let fits = end.iter().zip(clear).all(|(a, b)| crate::coding::rot(a.to_ascii_lowercase(), by) == *b);
    fits.then_some(by)
}

/// The flag whose letters are turned, and by how much they must be turned to read it.
pub(crate) fn turned_at(bytes: &[u8], open: usize) -> Option<(Span, u8)> {
    let (start, word) = word_before(bytes, open)?;
    let by = turn_of(word, b"flag").or_else(|| turn_of(word, b"ctf").filter(|by| *by == 13))?;
    let rest = bytes.get(open + 1..)?;
    let len = rest.iter().take(INSIDE_LEN_MAX + 1).position(|&b| b == b'}')?;
    let inside: Vec<u8> = rest.get(..len)?.iter().map(|b| crate::coding::rot(*b, by)).collect();
    let sure = convinces(None, b"flag", &inside) && !inside.contains(&b':') && !inside.contains(&b';');
    sure.then_some(((start, open + len + 2), by))
}

/// The flag written with two bytes for a character, whose brace is at `open`; a zero is beside each character.
pub(crate) fn wide_at(bytes: &[u8], open: usize) -> Option<(Span, Vec<u8>)> {
    if bytes.get(open + 1) != Some(&0) || open == 0 || bytes.get(open - 1) != Some(&0) {
        return None;
    }
    let unit = |at: usize| {
        let zero = at.checked_add(1).and_then(|i| bytes.get(i)) == Some(&0);
        bytes.get(at).copied().filter(|_| zero || at >= 1 && bytes.get(at - 1) == Some(&0))
    };
    let mut word: Vec<u8> =
        (1..=WORD_LEN_MAX).map_while(|i| unit(open.checked_sub(2 * i)?).filter(|b| is_word(*b))).collect();
    word.reverse();
    let inside: Vec<u8> = (1..=INSIDE_LEN_MAX).map_while(|i| unit(open + 2 * i).filter(|b| *b != b'}')).collect();
    let end = open + 2 * (inside.len() + 1);
    if unit(end) != Some(b'}') || word.len() < 2 || !convinces(None, &word, &inside) {
        return None;
    }
    let start = open - 2 * word.len();
    let text = [&word[..], b"{", &inside, b"}"].concat();
    Some(((start, end + 1), text))
}

/// Beginnings of flags that are worth looking for behind a XOR.
pub(crate) const STARTS: &[&[u8]] =
    &[b"flag{", b"FLAG{", b"Flag{", b"ctf{", b"CTF{", b"HTB{", b"THM{", b"htb{", b"thm{"];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let bytes = text.as_bytes();
        memchr::memchr_iter(b'{', bytes).filter_map(|i| at(bytes, i)).map(|(a, b)| &text[a..b]).collect()
    }

    #[test]
    fn parses_flags() {
        for text in [
            "flag{this is it}",
            "FLAG{jeth_793qg_b36a7urgxbbba}",
            "picoCTF{s4n1ty_v3r1f13d_2fd6ed29}",
            "HTB{n0_w4y}",
            "ctf{abcd}",
            "UMDCTF2026{xyz}",
            "key{s3cr3t}",
            "hitcon{Th1s_1s_n0t_it}",
            "ASIS{d41d8cd98f00b204e9800998ecf8427e}",
            "flag_1{abcdef}",
            "WACon{1_l0ve_pcaps!}",
            "flag{a:b}",
        ] {
            let end = text.find('}').unwrap() + 1;
            assert_eq!(found(&format!("xx {text} yy")), [&text[..end]], "{text}");
        }
    }

    #[test]
    fn rejects_code() {
        for text in [
            "function{return}",
            "a.flag{display:none}",
            ".flag{background:url(x.png) no-repeat;width:10px}",
            "key{a:1,b:2}",
            "else{foo_bar1()}",
            "users{user_id}",
            "\\textbf{some_word_1A}",
            "${flag{x}}",
            "flag{...}",
            "struct{int_a_1B}",
            "IID{12345678-1234-1234-1234-123456789abc}",
            "flag{\"a\":1,\"b\":2}",
            "file{1..10}",
            "flag{return e.x}",
            "flag{if(a==b)c}",
            "x{longer_Word_12345}",
        ] {
            assert_eq!(found(&format!("; {text}")), [""; 0], "{text}");
        }
    }

    #[test]
    fn parses_turned_and_wide() {
        let bytes = b"synt{arfgrq_1}";
        assert_eq!(turned_at(bytes, 4), Some(((0, 14), 13)));
        assert_eq!(turned_at(b"mshn{abcd}", 4), Some(((0, 10), 19)));
        assert_eq!(turned_at(b"flag{abcd}", 4), None);
        assert_eq!(reversed_at(b"..}desrever_si_siht{galf..", 19), Some((2, 24)));
        assert_eq!(reversed_at(b"} else {name", 7), None);
        let wide: Vec<u8> = b"<flag{wide}>".iter().flat_map(|b| [*b, 0]).collect();
        assert_eq!(wide_at(&wide, 10), Some(((2, 21), b"flag{wide}".to_vec())));
        let big: Vec<u8> = b"<flag{wide}>".iter().flat_map(|b| [0, *b]).collect();
        assert_eq!(wide_at(&big, 11), Some(((3, 22), b"flag{wide}".to_vec())));
    }
}
