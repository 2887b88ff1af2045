//! Capture files in and out: pcap and its relatives, pcapng, packed or not, many as one timeline.
//!
//! [`Captures`] turns files, directories, patterns and pipes into [`Batch`]es of [`Frame`]s in order of
//! time. It is the only crate below the command line that knows files; what is inside the frames it does
//! not know. A capture that is cut off or damaged gives everything before the damage, and says in
//! [`SourceInfo::damage`] where and why it ended.
//!
//! # How files are read, and why there is no mmap
//!
//! Plain `read(2)` in chunks of 512 KiB into the batch's own buffer. Measured on a 500 MB pcap of 624k
//! packets in the page cache (2 cores, 2026-11-21; user + system CPU time, best of three):
//!
//! | way | headers touched only | every byte touched |
//! |---|---|---|
//! | mmap, also with MAP_POPULATE, MADV_SEQUENTIAL, MADV_WILLNEED | 40 ms | 24 ms |
//! | mmap with MADV_POPULATE_READ in windows of 4 MiB | 40 ms | 24 ms |
//! | read, 128 KiB to 1 MiB | 20 ms | 31 ms |
//! | read, 4 MiB | 24 ms | 34 ms |
//!
//! Most packets of real traffic cost only their headers, so reading is the cheaper way, and it needs no
//! `unsafe`, cannot be killed by SIGBUS when a file shrinks, and works alike for pipes and packed files.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::cast_possible_truncation
    )
)]
#![forbid(unsafe_code)]

mod batch;
mod bytes;
mod file;
mod info;
mod input;
mod paths;
mod pcap;
mod pcapng;
mod reader;
mod timeline;
mod units;
mod unpack;
mod write;

#[cfg(test)]
mod tests;

pub use batch::{Batch, Frame};
pub use file::MAX_OPEN_FILES;
pub use info::{
    Damage, DamageKind, Format, Host, Interface, PassedOver, PcapVariant, Resolution, Secrets, SourceInfo, WrittenBy,
};
pub use paths::{Error, MAX_DEPTH, MAX_SOURCES};
pub use pcap::{MAX_CAPTURED_LEN, MAX_MESSAGE_LEN};
pub use pcapng::{MAX_BLOCK_LEN, MAX_COMMENTS, MAX_HOSTS, MAX_INTERFACES, MAX_SECRETS_LEN, MAX_TEXT_LEN};
pub use reader::MAX_BATCH_FRAMES;
pub use timeline::{Captures, MAX_UNPACK_MEMORY_LEN, Progress};
pub use unpack::{MAX_UNPACK_WINDOW_LEN, Packing};
pub use write::{PcapWriter, PcapngWriter};

/// Reads all of `data` as a capture: the entry for fuzzing.
#[doc(hidden)]
pub fn fuzz_capture(data: &[u8]) {
    let mut captures = Captures::from_bytes("fuzz", data);
    let mut batch = Batch::new();
    let mut count = 0;
    while captures.fill(&mut batch) {
        for (i, frame) in batch.frames().enumerate() {
            count += 1;
            assert_eq!(frame.number, count);
            std::hint::black_box((frame.data, batch.comments(i).count()));
        }
    }
    let told: u64 = captures.infos().iter().map(|s| s.packet_count).sum();
    assert_eq!(told, count);
}
