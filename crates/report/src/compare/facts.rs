//! What an audit's JSON says of a device, and adding several together.

use crate::{Traffic, WEEK_HOURS};
use sekisho_types::{Addr, Timestamp};
use std::collections::BTreeMap;

/// Begins the key of a certificate that the device shows itself.
pub(super) const OWN: &str = "own ";

/// Something of a device's lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Thing {
    pub detail: String,
    /// Of a certificate.
    pub certificate: Option<super::CertificateOf>,
    pub traffic: Traffic,
}

/// Lists by what tells things apart.
pub(super) type Things = BTreeMap<String, Thing>;

/// A device, or several added up.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {
    pub addrs: Vec<Addr>,
    pub mac: Option<String>,
    pub name: Option<String>,
    pub opened: Traffic,
    pub accepted: Traffic,
    pub outside: Traffic,
    pub one_sided: u64,
    pub tcp_packets: u64,
    pub retransmitted: u64,
    /// By speed.
    pub speeds: Vec<(u64, u64)>,
    /// To connect, to a response, to its own responses; by microseconds.
    pub times: [Vec<(u64, u64)>; 3],
    pub hours: Vec<u64>,
    /// In the order of [`super::ItemKind::ALL`].
    pub lists: [Things; 6],
    /// Was a list cut, in that order?
    pub cut: [bool; 6],
}

impl Facts {
    /// Flows either way.
    pub fn flows(&self) -> u64 {
        self.opened.flows + self.accepted.flows
    }

    /// Both ways together.
    pub fn total(&self) -> Traffic {
        let mut total = self.opened;
        add(&mut total, &self.accepted);
        total
    }

    /// Leaves out certificates that devices showed to each other: both have told of them.
    pub fn count_sessions_once(&mut self) {
        let [.., certificates, _] = &mut self.lists;
        let shown: Vec<String> = certificates.keys().filter(|k| !k.starts_with(OWN)).cloned().collect();
        certificates.retain(|key, _| {
            key.strip_prefix(OWN).is_none_or(|k| shown.binary_search_by(|s| s.as_str().cmp(k)).is_err())
        });
    }

    /// Another device's facts on top.
    pub fn absorb(&mut self, other: &Self) {
        self.addrs.extend_from_slice(&other.addrs);
        self.addrs.sort();
        self.addrs.dedup();
        self.mac = self.mac.take().or_else(|| other.mac.clone());
        self.name = self.name.take().or_else(|| other.name.clone());
        add(&mut self.opened, &other.opened);
        add(&mut self.accepted, &other.accepted);
        add(&mut self.outside, &other.outside);
        self.one_sided += other.one_sided;
        self.tcp_packets += other.tcp_packets;
        self.retransmitted += other.retransmitted;
        absorb_classes(&mut self.speeds, &other.speeds);
        for (times, more) in self.times.iter_mut().zip(&other.times) {
            absorb_classes(times, more);
        }
        self.hours.resize(WEEK_HOURS, 0);
        for (sum, n) in self.hours.iter_mut().zip(&other.hours) {
            *sum += n;
        }
        for (list, more) in self.lists.iter_mut().zip(&other.lists) {
            absorb_list(list, more);
        }
        for (cut, also) in self.cut.iter_mut().zip(other.cut) {
            *cut |= also;
        }
    }
}

/// Adds samples in classes to others.
fn absorb_classes(classes: &mut Vec<(u64, u64)>, more: &[(u64, u64)]) {
    let mut sum: BTreeMap<u64, u64> = classes.iter().copied().collect();
    for (class, n) in more {
        *sum.entry(*class).or_default() += n;
    }
    *classes = sum.into_iter().collect();
}

/// Adds one list to another.
pub(super) fn absorb_list(list: &mut Things, more: &Things) {
    for (key, thing) in more {
        match list.get_mut(key) {
            Some(sum) => add(&mut sum.traffic, &thing.traffic),
            None => drop(list.insert(key.clone(), thing.clone())),
        }
    }
}

/// Adds flows; the dispersion of the sum is taken as the mean of both, by flows.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
pub(super) fn add(sum: &mut Traffic, more: &Traffic) {
    let root = |a: u64, b: u64| ((a as f64).hypot(b as f64)).round() as u64;
    let flows = sum.flows.saturating_add(more.flows);
    let weighed = |t: &Traffic| u128::from(t.dispersion) * u128::from(t.flows);
    sum.dispersion = match u128::from(flows) {
        0 => sum.dispersion.max(more.dispersion),
        n => u64::try_from((weighed(sum) + weighed(more)) / n).unwrap_or(u64::MAX),
    };
    sum.flows = flows;
    sum.failed = sum.failed.saturating_add(more.failed);
    sum.sent = sum.sent.saturating_add(more.sent);
    sum.received = sum.received.saturating_add(more.received);
    sum.sent_spread = root(sum.sent_spread, more.sent_spread);
    sum.received_spread = root(sum.received_spread, more.received_spread);
    sum.first = earlier(sum.first, more.first);
    sum.last = sum.last.max(more.last);
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
