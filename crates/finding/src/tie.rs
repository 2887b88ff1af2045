//! What findings about different hosts can have in common, so that they are of one campaign (`detections.md` §14.3).

/// Most of these in a finding.
pub const MAX_TIES: usize = 4;

/// Longest name of an account, in bytes, that is kept.
const MAX_NAME_LEN: usize = 64;

/// A thing that is met again elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tie {
    /// A file, by the SHA-256 of its bytes.
    File([u8; 32]),
    /// An account whose password, ticket or proof of a password was taken here.
    Taken(Box<str>),
    /// An account that was used here.
    Used(Box<str>),
}

impl Tie {
    /// A file by its digest in hexadecimal; `None` for what is no SHA-256.
    pub fn file(hex: &[u8]) -> Option<Self> {
        let mut digest = [0; 32];
        let digits =
            std::str::from_utf8(hex).ok().filter(|h| h.len() == 64 && h.bytes().all(|b| b.is_ascii_hexdigit()))?;
        for (at, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self::File(digest))
    }

    /// An account that was taken.
    pub fn taken(account: &[u8]) -> Option<Self> {
        Some(Self::Taken(plain(account)?))
    }

    /// An account that was used.
    pub fn used(account: &[u8]) -> Option<Self> {
        Some(Self::Used(plain(account)?))
    }
}

/// The name alone, in lower case: `alice` of `CORP\Alice` and `alice@corp.test`. `None` if there is none, as with nobody's logins.
fn plain(account: &[u8]) -> Option<Box<str>> {
    let name = account.rsplit(|b| *b == b'\\').next()?;
    let name = name.split(|b| *b == b'@').next()?;
    let name = String::from_utf8_lossy(name.get(..MAX_NAME_LEN).unwrap_or(name)).to_lowercase();
    let name = name.trim();
    (!matches!(name, "" | "anonymous" | "anonymous logon" | "guest")).then(|| name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_one_however_it_is_written() {
        for text in ["alice", "CORP\\Alice", "alice@corp.test", " ALICE "] {
            assert_eq!(Tie::used(text.as_bytes()), Some(Tie::Used("alice".into())), "{text}");
        }
        for text in ["", "CORP\\", "@corp.test", "ANONYMOUS", "guest"] {
            assert_eq!(Tie::taken(text.as_bytes()), None, "{text}");
        }
        let Some(Tie::Taken(long)) = Tie::taken(&[b'a'; 1000]) else { panic!() };
        assert_eq!(long.len(), MAX_NAME_LEN);
    }

    #[test]
    fn a_file_has_a_digest() {
        let hex = "ab".repeat(32);
        assert_eq!(Tie::file(hex.as_bytes()), Some(Tie::File([0xab; 32])));
        for text in ["", "ab", &"zz".repeat(32), &"+1".repeat(32)[..], &"é".repeat(32)] {
            assert_eq!(Tie::file(text.as_bytes()), None, "{text}");
        }
    }
}
