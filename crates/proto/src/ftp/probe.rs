//! Recognition: by the shape of the first lines on the usual ports, elsewhere by what only FTP says.

use super::command;
use super::reply::code_of;
use crate::{Guess, Probe, Transport};

/// First commands of a client, none of which SMTP or POP3 clients begin with after a 220.
const FIRST_COMMANDS: [&[u8]; 9] = [b"USER", b"AUTH", b"FEAT", b"SYST", b"OPTS", b"HOST", b"CLNT", b"PASV", b"PROT"];
/// Commands that only FTP has.
const OWN_COMMANDS: [&[u8]; 12] =
    [b"PASV", b"EPSV", b"PORT", b"EPRT", b"RETR", b"STOR", b"CWD", b"SYST", b"TYPE", b"LIST", b"MLSD", b"NLST"];
/// Reply codes that only FTP has, at the start of a line.
const OWN_REPLIES: [&[u8]; 6] = [b"\n331 ", b"\n230 ", b"\n230-", b"\n227 ", b"\n229 ", b"\n150 "];

/// See [`crate::Descriptor::probe`].
pub fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    if p.port_match { on_port(p) } else { anywhere(p) }
}

fn on_port(p: &Probe<'_>) -> Guess {
    let server =
        |b: &[u8]| code_of(b).is_some_and(|c| (100..=599).contains(&c)) && matches!(b.get(3), Some(b' ' | b'-'));
    let client = |b: &[u8]| {
        let (cmd, _) = command::split(b);
        (3..=4).contains(&cmd.len()) && cmd.iter().all(u8::is_ascii_alphabetic) && b.len() > cmd.len()
    };
    match (p.orig, p.resp) {
        ([], []) => Guess::More,
        (_, resp) if resp.len() >= 4 => {
            if server(resp) {
                Guess::Yes
            } else {
                Guess::No
            }
        }
        (orig, []) if orig.len() >= 6 => {
            if client(orig) {
                Guess::Yes
            } else {
                Guess::No
            }
        }
        _ => Guess::More,
    }
}

fn anywhere(p: &Probe<'_>) -> Guess {
    let greeting = b"220";
    let shared = p.resp.len().min(greeting.len());
    if p.resp.get(..shared) != greeting.get(..shared) || matches!(p.resp.get(3), Some(b) if !matches!(b, b' ' | b'-')) {
        return Guess::No;
    }
    if p.resp.len() < 4 && !p.resp.is_empty() {
        return Guess::More;
    }
    let first = command::split(p.orig).0;
    if p.resp.is_empty() {
        return commands_only(p.orig);
    }
    if p.orig.is_empty() {
        let says = |what: &[u8]| memchr::memmem::find(p.resp, what).is_some();
        return if OWN_REPLIES.iter().any(|r| says(r)) { Guess::Yes } else { Guess::More };
    }
    if p.orig.len() < 4 {
        return Guess::More;
    }
    if among(&FIRST_COMMANDS, first) { Guess::Yes } else { Guess::No }
}

/// USER alone could be POP3; it takes a command of FTP's own.
fn commands_only(orig: &[u8]) -> Guess {
    if orig.len() < 5 {
        return if orig.is_ascii() { Guess::More } else { Guess::No };
    }
    if !among(&FIRST_COMMANDS, command::split(orig).0) {
        return Guess::No;
    }
    let own = orig.split(|b| *b == b'\n').any(|line| among(&OWN_COMMANDS, command::split(line).0));
    if own { Guess::Yes } else { Guess::More }
}

fn among(list: &[&[u8]], word: &[u8]) -> bool {
    list.iter().any(|c| word.eq_ignore_ascii_case(c))
}
