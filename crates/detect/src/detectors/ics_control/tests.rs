use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

const MASTER: &str = "10.0.0.5";
const OTHER: &str = "10.0.0.66";

fn modbus(at: f64, master: &str, func: &str, unit: u64, exception: &str) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(at)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr(master))),
        ("id.resp_h", Cell::Addr(addr("10.0.0.9"))),
        ("id.resp_p", Cell::Port(502)),
        ("func", Cell::Text(func.into())),
        ("unit", Cell::Count(unit)),
        ("pdu_type", Cell::Word(if exception.is_empty() { "REQ" } else { "RESP" })),
    ];
    if !exception.is_empty() {
        columns.push(("exception", Cell::Text(exception.into())));
    }
    line("modbus", 7, &columns)
}

/// A master that reads every 15 seconds, for 15 minutes.
fn learnt(func: &str) -> Vec<Line> {
    (0..60).map(|i| modbus(f64::from(i) * 15.0, MASTER, func, 1, "")).collect()
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "ics-unexpected-control")
}

fn shown(lines: &[Line]) -> Vec<(&'static str, Severity)> {
    let mut all: Vec<_> = found(lines).iter().map(|f| (f.reason.code, f.severity)).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_new_master_writes() {
    let mut lines = learnt("READ_COILS");
    lines.push(modbus(1000.0, OTHER, "WRITE_SINGLE_COIL", 1, ""));
    assert_eq!(shown(&lines), [("new-master", Severity::High), ("write", Severity::Critical)]);
    let found = found(&lines);
    let write = found.iter().find(|f| f.reason.code == "write").unwrap();
    assert_eq!((write.subject, write.key.as_str()), (addr("10.0.0.9"), "10.0.0.66 port 502"));
    assert_eq!(write.confidence.thousandths(), 850);
    assert_eq!(write.quotes[0].text, "WRITE_SINGLE_COIL");
}

#[test]
fn a_reader_writes_and_a_program_is_loaded() {
    let mut lines = learnt("READ_COILS");
    lines.push(modbus(1000.0, MASTER, "WRITE_SINGLE_COIL", 1, ""));
    assert_eq!(shown(&lines), [("write", Severity::High)]);
    lines.push(modbus(1001.0, MASTER, "READ_FIFO_QUEUE", 1, ""));
    assert_eq!(shown(&lines), [("new-function", Severity::Low), ("write", Severity::High)]);
    assert_eq!(shown(&[modbus(1.0, MASTER, "PROGRAM_CONCEPT", 1, "")]), [("program", Severity::High)]);
}

#[test]
fn scans() {
    let units = |step: f64| -> Vec<Line> {
        (0..12).map(|i| modbus(f64::from(i) * step, OTHER, "READ_COILS", i as u64, "")).collect()
    };
    assert_eq!(shown(&units(1.0)), [("scan", Severity::Medium)]);
    assert_eq!(shown(&units(30.0)), []);
    let refusals = |count: u32, step: f64| -> Vec<Line> {
        (0..count).map(|i| modbus(f64::from(i) * step, OTHER, "X_EXCEPTION", 1, "ILLEGAL_FUNCTION")).collect()
    };
    assert_eq!(shown(&refusals(5, 1.0)), [("scan", Severity::Medium)]);
    assert_eq!(shown(&refusals(4, 1.0)), []);
    assert_eq!(shown(&refusals(9, 20.0)), []);
}

#[test]
fn ordinary() {
    // A master that has always written, one that was not watched for long, and identification.
    let mut lines = learnt("WRITE_SINGLE_COIL");
    lines.push(modbus(1000.0, MASTER, "WRITE_SINGLE_COIL", 1, ""));
    assert_eq!(shown(&lines), []);
    let short = [modbus(1.0, MASTER, "READ_COILS", 1, ""), modbus(2.0, OTHER, "WRITE_SINGLE_COIL", 1, "")];
    assert_eq!(shown(&short), []);
    assert_eq!(shown(&[modbus(1.0, MASTER, "ENCAP_INTERFACE_TRANSPORT", 1, "")]), []);
}
