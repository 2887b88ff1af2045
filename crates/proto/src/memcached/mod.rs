//! memcached: text and binary encoding over TCP, text over UDP (`doc/protocol.txt`, `doc/protocol-binary.xml`).
//!
//! A row per command with its answer; values are counted, not kept. The server alone gives rows without commands, so that
//! reflected statistics show. Limits: [`MAX_KEY_LEN`], [`MAX_PENDING`], [`crate::pieces::MAX_PIECE_LEN`]. Known gaps:
//! quiet commands of the text encoding are logged without answer; of answers in several datagrams the first is read.
//! Zeek has no such log.

mod binary;
mod probe;
mod record;
#[cfg(test)]
mod tests;
mod text;

pub use record::MemcachedRecord;

use crate::frames::{Frames, cut};
use crate::pieces::{Piece, Pieces};
use crate::{Cx, Descriptor, Protocol, Start, Transport};
use binary::Header;
use sekisho_record::Text;
use sekisho_types::{Dir, Heap, block_len};
use std::collections::VecDeque;
use text::{Command, Line};

/// Longest key and argument kept, in bytes; keys have at most 250.
pub const MAX_KEY_LEN: usize = 250;
/// Commands that may wait for answers.
pub const MAX_PENDING: usize = 256;
/// The usual port.
const PORT: u16 = 11211;
/// Longest value believed.
const MAX_VALUE_LEN: u64 = 1 << 30;
/// What is wanted of a binary message.
const KEEP: usize = 1024;
/// Head of a datagram: request, number, count, reserved.
const DATAGRAM_HEAD_LEN: usize = 8;

/// A command that waits for its answer.
struct Pending {
    row: Box<MemcachedRecord>,
    /// Operation and mark of a binary request.
    op: u8,
    opaque: u32,
    quiet: bool,
}

/// One direction's bytes.
enum Side {
    Binary(Frames),
    Fresh,
    Lost,
    Text(Pieces),
}

/// State of one connection.
pub struct Parser {
    sides: [Side; 2],
    pending: VecDeque<Pending>,
    pending_len: usize,
    /// What the answer under way brought: items and their bytes.
    items: (u64, u64),
    /// The value under way ends the answer.
    last_value: bool,
    /// The datagram under way came from the server, which the flow has for its originator.
    reversed: bool,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor =
        Descriptor { service: "memcached", tcp_ports: &[PORT], udp_ports: &[PORT], probe: probe::probe };

    fn start(_: &Start<'_>) -> Self {
        Self {
            sides: [Side::Fresh, Side::Fresh],
            pending: VecDeque::new(),
            pending_len: 0,
            items: (0, 0),
            last_value: false,
            reversed: false,
        }
    }

    fn data(&mut self, mut dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        let mut input = bytes;
        if cx.transport == Transport::Udp {
            let tuple = &cx.flow.tuple;
            self.reversed = dir.is_orig() && tuple.orig_port == PORT && tuple.resp_port != PORT;
            if self.reversed {
                cx.flip();
                dir = Dir::Resp;
            }
            let Some((head, rest)) = bytes.split_first_chunk::<DATAGRAM_HEAD_LEN>() else { return };
            // Later datagrams of an answer go on within a value.
            if head.get(2..4) != Some(&[0, 0]) {
                return;
            }
            input = rest;
            self.set(dir, Side::Text(Pieces::default()));
        }
        let Some(mut side) = self.sides.get_mut(dir.index()).map(|s| std::mem::replace(s, Side::Fresh)) else { return };
        if let (Side::Fresh, Some(first)) = (&side, input.first()) {
            let is_binary = matches!(*first, binary::REQUEST | binary::ANSWER);
            side = if is_binary { Side::Binary(Frames::default()) } else { Side::Text(Pieces::default()) };
        }
        let result = match &mut side {
            Side::Binary(frames) => self.binary(dir, frames, &mut input, cx),
            Side::Text(pieces) if dir.is_orig() => self.commands(pieces, &mut input, cx),
            Side::Text(pieces) => self.answers(pieces, &mut input, cx),
            Side::Fresh | Side::Lost => Ok(()),
        };
        match result {
            Ok(()) => self.set(dir, side),
            Err(why) => cx.reject(why),
        }
    }

    fn gap(&mut self, dir: Dir, len: u64, cx: &mut Cx<'_>) {
        let kept = match self.sides.get_mut(dir.index()) {
            Some(Side::Binary(frames)) => frames.gap(len, |b| binary::head(b, magic(dir), KEEP)),
            Some(Side::Text(pieces)) => pieces.gap(len),
            _ => true,
        };
        if !kept {
            if !dir.is_orig() {
                self.flush(cx);
            }
            self.set(dir, Side::Lost);
        }
    }

    fn end(&mut self, cx: &mut Cx<'_>) {
        self.flush(cx);
    }

    fn held_len(&self) -> usize {
        let sides: usize = self.sides.iter().map(side_len).sum();
        sides + block_len(self.pending.capacity().saturating_mul(size_of::<Pending>())) + self.pending_len
    }
}

/// First byte of every message of `dir`.
const fn magic(dir: Dir) -> u8 {
    if dir.is_orig() { binary::REQUEST } else { binary::ANSWER }
}

fn side_len(side: &Side) -> usize {
    match side {
        Side::Binary(frames) => frames.heap_len(),
        Side::Text(pieces) => pieces.heap_len(),
        Side::Fresh | Side::Lost => 0,
    }
}

fn row_len(row: &MemcachedRecord) -> usize {
    block_len(size_of::<MemcachedRecord>()) + row.command.heap_len() + row.key.heap_len() + row.user.heap_len()
}

impl Parser {
    fn set(&mut self, dir: Dir, side: Side) {
        if let Some(slot) = self.sides.get_mut(dir.index()) {
            *slot = side;
        }
    }

    fn commands(&mut self, pieces: &mut Pieces, input: &mut &[u8], cx: &mut Cx<'_>) -> Result<(), &'static str> {
        while let Some(piece) = pieces.next(input) {
            // A value behind its command tells nothing.
            let Piece::Line(line) = piece else { continue };
            let Some(command) = Command::parse(line) else {
                if line.is_empty() {
                    continue;
                }
                return Err("memcached_unknown_command");
            };
            cx.recognize("memcached");
            let value_len = command.value_len;
            if value_len.is_some_and(|len| len > MAX_VALUE_LEN) {
                return Err("memcached_value_too_long");
            }
            self.text_command(&command, cx);
            if let Some(len) = value_len {
                pieces.pass_over(len);
            }
        }
        pieces.rest();
        Ok(())
    }

    fn text_command(&mut self, command: &Command<'_>, cx: &mut Cx<'_>) {
        let mut row = MemcachedRecord::new("text", cx);
        row.command = Some(command.name.into());
        row.key = command.key.map(|k| cut(k, MAX_KEY_LEN));
        row.key_count = Some(command.key_count).filter(|n| *n > 0);
        row.value_len = command.value_len;
        // Those without answer stand behind those in waiting, so that rows stay in order.
        self.wait(Pending { row: Box::new(row), op: 0, opaque: 0, quiet: command.silent }, cx);
    }

    fn wait(&mut self, pending: Pending, cx: &mut Cx<'_>) {
        if pending.quiet && self.pending.is_empty() && pending.row.encoding == "text" {
            return cx.emit(*pending.row);
        }
        if self.pending.len() >= MAX_PENDING {
            if cx.flow.seen.resp {
                cx.weird("memcached_too_many_pending");
            }
            self.log_front(cx);
        }
        self.pending_len += row_len(&pending.row);
        self.pending.push_back(pending);
    }

    /// Logs the oldest command as it is.
    fn log_front(&mut self, cx: &mut Cx<'_>) {
        if let Some(pending) = self.pop() {
            cx.emit(*pending.row);
        }
    }

    fn pop(&mut self) -> Option<Pending> {
        let pending = self.pending.pop_front()?;
        self.pending_len -= row_len(&pending.row);
        if self.pending.is_empty() {
            self.pending = VecDeque::new();
        }
        Some(pending)
    }

    fn flush(&mut self, cx: &mut Cx<'_>) {
        while !self.pending.is_empty() {
            self.log_front(cx);
        }
    }

    fn answers(&mut self, pieces: &mut Pieces, input: &mut &[u8], cx: &mut Cx<'_>) -> Result<(), &'static str> {
        while let Some(piece) = pieces.next(input) {
            let line = match piece {
                Piece::Bulk(_) => {
                    if std::mem::take(&mut self.last_value) {
                        self.answered(b"VA", Some(true), cx);
                    }
                    continue;
                }
                Piece::Line(line) => line,
            };
            match Line::parse(line) {
                Some(Line::Value { len, last }) if len <= MAX_VALUE_LEN => {
                    self.items = (self.items.0 + 1, self.items.1.saturating_add(len));
                    self.last_value = last;
                    pieces.pass_over(len);
                }
                Some(Line::Item) => {
                    self.items = (self.items.0 + 1, self.items.1.saturating_add(line.len() as u64));
                }
                Some(Line::Last { status, success }) => {
                    let hit = self.items.0 > 0;
                    self.answered(status, success.or(Some(hit)), cx);
                }
                // Some commands are answered in lines of their own kind.
                None if !self.pending.is_empty() => self.items.0 += 1,
                Some(Line::Value { .. }) | None => return Err("memcached_unknown_answer"),
            }
        }
        pieces.rest();
        Ok(())
    }

    /// An answer in the text encoding is whole.
    fn answered(&mut self, status: &[u8], success: Option<bool>, cx: &mut Cx<'_>) {
        cx.recognize("memcached");
        while self.pending.front().is_some_and(|p| p.quiet) {
            self.log_front(cx);
        }
        let (count, len) = std::mem::take(&mut self.items);
        let mut row = match self.pop() {
            Some(pending) => pending.row,
            // Of the client nothing was heard: the answer is all there is.
            None if !cx.flow.seen.orig || cx.transport == Transport::Udp => Box::new(MemcachedRecord::new("text", cx)),
            None => return,
        };
        row.status = Some(cut(status, MAX_KEY_LEN));
        row.success = success;
        (row.item_count, row.item_len) = (Some(count).filter(|n| *n > 0), Some(len).filter(|n| *n > 0));
        row.tail = cx.tail();
        if self.reversed {
            row.reverse();
        }
        cx.emit(*row);
        while self.pending.front().is_some_and(|p| p.quiet) {
            self.log_front(cx);
        }
    }

    fn binary(
        &mut self,
        dir: Dir,
        frames: &mut Frames,
        input: &mut &[u8],
        cx: &mut Cx<'_>,
    ) -> Result<(), &'static str> {
        loop {
            match frames.next(input, |b| binary::head(b, magic(dir), KEEP)) {
                Ok(Some(frame)) => {
                    let Ok(header) = Header::parse(frame.bytes) else { continue };
                    cx.recognize("memcached");
                    if dir.is_orig() {
                        self.binary_request(&header, frame.bytes, cx);
                    } else {
                        self.binary_answer(&header, frame.bytes, cx);
                    }
                }
                Ok(None) => break,
                Err(_) => return Err("memcached_broken_message"),
            }
        }
        frames.rest();
        Ok(())
    }

    fn binary_request(&mut self, header: &Header, bytes: &[u8], cx: &mut Cx<'_>) {
        let (key, value) = binary::parts(header, bytes);
        let mut row = MemcachedRecord::new("binary", cx);
        row.command = Some(binary::name(header.op));
        if !key.is_empty() {
            (row.key, row.key_count) = (Some(cut(key, MAX_KEY_LEN)), Some(1));
        }
        row.value_len = Some(header.value_len()).filter(|len| *len > 0);
        if header.op == binary::SASL_AUTH {
            row.user = binary::plain_user(key, value).map(|u| cut(u, MAX_KEY_LEN));
        }
        let quiet = binary::is_quiet(header.op);
        self.wait(Pending { row: Box::new(row), op: header.op, opaque: header.opaque, quiet }, cx);
    }

    fn binary_answer(&mut self, header: &Header, bytes: &[u8], cx: &mut Cx<'_>) {
        let (key, _) = binary::parts(header, bytes);
        if header.op == binary::STAT && !key.is_empty() {
            self.items = (self.items.0 + 1, self.items.1.saturating_add(u64::from(header.body_len)));
            return;
        }
        let is_it = |p: &Pending| (p.op, p.opaque) == (header.op, header.opaque);
        let known = self.pending.iter().any(is_it);
        // Quiet requests before it have been passed over.
        while known && self.pending.front().is_some_and(|p| !is_it(p)) {
            self.log_front(cx);
        }
        let found = if known { self.pop() } else { None };
        let mut row = match found {
            Some(pending) => pending.row,
            None if !cx.flow.seen.orig => {
                let mut row = MemcachedRecord::new("binary", cx);
                row.command = Some(binary::name(header.op));
                Box::new(row)
            }
            None => return,
        };
        let (count, len) = std::mem::take(&mut self.items);
        let (count, len) = if header.op == binary::STAT { (count, len) } else { (0, header.value_len()) };
        row.status = Some::<Text>(binary::status(header.status));
        row.success = Some(header.status == 0).filter(|_| header.status != binary::AUTH_CONTINUES);
        row.item_count = Some(count).filter(|n| *n > 0);
        row.item_len = Some(len).filter(|n| *n > 0 && header.status == 0);
        row.tail = cx.tail();
        cx.emit(*row);
    }
}
