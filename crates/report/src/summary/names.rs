use super::columns::{dns, http, ssh, ssl};
use super::{Tally, listing};
use crate::bounded::{Top, Weight};
use crate::cells::Cells;
use crate::page::{Listing, Name, PAGE_ROWS, Page, Software};
use sekisho_record::Text;
use sekisho_types::Addr;

/// Names of one kind told apart.
const MAX_NAMES: usize = 16_384;
/// Addresses for which a name is kept.
const MAX_NAMED_ADDRS: usize = 16_384;
/// Programs told apart.
const MAX_SOFTWARE: usize = 4_096;
/// TLS versions told apart.
const MAX_VERSIONS: usize = 64;

/// Ports at which hosts answer what was asked of everybody: NetBIOS, LLMNR.
const ASKED_ALL: [u64; 2] = [137, 5355];

/// The name by which an address was found, and how often.
#[derive(Default)]
struct Given {
    name: Box<[u8]>,
    count: u64,
}

impl Weight for Given {
    fn weight(&self) -> u64 {
        self.count
    }
}

/// Kinds of programs.
const PROGRAMS: [&str; 3] = ["http client", "ssh client", "ssh server"];

type Table = Top<Box<[u8]>, Tally>;

/// What was asked for by name.
pub(super) struct Names {
    queries: Table,
    nxdomain: Table,
    servers: Table,
    hosts: Table,
    versions: Table,
    /// As in `PROGRAMS`.
    software: [Table; 3],
    given: Top<Addr, Given>,
}

impl Names {
    pub fn new(seed: u64) -> Self {
        Self {
            queries: Top::new(MAX_NAMES, seed),
            nxdomain: Top::new(MAX_NAMES, seed),
            servers: Top::new(MAX_NAMES, seed),
            hosts: Top::new(MAX_NAMES, seed),
            versions: Top::new(MAX_VERSIONS, seed),
            software: PROGRAMS.map(|_| Top::new(MAX_SOFTWARE, seed)),
            given: Top::new(MAX_NAMED_ADDRS, seed),
        }
    }

    pub fn dns(&mut self, row: &Cells<'_>) {
        let Some(query) = row.text(dns::QUERY) else { return };
        self.queries.at_ref(query).0 += 1;
        if row.text(dns::RCODE) == Some(b"NXDOMAIN") {
            self.nxdomain.at_ref(query).0 += 1;
        }
        // What hosts answer when everybody is asked is a claim: who lies about names does just that.
        let asked_all = |port: usize| row.count(port).is_some_and(|p| ASKED_ALL.contains(&p));
        if asked_all(dns::ORIG_P) || asked_all(dns::RESP_P) {
            return;
        }
        for answer in row.items(dns::ANSWERS) {
            if let Some(addr) = Addr::from_text(answer) {
                let given = self.given.at(addr);
                // Of several names the shortest, so that the order of rows doesn't matter.
                if given.count == 0 || (query.len(), query) < (given.name.len(), &*given.name) {
                    given.name = query.into();
                }
                given.count += 1;
            }
        }
    }

    pub fn http(&mut self, row: &Cells<'_>) {
        if let Some(host) = row.text(http::HOST) {
            self.hosts.at_ref(host).0 += 1;
        }
        self.program(0, row.text(http::AGENT));
    }

    pub fn ssh(&mut self, row: &Cells<'_>) {
        self.program(1, row.text(ssh::CLIENT));
        self.program(2, row.text(ssh::SERVER));
    }

    pub fn ssl(&mut self, row: &Cells<'_>) {
        if let Some(name) = row.text(ssl::NAME) {
            self.servers.at_ref(name).0 += 1;
        }
        if let Some(version) = row.text(ssl::VERSION) {
            self.versions.at_ref(version).0 += 1;
        }
    }

    fn program(&mut self, kind: usize, name: Option<&[u8]>) {
        if let (Some(table), Some(name)) = (self.software.get_mut(kind), name) {
            table.at_ref(name).0 += 1;
        }
    }

    fn programs(&self) -> Listing<Software> {
        let mut all = Listing::default();
        for (kind, table) in PROGRAMS.into_iter().zip(&self.software) {
            let part = listing(table, |name, n| Software { kind, name: Text::from(name), count: n.0 });
            all.rows.extend(part.rows);
            all.more += part.more;
            all.exact &= part.exact;
        }
        all.rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (a.kind, &a.name).cmp(&(b.kind, &b.name))));
        let left = all.rows.len().saturating_sub(PAGE_ROWS);
        all.rows.truncate(PAGE_ROWS);
        all.more += left as u64;
        all
    }

    /// A name that a DNS answer gave to `addr`.
    pub fn name_of(&self, addr: Addr) -> Option<&[u8]> {
        self.given.get(&addr).map(|g| &*g.name)
    }

    pub fn fill(&self, page: &mut Page) {
        let names = |table: &Table| listing(table, |name, n| Name { name: Text::from(name), count: n.0 });
        page.names.dns_queries = names(&self.queries);
        page.names.nxdomain = names(&self.nxdomain);
        page.names.tls_servers = names(&self.servers);
        page.names.http_hosts = names(&self.hosts);
        page.names.software = self.programs();
        page.tls_versions = names(&self.versions);
    }
}
