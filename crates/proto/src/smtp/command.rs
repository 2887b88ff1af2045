//! Commands and replies of SMTP (RFC 5321) and its extensions.

/// A command; those after QUIT don't come by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Auth,
    Bdat,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Mail,
    Noop,
    /// RFC 5321 App. F.6 and other commands that send mail.
    Send,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Turn,
    Vrfy,
    /// The connection itself, which is answered by a greeting.
    Connect,
    /// The line that ends a mail.
    EndOfData,
    /// A line of a login.
    AuthAnswer,
    Unknown,
}

/// Splits a command line into command and argument.
pub(crate) fn command(line: &[u8]) -> (Command, &[u8]) {
    let line = line.trim_ascii_start();
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (word, rest) = line.split_at_checked(end).unwrap_or((line, &[]));
    (by_name(word), rest.trim_ascii_start())
}

fn by_name(word: &[u8]) -> Command {
    const NAMES: &[(&str, Command)] = &[
        ("AUTH", Command::Auth),
        ("BDAT", Command::Bdat),
        ("DATA", Command::Data),
        ("EHLO", Command::Ehlo),
        ("ETRN", Command::Noop),
        ("EXPN", Command::Expn),
        ("HELO", Command::Helo),
        ("HELP", Command::Help),
        ("LHLO", Command::Ehlo),
        ("MAIL", Command::Mail),
        ("NOOP", Command::Noop),
        ("QUIT", Command::Quit),
        ("RCPT", Command::Rcpt),
        ("RSET", Command::Rset),
        ("SAML", Command::Send),
        ("SEND", Command::Send),
        ("SOML", Command::Send),
        ("STARTTLS", Command::StartTls),
        ("TURN", Command::Turn),
        ("VRFY", Command::Vrfy),
        ("X-ANONYMOUSTLS", Command::StartTls),
    ];
    let found = NAMES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
    found.map_or(Command::Unknown, |(_, c)| *c)
}

/// One line of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply<'a> {
    pub(crate) code: u16,
    /// More lines of the same reply follow.
    pub(crate) more: bool,
    pub(crate) text: &'a [u8],
}

/// Splits a reply line; `None` if it has no code from 100 to 599.
pub(crate) fn reply(line: &[u8]) -> Option<Reply<'_>> {
    let [a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = line else { return None };
    let code = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
    let more = rest.first() == Some(&b'-');
    let text = if more { rest.get(1..).unwrap_or(&[]) } else { rest };
    Some(Reply { code, more, text: text.trim_ascii_start() })
}

/// Size of a BDAT chunk and whether it's the last (RFC 3030 §2). `Err` tells what is wrong.
pub(crate) fn bdat(argument: &[u8]) -> Result<(u64, bool), &'static str> {
    let digits = argument.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return Err("BDAT not followed by a valid chunk-size");
    }
    if digits > 20 {
        return Err("BDAT argument bad length");
    }
    let (size, rest) = argument.split_at_checked(digits).unwrap_or((argument, &[]));
    let size = std::str::from_utf8(size).ok().and_then(|s| s.parse().ok());
    let size: u64 = size.ok_or("BDAT chunk-size not valid")?;
    match rest.trim_ascii() {
        b"" => Ok((size, false)),
        last if last.eq_ignore_ascii_case(b"LAST") && rest.first().is_some_and(u8::is_ascii_whitespace) => {
            Ok((size, true))
        }
        _ => Err("BDAT chunk-size followed by junk"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_commands() {
        assert_eq!(command(b"ehlo  me "), (Command::Ehlo, &b"me "[..]));
        assert_eq!(command(b"MAIL FROM:<a@b>"), (Command::Mail, &b"FROM:<a@b>"[..]));
        assert_eq!(command(b"QUIT"), (Command::Quit, &b""[..]));
        assert_eq!(command(b"nonsense x").0, Command::Unknown);
        assert_eq!(command(b"").0, Command::Unknown);
    }

    #[test]
    fn parses_replies() {
        assert_eq!(reply(b"250-SIZE 5"), Some(Reply { code: 250, more: true, text: b"SIZE 5" }));
        assert_eq!(reply(b"354"), Some(Reply { code: 354, more: false, text: b"" }));
        assert_eq!(reply(b"650 x"), None);
        assert_eq!(reply(b"25"), None);
    }

    #[test]
    fn parses_chunk_sizes() {
        assert_eq!(bdat(b"10"), Ok((10, false)));
        assert_eq!(bdat(b"0 LAST"), Ok((0, true)));
        assert_eq!(bdat(b"12 last"), Ok((12, true)));
        assert!(bdat(b"x").is_err());
        assert!(bdat(b"5LAST").is_err());
        assert!(bdat(b"99999999999999999999").is_err());
        assert!(bdat(b"999999999999999999999").is_err());
    }
}
