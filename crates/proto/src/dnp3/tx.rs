//! A message as rules and EVE see it: each fragment, request or reply, is an exchange by itself, as in Suricata.

use super::layout::{Layout, Part, layout, read};
use super::message::{Header, fc};
use sekisho_transaction::{Fact, Json, Transaction, Value};
use sekisho_wire::{ParseError, ParseResult, Reader};

/// Names of the internal indications, from the highest bit down (clause 4.2.2.6).
const INDICATORS: [&str; 16] = [
    "device_restart",
    "device_trouble",
    "local_control",
    "need_time",
    "class_3_events",
    "class_2_events",
    "class_1_events",
    "all_stations",
    "reserved_1",
    "reserved_2",
    "config_corrupt",
    "already_executing",
    "event_buffer_overflow",
    "parameter_error",
    "object_unknown",
    "no_func_code_support",
];

/// A link's control octet and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Envelope {
    pub control: u8,
    pub src: u16,
    pub dst: u16,
}

/// A whole application fragment.
pub(super) struct View<'a> {
    /// Objects of a message and points of an object that are looked at: Suricata's `max-objects` and `max-points`.
    pub limits: (usize, u32),
    pub link: Envelope,
    /// Application control octet.
    pub control: u8,
    pub header: Header,
    pub fragment: &'a [u8],
    /// What stands behind the header.
    pub objects: &'a [u8],
}

/// One object header (clause 4.2.2.7).
struct Object {
    group: u8,
    variation: u8,
    qualifier: u8,
    start: u32,
    stop: u32,
    count: u32,
}

impl Object {
    fn parse(r: &mut Reader<'_>) -> ParseResult<Self> {
        let (group, variation, qualifier) = (r.u8(&"group")?, r.u8(&"variation")?, r.u8(&"qualifier")?);
        let range = |start: u32, stop: u32| (start, stop, stop.wrapping_sub(start).wrapping_add(1));
        let (start, stop, count) = match qualifier & 0xf {
            0 | 3 => range(r.u8(&"start")?.into(), r.u8(&"stop")?.into()),
            1 | 4 => range(r.u16_le(&"start")?.into(), r.u16_le(&"stop")?.into()),
            2 | 5 => range(r.u32_le(&"start")?, r.u32_le(&"stop")?),
            6 => (0, 0, 0),
            7 | 0xb => (0, 0, r.u8(&"count")?.into()),
            8 => (0, 0, r.u16_le(&"count")?.into()),
            9 => (0, 0, r.u32_le(&"count")?),
            _ => return Err(ParseError::bad(&"range specifier")),
        };
        Ok(Self { group, variation, qualifier, start, stop, count })
    }

    const fn prefix_code(&self) -> u8 {
        self.qualifier >> 4 & 7
    }

    const fn has_points(&self) -> bool {
        self.variation != 0 && self.count != 0
    }

    /// Walks the points; those that are whole are shown. `Err`: what follows cannot be read.
    fn points(&self, r: &mut Reader<'_>, mut out: Option<&mut Json<'_>>, max: u32) -> Result<(), &'static str> {
        let layout = layout(self.group, self.variation).ok_or("unknown_object")?;
        if self.count > max {
            return Err("too_many_points");
        }
        if let Layout::Packed(name, width) = layout {
            self.packed(name, width, r, out);
            return Ok(());
        }
        for i in 0..self.count {
            let one = out.as_deref_mut();
            if self.point(&layout, self.start.wrapping_add(i), r, one).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn packed(&self, name: &'static str, width: u8, r: &mut Reader<'_>, mut out: Option<&mut Json<'_>>) {
        let (mut octet, mut left) = (0u8, 0);
        for i in 0..self.count {
            if left == 0 {
                let Ok(next) = r.u8(&"packed bits") else { return };
                (octet, left) = (next, 8);
            }
            let value = octet & ((1 << width) - 1);
            (octet, left) = (octet >> width, left - width);
            if let Some(out) = out.as_deref_mut() {
                out.item(|out| {
                    out.number("prefix", 0);
                    out.number("index", self.start.wrapping_add(i).into());
                    out.number(name, value.into());
                });
            }
        }
    }

    fn point(&self, layout: &Layout, index: u32, r: &mut Reader<'_>, out: Option<&mut Json<'_>>) -> ParseResult<()> {
        let code = self.prefix_code();
        let prefix = match code {
            0 => 0,
            1 | 4 => r.u8(&"prefix")?.into(),
            2 | 5 => r.u16_le(&"prefix")?.into(),
            3 | 6 => r.u32_le(&"prefix")?,
            _ => return Err(ParseError::bad(&"prefix")),
        };
        let size = (code >= 4).then_some(prefix as usize);
        let parts: [&[Part]; 3] = match *layout {
            Layout::Parts(parts) => parts,
            Layout::Sized(parts) if size.is_some() => [parts, &[], &[]],
            Layout::Sized16(parts) if code == 5 => [parts, &[], &[]],
            _ => return Err(ParseError::bad(&"prefix")),
        };
        let from = *r;
        read(&parts, r, size, None)?;
        let Some(out) = out else { return Ok(()) };
        out.item(|out| {
            out.number("prefix", prefix.into());
            out.number("index", if (1..4).contains(&code) { prefix } else { index }.into());
            if let Some(size) = size {
                out.number("size", size as u64);
            }
            let _ = read(&parts, &mut { from }, size, Some(out));
        });
        Ok(())
    }
}

impl View<'_> {
    /// Goes through the objects: are they all understood? Else with the anomaly, if it is one.
    pub fn check(&self) -> Result<(), Option<&'static str>> {
        let mut r = Reader::new(self.objects);
        let mut count = 0;
        while !r.is_empty() {
            let object = Object::parse(&mut r).map_err(|_| None)?;
            count += 1;
            if count > self.limits.0 {
                return Err(Some("too_many_objects"));
            }
            if object.has_points() {
                object.points(&mut r, None, self.limits.1).map_err(Some)?;
            }
        }
        Ok(())
    }

    fn show_objects(&self, out: &mut Json<'_>) {
        let mut r = Reader::new(self.objects);
        for _ in 0..self.limits.0 {
            if r.is_empty() || out.is_full() {
                break;
            }
            let Ok(object) = Object::parse(&mut r) else { break };
            let mut known = Ok(());
            out.item(|out| {
                out.number("group", object.group.into());
                out.number("variation", object.variation.into());
                out.number("qualifier", object.qualifier.into());
                out.number("prefix_code", object.prefix_code().into());
                out.number("range_code", (object.qualifier & 0xf).into());
                out.number("start", object.start.into());
                out.number("stop", object.stop.into());
                out.number("count", object.count.into());
                if object.has_points() {
                    known = object.show_points(&mut r, out, self.limits.1);
                }
            });
            if known.is_err() {
                break;
            }
        }
    }

    fn show(&self, out: &mut Json<'_>) {
        let kind = match self.header.function {
            fc::UNSOLICITED_RESPONSE => "unsolicited_response",
            _ if self.header.is_reply() => "response",
            _ => "request",
        };
        let on = |octet: u8, bit: u8| octet & bit != 0;
        out.text("type", kind);
        out.object("control", |out| {
            for (name, bit) in [("dir", 0x80), ("pri", 0x40), ("fcb", 0x20), ("fcv", 0x10)] {
                out.flag(name, on(self.link.control, bit));
            }
            out.number("function_code", (self.link.control & 0xf).into());
        });
        out.number("src", self.link.src.into());
        out.number("dst", self.link.dst.into());
        out.object("application", |out| {
            out.object("control", |out| {
                for (name, bit) in [("fir", 0x80), ("fin", 0x40), ("con", 0x20), ("uns", 0x10)] {
                    out.flag(name, on(self.control, bit));
                }
                out.number("sequence", self.header.sequence.into());
            });
            out.number("function_code", self.header.function.into());
            if Object::parse(&mut Reader::new(self.objects)).is_ok() {
                out.list("objects", |out| self.show_objects(out));
            }
            out.flag("complete", self.check().is_ok());
        });
        let Some(iin) = self.header.iin.filter(|&iin| iin != 0) else { return };
        out.object("iin", |out| {
            out.list("indicators", |out| {
                for (name, bit) in INDICATORS.iter().zip((0..16).rev()) {
                    if iin >> bit & 1 == 1 {
                        out.item_bytes(name.as_bytes());
                    }
                }
            });
        });
    }
}

impl Object {
    /// The list of points, unless there are none.
    fn show_points(&self, r: &mut Reader<'_>, out: &mut Json<'_>, max: u32) -> Result<(), &'static str> {
        let from = *r;
        self.points(r, None, max)?;
        // A point takes at least a bit, so nothing read means that there is none.
        if r.pos() > from.pos() && self.is_first_whole(from) {
            out.list("points", |out| {
                let _ = self.points(&mut { from }, Some(out), max);
            });
        }
        Ok(())
    }

    fn is_first_whole(&self, mut r: Reader<'_>) -> bool {
        match layout(self.group, self.variation) {
            Some(Layout::Packed(..)) => true,
            Some(layout) => self.point(&layout, 0, &mut r, None).is_ok(),
            None => false,
        }
    }
}

impl Transaction for View<'_> {
    fn event_type(&self) -> &'static str {
        "dnp3"
    }

    fn eve(&self, out: &mut Json<'_>) {
        out.object("dnp3", |out| {
            if out.is_alert() {
                let name = if self.header.is_reply() { "response" } else { "request" };
                out.object(name, |out| self.show(out));
            } else {
                self.show(out);
            }
        });
    }

    fn fact(&self, fact: Fact, nth: usize) -> Option<Value<'_>> {
        match fact {
            Fact::Dnp3Obj => {
                let mut r = Reader::new(self.objects);
                let mut left = nth.min(self.limits.0);
                loop {
                    let object = Object::parse(&mut r).ok()?;
                    if left == 0 {
                        return Some(Value::Number(u64::from(object.group) << 8 | u64::from(object.variation)));
                    }
                    left -= 1;
                    if object.has_points() {
                        object.points(&mut r, None, self.limits.1).ok()?;
                    }
                }
            }
            _ if nth > 0 => None,
            Fact::Dnp3Data => Some(Value::from(self.fragment)),
            Fact::Dnp3Func => Some(Value::Number(self.header.function.into())),
            Fact::Dnp3Ind => Some(Value::Number(self.header.iin?.into())),
            _ => None,
        }
    }
}

/// What was odd with a link frame, of which nothing else is known.
pub(super) struct Odd;

impl Transaction for Odd {
    fn event_type(&self) -> &'static str {
        "dnp3"
    }

    fn eve(&self, _: &mut Json<'_>) {}

    fn fact(&self, _: Fact, _: usize) -> Option<Value<'_>> {
        None
    }
}
