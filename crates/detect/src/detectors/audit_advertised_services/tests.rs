use super::MAX_ANNOUNCED;
use crate::testing::{Cell, Line, addr, judge, line, of};
use sekisho_finding::{Finding, Severity};

const DEVICE: &str = "192.168.1.5";
const ROUTER: &str = "192.168.1.1";

fn announced(host: &str, service: &str, more: &[(&'static str, Cell)]) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(100.0)),
        ("uid", Cell::Uid(1)),
        ("host", Cell::Addr(addr(host))),
        ("service", Cell::Text(service.into())),
        ("instance", Cell::Text("box".into())),
        ("packet", Cell::Count(7)),
    ];
    columns.extend(more.iter().cloned());
    line("announcement", 7, &columns)
}

fn mapping(status: Option<u64>) -> Line {
    let mut columns = vec![
        ("ts", Cell::Time(100.0)),
        ("uid", Cell::Uid(2)),
        ("id.orig_h", Cell::Addr(addr(DEVICE))),
        ("id.resp_h", Cell::Addr(addr(ROUTER))),
        ("external_port", Cell::Count(8022)),
        ("protocol", Cell::Text("TCP".into())),
        ("internal_host", Cell::Text(DEVICE.into())),
        ("internal_port", Cell::Count(22)),
        ("description", Cell::Text("camera".into())),
        ("packet", Cell::Count(9)),
    ];
    columns.extend(status.map(|s| ("status", Cell::Count(s))));
    line("port_mapping", 9, &columns)
}

fn came(client: &str, port: u16) -> Line {
    let columns = [
        ("ts", Cell::Time(120.0)),
        ("uid", Cell::Uid(3)),
        ("id.orig_h", Cell::Addr(addr(client))),
        ("id.resp_h", Cell::Addr(addr(DEVICE))),
        ("id.resp_p", Cell::Port(port)),
        ("orig_bytes", Cell::Count(10)),
        ("resp_bytes", Cell::Count(10)),
    ];
    line("conn", 11, &columns)
}

fn ssdp(method: &'static str, target: &str, port: u16) -> Line {
    let columns = [
        ("ts", Cell::Time(100.0)),
        ("uid", Cell::Uid(4)),
        ("id.orig_h", Cell::Addr(addr(ROUTER))),
        ("id.resp_h", Cell::Addr(addr(DEVICE))),
        ("id.resp_p", Cell::Port(port)),
        ("method", Cell::Word(method)),
        ("target", Cell::Text(target.into())),
        ("server", Cell::Text("Linux UPnP/1.0".into())),
    ];
    line("ssdp", 3, &columns)
}

fn found(lines: &[Line]) -> Vec<Finding> {
    of(&judge(lines), "audit-advertised-services")
}

fn brief(lines: &[Line]) -> Vec<(String, Severity)> {
    found(lines).iter().map(|f| (f.code(), f.severity)).collect()
}

fn told(reason: &str, severity: Severity) -> (String, Severity) {
    (format!("audit-advertised-services/{reason}"), severity)
}

const INVENTORY: (&str, Severity) = ("new-service", Severity::Info);

fn inventory() -> (String, Severity) {
    told(INVENTORY.0, INVENTORY.1)
}

#[test]
fn the_inventory_of_a_device() {
    let all = found(&[
        announced(DEVICE, "_ipp._tcp", &[("port", Cell::Count(631))]),
        announced(DEVICE, "_http._tcp", &[]),
        announced(DEVICE, "_http._tcp", &[]),
        ssdp("NOTIFY", "urn:schemas-upnp-org:device:InternetGatewayDevice:1", 1900),
        ssdp("NOTIFY", "upnp:rootdevice", 1900),
    ]);
    let [router, device] = &all[..] else { panic!("{all:?}") };
    assert_eq!((device.code(), device.severity, device.count), (inventory().0, Severity::Info, 3));
    assert_eq!(device.quotes[0].text, "_http._tcp _ipp._tcp");
    assert_eq!((router.subject, router.quotes[0].text.as_str()), (addr(ROUTER), "device:InternetGatewayDevice:1"));
}

#[test]
fn services_that_give_much_and_say_much() {
    let bridge = announced(DEVICE, "_adb._tcp", &[("port", Cell::Count(5555))]);
    assert_eq!(brief(&[bridge]), [told("risky", Severity::Low), inventory()]);
    let text = ("text", Cell::Text("Model=x SN=1234 user=".into()));
    let all = found(&[announced(DEVICE, "_ipp._tcp", &[text])]);
    let leak = all.iter().find(|f| f.reason.code == "leak").unwrap();
    assert_eq!(leak.quotes[1].text, "sn", "the key, not the number");
    assert!(leak.quotes.iter().all(|q| !q.text.contains("1234")));
}

#[test]
fn a_port_that_a_router_lets_in() {
    let all = found(&[mapping(Some(200)), mapping(Some(200))]);
    let [finding] = &all[..] else { panic!("{all:?}") };
    assert_eq!((finding.code().as_str(), finding.severity), ("audit-advertised-services/risky/used", Severity::Medium));
    assert_eq!((finding.subject, finding.key.as_str()), (addr(DEVICE), "port 8022 of 192.168.1.1"));
    assert_eq!(finding.quotes[0].text, "port 8022 TCP to 192.168.1.5 port 22: camera");
    // Refused; no answer seen, until one is.
    assert_eq!(brief(&[mapping(Some(500))]), []);
    assert_eq!(brief(&[mapping(None)]), [told("risky", Severity::Low)]);
    assert_eq!(brief(&[mapping(None), mapping(Some(200))]), [told("risky/used", Severity::Medium)]);
}

#[test]
fn an_announced_port_that_somebody_outside_reached() {
    let service = || announced(DEVICE, "_http._tcp", &[("port", Cell::Count(80))]);
    assert_eq!(brief(&[service(), came("203.0.113.9", 80)]), [told("reachable", Severity::Low), inventory()]);
    assert_eq!(brief(&[service(), came("203.0.113.9", 81)]), [inventory()], "another port");
    assert_eq!(brief(&[service(), came("192.168.1.9", 80)]), [inventory()], "a neighbour");
}

#[test]
fn ordinary() {
    // Searches, farewells, hosts that are not at home.
    let lines = [
        ssdp("M-SEARCH", "urn:schemas-upnp-org:device:MediaServer:1", 1900),
        announced("203.0.113.9", "_ipp._tcp", &[]),
        came("203.0.113.9", 443),
    ];
    assert_eq!(brief(&lines), []);
    let media = ["_googlecast._tcp", "_pdl-datastream._tcp", "_ipp._tcp"].map(|s| announced(DEVICE, s, &[]));
    assert_eq!(brief(&media), [inventory()]);
}

#[test]
fn a_flood_of_announcements_is_bounded() {
    let lines: Vec<Line> = (0..MAX_ANNOUNCED + 5_000).map(|n| announced(DEVICE, &format!("_{n}._tcp"), &[])).collect();
    let verdict = judge(&lines);
    let spent = verdict.spent.iter().find(|s| s.id == "audit-advertised-services").unwrap();
    assert!(spent.forgotten >= 5_000 && spent.held_len < 16 << 20, "{spent:?}");
    assert_eq!(of(&verdict, "audit-advertised-services").len(), 1);
}
