//! # audit-advertised-services
//! ## How
//! What a device at home announces to its neighbours: services by multicast DNS (names with `_tcp` or `_udp`), devices and
//! services by SSDP (announcements and answers to searches). `new-service` is the inventory: all that it announces, in one finding.
//! `risky`: a service that gives much to whoever comes (a debug bridge, Telnet, FTP, remote desktops, NFS), or a port that a
//! router was asked to let in from outside (UPnP AddPortMapping; `used` if the router agreed). `reachable`: somebody from outside was answered on an
//! announced port. `leak`: the announcement has a serial number, an account or an e-mail address.
//! ## Thresholds
//! None: one announcement.
//! ## State
//! 20,000 announcements, 8,192 ports at which somebody from outside was answered, 4,096 mappings; the least recent forgotten.
//! ## Severity
//! `new-service` and `leak` info 0.9; `risky` and `reachable` low 0.9; a mapping that the router agreed to medium 0.8, one of which no answer was seen low 0.5.
//! ## Benign
//! Printers, television sets and loudspeakers announce themselves so that they can be used. Games and calls ask for ports. Raw
//! printing (port 9100) is announced by nearly every printer and not risky by itself.
//! ## Blind
//! Only what reaches the place of capture: announcements don't cross routers. Not looked at: LLDP, CDP, WS-Discovery,
//! NetBIOS names, DHCP options; mappings by NAT-PMP and PCP. That a service is new, and not only first seen in this
//! capture, takes a baseline.
//! ## References
//! RFC 6762; RFC 6763; UPnP Device Architecture 2.0; UPnP WANIPConnection:1.

use crate::detection::Scope;
use crate::registry::Detector;
use crate::rows::{Announcement, Conn, Kind, PortMapping, Row, Ssdp};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Quality, Reason, Severity, Stage, Traffic, What, vital};
use sekisho_types::{Addr, Timestamp, Uid};
use std::collections::BTreeMap;

static ABOUT: About = About {
    id: "audit-advertised-services",
    title: "what it offers to neighbours",
    means: "This device announces these services on the local network.",
    techniques: &["T1046"],
    stage: Stage::Hygiene,
    reasons: &[
        Reason { code: "new-service", means: "It announces services." },
        Reason {
            code: "risky",
            means: "It announces a service that gives much to whoever comes, or has a port opened.",
        },
        Reason { code: "reachable", means: "Somebody from outside was answered on a port that it announces." },
        Reason { code: "leak", means: "Its announcement says more than it has to: a serial number, an account." },
    ],
    benign: "Printers, media players, games and calls.",
    clears: "The device no longer announces it, or the router no longer lets it in.",
    next: &[
        "See whether the service is used at all.",
        "Switch off what is not needed, and UPnP on the router.",
        "Look for flows from outside to the port.",
    ],
    needs: &[vital(What::Some(Traffic::Announcements)), vital(What::LinkLayer)],
};

static ABOUTS: &[&About] = &[&ABOUT];

const NEW: &Reason = ABOUT.at(0);
const RISKY: &Reason = ABOUT.at(1);
const REACHABLE: &Reason = ABOUT.at(2);
const LEAK: &Reason = ABOUT.at(3);

/// Announcements kept.
const MAX_ANNOUNCED: usize = 20_000;
/// Ports at which somebody from outside was answered.
const MAX_ANSWERED: usize = 8_192;
/// Mappings kept.
const MAX_MAPPINGS: usize = 4_096;
/// Longest name of a service kept.
const MAX_SERVICE_LEN: usize = 64;
/// Longest name of an instance kept.
const MAX_INSTANCE_LEN: usize = 64;
/// Keys of a text kept that leak something.
const MAX_KEYS: usize = 4;

/// Services that give much to whoever comes, and what they are.
const RISKY_SERVICES: &[(&str, &str)] = &[
    ("_adb._tcp", "Android's debug bridge"),
    ("_ftp._tcp", "FTP"),
    ("_nfs._tcp", "NFS"),
    ("_rfb._tcp", "VNC"),
    ("_telnet._tcp", "Telnet"),
    ("_tftp._udp", "TFTP"),
    ("_vnc._tcp", "VNC"),
];

/// Keys of texts, in small letters, whose values are nobody else's business.
const LEAKS: &[&str] =
    &["account", "email", "mail", "owner", "serial", "serialnumber", "sn", "user", "username", "usr"];

/// What a device announces under one name.
#[derive(Default)]
struct Announced {
    first: Timestamp,
    last: Timestamp,
    count: u64,
    uid: Uid,
    packet: u64,
    instance: Box<str>,
    port: Option<u16>,
    leaks: Vec<&'static str>,
}

/// See the module.
pub(crate) struct Advertised {
    announced: Recent<(Addr, Box<str>), Announced>,
    /// Who from outside was answered at a port of a host.
    answered: Recent<(Addr, u16), (Addr, Uid, Timestamp)>,
    /// What a router was asked for, each told once.
    mappings: Recent<(Addr, Addr, Option<u64>), bool>,
}

fn cut(text: &[u8], len: usize) -> Box<str> {
    String::from_utf8_lossy(text.get(..len).unwrap_or(text)).into()
}

impl Advertised {
    pub fn new(scope: &Scope) -> Self {
        Self {
            announced: Recent::of(scope, MAX_ANNOUNCED),
            answered: Recent::of(scope, MAX_ANSWERED),
            mappings: Recent::of(scope, MAX_MAPPINGS),
        }
    }

    fn note(&mut self, host: Addr, service: &[u8], ts: Timestamp, uid: Uid, packet: u64) -> &mut Announced {
        let new = || Announced { first: ts, uid, packet, ..Announced::default() };
        let known = self.announced.at((host, cut(service, MAX_SERVICE_LEN)), new);
        known.last = ts;
        known.count += 1;
        known
    }

    fn announcement(&mut self, row: &Announcement<'_>, cx: &Cx<'_>) {
        if !cx.hosts().is_internal(row.host) {
            return;
        }
        let known = self.note(row.host, row.service, row.ts, row.uid, row.packet);
        if known.instance.is_empty() && !row.instance.is_empty() {
            known.instance = cut(row.instance, MAX_INSTANCE_LEN);
        }
        known.port = known.port.or(row.port.and_then(|p| u16::try_from(p).ok()));
        for pair in row.text.split(|b| *b == b' ') {
            let mut halves = pair.splitn(2, |b| *b == b'=');
            let (key, value) = (halves.next().unwrap_or(&[]), halves.next().unwrap_or(&[]));
            let leak = LEAKS.iter().find(|l| key.eq_ignore_ascii_case(l.as_bytes()) && !value.is_empty());
            if let Some(leak) = leak.filter(|l| !known.leaks.contains(l) && known.leaks.len() < MAX_KEYS) {
                known.leaks.push(leak);
            }
        }
    }

    fn ssdp(&mut self, row: &Ssdp<'_>, cx: &Cx<'_>) {
        let host = match row.method {
            "NOTIFY" if row.notification != b"ssdp:byebye" => row.orig,
            // An answer to a search that went to the device itself, or else to all.
            "response" if row.resp_port == 1900 => row.resp,
            "response" => row.orig,
            _ => return,
        };
        let Some(service) = row.target.strip_prefix(b"urn:") else { return };
        if cx.hosts().is_internal(host) {
            let service = service.strip_prefix(b"schemas-upnp-org:").unwrap_or(service);
            let known = self.note(host, service, row.ts, row.uid, cx.packet);
            if known.instance.is_empty() {
                known.instance = cut(row.server, MAX_INSTANCE_LEN);
            }
        }
    }

    fn mapping(&mut self, row: &PortMapping<'_>, cx: &mut Cx<'_>) {
        let agreed = row.status.map(|s| (200..300).contains(&s));
        if agreed == Some(false) {
            return;
        }
        // A request is repeated as long as the mapping is wanted.
        let told = self.mappings.at((row.orig, row.resp, row.external_port), || false);
        if std::mem::replace(told, agreed == Some(true)) {
            return;
        }
        let outside = row.external_port.map_or("a port".to_owned(), |p| format!("port {p}"));
        let (severity, confidence) = if agreed.is_some() { (Severity::Medium, 80) } else { (Severity::Low, 50) };
        let words = format!(
            "{outside} {} to {} port {}: {}",
            String::from_utf8_lossy(row.protocol),
            String::from_utf8_lossy(row.internal_host),
            row.internal_port.unwrap_or(0),
            String::from_utf8_lossy(row.description)
        );
        let mut raise = Raise::new(&ABOUT, RISKY, row.orig, severity, Confidence::percent(confidence))
            .key(format!("{outside} of {}", row.resp))
            .technique("T1090")
            .peer(row.resp)
            .at(row.ts)
            .flow(row.uid)
            .packet(row.packet)
            .quote("asked to let in", words.as_bytes(), row.packet)
            .benign("games and calls ask for ports", "what it is for stands in the device's own words");
        let inside = std::str::from_utf8(row.internal_host).ok().and_then(|h| h.parse().ok());
        if let Some(inside) = inside.filter(|host| *host != row.orig) {
            raise = raise.peer(inside);
        }
        cx.raise(match agreed {
            Some(_) => raise.confirmed("used"),
            None => raise.quality(Quality::OneSided),
        });
    }

    fn conn(&mut self, row: &Conn<'_>, cx: &Cx<'_>) {
        let from_outside = cx.hosts().is_internal(row.resp) && !cx.hosts().is_internal(row.orig);
        if from_outside && row.resp_bytes > 0 && row.orig_bytes > 0 {
            self.answered.at((row.resp, row.resp_port), || (row.orig, row.uid, row.ts));
        }
    }
}

/// The finding about a service of a device.
fn of_service(reason: &'static Reason, host: Addr, service: &str, known: &Announced, severity: Severity) -> Raise {
    let port = known.port.map_or(String::new(), |p| format!(", port {p}"));
    let words = format!("{service} {}{port}", known.instance);
    Raise::new(&ABOUT, reason, host, severity, Confidence::percent(90))
        .key(service)
        .between(known.first, known.last)
        .times(known.count)
        .flow(known.uid)
        .packet(known.packet)
        .quote("announced", words.as_bytes(), known.packet)
}

impl Detector for Advertised {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Announcement, Kind::Conn, Kind::PortMapping, Kind::Ssdp]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Announcement(row) => self.announcement(row, cx),
            Row::Conn(row) => self.conn(row, cx),
            Row::PortMapping(row) => self.mapping(row, cx),
            Row::Ssdp(row) => self.ssdp(row, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut devices: BTreeMap<Addr, BTreeMap<&str, &Announced>> = BTreeMap::new();
        for ((host, service), known) in self.announced.iter() {
            devices.entry(*host).or_default().insert(service, known);
        }
        for (host, services) in devices {
            let (first, last) = (services.values().map(|a| a.first).min(), services.values().map(|a| a.last).max());
            let count = u64::try_from(services.len()).unwrap_or(u64::MAX);
            let names: Vec<&str> = services.keys().copied().collect();
            let mut inventory = Raise::new(&ABOUT, NEW, host, Severity::Info, Confidence::percent(90))
                .between(first.unwrap_or_default(), last.unwrap_or_default())
                .times(services.values().map(|a| a.count).sum())
                .measure(Measure::count("services", count, None, "", Origin::Own))
                .quote("announced", names.join(" ").as_bytes(), 0);
            for (service, known) in services {
                inventory = inventory.flow(known.uid).packet(known.packet);
                if let Some((_, what)) = RISKY_SERVICES.iter().find(|r| r.0.eq_ignore_ascii_case(service)) {
                    let raise = of_service(RISKY, host, service, known, Severity::Low);
                    cx.raise(raise.quote("which is", what.as_bytes(), 0));
                }
                if let Some((client, uid, ts)) = known.port.and_then(|port| self.answered.peek(&(host, port))) {
                    let raise = of_service(REACHABLE, host, service, known, Severity::Low);
                    let (from, to) = (known.first.min(*ts), known.last.max(*ts));
                    cx.raise(raise.peer(*client).flow(*uid).between(from, to));
                }
                if !known.leaks.is_empty() {
                    // Which keys, not what they say: the packet has it.
                    let raise = of_service(LEAK, host, service, known, Severity::Info);
                    cx.raise(raise.quote("keys", known.leaks.join(" ").as_bytes(), known.packet));
                }
            }
            cx.raise(inventory);
        }
    }

    fn held_len(&self) -> usize {
        let texts = self.announced.iter().map(|((_, service), a)| service.len() + a.instance.len());
        self.announced.held_len() + self.answered.held_len() + self.mappings.held_len() + texts.sum::<usize>()
    }

    fn forgotten(&self) -> u64 {
        self.announced.forgotten() + self.answered.forgotten() + self.mappings.forgotten()
    }
}

#[cfg(test)]
mod tests;
