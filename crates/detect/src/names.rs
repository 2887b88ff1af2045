//! What addresses are called: by servers of DNS, by the hosts themselves, by who asked for them.
//!
//! A host's own name is what it gives to DHCP, to NTLM as its workstation and to Kerberos as its machine. Answers to what
//! somebody else asked for on the LAN (LLMNR, NetBIOS) name nobody: who lies about names answers just so. What a host
//! announces of itself by multicast DNS counts as long as it announces one name only.

use crate::detection::Scope;
use crate::rows::{Dhcp, Dns, Kerberos, Row, Ssl};
use crate::table::Recent;
use sekisho_types::Addr;
use std::collections::BTreeMap;

/// Addresses whose names are kept.
const MAX_NAMES: usize = 65_536;

/// Longest name kept.
const MAX_NAME_LEN: usize = 253;

/// Ports at which hosts answer what was asked of everybody: NetBIOS, LLMNR.
const ASKED_ALL: [u16; 2] = [137, 5355];
/// The port of multicast DNS.
const ANNOUNCED: u16 = 5353;

/// How much a name given to DHCP weighs against one that a login brings: logins are passed on by others, too.
const BY_DHCP: u32 = 8;
/// The most that a name weighs, so that a machine can be renamed.
const MAX_VOTES: u32 = 64;

/// What an address is called.
#[derive(Default)]
struct Called {
    /// By a server of DNS, the name answered last.
    given: Box<str>,
    /// By itself, and what speaks for it: another name speaks against it.
    own: Box<str>,
    votes: u32,
    /// What it answered, to whoever asked everybody, as the last.
    answered: Box<str>,
    /// What it announces, or the name by which somebody opened TLS to it.
    claimed: Box<str>,
    /// It announces several names: none of them counts.
    is_contested: bool,
}

impl Called {
    fn best(&self) -> Option<&str> {
        let label = |name: &str| name.split('.').next().unwrap_or(name).to_ascii_lowercase();
        let whole = !self.given.is_empty() && (self.own.is_empty() || label(&self.given) == label(&self.own));
        let claimed = if self.is_contested { "" } else { &*self.claimed };
        let of = [if whole { &*self.given } else { "" }, &*self.own, claimed];
        of.into_iter().find(|name| !name.is_empty())
    }

    /// It says that this is its name.
    fn vote(&mut self, name: &str, weight: u32) {
        if self.own.eq_ignore_ascii_case(name) {
            self.votes = (self.votes + weight).min(MAX_VOTES);
        } else if self.votes >= weight {
            self.votes -= weight;
        } else {
            (self.own, self.votes) = (name.into(), weight);
        }
    }
}

/// See the module.
pub(crate) struct Names {
    of: Recent<Addr, Called>,
}

impl Names {
    pub fn new(scope: &Scope) -> Self {
        Self { of: Recent::of(scope, MAX_NAMES) }
    }

    /// By what it is found: the name that DNS gave it, else what is said of it on the LAN.
    pub fn of(&self, addr: Addr) -> Option<&str> {
        let called = self.of.peek(&addr)?;
        [&called.given, &called.claimed, &called.answered].into_iter().map(|name| &**name).find(|name| !name.is_empty())
    }

    /// What to call it in front of a person: nobody's claim.
    pub fn best(&self, addr: Addr) -> Option<&str> {
        self.of.peek(&addr).and_then(Called::best)
    }

    /// The name that DNS gave it; no neighbour's claim.
    pub fn given(&self, addr: Addr) -> Option<&str> {
        self.of.peek(&addr).map(|called| &*called.given).filter(|name| !name.is_empty())
    }

    /// What hosts that `counts` are to be called.
    pub fn all(&self, counts: &dyn Fn(Addr) -> bool) -> BTreeMap<Addr, String> {
        let named = self.of.iter().filter(|(addr, _)| counts(**addr));
        named.filter_map(|(addr, called)| Some((*addr, called.best()?.to_owned()))).collect()
    }

    /// Was it called that only by what turned out to be nobody's word?
    pub fn is_refuted(&self, addr: Addr, name: &str) -> bool {
        self.of.peek(&addr).is_some_and(|called| {
            let is = |other: &str| other.eq_ignore_ascii_case(name);
            called.is_contested && !is(&called.given) && !is(&called.own)
        })
    }

    pub fn row(&mut self, row: &Row<'_>) {
        match row {
            Row::Dhcp(dhcp) => self.dhcp(dhcp),
            Row::Dns(dns) => self.dns(dns),
            Row::Kerberos(kerberos) => self.kerberos(kerberos),
            Row::Ntlm(ntlm) => self.own(ntlm.orig, ntlm.workstation, 1),
            Row::Ssl(ssl) => self.ssl(ssl),
            _ => {}
        }
    }

    fn dhcp(&mut self, dhcp: &Dhcp<'_>) {
        if let Some(host) = dhcp.assigned.or(dhcp.client) {
            self.own(host, dhcp.host_name, BY_DHCP);
        }
    }

    /// A machine's account is its name and a dollar: `PC7$/OFFICE.EXAMPLE`.
    fn kerberos(&mut self, kerberos: &Kerberos<'_>) {
        let name = kerberos.client.split(|b| matches!(b, b'/' | b'@')).next().unwrap_or(&[]);
        if let Some(machine) = name.strip_suffix(b"$") {
            self.own(kerberos.orig, machine, 1);
        }
    }

    fn own(&mut self, addr: Addr, name: &[u8], weight: u32) {
        let name = name.trim_ascii();
        if !name.is_empty() && name.len() <= MAX_NAME_LEN && addr != Addr::UNSPECIFIED {
            self.of.at(addr, Called::default).vote(&String::from_utf8_lossy(name), weight);
        }
    }

    fn dns(&mut self, dns: &Dns<'_>) {
        let by = |port: u16| dns.resp_port == port || dns.orig_port == port;
        if dns.query.is_empty() || !matches!(dns.qtype, 1 | 28) {
            return;
        }
        let asked_all = ASKED_ALL.into_iter().any(by);
        for text in dns.answers.texts() {
            let Some(addr) = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()) else { continue };
            if asked_all {
                if let (true, Ok(name)) = (dns.query.len() <= MAX_NAME_LEN, std::str::from_utf8(dns.query)) {
                    self.of.at(addr, Called::default).answered = name.into();
                }
            } else if !by(ANNOUNCED) {
                self.note(addr, dns.query, true);
            } else if addr == dns.orig || addr == dns.resp {
                self.note(addr, dns.query, false);
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
        if by_dns {
            if *kept.given != *name {
                kept.given = name.into();
            }
        } else if kept.claimed.is_empty() {
            kept.claimed = name.into();
        } else if !kept.claimed.eq_ignore_ascii_case(&name) {
            kept.is_contested = true;
        }
    }

    pub fn forgotten(&self) -> u64 {
        self.of.forgotten()
    }
}

#[cfg(test)]
mod tests;
