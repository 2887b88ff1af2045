//! Base64 as Suricata decodes it.

/// Bytes decoded at most.
const DECODED_LEN_MAX: usize = 65_536;

/// What is done with characters that do not belong there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They end the text (RFC 4648), but for line breaks: `base64_decode`.
    Loose,
    /// They end the text (RFC 4648).
    Stop,
    /// Nothing is decoded if there is one.
    Strict,
    /// They are passed over (RFC 2045).
    Mime,
}

/// Appends what `text` says; `false` if it is not base64 (then nothing useful is in `out`).
pub(crate) fn decode(text: &[u8], mode: Mode, out: &mut Vec<u8>) -> bool {
    let mut bits = 0u32;
    let mut count = 0;
    for &byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            b'\r' | b'\n' if mode == Mode::Loose => continue,
            _ => match mode {
                Mode::Mime => continue,
                Mode::Loose | Mode::Stop => break,
                Mode::Strict => return false,
            },
        };
        bits = bits << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            let [_, a, b, c] = bits.to_be_bytes();
            out.extend_from_slice(&[a, b, c]);
            (bits, count) = (0, 0);
            if out.len() >= DECODED_LEN_MAX {
                return true;
            }
        }
    }
    let [_, a, b, _] = (bits << (6 * (4 - count).min(4))).to_be_bytes();
    match count {
        2 => out.push(a),
        3 => out.extend_from_slice(&[a, b]),
        _ => {}
    }
    true
}
