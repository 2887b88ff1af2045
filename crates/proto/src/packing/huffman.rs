//! The Huffman code of HPACK and QPACK (RFC 7541 Appendix B). It is canonical: codes ascend by length, then by symbol, so that
//! the lengths say all.

/// Symbols: the bytes, and the end of string.
const SYMBOLS: usize = 257;

const SHORTEST: usize = 5;
const LONGEST: usize = 30;

/// Length of each symbol's code in bits.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Of each length: the first code, how many codes there are, and where their symbols begin.
struct Tables {
    lengths: [(u32, u32, usize); LONGEST + 1],
    symbols: [u16; SYMBOLS],
}

static TABLES: Tables = tables();

#[expect(clippy::indexing_slicing, reason = "run by the compiler over constants")]
const fn tables() -> Tables {
    let mut t = Tables { lengths: [(0, 0, 0); LONGEST + 1], symbols: [0; SYMBOLS] };
    let (mut next, mut code, mut length) = (0, 0u32, SHORTEST);
    while length <= LONGEST {
        let (first, start) = (code, next);
        let mut symbol = 0u16;
        while (symbol as usize) < SYMBOLS {
            if LENGTHS[symbol as usize] as usize == length {
                t.symbols[next] = symbol;
                next += 1;
                code += 1;
            }
            symbol += 1;
        }
        t.lengths[length] = (first, code - first, start);
        code <<= 1;
        length += 1;
    }
    t
}

/// Undoes the code; `None` if the bytes are not coded so.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() * 8 / SHORTEST);
    // Bits not yet used, the next one highest.
    let (mut bits, mut count) = (0u64, 0usize);
    let mut rest = bytes.iter();
    loop {
        while count <= 32
            && let Some(&byte) = rest.next()
        {
            bits |= u64::from(byte) << (56 - count);
            count += 8;
        }
        if count == 0 {
            return Some(out);
        }
        let found = (SHORTEST..=LONGEST.min(count)).find_map(|length| {
            let &(first, codes, start) = TABLES.lengths.get(length)?;
            let code = u32::try_from(bits >> (64 - length)).ok()?;
            let nth = code.checked_sub(first).filter(|n| *n < codes)?;
            let symbol = TABLES.symbols.get(start + usize::try_from(nth).ok()?)?;
            Some((*symbol, length))
        });
        match found {
            Some((symbol, length)) => {
                // The end of string may not occur (RFC 7541 §5.2).
                out.push(u8::try_from(symbol).ok()?);
                bits <<= length;
                count -= length;
            }
            // What is left is the start of the end of string: ones, fewer than eight.
            None => return (count < 8 && bits >> (64 - count) == (1 << count) - 1).then_some(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The strings of RFC 7541 §C.4 and §C.6.
    #[test]
    fn parses_the_strings_of_the_standard() {
        for (bytes, want) in [
            (&[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff][..], "www.example.com"),
            (&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf], "no-cache"),
            (&[0x64, 0x02], "302"),
            (&[0xae, 0xc3, 0x77, 0x1a, 0x4b], "private"),
            (&[], ""),
        ] {
            assert_eq!(decode(bytes).unwrap(), want.as_bytes());
        }
    }

    #[test]
    fn rejects_bad_padding_and_the_end_of_string() {
        assert_eq!(decode(&[0x60]), None);
        assert_eq!(decode(&[0xff]), None);
        assert_eq!(decode(&[0xff; 4]), None);
    }

    #[test]
    fn the_code_is_complete() {
        let sum: u64 = LENGTHS.iter().map(|l| 1u64 << (LONGEST - usize::from(*l))).sum();
        assert_eq!(sum, 1 << LONGEST);
    }
}
