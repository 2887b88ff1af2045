//! What addresses are called: the name last answered, asked for or announced for each.

use crate::detection::Scope;
use crate::rows::{Dns, Row, Ssl};
use crate::table::Recent;
use sekisho_types::Addr;

/// Addresses whose names are kept.
const MAX_NAMES: usize = 65_536;

/// Longest name kept.
const MAX_NAME_LEN: usize = 253;

/// See the module.
pub(crate) struct Names {
    of: Recent<Addr, Box<str>>,
}

impl Names {
    pub fn new(scope: &Scope) -> Self {
        Self { of: Recent::of(scope, MAX_NAMES) }
    }

    pub fn of(&self, addr: Addr) -> Option<&str> {
        self.of.peek(&addr).map(|name| &**name)
    }

    pub fn row(&mut self, row: &Row<'_>) {
        match row {
            Row::Dns(dns) => self.dns(dns),
            Row::Ssl(ssl) => self.ssl(ssl),
            _ => {}
        }
    }

    fn dns(&mut self, dns: &Dns<'_>) {
        // Names of the LAN's own protocols are claims of neighbours; they are kept as well, as what the host calls itself.
        if dns.query.is_empty() || !matches!(dns.qtype, 1 | 28) {
            return;
        }
        for text in dns.answers.texts() {
            if let Some(addr) = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()) {
                self.note(addr, dns.query);
            }
        }
    }

    fn ssl(&mut self, ssl: &Ssl<'_>) {
        if !ssl.server_name.is_empty() && self.of.peek(&ssl.resp).is_none() {
            self.note(ssl.resp, ssl.server_name);
        }
    }

    fn note(&mut self, addr: Addr, name: &[u8]) {
        if addr == Addr::UNSPECIFIED || name.len() > MAX_NAME_LEN {
            return;
        }
        let name = String::from_utf8_lossy(name);
        let kept = self.of.at(addr, Box::default);
        if **kept != *name {
            *kept = name.into();
        }
    }

    pub fn forgotten(&self) -> u64 {
        self.of.forgotten()
    }
}
