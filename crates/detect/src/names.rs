//! What addresses are called: the name last answered, asked for or announced for each.

use crate::detection::Scope;
use crate::rows::{Dns, Row, Ssl};
use crate::table::Recent;
use sekisho_types::Addr;

/// Addresses whose names are kept.
const MAX_NAMES: usize = 65_536;

/// Longest name kept.
const MAX_NAME_LEN: usize = 253;

/// Ports of the ways in which hosts of a LAN tell each other names: NetBIOS, multicast DNS, LLMNR.
const LAN: [u16; 3] = [137, 5353, 5355];

/// What an address is called.
#[derive(Default)]
struct Called {
    name: Box<str>,
    /// By a server of DNS; else somebody of the LAN claims it, or a client asked for it.
    by_dns: bool,
}

/// See the module.
pub(crate) struct Names {
    of: Recent<Addr, Called>,
}

impl Names {
    pub fn new(scope: &Scope) -> Self {
        Self { of: Recent::of(scope, MAX_NAMES) }
    }

    pub fn of(&self, addr: Addr) -> Option<&str> {
        self.of.peek(&addr).map(|called| &*called.name)
    }

    /// The name that DNS gave it; no neighbour's claim.
    pub fn given(&self, addr: Addr) -> Option<&str> {
        self.of.peek(&addr).filter(|called| called.by_dns).map(|called| &*called.name)
    }

    pub fn row(&mut self, row: &Row<'_>) {
        match row {
            Row::Dns(dns) => self.dns(dns),
            Row::Ssl(ssl) => self.ssl(ssl),
            _ => {}
        }
    }

    fn dns(&mut self, dns: &Dns<'_>) {
        // Names of the LAN's own protocols are claims of neighbours; they are kept as well, but never in place of what DNS says.
        let by_dns = !LAN.iter().any(|port| dns.resp_port == *port || dns.orig_port == *port);
        if dns.query.is_empty() || !matches!(dns.qtype, 1 | 28) {
            return;
        }
        for text in dns.answers.texts() {
            if let Some(addr) = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()) {
                self.note(addr, dns.query, by_dns);
            }
        }
    }

    fn ssl(&mut self, ssl: &Ssl<'_>) {
        if !ssl.server_name.is_empty() && self.of.peek(&ssl.resp).is_none() {
            self.note(ssl.resp, ssl.server_name, false);
        }
    }

    fn note(&mut self, addr: Addr, name: &[u8], by_dns: bool) {
        if addr == Addr::UNSPECIFIED || name.len() > MAX_NAME_LEN {
            return;
        }
        let name = String::from_utf8_lossy(name);
        let kept = self.of.at(addr, Called::default);
        if kept.by_dns && !by_dns {
            return;
        }
        kept.by_dns = by_dns;
        if *kept.name != *name {
            kept.name = name.into();
        }
    }

    pub fn forgotten(&self) -> u64 {
        self.of.forgotten()
    }
}
