//! Requests and responses joined to rows, in the order of the flow, as Zeek joins them.

use super::message::{RequestLine, StatusLine, Version, is_ordinary_method};
use crate::mime::Observer;
use crate::web::{HttpRecord, api, target};
use crate::{Cx, Event, FileId, FileInfo};
use sekisho_record::Text;
use sekisho_transaction::MAX_FILES;
use sekisho_types::{Heap, block_len};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// Requests without response in one flow; then those are logged as they are (Zeek's `max_pending_requests`).
const MAX_PENDING: usize = 100;

/// Memory for the rows of requests without response in one flow; then those are logged as they are, too.
const MAX_PENDING_LEN: usize = 1 << 20;

/// Requests without response that need not go for their size; places for rows that an idle flow keeps.
const FEW_PENDING: usize = 8;

/// A row to be.
struct Exchange {
    index: u64,
    record: Box<HttpRecord>,
    /// What the row was counted for.
    counted: usize,
    /// The response is over, the request is not: a server may answer early.
    answered: bool,
}

/// The rows of a flow that are not yet logged.
#[derive(Default)]
pub(crate) struct Exchanges {
    /// Ordered by index.
    pending: VecDeque<Exchange>,
    /// What the rows were counted for.
    counted: usize,
    /// A row may have changed since it was counted.
    changed: bool,
    request: u64,
    response: u64,
    depth: u64,
}

impl Exchanges {
    fn position(&self, index: u64) -> Option<usize> {
        self.pending.binary_search_by_key(&index, |e| e.index).ok()
    }

    fn find(&mut self, index: u64) -> Option<&mut Exchange> {
        self.changed = true;
        let at = self.position(index)?;
        self.pending.get_mut(at)
    }

    /// The row of exchange `index`, if it is still open.
    pub(crate) fn row(&mut self, index: u64) -> Option<&mut HttpRecord> {
        self.find(index).map(|e| &mut *e.record)
    }

    fn row_or_new(&mut self, index: u64, cx: &Cx<'_>) -> &mut HttpRecord {
        let at = self.pending.partition_point(|e| e.index < index);
        if self.pending.get(at).is_none_or(|e| e.index != index) {
            self.depth += 1;
            let record = Box::new(HttpRecord::new(cx.head(cx.ts), cx.tail(), self.depth));
            let counted = HttpRecord::EMPTY_LEN;
            self.counted += counted;
            self.changed = true;
            self.pending.insert(at, Exchange { index, record, counted, answered: false });
        }
        // Just found or made.
        let found = at.min(self.pending.len().saturating_sub(1));
        #[expect(clippy::indexing_slicing, reason = "the table has the entry that was just found or inserted")]
        &mut self.pending[found].record
    }

    /// Is there no room for another request?
    fn is_full(&self) -> bool {
        let count = self.pending.len();
        count > MAX_PENDING || count > FEW_PENDING && self.counted > MAX_PENDING_LEN
    }

    /// Counts the rows of the two messages at hand anew, if they may have changed.
    pub(crate) fn recount_changed(&mut self, request: u64, response: u64) {
        if self.changed {
            self.recount(request);
            if response != request {
                self.recount(response);
            }
            self.changed = false;
        }
    }

    /// Counts row `index` anew: its fields may have come or grown.
    fn recount(&mut self, index: u64) {
        // Most rows go as they came, within one call.
        if self.pending.is_empty() {
            return;
        }
        if let Some(exchange) = self.find(index) {
            let now = exchange.record.held_len();
            let before = std::mem::replace(&mut exchange.counted, now);
            self.counted = self.counted.saturating_sub(before).saturating_add(now);
        }
    }

    fn uncount(&mut self, exchange: &Exchange) {
        self.counted = self.counted.saturating_sub(exchange.counted);
        if self.pending.is_empty() && self.pending.capacity() > FEW_PENDING {
            self.pending = VecDeque::new();
        }
    }

    /// A request begins: the index of its row.
    pub(crate) fn begin_request(&mut self, line: &RequestLine<'_>, cx: &mut Cx<'_>) -> u64 {
        if self.request < self.response {
            cx.weird("HTTP_response_before_request");
            self.request = self.response;
        }
        self.recount(self.request);
        if self.is_full() {
            cx.weird("HTTP_excessive_pipelining");
            self.flush_before(self.request, cx);
            self.response = self.request;
        }
        self.request += 1;
        let index = self.request;
        let (uri, weird) = target(line.uri);
        for name in [line.weird, weird].into_iter().flatten() {
            cx.weird(name);
        }
        if !is_ordinary_method(line.method) {
            cx.weird_with("unknown_HTTP_method", Some(line.method.into()));
        }
        let row = self.row_or_new(index, cx);
        row.method = Some(line.method.into());
        row.uri = Some(uri);
        row.traits.old = line.version == Version { major: 1, minor: 0 };
        index
    }

    /// A response begins: the index of its row.
    pub(crate) fn begin_response(&mut self, line: &StatusLine<'_>, cx: &Cx<'_>) -> u64 {
        let informational = |code: u64| (100..200).contains(&code);
        let open = self.row(self.response).is_some_and(|r| r.status_code.is_none_or(informational));
        if !open {
            self.response += 1;
        }
        let index = self.response;
        let row = self.row_or_new(index, cx);
        let reason: Text = line.reason.map_or_else(|| "<empty>".into(), Text::from);
        let code = u64::from(line.code);
        if informational(code) {
            row.info_code = Some(code);
            row.info_msg = Some(reason.clone());
        }
        row.status_code = Some(code);
        row.status_msg = Some(reason);
        row.version = Some(line.version.text());
        index
    }

    /// The request of row `index` is over.
    pub(crate) fn end_request(&mut self, index: u64, body_len: u64, cx: &mut Cx<'_>) {
        let Some(exchange) = self.find(index) else { return };
        exchange.record.request_body_len = body_len;
        if exchange.answered {
            self.log(index, cx);
        }
    }

    /// The response of row `index` is over. `request_open`: its request is not.
    pub(crate) fn end_response(&mut self, index: u64, body_len: u64, request_open: bool, cx: &mut Cx<'_>) {
        let Some(exchange) = self.find(index) else { return };
        exchange.record.response_body_len = body_len;
        if exchange.record.status_code.is_some_and(|c| (100..200).contains(&c)) {
            return;
        }
        exchange.answered = true;
        if !request_open {
            self.log(index, cx);
        }
    }

    fn log(&mut self, index: u64, cx: &mut Cx<'_>) {
        if let Some(at) = self.position(index)
            && let Some(exchange) = self.pending.remove(at)
        {
            self.uncount(&exchange);
            emit(exchange, cx);
        }
    }

    fn flush_before(&mut self, index: u64, cx: &mut Cx<'_>) {
        while self.pending.front().is_some_and(|e| e.index < index) {
            let Some(exchange) = self.pending.pop_front() else { return };
            self.uncount(&exchange);
            emit(exchange, cx);
        }
    }

    /// Logs every row that is left.
    pub(crate) fn flush(&mut self, cx: &mut Cx<'_>) {
        self.flush_before(u64::MAX, cx);
    }
}

impl Heap for Exchanges {
    fn heap_len(&self) -> usize {
        self.counted + block_len(self.pending.capacity().saturating_mul(size_of::<Exchange>()))
    }
}

fn emit(mut exchange: Exchange, cx: &mut Cx<'_>) {
    api::settle(&mut exchange.record, cx);
    exchange.record.tail = cx.tail();
    cx.emit(Event::HttpRecord(exchange.record));
}

/// Lists a message's files in its row.
pub(crate) struct FileList<'a> {
    /// Files opened.
    pub(crate) begun: SmallVec<[FileId; 1]>,
    pub(crate) exchanges: &'a mut Exchanges,
    pub(crate) index: u64,
    pub(crate) request: bool,
}

impl Observer for FileList<'_> {
    fn begun(&mut self, file: FileId) {
        if self.begun.len() < MAX_FILES {
            self.begun.push(file);
        }
    }

    fn content(&mut self, bytes: &[u8]) {
        let request = self.request;
        if let Some(row) = self.exchanges.row(self.index) {
            row.seen.get_or_insert_default().content(request, bytes);
        }
    }

    fn opened(&mut self, info: FileInfo, filename: Option<&Text>) {
        if let Some(row) = self.exchanges.row(self.index) {
            row.opened(self.request, info, filename);
        }
    }

    fn closed(&mut self, info: FileInfo) {
        if let Some(row) = self.exchanges.row(self.index) {
            row.closed(self.request, info);
        }
    }
}
