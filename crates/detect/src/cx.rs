//! What a detector may ask and say.

use crate::catalogue::Catalogue;
use crate::desk::{Desk, Scanned};
use crate::destination::Destination;
use crate::dns_exchanges::Exchange;
use crate::dns_zones::Zones;
use crate::dnssec::Dnssec;
use crate::edges::{Class, Edge, Edges};
use crate::hosts::{Hosts, Role};
use crate::known::Known;
use crate::mails::Mails;
use crate::outside::{Outside, called};
use sekisho_finding::{
    About, Act, Benign, Confidence, Finding, MAX_QUOTES, Measure, Part, Quality, Quote, Reason, Severity, Stage, Tale,
    Tie,
};
use sekisho_types::{Addr, Timestamp, Uid};
use std::cell::Cell;

/// Most measures of a finding.
const MAX_MEASURES: usize = 16;

/// What a detector may ask and say during one call.
pub struct Cx<'a> {
    /// Number of the packet during which the row was found; 0 at the end, or while only time passed.
    pub packet: u64,
    /// Latest packet time so far.
    pub now: Timestamp,
    pub(crate) known: &'a Known,
    pub(crate) desk: &'a mut Desk,
    /// The last address that [`Cx::destination`] was asked for.
    pub(crate) destination: Cell<Option<(Addr, Destination<'a>, u64)>>,
}

impl<'a> Cx<'a> {
    /// Roles, zones and how well hosts are seen.
    pub fn hosts(&self) -> &Hosts {
        &self.known.hosts
    }

    /// How the DNS message at hand fits what was asked; `None` of other rows.
    pub(crate) fn exchange(&self) -> Option<&'a Exchange> {
        self.known.exchanges.at_hand()
    }

    /// What answers that fitted have said about zones, before the message at hand.
    pub(crate) fn zones(&self) -> &Zones {
        &self.known.zones
    }

    /// What DNSSEC says of the message at hand, and of those before that waited for it.
    pub(crate) fn dnssec(&self) -> &'a Dnssec {
        &self.known.dnssec
    }

    /// Certificates, and the services that show them.
    pub(crate) fn catalogue(&self) -> &'a Catalogue {
        &self.known.catalogue
    }

    /// Whose mail it is, and who writes.
    pub(crate) fn mails(&self) -> &'a Mails {
        &self.known.mails
    }

    /// Places outside, and who calls them.
    pub(crate) fn outside(&self) -> &'a Outside {
        &self.known.outside
    }

    /// What a place outside at `peer` is called.
    pub(crate) fn called(&self, place: u64, peer: Addr) -> String {
        called(&self.known.outside, &self.known.names, place, peer)
    }

    /// Where a flow to `addr` goes, as far as is known now, and the number that stands for it in tables.
    pub(crate) fn destination(&self, addr: Addr) -> (Destination<'a>, u64) {
        if let Some((_, destination, digest)) = self.destination.get().filter(|known| known.0 == addr) {
            return (destination, digest);
        }
        let destination = Destination::of(addr, self.name_of(addr));
        let digest = destination.digest(self.known.names.seed());
        self.destination.set(Some((addr, destination, digest)));
        (destination, digest)
    }

    /// The name that was last seen for `addr`.
    pub fn name_of(&self, addr: Addr) -> Option<&'a str> {
        self.known.names.of(addr)
    }

    /// The name that a server of DNS gave `addr`; what hosts of the LAN say of themselves doesn't count.
    pub fn given_name_of(&self, addr: Addr) -> Option<&'a str> {
        self.known.names.given(addr)
    }

    /// `from` got hold of `to`, as the row at hand shows.
    pub(crate) fn step(&mut self, (from, to): (Addr, Addr), class: Class, what: &'static str, ts: Timestamp, uid: Uid) {
        self.desk.edges.add(Edge { ts, from, to, class, what, uid, packet: self.packet });
    }

    /// Steps from host to host so far.
    pub(crate) fn steps(&self) -> &Edges {
        &self.desk.edges
    }

    /// Was that judgement raised about `subject`?
    pub(crate) fn has_found(&self, id: &str, subject: Addr) -> bool {
        self.desk.has(id, subject, Severity::Info)
    }

    /// Was it raised about `subject` so that somebody has to look at it?
    pub(crate) fn has_alarm(&self, id: &str, subject: Addr) -> bool {
        self.desk.has(id, subject, Severity::Medium)
    }

    /// One port was tried on many hosts.
    pub(crate) fn scanned(&mut self, scan: Scanned) {
        self.desk.scanned(scan);
    }

    /// Scans noted so far.
    pub(crate) fn scans(&self) -> &[Scanned] {
        &self.desk.scans
    }

    /// Raises a finding, or adds to the one of the same judgement, reason, subject and key.
    pub fn raise(&mut self, raise: Raise) {
        let Raise(mut finding, unless) = raise;
        if finding.first == Timestamp::default() {
            finding.first = self.now;
        }
        finding.last = finding.last.max(finding.first);
        let concerned = [finding.subject].into_iter().chain(finding.peers.named().iter().copied());
        finding.names = concerned.filter_map(|a| Some((a, self.known.names.by_others(a)?.to_owned()))).collect();
        self.desk.add(finding, unless);
    }
}

/// A finding in the making.
pub struct Raise(Finding, Option<Role>);

impl Raise {
    /// That `reason` of `about` was seen of `subject`, the machine that the operator must touch.
    pub fn new(
        about: &'static About,
        reason: &'static Reason,
        subject: Addr,
        severity: Severity,
        confidence: Confidence,
    ) -> Self {
        Self(Finding::new(about, reason, subject, severity, confidence), None)
    }

    /// The service, name or peer that tells findings about one subject apart.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.key = key.into();
        self
    }

    /// A further ATT&CK technique.
    #[must_use]
    pub fn technique(mut self, id: impl Into<String>) -> Self {
        self.0.techniques.push(id.into());
        self
    }

    /// A stronger form was reached: `won`, `used`.
    #[must_use]
    pub fn confirmed(mut self, form: &'static str) -> Self {
        self.0.confirmed = Some(form);
        self
    }

    /// Another part of an intrusion than the judgement's usual one.
    #[must_use]
    pub fn stage(mut self, stage: Stage) -> Self {
        self.0.stage = stage;
        self
    }

    /// One step less severe if the subject turns out to play that part (`detections.md` §1.2: a role that is inferred only
    /// ever lowers a severity, and is listed).
    #[must_use]
    pub fn lowered_for(mut self, role: Role) -> Self {
        self.1 = Some(role);
        self
    }

    /// Another host concerned.
    #[must_use]
    pub fn peer(mut self, peer: Addr) -> Self {
        self.0.peers.add(peer);
        self
    }

    /// Packet time of the sign; [`Cx::now`] if not given.
    #[must_use]
    pub fn at(mut self, ts: Timestamp) -> Self {
        (self.0.first, self.0.last) = (ts, ts);
        self
    }

    /// Packet time of the first and the last sign.
    #[must_use]
    pub fn between(mut self, first: Timestamp, last: Timestamp) -> Self {
        (self.0.first, self.0.last) = (first, last);
        self
    }

    /// How many signs there were.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.0.count = count;
        self
    }

    /// A flow that shows it.
    #[must_use]
    pub fn flow(mut self, uid: Uid) -> Self {
        if uid != Uid::default() {
            self.0.flows.add(uid);
        }
        self
    }

    /// A packet that shows it; 0 is none.
    #[must_use]
    pub fn packet(mut self, number: u64) -> Self {
        if number > 0 {
            self.0.packets.add(number);
        }
        self
    }

    /// Something measured.
    #[must_use]
    pub fn measure(mut self, measure: Measure) -> Self {
        if self.0.measures.len() < MAX_MEASURES {
            self.0.measures.push(measure);
        }
        self
    }

    /// Words from the wire.
    #[must_use]
    pub fn quote(mut self, label: &'static str, bytes: &[u8], packet: u64) -> Self {
        if self.0.quotes.len() < MAX_QUOTES {
            self.0.quotes.push(Quote::new(label, bytes, packet));
        }
        self
    }

    /// The SHA-256 of a file, in hexadecimal, that joins this with findings about other hosts.
    #[must_use]
    pub fn file(self, sha256: &[u8]) -> Self {
        self.tie(Tie::file(sha256))
    }

    /// An account whose secret was taken; findings that use it are of the same campaign.
    #[must_use]
    pub fn taken(self, account: &[u8]) -> Self {
        self.tie(Tie::taken(account))
    }

    /// An account that was used.
    #[must_use]
    pub fn used(self, account: &[u8]) -> Self {
        self.tie(Tie::used(account))
    }

    /// Something of it that was done at a time of its own.
    #[must_use]
    pub fn act(mut self, act: Act) -> Self {
        self.0.act(act);
        self
    }

    /// It came by a mail of that domain: the subject is only where the mail passed. Who acted on it is said by [`Raise::act`].
    #[must_use]
    pub fn sender(mut self, domain: &str) -> Self {
        self.0.sender = Some(domain.into());
        self
    }

    /// What a host is in it, where that does not follow from its stage.
    #[must_use]
    pub fn part(mut self, host: Addr, part: Part) -> Self {
        self.0.part(host, part);
        self
    }

    /// What it says in a story: one of the sentences of [`tale`](sekisho_finding::tale), with values in its places.
    #[must_use]
    pub fn tale(mut self, words: &'static str, values: &[&[u8]]) -> Self {
        self.0.tale = Some(Tale::new(words, values));
        self
    }

    fn tie(mut self, tie: Option<Tie>) -> Self {
        tie.into_iter().for_each(|tie| self.0.tie(tie));
        self
    }

    /// A harmless explanation that was looked at.
    #[must_use]
    pub fn benign(mut self, explanation: &'static str, result: &'static str) -> Self {
        self.0.benign.push(Benign { explanation, result });
        self
    }

    /// Something could not be seen.
    #[must_use]
    pub fn quality(mut self, quality: Quality) -> Self {
        self.0.quality.push(quality);
        self
    }
}
