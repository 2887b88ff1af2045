use super::message::Time;
use sekisho_record::{Head, Record, Set, Tail, Text};
use sekisho_types::{Heap, Interval, Timestamp, block_len, list_len};

/// A message about time.
#[derive(Clone, Debug, Record)]
#[record(log = "ntp")]
pub struct NtpRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Version, 1 to 4.
    pub version: u8,
    /// Mode: 1 and 2 between peers, 3 of a client, 4 of a server, 5 to everybody.
    pub mode: u8,
    /// Distance from a reference clock; 0 in kisses of death and requests.
    pub stratum: u8,
    /// Longest time between messages.
    pub poll: Interval,
    /// Precision of the sender's clock.
    pub precision: Interval,
    /// Delay of the way to the reference clock and back.
    pub root_delay: Interval,
    /// Error of the sender's clock against the reference clock, at most.
    pub root_disp: Interval,
    /// The reference: an address above stratum 1, else up to four letters.
    pub ref_id: Text,
    /// When the sender's clock was last set.
    pub ref_time: Timestamp,
    /// When the request left the client.
    pub org_time: Timestamp,
    /// When the request came to the server.
    pub rec_time: Timestamp,
    /// When this message left.
    pub xmt_time: Timestamp,
    /// Number of extension fields.
    pub num_exts: u8,
    /// Leap second announced (1: one more, 2: one less), or clock not set (3).
    #[record(ext)]
    pub leap: u8,
    /// The key that authenticates the message.
    #[record(ext)]
    pub key_id: Option<u32>,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}

impl NtpRecord {
    pub(super) fn new(time: &Time, head: Head, tail: Tail) -> Self {
        Self {
            head,
            version: time.first.version,
            mode: time.first.mode,
            stratum: time.stratum,
            poll: time.poll,
            precision: time.precision,
            root_delay: time.root_delay,
            root_disp: time.root_dispersion,
            ref_id: match time.reference_addr() {
                Some(addr) => addr.to_string().into(),
                None => Text::from(&time.ref_id),
            },
            ref_time: time.reference,
            org_time: time.origin,
            rec_time: time.receive,
            xmt_time: time.transmit,
            num_exts: time.extension_count,
            leap: time.first.leap,
            key_id: time.key_id,
            tail,
        }
    }
}

/// A flow's questions to a time server about itself (modes 6 and 7): administration, scans, and attacks that use the size
/// of the replies.
#[derive(Clone, Debug, Record)]
#[record(log = "ntp_admin")]
pub struct NtpControlRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Version.
    pub version: u8,
    /// 6: control, 7: private.
    pub mode: u8,
    /// What was asked for.
    pub operations: Set<String>,
    /// Questions.
    pub requests: u64,
    /// Replies.
    pub replies: u64,
    /// Replies that refuse.
    pub errors: u64,
    /// Bytes of all questions.
    pub request_bytes: u64,
    /// Bytes of all replies.
    pub reply_bytes: u64,
    /// Columns of Sekisho's own.
    #[record(flatten)]
    pub tail: Tail,
}

impl NtpControlRecord {
    /// Bytes that the row takes, itself included.
    pub(super) fn held_len(&self) -> usize {
        let names: usize = self.operations.0.iter().map(Heap::heap_len).sum();
        block_len(size_of::<Self>()) + list_len(&self.operations.0) + names
    }
}
