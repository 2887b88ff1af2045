//! # audit-geo-asn
//! ## How
//! With `--geoip` each flow of a device at home gets the country and the network operator (autonomous system) of its other end.
//! `new-country` and `new-asn`: after the device has been seen for 14 days, it sends to or gets from a country or an operator that it never
//! used in that time. A new country under an operator that the device knows already is none: content networks
//! move. `watched`: it contacts a country or operator named with `--watch`; `inbound-watched`: somebody from there came and was
//! answered.
//! ## Thresholds
//! 14 days of the same device in the capture; 10 kB to the country or operator (Sekisho's own choice).
//! ## State
//! 32,768 countries and as many operators by device, 8,192 devices; the least recent forgotten.
//! ## Severity
//! `new-country` and `new-asn` info 0.7; `watched` and `inbound-watched` medium 0.7. A file made more than 60 days before the
//! packets, or after them, tells less: times 0.6.
//! ## Benign
//! Content networks that move, roaming devices, stale files, addresses that are announced in many places at once.
//! ## Blind
//! Without `--geoip`. What is new takes 14 days of packets: in a shorter capture only what is watched is told, unless `--state` tells what was before. Where a proxy or a
//! VPN goes on to.
//! ## References
//! MaxMind DB File Format 2.0; Zeek policy protocols/ssh/geo-data; ISO 3166-1; RFC 6793.

use crate::detection::Scope;
use crate::geo::{Country, Geo, Place, Watched};
use crate::history::{Carrier, Seen};
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Row};
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Reason, Severity, Stage, Traffic, What, useful, vital};
use sekisho_types::{Addr, Day, Interval, Timestamp, Uid};
use std::sync::Arc;

static ABOUT: About = About {
    id: "audit-geo-asn",
    title: "where the traffic goes",
    means: "This device talks to a country or network operator that it never used before, or that is watched.",
    techniques: &["T1071"],
    stage: Stage::C2,
    reasons: &[
        Reason { code: "new-country", means: "It talks to a country that it never used before." },
        Reason { code: "new-asn", means: "It talks to a network operator that it never used before." },
        Reason { code: "watched", means: "It contacted a country or network operator that is watched." },
        Reason { code: "inbound-watched", means: "Somebody from a watched country or operator came and was answered." },
    ],
    benign: "Content networks that move, roaming devices, stale files.",
    clears: "No further contact; or the country is one that the device uses.",
    next: &["See which name led there.", "See what went over the flows named here.", "Check how old the file is."],
    needs: &[vital(What::Given("--geoip")), vital(What::Some(Traffic::Any)), useful(What::Days(14))],
};

static ABOUTS: &[&About] = &[&ABOUT];

const NEW_COUNTRY: &Reason = ABOUT.at(0);
const NEW_ASN: &Reason = ABOUT.at(1);
const WATCHED: &Reason = ABOUT.at(2);
const INBOUND: &Reason = ABOUT.at(3);

/// Countries, and as many operators, by device.
const MAX_USED: usize = 32_768;
/// Devices of which the first flow is known.
const MAX_DEVICES: usize = 8_192;
/// How long a device has to be known before anything is new.
const BASELINE: Interval = Interval::from_secs(14 * 86_400);
/// Bytes from which on a use is one.
const MIN_LEN: u64 = 10_000;
/// Days after which a file says less.
const STALE_DAYS: i64 = 60;

/// What a device sent to and got from a country or operator.
#[derive(Default)]
struct Used {
    seen: Seen,
    len: u64,
    count: u64,
    peer: Addr,
    uid: Uid,
    packet: u64,
    /// The device had used its operator before.
    moved: bool,
}

impl Used {
    /// When it was used, if it was: what is too little to be told leaves it new.
    fn kept(&self) -> Option<(Timestamp, Timestamp)> {
        (self.len >= MIN_LEN || self.seen.is_carried()).then(|| self.seen.span())
    }
}

/// See the module.
pub(crate) struct GeoAsn {
    geo: Arc<Geo>,
    devices: Recent<Addr, (Timestamp, Timestamp)>,
    countries: Recent<(Addr, Country), Used>,
    operators: Recent<(Addr, u32), Used>,
}

impl GeoAsn {
    pub fn new(scope: &Scope) -> Self {
        Self {
            geo: Arc::clone(&scope.geo),
            devices: Recent::of(scope, MAX_DEVICES),
            countries: Recent::of(scope, MAX_USED),
            operators: Recent::of(scope, MAX_USED),
        }
    }

    fn conn(&mut self, row: &Conn<'_>, cx: &mut Cx<'_>) {
        let inside = |addr| cx.hosts().is_internal(addr);
        let (device, peer, inbound) = match (inside(row.orig), inside(row.resp)) {
            (true, false) => (row.orig, row.resp, false),
            (false, true) => (row.resp, row.orig, true),
            _ => return,
        };
        let len = row.orig_bytes + row.resp_bytes;
        if row.orig_bytes == 0 || row.resp_bytes == 0 || peer.is_multicast() {
            return;
        }
        let place = self.geo.place(peer);
        let (first, last) = self.devices.at(device, || (row.ts, row.ts));
        (*first, *last) = ((*first).min(row.ts), (*last).max(row.ts));
        for watched in self.geo.watched.iter().filter(|w| place.is(**w)) {
            let reason = if inbound { INBOUND } else { WATCHED };
            let raise = self.raise(reason, device, &name(*watched), peer, cx.now, (Severity::Medium, 70));
            cx.raise(raise.at(row.ts).flow(row.uid).packet(cx.packet).measure(measure(len, None)));
        }
        self.used(row, device, peer, &place, cx.packet);
    }

    fn used(&mut self, row: &Conn<'_>, device: Addr, peer: Addr, place: &Place, packet: u64) {
        let new = |moved| move || Used { moved, ..Used::default() };
        let known = place.asn.is_some_and(|asn| self.operators.peek(&(device, asn)).is_some());
        let country = place.country.map(|country| self.countries.at((device, country), new(known)));
        let operator = place.asn.map(|asn| self.operators.at((device, asn), new(false)));
        for used in [country, operator].into_iter().flatten() {
            used.seen.again(row.ts, BASELINE);
            if used.count == 0 {
                (used.peer, used.uid, used.packet) = (peer, row.uid, packet);
            }
            used.len += row.orig_bytes + row.resp_bytes;
            used.count += 1;
        }
    }

    fn raise(
        &self,
        reason: &'static Reason,
        device: Addr,
        key: &str,
        peer: Addr,
        now: Timestamp,
        (severity, percent): (Severity, u8),
    ) -> Raise {
        let built = self.geo.built().unwrap_or_default();
        let age = (Day::of(now).0 - built.0).abs();
        let stale = age > STALE_DAYS;
        let confidence = Confidence::percent(percent).times(if stale { 600 } else { 1000 });
        let operator = self.geo.operator(peer).unwrap_or_default();
        let raise = Raise::new(&ABOUT, reason, device, severity, confidence)
            .key(key)
            .peer(peer)
            .quote("address and operator", format!("{peer} {operator}").trim_end().as_bytes(), 0)
            .quote("made on", built.to_string().as_bytes(), 0);
        if stale { raise.benign("addresses move", "the file is more than 60 days off the packets") } else { raise }
    }

    /// A country or operator that the device had not used in its first 14 days.
    fn new_use(&self, reason: &'static Reason, device: Addr, key: &str, used: &Used, cx: &mut Cx<'_>) {
        let Some((since, _)) = self.devices.peek(&device) else { return };
        let (first, last) = used.seen.here();
        if !used.seen.began_here() || first - *since < BASELINE || used.len < MIN_LEN || used.moved {
            return;
        }
        let known = u64::try_from((first - *since).whole_secs() / 86_400).unwrap_or(0);
        let raise = self.raise(reason, device, key, used.peer, last, (Severity::Info, 70));
        cx.raise(
            raise
                .between(first, last)
                .times(used.count)
                .flow(used.uid)
                .packet(used.packet)
                .measure(measure(used.len, Some(MIN_LEN)))
                .measure(Measure::count("device known for", known, Some(14), "days", Origin::Own)),
        );
    }
}

fn measure(len: u64, limit: Option<u64>) -> Measure {
    Measure::count("bytes both ways", len, limit, "bytes", Origin::Own)
}

fn name(watched: Watched) -> String {
    match watched {
        Watched::Country(country) => letters(country),
        Watched::Asn(asn) => format!("AS{asn}"),
    }
}

fn letters(country: Country) -> String {
    String::from_utf8_lossy(&country).into_owned()
}

impl Detector for GeoAsn {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        if let Row::Conn(row) = row
            && !self.geo.is_empty()
        {
            self.conn(row, cx);
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut countries: Vec<_> = self.countries.iter().collect();
        countries.sort_unstable_by_key(|(key, _)| **key);
        for ((device, country), used) in countries {
            self.new_use(NEW_COUNTRY, *device, &letters(*country), used, cx);
        }
        let mut operators: Vec<_> = self.operators.iter().collect();
        operators.sort_unstable_by_key(|(key, _)| **key);
        for ((device, asn), used) in operators {
            self.new_use(NEW_ASN, *device, &format!("AS{asn}"), used, cx);
        }
    }

    fn carry(&mut self, carrier: &mut Carrier<'_>) {
        let row = |device: &Addr, (first, last): &(Timestamp, Timestamp)| {
            Some((*last, (device.to_string(), first.0, last.0)))
        };
        let entry = |(device, first, last): (String, i64, i64)| {
            Some((device.parse().ok()?, (Timestamp(first), Timestamp(last))))
        };
        carrier.table(("geo-devices", 1), &mut self.devices, row, entry);
        let used = |first, last, moved| Used { seen: Seen::carried(first, last), moved, ..Used::default() };
        let row = |(device, country): &(Addr, Country), used: &Used| {
            let (first, last) = used.kept()?;
            Some((last, (device.to_string(), *country, first.0, last.0, used.moved)))
        };
        let entry = |(device, country, first, last, moved): (String, Country, i64, i64, bool)| {
            Some(((device.parse().ok()?, country), used(first, last, moved)))
        };
        carrier.table(("geo-countries", 1), &mut self.countries, row, entry);
        let row = |(device, asn): &(Addr, u32), used: &Used| {
            let (first, last) = used.kept()?;
            Some((last, (device.to_string(), *asn, first.0, last.0)))
        };
        let entry = |(device, asn, first, last): (String, u32, i64, i64)| {
            Some(((device.parse().ok()?, asn), used(first, last, false)))
        };
        carrier.table(("geo-operators", 1), &mut self.operators, row, entry);
    }

    fn held_len(&self) -> usize {
        self.devices.held_len() + self.countries.held_len() + self.operators.held_len()
    }

    fn forgotten(&self) -> u64 {
        self.devices.forgotten() + self.countries.forgotten() + self.operators.forgotten()
    }
}

#[cfg(test)]
mod tests;
