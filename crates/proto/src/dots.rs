//! Mail behind DATA: the dot that transparency added is taken off, the lone dot ends it (RFC 5321 §4.5.2).

/// Where in a line the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    LineStart,
    /// Behind a dot at the line's start, which is not yet given out.
    Dot,
    /// Behind a dot and CRs.
    DotCr,
    Inside,
}

/// Streaming reader of the mail's lines.
#[derive(Debug, Default)]
pub(crate) struct Dots {
    at: At,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Content.
    Content(&'a [u8]),
    /// Bytes were taken that are no content, or are not yet known to be.
    Nothing,
    /// The mail is over.
    End,
}

impl Dots {
    /// Takes the next piece off `input`, which must not be empty.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Piece<'a> {
        let bytes = *input;
        let Some((&first, rest)) = bytes.split_first() else { return Piece::Nothing };
        match (self.at, first) {
            (At::LineStart, b'.') => self.at = At::Dot,
            (At::Dot | At::DotCr, b'\n') => {
                *input = rest;
                self.at = At::LineStart;
                return Piece::End;
            }
            (At::Dot | At::DotCr, b'\r') => self.at = At::DotCr,
            (At::DotCr, _) => {
                // The CR behind the dot was content after all.
                self.at = At::Inside;
                return Piece::Content(b"\r");
            }
            _ => return self.run(input),
        }
        *input = rest;
        Piece::Nothing
    }

    /// Everything up to the next line that begins with a dot.
    fn run<'a>(&mut self, input: &mut &'a [u8]) -> Piece<'a> {
        let bytes = *input;
        let end = memchr::memmem::find(bytes, b"\n.").map_or(bytes.len(), |at| at + 1);
        let (content, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        *input = rest;
        self.at = if content.ends_with(b"\n") { At::LineStart } else { At::Inside };
        Piece::Content(content)
    }

    /// Bytes are missing.
    pub(crate) fn lost(&mut self) {
        self.at = At::Inside;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Content, whether the end was seen, and what is left.
    fn run(pieces: &[&[u8]]) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut dots = Dots::default();
        let mut out = Vec::new();
        let mut left: Option<Vec<u8>> = None;
        for piece in pieces {
            let mut input = *piece;
            if let Some(left) = &mut left {
                left.extend_from_slice(input);
                continue;
            }
            while !input.is_empty() {
                match dots.next(&mut input) {
                    Piece::Content(c) => out.extend_from_slice(c),
                    Piece::Nothing => {}
                    Piece::End => {
                        left = Some(input.to_vec());
                        break;
                    }
                }
            }
        }
        (out, left)
    }

    #[test]
    fn parses_any_split() {
        let mail = b"a\r\n..b\r\n.c\r\nd.\r\n.\rx\r\n\r\n.\r\nQUIT\r\n";
        let want = (b"a\r\n.b\r\nc\r\nd.\r\n\rx\r\n\r\n".to_vec(), Some(b"QUIT\r\n".to_vec()));
        assert_eq!(run(&[mail]), want);
        let single: Vec<&[u8]> = mail.chunks(1).collect();
        assert_eq!(run(&single), want);
        for cut in 0..mail.len() {
            assert_eq!(run(&[&mail[..cut], &mail[cut..]]), want, "{cut}");
        }
        assert_eq!(run(&[b".\n"]), (Vec::new(), Some(Vec::new())));
        assert_eq!(run(&[b"no end\r\n."]), (b"no end\r\n".to_vec(), None));
    }
}
