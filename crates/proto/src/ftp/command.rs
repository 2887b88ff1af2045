//! Commands (RFC 959 §4.1, RFC 2228, 2389, 2428, 3659) and which replies belong to them.

/// Commands whose rows are logged.
pub fn is_logged(cmd: &[u8]) -> bool {
    matches!(cmd, b"APPE" | b"DELE" | b"RETR" | b"STOR" | b"STOU" | b"ACCT" | b"PORT" | b"PASV" | b"EPRT" | b"EPSV")
}

/// Commands whose argument is a path.
pub fn takes_path(cmd: &[u8]) -> bool {
    matches!(
        cmd,
        b"APPE"
            | b"CWD"
            | b"DELE"
            | b"MKD"
            | b"RETR"
            | b"RMD"
            | b"RNFR"
            | b"RNTO"
            | b"STOR"
            | b"STOU"
            | b"REST"
            | b"SIZE"
            | b"MDTM"
    )
}

/// What a command moves over a data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// A file.
    File,
    /// A listing.
    Listing,
}

/// Whether `cmd` opens a data connection.
pub fn moves(cmd: &[u8]) -> Option<Moves> {
    match cmd {
        b"RETR" | b"STOR" | b"STOU" | b"APPE" => Some(Moves::File),
        b"LIST" | b"NLST" | b"MLSD" => Some(Moves::Listing),
        _ => None,
    }
}

/// Is `code` among the replies that the standards allow for `cmd`? 500 fits every command.
pub fn allows(cmd: &[u8], code: u16) -> bool {
    code == 500 || codes(cmd).contains(&code)
}

#[rustfmt::skip]
fn codes(cmd: &[u8]) -> &'static [u16] {
    match cmd {
        b"<init>" => &[120, 220, 421, 0],
        b"USER" => &[230, 331, 332, 421, 530, 501],
        b"PASS" => &[230, 202, 332, 421, 530, 501, 503],
        b"ACCT" => &[230, 202, 421, 530, 501, 503],
        b"CWD" => &[250, 421, 501, 502, 530, 550],
        b"CDUP" => &[200, 250, 421, 501, 502, 530, 550],
        b"SMNT" => &[202, 250, 421, 501, 502, 530, 550],
        b"REIN" => &[120, 220, 421, 502],
        b"QUIT" => &[221, 0],
        b"PORT" => &[200, 421, 501, 530],
        b"PASV" => &[227, 421, 501, 502, 530],
        b"MODE" => &[200, 421, 501, 502, 504, 530],
        b"TYPE" | b"STRU" => &[200, 421, 501, 504, 530],
        b"ALLO" => &[200, 202, 421, 501, 504, 530],
        b"REST" => &[200, 350, 421, 501, 502, 530],
        b"STOR" | b"STOU" =>
            &[110, 125, 150, 226, 250, 421, 425, 426, 450, 451, 452, 501, 530, 532, 550, 551, 552, 553],
        b"RETR" => &[110, 125, 150, 226, 250, 421, 425, 426, 450, 451, 501, 530, 550],
        b"LIST" | b"NLST" => &[125, 150, 226, 250, 421, 425, 426, 450, 451, 501, 502, 530, 550],
        b"APPE" =>
            &[125, 150, 226, 250, 421, 425, 426, 450, 451, 452, 501, 502, 530, 532, 550, 551, 552, 553],
        b"RNFR" => &[350, 421, 450, 501, 502, 530, 550],
        b"RNTO" => &[250, 421, 501, 502, 503, 530, 532, 553],
        b"DELE" => &[250, 421, 450, 501, 502, 530, 550],
        b"RMD" => &[250, 421, 501, 502, 530, 550],
        b"MKD" => &[257, 421, 501, 502, 530, 550],
        b"PWD" => &[257, 421, 501, 502, 550],
        b"ABOR" => &[225, 226, 421, 501, 502],
        b"SYST" => &[215, 421, 501, 502, 530],
        b"STAT" => &[211, 212, 213, 421, 450, 501, 502, 530],
        b"HELP" => &[200, 211, 214, 421, 501, 502],
        b"SITE" => &[200, 202, 214, 501, 502, 530],
        b"NOOP" => &[200, 421],
        b"LPRT" => &[501, 521],
        b"FEAT" => &[211, 502],
        b"OPTS" => &[200, 451, 501],
        b"EPSV" => &[229, 501],
        b"EPRT" => &[200, 501, 522],
        b"SIZE" | b"MDTM" => &[213, 501, 550],
        b"MLST" | b"MLSD" => &[150, 226, 250, 501, 550],
        b"CLNT" => &[200],
        b"MACB" => &[200, 550],
        b"<missing>" => &[0],
        _ => &[],
    }
}

/// How well a pending command fits a reply: the higher the better.
pub fn fit(cmd: &[u8], arg: &[u8], code: u16, msg: &[u8]) -> u32 {
    let mentions = |what: &[u8]| memchr::memmem::find(msg, what).is_some();
    u32::from(allows(cmd, code)) * 100 + u32::from(mentions(cmd)) * 20 + u32::from(mentions(arg)) * 10
}

/// Splits a command line into command and argument, both without the blanks around them.
pub fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii_start();
    let at = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (cmd, rest) = line.split_at_checked(at).unwrap_or((line, &[]));
    (cmd, rest.trim_ascii_start())
}

/// Could this be a command at all: three printable characters or more?
pub fn plausible(cmd: &[u8]) -> bool {
    cmd.len() >= 3 && cmd.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_command_lines() {
        assert_eq!(split(b"  RETR  a b.txt"), (&b"RETR"[..], &b"a b.txt"[..]));
        assert_eq!(split(b"QUIT"), (&b"QUIT"[..], &b""[..]));
        assert!(plausible(b"PWD") && !plausible(b"PW") && !plausible(b"\x16\x03\x01"));
    }

    #[test]
    fn fits_replies_to_commands() {
        assert!(fit(b"RETR", b"a.txt", 226, b"done") > fit(b"CWD", b"/", 226, b"done"));
        assert!(fit(b"RETR", b"b", 150, b"for b") > fit(b"RETR", b"a.txt", 150, b"for b"));
        assert!(allows(b"XYZZ", 500) && !allows(b"XYZZ", 200));
    }
}
