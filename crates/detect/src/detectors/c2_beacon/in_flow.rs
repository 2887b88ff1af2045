//! Contacts within one connection: bursts of its originator's data after a second's silence.

use super::contacts::{Contact, Score, Scratch};
use super::{HINT, IN_FLOW, MIN_COUNT, MIN_TIME, SHORT, SPAN, WEEK, WITHIN_A_DAY, Window, impact, is_check, measured};
use crate::detection::Scope;
use crate::hosts::Role;
use crate::outside::Usage;
use crate::rows::Bursts;
use crate::statistics::hints;
use crate::table::Recent;
use crate::{Cx, Raise};
use sekisho_finding::{Quality, Severity};
use sekisho_types::{Addr, Timestamp, Uid};

/// Connections of which bursts are kept, and of how many each.
const MAX_TALKS: usize = 4_096;
const MAX_CONTACTS: usize = 512;

/// A connection that goes on.
struct Talk {
    host: Addr,
    peer: Addr,
    port: u16,
    place: u64,
    /// Nobody knows its protocol.
    unknown: bool,
    begun: Timestamp,
    contacts: Vec<Contact>,
    /// Second from which on all contacts are kept.
    kept_since: u32,
    fresh: bool,
    unsaid: u64,
    packet: u64,
}

/// See the module.
pub(super) struct Talks {
    of: Recent<Uid, Box<Talk>>,
}

impl Talks {
    pub fn new(scope: &Scope) -> Self {
        Self { of: Recent::of(scope, MAX_TALKS) }
    }

    pub fn add(&mut self, row: &Bursts<'_>, cx: &Cx<'_>) {
        let inside = |addr| cx.hosts().is_internal(addr);
        if row.seconds.is_empty() || !inside(row.orig) || inside(row.resp) {
            return;
        }
        let talk = self.of.at(row.uid, || {
            Box::new(Talk {
                host: row.orig,
                peer: row.resp,
                port: row.resp_port,
                place: 0,
                unknown: true,
                begun: row.begun,
                contacts: Vec::new(),
                kept_since: 0,
                fresh: false,
                unsaid: 0,
                packet: 0,
            })
        });
        (talk.place, talk.unknown, talk.fresh) = (cx.outside().place(row.uid, row.resp), row.app.is_empty(), true);
        talk.packet = cx.packet.max(talk.packet);
        for ((at, sent), received) in row.seconds.counts().zip(row.sent.counts()).zip(row.received.counts()) {
            if talk.contacts.len() >= MAX_CONTACTS {
                drop(talk.contacts.drain(..MAX_CONTACTS / 4));
                talk.kept_since = talk.contacts.first().map_or(0, |c| c.at);
            }
            talk.contacts.push(Contact::at(u32::try_from(at).unwrap_or(0), sent, received));
            talk.unsaid += 1;
        }
    }

    /// Judges every connection that has spoken since the last time.
    pub fn look(&mut self, window: &Window, scratch: &mut Scratch, cx: &mut Cx<'_>) {
        let mut found = Vec::new();
        // Who has a connection there at present: it counts as a flow only when it ends.
        let mut open: Vec<(u64, Addr)> = self.of.iter().map(|(_, talk)| (talk.place, talk.host)).collect();
        open.sort_unstable();
        open.dedup();
        for (uid, talk) in self.of.iter_mut() {
            if !std::mem::take(&mut talk.fresh) {
                continue;
            }
            let Some(score) = window.score(&mut talk.contacts, talk.kept_since, scratch) else { continue };
            let from = open.partition_point(|o| o.0 < talk.place);
            let hosts = open.partition_point(|o| o.0 <= talk.place) - from;
            let mut usage = cx.outside().usage(talk.place);
            usage.hosts = usage.hosts.max(hosts as u64);
            usage.of = usage.of.max(usage.hosts);
            if let Some(raise) = talk.judge(*uid, &score, usage, window, cx) {
                found.push((talk.host, talk.peer, *uid, raise));
                talk.unsaid = 0;
            }
        }
        // The table has no order.
        found.sort_unstable_by_key(|f| (f.0, f.1, f.2));
        found.into_iter().for_each(|f| cx.raise(f.3));
    }

    pub fn held_len(&self) -> usize {
        let owned = |t: &Talk| size_of::<Talk>() + t.contacts.capacity() * size_of::<Contact>();
        self.of.held_len() + self.of.iter().map(|(_, t)| owned(t)).sum::<usize>()
    }

    pub fn forgotten(&self) -> u64 {
        self.of.forgotten()
    }
}

impl Talk {
    fn judge(&self, uid: Uid, score: &Score, usage: Usage, window: &Window, cx: &Cx<'_>) -> Option<Raise> {
        let key = cx.called(self.place, self.peer);
        let lasting = score.duration > 0.0 && score.time >= MIN_TIME && score.count >= MIN_COUNT;
        if !lasting || is_check(&key) || (window.covered < SPAN.0 && score.total() < WITHIN_A_DAY) {
            return None;
        }
        let new = cx.now - cx.outside().start()? >= WEEK && cx.now - usage.first <= WEEK;
        let nameless = cx.outside().name(self.place).is_none() && cx.name_of(self.peer).is_none();
        let mut impact = impact(score.total())?;
        if usage.is_rare() || new {
            impact += HINT;
        }
        // Programs of all kinds keep connections open by saying something now and then.
        let short = window.covered < SHORT;
        let severity = match (nameless, self.unknown) {
            _ if usage.is_common() => Severity::Info,
            (true, true) if impact >= 0.6 && !short => Severity::High,
            (true, _) | (_, true) if impact >= 0.4 => Severity::Medium,
            _ if impact >= 0.6 && (usage.is_rare() || new) => Severity::Medium,
            _ => Severity::Low,
        };
        let sure = 0.3 + 0.5 * score.total() + if score.tasked { 0.1 } else { 0.0 } + if new { 0.1 } else { 0.0 };
        let sure = hints::confidence(sure.min(0.8) * if short { 0.6 } else { 1.0 });
        let ts = |second: u32| Timestamp::from_parts(i64::from(second), 0);
        let raise = Raise::new(&super::ABOUT, IN_FLOW, self.host, severity, sure)
            .key(format!("{key}:{}", self.port))
            .peer(self.peer)
            .between(self.begun.max(ts(score.first)), ts(score.last))
            .times(self.unsaid)
            .flow(uid)
            .packet(self.packet)
            .lowered_for(Role::Proxy);
        let known = if nameless || self.unknown { "no" } else { "yes: medium only where hardly anybody else goes" };
        let raise = measured(raise, score, usage)
            .benign(
                "half of the hosts at home go there",
                if usage.is_common() { "yes: no more than listed" } else { "no" },
            )
            .benign("a protocol that is known, to a place with a name", known);
        Some(if short { raise.quality(Quality::Short) } else { raise })
    }
}
