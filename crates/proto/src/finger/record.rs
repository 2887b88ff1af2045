use sekisho_record::{Head, Record, Tail, Text};
use sekisho_types::Heap;

/// A question about a user (RFC 1288), and how it was answered.
#[derive(Clone, Debug, Record)]
#[record(log = "finger")]
pub struct FingerRecord {
    /// Time of the question, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Whom it is about; empty for everybody who is logged in.
    pub query: Text,
    /// More is wanted (`/W`).
    pub verbose: bool,
    /// Hosts that shall pass the question on, the last one first (`user@host`).
    pub forward: Option<Text>,
    /// First line of the answer that is not empty.
    pub answer: Option<Text>,
    /// Bytes of the answer.
    pub answer_len: u64,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}

impl Heap for FingerRecord {
    fn heap_len(&self) -> usize {
        self.query.heap_len() + self.forward.heap_len() + self.answer.heap_len()
    }
}
