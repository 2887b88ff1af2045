use crate::named::Named;
use sekisho_record::{EnumName, Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::Interval;

/// One BACnet service: a confirmed request with its answer, or an unconfirmed message. Zeek has no such log.
#[derive(Clone, Debug, Record)]
#[record(log = "bacnet")]
pub struct BacnetRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// The originator sent the request, or the unconfirmed message.
    pub is_orig: bool,
    /// Function of the virtual link (BVLC).
    pub bvlc: Named,
    /// `CONFIRMED`, `UNCONFIRMED`, `NETWORK` for a message of the network layer, `BVLC` for one of the virtual link.
    pub kind: EnumName,
    /// Number that joins the answer to the request.
    pub invoke_id: Option<u8>,
    /// Service, or message of the network layer.
    pub service: Option<Named>,
    /// Network and address of the sender behind a router, `network:hexadecimal`.
    pub source: Option<String>,
    /// Network and address of the receiver behind a router; network 65535 is all of them.
    pub destination: Option<String>,
    /// Objects named in the request: type and instance.
    pub objects: UnsetIfEmpty<String>,
    /// Properties named in the request.
    pub properties: UnsetIfEmpty<Named>,
    /// Value read or written, if it is a simple one.
    pub value: Option<Text>,
    /// Priority of a write, 1 to 16.
    pub priority: Option<u8>,
    /// Instance of the device that announces itself or is looked for.
    pub device: Option<u32>,
    /// Vendor of the device that announces itself, by its number at ASHRAE.
    pub vendor_id: Option<u16>,
    /// How the request was answered: `ACK`, `ERROR`, `REJECT`, `ABORT`.
    pub result: Option<EnumName>,
    /// Why it was refused: error class and code, or reason.
    pub error: Option<String>,
    /// Time from request to answer.
    pub rtt: Option<Interval>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
