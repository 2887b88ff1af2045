//! Who is at home, what part hosts play, and how well they are seen (`detections.md` §1.2, §1.7).

use crate::detection::Scope;
use crate::history::{Carrier, UNDATED};
use crate::rows::{Conn, Dns, Row};
use crate::table::Recent;
use sekisho_finding::Quality;
use sekisho_types::{Addr, Interval, Subnets, Timestamp};

/// Hosts of which something is kept.
const MAX_HOSTS: usize = 65_536;

/// Clients or servers told apart per host and role: all that a role asks for.
const WITNESSES: usize = 10;

/// Clients that make a host a resolver, a domain controller or a proxy.
const ROLE_CLIENTS: usize = 3;

/// Authoritative servers that a resolver asks itself.
const ASKED_SERVERS: usize = 3;

/// Clients that make a host a server.
const SERVER_CLIENTS: usize = 5;

/// Hosts that a mail relay delivers to.
const MAIL_TARGETS: usize = 10;

/// Share of flows seen from one side at which volumes, ratios and failures say nothing (guard G-view), in percent.
const ONE_SIDED_PERCENT: u64 = 30;

/// Share of flows with missing bytes at which what is absent says nothing (G-loss), in percent.
const LOSS_PERCENT: u64 = 10;

/// Flows from which on shares mean something.
const MIN_FLOWS: u64 = 10;

/// What a host does for others. Inferred, so it only ever lowers a severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Answers DNS questions of several and asks several servers itself.
    Resolver,
    /// Answers Kerberos and LDAP of several.
    DomainController,
    /// Takes CONNECT or absolute requests of several.
    Proxy,
    /// Takes and sends mail.
    MailRelay,
    /// Takes connections of several on a service's port.
    Server,
}

impl Role {
    const ALL: [Self; 5] = [Self::Resolver, Self::DomainController, Self::Proxy, Self::MailRelay, Self::Server];

    /// Of a state: what it stands for never changes.
    const fn bit(self) -> u8 {
        match self {
            Self::Resolver => 1,
            Self::DomainController => 2,
            Self::Proxy => 4,
            Self::MailRelay => 8,
            Self::Server => 16,
        }
    }

    /// Why a host of that role is more likely to be harmless.
    pub(crate) const fn explanation(self) -> &'static str {
        match self {
            Self::Resolver => "it answers questions for several hosts",
            Self::DomainController => "it is a domain controller",
            Self::Proxy => "it is a proxy, others stand behind it",
            Self::MailRelay => "it passes on mail",
            Self::Server => "it is a server that five hosts at home or more use",
        }
    }
}

/// Different hosts, up to [`WITNESSES`].
#[derive(Default)]
struct Few(Vec<Addr>);

impl Few {
    fn add(&mut self, host: Addr) {
        if self.0.len() < WITNESSES && !self.0.contains(&host) {
            self.0.push(host);
        }
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

#[derive(Default)]
struct Host {
    flows: u64,
    one_sided: u64,
    dns_clients: Few,
    dns_servers: Few,
    kerberos_clients: Few,
    ldap_clients: Few,
    proxy_clients: Few,
    mail_clients: Few,
    mail_servers: Few,
    clients: Few,
    /// Roles of earlier runs: its bit, and the ends of the first and the last run in which it was inferred.
    before: Vec<(u8, Timestamp, Timestamp)>,
}

impl Host {
    fn flow(&mut self, one_sided: bool) {
        self.flows += 1;
        self.one_sided += u64::from(one_sided);
    }

    /// Does it play that part in this run?
    fn plays(&self, role: Role) -> bool {
        match role {
            Role::Resolver => self.dns_clients.len() >= ROLE_CLIENTS && self.dns_servers.len() >= ASKED_SERVERS,
            Role::DomainController => {
                self.kerberos_clients.len() >= ROLE_CLIENTS && self.ldap_clients.len() >= ROLE_CLIENTS
            }
            Role::Proxy => self.proxy_clients.len() >= ROLE_CLIENTS,
            Role::MailRelay => self.mail_clients.len() >= ROLE_CLIENTS && self.mail_servers.len() >= MAIL_TARGETS,
            Role::Server => self.clients.len() >= SERVER_CLIENTS,
        }
    }
}

/// See the module.
pub struct Hosts {
    home: Subnets,
    of: Recent<Addr, Host>,
    flows: u64,
    gaps: u64,
    cut: u64,
    /// Begin of the flow that ended first, and begin of the latest.
    began: Option<Timestamp>,
    last: Timestamp,
    /// Since when the network has been watched, by earlier runs.
    since: Vec<Timestamp>,
}

impl Hosts {
    pub(crate) fn new(scope: &Scope) -> Self {
        Self {
            home: Subnets::new(scope.home_nets.iter().copied()),
            of: Recent::of(scope, MAX_HOSTS),
            flows: 0,
            gaps: 0,
            cut: 0,
            began: None,
            last: Timestamp::default(),
            since: Vec::new(),
        }
    }

    /// Is it in the home networks, or an address of the link or the host itself?
    #[inline]
    pub fn is_internal(&self, addr: Addr) -> bool {
        self.home.contains(addr)
    }

    /// Does the host play that part?
    pub fn is(&self, addr: Addr, role: Role) -> bool {
        // A run that ended after this one began is no earlier one: it may have been of the same packets.
        let earlier = |end: Timestamp| self.began.is_none_or(|began| end < began);
        let played = |host: &Host| host.before.iter().any(|(bit, first, _)| *bit == role.bit() && earlier(*first));
        self.of.peek(&addr).is_some_and(|host| host.plays(role) || played(host))
    }

    /// What could not be seen of the host so far: reasons to hold back judgements on volumes and on what is absent.
    pub fn quality(&self, addr: Addr) -> Vec<Quality> {
        let mut all = Vec::new();
        if self.flows >= MIN_FLOWS && self.gaps * 100 >= self.flows * LOSS_PERCENT {
            all.push(Quality::Loss);
        }
        let seen = self.of.peek(&addr);
        if seen.is_some_and(|h| h.flows >= MIN_FLOWS && h.one_sided * 100 > h.flows * ONE_SIDED_PERCENT) {
            all.push(Quality::OneSided);
        }
        if self.is(addr, Role::Proxy) || self.is(addr, Role::Resolver) {
            all.push(Quality::Shared);
        }
        if self.cut > 0 {
            all.push(Quality::Cut);
        }
        all
    }

    /// Have hosts been watched that long before `ts`, so that what is usual is known?
    pub(crate) fn is_known_since(&self, ts: Timestamp, span: Interval) -> bool {
        let known = |since: &Timestamp| ts - *since >= span;
        self.began.iter().chain(&self.since).any(known)
    }

    pub(crate) fn row(&mut self, row: &Row<'_>) {
        match row {
            Row::Conn(conn) => self.conn(conn),
            Row::Dns(dns) => self.dns(dns),
            // Requests that name more than a path are for a proxy (RFC 9112 §3.2).
            Row::Http(http) if http.method == b"CONNECT" || http.uri.starts_with(b"http://") => {
                self.host(http.resp).proxy_clients.add(http.orig);
            }
            _ => {}
        }
    }

    fn host(&mut self, addr: Addr) -> &mut Host {
        self.of.at(addr, Host::default)
    }

    fn conn(&mut self, conn: &Conn<'_>) {
        let Conn { orig, resp, .. } = *conn;
        // An attempt that nobody answered is no one-sided flow: the other side said nothing.
        let one_sided = !conn.one_sided.is_empty() && conn.state != "S0" && conn.proto != "icmp";
        self.flows += 1;
        self.began.get_or_insert(conn.ts);
        self.last = self.last.max(conn.ts);
        self.gaps += u64::from(conn.orig_gap + conn.resp_gap > 0);
        self.cut += u64::from(conn.cut > 0);
        let from_inside = self.is_internal(orig);
        self.host(orig).flow(one_sided);
        let host = self.host(resp);
        host.flow(one_sided);
        let answered = conn.orig_pkts > 0 && conn.resp_pkts > 0 && !matches!(conn.state, "REJ" | "S0");
        if !answered {
            return;
        }
        let mut mail = false;
        for app in conn.app.split(|b| *b == b',') {
            match app {
                b"krb_tcp" | b"krb" => host.kerberos_clients.add(orig),
                b"ldap" | b"ldap_tcp" | b"ldap_udp" => host.ldap_clients.add(orig),
                b"smtp" => mail = true,
                _ => {}
            }
        }
        if mail {
            host.mail_clients.add(orig);
        }
        if conn.resp_port <= 1024 && from_inside {
            host.clients.add(orig);
        }
        if mail {
            self.host(orig).mail_servers.add(resp);
        }
    }

    fn dns(&mut self, dns: &Dns<'_>) {
        if dns.resp_port != 53 || dns.rcode.is_none() {
            return;
        }
        if self.is_internal(dns.orig) {
            self.host(dns.resp).dns_clients.add(dns.orig);
        }
        if dns.authoritative {
            self.host(dns.orig).dns_servers.add(dns.resp);
        }
    }

    /// Since when the network has been watched, and the roles of its hosts.
    pub(crate) fn carry(&mut self, carrier: &mut Carrier<'_>) {
        if let Some(began) = self.began {
            let since = self.since.first().map_or(began, |since| began.min(*since));
            self.since = vec![since];
        }
        let since = |since: i64| Some(Timestamp(since));
        carrier.list(("watched", 1), &mut self.since, 1, |since| Some((UNDATED, since.0)), since);
        let end = self.last;
        let row = |addr: &Addr, host: &Host| {
            let role = |role: &Role| {
                let before = host.before.iter().find(|b| b.0 == role.bit()).map(|b| (b.1, b.2));
                let here = host.plays(*role).then_some((end, end));
                let (first, last) = match (before, here) {
                    (Some(before), Some(here)) => (before.0.min(here.0), before.1.max(here.1)),
                    (one, other) => one.or(other)?,
                };
                Some((role.bit(), first.0, last.0))
            };
            let roles: Vec<_> = Role::ALL.iter().filter_map(role).collect();
            let last = roles.iter().map(|r| r.2).max()?;
            Some((Timestamp(last), (addr.to_string(), roles)))
        };
        let entry = |(addr, roles): (String, Vec<(u8, i64, i64)>)| {
            let roles = roles.iter().take(Role::ALL.len()).map(|r| (r.0, Timestamp(r.1), Timestamp(r.2)));
            Some((addr.parse().ok()?, Host { before: roles.collect(), ..Host::default() }))
        };
        carrier.table(("roles", 1), &mut self.of, row, entry);
    }

    pub(crate) fn forgotten(&self) -> u64 {
        self.of.forgotten()
    }
}
