//! SOCKS 4, 4A and 5 (RFC 1928) with logins by password (RFC 1929).
//!
//! One row per connection. What the proxy then carries goes to whatever the probes find in it, and the tunnel is
//! told to the engine. Limits: [`MAX_HELD_LEN`]. Known gaps: GSSAPI logins (RFC 1961) are not followed; what a client
//! sends before the proxy's answer is not looked at.

mod message;
mod record;
#[cfg(test)]
mod tests;

pub use record::SocksRecord;

use crate::told::Login;
use crate::{Cx, Descriptor, Guess, Held, Probe, Protocol, Start, Transport};
use message::{End, Request, command, login, reply4, reply5, status, verdict};
use sekisho_record::{Port, Text};
use sekisho_types::{Dir, Heap, block_len};
use sekisho_wire::{ParseError, ParseResult, Problem, Reader};

/// Bytes of messages that are held, at most; the longest message has 513.
const MAX_HELD_LEN: usize = 2048;

/// Name in conn's `service`.
const SERVICE: &str = "socks";

/// Zeek's name of the tunnel.
const TUNNEL: &str = "Tunnel::SOCKS";

/// Logins (RFC 1928 §3).
mod method {
    pub const NONE: u8 = 0;
    pub const PASSWORD: u8 = 2;
    pub const REFUSED: u8 = 0xff;
}

/// What comes next, and from whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Begin,
    Methods,
    Method,
    Login,
    Verdict,
    Request,
    Reply,
    /// What the proxy carries.
    Tunnel,
    /// Nothing that can be followed.
    Opaque,
}

impl Phase {
    const fn sender(self) -> Option<Dir> {
        match self {
            Self::Begin | Self::Methods | Self::Login | Self::Request => Some(Dir::Orig),
            Self::Method | Self::Verdict | Self::Reply => Some(Dir::Resp),
            Self::Tunnel | Self::Opaque => None,
        }
    }
}

/// State of one flow.
pub struct Parser {
    held: [Held; 2],
    phase: Phase,
    version: u8,
    command: u8,
    row: Option<Box<SocksRecord>>,
}

/// Two short binary messages: only both together are proof.
fn probe(p: &Probe<'_>) -> Guess {
    let Some(version @ (4 | 5)) = p.orig.first() else {
        return if p.orig.is_empty() && matches!(p.resp.first(), None | Some(0 | 5)) { Guess::More } else { Guess::No };
    };
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    if *version == 4 { probe4(p) } else { probe5(p) }
}

fn probe4(p: &Probe<'_>) -> Guess {
    let mut r = Reader::new(p.orig);
    match Request::parse4(&mut r) {
        Ok(request) if request.user.is_ascii() && request.end.name.is_none_or(<[u8]>::is_ascii) => {}
        Err(e) if e.problem() == Problem::Missing => return Guess::More,
        _ => return Guess::No,
    }
    match p.resp {
        [] | [0] => Guess::More,
        [0, 0x5a..=0x5d, ..] => Guess::Yes,
        _ => Guess::No,
    }
}

fn probe5(p: &Probe<'_>) -> Guess {
    let [_, count, rest @ ..] = p.orig else { return Guess::More };
    let count = usize::from(*count);
    let Some(methods) = rest.get(..count) else { return if count < 20 { Guess::More } else { Guess::No } };
    let pipelined = rest.get(count).is_none_or(|b| matches!(b, 1 | 5));
    if methods.is_empty() || !pipelined || !methods.iter().any(|m| *m <= method::PASSWORD) {
        return Guess::No;
    }
    match p.resp {
        [] | [5] => Guess::More,
        [5, chosen, ..] if methods.contains(chosen) || *chosen == method::REFUSED => Guess::Yes,
        _ => Guess::No,
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: SERVICE, tcp_ports: &[1080], udp_ports: &[], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self { held: Default::default(), phase: Phase::Begin, version: 0, command: 0, row: None }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Some(held) = self.held.get_mut(dir.index()) else { return };
        let joined = held.join(bytes);
        let mut r = Reader::new(&joined);
        let outcome = self.read(dir, &mut r, cx);
        let (consumed, left) = (r.pos(), r.left());
        match outcome {
            Err(e) if e.problem() != Problem::Missing => return cx.reject(e.item()),
            _ if self.phase == Phase::Tunnel => return cx.hand_over(None, left),
            _ if self.phase == Phase::Opaque => return cx.opaque(),
            _ => {}
        }
        let Some(held) = self.held.get_mut(dir.index()) else { return };
        if !held.keep(joined, consumed, MAX_HELD_LEN) {
            return cx.reject("socks_out_of_turn");
        }
        // What the other side said out of turn may be due now.
        let other = self.held.get(dir.flip().index()).is_some_and(|held| !held.is_empty());
        if other && self.phase.sender() == Some(dir.flip()) {
            self.data(dir.flip(), &[], cx);
        }
    }

    fn gap(&mut self, _dir: Dir, _len: u64, cx: &mut Cx<'_>) {
        // Nothing tells where a message begins.
        cx.opaque();
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.row.take() {
            cx.emit(SocksRecord { tail: cx.tail(), ..*row });
        }
    }

    fn held_len(&self) -> usize {
        let texts = |r: &SocksRecord| {
            [&r.user, &r.status, &r.request_name, &r.bound_name].map(Heap::heap_len).iter().sum::<usize>()
        };
        let row = self.row.as_ref().map_or(0, |r| block_len(size_of::<SocksRecord>()) + texts(r));
        self.held.as_slice().heap_len() + row
    }
}

impl Parser {
    fn row(&mut self, cx: &Cx<'_>) -> &mut SocksRecord {
        let version = u64::from(self.version);
        self.row.get_or_insert_with(|| {
            Box::new(SocksRecord {
                head: cx.head(cx.ts),
                version,
                user: None,
                password: None,
                status: None,
                request_host: None,
                request_name: None,
                request_p: None,
                bound_host: None,
                bound_name: None,
                bound_p: None,
                command: None,
                auth_method: None,
                tail: cx.tail(),
            })
        })
    }

    /// Reads messages while it is `dir`'s turn.
    fn read(&mut self, dir: Dir, r: &mut Reader<'_>, cx: &mut Cx<'_>) -> ParseResult<()> {
        while self.phase.sender() == Some(dir) && !r.is_empty() {
            self.phase = self.message(r, cx)?;
        }
        Ok(())
    }

    fn message(&mut self, r: &mut Reader<'_>, cx: &mut Cx<'_>) -> ParseResult<Phase> {
        match self.phase {
            Phase::Begin => {
                self.version = *r.rest().first().ok_or(ParseError::missing(&"version"))?;
                match self.version {
                    4 => Ok(Phase::Request),
                    5 => Ok(Phase::Methods),
                    _ => Err(ParseError::bad(&"version")),
                }
            }
            Phase::Methods => {
                let mut ahead = *r;
                ahead.skip(&"version", 1)?;
                ahead.block8(&"methods")?;
                *r = ahead;
                Ok(Phase::Method)
            }
            Phase::Method => self.method(r, cx),
            Phase::Login => {
                let (user, password) = login(r)?;
                let password = Some(password);
                cx.login(&Login { protocol: SERVICE, method: b"password", user, password, success: None });
                self.row(cx).user = Some(user.into());
                Ok(Phase::Verdict)
            }
            Phase::Verdict => {
                let code = verdict(r)?;
                self.row(cx).status = Some(status(5, code).into());
                cx.login_judged(SERVICE, code == 0);
                Ok(if code == 0 { Phase::Request } else { Phase::Opaque })
            }
            Phase::Request => self.request(r, cx),
            Phase::Reply => self.reply(r, cx),
            Phase::Tunnel | Phase::Opaque => Err(ParseError::missing(&"message")),
        }
    }

    fn method(&mut self, r: &mut Reader<'_>, cx: &mut Cx<'_>) -> ParseResult<Phase> {
        let [version, chosen] = r.array(&"method")?;
        if version != 5 {
            return Err(ParseError::bad(&"version"));
        }
        cx.recognize(SERVICE);
        Ok(match chosen {
            method::NONE => Phase::Request,
            method::PASSWORD => {
                self.row(cx).auth_method = Some(u64::from(chosen));
                Phase::Login
            }
            _ => {
                self.row(cx).auth_method = Some(u64::from(chosen));
                if chosen != method::REFUSED {
                    cx.weird_with("socks5_unsupported_authentication_method", Some(chosen.to_string().into()));
                }
                Phase::Opaque
            }
        })
    }

    fn request(&mut self, r: &mut Reader<'_>, cx: &mut Cx<'_>) -> ParseResult<Phase> {
        let request = if self.version == 4 { Request::parse4(r)? } else { Request::parse5(r)? };
        self.command = request.command;
        let row = self.row(cx);
        if !request.user.is_empty() {
            row.user = Some(request.user.into());
        }
        row.request_host = request.end.host;
        row.request_name = request.end.name.map(Text::from);
        row.request_p = Some(Port(request.end.port));
        row.command = Some(command(request.command));
        cx.tunnel(TUNNEL);
        Ok(Phase::Reply)
    }

    fn reply(&mut self, r: &mut Reader<'_>, cx: &mut Cx<'_>) -> ParseResult<Phase> {
        const BIND: u8 = 2;
        const CONNECT: u8 = 1;
        let (code, End { host, name, port }) = if self.version == 4 { reply4(r)? } else { reply5(r)? };
        cx.confirm(SERVICE);
        let version = self.version;
        let row = self.row(cx);
        row.status = Some(status(version, code).into());
        row.bound_host = host;
        row.bound_name = name.map(Text::from);
        row.bound_p = Some(Port(port));
        let granted = code == if version == 4 { 0x5a } else { 0 };
        Ok(match self.command {
            CONNECT if granted => Phase::Tunnel,
            // A second reply follows when the other host has connected.
            BIND if granted => {
                self.command = CONNECT;
                Phase::Reply
            }
            _ => Phase::Opaque,
        })
    }
}
