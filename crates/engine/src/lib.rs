//! One worker's single pass: frames are decoded, joined to flows, given to parsers; rows and file
//! content come out. Couples `wire`, `flow`, `proto` and `files`, which don't know each other.
//!
//! Knows no file, thread or clock: frames come as borrowed batches, rows leave through [`Rows`], content
//! through [`sekisho_files::Store`].

mod announce;
mod app;
mod budget;
mod bursts;
mod control;
mod deal;
mod eve_stats;
mod expect;
mod eye;
mod files;
mod hops;
mod known;
mod lane;
mod once;
mod pass;
mod records;
mod relief;
mod settings;
mod shard;
mod slice;
mod stats_log;
mod stranger;
mod tap;
mod tunnels;
mod worker;

pub use budget::{Budget, FIXED_LEN, MAX_PARTS, MIN_LEN, POOL_COUNT, Pool, PoolState};
pub use bursts::BurstsRecord;
pub use control::{ArpRecord, EchoContentRecord, IcmpRecord, IgmpRecord, NdpRecord};
pub use hops::ProbeRecord;
pub use known::{KnownHostsRecord, KnownServicesRecord};
pub use lane::MAX_TUNNEL_DEPTH;
pub use records::{AnalyzerRecord, RuleAlertRecord, TunnelRecord, WeirdRecord};
pub use settings::{Settings, Stats};
pub use slice::{Balance, Dealing, Found, Key, KeyedRows, Part, Report, Slice, finish, parts};
pub use stats_log::{STATS_INTERVAL, StatsRecord};
pub use stranger::StrangerRecord;
pub use tap::{Tap, Watch};
pub use worker::{EPOCH_LEN, Worker};

use sekisho_proto::Fact;
use sekisho_record::{Record, Schema};

/// Takes rows as they are completed.
pub trait Rows {
    /// The next row.
    fn row(&mut self, record: &dyn Record);

    /// The next row, found while the packet with this number was looked at; 0: while only time passed.
    fn row_at(&mut self, packet: u64, record: &dyn Record) {
        let _ = packet;
        self.row(record);
    }

    /// A row that a pass logs if one of `facts` is new to it: other shards may have met the same.
    fn once(&mut self, facts: &[Fact], packet: u64, record: &dyn Record) {
        let _ = facts;
        self.row_at(packet, record);
    }

    /// A line, with its line end, of a stream that is none of records: EVE's. It belongs to the file of that name.
    fn line(&mut self, file: &'static str, line: &[u8]) {
        let _ = (file, line);
    }
}

impl<F: FnMut(&dyn Record)> Rows for F {
    fn row(&mut self, record: &dyn Record) {
        self(record);
    }
}

/// Schemas of the rows that only detectors are told, if [`Settings::judged`].
pub fn told_schemas() -> Vec<&'static Schema> {
    let mut all = sekisho_proto::told_schemas();
    all.extend([
        BurstsRecord::static_schema(),
        EchoContentRecord::static_schema(),
        ProbeRecord::static_schema(),
        RuleAlertRecord::static_schema(),
        StrangerRecord::static_schema(),
    ]);
    all
}

/// Schemas of every log that a pass can write, in the order of their names.
pub fn schemas() -> Vec<&'static Schema> {
    let mut all = sekisho_proto::schemas();
    all.extend([
        AnalyzerRecord::static_schema(),
        ArpRecord::static_schema(),
        sekisho_flow::ConnRecord::static_schema(),
        sekisho_files::FileRecord::static_schema(),
        sekisho_files::OcspRecord::static_schema(),
        IcmpRecord::static_schema(),
        IgmpRecord::static_schema(),
        KnownHostsRecord::static_schema(),
        KnownServicesRecord::static_schema(),
        NdpRecord::static_schema(),
        sekisho_files::PeRecord::static_schema(),
        StatsRecord::static_schema(),
        TunnelRecord::static_schema(),
        WeirdRecord::static_schema(),
    ]);
    all.sort_by_key(|s| s.log);
    all
}
