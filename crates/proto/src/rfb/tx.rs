//! A session's beginning as rules and EVE see it: one exchange.

use super::message::PixelFormat;
use crate::Cx;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::{Dir, Heap, block_len};

/// What is known of a session; empty unless somebody watches.
#[derive(Default)]
pub(super) struct Exchange {
    mark: Mark,
    begun: bool,
    over: bool,
    pub server: Option<([u8; 3], [u8; 3])>,
    pub client: Option<([u8; 3], [u8; 3])>,
    pub security_type: Option<u32>,
    pub challenge: Option<[u8; 16]>,
    pub response: Option<[u8; 16]>,
    pub result: Option<u32>,
    pub reason: Option<Box<[u8]>>,
    pub shared: Option<bool>,
    pub screen: Option<Screen>,
}

/// What the server shows.
pub(super) struct Screen {
    pub width: u16,
    pub height: u16,
    pub format: PixelFormat,
    pub name: Box<[u8]>,
}

impl Heap for Exchange {
    fn heap_len(&self) -> usize {
        let texts = [self.reason.as_deref(), self.screen.as_ref().map(|s| &*s.name)];
        self.mark.heap_len() + texts.into_iter().flatten().map(|t| block_len(t.len())).sum::<usize>()
    }
}

impl Exchange {
    /// A message of `dir` was read.
    pub fn look(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        if !self.over {
            self.begun = true;
            let mut mark = std::mem::take(&mut self.mark);
            mark.refresh();
            cx.look(dir, 0, &*self, &mut mark);
            self.mark = mark;
        }
    }

    /// Something odd in what `dir` said.
    pub fn odd(&mut self, dir: Dir, name: &'static str) {
        self.begun = true;
        self.mark.event(dir, name);
    }

    /// Nothing more is to be learnt.
    pub fn over(&mut self, dir: Dir, cx: &mut Cx<'_>) {
        if self.begun && !std::mem::replace(&mut self.over, true) {
            let mut mark = std::mem::take(&mut self.mark);
            cx.over(dir, &*self, &mut mark);
        }
    }

    /// Begins with the number that `counter` gives.
    pub fn new(counter: &mut Counter) -> Self {
        Self { mark: counter.begin(), ..Self::default() }
    }

    fn show_login(&self, out: &mut Json<'_>) {
        if let Some(kind) = self.security_type {
            out.number("security_type", kind.into());
        }
        if self.security_type == Some(super::security::VNC) {
            out.object("vnc", |out| {
                for (name, bytes) in [("challenge", &self.challenge), ("response", &self.response)] {
                    if let Some(bytes) = bytes {
                        out.hex(name, bytes);
                    }
                }
            });
        }
        match self.result {
            Some(0) => out.text("security_result", "OK"),
            Some(1) => out.text("security_result", "FAIL"),
            Some(2) => out.text("security_result", "TOOMANY"),
            Some(n) => out.display("security_result", format_args!("UNKNOWN ({n})")),
            None => {}
        }
    }
}

impl Screen {
    fn show(&self, out: &mut Json<'_>) {
        let PixelFormat { bits, depth, big_endian, true_color, max, shift } = self.format;
        out.number("width", self.width.into());
        out.number("height", self.height.into());
        out.bytes("name", &self.name);
        out.object("pixel_format", |out| {
            out.number("bits_per_pixel", bits.into());
            out.number("depth", depth.into());
            out.flag("big_endian", big_endian);
            out.flag("true_color", true_color);
            for (name, max) in ["red_max", "green_max", "blue_max"].into_iter().zip(max) {
                out.number(name, max.into());
            }
            for (name, shift) in ["red_shift", "green_shift", "blue_shift"].into_iter().zip(shift) {
                out.number(name, shift.into());
            }
        });
    }
}

impl Transaction for Exchange {
    fn event_type(&self) -> &'static str {
        "rfb"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("rfb", |out| {
            for (name, version) in [("server_protocol_version", self.server), ("client_protocol_version", self.client)]
            {
                let Some((major, minor)) = version else { continue };
                out.object(name, |out| {
                    out.bytes("major", &major);
                    out.bytes("minor", &minor);
                });
            }
            out.object("authentication", |out| self.show_login(out));
            if let Some(reason) = &self.reason {
                out.bytes("server_security_failure_reason", reason);
            }
            if let Some(shared) = self.shared {
                out.flag("screen_shared", shared);
            }
            if let Some(screen) = &self.screen {
                out.object("framebuffer", |out| screen.show(out));
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let number = |n: Option<u32>| Some(Value::Number(n?.into()));
        match fact {
            _ if nth > 0 => None,
            Fact::RfbName => Some(Value::from(&*self.screen.as_ref()?.name)),
            Fact::RfbSecresult => number(self.result),
            Fact::RfbSectype => number(self.security_type),
            _ => None,
        }
    }
}
