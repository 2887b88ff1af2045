//! When and how much the ends of connections out of the network spoke: told to detectors only, in rows of their own, as logs
//! have no times within a flow.

use crate::Rows;
use sekisho_flow::{Burst, Bursts, Flow, Moment, ServiceNames};
use sekisho_record::{Port, Record, UnsetIfEmpty};
use sekisho_types::{Addr, Dir, Timestamp, Uid};

/// A piece of a connection's rhythm. Lists are as long as each other; sums are of the whole connection up to here, but for its first
/// two seconds.
#[derive(Clone, Debug, Record)]
#[record(log = "bursts")]
pub struct BurstsRecord {
    /// Time of the packet at which it was told.
    pub ts: Timestamp,
    /// Flow.
    pub uid: Uid,
    /// Who began the flow.
    #[record(name = "id.orig_h")]
    pub orig_h: Addr,
    /// The other end.
    #[record(name = "id.resp_h")]
    pub resp_h: Addr,
    /// Its port.
    #[record(name = "id.resp_p")]
    pub resp_p: Port,
    /// Protocols recognised.
    pub app: Option<ServiceNames>,
    /// Time of the flow's first packet.
    pub begun: Timestamp,
    /// Payload bytes of the originator so far.
    pub sent_len: u64,
    /// Payload bytes of the responder so far.
    pub received_len: u64,
    /// Seconds since 1970 at which bursts of the originator's data began.
    pub seconds: UnsetIfEmpty<u32>,
    /// Bytes sent in each.
    pub sent: UnsetIfEmpty<u32>,
    /// Bytes that came back until the next.
    pub received: UnsetIfEmpty<u32>,
    /// Segments with data of the responder.
    pub segments: u32,
    /// Of these, those of 1 to 48 bytes.
    pub short: u32,
    /// Those of 36 to 100 bytes.
    pub sealed: u32,
    /// Those of up to 100 bytes that came 0.05 to 2 seconds behind the one before.
    pub typed: u32,
    /// Those of up to 100 bytes that the originator answered within a second.
    pub answered: u32,
    /// Stretches of at least three that were typed.
    pub stretches: u32,
}

/// Tells of what there is of a connection.
#[cold]
pub(crate) fn tell(flow: &Flow, bursts: &Bursts, at: Moment, rows: &mut dyn Rows) {
    let (tuple, list, typing) = (&flow.info.tuple, bursts.list(), bursts.typing());
    let each = |of: fn(&Burst) -> u32| UnsetIfEmpty(list.iter().map(of).collect());
    let row = BurstsRecord {
        ts: at.ts,
        uid: flow.info.uid,
        orig_h: tuple.orig,
        resp_h: tuple.resp,
        resp_p: Port(tuple.resp_port),
        app: flow.apps.names(),
        begun: flow.info.first_ts,
        sent_len: flow.counters(Dir::Orig).bytes,
        received_len: flow.counters(Dir::Resp).bytes,
        seconds: each(|b| b.at),
        sent: each(|b| b.sent),
        received: each(|b| b.received),
        segments: typing.segments,
        short: typing.short,
        sealed: typing.sealed,
        typed: typing.typed,
        answered: typing.answered,
        stretches: typing.stretches,
    };
    rows.row_at(at.number, &row);
}
