//! Frames as Suricata cuts them: commands, lines, and prompts that end with a colon where a login is awaited.

use super::option::IAC;
use crate::Cx;
use sekisho_transaction::{FrameId, FrameKind};
use sekisho_types::{Dir, Heap, block_len};

/// Bytes of an unfinished message in which its end is looked for; behind them only with what comes.
const MAX_HELD_LEN: usize = 4096;

pub(super) const KINDS: &[FrameKind] = &[FrameKind::TelnetCtl, FrameKind::TelnetData, FrameKind::TelnetPdu];

/// How far a login is, which tells where a message of the server ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Login {
    #[default]
    Idle,
    UserAsked,
    UserGiven,
    PasswordAsked,
    PasswordGiven,
    In,
    Failed,
}

/// The message at hand of one direction.
#[derive(Debug, Default)]
struct Message {
    held: Vec<u8>,
    /// Bytes of it so far, held or not.
    len: u64,
    frames: Option<[FrameId; 2]>,
}

/// Cuts both directions.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    messages: [Message; 2],
    login: Login,
}

impl Heap for Cutter {
    fn heap_len(&self) -> usize {
        self.messages.iter().map(|m| block_len(m.held.capacity())).sum()
    }
}

/// Where a message ends.
enum End {
    /// Behind so many bytes.
    At(usize),
    /// Not yet.
    Open,
}

/// Bytes that `word` ends in behind `bytes`' beginning.
fn behind(bytes: &[u8], word: &[u8]) -> End {
    memchr::memmem::find(bytes, word).map_or(End::Open, |at| End::At(at + word.len()))
}

fn end_of(bytes: &[u8], is_prompt: bool) -> End {
    let fixed = |len: usize| if bytes.len() >= len { End::At(len) } else { End::Open };
    match bytes {
        // What is negotiated ends before the command that ends it.
        [IAC, 250, _, rest @ ..] => match behind(rest, &[IAC, 240]) {
            End::At(end) => End::At(end + 1),
            End::Open => End::Open,
        },
        [IAC, 251..=254, ..] => fixed(3),
        [IAC, 250, ..] | [IAC] => End::Open,
        [IAC, ..] => fixed(2),
        _ if is_prompt => behind(bytes, b": "),
        _ => behind(bytes, b"\n"),
    }
}

impl Cutter {
    /// More of what `dir` sends.
    pub fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if !cx.wants_frames(KINDS) {
            return;
        }
        let mut rest = bytes;
        loop {
            let message = dir.of_mut(&mut self.messages);
            let before = message.held.len();
            let room = MAX_HELD_LEN.saturating_sub(before);
            let (piece, left) = rest.split_at(room.min(rest.len()));
            message.held.extend_from_slice(piece);
            let Some(&first) = message.held.first() else { return };
            if message.frames.is_none() {
                let back = (message.held.len() + left.len()) as u64;
                let own = if first == IAC { FrameKind::TelnetCtl } else { FrameKind::TelnetData };
                message.frames = Some([FrameKind::TelnetPdu, own].map(|kind| cx.frame(dir, kind, back, None)));
            }
            let prompts = matches!(self.login, Login::Idle | Login::Failed | Login::UserGiven);
            match end_of(&message.held, prompts && !dir.is_orig()) {
                End::Open if left.is_empty() => return,
                End::Open => {
                    // Too long: the beginning decides no more.
                    let kept = usize::from(message.held.ends_with(&[IAC]) || message.held.ends_with(b":"));
                    let gone = message.held.len() - kept - 3;
                    message.len += gone as u64;
                    message.held.drain(3..3 + gone);
                    rest = left;
                }
                End::At(end) => {
                    let len = message.len + end as u64;
                    for id in message.frames.take().into_iter().flatten() {
                        cx.frame_len(dir, id, len);
                    }
                    message.len = 0;
                    let mut over = std::mem::take(&mut message.held);
                    message.held = over.split_off(end);
                    rest = left;
                    if first != IAC {
                        self.step(dir, &over);
                    }
                }
            }
        }
    }

    /// A line or prompt tells how the login goes.
    fn step(&mut self, dir: Dir, text: &[u8]) {
        self.login = match (self.login, dir) {
            (Login::UserAsked, Dir::Orig) => Login::UserGiven,
            (Login::PasswordAsked, Dir::Orig) => Login::PasswordGiven,
            (Login::Idle | Login::Failed, Dir::Resp) => Login::UserAsked,
            (Login::UserGiven, Dir::Resp) => Login::PasswordAsked,
            (Login::PasswordGiven, Dir::Resp) => match text.strip_suffix(b"\n").unwrap_or(text) {
                b"Login incorrect" => Login::Failed,
                b"" => Login::PasswordGiven,
                line if str::from_utf8(line).is_ok() => Login::In,
                _ => Login::PasswordGiven,
            },
            (login, _) => login,
        };
    }

    /// Bytes are missing: what follows begins a message.
    pub fn gap(&mut self, dir: Dir) {
        *dir.of_mut(&mut self.messages) = Message::default();
    }
}
