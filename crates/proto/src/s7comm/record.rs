use crate::named::Named;
use sekisho_record::{EnumName, Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::Interval;

/// One operation on a Siemens controller: what was asked and how it was answered. Zeek has no such log.
#[derive(Clone, Debug, Record)]
#[record(log = "s7comm")]
pub struct S7commRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The originator sent the request.
    pub is_orig: bool,
    /// `S7comm` or `S7comm-plus`.
    pub protocol: EnumName,
    /// Version of S7comm-plus.
    pub version: Option<u8>,
    /// Kind of the request: `JOB`, `USERDATA`, `REQUEST` (S7comm-plus), `PUSH` for what nobody asked for.
    pub rosctr: EnumName,
    /// Number that joins the answer to the request.
    pub pdu_ref: u16,
    /// What is asked for.
    pub func: Named,
    /// Which service of a group of functions.
    pub sub_func: Option<Named>,
    /// Number of variables read or written.
    pub item_count: Option<u8>,
    /// The first of these variables: area, data block, byte and bit, type, count.
    pub items: UnsetIfEmpty<String>,
    /// Program service started or stopped, e.g. `P_PROGRAM`.
    pub pi_service: Option<Text>,
    /// Block that is loaded to the controller or from it, as on the wire.
    pub block: Option<Text>,
    /// Id and index of the system status list asked for.
    pub szl: Option<String>,
    /// Longest message agreed on, in bytes.
    pub pdu_len: Option<u16>,
    /// Answered, and whether without any error.
    pub success: Option<bool>,
    /// Error class and code of the answer, in hexadecimal, unless zero.
    pub error: Option<String>,
    /// How variables were refused.
    pub item_errors: UnsetIfEmpty<Named>,
    /// Time from request to answer.
    pub rtt: Option<Interval>,
    /// Transport selector of the end that opened the connection, in hexadecimal or as text.
    pub calling_tsap: Option<Text>,
    /// Transport selector of the other end: in S7comm its second byte is rack and slot.
    pub called_tsap: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
