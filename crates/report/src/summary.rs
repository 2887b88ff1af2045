mod activity;
mod certificates;
mod columns;
mod devices;
mod ends;
mod files;
mod flows;
mod names;
mod odd;

pub use ends::KeptFlows;

use crate::bounded::{Top, Weight};
use crate::cells::{Cells, Plan, Printed};
use crate::page::PAGE_ROWS;
use crate::{Completeness, FlowEnds, Listing, Page};
use sekisho_finding::Finding;
use sekisho_record::{Record, Schema, Value, with_values};
use sekisho_types::Subnet;
use std::hash::Hash;

/// What a log's rows mean to the page.
#[derive(Clone, Copy)]
enum Log {
    Arp,
    Conn,
    Dhcp,
    Dns,
    Files,
    Ftp,
    Http,
    Quic,
    Smtp,
    Ssh,
    Ssl,
    Tunnel,
    Weird,
    X509,
}

impl Log {
    /// The log and the columns that count, by the log's name.
    fn of(name: &str) -> Option<(Self, &'static [&'static str])> {
        Some(match name {
            "arp" => (Self::Arp, columns::arp::NAMES),
            "conn" => (Self::Conn, columns::conn::NAMES),
            "dhcp" => (Self::Dhcp, columns::dhcp::NAMES),
            "dns" => (Self::Dns, columns::dns::NAMES),
            "files" => (Self::Files, columns::files::NAMES),
            "ftp" => (Self::Ftp, columns::ftp::NAMES),
            "http" => (Self::Http, columns::http::NAMES),
            "quic" => (Self::Quic, columns::quic::NAMES),
            "smtp" => (Self::Smtp, columns::smtp::NAMES),
            "ssh" => (Self::Ssh, columns::ssh::NAMES),
            "ssl" => (Self::Ssl, columns::ssl::NAMES),
            "tunnel" => (Self::Tunnel, columns::tunnel::NAMES),
            "weird" => (Self::Weird, columns::weird::NAMES),
            "x509" => (Self::X509, columns::x509::NAMES),
            _ => return None,
        })
    }
}

/// One row type.
struct Known {
    schema: &'static Schema,
    plan: Option<(Log, Plan)>,
    rows: u64,
}

/// Aggregates rows into what the audit page says, within fixed memory: every table has a named cap. Filled to all caps with
/// the longest texts it takes about 150 MB; an ordinary office of a few hundred hosts takes below 8.
pub struct Summary {
    known: Vec<Known>,
    /// Which of them the row before was.
    latest: usize,
    printed: Printed,
    /// What devices do, unless nobody wants it told.
    devices: Option<devices::Devices>,
    flows: flows::Flows,
    times: activity::Times,
    names: names::Names,
    certificates: certificates::Certificates,
    files: files::Files,
    odd: odd::Odd,
    ends: ends::Ends,
}

impl Summary {
    /// Empty. `seed` is the run's seed for tables keyed by bytes from the wire.
    pub fn new(seed: u64) -> Self {
        Self::within(seed, devices::FULL_LEN)
    }

    /// As [`Self::new`], with `memory_len` bytes for what devices do; the rest is small.
    pub fn within(seed: u64, memory_len: u64) -> Self {
        Self {
            known: Vec::new(),
            latest: 0,
            printed: Printed::default(),
            devices: Some(devices::Devices::new(seed, memory_len)),
            flows: flows::Flows::new(seed),
            times: activity::Times::new(),
            names: names::Names::new(seed),
            certificates: certificates::Certificates::new(seed),
            files: files::Files::new(seed),
            odd: odd::Odd::new(seed),
            ends: ends::Ends::none(),
        }
    }

    /// Hosts of these networks are internal and the page's devices, instead of those of [`sekisho_types::home_nets`].
    #[must_use]
    pub fn with_home_nets(mut self, nets: &[Subnet]) -> Self {
        if !nets.is_empty() {
            if let Some(devices) = &mut self.devices {
                devices.set_home(nets);
            }
            self.flows.set_home(nets);
        }
        self
    }

    /// Without what each device does ([`Page::devices`]), which only the JSON and comparisons tell, and which costs as much as the rest.
    #[must_use]
    pub fn without_devices(mut self) -> Self {
        self.devices = None;
        self
    }

    /// Remembers the ends of the flows that ended last, within `memory_len` bytes, for [`Self::flows`].
    #[must_use]
    pub fn keeping_flows(mut self, memory_len: u64) -> Self {
        self.ends = ends::Ends::within(memory_len);
        self
    }

    /// The flows that `findings` name, by uid, as far as they were kept; and how many flows were forgotten for want of room.
    pub fn flows(&self, findings: &[Finding]) -> (Vec<FlowEnds>, u64) {
        self.ends.named(findings)
    }

    /// Takes one row of any log. Rows of logs that the page doesn't know are counted only.
    pub fn add(&mut self, row: &dyn Record) {
        with_values(row, |values| self.add_values(row.schema(), values));
    }

    /// The same by the row's values.
    pub fn add_values(&mut self, schema: &'static Schema, values: &[Value<'_>]) {
        let is_it = |k: &Known| std::ptr::eq(k.schema, schema);
        let at = match self.known.get(self.latest).filter(|k| is_it(k)) {
            Some(_) => self.latest,
            None => self.known.iter().position(is_it).unwrap_or_else(|| {
                let plan = Log::of(schema.log).map(|(log, names)| (log, Plan::new(schema, names)));
                self.known.push(Known { schema, plan, rows: 0 });
                self.known.len() - 1
            }),
        };
        self.latest = at;
        let Some(known) = self.known.get_mut(at) else { return };
        known.rows += 1;
        let Some((log, plan)) = &known.plan else { return };
        let cells = &Cells::of(plan, values, &mut self.printed);
        match log {
            Log::Arp | Log::Dhcp | Log::Quic => {}
            Log::Conn => {
                self.flows.conn(cells);
                self.times.conn(cells);
                self.odd.conn(cells);
                self.ends.conn(cells);
            }
            Log::Dns => self.names.dns(cells),
            Log::Files => self.files.file(cells),
            Log::Ftp => self.files.ftp(cells),
            Log::Http => {
                self.names.http(cells);
                self.files.http(cells);
            }
            Log::Smtp => self.files.smtp(cells),
            Log::Ssh => self.names.ssh(cells),
            Log::Ssl => {
                self.names.ssl(cells);
                self.certificates.ssl(cells);
            }
            Log::Tunnel => self.odd.tunnel(cells),
            Log::Weird => self.odd.weird(cells),
            Log::X509 => self.certificates.x509(cells),
        }
        let Some(devices) = &mut self.devices else { return };
        match log {
            Log::Arp => devices.arp(cells),
            Log::Conn => devices.conn(cells),
            Log::Dhcp => devices.dhcp(cells),
            Log::Dns => devices.dns(cells),
            Log::Http => devices.http(cells),
            Log::Quic => devices.quic(cells),
            Log::Ssl => devices.ssl(cells),
            _ => {}
        }
    }

    /// The page: what was added so far and what the engine knows to be missing.
    pub fn page(&self, completeness: Completeness) -> Page {
        let mut page = Page { completeness, ..Page::default() };
        let mut logs: Vec<_> = self.known.iter().map(|k| (k.schema.log, k.rows)).collect();
        logs.sort_unstable();
        page.logs = logs;
        self.flows.fill(&mut page, &self.names);
        self.times.fill(&mut page);
        self.names.fill(&mut page);
        self.certificates.fill(&mut page);
        self.files.fill(&mut page);
        self.odd.fill(&mut page);
        if let Some(devices) = &self.devices {
            devices.fill(&mut page, &self.names, &self.certificates);
        }
        page
    }
}

/// A plain number of occurrences.
#[derive(Clone, Copy, Debug, Default)]
struct Tally(u64);

impl Weight for Tally {
    fn weight(&self) -> u64 {
        self.0
    }
}

/// Keeps the smaller value: of several examples always the same one, whatever the order of rows.
fn keep_least<T: Ord>(kept: &mut Option<T>, new: Option<T>) {
    if let Some(new) = new
        && kept.as_ref().is_none_or(|old| new < *old)
    {
        *kept = Some(new);
    }
}

/// The heaviest entries of `table` as rows: by weight, then by key, so that equal captures give equal pages.
fn listing<K: Eq + Hash + Ord, V: Weight, T>(table: &Top<K, V>, row: impl Fn(&K, &V) -> T) -> Listing<T> {
    let mut entries: Vec<(&K, &V)> = table.iter().filter(|(_, v)| v.weight() > 0).collect();
    entries.sort_unstable_by(|a, b| b.1.weight().cmp(&a.1.weight()).then_with(|| a.0.cmp(b.0)));
    let more = entries.len().saturating_sub(PAGE_ROWS) as u64 + table.let_go();
    Listing {
        rows: entries.into_iter().take(PAGE_ROWS).map(|(k, v)| row(k, v)).collect(),
        more,
        exact: table.let_go() == 0,
    }
}

#[cfg(test)]
mod tests;
