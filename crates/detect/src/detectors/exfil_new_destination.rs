//! # exfil-new-destination
//! ## How
//! What a host at home sends to each place outside within 24 hours: the domain that was registered of the name that flows asked for or that DNS gave for the address,
//! else the small network. Told when the host never used the place before that day, hardly anybody here does, much more went out than came in,
//! and it went in few flows or was most of what the host sent. `personal-cloud`: storage, transfer and code sharing; `paste`: sites for texts; `direct-ip`:
//! nobody asked for a name, though the host's other questions to DNS were seen.
//! ## Thresholds
//! 20 MB in 24 hours, half of that for storage, transfer and texts; producer-consumer ratio 0.4 (about 70 to 30); three flows of 100 kB and more, or 60 % of what the
//! host sent that day; one host, or 2 % of all. New: not contacted within 30 days. All Sekisho's own choice.
//! ## State
//! 16,384 hosts with places, 8,192 hosts, 16,384 places with a bit for each of 128 hosts and the first eight hosts; the least recent forgotten.
//! ## Severity
//! Medium 0.6; `paste` and `direct-ip` high 0.65; one step more for servers that five hosts use. Whether something is new cannot be said of a host that was watched for less than
//! 30 days: then `info` with 0.6 of the confidence, unless the same host is also told to be commanded from outside, or to have read a file server, with medium severity or more (Sekisho's own choice):
//! then the severity stands, with confidence 0.5.
//! ## Benign
//! A new service of the company: three hosts that begin within seven days, `info`. Measurements of speed, videos and calls, by name: not told. Proxies and resolvers have eight times the limit.
//! ## Blind
//! Captures of less than 30 days (see Severity). Flows seen from one side. Names in encrypted DNS and encrypted hellos. Slow uploads of less than the limit in a day, and
//! uploads to places in use: `exfil-volume`. The list of places is that of this build.
//! ## References
//! ATT&CK T1567.001, T1567.002, T1537; GuardDuty Trojan:EC2/DropPoint; producer-consumer ratio: Bullard and Gerth, FloCon 2014.

mod places;

use crate::detection::Scope;
use crate::dns_exchanges::name_digest;
use crate::dns_zones::registrable;
use crate::hosts::Role;
use crate::outside::Usage;
use crate::registry::Detector;
use crate::rows::{Conn, Kind, Row};
use crate::statistics::distinct::Distinct;
use crate::statistics::hints::producer_ratio;
use crate::statistics::window::Recently;
use crate::table::Recent;
use crate::{Cx, Raise};
use places::{Category, category};
use sekisho_finding::{
    About, Confidence, Measure, Origin, Quality, Reason, Severity, Stage, Traffic, What, tale, useful, vital,
};
use sekisho_types::{Addr, Interval, SeededState, Subnet, Timestamp, Uid};
use std::hash::BuildHasher;

static ABOUT: About = About {
    id: "exfil-new-destination",
    title: "large upload to a place never used before",
    means: "This host uploaded a notable amount to a destination new to it and rare on this network.",
    techniques: &["T1567.002", "T1567.001", "T1537"],
    stage: Stage::Exfil,
    reasons: &[
        Reason { code: "new", means: "Much was sent to a place that this host never used." },
        Reason {
            code: "personal-cloud",
            means: "Much was sent to a service for storage, transfer or code that this host never used.",
        },
        Reason { code: "paste", means: "Much was sent to a site for sharing texts that this host never used." },
        Reason { code: "direct-ip", means: "Much was sent to an address whose name nobody asked for." },
    ],
    benign: "A new cloud service of the company, a video that somebody uploads, a measurement of the line's speed.",
    clears: "Place and sender are known, or no large upload there for 30 days.",
    next: &[
        "Ask who was on the host, and what was sent.",
        "See who runs the place, and since when it exists.",
        "See what the host read from file servers before.",
    ],
    needs: &[
        vital(What::Some(Traffic::Any)),
        vital(What::Requests(Traffic::Any)),
        useful(What::Answers(Traffic::Any)),
        useful(What::Days(30)),
    ],
};

static ABOUTS: &[&About] = &[&ABOUT];

const NEW: &Reason = ABOUT.at(0);
const CLOUD: &Reason = ABOUT.at(1);
const PASTE: &Reason = ABOUT.at(2);
const DIRECT: &Reason = ABOUT.at(3);

const MAX_PAIRS: usize = 16_384;
const MAX_HOSTS: usize = 8_192;
const MAX_PLACES: usize = 16_384;
/// Uploads told of a run; of more the largest.
const MAX_TOLD: usize = 1_000;

const DAY: Interval = Interval::from_secs(86_400);
/// What was not contacted for so long is new, if hosts were watched for so long.
const ABSENT: Interval = Interval::from_secs(30 * 86_400);
const MUCH: u64 = 20_000_000;
const RATIO: f64 = 0.4;
const FEW_FLOWS: u64 = 3;
/// Of a flow that counts as one of an upload.
const UPLOAD_LEN: u64 = 100_000;
const SHARE_PERCENT: u64 = 60;
/// Hosts that begin within [`ROLLOUT`] are a new service's.
const ROLLOUT_HOSTS: usize = 3;
const ROLLOUT: Interval = Interval::from_secs(7 * 86_400);
/// Hosts of a place told apart.
const MAX_TOLD_APART: usize = 8;
/// Bits that tell the hosts of a place apart.
const MARKS: u64 = 128;
/// A host that stands for others has this many times the limit (guard G-nat).
const SHARED_FACTOR: u64 = 8;
/// Judgements about the same host that make novelty worth more than a fact.
const SIGNS: &[&str] = &["c2-beacon", "c2-dga", "c2-dns-tunnel", "c2-interactive-reverse", "smb-mass-read"];

/// What a host and a place had to do with each other.
#[derive(Default)]
struct Contact {
    first: Timestamp,
    last: Timestamp,
    sent: Recently,
    received: Recently,
    uploads: Recently,
    /// The largest upload that fits.
    told: Option<Box<Upload>>,
}

struct Upload {
    name: Option<Box<str>>,
    peer: Addr,
    sent: u64,
    received: u64,
    flows: u64,
    /// Of what the host sent that day, in percent.
    share: u64,
    limit: u64,
    first: Timestamp,
    last: Timestamp,
    uid: Uid,
    packet: u64,
}

#[derive(Default)]
struct Host {
    first: Timestamp,
    sent: Recently,
    asks_dns: bool,
}

#[derive(Default)]
struct Place {
    first: Timestamp,
    marks: u128,
    /// The first hosts, and when each came.
    hosts: Vec<(Addr, Timestamp)>,
}

/// See the module.
pub(crate) struct NewUploads {
    seed: u64,
    pairs: Recent<(Addr, u64), Contact>,
    hosts: Recent<Addr, Host>,
    places: Recent<u64, Place>,
    /// Hosts that go anywhere.
    all: Distinct,
}

impl NewUploads {
    pub fn new(scope: &Scope) -> Self {
        Self {
            seed: scope.seed,
            pairs: Recent::of(scope, MAX_PAIRS),
            hosts: Recent::of(scope, MAX_HOSTS),
            places: Recent::of(scope, MAX_PLACES),
            all: Distinct::default(),
        }
    }

    fn conn(&mut self, row: &Conn<'_>, cx: &Cx<'_>) {
        let Some(call) = cx.outside().at_hand() else { return };
        if row.resp_pkts == 0 {
            return;
        }
        let name = cx.outside().name(call.place).or_else(|| cx.name_of(row.resp)).filter(|n| n.contains('.'));
        let digest = match name {
            Some(name) => name_digest(registrable(name.as_bytes()), self.seed),
            None => {
                let net = Subnet::new(row.resp, if row.resp.is_v4() { 24 } else { 48 });
                net.map_or(0, |net| SeededState(self.seed).hash_one(net))
            }
        };
        let ended = row.ts + row.duration;
        let sent_by_host = {
            let host = self.hosts.at(row.orig, || Host { first: row.ts, ..Host::default() });
            host.first = host.first.min(row.ts);
            host.sent.add(ended, DAY, row.orig_bytes)
        };
        let mark = SeededState(self.seed).hash_one(row.orig);
        self.all.add(mark);
        let place = self.places.at(digest, || Place { first: row.ts, ..Place::default() });
        place.first = place.first.min(row.ts);
        place.marks |= 1 << (mark % MARKS);
        if place.hosts.len() < MAX_TOLD_APART && place.hosts.iter().all(|h| h.0 != row.orig) {
            place.hosts.push((row.orig, row.ts));
        }
        let contact =
            self.pairs.at((row.orig, digest), || Contact { first: row.ts, last: row.ts, ..Contact::default() });
        if row.ts - contact.last > ABSENT {
            contact.first = row.ts;
        }
        contact.first = contact.first.min(row.ts);
        contact.last = contact.last.max(ended);
        let sent = contact.sent.add(ended, DAY, row.orig_bytes);
        let received = contact.received.add(ended, DAY, row.resp_bytes);
        let flows = contact.uploads.add(ended, DAY, u64::from(row.orig_bytes >= UPLOAD_LEN));
        if sent < MUCH / 2 || row.ts - contact.first > DAY || row.orig_bytes < UPLOAD_LEN {
            return;
        }
        let of_place = name.and_then(category);
        let mut limit = if matches!(of_place, Some(Category::Storage | Category::Paste)) { MUCH / 2 } else { MUCH };
        let quality = cx.hosts().quality(row.orig);
        if quality.contains(&Quality::Shared) {
            limit *= SHARED_FACTOR;
        }
        let share = sent.saturating_mul(100) / sent_by_host.max(1);
        let fits = sent >= limit
            && producer_ratio(sent, received) >= RATIO
            && (flows <= FEW_FLOWS || share >= SHARE_PERCENT)
            && of_place != Some(Category::Harmless)
            && !quality.contains(&Quality::OneSided);
        if !fits || contact.told.as_ref().is_some_and(|told| told.sent >= sent) {
            return;
        }
        contact.told = Some(Box::new(Upload {
            name: name.map(Into::into),
            peer: row.resp,
            sent,
            received,
            flows,
            share: share.min(100),
            limit,
            first: contact.first,
            last: ended,
            uid: row.uid,
            packet: cx.packet,
        }));
    }

    fn judge(&self, host: Addr, digest: u64, upload: &Upload, cx: &mut Cx<'_>) {
        let Some(place) = self.places.peek(&digest) else { return };
        let all = self.all.count();
        let hosts = u64::from(place.marks.count_ones());
        let usage = Usage { hosts, of: all, first: place.first };
        let near = |h: &&(Addr, Timestamp)| (h.1 - upload.first).0.abs() <= ROLLOUT.0;
        let rollout = place.hosts.iter().filter(near).count() >= ROLLOUT_HOSTS;
        if hosts > 1 && !usage.is_rare() && !rollout {
            return;
        }
        let known = self.hosts.peek(&host);
        let asks_dns = known.is_some_and(|h| h.asks_dns);
        let reason = match upload.name.as_deref().map(category) {
            Some(Some(Category::Storage)) => CLOUD,
            Some(Some(Category::Paste)) => PASTE,
            None if asks_dns => DIRECT,
            _ => NEW,
        };
        let long = known.is_some_and(|h| upload.first - h.first >= ABSENT);
        let sign = SIGNS.iter().find(|id| cx.has_alarm(id, host));
        let is_worse = [PASTE.code, DIRECT.code].contains(&reason.code);
        let mut severity = if is_worse { Severity::High } else { Severity::Medium };
        let mut confidence = Confidence::percent(if severity == Severity::High { 65 } else { 60 });
        if cx.hosts().is(host, Role::Server) {
            severity = if severity == Severity::Medium { Severity::High } else { Severity::Critical };
        }
        match (long, sign) {
            (true, _) => {}
            (false, Some(_)) => confidence = Confidence::percent(50),
            (false, None) => (severity, confidence) = (Severity::Info, confidence.times(600)),
        }
        if rollout {
            severity = Severity::Info;
        }
        let key = upload.name.as_deref().map_or_else(|| upload.peer.to_string(), str::to_ascii_lowercase);
        let mut raise = Raise::new(&ABOUT, reason, host, severity, confidence)
            .key(key.clone())
            .tale(tale::SENT, &[tale::size(upload.sent).as_bytes(), key.as_bytes()])
            .peer(upload.peer)
            .between(upload.first, upload.last)
            .flow(upload.uid)
            .packet(upload.packet)
            .measure(Measure::count("sent in 24 hours", upload.sent, Some(upload.limit), "bytes", Origin::Own))
            .measure(Measure::count("received", upload.received, None, "bytes", Origin::Own))
            .measure(Measure::real(
                "producer-consumer ratio",
                producer_ratio(upload.sent, upload.received),
                Some(RATIO),
                "",
                Origin::Field("Bullard and Gerth 2014"),
            ))
            .measure(Measure::count("flows", upload.flows, Some(FEW_FLOWS), "", Origin::Own))
            .measure(Measure::count("of what the host sent", upload.share, Some(SHARE_PERCENT), "%", Origin::Own))
            .measure(Measure::count("hosts here that use the place", hosts, None, "", Origin::Own))
            .measure(Measure::count("hosts here that go out", all, None, "", Origin::Own))
            .benign(
                "the place was in use before",
                if long {
                    "no contact within 30 days"
                } else {
                    "not known: the host was watched for less than 30 days"
                },
            )
            .benign(
                "a new service of the company",
                if rollout { "three hosts began within seven days" } else { "nobody else began to use it" },
            );
        if let Some(sign) = sign {
            raise = raise.quote("this host is also told for", sign.as_bytes(), 0);
        }
        for quality in cx.hosts().quality(host) {
            raise = raise.quality(quality);
        }
        cx.raise(raise);
    }
}

impl Detector for NewUploads {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Conn, Kind::Dns]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Conn(row) => self.conn(row, cx),
            Row::Dns(row) if row.resp_port == 53 => {
                if let Some(host) = self.hosts.get(&row.orig) {
                    host.asks_dns = true;
                } else if cx.hosts().is_internal(row.orig) {
                    self.hosts.at(row.orig, || Host { first: row.ts, sent: Recently::default(), asks_dns: true });
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        let mut told: Vec<(u64, Addr, u64, &Upload)> = Vec::new();
        for ((host, digest), contact) in self.pairs.iter() {
            if let Some(upload) = &contact.told {
                told.push((upload.sent, *host, *digest, upload));
            }
        }
        told.sort_unstable_by_key(|(sent, host, _, upload)| {
            (std::cmp::Reverse(*sent), *host, upload.first, upload.uid)
        });
        for (_, host, digest, upload) in told.into_iter().take(MAX_TOLD) {
            self.judge(host, digest, upload, cx);
        }
    }

    fn held_len(&self) -> usize {
        let uploads = self.pairs.iter().filter_map(|(_, c)| c.told.as_ref());
        let uploads: usize = uploads.map(|u| size_of::<Upload>() + u.name.as_ref().map_or(0, |name| name.len())).sum();
        let lists: usize = self.places.iter().map(|(_, p)| p.hosts.capacity() * size_of::<(Addr, Timestamp)>()).sum();
        self.pairs.held_len() + self.hosts.held_len() + self.places.held_len() + self.all.held_len() + uploads + lists
    }

    fn forgotten(&self) -> u64 {
        self.pairs.forgotten() + self.hosts.forgotten() + self.places.forgotten()
    }
}

#[cfg(test)]
mod tests;
