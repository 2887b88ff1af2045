//! The exchanges of a flow as rules and EVE see them: a request with its response. Kept only while somebody watches.

use super::message::Version;
use super::oddity;
use super::side::State;
use super::view::View;
use crate::{Cx, FileId};
use sekisho_transaction::{Counter, Mark};
use sekisho_types::{Dir, Heap, block_len, list_len};
use std::collections::VecDeque;

/// Exchanges that are kept at once; of more the oldest is over.
const MAX_OPEN: usize = 256;

/// Bytes that they may hold; of more the oldest is over.
const MAX_OPEN_LEN: usize = 1 << 20;

/// Fields of one message that are remembered.
const MAX_FIELDS: usize = 512;

/// Bytes of a message's head that are remembered.
const MAX_HEAD_LEN: usize = 64 * 1024;

/// Stages of a message: see [`sekisho_transaction::Mark`].
pub(super) mod stage {
    pub const HEADER: u8 = 1;
    pub const BODY: u8 = 2;
    pub const OVER: u8 = 3;
}

/// Name and value of a header line.
type Field = (Box<[u8]>, Box<[u8]>);

/// A request or a response.
#[derive(Default)]
pub(super) struct Message {
    /// The first line.
    pub line: Vec<u8>,
    /// The header as it came, lines with their ends.
    pub raw: Vec<u8>,
    /// Names and values as they came.
    pub fields: Vec<Field>,
    fields_len: usize,
    /// Bytes of the body, before its codings are undone.
    pub body_len: u64,
    pub code: u16,
    /// It has begun.
    pub begun: bool,
    /// Its header is complete.
    pub headed: bool,
    pub over: bool,
}

impl Heap for Message {
    fn heap_len(&self) -> usize {
        self.line.heap_len() + self.raw.heap_len() + list_len(&self.fields) + self.fields_len
    }
}

impl Message {
    /// The values of a field.
    pub fn values<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(move |f| f.0.eq_ignore_ascii_case(name)).map(|f| &*f.1)
    }

    pub(super) fn add(&mut self, line: &[u8], name: &[u8], value: &[u8]) {
        let len = name.len() + value.len();
        if self.fields.len() < MAX_FIELDS && self.fields_len + len <= MAX_HEAD_LEN {
            self.fields_len += len;
            self.fields.push((name.into(), value.into()));
        }
        self.add_raw(line);
    }

    fn add_raw(&mut self, line: &[u8]) {
        if self.raw.len() + line.len() <= MAX_HEAD_LEN {
            self.raw.extend_from_slice(line);
            self.raw.extend_from_slice(b"\r\n");
        }
    }
}

/// One exchange.
pub(super) struct Exchange {
    /// The row's number in [`super::exchange::Exchanges`].
    row: u64,
    pub halves: [Message; 2],
    mark: Mark,
    counted: usize,
}

/// Those of a flow that are not over.
#[derive(Default)]
pub(super) struct Watched {
    counter: Counter,
    open: VecDeque<Exchange>,
    counted: usize,
    /// How a body that should not be there is framed, and how long the whole is.
    pub doubt: Option<(State, Option<u64>)>,
}

impl Heap for Watched {
    fn heap_len(&self) -> usize {
        self.counted + block_len(self.open.capacity().saturating_mul(size_of::<Exchange>()))
    }
}

impl Watched {
    fn of(&mut self, row: u64) -> Option<&mut Exchange> {
        let at = self.open.binary_search_by_key(&row, |e| e.row).ok()?;
        self.open.get_mut(at)
    }

    /// The exchange of a row, begun if need be; `None` if later ones are over already.
    fn of_or_new(&mut self, row: u64, cx: &mut Cx<'_>) -> Option<&mut Exchange> {
        let at = self.open.partition_point(|e| e.row < row);
        if self.open.get(at).is_none_or(|e| e.row != row) {
            let exchange = Exchange { row, halves: Default::default(), mark: self.counter.begin(), counted: 0 };
            self.open.insert(at, exchange);
            if self.open.len() > MAX_OPEN || self.counted > MAX_OPEN_LEN {
                self.end_first(cx);
            }
        }
        self.of(row)
    }

    fn end_first(&mut self, cx: &mut Cx<'_>) {
        if let Some(mut exchange) = self.open.pop_front() {
            self.counted = self.counted.saturating_sub(exchange.counted);
            exchange.mark.event(Dir::Orig, "too_many_elements");
            over(exchange, Dir::Orig, cx);
        }
    }

    fn recount(&mut self, row: u64) {
        let Some(exchange) = self.of(row) else { return };
        let now = exchange.halves.as_slice().heap_len() + exchange.mark.heap_len();
        let before = std::mem::replace(&mut exchange.counted, now);
        self.counted = self.counted.saturating_sub(before).saturating_add(now);
    }

    /// A message begins with this line.
    pub fn begin(&mut self, side: Dir, row: u64, line: &[u8], told: (Version, u16), cx: &mut Cx<'_>) {
        let Some(exchange) = self.of_or_new(row, cx) else { return };
        let message = side.of_mut(&mut exchange.halves);
        let was = message.begun.then_some(message.code);
        // Behind an informational response comes the one that counts.
        *message =
            Message { line: line.get(..MAX_HEAD_LEN).unwrap_or(line).to_vec(), begun: true, ..Message::default() };
        message.code = told.1;
        if told.1 == 100 && was == Some(100) {
            exchange.mark.event(side, "100_continue_already_seen");
        }
        if !side.is_orig() && !Dir::Orig.of(&exchange.halves).begun {
            exchange.mark.event(side, "unable_to_match_response_to_request");
        }
    }

    /// The number of the exchange that a row belongs to.
    pub fn number(&self, row: u64) -> Option<u64> {
        self.open.iter().rev().find(|exchange| exchange.row == row).map(|exchange| exchange.mark.id)
    }

    /// A line of its header, with the field that it is.
    pub fn field(&mut self, side: Dir, row: u64, line: &[u8], field: Option<(&[u8], &[u8])>) {
        let Some(exchange) = self.of(row) else { return };
        let Exchange { halves, mark, .. } = exchange;
        oddity::field(side, side.of(halves), line, field, &mut |odd| mark.event(side, odd));
        let message = side.of_mut(halves);
        let Some((name, value)) = field else { return message.add_raw(line) };
        message.add(line, name, value);
    }

    /// Something odd about a message, by its name in rules.
    pub fn event(&mut self, side: Dir, row: u64, name: &'static str) {
        if let Some(exchange) = self.of(row) {
            exchange.mark.event(side, name);
        }
    }

    /// The header is complete.
    pub fn headed(&mut self, side: Dir, row: u64, cx: &mut Cx<'_>) {
        let Some(exchange) = self.of(row) else { return };
        side.of_mut(&mut exchange.halves).headed = true;
        let Exchange { halves, mark, .. } = exchange;
        let port = cx.flow.tuple.resp_port;
        oddity::header(side, side.of(halves), port, &mut |odd| mark.event(side, odd));
        cx.look(side, stage::HEADER, &View { halves, dir: side }, mark);
        self.recount(row);
    }

    /// So many bytes of the body came, and these files were opened for it.
    pub fn body(&mut self, side: Dir, row: u64, len: usize, files: &[FileId], cx: &mut Cx<'_>) {
        let Some(exchange) = self.of(row) else { return };
        let message = side.of_mut(&mut exchange.halves);
        message.body_len = message.body_len.saturating_add(len as u64);
        let Exchange { halves, mark, .. } = exchange;
        files.iter().for_each(|file| mark.file(file.0, side));
        cx.look(side, stage::BODY, &View { halves, dir: side }, mark);
    }

    /// Bytes of a message's body so far.
    pub fn body_len(&self, side: Dir, row: u64) -> u64 {
        let at = self.open.binary_search_by_key(&row, |e| e.row).ok();
        at.and_then(|at| self.open.get(at)).map_or(0, |exchange| side.of(&exchange.halves).body_len)
    }

    /// Files were opened at the body's end.
    pub fn files(&mut self, side: Dir, row: u64, files: &[FileId]) {
        if let Some(exchange) = self.of(row) {
            files.iter().for_each(|file| exchange.mark.file(file.0, side));
        }
    }

    /// A message is over; with both the exchange is. `last`: the response is informational, another one follows.
    pub fn end(&mut self, side: Dir, row: u64, cx: &mut Cx<'_>) {
        let Some(exchange) = self.of(row) else { return };
        let message = side.of_mut(&mut exchange.halves);
        if !side.is_orig() && message.code == 100 {
            return;
        }
        message.over = true;
        if exchange.halves.iter().all(|half| half.over) {
            let at = self.open.partition_point(|e| e.row < row);
            if let Some(exchange) = self.open.remove(at) {
                self.counted = self.counted.saturating_sub(exchange.counted);
                over(exchange, side, cx);
            }
            if self.open.is_empty() && self.open.capacity() > MAX_OPEN / 16 {
                self.open = VecDeque::new();
            }
            return;
        }
        let Exchange { halves, mark, .. } = exchange;
        cx.look(side, stage::OVER, &View { halves, dir: side }, mark);
        self.recount(row);
    }

    /// The flow is over.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        for exchange in std::mem::take(&mut self.open) {
            let dir = if exchange.halves.iter().any(|h| h.begun && !h.over) { Dir::Resp } else { Dir::Orig };
            over(exchange, dir, cx);
        }
        self.counted = 0;
    }
}

fn over(exchange: Exchange, dir: Dir, cx: &mut Cx<'_>) {
    let Exchange { halves, mut mark, .. } = exchange;
    // Without a request there is nothing that an event could say, but rules look.
    cx.look(dir.flip(), stage::OVER, &View { halves: &halves, dir: dir.flip() }, &mut mark);
    cx.over(dir, &View { halves: &halves, dir }, &mut mark);
}
