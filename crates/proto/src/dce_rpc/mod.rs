//! DCE/RPC over TCP (C706 §9, MS-RPCE §2.1.1.1): the endpoint mapper at port 135 and services at dynamic ports.
//!
//! The association itself is [`crate::rpc`]'s; rows are `dce_rpc`, logins in bindings are `ntlm`. After a hole in a
//! unit that is looked at, nothing more is. Over UDP it is followed for rules and EVE only. Known gap: RPC over HTTP.

mod datagram;
#[cfg(test)]
mod tests;

use crate::gssapi::Gssapi;
use crate::rpc::{HEADER_LEN, Header, Lost, Rpc, Shown};
use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use sekisho_transaction::Counter;
use sekisho_types::{Dir, Heap};

/// State of one connection.
pub struct Parser {
    rpc: Rpc,
    gss: Gssapi,
    /// Calls shown to rules and EVE.
    txs: Counter,
    /// Calls over UDP.
    datagrams: Option<Box<datagram::Calls>>,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "dce_rpc", tcp_ports: &[135], udp_ports: &[135], probe };

    fn start(_: &Start<'_>) -> Self {
        Self { rpc: Rpc::default(), gss: Gssapi::over("rpc"), txs: Counter::default(), datagrams: None }
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        if cx.transport == Transport::Udp {
            if cx.is_watched() {
                self.datagrams.get_or_insert_default().datagram(bytes, cx);
            } else {
                cx.opaque();
            }
            return;
        }
        match self.rpc.data(dir, bytes, &mut self.gss, cx) {
            Ok(()) => {}
            Err(Lost) if self.rpc.is_understood() => cx.opaque(),
            Err(Lost) => cx.reject("dce_rpc_broken_header"),
        }
        let txs = &mut self.txs;
        if let Some(watch) = self.rpc.watch() {
            watch.settle(&mut |shown, dir, over| show(shown, dir, over, txs, cx));
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        if self.rpc.gap(dir, len).is_err() {
            cx.opaque();
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut calls) = self.datagrams.take() {
            calls.end(cx);
        }
        let txs = &mut self.txs;
        if let Some(watch) = self.rpc.watch() {
            watch.finish(&mut |shown, dir, over| show(shown, dir, over, txs, cx));
        }
        self.gss.end(cx);
    }

    fn held_len(&self) -> usize {
        self.rpc.heap_len() + self.gss.heap_len() + self.datagrams.heap_len()
    }
}

/// Shows a call of which one direction has come to its end.
fn show(shown: &mut Shown<'_>, dir: Dir, over: bool, txs: &mut Counter, cx: &mut Cx<'_>) {
    let mut mark = shown.call.mark.take().unwrap_or_else(|| txs.begin());
    if over {
        cx.over(dir, shown, &mut mark);
    } else {
        cx.look(dir, 0, shown, &mut mark);
    }
    shown.call.mark = Some(mark);
}

/// See [`crate::Descriptor::probe`].
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return datagram::probe(p.orig);
    }
    match (begins_unit(p.orig), begins_unit(p.resp)) {
        (Guess::Yes, _) | (_, Guess::Yes) => Guess::Yes,
        // Where the capture began within a message, the other direction tells.
        (Guess::No, Guess::More) | (Guess::More, Guess::No) if p.port_match => Guess::More,
        (Guess::No, _) | (_, Guess::No) => Guess::No,
        _ => Guess::More,
    }
}

/// Do `bytes` begin a unit in one of the usual representations (ASCII, IEEE)?
fn begins_unit(bytes: &[u8]) -> Guess {
    match bytes {
        [] | [5] | [5, 0 | 1] => Guess::More,
        [5, 0 | 1, ..] if bytes.len() < HEADER_LEN => Guess::More,
        [5, 0 | 1, _, _, 0 | 0x10, 0, 0, 0, ..] if Header::parse(bytes).is_ok_and(|h| h.is_plausible()) => Guess::Yes,
        _ => Guess::No,
    }
}
