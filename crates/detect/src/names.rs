//! What addresses are called: by servers of DNS, by the hosts themselves, by who asked for them.
//!
//! A host's own name is what it gives to DHCP, to NTLM as its workstation and to Kerberos as its machine. Logins are passed on
//! by others, too, and several may say the same: so which of its names is its own, if one is, can be told only at the end, when
//! it is known who said it how often. Answers to what somebody else asked for on the LAN (LLMNR, NetBIOS) name nobody: who
//! lies about names answers just so. What a host announces of itself by multicast DNS counts as long as it announces one name only.

use crate::detection::Scope;
use crate::rows::{Dhcp, Dns, Kerberos, Row, Ssl};
use crate::table::Recent;
use hashbrown::HashMap;
use sekisho_types::{Addr, SeededState};
use std::collections::BTreeMap;

/// Addresses whose names are kept.
const MAX_NAMES: usize = 65_536;

/// Longest name kept.
const MAX_NAME_LEN: usize = 253;

/// Ports at which hosts answer what was asked of everybody: NetBIOS, LLMNR.
const ASKED_ALL: [u16; 2] = [137, 5355];
/// The port of multicast DNS.
const ANNOUNCED: u16 = 5353;

/// How much a name given to DHCP, or of a machine's account, weighs against one that a login by NTLM brings: that is whatever the client likes.
const BY_DHCP: u32 = 8;
const BY_KERBEROS: u32 = 4;
/// The least that a name weighs.
const MIN_WEIGHT: u32 = 3;
/// Own names kept of an address.
const MAX_OWN: usize = 4;
/// A name is that address's which said it so many times as often as any other.
const SURELY: u32 = 2;

/// What an address is called.
#[derive(Default)]
struct Called {
    /// By a server of DNS, the name answered last.
    given: Box<str>,
    /// By itself, and how often: the commonest few.
    own: Vec<(Box<str>, u32)>,
    /// What it answered, to whoever asked everybody, as the last.
    answered: Box<str>,
    /// What it announces, or the name by which somebody opened TLS to it.
    claimed: Box<str>,
    /// It announces several names: none of them counts.
    is_contested: bool,
}

impl Called {
    /// Not by itself.
    fn by_others(&self) -> Option<&str> {
        let claimed = if self.is_contested { "" } else { &*self.claimed };
        [&*self.given, claimed].into_iter().find(|name| !name.is_empty())
    }

    /// It says that this is its name. A new one takes the place of the rarest, and its count, so that a machine can be renamed.
    fn say(&mut self, name: &str, weight: u32) {
        if let Some(own) = self.own.iter_mut().find(|own| own.0.eq_ignore_ascii_case(name)) {
            own.1 = own.1.saturating_add(weight);
        } else if self.own.len() < MAX_OWN {
            self.own.push((name.into(), weight));
        } else if let Some(rarest) = self.own.iter_mut().min_by_key(|own| own.1) {
            *rarest = (name.into(), rarest.1.saturating_add(weight));
        }
    }
}

/// The first label, in small letters.
fn label(name: &str) -> String {
    name.split('.').next().unwrap_or(name).to_ascii_lowercase()
}

/// See the module.
pub(crate) struct Names {
    of: Recent<Addr, Called>,
    state: SeededState,
}

impl Names {
    pub fn new(scope: &Scope) -> Self {
        Self { of: Recent::of(scope, MAX_NAMES), state: SeededState(scope.seed) }
    }

    /// The run's seed.
    pub fn seed(&self) -> u64 {
        self.state.0
    }

    /// By what it is found: the name that DNS gave it, else what is said of it on the LAN.
    pub fn of(&self, addr: Addr) -> Option<&str> {
        let called = self.of.peek(&addr)?;
        [&called.given, &called.claimed, &called.answered].into_iter().map(|name| &**name).find(|name| !name.is_empty())
    }

    /// What to call it in front of a person, as far as others say: nobody's claim. See [`Names::settled`].
    pub fn by_others(&self, addr: Addr) -> Option<&str> {
        self.of.peek(&addr).and_then(Called::by_others)
    }

    /// What hosts that `counts` are to be called, now that all was seen: the whole name if DNS has it for the own one.
    pub fn settled(&self, counts: &dyn Fn(Addr) -> bool) -> BTreeMap<Addr, String> {
        // Of each own name the two that said it most often.
        let mut said: HashMap<String, [(u32, Addr); 2], SeededState> = HashMap::with_hasher(self.state);
        for (addr, called) in self.of.iter() {
            for (name, count) in &called.own {
                let most = said.entry(label(name)).or_insert([(0, Addr::UNSPECIFIED); 2]);
                let [first, second] = *most;
                // Of two that said it as often the lower address, so that the table's order doesn't matter.
                let new = (*count, *addr);
                let before = |a: (u32, Addr), b: (u32, Addr)| a.0 > b.0 || a.0 == b.0 && a.1 < b.1;
                *most = match () {
                    () if before(new, first) => [new, first],
                    () if before(new, second) => [first, new],
                    () => [first, second],
                };
            }
        }
        let own = |addr: Addr, called: &Called| {
            let all: u32 = called.own.iter().fold(0, |sum, own| sum.saturating_add(own.1));
            let is_its = |(name, weight): &&(Box<str>, u32)| {
                *weight >= MIN_WEIGHT
                    && weight.saturating_mul(4) >= all
                    && said
                        .get(&label(name))
                        .is_some_and(|[first, second]| first.1 == addr && second.0.saturating_mul(SURELY) <= first.0)
            };
            let mut of: Vec<&(Box<str>, u32)> = called.own.iter().filter(is_its).collect();
            of.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            of.first().map(|(name, _)| name.to_string())
        };
        let name = |(addr, called): (&Addr, &Called)| {
            let (own, others) = (own(*addr, called), called.by_others());
            let whole = others.filter(|others| own.as_ref().is_none_or(|own| label(own) == label(others)));
            Some((*addr, whole.map(str::to_owned).or(own)?))
        };
        self.of.iter().filter(|(addr, _)| counts(**addr)).filter_map(name).collect()
    }

    /// The name that DNS gave it; no neighbour's claim.
    pub fn given(&self, addr: Addr) -> Option<&str> {
        self.of.peek(&addr).map(|called| &*called.given).filter(|name| !name.is_empty())
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
            self.own(kerberos.orig, machine, BY_KERBEROS);
        }
    }

    fn own(&mut self, addr: Addr, name: &[u8], weight: u32) {
        let name = name.trim_ascii();
        if !name.is_empty() && name.len() <= MAX_NAME_LEN && addr != Addr::UNSPECIFIED {
            self.of.at(addr, Called::default).say(&String::from_utf8_lossy(name), weight);
        }
    }

    fn dns(&mut self, dns: &Dns<'_>) {
        let by = |port: u16| dns.resp_port == port || dns.orig_port == port;
        if dns.query.is_empty() || !matches!(dns.qtype, 1 | 28) {
            return;
        }
        let asked_all = ASKED_ALL.into_iter().any(by);
        for addr in dns.records().filter_map(|r| r.addr) {
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
        let kept = self.of.at(addr, Called::default);
        if by_dns {
            if kept.given.as_bytes() != name {
                kept.given = String::from_utf8_lossy(name).into();
            }
            return;
        }
        let name = String::from_utf8_lossy(name);
        if kept.claimed.is_empty() {
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
