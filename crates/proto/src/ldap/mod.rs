//! LDAP 3 (RFC 4511) over TCP and, as Windows uses it, UDP (MS-ADTS §6.3.3).
//!
//! One row per operation, written when it is answered, else at the end: `ldap_search` for searches, `ldap` for all
//! others. StartTLS hands over to TLS. Behind a SASL bind messages that are signed only are read, encrypted ones are
//! passed over (see `sasl`). Entries found are counted and not kept, however large. Limits: [`MAX_MESSAGE_LEN`],
//! [`MAX_PENDING`], [`filter::MAX_FILTER_LEN`], and those of `message`. NTLM and
//! Kerberos inside binds have their own rows (see `gssapi`). Known gaps: referrals; the entries' attributes.

mod filter;
mod message;
mod names;
mod probe;
mod record;
mod sasl;
mod session;
mod show;
#[cfg(test)]
mod tests;
mod tx;

pub use record::{LdapRecord, LdapSearchRecord};
pub use session::MAX_PENDING;

use crate::{Cx, Descriptor, Held, ProtoId, Protocol, Start, Transport};
use message::{Head, op};
use sekisho_transaction::FrameKind;
use sekisho_types::{Dir, Heap, block_len};
use session::{Next, Session};
use tx::Exchanges;

/// Longest message that is read, entries excepted; what is longer is skipped.
pub const MAX_MESSAGE_LEN: usize = 64 << 10;

/// One direction of a TCP connection.
#[derive(Default)]
struct Side {
    held: Held,
    /// Bytes to be dropped before the next message.
    skip: usize,
    /// Bytes of messages that are left in a SASL buffer.
    wrapped: usize,
    /// Bytes behind them.
    tail: usize,
    lost: bool,
}

/// State of one flow.
pub struct Parser {
    /// TCP only.
    sides: Option<Box<[Side; 2]>>,
    session: Session,
    exchanges: Exchanges,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "ldap", tcp_ports: &[389, 3268], udp_ports: &[389], probe: probe::probe };

    fn start(start: &Start<'_>) -> Self {
        let sides = (start.transport == Transport::Tcp).then(Box::default);
        Self { sides, session: Session::new(), exchanges: Exchanges::default() }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let Some(mut sides) = self.sides.take() else {
            self.datagram(dir, bytes, cx);
            return;
        };
        if let Some(side) = sides.get_mut(dir.index()).filter(|s| !s.lost) {
            self.stream(dir, side, bytes, cx);
        }
        self.sides = Some(sides);
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        let Some(side) = self.sides.as_deref_mut().and_then(|s| s.get_mut(dir.index())) else { return };
        match usize::try_from(len).ok().and_then(|len| side.skip.checked_sub(len)) {
            Some(left) => side.skip = left,
            None => side.lose("ldap_gap", cx),
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.session.end(cx);
        self.exchanges.finish(cx);
    }

    fn held_len(&self) -> usize {
        let sides = self
            .sides
            .as_deref()
            .map_or(0, |s| block_len(size_of::<[Side; 2]>()) + s.iter().map(|s| s.held.heap_len()).sum::<usize>());
        sides + self.session.heap_len() + self.exchanges.heap_len()
    }
}

impl Side {
    fn lose(&mut self, why: &'static str, cx: &mut Cx<'_>) {
        *self = Self { lost: true, ..Self::default() };
        cx.weird(why);
    }

    /// Takes `len` bytes of a message; returns how many of the `there` bytes they are, the rest is skipped later.
    fn take(&mut self, len: usize, there: usize) -> usize {
        if self.wrapped > 0 {
            self.wrapped -= len.min(self.wrapped);
        }
        let mut whole = len;
        if self.wrapped == 0 {
            whole = whole.saturating_add(std::mem::take(&mut self.tail));
        }
        self.skip = whole.saturating_sub(there);
        whole.min(there)
    }
}

impl Parser {
    fn datagram(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let mut rest = bytes;
        while let Ok(Some(head)) = Head::parse(rest) {
            let Some((message, after)) = rest.split_at_checked(head.total_len) else { break };
            cx.frame(dir, FrameKind::LdapPdu, rest.len() as u64, Some(head.total_len as u64));
            if cx.is_watched() {
                self.exchanges.message(&head, message, cx);
            }
            self.session.message(&head, Some(message), cx);
            rest = after;
        }
        if rest.len() == bytes.len() {
            cx.weird("ldap_broken_message");
        }
    }

    fn stream(&mut self, dir: Dir, side: &mut Side, bytes: &[u8], cx: &mut Cx<'_>) {
        let dropped = side.skip.min(bytes.len());
        side.skip -= dropped;
        let joined = side.held.join(bytes.get(dropped..).unwrap_or(&[]));
        let mut consumed = 0;
        loop {
            let rest = joined.get(consumed..).unwrap_or(&[]);
            match self.step(dir, side, rest, cx) {
                Ok(Some(Step::Took(len))) => consumed += len,
                Ok(Some(Step::Tls(len))) => {
                    let left = rest.len() - len;
                    return cx.hand_over(Some(ProtoId::Tls), left);
                }
                Ok(None) => break,
                Err(why) => {
                    if cx.is_watched() {
                        self.exchanges.lost(dir, cx);
                    }
                    return side.lose(why, cx);
                }
            }
        }
        if !side.held.keep(joined, consumed, MAX_MESSAGE_LEN) {
            side.lose("ldap_message_over_limit", cx);
        }
    }

    /// Reads one message, or the head of a SASL buffer, at the beginning of `rest`; `None` if more bytes are needed.
    fn step(&mut self, dir: Dir, side: &mut Side, rest: &[u8], cx: &mut Cx<'_>) -> Result<Option<Step>, &'static str> {
        if rest.is_empty() {
            return Ok(None);
        }
        // No message is as long as a SASL buffer would be whose length begins with the byte of a message.
        if side.wrapped == 0 && self.session.is_secured() && rest.first() != Some(&crate::ber::tag::SEQUENCE) {
            let Some(buffer) = sasl::wrapped(rest)? else { return Ok(None) };
            if buffer.body_len == 0 {
                return Ok(Some(Step::Took(side.take(buffer.head_len + buffer.tail_len, rest.len()))));
            }
            let Some(_) = rest.get(..buffer.head_len) else { return Ok(None) };
            (side.wrapped, side.tail) = (buffer.body_len, buffer.tail_len);
            return Ok(Some(Step::Took(buffer.head_len)));
        }
        let Some(head) = Head::parse(rest).map_err(|_| "ldap_broken_message")? else { return Ok(None) };
        if side.wrapped > 0 && head.total_len > side.wrapped {
            return Err("ldap_bad_sasl_buffer");
        }
        let frame = (rest.len() as u64, Some(head.total_len as u64));
        let bulk = matches!(head.op, op::SEARCH_ENTRY | op::SEARCH_REFERENCE);
        let too_long = head.total_len > MAX_MESSAGE_LEN;
        // Entries are only counted, unless somebody watches.
        if bulk && !cx.is_watched() || too_long {
            if too_long && !bulk {
                cx.weird("ldap_message_over_limit");
            }
            cx.frame(dir, FrameKind::LdapPdu, frame.0, frame.1);
            self.session.message(&head, None, cx);
            return Ok(Some(Step::Took(side.take(head.total_len, rest.len()))));
        }
        let Some(message) = rest.get(..head.total_len) else { return Ok(None) };
        cx.frame(dir, FrameKind::LdapPdu, frame.0, frame.1);
        if cx.is_watched() {
            self.exchanges.message(&head, message, cx);
        }
        let next = self.session.message(&head, Some(message).filter(|_| !bulk), cx);
        let took = side.take(head.total_len, rest.len());
        Ok(Some(if next == Next::Tls { Step::Tls(took) } else { Step::Took(took) }))
    }
}

/// What was read.
enum Step {
    Took(usize),
    /// Behind these bytes TLS begins.
    Tls(usize),
}
