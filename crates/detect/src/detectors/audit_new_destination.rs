//! # audit-new-destination
//! ## How
//! For each device at home the places that it contacts (domain, or small network where no name is known). After 14 days of the same device in the capture, a place that it
//! never contacted before is new. A device that has few new places in a week does one thing: each new place is told, with a score: 1, and 1 each if nobody at home
//! contacted it before, if no name was asked for, if nobody knew it for more than 7 days, if the device is a server. Of others, such as
//! people's computers, new places are counted: a day with far more than usual is told. `new-service-port`: a device that does one thing uses a
//! port that it never used.
//! ## Thresholds
//! 14 days, on seven of which the device was seen (Sekisho's own choice: recordings of some minutes, months apart and put together, made
//! 39 places new that nobody could know to be); fewer than 3 new places in the median week; score 3. For others more new places in a day than the median by 6 median absolute deviations,
//! and 50 at least (Sekisho's own choice).
//! ## State
//! 32,768 places by device, 16,384 of the network, 16,384 ports by device, 8,192 devices; the least recent forgotten.
//! ## Severity
//! Score 3 or more medium 0.6, below `info` 0.6; if others at home contacted the same place within a day, which is how updates look, `info`.
//! `new-service-port` and counts info 0.6.
//! ## Benign
//! Updates, which all devices of a kind fetch within a day; new programs; content networks that change names.
//! ## Blind
//! Captures of less than 14 days: nothing is said. Names of encrypted DNS, where a place is only a network. Whether a name's ending is rare. What
//! a capture before this one had, unless `--state` tells.
//! ## References
//! RFC 8520 (manufacturer usage descriptions); RITA first seen.

use crate::detection::Scope;
use crate::history::{self, Carrier};
use crate::hosts::Role;
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, vital};
use sekisho_types::{Addr, Day, Interval, Timestamp, Uid};
use std::collections::BTreeMap;

static ABOUT: About = About {
    id: "audit-new-destination",
    title: "new contact",
    means: "This device contacted a place that it never used before.",
    techniques: &["T1071"],
    stage: Stage::C2,
    reasons: &[
        Reason {
            code: "new-for-device",
            means: "It contacted a place that it never contacted, though others here did.",
        },
        Reason { code: "new-for-network", means: "It contacted a place that nobody here ever contacted." },
        Reason { code: "new-service-port", means: "It uses a port that it never used." },
    ],
    benign: "Updates, new programs, content networks that change names.",
    clears: "No further contact; or the place is one that the device uses.",
    next: &[
        "See which name led there, and who runs it.",
        "See whether devices of the same kind go there.",
        "See what went over the flows named here.",
    ],
    needs: &[vital(What::Some(Traffic::Any)), vital(What::Days(14))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const NEW_DEVICE: &Reason = ABOUT.at(0);
const NEW_NETWORK: &Reason = ABOUT.at(1);
const NEW_PORT: &Reason = ABOUT.at(2);

const MAX_PLACES: usize = 32_768;
const MAX_OF_NETWORK: usize = 16_384;
const MAX_PORTS: usize = 16_384;
const MAX_DEVICES: usize = 8_192;
/// How long a device has to be known before anything is new.
const BASELINE: Interval = Interval::from_secs(14 * 86_400);
/// Days of these first 14 on which it has to have been seen: of recordings with long breaks between them nothing is usual.
const BASELINE_DAYS: u32 = 7;
/// New places in the median week from which on a device does many things.
const FEW: u64 = 3;
/// Score from which on it is more than a fact.
const SCORE: u64 = 3;
/// New places in a day of a device that does many things.
const MANY: u64 = 50;
/// How far above the median, in median absolute deviations.
const DEVIATIONS: u64 = 6;
/// Devices that contact one place within [`TOGETHER`] of each other fetch an update.
const TOGETHER: Interval = Interval::from_secs(86_400);

/// Contacts of a device with a place, or through a port.
#[derive(Default)]
struct Contact {
    /// Empty where a port counts.
    place: Box<str>,
    /// Of the place.
    digest: u64,
    /// Unless it was first contacted in an earlier run, it is told in this one.
    seen: history::Seen,
    count: u64,
    len: u64,
    named: bool,
    peer: Addr,
    uid: Uid,
    packet: u64,
}

/// When a device was seen.
struct Seen {
    first: Timestamp,
    last: Timestamp,
    /// A bit for each of the first 16 days.
    days: u16,
}

impl Seen {
    fn again(&mut self, ts: Timestamp) {
        let after = Day::of(ts).0 - Day::of(self.first).0;
        if after < 0 {
            self.days = u32::try_from(-after).ok().and_then(|n| self.days.checked_shl(n)).unwrap_or(0) | 1;
        } else if let Ok(n @ 0..16) = u32::try_from(after) {
            self.days |= 1 << n;
        }
        (self.first, self.last) = (self.first.min(ts), self.last.max(ts));
    }

    /// Is it known long and often enough that something can be new?
    fn is_known(&self) -> bool {
        self.last - self.first > BASELINE && (self.days & 0x3fff).count_ones() >= BASELINE_DAYS
    }
}

/// A place of the network.
#[derive(Default)]
struct Place {
    first: Timestamp,
    last: Timestamp,
    /// The first devices, and when each came first.
    devices: Vec<(Addr, Timestamp)>,
}

/// Devices of a place told apart.
const MAX_TOLD_APART: usize = 8;

/// See the module.
pub(crate) struct NewDestination {
    devices: Recent<Addr, Seen>,
    /// By device and the digest of the place.
    places: Recent<(Addr, u64), Contact>,
    network: Recent<u64, Place>,
    ports: Recent<(Addr, u16), Contact>,
}

impl NewDestination {
    pub fn new(scope: &Scope) -> Self {
        Self {
            devices: Recent::of(scope, MAX_DEVICES),
            places: Recent::of(scope, MAX_PLACES),
            network: Recent::of(scope, MAX_OF_NETWORK),
            ports: Recent::of(scope, MAX_PORTS),
        }
    }

    fn conn(&mut self, row: &Conn<'_>, cx: &Cx<'_>) {
        let outward = cx.hosts().is_internal(row.orig) && !cx.hosts().is_internal(row.resp);
        if !outward || row.resp.is_multicast() || row.orig_pkts == 0 || row.resp_pkts == 0 {
            return;
        }
        self.devices.at(row.orig, || Seen { first: row.ts, last: row.ts, days: 0 }).again(row.ts);
        let (place, digest) = cx.destination(row.resp);
        let is_named = place.is_named();
        let new = |place: Box<str>| Contact { place, digest, named: is_named, ..Contact::default() };
        let of_network = self.network.at(digest, || Place { first: row.ts, last: row.ts, devices: Vec::new() });
        (of_network.first, of_network.last) = (of_network.first.min(row.ts), of_network.last.max(row.ts));
        if let Some(device) = of_network.devices.iter_mut().find(|d| d.0 == row.orig) {
            device.1 = device.1.min(row.ts);
        } else if of_network.devices.len() < MAX_TOLD_APART {
            of_network.devices.push((row.orig, row.ts));
        }
        self.places.at((row.orig, digest), || new(place.to_string().into())).again(row, cx.packet);
        if row.proto != "icmp" {
            self.ports.at((row.orig, row.resp_port), || new(Box::default())).again(row, cx.packet);
        }
    }
}

impl Contact {
    fn first(&self) -> Timestamp {
        self.seen.span().0
    }

    fn again(&mut self, row: &Conn<'_>, packet: u64) {
        self.seen.again(row.ts, BASELINE);
        if self.count == 0 {
            (self.peer, self.uid, self.packet) = (row.resp, row.uid, packet);
        }
        self.count += 1;
        self.len += row.orig_bytes + row.resp_bytes;
    }

    fn raise(&self, reason: &'static Reason, device: Addr, key: &str, severity: Severity) -> Raise {
        let (first, last) = self.seen.here();
        Raise::new(&ABOUT, reason, device, severity, Confidence::percent(60))
            .key(key)
            .peer(self.peer)
            .between(first, last)
            .times(self.count)
            .flow(self.uid)
            .packet(self.packet)
            .measure(Measure::count("bytes both ways", self.len, None, "bytes", Origin::Own))
    }
}

impl Detector for NewDestination {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::Conn(row) = row {
            self.conn(row, cx);
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut of_device: BTreeMap<Addr, Vec<(&str, &Contact)>> = BTreeMap::new();
        for ((device, _), contact) in self.places.iter() {
            of_device.entry(*device).or_default().push((&contact.place, contact));
        }
        let mut ports_of: BTreeMap<Addr, Vec<(u16, &Contact)>> = BTreeMap::new();
        for ((device, port), contact) in self.ports.iter() {
            ports_of.entry(*device).or_default().push((*port, contact));
        }
        for (device, mut places) in of_device {
            let Some(Seen { first: since, last: until, .. }) = self.devices.peek(&device).filter(|s| s.is_known())
            else {
                continue;
            };
            places.sort_unstable_by_key(|(place, contact)| (contact.first(), *place));
            if median(&mut per(&places, *since, *until, 7)) >= FEW {
                crowd(device, &places, *since, *until, cx);
                continue;
            }
            let is_new = |contact: &Contact| contact.seen.began_here() && contact.first() - *since >= BASELINE;
            for (place, contact) in places.iter().filter(|(_, contact)| is_new(contact)) {
                self.place(device, place, contact, cx);
            }
            let mut ports = ports_of.remove(&device).unwrap_or_default();
            ports.sort_unstable_by_key(|(port, _)| *port);
            for (port, contact) in ports.into_iter().filter(|(_, contact)| is_new(contact)) {
                cx.raise(contact.raise(NEW_PORT, device, &format!("port {port}"), Severity::Info));
            }
        }
    }

    fn carry(&mut self, carrier: &mut Carrier<'_>) {
        let row =
            |device: &Addr, seen: &Seen| Some((seen.last, (device.to_string(), seen.first.0, seen.last.0, seen.days)));
        let entry = |(device, first, last, days): (String, i64, i64, u16)| {
            Some((device.parse().ok()?, Seen { first: Timestamp(first), last: Timestamp(last), days }))
        };
        carrier.table(("contact-devices", 1), &mut self.devices, row, entry);
        let row = |(device, digest): &(Addr, u64), contact: &Contact| {
            let (first, last) = contact.seen.span();
            Some((last, (device.to_string(), *digest, contact.place.to_string(), contact.named, first.0, last.0)))
        };
        let entry = |(device, digest, place, named, first, last): (String, u64, String, bool, i64, i64)| {
            let seen = history::Seen::carried(first, last);
            Some((
                (device.parse().ok()?, digest),
                Contact { place: place.into(), digest, seen, named, ..Contact::default() },
            ))
        };
        carrier.table(("contact-places", 1), &mut self.places, row, entry);
        let row = |digest: &u64, place: &Place| {
            let devices = place.devices.iter().map(|(device, first)| (device.to_string(), first.0));
            Some((place.last, (*digest, place.first.0, place.last.0, devices.collect::<Vec<_>>())))
        };
        let entry = |(digest, first, last, devices): (u64, i64, i64, Vec<(String, i64)>)| {
            let devices = devices.into_iter().take(MAX_TOLD_APART);
            let devices = devices.map(|(device, first)| Some((device.parse().ok()?, Timestamp(first))));
            let devices = devices.collect::<Option<_>>()?;
            Some((digest, Place { first: Timestamp(first), last: Timestamp(last), devices }))
        };
        carrier.table(("contact-network", 1), &mut self.network, row, entry);
        let row = |(device, port): &(Addr, u16), contact: &Contact| {
            let (first, last) = contact.seen.span();
            Some((last, (device.to_string(), *port, first.0, last.0)))
        };
        let entry = |(device, port, first, last): (String, u16, i64, i64)| {
            let seen = history::Seen::carried(first, last);
            Some(((device.parse().ok()?, port), Contact { seen, ..Contact::default() }))
        };
        carrier.table(("contact-ports", 1), &mut self.ports, row, entry);
    }

    fn held_len(&self) -> usize {
        let names = self.places.iter().map(|(_, contact)| contact.place.len()).sum::<usize>();
        let of_network = self
            .network
            .iter()
            .map(|(_, place)| place.devices.capacity() * size_of::<(Addr, Timestamp)>())
            .sum::<usize>();
        self.devices.held_len()
            + self.places.held_len()
            + self.network.held_len()
            + self.ports.held_len()
            + names
            + of_network
    }

    fn forgotten(&self) -> u64 {
        self.devices.forgotten() + self.places.forgotten() + self.network.forgotten() + self.ports.forgotten()
    }
}

impl NewDestination {
    /// A new place of a device that does one thing.
    fn place(&self, device: Addr, place: &str, contact: &Contact, cx: &mut Cx<'_>) {
        let of_network = self.network.peek(&contact.digest);
        let others = |before: bool| {
            let all = of_network.map_or(&[][..], |p| p.devices.as_slice());
            all.iter()
                .filter(|(other, first)| {
                    let earlier = contact.first() - *first;
                    *other != device && if before { earlier.0 > 0 } else { earlier.0.abs() <= TOGETHER.0 }
                })
                .count()
        };
        let new_here = others(true) == 0;
        let young = of_network.is_none_or(|p| contact.first() - p.first <= Interval::from_secs(7 * 86_400));
        let server = cx.hosts().is(device, Role::Server);
        let score = 1 + [new_here, !contact.named, young, server].into_iter().map(u64::from).sum::<u64>();
        let together = others(false) > 0;
        let severity = if score >= SCORE && !together { Severity::Medium } else { Severity::Info };
        let reason = if new_here { NEW_NETWORK } else { NEW_DEVICE };
        let raise = contact.raise(reason, device, place, severity).measure(Measure::count(
            "score",
            score,
            Some(SCORE),
            "",
            Origin::Own,
        ));
        cx.raise(if together {
            raise.benign("an update", "others at home contacted the same place within a day")
        } else {
            raise.benign("an update", "nobody else at home contacted the place within a day")
        });
    }
}

/// New places in each span of `days` from the first contact on, the last one if it is whole.
fn per(places: &[(&str, &Contact)], since: Timestamp, until: Timestamp, days: i64) -> Vec<u64> {
    let span = |ts: Timestamp| usize::try_from((Day::of(ts).0 - Day::of(since).0) / days).unwrap_or(0);
    let mut counts = vec![0u64; span(until).max(1)];
    for (_, contact) in places {
        if let Some(count) = counts.get_mut(span(contact.first())) {
            *count += 1;
        }
    }
    counts
}

fn median(counts: &mut [u64]) -> u64 {
    counts.sort_unstable();
    let at = |i: usize| counts.get(i).copied().unwrap_or(0);
    (at(counts.len().saturating_sub(1) / 2) + at(counts.len() / 2)) / 2
}

/// Days after the first two weeks on which a device that does many things has far more new places than usual.
fn crowd(device: Addr, places: &[(&str, &Contact)], since: Timestamp, until: Timestamp, cx: &mut Cx<'_>) {
    let counts = per(places, since, until, 1);
    let usual = median(&mut counts.clone());
    let spread = median(&mut counts.iter().map(|c| c.abs_diff(usual)).collect::<Vec<_>>());
    let limit = (usual + DEVIATIONS * spread).max(MANY);
    let first = Day::of(since);
    for (count, day) in counts.iter().zip(first.0..).filter(|(count, day)| **count > limit && *day - first.0 >= 14) {
        let of_day = places.iter().filter(|(_, contact)| Day::of(contact.first()) == Day(day));
        if !of_day.clone().any(|(_, contact)| contact.seen.began_here()) {
            continue;
        }
        let mut raise = Raise::new(&ABOUT, NEW_DEVICE, device, Severity::Info, Confidence::percent(60))
            .key(Day(day).to_string())
            .at(Day(day).start())
            .times(*count)
            .measure(Measure::count("new places in a day", *count, Some(limit), "", Origin::Own));
        let names: Vec<&str> = of_day.clone().take(16).map(|(place, _)| *place).collect();
        for (_, contact) in of_day.filter(|(_, contact)| contact.seen.began_here()) {
            raise = raise.peer(contact.peer).flow(contact.uid).packet(contact.packet);
        }
        cx.raise(raise.quote("some of them", names.join(" ").as_bytes(), 0));
    }
}

#[cfg(test)]
mod tests;
