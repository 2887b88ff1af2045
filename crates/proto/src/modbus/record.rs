use crate::named::Named;
use sekisho_record::{EnumName, Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::Interval;

/// One Modbus message: a request, a response or an exception.
#[derive(Clone, Debug, Record)]
#[record(log = "modbus")]
pub struct ModbusRecord {
    /// Time, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Transaction id that joins a response to its request.
    pub tid: u16,
    /// Unit (slave) addressed behind the responder.
    pub unit: u8,
    /// Function, with `_EXCEPTION` if it was refused.
    pub func: Named,
    /// `REQ` from the originator, `RESP` from the responder.
    pub pdu_type: EnumName,
    /// Why the function was refused.
    pub exception: Option<Named>,
    /// Time since the request.
    #[record(ext)]
    pub rtt: Option<Interval>,
    /// Second function code: of diagnostics, of the encapsulated interface (14: device identification), of UMAS.
    #[record(ext)]
    pub sub_func: Option<u16>,
    /// First coil, input, register or file record meant; in responses taken from the request if it was seen.
    #[record(ext)]
    pub address: Option<u16>,
    /// How many of them.
    #[record(ext)]
    pub quantity: Option<u16>,
    /// The first values read or written: registers, or coils as 0 and 1.
    #[record(ext)]
    pub values: UnsetIfEmpty<u16>,
    /// Vendor by the device's own identification.
    #[record(ext)]
    pub device_vendor: Option<Text>,
    /// Product code by the device's own identification.
    #[record(ext)]
    pub device_product: Option<Text>,
    /// Revision by the device's own identification.
    #[record(ext)]
    pub device_revision: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
