//! Commands (RFC 1939 §5–7, RFC 2449, RFC 2595, RFC 5034) and what their replies look like.

/// A command that waits for its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Apop,
    Auth,
    /// AUTH without mechanism, which lists them.
    AuthList,
    Capa,
    Dele,
    List,
    Other,
    Pass,
    Quit,
    Retr,
    /// A listing of one message, or what else is answered by one line.
    Single,
    Stat,
    Stls,
    Top,
    User,
}

/// Names, in upper case, and what they are if an argument follows and if not.
const COMMANDS: [(&[u8], Command, Command); 17] = [
    (b"APOP", Command::Apop, Command::Other),
    (b"AUTH", Command::Auth, Command::AuthList),
    (b"CAPA", Command::Capa, Command::Capa),
    (b"DELE", Command::Dele, Command::Other),
    (b"LAST", Command::Single, Command::Single),
    (b"LIST", Command::Single, Command::List),
    (b"NOOP", Command::Single, Command::Single),
    (b"PASS", Command::Pass, Command::Pass),
    (b"QUIT", Command::Quit, Command::Quit),
    (b"RETR", Command::Retr, Command::Other),
    (b"RSET", Command::Single, Command::Single),
    (b"STAT", Command::Stat, Command::Stat),
    (b"STLS", Command::Stls, Command::Stls),
    (b"TOP", Command::Top, Command::Other),
    (b"UIDL", Command::Single, Command::List),
    (b"USER", Command::User, Command::Other),
    (b"XSENDER", Command::Single, Command::Single),
];

/// A line's command and argument.
pub(super) fn command(line: &[u8]) -> (Command, &[u8]) {
    let line = line.trim_ascii();
    let at = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (word, argument) = line.split_at_checked(at).unwrap_or((line, &[]));
    let argument = argument.trim_ascii_start();
    let known = COMMANDS.iter().find(|(name, ..)| word.eq_ignore_ascii_case(name));
    let command = known.map_or(Command::Other, |(_, with, without)| if argument.is_empty() { *without } else { *with });
    (command, argument)
}

impl Command {
    /// Does a positive reply go on up to a line with a dot?
    pub const fn is_multiline(self) -> bool {
        matches!(self, Self::AuthList | Self::Capa | Self::List | Self::Retr | Self::Top)
    }

    /// Is it the end of a login?
    pub const fn is_login(self) -> bool {
        matches!(self, Self::Apop | Self::Auth | Self::Pass)
    }
}

/// A reply's kind (RFC 1939 §3, RFC 5034 §4) and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply<'a> {
    Ok(&'a [u8]),
    Err(&'a [u8]),
    /// The server waits for a line of a login.
    Continue,
}

/// Reads a reply's line.
pub(super) fn reply(line: &[u8]) -> Option<Reply<'_>> {
    if let Some(text) = line.strip_prefix(b"+OK") {
        return Some(Reply::Ok(text.trim_ascii()));
    }
    if let Some(text) = line.strip_prefix(b"-ERR") {
        return Some(Reply::Err(text.trim_ascii()));
    }
    (line == b"+" || line.starts_with(b"+ ")).then_some(Reply::Continue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_commands_and_replies() {
        assert_eq!(command(b"retr 1\r"), (Command::Retr, &b"1"[..]));
        assert_eq!(command(b"LIST"), (Command::List, &b""[..]));
        assert_eq!(command(b"LIST 2").0, Command::Single);
        assert_eq!(command(b"AUTH").0, Command::AuthList);
        assert_eq!(command(b"XYZZY 1").0, Command::Other);
        assert_eq!(reply(b"+OK 2 320"), Some(Reply::Ok(b"2 320")));
        assert_eq!(reply(b"-ERR no"), Some(Reply::Err(b"no")));
        assert_eq!(reply(b"+ "), Some(Reply::Continue));
        assert_eq!(reply(b"HTTP/1.1 200"), None);
    }
}
