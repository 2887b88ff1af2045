use crate::named::Named;
use sekisho_record::{Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::Interval;

/// A DNP3 request with its reply, or either of them where the other did not come.
#[derive(Clone, Debug, Record)]
#[record(log = "dnp3")]
pub struct Dnp3Record {
    /// Time of the reply (without one: of the request), flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Function asked for.
    pub fc_request: Option<Named>,
    /// Function of the reply.
    pub fc_reply: Option<Named>,
    /// Internal indications of the reply.
    pub iin: Option<u16>,
    /// Time from the request to the reply that carries its sequence number.
    #[record(ext)]
    pub rtt: Option<Interval>,
    /// Link address of the master.
    #[record(ext)]
    pub master: Option<u16>,
    /// Link address of the outstation.
    #[record(ext)]
    pub outstation: Option<u16>,
    /// Kinds of objects in the request, in the reply if there was no request: group and variation.
    #[record(ext)]
    pub objects: UnsetIfEmpty<String>,
    /// Points that the request operates, each with its operation or its value: `3 LATCH_ON`, `7 = 1500`.
    #[record(ext)]
    pub controls: UnsetIfEmpty<String>,
    /// The first status other than success with which the reply answers operations.
    #[record(ext)]
    pub control_status: Option<Named>,
    /// File that the request opens, asks about or deletes.
    #[record(ext)]
    pub file_name: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
