//! Rows that wait for the other half of their exchange.

use super::DnsRecord;
use sekisho_types::{Heap, block_len};
use std::collections::{BTreeMap, VecDeque};

/// Ids with rows waiting; beyond that all waiting rows are logged as they are.
pub const MAX_PENDING_IDS: usize = 50;
/// Rows waiting under one id; beyond that those of the id are logged as they are.
pub const MAX_PENDING_PER_ID: usize = 50;

type Queues = BTreeMap<u16, VecDeque<Box<DnsRecord>>>;

/// Queries without a reply and replies without a query.
#[derive(Default)]
pub struct Pending {
    /// The first unanswered query, which usually is the only one.
    query: Option<Box<DnsRecord>>,
    /// Further unanswered queries, and replies to no query; made when first needed.
    more: Option<Box<(Queues, Queues)>>,
    /// What the rows take that wait.
    rows_len: usize,
}

/// What a waiting row of the queues costs beside itself: its share of map and queue.
const PLACE_LEN: usize = 96;

impl Heap for Pending {
    fn heap_len(&self) -> usize {
        self.rows_len + if self.more.is_some() { block_len(size_of::<(Queues, Queues)>()) } else { 0 }
    }
}

impl Pending {
    /// Takes out the oldest row that waits for a message with this id: a query for a reply (`is_reply`), a reply
    /// for a query.
    pub fn matching(&mut self, id: u16, is_reply: bool) -> Option<Box<DnsRecord>> {
        let row = self.find(id, is_reply)?;
        self.rows_len = self.rows_len.saturating_sub(cost(&row));
        Some(row)
    }

    fn find(&mut self, id: u16, is_reply: bool) -> Option<Box<DnsRecord>> {
        if !is_reply {
            return self.more.as_mut().and_then(|m| pop(&mut m.1, id));
        }
        if self.query.as_ref().is_some_and(|q| q.trans_id == id) {
            let query = self.query.take();
            // The free place goes to the next of the same id, so that their order holds.
            if let Some((queries, _)) = self.more.as_deref_mut() {
                self.query = pop(queries, id).or_else(|| {
                    let first = *queries.first_key_value()?.0;
                    pop(queries, first)
                });
            }
            return query;
        }
        self.more.as_mut().and_then(|m| pop(&mut m.0, id))
    }

    /// Keeps a row until its other half comes; rows that must go first are handed to `out`.
    pub fn keep(&mut self, row: Box<DnsRecord>, out: &mut dyn FnMut(Box<DnsRecord>)) {
        self.rows_len += cost(&row);
        if row.saw_query && self.query.is_none() {
            self.query = Some(row);
            return;
        }
        let more = self.more.get_or_insert_default();
        let gone = &mut self.rows_len;
        push(if row.saw_query { &mut more.0 } else { &mut more.1 }, row, &mut |row| {
            *gone = gone.saturating_sub(cost(&row));
            out(row);
        });
    }

    /// Hands out all rows.
    pub fn drain(&mut self, out: &mut dyn FnMut(Box<DnsRecord>)) {
        self.query.take().into_iter().for_each(&mut *out);
        if let Some(more) = self.more.take() {
            let (queries, replies) = *more;
            queries.into_values().chain(replies.into_values()).flatten().for_each(out);
        }
        self.rows_len = 0;
    }
}

/// Rows do not change while they wait.
fn cost(row: &DnsRecord) -> usize {
    PLACE_LEN + row.held_len()
}

fn pop(queues: &mut Queues, id: u16) -> Option<Box<DnsRecord>> {
    let queue = queues.get_mut(&id)?;
    let row = queue.pop_front();
    if queue.is_empty() {
        queues.remove(&id);
    }
    row
}

fn push(queues: &mut Queues, row: Box<DnsRecord>, out: &mut dyn FnMut(Box<DnsRecord>)) {
    let id = row.trans_id;
    if !queues.contains_key(&id) && queues.len() > MAX_PENDING_IDS {
        std::mem::take(queues).into_values().flatten().for_each(&mut *out);
    }
    let queue = queues.entry(id).or_default();
    if queue.len() > MAX_PENDING_PER_ID {
        queue.drain(..).for_each(out);
    }
    queue.push_back(row);
}
