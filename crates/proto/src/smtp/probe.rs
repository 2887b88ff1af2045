//! Is it SMTP? The client's HELO or the server's greeting; FTP greets with the same code.

use crate::{Guess, Probe, Transport};

/// A greeting line is awaited up to here.
const MAX_PROBE_LINE: usize = 512;

/// See [`crate::Descriptor::probe`].
pub(crate) fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    client(p.orig, p.port_match).either(server(p.resp, p.port_match))
}

fn client(bytes: &[u8], port_match: bool) -> Guess {
    let sure: &[&[u8]] = &[b"EHLO ", b"HELO ", b"EHLO\r", b"HELO\r", b"EHLO\n", b"HELO\n"];
    let likely: &[&[u8]] =
        &[b"MAIL FROM:", b"RCPT TO:", b"DATA\r\n", b"STARTTLS\r\n", b"AUTH ", b"RSET\r\n", b"QUIT\r\n", b"NOOP\r\n"];
    Guess::begins(bytes, sure.iter().chain(likely.iter().filter(|_| port_match)).copied())
}

fn server(bytes: &[u8], port_match: bool) -> Guess {
    let end = memchr::memchr(b'\n', bytes);
    let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes);
    let line = line.trim_ascii_start();
    let codes: &[&[u8]] = if port_match { &[b"220", b"421", b"554"] } else { &[b"220"] };
    let code = line.get(..3).unwrap_or(line);
    if !codes.iter().any(|c| c.starts_with(code)) {
        return Guess::No;
    }
    match line.get(3) {
        None if end.is_none() => return Guess::More,
        Some(b' ' | b'-') => {}
        _ => return Guess::No,
    }
    if port_match {
        return Guess::Yes;
    }
    let text = line.to_ascii_uppercase();
    if memchr::memmem::find(&text, b"SMTP").is_some() {
        Guess::Yes
    } else if line.len() > MAX_PROBE_LINE {
        Guess::No
    } else {
        // The client's first command will tell.
        Guess::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_probe;

    fn check(orig: &str, resp: &str, port_match: bool, want: Guess) {
        check_probe(probe, orig, resp, port_match, want);
    }

    #[test]
    fn probes_by_content() {
        check("EHLO me\r\n", "", false, Guess::Yes);
        check("", "220 mx ESMTP\r\n", false, Guess::Yes);
        check("", "220 hello\r\n", true, Guess::Yes);
        check("", "220 hello\r\n", false, Guess::More);
        check("helo x", "220 hello\r\n", false, Guess::Yes);
        check("E", "", false, Guess::More);
        check("", "", true, Guess::More);
        check("MAIL FROM:<a@b>\r\n", "", true, Guess::Yes);
    }

    #[test]
    fn leaves_others_alone() {
        check("USER a\r\n", "220 ftp\r\n", false, Guess::No);
        check("GET / HTTP/1.1\r\n", "", true, Guess::No);
        check("", "SSH-2.0-x\r\n", true, Guess::No);
        check("", "\x16\x03", true, Guess::No);
    }
}
