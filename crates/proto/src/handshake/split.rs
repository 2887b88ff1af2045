//! Whole handshake messages out of a stream of pieces: records cut messages anywhere and join them freely.

use sekisho_types::Heap;

/// Largest handshake message that is kept until complete. Certificate chains stay below 64 KiB; TLS libraries accept
/// 100 to 128 KiB by default.
pub const MAX_MESSAGE_LEN: usize = 256 * 1024;

/// Octets before a message's body: type and 24-bit length.
const HEAD_LEN: usize = 4;

/// The incomplete message of one direction.
#[derive(Debug, Default)]
pub(crate) struct Handshakes {
    held: Vec<u8>,
    /// Bytes of an oversized message still to be passed over.
    skip: usize,
}

/// One step of the splitter.
pub(crate) enum Step<'s> {
    /// A complete message.
    Message { kind: u8, body: &'s [u8] },
    /// A message beyond [`MAX_MESSAGE_LEN`]: its body is passed over.
    TooLong { kind: u8 },
}

/// Type and body length of the message at the start of `bytes`.
fn head(bytes: &[u8]) -> Option<(u8, usize)> {
    let [kind, a, b, c] = *bytes.first_chunk::<HEAD_LEN>()?;
    Some((kind, usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)))
}

impl Heap for Handshakes {
    fn heap_len(&self) -> usize {
        self.held.heap_len()
    }
}

impl Handshakes {
    /// Gives each message that `bytes` completes to `f`; stops when `f` returns an error.
    pub(crate) fn feed<E>(&mut self, mut bytes: &[u8], mut f: impl FnMut(Step<'_>) -> Result<(), E>) -> Result<(), E> {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let n = self.skip.min(bytes.len());
                self.skip -= n;
                bytes = bytes.get(n..).unwrap_or(&[]);
                continue;
            }
            if self.held.is_empty() {
                bytes = Self::in_place(bytes, &mut f)?;
            }
            if bytes.is_empty() {
                return Ok(());
            }
            let want = head(&self.held).map_or(HEAD_LEN, |(_, len)| HEAD_LEN + len);
            let n = want.saturating_sub(self.held.len()).min(bytes.len());
            let (piece, rest) = bytes.split_at_checked(n).unwrap_or((bytes, &[]));
            self.held.extend_from_slice(piece);
            bytes = rest;
            let Some((kind, len)) = head(&self.held) else { continue };
            if len > MAX_MESSAGE_LEN {
                self.held = Vec::new();
                self.skip = len;
                f(Step::TooLong { kind })?;
            } else if self.held.len() >= HEAD_LEN + len {
                let message = std::mem::take(&mut self.held);
                f(Step::Message { kind, body: message.get(HEAD_LEN..).unwrap_or(&[]) })?;
            }
        }
        Ok(())
    }

    /// Messages that lie wholly in `bytes`, without copying; returns the rest.
    fn in_place<'b, E>(mut bytes: &'b [u8], f: &mut impl FnMut(Step<'_>) -> Result<(), E>) -> Result<&'b [u8], E> {
        while let Some((kind, len)) = head(bytes)
            && let Some(body) = bytes.get(HEAD_LEN..HEAD_LEN + len)
            && len <= MAX_MESSAGE_LEN
        {
            f(Step::Message { kind, body })?;
            bytes = bytes.get(HEAD_LEN + len..).unwrap_or(&[]);
        }
        Ok(bytes)
    }

    /// Forgets what is incomplete.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(h: &mut Handshakes, bytes: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        let r: Result<(), ()> = h.feed(bytes, |step| {
            out.push(match step {
                Step::Message { kind, body } => format!("{kind}:{}", body.len()),
                Step::TooLong { kind } => format!("{kind}:long"),
            });
            Ok(())
        });
        assert_eq!(r, Ok(()));
        out
    }

    #[test]
    fn any_split_gives_the_same_messages() {
        let bytes = [&[1, 0, 0, 3, 9, 9, 9][..], &[14, 0, 0, 0], &[2, 0, 1, 0], &[5; 256]].concat();
        let want = feed(&mut Handshakes::default(), &bytes);
        assert_eq!(want, ["1:3", "14:0", "2:256"]);
        for cut in 0..bytes.len() {
            let mut h = Handshakes::default();
            let mut got = feed(&mut h, &bytes[..cut]);
            got.extend(feed(&mut h, &bytes[cut..]));
            assert_eq!(got, want, "{cut}");
        }
    }

    #[test]
    fn limits_message_length() {
        let mut h = Handshakes::default();
        assert_eq!(feed(&mut h, &[11, 0xff, 0xff, 0xff, 1, 2, 3]), ["11:long"]);
        for _ in 0..255 {
            assert!(feed(&mut h, &[0; 65536]).is_empty());
        }
        assert!(h.held.capacity() <= 64);
        assert_eq!(feed(&mut h, &[&[0; 65532][..], &[20, 0, 0, 0]].concat()), ["20:0"]);
    }
}
