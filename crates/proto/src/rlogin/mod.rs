//! rlogin (RFC 1282) and its kin rsh and rexec of BSD: what the client says first, and whether the server takes it.
//!
//! One row per session; what follows is opaque. rexec's password is not kept. Limits: [`MAX_HELD_LEN`],
//! [`MAX_ERROR_LEN`]. Known gap: the dialogue in which rlogin's server asks for a password.

mod record;
#[cfg(test)]
mod tests;

pub use record::RloginRecord;

use crate::{Cx, Descriptor, Guess, Held, Probe, Protocol, Start, Transport};
use sekisho_record::Text;
use sekisho_types::{Dir, Heap, block_len};

/// Longest beginning of a client that is read.
const MAX_HELD_LEN: usize = 4096;
/// Longest refusal kept.
const MAX_ERROR_LEN: usize = 256;

/// Name in conn's `app`.
const SERVICE: &str = "rlogin";

const REXEC_PORT: u16 = 512;
const RLOGIN_PORT: u16 = 513;

/// State of one flow.
pub struct Parser {
    held: Held,
    row: Option<Box<RloginRecord>>,
    /// The server's first byte.
    verdict: Option<u8>,
    error: Vec<u8>,
}

/// What a client says first: texts with a zero behind each.
#[derive(Debug, PartialEq, Eq)]
struct Hello<'a> {
    kind: &'static str,
    texts: [&'a [u8]; 3],
    stderr_port: Option<u64>,
}

/// `Ok(None)`: it goes on behind these bytes.
fn hello(bytes: &[u8], port: u16) -> Result<Option<Hello<'_>>, ()> {
    let mut parts = bytes.split(|b| *b == 0);
    let [Some(first), a, b, c, end] = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()] else {
        return Err(());
    };
    let kind = match port {
        RLOGIN_PORT => "rlogin",
        REXEC_PORT => "rexec",
        _ => "rsh",
    };
    let printable = |t: &&[u8]| t.iter().all(|b| b.is_ascii_graphic() || *b == b' ' || *b >= 0x80);
    // rlogin begins with a zero, the others with a port's digits.
    let begins =
        if kind == "rlogin" { first.is_empty() } else { first.len() <= 5 && first.iter().all(u8::is_ascii_digit) };
    let secret = kind == "rexec";
    let readable = [a, b, c].iter().enumerate().all(|(i, t)| t.is_none_or(|t| printable(&t) || secret && i == 1));
    if !begins || !readable {
        return Err(());
    }
    let (Some(a), Some(b), Some(c), Some(_)) = (a, b, c, end) else { return Ok(None) };
    let user = if kind == "rexec" { a } else { b };
    if user.is_empty() || kind == "rlogin" && !c.contains(&b'/') {
        return Err(());
    }
    let stderr_port = std::str::from_utf8(first).ok().and_then(|t| t.parse().ok());
    Ok(Some(Hello { kind, texts: [a, b, c], stderr_port }))
}

fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp || !p.port_match {
        return Guess::No;
    }
    match (hello(p.orig, p.flow.tuple.resp_port), p.orig, p.resp) {
        (_, [], []) => Guess::More,
        (Ok(Some(_)), ..) => Guess::Yes,
        (Ok(None), ..) if p.orig.len() < MAX_HELD_LEN => Guess::More,
        _ => Guess::No,
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: SERVICE, tcp_ports: &[REXEC_PORT, RLOGIN_PORT, 514], udp_ports: &[], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self { held: Held::new(), row: None, verdict: None, error: Vec::new() }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if !dir.is_orig() {
            return self.server(bytes, cx);
        }
        if self.row.is_some() {
            return;
        }
        let joined = self.held.join(bytes);
        match hello(&joined, cx.flow.tuple.resp_port) {
            Ok(Some(hello)) => self.client(&hello, cx),
            Ok(None) => {
                if !self.held.keep(joined, 0, MAX_HELD_LEN) {
                    cx.reject("rlogin_hello_too_long");
                }
            }
            Err(()) => cx.reject("rlogin_no_hello"),
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, cx: &mut Cx<'_>) {
        cx.opaque();
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        let Some(row) = self.row.take() else { return };
        // Zero is consent; rsh says 1 and why, rlogin just why.
        let accepted = self.verdict.map(|v| v == 0);
        let error = std::mem::take(&mut self.error);
        let text = error.trim_ascii();
        let error = Some(Text::from(text)).filter(|_| accepted == Some(false) && !text.is_empty());
        cx.emit(RloginRecord { accepted, error, tail: cx.tail(), ..*row });
    }

    fn held_len(&self) -> usize {
        let row = self.row.as_ref().map_or(0, |r| block_len(size_of::<RloginRecord>()) + r.heap_len());
        self.held.heap_len() + self.error.heap_len() + row
    }
}

impl Parser {
    fn client(&mut self, hello: &Hello<'_>, cx: &mut Cx<'_>) {
        // Zeek names no such service.
        cx.recognize(SERVICE);
        let [a, b, c] = hello.texts.map(|t| Some(Text::from(t)));
        let (client_user, server_user, terminal, command) = match hello.kind {
            "rlogin" => (a, b, c, None),
            "rsh" => (a, b, None, c),
            _ => (None, a, None, c),
        };
        self.row = Some(Box::new(RloginRecord {
            head: cx.head(cx.ts),
            kind: hello.kind,
            client_user,
            server_user,
            terminal,
            command,
            stderr_port: hello.stderr_port.filter(|port| *port > 0),
            accepted: None,
            error: None,
            tail: cx.tail(),
        }));
    }

    fn server(&mut self, bytes: &[u8], cx: &mut Cx<'_>) {
        let mut rest = bytes;
        if self.verdict.is_none() {
            let Some((first, after)) = bytes.split_first() else { return };
            self.verdict = Some(*first);
            rest = if *first <= 1 { after } else { bytes };
        }
        if self.verdict == Some(0) && self.row.is_some() {
            return cx.opaque();
        }
        let room = MAX_ERROR_LEN.saturating_sub(self.error.len());
        self.error.extend_from_slice(rest.get(..room).unwrap_or(rest));
    }
}
