//! Early data (RFC 8446 §4.2.10): records that a client sends before the server has answered, kept until the server says
//! whether it takes them. Only then is known what they are.

use super::open::Head;
use sekisho_types::{Heap, list_len};

/// Octets kept of one session; servers take 16 KiB as a rule.
pub(super) const MAX_EARLY_LEN: usize = 1 << 16;

/// See the module.
#[derive(Default)]
pub(super) struct Early {
    records: Vec<(Head, Vec<u8>)>,
    /// Content of the open record.
    open: Vec<u8>,
    /// Octets of the records and of the open one.
    len: usize,
    /// A part is missing, or there was too much: what came behind it can't be opened.
    cut: bool,
}

impl Heap for Early {
    fn heap_len(&self) -> usize {
        let records = self.records.iter().map(|(_, body)| body.heap_len()).sum::<usize>();
        list_len(&self.records) + records + self.open.heap_len()
    }
}

impl Early {
    /// A piece of the open record; with `head` the last. False once there is too much.
    pub(super) fn keep(&mut self, piece: &[u8], head: Option<Head>) -> bool {
        if self.cut {
            return true;
        }
        // Empty records count as well.
        self.len += piece.len() + size_of::<Head>() * usize::from(head.is_some());
        if self.len > MAX_EARLY_LEN {
            self.lose();
            return false;
        }
        self.open.extend_from_slice(piece);
        if let Some(head) = head {
            self.records.push((head, std::mem::take(&mut self.open)));
        }
        true
    }

    /// What is not there can't be opened, nor what comes behind it.
    pub(super) fn lose(&mut self) {
        (self.open, self.cut) = (Vec::new(), true);
    }

    /// Are there records?
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records in their order.
    pub(super) fn into_records(self) -> Vec<(Head, Vec<u8>)> {
        self.records
    }
}
