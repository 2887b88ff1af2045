use crate::named::Named;
use sekisho_record::{EnumName, Head, Record, Tail, Text, UnsetIfEmpty};
use sekisho_types::{Addr, Interval};

/// One EtherNet/IP command or CIP service: what was asked of a device and how it was answered. Zeek has no such log.
#[derive(Clone, Debug, Record)]
#[record(log = "enip")]
pub struct EnipRecord {
    /// Time of the request, flow and ends.
    #[record(flatten)]
    pub head: Head,
    /// Transport protocol.
    pub proto: EnumName,
    /// The originator sent the request, or the cyclic data.
    pub is_orig: bool,
    /// Encapsulation command; `IO_DATA` for cyclic data.
    pub command: Named,
    /// Session of the encapsulation.
    pub session: Option<u32>,
    /// Encapsulation status of the answer, of the request if there is none.
    pub status: Option<Named>,
    /// CIP connection that carries the request, or the cyclic data.
    pub connection_id: Option<u32>,
    /// CIP service, without the wrapping of an Unconnected Send.
    pub service: Option<Named>,
    /// Class of the object that is asked.
    pub class: Option<u32>,
    /// Name of that class.
    pub class_name: Option<&'static str>,
    /// Instance of that class, 0 for the class itself.
    pub instance: Option<u32>,
    /// Attribute of that instance.
    pub attribute: Option<u32>,
    /// Name of the tag that is asked for.
    pub tag: Option<Text>,
    /// Services in a Multiple Service Packet, each with its class and instance or its tag.
    pub embedded: UnsetIfEmpty<String>,
    /// General status of the CIP answer.
    pub cip_status: Option<Named>,
    /// First word of that status's extension.
    pub cip_extended_status: Option<u16>,
    /// Time from request to answer.
    pub rtt: Option<Interval>,
    /// Datagrams of this connection in this direction (cyclic data).
    pub io_count: Option<u64>,
    /// Bytes of cyclic data in them.
    pub io_bytes: Option<u64>,
    /// The device's address in its own identity.
    pub device_addr: Option<Addr>,
    /// The device's vendor, by its number at ODVA.
    pub vendor_id: Option<u16>,
    /// The kind of device.
    pub device_type: Option<u16>,
    /// The vendor's number for the product.
    pub product_code: Option<u16>,
    /// The product's revision.
    pub revision: Option<String>,
    /// The device's serial number, in hexadecimal.
    pub serial: Option<String>,
    /// The product's name.
    pub product_name: Option<Text>,
    /// Community id, one-sidedness.
    #[record(flatten)]
    pub tail: Tail,
}
