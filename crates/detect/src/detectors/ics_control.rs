//! # ics-unexpected-control
//! ## How
//! Requests of Modbus, DNP3, S7 and IEC 104 are learnt by pair of master and device. A device is known once it was asked
//! often and long enough, and so is a pair. `new-master`: another machine asks a known device. `write`: a known pair that
//! only read writes, or a new master of a known device does. `new-function`: a known pair uses another function.
//! `program`: a function that loads, stops or restarts a controller, or changes its files, whoever sends it. `scan`: many
//! units or refusals (illegal function, illegal address) within a minute. Writing is Modbus 5, 6, 15, 16, 21 to 23, DNP3
//! write, select, operate, stop and disable unsolicited, IEC 104 types 45 to 64, S7 write. DNP3's enable unsolicited is
//! the usual start.
//! ## Thresholds
//! Known: 50 requests over 10 minutes. The catalogue asks for 14 days, which needs a memory across runs; within one
//! capture this is what can be learnt. 10 units or 5 refusals in 60 s (Sekisho's own choice).
//! ## State
//! Pairs and devices: at most 10,000 each, the least recent forgotten; of a pair at most 64 functions and 64 units.
//! ## Severity
//! `program` and `write` of a new master at a known device critical 0.85; `new-master` and `write` of a known pair high
//! 0.8; `program` otherwise high 0.6, because nobody knows whether it is the engineering station; `new-function` low 0.6;
//! `scan` medium 0.8.
//! ## Benign
//! An engineering station in a maintenance window, the second master of a pair that takes over: to be muted with an end. A
//! gateway that serves many units looks like a scan on its first round.
//! ## Blind
//! What was normal before the capture. EtherNet/IP and BACnet are not looked at, nor are values before and after.
//! ## References
//! Zeek policies known-masters-slaves and track-memmap; Suricata's events of Modbus and DNP3; nDPI's SCADA protocols.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Interval, Timestamp, Uid};

static ABOUT: About = About {
    id: "ics-unexpected-control",
    title: "unusual command to a control device",
    means: "A machine that never commanded this controller now writes to it, or uses a dangerous function.",
    techniques: &["T0855", "T0836", "T0843", "T0816", "T0846"],
    stage: Stage::Impact,
    reasons: &[NEW_MASTER, NEW_FUNCTION, WRITE, PROGRAM, SCAN],
    benign: "Maintenance by an engineering station, a second master that takes over.",
    clears: "The master is known and allowed, or was cut off from the device.",
    next: &[
        "Ask who works on the device.",
        "Compare the controller's program and values with what they should be.",
        "Let only the known masters reach it.",
    ],
    needs: &[
        vital(What::Some(Traffic::Control)),
        vital(What::Requests(Traffic::Control)),
        useful(What::Answers(Traffic::Control)),
        useful(What::Whole(Traffic::Control)),
        useful(What::Uncut(Traffic::Control)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const NEW_MASTER: Reason = Reason { code: "new-master", means: "Another machine than before asks a controller." };
const NEW_FUNCTION: Reason =
    Reason { code: "new-function", means: "A master uses a function that it did not use before." };
const WRITE: Reason =
    Reason { code: "write", means: "A machine that only read before, or is new, writes to a controller." };
const PROGRAM: Reason =
    Reason { code: "program", means: "A controller was stopped, restarted or loaded, or its files changed." };
const SCAN: Reason = Reason { code: "scan", means: "A controller's units or functions are tried one after the other." };

/// Pairs, and devices, that are kept.
const MAX_PAIRS: usize = 10_000;
/// Functions and units of a pair that are kept.
const MAX_KNOWN: usize = 64;
/// Requests and time after which a pair or a device is known.
const KNOWN_REQUESTS: u64 = 50;
const KNOWN_FOR: Interval = Interval::from_secs(600);
/// Window of a scan.
const SCAN_WITHIN: Interval = Interval::from_secs(60);
/// Units and refusals within it.
const SCAN_UNITS: usize = 10;
const SCAN_REFUSALS: u64 = 5;

/// Modbus functions that write, and that program (Modbus Application Protocol V1.1b3 §6, and makers' own).
const MODBUS_PROGRAMS: &[&str] = &[
    "PROGRAM_484",
    "PROGRAM_584_984",
    "PROGRAM_584_984_2",
    "PROGRAM_884_U84",
    "PROGRAM_CONCEPT",
    "PROGRAM_UNITY",
    "FIRMWARE_REPLACEMENT",
];
/// DNP3 functions (IEEE 1815 table 4-1).
const DNP3_WRITES: &[&str] =
    &["WRITE", "SELECT", "OPERATE", "DIRECT_OPERATE", "DIRECT_OPERATE_NR", "STOP_APPL", "DISABLE_UNSOLICITED"];
const DNP3_PROGRAMS: &[&str] =
    &["COLD_RESTART", "WARM_RESTART", "OPEN_FILE", "CLOSE_FILE", "DELETE_FILE", "ACTIVATE_CONFIG"];
/// Functions of S7.
const S7_PROGRAMS: &[&str] = &["Request Download", "Download Block", "Download Ended", "PLC Stop"];
/// Control commands of IEC 104 (IEC 60870-5-101 §7.2.1), with and without time.
const IEC104_COMMANDS: std::ops::RangeInclusive<u64> = 45..=64;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Read,
    Write,
    Program,
}

struct Request<'a> {
    ts: Timestamp,
    uid: Uid,
    master: Addr,
    device: Addr,
    port: u16,
    function: &'a str,
    unit: u64,
    deed: Deed,
}

/// What was seen over time.
#[derive(Clone, Copy, Default)]
struct Span {
    first: Option<Timestamp>,
    count: u64,
}

impl Span {
    /// One more; was it known before?
    fn add(&mut self, ts: Timestamp) -> bool {
        let known = self.is_known(ts);
        self.first.get_or_insert(ts);
        self.count += 1;
        known
    }

    fn is_known(&self, ts: Timestamp) -> bool {
        self.count >= KNOWN_REQUESTS && self.first.is_some_and(|first| ts - first >= KNOWN_FOR)
    }
}

#[derive(Default)]
struct Pair {
    seen: Span,
    /// The device was known when this master came.
    late: bool,
    wrote: bool,
    /// Digests of functions.
    functions: Vec<u64>,
    /// Units, and when they were asked first within the window.
    units: Vec<(u64, Timestamp)>,
    /// Beginning of the window of refusals, and how many.
    refusals: (Timestamp, u64),
}

/// See the module.
pub(crate) struct Control {
    pairs: Recent<(Addr, Addr, u16), Pair>,
    devices: Recent<(Addr, u16), Span>,
}

/// FNV-1a: the same on every machine.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

fn request<'a>(row: &Row<'a>) -> Option<Request<'a>> {
    macro_rules! request {
        ($row:expr, $function:expr, $unit:expr, $deed:expr) => {
            Request {
                ts: $row.ts,
                uid: $row.uid,
                master: $row.orig,
                device: $row.resp,
                port: $row.resp_port,
                function: $function,
                unit: $unit,
                deed: $deed,
            }
        };
    }
    let deed = |writes: bool, programs: bool| match (writes, programs) {
        (_, true) => Deed::Program,
        (true, false) => Deed::Write,
        _ => Deed::Read,
    };
    Some(match row {
        Row::Modbus(r) if r.pdu == "REQ" => {
            let writes = r.func.contains("WRITE");
            request!(r, r.func, r.unit, deed(writes, MODBUS_PROGRAMS.contains(&r.func)))
        }
        Row::Dnp3(r) if !r.request.is_empty() => {
            let (writes, programs) = (DNP3_WRITES.contains(&r.request), DNP3_PROGRAMS.contains(&r.request));
            request!(r, r.request, 0, deed(writes, programs))
        }
        Row::S7comm(r) if r.is_orig => {
            request!(r, r.func, 0, deed(r.func == "Write Variable", S7_PROGRAMS.contains(&r.func)))
        }
        Row::Iec104(r) if r.is_orig && r.type_id.is_some() => {
            let commands = r.type_id.is_some_and(|id| IEC104_COMMANDS.contains(&id));
            request!(r, r.type_name, 0, deed(commands, false))
        }
        _ => return None,
    })
}

fn raise(
    reason: &Reason,
    request: &Request<'_>,
    (severity, percent): (Severity, u8),
    measure: Option<Measure>,
    cx: &mut Cx<'_>,
) {
    let Some(reason) = ABOUT.reason(reason.code) else { return };
    let mut raise = Raise::new(&ABOUT, reason, request.device, severity, Confidence::percent(percent))
        .key(format!("{} port {}", request.master, request.port))
        .peer(request.master)
        .at(request.ts)
        .flow(request.uid)
        .packet(cx.packet)
        .quote("function", request.function.as_bytes(), cx.packet);
    if let Some(measure) = measure {
        raise = raise.measure(measure);
    }
    cx.raise(raise);
}

impl Control {
    pub fn new(scope: &Scope) -> Self {
        Self { pairs: Recent::of(scope, MAX_PAIRS), devices: Recent::of(scope, MAX_PAIRS) }
    }

    fn request(&mut self, request: &Request<'_>, cx: &mut Cx<'_>) {
        let ts = request.ts;
        let device = self.devices.at((request.device, request.port), Span::default);
        let device_known = device.add(ts);
        let count = device.count;
        let key = (request.master, request.device, request.port);
        let new = self.pairs.peek(&key).is_none();
        let pair = self.pairs.at(key, Pair::default);
        let pair_known = pair.seen.add(ts);
        let asked = |name| Some(Measure::count(name, count, Some(KNOWN_REQUESTS), "", Origin::Own));
        if new && device_known {
            pair.late = true;
            raise(&NEW_MASTER, request, (Severity::High, 80), asked("requests to the device before"), cx);
        }
        let stranger = pair.late && !pair_known;
        match request.deed {
            Deed::Program if stranger => raise(&PROGRAM, request, (Severity::Critical, 85), None, cx),
            Deed::Program => raise(&PROGRAM, request, (Severity::High, 60), None, cx),
            Deed::Write if stranger => raise(&WRITE, request, (Severity::Critical, 85), None, cx),
            Deed::Write if pair_known && !pair.wrote => {
                raise(&WRITE, request, (Severity::High, 80), asked("requests before, none of which wrote"), cx);
            }
            _ => {}
        }
        pair.wrote |= request.deed != Deed::Read;
        let digest = digest(request.function);
        if !pair.functions.contains(&digest) && pair.functions.len() < MAX_KNOWN {
            pair.functions.push(digest);
            if pair_known && request.deed == Deed::Read {
                raise(&NEW_FUNCTION, request, (Severity::Low, 60), None, cx);
            }
        }
        if pair.units.iter().all(|u| u.0 != request.unit) && pair.units.len() < MAX_KNOWN {
            pair.units.push((request.unit, ts));
            let recent = pair.units.iter().filter(|u| ts - u.1 <= SCAN_WITHIN).count();
            if recent >= SCAN_UNITS {
                let units = Measure::count("units asked in a minute", recent as u64, Some(10), "", Origin::Own);
                raise(&SCAN, request, (Severity::Medium, 80), Some(units), cx);
            }
        }
    }

    /// A function or an address that the device does not have.
    fn refused(&mut self, request: &Request<'_>, cx: &mut Cx<'_>) {
        let key = (request.master, request.device, request.port);
        let pair = self.pairs.at(key, Pair::default);
        if pair.refusals.1 == 0 || request.ts - pair.refusals.0 > SCAN_WITHIN {
            pair.refusals = (request.ts, 0);
        }
        pair.refusals.1 += 1;
        if pair.refusals.1 >= SCAN_REFUSALS {
            let count = Measure::count("refusals in a minute", pair.refusals.1, Some(5), "", Origin::Own);
            raise(&SCAN, request, (Severity::Medium, 80), Some(count), cx);
        }
    }
}

impl Detector for Control {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Dnp3, Kind::Iec104, Kind::Modbus, Kind::S7comm]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Some(request) = request(row) {
            return self.request(&request, cx);
        }
        if let Row::Modbus(r) = row
            && matches!(r.exception, "ILLEGAL_FUNCTION" | "ILLEGAL_DATA_ADDRESS")
        {
            let request = Request {
                ts: r.ts,
                uid: r.uid,
                master: r.orig,
                device: r.resp,
                port: r.resp_port,
                function: r.func,
                unit: r.unit,
                deed: Deed::Read,
            };
            self.refused(&request, cx);
        }
    }

    fn held_len(&self) -> usize {
        let lists = self.pairs.iter().map(|(_, p)| p.functions.capacity() * 8 + p.units.capacity() * 16);
        self.pairs.held_len() + self.devices.held_len() + lists.sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.pairs.forgotten() + self.devices.forgotten()
    }
}

#[cfg(test)]
mod tests;
