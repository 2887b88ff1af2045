//! From tables to profiles.

use super::super::certificates::Certificates;
use super::super::listing;
use super::super::names::Names;
use super::sums::{Sums, micros, seconds, speed};
use super::{Device, Devices, FIRST_EPHEMERAL, MAX_SERVICES_THERE, Service};
use crate::page::Page;
use crate::{Asked, Destination, Profile, ServiceUse, Shown};
use sekisho_record::Text;
use sekisho_types::Addr;
use std::collections::BTreeMap;

/// Destinations of one device on the page, and of all.
const DESTINATIONS: usize = 256;
const ALL_DESTINATIONS: usize = 16_384;
/// Names asked of one device, and of all.
const NAMES: usize = 256;
const ALL_NAMES: usize = 16_384;
/// Certificates of one device, and of all.
const CERTIFICATES: usize = 64;
const ALL_CERTIFICATES: usize = 4_096;
/// Addresses told of a destination.
const ADDRESSES: usize = 4;

/// A destination's name, or its address if it has none.
type Place = (Option<Box<[u8]>>, Option<Addr>);

/// A destination put together from several addresses.
#[derive(Default)]
struct Joined {
    addresses: Vec<Addr>,
    services: Vec<Text>,
    sums: Sums,
}

/// A device's part of the tables.
#[derive(Default)]
struct Lists {
    destinations: BTreeMap<Place, Joined>,
    asked: Vec<Asked>,
    certificates: Vec<Shown>,
}

/// What of a list finds room: the first ones; and how many don't.
fn room<T>(list: &mut Vec<T>, each: usize, left: &mut usize) -> u64 {
    let kept = list.len().min(each).min(*left);
    let more = list.len() - kept;
    list.truncate(kept);
    *left -= kept;
    more as u64
}

impl Devices {
    pub fn fill(&self, page: &mut Page, names: &Names, certificates: &Certificates) {
        let period = |page: &Page| {
            let (first, last) = (page.completeness.first?, page.completeness.last?);
            Some((seconds(first), seconds(last)))
        };
        let period = period(page).unwrap_or((0, 0));
        let mut lists = self.lists(names, certificates, period);
        let mut devices =
            listing(&self.devices, |addr, device| device.spoke.then(|| self.profile(*addr, device, period, names)));
        devices.rows.retain(Option::is_some);
        let mut left = (ALL_DESTINATIONS, ALL_NAMES, ALL_CERTIFICATES);
        page.devices.more = devices.more;
        page.devices.exact = devices.exact;
        page.devices.rows = devices.rows.into_iter().flatten().collect();
        for profile in &mut page.devices.rows {
            let Some(mut own) = lists.remove(&profile.addr) else { continue };
            let mut all: Vec<_> = own
                .destinations
                .into_iter()
                .map(|((name, _), joined)| Destination {
                    name: name.map(|n| Text::from(&*n)),
                    addresses: joined.addresses,
                    services: joined.services,
                    traffic: joined.sums.traffic(period),
                })
                .collect();
            let bytes = |d: &Destination| d.traffic.sent.saturating_add(d.traffic.received);
            // Stable: those of equal weight stay in the order of their names.
            all.sort_by_key(|d| std::cmp::Reverse((bytes(d), d.traffic.flows)));
            profile.more_destinations = room(&mut all, DESTINATIONS, &mut left.0);
            profile.destinations = all;
            own.asked.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
            profile.more_names = room(&mut own.asked, NAMES, &mut left.1);
            profile.names = own.asked;
            own.certificates.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.fingerprint.cmp(&b.fingerprint)));
            profile.more_certificates = room(&mut own.certificates, CERTIFICATES, &mut left.2);
            profile.certificates = own.certificates;
        }
        page.device_entries_forgotten = self.let_go();
    }

    /// What the tables hold of each device.
    fn lists(&self, names: &Names, certificates: &Certificates, period: (i64, i64)) -> BTreeMap<Addr, Lists> {
        let mut lists: BTreeMap<Addr, Lists> = BTreeMap::new();
        let mut entries: Vec<_> = self.destinations.iter().collect();
        entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
        for (key, there) in entries {
            let told = (!key.text.is_empty()).then(|| key.text.clone());
            let name = told.or_else(|| names.name_of(key.extra).map(|n| n.to_ascii_lowercase().into()));
            let place = (name.clone(), name.is_none().then_some(key.extra));
            let joined = lists.entry(key.device).or_default().destinations.entry(place).or_default();
            joined.sums.absorb(&there.sums);
            if joined.addresses.len() < ADDRESSES && !joined.addresses.contains(&key.extra) {
                joined.addresses.push(key.extra);
            }
            let mut services: Vec<Text> = there.services.iter().map(|s| self.service(*s)).collect();
            services.sort();
            for service in services {
                if joined.services.len() < MAX_SERVICES_THERE && !joined.services.contains(&service) {
                    joined.services.push(service);
                }
            }
        }
        for (key, times) in self.asked.iter() {
            let asked = Asked {
                name: Text::from(&*key.text),
                count: times.count,
                dispersion: times.pulse.dispersion(period.0, period.1),
                first: times.first,
                last: times.last,
            };
            lists.entry(key.device).or_default().asked.push(asked);
        }
        for (key, sessions) in self.certificates.iter() {
            let (subject, issuer, not_after) = certificates.known(&key.text).unwrap_or_default();
            lists.entry(key.device).or_default().certificates.push(Shown {
                fingerprint: Text::from(&*key.text),
                own: key.extra,
                server: sessions.server.as_ref().map(|s| Text::from(&*s.1)).unwrap_or_default(),
                subject,
                issuer,
                not_after,
                count: sessions.times.count,
                dispersion: sessions.times.pulse.dispersion(period.0, period.1),
                first: sessions.times.first,
                last: sessions.times.last,
            });
        }
        lists
    }

    fn profile(&self, addr: Addr, device: &Device, period: (i64, i64), names: &Names) -> Profile {
        let services = |list: &[(Service, Sums)]| -> Vec<ServiceUse> {
            let mut all: Vec<_> = list
                .iter()
                .map(|(service, sums)| ServiceUse { service: self.service(*service), traffic: sums.traffic(period) })
                .collect();
            all.sort_by(|a, b| b.traffic.flows.cmp(&a.traffic.flows).then_with(|| a.service.cmp(&b.service)));
            all
        };
        Profile {
            addr,
            mac: self.identities.mac(addr),
            name: self.identities.name(addr).or_else(|| names.name_of(addr)).map(Text::from),
            opened: device.opened.traffic(period),
            accepted: device.accepted.traffic(period),
            outside: device.outside.traffic(period),
            one_sided: device.one_sided,
            tcp_packets: device.tcp_packets,
            retransmitted: device.retransmitted,
            speeds: device.speeds.iter().map(|(quarter, n)| (speed(*quarter), u64::from(*n))).collect(),
            times: device.times.each_ref().map(|t| t.iter().map(|(c, n)| (micros(*c), u64::from(*n))).collect()),
            hours: device.hours.iter().map(|n| u64::from(*n)).collect(),
            used: services(&device.used),
            offered: services(&device.offered),
            ..Profile::default()
        }
    }

    /// `ssl tcp/443`, `tcp/8080`, `rtp udp`, `icmp`.
    fn service(&self, service: Service) -> Text {
        let mut text = Vec::new();
        if let Some(protocol) = service.protocol {
            text.extend_from_slice(self.words.name(protocol));
            text.push(b' ');
        }
        let transport = self.words.name(service.transport);
        text.extend_from_slice(transport);
        match service.port {
            Some(port) => text.extend_from_slice(format!("/{port}").as_bytes()),
            None if service.protocol.is_none() && matches!(transport, b"tcp" | b"udp" | b"sctp") => {
                text.extend_from_slice(format!("/{FIRST_EPHEMERAL}+").as_bytes());
            }
            None => {}
        }
        Text(text)
    }
}
