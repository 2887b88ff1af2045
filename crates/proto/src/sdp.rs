//! Session descriptions (RFC 8866) as SIP and RTSP carry them: which media go where. A helper, no protocol.

use sekisho_record::Text;
use sekisho_transaction::{Fact, Json};

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

/// Lines of one description that are looked at.
const MAX_LINES: usize = 1024;

/// A description as rules and EVE see it: its lines by their letters.
pub(crate) struct Session<'a> {
    version: u64,
    body: &'a [u8],
}

impl<'a> Session<'a> {
    /// Reads a description; `None` if what every one has is not there (§5: version, origin, name).
    pub(crate) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut session = Self { version: 0, body };
        let version = session.lines().next().filter(|l| l.0 == b'v')?.1;
        session.version = std::str::from_utf8(version).ok()?.trim().parse().ok()?;
        session.of_session(b'o').next()?;
        session.of_session(b's').next()?;
        Some(session)
    }

    fn lines(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let lines = self.body.split(|b| *b == b'\n').take(MAX_LINES);
        lines.filter_map(|line| match line.strip_suffix(b"\r").unwrap_or(line) {
            [letter, b'=', value @ ..] => Some((*letter, value)),
            _ => None,
        })
    }

    /// Lines of the session itself, before its media.
    fn of_session(&self, letter: u8) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.lines().take_while(|l| l.0 != b'm').filter(move |l| l.0 == letter).map(|l| l.1)
    }

    /// Each medium's lines, its own first.
    fn media(&self) -> Vec<Vec<(u8, &'a [u8])>> {
        let mut out: Vec<Vec<(u8, &'a [u8])>> = Vec::new();
        for line in self.lines() {
            if line.0 == b'm' {
                out.push(vec![line]);
            } else if let Some(last) = out.last_mut() {
                last.push(line);
            }
        }
        out
    }

    /// Writes its members.
    pub(crate) fn show(&self, out: &mut Json<'_>) {
        out.number("version", self.version);
        let texts = [
            (b'o', "origin"),
            (b's', "session_name"),
            (b'i', "session_info"),
            (b'u', "uri"),
            (b'e', "email"),
            (b'p', "phone_number"),
            (b'c', "connection_data"),
            (b'z', "timezone"),
            (b'k', "encryption_key"),
        ];
        for (letter, name) in texts {
            if let Some(value) = self.of_session(letter).next() {
                out.bytes(name, value);
            }
        }
        for (letter, name) in [(b'b', "bandwidths"), (b'a', "attributes")] {
            if self.of_session(letter).next().is_some() {
                out.list(name, |out| self.of_session(letter).for_each(|value| out.item_bytes(value)));
            }
        }
        if self.of_session(b't').next().is_some() {
            out.list("time_descriptions", |out| self.show_times(out));
        }
        let media = self.media();
        if !media.is_empty() {
            out.list("media_descriptions", |out| media.iter().for_each(|m| out.item(|out| show_medium(m, out))));
        }
    }

    fn show_times(&self, out: &mut Json<'_>) {
        let mut lines = self.lines().take_while(|l| l.0 != b'm').filter(|l| matches!(l.0, b't' | b'r')).peekable();
        while let Some((letter, time)) = lines.next() {
            if letter != b't' {
                continue;
            }
            out.item(|out| {
                out.bytes("time", time);
                if let Some((_, repeat)) = lines.next_if(|l| l.0 == b'r') {
                    out.bytes("repeat_time", repeat);
                }
            });
        }
    }

    /// What a rule asks for.
    pub(crate) fn fact(&self, fact: Fact, nth: usize) -> Option<&'a [u8]> {
        let letter = match fact {
            Fact::SdpAttribute => b'a',
            Fact::SdpBandwidth => b'b',
            Fact::SdpConnectionData => b'c',
            Fact::SdpEmail => b'e',
            Fact::SdpEncryptionKey => b'k',
            Fact::SdpOrigin => b'o',
            Fact::SdpPhoneNumber => b'p',
            Fact::SdpRepeatTime => b'r',
            Fact::SdpSessionInfo => b'i',
            Fact::SdpSessionName => b's',
            Fact::SdpTime => b't',
            Fact::SdpTimezone => b'z',
            Fact::SdpUri => b'u',
            _ => return self.of_media(fact, nth),
        };
        self.of_session(letter).nth(nth)
    }

    fn of_media(&self, fact: Fact, nth: usize) -> Option<&'a [u8]> {
        let letter = match fact {
            Fact::SdpMediaConnectionData => b'c',
            Fact::SdpMediaEncryptionKey => b'k',
            Fact::SdpMediaMedia => b'm',
            Fact::SdpMediaMediaInfo => b'i',
            _ => return None,
        };
        self.lines().skip_while(|l| l.0 != b'm').filter(|l| l.0 == letter).nth(nth).map(|l| l.1)
    }
}

fn show_medium(lines: &[(u8, &[u8])], out: &mut Json<'_>) {
    let of = |letter: u8| lines.iter().filter(move |l| l.0 == letter).map(|l| l.1);
    for (letter, name) in [(b'm', "media"), (b'i', "media_info"), (b'c', "connection_data"), (b'k', "encryption_key")] {
        if let Some(value) = of(letter).next() {
            out.bytes(name, value);
        }
    }
    for (letter, name) in [(b'b', "bandwidths"), (b'a', "attributes")] {
        if of(letter).next().is_some() {
            out.list(name, |out| of(letter).for_each(|value| out.item_bytes(value)));
        }
    }
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
