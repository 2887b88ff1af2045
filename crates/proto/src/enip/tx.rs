//! A message as rules and EVE see it: each is an exchange by itself.

use super::message::{HEADER_LEN, Header, command};
use super::names;
use sekisho_transaction::{Fact, Json, Transaction, Value};
use sekisho_types::Dir;
use sekisho_wire::{ParseResult, Reader};

/// Items, segments, attributes and services looked at of one message, each.
pub(super) const MAX_PARTS: usize = 64;

/// Kinds of items (volume 2, table 2-6.3).
pub(super) mod item {
    pub const IDENTITY: u16 = 0x0c;
    pub const CONNECTED_DATA: u16 = 0xb1;
    pub const UNCONNECTED_DATA: u16 = 0xb2;
    pub const SERVICES: u16 = 0x100;
}

/// A CIP message within.
#[derive(Default)]
struct Cip {
    service: u8,
    is_response: bool,
    /// Kind and value of each logical segment.
    path: Vec<(u8, u32)>,
    /// Of a list of attributes.
    attributes: Vec<u16>,
    status: u8,
    extended: Vec<u8>,
    /// What is in a Multiple Service Packet.
    inner: Vec<Cip>,
}

/// What a device says of itself (volume 2, table 2-4.4).
struct Identity<'a> {
    protocol: u16,
    vendor: u16,
    device_type: u16,
    product_code: u16,
    revision: [u8; 2],
    status: u16,
    serial: u32,
    name: &'a [u8],
    state: u8,
}

/// What a service offers (volume 2, table 2-4.7): version, capabilities, name.
struct Service<'a>(u16, u16, &'a [u8]);

/// A message, taken apart.
pub(super) struct View<'a> {
    pub(super) dir: Dir,
    pub(super) header: Header,
    /// Version and options.
    registers: Option<(u16, u16)>,
    cip: Option<Cip>,
    identity: Option<Identity<'a>>,
    service: Option<Service<'a>>,
}

impl<'a> View<'a> {
    /// Of a message with its header.
    pub fn new(dir: Dir, bytes: &'a [u8]) -> Option<Self> {
        let mut r = Reader::new(bytes);
        let header = Header::parse(&mut r).ok()?;
        let mut view = Self { dir, header, registers: None, cip: None, identity: None, service: None };
        let mut r = Reader::new(bytes.get(HEADER_LEN..).unwrap_or(&[]));
        match header.command {
            command::SEND_RR_DATA | command::SEND_UNIT_DATA => {
                let _ = r.skip(&"interface and timeout", 6).and_then(|()| view.items(&mut r));
            }
            command::LIST_IDENTITY | command::LIST_SERVICES => drop(view.items(&mut r)),
            command::REGISTER_SESSION => view.registers = registers(&mut r).ok(),
            _ => {}
        }
        Some(view)
    }

    fn items(&mut self, r: &mut Reader<'a>) -> ParseResult<()> {
        let count = usize::from(r.u16_le(&"item count")?);
        for _ in 0..count.min(MAX_PARTS) {
            let kind = r.u16_le(&"item type")?;
            let len = usize::from(r.u16_le(&"item length")?);
            let mut data = r.sub(&"item", len)?;
            match kind {
                item::IDENTITY if self.identity.is_none() => self.identity = Some(identity(&mut data)?),
                item::SERVICES if self.service.is_none() => {
                    let (version, capabilities) = (data.u16_le(&"version")?, data.u16_le(&"capabilities")?);
                    let name = data.rest();
                    let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
                    self.service = Some(Service(version, capabilities, name.get(..end).unwrap_or(name)));
                }
                item::CONNECTED_DATA if self.cip.is_none() => {
                    data.skip(&"sequence count", 2)?;
                    self.cip = Some(Cip::parse(data.rest(), true)?);
                }
                item::UNCONNECTED_DATA if self.cip.is_none() => self.cip = Some(Cip::parse(data.rest(), true)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// The CIP message and those within it.
    fn all(&self) -> impl Iterator<Item = &Cip> {
        self.cip.iter().flat_map(|cip| std::iter::once(cip).chain(&cip.inner))
    }

    /// Values of the path segments of a kind, of requests.
    fn segments(&self, kind: u8) -> impl Iterator<Item = u32> {
        let requests = self.all().filter(|cip| !cip.is_response);
        requests.flat_map(move |cip| cip.path.iter().filter(move |s| s.0 >> 2 == kind).map(|s| s.1))
    }
}

fn registers(r: &mut Reader<'_>) -> ParseResult<(u16, u16)> {
    Ok((r.u16_le(&"version")?, r.u16_le(&"options")?))
}

fn identity<'a>(r: &mut Reader<'a>) -> ParseResult<Identity<'a>> {
    let protocol = r.u16_le(&"version")?;
    r.skip(&"address", 16)?;
    Ok(Identity {
        protocol,
        vendor: r.u16_le(&"vendor")?,
        device_type: r.u16_le(&"device type")?,
        product_code: r.u16_le(&"product code")?,
        revision: r.array(&"revision")?,
        status: r.u16_le(&"status")?,
        serial: r.u32_le(&"serial number")?,
        name: r.block8(&"product name")?.rest(),
        state: r.u8(&"state")?,
    })
}

impl Cip {
    /// Reads a message; `outer`: it may have others within.
    fn parse(bytes: &[u8], outer: bool) -> ParseResult<Self> {
        let mut r = Reader::new(bytes);
        let code = r.u8(&"service")?;
        let mut cip = Self { service: code & 0x7f, is_response: code & 0x80 != 0, ..Self::default() };
        if cip.is_response {
            r.skip(&"reserved", 1)?;
            cip.status = r.u8(&"status")?;
            let words = usize::from(r.u8(&"extended status length")?);
            cip.extended = r.take(&"extended status", words * 2)?.to_vec();
        } else {
            let words = usize::from(r.u8(&"path length")?);
            segments(&mut r.sub(&"path", words * 2)?, &mut cip.path);
            if matches!(cip.service, 3 | 4) {
                let _ = cip.list(Reader::new(r.rest()));
            }
        }
        if outer && cip.service == names::service::MULTIPLE {
            let _ = cip.embedded(r.rest());
        }
        Ok(cip)
    }

    /// Attributes that are got or, the first of them, set.
    fn list(&mut self, mut r: Reader<'_>) -> ParseResult<()> {
        let count = usize::from(r.u16_le(&"attribute count")?);
        let most = if self.service == 3 { MAX_PARTS } else { 1 };
        for _ in 0..count.min(most) {
            self.attributes.push(r.u16_le(&"attribute")?);
        }
        Ok(())
    }

    /// Those in a Multiple Service Packet.
    fn embedded(&mut self, data: &[u8]) -> ParseResult<()> {
        let mut r = Reader::new(data);
        let count = usize::from(r.u16_le(&"service count")?);
        for _ in 0..count.min(MAX_PARTS) {
            let at = usize::from(r.u16_le(&"service offset")?);
            if let Ok(inner) = Self::parse(data.get(at..).unwrap_or(&[]), false) {
                self.inner.push(inner);
            }
        }
        Ok(())
    }

    fn show(&self, out: &mut Json<'_>) {
        let class = self.path.iter().find(|s| s.0 >> 2 == 8).map(|s| s.1);
        out.text("service", &names::cip_service(self.service, class).as_str().replace('_', " "));
        if self.is_response {
            out.text("status", names::general_status(self.status).as_str());
            if !self.extended.is_empty() {
                out.hex("status_extended", &self.extended);
            }
        } else {
            if !self.path.is_empty() {
                out.list("path", |out| {
                    for (kind, value) in &self.path {
                        out.item(|out| {
                            out.text("segment_type", segment_name(*kind));
                            out.number("value", (*value).into());
                        });
                    }
                });
            }
            if let Some(name) = class.and_then(names::class) {
                out.text("class_name", name);
            }
        }
        if !self.inner.is_empty() {
            out.list("multiple", |out| self.inner.iter().for_each(|cip| out.item(|out| cip.show(out))));
        }
    }
}

/// Logical segments of a path (appendix C-1.4.2); others end it.
fn segments(r: &mut Reader<'_>, path: &mut Vec<(u8, u32)>) {
    while path.len() < MAX_PARTS
        && let Ok(kind) = r.u8(&"segment")
    {
        let value = match kind & 3 {
            0 => r.u8(&"value").map(u32::from),
            1 => r.skip(&"padding", 1).and_then(|()| r.u16_le(&"value")).map(u32::from),
            _ => r.skip(&"padding", 1).and_then(|()| r.u32_le(&"value")),
        };
        let (true, Ok(value)) = (kind >> 5 == 1, value) else { return };
        path.push((kind, value));
    }
}

const fn segment_name(kind: u8) -> &'static str {
    match kind >> 2 {
        8 => "class",
        9 => "instance",
        10 => "member",
        11 => "connection_point",
        12 => "attribute",
        _ => "unknown",
    }
}

/// Suricata's name of a status of the encapsulation (volume 2, table 2-3.3).
const fn status_name(code: u32) -> Option<&'static str> {
    Some(match code {
        0x00 => "success",
        0x01 => "invalid_cmd",
        0x02 => "no_resources",
        0x03 => "incorrect_data",
        0x64 => "invalid_session",
        0x65 => "invalid_length",
        0x69 => "unsupported_prot_rev",
        0x6a => "encap_header_error",
        _ => return None,
    })
}

impl Identity<'_> {
    fn show(&self, out: &mut Json<'_>) {
        out.number("protocol_version", self.protocol.into());
        let [major, minor] = self.revision;
        out.display("revision", format_args!("{major}.{minor}"));
        match self.vendor {
            1 => out.text("vendor_id", "Rockwell Automation/Allen-Bradley"),
            n => out.display("vendor_id", format_args!("unknown-{n}")),
        }
        match self.device_type {
            0x0c => out.text("device_type", "Communications Adapter"),
            0x0e => out.text("device_type", "Programmable Logic Controller"),
            n => out.display("device_type", format_args!("unknown-{n}")),
        }
        out.number("product_code", self.product_code.into());
        out.number("status", self.status.into());
        out.number("serial", self.serial.into());
        out.bytes("product_name", self.name);
        out.number("state", self.state.into());
    }
}

impl View<'_> {
    fn show(&self, out: &mut Json<'_>) {
        match names::command(self.header.command) {
            Some(name) => out.text("command", &name.to_ascii_lowercase()),
            None => out.display("command", format_args!("unknown-{}", self.header.command)),
        }
        match status_name(self.header.status) {
            Some(name) => out.text("status", name),
            None => out.display("status", format_args!("unknown-{}", self.header.status)),
        }
        if let Some((version, options)) = self.registers {
            out.object("register_session", |out| {
                out.number("protocol_version", version.into());
                out.number("options", options.into());
            });
        }
        if let Some(identity) = self.identity.as_ref().filter(|_| !self.dir.is_orig()) {
            out.object("identity", |out| identity.show(out));
        }
        if let Some(Service(version, capabilities, name)) = self.service.as_ref().filter(|_| !self.dir.is_orig()) {
            out.object("list_services", |out| {
                out.number("protocol_version", (*version).into());
                out.number("capabilities", (*capabilities).into());
                out.bytes("service_name", name);
            });
        }
        // A message's direction and what it says may contradict each other.
        if let Some(cip) = self.cip.as_ref().filter(|cip| cip.is_response != self.dir.is_orig()) {
            out.object("cip", |out| cip.show(out));
        }
    }

    fn number(&self, fact: Fact) -> Option<u64> {
        let id = self.identity.as_ref();
        Some(match fact {
            Fact::EnipCommand => self.header.command.into(),
            Fact::EnipStatus => self.header.status.into(),
            Fact::EnipCapabilities => self.service.as_ref()?.1.into(),
            Fact::EnipDeviceType => id?.device_type.into(),
            Fact::EnipIdentityStatus => id?.status.into(),
            Fact::EnipProductCode => id?.product_code.into(),
            Fact::EnipRevision => u16::from_be_bytes(id?.revision).into(),
            Fact::EnipSerial => id?.serial.into(),
            Fact::EnipState => id?.state.into(),
            Fact::EnipVendorId => id?.vendor.into(),
            Fact::EnipProtocolVersion => {
                let of_lists = id.map(|id| id.protocol).or(self.service.as_ref().map(|s| s.0));
                self.registers.map(|r| r.0).or(of_lists.filter(|_| !self.dir.is_orig()))?.into()
            }
            _ => return None,
        })
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "enip"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("enip", |out| {
            let name = if self.dir.is_orig() { "request" } else { "response" };
            out.object(name, |out| self.show(out));
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        let number = |n: Option<u32>| Some(Value::Number(n?.into()));
        let responses = || self.all().filter(|cip| cip.is_response);
        match fact {
            Fact::EnipCipAttribute => {
                let lists = self.all().filter(|cip| !cip.is_response).flat_map(|cip| &cip.attributes);
                number(self.segments(12).chain(lists.map(|n| u32::from(*n))).nth(nth))
            }
            Fact::EnipCipClass => number(self.segments(8).nth(nth)),
            Fact::EnipCipInstance => number(self.segments(9).nth(nth)),
            Fact::EnipCipService => number(self.all().map(|cip| u32::from(cip.service)).nth(nth)),
            Fact::EnipCipStatus => number(responses().map(|cip| u32::from(cip.status)).nth(nth)),
            Fact::EnipCipExtendedstatus => {
                let two = responses().filter_map(|cip| <[u8; 2]>::try_from(cip.extended.as_slice()).ok());
                number(two.map(|two| u16::from_le_bytes(two).into()).nth(nth))
            }
            _ if nth > 0 => None,
            Fact::EnipProductName => Some(Value::from(self.identity.as_ref()?.name)),
            Fact::EnipServiceName => Some(Value::from(self.service.as_ref()?.2)),
            _ => self.number(fact).map(Value::Number),
        }
    }
}
