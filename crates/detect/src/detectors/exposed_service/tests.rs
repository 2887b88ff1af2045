use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

const OUTSIDE: &str = "203.0.113.9";
const SERVER: &str = "10.30.0.40";

fn row(log: &'static str, client: &str, port: u16, more: &[(&'static str, Cell)]) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(100.0)),
        ("uid", Cell::Uid(1)),
        ("id.orig_h", Cell::Addr(addr(client))),
        ("id.resp_h", Cell::Addr(addr(SERVER))),
        ("id.resp_p", Cell::Port(port)),
    ];
    columns.extend(more.iter().cloned());
    line(log, 7, &columns)
}

fn used(client: &str, service: &'static str, answer: &'static str) -> Line {
    row(
        "service_use",
        client,
        6379,
        &[
            ("service", Cell::Word(service)),
            ("answer", Cell::Word(answer)),
            ("request", Cell::Text("GET a".into())),
            ("response", Cell::Text("b".into())),
            ("packet", Cell::Count(5)),
        ],
    )
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "exposed-service")
}

fn codes(lines: &[Line]) -> Vec<String> {
    found(lines).iter().map(Finding::code).collect()
}

#[test]
fn a_store_that_answers_outside() {
    let found = found(&[used(OUTSIDE, "mongodb", "open"), used(OUTSIDE, "mongodb", "data")]);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.code(), "exposed-service/mongodb/data");
    assert_eq!((finding.severity, finding.confidence.thousandths()), (Severity::High, 900));
    assert_eq!((finding.subject, finding.key.as_str()), (addr(SERVER), "port 6379"));
    assert_eq!(finding.peers.named(), [addr(OUTSIDE)]);
    assert_eq!(finding.packets.iter().collect::<Vec<_>>(), [5]);
    assert_eq!(finding.quotes[0].text, "GET a");
    let found = super::tests::found(&[used(OUTSIDE, "redis", "open")]);
    assert_eq!((found[0].code().as_str(), found[0].severity), ("exposed-service/redis", Severity::Critical));
}

#[test]
fn nearly() {
    // Refused, after a login, from inside, an unknown service.
    let lines = [
        used(OUTSIDE, "redis", "refused"),
        used(OUTSIDE, "redis", "login"),
        used("10.30.1.11", "redis", "data"),
        used(OUTSIDE, "other", "data"),
    ];
    assert_eq!(codes(&lines).len(), 0);
}

fn text(value: &str) -> Cell {
    Cell::Text(value.into())
}

/// A log, the columns of a row, the code that it gives.
type Case = (&'static str, Vec<(&'static str, Cell)>, &'static str);

#[test]
fn services_told_by_logs() {
    let cases: [Case; 12] = [
        (
            "memcached",
            vec![("command", text("stats")), ("success", Cell::Flag(true)), ("item_count", Cell::Count(9))],
            "memcached/data",
        ),
        ("kafka", vec![("api", text("Metadata")), ("response_len", Cell::Count(99))], "kafka"),
        ("mqtt_connect", vec![("connect_status", text("Connection Accepted"))], "mqtt"),
        ("rfb", vec![("authentication_method", text("None")), ("auth", Cell::Flag(true))], "vnc/data"),
        ("rtsp", vec![("method", text("DESCRIBE")), ("status_code", Cell::Count(200))], "rtsp/data"),
        (
            "snmp",
            vec![("version", text("2c")), ("community", text("public")), ("get_responses", Cell::Count(2))],
            "snmp/data",
        ),
        ("modbus", vec![("func", text("READ_COILS")), ("pdu_type", Cell::Word("RESP"))], "modbus"),
        ("dnp3", vec![("fc_request", text("OPERATE")), ("fc_reply", text("RESPONSE"))], "dnp3/data"),
        ("s7comm", vec![("func", text("READ")), ("success", Cell::Flag(true))], "s7comm/data"),
        ("bacnet", vec![("is_orig", Cell::Flag(false)), ("service", text("read-property"))], "bacnet/data"),
        ("enip", vec![("is_orig", Cell::Flag(false)), ("command", text("ListIdentity"))], "enip/data"),
        ("iec104", vec![("is_orig", Cell::Flag(false)), ("type_id", Cell::Count(1))], "iec104/data"),
    ];
    for (log, columns, code) in &cases {
        assert_eq!(codes(&[row(log, OUTSIDE, 1, columns)]), [format!("exposed-service/{code}")], "{log}");
        assert_eq!(codes(&[row(log, "192.168.0.9", 1, columns)]).len(), 0, "{log} from inside");
    }
}

#[test]
fn protected_services_told_by_logs() {
    let cases: [(&'static str, Vec<(&'static str, Cell)>); 9] = [
        ("memcached", vec![("command", text("stats"))]),
        ("kafka", vec![("api", text("Metadata")), ("response_len", Cell::Count(9)), ("user", text("ada"))]),
        ("mqtt_connect", vec![("connect_status", text("Connection Accepted")), ("user", text("ada"))]),
        ("mqtt_connect", vec![("connect_status", text("Refused: not authorized"))]),
        ("rfb", vec![("authentication_method", text("VNC")), ("auth", Cell::Flag(true))]),
        ("rtsp", vec![("method", text("DESCRIBE")), ("status_code", Cell::Count(401))]),
        ("snmp", vec![("version", text("3")), ("get_responses", Cell::Count(2))]),
        ("modbus", vec![("func", text("READ_COILS")), ("pdu_type", Cell::Word("RESP")), ("exception", text("X"))]),
        ("modbus", vec![("func", text("READ_COILS")), ("pdu_type", Cell::Word("REQ"))]),
    ];
    for (log, columns) in &cases {
        assert_eq!(codes(&[row(log, OUTSIDE, 1, columns)]).len(), 0, "{log}");
    }
}

#[test]
fn directories() {
    let searched =
        |base: &str| row("ldap_search", OUTSIDE, 389, &[("base_object", text(base)), ("result_count", Cell::Count(3))]);
    let bound = |argument: &str| {
        let columns = [("opcode", text("bind simple")), ("result", text("success")), ("argument", text(argument))];
        row("ldap", OUTSIDE, 389, &columns)
    };
    assert_eq!(codes(&[bound(""), searched("dc=example")]), ["exposed-service/ldap/data"]);
    assert_eq!(codes(&[bound("REDACTED"), searched("dc=example")]).len(), 0);
    assert_eq!(codes(&[searched("")]).len(), 0);
}
