//! # rogue-gateway
//! ## How
//! Who hands out network settings is learned from DHCP, router advertisements and DHCPv6. `dhcp-server`: a further server of the
//! same network offers another router or name server than the first one did. `dhcp-options`: a known server names another router or name server than before.
//! `dhcp-starvation`: many hardware addresses ask for leases within a minute. `ra`: a further router announces itself with name servers or for a prefix that the
//! first one does not have. `dhcpv6-dns`: a host that is no router names itself as name server by DHCPv6. `wpad`: a further DHCP server names a proxy
//! configuration. The stronger form `accepted`: a client took the lease.
//! ## Thresholds
//! 50 hardware addresses in 60 seconds; what is usual is known after 7 days (Sekisho's own choice).
//! ## State
//! 64 servers and 64 routers with eight addresses each, 256 hardware addresses within a minute, 256 hosts named by DHCPv6.
//! With `--state` servers and routers of earlier runs are known, too.
//! ## Severity
//! Accepted critical 0.9, offered high 0.85, starvation medium 0.7. While less than 7 days were seen, nobody knows which server is the right one: low 0.4.
//! ## Benign
//! A new server of one's own, networks of virtual machines, telephones that share their line, laboratories; pairs of servers that name the same settings (not counted).
//! ## Blind
//! Where DHCP does not pass the capture. A rogue server that was there from the beginning, alone. One that was told of in an earlier run with `--state` is known in the next.
//! ## References
//! RFC 2131, RFC 4861, RFC 6104, RFC 7610, RFC 8415; ATT&CK T1557.003.

use crate::contacts::{Contacts, secs};
use crate::detection::Scope;
use crate::history::{Carrier, Seen};
use crate::registry::Detector;
use crate::rows::{Dhcp, Dhcpv6, Kind, Ndp, Row};
use crate::{Cx, Raise};
use sekisho_finding::{About, Confidence, Measure, Origin, Quality, Reason, Severity, Stage, Traffic, What, vital};
use sekisho_types::{Addr, Interval, Timestamp, seeded_hash};

static ABOUT: About = About {
    id: "rogue-gateway",
    title: "unapproved DHCP, router or proxy announcement",
    means: "A machine hands out network settings (address, router, DNS, proxy) although another does so already.",
    techniques: &["T1557.003", "T1557"],
    stage: Stage::Credential,
    reasons: &[
        Reason { code: "dhcp-server", means: "A further DHCP server offers other settings." },
        Reason { code: "dhcp-options", means: "A DHCP server names another router or name server than before." },
        Reason { code: "dhcp-starvation", means: "Many hardware addresses ask for leases within a minute." },
        Reason { code: "ra", means: "A further router announces other settings." },
        Reason { code: "dhcpv6-dns", means: "A host that is no router names itself as name server by DHCPv6." },
        Reason { code: "wpad", means: "A further DHCP server names a proxy configuration." },
    ],
    benign: "A new server of one's own, networks of virtual machines, telephones that share their line.",
    clears: "The server is known to be one's own, or is silent for a week.",
    next: &[
        "Find the machine by its address and hardware address.",
        "See which clients took its settings, and where their traffic went.",
    ],
    needs: &[vital(What::Some(Traffic::Any)), vital(What::LinkLayer)],
};

static ABOUTS: &[&About] = &[&ABOUT];

/// Servers, routers.
const MAX_SERVERS: usize = 64;
/// Addresses kept of each.
const MAX_ADDRS: usize = 8;
/// Hosts that name servers by DHCPv6.
const MAX_NAMED: usize = 256;
/// Hardware addresses within the seconds.
const STARVED: usize = 50;
const STARVED_WITHIN: u32 = 60;
/// Since when what is usual is known.
const MATURE_AFTER: Interval = Interval::from_secs(7 * 86_400);
/// How long a server that is not heard of is known.
const KNOWN_FOR: Interval = Interval::from_secs(90 * 86_400);

#[derive(Clone)]
struct Server {
    addr: Addr,
    routers: Vec<Addr>,
    resolvers: Vec<Addr>,
    seen: Seen,
}

impl Server {
    fn new(addr: Addr, routers: Vec<Addr>, resolvers: Vec<Addr>, ts: Timestamp) -> Self {
        let mut seen = Seen::default();
        seen.again(ts, KNOWN_FOR);
        Self { addr, routers, resolvers, seen }
    }

    fn says_as(&self, other: &Self) -> bool {
        (&self.routers, &self.resolvers) == (&other.routers, &other.resolvers)
    }
}

/// The place of `server` in `list` if it is known at `ts`, and the one that was there first; one that is new takes its place,
/// if there is room.
fn find(list: &mut Vec<Server>, server: &Server, ts: Timestamp, refused: &mut u64) -> (Option<usize>, Option<Server>) {
    let at = list.iter().position(|s| s.addr == server.addr);
    let known = |s: &Server| s.seen.is_known(ts, KNOWN_FOR);
    if at.and_then(|at| list.get(at)).is_some_and(known) {
        return (at, None);
    }
    let others = list.iter().filter(|s| s.addr != server.addr && known(s));
    let first = others.min_by_key(|s| s.seen.span().0).cloned();
    if let Some(later) = list.iter_mut().find(|s| s.addr == server.addr) {
        later.seen.anew(ts, KNOWN_FOR);
        (later.routers, later.resolvers) = (server.routers.clone(), server.resolvers.clone());
    } else if list.len() < MAX_SERVERS {
        list.push(server.clone());
    } else {
        *refused += 1;
    }
    (None, first)
}

/// See the module.
pub(crate) struct RogueGateway {
    seed: u64,
    servers: Vec<Server>,
    routers: Vec<Server>,
    /// Who named itself by DHCPv6, when, in which packet.
    named: Vec<(Addr, Timestamp, u64)>,
    askers: Contacts<256>,
    starved: bool,
    refused: u64,
}

fn few(addrs: impl Iterator<Item = Addr>) -> Vec<Addr> {
    let mut all: Vec<Addr> = addrs.take(MAX_ADDRS).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn list(addrs: &[Addr]) -> String {
    super::scan_horizontal::list(addrs)
}

impl RogueGateway {
    pub fn new(scope: &Scope) -> Self {
        Self {
            seed: scope.seed,
            servers: Vec::new(),
            routers: Vec::new(),
            named: Vec::new(),
            askers: Contacts::default(),
            starved: false,
            refused: 0,
        }
    }

    fn dhcp(&mut self, dhcp: &Dhcp<'_>, cx: &mut Cx<'_>) {
        self.starvation(dhcp, cx);
        // Of an exchange that several servers answered, the row does not say who named what.
        let mut ids = dhcp.servers.addrs();
        let (Some(addr), None) = (ids.next(), ids.next()) else { return };
        let (routers, resolvers) = (few(dhcp.routers.addrs()), few(dhcp.resolvers.addrs()));
        let server = Server::new(addr, routers, resolvers, dhcp.ts);
        if server.routers.is_empty() && server.resolvers.is_empty() {
            return;
        }
        let accepted = dhcp.messages.texts().any(|m| m == b"ACK") && dhcp.assigned.is_some();
        let (at, first) = find(&mut self.servers, &server, dhcp.ts, &mut self.refused);
        let Some(at) = at else {
            if let Some(first) = first.filter(|first| is_other(first, &server, dhcp)) {
                let code = if dhcp.proxy.is_empty() { "dhcp-server" } else { "wpad" };
                raise(code, &first, &server, (dhcp.ts, dhcp.assigned, accepted), dhcp.proxy, cx);
            }
            return;
        };
        let Some(known) = self.servers.get_mut(at) else { return };
        known.seen.again(dhcp.ts, KNOWN_FOR);
        if !known.says_as(&server) {
            let before = known.clone();
            (known.routers, known.resolvers) = (server.routers.clone(), server.resolvers.clone());
            // A relay's networks have settings of their own.
            if same_net(&before, &server) {
                raise("dhcp-options", &before, &server, (dhcp.ts, dhcp.assigned, accepted), dhcp.proxy, cx);
            }
        }
    }

    fn starvation(&mut self, dhcp: &Dhcp<'_>, cx: &mut Cx<'_>) {
        if !dhcp.messages.texts().any(|m| m == b"DISCOVER") || dhcp.mac.is_empty() {
            return;
        }
        let now = secs(dhcp.ts);
        let hash = seeded_hash(self.seed, dhcp.mac);
        self.askers.add(u32::try_from(hash >> 32).unwrap_or(0), now);
        let count = self.askers.within(now, STARVED_WITHIN);
        if count < STARVED {
            return;
        }
        let times = if self.starved { 1 } else { u64::try_from(count).unwrap_or(1) };
        self.starved = true;
        let raise = Raise::new(&ABOUT, ABOUT.at(2), Addr::UNSPECIFIED, Severity::Medium, Confidence::percent(70))
            .at(dhcp.ts)
            .times(times)
            .packet(cx.packet)
            .measure(Measure::count(
                "hardware addresses within a minute",
                u64::try_from(count).unwrap_or(0),
                Some(STARVED as u64),
                "",
                Origin::Own,
            ));
        cx.raise(raise);
    }

    fn ndp(&mut self, ndp: &Ndp<'_>, cx: &mut Cx<'_>) {
        if ndp.operation != "router_advertisement" || ndp.lifetime.is_none_or(|l| l <= Interval::ZERO) {
            return;
        }
        let addr = if ndp.is_orig { ndp.orig } else { ndp.resp };
        let (prefixes, resolvers) = (few(ndp.prefixes.addrs()), few(ndp.resolvers.addrs()));
        let router = Server::new(addr, prefixes, resolvers, ndp.ts);
        let foreign = |r: &Server, first: &Server| {
            r.routers.iter().any(|p| !first.routers.contains(p))
                || r.resolvers.iter().any(|d| !first.resolvers.contains(d))
        };
        let (at, first) = find(&mut self.routers, &router, ndp.ts, &mut self.refused);
        if let Some(known) = at.and_then(|at| self.routers.get_mut(at)) {
            known.seen.again(ndp.ts, KNOWN_FOR);
        } else if let Some(first) = first.filter(|first| foreign(&router, first)) {
            raise("ra", &first, &router, (ndp.ts, None, false), b"", cx);
        }
    }

    fn dhcpv6(&mut self, row: &Dhcpv6<'_>, packet: u64) {
        if !matches!(row.message, "ADVERTISE" | "REPLY") {
            return;
        }
        let from_orig = row.resolvers.addrs().any(|a| a == row.orig);
        let from_resp = row.resolvers.addrs().any(|a| a == row.resp);
        let sender = match (from_orig, from_resp) {
            (true, _) => row.orig,
            (_, true) => row.resp,
            _ => return,
        };
        if self.named.len() < MAX_NAMED && self.named.iter().all(|n| n.0 != sender) {
            self.named.push((sender, row.ts, packet));
        }
    }
}

/// Does the further server name other settings for the same network?
fn is_other(first: &Server, server: &Server, dhcp: &Dhcp<'_>) -> bool {
    let routers = !server.routers.is_empty() && server.routers != first.routers;
    let resolvers = !server.resolvers.is_empty() && server.resolvers != first.resolvers;
    let proxy = !dhcp.proxy.is_empty();
    (routers || resolvers || proxy) && same_net(first, server)
}

/// Do the routers, or else the servers, lie in one network of 24 bits?
fn same_net(a: &Server, b: &Server) -> bool {
    let near = |x: &Addr, y: &Addr| x.octets().get(..15) == y.octets().get(..15);
    match (a.routers.first(), b.routers.first()) {
        (Some(x), Some(y)) => near(x, y),
        _ => near(&a.addr, &b.addr),
    }
}

fn raise(
    code: &'static str,
    before: &Server,
    now: &Server,
    seen: (Timestamp, Option<Addr>, bool),
    proxy: &[u8],
    cx: &mut Cx<'_>,
) {
    let (ts, client, accepted) = seen;
    let mature = cx.hosts().is_known_since(ts, MATURE_AFTER);
    let (severity, confidence) = match (mature, accepted) {
        (false, _) => (Severity::Low, 40),
        (true, true) => (Severity::Critical, 90),
        (true, false) => (Severity::High, 85),
    };
    let Some(reason) = ABOUT.reason(code) else { return };
    let words = |s: &Server| format!("{}: routers {}, name servers {}", s.addr, list(&s.routers), list(&s.resolvers));
    let mut raise = Raise::new(&ABOUT, reason, now.addr, severity, Confidence::percent(confidence))
        .at(ts)
        .packet(cx.packet)
        .quote("settings before", words(before).as_bytes(), 0)
        .quote("settings now", words(now).as_bytes(), cx.packet);
    if before.addr != now.addr {
        raise = raise.peer(before.addr);
    }
    if let Some(client) = client {
        raise = raise.peer(client);
    }
    if accepted {
        raise = raise.confirmed("accepted");
    }
    if !proxy.is_empty() {
        raise = raise.quote("proxy configuration", proxy, cx.packet);
    }
    if !mature {
        raise = raise.quality(Quality::Short);
    }
    cx.raise(raise);
}

impl Detector for RogueGateway {
    fn abouts(&self) -> &'static [&'static About] {
        ABOUTS
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Dhcp, Kind::Dhcpv6, Kind::Ndp]
    }

    fn row(&mut self, row: &Row<'_>, cx: &mut Cx<'_>) {
        match row {
            Row::Dhcp(row) => self.dhcp(row, cx),
            Row::Dhcpv6(row) => self.dhcpv6(row, cx.packet),
            Row::Ndp(row) => self.ndp(row, cx),
            _ => {}
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        // The one that announces itself as router may do that. Without any router there was no IPv6 before.
        for (host, ts, packet) in &self.named {
            if self.routers.iter().any(|r| r.addr == *host) {
                continue;
            }
            let mature = cx.hosts().is_known_since(*ts, MATURE_AFTER);
            let (severity, confidence) = if mature { (Severity::High, 85) } else { (Severity::Low, 40) };
            let mut raise = Raise::new(&ABOUT, ABOUT.at(4), *host, severity, Confidence::percent(confidence))
                .at(*ts)
                .packet(*packet);
            if !mature {
                raise = raise.quality(Quality::Short);
            }
            cx.raise(raise.benign("a router that serves DHCPv6 as well", "it announces itself as no router"));
        }
    }

    fn carry(&mut self, carrier: &mut Carrier<'_>) {
        let texts = |addrs: &[Addr]| addrs.iter().map(Addr::to_string).collect::<Vec<_>>();
        let row = |server: &Server| {
            let (first, last) = server.seen.span();
            let (routers, resolvers) = (texts(&server.routers), texts(&server.resolvers));
            Some((last, (server.addr.to_string(), routers, resolvers, first.0, last.0)))
        };
        type Fact = (String, Vec<String>, Vec<String>, i64, i64);
        let addrs = |texts: Vec<String>| texts.iter().take(MAX_ADDRS).map(|t| t.parse().ok()).collect::<Option<_>>();
        let item = |(addr, routers, resolvers, first, last): Fact| {
            let (routers, resolvers) = (addrs(routers)?, addrs(resolvers)?);
            Some(Server { addr: addr.parse().ok()?, routers, resolvers, seen: Seen::carried(first, last) })
        };
        carrier.list(("dhcp-servers", 1), &mut self.servers, MAX_SERVERS, row, item);
        carrier.list(("ipv6-routers", 1), &mut self.routers, MAX_SERVERS, row, item);
    }

    fn held_len(&self) -> usize {
        let own =
            |s: &Server| (s.routers.capacity() + s.resolvers.capacity()) * size_of::<Addr>() + size_of::<Server>();
        self.servers.iter().chain(&self.routers).map(own).sum::<usize>()
            + self.named.capacity() * size_of::<(Addr, Timestamp, u64)>()
            + self.askers.held_len()
    }

    fn forgotten(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests;
