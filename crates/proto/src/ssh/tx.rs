//! A connection as rules and EVE see it: one exchange, whose stages are identification (0) and key exchange (1).

use super::message::{KexInit, list};
use super::{Parser, Side};
use crate::Cx;
use sekisho_transaction::{Counter, Fact, Json, Mark, Transaction, Value};
use sekisho_types::Dir;

/// The exchange; `None`: over.
pub(super) struct Exchange(Option<Mark>);

impl Default for Exchange {
    fn default() -> Self {
        Self(Some(Counter::default().begin()))
    }
}

/// Does a rule ask for what the key exchange tells? Then the event waits for it, as in Suricata.
fn wants_hassh(cx: &Cx<'_>) -> bool {
    const FACTS: [Fact; 4] = [Fact::SshHassh, Fact::SshHasshString, Fact::SshHasshServer, Fact::SshHasshServerString];
    FACTS.iter().any(|fact| cx.wants(*fact))
}

impl Parser {
    /// `dir` has come to `stage`.
    pub(super) fn show(&mut self, dir: Dir, stage: u8, cx: &mut Cx<'_>) {
        if !cx.is_watched() {
            return;
        }
        let Some(mut mark) = self.tx.0.take() else { return };
        cx.look(dir, stage, &View(self, dir), &mut mark);
        let done = |side: &Side| side.kexinit.is_some() || side.identification.is_some() && !wants_hassh(cx);
        if self.sides.iter().all(done) {
            cx.over(dir, &View(self, dir), &mut mark);
        } else {
            self.tx.0 = Some(mark);
        }
    }

    /// The flow is over.
    pub(super) fn end_exchange(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut mark) = self.tx.0.take().filter(|_| cx.is_watched()) {
            if self.sides.iter().all(|side| side.identification.is_none()) {
                return;
            }
            cx.look(Dir::Orig, 1, &View(self, Dir::Orig), &mut mark);
            cx.over(Dir::Resp, &View(self, Dir::Resp), &mut mark);
        }
    }
}

/// The connection in a direction.
struct View<'a>(&'a Parser, Dir);

/// Version and software of `SSH-2.0-OpenSSH_9.6 comment`.
fn parts(side: &Side) -> Option<(&[u8], &[u8])> {
    let rest = side.identification.as_ref()?.0.get(4..)?;
    let at = memchr::memchr(b'-', rest)?;
    let (version, software) = (rest.get(..at)?, rest.get(at + 1..)?);
    let end = software.iter().position(|b| matches!(b, b' ' | b'\r' | b'\n')).unwrap_or(software.len());
    Some((version, software.get(..end)?))
}

/// The four lists that HASSH is made of, semicolons between; `to`: 0 of a client, 1 of a server.
fn hassh_text(kexinit: &KexInit, to: usize) -> Vec<u8> {
    let at = |pair: [usize; 2]| pair.get(to).copied().unwrap_or(0);
    let lists = [list::KEX, at(list::ENCRYPTION), at(list::MAC), at(list::COMPRESSION)];
    let lists = lists.map(|i| kexinit.lists.get(i).map_or(&[][..], Vec::as_slice));
    lists.join(&b';')
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|n| char::from_digit(u32::from(n), 16)).collect()
}

impl View<'_> {
    fn hassh(&self, end: usize) -> Option<&KexInit> {
        self.0.sides.get(end)?.kexinit.as_deref()
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "ssh"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("ssh", |out| {
            for (to, (name, side)) in ["client", "server"].into_iter().zip(&self.0.sides).enumerate() {
                let Some((version, software)) = parts(side) else { continue };
                out.object(name, |out| {
                    out.bytes("proto_version", version);
                    if !software.is_empty() {
                        out.bytes("software_version", software);
                    }
                    if let Some(kexinit) = &side.kexinit {
                        out.object("hassh", |out| {
                            out.text("hash", &hex(&kexinit.hassh(to)));
                            out.bytes("string", &hassh_text(kexinit, to));
                        });
                    }
                });
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        if nth > 0 {
            return None;
        }
        let hash = |end: usize| Some(Value::owned(hex(&self.hassh(end)?.hassh(end)).into_bytes()));
        let text = |end: usize| Some(Value::owned(hassh_text(self.hassh(end)?, end)));
        match fact {
            Fact::SshProto => parts(self.0.side(self.1)).map(|p| p.0.into()),
            Fact::SshSoftware => parts(self.0.side(self.1)).map(|p| p.1.into()),
            Fact::SshHassh => hash(0),
            Fact::SshHasshString => text(0),
            Fact::SshHasshServer => hash(1),
            Fact::SshHasshServerString => text(1),
            _ => None,
        }
    }
}
