//! One line (RFC 1459 §2.3, RFC 2812 §2.3, tags of IRCv3), and the offer of a file within a message (CTCP, DCC).

use sekisho_types::Addr;

/// A line's parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub command: Command,
    /// Everything behind the command, without blanks before it.
    pub params: &'a [u8],
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// A server's three digits.
    Reply(u16),
    /// A word, in upper case.
    Word(Vec<u8>),
}

/// Why a line is none, in Zeek's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// Fewer than three bytes.
    Short,
    /// A prefix and nothing else.
    PrefixOnly,
    /// Nothing that could be a command behind the prefix.
    NoCommand,
    /// Digits that are no reply.
    ReplyNumber,
}

pub(super) fn skip_blanks(text: &[u8]) -> &[u8] {
    let at = text.iter().position(|b| *b != b' ').unwrap_or(text.len());
    text.get(at..).unwrap_or(&[])
}

/// Everything up to the first blank, and everything behind it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b' ', text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Words between blanks.
pub(super) fn words(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    text.split(move |b| *b == separator).filter(|w| !w.is_empty())
}

/// `text` without the colon that marks a last parameter.
pub(super) fn without_colon(text: &[u8]) -> &[u8] {
    text.strip_prefix(b":").unwrap_or(text)
}

/// A line without the tags before it.
pub(super) fn without_tags(line: &[u8]) -> &[u8] {
    match word(line) {
        Some((tags, rest)) if tags.starts_with(b"@") => skip_blanks(rest),
        _ => line,
    }
}

impl<'a> Message<'a> {
    /// The parts of a line without tags.
    pub fn parse(line: &'a [u8]) -> Result<Self, Bad> {
        let mut text = skip_blanks(line);
        if text.len() < 3 {
            return Err(Bad::Short);
        }
        if text.first() == Some(&b':') {
            let (_, rest) = word(text).ok_or(Bad::PrefixOnly)?;
            text = skip_blanks(rest);
        }
        if text.len() < 3 {
            return Err(Bad::NoCommand);
        }
        if text.first().is_some_and(u8::is_ascii_digit) {
            let Some([a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ']) = text.first_chunk::<4>() else {
                return Err(Bad::ReplyNumber);
            };
            let code = [a, b, c].iter().fold(0, |n, d| n * 10 + u16::from(**d - b'0'));
            return Ok(Self { command: Command::Reply(code), params: text.get(4..).unwrap_or(&[]) });
        }
        let (command, params) = word(text).unwrap_or((text, &[]));
        Ok(Self { command: Command::Word(command.to_ascii_uppercase()), params: skip_blanks(params) })
    }
}

/// A file that somebody offers to send from an end where he listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer<'a> {
    pub kind: &'a [u8],
    pub name: &'a [u8],
    pub host: Addr,
    pub port: u16,
    pub size: u64,
}

/// What a PRIVMSG's parameters hold of DCC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dcc<'a> {
    /// An ordinary message.
    None,
    /// An offer that nobody can read.
    Bad,
    /// An offer.
    Offer(Offer<'a>),
}

/// Looks for an offer in a PRIVMSG's parameters; `None` if they are no message at all.
pub(super) fn dcc(params: &[u8]) -> Option<Dcc<'_>> {
    let (_, message) = word(params)?;
    let text = without_colon(skip_blanks(message));
    let text = text.strip_prefix(b"\x01").unwrap_or(text);
    let Some(rest) = text.strip_prefix(b"DCC ") else { return Some(Dcc::None) };
    let rest = rest.strip_suffix(b"\x01").unwrap_or(rest);
    Some(offer(rest).map_or(Dcc::Bad, Dcc::Offer))
}

fn offer(text: &[u8]) -> Option<Offer<'_>> {
    let (kind, rest) = word(skip_blanks(text))?;
    let rest = skip_blanks(rest);
    let (name, rest) = match rest.strip_prefix(b"\"") {
        Some(quoted) => {
            let end = memchr::memchr(b'"', quoted)?;
            (quoted.get(..end)?, quoted.get(end + 1..)?)
        }
        None => word(rest)?,
    };
    let mut fields = words(rest, b' ');
    let host = address(fields.next()?)?;
    let port = number(fields.next()?)?;
    let size = fields.next().and_then(number).unwrap_or(0);
    // A token may follow, or the T of the turbo extension.
    (fields.count() <= 1).then_some(Offer { kind, name, host, port: u16::try_from(port).ok()?, size })
}

/// An IPv4 address as one decimal number, or an address as usually written.
fn address(text: &[u8]) -> Option<Addr> {
    if let Some(n) = number(text) {
        return u32::try_from(n).ok().map(|n| Addr::v4(n.to_be_bytes()));
    }
    let ip: std::net::IpAddr = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(ip.into())
}

fn number(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, command: &str, params: &str) {
        let m = Message::parse(line.as_bytes()).unwrap();
        assert_eq!(m.command, Command::Word(command.into()), "{line}");
        assert_eq!(m.params, params.as_bytes(), "{line}");
    }

    #[test]
    fn parses_lines() {
        check("nick  me", "NICK", "me");
        check("   JOIN      #chan", "JOIN", "#chan");
        check(":me!~me@host PRIVMSG #chan :hello there", "PRIVMSG", "#chan :hello there");
        check("QUIT", "QUIT", "");
        let m = Message::parse(b":irc.example 001 me :Welcome").unwrap();
        assert_eq!((m.command, m.params), (Command::Reply(1), &b"me :Welcome"[..]));
        assert_eq!(without_tags(b"@time=1;x=y NICK me"), b"NICK me");
        assert_eq!(without_tags(b"NICK @me"), b"NICK @me");
    }

    #[test]
    fn rejects_what_is_no_line() {
        let bad = |line: &[u8]| Message::parse(line).unwrap_err();
        assert_eq!(bad(b"ab"), Bad::Short);
        assert_eq!(bad(b":prefix"), Bad::PrefixOnly);
        assert_eq!(bad(b":prefix a"), Bad::NoCommand);
        assert_eq!(bad(b"00x me"), Bad::ReplyNumber);
        assert_eq!(bad(b"001"), Bad::ReplyNumber);
    }

    #[test]
    fn parses_offers() {
        let Some(Dcc::Offer(o)) = dcc(b"bob :\x01DCC SEND a.zip 3221226014 1026 41709\x01") else { panic!() };
        assert_eq!((o.kind, o.name, o.port, o.size), (&b"SEND"[..], &b"a.zip"[..], 1026, 41709));
        assert_eq!(o.host, Addr::v4([192, 0, 2, 30]));
        let Some(Dcc::Offer(o)) = dcc(b"bob :\x01DCC SEND \"my file\" 192.0.2.30 1026 5 T\x01") else { panic!() };
        assert_eq!((o.name, o.host), (&b"my file"[..], Addr::v4([192, 0, 2, 30])));
        assert_eq!(dcc(b"bob :hello"), Some(Dcc::None));
        assert_eq!(dcc(b"bob"), None);
        for bad in ["DCC SEND", "DCC SEND a 1", "DCC SEND a x 1 1", "DCC SEND a 1 70000 1", "DCC SEND \"a 1 1 1"] {
            assert_eq!(dcc(format!("bob :\x01{bad}\x01").as_bytes()), Some(Dcc::Bad), "{bad}");
        }
    }
}
