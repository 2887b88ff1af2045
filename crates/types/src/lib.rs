//! Plain values that every other crate speaks: time, addresses, five-tuples, flow ids, directions.
//!
//! Level 0: knows nothing of packets, records, files or clocks. Everything here is small, `Copy`
//! where it can be, and free of allocation, but for the [`text::Line`].

mod addr;
mod day;
mod entropy;
mod flow;
mod hash;
mod heap;
pub mod text;
mod time;
mod uid;

pub use addr::{Addr, MacAddr, Subnet, SubnetError, Subnets, home_nets};
pub use day::{Day, DayError};
pub use entropy::entropy;
pub use flow::{CommunityId, Dir, FiveTuple, FlowInfo, Seen, VlanTags, ip_proto};
pub use hash::{SeededHasher, SeededState, seeded_hash, seeded_hash_folded};
pub use heap::{Heap, block_len, list_len};
pub use time::{Arrival, Interval, Timestamp};
pub use uid::Uid;
