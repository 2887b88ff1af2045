//! What is known of the network and shared by all detectors. Each part sees a row before the detectors do.

use crate::catalogue::Catalogue;
use crate::detection::Scope;
use crate::dns_exchanges::Exchanges;
use crate::dns_zones::Zones;
use crate::dnssec::Dnssec;
use crate::fetches::Fetches;
use crate::history::Carrier;
use crate::hosts::Hosts;
use crate::mails::Mails;
use crate::names::Names;
use crate::outside::Outside;
use crate::rows::Row;
use crate::view::View;

/// See the module.
pub(crate) struct Known {
    pub hosts: Hosts,
    pub names: Names,
    pub exchanges: Exchanges,
    pub zones: Zones,
    pub catalogue: Catalogue,
    pub dnssec: Dnssec,
    pub mails: Mails,
    pub outside: Outside,
    pub view: View,
    pub fetches: Fetches,
}

impl Known {
    pub fn new(scope: &Scope) -> Self {
        Self {
            hosts: Hosts::new(scope),
            names: Names::new(scope),
            exchanges: Exchanges::new(scope),
            zones: Zones::new(scope),
            catalogue: Catalogue::new(scope),
            dnssec: Dnssec::new(scope),
            mails: Mails::new(scope),
            outside: Outside::new(scope),
            view: View::new(scope),
            fetches: Fetches::new(scope),
        }
    }

    /// The row that detectors see next, found while packet `packet` was looked at.
    pub fn row(&mut self, row: &Row<'_>, packet: u64) {
        self.hosts.row(row);
        self.view.row(row, &self.hosts);
        self.names.row(row);
        self.fetches.row(row, &self.hosts, &self.names, packet);
        self.exchanges.row(row);
        self.catalogue.row(row, packet);
        self.outside.row(row, &self.hosts, packet);
        self.dnssec.row(row, self.exchanges.at_hand());
        self.mails.row(row, &|addr| self.hosts.is_internal(addr));
    }

    /// See [`Detector::carry`](crate::Detector::carry).
    pub fn carry(&mut self, carrier: &mut Carrier<'_>) {
        self.hosts.carry(carrier);
        self.outside.carry(carrier);
    }

    /// The run is over; the detectors are told next.
    pub fn finish(&mut self) {
        self.dnssec.finish();
        self.view.signed(self.dnssec.judged_count());
    }

    /// The detectors have seen the row.
    pub fn after(&mut self, row: &Row<'_>) {
        self.zones.row(row, &self.exchanges);
        self.mails.after(row, &|addr| self.hosts.is_internal(addr));
    }

    /// Entries forgotten for want of room, by what they were about.
    pub fn forgotten(&self) -> [(&'static str, u64); 9] {
        [
            ("hosts", self.hosts.forgotten()),
            ("names of addresses", self.names.forgotten()),
            ("DNS exchanges", self.exchanges.forgotten()),
            ("DNS zones", self.zones.forgotten()),
            ("certificates", self.catalogue.forgotten()),
            ("DNSSEC", self.dnssec.forgotten()),
            ("mail partners", self.mails.forgotten()),
            ("places outside", self.outside.forgotten()),
            ("programs that came", self.fetches.forgotten()),
        ]
    }
}
