//! Session descriptions (RFC 8866) as SIP and RTSP carry them: which media go where. A helper, no protocol.

use sekisho_record::Text;

/// Media looked at in one description.
const MAX_MEDIA: usize = 16;

/// Longest line kept of what describes a medium.
const MAX_FIELD_LEN: usize = 128;

/// One text per medium: kind, end and transport, e.g. `audio 192.0.2.1:49170 RTP/AVP`.
pub(crate) fn media(description: &[u8]) -> Vec<Text> {
    let mut session_addr: &[u8] = b"";
    let mut out: Vec<(&[u8], &[u8])> = Vec::new();
    for line in description.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(medium) = line.strip_prefix(b"m=") {
            if out.len() >= MAX_MEDIA {
                break;
            }
            out.push((medium, b""));
        } else if let Some(addr) = line.strip_prefix(b"c=").and_then(connection) {
            match out.last_mut() {
                Some((_, of_medium)) => *of_medium = addr,
                None => session_addr = addr,
            }
        }
    }
    let text = |(medium, addr): (&[u8], &[u8])| {
        let mut words = medium.split(|b| *b == b' ').map(short);
        let (kind, port, transport) = (words.next()?, words.next()?, words.next()?);
        let addr = short(if addr.is_empty() { session_addr } else { addr });
        let brackets: (&[u8], &[u8]) = if addr.contains(&b':') { (b"[", b"]") } else { (b"", b"") };
        Some([kind, b" ", brackets.0, addr, brackets.1, b":", port, b" ", transport].concat().into())
    };
    out.into_iter().filter_map(text).collect()
}

fn short(word: &[u8]) -> &[u8] {
    word.get(..MAX_FIELD_LEN).unwrap_or(word)
}

/// The address of `IN IP4 192.0.2.1/127`.
fn connection(value: &[u8]) -> Option<&[u8]> {
    let addr = value.split(|b| *b == b' ').nth(2)?;
    addr.split(|b| *b == b'/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_media_with_their_ends() {
        let sdp = b"v=0\r\no=a 1 1 IN IP4 10.0.0.9\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0 8\r\na=x\r\nm=video 4002 RTP/SAVP 96\r\nc=IN IP6 fd00::1/3\r\n";
        let all: Vec<_> = media(sdp).iter().map(|t| String::from_utf8_lossy(&t.0).into_owned()).collect();
        assert_eq!(all, ["audio 10.0.0.1:4000 RTP/AVP", "video [fd00::1]:4002 RTP/SAVP"]);
        assert_eq!(media(b"m=audio\nm=\nc=x\n\xff"), []);
    }

    #[test]
    fn limits_media() {
        assert_eq!(media(&b"m=audio 1 RTP/AVP 0\n".repeat(100)).len(), MAX_MEDIA);
    }
}
