//! IEC 60870-5-104: telecontrol over TCP.
//!
//! One row per message (ASDU) and per start or stop of data transfer: a command and its confirmations differ by their
//! cause, which is what one looks for. Acknowledgements and link tests have no rows. Limits: [`MAX_FRAME_LEN`],
//! [`asdu::MAX_OBJECTS`]. Known gaps: private types, time tags of objects, the content of files; variants with
//! shorter addresses (IEC 60870-5-101 in TCP).

mod asdu;
mod record;
#[cfg(test)]
mod tests;

pub use record::Iec104Record;

use crate::frames::{self, Frame, Framed, Frames, Head};
use crate::{Cx, Descriptor, Guess, Probe, Protocol, Start, Transport};
use asdu::Asdu;
use sekisho_record::{EnumName, UnsetIfEmpty};
use sekisho_types::{Dir, Heap};

/// Longest frame: start, length, 253 bytes.
pub const MAX_FRAME_LEN: usize = 255;
/// First byte of a frame.
const START: u8 = 0x68;
/// Start and length, and the control field.
const HEADER_LEN: usize = 2;
const CONTROL_LEN: usize = 4;

/// State of one connection.
#[derive(Default)]
pub struct Parser {
    sides: [Frames; 2],
    confirmed: bool,
}

impl Protocol for Parser {
    const DESCRIPTOR: Descriptor = Descriptor { service: "iec104", tcp_ports: &[2404], udp_ports: &[], probe };

    fn start(_: &Start<'_>) -> Self {
        Self::default()
    }

    fn data(&mut self, dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
        frames::feed(self, dir, bytes, cx);
    }

    fn gap(&mut self, dir: Dir, len: u64, _cx: &mut Cx<'_>) {
        frames::gap(self, dir, len);
    }

    fn end(&mut self, _cx: &mut Cx<'_>) {}

    fn held_len(&self) -> usize {
        self.sides.as_slice().heap_len()
    }
}

impl Framed for Parser {
    fn frames(&mut self, dir: Dir) -> &mut Frames {
        dir.of_mut(&mut self.sides)
    }

    fn head(&self, _dir: Dir, bytes: &[u8]) -> Head {
        extent(bytes).at_most(MAX_FRAME_LEN)
    }

    fn surely(&self, _dir: Dir, bytes: &[u8]) -> Head {
        surely(bytes)
    }

    fn message(&mut self, dir: Dir, message: Frame<'_>, _left: usize, cx: &mut Cx<'_>) -> bool {
        self.confirmed = true;
        cx.recognize("iec104");
        frame(dir, message.bytes, cx);
        true
    }

    fn lost(&mut self, _dir: Dir, cx: &mut Cx<'_>) -> bool {
        if self.confirmed {
            cx.weird("iec104_lost_track");
        } else {
            cx.reject("no IEC 104 frame");
        }
        self.confirmed
    }
}

/// How long is the frame that begins with `bytes`?
fn extent(bytes: &[u8]) -> Head {
    match bytes {
        [START, len, ..] if (4..=253).contains(len) => Head::whole(HEADER_LEN + usize::from(*len)),
        [] | [START] => Head::More,
        _ => Head::Bad,
    }
}

/// As [`extent`], where the control field and the message's length must fit, too.
fn surely(bytes: &[u8]) -> Head {
    let whole = extent(bytes);
    let Head::Message { keep: len, .. } = whole else { return whole };
    let Some(&[c0, c1, c2, c3]) = bytes.get(HEADER_LEN..).and_then(<[u8]>::first_chunk) else { return Head::More };
    let fits = match (c0 & 3, bytes.get(HEADER_LEN + CONTROL_LEN..)) {
        (1, _) => len == HEADER_LEN + CONTROL_LEN && (c0, c1, c2 & 1) == (1, 0, 0),
        (3, _) => len == HEADER_LEN + CONTROL_LEN && control(c0).is_some() && [c1, c2, c3] == [0; 3],
        _ if c2 & 1 == 1 || len < HEADER_LEN + CONTROL_LEN + asdu::IDENTIFIER_LEN => false,
        (_, Some([type_id, qualifier, ..])) => asdu::fits([*type_id, *qualifier], len - HEADER_LEN - CONTROL_LEN),
        _ => return Head::More,
    };
    if fits { whole } else { Head::Bad }
}

/// What an unnumbered frame does (clause 5.1).
const fn control(c0: u8) -> Option<&'static str> {
    Some(match c0 {
        0x07 => "STARTDT act",
        0x0b => "STARTDT con",
        0x13 => "STOPDT act",
        0x23 => "STOPDT con",
        0x43 => "TESTFR act",
        0x83 => "TESTFR con",
        _ => return None,
    })
}

/// One whole frame.
fn frame(dir: Dir, bytes: &[u8], cx: &mut Cx<'_>) {
    let Some((&[_, _, c0, _, _, _], message)) = bytes.split_first_chunk() else { return };
    match c0 & 3 {
        1 => {}
        3 => match control(c0) {
            Some(name) if name.starts_with('S') => emit(dir, Some(name), None, cx),
            Some(_) => {}
            None => cx.weird("iec104_unknown_control"),
        },
        _ => match Asdu::parse(message) {
            Ok(asdu) => emit(dir, None, Some(asdu), cx),
            Err(_) => cx.weird("iec104_malformed"),
        },
    }
}

fn emit(dir: Dir, control: Option<&'static str>, asdu: Option<Asdu>, cx: &mut Cx<'_>) {
    let a = asdu.as_ref();
    let row = Iec104Record {
        head: cx.head(cx.ts),
        is_orig: dir.is_orig(),
        frame: EnumName(if control.is_some() { "U" } else { "I" }),
        control: control.map(EnumName),
        type_id: a.map(|a| a.type_id),
        type_name: a.and_then(|a| asdu::type_name(a.type_id)),
        cause: a.map(|a| asdu::cause(a.cause)),
        negative: a.map(|a| a.negative),
        test: a.map(|a| a.test).filter(|t| *t),
        originator: a.map(|a| a.originator).filter(|o| *o != 0),
        common_address: a.map(|a| a.common_address),
        object_count: a.map(|a| a.count),
        select: a.and_then(|a| a.select),
        tail: cx.tail(),
        addresses: UnsetIfEmpty::default(),
        values: UnsetIfEmpty::default(),
        quality: UnsetIfEmpty::default(),
    };
    let Some(a) = asdu else { return cx.emit(row) };
    cx.emit(Iec104Record {
        addresses: UnsetIfEmpty(a.addresses),
        values: UnsetIfEmpty(a.values),
        quality: UnsetIfEmpty(a.quality),
        ..row
    });
}

/// See [`crate::Descriptor::probe`].
fn probe(p: &Probe<'_>) -> Guess {
    if p.transport != Transport::Tcp {
        return Guess::No;
    }
    // An acknowledgement alone is hardly four bytes of proof.
    let side = |bytes: &[u8]| match surely(bytes) {
        Head::Message { .. } if !p.port_match && bytes.get(HEADER_LEN) == Some(&1) => Guess::More,
        Head::Message { .. } => Guess::Yes,
        Head::More => Guess::More,
        Head::Bad => Guess::No,
    };
    side(p.orig).either(side(p.resp))
}
