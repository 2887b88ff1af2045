//! RFB, the protocol of VNC (RFC 6143): versions, login and the desktop's name and size.
//!
//! One row per session, written when the desktop is known, else at the end. What follows (pictures, keys) is opaque;
//! TLS within (VeNCrypt, TLS) is handed over. Limits: [`MAX_HELD_LEN`] and those of `message`. Known gaps: logins
//! other than None, VNC and Apple's are not followed: their outcome stays unknown.

mod message;
mod record;
#[cfg(test)]
mod tests;
mod tx;

pub use record::RfbRecord;

use crate::{Cx, Descriptor, Guess, Held, Probe, Protocol, Start, Transport};
use message::{ServerInit, VERSION_LEN, apple_challenge, is_missing, security_type, text, version};
use sekisho_record::Text;
use sekisho_transaction::{Counter, Frame, FrameKind};
use sekisho_types::{Dir, Heap, block_len};
use sekisho_wire::{ParseError, ParseResult, Reader};
use tx::{Exchange, Screen};

/// Bytes of an incomplete message that are held, at most.
const MAX_HELD_LEN: usize = 8 * 1024;

/// Name in conn's `service`.
const SERVICE: &str = "rfb";

/// First byte of a TLS record with a handshake message.
const TLS_HANDSHAKE: u8 = 0x16;

/// Security types (RFC 6143 §8.1.2).
mod security {
    pub const NONE: u32 = 1;
    pub const VNC: u32 = 2;
    pub const TLS: u32 = 18;
    pub const VENCRYPT: u32 = 19;
    pub const APPLE: u32 = 30;
}

/// What comes next, and from whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    ServerVersion,
    ClientVersion,
    /// Up to version 3.6 the server decides.
    Decided,
    /// From version 3.7 on the server offers …
    Offered,
    /// … and the client chooses.
    Chosen,
    VncChallenge,
    VncResponse,
    AppleChallenge,
    AppleResponse(u16),
    Result,
    /// Why the server refused.
    Reason,
    ClientInit,
    ServerInit,
    /// VeNCrypt: the server's version, the client's, its approval, the subtypes, the client's choice.
    VencryptServer,
    VencryptClient,
    VencryptAck,
    VencryptTypes,
    VencryptChoice,
    /// The client begins TLS.
    Tls,
    /// A login that is not followed, or the session itself.
    Opaque,
}

impl Phase {
    const fn sender(self) -> Option<Dir> {
        match self {
            Self::ClientVersion
            | Self::Chosen
            | Self::VncResponse
            | Self::AppleResponse(_)
            | Self::ClientInit
            | Self::VencryptClient
            | Self::VencryptChoice
            | Self::Tls => Some(Dir::Orig),
            Self::Opaque => None,
            _ => Some(Dir::Resp),
        }
    }
}

/// State of one flow.
pub struct Parser {
    held: [Held; 2],
    phase: Phase,
    /// Minor version of the client.
    minor: u16,
    row: Option<Box<RfbRecord>>,
    logged: bool,
    /// What rules and EVE see, if somebody watches.
    exchange: Option<Box<Exchange>>,
}

/// Both ends begin alike; the server speaks first.
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    let is_version =
        |b: &[u8]| version(&mut Reader::new(b)).is_ok_and(|(a, c)| [a, c].concat().iter().all(u8::is_ascii_digit));
    let side = |b: &[u8]| match b.get(..VERSION_LEN) {
        Some(head) if is_version(head) => Guess::Yes,
        None if b"RFB ".starts_with(b.get(..4).unwrap_or(b)) => Guess::More,
        _ => Guess::No,
    };
    match (side(p.orig), side(p.resp)) {
        (Guess::No, _) | (_, Guess::No) => Guess::No,
        (_, Guess::Yes) => Guess::Yes,
        _ => Guess::More,
    }
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: SERVICE, tcp_ports: &[5900, 5901, 5902, 5903], udp_ports: &[], probe };

    fn start(_start: &Start<'_>) -> Self {
        Self {
            held: Default::default(),
            phase: Phase::ServerVersion,
            minor: 0,
            row: None,
            logged: false,
            exchange: None,
        }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if cx.is_watched() && self.exchange.is_none() {
            self.exchange = Some(Box::new(Exchange::new(&mut Counter::default())));
        }
        let Some(held) = self.held.get_mut(dir.index()) else { return };
        let joined = held.join(bytes);
        let mut r = Reader::new(&joined);
        let outcome = self.read(dir, &mut r, cx);
        if self.phase == Phase::Opaque || matches!(outcome, Err(e) if !is_missing(e)) {
            self.settle(dir, outcome.err(), cx);
        }
        let (consumed, left) = (r.pos(), r.left());
        match outcome {
            Ok(()) if self.phase == Phase::Opaque => return cx.opaque(),
            Ok(()) if self.phase == Phase::Tls && left > 0 && dir.is_orig() => {
                return if joined.get(consumed) == Some(&TLS_HANDSHAKE) {
                    cx.hand_over(None, left)
                } else {
                    cx.opaque()
                };
            }
            Ok(()) => {}
            Err(e) if is_missing(e) => {}
            Err(e) => return cx.reject(e.item()),
        }
        if !held_of(&mut self.held, dir).is_some_and(|held| held.keep(joined, consumed, MAX_HELD_LEN)) {
            return cx.reject("rfb_out_of_turn");
        }
        // What the other side said out of turn may be due now.
        let other = held_of(&mut self.held, dir.flip()).is_some_and(|held| !held.is_empty());
        if other && self.phase.sender() == Some(dir.flip()) {
            self.data(dir.flip(), &[], cx);
        }
    }

    fn gap(&mut self, dir: Dir, _len: u64, cx: &mut Cx<'_>) {
        self.settle(dir, None, cx);
        // Nothing tells where a message begins.
        cx.opaque();
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.log(cx);
        self.settle(Dir::Resp, None, cx);
    }

    fn held_len(&self) -> usize {
        let row = self.row.as_ref().map_or(0, |r| block_len(size_of::<RfbRecord>()) + r.heap_len());
        let exchange = self.exchange.as_ref().map_or(0, |e| block_len(size_of::<Exchange>()) + e.heap_len());
        self.held.as_slice().heap_len() + row + exchange
    }
}

fn held_of(held: &mut [Held; 2], dir: Dir) -> Option<&mut Held> {
    held.get_mut(dir.index())
}

impl Parser {
    /// Rules and EVE learn no more.
    fn settle(&mut self, dir: Dir, broken: Option<ParseError>, cx: &mut Cx<'_>) {
        if let Some(exchange) = &mut self.exchange {
            if broken.is_some() {
                exchange.odd(dir, "malformed_message");
            }
            exchange.over(dir, cx);
        }
    }

    /// Notes something for rules and EVE.
    fn note(&mut self, note: impl FnOnce(&mut Exchange)) {
        if let Some(exchange) = &mut self.exchange {
            note(exchange);
        }
    }

    fn row(&mut self, cx: &Cx<'_>) -> &mut RfbRecord {
        self.row.get_or_insert_with(|| {
            Box::new(RfbRecord {
                head: cx.head(cx.ts),
                client_major_version: None,
                client_minor_version: None,
                server_major_version: None,
                server_minor_version: None,
                authentication_method: None,
                auth: None,
                share_flag: None,
                desktop_name: None,
                width: None,
                height: None,
                offered_types: None,
                failure_reason: None,
                tail: cx.tail(),
            })
        })
    }

    fn log(&mut self, cx: &mut Cx<'_>) {
        if let Some(row) = self.row.take()
            && !self.logged
        {
            self.logged = true;
            cx.emit(RfbRecord { tail: cx.tail(), ..*row });
        }
    }

    /// Reads messages while it is `dir`'s turn.
    fn read(&mut self, dir: Dir, r: &mut Reader<'_>, cx: &mut Cx<'_>) -> ParseResult<()> {
        while self.phase.sender() == Some(dir) && !r.is_empty() && self.phase != Phase::Tls {
            let before = r.left();
            self.message(r, cx)?;
            let len = (before - r.left()) as u64;
            cx.frame_of(dir, Frame { kind: FrameKind::RfbPdu, back: before as u64, len: Some(len), tx: Some(0) });
            if let Some(exchange) = &mut self.exchange {
                exchange.look(dir, cx);
            }
        }
        Ok(())
    }

    fn message(&mut self, r: &mut Reader<'_>, cx: &mut Cx<'_>) -> ParseResult<()> {
        self.phase = match self.phase {
            Phase::ServerVersion => {
                let (major, minor) = version(r)?;
                cx.recognize(SERVICE);
                let row = self.row(cx);
                row.server_major_version = Some(Text::from(&major));
                row.server_minor_version = Some(Text::from(&minor));
                self.note(|e| e.server = Some((major, minor)));
                Phase::ClientVersion
            }
            Phase::ClientVersion => self.client_version(r, cx)?,
            Phase::Decided => {
                let kind = r.u32(&"security type")?;
                self.security(kind, cx)
            }
            Phase::Offered => {
                let types = r.block8(&"security types")?.rest();
                self.row(cx).offered_types = Some(types.iter().map(|t| u64::from(*t)).collect());
                if types.is_empty() { Phase::Reason } else { Phase::Chosen }
            }
            Phase::Chosen => {
                let kind = r.u8(&"security type")?;
                self.security(u32::from(kind), cx)
            }
            Phase::VncChallenge => {
                let challenge = r.array(&"challenge")?;
                self.note(|e| e.challenge = Some(challenge));
                Phase::VncResponse
            }
            Phase::VncResponse => {
                let response = r.array(&"response")?;
                self.note(|e| e.response = Some(response));
                Phase::Result
            }
            Phase::AppleChallenge => Phase::AppleResponse(apple_challenge(r)?),
            Phase::AppleResponse(key_len) => {
                r.skip(&"response", usize::from(key_len) + APPLE_CREDENTIALS_LEN).map(|()| Phase::Result)?
            }
            Phase::Result => self.result(r, cx)?,
            Phase::Reason => {
                let reason = text(r)?;
                self.row(cx).failure_reason = Some(reason.into());
                self.note(|e| e.reason = Some(reason.into()));
                Phase::Opaque
            }
            Phase::ClientInit => {
                let shared = r.u8(&"shared flag")?;
                self.row(cx).share_flag = Some(shared != 0);
                self.note(|e| e.shared = Some(shared != 0));
                Phase::ServerInit
            }
            Phase::ServerInit => self.server_init(r, cx)?,
            Phase::VencryptServer => r.skip(&"version", 2).map(|()| Phase::VencryptClient)?,
            Phase::VencryptClient => r.skip(&"version", 2).map(|()| Phase::VencryptAck)?,
            Phase::VencryptAck => {
                if r.u8(&"approval")? == 0 {
                    Phase::VencryptTypes
                } else {
                    Phase::Opaque
                }
            }
            Phase::VencryptTypes => {
                let mut ahead = *r;
                let count = ahead.u8(&"subtypes")?;
                ahead.skip(&"subtypes", usize::from(count) * 4)?;
                *r = ahead;
                Phase::VencryptChoice
            }
            Phase::VencryptChoice => {
                // Plain (256) alone is without TLS; the server approves the others with a byte that is not looked at.
                if r.u32(&"subtype")? > 256 { Phase::Tls } else { Phase::Opaque }
            }
            Phase::Tls | Phase::Opaque => return Err(ParseError::missing(&"message")),
        };
        Ok(())
    }

    fn client_version(&mut self, r: &mut Reader<'_>, cx: &mut Cx<'_>) -> ParseResult<Phase> {
        let (major, minor) = version(r)?;
        cx.confirm(SERVICE);
        self.minor = std::str::from_utf8(&minor).ok().and_then(|m| m.parse().ok()).unwrap_or(0);
        let row = self.row(cx);
        row.client_major_version = Some(Text::from(&major));
        row.client_minor_version = Some(Text::from(&minor));
        self.note(|e| e.client = Some((major, minor)));
        // Apple says 3.889 and means 3.8.
        Ok(if self.minor >= 7 { Phase::Offered } else { Phase::Decided })
    }

    fn security(&mut self, kind: u32, cx: &mut Cx<'_>) -> Phase {
        self.row(cx).authentication_method = Some(security_type(kind));
        let by = if self.phase == Phase::Decided { Dir::Resp } else { Dir::Orig };
        self.note(|e| {
            e.security_type = Some(kind);
            if !matches!(kind, 0 | security::NONE | security::VNC) {
                e.odd(by, "unimplemented_security_type");
            }
        });
        match kind {
            0 => Phase::Reason,
            // Only from version 3.8 on there is a result without login.
            security::NONE if self.minor >= 8 => Phase::Result,
            security::NONE => Phase::ClientInit,
            security::VNC => Phase::VncChallenge,
            security::APPLE => Phase::AppleChallenge,
            security::TLS => Phase::Tls,
            security::VENCRYPT => Phase::VencryptServer,
            _ => Phase::Opaque,
        }
    }

    fn result(&mut self, r: &mut Reader<'_>, cx: &mut Cx<'_>) -> ParseResult<Phase> {
        let result = r.u32(&"result")?;
        self.note(|e| {
            e.result = Some(result);
            if result > 2 {
                e.odd(Dir::Resp, "unknown_security_result");
            }
        });
        let failed = result != 0;
        self.row(cx).auth = Some(!failed);
        Ok(match (failed, self.minor) {
            (false, _) => Phase::ClientInit,
            (true, 8..) => Phase::Reason,
            (true, _) => Phase::Opaque,
        })
    }

    fn server_init(&mut self, r: &mut Reader<'_>, cx: &mut Cx<'_>) -> ParseResult<Phase> {
        let init = ServerInit::parse(r)?;
        let row = self.row(cx);
        row.desktop_name = Some(init.name.into());
        row.width = Some(u64::from(init.width));
        row.height = Some(u64::from(init.height));
        self.note(|e| {
            let ServerInit { width, height, format, name } = init;
            e.screen = Some(Screen { width, height, format, name: name.into() });
        });
        self.log(cx);
        Ok(Phase::Opaque)
    }
}

/// User name and password, encrypted.
const APPLE_CREDENTIALS_LEN: usize = 128;
