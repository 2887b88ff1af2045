use crate as sekisho_record;
use crate::{EnumName, Port, Record};
use sekisho_types::{Addr, CommunityId, Dir, FlowInfo, Timestamp, Uid};

/// The columns with which every row about a flow begins, as in Zeek.
#[derive(Clone, Copy, Debug, Record)]
pub struct Head {
    /// Time of the event, seconds since 1970 in packet time.
    pub ts: Timestamp,
    /// Unique id of the flow.
    pub uid: Uid,
    /// Originator's address.
    #[record(name = "id.orig_h")]
    pub orig_h: Addr,
    /// Originator's port.
    #[record(name = "id.orig_p")]
    pub orig_p: Port,
    /// Responder's address.
    #[record(name = "id.resp_h")]
    pub resp_h: Addr,
    /// Responder's port.
    #[record(name = "id.resp_p")]
    pub resp_p: Port,
}

impl Head {
    /// The columns for something that happened in `flow` at `ts`.
    pub fn new(ts: Timestamp, flow: &FlowInfo) -> Self {
        Self {
            ts,
            uid: flow.uid,
            orig_h: flow.tuple.orig,
            orig_p: Port(flow.tuple.orig_port),
            resp_h: flow.tuple.resp,
            resp_p: Port(flow.tuple.resp_port),
        }
    }
}

/// The columns with which every row about a flow ends: Sekisho's own.
#[derive(Clone, Copy, Debug, Record)]
pub struct Tail {
    /// Community ID version 1, seed 0.
    #[record(ext)]
    pub community_id: CommunityId,
    /// Set if only one end's packets were seen up to then: `orig` or `resp`.
    #[record(ext)]
    pub one_sided: Option<EnumName>,
    /// True if the connection began before the capture.
    #[record(ext)]
    pub midstream: Option<bool>,
    /// True if this was found in bytes that were decrypted with given keys.
    #[record(ext)]
    pub decrypted: Option<bool>,
}

impl Tail {
    /// The columns for `flow` as known now.
    pub fn new(flow: &FlowInfo) -> Self {
        Self {
            community_id: flow.community_id,
            one_sided: flow.seen.one_sided().map(|d| match d {
                Dir::Orig => EnumName("orig"),
                Dir::Resp => EnumName("resp"),
            }),
            midstream: flow.midstream.then_some(true),
            decrypted: None,
        }
    }
}
